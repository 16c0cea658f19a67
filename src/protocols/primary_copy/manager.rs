//! Who is primary: one manager decides views, and appoints only who has everything that was acknowledged.
//!
//! Before it decides it has the servers sealed, so that what it was told of them stays true; and it waits until the old
//! primary has been sealed, has died, or its lease is over. A view counts as active when its primary has said that
//! enough backups have everything; before that its primary answers nobody, so nothing is lost by passing it over.
//!
//! A manager that has lost its disk hears everyone that is wired before it decides, numbers its views above all that
//! anyone has heard of, and waits for any lease that it may have granted.

use std::rc::Rc;

use crate::protocols::health::Detector;
use crate::sim::{Disk, Micros, NodeId, Port, Table, Time};

use super::{Message, Report, View};

/// How many servers a manager knows.
pub const SERVERS: usize = 64;
/// How long a view stays at least before a newcomer is taken in.
const SETTLED: Micros = Micros::secs(1);

crate::choice! {
    /// How many backups have a write before it is answered.
    pub enum Acknowledge {
        /// All: synchronous.
        All = "all",
        /// Some: semi-synchronous.
        Some = "some",
        /// None: asynchronous.
        None = "none",
    }
}

/// How a manager goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How many backups have a write before it is answered.
    pub acknowledge: Acknowledge,
    /// Of some, how many.
    pub some: u32,
    /// After how long a silence a server counts as dead.
    pub patience: Micros,
    /// How long a primary may answer without hearing from the manager.
    pub lease: Micros,
}

/// A view as the manager keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decided {
    /// The view.
    pub view: View,
    /// In which life each of its members was appointed.
    pub lives: Rc<[(NodeId, Time)]>,
}

/// A manager's disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Register {
    /// The newest view.
    pub decided: Option<Decided>,
    /// The newest view that is active: what was answered was answered in it, or before.
    pub active: Option<View>,
}

/// A write to a manager's disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// A new view.
    Decide(Decided),
    /// It is active.
    Activate(View),
}

impl Disk for Register {
    type Write = Write;
    fn apply(&mut self, write: Write) {
        match write {
            Write::Decide(decided) => self.decided = Some(decided),
            Write::Activate(view) => self.active = Some(view),
        }
    }
}

/// A manager's timer: a write is on the disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Timer(pub Write);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Known {
    detector: Detector,
    report: Report,
}

/// A manager.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Manager {
    register: Register,
    known: Table<NodeId, Known>,
    /// The view that it has servers sealed for.
    electing: Option<u64>,
    writing: bool,
    /// When it booted, or the last view was decided.
    since: Time,
    booted: Time,
    /// Until when the old primary may answer without asking.
    granted: Time,
}

impl Manager {
    /// Starts, and starts again, from what is on the disk.
    pub fn boot(register: &Register, now: Time, rules: &Rules) -> Manager {
        Manager {
            register: register.clone(),
            known: Table::new(),
            electing: None,
            writing: false,
            since: now,
            booted: now,
            // It may have granted it right before it crashed.
            granted: now + margin(rules.lease),
        }
    }
    /// The newest view.
    pub fn view(&self) -> Option<&View> {
        self.register.decided.as_ref().map(|decided| &decided.view)
    }
    /// Whether it is active.
    pub fn active(&self) -> bool {
        self.view().is_some_and(|view| self.register.active.as_ref().is_some_and(|active| active == view))
    }
    /// The view that it has servers sealed for.
    pub fn electing(&self) -> Option<u64> {
        self.electing
    }
    /// It has stood still, and everybody's silence says nothing.
    pub fn forgive(&mut self, now: Time) {
        for known in self.known.values_mut() {
            known.detector.hear(now);
        }
    }

