//! A node: a component on a machine, with cores, an inbox, a disk and links; and the template that it is made from.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use super::actor::{Actor, host};
use super::scale::WEIGHT_OF_A_WORD;
use super::{
    Clock, Component, Digest, Dist, Lies, Link, Look, Micros, Payload, Peer, Profile, RecordId, Scale, Stream, Time,
    TimerView, Value,
};

/// A node's number: never used twice in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl std::fmt::Display for NodeId {
    /// `@7`: components do not know one another's names; [`World::named`](super::World::named) puts them in.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "@{}", self.0)
    }
}

/// Whether a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Placed, not yet booted.
    Starting,
    /// Running.
    Up,
    /// Standing still, its memory intact.
    Paused,
    /// Down: its memory is lost, its disk is not.
    Crashed,
}

crate::choice! {
    /// In which order a machine serves.
    #[derive(Default)]
    pub enum Discipline {
        /// First come, first served.
        #[default]
        Fifo = "fifo",
        /// Last come, first served; what is being served is finished first.
        Lifo = "lifo",
        /// Any of those that wait, equally likely.
        Random = "random",
        /// The lowest class first, first come first served within one; what is being served is finished first.
        Priority = "priority",
        /// Nobody waits: the cores are divided evenly among all that are there, up to a core each (processor sharing).
        Sharing = "sharing",
    }
}

/// What a machine can do.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// How many messages it serves at once.
    pub cores: u32,
    /// How long it takes over one.
    pub service: Dist,
    /// How many may wait; one more is refused.
    pub inbox: u32,
    /// How long a write takes until it is on the disk; writes go one after another.
    pub disk: Dist,
    /// How long it takes to boot.
    pub startup: Micros,
    /// In which order it serves.
    pub discipline: Discipline,
}

impl Default for Machine {
    fn default() -> Machine {
        Machine {
            cores: 1,
            service: Dist::default(),
            inbox: 64,
            disk: Dist::default(),
            startup: Micros::ZERO,
            discipline: Discipline::Fifo,
        }
    }
}

impl Hash for Machine {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.cores, &self.service, self.inbox, &self.disk, self.startup).hash(state);
        // As it was before there were others.
        if self.discipline != Discipline::Fifo {
            self.discipline.hash(state);
        }
    }
}

/// What all nodes of a group have in common.
pub struct Template<P: Payload> {
    /// The group's name; nodes are called after it.
    pub name: Rc<str>,
    /// What a node is called: this and its ordinal.
    pub prefix: Rc<str>,
    /// The kind of component.
    pub kind: &'static str,
    /// What its machines can do.
    pub machine: Machine,
    /// Stands for it in digests: made of its name, so that another template before it changes no run.
    pub(super) mark: u64,
    /// In which zones its nodes stand, one after another in turn.
    pub zones: Vec<u16>,
    /// To which templates' nodes a new node is wired, and how.
    pub links: Vec<(u32, Rc<Profile>)>,
    make: Box<dyn Fn() -> Box<dyn Actor<P>>>,
}

/// How a component with its usual settings is made. As a value, so that a template of each kind costs a page nothing of
/// the kind itself until one of it is placed.
pub struct Usual<P: Payload>(fn() -> Box<dyn Actor<P>>);

impl<P: Payload> Usual<P> {
    /// Of component `C`.
    pub const fn of<C: Component<Message = P>>() -> Usual<P> {
        Usual(|| host::<C>(Rc::default()))
    }
}

impl<P: Payload> Template<P> {
    /// A template for nodes with usual settings, not yet wired to anything.
    pub fn usual(name: &str, prefix: &str, kind: &'static str, machine: Machine, usual: &Usual<P>) -> Template<P> {
        let make = usual.0;
        Template {
            name: Rc::from(name),
            prefix: Rc::from(prefix),
            kind,
            machine,
            mark: digest_of(name),
            zones: Vec::new(),
            links: Vec::new(),
            make: Box::new(make),
        }
    }

