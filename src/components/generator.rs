//! A load generator: asks what stands behind it, and measures how long the answers take.
//!
//! Open-loop by default: requests come whether or not earlier ones were answered, as those of many independent people
//! do. With a population it is a closed loop: so many users, each of whom thinks, asks, and waits for the answer.
//! Everything that arrives is counted once when it comes (`arrivals`) and once when it goes: answered (`sojourn`),
//! refused or abandoned, each with how long it had been in the system. So what came is what went and what is still there.

use crate::protocols::calls::{self, About, Calling, Calls, Manner, Outcome};
use crate::protocols::choosing::{Choosing, Policy};
use crate::protocols::request::Message as Request;
use crate::protocols::{Family, request};
use crate::sim::{Component, Context, Later, Lift, Look, Micros, NodeId, Stream, Table, Time, Work};

use super::{Glyph, Message, Placeable};

crate::choice! {
    /// How the gaps between arrivals, or the times to think, vary about their mean.
    pub enum Spacing {
        /// Exponentially: Poisson arrivals.
        Poisson = "poisson",
        /// Not at all.
        Regular = "regular",
        /// Evenly from nothing to twice the mean.
        Uniform = "uniform",
        /// With a squared coefficient of variation of one's own: Erlang's law below 1, hyperexponential with balanced
        /// means above.
        Varied = "varied",
    }
}

crate::choice! {
    /// What requests are about.
    pub enum Keys {
        /// Any key, equally likely.
        Even = "even",
        /// One key after the other, from 0.
        InTurn = "in-turn",
        /// The first most often: a key's share falls as one over its rank (Zipf's law).
        Popular = "popular",
    }
}

crate::config! {
    /// What can be set about a load generator.
    pub struct GeneratorConfig {
        /// How many requests arrive, on average; ignored with a population.
        rate: f64 = 10.0, in 0.0, 100000.0, "1/s";
        /// How the gaps between arrivals, or the times to think, vary.
        spacing: Spacing = Spacing::Poisson, in 0, 0, "";
        /// The squared coefficient of variation of varied gaps.
        cv2: f64 = 4.0, in 0.01, 1000.0, "";
        /// How many requests arrive at once.
        batch: u32 = 1, in 1, 10000, "";
        /// How many users there are, each of whom waits for an answer before thinking of the next request; 0 for arrivals
        /// that wait for nobody.
        population: u32 = 0, in 0, 10000, "";
        /// How long a user of the population thinks, on average.
        think: Micros = Micros::secs(1), in 0, 86400, "";
        /// How many requests are made in all; 0 for no end.
        limit: u32 = 0, in 0, 4000000000.0, "";
        /// When the first request may come.
        start: Micros = Micros::ZERO, in 0, 2678400, "";
        /// When the last request may come; 0 for no end.
        stop: Micros = Micros::ZERO, in 0, 2678400, "";
        /// How many different keys requests are about.
        keys: u32 = 1_000_000, in 1, 4000000000.0, "";
        /// Which keys they are about.
        about: Keys = Keys::Even, in 0, 0, "";
        /// The class of its requests: 0 goes first where a machine serves by priority.
        class: u32 = 0, in 0, 9, "";
        /// How it chooses among those that it can ask.
        choice: Policy = Policy::Random, in 0, 0, "";
        later:
        /// Whether what becomes of its requests is measured by class too: `sojourn of class 0`, `failed of class 0`.
        apart: bool = false, in 0, 0, "";
    }
    with choosing: Choosing;
    with calling: Calling;
}

/// What is measured by class: how long an answer took, and after how long there was none for good.
const SOJOURN: [&str; 10] = [
    "sojourn of class 0",
    "sojourn of class 1",
    "sojourn of class 2",
    "sojourn of class 3",
    "sojourn of class 4",
    "sojourn of class 5",
    "sojourn of class 6",
    "sojourn of class 7",
    "sojourn of class 8",
    "sojourn of class 9",
];
const FAILED: [&str; 10] = [
    "failed of class 0",
    "failed of class 1",
    "failed of class 2",
    "failed of class 3",
    "failed of class 4",
    "failed of class 5",
    "failed of class 6",
    "failed of class 7",
    "failed of class 8",
    "failed of class 9",
];

