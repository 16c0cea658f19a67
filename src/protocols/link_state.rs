//! Link-state routing, as OSPF has it (Moy, RFC 2328; first in the ARPANET: McQuillan, Richer and Rosen 1980).
//!
//! A router says hello to its neighbours, and describes who answers in a link-state advertisement (LSA) of its own, with
//! a sequence number that only grows. Advertisements are flooded: whoever gets a newer one keeps it, acknowledges it, and
//! passes it on to all others until they have acknowledged it; an older one is answered with the newer. So all have the
//! same map, and each computes its shortest ways on it by itself (Dijkstra 1959).
//!
//! Simpler than there: one area; each link is between two routers, so that none is designated; a new neighbour is sent
//! the whole database and not asked first what it lacks; advertisements do not age, so that one of a router that is gone
//! stays, and is of no use since no neighbour confirms its links; every link costs 1.

use std::rc::Rc;

use crate::sim::{Micros, NodeId, Port, Table, Time};

use super::distance_vector::News;
use super::{Family, Form, Wire};

/// How many advertisements a router keeps; what comes beyond is not taken.
pub const MAX_ADVERTISEMENTS: usize = 1_000;
/// After how many hellos that are missing a neighbour is taken for dead (RouterDeadInterval).
pub const DEAD: u64 = 4;

/// What a router says of its own links. Of two by one router the greater is the newer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Advertisement {
    /// Whose.
    pub origin: NodeId,
    /// Counts up with each that it originates.
    pub sequence: u64,
    /// The routers that it hears, ascending.
    pub routers: Rc<[NodeId]>,
    /// The hosts that are wired to it and there, ascending.
    pub hosts: Rc<[NodeId]>,
}

/// Between routers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// I am here, and hear these.
    Hello(Rc<[NodeId]>),
    /// Keep these, if they are newer than yours.
    Update(Rc<[Advertisement]>),
    /// I have these: of whom, and which number.
    Acknowledge(Rc<[(NodeId, u64)]>),
}

impl Wire for Message {
    const FAMILY: Family = Family::Control;
    fn name(&self) -> &'static str {
        match self {
            Message::Hello(_) => "Hello",
            Message::Update(_) => "LinkStateUpdate",
            Message::Acknowledge(_) => "LinkStateAcknowledgment",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Hello(_) => Form::Beat,
            Message::Update(_) => Form::Request,
            Message::Acknowledge(_) => Form::Accept,
        }
    }
    fn bytes(&self) -> u32 {
        match self {
            Message::Hello(heard) => 64 + 4 * heard.len() as u32,
            Message::Update(all) => {
                48 + all.iter().map(|one| 24 + 12 * (one.routers.len() + one.hosts.len()) as u32).sum::<u32>()
            }
            Message::Acknowledge(all) => 44 + 20 * all.len() as u32,
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        let names = |nodes: &[NodeId]| nodes.iter().map(NodeId::to_string).collect::<Vec<_>>().join(" ");
        match self {
            Message::Hello(heard) => vec![("hears", names(heard))],
            Message::Update(all) => {
                let told = |one: &Advertisement| format!("{} no. {}", one.origin, one.sequence);
                vec![("advertisements", all.iter().take(8).map(told).collect::<Vec<_>>().join(", "))]
            }
            Message::Acknowledge(all) => {
                let told = |(origin, sequence): &(NodeId, u64)| format!("{origin} no. {sequence}");
                vec![("advertisements", all.iter().take(8).map(told).collect::<Vec<_>>().join(", "))]
            }
        }
    }
}

/// What a router waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To say hello, and see who has not.
    Hello,
    /// To send again what was not acknowledged.
    Retransmit,
}

/// What is known of a neighbour.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Neighbour {
    heard: Time,
    /// It hears us, too.
    both: bool,
    /// Whose advertisements it has not acknowledged, ascending.
    owed: Vec<NodeId>,
}

/// A router's map.
#[derive(Clone, Debug, Default, Hash)]
pub struct Router {
    neighbours: Table<NodeId, Neighbour>,
    database: Table<NodeId, Advertisement>,
    hosts: Vec<NodeId>,
    /// By whom it goes to each host, and how far.
    routes: Table<NodeId, (NodeId, u32)>,
    news: Vec<News>,
}

impl Router {
    /// Begins to say hello.
    pub fn start<P: Port<Message = Message, Timer = Timer>>(&mut self, port: &mut P, hello: Micros) {
        let first = port.rng().below(hello.0.max(1));
        port.set(Timer::Hello, Micros(first));
        port.set(Timer::Retransmit, hello);
        self.originate(port);
    }

