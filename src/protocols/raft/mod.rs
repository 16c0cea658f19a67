//! Raft: a log that is the same on all servers, as long as a majority of them can talk (Ongaro and Ousterhout, In Search of
//! an Understandable Consensus Algorithm, USENIX ATC 2014; Ongaro, Consensus: Bridging Theory and Practice, 2014: «the
//! thesis»). Sections with § are the paper's.
//!
//! ```text
//! client            leader                  followers
//!   │ Ask ────────────▶│ its log, its disk ─┐   │
//!   │                  │ AppendEntries ─────┼──▶│ the same log before it? its log, its disk
//!   │                  │◀───────────────────┼───│ AppendEntriesReply
//!   │◀─────────── Done │ on a majority of disks: committed, and applied
//!   │                  │ the next AppendEntries says so to the followers
//! ```
//!
//! Where it departs from the sources, and why that is safe:
//! - **Membership** changes one server at a time (thesis §4.1): any two majorities of two such configurations overlap, so
//!   no joint configuration is needed, and one log entry says all. As corrected in 2015 a leader changes it only after it
//!   has committed an entry of its own term: else two leaders might each append a change to the same configuration, whose
//!   majorities need not overlap. A newcomer gets the log before it counts (§4.2.1). Founders are all that are wired
//!   together at first; the rest ask to be added.
//! - **A server that has lost its disk** comes back as another one: it asks to be added, and neither votes nor counts
//!   until the old one was removed and it was added. The sources leave this to the operator.
//! - **Answers** are sent when everything that was written before them is on the disk, also those that need not wait. A
//!   leader writes its log while its followers write theirs (thesis §10.2.1).
//! - **One AppendEntries is under way to each follower**; what comes meanwhile goes in the next. A heartbeat sends again.
//! - **A leader steps down** when it has not heard from a majority for an election time-out (thesis §6.2), and a server
//!   that has just heard from one does not vote against it (§4.2.3), which leases rely on.
//! - **A snapshot** is sent in one piece, and is the machine itself, which costs nothing to take. One is under way to each
//!   follower, and none to one that was not heard of for an election time-out: it is asked whether it is there and whether
//!   it needs one. A snapshot counts as lost when a round that began an election time-out after it is answered without it.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::sim::{Micros, NodeId, Port, Scale, Table, Time};

use super::board::Placed;
use super::chat::Page;
use super::kv;

mod election;
mod history;
mod leader;
mod log;
mod machine;
mod membership;
mod mistake;
mod replication;
mod wire;

#[cfg(test)]
mod tests;

pub use leader::{Leader, Progress, Question};
pub use log::{Log, Snapshot};
pub use machine::{Came, Command, Effect, Entry, MAX_KEYS, MAX_SESSIONS, Machine, Member};
pub use mistake::Mistake;
pub use wire::{Message, Store, Write};

/// How many servers a configuration may have, and as many may be on their way into it.
pub const MAX_MEMBERS: usize = 32;
/// How many entries a leader takes in beyond what is committed; to what comes then it answers that it cannot.
pub const MAX_UNCOMMITTED: u64 = 1_024;
/// How many reads may wait to be confirmed; to what comes then it answers that it cannot.
pub const MAX_READS: usize = 1_024;
/// How many answers may wait for the disk; more are not sent, as if the network had lost them.
pub const MAX_WAITING: usize = 1_024;
/// How many rounds a leader remembers the beginning of.
pub const MAX_ROUNDS: usize = 64;
/// Of a lease only this share, in per mille, is used: clocks may run differently fast.
pub const LEASE_PERMILLE: u64 = 900;

crate::choice! {
    /// How a leader answers what only reads.
    #[derive(Default)]
    pub enum Reads {
        /// As everything else: through the log (§8).
        Log = "log",
        /// From its state, when a round of heartbeats has shown that it still leads (thesis §6.4).
        #[default]
        Index = "index",
        /// From its state, as long as no other can have been elected by the clocks (thesis §6.4.1).
        Lease = "lease",
        /// From its state, whatever has happened meanwhile: a mistake.
        Local = "local",
    }
}

