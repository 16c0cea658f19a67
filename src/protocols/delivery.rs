//! What gateways and message senders say to one another: the chat's requests with the client for whom they are.

use crate::sim::{Item, NodeId};

use super::chat::{Page, Post, Why, label};
use super::{Family, Form, Wire};

/// Between a gateway and a sender.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Store this and let everyone in the conversation have it.
    Send {
        /// For whom the gateway asks.
        client: NodeId,
        /// Where.
        conversation: u32,
        /// What.
        post: Post,
        /// The lowest of its author's numbers that is not acknowledged: what lies between is to stand before it.
        floor: u64,
    },
    /// It is safe.
    Accepted {
        /// Who is to be told.
        client: NodeId,
        /// Which.
        item: Item,
    },
    /// Let everyone in the conversation have this.
    Deliver {
        /// Where.
        conversation: u32,
        /// At which place.
        place: u64,
        /// What.
        post: Post,
    },
    /// What comes after this place?
    Fetch {
        /// For whom the gateway asks.
        client: NodeId,
        /// Of which conversation.
        conversation: u32,
        /// The last place that is known; without it, the end of the conversation.
        after: Option<u64>,
    },
    /// This does.
    History {
        /// For whom.
        client: NodeId,
        /// Of which conversation.
        conversation: u32,
        /// What.
        page: Page,
    },
    /// It could not be done.
    Refused {
        /// For whom.
        client: NodeId,
        /// Why.
        why: Why,
    },
}

impl Wire for Message {
    const FAMILY: Family = Family::Work;
    fn name(&self) -> &'static str {
        match self {
            Message::Send { .. } => "Send",
            Message::Accepted { .. } => "Accepted",
            Message::Deliver { .. } => "Deliver",
            Message::Fetch { .. } => "Fetch",
            Message::History { .. } => "History",
            Message::Refused { .. } => "Refused",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Send { .. } | Message::Fetch { .. } => Form::Request,
            Message::Deliver { .. } | Message::History { .. } => Form::Reply,
            Message::Accepted { .. } => Form::Accept,
            Message::Refused { .. } => Form::Refuse,
        }
    }
    fn bytes(&self) -> u32 {
        match self {
            Message::Send { post, .. } | Message::Deliver { post, .. } => 56 + post.text.len() as u32,
            Message::History { page, .. } => 8 + page.bytes(),
            _ => 40,
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Message::Send { client, conversation, post, floor } => vec![
                ("client", client.to_string()),
                ("conversation", conversation.to_string()),
                ("message", post.quoted()),
                ("not acknowledged from", floor.to_string()),
            ],
            Message::Accepted { client, item } => vec![("client", client.to_string()), ("message", label(*item))],
            Message::Deliver { conversation, place, post } => {
                vec![
                    ("conversation", conversation.to_string()),
                    ("place", place.to_string()),
                    ("message", post.quoted()),
                ]
            }
            Message::Fetch { client, conversation, after } => vec![
                ("client", client.to_string()),
                ("conversation", conversation.to_string()),
                ("after", after.map_or("the end".to_owned(), |after| after.to_string())),
            ],
            Message::History { client, conversation, page } => {
                let mut fields = vec![("client", client.to_string()), ("conversation", conversation.to_string())];
                fields.extend(page.fields());
                fields
            }
            Message::Refused { client, why } => vec![("client", client.to_string()), ("why", why.words().to_owned())],
        }
    }
    fn summary(&self) -> String {
        match self {
            Message::Send { client, post, .. } => format!("for {client}: {}", post.quoted()),
            Message::Deliver { place, post, .. } => format!("place {place}: {}", post.quoted()),
            _ => self.fields().iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", "),
        }
    }
    fn spoil(&mut self, luck: u64) -> bool {
        match self {
            Message::Send { post, .. } | Message::Deliver { post, .. } => post.spoil(luck),
            _ => false,
        }
    }
    fn carries(&self, item: Item) -> bool {
        matches!(self, Message::Send { post, .. } if post.item == item)
    }
}
