//! The participant's half: accounts, locks, votes and doubts.

use crate::sim::{Disk, Micros, NodeId, Port, Table, Time};

use super::{Change, InDoubt, KEPT, Log, MAX_OPEN, Message, News, Presume, Step, Terms, Tx};

/// What can be set about it.
#[derive(Clone, Copy, Debug)]
pub struct ParticipantRules {
    /// How many accounts it keeps, numbered from 0.
    pub accounts: u32,
    /// What was in each at the beginning.
    pub opening: u32,
    /// Whether its Yes is on the disk before it is said.
    pub log: Log,
    /// What it does in doubt.
    pub in_doubt: InDoubt,
    /// How long it waits for a decision before it is in doubt, and then between two questions.
    pub patience: Micros,
}

/// What it has decided: the last transactions by name, and up to which number it has forgotten them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Decisions {
    kept: Table<Tx, bool>,
    /// In the order in which they were decided.
    order: std::collections::VecDeque<Tx>,
    forgotten: Table<NodeId, u64>,
}

impl Decisions {
    fn insert(&mut self, tx: Tx, commit: bool) {
        if self.kept.contains_key(&tx) {
            return;
        }
        if self.order.len() >= KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.kept.remove(&oldest);
            let last = self.forgotten.get(&oldest.coordinator).copied().unwrap_or(0);
            self.forgotten.insert(oldest.coordinator, last.max(oldest.number));
        }
        self.kept.insert(tx, commit);
        self.order.push_back(tx);
    }
    fn get(&self, tx: Tx) -> Option<bool> {
        self.kept.get(&tx).copied()
    }
    /// Whether it may have decided it and know nothing of that any more.
    fn may_have_forgotten(&self, tx: Tx) -> bool {
        self.forgotten.get(&tx.coordinator).is_some_and(|last| tx.number <= *last)
    }
}

/// Its log, and its accounts as the log has made them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ParticipantLog {
    /// What was added to each account since the beginning.
    changes: Table<u32, i64>,
    prepared: Table<Tx, (Vec<Change>, Terms)>,
    decided: Decisions,
}

/// A record of its log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ParticipantWrite {
    /// It votes Yes.
    Prepared {
        /// On which transaction.
        tx: Tx,
        /// What it is to do.
        own: Vec<Change>,
        /// Who else takes part.
        terms: Terms,
    },
    /// It has decided.
    Decided {
        /// Which transaction.
        tx: Tx,
        /// To commit, or to abort.
        commit: bool,
    },
}

impl Disk for ParticipantLog {
    type Write = ParticipantWrite;
    fn apply(&mut self, write: ParticipantWrite) {
        match write {
            ParticipantWrite::Prepared { tx, own, terms } => self.prepared.insert(tx, (own, terms)),
            ParticipantWrite::Decided { tx, commit } => {
                if let Some((own, _)) = self.prepared.remove(&tx).filter(|_| commit) {
                    for change in own {
                        *self.changes.or_default(change.account) += change.amount;
                    }
                }
                self.decided.insert(tx, commit);
            }
        }
    }
}

/// What it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParticipantTimer {
    /// Its Yes is on the disk.
    Prepared(Tx),
    /// It hears nothing of a decision.
    Unheard(Tx),
    /// A decision on what it had voted Yes on is on the disk.
    Decided {
        /// Which transaction.
        tx: Tx,
        /// To commit, or to abort.
        commit: bool,
        /// Whether the coordinator waits to hear of that.
        ack: bool,
    },
    /// An abort that it decided on alone, before it voted, is on the disk.
    Refused {
        /// Which transaction.
        tx: Tx,
        /// Who waits to hear of it, and what; nobody where it was said already.
        tell: Option<(NodeId, Refusal)>,
    },
}

