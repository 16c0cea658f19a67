//! What queues promise: at least once, nothing that was accepted is lost; at most once, nothing takes effect twice. Both
//! together are what is called effectively once.

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::protocols::queue::label;
use crate::sim::{Item, RecordId, Scale, Table, Time, clock};

use super::{Check, Violation};

/// How many accepted messages are watched; what is beyond is not, which is no verdict.
const AT_RISK: usize = 8_192;
/// How many messages that took effect are remembered; the lowest number is forgotten for one more.
const DONE: usize = 65_536;
/// How many losses of one event are told.
const TOLD: usize = 16;

/// The name of the one.
pub const AT_LEAST: &str = "at-least-once";
/// The name of the other.
pub const AT_MOST: &str = "at-most-once";
/// What the one promises.
pub const AT_LEAST_PROMISE: &str = crate::later_text!(
    "Every message that the queue accepted takes effect, or there is a copy from which it still can."
);
/// What the other promises.
pub const AT_MOST_PROMISE: &str = crate::later_text!("No message takes effect twice.");

fn remember(known: &mut Rc<Table<Item, RecordId>>, item: Item, record: RecordId) {
    let known = Rc::make_mut(known);
    if known.len() >= DONE {
        let lowest = known.keys().next().copied();
        lowest.and_then(|lowest| known.remove(&lowest));
    }
    known.insert(item, record);
}

/// The messages that were accepted and have not taken effect, and those that have.
#[derive(Clone, Debug, Default)]
struct AtLeast {
    at_risk: Rc<Table<Item, (RecordId, Time)>>,
    done: Rc<Table<Item, RecordId>>,
    /// What may have taken copies with it, and of which message if it is known.
    blow: Option<(Record, Option<Item>)>,
}

impl AtLeast {
    fn strike(&mut self, record: &Record, item: Option<Item>) {
        match &mut self.blow {
            None => self.blow = Some((record.clone(), item)),
            // Two at once: all are looked for.
            Some((_, known)) if *known != item => *known = None,
            Some(_) => {}
        }
    }
}

impl Check for AtLeast {
    fn name(&self) -> &str {
        AT_LEAST
    }
    fn promise(&self) -> &str {
        AT_LEAST_PROMISE
    }
    fn observe(&mut self, record: &Record, _: &World, _: &mut Vec<Violation>) {
        match &record.what {
            What::Fact(Fact::Enqueued { item }) if !self.done.contains_key(item) && self.at_risk.len() < AT_RISK => {
                Rc::make_mut(&mut self.at_risk).insert(*item, (record.id, record.at));
            }
            What::Fact(Fact::Worked { item }) => {
                remember(&mut self.done, *item, record.id);
                if self.at_risk.contains_key(item) {
                    Rc::make_mut(&mut self.at_risk).remove(item);
                }
            }
            What::Lost { message, .. } if !self.at_risk.is_empty() => {
                let item = self.at_risk.keys().copied().find(|item| crate::sim::Payload::carries(message, *item));
                if item.is_some() {
                    self.strike(record, item);
                }
            }
            What::Crashed { .. } | What::Removed => self.strike(record, None),
            _ => {}
        }
    }
    fn settle(&mut self, world: &World, found: &mut Vec<Violation>) {
        let Some((blow, only)) = self.blow.take() else { return };
        let suspects = self.at_risk.iter().filter(|(item, _)| only.is_none_or(|only| only == **item));
        let lost: Vec<Item> = suspects.map(|(item, _)| *item).filter(|item| !world.carries(*item)).collect();
        for item in lost.iter().take(TOLD) {
            let Some((accepted, at)) = self.at_risk.get(item) else { continue };
            let how = match &blow.what {
                What::Lost { to, why, .. } => why.sentence(world.name(*to)),
                What::Removed => format!("{} was removed", world.name(blow.node)),
                _ => format!("{} crashed", world.name(blow.node)),
            };
            let told = format!(
                "{}, accepted at {} s, is lost before it took effect: the last copy went when {how}",
                world.named(&label(*item)),
                clock(*at),
            );
            found.push(Violation {
                check: Rc::from(AT_LEAST),
                at: blow.at,
                record: blow.id,
                node: blow.node,
                told: Rc::from(told),
                evidence: vec![*accepted, blow.id],
            });
        }
        if !lost.is_empty() {
            Rc::make_mut(&mut self.at_risk).retain(|item, _| !lost.contains(item));
        }
    }
    fn weigh(&self, scale: &mut Scale) {
        scale.shared(Rc::as_ptr(&self.at_risk).addr(), self.at_risk.bytes());
        scale.shared(Rc::as_ptr(&self.done).addr(), self.done.bytes());
        scale.own(500);
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// What took effect.
#[derive(Clone, Debug, Default)]
struct AtMost {
    done: Rc<Table<Item, RecordId>>,
}

impl Check for AtMost {
    fn name(&self) -> &str {
        AT_MOST
    }
    fn promise(&self) -> &str {
        AT_MOST_PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        let What::Fact(Fact::Worked { item }) = record.what else { return };
        let Some(first) = self.done.get(&item).copied() else {
            return remember(&mut self.done, item, record.id);
        };
        let told = format!("{} took effect at {} a second time", world.named(&label(item)), world.name(record.node));
        found.push(Violation {
            check: Rc::from(AT_MOST),
            at: record.at,
            record: record.id,
            node: record.node,
            told: Rc::from(told),
            evidence: vec![first, record.id],
        });
    }
    fn weigh(&self, scale: &mut Scale) {
        scale.shared(Rc::as_ptr(&self.done).addr(), self.done.bytes());
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes the one.
pub fn at_least() -> Box<dyn Check> {
    Box::new(AtLeast::default())
}

/// Makes the other.
pub fn at_most() -> Box<dyn Check> {
    Box::new(AtMost::default())
}