    /// A template for nodes of component `C`, not yet wired to anything.
    pub fn new<C: Component<Message = P>>(
        name: &str,
        prefix: &str,
        kind: &'static str,
        machine: Machine,
        config: C::Config,
    ) -> Template<P> {
        let config = Rc::new(config);
        Template {
            name: Rc::from(name),
            prefix: Rc::from(prefix),
            kind,
            machine,
            mark: digest_of(name),
            zones: Vec::new(),
            links: Vec::new(),
            make: Box::new(move || host::<C>(config.clone())),
        }
    }

    pub(super) fn make(&self) -> Box<dyn Actor<P>> {
        (self.make)()
    }
}

fn digest_of(name: &str) -> u64 {
    let mut digest = Digest::default();
    name.hash(&mut digest);
    digest.finish()
}

impl<P: Payload> Debug for Template<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Template({}: {})", self.name, self.kind)
    }
}

/// A message before a core: when it comes, and again when it is its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// What the node's clock says.
    pub now: Time,
    /// How long it has waited; nothing for one that has just come.
    pub waited: Option<Micros>,
    /// How many others wait.
    pub waiting: u32,
}

/// A message that waits or is being served.
#[derive(Clone, Hash)]
pub(super) struct Envelope<P> {
    pub from: NodeId,
    pub message: P,
    pub arrived: Time,
    pub cause: RecordId,
}

/// A message that a node has not handled yet.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a, P> {
    /// Who sent it.
    pub from: NodeId,
    /// It.
    pub message: &'a P,
    /// When it arrived.
    pub arrived: Time,
    /// The record of its arrival.
    pub record: RecordId,
    /// Since when a core is at it; none while it waits.
    pub started: Option<Time>,
}

impl<P> Envelope<P> {
    fn kept(&self, started: Option<Time>) -> Kept<'_, P> {
        Kept { from: self.from, message: &self.message, arrived: self.arrived, record: self.cause, started }
    }
}

/// A message on a core.
#[derive(Clone, Hash)]
pub(super) struct Job<P> {
    pub envelope: Envelope<P>,
    pub started: Time,
    pub due: Time,
    /// While the node is paused: how much is left to do.
    pub left: Option<Micros>,
    pub generation: u32,
}

/// A node.
pub struct Node<P: Payload> {
    pub(super) id: NodeId,
    /// Its name.
    pub name: Rc<str>,
    /// The template that it was made from.
    pub template: u32,
    /// The kind of component.
    pub kind: &'static str,
    /// In which zone it stands, if in one.
    pub zone: Option<u16>,
    /// Whether it runs.
    pub status: Status,
    /// Since when it has that status.
    pub since: Time,
    /// The record that gave it that status.
    pub since_record: RecordId,
    /// How long it takes over its work, in thousandths of its usual time.
    pub slow: u32,
    /// What the machine can do.
    pub machine: Machine,
    /// Its clock.
    pub clock: Clock,
    /// What is wrong with its disk.
    pub disk: DiskState,
    /// How it lies, if it does.
    pub lies: Option<Box<Lies>>,
    /// Its links, ascending by where they lead.
    pub links: Vec<Link>,
    /// How long its cores have worked, all together.
    pub busy: Micros,
    pub(super) peers: Rc<Vec<Peer>>,
    pub(super) actor: Box<dyn Actor<P>>,
    pub(super) cores: Vec<Option<Job<P>>>,
    pub(super) inbox: VecDeque<Envelope<P>>,
    /// Where a machine is shared: what is left to do of each core's job, in parts of a microsecond, and up to when that
    /// is counted.
    pub(super) shares: Vec<u64>,
    pub(super) shared: Time,
    pub(super) own: Stream,
    pub(super) load: Stream,
    pub(super) service: Stream,
    pub(super) generation: u32,
    pub(super) disk_free: Time,
    /// Timers and writes that came due while it was paused.
    pub(super) overdue: Vec<Overdue>,
    /// What asked for each write that is not on the disk yet, by its number. Only told, so no part of the digest.
    pub(super) writes: Vec<(u32, RecordId)>,
}

