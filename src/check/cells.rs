//! A cellular network: a call is in one cell, and a page finds a phone.

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::protocols::cellular::Told;
use crate::sim::{Micros, NodeId, RecordId, Scale, Status, Table, Time};

use super::{Check, Violation};

/// Its name.
pub const NAME: &str = "cells";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "A call is carried by one tower, but for the 5 s of a handover; and a phone that is there and has nothing else to do is found when it is paged."
);
/// How long two towers may carry one call.
const HANDOVER: Micros = Micros::secs(5);
/// For how long after trouble nothing is promised.
const AFTER: Micros = Micros::secs(10);
/// How often it looks.
const EVERY: Micros = Micros::ms(500);
/// How many calls, and how many phones that found no channel, are watched; more are no verdict.
pub const WATCHED: usize = 65_536;

/// Whose call, by which tower.
type Carried = (NodeId, NodeId);

/// The check.
#[derive(Clone, Debug)]
struct Cells {
    carried: Table<Carried, (Time, RecordId)>,
    /// When a phone last found no channel, or nobody answered it.
    refused: Table<NodeId, Time>,
    trouble: Time,
    due: Time,
}

fn well(world: &World) -> bool {
    world.nodes().all(|(_, node)| node.status == Status::Up && node.links.iter().all(|link| !link.cut && !link.held))
}

impl Check for Cells {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        match &record.what {
            What::Fact(Fact::Cellular(Told::Carries { phone })) if self.carried.len() < WATCHED => {
                self.carried.insert((*phone, record.node), (record.at, record.id));
            }
            What::Fact(Fact::Cellular(Told::LetsGo { phone })) => {
                self.carried.remove(&(*phone, record.node));
            }
            What::Fact(Fact::Cellular(Told::PageLost { phone })) => {
                let quiet = record.at.since(self.trouble) > AFTER;
                let refused = self.refused.get(phone).is_some_and(|at| record.at.since(*at) <= AFTER);
                // Who talks already has no use for a page.
                let busy = self.carried.keys().any(|(who, _)| who == phone);
                if quiet && !refused && !busy && well(world) && world.node(*phone).is_some() {
                    let told =
                        format!("{} pages {} in vain, which is there", world.name(record.node), world.name(*phone));
                    let (at, node, evidence) = (record.at, record.node, vec![record.id]);
                    let (check, told) = (Rc::from(NAME), Rc::from(told));
                    found.push(Violation { check, at, record: record.id, node, told, evidence });
                }
            }
            What::Measure { name: "blocked" | "unanswered" | "dropped", .. } if self.refused.len() < WATCHED => {
                self.refused.insert(record.node, record.at);
            }
            What::Crashed { .. } => {
                self.trouble = record.at;
                self.carried.retain(|(_, tower), _| *tower != record.node);
            }
            What::Lost { .. } | What::Restarted | What::Resumed | What::Dialled { .. } => self.trouble = record.at,
            _ => {}
        }
    }
    fn due(&self) -> Option<Time> {
        Some(self.due)
    }
    fn on_due(&mut self, world: &World, found: &mut Vec<Violation>) {
        let now = world.now();
        self.due = now + EVERY;
        if !well(world) {
            self.trouble = now;
        }
        let mut told_of: Vec<Carried> = Vec::new();
        let mut before: Option<(Carried, Time, RecordId)> = None;
        for (carried, (since, record)) in self.carried.iter() {
            if let Some((other, earlier, first)) = before.filter(|(other, ..)| other.0 == carried.0) {
                let both = earlier.max(*since).max(self.trouble);
                if now.since(both) > HANDOVER {
                    told_of.push(if earlier < *since { other } else { *carried });
                    let told = format!(
                        "{} and {} have both carried the call of {} for more than five seconds",
                        world.name(other.1),
                        world.name(carried.1),
                        world.name(carried.0)
                    );
                    let (check, told) = (Rc::from(NAME), Rc::from(told));
                    let evidence = vec![first, *record];
                    found.push(Violation { check, at: now, record: *record, node: carried.1, told, evidence });
                }
            }
            before = Some((*carried, *since, *record));
        }
        // Each once.
        self.carried.retain(|carried, _| !told_of.contains(carried));
    }
    fn weigh(&self, scale: &mut Scale) {
        scale.own(500 + self.carried.bytes() + self.refused.bytes());
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Cells { carried: Table::new(), refused: Table::new(), trouble: Time::ZERO, due: Time::ZERO + EVERY })
}
