//! An elector: one of a group that always wants one coordinator, the highest that is up, by the [bully or the
//! ring](election).

use crate::protocols::Family;
use crate::protocols::election::{
    self, Algorithm, Desk, Direction, Elector as State, Mistake, News, Phase, Rules, Timer,
};
use crate::sim::{Cell, Component, Context, Lift, Look, Micros, NodeId, Work};

use super::{Fact, Glyph, Message, Placeable};

crate::config! {
    /// What can be set about an elector.
    pub struct ElectorConfig {
        /// How a coordinator is found.
        algorithm: Algorithm = Algorithm::Bully, in 0, 0, "";
        /// How often the coordinator asks everyone whether all is normal.
        beat: Micros = Micros::ms(500), in 0.01, 60.0, "";
        /// After how long without that question an election is called.
        patience: Micros = Micros::ms(1500), in 0.02, 600.0, "";
        /// How long one waits for an answer; less than it takes there and back is a mistake.
        timeout: Micros = Micros::ms(300), in 0.001, 60.0, "";
        /// ring: Which way messages go round.
        direction: Direction = Direction::Onwards, in 0, 0, "";
        /// What numbers are drawn by; 0 for numbers in the order of places.
        shuffle: u32 = 0, in 0, 1000000, "";
        /// A mistake made on purpose: a coordinator that does not stop the others first, a ring that swallows nothing.
        mistake: Mistake = Mistake::None, in 0, 0, "";
    }
}

/// An elector.
#[derive(Clone, Debug, Hash)]
pub struct Elector {
    state: State,
}

type Told<'c, 'a> = Lift<'c, 'a, Elector, election::Message, Timer, ()>;

fn rules(config: &ElectorConfig) -> Rules {
    let ElectorConfig { algorithm, beat, patience, timeout, direction, shuffle, mistake } = *config;
    Rules { algorithm, beat, patience, timeout, direction, shuffle, mistake }
}

/// Has the state machine do something at its desk.
fn at_desk<T>(cx: &mut Context<Elector>, work: impl FnOnce(&mut Desk<'_, Told<'_, '_>>) -> T) -> T {
    let mut members: Vec<NodeId> = cx.peers_of(Elector::KIND).chain([cx.id()]).collect();
    members.sort_unstable();
    let rules = rules(cx.config());
    let mut port = Lift { cx, message: Message::Election, timer: |timer| timer, write: |()| () };
    work(&mut Desk { port: &mut port, rules: &rules, members: &members })
}

impl Elector {
    fn tell(&mut self, cx: &mut Context<Self>) {
        for news in self.state.news() {
            match news {
                News::Told(told) => cx.fact(Fact::Election(told)),
                News::Won(took) => {
                    cx.measure("elections", 1);
                    cx.measure("time to be elected", took.0);
                }
                News::Again(without) => cx.measure("without a coordinator", without.0),
                News::Sent("AreYouUp" | "Up") => cx.measure("questions", 1),
                News::Sent("Halt" | "Halted") => cx.measure("halts", 1),
                News::Sent("Election") => cx.measure("numbers passed on", 1),
                News::Sent("NewCoordinator" | "Elected") => cx.measure("announcements", 1),
                News::Sent(_) => {}
            }
        }
    }
}

impl Component for Elector {
    type Message = Message;
    type Config = ElectorConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        let mut elector = at_desk(cx, |desk| Elector { state: State::boot(desk) });
        elector.tell(cx);
        elector
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let Message::Election(message) = message else { return super::not_understood(cx, from, &message) };
        at_desk(cx, |desk| self.state.on_message(desk, from, message));
        self.tell(cx);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        at_desk(cx, |desk| self.state.on_timer(desk, timer));
        self.tell(cx);
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        at_desk(cx, |desk| self.state.on_rules(desk));
        self.tell(cx);
    }

    fn look(&self, config: &ElectorConfig) -> Look {
        let coordinates = self.state.phase() == Phase::Normal && self.state.coordinates();
        let role = match self.state.phase() {
            Phase::Normal if coordinates => "coordinator",
            Phase::Normal if self.state.coordinator().is_some() => "follows",
            Phase::Asking => "asks",
            Phase::Halting => "halts others",
            Phase::Normal | Phase::Waiting => "waits",
        };
        let number = self.state.number(config.shuffle);
        let follows = self.state.coordinator().map_or("nobody".to_owned(), |node| node.to_string());
        let lines = vec![
            ("number", number.to_string()),
            ("coordinator", follows),
            ("elections called", self.state.calls().to_string()),
        ];
        let log = vec![Cell { text: number.to_string(), settled: coordinates }];
        Look { role: role.into(), star: coordinates, ready: self.state.coordinator().is_some(), lines, log }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Beat => "all normal?",
            Timer::Silent => "silence",
            Timer::Answers => "answers",
            Timer::Waited => "call again",
            Timer::Unpassed(_) => "pass on again",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Elector {
    const KIND: &'static str = "elector";
    const TITLE: &'static str = "Elector";
    const ABOUT: &'static str = crate::later_text!(
        "Wants one coordinator in its group, the highest that is up, and elects it by the bully or by the ring."
    );
    const GLYPH: Glyph = Glyph::Worker;
    const FAMILY: Family = Family::Control;
    const TALKS_TO: &'static [&'static str] = &["elector"];
}
