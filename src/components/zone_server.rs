//! A zone server: one stripe of a game world and everyone in it. It goes in ticks, tells players what they see, and hands
//! whoever crosses its border over to the zone beyond.
//!
//! A tick takes as long as there is to tell. When it is over its budget, the next one begins late: time in this zone goes
//! slower than in the world, which some games do on purpose and call time dilation.

use std::rc::Rc;

use crate::protocols::Family;
use crate::protocols::game::{self, Interest, Message as Game, WIDTH};
use crate::protocols::handover::{self, Body, Book, Gifts, Handover, Message as Offer, Rules};
use crate::sim::{Component, Context, Dist, Item, Lift, Look, Machine, Micros, NodeId, Work};

use super::{Fact, Glyph, Message, Placeable};

/// How many items a player begins with.
const ITEMS: u32 = 3;

crate::config! {
    /// What can be set about a zone server.
    pub struct ZoneServerConfig {
        /// How long a tick may take: its budget.
        tick: Micros = Micros::ms(250), in 0.01, 10, "";
        /// How long it takes to tell one player where one other is.
        cost: Micros = Micros(300), in 0, 1, "";
        /// Into how many stripes the world is divided; each belongs to one zone server, in their order.
        stripes: u32 = 3, in 1, 64, "";
        /// Of whom a player is told.
        interest: Interest = Interest::Near, in 0, 0, "";
        /// How far one sees.
        reach: u32 = 250, in 0, 10000, "";
        /// Of how many a player is told at most, where it is the nearest.
        most: u32 = 8, in 0, 1000, "";
        /// How far one walks in a second.
        pace: u32 = 120, in 0, 10000, "m/s";
        /// Whether it keeps a player whom it hands over until the other zone has them; not to is a mistake.
        confirm: bool = true, in 0, 0, "";
        /// Whether it refuses an offer under a number that it has seen; not to is a mistake.
        fencing: bool = true, in 0, 0, "";
        /// When a gift is on the disk; with the next snapshot is a mistake.
        gifts: Gifts = Gifts::AtOnce, in 0, 0, "";
        /// How often it saves where everyone is.
        snapshot: Micros = Micros::secs(5), in 0.1, 3600, "";
        /// After how long without an answer it offers a player again.
        again: Micros = Micros::ms(800), in 0.01, 60, "";
    }
}

/// What a zone server waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To begin a tick.
    Tick,
    /// To have done with it.
    Done,
    /// To save everything.
    Snapshot,
    /// Something about a handover.
    Handover(handover::Timer),
}

/// A zone server.
#[derive(Clone, Debug, Hash)]
pub struct ZoneServer {
    handover: Handover,
    /// Of this tick: how long it takes, and what is to be told to whom.
    took: Micros,
    sights: Vec<(NodeId, Rc<[NodeId]>)>,
    states: u64,
}

fn port<'c, 'a>(
    cx: &'c mut Context<'a, ZoneServer>,
) -> Lift<'c, 'a, ZoneServer, Offer, handover::Timer, handover::Write> {
    Lift { cx, message: Message::Handover, timer: Timer::Handover, write: |write| write }
}

fn rules(config: &ZoneServerConfig) -> Rules {
    Rules { confirm: config.confirm, fencing: config.fencing, gifts: config.gifts, again: config.again }
}

/// Whose stripe this is: the zone servers stand in their order, as everyone knows them, and the last one has the rest.
fn owner(cx: &Context<ZoneServer>, x: i32) -> NodeId {
    let stripe = game::stripe(x, cx.config().stripes) as usize;
    let before = cx.peers_of(ZoneServer::KIND).take_while(|id| *id < cx.id()).count();
    let all = cx.peers_of(ZoneServer::KIND).take(before).chain([cx.id()]);
    let all = all.chain(cx.peers_of(ZoneServer::KIND).skip(before));
    all.take(stripe + 1).last().unwrap_or(cx.id())
}

impl ZoneServer {
    fn tick(&mut self, cx: &mut Context<Self>) {
        let (config, rules) = (cx.config(), rules(cx.config()));
        let far = f64::from(config.pace) * config.tick.0 as f64 / 1e6;
        for (_, body) in self.handover.here_mut() {
            body.at = game::step(body.at, body.to, far);
        }
        let me = cx.id();
        let here = self.handover.here().iter();
        let gone = here.map(|(player, body)| (*player, owner(cx, body.at.0))).filter(|(_, owner)| *owner != me);
        for (player, owner) in gone.collect::<Vec<_>>() {
            self.handover.leave(&mut port(cx), &rules, player, owner);
        }
        let all: Vec<_> = self.handover.here().iter().map(|(player, body)| (*player, body.at)).collect();
        let sights = game::sights(config.interest, config.reach, config.most as usize, &all);
        self.states = sights.iter().map(|seen| seen.len() as u64).sum();
        self.sights = all.iter().map(|(player, _)| *player).zip(sights.into_iter().map(Rc::from)).collect();
        self.took = Micros(self.states * config.cost.0);
        cx.set(Timer::Done, self.took);
    }

