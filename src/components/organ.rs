//! An organ: blood passes through it, it uses what that brings, and does its own part for the others.

use crate::protocols::Family;
use crate::protocols::physiology::{Content, Message as Body, Substance, Tissue};
use crate::sim::{Component, Context, Look, Micros, NodeId, Work};

use super::body::{self, Keeper, Vessels};
use super::brain::Brain;
use super::{Glyph, Message, Placeable};

/// How often it lives a step.
const STEP: Micros = Micros::ms(250);
/// Steps a minute.
const STEPS: f64 = 240.0;
/// How much sugar there is to be in a litre of blood: milligrams.
pub const SUGAR_AIM: f64 = 900.0;
/// How much sugar a minute insulin has stored for each milligram a litre too much, and glucagon released for each too little.
const INSULIN: f64 = 1.9;
const GLUCAGON: f64 = 8.0;
/// How much of it the liver does; muscles do the rest of what is stored.
const LIVER: f64 = 0.67;
/// How much sugar the liver lets go at most in a minute: milligrams.
const RELEASE: f64 = 1_500.0;
/// How much sugar the gut takes up in a minute, and muscles for each millilitre of oxygen beyond rest: milligrams.
const TAKEN_UP: f64 = 1_000.0;
const FUEL: f64 = 0.4;
/// How much oxygen muscles use at rest: millilitres a minute.
const AT_REST: u32 = 50;
/// Above how much urea in a litre of what leaves a kidney it works harder: milligrams.
const URGED: f64 = 118.0;

crate::choice! {
    /// What an organ does for the others.
    pub enum Part {
        /// Nothing: it lives.
        Tissue = "tissue",
        /// It works.
        Muscles = "muscles",
        /// It takes up what was eaten.
        Gut = "gut",
        /// It stores sugar and lets it go, and makes urea.
        Liver = "liver",
        /// It clears urea.
        Kidney = "kidney",
        /// It measures sugar, and tells liver and muscles.
        Pancreas = "pancreas",
    }
}

crate::choice! {
    /// How wide an organ opens its vessels.
    pub enum Opens {
        /// As wide as it needs.
        AsNeeded = "as-needed",
        /// Always the same: a mistake.
        Fixed = "fixed",
    }
}

crate::config! {
    /// What can be set about an organ.
    pub struct OrganConfig {
        /// What it does for the others.
        part: Part = Part::Tissue, in 0, 0, "";
        /// How much oxygen it uses.
        oxygen: u32 = 45, in 0, 10000, "ml/min";
        /// How much sugar it uses.
        sugar: u32 = 10, in 0, 10000, "mg/min";
        /// How much blood there is in it.
        blood: u32 = 200, in 10, 10000, "ml";
        /// Into how much water its sugar spreads.
        water: u32 = 1000, in 10, 50000, "ml";
        /// How much blood flows through it at rest.
        flow: u32 = 900, in 10, 25000, "ml/min";
        /// How much at most.
        most: u32 = 3000, in 10, 25000, "ml/min";
        /// How much oxygen blood is to hold still that leaves it; the less there is, the wider it opens its vessels.
        aims: u32 = 50, in 1, 200, "ml/l";
        /// How wide it opens its vessels; always the same is a mistake.
        opens: Opens = Opens::AsNeeded, in 0, 0, "";
        /// gut: How much sugar was eaten.
        meal: u32 = 0, in 0, 1000, "g";
        /// liver: How much sugar it has in store at the beginning.
        store: u32 = 100, in 0, 1000, "g";
        /// liver: How much urea it makes.
        urea: u32 = 136, in 0, 10000, "mg/min";
        /// kidney: How much of the blood in it, which mixes well, it clears of urea.
        clears: u32 = 570, in 0, 10000, "ml/min";
        /// kidney: How much more than that it can do when there is need; none is a mistake, if one relies on it.
        reserve: f64 = 0.4, in 0.0, 4.0, "";
        /// pancreas: Whether it tells the others anything; if not, nobody regulates sugar, which is a mistake.
        tells: bool = true, in 0, 0, "";
    }
}

