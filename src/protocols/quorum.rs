//! Quorums: a key's value lies on N nodes of a ring, a write waits for W of them and a read for R (Gifford, «Weighted
//! Voting for Replicated Data», SOSP 1979; DeCandia et al., «Dynamo», SOSP 2007).
//!
//! ```text
//! client     coordinator      three homes of the key
//!   │ Write ────▶│ Put ───────▶ │ disk ─┐ │ disk ─┐ │ …
//!   │            │ ◀── Stored ──┴───────┘ │       │
//!   │ ◀── Done ──│ ◀── Stored ────────────┴───────┘   W of N are enough
//! ```
//!
//! With R + W > N every read meets every write that was over before it. That makes the store regular, not yet
//! linearizable: of two reads during one write the first may see it and the second not. Where a read first writes back
//! what it is about to answer, it is linearizable (Attiya, Bar-Noy and Dolev, JACM 1995; with several writers, who ask
//! for the highest number before they write: Lynch and Shvartsman, FTCS 1997). What Dynamo adds for the sake of
//! availability stands beside it as settings: stamps of a clock, version vectors with siblings, a sloppy quorum of
//! whoever is well, hints that are handed over later, repair by reads and by comparing.
//!
//! Simpler than there: everyone knows who stands on the ring (Dynamo gossips it); what two nodes have is compared key by
//! key (Dynamo's Merkle trees only make that cheaper); a client does not carry the context of what it read, so a write
//! with vectors reads first and takes the place of all that it found.

use std::hash::{Hash, Hasher};
use std::rc::Rc;

use crate::sim::{Digest, Disk, Micros, NodeId, Port, Table};

use super::kv::{self, Op};
use super::ring::Ring;

mod coordinator;
mod store;
mod wire;

#[cfg(test)]
mod tests;

pub use store::{Stamp, Store, Version, Write};
pub use wire::Message;

use coordinator::Open;
#[cfg(test)]
use store::merge;

/// How many keys a node keeps at most; what is written under more is not answered.
pub const MAX_KEYS: usize = 65_536;
/// How many values that nobody has seen together stand under one key; the oldest goes.
pub const MAX_SIBLINGS: usize = 16;
/// How many hints a node keeps for others; beyond that none is kept, and no promise rests on it.
pub const MAX_HINTS: usize = 65_536;
/// How many operations a node coordinates at once; one more is refused.
pub const MAX_OPEN: usize = 1_024;
/// How many clients it knows the last question of; of more it does not tell a question that came twice.
pub const MAX_CLIENTS: usize = 4_096;
/// How many hints are handed over at one beat.
const HANDED: usize = 64;
/// How many keys are compared at one beat.
const SUMMARY: usize = 1_024;
/// Operations are numbered in steps of this from life to life: more than a life coordinates.
const LIFE: u64 = 1 << 32;

crate::choice! {
    /// What says which of two values is the later one.
    pub enum Versions {
        /// The coordinator's clock: the last writer wins, and whoever's clock is ahead is the last.
        Clock = "clock",
        /// A number above all that a quorum has: a write asks first.
        Number = "number",
        /// Version vectors: what was written without seeing one another stays side by side.
        Vector = "vector",
    }
}

crate::choice! {
    /// How nodes that missed something come to have it.
    pub enum Repair {
        /// By reads and by exchange.
        Both = "both",
        /// A read puts right what it finds to be old.
        Reads = "reads",
        /// Two nodes compare what they have, again and again.
        Exchange = "exchange",
        /// Not at all.
        None = "none",
    }
}

/// How a node goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// On how many nodes a key lies.
    pub n: usize,
    /// How many a read waits for.
    pub r: usize,
    /// How many a write waits for.
    pub w: usize,
    /// What says which value is the later one.
    pub versions: Versions,
    /// Whether a read writes back what it is about to answer.
    pub read_back: bool,
    /// Whether nodes further along the ring stand in for those that are not well, and count.
    pub sloppy: bool,
    /// Whether what a node missed is kept for it as a hint.
    pub handoff: bool,
    /// How nodes that missed something come to have it.
    pub repair: Repair,
    /// At how many places of the ring each node stands.
    pub virtual_nodes: u32,
    /// How long a coordinator waits; half of it until it takes a node for dead.
    pub timeout: Micros,
}

