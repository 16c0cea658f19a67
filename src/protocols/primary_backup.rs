//! The history on a primary and its backup (Alsberg and Day 1976), in views that a view service decides.
//!
//! ```text
//! sender        primary                 backup
//!   │ Append ────▶│ gives it a place      │
//!   │             │ disk ─┐ Forward ─────▶│ disk ─┐
//!   │             │ ◀─────┘ ◀── Forwarded │ ◀─────┘
//!   │◀── Appended │ on both disks: settled
//! ```
//!
//! Why a deposed primary can never acknowledge: it needs its backup's word, and a backup that has gone on to a newer
//! view refuses. Why no acknowledged message is lost with one server: it is on the disks of all members of its view,
//! and only a member of the last acknowledged view can become primary. While a new backup is brought up to date the
//! primary takes no messages: one round trip, in exchange for a protocol without a catching-up phase.

use crate::sim::{Disk, Item, Micros, NodeId, Port, Table, Time};

use super::chat::Post;
use super::history::{Log, Logs};
use super::view_service::{Report, View};

mod backup;
mod wire;

#[cfg(test)]
mod tests;

pub use wire::Message;

/// How many messages may wait for a disk or the backup.
pub const PENDING: usize = 256;
/// How many messages that came before their turn the backup keeps.
pub const EARLY: usize = 256;
/// How many senders are told of one message.
const ASKERS: usize = 4;
/// After this long without an answer the primary forwards again.
pub const AGAIN: Micros = Micros::ms(120);
/// After this long the primary says that its backup does not answer.
pub const ALONE: Micros = Micros::ms(1_200);

/// What a server keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Store {
    /// The last view in which it took part with everything.
    pub view: Option<View>,
    /// All conversations.
    pub logs: Logs,
}

/// A write to a server's disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// A message at the end of a conversation.
    Append {
        /// Which conversation.
        conversation: u32,
        /// What.
        post: Post,
        /// Everything up to this place is settled.
        settled: u64,
    },
    /// It takes part in a view.
    Install(View),
    /// It takes part in a view, with everything that its primary has.
    Replace(View, Logs),
}

impl Disk for Store {
    type Write = Write;
    fn apply(&mut self, write: Write) {
        match write {
            Write::Append { conversation, post, settled } => {
                if let Some(log) = self.logs.get_mut(conversation) {
                    log.push(post);
                    log.settle(settled);
                }
            }
            Write::Install(view) => self.view = Some(view),
            Write::Replace(view, logs) => (self.view, self.logs) = (Some(view), logs),
        }
    }
    fn carries(&self, item: Item) -> bool {
        self.logs.carries(item)
    }
}

/// A server's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// This place is on the disk.
    Stored {
        /// Which conversation.
        conversation: u32,
        /// Which place.
        place: u64,
    },
    /// The primary's new view is on the disk.
    Installed {
        /// Its number.
        view: u64,
    },
    /// The primary's copy of everything is on the backup's disk.
    Copied,
    /// The backup has not answered.
    Again,
}

/// What a server is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// In no view.
    Idle,
    /// Primary of a view that it does not yet serve in.
    Preparing {
        /// The view.
        view: View,
        /// Whether its own disk has the view.
        installed: bool,
        /// Whether its backup has everything.
        transferred: bool,
        /// Since when.
        since: Time,
    },
    /// Primary.
    Primary(View),
    /// Backup.
    Backup(View),
    /// It was primary; its backup has gone on to a newer view.
    Deposed,
}

/// A message that has come to be settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Settled {
    /// Which conversation.
    pub conversation: u32,
    /// Which message.
    pub item: Item,
    /// At which place.
    pub place: u64,
}

/// What a handler brought about, for the host to tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Messages that came to be settled.
    pub settled: Vec<Settled>,
    /// Whose copy took the place of everything that was here.
    pub copied: Option<NodeId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Pending {
    item: Item,
    askers: Vec<NodeId>,
    since: Time,
    forwarded: Time,
}

