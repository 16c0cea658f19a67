//! The last records, bounded; older ones can be had again by replay.

use std::collections::VecDeque;

use crate::components::Record;
use crate::sim::{RecordId, Time};

/// How many records are kept.
pub const MAX_LOG: usize = 20_000;

/// The last records, oldest first.
#[derive(Clone, Default)]
pub struct Log {
    records: VecDeque<Record>,
    /// Whether older records were let go.
    pub cut_short: bool,
}

impl Log {
    /// Adds one, and lets the oldest go at the limit.
    pub fn push(&mut self, record: Record) {
        if self.records.len() >= MAX_LOG {
            self.records.pop_front();
            self.cut_short = true;
        }
        self.records.push_back(record);
    }
    /// All that are kept, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.records.iter()
    }
    /// Those at or after `from`, oldest first.
    pub fn since(&self, from: Time) -> impl DoubleEndedIterator<Item = &Record> {
        let start = self.records.partition_point(|record| record.at < from);
        self.records.range(start..)
    }
    /// The record of this number, if it is kept.
    pub fn get(&self, id: RecordId) -> Option<&Record> {
        let place = self.records.binary_search_by_key(&id, |record| record.id).ok()?;
        self.records.get(place)
    }
    /// How many are kept.
    pub fn len(&self) -> usize {
        self.records.len()
    }
    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.records.clear();
        self.cut_short = false;
    }
}
