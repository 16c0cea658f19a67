//! Optimistic concurrency: one reads a row with its version, and writes it with that version; a write whose version is
//! no longer the row's is refused (Kung and Robinson, «On Optimistic Methods for Concurrency Control», 1981).

use super::{Family, Form, Wire};

/// What a writer and a store say to one another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// What is in this row?
    Read {
        /// Numbers the question; the writer's own.
        attempt: u64,
        /// Which row.
        row: u64,
    },
    /// This version.
    Row {
        /// The question.
        attempt: u64,
        /// The row's version.
        version: u64,
    },
    /// Write this row, if it is still at this version.
    Write {
        /// Numbers the question.
        attempt: u64,
        /// Which row.
        row: u64,
        /// The version that was read.
        version: u64,
    },
    /// It was written, and has this version now.
    Written {
        /// The question.
        attempt: u64,
        /// The new version.
        version: u64,
    },
    /// It was not written: somebody else has been faster.
    Conflict {
        /// The question.
        attempt: u64,
    },
}

impl Wire for Message {
    const FAMILY: Family = Family::Storage;
    fn name(&self) -> &'static str {
        match self {
            Message::Read { .. } => "Read",
            Message::Row { .. } => "Row",
            Message::Write { .. } => "Write",
            Message::Written { .. } => "Written",
            Message::Conflict { .. } => "Conflict",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Read { .. } | Message::Write { .. } => Form::Request,
            Message::Row { .. } => Form::Reply,
            Message::Written { .. } => Form::Accept,
            Message::Conflict { .. } => Form::Refuse,
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Message::Read { row, .. } => vec![("row", row.to_string())],
            Message::Row { version, .. } | Message::Written { version, .. } => vec![("version", version.to_string())],
            Message::Write { row, version, .. } => vec![("row", row.to_string()), ("version", version.to_string())],
            Message::Conflict { .. } => vec![],
        }
    }
}
