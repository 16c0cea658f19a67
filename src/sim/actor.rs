//! The author's contract: what a component is, and what it can do. Typed where it is written, erased once, here.

use std::fmt::Debug;
use std::hash::Hash;
use std::rc::Rc;

use super::config::{Config, Hashed, Value};
use super::scale::WEIGHT_OF_A_WORD;
use super::slots::{Armed, Pended, Pending};
use super::{Clock, Digest, Discipline, Micros, NodeId, Scale, Stream, Time, Turn};

/// Something that must be neither lost nor doubled: a chat message, a ticket, a player's sword.
pub type Item = u64;

/// What components say to one another. One type for the whole app, so that anything can be wired to anything.
pub trait Payload: Clone + Hash + Debug + 'static {
    /// What components observe about themselves for checks and metrics; it never travels.
    type Fact: Clone + Debug + PartialEq + 'static;
    /// The message's name, as in its paper.
    fn name(&self) -> &'static str;
    /// Its size on the wire in bytes.
    fn bytes(&self) -> u32 {
        64
    }
    /// Its class: a machine that serves by priority takes the lowest first.
    fn class(&self) -> u32 {
        0
    }
    /// Whether it holds a copy of `item`.
    fn carries(&self, item: Item) -> bool {
        let _ = item;
        false
    }
    /// Changes what it says, as a node does that spoils its work; `luck` decides how. `false`: it is as it was, since
    /// this message cannot be spoilt.
    fn spoil(&mut self, luck: u64) -> bool {
        let _ = luck;
        false
    }
}

/// What survives a crash: a value, and the writes that change it.
pub trait Disk: Clone + Default + Hash + 'static {
    /// One write. It reaches the disk whole or not at all.
    type Write: Clone + Hash + Debug + 'static;
    /// Carries out a write.
    fn apply(&mut self, write: Self::Write);
    /// Whether it holds a copy of `item`.
    fn carries(&self, item: Item) -> bool {
        let _ = item;
        false
    }
}

/// For components that keep nothing.
impl Disk for () {
    type Write = ();
    fn apply(&mut self, (): ()) {}
}

/// How much of a node's service time a message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// None: it is handled as it arrives, past the queue (health checks, acknowledgements).
    None,
    /// One sample of the node's service time, on a core, after the messages before it.
    Service,
    /// Exactly this long on a core, after the messages before it.
    Exactly(Micros),
    /// It is not done: the message is lost, and [`Component::on_shed`] hears of it.
    Shed,
}

/// What a component shows of itself: what, never how.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    /// What it is doing in its protocol's own words: `primary`, `follower`, `serving`.
    pub role: Rc<str>,
    /// Whether it leads, or holds the lease or the token.
    pub star: bool,
    /// Whether it is doing its job; a component may know that it cannot (no route, no quorum).
    pub ready: bool,
    /// Names and values for the inspector.
    pub lines: Vec<(&'static str, String)>,
    /// The end of its log, oldest first.
    pub log: Vec<Cell>,
}

/// One cell of a log.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// What stands in it.
    pub text: String,
    /// Whether it is settled: stored, committed, shown.
    pub settled: bool,
}

/// What one places on the stage.
pub trait Component: Clone + Hash + 'static {
    /// What it says and hears.
    type Message: Payload;
    /// What can be set about it.
    type Config: Config;
    /// What survives a crash; nothing else does.
    type Disk: Disk;
    /// What it waits for. Setting a timer equal to one that is set moves it.
    type Timer: Clone + PartialEq + Hash + Debug + 'static;

    /// Starts, and starts again after a crash: from its configuration and its disk alone.
    fn boot(cx: &mut Context<Self>, disk: &Self::Disk) -> Self;
    /// A message has arrived, waited its turn and been served.
    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Self::Message);
    /// A timer has run out, or a write is on the disk.
    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Self::Timer);
    /// What it shows.
    fn look(&self, config: &Self::Config) -> Look;
    /// What a timer is called.
    fn timer_name(timer: &Self::Timer) -> &'static str;
    /// How much work a message is.
    fn work(&self, message: &Self::Message) -> Work {
        let _ = message;
        Work::Service
    }
    /// How much work a message is, or whether it is not to be done: asked when it comes and again when it is its turn. A
    /// node that stands still is not asked.
    fn turn(&mut self, config: &Self::Config, turn: &Turn, message: &Self::Message) -> Work {
        let _ = (config, turn);
        self.work(message)
    }
    /// In which order it takes those that wait, so many of them; otherwise as its machine does.
    fn order(&self, config: &Self::Config, waiting: u32) -> Option<Discipline> {
        let _ = (config, waiting);
        None
    }
    /// A message was not done, since [`Component::turn`] said so; whoever sent it can be told.
    fn on_shed(&mut self, cx: &mut Context<Self>, from: NodeId, message: &Self::Message) {
        self.on_full(cx, from, message);
    }
    /// A message found the inbox full and is lost; whoever sent it can be told.
    fn on_full(&mut self, cx: &mut Context<Self>, from: NodeId, message: &Self::Message) {
        let _ = (cx, from, message);
    }
    /// A dial was moved; the context already has the new configuration.
    fn on_dial(&mut self, cx: &mut Context<Self>) {
        let _ = cx;
    }
    /// Whether its memory holds a copy of `item`.
    fn carries(&self, item: Item) -> bool {
        let _ = item;
        false
    }
    /// Puts the [`Blocks`](super::Blocks) of its memory and its disk on the scale; what else there is need not be told.
    fn weigh(&self, disk: &Self::Disk, scale: &mut Scale) {
        let _ = (disk, scale);
    }
}

