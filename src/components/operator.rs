//! The operator of a chat's senders: sees from where users stand whether a sender does its work, by messages of its own
//! that have to be accepted; puts a new one in the place of one that does not, has users routed to it, and ends the old
//! one when that has nothing left to do. Then it reads the log, and if the log shows a cause, it has the next version of
//! the sender built and puts that in the place of every sender, one after another.
//!
//! A newcomer takes over when its first probe is accepted, and not before: so a fault that lies behind the senders moves
//! nobody. A probe that is not answered says nothing about why; the log does, as far as its lines have come here.

use std::rc::Rc;

use crate::protocols::chat::{Post, Text, item};
use crate::protocols::operations::{self, LINES, Line, Told, lost_connections};
use crate::protocols::{Family, delivery, health, routing};
use crate::sim::{Component, Context, Disk, Dist, Item, Look, Machine, Micros, NodeId, Table, Time, Work};

use super::{Fact, Glyph, Message, Placeable};

/// How many senders it looks after.
const SENDERS: usize = 256;
/// The conversation that its own messages go to; nobody reads it.
const PROBES: u32 = 9_999;
/// What they say.
static PROBE: &str = "is anybody there?";
/// How long a new sender may take until its first probe is accepted before another is started.
const OVERDUE: Micros = Micros::secs(10);
/// After how many probes at most their number is written down; a number must not be given twice.
const SAVED: u64 = 64;
/// How long an old sender goes on at least: what was sent to it before the new routes may still arrive.
const GRACE: Micros = Micros::ms(500);

crate::choice! {
    /// What a sender is judged by.
    pub enum Watch {
        /// Its answers to a health check.
        Health = "health-check",
        /// Messages that have to be accepted.
        Probes = "probes",
    }
}

crate::config! {
    /// What can be set about an operator.
    pub struct OperatorConfig {
        /// What it judges senders by; health checks alone are a mistake.
        watch: Watch = Watch::Probes, in 0, 0, "";
        /// How often it asks each sender, and how long it waits for an answer.
        every: Micros = Micros::secs(1), in 0.1, 60.0, "";
        /// After how many probes in a row that were not accepted a sender is replaced.
        missed: u32 = 3, in 1, 20, "";
        /// Whether a sender that is to go first finishes what it has; not to is a mistake.
        drain: bool = true, in 0, 0, "";
        /// For how long it is waited for that.
        patience: Micros = Micros::secs(3), in 0.1, 600.0, "";
        /// Whether it reads the log of one that went bad and rolls out what mends the cause: its next version, which is the
        /// group after the senders'. Not to is a mistake.
        fix: bool = false, in 0, 0, "";
        /// How long it takes until the next version is built, once the cause is known.
        build: Micros = Micros::secs(4), in 0.1, 86400.0, "";
    }
}

/// What an operator keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ledger {
    epoch: u64,
    /// The senders that users are routed to, with their templates.
    senders: Rc<Table<NodeId, u32>>,
    /// How many probes were ever sent, at least.
    probes: u64,
    /// The next version, once it is built.
    next: Option<u32>,
}

impl Disk for Ledger {
    type Write = Ledger;
    fn apply(&mut self, write: Ledger) {
        *self = write;
    }
}

/// What an operator waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To ask everyone.
    Beat,
    /// New routes are on the disk.
    Routed,
    /// To ask a sender that is to go what it has left.
    Drain(NodeId),
    /// The next version is built.
    Built(u32),
}

/// What a sender is there for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    /// It serves.
    Serves,
    /// It is to take another's place when its first probe is accepted.
    Comes { instead_of: NodeId, since: Time },
    /// Another has its place.
    Goes { since: Time, was_bad: bool, left: Option<u32> },
}

#[derive(Clone, Debug, Hash)]
struct Watched {
    template: u32,
    part: Part,
    /// Questions in a row that came to nothing.
    failed: u32,
    /// The probe that is under way, and since when.
    probe: Option<(Item, Time)>,
    /// When it last answered a health check.
    heard: Time,
    log: Vec<Line>,
}

impl Watched {
    fn new(template: u32, part: Part, now: Time) -> Watched {
        Watched { template, part, failed: 0, probe: None, heard: now, log: Vec::new() }
    }
}

