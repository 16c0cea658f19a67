//! The way to another view.

use std::rc::Rc;

use crate::protocols::raft::Command;
use crate::sim::NodeId;

use super::{COLLECTED, Change, Host, Message, Mistake, NewView, Replica, Rules, Seq, Timer, Told, View, mark_of};

/// What a view begins with, from the view changes that lead to it: the last stable checkpoint that one of them has, and
/// under each number after it up to the last that one of them has prepared what was prepared in the latest view; nothing
/// is to be done where nothing was.
fn anew(changes: &[(NodeId, Rc<Change>)]) -> (Seq, Vec<(Seq, Command)>) {
    let low = changes.iter().map(|(_, change)| change.stable.seq).max().unwrap_or(0);
    let prepared = || changes.iter().flat_map(|(_, change)| &change.prepared);
    let high = prepared().map(|prepared| prepared.seq).max().unwrap_or(0);
    let value = |seq: Seq| {
        let latest = prepared().filter(|prepared| prepared.seq == seq).max_by_key(|prepared| prepared.view);
        latest.map_or(Command::Noop, |prepared| prepared.value.clone())
    };
    (low, (low + 1..=high).map(|seq| (seq, value(seq))).collect())
}

impl Replica {
    /// Gives the primary up.
    pub(super) fn change<P: Host>(&mut self, port: &mut P, rules: &Rules, to: View) {
        let core = self.keep();
        (core.view, core.changing) = (to, true);
        self.vain += 1;
        self.tell(Told::Changes { view: to });
        port.cancel(&Timer::Patience);
        self.say_change(port, rules);
    }

    /// Says that it does, and says it again until a view has begun.
    pub(super) fn say_change<P: Host>(&mut self, port: &mut P, rules: &Rules) {
        let core = &self.core;
        let prepared = core.slots.values().filter_map(|slot| slot.prepared.clone()).collect();
        let change = Rc::new(Change { view: core.view, stable: core.stable.clone(), prepared });
        port.set(Timer::Again, rules.patience);
        self.tell_all(port, rules, &Message::ViewChange(change.clone()));
        self.on_change(port, rules, self.me, change);
    }

    /// Whether what it says is proven.
    fn proven(rules: &Rules, change: &Change) -> bool {
        let stable = change.stable.seq == 0 || change.stable.signers.len() >= rules.quorum();
        let quorum = if rules.mistake == Mistake::NoPrepare { 0 } else { rules.quorum() };
        stable && change.prepared.iter().all(|prepared| prepared.signers.len() + 1 >= quorum)
    }

    pub(super) fn on_change<P: Host>(&mut self, port: &mut P, rules: &Rules, from: NodeId, change: Rc<Change>) {
        let view = change.view;
        if view < self.core.view || (view == self.core.view && !self.core.changing) {
            // That view has begun, or a later one.
            if let Some(begun) = self.core.new_view.clone().filter(|_| !self.core.changing) {
                self.send(port, rules, from, Message::NewView(begun));
            }
            return;
        }
        if !Replica::proven(rules, &change) {
            return;
        }
        let of_view = self.changes.or_default(view);
        let new = !of_view.contains_key(&from);
        of_view.insert(from, change);
        let lowest = self.changes.keys().next().copied();
        if let Some(lowest) = lowest.filter(|_| self.changes.len() > COLLECTED) {
            self.changes.remove(&lowest);
        }
        // Of f + 1 who are ahead one is honest: it goes where the first of them went.
        let mut ahead: Vec<NodeId> = Vec::new();
        for (_, of) in self.changes.iter().filter(|(of, _)| **of > self.core.view) {
            ahead.extend(of.keys().filter(|who| !ahead.contains(who)).copied().collect::<Vec<_>>());
        }
        let first = self.changes.keys().find(|of| **of > self.core.view).copied();
        if let Some(first) = first.filter(|_| ahead.len() > rules.f as usize) {
            return self.change(port, rules, first);
        }
        if view != self.core.view {
            return;
        }
        let changes: Vec<(NodeId, Rc<Change>)> = self
            .changes
            .get(&view)
            .into_iter()
            .flat_map(|changes| changes.iter().map(|(who, change)| (*who, change.clone())))
            .collect();
        if changes.len() < rules.quorum() {
            return;
        }
        if self.primary() == Some(self.me) {
            let (_, proposals) = anew(&changes);
            let new = Rc::new(NewView { view, changes, proposals });
            self.tell_all(port, rules, &Message::NewView(new.clone()));
            self.enter(port, rules, &new);
        } else if new && changes.len() == rules.quorum() {
            // Only now does it wait: nobody runs ahead of the others alone.
            port.set(Timer::Patience, self.patience(rules));
        }
    }

    pub(super) fn on_new_view<P: Host>(&mut self, port: &mut P, rules: &Rules, new: &Rc<NewView>) {
        let view = new.view;
        if view < self.core.view || (view == self.core.view && !self.core.changing) {
            return;
        }
        let mut who: Vec<NodeId> = new.changes.iter().map(|(who, _)| *who).collect();
        who.sort_unstable();
        who.dedup();
        let of_it = |(_, change): &(NodeId, Rc<Change>)| change.view == view && Replica::proven(rules, change);
        let follows = anew(&new.changes).1 == new.proposals;
        if who.len() >= rules.quorum() && new.changes.iter().all(of_it) && follows {
            self.enter(port, rules, new);
        }
    }

    /// It is in the view, and takes what is proposed anew as the primary's pre-prepares.
    fn enter<P: Host>(&mut self, port: &mut P, rules: &Rules, new: &Rc<NewView>) {
        let (low, proposals) = anew(&new.changes);
        let (view, last) = (new.view, low.max(proposals.last().map_or(0, |(seq, _)| *seq)));
        if let Some((_, change)) = new.changes.iter().find(|(_, change)| change.stable.seq == low) {
            self.adopt(port, rules, &change.stable);
        }
        let core = self.keep();
        (core.view, core.changing, core.new_view) = (view, false, Some(new.clone()));
        core.given = last.max(core.stable.seq);
        self.changes.retain(|of, _| *of > view);
        port.cancel(&Timer::Again);
        port.cancel(&Timer::Patience);
        self.tell(Told::Enters { view, anew: proposals.len() });
        if low > self.core.executed {
            let has = |(who, of): &&(NodeId, Rc<Change>)| of.stable.seq == low && *who != self.me;
            let ask: Vec<NodeId> = new.changes.iter().filter(has).map(|(who, _)| *who).collect();
            for who in ask {
                self.fetch(port, rules, who);
            }
        }
        for (seq, command) in proposals {
            if seq > self.core.stable.seq {
                let mark = mark_of(&command);
                self.slot(seq).proposal = Some((view, command, mark));
                self.accepted(port, rules, seq);
            }
        }
        let primary = self.primary().filter(|primary| *primary != self.me);
        let early: Vec<_> =
            std::mem::take(&mut self.early).iter().map(|(seq, (of, value))| (*seq, *of, value.clone())).collect();
        for (seq, of, command) in early {
            if let Some(primary) = primary.filter(|_| of == view) {
                self.on_pre_prepare(port, rules, primary, of, seq, command);
            }
        }
        if self.is_primary() {
            self.propose(port, rules);
        }
        self.be_patient(port, rules, true);
    }
}
