//! The world: nodes, links, messages under way and the queue of what comes next. Cheap to clone; it holds no history.

use std::hash::{Hash, Hasher};
use std::rc::Rc;

use super::actor::{Desk, Effect};
use super::node::Overdue;
use super::scale::{COUNTS, WEIGHT_OF_A_WORD};
use super::{
    Digest, Item, Node, NodeId, Payload, Queue, Record, RecordId, Recorder, Scale, Status, Template, Time, Value, What,
    Why, Zones,
};

/// How many nodes a run may ever place.
pub const MAX_NODES: usize = 100_000;
/// How many messages may be under way at once.
pub const MAX_IN_FLIGHT: usize = 1_000_000;
/// How many links may leave a node.
pub const MAX_LINKS_A_NODE: usize = 10_000;
/// How many links there may be, each way counted.
pub const MAX_LINKS: usize = 1_000_000;
/// How many events may happen in one microsecond before the run is taken to be a loop and halted.
pub const MAX_EVENTS_AN_INSTANT: u32 = 1_000_000;

/// How many words a message has that holds no list; what it has beside them stands in a place of its own.
const WORDS_A_MESSAGE: u64 = 24;

/// A message under way.
#[derive(Clone, Debug, Hash)]
pub struct Flight<P> {
    /// Who sent it.
    pub from: NodeId,
    /// For whom it is.
    pub to: NodeId,
    /// What it says.
    pub message: P,
    /// When it left.
    pub sent: Time,
    /// When it should arrive.
    pub due: Time,
    /// Why it will die half-way, if it will.
    pub lost: Option<Why>,
    /// Whether it waits at the end of a held link.
    pub held: bool,
    /// The record of its sending: what names it.
    pub record: RecordId,
}

impl<P> Flight<P> {
    /// When its way ends: where it arrives, or where it dies. One that no queue had room for never leaves.
    pub(super) fn ends(&self) -> Time {
        match self.lost {
            None => self.due,
            Some(Why::Congested) => self.sent,
            Some(_) => self.sent + super::Micros(self.due.since(self.sent).0 / 2),
        }
    }
}

/// Why a run went no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Halt {
    /// More nodes than [`MAX_NODES`].
    #[error("the run has placed {MAX_NODES} nodes, which is the limit")]
    Nodes,
    /// More messages under way than [`MAX_IN_FLIGHT`].
    #[error("{MAX_IN_FLIGHT} messages are under way, which is the limit")]
    Flights,
    /// More events in one microsecond than [`MAX_EVENTS_AN_INSTANT`].
    #[error(
        "{MAX_EVENTS_AN_INSTANT} events happened in one microsecond: two components answer each other without any delay"
    )]
    Instant,
    /// More links than [`MAX_LINKS`].
    #[error("the run has {MAX_LINKS} links, each way counted, which is the limit")]
    Links,
}

/// What will happen.
#[derive(Clone, Copy, Debug, Hash)]
enum Event {
    Arrive { flight: u32 },
    Done { node: NodeId, core: u32, generation: u32 },
    Timer { node: NodeId, slot: u32, generation: u32 },
    Written { node: NodeId, slot: u32, generation: u32 },
    Boot { node: NodeId, generation: u32 },
}

/// The whole state of a run.
pub struct World<P: Payload> {
    now: Time,
    seed: u64,
    templates: Rc<Vec<Template<P>>>,
    nodes: Vec<Option<Rc<Node<P>>>>,
    /// The names of all nodes that ever were.
    names: Rc<Vec<Rc<str>>>,
    /// The names among them that were given, and are no prefix with an ordinal.
    given: Rc<Vec<Rc<str>>>,
    /// The last ordinal of each template's prefix; that of the first, where several have the same.
    made: Vec<u32>,
    /// The nodes of each template, ascending.
    members: Vec<Rc<Vec<NodeId>>>,
    /// How many nodes of each template were ever placed.
    spread: Vec<u32>,
    zones: Rc<Zones>,
    /// How many links there are, each way counted.
    links: usize,
    /// What is set for those that a template makes from now on: template, field, value.
    presets: Rc<Vec<(u32, Rc<str>, Value)>>,
    flights: Vec<Option<Flight<P>>>,
    /// The same in a copy that is folded, each with its slot.
    folded: Vec<(u32, Flight<P>)>,
    free: Vec<u32>,
    queue: Queue<Event>,
    last_record: u64,
    events: u64,
    this_instant: u32,
    history: Digest,
    halted: Option<Halt>,
    /// Whether a link was ever cut, held or taken away. While none was, a message that arrives need not ask its link.
    links_changed: bool,
    /// Kept between handlers so that none allocates; always empty between events.
    scratch: Vec<Effect<P>>,
}