/// An operator.
#[derive(Clone, Debug, Hash)]
pub struct Operator {
    kept: Ledger,
    watched: Table<NodeId, Watched>,
    /// In whose place a new sender was started that has not been seen yet, and from which template.
    awaited: Vec<(NodeId, u32)>,
    round: u32,
    /// How many probes are on the disk.
    saved: u64,
    replaced: u64,
    /// The next version is being built.
    building: bool,
    /// It is being put in the place of the one before.
    rolling: bool,
}

fn is_wired(cx: &Context<Operator>, id: NodeId) -> bool {
    cx.peers().iter().any(|peer| peer.id == id)
}

impl Operator {
    fn serving(&self) -> impl Iterator<Item = (NodeId, &Watched)> {
        self.watched.iter().filter(|(_, watched)| watched.part == Part::Serves).map(|(id, watched)| (*id, watched))
    }

    /// Whether somebody is to come for this one already.
    fn is_replaced(&self, old: NodeId) -> bool {
        let comes = |watched: &Watched| matches!(watched.part, Part::Comes { instead_of, .. } if instead_of == old);
        self.watched.values().any(comes) || self.awaited.iter().any(|(instead_of, _)| *instead_of == old)
    }

    /// Writes the routes down; when they are on the disk they are published.
    fn reroute(&mut self, cx: &mut Context<Self>) {
        let senders: Table<NodeId, u32> = self.serving().map(|(id, watched)| (id, watched.template)).collect();
        self.kept.senders = Rc::new(senders);
        self.kept.epoch += 1;
        cx.persist(self.kept.clone(), Some(Timer::Routed));
    }

    fn publish(&self, cx: &mut Context<Self>) {
        let senders: Rc<[NodeId]> = self.kept.senders.keys().copied().collect();
        for gateway in cx.peers_of("gateway") {
            let routes = routing::Message::Routes { epoch: self.kept.epoch, senders: senders.clone() };
            cx.send(gateway, routes.into());
        }
    }

    /// Sees who has come. Whoever it has not started serves with the others.
    fn look_around(&mut self, cx: &mut Context<Self>) {
        let now = cx.now();
        let mut strangers = false;
        for peer in cx.peers().iter().filter(|peer| peer.kind == "sender") {
            if self.watched.len() >= SENDERS || self.watched.contains_key(&peer.id) {
                continue;
            }
            let place = self.awaited.iter().position(|(_, template)| *template == peer.template);
            let part = match place.map(|place| self.awaited.remove(place)) {
                Some((instead_of, _)) => Part::Comes { instead_of, since: now },
                None => Part::Serves,
            };
            strangers |= part == Part::Serves;
            self.watched.insert(peer.id, Watched::new(peer.template, part, now));
        }
        if strangers {
            self.reroute(cx);
        }
    }

    /// Asks every sender, and judges by what has become of the question before.
    fn beat(&mut self, cx: &mut Context<Self>) {
        self.look_around(cx);
        let (now, config) = (cx.now(), cx.config());
        self.round = self.round.wrapping_add(1);
        let (round, client) = (self.round, cx.id());
        for (id, watched) in self.watched.iter_mut() {
            let silent = match config.watch {
                Watch::Probes => watched.probe.take().is_some(),
                Watch::Health => now.since(watched.heard).0 > config.every.0 + config.every.0 / 2,
            };
            let wired = is_wired(cx, *id);
            watched.failed = if silent || !wired { watched.failed.saturating_add(1) } else { 0 };
            if !wired {
                continue;
            }
            cx.send(*id, health::Message::Ping { round }.into());
            if config.watch == Watch::Probes && !matches!(watched.part, Part::Goes { .. }) {
                self.kept.probes += 1;
                let count = self.kept.probes;
                let post = Post { item: item(client, count), text: Text::Written(&PROBE), written: now };
                watched.probe = Some((post.item, now));
                let send = delivery::Message::Send { client, conversation: PROBES, post, floor: count };
                cx.send(*id, send.into());
            }
        }
        if self.kept.probes >= self.saved + SAVED / 2 {
            self.saved = self.kept.probes;
            cx.persist(self.kept.clone(), None);
        }
        self.clear_away(cx);
        self.judge(cx);
        self.roll(cx);
        self.publish(cx);
        cx.set(Timer::Beat, config.every);
    }

    /// Forgets who is gone, and ends newcomers that do not get ready.
    fn clear_away(&mut self, cx: &mut Context<Self>) {
        let now = cx.now();
        self.watched.retain(|id, watched| match watched.part {
            Part::Serves => true,
            Part::Comes { since, .. } if now.since(since) > OVERDUE => {
                cx.note(format!("{id} does not get ready: ends it"));
                cx.terminate(*id);
                false
            }
            _ => is_wired(cx, *id),
        });
    }

