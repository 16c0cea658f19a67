//! A server of a chain: head, tail, or between.

use std::rc::Rc;

use crate::protocols::chain::{
    Message as Chain, Mistake, News, Report, Role, Rules, Server, Store, Timer as ServerTimer, Told, Write,
};
use crate::protocols::{Family, health, kv};
use crate::sim::{Cell, Component, Context, Lift, Look, Machine, Micros, NodeId, Scale, Work};

use super::chain_master::ChainMaster;
use super::{Fact, Glyph, Message, Placeable};

crate::config! {
    /// What can be set about a server of a chain.
    pub struct ChainNodeConfig {
        /// How often it tells the master that it is alive.
        report: Micros = Micros::ms(100), in 0.01, 5.0, "";
        /// After how long without progress it sends again what the tail is not known to have.
        again: Micros = Micros::ms(300), in 0.01, 60.0, "";
        /// A mistake made on purpose: every server answers reads, the head answers updates, or a new successor is not sent what it lacks.
        mistake: Mistake = Mistake::None, in 0, 0, "";
    }
}

/// What a server waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To tell that it is alive.
    Report,
    /// Something of the protocol.
    Server(ServerTimer),
}

/// A server.
#[derive(Clone, Debug, Hash)]
pub struct ChainNode {
    server: Server,
    answered: u64,
}

fn port<'c, 'a>(cx: &'c mut Context<'a, ChainNode>) -> Lift<'c, 'a, ChainNode, Chain, ServerTimer, Write> {
    Lift { cx, message: Message::Chain, timer: Timer::Server, write: |write| write }
}

fn rules(config: &ChainNodeConfig) -> Rules {
    Rules { again: config.again, mistake: config.mistake }
}

impl ChainNode {
    fn report(&self, cx: &mut Context<Self>) {
        let report: Report = self.server.report(cx.now());
        for master in cx.peers_of(ChainMaster::KIND) {
            cx.send(master, Chain::Report(report).into());
        }
    }

    fn tell(&mut self, cx: &mut Context<Self>) {
        for news in self.server.news() {
            match news {
                News::Answer(client, answer) => {
                    match answer {
                        kv::Message::Unable { .. } => cx.measure("unavailable", 1),
                        kv::Message::Elsewhere { .. } => cx.measure("sent on", 1),
                        _ => {
                            self.answered += 1;
                            cx.measure("answers", 1);
                        }
                    }
                    cx.send(client, answer.into());
                }
                News::Told(told) => {
                    if let Told::Took { .. } = told {
                        cx.measure("updates", 1);
                    }
                    cx.fact(Fact::Chain(told));
                }
                News::Report => self.report(cx),
            }
        }
    }
}

impl Component for ChainNode {
    type Message = Message;
    type Config = ChainNodeConfig;
    type Disk = Store;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &Store) -> Self {
        let rules = rules(cx.config());
        let node = ChainNode { server: Server::boot(&mut port(cx), disk, &rules), answered: 0 };
        node.report(cx);
        cx.set(Timer::Report, cx.config().report);
        node
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let rules = rules(cx.config());
        match message {
            Message::Kv(kv::Message::Ask { number, key, op }) => {
                self.server.ask(&mut port(cx), &rules, from, number, key, op);
            }
            Message::Chain(message) => self.server.on_message(&mut port(cx), &rules, from, message),
            Message::Health(health::Message::Ping { round }) => {
                return cx.send(from, health::Message::Pong { round }.into());
            }
            other => return super::not_understood(cx, from, &other),
        }
        self.tell(cx);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Report => {
                self.report(cx);
                cx.set(Timer::Report, cx.config().report);
            }
            Timer::Server(timer) => {
                let rules = rules(cx.config());
                self.server.on_timer(&mut port(cx), &rules, timer);
                self.tell(cx);
            }
        }
    }

    fn look(&self, _: &ChainNodeConfig) -> Look {
        let (server, role) = (&self.server, self.server.role());
        let (machine, position) = server.durable();
        let lines = vec![
            ("view", server.view().map_or("none".to_owned(), ToString::to_string)),
            ("last update", position.to_string()),
            ("Sent: not known to be at the tail", server.sent().len().to_string()),
            ("answered", self.answered.to_string()),
            ("keys", machine.keys().to_string()),
        ];
        let word = match role {
            Role::Idle => "in no view",
            Role::Joining => "joins",
            Role::Head => "head",
            Role::Middle => "middle",
            Role::Tail => "tail",
            Role::Alone => "head and tail",
        };
        let cell = |(position, value): &(u64, crate::protocols::raft::Command)| Cell {
            text: format!("{position} {}", value.short()),
            settled: false,
        };
        let log = server.sent().iter().rev().take(8).rev().map(cell).collect();
        let star = matches!(role, Role::Tail | Role::Alone);
        Look { role: Rc::from(word), star, ready: !matches!(role, Role::Idle | Role::Joining), lines, log }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Report => "report",
            Timer::Server(ServerTimer::Stored(..)) => "update written",
            Timer::Server(ServerTimer::Installed(_)) => "view installed",
            Timer::Server(ServerTimer::Replaced(..)) => "everything copied",
            Timer::Server(ServerTimer::Again) => "send again",
        }
    }

    fn work(&self, message: &Message) -> Work {
        match message {
            Message::Kv(_) | Message::Chain(Chain::Update { .. } | Chain::Transfer { .. }) => Work::Service,
            _ => Work::None,
        }
    }

    fn weigh(&self, disk: &Store, scale: &mut Scale) {
        self.server.weigh(scale);
        disk.machine.weigh(scale);
    }
}

impl Placeable for ChainNode {
    const KIND: &'static str = "chain-node";
    const TITLE: &'static str = "Server of a chain";
    const ABOUT: &'static str =
        crate::later_text!("Keeps values with others in a chain: updates enter at the head, and the tail answers.");
    const GLYPH: Glyph = Glyph::Database;
    const FAMILY: Family = Family::Storage;
    const TALKS_TO: &'static [&'static str] = &["kv-client", "chain-node", "chain-master"];
    fn machine() -> Machine {
        super::store_machine()
    }
}
