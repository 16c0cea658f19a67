//! What the chat asks of a leader: to put a message into its conversation, through the log, and what stands in one, as any
//! other read.

use crate::protocols::board::{Asked, Placed};
use crate::protocols::history::Log;
use crate::protocols::kv;
use crate::sim::{Item, NodeId};

use super::leader::Read;
use super::{Came, Command, Effect, MAX_UNCOMMITTED, News, Question, RaftPort, Role, Rules, Server};

impl From<Effect> for News {
    fn from(effect: Effect) -> News {
        match effect {
            Effect::Answer(client, message) => News::Answer { client, message },
            Effect::Placed(placed) => News::Placed(placed),
        }
    }
}

impl Server {
    /// A message is to stand in a conversation.
    pub fn post<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, asked: Asked) {
        if !self.serves() {
            return self.news.push(News::Elsewhere(asked.asker));
        }
        let (asker, conversation, item) = (asked.asker, asked.conversation, asked.post.item);
        if let Some(place) = self.machine.board().find(conversation, item) {
            return self.news.push(News::Placed(Placed { asker, conversation, item, place }));
        }
        // It stands in the log already: whoever asked is answered when it is committed, and asks again otherwise.
        let uncommitted = self.log.from(self.commit + 1, usize::MAX);
        if uncommitted.iter().any(|entry| entry.term == self.term && entry.command.carries(item)) {
            return;
        }
        // «No room» means that it is not taken in: once it stands in the log it happens.
        let room = self.machine.board().has_room(&asked, uncommitted.len());
        if uncommitted.len() as u64 >= MAX_UNCOMMITTED || !room {
            return self.news.push(News::Full(asker));
        }
        self.append(port, rules, Command::Post(asked));
        self.replicate(port, rules);
        self.advance_commit(port, rules);
        self.save(port, rules);
    }

    /// What comes in a conversation?
    pub fn page<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, asker: NodeId, question: Question) {
        if !self.serves() {
            return self.news.push(News::Elsewhere(asker));
        }
        self.read(port, rules, asker, question);
        self.save(port, rules);
    }

    /// Whether it takes things in: it leads, and does not hand over.
    fn serves(&self) -> bool {
        matches!(&self.role, Role::Leader(leader) if leader.transfer.is_none())
    }

    /// Answers a read from what is applied.
    pub(super) fn answer_read(&mut self, asker: NodeId, question: Question) {
        match question {
            Question::Key { number, key } => {
                let value = self.machine.read(key);
                self.answer(asker, Came::Done(value).answer(number));
            }
            Question::Page { reader, conversation, after } => {
                let empty = Log::default();
                let log = self.machine.board().logs().get(conversation).unwrap_or(&empty);
                let page = log.page(after, log.last());
                self.news.push(News::Page { asker, reader, conversation, page });
            }
        }
    }

    /// There is no room for a read.
    pub(super) fn refuse(&mut self, asker: NodeId, question: Question) {
        match question {
            Question::Key { number, .. } => self.answer(asker, kv::Message::Unable { number, perhaps: false }),
            Question::Page { .. } => self.news.push(News::Full(asker)),
        }
    }

    /// It leads no longer: whoever waits for a read is to ask the one that does.
    pub(super) fn send_on(&mut self, read: Read) {
        match read.question {
            Question::Key { number, .. } => {
                self.answer(read.client, kv::Message::Elsewhere { number, ask: self.leader });
            }
            Question::Page { .. } => self.news.push(News::Elsewhere(read.client)),
        }
    }

    /// Whether its memory has a copy of a message.
    pub fn carries(&self, item: Item) -> bool {
        self.log.carries(item) || self.machine.board().carries(item)
    }
}
