//! Sagas (Garcia-Molina and Salem, «Sagas», SIGMOD 1987): a long transaction as a sequence of short ones, T1 … Tn, each with
//! a compensation C1 … Cn that undoes what it means. Either all of T1 … Tn are carried out, or T1 … Tj and then Cj … C1.
//!
//! ```text
//! coordinator      T1: hotel    T2: card     T3: airline
//!   │ Do ────────────▶│            │             │   each step is committed by itself: others see it
//!   │ ◀────────── Done│            │             │
//!   │ Do ─────────────┼───────────▶│             │
//!   │ ◀───────────────┼─────── Done│             │
//!   │ Do ─────────────┼────────────┼────────────▶│
//!   │ ◀───────────────┼────────────┼──── Declined│
//!   │ Undo ───────────┼───────────▶│             │   compensations, the last first
//!   │ Undo ──────────▶│            │             │
//! ```
//!
//! The coordinator writes how far a saga is before it goes on, so that after a crash it takes it up where it was (forward
//! recovery; what was declined stays declined, and then it goes backward). It asks until it is answered, so a service may be
//! asked twice: it remembers what it did for which saga, and does nothing twice. A compensation that comes before its step
//! leaves a mark, so that the step, when it comes, does nothing.
//!
//! What is not promised is isolation: between T1 and the end others see, and act on, what may be undone. And a step that
//! cannot be undone must come after all that may be declined.

use std::fmt;

use crate::sim::{Disk, Micros, NodeId, Port, Table};

use super::{Family, Form, Wire};

/// How many sagas a coordinator has under way at once; one more is not begun.
pub const OPEN: usize = 256;
/// How many sagas a service remembers; the oldest are forgotten.
pub const REMEMBERED: usize = 1_024;

/// Which saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Saga {
    /// Counts a coordinator's sagas, over all its lives.
    pub number: u64,
    /// Whose.
    pub coordinator: NodeId,
}

impl fmt::Display for Saga {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "saga {} of {}", self.number, self.coordinator)
    }
}

/// Between a coordinator and a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Carry out your step.
    Do(Saga),
    /// It is done.
    Done(Saga),
    /// It is not done, and will not be.
    Declined(Saga),
    /// Undo your step.
    Undo(Saga),
    /// It is undone, or was never done and will not be.
    Undone(Saga),
    /// It is done, and cannot be undone.
    Final(Saga),
}

impl Wire for Message {
    const FAMILY: Family = Family::Work;
    fn name(&self) -> &'static str {
        match self {
            Message::Do(_) => "Do",
            Message::Done(_) => "Done",
            Message::Declined(_) => "Declined",
            Message::Undo(_) => "Undo",
            Message::Undone(_) => "Undone",
            Message::Final(_) => "Final",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Do(_) | Message::Undo(_) => Form::Request,
            Message::Done(_) | Message::Undone(_) => Form::Accept,
            Message::Declined(_) | Message::Final(_) => Form::Refuse,
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        let (Message::Do(saga)
        | Message::Done(saga)
        | Message::Declined(saga)
        | Message::Undo(saga)
        | Message::Undone(saga)
        | Message::Final(saga)) = self;
        vec![("of", saga.to_string())]
    }
}

/// What is told of a saga, for checks and the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// A coordinator begins it.
    Began {
        /// Which.
        saga: Saga,
        /// Of how many steps.
        steps: u32,
    },
    /// A service has carried out its step.
    Did {
        /// Of which saga.
        saga: Saga,
        /// What it gained by it.
        change: i64,
    },
    /// A service has declined its step.
    Declined {
        /// Of which saga.
        saga: Saga,
    },
    /// A service has undone its step.
    Undid {
        /// Of which saga.
        saga: Saga,
        /// What it gained by that.
        change: i64,
    },
    /// A coordinator ends it.
    Ended {
        /// Which.
        saga: Saga,
        /// Whether all steps are done, and not undone.
        whole: bool,
    },
}

impl Told {
    /// Its name in conditions.
    pub fn name(&self) -> &'static str {
        match self {
            Told::Began { .. } => "saga-began",
            Told::Did { .. } => "did",
            Told::Declined { .. } => "declined",
            Told::Undid { .. } => "undid",
            Told::Ended { .. } => "saga-ended",
        }
    }
    /// What the node does by it.
    pub fn sentence(&self) -> String {
        match self {
            Told::Began { saga, steps } => format!("begins {saga}, of {steps} steps"),
            Told::Did { saga, change } => format!("does its step of {saga}: {change:+}"),
            Told::Declined { saga } => format!("declines its step of {saga}"),
            Told::Undid { saga, change } => format!("undoes its step of {saga}: {change:+}"),
            Told::Ended { saga, whole: true } => format!("ends {saga}: all steps are done"),
            Told::Ended { saga, whole: false } => format!("ends {saga}: it is undone"),
        }
    }
}

