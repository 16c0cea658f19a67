//! The bully: whoever finds no higher one up stops all lower ones, and is coordinator then.

use crate::sim::NodeId;

use super::{Desk, Elector, Host, Message, Mistake, Phase, Timer, number};

impl Elector {
    fn others<P: Host>(&self, desk: &Desk<'_, P>, higher: bool) -> Vec<NodeId> {
        let mine = self.number(desk.rules.shuffle);
        let of = |other: &NodeId| number(*other, desk.rules.shuffle);
        let wanted = |other: &&NodeId| **other != self.me && (of(other) > mine) == higher;
        desk.members.iter().filter(wanted).copied().collect()
    }

    /// Is anybody higher up?
    pub(super) fn ask_higher<P: Host>(&mut self, desk: &mut Desk<'_, P>) {
        let higher = self.others(desk, true);
        if higher.is_empty() {
            return self.halt_lower(desk);
        }
        self.phase = Phase::Asking;
        for other in higher {
            self.send(desk, other, Message::AreYouUp);
        }
        desk.port.set(Timer::Answers, desk.rules.timeout);
    }

    pub(super) fn asked_whether_up<P: Host>(&mut self, desk: &mut Desk<'_, P>, from: NodeId) {
        self.send(desk, from, Message::Up);
        if self.phase == Phase::Normal && !self.coordinates() {
            self.call(desk);
        }
    }

    /// Nobody higher is: all lower ones are to stop first.
    fn halt_lower<P: Host>(&mut self, desk: &mut Desk<'_, P>) {
        let lower = self.others(desk, false);
        self.stopped.clear();
        if desk.rules.mistake == Mistake::NoHalt {
            self.stopped = lower;
            return self.lead(desk);
        }
        self.step_aside(desk, self.me);
        if lower.is_empty() {
            return self.lead(desk);
        }
        self.phase = Phase::Halting;
        for other in lower {
            self.send(desk, other, Message::Halt);
        }
        desk.port.set(Timer::Answers, desk.rules.timeout);
    }

    pub(super) fn halt<P: Host>(&mut self, desk: &mut Desk<'_, P>, from: NodeId) {
        if number(from, desk.rules.shuffle) < self.number(desk.rules.shuffle) {
            return;
        }
        self.step_aside(desk, from);
        self.wait(desk);
        self.send(desk, from, Message::Halted);
    }

    pub(super) fn halted<P: Host>(&mut self, desk: &mut Desk<'_, P>, from: NodeId) {
        if self.phase == Phase::Halting && !self.stopped.contains(&from) {
            self.stopped.push(from);
            if self.stopped.len() == self.others(desk, false).len() {
                self.lead(desk);
            }
        }
    }

    /// The time for answers is over.
    pub(super) fn answers_are_in<P: Host>(&mut self, desk: &mut Desk<'_, P>) {
        match self.phase {
            Phase::Asking => self.halt_lower(desk),
            Phase::Halting => self.lead(desk),
            Phase::Normal | Phase::Waiting => {}
        }
    }

    fn lead<P: Host>(&mut self, desk: &mut Desk<'_, P>) {
        self.coordinate(desk);
        for other in std::mem::take(&mut self.stopped) {
            self.send(desk, other, Message::NewCoordinator);
        }
    }

    pub(super) fn told_of_another<P: Host>(&mut self, desk: &mut Desk<'_, P>, from: NodeId) {
        let higher = number(from, desk.rules.shuffle) > self.number(desk.rules.shuffle);
        if self.stopped_by == Some(from) || (desk.rules.mistake == Mistake::NoHalt && higher) {
            self.follow(desk, from);
        }
    }
}
