//! A message's way: sent, arriving, waiting, being served, handed over; and how it ends before.

use std::rc::Rc;

use super::super::link::Passage;
use super::super::node::{Envelope, Job, Overdue};
use super::super::{Discipline, Micros, NodeId, Payload, RecordId, Recorder, Status, Turn, What, Why, Work};
use super::{Event, Flight, Halt, MAX_IN_FLIGHT, World};

impl<P: Payload> World<P> {
    pub(super) fn send<R: Recorder<P>>(
        &mut self,
        from: NodeId,
        to: NodeId,
        message: P,
        cause: RecordId,
        records: &mut R,
    ) {
        let now = self.now;
        if self.in_flight() >= MAX_IN_FLIGHT {
            self.halted = Some(Halt::Flights);
            return;
        }
        let seed = self.seed;
        let Some(link) = self.node_mut(from).and_then(|node| node.link_mut(to)) else {
            self.lose(cause, from, to, message, Why::NoLink, records);
            return;
        };
        let Passage { due, lost, copy } = link.carry(now, from, seed, || message.bytes());
        let record =
            self.emit(records, cause, from, u64::from(to.0), || What::Sent { to, message: message.clone(), due });
        let flight = Flight { from, to, message, sent: now, due, lost, held: false, record };
        let at = flight.ends();
        let second = copy.map(|(due, lost)| Flight { due, lost, ..flight.clone() });
        let slot = self.fly(flight);
        self.queue.push(at, Event::Arrive { flight: slot });
        if let Some(copy) = second {
            let at = copy.ends();
            self.double(copy, at, records);
        }
    }

    /// A place for a message under way.
    pub(super) fn fly(&mut self, flight: Flight<P>) -> u32 {
        match self.free.pop() {
            Some(slot) => {
                self.flights[slot as usize] = Some(flight);
                slot
            }
            None => {
                self.flights.push(Some(flight));
                self.flights.len() as u32 - 1
            }
        }
    }

    /// Takes a message out of its place.
    pub(super) fn land(&mut self, slot: u32) -> Option<Flight<P>> {
        let flight = self.flights[slot as usize].take()?;
        self.free.push(slot);
        Some(flight)
    }

    pub(super) fn arrive<R: Recorder<P>>(&mut self, slot: u32, records: &mut R) {
        self.come(slot, false, records);
    }

    /// Lets a message come that need not wait at the end of a held link.
    pub(super) fn arrive_past_gate<R: Recorder<P>>(&mut self, slot: u32, records: &mut R) {
        self.come(slot, true, records);
    }

    #[inline]
    fn come<R: Recorder<P>>(&mut self, slot: u32, past_gate: bool, records: &mut R) {
        let Some(flight) = self.flights[slot as usize].as_mut() else { return };
        let (from, to) = (flight.from, flight.to);
        let lost = match flight.lost {
            Some(why) => Some(why),
            None if !self.links_changed => None,
            None => match self
                .nodes
                .get_mut(from.0 as usize)
                .and_then(Option::as_mut)
                .map(|node| (node.link(to).map(|link| (link.cut, link.held)), node))
            {
                // A sender that has gone leaves its last words on the way.
                None => None,
                Some((None, _)) => Some(Why::NoLink),
                Some((Some((true, _)), _)) => Some(Why::Cut),
                Some((Some((false, true)), node)) if !past_gate => {
                    flight.held = true;
                    if let Some(link) = Rc::make_mut(node).link_mut(to) {
                        link.waiting().push(slot);
                    }
                    return;
                }
                Some((Some((false, _)), _)) => None,
            },
        };
        let Some(flight) = self.land(slot) else { return };
        if let Some(why) = lost {
            self.lose(flight.record, from, to, flight.message, why, records);
            return;
        }
        let why = match self.node(to).map(|node| node.status) {
            None => Why::Gone,
            Some(Status::Starting | Status::Crashed) => Why::Down,
            Some(status) => {
                let envelope = Envelope { from, message: flight.message, arrived: self.now, cause: flight.record };
                return self.receive(to, status, envelope, records);
            }
        };
        self.lose(flight.record, from, to, flight.message, why, records);
    }

    pub(super) fn lose<R: Recorder<P>>(
        &mut self,
        cause: RecordId,
        from: NodeId,
        to: NodeId,
        message: P,
        why: Why,
        records: &mut R,
    ) -> RecordId {
        self.emit(records, cause, from, u64::from(to.0) << 8 | why as u64, || What::Lost { to, message, why })
    }

    /// A message has come to a node that is up or paused: it is handled, served, kept waiting or refused.
    fn receive<R: Recorder<P>>(&mut self, id: NodeId, status: Status, mut envelope: Envelope<P>, records: &mut R) {
        let now = self.now;
        let Some(node) = self.node_mut(id) else { return };
        let waiting = node.inbox.len() as u32;
        let runs = status == Status::Up;
        let turn = Turn { now: node.clock.read(now), waited: None, waiting };
        let work = if runs { node.actor.turn(&turn, &envelope.message) } else { node.actor.work(&envelope.message) };
        if work == Work::Shed {
            return self.shed(id, envelope, records);
        }
        let core = node.free_core();
        let at_once = runs && work == Work::None;
        let served = runs && core.is_some();
        if !at_once && !served && waiting >= node.room() {
            return self.refuse(id, runs, envelope, records);
        }
        let (from, cause) = (envelope.from, envelope.cause);
        envelope.cause = self.emit(records, cause, id, u64::from(from.0), || What::Arrived {
            from,
            message: envelope.message.clone(),
            waiting,
        });
        if at_once {
            self.hand_over(id, envelope, false, records);
        } else if let Some(core) = core.filter(|_| served) {
            self.serve(id, core, envelope, work, records);
        } else if let Some(node) = self.node_mut(id) {
            node.inbox.push_back(envelope);
        }
    }

