//! Elections: of those that are up, the one with the highest number is to be coordinator, and all are to know it. Two ways:
//! the bully (Garcia-Molina, «Elections in a Distributed Computing System», IEEE Transactions on Computers 1982) in
//! `bully`, the ring (Chang and Roberts, «An Improved Algorithm for Decentralized Extrema-Finding in Circular
//! Configurations of Processes», CACM 1979) in `ring`. Here is what they share: how a coordinator that is gone is noticed,
//! and one that is there twice.
//!
//! ```text
//! bully                                    ring, each to the next that is up
//!   │ AreYouUp ──▶ all higher                │ Election 3 ──▶ a higher one passes it on,
//!   │ Up ◀─── then it is theirs              │               a lower one stands itself and swallows it
//!   │ nobody within the time-out:            │ ──▶ back at 3: nobody up is higher
//!   │ Halt ──▶ all lower, which stop         │ Elected 3 ──▶ all follow
//!   │ Halted ◀───
//!   │ all, or the time-out:
//!   │ NewCoordinator ──▶ all lower
//! ```
//!
//! Both stop the old coordinator before there is a new one: the bully by Halt, the ring since whoever passes on a higher
//! number follows nobody from then on. That is the paper's Assertion 1, and it counts on two things that the paper says:
//! whoever is up answers within the time-out, and nobody stands still. No election can do without; [`Mistake::NoHalt`] is
//! the bully as many books have it, which for the length of a message has two.
//!
//! The coordinator asks everyone now and then whether all is normal. Whoever hears nothing of it for a while calls an
//! election, as does whoever starts, and a coordinator to which somebody says no: so two sides of a cut that is mended
//! find together.
//!
//! Simpler than there: whoever is asked whether it is up and follows another calls an election at once, as books have it,
//! and does not wait until it notices by itself; what coordinators hand to the others (the paper's Ready) is nothing; and
//! the ring's signs of life go straight to everyone.

use crate::sim::{Micros, NodeId, Port, Table, Time};

mod bully;
mod ring;
mod wire;

#[cfg(test)]
mod tests;

pub use wire::{Message, Told};

/// How many messages round the ring one waits to hear have arrived; of more the oldest is forgotten.
pub const PASSING: usize = 64;

crate::choice! {
    /// How a coordinator is found.
    #[derive(Default)]
    pub enum Algorithm {
        /// Whoever finds no higher one up stops all lower ones.
        #[default]
        Bully = "bully",
        /// Numbers go round a ring, and lower ones are swallowed.
        Ring = "ring",
    }
}

crate::choice! {
    /// Which way round the ring.
    #[derive(Default)]
    pub enum Direction {
        /// To the next.
        #[default]
        Onwards = "onwards",
        /// To the one before.
        Backwards = "backwards",
    }
}

crate::choice! {
    /// A mistake that is made on purpose.
    #[derive(Default)]
    pub enum Mistake {
        /// None.
        #[default]
        None = "none",
        /// bully: Whoever finds no higher one up says at once that it is coordinator.
        NoHalt = "no-halt",
        /// ring: Nothing is swallowed.
        PassesEverything = "passes-everything",
    }
}

/// How an elector goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How a coordinator is found.
    pub algorithm: Algorithm,
    /// How often the coordinator asks whether all is normal.
    pub beat: Micros,
    /// After how long without that an election is called.
    pub patience: Micros,
    /// How long one waits for an answer: longer than it takes there and back.
    pub timeout: Micros,
    /// Which way round the ring.
    pub direction: Direction,
    /// Numbers are as places if 0, else drawn by this.
    pub shuffle: u32,
    /// What it does wrongly.
    pub mistake: Mistake,
}

/// What an elector waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To ask whether all is normal.
    Beat,
    /// For the coordinator's question.
    Silent,
    /// For answers of higher ones, or of lower ones.
    Answers,
    /// For somebody else's election to come to something.
    Waited,
    /// For the next on the ring to have what was passed on.
    Unpassed(u64),
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It coordinates, or follows.
    Normal,
    /// bully: It has asked the higher ones whether they are up.
    Asking,
    /// bully: It has told the lower ones to stop.
    Halting,
    /// For somebody else, or on the ring for its own number.
    Waiting,
}

/// Who stands for election: its number, and who it is.
type Candidate = (u32, NodeId);

/// What has happened, for the host to tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum News {
    /// For checks and the log.
    Told(Told),
    /// It was elected so long after it had called the election.
    Won(Micros),
    /// It follows somebody again, so long after it noticed that there was nobody.
    Again(Micros),
    /// A message of an election was sent, of this name.
    Sent(&'static str),
}

