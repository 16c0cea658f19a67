//! The five properties of Raft (Ongaro and Ousterhout 2014, figure 3), on every step, from what servers tell of their logs.
//!
//! Of each server it keeps the log as the server tells it. Every entry has a *chain*: a fingerprint of itself and of all
//! entries before it, so that one comparison says whether two logs agree up to there. A server that forgets something
//! which it had promised to keep is not found out by itself, but by what comes of it.

use std::hash::Hasher;
use std::num::NonZeroU64;
use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::sim::{Blocks, Digest, NodeId, RecordId, Scale, Table};

use super::{Check, Violation};

/// Its name.
pub const NAME: &str = "raft";
/// What it promises.
pub const PROMISE: &str =
    "Election Safety, Leader Append-Only, Log Matching, Leader Completeness and State Machine Safety hold.";
/// How many entries of a log, committed ones and terms are remembered; what is older is not looked at.
pub const REMEMBERED: usize = 256;

/// An entry in a log.
#[derive(Clone, Copy, Debug)]
struct Place {
    term: u64,
    /// Nothing where what comes before is no longer known.
    chain: Option<NonZeroU64>,
}

/// A log as its server tells it.
#[derive(Clone, Debug, Default)]
struct Mirror {
    /// The last index of its snapshot, and the chain there.
    base: u64,
    before: Option<u64>,
    places: Blocks<Place>,
    applied: u64,
    /// The last term that it was elected in, since it started.
    leads: Option<u64>,
}

impl Mirror {
    fn last(&self) -> u64 {
        self.base + self.places.len() as u64
    }
    fn get(&self, index: u64) -> Option<Place> {
        self.places.get(index.checked_sub(self.base + 1)? as usize).copied()
    }
    /// Lets the oldest go when there is no room.
    fn shorten(&mut self) {
        if self.places.len() > REMEMBERED {
            let more = (self.places.len() - REMEMBERED) as u64;
            (self.before, self.base) = (self.chain(self.base + more), self.base + more);
            self.places.keep(REMEMBERED);
        }
    }
    fn chain(&self, index: u64) -> Option<u64> {
        if index == self.base { self.before } else { self.get(index)?.chain.map(NonZeroU64::get) }
    }
}

/// What was seen first of an entry: its chain, where and in which record.
#[derive(Clone, Copy, Debug)]
struct Seen {
    chain: u64,
    node: NodeId,
    record: RecordId,
    /// Of one that was committed, the term in which it was.
    within: u64,
}

/// An entry's index and term.
type Key = (u64, u64);

/// The last entries, ascending.
#[derive(Clone, Debug, Default)]
struct Entries {
    rows: Blocks<(Key, Seen)>,
}

impl Entries {
    /// Where the first stands that is not before this one.
    fn place(&self, key: Key) -> usize {
        let at = |place: usize| self.rows.get(place).map_or((0, 0), |(key, _)| *key);
        let (mut low, mut high) = (0, self.rows.len());
        // Most come after all others.
        if high > 0 && at(high - 1) < key {
            return high;
        }
        while low < high {
            let middle = low.midpoint(high);
            if at(middle) < key { low = middle + 1 } else { high = middle }
        }
        low
    }
    fn get(&self, key: Key) -> Option<Seen> {
        self.rows.get(self.place(key)).filter(|(other, _)| *other == key).map(|(_, seen)| *seen)
    }
    /// The first of this index: its term, and what was seen.
    fn at(&self, index: u64) -> Option<(u64, Seen)> {
        self.rows
            .get(self.place((index, 0)))
            .filter(|((other, _), _)| *other == index)
            .map(|(key, seen)| (key.1, *seen))
    }
    /// Puts in one that is not there, and lets the oldest go when there is no room.
    fn insert(&mut self, key: Key, seen: Seen) {
        let place = self.place(key);
        let later: Vec<(Key, Seen)> = self.rows.iter(place).copied().collect();
        self.rows.truncate(place);
        std::iter::once((key, seen)).chain(later).for_each(|row| self.rows.push(row));
        self.rows.keep(REMEMBERED);
    }
    fn iter(&self) -> impl Iterator<Item = (u64, u64, &Seen)> {
        self.rows.iter(0).map(|((index, term), seen)| (*index, *term, seen))
    }
}

