//! What the checks of redundancy share: who lies, and the last rounds.

use std::rc::Rc;

use crate::components::{Record, World};
use crate::sim::{Micros, NodeId, Table, Time};

/// For how long a node that has spoilt something counts as lying.
const LYING: Micros = Micros::secs(2);

/// Until when nodes that have spoilt something count as lying.
#[derive(Clone, Debug, Default)]
pub struct Liars(Table<NodeId, Time>);

impl Liars {
    /// The record's node has spoilt something.
    pub fn spoilt(&mut self, record: &Record) {
        self.0.insert(record.node, record.at + LYING);
    }
    /// How many were made to lie, or have spoilt something of late.
    pub fn count(&mut self, world: &World) -> u32 {
        let now = world.now();
        self.0.retain(|_, until| *until > now);
        world.nodes().filter(|(id, node)| node.lies.is_some() || self.0.contains_key(id)).count() as u32
    }
    /// What they take.
    pub fn bytes(&self) -> usize {
        self.0.bytes()
    }
}

/// What is known of a round, of the last `most` of which something is remembered; nothing of one that is older.
pub fn round<R: Clone + Default>(rounds: &mut Table<u64, Rc<R>>, number: u64, most: usize) -> Option<&mut R> {
    if !rounds.contains_key(&number) {
        let oldest = rounds.keys().next().copied();
        if let Some(oldest) = oldest.filter(|_| rounds.len() >= most) {
            if number < oldest {
                return None;
            }
            rounds.remove(&oldest);
        }
    }
    Some(Rc::make_mut(rounds.or_default(number)))
}
