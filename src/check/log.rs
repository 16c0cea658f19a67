//! What a log with consumer groups promises (Kreps, Narkhede and Rao 2011, section 2): what was accepted is done, in each
//! partition in its order and none passed over; a record is in the log once; and only the newest generation of a group says
//! how far it is.
//!
//! A record may be done again: that is at least once. That nothing takes effect twice is another promise (`at-most-once`).

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::protocols::log::Told;
use crate::protocols::queue::label;
use crate::sim::{Item, RecordId, Scale, Table};

use super::{Check, Violation};

/// Its name.
pub const NAME: &str = "log";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "Of each partition every accepted record is done, in its order, and none is passed over; none is there twice; and only the newest generation says how far it is."
);
/// How many accepted records are watched; of more the oldest are forgotten.
pub const WATCHED: usize = 65_536;

/// A partition.
#[derive(Clone, Debug, Default)]
struct Of {
    /// The first place that has not been done.
    next: u64,
}

/// The check.
#[derive(Clone, Debug, Default)]
struct Logs {
    partitions: Table<u32, Of>,
    /// Where each record is, and the record of that.
    places: Rc<Table<Item, (u32, u64, RecordId)>>,
}

impl Logs {
    fn told(&mut self, record: &Record, told: &Told, world: &World) -> Option<Violation> {
        let me = world.name(record.node);
        let (what, evidence) = match *told {
            Told::Accepted { partition, offset, item } => {
                let before = self.places.get(&item).copied();
                let places = Rc::make_mut(&mut self.places);
                if places.len() >= WATCHED {
                    let first = places.keys().next().copied();
                    first.and_then(|first| places.remove(&first));
                }
                places.insert(item, (partition, offset, record.id));
                let (_, old, first) = before.filter(|(of, at, _)| (*of, *at) != (partition, offset))?;
                let what = format!(
                    "twice in the log: {} is in place {old} of partition {partition} and in place {offset}",
                    label(item)
                );
                (what, vec![first, record.id])
            }
            Told::Did { partition, offset, item } => {
                let of = self.partitions.or_default(partition);
                let due = of.next;
                of.next = of.next.max(offset + 1);
                if offset <= due {
                    return None;
                }
                let what = format!(
                    "passed over: {me} does {}, in place {offset} of partition {partition}, and nobody has done what is in place {due}",
                    label(item)
                );
                let lost = self.places.values().find(|(of, at, _)| (*of, *at) == (partition, due));
                (what, lost.map(|(_, _, record)| *record).into_iter().chain([record.id]).collect())
            }
            Told::Committed { partition, offset, generation, newest } if generation < newest => {
                let what = format!(
                    "a zombie: a consumer of generation {generation} says that it is at place {offset} of partition {partition}, which generation {newest} reads"
                );
                (what, vec![record.id])
            }
            _ => return None,
        };
        let told = Rc::from(world.named(&what));
        Some(Violation { check: Rc::from(NAME), at: record.at, record: record.id, node: record.node, told, evidence })
    }
}

impl Check for Logs {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        if let What::Fact(Fact::Log(told)) = &record.what {
            found.extend(self.told(record, told, world));
        }
    }
    fn weigh(&self, scale: &mut Scale) {
        scale.shared(Rc::as_ptr(&self.places).addr(), self.places.bytes());
        scale.own(500 + self.partitions.len() * 32);
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Logs::default())
}
