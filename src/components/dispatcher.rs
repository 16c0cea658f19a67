//! A dispatcher: takes requests, has one of those behind it do each, and hands the answers back. All requests go through
//! it, so it knows how many are under way to whom; it does not know who is slow or dead.

use crate::protocols::Family;
use crate::protocols::choosing::{Chooser, MAX_CHOICES, Policy, Rule};
use crate::protocols::request::Message as Request;
use crate::protocols::ring::Ring;
use crate::sim::{Component, Context, Look, Machine, NodeId, Table, Work};

use super::{Glyph, Message, Placeable};

/// How many requests may be under way; the oldest is forgotten for one more.
const MAX_UNDER_WAY: usize = 1_000_000;

crate::config! {
    /// What can be set about a dispatcher.
    pub struct DispatcherConfig {
        /// How it chooses who does it.
        choice: Policy = Policy::RoundRobin, in 0, 0, "";
        /// How many it draws, if it chooses by choices.
        choices: u32 = 2, in 1, MAX_CHOICES, "";
        /// At how many places of the ring each stands, if it chooses by consistent hash.
        virtual_nodes: u32 = 100, in 1, 10000, "";
    }
}

/// A request that somebody else is doing.
#[derive(Clone, Debug, Hash)]
struct Passed {
    from: NodeId,
    attempt: u64,
    to: NodeId,
}

/// A dispatcher.
#[derive(Clone, Debug, Default, Hash)]
pub struct Dispatcher {
    chooser: Chooser,
    passed: Table<u64, Passed>,
    last: u64,
    refused: u64,
}

impl Dispatcher {
    /// Who is behind it now. On a ring, what that changes is measured in parts of a billion: each one's share, and the
    /// keys that move.
    fn look_around(&mut self, cx: &mut Context<Self>) {
        let config = cx.config();
        let before: Ring = self.chooser.ring().clone();
        let changed = self.chooser.know(super::behind(cx.peers(), cx.template()));
        if config.choice != Policy::ConsistentHash || !self.chooser.turn_ring(config.virtual_nodes) {
            return;
        }
        let servers: Vec<NodeId> = self.chooser.servers().collect();
        for share in self.chooser.ring().shares(&servers) {
            cx.measure("ring share", share);
        }
        if changed && before != Ring::default() {
            let (all, between) = self.chooser.ring().moved_from(&before);
            cx.measure("keys moved", all);
            cx.measure("keys moved between those that stay", between);
        }
    }

    fn pass(&mut self, cx: &mut Context<Self>, from: NodeId, attempt: u64, key: u64, class: u32) {
        let config = cx.config();
        let rule = Rule { policy: config.choice, choices: config.choices, virtual_nodes: config.virtual_nodes };
        let Some(to) = self.chooser.choose(rule, key, &[], cx.rng()) else {
            self.refused += 1;
            return cx.send(from, Request::Refused { attempt }.into());
        };
        if self.passed.len() >= MAX_UNDER_WAY {
            let oldest = self.passed.keys().next().copied();
            oldest.and_then(|oldest| self.passed.remove(&oldest)).inspect(|passed| self.chooser.done(passed.to));
        }
        self.last += 1;
        self.passed.insert(self.last, Passed { from, attempt, to });
        self.chooser.sent(to);
        cx.send(to, Request::Request { attempt: self.last, key, class }.into());
    }
}

impl Component for Dispatcher {
    type Message = Message;
    type Config = DispatcherConfig;
    type Disk = ();
    type Timer = ();

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        let mut dispatcher = Dispatcher::default();
        dispatcher.look_around(cx);
        dispatcher
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        self.look_around(cx);
        let answer = match message {
            Message::Request(Request::Request { attempt, key, class }) => {
                return self.pass(cx, from, attempt, key, class);
            }
            Message::Request(Request::Weight { weight }) => return self.chooser.weigh(from, weight),
            Message::Request(answer) => answer,
            other => return super::not_understood(cx, from, &other),
        };
        let (Request::Response { attempt } | Request::Refused { attempt }) = &answer else { return };
        let Some(passed) = self.passed.remove(attempt) else { return };
        self.chooser.done(passed.to);
        let attempt = passed.attempt;
        let done = matches!(answer, Request::Response { .. });
        let answer = if done { Request::Response { attempt } } else { Request::Refused { attempt } };
        cx.send(passed.from, answer.into());
    }

    fn on_timer(&mut self, _: &mut Context<Self>, (): ()) {}

    fn on_full(&mut self, cx: &mut Context<Self>, from: NodeId, message: &Message) {
        if let Message::Request(Request::Request { attempt, .. }) = message {
            self.refused += 1;
            cx.send(from, Request::Refused { attempt: *attempt }.into());
        }
    }

    fn look(&self, config: &DispatcherConfig) -> Look {
        let policy = crate::sim::FieldType::to_value(&config.choice).to_string();
        let mut lines = vec![
            ("choice", policy),
            ("passed on", self.last.to_string()),
            ("under way", self.passed.len().to_string()),
            ("refused", self.refused.to_string()),
        ];
        // As many as one can take in.
        let few = self.chooser.servers().take(16);
        lines.extend(few.map(|id| ("server", format!("{id}: {} under way", self.chooser.under_way(id)))));
        Look { role: "dispatcher".into(), ready: !self.chooser.is_empty(), lines, ..Look::default() }
    }

    fn timer_name((): &()) -> &'static str {
        "nothing"
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
    const ABOUT: &'static str = "Has one of the servers behind it do each request, and hands the answers back.";
    const GLYPH: Glyph = Glyph::Balancer;
    const FAMILY: Family = Family::Edge;
    const TALKS_TO: &'static [&'static str] = &["generator", "server"];
    fn machine() -> Machine {
        Machine { inbox: 1_000, ..Machine::default() }
    }
}
