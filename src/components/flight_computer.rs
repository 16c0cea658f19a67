//! A flight computer: takes a sample a round from each sensor before it, chooses the pitch that it holds for the right
//! one, works out by its law of control what the surface must do, and tells every actuator behind it.
//!
//! Its program may have a flaw: above some pitch it turns the surface the wrong way. Copies of one program all have it.

use crate::protocols::Family;
use crate::protocols::flight::{self, ENVELOPE, Rounds, TRAVEL, Told, law};
use crate::protocols::voting::{MidValue, Rule, Sample, Tolerance, vote};
use crate::sim::{Component, Context, Dist, Look, Machine, Micros, NodeId};

use super::lane::{self, Hears, Timer};
use super::sensor::Sensor;
use super::voter::Designs;
use super::{Fact, Glyph, Message, Placeable, actuator::Actuator};

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

/// A flight computer.
#[derive(Clone, Debug, Hash)]
pub struct FlightComputer {
    rounds: Rounds,
    monitor: MidValue,
    pitch: Option<i64>,
    command: Option<i64>,
    failed: bool,
}

impl FlightComputer {
    fn hear(&mut self, cx: &mut Context<Self>, from: NodeId, sample: &Sample) {
        let (from_whom, window) = ((Sensor::KIND, cx.config().hears), cx.config().window);
        if lane::hear(cx, &mut self.rounds, (from, sample), from_whom, window) {
            self.close(cx, sample.round);
        }
    }

    /// The round is over: what was heard is voted on, if it is more than half of all that it listens to.
    fn close(&mut self, cx: &mut Context<Self>, round: u64) {
        let config = cx.config();
        let heard = lane::close(cx, &mut self.rounds, round, (Sensor::KIND, config.hears));
        let Some((heard, of)) = heard else { return cx.measure("no command", 1) };
        let tolerance = Tolerance { apart: i64::from(config.apart), rounds: config.strikes };
        self.pitch = vote(config.rule, &heard, of, &mut self.monitor, tolerance);
        let Some(pitch) = self.pitch else { return cx.measure("no command", 1) };
        let wish = thousandths(config.wish);
        let right = law(wish, pitch);
        let flawed = config.designs == Designs::Alike || flight::lane(cx.id()) == 0;
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
        lane::live(cx, cx.config().life, false);
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
            Timer::Fail => lane::wear_out(cx, &mut self.failed),
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        lane::live(cx, cx.config().life, self.failed);
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
        timer.name()
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
