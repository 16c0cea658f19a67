//! What a chat promises: no accepted message is lost, none is shown twice, and everyone sees the same order.

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::protocols::chat::{Text, author, count};
use crate::protocols::history::{AUTHORS, Seen};
use crate::sim::{Item, Micros, NodeId, RecordId, Scale, Table, Time, clock};

use super::{Check, Violation};

/// How many accepted messages that are not yet stored are watched; more are not, and that is no verdict.
pub const AT_RISK: usize = 1024;
/// How many of the latest stored messages, and from how many of a conversation's latest places, are looked for when a copy
/// may have been destroyed. Fewer than a history keeps of a conversation, so that one that was forgotten in due course does
/// not count as lost.
pub const STORED: usize = 256;
/// How many of a conversation's latest places are compared between readers.
pub const PLACES: usize = 512;
/// How many losses one event reports at most.
pub const TOLD: usize = 32;

/// A message that was accepted.
#[derive(Clone, Debug)]
struct Accepted {
    item: Item,
    conversation: u32,
    text: Text,
    by: NodeId,
    at: Time,
    record: RecordId,
    /// Where it stands in its conversation; 0 until it is stored.
    place: u64,
    /// Where a copy was last found.
    seen_at: Option<NodeId>,
}

/// What a reader has seen of a conversation.
#[derive(Clone, Debug)]
struct Reader {
    conversation: u32,
    place: u64,
    record: RecordId,
}

/// The places of a conversation: what stood there when it was first shown.
#[derive(Clone, Debug, Default)]
struct Places {
    /// The place of the first one here.
    first: u64,
    shown: Vec<(Item, RecordId)>,
}

/// The check.
#[derive(Clone, Debug, Default)]
pub struct Chat {
    /// Accepted, not stored: looked for after every event.
    at_risk: Vec<Accepted>,
    /// Accepted and stored: looked for when a copy may have been destroyed.
    stored: Rc<Vec<Accepted>>,
    /// Stored before the author knew that it was accepted, and where.
    stored_first: Vec<(Item, u64)>,
    /// What was ever stored of each author. One may hear so late of what was stored that it is forgotten by then.
    ever: Table<NodeId, Seen>,
    /// The last place of each conversation.
    last_place: Table<u32, u64>,
    readers: Table<NodeId, Reader>,
    places: Table<u32, Rc<Places>>,
    /// Something happened by which copies can go.
    look: bool,
    /// The event's last record: what destroyed what is missing after it.
    last: Option<Record>,
    /// The last crash or removal of the event.
    blow: Option<Record>,
}

impl Chat {
    fn keep_stored(&mut self, accepted: Accepted) {
        let stored = Rc::make_mut(&mut self.stored);
        if stored.len() >= STORED {
            stored.remove(0);
        }
        stored.push(accepted);
    }

    /// Whether a message was ever stored, as far as it is known.
    fn was_stored(&self, item: Item) -> bool {
        match self.ever.get(&author(item)) {
            Some(seen) => seen.contains(count(item)),
            None => self.ever.len() >= AUTHORS,
        }
    }

    fn on_stored(&mut self, item: Item, conversation: u32, place: u64) {
        let last = self.last_place.or_default(conversation);
        *last = place.max(*last);
        if let Some(risk) = self.at_risk.iter().position(|accepted| accepted.item == item) {
            let accepted = self.at_risk.remove(risk);
            self.keep_stored(Accepted { place, ..accepted });
        } else if !self.was_stored(item) {
            if self.stored_first.len() >= STORED {
                self.stored_first.remove(0);
            }
            self.stored_first.push((item, place));
        }
        if self.ever.len() < AUTHORS || self.ever.contains_key(&author(item)) {
            self.ever.or_default(author(item)).insert(count(item));
        }
    }

