//! A node of a store whose values lie on N of its nodes: whichever a client asks coordinates.

use std::rc::Rc;

use crate::protocols::quorum::{self, Node, Outcome, Repair, Rules, Store, Timer as QuorumTimer, Version, Versions};
use crate::protocols::{Family, health, kv};
use crate::sim::{Component, Context, Lift, Look, Machine, Micros, NodeId, Work};

use super::{Fact, Glyph, Message, Placeable};

crate::choice! {
    /// Who counts towards a quorum.
    pub enum Quorum {
        /// The key's N homes only.
        Strict = "strict",
        /// Whoever stands in for one of them, too.
        Sloppy = "sloppy",
    }
}

crate::config! {
    /// What can be set about a node.
    pub struct QuorumConfig {
        /// N: on how many nodes a key lies.
        n: u32 = 3, in 1, 64, "";
        /// R: how many a read waits for. With R + W no more than N a read may miss what was written: a mistake, if one needs it.
        r: u32 = 2, in 1, 64, "";
        /// W: how many a write waits for.
        w: u32 = 2, in 1, 64, "";
        /// What says which of two values is later. The clock is a mistake where clocks are wrong: what was acknowledged may be lost.
        versions: Versions = Versions::Number, in 0, 0, "";
        /// Whether a read writes back what it is about to answer; without that it is no more than regular.
        read_back: bool = true, in 0, 1, "";
        /// Who counts towards a quorum. Sloppy ones need not meet: a mistake, where R + W > N is relied on.
        quorum: Quorum = Quorum::Strict, in 0, 0, "";
        /// Whether what a node missed is kept for it as a hint.
        handoff: bool = true, in 0, 1, "";
        /// How nodes that missed something come to have it; with none they never may, which is a mistake.
        repair: Repair = Repair::Both, in 0, 0, "";
        /// At how many places of the ring each node stands.
        virtual_nodes: u32 = 16, in 1, 1000, "";
        /// How long a coordinator waits; after half of it who has not answered is taken for dead.
        timeout: Micros = Micros::ms(400), in 0.002, 60.0, "";
        /// How often it asks those again, hands over hints, and compares with another.
        beat: Micros = Micros::ms(500), in 0.01, 60.0, "";
    }
}

/// A node.
#[derive(Clone, Debug, Hash)]
pub struct QuorumNode {
    node: Node,
    answered: u64,
}

fn rules(config: &QuorumConfig) -> Rules {
    Rules {
        n: config.n as usize,
        r: config.r as usize,
        w: config.w as usize,
        versions: config.versions,
        read_back: config.read_back,
        sloppy: config.quorum == Quorum::Sloppy,
        handoff: config.handoff,
        repair: config.repair,
        virtual_nodes: config.virtual_nodes,
        timeout: config.timeout,
    }
}

fn port<'c, 'a>(
    cx: &'c mut Context<'a, QuorumNode>,
) -> Lift<'c, 'a, QuorumNode, quorum::Message, QuorumTimer, quorum::Write> {
    Lift { cx, message: Message::Quorum, timer: |timer| timer, write: |write| write }
}

impl QuorumNode {
    /// Everyone it is wired to of its own kind stands on the ring, and itself.
    fn join(&mut self, cx: &Context<Self>) -> Rules {
        let rules = rules(cx.config());
        let mut members: Vec<NodeId> = cx.peers_of(QuorumNode::KIND).chain([cx.id()]).collect();
        members.sort_unstable();
        self.node.join(&members, &rules);
        rules
    }

    fn kept(&self, cx: &mut Context<Self>, key: u32, rules: &Rules) {
        let homes: Rc<[NodeId]> = self.node.homes(key, rules).into();
        if homes.contains(&cx.id()) {
            let told = Rc::from(in_words(self.node.store().get(key)));
            let (key, mark) = (u64::from(key), self.node.mark(key));
            cx.fact(Fact::Kept { key, mark, told, homes, through: Rc::from([]) });
        }
    }