/// The message under way to the next on the ring, and to whom.
type Passed = (Message, NodeId);

/// An elector.
#[derive(Clone, Debug, Hash)]
pub struct Elector {
    me: NodeId,
    phase: Phase,
    /// Whom it follows; itself where it coordinates.
    coordinator: Option<NodeId>,
    /// Whoever made it stop, and is to be the next.
    stopped_by: Option<NodeId>,
    /// bully: which of the lower ones have stopped.
    stopped: Vec<NodeId>,
    /// ring: the highest that it has passed on, or stood as, in this election.
    highest: Option<Candidate>,
    /// When it last called an election.
    attempt: u64,
    passing: Table<u64, Passed>,
    serial: u64,
    /// Since when it knows of no coordinator.
    without: Option<Time>,
    calls: u64,
    news: Vec<News>,
}

/// Anything that an elector can be hosted by.
pub trait Host: Port<Message = Message, Timer = Timer> {}
impl<P: Port<Message = Message, Timer = Timer>> Host for P {}

/// Where an elector stands: its host, how it goes about it, and everyone, itself among them, ascending.
pub struct Desk<'a, P: Host> {
    /// The host.
    pub port: &'a mut P,
    /// How it goes about it.
    pub rules: &'a Rules,
    /// Everyone.
    pub members: &'a [NodeId],
}

/// A node's number: by its place, or drawn, so that no two are alike.
pub fn number(node: NodeId, shuffle: u32) -> u32 {
    if shuffle == 0 || node.0 > 0xff {
        return node.0 + 1;
    }
    // A Feistel network of four rounds on two halves of four bits: it shuffles the numbers up to 256.
    let (mut left, mut right) = (node.0 >> 4, node.0 & 0xf);
    for round in 0..4_u64 {
        let mut mixed = (u64::from(shuffle) << 32) ^ (round << 8) ^ u64::from(right);
        for _ in 0..3 {
            mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        }
        (left, right) = (right, left ^ (mixed >> 60) as u32);
    }
    (left << 4 | right) + 1
}

impl Elector {
    /// Starts, and starts again: with an election.
    pub fn boot<P: Host>(desk: &mut Desk<'_, P>) -> Elector {
        let mut elector = Elector {
            me: desk.port.id(),
            phase: Phase::Normal,
            coordinator: None,
            stopped_by: None,
            stopped: Vec::new(),
            highest: None,
            attempt: 0,
            passing: Table::new(),
            serial: 0,
            without: Some(desk.port.now()),
            calls: 0,
            news: Vec::new(),
        };
        elector.call(desk);
        elector
    }

