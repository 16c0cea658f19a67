//! Elections, as Garcia-Molina (1982) has them, for whoever is up and runs:
//!
//! - Assertion 1: no two that can talk to one another are coordinators at the same time.
//! - Assertion 2: a while after the last failure, all that can talk to one another follow the same coordinator; here it is
//!   the highest of them.
//!
//! The paper knows no cuts, and nobody there stands still. Two of which one has stood still, or could not talk to somebody,
//! may both be coordinators, and have a while from then on to notice; and where not everybody who can talk to the one can
//! talk to the other it says nothing.

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::protocols::election::Told;
use crate::sim::{Micros, NodeId, RecordId, Scale, Status, Table, Time};

use super::{Check, Violation};

/// Its name in documents.
pub const NAME: &str = "election";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "No two that can talk to one another, and ran and could for 3 s, are coordinators at once (Assertion 1); 12 s after the last trouble all that can follow the highest that is up (Assertion 2)."
);
/// How long two have that could not talk or stood still, until one of them is no coordinator any more.
pub const GRACE: Micros = Micros::secs(3);
/// How long after the last trouble everyone is to follow the highest.
pub const WITHIN: Micros = Micros::secs(12);
/// How many electors are watched.
pub const WATCHED: usize = 4_096;
/// How often it looks.
const EVERY: Micros = Micros::ms(500);

/// What is known of an elector.
#[derive(Clone, Debug)]
struct Known {
    template: u32,
    number: u32,
    /// Whom it follows, and the record that says so.
    follows: Option<(NodeId, RecordId)>,
    /// When it last ran on after it had stood still, or a way to another was mended.
    mended: Option<Time>,
}

/// The check.
#[derive(Clone, Debug, Default)]
struct Election {
    electors: Table<NodeId, Known>,
    trouble: Time,
    last: RecordId,
    judged: bool,
    /// Pairs that were told to be coordinators at once, until they are not.
    told: Vec<(NodeId, NodeId)>,
    due: Time,
}

fn up(world: &World, id: NodeId) -> bool {
    world.node(id).is_some_and(|node| node.status == Status::Up)
}

fn open(world: &World, from: NodeId, to: NodeId) -> bool {
    let link = world.node(from).and_then(|node| node.link(to));
    link.is_some_and(|link| !link.cut && !link.held)
}

fn talk(world: &World, one: NodeId, other: NodeId) -> bool {
    open(world, one, other) && open(world, other, one)
}

impl Election {
    fn elector(&mut self, record: &Record, world: &World) -> Option<&mut Known> {
        if self.electors.len() >= WATCHED && !self.electors.contains_key(&record.node) {
            return None;
        }
        let template = world.node(record.node)?.template;
        let new = || Known { template, number: 0, follows: None, mended: None };
        Some(self.electors.or_insert_with(record.node, new))
    }

    /// All that are up, of the group of one of them, and that can talk to it.
    fn around(&self, world: &World, of: NodeId) -> Vec<NodeId> {
        let Some(group) = self.electors.get(&of).map(|known| known.template) else { return Vec::new() };
        let near = |(id, known): &(&NodeId, &Known)| {
            known.template == group && up(world, **id) && (**id == of || talk(world, **id, of))
        };
        self.electors.iter().filter(near).map(|(id, _)| *id).collect()
    }

