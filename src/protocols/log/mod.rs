//! A log that many write to and many read from, as Kafka is (Kreps, Narkhede and Rao, «Kafka: a Distributed Messaging System
//! for Log Processing», NetDB 2011): a topic is cut into partitions, each a row of records on one broker, and a reader keeps
//! nothing but how far it is.
//!
//! ```text
//! producer     broker        consumer     coordinator
//!   │ Produce ──▶│               │ JoinGroup ──▶│   who is in the group
//!   │ ◀ Produced │               │ ◀─ Assigned ─│   which partitions are whose, in which generation, and from where on
//!   │            │ ◀────── Fetch │              │   consumers pull
//!   │            │ Records ─────▶│              │
//!   │            │               │ Commit ─────▶│   so far I am
//! ```
//!
//! The same key always goes to the same partition, and a partition is read by one consumer of a group: so what is said about
//! one key is read in its order, and nothing is promised about two partitions. Groups were ZooKeeper's business in the paper;
//! here a broker coordinates them, in generations, as later versions do (KIP-62; Kafka's protocol guide).
//!
//! Simpler than there: partitions are not copied, there is one topic and one group, and everyone knows from the order of the
//! brokers which of them has which partition; the first coordinates the group.

pub mod broker;
pub mod group;
pub mod reader;

use std::rc::Rc;

use crate::sim::{Item, NodeId};

use super::queue::label;
use super::{Family, Form, Wire};

/// How many partitions a topic has at most.
pub const MAX_PARTITIONS: u32 = 64;

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Which: its producer, and its number there.
    pub item: Item,
    /// What it is about.
    pub key: u64,
}

/// Producers, brokers and consumers, to one another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// How many partitions are there?
    Metadata,
    /// So many.
    Partitions {
        /// How many.
        count: u32,
    },
    /// Put this at the end of a partition.
    Produce {
        /// Which partition.
        partition: u32,
        /// What.
        entry: Entry,
        /// Whether the broker may know it by its number, if it comes again.
        sequenced: bool,
    },
    /// It is there.
    Produced {
        /// What.
        item: Item,
        /// In which place.
        offset: u64,
    },
    /// What comes from here on?
    Fetch {
        /// Of which partition.
        partition: u32,
        /// From which place on.
        offset: u64,
        /// So many at most.
        most: u32,
    },
    /// This.
    Records {
        /// Of which partition.
        partition: u32,
        /// The place of the first: later than was asked for if what was there is gone.
        from: u64,
        /// They.
        entries: Rc<[Entry]>,
        /// The place after the last that there is.
        end: u64,
    },
    /// I want to read, too.
    JoinGroup,
    /// These partitions are yours.
    Assigned {
        /// In this generation.
        generation: u64,
        /// Each, and from where on.
        partitions: Rc<[(u32, u64)]>,
    },
    /// I am there.
    Heartbeat {
        /// In which generation.
        generation: u64,
    },
    /// Good.
    Alive,
    /// Partitions are dealt out anew: join again.
    Rebalance,
    /// I do not know you, or your generation is over: join again.
    Fenced,
    /// So far I am.
    Commit {
        /// In which generation.
        generation: u64,
        /// In which partition.
        partition: u32,
        /// The place of the next.
        offset: u64,
    },
    /// That is kept.
    Committed {
        /// In which partition.
        partition: u32,
        /// The place of the next.
        offset: u64,
    },
}