/// A wired neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    /// Who.
    pub id: NodeId,
    /// The template that it was made from.
    pub template: u32,
    /// What kind of component it is.
    pub kind: &'static str,
}

/// What a handler leaves behind; the engine carries it out when the handler has returned.
#[derive(Clone, Debug)]
pub(super) enum Effect<P: Payload> {
    Send { to: NodeId, message: P },
    Timer { slot: u32, generation: u32, due: Time },
    Write { slot: u32, generation: u32 },
    Spawn { template: u32 },
    Terminate { node: NodeId },
    Fact(P::Fact),
    Note(Rc<str>),
    Measure { name: &'static str, value: u64 },
}

/// Where a handler stands: everything that the engine lends it, and the effects that it leaves.
pub(super) struct Desk<'a, P: Payload> {
    pub id: NodeId,
    pub template: u32,
    pub now: Time,
    pub clock: Clock,
    pub own: &'a mut Stream,
    pub load: &'a mut Stream,
    pub peers: &'a [Peer],
    pub effects: &'a mut Vec<Effect<P>>,
    /// Numbers timers and writes over all lives of the node, so that one armed before a crash never fires after it.
    pub generation: &'a mut u32,
}

/// A capability: what is not in it cannot be done.
pub struct Context<'a, C: Component> {
    desk: Desk<'a, C::Message>,
    config: &'a C::Config,
    pending: &'a mut Pending<C>,
}

