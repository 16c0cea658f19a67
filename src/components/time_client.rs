//! A client of time servers: has an oscillator that is wrong, keeps a clock by it that is right, and stamps what it writes.

use crate::protocols::Family;
use crate::protocols::time_sync::{
    Believes, Client, Corrects, Filter, Message as Said, Reading, Rules, Timer as Sync, Told, Way, offset, shown,
};
use crate::sim::{Component, Context, Lift, Look, Micros, NodeId, Work};

use super::stamped_register::StampedRegister;
use super::time_observer::TimeObserver;
use super::time_server::TimeServer;
use super::{Fact, Glyph, Message, Placeable};

/// How often it looks at its clock.
const LOOKS: Micros = Micros::ms(200);

crate::config! {
    /// What can be set about a client of time servers.
    pub struct TimeClientConfig {
        /// How often it asks the servers.
        poll: Micros = Micros::secs(2), in 0.05, 3600.0, "";
        /// How wrong its oscillator runs: every other one too fast, and the rest too slow.
        drift: u32 = 200, in 0, 1000, "ppm";
        /// How wrong its clock is at most before it has asked.
        off: Micros = Micros::ms(200), in 0.0, 60.0, "";
        /// Which of a server's last answers counts.
        filter: Filter = Filter::LeastDelay, in 0, 0, "";
        /// What it takes off for the way that an answer took; nothing is a mistake.
        way: Way = Way::Half, in 0, 0, "";
        /// How it sets its clock right; at once is a mistake.
        corrects: Corrects = Corrects::Slew, in 0, 0, "";
        /// Whom it believes; only the first is a mistake if that may be wrong.
        believes: Believes = Believes::Majority, in 0, 0, "";
        /// How much faster or slower its clock runs while it is set right.
        slew: u32 = 50000, in 1, 500000, "ppm";
        /// By how much it takes its oscillator to be wrong at most.
        tolerance: u32 = 2500, in 0, 1000000, "ppm";
        /// How often it writes, on average.
        rate: f64 = 0.0, in 0.0, 1000.0, "1/s";
    }
}

impl TimeClientConfig {
    fn rules<'a>(&self, servers: &'a [NodeId]) -> Rules<'a> {
        Rules {
            servers,
            poll: self.poll,
            filter: self.filter,
            way: self.way,
            corrects: self.corrects,
            believes: self.believes,
            slew: self.slew,
            tolerance: self.tolerance,
        }
    }
}

/// What a client waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To ask again.
    Sync(Sync),
    /// To look at its clock.
    Look,
    /// To write.
    Write,
}

/// What counts the time in it: right but for how wrong it was at the start, and for what it has gained since.
#[derive(Clone, Copy, Debug, Hash)]
struct Oscillator {
    since: i64,
    showed: Reading,
    drift: i64,
}

impl Oscillator {
    fn read(&self, now: i64) -> Reading {
        let passed = now - self.since;
        self.showed + passed + passed * self.drift / 1_000_000
    }
}

/// A client.
#[derive(Clone, Debug, Hash)]
pub struct TimeClient {
    client: Client,
    oscillator: Oscillator,
    reading: (Reading, Micros),
    /// What it has told last, once it was set.
    told: Option<Reading>,
    lost: u64,
}

fn port<'c, 'a>(cx: &'c mut Context<'a, TimeClient>) -> Lift<'c, 'a, TimeClient, Said, Sync, ()> {
    Lift { cx, message: Message::TimeSync, timer: Timer::Sync, write: |()| () }
}

fn servers(cx: &Context<TimeClient>) -> Vec<NodeId> {
    cx.peers_of(TimeServer::KIND).collect()
}

/// Every other one is too fast.
fn drift(cx: &Context<TimeClient>) -> i64 {
    let much = i64::from(cx.config().drift);
    if cx.id().0.is_multiple_of(2) { much } else { -much }
}