/// Where a coordinator stands with a saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Of how many steps it is.
    pub steps: u32,
    /// How many of them are done and not undone.
    pub done: u32,
    /// It goes backward.
    pub undoing: bool,
    /// The services are asked in the other order.
    pub reversed: bool,
}

/// A coordinator's disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Log {
    /// The number of the last saga.
    pub last: u64,
    /// Those that have not ended.
    pub open: Table<u64, Entry>,
}

/// A write to it: a saga is so far, or has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Line(pub u64, pub Option<Entry>);

impl Disk for Log {
    type Write = Line;
    fn apply(&mut self, Line(number, entry): Line) {
        self.last = self.last.max(number);
        match entry {
            Some(entry) => self.open.insert(number, entry),
            None => drop(self.open.remove(&number)),
        }
    }
}

/// What a coordinator waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// How far a saga is is on the disk.
    Written(u64),
    /// To ask again.
    Again(u64),
}

/// How a coordinator goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Whether it writes how far each saga is before it goes on.
    pub logs: bool,
    /// After how long without an answer it asks again.
    pub again: Micros,
}

/// A coordinator.
#[derive(Clone, Debug, Hash)]
pub struct Coordinator {
    me: NodeId,
    last: u64,
    open: Table<u64, Entry>,
    /// What has happened, for the host to tell. Empty between events.
    pub told: Vec<Told>,
}

/// Anything that a coordinator can be hosted by.
pub trait Host: Port<Message = Message, Timer = Timer, Write = Line> {}
impl<P: Port<Message = Message, Timer = Timer, Write = Line>> Host for P {}

impl Coordinator {
    /// Starts, and starts again: what its log says is open is taken up.
    pub fn boot<P: Host>(port: &mut P, log: &Log, services: &[NodeId], rules: &Rules) -> Coordinator {
        let coordinator = Coordinator { me: port.id(), last: log.last, open: log.open.clone(), told: Vec::new() };
        for number in log.open.keys() {
            coordinator.go_on(port, *number, services, rules);
        }
        coordinator
    }
    /// Those that have not ended.
    pub fn open(&self) -> &Table<u64, Entry> {
        &self.open
    }
    fn saga(&self, number: u64) -> Saga {
        Saga { number, coordinator: self.me }
    }

    /// Begins a saga over these services, if there are not too many. Whether it did.
    pub fn begin<P: Host>(&mut self, port: &mut P, services: &[NodeId], reversed: bool, rules: &Rules) -> bool {
        if services.is_empty() || self.open.len() >= OPEN {
            return false;
        }
        // Without a log numbers of an earlier life would come again: then the clock makes them new ones.
        self.last = if rules.logs { self.last + 1 } else { (self.last + 1).max(port.now().0) };
        let steps = services.len() as u32;
        self.told.push(Told::Began { saga: self.saga(self.last), steps });
        self.write(port, self.last, Entry { steps, done: 0, undoing: false, reversed }, services, rules);
        true
    }

    fn write<P: Host>(&mut self, port: &mut P, number: u64, entry: Entry, services: &[NodeId], rules: &Rules) {
        self.open.insert(number, entry);
        if rules.logs {
            port.persist(Line(number, Some(entry)), Some(Timer::Written(number)));
        } else {
            self.go_on(port, number, services, rules);
        }
    }

    /// Whom it asks next in a saga.
    fn next(entry: &Entry, services: &[NodeId]) -> Option<NodeId> {
        let step = if entry.undoing { entry.done.checked_sub(1)? } else { entry.done };
        let place = if entry.reversed { (entry.steps - 1).checked_sub(step)? } else { step };
        services.get(place as usize).copied()
    }

    fn go_on<P: Host>(&self, port: &mut P, number: u64, services: &[NodeId], rules: &Rules) {
        let Some(entry) = self.open.get(&number) else { return };
        if let Some(service) = Coordinator::next(entry, services) {
            let saga = self.saga(number);
            port.send(service, if entry.undoing { Message::Undo(saga) } else { Message::Do(saga) });
        }
        port.set(Timer::Again(number), rules.again);
    }

