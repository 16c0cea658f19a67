//! A small ring on desks: what is sent is carried by hand, so that each test reads as a transcript.

use super::*;
use crate::protocols::testing::Desk;
use crate::sim::{Disk, Time};

const RULES: Rules = Rules {
    n: 3,
    r: 2,
    w: 2,
    versions: Versions::Number,
    read_back: false,
    sloppy: false,
    handoff: true,
    repair: Repair::Both,
    virtual_nodes: 8,
    timeout: Micros::ms(400),
};
const CLIENT: NodeId = NodeId(9);
const KEY: u32 = 7;

/// One machine.
struct Host {
    node: Node,
    desk: Desk<Message, Timer, Write>,
    disk: Store,
    up: bool,
}

/// All of them, and what clients were told.
struct Ring {
    hosts: Vec<Host>,
    rules: Rules,
    told: Vec<kv::Message>,
    /// What was sent, as text.
    lines: Vec<String>,
    outcome: Outcome,
}

impl Ring {
    /// Five nodes, 1 to 5.
    fn new(rules: Rules) -> Ring {
        let mut ring =
            Ring { hosts: Vec::new(), rules, told: Vec::new(), lines: Vec::new(), outcome: Outcome::default() };
        for id in 1..=5 {
            let (mut desk, disk) = (Desk::new(id), Store::default());
            let mut node = Node::boot(&mut desk, &disk);
            node.join(&[1, 2, 3, 4, 5].map(NodeId), &rules);
            ring.hosts.push(Host { node, desk, disk, up: true });
        }
        ring.settle();
        ring
    }
    fn host(&mut self, id: NodeId) -> &mut Host {
        &mut self.hosts[id.0 as usize - 1]
    }
    /// Where the key lies, in order, and then the others.
    fn along(&self) -> Vec<NodeId> {
        self.hosts[0].node.ring.preference(u64::from(KEY), 5)
    }
    fn take(&mut self, outcome: Outcome) {
        self.told.extend(outcome.answers.iter().map(|(_, answer)| answer.clone()));
        self.outcome.repaired += outcome.repaired;
        self.outcome.handed += outcome.handed;
        self.outcome.siblings += outcome.siblings;
        self.outcome.suspected.extend(outcome.suspected);
    }
    /// Everything that is written and sent comes to where it is going, until nothing is left.
    fn settle(&mut self) {
        loop {
            let mut still = true;
            for place in 0..5 {
                let rules = self.rules;
                let host = &mut self.hosts[place];
                let writes = std::mem::take(&mut host.desk.writes);
                let from = host.desk.id;
                for (write, done) in writes.into_iter().filter(|_| host.up) {
                    still = false;
                    host.disk.apply(write);
                    let outcome = done.map(|timer| host.node.on_timer(&mut host.desk, timer, &rules));
                    self.told.extend(outcome.iter().flat_map(|o| o.answers.iter().map(|(_, told)| told.clone())));
                }
                for (to, message) in self.host(from).desk.sent() {
                    still = false;
                    self.lines.push(format!("{from} {to} {} {}", message.name(), message.summary()));
                    if self.host(to).up {
                        let host = self.host(to);
                        let outcome = host.node.on_message(&mut host.desk, from, message, &rules);
                        self.take(outcome);
                    }
                }
            }
            if still {
                return;
            }
        }
    }
    /// A client asks, and everything settles.
    fn ask(&mut self, at: NodeId, number: u64, op: Op) -> Vec<kv::Message> {
        let rules = self.rules;
        let host = self.host(at);
        host.desk.now += Micros::ms(10);
        let outcome = host.node.ask(&mut host.desk, CLIENT, number, KEY, op, &rules);
        self.take(outcome);
        self.settle();
        std::mem::take(&mut self.told)
    }
    /// A node's timers of these kinds run out.
    fn run_out(&mut self, at: NodeId, which: fn(&Timer) -> bool) -> Vec<kv::Message> {
        let rules = self.rules;
        let host = self.host(at);
        let (due, rest) = std::mem::take(&mut host.desk.timers).into_iter().partition(|(timer, _)| which(timer));
        host.desk.timers = rest;
        let due: Vec<(Timer, Time)> = due;
        for (timer, _) in due {
            let host = self.host(at);
            let outcome = host.node.on_timer(&mut host.desk, timer, &rules);
            self.take(outcome);
        }
        self.settle();
        std::mem::take(&mut self.told)
    }
    fn has(&mut self, id: NodeId) -> Vec<u64> {
        self.host(id).disk.get(KEY).iter().map(|version| version.value).collect()
    }
    /// Beats until nobody has news for anybody.
    fn beats(&mut self) {
        for _ in 0..20 {
            for id in 1..=5 {
                let rules = self.rules;
                let host = self.host(NodeId(id));
                if host.up {
                    host.node.beat(&mut host.desk, &rules);
                }
            }
            self.settle();
        }
    }
}

