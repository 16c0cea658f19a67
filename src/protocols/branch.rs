//! Branches of a bank that send one another money, with [`logical`](super::logical) clocks on every transfer, and whose state
//! is recorded while they go on: Chandy and Lamport, «Distributed Snapshots: Determining Global States of Distributed
//! Systems», ACM TOCS 3(1), 1985.
//!
//! ```text
//! branch p    ──── Transfer 10 ────▶ ◆ records its balance ──── Marker ────▶   what p sent before its marker, it had sent
//! branch q         ◆ records ──── Marker ────▶        Transfer 10 arrives:     what comes to q after q has recorded, and
//!                                                     in the channel           before p's marker, was in the channel
//! ```
//!
//! - **Marker-Sending Rule.** A process records its state and sends a marker along each channel before it sends anything else.
//! - **Marker-Receiving Rule.** Who has not recorded its state does so when a marker comes, and that channel is empty. Who has,
//!   records as the state of the channel what came along it since.
//!
//! The paper asks for channels without errors, in which everything keeps its order. They are made here: parcels are
//! numbered, acknowledged and sent again, and one that comes early waits. A branch writes what it has done to its disk before
//! anybody hears of it, so that money survives a crash. A recording does not: what a crash interrupts is never reported, and
//! its auditor gives it up.

mod auditor;
#[cfg(test)]
mod tests;
mod wire;

use std::rc::Rc;

use super::logical::{Receipt, Stamp, Vector};
use crate::sim::{Disk, Micros, NodeId, Port, Table};

pub use auditor::{Auditor, Compared, Compares, MATCHED, Method, Numbers, RECENT, Timer as AuditorTimer, Totals};
pub use wire::{How, Line, Message, Parcel, Report, Told};

/// How many parcels of a channel may wait for their acknowledgement; no more money is sent along it.
pub const SENT: usize = 256;
/// How many parcels that came early a branch holds back; one more is as good as lost, and is sent again.
pub const EARLY: usize = 1_024;
/// How many lines of its journal wait for the next page; one more is not told.
pub const LINES: usize = 64;
/// How many parcels are sent again at a time.
const AGAIN: usize = 16;

crate::choice! {
    /// In which order a branch takes what comes along a channel.
    #[derive(Default)]
    pub enum Channels {
        /// In the order in which it was sent.
        #[default]
        InOrder = "in-order",
        /// As it comes, which is a mistake: money can be overtaken by a marker.
        AsTheyCome = "as-they-come",
    }
}

/// One direction of a channel, where it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Out {
    /// The number of the last parcel.
    last: u64,
    /// What is not acknowledged.
    unacknowledged: Vec<(u64, Parcel)>,
}

/// One direction of a channel, where it ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct In {
    /// Everything up to this number has come.
    upto: u64,
    /// And these.
    beyond: Table<u64, ()>,
}

/// A branch's disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Book {
    /// With how much it was opened; nothing before it was.
    pub opened: Option<u64>,
    /// How much it has.
    pub balance: u64,
    /// Its logical clocks.
    pub clock: Stamp,
    /// The last snapshot that it has recorded its state for.
    pub recorded: u64,
    sent: Table<NodeId, Out>,
    received: Table<NodeId, In>,
}

impl Disk for Book {
    type Write = Rc<Book>;
    fn apply(&mut self, write: Rc<Book>) {
        *self = (*write).clone();
    }
}

/// What may be known once a write is on the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Done {
    send: Vec<(NodeId, Message)>,
    told: Vec<Told>,
    lines: Vec<Line>,
}

/// What a branch waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// What it has done is on the disk.
    Written(Rc<Done>),
    /// To send again what this one has not acknowledged.
    Again(NodeId),
    /// To tell what has happened.
    Page,
    /// To say how much it has, for this snapshot.
    At(u64),
}

