//! Logical clocks, by the names of their papers, against what truly happened before what: the order of the events of each
//! process, and that a payment comes before its receipt.
//!
//! - Clock Condition (Lamport 1978): if an event happened before another, its number is less. Between neighbours it is looked
//!   at one by one; the rest follows.
//! - Strong Clock Condition (Mattern 1989): a vector is less if, and only if, its event happened before the other. Each event
//!   is held against the last [`WINDOW`].

use std::collections::VecDeque;
use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::protocols::branch::Told;
use crate::protocols::logical::{Stamp, Vector};
use crate::sim::{NodeId, RecordId, Scale, Table};

use super::{Check, Violation};

/// Its name in documents.
pub const NAME: &str = "clocks";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "What happened before has the lesser Lamport time (Clock Condition), and the lesser vector if, and only if, it happened before (Strong Clock Condition)."
);
/// With how many of the last events each is compared.
pub const WINDOW: usize = 48;
/// How many payments under way are watched; with more it stops looking, which is no verdict.
pub const WATCHED: usize = 4_096;

/// An event: what it knew in truth, and what its clocks say.
#[derive(Clone, Debug)]
struct Event {
    node: NodeId,
    truth: Vector,
    stamp: Stamp,
    record: RecordId,
}

/// The check.
#[derive(Clone, Debug, Default)]
struct Clocks {
    last: Table<NodeId, Rc<Event>>,
    /// Payments by channel and number.
    sent: Table<(NodeId, NodeId, u64), Rc<Event>>,
    window: VecDeque<Rc<Event>>,
    /// A disk has forgotten what others remember, or there is too much to look at.
    blind: bool,
    told: Vec<&'static str>,
}

/// A property that is broken, how, and the record beside this one that shows it.
type Broken = (&'static str, String, RecordId);

impl Clocks {
    fn event(&mut self, record: RecordId, node: NodeId, stamp: &Stamp, cause: Option<Rc<Event>>) -> Option<Broken> {
        let mut broken = None;
        let mut truth = self.last.get(&node).map_or_else(Vector::default, |last| last.truth.clone());
        for earlier in self.last.get(&node).into_iter().chain(&cause) {
            truth.merge(&earlier.truth);
            if earlier.stamp.lamport >= stamp.lamport {
                let (before, after) = (earlier.stamp.lamport, stamp.lamport);
                let told =
                    format!("an event of {node} has time {after}, and one of {} before it {before}", earlier.node);
                broken = Some(("Clock Condition", told, earlier.record));
            }
        }
        truth.tick(node);
        let event = Rc::new(Event { node, truth, stamp: stamp.clone(), record });
        for other in &self.window {
            let (happened, told) = (other.truth.before(&event.truth), other.stamp.vector.before(&stamp.vector));
            if happened != told || stamp.vector.before(&other.stamp.vector) {
                let word = if happened { "happened before" } else { "did not happen before" };
                let (a, b) = (&other.stamp.vector, &stamp.vector);
                let told =
                    format!("an event of {} {word} one of {node}, and their vectors are {a} and {b}", other.node);
                broken = broken.or(Some(("Strong Clock Condition", told, other.record)));
            }
        }
        if self.window.len() >= WINDOW {
            self.window.pop_front();
        }
        self.window.push_back(event.clone());
        self.last.insert(node, event);
        broken
    }

    fn take(&mut self, record: RecordId, node: NodeId, told: &Told) -> Option<Broken> {
        match told {
            Told::Paid { to, number, stamp, .. } => {
                let broken = self.event(record, node, stamp, None);
                if self.sent.len() >= WATCHED {
                    self.blind = true;
                }
                let event = self.last.get(&node)?.clone();
                self.sent.insert((node, *to, *number), event);
                broken
            }
            Told::Got { from, number, stamp, .. } => {
                let cause = self.sent.remove(&(*from, node, *number));
                self.event(record, node, stamp, cause)
            }
            _ => None,
        }
    }
}

impl Check for Clocks {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        let told = match &record.what {
            What::Crashed { disk_lost: true } | What::Unsynced { .. } => {
                self.blind = true;
                return;
            }
            What::Fact(Fact::Branch(told)) if !self.blind => told,
            _ => return,
        };
        let broken = self.take(record.id, record.node, told).filter(|(property, ..)| !self.told.contains(property));
        let Some((property, told, other)) = broken else { return };
        self.told.push(property);
        let mut evidence = vec![other, record.id];
        evidence.dedup();
        let told = Rc::from(world.named(&format!("{property} is broken: {told}")));
        let (check, at, node) = (Rc::from(NAME), record.at, record.node);
        found.push(Violation { check, at, record: record.id, node, told, evidence });
    }
    fn weigh(&self, scale: &mut Scale) {
        let each = |event: &Rc<Event>| (Rc::as_ptr(event).addr(), size_of::<Event>() + event.truth.len() * 32);
        let events = self.last.values().chain(self.sent.values()).chain(&self.window).map(each);
        events.for_each(|(address, bytes)| scale.shared(address, bytes));
        scale.own(self.last.bytes() + self.sent.bytes() + self.window.capacity() * 8);
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Clocks::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::logical::Receipt;

    /// Two processes: the first does two things and pays, the second receives. Which properties are broken.
    fn found(receipt: Receipt, forged: Option<u64>) -> Vec<&'static str> {
        let (a, b) = (NodeId(1), NodeId(2));
        let (mut check, mut broken) = (Clocks::default(), Vec::new());
        let (mut mine, mut theirs) = (Stamp::default(), Stamp::default());
        for number in 1..=3 {
            mine.tick(a);
            let paid = Told::Paid { to: b, number, amount: 1, stamp: mine.clone() };
            broken.extend(check.take(RecordId(number), a, &paid));
        }
        theirs.receive(b, &mine, receipt);
        theirs.lamport = forged.unwrap_or(theirs.lamport);
        let got = Told::Got { from: a, number: 3, amount: 1, stamp: theirs };
        broken.extend(check.take(RecordId(9), b, &got));
        broken.into_iter().map(|(property, ..)| property).collect()
    }

    #[test]
    fn clocks_that_take_the_maximum_keep_both_conditions_and_others_do_not() {
        assert_eq!(found(Receipt::Maximum, None), [""; 0]);
        assert_eq!(found(Receipt::Own, None), ["Clock Condition"]);
        // A number that happens to be right does not help the vector.
        assert_eq!(found(Receipt::Own, Some(7)), ["Strong Clock Condition"]);
        assert_eq!(found(Receipt::Maximum, Some(3)), ["Clock Condition"]);
    }
}
