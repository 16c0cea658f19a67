//! Chain replication (van Renesse and Schneider, «Chain Replication for Supporting High Throughput and Availability»,
//! OSDI 2004): updates enter at the head, go from server to server, and are answered by the tail, which answers all reads.
//!
//! ```text
//! client      head          middle         tail
//!   │ Write ──▶│ disk, Sent    │              │
//!   │          │ Update ──────▶│ disk, Sent   │
//!   │          │               │ Update ─────▶│ disk: it is everywhere
//!   │ ◀────────┼───────────────┼────────── Done
//!   │          │ ◀──────── Ack │ ◀─────── Ack │ out of Sent
//! ```
//!
//! Why nothing that was answered is lost: the tail has least, and everybody before it has that and more (the *Update
//! Propagation Invariant*: the history of a server is a prefix of its predecessor's). So any server may go. If the head
//! goes, the next one is the head; if the tail goes, its predecessor is the tail, and what it had sent is answered by it. If
//! one between goes, its predecessor sends its successor what that lacks: each server remembers in `Sent` what it has sent
//! and the tail is not known to have (the *Inprocess Requests Invariant*).
//!
//! Why nobody reads what is old: one server answers reads, and it does so under a lease that the master renews; another is
//! made tail when that is over, or by the old tail itself, which from then on is none. The paper assumes servers that stop
//! when they fail, and everyone learns of it; a pause or a cut link is not of that kind, hence numbered views and the lease.
//!
//! Simpler than there: the master is one machine with a disk, and no Paxos; histories are kept as what they come to.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::sim::{Micros, NodeId, Port, Scale, Time};

use super::kv::{self, Op};
use super::raft::{Command, Effect, Machine};

pub mod master;
mod wire;

#[cfg(test)]
mod tests;

pub use wire::{Message, Report, Store, Told, View, Write};

/// How many updates a server remembers that the tail is not known to have; at the head one more is refused.
pub const SENT: usize = 512;
/// How many of them it sends again at a time.
const BATCH: usize = 64;

crate::choice! {
    /// A mistake that is made on purpose.
    #[derive(Default)]
    pub enum Mistake {
        /// None.
        #[default]
        None = "none",
        /// Every server answers reads from what it has.
        ReadsAnywhere = "reads-anywhere",
        /// The head answers an update as soon as its own disk has it.
        AnswersEarly = "answers-early",
        /// What a new successor lacks is not sent again.
        NoResend = "no-resend",
    }
}

/// How a server goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// After how long without progress it sends again what was not acknowledged.
    pub again: Micros,
    /// What it does wrongly.
    pub mistake: Mistake,
}

/// A server's timers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// An update is on the disk: of which of the histories that it has had, where, what, and from whom.
    Stored(u32, u64, Command, Option<NodeId>),
    /// That it has everything in this view is on the disk.
    Installed(u64),
    /// Everything of its predecessor is on the disk.
    Replaced(u64, u64, NodeId),
    /// What is not acknowledged?
    Again,
}

/// What a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// In no view.
    Idle,
    /// It does not yet know whether it has what its predecessor has.
    Joining,
    /// Takes updates.
    Head,
    /// Hands them on.
    Middle,
    /// Answers.
    Tail,
    /// The only one.
    Alone,
}

/// What has happened, for the host to tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum News {
    /// A client is answered.
    Answer(NodeId, kv::Message),
    /// For checks and the log.
    Told(Told),
    /// The master is to hear of it soon.
    Report,
}

/// A server.
#[derive(Clone, Debug, Hash)]
pub struct Server {
    me: NodeId,
    view: Option<View>,
    /// It has what its predecessor had when this view began, and its disk says so.
    installed: bool,
    /// Everything is on its way to its disk.
    copying: bool,
    held: u64,
    /// Until when it may answer reads as a tail.
    lease: Time,
    /// How often its history was replaced.
    replaced: u32,
    /// The last update that it took; the last on its disk, and what these come to.
    last: u64,
    position: u64,
    machine: Rc<Machine>,
    /// What it has on its disk and the tail is not known to have.
    sent: VecDeque<(u64, Command)>,
    acked: u64,
    /// Up to here it does not remember what it has sent: a crash, or a history that was handed to it.
    unsure: u64,
    /// A successor that was quicker than it: what it said, and of which view.
    hello: Option<(NodeId, u64, u64, u64)>,
    /// How far the acknowledgements were when it last looked, and how far its own disk.
    seen: (u64, u64),
    news: Vec<News>,
}

