//! A phone that moves along the road: measures the towers that it hears, belongs to one of them, and calls and is called.

use crate::protocols::Family;
use crate::protocols::cellular::{
    A3, APART, DROWNED, Message as Cellular, Strengths, Told, distance, shadow, strength, strongest,
};
use crate::sim::{Component, Context, Look, Micros, NodeId, Table, Time, Work};

use super::tower::Tower;
use super::{Fact, Glyph, Message, Placeable};

/// After how long without a word from a tower a phone does not hear it.
const UNHEARD: Micros = Micros::ms(1_300);
/// After how long without its tower a phone gives its call up.
const LOST: Micros = Micros::secs(1);
/// How much stronger another tower must be for a phone without a call to choose it, in thousandths of a decibel.
const RESELECT: i64 = 3_000;
/// How often a phone in a call reports when there is nothing to say, and how often it asks again for the same thing.
const REPORTS: Micros = Micros::ms(800);
/// After how long a phone without a call says where it is although nothing has changed: T3412, of an hour there.
const PERIODIC: Micros = Micros::secs(30);
/// Who is handed back within this time was handed over for nothing.
const PING_PONG: Micros = Micros::secs(4);

crate::config! {
    /// What can be set about a phone.
    pub struct PhoneConfig {
        /// How fast it moves, on average over all phones.
        speed: f64 = 30.0, in 0.0, 100.0, "m/s";
        /// By how much another tower must be stronger before a call is handed over there.
        hysteresis: f64 = 3.0, in 0.0, 30.0, "dB";
        /// For how long it must be.
        trigger: Micros = Micros::ms(400), in 0, 10, "";
        /// How deep shadows are (the standard deviation).
        shadows: f64 = 3.0, in 0.0, 15.0, "dB";
        /// How many calls it begins, on average.
        rate: f64 = 0.04, in 0.0, 10.0, "1/s";
        /// How long a call is, on average (exponential).
        talk: Micros = Micros::secs(15), in 0.1, 3600, "";
        /// How often it measures.
        measures: Micros = Micros::ms(200), in 0.01, 10, "";
        /// Whether it tells the core when it comes to another tracking area; not to is a mistake.
        updates: bool = true, in 0, 0, "";
    }
}

/// What a phone waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To measure.
    Measure,
    /// To call somebody.
    Call,
    /// An answer to what it asked.
    Asking,
    /// To have said everything.
    Talked,
}

/// Where its call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stage {
    Idle,
    Asking,
    Talking,
}

/// A phone.
#[derive(Clone, Debug, Hash)]
pub struct Phone {
    /// Where it is, in millimetres along the road.
    place: i64,
    /// How it moves, in thousandths of the usual speed; forwards or backwards.
    pace: i64,
    heard: Table<NodeId, (Time, u32)>,
    shadows: Table<NodeId, i64>,
    tower: Option<NodeId>,
    stage: Stage,
    a3: A3,
    drowned: Option<Time>,
    reported: Time,
    /// Which area the core knows it in, and when it last told.
    known: Option<u32>,
    told: Time,
    left: Option<(NodeId, Time)>,
}

impl Phone {
    fn next(cx: &mut Context<Self>) {
        let unit = cx.load_rng().unit();
        if cx.config().rate > 0.0 {
            cx.set(Timer::Call, Micros::from_f64(-libm::log(1.0 - unit) * 1e6 / cx.config().rate));
        } else {
            cx.cancel(&Timer::Call);
        }
    }

    /// It has moved, and hears each tower otherwise. Four draws for each.
    fn strengths(&mut self, cx: &mut Context<Self>) -> Strengths {
        let config = cx.config();
        let towers: Vec<NodeId> = cx.peers_of(Tower::KIND).collect();
        let way = (config.speed * config.measures.0 as f64 / 1e6) as i64 * self.pace;
        self.place = (self.place + way).rem_euclid(APART * towers.len().max(1) as i64);
        let now = cx.now();
        let mut strengths = Strengths::new();
        for (index, tower) in towers.iter().enumerate() {
            let before = self.shadows.get(tower).copied().unwrap_or(0);
            let shade = shadow(before, way, config.shadows, cx.rng());
            self.shadows.insert(*tower, shade);
            if self.heard.get(tower).is_some_and(|(at, _)| now.since(*at) <= UNHEARD) {
                let far = distance(self.place, APART * index as i64, towers.len());
                strengths.insert(*tower, strength(far) + shade);
            }
        }
        strengths
    }

