//! A dispatcher: takes requests, has one of those behind it do each, and hands the answers back. All requests go through
//! it, so it knows how many are under way to whom; who is slow or dead it finds out by time-outs, if it has any. It may
//! let only so many through (a token bucket), and keep back what those behind it have no room for.

use crate::protocols::bucket::Bucket;
use crate::protocols::calls::{self, About, Calling, Calls, Manner, Outcome};
use crate::protocols::choosing::{Choosing, Policy};
use crate::protocols::request::Message as Request;
use crate::protocols::ring::{Ring, remainders_moved};
use crate::protocols::scaling::Message as Scaling;
use crate::protocols::{Family, request};
use crate::sim::{Component, Context, Later, Lift, Look, Machine, NodeId, Table, Work};

use super::{Glyph, Message, Placeable};

crate::config! {
    /// What can be set about a dispatcher.
    pub struct DispatcherConfig {
        /// How it chooses who does it.
        choice: Policy = Policy::RoundRobin, in 0, 0, "";
        later:
        /// How many requests it lets through, on average (a token bucket); 0 for any number. Others are refused.
        limit: f64 = 0.0, in 0.0, 1000000.0, "1/s";
        /// How many it lets through at once, if they were saved.
        burst: u32 = 10, in 1, 1000000, "";
        /// Whether it waits for a server to say that it is ready; otherwise it asks those that are still starting.
        announced: bool = false, in 0, 0, "";
    }
    with choosing: Choosing;
    with calling: Calling;
}

/// What a dispatcher waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Something of a call to those behind it.
    Call(calls::Timer),
}

/// A dispatcher.
#[derive(Clone, Debug, Default, Hash)]
pub struct Dispatcher {
    calls: Calls,
    /// Who asked for what is under way, and under which number.
    passed: Table<u64, (NodeId, u64)>,
    last: u64,
    refused: u64,
    bucket: Later<Option<Bucket>>,
    /// Servers that said that they are ready, and those that are to go.
    ready: Later<Vec<NodeId>>,
    draining: Later<Vec<NodeId>>,
}

fn port<'c, 'a>(cx: &'c mut Context<'a, Dispatcher>) -> Lift<'c, 'a, Dispatcher, request::Message, calls::Timer, ()> {
    Lift { cx, message: Message::Request, timer: Timer::Call, write: |()| () }
}

fn manner(config: &DispatcherConfig) -> Manner<'_> {
    Manner::new(config.choice, &config.choosing, &config.calling)
}

impl Dispatcher {
    /// Who is behind it now. On a ring, what that changes is measured in parts of a billion: each one's share, and the
    /// keys that move.
    fn look_around(&mut self, cx: &mut Context<Self>) {
        let config = cx.config();
        let chooser = &mut self.calls.chooser;
        let before: Ring = chooser.ring().clone();
        let (ready, draining) = (&self.ready.0, &self.draining.0);
        let serves = |id: &NodeId| (!config.announced || ready.contains(id)) && !draining.contains(id);
        let remainder = config.choice == Policy::Remainder;
        let old: Vec<NodeId> = if remainder { chooser.servers().collect() } else { Vec::new() };
        let changed = chooser.know(super::behind(cx.peers(), cx.template()).filter(serves));
        if changed && !old.is_empty() {
            let new: Vec<NodeId> = chooser.servers().collect();
            let (all, between) = remainders_moved(&old, &new);
            cx.measure("keys moved", all);
            cx.measure("keys moved between those that stay", between);
        }
        if config.choice != Policy::ConsistentHash || !chooser.turn_ring(config.choosing.virtual_nodes) {
            return;
        }
        let servers: Vec<NodeId> = chooser.servers().collect();
        for share in chooser.ring().shares(&servers) {
            cx.measure("ring share", share);
        }
        if changed && before != Ring::default() {
            let (all, between) = chooser.ring().moved_from(&before);
            cx.measure("keys moved", all);
            cx.measure("keys moved between those that stay", between);
        }
    }

    /// What is said about servers that come and go.
    fn scale(&mut self, cx: &mut Context<Self>, from: NodeId, message: Scaling) {
        match message {
            Scaling::Ready => {
                let there = |id: &NodeId| cx.peers().iter().any(|peer| peer.id == *id);
                self.ready.0.retain(there);
                if !self.ready.0.contains(&from) {
                    self.ready.0.push(from);
                }
                self.look_around(cx);
            }
            Scaling::Ask { draining } => {
                self.draining.0 = draining.to_vec();
                self.look_around(cx);
                let idle = draining.iter().copied().filter(|server| self.calls.under_way_to(*server) == 0);
                let load = Scaling::Load { under_way: self.passed.len() as u32, idle: idle.collect() };
                cx.send(from, load.into());
            }
            Scaling::Hello | Scaling::Load { .. } | Scaling::Leave | Scaling::Gone => {}
        }
    }