impl TimeClient {
    fn later(cx: &mut Context<Self>) {
        // Poisson; the draw is taken whatever the rate is.
        let unit = cx.load_rng().unit();
        let rate = cx.config().rate;
        if rate > 0.0 {
            cx.set(Timer::Write, Micros::from_f64(-libm::log(1.0 - unit) / rate * 1e6));
        } else {
            cx.cancel(&Timer::Write);
        }
    }
    fn raw(&self, cx: &Context<Self>) -> Reading {
        self.oscillator.read(cx.now().0 as i64)
    }
    fn poll(&mut self, cx: &mut Context<Self>) {
        let (raw, servers) = (self.raw(cx), servers(cx));
        let rules = cx.config().rules(&servers);
        self.client.poll(&mut port(cx), raw, &rules);
    }
    fn read(&mut self, cx: &Context<Self>) -> Reading {
        let raw = self.raw(cx);
        self.reading = self.client.clock.read(raw);
        self.reading.0
    }
    /// Reads its clock, and says what it shows if it has been set.
    fn tells(&mut self, cx: &mut Context<Self>) -> Reading {
        let reading = self.read(cx);
        if self.client.clock.is_set() {
            let bound = self.reading.1;
            cx.fact(Fact::TimeSync(Told::Reads { reading, bound }));
            let before = self.told.replace(reading);
            if let Some(before) = before.filter(|before| *before > reading) {
                cx.measure("clock set back by", before.abs_diff(reading));
            }
        }
        reading
    }
    fn look_at_it(&mut self, cx: &mut Context<Self>) {
        let reading = self.tells(cx);
        if self.client.clock.is_set() {
            cx.measure("stated bound", self.reading.1.0);
        }
        for observer in cx.peers_of(TimeObserver::KIND) {
            cx.send(observer, Said::Shows { reading }.into());
        }
    }
}

impl Component for TimeClient {
    type Message = Message;
    type Config = TimeClientConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        let off = cx.config().off.0 as i64;
        let off = cx.rng().below(2 * off.unsigned_abs() + 1) as i64 - off;
        let now = cx.now().0 as i64;
        let oscillator = Oscillator { since: now, showed: now + off, drift: drift(cx) };
        let reading = (now + off, Micros::ZERO);
        let mut client = TimeClient { client: Client::default(), oscillator, reading, told: None, lost: 0 };
        TimeClient::later(cx);
        // Not all at once.
        let pause = cx.rng().below(300_000);
        cx.set(Timer::Sync(Sync::Poll), Micros(pause));
        cx.set(Timer::Look, LOOKS);
        client.read(cx);
        client
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::TimeSync(reply @ Said::Reply { .. }) => {
                let (raw, servers) = (self.raw(cx), servers(cx));
                self.tells(cx);
                self.client.on_reply(raw, from, reply, &cx.config().rules(&servers));
                for told in std::mem::take(&mut self.client.told) {
                    if let Told::Synchronised { by, .. } = told {
                        cx.measure("offset found", by.unsigned_abs());
                    }
                    cx.fact(Fact::TimeSync(told));
                    // Whoever looks right before and right after sees whether it was set back.
                    self.tells(cx);
                }
            }
            Message::TimeSync(Said::Stands { stamp: seen }) => {
                let stamp = self.read(cx);
                cx.measure("writes", 1);
                cx.send(from, Said::Put { stamp, seen }.into());
            }
            Message::TimeSync(Said::Answer { kept }) => self.lost += u64::from(!kept),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Sync(Sync::Poll) => self.poll(cx),
            Timer::Look => {
                cx.set(Timer::Look, LOOKS);
                self.look_at_it(cx);
            }
            Timer::Write => {
                TimeClient::later(cx);
                for register in cx.peers_of(StampedRegister::KIND) {
                    cx.send(register, Said::Get.into());
                }
            }
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        let now = cx.now().0 as i64;
        self.oscillator = Oscillator { since: now, showed: self.oscillator.read(now), drift: drift(cx) };
        TimeClient::later(cx);
        self.poll(cx);
    }

    fn look(&self, config: &TimeClientConfig) -> Look {
        let set = self.client.clock.is_set();
        let mut lines = vec![("its clock showed", shown(self.reading.0))];
        if set {
            lines.push(("right within", self.reading.1.to_string()));
        }
        lines.push(("its oscillator drifts", format!("{:+} ppm", self.oscillator.drift)));
        for (server, sample) in self.client.last() {
            let doubt = Micros(sample.error.unsigned_abs());
            lines.push(("last answer", format!("{server}: {} within {doubt}", offset(sample.offset))));
        }
        if config.rate > 0.0 {
            lines.push(("writes dropped", self.lost.to_string()));
        }
        let role = if set { "set" } else { "not set" };
        Look { role: role.into(), star: false, ready: set, lines, log: Vec::new() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Sync(Sync::Poll) => "ask for the time",
            Timer::Look => "look at the clock",
            Timer::Write => "write",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for TimeClient {
    const KIND: &'static str = "time-client";
    const TITLE: &'static str = "Computer with a clock";
    const ABOUT: &'static str = crate::later_text!(
        "Has an oscillator that is wrong, keeps its clock right by time servers, and stamps what it writes."
    );
    const GLYPH: Glyph = Glyph::Worker;
    const FAMILY: Family = Family::Work;
    const TALKS_TO: &'static [&'static str] = &["time-server", "time-observer", "stamped-register"];
}