    fn measure(&mut self, cx: &mut Context<Self>) {
        let strengths = self.strengths(cx);
        cx.set(Timer::Measure, cx.config().measures);
        match (self.stage, self.tower) {
            (Stage::Talking, Some(tower)) => self.keep(cx, tower, &strengths),
            (Stage::Idle, _) => self.choose(cx, &strengths),
            _ => {}
        }
    }

    /// In a call its tower decides; it only reports, until it hears its tower no more.
    fn keep(&mut self, cx: &mut Context<Self>, tower: NodeId, strengths: &Strengths) {
        let (now, config) = (cx.now(), cx.config());
        let own = strengths.get(&tower).copied();
        let drowned = strongest(strengths).is_none_or(|(_, best)| own.is_none_or(|own| best > own + DROWNED));
        let since = if drowned { Some(self.drowned.unwrap_or(now)) } else { None };
        self.drowned = since;
        if since.is_some_and(|since| now.since(since) >= LOST) {
            cx.fact(Fact::Cellular(Told::Dropped { from: tower }));
            cx.measure("dropped", 1);
            return self.idle(cx);
        }
        let hysteresis = (config.hysteresis * 1_000.0) as i64;
        let better = self.a3.measure(now, tower, strengths, hysteresis, config.trigger);
        let quiet = now.since(self.reported);
        // What is better is said at once, and again if nothing came of it.
        if quiet >= REPORTS || better.is_some() && quiet >= Micros(REPORTS.0 / 2) {
            self.reported = now;
            cx.send(tower, Cellular::MeasurementReport { better }.into());
        }
    }

    /// Without a call it chooses its tower itself.
    fn choose(&mut self, cx: &mut Context<Self>, strengths: &Strengths) {
        let Some((best, most)) = strongest(strengths) else { return self.tower = None };
        let own = self.tower.and_then(|tower| strengths.get(&tower));
        if own.is_none_or(|own| most > *own + RESELECT) {
            self.tower = Some(best);
        }
        let Some(tower) = self.tower else { return };
        let area = self.heard.get(&tower).map(|(_, area)| *area);
        let (Some(area), now) = (area, cx.now()) else { return };
        let quiet = now.since(self.told);
        let news = self.known != Some(area) || quiet >= PERIODIC;
        let update = self.known.is_none() || news && cx.config().updates;
        if update && quiet >= LOST {
            self.told = now;
            cx.measure("location updates", 1);
            cx.send(tower, Cellular::TrackingAreaUpdate { phone: cx.id(), area }.into());
        }
    }

    fn idle(&mut self, cx: &mut Context<Self>) {
        self.stage = Stage::Idle;
        self.a3.clear();
        self.drowned = None;
        cx.cancel(&Timer::Talked);
        cx.cancel(&Timer::Asking);
    }

    fn ask(&mut self, cx: &mut Context<Self>, paged: bool) {
        let Some(tower) = self.tower.filter(|_| self.stage == Stage::Idle) else { return };
        self.stage = Stage::Asking;
        cx.measure("calls", 1);
        cx.send(tower, Cellular::ConnectionRequest { paged }.into());
        cx.set(Timer::Asking, Micros::secs(2));
    }

    fn go(&mut self, cx: &mut Context<Self>, from: NodeId, target: NodeId) {
        let now = cx.now();
        if self.left.is_some_and(|(before, at)| before == target && now.since(at) <= PING_PONG) {
            cx.measure("ping-pong", 1);
        }
        self.left = Some((from, now));
        self.tower = Some(target);
        self.a3.clear();
        self.drowned = None;
        self.reported = now;
        cx.measure("handovers", 1);
        cx.fact(Fact::Cellular(Told::HandedOver { from, to: target }));
        cx.send(target, Cellular::ReconfigurationComplete.into());
    }
}

