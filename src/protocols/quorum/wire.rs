//! What the nodes say to one another.

use std::rc::Rc;

use crate::protocols::{Family, Form, Wire};
use crate::sim::NodeId;

use super::store::Version;

/// Between nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// From a coordinator: write this.
    Put {
        /// Of which operation; 0 where no answer is waited for.
        id: u64,
        /// Under which key.
        key: u32,
        /// What.
        versions: Rc<[Version]>,
        /// For whom it is kept, where that one is not well.
        hint: Option<NodeId>,
    },
    /// To a coordinator: it is on the disk.
    Stored {
        /// Of which operation.
        id: u64,
    },
    /// From a coordinator: what is there?
    Get {
        /// Of which operation.
        id: u64,
        /// Under which key.
        key: u32,
    },
    /// To a coordinator: this is.
    Versions {
        /// Of which operation.
        id: u64,
        /// Under which key.
        key: u32,
        /// What; several where nobody saw them together.
        versions: Rc<[Version]>,
    },
    /// To one that is back: this was written for you.
    Handoff {
        /// Under which key.
        key: u32,
        /// What.
        versions: Rc<[Version]>,
    },
    /// It is on the disk: the hint may go.
    HandedOff {
        /// Under which key.
        key: u32,
        /// What, as one number.
        mark: u64,
    },
    /// To another home of the same keys: this is what I have from one key to another.
    Summary {
        /// From this key on.
        first: u32,
        /// Up to this one.
        last: u32,
        /// Keys, and what is there as one number.
        entries: Rc<[(u32, u64)]>,
    },
    /// What I have is something else.
    Exchange {
        /// Under which key.
        key: u32,
        /// What.
        versions: Rc<[Version]>,
        /// Whether to answer with what you have.
        back: bool,
    },
    /// To one that is taken for dead: are you there?
    Ping,
    /// I am.
    Pong,
}

fn told(versions: &[Version]) -> String {
    let one = |version: &Version| format!("{} ({}{})", version.value, version.stamp.time, version.stamp.node);
    if versions.is_empty() {
        return "nothing".to_owned();
    }
    versions.iter().map(one).collect::<Vec<_>>().join(" and ")
}

impl Wire for Message {
    const FAMILY: Family = Family::Storage;
    fn name(&self) -> &'static str {
        match self {
            Message::Put { .. } => "Put",
            Message::Stored { .. } => "Stored",
            Message::Get { .. } => "Get",
            Message::Versions { .. } => "Versions",
            Message::Handoff { .. } => "Handoff",
            Message::HandedOff { .. } => "HandedOff",
            Message::Summary { .. } => "Summary",
            Message::Exchange { .. } => "Exchange",
            Message::Ping => "Ping",
            Message::Pong => "Pong",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Put { .. } | Message::Get { .. } | Message::Handoff { .. } => Form::Request,
            Message::Stored { .. } | Message::HandedOff { .. } => Form::Accept,
            Message::Versions { .. } => Form::Reply,
            Message::Summary { .. } | Message::Exchange { .. } | Message::Ping | Message::Pong => Form::Beat,
        }
    }
    fn bytes(&self) -> u32 {
        match self {
            Message::Put { versions, .. }
            | Message::Versions { versions, .. }
            | Message::Handoff { versions, .. }
            | Message::Exchange { versions, .. } => {
                versions.iter().map(|version| 28 + 12 * version.vector.len() as u32).sum::<u32>().saturating_add(24)
            }
            Message::Summary { entries, .. } => 16 + 12 * entries.len() as u32,
            _ => 24,
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Message::Put { key, versions, hint, .. } => {
                let mut fields = vec![("key", key.to_string()), ("value", told(versions))];
                fields.extend(hint.map(|hint| ("for", hint.to_string())));
                fields
            }
            Message::Versions { key, versions, .. }
            | Message::Handoff { key, versions }
            | Message::Exchange { key, versions, .. } => vec![("key", key.to_string()), ("value", told(versions))],
            Message::Get { key, .. } | Message::HandedOff { key, .. } => vec![("key", key.to_string())],
            Message::Summary { entries, .. } => vec![("keys", entries.len().to_string())],
            Message::Stored { .. } | Message::Ping | Message::Pong => Vec::new(),
        }
    }
}
