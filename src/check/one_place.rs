//! One place for each: no player is in two zones or in none, and no item is with two or with nobody.
//!
//! That nobody is in two zones is looked at whenever somebody enters one. That nobody is in none: whoever is in no zone
//! just then is on a disk, in a memory or in a message that brings them somewhere. What goes with a disk that is lost, or
//! with a zone that is removed, is not held against anyone.

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::protocols::handover::{Told, label, token};
use crate::sim::{Item, NodeId, Payload, RecordId, Scale, Table};

use super::{Check, Violation};

/// Its name.
pub const NAME: &str = "one-place";
/// What it promises.
pub const PROMISE: &str =
    crate::later_text!("No player is in two zones or in none; no item is with two players or with nobody.");
/// How many players are watched; of more it is no verdict.
pub const WATCHED: usize = 4_096;

/// A player who is in a zone.
#[derive(Clone, Debug)]
struct Present {
    items: Rc<[Item]>,
    since: RecordId,
}

/// Everything that was seen.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// Who is in which zone.
    present: Table<(NodeId, NodeId), Present>,
    /// Everyone and everything that there must be, and the last record of it.
    known: Table<Item, RecordId>,
    /// What was found in two places: told once.
    doubled: Vec<Item>,
}

/// The check.
#[derive(Clone, Debug, Default)]
struct OnePlace {
    seen: Rc<Seen>,
    /// Something went just now of which there may have been no other copy.
    blow: Option<Record>,
}

fn called(item: Item, world: &World) -> String {
    match item >> 48 {
        1 => format!("player {}", world.name(NodeId(item as u32))),
        _ => world.named(&label(item)),
    }
}

impl Seen {
    fn enters(
        &mut self,
        record: &Record,
        player: NodeId,
        items: &Rc<[Item]>,
        world: &World,
    ) -> Vec<(String, RecordId)> {
        let mut found = Vec::new();
        let zone = record.node;
        for ((other, there), present) in self.present.iter().filter(|((_, there), _)| *there != zone) {
            if *other == player && !self.doubled.contains(&token(player)) {
                let (who, here, there) = (world.name(player), world.name(zone), world.name(*there));
                found.push((token(player), format!("{who} is in {here} and in {there}"), present.since));
            }
        }
        for ((other, _), present) in self.present.iter().filter(|((other, _), _)| *other != player) {
            for item in present.items.iter().filter(|item| items.contains(item) && !self.doubled.contains(item)) {
                let (what, one, two) = (called(*item, world), world.name(player), world.name(*other));
                found.push((*item, format!("{what} is there twice: {one} has it, and {two} has it"), present.since));
            }
        }
        self.doubled.extend(found.iter().map(|(item, _, _)| *item));
        if self.known.len() < 4 * WATCHED {
            for item in items.iter().copied().chain([token(player)]) {
                self.known.insert(item, record.id);
            }
            self.present.insert((player, zone), Present { items: items.clone(), since: record.id });
        }
        found.into_iter().map(|(_, told, evidence)| (told, evidence)).collect()
    }

    fn given(&mut self, zone: NodeId, item: Item, from: NodeId, to: NodeId) {
        if let Some(giver) = self.present.get_mut(&(from, zone)) {
            giver.items = giver.items.iter().copied().filter(|other| *other != item).collect();
        }
        if let Some(taker) = self.present.get_mut(&(to, zone)) {
            taker.items = taker.items.iter().copied().chain([item]).collect();
        }
    }

    /// A zone is down. What it held is on its disk, or gone with that.
    fn down(&mut self, zone: NodeId, gone: bool) {
        if gone {
            for ((player, _), present) in self.present.iter().filter(|((_, there), _)| *there == zone) {
                for item in present.items.iter().copied().chain([token(*player)]) {
                    self.known.remove(&item);
                }
            }
        }
        self.present.retain(|(_, there), _| *there != zone);
    }

    fn is_somewhere(&self, item: Item) -> bool {
        let here = |((player, _), present): (&(NodeId, NodeId), &Present)| {
            token(*player) == item || present.items.contains(&item)
        };
        self.present.iter().any(here)
    }
}

impl Check for OnePlace {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        let told = match &record.what {
            What::Fact(Fact::Player(told)) => told,
            What::Crashed { .. } | What::Removed => {
                let gone = matches!(record.what, What::Removed | What::Crashed { disk_lost: true });
                Rc::make_mut(&mut self.seen).down(record.node, gone);
                self.blow = Some(record.clone());
                return;
            }
            What::Lost { message, .. } if message.name() == "Offer" => {
                self.blow = Some(record.clone());
                return;
            }
            _ => return,
        };
        match told {
            Told::Entered { player, items } => {
                for (told, since) in Rc::make_mut(&mut self.seen).enters(record, *player, items, world) {
                    found.push(Violation {
                        check: Rc::from(NAME),
                        at: record.at,
                        record: record.id,
                        node: record.node,
                        told: Rc::from(told),
                        evidence: vec![since, record.id],
                    });
                }
            }
            Told::Left { player, .. } => {
                Rc::make_mut(&mut self.seen).present.retain(|(who, zone), _| *who != *player || *zone != record.node)
            }
            Told::Given { item, from, to } => Rc::make_mut(&mut self.seen).given(record.node, *item, *from, *to),
        }
    }
    fn settle(&mut self, world: &World, found: &mut Vec<Violation>) {
        let Some(blow) = self.blow.take() else { return };
        let missing = self.seen.known.iter().filter(|(item, _)| !self.seen.is_somewhere(**item));
        let lost: Vec<(Item, RecordId)> =
            missing.filter(|(item, _)| !world.carries(**item)).map(|(item, since)| (*item, *since)).collect();
        for (item, since) in &lost {
            Rc::make_mut(&mut self.seen).known.remove(item);
            let how = match &blow.what {
                What::Lost { to, why, .. } => why.sentence(world.name(*to)),
                _ => format!("{} crashed", world.name(blow.node)),
            };
            found.push(Violation {
                check: Rc::from(NAME),
                at: blow.at,
                record: blow.id,
                node: blow.node,
                told: Rc::from(format!("{} is nowhere any more: the last copy went: {how}", called(*item, world))),
                evidence: vec![*since, blow.id],
            });
        }
    }
    fn weigh(&self, scale: &mut Scale) {
        let seen = &self.seen;
        let bytes = seen.present.len() * 120 + seen.known.bytes() + seen.doubled.len() * 8;
        scale.shared(Rc::as_ptr(seen).addr(), bytes);
        scale.own(500);
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(OnePlace::default())
}
