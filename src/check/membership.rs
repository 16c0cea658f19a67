//! What a membership service promises (Chandra and Toueg 1996 name the properties, and the papers on SWIM and on φ use
//! them), judged by what really happened to the members, whatever detector they use:
//!
//! - *Strong completeness, in time:* everyone who runs knows of every crash within a bound.
//! - *Accuracy, in time:* nobody declares one that is up and within reach, but for a trouble of some length. And whoever
//!   has been up and within reach for the bound is known to be there: what was wrong is put right, newcomers are taken in.
//! - *Incarnations:* only their owner counts them up.
//!
//! Two are within reach of one another if their link works both ways, or if those of most others to both do. The two
//! bounds are settings of the members (`detects` and `forgives`), which nothing but this check reads.

mod trouble;

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::protocols::swim::{Incarnation, Standing};
use crate::sim::{Micros, NodeId, RecordId, Scale, Table, Time, Value, clock};

use super::{Check, Violation};
use trouble::Troubles;

/// Its name.
pub const NAME: &str = "membership";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "Whoever crashes is declared faulty by everyone in time, whoever is there is known, and only \
    its owner raises an incarnation."
);
/// How many members are watched; with more of them it stops looking, which is no verdict.
pub const WATCHED: usize = 256;
/// How many instants at which it must look are kept; beyond them it looks less often.
pub const MAX_DUE: usize = 4_096;
/// How many breaches it tells of.
pub const TOLD: usize = 32;

/// What one member thinks of another.
#[derive(Clone, Copy, Debug)]
struct View {
    standing: Standing,
    at: Time,
    record: RecordId,
}

/// One member.
#[derive(Clone, Debug)]
struct Seen {
    /// The greatest incarnation that it ever had.
    own: Incarnation,
    /// The one that it has since it started.
    last: Incarnation,
    views: Rc<Table<NodeId, View>>,
    forgives: Micros,
    detects: Micros,
    /// The last record that began or ended a trouble of it.
    turned: RecordId,
}

/// The check.
#[derive(Clone, Debug, Default)]
struct Membership {
    members: Table<NodeId, Seen>,
    troubles: Troubles,
    due: Vec<Time>,
    /// What was told: who of whom.
    told: Vec<(NodeId, NodeId)>,
    silent: bool,
}

/// A setting that is a length of time.
fn span(world: &World, node: NodeId, field: &str) -> Micros {
    let value = world.node(node).and_then(|node| node.get(field));
    if let Some(Value::Text(text)) = value { Micros::parse(&text).unwrap_or_default() } else { Micros::ZERO }
}

impl Membership {
    fn breach(
        &mut self,
        who: NodeId,
        of: NodeId,
        at: Time,
        record: RecordId,
        told: String,
        found: &mut Vec<Violation>,
    ) {
        if self.told.len() >= TOLD || self.told.contains(&(who, of)) {
            return;
        }
        self.told.push((who, of));
        let cause = self.members.get(&of).map_or(record, |seen| seen.turned);
        let mut evidence = vec![cause, record];
        evidence.retain(|record| record.0 > 0);
        evidence.sort_unstable();
        evidence.dedup();
        found.push(Violation { check: Rc::from(NAME), at, record, node: who, told: Rc::from(told), evidence });
    }

    /// A member has started, or something about it was set.
    fn know(&mut self, node: NodeId, world: &World) {
        if self.members.len() >= WATCHED && !self.members.contains_key(&node) {
            self.silent = true;
            return;
        }
        let (forgives, detects) = (span(world, node, "forgives"), span(world, node, "detects"));
        let (own, turned) = (Incarnation::default(), RecordId::default());
        let seen = self.members.or_insert_with(node, || {
            let views = Rc::default();
            Seen { own, last: own, views, forgives, detects, turned }
        });
        (seen.forgives, seen.detects) = (forgives, detects);
    }

    /// Something has changed that must have its consequences in time.
    fn turn(&mut self, record: &Record) {
        if let Some(seen) = self.members.get_mut(&record.node) {
            seen.turned = record.id;
        }
        self.look_again(record.at);
    }

    /// Looks when the bound is over.
    fn look_again(&mut self, at: Time) {
        let due = at + self.members.values().map(|seen| seen.detects).max().unwrap_or_default();
        if let (Err(place), true) = (self.due.binary_search(&due), self.due.len() < MAX_DUE) {
            self.due.insert(place, due);
        }
    }

    fn on_fact(&mut self, record: &Record, fact: &Fact, world: &World, found: &mut Vec<Violation>) {
        let me = record.node;
        match fact {
            Fact::Listed { nodes } => {
                let view = View { standing: Standing::Alive, at: record.at, record: record.id };
                if let Some(seen) = self.members.get_mut(&me) {
                    seen.views = Rc::new(nodes.iter().map(|node| (*node, view)).collect());
                }
            }
            Fact::Incarnated { incarnation } => {
                let Some(seen) = self.members.get_mut(&me) else { return };
                let before = seen.last;
                seen.last = *incarnation;
                seen.own = seen.own.max(*incarnation);
                if *incarnation <= before {
                    let told = format!("{} has incarnation {incarnation} after {before}", world.name(me));
                    self.breach(me, me, record.at, record.id, told, found);
                }
            }
            Fact::Believes { node, standing, incarnation, from } => {
                let Some(seen) = self.members.get_mut(&me) else { return };
                let view = View { standing: *standing, at: record.at, record: record.id };
                Rc::make_mut(&mut seen.views).insert(*node, view);
                if !standing.counts() {
                    self.look_again(record.at);
                }
                let owner = self.members.get(node).map_or(Incarnation::FIRST, |seen| seen.own.max(Incarnation::FIRST));
                if *incarnation > owner {
                    let (me_name, name) = (world.name(me), world.name(*node));
                    let told = format!(
                        "{me_name} believes in incarnation {incarnation} of {name}, which itself is no further than {owner}: \
                         another has raised it"
                    );
                    self.breach(me, *node, record.at, record.id, told, found);
                }
                if *standing == Standing::Faulty && from.is_none() {
                    self.judge_declaration(record, *node, world, found);
                }
            }
            _ => {}
        }
    }

