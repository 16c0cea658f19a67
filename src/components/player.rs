//! A player of a game: walks about in the world, and gives something away now and then to somebody in sight.

use std::rc::Rc;

use crate::protocols::Family;
use crate::protocols::game::{self, HEIGHT, WIDTH};
use crate::sim::{Component, Context, Item, Look, Micros, NodeId, Work};

use super::zone_server::ZoneServer;
use super::{Glyph, Message, Placeable};

/// How far from the middle of the world somebody goes at most who goes to what happens there.
const CROWD: i32 = 60;
/// After how long without an answer one asks again to be let in.
const AGAIN: Micros = Micros::secs(1);

crate::config! {
    /// What can be set about a player.
    pub struct PlayerConfig {
        /// How long one stays on a way before one thinks of another, on average.
        roams: Micros = Micros::secs(8), in 0.1, 86400, "";
        /// The share of players who go to the middle of the world, where something happens.
        crowd: f64 = 0.0, in 0.0, 1.0, "";
        /// How often one gives something away, on average.
        gives: f64 = 0.1, in 0.0, 100.0, "1/s";
    }
}

/// What a player waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To ask again to be let in.
    Join,
    /// To think of another way.
    Roam,
    /// To give something away.
    Give,
}

/// A player.
#[derive(Clone, Debug, Hash)]
pub struct Player {
    /// The zone that one is in, and the number of the handover that brought one there.
    zone: Option<(NodeId, u64)>,
    at: (i32, i32),
    items: Rc<[Item]>,
    sees: Rc<[NodeId]>,
    /// From 0 to 999 999: whether one goes where something happens.
    fond: u64,
}

/// Exponential, of this mean; the draw is taken whatever it is.
fn span(cx: &mut Context<Player>, mean: f64) -> Micros {
    Micros::from_f64(-libm::log(1.0 - cx.load_rng().unit()) * mean)
}

impl Player {
    fn join(&self, cx: &mut Context<Self>) {
        // Everyone comes in by the same gate, so that nobody is let in twice.
        if let Some(gate) = cx.peers_of(ZoneServer::KIND).next() {
            cx.send(gate, game::Message::Join { at: self.at }.into());
            cx.set(Timer::Join, AGAIN);
        }
    }

    /// Two draws, wherever one goes.
    fn roam(&mut self, cx: &mut Context<Self>) {
        let (x, y) = (cx.load_rng().unit(), cx.load_rng().unit());
        let part = |unit: f64, from: i32, to: i32| from + (unit * f64::from(to - from)) as i32;
        let drawn = (self.fond as f64) < cx.config().crowd * 1e6;
        let to = match drawn {
            true => (part(x, WIDTH / 2 - CROWD, WIDTH / 2 + CROWD), part(y, HEIGHT / 2 - CROWD, HEIGHT / 2 + CROWD)),
            false => (part(x, 0, WIDTH), part(y, 0, HEIGHT)),
        };
        if let Some((zone, _)) = self.zone {
            cx.send(zone, game::Message::Move { to }.into());
        }
        let mean = cx.config().roams.0 as f64;
        let next = span(cx, mean);
        cx.set(Timer::Roam, next);
    }

    fn later(cx: &mut Context<Self>) {
        let rate = cx.config().gives;
        let next = span(cx, if rate > 0.0 { 1e6 / rate } else { 0.0 });
        if rate > 0.0 {
            cx.set(Timer::Give, next);
        } else {
            cx.cancel(&Timer::Give);
        }
    }

    /// Two draws, whoever is there.
    fn give(&mut self, cx: &mut Context<Self>) {
        let item = cx.load_rng().below(self.items.len().max(1) as u64) as usize;
        let to = cx.load_rng().below(self.sees.len().max(1) as u64) as usize;
        if let (Some((zone, _)), Some(item), Some(to)) = (self.zone, self.items.get(item), self.sees.get(to)) {
            cx.send(zone, game::Message::Give { item: *item, to: *to }.into());
        }
        Player::later(cx);
    }
}

impl Component for Player {
    type Message = Message;
    type Config = PlayerConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        let fond = cx.rng().below(1_000_000);
        let at = (cx.rng().below(WIDTH as u64) as i32, cx.rng().below(HEIGHT as u64) as i32);
        let player = Player { zone: None, at, items: Rc::from([]), sees: Rc::from([]), fond };
        player.join(cx);
        let mean = cx.config().roams.0 as f64;
        let first = span(cx, mean);
        cx.set(Timer::Roam, first);
        Player::later(cx);
        player
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let Message::Game(game::Message::Update { number, at, items, sees }) = message else {
            return super::not_understood(cx, from, &message);
        };
        match self.zone {
            Some((_, known)) if known > number => return,
            None => cx.cancel(&Timer::Join),
            Some(_) => {}
        }
        self.zone = Some((from, number));
        (self.at, self.items, self.sees) = (at, items, sees);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Join => self.join(cx),
            Timer::Roam => self.roam(cx),
            Timer::Give => self.give(cx),
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        // Everyone hears of it, some sooner than others.
        let soon = Micros(cx.load_rng().below(2_000_000));
        cx.set(Timer::Roam, soon);
        Player::later(cx);
    }

    fn look(&self, _: &PlayerConfig) -> Look {
        let lines = vec![
            ("stands at", format!("{}, {}", self.at.0, self.at.1)),
            ("carries", self.items.len().to_string()),
            ("sees", self.sees.len().to_string()),
        ];
        let role = if self.zone.is_some() { "in the world" } else { "outside" };
        Look { role: role.into(), ready: self.zone.is_some(), lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Join => "join again",
            Timer::Roam => "another way",
            Timer::Give => "a gift",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Player {
    const KIND: &'static str = "player";
    const TITLE: &'static str = "Player";
    const ABOUT: &'static str =
        crate::later_text!("Walks about in a game world, and gives something away now and then.");
    const GLYPH: Glyph = Glyph::Client;
    const FAMILY: Family = Family::People;
    const TALKS_TO: &'static [&'static str] = &["zone-server"];
}
