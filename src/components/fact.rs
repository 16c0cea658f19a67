//! What components observe about themselves, for checks, conditions and metrics. Facts never travel.

use std::rc::Rc;

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
        text: Rc<str>,
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
        text: Rc<str>,
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
}

impl Fact {
    /// Every name.
    pub const NAMES: &'static [&'static str] =
        &["accepted", "stored", "copied", "joined", "shown", "suspected", "replacing"];

    /// Its name in conditions.
    pub fn name(&self) -> &'static str {
        match self {
            Fact::Accepted { .. } => "accepted",
            Fact::Stored { .. } => "stored",
            Fact::Copied { .. } => "copied",
            Fact::Joined { .. } => "joined",
            Fact::Shown { .. } => "shown",
            Fact::Suspected { .. } => "suspected",
            Fact::Replacing { .. } => "replacing",
        }
    }
}
