//! Paxos (Lamport, «The Part-Time Parliament», TOCS 1998, and «Paxos Made Simple», 2001): one value after another on which
//! a majority agrees, whoever crashes and whatever is lost. Each node is proposer, acceptor and learner.
//!
//! ```text
//! proposer              acceptors
//!   │ Prepare n ────────────▶│ n above all that it promised: on the disk, and then
//!   │ ◀──────────── Promise  │ what it has accepted so far, of the highest number
//!   │ a majority promised: the value of the highest number that it heard of, or its own
//!   │ Accept n, value ──────▶│ nothing above n promised: on the disk, and then
//!   │ ◀──────────── Accepted │
//!   │ a majority accepted: the value is chosen
//!   │ Chosen ────────────────▶ learners
//! ```
//!
//! Why only one value can be chosen in an instance: of a majority that accepted v under m and a majority that promised
//! n > m one acceptor is in both. It accepted before it promised, since afterwards it would have refused m; so it tells the
//! proposer of n of v, and by induction v is of the highest number that the proposer hears of. That counts on promises and
//! acceptances that outlive a crash.
//!
//! Two ways to run it. Everyone proposes what it is asked for, each value in both phases: two who do so at the same time
//! can keep one another from ever being accepted (§2.4). Or one is the distinguished proposer, which does phase 1 once for
//! all instances to come (§3); it is the first by number of whom one has heard lately, and if two take themselves for it
//! that costs progress and never agreement. In both the proposer is the distinguished learner, which tells the others.
//!
//! Simpler than there: who missed something gets what all of it comes to, not instance after instance; the acceptors are
//! those who were there at the beginning, and one that lost its disk, and with it its promises, only learns from then on.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::sim::{Micros, NodeId, Port, Scale, Table, Time};

use super::kv::{self, Op};
use super::raft::{Command, Effect, Machine};

mod proposer;
mod wire;

#[cfg(test)]
mod tests;

pub use wire::{Ballot, Instance, Last, Message, Store, Told, Write};

/// How many commands may wait at a node; one more is refused.
pub const PENDING: usize = 256;
/// How many instances a proposer has under way at once, and how far beyond what is known one may accept.
pub const WINDOW: u64 = 64;
/// How many clients' questions a node remembers to answer.
pub const ASKED: usize = 4_096;
/// How many of the last chosen values it shows.
const SHOWN: usize = 8;

crate::choice! {
    /// Who proposes.
    #[derive(Default)]
    pub enum Proposes {
        /// Whoever is asked: both phases for every value.
        #[default]
        Everyone = "everyone",
        /// The distinguished proposer: phase 1 once, phase 2 for every value.
        One = "one",
    }
}

crate::choice! {
    /// A mistake that is made on purpose.
    #[derive(Default)]
    pub enum Mistake {
        /// None.
        #[default]
        None = "none",
        /// An acceptor writes nothing to its disk.
        Forgets = "forgets",
        /// A proposer proposes its own value, whatever it heard of.
        OwnValue = "own-value",
        /// Half of the acceptors, rounded down, are held for a majority.
        Half = "half",
    }
}

/// How a node goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Who proposes.
    pub proposes: Proposes,
    /// How often it says that it is alive.
    pub beat: Micros,
    /// After how long a silence another is held for dead.
    pub patience: Micros,
    /// How long, at most, a proposer that was refused waits before it tries a higher number.
    pub backoff: Micros,
    /// How long it waits for answers before it asks again.
    pub timeout: Micros,
    /// What it does wrongly.
    pub mistake: Mistake,
}

/// A node's timers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Its own promise is on the disk: it may ask others for theirs.
    Begun(Ballot),
    /// A promise is on the disk.
    Promised(Ballot, Instance),
    /// An acceptance is on the disk.
    Accepted(Ballot, Instance, Command),
    /// To say that it is alive.
    Beat,
    /// To try again.
    Again,
}

/// How far a proposer has come.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It proposes nothing.
    Idle,
    /// It was refused, and waits.
    Resting,
    /// Its own promise is being written.
    Beginning(Ballot),
    /// Phase 1.
    Preparing {
        /// Under which number.
        ballot: Ballot,
        /// Who has promised.
        promised: Vec<NodeId>,
        /// What they have accepted: in each instance the proposal of the highest number.
        found: Table<Instance, (Ballot, Command)>,
        /// Who knows most of what was chosen.
        ahead: Option<(Instance, NodeId)>,
    },
    /// Phase 2.
    Proposing(Ballot),
}

/// A value that is proposed and not known to be chosen.
#[derive(Clone, Debug, Hash)]
struct Open {
    value: Command,
    accepted: Vec<NodeId>,
}

