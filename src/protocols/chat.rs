//! The chat as a person's device and its gateway speak it: connect, hello, send, deliver, catch up.
//!
//! A message is named by its author, who numbers what they write; so a retry is known for what it is. Its place in the
//! conversation is given by the history, counted from 1 without gaps; so a reader knows what is missing.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::rc::Rc;

use crate::sim::{Item, NodeId, Time};

use super::{Family, Form, Wire};

/// How many entries one answer to a fetch holds at most.
pub const PAGE: usize = 32;
/// How many of the latest messages someone sees who has just come.
pub const WELCOME: u64 = 8;

/// What a message says: one of the texts that people choose from, of which nobody holds a copy; or what a node that lies
/// made of one.
#[derive(Clone)]
pub enum Text {
    /// As it was written.
    Written(&'static &'static str),
    /// Spoilt on its way.
    Spoilt(Rc<String>),
}

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        match self {
            Text::Written(text) => text,
            Text::Spoilt(text) => text,
        }
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Text) -> bool {
        **self == **other
    }
}

impl Eq for Text {}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// A message that someone wrote.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Post {
    /// Its name, the same in every retry; see [`item`].
    pub item: Item,
    /// What it says.
    pub text: Text,
    /// When it was written, by its author's clock.
    pub written: Time,
}

impl Post {
    /// Who wrote it.
    pub fn author(&self) -> NodeId {
        author(self.item)
    }
    /// Changes one letter of what it says; `false` where it says nothing.
    pub(super) fn spoil(&mut self, luck: u64) -> bool {
        let count = self.text.chars().count() as u64;
        let place = luck.checked_rem(count);
        // One of the letters that the place does not have already.
        let other = |letter: char| match char::from(b'a' + (luck >> 32) as u8 % 25) {
            same if same == letter => 'z',
            other => other,
        };
        let letters = self.text.chars().enumerate();
        let spoilt = letters.map(|(at, letter)| if Some(at as u64) == place { other(letter) } else { letter });
        self.text = Text::Spoilt(Rc::new(spoilt.collect()));
        place.is_some()
    }
    /// For people: `#7.14 “see you at 8”`.
    pub fn quoted(&self) -> String {
        format!("{} “{}”", label(self.item), self.text)
    }
}

/// The name of the message number `count` of `author`.
pub fn item(author: NodeId, count: u64) -> Item {
    u64::from(author.0) << 32 | count & 0xffff_ffff
}

/// Who wrote a message.
pub fn author(item: Item) -> NodeId {
    NodeId((item >> 32) as u32)
}

/// Which of its author's messages it is, from 1.
pub fn count(item: Item) -> u64 {
    item & 0xffff_ffff
}

/// For people: the author's number and the message's.
pub fn label(item: Item) -> String {
    format!("#{}.{}", author(item).0, count(item))
}

/// Part of a conversation, in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    /// After which place it was asked for; what came last when `None`.
    pub asked: Option<u64>,
    /// The place before the first post here.
    pub after: u64,
    /// The posts at the places that follow.
    pub posts: Rc<[Post]>,
    /// The last place that the history has.
    pub last: u64,
}

impl Page {
    pub(super) fn fields(&self) -> Vec<(&'static str, String)> {
        let places = match self.posts.len() as u64 {
            0 => "none".to_owned(),
            count => format!("{}–{}", self.after + 1, self.after + count),
        };
        vec![("places", places), ("last", self.last.to_string())]
    }
    pub(super) fn bytes(&self) -> u32 {
        40 + self.posts.iter().map(|post| 24 + post.text.len() as u32).sum::<u32>()
    }
}

/// Why something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// No gateway is known to be well.
    NoGateway,
    /// No sender is known.
    NoSender,
    /// Too many sessions, or too many requests waiting.
    Busy,
    /// There is no session: say hello first.
    NoSession,
}

impl Why {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Why::NoGateway => "no gateway is well",
            Why::NoSender => "no sender is known",
            Why::Busy => "too busy",
            Why::NoSession => "no session: say hello first",
        }
    }
}

