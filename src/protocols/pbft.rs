//! PBFT (Castro and Liskov, «Practical Byzantine Fault Tolerance», OSDI 1999): a state machine on n = 3f + 1 replicas, of
//! which f may do anything: be silent, lie, and tell some the one and others the other.
//!
//! ```text
//! client        primary        backups
//!   │ REQUEST ────▶│
//!   │              │ PRE-PREPARE v, n, m ─▶│ the primary gives m the number n
//!   │              │ ◀─ PREPARE v, n, d ─▶ │ everyone to everyone: I was told so, too
//!   │              │    2f of them match the pre-prepare: prepared
//!   │              │ ◀─ COMMIT v, n, d ──▶ │ everyone to everyone: enough were told so
//!   │              │    2f + 1 match: executed, in the order of n
//!   │ ◀─ REPLY ────┴───────────────────────│ f + 1 that are equal are the answer
//! ```
//!
//! Why two rounds. Any two quorums of 2f + 1 of 3f + 1 share f + 1, and so an honest one, which says the same to all: in
//! one view no two requests are prepared under one number. COMMIT is for the next view. Who executes has heard from 2f + 1
//! that it is prepared there, of whom f + 1 are honest; whoever begins another view hears from 2f + 1 what is prepared with
//! them, and so from one of these. A client believes what f + 1 say, of whom one is honest.
//!
//! Whoever has a request that is not executed in time gives the primary up (VIEW-CHANGE); the next one begins its view with
//! what 2f + 1 of them have prepared (NEW-VIEW), which everyone can work out again. Every so many requests the replicas
//! compare their states (CHECKPOINT); what 2f + 1 agree on is stable, and what was before is forgotten.
//!
//! Simpler than there: nobody can pretend to be another, as if each message were authenticated, and what a message says
//! that others have said is believed, as if it carried their signatures; those who lie here forge none. What a replica
//! says it keeps on its disk, so that one which crashes and comes back is no liar (in the paper it would count as faulty).
//! States are sent as wholes; requests are not gathered in batches; reads go the same way as writes.

use std::rc::Rc;

use crate::sim::{Micros, NodeId, Port, Scale, Table, Time};

use super::kv;
use super::raft::{Command, Effect};

mod change;
mod client;
mod settle;
mod wire;

#[cfg(test)]
mod tests;

pub use client::{Believes, Client, Outcome};
pub use wire::{Change, Core, Mark, Message, NewView, Prepared, Seq, Slot, Stable, Store, Told, View, Write, mark_of};

/// How many clients' requests a replica keeps at once; one more is not taken.
pub const WAITING: usize = 256;
/// How many replicas there are at most.
pub const MAX_REPLICAS: usize = 64;
/// How many checkpoints, and how many views, it collects what others say of; the oldest go.
pub const COLLECTED: usize = 16;
/// How often the patience with a primary doubles at most.
const DOUBLINGS: u32 = 3;

crate::choice! {
    /// What a faulty replica does.
    #[derive(Default)]
    pub enum Lies {
        /// Nothing wrong.
        #[default]
        None = "none",
        /// It says nothing at all.
        Silent = "silent",
        /// As a primary it tells some that one request is before another, and others the opposite, and agrees with each.
        Equivocates = "equivocates",
        /// It prepares and commits what nobody proposed, and answers clients wrongly.
        Answers = "answers-wrongly",
    }
}

crate::choice! {
    /// A mistake that is made on purpose.
    #[derive(Default)]
    pub enum Mistake {
        /// None.
        #[default]
        None = "none",
        /// 2f are a quorum.
        SmallQuorum = "quorum-of-2f",
        /// What the primary says is committed at once, without a round of PREPARE.
        NoPrepare = "no-prepare",
    }
}

/// How a replica goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How many may be faulty.
    pub f: u32,
    /// After how many requests there is a checkpoint; the high water mark is twice as far from the low one.
    pub checkpoint: u64,
    /// How long a request may wait before the primary is given up; twice as long with each that is given up in vain.
    pub patience: Micros,
    /// What it does if it is faulty.
    pub lies: Lies,
    /// What it does wrongly.
    pub mistake: Mistake,
}

impl Rules {
    /// How many make a quorum.
    pub fn quorum(&self) -> usize {
        let f = self.f as usize;
        if self.mistake == Mistake::SmallQuorum { (2 * f).max(1) } else { 2 * f + 1 }
    }
}

/// What a replica waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// For a request to be executed, or for a new view to begin.
    Patience,
    /// To say again that it changes its view.
    Again,
}

