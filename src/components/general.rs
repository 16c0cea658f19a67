//! A general: takes part in battles, of which each begins with an order of the commander, by [oral
//! messages](oral_messages). Whoever is a traitor is drawn, or set by hand.

use crate::protocols::Family;
use crate::protocols::oral_messages::{
    Battle, MAX_GENERALS, MAX_TRAITORS, Message as Said, Order, Path, RETREAT, Told, word,
};
use crate::sim::{Cell, Component, Context, Look, Machine, Micros, NodeId, Time, Work};

use super::{Fact, Glyph, Message, Placeable};

/// How many of the last battles a look shows.
const CELLS: usize = 6;

crate::choice! {
    /// How many rounds of messages there are.
    pub enum Rounds {
        /// One more than the traitors it is made for.
        AsInThePaper = "as-in-the-paper",
        /// One too few: a mistake.
        OneTooFew = "one-too-few",
    }
}

crate::choice! {
    /// What a traitor does.
    pub enum Treason {
        /// Says the one to some and the other to others.
        Splits = "splits",
        /// Says the opposite to everyone.
        Reverses = "reverses",
        /// Says anything.
        Random = "random",
        /// Says nothing.
        Silent = "silent",
    }
}

crate::choice! {
    /// Who commands.
    pub enum Commander {
        /// The first of all.
        First = "first",
        /// Each in turn, from battle to battle.
        InTurn = "in-turn",
    }
}

crate::config! {
    /// What can be set about a general.
    pub struct GeneralConfig {
        /// How many traitors it is made for: m. More than three times as many generals are needed.
        m: u32 = 1, in 0, MAX_TRAITORS, "";
        /// How many rounds of messages there are; one too few is a mistake.
        rounds: Rounds = Rounds::AsInThePaper, in 0, 0, "";
        /// How long a round is: longer than any message is under way.
        round: Micros = Micros::ms(500), in 0.001, 600.0, "";
        /// How often a battle begins.
        every: Micros = Micros::secs(4), in 0.01, 3600.0, "";
        /// Who commands.
        commander: Commander = Commander::First, in 0, 0, "";
        /// Whether it is a traitor.
        traitor: bool = false, in 0, 0, "";
        /// How probable it is that it is one, drawn when it starts.
        treason: f64 = 0.0, in 0.0, 1.0, "";
        /// What it does as a traitor.
        lies: Treason = Treason::Splits, in 0, 0, "";
    }
}

/// What a general waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The next battle.
    Battle,
    /// The end of a round.
    Round,
}

/// A general.
#[derive(Clone, Debug, Hash)]
pub struct General {
    /// How likely treason was, as drawn: a traitor if the setting is above it.
    loyalty: u64,
    battle: Option<Battle>,
    begun: Time,
    /// How many rounds of it are over.
    over: u32,
    /// What was decided, the last one last.
    decided: Vec<(u64, Order)>,
    commands: bool,
}

/// The battle that has begun. A timer by a clock that gains may run out a little early.
fn number(config: &GeneralConfig, now: Time) -> u64 {
    let every = config.every.0.max(1);
    (now.0 + every / 16) / every
}

impl General {
    fn traitor(&self, config: &GeneralConfig) -> bool {
        config.traitor || (self.loyalty as f64) < config.treason * LOYALTIES as f64
    }

    /// Everyone, ascending: those that it is wired to, and itself.
    fn generals(cx: &Context<Self>) -> Vec<NodeId> {
        let mut all: Vec<NodeId> = cx.peers_of(General::KIND).chain([cx.id()]).collect();
        all.sort_unstable();
        all.truncate(MAX_GENERALS);
        all
    }

    fn next_battle(cx: &mut Context<Self>) {
        let next = number(cx.config(), cx.now()) + 1;
        cx.set(Timer::Battle, Time(next * cx.config().every.0.max(1)).since(cx.now()));
    }

    /// Whether it has stood still: what it should have heard may wait before its door, and the others do not wait for it.
    fn too_late(cx: &Context<Self>, due: Time) -> bool {
        cx.now() > due + Micros(cx.config().round.0 / 1_000)
    }

