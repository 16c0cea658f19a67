//! An actuator: one of several that push one surface. It takes a command a round from each flight computer before it,
//! chooses one, and pushes there.

use crate::protocols::Family;
use crate::protocols::flight::{Rounds, TRAVEL, Told, degrees};
use crate::protocols::voting::{MidValue, Rule, Sample, Tolerance, vote};
use crate::sim::{Component, Context, Dist, Look, Machine, Micros, NodeId};

use super::airframe::Airframe;
use super::flight_computer::FlightComputer;
use super::lane::{self, Hears, Timer};
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

/// An actuator.
#[derive(Clone, Debug, Hash)]
pub struct Actuator {
    rounds: Rounds,
    position: i64,
    failed: bool,
}

impl Actuator {
    fn hear(&mut self, cx: &mut Context<Self>, from: NodeId, sample: &Sample) {
        let (from_whom, window) = ((FlightComputer::KIND, cx.config().hears), cx.config().window);
        if lane::hear(cx, &mut self.rounds, (from, sample), from_whom, window) {
            self.close(cx, sample.round);
        }
    }

    fn close(&mut self, cx: &mut Context<Self>, round: u64) {
        let config = cx.config();
        let heard = lane::close(cx, &mut self.rounds, round, (FlightComputer::KIND, config.hears));
        let Some((heard, of)) = heard else { return cx.measure("no push", 1) };
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
        lane::live(cx, cx.config().life, false);
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
            Timer::Fail => lane::wear_out(cx, &mut self.failed),
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        lane::live(cx, cx.config().life, self.failed);
    }

    fn look(&self, config: &ActuatorConfig) -> Look {
        let broken = self.broken(config);
        let role = if broken { "broken".to_owned() } else { format!("pushes to {}", degrees(self.position)) };
        let lines = vec![("pushes to", degrees(self.position))];
        Look { role: role.into(), ready: !broken, lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        timer.name()
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
