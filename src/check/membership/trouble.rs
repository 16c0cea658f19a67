//! What has happened to members and to the ways between them: when each was in trouble, and for how long.

use crate::components::{Record, What, World};
use crate::sim::{Micros, NodeId, Status, Table, Time, Value};

/// How many stretches of trouble are remembered of a member or of a pair.
pub const STRETCHES: usize = 16;

/// The troubles of one member, or of one pair.
#[derive(Clone, Debug, Default)]
struct Course {
    /// Since when it is in trouble, if it is.
    since: Option<Time>,
    /// When it last began to be well.
    calm: Time,
    /// The stretches before, oldest first.
    past: Vec<(Time, Time)>,
}

impl Course {
    /// It is, or is not, in trouble from now on. Whether that is new.
    fn set(&mut self, trouble: bool, now: Time) -> bool {
        match self.since {
            None if trouble => self.since = Some(now),
            Some(since) if !trouble => {
                self.since = None;
                self.calm = now;
                if self.past.len() >= STRETCHES {
                    self.past.remove(0);
                }
                self.past.push((since, now));
            }
            _ => return false,
        }
        true
    }

    /// How long it was in trouble from `from` to `now`, counting all of every stretch that reaches into it.
    fn length(&self, from: Time, now: Time) -> Micros {
        let past = self.past.iter().filter(|(_, end)| *end >= from).map(|(begin, end)| end.since(*begin).0);
        Micros(past.chain(self.since.map(|since| now.since(since).0)).sum())
    }
}

/// All troubles.
#[derive(Clone, Debug, Default)]
pub struct Troubles {
    nodes: Table<NodeId, Course>,
    /// When it crashed or went, of those that did and did not start again.
    down: Table<NodeId, Time>,
    /// Pairs that are not linked directly, or were not once; the lower number first.
    pairs: Table<(NodeId, NodeId), Course>,
    /// Who can reach whom may have changed.
    stale: bool,
}

fn pair(a: NodeId, b: NodeId) -> (NodeId, NodeId) {
    (a.min(b), a.max(b))
}

/// Whether a link works both ways.
fn linked(a: NodeId, b: NodeId, world: &World) -> bool {
    let works = |from, to| world.node(from).and_then(|node| node.link(to)).is_some_and(|link| !link.cut && !link.held);
    works(a, b) && works(b, a)
}

fn up(node: NodeId, world: &World) -> bool {
    world.node(node).is_some_and(|node| node.status == Status::Up)
}

impl Troubles {
    /// How many bytes it holds.
    pub fn bytes(&self) -> usize {
        let courses = self.nodes.values().chain(self.pairs.values());
        let past: usize = courses.map(|course| course.past.capacity() * 16).sum();
        past + self.nodes.bytes() + self.down.bytes() + self.pairs.bytes()
    }
    /// Takes in a record of a member. Whether something about it, or about its ways, may have changed.
    pub fn see(&mut self, record: &Record, world: &World) -> bool {
        let (node, now) = (record.node, record.at);
        match &record.what {
            What::Crashed { .. } | What::Removed => self.down.insert(node, now),
            What::Booted => {
                self.down.remove(&node);
            }
            What::Paused | What::Resumed | What::Dialled { .. } => {}
            What::Cut { to }
            | What::Healed { to }
            | What::Wired { to }
            | What::Unwired { to }
            | What::Held { to }
            | What::Released { to } => {
                // That one's members are looked at when the event is over.
                self.pairs.or_default(pair(node, *to));
                self.stale = true;
                return true;
            }
            _ => return false,
        }
        let member = world.node(node).and_then(|node| node.get("member")) != Some(Value::Flag(false));
        let trouble = !up(node, world) || !member;
        let first = !self.nodes.contains_key(&node);
        let course = self.nodes.or_default(node);
        let turned = course.set(trouble, now);
        // A start is a new beginning, also of one that crashed and started at the same instant.
        if matches!(record.what, What::Booted | What::Dialled { .. }) && !trouble {
            course.calm = now;
        }
        self.stale = true;
        turned || first || matches!(record.what, What::Booted | What::Dialled { .. })
    }

    /// After an event: who can reach whom.
    pub fn settle(&mut self, world: &World) {
        if !std::mem::take(&mut self.stale) {
            return;
        }
        let now = world.now();
        let nodes: Vec<NodeId> = self.nodes.keys().copied().filter(|node| up(*node, world)).collect();
        for ((a, b), course) in self.pairs.iter_mut() {
            course.set(!reach(*a, *b, &nodes, world), now);
        }
    }

    /// How much trouble there was between two since an instant: of one, of the other, and of the ways between them.
    pub fn between(&self, a: NodeId, b: NodeId, from: Time, now: Time, world: &World) -> Micros {
        let nodes: Vec<NodeId> = self.nodes.keys().copied().filter(|node| up(*node, world)).collect();
        let apart = !self.pairs.contains_key(&pair(a, b)) && !reach(a, b, &nodes, world);
        if apart {
            // They never had a way.
            return now.since(Time::ZERO);
        }
        let of_node = |node| self.nodes.get(&node).map_or(Micros::ZERO, |course| course.length(from, now));
        let of_pair = self.pairs.get(&pair(a, b)).map_or(Micros::ZERO, |course| course.length(from, now));
        of_node(a) + of_node(b) + of_pair
    }

    /// Since when a member is in no trouble.
    pub fn calm_since(&self, node: NodeId) -> Option<Time> {
        self.nodes.get(&node).filter(|course| course.since.is_none()).map(|course| course.calm)
    }

    /// Since when it is down, if it is.
    pub fn down_since(&self, node: NodeId) -> Option<Time> {
        self.down.get(&node).copied()
    }

    /// Since when two are within reach of one another.
    pub fn together_since(&self, a: NodeId, b: NodeId, world: &World) -> Option<Time> {
        match self.pairs.get(&pair(a, b)) {
            Some(course) => Some(course.calm).filter(|_| course.since.is_none()),
            None => linked(a, b, world).then_some(Time::ZERO),
        }
    }
}

/// Whether two are within reach of one another: directly, or over most of these.
fn reach(a: NodeId, b: NodeId, over: &[NodeId], world: &World) -> bool {
    let others = || over.iter().filter(|between| **between != a && **between != b);
    let ways = || others().filter(|between| linked(a, **between, world) && linked(**between, b, world));
    linked(a, b, world) || 2 * ways().count() > others().count()
}
