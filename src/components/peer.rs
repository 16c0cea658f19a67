//! A peer: hears something and spreads it, in rounds to one neighbour at a time, or at once to all.

use crate::protocols::Family;
use crate::protocols::rumour::Message as Rumour;
use crate::sim::{Component, Context, Look, Micros, NodeId, Time, Work};

use super::{Glyph, Message, Placeable};

crate::choice! {
    /// How a peer spreads what it has heard.
    pub enum Spreading {
        /// In each round to one neighbour, any of them, whether or not that one knows.
        Push = "push",
        /// When it hears it, to every neighbour but the one that told it; what it knows already it does not pass on.
        Flood = "flood",
    }
}

crate::config! {
    /// What can be set about a peer.
    pub struct PeerConfig {
        /// How it spreads what it has heard.
        spreading: Spreading = Spreading::Push, in 0, 0, "";
        /// How long a round takes.
        round: Micros = Micros::secs(1), in 0.001, 3600, "";
        /// Whether the first of its group hears something by itself.
        starts: bool = false, in 0, 0, "";
        /// When that hears it.
        start: Micros = Micros::ZERO, in 0, 86400, "";
    }
}

/// What a peer waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To hear of it by itself.
    Start,
    /// To tell somebody.
    Round,
}

/// A peer.
#[derive(Clone, Debug, Hash)]
pub struct Peer {
    /// When it heard, and over how many others.
    heard: Option<(Time, u32)>,
    told: u64,
}

impl Peer {
    fn hear(&mut self, cx: &mut Context<Self>, from: Option<NodeId>, hops: u32) {
        if self.heard.is_some() {
            return;
        }
        self.heard = Some((cx.now(), hops));
        cx.measure("heard", cx.now().since(Time(cx.config().start.0)).0);
        cx.measure("hops", u64::from(hops));
        match cx.config().spreading {
            Spreading::Push => self.next_round(cx),
            Spreading::Flood => {
                for peer in cx.peers_of("peer").filter(|peer| Some(*peer) != from) {
                    self.tell(cx, peer);
                }
            }
        }
    }

    /// Rounds begin at the same instants for everyone.
    fn next_round(&self, cx: &mut Context<Self>) {
        let round = cx.config().round.0.max(1);
        cx.set(Timer::Round, Micros(round - cx.now().since(Time(cx.config().start.0)).0 % round));
    }

    fn tell(&mut self, cx: &mut Context<Self>, to: NodeId) {
        self.told += 1;
        let hops = self.heard.map_or(0, |(_, hops)| hops.saturating_add(1));
        cx.send(to, Rumour::Rumour { hops }.into());
    }
}

impl Component for Peer {
    type Message = Message;
    type Config = PeerConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        // A newcomer, or one that comes back, hears it from others.
        let own = cx.template();
        let first = cx.peers().iter().all(|peer| peer.template != own || peer.id > cx.id());
        if cx.config().starts && first && cx.now() <= Time(cx.config().start.0) {
            cx.set(Timer::Start, Time(cx.config().start.0).since(cx.now()));
        }
        Peer { heard: None, told: 0 }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Rumour(Rumour::Rumour { hops }) => self.hear(cx, Some(from), hops),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        if timer == Timer::Start {
            return self.hear(cx, None, 0);
        }
        let peers: Vec<NodeId> = cx.peers_of("peer").collect();
        let chosen = cx.rng().below(peers.len() as u64) as usize;
        if let Some(peer) = peers.get(chosen) {
            self.tell(cx, *peer);
        }
        self.next_round(cx);
    }

    fn look(&self, _: &PeerConfig) -> Look {
        let role = if self.heard.is_some() { "has heard" } else { "has not heard" };
        let lines = vec![("told", self.told.to_string())];
        Look { role: role.into(), star: self.heard.is_some(), ready: true, lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Start => "hears something",
            Timer::Round => "round",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Peer {
    const KIND: &'static str = "peer";
    const TITLE: &'static str = "Peer";
    const ABOUT: &'static str = crate::later_text!("Spreads what it has heard, by gossip in rounds or by flooding.");
    const GLYPH: Glyph = Glyph::Gateway;
    const FAMILY: Family = Family::Edge;
    const TALKS_TO: &'static [&'static str] = &["peer"];
}
