//! A store of values under keys, on one machine: answers when it is on the disk, and hands copies on to other stores.
//!
//! A lone store is linearizable, whatever crashes: writes reach the disk one after another, and each takes effect, and is
//! answered, as it does. A comparison that fails is answered in that order too, since what it saw may not be on the disk
//! yet. A question that comes twice is done once. What makes it less than that can be switched on: answering before the
//! disk has it, and several stores that tell one another later, of which each answers for itself.

use crate::protocols::kv::{self, Op};
use crate::protocols::{Family, health};
use crate::sim::{Component, Context, Disk, Look, Machine, NodeId, Table, Work};

use super::{Glyph, Message, Placeable};

/// How many keys a store has at most; what is written under more is not answered.
pub const MAX_KEYS: usize = 65_536;
/// How many clients it knows the last question of; of more it does not tell a question that came twice.
pub const MAX_CLIENTS: usize = 4_096;

crate::choice! {
    /// When a store says that something is written.
    pub enum Answer {
        /// When it is on the disk.
        AfterDisk = "after-disk",
        /// At once: a crash then loses what was promised.
        BeforeDisk = "before-disk",
    }
}

crate::config! {
    /// What can be set about a store.
    pub struct KvStoreConfig {
        /// When it says that something is written; before the disk has it is a mistake.
        answer: Answer = Answer::AfterDisk, in 0, 0, "";
    }
}

/// A value and how many were written before it under its key.
type Held = (u64, u64);

/// What is on the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Store {
    held: Table<u32, Held>,
    /// The last question of each client.
    asked: Table<NodeId, u64>,
}

/// A write to the disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Write {
    /// What is put there; nothing where a comparison failed.
    put: Option<(u32, Held)>,
    /// Whose question it was.
    of: Option<(NodeId, u64)>,
}

impl Disk for Store {
    type Write = Write;
    fn apply(&mut self, write: Write) {
        if let Some((key, held)) = write.put
            && (self.held.len() < MAX_KEYS || self.held.contains_key(&key))
            && self.held.get(&key).is_none_or(|old| old.1 < held.1)
        {
            self.held.insert(key, held);
        }
        if let Some((client, number)) = write.of
            && (self.asked.len() < MAX_CLIENTS || self.asked.contains_key(&client))
        {
            self.asked.insert(client, number);
        }
    }
}

/// What a store waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Something is on the disk.
    Written {
        /// What.
        write: Write,
        /// What is then said to whom.
        answer: Option<(NodeId, kv::Message)>,
    },
}

/// A store.
#[derive(Clone, Debug, Hash)]
pub struct KvStore {
    /// What is on the disk, as it is read.
    settled: Store,
    /// With what is on its way there.
    next: Store,
    answered: u64,
}

impl KvStore {
    fn ask(&mut self, cx: &mut Context<Self>, from: NodeId, number: u64, key: u32, op: Op) {
        if op == Op::Read {
            // Of what was said to be written one must read it back.
            let seen = if cx.config().answer == Answer::BeforeDisk { &self.next } else { &self.settled };
            let value = seen.held.get(&key).map(|held| held.0);
            self.answered += 1;
            return cx.send(from, kv::Message::Done { number, value }.into());
        }
        // A question that came before, or was overtaken by a later one, is not done again.
        if self.next.asked.get(&from).is_some_and(|last| *last >= number) {
            return;
        }
        let old = self.next.held.get(&key).copied();
        let version = old.map_or(0, |old| old.1) + 1;
        let put = match op {
            Op::Write(value) => Some(value),
            Op::Cas(expected, value) => old.is_some_and(|old| old.0 == expected).then_some(value),
            Op::Add(by) => Some(old.map_or(0, |old| old.0).saturating_add(by)),
            Op::Read => None,
        };
        let put = put.map(|value| (key, (value, version)));
        let write = Write { put, of: Some((from, number)) };
        let answer = match put {
            Some(_) => kv::Message::Done { number, value: None },
            None => kv::Message::Differs { number },
        };
        self.write(cx, write, Some((from, answer)));
    }

    fn write(&mut self, cx: &mut Context<Self>, write: Write, answer: Option<(NodeId, kv::Message)>) {
        self.next.apply(write.clone());
        let mut later = answer;
        if cx.config().answer == Answer::BeforeDisk {
            self.answer(cx, later.take());
        }
        cx.persist(write.clone(), Some(Timer::Written { write, answer: later }));
    }

    fn answer(&mut self, cx: &mut Context<Self>, answer: Option<(NodeId, kv::Message)>) {
        if let Some((to, answer)) = answer {
            self.answered += 1;
            cx.send(to, answer.into());
        }
    }
}

impl Component for KvStore {
    type Message = Message;
    type Config = KvStoreConfig;
    type Disk = Store;
    type Timer = Timer;

    fn boot(_: &mut Context<Self>, disk: &Store) -> Self {
        KvStore { settled: disk.clone(), next: disk.clone(), answered: 0 }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Kv(kv::Message::Ask { number, key, op }) => self.ask(cx, from, number, key, op),
            Message::Kv(kv::Message::Copy { key, value, version }) => {
                // The later of two writes stays; of two that are alike in number, the one that was here.
                if self.next.held.get(&key).is_none_or(|old| old.1 < version) {
                    self.write(cx, Write { put: Some((key, (value, version))), of: None }, None);
                }
            }
            Message::Health(health::Message::Ping { round }) => cx.send(from, health::Message::Pong { round }.into()),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, Timer::Written { write, answer }: Timer) {
        if let (Some((key, (value, version))), Some(_)) = (write.put, write.of) {
            for other in cx.peers_of("kv-store") {
                cx.send(other, kv::Message::Copy { key, value, version }.into());
            }
        }
        self.settled.apply(write);
        self.answer(cx, answer);
    }

    fn look(&self, _: &KvStoreConfig) -> Look {
        let mut lines = vec![("keys", self.settled.held.len().to_string()), ("answered", self.answered.to_string())];
        let some = self.settled.held.iter().take(8);
        lines.extend(some.map(|(key, (value, version))| ("holds", format!("{key}: {value}, write {version}"))));
        Look { role: "store".into(), star: false, ready: true, lines, log: Vec::new() }
    }

    fn timer_name(_: &Timer) -> &'static str {
        "written"
    }

    fn work(&self, message: &Message) -> Work {
        match message {
            Message::Kv(_) => Work::Service,
            _ => Work::None,
        }
    }
}

impl Placeable for KvStore {
    const KIND: &'static str = "kv-store";
    const TITLE: &'static str = "Key–value store";
    const ABOUT: &'static str = crate::later_text!(
        "Keeps values under keys on one disk, and hands copies of what is written on to the stores it is wired to."
    );
    const GLYPH: Glyph = Glyph::Database;
    const FAMILY: Family = Family::Storage;
    const TALKS_TO: &'static [&'static str] = &["kv-client", "kv-store"];
    fn machine() -> Machine {
        super::store_machine()
    }
}