/// What an organ waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To live a step.
    Live,
    /// To write up its books, and say what it needs.
    Books,
}

/// An organ.
#[derive(Clone, Debug, Hash)]
pub struct Organ {
    tissue: Tissue,
    keeper: Keeper,
    vessels: Vessels,
    /// How much sugar it has in store, or has still to take up: micrograms.
    store: u64,
    /// The last meal that it knows of.
    meal: u32,
    /// What it was last told to store, in milligrams a minute.
    told: i32,
    /// How much oxygen it has been short of, for a while: microlitres.
    short: u64,
}

impl Organ {
    fn live(&mut self, cx: &mut Context<Self>) {
        let config = cx.config();
        let step = |minute: f64| (minute * 1e3 / STEPS).max(0.0) as u64;
        let short = body::burn(&mut self.tissue, &mut self.keeper, step(f64::from(config.oxygen)));
        self.short = short;
        if short > 0 && body::heart(cx).is_some() {
            cx.measure("oxygen short", short);
        }
        let work = f64::from(config.oxygen.saturating_sub(AT_REST));
        let told = f64::from(self.told);
        let mut uses = f64::from(config.sugar);
        match config.part {
            Part::Muscles => uses += FUEL * work + (1.0 - LIVER) * told.max(0.0),
            Part::Gut => {
                let taken = step(TAKEN_UP).min(self.store);
                self.store -= taken;
                self.keeper.made(Substance::Sugar, taken);
                self.tissue.content.add(Substance::Sugar, taken);
            }
            Part::Liver => self.keep_sugar(cx, told),
            Part::Kidney => {
                let litre = self.tissue.concentration(Substance::Urea);
                let clears = f64::from(config.clears) * self.effort(cx);
                let cleared = self.tissue.content.take(Substance::Urea, step(litre * clears / 1e3));
                self.keeper.used(Substance::Urea, cleared);
            }
            Part::Tissue | Part::Pancreas => {}
        }
        let used = self.tissue.content.take(Substance::Sugar, step(uses));
        self.keeper.used(Substance::Sugar, used);
        cx.set(Timer::Live, STEP);
    }

    /// The liver lets go what the others use at rest, more if it is told to, and stores what is too much; and makes urea.
    fn keep_sugar(&mut self, cx: &mut Context<Self>, told: f64) {
        let lets_go = (140.0 - if told > 0.0 { LIVER * told } else { told }).min(RELEASE);
        let much = (lets_go.abs() * 1e3 / STEPS) as u64;
        if lets_go >= 0.0 {
            let much = much.min(self.store);
            self.store -= much;
            self.keeper.made(Substance::Sugar, much);
            self.tissue.content.add(Substance::Sugar, much);
        } else {
            let much = self.tissue.content.take(Substance::Sugar, much);
            self.store += much;
            self.keeper.used(Substance::Sugar, much);
        }
        let urea = (f64::from(cx.config().urea) * 1e3 / STEPS) as u64;
        self.keeper.made(Substance::Urea, urea);
        self.tissue.content.add(Substance::Urea, urea);
    }

    /// How hard a kidney works: once, or so much more as it can.
    fn effort(&self, cx: &Context<Self>) -> f64 {
        let urged = self.tissue.concentration(Substance::Urea) / URGED;
        urged.clamp(1.0, 1.0 + cx.config().reserve)
    }

