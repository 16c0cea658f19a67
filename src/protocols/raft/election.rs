//! Elections (§5.2, §5.4.1), with pre-vote (thesis §9.6) and without disruptions (thesis §4.2.3).

use crate::sim::{NodeId, Time};

use super::leader::Leader;
use super::{Message, Mistake, RaftPort, Reads, Role, Rules, Server, Waiting};

impl Server {
    /// Whether it may vote: not one that has an empty disk, since it may have promised something that it no longer knows.
    fn may_vote(&self) -> bool {
        self.me.life == 0 || self.configurations.iter().any(|(_, members)| members.contains(&self.me))
    }

    /// Whether the candidate's log has everything that this one may know to be committed (§5.4.1).
    fn is_up_to_date(&self, rules: &Rules, last: (u64, u64)) -> bool {
        last >= (self.log.last_term(), self.log.last()) || rules.mistake == Mistake::AnyLog
    }

    /// Whether it has just heard from a leader, and so does not help to put another in its place.
    fn has_leader(&self, now: Time, rules: &Rules) -> bool {
        let sticks = rules.pre_vote || rules.reads == Reads::Lease;
        sticks && !matches!(self.role, Role::Leader(_)) && now.since(self.heard) < rules.election_min
    }

    /// Whether a message asks for a vote against a leader that is there: it does not even tell of a newer term then.
    pub(super) fn is_disruption(&self, now: Time, rules: &Rules, message: &Message) -> bool {
        matches!(message, Message::RequestVote { pre: false, transfer: false, .. }) && self.has_leader(now, rules)
    }

    pub(super) fn on_pre_vote<P: RaftPort>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        from: NodeId,
        term: u64,
        last: (u64, u64),
    ) {
        let leads = matches!(self.role, Role::Leader(_));
        let led = leads || self.leader.is_some() && self.has_leader(port.now(), rules);
        let granted = self.may_vote() && !led && term > self.term && self.is_up_to_date(rules, last);
        let term = if granted { term } else { self.term };
        port.send(from, Message::RequestVoteReply { term, vote_granted: granted, pre: true });
    }

    pub(super) fn on_request_vote<P: RaftPort>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        from: NodeId,
        term: u64,
        last: (u64, u64),
    ) {
        let free = self.vote.is_none_or(|vote| vote == from);
        let granted = term == self.term && free && self.may_vote() && self.is_up_to_date(rules, last);
        let reply = Message::RequestVoteReply { term: self.term, vote_granted: granted, pre: false };
        if !granted {
            return port.send(from, reply);
        }
        if self.vote.is_none() {
            (self.vote, self.unsaved, self.role) = (Some(from), true, Role::Follower);
        }
        self.await_leader(port, rules);
        if rules.mistake == Mistake::VoteForgotten {
            port.send(from, reply);
        } else {
            self.say(port, rules, from, reply);
        }
    }

    pub(super) fn on_election_timeout<P: RaftPort>(&mut self, port: &mut P, rules: &Rules) {
        if matches!(self.role, Role::Leader(_)) {
            return;
        }
        if !self.is_member() {
            return self.await_leader(port, rules);
        }
        self.leader = None;
        if !rules.pre_vote {
            return self.stand(port, rules, false);
        }
        self.role = Role::PreCandidate { votes: vec![self.me.node] };
        self.await_leader(port, rules);
        self.ask_for_votes(port, true, false);
        self.count_votes(port, rules);
    }

    /// Stands for election: in the next term, with its own vote, which must be safe before it asks for others.
    pub(super) fn stand<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, transfer: bool) {
        (self.term, self.vote, self.unsaved) = (self.term + 1, Some(self.me.node), true);
        self.leader = None;
        self.role = Role::Candidate { votes: Vec::new(), transfer };
        port.note(format!("stands for election in term {}", self.term));
        self.await_leader(port, rules);
        self.save(port, rules);
        let term = self.term;
        self.when_written(port, rules, Waiting::Campaign { term });
    }

    /// Its own vote is safe: it asks the others.
    pub(super) fn campaign<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, term: u64) {
        let Role::Candidate { votes, transfer } = &mut self.role else { return };
        if term != self.term {
            return;
        }
        votes.push(self.me.node);
        let transfer = *transfer;
        self.ask_for_votes(port, false, transfer);
        self.count_votes(port, rules);
    }

    fn ask_for_votes<P: RaftPort>(&mut self, port: &mut P, pre: bool, transfer: bool) {
        let (last_log_index, last_log_term) = (self.log.last(), self.log.last_term());
        let term = self.term + u64::from(pre);
        for member in self.members().iter().filter(|member| **member != self.me) {
            let message = Message::RequestVote { term, last_log_index, last_log_term, pre, transfer };
            port.send(member.node, message);
        }
    }

    pub(super) fn on_vote<P: RaftPort>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        from: NodeId,
        term: u64,
        granted: bool,
        pre: bool,
    ) {
        let current = term == self.term + u64::from(pre);
        let member = self.members().iter().any(|member| member.node == from);
        let votes = match &mut self.role {
            Role::PreCandidate { votes } if pre => votes,
            Role::Candidate { votes, .. } if !pre => votes,
            _ => return,
        };
        if granted && current && member && !votes.contains(&from) {
            votes.push(from);
            self.count_votes(port, rules);
        }
    }

    fn count_votes<P: RaftPort>(&mut self, port: &mut P, rules: &Rules) {
        let majority = self.majority(rules);
        match &self.role {
            Role::PreCandidate { votes } if votes.len() >= majority => self.stand(port, rules, false),
            Role::Candidate { votes, .. } if votes.len() >= majority => {
                port.note(format!("leads in term {}, by {} votes of {}", self.term, votes.len(), self.members().len()));
                self.lead(port, rules);
            }
            _ => {}
        }
    }

    /// It was elected.
    fn lead<P: RaftPort>(&mut self, port: &mut P, rules: &Rules) {
        port.cancel(&super::Timer::Election);
        self.leader = Some(self.me.node);
        self.role = Role::Leader(Box::new(Leader::new(self.log.last() + 1)));
        self.news.push(super::News::Elected { term: self.term });
        self.watch_members(port.now());
        self.take_over(port, rules);
    }
}
