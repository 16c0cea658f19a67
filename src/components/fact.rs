//! What components observe about themselves, for checks, conditions and metrics. Facts never travel.

use std::rc::Rc;

use crate::protocols::chat::Text;
use crate::protocols::crdt::{Shown, Update};
use crate::protocols::swim::{Incarnation, Standing};
use crate::sim::{Item, NodeId};

/// Something a component observed.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A person was told that their message is safe.
    Accepted {
        /// The message.
        item: Item,
        /// Its conversation.
        conversation: u32,
        /// What it says.
        text: Text,
        /// Who said that it is safe.
        by: NodeId,
    },
    /// The history has a message on the disks that it promised to have it on.
    Stored {
        /// The message.
        item: Item,
        /// Its conversation.
        conversation: u32,
        /// Its place there, from 1.
        place: u64,
    },
    /// A server wrote another's copy of everything over its own.
    Copied {
        /// Whose.
        from: NodeId,
    },
    /// A person came to a conversation and sees what comes after `place`.
    Joined {
        /// The conversation.
        conversation: u32,
        /// The last place that they do not see.
        place: u64,
    },
    /// A person saw a message.
    Shown {
        /// The message.
        item: Item,
        /// Its conversation.
        conversation: u32,
        /// Its place there.
        place: u64,
        /// What it says.
        text: Text,
    },
    /// A client's operation on something shared was called, or came to something.
    Operation {
        /// Who, among the processes of the client: each does one thing at a time.
        process: u64,
        /// What is told of it.
        step: Step,
        /// Which operation, as histories name it: `read`, `write`, `cas`, ….
        op: &'static str,
        /// What it is done to; nothing where there is only one.
        key: Option<u64>,
        /// What it is done with, or what it came to.
        value: Option<Datum>,
        /// Of a `cas` that is over whether it matched; of a `contains` what it was told.
        result: Option<bool>,
    },
    /// A node has something else on its disk under a key that is to lie on several.
    Kept {
        /// The key.
        key: u64,
        /// What is there, as one number: equal where it is the same.
        mark: u64,
        /// What is there, in words.
        told: Rc<str>,
        /// Every node that is to have it.
        homes: Rc<[NodeId]>,
        /// Who has it nowhere and must be well, too, for it to come to them: whoever decides that they take part.
        through: Rc<[NodeId]>,
    },
    /// A primary begins to serve.
    Serves {
        /// In which view.
        view: u64,
        /// What it has: keys, ascending, each with the view and the position of its last write.
        holds: Rc<[(u32, u64, u64)]>,
    },
    /// A primary answered a client.
    Answered {
        /// In which view it takes itself to be.
        view: u64,
        /// Under which key.
        key: u32,
        /// Of a write: its view and position.
        written: Option<(u64, u64)>,
    },
    /// A replica of conflict-free data did what was asked of it.
    Updated {
        /// Which of its updates this is, from 1.
        number: u64,
        /// What.
        update: Update,
        /// How many of each replica's updates it knew.
        seen: Rc<[(NodeId, u64)]>,
    },
    /// A replica of conflict-free data has another state.
    Merged {
        /// How many of each replica's updates are in it.
        seen: Rc<[(NodeId, u64)]>,
        /// All of it, as one number.
        mark: u64,
        /// What people see of it.
        shown: Rc<Shown>,
    },
    /// A watcher takes this node for dead.
    Suspected {
        /// Which.
        node: NodeId,
    },
    /// A watcher had a replacement started for this node.
    Replacing {
        /// Which.
        node: NodeId,
    },
    /// A producer is told that its message is safe in a queue.
    Enqueued {
        /// The message.
        item: Item,
    },
    /// What a message of a queue asks for has taken effect.
    Worked {
        /// The message.
        item: Item,
    },
    /// A transaction came a step further at this node.
    Transaction(crate::protocols::two_phase::Told),
    /// A server of a replicated log was elected.
    Elected {
        /// In which term.
        term: u64,
    },
    /// It put entries into its log, in place of everything from the first one on.
    Appended {
        /// The server's term.
        term: u64,
        /// The first one's index.
        index: u64,
        /// Of each its term, and a number that stands for what it says.
        entries: Rc<[(u64, u64)]>,
    },
    /// Its log is now this: it has started, or a snapshot took the place of what it had.
    Restored {
        /// Everything up to here is in the snapshot.
        index: u64,
        /// The term of the entry there.
        term: u64,
        /// The entries after it.
        entries: Rc<[(u64, u64)]>,
    },
    /// It holds everything up to here for committed, and has applied it.
    Applied {
        /// The last entry's index.
        index: u64,
        /// The term in which it has.
        term: u64,
    },
    /// A member of a group begins with these on its list.
    Listed {
        /// Whom.
        nodes: Rc<[NodeId]>,
    },
    /// A member thinks otherwise of another.
    Believes {
        /// Of whom.
        node: NodeId,
        /// What it takes it for now.
        standing: Standing,
        /// In which incarnation.
        incarnation: Incarnation,
        /// From whom it has that; by itself if from nobody.
        from: Option<NodeId>,
    },
    /// A member has a new incarnation of its own.
    Incarnated {
        /// Which.
        incarnation: Incarnation,
    },
    /// Something about a lease, or what it guards.
    Lease(crate::protocols::lease::Told),
    /// Something about a vote.
    Vote(crate::protocols::voting::Told),
    /// Something about a battle of generals.
    General(crate::protocols::oral_messages::Told),
    /// Something about what a site of a replicated database has heard.
    Rumour(crate::protocols::rumour::Told),
    /// Something that whoever runs a service has done.
    Operations(crate::protocols::operations::Told),
    /// Something about an agreement by Paxos.
    Paxos(crate::protocols::paxos::Told),
    /// Something about a chain of servers.
    Chain(crate::protocols::chain::Told),
    /// Something about a saga.
    Saga(crate::protocols::saga::Told),
    /// Something about a player and the zone that they are in.
    Player(crate::protocols::handover::Told),
    /// An organ wrote up its books.
    Books(crate::protocols::physiology::Ledger),
    /// Something about a flight.
    Flight(crate::protocols::flight::Told),
    /// Something about calls and circuits.
    Telephone(crate::protocols::isup::Told),
    /// Something about phones that move.
    Cellular(crate::protocols::cellular::Told),
    /// Something about ways and streams in a network.
    Network(crate::protocols::internet::Told),
    /// Something about an election.
    Election(crate::protocols::election::Told),
    /// Something about an agreement by PBFT.
    Pbft(crate::protocols::pbft::Told),
    /// Something about branches of a bank.
    Branch(crate::protocols::branch::Told),
    /// Something about clocks that are set over a network.
    TimeSync(crate::protocols::time_sync::Told),
    /// What happened to records of a log.
    Log(crate::protocols::log::Told),
}