/// What device, balancer and gateway say to one another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// To a balancer: which gateway shall I use?
    Connect {
        /// One that did not answer.
        avoid: Option<NodeId>,
    },
    /// From a balancer: this one.
    Assigned {
        /// Which.
        gateway: NodeId,
    },
    /// To a gateway: I am in this conversation.
    Hello {
        /// Which.
        conversation: u32,
    },
    /// From a gateway: there is a session for you.
    Welcome,
    /// To a gateway: say this.
    Send {
        /// Where.
        conversation: u32,
        /// What.
        post: Post,
        /// The lowest of its author's numbers that is not acknowledged: what lies between is to stand before it.
        floor: u64,
    },
    /// From a gateway: the message is safe.
    Accepted {
        /// Which.
        item: Item,
        /// Which sender said so.
        by: NodeId,
    },
    /// From a gateway: someone said this.
    Deliver {
        /// Where.
        conversation: u32,
        /// At which place.
        place: u64,
        /// What.
        post: Post,
    },
    /// To a gateway: what comes after this place?
    Fetch {
        /// Of which conversation.
        conversation: u32,
        /// The last place that is known; without it, the end of the conversation.
        after: Option<u64>,
    },
    /// From a gateway: this does.
    History {
        /// Of which conversation.
        conversation: u32,
        /// What.
        page: Page,
    },
    /// It could not be done.
    Refused {
        /// Why.
        why: Why,
    },
    /// From a gateway to a balancer: so many sessions are open.
    Load {
        /// How many.
        sessions: u32,
    },
}

impl Wire for Message {
    const FAMILY: Family = Family::Edge;
    fn name(&self) -> &'static str {
        match self {
            Message::Connect { .. } => "Connect",
            Message::Assigned { .. } => "Assigned",
            Message::Hello { .. } => "Hello",
            Message::Welcome => "Welcome",
            Message::Send { .. } => "Send",
            Message::Accepted { .. } => "Accepted",
            Message::Deliver { .. } => "Deliver",
            Message::Fetch { .. } => "Fetch",
            Message::History { .. } => "History",
            Message::Refused { .. } => "Refused",
            Message::Load { .. } => "Load",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Connect { .. } | Message::Hello { .. } | Message::Send { .. } | Message::Fetch { .. } => {
                Form::Request
            }
            Message::Assigned { .. } | Message::Deliver { .. } | Message::History { .. } => Form::Reply,
            Message::Welcome | Message::Accepted { .. } => Form::Accept,
            Message::Refused { .. } => Form::Refuse,
            Message::Load { .. } => Form::Beat,
        }
    }
    fn bytes(&self) -> u32 {
        match self {
            Message::Send { post, .. } | Message::Deliver { post, .. } => 48 + post.text.len() as u32,
            Message::History { page, .. } => page.bytes(),
            _ => 32,
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Message::Connect { avoid: None } | Message::Welcome => vec![],
            Message::Connect { avoid: Some(node) } => vec![("avoid", node.to_string())],
            Message::Assigned { gateway } => vec![("gateway", gateway.to_string())],
            Message::Hello { conversation } => vec![("conversation", conversation.to_string())],
            Message::Send { conversation, post, floor } => vec![
                ("conversation", conversation.to_string()),
                ("message", post.quoted()),
                ("not acknowledged from", floor.to_string()),
            ],
            Message::Accepted { item, by } => vec![("message", label(*item)), ("by", by.to_string())],
            Message::Deliver { conversation, place, post } => {
                vec![
                    ("conversation", conversation.to_string()),
                    ("place", place.to_string()),
                    ("message", post.quoted()),
                ]
            }
            Message::Fetch { conversation, after } => vec![
                ("conversation", conversation.to_string()),
                ("after", after.map_or("the end".to_owned(), |after| after.to_string())),
            ],
            Message::History { conversation, page } => {
                let mut fields = vec![("conversation", conversation.to_string())];
                fields.extend(page.fields());
                fields
            }
            Message::Refused { why } => vec![("why", why.words().to_owned())],
            Message::Load { sessions } => vec![("sessions", sessions.to_string())],
        }
    }
    fn summary(&self) -> String {
        match self {
            Message::Send { post, .. } => post.quoted(),
            Message::Deliver { place, post, .. } => format!("place {place}: {}", post.quoted()),
            Message::Accepted { item, .. } => label(*item),
            Message::Refused { why } => why.words().to_owned(),
            _ => self.fields().iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", "),
        }
    }
    /// Only what can still reach the history counts as a copy: not what the history itself gave out.
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