    /// Accuracy: one has declared another faulty.
    fn judge_declaration(&mut self, record: &Record, node: NodeId, world: &World, found: &mut Vec<Violation>) {
        let me = record.node;
        let (Some(own), Some(other)) = (self.members.get(&me), self.members.get(&node)) else { return };
        // How long ago a trouble may lie to be what it is declared for.
        let since = Time(record.at.0.saturating_sub(other.detects.0));
        let trouble = self.troubles.between(me, node, since, record.at, world);
        if trouble >= own.forgives.max(Micros(1)) {
            return;
        }
        let (forgives, me_name, name) = (own.forgives, world.name(me), world.name(node));
        let troubled = match trouble {
            Micros::ZERO => "was up and within reach all the time".to_owned(),
            Micros(trouble) => {
                let trouble = Micros(trouble / 1000 * 1000);
                format!("was in trouble for {trouble} only, where {forgives} are forgiven")
            }
        };
        let told = format!("accuracy: {me_name} declares {name} faulty, which {troubled}");
        self.breach(me, node, record.at, record.id, told, found);
    }

    /// Completeness, and that who is there is known: of everyone by everyone who was in no trouble for the bound.
    fn judge_all(&mut self, world: &World, found: &mut Vec<Violation>) {
        let (now, rows) = (world.now(), self.members.clone());
        let calm_since = |node: NodeId| self.troubles.calm_since(node);
        let mut breaches = Vec::new();
        for (me, own) in rows.iter() {
            let quiet = |since: Option<Time>, within: Micros| since.is_some_and(|since| since + within <= now);
            if !quiet(calm_since(*me), own.detects) {
                continue;
            }
            for (node, other) in rows.iter().filter(|(node, _)| *node != me) {
                let within = own.detects.max(other.detects);
                let view = own.views.get(node);
                let record = view.map_or(other.turned, |view| view.record);
                let (me_name, name) = (world.name(*me), world.name(*node));
                if let Some(since) = self.troubles.down_since(*node).filter(|since| *since + within <= now) {
                    // What it never knew it need not declare.
                    if view.is_some_and(|view| view.standing.counts()) {
                        let told = format!(
                            "completeness: {name} is down since {} s, and {me_name} has not declared it in {within}",
                            clock(since)
                        );
                        breaches.push((*me, *node, other.turned.max(record), told));
                    }
                } else if quiet(calm_since(*node), within)
                    && quiet(self.troubles.together_since(*me, *node, world), within)
                    && alike(*me, *node, world)
                    // One who was in trouble may have told others what it thought: that has as long to be put right.
                    && view.is_none_or(|view| !view.standing.counts() && view.at + within <= now)
                {
                    let word = view.map_or("unknown", |view| view.standing.word());
                    let told =
                        format!("accuracy: {name} is up and within reach for {within}, and to {me_name} it is {word}");
                    breaches.push((*me, *node, record, told));
                }
            }
        }
        for (me, node, record, told) in breaches {
            self.breach(me, node, now, record, told, found);
        }
    }
}

/// Whether two use the same detector; others do not understand one another.
fn alike(a: NodeId, b: NodeId, world: &World) -> bool {
    let detector = |node| world.node(node).and_then(|node| node.get("detector"));
    detector(a) == detector(b)
}

impl Check for Membership {
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
            What::Fact(fact) => return self.on_fact(record, fact, world, found),
            What::Booted | What::Dialled { .. } if kind_of(record.node, world) => {
                self.know(record.node, world);
                // A disk that was lost knows of no life before, until others tell of it.
                if let Some(seen) = self.members.get_mut(&record.node) {
                    seen.last = Incarnation::default();
                }
            }
            _ => {}
        }
        if self.members.contains_key(&record.node) && self.troubles.see(record, world) {
            self.turn(record);
        }
    }
    fn settle(&mut self, world: &World, _: &mut Vec<Violation>) {
        self.troubles.settle(world);
    }
    fn due(&self) -> Option<Time> {
        self.due.first().copied()
    }
    fn on_due(&mut self, world: &World, found: &mut Vec<Violation>) {
        let now = world.now();
        self.due.retain(|due| *due > now);
        if !self.silent {
            self.judge_all(world, found);
        }
    }
    fn weigh(&self, scale: &mut Scale) {
        for seen in self.members.values() {
            scale.shared(Rc::as_ptr(&seen.views).addr(), seen.views.bytes());
        }
        scale.own(500 + self.members.bytes() + self.troubles.bytes() + self.due.capacity() * 8);
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

fn kind_of(node: NodeId, world: &World) -> bool {
    world.node(node).is_some_and(|node| node.kind == "member")
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Membership::default())
}
