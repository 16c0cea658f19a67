//! A brain: lives on oxygen and sugar as any organ, and has the lungs breathe as much as carbon dioxide tells it to.
//!
//! Three quarters of what it goes by is the carbon dioxide of its own tissue, which follows that of blood by a minute; a
//! quarter is that of the blood itself, as sensors in the arteries tell it; and where oxygen is short, that counts too
//! (Guyton and Hall, chapter 42). When muscles work, it does not wait for what they make to come round.

use std::collections::VecDeque;

use crate::protocols::Family;
use crate::protocols::physiology::{CARBON_AIM, Content, Message as Body, Substance, Tissue, carbon_pressure};
use crate::sim::{Component, Context, Look, Micros, NodeId, Work};

use super::body::{self, Keeper, Vessels};
use super::lungs::Lungs;
use super::{Glyph, Message, Placeable};

/// How often it lives a step.
const STEP: Micros = Micros::secs(1);
/// How much air is to reach the alveoli at rest, and at most: ml a minute.
const REST: f64 = 4_200.0;
const MOST: f64 = 100_000.0;
/// By how much the pressure of carbon dioxide in its tissue is above that of blood at rest: mmHg.
const ABOVE: f64 = 8.0;
/// Below how much oxygen in a litre of blood it breathes more, and how much more for each millilitre: ml a minute.
const THIN: f64 = 165.0;
const THINNER: f64 = 300.0;
/// With how much oxygen in a litre of the blood that leaves it it loses its senses: ml.
const FAINT: f64 = 40.0;
/// How much oxygen is used at rest, all together, and by muscles: ml a minute.
const ALL: f64 = 250.0;
const MUSCLES: f64 = 50.0;
/// Which part of what muscles do it answers at once, and in how many seconds most of the rest.
const AT_ONCE: f64 = 0.2;
const WARMS: f64 = 40.0;
/// For how long at most it is late: seconds, of which each has a place.
pub const LATEST: usize = 120;

crate::choice! {
    /// By what a brain has the lungs breathe.
    pub enum Breathing {
        /// By carbon dioxide.
        ByCarbon = "by-carbon-dioxide",
        /// By nothing, always the same: a mistake.
        Fixed = "always-the-same",
    }
}

crate::config! {
    /// What can be set about a brain.
    pub struct BrainConfig {
        /// How much oxygen it uses.
        oxygen: u32 = 50, in 0, 1000, "ml/min";
        /// How much sugar it uses.
        sugar: u32 = 80, in 0, 1000, "mg/min";
        /// How much blood flows through it at rest.
        flow: u32 = 700, in 10, 5000, "ml/min";
        /// By what it has the lungs breathe; always the same is a mistake.
        breathing: Breathing = Breathing::ByCarbon, in 0, 0, "";
        /// How much more air it asks for with each mmHg of carbon dioxide too much.
        gain: u32 = 2000, in 0, 50000, "ml/min";
        /// How late it acts on what it senses.
        delay: Micros = Micros::secs(5), in 0, 119, "";
        /// Whether it has the lungs breathe more as soon as muscles work.
        foresees: bool = true, in 0, 0, "";
    }
}

/// What a brain waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To live a step.
    Live,
    /// To write up its books, and say what it needs.
    Books,
}

/// A brain.
#[derive(Clone, Debug, Hash)]
pub struct Brain {
    tissue: Tissue,
    keeper: Keeper,
    vessels: Vessels,
    /// Of the blood that came last, a litre: oxygen in ml, carbon dioxide in thousandths of mmHg, sugar and urea in mg.
    blood: [i64; 4],
    /// How much more air than at rest it wanted in each of the last seconds, the latest last: ml a minute.
    wanted: VecDeque<i64>,
    /// The oxygen that muscles use, and what has come of that by and by: ml a minute.
    effort: u32,
    warmed: u32,
    asks: u32,
}

impl Brain {
    fn fainted(&self) -> bool {
        self.tissue.concentration(Substance::Oxygen) < FAINT
    }

