//! The people of all exchanges and their telephones: they call one another at random, talk, and hang up. One number, at the
//! last exchange, may be called by everybody at once: it has a few operators.

use crate::protocols::Family;
use crate::protocols::isup::{Cause, Line, Told};
use crate::sim::{Component, Context, Look, Micros, NodeId, Table, Work};

use super::exchange::Exchange;
use super::{Fact, Glyph, Message, Placeable};

/// How many calls they have begun at once at most; one more is not made.
pub const MAX_CALLS: usize = 20_000;
/// How many calls of one group of people have numbers of their own.
const NUMBERS: u64 = 1_000_000_000;

crate::config! {
    /// What can be set about callers.
    pub struct CallersConfig {
        /// How many calls they make to one another, on average.
        rate: f64 = 2.0, in 0.0, 10000.0, "1/s";
        /// How long they talk, on average (exponential).
        talk: Micros = Micros::secs(12), in 0.001, 3600, "";
        /// How long it rings before somebody answers.
        ring: Micros = Micros::secs(1), in 0.0, 60, "";
        /// How many calls they make to the number that everybody calls, on average.
        mass: f64 = 0.0, in 0.0, 10000.0, "1/s";
        /// How many operators answer there.
        operators: u32 = 2, in 0, 1000, "";
        /// How long a caller waits for an answer before giving up.
        patience: Micros = Micros::secs(30), in 0.1, 600, "";
        /// How long a telephone waits for its exchange before it says again that the call is over.
        again: Micros = Micros::secs(2), in 0.01, 60, "";
    }
}

/// What callers wait for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The next call; to the number that everybody calls.
    Arrive(bool),
    /// Somebody answers.
    Ring(u64),
    /// They have said everything.
    Talked(u64),
    /// Patience is at an end, or nobody has said that the call is over.
    Patience(u64),
    /// Whoever called is silent for so long that there can be nobody.
    Silent(u64),
}

/// Where a call that somebody made stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stage {
    Waiting,
    Talking,
    Ending(Cause),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Made {
    exchange: NodeId,
    show: bool,
    talk: Micros,
    stage: Stage,
}

/// Callers.
#[derive(Clone, Debug, Hash)]
pub struct Callers {
    last: u64,
    made: Table<u64, Made>,
    /// Calls that came to somebody, by which exchange, and whether to an operator.
    taken: Table<u64, (NodeId, bool)>,
    connected: u64,
    failed: u64,
}

fn exponential(unit: f64, mean: f64) -> Micros {
    Micros::from_f64(-libm::log(1.0 - unit) * mean)
}

impl Callers {
    fn next(cx: &mut Context<Self>, show: bool) {
        let unit = cx.load_rng().unit();
        let rate = if show { cx.config().mass } else { cx.config().rate };
        if rate > 0.0 {
            cx.set(Timer::Arrive(show), exponential(unit, 1e6 / rate));
        } else {
            cx.cancel(&Timer::Arrive(show));
        }
    }

    /// Somebody calls somebody at another exchange.
    fn call(&mut self, cx: &mut Context<Self>, show: bool) {
        let exchanges: Vec<NodeId> = cx.peers_of(Exchange::KIND).collect();
        let (unit, one, other) = (cx.load_rng().unit(), cx.load_rng().bits(), cx.load_rng().bits());
        let count = exchanges.len() as u64;
        if count < 2 || self.made.len() >= MAX_CALLS {
            return;
        }
        let area = if show { count - 1 } else { one % count };
        let exchange = exchanges[((area + 1 + other % (count - 1)) % count) as usize];
        self.last += 1;
        let call = u64::from(cx.id().0) * NUMBERS + self.last;
        let talk = exponential(unit, cx.config().talk.0 as f64);
        self.made.insert(call, Made { exchange, show, talk, stage: Stage::Waiting });
        cx.measure(if show { "mass calls" } else { "calls" }, 1);
        cx.send(exchange, Line::Setup { call, area: area as u32, show }.into());
        cx.set(Timer::Patience(call), cx.config().patience);
    }

    /// For who made it a call is over.
    fn over(&mut self, cx: &mut Context<Self>, call: u64, cause: Cause) {
        let Some(made) = self.made.remove(&call) else { return };
        for timer in [Timer::Talked(call), Timer::Patience(call)] {
            cx.cancel(&timer);
        }
        let cause = if let Stage::Ending(why) = made.stage { why } else { cause };
        let talked = made.stage == Stage::Talking || made.stage == Stage::Ending(Cause::Normal);
        if !talked {
            self.failed += 1;
        }
        cx.fact(Fact::Telephone(Told::Over { call }));
        let name = match (cause, made.show) {
            _ if talked => return,
            (Cause::NoCircuit, false) => "blocked",
            (Cause::NoCircuit, true) => "mass blocked",
            (Cause::Busy, false) => "busy",
            (Cause::Busy, true) => "mass busy",
            (Cause::Congestion, false) => "held back",
            (Cause::Congestion, true) => "mass held back",
            (Cause::Normal | Cause::Unreachable, false) => "failed",
            (Cause::Normal | Cause::Unreachable, true) => "mass failed",
        };
        cx.measure(name, 1);
    }