    /// Its ways, by destination: by whom, and how far.
    pub fn routes(&self) -> impl Iterator<Item = (NodeId, (NodeId, u32))> {
        self.routes.iter().map(|(to, route)| (*to, *route))
    }

    /// By which neighbour it goes to a host that is not wired to this router.
    pub fn next(&self, to: NodeId) -> Option<NodeId> {
        self.routes.get(&to).map(|(via, _)| *via).filter(|via| *via != to)
    }

    /// How many advertisements it has.
    pub fn advertisements(&self) -> usize {
        self.database.len()
    }

    /// What has changed since one last asked.
    pub fn news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// These hosts are wired to it and there.
    pub fn attached<P: Port<Message = Message, Timer = Timer>>(&mut self, port: &mut P, hosts: &[NodeId]) {
        if self.hosts != hosts {
            self.hosts = hosts.to_vec();
            self.originate(port);
        }
    }

    /// A new advertisement of its own.
    fn originate<P: Port<Message = Message, Timer = Timer>>(&mut self, port: &mut P) {
        let me = port.id();
        let sequence = self.database.get(&me).map_or(0, |own| own.sequence) + 1;
        let routers = self.neighbours.iter().filter(|(_, one)| one.both).map(|(id, _)| *id).collect();
        let own = Advertisement { origin: me, sequence, routers, hosts: self.hosts.as_slice().into() };
        self.install(port, own, None);
    }

    /// Keeps an advertisement that is newer, and has all neighbours but one have it.
    fn install<P>(&mut self, port: &mut P, new: Advertisement, from: Option<NodeId>)
    where
        P: Port<Message = Message, Timer = Timer>,
    {
        let origin = new.origin;
        if self.database.len() >= MAX_ADVERTISEMENTS && !self.database.contains_key(&origin) {
            return;
        }
        self.database.insert(origin, new.clone());
        let all: Rc<[Advertisement]> = [new].into();
        for (id, neighbour) in self.neighbours.iter_mut().filter(|(id, one)| one.both && Some(**id) != from) {
            if let Err(place) = neighbour.owed.binary_search(&origin) {
                neighbour.owed.insert(place, origin);
            }
            port.send(*id, Message::Update(all.clone()));
        }
        self.compute(port.id());
    }

    /// The whole database, for a neighbour that has just been found.
    fn everything<P: Port<Message = Message, Timer = Timer>>(&mut self, port: &mut P, to: NodeId) {
        let all: Rc<[Advertisement]> = self.database.values().cloned().collect();
        if let Some(neighbour) = self.neighbours.get_mut(&to) {
            neighbour.owed = all.iter().map(|one| one.origin).collect();
        }
        port.send(to, Message::Update(all));
    }

    /// Another router says something.
    pub fn on_message<P>(&mut self, port: &mut P, from: NodeId, message: &Message)
    where
        P: Port<Message = Message, Timer = Timer>,
    {
        match message {
            Message::Hello(heard) => {
                let (now, both) = (port.now(), heard.contains(&port.id()));
                let before = self.neighbours.get(&from).is_some_and(|one| one.both);
                match self.neighbours.get_mut(&from) {
                    Some(neighbour) => (neighbour.heard, neighbour.both) = (now, both),
                    None => {
                        // Whoever knew it before it was started anew must learn from this that it has nothing any
                        // more: it is not named yet (there, a new database description says so, 10.6).
                        self.hello(port, from);
                        self.neighbours.insert(from, Neighbour { heard: now, both, owed: Vec::new() });
                    }
                }
                if both != before {
                    self.originate(port);
                }
                if both && !before {
                    self.everything(port, from);
                }
            }
            Message::Update(all) => self.update(port, from, all),
            Message::Acknowledge(all) => {
                for (origin, sequence) in all.iter() {
                    let current = self.database.get(origin).is_none_or(|one| one.sequence <= *sequence);
                    if let Some(neighbour) = self.neighbours.get_mut(&from).filter(|_| current) {
                        neighbour.owed.retain(|owed| owed != origin);
                    }
                }
            }
        }
    }

    /// Flooding (RFC 2328, 13).
    fn update<P>(&mut self, port: &mut P, from: NodeId, all: &[Advertisement])
    where
        P: Port<Message = Message, Timer = Timer>,
    {
        let (me, mut have, mut newer) = (port.id(), Vec::new(), Vec::new());
        for one in all {
            match self.database.get(&one.origin) {
                // It was restarted, and what it said before is still about, perhaps under a number that it has used
                // again (13.4).
                Some(own) if one.origin == me && one.sequence >= own.sequence && one != own => {
                    self.database.insert(me, one.clone());
                    self.originate(port);
                }
                Some(known) if one == known => {
                    // As good as an acknowledgement.
                    if let Some(neighbour) = self.neighbours.get_mut(&from) {
                        neighbour.owed.retain(|owed| *owed != one.origin);
                    }
                    have.push((one.origin, one.sequence));
                }
                // Of two with one number the same is newer for everyone, whichever (13.1 compares checksums).
                Some(known) if one < known => newer.push(known.clone()),
                _ => {
                    self.install(port, one.clone(), Some(from));
                    have.push((one.origin, one.sequence));
                }
            }
        }
        if !have.is_empty() {
            port.send(from, Message::Acknowledge(have.into()));
        }
        if !newer.is_empty() {
            port.send(from, Message::Update(newer.into()));
        }
    }

