//! A router: finds ways to every host, by distance vectors or by link states, and passes packets on.

use crate::protocols::distance_vector::{self, Horizon, News};
use crate::protocols::internet::{Load, Message as Packet, Told};
use crate::protocols::link_state;
use crate::protocols::{Family, health};
use crate::sim::{Component, Context, Dist, Lift, Look, Machine, Micros, NodeId, Table, Time, Work};

use super::host::{HERE, Host};
use super::{Fact, Glyph, Message, Placeable};

/// After how many missing words a host is taken for gone.
const GONE: u64 = 4;
/// The time to live of what a router says of packets.
const TTL: u32 = 64;

crate::choice! {
    /// How routers find ways.
    pub enum Routing {
        /// Each tells its neighbours how far everything is from it (RIP).
        DistanceVector = "distance-vector",
        /// Each tells everyone who its neighbours are (OSPF).
        LinkState = "link-state",
    }
}

crate::config! {
    /// What can be set about a router.
    pub struct RouterConfig {
        /// How it finds ways.
        routing: Routing = Routing::DistanceVector, in 0, 0, "";
        /// distance-vector: How often it tells its neighbours everything; what is not confirmed for six times as long is unreachable.
        update: Micros = Micros::secs(1), in 0.1, 60.0, "";
        /// distance-vector: What it tells a neighbour of the ways that lead through that neighbour; with none two routers can believe each other, which is a mistake.
        horizon: Horizon = Horizon::Poisoned, in 0, 0, "";
        /// distance-vector: Which distance counts as unreachable; a large one is a mistake, since distances that are wrong count up to it.
        infinity: u32 = 16, in 2, 1_000_000, "";
        /// distance-vector: Whether it tells soon what has changed.
        triggered: bool = true, in 0, 0, "";
        /// link-state: How often it says hello; four that are missing, and a neighbour is dead.
        hello: Micros = Micros::ms(500), in 0.05, 60.0, "";
    }
}

impl RouterConfig {
    fn rules(&self) -> distance_vector::Rules {
        let RouterConfig { update, horizon, infinity, triggered, .. } = *self;
        distance_vector::Rules { update, horizon, infinity, triggered }
    }
}

/// What a router waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To see which hosts are gone.
    Hosts,
    /// Something of distance vectors.
    Distance(distance_vector::Timer),
    /// Something of link states.
    Link(link_state::Timer),
}

/// How it finds ways just now.
#[derive(Clone, Debug, Hash)]
enum Ways {
    Distance(distance_vector::Router),
    Link(link_state::Router),
}

/// A router.
#[derive(Clone, Debug, Hash)]
pub struct Router {
    ways: Ways,
    /// The hosts that are wired to it, and when each was last heard.
    hosts: Table<NodeId, Time>,
    passed: u64,
    dropped: u64,
}

type DistancePort<'c, 'a> = Lift<'c, 'a, Router, distance_vector::Message, distance_vector::Timer, ()>;
type LinkPort<'c, 'a> = Lift<'c, 'a, Router, link_state::Message, link_state::Timer, ()>;

fn distance<'c, 'a>(cx: &'c mut Context<'a, Router>) -> DistancePort<'c, 'a> {
    Lift { cx, message: Message::DistanceVector, timer: Timer::Distance, write: |()| () }
}

fn link<'c, 'a>(cx: &'c mut Context<'a, Router>) -> LinkPort<'c, 'a> {
    Lift { cx, message: Message::LinkState, timer: Timer::Link, write: |()| () }
}

fn wired(cx: &Context<Router>) -> Vec<NodeId> {
    cx.peers_of(Router::KIND).collect()
}

impl Router {
    fn start(cx: &mut Context<Self>) -> Ways {
        let (rules, hello) = (cx.config().rules(), cx.config().hello);
        match cx.config().routing {
            Routing::DistanceVector => {
                let mut router = distance_vector::Router::default();
                router.start(&mut distance(cx), &rules);
                Ways::Distance(router)
            }
            Routing::LinkState => {
                let mut router = link_state::Router::default();
                router.start(&mut link(cx), hello);
                Ways::Link(router)
            }
        }
    }

    /// Tells which ways have changed.
    fn tell(&mut self, cx: &mut Context<Self>) {
        let news: Vec<News> = match &mut self.ways {
            Ways::Distance(router) => router.news(),
            Ways::Link(router) => router.news(),
        };
        for (to, via, metric) in news {
            cx.fact(Fact::Network(Told::Routed { to, via, metric }));
        }
    }

    /// Which hosts are there has changed, or may have.
    fn attached(&mut self, cx: &mut Context<Self>) {
        let hosts: Vec<NodeId> = self.hosts.keys().copied().collect();
        let rules = cx.config().rules();
        match &mut self.ways {
            Ways::Distance(router) => router.attached(&mut distance(cx), &rules, &hosts),
            Ways::Link(router) => router.attached(&mut link(cx), &hosts),
        }
    }

    fn next(&self, cx: &Context<Self>, to: NodeId) -> Option<NodeId> {
        if self.hosts.contains_key(&to) {
            return Some(to);
        }
        match &self.ways {
            Ways::Distance(router) => router.next(to, &cx.config().rules()),
            Ways::Link(router) => router.next(to),
        }
    }

