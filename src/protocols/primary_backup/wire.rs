//! What senders, primary and backup say to one another.

use crate::protocols::chat::{Page, Post, label};
use crate::protocols::history::Logs;
use crate::protocols::view_service::View;
use crate::protocols::{Family, Form, Wire};
use crate::sim::{Item, NodeId};

/// Between senders, primary and backup.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// To the primary: put this at the end of the conversation.
    Append {
        /// Which conversation.
        conversation: u32,
        /// What.
        post: Post,
        /// The lowest of its author's numbers that is not acknowledged: what lies between is to stand before it.
        floor: u64,
    },
    /// From the primary: it stands there, on the disks of all members of the view.
    Appended {
        /// Which conversation.
        conversation: u32,
        /// Which message.
        item: Item,
        /// Where it stands; 0 if that was so long ago that it was forgotten.
        place: u64,
    },
    /// Of a server that does not serve.
    NotPrimary {
        /// Who does, as far as it knows.
        primary: Option<NodeId>,
    },
    /// From the primary: not now.
    Busy,
    /// To the primary: what comes after this place?
    Read {
        /// Which conversation.
        conversation: u32,
        /// For which reader; the answer says so again.
        reader: NodeId,
        /// The last place that is known; without it, the end of the conversation.
        after: Option<u64>,
    },
    /// From the primary: this does.
    Entries {
        /// Which conversation.
        conversation: u32,
        /// For which reader.
        reader: NodeId,
        /// What.
        page: Page,
    },
    /// From the primary to the backup: write this at this place.
    Forward {
        /// The number of the view.
        view: u64,
        /// Which conversation.
        conversation: u32,
        /// Where.
        place: u64,
        /// What.
        post: Post,
        /// Everything up to this place is settled.
        settled: u64,
    },
    /// From the backup: everything up to this place is on my disk.
    Forwarded {
        /// The number of the view.
        view: u64,
        /// Which conversation.
        conversation: u32,
        /// The last place.
        place: u64,
    },
    /// From the primary to a new backup: everything.
    Transfer {
        /// The view in which it is backup.
        view: View,
        /// All conversations.
        logs: Logs,
    },
    /// From the new backup: I have everything, on my disk.
    Transferred {
        /// The number of the view.
        view: u64,
    },
    /// From a server that knows a newer view: you are not my primary.
    Stale {
        /// The number of that view.
        view: u64,
    },
}

impl Wire for Message {
    const FAMILY: Family = Family::Storage;
    fn name(&self) -> &'static str {
        match self {
            Message::Append { .. } => "Append",
            Message::Appended { .. } => "Appended",
            Message::NotPrimary { .. } => "NotPrimary",
            Message::Busy => "Busy",
            Message::Read { .. } => "Read",
            Message::Entries { .. } => "Entries",
            Message::Forward { .. } => "Forward",
            Message::Forwarded { .. } => "Forwarded",
            Message::Transfer { .. } => "Transfer",
            Message::Transferred { .. } => "Transferred",
            Message::Stale { .. } => "Stale",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Append { .. } | Message::Read { .. } | Message::Forward { .. } | Message::Transfer { .. } => {
                Form::Request
            }
            Message::Entries { .. } => Form::Reply,
            Message::Appended { .. } | Message::Forwarded { .. } | Message::Transferred { .. } => Form::Accept,
            Message::NotPrimary { .. } | Message::Busy | Message::Stale { .. } => Form::Refuse,
        }
    }
    fn bytes(&self) -> u32 {
        match self {
            Message::Append { post, .. } | Message::Forward { post, .. } => 64 + post.text.len() as u32,
            Message::Entries { page, .. } => 8 + page.bytes(),
            Message::Transfer { logs, .. } => logs.bytes().saturating_add(64),
            _ => 32,
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        let conversation = |conversation: &u32| ("conversation", conversation.to_string());
        match self {
            Message::Append { conversation: c, post, floor } => {
                vec![conversation(c), ("message", post.quoted()), ("not acknowledged from", floor.to_string())]
            }
            Message::Appended { conversation: c, item, place } => {
                vec![conversation(c), ("message", label(*item)), ("place", place.to_string())]
            }
            Message::NotPrimary { primary } => {
                vec![("primary", primary.map_or("not known".to_owned(), |primary| primary.to_string()))]
            }
            Message::Busy => vec![],
            Message::Read { conversation: c, reader, after } => vec![
                conversation(c),
                ("reader", reader.to_string()),
                ("after", after.map_or("the end".to_owned(), |after| after.to_string())),
            ],
            Message::Entries { conversation: c, reader, page } => {
                let mut fields = vec![conversation(c), ("reader", reader.to_string())];
                fields.extend(page.fields());
                fields
            }
            Message::Forward { view, conversation: c, place, post, settled } => vec![
                ("view", view.to_string()),
                conversation(c),
                ("place", place.to_string()),
                ("message", post.quoted()),
                ("settled", settled.to_string()),
            ],
            Message::Forwarded { view, conversation: c, place } => {
                vec![("view", view.to_string()), conversation(c), ("place", place.to_string())]
            }
            Message::Transfer { view, logs } => vec![
                ("view", view.number.to_string()),
                ("conversations", logs.iter().count().to_string()),
                ("messages", logs.total().to_string()),
            ],
            Message::Transferred { view } | Message::Stale { view } => vec![("view", view.to_string())],
        }
    }
    fn summary(&self) -> String {
        match self {
            Message::Append { post, .. } => post.quoted(),
            Message::Appended { item, place, .. } => format!("{} at place {place}", label(*item)),
            Message::Forward { view, place, post, .. } => format!("view {view}, place {place}: {}", post.quoted()),
            _ => self.fields().iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", "),
        }
    }
    fn spoil(&mut self, luck: u64) -> bool {
        if let Message::Append { post, .. } = self { post.spoil(luck) } else { false }
    }
    fn carries(&self, item: Item) -> bool {
        match self {
            Message::Append { post, .. } | Message::Forward { post, .. } => post.item == item,
            Message::Transfer { logs, .. } => logs.carries(item),
            _ => false,
        }
    }
}