    fn hello<P: Port<Message = Message, Timer = Timer>>(&self, port: &mut P, to: NodeId) {
        port.send(to, Message::Hello(self.neighbours.keys().copied().collect()));
    }

    /// A timer has run out; `wired` are the routers that it is wired to.
    pub fn on_timer<P>(&mut self, port: &mut P, hello: Micros, timer: Timer, wired: &[NodeId])
    where
        P: Port<Message = Message, Timer = Timer>,
    {
        match timer {
            Timer::Hello => {
                let silent = port.now().0.saturating_sub(DEAD * hello.0);
                let dead: Vec<NodeId> = self
                    .neighbours
                    .iter()
                    .filter(|(id, one)| one.heard.0 < silent || !wired.contains(id))
                    .map(|(id, _)| *id)
                    .collect();
                for id in &dead {
                    self.neighbours.remove(id);
                }
                if !dead.is_empty() {
                    self.originate(port);
                }
                for id in wired {
                    self.hello(port, *id);
                }
                port.set(Timer::Hello, hello);
            }
            Timer::Retransmit => {
                for (id, neighbour) in self.neighbours.iter().filter(|(_, one)| one.both && !one.owed.is_empty()) {
                    let owed = neighbour.owed.iter().filter_map(|origin| self.database.get(origin).cloned());
                    port.send(*id, Message::Update(owed.collect()));
                }
                port.set(Timer::Retransmit, hello);
            }
        }
    }