/// Who waits for a write to be on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Then {
    /// Nobody.
    Nobody,
    /// The coordinator of this operation, which may be this node itself.
    Stored {
        /// Which operation.
        id: u64,
        /// Who coordinates it.
        to: NodeId,
    },
    /// Whoever kept it as a hint.
    HandedOff {
        /// Who.
        to: NodeId,
        /// What was handed over, as one number.
        mark: u64,
    },
}

/// A node's timers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// This life has its number on the disk.
    Ready,
    /// Who has not answered by now is taken for dead.
    Patience(u64),
    /// This operation is given up, or is over.
    Overdue(u64),
    /// Something is on the disk.
    Written(Write, Then),
    /// To see who is there again, hand over hints, and compare.
    Beat,
}

/// What a handler brought about, for the host to tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// What clients are told.
    pub answers: Vec<(NodeId, kv::Message)>,
    /// Keys under which something else is now on the disk.
    pub kept: Vec<u32>,
    /// Nodes that are now taken for dead.
    pub suspected: Vec<NodeId>,
    /// How many values a read found side by side, beyond the one.
    pub siblings: u64,
    /// How many nodes a read put right.
    pub repaired: u64,
    /// How many hints were handed over.
    pub handed: u64,
}

/// A node.
#[derive(Clone, Debug, Hash)]
pub struct Node {
    /// What is on the disk.
    settled: Store,
    /// With what is on its way there.
    next: Store,
    /// Numbers what it coordinates, over all its lives.
    number: u64,
    ready: bool,
    /// The last question of each client: one that comes twice is not done again.
    asked: Table<NodeId, u64>,
    /// The highest number it gave to a write.
    last_stamp: u64,
    open: Table<u64, Open>,
    suspected: Table<NodeId, ()>,
    /// Who waits for what is on its way to the disk already.
    awaited: Vec<(Write, Then)>,
    /// The key at which the next comparison begins.
    cursor: u32,
    members: Rc<[NodeId]>,
    places: u32,
    ring: Ring,
}