impl Component for Phone {
    type Message = Message;
    type Config = PhoneConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        let round = APART as u64 * cx.peers_of(Tower::KIND).count().max(1) as u64;
        let (place, pace, forwards) = (cx.rng().below(round), cx.rng().below(600) as i64 + 700, cx.rng().below(2) == 0);
        cx.set(Timer::Measure, cx.config().measures);
        Phone::next(cx);
        Phone {
            place: place as i64,
            pace: if forwards { pace } else { -pace },
            heard: Table::new(),
            shadows: Table::new(),
            tower: None,
            stage: Stage::Idle,
            a3: A3::default(),
            drowned: None,
            reported: Time::ZERO,
            known: None,
            told: Time::ZERO,
            left: None,
        }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let Message::Cellular(message) = message else { return super::not_understood(cx, from, &message) };
        let serves = self.tower == Some(from);
        match message {
            Cellular::Beacon { area } => self.heard.insert(from, (cx.now(), area)),
            Cellular::ConnectionSetup if serves && self.stage == Stage::Asking => {
                self.stage = Stage::Talking;
                self.reported = cx.now();
                self.left = None;
                cx.cancel(&Timer::Asking);
                let unit = cx.load_rng().unit();
                let talk = Micros::from_f64(-libm::log(1.0 - unit) * cx.config().talk.0 as f64);
                cx.set(Timer::Talked, talk);
            }
            Cellular::ConnectionSetup if !(serves && self.stage == Stage::Talking) => {
                cx.send(from, Cellular::ConnectionRelease.into());
            }
            Cellular::ConnectionReject if self.stage == Stage::Asking => {
                cx.measure("blocked", 1);
                self.idle(cx);
            }
            Cellular::ConnectionReconfiguration { target } if serves && self.stage == Stage::Talking => {
                self.go(cx, from, target);
            }
            Cellular::ConnectionRelease if serves && self.stage == Stage::Talking => {
                cx.fact(Fact::Cellular(Told::Dropped { from }));
                cx.measure("dropped", 1);
                self.idle(cx);
            }
            Cellular::Paging { phone } if phone == cx.id() && serves => self.ask(cx, true),
            Cellular::TrackingAreaUpdateAccept { area, .. } => self.known = Some(area),
            _ => {}
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Measure => self.measure(cx),
            Timer::Call => {
                Phone::next(cx);
                self.ask(cx, false);
            }
            Timer::Asking => {
                cx.measure("unanswered", 1);
                self.idle(cx);
            }
            Timer::Talked => {
                if let Some(tower) = self.tower {
                    cx.send(tower, Cellular::ConnectionRelease.into());
                }
                cx.measure("ended well", 1);
                self.idle(cx);
            }
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        Phone::next(cx);
    }

    fn look(&self, _: &PhoneConfig) -> Look {
        let kilometres = format!("{}.{:02} km", self.place / APART, self.place % APART / 10_000);
        let (word, at) = match (self.stage, self.tower) {
            (_, None) => ("hears nobody", String::new()),
            (Stage::Idle, Some(tower)) => ("idle", format!("{tower}")),
            (Stage::Asking, Some(tower)) => ("asks", format!("{tower}")),
            (Stage::Talking, Some(tower)) => ("talks", format!("{tower}")),
        };
        let lines = vec![("at", kilometres), ("its tower", at)];
        Look {
            role: word.into(),
            ready: self.tower.is_some(),
            star: self.stage == Stage::Talking,
            lines,
            ..Look::default()
        }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Measure => "measure",
            Timer::Call => "next call",
            Timer::Asking => "no answer",
            Timer::Talked => "they have talked",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Phone {
    const KIND: &'static str = "phone";
    const TITLE: &'static str = "Mobile phone";
    const ABOUT: &'static str = crate::later_text!(
        "Moves along a road with towers, belongs to the one that it hears best, and calls and is called."
    );
    const GLYPH: Glyph = Glyph::Client;
    const FAMILY: Family = Family::People;
    const TALKS_TO: &'static [&'static str] = &["tower"];
}
