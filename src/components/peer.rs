//! A peer: a site with a copy of a database, of which it hears and tells by rumours, anti-entropy or flooding.

use crate::protocols::Family;
use crate::protocols::rumour::{
    self, Database, Deletion, Entry, Keeping, Message as Rumour, Rules, Site, Spreading, Stamping, Stop, Told, Write,
};
use crate::sim::{Component, Context, Lift, Look, Micros, NodeId, Time, Work};

use super::{Fact, Glyph, Message, Placeable};

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
        /// When the same peer deletes it; 0s for never.
        ends: Micros = Micros::ZERO, in 0, 86400, "";
        /// How often somebody puts in or deletes an item at each, on average; 0s for never.
        every: Micros = Micros::ZERO, in 0, 86400, "";
        /// How many items these are.
        items: u32 = 4, in 1, 1000, "";
        /// Which share of that are deletions.
        deletes: f64 = 0.25, in 0, 1, "";
        /// When it loses interest in a rumour; all but never leave somebody out where no exchange stands behind them.
        stop: Stop = Stop::Never, in 0, 0, "";
        /// counter, coin: After how many unnecessary contacts it stops, or in one case of how many.
        k: u32 = 1, in 1, 100, "";
        /// counter, coin: Whether only contacts with those who knew are unnecessary; otherwise all are (blind).
        feedback: bool = true, in 0, 0, "";
        /// How often it compares all that it has with a neighbour (anti-entropy); 0s for never.
        exchange: Micros = Micros::ZERO, in 0, 86400, "";
        /// What takes the place of what it deletes; nothing is a mistake.
        deletion: Deletion = Deletion::Certificate, in 0, 0, "";
        /// For how long it keeps death certificates, 0s for ever; less than the longest trouble is a mistake.
        keeps: Micros = Micros::ZERO, in 0, 86400, "";
        /// Whose time stamp an entry has where it was heard; receiver is a mistake.
        stamping: Stamping = Stamping::Origin, in 0, 0, "";
        /// Where it keeps what it knows; memory is a mistake where peers may crash.
        keeping: Keeping = Keeping::Disk, in 0, 0, "";
        /// For the check: by when everyone must have heard.
        bound: Micros = Micros::secs(30), in 0.001, 86400, "";
    }
}

impl PeerConfig {
    fn rules(&self) -> Rules {
        Rules {
            spreading: self.spreading,
            round: self.round,
            start: Time(self.start.0),
            stop: self.stop,
            k: self.k,
            feedback: self.feedback,
            exchange: self.exchange,
            deletion: self.deletion,
            keeps: self.keeps,
            stamping: self.stamping,
            keeping: self.keeping,
        }
    }
}

/// The item that the first of a group hears by itself.
const FIRST: u32 = 0;

/// What a peer waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To hear of it by itself.
    Start,
    /// To delete that.
    End,
    /// For somebody to put something in.
    Next,
    /// What the protocol waits for.
    Site(rumour::Timer),
}

/// A peer.
#[derive(Clone, Debug, Hash)]
pub struct Peer {
    site: Site,
}

type SitePort<'c, 'a> = Lift<'c, 'a, Peer, Rumour, rumour::Timer, Write>;

fn port<'c, 'a>(cx: &'c mut Context<'a, Peer>) -> SitePort<'c, 'a> {
    Lift { cx, message: Message::Rumour, timer: Timer::Site, write: |write| write }
}

fn wired(cx: &Context<Peer>) -> Vec<NodeId> {
    cx.peers_of(Peer::KIND).collect()
}

impl Peer {
    fn publish(&mut self, cx: &mut Context<Self>, key: u32, value: Option<u32>) {
        let (rules, wired) = (cx.config().rules(), wired(cx));
        self.site.publish(&mut port(cx), &rules, key, value, &wired);
        // Who forgets what it deletes tells people that it is deleted, all the same.
        if value.is_none() && rules.deletion == Deletion::Nothing {
            let stamp = rumour::Stamp { at: cx.now(), by: cx.id() };
            cx.fact(Fact::Rumour(Told::Published(Entry { key, stamp, value, hops: 0 })));
        }
    }

    /// Somebody does something: three draws, whatever it is.
    fn next(&mut self, cx: &mut Context<Self>) {
        let config = cx.config();
        let key = FIRST + 1 + cx.load_rng().below(u64::from(config.items)) as u32;
        let deletes = cx.load_rng().unit() < config.deletes;
        let value = cx.load_rng().below(1_000) as u32;
        self.publish(cx, key, Some(value).filter(|_| !deletes));
        Peer::later(cx);
    }