/// What is told of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It was called.
    Invoke,
    /// It came to something.
    Ok,
    /// It did not happen.
    Fail,
    /// Nobody knows: it may take effect at any time from its call on, or never.
    Info,
}

/// What an operation is done with, or what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Datum {
    /// Nothing was there.
    Nothing,
    /// A number.
    Number(u64),
    /// What was compared with, and what was to take its place.
    Pair(u64, u64),
    /// Several numbers in their order.
    List(Rc<[u64]>),
}

impl std::fmt::Display for Datum {
    /// As JSON has it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Datum::Nothing => f.write_str("null"),
            Datum::Number(number) => number.fmt(f),
            Datum::Pair(from, to) => write!(f, "[{from}, {to}]"),
            Datum::List(items) => {
                f.write_str("[")?;
                for (place, item) in items.iter().enumerate() {
                    f.write_str(if place > 0 { ", " } else { "" })?;
                    item.fmt(f)?;
                }
                f.write_str("]")
            }
        }
    }
}

impl Fact {
    /// What its node does by it, of what a protocol tells in its own words: with nodes by number, as everything that
    /// components say.
    pub fn sentence(&self) -> Option<String> {
        Some(match self {
            Fact::Lease(told) => told.sentence(),
            Fact::Vote(told) => told.sentence(),
            Fact::General(told) => told.sentence(),
            Fact::Network(told) => told.sentence(),
            Fact::Rumour(told) => told.sentence(),
            Fact::Operations(told) => told.sentence(),
            Fact::Player(told) => told.sentence(),
            Fact::Flight(told) => told.sentence(),
            Fact::Telephone(told) => told.sentence(),
            Fact::Cellular(told) => told.sentence(),
            Fact::Transaction(told) => told.sentence(),
            Fact::Paxos(told) => told.sentence(),
            Fact::Chain(told) => told.sentence(),
            Fact::Saga(told) => told.sentence(),
            Fact::Election(told) => told.sentence(),
            Fact::Pbft(told) => told.sentence(),
            Fact::Branch(told) => told.sentence(),
            Fact::TimeSync(told) => told.sentence(),
            Fact::Log(told) => told.sentence(),
            Fact::Books(_)
            | Fact::Accepted { .. }
            | Fact::Stored { .. }
            | Fact::Copied { .. }
            | Fact::Joined { .. }
            | Fact::Shown { .. }
            | Fact::Operation { .. }
            | Fact::Kept { .. }
            | Fact::Serves { .. }
            | Fact::Answered { .. }
            | Fact::Updated { .. }
            | Fact::Merged { .. }
            | Fact::Suspected { .. }
            | Fact::Replacing { .. }
            | Fact::Enqueued { .. }
            | Fact::Worked { .. }
            | Fact::Elected { .. }
            | Fact::Appended { .. }
            | Fact::Restored { .. }
            | Fact::Applied { .. }
            | Fact::Listed { .. }
            | Fact::Believes { .. }
            | Fact::Incarnated { .. } => return None,
        })
    }
    /// Every name.
    pub const NAMES: &'static [&'static str] = &[
        "accepted",
        "stored",
        "copied",
        "joined",
        "shown",
        "suspected",
        "replacing",
        "invoke",
        "ok",
        "fail",
        "info",
        "tx-began",
        "voted-yes",
        "voted-no",
        "in-doubt",
        "tx-committed",
        "tx-aborted",
        "tx-ended",
        "elected",
        "appended",
        "restored",
        "applied",
        "enqueued",
        "worked",
        "listed",
        "declared",
        "trusted",
        "learned",
        "incarnated",
        "refuted",
        "granted",
        "looked",
        "sold",
        "turned-away",
        "sensed",
        "heard",
        "acted",
        "ordered",
        "obeyed",
        "kept",
        "serves",
        "answers",
        "updated",
        "merged",
        "published",
        "deleted",
        "learnt",
        "lost-interest",
        "discarded",
        "found",
        "diagnosed",
        "ended",
        "rolled-out",
        "taken-back",
        "rightly-blamed",
        "wrongly-blamed",
        "founded",
        "promised",
        "proposed",
        "agreed",
        "chosen",
        "formed",
        "took",
        "transferred",
        "saga-began",
        "did",
        "declined",
        "undid",
        "saga-ended",
        "entered-zone",
        "left-zone",
        "item-given",
        "books",
        "commanded",
        "pushed",
        "deflected",
        "departed",
        "seized",
        "through",
        "freed",
        "dual-seizure",
        "detoured",
        "gapped",
        "call-over",
        "carries",
        "lets-go",
        "handed-over",
        "dropped",
        "page-answered",
        "page-lost",
        "routed",
        "handed",
        "complete",
        "gave-up",
        "called",
        "stepped-aside",
        "coordinates",
        "follows",
        "prepared",
        "executed",
        "stable-checkpoint",
        "fetched",
        "changes-view",
        "enters-view",
        "opened",
        "paid",
        "got",
        "recorded",
        "closed",
        "totalled",
        "synchronised",
        "undecided",
        "reads-clock",
        "older-wins",
        "record-accepted",
        "record-done",
        "offset-committed",
        "group-formed",
        "records-expired",
    ];

    /// Its name in conditions.
    pub fn name(&self) -> &'static str {
        match self {
            Fact::Accepted { .. } => "accepted",
            Fact::Stored { .. } => "stored",
            Fact::Copied { .. } => "copied",
            Fact::Joined { .. } => "joined",
            Fact::Shown { .. } => "shown",
            Fact::Operation { step: Step::Invoke, .. } => "invoke",
            Fact::Operation { step: Step::Ok, .. } => "ok",
            Fact::Operation { step: Step::Fail, .. } => "fail",
            Fact::Operation { step: Step::Info, .. } => "info",
            Fact::Kept { .. } => "kept",
            Fact::Serves { .. } => "serves",
            Fact::Answered { .. } => "answers",
            Fact::Updated { .. } => "updated",
            Fact::Merged { .. } => "merged",
            Fact::Suspected { .. } => "suspected",
            Fact::Replacing { .. } => "replacing",
            Fact::Enqueued { .. } => "enqueued",
            Fact::Worked { .. } => "worked",
            Fact::Transaction(told) => told.name(),
            Fact::Elected { .. } => "elected",
            Fact::Appended { .. } => "appended",
            Fact::Restored { .. } => "restored",
            Fact::Applied { .. } => "applied",
            Fact::Listed { .. } => "listed",
            Fact::Believes { from: Some(_), .. } => "learned",
            Fact::Believes { standing: Standing::Suspect, .. } => "suspected",
            Fact::Believes { standing: Standing::Faulty, .. } => "declared",
            Fact::Believes { .. } => "trusted",
            Fact::Incarnated { incarnation } if incarnation.number > 0 => "refuted",
            Fact::Incarnated { .. } => "incarnated",
            Fact::Lease(told) => told.name(),
            Fact::Vote(told) => told.name(),
            Fact::General(told) => told.name(),
            Fact::Election(told) => told.name(),
            Fact::Pbft(told) => told.name(),
            Fact::Rumour(told) => told.name(),
            Fact::Operations(told) => told.name(),
            Fact::Paxos(told) => told.name(),
            Fact::Chain(told) => told.name(),
            Fact::Saga(told) => told.name(),
            Fact::Player(told) => told.name(),
            Fact::Books(_) => "books",
            Fact::Flight(told) => told.name(),
            Fact::Telephone(told) => told.name(),
            Fact::Cellular(told) => told.name(),
            Fact::Network(told) => told.name(),
            Fact::Branch(told) => told.name(),
            Fact::TimeSync(told) => told.name(),
            Fact::Log(told) => told.name(),
        }
    }
}
