//! What a node keeps: values with what says which is the later one, and hints for others.

use std::rc::Rc;

use crate::sim::{Disk, NodeId, Table};

use super::{MAX_HINTS, MAX_KEYS, MAX_SIBLINGS, mark};

/// Says which of two values is the later one; no two writes have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Stamp {
    /// The coordinator's clock in microseconds, or a number above all that it found.
    pub time: u64,
    /// Who coordinated the write.
    pub node: NodeId,
    /// Which of its operations it was.
    pub id: u64,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    /// What was written.
    pub value: u64,
    /// Of values without vectors, the one with the higher stamp is the later.
    pub stamp: Stamp,
    /// How many writes of each coordinator this one takes the place of, itself among them; empty without vectors.
    pub vector: Rc<[(NodeId, u64)]>,
}

impl Version {
    /// Whether it takes the place of another: it is that one, or was written knowing it.
    pub fn covers(&self, other: &Version) -> bool {
        if self.vector.is_empty() || other.vector.is_empty() {
            return self.stamp >= other.stamp;
        }
        let count = |node: NodeId| self.vector.iter().find(|(known, _)| *known == node).map_or(0, |(_, count)| *count);
        other.vector.iter().all(|(node, known)| count(*node) >= *known)
    }
}

/// What is left of two lists of versions when those go whose place was taken; ascending by stamp.
pub fn merge(one: &[Version], other: &[Version]) -> Vec<Version> {
    let mut merged: Vec<Version> = one.to_vec();
    for version in other {
        if !merged.iter().any(|known| known.covers(version)) {
            merged.retain(|known| !version.covers(known));
            merged.push(version.clone());
        }
    }
    merged.sort_unstable_by_key(|version| version.stamp);
    let beyond = merged.len().saturating_sub(MAX_SIBLINGS);
    merged.drain(..beyond);
    merged
}

/// A node's disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Store {
    /// How often it has started.
    pub life: u64,
    held: Table<u32, Rc<[Version]>>,
    hints: Table<(NodeId, u32), Rc<[Version]>>,
}

/// A write to a node's disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// It has started so often.
    Life(u64),
    /// Put these beside what is there, or in its place.
    Merge {
        /// Under which key.
        key: u32,
        /// What.
        versions: Rc<[Version]>,
    },
    /// Keep these for another.
    Hint {
        /// For whom.
        to: NodeId,
        /// Under which key.
        key: u32,
        /// What.
        versions: Rc<[Version]>,
    },
    /// The other has them.
    Unhint {
        /// Who.
        to: NodeId,
        /// Under which key.
        key: u32,
        /// What it has, as one number.
        mark: u64,
    },
}

impl Write {
    /// Keeps these, for itself or as a hint for another.
    pub fn of(key: u32, versions: Rc<[Version]>, hint: Option<NodeId>) -> Write {
        match hint {
            Some(to) => Write::Hint { to, key, versions },
            None => Write::Merge { key, versions },
        }
    }
    /// Under which key it keeps something.
    pub fn key(&self) -> Option<u32> {
        match self {
            Write::Merge { key, .. } | Write::Hint { key, .. } => Some(*key),
            Write::Life(_) | Write::Unhint { .. } => None,
        }
    }
}

impl Disk for Store {
    type Write = Write;
    fn apply(&mut self, write: Write) {
        match write {
            Write::Life(life) => self.life = life,
            Write::Merge { key, versions } => {
                let merged = merge(self.get(key), &versions);
                if !merged.is_empty() {
                    self.held.insert(key, merged.into());
                }
            }
            Write::Hint { to, key, versions } => {
                let kept: &[Version] = self.hints.get(&(to, key)).map_or(&[], |kept| kept);
                let merged = merge(kept, &versions);
                self.hints.insert((to, key), merged.into());
            }
            Write::Unhint { to, key, mark: handed } => {
                if self.hints.get(&(to, key)).is_some_and(|kept| mark(kept) == handed) {
                    self.hints.remove(&(to, key));
                }
            }
        }
    }
}

impl Store {
    /// What lies here under a key, ascending by stamp.
    pub fn get(&self, key: u32) -> &[Version] {
        self.held.get(&key).map_or(&[], |versions| versions)
    }
    /// What lies here under a key, hints for others too.
    pub fn all(&self, key: u32) -> Rc<[Version]> {
        let mut all = self.get(key).to_vec();
        for ((_, _), versions) in self.hints.iter().filter(|((_, of), _)| *of == key) {
            all = merge(&all, versions);
        }
        all.into()
    }
    /// Every key with what lies here under it, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &[Version])> {
        self.held.iter().map(|(key, versions)| (*key, &versions[..]))
    }
    /// Hints: for whom, under which key, what.
    pub fn hints(&self) -> impl Iterator<Item = (NodeId, u32, &Rc<[Version]>)> {
        self.hints.iter().map(|((to, key), versions)| (*to, *key, versions))
    }
    /// Whether a write would change nothing.
    pub fn has(&self, write: &Write) -> bool {
        let (kept, versions) = match write {
            Write::Merge { key, versions } => (self.get(*key), versions),
            Write::Hint { to, key, versions } => (self.hints.get(&(*to, *key)).map_or(&[][..], |kept| kept), versions),
            Write::Unhint { to, key, mark: handed } => {
                return self.hints.get(&(*to, *key)).is_none_or(|kept| mark(kept) != *handed);
            }
            Write::Life(life) => return self.life == *life,
        };
        versions.iter().all(|version| kept.iter().any(|known| known.covers(version)))
    }
    /// Whether there is room for a write.
    pub fn takes(&self, write: &Write) -> bool {
        match write {
            Write::Merge { key, .. } => self.held.len() < MAX_KEYS || self.held.contains_key(key),
            Write::Hint { to, key, .. } => self.hints.len() < MAX_HINTS || self.hints.contains_key(&(*to, *key)),
            Write::Life(_) | Write::Unhint { .. } => true,
        }
    }
}