    fn books(&mut self, cx: &mut Context<Self>) {
        let config = cx.config();
        if config.opens == Opens::AsNeeded {
            let holds = self.tissue.concentration(Substance::Oxygen);
            self.vessels.adjust(holds, f64::from(config.aims), config.flow, config.most);
        } else {
            self.vessels.flow = config.flow;
        }
        let flow = match config.part {
            Part::Kidney => (f64::from(self.vessels.flow) * self.effort(cx)) as u32,
            _ => self.vessels.flow,
        };
        if let Some(heart) = body::heart(cx) {
            cx.send(heart, Body::Need { flow }.into());
        }
        if config.part == Part::Muscles
            && let Some(brain) = cx.peers_of(Brain::KIND).next()
        {
            cx.send(brain, Body::Effort { oxygen: config.oxygen }.into());
        }
        if config.part == Part::Pancreas && config.tells {
            let off = self.tissue.concentration(Substance::Sugar) - SUGAR_AIM;
            let store = (off * if off > 0.0 { INSULIN } else { GLUCAGON }) as i32;
            for other in cx.peers_of(Organ::KIND) {
                cx.send(other, Body::Hormone { store }.into());
            }
        }
        let holds = self.tissue.content;
        self.keeper.tell(cx, holds);
        cx.set(Timer::Books, body::EVERY);
    }

    /// Blood that leaves the gut goes through the liver first, if there is one.
    fn pass(&mut self, cx: &mut Context<Self>, microlitres: u64, content: &Content) {
        let liver = if cx.config().part == Part::Gut { cx.peers_of(Organ::KIND).next() } else { None };
        let next = liver.or_else(|| body::heart(cx));
        body::pass(cx, &mut self.tissue, &mut self.keeper, microlitres, content, next);
    }
}

impl Component for Organ {
    type Message = Message;
    type Config = OrganConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        let config = cx.config();
        let tissue = Tissue::new(config.blood, config.blood, config.water);
        let stored = match config.part {
            Part::Liver => config.store,
            Part::Gut => config.meal,
            _ => 0,
        };
        let mut organ = Organ {
            tissue,
            keeper: Keeper::default(),
            vessels: Vessels { flow: config.flow },
            store: u64::from(stored) * 1_000_000,
            meal: config.meal,
            told: 0,
            short: 0,
        };
        organ.keeper.begin(organ.tissue.content);
        organ.books(cx);
        cx.set(Timer::Live, STEP);
        organ
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Body(Body::Blood { microlitres, content }) => self.pass(cx, microlitres, &content),
            Message::Body(Body::Hormone { store }) => self.told = store,
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Live => self.live(cx),
            Timer::Books => self.books(cx),
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        let meal = cx.config().meal;
        if cx.config().part == Part::Gut && meal != self.meal {
            self.store = u64::from(meal) * 1_000_000;
        }
        self.meal = meal;
    }

    fn look(&self, config: &OrganConfig) -> Look {
        let litre = |what| (self.tissue.concentration(what) as u64).to_string();
        let mut lines = vec![
            ("lets through, ml/min", self.vessels.flow.to_string()),
            ("oxygen that leaves, ml/l", litre(Substance::Oxygen)),
            ("sugar, mg/l", litre(Substance::Sugar)),
            ("urea that leaves, mg/l", litre(Substance::Urea)),
        ];
        if matches!(config.part, Part::Liver | Part::Gut) {
            lines.push(("sugar in store, g", (self.store / 1_000_000).to_string()));
        }
        let role = match config.part {
            Part::Muscles if config.oxygen > AT_REST => "at work",
            Part::Gut if self.store > 0 => "digests",
            Part::Liver if self.told > 0 => "stores sugar",
            Part::Liver => "lets sugar go",
            _ => "at rest",
        };
        let role = if self.short > 0 { "short of oxygen" } else { role };
        Look { role: role.into(), ready: self.short == 0, lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Live => "live",
            Timer::Books => "books",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Organ {
    const KIND: &'static str = "organ";
    const TITLE: &'static str = "Organ";
    const ABOUT: &'static str = crate::later_text!(
        "Uses what blood brings, opens its vessels as it needs, and does its part: moves, digests, stores, clears, measures."
    );
    const GLYPH: Glyph = Glyph::Worker;
    const FAMILY: Family = Family::Work;
    const TALKS_TO: &'static [&'static str] = &["heart", "brain", "organ"];
}
