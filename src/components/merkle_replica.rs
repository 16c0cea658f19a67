//! A replica of a range of keys: stores what people put in at it, sends that to the others, and finds by a
//! [hash tree](crate::protocols::merkle) what did not arrive.

use std::rc::Rc;

use crate::protocols::Family;
use crate::protocols::anti_entropy::{
    Compares, Event, Hashes, MAX_KEYS, Message as AntiEntropy, Replica, Rules, Timer as Protocol, Upkeep,
};
use crate::protocols::rumour::{Database, Told, Write};
use crate::sim::{Component, Context, Digest, Lift, Look, Machine, Micros, NodeId, Work, clock};

use super::{Fact, Glyph, Message, Placeable};

crate::config! {
    /// What can be set about a replica.
    pub struct MerkleReplicaConfig {
        /// How often somebody puts in or deletes something at it, on average; 0 for never.
        rate: f64 = 0.0, in 0.0, 1000.0, "1/s";
        /// How many keys there are.
        keys: u32 = 256, in 1, 4096, "";
        /// Which share of what is put in are deletions.
        deletes: f64 = 0.1, in 0.0, 1.0, "";
        /// How many leaves its tree has; the next power of two.
        leaves: u32 = 64, in 1, 4096, "";
        /// How often it compares what it has with another; 0s for never.
        every: Micros = Micros::ms(500), in 0, 3600, "";
        /// How often it makes its tree anew from what is there; 0s for never.
        scrub: Micros = Micros::secs(2), in 0, 3600, "";
        /// What it compares.
        compares: Compares = Compares::Tree, in 0, 0, "";
        /// What the hash of a leaf is made of; keys without versions are a mistake.
        hashes: Hashes = Hashes::Versions, in 0, 0, "";
        /// When its tree is brought up to date; only when it starts is a mistake.
        upkeep: Upkeep = Upkeep::Always, in 0, 0, "";
        /// For how long it keeps death certificates, 0s for ever; less than the longest trouble is a mistake.
        keeps: Micros = Micros::secs(60), in 0, 86400, "";
        /// How many keys a second its disk loses, on average, without saying so.
        rots: f64 = 0.0, in 0.0, 100.0, "1/s";
        /// For the check: by when everyone must have heard.
        bound: Micros = Micros::secs(30), in 0.001, 86400, "";
    }
}

/// What a replica waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// For somebody to put something in.
    Next,
    /// For its disk to lose a key.
    Rot,
    /// Something of the protocol.
    Protocol(Protocol),
}

/// A replica.
#[derive(Clone, Debug, Hash)]
pub struct MerkleReplica {
    replica: Replica,
    compared: u64,
    repaired: u64,
}

fn port<'c, 'a>(cx: &'c mut Context<'a, MerkleReplica>) -> Lift<'c, 'a, MerkleReplica, AntiEntropy, Protocol, Write> {
    Lift { cx, message: Message::AntiEntropy, timer: Timer::Protocol, write: |write| write }
}

fn rules(config: &MerkleReplicaConfig) -> Rules {
    let MerkleReplicaConfig { keys, leaves, every, scrub, compares, hashes, upkeep, keeps, .. } = *config;
    Rules { keys: keys.min(MAX_KEYS), leaves, every, scrub, compares, hashes, upkeep, keeps }
}

fn others(cx: &Context<MerkleReplica>) -> Vec<NodeId> {
    cx.peers_of(MerkleReplica::KIND).collect()
}

impl MerkleReplica {
    /// The next of what comes by chance, so often a second.
    fn later(cx: &mut Context<Self>, timer: Timer, rate: f64) {
        let gap = -libm::log(1.0 - cx.load_rng().unit());
        if rate > 0.0 {
            cx.set(timer, Micros::from_f64(gap * 1e6 / rate));
        } else {
            cx.cancel(&timer);
        }
    }

    /// What is under a key now, for whoever compares replicas: deleted is as good as never there.
    fn kept(&self, cx: &mut Context<Self>, key: u32) {
        let item = self.replica.item(key).and_then(|entry| entry.value.map(|value| (entry.stamp, value)));
        let (mark, told) = match item {
            Some((stamp, value)) => {
                let mut digest = Digest::default();
                std::hash::Hash::hash(&(stamp, value), &mut digest);
                (std::hash::Hasher::finish(&digest), format!("{value} of {} s", clock(stamp.at)))
            }
            None => (0, "nothing".to_owned()),
        };
        let mut homes = others(cx);
        homes.push(cx.id());
        homes.sort_unstable();
        cx.fact(Fact::Kept {
            key: u64::from(key),
            mark,
            told: told.into(),
            homes: homes.into(),
            through: Rc::from([]),
        });
    }

