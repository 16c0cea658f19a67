//! Snapshots of branches that go on (Chandy and Lamport 1985), against what truly was when each of them recorded its state.
//!
//! - Consistent cut: no recorded state is after a receipt whose payment is after the payer's recorded state. And the auditor,
//!   who judges that by vectors, comes to the same.
//! - Channel state: what is recorded of a channel is what was paid before the payer recorded, and received after the payee did.
//! - Conserved: what is recorded adds up to what the branches were opened with, and nothing is received but what was paid,
//!   once.
//!
//! The paper has a fixed set of processes and channels. While they change, and once one is gone or a disk has forgotten
//! something, there is no verdict.

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::protocols::branch::Told;
use crate::sim::{NodeId, RecordId, Scale, Table};

use super::{Check, Violation};

/// Its name in documents.
pub const NAME: &str = "snapshot";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "A snapshot is a consistent cut, with what was under way in each channel, and adds up; nothing is received but what was paid, once."
);
/// How many payments of a channel are remembered; a snapshot that is about older ones is not judged.
pub const PAYMENTS: usize = 1_024;
/// How many snapshots are remembered.
pub const SNAPSHOTS: usize = 8;

/// A payment: when it was made and received, as numbers of records.
#[derive(Clone, Copy, Debug)]
struct Payment {
    amount: u64,
    paid: RecordId,
    got: Option<RecordId>,
}

/// A branch's part of a snapshot: the record of its recording, and what it has recorded of channels.
#[derive(Clone, Debug)]
struct Part {
    at: RecordId,
    channels: Vec<(NodeId, u64)>,
}

/// The check.
#[derive(Clone, Debug, Default)]
struct Snapshots {
    opened: Table<NodeId, u64>,
    /// By channel and number.
    channels: Table<(NodeId, NodeId), Rc<Table<u64, Payment>>>,
    parts: Table<u64, Table<NodeId, Part>>,
    /// The last record by which there are other processes or channels, or after which a payment was forgotten.
    changed: RecordId,
    blind: bool,
    told: Vec<&'static str>,
}

/// A property that is broken, how, and the record beside this one that shows it.
type Broken = (&'static str, String, RecordId);

impl Snapshots {
    fn paid(&mut self, record: RecordId, channel: (NodeId, NodeId), number: u64, amount: u64) {
        let payments = Rc::make_mut(self.channels.or_default(channel));
        if payments.len() >= PAYMENTS {
            let first = payments.keys().next().copied();
            first.and_then(|first| payments.remove(&first));
            self.changed = record;
        }
        payments.insert(number, Payment { amount, paid: record, got: None });
    }

    fn got(&mut self, record: RecordId, channel: (NodeId, NodeId), number: u64, amount: u64) -> Option<Broken> {
        let payments = Rc::make_mut(self.channels.or_default(channel));
        let (from, to) = channel;
        let Some(payment) = payments.get_mut(&number) else {
            let forgotten = payments.keys().next().is_some_and(|first| number < *first);
            let told = format!("{to} has {amount} from {from} that were never paid");
            return (!forgotten).then_some(("Conserved", told, record));
        };
        let (before, much) = (payment.got, payment.amount);
        payment.got = before.or(Some(record));
        match before {
            Some(before) => Some(("Conserved", format!("{to} has {amount} from {from} a second time"), before)),
            None if amount != much => {
                Some(("Conserved", format!("{to} has {amount} from {from}, who paid {much}"), payment.paid))
            }
            None => None,
        }
    }

    /// The states of all are together: holds them against what was.
    fn judge(&self, of: &[NodeId], snapshot: u64, total: u64, by_vectors: bool) -> Option<Broken> {
        let parts = self.parts.get(&snapshot)?;
        let recorded = |node: &NodeId| parts.get(node).map(|part| part.at);
        let first = of.iter().filter_map(recorded).min()?;
        if of.len() != self.opened.len() || of.iter().any(|node| recorded(node).is_none()) || first <= self.changed {
            return None;
        }
        let (mut effect, mut missing) = (None, None);
        for (place, from) in of.iter().enumerate() {
            for to in of.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, to)| to) {
                let (sender, receiver) = (recorded(from)?, parts.get(to)?);
                let payments = self.channels.get(&(*from, *to));
                let mut under_way = 0;
                for payment in payments.iter().flat_map(|payments| payments.values()) {
                    let (before, after) = (payment.paid < sender, payment.got.is_none_or(|got| got > receiver.at));
                    if before && after {
                        under_way += payment.amount;
                    } else if !before && !after {
                        let told = format!(
                            "in snapshot {snapshot} {to} has {} from {from}, who has not paid them yet",
                            payment.amount
                        );
                        effect = effect.or(Some(("Consistent cut", told, payment.paid)));
                    }
                }
                let has = receiver.channels.iter().find(|(of, _)| of == from).map_or(0, |(_, amount)| *amount);
                if has != under_way {
                    let told = format!(
                        "in snapshot {snapshot} {under_way} were under way from {from} to {to}, and {has} is recorded"
                    );
                    missing = missing.or(Some(("Channel state", told, sender)));
                }
            }
        }
        let due: u64 = self.opened.values().sum();
        if by_vectors && effect.is_some() {
            let told = format!("snapshot {snapshot} is not consistent, and the vectors do not tell");
            return Some(("Consistent cut", told, first));
        }
        if !by_vectors && effect.is_none() {
            let told = format!("snapshot {snapshot} is consistent, and the vectors deny it");
            return Some(("Consistent cut", told, first));
        }
        effect.or(missing).or_else(|| {
            let told = format!("snapshot {snapshot} comes to {total}, and there are {due}");
            (total != due).then_some(("Conserved", told, first))
        })
    }

    fn take(&mut self, record: RecordId, node: NodeId, told: &Told) -> Option<Broken> {
        match told {
            Told::Opened { balance } => {
                self.opened.insert(node, *balance);
                self.changed = record;
                None
            }
            Told::Paid { to, number, amount, .. } => {
                self.paid(record, (node, *to), *number, *amount);
                None
            }
            Told::Got { from, number, amount, .. } => self.got(record, (*from, node), *number, *amount),
            Told::Recorded { snapshot, .. } => {
                if self.parts.len() >= SNAPSHOTS && !self.parts.contains_key(snapshot) {
                    let first = self.parts.keys().next().copied();
                    first.and_then(|first| self.parts.remove(&first));
                }
                self.parts.or_default(*snapshot).insert(node, Part { at: record, channels: Vec::new() });
                None
            }
            Told::Closed { snapshot, channels } => {
                self.parts.get_mut(snapshot)?.get_mut(&node)?.channels.clone_from(channels);
                None
            }
            Told::Totalled { snapshot, of, total, consistent, .. } => self.judge(of, *snapshot, *total, *consistent),
        }
    }
}

