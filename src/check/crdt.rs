//! Strong eventual consistency: replicas that have the same updates have the same state (Shapiro, Preguiça, Baquero and
//! Zawirski, 2011), and that state is what each type's specification makes of those updates: no increment is lost, an
//! element is in the set if some putting-in was seen by no taking-out, the register has the last write.
//!
//! The specification is computed here from the updates themselves, not from what the replicas keep.

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::protocols::crdt::{Shown, Update};
use crate::sim::{NodeId, RecordId, Scale, Table};

use super::{Check, Violation};

/// Its name in documents.
pub const NAME: &str = "crdt";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "Replicas that have the same updates have the same state, and no increment, no element and no last write is lost."
);
/// How many updates are remembered; with more it stops looking, which is no verdict.
pub const UPDATES: usize = 20_000;
/// How many sets of updates are remembered with the state that somebody had for them; the oldest goes.
pub const STATES: usize = 512;

type Seen = Rc<[(NodeId, u64)]>;

/// An update, and what all of its replica's up to it come to.
#[derive(Clone, Debug)]
struct Made {
    update: Update,
    seen: Seen,
    counter: u64,
    stock: i64,
    register: Option<(u64, NodeId, u64)>,
    record: RecordId,
}

/// What somebody had.
#[derive(Clone, Debug)]
struct Had {
    seen: Seen,
    mark: u64,
    record: RecordId,
    node: NodeId,
}

/// The check.
#[derive(Clone, Debug, Default)]
pub struct Crdt {
    /// Of each replica, in their order.
    made: Table<NodeId, Rc<Vec<Made>>>,
    count: usize,
    had: Rc<Vec<Had>>,
    /// Everything that was ever put in, ascending.
    elements: Rc<Vec<u64>>,
    silent: bool,
    /// It has told what it found, so as not to tell it at every merge.
    told: u32,
}

fn count(seen: &[(NodeId, u64)], node: NodeId) -> u64 {
    seen.iter().find(|(known, _)| *known == node).map_or(0, |(_, count)| *count)
}

impl Crdt {
    fn updated(&mut self, record: &Record, number: u64, update: Update, seen: &Seen) {
        let made = self.made.or_default(record.node);
        // Who lost its disk numbers its updates anew: of that nothing can be said.
        if made.len() as u64 + 1 != number || self.count >= UPDATES {
            self.silent = true;
            return;
        }
        self.count += 1;
        if let Update::Insert(element) = update
            && let Err(place) = self.elements.binary_search(&element)
        {
            Rc::make_mut(&mut self.elements).insert(place, element);
        }
        let last = made.last();
        let (counter, stock) = (last.map_or(0, |last| last.counter), last.map_or(0, |last| last.stock));
        let register = last.and_then(|last| last.register);
        let written = if let Update::Write { at, value } = update { Some((at, record.node, value)) } else { None };
        let made_now = Made {
            update,
            seen: seen.clone(),
            counter: counter + if let Update::Count(by) = update { by } else { 0 },
            stock: stock + if let Update::Change(by) = update { by } else { 0 },
            register: register.max(written),
            record: record.id,
        };
        Rc::make_mut(made).push(made_now);
    }

    /// The updates of a replica among these, in their order.
    fn among<'a>(&'a self, seen: &'a [(NodeId, u64)]) -> impl Iterator<Item = (NodeId, &'a [Made])> {
        self.made.iter().map(|(node, made)| (*node, &made[..made.len().min(count(seen, *node) as usize)]))
    }

    /// Whether an element is in the set: a replica's last putting-in speaks for its earlier ones, and so does its last
    /// taking-out, since each has seen all before it.
    fn contains(&self, seen: &[(NodeId, u64)], element: u64) -> bool {
        let last = |made: &[Made], update: Update| made.iter().rposition(|one| one.update == update);
        let unseen = |node: NodeId, number: u64| {
            let mut removals = self.among(seen).filter_map(|(_, made)| {
                let place = last(made, Update::Remove(element))?;
                Some(&made[place].seen)
            });
            !removals.any(|seen| count(seen, node) >= number)
        };
        let mut inserts = self.among(seen).filter_map(|(node, made)| {
            let place = last(made, Update::Insert(element))?;
            Some((node, place as u64 + 1))
        });
        inserts.any(|(node, number)| unseen(node, number))
    }

    /// What is wrong with what is shown for these updates.
    fn wrong(&self, seen: &[(NodeId, u64)], shown: &Shown) -> Option<String> {
        let lasts = || self.among(seen).filter_map(|(_, made)| made.last());
        let (counter, stock) = (lasts().map(|one| one.counter).sum::<u64>(), lasts().map(|one| one.stock).sum::<i64>());
        if counter != shown.counter {
            return Some(format!("the increments come to {counter}, and its counter shows {}", shown.counter));
        }
        if stock != shown.stock {
            return Some(format!("the changes of the stock come to {stock}, and it shows {}", shown.stock));
        }
        let register = lasts().filter_map(|one| one.register).max().map(|(_, _, value)| value);
        if register != shown.register {
            return Some(format!("the last write is {register:?}, and its register shows {:?}", shown.register));
        }
        let wrong = |element: &&u64| self.contains(seen, **element) != shown.set.contains(element);
        let other = self.elements.iter().find(wrong)?;
        let (should, does) = if shown.set.contains(other) { ("was taken out", "is") } else { ("was put in", "is not") };
        Some(format!("{other} {should} last, as far as was seen, and {does} in its set"))
    }

    fn merged(&mut self, record: &Record, seen: &Seen, mark: u64, shown: &Shown, world: &World) -> Option<Violation> {
        let me = world.name(record.node);
        if let Some(told) = self.wrong(seen, shown) {
            let last = self.among(seen).filter_map(|(_, made)| made.last()).map(|one| one.record).max();
            let told = format!("specification: of the updates that {me} has, {told}");
            return Some(breach(record, told, last.into_iter().chain([record.id]).collect()));
        }
        if let Some(had) = self.had.iter().find(|had| had.seen == *seen) {
            if had.mark == mark {
                return None;
            }
            let told = format!(
                "strong convergence: {me} and {} have the same updates and not the same state",
                world.name(had.node)
            );
            return Some(breach(record, told, vec![had.record, record.id]));
        }
        let had = Rc::make_mut(&mut self.had);
        if had.len() >= STATES {
            had.remove(0);
        }
        had.push(Had { seen: seen.clone(), mark, record: record.id, node: record.node });
        None
    }
}

fn breach(record: &Record, told: String, evidence: Vec<RecordId>) -> Violation {
    let (at, node) = (record.at, record.node);
    Violation { check: Rc::from(NAME), at, record: record.id, node, told: Rc::from(told), evidence }
}

impl Check for Crdt {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        match &record.what {
            What::Fact(Fact::Updated { number, update, seen }) => self.updated(record, *number, *update, seen),
            What::Fact(Fact::Merged { seen, mark, shown }) if !self.silent && self.told < 4 => {
                let violation = self.merged(record, seen, *mark, shown, world);
                self.told += u32::from(violation.is_some());
                found.extend(violation);
            }
            _ => {}
        }
    }
    fn weigh(&self, scale: &mut Scale) {
        for made in self.made.values() {
            scale.shared(Rc::as_ptr(made).addr(), 100 + made.capacity() * (size_of::<Made>() + 100));
        }
        scale.shared(Rc::as_ptr(&self.had).addr(), self.had.capacity() * (size_of::<Had>() + 100));
        scale.shared(Rc::as_ptr(&self.elements).addr(), self.elements.capacity() * 8);
        scale.own(500 + self.made.len() * 32);
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Crdt::default())
}
