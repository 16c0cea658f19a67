//! A server of [`raft`]: a store of values under keys whose log is the same on a majority of servers.
//!
//! Everyone that is wired to it in the first second of a run founds the cluster with it. Whoever is placed later asks the
//! others to be added, until it is. What a person wants of one server is a setting: to lead, or to leave.

use crate::protocols::board::{Asked, Placed};
use crate::protocols::kv;
use crate::protocols::primary_backup::Message as History;
use crate::protocols::raft::{
    self, Message as Raft, Mistake, News, Question, Reads, Role, Rules, Server, Store, Write,
};
use crate::protocols::{Family, health};
use crate::sim::{Cell, Component, Context, Item, Lift, Look, Machine, Micros, NodeId, Scale, Time, Work};

use super::{Fact, Glyph, Message, Placeable};

/// How many of the last entries a look shows.
const CELLS: u64 = 8;
/// Whoever starts for the first time after this was not there when the cluster was founded.
pub const FOUNDING: Time = Time(1_000_000);
/// How often a server asks for what a person wants of it.
pub const ASKS: Micros = Micros::ms(250);

crate::choice! {
    /// What a person wants of a server.
    #[derive(Default)]
    pub enum Wish {
        /// To be a member.
        #[default]
        Stay = "stay",
        /// To lead: the leader is asked to hand over.
        Lead = "lead",
        /// To be a member no longer.
        Leave = "leave",
    }
}

crate::config! { @opening
    /// What can be set about a server of Raft.
    pub struct RaftNodeConfig {
        /// The shortest election time-out; each is drawn anew between the shortest and the longest.
        election_min: Micros = Micros::ms(150), in 0.001, 60.0, "";
        /// The longest election time-out.
        election_max: Micros = Micros::ms(300), in 0.001, 60.0, "";
        /// How often a leader lets its followers hear of it.
        heartbeat: Micros = Micros::ms(50), in 0.001, 60.0, "";
        /// Whether a server asks whether it would be elected before it stands for election.
        pre_vote: bool = true, in 0, 0, "";
        /// Whether a leader that hears from no majority for the longest election time-out steps down.
        check_quorum: bool = true, in 0, 0, "";
        /// How a leader answers reads: through the log, by read index, by lease, or from what it has, which is a mistake.
        reads: Reads = Reads::Index, in 0, 0, "";
        /// How many entries a message has at most.
        batch: u32 = 64, in 1, 1024, "";
        /// After how many applied entries a snapshot takes their place.
        compaction: u32 = 100, in 1, 4096, "";
        /// What a person wants of this server.
        wish: Wish = Wish::Stay, in 0, 0, "";
        /// A mistake made on purpose: a vote that is not persisted, commitment of earlier terms by counting, no check of the previous entry, no check of a candidate's log, half a majority.
        mistake: Mistake = Mistake::None, in 0, 0, "";
    }
}

impl RaftNodeConfig {
    fn rules(&self) -> Rules {
        Rules {
            election_min: self.election_min,
            election_max: self.election_max,
            heartbeat: self.heartbeat,
            pre_vote: self.pre_vote,
            check_quorum: self.check_quorum,
            reads: self.reads,
            batch: self.batch,
            compaction: self.compaction,
            mistake: self.mistake,
        }
    }
}

/// What a server waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To ask for what a person wants of it.
    Ask,
    /// Something of the protocol.
    Raft(raft::Timer),
}

/// A server.
#[derive(Clone, Debug, Hash)]
pub struct RaftNode {
    server: Server,
    /// Counts its questions to be added, each to another while it knows no leader.
    asked: u64,
}

fn port<'c, 'a>(cx: &'c mut Context<'a, RaftNode>) -> Lift<'c, 'a, RaftNode, Raft, raft::Timer, Write> {
    Lift { cx, message: Message::Raft, timer: Timer::Raft, write: |write| write }
}

