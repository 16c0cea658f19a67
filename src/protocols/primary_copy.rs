//! Values on a primary and its backups (Alsberg and Day, «A Principle for Resilient Sharing of Distributed Resources»,
//! ICSE 1976; Budhiraja, Marzullo, Schneider and Toueg, «The Primary-Backup Approach», 1993), in views that a manager
//! decides. Three ways of the same: what is answered is on the disks of all backups of the view (synchronous), of k of
//! them (semi-synchronous), or of none yet (asynchronous: they are handed everything in batches, later).
//!
//! ```text
//! client       primary                    backups
//!   │ Write ────▶│ gives it a position      │
//!   │            │ disk ─┐ Forward ────────▶│ disk ─┐
//!   │            │ ◀─────┘ ◀──── Forwarded  │ ◀─────┘
//!   │ ◀── Done   │ on its own disk and on those of as many backups as the view asks for
//! ```
//!
//! Why nothing that was answered is lost, with k of n backups, k above zero: it is on k disks, and the manager chooses
//! the one that has most among n − k + 1 of them, which it has first had sealed: they take nothing more of the old view.
//! With k = 0 whatever the primary had not handed on is lost with it, though it was acknowledged.
//!
//! Why an old primary does not answer: it begins to serve and answers under a lease that the manager renews, and nobody
//! is appointed before the lease is over or the old primary has been sealed. That counts on clocks that run about alike.
//!
//! In a new view each backup gets everything once. `primary_backup` is the same principle for conversations.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::sim::{Disk, Micros, NodeId, Port, Table, Time};

use super::kv::{self, Op};

pub mod manager;
mod wire;

#[cfg(test)]
mod tests;

pub use wire::{Message, Report};

/// How many operations may wait at a primary; one more is refused.
pub const PENDING: usize = 256;
/// How many entries a primary can forward again; a backup that is further behind gets everything.
pub const WINDOW: usize = 512;
/// How many keys a server keeps; what is written under more is refused.
pub const MAX_KEYS: usize = 65_536;
/// How many clients it knows the last question of; of more it does not tell a question that came twice.
pub const MAX_CLIENTS: usize = 4_096;
/// How often a primary forwards what was not confirmed, for the first time where no answer waits for it.
pub const AGAIN: Micros = Micros::ms(150);
/// How many entries it then forwards at a time.
const BATCH: usize = 64;

/// Who is what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// Views are numbered from 1.
    pub number: u64,
    /// Who serves.
    pub primary: NodeId,
    /// Who has copies, ascending.
    pub backups: Rc<[NodeId]>,
    /// How many of them have a write before it is answered.
    pub acks: u32,
}

/// Where a write stands: the later view counts more than the higher position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The view in which it was given.
    pub view: u64,
    /// Counts all writes.
    pub position: u64,
}

/// A write, as it is forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Where it stands.
    pub place: Place,
    /// Under which key.
    pub key: u32,
    /// What is put there; nothing where a comparison failed.
    pub value: Option<u64>,
    /// Who asked.
    pub client: NodeId,
    /// And the number of the question, by which a retry is known.
    pub number: u64,
}

/// Everything up to a place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    /// The last write.
    pub last: Place,
    /// What is under each key, and where it was written.
    pub held: Table<u32, (u64, Place)>,
    /// The last question of each client: its number, whether something was put, and where.
    pub asked: Table<NodeId, (u64, bool, Place)>,
}

impl State {
    fn apply(&mut self, entry: &Entry) {
        self.last = entry.place;
        if let Some(value) = entry.value {
            self.held.insert(entry.key, (value, entry.place));
        }
        if self.asked.len() < MAX_CLIENTS || self.asked.contains_key(&entry.client) {
            self.asked.insert(entry.client, (entry.number, entry.value.is_some(), entry.place));
        }
    }
}

/// A server's disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Store {
    /// The last view in which it took part with everything.
    pub view: u64,
    /// Everything.
    pub state: Rc<State>,
}

