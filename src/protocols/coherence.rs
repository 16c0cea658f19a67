//! What many cores share: one copy that is written by one after another, and that all the others are told of, as directories
//! of caches do (Censier and Feautrier, «A New Solution to Coherence Problems in Multicache Systems», 1978).
//!
//! ```text
//! core        directory      other cores
//!   │ Change ────▶│                │      waits until all changes before it are made (contention)
//!   │             │ takes its time │
//!   │             │ Update ───────▶│      every other core that has a copy, one after the other
//!   │             │ ◀───── Updated │      (coherence: a round trip each)
//!   │ ◀── Changed │                │      and only then the next change
//! ```
//!
//! If of the time s of a job the share α is spent on what is shared, and a round trip takes βs, then N jobs that N cores
//! begin together are all done after (1−α)s + N(αs + (N−1)βs). That is Gunther's universal scalability law: N jobs in the
//! time of 1 + α(N−1) + βN(N−1), so the capacity is N ÷ (1 + α(N−1) + βN(N−1)) («A General Theory of Computational
//! Scalability Based on Rational Functions», 2008, where it is the bound for such synchronous requests). Nobody computes it
//! here: it is what comes of waiting and telling.
//!
//! The directory also knows which machine has the session of which person in its memory. A machine that does not have one
//! gets it from the one that has; one that is to go leaves all of its sessions with the directory before it does.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::sim::{Disk, Micros, NodeId, Port, Table, Time};

use super::{Family, Form, Wire};

/// How many changes may wait; one more is not taken, and its core asks again.
pub const MAX_CHANGES: usize = 4_096;
/// How many sessions a directory knows of; of more it does not know where they are.
pub const MAX_SESSIONS: usize = 16_384;
/// How many copies are told of a change at most.
pub const MAX_COPIES: usize = 1_024;
/// How long it waits for somebody who does not answer.
pub const PATIENCE: Micros = Micros::ms(250);
/// How often it asks a machine that is there for a session before that counts as lost.
pub const RECALLS: u32 = 16;

/// A change that a core wants to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Change {
    /// Numbers the changes of a machine.
    pub number: u64,
    /// How long it takes.
    pub takes: Micros,
    /// Whose session it is about.
    pub key: u64,
    /// Whether the machine has that session in its memory.
    pub held: bool,
    /// When the machine booted: in another life it has forgotten what it had.
    pub life: Time,
    /// Whether all copies must be told; a change of nothing that is shared only looks for a session.
    pub shared: bool,
}

/// Between a machine and what it shares with others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// I have so many cores, each with a copy.
    Join {
        /// How many.
        cores: u32,
    },
    /// Make this change.
    Change(Change),
    /// It is made, and everyone knows.
    Changed {
        /// Which.
        number: u64,
        /// The session that was asked for, as long as it is.
        session: u64,
    },
    /// There is a change: bring your core's copy up to date.
    Update {
        /// Numbers what a directory asks.
        round: u64,
    },
    /// It is up to date.
    Updated {
        /// Of which round.
        round: u64,
    },
    /// Hand this session over.
    Recall {
        /// Numbers what a directory asks.
        round: u64,
        /// Whose.
        key: u64,
    },
    /// Here it is, or there is none.
    Returned {
        /// Of which round.
        round: u64,
        /// As long as it is.
        session: Option<u64>,
    },
    /// I go: keep my sessions.
    Park {
        /// Whose, and as long as they are.
        sessions: Rc<[(u64, u64)]>,
    },
    /// They are safe.
    Parked,
}

impl Wire for Message {
    const FAMILY: Family = Family::Storage;
    fn name(&self) -> &'static str {
        match self {
            Message::Join { .. } => "Join",
            Message::Change(_) => "Change",
            Message::Changed { .. } => "Changed",
            Message::Update { .. } => "Update",
            Message::Updated { .. } => "Updated",
            Message::Recall { .. } => "Recall",
            Message::Returned { .. } => "Returned",
            Message::Park { .. } => "Park",
            Message::Parked => "Parked",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Join { .. } => Form::Beat,
            Message::Change(_) | Message::Update { .. } | Message::Recall { .. } | Message::Park { .. } => {
                Form::Request
            }
            Message::Changed { .. } | Message::Updated { .. } | Message::Returned { .. } | Message::Parked => {
                Form::Reply
            }
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Message::Join { cores } => vec![("cores", cores.to_string())],
            Message::Change(change) => {
                let mut fields = vec![("number", change.number.to_string()), ("takes", change.takes.to_string())];
                if !change.held {
                    fields.push(("looks for the session of", change.key.to_string()));
                }
                fields
            }
            Message::Changed { number, .. } => vec![("number", number.to_string())],
            Message::Update { round } | Message::Updated { round } => vec![("round", round.to_string())],
            Message::Recall { key, .. } => vec![("session", key.to_string())],
            Message::Returned { session, .. } => {
                vec![("session", session.map_or("none".to_owned(), |length| format!("of {length}")))]
            }
            Message::Park { sessions } => vec![("sessions", sessions.len().to_string())],
            Message::Parked => Vec::new(),
        }
    }
}

