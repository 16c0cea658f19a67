//! What epidemics promise (Demers et al., «Epidemic Algorithms for Replicated Database Maintenance», PODC 1987): every
//! update comes to every site in the end (convergence), a site takes in only what somebody put in, newer replaces older,
//! and what was deleted does not rise from the dead. Watched at peers, whose bound is a setting of theirs (`bound`), which
//! nothing but this check reads.

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::protocols::rumour::{Entry, Stamp, Told};
use crate::sim::{Micros, NodeId, RecordId, Scale, Status, Table, Time, Value, clock};

use super::{Check, Violation};

/// Its name.
pub const NAME: &str = "rumour";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "Everyone who is up and within reach hears in time what one who is up has heard; nothing is made up, nothing that was \
     put in is forgotten, and nothing that was deleted comes back."
);
/// How many peers are watched, and how many updates; with more of them it stops looking, which is no verdict.
pub const WATCHED: usize = 4_096;
/// How many updates are remembered.
pub const UPDATES: usize = 20_000;
/// How many breaches one look tells of.
pub const TOLD: usize = 8;
/// The kinds of components that are sites.
const SITES: [&str; 2] = ["peer", "merkle-replica"];
/// How often it looks.
const EVERY: Micros = Micros::ms(500);

/// What a peer knows of a key.
#[derive(Clone, Copy, Debug)]
struct Known {
    stamp: Stamp,
    /// Whether it is known to be deleted.
    deleted: bool,
    since: Time,
    record: RecordId,
    /// Whether it can still tell it: a death certificate that was thrown away it cannot.
    kept: bool,
}

/// One peer.
#[derive(Clone, Debug)]
struct Seen {
    /// The kind of component: only those of one kind hear of one another.
    kind: &'static str,
    bound: Micros,
    /// Since when nothing is wrong with it or its links.
    calm: Time,
    known: Table<u32, Known>,
    /// The last entry under each key that it put in itself, and the record of that.
    own: Table<u32, (Stamp, RecordId)>,
    /// The last update of a key that it was found to lack.
    lacked: Table<u32, Stamp>,
}

/// The check.
#[derive(Clone, Debug)]
struct Rumours {
    peers: Table<NodeId, Rc<Seen>>,
    /// What was put in: key and value by stamp.
    published: Rc<Table<Stamp, (u32, Option<u32>)>>,
    /// Who has just started.
    started: Vec<(NodeId, RecordId)>,
    silent: bool,
    due: Time,
}

impl Rumours {
    fn change(&mut self, node: NodeId, change: impl FnOnce(&mut Seen)) {
        if let Some(seen) = self.peers.get_mut(&node) {
            change(Rc::make_mut(seen));
        }
    }

    /// Something about a peer or a link of it has changed: whatever is to come of it must have come when the bound is over.
    fn touch(&mut self, node: NodeId, at: Time, world: &World) {
        let Some(there) = world.node(node).filter(|node| SITES.contains(&node.kind)) else { return };
        if self.peers.len() >= WATCHED && !self.peers.contains_key(&node) {
            self.silent = true;
            return;
        }
        let fresh = || Seen {
            kind: there.kind,
            bound: Micros::ZERO,
            calm: at,
            known: Table::new(),
            own: Table::new(),
            lacked: Table::new(),
        };
        let seen = Rc::make_mut(self.peers.or_insert_with(node, || Rc::new(fresh())));
        seen.calm = at;
        if let Some(Value::Text(text)) = there.get("bound") {
            seen.bound = Micros::parse(&text).unwrap_or_default();
        }
    }

    fn on_told(&mut self, record: &Record, told: &Told, world: &World, found: &mut Vec<Violation>) {
        match told {
            Told::Published(entry) => {
                if self.published.len() >= UPDATES {
                    self.silent = true;
                    return;
                }
                Rc::make_mut(&mut self.published).insert(entry.stamp, (entry.key, entry.value));
                self.change(record.node, |seen| {
                    seen.own.insert(entry.key, (entry.stamp, record.id));
                    seen.known.insert(entry.key, known(entry, record));
                });
            }
            Told::Learnt { entry, from } => self.on_learnt(record, entry, *from, world, found),
            Told::Discarded { key } => self.change(record.node, |seen| {
                if let Some(known) = seen.known.get_mut(key) {
                    known.kept = false;
                }
                // Thrown away on purpose, so it need not have it when it starts again.
                seen.own.remove(key);
            }),
            Told::Found(entries) => self.change(record.node, |seen| {
                for entry in entries.iter() {
                    seen.known.insert(entry.key, known(entry, record));
                }
            }),
            Told::Removed { .. } => {}
        }
    }

    fn on_learnt(&mut self, record: &Record, entry: &Entry, from: NodeId, world: &World, found: &mut Vec<Violation>) {
        let me = record.node;
        let before = self.peers.get(&me).and_then(|seen| seen.known.get(&entry.key)).copied();
        let (name, whom) = (world.name(me), world.name(from));
        let what = world.named(&entry.to_string());
        if self.published.get(&entry.stamp) != Some(&(entry.key, entry.value)) {
            let told = format!("made up: {name} hears of {whom}: {what}; nobody has put that in");
            found.push(breach(me, record.at, record.id, told, vec![record.id]));
        }
        if let Some(before) = before.filter(|before| before.stamp > entry.stamp) {
            let told = if before.deleted && entry.value.is_some() {
                format!(
                    "risen from the dead: {name}, which knew that item {} was deleted, has {what} of {whom}",
                    entry.key
                )
            } else {
                format!("older for newer: {name} takes {what} of {whom}, and knew a newer one")
            };
            found.push(breach(me, record.at, record.id, told, vec![before.record, record.id]));
        }
        self.change(me, |seen| seen.known.insert(entry.key, known(entry, record)));
    }

