//! An autoscaler: asks the dispatcher now and then how much is under way, and starts or ends servers by that. Before a
//! server is ended the dispatcher gives it nothing any more, and everything that it had is answered.
//!
//! It keeps nothing on a disk. What it had begun to drain before a crash is used again, which is no harm. It serves one
//! dispatcher and one group of servers, the first of each that it is wired to.

use std::rc::Rc;

use crate::protocols::Family;
use crate::protocols::scaling::{Aim, Decision, MAX_DRAINING, Message as Scaling, Scaler};
use crate::sim::{Component, Context, Look, Micros, NodeId, Work};

use super::{Glyph, Message, Placeable};

crate::config! {
    /// What can be set about an autoscaler.
    pub struct AutoscalerConfig {
        /// How many requests should be under way for each server.
        target: f64 = 2.0, in 0.01, 10000.0, "";
        /// How many servers there are at least.
        least: u32 = 1, in 1, 10000, "";
        /// How many there are at most.
        most: u32 = 20, in 1, 10000, "";
        /// How often it looks.
        every: Micros = Micros::secs(1), in 0.01, 3600, "";
        /// How long it does nothing after it has done something; none is a mistake.
        cooldown: Micros = Micros::secs(10), in 0, 86400, "";
        /// Whether a server that is to go first finishes what it has; otherwise that is lost, which is a mistake.
        drain: bool = true, in 0, 0, "";
        later:
        /// Whether it also waits until a server has handed over what it has in its memory: people's sessions.
        handover: bool = false, in 0, 0, "";
    }
}

/// What an autoscaler waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To look again.
    Look,
}

/// An autoscaler.
#[derive(Clone, Debug, Default, Hash)]
pub struct Autoscaler {
    scaler: Scaler,
    /// Servers that are to go.
    draining: Vec<NodeId>,
    /// The group that servers are started from, once one was seen.
    template: Option<u32>,
    started: u64,
    ended: u64,
    under_way: u32,
}

fn aim(config: &AutoscalerConfig) -> Aim {
    let AutoscalerConfig { target, least, most, cooldown, .. } = *config;
    Aim { target: (target * 1000.0 + 0.5) as u64, least, most, cooldown }
}

impl Autoscaler {
    /// The servers that are not on their way out.
    fn servers(&self, cx: &Context<Self>) -> Vec<NodeId> {
        let of = |peer: &&crate::sim::Peer| Some(peer.template) == self.template;
        let all = cx.peers().iter().filter(of).map(|peer| peer.id);
        all.filter(|id| !self.draining.contains(id)).collect()
    }

    fn ask(&mut self, cx: &mut Context<Self>) {
        let kinds = [super::server::Server::KIND, super::machine::Host::KIND];
        let server = |peer: &&crate::sim::Peer| kinds.contains(&peer.kind);
        self.template = self.template.or(cx.peers().iter().find(server).map(|peer| peer.template));
        self.draining.retain(|id| cx.peers().iter().any(|peer| peer.id == *id));
        if let Some(dispatcher) = cx.peers_of(super::dispatcher::Dispatcher::KIND).next() {
            cx.send(dispatcher, Scaling::Ask { draining: Rc::from(&*self.draining) }.into());
        }
        cx.set(Timer::Look, cx.config().every);
    }

    fn end(&mut self, cx: &mut Context<Self>, server: NodeId) {
        self.ended += 1;
        cx.note(format!("ends {server}"));
        cx.terminate(server);
    }

    /// This server has nothing any more; unless it was to stay after all, it goes.
    fn drained(&mut self, cx: &mut Context<Self>, server: NodeId) {
        if let Some(place) = self.draining.iter().position(|draining| *draining == server) {
            self.draining.remove(place);
            self.end(cx, server);
        }
    }

    fn decide(&mut self, cx: &mut Context<Self>, under_way: u32) {
        let servers = self.servers(cx);
        let (decision, turned) = self.scaler.decide(&aim(cx.config()), cx.now(), servers.len() as u32, under_way);
        if turned {
            cx.measure("turns", 1);
        }
        match decision {
            Decision::Stay => {}
            Decision::Out(more) => self.out(cx, more, under_way),
            Decision::In => {
                let Some(last) = servers.last().copied() else { return };
                cx.measure("scaled in", 1);
                if !cx.config().drain {
                    return self.end(cx, last);
                }
                if self.draining.len() < MAX_DRAINING {
                    cx.note(format!("{under_way} under way: {last} gets nothing any more"));
                    self.draining.push(last);
                }
            }
        }
    }

    /// Servers that were to go stay; otherwise new ones are started.
    fn out(&mut self, cx: &mut Context<Self>, more: u32, under_way: u32) {
        cx.measure("scaled out", 1);
        for _ in 0..more {
            if let Some(stays) = self.draining.pop() {
                cx.note(format!("{under_way} under way: {stays} stays"));
            } else if let Some(template) = self.template {
                self.started += 1;
                cx.note(format!("{under_way} under way: starts a server"));
                cx.spawn(template);
            }
        }
    }
}

impl Component for Autoscaler {
    type Message = Message;
    type Config = AutoscalerConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        let mut autoscaler = Autoscaler::default();
        autoscaler.ask(cx);
        autoscaler
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let (under_way, idle) = match message {
            Message::Scaling(Scaling::Load { under_way, idle }) => (under_way, idle),
            Message::Scaling(Scaling::Gone) => return self.drained(cx, from),
            Message::Scaling(_) => return,
            other => return super::not_understood(cx, from, &other),
        };
        self.under_way = under_way;
        for server in idle.iter() {
            // Asked again at each look until it has nothing any more.
            if !cx.config().handover {
                self.drained(cx, *server);
            } else if self.draining.contains(server) {
                cx.send(*server, Scaling::Leave.into());
            }
        }
        self.decide(cx, under_way);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, Timer::Look: Timer) {
        self.ask(cx);
    }

    fn look(&self, _: &AutoscalerConfig) -> Look {
        let lines = vec![
            ("under way", self.under_way.to_string()),
            ("on their way out", self.draining.len().to_string()),
            ("started", self.started.to_string()),
            ("ended", self.ended.to_string()),
        ];
        Look { role: "autoscaler".into(), ready: true, lines, ..Look::default() }
    }

    fn timer_name(Timer::Look: &Timer) -> &'static str {
        "look again"
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Autoscaler {
    const KIND: &'static str = "autoscaler";
    const TITLE: &'static str = "Autoscaler";
    const ABOUT: &'static str =
        crate::later_text!("Starts servers when much is under way, and ends them when little is.");
    const GLYPH: Glyph = Glyph::Supervisor;
    const FAMILY: Family = Family::Control;
    const TALKS_TO: &'static [&'static str] = &["dispatcher", "server", "machine"];
}