impl RaftNode {
    /// Tells what has happened, and answers clients.
    fn tell(&mut self, cx: &mut Context<Self>) {
        for news in self.server.news() {
            match news {
                News::Elected { term } => {
                    cx.measure("elections", 1);
                    cx.fact(Fact::Elected { term });
                }
                News::Appended { term, index, entries } => cx.fact(Fact::Appended { term, index, entries }),
                News::Restored { index, term, entries } => cx.fact(Fact::Restored { index, term, entries }),
                News::Applied { index, term } => cx.fact(Fact::Applied { index, term }),
                News::Answer { client, message } => cx.send(client, message.into()),
                News::Placed(Placed { asker, conversation, item, place }) => {
                    cx.fact(Fact::Stored { item, conversation, place });
                    cx.send(asker, History::Appended { conversation, item, place }.into());
                }
                News::Page { asker, reader, conversation, page } => {
                    cx.send(asker, History::Entries { conversation, reader, page }.into());
                }
                News::Full(asker) => cx.send(asker, History::Busy.into()),
                News::Elsewhere(asker) => {
                    let primary = self.server.leader().filter(|leader| *leader != cx.id());
                    cx.send(asker, History::NotPrimary { primary }.into());
                }
            }
        }
    }

    /// Asks for what a person wants of it, if that is not so, and again until it is.
    fn wish(&mut self, cx: &mut Context<Self>) {
        let me = self.server.me();
        let leave = cx.config().wish == Wish::Leave;
        if self.server.is_member() != leave {
            return;
        }
        let others: Vec<NodeId> = cx.peers_of("raft-node").collect();
        self.asked += 1;
        let turn = others.get((self.asked % others.len().max(1) as u64) as usize).copied();
        let message = if leave { Raft::RemoveServer { server: me.node } } else { Raft::AddServer { server: me } };
        match self.server.leader().filter(|leader| others.contains(leader)) {
            // A leader asks itself.
            None if leave && self.server.leader() == Some(me.node) => {
                let rules = cx.config().rules();
                self.server.on_message(&mut port(cx), &rules, me.node, message);
                self.tell(cx);
            }
            Some(leader) if leave => cx.send(leader, message.into()),
            leader => {
                if let Some(other) = leader.or(turn) {
                    cx.send(other, message.into());
                }
            }
        }
        cx.set(Timer::Ask, ASKS);
    }
}