    /// Assertion 1: every two coordinators that can talk, and could for a while if there was a time when they could not.
    fn coordinators(&mut self, world: &World, found: &mut Vec<Violation>) {
        let now = world.now();
        let lead =
            |(id, known): &(&NodeId, &Known)| known.follows.is_some_and(|(node, _)| node == **id) && up(world, **id);
        let all: Vec<NodeId> = self.electors.iter().filter(lead).map(|(id, _)| *id).collect();
        let mut both = Vec::new();
        for (place, one) in all.iter().enumerate() {
            for other in &all[place + 1..] {
                let (Some(a), Some(b)) = (self.electors.get(one), self.electors.get(other)) else { continue };
                let since = a.mended.max(b.mended);
                let early = since.is_some_and(|since| now.since(since) < GRACE);
                let alike = || self.around(world, *one) == self.around(world, *other);
                if a.template != b.template || early || !talk(world, *one, *other) || !alike() {
                    continue;
                }
                both.push((*one, *other));
                if self.told.contains(&(*one, *other)) {
                    continue;
                }
                let shown = |known: &Known| known.follows.map_or(RecordId(0), |(_, record)| record);
                let mut evidence = vec![shown(a), shown(b)];
                evidence.sort_unstable();
                let told = format!(
                    "Assertion 1 is broken: {} and {} are both coordinators, and can talk",
                    world.name(*one),
                    world.name(*other)
                );
                let (check, told) = (Rc::from(NAME), Rc::from(told));
                let record = evidence[1];
                found.push(Violation { check, at: now, record, node: *other, told, evidence });
            }
        }
        self.told = both;
    }

    /// Assertion 2.
    fn agreement(&self, world: &World) -> Option<Violation> {
        for (id, known) in self.electors.iter().filter(|(id, _)| up(world, **id)) {
            let around = self.around(world, *id);
            // Where not everyone can talk to everyone, it says nothing.
            if around.iter().any(|other| self.around(world, *other) != around) {
                continue;
            }
            let number = |id: &&NodeId| self.electors.get(*id).map_or(0, |known| known.number);
            let highest = around.iter().max_by_key(number).copied()?;
            let follows = known.follows.map(|(node, _)| node);
            if follows == Some(highest) {
                continue;
            }
            let whom = follows.map_or("nobody", |node| world.name(node));
            let told = format!(
                "Assertion 2 is broken: {WITHIN} after the last trouble {} follows {whom}, and the highest is {}",
                world.name(*id),
                world.name(highest)
            );
            let record = known.follows.map_or(self.last, |(_, record)| record);
            let (check, told, evidence) = (Rc::from(NAME), Rc::from(told), vec![record]);
            return Some(Violation { check, at: world.now(), record, node: *id, told, evidence });
        }
        None
    }
}

impl Check for Election {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        let here = record.node;
        match &record.what {
            What::Fact(Fact::Election(told)) => {
                let Some(known) = self.elector(record, world) else { return };
                match told {
                    Told::Called { number } => known.number = *number,
                    Told::Aside { .. } => known.follows = None,
                    Told::Follows { coordinator } => known.follows = Some((*coordinator, record.id)),
                    Told::Coordinates { number } => {
                        (known.number, known.follows) = (*number, Some((here, record.id)));
                    }
                }
                return self.coordinators(world, found);
            }
            What::Crashed { .. } | What::Removed => {
                if let Some(known) = self.electors.get_mut(&here) {
                    known.follows = None;
                }
            }
            What::Resumed | What::Healed { .. } | What::Released { .. } => {
                let other = if let What::Healed { to } | What::Released { to } = &record.what { *to } else { here };
                for node in [here, other] {
                    if let Some(known) = self.electors.get_mut(&node) {
                        known.mended = Some(record.at);
                    }
                }
            }
            What::Placed
            | What::Booted
            | What::Restarted
            | What::Paused
            | What::Slowed { .. }
            | What::Changed(_)
            | What::Wired { .. }
            | What::Unwired { .. }
            | What::Cut { .. }
            | What::Held { .. }
            | What::Relinked { .. }
            | What::Dialled { .. } => {}
            _ => return,
        }
        (self.trouble, self.last, self.judged) = (record.at, record.id, false);
    }
    fn due(&self) -> Option<Time> {
        Some(self.due)
    }
    fn on_due(&mut self, world: &World, found: &mut Vec<Violation>) {
        let now = self.due;
        self.due = now + EVERY;
        self.coordinators(world, found);
        if !self.judged && now.since(self.trouble) >= WITHIN {
            self.judged = true;
            found.extend(self.agreement(world));
        }
    }
    fn weigh(&self, scale: &mut Scale) {
        scale.own(self.electors.bytes() + self.told.len() * 8);
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Election { due: Time::ZERO + EVERY, ..Election::default() })
}