/// What is said when an abort is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// To a coordinator that asked for a vote.
    Vote,
    /// To a coordinator that told of an abort.
    Ack,
    /// To a participant that asked for the decision.
    Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stage {
    /// The Yes is on its way to the disk.
    Voting,
    /// The Yes has been said; since then it cannot decide alone.
    Uncertain,
    /// The decision is on its way to the disk.
    Deciding,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Prepared {
    /// Its own part: these accounts are locked.
    own: Vec<Change>,
    terms: Terms,
    stage: Stage,
    since: Time,
    in_doubt: bool,
}

impl Prepared {
    fn new(own: Vec<Change>, terms: Terms, stage: Stage, since: Time) -> Prepared {
        Prepared { own, terms, stage, since, in_doubt: false }
    }
}

/// A participant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Participant {
    /// As on the disk.
    log: ParticipantLog,
    /// What it works at: their accounts are locked.
    prepared: Table<Tx, Prepared>,
    /// What came of the last event.
    pub news: News,
}

impl Participant {
    /// Starts, and starts again, from its log. [`Participant::start`] comes next.
    pub fn boot(log: &ParticipantLog, now: Time) -> Participant {
        let mut prepared = Table::new();
        for (tx, (own, terms)) in log.prepared.iter() {
            prepared.insert(*tx, Prepared::new(own.clone(), terms.clone(), Stage::Uncertain, now));
        }
        Participant { log: log.clone(), prepared, news: News::default() }
    }

    /// Takes up what the log has open: it voted Yes, and does not know what was decided.
    pub fn start<P>(&mut self, port: &mut P, rules: &ParticipantRules)
    where
        P: Port<Message = Message, Timer = ParticipantTimer, Write = ParticipantWrite>,
    {
        let open: Vec<Tx> = self.prepared.keys().copied().collect();
        for tx in open {
            self.on_timer(port, rules, ParticipantTimer::Unheard(tx));
        }
    }

    /// What is in an account.
    pub fn balance(&self, rules: &ParticipantRules, account: u32) -> i64 {
        i64::from(rules.opening) + self.log.changes.get(&account).copied().unwrap_or(0)
    }
    /// What is in all accounts together.
    pub fn total(&self, rules: &ParticipantRules) -> i64 {
        i64::from(rules.opening) * i64::from(rules.accounts) + self.log.changes.values().sum::<i64>()
    }
    /// The accounts that are locked.
    pub fn locks(&self) -> Vec<u32> {
        let own = self.prepared.values().flat_map(|prepared| &prepared.own);
        own.map(|change| change.account).collect()
    }
    /// How many transactions it works at.
    pub fn prepared(&self) -> usize {
        self.prepared.len()
    }
    /// The transactions that it is in doubt about.
    pub fn in_doubt(&self) -> impl Iterator<Item = Tx> {
        self.prepared.iter().filter(|(_, prepared)| prepared.in_doubt).map(|(tx, _)| *tx)
    }

    /// A coordinator or a participant says something.
    pub fn on_message<P>(&mut self, port: &mut P, rules: &ParticipantRules, from: NodeId, message: Message)
    where
        P: Port<Message = Message, Timer = ParticipantTimer, Write = ParticipantWrite>,
    {
        match message {
            Message::VoteReq { tx, terms } => self.on_vote_req(port, rules, from, tx, terms),
            Message::Commit { tx } => self.on_decision(port, tx, true, true),
            Message::Abort { tx, ack } => self.on_decision(port, tx, false, ack),
            Message::DecisionReq { tx } => self.on_decision_req(port, from, tx),
            Message::Yes { .. } | Message::No { .. } | Message::Ack { .. } => {}
        }
    }

