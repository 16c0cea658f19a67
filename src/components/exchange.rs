//! A telephone exchange: takes calls from its telephones, and finds each a circuit to the exchange that it is for.

use crate::protocols::Family;
use crate::protocols::isup::{self, Manner, Signal, Told};
use crate::sim::{Component, Context, Dist, Lift, Look, Machine, Micros, NodeId};

use super::callers::Callers;
use super::{Fact, Glyph, Message, Placeable};

crate::choice! {
    /// A mistake made on purpose.
    pub enum Slip {
        /// None.
        None = "none",
        /// A release is asked for once, and not again if that is lost.
        ReleaseOnce = "release-once",
        /// Where both ends seize one circuit, neither yields.
        NobodyYields = "nobody-yields",
        /// Circuits are not reset after a start.
        NoReset = "no-reset",
    }
}

crate::config! {
    /// What can be set about an exchange.
    pub struct ExchangeConfig {
        /// How many circuits there are to each other exchange.
        circuits: u32 = 5, in 0, 500, "";
        /// How many detours by a third exchange a call may try when no direct circuit is idle; 0 for none.
        detours: u32 = 1, in 0, 16, "";
        /// How many idle circuits of each group are kept for direct calls; none is a mistake where detours may take more
        /// than they bring.
        reserve: u32 = 0, in 0, 500, "";
        /// After one call to the number that everybody calls, for how long none goes through; 0 for no gap.
        gap: Micros = Micros::ZERO, in 0, 600, "";
        /// A mistake made on purpose: a release that is not repeated, a circuit that both ends keep, no reset after a
        /// start.
        mistake: Slip = Slip::None, in 0, 0, "";
    }
}

/// An exchange.
#[derive(Clone, Debug, Hash)]
pub struct Exchange {
    switch: isup::Exchange,
}

fn port<'c, 'a>(cx: &'c mut Context<'a, Exchange>) -> Lift<'c, 'a, Exchange, Signal, isup::Timer, ()> {
    let message = |signal| match signal {
        Signal::Trunk(trunk) => Message::Trunk(trunk),
        Signal::Line(line) => Message::Line(line),
    };
    Lift { cx, message, timer: |timer| timer, write: |()| () }
}

fn manner(config: &ExchangeConfig) -> Manner {
    Manner {
        circuits: config.circuits,
        detours: config.detours,
        reserve: config.reserve,
        gap: config.gap,
        repeats: config.mistake != Slip::ReleaseOnce,
        yields: config.mistake != Slip::NobodyYields,
        resets: config.mistake != Slip::NoReset,
    }
}

impl Exchange {
    fn look_around(&mut self, cx: &Context<Self>) {
        self.switch.know(cx.peers_of(Exchange::KIND), cx.peers_of(Callers::KIND).last());
    }

    fn tell(&mut self, cx: &mut Context<Self>) {
        for told in std::mem::take(&mut self.switch.told) {
            match told {
                Told::Detoured { .. } => cx.measure("detours", 1),
                Told::DualSeizure { .. } => cx.measure("dual seizures", 1),
                _ => {}
            }
            cx.fact(Fact::Telephone(told));
        }
    }
}

impl Component for Exchange {
    type Message = Message;
    type Config = ExchangeConfig;
    type Disk = ();
    type Timer = isup::Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        let mut exchange = Exchange { switch: isup::Exchange::default() };
        exchange.look_around(cx);
        let manner = manner(cx.config());
        exchange.switch.start(&mut port(cx), &manner);
        exchange
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        self.look_around(cx);
        let manner = manner(cx.config());
        match message {
            Message::Trunk(trunk) => self.switch.on_trunk(&mut port(cx), &manner, from, trunk),
            Message::Line(line) => self.switch.on_line(&mut port(cx), &manner, from, line),
            other => super::not_understood(cx, from, &other),
        }
        self.tell(cx);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: isup::Timer) {
        let manner = manner(cx.config());
        self.switch.on_timer(&mut port(cx), &manner, timer);
        self.tell(cx);
    }

    fn look(&self, config: &ExchangeConfig) -> Look {
        let groups: Vec<(NodeId, usize)> = self.switch.neighbours().map(|to| (to, self.switch.busy(to))).collect();
        let busy: usize = groups.iter().map(|(_, busy)| busy).sum();
        let all = groups.len() * config.circuits as usize;
        let mut lines = vec![("calls", self.switch.calls().to_string())];
        lines.extend(
            groups.iter().map(|(to, busy)| ("circuits in use", format!("{busy} of {} to {to}", config.circuits))),
        );
        Look { role: format!("{busy} of {all} in use").into(), ready: busy < all, lines, ..Look::default() }
    }

    fn timer_name(timer: &isup::Timer) -> &'static str {
        timer.name()
    }
}

impl Placeable for Exchange {
    const KIND: &'static str = "exchange";
    const TITLE: &'static str = "Telephone exchange";
    const ABOUT: &'static str =
        crate::later_text!("Takes calls from its telephones, and finds each a circuit to the exchange that it is for.");
    const GLYPH: Glyph = Glyph::Gateway;
    const FAMILY: Family = Family::Edge;
    const TALKS_TO: &'static [&'static str] = &["callers", "exchange"];
    fn machine() -> Machine {
        Machine { service: Dist::Constant(Micros::ms(1)), inbox: 1_000, ..Machine::default() }
    }
}
