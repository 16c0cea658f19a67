//! An airframe: what is flown. Its surface stands where the one in the middle of its actuators pushes, its nose goes up and
//! down by that and by gusts, and its sensors feel it. Each of its rounds is a step of all that.
//!
//! That the one in the middle wins is no rule that anybody follows: of three that push equally hard, two stop the third.

use crate::protocols::Family;
use crate::protocols::flight::{ENVELOPE, Rounds, Told, airframe, degrees};
use crate::protocols::voting::{MAX_INPUTS, Sample, median};
use crate::sim::{Component, Context, Look, Micros, NodeId, Work};

use super::actuator::Actuator;
use super::sensor::Sensor;
use super::{Fact, Glyph, Message, Placeable};

crate::config! {
    /// What can be set about an airframe.
    pub struct AirframeConfig {
        /// How long a round is, from one reading to the next: longer than it takes from a sensor to the surface.
        period: Micros = Micros::secs(1), in 0.001, 3600, "";
        /// How far a gust may turn it in a round, either way, in thousandths of a degree.
        gust: u32 = 600, in 0, 10000, "";
    }
}

/// What an airframe waits for: the next round.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Timer;

/// An airframe.
#[derive(Clone, Debug, Hash)]
pub struct Airframe {
    rounds: Rounds,
    round: u64,
    surface: i64,
    pitch: i64,
    departed: bool,
}

impl Airframe {
    fn actuators<'a>(cx: &Context<'a, Self>) -> impl Iterator<Item = NodeId> + use<'a> {
        cx.peers_of(Actuator::KIND).take(MAX_INPUTS)
    }

    /// What the actuators did in the round that is over.
    fn deflect(&mut self, cx: &mut Context<Self>) {
        let (of, round) = (Airframe::actuators(cx).count(), self.round);
        let heard = self.rounds.close(round);
        let positions: Vec<i64> = heard.iter().map(|(_, position)| *position).collect();
        let surface = median(&positions).filter(|_| 2 * heard.len() > of);
        let outvoted = positions.iter().filter(|position| surface.is_some_and(|at| position.abs_diff(at) > 2_000));
        let outvoted = outvoted.count() as u64;
        if outvoted > 0 {
            cx.measure("outvoted", outvoted);
        }
        self.surface = surface.unwrap_or(self.surface);
        let missing = of.saturating_sub(heard.len()) as u32;
        cx.fact(Fact::Flight(Told::Deflected { round, surface, missing }));
        cx.measure("rounds", 1);
    }
}

impl Component for Airframe {
    type Message = Message;
    type Config = AirframeConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        // So that whoever hears of rounds after a restart has not heard of them before.
        let round = cx.now().0 / cx.config().period.0.max(1);
        cx.set(Timer, Micros(cx.config().period.0 / 4));
        Airframe { rounds: Rounds::default(), round, surface: 0, pitch: 0, departed: false }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let of = Airframe::actuators(cx).count();
        match message {
            Message::Sample(sample) if sample.round == self.round => {
                self.rounds.take(sample.round, from, sample.value, of);
            }
            // It came too late to move anything.
            Message::Sample(_) => {}
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, _: Timer) {
        let size = u64::from(cx.config().gust);
        let gust = cx.load_rng().below(2 * size + 1) as i64 - size as i64;
        if self.round > 0 {
            self.deflect(cx);
        }
        self.pitch = airframe(self.pitch, self.surface, gust);
        let out = self.pitch.abs() > ENVELOPE;
        if out {
            cx.measure("out of the envelope", 1);
        }
        if out && !self.departed {
            cx.fact(Fact::Flight(Told::Departed));
        }
        self.departed = out;
        self.round += 1;
        let (round, value) = (self.round, self.pitch);
        for sensor in cx.peers_of(Sensor::KIND) {
            cx.send(sensor, Sample { round, value }.into());
        }
        cx.set(Timer, cx.config().period);
    }

    fn look(&self, _: &AirframeConfig) -> Look {
        let lines = vec![
            ("pitch", degrees(self.pitch)),
            ("surface", degrees(self.surface)),
            ("rounds", self.round.to_string()),
        ];
        let role =
            if self.departed { "out of the envelope".to_owned() } else { format!("pitch {}", degrees(self.pitch)) };
        Look { role: role.into(), ready: !self.departed, lines, ..Look::default() }
    }

    fn timer_name(_: &Timer) -> &'static str {
        "next round"
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Airframe {
    const KIND: &'static str = "airframe";
    const TITLE: &'static str = "Airframe";
    const ABOUT: &'static str = crate::later_text!(
        "An aircraft that would tip over by itself: its surface moves it, and its sensors feel that."
    );
    const GLYPH: Glyph = Glyph::Gateway;
    const FAMILY: Family = Family::Edge;
    const TALKS_TO: &'static [&'static str] = &["sensor", "actuator"];
}
