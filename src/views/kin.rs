//! What has to do with a message: what can have influenced it, what it can have influenced, and what brought it about.

use crate::scene::Target;
use crate::sim::{NodeId, RecordId};
use crate::trace::Log;
use crate::trace::course::{Course, cause};
use crate::trace::space_time::{future, past};

/// How many steps back causes are followed.
const MAX_BACK: usize = 64;
/// How many messages are named that led to one.
const MAX_LED: usize = 12;

/// How a record stands to what is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kin {
    /// Neither can have influenced the other.
    Concurrent,
    /// One can have influenced the other.
    Ordered,
    /// One brought the other about, by a chain of causes.
    Chain,
}

/// How all records stand to the message that is selected: what can have influenced it, what it can have influenced, and
/// of these what brought it about and what it brought about.
pub(super) fn related(selected: Option<Target>, course: &Course) -> Option<Vec<Kin>> {
    let Some(Target::Flight(record)) = selected else { return None };
    let here = course.place(record)?;
    let mut related = vec![Kin::Concurrent; course.records().len()];
    for id in past(course, record).into_iter().chain(future(course, record)) {
        if let Some(place) = course.place(id) {
            related[place] = Kin::Ordered;
        }
    }
    let mut at = Some(here);
    while let Some(place) = at {
        related[place] = Kin::Chain;
        at = course.cause(place);
    }
    // Causes have smaller numbers, so one pass finds everything that comes of it.
    let mut brought = vec![false; related.len()];
    brought[here] = true;
    for place in here + 1..brought.len() {
        brought[place] = course.cause(place).is_some_and(|cause| brought[cause]);
        if brought[place] {
            related[place] = Kin::Chain;
        }
    }
    Some(related)
}

/// The messages that led to one, each the cause of the one before it, with itself first: who sent each, and to whom.
pub fn led(log: &Log, record: RecordId) -> Vec<(NodeId, NodeId)> {
    let mut ways = Vec::new();
    let mut at = log.get(record);
    for _ in 0..MAX_BACK {
        let Some(record) = at.filter(|_| ways.len() < MAX_LED) else { break };
        if let Some((to, ..)) = record.what.leaving() {
            ways.push((record.node, to));
        }
        at = log.get(cause(record));
    }
    ways
}
