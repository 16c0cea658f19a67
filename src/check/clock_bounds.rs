//! Clocks that are set over a network, against true time.
//!
//! - Bounded: a clock is as wrong as its owner says, at most. That is promised as long as fewer than half of the servers have
//!   a wrong clock, and no oscillator is worse than its owner believes (Cristian 1989; Marzullo 1990).
//! - Monotonic: between two starts a clock never goes back.
//!
//! Whoever has its clock changed by hand cannot know before it has asked again, and what a server has said while it was wrong
//! is remembered for a while: for [`SETTLED`], or for nine poll intervals where those are longer, there is no verdict.

use std::rc::Rc;

use crate::components::{Fact, Node, Record, What, World};
use crate::protocols::time_sync::{Reading, Told, shown};
use crate::sim::{Change, Micros, NodeId, RecordId, Scale, Table, Time, Value};

use super::{Check, Violation};

/// Its name in documents.
pub const NAME: &str = "clock-bounds";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "While most servers are right, every clock that was set is as wrong as its owner says, at most (Bounded); and none goes back (Monotonic)."
);
/// How long after a clock was changed by hand there is no verdict on those that may have to do with it.
pub const SETTLED: Micros = Micros::secs(20);
/// The worst oscillator that anybody is to expect, beside its own: parts per million.
const WORST: u32 = 1_000;

/// The check.
#[derive(Clone, Debug, Default)]
struct Clocks {
    /// What each showed last since it started.
    last: Table<NodeId, (Reading, RecordId)>,
    /// Whose clock was changed by hand, and when it was wrong last.
    wrong: Table<NodeId, Time>,
    /// When too many servers were wrong last.
    unsound: Option<Time>,
    /// How long it takes at least until all is settled, by how often is asked.
    settled: Micros,
    told: Vec<&'static str>,
}

impl Clocks {
    /// Whether a clock has lately been wrong by hand.
    fn lately(&self, node: NodeId, now: Time) -> bool {
        self.wrong.get(&node).is_some_and(|at| now.since(*at) < self.settled.max(SETTLED))
    }
    /// A poll interval counts from when it is set; one that becomes shorter makes nobody forget what it had.
    fn asks(&mut self, node: &Node) {
        if let Some(Value::Text(poll)) = node.get("poll")
            && let Ok(poll) = Micros::parse(&poll)
        {
            self.settled = self.settled.max(Micros(poll.0.saturating_mul(9)));
        }
    }
    fn look_at(&mut self, world: &World, now: Time) {
        let (mut servers, mut wrong) = (0, 0);
        for (id, node) in world.nodes() {
            let server = node.kind == "time-server";
            if server && !node.clock.is_right(now) || node.clock.drift().unsigned_abs() > WORST {
                self.wrong.insert(id, now);
            }
            if node.kind == "time-client" {
                self.asks(node);
            }
            servers += usize::from(server);
            wrong += usize::from(server && self.lately(id, now));
        }
        if wrong > 0 && 2 * wrong >= servers {
            self.unsound = Some(now);
        }
    }
}

impl Check for Clocks {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        let (now, node) = (record.at, record.node);
        let (reading, bound) = match &record.what {
            What::Changed(Change::Clock { .. }) => {
                self.wrong.insert(node, now);
                return;
            }
            What::Booted | What::Crashed { .. } => {
                self.last.remove(&node);
                return;
            }
            What::Fact(Fact::TimeSync(Told::Reads { reading, bound })) => (*reading, *bound),
            _ => return,
        };
        self.look_at(world, now);
        let me = world.name(node);
        let before = self.last.get(&node).copied();
        self.last.insert(node, (reading, record.id));
        let error = (reading - now.0 as i64).unsigned_abs();
        let unsound = self.unsound.is_some_and(|at| now.since(at) < self.settled.max(SETTLED));
        let broken = match before {
            Some((shown_before, other)) if shown_before > reading && !self.lately(node, now) => {
                let (reading, before) = (shown(reading), shown(shown_before));
                Some(("Monotonic", format!("the clock of {me} shows {reading}, and has shown {before}"), other))
            }
            _ if error > bound.0 && !unsound && !self.lately(node, now) => {
                let (error, reading) = (Micros(error), shown(reading));
                let told =
                    format!("the clock of {me} shows {reading} and is wrong by {error}, and not by {bound} at most");
                Some(("Bounded", told, record.id))
            }
            _ => None,
        };
        let Some((property, told, other)) = broken.filter(|(property, ..)| !self.told.contains(property)) else {
            return;
        };
        self.told.push(property);
        let mut evidence = vec![other, record.id];
        evidence.dedup();
        let told = Rc::from(format!("{property} is broken: {told}"));
        found.push(Violation { check: Rc::from(NAME), at: now, record: record.id, node, told, evidence });
    }
    fn weigh(&self, scale: &mut Scale) {
        scale.own(size_of::<Self>() + self.last.bytes() + self.wrong.bytes());
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Clocks::default())
}