    fn on_vote_req<P>(&mut self, port: &mut P, rules: &ParticipantRules, from: NodeId, tx: Tx, terms: Terms)
    where
        P: Port<Message = Message, Timer = ParticipantTimer, Write = ParticipantWrite>,
    {
        match (self.log.decided.get(tx), self.prepared.get(&tx).map(|prepared| prepared.stage)) {
            // It came a second time.
            (None, Some(Stage::Uncertain)) => return port.send(from, Message::Yes { tx }),
            (None, Some(_)) | (Some(true), _) => return,
            (Some(false), _) => return port.send(from, Message::No { tx }),
            (None, None) if self.log.decided.may_have_forgotten(tx) => return port.send(from, Message::No { tx }),
            (None, None) => {}
        }
        let own: Vec<Change> = terms.at(port.id()).copied().collect();
        let locked = self.locks();
        let fits = |change: &Change| {
            let there = change.account < rules.accounts && !locked.contains(&change.account);
            there && self.balance(rules, change.account) + change.amount >= 0
        };
        if self.prepared.len() >= MAX_OPEN || !own.iter().all(fits) {
            self.news.tell(tx, Step::Voted { yes: false });
            return self.refuse(port, tx, from, Refusal::Vote, terms.presume == Presume::Nothing);
        }
        let write = ParticipantWrite::Prepared { tx, own: own.clone(), terms: terms.clone() };
        self.prepared.insert(tx, Prepared::new(own, terms, Stage::Voting, port.now()));
        match rules.log {
            Log::Forced => {
                self.news.forced += 1;
                port.persist(write, Some(ParticipantTimer::Prepared(tx)));
            }
            Log::NotForced => {
                port.persist(write, None);
                self.vote(port, rules, tx);
            }
        }
    }

    fn vote<P>(&mut self, port: &mut P, rules: &ParticipantRules, tx: Tx)
    where
        P: Port<Message = Message, Timer = ParticipantTimer, Write = ParticipantWrite>,
    {
        let Some(prepared) = self.prepared.get_mut(&tx).filter(|prepared| prepared.stage == Stage::Voting) else {
            return;
        };
        (prepared.stage, prepared.since) = (Stage::Uncertain, port.now());
        self.news.tell(tx, Step::Voted { yes: true });
        port.send(tx.coordinator, Message::Yes { tx });
        port.set(ParticipantTimer::Unheard(tx), rules.patience);
    }

    /// Aborts what it has not voted Yes on, which it may do alone, and says so. Others can build on it only when it is on
    /// the disk: one that forgot it could still vote Yes.
    fn refuse<P>(&mut self, port: &mut P, tx: Tx, to: NodeId, how: Refusal, forced: bool)
    where
        P: Port<Message = Message, Timer = ParticipantTimer, Write = ParticipantWrite>,
    {
        // So many at once that the disk does not keep up: whoever waits asks again.
        if self.prepared.len() >= 2 * MAX_OPEN {
            return;
        }
        let terms = Terms::new(&[], Presume::Nothing);
        self.prepared.insert(tx, Prepared::new(Vec::new(), terms, Stage::Deciding, port.now()));
        let write = ParticipantWrite::Decided { tx, commit: false };
        self.news.forced += u64::from(forced);
        let tell = forced.then_some((to, how));
        port.persist(write, Some(ParticipantTimer::Refused { tx, tell }));
        if !forced {
            port.send(to, refusal(tx, how));
        }
    }

    fn on_decision<P>(&mut self, port: &mut P, tx: Tx, commit: bool, ack: bool)
    where
        P: Port<Message = Message, Timer = ParticipantTimer, Write = ParticipantWrite>,
    {
        match (self.log.decided.get(tx), self.prepared.get(&tx).map(|prepared| prepared.stage)) {
            (Some(_), _) => {
                if ack {
                    port.send(tx.coordinator, Message::Ack { tx });
                }
            }
            (None, Some(Stage::Deciding)) => {}
            (None, Some(_)) => self.decide(port, tx, commit, ack),
            (None, None) if commit || self.log.decided.may_have_forgotten(tx) => {
                if commit && !self.log.decided.may_have_forgotten(tx) {
                    port.note(format!("is told to commit {tx}, of which its log knows nothing"));
                }
                if ack {
                    port.send(tx.coordinator, Message::Ack { tx });
                }
            }
            // It has not heard of it yet: when it does, it votes No.
            (None, None) if ack => self.refuse(port, tx, tx.coordinator, Refusal::Ack, true),
            (None, None) => {}
        }
    }

