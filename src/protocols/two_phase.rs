//! Two-phase commit: all participants of a transaction carry it out, or none does.
//!
//! Gray («Notes on Data Base Operating Systems», 1978); the properties AC1–AC5, the messages VOTE-REQ, YES, NO and
//! DECISION-REQ and the cooperative termination protocol are those of Bernstein, Hadzilacos and Goodman («Concurrency
//! Control and Recovery in Database Systems», 1987, chapter 7). Acknowledgements, the end record and the two
//! presumptions are those of R* (Mohan, Lindsay and Obermarck, ACM TODS 11(4), 1986), where VOTE-REQ is PREPARE.
//!
//! A committed transaction of N participants takes 4N messages and 2N + 1 forced writes: each participant forces its
//! vote and its decision, the coordinator its decision.
//!
//! Simpler than there, and safe:
//!
//! - VOTE-REQ brings the work with it, so that there is no time before it in which a participant could wait. The work is
//!   to change accounts. One that is locked or does not hold enough is a vote of No: so nobody waits for a lock, and
//!   there are no deadlocks.
//! - A participant remembers its last [`KEPT`] decisions, not for as long as somebody may ask. Of older ones it says
//!   nothing and votes No, which decides nothing.

mod coordinator;
mod participant;
#[cfg(test)]
mod tests;

pub use coordinator::{Coordinator, CoordinatorLog, CoordinatorRules, CoordinatorTimer, CoordinatorWrite};
pub use participant::{Participant, ParticipantLog, ParticipantRules, ParticipantTimer, ParticipantWrite};

use std::rc::Rc;

use crate::sim::NodeId;

use super::{Family, Form, Wire};

/// How many transactions may be open at a coordinator, or prepared at a participant; one more is not begun, or refused.
pub const MAX_OPEN: usize = 1_024;
/// How many of its last decisions a participant remembers.
pub const KEPT: usize = 4_096;
/// A coordinator numbers the transactions of each of its lives in a range of its own, this wide; at the end of it, none
/// is begun until it starts again.
pub const A_LIFE: u64 = 10_000_000;

crate::choice! {
    /// What somebody who asks a coordinator that knows nothing may presume, and so what need not be written and said.
    pub enum Presume {
        /// Nothing is saved: an abort is forced and acknowledged as a commit is.
        Nothing = "nothing",
        /// Abort: an abort is neither forced nor acknowledged.
        Abort = "abort",
    }
}

crate::choice! {
    /// Whether a log record is on the disk before others hear of what it says.
    pub enum Log {
        /// It is.
        Forced = "forced",
        /// It is on its way: a mistake.
        NotForced = "not-forced",
    }
}

crate::choice! {
    /// What a participant does that has voted Yes and does not hear the decision.
    pub enum InDoubt {
        /// It asks the coordinator, and waits.
        AskCoordinator = "ask-coordinator",
        /// It asks the other participants as well: the cooperative termination protocol.
        AskEveryone = "ask-everyone",
        /// It aborts on its own: a mistake.
        AbortAlone = "abort-alone",
    }
}

/// The name of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tx {
    /// Who coordinates it.
    pub coordinator: NodeId,
    /// Its number there.
    pub number: u64,
}

impl std::fmt::Display for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "T{} of {}", self.number, self.coordinator)
    }
}

/// What a transaction does to one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Change {
    /// Whose account it is.
    pub at: NodeId,
    /// Which.
    pub account: u32,
    /// What is added to it; less than zero: taken from it.
    pub amount: i64,
}

/// What everyone who takes part in a transaction knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Terms {
    /// Who takes part, ascending.
    pub participants: Rc<[NodeId]>,
    /// What is to be done.
    pub changes: Rc<[Change]>,
    /// What is presumed of it.
    pub presume: Presume,
}

impl Terms {
    /// The terms of these changes.
    pub fn new(changes: &[Change], presume: Presume) -> Terms {
        let mut participants: Vec<NodeId> = changes.iter().map(|change| change.at).collect();
        participants.sort_unstable();
        participants.dedup();
        Terms { participants: participants.into(), changes: changes.into(), presume }
    }
    /// What is to be done at a participant.
    pub fn at(&self, participant: NodeId) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.at == participant)
    }
}

/// Between a coordinator and its participants, and between participants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Do this, as far as it is yours, so that it can still be undone, and vote.
    VoteReq {
        /// Which transaction.
        tx: Tx,
        /// What.
        terms: Terms,
    },
    /// I can commit, and will abort only if I am told to.
    Yes {
        /// Which transaction.
        tx: Tx,
    },
    /// I have aborted.
    No {
        /// Which transaction.
        tx: Tx,
    },
    /// The decision.
    Commit {
        /// Which transaction.
        tx: Tx,
    },
    /// The decision.
    Abort {
        /// Which transaction.
        tx: Tx,
        /// Whether an acknowledgement is waited for.
        ack: bool,
    },
    /// The decision is on my disk.
    Ack {
        /// Which transaction.
        tx: Tx,
    },
    /// What was decided?
    DecisionReq {
        /// Which transaction.
        tx: Tx,
    },
}

