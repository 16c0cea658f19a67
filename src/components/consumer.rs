//! A consumer: takes one message after another from a queue, works on it, has what comes of it written down by a ledger,
//! and then tells the queue that it is done. It keeps nothing: where it dies in between, the queue delivers again, and
//! whether the same message then takes effect twice is up to the ledger.

use crate::protocols::Family;
use crate::protocols::queue::{Message as Queued, label, number};
use crate::sim::{Component, Context, Dist, Item, Look, Machine, Micros, NodeId, Work};

use super::{Glyph, Message, Placeable};

crate::config! {
    /// What can be set about a consumer.
    pub struct ConsumerConfig {
        /// How long it waits before it asks again when there was nothing.
        poll: Micros = Micros::ms(300), in 0.001, 60, "";
        /// How long it waits for an answer, its own work included, before it asks anew.
        patience: Micros = Micros::secs(8), in 0.01, 3600, "";
        /// It cannot do messages whose number can be divided by this: poison; 0 for none.
        poison: u32 = 0, in 0, 1000000, "";
    }
}

/// What a consumer waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To ask for a message.
    Poll,
}

/// A consumer.
#[derive(Clone, Debug, Hash)]
pub struct Consumer {
    /// What a ledger is to write down, and the queue that it came from.
    applying: Option<(Item, NodeId)>,
    done: u64,
    failed: u64,
}

impl Consumer {
    fn ask(cx: &mut Context<Self>) {
        let queue = cx.peers_of(super::queue::Queue::KIND).next();
        if let Some(queue) = queue {
            cx.send(queue, Queued::Receive.into());
        }
        cx.set(Timer::Poll, cx.config().patience);
    }

    /// It has done what a message asks for.
    fn worked(&mut self, cx: &mut Context<Self>, item: Item, from: NodeId) {
        let poison = u64::from(cx.config().poison);
        if poison > 0 && number(item).is_multiple_of(poison) {
            self.failed += 1;
            cx.measure("failed", 1);
            cx.note(format!("cannot do {}", label(item)));
            return cx.set(Timer::Poll, cx.config().poll);
        }
        match cx.peers_of(super::ledger::Ledger::KIND).next() {
            Some(ledger) => {
                self.applying = Some((item, from));
                cx.send(ledger, Queued::Apply { item }.into());
                cx.set(Timer::Poll, cx.config().patience);
            }
            None => self.done(cx, item, from),
        }
    }

    fn done(&mut self, cx: &mut Context<Self>, item: Item, queue: NodeId) {
        self.done += 1;
        self.applying = None;
        cx.send(queue, Queued::Delete { item }.into());
        Consumer::ask(cx);
    }
}

impl Component for Consumer {
    type Message = Message;
    type Config = ConsumerConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        Consumer::ask(cx);
        Consumer { applying: None, done: 0, failed: 0 }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Queue(Queued::Deliver { item, .. }) => self.worked(cx, item, from),
            Message::Queue(Queued::Empty) => cx.set(Timer::Poll, cx.config().poll),
            Message::Queue(Queued::Applied { item }) => {
                if let Some((_, queue)) = self.applying.filter(|(applying, _)| *applying == item) {
                    self.done(cx, item, queue);
                }
            }
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, Timer::Poll: Timer) {
        self.applying = None;
        Consumer::ask(cx);
    }

    fn look(&self, _: &ConsumerConfig) -> Look {
        let mut lines = vec![("done", self.done.to_string()), ("failed", self.failed.to_string())];
        lines.extend(self.applying.map(|(item, _)| ("has written down", label(item))));
        Look { role: "consumer".into(), ready: true, lines, ..Look::default() }
    }

    fn timer_name(Timer::Poll: &Timer) -> &'static str {
        "ask for a message"
    }

    fn work(&self, message: &Message) -> Work {
        match message {
            Message::Queue(Queued::Deliver { .. }) => Work::Service,
            _ => Work::None,
        }
    }

    fn carries(&self, item: Item) -> bool {
        self.applying.is_some_and(|(applying, _)| applying == item)
    }
}

impl Placeable for Consumer {
    const KIND: &'static str = "consumer";
    const TITLE: &'static str = "Consumer";
    const ABOUT: &'static str = crate::later_text!("Takes one message after another from a queue and works on it.");
    const GLYPH: Glyph = Glyph::Worker;
    const FAMILY: Family = Family::Work;
    const TALKS_TO: &'static [&'static str] = &["queue", "ledger"];
    fn machine() -> Machine {
        Machine {
            service: Dist::Lognormal { median: Micros::ms(800), p99: Micros::ms(2_000) },
            startup: Micros::ms(500),
            ..Machine::default()
        }
    }
}