/// What has happened, for the host to tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum News {
    /// For checks and the log.
    Told(Told),
    /// A message was sent, of this name.
    Sent(&'static str),
}

/// A replica.
#[derive(Clone, Debug, Hash)]
pub struct Replica {
    me: NodeId,
    core: Rc<Core>,
    saved: Rc<Core>,
    /// What clients ask for and is not executed: the last request of each.
    waiting: Table<NodeId, Command>,
    /// Who says what of the states at checkpoints.
    checkpoints: Table<Seq, Table<NodeId, Mark>>,
    /// Who changes to which view.
    changes: Table<View, Table<NodeId, Rc<Change>>>,
    /// How many views in a row came to nothing.
    vain: u32,
    /// Pre-prepares of a view that has not begun here.
    early: Table<Seq, (View, Command)>,
    /// When it last asked for what it lacks.
    fetched: Option<Time>,
    news: Vec<News>,
}

/// Anything that a replica can be hosted by.
pub trait Host: Port<Message = Message, Timer = Timer, Write = Write> {}
impl<P: Port<Message = Message, Timer = Timer, Write = Write>> Host for P {}

impl Replica {
    /// Starts, and starts again. `founders` are the replicas where the disk knows none: empty for one that came later.
    pub fn boot<P: Host>(port: &mut P, disk: &Store, founders: &[NodeId], rules: &Rules) -> Replica {
        let mut replica = Replica {
            me: port.id(),
            core: disk.0.clone(),
            saved: disk.0.clone(),
            waiting: Table::new(),
            checkpoints: Table::new(),
            changes: Table::new(),
            vain: 0,
            early: Table::new(),
            fetched: None,
            news: Vec::new(),
        };
        if replica.core.replicas.is_empty() && !founders.is_empty() {
            replica.keep().replicas = founders.iter().copied().take(MAX_REPLICAS).collect();
        }
        if replica.core.changing {
            replica.say_change(port, rules);
        }
        replica.save(port);
        replica
    }