/// What has happened, for the host to tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum News {
    /// A client is answered.
    Answer(NodeId, kv::Message),
    /// For checks and the log.
    Told(Told),
    /// It has begun a ballot.
    Began,
    /// A value that it proposed is chosen.
    Chose,
}

/// A node.
#[derive(Clone, Debug, Hash)]
pub struct Server {
    me: NodeId,
    acceptors: Rc<[NodeId]>,
    promised: Ballot,
    accepted: Table<Instance, (Ballot, Command)>,
    learnt: Instance,
    machine: Rc<Machine>,
    /// Chosen, but not what comes before.
    beyond: Table<Instance, Command>,
    recent: VecDeque<(Instance, Command)>,
    highest: u64,
    phase: Phase,
    /// What clients ask for and is not proposed; whether it ever was.
    waiting: VecDeque<(Command, bool)>,
    open: Table<Instance, Open>,
    /// The last question of each client, to be answered here.
    asked: Table<NodeId, u64>,
    heard: Table<NodeId, Time>,
    /// As far as it knew when it last heard of somebody who knows more.
    behind: Option<Instance>,
    news: Vec<News>,
}

/// Anything that a node can be hosted by.
pub trait Host: Port<Message = Message, Timer = Timer, Write = Write> {}
impl<P: Port<Message = Message, Timer = Timer, Write = Write>> Host for P {}

impl Server {
    /// Starts, and starts again. `founders` are the acceptors where the disk knows none: empty for one that came later.
    pub fn boot<P: Host>(port: &mut P, disk: &Store, founders: &[NodeId], rules: &Rules) -> Server {
        let acceptors: Rc<[NodeId]> = if disk.acceptors.is_empty() { founders.into() } else { disk.acceptors.clone() };
        let now = port.now();
        let mut server = Server {
            me: port.id(),
            promised: disk.promised,
            accepted: disk.accepted.clone(),
            learnt: disk.learnt,
            machine: disk.machine.clone(),
            beyond: Table::new(),
            recent: VecDeque::new(),
            highest: disk.promised.round,
            phase: Phase::Idle,
            waiting: VecDeque::new(),
            open: Table::new(),
            asked: Table::new(),
            // Everybody may be there: nobody pushes forward because it has just come.
            heard: acceptors.iter().map(|other| (*other, now)).collect(),
            behind: None,
            news: Vec::new(),
            acceptors: acceptors.clone(),
        };
        if !acceptors.is_empty() {
            if disk.acceptors.is_empty() {
                port.persist(Write::Found(acceptors.clone()), None);
            }
            server.news.push(News::Told(Told::Founded { acceptors }));
            port.set(Timer::Beat, rules.beat);
        }
        server.drive(port, rules);
        server
    }

