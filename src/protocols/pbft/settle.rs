//! Checkpoints, and states that go over to whoever lacks them.

use std::rc::Rc;

use crate::protocols::raft::Machine;
use crate::sim::NodeId;

use super::{COLLECTED, Host, Lies, Mark, Message, Replica, Rules, Seq, Stable, Told, View, mark_of};

impl Replica {
    pub(super) fn checkpoint<P: Host>(&mut self, port: &mut P, rules: &Rules, seq: Seq) {
        let machine = self.core.machine.clone();
        let mark = mark_of(&*machine);
        self.keep().snapshots.insert(seq, machine);
        self.tell_all(port, rules, &Message::Checkpoint { seq, mark: Replica::said(mark, rules) });
        self.on_checkpoint(port, rules, self.me, seq, mark);
    }

    pub(super) fn on_checkpoint<P: Host>(&mut self, port: &mut P, rules: &Rules, from: NodeId, seq: Seq, mark: Mark) {
        if seq <= self.core.stable.seq {
            return;
        }
        self.checkpoints.or_default(seq).insert(from, mark);
        let lowest = self.checkpoints.keys().next().copied();
        if let Some(lowest) = lowest.filter(|_| self.checkpoints.len() > COLLECTED) {
            self.checkpoints.remove(&lowest);
        }
        let Some(said) = self.checkpoints.get(&seq) else { return };
        let signers: Vec<NodeId> = said.iter().filter(|(_, of)| **of == mark).map(|(who, _)| *who).collect();
        if signers.len() < rules.quorum() {
            return;
        }
        let ours = self.core.snapshots.get(&seq).cloned().filter(|machine| mark_of(&**machine) == mark);
        match ours {
            Some(machine) => self.settle(port, rules, Stable { seq, mark, signers }, machine),
            None if self.core.executed < seq => {
                // One of so many is honest.
                let ask: Vec<NodeId> = signers.into_iter().filter(|who| *who != self.me).collect();
                for who in ask.into_iter().take(rules.f as usize + 1) {
                    self.fetch(port, rules, who);
                }
            }
            None => {}
        }
    }

    pub(super) fn fetch<P: Host>(&mut self, port: &mut P, rules: &Rules, from: NodeId) {
        let (view, seq) = (self.core.view, self.core.executed);
        self.send(port, rules, from, Message::Fetch { view, seq });
    }

    /// A checkpoint is stable: what was before is forgotten, and the water marks move.
    fn settle<P: Host>(&mut self, port: &mut P, rules: &Rules, stable: Stable, machine: Rc<Machine>) {
        let seq = stable.seq;
        let core = self.keep();
        (core.stable, core.settled) = (stable, machine);
        core.given = core.given.max(seq);
        core.slots.retain(|of, _| *of > seq);
        core.snapshots.retain(|of, _| *of > seq);
        self.checkpoints.retain(|of, _| *of > seq);
        self.early.retain(|of, _| *of > seq);
        self.tell(Told::Stable { seq });
        if self.is_primary() {
            self.propose(port, rules);
        }
    }

    /// Somebody has proven a checkpoint that is not known to be stable here, where it may have been come to, too.
    pub(super) fn adopt<P: Host>(&mut self, port: &mut P, rules: &Rules, stable: &Stable) {
        let ours = self.core.snapshots.get(&stable.seq).cloned();
        if let Some(machine) = ours.filter(|machine| mark_of(&**machine) == stable.mark) {
            self.settle(port, rules, stable.clone(), machine);
        }
    }

    pub(super) fn on_fetch<P: Host>(&mut self, port: &mut P, rules: &Rules, from: NodeId, view: View, seq: Seq) {
        let begun = self.core.new_view.clone().filter(|_| self.core.view >= view && !self.core.changing);
        if let Some(begun) = begun {
            self.send(port, rules, from, Message::NewView(begun));
        }
        if self.core.stable.seq > seq && rules.lies != Lies::Answers {
            let (stable, machine) = (self.core.stable.clone(), self.core.settled.clone());
            self.send(port, rules, from, Message::State { stable, machine });
        }
    }

    pub(super) fn on_state<P: Host>(&mut self, port: &mut P, rules: &Rules, stable: Stable, machine: Rc<Machine>) {
        let seq = stable.seq;
        let proven = stable.signers.len() >= rules.quorum() && mark_of(&*machine) == stable.mark;
        if !proven || seq <= self.core.executed {
            return;
        }
        let core = self.keep();
        (core.executed, core.machine) = (seq, machine.clone());
        self.tell(Told::Fetched { seq });
        self.forget_done();
        self.settle(port, rules, stable, machine);
        self.execute(port, rules);
        self.be_patient(port, rules, true);
    }
}