    fn pass(&mut self, cx: &mut Context<Self>, from: NodeId, to: NodeId, ttl: u32, load: Load) {
        let next = self.next(cx, to);
        let (why, told) = match next {
            Some(next) if ttl > 1 => {
                self.passed += 1;
                return cx.send(next, Packet::Packet { from, to, ttl: ttl - 1, load }.into());
            }
            Some(_) => ("ttl expired", Load::TimeExceeded { to }),
            None => ("no way", Load::Unreachable { to }),
        };
        self.dropped += 1;
        cx.measure(why, 1);
        // Nobody is told of what is itself such a message (RFC 1122, 3.2.2).
        if !matches!(load, Load::TimeExceeded { .. } | Load::Unreachable { .. })
            && let Some(back) = self.next(cx, from)
        {
            cx.send(back, Packet::Packet { from: cx.id(), to: from, ttl: TTL, load: told }.into());
        }
    }
}

impl Component for Router {
    type Message = Message;
    type Config = RouterConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        cx.set(Timer::Hosts, HERE);
        let mut router = Router { ways: Router::start(cx), hosts: Table::new(), passed: 0, dropped: 0 };
        router.tell(cx);
        router
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let rules = cx.config().rules();
        match (message, &mut self.ways) {
            (Message::Internet(Packet::Packet { from, to, ttl, load }), _) => {
                return self.pass(cx, from, to, ttl, load);
            }
            (Message::Internet(Packet::Here), _) => {
                let new = !self.hosts.contains_key(&from);
                self.hosts.insert(from, cx.now());
                if new {
                    self.attached(cx);
                }
            }
            (Message::DistanceVector(message), Ways::Distance(router)) => {
                cx.measure("routing messages", 1);
                router.on_message(&mut distance(cx), &rules, from, &message);
            }
            (Message::LinkState(message), Ways::Link(router)) => {
                cx.measure("routing messages", 1);
                router.on_message(&mut link(cx), from, &message);
            }
            // From a neighbour that does it the other way.
            (Message::DistanceVector(_) | Message::LinkState(_), _) => {}
            (Message::Health(health::Message::Ping { round }), _) => {
                return cx.send(from, health::Message::Pong { round }.into());
            }
            (other, _) => return super::not_understood(cx, from, &other),
        }
        self.tell(cx);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        let (rules, hello, wired) = (cx.config().rules(), cx.config().hello, wired(cx));
        match (timer, &mut self.ways) {
            (Timer::Hosts, _) => {
                let silent = cx.now().0.saturating_sub(GONE * HERE.0);
                let gone: Vec<NodeId> =
                    self.hosts.iter().filter(|(_, heard)| heard.0 < silent).map(|(id, _)| *id).collect();
                for id in &gone {
                    self.hosts.remove(id);
                }
                if !gone.is_empty() {
                    self.attached(cx);
                }
                cx.set(Timer::Hosts, HERE);
            }
            (Timer::Distance(timer), Ways::Distance(router)) => {
                router.on_timer(&mut distance(cx), &rules, timer, &wired);
            }
            (Timer::Link(timer), Ways::Link(router)) => router.on_timer(&mut link(cx), hello, timer, &wired),
            // Of the way that it did it before.
            (Timer::Distance(_) | Timer::Link(_), _) => {}
        }
        self.tell(cx);
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        let other = match &self.ways {
            Ways::Distance(_) => Routing::LinkState,
            Ways::Link(_) => Routing::DistanceVector,
        };
        if cx.config().routing != other {
            return;
        }
        let known: Vec<NodeId> = match &self.ways {
            Ways::Distance(router) => router.routes().map(|(to, _)| to).collect(),
            Ways::Link(router) => router.routes().map(|(to, _)| to).collect(),
        };
        for to in known {
            cx.fact(Fact::Network(Told::Routed { to, via: None, metric: 0 }));
        }
        self.ways = Router::start(cx);
        self.attached(cx);
        self.tell(cx);
    }

    fn look(&self, config: &RouterConfig) -> Look {
        let mut lines = vec![("passed on", self.passed.to_string()), ("dropped", self.dropped.to_string())];
        let told = |via: NodeId, metric: u32| format!("by {via}, {metric}");
        let mut way = |to: NodeId, text: String| lines.push(("way", format!("to {to} {text}")));
        match &self.ways {
            Ways::Distance(router) => {
                for (to, route) in router.routes().take(16) {
                    match route.via {
                        _ if route.metric >= config.infinity => way(to, "unreachable".to_owned()),
                        Some(via) => way(to, told(via, route.metric)),
                        None => way(to, "at its own wire".to_owned()),
                    }
                }
            }
            Ways::Link(router) => {
                for (to, (via, metric)) in router.routes().take(16) {
                    way(to, told(via, metric));
                }
                lines.push(("advertisements", router.advertisements().to_string()));
            }
        }
        Look { role: "router".into(), star: false, ready: true, lines, log: Vec::new() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Hosts => "hosts",
            Timer::Distance(distance_vector::Timer::Update) => "update",
            Timer::Distance(distance_vector::Timer::Triggered) => "triggered update",
            Timer::Distance(distance_vector::Timer::Sweep) => "sweep",
            Timer::Link(link_state::Timer::Hello) => "hello",
            Timer::Link(link_state::Timer::Retransmit) => "retransmit",
        }
    }

    fn work(&self, message: &Message) -> Work {
        if let Message::Internet(Packet::Packet { .. }) = message { Work::Service } else { Work::None }
    }
}

impl Placeable for Router {
    const KIND: &'static str = "router";
    const TITLE: &'static str = "Router";
    const ABOUT: &'static str =
        crate::later_text!("Finds ways to every host, by distance vectors or link states, and passes packets on.");
    const GLYPH: Glyph = Glyph::Balancer;
    const FAMILY: Family = Family::Edge;
    const TALKS_TO: &'static [&'static str] = &["router", Host::KIND];
    fn machine() -> Machine {
        Machine { service: Dist::Constant(Micros::ms(1)), ..Machine::default() }
    }
}