impl<P: Payload> Clone for World<P> {
    fn clone(&self) -> World<P> {
        World {
            now: self.now,
            seed: self.seed,
            templates: self.templates.clone(),
            nodes: self.nodes.clone(),
            names: self.names.clone(),
            given: self.given.clone(),
            made: self.made.clone(),
            members: self.members.clone(),
            spread: self.spread.clone(),
            zones: self.zones.clone(),
            links: self.links,
            presets: self.presets.clone(),
            flights: self.flights.clone(),
            folded: self.folded.clone(),
            free: self.free.clone(),
            queue: self.queue.clone(),
            last_record: self.last_record,
            events: self.events,
            this_instant: self.this_instant,
            history: self.history,
            halted: self.halted,
            links_changed: self.links_changed,
            scratch: Vec::new(),
        }
    }
}

// What one can see.
impl<P: Payload> World<P> {
    /// The instant up to which everything has happened.
    pub fn now(&self) -> Time {
        self.now
    }
    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }
    /// How many events have happened.
    pub fn events(&self) -> u64 {
        self.events
    }
    /// The last record that was numbered.
    pub fn last_record(&self) -> RecordId {
        RecordId(self.last_record)
    }
    /// When the next event is due.
    pub fn next_at(&self) -> Option<Time> {
        if self.halted.is_some() { None } else { self.queue.next_at() }
    }
    /// Why the run goes no further, if it does not.
    pub fn halted(&self) -> Option<Halt> {
        self.halted
    }
    /// The templates.
    pub fn templates(&self) -> &[Template<P>] {
        &self.templates
    }
    /// The zones.
    pub fn zones(&self) -> &Zones {
        &self.zones
    }
    /// The nodes that are there, ascending by number.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node<P>)> {
        self.nodes.iter().enumerate().filter_map(|(place, node)| Some((NodeId(place as u32), &**node.as_ref()?)))
    }
    /// A node, unless it was removed.
    pub fn node(&self, id: NodeId) -> Option<&Node<P>> {
        self.nodes.get(id.0 as usize)?.as_deref()
    }
    /// The name of a node, even of one that was removed; `?` for a number that was never given.
    pub fn name(&self, id: NodeId) -> &str {
        self.names.get(id.0 as usize).map_or("?", |name| name)
    }
    /// A text of a component with the names of nodes put in: `@7` becomes the name of node 7.
    pub fn named(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + 16);
        let mut parts = text.split('@');
        out.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            match part[..end].parse().ok().and_then(|id: u32| self.names.get(id as usize)) {
                Some(name) => out.push_str(name),
                None => {
                    out.push('@');
                    out.push_str(&part[..end]);
                }
            }
            out.push_str(&part[end..]);
        }
        out
    }
    /// The node of this name, if it is there.
    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.nodes().find(|(_, node)| *node.name == *name).map(|(id, _)| id)
    }
    /// The messages under way.
    pub fn flights(&self) -> impl Iterator<Item = &Flight<P>> {
        self.flights.iter().flatten()
    }
    /// How many messages are under way.
    pub fn in_flight(&self) -> usize {
        self.flights.len() - self.free.len()
    }
    /// The message whose sending was recorded as `record`, while it is under way.
    pub fn flight(&self, record: RecordId) -> Option<&Flight<P>> {
        self.flights().find(|flight| flight.record == record)
    }
    /// Whether any copy of `item` is left: on a disk, in a memory, or under way.
    pub fn carries(&self, item: Item) -> bool {
        self.nodes().any(|(_, node)| node.carries(item))
            || self.flights().any(|flight| flight.lost.is_none() && flight.message.carries(item))
    }

    /// The digest of everything: the state, what is to come, and the history that led here.
    pub fn digest(&self) -> u64 {
        self.digested().finish()
    }

    /// Lets every node that was changed lately take no more room than it needs, before a copy is kept.
    pub fn pack(&mut self) {
        for node in self.nodes.iter_mut().flatten().filter(|node| Rc::strong_count(node) == 1) {
            *node = Rc::new((**node).clone());
        }
    }

    /// Folds a copy that is kept: once, when much was under way, there were many places for messages. Until it is unfolded
    /// it cannot go on.
    pub fn fold(&mut self) {
        let flights = std::mem::take(&mut self.flights);
        self.folded.reserve_exact(flights.len() - self.free.len());
        self.folded.extend((0..).zip(flights).filter_map(|(slot, flight)| Some((slot, flight?))));
    }

    /// Unfolds a copy.
    pub fn unfold(&mut self) {
        self.flights.resize_with(self.flights.len().max(self.folded.len() + self.free.len()), || None);
        for (slot, flight) in std::mem::take(&mut self.folded) {
            self.flights[slot as usize] = Some(flight);
        }
    }

    /// Puts on the scale what a copy holds; nodes are shared with other copies until they are written to.
    pub fn weigh(&self, scale: &mut Scale) {
        let lists = |flight: &Flight<P>| {
            let mut digest = Digest::default();
            flight.message.hash(&mut digest);
            digest.words().saturating_sub(WORDS_A_MESSAGE) as usize * WEIGHT_OF_A_WORD
        };
        scale.own(
            size_of::<Self>()
                + self.queue.weight()
                + size_of_val(&*self.nodes)
                + size_of_val(&*self.flights)
                + size_of_val(&*self.folded)
                + size_of_val(&*self.free)
                + self.flights().chain(self.folded.iter().map(|(_, flight)| flight)).map(lists).sum::<usize>(),
        );
        for node in self.nodes.iter().flatten() {
            let bytes = COUNTS + node.weigh(scale);
            scale.shared(Rc::as_ptr(node).addr(), bytes);
        }
    }

    fn digested(&self) -> Digest {
        let mut digest = self.history;
        (self.now, self.seed, self.events, self.last_record, self.halted).hash(&mut digest);
        for (id, node) in self.nodes() {
            id.hash(&mut digest);
            node.digest(self.templates[node.template as usize].mark, &mut digest);
        }
        self.flights.hash(&mut digest);
        // A heap's inner order is nobody's business: the events are summed up.
        let sum = self.queue.iter().fold(0u64, |sum, entry| {
            let mut one = Digest::default();
            entry.hash(&mut one);
            sum.wrapping_add(one.finish())
        });
        digest.word(sum);
        for (template, field, value) in &*self.presets {
            (self.templates[*template as usize].mark, field, value).hash(&mut digest);
        }
        digest
    }
}

