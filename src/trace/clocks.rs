//! Logical clocks: Lamport's number (Lamport, «Time, Clocks, and the Ordering of Events in a Distributed System», CACM
//! 21(7), 1978) and the vector clock (Fidge 1988; Mattern 1989) of every event, and so of every message.
//!
//! Events are what a node does or lives through that others can see or a person is told of; what it does within itself
//! is none of its own, since the order on its own line says it all. An event happens before another if and only if its
//! vector is less; if it does, its Lamport time is less too, but not the other way round.
//!
//! Nothing in a run carries these: they are read from its records, as many as one hands in. So they cost nothing while
//! nobody asks, and count from the first record that is there.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::components::{Record, What, World};
use crate::sim::{NodeId, RecordId, Table};

use super::course::{cause, lived};

/// How many of the last records are remembered, for what one node does to another without a message: placing it.
const RECENT: usize = 256;

/// How many events of each node are known of, ascending by node; those of which none is known are left out.
pub type Vector = Rc<Vec<(NodeId, u32)>>;

/// The times of one event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Lamport's clock, from 1.
    pub lamport: u64,
    /// The vector clock.
    pub vector: Vector,
}

impl Stamp {
    /// Whether everything that this one knows of the other knows of too: for the times of two events, whether they are
    /// the same or the first happened before the second.
    pub fn within(&self, other: &Stamp) -> bool {
        let knows = |(node, count): &(NodeId, u32)| other.of(*node) >= *count;
        self.vector.iter().all(knows)
    }
    /// How many events of a node are known of.
    pub fn of(&self, node: NodeId) -> u32 {
        self.vector.binary_search_by_key(&node, |(of, _)| *of).map_or(0, |place| self.vector[place].1)
    }
    /// `client-1 3, gateway-1 2`.
    pub fn words(&self, world: &World) -> String {
        let parts = self.vector.iter().map(|(node, count)| format!("{} {count}", world.name(*node)));
        parts.collect::<Vec<_>>().join(", ")
    }

    fn merge(&mut self, other: &Stamp) {
        self.lamport = self.lamport.max(other.lamport);
        if other.within(self) {
            return;
        }
        let mine = Rc::make_mut(&mut self.vector);
        for (node, count) in other.vector.iter() {
            match mine.binary_search_by_key(node, |(of, _)| *of) {
                Ok(place) => mine[place].1 = mine[place].1.max(*count),
                Err(place) => mine.insert(place, (*node, *count)),
            }
        }
    }
    fn tick(&mut self, node: NodeId) {
        self.lamport += 1;
        let mine = Rc::make_mut(&mut self.vector);
        match mine.binary_search_by_key(&node, |(of, _)| *of) {
            Ok(place) => mine[place].1 += 1,
            Err(place) => mine.insert(place, (node, 1)),
        }
    }
}

/// Whether a record is an event.
pub fn is_event(what: &What) -> bool {
    let within = matches!(what, What::Served { .. } | What::Timer { .. } | What::Written { .. } | What::Measure { .. });
    lived(what) && !within
}

/// The clocks of all nodes, as records come in the order of their numbers.
#[derive(Clone, Debug, Default)]
pub struct Clocks {
    nodes: Vec<Stamp>,
    /// What messages under way carry, by the record of their sending. As many as the engine lets be under way.
    under_way: Table<RecordId, Stamp>,
    recent: VecDeque<(RecordId, Stamp)>,
}

impl Clocks {
    /// Takes the next record. Its times: of an event its own, of anything else those of the node that it is about; what
    /// becomes of a message that is under way, or lost, knows what the message knows.
    pub fn take(&mut self, record: &Record) -> Stamp {
        let known = self.known(cause(record));
        match record.what {
            What::Arrived { .. } | What::Lost { .. } => drop(self.under_way.remove(&record.cause)),
            _ => {}
        }
        let stamp = if lived(&record.what) {
            let node = record.node.0 as usize;
            if self.nodes.len() <= node {
                self.nodes.resize(node + 1, Stamp::default());
            }
            let mine = &mut self.nodes[node];
            if let Some(known) = known {
                mine.merge(&known);
            }
            if is_event(&record.what) {
                mine.tick(record.node);
            }
            mine.clone()
        } else {
            known.unwrap_or_default()
        };
        if record.what.leaving().is_some() {
            self.under_way.insert(record.id, stamp.clone());
        }
        if self.recent.len() >= RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((record.id, stamp.clone()));
        stamp
    }

    /// What a record that brought something about knew. One that is not found is an old one of the same node, which
    /// knows no less now.
    fn known(&self, cause: RecordId) -> Option<Stamp> {
        if let Some(stamp) = self.under_way.get(&cause) {
            return Some(stamp.clone());
        }
        let place = self.recent.binary_search_by_key(&cause, |(id, _)| *id).ok()?;
        Some(self.recent[place].1.clone())
    }
}
