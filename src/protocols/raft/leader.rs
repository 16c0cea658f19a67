//! What a leader keeps in mind, and what clients ask of it: commands through the log, reads by index or lease.

use std::collections::VecDeque;

use crate::protocols::kv::{self, Op};
use crate::sim::{Micros, NodeId, Table, Time};

use super::{
    Command, Entry, LEASE_PERMILLE, MAX_READS, MAX_ROUNDS, MAX_UNCOMMITTED, Message, Mistake, RaftPort, Reads, Role,
    Rules, Server, Timer,
};

/// What a leader knows of another server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Progress {
    /// nextIndex: the next entry that it sends there.
    pub next: u64,
    /// matchIndex: how far the other's log is known to be the leader's.
    pub matched: u64,
    /// The last entry that is under way there; 0 where none is.
    pub sent: u64,
    /// Whether that was sent before the last heartbeat.
    pub late: bool,
    /// The snapshot that is under way there.
    pub snapshot: Option<Installing>,
    /// The last round that it answered.
    pub round: u64,
    /// When it last answered.
    pub heard: Time,
    /// Which server it is; one that is no member gets the log and does not count.
    pub life: u64,
    /// Whether it is to become a member.
    pub joins: bool,
}

/// A snapshot that is under way to another server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Installing {
    /// The last index that it stands for.
    pub index: u64,
    /// When it was sent.
    pub at: Time,
    /// The first round that began an election time-out later: whoever answers that and still lacks the snapshot will not
    /// get it any more.
    pub lost_by: Option<u64>,
}

impl Progress {
    /// A server of which nothing is known yet.
    pub(super) fn new(next: u64, now: Time, life: u64, joins: bool) -> Progress {
        Progress { next, matched: 0, sent: 0, late: false, snapshot: None, round: 0, heard: now, life, joins }
    }

    /// Whether it was heard of within an election time-out.
    pub(super) fn alive(&self, now: Time, rules: &Rules) -> bool {
        now.since(self.heard) <= rules.election_max
    }
}

/// What a read asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// What is under a key.
    Key {
        /// The client's number of it.
        number: u64,
        /// Which key.
        key: u32,
    },
    /// What comes in a conversation.
    Page {
        /// For which reader.
        reader: NodeId,
        /// Which conversation.
        conversation: u32,
        /// After which place; without it, the end of the conversation.
        after: Option<u64>,
    },
}

impl Question {
    /// Whether this takes the place of what the same client asked before: a client asks for one key at a time, and once
    /// for each reader.
    fn replaces(&self, other: &Question) -> bool {
        match (self, other) {
            (Question::Key { .. }, Question::Key { .. }) => true,
            (Question::Page { reader, .. }, Question::Page { reader: other, .. }) => reader == other,
            _ => false,
        }
    }
}

/// A read that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Read {
    /// Whose.
    pub client: NodeId,
    /// What.
    pub question: Question,
    /// The round that must show that this server still leads.
    round: u64,
}

/// A leader handing over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Transfer {
    /// To whom.
    pub to: NodeId,
    /// Whether it was told to stand for election.
    told: bool,
}

/// A leader's memory, made anew after each election.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Leader {
    /// The other members, and newcomers on their way.
    pub others: Table<NodeId, Progress>,
    /// The first index of its own term: until that is committed it may not know what is.
    first: u64,
    /// Counts rounds of AppendEntries, and when each of the last ones began.
    round: u64,
    began: VecDeque<(u64, Time)>,
    /// Reads that wait.
    pub reads: Vec<Read>,
    /// To whom it hands over.
    pub transfer: Option<Transfer>,
    /// Whether it ever told another to stand for election at once: its lease is worth nothing in this term then.
    lease_given_up: bool,
}

impl Leader {
    pub(super) fn new(first: u64) -> Leader {
        Leader {
            others: Table::new(),
            first,
            round: 0,
            began: VecDeque::new(),
            reads: Vec::new(),
            transfer: None,
            lease_given_up: false,
        }
    }
    pub(super) fn hand_over(&mut self, to: NodeId, told: bool) {
        self.transfer = Some(Transfer { to, told });
        self.lease_given_up |= told;
    }
    pub(super) fn round(&self) -> u64 {
        self.round
    }
}

