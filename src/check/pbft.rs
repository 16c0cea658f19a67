//! PBFT (Castro and Liskov 1999), from what replicas tell that have never lied:
//!
//! - Safety: under each number they execute the same request, and so agree on the sequence.
//! - The invariant that it rests on: if prepared(m, v, n, i) holds at one of them, prepared(m', v, n, j) holds at no other
//!   for another m'.
//!
//! That clients are answered in the end (liveness), and rightly (linearizability), others look after.

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::protocols::pbft::{Seq, Told, View};
use crate::protocols::raft::Command;
use crate::sim::{NodeId, RecordId, Scale, Table};

use super::{Check, Violation};

/// Its name in documents.
pub const NAME: &str = "pbft";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "Replicas that have never lied execute the same requests in the same order (safety), and in one view no two of them have different requests prepared under one number."
);
/// How many numbers are remembered, and how many preparations; the oldest go.
pub const REMEMBERED: usize = 1_024;

/// What was told first of something: what, by whom, and the record.
type First = (Command, NodeId, RecordId);

/// The replicas of one group.
#[derive(Clone, Debug, Default)]
struct Cluster {
    executed: Table<Seq, Rc<First>>,
    prepared: Table<(View, Seq), Rc<First>>,
}

/// The check.
#[derive(Clone, Debug, Default)]
struct Pbft {
    clusters: Table<u32, Cluster>,
    /// The properties that were told to be broken: each once.
    told: Vec<&'static str>,
}

/// Remembers what was told first; what it was, if it was something else.
fn first<K: Ord + Copy>(
    known: &mut Table<K, Rc<First>>,
    key: K,
    value: &Command,
    record: &Record,
) -> Option<Rc<First>> {
    if let Some(before) = known.get(&key) {
        return Some(before.clone()).filter(|before| before.0 != *value);
    }
    let oldest = known.keys().next().copied();
    if let Some(oldest) = oldest.filter(|_| known.len() >= REMEMBERED) {
        if key < oldest {
            return None;
        }
        known.remove(&oldest);
    }
    known.insert(key, Rc::new((value.clone(), record.node, record.id)));
    None
}

impl Check for Pbft {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        let What::Fact(Fact::Pbft(told)) = &record.what else { return };
        let Some(node) = world.node(record.node).filter(|node| node.lies.is_none()) else { return };
        let cluster = self.clusters.or_default(node.template);
        let me = world.name(record.node);
        let (property, before, told) = match told {
            Told::Executed { seq, value, honest: true } => {
                let Some(before) = first(&mut cluster.executed, *seq, value, record) else { return };
                let told = format!("{me} executes {} as number {seq}", value.short());
                ("Safety", before, told)
            }
            Told::Prepared { view, seq, value, honest: true } => {
                let Some(before) = first(&mut cluster.prepared, (*view, *seq), value, record) else { return };
                let told = format!("{me} has {} prepared as number {seq} in view {view}", value.short());
                ("The invariant of PREPARE", before, told)
            }
            _ => return,
        };
        if self.told.contains(&property) {
            return;
        }
        self.told.push(property);
        let (value, other, shown) = &*before;
        let told = format!("{property} is broken: {told}, and {} {}", world.name(*other), value.short());
        let (check, told, at) = (Rc::from(NAME), Rc::from(world.named(&told)), record.at);
        let evidence = vec![*shown, record.id];
        found.push(Violation { check, at, record: record.id, node: record.node, told, evidence });
    }
    fn weigh(&self, scale: &mut Scale) {
        for cluster in self.clusters.values() {
            scale.own(size_of::<Cluster>() + cluster.executed.bytes() + cluster.prepared.bytes());
            for first in cluster.executed.values().chain(cluster.prepared.values()) {
                scale.shared(Rc::as_ptr(first).addr(), size_of::<First>());
            }
        }
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Pbft::default())
}