    /// Whether the bucket lets one more through.
    fn lets(&mut self, cx: &Context<Self>) -> bool {
        let config = cx.config();
        if config.limit == 0.0 {
            self.bucket.0 = None;
            return true;
        }
        let burst = u64::from(config.burst);
        let bucket = self.bucket.0.get_or_insert_with(|| Bucket::full(burst, cx.now()));
        bucket.gain(cx.now(), (config.limit * 1000.0 + 0.5) as u64, burst * 1000);
        bucket.take()
    }

    fn pass(&mut self, cx: &mut Context<Self>, from: NodeId, attempt: u64, about: About) {
        if !self.lets(cx) {
            cx.measure("limited", 1);
            return self.refuse(cx, from, attempt);
        }
        self.last += 1;
        self.passed.insert(self.last, (from, attempt));
        let manner = manner(cx.config());
        let outcome = self.calls.start(&mut port(cx), &manner, self.last, about, None);
        self.tell(cx, outcome);
    }

    fn refuse(&mut self, cx: &mut Context<Self>, to: NodeId, attempt: u64) {
        self.refused += 1;
        cx.send(to, Request::Refused { attempt }.into());
    }

    fn tell(&mut self, cx: &mut Context<Self>, outcome: Outcome) {
        let (number, done) = match outcome {
            Outcome::Nothing | Outcome::Late => return,
            Outcome::Retried => return cx.measure("retries", 1),
            Outcome::Hedged => return cx.measure("hedges", 1),
            Outcome::Answered(number) => (number, true),
            Outcome::Refused(number) | Outcome::Expired(number) => (number, false),
        };
        let Some((from, attempt)) = self.passed.remove(&number) else { return };
        match done {
            true => cx.send(from, Request::Response { attempt }.into()),
            false => self.refuse(cx, from, attempt),
        }
    }
}

impl Component for Dispatcher {
    type Message = Message;
    type Config = DispatcherConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        let mut dispatcher = Dispatcher::default();
        dispatcher.look_around(cx);
        if cx.config().announced {
            for server in super::behind(cx.peers(), cx.template()) {
                cx.send(server, Scaling::Hello.into());
            }
        }
        dispatcher
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        self.look_around(cx);
        let (attempt, done) = match message {
            Message::Request(Request::Request { attempt, key, class, deadline }) => {
                return self.pass(cx, from, attempt, About { key, class, deadline });
            }
            Message::Request(Request::Weight { weight }) => return self.calls.chooser.weigh(from, weight),
            Message::Request(Request::Response { attempt }) => (attempt, true),
            Message::Request(Request::Refused { attempt }) => (attempt, false),
            Message::Scaling(message) => return self.scale(cx, from, message),
            other => return super::not_understood(cx, from, &other),
        };
        let manner = manner(cx.config());
        let outcome = self.calls.on_answer(&mut port(cx), &manner, attempt, done);
        self.tell(cx, outcome);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, Timer::Call(timer): Timer) {
        self.look_around(cx);
        let manner = manner(cx.config());
        let outcome = self.calls.on_timer(&mut port(cx), &manner, timer);
        self.tell(cx, outcome);
    }

    fn on_full(&mut self, cx: &mut Context<Self>, from: NodeId, message: &Message) {
        if let Message::Request(Request::Request { attempt, .. }) = message {
            self.refuse(cx, from, *attempt);
        }
    }

    fn look(&self, config: &DispatcherConfig) -> Look {
        let policy = crate::sim::FieldType::to_value(&config.choice).to_string();
        let chooser = &self.calls.chooser;
        let mut lines = vec![
            ("choice", policy),
            ("passed on", self.last.to_string()),
            ("under way", self.passed.len().to_string()),
            ("refused", self.refused.to_string()),
        ];
        lines.extend(super::trouble(&self.calls));
        // As many as one can take in.
        let few = chooser.servers().take(16);
        lines.extend(few.map(|id| ("server", format!("{id}: {} under way", chooser.under_way(id)))));
        Look { role: "dispatcher".into(), ready: !chooser.is_empty(), lines, ..Look::default() }
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

impl Placeable for Dispatcher {
    const KIND: &'static str = "dispatcher";
    const TITLE: &'static str = "Dispatcher";
    const ABOUT: &'static str =
        crate::later_text!("Has one of the servers behind it do each request, and hands the answers back.");
    const GLYPH: Glyph = Glyph::Balancer;
    const FAMILY: Family = Family::Edge;
    const TALKS_TO: &'static [&'static str] = &["generator", "server", "autoscaler", "deployer", "machine"];
    fn machine() -> Machine {
        Machine { inbox: 1_000, ..Machine::default() }
    }
}
