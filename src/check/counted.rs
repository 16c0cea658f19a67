//! Counting: whoever looks at a counter sees every increment that was acknowledged well before, and none that nobody
//! made. A counter on several machines may be behind for a while, and longer where they cannot reach one another; what
//! was acknowledged must turn up all the same («lost update», Gray and Reuter, Transaction Processing, 1993, section 7.4).
//!
//! Clients of one group count on the same counter. Reads are judged, so that it needs to know nothing about stores.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::components::{Datum, Fact, Record, Step, What, World};
use crate::sim::{Micros, NodeId, RecordId, Scale, Status, Table, Time};

use super::{Check, Violation, disturbs};

/// Its name in documents.
pub const NAME: &str = "counted";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "A read sees every increment that was acknowledged three seconds before, if nothing stood in the way since then, and none that nobody made."
);
/// How far a counter may be behind.
pub const WITHIN: Micros = Micros::secs(3);
/// How many calls may be open at once, and how many acknowledgements be younger than [`WITHIN`]; of more there is no
/// verdict.
pub const OPEN: usize = 4_096;

/// A counter, as its clients know it.
#[derive(Clone, Debug, Default)]
struct Counter {
    called: u64,
    /// Acknowledged, but for those in `recent`; and by which record at last.
    settled: u64,
    last: RecordId,
    /// The younger acknowledgements.
    recent: VecDeque<(Time, RecordId)>,
    /// It was told that it is wrong, or there was no room.
    over: bool,
}

/// The check.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// By the group of the clients.
    counters: Table<u32, Rc<Counter>>,
    /// The reads that are open, by client and process: since when.
    reads: Table<(NodeId, u64), Time>,
    /// When something last stood in the way.
    trouble: Time,
}

/// Whether nothing stands between any two.
fn at_ease(world: &World) -> bool {
    world.nodes().all(|(_, node)| node.status == Status::Up && node.links.iter().all(|link| !link.cut && !link.held))
}

impl Counter {
    /// What was acknowledged before an instant is settled.
    fn settle(&mut self, before: Time) {
        while let Some((_, record)) = self.recent.front().copied().filter(|(at, _)| *at <= before) {
            self.recent.pop_front();
            self.settled += 1;
            self.last = record;
        }
    }

    fn acknowledged(&mut self, record: &Record) {
        if self.recent.len() >= OPEN {
            self.over = true;
        } else {
            self.recent.push_back((record.at, record.id));
        }
    }
}

impl Counted {
    fn read(&mut self, record: &Record, since: Time, count: u64, world: &World) -> Option<Violation> {
        let group = world.node(record.node)?.template;
        let counter = Rc::make_mut(self.counters.get_mut(&group)?);
        if counter.over {
            return None;
        }
        let who = world.name(record.node);
        let (told, evidence) = if count > counter.called {
            (format!("{who} reads {count}, and only {} were counted at all", counter.called), vec![record.id])
        } else {
            let before = Time(since.0.saturating_sub(WITHIN.0));
            if since.0 < WITHIN.0 || self.trouble > before || !at_ease(world) {
                return None;
            }
            counter.settle(before);
            if count >= counter.settled {
                return None;
            }
            let lost = counter.settled - count;
            let told =
                format!("{who} reads {count}, but {} were acknowledged {WITHIN} before: {lost} lost", counter.settled);
            (told, vec![counter.last, record.id])
        };
        counter.over = true;
        let (check, told) = (Rc::from(NAME), Rc::from(format!("counting: {told}")));
        Some(Violation { check, at: record.at, record: record.id, node: record.node, told, evidence })
    }
}

impl Check for Counted {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        match &record.what {
            What::Fact(Fact::Operation { step, op: "increment", .. }) => {
                let Some(node) = world.node(record.node) else { return };
                let counter = Rc::make_mut(self.counters.or_insert_with(node.template, Rc::default));
                match step {
                    Step::Invoke => counter.called += 1,
                    Step::Ok => counter.acknowledged(record),
                    Step::Fail | Step::Info => {}
                }
            }
            What::Fact(Fact::Operation { process, step: Step::Invoke, op: "read", .. }) if self.reads.len() < OPEN => {
                self.reads.insert((record.node, *process), record.at);
            }
            What::Fact(Fact::Operation { process, step, op: "read", value, .. }) => {
                let since = self.reads.remove(&(record.node, *process));
                let count = match value {
                    Some(Datum::Number(count)) => Some(*count),
                    Some(Datum::Nothing) => Some(0),
                    _ => None,
                };
                if let (Step::Ok, Some(since), Some(count)) = (step, since, count) {
                    found.extend(self.read(record, since, count, world));
                }
            }
            What::Unwritten { .. } => self.trouble = record.at,
            what if disturbs(what) => self.trouble = record.at,
            _ => {}
        }
    }
    fn weigh(&self, scale: &mut Scale) {
        for counter in self.counters.values() {
            scale.shared(Rc::as_ptr(counter).addr(), size_of::<Counter>() + counter.recent.capacity() * 16);
        }
        scale.own(200 + self.counters.len() * 24 + self.reads.len() * 40);
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Counted::default())
}