/// A write to a server's disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// One more.
    Append(Entry),
    /// It takes part in a view with what it has.
    Install(u64),
    /// It takes part in a view with everything that its primary has.
    Replace(u64, Rc<State>),
}

impl Disk for Store {
    type Write = Write;
    fn apply(&mut self, write: Write) {
        match write {
            Write::Append(entry) => Rc::make_mut(&mut self.state).apply(&entry),
            Write::Install(view) => self.view = view,
            Write::Replace(view, state) => (self.view, self.state) = (view, state),
        }
    }
}

/// A server's timers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// This write is on the disk.
    Stored {
        /// In which view it was made.
        view: u64,
        /// Which.
        entry: Entry,
    },
    /// The primary's new view is on the disk.
    Installed(u64),
    /// Everything that this view's primary had is on the disk.
    Replaced(u64),
    /// Who has not confirmed?
    Again,
}

/// What a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// In no view.
    Idle,
    /// Primary of a view that the manager has not yet heard to be ready.
    Preparing,
    /// Primary.
    Primary,
    /// Backup that has everything.
    Backup,
}

/// How a server goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Whether it answers only under a lease, and not when it has been sealed; without that an old primary goes on.
    pub fenced: bool,
    /// Whether it answers before any backup has it, whatever the view asks for.
    pub early: bool,
    /// Whether it forwards a write only once; a backup that did not get it then stays behind until the next view.
    pub once: bool,
}

/// What a handler brought about, for the host to tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// What clients are told.
    pub answers: Vec<(NodeId, kv::Message)>,
    /// Under which keys something was answered, and where it stands if it was written.
    pub answered: Vec<(u32, Option<Place>)>,
    /// Keys under which something else is on the disk now.
    pub kept: Vec<u32>,
    /// It begins to serve.
    pub serves: bool,
    /// The manager is to hear of it at once.
    pub news: bool,
}

/// An operation that waits for copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Pending {
    client: NodeId,
    number: u64,
    key: u32,
    /// It is answered when everything up to here is where it must be.
    place: Place,
    read: bool,
    /// Whether a comparison matched.
    matched: bool,
    value: Option<u64>,
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    role: Role,
    view: Option<View>,
    /// The view that its disk is of.
    held: u64,
    /// It takes part in newer views only.
    floor: u64,
    sealed: u64,
    life: Time,
    state: Rc<State>,
    /// What is on its own disk.
    durable: Rc<State>,
    installed: bool,
    copying: bool,
    /// How far each backup's disk is; who is not in it does not have everything yet.
    copied: Table<NodeId, u64>,
    pending: Vec<Pending>,
    window: VecDeque<Entry>,
    lease: Time,
}

impl Server {
    /// Starts, and starts again, from what is on the disk: in no view.
    pub fn boot(store: &Store, now: Time) -> Server {
        Server {
            role: Role::Idle,
            view: None,
            held: store.view,
            floor: store.view,
            sealed: 0,
            life: now,
            state: store.state.clone(),
            durable: store.state.clone(),
            installed: false,
            copying: false,
            copied: Table::new(),
            pending: Vec::new(),
            window: VecDeque::new(),
            lease: Time::ZERO,
        }
    }
    /// What it is.
    pub fn role(&self) -> Role {
        self.role
    }
    /// The view that it knows.
    pub fn view(&self) -> Option<&View> {
        self.view.as_ref()
    }
    /// What is on its disk, and how many operations wait.
    pub fn durable(&self) -> (&State, usize) {
        (&self.durable, self.pending.len())
    }
    /// What it says to the manager.
    pub fn report(&self, now: Time) -> Report {
        let active = if self.ready() { self.number() } else { 0 };
        let last = self.durable.last.position;
        Report { held: self.held, position: last, life: self.life, sealed: self.sealed, active, sent: now }
    }
    fn number(&self) -> u64 {
        self.view.as_ref().map_or(0, |view| view.number)
    }
    /// Whether it is primary and as many backups as are needed have everything.
    fn ready(&self) -> bool {
        let acks = self.view.as_ref().map_or(0, |view| view.acks as usize);
        matches!(self.role, Role::Preparing | Role::Primary) && self.installed && self.copied.len() >= acks
    }
    fn serves(&self, now: Time, rules: &Rules) -> bool {
        self.role == Role::Primary && (!rules.fenced || now < self.lease)
    }

