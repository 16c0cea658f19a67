//! The coordinator's part: asks the homes of a key, waits for enough of them, answers, and puts right what it found old.

use std::rc::Rc;

use crate::protocols::kv::{self, Op};
use crate::sim::{Micros, NodeId, Port};

use super::store::{Stamp, Version, merge};
use super::{Message, Node, Outcome, Repair, Rules, Then, Timer, Versions, Write, mark};

/// What it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    /// What is there.
    Ask,
    /// That it is written.
    Put,
}

/// One whom it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Target {
    node: NodeId,
    /// In whose place.
    instead_of: Option<NodeId>,
    /// What it has, as one number, once it has said so.
    found: Option<u64>,
    stored: bool,
}

/// An operation that it coordinates.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Open {
    client: NodeId,
    number: u64,
    key: u32,
    op: Op,
    phase: Phase,
    targets: Vec<Target>,
    /// All that was found, or what is written.
    versions: Rc<[Version]>,
    answered: bool,
}

impl Open {
    pub(super) fn new(client: NodeId, number: u64, key: u32, op: Op) -> Open {
        let (phase, versions) = (Phase::Ask, Rc::from([]));
        Open { client, number, key, op, phase, targets: Vec::new(), versions, answered: false }
    }
    /// Whether this one still has to say something in this phase.
    fn waits(&self, target: &Target) -> bool {
        if self.phase == Phase::Ask { target.found.is_none() } else { !target.stored }
    }
}

