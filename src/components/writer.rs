//! A writer: reads a row and writes it with the version that it read; when somebody else was faster, waits and begins
//! again. What many of them do to one row is what backoff and jitter are for.

use crate::protocols::Family;
use crate::protocols::backoff::{Backoff, Jitter};
use crate::protocols::versioned::Message as Versioned;
use crate::sim::{Component, Context, Look, Micros, NodeId, Time, Work};

use super::{Glyph, Message, Placeable};

crate::config! {
    /// What can be set about a writer.
    pub struct WriterConfig {
        /// How many rows there are; it writes any of them, equally likely.
        rows: u32 = 1, in 1, 1000000, "";
        /// How many rows it writes, one after the other; 0 for no end.
        updates: u32 = 1, in 0, 1000000000, "";
        /// When it begins.
        start: Micros = Micros::ZERO, in 0, 86400, "";
        /// How long it waits after a write before it begins the next.
        think: Micros = Micros::ZERO, in 0, 86400, "";
        /// How long it waits for an answer before it begins again; 0 for ever.
        timeout: Micros = Micros::ZERO, in 0, 86400, "";
        /// How the waits after a conflict vary.
        backoff: Jitter = Jitter::Full, in 0, 0, "";
        /// The wait that doubles with each conflict.
        base: Micros = Micros::ms(5), in 0, 3600, "";
        /// The longest wait.
        cap: Micros = Micros::secs(2), in 0, 86400, "";
    }
}

/// What a writer waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To begin with the next row.
    Begin,
    /// To read again.
    Again,
    /// It has not been answered.
    Unanswered,
}

/// A writer.
#[derive(Clone, Debug, Hash)]
pub struct Writer {
    row: u64,
    /// Since when it has been about this row; none between two.
    since: Option<Time>,
    attempt: u64,
    failures: u32,
    waited: Micros,
    done: u32,
    conflicts: u64,
}

impl Writer {
    fn ask(&mut self, cx: &mut Context<Self>, make: impl FnOnce(u64, u64) -> Versioned) {
        self.attempt += 1;
        if cx.config().timeout.0 > 0 {
            cx.set(Timer::Unanswered, cx.config().timeout);
        }
        let store = cx.peers_of("store").next();
        if let Some(store) = store {
            cx.send(store, make(self.attempt, self.row).into());
        }
    }

    fn read(&mut self, cx: &mut Context<Self>) {
        self.ask(cx, |attempt, row| Versioned::Read { attempt, row });
    }

    fn begin(&mut self, cx: &mut Context<Self>) {
        let rows = u64::from(cx.config().rows);
        let row = cx.load_rng().below(rows);
        if cx.config().updates > 0 && self.done >= cx.config().updates {
            return;
        }
        (self.row, self.since, self.failures, self.waited) = (row, Some(cx.now()), 0, cx.config().base);
        cx.measure("arrivals", 1);
        self.read(cx);
    }

    fn wait(&mut self, cx: &mut Context<Self>) {
        let WriterConfig { base, cap, backoff, .. } = *cx.config();
        self.failures += 1;
        self.waited = Backoff { base, cap }.wait(backoff, self.failures, self.waited, cx.rng());
        match self.waited {
            Micros::ZERO => self.read(cx),
            wait => cx.set(Timer::Again, wait),
        }
    }
}

impl Component for Writer {
    type Message = Message;
    type Config = WriterConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        cx.set(Timer::Begin, Time(cx.config().start.0).since(cx.now()));
        Writer { row: 0, since: None, attempt: 0, failures: 0, waited: Micros::ZERO, done: 0, conflicts: 0 }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let Message::Versioned(message) = message else { return super::not_understood(cx, from, &message) };
        let (Versioned::Row { attempt, .. } | Versioned::Written { attempt, .. } | Versioned::Conflict { attempt }) =
            message
        else {
            return super::not_understood(cx, from, &Message::Versioned(message));
        };
        if attempt != self.attempt {
            return;
        }
        cx.cancel(&Timer::Unanswered);
        match message {
            Versioned::Row { version, .. } => {
                cx.measure("writes", 1);
                self.ask(cx, |attempt, row| Versioned::Write { attempt, row, version });
            }
            Versioned::Conflict { .. } => {
                self.conflicts += 1;
                self.wait(cx);
            }
            _ => {
                self.done += 1;
                if let Some(since) = self.since.take() {
                    cx.measure("sojourn", cx.now().since(since).0);
                }
                cx.set(Timer::Begin, cx.config().think);
            }
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Begin => self.begin(cx),
            Timer::Again => self.read(cx),
            Timer::Unanswered => self.wait(cx),
        }
    }

    fn look(&self, _: &WriterConfig) -> Look {
        let role = if self.since.is_some() { "writing" } else { "idle" };
        let lines = vec![("rows written", self.done.to_string()), ("conflicts", self.conflicts.to_string())];
        Look { role: role.into(), ready: true, lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Begin => "next row",
            Timer::Again => "backoff",
            Timer::Unanswered => "time-out",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Writer {
    const KIND: &'static str = "writer";
    const TITLE: &'static str = "Optimistic writer";
    const ABOUT: &'static str =
        crate::later_text!("Reads a row and writes it; waits and begins again when somebody else was faster.");
    const GLYPH: Glyph = Glyph::Client;
    const FAMILY: Family = Family::People;
    const TALKS_TO: &'static [&'static str] = &["store"];
}