/// What a load generator waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The next arrivals.
    Arrive,
    /// A user has thought.
    Thought(u32),
    /// Something of a call.
    Call(calls::Timer),
}

#[derive(Clone, Debug, Hash)]
struct Open {
    since: Time,
    /// Which of the population waits for it.
    user: Option<u32>,
}

/// A load generator.
#[derive(Clone, Debug, Hash)]
pub struct Generator {
    calls: Calls,
    open: Table<u64, Open>,
    made: u64,
    answered: u64,
    refused: u64,
    abandoned: u64,
}

fn port<'c, 'a>(cx: &'c mut Context<'a, Generator>) -> Lift<'c, 'a, Generator, request::Message, calls::Timer, ()> {
    Lift { cx, message: Message::Request, timer: Timer::Call, write: |()| () }
}

fn manner(config: &GeneratorConfig) -> Manner<'_> {
    Manner::new(config.choice, &config.choosing, &config.calling)
}

/// A length of time about 1: two draws, whatever the spacing.
fn about_one(spacing: Spacing, cv2: f64, luck: &mut Stream) -> f64 {
    let (u, mut rest) = (luck.unit(), luck.fork());
    let exponential = |u: f64| -libm::log(1.0 - u);
    match spacing {
        Spacing::Poisson => exponential(u),
        Spacing::Regular => 1.0,
        Spacing::Uniform => 2.0 * u,
        Spacing::Varied if cv2 > 1.0 => {
            // Balanced means: either branch has half of the mean.
            let often = (1.0 + ((cv2 - 1.0) / (cv2 + 1.0)).sqrt()) / 2.0;
            exponential(u) / (2.0 * if rest.unit() < often { often } else { 1.0 - often })
        }
        Spacing::Varied => {
            let phases = (1.0 / cv2 + 0.5) as u32;
            (0..phases).map(|_| exponential(rest.unit())).sum::<f64>() / f64::from(phases)
        }
    }
}

impl Generator {
    /// Those that it can ask: neighbours of groups that stand after its own.
    fn look_around(&mut self, cx: &Context<Self>) {
        self.calls.chooser.know(super::behind(cx.peers(), cx.template()));
    }

    /// Sets the timer of the next arrival, or of a user's next request.
    fn next(&mut self, cx: &mut Context<Self>, timer: Timer) {
        let config = cx.config();
        let about = about_one(config.spacing, config.cv2, cx.load_rng());
        let user = matches!(timer, Timer::Thought(_));
        let mean = if user { config.think.0 as f64 } else { 1e6 * f64::from(config.batch) / config.rate };
        if user || config.rate > 0.0 {
            cx.set(timer, Micros::from_f64(about * mean));
        }
    }

    fn over(&self, cx: &Context<Self>) -> bool {
        let config = cx.config();
        let enough = config.limit > 0 && self.made >= u64::from(config.limit);
        enough || config.stop.0 > 0 && cx.now() > Time(config.stop.0)
    }

    fn ask(&mut self, cx: &mut Context<Self>, user: Option<u32>) {
        let config = cx.config();
        // The same draw for every law.
        let unit = cx.load_rng().clone().unit();
        let drawn = cx.load_rng().below(u64::from(config.keys));
        if self.over(cx) {
            return;
        }
        self.look_around(cx);
        self.made += 1;
        let number = self.made;
        let key = match config.about {
            Keys::Even => drawn,
            Keys::InTurn => (number - 1) % u64::from(config.keys),
            Keys::Popular => {
                (libm::pow(f64::from(config.keys) + 1.0, unit) as u64).clamp(1, u64::from(config.keys)) - 1
            }
        };
        cx.measure("arrivals", 1);
        self.open.insert(number, Open { since: cx.now(), user });
        let about = About { key, class: config.class, deadline: Later(None) };
        let outcome = self.calls.start(&mut port(cx), &manner(config), number, about, None);
        self.tell(cx, outcome);
    }

