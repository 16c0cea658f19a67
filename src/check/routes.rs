//! Routing: a while after the last trouble, every router has a way to every host that can be reached, which leads there,
//! and no way goes round in a circle. Ways are followed here from router to router, as packets go, over what the world
//! has: the routers' own distances count for nothing.

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::protocols::internet::Told;
use crate::sim::{Micros, NodeId, RecordId, Scale, Status, Table, Time};

use super::{Check, Violation, disturbs};

/// Its name in documents.
pub const NAME: &str = "routes";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "Twenty seconds after the last trouble a packet from any router to any host that can be reached gets there, and none to any other goes round in a circle."
);
/// How long routers have.
pub const WITHIN: Micros = Micros::secs(20);
/// How often it looks.
const EVERY: Micros = Micros::ms(500);
/// How many routers are watched, and how many ways of each; of more there is no verdict.
pub const ROUTERS: usize = 1_000;

/// Who is next on the way to each host, and the record that says so.
type Ways = Table<NodeId, (NodeId, RecordId)>;

/// The check.
#[derive(Clone, Debug)]
pub struct Routes {
    ways: Table<NodeId, Rc<Ways>>,
    /// When something last stood in the way.
    trouble: Time,
    last: RecordId,
    /// Nothing has changed since it was found in order.
    judged: bool,
    /// It was told that it is not: once for each trouble.
    told: bool,
    due: Time,
}

fn up(world: &World, id: NodeId) -> bool {
    world.node(id).is_some_and(|node| node.status == Status::Up)
}

/// Whether messages get from one to the other.
fn open(world: &World, from: NodeId, to: NodeId) -> bool {
    let link = world.node(from).and_then(|node| node.links.iter().find(|link| link.to == to));
    link.is_some_and(|link| !link.cut && !link.held)
}

fn of_kind(world: &World, kind: &str) -> Vec<NodeId> {
    world.nodes().filter(|(id, node)| node.kind == kind && up(world, *id)).map(|(id, _)| id).collect()
}

/// The routers from which a host can be reached, over links that are open both ways.
fn reached(world: &World, routers: &[NodeId], host: NodeId) -> Vec<NodeId> {
    let both = |one: NodeId, other: NodeId| open(world, one, other) && open(world, other, one);
    let mut found: Vec<NodeId> = Vec::new();
    let mut at = vec![host];
    while let Some(here) = at.pop() {
        for next in routers {
            if !found.contains(next) && both(here, *next) {
                found.push(*next);
                at.push(*next);
            }
        }
    }
    found
}

/// Where a packet gets from a router.
enum End {
    There,
    Circle,
    Nowhere,
}

impl Routes {
    fn follow(&self, world: &World, from: NodeId, host: NodeId, most: usize) -> (End, Option<RecordId>) {
        let (mut at, mut last) = (from, None);
        for _ in 0..=most {
            let Some((next, record)) = self.ways.get(&at).and_then(|ways| ways.get(&host)).copied() else {
                return (End::Nowhere, last);
            };
            last = Some(record);
            if !open(world, at, next) || !up(world, next) {
                return (End::Nowhere, last);
            }
            if next == host {
                return (End::There, last);
            }
            at = next;
        }
        (End::Circle, last)
    }

    fn troubled(&mut self, record: &Record) {
        (self.trouble, self.last, self.judged, self.told) = (record.at, record.id, false, false);
    }

    fn judge(&self, world: &World) -> Option<Violation> {
        let (routers, hosts) = (of_kind(world, "router"), of_kind(world, "host"));
        if routers.len() > ROUTERS {
            return None;
        }
        for host in hosts {
            let reached = reached(world, &routers, host);
            for router in &routers {
                let (end, last) = self.follow(world, *router, host, routers.len());
                let (me, to) = (world.name(*router), world.name(host));
                let told = match end {
                    End::Circle => {
                        format!("{WITHIN} after the last trouble, a packet from {me} to {to} goes round in a circle")
                    }
                    End::Nowhere if reached.contains(router) => {
                        format!(
                            "{WITHIN} after the last trouble, a packet from {me} to {to} gets nowhere, and there is a way"
                        )
                    }
                    _ => continue,
                };
                let record = last.unwrap_or(self.last);
                let (check, told) = (Rc::from(NAME), Rc::from(told));
                let evidence = vec![record];
                return Some(Violation { check, at: world.now(), record, node: *router, told, evidence });
            }
        }
        None
    }
}

impl Check for Routes {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, _: &World, _: &mut Vec<Violation>) {
        match &record.what {
            What::Fact(Fact::Network(Told::Routed { to, via, .. })) => {
                if self.ways.len() >= ROUTERS && !self.ways.contains_key(&record.node) {
                    return;
                }
                let ways = Rc::make_mut(self.ways.or_insert_with(record.node, Rc::default));
                match via {
                    Some(via) if ways.len() < ROUTERS || ways.contains_key(to) => {
                        ways.insert(*to, (*via, record.id));
                    }
                    Some(_) => {}
                    None => {
                        ways.remove(to);
                    }
                }
                self.judged = false;
            }
            What::Crashed { .. } | What::Removed => {
                // What it knew is gone with its memory.
                self.ways.remove(&record.node);
                self.troubled(record);
            }
            What::Dialled { .. } => self.troubled(record),
            what if disturbs(what) => self.troubled(record),
            _ => {}
        }
    }
    fn due(&self) -> Option<Time> {
        Some(self.due)
    }
    fn on_due(&mut self, world: &World, found: &mut Vec<Violation>) {
        let now = self.due;
        self.due = now + EVERY;
        if self.judged || self.told || now.since(self.trouble) < WITHIN {
            return;
        }
        self.judged = true;
        if let Some(violation) = self.judge(world) {
            self.told = true;
            found.push(violation);
        }
    }
    fn weigh(&self, scale: &mut Scale) {
        for ways in self.ways.values() {
            scale.shared(Rc::as_ptr(ways).addr(), ways.bytes());
        }
        scale.own(100 + self.ways.bytes());
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    let (trouble, last) = (Time::ZERO, RecordId(0));
    Box::new(Routes { ways: Table::new(), trouble, last, judged: true, told: false, due: Time(EVERY.0) })
}
