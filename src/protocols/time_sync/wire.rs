//! What time servers, their clients, and those who depend on the time say; and what is told of them.

use crate::protocols::{Family, Form, Wire};
use crate::sim::Micros;

/// What a clock shows, in microseconds. Clocks may be behind the beginning of the run.
pub type Reading = i64;

/// `12.345678 s`.
pub fn shown(reading: Reading) -> String {
    let sign = if reading < 0 { "-" } else { "" };
    format!("{sign}{}.{:06} s", reading.unsigned_abs() / 1_000_000, reading.unsigned_abs() % 1_000_000)
}

/// `+1.2ms`, as an offset is written.
pub fn offset(by: i64) -> String {
    format!("{}{}", if by < 0 { "-" } else { "+" }, Micros(by.unsigned_abs()))
}

/// All of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// What time is it?
    Request {
        /// When it left, by the client's clock.
        t1: Reading,
    },
    /// It is this.
    Reply {
        /// When the question left, by the client's clock.
        t1: Reading,
        /// When it came, by the server's.
        t2: Reading,
        /// When this left, by the server's.
        t3: Reading,
        /// By how much the server's own clock may be wrong.
        error: Micros,
    },
    /// To an observer: my clock shows this.
    Shows {
        /// What it shows.
        reading: Reading,
    },
    /// To a register: what stands there?
    Get,
    /// This was written last.
    Stands {
        /// When, by its writer's clock; nothing, if nothing was.
        stamp: Option<Reading>,
    },
    /// To a register: write this.
    Put {
        /// When, by the writer's clock.
        stamp: Reading,
        /// What stood there when the writer looked.
        seen: Option<Reading>,
    },
    /// It is written, or was not, since what stands there has a later time.
    Answer {
        /// Whether it is.
        kept: bool,
    },
}

impl Wire for Message {
    const FAMILY: Family = Family::Control;
    fn name(&self) -> &'static str {
        match self {
            Message::Request { .. } => "Request",
            Message::Reply { .. } => "Reply",
            Message::Shows { .. } => "Shows",
            Message::Get => "Get",
            Message::Stands { .. } => "Stands",
            Message::Put { .. } => "Put",
            Message::Answer { kept: true } => "Kept",
            Message::Answer { kept: false } => "Dropped",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Request { .. } | Message::Get | Message::Put { .. } => Form::Request,
            Message::Reply { .. } | Message::Stands { .. } => Form::Reply,
            Message::Shows { .. } => Form::Beat,
            Message::Answer { kept: true } => Form::Accept,
            Message::Answer { kept: false } => Form::Refuse,
        }
    }
    fn bytes(&self) -> u32 {
        48
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Message::Request { t1 } => vec![("T1", shown(*t1))],
            Message::Reply { t1, t2, t3, error } => {
                vec![("T1", shown(*t1)), ("T2", shown(*t2)), ("T3", shown(*t3)), ("error", error.to_string())]
            }
            Message::Shows { reading } => vec![("shows", shown(*reading))],
            Message::Get | Message::Answer { .. } => Vec::new(),
            Message::Stands { stamp } => vec![("stamp", stamp.map_or("none".to_owned(), shown))],
            Message::Put { stamp, seen } => {
                vec![("stamp", shown(*stamp)), ("has seen", seen.map_or("nothing".to_owned(), shown))]
            }
        }
    }
}

/// What is told of clocks, for checks and the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// A client has found out how wrong its clock is.
    Synchronised {
        /// By how much it is to be set on.
        by: i64,
        /// How wrong it may be afterwards.
        bound: Micros,
        /// How many servers agree.
        agree: u32,
        /// Of how many.
        of: u32,
    },
    /// Too few servers agree.
    Undecided {
        /// How many are needed.
        needed: u32,
        /// Of how many.
        of: u32,
    },
    /// A client's clock shows this.
    Reads {
        /// What.
        reading: Reading,
        /// How wrong it may be.
        bound: Micros,
    },
    /// A register has not written what its writer wrote when it had seen what stands there: by their clocks it is older.
    OlderWins {
        /// The stamp of what stands there.
        stands: Reading,
        /// The stamp of what was dropped.
        dropped: Reading,
    },
}

impl Told {
    /// Its name in conditions.
    pub fn name(&self) -> &'static str {
        match self {
            Told::Synchronised { .. } => "synchronised",
            Told::Undecided { .. } => "undecided",
            Told::Reads { .. } => "reads-clock",
            Told::OlderWins { .. } => "older-wins",
        }
    }
    /// What the node does by it.
    pub fn sentence(&self) -> String {
        match self {
            Told::Synchronised { by, bound, agree, of } => {
                format!("sets its clock by {}, right within {bound}: {agree} of {of} servers agree", offset(*by))
            }
            Told::Undecided { needed, of } => {
                format!("leaves its clock alone: no {needed} of {of} servers agree")
            }
            Told::Reads { reading, bound } => format!("reads its clock: {}, right within {bound}", shown(*reading)),
            Told::OlderWins { stands, dropped } => {
                let (stands, dropped) = (shown(*stands), shown(*dropped));
                format!("drops what was written at {dropped} by one who had seen what stands there, of {stands}")
            }
        }
    }
}
