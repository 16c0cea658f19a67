//! The ring: each number goes round until a higher one swallows it; the one that comes back is the highest.

use crate::sim::NodeId;

use super::{Candidate, Desk, Direction, Elector, Host, Message, Mistake, PASSING, Phase, Timer};

impl Elector {
    /// Who comes after `after` on the ring; its own self where nobody else is left.
    fn next<P: Host>(&self, desk: &Desk<'_, P>, after: NodeId) -> NodeId {
        let members = desk.members;
        let next = match desk.rules.direction {
            Direction::Onwards => members.iter().find(|other| **other > after).or(members.first()),
            Direction::Backwards => members.iter().rev().find(|other| **other < after).or(members.last()),
        };
        next.copied().unwrap_or(self.me)
    }

    /// Stands for election.
    pub(super) fn stand<P: Host>(&mut self, desk: &mut Desk<'_, P>) {
        let number = self.number(desk.rules.shuffle);
        self.step_aside(desk, self.me);
        self.highest = Some((number, self.me));
        self.wait(desk);
        let (owner, attempt) = (self.me, self.attempt);
        self.pass(desk, self.me, Message::Election { number, owner, attempt, hops: 0, serial: 0 });
    }

    /// Passes a message on to whoever comes after `after`.
    fn pass<P: Host>(&mut self, desk: &mut Desk<'_, P>, after: NodeId, mut message: Message) {
        let to = self.next(desk, after);
        if to == self.me {
            // Nobody else is there: it has gone round.
            return match message {
                Message::Election { number, owner, attempt, hops, .. } => {
                    self.on_election(desk, (number, owner), attempt, hops + 1);
                }
                Message::Elected { number, owner, hops, .. } => self.on_elected(desk, (number, owner), hops + 1),
                _ => {}
            };
        }
        self.serial += 1;
        let new = self.serial;
        if let Message::Election { serial, .. } | Message::Elected { serial, .. } = &mut message {
            *serial = new;
        }
        let oldest = self.passing.keys().next().copied();
        if let Some(oldest) = oldest.filter(|_| self.passing.len() >= PASSING) {
            self.passing.remove(&oldest);
            desk.port.cancel(&Timer::Unpassed(oldest));
        }
        self.passing.insert(new, (message.clone(), to));
        desk.port.set(Timer::Unpassed(new), desk.rules.timeout);
        self.send(desk, to, message);
    }

    /// Whoever was to get a message has not said that it has it: the one after that gets it.
    pub(super) fn skip<P: Host>(&mut self, desk: &mut Desk<'_, P>, serial: u64) {
        if let Some((message, to)) = self.passing.remove(&serial) {
            self.pass(desk, to, message);
        }
    }

    pub(super) fn on_election<P: Host>(&mut self, desk: &mut Desk<'_, P>, of: Candidate, attempt: u64, hops: u32) {
        let (number, owner) = of;
        let (mine, careless) = (self.number(desk.rules.shuffle), desk.rules.mistake == Mistake::PassesEverything);
        if owner == self.me {
            // It counts if this is what it stands for now, and no higher one has come by since.
            if attempt == self.attempt && (careless || self.highest == Some((mine, self.me))) && !self.coordinates() {
                self.coordinate(desk);
                self.pass(desk, self.me, Message::Elected { number: mine, owner, hops: 0, serial: 0 });
            }
            return;
        }
        // Whoever stood is gone: it would go round for ever.
        if hops as usize > desk.members.len() {
            return;
        }
        let on = Message::Election { number, owner, attempt, hops: hops + 1, serial: 0 };
        if number > mine {
            if self.highest.is_none_or(|highest| highest <= of) {
                self.highest = Some(of);
                self.step_aside(desk, owner);
                self.wait(desk);
            }
            return self.pass(desk, self.me, on);
        }
        if self.phase != Phase::Waiting {
            self.call(desk);
        }
        if careless {
            self.pass(desk, self.me, on);
        }
    }

    pub(super) fn on_elected<P: Host>(&mut self, desk: &mut Desk<'_, P>, of: Candidate, hops: u32) {
        let (number, owner) = of;
        if owner == self.me || hops as usize > desk.members.len() {
            return;
        }
        if number < self.number(desk.rules.shuffle) {
            if self.phase != Phase::Waiting && !self.coordinates() {
                self.call(desk);
            }
            return;
        }
        // A higher one than that has come by: it will be elected.
        if self.highest.is_some_and(|highest| highest > of) {
            return;
        }
        self.follow(desk, owner);
        self.pass(desk, self.me, Message::Elected { number, owner, hops: hops + 1, serial: 0 });
    }
}