/// How a branch goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The other branches.
    pub branches: &'a [NodeId],
    /// Who adds up.
    pub auditors: &'a [NodeId],
    /// With how much it is opened.
    pub opens: u64,
    /// What becomes of its clocks when money comes.
    pub receipt: Receipt,
    /// In which order it takes what comes.
    pub channels: Channels,
    /// After how long without an acknowledgement it sends again.
    pub again: Micros,
    /// How often it tells what has happened.
    pub page: Micros,
}

/// A recording under way.
#[derive(Clone, Debug, Hash)]
pub struct Recording {
    /// The snapshot.
    pub snapshot: u64,
    balance: u64,
    known: Vector,
    /// Of each channel that leads here whether its marker has come, and what came before.
    channels: Table<NodeId, (bool, u64)>,
}

impl Recording {
    /// The recorded balance, how many markers have not come yet, and how much came before those that have.
    pub fn so_far(&self) -> (u64, usize, u64) {
        let open = self.channels.values().filter(|(closed, _)| !closed).count();
        (self.balance, open, self.channels.values().map(|(_, amount)| amount).sum())
    }
}

/// A branch.
#[derive(Clone, Debug, Hash)]
pub struct Branch {
    book: Book,
    early: Table<(NodeId, u64), Parcel>,
    recording: Option<Recording>,
    /// To whom it will send again.
    resending: Table<NodeId, ()>,
    page: Vec<Line>,
    doing: Done,
    /// What has happened, for the host to tell. Empty between events.
    pub told: Vec<Told>,
}

/// Anything that a branch can be hosted by.
pub trait Host: Port<Message = Message, Timer = Timer, Write = Rc<Book>> {}
impl<P: Port<Message = Message, Timer = Timer, Write = Rc<Book>>> Host for P {}

impl Branch {
    /// Opens, and goes on after a crash from what is on its disk.
    pub fn boot<P: Host>(port: &mut P, book: &Book, rules: &Rules) -> Branch {
        let mut branch = Branch {
            book: book.clone(),
            early: Table::new(),
            recording: None,
            resending: Table::new(),
            page: Vec::new(),
            doing: Done::default(),
            told: Vec::new(),
        };
        if branch.book.opened.is_none() {
            (branch.book.opened, branch.book.balance) = (Some(rules.opens), rules.opens);
            branch.doing.told.push(Told::Opened { balance: rules.opens });
            branch.write(port);
        }
        branch.book.clock.vector.extend(&[rules.branches, &[port.id()]].concat());
        let waiting = book.sent.iter().filter(|(_, out)| !out.unacknowledged.is_empty());
        for to in waiting.map(|(to, _)| *to).collect::<Vec<_>>() {
            branch.send_again(port, to, rules);
        }
        branch
    }
    /// What is on its disk, or will be.
    pub fn book(&self) -> &Book {
        &self.book
    }
    /// The recording that is under way.
    pub fn recording(&self) -> Option<&Recording> {
        self.recording.as_ref()
    }
    /// How many parcels are not acknowledged, and how many came early.
    pub fn waiting(&self) -> (usize, usize) {
        (self.book.sent.values().map(|out| out.unacknowledged.len()).sum(), self.early.len())
    }

    fn write<P: Host>(&mut self, port: &mut P) {
        let done = std::mem::take(&mut self.doing);
        port.persist(Rc::new(self.book.clone()), Some(Timer::Written(Rc::new(done))));
    }

    fn put(&mut self, to: NodeId, what: Parcel) -> u64 {
        let out = self.book.sent.or_default(to);
        out.last += 1;
        out.unacknowledged.push((out.last, what.clone()));
        self.doing.send.push((to, Message::Parcel { number: out.last, what }));
        out.last
    }

    fn line<P: Host>(&mut self, port: &P, from: NodeId, to: NodeId, number: u64) {
        let stamp = self.book.clock.clone();
        self.doing.lines.push(Line { from, to, number, paid: from == port.id(), wall: port.now(), stamp });
    }