/// How a server behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// The shortest election time-out.
    pub election_min: Micros,
    /// The longest.
    pub election_max: Micros,
    /// How often a leader lets its followers hear of it.
    pub heartbeat: Micros,
    /// Whether a server asks whether it would be elected before it stands for election.
    pub pre_vote: bool,
    /// Whether a leader that hears from no majority steps down.
    pub check_quorum: bool,
    /// How reads are answered.
    pub reads: Reads,
    /// How many entries a message has at most.
    pub batch: u32,
    /// After how many applied entries a snapshot takes their place.
    pub compaction: u32,
    /// What is done wrong.
    pub mistake: Mistake,
}

/// A server's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// No leader was heard of for an election time-out.
    Election,
    /// Its followers are to hear of the leader.
    Heartbeat,
    /// A leader hands over no longer.
    Transfer,
    /// Everything up to this write is on the disk.
    Written(u64),
}

/// What a server is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Follows a leader, or waits for one.
    Follower,
    /// Asks whether it would be elected.
    PreCandidate {
        /// Who said so.
        votes: Vec<NodeId>,
    },
    /// Stands for election.
    Candidate {
        /// Who votes for it.
        votes: Vec<NodeId>,
        /// Whether the leader wanted it.
        transfer: bool,
    },
    /// Leads.
    Leader(Box<Leader>),
}

/// What a handler brought about, for the host to tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum News {
    /// It leads.
    Elected {
        /// In which term.
        term: u64,
    },
    /// Entries were put into its log, in place of everything from their first index on.
    Appended {
        /// The server's term.
        term: u64,
        /// The first one's index.
        index: u64,
        /// Their stamps; see [`Entry::stamp`].
        entries: Rc<[(u64, u64)]>,
    },
    /// Its log is now this: it has started, or a snapshot took the place of what it had.
    Restored {
        /// The snapshot's last index.
        index: u64,
        /// Its term.
        term: u64,
        /// The stamps of the entries after it.
        entries: Rc<[(u64, u64)]>,
    },
    /// It has applied everything up to here.
    Applied {
        /// The last one's index.
        index: u64,
        /// The term in which the server is.
        term: u64,
    },
    /// A client is to hear this.
    Answer {
        /// Which.
        client: NodeId,
        /// What.
        message: kv::Message,
    },
    /// A message stands in its conversation on a majority of disks.
    Placed(Placed),
    /// Part of a conversation, as it was asked for.
    Page {
        /// Who asked.
        asker: NodeId,
        /// For which reader.
        reader: NodeId,
        /// Which conversation.
        conversation: u32,
        /// What.
        page: Page,
    },
    /// There is no room for what this one asked for: it was not taken in.
    Full(NodeId),
    /// This one is to ask the leader.
    Elsewhere(NodeId),
}

/// What waits for the disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Waiting {
    /// To be said, in the term in which it was meant.
    Say { to: NodeId, message: Message, term: u64 },
    /// To count as stored: everything up to this index.
    Stored { index: u64 },
    /// To ask for votes in this term, now that its own is safe.
    Campaign { term: u64 },
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    me: Member,
    /// currentTerm.
    term: u64,
    /// votedFor.
    vote: Option<NodeId>,
    log: Log,
    role: Role,
    /// Who leads in this term, as far as it knows.
    leader: Option<NodeId>,
    /// When it last heard from a leader of its term; since its start it behaves as if it had.
    heard: Time,
    /// commitIndex and lastApplied: what is committed is applied at once.
    commit: u64,
    machine: Rc<Machine>,
    /// The configurations in the log and the indices of their entries, ascending; the snapshot's is the first.
    configurations: Vec<(u64, Rc<[Member]>)>,
    /// The number of each client's last command that it put into its log as a leader, and in which term: of these it
    /// cannot say that they will not be done.
    taken: Table<NodeId, (u64, u64)>,
    /// Whether term or vote must be written.
    unsaved: bool,
    /// Writes are numbered; how many were begun, and how many are on the disk.
    writes: u64,
    written: u64,
    /// How far its log is on the disk.
    stored: u64,
    waiting: VecDeque<(u64, Waiting)>,
    /// Since the host last took them.
    news: Vec<News>,
}

/// The port that a server needs.
pub trait RaftPort: Port<Message = Message, Timer = Timer, Write = Write> {}
impl<P: Port<Message = Message, Timer = Timer, Write = Write>> RaftPort for P {}