impl Check for Snapshots {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        let told = match &record.what {
            What::Crashed { disk_lost: true } | What::Unsynced { .. } | What::Removed | What::Unwired { .. } => {
                self.blind = true;
                return;
            }
            What::Placed | What::Wired { .. } => {
                self.changed = record.id;
                return;
            }
            What::Fact(Fact::Branch(told)) if !self.blind => told,
            _ => return,
        };
        let broken = self.take(record.id, record.node, told).filter(|(property, ..)| !self.told.contains(property));
        let Some((property, told, other)) = broken else { return };
        self.told.push(property);
        let mut evidence = vec![other, record.id];
        evidence.dedup();
        let told = Rc::from(world.named(&format!("{property} is broken: {told}")));
        let (check, at, node) = (Rc::from(NAME), record.at, record.node);
        found.push(Violation { check, at, record: record.id, node, told, evidence });
    }
    fn weigh(&self, scale: &mut Scale) {
        scale.own(self.channels.bytes() + self.opened.bytes() + self.parts.bytes());
        for payments in self.channels.values() {
            scale.shared(Rc::as_ptr(payments).addr(), payments.bytes());
        }
        for parts in self.parts.values() {
            scale.own(parts.bytes() + parts.values().map(|part| part.channels.len() * 16).sum::<usize>());
        }
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Snapshots::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::logical::Stamp;

    const P: NodeId = NodeId(1);
    const Q: NodeId = NodeId(2);

    fn paid(number: u64, amount: u64) -> (NodeId, Told) {
        (P, Told::Paid { to: Q, number, amount, stamp: Stamp::default() })
    }
    fn got(number: u64, amount: u64) -> (NodeId, Told) {
        (Q, Told::Got { from: P, number, amount, stamp: Stamp::default() })
    }
    fn recorded(node: NodeId) -> (NodeId, Told) {
        (node, Told::Recorded { snapshot: 1, balance: 0 })
    }
    fn closed(amount: u64) -> (NodeId, Told) {
        (Q, Told::Closed { snapshot: 1, channels: vec![(P, amount)] })
    }
    fn totalled(total: u64, consistent: bool) -> (NodeId, Told) {
        (NodeId(3), Told::Totalled { snapshot: 1, of: Rc::from([P, Q]), total, due: 20, consistent })
    }

    /// P and Q are opened with 10 each, and then this happens. Which properties are broken.
    fn found(steps: Vec<(NodeId, Told)>) -> Vec<&'static str> {
        let opened = [P, Q].map(|node| (node, Told::Opened { balance: 10 }));
        let mut check = Snapshots::default();
        let all = opened.into_iter().chain(steps).enumerate();
        all.filter_map(|(id, (node, told))| check.take(RecordId(id as u64 + 1), node, &told))
            .map(|(property, ..)| property)
            .collect()
    }

    #[test]
    fn a_snapshot_with_what_is_under_way_holds_and_each_property_is_found_to_be_broken() {
        let under_way = |amount, total| {
            found(vec![paid(1, 4), recorded(P), recorded(Q), got(1, 4), closed(amount), totalled(total, true)])
        };
        assert_eq!(under_way(4, 20), [""; 0]);
        assert_eq!(under_way(0, 16), ["Channel state"]);
        assert_eq!(under_way(4, 19), ["Conserved"]);
        // Received before Q recorded, and paid after P did: 24 of 20.
        let doubled =
            |tells: bool| found(vec![recorded(P), paid(1, 4), got(1, 4), recorded(Q), closed(0), totalled(24, !tells)]);
        assert_eq!(doubled(true), ["Consistent cut"]);
        assert_eq!(doubled(false), ["Consistent cut"]);
        let denied = found(vec![recorded(P), recorded(Q), closed(0), totalled(20, false)]);
        assert_eq!(denied, ["Consistent cut"]);
    }

    #[test]
    fn what_was_never_paid_or_comes_twice_is_found() {
        assert_eq!(found(vec![paid(1, 4), got(1, 4)]), [""; 0]);
        assert_eq!(found(vec![paid(1, 4), got(1, 4), got(1, 4)]), ["Conserved"]);
        assert_eq!(found(vec![got(1, 4)]), ["Conserved"]);
        assert_eq!(found(vec![paid(1, 4), got(1, 5)]), ["Conserved"]);
    }
}