    /// Convergence: what one has known for the bound, in peace, everyone knows who was in peace that long.
    fn judge(&mut self, kind: &'static str, world: &World, found: &mut Vec<Violation>) {
        let now = world.now();
        let quiet = |(node, seen): &(&NodeId, &Rc<Seen>)| {
            seen.kind == kind && seen.calm + seen.bound <= now && well(**node, world)
        };
        let those: Vec<(NodeId, Rc<Seen>)> =
            self.peers.iter().filter(quiet).map(|(node, seen)| (*node, seen.clone())).collect();
        let mut newest: Table<u32, (NodeId, Known)> = Table::new();
        for (node, seen) in &those {
            for (key, known) in seen.known.iter().filter(|(_, known)| known.kept && known.since + seen.bound <= now) {
                if newest.get(key).is_none_or(|(_, best)| best.stamp < known.stamp) {
                    newest.insert(*key, (*node, *known));
                }
            }
        }
        let mut told = 0;
        for (node, seen) in &those {
            for (key, (source, known)) in newest.iter() {
                let has = seen.known.get(key).map(|known| known.stamp);
                let before = seen.lacked.get(key).copied();
                if has >= Some(known.stamp) || before >= Some(known.stamp) || told >= TOLD {
                    continue;
                }
                told += 1;
                self.change(*node, |seen| seen.lacked.insert(*key, known.stamp));
                let what = if known.deleted { " was deleted" } else { "" };
                let text = format!(
                    "convergence: {} has not heard in {} {} item {key}{what}, as {} knows since {} s",
                    world.name(*node),
                    seen.bound,
                    if known.deleted { "that" } else { "the news of" },
                    world.name(*source),
                    clock(known.since)
                );
                found.push(breach(*node, now, known.record, text, vec![known.record]));
            }
        }
    }
}

fn known(entry: &Entry, record: &Record) -> Known {
    let deleted = entry.value.is_none();
    Known { stamp: entry.stamp, deleted, since: record.at, record: record.id, kept: true }
}

fn breach(node: NodeId, at: Time, record: RecordId, told: String, evidence: Vec<RecordId>) -> Violation {
    Violation { check: Rc::from(NAME), at, record, node, told: Rc::from(told), evidence }
}

/// Whether a peer is up, and all its links work.
fn well(node: NodeId, world: &World) -> bool {
    let Some(node) = world.node(node) else { return false };
    node.status == Status::Up && !node.links.iter().any(|link| link.cut || link.held)
}

impl Check for Rumours {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        if self.silent {
            return;
        }
        match &record.what {
            What::Fact(Fact::Rumour(told)) => self.on_told(record, told, world, found),
            What::Booted => {
                self.touch(record.node, record.at, world);
                // What it told others before, it must still have on its disk.
                self.change(record.node, |seen| seen.known.clear());
                self.started.push((record.node, record.id));
            }
            What::Crashed { disk_lost: true } => self.change(record.node, |seen| seen.own.clear()),
            What::Unsynced { .. } => self.change(record.node, |seen| seen.own.clear()),
            What::Resumed | What::Slowed { .. } | What::Changed(_) | What::Dialled { .. } => {
                self.touch(record.node, record.at, world);
            }
            What::Removed => {
                self.peers.remove(&record.node);
            }
            other => {
                if let Some(to) = other.link_to() {
                    self.touch(record.node, record.at, world);
                    self.touch(to, record.at, world);
                }
            }
        }
    }
    fn settle(&mut self, world: &World, found: &mut Vec<Violation>) {
        for (node, record) in std::mem::take(&mut self.started) {
            let Some(seen) = self.peers.get(&node) else { continue };
            let has = |key: &u32| seen.known.get(key).map(|known| known.stamp);
            let lost = seen.own.iter().find(|(key, (stamp, _))| has(key) < Some(*stamp));
            if let Some((key, (_, put))) = lost {
                let name = world.name(node);
                let told = format!("forgotten: {name} starts again without what it had put in under item {key}");
                found.push(breach(node, world.now(), record, told, vec![*put, record]));
            }
        }
    }
    fn due(&self) -> Option<Time> {
        Some(self.due)
    }
    fn on_due(&mut self, world: &World, found: &mut Vec<Violation>) {
        self.due += EVERY;
        if !self.silent {
            SITES.iter().for_each(|kind| self.judge(kind, world, found));
        }
    }
    fn weigh(&self, scale: &mut Scale) {
        for seen in self.peers.values() {
            let tables = seen.known.bytes() + seen.own.bytes() + seen.lacked.bytes();
            scale.shared(Rc::as_ptr(seen).addr(), 200 + tables);
        }
        scale.shared(Rc::as_ptr(&self.published).addr(), self.published.bytes());
        scale.own(500 + self.peers.bytes() + self.started.capacity() * 16);
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Rumours {
        peers: Table::new(),
        published: Rc::default(),
        started: Vec::new(),
        silent: false,
        due: Time(EVERY.0),
    })
}
