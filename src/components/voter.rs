//! A voter: takes one sample a round from each sensor and voter before it, in groups that stand before its own in the
//! document, chooses one value, and hands it to the voters behind it. One that nobody stands behind acts on it. So a row
//! of them is the channels of a redundant computer, and one more is what drives an actuator.
//!
//! Its program may have a flaw, above some value. Copies of one program have it all; of unlike programs one does.

use crate::protocols::Family;
use crate::protocols::voting::{MAX_INPUTS, MAX_ROUNDS, MidValue, Rule, Sample, Told, Tolerance, vote};
use crate::sim::{Component, Context, Dist, Look, Machine, Micros, NodeId, Table};

use super::sensor::Sensor;
use super::{Fact, Glyph, Message, Placeable};

/// How far off a flawed program's output is.
const FLAW: i64 = 4_096;

crate::choice! {
    /// Whose programs voters of a group run.
    pub enum Designs {
        /// Copies of one: a flaw is in all of them.
        Alike = "alike",
        /// Written apart, three kinds in turn: a flaw is in one of three.
        Unlike = "unlike",
    }
}

crate::config! {
    /// What can be set about a voter.
    pub struct VoterConfig {
        /// How it comes to its output; the mean is a mistake.
        rule: Rule = Rule::Median, in 0, 0, "";
        /// How long it waits for the others after the first sample of a round.
        window: Micros = Micros::ms(200), in 0.0, 3600, "";
        /// In mid-value select: how far from the selected value an input may be.
        apart: u32 = 200, in 0, 1000000, "";
        /// In mid-value select: for how many rounds in a row it may be farther before it is left out.
        strikes: u32 = 3, in 0, 1000, "";
        /// Whose programs voters of this group run.
        designs: Designs = Designs::Alike, in 0, 0, "";
        /// Above which value a flawed program comes to something else; 0 for no flaw.
        flaw_above: u32 = 0, in 0, 1000000, "";
    }
}

/// What a voter waits for: for what is missing of a round, no longer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Timer(u64);

/// A voter.
#[derive(Clone, Debug, Hash)]
pub struct Voter {
    rounds: Table<u64, Vec<(NodeId, i64)>>,
    /// The last round that is over.
    closed: Option<u64>,
    monitor: MidValue,
    value: Option<i64>,
    without: u64,
}

impl Voter {
    fn inputs<'a>(cx: &Context<'a, Self>) -> impl Iterator<Item = NodeId> + use<'a> {
        let own = cx.template();
        let speaks = |kind: &str| matches!(kind, Sensor::KIND | Voter::KIND);
        let before = cx.peers().iter().filter(move |peer| peer.template < own && speaks(peer.kind));
        before.map(|peer| peer.id).take(MAX_INPUTS)
    }

    fn hear(&mut self, cx: &mut Context<Self>, from: NodeId, sample: &Sample) {
        let round = sample.round;
        if self.closed.is_some_and(|closed| round <= closed) || !Voter::inputs(cx).any(|input| input == from) {
            return;
        }
        if !self.rounds.contains_key(&round) {
            let oldest = self.rounds.keys().next().copied();
            if let Some(oldest) = oldest.filter(|_| self.rounds.len() >= MAX_ROUNDS) {
                self.rounds.remove(&oldest);
                cx.cancel(&Timer(oldest));
            }
            self.rounds.insert(round, Vec::new());
            cx.set(Timer(round), cx.config().window);
        }
        let heard = self.rounds.or_default(round);
        if heard.iter().all(|(who, _)| *who != from) {
            heard.push((from, sample.value));
        }
        if heard.len() == Voter::inputs(cx).count() {
            self.close(cx, round);
        }
    }

    /// The round is over: what was heard is voted on, if it is more than half of all.
    fn close(&mut self, cx: &mut Context<Self>, round: u64) {
        let Some(mut heard) = self.rounds.remove(&round) else { return };
        cx.cancel(&Timer(round));
        let (config, of) = (cx.config(), Voter::inputs(cx).count());
        // Of too few nothing follows, and the round stays open: one with a fast clock must not close it for the others.
        if 2 * heard.len() <= of {
            self.without += 1;
            return cx.measure("no output", 1);
        }
        self.closed = self.closed.max(Some(round));
        heard.sort_unstable();
        let missing = of.saturating_sub(heard.len()) as u32;
        cx.fact(Fact::Vote(Told::Heard { round, missing, of: of as u32 }));
        let tolerance = Tolerance { apart: i64::from(config.apart), rounds: config.strikes };
        let chosen = vote(config.rule, &heard, of, &mut self.monitor, tolerance);
        let flawed = config.designs == Designs::Alike || cx.id().0.is_multiple_of(3);
        let flaw = |value: i64| flawed && config.flaw_above > 0 && value > i64::from(config.flaw_above);
        self.value = chosen.map(|value| if flaw(value) { value - FLAW } else { value });
        self.tell(cx, round);
    }

    fn tell(&mut self, cx: &mut Context<Self>, round: u64) {
        let own = cx.template();
        let mut behind = cx.peers().iter().filter(|peer| peer.template > own && peer.kind == Voter::KIND).peekable();
        if behind.peek().is_none() {
            cx.measure("rounds", 1);
            cx.measure(if self.value.is_some() { "acted" } else { "no output" }, 1);
            cx.fact(Fact::Vote(Told::Acted { round, value: self.value }));
        }
        self.without += u64::from(self.value.is_none());
        if let Some(value) = self.value {
            for peer in behind {
                cx.send(peer.id, Sample { round, value }.into());
            }
        }
    }
}

impl Component for Voter {
    type Message = Message;
    type Config = VoterConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(_: &mut Context<Self>, (): &()) -> Self {
        Voter { rounds: Table::new(), closed: None, monitor: MidValue::default(), value: None, without: 0 }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Sample(sample) => self.hear(cx, from, &sample),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, Timer(round): Timer) {
        self.close(cx, round);
    }

    fn look(&self, _: &VoterConfig) -> Look {
        let mut lines = vec![
            ("says", self.value.map_or("nothing".to_owned(), |value| value.to_string())),
            ("rounds without an output", self.without.to_string()),
        ];
        lines.extend(self.monitor.out().iter().map(|who| ("left out", who.to_string())));
        let role = self.value.map_or("votes".to_owned(), |value| format!("says {value}"));
        Look { role: role.into(), ready: true, lines, ..Look::default() }
    }

    fn timer_name(_: &Timer) -> &'static str {
        "end of the round"
    }
}

impl Placeable for Voter {
    const KIND: &'static str = "voter";
    const TITLE: &'static str = "Voter";
    const ABOUT: &'static str =
        crate::later_text!("Chooses one value of several that should be the same, and hands it on or acts on it.");
    const GLYPH: Glyph = Glyph::Worker;
    const FAMILY: Family = Family::Work;
    const TALKS_TO: &'static [&'static str] = &["sensor", "voter"];
    fn machine() -> Machine {
        Machine { service: Dist::Constant(Micros::ms(1)), ..Machine::default() }
    }
}