impl Server {
    /// The first things that a leader does: it makes itself known, and commits what earlier terms left by an entry of its
    /// own (§8).
    pub(super) fn take_over<P: RaftPort>(&mut self, port: &mut P, rules: &Rules) {
        if rules.mistake != Mistake::OldTerm {
            self.append(port, rules, Command::Noop);
        }
        self.begin_round(port, rules);
        port.set(Timer::Heartbeat, rules.heartbeat);
    }

    /// Takes a command into its log.
    pub(super) fn append<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, command: Command) {
        let entry = Entry::new(self.term, command);
        self.put(port, rules, self.log.last() + 1, &[entry]);
    }

    /// A client asks for something.
    pub fn ask<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, client: NodeId, number: u64, key: u32, op: Op) {
        self.asked(port, rules, client, number, key, op);
        self.save(port, rules);
    }

    fn asked<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, client: NodeId, number: u64, key: u32, op: Op) {
        let taken = self.taken.get(&client).copied().filter(|(taken, _)| *taken >= number);
        let Role::Leader(leader) = &mut self.role else {
            let elsewhere = kv::Message::Elsewhere { number, ask: self.leader };
            let unable = kv::Message::Unable { number, perhaps: true };
            return self.answer(client, if taken.is_some() { unable } else { elsewhere });
        };
        if let Some(transfer) = leader.transfer
            && taken.is_none()
        {
            return self.answer(client, kv::Message::Elsewhere { number, ask: Some(transfer.to) });
        }
        match self.machine.session(client) {
            Some((last, came)) if last == number => return self.answer(client, came.answer(number)),
            Some((last, _)) if last > number => return,
            _ => {}
        }
        if op == Op::Read && rules.reads != Reads::Log {
            return self.read(port, rules, client, Question::Key { number, key });
        }
        // It stands in the log already: its client is answered when it is committed. Where an earlier term took it in, it
        // is put there again, and done once.
        if taken.is_some_and(|(_, term)| term == self.term) {
            return;
        }
        if self.log.last().saturating_sub(self.commit) >= MAX_UNCOMMITTED {
            return self.answer(client, kv::Message::Unable { number, perhaps: false });
        }
        if self.taken.len() < super::MAX_SESSIONS || self.taken.contains_key(&client) {
            self.taken.insert(client, (number, self.term));
        }
        self.append(port, rules, Command::Ask { client, number, key, op });
        self.replicate(port, rules);
        self.advance_commit(port, rules);
    }

    /// Reads without the log.
    pub(super) fn read<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, client: NodeId, question: Question) {
        if rules.reads == Reads::Local {
            return self.answer_read(client, question);
        }
        let Role::Leader(leader) = &mut self.role else { return };
        if leader.reads.len() >= MAX_READS {
            return self.refuse(client, question);
        }
        // A client asks again: it waits once.
        leader.reads.retain(|read| read.client != client || !question.replaces(&read.question));
        let idle = leader.reads.is_empty();
        // Only a round that begins after the question shows anything.
        let round = leader.round + 1;
        leader.reads.push(Read { client, question, round });
        let leased = rules.reads == Reads::Lease && self.has_lease(port.now(), rules);
        if idle && !leased {
            self.begin_round(port, rules);
        }
        self.answer_reads(port, rules);
    }

    fn first(&self) -> u64 {
        if let Role::Leader(leader) = &self.role { leader.first } else { u64::MAX }
    }

    /// Whether it has committed an entry of its own term, and so knows what is committed.
    pub(super) fn knows_commit(&self) -> bool {
        self.commit >= self.first()
    }

    /// Sends to everyone, in a new round.
    pub(super) fn begin_round<P: RaftPort>(&mut self, port: &mut P, rules: &Rules) {
        let Role::Leader(leader) = &mut self.role else { return };
        leader.round += 1;
        leader.began.push_back((leader.round, port.now()));
        if leader.began.len() > MAX_ROUNDS {
            leader.began.pop_front();
        }
        let others: Vec<NodeId> = leader.others.keys().copied().collect();
        for other in others {
            self.send_entries(port, rules, other);
        }
        self.answer_reads(port, rules);
    }

    /// The last round that a majority has answered.
    fn confirmed(&self, rules: &Rules) -> u64 {
        let Role::Leader(leader) = &self.role else { return 0 };
        self.reached_by_majority(rules, leader.round, |progress| progress.round)
    }

    /// What a majority of the members has reached, if this server has reached `own`.
    pub(super) fn reached_by_majority(&self, rules: &Rules, own: u64, of: impl Fn(&Progress) -> u64) -> u64 {
        let Role::Leader(leader) = &self.role else { return 0 };
        let reached = |member: &super::Member| {
            if *member == self.me { own } else { leader.others.get(&member.node).map_or(0, &of) }
        };
        let mut all: Vec<u64> = self.members().iter().map(reached).collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        all.get(self.majority(rules) - 1).copied().unwrap_or(0)
    }

    /// Whether no other can have been elected: a majority has answered a round that began less than an election time-out
    /// ago, and votes for nobody until that is over.
    fn has_lease(&self, now: Time, rules: &Rules) -> bool {
        let Role::Leader(leader) = &self.role else { return false };
        let confirmed = self.confirmed(rules);
        let began = leader.began.iter().rev().find(|(round, _)| *round <= confirmed);
        let lasts = Micros(rules.election_min.0 * LEASE_PERMILLE / 1000);
        !leader.lease_given_up && began.is_some_and(|(_, began)| now.since(*began) < lasts)
    }

    /// Answers the reads that may be.
    pub(super) fn answer_reads<P: RaftPort>(&mut self, port: &mut P, rules: &Rules) {
        if !matches!(&self.role, Role::Leader(leader) if !leader.reads.is_empty()) || !self.knows_commit() {
            return;
        }
        let leased = rules.reads == Reads::Lease && self.has_lease(port.now(), rules);
        let confirmed = self.confirmed(rules);
        let Role::Leader(leader) = &mut self.role else { return };
        let reads = std::mem::take(&mut leader.reads);
        let (ready, waiting): (Vec<Read>, Vec<Read>) =
            reads.into_iter().partition(|read| leased || read.round <= confirmed);
        leader.reads = waiting;
        for read in &ready {
            self.answer_read(read.client, read.question);
        }
        // Those that came since wait for a round of their own.
        if !ready.is_empty()
            && let Role::Leader(leader) = &self.role
            && leader.reads.iter().any(|read| read.round > leader.round)
        {
            self.begin_round(port, rules);
        }
    }

    pub(super) fn on_heartbeat<P: RaftPort>(&mut self, port: &mut P, rules: &Rules) {
        let now = port.now();
        let Role::Leader(leader) = &self.role else { return };
        let alive = |progress: &Progress| progress.alive(now, rules);
        let members = self.configurations.last().map_or(&[][..], |(_, members)| members);
        let heard = |member: &&super::Member| **member == self.me || leader.others.get(&member.node).is_some_and(alive);
        let heard = members.iter().filter(heard).count();
        if rules.check_quorum && heard < self.majority(rules) {
            port.note("has heard from no majority for an election time-out".to_owned());
            self.leader = None;
            return self.step_down(port, rules);
        }
        // What has not been answered since the heartbeat before is sent again.
        if let Role::Leader(leader) = &mut self.role {
            let next_round = leader.round + 1;
            for progress in leader.others.values_mut() {
                (progress.sent, progress.late) = (if progress.late { 0 } else { progress.sent }, !progress.late);
                if let Some(snapshot) = &mut progress.snapshot
                    && now.since(snapshot.at) >= rules.election_max
                {
                    snapshot.lost_by.get_or_insert(next_round);
                }
            }
        }
        self.begin_round(port, rules);
        port.set(Timer::Heartbeat, rules.heartbeat);
    }

    /// Another server has answered: it is alive, and has followed this leader in a round. Whether it is known.
    pub(super) fn answered(&mut self, now: Time, from: NodeId, round: u64) -> bool {
        let Role::Leader(leader) = &mut self.role else { return false };
        let Some(progress) = leader.others.get_mut(&from) else { return false };
        progress.heard = now;
        progress.round = progress.round.max(round);
        true
    }

    /// Tells whoever it hands over to to stand for election, once that one has everything (thesis §3.10).
    pub(super) fn hand_over<P: RaftPort>(&mut self, port: &mut P) {
        let (term, last) = (self.term, self.log.last());
        let Role::Leader(leader) = &mut self.role else { return };
        if let Some(transfer) = leader.transfer.filter(|transfer| !transfer.told)
            && leader.others.get(&transfer.to).is_some_and(|progress| progress.matched == last)
        {
            leader.hand_over(transfer.to, true);
            port.send(transfer.to, Message::TimeoutNow { term });
        }
    }
}