    /// Has whoever failed too often replaced. Where all fail, the fault may lie behind them: then one is started beside them,
    /// and only if that one does better was it theirs.
    fn judge(&mut self, cx: &mut Context<Self>) {
        let missed = cx.config().missed;
        let bad = |(_, watched): &(NodeId, &Watched)| watched.failed >= missed;
        let bad: Vec<(NodeId, u32, u32)> =
            self.serving().filter(bad).map(|(id, watched)| (id, watched.template, watched.failed)).collect();
        let well = self.serving().any(|(_, watched)| watched.failed == 0);
        for (id, template, failed) in bad {
            if failed == missed {
                cx.fact(Fact::Suspected { node: id });
                cx.note(match cx.config().watch {
                    Watch::Probes => format!("{id} has not accepted {missed} probes in a row: it is bad"),
                    Watch::Health => format!("{id} has not answered {missed} health checks: it is dead"),
                });
            }
            let comes = |watched: &Watched| matches!(watched.part, Part::Comes { .. });
            let tries = !self.awaited.is_empty() || self.watched.values().any(comes);
            if (well || !tries) && !self.is_replaced(id) {
                cx.fact(Fact::Replacing { node: id });
                self.start(cx, id, self.kept.next.unwrap_or(template));
            }
        }
    }

    /// Starts a sender that is to take the place of another.
    fn start(&mut self, cx: &mut Context<Self>, instead_of: NodeId, template: u32) {
        self.awaited.push((instead_of, template));
        cx.spawn(template);
    }

    /// Puts the next version in the place of the one before, one sender after another.
    fn roll(&mut self, cx: &mut Context<Self>) {
        let Some(next) = self.kept.next.filter(|_| self.rolling) else { return };
        let busy = self.watched.values().any(|watched| watched.part != Part::Serves);
        if busy || !self.awaited.is_empty() {
            return;
        }
        let old = self.serving().find(|(_, watched)| watched.template != next).map(|(id, _)| id);
        match old {
            Some(old) => {
                cx.note(format!("starts the next version instead of {old}"));
                self.start(cx, old, next);
            }
            None => {
                self.rolling = false;
                cx.fact(Fact::Operations(Told::RolledOut));
            }
        }
    }

    /// A probe was accepted.
    fn accepted(&mut self, cx: &mut Context<Self>, from: NodeId, item: Item) {
        let Some(watched) = self.watched.get_mut(&from) else { return };
        let Some((_, since)) = watched.probe.filter(|(probe, _)| *probe == item) else { return };
        (watched.probe, watched.failed) = (None, 0);
        cx.measure("probe", cx.now().since(since).0);
        if let Part::Comes { instead_of, .. } = watched.part {
            watched.part = Part::Serves;
            self.take_over(cx, instead_of, from);
        }
    }

    fn take_over(&mut self, cx: &mut Context<Self>, old: NodeId, new: NodeId) {
        self.replaced += 1;
        cx.note(format!("{new} takes the place of {old}"));
        let (now, missed) = (cx.now(), cx.config().missed);
        if let Some(watched) = self.watched.get_mut(&old) {
            watched.part = Part::Goes { since: now, was_bad: watched.failed >= missed, left: None };
        }
        self.reroute(cx);
        match cx.config().drain {
            true => cx.set(Timer::Drain(old), GRACE),
            false => self.end(cx, old),
        }
    }

    /// Asks one that is to go what it has left, for so long as is waited for that.
    fn drain(&mut self, cx: &mut Context<Self>, old: NodeId) {
        let Some(Part::Goes { since, .. }) = self.watched.get(&old).map(|watched| &watched.part) else { return };
        if cx.now().since(*since) > cx.config().patience {
            return self.end(cx, old);
        }
        cx.send(old, operations::Message::Drain.into());
        cx.set(Timer::Drain(old), GRACE);
    }

    fn end(&mut self, cx: &mut Context<Self>, old: NodeId) {
        let Some(watched) = self.watched.remove(&old) else { return };
        let Part::Goes { was_bad, left, .. } = watched.part else { return };
        cx.cancel(&Timer::Drain(old));
        cx.fact(Fact::Operations(Told::Ended { node: old, left }));
        cx.terminate(old);
        if was_bad && cx.config().fix && !self.building && self.kept.next.is_none() {
            self.read(cx, old, watched.template, &watched.log);
        }
    }

