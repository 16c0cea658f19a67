//! Distance-vector routing, as RIP version 2 has it (Malkin, RFC 2453; Bellman 1957, Ford and Fulkerson 1962).
//!
//! A router knows of each host how far it is and by which neighbour, and nothing else. It tells its neighbours all of
//! that every 30 s, and what has changed soon; whoever hears of a shorter way takes it. What is no longer confirmed for
//! 180 s counts as unreachable, and is forgotten 120 s later. Our `update` is those 30 s, and all else is in proportion.
//!
//! What a neighbour offers may lead back here, which nobody can tell from a distance: two routers can believe each other
//! for ever and count upwards. A way that is told only away from where it leads (split horizon), or there as endless
//! (poisoned reverse), keeps two from doing so, and three by no means; that distances end at 16 bounds the rest.
//!
//! Simpler than there: destinations are hosts and not networks, a hop costs 1, and messages have room for everything.

use std::rc::Rc;

use crate::sim::{Micros, NodeId, Port, Table, Time};

use super::{Family, Form, Wire};

/// How many destinations a router knows at most; what comes beyond is not taken.
pub const MAX_ROUTES: usize = 1_000;

crate::choice! {
    /// What a router tells a neighbour of the ways that lead through that neighbour.
    pub enum Horizon {
        /// That they are endless (poisoned reverse).
        Poisoned = "poisoned-reverse",
        /// Nothing (split horizon).
        Split = "split",
        /// What it tells all others.
        None = "none",
    }
}

/// How routers go about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How often everything is told.
    pub update: Micros,
    /// What is told to whom a way leads through.
    pub horizon: Horizon,
    /// The distance that counts as unreachable.
    pub infinity: u32,
    /// Whether what has changed is told soon.
    pub triggered: bool,
}

/// Between routers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// So far it is from here: destinations, ascending, each with its distance.
    Response(Rc<[(NodeId, u32)]>),
}

impl Wire for Message {
    const FAMILY: Family = Family::Control;
    fn name(&self) -> &'static str {
        "Response"
    }
    fn form(&self) -> Form {
        Form::Beat
    }
    fn bytes(&self) -> u32 {
        let Message::Response(entries) = self;
        // A header of 4 bytes in UDP and IP, and 20 an entry.
        32 + 20 * entries.len() as u32
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        let Message::Response(entries) = self;
        let told: Vec<String> = entries.iter().take(8).map(|(to, metric)| format!("{to}: {metric}")).collect();
        vec![("metrics", told.join(" "))]
    }
}

/// What a router waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To tell everything.
    Update,
    /// To tell what has changed.
    Triggered,
    /// To look which ways are no longer confirmed.
    Sweep,
}

/// A way to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// How far it is.
    pub metric: u32,
    /// By which neighbour; by none where the host is wired to this router.
    pub via: Option<NodeId>,
    /// When it must have been confirmed, or is forgotten if it is unreachable.
    until: Time,
    /// It has not been told since it changed.
    changed: bool,
}

/// A way that is another now: where to, by whom, how far; by nobody where there is none.
pub type News = (NodeId, Option<NodeId>, u32);

/// A router's table.
#[derive(Clone, Debug, Default, Hash)]
pub struct Router {
    table: Table<NodeId, Route>,
    news: Vec<News>,
}

impl Router {
    /// Begins to tell and to look.
    pub fn start<P: Port<Message = Message, Timer = Timer>>(&mut self, port: &mut P, rules: &Rules) {
        // Not all routers at the same instant.
        let first = port.rng().below(rules.update.0.max(1));
        port.set(Timer::Update, Micros(first));
        port.set(Timer::Sweep, Micros(rules.update.0 / 6));
    }

    /// Its ways, by destination.
    pub fn routes(&self) -> impl Iterator<Item = (NodeId, &Route)> {
        self.table.iter().map(|(to, route)| (*to, route))
    }

    /// By which neighbour it goes to a host that is not wired to this router.
    pub fn next(&self, to: NodeId, rules: &Rules) -> Option<NodeId> {
        self.table.get(&to).filter(|route| route.metric < rules.infinity).and_then(|route| route.via)
    }

