//! The deployer: puts the next version of a program in the place of the one before, by one of four strategies, looks at
//! what becomes of the requests that meet it, and takes it back by itself when too many of them fail.
//!
//! A version is a group of servers; the next one is the group after it. The dispatcher is told who is to get nothing, as an
//! autoscaler tells it, and nobody is ended before it has answered what it has. The strategies are those of Humble and
//! Farley («Continuous Delivery», 2010) and of every orchestrator since.
//!
//! It keeps nothing on a disk. If it crashes in the middle of a rollout and finds servers of both versions afterwards, it
//! does not know what it had seen of the next one, and takes it back.

use std::rc::Rc;

use crate::protocols::Family;
use crate::protocols::operations::Told;
use crate::protocols::scaling::Message as Scaling;
use crate::protocols::telemetry::{Figures, Message as Telemetry};
use crate::sim::{Component, Context, Look, Micros, NodeId, Table, Time, Work};

use super::{Fact, Glyph, Message, Placeable};

crate::choice! {
    /// In which order versions take one another's place.
    pub enum Strategy {
        /// All servers of the next one are started; when they are ready they get everything, and the old ones end.
        AllAtOnce = "all-at-once",
        /// One server after another, with a look at how the next version does in between.
        Rolling = "rolling",
        /// First a single one beside all the old ones; if it does well, all the others.
        Canary = "canary",
        /// As all at once, but the old ones stay until the next version has done well, so that the way back is short.
        BlueGreen = "blue-green",
    }
}

crate::choice! {
    /// Which version is wanted.
    pub enum Wants {
        /// The one that is there at the beginning.
        Old = "old",
        /// The one after it.
        Next = "next",
    }
}

crate::config! {
    /// What can be set about a deployer.
    pub struct DeployerConfig {
        /// Which version is wanted; to want the old one again takes the next one back.
        wants: Wants = Wants::Old, in 0, 0, "";
        /// In which order servers of the next version take the place of old ones.
        strategy: Strategy = Strategy::Canary, in 0, 0, "";
        /// Whether it takes the next version back by itself when too many of its requests fail; not to is a mistake.
        rollback: bool = true, in 0, 0, "";
        /// Which share of the next version's requests may fail.
        limit: f64 = 0.1, in 0.0, 1.0, "";
        /// How many requests the next version must have had before it is judged.
        enough: u32 = 20, in 1, 1000000, "";
        /// For how long it looks at the next version before it goes on, at least.
        watch: Micros = Micros::secs(5), in 0, 86400, "";
        /// How often it looks.
        every: Micros = Micros::ms(500), in 0.01, 3600, "";
    }
}

/// What a deployer waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To look again.
    Look,
}

/// Where a rollout stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Phase {
    /// Nothing is being done.
    #[default]
    Rests,
    /// Servers of the next version start.
    Comes,
    /// They serve, since then.
    Serves(Time),
    /// Servers of the old version come back.
    Returns,
}

/// A deployer.
#[derive(Clone, Debug, Default, Hash)]
pub struct Deployer {
    phase: Phase,
    /// The group of the old version, once one of its servers was seen, and how many there are to be.
    old: Option<u32>,
    size: usize,
    wants: bool,
    /// How many of the next version there are to be in this step.
    step: usize,
    /// Who has answered since it started.
    up: Table<NodeId, Figures>,
    /// Servers that are to get nothing, and of those the ones that are to end.
    resting: Vec<NodeId>,
    ending: Vec<NodeId>,
    /// What ended servers of the next version had done.
    past: Figures,
    /// What the next version had done when this rollout began.
    before: Figures,
}

impl Deployer {
    /// The servers of a version that are not on their way out, ascending.
    fn of(&self, cx: &Context<Self>, template: u32) -> Vec<NodeId> {
        let servers = cx.peers().iter().filter(|peer| peer.template == template).map(|peer| peer.id);
        servers.filter(|id| !self.ending.contains(id)).collect()
    }

    fn olds(&self, cx: &Context<Self>) -> Vec<NodeId> {
        self.old.map_or_else(Vec::new, |old| self.of(cx, old))
    }

    fn nexts(&self, cx: &Context<Self>) -> Vec<NodeId> {
        self.old.map_or_else(Vec::new, |old| self.of(cx, old + 1))
    }

    /// What an ended server of the next version had done is not forgotten with it.
    fn past_of(&mut self, cx: &Context<Self>, server: NodeId) {
        let next = self.old.map(|old| old + 1);
        let is_next = cx.peers().iter().any(|peer| peer.id == server && Some(peer.template) == next);
        if let Some(figures) = self.up.remove(&server).filter(|_| is_next) {
            self.past.served += figures.served;
            self.past.failed += figures.failed;
        }
    }