/// An append as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Asked {
    from: NodeId,
    conversation: u32,
    post: Post,
    floor: u64,
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    role: Role,
    logs: Logs,
    /// The last view that its disk knows.
    held: Option<View>,
    /// Views up to this one were decided before it last crashed: it takes part in newer ones only.
    floor: u64,
    life: Time,
    /// The newest view that the service told of.
    told: Option<View>,
    /// How far each conversation is on this server's disk.
    stored: Table<u32, u64>,
    /// How far each conversation is on the backup's disk.
    copied: Table<u32, u64>,
    /// What it is writing over everything that it had.
    copying: Option<(View, Logs)>,
    pending: Table<(u32, u64), Pending>,
    /// What came before what its author wrote earlier.
    parked: Table<Item, Asked>,
    early: Table<(u32, u64), Post>,
}

impl Server {
    /// Starts, and starts again, from what is on the disk: in no view.
    pub fn boot(store: &Store, now: Time) -> Server {
        let last = |(conversation, log): (u32, &Log)| (conversation, log.last());
        Server {
            role: Role::Idle,
            logs: store.logs.clone(),
            held: store.view,
            floor: store.view.map_or(0, |view| view.number),
            life: now,
            told: None,
            stored: store.logs.iter().map(last).collect(),
            copied: Table::new(),
            copying: None,
            pending: Table::new(),
            parked: Table::new(),
            early: Table::new(),
        }
    }
    /// What it is.
    pub fn role(&self) -> &Role {
        &self.role
    }
    /// What it knows.
    pub fn logs(&self) -> &Logs {
        &self.logs
    }
    /// The newest view that it heard of.
    pub fn told(&self) -> Option<View> {
        self.told
    }
    /// How many messages wait.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }
    /// How far a conversation is settled, as far as it knows.
    pub fn settled(&self, conversation: u32) -> u64 {
        self.logs.get(conversation).map_or(0, Log::settled)
    }
    /// Whether its memory has a copy of a message that is not on the disk.
    pub fn carries(&self, item: Item) -> bool {
        self.early.values().any(|post| post.item == item) || self.parked.contains_key(&item) || self.logs.carries(item)
    }

    /// What it says to the view service.
    pub fn report(&self, now: Time) -> Report {
        let view = match &self.role {
            Role::Primary(view) | Role::Backup(view) => view.number,
            Role::Idle | Role::Preparing { .. } | Role::Deposed => 0,
        };
        let alone = match &self.role {
            Role::Preparing { view, transferred: false, since, .. } if now.since(*since) > ALONE => view.number,
            Role::Primary(view) if view.backup.is_some() => {
                let waits = self.pending.iter().any(|((conversation, place), pending)| {
                    now.since(pending.since) > ALONE
                        && self.copied.get(conversation).is_none_or(|copied| copied < place)
                });
                if waits { view.number } else { 0 }
            }
            _ => 0,
        };
        Report { view, held: self.held, life: self.life, alone }
    }