impl Wire for Message {
    const FAMILY: Family = Family::Work;
    fn name(&self) -> &'static str {
        match self {
            Message::Metadata => "Metadata",
            Message::Partitions { .. } => "Partitions",
            Message::Produce { .. } => "Produce",
            Message::Produced { .. } => "Produced",
            Message::Fetch { .. } => "Fetch",
            Message::Records { .. } => "Records",
            Message::JoinGroup => "JoinGroup",
            Message::Assigned { .. } => "Assigned",
            Message::Heartbeat { .. } => "Heartbeat",
            Message::Alive => "Alive",
            Message::Rebalance => "Rebalance",
            Message::Fenced => "Fenced",
            Message::Commit { .. } => "Commit",
            Message::Committed { .. } => "Committed",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Metadata
            | Message::Produce { .. }
            | Message::Fetch { .. }
            | Message::JoinGroup
            | Message::Commit { .. } => Form::Request,
            Message::Partitions { .. } | Message::Records { .. } | Message::Assigned { .. } => Form::Reply,
            Message::Produced { .. } | Message::Committed { .. } => Form::Accept,
            Message::Heartbeat { .. } | Message::Alive => Form::Beat,
            Message::Rebalance | Message::Fenced => Form::Refuse,
        }
    }
    fn bytes(&self) -> u32 {
        match self {
            Message::Produce { .. } => 200,
            Message::Records { entries, .. } => 64 + 136 * entries.len() as u32,
            _ => 64,
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        let places =
            |partition: &u32, offset: &u64| vec![("partition", partition.to_string()), ("offset", offset.to_string())];
        match self {
            Message::Metadata | Message::JoinGroup | Message::Alive | Message::Rebalance | Message::Fenced => {
                Vec::new()
            }
            Message::Partitions { count } => vec![("count", count.to_string())],
            Message::Produce { partition, entry, .. } => {
                vec![("", label(entry.item)), ("key", entry.key.to_string()), ("partition", partition.to_string())]
            }
            Message::Produced { item, offset } => vec![("", label(*item)), ("offset", offset.to_string())],
            Message::Fetch { partition, offset, .. } | Message::Committed { partition, offset } => {
                places(partition, offset)
            }
            Message::Records { partition, from, entries, .. } => {
                let mut fields = places(partition, from);
                fields.push(("records", entries.len().to_string()));
                fields
            }
            Message::Assigned { generation, partitions } => {
                let each = partitions.iter().map(|(partition, from)| format!("{partition} from {from}"));
                vec![("generation", generation.to_string()), ("partitions", each.collect::<Vec<_>>().join(", "))]
            }
            Message::Heartbeat { generation } => vec![("generation", generation.to_string())],
            Message::Commit { generation, partition, offset } => {
                let mut fields = places(partition, offset);
                fields.push(("generation", generation.to_string()));
                fields
            }
        }
    }
    fn carries(&self, item: Item) -> bool {
        match self {
            Message::Produce { entry, .. } => entry.item == item,
            Message::Records { entries, .. } => entries.iter().any(|entry| entry.item == item),
            _ => false,
        }
    }
}

/// What is told of a log, for checks and people.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// A record is safe in its place.
    Accepted {
        /// In which partition.
        partition: u32,
        /// In which place.
        offset: u64,
        /// What.
        item: Item,
    },
    /// A consumer has done what a record asks for.
    Did {
        /// Of which partition.
        partition: u32,
        /// In which place.
        offset: u64,
        /// What.
        item: Item,
    },
    /// It is kept how far a consumer is.
    Committed {
        /// In which partition.
        partition: u32,
        /// The place of the next.
        offset: u64,
        /// In which generation the consumer is.
        generation: u64,
        /// Which generation it is.
        newest: u64,
    },
    /// The partitions are dealt out.
    Formed {
        /// The generation.
        generation: u64,
        /// Whose they are.
        members: Rc<[NodeId]>,
    },
    /// Records were thrown away, since they are old.
    Expired {
        /// Of which partition.
        partition: u32,
        /// The place of the first that is left.
        start: u64,
    },
}

impl Told {
    /// Its name in conditions.
    pub fn name(&self) -> &'static str {
        match self {
            Told::Accepted { .. } => "record-accepted",
            Told::Did { .. } => "record-done",
            Told::Committed { .. } => "offset-committed",
            Told::Formed { .. } => "group-formed",
            Told::Expired { .. } => "records-expired",
        }
    }
    /// What a node told, after its name; nodes in it as `@7`.
    pub fn sentence(&self) -> String {
        match self {
            Told::Accepted { partition, offset, item } => {
                format!("has {} safe, in place {offset} of partition {partition}", label(*item))
            }
            Told::Did { partition, offset, item } => {
                format!("has done {}, in place {offset} of partition {partition}", label(*item))
            }
            Told::Committed { partition, offset, generation, newest } => {
                let late =
                    if generation < newest { format!(", though generation {newest} reads it") } else { String::new() };
                format!("keeps that generation {generation} is at place {offset} of partition {partition}{late}")
            }
            Told::Formed { generation, members } => {
                let names: Vec<String> = members.iter().map(NodeId::to_string).collect();
                format!("deals partitions out in generation {generation}: {}", names.join(", "))
            }
            Told::Expired { partition, start } => {
                format!("throws away what is old: partition {partition} begins at place {start}")
            }
        }
    }
}

/// Which of so many brokers has a partition.
pub fn leader(brokers: &[NodeId], partition: u32) -> Option<NodeId> {
    (!brokers.is_empty()).then(|| brokers[partition as usize % brokers.len()])
}

/// To which partition a key goes: the same always.
pub fn partition_of(key: u64, count: u32) -> u32 {
    let mixed = key.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed >> 32) % u64::from(count.max(1))) as u32
}