    /// What the next version has done in this rollout.
    fn done(&self, cx: &Context<Self>) -> Figures {
        let mut all = self.past.clone();
        let next = self.old.map(|old| old + 1);
        for peer in cx.peers().iter().filter(|peer| Some(peer.template) == next) {
            if let Some(figures) = self.up.get(&peer.id) {
                all.served += figures.served;
                all.failed += figures.failed;
            }
        }
        all.since(&self.before)
    }

    /// These get nothing any more, and end when they have answered what they have.
    fn retire(&mut self, servers: &[NodeId]) {
        self.rest(servers);
        self.ending.extend(servers);
    }

    /// These get nothing any more.
    fn rest(&mut self, servers: &[NodeId]) {
        let new: Vec<NodeId> = servers.iter().copied().filter(|server| !self.resting.contains(server)).collect();
        self.resting.extend(new);
    }

    fn spawn(cx: &mut Context<Self>, template: u32, count: usize) {
        for _ in 0..count {
            cx.spawn(template);
        }
    }

    /// Starts as many of the next version as this step takes.
    fn step(&mut self, cx: &mut Context<Self>, step: usize) {
        let Some(next) = self.old.map(|old| old + 1) else { return };
        let missing = step.saturating_sub(self.nexts(cx).len());
        cx.note(format!("starts {missing} of the next version"));
        (self.phase, self.step) = (Phase::Comes, step);
        Deployer::spawn(cx, next, missing);
    }

    fn begin(&mut self, cx: &mut Context<Self>) {
        self.size = self.olds(cx).len();
        if self.size == 0 {
            return cx.note("there is no old version to take the place of");
        }
        self.before = Figures::default();
        self.before = self.done(cx);
        let step = match cx.config().strategy {
            Strategy::AllAtOnce | Strategy::BlueGreen => self.size,
            Strategy::Rolling | Strategy::Canary => 1,
        };
        cx.measure("rollouts", 1);
        self.step(cx, step);
    }

    /// Goes on where a step is done.
    fn go_on(&mut self, cx: &mut Context<Self>) {
        let (olds, nexts, strategy) = (self.olds(cx), self.nexts(cx), cx.config().strategy);
        let all_up = |servers: &[NodeId]| servers.iter().all(|server| self.up.contains_key(server));
        match self.phase {
            Phase::Rests => {}
            Phase::Comes if nexts.len() < self.step || !all_up(&nexts) => {
                if strategy == Strategy::BlueGreen {
                    self.rest(&nexts);
                }
            }
            Phase::Comes => {
                self.resting.retain(|server| !nexts.contains(server));
                let leave = match strategy {
                    Strategy::Canary if nexts.len() < self.size => 0,
                    Strategy::Rolling => olds.len().min(1),
                    _ => olds.len(),
                };
                let leave = &olds[..leave];
                cx.note(format!("{} of the next version serve, {} old ones leave", nexts.len(), leave.len()));
                match strategy {
                    Strategy::BlueGreen => self.rest(leave),
                    _ => self.retire(leave),
                }
                self.phase = Phase::Serves(cx.now());
            }
            Phase::Serves(since) if cx.now().since(since) < cx.config().watch => {}
            Phase::Serves(_) if self.done(cx).all() < u64::from(cx.config().enough) => {}
            Phase::Serves(_) if nexts.len() < self.size => {
                let step = if strategy == Strategy::Rolling { nexts.len() + 1 } else { self.size };
                self.step(cx, step);
            }
            Phase::Serves(_) => {
                self.retire(&olds);
                self.phase = Phase::Rests;
                cx.fact(Fact::Operations(Told::RolledOut));
            }
            Phase::Returns if olds.len() < self.size || !all_up(&olds) => {}
            Phase::Returns => {
                self.retire(&nexts);
                self.phase = Phase::Rests;
                cx.note(format!("{} of the old version serve", olds.len()));
            }
        }
    }

    /// Whether so many of the next version's requests fail that it must go.
    fn is_bad(&self, cx: &Context<Self>) -> bool {
        let (config, done) = (cx.config(), self.done(cx));
        let many = done.failed as f64 > config.limit * done.all() as f64;
        config.rollback && done.all() >= u64::from(config.enough) && many
    }

    /// Takes the next version back: it gets nothing from now on, unless there are too few others yet.
    fn take_back(&mut self, cx: &mut Context<Self>) {
        let Some(old) = self.old else { return };
        let done = self.done(cx);
        cx.fact(Fact::Operations(Told::TakenBack { failed: done.failed, all: done.all() }));
        // Old ones that are still there serve again, those on their way out as well.
        let there: Vec<NodeId> = cx.peers().iter().filter(|peer| peer.template == old).map(|peer| peer.id).collect();
        self.ending.retain(|server| !there.contains(server));
        self.resting.retain(|server| !there.contains(server));
        // Half of them can bear it for a while; fewer could not.
        if 2 * there.len() >= self.size {
            let nexts = self.nexts(cx);
            self.retire(&nexts);
        }
        self.phase = Phase::Returns;
        Deployer::spawn(cx, old, self.size.saturating_sub(there.len()));
    }

