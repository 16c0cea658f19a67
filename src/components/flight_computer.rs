//! A flight computer: takes a sample a round from each sensor before it, chooses the pitch that it holds for the right
//! one, works out by its law of control what the surface must do, and tells every actuator behind it.
//!
//! Its program may have a flaw: above some pitch it turns the surface the wrong way. Copies of one program all have it.

use crate::protocols::Family;
use crate::protocols::flight::{ENVELOPE, Rounds, TRAVEL, Told, lane, law};
use crate::protocols::voting::{MAX_INPUTS, MidValue, Rule, Sample, Tolerance, vote};
use crate::sim::{Component, Context, Dist, Look, Machine, Micros, NodeId};

use super::sensor::Sensor;
use super::voter::Designs;
use super::{Fact, Glyph, Message, Placeable, actuator::Actuator};

crate::choice! {
    /// Whom a part listens to.
    pub enum Hears {
        /// All three of the parts before it: there is a vote at every stage.
        All = "all-three",
        /// The one of its own lane: three lanes side by side, and one vote at the end.
        Own = "own-lane",
    }
}

crate::choice! {
    /// What is wrong with a flight computer.
    pub enum Failing {
        /// Nothing.
        None = "none",
        /// It commands the surface all the way.
        HardOver = "hard-over",
        /// It turns the surface the wrong way.
        Reversed = "reversed",
    }
}

crate::config! {
    /// What can be set about a flight computer.
    pub struct FlightComputerConfig {
        /// Which pitch it is to hold, in degrees: what the pilot wants.
        wish: f64 = 0.0, in -15.0, 15.0, "°";
        /// How it chooses among its sensors' samples; the mean is a mistake.
        rule: Rule = Rule::Median, in 0, 0, "";
        /// Whom it listens to; its own lane alone is a mistake where more than one part may fail.
        hears: Hears = Hears::All, in 0, 0, "";
        /// How long it waits for the others after the first sample of a round.
        window: Micros = Micros::ms(200), in 0.0, 3600, "";
        /// In mid-value select: how far from the selected value an input may be, in thousandths of a degree.
        apart: u32 = 1000, in 0, 1000000, "";
        /// In mid-value select: for how many rounds in a row it may be farther before it is left out.
        strikes: u32 = 3, in 0, 1000, "";
        /// Whose programs the computers run; copies of one share its flaws.
        designs: Designs = Designs::Alike, in 0, 0, "";
        /// Above which pitch a flawed program turns the surface the wrong way, in degrees; 0 for no flaw.
        flaw_above: f64 = 0.0, in 0.0, 30.0, "°";
        /// What is wrong with it.
        fault: Failing = Failing::None, in 0, 0, "";
        /// Its mean life, exponential, after which it is hard over for good; 0 for no end.
        life: Micros = Micros::ZERO, in 0, 31536000, "";
    }
}

/// What a flight computer waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// What is missing of a round, no longer.
    Round(u64),
    /// The end of its life.
    Fail,
}

/// A flight computer.
#[derive(Clone, Debug, Hash)]
pub struct FlightComputer {
    rounds: Rounds,
    monitor: MidValue,
    pitch: Option<i64>,
    command: Option<i64>,
    failed: bool,
}

/// Those before a part that it listens to: of one kind, in groups that stand before its own.
pub(super) fn before<'a, C: Component>(
    cx: &Context<'a, C>,
    kind: &'static str,
    hears: Hears,
) -> impl Iterator<Item = NodeId> + use<'a, C> {
    let (own, lane_of) = (cx.template(), lane(cx.id()));
    let peers = cx.peers().iter().filter(move |peer| peer.template < own && peer.kind == kind).map(|peer| peer.id);
    peers.filter(move |peer| hears == Hears::All || lane(*peer) == lane_of).take(MAX_INPUTS)
}

/// When a part's life ends, if it does: exponential, from one draw.
pub(super) fn life(unit: f64, mean: Micros) -> Option<Micros> {
    (mean.0 > 0).then(|| Micros::from_f64(-libm::log(1.0 - unit) * mean.0 as f64))
}

impl FlightComputer {
    fn hear(&mut self, cx: &mut Context<Self>, from: NodeId, sample: &Sample) {
        let hears = cx.config().hears;
        if !before(cx, Sensor::KIND, hears).any(|input| input == from) {
            return;
        }
        let taken = self.rounds.take(sample.round, from, sample.value, before(cx, Sensor::KIND, hears).count());
        if let Some(dropped) = taken.dropped {
            cx.cancel(&Timer::Round(dropped));
        }
        if taken.first {
            cx.set(Timer::Round(sample.round), cx.config().window);
        }
        if taken.last {
            self.close(cx, sample.round);
        }
    }

