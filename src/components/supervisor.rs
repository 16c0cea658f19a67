//! The supervisor: watches the senders, starts a new one where one has died, has users routed to it, and ends the old
//! one. Beside that it hosts the view service of the databases.
//!
//! It can take a sender that is only slow, paused or cut off for dead: nobody can tell these apart from afar (Fischer,
//! Lynch and Paterson 1985). That is why the old one is ended before anyone could rely on it, and why a sender keeps
//! nothing that matters.

use std::rc::Rc;

use crate::protocols::health::Detector;
use crate::protocols::view_service::{self, Decided, Register, ViewService};
use crate::protocols::{Family, health, routing};
use crate::sim::{Component, Context, Discipline, Disk, Dist, Lift, Look, Machine, Micros, NodeId, Table, Time, Work};

use super::{Fact, Glyph, Message, Placeable};

/// How many senders it watches.
pub const SENDERS: usize = 1024;
/// How many replacements may be starting at once.
pub const STARTING: usize = 8;
/// How long a replacement may take to announce itself before another is started.
const OVERDUE: Micros = Micros::secs(10);
/// How long the old sender goes on after the new one has its routes: what it still has under way may arrive.
const GRACE: Micros = Micros::ms(500);

crate::config! { @opening
    /// What can be set about a supervisor.
    pub struct SupervisorConfig {
        /// How often it asks each sender whether it is there.
        heartbeat: Micros = Micros::ms(250), in 0.02, 10.0, "";
        /// After how many beats without an answer a sender, or a database, counts as dead.
        missed: u32 = 3, in 1, 20, "";
        /// Whether it replaces senders.
        replace: bool = true, in 0, 1, "";
    }
}

/// What a supervisor keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ledger {
    epoch: u64,
    /// The senders that users are routed to, with their templates.
    senders: Rc<Table<NodeId, u32>>,
    register: Register,
}

/// A write to a supervisor's disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// New routes.
    Routes(u64, Rc<Table<NodeId, u32>>),
    /// A view.
    View(Decided),
}

impl Disk for Ledger {
    type Write = Write;
    fn apply(&mut self, write: Write) {
        match write {
            Write::Routes(epoch, senders) => (self.epoch, self.senders) = (epoch, senders),
            Write::View(decided) => self.register.apply(decided),
        }
    }
}

/// What a supervisor waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To ask who is there, and see who has not answered.
    Beat,
    /// New routes are on the disk.
    Routed,
    /// To end a sender that was replaced.
    End(NodeId),
    /// Something of the view service.
    Views(view_service::Timer),
}

#[derive(Clone, Debug, Hash)]
struct Watched {
    detector: Detector,
    template: u32,
    suspected: bool,
    /// A replacement is in its place; it will be ended.
    ending: bool,
}

#[derive(Clone, Debug, Hash)]
struct Starting {
    instead_of: NodeId,
    template: u32,
    since: Time,
}

/// A supervisor.
#[derive(Clone, Debug, Hash)]
pub struct Supervisor {
    epoch: u64,
    watched: Table<NodeId, Watched>,
    starting: Vec<Starting>,
    /// Senders that were heard of and that it did not start, until it is clear whether one of those that it knows has
    /// died: after a crash it no longer knows what it had started.
    strangers: Table<NodeId, u32>,
    routes: Rc<[NodeId]>,
    views: ViewService,
    round: u32,
    booted: Time,
    last_beat: Time,
    replaced: u64,
}

fn patience(cx: &Context<Supervisor>) -> Micros {
    Micros(cx.config().heartbeat.0 * u64::from(cx.config().missed))
}

fn databases(cx: &Context<Supervisor>) -> Vec<NodeId> {
    cx.peers_of("database").take(view_service::SERVERS).collect()
}

fn port<'c, 'a>(
    cx: &'c mut Context<'a, Supervisor>,
) -> Lift<'c, 'a, Supervisor, view_service::Message, view_service::Timer, Decided> {
    Lift { cx, message: Message::Views, timer: Timer::Views, write: Write::View }
}

impl Supervisor {
    /// Writes the routes down; when they are on the disk they are published.
    fn reroute(&mut self, cx: &mut Context<Self>) {
        let serving: Table<NodeId, u32> = self
            .watched
            .iter()
            .filter(|(_, watched)| !watched.ending)
            .map(|(sender, watched)| (*sender, watched.template))
            .collect();
        self.epoch += 1;
        self.routes = serving.keys().copied().collect();
        cx.persist(Write::Routes(self.epoch, Rc::new(serving)), Some(Timer::Routed));
    }

