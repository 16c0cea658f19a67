//! The balancer: tells those who connect which gateway to use, of those that answer its health checks.

use crate::protocols::chat::Why;
use crate::protocols::health::Detector;
use crate::protocols::{Family, chat, health};
use crate::sim::{Component, Context, Discipline, Dist, Look, Machine, Micros, NodeId, Table, Work};

use super::{Glyph, Message, Placeable};

crate::choice! {
    /// How a balancer chooses.
    pub enum Policy {
        /// One after the other.
        RoundRobin = "round-robin",
        /// Any.
        Random = "random",
        /// The one with the fewest sessions, as far as it knows.
        LeastConnections = "least-connections",
        /// The better of two drawn at random (Mitzenmacher 2001).
        TwoChoices = "two-choices",
    }
}

crate::config! { @opening
    /// What can be set about a balancer.
    pub struct BalancerConfig {
        /// How it chooses among the gateways that are well.
        choice: Policy = Policy::LeastConnections, in 0, 0, "";
        /// How often it asks each gateway whether it is there.
        heartbeat: Micros = Micros::ms(250), in 0.02, 10.0, "";
        /// After how many beats without an answer a gateway gets nobody any more.
        missed: u32 = 3, in 1, 20, "";
    }
}

/// What a balancer waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To ask whether the gateways are there.
    Beat,
}

#[derive(Clone, Debug, Hash)]
struct Known {
    detector: Detector,
    /// Sessions, as it last said, and those sent to it since.
    sessions: u32,
}

/// A balancer.
#[derive(Clone, Debug, Hash)]
pub struct Balancer {
    known: Table<NodeId, Known>,
    round: u32,
    turn: u32,
    assigned: u64,
}

impl Balancer {
    fn beat(&mut self, cx: &mut Context<Self>) {
        self.round = self.round.wrapping_add(1);
        let patience = patience(cx.config());
        let now = cx.now();
        self.known.retain(|gateway, known| {
            let wired = cx.peers_of("gateway").any(|peer| peer == *gateway);
            if wired && known.detector.suspects(now, patience) {
                cx.note(format!("{gateway} does not answer: it gets nobody"));
                return false;
            }
            wired
        });
        for gateway in cx.peers_of("gateway") {
            cx.send(gateway, health::Message::Ping { round: self.round }.into());
        }
        cx.set(Timer::Beat, cx.config().heartbeat);
    }

    /// A gateway that is well, `avoid` only if there is no other.
    fn choose(&mut self, cx: &mut Context<Self>, avoid: Option<NodeId>) -> Option<NodeId> {
        let (now, patience) = (cx.now(), patience(cx.config()));
        let mut well: Vec<(NodeId, u32)> = self
            .known
            .iter()
            .filter(|(_, known)| !known.detector.suspects(now, patience))
            .map(|(gateway, known)| (*gateway, known.sessions))
            .collect();
        if well.len() > 1 {
            well.retain(|(gateway, _)| Some(*gateway) != avoid);
        }
        // Always two draws, so that another policy does not shift the luck of what follows.
        let count = well.len() as u64;
        let (one, two) = (cx.rng().below(count) as usize, cx.rng().below(count) as usize);
        let fewest = |places: &mut dyn Iterator<Item = (NodeId, u32)>| {
            places.min_by_key(|(gateway, sessions)| (*sessions, *gateway)).map(|(gateway, _)| gateway)
        };
        self.turn = self.turn.wrapping_add(1);
        let place = |place: usize| well.get(place).copied();
        match cx.config().choice {
            Policy::RoundRobin => place(self.turn as usize % well.len().max(1)).map(|(gateway, _)| gateway),
            Policy::Random => place(one).map(|(gateway, _)| gateway),
            Policy::LeastConnections => fewest(&mut well.iter().copied()),
            Policy::TwoChoices => fewest(&mut [place(one), place(two)].into_iter().flatten()),
        }
    }
}

fn patience(config: &BalancerConfig) -> Micros {
    Micros(config.heartbeat.0 * u64::from(config.missed))
}

impl Component for Balancer {
    type Message = Message;
    type Config = BalancerConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        // Those that it finds count as well until their silence says otherwise, so that nobody waits for the first beat.
        let now = cx.now();
        let known = || Known { detector: Detector::new(now), sessions: 0 };
        let known = cx.peers_of("gateway").map(|gateway| (gateway, known())).collect();
        let mut balancer = Balancer { known, round: 0, turn: 0, assigned: 0 };
        balancer.beat(cx);
        balancer
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Chat(chat::Message::Connect { avoid }) => {
                let Some(gateway) = self.choose(cx, avoid) else {
                    return cx.send(from, chat::Message::Refused { why: Why::NoGateway }.into());
                };
                if let Some(known) = self.known.get_mut(&gateway) {
                    known.sessions = known.sessions.saturating_add(1);
                }
                self.assigned += 1;
                cx.send(from, chat::Message::Assigned { gateway }.into());
            }
            Message::Chat(chat::Message::Load { sessions }) => {
                if let Some(known) = self.known.get_mut(&from) {
                    known.sessions = sessions;
                }
            }
            Message::Health(health::Message::Pong { .. }) => {
                if cx.peers_of("gateway").any(|peer| peer == from) {
                    let now = cx.now();
                    let known = || Known { detector: Detector::new(now), sessions: 0 };
                    self.known.or_insert_with(from, known).detector.hear(now);
                }
            }
            Message::Health(health::Message::Ping { round }) => cx.send(from, health::Message::Pong { round }.into()),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, Timer::Beat: Timer) {
        self.beat(cx);
    }

    fn look(&self, config: &BalancerConfig) -> Look {
        let policy = crate::sim::FieldType::to_value(&config.choice).to_string();
        let mut lines = vec![("choice", policy), ("assigned", self.assigned.to_string())];
        lines.extend(self.known.iter().map(|(gateway, known)| ("gateway", format!("{gateway}: {}", known.sessions))));
        Look { role: "balancer".into(), star: false, ready: !self.known.is_empty(), lines, log: Vec::new() }
    }

    fn timer_name(Timer::Beat: &Timer) -> &'static str {
        "health check"
    }

    fn work(&self, message: &Message) -> Work {
        match message {
            Message::Chat(chat::Message::Connect { .. }) => Work::Service,
            _ => Work::None,
        }
    }
}

impl Placeable for Balancer {
    const KIND: &'static str = "balancer";
    const TITLE: &'static str = "Load balancer";
    const ABOUT: &'static str = "Tells those who connect which gateway to use, of those that answer its health checks.";
    const GLYPH: Glyph = Glyph::Balancer;
    const FAMILY: Family = Family::Edge;
    const TALKS_TO: &'static [&'static str] = &["client", "gateway"];
    fn machine() -> Machine {
        Machine {
            cores: 1,
            service: Dist::Constant(Micros(200)),
            inbox: 256,
            disk: Dist::default(),
            startup: Micros::ms(300),
            discipline: Discipline::Fifo,
        }
    }
}
