//! Replication (§5.3), commitment (§5.3, §5.4.2) and snapshots (§7).

use std::rc::Rc;

use crate::sim::NodeId;

use super::leader::{Installing, Progress};
use super::{Entry, Message, Mistake, News, RaftPort, Role, Rules, Server, Snapshot, Waiting, Write};

impl Server {
    /// Sends new entries to those to whom none are under way. Who needs the snapshot first gets it by rounds and answers.
    pub(super) fn replicate<P: RaftPort>(&mut self, port: &mut P, rules: &Rules) {
        let (last, gone) = (self.log.last(), self.log.snapshot().index);
        let Role::Leader(leader) = &self.role else { return };
        let waits = |progress: &Progress| progress.sent == 0 && progress.next <= last && progress.next > gone;
        let others: Vec<NodeId> =
            leader.others.iter().filter(|(_, progress)| waits(progress)).map(|(id, _)| *id).collect();
        for other in others {
            self.send_entries(port, rules, other);
        }
    }

    /// Sends the entries that another server does not have, none if it has all. Where some of those are gone, it gets the
    /// snapshot once; while that is under way, or nothing is heard of the server, it is only asked whether its log has the
    /// snapshot's last entry, which is a heartbeat too. A snapshot is as large as the state: nobody sends that into a
    /// silence.
    pub(super) fn send_entries<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, to: NodeId) {
        let (term, leader_commit) = (self.term, self.commit);
        let Role::Leader(leader) = &mut self.role else { return };
        let round = leader.round();
        let Some(progress) = leader.others.get_mut(&to) else { return };
        let snapshot = self.log.snapshot();
        let needs_snapshot = progress.next <= snapshot.index;
        if needs_snapshot && progress.snapshot.is_none() && progress.alive(port.now(), rules) {
            let (index, at) = (snapshot.index, port.now());
            (progress.sent, progress.snapshot) = (0, Some(Installing { index, at, lost_by: None }));
            let snapshot = snapshot.clone();
            return port.send(to, Message::InstallSnapshot { term, snapshot, round });
        }
        if needs_snapshot {
            progress.sent = 0;
        }
        let prev_log_index = if needs_snapshot { snapshot.index } else { progress.next - 1 };
        let Some(prev_log_term) = self.log.term(prev_log_index) else { return };
        // While entries are under way, a round is only a heartbeat.
        let most = if progress.sent > 0 || needs_snapshot { 0 } else { rules.batch as usize };
        let entries: Rc<[Entry]> = Rc::from(self.log.from(progress.next, most));
        if !entries.is_empty() {
            (progress.sent, progress.late) = (prev_log_index + entries.len() as u64, false);
        }
        let message = Message::AppendEntries { term, prev_log_index, prev_log_term, entries, leader_commit, round };
        port.send(to, message);
    }

    /// A leader's entries have come (figure 2, «AppendEntries»).
    #[expect(clippy::too_many_arguments, reason = "the message's fields")]
    pub(super) fn on_append<P: RaftPort>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        from: NodeId,
        (prev, prev_term): (u64, u64),
        entries: &[Entry],
        leader_commit: u64,
        round: u64,
    ) {
        let ours = self.log.term(prev);
        // What the snapshot stands for is committed: it is the same there.
        let same = prev < self.log.snapshot().index || ours == Some(prev_term);
        let unchecked = rules.mistake == Mistake::Unchecked && ours.is_some();
        if !same && !unchecked {
            // The whole term is skipped, or what is missing (end of §5.3).
            let index = if ours.is_some() { self.log.first_of_term(prev) } else { self.log.last() + 1 };
            let (term, conflict_term) = (self.term, ours);
            let reply = Message::AppendEntriesReply {
                term,
                success: false,
                index,
                conflict_term,
                round,
                beat: entries.is_empty(),
            };
            return self.say(port, rules, from, reply);
        }
        let snapshot = self.log.snapshot().index;
        let new = (prev + 1..).zip(entries).filter(|(index, _)| *index > snapshot);
        let mut differing = new.filter(|(index, entry)| self.log.term(*index) != Some(entry.term));
        if let Some((index, _)) = differing.next() {
            if index <= self.log.last() {
                port.note(format!("its entries from {index} on are not the leader's, and go"));
            }
            self.put(port, rules, index, &entries[(index - prev - 1) as usize..]);
        }
        let matched = prev + entries.len() as u64;
        self.apply(port, rules, leader_commit.min(matched));
        let index = matched.max(snapshot);
        let reply = Message::AppendEntriesReply {
            term: self.term,
            success: true,
            index,
            conflict_term: None,
            round,
            beat: entries.is_empty(),
        };
        self.say(port, rules, from, reply);
    }

    /// A leader's snapshot has come (figure 13).
    #[cold]
    pub(super) fn on_install<P: RaftPort>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        from: NodeId,
        snapshot: Rc<Snapshot>,
        round: u64,
    ) {
        let index = snapshot.index;
        if index > self.commit {
            port.note(format!("has the leader's snapshot of everything up to entry {index}"));
            self.save(port, rules);
            self.log.install(snapshot.clone());
            (self.commit, self.machine) = (index, snapshot.machine.clone());
            self.restored();
            self.news.push(News::Applied { index, term: self.term });
            self.write(port, Write::Snapshot(snapshot));
            self.stored = self.stored.min(self.log.last());
            let index = self.log.last();
            self.when_written(port, rules, Waiting::Stored { index });
        }
        let reply = Message::AppendEntriesReply {
            term: self.term,
            success: true,
            index,
            conflict_term: None,
            round,
            beat: false,
        };
        self.say(port, rules, from, reply);
    }

    /// A follower has answered in this term: its log is the leader's up to `index`, or may differ from there on, where it
    /// has an entry of the term that is given.
    pub(super) fn on_append_reply<P: RaftPort>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        from: NodeId,
        came: Result<(), Option<u64>>,
        index: u64,
        round: u64,
    ) {
        if !self.answered(port.now(), from, round) {
            return;
        }
        let (last, gone) = (self.log.last(), self.log.snapshot().index);
        let skipped = came.err().flatten().and_then(|term| self.log.last_of_term(term));
        let Role::Leader(leader) = &mut self.role else { return };
        let Some(progress) = leader.others.get_mut(&from) else { return };
        match came {
            Ok(()) => {
                // What it has beyond the leader's log is not known to be the same.
                progress.matched = progress.matched.max(index.min(last));
                progress.next = progress.next.max(progress.matched + 1);
                if progress.matched >= progress.sent {
                    progress.sent = 0;
                }
                if progress.snapshot.is_some_and(|snapshot| progress.matched >= snapshot.index) {
                    progress.snapshot = None;
                }
            }
            // It needs the snapshot. One that it would have by now is lost.
            Err(_) if progress.next <= gone => {
                let lost = |snapshot: &Installing| snapshot.lost_by.is_some_and(|lost_by| round >= lost_by);
                (progress.sent, progress.snapshot) = (0, progress.snapshot.filter(|snapshot| !lost(snapshot)));
            }
            Err(_) => {
                // Where the leader has entries of that term too, it goes on after its last one.
                let after = skipped.map(|skipped| skipped + 1).filter(|next| *next < progress.next);
                let next = after.unwrap_or(index).max(progress.matched + 1);
                if next >= progress.next {
                    return;
                }
                (progress.next, progress.sent) = (next, 0);
            }
        }
        self.advance_commit(port, rules);
        self.admit(port, rules, from);
        self.hand_over(port);
        self.answer_reads(port, rules);
        let Role::Leader(leader) = &self.role else { return };
        let Some(progress) = leader.others.get(&from) else { return };
        let waits_for_snapshot = progress.next <= gone && progress.snapshot.is_some();
        if progress.sent == 0 && !waits_for_snapshot && (progress.next <= self.log.last() || came.is_err()) {
            self.send_entries(port, rules, from);
        }
    }

    /// Commits what a majority has stored, if that is of this term; everything before it is then committed too (§5.4.2).
    pub(super) fn advance_commit<P: RaftPort>(&mut self, port: &mut P, rules: &Rules) {
        if !matches!(self.role, Role::Leader(_)) {
            return;
        }
        let stored = self.reached_by_majority(rules, self.stored, |progress| progress.matched).min(self.log.last());
        let own_term = self.log.term(stored) == Some(self.term);
        if stored > self.commit && (own_term || rules.mistake == Mistake::OldTerm) {
            self.apply(port, rules, stored);
            self.answer_reads(port, rules);
            self.retire(port, rules);
        }
    }
}