    /// What has changed since one last asked.
    pub fn news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    fn put<P: Port<Message = Message, Timer = Timer>>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        to: NodeId,
        route: Route,
    ) {
        if self.table.len() >= MAX_ROUTES && !self.table.contains_key(&to) {
            return;
        }
        self.table.insert(to, Route { changed: true, ..route });
        let via = (route.metric < rules.infinity).then(|| route.via.unwrap_or(to));
        self.news.push((to, via, route.metric));
        if rules.triggered {
            // Between 1 and 5 s where everything is told every 30: several changes go out together.
            let after = rules.update.0 / 30 + port.rng().below(rules.update.0 * 2 / 15 + 1);
            port.set(Timer::Triggered, Micros(after));
        }
    }

    /// These hosts are wired to it and there.
    pub fn attached<P: Port<Message = Message, Timer = Timer>>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        hosts: &[NodeId],
    ) {
        let (now, until) = (port.now(), Time(u64::MAX));
        let gone: Vec<NodeId> = self
            .table
            .iter()
            .filter(|(to, route)| route.via.is_none() && route.metric < rules.infinity && !hosts.contains(to))
            .map(|(to, _)| *to)
            .collect();
        for to in gone {
            let until = now + Micros(4 * rules.update.0);
            self.put(port, rules, to, Route { metric: rules.infinity, via: None, until, changed: true });
        }
        for to in hosts {
            if self.table.get(to).is_none_or(|route| route.via.is_some() || route.metric != 1) {
                self.put(port, rules, *to, Route { metric: 1, via: None, until, changed: true });
            }
        }
    }

    /// A neighbour tells how far it is from there (RFC 2453, 3.9.2).
    pub fn on_message<P>(&mut self, port: &mut P, rules: &Rules, from: NodeId, message: &Message)
    where
        P: Port<Message = Message, Timer = Timer>,
    {
        let Message::Response(entries) = message;
        let until = port.now() + Micros(6 * rules.update.0);
        for (to, told) in entries.iter() {
            let metric = told.saturating_add(1).min(rules.infinity);
            let new = Route { metric, via: Some(from), until, changed: true };
            match self.table.get(to).copied() {
                None if metric < rules.infinity => self.put(port, rules, *to, new),
                None => {}
                Some(old) if old.via == Some(from) && old.metric == metric => {
                    let until = if metric < rules.infinity { until } else { old.until };
                    self.table.insert(*to, Route { until, ..old });
                }
                // Whoever it goes through is believed, also when it is farther than before.
                Some(old) if old.via == Some(from) && metric >= rules.infinity => {
                    let until = port.now() + Micros(4 * rules.update.0);
                    self.put(port, rules, *to, Route { until, ..new });
                }
                Some(old) if old.via == Some(from) || metric < old.metric => self.put(port, rules, *to, new),
                Some(_) => {}
            }
        }
    }

    /// A timer has run out.
    pub fn on_timer<P>(&mut self, port: &mut P, rules: &Rules, timer: Timer, neighbours: &[NodeId])
    where
        P: Port<Message = Message, Timer = Timer>,
    {
        match timer {
            Timer::Update => {
                self.tell(port, rules, neighbours, false);
                // 30 s, give or take up to 5.
                let spread = rules.update.0 / 3;
                let after = rules.update.0 - spread / 2 + port.rng().below(spread + 1);
                port.set(Timer::Update, Micros(after));
            }
            Timer::Triggered => self.tell(port, rules, neighbours, true),
            Timer::Sweep => {
                self.sweep(port, rules);
                port.set(Timer::Sweep, Micros(rules.update.0 / 6));
            }
        }
    }

    fn tell<P>(&mut self, port: &mut P, rules: &Rules, neighbours: &[NodeId], changes: bool)
    where
        P: Port<Message = Message, Timer = Timer>,
    {
        for neighbour in neighbours {
            let told = self.table.iter().filter(|(_, route)| route.changed || !changes).filter_map(|(to, route)| {
                let back = route.via == Some(*neighbour);
                match rules.horizon {
                    Horizon::Poisoned if back => Some((*to, rules.infinity)),
                    Horizon::Split if back => None,
                    _ => Some((*to, route.metric.min(rules.infinity))),
                }
            });
            let told: Rc<[(NodeId, u32)]> = told.collect();
            if !told.is_empty() {
                port.send(*neighbour, Message::Response(told));
            }
        }
        for route in self.table.values_mut() {
            route.changed = false;
        }
    }

    fn sweep<P: Port<Message = Message, Timer = Timer>>(&mut self, port: &mut P, rules: &Rules) {
        let now = port.now();
        let over: Vec<(NodeId, Route)> =
            self.table.iter().filter(|(_, route)| route.until <= now).map(|(to, route)| (*to, *route)).collect();
        for (to, route) in over {
            if route.metric >= rules.infinity {
                self.table.remove(&to);
            } else {
                let until = now + Micros(4 * rules.update.0);
                self.put(port, rules, to, Route { metric: rules.infinity, until, ..route });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Desk;
    use super::*;

    const RULES: Rules = Rules { update: Micros::secs(30), horizon: Horizon::Poisoned, infinity: 16, triggered: true };
    const HOST: NodeId = NodeId(9);

    fn desk(id: u32) -> Desk<Message, Timer, ()> {
        Desk::new(id)
    }

    fn response(metric: u32) -> Message {
        Message::Response([(HOST, metric)].into())
    }

    #[test]
    fn the_shorter_way_is_taken_and_whoever_it_goes_through_is_believed() {
        let (mut port, mut router) = (desk(1), Router::default());
        router.on_message(&mut port, &RULES, NodeId(2), &response(3));
        router.on_message(&mut port, &RULES, NodeId(3), &response(1));
        assert_eq!(router.next(HOST, &RULES), Some(NodeId(3)));
        // Another way that is as long changes nothing.
        router.on_message(&mut port, &RULES, NodeId(2), &response(1));
        assert_eq!(router.next(HOST, &RULES), Some(NodeId(3)));
        router.on_message(&mut port, &RULES, NodeId(3), &response(7));
        assert_eq!(router.news(), [(HOST, Some(NodeId(2)), 4), (HOST, Some(NodeId(3)), 2), (HOST, Some(NodeId(3)), 8)]);
        router.on_message(&mut port, &RULES, NodeId(3), &response(16));
        assert_eq!((router.next(HOST, &RULES), router.news()), (None, vec![(HOST, None, 16)]));
    }

    #[test]
    fn what_is_told_back_depends_on_the_horizon() {
        for (horizon, back) in [(Horizon::Poisoned, Some(16)), (Horizon::Split, None), (Horizon::None, Some(2))] {
            let (mut port, mut router, rules) = (desk(1), Router::default(), Rules { horizon, ..RULES });
            router.on_message(&mut port, &rules, NodeId(2), &response(1));
            router.on_timer(&mut port, &rules, Timer::Update, &[NodeId(2), NodeId(3)]);
            let mut expected: Vec<(NodeId, Message)> =
                back.map(|metric| (NodeId(2), response(metric))).into_iter().collect();
            expected.push((NodeId(3), response(2)));
            assert_eq!(port.sent(), expected);
        }
    }

    #[test]
    fn what_nobody_confirms_is_unreachable_and_then_forgotten() {
        let (mut port, mut router) = (desk(1), Router::default());
        router.on_message(&mut port, &RULES, NodeId(2), &response(1));
        port.now = Time(179_000_000);
        router.on_timer(&mut port, &RULES, Timer::Sweep, &[]);
        assert_eq!(router.next(HOST, &RULES), Some(NodeId(2)));
        port.now = Time(180_000_000);
        router.on_timer(&mut port, &RULES, Timer::Sweep, &[]);
        assert_eq!((router.next(HOST, &RULES), router.routes().count()), (None, 1));
        port.now = Time(300_000_000);
        router.on_timer(&mut port, &RULES, Timer::Sweep, &[]);
        assert_eq!(router.routes().count(), 0);
    }

    #[test]
    fn two_that_believe_each_other_count_to_infinity() {
        let rules = Rules { horizon: Horizon::None, ..RULES };
        let (mut ports, mut routers) = ([desk(0), desk(1)], [Router::default(), Router::default()]);
        routers[0].attached(&mut ports[0], &rules, &[HOST]);
        let mut metrics = Vec::new();
        for round in 0..20 {
            for (me, other) in [(0, 1), (1, 0)] {
                routers[me].on_timer(&mut ports[me], &rules, Timer::Update, &[NodeId(other as u32)]);
                for (_, message) in ports[me].sent() {
                    routers[other].on_message(&mut ports[other], &rules, NodeId(me as u32), &message);
                }
            }
            if round == 0 {
                // The host is gone, and the neighbour has not heard of it.
                routers[0].attached(&mut ports[0], &rules, &[]);
                routers[1].on_timer(&mut ports[1], &rules, Timer::Update, &[NodeId(0)]);
                for (_, message) in ports[1].sent() {
                    routers[0].on_message(&mut ports[0], &rules, NodeId(1), &message);
                }
            }
            metrics.push(routers[0].routes().next().map_or(0, |(_, route)| route.metric));
        }
        assert_eq!(metrics[..8], [3, 5, 7, 9, 11, 13, 15, 16]);
    }
}
