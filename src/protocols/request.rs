//! Requests and their answers: the least that a service and those who use it say to one another.
//!
//! Each attempt has a number of its own, so an answer that comes after its caller has given up, or has asked someone
//! else, is known for what it is. Nothing is taken back: a server works on what nobody waits for any more, unless the
//! request says until when somebody does.

use crate::sim::{Later, Time};

use super::{Family, Form, Wire};

/// What a caller and a server say to one another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Do this.
    Request {
        /// Numbers the attempt; the caller's own.
        attempt: u64,
        /// What it is about: the same key goes to the same server, where that matters.
        key: u64,
        /// Its class: 0 goes first where a machine serves by priority.
        class: u32,
        /// Until when anybody waits for the answer, by the clock of whoever began it all.
        deadline: Later<Option<Time>>,
    },
    /// It is done.
    Response {
        /// The attempt.
        attempt: u64,
    },
    /// It will not be done: there was no room, or nobody to do it.
    Refused {
        /// The attempt.
        attempt: u64,
    },
    /// From a server to those who choose: how much it takes, against the others.
    Weight {
        /// Its share of the work, in proportion.
        weight: u32,
    },
}

impl Wire for Message {
    const FAMILY: Family = Family::Work;
    fn name(&self) -> &'static str {
        match self {
            Message::Request { .. } => "Request",
            Message::Response { .. } => "Response",
            Message::Refused { .. } => "Refused",
            Message::Weight { .. } => "Weight",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Request { .. } => Form::Request,
            Message::Response { .. } => Form::Accept,
            Message::Refused { .. } => Form::Refuse,
            Message::Weight { .. } => Form::Beat,
        }
    }
    fn class(&self) -> u32 {
        if let Message::Request { class, .. } = self { *class } else { 0 }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Message::Request { attempt, key, class, deadline } => {
                let mut fields = vec![("attempt", attempt.to_string()), ("key", key.to_string())];
                if *class > 0 {
                    fields.push(("class", class.to_string()));
                }
                fields.extend(deadline.0.map(|deadline| ("deadline", deadline.to_string())));
                fields
            }
            Message::Response { attempt } | Message::Refused { attempt } => vec![("attempt", attempt.to_string())],
            Message::Weight { weight } => vec![("weight", weight.to_string())],
        }
    }
}