fn done(number: u64, value: Option<u64>) -> Vec<kv::Message> {
    vec![kv::Message::Done { number, value }]
}

use crate::protocols::Wire as _;

#[test]
fn a_write_waits_for_w_of_n_and_a_read_for_r() {
    let mut ring = Ring::new(RULES);
    let along = ring.along();
    // Any node coordinates: here one that has no part in the key.
    assert_eq!(ring.ask(along[4], 1, Op::Write(11)), done(1, None));
    assert_eq!(ring.ask(along[3], 2, Op::Read), done(2, Some(11)));
    assert_eq!(along.iter().map(|id| ring.has(*id).len()).collect::<Vec<_>>(), [1, 1, 1, 0, 0]);
    // The same question again is not done again.
    assert_eq!(ring.ask(along[4], 1, Op::Write(11)), []);
    // Two of three are gone: no quorum.
    ring.host(along[0]).up = false;
    ring.host(along[1]).up = false;
    assert_eq!(ring.ask(along[4], 3, Op::Write(12)), []);
    let told = ring.run_out(along[4], |timer| matches!(timer, Timer::Overdue(_)));
    // It asks for the highest number first, and that did not end: nothing was written.
    assert_eq!(told, [kv::Message::Unable { number: 3, perhaps: false }]);
    assert_eq!(ring.ask(along[4], 4, Op::Cas(1, 2)), [kv::Message::Unable { number: 4, perhaps: false }]);
}

#[test]
fn one_that_missed_a_write_gets_it_from_a_hint() {
    let mut ring = Ring::new(Rules { repair: Repair::None, ..RULES });
    let along = ring.along();
    ring.host(along[0]).up = false;
    assert_eq!(ring.ask(along[1], 1, Op::Write(11)), done(1, None));
    ring.run_out(along[1], |timer| matches!(timer, Timer::Patience(_)));
    assert_eq!(ring.outcome.suspected, [along[0]]);
    ring.run_out(along[1], |timer| matches!(timer, Timer::Overdue(_)));
    assert_eq!(ring.host(along[1]).disk.hints().count(), 1);
    ring.host(along[0]).up = true;
    ring.beats();
    assert_eq!((ring.has(along[0]), ring.outcome.handed), (vec![11], 1));
    assert_eq!(ring.host(along[1]).disk.hints().count(), 0, "what was handed over is let go");
}

#[test]
fn one_that_missed_a_write_is_put_right_by_a_read_or_by_comparing_and_never_without() {
    for (repair, handed) in [(Repair::Reads, true), (Repair::Exchange, true), (Repair::None, false)] {
        let mut ring = Ring::new(Rules { repair, handoff: false, ..RULES });
        let along = ring.along();
        ring.host(along[0]).up = false;
        ring.ask(along[1], 1, Op::Write(11));
        ring.run_out(along[1], |timer| matches!(timer, Timer::Overdue(_)));
        ring.host(along[0]).up = true;
        if repair == Repair::Reads {
            assert_eq!(ring.ask(along[2], 2, Op::Read), done(2, Some(11)));
            assert_eq!(ring.outcome.repaired, 1);
        }
        ring.beats();
        assert_eq!(!ring.has(along[0]).is_empty(), handed, "{repair:?}");
    }
}

#[test]
fn a_sloppy_quorum_writes_where_a_strict_one_refuses_and_a_read_may_miss_it() {
    let mut ring = Ring::new(Rules { sloppy: true, repair: Repair::None, versions: Versions::Clock, ..RULES });
    let along = ring.along();
    for id in &along[..2] {
        ring.host(*id).up = false;
    }
    // The coordinator waits in vain, takes both for dead, and two others stand in.
    assert_eq!(ring.ask(along[4], 1, Op::Write(11)), []);
    assert_eq!(ring.run_out(along[4], |timer| matches!(timer, Timer::Patience(_))), done(1, None));
    assert_eq!(ring.host(along[3]).disk.hints().map(|(to, _, _)| to).collect::<Vec<_>>(), [along[0]]);
    // Both come back before they are told, and the third goes: two of three homes answer, and know nothing.
    for id in &along[..2] {
        ring.host(*id).up = true;
    }
    ring.host(along[2]).up = false;
    assert_eq!(ring.ask(along[0], 2, Op::Read), done(2, None));
    ring.beats();
    assert_eq!(ring.ask(along[0], 3, Op::Read), done(3, Some(11)), "the hints were handed over");
}

