//! A cache: answers what it knows, and asks those behind it for the rest, as `protocols::cache` says.

use crate::protocols::cache::{self, Answer, MAX_ENTRIES, Protection};
use crate::protocols::calls::{self, About, Calling, Calls, Manner, Outcome};
use crate::protocols::choosing::{Choosing, Policy};
use crate::protocols::request::Message as Request;
use crate::protocols::{Family, request};
use crate::sim::{Component, Context, Later, Lift, Look, Machine, Micros, NodeId, Work};

use super::{Glyph, Message, Placeable};

crate::config! {
    /// What can be set about a cache.
    pub struct CacheConfig {
        /// How long what was loaded lives.
        ttl: Micros = Micros::secs(10), in 0, 86400, "";
        /// How many entries there may be; the least recently used goes for one more.
        size: u32 = 1000, in 1, MAX_ENTRIES, "";
        /// What protects those behind from everyone loading the same at once; none is a mistake.
        protection: Protection = Protection::SingleFlight, in 0, 0, "";
        /// How long what has expired may be served, where protection is stale.
        grace: Micros = Micros::secs(10), in 0, 86400, "";
        /// How eagerly entries are loaded before they expire, where protection is early.
        beta: f64 = 1.0, in 0.0, 100.0, "";
        /// How it chooses among those behind it.
        choice: Policy = Policy::Random, in 0, 0, "";
    }
    with choosing: Choosing;
    with calling: Calling;
}

/// What a cache waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Something of a load.
    Call(calls::Timer),
}

/// A cache.
#[derive(Clone, Debug, Default, Hash)]
pub struct Cache {
    cache: cache::Cache,
    calls: Calls,
    hits: u64,
    misses: u64,
}

fn port<'c, 'a>(cx: &'c mut Context<'a, Cache>) -> Lift<'c, 'a, Cache, request::Message, calls::Timer, ()> {
    Lift { cx, message: Message::Request, timer: Timer::Call, write: |()| () }
}

fn manner(config: &CacheConfig) -> Manner<'_> {
    Manner::new(config.choice, &config.choosing, &config.calling)
}

fn keeping(config: &CacheConfig) -> cache::Manner {
    let CacheConfig { ttl, size, protection, grace, beta, .. } = *config;
    cache::Manner { ttl, size, protection, grace, beta: (beta * 1000.0 + 0.5) as u64 }
}

impl Cache {
    fn ask(&mut self, cx: &mut Context<Self>, from: NodeId, attempt: u64, about: About) {
        let (now, keeping) = (cx.now(), keeping(cx.config()));
        match self.cache.ask(&keeping, about.key, (from, attempt), now, cx.rng()) {
            Answer::Hit(age, load) => {
                self.hits += 1;
                cx.measure("hits", 1);
                cx.measure("age", age.0);
                cx.send(from, Request::Response { attempt }.into());
                if let Some(load) = load {
                    cx.measure("refreshed", 1);
                    self.load(cx, load, About { deadline: Later(None), ..about });
                }
            }
            Answer::Waits => {
                self.misses += 1;
                cx.measure("waited for a load", 1);
            }
            Answer::Load(load, at_once) => {
                self.misses += 1;
                cx.measure("misses", 1);
                cx.measure("loads at once", at_once);
                self.load(cx, load, about);
            }
            Answer::Full => cx.send(from, Request::Refused { attempt }.into()),
        }
    }

    fn load(&mut self, cx: &mut Context<Self>, load: u64, about: About) {
        self.calls.chooser.know(super::behind(cx.peers(), cx.template()));
        let manner = manner(cx.config());
        let outcome = self.calls.start(&mut port(cx), &manner, load, about, None);
        self.tell(cx, outcome);
    }

    fn tell(&mut self, cx: &mut Context<Self>, outcome: Outcome) {
        let (load, done) = match outcome {
            Outcome::Nothing => return,
            Outcome::Late => return cx.measure("late answers", 1),
            Outcome::Retried => return cx.measure("retries", 1),
            Outcome::Hedged => return cx.measure("hedges", 1),
            Outcome::Answered(load) => (load, true),
            Outcome::Refused(load) | Outcome::Expired(load) => (load, false),
        };
        let keeping = keeping(cx.config());
        let (waiting, age) = self.cache.loaded(&keeping, load, cx.now(), done);
        for (to, attempt) in waiting {
            if done {
                cx.measure("age", age.0);
            }
            let answer = if done { Request::Response { attempt } } else { Request::Refused { attempt } };
            cx.send(to, answer.into());
        }
    }
}

impl Component for Cache {
    type Message = Message;
    type Config = CacheConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(_: &mut Context<Self>, (): &()) -> Self {
        Cache::default()
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let (attempt, done) = match message {
            Message::Request(Request::Request { attempt, key, class, deadline }) => {
                return self.ask(cx, from, attempt, About { key, class, deadline });
            }
            Message::Request(Request::Response { attempt }) => (attempt, true),
            Message::Request(Request::Refused { attempt }) => (attempt, false),
            Message::Request(Request::Weight { weight }) => return self.calls.chooser.weigh(from, weight),
            other => return super::not_understood(cx, from, &other),
        };
        let manner = manner(cx.config());
        let outcome = self.calls.on_answer(&mut port(cx), &manner, attempt, done);
        self.tell(cx, outcome);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, Timer::Call(timer): Timer) {
        self.calls.chooser.know(super::behind(cx.peers(), cx.template()));
        let manner = manner(cx.config());
        let outcome = self.calls.on_timer(&mut port(cx), &manner, timer);
        self.tell(cx, outcome);
    }

    fn on_full(&mut self, cx: &mut Context<Self>, from: NodeId, message: &Message) {
        if let Message::Request(Request::Request { attempt, .. }) = message {
            cx.send(from, Request::Refused { attempt: *attempt }.into());
        }
    }

    fn look(&self, _: &CacheConfig) -> Look {
        let (entries, loads) = self.cache.counts();
        let counts =
            [("entries", entries as u64), ("loads", loads as u64), ("hits", self.hits), ("misses", self.misses)];
        let mut lines = counts.map(|(name, count)| (name, count.to_string())).to_vec();
        lines.extend(super::trouble(&self.calls));
        Look { role: "cache".into(), ready: true, lines, ..Look::default() }
    }

    fn timer_name(Timer::Call(timer): &Timer) -> &'static str {
        timer.name()
    }

    fn work(&self, message: &Message) -> Work {
        match message {
            Message::Request(Request::Request { .. }) => Work::Service,
            _ => Work::None,
        }
    }
}

impl Placeable for Cache {
    const KIND: &'static str = "cache";
    const TITLE: &'static str = "Cache";
    const ABOUT: &'static str = crate::later_text!("Answers what it knows, and asks those behind it for the rest.");
    const GLYPH: Glyph = Glyph::Gateway;
    const FAMILY: Family = Family::Work;
    const TALKS_TO: &'static [&'static str] = &["generator", "dispatcher", "server"];
    fn machine() -> Machine {
        Machine { inbox: 1_000, ..Machine::default() }
    }
}