    fn begin(&mut self, cx: &mut Context<Self>) {
        let (config, generals) = (cx.config(), General::generals(cx));
        // One draw a battle, whoever commands.
        let order = cx.load_rng().bits() & 1 == 1;
        let number = number(config, cx.now());
        let begun = Time(number * config.every.0.max(1));
        General::next_battle(cx);
        self.battle = None;
        if generals.len() < 2 || !generals.contains(&cx.id()) || General::too_late(cx, begun) {
            return;
        }
        let place = match config.commander {
            Commander::First => 0,
            Commander::InTurn => (number % generals.len() as u64) as usize,
        };
        let (commander, me) = (generals[place], cx.id());
        (self.begun, self.over, self.commands) = (begun, 0, commander == me);
        if self.commands {
            cx.measure("battles", 1);
            cx.fact(Fact::General(Told::Ordered { battle: number, order, loyal: !self.traitor(config) }));
            let others = generals.into_iter().filter(|who| *who != me).collect();
            return self.say(cx, number, &vec![me], others, order);
        }
        self.battle = Some(Battle::new(number, me, &generals, commander));
        self.next_round(cx);
    }

    fn next_round(&mut self, cx: &mut Context<Self>) {
        let due = self.begun + Micros(cx.config().round.0 * u64::from(self.over + 1));
        cx.set(Timer::Round, due.since(cx.now()));
    }

    /// Says something to others, or something else. One draw each, whatever comes of it.
    fn say(&mut self, cx: &mut Context<Self>, battle: u64, path: &Path, to: Vec<NodeId>, order: Order) {
        let (traitor, lies) = (self.traitor(cx.config()), cx.config().lies);
        for (place, to) in to.into_iter().enumerate() {
            let anything = cx.rng().bits() & 1 == 1;
            let order = match lies {
                _ if !traitor => order,
                Treason::Splits => place.is_multiple_of(2),
                Treason::Reverses => !order,
                Treason::Random => anything,
                Treason::Silent => continue,
            };
            cx.send(to, Said { battle, path: path.clone(), order }.into());
        }
    }

    fn end_of_round(&mut self, cx: &mut Context<Self>) {
        let config = cx.config();
        let Some(battle) = self.battle.clone() else { return };
        self.over += 1;
        if General::too_late(cx, self.begun + Micros(config.round.0 * u64::from(self.over))) {
            cx.note(format!("is too late for battle {}, and leaves it", battle.number));
            self.battle = None;
            return;
        }
        let m = match config.rounds {
            Rounds::AsInThePaper => config.m,
            Rounds::OneTooFew => config.m.saturating_sub(1),
        };
        if self.over <= m {
            for (path, to, order) in battle.relays(self.over as usize) {
                self.say(cx, battle.number, &path, to, order);
            }
            return self.next_round(cx);
        }
        let (order, number) = (battle.decide(m as usize), battle.number);
        let loyal = !self.traitor(config);
        cx.fact(Fact::General(Told::Obeyed { battle: number, order, loyal }));
        cx.measure(if order == RETREAT { "retreats" } else { "attacks" }, 1);
        if self.decided.len() >= CELLS {
            self.decided.remove(0);
        }
        self.decided.push((number, order));
        self.battle = None;
    }
}

/// How finely treason is drawn.
const LOYALTIES: u64 = 1_000_000;

impl Component for General {
    type Message = Message;
    type Config = GeneralConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        let loyalty = cx.rng().below(LOYALTIES);
        General::next_battle(cx);
        General { loyalty, battle: None, begun: Time::ZERO, over: 0, decided: Vec::new(), commands: false }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::General(said) => {
                if let Some(battle) = self.battle.as_mut().filter(|battle| battle.number == said.battle) {
                    battle.hear(from, &said.path, said.order);
                }
            }
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Battle => self.begin(cx),
            Timer::Round => self.end_of_round(cx),
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        General::next_battle(cx);
    }

    fn look(&self, config: &GeneralConfig) -> Look {
        let traitor = self.traitor(config);
        let role = match (traitor, self.commands) {
            (true, _) => "traitor",
            (false, true) => "commander",
            (false, false) => match self.decided.last() {
                Some((_, true)) => "attacks",
                Some((_, false)) => "retreats",
                None => "lieutenant",
            },
        };
        let lines = vec![("is", if traitor { "a traitor" } else { "loyal" }.to_owned())];
        let cell = |(number, order): &(u64, Order)| Cell { text: format!("{number} {}", word(*order)), settled: true };
        let log = self.decided.iter().map(cell).collect();
        Look { role: role.into(), star: self.commands, ready: !traitor, lines, log }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Battle => "next battle",
            Timer::Round => "end of the round",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for General {
    const KIND: &'static str = "general";
    const TITLE: &'static str = "General";
    const ABOUT: &'static str =
        crate::later_text!("Agrees with others on an order by oral messages, although some of them may be traitors.");
    const GLYPH: Glyph = Glyph::Supervisor;
    const FAMILY: Family = Family::Control;
    const TALKS_TO: &'static [&'static str] = &["general"];
    fn machine() -> Machine {
        Machine { inbox: 10_000, ..Machine::default() }
    }
}