    /// The view service has told of a view.
    pub fn on_view<P>(&mut self, port: &mut P, view: View)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let old = self.told.is_some_and(|told| told.number >= view.number) || view.number <= self.floor;
        // While everything is being written over there is nothing to serve from; the service will tell again.
        if old || self.copying.is_some() {
            return;
        }
        self.told = Some(view);
        let now = port.now();
        if view.primary == port.id() {
            let transferred = view.backup.is_none();
            self.copied.clear();
            self.early.clear();
            self.role = Role::Preparing { view, installed: false, transferred, since: now };
            // Behind every earlier write: when this one is on the disk, everything is.
            port.persist(Write::Install(view), Some(Timer::Installed { view: view.number }));
            self.transfer(port);
        } else {
            self.stand_by();
        }
    }

    /// A backup to be hears everything from its primary, everyone else waits.
    fn stand_by(&mut self) {
        self.role = Role::Idle;
        self.pending.clear();
        self.parked.clear();
        self.early.clear();
    }

    fn transfer<P>(&self, port: &mut P)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        if let Role::Preparing { view, transferred: false, .. } = &self.role
            && let Some(backup) = view.backup
        {
            port.send(backup, Message::Transfer { view: *view, logs: self.logs.clone() });
            port.set(Timer::Again, AGAIN);
        }
    }

    /// A message has come.
    pub fn on_message<P>(&mut self, port: &mut P, from: NodeId, message: Message) -> Outcome
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        match message {
            Message::Append { conversation, post, floor } => {
                self.on_append(port, Asked { from, conversation, post, floor });
            }
            Message::Read { conversation, reader, after } => self.on_read(port, from, conversation, reader, after),
            Message::Forward { view, conversation, place, post, settled } => {
                return self.on_forward(port, from, view, conversation, place, post, settled);
            }
            Message::Forwarded { view, conversation, place } => {
                let mine =
                    matches!(&self.role, Role::Primary(mine) if mine.number == view && mine.backup == Some(from));
                if mine {
                    let copied = self.copied.or_default(conversation);
                    *copied = place.max(*copied);
                    return self.settle(port, conversation);
                }
            }
            Message::Transfer { view, logs } => self.on_transfer(port, from, view, logs),
            Message::Transferred { view: number } => {
                if let Role::Preparing { view, transferred, .. } = &mut self.role
                    && view.number == number
                    && view.backup == Some(from)
                {
                    *transferred = true;
                    return self.go_on(port);
                }
            }
            Message::Stale { view } => {
                let deposed = match &self.role {
                    Role::Primary(mine) => mine.number < view,
                    Role::Preparing { view: mine, .. } => mine.number < view,
                    _ => false,
                };
                if deposed {
                    port.note(format!("deposed: {from} knows view {view}"));
                    self.stand_by();
                    self.role = Role::Deposed;
                }
            }
            // Answers to requests that a server never makes.
            Message::Appended { .. } | Message::NotPrimary { .. } | Message::Busy | Message::Entries { .. } => {}
        }
        Outcome::default()
    }

    fn not_primary(&self, me: NodeId) -> Message {
        Message::NotPrimary { primary: self.told.map(|view| view.primary).filter(|primary| *primary != me) }
    }

    /// Puts a message at the end, and then those of the same author that waited for it.
    fn on_append<P>(&mut self, port: &mut P, asked: Asked)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let mut next = Some(asked);
        while let Some(asked) = next {
            let item = asked.post.item;
            next = if self.append(port, asked) { self.parked.remove(&(item + 1)) } else { None };
        }
    }

    /// Whether the message now stands in the log.
    fn append<P>(&mut self, port: &mut P, asked: Asked) -> bool
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let Asked { from, conversation, post, floor } = asked;
        let view = match &self.role {
            Role::Primary(view) => *view,
            Role::Preparing { .. } => {
                port.send(from, Message::Busy);
                return false;
            }
            Role::Idle | Role::Backup(_) | Role::Deposed => {
                let answer = self.not_primary(port.id());
                port.send(from, answer);
                return false;
            }
        };
        let (item, settled) = (post.item, self.settled(conversation));
        let Some(log) = self.logs.get_mut(conversation) else {
            port.send(from, Message::Busy);
            return false;
        };
        if log.knows(item) {
            let place = log.find(item).unwrap_or(0);
            if place <= settled {
                port.send(from, Message::Appended { conversation, item, place });
            } else if let Some(pending) = self.pending.get_mut(&(conversation, place))
                && !pending.askers.contains(&from)
                && pending.askers.len() < ASKERS
            {
                pending.askers.push(from);
            }
            return true;
        }
        let waits = log.lacks_earlier(&post, floor);
        // What waits already has its room, and what others wait for must not wait behind them.
        let full = if waits {
            self.parked.len() >= PENDING && !self.parked.contains_key(&item)
        } else {
            self.pending.len() >= PENDING
        };
        if full || log.is_full_for(post.author(), 0) {
            port.send(from, Message::Busy);
            return false;
        }
        if waits {
            self.parked.insert(item, Asked { from, conversation, post, floor });
            return false;
        }
        let place = log.push(post.clone());
        self.parked.remove(&item);
        let now = port.now();
        self.pending.insert((conversation, place), Pending { item, askers: vec![from], since: now, forwarded: now });
        if let Some(backup) = view.backup {
            let view = view.number;
            port.send(backup, Message::Forward { view, conversation, place, post: post.clone(), settled });
            if self.pending.len() == 1 {
                port.set(Timer::Again, AGAIN);
            }
        }
        let write = Write::Append { conversation, post, settled };
        port.persist(write, Some(Timer::Stored { conversation, place }));
        true
    }

    fn on_read<P>(&mut self, port: &mut P, from: NodeId, conversation: u32, reader: NodeId, after: Option<u64>)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        match &self.role {
            Role::Primary(_) => {
                // Only what is settled: a reader must not see what could still be lost.
                let settled = self.settled(conversation);
                let empty = Log::default();
                let page = self.logs.get(conversation).unwrap_or(&empty).page(after, settled);
                port.send(from, Message::Entries { conversation, reader, page });
            }
            Role::Preparing { .. } => port.send(from, Message::Busy),
            Role::Idle | Role::Backup(_) | Role::Deposed => {
                let answer = self.not_primary(port.id());
                port.send(from, answer);
            }
        }
    }

    /// A timer has run out, or a write is on the disk.
    pub fn on_timer<P>(&mut self, port: &mut P, timer: Timer) -> Outcome
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        match timer {
            Timer::Stored { conversation, place } => {
                let stored = self.stored.or_default(conversation);
                *stored = place.max(*stored);
                match &self.role {
                    Role::Primary(_) => return self.settle(port, conversation),
                    Role::Backup(View { number: view, primary, .. }) => {
                        port.send(*primary, Message::Forwarded { view: *view, conversation, place });
                    }
                    Role::Idle | Role::Preparing { .. } | Role::Deposed => {}
                }
            }
            Timer::Installed { view: number } => {
                if let Role::Preparing { view, installed, .. } = &mut self.role
                    && view.number == number
                {
                    *installed = true;
                    self.held = Some(*view);
                    return self.go_on(port);
                }
            }
            Timer::Copied => {
                let Some((view, logs)) = self.copying.take() else { return Outcome::default() };
                self.stored = logs.iter().map(|(conversation, log)| (conversation, log.last())).collect();
                self.logs = logs;
                self.held = Some(view);
                if self.told == Some(view) {
                    self.role = Role::Backup(view);
                    port.send(view.primary, Message::Transferred { view: view.number });
                }
                return Outcome { settled: Vec::new(), copied: Some(view.primary) };
            }
            Timer::Again => self.again(port),
        }
        Outcome::default()
    }

    /// Sends once more what the backup has not answered.
    fn again<P>(&mut self, port: &mut P)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let Role::Primary(View { number: view, backup: Some(backup), .. }) = self.role else {
            return self.transfer(port);
        };
        let now = port.now();
        for ((conversation, place), pending) in self.pending.iter_mut() {
            let copied = self.copied.get(conversation).is_some_and(|copied| copied >= place);
            if copied || now.since(pending.forwarded) < AGAIN {
                continue;
            }
            let Some(log) = self.logs.get(*conversation) else { continue };
            let Some(post) = log.get(*place).cloned() else { continue };
            pending.forwarded = now;
            let (conversation, place, settled) = (*conversation, *place, log.settled());
            port.send(backup, Message::Forward { view, conversation, place, post, settled });
        }
        if !self.pending.is_empty() {
            port.set(Timer::Again, AGAIN);
        }
    }

    /// Serves, once its disk has the view and its backup has everything. All that it knows is settled by that.
    fn go_on<P>(&mut self, port: &mut P) -> Outcome
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let Role::Preparing { view, installed: true, transferred: true, .. } = self.role else {
            return Outcome::default();
        };
        self.role = Role::Primary(view);
        self.stored = self.logs.iter().map(|(conversation, log)| (conversation, log.last())).collect();
        if view.backup.is_some() {
            self.copied = self.stored.clone();
        }
        let conversations: Vec<u32> = self.stored.keys().copied().collect();
        let mut outcome = Outcome::default();
        for conversation in conversations {
            outcome.settled.extend(self.settle(port, conversation).settled);
        }
        outcome
    }

    /// Settles what is on every disk of the view, and answers those who wait for it.
    fn settle<P>(&mut self, port: &mut P, conversation: u32) -> Outcome
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let mut outcome = Outcome::default();
        let Role::Primary(view) = self.role else { return outcome };
        let stored = self.stored.get(&conversation).copied().unwrap_or(0);
        let copied = match view.backup {
            Some(_) => self.copied.get(&conversation).copied().unwrap_or(0),
            None => stored,
        };
        let Some(log) = self.logs.get_mut(conversation) else { return outcome };
        for place in log.settled() + 1..=stored.min(copied) {
            log.settle(place);
            if let Some(post) = log.get(place) {
                outcome.settled.push(Settled { conversation, item: post.item, place });
            }
            if let Some(Pending { item, askers, .. }) = self.pending.remove(&(conversation, place)) {
                for asker in askers {
                    port.send(asker, Message::Appended { conversation, item, place });
                }
            }
        }
        outcome
    }
}