    fn live(&mut self, cx: &mut Context<Self>) {
        let config = cx.config();
        body::burn(&mut self.tissue, &mut self.keeper, u64::from(config.oxygen) * 1_000 / 60);
        let sugar = self.tissue.content.take(Substance::Sugar, u64::from(config.sugar) * 1_000 / 60);
        self.keeper.used(Substance::Sugar, sugar);
        let tissue = carbon_pressure(self.tissue.concentration(Substance::Carbon)) - ABOVE - CARBON_AIM;
        let blood = self.blood[1] as f64 / 1e3 - CARBON_AIM;
        let thin = (THIN - self.blood[0] as f64).max(0.0);
        let wanted = f64::from(config.gain) * (0.75 * tissue + 0.25 * blood) + THINNER * thin;
        if self.wanted.len() >= LATEST {
            self.wanted.pop_front();
        }
        self.wanted.push_back(wanted as i64);
        let late = (config.delay.0 / STEP.0) as usize;
        let heard = self.wanted.len().checked_sub(1 + late).and_then(|place| self.wanted.get(place));
        // A part of it at once, the rest as what is made comes round.
        let (effort, warmed) = (f64::from(self.effort), f64::from(self.warmed));
        self.warmed = (warmed + (effort - warmed) / WARMS).max(0.0) as u32;
        let works = if config.foresees { AT_ONCE * effort + (1.0 - AT_ONCE) * warmed } else { 0.0 };
        let foreseen = (works - MUSCLES).max(0.0) * REST / ALL;
        let reacts = match config.breathing {
            Breathing::ByCarbon => foreseen + heard.copied().unwrap_or(0) as f64,
            Breathing::Fixed => 0.0,
        };
        self.asks = (REST + reacts).clamp(0.0, MOST) as u32;
        if !self.fainted()
            && let Some(lungs) = cx.peers_of(Lungs::KIND).next()
        {
            cx.send(lungs, Body::Breathe { air: self.asks }.into());
        }
        cx.set(Timer::Live, STEP);
    }

    fn books(&mut self, cx: &mut Context<Self>) {
        let holds = self.tissue.concentration(Substance::Oxygen);
        let flow = cx.config().flow;
        self.vessels.adjust(holds, 120.0, flow, 2 * flow);
        if let Some(heart) = body::heart(cx) {
            cx.send(heart, Body::Need { flow: self.vessels.flow }.into());
        }
        // Of one that no blood has come to there is nothing to tell.
        if self.blood[2] > 0 {
            cx.measure("oxygen that leaves the brain", holds as u64);
            let [oxygen, carbon, sugar, urea] = self.blood.map(|value| value.max(0) as u64);
            cx.measure("oxygen in blood", oxygen);
            cx.measure("carbon dioxide pressure", (carbon + 500) / 1_000);
            cx.measure("sugar in blood", sugar);
            cx.measure("urea in blood", urea);
        }
        let holds = self.tissue.content;
        self.keeper.tell(cx, holds);
        cx.set(Timer::Books, body::EVERY);
    }

    fn sense(&mut self, microlitres: u64, content: &Content) {
        let litre = |what| content.concentration(what, microlitres);
        let carbon = carbon_pressure(litre(Substance::Carbon)) * 1e3;
        self.blood = [litre(Substance::Oxygen), carbon, litre(Substance::Sugar), litre(Substance::Urea)]
            .map(|value| value as i64);
    }
}

impl Component for Brain {
    type Message = Message;
    type Config = BrainConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        let mut brain = Brain {
            tissue: Tissue::new(150, 900, 300),
            keeper: Keeper::default(),
            vessels: Vessels { flow: cx.config().flow },
            blood: [195, (CARBON_AIM * 1e3) as i64, 0, 0],
            wanted: VecDeque::new(),
            effort: 0,
            warmed: 0,
            asks: REST as u32,
        };
        // As if it had always been at rest.
        let rest = 480.0 + 8.0 * ABOVE;
        let more = (rest * 900.0) as u64;
        let has = brain.tissue.content.get(Substance::Carbon);
        if more > has {
            brain.tissue.content.add(Substance::Carbon, more - has);
        }
        brain.keeper.begin(brain.tissue.content);
        brain.books(cx);
        cx.set(Timer::Live, STEP);
        brain
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Body(Body::Blood { microlitres, content }) => {
                if microlitres > 0 {
                    self.sense(microlitres, &content);
                }
                let heart = body::heart(cx);
                body::pass(cx, &mut self.tissue, &mut self.keeper, microlitres, &content, heart);
            }
            Message::Body(Body::Effort { oxygen }) => self.effort = oxygen,
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Live => self.live(cx),
            Timer::Books => self.books(cx),
        }
    }

    fn look(&self, _: &BrainConfig) -> Look {
        let lines = vec![
            ("asks the lungs for", format!("{} ml/min", self.asks)),
            ("oxygen in blood", format!("{} ml/l", self.blood[0])),
            ("carbon dioxide in blood", format!("{} mmHg", self.blood[1] / 1_000)),
            ("sugar in blood", format!("{} mg/l", self.blood[2])),
            ("urea in blood", format!("{} mg/l", self.blood[3])),
        ];
        let role = if self.fainted() { "has fainted" } else { "awake" };
        Look { role: role.into(), star: false, ready: !self.fainted(), lines, ..Look::default() }
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

impl Placeable for Brain {
    const KIND: &'static str = "brain";
    const TITLE: &'static str = "Brain";
    const ABOUT: &'static str =
        crate::later_text!("Lives on oxygen and sugar, and has the lungs breathe as carbon dioxide tells it to.");
    const GLYPH: Glyph = Glyph::Supervisor;
    const FAMILY: Family = Family::Control;
    const TALKS_TO: &'static [&'static str] = &["heart", "lungs", "organ"];
}