    /// Sends somebody money, if there is as much. Both are drawn: whom among the others, and how much.
    pub fn pay<P: Host>(&mut self, port: &mut P, whom: u64, amount: u64, rules: &Rules) -> bool {
        let Some(to) = rules.branches.get(whom as usize).copied() else { return false };
        let room = self.book.sent.get(&to).is_none_or(|out| out.unacknowledged.len() < SENT);
        if amount == 0 || amount > self.book.balance || !room {
            return false;
        }
        self.book.balance -= amount;
        self.book.clock.tick(port.id());
        let stamp = self.book.clock.clone();
        let number = self.put(to, Parcel::Transfer { amount, stamp: stamp.clone() });
        self.doing.told.push(Told::Paid { to, number, amount, stamp });
        self.line(port, port.id(), to, number);
        self.write(port);
        true
    }

    /// The Marker-Sending Rule.
    fn record(&mut self, snapshot: u64, rules: &Rules) {
        let balance = self.book.balance;
        self.book.recorded = snapshot;
        let channels = rules.branches.iter().map(|from| (*from, (false, 0))).collect();
        self.recording = Some(Recording { snapshot, balance, known: self.book.clock.vector.clone(), channels });
        self.doing.told.push(Told::Recorded { snapshot, balance });
        for to in rules.branches {
            self.put(*to, Parcel::Marker { snapshot });
        }
    }

    /// Reports, if every marker has come.
    fn report(&mut self, rules: &Rules) {
        let over = |recording: &mut Recording| recording.channels.values().all(|(closed, _)| *closed);
        let Some(recording) = self.recording.take_if(over) else { return };
        let Recording { snapshot, balance, known, channels } = recording;
        let channels: Vec<(NodeId, u64)> = channels.into_iter().map(|(from, (_, amount))| (from, amount)).collect();
        let told: Vec<_> = channels.iter().copied().filter(|(_, amount)| *amount > 0).collect();
        self.doing.told.push(Told::Closed { snapshot, channels: told });
        let report = Report { snapshot, opened: self.book.opened.unwrap_or(0), balance, channels, known };
        for auditor in rules.auditors {
            self.doing.send.push((*auditor, Message::Report(report.clone())));
        }
    }

    /// Says how much it has, and asks nobody else: a snapshot without markers.
    fn record_alone(&mut self, snapshot: u64, rules: &Rules) {
        if snapshot > self.book.recorded {
            self.record(snapshot, &Rules { branches: &[], ..*rules });
            self.report(rules);
        }
    }

    /// The Marker-Receiving Rule.
    fn marker(&mut self, from: NodeId, snapshot: u64, rules: &Rules) {
        if snapshot > self.book.recorded {
            self.record(snapshot, rules);
        }
        let recording = self.recording.as_mut().filter(|recording| recording.snapshot == snapshot);
        if let Some((closed, _)) = recording.and_then(|recording| recording.channels.get_mut(&from)) {
            *closed = true;
        }
        self.report(rules);
    }

    fn take<P: Host>(&mut self, port: &P, from: NodeId, number: u64, what: Parcel, rules: &Rules) {
        match what {
            Parcel::Marker { snapshot } => self.marker(from, snapshot, rules),
            Parcel::Transfer { amount, stamp } => {
                self.book.balance += amount;
                self.book.clock.receive(port.id(), &stamp, rules.receipt);
                let channel = self.recording.as_mut().and_then(|recording| recording.channels.get_mut(&from));
                if let Some((false, under_way)) = channel {
                    *under_way += amount;
                }
                self.doing.told.push(Told::Got { from, number, amount, stamp: self.book.clock.clone() });
                self.line(port, from, port.id(), number);
            }
        }
    }