#[test]
fn vectors_keep_what_was_written_apart_and_a_write_that_saw_both_takes_their_place() {
    let mut ring = Ring::new(Rules { versions: Versions::Vector, r: 1, w: 1, handoff: false, ..RULES });
    let along = ring.along();
    // Each of two homes is alone with one client.
    let alone = |ring: &mut Ring, at: NodeId| (1..=5).for_each(|id| ring.host(NodeId(id)).up = NodeId(id) == at);
    alone(&mut ring, along[0]);
    assert_eq!(ring.ask(along[0], 1, Op::Write(11)), done(1, None));
    alone(&mut ring, along[1]);
    assert_eq!(ring.ask(along[1], 2, Op::Write(12)), done(2, None));
    (1..=5).for_each(|id| ring.host(NodeId(id)).up = true);
    ring.beats();
    let mut both = ring.has(along[2]);
    both.sort_unstable();
    assert_eq!(both, [11, 12]);
    ring.ask(along[2], 3, Op::Read);
    assert_eq!(ring.outcome.siblings, 1);
    assert_eq!(ring.ask(along[2], 4, Op::Write(13)), done(4, None));
    assert_eq!(ring.has(along[0]), [13]);
}

#[test]
fn the_last_writer_is_whoever_has_the_clock_ahead() {
    let mut ring = Ring::new(Rules { versions: Versions::Clock, ..RULES });
    let along = ring.along();
    ring.host(along[0]).desk.now = Time(5_000_000);
    ring.ask(along[0], 1, Op::Write(11));
    assert_eq!(ring.ask(along[1], 2, Op::Write(12)), done(2, None));
    assert_eq!(ring.ask(along[1], 3, Op::Read), done(3, Some(11)), "an acknowledged write is lost");
    // Who asks first is later than what it found.
    let mut ring = Ring::new(RULES);
    ring.host(along[0]).desk.now = Time(5_000_000);
    ring.ask(along[0], 1, Op::Write(11));
    ring.ask(along[1], 2, Op::Write(12));
    assert_eq!(ring.ask(along[1], 3, Op::Read), done(3, Some(12)));
}

#[test]
fn a_read_that_writes_back_leaves_what_it_saw_with_a_quorum() {
    for (read_back, left) in [(false, 1), (true, 2)] {
        let mut ring = Ring::new(Rules { read_back, repair: Repair::None, handoff: false, ..RULES });
        let along = ring.along();
        // A write that came no further than its first home.
        ring.host(along[1]).up = false;
        ring.host(along[2]).up = false;
        let version = Version { value: 11, stamp: Stamp { time: 1, node: along[0], id: 1 }, vector: Rc::from([]) };
        ring.host(along[0]).node.put(&mut Desk::new(1), KEY, Rc::from([version.clone()]), None, Then::Nobody);
        ring.host(along[0]).node.settled.apply(Write::Merge { key: KEY, versions: Rc::from([version.clone()]) });
        ring.host(along[0]).disk.apply(Write::Merge { key: KEY, versions: Rc::from([version]) });
        ring.host(along[1]).up = true;
        assert_eq!(ring.ask(along[0], 1, Op::Read), done(1, Some(11)));
        let holders = along.iter().filter(|id| !ring.hosts[id.0 as usize - 1].disk.get(KEY).is_empty()).count();
        assert_eq!(holders, left);
    }
}

#[test]
fn merging_is_commutative_associative_and_idempotent() {
    let mut luck = crate::sim::Stream::new(7, crate::sim::Purpose::Faults);
    for round in 0..2_000 {
        let vectors = round % 2 == 0;
        // What any writes can have come to: a vector says the same of a coordinator's writes wherever it stands.
        let mut version = |id: u64| {
            let stamp = Stamp { time: luck.below(4), node: NodeId(id as u32 % 3), id };
            let mut vector: Vec<(NodeId, u64)> = (0..3).map(|node| (NodeId(node), luck.below(3))).collect();
            vector[id as usize % 3].1 = 3 + id;
            Version { value: id, stamp, vector: if vectors { vector.into() } else { Rc::from([]) } }
        };
        let some: Vec<Version> = (0..6).map(&mut version).collect();
        let (a, b, c) = (merge(&[], &some[..2]), merge(&[], &some[1..4]), merge(&[], &some[3..]));
        assert_eq!(merge(&a, &b), merge(&b, &a));
        assert_eq!(merge(&merge(&a, &b), &c), merge(&a, &merge(&b, &c)));
        assert_eq!(merge(&a, &a), a);
    }
}