    fn publish(&self, cx: &mut Context<Self>) {
        for gateway in cx.peers_of("gateway") {
            let routes = routing::Message::Routes { epoch: self.epoch, senders: self.routes.clone() };
            cx.send(gateway, routes.into());
        }
    }

    /// A sender has been heard of.
    fn hear(&mut self, cx: &mut Context<Self>, sender: NodeId) {
        let Some(peer) = cx.peers().iter().find(|peer| peer.id == sender && peer.kind == "sender") else { return };
        let now = cx.now();
        if let Some(watched) = self.watched.get_mut(&sender) {
            watched.detector.hear(now);
            if watched.suspected && !watched.ending {
                watched.suspected = false;
                cx.note(format!("{sender} is back"));
            }
            return;
        }
        if self.watched.len() >= SENDERS {
            return;
        }
        let template = peer.template;
        let place = self.starting.iter().position(|starting| starting.template == template);
        if let Some(old) = place.map(|place| self.starting.remove(place).instead_of) {
            if self.watched.get(&old).is_some_and(|watched| watched.suspected && !watched.ending) {
                self.replace(cx, old, sender, template);
            } else {
                cx.note(format!("{old} is back: {sender} is not needed"));
                cx.terminate(sender);
            }
        } else if self.watched.is_empty() {
            self.take_in(cx, sender, template);
        } else {
            self.strangers.insert(sender, template);
        }
    }

    fn take_in(&mut self, cx: &mut Context<Self>, sender: NodeId, template: u32) {
        let detector = Detector::new(cx.now());
        self.watched.insert(sender, Watched { detector, template, suspected: false, ending: false });
        self.reroute(cx);
    }

    fn replace(&mut self, cx: &mut Context<Self>, old: NodeId, new: NodeId, template: u32) {
        if let Some(watched) = self.watched.get_mut(&old) {
            watched.ending = true;
        }
        self.replaced += 1;
        cx.note(format!("{new} takes the place of {old}"));
        cx.set(Timer::End(old), GRACE);
        self.take_in(cx, new, template);
    }

    /// Senders that it did not start take the place of one that has died, or are taken in beside the others.
    fn sort_strangers(&mut self, cx: &mut Context<Self>) {
        let settled_in = cx.now().since(self.booted) > patience(cx);
        for (stranger, template) in std::mem::take(&mut self.strangers) {
            if !cx.peers_of("sender").any(|peer| peer == stranger) {
                continue;
            }
            let dead = self.watched.iter().find(|(old, watched)| {
                watched.suspected
                    && !watched.ending
                    && watched.template == template
                    && !self.starting.iter().any(|starting| starting.instead_of == **old)
            });
            if let Some(old) = dead.map(|(old, _)| *old) {
                self.replace(cx, old, stranger, template);
            } else if settled_in {
                self.take_in(cx, stranger, template);
            } else {
                self.strangers.insert(stranger, template);
            }
        }
    }

    /// Sees who has not answered, and asks everyone again.
    fn beat(&mut self, cx: &mut Context<Self>) {
        let (now, patience) = (cx.now(), patience(cx));
        if now.since(self.last_beat).0 > 2 * cx.config().heartbeat.0 + 1_000 {
            // It was this one that stood still, and everybody's silence says nothing.
            for watched in self.watched.values_mut() {
                watched.detector.hear(now);
            }
            self.views.forgive(now);
        }
        self.last_beat = now;

        // One that was taken away by others is replaced as one that died.
        for (sender, watched) in self.watched.iter_mut() {
            let wired = cx.peers_of("sender").any(|peer| peer == *sender);
            if !watched.suspected && (!wired || watched.detector.suspects(now, patience)) {
                watched.suspected = true;
                cx.fact(Fact::Suspected { node: *sender });
                let missed = cx.config().missed;
                cx.note(if wired {
                    format!("{sender} has missed {missed} beats: it counts as dead")
                } else {
                    format!("{sender} is gone")
                });
            }
        }
        self.sort_strangers(cx);
        self.starting.retain(|starting| now.since(starting.since) < OVERDUE);
        if cx.config().replace {
            for (sender, watched) in self.watched.iter() {
                let begun = self.starting.iter().any(|starting| starting.instead_of == *sender);
                if watched.suspected && !watched.ending && !begun && self.starting.len() < STARTING {
                    let (instead_of, template) = (*sender, watched.template);
                    self.starting.push(Starting { instead_of, template, since: now });
                    cx.fact(Fact::Replacing { node: *sender });
                    cx.note(format!("starts a new sender instead of {sender}"));
                    cx.spawn(template);
                }
            }
        } else {
            // Nobody will come in its place: those that are gone for good are forgotten.
            let before = self.watched.len();
            let wired = |sender: &NodeId| cx.peers_of("sender").any(|peer| peer == *sender);
            self.watched.retain(|sender, _| wired(sender));
            if self.watched.len() != before {
                self.reroute(cx);
            }
        }

        self.round = self.round.wrapping_add(1);
        for sender in cx.peers_of("sender") {
            cx.send(sender, health::Message::Ping { round: self.round }.into());
        }
        let wired = databases(cx);
        self.views.tick(&mut port(cx), patience, &wired);
        cx.set(Timer::Beat, cx.config().heartbeat);
    }
}

