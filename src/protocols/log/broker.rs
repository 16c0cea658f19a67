//! A broker: keeps partitions on its disk, each a row of records with places, and hands out what is there.
//!
//! A record is acknowledged when it is on the disk, and nobody is given one that is not. Who produces numbers its records; a
//! broker that is asked to put the same again knows it by that (KIP-98's idempotent producer) and says where it is.

use std::rc::Rc;

use crate::sim::{Blocks, Disk, Item, NodeId, Port, Table};

use super::super::queue::{number, producer};
use super::{Entry, MAX_PARTITIONS, Message, Told};

/// How many records a partition holds at most; for one more the oldest goes.
pub const MAX_RECORDS: usize = 50_000;
/// How many producers a partition knows the last number of.
pub const MAX_PRODUCERS: usize = 1_024;

/// A partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Partition {
    /// The place of the first record that is left.
    pub start: u64,
    records: Blocks<Entry>,
    /// The last number of each producer, and its place.
    last: Table<NodeId, (u64, u64)>,
}

impl Partition {
    /// The place of the next record.
    pub fn end(&self) -> u64 {
        self.start + self.records.len() as u64
    }

    fn append(&mut self, entry: Entry) {
        let offset = self.end();
        self.records.push(entry);
        let from = producer(entry.item);
        if self.last.len() < MAX_PRODUCERS || self.last.contains_key(&from) {
            self.last.insert(from, (number(entry.item), offset));
        }
    }

    fn trim(&mut self, start: u64) {
        let gone = start.min(self.end()).saturating_sub(self.start);
        let left = self.records.len() - gone as usize;
        self.records.keep(left);
        self.start += gone;
    }

    fn from(&self, offset: u64, until: u64, most: u32) -> Rc<[Entry]> {
        let skip = offset.saturating_sub(self.start) as usize;
        let count = until.saturating_sub(offset).min(u64::from(most)) as usize;
        self.records.iter(skip).take(count).copied().collect()
    }
}

/// What is on the disk of a broker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stored {
    /// Partitions.
    pub partitions: Table<u32, Partition>,
    /// How far the group is in each.
    pub committed: Table<u32, u64>,
    /// The last generation of the group.
    pub generation: u64,
}

/// A write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// At the end of a partition.
    Append(u32, Entry),
    /// A partition begins here now.
    Trim(u32, u64),
    /// How far the group is in a partition.
    Commit(u32, u64),
    /// A generation begins.
    Generation(u64),
}

impl Disk for Stored {
    type Write = Write;
    fn apply(&mut self, write: Write) {
        match write {
            Write::Append(partition, entry) => self.partitions.or_default(partition).append(entry),
            Write::Trim(partition, start) => self.partitions.or_default(partition).trim(start),
            Write::Commit(partition, offset) => self.committed.insert(partition, offset),
            Write::Generation(generation) => self.generation = generation,
        }
    }
    fn carries(&self, item: Item) -> bool {
        self.partitions.values().any(|partition| partition.records.iter(0).any(|entry| entry.item == item))
    }
}

/// What a broker waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// A record is on the disk: of which partition, in which place, and for whom.
    Appended(u32, u64, Entry, NodeId),
    /// What a group has committed is on the disk.
    Committed(u32, u64, NodeId),
    /// It is time to see who is still in the group.
    Look,
    /// Those who are to join again have had their time.
    Gathered,
    /// A generation is on the disk.
    Formed,
}

/// The partitions of a broker, as its disk will have them.
#[derive(Clone, Debug, Default, Hash)]
pub struct Partitions {
    /// As the disk will have it when everything is there.
    pub stored: Stored,
    /// Up to where partitions are on the disk.
    safe: Table<u32, u64>,
    /// The place that was asked for last: how far the group has come in fetching.
    pub fetched: Table<u32, u64>,
    /// What happened since somebody looked.
    pub told: Vec<Told>,
    /// Records that came again and were known.
    pub known: u64,
}

impl Partitions {
    /// As it starts.
    pub fn boot(disk: &Stored) -> Partitions {
        let safe = disk.partitions.iter().map(|(partition, of)| (*partition, of.end())).collect();
        Partitions { stored: disk.clone(), safe, ..Partitions::default() }
    }

    /// Up to where a partition may be read.
    pub fn end(&self, partition: u32) -> u64 {
        self.safe.get(&partition).copied().unwrap_or(0)
    }