    /// The round is over: what was heard is voted on, if it is more than half of all that it listens to.
    fn close(&mut self, cx: &mut Context<Self>, round: u64) {
        cx.cancel(&Timer::Round(round));
        let config = cx.config();
        let of = before(cx, Sensor::KIND, config.hears).count();
        let heard = self.rounds.close(round);
        if 2 * heard.len() <= of {
            return cx.measure("no command", 1);
        }
        let tolerance = Tolerance { apart: i64::from(config.apart), rounds: config.strikes };
        self.pitch = vote(config.rule, &heard, of, &mut self.monitor, tolerance);
        let Some(pitch) = self.pitch else { return cx.measure("no command", 1) };
        let wish = thousandths(config.wish);
        let right = law(wish, pitch);
        let flawed = config.designs == Designs::Alike || lane(cx.id()) == 0;
        let flaw = flawed && config.flaw_above > 0.0 && pitch > thousandths(config.flaw_above);
        let command = match config.fault {
            _ if self.failed => TRAVEL,
            Failing::HardOver => TRAVEL,
            Failing::Reversed => -right,
            Failing::None if flaw => -right,
            Failing::None => right,
        };
        if flaw && command != right {
            cx.measure("flawed", 1);
        }
        self.command = Some(command);
        let missing = of.saturating_sub(heard.len()) as u32;
        let broken = self.broken(config);
        cx.fact(Fact::Flight(Told::Commanded { round, wish, pitch, command, missing, broken }));
        let own = cx.template();
        for peer in cx.peers().iter().filter(|peer| peer.template > own && peer.kind == Actuator::KIND) {
            cx.send(peer.id, Sample { round, value: command }.into());
        }
    }

    fn broken(&self, config: &FlightComputerConfig) -> bool {
        self.failed || config.fault != Failing::None
    }
}

/// Degrees as thousandths of them.
fn thousandths(degrees: f64) -> i64 {
    (degrees * 1_000.0) as i64
}

impl Component for FlightComputer {
    type Message = Message;
    type Config = FlightComputerConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        let unit = cx.rng().unit();
        if let Some(life) = life(unit, cx.config().life) {
            cx.set(Timer::Fail, life);
        }
        FlightComputer {
            rounds: Rounds::default(),
            monitor: MidValue::default(),
            pitch: None,
            command: None,
            failed: false,
        }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Sample(sample) => self.hear(cx, from, &sample),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Round(round) => self.close(cx, round),
            Timer::Fail => {
                self.failed = true;
                cx.measure("worn out", 1);
                cx.note("fails for good: it is hard over");
            }
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        // A life that is set while it runs begins anew: lives are memoryless.
        let unit = cx.rng().unit();
        match life(unit, cx.config().life) {
            Some(life) if !self.failed => cx.set(Timer::Fail, life),
            _ => cx.cancel(&Timer::Fail),
        }
    }

    fn look(&self, config: &FlightComputerConfig) -> Look {
        let degrees = |value: Option<i64>| value.map_or("nothing".to_owned(), crate::protocols::flight::degrees);
        let mut lines = vec![("holds the pitch for", degrees(self.pitch)), ("commands", degrees(self.command))];
        lines.extend(self.monitor.out().iter().map(|who| ("left out", who.to_string())));
        let high = self.pitch.is_some_and(|pitch| pitch.abs() > ENVELOPE);
        let role = match self.command {
            _ if self.broken(config) => "broken".to_owned(),
            Some(_) => format!("says {}", degrees(self.command)),
            None => "waits".to_owned(),
        };
        Look { role: role.into(), ready: !self.broken(config) && !high, lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Round(_) => "end of the round",
            Timer::Fail => "end of life",
        }
    }
}

impl Placeable for FlightComputer {
    const KIND: &'static str = "flight-computer";
    const TITLE: &'static str = "Flight computer";
    const ABOUT: &'static str =
        crate::later_text!("Chooses among what its sensors say, and works out what the surface must do.");
    const GLYPH: Glyph = Glyph::Supervisor;
    const FAMILY: Family = Family::Control;
    const TALKS_TO: &'static [&'static str] = &["sensor", "actuator"];
    fn machine() -> Machine {
        Machine { service: Dist::Constant(Micros::ms(1)), ..Machine::default() }
    }
}