    /// What has happened since one last asked.
    pub fn news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }
    /// What it keeps.
    pub fn core(&self) -> &Core {
        &self.core
    }
    /// Who is the primary of its view.
    pub fn primary(&self) -> Option<NodeId> {
        self.primary_of(self.core.view)
    }
    /// Whether it is.
    pub fn is_primary(&self) -> bool {
        self.primary() == Some(self.me) && !self.core.changing
    }
    /// How many requests wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }
    /// Puts what copies share on the scale.
    pub fn weigh(&self, scale: &mut Scale) {
        self.core.weigh(scale);
        self.saved.weigh(scale);
    }

    fn primary_of(&self, view: View) -> Option<NodeId> {
        let replicas = &self.core.replicas;
        replicas.get((view % replicas.len().max(1) as u64) as usize).copied()
    }
    fn keep(&mut self) -> &mut Core {
        Rc::make_mut(&mut self.core)
    }
    fn slot(&mut self, seq: Seq) -> &mut Slot {
        self.keep().slots.or_default(seq)
    }
    fn tell(&mut self, told: Told) {
        self.news.push(News::Told(told));
    }
    /// Puts on the disk what has changed.
    fn save<P: Host>(&mut self, port: &mut P) {
        if !Rc::ptr_eq(&self.core, &self.saved) {
            self.saved = self.core.clone();
            port.persist(Write(self.core.clone()), None);
        }
    }
    fn honest(&self, rules: &Rules) -> bool {
        rules.lies == Lies::None && !self.core.lied
    }
    fn send<P: Host>(&mut self, port: &mut P, rules: &Rules, to: NodeId, message: Message) {
        if rules.lies != Lies::Silent {
            self.news.push(News::Sent(super::Wire::name(&message)));
            port.send(to, message);
        }
    }
    fn others(&self) -> Vec<NodeId> {
        self.core.replicas.iter().filter(|other| **other != self.me).copied().collect()
    }
    fn tell_all<P: Host>(&mut self, port: &mut P, rules: &Rules, message: &Message) {
        for other in self.others() {
            self.send(port, rules, other, message.clone());
        }
    }
    /// The high water mark.
    fn high(&self, rules: &Rules) -> Seq {
        self.core.stable.seq + 2 * rules.checkpoint
    }
    fn patience(&self, rules: &Rules) -> Micros {
        Micros(rules.patience.0 << self.vain.saturating_sub(1).min(DOUBLINGS))
    }
    /// What was lied about, if anything: digests that stand for nothing.
    fn said(mark: Mark, rules: &Rules) -> Mark {
        if rules.lies == Lies::Answers { !mark } else { mark }
    }

    /// A client asks, by itself or through another replica.
    fn on_request<P: Host>(&mut self, port: &mut P, rules: &Rules, from: NodeId, command: Command) {
        let Command::Ask { client, number, .. } = command else { return };
        match self.core.machine.session(client) {
            Some((last, came)) if last == number => return self.reply(port, rules, client, came.answer(number)),
            Some((last, _)) if last > number => return,
            _ => {}
        }
        let known = self.waiting.get(&client) == Some(&command);
        if !known && self.waiting.len() >= WAITING && !self.waiting.contains_key(&client) {
            return;
        }
        self.waiting.insert(client, command.clone());
        if self.is_primary() {
            if known && from == client {
                self.propose_again(port, rules, &command);
            }
            self.propose(port, rules);
        } else if from == client && !self.core.changing {
            if let Some(primary) = self.primary() {
                self.send(port, rules, primary, Message::Request { command });
            }
            if !known {
                self.be_patient(port, rules, false);
            }
        }
    }

    /// Waits for what is to be executed, from now on if `anew`.
    fn be_patient<P: Host>(&mut self, port: &mut P, rules: &Rules, anew: bool) {
        if self.core.changing {
            return;
        }
        if self.waiting.is_empty() || self.is_primary() {
            return port.cancel(&Timer::Patience);
        }
        if anew || self.waiting.len() == 1 {
            port.set(Timer::Patience, self.patience(rules));
        }
    }

    fn reply<P: Host>(&mut self, port: &mut P, rules: &Rules, client: NodeId, answer: kv::Message) {
        let answer = match answer {
            kv::Message::Done { number, value } if rules.lies == Lies::Answers => {
                kv::Message::Done { number, value: Some(value.map_or(666, |value| value ^ 1)) }
            }
            other => other,
        };
        let view = self.core.view;
        self.send(port, rules, client, Message::Reply { view, answer });
    }

    /// What waits and has no number in this view.
    fn unnumbered(&self) -> Vec<Command> {
        let numbered = |command: &&Command| {
            self.core.slots.iter().any(|(seq, slot)| {
                let here =
                    slot.proposal.as_ref().is_some_and(|(view, value, _)| *view == self.core.view && value == *command);
                *seq > self.core.executed && here
            })
        };
        self.waiting.values().filter(|command| !numbered(command)).cloned().collect()
    }

    /// The primary gives numbers to what waits.
    fn propose<P: Host>(&mut self, port: &mut P, rules: &Rules) {
        if rules.lies == Lies::Equivocates {
            return self.equivocate(port, rules);
        }
        let high = self.high(rules);
        for command in self.unnumbered() {
            if self.core.given >= high {
                break;
            }
            self.keep().given += 1;
            let (view, seq) = (self.core.view, self.core.given);
            self.slot(seq).proposal = Some((view, command.clone(), mark_of(&command)));
            self.tell_all(port, rules, &Message::PrePrepare { view, seq, command });
            self.accepted(port, rules, seq);
        }
    }

    /// A client still waits: what has a number already may have been lost on its way.
    fn propose_again<P: Host>(&mut self, port: &mut P, rules: &Rules, command: &Command) {
        let (now, executed) = (self.core.view, self.core.executed);
        let same =
            |slot: &Slot| slot.proposal.as_ref().is_some_and(|(view, value, _)| (*view, value) == (now, command));
        let open = self.core.slots.iter().find(|(seq, slot)| **seq > executed && same(slot));
        let Some(seq) = open.map(|(seq, _)| *seq).filter(|_| rules.lies != Lies::Equivocates) else { return };
        self.tell_all(port, rules, &Message::PrePrepare { view: now, seq, command: command.clone() });
        self.say_again(port, rules, seq);
    }

    /// Says once more what it has said of a request in this view.
    fn say_again<P: Host>(&mut self, port: &mut P, rules: &Rules, seq: Seq) {
        let Some(slot) = self.core.slots.get(&seq) else { return };
        let Some((view, _, mark)) = slot.proposal.clone().filter(|(view, _, _)| *view == self.core.view) else {
            return;
        };
        let prepared = slot.prepared.as_ref().is_some_and(|prepared| prepared.view == view);
        let mark = Replica::said(mark, rules);
        if !self.is_primary() && rules.mistake != Mistake::NoPrepare {
            self.tell_all(port, rules, &Message::Prepare { view, seq, mark });
        }
        if prepared {
            self.tell_all(port, rules, &Message::Commit { view, seq, mark });
        }
    }

    /// A faulty primary gives two requests the numbers n and n + 1, to each of the others in an order that it draws, and
    /// commits with each what it told it.
    fn equivocate<P: Host>(&mut self, port: &mut P, rules: &Rules) {
        let unnumbered = self.unnumbered();
        for pair in unnumbered.chunks_exact(2) {
            if self.core.given + 2 > self.high(rules) {
                break;
            }
            let (view, first) = (self.core.view, self.core.given + 1);
            let core = self.keep();
            (core.given, core.lied) = (first + 1, true);
            for (seq, command) in (first..).zip(pair) {
                self.slot(seq).proposal = Some((view, command.clone(), mark_of(command)));
            }
            for other in self.others() {
                let turned = port.rng().bits() & 1 == 1;
                for (place, seq) in (first..first + 2).enumerate() {
                    let command = pair[place ^ usize::from(turned)].clone();
                    let mark = mark_of(&command);
                    self.send(port, rules, other, Message::PrePrepare { view, seq, command });
                    self.send(port, rules, other, Message::Commit { view, seq, mark });
                }
            }
        }
    }

    fn on_pre_prepare<P: Host>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        from: NodeId,
        view: View,
        seq: Seq,
        command: Command,
    ) {
        let Command::Ask { client, number, .. } = command else { return };
        if self.primary_of(view) != Some(from) || !self.heeds(rules, view, seq) {
            return;
        }
        if view > self.core.view || self.core.changing {
            self.early.insert(seq, (view, command));
            return;
        }
        let mark = mark_of(&command);
        let before = self.core.slots.get(&seq).and_then(|slot| slot.proposal.as_ref());
        if let Some((_, _, of)) = before.filter(|(in_view, _, _)| *in_view == view) {
            if *of == mark {
                self.say_again(port, rules, seq);
            }
            return;
        }
        let last = self.core.machine.session(client).map_or(0, |(last, _)| last);
        if last < number && (self.waiting.len() < WAITING || self.waiting.contains_key(&client)) {
            let known = self.waiting.get(&client) == Some(&command);
            self.waiting.insert(client, command.clone());
            if !known {
                self.be_patient(port, rules, false);
            }
        }
        self.slot(seq).proposal = Some((view, command, mark));
        self.accepted(port, rules, seq);
    }

    /// It has a pre-prepare: a backup says so to all.
    fn accepted<P: Host>(&mut self, port: &mut P, rules: &Rules, seq: Seq) {
        let Some((view, _, mark)) = self.slot(seq).proposal.clone() else { return };
        if !self.is_primary() && rules.mistake != Mistake::NoPrepare {
            let me = self.me;
            self.slot(seq).prepares.insert(me, (view, mark));
            self.tell_all(port, rules, &Message::Prepare { view, seq, mark: Replica::said(mark, rules) });
        }
        self.advance(port, rules, seq);
    }

    /// Looks whether a request is prepared, and committed.
    fn advance<P: Host>(&mut self, port: &mut P, rules: &Rules, seq: Seq) {
        let (view, primary, me) = (self.core.view, self.primary(), self.me);
        // A primary that tells two tales has agreed with everyone already.
        if self.core.changing || (rules.lies == Lies::Equivocates && primary == Some(me)) {
            return;
        }
        let Some(slot) = self.core.slots.get(&seq) else { return };
        let Some((of, value, mark)) = slot.proposal.clone().filter(|(of, _, _)| *of == view) else { return };
        let same = |said: &(View, Mark)| *said == (of, mark);
        let prepares = slot.prepares.iter().filter(|(who, said)| Some(**who) != primary && same(said));
        let signers: Vec<NodeId> = prepares.map(|(who, _)| *who).collect();
        let already = slot.prepared.as_ref().is_some_and(|prepared| prepared.view == view);
        if !already && (signers.len() + 1 >= rules.quorum() || rules.mistake == Mistake::NoPrepare) {
            let honest = self.honest(rules);
            self.tell(Told::Prepared { view, seq, value: value.clone(), honest });
            let slot = self.slot(seq);
            slot.prepared = Some(Prepared { view, seq, value: value.clone(), signers });
            slot.commits.insert(me, (view, mark));
            self.tell_all(port, rules, &Message::Commit { view, seq, mark: Replica::said(mark, rules) });
        }
        let Some(slot) = self.core.slots.get(&seq) else { return };
        let prepared = slot.prepared.as_ref().is_some_and(|prepared| prepared.view == view);
        let commits = slot.commits.values().filter(|said| same(said)).count();
        if prepared && commits >= rules.quorum() && slot.committed.is_none() {
            self.slot(seq).committed = Some(value);
            self.execute(port, rules);
        }
    }

    /// Executes what is committed, in its order.
    fn execute<P: Host>(&mut self, port: &mut P, rules: &Rules) {
        let mut done = false;
        while let Some(value) = self.core.slots.get(&(self.core.executed + 1)).and_then(|slot| slot.committed.clone()) {
            let honest = self.honest(rules);
            let core = self.keep();
            core.executed += 1;
            let seq = core.executed;
            let effects = Rc::make_mut(&mut core.machine).apply(&value);
            self.tell(Told::Executed { seq, value: value.clone(), honest });
            for effect in effects {
                if let Effect::Answer(client, answer) = effect {
                    self.reply(port, rules, client, answer);
                }
            }
            self.forget_done();
            (done, self.vain) = (true, 0);
            if seq.is_multiple_of(rules.checkpoint.max(1)) {
                self.checkpoint(port, rules, seq);
            }
        }
        if done {
            self.be_patient(port, rules, true);
        }
    }

    /// Forgets requests that are executed.
    fn forget_done(&mut self) {
        let machine = self.core.machine.clone();
        let open = |client: &NodeId, command: &Command| match command {
            Command::Ask { number, .. } => machine.session(*client).is_none_or(|(last, _)| last < *number),
            _ => false,
        };
        self.waiting.retain(|client, command| open(client, command));
    }

    /// Somebody is in a later view: what is there to know of it?
    fn ahead<P: Host>(&mut self, port: &mut P, rules: &Rules, from: NodeId, view: View) {
        let now = port.now();
        let lately = self.fetched.is_some_and(|at| now.since(at) < rules.patience);
        if view > self.core.view && !lately {
            self.fetched = Some(now);
            self.fetch(port, rules, from);
        }
    }

    /// Within the water marks, and of no view that is over.
    fn heeds(&self, rules: &Rules, view: View, seq: Seq) -> bool {
        view >= self.core.view && seq > self.core.stable.seq && seq <= self.high(rules)
    }

    /// A message has come.
    pub fn on_message<P: Host>(&mut self, port: &mut P, rules: &Rules, from: NodeId, message: Message) {
        if self.core.replicas.is_empty() {
            return;
        }
        if rules.lies != Lies::None && !self.core.lied {
            self.keep().lied = true;
        }
        let ours = self.core.replicas.contains(&from);
        match message {
            Message::Request { command } => self.on_request(port, rules, from, command),
            Message::PrePrepare { view, seq, command } if ours => {
                self.ahead(port, rules, from, view);
                self.on_pre_prepare(port, rules, from, view, seq, command);
            }
            Message::Prepare { view, seq, mark } if ours => {
                self.ahead(port, rules, from, view);
                if self.heeds(rules, view, seq) {
                    self.slot(seq).prepares.insert(from, (view, mark));
                    self.advance(port, rules, seq);
                }
            }
            Message::Commit { view, seq, mark } if ours => {
                self.ahead(port, rules, from, view);
                if self.heeds(rules, view, seq) {
                    self.slot(seq).commits.insert(from, (view, mark));
                    self.advance(port, rules, seq);
                }
            }
            Message::Checkpoint { seq, mark } if ours => self.on_checkpoint(port, rules, from, seq, mark),
            Message::ViewChange(change) if ours => self.on_change(port, rules, from, change),
            Message::NewView(new) if ours => self.on_new_view(port, rules, &new),
            Message::Fetch { view, seq } if ours => self.on_fetch(port, rules, from, view, seq),
            Message::State { stable, machine } if ours => self.on_state(port, rules, stable, machine),
            _ => {}
        }
        self.save(port);
    }

    /// A timer has run out.
    pub fn on_timer<P: Host>(&mut self, port: &mut P, rules: &Rules, timer: Timer) {
        match timer {
            Timer::Patience if self.core.changing || !self.waiting.is_empty() => {
                let next = self.core.view + 1;
                self.change(port, rules, next);
            }
            Timer::Again if self.core.changing => self.say_change(port, rules),
            Timer::Patience | Timer::Again => {}
        }
        self.save(port);
    }
}