    fn tell(&mut self, cx: &mut Context<Self>, outcome: Outcome, rules: &Rules) {
        for key in outcome.kept {
            self.kept(cx, key, rules);
        }
        for node in outcome.suspected {
            cx.fact(Fact::Suspected { node });
        }
        for (name, count) in
            [("siblings", outcome.siblings), ("read repairs", outcome.repaired), ("hints handed over", outcome.handed)]
        {
            for _ in 0..count {
                cx.measure(name, 1);
            }
        }
        for (client, answer) in outcome.answers {
            self.answered += 1;
            if let kv::Message::Unable { .. } = answer {
                cx.measure("unavailable", 1);
            }
            cx.send(client, answer.into());
        }
    }
}

fn in_words(versions: &[Version]) -> String {
    versions.iter().map(|version| version.value.to_string()).collect::<Vec<_>>().join(" and ")
}

impl Component for QuorumNode {
    type Message = Message;
    type Config = QuorumConfig;
    type Disk = Store;
    type Timer = QuorumTimer;

    fn boot(cx: &mut Context<Self>, disk: &Store) -> Self {
        let node = Node::boot(&mut port(cx), disk);
        let mut booted = QuorumNode { node, answered: 0 };
        let rules = booted.join(cx);
        let keys: Vec<u32> = disk.iter().map(|(key, _)| key).collect();
        for key in keys {
            booted.kept(cx, key, &rules);
        }
        cx.set(QuorumTimer::Beat, cx.config().beat);
        booted
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let rules = self.join(cx);
        let outcome = match message {
            Message::Kv(kv::Message::Ask { number, key, op }) => {
                self.node.ask(&mut port(cx), from, number, key, op, &rules)
            }
            Message::Quorum(message) => self.node.on_message(&mut port(cx), from, message, &rules),
            Message::Health(health::Message::Ping { round }) => {
                return cx.send(from, health::Message::Pong { round }.into());
            }
            other => return super::not_understood(cx, from, &other),
        };
        self.tell(cx, outcome, &rules);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: QuorumTimer) {
        let rules = self.join(cx);
        if timer == QuorumTimer::Beat {
            cx.set(QuorumTimer::Beat, cx.config().beat);
        }
        let outcome = self.node.on_timer(&mut port(cx), timer, &rules);
        self.tell(cx, outcome, &rules);
    }

    fn look(&self, config: &QuorumConfig) -> Look {
        let suspected: Vec<String> = self.node.suspected().map(NodeId::to_string).collect();
        let store = self.node.store();
        let mut lines = vec![
            ("N, R, W", format!("{}, {}, {}", config.n, config.r, config.w)),
            ("takes for dead", if suspected.is_empty() { "nobody".to_owned() } else { suspected.join(" ") }),
            ("coordinates", self.node.open().to_string()),
            ("answered", self.answered.to_string()),
            ("keys", store.iter().count().to_string()),
            ("hints", store.hints().count().to_string()),
        ];
        lines.extend(store.hints().take(4).map(|(to, key, _)| ("hint", format!("key {key} for {to}"))));
        lines.extend(store.iter().take(8).map(|(key, held)| ("holds", format!("{key}: {}", in_words(held)))));
        let role = if store.hints().next().is_some() { "keeps hints" } else { "node" };
        Look { role: role.into(), star: false, ready: true, lines, log: Vec::new() }
    }

    fn timer_name(timer: &QuorumTimer) -> &'static str {
        match timer {
            QuorumTimer::Ready => "ready",
            QuorumTimer::Patience(_) => "patience",
            QuorumTimer::Overdue(_) => "overdue",
            QuorumTimer::Written(..) => "written",
            QuorumTimer::Beat => "beat",
        }
    }

    fn work(&self, message: &Message) -> Work {
        match message {
            Message::Kv(_)
            | Message::Quorum(
                quorum::Message::Put { .. }
                | quorum::Message::Get { .. }
                | quorum::Message::Handoff { .. }
                | quorum::Message::Exchange { .. },
            ) => Work::Service,
            _ => Work::None,
        }
    }
}

impl Placeable for QuorumNode {
    const KIND: &'static str = "quorum-node";
    const TITLE: &'static str = "Quorum node";
    const ABOUT: &'static str =
        crate::later_text!("Keeps its part of a ring of keys; writes wait for W of a key's N nodes, reads for R.");
    const GLYPH: Glyph = Glyph::Database;
    const FAMILY: Family = Family::Storage;
    const TALKS_TO: &'static [&'static str] = &["kv-client", "quorum-node"];
    fn machine() -> Machine {
        super::store_machine()
    }
}