// How it goes on.
impl<P: Payload> World<P> {
    /// An empty world.
    pub fn new(seed: u64, templates: Vec<Template<P>>) -> World<P> {
        World {
            now: Time::ZERO,
            seed,
            made: vec![0; templates.len()],
            spread: vec![0; templates.len()],
            zones: Rc::default(),
            members: vec![Rc::default(); templates.len()],
            links: 0,
            given: Rc::default(),
            templates: Rc::new(templates),
            presets: Rc::default(),
            nodes: Vec::new(),
            names: Rc::default(),
            flights: Vec::new(),
            folded: Vec::new(),
            free: Vec::new(),
            queue: Queue::default(),
            last_record: 0,
            events: 0,
            this_instant: 0,
            history: Digest::default(),
            halted: None,
            links_changed: false,
            scratch: Vec::new(),
        }
    }

    /// This world, empty as yet, with these zones.
    pub fn with_zones(mut self, zones: Zones) -> World<P> {
        self.zones = Rc::new(zones);
        self
    }

    /// Writes a line into the log, for people: what is done to the run, and why.
    pub fn tell<R: Recorder<P>>(&mut self, node: NodeId, line: &str, records: &mut R) {
        self.emit(records, RecordId(0), node, 0, || What::Note(Rc::from(line)));
    }