    /// Asks the dispatcher who is idle, and every server what it has done.
    fn ask(&mut self, cx: &mut Context<Self>) {
        if let Some(dispatcher) = cx.peers_of(super::dispatcher::Dispatcher::KIND).next() {
            cx.send(dispatcher, Scaling::Ask { draining: Rc::from(&*self.resting) }.into());
        }
        // Nothing may be on its way to one that is ended.
        for server in self.up.keys().filter(|server| !self.ending.contains(server)) {
            cx.send(*server, Telemetry::Scrape.into());
        }
    }

    fn look_around(&mut self, cx: &mut Context<Self>) {
        let servers = cx.peers().iter().filter(|peer| peer.kind == super::server::Server::KIND);
        self.old = self.old.or(servers.map(|peer| peer.template).min());
        let wired = |id: &NodeId| cx.peers().iter().any(|peer| peer.id == *id);
        self.resting.retain(wired);
        self.ending.retain(wired);
        self.up.retain(|id, _| wired(id));
    }

    fn beat(&mut self, cx: &mut Context<Self>) {
        self.look_around(cx);
        let wants = cx.config().wants == Wants::Next;
        if wants != self.wants {
            self.wants = wants;
            match (wants, self.phase) {
                (true, Phase::Rests) => self.begin(cx),
                (false, phase) if phase != Phase::Returns && !self.nexts(cx).is_empty() => self.take_back(cx),
                _ => {}
            }
        }
        self.go_on(cx);
        self.ask(cx);
        cx.set(Timer::Look, cx.config().every);
    }
}

impl Component for Deployer {
    type Message = Message;
    type Config = DeployerConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        let mut deployer = Deployer::default();
        deployer.look_around(cx);
        let (olds, nexts) = (deployer.olds(cx).len(), deployer.nexts(cx).len());
        deployer.wants = nexts > 0;
        if olds > 0 && nexts > 0 {
            deployer.size = olds.max(nexts);
            deployer.take_back(cx);
        }
        for server in cx.peers_of(super::server::Server::KIND) {
            cx.send(server, Scaling::Hello.into());
        }
        deployer.beat(cx);
        deployer
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Scaling(Scaling::Load { idle, .. }) => {
                for server in idle.iter().copied() {
                    if let Some(place) = self.ending.iter().position(|ending| *ending == server) {
                        self.ending.remove(place);
                        cx.fact(Fact::Operations(Told::Ended { node: server, left: Some(0) }));
                        cx.terminate(server);
                        self.past_of(cx, server);
                    }
                }
            }
            Message::Telemetry(Telemetry::Figures { figures, .. }) => {
                let Some(known) = self.up.get_mut(&from) else { return };
                *known = figures;
                let judges = matches!(self.phase, Phase::Comes | Phase::Serves(_));
                if judges && self.is_bad(cx) {
                    self.take_back(cx);
                    self.ask(cx);
                }
            }
            Message::Scaling(Scaling::Ready) => {
                self.up.or_default(from);
            }
            // How much a server takes is for those who ask it.
            Message::Scaling(_) | Message::Request(_) => {}
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, Timer::Look: Timer) {
        self.beat(cx);
    }

    fn look(&self, config: &DeployerConfig) -> Look {
        let strategy = crate::sim::FieldType::to_value(&config.strategy).to_string();
        let role = match self.phase {
            Phase::Rests => "rests",
            Phase::Comes => "starts servers",
            Phase::Serves(_) => &strategy,
            Phase::Returns => "takes back",
        };
        let lines = vec![
            ("of the next version there are to be", self.step.to_string()),
            ("get nothing", self.resting.len().to_string()),
            ("are to end", self.ending.len().to_string()),
        ];
        Look { role: role.into(), ready: true, lines, ..Look::default() }
    }

    fn timer_name(Timer::Look: &Timer) -> &'static str {
        "look again"
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Deployer {
    const KIND: &'static str = "deployer";
    const TITLE: &'static str = "Deployer";
    const ABOUT: &'static str = crate::later_text!(
        "Puts the next version in the place of the one before, and takes it back when too much of it fails."
    );
    const GLYPH: Glyph = Glyph::Supervisor;
    const FAMILY: Family = Family::Control;
    const TALKS_TO: &'static [&'static str] = &["dispatcher", "server"];
}