/// Anything that a server can be hosted by.
pub trait Host: Port<Message = Message, Timer = Timer, Write = Write> {}
impl<P: Port<Message = Message, Timer = Timer, Write = Write>> Host for P {}

impl Server {
    /// Starts, and starts again.
    pub fn boot<P: Host>(port: &mut P, disk: &Store, rules: &Rules) -> Server {
        port.set(Timer::Again, rules.again);
        Server {
            me: port.id(),
            view: None,
            installed: false,
            copying: false,
            held: disk.held,
            lease: Time::ZERO,
            replaced: 0,
            last: disk.position,
            position: disk.position,
            machine: disk.machine.clone(),
            sent: VecDeque::new(),
            acked: 0,
            unsure: disk.position,
            hello: None,
            seen: (0, 0),
            news: Vec::new(),
        }
    }
    /// What has happened since one last asked.
    pub fn news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }
    /// What it says of itself.
    pub fn report(&self, sent: Time) -> Report {
        Report { held: self.held, position: self.position, sent }
    }
    /// The view that it knows.
    pub fn view(&self) -> Option<&View> {
        self.view.as_ref()
    }
    /// What is on its disk, and up to which update.
    pub fn durable(&self) -> (&Machine, u64) {
        (&self.machine, self.position)
    }
    /// What it has and the tail is not known to have.
    pub fn sent(&self) -> &VecDeque<(u64, Command)> {
        &self.sent
    }
    /// What it is.
    pub fn role(&self) -> Role {
        let Some(view) = self.view.as_ref().filter(|view| view.chain.contains(&self.me)) else { return Role::Idle };
        match view.beside(self.me) {
            _ if !self.installed => Role::Joining,
            (None, None) => Role::Alone,
            (None, Some(_)) => Role::Head,
            (Some(_), Some(_)) => Role::Middle,
            (Some(_), None) => Role::Tail,
        }
    }
    /// Puts what copies share on the scale.
    pub fn weigh(&self, scale: &mut Scale) {
        self.machine.weigh(scale);
    }
    fn number(&self) -> u64 {
        self.view.as_ref().map_or(0, |view| view.number)
    }
    fn beside(&self) -> (Option<NodeId>, Option<NodeId>) {
        self.view.as_ref().map_or((None, None), |view| view.beside(self.me))
    }
    fn is_last(&self) -> bool {
        matches!(self.role(), Role::Tail | Role::Alone)
    }

    /// A client asks.
    pub fn ask<P: Host>(&mut self, port: &mut P, rules: &Rules, client: NodeId, number: u64, key: u32, op: Op) {
        let role = self.role();
        let (first, last) = (matches!(role, Role::Head | Role::Alone), self.is_last());
        if op == Op::Read {
            let anywhere = rules.mistake == Mistake::ReadsAnywhere && role != Role::Idle;
            if anywhere || last && port.now() < self.lease {
                return self.answer(client, kv::Message::Done { number, value: self.machine.read(key) });
            }
            // A tail without a lease may be one no longer; whoever asks may ask again.
            let ask = self.view.as_ref().and_then(View::tail).filter(|tail| *tail != self.me);
            return self.answer(client, kv::Message::Elsewhere { number, ask });
        }
        let under_way = self.sent.iter().any(|(_, value)| {
            matches!(value, Command::Ask { client: of, number: under, .. } if (*of, *under) == (client, number))
        });
        if let Some((done, came)) = self.machine.session(client).filter(|_| first || last)
            && done == number
            && (last || !under_way && self.acked >= self.unsure)
        {
            return self.answer(client, came.answer(number));
        }
        if !first {
            let ask = self.view.as_ref().and_then(View::head).filter(|head| *head != self.me);
            return self.answer(client, kv::Message::Elsewhere { number, ask });
        }
        if under_way || self.machine.session(client).is_some_and(|(done, _)| done >= number) {
            // The tail will answer, or is not known to have it: whoever asks may ask again.
            return;
        }
        if self.sent.len() as u64 + (self.last - self.position) >= SENT as u64 {
            return self.answer(client, kv::Message::Unable { number, perhaps: false });
        }
        self.take(port, Command::Ask { client, number, key, op }, None);
    }

    fn answer(&mut self, client: NodeId, answer: kv::Message) {
        self.news.push(News::Answer(client, answer));
    }

    /// An update is the next in its history.
    fn take<P: Host>(&mut self, port: &mut P, value: Command, from: Option<NodeId>) {
        self.last += 1;
        let done = Timer::Stored(self.replaced, self.last, value.clone(), from);
        port.persist(Write::Append(self.last, value), Some(done));
    }

    fn stored<P: Host>(&mut self, port: &mut P, rules: &Rules, position: u64, value: Command, from: Option<NodeId>) {
        self.position = position;
        let effects = Rc::make_mut(&mut self.machine).apply(&value);
        self.news.push(News::Told(Told::Took { position, value: value.clone(), from }));
        let early = rules.mistake == Mistake::AnswersEarly && from.is_none();
        let tail = self.is_last();
        for effect in effects {
            if let Effect::Answer(client, answer) = effect
                && (tail || early)
            {
                self.answer(client, answer);
            }
        }
        if tail {
            return self.acknowledge(port);
        }
        if self.sent.len() >= SENT {
            self.sent.pop_front();
        }
        self.sent.push_back((position, value.clone()));
        if let (true, (_, Some(next))) = (self.installed, self.beside()) {
            port.send(next, Message::Update { view: self.number(), position, value });
        }
    }

    /// The tail has everything that is on its disk: so has everybody.
    fn acknowledge<P: Host>(&mut self, port: &mut P) {
        self.acked = self.position;
        if let (Some(before), _) = self.beside()
            && self.position > 0
        {
            port.send(before, Message::Ack { view: self.number(), position: self.position });
        }
    }

    fn on_update<P: Host>(&mut self, port: &mut P, rules: &Rules, from: NodeId, position: u64, value: Command) {
        if !(self.installed || self.copying) || self.beside().0 != Some(from) {
            return;
        }
        if position > self.last + 1 && rules.mistake == Mistake::NoResend {
            self.last = position - 1;
        }
        if position == self.last + 1 {
            self.take(port, value, Some(from));
        } else if position <= self.position && self.is_last() {
            self.acknowledge(port);
        }
    }

    /// A new view; or the lease of the one that it knows.
    fn on_appoint<P: Host>(&mut self, port: &mut P, view: View, sent: Time, lease: Micros) {
        if view.number > self.number() {
            self.view = Some(view);
            (self.installed, self.copying, self.lease) = (false, false, Time::ZERO);
            self.join(port);
        }
        if self.view.as_ref().is_some_and(|known| known.tail() == Some(self.me)) {
            self.lease = self.lease.max(sent + lease);
        }
    }

    /// The head has everything; all others ask their predecessors.
    fn join<P: Host>(&mut self, port: &mut P) {
        let view = self.number();
        match self.role() {
            Role::Joining => match self.beside().0 {
                None => port.persist(Write::Install(view), Some(Timer::Installed(view))),
                Some(before) => port.send(before, Message::Hello { view, position: self.position, held: self.held }),
            },
            Role::Idle => self.sent.clear(),
            _ => {}
        }
    }

    /// It has what its predecessor had.
    fn install<P: Host>(&mut self, port: &mut P, rules: &Rules) {
        (self.installed, self.copying, self.held) = (true, false, self.number());
        self.news.push(News::Report);
        if self.is_last() {
            // What it had sent to a tail that is gone is answered by itself now.
            for (_, value) in std::mem::take(&mut self.sent) {
                if let Command::Ask { client, number, .. } = value
                    && let Some((done, came)) = self.machine.session(client)
                    && done == number
                {
                    self.answer(client, came.answer(number));
                }
            }
            self.acknowledge(port);
        }
        if let Some((from, view, position, held)) = self.hello.take() {
            self.on_hello(port, rules, from, view, position, held);
        }
    }

    fn on_hello<P: Host>(&mut self, port: &mut P, rules: &Rules, from: NodeId, of: u64, position: u64, held: u64) {
        let view = self.number();
        if of > view || of == view && !self.installed {
            self.hello = Some((from, of, position, held));
            return;
        }
        if of < view || self.beside().1 != Some(from) {
            return;
        }
        let joins = self.view.as_ref().is_some_and(|view| view.joins == Some(from)) && held < view;
        let known = self.sent.front().map_or(self.position, |(first, _)| first - 1);
        if rules.mistake == Mistake::NoResend && !joins {
            self.sent.clear();
            self.acked = self.position;
            return port.send(from, Message::Sync { view });
        }
        if joins || position < known {
            let (position, machine) = (self.position, self.machine.clone());
            return port.send(from, Message::Transfer { view, position, machine });
        }
        port.send(from, Message::Sync { view });
        self.send_from(port, from, position + 1);
    }

    fn send_from<P: Host>(&self, port: &mut P, to: NodeId, first: u64) {
        let view = self.number();
        for (position, value) in self.sent.iter().filter(|(position, _)| *position >= first).take(BATCH) {
            port.send(to, Message::Update { view, position: *position, value: value.clone() });
        }
    }

    fn on_transfer<P: Host>(&mut self, port: &mut P, from: NodeId, position: u64, machine: Rc<Machine>) {
        if self.beside().0 != Some(from) || self.copying {
            return;
        }
        let view = self.number();
        if self.installed && position <= self.last {
            if self.is_last() {
                self.acknowledge(port);
            }
            return;
        }
        (self.copying, self.last, self.unsure) = (true, position, position);
        self.sent.clear();
        let done = Timer::Replaced(view, position, from);
        (self.replaced, self.position, self.machine) = (self.replaced + 1, position, machine.clone());
        port.persist(Write::Replace(view, position, machine), Some(done));
    }

    /// A message has come.
    pub fn on_message<P: Host>(&mut self, port: &mut P, rules: &Rules, from: NodeId, message: Message) {
        let of = |view: u64| view == self.number() && view > 0;
        match message {
            Message::Update { view, position, value } if of(view) => self.on_update(port, rules, from, position, value),
            Message::Ack { view, position } if of(view) && self.beside().1 == Some(from) => {
                self.acked = self.acked.max(position);
                while self.sent.front().is_some_and(|(first, _)| *first <= position) {
                    self.sent.pop_front();
                }
                if let (Some(before), _) = self.beside() {
                    port.send(before, Message::Ack { view, position });
                }
            }
            Message::Hello { view, position, held } => self.on_hello(port, rules, from, view, position, held),
            Message::Sync { view }
                if of(view) && self.beside().0 == Some(from) && self.role() == Role::Joining && !self.copying =>
            {
                self.copying = true;
                port.persist(Write::Install(view), Some(Timer::Installed(view)));
            }
            Message::Transfer { view, position, machine } if of(view) => {
                self.on_transfer(port, from, position, machine);
            }
            Message::Appoint { view, sent, lease } => self.on_appoint(port, view, sent, lease),
            _ => {}
        }
    }

    /// A timer has run out, or a write is on the disk.
    pub fn on_timer<P: Host>(&mut self, port: &mut P, rules: &Rules, timer: Timer) {
        match timer {
            Timer::Stored(of, position, value, from) => {
                // What was on its way when its history was replaced is nothing any more.
                if of == self.replaced {
                    self.stored(port, rules, position, value, from);
                }
            }
            Timer::Installed(view) => {
                if view == self.number() {
                    self.install(port, rules);
                }
            }
            Timer::Replaced(view, position, from) => {
                self.news.push(News::Told(Told::Transferred { from, position }));
                if view == self.number() {
                    self.install(port, rules);
                }
            }
            Timer::Again => {
                self.again(port);
                port.set(Timer::Again, rules.again);
            }
        }
    }

    fn again<P: Host>(&mut self, port: &mut P) {
        if !self.installed {
            if !self.copying {
                self.join(port);
            }
            return;
        }
        // What it had already when it last looked, and nothing of it was acknowledged since.
        let (acked, position) = std::mem::replace(&mut self.seen, (self.acked, self.position));
        let stands = acked == self.acked && acked < position;
        let (_, next) = self.beside();
        if let Some(next) = next.filter(|_| stands) {
            if self.sent.is_empty() {
                let (view, position, machine) = (self.number(), self.position, self.machine.clone());
                port.send(next, Message::Transfer { view, position, machine });
            } else {
                self.send_from(port, next, 0);
            }
        }
    }
}
