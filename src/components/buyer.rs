//! A buyer: now and then wants the last ticket. It takes the lock, looks which ticket is left, thinks, and buys it;
//! between any two of these it may stand still, and its clock may be wrong.

use crate::protocols::Family;
use crate::protocols::lease::{Guard, Message as Lease, Sale};
use crate::sim::{Component, Context, Disk, Dist, Look, Machine, Micros, NodeId, Time, Work};

use super::{Glyph, Message, Placeable};

crate::choice! {
    /// When a buyer looks whether its lease is still good.
    pub enum Looks {
        /// Before it thinks.
        BeforeThinking = "before-thinking",
        /// Once more before it buys.
        BeforeBuying = "before-buying",
    }
}

crate::config! {
    /// What can be set about a buyer.
    pub struct BuyerConfig {
        /// How often it wants a ticket.
        rate: f64 = 0.5, in 0.0, 1000.0, "1/s";
        /// What guards the ticket; nothing is a mistake, and a lease alone is not enough.
        guard: Guard = Guard::FencingToken, in 0, 0, "";
        /// How long it thinks between looking and buying.
        think: Micros = Micros::ms(400), in 0.0, 600.0, "";
        /// When it looks whether its lease is still good, by its own clock.
        looks: Looks = Looks::BeforeThinking, in 0, 0, "";
        /// How long it waits for an answer; for the lease it asks again.
        timeout: Micros = Micros::secs(1), in 0.001, 600.0, "";
    }
}

/// What is on a buyer's disk: the number of its life, so that no question of it is numbered like one of an earlier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lives(u64);

impl Disk for Lives {
    type Write = u64;
    fn apply(&mut self, life: u64) {
        self.0 = life;
    }
}

/// Questions are numbered in steps of this from life to life: more than a life asks.
const LIFE: u64 = 1 << 32;

/// What a buyer waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The number of this life is on the disk.
    Ready,
    /// To want a ticket.
    Want,
    /// It has thought.
    Thought,
    /// For an answer, no longer.
    Unanswered,
}

/// What it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Doing {
    Nothing,
    WaitsForLease,
    Looks,
    Thinks { ticket: u64 },
    Buys,
}

/// A lease as its holder sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Held {
    token: u64,
    /// Until when it believes in it, by its own clock.
    until: Time,
}

/// A buyer.
#[derive(Clone, Debug, Hash)]
pub struct Buyer {
    number: u64,
    doing: Doing,
    /// When it first and last asked for the lease, and whether it did so for longer.
    wanted: Time,
    asked: Time,
    renewed: bool,
    /// The number of the first asking.
    first: u64,
    held: Option<Held>,
    bought: u64,
    refused: u64,
    late: u64,
}

impl Buyer {
    fn later(cx: &mut Context<Self>) {
        // Poisson; the draw is taken whatever the rate is.
        let unit = cx.load_rng().unit();
        let rate = cx.config().rate;
        if rate > 0.0 {
            cx.set(Timer::Want, Micros::from_f64(-libm::log(1.0 - unit) / rate * 1e6));
        } else {
            cx.cancel(&Timer::Want);
        }
    }

    fn locks(cx: &Context<Self>) -> bool {
        matches!(cx.config().guard, Guard::Lease | Guard::FencingToken)
    }

    fn want(&mut self, cx: &mut Context<Self>) {
        if Buyer::locks(cx) {
            self.doing = Doing::WaitsForLease;
            (self.wanted, self.renewed, self.first) = (cx.now(), false, self.number + 1);
            self.request(cx);
        } else {
            self.look_for(cx);
        }
    }

    fn request(&mut self, cx: &mut Context<Self>) {
        self.number += 1;
        self.asked = cx.now();
        let number = self.number;
        self.ask(cx, "lock-service", Lease::Request { number }.into());
    }

    fn ask(&mut self, cx: &mut Context<Self>, kind: &'static str, message: Message) {
        let to = cx.peers_of(kind).next();
        if let Some(to) = to {
            cx.send(to, message);
        }
        cx.set(Timer::Unanswered, cx.config().timeout);
    }

    fn look_for(&mut self, cx: &mut Context<Self>) {
        self.doing = Doing::Looks;
        self.number += 1;
        let (number, token, guard) = (self.number, self.held.map(|held| held.token), cx.config().guard);
        self.ask(cx, "box-office", Sale::Look { number, token, guard }.into());
    }

    /// Whether its lease is over, as far as its clock says.
    fn too_late(&mut self, cx: &mut Context<Self>) -> bool {
        let late = self.held.is_some_and(|held| cx.now() >= held.until);
        if late {
            self.late += 1;
            cx.note("sees that its lease is over, and leaves it");
            self.leave(cx);
        }
        late
    }

    fn buy(&mut self, cx: &mut Context<Self>, ticket: u64) {
        if cx.config().looks == Looks::BeforeBuying && self.too_late(cx) {
            return;
        }
        self.doing = Doing::Buys;
        self.number += 1;
        let (number, token, guard) = (self.number, self.held.map(|held| held.token), cx.config().guard);
        self.ask(cx, "box-office", Sale::Buy { number, ticket, token, guard }.into());
    }

