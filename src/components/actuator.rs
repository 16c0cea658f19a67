//! An actuator: one of several that push one surface. It takes a command a round from each flight computer before it,
//! chooses one, and pushes there.

use crate::protocols::Family;
use crate::protocols::flight::{Rounds, TRAVEL, Told, degrees};
use crate::protocols::voting::{MidValue, Rule, Sample, Tolerance, vote};
use crate::sim::{Component, Context, Dist, Look, Machine, Micros, NodeId};

use super::airframe::Airframe;
use super::flight_computer::{FlightComputer, Hears, before, life};
use super::{Fact, Glyph, Message, Placeable};

crate::choice! {
    /// What is wrong with an actuator.
    pub enum Stuck {
        /// Nothing.
        None = "none",
        /// It stays where it is.
        Jammed = "jammed",
        /// It pushes all the way.
        HardOver = "hard-over",
    }
}

crate::config! {
    /// What can be set about an actuator.
    pub struct ActuatorConfig {
        /// How it chooses among its computers' commands; the mean is a mistake.
        rule: Rule = Rule::Median, in 0, 0, "";
        /// Whom it listens to; its own lane alone is a mistake where more than one part may fail.
        hears: Hears = Hears::All, in 0, 0, "";
        /// How long it waits for the others after the first command of a round.
        window: Micros = Micros::ms(200), in 0.0, 3600, "";
        /// What is wrong with it.
        fault: Stuck = Stuck::None, in 0, 0, "";
        /// Its mean life, exponential, after which it is hard over for good; 0 for no end.
        life: Micros = Micros::ZERO, in 0, 31536000, "";
    }
}

/// What an actuator waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// What is missing of a round, no longer.
    Round(u64),
    /// The end of its life.
    Fail,
}

/// An actuator.
#[derive(Clone, Debug, Hash)]
pub struct Actuator {
    rounds: Rounds,
    position: i64,
    failed: bool,
}

impl Actuator {
    fn hear(&mut self, cx: &mut Context<Self>, from: NodeId, sample: &Sample) {
        let hears = cx.config().hears;
        if !before(cx, FlightComputer::KIND, hears).any(|input| input == from) {
            return;
        }
        let of = before(cx, FlightComputer::KIND, hears).count();
        let taken = self.rounds.take(sample.round, from, sample.value, of);
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

    fn close(&mut self, cx: &mut Context<Self>, round: u64) {
        cx.cancel(&Timer::Round(round));
        let config = cx.config();
        let of = before(cx, FlightComputer::KIND, config.hears).count();
        let heard = self.rounds.close(round);
        if 2 * heard.len() <= of {
            return cx.measure("no push", 1);
        }
        let tolerance = Tolerance { apart: TRAVEL, rounds: 0 };
        let chosen = vote(config.rule, &heard, of, &mut MidValue::default(), tolerance);
        let Some(chosen) = chosen else { return cx.measure("no push", 1) };
        self.position = match config.fault {
            _ if self.failed => TRAVEL,
            Stuck::HardOver => TRAVEL,
            Stuck::Jammed => self.position,
            Stuck::None => chosen.clamp(-TRAVEL, TRAVEL),
        };
        let (position, broken) = (self.position, self.broken(config));
        let missing = of.saturating_sub(heard.len()) as u32;
        cx.fact(Fact::Flight(Told::Pushed { round, position, missing, broken }));
        for airframe in cx.peers_of(Airframe::KIND) {
            cx.send(airframe, Sample { round, value: position }.into());
        }
    }

    fn broken(&self, config: &ActuatorConfig) -> bool {
        self.failed || config.fault != Stuck::None
    }
}

impl Component for Actuator {
    type Message = Message;
    type Config = ActuatorConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        let unit = cx.rng().unit();
        if let Some(life) = life(unit, cx.config().life) {
            cx.set(Timer::Fail, life);
        }
        Actuator { rounds: Rounds::default(), position: 0, failed: false }
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
        let unit = cx.rng().unit();
        match life(unit, cx.config().life) {
            Some(life) if !self.failed => cx.set(Timer::Fail, life),
            _ => cx.cancel(&Timer::Fail),
        }
    }

    fn look(&self, config: &ActuatorConfig) -> Look {
        let broken = self.broken(config);
        let role = if broken { "broken".to_owned() } else { format!("pushes to {}", degrees(self.position)) };
        let lines = vec![("pushes to", degrees(self.position))];
        Look { role: role.into(), ready: !broken, lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Round(_) => "end of the round",
            Timer::Fail => "end of life",
        }
    }
}

impl Placeable for Actuator {
    const KIND: &'static str = "actuator";
    const TITLE: &'static str = "Actuator";
    const ABOUT: &'static str =
        crate::later_text!("Pushes a surface that others push too, as its flight computers command.");
    const GLYPH: Glyph = Glyph::Worker;
    const FAMILY: Family = Family::Work;
    const TALKS_TO: &'static [&'static str] = &["flight-computer", "airframe"];
    fn machine() -> Machine {
        Machine { service: Dist::Constant(Micros::ms(1)), ..Machine::default() }
    }
}
