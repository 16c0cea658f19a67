//! What the log is replicated for: commands, and the state machine that they are applied to.
//!
//! The protocol asks nothing of a command but that it can be compared and hashed, and nothing of the machine but
//! [`Machine::apply`]. Another state machine is a variant of [`Command`] and its arm there.

use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::rc::Rc;

use crate::protocols::board::{Asked, Board, Placed};
use crate::protocols::kv::{self, Op};
use crate::sim::{COUNTS, Digest, Item, NodeId, Scale, Table, apart};

/// How many keys the machine has at most; what is written under more is not kept.
pub const MAX_KEYS: usize = 65_536;
/// How many clients it knows the last command of; what comes twice from more is done twice.
pub const MAX_SESSIONS: usize = 4_096;

/// A member of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Member {
    /// Which server.
    pub node: NodeId,
    /// Which of its disks: a server that has lost its disk is another one, which has promised nothing. 0 for founders.
    pub life: u64,
}

/// What an entry of the log says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Nothing: the first entry of a leader, whose commitment commits what earlier terms left (§8).
    Noop,
    /// From here on these are the members (thesis §4.1).
    Configuration(Rc<[Member]>),
    /// What a client asked for.
    Ask {
        /// Who.
        client: NodeId,
        /// Its number of it.
        number: u64,
        /// Under which key.
        key: u32,
        /// What.
        op: Op,
    },
    /// A message that is to stand in a conversation.
    Post(Asked),
}

impl Command {
    /// In a few letters, for a cell of a log.
    pub fn short(&self) -> String {
        match self {
            Command::Noop => "no-op".to_owned(),
            Command::Configuration(members) => format!("{} members", members.len()),
            Command::Ask { key, op: Op::Read, .. } => format!("{key}?"),
            Command::Ask { key, op: Op::Write(value), .. } => format!("{key}:={value}"),
            Command::Ask { key, op: Op::Cas(from, to), .. } => format!("{key}: {from}→{to}"),
            Command::Ask { key, op: Op::Add(by), .. } => format!("{key}+={by}"),
            Command::Post(Asked { post, .. }) => format!("“{}”", post.text),
        }
    }
    /// How many bytes it has on the wire, beside what every entry has.
    pub fn bytes(&self) -> u32 {
        if let Command::Post(Asked { post, .. }) = self { post.text.len() as u32 } else { 0 }
    }
    /// Whether it has a copy of a message.
    pub fn carries(&self, item: Item) -> bool {
        matches!(self, Command::Post(Asked { post, .. }) if post.item == item)
    }
}

/// What a command brought about that somebody is to hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A client's operation is done.
    Answer(NodeId, kv::Message),
    /// A message stands in its conversation.
    Placed(Placed),
}

/// An entry of the log. There is one of it, however many logs, disks and messages it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry(Rc<Taken>);

/// What an entry is.
#[derive(Debug, PartialEq, Eq)]
pub struct Taken {
    /// The term in which a leader took it in.
    pub term: u64,
    /// What it says.
    pub command: Command,
    /// Stands for what it says.
    mark: u64,
}

impl Entry {
    /// A command that a leader takes in in a term.
    pub fn new(term: u64, command: Command) -> Entry {
        let mut digest = Digest::default();
        command.hash(&mut digest);
        Entry(Rc::new(Taken { term, command, mark: digest.finish() }))
    }
    /// Its term, and a number that stands for what it says: for the checks.
    pub fn stamp(&self) -> (u64, u64) {
        (self.term, self.mark)
    }
    /// Puts it on the scale.
    pub fn weigh(&self, scale: &mut Scale) {
        scale.shared(Rc::as_ptr(&self.0).addr(), COUNTS + size_of::<Taken>());
    }
}

impl Deref for Entry {
    type Target = Taken;
    fn deref(&self) -> &Taken {
        &self.0
    }
}

impl Hash for Entry {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.term, &self.command).hash(state);
    }
}

/// What came of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Came {
    /// It is done, or was read.
    Done(Option<u64>),
    /// Something else was there.
    Differs,
}

impl Came {
    /// As a client hears it.
    pub fn answer(self, number: u64) -> kv::Message {
        match self {
            Came::Done(value) => kv::Message::Done { number, value },
            Came::Differs => kv::Message::Differs { number },
        }
    }
}

/// The state machine: values under keys, and what came of each client's last command (thesis §6.3); and the history of
/// conversations, which knows by itself what comes twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    values: Table<u32, u64>,
    sessions: Table<NodeId, (u64, Came)>,
    board: Board,
}

impl Hash for Machine {
    fn hash<H: Hasher>(&self, state: &mut H) {
        apart(state, |state| (&self.values, &self.sessions, &self.board).hash(state));
    }
}

impl Machine {
    /// Puts on the scale one that copies share.
    pub fn weigh(self: &Rc<Machine>, scale: &mut Scale) {
        let bytes = COUNTS + size_of::<Machine>() + self.values.bytes() + self.sessions.bytes();
        scale.shared(Rc::as_ptr(self).addr(), bytes);
        self.board.weigh(scale);
    }
    /// Applies a command, once, whoever asked for it again; what came of it. Nothing where nobody is to be told.
    pub fn apply(&mut self, command: &Command) -> Vec<Effect> {
        match command {
            Command::Noop | Command::Configuration(_) => Vec::new(),
            Command::Ask { client, number, key, op } => {
                let answer = self.operate(*client, *number, *key, *op);
                answer.map(|(client, message)| Effect::Answer(client, message)).into_iter().collect()
            }
            Command::Post(asked) => self.board.append(asked.clone()).into_iter().map(Effect::Placed).collect(),
        }
    }

    #[cold]
    fn operate(&mut self, client: NodeId, number: u64, key: u32, op: Op) -> Option<(NodeId, kv::Message)> {
        match self.sessions.get(&client) {
            Some((last, came)) if *last == number => return Some((client, came.answer(number))),
            // Its client has gone on to another: nobody waits for it.
            Some((last, _)) if *last > number => return None,
            _ => {}
        }
        let old = self.read(key);
        let (put, came) = match op {
            Op::Read => (None, Came::Done(old)),
            Op::Write(value) => (Some(value), Came::Done(None)),
            Op::Cas(from, to) if old == Some(from) => (Some(to), Came::Done(None)),
            Op::Cas(..) => (None, Came::Differs),
            Op::Add(by) => (Some(old.unwrap_or(0).saturating_add(by)), Came::Done(None)),
        };
        if let Some(value) = put
            && (self.values.len() < MAX_KEYS || self.values.contains_key(&key))
        {
            self.values.insert(key, value);
        }
        if self.sessions.len() < MAX_SESSIONS || self.sessions.contains_key(&client) {
            self.sessions.insert(client, (number, came));
        }
        Some((client, came.answer(number)))
    }
    /// What is under a key.
    pub fn read(&self, key: u32) -> Option<u64> {
        self.values.get(&key).copied()
    }
    /// The number of a client's last command, and what came of it.
    pub fn session(&self, client: NodeId) -> Option<(u64, Came)> {
        self.sessions.get(&client).copied()
    }
    /// The history of conversations.
    pub fn board(&self) -> &Board {
        &self.board
    }
    /// How many keys it has.
    pub fn keys(&self) -> usize {
        self.values.len()
    }
    /// About how many bytes a copy of it has on the wire.
    pub fn bytes(&self) -> u32 {
        ((12 * self.values.len() + 24 * self.sessions.len()) as u32).saturating_add(self.board.bytes())
    }
}
