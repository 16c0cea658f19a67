//! The coordinator's half.

use std::rc::Rc;

use crate::sim::{Disk, Micros, NodeId, Port, Table, Time};

use super::{A_LIFE, Change, Log, MAX_OPEN, Message, News, Presume, Step, Terms, Tx};

/// What can be set about it.
#[derive(Clone, Copy, Debug)]
pub struct CoordinatorRules {
    /// What is presumed where it knows nothing.
    pub presume: Presume,
    /// Whether its decision is on the disk before anyone hears of it.
    pub log: Log,
    /// How long it waits for votes.
    pub patience: Micros,
    /// After how long it tells the decision again to those who have not acknowledged it.
    pub again: Micros,
}

/// A decision that not everyone has acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// To commit, or to abort.
    commit: bool,
    /// Who must hear of it.
    tell: Rc<[NodeId]>,
}

/// Its log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CoordinatorLog {
    lives: u64,
    decided: Table<u64, Entry>,
}

/// A record of its log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CoordinatorWrite {
    /// It has begun this life, from 1.
    Life(u64),
    /// It has decided.
    Decision {
        /// Which transaction.
        number: u64,
        /// What, and who must hear of it.
        entry: Entry,
    },
    /// Everyone has acknowledged.
    End {
        /// Which transaction.
        number: u64,
    },
}

impl Disk for CoordinatorLog {
    type Write = CoordinatorWrite;
    fn apply(&mut self, write: CoordinatorWrite) {
        match write {
            CoordinatorWrite::Life(life) => self.lives = life,
            CoordinatorWrite::Decision { number, entry } => self.decided.insert(number, entry),
            CoordinatorWrite::End { number } => drop(self.decided.remove(&number)),
        }
    }
}

/// What it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CoordinatorTimer {
    /// The number of this life is on the disk.
    Ready,
    /// For the votes on a transaction, no longer.
    Votes(u64),
    /// A decision is on the disk.
    Decided(u64),
    /// To tell a decision again.
    Again(u64),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Phase {
    /// Who has voted Yes.
    Voting { yes: Vec<NodeId> },
    /// The decision is on its way to the disk.
    Deciding { entry: Entry },
    /// Who has not acknowledged it.
    Telling { commit: bool, left: Vec<NodeId> },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Open {
    participants: Rc<[NodeId]>,
    since: Time,
    phase: Phase,
}

/// A coordinator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Coordinator {
    /// The number of the last transaction.
    number: u64,
    /// After the last one of this life.
    end: u64,
    ready: bool,
    open: Table<u64, Open>,
    /// What came of the last event.
    pub news: News,
}

impl Coordinator {
    /// Starts, and starts again, from its log. [`Coordinator::start`] comes next.
    pub fn boot(log: &CoordinatorLog, now: Time) -> Coordinator {
        let mut open = Table::new();
        for (number, entry) in log.decided.iter() {
            let phase = Phase::Telling { commit: entry.commit, left: entry.tell.to_vec() };
            open.insert(*number, Open { participants: entry.tell.clone(), since: now, phase });
        }
        let number = log.lives * A_LIFE;
        Coordinator { number, end: number + A_LIFE, ready: false, open, news: News::default() }
    }

    /// Takes up what the log has open. Nothing is begun before the number of this life is safe, so that no number is
    /// given twice.
    pub fn start<P>(&mut self, port: &mut P, rules: &CoordinatorRules)
    where
        P: Port<Message = Message, Timer = CoordinatorTimer, Write = CoordinatorWrite>,
    {
        port.persist(CoordinatorWrite::Life(self.end / A_LIFE), Some(CoordinatorTimer::Ready));
        let numbers: Vec<u64> = self.open.keys().copied().collect();
        for number in numbers {
            self.tell(port, rules, number);
        }
    }

    /// Whether it can begin a transaction.
    pub fn ready(&self) -> bool {
        self.ready && self.open.len() < MAX_OPEN && self.number + 1 < self.end
    }
    /// How many transactions wait for votes.
    pub fn voting(&self) -> usize {
        self.open.values().filter(|open| matches!(open.phase, Phase::Voting { .. })).count()
    }
    /// How many transactions are decided, and not acknowledged by everyone.
    pub fn telling(&self) -> usize {
        self.open.len() - self.voting()
    }

    /// Begins a transaction; not if it is not [`Coordinator::ready`].
    pub fn begin<P>(&mut self, port: &mut P, rules: &CoordinatorRules, changes: &[Change])
    where
        P: Port<Message = Message, Timer = CoordinatorTimer, Write = CoordinatorWrite>,
    {
        if !self.ready() {
            return;
        }
        self.number += 1;
        let (number, terms) = (self.number, Terms::new(changes, rules.presume));
        let tx = Tx { coordinator: port.id(), number };
        let participants = terms.participants.clone();
        self.news.tell(tx, Step::Began { participants: participants.clone() });
        for participant in participants.iter() {
            port.send(*participant, Message::VoteReq { tx, terms: terms.clone() });
        }
        port.set(CoordinatorTimer::Votes(number), rules.patience);
        self.open.insert(number, Open { participants, since: port.now(), phase: Phase::Voting { yes: Vec::new() } });
    }

