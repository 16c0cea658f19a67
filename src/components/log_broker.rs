//! A broker of a [log](crate::protocols::log): keeps partitions, and coordinates the group of consumers if it is asked to.

use std::collections::VecDeque;

use crate::protocols::Family;
use crate::protocols::log::broker::{Partitions, Stored, Timer as Protocol, Write};
use crate::protocols::log::group::{Group, Rules};
use crate::protocols::log::{MAX_PARTITIONS, Message as Log, Told};
use crate::sim::{Component, Context, Lift, Look, Machine, Micros, NodeId, Time, Work};

use super::{Fact, Glyph, Message, Placeable};

/// How often it measures how far readers are behind, and throws away what is old.
const MEASURE: Micros = Micros::ms(500);
/// How many of these instants it remembers, to know what is old.
const MARKS: usize = 8_192;

crate::config! {
    /// What can be set about a broker.
    pub struct LogBrokerConfig {
        /// How many partitions there are on all brokers together.
        partitions: u32 = 6, in 1, 64, "";
        /// How long records are kept, read or not; 0 for ever.
        keeps: Micros = Micros::secs(60), in 0, 86400, "";
        /// After how long without a sign of it a consumer is out of the group.
        session: Micros = Micros::ms(2_000), in 0.1, 600, "";
        /// How long consumers have to join again when partitions are dealt out.
        gather: Micros = Micros::ms(1_000), in 0.05, 600, "";
        /// Whether consumers of older generations are refused; not to is a mistake.
        fence: bool = true, in 0, 0, "";
    }
}

/// What a broker waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Something of the protocol.
    Log(Protocol),
    /// To measure.
    Measure,
}

/// A broker.
#[derive(Clone, Debug, Hash)]
pub struct LogBroker {
    partitions: Partitions,
    group: Group,
    /// Where partitions ended at which instant.
    marks: VecDeque<(Time, Vec<(u32, u64)>)>,
}

fn port<'c, 'a>(cx: &'c mut Context<'a, LogBroker>) -> Lift<'c, 'a, LogBroker, Log, Protocol, Write> {
    Lift { cx, message: Message::Log, timer: Timer::Log, write: |write| write }
}

fn rules(config: &LogBrokerConfig) -> Rules {
    let LogBrokerConfig { partitions, session, gather, fence, .. } = *config;
    Rules { partitions, session, gather, fence }
}

impl LogBroker {
    fn tell(&mut self, cx: &mut Context<Self>) {
        let told = std::mem::take(&mut self.partitions.told).into_iter().chain(std::mem::take(&mut self.group.told));
        for told in told {
            match told {
                Told::Accepted { .. } => cx.measure("records accepted", 1),
                Told::Formed { .. } => cx.measure("rebalances", 1),
                _ => {}
            }
            cx.fact(Fact::Log(told));
        }
    }

    fn measure(&mut self, cx: &mut Context<Self>) {
        let ends: Vec<(u32, u64)> = self
            .partitions
            .stored
            .partitions
            .keys()
            .map(|partition| (*partition, self.partitions.end(*partition)))
            .collect();
        for (partition, end) in &ends {
            let fetched = self.partitions.fetched.get(partition).copied().unwrap_or(0);
            cx.measure("lag, in records", end.saturating_sub(fetched));
        }
        let (now, keeps) = (cx.now(), cx.config().keeps);
        if self.marks.len() >= MARKS {
            self.marks.pop_front();
        }
        self.marks.push_back((now, ends));
        while keeps.0 > 0 && self.marks.front().is_some_and(|(at, _)| now.since(*at) >= keeps) {
            for (partition, start) in self.marks.pop_front().map(|(_, ends)| ends).unwrap_or_default() {
                self.partitions.trim(&mut port(cx), partition, start);
            }
        }
        cx.set(Timer::Measure, MEASURE);
        self.tell(cx);
    }
}

impl Component for LogBroker {
    type Message = Message;
    type Config = LogBrokerConfig;
    type Disk = Stored;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &Stored) -> Self {
        cx.set(Timer::Measure, MEASURE);
        LogBroker { partitions: Partitions::boot(disk), group: Group::default(), marks: VecDeque::new() }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let message = match message {
            Message::Log(message) => message,
            other => return super::not_understood(cx, from, &other),
        };
        match message {
            Log::Metadata => {
                let count = cx.config().partitions.min(MAX_PARTITIONS);
                cx.send(from, Log::Partitions { count }.into());
            }
            Log::Produce { partition, entry, sequenced } => {
                self.partitions.produce(&mut port(cx), from, partition, entry, sequenced);
            }
            Log::Fetch { partition, offset, most } => {
                self.partitions.fetch(&mut port(cx), from, partition, offset, most);
            }
            other => {
                let rules = rules(cx.config());
                self.group.on_message(&mut port(cx), &rules, &mut self.partitions.stored, from, &other);
            }
        }
        self.tell(cx);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Log(Protocol::Appended(partition, offset, entry, from)) => {
                self.partitions.appended(&mut port(cx), partition, offset, entry, from);
            }
            Timer::Log(timer) => {
                let rules = rules(cx.config());
                self.group.on_timer(&mut port(cx), &rules, &mut self.partitions.stored, timer);
            }
            Timer::Measure => return self.measure(cx),
        }
        self.tell(cx);
    }

    fn look(&self, _: &LogBrokerConfig) -> Look {
        let mut lines = Vec::new();
        if !self.group.is_empty() {
            lines.push((
                "group",
                format!("{} consumers, generation {}", self.group.len(), self.partitions.stored.generation),
            ));
        }
        lines.push(("came again, and known", self.partitions.known.to_string()));
        for (partition, of) in self.partitions.stored.partitions.iter().take(12) {
            let read = self.partitions.fetched.get(partition).copied().unwrap_or(0);
            lines.push(("partition", format!("{partition}: places {} to {}, read to {read}", of.start, of.end())));
        }
        let role = match () {
            () if self.group.is_empty() => "keeps",
            () if self.group.preparing() => "deals out",
            () => "coordinates",
        };
        Look { role: role.into(), star: !self.group.is_empty(), ready: true, lines, log: Vec::new() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Log(Protocol::Appended(..)) => "record written",
            Timer::Log(Protocol::Committed(..)) => "offset written",
            Timer::Log(Protocol::Look) => "who is still there?",
            Timer::Log(Protocol::Gathered) => "time to join is over",
            Timer::Log(Protocol::Formed) => "generation written",
            Timer::Measure => "measure",
        }
    }

    fn work(&self, message: &Message) -> Work {
        match message {
            Message::Log(Log::Produce { .. } | Log::Fetch { .. }) => Work::Service,
            _ => Work::None,
        }
    }

    fn carries(&self, item: crate::sim::Item) -> bool {
        crate::sim::Disk::carries(&self.partitions.stored, item)
    }
}

impl Placeable for LogBroker {
    const KIND: &'static str = "log-broker";
    const TITLE: &'static str = "Log broker";
    const ABOUT: &'static str =
        crate::later_text!("Keeps partitions of a log on its disk, and deals them out to the consumers of a group.");
    const GLYPH: Glyph = Glyph::Database;
    const FAMILY: Family = Family::Storage;
    const TALKS_TO: &'static [&'static str] = &["log-producer", "log-consumer"];
    fn machine() -> Machine {
        super::store_machine()
    }
}