impl Component for Supervisor {
    type Message = Message;
    type Config = SupervisorConfig;
    type Disk = Ledger;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &Ledger) -> Self {
        let now = cx.now();
        let watch = |(sender, template): (&NodeId, &u32)| {
            let watched =
                Watched { detector: Detector::new(now), template: *template, suspected: false, ending: false };
            (*sender, watched)
        };
        let mut supervisor = Supervisor {
            epoch: disk.epoch,
            watched: disk.senders.iter().map(watch).collect(),
            starting: Vec::new(),
            strangers: Table::new(),
            booted: now,
            routes: disk.senders.keys().copied().collect(),
            views: ViewService::boot(&disk.register, now),
            round: 0,
            last_beat: now,
            replaced: 0,
        };
        supervisor.beat(cx);
        supervisor
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Health(health::Message::Pong { .. }) | Message::Routing(routing::Message::Ready) => {
                self.hear(cx, from);
            }
            Message::Routing(routing::Message::Ask { epoch }) => {
                if epoch > self.epoch {
                    // Its disk was lost: it goes on from where the others are.
                    self.epoch = epoch;
                    self.reroute(cx);
                } else if !self.routes.is_empty() {
                    let routes = routing::Message::Routes { epoch: self.epoch, senders: self.routes.clone() };
                    cx.send(from, routes.into());
                }
            }
            Message::Views(view_service::Message::Ping(report)) => {
                let (patience, wired) = (patience(cx), databases(cx));
                self.views.on_ping(&mut port(cx), from, report, patience, &wired);
            }
            Message::Health(health::Message::Ping { round }) => cx.send(from, health::Message::Pong { round }.into()),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Beat => self.beat(cx),
            Timer::Routed => self.publish(cx),
            Timer::End(old) => {
                self.watched.remove(&old);
                cx.terminate(old);
            }
            Timer::Views(timer) => {
                let (patience, wired) = (patience(cx), databases(cx));
                self.views.on_timer(&mut port(cx), timer, patience, &wired);
            }
        }
    }

    fn look(&self, _: &SupervisorConfig) -> Look {
        let suspected = self.watched.iter().filter(|(_, watched)| watched.suspected);
        let suspected: Vec<String> = suspected.map(|(sender, _)| sender.to_string()).collect();
        let mut lines = vec![
            ("watches", format!("{} senders", self.watched.len())),
            ("suspects", if suspected.is_empty() { "nobody".to_owned() } else { suspected.join(" ") }),
            ("starting", self.starting.len().to_string()),
            ("replaced", self.replaced.to_string()),
            ("epoch of the routes", self.epoch.to_string()),
        ];
        if let Some(view) = self.views.view() {
            let acked = if self.views.acked() { "" } else { ", not acknowledged" };
            lines.push(("view", format!("{}{acked}", view.number)));
            lines.push(("primary", view.primary.to_string()));
            lines.push(("backup", view.backup.map_or("none".to_owned(), |backup| backup.to_string())));
        }
        let role = if suspected.is_empty() { "watches" } else { "replaces" };
        Look { role: role.into(), star: false, ready: true, lines, log: Vec::new() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Beat => "heartbeat",
            Timer::Routed => "routes written",
            Timer::End(_) => "end the old one",
            Timer::Views(_) => "view written",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Supervisor {
    const KIND: &'static str = "supervisor";
    const TITLE: &'static str = "Supervisor";
    const ABOUT: &'static str =
        "Watches the senders, starts a new one where one has died, routes users to it, and ends the old one.";
    const GLYPH: Glyph = Glyph::Supervisor;
    const FAMILY: Family = Family::Control;
    const TALKS_TO: &'static [&'static str] = &["sender", "gateway", "database"];
    fn machine() -> Machine {
        Machine {
            cores: 1,
            service: Dist::default(),
            inbox: 256,
            disk: Dist::Lognormal { median: Micros::ms(2), p99: Micros::ms(8) },
            startup: Micros::ms(500),
            discipline: Discipline::Fifo,
        }
    }
}
