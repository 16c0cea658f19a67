//! Streams: who asked for a stream is handed each of its pieces once, and in their order (RFC 9293, 3.8: reliable, in
//! order, without duplicates), whatever the network loses, delays and repeats.

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::protocols::internet::Told;
use crate::sim::{NodeId, RecordId, Scale, Table};

use super::{Check, Violation};

/// Its name in documents.
pub const NAME: &str = "pieces";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "Whoever asks for a stream is handed each piece of it once and in its order: none twice, and none left out."
);
/// How many pairs of hosts are watched; of more there is no verdict.
pub const PAIRS: usize = 4_096;

/// How far a stream has come.
#[derive(Clone, Copy, Debug)]
struct Stream {
    connection: u64,
    next: u32,
    last: RecordId,
    told: bool,
}

/// The check.
#[derive(Clone, Debug, Default)]
pub struct Pieces {
    /// The last stream that a host got from another.
    streams: Table<(NodeId, NodeId), Stream>,
}

impl Check for Pieces {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        let What::Fact(Fact::Network(Told::Handed { from, connection, piece })) = &record.what else { return };
        let key = (record.node, *from);
        if self.streams.len() >= PAIRS && !self.streams.contains_key(&key) {
            return;
        }
        let new = Stream { connection: *connection, next: 0, last: record.id, told: false };
        let known = self.streams.get(&key).copied().filter(|stream| stream.connection == *connection);
        let mut stream = known.unwrap_or(new);
        if *piece != stream.next && !stream.told {
            stream.told = true;
            let what = if *piece < stream.next { "again" } else { "before its turn" };
            let (me, from) = (world.name(record.node), world.name(*from));
            let told = format!("{me} is handed piece {piece} of {from} {what}: piece {} was next", stream.next);
            let (check, told) = (Rc::from(NAME), Rc::from(told));
            let evidence = vec![stream.last, record.id];
            found.push(Violation { check, at: record.at, record: record.id, node: record.node, told, evidence });
        }
        stream.next = stream.next.max(piece.saturating_add(1));
        stream.last = record.id;
        self.streams.insert(key, stream);
    }
    fn weigh(&self, scale: &mut Scale) {
        scale.own(100 + self.streams.bytes());
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Pieces::default())
}
