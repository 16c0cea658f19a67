//! A service that carries out one step of each [`saga`], and undoes it: rooms, seats, a card.

use crate::protocols::Family;
use crate::protocols::saga::{Book, Booking, Came, Deed, Message as Saga, Saga as Which, Told, Undoes};
use crate::sim::{Component, Context, Look, Machine, NodeId, Table, Time, Work};

use super::{Fact, Glyph, Message, Placeable};

/// How many sagas it remembers the instant of, for a measure.
const TIMED: usize = 1_024;

crate::config! {
    /// What can be set about a service.
    pub struct SagaServiceConfig {
        /// What it gains by its step.
        gains: u32 = 0, in 0, 1000000, "";
        /// What it pays for its step.
        pays: u32 = 0, in 0, 1000000, "";
        /// Which share of new steps it declines.
        declines: f64 = 0.1, in 0.0, 1.0, "";
        /// How often it undoes a step; each time that it is asked is a mistake.
        undoes: Undoes = Undoes::Once, in 0, 0, "";
    }
}

/// What a service waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// This is on the disk: whom to answer.
    Written(Booking, NodeId, Saga),
}

/// A service.
#[derive(Clone, Debug, Hash)]
pub struct SagaService {
    book: Book,
    /// What is on its way to the disk: who asks again meanwhile is answered when it is there.
    writing: Table<Which, ()>,
    since: Table<Which, Time>,
}

impl Component for SagaService {
    type Message = Message;
    type Config = SagaServiceConfig;
    type Disk = Book;
    type Timer = Timer;

    fn boot(_: &mut Context<Self>, disk: &Book) -> Self {
        SagaService { book: disk.clone(), writing: Table::new(), since: Table::new() }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let Message::Saga(question) = message else { return super::not_understood(cx, from, &message) };
        let (Saga::Do(saga) | Saga::Undo(saga)) = question else { return };
        // One draw, whatever comes of it.
        let declines = cx.rng().unit() < cx.config().declines;
        if self.writing.contains_key(&saga) {
            return;
        }
        let gain = i64::from(cx.config().gains) - i64::from(cx.config().pays);
        match self.book.asked(question, gain, declines, cx.config().undoes) {
            Some(Deed::Answer(answer)) => cx.send(from, answer.into()),
            Some(Deed::Write(booking, answer)) => {
                self.writing.insert(saga, ());
                cx.persist(booking, Some(Timer::Written(booking, from, answer)));
            }
            None => {}
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, Timer::Written(booking, to, answer): Timer) {
        use crate::sim::Disk;
        let Booking(saga, came, change) = booking;
        self.writing.remove(&saga);
        self.book.apply(booking);
        match came {
            Came::Done => {
                if self.since.len() < TIMED {
                    self.since.insert(saga, cx.now());
                }
                cx.measure("steps done", 1);
                cx.fact(Fact::Saga(Told::Did { saga, change }));
            }
            Came::Declined => {
                cx.measure("steps declined", 1);
                cx.fact(Fact::Saga(Told::Declined { saga }));
            }
            Came::Undone if change != 0 => {
                cx.measure("steps undone", 1);
                if let Some(since) = self.since.remove(&saga) {
                    cx.measure("held in vain", cx.now().since(since).0);
                }
                cx.fact(Fact::Saga(Told::Undid { saga, change }));
            }
            Came::Undone => {}
        }
        cx.send(to, answer.into());
    }

    fn look(&self, _: &SagaServiceConfig) -> Look {
        let count = |came: Came| self.book.came.values().filter(|other| **other == came).count().to_string();
        let lines = vec![
            ("balance", self.book.balance.to_string()),
            ("done, of the last", count(Came::Done)),
            ("declined", count(Came::Declined)),
            ("undone", count(Came::Undone)),
        ];
        Look { role: "serves".into(), star: false, ready: true, lines, log: Vec::new() }
    }

    fn timer_name(_: &Timer) -> &'static str {
        "written"
    }

    fn work(&self, message: &Message) -> Work {
        if let Message::Saga(_) = message { Work::Service } else { Work::None }
    }
}

impl Placeable for SagaService {
    const KIND: &'static str = "saga-service";
    const TITLE: &'static str = "Service of sagas";
    const ABOUT: &'static str =
        crate::later_text!("Carries out its step of a saga, or declines it, and undoes it when it is asked to.");
    const GLYPH: Glyph = Glyph::Worker;
    const FAMILY: Family = Family::Work;
    const TALKS_TO: &'static [&'static str] = &["saga-coordinator"];
    fn machine() -> Machine {
        super::store_machine()
    }
}
