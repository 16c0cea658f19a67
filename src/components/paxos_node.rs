//! A node of [`paxos`]: proposer, acceptor and learner of one value after another, and of values under keys with them.
//!
//! Everyone that is wired to it in the first second of a run is an acceptor with it. Whoever is placed later only learns.

use crate::protocols::paxos::{
    Message as Paxos, Mistake, News, Phase, Proposes, Rules, Server, Store, Timer as ServerTimer, Write,
};
use crate::protocols::{Family, health, kv};
use crate::sim::{Cell, Component, Context, Lift, Look, Machine, Micros, NodeId, Scale, Work};

use super::raft_node::FOUNDING;
use super::{Fact, Glyph, Message, Placeable};

crate::config! {
    /// What can be set about a node of Paxos.
    pub struct PaxosNodeConfig {
        /// Who proposes: whoever is asked, each value in both phases, or a distinguished proposer, which does phase 1 once.
        proposes: Proposes = Proposes::One, in 0, 0, "";
        /// How often it says that it is there.
        beat: Micros = Micros::ms(100), in 0.01, 60.0, "";
        /// After how long a silence another is held for dead, and the next one proposes.
        patience: Micros = Micros::ms(400), in 0.02, 60.0, "";
        /// How long at most, drawn at random, a proposer that was refused waits before it tries a higher number.
        backoff: Micros = Micros::ms(200), in 0.0, 10.0, "";
        /// How long it waits for answers before it asks again.
        timeout: Micros = Micros::ms(300), in 0.01, 60.0, "";
        /// A mistake made on purpose: promises that a crash undoes, a proposer that does not care what it heard of, half a majority.
        mistake: Mistake = Mistake::None, in 0, 0, "";
    }
}

/// A node.
#[derive(Clone, Debug, Hash)]
pub struct PaxosNode {
    server: Server,
    ballots: u64,
}

fn port<'c, 'a>(cx: &'c mut Context<'a, PaxosNode>) -> Lift<'c, 'a, PaxosNode, Paxos, ServerTimer, Write> {
    Lift { cx, message: Message::Paxos, timer: |timer| timer, write: |write| write }
}

fn rules(config: &PaxosNodeConfig) -> Rules {
    let PaxosNodeConfig { proposes, beat, patience, backoff, timeout, mistake } = *config;
    Rules { proposes, beat, patience, backoff, timeout, mistake }
}

impl PaxosNode {
    fn tell(&mut self, cx: &mut Context<Self>) {
        for news in self.server.news() {
            match news {
                News::Answer(client, answer) => {
                    if matches!(answer, kv::Message::Unable { .. }) {
                        cx.measure("unavailable", 1);
                    }
                    cx.send(client, answer.into());
                }
                News::Told(told) => cx.fact(Fact::Paxos(told)),
                News::Began => {
                    self.ballots += 1;
                    cx.measure("ballots", 1);
                }
                News::Chose => cx.measure("values chosen", 1),
            }
        }
    }
}

impl Component for PaxosNode {
    type Message = Message;
    type Config = PaxosNodeConfig;
    type Disk = Store;
    type Timer = ServerTimer;

    fn boot(cx: &mut Context<Self>, disk: &Store) -> Self {
        let mut founders: Vec<NodeId> = Vec::new();
        if cx.now() < FOUNDING {
            founders.extend(cx.peers_of(PaxosNode::KIND).chain([cx.id()]));
            founders.sort_unstable();
        }
        let rules = rules(cx.config());
        let mut node = PaxosNode { server: Server::boot(&mut port(cx), disk, &founders, &rules), ballots: 0 };
        node.tell(cx);
        node
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let rules = rules(cx.config());
        match message {
            Message::Paxos(message) => self.server.on_message(&mut port(cx), &rules, from, message),
            Message::Kv(kv::Message::Ask { number, key, op }) => {
                self.server.ask(&mut port(cx), &rules, from, number, key, op);
            }
            Message::Health(health::Message::Ping { round }) => {
                return cx.send(from, health::Message::Pong { round }.into());
            }
            other => return super::not_understood(cx, from, &other),
        }
        self.tell(cx);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: ServerTimer) {
        let (rules, wired): (_, Vec<NodeId>) = (rules(cx.config()), cx.peers_of(PaxosNode::KIND).collect());
        self.server.on_timer(&mut port(cx), &rules, timer, &wired);
        self.tell(cx);
    }

    fn look(&self, config: &PaxosNodeConfig) -> Look {
        let server = &self.server;
        let (promised, learnt) = server.promised();
        let (waiting, open) = server.waiting();
        let one = config.proposes == Proposes::One;
        let (role, star) = match server.phase() {
            _ if server.acceptors().is_empty() => ("learner", false),
            Phase::Idle => ("acceptor", false),
            Phase::Resting => ("gives way", false),
            Phase::Beginning(_) | Phase::Preparing { .. } => ("prepares", false),
            Phase::Proposing(_) if one => ("distinguished proposer", true),
            Phase::Proposing(_) => ("proposes", true),
        };
        let mut lines = vec![
            ("promised", promised.to_string()),
            ("knows what was chosen up to", learnt.to_string()),
            ("keys", server.machine().keys().to_string()),
            ("acceptors", server.acceptors().len().to_string()),
            ("ballots begun", self.ballots.to_string()),
            ("waiting, proposed", format!("{waiting}, {open}")),
        ];
        if let Phase::Preparing { ballot, promised, .. } = server.phase() {
            lines.push(("has promises", format!("{} for ballot {ballot}", promised.len())));
        }
        let settled = server.recent().iter().map(|(instance, value)| (format!("{instance} {}", value.short()), true));
        let open = server
            .accepted()
            .iter()
            .map(|(instance, (ballot, value))| (format!("{instance} {} by {}", value.short(), ballot.round), false));
        let log = settled.chain(open).map(|(text, settled)| Cell { text, settled }).collect();
        Look { role: role.into(), star, ready: !server.acceptors().is_empty(), lines, log }
    }

    fn timer_name(timer: &ServerTimer) -> &'static str {
        match timer {
            ServerTimer::Begun(_) | ServerTimer::Promised(..) => "promise written",
            ServerTimer::Accepted(..) => "acceptance written",
            ServerTimer::Beat => "beat",
            ServerTimer::Again => "try again",
        }
    }

    fn work(&self, message: &Message) -> Work {
        match message {
            Message::Kv(_)
            | Message::Paxos(Paxos::Prepare { .. } | Paxos::Accept { .. } | Paxos::Everything { .. }) => Work::Service,
            _ => Work::None,
        }
    }

    fn weigh(&self, disk: &Store, scale: &mut Scale) {
        self.server.weigh(scale);
        disk.machine.weigh(scale);
    }
}

impl Placeable for PaxosNode {
    const KIND: &'static str = "paxos-node";
    const TITLE: &'static str = "Paxos node";
    const ABOUT: &'static str = crate::later_text!(
        "Agrees with a majority of its kind on one value after another: proposer, acceptor, learner."
    );
    const GLYPH: Glyph = Glyph::Database;
    const FAMILY: Family = Family::Storage;
    const TALKS_TO: &'static [&'static str] = &["kv-client", "paxos-node"];
    fn machine() -> Machine {
        super::store_machine()
    }
}