    /// Somebody produces.
    pub fn produce<P>(&mut self, port: &mut P, from: NodeId, partition: u32, entry: Entry, sequenced: bool)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        if partition >= MAX_PARTITIONS {
            return;
        }
        let safe = self.end(partition);
        let of = self.stored.partitions.or_default(partition);
        let last = of.last.get(&producer(entry.item)).copied();
        if let Some((last, offset)) = last.filter(|(last, _)| sequenced && number(entry.item) <= *last) {
            self.known += 1;
            // What is not on the disk yet is not said to be: it will be said when it is.
            if number(entry.item) < last || offset < safe {
                port.send(from, Message::Produced { item: entry.item, offset });
            }
            return;
        }
        let offset = of.end();
        of.append(entry);
        port.persist(Write::Append(partition, entry), Some(Timer::Appended(partition, offset, entry, from)));
        if of.records.len() > MAX_RECORDS {
            let start = of.start + 1;
            self.trim(port, partition, start);
        }
    }

    /// A record is on the disk.
    pub fn appended<P>(&mut self, port: &mut P, partition: u32, offset: u64, entry: Entry, from: NodeId)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        self.safe.insert(partition, offset + 1);
        self.told.push(Told::Accepted { partition, offset, item: entry.item });
        port.send(from, Message::Produced { item: entry.item, offset });
    }

    /// Somebody asks for records.
    pub fn fetch<P>(&mut self, port: &mut P, from: NodeId, partition: u32, offset: u64, most: u32)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        if partition >= MAX_PARTITIONS {
            return;
        }
        let end = self.end(partition);
        let of = self.stored.partitions.or_default(partition);
        let offset = offset.max(of.start);
        self.fetched.insert(partition, offset);
        let entries = of.from(offset, end, most);
        port.send(from, Message::Records { partition, from: offset, entries, end });
    }

    /// What came before this place is thrown away.
    pub fn trim<P>(&mut self, port: &mut P, partition: u32, start: u64)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let Some(of) = self.stored.partitions.get_mut(&partition) else { return };
        if start > of.start && start <= of.end() {
            of.trim(start);
            port.persist(Write::Trim(partition, start), None);
            self.told.push(Told::Expired { partition, start });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::Desk;
    use super::*;

    type Tested = Desk<Message, Timer, Write>;

    fn entry(number: u64) -> Entry {
        Entry { item: 5 << 32 | number, key: number }
    }

    fn settle(broker: &mut Partitions, desk: &mut Tested) {
        for (_, done) in std::mem::take(&mut desk.writes) {
            if let Some(Timer::Appended(partition, offset, entry, from)) = done {
                broker.appended(desk, partition, offset, entry, from);
            }
        }
    }

    #[test]
    fn nobody_is_told_or_given_what_is_not_on_the_disk() {
        let (mut desk, mut broker) = (Tested::new(1), Partitions::default());
        broker.produce(&mut desk, NodeId(5), 0, entry(1), true);
        broker.fetch(&mut desk, NodeId(7), 0, 0, 10);
        let none: Rc<[Entry]> = Rc::from([]);
        assert_eq!(desk.sent(), [(NodeId(7), Message::Records { partition: 0, from: 0, entries: none, end: 0 })]);
        settle(&mut broker, &mut desk);
        assert_eq!(desk.sent(), [(NodeId(5), Message::Produced { item: entry(1).item, offset: 0 })]);
        broker.fetch(&mut desk, NodeId(7), 0, 0, 10);
        let one: Rc<[Entry]> = Rc::from([entry(1)]);
        assert_eq!(desk.sent(), [(NodeId(7), Message::Records { partition: 0, from: 0, entries: one, end: 1 })]);
    }

    #[test]
    fn what_comes_again_is_known_by_its_number_unless_nobody_looks_at_it() {
        for (sequenced, expected) in [(true, 2), (false, 3)] {
            let (mut desk, mut broker) = (Tested::new(1), Partitions::default());
            for number in [1, 1, 2] {
                broker.produce(&mut desk, NodeId(5), 0, entry(number), sequenced);
                settle(&mut broker, &mut desk);
            }
            assert_eq!(broker.end(0), expected, "sequenced: {sequenced}");
            assert_eq!(desk.sent().len(), 3, "all three are answered");
        }
    }

    #[test]
    fn who_asks_for_what_is_gone_gets_the_first_that_is_left() {
        let (mut desk, mut broker) = (Tested::new(1), Partitions::default());
        for number in 1..=5 {
            broker.produce(&mut desk, NodeId(5), 0, entry(number), true);
        }
        settle(&mut broker, &mut desk);
        broker.trim(&mut desk, 0, 3);
        desk.sent();
        broker.fetch(&mut desk, NodeId(7), 0, 0, 10);
        let two: Rc<[Entry]> = Rc::from([entry(4), entry(5)]);
        assert_eq!(desk.sent(), [(NodeId(7), Message::Records { partition: 0, from: 3, entries: two, end: 5 })]);
    }
}
