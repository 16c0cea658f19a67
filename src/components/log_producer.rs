//! A producer: writes records to the partition of their key, one at a time to each partition, and again until it is told that
//! they are there.
//!
//! What it has not sent yet is in its memory, and goes with it: nobody was told that it is safe.

use std::collections::VecDeque;

use crate::protocols::Family;
use crate::protocols::log::{Entry, Message as Log, leader, partition_of};
use crate::protocols::queue::label;
use crate::sim::{Component, Context, Item, Look, Micros, NodeId, Table, Work};

use super::{Glyph, Message, Placeable};

/// How many records wait for a partition at most; one more is dropped.
const MAX_WAITING: usize = 1_000;

crate::config! {
    /// What can be set about a producer.
    pub struct LogProducerConfig {
        /// How many records it makes, on average.
        rate: f64 = 5.0, in 0.0, 500.0, "1/s";
        /// About how many different keys.
        keys: u32 = 60, in 1, 1000000, "";
        /// Whether brokers may know a record by its number, if it comes again; otherwise it may be there twice, a mistake.
        idempotent: bool = true, in 0, 0, "";
        /// How long it waits before it asks again.
        patience: Micros = Micros::ms(300), in 0.01, 60, "";
    }
}

/// What a producer waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To make a record.
    Make,
    /// To ask how many partitions there are.
    Ask,
    /// This partition has not answered.
    Again(u32),
}

/// A producer.
#[derive(Clone, Debug, Hash)]
pub struct LogProducer {
    partitions: u32,
    waiting: Table<u32, VecDeque<Entry>>,
    /// In milliseconds since the beginning at first: so numbers of another life are higher.
    number: u64,
    made: u64,
    accepted: u64,
    again: u64,
    dropped: u64,
}

fn brokers(cx: &Context<LogProducer>) -> Vec<NodeId> {
    cx.peers_of(super::log_broker::LogBroker::KIND).collect()
}

impl LogProducer {
    fn next(cx: &mut Context<Self>) {
        let gap = -libm::log(1.0 - cx.load_rng().unit());
        let rate = cx.config().rate;
        if rate > 0.0 {
            cx.set(Timer::Make, Micros::from_f64(gap * 1e6 / rate));
        } else {
            cx.cancel(&Timer::Make);
        }
    }

    fn ask(cx: &mut Context<Self>) {
        if let Some(broker) = brokers(cx).first() {
            cx.send(*broker, Log::Metadata.into());
        }
        cx.set(Timer::Ask, cx.config().patience);
    }

    fn send(&self, cx: &mut Context<Self>, partition: u32) {
        let Some(entry) = self.waiting.get(&partition).and_then(VecDeque::front).copied() else { return };
        if let Some(broker) = leader(&brokers(cx), partition) {
            cx.send(broker, Log::Produce { partition, entry, sequenced: cx.config().idempotent }.into());
        }
        cx.set(Timer::Again(partition), cx.config().patience);
    }

    fn make(&mut self, cx: &mut Context<Self>) {
        let keys = u64::from(cx.config().keys);
        let key = cx.load_rng().below(keys);
        self.number += 1;
        self.made += 1;
        cx.measure("records made", 1);
        let item: Item = u64::from(cx.id().0) << 32 | self.number & 0xffff_ffff;
        let partition = partition_of(key, self.partitions);
        let waiting = self.waiting.or_default(partition);
        if waiting.len() >= MAX_WAITING {
            self.dropped += 1;
            return cx.measure("records dropped", 1);
        }
        waiting.push_back(Entry { item, key });
        if waiting.len() == 1 {
            self.send(cx, partition);
        }
    }

    fn produced(&mut self, cx: &mut Context<Self>, item: Item) {
        let of = self.waiting.iter().find(|(_, waiting)| waiting.front().is_some_and(|entry| entry.item == item));
        let Some(partition) = of.map(|(partition, _)| *partition) else { return };
        if let Some(waiting) = self.waiting.get_mut(&partition) {
            waiting.pop_front();
        }
        self.accepted += 1;
        cx.cancel(&Timer::Again(partition));
        self.send(cx, partition);
    }
}

impl Component for LogProducer {
    type Message = Message;
    type Config = LogProducerConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        LogProducer::ask(cx);
        let number = cx.now().0 / 1_000;
        LogProducer { partitions: 0, waiting: Table::new(), number, made: 0, accepted: 0, again: 0, dropped: 0 }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Log(Log::Partitions { count }) => {
                if self.partitions == 0 {
                    self.partitions = count;
                    cx.cancel(&Timer::Ask);
                    LogProducer::next(cx);
                }
            }
            Message::Log(Log::Produced { item, .. }) => self.produced(cx, item),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Ask => LogProducer::ask(cx),
            Timer::Make => {
                self.make(cx);
                LogProducer::next(cx);
            }
            Timer::Again(partition) => {
                self.again += 1;
                cx.measure("produced again", 1);
                self.send(cx, partition);
            }
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        if self.partitions > 0 {
            LogProducer::next(cx);
        }
    }

    fn look(&self, _: &LogProducerConfig) -> Look {
        let waits: usize = self.waiting.values().map(VecDeque::len).sum();
        let next = self.waiting.values().find_map(VecDeque::front).map(|entry| label(entry.item));
        let mut lines = vec![
            ("made", self.made.to_string()),
            ("accepted", self.accepted.to_string()),
            ("not accepted yet", waits.to_string()),
            ("asked again", self.again.to_string()),
            ("dropped", self.dropped.to_string()),
        ];
        lines.extend(next.map(|next| ("next", next)));
        Look { role: "produces".into(), ready: self.partitions > 0, lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Make => "next record",
            Timer::Ask => "how many partitions?",
            Timer::Again(_) => "no answer",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for LogProducer {
    const KIND: &'static str = "log-producer";
    const TITLE: &'static str = "Producer";
    const ABOUT: &'static str = crate::later_text!(
        "Writes records to a log, each to the partition of its key, until it is told that they are there."
    );
    const GLYPH: Glyph = Glyph::Client;
    const FAMILY: Family = Family::People;
    const TALKS_TO: &'static [&'static str] = &["log-broker"];
}
