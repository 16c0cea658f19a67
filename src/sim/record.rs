//! What happened, as values, each with its cause: everything that is shown, measured or judged is read from these.

use std::rc::Rc;

use super::{Change, Micros, NodeId, Payload, Time, Value};

/// A record's number. They count up from 1 within a run; 0 stands for «nothing».
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub u64);

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<P: Payload> {
    /// Its number.
    pub id: RecordId,
    /// When.
    pub at: Time,
    /// The record that brought it about.
    pub cause: RecordId,
    /// Where.
    pub node: NodeId,
    /// What.
    pub what: What<P>,
}

/// Why a message did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Why {
    /// The link lost it: its loss rate.
    Loss,
    /// The link is cut.
    Cut,
    /// The receiver is crashed or still starting.
    Down,
    /// The receiver's inbox was full.
    Full,
    /// There is no link between the two.
    NoLink,
    /// The receiver was removed.
    Gone,
    /// The receiver crashed while the message waited or was being served.
    Died,
    /// The queue before the link was full.
    Congested,
    /// Someone took it out of the network.
    Dropped,
    /// The receiver took it and did nothing with it.
    Swallowed,
    /// The receiver had too much to do, or it was too late for it.
    Shed,
}

impl Why {
    /// All of them.
    pub const ALL: [Why; 11] = [
        Why::Loss,
        Why::Cut,
        Why::Down,
        Why::Full,
        Why::NoLink,
        Why::Gone,
        Why::Died,
        Why::Congested,
        Why::Dropped,
        Why::Swallowed,
        Why::Shed,
    ];

    /// For the log: `lost: dispatcher-1 is down`.
    pub fn sentence(self, receiver: &str) -> String {
        match self {
            Why::Loss => "the network lost it".to_owned(),
            Why::Cut => format!("the link to {receiver} is cut"),
            Why::Down => format!("{receiver} is down"),
            Why::Full => format!("the inbox of {receiver} is full"),
            Why::NoLink => format!("there is no link to {receiver}"),
            Why::Gone => format!("{receiver} was removed"),
            Why::Died => format!("{receiver} crashed before it was done with it"),
            Why::Congested => format!("the queue of the link to {receiver} is full"),
            Why::Dropped => "it was dropped by hand".to_owned(),
            Why::Swallowed => format!("{receiver} took it and did nothing with it"),
            Why::Shed => format!("{receiver} will not do it: too much to do, or too late"),
        }
    }