    fn tell(&mut self, cx: &mut Context<Self>) {
        for event in self.replica.events() {
            match event {
                Event::Told(told) => {
                    match &told {
                        Told::Published(_) => cx.measure("writes", 1),
                        Told::Learnt { entry, .. } => cx.measure("age of news", cx.now().since(entry.stamp.at).0),
                        _ => {}
                    }
                    cx.fact(Fact::Rumour(told));
                }
                Event::Changed(key) => self.kept(cx, key),
                Event::Compared(spent) => {
                    self.compared += 1;
                    self.repaired += u64::from(spent.keys);
                    cx.measure("a comparison, in bytes", spent.bytes);
                    cx.measure("a list of all keys, in bytes", self.replica.whole());
                    cx.measure("a comparison, in hashes", u64::from(spent.hashes));
                    for _ in 0..spent.keys {
                        cx.measure("keys repaired", 1);
                    }
                }
            }
        }
    }

    /// Somebody does something: three draws, whatever it is.
    fn next(&mut self, cx: &mut Context<Self>) {
        let (keys, deletes) = (u64::from(cx.config().keys), cx.config().deletes);
        let key = cx.load_rng().below(keys) as u32;
        let deletes = cx.load_rng().unit() < deletes;
        let value = cx.load_rng().below(1_000) as u32;
        self.replica.publish(&mut port(cx), key, Some(value).filter(|_| !deletes));
    }

    fn rot(&mut self, cx: &mut Context<Self>) {
        let keys: Vec<u32> = self.replica.items().map(|entry| entry.key).collect();
        let place = cx.load_rng().below(keys.len().max(1) as u64) as usize;
        if let Some(key) = keys.get(place)
            && self.replica.rot(&mut port(cx), *key)
        {
            cx.measure("keys lost by a disk", 1);
            cx.note(format!("its disk has lost what was under key {key}"));
        }
    }
}

impl Component for MerkleReplica {
    type Message = Message;
    type Config = MerkleReplicaConfig;
    type Disk = Database;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &Database) -> Self {
        let rules = rules(cx.config());
        let replica = Replica::boot(disk, &rules);
        replica.wake(&mut port(cx), &rules);
        let (rate, rots) = (cx.config().rate, cx.config().rots);
        MerkleReplica::later(cx, Timer::Next, rate);
        MerkleReplica::later(cx, Timer::Rot, rots);
        let mut own = MerkleReplica { replica, compared: 0, repaired: 0 };
        own.tell(cx);
        own
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::AntiEntropy(message) => {
                let rules = rules(cx.config());
                self.replica.on_message(&mut port(cx), &rules, from, &message);
            }
            other => super::not_understood(cx, from, &other),
        }
        self.tell(cx);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Next => {
                self.next(cx);
                let rate = cx.config().rate;
                MerkleReplica::later(cx, Timer::Next, rate);
            }
            Timer::Rot => {
                self.rot(cx);
                let rots = cx.config().rots;
                MerkleReplica::later(cx, Timer::Rot, rots);
            }
            Timer::Protocol(timer) => {
                let (rules, others) = (rules(cx.config()), others(cx));
                self.replica.on_timer(&mut port(cx), &rules, timer, &others);
            }
        }
        self.tell(cx);
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        let rules = rules(cx.config());
        self.replica.wake(&mut port(cx), &rules);
        let (rate, rots) = (cx.config().rate, cx.config().rots);
        MerkleReplica::later(cx, Timer::Next, rate);
        MerkleReplica::later(cx, Timer::Rot, rots);
    }

    fn look(&self, _: &MerkleReplicaConfig) -> Look {
        let live = self.replica.items().filter(|entry| entry.value.is_some()).count();
        let dead = self.replica.items().count() - live;
        let root = format!("root {:04x}", self.replica.root() >> 48);
        let lines = vec![
            ("hash of all", format!("{:016x}", self.replica.root())),
            ("keys", live.to_string()),
            ("death certificates", dead.to_string()),
            ("comparisons ended here", self.compared.to_string()),
            ("keys that these repaired", self.repaired.to_string()),
        ];
        Look { role: root.into(), ready: true, lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Next => "somebody acts",
            Timer::Rot => "its disk loses a key",
            Timer::Protocol(Protocol::Exchange) => "anti-entropy",
            Timer::Protocol(Protocol::Scrub) => "tree made anew",
            Timer::Protocol(Protocol::Written(_)) => "written",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for MerkleReplica {
    const KIND: &'static str = "merkle-replica";
    const TITLE: &'static str = "Replica with a hash tree";
    const ABOUT: &'static str = crate::later_text!(
        "Keeps a copy of a range of keys, and finds by a tree of hashes where it differs from other copies."
    );
    const GLYPH: Glyph = Glyph::Database;
    const FAMILY: Family = Family::Storage;
    const TALKS_TO: &'static [&'static str] = &["merkle-replica"];
    fn machine() -> Machine {
        super::store_machine()
    }
}