    /// It is done, or gives up: the lease goes back.
    fn leave(&mut self, cx: &mut Context<Self>) {
        if let Some(Held { token, .. }) = self.held.take()
            && let Some(service) = cx.peers_of("lock-service").next()
        {
            cx.send(service, Lease::Release { token, number: self.number }.into());
        }
        self.doing = Doing::Nothing;
        cx.cancel(&Timer::Unanswered);
        cx.cancel(&Timer::Thought);
        Buyer::later(cx);
    }

    fn on_grant(&mut self, cx: &mut Context<Self>, from: NodeId, number: u64, token: u64, term: Micros) {
        if self.doing != Doing::WaitsForLease || number < self.first {
            // An asking that it does not care for any more.
            if self.held.is_none_or(|held| held.token != token) {
                cx.send(from, Lease::Release { token, number }.into());
            }
            return;
        }
        // An answer to an earlier asking is counted from when it first asked.
        let since = if number == self.number { self.asked } else { self.wanted };
        // Most of the term may have gone by in the line: then it has the lease made longer first, once.
        if cx.now().since(since).0 > term.0 / 4 && !self.renewed {
            self.renewed = true;
            return self.request(cx);
        }
        self.held = Some(Held { token, until: since + term });
        cx.measure("waited", cx.now().since(self.wanted).0);
        if !self.too_late(cx) {
            self.look_for(cx);
        }
    }

    fn on_sale(&mut self, cx: &mut Context<Self>, sale: &Sale) {
        match (sale, self.doing) {
            (Sale::Left { number, ticket }, Doing::Looks) if *number == self.number => {
                cx.cancel(&Timer::Unanswered);
                if !self.too_late(cx) {
                    self.doing = Doing::Thinks { ticket: *ticket };
                    cx.set(Timer::Thought, cx.config().think);
                }
            }
            (Sale::Sold { number, ticket }, Doing::Buys) if *number == self.number => {
                self.bought += 1;
                cx.note(format!("has ticket {ticket}"));
                self.leave(cx);
            }
            (Sale::Refused { number }, Doing::Looks | Doing::Buys) if *number == self.number => {
                self.refused += 1;
                self.leave(cx);
            }
            _ => {}
        }
    }
}

impl Component for Buyer {
    type Message = Message;
    type Config = BuyerConfig;
    type Disk = Lives;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &Lives) -> Self {
        // Nothing is asked before the number of this life is safe.
        cx.persist(disk.0 + 1, Some(Timer::Ready));
        Buyer {
            number: (disk.0 + 1) * LIFE,
            doing: Doing::Nothing,
            wanted: Time::ZERO,
            asked: Time::ZERO,
            renewed: false,
            first: 0,
            held: None,
            bought: 0,
            refused: 0,
            late: 0,
        }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Lease(Lease::Grant { number, token, term }) => self.on_grant(cx, from, number, token, term),
            Message::Sale(sale) => self.on_sale(cx, &sale),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match (timer, self.doing) {
            (Timer::Ready, _) => Buyer::later(cx),
            (Timer::Want, Doing::Nothing) => self.want(cx),
            (Timer::Thought, Doing::Thinks { ticket }) => self.buy(cx, ticket),
            (Timer::Unanswered, Doing::WaitsForLease) => self.request(cx),
            (Timer::Unanswered, Doing::Looks | Doing::Buys) => {
                cx.note("hears nothing, and gives up");
                self.leave(cx);
            }
            _ => {}
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        if self.doing == Doing::Nothing && !cx.is_set(&Timer::Ready) {
            Buyer::later(cx);
        }
    }

    fn look(&self, _: &BuyerConfig) -> Look {
        let role = match self.doing {
            Doing::Nothing => "idle",
            Doing::WaitsForLease => "waits for the lock",
            Doing::Looks => "looks",
            Doing::Thinks { .. } => "thinks",
            Doing::Buys => "buys",
        };
        let mut lines = vec![("bought", self.bought.to_string()), ("refused", self.refused.to_string())];
        if let Some(held) = self.held {
            lines.push(("token", held.token.to_string()));
            lines.push(("believes in it until", held.until.to_string()));
        }
        if self.late > 0 {
            lines.push(("saw that it was late", self.late.to_string()));
        }
        Look { role: role.into(), star: self.held.is_some(), ready: true, lines, log: Vec::new() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Ready => "ready",
            Timer::Want => "wants a ticket",
            Timer::Thought => "has thought",
            Timer::Unanswered => "unanswered",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Buyer {
    const KIND: &'static str = "buyer";
    const TITLE: &'static str = "Buyer";
    const ABOUT: &'static str = crate::later_text!("Takes the lock, looks which ticket is left, thinks, and buys it.");
    const GLYPH: Glyph = Glyph::Client;
    const FAMILY: Family = Family::People;
    const TALKS_TO: &'static [&'static str] = &["lock-service", "box-office"];
    fn machine() -> Machine {
        Machine { disk: Dist::Constant(Micros::ms(1)), ..Machine::default() }
    }
}