/// The servers of one group.
#[derive(Clone, Debug, Default)]
struct Cluster {
    logs: Table<NodeId, Mirror>,
    leaders: Rc<Table<u64, (NodeId, RecordId)>>,
    entries: Entries,
    /// One of each index.
    committed: Entries,
}

/// The check.
#[derive(Clone, Debug, Default)]
struct Raft {
    clusters: Table<u32, Cluster>,
    /// The properties that were told to be broken: each once.
    told: Vec<&'static str>,
}

/// Where one looks from.
struct At<'a> {
    record: &'a Record,
    world: &'a World,
}

/// A property that is broken: its name, how, and the record beside this one that shows it.
type Broken = (&'static str, String, RecordId);

fn linked(before: u64, stamp: (u64, u64)) -> u64 {
    let mut digest = Digest::default();
    [before, stamp.0, stamp.1].into_iter().for_each(|word| digest.word(word));
    digest.finish()
}

/// Lets the older half go when there is no room.
fn bound(leaders: &mut Rc<Table<u64, (NodeId, RecordId)>>) {
    if leaders.len() > REMEMBERED {
        let middle = leaders.keys().nth(REMEMBERED / 2).copied();
        Rc::make_mut(leaders).retain(|term, _| Some(*term) >= middle);
    }
}

impl Cluster {
    /// Election Safety: at most one leader can be elected in a given term. And it has what is committed.
    fn elected(&mut self, at: &At, term: u64, found: &mut Vec<Broken>) {
        let node = at.record.node;
        let name = |node: NodeId| at.world.name(node);
        match self.leaders.get(&term) {
            Some((other, record)) if *other != node => {
                let told = format!("{} and {} were both elected in term {term}", name(*other), name(node));
                found.push(("Election Safety", told, *record));
            }
            _ => Rc::make_mut(&mut self.leaders).insert(term, (node, at.record.id)),
        }
        bound(&mut self.leaders);
        self.logs.or_default(node).leads = Some(term);
        let before = self.committed.iter().filter(|(_, _, seen)| seen.within < term).last();
        if let Some((index, ..)) = before {
            self.complete(at, index, node, term, found);
        }
    }

    /// Leader Completeness: what was committed in a term is in the logs of the leaders of all later ones.
    fn complete(&self, at: &At, index: u64, leader: NodeId, term: u64, found: &mut Vec<Broken>) {
        let (Some(log), Some((of, last))) = (self.logs.get(&leader), self.committed.at(index)) else { return };
        let lacks = |index: u64, committed: &Seen| {
            index > log.last() || index > log.base && log.chain(index).is_some_and(|chain| chain != committed.chain)
        };
        if !lacks(index, &last) {
            return;
        }
        let first = self.committed.iter().find(|(index, _, committed)| lacks(*index, committed));
        let (index, of, missing) = first.unwrap_or((index, of, &last));
        let told = format!(
            "{}, the leader of term {term}, lacks entry {index} of term {of}, which was committed in term {}",
            at.world.name(leader),
            missing.within
        );
        found.push(("Leader Completeness", told, missing.record));
    }

    /// Log Matching: two logs with an entry of the same index and term are the same up to it.
    fn put(&mut self, at: &At, index: u64, stamps: &[(u64, u64)], found: &mut Vec<Broken>) {
        let node = at.record.node;
        let log = self.logs.or_default(node);
        let (mut before, places) = (log.chain(index - 1), &mut log.places);
        places.truncate((index - 1 - log.base) as usize);
        let mut term = places.last().map_or(0, |place| place.term);
        for (index, stamp) in (index..).zip(stamps) {
            if stamp.0 < term {
                let told = format!(
                    "{} has an entry {index} of term {} after one of term {term}",
                    at.world.name(node),
                    stamp.0
                );
                found.push(("Log Matching", told, at.record.id));
            }
            term = stamp.0;
            let key = (index, stamp.0);
            let seen = self.entries.get(key);
            let chain = before.map(|before| linked(before, *stamp));
            match (seen, chain) {
                (Some(seen), Some(chain)) if seen.chain != chain => {
                    let told = format!(
                        "{} and {} both have entry {index} of term {}, and differ in it or before it",
                        at.world.name(seen.node),
                        at.world.name(node),
                        stamp.0
                    );
                    found.push(("Log Matching", told, seen.record));
                }
                (None, Some(chain)) => {
                    self.entries.insert(key, Seen { chain, node, record: at.record.id, within: 0 });
                }
                _ => {}
            }
            // What comes before is known again where another has told of the same entry.
            let chain = chain.or(seen.map(|seen| seen.chain));
            places.push(Place { term: stamp.0, chain: chain.and_then(NonZeroU64::new) });
            before = chain;
        }
    }

    /// Leader Append-Only: a leader never overwrites or deletes entries in its log.
    fn appended(&mut self, at: &At, term: u64, index: u64, stamps: &[(u64, u64)], found: &mut Vec<Broken>) {
        let log = self.logs.or_default(at.record.node);
        // Of a server that started before the check looked.
        if index > log.last() + 1 {
            *log = Mirror { base: index - 1, applied: log.applied, leads: log.leads, ..Mirror::default() };
        }
        if index <= log.base {
            return;
        }
        if log.leads == Some(term) && index <= log.last() {
            let name = at.world.name(at.record.node);
            let told = format!("{name}, a leader of term {term}, overwrote its entries from {index} on");
            found.push(("Leader Append-Only", told, at.record.id));
        }
        self.put(at, index, stamps, found);
    }

    fn restored(&mut self, at: &At, index: u64, term: u64, stamps: &[(u64, u64)], found: &mut Vec<Broken>) {
        let seen = self.entries.get((index, term)).map(|seen| seen.chain);
        let before = if index == 0 { Some(0) } else { seen };
        self.logs.insert(at.record.node, Mirror { base: index, before, applied: index, ..Mirror::default() });
        if let Some(committed) = self.committed.at(index)
            && committed.0 != term
        {
            self.unsafe_at(at, index, term, committed, found);
        }
        self.put(at, index + 1, stamps, found);
    }

    /// State Machine Safety: no two servers apply different entries of the same index.
    fn applied(&mut self, at: &At, index: u64, within: u64, found: &mut Vec<Broken>) {
        let node = at.record.node;
        let log = self.logs.or_default(node);
        let from = log.applied.max(log.base) + 1;
        log.applied = log.applied.max(index);
        log.shorten();
        let oldest = self.committed.iter().next().map_or(0, |(index, ..)| index);
        let newest = self.leaders.iter().next_back().map(|(term, (leader, _))| (*term, *leader));
        for index in from.max(oldest)..=index {
            let place = self.logs.get(&node).and_then(|log| log.get(index));
            let Some(Place { term, chain: Some(chain) }) = place else { continue };
            let chain = chain.get();
            if let Some(committed) = self.committed.at(index) {
                if committed.1.chain != chain {
                    return self.unsafe_at(at, index, term, committed, found);
                }
                continue;
            }
            self.committed.insert((index, term), Seen { chain, node, record: at.record.id, within });
            if let Some((term, leader)) = newest.filter(|(term, _)| *term > within) {
                self.complete(at, index, leader, term, found);
            }
        }
    }

    fn unsafe_at(&self, at: &At, index: u64, term: u64, committed: (u64, Seen), found: &mut Vec<Broken>) {
        let (of, seen) = committed;
        let told = format!(
            "{} applied an entry {index} of term {of}, {} another of term {term}, or another before it",
            at.world.name(seen.node),
            at.world.name(at.record.node),
        );
        found.push(("State Machine Safety", told, seen.record));
    }
}

impl Check for Raft {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        let What::Fact(fact) = &record.what else { return };
        if !matches!(fact, Fact::Elected { .. } | Fact::Appended { .. } | Fact::Restored { .. } | Fact::Applied { .. })
        {
            return;
        }
        let Some(node) = world.node(record.node) else { return };
        let cluster = self.clusters.or_default(node.template);
        let (at, mut broken) = (At { record, world }, Vec::new());
        match fact {
            Fact::Elected { term } => cluster.elected(&at, *term, &mut broken),
            Fact::Appended { term, index, entries } => cluster.appended(&at, *term, *index, entries, &mut broken),
            Fact::Restored { index, term, entries } => cluster.restored(&at, *index, *term, entries, &mut broken),
            Fact::Applied { index, term } => cluster.applied(&at, *index, *term, &mut broken),
            _ => {}
        }
        for (property, told, other) in broken {
            if self.told.contains(&property) {
                continue;
            }
            self.told.push(property);
            let mut evidence = vec![other, record.id];
            evidence.sort_unstable();
            evidence.dedup();
            let told = Rc::from(format!("{property} is broken: {told}"));
            let (check, at, node) = (Rc::from(NAME), record.at, record.node);
            found.push(Violation { check, at, record: record.id, node, told, evidence });
        }
    }
    fn weigh(&self, scale: &mut Scale) {
        for cluster in self.clusters.values() {
            cluster.entries.rows.weigh(scale);
            cluster.committed.rows.weigh(scale);
            cluster.logs.values().for_each(|log| log.places.weigh(scale));
            scale.own(size_of::<Cluster>() + cluster.leaders.len() * 48 + cluster.logs.len() * size_of::<Mirror>());
        }
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Raft::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Time;

    /// What is found when these servers have these logs, one after another.
    fn found(logs: &[&[u64]]) -> Vec<&'static str> {
        let world = World::new(1, Vec::new());
        let (mut cluster, mut broken) = (Cluster::default(), Vec::new());
        for (id, terms) in (1..).zip(logs) {
            let what = What::Fact(Fact::Elected { term: 0 });
            let record = Record { id: RecordId(id), at: Time::ZERO, cause: RecordId(0), node: NodeId(id as u32), what };
            let stamps: Vec<(u64, u64)> = (1..).zip(*terms).map(|(index, term)| (*term, index * 100 + term)).collect();
            cluster.restored(&At { record: &record, world: &world }, 0, 0, &stamps, &mut broken);
        }
        broken.into_iter().map(|(property, _, _)| property).collect()
    }

    /// The user study of the paper (Ongaro and Ousterhout 2013): the leader of term 7, and logs of followers.
    #[test]
    fn logs_that_cannot_be_are_found() {
        let leader: &[u64] = &[1, 1, 3, 3, 3, 5];
        for impossible in [&[1, 1, 2, 2, 3][..], &[1, 1, 2, 2, 4, 5], &[1, 1, 3, 3, 2, 2]] {
            assert!(found(&[leader, impossible]).contains(&"Log Matching"), "{impossible:?}");
        }
        for possible in [&[1, 1, 6, 6, 6, 6, 6][..], &[1, 1, 1, 1, 1, 1]] {
            assert_eq!(found(&[leader, possible]), [""; 0], "{possible:?}");
        }
    }

    #[test]
    fn a_leader_that_overwrites_and_a_leader_that_lacks_what_is_committed_are_found() {
        let world = World::new(1, Vec::new());
        let (mut cluster, mut broken) = (Cluster::default(), Vec::new());
        let record = |node| {
            let what = What::Fact(Fact::Elected { term: 0 });
            Record { id: RecordId(1), at: Time::ZERO, cause: RecordId(0), node: NodeId(node), what }
        };
        let (one, two) = (record(1), record(2));
        let (one, two) = (At { record: &one, world: &world }, At { record: &two, world: &world });
        cluster.restored(&one, 0, 0, &[], &mut broken);
        cluster.restored(&two, 0, 0, &[], &mut broken);
        cluster.elected(&one, 1, &mut broken);
        cluster.appended(&one, 1, 1, &[(1, 7)], &mut broken);
        cluster.applied(&one, 1, 1, &mut broken);
        assert_eq!(broken.len(), 0);
        cluster.elected(&two, 2, &mut broken);
        cluster.appended(&one, 1, 1, &[(1, 8)], &mut broken);
        cluster.appended(&two, 2, 1, &[(2, 9)], &mut broken);
        cluster.applied(&two, 1, 2, &mut broken);
        let names: Vec<&str> = broken.iter().map(|(property, _, _)| *property).collect();
        assert_eq!(names, ["Leader Completeness", "Leader Append-Only", "Log Matching", "State Machine Safety"]);
    }
}
