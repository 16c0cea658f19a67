//! Sagas (Garcia-Molina and Salem 1987, section 1): either all of T1 … Tn, or T1 … Tj and then Cj … C1; and in the end no
//! money has come from nowhere.
//!
//! A saga must have ended by [`ENDED_WITHIN`] after it began or the last failure ended; then its steps are looked at.

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::protocols::saga::{Saga, Told};
use crate::sim::{Micros, NodeId, RecordId, Scale, Table, Time};

use super::atomic_commit::{trouble, unsettles};
use super::{Check, Violation};

/// Its name in documents.
pub const NAME: &str = "saga";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "Of every saga all steps are done, or those that were are undone, each once and the last first, within 20 s of the end of the last failure; money is conserved."
);
/// How many sagas are watched: of more the oldest are forgotten.
pub const WATCHED: usize = 512;
/// How long after the end of the last failure a saga must have ended.
pub const ENDED_WITHIN: Micros = Micros::secs(20);
/// How often it looks whether all have.
const LOOK: Micros = Micros::secs(1);

/// What is known of a saga.
#[derive(Clone, Debug)]
struct Seen {
    steps: u32,
    begun: Time,
    record: RecordId,
    /// Who did its step and has not undone it, in this order.
    done: Vec<NodeId>,
    /// Who has undone its step.
    undone: Vec<NodeId>,
    sum: i64,
    ended: bool,
    /// It has been told once that something is wrong with it.
    told: bool,
}

/// The check.
#[derive(Clone, Debug)]
struct Sagas {
    seen: Table<Saga, Rc<Seen>>,
    /// Since when nothing has gone wrong.
    calm: Time,
    look: Time,
}

impl Sagas {
    fn told(&mut self, record: &Record, told: &Told, world: &World) -> Option<Violation> {
        if let Told::Began { saga, steps } = told {
            if self.seen.len() >= WATCHED {
                let oldest = self.seen.keys().next().copied()?;
                self.seen.remove(&oldest);
            }
            let (begun, record, steps) = (record.at, record.id, *steps);
            let (done, undone) = (Vec::new(), Vec::new());
            self.seen
                .insert(*saga, Rc::new(Seen { steps, begun, record, done, undone, sum: 0, ended: false, told: false }));
            return None;
        }
        let (Told::Did { saga, .. } | Told::Declined { saga } | Told::Undid { saga, .. } | Told::Ended { saga, .. }) =
            told
        else {
            return None;
        };
        let seen = Rc::make_mut(self.seen.get_mut(saga)?);
        let (node, me) = (record.node, world.name(record.node));
        let broken = match told {
            Told::Did { change, .. } => {
                let again = seen.done.contains(&node) || seen.undone.contains(&node);
                seen.done.push(node);
                seen.sum += change;
                again.then(|| format!("{me} does its step of {saga} a second time"))
            }
            Told::Undid { change, .. } => {
                seen.sum += change;
                let last = seen.done.last().copied();
                let place = seen.done.iter().position(|other| *other == node);
                place.map(|place| seen.done.remove(place));
                let twice = seen.undone.contains(&node);
                seen.undone.push(node);
                match last {
                    _ if twice => Some(format!("{me} undoes its step of {saga} a second time: {change:+} once more")),
                    Some(last) if last != node => {
                        Some(format!("{me} undoes its step of {saga} before {}, which came later", world.name(last)))
                    }
                    _ => None,
                }
            }
            Told::Ended { whole, .. } => {
                seen.ended = true;
                match whole {
                    true if seen.done.len() != seen.steps as usize => {
                        Some(format!("{saga} ends as done, with {} of {} steps", seen.done.len(), seen.steps))
                    }
                    false if !seen.done.is_empty() => {
                        Some(format!("{saga} ends as undone, and {} has done its step", world.name(seen.done[0])))
                    }
                    _ if seen.sum != 0 => Some(format!("money: {saga} has made {} of nothing", seen.sum)),
                    _ => None,
                }
            }
            _ => None,
        };
        let told = broken.filter(|_| !seen.told)?;
        seen.told = true;
        Some(breach(record.at, record.id, node, &world.named(&told), seen))
    }
}

fn breach(at: Time, record: RecordId, node: NodeId, what: &str, seen: &Seen) -> Violation {
    let mut evidence = vec![seen.record, record];
    evidence.dedup();
    Violation { check: Rc::from(NAME), at, record, node, told: Rc::from(what), evidence }
}

impl Check for Sagas {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        match &record.what {
            What::Fact(Fact::Saga(told)) => found.extend(self.told(record, told, world)),
            what if unsettles(what) => self.calm = record.at,
            _ => {}
        }
    }
    fn due(&self) -> Option<Time> {
        Some(self.look)
    }
    fn on_due(&mut self, world: &World, found: &mut Vec<Violation>) {
        let now = world.now();
        self.look = now + LOOK;
        let calm = self.calm;
        let late = |seen: &Seen| !seen.ended && !seen.told && now.since(seen.begun.max(calm)) > ENDED_WITHIN;
        if !self.seen.values().any(|seen| late(seen)) {
            return;
        }
        if trouble(world) {
            self.calm = now;
            return;
        }
        for (saga, seen) in self.seen.iter_mut().filter(|(_, seen)| late(seen)) {
            let seen = Rc::make_mut(seen);
            seen.told = true;
            let of = (seen.done.len(), seen.steps);
            let told = format!(
                "{saga} has not ended, {ENDED_WITHIN} after the last failure: {} of {} steps are done",
                of.0, of.1
            );
            found.push(breach(now, seen.record, saga.coordinator, &world.named(&told), seen));
        }
    }
    fn weigh(&self, scale: &mut Scale) {
        scale.own(1_000 + self.seen.len() * 200);
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Sagas { seen: Table::new(), calm: Time::ZERO, look: Time(LOOK.0) })
}