    /// An answer has come.
    pub fn on_message<P: Host>(
        &mut self,
        port: &mut P,
        from: NodeId,
        message: Message,
        services: &[NodeId],
        rules: &Rules,
    ) {
        let (Message::Done(saga) | Message::Declined(saga) | Message::Undone(saga) | Message::Final(saga)) = message
        else {
            return;
        };
        let Some(entry) = self.open.get(&saga.number).copied().filter(|_| saga.coordinator == self.me) else { return };
        if Coordinator::next(&entry, services) != Some(from) {
            return;
        }
        let entry = match (message, entry.undoing) {
            (Message::Done(_), false) => Entry { done: entry.done + 1, ..entry },
            (Message::Declined(_), false) => Entry { undoing: true, ..entry },
            (Message::Undone(_), true) => Entry { done: entry.done - 1, ..entry },
            // It goes round what cannot be undone.
            (Message::Final(_), true) => Entry { done: entry.done - 1, ..entry },
            _ => return,
        };
        let whole = !entry.undoing && entry.done == entry.steps;
        if whole || entry.undoing && entry.done == 0 {
            self.open.remove(&saga.number);
            port.cancel(&Timer::Again(saga.number));
            self.told.push(Told::Ended { saga, whole });
            if rules.logs {
                port.persist(Line(saga.number, None), None);
            }
        } else {
            self.write(port, saga.number, entry, services, rules);
        }
    }

    /// A timer has run out, or a write is on the disk.
    pub fn on_timer<P: Host>(&mut self, port: &mut P, timer: Timer, services: &[NodeId], rules: &Rules) {
        let (Timer::Written(number) | Timer::Again(number)) = timer;
        self.go_on(port, number, services, rules);
    }
}

crate::choice! {
    /// How often a service undoes a step.
    #[derive(Default)]
    pub enum Undoes {
        /// Once, however often it is asked.
        #[default]
        Once = "once",
        /// Each time that it is asked, which is a mistake.
        EachTime = "each-time",
        /// Never: what it does cannot be undone.
        Never = "never",
    }
}

/// What became of a step at its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Came {
    /// It is done.
    Done,
    /// It was declined.
    Declined,
    /// It is undone, or was to be before it came.
    Undone,
}

/// A service's disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Book {
    /// What became of the last sagas.
    pub came: Table<Saga, Came>,
    /// What it has gained in all.
    pub balance: i64,
}

/// A write to it: what became of a saga, and what was gained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Booking(pub Saga, pub Came, pub i64);

impl Disk for Book {
    type Write = Booking;
    fn apply(&mut self, Booking(saga, came, change): Booking) {
        if self.came.len() >= REMEMBERED && !self.came.contains_key(&saga) {
            let oldest = self.came.keys().next().copied();
            oldest.and_then(|oldest| self.came.remove(&oldest));
        }
        self.came.insert(saga, came);
        self.balance += change;
    }
}

/// What a service is to do about a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// To answer, since nothing changes.
    Answer(Message),
    /// To write this, and then to answer.
    Write(Booking, Message),
}

