//! What branches of a bank and their auditor say, and what is told of them.

use std::rc::Rc;

use crate::protocols::logical::{Stamp, Vector};
use crate::protocols::{Family, Form, Wire};
use crate::sim::{NodeId, Time};

/// What goes through a channel, in its order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Parcel {
    /// Money.
    Transfer {
        /// How much.
        amount: u64,
        /// The sender's clocks when it was taken from its balance.
        stamp: Stamp,
    },
    /// What was sent before this is in the sender's recorded state, and what comes after is not.
    Marker {
        /// Of which snapshot.
        snapshot: u64,
    },
}

/// How a snapshot is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum How {
    /// Whoever gets this records its state and sends markers (Chandy and Lamport).
    Begin,
    /// Whoever gets this says how much it has.
    Ask,
    /// Whoever gets this says how much it has when its clock shows this.
    At(Time),
}

/// A recorded local state, and those of the channels that lead there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Report {
    /// Of which snapshot.
    pub snapshot: u64,
    /// With how much the branch was opened.
    pub opened: u64,
    /// How much it had.
    pub balance: u64,
    /// How much was under way to it, by sender.
    pub channels: Vec<(NodeId, u64)>,
    /// Which events its state comes after.
    pub known: Vector,
}

/// A line of a branch's journal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    /// Who paid.
    pub from: NodeId,
    /// Who was paid.
    pub to: NodeId,
    /// Which parcel of that channel it was.
    pub number: u64,
    /// Whether it was paid here, and not received.
    pub paid: bool,
    /// What the clock on the wall showed.
    pub wall: Time,
    /// What the logical clocks did.
    pub stamp: Stamp,
}

/// Between branches, and between them and their auditor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// The next thing in a channel.
    Parcel {
        /// From 1, without gaps.
        number: u64,
        /// What.
        what: Parcel,
    },
    /// Everything up to this number has come.
    Ack {
        /// The number.
        upto: u64,
    },
    /// From an auditor: take a snapshot.
    Snapshot {
        /// Its number.
        snapshot: u64,
        /// How.
        how: How,
    },
    /// To an auditor: my part of a snapshot.
    Report(Report),
    /// To an auditor: what has happened here.
    Page(Rc<[Line]>),
}

impl Wire for Message {
    const FAMILY: Family = Family::Storage;
    fn name(&self) -> &'static str {
        match self {
            Message::Parcel { what: Parcel::Transfer { .. }, .. } => "Transfer",
            Message::Parcel { what: Parcel::Marker { .. }, .. } => "Marker",
            Message::Ack { .. } => "Ack",
            Message::Snapshot { how: How::Begin, .. } => "Begin",
            Message::Snapshot { how: How::Ask, .. } => "Ask",
            Message::Snapshot { how: How::At(_), .. } => "At",
            Message::Report(_) => "Report",
            Message::Page(_) => "Page",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Parcel { what: Parcel::Transfer { .. }, .. } | Message::Snapshot { .. } => Form::Request,
            Message::Parcel { what: Parcel::Marker { .. }, .. } => Form::Reply,
            Message::Ack { .. } | Message::Page(_) => Form::Beat,
            Message::Report(_) => Form::Accept,
        }
    }
    fn bytes(&self) -> u32 {
        match self {
            Message::Parcel { what: Parcel::Transfer { stamp, .. }, .. } => 32 + 8 * stamp.vector.len() as u32,
            Message::Parcel { .. } | Message::Ack { .. } | Message::Snapshot { .. } => 24,
            Message::Report(report) => 40 + 8 * (report.channels.len() + report.known.len()) as u32,
            Message::Page(lines) => 16 + 48 * lines.len() as u32,
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Message::Parcel { number, what: Parcel::Transfer { amount, stamp } } => vec![
                ("number", number.to_string()),
                ("amount", amount.to_string()),
                ("Lamport", stamp.lamport.to_string()),
                ("vector", stamp.vector.to_string()),
            ],
            Message::Parcel { number, what: Parcel::Marker { snapshot } } => {
                vec![("number", number.to_string()), ("snapshot", snapshot.to_string())]
            }
            Message::Ack { upto } => vec![("up to", upto.to_string())],
            Message::Snapshot { snapshot, how } => {
                let mut fields = vec![("snapshot", snapshot.to_string())];
                if let How::At(at) = how {
                    fields.push(("when its clock shows", at.to_string()));
                }
                fields
            }
            Message::Report(report) => {
                let under_way: u64 = report.channels.iter().map(|(_, amount)| amount).sum();
                vec![
                    ("snapshot", report.snapshot.to_string()),
                    ("balance", report.balance.to_string()),
                    ("in channels", under_way.to_string()),
                    ("vector", report.known.to_string()),
                ]
            }
            Message::Page(lines) => vec![("lines", lines.len().to_string())],
        }
    }
}

/// What is told of branches and their auditor, for checks and the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// A branch is opened.
    Opened {
        /// With how much.
        balance: u64,
    },
    /// A branch has sent money.
    Paid {
        /// To whom.
        to: NodeId,
        /// Which parcel of that channel it is.
        number: u64,
        /// How much.
        amount: u64,
        /// The clocks.
        stamp: Stamp,
    },
    /// A branch has received money.
    Got {
        /// From whom.
        from: NodeId,
        /// Which parcel of that channel it was.
        number: u64,
        /// How much.
        amount: u64,
        /// The clocks.
        stamp: Stamp,
    },
    /// A branch records its state.
    Recorded {
        /// Of which snapshot.
        snapshot: u64,
        /// How much it has.
        balance: u64,
    },
    /// A branch has recorded the state of every channel that leads to it.
    Closed {
        /// Of which snapshot.
        snapshot: u64,
        /// How much was under way, by sender.
        channels: Vec<(NodeId, u64)>,
    },
    /// An auditor has every report.
    Totalled {
        /// Of which snapshot.
        snapshot: u64,
        /// From whom.
        of: Rc<[NodeId]>,
        /// How much there was in all.
        total: u64,
        /// How much there should be.
        due: u64,
        /// Whether no recorded state knows more events of another than that other's own.
        consistent: bool,
    },
}

impl Told {
    /// Its name in conditions.
    pub fn name(&self) -> &'static str {
        match self {
            Told::Opened { .. } => "opened",
            Told::Paid { .. } => "paid",
            Told::Got { .. } => "got",
            Told::Recorded { .. } => "recorded",
            Told::Closed { .. } => "closed",
            Told::Totalled { .. } => "totalled",
        }
    }
    /// What the node does by it.
    pub fn sentence(&self) -> String {
        match self {
            Told::Opened { balance } => format!("is opened with {balance}"),
            Told::Paid { to, amount, stamp, .. } => format!("pays {amount} to {to}, at {stamp}"),
            Told::Got { from, amount, stamp, .. } => format!("has {amount} from {from}, at {stamp}"),
            Told::Recorded { snapshot, balance } => format!("records its balance for snapshot {snapshot}: {balance}"),
            Told::Closed { snapshot, channels } => {
                let told = channels.iter().map(|(from, amount)| format!("{amount} from {from}"));
                let told = told.collect::<Vec<_>>().join(", ");
                let told = if told.is_empty() { "nothing".to_owned() } else { told };
                format!("has recorded its channels for snapshot {snapshot}: {told}")
            }
            Told::Totalled { snapshot, total, due, consistent, .. } => {
                let cut = if *consistent { "consistent" } else { "not consistent" };
                format!("adds up snapshot {snapshot}: {total} of {due}, by the vectors {cut}")
            }
        }
    }
}
