//! A sensor: measures, in rounds, something that rises and falls, and tells every voter behind it. What is wrong with it
//! can be set: one that lies, one that is wrong now and then, one that fails for good some day. One that is wired to an
//! airframe measures that instead, in its rounds.

use crate::protocols::Family;
use crate::protocols::voting::{Sample, Told};
use crate::sim::{Component, Context, Look, Micros, NodeId, Time, Work};

use super::airframe::Airframe;
use super::flight_computer::FlightComputer;
use super::voter::Voter;
use super::{Fact, Glyph, Message, Placeable};

/// How far off a sample is that says anything but what was read.
const FAR: u64 = 100_000;

crate::choice! {
    /// What is wrong with a sensor.
    pub enum Fault {
        /// Nothing.
        None = "none",
        /// It says what it said last.
        Stuck = "stuck",
        /// It says the largest value that there is, as with a broken wire.
        HardOver = "hard-over",
        /// It says a quarter more.
        TooHigh = "too-high",
        /// It says anything.
        Random = "random",
    }
}

crate::config! {
    /// What can be set about a sensor.
    pub struct SensorConfig {
        /// How often it measures. Rounds begin at the same instants for all whose clocks are right.
        period: Micros = Micros::ms(500), in 0.001, 3600, "";
        /// What it measures at the middle of a cycle.
        middle: u32 = 10000, in 0, 1000000, "";
        /// How far that rises above, and falls below, in a cycle.
        swing: u32 = 2000, in 0, 1000000, "";
        /// How long a cycle takes; 0 for what does not change.
        cycle: Micros = Micros::secs(20), in 0, 86400, "";
        /// How far an honest reading may be off, either way.
        error: u32 = 20, in 0, 1000000, "";
        /// What is wrong with it.
        fault: Fault = Fault::None, in 0, 0, "";
        /// The share of its samples that say anything.
        wrong: f64 = 0.0, in 0.0, 1.0, "";
        /// Its mean life, exponential, after which it says anything for good; 0 for no end.
        life: Micros = Micros::ZERO, in 0, 31536000, "";
    }
}

/// What a sensor waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To measure.
    Measure,
    /// The end of its life.
    Fail,
}

/// A sensor.
#[derive(Clone, Debug, Hash)]
pub struct Sensor {
    failed: bool,
    reading: i64,
    said: i64,
}

/// What is measured at an instant: it rises and falls evenly.
fn truth(config: &SensorConfig, now: Time) -> i64 {
    let (middle, swing, cycle) = (i64::from(config.middle), i64::from(config.swing), config.cycle.0);
    if cycle == 0 {
        return middle;
    }
    // From 0 up to a half cycle and down again, begun in the middle.
    let phase = (now.0 + cycle / 4) % cycle;
    let up = phase.min(cycle - phase) as i64;
    middle + (4 * swing * up) / cycle as i64 - swing
}

/// The round that has begun. A timer by a clock that gains may run out a little early.
fn round(config: &SensorConfig, now: Time) -> u64 {
    let period = config.period.0.max(1);
    (now.0 + period / 16) / period
}

impl Sensor {
    fn next(cx: &mut Context<Self>) {
        if cx.peers_of(Airframe::KIND).next().is_some() {
            return;
        }
        let next = round(cx.config(), cx.now()) + 1;
        cx.set(Timer::Measure, Time(next * cx.config().period.0.max(1)).since(cx.now()));
    }

    /// Three draws, whatever comes of them.
    fn measure(&mut self, cx: &mut Context<Self>, round: u64, truth: i64) {
        let config = cx.config();
        let error = cx.rng().below(2 * u64::from(config.error) + 1) as i64 - i64::from(config.error);
        let (luck, anything) = (cx.rng().unit(), cx.rng().below(2 * FAR) as i64 - FAR as i64);
        self.reading = truth + error;
        self.said = match config.fault {
            _ if self.failed || luck < config.wrong => anything,
            Fault::None => self.reading,
            Fault::Stuck => self.said,
            Fault::HardOver => i64::from(u16::MAX),
            Fault::TooHigh => self.reading + self.reading / 4,
            Fault::Random => anything,
        };
        let (reading, said, own) = (self.reading, self.said, cx.template());
        cx.fact(Fact::Vote(Told::Sensed { round, reading, said }));
        let listens = |kind: &str| matches!(kind, Voter::KIND | FlightComputer::KIND);
        for peer in cx.peers().iter().filter(|peer| peer.template > own && listens(peer.kind)) {
            cx.send(peer.id, Sample { round, value: said }.into());
        }
        Sensor::next(cx);
    }
}

impl Component for Sensor {
    type Message = Message;
    type Config = SensorConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        let unit = cx.rng().unit();
        if cx.config().life.0 > 0 {
            cx.set(Timer::Fail, Micros::from_f64(-libm::log(1.0 - unit) * cx.config().life.0 as f64));
        }
        Sensor::next(cx);
        Sensor { failed: false, reading: 0, said: 0 }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Sample(felt) if cx.peers_of(Airframe::KIND).any(|airframe| airframe == from) => {
                self.measure(cx, felt.round, felt.value);
            }
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Measure => {
                let (round, truth) = (round(cx.config(), cx.now()), truth(cx.config(), cx.now()));
                self.measure(cx, round, truth);
            }
            Timer::Fail => {
                self.failed = true;
                cx.note("fails for good");
            }
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        Sensor::next(cx);
    }

    fn look(&self, config: &SensorConfig) -> Look {
        let lies = self.failed || config.fault != Fault::None;
        let lines = vec![("reads", self.reading.to_string()), ("says", self.said.to_string())];
        let role = format!("{} {}", if lies { "lies:" } else { "says" }, self.said);
        Look { role: role.into(), ready: !self.failed, lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Measure => "measure",
            Timer::Fail => "end of life",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Sensor {
    const KIND: &'static str = "sensor";
    const TITLE: &'static str = "Sensor";
    const ABOUT: &'static str =
        crate::later_text!("Measures something that rises and falls, and tells the voters; it may lie.");
    const GLYPH: Glyph = Glyph::Client;
    const FAMILY: Family = Family::Edge;
    const TALKS_TO: &'static [&'static str] = &["voter", "flight-computer", "airframe"];
}