impl Node {
    /// Asks those who are to know.
    pub(super) fn begin<P>(&mut self, port: &mut P, mut open: Open, rules: &Rules, outcome: &mut Outcome)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        self.number += 1;
        let id = self.number;
        for home in self.homes(open.key, rules) {
            let stand_in = Some(home).filter(|home| rules.sloppy && self.suspected.contains_key(home));
            let node = match stand_in {
                Some(_) => self.stand_in(&open, rules),
                None => Some(home),
            };
            open.targets.extend(node.map(|node| Target { node, instead_of: stand_in, found: None, stored: false }));
        }
        port.set(Timer::Patience(id), Micros(rules.timeout.0 / 2));
        port.set(Timer::Overdue(id), rules.timeout);
        if let (Op::Write(value), Versions::Clock) = (open.op, rules.versions) {
            let stamp = Stamp { time: port.now().0, node: port.id(), id };
            open.phase = Phase::Put;
            open.versions = Rc::from([Version { value, stamp, vector: Rc::from([]) }]);
        }
        let targets = open.targets.clone();
        self.open.insert(id, open);
        for target in targets {
            self.say(port, id, target, rules, outcome);
        }
    }

    /// The next along the ring who is well and has no part in it yet.
    fn stand_in(&self, open: &Open, rules: &Rules) -> Option<NodeId> {
        let along = self.ring.preference(u64::from(open.key), self.members.len());
        let taken = |node: &NodeId| open.targets.iter().any(|target| target.node == *node);
        along.into_iter().skip(rules.n).find(|node| !taken(node) && !self.suspected.contains_key(node))
    }

    /// Sends one target what the phase is about; to itself it says it without a message.
    fn say<P>(&mut self, port: &mut P, id: u64, target: Target, rules: &Rules, outcome: &mut Outcome)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let Some(open) = self.open.get(&id) else { return };
        let (key, versions, phase) = (open.key, open.versions.clone(), open.phase);
        let (me, hint) = (port.id(), target.instead_of);
        match phase {
            Phase::Ask if target.node == me => {
                let versions = self.settled.all(key);
                self.found(port, me, id, versions, rules, outcome);
            }
            Phase::Ask => port.send(target.node, Message::Get { id, key }),
            Phase::Put if target.node == me && self.settled.has(&Write::of(key, versions.clone(), hint)) => {
                self.stored(port, me, id, rules, outcome);
            }
            Phase::Put if target.node == me => self.put(port, key, versions, hint, Then::Stored { id, to: me }),
            Phase::Put => port.send(target.node, Message::Put { id, key, versions, hint }),
        }
    }

    /// One has said what it has.
    pub(super) fn found<P>(
        &mut self,
        port: &mut P,
        from: NodeId,
        id: u64,
        versions: Rc<[Version]>,
        rules: &Rules,
        outcome: &mut Outcome,
    ) where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let Some(open) = self.open.get_mut(&id) else { return };
        let Some(target) = open.targets.iter_mut().find(|target| target.node == from && target.found.is_none()) else {
            return;
        };
        target.found = Some(mark(&versions));
        // What comes later is no part of what is written, but a read that is answered puts right by it.
        if open.phase == Phase::Ask {
            open.versions = merge(&open.versions, &versions).into();
        }
        let count = open.targets.iter().filter(|target| target.found.is_some()).count();
        if open.phase == Phase::Ask && !open.answered && count >= rules.r.min(rules.n) {
            self.asked(port, id, rules, outcome);
        }
        self.finish(port, id, false, rules, outcome);
    }

    /// Enough have said what they have.
    fn asked<P>(&mut self, port: &mut P, id: u64, rules: &Rules, outcome: &mut Outcome)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let me = port.id();
        let Some(open) = self.open.get_mut(&id) else { return };
        if let Op::Write(value) = open.op {
            let highest = open.versions.iter().map(|version| version.stamp.time).max().unwrap_or(0);
            let (time, vector) = match rules.versions {
                Versions::Vector => (port.now().0, knowing(&open.versions, me, id)),
                Versions::Clock | Versions::Number => {
                    self.last_stamp = self.last_stamp.max(highest) + 1;
                    (self.last_stamp, Rc::from([]))
                }
            };
            open.versions = Rc::from([Version { value, stamp: Stamp { time, node: me, id }, vector }]);
        } else if !rules.read_back || open.versions.is_empty() {
            return self.answer(id, outcome);
        }
        open.phase = Phase::Put;
        let wanted = mark(&open.versions);
        for target in &mut open.targets {
            target.stored = target.found == Some(wanted);
        }
        let targets = open.targets.clone();
        for target in targets.into_iter().filter(|target| !target.stored) {
            self.say(port, id, target, rules, outcome);
        }
        self.enough(id, rules, outcome);
    }

    /// One has it on its disk.
    pub(super) fn stored<P>(&mut self, port: &mut P, from: NodeId, id: u64, rules: &Rules, outcome: &mut Outcome)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let Some(open) = self.open.get_mut(&id) else { return };
        if let Some(target) = open.targets.iter_mut().find(|target| target.node == from) {
            target.stored = true;
        }
        self.enough(id, rules, outcome);
        self.finish(port, id, false, rules, outcome);
    }

    fn enough(&mut self, id: u64, rules: &Rules, outcome: &mut Outcome) {
        let Some(open) = self.open.get(&id) else { return };
        let count = open.targets.iter().filter(|target| target.stored).count();
        if open.phase == Phase::Put && count >= rules.w.min(rules.n) {
            self.answer(id, outcome);
        }
    }

    /// Tells the client: once.
    fn answer(&mut self, id: u64, outcome: &mut Outcome) {
        let Some(open) = self.open.get_mut(&id).filter(|open| !open.answered) else { return };
        open.answered = true;
        let read = open.op == Op::Read;
        let value = open.versions.last().filter(|_| read).map(|version| version.value);
        if read {
            outcome.siblings += open.versions.len().saturating_sub(1) as u64;
        }
        outcome.answers.push((open.client, kv::Message::Done { number: open.number, value }));
    }

    /// Who has not answered by now is taken for dead; others stand in where that is allowed.
    pub(super) fn impatient<P>(&mut self, port: &mut P, id: u64, rules: &Rules, outcome: &mut Outcome)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let Some(open) = self.open.get(&id) else { return };
        let silent: Vec<Target> = open.targets.iter().filter(|target| open.waits(target)).copied().collect();
        for target in silent {
            if target.node == port.id() {
                continue;
            }
            if !self.suspected.contains_key(&target.node) {
                self.suspected.insert(target.node, ());
                outcome.suspected.push(target.node);
            }
            let Some(open) = self.open.get(&id).filter(|_| rules.sloppy) else { continue };
            let Some(node) = self.stand_in(open, rules) else { continue };
            let instead_of = Some(target.instead_of.unwrap_or(target.node));
            let target = Target { node, instead_of, found: None, stored: false };
            if let Some(open) = self.open.get_mut(&id) {
                open.targets.push(target);
            }
            self.say(port, id, target, rules, outcome);
        }
    }

    /// The time of an operation is over.
    pub(super) fn overdue<P>(&mut self, port: &mut P, id: u64, rules: &Rules, outcome: &mut Outcome)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let Some(open) = self.open.get_mut(&id) else { return };
        if !open.answered {
            open.answered = true;
            let perhaps = open.phase == Phase::Put && open.op != Op::Read;
            outcome.answers.push((open.client, kv::Message::Unable { number: open.number, perhaps }));
        }
        self.finish(port, id, true, rules, outcome);
    }

    /// Forgets an operation that is over, or must be, and puts right what it found old.
    fn finish<P>(&mut self, port: &mut P, id: u64, must: bool, rules: &Rules, outcome: &mut Outcome)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let over = |open: &Open| must || open.answered && !open.targets.iter().any(|target| open.waits(target));
        if !self.open.get(&id).is_some_and(over) {
            return;
        }
        let Some(open) = self.open.remove(&id) else { return };
        port.cancel(&Timer::Patience(id));
        port.cancel(&Timer::Overdue(id));
        let (key, wanted) = (open.key, mark(&open.versions));
        if open.phase == Phase::Ask {
            let repairs = matches!(rules.repair, Repair::Both | Repair::Reads) && open.op == Op::Read;
            let old = |target: &&Target| target.instead_of.is_none() && target.found.is_some_and(|has| has != wanted);
            for target in open.targets.iter().filter(old).filter(|_| repairs) {
                outcome.repaired += 1;
                let versions = open.versions.clone();
                if target.node == port.id() {
                    self.put(port, key, versions, None, Then::Nobody);
                } else {
                    port.send(target.node, Message::Put { id: 0, key, versions, hint: None });
                }
            }
        } else if rules.handoff && !rules.sloppy {
            // Whoever missed it is to have it later; such a hint counts for nothing.
            let me = port.id();
            for target in open.targets.iter().filter(|target| !target.stored && target.node != me) {
                self.put(port, key, open.versions.clone(), Some(target.node), Then::Nobody);
            }
        }
    }
}

/// The vector of a write that takes the place of all these.
fn knowing(versions: &[Version], me: NodeId, id: u64) -> Rc<[(NodeId, u64)]> {
    let mut vector: Vec<(NodeId, u64)> = Vec::new();
    let known = versions.iter().flat_map(|version| version.vector.iter().copied());
    for (node, count) in known.chain([(me, id)]) {
        match vector.iter_mut().find(|(other, _)| *other == node) {
            Some((_, most)) => *most = count.max(*most),
            None => vector.push((node, count)),
        }
    }
    vector.sort_unstable();
    vector.into()
}