impl Message {
    /// The transaction that it is about.
    pub fn tx(&self) -> Tx {
        match self {
            Message::VoteReq { tx, .. }
            | Message::Yes { tx }
            | Message::No { tx }
            | Message::Commit { tx }
            | Message::Abort { tx, .. }
            | Message::Ack { tx }
            | Message::DecisionReq { tx } => *tx,
        }
    }
}

impl Wire for Message {
    const FAMILY: Family = Family::Storage;
    fn name(&self) -> &'static str {
        match self {
            Message::VoteReq { .. } => "VoteReq",
            Message::Yes { .. } => "Yes",
            Message::No { .. } => "No",
            Message::Commit { .. } => "Commit",
            Message::Abort { .. } => "Abort",
            Message::Ack { .. } => "Ack",
            Message::DecisionReq { .. } => "DecisionReq",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::VoteReq { .. } | Message::DecisionReq { .. } => Form::Request,
            Message::Yes { .. } | Message::Commit { .. } => Form::Accept,
            Message::No { .. } | Message::Abort { .. } => Form::Refuse,
            Message::Ack { .. } => Form::Reply,
        }
    }
    fn bytes(&self) -> u32 {
        match self {
            Message::VoteReq { terms, .. } => 32 + 16 * terms.changes.len() as u32,
            _ => 32,
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![("transaction", self.tx().to_string())];
        if let Message::VoteReq { terms, .. } = self {
            let change = |change: &Change| {
                let sign = if change.amount < 0 { "−" } else { "+" };
                format!("{} account {} {sign}{}", change.at, change.account, change.amount.unsigned_abs())
            };
            fields.push(("changes", terms.changes.iter().map(change).collect::<Vec<_>>().join(", ")));
        }
        fields
    }
    fn summary(&self) -> String {
        match self {
            Message::VoteReq { .. } => self.fields().into_iter().map(|(_, value)| value).collect::<Vec<_>>().join(": "),
            _ => self.tx().to_string(),
        }
    }
}

/// What a node tells of a transaction, for checks and the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Told {
    /// Which transaction.
    pub tx: Tx,
    /// What.
    pub step: Step,
}

/// A step of a transaction at one node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Its coordinator has begun it.
    Began {
        /// Who takes part.
        participants: Rc<[NodeId]>,
    },
    /// A participant votes.
    Voted {
        /// Yes or no.
        yes: bool,
    },
    /// A participant that voted Yes has waited for the decision for too long.
    InDoubt,
    /// Its coordinator has waited for the votes for too long, and is going to abort.
    GaveUp,
    /// A node has decided.
    Decided {
        /// To commit, or to abort.
        commit: bool,
        /// What a participant has added to all of its accounts together by that.
        change: i64,
        /// How many microseconds after it had begun, or voted.
        after: u64,
    },
    /// Its coordinator has everyone's acknowledgement, and forgets it.
    Ended,
}

impl Told {
    /// Its name in conditions.
    pub fn name(&self) -> &'static str {
        match self.step {
            Step::Began { .. } => "tx-began",
            Step::Voted { yes: true } => "voted-yes",
            Step::Voted { yes: false } => "voted-no",
            Step::InDoubt => "in-doubt",
            Step::GaveUp => "votes-late",
            Step::Decided { commit: true, .. } => "tx-committed",
            Step::Decided { commit: false, .. } => "tx-aborted",
            Step::Ended => "tx-ended",
        }
    }
    /// What the node does by it.
    pub fn sentence(&self) -> String {
        let tx = self.tx;
        match self.step {
            Step::Began { .. } => format!("begins {tx}"),
            Step::Voted { yes: true } => format!("votes Yes on {tx}"),
            Step::Voted { yes: false } => format!("votes No on {tx}"),
            Step::InDoubt => format!("is in doubt about {tx}"),
            Step::GaveUp => format!("has waited too long for the votes on {tx}"),
            Step::Decided { commit: true, .. } => format!("commits {tx}"),
            Step::Decided { commit: false, .. } => format!("aborts {tx}"),
            Step::Ended => format!("has every acknowledgement of {tx}"),
        }
    }
}

/// What came of an event, for the host to tell. Empty between events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct News {
    /// What is told, in order.
    pub told: Vec<Told>,
    /// How many writes were forced: waited for.
    pub forced: u64,
}

impl News {
    fn tell(&mut self, tx: Tx, step: Step) {
        self.told.push(Told { tx, step });
    }
}
