//! A lock service: grants [leases](lease) of one lock, with fencing tokens.

use crate::protocols::lease::{self, Keeps, LastToken, Rules, Service};
use crate::protocols::{Family, health};
use crate::sim::{Component, Context, Dist, Lift, Look, Machine, Micros, NodeId, Work};

use super::{Fact, Glyph, Message, Placeable};

crate::config! {
    /// What can be set about a lock service.
    pub struct LockServiceConfig {
        /// For how long it grants a lease.
        term: Micros = Micros::secs(2), in 0.001, 3600.0, "";
        /// How far it takes any clock to be off its rate, in parts per million; 0 where clocks drift is a mistake.
        drift: u32 = 2000, in 0, 900000, "ppm";
        /// Where it keeps its last token; in memory is a mistake.
        tokens: Keeps = Keeps::Disk, in 0, 0, "";
    }
}

/// What a lock service waits for: something of the protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Timer(lease::Timer);

/// A lock service.
#[derive(Clone, Debug, Hash)]
pub struct LockService {
    protocol: Service,
}

fn port<'c, 'a>(cx: &'c mut Context<'a, LockService>) -> Lift<'c, 'a, LockService, lease::Message, lease::Timer, u64> {
    Lift { cx, message: Message::Lease, timer: Timer, write: |write| write }
}

fn rules(config: &LockServiceConfig) -> Rules {
    Rules { term: config.term, drift: config.drift, keeps: config.tokens }
}

impl LockService {
    fn tell(&mut self, cx: &mut Context<Self>) {
        for told in std::mem::take(&mut self.protocol.told) {
            cx.fact(Fact::Lease(told));
        }
    }
}

impl Component for LockService {
    type Message = Message;
    type Config = LockServiceConfig;
    type Disk = LastToken;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &LastToken) -> Self {
        let mut service = LockService { protocol: Service::boot(disk) };
        let rules = rules(cx.config());
        service.protocol.start(&mut port(cx), &rules);
        service
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Lease(message) => {
                let rules = rules(cx.config());
                self.protocol.on_message(&mut port(cx), &rules, from, &message);
                self.tell(cx);
            }
            Message::Health(health::Message::Ping { round }) => cx.send(from, health::Message::Pong { round }.into()),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, Timer(timer): Timer) {
        let rules = rules(cx.config());
        self.protocol.on_timer(&mut port(cx), &rules, timer);
        self.tell(cx);
    }

    fn look(&self, _: &LockServiceConfig) -> Look {
        let (holder, token) = self.protocol.holder();
        let lines = vec![
            ("lease of", holder.map_or("nobody".to_owned(), |holder| holder.to_string())),
            ("last token", token.to_string()),
            ("waiting", self.protocol.waiting().to_string()),
        ];
        let role = match holder {
            _ if self.protocol.quiet() => "waits for old leases to end",
            Some(_) => "leased",
            None => "free",
        };
        Look { role: role.into(), ready: true, lines, ..Look::default() }
    }

    fn timer_name(Timer(timer): &Timer) -> &'static str {
        match timer {
            lease::Timer::Kept => "token written",
            lease::Timer::Over => "end of the lease",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for LockService {
    const KIND: &'static str = "lock-service";
    const TITLE: &'static str = "Lock service";
    const ABOUT: &'static str =
        crate::later_text!("Grants leases of one lock, each with a token that is larger than all before it.");
    const GLYPH: Glyph = Glyph::Supervisor;
    const FAMILY: Family = Family::Control;
    const TALKS_TO: &'static [&'static str] = &["buyer"];
    fn machine() -> Machine {
        Machine {
            disk: Dist::Lognormal { median: Micros::ms(2), p99: Micros::ms(8) },
            startup: Micros::ms(300),
            ..Machine::default()
        }
    }
}