    /// Reads the log of one that went bad.
    fn read(&mut self, cx: &mut Context<Self>, node: NodeId, template: u32, log: &[Line]) {
        match lost_connections(log) {
            Some(gone) => {
                cx.fact(Fact::Operations(Told::Diagnosed { node, gone }));
                self.building = true;
                cx.set(Timer::Built(template + 1), cx.config().build);
            }
            None => cx.note(format!("nothing in the log of {node} says why: {} lines", log.len())),
        }
    }
}

impl Component for Operator {
    type Message = Message;
    type Config = OperatorConfig;
    type Disk = Ledger;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &Ledger) -> Self {
        let now = cx.now();
        let serves = |(id, template): (&NodeId, &u32)| (*id, Watched::new(*template, Part::Serves, now));
        let mut operator = Operator {
            kept: Ledger { probes: disk.probes + SAVED, ..disk.clone() },
            watched: disk.senders.iter().map(serves).collect(),
            awaited: Vec::new(),
            round: 0,
            saved: disk.probes,
            replaced: 0,
            building: false,
            rolling: disk.next.is_some(),
        };
        operator.beat(cx);
        operator
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        self.look_around(cx);
        match message {
            Message::Health(health::Message::Pong { .. }) => {
                if let Some(watched) = self.watched.get_mut(&from) {
                    watched.heard = cx.now();
                }
            }
            Message::Delivery(delivery::Message::Accepted { item, .. }) => self.accepted(cx, from, item),
            // A probe for which there is no room was not accepted.
            Message::Delivery(delivery::Message::Refused { .. }) => {}
            Message::Operations(operations::Message::Log { line }) => {
                if let Some(watched) = self.watched.get_mut(&from) {
                    if watched.log.len() >= LINES {
                        watched.log.remove(0);
                    }
                    watched.log.push(line);
                }
            }
            Message::Operations(operations::Message::Left { messages }) => {
                let Some(watched) = self.watched.get_mut(&from) else { return };
                if let Part::Goes { left, .. } = &mut watched.part {
                    *left = Some(messages);
                    if messages == 0 {
                        self.end(cx, from);
                    }
                }
            }
            Message::Health(health::Message::Ping { round }) => cx.send(from, health::Message::Pong { round }.into()),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Beat => self.beat(cx),
            Timer::Routed => self.publish(cx),
            Timer::Drain(old) => self.drain(cx, old),
            Timer::Built(next) => {
                cx.note("the next version is built: a connection is given back after a time-out, too");
                (self.building, self.rolling, self.kept.next) = (false, true, Some(next));
                cx.persist(self.kept.clone(), None);
                self.roll(cx);
            }
        }
    }

    fn look(&self, config: &OperatorConfig) -> Look {
        let bad = self.serving().filter(|(_, watched)| watched.failed >= config.missed);
        let bad: Vec<String> = bad.map(|(id, _)| id.to_string()).collect();
        let role = match (bad.is_empty(), self.building, self.rolling) {
            (_, _, true) => "rolls out",
            (_, true, _) => "builds",
            (false, ..) => "replaces",
            _ => "watches",
        };
        let lines = vec![
            ("users are routed to", self.serving().count().to_string()),
            ("bad", if bad.is_empty() { "nobody".to_owned() } else { bad.join(" ") }),
            ("replaced", self.replaced.to_string()),
            ("probes", self.kept.probes.to_string()),
            ("lines of logs", self.watched.values().map(|watched| watched.log.len()).sum::<usize>().to_string()),
            ("epoch of the routes", self.kept.epoch.to_string()),
        ];
        Look { role: role.into(), ready: true, lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Beat => "probe",
            Timer::Routed => "routes written",
            Timer::Drain(_) => "is it done?",
            Timer::Built(_) => "built",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Operator {
    const KIND: &'static str = "operator";
    const TITLE: &'static str = "Operator";
    const ABOUT: &'static str = crate::later_text!(
        "Probes senders as users would, replaces one that fails, reads its log and rolls out what mends the cause."
    );
    const GLYPH: Glyph = Glyph::Supervisor;
    const FAMILY: Family = Family::Control;
    const TALKS_TO: &'static [&'static str] = &["sender", "gateway"];
    fn machine() -> Machine {
        let disk = Dist::Lognormal { median: Micros::ms(2), p99: Micros::ms(8) };
        Machine { inbox: 256, disk, startup: Micros::ms(500), ..Machine::default() }
    }
}