    /// The shortest ways from here on the map (Dijkstra 1959). A link counts where both its ends tell of it; of two ways
    /// that are as long, the one by the router of the lower number.
    fn compute(&mut self, me: NodeId) {
        // Who is not done yet: how far, by which neighbour.
        let mut open: Table<NodeId, (u32, NodeId)> = Table::new();
        let mut done: Table<NodeId, (u32, NodeId)> = Table::new();
        open.insert(me, (0, me));
        while let Some((at, (far, via))) = open.iter().map(|(id, far)| (*id, *far)).min_by_key(|(id, far)| (*far, *id))
        {
            open.remove(&at);
            done.insert(at, (far, via));
            let Some(here) = self.database.get(&at) else { continue };
            for next in here.routers.iter().filter(|next| !done.contains_key(next)) {
                let told = self.database.get(next).is_some_and(|there| there.routers.contains(&at));
                let way = (far + 1, if at == me { *next } else { via });
                if told && open.get(next).is_none_or(|known| way < *known) {
                    open.insert(*next, way);
                }
            }
        }
        let mut routes: Table<NodeId, (NodeId, u32)> = Table::new();
        for (at, (far, via)) in done.iter() {
            for host in self.database.get(at).map_or(&[][..], |here| &here.hosts) {
                let route = (if *at == me { *host } else { *via }, far + 1);
                if routes.get(host).is_none_or(|known| (route.1, route.0) < (known.1, known.0)) {
                    routes.insert(*host, route);
                }
            }
        }
        for (to, (via, metric)) in routes.iter() {
            if self.routes.get(to) != Some(&(*via, *metric)) {
                self.news.push((*to, Some(*via), *metric));
            }
        }
        for (to, _) in self.routes.iter().filter(|(to, _)| !routes.contains_key(to)) {
            self.news.push((*to, None, 0));
        }
        self.routes = routes;
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Desk;
    use super::*;

    const HELLO: Micros = Micros::secs(10);

    /// Routers 0 to n − 1 on a ring, and how messages go between them until nothing is under way.
    struct Ring {
        ports: Vec<Desk<Message, Timer, ()>>,
        routers: Vec<Router>,
        cut: Vec<(u32, u32)>,
    }

    impl Ring {
        fn new(count: u32) -> Ring {
            let mut ring = Ring {
                ports: (0..count).map(Desk::new).collect(),
                routers: vec![Router::default(); count as usize],
                cut: Vec::new(),
            };
            for (port, router) in ring.ports.iter_mut().zip(&mut ring.routers) {
                router.start(port, HELLO);
                router.attached(port, &[NodeId(100 + port.id.0)]);
            }
            ring
        }

        fn beat(&mut self) {
            let count = self.ports.len() as u32;
            for me in 0..count {
                let wired = [NodeId((me + 1) % count), NodeId((me + count - 1) % count)];
                self.ports[me as usize].now += HELLO;
                self.routers[me as usize].on_timer(&mut self.ports[me as usize], HELLO, Timer::Hello, &wired);
            }
            loop {
                let sent: Vec<(u32, NodeId, Message)> = (0..count)
                    .flat_map(|me| {
                        self.ports[me as usize].sent().into_iter().map(move |(to, message)| (me, to, message))
                    })
                    .collect();
                if sent.is_empty() {
                    return;
                }
                for (from, to, message) in sent {
                    if !self.cut.contains(&(from.min(to.0), from.max(to.0))) {
                        let to = to.0 as usize;
                        self.routers[to].on_message(&mut self.ports[to], NodeId(from), &message);
                    }
                }
            }
        }

        fn way(&self, from: u32, to: u32) -> Vec<u32> {
            let mut way = vec![from];
            while let Some(next) = self.routers[way[way.len() - 1] as usize].next(NodeId(100 + to)) {
                way.push(next.0);
                assert!(way.len() < 20, "a loop: {way:?}");
            }
            way
        }
    }

    #[test]
    fn everyone_has_the_same_map_and_goes_the_shorter_way_round() {
        let mut ring = Ring::new(6);
        for _ in 0..3 {
            ring.beat();
        }
        assert!(ring.routers.iter().all(|router| router.database == ring.routers[0].database));
        assert_eq!((ring.way(0, 2), ring.way(0, 5)), (vec![0, 1, 2], vec![0, 5]));
        ring.cut.push((0, 1));
        for _ in 0..6 {
            ring.beat();
        }
        assert_eq!(ring.way(0, 2), [0, 5, 4, 3, 2]);
    }

    #[test]
    fn a_router_that_starts_anew_goes_on_from_the_number_that_is_about() {
        let mut ring = Ring::new(4);
        for _ in 0..3 {
            ring.beat();
        }
        let before = ring.routers[1].database.get(&NodeId(0)).expect("it is known").sequence;
        ring.routers[0] = Router::default();
        ring.routers[0].start(&mut ring.ports[0], HELLO);
        ring.routers[0].attached(&mut ring.ports[0], &[NodeId(100)]);
        for _ in 0..3 {
            ring.beat();
        }
        assert!(ring.routers[2].database.get(&NodeId(0)).expect("it is known").sequence >= before);
        assert_eq!(ring.way(2, 0).len(), 3);
    }

    #[test]
    fn a_number_that_is_used_again_after_a_restart_is_no_proof_that_nothing_is_new() {
        let mut ring = Ring::new(3);
        for _ in 0..3 {
            ring.beat();
        }
        let own = ring.routers[0].database.get(&NodeId(0)).expect("it is known").clone();
        for hosts in [[NodeId(1)], [NodeId(900)]] {
            let other = Advertisement { hosts: hosts.into(), ..own.clone() };
            ring.routers[1].database.insert(NodeId(0), other.clone());
            ring.routers[0].on_message(&mut ring.ports[0], NodeId(1), &Message::Update([other].into()));
            ring.beat();
            assert!(ring.routers.iter().all(|router| router.database == ring.routers[0].database));
        }
    }

    #[test]
    fn a_router_that_starts_anew_before_it_is_missed_gets_the_whole_map() {
        let mut ring = Ring::new(4);
        for _ in 0..3 {
            ring.beat();
        }
        ring.routers[0] = Router::default();
        ring.routers[0].start(&mut ring.ports[0], HELLO);
        // A neighbour that still names it speaks first.
        let hello = Message::Hello([NodeId(0), NodeId(2)].into());
        ring.routers[0].on_message(&mut ring.ports[0], NodeId(1), &hello);
        for _ in 0..2 {
            ring.beat();
        }
        assert_eq!(ring.routers[0].database.len(), 4);
        assert_eq!(ring.way(0, 2).len(), 3);
    }

    #[test]
    fn an_older_advertisement_is_answered_with_the_newer() {
        let mut ring = Ring::new(3);
        for _ in 0..3 {
            ring.beat();
        }
        let own = ring.routers[1].database.get(&NodeId(2)).expect("it is known").clone();
        let old = Advertisement { sequence: own.sequence - 1, ..own.clone() };
        ring.routers[1].on_message(&mut ring.ports[1], NodeId(0), &Message::Update([old].into()));
        assert_eq!(ring.ports[1].sent(), [(NodeId(0), Message::Update([own].into()))]);
    }
}