impl Server {
    /// Starts, and starts again, from what is on the disk. Where nothing ever was on it, `founders` is the first
    /// configuration; without founders it knows of none, and waits to be added.
    pub fn boot<P: RaftPort>(port: &mut P, rules: &Rules, store: &Store, founders: &[NodeId]) -> Server {
        let first: Rc<[Member]> = founders.iter().map(|node| Member { node: *node, life: 0 }).collect();
        // A newcomer's disk is told from the one that it may have had before.
        let life = if founders.is_empty() { port.rng().bits() | 1 } else { 0 };
        let (life, log) = if store.used {
            (store.life, store.log.clone())
        } else {
            let snapshot = Snapshot { members: first.clone(), ..Snapshot::default() };
            (life, Log::new(Rc::new(snapshot), Vec::new()))
        };
        let snapshot = log.snapshot().clone();
        let mut server = Server {
            me: Member { node: port.id(), life },
            term: store.term,
            vote: store.vote,
            role: Role::Follower,
            leader: None,
            heard: port.now(),
            commit: snapshot.index,
            machine: snapshot.machine.clone(),
            configurations: Vec::new(),
            taken: Table::new(),
            unsaved: false,
            writes: 0,
            written: 0,
            stored: log.last(),
            waiting: VecDeque::new(),
            news: Vec::new(),
            log,
        };
        if !store.used {
            server.write(port, Write::Begin { life, founders: first });
        }
        server.restored();
        for entry in server.log.from(0, usize::MAX) {
            if let Some((client, number)) = wire::is_asked(&entry.command) {
                server.taken.insert(client, (number, entry.term));
            }
        }
        server.await_leader(port, rules);
        server
    }

