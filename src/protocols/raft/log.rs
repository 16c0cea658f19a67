//! The log: a snapshot of everything up to some entry, and the entries after it. The same in memory and on the disk.

use std::hash::{Hash, Hasher};
use std::rc::Rc;

use crate::sim::{COUNTS, Item, Scale, apart};

use super::machine::{Entry, Machine, Member};

/// Everything up to an entry (§7).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Snapshot {
    /// The index of the last entry that it stands for (lastIncludedIndex); 0 before the first.
    pub index: u64,
    /// That entry's term (lastIncludedTerm).
    pub term: u64,
    /// The members as of that entry; none where it does not know of any.
    pub members: Rc<[Member]>,
    /// The state machine after that entry.
    pub machine: Rc<Machine>,
}

impl Default for Snapshot {
    fn default() -> Snapshot {
        Snapshot { index: 0, term: 0, members: Rc::from([]), machine: Rc::default() }
    }
}

/// A log. Indices are counted from 1, as in the paper.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    snapshot: Rc<Snapshot>,
    entries: Vec<Entry>,
}

impl Hash for Log {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.snapshot.hash(state);
        apart(state, |state| self.entries.hash(state));
    }
}

impl Log {
    /// A log of a snapshot and the entries after it.
    pub fn new(snapshot: Rc<Snapshot>, entries: Vec<Entry>) -> Log {
        Log { snapshot, entries }
    }
    /// Puts it on the scale.
    pub fn weigh(&self, scale: &mut Scale) {
        scale.shared(Rc::as_ptr(&self.snapshot).addr(), COUNTS + size_of::<Snapshot>());
        self.snapshot.machine.weigh(scale);
        scale.own(size_of_val(&*self.entries));
        self.entries.iter().for_each(|entry| entry.weigh(scale));
    }
    /// What stands for the entries that are no longer there.
    pub fn snapshot(&self) -> &Rc<Snapshot> {
        &self.snapshot
    }
    /// The index of the last entry; 0 where there never was one.
    pub fn last(&self) -> u64 {
        self.snapshot.index + self.entries.len() as u64
    }
    /// Its term.
    pub fn last_term(&self) -> u64 {
        self.entries.last().map_or(self.snapshot.term, |entry| entry.term)
    }
    /// The term of an entry; nothing for one that is not there, or stands in the snapshot before its last.
    pub fn term(&self, index: u64) -> Option<u64> {
        if index == self.snapshot.index {
            return Some(self.snapshot.term);
        }
        self.get(index).map(|entry| entry.term)
    }
    /// An entry after the snapshot.
    pub fn get(&self, index: u64) -> Option<&Entry> {
        self.entries.get(index.checked_sub(self.snapshot.index + 1)? as usize)
    }
    /// The entries from an index on, at most so many.
    pub fn from(&self, index: u64, most: usize) -> &[Entry] {
        let first = (index.max(self.snapshot.index + 1) - self.snapshot.index - 1) as usize;
        let rest = self.entries.get(first..).unwrap_or(&[]);
        &rest[..rest.len().min(most)]
    }
    /// Whether it has a copy of a message.
    pub fn carries(&self, item: Item) -> bool {
        self.entries.iter().rev().any(|entry| entry.command.carries(item))
            || self.snapshot.machine.board().carries(item)
    }
    /// How many entries stand after the snapshot.
    pub fn len(&self) -> usize {
        self.entries.len()
    }
    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
    /// The first index that has the term of `index`, as far as the snapshot lets one see.
    pub fn first_of_term(&self, index: u64) -> u64 {
        let term = self.term(index);
        let mut first = index;
        while first > self.snapshot.index + 1 && self.term(first - 1) == term {
            first -= 1;
        }
        first
    }
    /// The last index of a term, if an entry of it is there.
    pub fn last_of_term(&self, term: u64) -> Option<u64> {
        let place = self.entries.iter().rposition(|entry| entry.term == term);
        let place = place.map(|place| self.snapshot.index + 1 + place as u64);
        place.or((self.snapshot.term == term && self.snapshot.index > 0).then_some(self.snapshot.index))
    }
    /// Puts entries at an index, in place of everything from there on. What would stand within the snapshot, or leave a
    /// gap, is not put.
    pub fn put(&mut self, index: u64, entries: &[Entry]) {
        let skip = (self.snapshot.index + 1).saturating_sub(index);
        let at = (index + skip - self.snapshot.index - 1) as usize;
        if at <= self.entries.len() && skip as usize <= entries.len() {
            self.entries.truncate(at);
            self.entries.extend_from_slice(&entries[skip as usize..]);
        }
    }
    /// Lets a snapshot stand for what comes before it. Entries after it stay where the log had its last entry; otherwise
    /// they are of another log, and go (figure 13, rules 6 and 7).
    pub fn install(&mut self, snapshot: Rc<Snapshot>) {
        if snapshot.index < self.snapshot.index {
            return;
        }
        if self.term(snapshot.index) == Some(snapshot.term) {
            self.entries.drain(..(snapshot.index - self.snapshot.index) as usize);
        } else {
            self.entries.clear();
        }
        self.snapshot = snapshot;
    }
}