impl<'a, C: Component> Context<'a, C> {
    /// This node.
    pub fn id(&self) -> NodeId {
        self.desk.id
    }
    /// The template that this node was made from: its group.
    pub fn template(&self) -> u32 {
        self.desk.template
    }
    /// This node's clock, which may be wrong.
    pub fn now(&self) -> Time {
        self.desk.clock.read(self.desk.now)
    }
    /// This node's settings, as they stand now.
    pub fn config(&self) -> &'a C::Config {
        self.config
    }
    /// This node's own luck: jitter, choices.
    pub fn rng(&mut self) -> &mut Stream {
        self.desk.own
    }
    /// The luck of the load that this node makes, apart from its own so that the one does not shift the other.
    pub fn load_rng(&mut self) -> &mut Stream {
        self.desk.load
    }
    /// Everyone this node is wired to, up or not: whether they answer it must find out itself. Ascending by id.
    pub fn peers(&self) -> &'a [Peer] {
        self.desk.peers
    }
    /// The neighbours of a kind.
    pub fn peers_of(&self, kind: &'static str) -> impl Iterator<Item = NodeId> + use<'a, C> {
        self.desk.peers.iter().filter(move |peer| peer.kind == kind).map(|peer| peer.id)
    }
    /// Sends a message; to a node that is not wired to this one it is lost, and the log says so.
    pub fn send(&mut self, to: NodeId, message: C::Message) {
        self.desk.effects.push(Effect::Send { to, message });
    }
    /// Runs `timer` out after `span` of this node's clock, as fast as that runs now; one equal to it that is already set
    /// is moved.
    pub fn set(&mut self, timer: C::Timer, span: Micros) {
        let due = self.desk.now + self.desk.clock.lasts(span);
        *self.desk.generation += 1;
        let generation = *self.desk.generation;
        let slot = self.pending.arm(timer, self.desk.now, due, generation);
        self.desk.effects.push(Effect::Timer { slot, generation, due });
    }
    /// Forgets a timer; one that is not set is no mistake.
    pub fn cancel(&mut self, timer: &C::Timer) {
        self.pending.disarm(timer);
    }
    /// Whether a timer is set.
    pub fn is_set(&self, timer: &C::Timer) -> bool {
        self.pending.timers.filled.iter().flatten().any(|set| set.timer == *timer)
    }
    /// Puts `write` on the disk, after the writes before it and the disk's latency; then `done` runs out as a timer
    /// does. A crash before that loses both. A write that fails, on a full disk, is never done, nor is any after it until
    /// the node starts again: so the disk holds what was written up to some point, and nothing past a gap.
    pub fn persist(&mut self, write: <C::Disk as Disk>::Write, done: Option<C::Timer>) {
        *self.desk.generation += 1;
        let generation = *self.desk.generation;
        let slot = self.pending.writes.put(Pended { write, done, generation });
        self.desk.effects.push(Effect::Write { slot, generation });
    }
    /// Starts a new node from a template, wired as its group is. It boots after the template's start-up time.
    pub fn spawn(&mut self, template: u32) {
        self.desk.effects.push(Effect::Spawn { template });
    }
    /// Ends a node for good, out of band, as a cloud's control plane does: it need not listen.
    pub fn terminate(&mut self, node: NodeId) {
        self.desk.effects.push(Effect::Terminate { node });
    }
    /// Observes something for checks and metrics.
    pub fn fact(&mut self, fact: <C::Message as Payload>::Fact) {
        self.desk.effects.push(Effect::Fact(fact));
    }
    /// Writes a line into the log, for people.
    pub fn note(&mut self, line: impl Into<Rc<str>>) {
        self.desk.effects.push(Effect::Note(line.into()));
    }
    /// Adds a value to the metric `name`: a count, or a length of time in microseconds.
    pub fn measure(&mut self, name: &'static str, value: u64) {
        self.desk.effects.push(Effect::Measure { name, value });
    }
}

/// A port of a protocol that is hosted by a component: the protocol's own messages, timers and writes, which the host
/// wraps in its own. So the same Raft runs in the lesson and in the chat's history database.
pub trait Port {
    /// The protocol's messages.
    type Message;
    /// The protocol's timers.
    type Timer;
    /// The protocol's writes to disk.
    type Write;
    /// The host.
    fn id(&self) -> NodeId;
    /// The host's clock.
    fn now(&self) -> Time;
    /// The host's own luck.
    fn rng(&mut self) -> &mut Stream;
    /// Sends.
    fn send(&mut self, to: NodeId, message: Self::Message);
    /// Sets a timer.
    fn set(&mut self, timer: Self::Timer, span: Micros);
    /// Forgets a timer.
    fn cancel(&mut self, timer: &Self::Timer);
    /// Writes to disk; `done` runs out when it is there.
    fn persist(&mut self, write: Self::Write, done: Option<Self::Timer>);
    /// A line for the log.
    fn note(&mut self, line: String);
}

/// A host's context seen as the port of a protocol.
pub struct Lift<'c, 'a, C: Component, M, T, W> {
    /// The host's context.
    pub cx: &'c mut Context<'a, C>,
    /// Wraps a message.
    pub message: fn(M) -> C::Message,
    /// Wraps a timer.
    pub timer: fn(T) -> C::Timer,
    /// Wraps a write.
    pub write: fn(W) -> <C::Disk as Disk>::Write,
}

impl<C: Component, M, T: Clone, W> Port for Lift<'_, '_, C, M, T, W> {
    type Message = M;
    type Timer = T;
    type Write = W;
    fn id(&self) -> NodeId {
        self.cx.id()
    }
    fn now(&self) -> Time {
        self.cx.now()
    }
    fn rng(&mut self) -> &mut Stream {
        self.cx.rng()
    }
    fn send(&mut self, to: NodeId, message: M) {
        self.cx.send(to, (self.message)(message));
    }
    fn set(&mut self, timer: T, span: Micros) {
        self.cx.set((self.timer)(timer), span);
    }
    fn cancel(&mut self, timer: &T) {
        self.cx.cancel(&(self.timer)(timer.clone()));
    }
    fn persist(&mut self, write: W, done: Option<T>) {
        self.cx.persist((self.write)(write), done.map(self.timer));
    }
    fn note(&mut self, line: String) {
        self.cx.note(line);
    }
}