    fn parcel<P: Host>(&mut self, port: &mut P, from: NodeId, number: u64, what: Parcel, rules: &Rules) {
        let channel = self.book.received.or_default(from);
        let new = number > channel.upto && !channel.beyond.contains_key(&number);
        if new && number > channel.upto + 1 && rules.channels == Channels::InOrder {
            if self.early.len() < EARLY {
                self.early.insert((from, number), what);
            }
        } else if new {
            channel.beyond.insert(number, ());
            self.take(port, from, number, what, rules);
        }
        // What is next may have come before.
        loop {
            let channel = self.book.received.or_default(from);
            let next = channel.upto + 1;
            if channel.beyond.remove(&next).is_some() {
                channel.upto = next;
                self.early.remove(&(from, next));
            } else if let Some(what) = self.early.remove(&(from, next)) {
                channel.upto = next;
                self.take(port, from, next, what, rules);
            } else {
                break;
            }
        }
        let upto = self.book.received.or_default(from).upto;
        self.doing.send.push((from, Message::Ack { upto }));
        self.write(port);
    }

    /// A message has come.
    pub fn on_message<P: Host>(&mut self, port: &mut P, from: NodeId, message: Message, rules: &Rules) {
        match message {
            Message::Parcel { number, what } => self.parcel(port, from, number, what, rules),
            Message::Ack { upto } => {
                let Some(out) = self.book.sent.get_mut(&from) else { return };
                let before = out.unacknowledged.len();
                out.unacknowledged.retain(|(number, _)| *number > upto);
                if out.unacknowledged.is_empty() {
                    self.resending.remove(&from);
                    port.cancel(&Timer::Again(from));
                } else if out.unacknowledged.len() < before {
                    port.set(Timer::Again(from), rules.again);
                }
            }
            Message::Snapshot { snapshot, how: How::Begin } => {
                if snapshot > self.book.recorded {
                    self.record(snapshot, rules);
                    self.report(rules);
                    self.write(port);
                }
            }
            Message::Snapshot { snapshot, how: How::Ask } => {
                self.record_alone(snapshot, rules);
                self.write(port);
            }
            Message::Snapshot { snapshot, how: How::At(at) } => {
                let span = at.since(port.now());
                port.set(Timer::At(snapshot), span);
            }
            Message::Report(_) | Message::Page(_) => {}
        }
    }

    /// A timer has run out, or a write is on the disk.
    pub fn on_timer<P: Host>(&mut self, port: &mut P, timer: Timer, rules: &Rules) {
        match timer {
            Timer::Written(done) => {
                for (to, message) in &done.send {
                    let waits = matches!(message, Message::Parcel { .. }) && !self.resending.contains_key(to);
                    if waits {
                        self.resending.insert(*to, ());
                        port.set(Timer::Again(*to), rules.again);
                    }
                    port.send(*to, message.clone());
                }
                self.told.extend(done.told.iter().cloned());
                if self.page.is_empty() && !done.lines.is_empty() && !rules.auditors.is_empty() {
                    port.set(Timer::Page, rules.page);
                }
                let room = LINES - self.page.len();
                self.page.extend(done.lines.iter().take(room).cloned());
            }
            Timer::Again(to) => self.send_again(port, to, rules),
            Timer::Page => {
                let lines: Rc<[Line]> = std::mem::take(&mut self.page).into();
                for auditor in rules.auditors {
                    port.send(*auditor, Message::Page(lines.clone()));
                }
            }
            Timer::At(snapshot) => {
                self.record_alone(snapshot, rules);
                self.write(port);
            }
        }
    }

    fn send_again<P: Host>(&mut self, port: &mut P, to: NodeId, rules: &Rules) {
        let Some(out) = self.book.sent.get(&to) else { return };
        for (number, what) in out.unacknowledged.iter().take(AGAIN) {
            port.send(to, Message::Parcel { number: *number, what: what.clone() });
        }
        self.resending.insert(to, ());
        port.set(Timer::Again(to), rules.again);
    }
}
