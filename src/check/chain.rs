//! Chain replication (van Renesse and Schneider, OSDI 2004): the Update Propagation Invariant, from what servers tell.
//!
//! Of each server the history is kept as it tells it. A server takes an update from its predecessor only as the next one,
//! and only what its predecessor has there; one that is handed everything has what the other has. The invariant is one of
//! the chain: who was taken out of it, and may not know that yet, is not looked at before it was handed everything again.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::protocols::chain::Told;
use crate::protocols::raft::Command;
use crate::sim::{NodeId, RecordId, Scale, Table};

use super::{Check, Violation};

/// Its name in documents.
pub const NAME: &str = "chain";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "The history of every server of a chain is a beginning of its predecessor's (Update Propagation Invariant)."
);
/// How many updates of a history are remembered; what is older is not looked at.
pub const REMEMBERED: usize = 512;

/// A history as its server tells it.
#[derive(Clone, Debug, Default)]
struct History {
    last: u64,
    /// The last updates, and the records of their being taken.
    updates: VecDeque<(Command, RecordId)>,
}

impl History {
    fn get(&self, position: u64) -> Option<&(Command, RecordId)> {
        let back = self.last.checked_sub(position)? as usize;
        self.updates.len().checked_sub(back + 1).and_then(|place| self.updates.get(place))
    }
}

/// The check.
#[derive(Clone, Debug, Default)]
struct Chain {
    histories: Table<NodeId, Rc<History>>,
    /// Who is in the chain, but for who joins it and has not everything yet.
    members: Table<NodeId, ()>,
    told: bool,
}

impl Chain {
    fn took(
        &mut self,
        record: &Record,
        world: &World,
        position: u64,
        value: &Command,
        from: Option<NodeId>,
    ) -> Option<(String, RecordId)> {
        let me = world.name(record.node);
        let before = from.and_then(|from| self.histories.get(&from).cloned().map(|history| (from, history)));
        let history = Rc::make_mut(self.histories.or_default(record.node));
        let (last, known) = (history.last, history.updates.back().map(|(_, record)| *record));
        history.updates.push_back((value.clone(), record.id));
        history.last = position;
        if history.updates.len() > REMEMBERED {
            history.updates.pop_front();
        }
        if position != last + 1 {
            history.updates.drain(..history.updates.len() - 1);
            let told = format!("{me} takes update {position} after update {last}");
            return known.map(|known| (told, known));
        }
        let (from, before) = before?;
        if ![from, record.node].iter().all(|node| self.members.contains_key(node)) {
            return None;
        }
        let name = world.name(from);
        match before.get(position) {
            Some((other, _)) if other == value => None,
            Some((other, shown)) => {
                let (value, other) = (value.short(), other.short());
                Some((format!("{me} takes {value} as update {position}, and {name} has {other} there"), *shown))
            }
            None if position > before.last => {
                let told = format!("{me} takes update {position} from {name}, which has {} only", before.last);
                Some((told, record.id))
            }
            None => None,
        }
    }
}

impl Check for Chain {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        let What::Fact(Fact::Chain(told)) = &record.what else { return };
        let broken = match told {
            Told::Formed { view } => {
                self.members.clear();
                for server in view.chain.iter().filter(|server| Some(**server) != view.joins) {
                    self.members.insert(*server, ());
                }
                None
            }
            Told::Took { position, value, from } => self.took(record, world, *position, value, *from),
            Told::Transferred { from, position } => {
                let mut history = self.histories.get(from).map(|history| (**history).clone()).unwrap_or_default();
                while history.last > *position && history.updates.pop_back().is_some() {
                    history.last -= 1;
                }
                history.last = *position;
                self.histories.insert(record.node, Rc::new(history));
                self.members.insert(record.node, ());
                None
            }
        };
        let Some((told, other)) = broken.filter(|_| !self.told) else { return };
        self.told = true;
        let mut evidence = vec![other, record.id];
        evidence.sort_unstable();
        evidence.dedup();
        let told = Rc::from(world.named(&format!("Update Propagation Invariant is broken: {told}")));
        let (check, at, node) = (Rc::from(NAME), record.at, record.node);
        found.push(Violation { check, at, record: record.id, node, told, evidence });
    }
    fn weigh(&self, scale: &mut Scale) {
        scale.own(self.members.bytes());
        for history in self.histories.values() {
            let bytes = size_of::<History>() + history.updates.len() * size_of::<(Command, RecordId)>();
            scale.shared(Rc::as_ptr(history).addr(), bytes);
        }
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Chain::default())
}