    /// Lets the clock stand at `until`, or at the last event before it; see [`World::run_until`].
    pub fn rest_at(&mut self, until: Time) {
        if until > self.now {
            self.now = until;
            self.this_instant = 0;
        }
    }

    /// Runs every event up to and including the instant `until`, and rests there.
    pub fn run_until<R: Recorder<P>>(&mut self, until: Time, records: &mut R) {
        while self.next_at().is_some_and(|at| at <= until) {
            self.step(records);
        }
        self.rest_at(until);
    }

    /// Runs one event. `false` when there is none, or the run has halted.
    pub fn step<R: Recorder<P>>(&mut self, records: &mut R) -> bool {
        if self.halted.is_some() {
            return false;
        }
        let Some((at, event)) = self.queue.pop() else { return false };
        if at > self.now {
            self.now = at;
            self.this_instant = 0;
        }
        self.events += 1;
        self.this_instant += 1;
        if self.this_instant > MAX_EVENTS_AN_INSTANT {
            self.halted = Some(Halt::Instant);
            return false;
        }
        match event {
            Event::Arrive { flight } => self.arrive(flight, records),
            Event::Done { node, core, generation } => self.done(node, core, generation, records),
            Event::Timer { node, slot, generation } => self.timer(node, slot, generation, records),
            Event::Written { node, slot, generation } => self.written(node, slot, generation, records),
            Event::Boot { node, generation } => self.boot(node, generation, records),
        }
        true
    }

    fn timer<R: Recorder<P>>(&mut self, id: NodeId, slot: u32, generation: u32, records: &mut R) {
        let Some(node) = self.node_mut(id) else { return };
        if !node.actor.timer_is_set(slot, generation) {
            return;
        }
        if node.status == Status::Paused {
            return node.overdue.push(Overdue::Timer { slot, generation });
        }
        let mut name = "";
        // Numbered before the handler runs, so that what it does has this as its cause.
        let cause = self.number(RecordId(0), id, u64::from(slot));
        let effects = self.run_handler(id, |actor, desk| name = actor.on_timer(desk, slot, generation).unwrap_or(""));
        if R::ON {
            records.record(Record {
                id: cause,
                at: self.now,
                cause: RecordId(0),
                node: id,
                what: What::Timer { name },
            });
        }
        self.carry_out(id, cause, effects, records);
    }

    fn written<R: Recorder<P>>(&mut self, id: NodeId, slot: u32, generation: u32, records: &mut R) {
        let Some(node) = self.node_mut(id) else { return };
        if node.status == Status::Paused {
            return node.overdue.push(Overdue::Write { slot, generation });
        }
        let asked = node.writes.iter().position(|(number, _)| *number == generation);
        let of = asked.map_or(RecordId(0), |place| node.writes.swap_remove(place).1);
        if node.disk.full || node.disk.stuck {
            let full = node.disk.full;
            if node.actor.on_unwritten(slot, generation) {
                node.disk.stuck = true;
                self.emit(records, RecordId(0), id, u64::from(slot), || What::Unwritten { full });
            }
            return;
        }
        let mut pending = false;
        let effects = self.run_handler(id, |actor, desk| pending = actor.on_written(desk, slot, generation));
        if pending {
            let cause = self.emit(records, RecordId(0), id, u64::from(slot), || What::Written { of });
            self.carry_out(id, cause, effects, records);
        } else {
            self.scratch = effects;
        }
    }

    fn boot<R: Recorder<P>>(&mut self, id: NodeId, generation: u32, records: &mut R) {
        let now = self.now;
        let Some(node) = self.node_mut(id) else { return };
        if node.status != Status::Starting || node.generation != generation {
            return;
        }
        (node.status, node.since) = (Status::Up, now);
        let cause = node.since_record;
        let cause = self.emit(records, cause, id, 0, || What::Booted);
        if let Some(node) = self.node_mut(id) {
            node.since_record = cause;
        }
        self.handle(id, cause, records, |actor, desk| actor.boot(desk));
    }

