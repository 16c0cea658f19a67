//! A store of values under keys: reads, writes, compare-and-set and counting up, one answer each; and copies that are handed on.
//!
//! The client's half is a message a request and a number to know its answer by. What a store does with them is the
//! store's business, so that stores of different promises can be asked by the same client. Of several servers that are
//! one store, one that cannot do it says so: `Elsewhere` and a plain `Unable` promise that it has not been done on account
//! of this question or a copy of it, and will not be. A client that asks again does so with the same number, so that a
//! store that did it can say what came of it. That promise lets a history say that an operation did not happen.

use crate::sim::NodeId;

use super::{Family, Form, Wire};

/// What is asked of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// What is there?
    Read,
    /// Put this there.
    Write(u64),
    /// Put the second there if the first is there.
    Cas(u64, u64),
    /// Make what is there this much more; nothing is as good as 0.
    Add(u64),
}

/// A question to a store, its answer, and a copy from another store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Do this.
    Ask {
        /// Counts a client's questions up, over all its lives.
        number: u64,
        /// Under which key.
        key: u32,
        /// What.
        op: Op,
    },
    /// It is done, or was read.
    Done {
        /// Of which question.
        number: u64,
        /// What was read; nothing where nothing is there, or nothing was read.
        value: Option<u64>,
    },
    /// Something else was there: nothing was changed.
    Differs {
        /// Of which question.
        number: u64,
    },
    /// Not here: nothing was done, nor will be.
    Elsewhere {
        /// Of which question.
        number: u64,
        /// Who may do it, where that is known.
        ask: Option<NodeId>,
    },
    /// It could not be done.
    Unable {
        /// Of which question.
        number: u64,
        /// Whether it may take effect all the same, now or later.
        perhaps: bool,
    },
    /// What a store has under a key.
    Copy {
        /// Which key.
        key: u32,
        /// What.
        value: u64,
        /// Counts what was written there.
        version: u64,
    },
}

impl Wire for Message {
    const FAMILY: Family = Family::Storage;
    fn name(&self) -> &'static str {
        match self {
            Message::Ask { op: Op::Read, .. } => "Read",
            Message::Ask { op: Op::Write(_), .. } => "Write",
            Message::Ask { op: Op::Cas(..), .. } => "CompareAndSet",
            Message::Ask { op: Op::Add(_), .. } => "Add",
            Message::Done { .. } => "Done",
            Message::Differs { .. } => "Differs",
            Message::Elsewhere { .. } => "Elsewhere",
            Message::Unable { .. } => "Unable",
            Message::Copy { .. } => "Copy",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Ask { .. } => Form::Request,
            Message::Done { .. } => Form::Accept,
            Message::Elsewhere { .. } => Form::Reply,
            Message::Differs { .. } | Message::Unable { .. } => Form::Refuse,
            Message::Copy { .. } => Form::Beat,
        }
    }
    fn bytes(&self) -> u32 {
        40
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        let text = |value: &Option<u64>| value.map_or("nothing".to_owned(), |value| value.to_string());
        match self {
            Message::Ask { key, op, .. } => {
                let mut fields = vec![("key", key.to_string())];
                match op {
                    Op::Read => {}
                    Op::Write(value) => fields.push(("value", value.to_string())),
                    Op::Add(by) => fields.push(("by", by.to_string())),
                    Op::Cas(from, to) => fields.extend([("from", from.to_string()), ("to", to.to_string())]),
                }
                fields
            }
            Message::Done { value: None, .. }
            | Message::Differs { .. }
            | Message::Elsewhere { ask: None, .. }
            | Message::Unable { perhaps: false, .. } => Vec::new(),
            Message::Elsewhere { ask: Some(ask), .. } => vec![("ask", ask.to_string())],
            Message::Unable { .. } => vec![("perhaps", "done".to_owned())],
            Message::Done { value, .. } => vec![("value", text(value))],
            Message::Copy { key, value, version } => {
                vec![("key", key.to_string()), ("value", value.to_string()), ("version", version.to_string())]
            }
        }
    }
}