/// What a directory waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The change is made.
    Made,
    /// Whoever was asked does not answer.
    Silent,
    /// The sessions of this machine are on the disk.
    Parked(NodeId),
}

/// What is on the disk of a directory: sessions of machines that have gone, and who has the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sessions {
    /// As long as they are.
    pub parked: Table<u64, u64>,
    /// In whose memory, and in which life of it.
    pub homes: Table<u64, (NodeId, Time)>,
}

/// A write to the disk of a directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// This machine has the session of this person now.
    Home(u64, NodeId, Time),
    /// A machine has left its sessions here.
    Park(Rc<[(u64, u64)]>),
}

impl Disk for Sessions {
    type Write = Write;
    fn apply(&mut self, write: Write) {
        match write {
            Write::Home(key, node, life) => {
                self.parked.remove(&key);
                if self.homes.len() < MAX_SESSIONS || self.homes.contains_key(&key) {
                    self.homes.insert(key, (node, life));
                }
            }
            Write::Park(sessions) => {
                for (key, length) in sessions.iter() {
                    self.homes.remove(key);
                    if self.parked.len() < MAX_SESSIONS {
                        self.parked.insert(*key, *length);
                    }
                }
            }
        }
    }
}

/// What is being done for the change at the head of the queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Step {
    /// It takes its time.
    Making,
    /// Its session is asked for.
    Recalling,
    /// The copies are told; these are left, the next one last.
    Telling(Vec<NodeId>),
}

/// What a directory did, for measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// A change is made.
    Changed,
    /// A session is not to be had any more: whoever had it in memory is gone.
    Lost(u64),
    /// A session went from one machine to another.
    Moved,
}

/// The directory.
#[derive(Clone, Debug, Default, Hash)]
pub struct Directory {
    /// How many copies each machine has.
    pub copies: Table<NodeId, u32>,
    sessions: Sessions,
    queue: VecDeque<(NodeId, Change)>,
    step: Option<Step>,
    /// What the session of the change at the head was found to be.
    found: u64,
    round: u64,
    /// Who was told or asked last, and how often for the same session.
    asked: NodeId,
    recalls: u32,
    /// The machines that are there.
    there: Vec<NodeId>,
    /// What it did since somebody looked.
    pub told: Vec<Told>,
}

impl Directory {
    /// As it starts.
    pub fn boot(disk: &Sessions) -> Directory {
        Directory { sessions: disk.clone(), ..Directory::default() }
    }

    /// How many changes wait or are made.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// How many sessions lie here.
    pub fn parked(&self) -> usize {
        self.sessions.parked.len()
    }

    /// Only these machines are there.
    pub fn know(&mut self, there: impl Iterator<Item = NodeId> + Clone) {
        if self.there.iter().copied().eq(there.clone()) {
            return;
        }
        self.there = there.collect();
        let there = &self.there;
        self.copies.retain(|node, _| there.contains(node));
        if let Some(Step::Telling(left)) = &mut self.step {
            left.retain(|node| there.contains(node));
        }
    }

