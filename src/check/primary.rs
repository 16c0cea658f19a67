//! Primary and backups: at most one primary answers at a time (Pb1 of Budhiraja, Marzullo, Schneider and Toueg, 1993), and
//! whoever begins to serve has every write that was acknowledged.

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::sim::{NodeId, RecordId, Scale, Table};

use super::{Check, Violation};

/// Its name in documents.
pub const NAME: &str = "primary";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "At most one primary answers at a time, and a new one has every write that was acknowledged before."
);
/// How many keys are watched; what is written under more is no verdict.
pub const KEYS: usize = 65_536;

/// The last write of a key that was acknowledged: its view and position.
#[derive(Clone, Copy, Debug)]
struct Last {
    place: (u64, u64),
    record: RecordId,
}

/// The check.
#[derive(Clone, Debug, Default)]
pub struct Primary {
    /// The newest view in which somebody began to serve, who, and the record.
    newest: Option<(u64, NodeId, RecordId)>,
    acknowledged: Rc<Table<u32, Last>>,
    /// An old one that answers is told once a view.
    told: u64,
}

impl Primary {
    fn serves(&mut self, view: u64, holds: &[(u32, u64, u64)], record: &Record, world: &World) -> Option<Violation> {
        let has = |key: u32| {
            let place = holds.binary_search_by_key(&key, |(known, _, _)| *known).ok()?;
            Some((holds[place].1, holds[place].2))
        };
        let lost = self.acknowledged.iter().find(|(key, last)| has(**key).is_none_or(|place| place < last.place));
        let violation = lost.map(|(key, last)| {
            let me = world.name(record.node);
            let (of, position) = last.place;
            let told = format!(
                "durability: {me} begins to serve in view {view} without write {position} of view {of}, under key {key}, which was acknowledged"
            );
            breach(record, told, vec![last.record, record.id])
        });
        if self.newest.is_none_or(|(newest, _, _)| newest < view) {
            self.newest = Some((view, record.node, record.id));
        }
        if violation.is_some() {
            // What is lost is lost; the next failover is judged by what is acknowledged from now on.
            self.acknowledged = Rc::default();
        }
        violation
    }

    fn answered(
        &mut self,
        view: u64,
        key: u32,
        written: Option<(u64, u64)>,
        record: &Record,
        world: &World,
    ) -> Option<Violation> {
        if let Some(place) = written
            && (self.acknowledged.len() < KEYS || self.acknowledged.contains_key(&key))
        {
            let acknowledged = Rc::make_mut(&mut self.acknowledged);
            if acknowledged.get(&key).is_none_or(|last| last.place < place) {
                acknowledged.insert(key, Last { place, record: record.id });
            }
        }
        let (newest, who, since) = self.newest?;
        if view >= newest || self.told >= newest {
            return None;
        }
        self.told = newest;
        let (me, other) = (world.name(record.node), world.name(who));
        let told = format!(
            "Pb1, one primary at a time: {me} answers as primary of view {view}, and {other} has been serving in view {newest}"
        );
        Some(breach(record, told, vec![since, record.id]))
    }
}

fn breach(record: &Record, told: String, evidence: Vec<RecordId>) -> Violation {
    let (at, node) = (record.at, record.node);
    Violation { check: Rc::from(NAME), at, record: record.id, node, told: Rc::from(told), evidence }
}

impl Check for Primary {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        match &record.what {
            What::Fact(Fact::Serves { view, holds }) => found.extend(self.serves(*view, holds, record, world)),
            What::Fact(Fact::Answered { view, key, written }) => {
                found.extend(self.answered(*view, *key, *written, record, world));
            }
            _ => {}
        }
    }
    fn weigh(&self, scale: &mut Scale) {
        scale.shared(Rc::as_ptr(&self.acknowledged).addr(), self.acknowledged.bytes());
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Primary::default())
}