/// What is wrong with a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DiskState {
    /// Writes fail.
    pub full: bool,
    /// What it has confirmed is gone after a crash.
    pub forgets: bool,
    /// A write has failed, so none succeeds until the node starts again: nothing comes to stand behind a gap.
    pub stuck: bool,
}

/// Something that came due while its node was paused.
#[derive(Clone, Copy, Hash)]
pub(super) enum Overdue {
    Timer { slot: u32, generation: u32 },
    Write { slot: u32, generation: u32 },
}

impl<P: Payload> Clone for Node<P> {
    fn clone(&self) -> Node<P> {
        Node {
            id: self.id,
            name: self.name.clone(),
            template: self.template,
            kind: self.kind,
            zone: self.zone,
            status: self.status,
            since: self.since,
            since_record: self.since_record,
            slow: self.slow,
            machine: self.machine.clone(),
            clock: self.clock,
            disk: self.disk,
            lies: self.lies.clone(),
            links: self.links.clone(),
            busy: self.busy,
            peers: self.peers.clone(),
            actor: self.actor.clone_box(),
            cores: self.cores.clone(),
            inbox: self.inbox.clone(),
            shares: self.shares.clone(),
            shared: self.shared,
            own: self.own.clone(),
            load: self.load.clone(),
            service: self.service.clone(),
            generation: self.generation,
            disk_free: self.disk_free,
            overdue: self.overdue.clone(),
            writes: self.writes.clone(),
        }
    }
}

