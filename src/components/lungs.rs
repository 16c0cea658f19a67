//! Lungs: blood that passes comes into balance with the gas in them, and each breath renews a part of the gas.

use std::collections::VecDeque;

use crate::protocols::Family;
use crate::protocols::physiology::{Content, Gas, Message as Body, Substance};
use crate::sim::{Component, Context, Look, Micros, NodeId, Time, Work};

use super::body::{self, Keeper};
use super::{Glyph, Message, Placeable};

/// Breaths a minute at rest, and the air that then reaches the alveoli in one: ml.
const BREATHS: f64 = 12.0;
const BREATH: f64 = 350.0;
/// How urgently the brain must ask until a breath that is held is held no longer: ml of air a minute.
const URGENT: u32 = 15_000;
/// For how long lungs go on without a word from the brain.
const SILENT: Micros = Micros::secs(10);

/// Over how many stretches between books it tells what went over.
const STRETCHES: usize = 5;

crate::config! {
    /// What can be set about lungs.
    pub struct LungsConfig {
        /// Whether the breath is held, as long as that can be.
        hold: bool = false, in 0, 0, "";
        /// How much gas stays in them after a breath.
        volume: u32 = 2400, in 100, 20000, "ml";
    }
}

/// What lungs wait for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To breathe.
    Breath,
    /// To write up their books.
    Books,
}

/// Lungs.
#[derive(Clone, Debug, Hash)]
pub struct Lungs {
    gas: Gas,
    keeper: Keeper,
    /// How much air the brain asks for, in millilitres a minute, and when it last did.
    asked: Option<(u32, Time)>,
    /// In each of the last stretches between books, the present one last: how much oxygen went over into blood and carbon
    /// dioxide out of it, in microlitres, and how much air came in, in millilitres.
    past: VecDeque<[u64; 3]>,
}

/// Breaths a minute, for so much air a minute: deeper and faster alike.
fn rate(air: f64) -> f64 {
    BREATHS * libm::sqrt((air / (BREATHS * BREATH)).clamp(0.1, 25.0))
}

impl Lungs {
    fn breath(&mut self, cx: &mut Context<Self>) {
        let now = cx.now();
        let asked = self.asked.filter(|(_, when)| now.since(*when) < SILENT).map_or(0, |(air, _)| air);
        let every = 60.0 / rate(f64::from(asked));
        if asked > 0 && !(cx.config().hold && asked < URGENT) {
            let much = f64::from(asked) * every / 60.0;
            let (came, left) = self.gas.breathe(much);
            self.keeper.aired(&came, &left);
            self.count(2, much as u64);
            cx.measure("breaths", 1);
        }
        cx.set(Timer::Breath, Micros::from_f64(every * 1e6));
    }

    fn books(&mut self, cx: &mut Context<Self>) {
        if self.past.len() >= STRETCHES {
            // Over ten seconds: a breath at rest takes five.
            let minute = |which: usize, part: u64| {
                let sum: u64 = self.past.iter().map(|stretch| stretch[which]).sum();
                sum * (60_000_000 / body::EVERY.0) / STRETCHES as u64 / part
            };
            cx.measure("oxygen taken up", minute(0, 1_000));
            cx.measure("carbon dioxide given off", minute(1, 1_000));
            cx.measure("air a minute", minute(2, 1));
            self.past.pop_front();
        }
        self.past.push_back([0; 3]);
        let holds = self.gas.content;
        self.keeper.tell(cx, holds);
        cx.set(Timer::Books, body::EVERY);
    }

    fn count(&mut self, which: usize, much: u64) {
        if let Some(stretch) = self.past.back_mut() {
            stretch[which] += much;
        }
    }

    fn exchange(&mut self, cx: &mut Context<Self>, microlitres: u64, content: Content) {
        self.keeper.brought(&content);
        let mut out = content;
        self.gas.exchange(microlitres, &mut out);
        self.count(0, out.get(Substance::Oxygen).saturating_sub(content.get(Substance::Oxygen)));
        self.count(1, content.get(Substance::Carbon).saturating_sub(out.get(Substance::Carbon)));
        match body::heart(cx) {
            Some(heart) => {
                self.keeper.took(&out);
                cx.send(heart, Body::Blood { microlitres, content: out }.into());
            }
            // Nowhere to go on to.
            None => self.keeper.used_all(&out),
        }
    }
}

impl Component for Lungs {
    type Message = Message;
    type Config = LungsConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        let gas = Gas::new(cx.config().volume);
        let asked = Some(((BREATHS * BREATH) as u32, cx.now()));
        let mut lungs = Lungs { gas, keeper: Keeper::default(), asked, past: VecDeque::new() };
        lungs.keeper.begin(lungs.gas.content);
        lungs.books(cx);
        cx.set(Timer::Breath, Micros::ms(500));
        lungs
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Body(Body::Blood { microlitres, content }) => self.exchange(cx, microlitres, content),
            Message::Body(Body::Breathe { air }) => self.asked = Some((air, cx.now())),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Breath => self.breath(cx),
            Timer::Books => self.books(cx),
        }
    }

    fn look(&self, config: &LungsConfig) -> Look {
        let pressure = |what| format!("{} mmHg", self.gas.pressure(what) as u64);
        let asked = self.asked.map_or(0, |(air, _)| air);
        let lines = vec![
            ("oxygen in them", pressure(Substance::Oxygen)),
            ("carbon dioxide in them", pressure(Substance::Carbon)),
            ("asked for", format!("{asked} ml/min")),
        ];
        let held = config.hold && asked < URGENT;
        let role = if held { "held".to_owned() } else { format!("{} a minute", rate(f64::from(asked)) as u64) };
        Look { role: role.into(), ready: !held, lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Breath => "breath",
            Timer::Books => "books",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Lungs {
    const KIND: &'static str = "lungs";
    const TITLE: &'static str = "Lungs";
    const ABOUT: &'static str =
        crate::later_text!("Bring blood that passes into balance with the air in them, which each breath renews.");
    const GLYPH: Glyph = Glyph::Gateway;
    const FAMILY: Family = Family::Edge;
    const TALKS_TO: &'static [&'static str] = &["heart", "brain"];
}