    /// Decides as it was told. A commit is forced, and so is an abort that is acknowledged.
    fn decide<P>(&mut self, port: &mut P, tx: Tx, commit: bool, ack: bool)
    where
        P: Port<Message = Message, Timer = ParticipantTimer, Write = ParticipantWrite>,
    {
        let Some(prepared) = self.prepared.get_mut(&tx) else { return };
        prepared.stage = Stage::Deciding;
        port.cancel(&ParticipantTimer::Unheard(tx));
        let write = ParticipantWrite::Decided { tx, commit };
        if commit || ack {
            self.news.forced += 1;
            port.persist(write, Some(ParticipantTimer::Decided { tx, commit, ack }));
        } else {
            port.persist(write, None);
            self.decided(port, tx, commit, false);
        }
    }

    fn decided<P>(&mut self, port: &mut P, tx: Tx, commit: bool, ack: bool)
    where
        P: Port<Message = Message, Timer = ParticipantTimer, Write = ParticipantWrite>,
    {
        let Some(prepared) = self.prepared.remove(&tx) else { return };
        let change = if commit { prepared.own.iter().map(|change| change.amount).sum() } else { 0 };
        // As the disk does it.
        self.log.prepared.insert(tx, (prepared.own, prepared.terms));
        self.log.apply(ParticipantWrite::Decided { tx, commit });
        let after = port.now().since(prepared.since).0;
        self.news.tell(tx, Step::Decided { commit, change, after });
        if ack {
            port.send(tx.coordinator, Message::Ack { tx });
        }
    }

    fn on_decision_req<P>(&mut self, port: &mut P, from: NodeId, tx: Tx)
    where
        P: Port<Message = Message, Timer = ParticipantTimer, Write = ParticipantWrite>,
    {
        match self.log.decided.get(tx) {
            Some(true) => port.send(from, Message::Commit { tx }),
            Some(false) => port.send(from, Message::Abort { tx, ack: false }),
            // Uncertain as well: it cannot help.
            None if self.prepared.contains_key(&tx) || self.log.decided.may_have_forgotten(tx) => {}
            None => self.refuse(port, tx, from, Refusal::Answer, true),
        }
    }

    /// A timer has run out, or a write is on the disk.
    pub fn on_timer<P>(&mut self, port: &mut P, rules: &ParticipantRules, timer: ParticipantTimer)
    where
        P: Port<Message = Message, Timer = ParticipantTimer, Write = ParticipantWrite>,
    {
        match timer {
            ParticipantTimer::Prepared(tx) => self.vote(port, rules, tx),
            ParticipantTimer::Decided { tx, commit, ack } => self.decided(port, tx, commit, ack),
            ParticipantTimer::Refused { tx, tell } => {
                self.decided(port, tx, false, false);
                if let Some((to, how)) = tell {
                    port.send(to, refusal(tx, how));
                }
            }
            ParticipantTimer::Unheard(tx) => self.unheard(port, rules, tx),
        }
    }

    /// It has heard nothing of a decision, and may not decide alone: it is blocked until somebody tells it.
    fn unheard<P>(&mut self, port: &mut P, rules: &ParticipantRules, tx: Tx)
    where
        P: Port<Message = Message, Timer = ParticipantTimer, Write = ParticipantWrite>,
    {
        let Some(prepared) = self.prepared.get_mut(&tx).filter(|prepared| prepared.stage == Stage::Uncertain) else {
            return;
        };
        if !std::mem::replace(&mut prepared.in_doubt, true) {
            self.news.tell(tx, Step::InDoubt);
        }
        if rules.in_doubt == InDoubt::AbortAlone {
            port.note(format!("aborts {tx} alone, although it has voted Yes"));
            return self.decide(port, tx, false, false);
        }
        port.send(tx.coordinator, Message::DecisionReq { tx });
        if rules.in_doubt == InDoubt::AskEveryone {
            let me = port.id();
            for other in prepared.terms.participants.iter().filter(|other| **other != me) {
                port.send(*other, Message::DecisionReq { tx });
            }
        }
        port.set(ParticipantTimer::Unheard(tx), rules.patience);
    }
}

fn refusal(tx: Tx, how: Refusal) -> Message {
    match how {
        Refusal::Vote => Message::No { tx },
        Refusal::Ack => Message::Ack { tx },
        Refusal::Answer => Message::Abort { tx, ack: false },
    }
}