    /// What has happened since one last asked.
    pub fn news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }
    /// How far it has come.
    pub fn phase(&self) -> Phase {
        self.phase
    }
    /// Whom it follows; itself where it coordinates.
    pub fn coordinator(&self) -> Option<NodeId> {
        self.coordinator
    }
    /// How many elections it has called.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Its number, by its place or drawn.
    pub fn number(&self, shuffle: u32) -> u32 {
        number(self.me, shuffle)
    }
    /// Whether it takes itself for the coordinator.
    pub fn coordinates(&self) -> bool {
        self.coordinator == Some(self.me)
    }
    fn tell(&mut self, told: Told) {
        self.news.push(News::Told(told));
    }
    fn send<P: Host>(&mut self, desk: &mut Desk<'_, P>, to: NodeId, message: Message) {
        self.news.push(News::Sent(super::Wire::name(&message)));
        desk.port.send(to, message);
    }

    /// Calls an election.
    fn call<P: Host>(&mut self, desk: &mut Desk<'_, P>) {
        let number = self.number(desk.rules.shuffle);
        self.calls += 1;
        self.attempt = desk.port.now().0;
        self.tell(Told::Called { number });
        desk.port.cancel(&Timer::Waited);
        match desk.rules.algorithm {
            Algorithm::Bully => self.ask_higher(desk),
            Algorithm::Ring => self.stand(desk),
        }
    }

    /// It follows nobody until it hears more of `of`.
    fn step_aside<P: Host>(&mut self, desk: &mut Desk<'_, P>, of: NodeId) {
        if self.coordinator.take().is_some() || self.stopped_by != Some(of) {
            self.tell(Told::Aside { of: Some(of).filter(|of| *of != self.me) });
        }
        let now = desk.port.now();
        self.without.get_or_insert(now);
        self.stopped_by = Some(of);
        desk.port.cancel(&Timer::Beat);
        desk.port.cancel(&Timer::Silent);
    }

    fn wait<P: Host>(&mut self, desk: &mut Desk<'_, P>) {
        self.phase = Phase::Waiting;
        desk.port.cancel(&Timer::Answers);
        // An election takes the bully three time-outs at most, the ring as many as there are dead, and its way round.
        let turns = match desk.rules.algorithm {
            Algorithm::Bully => 4,
            Algorithm::Ring => desk.members.len() as u64 + 3,
        };
        desk.port.set(Timer::Waited, Micros(desk.rules.timeout.0 * turns));
    }

    fn settle<P: Host>(&mut self, desk: &mut Desk<'_, P>, coordinator: NodeId) {
        self.phase = Phase::Normal;
        (self.stopped_by, self.highest) = (None, None);
        self.coordinator = Some(coordinator);
        for timer in [Timer::Answers, Timer::Waited, Timer::Silent, Timer::Beat] {
            desk.port.cancel(&timer);
        }
        if let Some(since) = self.without.take() {
            self.news.push(News::Again(desk.port.now().since(since)));
        }
    }

    /// It is the coordinator.
    fn coordinate<P: Host>(&mut self, desk: &mut Desk<'_, P>) {
        self.settle(desk, self.me);
        let number = self.number(desk.rules.shuffle);
        self.tell(Told::Coordinates { number });
        self.news.push(News::Won(desk.port.now().since(Time(self.attempt))));
        desk.port.set(Timer::Beat, desk.rules.beat);
    }

    fn follow<P: Host>(&mut self, desk: &mut Desk<'_, P>, coordinator: NodeId) {
        let new = self.coordinator != Some(coordinator);
        self.settle(desk, coordinator);
        if new {
            self.tell(Told::Follows { coordinator });
        }
        desk.port.set(Timer::Silent, desk.rules.patience);
    }

    /// A coordinator asks whether all is normal.
    fn asked_whether_normal<P: Host>(&mut self, desk: &mut Desk<'_, P>, from: NodeId) {
        let lower = number(from, desk.rules.shuffle) < self.number(desk.rules.shuffle);
        if self.coordinator == Some(from) || self.stopped_by == Some(from) {
            // If it had been given up, that was a mistake.
            self.follow(desk, from);
        } else if lower {
            if self.phase == Phase::Normal {
                self.call(desk);
            }
        } else {
            if self.coordinates() {
                self.step_aside(desk, from);
                self.wait(desk);
            }
            self.send(desk, from, Message::NotNormal);
        }
    }

    /// A message has come.
    pub fn on_message<P: Host>(&mut self, desk: &mut Desk<'_, P>, from: NodeId, message: Message) {
        match message {
            Message::AreYouUp => self.asked_whether_up(desk, from),
            Message::Up if self.phase == Phase::Asking => self.wait(desk),
            Message::Halt => self.halt(desk, from),
            Message::Halted => self.halted(desk, from),
            Message::NewCoordinator => self.told_of_another(desk, from),
            Message::Election { number, owner, attempt, hops, serial } => {
                desk.port.send(from, Message::Got { serial });
                self.on_election(desk, (number, owner), attempt, hops);
            }
            Message::Elected { number, owner, hops, serial } => {
                desk.port.send(from, Message::Got { serial });
                self.on_elected(desk, (number, owner), hops);
            }
            Message::Got { serial } => {
                self.passing.remove(&serial);
                desk.port.cancel(&Timer::Unpassed(serial));
            }
            Message::AreYouNormal => self.asked_whether_normal(desk, from),
            Message::NotNormal if self.coordinates() => self.call(desk),
            Message::Up | Message::NotNormal => {}
        }
    }

    /// A timer has run out.
    pub fn on_timer<P: Host>(&mut self, desk: &mut Desk<'_, P>, timer: Timer) {
        match timer {
            Timer::Beat if self.coordinates() => {
                for other in desk.members.iter().filter(|other| **other != self.me) {
                    desk.port.send(*other, Message::AreYouNormal);
                }
                desk.port.set(Timer::Beat, desk.rules.beat);
            }
            Timer::Beat => {}
            Timer::Silent => {
                let now = desk.port.now();
                self.without.get_or_insert(now);
                self.call(desk);
            }
            Timer::Answers => self.answers_are_in(desk),
            Timer::Waited => self.call(desk),
            Timer::Unpassed(serial) => self.skip(desk, serial),
        }
    }

    /// The rules have changed: whoever was elected by the old ones stands again.
    pub fn on_rules<P: Host>(&mut self, desk: &mut Desk<'_, P>) {
        self.passing.clear();
        self.step_aside(desk, self.me);
        self.highest = None;
        self.call(desk);
    }
}