impl Book {
    /// What a question leads to. `gain` is what its step gains; `declines` whether it would decline a new one.
    pub fn asked(&self, message: Message, gain: i64, declines: bool, undoes: Undoes) -> Option<Deed> {
        let came = |saga: &Saga| self.came.get(saga).copied();
        Some(match message {
            Message::Do(saga) => match came(&saga) {
                Some(Came::Done) => Deed::Answer(Message::Done(saga)),
                Some(_) => Deed::Answer(Message::Declined(saga)),
                None if declines => Deed::Write(Booking(saga, Came::Declined, 0), Message::Declined(saga)),
                None => Deed::Write(Booking(saga, Came::Done, gain), Message::Done(saga)),
            },
            Message::Undo(saga) => match came(&saga) {
                Some(Came::Done) if undoes == Undoes::Never => Deed::Answer(Message::Final(saga)),
                Some(Came::Done) => Deed::Write(Booking(saga, Came::Undone, -gain), Message::Undone(saga)),
                Some(Came::Undone) if undoes == Undoes::EachTime => {
                    Deed::Write(Booking(saga, Came::Undone, -gain), Message::Undone(saga))
                }
                Some(_) => Deed::Answer(Message::Undone(saga)),
                None => Deed::Write(Booking(saga, Came::Undone, 0), Message::Undone(saga)),
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::Desk;

    const SERVICES: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];
    const RULES: Rules = Rules { logs: true, again: Micros::ms(500) };

    struct Stage {
        coordinator: Coordinator,
        desk: Desk<Message, Timer, Line>,
        log: Log,
        books: [Book; 3],
        declines: [bool; 3],
        undoes: Undoes,
        lines: Vec<String>,
    }

    impl Stage {
        fn new() -> Stage {
            let (mut desk, log) = (Desk::new(0), Log::default());
            let coordinator = Coordinator::boot(&mut desk, &log, &SERVICES, &RULES);
            let (books, lines) = (Default::default(), Vec::new());
            Stage { coordinator, desk, log, books, declines: [false; 3], undoes: Undoes::Once, lines }
        }
        /// Up to so many questions come to their services, and their answers back.
        fn settle(&mut self, mut most: usize) {
            loop {
                let writes = std::mem::take(&mut self.desk.writes);
                for (line, done) in &writes {
                    self.log.apply(*line);
                    if let Some(timer) = done {
                        self.coordinator.on_timer(&mut self.desk, *timer, &SERVICES, &RULES);
                    }
                }
                let sent = self.desk.sent();
                if sent.is_empty() && writes.is_empty() || most == 0 {
                    return;
                }
                for (to, message) in sent {
                    most = most.saturating_sub(1);
                    let place = to.0 as usize - 1;
                    let deed = self.books[place].asked(message, 10, self.declines[place], self.undoes);
                    let answer = match deed.expect("a question") {
                        Deed::Answer(answer) => answer,
                        Deed::Write(booking, answer) => {
                            self.books[place].apply(booking);
                            answer
                        }
                    };
                    self.lines.push(format!("{} {to} {}", message.name(), answer.name()));
                    self.coordinator.on_message(&mut self.desk, to, answer, &SERVICES, &RULES);
                }
            }
        }
        fn balances(&self) -> [i64; 3] {
            [0, 1, 2].map(|place| self.books[place].balance)
        }
    }

    #[test]
    fn all_steps_are_done_one_after_another() {
        let mut stage = Stage::new();
        assert!(stage.coordinator.begin(&mut stage.desk, &SERVICES, false, &RULES));
        assert!(stage.desk.sent().is_empty(), "it is written first");
        stage.settle(9);
        assert_eq!(stage.lines, ["Do @1 Done", "Do @2 Done", "Do @3 Done"]);
        assert!(stage.log.open.is_empty() && stage.coordinator.open().is_empty());
        assert_eq!(stage.balances(), [10; 3]);
    }

    #[test]
    fn what_was_done_before_one_declines_is_undone_the_last_first() {
        let mut stage = Stage::new();
        stage.declines[2] = true;
        stage.coordinator.begin(&mut stage.desk, &SERVICES, false, &RULES);
        stage.settle(9);
        assert_eq!(stage.lines, ["Do @1 Done", "Do @2 Done", "Do @3 Declined", "Undo @2 Undone", "Undo @1 Undone"]);
        assert_eq!(stage.balances(), [0; 3]);
        assert!(matches!(stage.coordinator.told[..], [Told::Began { .. }, Told::Ended { whole: false, .. }]));
    }

    #[test]
    fn a_coordinator_that_crashed_takes_up_what_its_log_says_and_nothing_is_done_twice() {
        for questions in 0..6 {
            let mut stage = Stage::new();
            stage.declines[2] = true;
            stage.coordinator.begin(&mut stage.desk, &SERVICES, false, &RULES);
            stage.settle(questions);
            stage.desk.writes.clear();
            stage.desk.sent();
            stage.coordinator = Coordinator::boot(&mut stage.desk, &stage.log, &SERVICES, &RULES);
            stage.settle(20);
            assert_eq!((stage.balances(), stage.log.open.len()), ([0; 3], 0), "{questions}: {:?}", stage.lines);
        }
    }

    #[test]
    fn a_compensation_may_come_twice_and_before_its_step() {
        let saga = Saga { number: 1, coordinator: NodeId(0) };
        for (undoes, expected) in [(Undoes::Once, 0), (Undoes::EachTime, -10), (Undoes::Never, 10)] {
            let mut book = Book::default();
            for message in [Message::Do(saga), Message::Do(saga), Message::Undo(saga), Message::Undo(saga)] {
                if let Some(Deed::Write(booking, _)) = book.asked(message, 10, false, undoes) {
                    book.apply(booking);
                }
            }
            assert_eq!(book.balance, expected, "{undoes:?}");
        }
        let mut book = Book::default();
        let Some(Deed::Write(booking, _)) = book.asked(Message::Undo(saga), 10, false, Undoes::Once) else { panic!() };
        book.apply(booking);
        let late = book.asked(Message::Do(saga), 10, false, Undoes::Once);
        assert_eq!(late, Some(Deed::Answer(Message::Declined(saga))));
    }
}
