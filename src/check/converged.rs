//! Convergence: when nothing has been written under a key for a while, and nothing stood in the way of those who are to
//! have it, all of them have the same (Vogels, «Eventually Consistent», CACM 2009; strong eventual consistency asks more).
//!
//! What stands in the way: a node that is not up, a link that is cut or held, and a disk that stands on one write. Where
//! the law of the disk has a long tail, one write may take longer than the five seconds, and all behind it wait; a disk
//! that is busy all the time, but with one write after another, is no excuse.

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::sim::{Micros, NodeId, RecordId, Scale, Status, Table, Time};

use super::{Check, Violation, disturbs};

/// Its name in documents.
pub const NAME: &str = "converged";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "Five seconds after the last change of a key and the last trouble, all nodes that are to have it have the same."
);
/// How long they have.
pub const WITHIN: Micros = Micros::secs(5);
/// How often it looks.
const EVERY: Micros = Micros::ms(500);
/// How many keys are watched; what is kept under more is no verdict.
pub const KEYS: usize = 4_096;

/// What a node has.
#[derive(Clone, Debug)]
struct Has {
    mark: u64,
    told: Rc<str>,
    record: RecordId,
}

/// What is known of a key.
#[derive(Clone, Debug)]
struct Of {
    has: Table<NodeId, Has>,
    homes: Rc<[NodeId]>,
    /// Who must be well, too.
    through: Rc<[NodeId]>,
    changed: Time,
    /// Nothing has changed since it was found to be the same everywhere, or not to be.
    judged: bool,
}

/// The check.
#[derive(Clone, Debug)]
pub struct Converged {
    keys: Table<u64, Rc<Of>>,
    /// When something last stood in the way.
    trouble: Time,
    /// Whose disks had something to write when it last looked, and have finished nothing since; ascending.
    writing: Vec<NodeId>,
    due: Time,
}

impl Converged {
    fn keep(&mut self, record: &Record, key: u64, has: Has, (homes, through): (&Rc<[NodeId]>, &Rc<[NodeId]>)) {
        if self.keys.len() >= KEYS && !self.keys.contains_key(&key) {
            return;
        }
        let (changed, judged) = (record.at, false);
        let none =
            || Rc::new(Of { has: Table::new(), homes: homes.clone(), through: through.clone(), changed, judged });
        let of = Rc::make_mut(self.keys.or_insert_with(key, none));
        of.through = through.clone();
        // What a node tells when it starts need not be news.
        if of.has.get(&record.node).is_none_or(|old| old.mark != has.mark) || of.homes != *homes {
            (of.changed, of.judged, of.homes) = (record.at, false, homes.clone());
        }
        of.has.insert(record.node, has);
    }

    /// A disk that stands on one write from one look to the next is trouble.
    fn look_at_disks(&mut self, now: Time, world: &World) {
        let writing: Vec<NodeId> = world.nodes().filter(|(_, node)| node.writing()).map(|(id, _)| id).collect();
        if writing.iter().any(|id| self.writing.binary_search(id).is_ok()) {
            self.trouble = now;
        }
        self.writing = writing;
    }

    /// What a node had is gone, or is told again when it starts.
    fn forget(&mut self, node: NodeId) {
        for of in self.keys.values_mut().filter(|of| of.has.contains_key(&node)) {
            let of = Rc::make_mut(of);
            of.has.remove(&node);
            of.judged = false;
        }
    }
}

/// Whether nothing stands between the homes now, nor between them and those through whom they come to have it.
fn at_ease(world: &World, of: &Of) -> bool {
    let (homes, through) = (&of.homes, &of.through);
    let up = |id: &NodeId| world.node(*id).is_some_and(|node| node.status == Status::Up);
    let open = |id: &NodeId| {
        let links = world.node(*id).map_or(&[][..], |node| &node.links[..]);
        let between = |to: &NodeId| homes.contains(to) || through.contains(to);
        links.iter().filter(|link| between(&link.to)).all(|link| !link.cut && !link.held)
    };
    homes.iter().chain(through.iter()).all(|node| up(node) && open(node))
}

fn differ(of: &Of, key: u64, world: &World) -> Option<Violation> {
    let mark = |node: &NodeId| of.has.get(node).map(|has| has.mark);
    let first = of.homes.first()?;
    let other = of.homes.iter().find(|node| mark(node) != mark(first))?;
    let told = |node: &NodeId| {
        let what = of.has.get(node).map_or("nothing", |has| &has.told);
        format!("{} has {what}", world.name(*node))
    };
    let evidence: Vec<RecordId> = of.has.values().map(|has| has.record).collect();
    let record = evidence.iter().copied().max()?;
    Some(Violation {
        check: Rc::from(NAME),
        at: world.now(),
        record,
        node: *other,
        told: Rc::from(format!(
            "convergence: {WITHIN} after the last change of key {key}, {} and {}",
            told(first),
            told(other)
        )),
        evidence,
    })
}

impl Check for Converged {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, _: &World, _: &mut Vec<Violation>) {
        match &record.what {
            What::Fact(Fact::Kept { key, mark, told, homes, through }) => {
                let has = Has { mark: *mark, told: told.clone(), record: record.id };
                self.keep(record, *key, has, (homes, through));
            }
            What::Written { .. } => self.writing.retain(|id| *id != record.node),
            What::Crashed { .. } | What::Removed => {
                self.forget(record.node);
                self.trouble = record.at;
            }
            What::Dialled { .. } => self.trouble = record.at,
            what if disturbs(what) => self.trouble = record.at,
            _ => {}
        }
    }
    fn due(&self) -> Option<Time> {
        Some(self.due)
    }
    fn on_due(&mut self, world: &World, found: &mut Vec<Violation>) {
        let now = self.due;
        self.due = now + EVERY;
        self.look_at_disks(now, world);
        let trouble = self.trouble;
        for (key, of) in self.keys.iter_mut() {
            if of.judged || now.since(of.changed.max(trouble)) < WITHIN || !at_ease(world, of) {
                continue;
            }
            Rc::make_mut(of).judged = true;
            found.extend(differ(of, *key, world));
        }
    }
    fn weigh(&self, scale: &mut Scale) {
        for of in self.keys.values() {
            scale.shared(Rc::as_ptr(of).addr(), 200 + of.has.len() * 120);
        }
        scale.own(500 + self.keys.len() * 32);
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Converged { keys: Table::new(), trouble: Time::ZERO, writing: Vec::new(), due: Time(EVERY.0) })
}