impl Component for RaftNode {
    type Message = Message;
    type Config = RaftNodeConfig;
    type Disk = Store;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &Store) -> Self {
        let mut founders: Vec<NodeId> = Vec::new();
        if !disk.used && cx.now() <= FOUNDING {
            founders.extend(cx.peers_of("raft-node").take(raft::MAX_MEMBERS - 1));
            founders.push(cx.id());
            founders.sort_unstable();
        }
        let rules = cx.config().rules();
        let server = Server::boot(&mut port(cx), &rules, disk, &founders);
        let mut node = RaftNode { server, asked: 0 };
        node.tell(cx);
        node.wish(cx);
        node
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let rules = cx.config().rules();
        match message {
            Message::Raft(message) => self.server.on_message(&mut port(cx), &rules, from, message),
            Message::Kv(kv::Message::Ask { number, key, op }) => {
                self.server.ask(&mut port(cx), &rules, from, number, key, op);
            }
            Message::History(History::Append { conversation, post, floor }) => {
                self.server.post(&mut port(cx), &rules, Asked { asker: from, conversation, post, floor });
            }
            Message::History(History::Read { conversation, reader, after }) => {
                let question = Question::Page { reader, conversation, after };
                self.server.page(&mut port(cx), &rules, from, question);
            }
            Message::Health(health::Message::Ping { round }) => cx.send(from, health::Message::Pong { round }.into()),
            other => super::not_understood(cx, from, &other),
        }
        self.tell(cx);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Ask => self.wish(cx),
            Timer::Raft(timer) => {
                let rules = cx.config().rules();
                self.server.on_timer(&mut port(cx), &rules, timer);
                self.tell(cx);
            }
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        let me = self.server.me().node;
        if cx.config().wish == Wish::Lead {
            match self.server.leader() {
                Some(leader) if leader != me => cx.send(leader, Raft::TransferLeadership { server: me }.into()),
                Some(_) => {}
                None => cx.note("it knows no leader that could hand over"),
            }
        }
        self.wish(cx);
    }

    fn look(&self, config: &RaftNodeConfig) -> Look {
        let server = &self.server;
        let role = match server.role() {
            Role::Follower if !server.is_member() && config.wish == Wish::Leave => "left",
            Role::Follower if !server.is_member() => "waits to be added",
            Role::Follower => "follower",
            Role::PreCandidate { .. } => "pre-candidate",
            Role::Candidate { .. } => "candidate",
            Role::Leader(_) => "leader",
        };
        let name = |node: Option<NodeId>| node.map_or("none".to_owned(), |node| node.to_string());
        let (log, commit) = (server.log(), server.commit());
        let snapshot = log.snapshot();
        let names: Vec<String> = server.members().iter().map(|member| member.node.to_string()).collect();
        let mut lines = vec![
            ("currentTerm", server.term().to_string()),
            ("votedFor", name(server.vote())),
            ("leader", name(server.leader())),
            ("commitIndex", commit.to_string()),
            ("last entry", format!("{} of term {}", log.last(), log.last_term())),
            ("on disk", format!("up to {}", server.stored())),
            ("snapshot", format!("up to {} of term {}", snapshot.index, snapshot.term)),
            ("members", names.join(", ")),
        ];
        // It serves one or the other.
        match server.machine().board().logs().total() {
            0 => lines.push(("keys", server.machine().keys().to_string())),
            messages => lines.push(("messages", messages.to_string())),
        }
        match server.role() {
            Role::PreCandidate { votes } => lines.push(("would vote for it", votes.len().to_string())),
            Role::Candidate { votes, .. } => lines.push(("votes", votes.len().to_string())),
            Role::Leader(leader) => {
                for (other, progress) in leader.others.iter() {
                    let text = format!("{other}: nextIndex {}, matchIndex {}", progress.next, progress.matched);
                    lines.push(("replicates to", text));
                }
                if let Some(transfer) = &leader.transfer {
                    lines.push(("hands over to", transfer.to.to_string()));
                }
                lines.push(("reads waiting", leader.reads.len().to_string()));
            }
            Role::Follower => {}
        }
        let first = log.last().saturating_sub(CELLS).max(snapshot.index) + 1;
        let cell = |index: u64| {
            let entry = log.get(index)?;
            let text = format!("{index} t{} {}", entry.term, entry.command.short());
            Some(Cell { text, settled: index <= commit })
        };
        let star = matches!(server.role(), Role::Leader(_));
        let ready = server.is_member() && server.leader().is_some();
        Look { role: role.into(), star, ready, lines, log: (first..=log.last()).filter_map(cell).collect() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Ask => "ask again",
            Timer::Raft(raft::Timer::Election) => "election time-out",
            Timer::Raft(raft::Timer::Heartbeat) => "heartbeat",
            Timer::Raft(raft::Timer::Transfer) => "handing over",
            Timer::Raft(raft::Timer::Written(_)) => "written",
        }
    }

    fn work(&self, message: &Message) -> Work {
        match message {
            Message::Kv(_) | Message::History(_) | Message::Raft(Raft::InstallSnapshot { .. }) => Work::Service,
            Message::Raft(Raft::AppendEntries { entries, .. }) if !entries.is_empty() => Work::Service,
            _ => Work::None,
        }
    }

    fn carries(&self, item: Item) -> bool {
        self.server.carries(item)
    }

    fn weigh(&self, disk: &Store, scale: &mut Scale) {
        self.server.weigh(scale);
        disk.log.weigh(scale);
    }
}

impl Placeable for RaftNode {
    const KIND: &'static str = "raft-node";
    const TITLE: &'static str = "Raft server";
    const ABOUT: &'static str =
        "Keeps conversations, or values under keys, in a log that is the same on a majority of servers.";
    const GLYPH: Glyph = Glyph::Database;
    const FAMILY: Family = Family::Storage;
    const TALKS_TO: &'static [&'static str] = &["kv-client", "raft-node", "sender"];
    fn machine() -> Machine {
        super::store_machine()
    }
}