impl Node {
    /// Starts, and starts again, from what is on the disk.
    pub fn boot<P>(port: &mut P, disk: &Store) -> Node
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        // Nothing is coordinated before the number of this life is safe.
        let life = disk.life + 1;
        port.persist(Write::Life(life), Some(Timer::Ready));
        Node {
            settled: disk.clone(),
            next: disk.clone(),
            number: life * LIFE,
            ready: false,
            asked: Table::new(),
            last_stamp: 0,
            open: Table::new(),
            suspected: Table::new(),
            awaited: Vec::new(),
            cursor: 0,
            members: Rc::from([]),
            places: 0,
            ring: Ring::default(),
        }
    }

    /// Who stands on the ring, itself among them, ascending.
    pub fn join(&mut self, members: &[NodeId], rules: &Rules) {
        if self.members[..] != *members || self.places != rules.virtual_nodes {
            (self.members, self.places) = (Rc::from(members), rules.virtual_nodes);
            self.ring = Ring::new(members, rules.virtual_nodes);
        }
    }

    /// What is on its disk.
    pub fn store(&self) -> &Store {
        &self.settled
    }
    /// Whom it takes for dead.
    pub fn suspected(&self) -> impl Iterator<Item = &NodeId> {
        self.suspected.keys()
    }
    /// How many operations it coordinates.
    pub fn open(&self) -> usize {
        self.open.len()
    }
    /// The nodes that a key lies on.
    pub fn homes(&self, key: u32, rules: &Rules) -> Vec<NodeId> {
        self.ring.preference(u64::from(key), rules.n)
    }
    /// What is on its disk under a key, as one number: equal where it is the same.
    pub fn mark(&self, key: u32) -> u64 {
        mark(self.settled.get(key))
    }

    /// A client asks.
    pub fn ask<P>(&mut self, port: &mut P, from: NodeId, number: u64, key: u32, op: Op, rules: &Rules) -> Outcome
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let mut outcome = Outcome::default();
        if self.asked.get(&from).is_some_and(|last| *last >= number) {
            return outcome;
        }
        if self.asked.len() < MAX_CLIENTS || self.asked.contains_key(&from) {
            self.asked.insert(from, number);
        }
        // A comparison needs agreement on an order, which quorums do not give.
        let cannot = matches!(op, Op::Cas(..) | Op::Add(_));
        if cannot || !self.ready || self.open.len() >= MAX_OPEN {
            outcome.answers.push((from, kv::Message::Unable { number, perhaps: false }));
            return outcome;
        }
        self.begin(port, Open::new(from, number, key, op), rules, &mut outcome);
        outcome
    }

    /// A message of another node has come.
    pub fn on_message<P>(&mut self, port: &mut P, from: NodeId, message: Message, rules: &Rules) -> Outcome
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let mut outcome = Outcome::default();
        if self.suspected.remove(&from).is_some() {
            port.note(format!("hears of {from} again"));
        }
        match message {
            Message::Put { id, key, versions, hint } => {
                let then = if id > 0 { Then::Stored { id, to: from } } else { Then::Nobody };
                self.put(port, key, versions, hint, then);
            }
            Message::Stored { id, .. } => self.stored(port, from, id, rules, &mut outcome),
            Message::Get { id, key } => {
                let versions = self.settled.all(key);
                port.send(from, Message::Versions { id, key, versions });
            }
            Message::Versions { id, versions, .. } => self.found(port, from, id, versions, rules, &mut outcome),
            Message::Handoff { key, versions } => {
                let mark = mark(&versions);
                self.put(port, key, versions, None, Then::HandedOff { to: from, mark });
            }
            Message::HandedOff { key, mark } => {
                let write = Write::Unhint { to: from, key, mark };
                if !self.next.has(&write) {
                    outcome.handed += 1;
                    self.write(port, write, Then::Nobody);
                }
            }
            Message::Summary { first, last, entries } => self.compare(port, from, (first, last), &entries, rules),
            Message::Exchange { key, versions, back } => {
                self.put(port, key, versions.clone(), None, Then::Nobody);
                let own = self.next.all(key);
                if back && mark(&own) != mark(&versions) {
                    port.send(from, Message::Exchange { key, versions: own, back: false });
                }
            }
            Message::Ping => port.send(from, Message::Pong),
            Message::Pong => {}
        }
        outcome
    }

    /// A timer has run out, or a write is on the disk.
    pub fn on_timer<P>(&mut self, port: &mut P, timer: Timer, rules: &Rules) -> Outcome
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let mut outcome = Outcome::default();
        match timer {
            Timer::Ready => self.ready = true,
            Timer::Patience(id) => self.impatient(port, id, rules, &mut outcome),
            Timer::Overdue(id) => self.overdue(port, id, rules, &mut outcome),
            Timer::Written(write, then) => {
                let key = if let Write::Merge { key, .. } = &write { Some(*key) } else { None };
                let before = key.map(|key| self.mark(key));
                self.settled.apply(write);
                outcome.kept.extend(key.filter(|key| before != Some(self.mark(*key))));
                let (ready, wait) = self.awaited.drain(..).partition(|(write, _)| self.settled.has(write));
                self.awaited = wait;
                let ready: Vec<(Write, Then)> = ready;
                for (key, then) in ready.iter().map(|(write, then)| (write.key(), *then)).chain([(key, then)]) {
                    match then {
                        Then::Stored { id, to } if to == port.id() => self.stored(port, to, id, rules, &mut outcome),
                        then => self.say_written(port, then, key.unwrap_or(0)),
                    }
                }
            }
            Timer::Beat => self.beat(port, rules),
        }
        outcome
    }

    /// Writes what was sent here: for itself, or as a hint for another.
    fn put<P>(&mut self, port: &mut P, key: u32, versions: Rc<[Version]>, hint: Option<NodeId>, then: Then)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let write = Write::of(key, versions, hint);
        // What is there, or on its way there, is not written again: many who repair the same would keep a slow disk busy
        // for ever.
        if self.settled.has(&write) {
            self.say_written(port, then, key);
        } else if !self.next.has(&write) {
            if self.next.takes(&write) {
                self.write(port, write, then);
            }
        } else if then != Then::Nobody && self.awaited.len() < MAX_OPEN {
            self.awaited.push((write, then));
        }
    }

    /// Tells another that something is on the disk.
    fn say_written<P>(&self, port: &mut P, then: Then, key: u32)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        match then {
            Then::Nobody => {}
            Then::Stored { id, to } => port.send(to, Message::Stored { id }),
            Then::HandedOff { to, mark } => port.send(to, Message::HandedOff { key, mark }),
        }
    }

    fn write<P>(&mut self, port: &mut P, write: Write, then: Then)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        self.next.apply(write.clone());
        port.persist(write.clone(), Some(Timer::Written(write, then)));
    }

    /// Asks those whom it takes for dead, hands over hints to the others, and compares with one of them.
    fn beat<P>(&mut self, port: &mut P, rules: &Rules)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        for node in self.suspected.keys() {
            port.send(*node, Message::Ping);
        }
        let hints = self.settled.hints().filter(|(to, _, _)| !self.suspected.contains_key(to));
        for (to, key, versions) in hints.take(HANDED) {
            port.send(to, Message::Handoff { key, versions: versions.clone() });
        }
        // One draw, whatever comes of it.
        let drawn = port.rng().bits();
        let others: Vec<NodeId> = self.members.iter().copied().filter(|node| *node != port.id()).collect();
        let exchanges = matches!(rules.repair, Repair::Both | Repair::Exchange);
        if exchanges && !others.is_empty() {
            let other = others[(drawn % others.len() as u64) as usize];
            let (message, next) = self.summary(other, rules);
            self.cursor = next;
            if !self.suspected.contains_key(&other) {
                port.send(other, message);
            }
        }
    }

    /// What it has of that which is to lie at another, from its cursor on; and where to go on.
    fn summary(&self, other: NodeId, rules: &Rules) -> (Message, u32) {
        let first = self.cursor;
        let mut entries = Vec::new();
        let mut last = u32::MAX;
        for (key, versions) in self.settled.iter().filter(|(key, _)| *key >= first) {
            if entries.len() >= SUMMARY {
                last = key - 1;
                break;
            }
            if self.homes(key, rules).contains(&other) {
                entries.push((key, mark(versions)));
            }
        }
        (Message::Summary { first, last, entries: entries.into() }, last.wrapping_add(1))
    }

    /// Sends what the other has not, or has otherwise; where it has something, it is asked to answer.
    fn compare<P>(&self, port: &mut P, from: NodeId, (first, last): (u32, u32), theirs: &[(u32, u64)], rules: &Rules)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let me = port.id();
        let mut room = SUMMARY;
        for (key, mark) in theirs.iter().filter(|(key, _)| self.homes(*key, rules).contains(&me)) {
            if *mark != self.mark(*key) && room > 0 {
                room -= 1;
                let versions = self.settled.get(*key).into();
                port.send(from, Message::Exchange { key: *key, versions, back: true });
            }
        }
        for (key, versions) in self.settled.iter().filter(|(key, _)| (first..=last).contains(key)) {
            let known = theirs.binary_search_by_key(&key, |(other, _)| *other).is_ok();
            if !known && room > 0 && self.homes(key, rules).contains(&from) {
                room -= 1;
                port.send(from, Message::Exchange { key, versions: versions.into(), back: false });
            }
        }
    }
}

/// What stands under a key, as one number.
pub fn mark(versions: &[Version]) -> u64 {
    let mut digest = Digest::default();
    versions.hash(&mut digest);
    digest.finish()
}
