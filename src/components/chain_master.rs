//! The master of a chain: says who stands where.

use crate::protocols::chain::Message as Chain;
use crate::protocols::chain::master::{Master, Register, Rules, Timer as MasterTimer};
use crate::protocols::{Family, health};
use crate::sim::{Component, Context, Dist, Lift, Look, Machine, Micros, NodeId, Time, Work};

use super::chain_node::ChainNode;
use super::{Fact, Glyph, Message, Placeable};

crate::config! {
    /// What can be set about a master.
    pub struct ChainMasterConfig {
        /// After how long a silence a server is taken out of the chain.
        patience: Micros = Micros::ms(600), in 0.02, 60.0, "";
        /// How long a tail may answer reads without hearing from the master; at most nine tenths of the patience.
        lease: Micros = Micros::ms(500), in 0.02, 60.0, "";
    }
}

/// What a master waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To see who has gone silent.
    Tick,
    /// Something of the protocol.
    Master(MasterTimer),
}

/// A master.
#[derive(Clone, Debug, Hash)]
pub struct ChainMaster {
    master: Master,
    last_tick: Time,
}

/// How often it sees who has gone silent.
const TICK: Micros = Micros::ms(100);

fn port<'c, 'a>(
    cx: &'c mut Context<'a, ChainMaster>,
) -> Lift<'c, 'a, ChainMaster, Chain, MasterTimer, crate::protocols::chain::View> {
    Lift { cx, message: Message::Chain, timer: Timer::Master, write: |write| write }
}

fn rules(config: &ChainMasterConfig) -> Rules {
    Rules { patience: config.patience, lease: config.lease }
}

impl Component for ChainMaster {
    type Message = Message;
    type Config = ChainMasterConfig;
    type Disk = Register;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &Register) -> Self {
        cx.set(Timer::Tick, TICK);
        let now = cx.now();
        ChainMaster { master: Master::boot(disk, now), last_tick: now }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Chain(Chain::Report(report)) => {
                let rules = rules(cx.config());
                self.master.on_report(&mut port(cx), from, report, &rules);
            }
            Message::Health(health::Message::Ping { round }) => cx.send(from, health::Message::Pong { round }.into()),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        let (rules, now) = (rules(cx.config()), cx.now());
        match timer {
            Timer::Tick => {
                if now.since(self.last_tick).0 > 3 * TICK.0 {
                    // It was this one that stood still.
                    self.master.forgive(now);
                }
                self.last_tick = now;
                let wired: Vec<NodeId> = cx.peers_of(ChainNode::KIND).collect();
                self.master.tick(&mut port(cx), &rules, &wired);
                cx.set(Timer::Tick, TICK);
            }
            Timer::Master(timer) => self.master.on_timer(&mut port(cx), timer, &rules),
        }
        for told in std::mem::take(&mut self.master.told) {
            cx.measure("views", 1);
            cx.fact(Fact::Chain(told));
        }
    }

    fn look(&self, _: &ChainMasterConfig) -> Look {
        let view = self.master.view().map_or("none".to_owned(), ToString::to_string);
        Look { role: "watches".into(), star: false, ready: true, lines: vec![("view", view)], log: Vec::new() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Tick => "tick",
            Timer::Master(_) => "view written",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for ChainMaster {
    const KIND: &'static str = "chain-master";
    const TITLE: &'static str = "Master of a chain";
    const ABOUT: &'static str = crate::later_text!("Says who stands where in a chain, in numbered views.");
    const GLYPH: Glyph = Glyph::Supervisor;
    const FAMILY: Family = Family::Control;
    const TALKS_TO: &'static [&'static str] = &["chain-node"];
    fn machine() -> Machine {
        Machine {
            disk: Dist::Lognormal { median: Micros::ms(2), p99: Micros::ms(8) },
            startup: Micros::ms(300),
            ..Machine::default()
        }
    }
}