    /// A server has told of itself.
    pub fn on_report<P>(&mut self, port: &mut P, from: NodeId, report: Report, rules: &Rules, wired: &[NodeId])
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        if self.known.len() >= SERVERS && !self.known.contains_key(&from) {
            return;
        }
        self.known.insert(from, Known { detector: Detector::new(port.now()), report });
        let ready = self.view().is_some_and(|view| view.primary == from && view.number == report.active);
        if ready && !self.active() && !self.writing && self.electing.is_none() {
            self.write(port, self.view().cloned().map(Write::Activate));
        }
        self.consider(port, rules, wired);
        self.tell(port, from, rules);
    }

    fn write<P>(&mut self, port: &mut P, write: Option<Write>)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        if let Some(write) = write {
            self.writing = true;
            port.persist(write.clone(), Some(Timer(write)));
        }
    }

    /// Tells a server what it is to know.
    fn tell<P>(&mut self, port: &mut P, to: NodeId, rules: &Rules)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let Some(known) = self.known.get(&to) else { return };
        if let Some(number) = self.electing {
            return port.send(to, Message::Seal { number });
        }
        let Some(view) = self.view().cloned() else { return };
        let (confirmed, sent) = (self.active(), known.report.sent);
        if confirmed && view.primary == to {
            self.granted = self.granted.max(port.now() + margin(rules.lease));
        }
        port.send(to, Message::Appoint { view, confirmed, sent, lease: rules.lease });
    }

    fn tell_all<P>(&mut self, port: &mut P, rules: &Rules)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let all: Vec<NodeId> = self.known.keys().copied().collect();
        for server in all {
            self.tell(port, server, rules);
        }
    }

    /// Time has passed.
    pub fn tick<P>(&mut self, port: &mut P, rules: &Rules, wired: &[NodeId])
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        // One that is no longer wired will not come back under this number.
        self.known.retain(|server, _| wired.contains(server));
        self.consider(port, rules, wired);
    }

    /// A write is on the disk.
    pub fn on_timer<P>(&mut self, port: &mut P, Timer(write): Timer, rules: &Rules)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        self.writing = false;
        if let Write::Decide(decided) = &write {
            self.electing = None;
            self.since = port.now();
            port.note(decided.view.to_string());
        }
        self.register.apply(write);
        self.tell_all(port, rules);
    }

    fn alive(&self, now: Time, rules: &Rules) -> Vec<(NodeId, Report)> {
        let well = self.known.iter().filter(|(_, known)| !known.detector.suspects(now, rules.patience));
        well.map(|(server, known)| (*server, known.report)).collect()
    }

    fn acks(backups: usize, rules: &Rules) -> u32 {
        match rules.acknowledge {
            Acknowledge::All => backups as u32,
            Acknowledge::Some => rules.some.min(backups as u32),
            Acknowledge::None => 0,
        }
    }

    /// Whether the view must change: a member is silent or has crashed, somebody waits to be taken in, other copies are
    /// asked for, or somebody is sealed for a later one, of which a manager that crashed meanwhile knows nothing more:
    /// whoever is sealed takes no part in this one again.
    fn outdated(&self, now: Time, rules: &Rules) -> bool {
        let Some(decided) = &self.register.decided else { return true };
        let alive = self.alive(now, rules);
        let settled = now.since(self.since) > SETTLED;
        // Silence counts only once it could have been broken.
        let heard = |server: &NodeId| now.since(self.booted) > rules.patience || self.known.contains_key(server);
        let gone = decided.lives.iter().any(|(server, life)| {
            heard(server) && !alive.iter().any(|(other, report)| other == server && report.life == *life)
        });
        let waits = alive.iter().any(|(server, _)| !decided.lives.iter().any(|(other, _)| other == server));
        let acks = Manager::acks(decided.view.backups.len(), rules);
        let unfinished = alive.iter().any(|(_, report)| report.sealed > decided.view.number);
        gone || unfinished || settled && (waits || acks != decided.view.acks)
    }

    fn consider<P>(&mut self, port: &mut P, rules: &Rules, wired: &[NodeId])
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let now = port.now();
        let alive = self.alive(now, rules);
        if self.writing || alive.is_empty() {
            return;
        }
        if self.electing.is_none() {
            if !self.outdated(now, rules) {
                return;
            }
            // One that remembers nothing may have announced the view that they are sealed for: its number is not given again.
            let forgot = u64::from(self.register.decided.is_none());
            let after = |report: &Report| (report.sealed + forgot).max(report.held + 1);
            let known = alive.iter().map(|(_, report)| after(report)).max().unwrap_or(1);
            self.electing = Some(known.max(self.view().map_or(0, |view| view.number) + 1));
            self.tell_all(port, rules);
        }
        let Some(number) = self.electing else { return };
        let sealed: Vec<(NodeId, Report)> = alive.iter().filter(|one| one.1.sealed >= number).copied().collect();
        // At the very beginning everybody is waited for; without a memory of its own, for everybody that is wired.
        let all_wired = wired.iter().all(|server| self.known.contains_key(server));
        let early = self.register.decided.is_none() && !all_wired;
        if sealed.len() < alive.len() || early || !self.released(&sealed, now) {
            return;
        }
        if let Some(next) = self.next(number, &sealed, rules) {
            self.write(port, Some(Write::Decide(next)));
        }
    }

    /// Whether the old primary can answer nobody any more. A manager that remembers nothing does not know who that is,
    /// unless nobody has ever been in a view.
    fn released(&self, sealed: &[(NodeId, Report)], now: Time) -> bool {
        let stopped = |server: NodeId| sealed.iter().any(|(other, _)| *other == server);
        let mut known = self.known.iter();
        now >= self.granted
            || match &self.register.active {
                Some(active) => stopped(active.primary),
                None if self.register.decided.is_some() => false,
                None => known.all(|(server, known)| known.report.held == 0 || stopped(*server)),
            }
    }

    /// The view after this one, if somebody is there who has everything that was answered.
    fn next(&self, number: u64, sealed: &[(NodeId, Report)], rules: &Rules) -> Option<Decided> {
        let old = self.view().map(|view| view.primary);
        // Of those who have as much the old primary stays, or else the lowest takes over.
        let most = |(server, report): &&(NodeId, Report)| {
            (report.held, report.position, Some(*server) == old, std::cmp::Reverse(*server))
        };
        let (primary, best) = sealed.iter().max_by_key(most)?;
        if let Some(active) = &self.register.active {
            let has = |server: &NodeId| sealed.iter().any(|one| one.0 == *server && one.1.held == active.number);
            let heard = active.backups.iter().filter(|server| has(server)).count();
            let needed = if active.acks == 0 { 1 } else { active.backups.len() + 1 - active.acks as usize };
            let knows = best.held > active.number || has(&active.primary) || heard >= needed;
            if !knows {
                return None;
            }
        }
        let backups: Vec<NodeId> = sealed.iter().map(|one| one.0).filter(|server| server != primary).collect();
        let acks = Manager::acks(backups.len(), rules);
        let view = View { number, primary: *primary, backups: backups.into(), acks };
        Some(Decided { view, lives: sealed.iter().map(|(server, report)| (*server, report.life)).collect() })
    }
}

/// A lease as the manager counts it: its clock and the primary's need not run quite alike.
fn margin(lease: Micros) -> Micros {
    lease.scaled(1_100)
}