    /// A machine says something.
    pub fn on_message<P>(&mut self, port: &mut P, from: NodeId, message: Message)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        match message {
            Message::Join { cores } => self.copies.insert(from, cores),
            Message::Change(change) => {
                let there = |(node, other): &(NodeId, Change)| *node == from && other.number == change.number;
                if self.queue.len() < MAX_CHANGES && !self.queue.iter().any(there) {
                    self.queue.push_back((from, change));
                    self.begin(port);
                }
            }
            Message::Updated { round } if round == self.round && matches!(self.step, Some(Step::Telling(_))) => {
                self.tell_next(port);
            }
            Message::Returned { round, session } if round == self.round && self.step == Some(Step::Recalling) => {
                self.returned(port, session);
            }
            Message::Park { sessions } => {
                // It has no copy any more, unless it says so again.
                self.copies.remove(&from);
                if let Some(Step::Telling(left)) = &mut self.step {
                    left.retain(|node| *node != from);
                }
                let write = Write::Park(sessions);
                self.sessions.apply(write.clone());
                port.persist(write, Some(Timer::Parked(from)));
            }
            // What comes too late.
            _ => {}
        }
    }

    /// A timer has run out.
    pub fn on_timer<P>(&mut self, port: &mut P, timer: Timer)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        match (timer, &self.step) {
            (Timer::Parked(node), _) => port.send(node, Message::Parked),
            (Timer::Made, Some(Step::Making)) => self.find(port),
            // It may only stand still.
            (Timer::Silent, Some(Step::Recalling)) if self.recalls < RECALLS && self.there.contains(&self.asked) => {
                self.recall(port);
            }
            (Timer::Silent, Some(Step::Recalling)) => self.returned(port, None),
            (Timer::Silent, Some(Step::Telling(_))) => {
                // Its copy may be old: it takes part again when it says that it is there.
                let silent = self.asked;
                self.copies.retain(|node, _| *node != silent);
                if let Some(Step::Telling(left)) = &mut self.step {
                    left.retain(|node| *node != silent);
                }
                self.tell_next(port);
            }
            _ => {}
        }
    }

    fn begin<P>(&mut self, port: &mut P)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        if self.step.is_none()
            && let Some((_, change)) = self.queue.front()
        {
            self.step = Some(Step::Making);
            port.set(Timer::Made, change.takes);
        }
    }

    /// The session of whoever the change is about: it must come to the machine that makes the change.
    fn find<P>(&mut self, port: &mut P)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let Some((from, change)) = self.queue.front().copied() else { return };
        self.found = 0;
        if change.held {
            return self.spread(port);
        }
        if let Some(length) = self.sessions.parked.get(&change.key).copied() {
            self.found = length;
            self.told.push(Told::Moved);
            return self.spread(port);
        }
        match self.sessions.homes.get(&change.key).copied() {
            None => self.spread(port),
            // It is on its way there already, for a change before this one.
            Some(home) if home == (from, change.life) => self.spread(port),
            // Whoever had it has forgotten it, or has gone with it.
            Some((home, _)) if home == from || !self.there.contains(&home) => self.returned(port, None),
            Some((home, _)) => {
                self.round += 1;
                self.step = Some(Step::Recalling);
                self.recalls = 0;
                self.asked = home;
                self.recall(port);
            }
        }
    }

    /// Asks whoever has a session for it; under the same number, so that it need not be the last question that is answered.
    fn recall<P>(&mut self, port: &mut P)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let Some((_, change)) = self.queue.front() else { return };
        self.recalls += 1;
        port.send(self.asked, Message::Recall { round: self.round, key: change.key });
        port.set(Timer::Silent, PATIENCE);
    }

    fn returned<P>(&mut self, port: &mut P, session: Option<u64>)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        port.cancel(&Timer::Silent);
        let key = self.queue.front().map_or(0, |(_, change)| change.key);
        self.told.push(session.map_or(Told::Lost(key), |_| Told::Moved));
        self.found = session.unwrap_or(0);
        self.spread(port);
    }

    /// Everyone else who has a copy is to be told.
    fn spread<P>(&mut self, port: &mut P)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let Some((from, change)) = self.queue.front().copied() else { return };
        // Of the machine that asks all cores but one.
        let others = |(node, cores): (&NodeId, &u32)| {
            let cores = if *node == from { cores.saturating_sub(1) } else { *cores };
            std::iter::repeat_n(*node, cores as usize)
        };
        let copies =
            if change.shared { self.copies.iter().rev().flat_map(others).take(MAX_COPIES).collect() } else { vec![] };
        self.step = Some(Step::Telling(copies));
        self.tell_next(port);
    }

    fn tell_next<P>(&mut self, port: &mut P)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let Some(Step::Telling(left)) = &mut self.step else { return };
        if let Some(node) = left.pop() {
            self.round += 1;
            self.asked = node;
            port.send(node, Message::Update { round: self.round });
            return port.set(Timer::Silent, PATIENCE);
        }
        port.cancel(&Timer::Silent);
        self.step = None;
        let Some((from, change)) = self.queue.pop_front() else { return };
        if self.sessions.homes.get(&change.key) != Some(&(from, change.life)) {
            let write = Write::Home(change.key, from, change.life);
            self.sessions.apply(write.clone());
            port.persist(write, None);
        }
        self.told.push(Told::Changed);
        port.send(from, Message::Changed { number: change.number, session: self.found });
        self.begin(port);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Desk;
    use super::*;

    const MACHINES: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];

    fn change(number: u64, key: u64, held: bool) -> Message {
        let life = Time(number);
        Message::Change(Change { number, takes: Micros::ms(10), key, held, life, shared: true })
    }

    fn ready(desk: &mut Desk<Message, Timer, Write>) -> Directory {
        let mut directory = Directory::boot(&Sessions::default());
        directory.know(MACHINES.into_iter());
        for node in MACHINES {
            directory.on_message(desk, node, Message::Join { cores: 1 });
        }
        directory
    }

    /// Everyone answers, until there is nothing more to answer.
    fn answered(directory: &mut Directory, desk: &mut Desk<Message, Timer, Write>) -> Vec<String> {
        let mut said = Vec::new();
        loop {
            let sent = desk.sent();
            if sent.is_empty() {
                return said;
            }
            for (to, message) in sent {
                said.push(format!("{to} {}", message.name()));
                if let Message::Update { round } = message {
                    directory.on_message(desk, to, Message::Updated { round });
                }
            }
        }
    }

    #[test]
    fn a_change_is_made_when_every_other_copy_knows_and_then_the_next() {
        let mut desk = Desk::new(9);
        let mut directory = ready(&mut desk);
        directory.on_message(&mut desk, MACHINES[0], change(1, 7, true));
        directory.on_message(&mut desk, MACHINES[1], change(1, 8, true));
        assert_eq!(desk.sent(), [], "it takes its time");
        directory.on_timer(&mut desk, Timer::Made);
        assert_eq!(answered(&mut directory, &mut desk), ["@2 Update", "@3 Update", "@1 Changed"]);
        directory.on_timer(&mut desk, Timer::Made);
        assert_eq!(answered(&mut directory, &mut desk), ["@1 Update", "@3 Update", "@2 Changed"]);
        assert_eq!(directory.waiting(), 0);
    }

    #[test]
    fn who_does_not_answer_is_not_waited_for_for_ever() {
        let mut desk = Desk::new(9);
        let mut directory = ready(&mut desk);
        directory.on_message(&mut desk, MACHINES[0], change(1, 7, true));
        directory.on_timer(&mut desk, Timer::Made);
        for _ in 0..2 {
            assert_eq!(desk.sent().len(), 1);
            directory.on_timer(&mut desk, Timer::Silent);
        }
        assert!(matches!(desk.sent()[..], [(NodeId(1), Message::Changed { number: 1, .. })]));
    }

    #[test]
    fn a_session_comes_from_whoever_has_it_or_from_here_and_otherwise_is_lost() {
        let mut desk = Desk::new(9);
        let mut directory = ready(&mut desk);
        let mut asked = |from: NodeId, number: u64, answer: Option<Option<u64>>| {
            directory.on_message(&mut desk, from, change(number, 7, false));
            directory.on_timer(&mut desk, Timer::Made);
            if let Some(session) = answer {
                let Some((_, Message::Recall { round, key: 7 })) = desk.sent().pop() else { panic!("it is recalled") };
                directory.on_message(&mut desk, MACHINES[0], Message::Returned { round, session });
            }
            answered(&mut directory, &mut desk);
            std::mem::take(&mut directory.told)
        };
        assert_eq!(asked(MACHINES[0], 1, None), [Told::Changed], "it is new");
        assert_eq!(asked(MACHINES[1], 1, Some(Some(4))), [Told::Moved, Told::Changed]);
        assert_eq!(asked(MACHINES[1], 2, None), [Told::Lost(7), Told::Changed], "it has forgotten it");
        directory.on_message(&mut desk, MACHINES[1], Message::Park { sessions: [(7, 5)].into() });
        directory.on_timer(&mut desk, Timer::Parked(MACHINES[1]));
        assert_eq!(desk.sent(), [(MACHINES[1], Message::Parked)]);
        directory.on_message(&mut desk, MACHINES[2], change(1, 7, false));
        directory.on_timer(&mut desk, Timer::Made);
        answered(&mut directory, &mut desk);
        assert_eq!(directory.told, [Told::Moved, Told::Changed]);
        assert_eq!(directory.found, 5);
    }
}
