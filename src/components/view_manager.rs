//! The view manager: says which replica is primary, and which are its backups.

use crate::protocols::primary_copy;
use crate::protocols::primary_copy::manager::{self, Acknowledge, Manager, Register, Rules};
use crate::protocols::{Family, health};
use crate::sim::{Component, Context, Dist, Lift, Look, Machine, Micros, NodeId, Time, Work};

use super::kv_replica::KvReplica;
use super::{Glyph, Message, Placeable};

crate::config! {
    /// What can be set about a view manager.
    pub struct ViewManagerConfig {
        /// How many backups have a write before it is answered. With none, a failover loses what was acknowledged: a mistake, if one promised more.
        acknowledge: Acknowledge = Acknowledge::All, in 0, 0, "";
        /// Where it is some of them: how many.
        some: u32 = 1, in 1, 16, "";
        /// After how long a silence a replica counts as dead.
        patience: Micros = Micros::ms(600), in 0.02, 60.0, "";
        /// How long a primary may answer without hearing from the manager.
        lease: Micros = Micros::ms(500), in 0.02, 60.0, "";
    }
}

/// What a view manager waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To see who has gone silent.
    Tick,
    /// Something of the protocol.
    Manager(manager::Timer),
}

/// A view manager.
#[derive(Clone, Debug, Hash)]
pub struct ViewManager {
    manager: Manager,
    last_tick: Time,
}

/// How often it sees who has gone silent.
const TICK: Micros = Micros::ms(100);

fn port<'c, 'a>(
    cx: &'c mut Context<'a, ViewManager>,
) -> Lift<'c, 'a, ViewManager, primary_copy::Message, manager::Timer, manager::Write> {
    Lift { cx, message: Message::PrimaryCopy, timer: Timer::Manager, write: |write| write }
}

fn rules(config: &ViewManagerConfig) -> Rules {
    let ViewManagerConfig { acknowledge, some, patience, lease } = *config;
    Rules { acknowledge, some, patience, lease }
}

fn wired(cx: &Context<ViewManager>) -> Vec<NodeId> {
    cx.peers_of(KvReplica::KIND).collect()
}

impl Component for ViewManager {
    type Message = Message;
    type Config = ViewManagerConfig;
    type Disk = Register;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &Register) -> Self {
        cx.set(Timer::Tick, TICK);
        let now = cx.now();
        ViewManager { manager: Manager::boot(disk, now, &rules(cx.config())), last_tick: now }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let (rules, wired) = (rules(cx.config()), wired(cx));
        match message {
            Message::PrimaryCopy(primary_copy::Message::Report(report)) => {
                self.manager.on_report(&mut port(cx), from, report, &rules, &wired);
            }
            Message::Health(health::Message::Ping { round }) => cx.send(from, health::Message::Pong { round }.into()),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        let (rules, wired, now) = (rules(cx.config()), wired(cx), cx.now());
        match timer {
            Timer::Tick => {
                if now.since(self.last_tick).0 > 3 * TICK.0 {
                    // It was this one that stood still.
                    self.manager.forgive(now);
                }
                self.last_tick = now;
                self.manager.tick(&mut port(cx), &rules, &wired);
                cx.set(Timer::Tick, TICK);
            }
            Timer::Manager(timer) => self.manager.on_timer(&mut port(cx), timer, &rules),
        }
    }

    fn look(&self, _: &ViewManagerConfig) -> Look {
        let mut lines = Vec::new();
        if let Some(view) = self.manager.view() {
            lines.push(("view", view.number.to_string()));
            lines.push(("primary", view.primary.to_string()));
            let backups: Vec<String> = view.backups.iter().map(NodeId::to_string).collect();
            lines.push(("backups", if backups.is_empty() { "none".to_owned() } else { backups.join(" ") }));
            lines.push(("copies before an answer", view.acks.to_string()));
            lines.push(("serves", if self.manager.active() { "yes" } else { "not yet" }.to_owned()));
        }
        let role = if self.manager.electing().is_some() { "changes the view" } else { "watches" };
        Look { role: role.into(), star: false, ready: true, lines, log: Vec::new() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Tick => "tick",
            Timer::Manager(_) => "view written",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for ViewManager {
    const KIND: &'static str = "view-manager";
    const TITLE: &'static str = "View manager";
    const ABOUT: &'static str =
        crate::later_text!("Says which replica is primary and which are its backups, in numbered views.");
    const GLYPH: Glyph = Glyph::Supervisor;
    const FAMILY: Family = Family::Control;
    const TALKS_TO: &'static [&'static str] = &["kv-replica"];
    fn machine() -> Machine {
        Machine {
            disk: Dist::Lognormal { median: Micros::ms(2), p99: Micros::ms(8) },
            startup: Micros::ms(300),
            ..Machine::default()
        }
    }
}