    fn tell(&mut self, cx: &mut Context<Self>, outcome: Outcome) {
        let (number, count, measure) = match outcome {
            Outcome::Nothing => return,
            Outcome::Late => return cx.measure("late answers", 1),
            Outcome::Retried => return cx.measure("retries", 1),
            Outcome::Hedged => return cx.measure("hedges", 1),
            Outcome::Answered(number) => (number, &mut self.answered, "sojourn"),
            Outcome::Refused(number) => (number, &mut self.refused, "refused"),
            Outcome::Expired(number) => (number, &mut self.abandoned, "abandoned"),
        };
        *count += 1;
        let Some(open) = self.open.remove(&number) else { return };
        let took = cx.now().since(open.since).0;
        cx.measure(measure, took);
        if cx.config().apart {
            let names = if measure == "sojourn" { &SOJOURN } else { &FAILED };
            names.get(cx.config().class as usize).into_iter().for_each(|name| cx.measure(name, took));
        }
        if let Some(user) = open.user {
            self.next(cx, Timer::Thought(user));
        }
    }
}

impl Component for Generator {
    type Message = Message;
    type Config = GeneratorConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        let (calls, open) = (Calls::default(), Table::new());
        let mut generator = Generator { calls, open, made: 0, answered: 0, refused: 0, abandoned: 0 };
        if cx.now() < Time(cx.config().start.0) {
            cx.set(Timer::Arrive, Time(cx.config().start.0).since(cx.now()));
        } else {
            generator.begin(cx);
        }
        generator
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let (attempt, done) = match message {
            Message::Request(Request::Response { attempt }) => (attempt, true),
            Message::Request(Request::Refused { attempt }) => (attempt, false),
            Message::Request(Request::Weight { weight }) => {
                self.look_around(cx);
                return self.calls.chooser.weigh(from, weight);
            }
            other => return super::not_understood(cx, from, &other),
        };
        let manner = manner(cx.config());
        let outcome = self.calls.on_answer(&mut port(cx), &manner, attempt, done);
        self.tell(cx, outcome);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Arrive if cx.config().population > 0 => self.begin(cx),
            Timer::Arrive => {
                if !self.over(cx) {
                    self.next(cx, Timer::Arrive);
                }
                for _ in 0..cx.config().batch {
                    self.ask(cx, None);
                }
            }
            Timer::Thought(user) => self.ask(cx, Some(user)),
            Timer::Call(timer) => {
                self.look_around(cx);
                let manner = manner(cx.config());
                let outcome = self.calls.on_timer(&mut port(cx), &manner, timer);
                self.tell(cx, outcome);
            }
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        // Gaps are memoryless or a matter of taste: the next arrival is drawn anew at the new rate.
        let begun = cx.now() >= Time(cx.config().start.0);
        if cx.config().population == 0 && begun {
            self.next(cx, Timer::Arrive);
            if cx.config().rate == 0.0 {
                cx.cancel(&Timer::Arrive);
            }
        }
    }

    fn look(&self, _: &GeneratorConfig) -> Look {
        let lines = [
            ("arrivals", self.made),
            ("answered", self.answered),
            ("refused", self.refused),
            ("abandoned", self.abandoned),
            ("in the system", self.open.len() as u64),
        ];
        let mut lines = lines.map(|(name, count)| (name, count.to_string())).to_vec();
        lines.extend(super::trouble(&self.calls));
        Look { role: "generator".into(), ready: true, lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Arrive => "arrival",
            Timer::Thought(_) => "next request of a user",
            Timer::Call(timer) => timer.name(),
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Generator {
    /// The first arrivals, or the first thoughts of everyone.
    fn begin(&mut self, cx: &mut Context<Self>) {
        if cx.config().population == 0 {
            return self.next(cx, Timer::Arrive);
        }
        for user in 0..cx.config().population {
            self.next(cx, Timer::Thought(user));
        }
    }
}

impl Placeable for Generator {
    const KIND: &'static str = "generator";
    const TITLE: &'static str = "Load generator";
    const ABOUT: &'static str = crate::later_text!(
        "Sends requests at a rate, or for a population of users, and measures how long the answers take."
    );
    const GLYPH: Glyph = Glyph::Client;
    const FAMILY: Family = Family::People;
    const TALKS_TO: &'static [&'static str] = &["dispatcher", "server", "machine"];
}
