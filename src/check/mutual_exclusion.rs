//! Mutual exclusion of those who write: no ticket is sold twice, nobody writes under a lease when the holder of a later
//! one has already been there, and tokens only grow.
//!
//! That a holder whose lease is over writes *before* the next one has come does no harm, and cannot be prevented by what
//! is guarded, which knows only what it was shown (Kleppmann 2016).

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::protocols::lease::Told;
use crate::sim::{NodeId, RecordId, Scale, Table};

use super::{Check, Violation};

/// Its name.
pub const NAME: &str = "mutual-exclusion";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "No ticket is sold twice; nobody writes under a token smaller than one that has been shown before; tokens of leases only grow."
);
/// How many of the last tickets of a box office are remembered.
pub const REMEMBERED: usize = 1_024;

/// What one box office has seen.
#[derive(Clone, Debug, Default)]
struct Office {
    /// The largest token that was shown, by whom, and the record of that.
    shown: Option<(u64, NodeId, RecordId)>,
    /// The tickets that were sold, to whom, and the record of that.
    sold: Table<u64, (NodeId, RecordId)>,
}

/// The check.
#[derive(Clone, Debug, Default)]
struct MutualExclusion {
    /// The last token of each lock service, and its record.
    granted: Table<NodeId, (u64, RecordId)>,
    offices: Table<NodeId, Rc<Office>>,
}

impl MutualExclusion {
    fn granted(&mut self, record: &Record, token: u64, to: NodeId, world: &World) -> Option<(String, Vec<RecordId>)> {
        let before = self.granted.get(&record.node).copied();
        self.granted.insert(record.node, (token, record.id));
        let (last, when) = before.filter(|(last, _)| *last >= token)?;
        let (service, to) = (world.name(record.node), world.name(to));
        Some((format!("{service} grants {to} token {token}, but had given out token {last} before"), vec![when]))
    }

    /// Somebody was at a box office. What is wrong with that, if they wrote.
    fn was_there(
        &mut self,
        record: &Record,
        by: NodeId,
        token: u64,
        writes: bool,
        world: &World,
    ) -> Option<(String, Vec<RecordId>)> {
        let office = Rc::make_mut(self.offices.or_default(record.node));
        match office.shown {
            Some((larger, who, when)) if larger > token => {
                let (by, who) = (world.name(by), world.name(who));
                let told = format!("{by} writes under token {token}, when {who} has been there with token {larger}");
                writes.then(|| (told, vec![when]))
            }
            _ => {
                office.shown = Some((token, by, record.id));
                None
            }
        }
    }

    fn sold(&mut self, record: &Record, ticket: u64, by: NodeId, world: &World) -> Option<(String, Vec<RecordId>)> {
        let office = Rc::make_mut(self.offices.or_default(record.node));
        if let Some((first, when)) = office.sold.get(&ticket) {
            let (by, first) = (world.name(by), world.name(*first));
            return Some((
                format!("double sale: ticket {ticket} is sold to {by}, and was sold to {first}"),
                vec![*when],
            ));
        }
        let oldest = office.sold.keys().next().copied();
        if let Some(oldest) = oldest.filter(|_| office.sold.len() >= REMEMBERED) {
            office.sold.remove(&oldest);
        }
        office.sold.insert(ticket, (by, record.id));
        None
    }
}

impl Check for MutualExclusion {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        let What::Fact(Fact::Lease(told)) = &record.what else { return };
        let broken = match *told {
            Told::Granted { token, to } => [self.granted(record, token, to, world), None],
            Told::Looked { by, token } => {
                [token.and_then(|token| self.was_there(record, by, token, false, world)), None]
            }
            Told::Sold { ticket, by, token } => {
                let under = token.and_then(|token| self.was_there(record, by, token, true, world));
                [self.sold(record, ticket, by, world), under]
            }
            Told::TurnedAway { .. } => return,
        };
        for (told, mut evidence) in broken.into_iter().flatten() {
            evidence.push(record.id);
            let (at, record, node) = (record.at, record.id, record.node);
            found.push(Violation { check: Rc::from(NAME), at, record, node, told: Rc::from(told), evidence });
        }
    }
    fn weigh(&self, scale: &mut Scale) {
        for office in self.offices.values() {
            scale.shared(Rc::as_ptr(office).addr(), 100 + office.sold.bytes());
        }
        scale.own(500 + self.granted.bytes() + self.offices.bytes());
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(MutualExclusion::default())
}