    /// A participant says something.
    pub fn on_message<P>(&mut self, port: &mut P, rules: &CoordinatorRules, from: NodeId, message: &Message)
    where
        P: Port<Message = Message, Timer = CoordinatorTimer, Write = CoordinatorWrite>,
    {
        let tx = message.tx();
        if tx.coordinator != port.id() {
            return;
        }
        let open = self.open.get_mut(&tx.number);
        match (message, open.map(|open| (&open.participants, &mut open.phase))) {
            (Message::Yes { .. }, Some((participants, Phase::Voting { yes }))) => {
                if participants.contains(&from) && !yes.contains(&from) {
                    yes.push(from);
                }
                if yes.len() == participants.len() {
                    self.decide(port, rules, tx.number, true, None);
                }
            }
            (Message::No { .. }, Some((_, Phase::Voting { .. }))) => {
                self.decide(port, rules, tx.number, false, Some(from));
            }
            (Message::Ack { .. }, Some((_, Phase::Telling { left, .. }))) => {
                left.retain(|other| *other != from);
                if left.is_empty() {
                    self.end(port, tx.number);
                }
            }
            (Message::DecisionReq { .. }, Some((_, Phase::Telling { commit, .. }))) => {
                port.send(from, said(tx, *commit, true));
            }
            // Of what it knows nothing, nothing was committed that anyone has not acknowledged: abort is presumed.
            (Message::DecisionReq { .. }, None) => port.send(from, said(tx, false, false)),
            _ => {}
        }
    }

    /// A timer has run out, or a write is on the disk.
    pub fn on_timer<P>(&mut self, port: &mut P, rules: &CoordinatorRules, timer: CoordinatorTimer)
    where
        P: Port<Message = Message, Timer = CoordinatorTimer, Write = CoordinatorWrite>,
    {
        match timer {
            CoordinatorTimer::Ready => self.ready = true,
            CoordinatorTimer::Votes(number) => {
                if self.open.get(&number).is_some_and(|open| matches!(open.phase, Phase::Voting { .. })) {
                    self.news.tell(Tx { coordinator: port.id(), number }, Step::GaveUp);
                    self.decide(port, rules, number, false, None);
                }
            }
            CoordinatorTimer::Decided(number) => self.decided(port, rules, number),
            CoordinatorTimer::Again(number) => self.tell(port, rules, number),
        }
    }

    /// Decides, and has it on the disk before anyone hears of it. Whoever voted No has decided already.
    fn decide<P>(&mut self, port: &mut P, rules: &CoordinatorRules, number: u64, commit: bool, no: Option<NodeId>)
    where
        P: Port<Message = Message, Timer = CoordinatorTimer, Write = CoordinatorWrite>,
    {
        let Some(open) = self.open.get_mut(&number) else { return };
        port.cancel(&CoordinatorTimer::Votes(number));
        let tell: Rc<[NodeId]> = open.participants.iter().copied().filter(|other| Some(*other) != no).collect();
        let entry = Entry { commit, tell };
        open.phase = Phase::Deciding { entry: entry.clone() };
        if !commit && rules.presume == Presume::Abort {
            return self.decided(port, rules, number);
        }
        let write = CoordinatorWrite::Decision { number, entry };
        if commit && rules.log == Log::NotForced {
            port.persist(write, None);
            return self.decided(port, rules, number);
        }
        self.news.forced += 1;
        port.persist(write, Some(CoordinatorTimer::Decided(number)));
    }

    /// The decision stands: it is told.
    fn decided<P>(&mut self, port: &mut P, rules: &CoordinatorRules, number: u64)
    where
        P: Port<Message = Message, Timer = CoordinatorTimer, Write = CoordinatorWrite>,
    {
        let Some(open) = self.open.get_mut(&number) else { return };
        let Phase::Deciding { entry } = &open.phase else { return };
        let (tx, commit) = (Tx { coordinator: port.id(), number }, entry.commit);
        let after = port.now().since(open.since).0;
        self.news.tell(tx, Step::Decided { commit, change: 0, after });
        if !commit && rules.presume == Presume::Abort {
            for other in entry.tell.iter() {
                port.send(*other, said(tx, false, false));
            }
            self.open.remove(&number);
            return;
        }
        open.phase = Phase::Telling { commit, left: entry.tell.to_vec() };
        self.tell(port, rules, number);
    }

    /// Tells a decision to all who have not acknowledged it.
    fn tell<P>(&mut self, port: &mut P, rules: &CoordinatorRules, number: u64)
    where
        P: Port<Message = Message, Timer = CoordinatorTimer, Write = CoordinatorWrite>,
    {
        let Some(Open { phase: Phase::Telling { commit, left }, .. }) = self.open.get(&number) else { return };
        let tx = Tx { coordinator: port.id(), number };
        for other in left {
            port.send(*other, said(tx, *commit, true));
        }
        if left.is_empty() {
            return self.end(port, number);
        }
        port.set(CoordinatorTimer::Again(number), rules.again);
    }

    fn end<P>(&mut self, port: &mut P, number: u64)
    where
        P: Port<Message = Message, Timer = CoordinatorTimer, Write = CoordinatorWrite>,
    {
        self.open.remove(&number);
        port.cancel(&CoordinatorTimer::Again(number));
        // Lost in a crash, it is only told and acknowledged once more.
        port.persist(CoordinatorWrite::End { number }, None);
        self.news.tell(Tx { coordinator: port.id(), number }, Step::Ended);
    }
}

fn said(tx: Tx, commit: bool, ack: bool) -> Message {
    if commit { Message::Commit { tx } } else { Message::Abort { tx, ack } }
}