    /// The inbox is full. A component that runs may answer.
    fn refuse<R: Recorder<P>>(&mut self, id: NodeId, runs: bool, envelope: Envelope<P>, records: &mut R) {
        let Envelope { from, message, cause, .. } = envelope;
        let copy = message.clone();
        let lost = self.lose(cause, from, id, message, Why::Full, records);
        if runs {
            self.handle(id, lost, records, |actor, desk| actor.on_full(desk, from, &copy));
        }
    }

    /// A message is not done.
    fn shed<R: Recorder<P>>(&mut self, id: NodeId, envelope: Envelope<P>, records: &mut R) {
        let Envelope { from, message, cause, .. } = envelope;
        let copy = message.clone();
        let lost = self.lose(cause, from, id, message, Why::Shed, records);
        self.handle(id, lost, records, |actor, desk| actor.on_shed(desk, from, &copy));
    }

    /// Puts a message on a free core; a service that takes no time is over at once.
    fn serve<R: Recorder<P>>(&mut self, id: NodeId, core: usize, envelope: Envelope<P>, work: Work, records: &mut R) {
        let now = self.now;
        let Some(node) = self.node_mut(id) else { return };
        let usual = match work {
            Work::None | Work::Shed => Micros::ZERO,
            Work::Service => node.machine.service.sample(&mut node.service),
            Work::Exactly(span) => span,
        };
        let took = usual.scaled(u64::from(node.slow));
        if took == Micros::ZERO {
            return self.hand_over(id, envelope, work != Work::None, records);
        }
        if node.machine.discipline == Discipline::Sharing {
            return self.share(id, core, envelope, took);
        }
        node.generation += 1;
        let generation = node.generation;
        let due = now + took;
        if core == node.cores.len() {
            node.cores.push(None);
        }
        node.cores[core] = Some(Job { envelope, started: now, due, left: None, generation });
        self.queue.push(due, Event::Done { node: id, core: core as u32, generation });
    }

    pub(super) fn done<R: Recorder<P>>(&mut self, id: NodeId, core: u32, generation: u32, records: &mut R) {
        let now = self.now;
        let Some(node) = self.node_mut(id) else { return };
        let Some(place) = node.cores.get_mut(core as usize) else { return };
        if !place.as_ref().is_some_and(|job| job.generation == generation && job.left.is_none()) {
            return;
        }
        let Some(job) = place.take() else { return };
        let took = job.due.since(job.started);
        if node.machine.discipline == Discipline::Sharing {
            node.share_out(now, Some(core as usize));
            self.next_end(id);
        } else {
            node.busy = node.busy + took;
        }
        let mut envelope = job.envelope;
        let (from, name, waited) = (envelope.from, envelope.message.name(), job.started.since(envelope.arrived));
        envelope.cause =
            self.emit(records, envelope.cause, id, u64::from(core), || What::Served { from, name, waited, took });
        self.hand_over(id, envelope, true, records);
        self.next_job(id, records);
    }

    /// Puts waiting messages on free cores.
    pub(super) fn next_job<R: Recorder<P>>(&mut self, id: NodeId, records: &mut R) {
        let now = self.now;
        loop {
            let Some(node) = self.node_mut(id) else { return };
            if node.status != Status::Up || node.inbox.is_empty() {
                return;
            }
            let Some(core) = node.free_core() else { return };
            let Some(envelope) = node.take_next() else { return };
            let (waited, waiting) = (Some(now.since(envelope.arrived)), node.inbox.len() as u32);
            let turn = Turn { now: node.clock.read(now), waited, waiting };
            match node.actor.turn(&turn, &envelope.message) {
                Work::Shed => self.shed(id, envelope, records),
                work => self.serve(id, core, envelope, work, records),
            }
        }
    }

    /// Gives a message to the component; `works`, if it had to be served for it.
    fn hand_over<R: Recorder<P>>(&mut self, id: NodeId, mut envelope: Envelope<P>, works: bool, records: &mut R) {
        // To those who only ask how it is, a node that lies is well.
        if works && self.lie(id, &mut envelope, records) {
            return;
        }
        self.handle(id, envelope.cause, records, |actor, desk| actor.on_message(desk, envelope.from, envelope.message));
    }

    pub(super) fn arrive_now(&mut self, flight: u32) {
        if let Some(flight) = self.flights[flight as usize].as_mut() {
            flight.held = false;
        }
        self.queue.push(self.now, Event::Arrive { flight });
    }

    /// What stood still while a node was paused goes on: services with what was left of them, timers and writes now.
    pub(super) fn go_on(&mut self, id: NodeId) {
        let now = self.now;
        let Some(node) = self.node_mut(id) else { return };
        let shared = node.machine.discipline == Discipline::Sharing;
        if shared {
            node.shared = now;
            node.cores.iter_mut().flatten().for_each(|job| job.left = None);
        }
        let mut events = Vec::new();
        for (core, place) in node.cores.iter_mut().enumerate() {
            let Some(job) = place else { continue };
            if let Some(left) = job.left.take() {
                job.due = now + left;
                events.push((job.due, Event::Done { node: id, core: core as u32, generation: job.generation }));
            }
        }
        for overdue in std::mem::take(&mut node.overdue) {
            events.push((
                now,
                match overdue {
                    Overdue::Timer { slot, generation } => Event::Timer { node: id, slot, generation },
                    Overdue::Write { slot, generation } => Event::Written { node: id, slot, generation },
                },
            ));
        }
        for (at, event) in events {
            self.queue.push(at, event);
        }
        if shared {
            self.next_end(id);
        }
    }
}