    /// What has happened since one last asked.
    pub fn news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }
    /// How far it has come as a proposer.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }
    /// The acceptors.
    pub fn acceptors(&self) -> &[NodeId] {
        &self.acceptors
    }
    /// The highest number that it has promised, and how many instances it knows all of.
    pub fn promised(&self) -> (Ballot, Instance) {
        (self.promised, self.learnt)
    }
    /// The last values that it learnt.
    pub fn recent(&self) -> &VecDeque<(Instance, Command)> {
        &self.recent
    }
    /// What it has accepted of what it does not know to be decided.
    pub fn accepted(&self) -> &Table<Instance, (Ballot, Command)> {
        &self.accepted
    }
    /// How many commands wait, and how many are proposed.
    pub fn waiting(&self) -> (usize, usize) {
        (self.waiting.len(), self.open.len())
    }
    /// Everything that was chosen, applied.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }
    /// Puts what copies share on the scale.
    pub fn weigh(&self, scale: &mut Scale) {
        self.machine.weigh(scale);
    }

    /// Who is to propose, as far as this one knows: the first acceptor of whom it has heard lately.
    pub fn distinguished(&self, now: Time, rules: &Rules) -> Option<NodeId> {
        let there = |other: &&NodeId| {
            **other == self.me || self.heard.get(*other).is_some_and(|heard| now.since(*heard) < rules.patience)
        };
        self.acceptors.iter().find(there).copied()
    }
    fn may_propose<P: Host>(&self, port: &P, rules: &Rules) -> bool {
        self.acceptors.contains(&self.me)
            && (rules.proposes == Proposes::Everyone || self.distinguished(port.now(), rules) == Some(self.me))
    }
    fn is_majority(&self, count: usize, rules: &Rules) -> bool {
        if rules.mistake == Mistake::Half {
            count * 2 + 1 >= self.acceptors.len()
        } else {
            count * 2 > self.acceptors.len()
        }
    }
    fn tell(&mut self, told: Told) {
        self.news.push(News::Told(told));
    }
    fn to_others<P: Host>(&self, port: &mut P, but: &[NodeId], message: &Message) {
        for other in self.acceptors.iter().filter(|other| **other != self.me && !but.contains(other)) {
            port.send(*other, message.clone());
        }
    }

    /// A client asks.
    pub fn ask<P: Host>(&mut self, port: &mut P, rules: &Rules, client: NodeId, number: u64, key: u32, op: Op) {
        if let Some((last, came)) = self.machine.session(client)
            && last == number
        {
            return self.news.push(News::Answer(client, came.answer(number)));
        }
        if self.asked.get(&client) == Some(&number) {
            return;
        }
        if !self.may_propose(port, rules) {
            let ask = match self.acceptors.is_empty() {
                true => self.heard.keys().next().copied(),
                false => self.distinguished(port.now(), rules),
            };
            return self.news.push(News::Answer(client, kv::Message::Elsewhere { number, ask }));
        }
        let full = self.asked.len() >= ASKED && !self.asked.contains_key(&client);
        if full || self.waiting.len() + self.open.len() >= PENDING {
            return self.news.push(News::Answer(client, kv::Message::Unable { number, perhaps: false }));
        }
        self.asked.insert(client, number);
        self.waiting.push_back((Command::Ask { client, number, key, op }, false));
        self.drive(port, rules);
    }

    fn accepted_from(&self, first: Instance) -> Rc<[Last]> {
        let from = self.accepted.iter().filter(|(instance, _)| **instance >= first);
        from.map(|(instance, (ballot, value))| (*instance, *ballot, value.clone())).collect()
    }

    fn on_prepare<P: Host>(&mut self, port: &mut P, rules: &Rules, from: NodeId, ballot: Ballot, first: Instance) {
        self.highest = self.highest.max(ballot.round);
        if ballot < self.promised {
            return port.send(from, Message::Refused { ballot: self.promised });
        }
        self.promised = ballot;
        self.step_aside(port, rules, ballot);
        if rules.mistake == Mistake::Forgets {
            self.promise(port, ballot, first);
        } else {
            port.persist(Write::Promise(ballot), Some(Timer::Promised(ballot, first)));
        }
    }

    fn promise<P: Host>(&mut self, port: &mut P, ballot: Ballot, first: Instance) {
        self.tell(Told::Promised { ballot });
        let accepted = self.accepted_from(first);
        port.send(ballot.node, Message::Promise { ballot, first: self.learnt + 1, accepted });
    }

    fn on_accept<P: Host>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        from: NodeId,
        ballot: Ballot,
        instance: Instance,
        value: Command,
    ) {
        self.highest = self.highest.max(ballot.round);
        if ballot < self.promised {
            return port.send(from, Message::Refused { ballot: self.promised });
        }
        self.promised = ballot;
        self.step_aside(port, rules, ballot);
        // What is decided is decided, and so far ahead nobody proposes.
        if instance <= self.learnt || instance > self.learnt + 2 * WINDOW {
            return;
        }
        self.accepted.insert(instance, (ballot, value.clone()));
        if rules.mistake == Mistake::Forgets {
            self.accept(port, rules, ballot, instance, value);
        } else {
            let done = Timer::Accepted(ballot, instance, value.clone());
            port.persist(Write::Accept(instance, ballot, value), Some(done));
        }
    }

    fn accept<P: Host>(&mut self, port: &mut P, rules: &Rules, ballot: Ballot, instance: Instance, value: Command) {
        self.tell(Told::Accepted { ballot, instance, value });
        if ballot.node == self.me {
            self.on_accepted(port, rules, self.me, ballot, instance);
        } else {
            port.send(ballot.node, Message::Accepted { ballot, instance });
        }
    }

    fn learn<P: Host>(&mut self, port: &mut P, rules: &Rules, instance: Instance, value: Command) {
        if instance <= self.learnt || instance > self.learnt + 2 * WINDOW || self.beyond.contains_key(&instance) {
            return;
        }
        self.tell(Told::Learnt { instance, value: value.clone() });
        if let Some(open) = self.open.remove(&instance)
            && open.value != value
        {
            self.put_back(open.value);
        }
        self.beyond.insert(instance, value);
        while let Some(value) = self.beyond.remove(&(self.learnt + 1)) {
            self.learnt += 1;
            self.accepted.remove(&self.learnt);
            self.recent.push_back((self.learnt, value.clone()));
            while self.recent.len() > SHOWN {
                self.recent.pop_front();
            }
            while self.recent.len() > SHOWN {
                self.recent.pop_front();
            }
            for effect in Rc::make_mut(&mut self.machine).apply(&value) {
                if let Effect::Answer(client, answer) = effect {
                    self.answer(client, &value, answer);
                }
            }
            self.waiting.retain(|(other, _)| *other != value);
            port.persist(Write::Learn(value), None);
        }
        self.drive(port, rules);
    }

    fn answer(&mut self, client: NodeId, value: &Command, answer: kv::Message) {
        if let Command::Ask { number, .. } = value
            && self.asked.get(&client) == Some(number)
        {
            self.asked.remove(&client);
            self.news.push(News::Answer(client, answer));
        }
    }

    fn on_everything<P: Host>(&mut self, port: &mut P, rules: &Rules, first: Instance, machine: Rc<Machine>) {
        if first <= self.learnt + 1 {
            return;
        }
        (self.learnt, self.machine) = (first - 1, machine.clone());
        port.persist(Write::Everything(self.learnt, machine), None);
        let learnt = self.learnt;
        self.accepted.retain(|instance, _| *instance > learnt);
        self.beyond.retain(|instance, _| *instance > learnt);
        let passed: Vec<Instance> = self.open.keys().filter(|instance| **instance <= learnt).copied().collect();
        for instance in passed.iter().rev() {
            if let Some(open) = self.open.remove(instance) {
                self.put_back(open.value);
            }
        }
        let done = |client: &NodeId, number: &u64| self.machine.session(*client).filter(|(last, _)| last >= number);
        let over: Vec<(NodeId, u64)> = self
            .asked
            .iter()
            .filter(|(client, number)| done(client, number).is_some())
            .map(|(c, n)| (*c, *n))
            .collect();
        for (client, number) in over {
            if let Some((last, came)) = self.machine.session(client)
                && last == number
            {
                self.news.push(News::Answer(client, came.answer(number)));
            }
            self.asked.remove(&client);
            self.waiting.retain(|(value, _)| !matches!(value, Command::Ask { client: of, .. } if *of == client));
        }
        if self.phase == Phase::Resting {
            self.phase = Phase::Idle;
            port.cancel(&Timer::Again);
        }
        self.drive(port, rules);
    }

    /// A message has come.
    pub fn on_message<P: Host>(&mut self, port: &mut P, rules: &Rules, from: NodeId, message: Message) {
        let ours = self.acceptors.contains(&self.me) && self.acceptors.contains(&from);
        match message {
            Message::Prepare { ballot, first } if ours => self.on_prepare(port, rules, from, ballot, first),
            Message::Promise { ballot, first, accepted } if ours => {
                self.on_promise(port, rules, from, ballot, first, &accepted);
            }
            Message::Accept { ballot, instance, value } if ours => {
                self.on_accept(port, rules, from, ballot, instance, value);
            }
            Message::Accepted { ballot, instance } if ours => self.on_accepted(port, rules, from, ballot, instance),
            Message::Refused { ballot } if ours => {
                self.highest = self.highest.max(ballot.round);
                self.step_aside(port, rules, ballot);
            }
            Message::Chosen { instance, value } => self.learn(port, rules, instance, value),
            Message::Alive { first } => {
                self.heard.insert(from, port.now());
                // What it lacks may be on its way: only what does not come by the next time is asked for.
                match self.behind {
                    Some(known) if first > known && self.learnt + 1 == known => {
                        self.behind = None;
                        port.send(from, Message::Learn { first: known });
                    }
                    _ => self.behind = (first > self.learnt + 1).then_some(self.learnt + 1),
                }
                self.drive(port, rules);
            }
            Message::Learn { first } if first <= self.learnt => {
                let everything = Message::Everything { first: self.learnt + 1, machine: self.machine.clone() };
                port.send(from, everything);
            }
            Message::Everything { first, machine } => self.on_everything(port, rules, first, machine),
            _ => {}
        }
    }

    /// A timer has run out, or a write is on the disk. `wired` are all nodes that are to hear of it.
    pub fn on_timer<P: Host>(&mut self, port: &mut P, rules: &Rules, timer: Timer, wired: &[NodeId]) {
        match timer {
            Timer::Begun(ballot) => self.begun(port, rules, ballot),
            Timer::Promised(ballot, first) => self.promise(port, ballot, first),
            Timer::Accepted(ballot, instance, value) => self.accept(port, rules, ballot, instance, value),
            Timer::Beat => {
                for other in wired {
                    port.send(*other, Message::Alive { first: self.learnt + 1 });
                }
                port.set(Timer::Beat, rules.beat);
                self.drive(port, rules);
            }
            Timer::Again => self.again(port, rules),
        }
    }
}
