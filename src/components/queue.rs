//! A queue: keeps messages until they are done, as `protocols::queue` says. Producers send it requests, and are answered
//! when the message is safe.

use crate::protocols::queue::{self, Answers, Broker, Deletes, Manner, Outcome, Shelf, Write};
use crate::protocols::request::Message as Request;
use crate::protocols::{Family, queue::Message as Queued};
use crate::sim::{Component, Context, Dist, Item, Lift, Look, Machine, Micros, NodeId, Work};

use super::{Fact, Glyph, Message, Placeable};

crate::config! {
    /// What can be set about a queue.
    pub struct QueueConfig {
        /// How long a message that was received is invisible to others.
        visibility: Micros = Micros::secs(5), in 0.01, 43200, "";
        /// How often a message is received in vain before it is a dead letter; 0 for any number of times.
        max_receives: u32 = 0, in 0, 1000, "";
        /// When it forgets a message; before it is delivered is at most once.
        deletes: Deletes = Deletes::WhenDone, in 0, 0, "";
        /// When it says that it has a message; before the disk has it is a mistake.
        answers: Answers = Answers::AfterDisk, in 0, 0, "";
    }
}

/// A queue.
#[derive(Clone, Debug, Hash)]
pub struct Queue {
    broker: Broker,
    done: u64,
}

/// What a queue waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Something of the broker.
    Broker(queue::Timer),
}

fn port<'c, 'a>(cx: &'c mut Context<'a, Queue>) -> Lift<'c, 'a, Queue, Queued, queue::Timer, Write> {
    Lift { cx, message: Message::Queue, timer: Timer::Broker, write: |write| write }
}

fn manner(config: &QueueConfig) -> Manner {
    let QueueConfig { visibility, max_receives, deletes, answers } = *config;
    Manner { visibility, max_receives, deletes, answers }
}

impl Queue {
    fn tell(cx: &mut Context<Self>, outcome: Outcome) {
        match outcome {
            Outcome::Nothing | Outcome::Full => {}
            Outcome::Accepted(item, from, attempt) => {
                cx.fact(Fact::Enqueued { item });
                cx.measure("enqueued", 1);
                cx.send(from, Request::Response { attempt }.into());
            }
            Outcome::Redelivered => cx.measure("delivered again", 1),
            Outcome::Visible => cx.measure("not done in time", 1),
        }
    }
}

impl Component for Queue {
    type Message = Message;
    type Config = QueueConfig;
    type Disk = Shelf;
    type Timer = Timer;

    fn boot(_: &mut Context<Self>, disk: &Shelf) -> Self {
        Queue { broker: Broker::boot(disk), done: 0 }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let manner = manner(cx.config());
        let outcome = match message {
            Message::Request(Request::Request { attempt, key, .. }) => {
                // Producers number what they send, each for itself.
                let item = Item::from(from.0) << 32 | queue::number(key);
                let outcome = self.broker.put(&mut port(cx), &manner, item, from, attempt);
                if outcome == Outcome::Full {
                    cx.send(from, Request::Refused { attempt }.into());
                }
                outcome
            }
            Message::Queue(Queued::Receive) => {
                let dead = self.broker.counts().2;
                let outcome = self.broker.receive(&mut port(cx), &manner, from);
                for _ in dead..self.broker.counts().2 {
                    cx.measure("dead letters", 1);
                }
                outcome
            }
            Message::Queue(Queued::Delete { item }) => {
                self.done += 1;
                return self.broker.delete(&mut port(cx), item);
            }
            other => return super::not_understood(cx, from, &other),
        };
        Queue::tell(cx, outcome);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, Timer::Broker(timer): Timer) {
        let outcome = self.broker.on_timer(&mut port(cx), timer);
        Queue::tell(cx, outcome);
    }

    fn on_full(&mut self, cx: &mut Context<Self>, from: NodeId, message: &Message) {
        if let Message::Request(Request::Request { attempt, .. }) = message {
            cx.send(from, Request::Refused { attempt: *attempt }.into());
        }
    }

    fn look(&self, _: &QueueConfig) -> Look {
        let (waiting, invisible, dead) = self.broker.counts();
        let lines = [
            ("wait", waiting as u64),
            ("invisible", invisible as u64),
            ("deleted", self.done),
            ("dead letters", dead as u64),
        ];
        let lines = lines.map(|(name, count)| (name, count.to_string())).to_vec();
        Look { role: format!("holds {}", waiting + invisible).into(), ready: true, lines, ..Look::default() }
    }

    fn timer_name(Timer::Broker(timer): &Timer) -> &'static str {
        match timer {
            queue::Timer::Stored(..) => "stored",
            queue::Timer::Visible(_) => "visible again",
            queue::Timer::Forgotten(..) => "forgotten",
        }
    }

    fn work(&self, message: &Message) -> Work {
        match message {
            Message::Request(Request::Request { .. }) | Message::Queue(Queued::Receive) => Work::Service,
            _ => Work::None,
        }
    }

    fn carries(&self, item: Item) -> bool {
        self.broker.carries(item)
    }
}

impl Placeable for Queue {
    const KIND: &'static str = "queue";
    const TITLE: &'static str = "Queue";
    const ABOUT: &'static str =
        crate::later_text!("Keeps messages on its disk until somebody has done what they ask for.");
    const GLYPH: Glyph = Glyph::Database;
    const FAMILY: Family = Family::Work;
    const TALKS_TO: &'static [&'static str] = &["generator", "dispatcher", "consumer"];
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