/// A timer as others see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerView {
    /// What it is called.
    pub name: &'static str,
    /// When it was set.
    pub set: Time,
    /// When it runs out.
    pub due: Time,
}

/// A component with its type erased: what the engine holds.
pub(super) trait Actor<P: Payload> {
    fn clone_box(&self) -> Box<dyn Actor<P>>;
    /// Volatile state is forgotten; the disk stays, unless it is lost too. How many writes went that it had confirmed.
    fn crash(&mut self, lose_disk: bool) -> u64;
    /// Whether the disk from now on keeps what it confirms.
    fn sync(&mut self, keeps: bool);
    fn boot(&mut self, desk: Desk<'_, P>);
    fn on_message(&mut self, desk: Desk<'_, P>, from: NodeId, message: P);
    /// Whether the timer was still set, and its name.
    fn on_timer(&mut self, desk: Desk<'_, P>, slot: u32, generation: u32) -> Option<&'static str>;
    fn timer_is_set(&self, slot: u32, generation: u32) -> bool;
    /// Whether the write was still pending.
    fn on_written(&mut self, desk: Desk<'_, P>, slot: u32, generation: u32) -> bool;
    /// A write has failed. Whether it was still pending.
    fn on_unwritten(&mut self, slot: u32, generation: u32) -> bool;
    fn work(&self, message: &P) -> Work;
    fn turn(&mut self, turn: &Turn, message: &P) -> Work;
    fn order(&self, waiting: u32) -> Option<Discipline>;
    fn look(&self) -> Look;
    fn timers(&self) -> Vec<TimerView>;
    fn get(&self, field: &str) -> Option<Value>;
    /// Sets a field of the configuration without telling the component.
    fn set(&mut self, field: &str, value: &Value) -> Result<(), String>;
    fn on_full(&mut self, desk: Desk<'_, P>, from: NodeId, message: &P);
    fn on_shed(&mut self, desk: Desk<'_, P>, from: NodeId, message: &P);
    fn on_dial(&mut self, desk: Desk<'_, P>);
    fn memory_carries(&self, item: Item) -> bool;
    fn disk_carries(&self, item: Item) -> bool;
    fn digest(&self, digest: &mut Digest);
    /// How many bytes it holds, beside what it puts on the scale.
    fn weigh(&self, scale: &mut Scale) -> usize;
}

/// The one adapter between a component and the engine.
struct Hosted<C: Component> {
    config: Rc<C::Config>,
    disk: C::Disk,
    /// Of a disk that forgets: what a crash would leave, and how many writes would go.
    kept: Option<Box<(C::Disk, u64)>>,
    state: Option<C>,
    pending: Pending<C>,
}

/// A component ready to be placed: not booted, with an empty disk.
pub(super) fn host<C: Component>(config: Rc<C::Config>) -> Box<dyn Actor<C::Message>> {
    Box::new(Hosted::<C> { config, disk: C::Disk::default(), kept: None, state: None, pending: Pending::new() })
}

impl<C: Component> Hosted<C> {
    /// Runs a handler of a booted component; one that is down hears nothing.
    fn handle(&mut self, desk: Desk<'_, C::Message>, handler: impl FnOnce(&mut C, &mut Context<C>)) {
        if let Some(state) = &mut self.state {
            handler(state, &mut Context { desk, config: &*self.config, pending: &mut self.pending });
        }
    }
}

impl<C: Component> Actor<C::Message> for Hosted<C> {
    fn clone_box(&self) -> Box<dyn Actor<C::Message>> {
        Box::new(Hosted::<C> {
            config: self.config.clone(),
            disk: self.disk.clone(),
            kept: self.kept.clone(),
            state: self.state.clone(),
            pending: self.pending.clone(),
        })
    }
    fn crash(&mut self, lose_disk: bool) -> u64 {
        self.state = None;
        self.pending = Pending::new();
        let mut gone = 0;
        if let Some(kept) = &mut self.kept {
            self.disk = kept.0.clone();
            gone = std::mem::take(&mut kept.1);
        }
        if lose_disk {
            self.disk = C::Disk::default();
            self.sync(self.kept.is_none());
            gone = 0;
        }
        gone
    }
    fn sync(&mut self, keeps: bool) {
        self.kept = (!keeps).then(|| Box::new((self.disk.clone(), 0)));
    }
    fn boot(&mut self, desk: Desk<'_, C::Message>) {
        let mut cx = Context { desk, config: &*self.config, pending: &mut self.pending };
        self.state = Some(C::boot(&mut cx, &self.disk));
    }
    fn on_message(&mut self, desk: Desk<'_, C::Message>, from: NodeId, message: C::Message) {
        self.handle(desk, |state, cx| state.on_message(cx, from, message));
    }
    fn on_timer(&mut self, desk: Desk<'_, C::Message>, slot: u32, generation: u32) -> Option<&'static str> {
        if !self.timer_is_set(slot, generation) {
            return None;
        }
        let timer = self.pending.timers.filled[slot as usize].take()?.timer;
        let name = C::timer_name(&timer);
        self.handle(desk, |state, cx| state.on_timer(cx, timer));
        Some(name)
    }
    fn timer_is_set(&self, slot: u32, generation: u32) -> bool {
        matches!(self.pending.timers.filled.get(slot as usize), Some(Some(set)) if set.generation == generation)
    }
    fn on_written(&mut self, desk: Desk<'_, C::Message>, slot: u32, generation: u32) -> bool {
        let Some(pended) = self.pending.written(slot, generation) else { return false };
        self.disk.apply(pended.write);
        if let Some(kept) = &mut self.kept {
            kept.1 += 1;
        }
        if let Some(done) = pended.done {
            self.handle(desk, |state, cx| state.on_timer(cx, done));
        }
        true
    }
    fn on_unwritten(&mut self, slot: u32, generation: u32) -> bool {
        self.pending.written(slot, generation).is_some()
    }
    fn work(&self, message: &C::Message) -> Work {
        self.state.as_ref().map_or(Work::None, |state| state.work(message))
    }
    fn turn(&mut self, turn: &Turn, message: &C::Message) -> Work {
        self.state.as_mut().map_or(Work::None, |state| state.turn(&self.config, turn, message))
    }
    fn order(&self, waiting: u32) -> Option<Discipline> {
        self.state.as_ref().and_then(|state| state.order(&self.config, waiting))
    }
    fn look(&self) -> Look {
        self.state.as_ref().map_or_else(Look::default, |state| state.look(&self.config))
    }
    fn timers(&self) -> Vec<TimerView> {
        let view =
            |armed: &Armed<C::Timer>| TimerView { name: C::timer_name(&armed.timer), set: armed.set, due: armed.due };
        self.pending.timers.filled.iter().flatten().map(view).collect()
    }
    fn get(&self, field: &str) -> Option<Value> {
        self.config.get(field)
    }
    fn set(&mut self, field: &str, value: &Value) -> Result<(), String> {
        Rc::make_mut(&mut self.config).set(field, value)
    }
    fn on_full(&mut self, desk: Desk<'_, C::Message>, from: NodeId, message: &C::Message) {
        self.handle(desk, |state, cx| state.on_full(cx, from, message));
    }
    fn on_shed(&mut self, desk: Desk<'_, C::Message>, from: NodeId, message: &C::Message) {
        self.handle(desk, |state, cx| state.on_shed(cx, from, message));
    }
    fn on_dial(&mut self, desk: Desk<'_, C::Message>) {
        self.handle(desk, |state, cx| state.on_dial(cx));
    }
    fn memory_carries(&self, item: Item) -> bool {
        self.state.as_ref().is_some_and(|state| state.carries(item))
    }
    fn disk_carries(&self, item: Item) -> bool {
        self.disk.carries(item)
    }
    fn digest(&self, digest: &mut Digest) {
        Hashed(&*self.config).hash(digest);
        self.disk.hash(digest);
        if let Some(kept) = &self.kept {
            kept.hash(digest);
        }
        self.state.hash(digest);
        self.pending.timers.hash(digest);
        self.pending.writes.hash(digest);
    }
    fn weigh(&self, scale: &mut Scale) -> usize {
        let mut digest = Digest::default();
        self.disk.hash(&mut digest);
        self.state.hash(&mut digest);
        if let Some(kept) = &self.kept {
            kept.hash(&mut digest);
        }
        if let Some(state) = &self.state {
            state.weigh(&self.disk, scale);
        }
        size_of::<Self>() + self.pending.bytes() + digest.words() as usize * WEIGHT_OF_A_WORD
    }
}
