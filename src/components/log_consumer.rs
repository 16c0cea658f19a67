//! A consumer of a [log](crate::protocols::log): one of a group, each of which reads some partitions. What comes of a record is
//! written down by a ledger, if one is wired to it.

use crate::protocols::Family;
use crate::protocols::log::reader::{Commits, Order, Reader, Rules, Timer as Protocol};
use crate::protocols::log::{Message as Log, leader};
use crate::protocols::queue::{Message as Queued, label};
use crate::sim::{Component, Context, Item, Lift, Look, Micros, NodeId, Work};

use super::{Fact, Glyph, Message, Placeable};

crate::config! {
    /// What can be set about a consumer.
    pub struct LogConsumerConfig {
        /// When it says how far it is; before it has done the work, a crash loses what is left of it, which is a mistake.
        commits: Commits = Commits::After, in 0, 0, "";
        /// How many records it fetches at once, at most.
        most: u32 = 8, in 1, 1000, "";
        /// How long it works on a record.
        work: Micros = Micros::ms(100), in 0, 60, "";
        /// How long it waits before it asks again where there was nothing.
        poll: Micros = Micros::ms(100), in 0.001, 60, "";
        /// How often it says that it is there.
        heartbeat: Micros = Micros::ms(500), in 0.01, 60, "";
    }
}

/// What a consumer waits for: something of the protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Timer(Protocol);

/// A consumer.
#[derive(Clone, Debug, Hash)]
pub struct LogConsumer {
    reader: Reader,
}

fn port<'c, 'a>(cx: &'c mut Context<'a, LogConsumer>) -> Lift<'c, 'a, LogConsumer, Log, Protocol, ()> {
    Lift { cx, message: Message::Log, timer: Timer, write: |()| () }
}

fn rules(config: &LogConsumerConfig) -> Rules {
    let LogConsumerConfig { commits, most, work, poll, heartbeat } = *config;
    Rules { commits, most, work, poll, heartbeat }
}

fn brokers(cx: &Context<LogConsumer>) -> Vec<NodeId> {
    cx.peers_of(super::log_broker::LogBroker::KIND).collect()
}

impl LogConsumer {
    fn tell(&mut self, cx: &mut Context<Self>) {
        for told in std::mem::take(&mut self.reader.told) {
            cx.measure("records done", 1);
            cx.fact(Fact::Log(told));
        }
    }

    fn order(&mut self, cx: &mut Context<Self>, order: Option<Order>) {
        if let Some(Order::Apply(item)) = order {
            match cx.peers_of(super::ledger::Ledger::KIND).next() {
                Some(ledger) => cx.send(ledger, Queued::Apply { item }.into()),
                None => self.applied(cx, item),
            }
        }
        self.tell(cx);
    }

    fn applied(&mut self, cx: &mut Context<Self>, item: Item) {
        let (brokers, rules) = (brokers(cx), rules(cx.config()));
        if let Some(first) = brokers.first().copied() {
            let whom = (first, |partition: u32| leader(&brokers, partition));
            self.reader.applied(&mut port(cx), &rules, whom, item);
        }
        self.tell(cx);
    }
}

impl Component for LogConsumer {
    type Message = Message;
    type Config = LogConsumerConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        let mut reader = Reader::default();
        if let Some(first) = brokers(cx).first().copied() {
            reader.join(&mut port(cx), first);
        }
        LogConsumer { reader }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Log(message) => {
                let (brokers, rules) = (brokers(cx), rules(cx.config()));
                let Some(first) = brokers.first().copied() else { return };
                let whom = (first, |partition: u32| leader(&brokers, partition));
                let order = self.reader.on_message(&mut port(cx), &rules, whom, &message);
                self.order(cx, order);
            }
            Message::Queue(Queued::Applied { item }) => self.applied(cx, item),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, Timer(timer): Timer) {
        let (brokers, rules) = (brokers(cx), rules(cx.config()));
        let Some(first) = brokers.first().copied() else { return };
        let whom = (first, |partition: u32| leader(&brokers, partition));
        let order = self.reader.on_timer(&mut port(cx), &rules, whom, timer);
        self.order(cx, order);
    }

    fn look(&self, _: &LogConsumerConfig) -> Look {
        let reader = &self.reader;
        let mut lines = vec![("done", reader.done.to_string())];
        lines.extend(reader.generation.map(|generation| ("generation", generation.to_string())));
        for (partition, place) in reader.places.iter().take(12) {
            let behind = reader.behind.get(partition).copied().unwrap_or(0);
            lines.push(("reads", format!("partition {partition} at place {place}, {behind} behind")));
        }
        lines.extend(reader.at_work().map(|(_, _, entry)| ("works on", label(entry.item))));
        if reader.skipped > 0 {
            lines.push(("gone before it came", reader.skipped.to_string()));
        }
        let role = match () {
            () if reader.generation.is_none() => "joins",
            () if reader.places.is_empty() => "idle",
            () => "reads",
        };
        Look { role: role.into(), ready: reader.generation.is_some(), lines, ..Look::default() }
    }

    fn timer_name(Timer(timer): &Timer) -> &'static str {
        match timer {
            Protocol::Join => "join again",
            Protocol::Poll => "ask for records",
            Protocol::Worked => "work done",
            Protocol::Unconfirmed => "no answer",
            Protocol::Heartbeat => "heartbeat",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }

    fn carries(&self, item: Item) -> bool {
        self.reader.at_work().is_some_and(|(_, _, entry)| entry.item == item)
    }
}

impl Placeable for LogConsumer {
    const KIND: &'static str = "log-consumer";
    const TITLE: &'static str = "Consumer of a log";
    const ABOUT: &'static str = crate::later_text!(
        "Pulls records of those partitions of a log that are its own in its group, and works on them."
    );
    const GLYPH: Glyph = Glyph::Worker;
    const FAMILY: Family = Family::Work;
    const TALKS_TO: &'static [&'static str] = &["log-broker", "ledger"];
}
