//! A replica of [`pbft`]: executes what clients ask in an order on which enough of its kind agree, of whom some may lie.
//!
//! Everyone that is wired to it in the first second of a run is a replica with it. Whoever is placed later stands by.

use crate::protocols::pbft::{
    Lies, Message as Pbft, Mistake, News, Replica, Rules, Store, Timer as ReplicaTimer, Write,
};
use crate::protocols::{Family, health};
use crate::sim::{Cell, Component, Context, Dist, Lift, Look, Machine, Micros, NodeId, Scale, Work};

use super::raft_node::FOUNDING;
use super::{Fact, Glyph, Message, Placeable};

/// How many of the last numbers a look shows.
const CELLS: usize = 6;

crate::config! {
    /// What can be set about a replica.
    pub struct PbftReplicaConfig {
        /// How many of them may be faulty: f. There must be more than three times as many.
        f: u32 = 1, in 0, 20, "";
        /// After how many requests they compare their states; the high water mark is twice as far from the low one.
        checkpoint: u32 = 8, in 1, 1000, "";
        /// How long a request may wait before a backup gives the primary up.
        patience: Micros = Micros::ms(1500), in 0.01, 600.0, "";
        /// What it does if it is faulty.
        lies: Lies = Lies::None, in 0, 0, "";
        /// A mistake made on purpose: too small a quorum, no round of PREPARE.
        mistake: Mistake = Mistake::None, in 0, 0, "";
    }
}

/// A replica.
#[derive(Clone, Debug, Hash)]
pub struct PbftReplica {
    replica: Replica,
}

fn port<'c, 'a>(cx: &'c mut Context<'a, PbftReplica>) -> Lift<'c, 'a, PbftReplica, Pbft, ReplicaTimer, Write> {
    Lift { cx, message: Message::Pbft, timer: |timer| timer, write: |write| write }
}

fn rules(config: &PbftReplicaConfig) -> Rules {
    let PbftReplicaConfig { f, checkpoint, patience, lies, mistake } = *config;
    Rules { f, checkpoint: u64::from(checkpoint), patience, lies, mistake }
}

impl PbftReplica {
    fn tell(&mut self, cx: &mut Context<Self>) {
        for news in self.replica.news() {
            match news {
                News::Told(told) => {
                    match told.name() {
                        "executed" => cx.measure("executed", 1),
                        "changes-view" => cx.measure("view changes", 1),
                        _ => {}
                    }
                    cx.fact(Fact::Pbft(told));
                }
                News::Sent("PRE-PREPARE") => cx.measure("pre-prepares", 1),
                News::Sent("PREPARE") => cx.measure("prepares", 1),
                News::Sent("COMMIT") => cx.measure("commits", 1),
                News::Sent(_) => {}
            }
        }
    }
}

impl Component for PbftReplica {
    type Message = Message;
    type Config = PbftReplicaConfig;
    type Disk = Store;
    type Timer = ReplicaTimer;

    fn boot(cx: &mut Context<Self>, disk: &Store) -> Self {
        let mut founders: Vec<NodeId> = Vec::new();
        if cx.now() < FOUNDING {
            founders.extend(cx.peers_of(PbftReplica::KIND).chain([cx.id()]));
            founders.sort_unstable();
        }
        let rules = rules(cx.config());
        let mut replica = PbftReplica { replica: Replica::boot(&mut port(cx), disk, &founders, &rules) };
        replica.tell(cx);
        replica
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let rules = rules(cx.config());
        match message {
            Message::Pbft(message) => self.replica.on_message(&mut port(cx), &rules, from, message),
            Message::Health(health::Message::Ping { round }) => {
                return cx.send(from, health::Message::Pong { round }.into());
            }
            other => return super::not_understood(cx, from, &other),
        }
        self.tell(cx);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: ReplicaTimer) {
        let rules = rules(cx.config());
        self.replica.on_timer(&mut port(cx), &rules, timer);
        self.tell(cx);
    }

    fn look(&self, config: &PbftReplicaConfig) -> Look {
        let core = self.replica.core();
        let role = match config.lies {
            _ if core.replicas.is_empty() => "stands by",
            _ if core.changing => "changes view",
            Lies::None if self.replica.is_primary() => "primary",
            Lies::None => "backup",
            _ if self.replica.is_primary() => "faulty primary",
            _ => "faulty",
        };
        let (low, high) = (core.stable.seq, core.stable.seq + 2 * u64::from(config.checkpoint));
        let lines = vec![
            ("view", core.view.to_string()),
            ("primary", self.replica.primary().map_or("nobody".to_owned(), |node| node.to_string())),
            ("executed up to", core.executed.to_string()),
            ("water marks", format!("{low}, {high}")),
            ("keys", core.machine.keys().to_string()),
            ("requests that wait", self.replica.waiting().to_string()),
        ];
        let cells = core.slots.iter().filter_map(|(seq, slot)| {
            let (_, value, _) = slot.proposal.as_ref()?;
            Some(Cell { text: format!("{seq} {}", value.short()), settled: *seq <= core.executed })
        });
        let mut log: Vec<Cell> = cells.collect();
        log.drain(..log.len().saturating_sub(CELLS));
        let star = self.replica.is_primary();
        Look { role: role.into(), star, ready: !core.replicas.is_empty() && !core.changing, lines, log }
    }

    fn timer_name(timer: &ReplicaTimer) -> &'static str {
        match timer {
            ReplicaTimer::Patience => "patience",
            ReplicaTimer::Again => "say again",
        }
    }

    fn work(&self, message: &Message) -> Work {
        match message {
            Message::Pbft(Pbft::Request { .. } | Pbft::PrePrepare { .. } | Pbft::State { .. }) => Work::Service,
            _ => Work::None,
        }
    }

    fn weigh(&self, disk: &Store, scale: &mut Scale) {
        self.replica.weigh(scale);
        disk.0.weigh(scale);
    }
}

impl Placeable for PbftReplica {
    const KIND: &'static str = "pbft-replica";
    const TITLE: &'static str = "PBFT replica";
    const ABOUT: &'static str = crate::later_text!(
        "Executes what clients ask in an order on which enough of its kind agree, although some of them may lie."
    );
    const GLYPH: Glyph = Glyph::Database;
    const FAMILY: Family = Family::Storage;
    const TALKS_TO: &'static [&'static str] = &["pbft-client", "pbft-replica"];
    fn machine() -> Machine {
        // The paper's replicas do not wait for disks.
        Machine { disk: Dist::Constant(Micros::ZERO), ..super::store_machine() }
    }
}
