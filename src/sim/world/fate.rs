//! What is done to one message under way: dropped, hurried, delayed, doubled.

use super::super::{Command, Micros, NodeId, Payload, RecordId, Recorder, Refusal, What, Why};
use super::{Event, Flight, MAX_IN_FLIGHT, World};

impl<P: Payload> World<P> {
    /// Whether a message is under way and this would change anything about it.
    pub(super) fn check_fate(&self, command: &Command) -> Result<(), Refusal> {
        let nothing = |told: &str| Err(Refusal::Nothing(told.to_owned()));
        let (Command::Drop { message }
        | Command::Hurry { message }
        | Command::Delay { message, .. }
        | Command::Duplicate { message }) = command
        else {
            return Ok(());
        };
        let Some(flight) = self.flight(*message) else {
            return Err(Refusal::Impossible(format!("message #{} is not under way", message.0)));
        };
        match command {
            Command::Hurry { .. } if flight.due <= self.now && !flight.held => nothing("it arrives now anyway"),
            Command::Delay { .. } if flight.held => nothing("it waits already: its link is held"),
            Command::Delay { by: Micros::ZERO, .. } => nothing("no time at all is no delay"),
            Command::Duplicate { .. } if self.in_flight() >= MAX_IN_FLIGHT => {
                Err(Refusal::Impossible(format!("{MAX_IN_FLIGHT} messages are under way, which is the limit")))
            }
            _ => Ok(()),
        }
    }

    /// Carries out what [`World::check_fate`] has found to be possible.
    pub(super) fn decide_fate<R: Recorder<P>>(&mut self, command: &Command, records: &mut R) {
        match command {
            Command::Drop { message } => {
                let Some(slot) = self.take_off(*message) else { return };
                let Some(flight) = self.land(slot) else { return };
                self.lose(flight.record, flight.from, flight.to, flight.message, Why::Dropped, records);
            }
            Command::Hurry { message } => {
                let Some((slot, flight)) = self.take_off(*message).and_then(|slot| Some((slot, self.flown(slot)?)))
                else {
                    return;
                };
                let (from, to, name) = (flight.from, flight.to, flight.message.name());
                flight.held = false;
                self.emit(records, *message, from, u64::from(to.0), || What::Hurried { to, name });
                self.arrive_past_gate(slot, records);
            }
            Command::Delay { message, by } => {
                let now = self.now;
                let Some((slot, flight)) = self.take_off(*message).and_then(|slot| Some((slot, self.flown(slot)?)))
                else {
                    return;
                };
                flight.due += *by;
                let (from, to, name, due) = (flight.from, flight.to, flight.message.name(), flight.due);
                let at = flight.ends().max(now);
                self.emit(records, *message, from, due.0, || What::Delayed { to, name, due });
                self.queue.push(at, Event::Arrive { flight: slot });
            }
            Command::Duplicate { message } => {
                let Some(flight) = self.flight(*message).cloned() else { return };
                let at = flight.ends().max(self.now);
                self.double(flight, at, records);
            }
            _ => {}
        }
    }

    /// Lets a copy of a message fly; its end is at `at`. A copy of one that waits at the end of its link waits there, too.
    pub(super) fn double<R: Recorder<P>>(&mut self, copy: Flight<P>, at: super::Time, records: &mut R) {
        if self.in_flight() >= MAX_IN_FLIGHT {
            return;
        }
        let (from, to, due, held) = (copy.from, copy.to, copy.due, copy.held);
        let message = copy.message.clone();
        let told = || What::Duplicated { to, message, due };
        let record = self.emit(records, copy.record, from, u64::from(to.0), told);
        let slot = self.fly(Flight { record, ..copy });
        if held {
            self.gate(from, to, |waiting| waiting.push(slot));
        } else {
            self.queue.push(at, Event::Arrive { flight: slot });
        }
    }

    /// Takes what would become of a message from the queue, or the message from the end of its held link. Its place
    /// among the flights.
    fn take_off(&mut self, message: RecordId) -> Option<u32> {
        let is = |flight: &Option<Flight<P>>| flight.as_ref().is_some_and(|flight| flight.record == message);
        let slot = self.flights.iter().position(is)? as u32;
        let flight = self.flown(slot)?;
        let (from, to, held) = (flight.from, flight.to, flight.held);
        if held {
            self.gate(from, to, |waiting| waiting.retain(|other| *other != slot));
        } else {
            self.queue.remove(|event| matches!(event, Event::Arrive { flight } if *flight == slot));
        }
        Some(slot)
    }

    fn flown(&mut self, slot: u32) -> Option<&mut Flight<P>> {
        self.flights.get_mut(slot as usize)?.as_mut()
    }

    /// What waits at the end of a held link.
    fn gate(&mut self, from: NodeId, to: NodeId, change: impl FnOnce(&mut Vec<u32>)) {
        if let Some(link) = self.node_mut(from).and_then(|node| node.link_mut(to)) {
            change(link.waiting());
        }
    }
}