impl<P: Payload> Node<P> {
    /// Whether something is on its way to its disk.
    pub fn writing(&self) -> bool {
        !self.writes.is_empty()
    }
    /// What the component shows of itself; empty while it is down.
    pub fn look(&self) -> Look {
        self.actor.look()
    }
    /// What it waits for.
    pub fn timers(&self) -> Vec<TimerView> {
        self.actor.timers()
    }
    /// One of its settings.
    pub fn get(&self, field: &str) -> Option<Value> {
        self.actor.get(field)
    }
    /// How many messages wait.
    pub fn waiting(&self) -> usize {
        self.inbox.len()
    }
    /// The messages that wait, first come first.
    pub fn inbox(&self) -> impl Iterator<Item = Kept<'_, P>> {
        self.inbox.iter().map(|envelope| envelope.kept(None))
    }
    /// The messages on its cores.
    pub fn serving(&self) -> impl Iterator<Item = Kept<'_, P>> {
        self.cores.iter().flatten().map(|job| job.envelope.kept(Some(job.started)))
    }
    /// The link to `to`.
    pub fn link(&self, to: NodeId) -> Option<&Link> {
        self.place_of(to).map(|place| &self.links[place])
    }
    /// Whether memory, inbox, cores or disk hold a copy of `item`. A crashed node holds what is on its disk.
    pub fn carries(&self, item: super::Item) -> bool {
        self.actor.disk_carries(item)
            || self.actor.memory_carries(item)
            || self.inbox.iter().any(|envelope| envelope.message.carries(item))
            || self.cores.iter().flatten().any(|job| job.envelope.message.carries(item))
    }
    /// Whether its disk holds a copy of `item`.
    pub fn disk_carries(&self, item: super::Item) -> bool {
        self.actor.disk_carries(item)
    }

    /// The first core that does nothing. Those after the last that ever did anything are not stored: a machine may have a
    /// thousand.
    pub(super) fn free_core(&self) -> Option<usize> {
        let core = self.cores.iter().position(Option::is_none).unwrap_or(self.cores.len());
        let cores = self.places();
        // Of those that were taken away, some may still be at work.
        let all_busy = self.cores.len() > cores && self.cores.iter().flatten().count() >= cores;
        (core < cores && !all_busy).then_some(core)
    }

    /// How many may be served at once: of a machine that is shared, as many as have room.
    fn places(&self) -> usize {
        let Machine { cores, inbox, discipline, .. } = self.machine;
        cores as usize + if discipline == Discipline::Sharing { inbox as usize } else { 0 }
    }

    /// How many may wait.
    pub(super) fn room(&self) -> u32 {
        // While a machine that is shared stands still, everyone waits.
        let shared = self.machine.discipline == Discipline::Sharing && self.status == Status::Up;
        if shared { 0 } else { self.machine.inbox }
    }

    /// Takes the next of those that wait.
    pub(super) fn take_next(&mut self) -> Option<Envelope<P>> {
        let waiting = self.inbox.len();
        match self.actor.order(waiting as u32).unwrap_or(self.machine.discipline) {
            Discipline::Fifo | Discipline::Sharing => self.inbox.pop_front(),
            Discipline::Lifo => self.inbox.pop_back(),
            Discipline::Random => {
                let place = self.service.below(waiting as u64) as usize;
                self.inbox.remove(place)
            }
            Discipline::Priority => {
                let classes = self.inbox.iter().map(|envelope| envelope.message.class()).enumerate();
                let (place, _) = classes.min_by_key(|(place, class)| (*class, *place))?;
                self.inbox.remove(place)
            }
        }
    }

    pub(super) fn link_mut(&mut self, to: NodeId) -> Option<&mut Link> {
        self.place_of(to).map(|place| &mut self.links[place])
    }

    /// Where among the links the one to `to` stands. A group's members are numbered in a row, so most often it is as far
    /// from the first as its end is, or one place before that where this node is one of those between, since nobody is
    /// linked to itself. A wrong guess costs the memory of a link that is not needed.
    #[inline]
    fn place_of(&self, to: NodeId) -> Option<usize> {
        let first = self.links.first()?.to;
        let between = first < self.id && self.id < to;
        let guess = to.0.wrapping_sub(first.0).wrapping_sub(u32::from(between)) as usize;
        if self.links.get(guess).is_some_and(|link| link.to == to) {
            return Some(guess);
        }
        self.links.binary_search_by_key(&to, |link| link.to).ok()
    }

    /// How many bytes it holds, beside what it puts on the scale.
    pub(super) fn weigh(&self, scale: &mut Scale) -> usize {
        let mut waiting = Digest::default();
        (&self.cores, &self.inbox).hash(&mut waiting);
        size_of::<Self>()
            + size_of_val(&*self.links)
            + self.links.iter().map(Link::weight).sum::<usize>()
            + self.cores.capacity() * size_of::<Option<Job<P>>>()
            + self.inbox.capacity() * size_of::<Envelope<P>>()
            + self.writes.capacity() * size_of::<(u32, RecordId)>()
            + self.overdue.capacity() * size_of::<Overdue>()
            + waiting.words() as usize * WEIGHT_OF_A_WORD
            + self.actor.weigh(scale)
    }

    /// `mark` is its template's.
    pub(super) fn digest(&self, mark: u64, digest: &mut Digest) {
        self.name.hash(digest);
        (mark, self.status, self.since, self.slow, &self.machine, &self.links).hash(digest);
        // As if all were there.
        (self.machine.cores as usize).hash(digest);
        for core in 0..(self.machine.cores as usize).max(self.cores.len()) {
            self.cores.get(core).unwrap_or(&None).hash(digest);
        }
        (&self.inbox, &self.own, &self.load, &self.service).hash(digest);
        (self.generation, self.disk_free, &self.overdue, self.busy).hash(digest);
        if self.machine.discipline == Discipline::Sharing {
            (&self.cores, &self.shares, self.shared).hash(digest);
        }
        self.actor.digest(digest);
        if let Some(zone) = self.zone {
            zone.hash(digest);
        }
        // A node with which nothing is wrong has the digest that it had before anything could be.
        if self.clock != Clock::default() || self.disk != DiskState::default() || self.lies.is_some() {
            (self.clock, self.disk, &self.lies).hash(digest);
        }
    }
}
