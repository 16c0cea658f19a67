//! What those who run a service and its parts say to one another: lines of a log that are shipped as they are written, so
//! that they outlive whoever wrote them, and the question what is left to do, before a part is ended (a drain).
//!
//! A health check has no place here: whoever answers one has shown that it answers health checks. That a part may be well
//! by that and fail everyone who uses it is known as grey failure, and what tells the two apart is to look from where the
//! users stand (Huang et al., «Gray Failure: The Achilles' Heel of Cloud-Scale Systems», HotOS 2017). A probe is therefore
//! an ordinary message of the service's own protocol ([`delivery`](super::delivery)) that has to be accepted.

use crate::sim::{Item, NodeId};

use super::chat::label;
use super::{Family, Form, Wire};

/// How many of a part's latest lines are kept.
pub const LINES: usize = 64;

/// A line of a sender's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Line {
    /// The history did not answer in time.
    TimedOut {
        /// About which message.
        item: Item,
    },
    /// A connection to the history was not given back.
    NotReturned {
        /// How many are left.
        left: u32,
    },
    /// No connection is free: a message waits.
    NoneFree {
        /// Which.
        item: Item,
    },
}

impl Line {
    /// For people.
    pub fn sentence(&self) -> String {
        match self {
            Line::TimedOut { item } => format!("the history did not answer in time about {}", label(*item)),
            Line::NotReturned { left } => format!("a connection was not given back, {left} are left"),
            Line::NoneFree { item } => format!("no connection is free, {} waits", label(*item)),
        }
    }
}

/// Between whoever runs a service and its parts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// How much have you left to do?
    Drain,
    /// So much.
    Left {
        /// Messages and questions that wait for an answer.
        messages: u32,
    },
    /// A line of the log.
    Log {
        /// Which.
        line: Line,
    },
}

impl Wire for Message {
    const FAMILY: Family = Family::Control;
    fn name(&self) -> &'static str {
        match self {
            Message::Drain => "Drain",
            Message::Left { .. } => "Left",
            Message::Log { .. } => "Log",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Drain => Form::Request,
            Message::Left { .. } | Message::Log { .. } => Form::Reply,
        }
    }
    fn bytes(&self) -> u32 {
        if matches!(self, Message::Log { .. }) { 96 } else { 16 }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Message::Drain => Vec::new(),
            Message::Left { messages } => vec![("messages", messages.to_string())],
            Message::Log { line } => vec![("line", line.sentence())],
        }
    }
    fn summary(&self) -> String {
        match self {
            Message::Drain => String::new(),
            Message::Left { messages } => messages.to_string(),
            Message::Log { line } => format!("“{}”", line.sentence()),
        }
    }
}

/// Reads the log of a sender that lost messages, from its end: a message waits because no connection is free, none is
/// free because the last was not given back, and each of those had a message that timed out. How many connections went
/// that way, if the log shows it from end to end.
pub fn lost_connections(log: &[Line]) -> Option<u32> {
    let symptom = log.iter().rposition(|line| matches!(line, Line::NoneFree { .. }))?;
    let last = log[..symptom].iter().rposition(|line| matches!(line, Line::NotReturned { .. }))?;
    if log[last] != (Line::NotReturned { left: 0 }) {
        return None;
    }
    let gone = log[..=last].windows(2).filter(|two| matches!(two, [Line::TimedOut { .. }, Line::NotReturned { .. }]));
    Some(gone.count() as u32).filter(|gone| *gone > 0)
}

/// What whoever runs a service did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Told {
    /// Read a log, and knows what was wrong.
    Diagnosed {
        /// Whose log.
        node: NodeId,
        /// How many connections it had not given back.
        gone: u32,
    },
    /// Ended a part.
    Ended {
        /// Which.
        node: NodeId,
        /// How much it still had to do, as far as it is known.
        left: Option<u32>,
    },
    /// The next version is in the place of every part of the one before.
    RolledOut,
    /// Was taken for what is wrong, and mended if it was.
    Blamed {
        /// Whether it was.
        wrong: bool,
    },
    /// The next version is taken back.
    TakenBack {
        /// How many requests that met it failed, as far as was known then.
        failed: u64,
        /// Of how many.
        all: u64,
    },
}

impl Told {
    /// Its name in conditions.
    pub fn name(&self) -> &'static str {
        match self {
            Told::Diagnosed { .. } => "diagnosed",
            Told::Ended { .. } => "ended",
            Told::RolledOut => "rolled-out",
            Told::TakenBack { .. } => "taken-back",
            Told::Blamed { wrong: true } => "rightly-blamed",
            Told::Blamed { wrong: false } => "wrongly-blamed",
        }
    }
    /// What the node does by it.
    pub fn sentence(&self) -> String {
        match self {
            Told::Diagnosed { node, gone } => {
                format!("has read the log of {node}: {gone} connections that timed out were never given back")
            }
            Told::Ended { node, left: Some(0) } => format!("ends {node}, which has nothing left to do"),
            Told::Ended { node, left: Some(left) } => format!("ends {node}, which does not get done with {left}"),
            Told::Ended { node, left: None } => format!("ends {node} without asking what it has in its hands"),
            Told::RolledOut => "has the next version everywhere".to_owned(),
            Told::Blamed { wrong: true } => "was wrong, and is mended".to_owned(),
            Told::Blamed { wrong: false } => "is blamed, and nothing is wrong with it".to_owned(),
            Told::TakenBack { failed, all } => {
                format!("takes the next version back: {failed} of {all} requests that met it have failed")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATE: Line = Line::TimedOut { item: 1 };
    const WAITS: Line = Line::NoneFree { item: 2 };

    fn gone(left: u32) -> Line {
        Line::NotReturned { left }
    }

    #[test]
    fn a_log_is_read_from_its_end() {
        let whole = [LATE, gone(2), LATE, gone(1), LATE, gone(0), WAITS, WAITS];
        assert_eq!(lost_connections(&whole), Some(3));
        assert_eq!(lost_connections(&whole[2..]), Some(2), "what was forgotten is not made up");
    }

    #[test]
    fn what_a_log_does_not_show_is_not_taken_for_a_cause() {
        assert_eq!(lost_connections(&[]), None, "one that lies writes nothing");
        assert_eq!(lost_connections(&[LATE, LATE]), None, "time-outs alone harm nobody");
        assert_eq!(lost_connections(&[WAITS]), None, "a burst: all connections are busy");
        assert_eq!(lost_connections(&[LATE, gone(1), WAITS]), None, "one is left");
        assert_eq!(lost_connections(&[LATE, gone(1), LATE, gone(0)]), None, "nobody has had to wait");
    }
}
