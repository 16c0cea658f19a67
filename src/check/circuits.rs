//! Circuits between exchanges: each carries one call at a time, and is idle again when that is over.

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::protocols::isup::Told;
use crate::sim::{Micros, NodeId, RecordId, Scale, Status, Table, Time};

use super::{Check, Violation};

/// Its name.
pub const NAME: &str = "circuits";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "A circuit carries at most one call, and is idle again within 25 s of the end of its call and of the last trouble."
);
/// How long an exchange has to free a circuit.
pub const WITHIN: Micros = Micros::secs(25);
/// How often it looks.
const EVERY: Micros = Micros::secs(1);
/// How many circuits, and how many calls that are over, are watched; more are no verdict.
pub const WATCHED: usize = 65_536;

/// Whose end, to which exchange, which circuit.
type End = (NodeId, NodeId, u32);

/// What is known of an end that is not idle.
#[derive(Clone, Copy, Debug)]
struct Held {
    call: u64,
    record: RecordId,
    /// ACM has gone over it.
    through: bool,
}

/// The check.
#[derive(Clone, Debug)]
struct Circuits {
    held: Table<End, Held>,
    over: Table<u64, (Time, RecordId)>,
    trouble: Time,
    due: Time,
}

impl Circuits {
    fn through(&mut self, record: &Record, peer: NodeId, cic: u32, call: u64, world: &World) -> Option<Violation> {
        let held = Held { call, record: record.id, through: true };
        self.hold((record.node, peer, cic), held);
        let other = self.held.get(&(peer, record.node, cic)).filter(|other| other.through && other.call != call)?;
        let told = format!(
            "circuit {cic} between {} and {} carries call {call} and call {}",
            world.name(record.node),
            world.name(peer),
            other.call
        );
        let evidence = vec![other.record, record.id];
        let (at, record, node) = (record.at, record.id, record.node);
        Some(Violation { check: Rc::from(NAME), at, record, node, told: Rc::from(told), evidence })
    }

    fn hold(&mut self, end: End, held: Held) {
        if self.held.len() < WATCHED || self.held.contains_key(&end) {
            self.held.insert(end, held);
        }
    }

    /// A call is over; if nobody holds anything for it, that is all.
    fn over(&mut self, call: u64, at: Time, record: RecordId) {
        if self.held.values().any(|held| held.call == call) && self.over.len() < WATCHED {
            self.over.insert(call, (at, record));
        }
    }
}

impl Check for Circuits {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        match &record.what {
            What::Fact(Fact::Telephone(told)) => match *told {
                Told::Seized { peer, cic, call } => {
                    self.hold((record.node, peer, cic), Held { call, record: record.id, through: false });
                }
                Told::Through { peer, cic, call } => found.extend(self.through(record, peer, cic, call, world)),
                Told::Freed { peer, cic, .. } => {
                    self.held.remove(&(record.node, peer, cic));
                }
                Told::Over { call } => self.over(call, record.at, record.id),
                _ => {}
            },
            What::Crashed { .. } => {
                self.trouble = record.at;
                self.held.retain(|(node, ..), _| *node != record.node);
            }
            What::Lost { .. } => self.trouble = record.at,
            _ => {}
        }
    }
    fn due(&self) -> Option<Time> {
        Some(self.due)
    }
    fn on_due(&mut self, world: &World, found: &mut Vec<Violation>) {
        let now = world.now();
        self.due = now + EVERY;
        let well = world
            .nodes()
            .all(|(_, node)| node.status == Status::Up && node.links.iter().all(|link| !link.cut && !link.held));
        if !well {
            self.trouble = now;
        }
        let trouble = self.trouble;
        let late = |call: &u64| self.over.get(call).filter(|(at, _)| now.since((*at).max(trouble)) > WITHIN).copied();
        let mut told_of = Vec::new();
        for ((node, peer, cic), held) in self.held.iter() {
            let Some((at, over)) = late(&held.call) else { continue };
            told_of.push((*node, *peer, *cic));
            let told = format!(
                "{} still has circuit {cic} to {} in use for call {}, which was over {} s ago",
                world.name(*node),
                world.name(*peer),
                held.call,
                now.since(at).0 / 1_000_000
            );
            let evidence = vec![held.record, over];
            let (check, told) = (Rc::from(NAME), Rc::from(told));
            found.push(Violation { check, at: now, record: over, node: *node, told, evidence });
        }
        // Each once.
        self.held.retain(|end, _| !told_of.contains(end));
        let held = &self.held;
        let open: Vec<u64> = held.values().map(|held| held.call).collect();
        self.over.retain(|call, _| open.contains(call));
    }
    fn weigh(&self, scale: &mut Scale) {
        scale.own(500 + self.held.bytes() + self.over.bytes());
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Circuits { held: Table::new(), over: Table::new(), trouble: Time::ZERO, due: Time::ZERO + EVERY })
}