    /// One or two words, for badges and counts.
    pub fn word(self) -> &'static str {
        match self {
            Why::Loss => "network loss",
            Why::Cut => "link cut",
            Why::Down => "receiver down",
            Why::Full => "inbox full",
            Why::NoLink => "no link",
            Why::Gone => "receiver gone",
            Why::Died => "died with it",
            Why::Congested => "link queue full",
            Why::Dropped => "dropped",
            Why::Swallowed => "swallowed",
            Why::Shed => "shed",
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What<P: Payload> {
    /// The node was placed; it starts.
    Placed,
    /// The node booted.
    Booted,
    /// The node crashed.
    Crashed {
        /// Whether its disk went with it.
        disk_lost: bool,
    },
    /// The node was told to start again.
    Restarted,
    /// The node stopped running, its memory intact.
    Paused,
    /// The node runs on.
    Resumed,
    /// The node takes this many thousandths of its usual time.
    Slowed {
        /// 1000 is its usual speed.
        permille: u32,
    },
    /// Something about its clock, its disk, its honesty or its cores was changed.
    Changed(Change),
    /// The node is gone for good.
    Removed,
    /// A link was made.
    Wired {
        /// To whom.
        to: NodeId,
    },
    /// A link was taken away.
    Unwired {
        /// To whom.
        to: NodeId,
    },
    /// A link was cut.
    Cut {
        /// To whom.
        to: NodeId,
    },
    /// A cut link works again.
    Healed {
        /// To whom.
        to: NodeId,
    },
    /// A link holds what it carries.
    Held {
        /// To whom.
        to: NodeId,
    },
    /// A held link lets go.
    Released {
        /// To whom.
        to: NodeId,
    },
    /// A link has another profile.
    Relinked {
        /// To whom.
        to: NodeId,
    },
    /// A setting was changed.
    Dialled {
        /// Which.
        field: Rc<str>,
        /// To what.
        value: Value,
    },
    /// A message left.
    Sent {
        /// For whom.
        to: NodeId,
        /// What.
        message: P,
        /// When it should arrive.
        due: Time,
    },
    /// A message is under way a second time.
    Duplicated {
        /// For whom.
        to: NodeId,
        /// What.
        message: P,
        /// When the copy should arrive.
        due: Time,
    },
    /// A message was made to arrive at once.
    Hurried {
        /// For whom.
        to: NodeId,
        /// The message's name.
        name: &'static str,
    },
    /// A message was made to arrive later.
    Delayed {
        /// For whom.
        to: NodeId,
        /// The message's name.
        name: &'static str,
        /// When it should arrive now.
        due: Time,
    },
    /// A message arrived.
    Arrived {
        /// From whom.
        from: NodeId,
        /// What.
        message: P,
        /// How many messages waited before it.
        waiting: u32,
    },
    /// A message was served on a core.
    Served {
        /// From whom.
        from: NodeId,
        /// The message's name.
        name: &'static str,
        /// How long it waited.
        waited: Micros,
        /// How long it took.
        took: Micros,
    },
    /// A message was lost.
    Lost {
        /// For whom it was.
        to: NodeId,
        /// What.
        message: P,
        /// Why.
        why: Why,
    },
    /// A timer ran out.
    Timer {
        /// Its name.
        name: &'static str,
    },
    /// A write reached the disk.
    Written {
        /// The record of what asked for it. It is no cause: the write begins a chain of its own.
        of: RecordId,
    },
    /// A write failed: the disk is full, or a write before it has failed.
    Unwritten {
        /// Whether the disk is full.
        full: bool,
    },
    /// Writes that the disk had confirmed went with the crash.
    Unsynced {
        /// How many.
        writes: u64,
    },
    /// The node spoils the message that it works on.
    Spoilt {
        /// From whom it was.
        from: NodeId,
        /// The message's name.
        name: &'static str,
    },
    /// A component observed something.
    Fact(P::Fact),
    /// A component told people something.
    Note(Rc<str>),
    /// A component measured something.
    Measure {
        /// The metric.
        name: &'static str,
        /// A count, or microseconds.
        value: u64,
    },
}

/// Takes records as they happen.
pub trait Recorder<P: Payload> {
    /// Whether it wants them at all; `false` lets the engine skip making them.
    const ON: bool;
    /// Takes one.
    fn record(&mut self, record: Record<P>);
}

impl<P: Payload> What<P> {
    /// For whom, what, and when it should arrive, where a message leaves: one that is sent, or a copy of it.
    pub fn leaving(&self) -> Option<(NodeId, &P, Time)> {
        match self {
            What::Sent { to, message, due } | What::Duplicated { to, message, due } => Some((*to, message, *due)),
            _ => None,
        }
    }

    /// The other end, where something is about a link itself, and not about a message on it.
    pub fn link_to(&self) -> Option<NodeId> {
        match self {
            What::Wired { to }
            | What::Unwired { to }
            | What::Cut { to }
            | What::Healed { to }
            | What::Held { to }
            | What::Released { to }
            | What::Relinked { to } => Some(*to),
            _ => None,
        }
    }
}

/// Keeps nothing.
impl<P: Payload> Recorder<P> for () {
    const ON: bool = false;
    fn record(&mut self, _: Record<P>) {}
}

/// Keeps everything; for tests and for one step at a time.
impl<P: Payload> Recorder<P> for Vec<Record<P>> {
    const ON: bool = true;
    fn record(&mut self, record: Record<P>) {
        self.push(record);
    }
}