    /// A client asks.
    pub fn ask<P>(&mut self, port: &mut P, from: NodeId, number: u64, key: u32, op: Op, rules: &Rules) -> Outcome
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let mut outcome = Outcome::default();
        if !self.serves(port.now(), rules) {
            let primary = self.view.as_ref().map(|view| view.primary);
            let ask = primary.filter(|primary| *primary != port.id());
            outcome.answers.push((from, kv::Message::Elsewhere { number, ask }));
            return outcome;
        }
        let old = self.state.held.get(&key).copied();
        let full = op != Op::Read && old.is_none() && self.state.held.len() >= MAX_KEYS;
        if self.pending.len() >= PENDING || full {
            outcome.answers.push((from, kv::Message::Unable { number, perhaps: false }));
            return outcome;
        }
        let place = self.state.last;
        let mut pending =
            Pending { client: from, number, key, place, read: op == Op::Read, matched: true, value: None };
        if op == Op::Read {
            pending.value = old.map(|(value, _)| value);
            if !rules.fenced {
                // It takes its own disk for the truth, and waits for nobody.
                pending.value = self.durable.held.get(&key).map(|(value, _)| *value);
                pending.place = Place::default();
            }
        } else if let Some((known, matched, place)) = self.state.asked.get(&from).copied().filter(|k| k.0 >= number) {
            if known > number {
                return outcome;
            }
            (pending.matched, pending.place) = (matched, place);
        } else {
            let value = match op {
                Op::Cas(expected, value) => old.is_some_and(|(old, _)| old == expected).then_some(value),
                Op::Write(value) => Some(value),
                Op::Add(by) => Some(old.map_or(0, |(old, _)| old).saturating_add(by)),
                Op::Read => None,
            };
            pending.place = Place { view: self.number(), position: place.position + 1 };
            pending.matched = value.is_some();
            self.append(port, Entry { place: pending.place, key, value, client: from, number }, rules);
        }
        self.pending.push(pending);
        self.settle(port, rules, &mut outcome);
        outcome
    }

    /// Puts a write at the end, here and at the backups.
    fn append<P>(&mut self, port: &mut P, entry: Entry, rules: &Rules)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let view = self.number();
        Rc::make_mut(&mut self.state).apply(&entry);
        // Where no answer waits for the backups, they are handed everything in batches.
        let waits = self.view.as_ref().is_some_and(|view| view.acks > 0) && !rules.early;
        self.window.push_back(entry);
        if self.window.len() > WINDOW || waits && rules.once {
            self.window.pop_front();
        }
        port.persist(Write::Append(entry), Some(Timer::Stored { view, entry }));
        for backup in self.copied.keys().filter(|_| waits) {
            port.send(*backup, Message::Forward { view, entry });
        }
    }

    /// Answers what is where it must be.
    fn settle<P>(&mut self, port: &mut P, rules: &Rules, outcome: &mut Outcome)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        if !self.serves(port.now(), rules) {
            return;
        }
        let acks = self.view.as_ref().map_or(0, |view| view.acks as usize);
        let mut settled = self.durable.last.position;
        if acks > 0 && !rules.early {
            let mut copied: Vec<u64> = self.copied.values().copied().collect();
            copied.sort_unstable_by(|a, b| b.cmp(a));
            settled = settled.min(copied.get(acks - 1).copied().unwrap_or(0));
        }
        for done in self.pending.iter().filter(|pending| pending.place.position <= settled) {
            let Pending { client, number, key, value, read, matched, place } = *done;
            let answer = if matched { kv::Message::Done { number, value } } else { kv::Message::Differs { number } };
            outcome.answers.push((client, answer));
            let written = (!read && matched).then_some(place);
            outcome.answered.push((key, written));
        }
        self.pending.retain(|pending| pending.place.position > settled);
    }

    /// A message has come.
    pub fn on_message<P>(&mut self, port: &mut P, from: NodeId, message: Message, rules: &Rules) -> Outcome
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let mut outcome = Outcome::default();
        match message {
            Message::Forward { view, entry } => self.on_forward(port, from, view, entry),
            Message::Forwarded { view, position } => {
                if view == self.number()
                    && let Some(copied) = self.copied.get_mut(&from)
                {
                    *copied = position.max(*copied);
                    self.settle(port, rules, &mut outcome);
                }
            }
            Message::Transfer { view, state } => self.on_transfer(port, from, view, state, rules),
            Message::Transferred { view, position } => {
                let mine = view == self.number() && matches!(self.role, Role::Preparing | Role::Primary);
                if mine && self.view.as_ref().is_some_and(|view| view.backups.contains(&from)) {
                    let before = self.ready();
                    let copied = self.copied.or_default(from);
                    *copied = position.max(*copied);
                    outcome.news = !before && self.ready();
                    self.settle(port, rules, &mut outcome);
                }
            }
            Message::Stale { view } => {
                if view > self.number() && rules.fenced {
                    self.step_down(&mut outcome);
                }
            }
            Message::Appoint { view, confirmed, sent, lease } => {
                self.on_appoint(port, view, confirmed, (sent, lease), rules, &mut outcome);
            }
            Message::Seal { number } => {
                if number > self.sealed {
                    self.sealed = number;
                    outcome.news = true;
                    if rules.fenced || self.role != Role::Primary {
                        self.step_down(&mut outcome);
                    }
                }
            }
            Message::Report(_) => {}
        }
        outcome
    }

    /// It takes no part any more. What waits may have come to others, or may not.
    fn step_down(&mut self, outcome: &mut Outcome) {
        self.role = Role::Idle;
        for pending in std::mem::take(&mut self.pending) {
            let (number, perhaps) = (pending.number, !pending.read);
            outcome.answers.push((pending.client, kv::Message::Unable { number, perhaps }));
        }
    }

    fn on_forward<P>(&mut self, port: &mut P, from: NodeId, view: u64, entry: Entry)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let known = self.number().max(self.sealed);
        if self.role != Role::Backup || self.number() != view || self.sealed > view {
            if known > view {
                port.send(from, Message::Stale { view: known });
            }
            return;
        }
        let last = self.state.last.position;
        if entry.place.position == last + 1 {
            Rc::make_mut(&mut self.state).apply(&entry);
            port.persist(Write::Append(entry), Some(Timer::Stored { view, entry }));
        } else if entry.place.position <= last {
            port.send(from, Message::Forwarded { view, position: self.durable.last.position });
        }
    }

    /// Everything that the primary of a view has.
    fn on_transfer<P>(&mut self, port: &mut P, from: NodeId, view: View, state: Rc<State>, rules: &Rules)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let known = self.number().max(self.sealed).max(self.floor);
        if known > view.number {
            return port.send(from, Message::Stale { view: known });
        }
        let again = self.role == Role::Backup && self.number() == view.number;
        if again && self.state.last >= state.last {
            let position = self.durable.last.position;
            return port.send(from, Message::Transferred { view: view.number, position });
        }
        // Retransmitted while it is being written; written twice, it could undo what came after it.
        let mine = view.primary == from && view.backups.contains(&port.id()) && view.number > self.floor;
        if self.copying || !mine {
            return;
        }
        if !rules.fenced {
            self.pending.clear();
        }
        self.role = Role::Idle;
        self.copying = true;
        self.state = state.clone();
        self.view = Some(view.clone());
        port.persist(Write::Replace(view.number, state), Some(Timer::Replaced(view.number)));
    }

    fn on_appoint<P>(
        &mut self,
        port: &mut P,
        view: View,
        confirmed: bool,
        (sent, lease): (Time, Micros),
        rules: &Rules,
        outcome: &mut Outcome,
    ) where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        if view.number > self.number().max(self.floor) && view.number >= self.sealed && !self.copying {
            let mine = view.primary == port.id();
            if rules.fenced || self.role != Role::Primary || mine {
                self.step_down(outcome);
            }
            if mine {
                let number = view.number;
                self.view = Some(view);
                self.role = Role::Preparing;
                self.installed = false;
                self.copied.clear();
                self.window.clear();
                // Behind every earlier write: when this one is on the disk, everything is.
                port.persist(Write::Install(number), Some(Timer::Installed(number)));
                self.again(port, rules);
            } else if self.role != Role::Primary {
                self.view = Some(view);
            }
        } else if view.number == self.number() && view.primary == port.id() && confirmed && self.sealed <= view.number {
            self.lease = self.lease.max(sent + lease);
            // A confirmation may come late, as to one that stood still: its lease is over, and another may serve by now.
            let leased = !rules.fenced || port.now() < self.lease;
            if self.role == Role::Preparing && self.ready() && leased {
                self.role = Role::Primary;
                outcome.serves = true;
                port.note(format!("serves: {view}"));
            }
            self.settle(port, rules, outcome);
        }
    }

    /// Sends everything to those who have it not, and what was not confirmed to the others.
    fn again<P>(&mut self, port: &mut P, rules: &Rules)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let Some(view) = self.view.clone().filter(|_| matches!(self.role, Role::Preparing | Role::Primary)) else {
            return;
        };
        let last = self.state.last.position;
        for backup in view.backups.iter() {
            let copied = self.copied.get(backup).copied();
            let first = self.window.front().map_or(last + 1, |entry| entry.place.position);
            if copied.is_none_or(|copied| copied + 1 < first && !rules.once) {
                port.send(*backup, Message::Transfer { view: view.clone(), state: self.state.clone() });
                continue;
            }
            let behind = self.window.iter().filter(|entry| Some(entry.place.position) > copied);
            for entry in behind.take(BATCH) {
                port.send(*backup, Message::Forward { view: view.number, entry: *entry });
            }
        }
        self.window.drain(..if rules.once { self.window.len() } else { 0 });
        port.set(Timer::Again, AGAIN);
    }

    /// A timer has run out, or a write is on the disk.
    pub fn on_timer<P>(&mut self, port: &mut P, timer: Timer, rules: &Rules) -> Outcome
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let mut outcome = Outcome::default();
        match timer {
            Timer::Stored { view, entry } => {
                Rc::make_mut(&mut self.durable).apply(&entry);
                outcome.kept.push(entry.key);
                let position = entry.place.position;
                match (self.role, self.view.as_ref().filter(|known| known.number == view)) {
                    (Role::Primary, Some(_)) => self.settle(port, rules, &mut outcome),
                    (Role::Backup, Some(known)) if self.sealed <= view => {
                        port.send(known.primary, Message::Forwarded { view, position });
                    }
                    _ => {}
                }
            }
            Timer::Installed(view) => {
                self.held = self.held.max(view);
                if view == self.number() {
                    self.installed = true;
                    outcome.news = self.ready();
                }
            }
            Timer::Replaced(view) => {
                self.copying = false;
                self.held = view;
                self.durable = self.state.clone();
                outcome.kept.extend(self.durable.held.keys());
                if let Some(known) = self.view.as_ref().filter(|known| known.number == view && self.sealed <= view) {
                    self.role = Role::Backup;
                    let position = self.durable.last.position;
                    port.send(known.primary, Message::Transferred { view, position });
                }
            }
            Timer::Again => self.again(port, rules),
        }
        outcome
    }
}
