//! A client's half: it asks the primary, everyone if that does not help, and believes what enough of them say.

use crate::protocols::kv;
use crate::protocols::raft::Command;
use crate::sim::{NodeId, Table};

use super::{Message, View};

crate::choice! {
    /// What a client believes.
    #[derive(Default)]
    pub enum Believes {
        /// What f + 1 replicas say alike: one of them is honest.
        #[default]
        Enough = "f-plus-1",
        /// What the first one says: a mistake.
        First = "first",
    }
}

/// What came of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It waits for more.
    Waits,
    /// This is the answer.
    Answer(kv::Message),
}

/// A client that waits for at most one answer.
#[derive(Clone, Debug, Default, Hash)]
pub struct Client {
    view: View,
    open: Option<(u64, Command)>,
    replies: Table<NodeId, (View, kv::Message)>,
}

/// The number of the request that an answer is for.
fn number_of(answer: &kv::Message) -> Option<u64> {
    match answer {
        kv::Message::Done { number, .. } | kv::Message::Differs { number } => Some(*number),
        _ => None,
    }
}

impl Client {
    /// Asks: the request, and whom to send it to.
    pub fn ask(&mut self, replicas: &[NodeId], number: u64, command: Command) -> Option<(NodeId, Message)> {
        self.replies.clear();
        self.open = Some((number, command.clone()));
        let primary = replicas.get((self.view % replicas.len().max(1) as u64) as usize)?;
        Some((*primary, Message::Request { command }))
    }
    /// No answer has come: the request is for everyone.
    pub fn again(&self) -> Option<Message> {
        self.open.as_ref().map(|(_, command)| Message::Request { command: command.clone() })
    }
    /// Whether it waits.
    pub fn waits(&self) -> bool {
        self.open.is_some()
    }
    /// The view in which it takes the replicas to be.
    pub fn view(&self) -> View {
        self.view
    }
    /// How many have answered.
    pub fn replies(&self) -> usize {
        self.replies.len()
    }
    /// A replica has answered.
    pub fn on_reply(&mut self, from: NodeId, view: View, answer: kv::Message, f: u32, believes: Believes) -> Outcome {
        let Some((number, _)) = &self.open else { return Outcome::Waits };
        if number_of(&answer) != Some(*number) {
            return Outcome::Waits;
        }
        self.replies.insert(from, (view, answer.clone()));
        let alike = || self.replies.values().filter(|(_, reply)| *reply == answer);
        let needed = if believes == Believes::First { 1 } else { f as usize + 1 };
        if alike().count() < needed {
            return Outcome::Waits;
        }
        // Whoever lies may name any view; of those who say the same one is honest.
        self.view = self.view.max(alike().map(|(view, _)| *view).min().unwrap_or(0));
        self.open = None;
        Outcome::Answer(answer)
    }
}