    fn done(&mut self, cx: &mut Context<Self>) {
        for (player, sees) in std::mem::take(&mut self.sights) {
            if let Some(body) = self.handover.here().get(&player) {
                let (number, at, items) = (self.handover.number(player), body.at, body.items.clone());
                cx.send(player, Game::Update { number, at, items, sees }.into());
            }
        }
        if !self.handover.here().is_empty() {
            cx.measure("tick", self.took.0);
            cx.measure("states", self.states);
            cx.measure("players", self.handover.here().len() as u64);
        }
        // Also an empty world goes on, whatever its budget.
        cx.set(Timer::Tick, Micros(cx.config().tick.0.saturating_sub(self.took.0).max(1)));
    }

    fn tell(&mut self, cx: &mut Context<Self>) {
        let (told, took) = self.handover.told();
        for told in told {
            cx.fact(Fact::Player(told));
        }
        for span in took {
            cx.measure("handover", span.0);
        }
    }

    fn on_game(&mut self, cx: &mut Context<Self>, from: NodeId, message: Game) {
        match message {
            Game::Join { at } => {
                let items = (0..ITEMS).map(|ordinal| handover::item(from, ordinal)).collect();
                self.handover.create(&mut port(cx), from, Body { at, to: at, items });
            }
            Game::Move { to } => {
                if let Some(body) = self.handover.body_mut(from) {
                    body.to = (to.0.clamp(0, WIDTH - 1), to.1.clamp(0, game::HEIGHT - 1));
                }
            }
            Game::Give { item, to } => {
                let rules = rules(cx.config());
                self.handover.give(&mut port(cx), &rules, item, from, to);
            }
            Game::Update { .. } => super::not_understood(cx, from, &message.into()),
        }
    }
}

impl Component for ZoneServer {
    type Message = Message;
    type Config = ZoneServerConfig;
    type Disk = Book;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &Book) -> Self {
        let (took, sights) = (Micros::ZERO, Vec::new());
        let mut zone = ZoneServer { handover: Handover::boot(disk), took, sights, states: 0 };
        let rules = rules(cx.config());
        zone.handover.start(&mut port(cx), &rules);
        zone.tell(cx);
        // Not all zones at once.
        let part = u64::from(cx.id().0 % 4) + 1;
        cx.set(Timer::Tick, Micros(cx.config().tick.0 * part / 4));
        cx.set(Timer::Snapshot, cx.config().snapshot);
        zone
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Handover(message) => {
                let rules = rules(cx.config());
                self.handover.on_message(&mut port(cx), &rules, from, message);
            }
            Message::Game(message) => self.on_game(cx, from, message),
            other => super::not_understood(cx, from, &other),
        }
        self.tell(cx);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Tick => self.tick(cx),
            Timer::Done => self.done(cx),
            Timer::Snapshot => {
                self.handover.snapshot(&mut port(cx));
                cx.set(Timer::Snapshot, cx.config().snapshot);
            }
            Timer::Handover(timer) => {
                let rules = rules(cx.config());
                self.handover.on_timer(&mut port(cx), &rules, timer);
            }
        }
        self.tell(cx);
    }

    fn look(&self, config: &ZoneServerConfig) -> Look {
        let (leaving, entering) = self.handover.between();
        let here = self.handover.here().len();
        let late = self.took > config.tick;
        let lines = vec![
            ("players", here.to_string()),
            ("the last tick took", self.took.to_string()),
            ("states told in it", self.states.to_string()),
            ("let go, not accepted", leaving.to_string()),
            ("on their way in", entering.to_string()),
        ];
        let role = format!("{here} players{}", if late { ", late" } else { "" });
        Look { role: role.into(), ready: !late, lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Tick => "tick",
            Timer::Done => "tick is done",
            Timer::Snapshot => "snapshot",
            Timer::Handover(handover::Timer::Entered(_)) => "player written",
            Timer::Handover(handover::Timer::Intent(..)) => "intent written",
            Timer::Handover(handover::Timer::Again(..)) => "offer again",
        }
    }

    fn work(&self, _: &Message) -> Work {
        // What players ask for is gathered, and done with the next tick.
        Work::None
    }

    fn carries(&self, item: Item) -> bool {
        self.handover.carries(item)
    }
}

impl Placeable for ZoneServer {
    const KIND: &'static str = "zone-server";
    const TITLE: &'static str = "Zone server";
    const ABOUT: &'static str = crate::later_text!(
        "Moves everyone in its stripe of a game world, tells them whom they see, and hands over whoever leaves it."
    );
    const GLYPH: Glyph = Glyph::Worker;
    const FAMILY: Family = Family::Work;
    const TALKS_TO: &'static [&'static str] = &["player", "zone-server"];
    fn machine() -> Machine {
        Machine {
            disk: Dist::Lognormal { median: Micros::ms(2), p99: Micros::ms(8) },
            startup: Micros::ms(300),
            ..Machine::default()
        }
    }
}