    /// A telephone says that a call is over, and again until its exchange knows.
    fn hang_up(&mut self, cx: &mut Context<Self>, call: u64, cause: Cause) {
        let Some(made) = self.made.get_mut(&call) else { return };
        if !matches!(made.stage, Stage::Ending(_)) {
            made.stage = Stage::Ending(cause);
        }
        cx.send(made.exchange, Line::Disconnect { call, cause }.into());
        cx.set(Timer::Patience(call), cx.config().again);
    }

    fn rings(&mut self, cx: &mut Context<Self>, from: NodeId, call: u64, show: bool) {
        let busy = self.taken.values().filter(|(_, show)| *show).count();
        if show && busy >= cx.config().operators as usize {
            return cx.send(from, Line::Disconnect { call, cause: Cause::Busy }.into());
        }
        self.taken.insert(call, (from, show));
        cx.send(from, Line::Alerting { call }.into());
        cx.set(Timer::Ring(call), cx.config().ring);
    }

    fn leave(&mut self, cx: &mut Context<Self>, call: u64) {
        self.taken.remove(&call);
        cx.cancel(&Timer::Ring(call));
        cx.cancel(&Timer::Silent(call));
    }
}

impl Component for Callers {
    type Message = Message;
    type Config = CallersConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        Callers::next(cx, false);
        Callers::next(cx, true);
        Callers { last: 0, made: Table::new(), taken: Table::new(), connected: 0, failed: 0 }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let line = match message {
            Message::Line(line) => line,
            other => return super::not_understood(cx, from, &other),
        };
        match line {
            Line::Setup { call, show, .. } => self.rings(cx, from, call, show),
            Line::Alerting { .. } | Line::Disconnect { .. } => {}
            Line::Connect { call } => {
                let Some(made) = self.made.get_mut(&call).filter(|made| made.stage == Stage::Waiting) else { return };
                made.stage = Stage::Talking;
                self.connected += 1;
                cx.measure(if made.show { "mass connected" } else { "connected" }, 1);
                cx.cancel(&Timer::Patience(call));
                cx.set(Timer::Talked(call), made.talk);
            }
            Line::Release { call, cause } => {
                // Caller and called are at different exchanges.
                if self.made.get(&call).is_some_and(|made| made.exchange == from) {
                    self.over(cx, call, cause);
                } else if self.taken.get(&call).is_some_and(|(exchange, _)| *exchange == from) {
                    self.leave(cx, call);
                }
            }
            Line::Restart => {
                let made = self.made.iter().filter(|(_, made)| made.exchange == from);
                for call in made.map(|(call, _)| *call).collect::<Vec<u64>>() {
                    self.over(cx, call, Cause::Unreachable);
                }
                let taken = self.taken.iter().filter(|(_, (exchange, _))| *exchange == from);
                for call in taken.map(|(call, _)| *call).collect::<Vec<u64>>() {
                    self.leave(cx, call);
                }
            }
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Arrive(show) => {
                Callers::next(cx, show);
                self.call(cx, show);
            }
            Timer::Ring(call) => {
                if let Some((exchange, _)) = self.taken.get(&call) {
                    cx.send(*exchange, Line::Connect { call }.into());
                    cx.set(Timer::Silent(call), Micros(cx.config().talk.0 * 12));
                }
            }
            Timer::Silent(call) => {
                if let Some((exchange, _)) = self.taken.get(&call).copied() {
                    self.leave(cx, call);
                    cx.send(exchange, Line::Disconnect { call, cause: Cause::Normal }.into());
                }
            }
            Timer::Talked(call) => self.hang_up(cx, call, Cause::Normal),
            Timer::Patience(call) => self.hang_up(cx, call, Cause::Unreachable),
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        // Gaps are memoryless: the next calls are drawn anew at the new rates.
        Callers::next(cx, false);
        Callers::next(cx, true);
    }

    fn look(&self, _: &CallersConfig) -> Look {
        let talking = self.made.values().filter(|made| made.stage == Stage::Talking).count();
        let lines = [
            ("calls made", self.last),
            ("came through", self.connected),
            ("did not", self.failed),
            ("talking", talking as u64),
        ];
        let lines = lines.map(|(name, count)| (name, count.to_string())).to_vec();
        Look { role: format!("{talking} talk").into(), ready: true, lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Arrive(_) => "next call",
            Timer::Ring(_) => "somebody answers",
            Timer::Talked(_) => "they have talked",
            Timer::Patience(_) => "patience",
            Timer::Silent(_) => "nobody is there",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Callers {
    const KIND: &'static str = "callers";
    const TITLE: &'static str = "Callers";
    const ABOUT: &'static str =
        crate::later_text!("The people of all exchanges, who call one another, and now and then all the same number.");
    const GLYPH: Glyph = Glyph::Client;
    const FAMILY: Family = Family::People;
    const TALKS_TO: &'static [&'static str] = &["exchange"];
}
