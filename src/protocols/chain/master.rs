//! Who stands where in a chain: one master decides views.
//!
//! Whoever is silent is taken out; that shortens the chain and loses nothing, as long as one server is left that had
//! everything. Whoever is there and in no view is added behind the tail, one at a time, and has nothing until its
//! predecessor has handed it everything. A server is held for dead only after the lease of a tail would be over.

use std::rc::Rc;

use crate::sim::{Disk, Micros, NodeId, Port, Table, Time};

use super::{Message, Report, Told, View};

/// How many servers a master knows.
pub const SERVERS: usize = 64;
/// How long the first view waits for servers to come.
const GATHERING: Micros = Micros::ms(500);

/// How a master goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// After how long a silence a server counts as dead.
    pub patience: Micros,
    /// How long a tail may answer reads without hearing from the master: never longer than nine tenths of the patience.
    pub lease: Micros,
}

impl Rules {
    fn granted(&self) -> Micros {
        Micros(self.lease.0.min(self.patience.0 / 10 * 9))
    }
}

/// A master's disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Register {
    /// The newest view.
    pub view: Option<View>,
}

impl Disk for Register {
    type Write = View;
    fn apply(&mut self, view: View) {
        self.view = Some(view);
    }
}

/// A master's timers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// A view is on the disk.
    Decided(View),
}

/// A master.
#[derive(Clone, Debug, Hash)]
pub struct Master {
    view: Option<View>,
    /// A view is on its way to the disk: nobody gets a lease of the one before.
    deciding: bool,
    since: Time,
    heard: Table<NodeId, (Time, Option<Report>)>,
    /// What has happened, for the host to tell.
    pub told: Vec<Told>,
}

/// Anything that a master can be hosted by.
pub trait Host: Port<Message = Message, Timer = Timer, Write = View> {}
impl<P: Port<Message = Message, Timer = Timer, Write = View>> Host for P {}

impl Master {
    /// Starts, and starts again.
    pub fn boot(disk: &Register, now: Time) -> Master {
        let members = disk.view.iter().flat_map(|view| view.chain.iter());
        let heard = members.map(|server| (*server, (now, None))).collect();
        Master { view: disk.view.clone(), deciding: false, since: now, heard, told: Vec::new() }
    }
    /// The newest view.
    pub fn view(&self) -> Option<&View> {
        self.view.as_ref()
    }
    /// It stood still itself: nobody is dead for having been silent.
    pub fn forgive(&mut self, now: Time) {
        self.heard.values_mut().for_each(|(heard, _)| *heard = now);
    }

    /// A server reports.
    pub fn on_report<P: Host>(&mut self, port: &mut P, from: NodeId, report: Report, rules: &Rules) {
        if self.heard.len() < SERVERS || self.heard.contains_key(&from) {
            self.heard.insert(from, (port.now(), Some(report)));
        }
        self.appoint(port, from, rules);
    }

    fn appoint<P: Host>(&self, port: &mut P, to: NodeId, rules: &Rules) {
        let report = self.heard.get(&to).and_then(|(_, report)| *report);
        if let (false, Some(view), Some(report)) = (self.deciding, &self.view, report) {
            port.send(to, Message::Appoint { view: view.clone(), sent: report.sent, lease: rules.granted() });
        }
    }

    /// Time has passed: whom has it not heard of?
    pub fn tick<P: Host>(&mut self, port: &mut P, rules: &Rules, wired: &[NodeId]) {
        let now = port.now();
        if self.deciding {
            return;
        }
        let there = |server: &NodeId| {
            wired.contains(server)
                && self.heard.get(server).is_some_and(|(heard, _)| now.since(*heard) < rules.patience)
        };
        let held = |server: NodeId| self.heard.get(&server).and_then(|(_, report)| *report).map(|report| report.held);
        let Some(view) = &self.view else {
            let all: Rc<[NodeId]> = wired.iter().filter(|server| held(**server) == Some(0)).copied().collect();
            if !all.is_empty() && (all.len() == wired.len() || now.since(self.since) >= GATHERING) {
                self.decide(port, View { number: 1, chain: all, joins: None });
            }
            return;
        };
        let (number, joins) = (view.number, view.joins.filter(|new| held(*new).is_none_or(|held| held < view.number)));
        // One that has been there and knows of no view has lost its disk.
        let lost = |server: NodeId| view.joins != Some(server) && number > 1 && held(server) == Some(0);
        let left: Rc<[NodeId]> = view.chain.iter().filter(|server| there(server) && !lost(**server)).copied().collect();
        if left.len() < view.chain.len() {
            // A newcomer alone has nothing to go on with.
            if left.first().is_some_and(|head| joins != Some(*head)) {
                let joins = joins.filter(|new| left.contains(new));
                self.decide(port, View { number: number + 1, chain: left, joins });
            }
            return;
        }
        let settled = joins.is_none() && view.chain.iter().all(|server| held(*server) == Some(number));
        let new = wired.iter().find(|server| settled && there(server) && !view.chain.contains(server));
        if let Some(new) = new {
            let chain = view.chain.iter().copied().chain([*new]).collect();
            self.decide(port, View { number: number + 1, chain, joins: Some(*new) });
        }
    }

    fn decide<P: Host>(&mut self, port: &mut P, view: View) {
        self.deciding = true;
        port.persist(view.clone(), Some(Timer::Decided(view)));
    }

    /// A view is on the disk: everybody hears of it.
    pub fn on_timer<P: Host>(&mut self, port: &mut P, timer: Timer, rules: &Rules) {
        let Timer::Decided(view) = timer;
        self.told.push(Told::Formed { view: view.clone() });
        (self.view, self.deciding) = (Some(view), false);
        let known: Vec<NodeId> = self.heard.keys().copied().collect();
        for server in known {
            self.appoint(port, server, rules);
        }
    }
}