    fn later(cx: &mut Context<Self>) {
        let every = cx.config().every.0 as f64;
        if every > 0.0 {
            // Poisson.
            let unit = cx.load_rng().unit();
            cx.set(Timer::Next, Micros::from_f64(-libm::log(1.0 - unit) * every));
        } else {
            cx.cancel(&Timer::Next);
        }
    }

    /// Tells what it came to know.
    fn tell(&mut self, cx: &mut Context<Self>, sent: u64) {
        for told in self.site.told() {
            if let Told::Published(entry) | Told::Learnt { entry, .. } = &told {
                cx.measure("heard", cx.now().since(entry.stamp.at).0);
                cx.measure("hops", u64::from(entry.hops));
            }
            cx.fact(Fact::Rumour(told));
        }
        for _ in sent..self.site.sent {
            cx.measure("updates sent", 1);
        }
    }
}

impl Component for Peer {
    type Message = Message;
    type Config = PeerConfig;
    type Disk = Database;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &Database) -> Self {
        // A newcomer, or one that comes back, hears it from others.
        let (own, config) = (cx.template(), cx.config());
        let first = cx.peers().iter().all(|peer| peer.template != own || peer.id > cx.id());
        for (at, timer) in [(config.start, Timer::Start), (config.ends, Timer::End)] {
            let wanted = config.starts && first && (at > Micros::ZERO || timer == Timer::Start);
            if wanted && cx.now() <= Time(at.0) {
                cx.set(timer, Time(at.0).since(cx.now()));
            }
        }
        let mut peer = Peer { site: Site::new(disk) };
        peer.site.wake(&mut port(cx), &config.rules(), false, false);
        Peer::later(cx);
        peer.tell(cx, 0);
        peer
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let (rules, wired, sent) = (cx.config().rules(), wired(cx), self.site.sent);
        match message {
            Message::Rumour(message) => self.site.on_message(&mut port(cx), &rules, from, message, &wired),
            other => super::not_understood(cx, from, &other),
        }
        self.tell(cx, sent);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        let (rules, wired, sent) = (cx.config().rules(), wired(cx), self.site.sent);
        match timer {
            Timer::Start => self.publish(cx, FIRST, Some(1)),
            Timer::End => self.publish(cx, FIRST, None),
            Timer::Next => self.next(cx),
            Timer::Site(timer) => self.site.on_timer(&mut port(cx), &rules, timer, &wired),
        }
        self.tell(cx, sent);
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        // Another way may need rounds, or the exchange, where there were none.
        let round = cx.is_set(&Timer::Site(rumour::Timer::Round));
        let exchange = cx.is_set(&Timer::Site(rumour::Timer::Exchange));
        let rules = cx.config().rules();
        self.site.wake(&mut port(cx), &rules, round, exchange);
        if !cx.is_set(&Timer::Next) || cx.config().every == Micros::ZERO {
            Peer::later(cx);
        }
    }

    fn look(&self, _: &PeerConfig) -> Look {
        let live = self.site.items().filter(|entry| entry.value.is_some());
        let telling = self.site.items().filter(|entry| self.site.infective(entry.key)).count();
        let star = live.clone().next().is_some();
        let role = match (self.site.items().last(), star, telling) {
            (None, ..) => "has not heard",
            (_, true, 0) => "has heard",
            (_, true, _) => "tells it",
            (_, false, 0) => "knows of the deletion",
            (_, false, _) => "tells of the deletion",
        };
        let mut lines = vec![("updates sent", self.site.sent.to_string())];
        for entry in self.site.items().take(8) {
            lines.push((if entry.value.is_some() { "has" } else { "deleted" }, entry.to_string()));
        }
        Look { role: role.into(), star, ready: true, lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Start => "hears something",
            Timer::End => "deletes it",
            Timer::Next => "somebody acts",
            Timer::Site(rumour::Timer::Round) => "round",
            Timer::Site(rumour::Timer::Exchange) => "anti-entropy",
            Timer::Site(rumour::Timer::Written(_)) => "written",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Peer {
    const KIND: &'static str = "peer";
    const TITLE: &'static str = "Peer";
    const ABOUT: &'static str =
        crate::later_text!("Spreads what it has heard: rumours with anti-entropy behind them, or flooding.");
    const GLYPH: Glyph = Glyph::Gateway;
    const FAMILY: Family = Family::Edge;
    const TALKS_TO: &'static [&'static str] = &["peer"];
}
