//! Who is a member: one server comes or goes at a time (thesis §4.1, with the correction of 2015); and handing over
//! (thesis §3.10).

use std::rc::Rc;

use crate::sim::{NodeId, Time};

use super::leader::Progress;
use super::{Command, MAX_MEMBERS, Member, Message, Mistake, RaftPort, Role, Rules, Server, Timer};

/// How many entries behind a newcomer may be when it is made a member.
const NEAR: u64 = 8;

impl Server {
    /// Passes a request on to the leader, if this server does not lead. Whether it does.
    fn passes_on<P: RaftPort>(&self, port: &mut P, from: NodeId, server: NodeId, message: Message) -> bool {
        let leads = matches!(self.role, Role::Leader(_));
        // Once: from the one that asks for itself.
        if let Some(leader) = self.leader.filter(|leader| !leads && from == server && *leader != server) {
            port.send(leader, message);
        }
        leads
    }

    /// Whether the leader may change the configuration: the last change is committed, and so is an entry of its term.
    fn may_change(&self, rules: &Rules) -> bool {
        self.last_change() <= self.commit && (self.knows_commit() || rules.mistake == Mistake::EarlyChange)
    }

    /// Keeps an eye on every member, and on those that are on their way.
    pub(super) fn watch_members(&mut self, now: Time) {
        let next = self.log.last() + 1;
        let members: Rc<[Member]> = Rc::from(self.members());
        let Role::Leader(leader) = &mut self.role else { return };
        for Member { node, life } in members.iter().filter(|member| **member != self.me) {
            let fresh = Progress::new(next, now, *life, false);
            let known = leader.others.or_insert_with(*node, || fresh);
            if known.life != *life {
                *known = fresh;
            }
            known.joins = false;
        }
    }

    #[cold]
    pub(super) fn on_add_server<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, from: NodeId, server: Member) {
        if !self.passes_on(port, from, server.node, Message::AddServer { server }) || self.members().contains(&server) {
            return;
        }
        if self.members().iter().any(|member| member.node == server.node) {
            // It has lost its disk: what it was before must go first.
            return self.change(port, rules, |member| member.node != server.node, None);
        }
        let (now, next) = (port.now(), self.log.last() + 1);
        let Role::Leader(leader) = &mut self.role else { return };
        let room = leader.others.len() < 2 * MAX_MEMBERS;
        match leader.others.get_mut(&server.node).filter(|known| known.life == server.life) {
            Some(known) => known.joins = true,
            None if room => {
                port.note(format!("{} asks to be a member: it gets the log first", server.node));
                leader.others.insert(server.node, Progress::new(next, now, server.life, true));
                self.send_entries(port, rules, server.node);
            }
            None => {}
        }
    }

    /// A server that is no member has answered: a newcomer that has nearly all of the log is made one; one that went, and
    /// has heard of it, is of no more concern.
    #[cold]
    pub(super) fn admit<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, node: NodeId) {
        let settled = self.last_change() <= self.commit;
        let member = self.members().iter().any(|member| member.node == node);
        let (commit, changed) = (self.commit, self.last_change());
        let Role::Leader(leader) = &mut self.role else { return };
        let Some(progress) = leader.others.get(&node).copied().filter(|_| !member) else { return };
        if progress.joins {
            if progress.matched > 0 && progress.matched + NEAR >= commit && self.members().len() < MAX_MEMBERS {
                self.change(port, rules, |_| true, Some(Member { node, life: progress.life }));
            }
        } else if settled && progress.matched >= changed {
            leader.others.remove(&node);
        }
    }

    /// The index of the last configuration.
    fn last_change(&self) -> u64 {
        self.configurations.last().map_or(0, |(index, _)| *index)
    }

    #[cold]
    pub(super) fn on_remove_server<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, from: NodeId, server: NodeId) {
        let leads = self.passes_on(port, from, server, Message::RemoveServer { server });
        if leads && self.members().len() > 1 && self.members().iter().any(|member| member.node == server) {
            self.change(port, rules, |member| member.node != server, None);
        }
    }

    /// Appends a configuration, which holds from now on.
    #[cold]
    fn change<P: RaftPort>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        keep: impl Fn(&Member) -> bool,
        new: Option<Member>,
    ) {
        if !self.may_change(rules) {
            return;
        }
        let mut members: Vec<Member> = self.members().iter().copied().filter(keep).chain(new).collect();
        members.sort_unstable_by_key(|member| member.node);
        let names: Vec<String> = members.iter().map(|member| member.node.to_string()).collect();
        port.note(format!("the members are to be {}", names.join(", ")));
        self.append(port, rules, Command::Configuration(members.into()));
        self.watch_members(port.now());
        self.replicate(port, rules);
        self.advance_commit(port, rules);
    }

    /// A leader that is no member any more leads until that is committed (thesis §4.2.2).
    #[cold]
    pub(super) fn retire<P: RaftPort>(&mut self, port: &mut P, rules: &Rules) {
        if matches!(self.role, Role::Leader(_)) && self.last_change() <= self.commit && !self.is_member() {
            self.begin_round(port, rules);
            self.leader = None;
            self.step_down(port, rules);
        }
    }

    #[cold]
    pub(super) fn on_transfer<P: RaftPort>(&mut self, port: &mut P, rules: &Rules, from: NodeId, server: NodeId) {
        if !self.passes_on(port, from, server, Message::TransferLeadership { server })
            || server == self.me.node
            || !self.members().iter().any(|member| member.node == server)
        {
            return;
        }
        let Role::Leader(leader) = &mut self.role else { return };
        if leader.transfer.is_some() {
            return;
        }
        leader.hand_over(server, false);
        port.note(format!("hands over to {server}"));
        // After an election time-out it goes on itself.
        port.set(Timer::Transfer, rules.election_max);
        self.hand_over(port);
        self.replicate(port, rules);
    }

    #[cold]
    pub(super) fn on_transfer_over<P: RaftPort>(&mut self, port: &mut P) {
        if let Role::Leader(leader) = &mut self.role
            && let Some(transfer) = leader.transfer.take()
        {
            port.note(format!("{} did not take over", transfer.to));
        }
    }
}
