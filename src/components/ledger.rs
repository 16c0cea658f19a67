//! A ledger: writes down what messages bring about, each under the message's number and in the same write as the effect.
//! So a message that comes twice takes effect once. Without looking at the numbers, which is a mistake, it does not.

use crate::protocols::Family;
use crate::protocols::queue::{Message as Queued, label};
use crate::sim::{Component, Context, Disk, Dist, Item, Look, Machine, Micros, NodeId, Table};

use super::{Fact, Glyph, Message, Placeable};

/// How many numbers it knows; the lowest is forgotten for one more.
pub const MAX_EFFECTS: usize = 65_536;

crate::config! {
    /// What can be set about a ledger.
    pub struct LedgerConfig {
        /// Whether a message that comes twice takes effect once.
        unique: bool = true, in 0, 0, "";
    }
}

/// What is on the disk: how often each message took effect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Effects {
    effects: Table<Item, u32>,
}

impl Disk for Effects {
    type Write = Item;
    fn apply(&mut self, item: Item) {
        if self.effects.len() >= MAX_EFFECTS && !self.effects.contains_key(&item) {
            let oldest = self.effects.keys().next().copied();
            oldest.and_then(|oldest| self.effects.remove(&oldest));
        }
        *self.effects.or_default(item) += 1;
    }
    fn carries(&self, item: Item) -> bool {
        self.effects.contains_key(&item)
    }
}

/// What a ledger waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// An effect is on the disk; who wanted it.
    Written(Item, NodeId),
}

/// A ledger.
#[derive(Clone, Debug, Hash)]
pub struct Ledger {
    /// As the disk has it, and will have it when everything is there.
    settled: Effects,
    /// What is on its way there.
    writing: Vec<Item>,
    again: u64,
}

impl Component for Ledger {
    type Message = Message;
    type Config = LedgerConfig;
    type Disk = Effects;
    type Timer = Timer;

    fn boot(_: &mut Context<Self>, disk: &Effects) -> Self {
        Ledger { settled: disk.clone(), writing: Vec::new(), again: 0 }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let item = match message {
            Message::Queue(Queued::Apply { item }) => item,
            other => return super::not_understood(cx, from, &other),
        };
        let (written, comes) = (self.settled.carries(item), self.writing.contains(&item));
        if cx.config().unique && (written || comes) {
            self.again += 1;
            cx.measure("known already", 1);
            // What is not there yet is not said to be: whoever asks again will hear it.
            if written {
                cx.send(from, Queued::Applied { item }.into());
            }
            return;
        }
        self.writing.push(item);
        cx.persist(item, Some(Timer::Written(item, from)));
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, Timer::Written(item, to): Timer) {
        if let Some(place) = self.writing.iter().position(|writing| *writing == item) {
            self.writing.remove(place);
        }
        self.settled.apply(item);
        cx.fact(Fact::Worked { item });
        cx.measure("worked", 1);
        cx.send(to, Queued::Applied { item }.into());
    }

    fn look(&self, _: &LedgerConfig) -> Look {
        let twice = self.settled.effects.iter().filter(|(_, times)| **times > 1).map(|(item, _)| label(*item));
        let twice: Vec<String> = twice.take(8).collect();
        let mut lines =
            vec![("effects", self.settled.effects.len().to_string()), ("known already", self.again.to_string())];
        if !twice.is_empty() {
            lines.push(("took effect twice", twice.join(", ")));
        }
        Look { role: format!("{} effects", self.settled.effects.len()).into(), ready: true, lines, ..Look::default() }
    }

    fn timer_name(Timer::Written(..): &Timer) -> &'static str {
        "written"
    }

    fn carries(&self, item: Item) -> bool {
        self.writing.contains(&item)
    }
}

impl Placeable for Ledger {
    const KIND: &'static str = "ledger";
    const TITLE: &'static str = "Ledger";
    const ABOUT: &'static str = crate::later_text!("Writes down what messages bring about, each once.");
    const GLYPH: Glyph = Glyph::Database;
    const FAMILY: Family = Family::Work;
    const TALKS_TO: &'static [&'static str] = &["consumer", "log-consumer"];
    fn machine() -> Machine {
        Machine {
            service: Dist::Constant(Micros::ms(1)),
            inbox: 1_000,
            disk: Dist::Lognormal { median: Micros::ms(2), p99: Micros::ms(8) },
            startup: Micros::ms(500),
            ..Machine::default()
        }
    }
}