    /// What it is.
    pub fn role(&self) -> &Role {
        &self.role
    }
    /// currentTerm.
    pub fn term(&self) -> u64 {
        self.term
    }
    /// votedFor.
    pub fn vote(&self) -> Option<NodeId> {
        self.vote
    }
    /// Who leads in its term, as far as it knows.
    pub fn leader(&self) -> Option<NodeId> {
        self.leader
    }
    /// commitIndex.
    pub fn commit(&self) -> u64 {
        self.commit
    }
    /// Its log.
    pub fn log(&self) -> &Log {
        &self.log
    }
    /// How far its log is on the disk.
    pub fn stored(&self) -> u64 {
        self.stored
    }
    /// The state machine.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }
    /// Which server it is.
    pub fn me(&self) -> Member {
        self.me
    }
    /// The latest configuration in its log, committed or not: a server goes by that (thesis §4.1).
    pub fn members(&self) -> &[Member] {
        self.configurations.last().map_or(&[], |(_, members)| members)
    }
    /// Whether it is a member, as far as its log says.
    pub fn is_member(&self) -> bool {
        self.members().contains(&self.me)
    }
    /// Puts its log and its machine on the scale.
    pub fn weigh(&self, scale: &mut Scale) {
        self.machine.weigh(scale);
        self.log.weigh(scale);
    }
    /// What has happened since one last asked.
    pub fn news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// A server said something.
    pub fn on_message<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, from: NodeId, message: Message) {
        if !self.is_disruption(port.now(), rules, &message)
            && let Some(term) = message.term()
            && term > self.term
        {
            self.follow(port, rules, term, None);
        }
        match message {
            Message::RequestVote { pre: true, term, last_log_index, last_log_term, .. } => {
                self.on_pre_vote(port, rules, from, term, (last_log_term, last_log_index));
            }
            Message::RequestVote { term, last_log_index, last_log_term, .. } => {
                self.on_request_vote(port, rules, from, term, (last_log_term, last_log_index));
            }
            Message::RequestVoteReply { term, vote_granted, pre } => {
                self.on_vote(port, rules, from, term, vote_granted, pre);
            }
            Message::AppendEntries { term, prev_log_index, prev_log_term, entries, leader_commit, round } => {
                if self.hears_leader(port, rules, from, term, round) {
                    self.on_append(port, rules, from, (prev_log_index, prev_log_term), &entries, leader_commit, round);
                }
            }
            Message::InstallSnapshot { term, snapshot, round } => {
                if self.hears_leader(port, rules, from, term, round) {
                    self.on_install(port, rules, from, snapshot, round);
                }
            }
            Message::AppendEntriesReply { term, success, index, conflict_term, round, .. } => {
                if term == self.term {
                    self.on_append_reply(port, rules, from, success.then_some(()).ok_or(conflict_term), index, round);
                }
            }
            Message::TimeoutNow { term } => {
                if term == self.term && self.is_member() && !matches!(self.role, Role::Leader(_)) {
                    port.note(format!("{from} hands over: it stands for election at once"));
                    self.stand(port, rules, true);
                }
            }
            Message::AddServer { server } => self.on_add_server(port, rules, from, server),
            Message::RemoveServer { server } => self.on_remove_server(port, rules, from, server),
            Message::TransferLeadership { server } => self.on_transfer(port, rules, from, server),
        }
        self.save(port, rules);
    }

    /// A timer ran out.
    pub fn on_timer<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, timer: Timer) {
        match timer {
            Timer::Election => self.on_election_timeout(port, rules),
            Timer::Heartbeat => self.on_heartbeat(port, rules),
            Timer::Transfer => self.on_transfer_over(port),
            Timer::Written(number) => self.on_written(port, rules, number),
        }
        self.save(port, rules);
    }

    /// Is what a leader says of this term? If so this server follows it; if not the sender hears of the newer term.
    fn hears_leader<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, from: NodeId, term: u64, round: u64) -> bool {
        if term < self.term {
            let (term, index) = (self.term, self.log.last());
            let reply =
                Message::AppendEntriesReply { term, success: false, index, conflict_term: None, round, beat: true };
            port.send(from, reply);
            return false;
        }
        self.follow(port, rules, term, Some(from));
        self.heard = port.now();
        true
    }

    /// Is a follower in this term, of this leader.
    fn follow<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, term: u64, leader: Option<NodeId>) {
        if term > self.term {
            (self.term, self.vote, self.unsaved) = (term, None, true);
        }
        self.leader = leader;
        self.step_down(port, rules);
        if leader.is_some() {
            self.await_leader(port, rules);
        }
    }

    /// Is a follower; what it had begun as a leader is over.
    fn step_down<P: RaftPort>(&mut self, port: &mut P, rules: &Rules) {
        if let Role::Leader(leader) = std::mem::replace(&mut self.role, Role::Follower) {
            port.note(format!("leads no longer; it is in term {}", self.term));
            port.cancel(&Timer::Heartbeat);
            port.cancel(&Timer::Transfer);
            for read in leader.reads {
                self.send_on(read);
            }
            self.await_leader(port, rules);
        }
    }

    /// Waits for a leader for a time that is drawn anew each time (§5.2).
    fn await_leader<P: RaftPort>(&mut self, port: &mut P, rules: &Rules) {
        let spread = rules.election_max.0.saturating_sub(rules.election_min.0);
        let span = rules.election_min.0 + port.rng().below(spread + 1);
        port.set(Timer::Election, Micros(span));
    }

    fn answer(&mut self, client: NodeId, message: kv::Message) {
        self.news.push(News::Answer { client, message });
    }

    /// How many are a majority of the members.
    fn majority(&self, rules: &Rules) -> usize {
        let members = self.members().len();
        if rules.mistake == Mistake::Half { (members / 2).max(1) } else { members / 2 + 1 }
    }

    /// Says something once everything that it may rest on is on the disk.
    fn say<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, to: NodeId, message: Message) {
        self.save(port, rules);
        let term = self.term;
        self.when_written(port, rules, Waiting::Say { to, message, term });
    }

    fn when_written<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, what: Waiting) {
        if self.written == self.writes {
            self.go_on(port, rules, what);
        } else if self.waiting.len() < MAX_WAITING || !matches!(what, Waiting::Say { .. }) {
            self.waiting.push_back((self.writes, what));
        }
    }

    fn write<P: RaftPort>(&mut self, port: &mut P, write: Write) {
        self.writes += 1;
        port.persist(write, Some(Timer::Written(self.writes)));
    }

    /// Writes term and vote, if they have changed.
    fn save<P: RaftPort>(&mut self, port: &mut P, rules: &Rules) {
        if std::mem::take(&mut self.unsaved) {
            let vote = self.vote.filter(|_| rules.mistake != Mistake::VoteForgotten);
            let term = self.term;
            self.write(port, Write::Vote { term, vote });
        }
    }

    fn on_written<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, number: u64) {
        self.written = self.written.max(number);
        while self.waiting.front().is_some_and(|(number, _)| *number <= self.written) {
            let Some((_, what)) = self.waiting.pop_front() else { break };
            self.go_on(port, rules, what);
        }
    }

    fn go_on<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, what: Waiting) {
        match what {
            // What was meant in an earlier term would be believed by nobody.
            Waiting::Say { to, message, term } if term == self.term => port.send(to, message),
            Waiting::Say { .. } => {}
            Waiting::Stored { index } => {
                self.stored = self.stored.max(index);
                self.advance_commit(port, rules);
            }
            Waiting::Campaign { term } => self.campaign(port, rules, term),
        }
    }

    /// Puts entries into the log and on the disk, in place of everything from `index` on.
    fn put<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, index: u64, entries: &[Entry]) {
        self.save(port, rules);
        // What was on its way to the disk may be overwritten there.
        let before = index - 1;
        self.stored = self.stored.min(before);
        for (_, waiting) in &mut self.waiting {
            if let Waiting::Stored { index } = waiting {
                *index = (*index).min(before);
            }
        }
        self.configurations.retain(|(at, _)| *at < index || *at == self.log.snapshot().index);
        self.log.put(index, entries);
        for (at, entry) in (index..).zip(entries) {
            if let Command::Configuration(members) = &entry.command {
                self.configurations.push((at, members.clone()));
            }
        }
        self.write(port, Write::Entries { index, entries: Rc::from(entries) });
        let stamps = entries.iter().map(Entry::stamp).collect();
        self.news.push(News::Appended { term: self.term, index, entries: stamps });
        let index = self.log.last();
        self.when_written(port, rules, Waiting::Stored { index });
    }

    /// Tells what its log is, and which configurations are in it.
    fn restored(&mut self) {
        let snapshot = self.log.snapshot();
        self.configurations = vec![(snapshot.index, snapshot.members.clone())];
        let entries = self.log.from(0, usize::MAX);
        for (at, entry) in (snapshot.index + 1..).zip(entries) {
            if let Command::Configuration(members) = &entry.command {
                self.configurations.push((at, members.clone()));
            }
        }
        let entries = entries.iter().map(Entry::stamp).collect();
        self.news.push(News::Restored { index: snapshot.index, term: snapshot.term, entries });
    }

    /// Applies everything up to `commit`, and lets a snapshot take the place of much that was applied.
    fn apply<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, commit: u64) {
        if commit <= self.commit {
            return;
        }
        let leads = matches!(self.role, Role::Leader(_));
        for index in self.commit + 1..=commit {
            let Some(entry) = self.log.get(index) else { break };
            let effects = Rc::make_mut(&mut self.machine).apply(&entry.command);
            self.commit = index;
            // Whoever took it in answers; others' clients ask again. Of what stands in a conversation a leader tells all.
            let told = |effect: &Effect| leads && (entry.term == self.term || matches!(effect, Effect::Placed(_)));
            self.news.extend(effects.into_iter().filter(told).map(News::from));
        }
        self.news.push(News::Applied { index: self.commit, term: self.term });
        let snapshot = self.log.snapshot().index;
        if self.commit - snapshot >= u64::from(rules.compaction) {
            self.compact(port, rules);
        }
    }

    #[cold]
    fn compact<P: RaftPort>(&mut self, port: &mut P, rules: &Rules) {
        let index = self.commit;
        let Some(term) = self.log.term(index) else { return };
        let place = self.configurations.iter().rposition(|(at, _)| *at <= index).unwrap_or(0);
        let members = self.configurations[place].1.clone();
        self.configurations.drain(..place);
        self.configurations[0].0 = index;
        let snapshot = Rc::new(Snapshot { index, term, members, machine: self.machine.clone() });
        self.log.install(snapshot.clone());
        self.write(port, Write::Snapshot(snapshot));
        self.when_written(port, rules, Waiting::Stored { index });
    }
}
