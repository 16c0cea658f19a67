//! A stretch of records that one can walk along causes: what the log keeps, or a whole run.

use crate::components::{Record, What};
use crate::sim::{NodeId, RecordId};

/// Records in the order of their numbers, and for each the two that come right before it: the one that brought it about,
/// and the one before it at the same node.
pub struct Course<'a> {
    records: Vec<&'a Record>,
    causes: Vec<Option<u32>>,
    before: Vec<Option<u32>>,
}

impl<'a> Course<'a> {
    /// The records of a log, or of a run; they come in the order of their numbers.
    pub fn new(records: impl Iterator<Item = &'a Record>) -> Course<'a> {
        Course::of(records.collect())
    }

    fn of(records: Vec<&'a Record>) -> Course<'a> {
        let find = |id: RecordId| records.binary_search_by_key(&id, |record| record.id).ok().map(|place| place as u32);
        let causes = records.iter().map(|record| find(cause(record))).collect();
        let mut last: Vec<Option<u32>> = Vec::new();
        let mut before = Vec::with_capacity(records.len());
        for (place, record) in records.iter().enumerate() {
            let node = record.node.0 as usize;
            if last.len() <= node {
                last.resize(node + 1, None);
            }
            before.push(if lived(&record.what) { last[node].replace(place as u32) } else { None });
        }
        Course { records, causes, before }
    }

    /// All of them, oldest first.
    pub fn records(&self) -> &[&'a Record] {
        &self.records
    }
    /// Where a record stands among them.
    pub fn place(&self, id: RecordId) -> Option<usize> {
        self.records.binary_search_by_key(&id, |record| record.id).ok()
    }
    /// The record of this number.
    pub fn get(&self, id: RecordId) -> Option<&'a Record> {
        Some(self.records[self.place(id)?])
    }
    /// Where the record stands that brought this one about, or asked for this write.
    pub fn cause(&self, place: usize) -> Option<usize> {
        self.causes[place].map(|place| place as usize)
    }
    /// Where the record before this one at the same node stands; none for what the node knows nothing of.
    pub fn before(&self, place: usize) -> Option<usize> {
        self.before[place].map(|place| place as usize)
    }
}

/// What brought a record about; of a write, what asked for it.
pub fn cause(record: &Record) -> RecordId {
    match record.what {
        What::Written { of } => of,
        _ => record.cause,
    }
}

/// Whether a node lives through a record that names it: what becomes of a message or a link is nothing to it.
pub fn lived(what: &What) -> bool {
    !matches!(
        what,
        What::Lost { .. }
            | What::Cut { .. }
            | What::Healed { .. }
            | What::Held { .. }
            | What::Released { .. }
            | What::Relinked { .. }
            | What::Duplicated { .. }
            | What::Hurried { .. }
            | What::Delayed { .. }
    )
}

/// The nodes that records name, ascending.
pub fn nodes(course: &Course) -> Vec<NodeId> {
    let mut nodes: Vec<NodeId> = course.records().iter().map(|record| record.node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}