    pub(super) fn boot_at(&mut self, id: NodeId, at: Time, generation: u32) {
        self.queue.push(at, Event::Boot { node: id, generation });
    }

    /// Runs a handler and carries out what it leaves.
    pub(super) fn handle<R: Recorder<P>>(
        &mut self,
        id: NodeId,
        cause: RecordId,
        records: &mut R,
        handler: impl FnOnce(&mut dyn super::actor::Actor<P>, Desk<'_, P>),
    ) {
        let effects = self.run_handler(id, handler);
        self.carry_out(id, cause, effects, records);
    }

    #[inline]
    fn run_handler(
        &mut self,
        id: NodeId,
        handler: impl FnOnce(&mut dyn super::actor::Actor<P>, Desk<'_, P>),
    ) -> Vec<Effect<P>> {
        let mut effects = std::mem::take(&mut self.scratch);
        let now = self.now;
        if let Some(node) = self.node_mut(id) {
            let desk = Desk {
                id,
                template: node.template,
                now,
                clock: node.clock,
                own: &mut node.own,
                load: &mut node.load,
                peers: &node.peers,
                effects: &mut effects,
                generation: &mut node.generation,
            };
            handler(&mut *node.actor, desk);
        }
        effects
    }

    fn carry_out<R: Recorder<P>>(&mut self, id: NodeId, cause: RecordId, mut effects: Vec<Effect<P>>, records: &mut R) {
        for effect in effects.drain(..) {
            match effect {
                Effect::Send { to, message } => self.send(id, to, message, cause, records),
                Effect::Timer { slot, generation, due } => {
                    self.queue.push(due, Event::Timer { node: id, slot, generation })
                }
                Effect::Write { slot, generation } => {
                    let now = self.now;
                    let Some(node) = self.node_mut(id) else { continue };
                    let took = node.machine.disk.sample(&mut node.service).scaled(u64::from(node.slow));
                    node.disk_free = node.disk_free.max(now) + took;
                    let due = node.disk_free;
                    node.writes.push((generation, cause));
                    self.queue.push(due, Event::Written { node: id, slot, generation });
                }
                Effect::Spawn { template } => {
                    self.place(template, None, true, cause, records);
                }
                Effect::Terminate { node } => {
                    self.remove(node, cause, records);
                }
                Effect::Fact(fact) => {
                    self.emit(records, cause, id, 0, || What::Fact(fact));
                }
                Effect::Note(line) => {
                    self.emit(records, cause, id, 0, || What::Note(line));
                }
                Effect::Measure { name, value } => {
                    self.emit(records, cause, id, value, || What::Measure { name, value });
                }
            }
        }
        self.scratch = effects;
    }

    #[inline]
    pub(super) fn node_mut(&mut self, id: NodeId) -> Option<&mut Node<P>> {
        self.nodes.get_mut(id.0 as usize)?.as_mut().map(Rc::make_mut)
    }

    /// Numbers a record, mixes it into the history's digest, and makes it if anyone wants it.
    #[inline]
    pub(super) fn emit<R: Recorder<P>>(
        &mut self,
        records: &mut R,
        cause: RecordId,
        node: NodeId,
        detail: u64,
        what: impl FnOnce() -> What<P>,
    ) -> RecordId {
        let id = self.number(cause, node, detail);
        if R::ON {
            let what = what();
            records.record(Record { id, at: self.now, cause, node, what });
        }
        id
    }

    #[inline]
    fn number(&mut self, cause: RecordId, node: NodeId, detail: u64) -> RecordId {
        self.last_record += 1;
        self.history.word(self.now.0 ^ u64::from(node.0) << 40 ^ detail.rotate_left(20) ^ cause.0.rotate_left(50));
        RecordId(self.last_record)
    }
}

mod apply;
mod change;
mod fate;
mod messages;
mod place;
mod sharing;