    fn on_fact(&mut self, record: &Record, fact: &Fact, world: &World, found: &mut Vec<Violation>) {
        match fact {
            Fact::Accepted { item, conversation, text, by } => {
                let accepted = Accepted {
                    item: *item,
                    conversation: *conversation,
                    text: text.clone(),
                    by: *by,
                    at: record.at,
                    record: record.id,
                    place: 0,
                    seen_at: None,
                };
                if let Some(known) = self.stored_first.iter().position(|(stored, _)| stored == item) {
                    let (_, place) = self.stored_first.remove(known);
                    self.keep_stored(Accepted { place, ..accepted });
                } else if !self.was_stored(*item) && self.at_risk.len() < AT_RISK {
                    self.at_risk.push(accepted);
                }
            }
            Fact::Stored { item, conversation, place } => self.on_stored(*item, *conversation, *place),
            Fact::Copied { .. } => self.look = true,
            Fact::Joined { conversation, place } => {
                let known = self.readers.get(&record.node).filter(|reader| reader.conversation == *conversation);
                // Coming back to an earlier place does not make it right to see a message again.
                if known.is_none_or(|reader| reader.place < *place) {
                    let reader = Reader { conversation: *conversation, place: *place, record: record.id };
                    self.readers.insert(record.node, reader);
                }
            }
            Fact::Shown { item, conversation, place, text } => {
                self.on_shown(record, *item, *conversation, *place, text, world, found);
            }
            // What other systems tell of themselves.
            _ => {}
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one fact")]
    fn on_shown(
        &mut self,
        record: &Record,
        item: Item,
        conversation: u32,
        place: u64,
        text: &str,
        world: &World,
        found: &mut Vec<Violation>,
    ) {
        let mut breach = |told: String, evidence: Vec<RecordId>| {
            found.push(Violation {
                check: Rc::from(NAME),
                at: record.at,
                record: record.id,
                node: record.node,
                told: Rc::from(told),
                evidence,
            });
        };
        let reader = world.name(record.node);
        let message = || format!("“{text}” of {} (conversation {conversation})", world.name(author(item)));
        match self.readers.get_mut(&record.node).filter(|known| known.conversation == conversation) {
            Some(known) => {
                if place <= known.place {
                    breach(
                        format!(
                            "{reader} was shown {} at place {place} again: it had seen up to {}",
                            message(),
                            known.place
                        ),
                        vec![known.record, record.id],
                    );
                } else if place > known.place + 1 {
                    breach(
                        format!("{reader} was shown {} at place {place} without place {}", message(), known.place + 1),
                        vec![known.record, record.id],
                    );
                }
                (known.place, known.record) = (known.place.max(place), record.id);
            }
            None => {
                self.readers.insert(record.node, Reader { conversation, place, record: record.id });
            }
        }
        let places = Rc::make_mut(self.places.or_default(conversation));
        if places.shown.is_empty() {
            places.first = place;
        }
        // Places come in order from each reader; a reader who joined far ahead starts the window anew.
        let next = places.first + places.shown.len() as u64;
        match place.checked_sub(places.first).and_then(|back| places.shown.get(back as usize)) {
            Some((there, shown)) if *there != item => breach(
                format!(
                    "{reader} was shown {} at place {place}, where others were shown another message of {}",
                    message(),
                    world.name(author(*there))
                ),
                vec![*shown, record.id],
            ),
            Some(_) => {}
            None if place == next => {
                // Seldom, and then many at once: what stands behind moves up each time.
                if places.shown.len() >= PLACES {
                    places.shown.drain(..PLACES / 2);
                    places.first += PLACES as u64 / 2;
                }
                places.shown.push((item, record.id));
            }
            None if place > next => {
                places.first = place;
                places.shown = vec![(item, record.id)];
            }
            None => {}
        }
    }

    fn lost(accepted: &Accepted, last: &Record, world: &World) -> Violation {
        let name = |node: NodeId| world.name(node).to_owned();
        let blow = match &last.what {
            What::Crashed { disk_lost: true } => format!("{} crashed and lost its disk", name(last.node)),
            What::Crashed { disk_lost: false } => format!("{} crashed", name(last.node)),
            What::Removed => format!("{} was removed", name(last.node)),
            What::Lost { to, why, .. } => format!("a message was lost: {}", why.sentence(&name(*to))),
            What::Fact(Fact::Copied { from }) => {
                format!("{} took over what {} has", name(last.node), name(*from))
            }
            _ => format!("{} dropped it", name(last.node)),
        };
        let end = match accepted.seen_at {
            None => "no copy was left when its author was told so".to_owned(),
            Some(node) if node == last.node => format!("the last copy went when {blow}"),
            Some(node) => format!("the last copy, at {}, went when {blow}", name(node)),
        };
        Violation {
            check: Rc::from(NAME),
            at: last.at,
            record: last.id,
            node: last.node,
            told: Rc::from(format!(
                "“{}” of {} (conversation {}), accepted by {} at {} s, is lost: {end}",
                accepted.text,
                name(author(accepted.item)),
                accepted.conversation,
                name(accepted.by),
                clock(accepted.at + Micros(500)), // to the nearest
            )),
            evidence: vec![accepted.record, last.id],
        }
    }
}

/// Whether a copy is left, looking first where one was found last; where it is now.
fn is_left(accepted: &mut Accepted, world: &World) -> bool {
    let item = accepted.item;
    if accepted.seen_at.and_then(|node| world.node(node)).is_some_and(|node| node.carries(item)) {
        return true;
    }
    let here = world.nodes().find(|(_, node)| node.carries(item)).map(|(id, _)| id);
    if here.is_some() {
        accepted.seen_at = here;
        return true;
    }
    world.carries(item)
}

/// Its name.
pub const NAME: &str = "chat";

impl Check for Chat {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        match &record.what {
            What::Fact(fact) => self.on_fact(record, fact, world, found),
            What::Removed => {
                self.look = true;
                self.readers.remove(&record.node);
            }
            What::Crashed { disk_lost: true } => {
                self.look = true;
                self.readers.remove(&record.node);
            }
            _ => {}
        }
        let blow = matches!(
            &record.what,
            What::Crashed { .. } | What::Removed | What::Lost { .. } | What::Fact(Fact::Copied { .. })
        );
        if blow && self.blow.is_none() {
            self.blow = Some(record.clone());
        }
        if self.look || !self.at_risk.is_empty() {
            self.last = Some(record.clone());
        }
    }
    fn settle(&mut self, world: &World, found: &mut Vec<Violation>) {
        let blow = self.blow.take();
        let last = self.last.take();
        let Some(last) = blow.or(last) else { return };
        if self.look && !self.stored.is_empty() {
            let late = |accepted: &Accepted| {
                self.last_place.get(&accepted.conversation).is_some_and(|last| accepted.place + STORED as u64 <= *last)
            };
            if self.stored.iter().any(late) {
                Rc::make_mut(&mut self.stored).retain(|accepted| !late(accepted));
            }
        }
        let mut told = 0;
        let mut judge = |accepted: &mut Accepted| {
            let left = is_left(accepted, world);
            if !left && told < TOLD {
                told += 1;
                found.push(Chat::lost(accepted, &last, world));
            }
            left
        };
        if !self.at_risk.is_empty() {
            self.at_risk.retain_mut(&mut judge);
        }
        if std::mem::take(&mut self.look) && !self.stored.is_empty() {
            Rc::make_mut(&mut self.stored).retain_mut(&mut judge);
        }
    }
    fn weigh(&self, scale: &mut Scale) {
        scale.shared(Rc::as_ptr(&self.stored).addr(), self.stored.capacity() * size_of::<Accepted>());
        for places in self.places.values() {
            scale.shared(Rc::as_ptr(places).addr(), places.shown.capacity() * size_of::<(Item, RecordId)>());
        }
        let tables = self.ever.bytes() + self.last_place.bytes() + self.readers.bytes() + self.places.bytes();
        let lists = size_of_val(&*self.at_risk) + size_of_val(&*self.stored_first);
        scale.own(500 + tables + lists);
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// What it promises.
pub const PROMISE: &str = "No accepted message is lost; nobody is shown one twice; everyone sees a conversation in the same order, without gaps.";

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Chat::default())
}
