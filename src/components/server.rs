//! A server: serves requests by its machine, as a queueing station does; then answers, or first asks those behind it:
//! one of them (a chain), several, or all, and waits for as many answers as it wants (a fan-out, a quorum).
//!
//! A request is not taken back. What its caller has given up is served all the same, which is what makes overload last,
//! unless it came with a deadline. Beyond that it may shed load: when too many wait, or when they have waited for too
//! long in a queue that does not empty (Maurer, «Fail at Scale», ACM Queue 2015, after Nichols and Jacobson's CoDel); and
//! it may take the last come first then, who are the likeliest to be waiting still.

use crate::protocols::calls::{self, About, Calling, Calls, Manner, Outcome};
use crate::protocols::choosing::{Choosing, Policy};
use crate::protocols::operations::Told;
use crate::protocols::request::Message as Request;
use crate::protocols::scaling::Message as Scaling;
use crate::protocols::telemetry::{Figures, Message as Telemetry, is_sampled};
use crate::protocols::{Family, request};
use crate::sim::{
    Component, Context, Discipline, Dist, Later, Lift, Look, Machine, Micros, NodeId, Table, Time, Turn, Work,
};

use super::{Fact, Glyph, Message, Placeable};

crate::config! {
    /// What can be set about a server.
    pub struct ServerConfig {
        /// How many of those behind it it asks for each request; more than there are is all of them.
        fanout: u32 = 0, in 0, 100000, "";
        /// How many answers it waits for; 0 is all that it asked for.
        quorum: u32 = 0, in 0, 100000, "";
        /// Whether it says so when it has no room; otherwise its caller hears nothing.
        refuse: bool = true, in 0, 0, "";
        /// How much it takes, against the others of its kind, where requests are dealt out by weight.
        weight: u32 = 1, in 0, 1000, "";
        /// How it chooses among those behind it.
        choice: Policy = Policy::Random, in 0, 0, "";
        later:
        /// Whether it leaves undone what comes to its turn after its deadline.
        heed: bool = true, in 0, 0, "";
        /// How many requests may wait; one more is shed. 0 for as many as its machine has room for.
        longest: u32 = 0, in 0, 1000000, "";
        /// How long requests may wait while there is a standing queue, one that was not empty for an `interval`: what
        /// has waited longer when its turn comes is shed. 0 for ever.
        target: Micros = Micros::ZERO, in 0, 3600, "";
        /// How long a queue may last without being empty before it counts as a standing one.
        interval: Micros = Micros::ms(100), in 0.001, 3600, "";
        /// Whether it says that it is ready when it has started, to those who ask it.
        announce: bool = false, in 0, 0, "";
        /// If more than this many wait, the last come is first; 0 for never.
        lifo: u32 = 0, in 0, 1000000, "";
        /// Into how many parts it cuts each request, each of which whoever is chosen does, the same server more than once perhaps; 0 for as `fanout` says.
        parts: u32 = 0, in 0, 1000, "";
        /// How many of those behind it it makes use of, the first ones; 0 for all.
        uses: u32 = 0, in 0, 100000, "";
        /// The share of requests that go wrong in it: a mistake in its program. They are refused when they have been served.
        fails: f64 = 0.0, in 0.0, 1.0, "";
    }
    with choosing: Choosing;
    with calling: Calling;
}

/// What a server waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Something of a call to those behind it.
    Call(calls::Timer),
}

/// A request that waits for those behind.
#[derive(Clone, Debug, Hash)]
struct Gathering {
    from: NodeId,
    attempt: u64,
    since: Time,
    /// Answers that are still wanted.
    wanted: u32,
    /// Calls that may still be answered.
    legs: Vec<u64>,
    /// What it is about, if somebody wants to be told.
    key: Later<Option<u64>>,
}

/// What it tells those who watch it, and whether its mistake was mended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Watched {
    by: Option<NodeId>,
    logs: bool,
    spans: u32,
    mended: bool,
}

/// A server.
#[derive(Clone, Debug, Hash)]
pub struct Server {
    calls: Calls,
    gathering: Table<u64, Gathering>,
    /// Which request a call is for.
    legs: Table<u64, u64>,
    last: u64,
    served: u64,
    refused: u64,
    /// When its queue was last seen to be empty.
    empty: Later<Time>,
    watched: Later<Watched>,
}

fn port<'c, 'a>(cx: &'c mut Context<'a, Server>) -> Lift<'c, 'a, Server, request::Message, calls::Timer, ()> {
    Lift { cx, message: Message::Request, timer: Timer::Call, write: |()| () }
}

fn manner(config: &ServerConfig) -> Manner<'_> {
    Manner::new(config.choice, &config.choosing, &config.calling)
}

impl Server {
    /// Its part of a request is over: those who watch it are told, if they want to be.
    fn report(&self, cx: &mut Context<Self>, parent: NodeId, key: u64, since: Time, done: bool) {
        let Watched { by: Some(by), logs, spans, .. } = self.watched.0 else { return };
        if logs && !done {
            cx.send(by, Telemetry::Failed { key }.into());
        }
        if is_sampled(key, spans) {
            let took = cx.now().since(since);
            cx.send(by, Telemetry::Span { key, parent, failed: !done, took }.into());
        }
    }

    /// What those ask who watch it, or put it there.
    fn tell_watcher(&mut self, cx: &mut Context<Self>, from: NodeId, message: Telemetry) {
        let wrong = cx.config().fails > 0.0 && !self.watched.0.mended;
        match message {
            Telemetry::Scrape => {
                let figures = Figures { served: self.served, failed: self.refused };
                let asks = cx.config().fanout > 0;
                let asks = super::behind(cx.peers(), cx.template()).filter(|_| asks).collect();
                cx.send(from, Telemetry::Figures { figures, asks }.into());
            }
            Telemetry::Instrument { logs, spans } => {
                self.watched.0 = Watched { by: Some(from), logs, spans, ..self.watched.0 };
            }
            Telemetry::Examine => cx.send(from, Telemetry::Examined { wrong }.into()),
            Telemetry::Blame => {
                cx.fact(Fact::Operations(Told::Blamed { wrong }));
                self.watched.0.mended |= wrong;
            }
            other => super::not_understood(cx, from, &other.into()),
        }
    }

    fn answer(&mut self, cx: &mut Context<Self>, to: NodeId, attempt: u64, done: bool) {
        *(if done { &mut self.served } else { &mut self.refused }) += 1;
        let answer = if done { Request::Response { attempt } } else { Request::Refused { attempt } };
        cx.send(to, answer.into());
    }

    /// Whether its own mistake spoils this request.
    fn goes_wrong(&self, cx: &mut Context<Self>) -> bool {
        let fails = cx.config().fails;
        if fails == 0.0 || self.watched.0.mended {
            return false;
        }
        cx.measure("met a mistake", 1);
        cx.rng().unit() < fails
    }

    /// Asks those behind, all at once.
    fn gather(&mut self, cx: &mut Context<Self>, from: NodeId, attempt: u64, about: About) {
        let manner = manner(cx.config());
        let uses = if cx.config().uses == 0 { usize::MAX } else { cx.config().uses as usize };
        self.calls.chooser.know(super::behind(cx.peers(), cx.template()).take(uses));
        let (parts, there) = (cx.config().parts as usize, self.calls.chooser.len());
        let width = if parts > 0 && there > 0 { parts } else { (cx.config().fanout as usize).min(there) };
        let quorum = cx.config().quorum;
        let wanted = if quorum == 0 { width as u32 } else { quorum };
        if width == 0 || wanted as usize > width {
            return self.answer(cx, from, attempt, false);
        }
        let mut whom: Vec<Option<NodeId>> = Vec::new();
        if parts > 0 {
            whom.resize(parts, None);
        } else if width == there {
            whom.extend(self.calls.chooser.servers().map(Some));
        } else if width == 1 {
            whom.push(None);
        } else {
            let (mut asked, now) = (Vec::new(), cx.now());
            for _ in 0..width {
                asked.extend(self.calls.chooser.choose(manner.rule, about.key, &asked, now, cx.rng()));
            }
            whom.extend(asked.into_iter().map(Some));
        }
        self.last += 1;
        let request = self.last;
        let legs: Vec<u64> = (1..=whom.len() as u64).map(|leg| self.last + leg).collect();
        self.last += legs.len() as u64;
        let since = cx.now();
        let key = Later(self.watched.0.by.map(|_| about.key));
        self.gathering.insert(request, Gathering { from, attempt, since, wanted, legs: legs.clone(), key });
        for (leg, to) in legs.into_iter().zip(whom) {
            self.legs.insert(leg, request);
            let outcome = self.calls.start(&mut port(cx), &manner, leg, about, to);
            self.tell(cx, outcome);
        }
    }

    fn tell(&mut self, cx: &mut Context<Self>, outcome: Outcome) {
        let (leg, answered) = match outcome {
            Outcome::Nothing => return,
            Outcome::Late => return cx.measure("late answers", 1),
            Outcome::Retried => return cx.measure("retries", 1),
            Outcome::Hedged => return cx.measure("hedges", 1),
            Outcome::Answered(leg) => (leg, true),
            Outcome::Refused(leg) | Outcome::Expired(leg) => (leg, false),
        };
        let Some(request) = self.legs.remove(&leg) else { return };
        let Some(gathering) = self.gathering.get_mut(&request) else { return };
        gathering.legs.retain(|other| *other != leg);
        gathering.wanted -= u32::from(answered);
        let done = gathering.wanted == 0;
        if !done && gathering.wanted as usize <= gathering.legs.len() {
            return;
        }
        let Some(gathering) = self.gathering.remove(&request) else { return };
        for leg in gathering.legs {
            self.legs.remove(&leg);
            self.calls.give_up(&mut port(cx), leg);
        }
        if done {
            cx.measure("gathered", cx.now().since(gathering.since).0);
        }
        if let Some(key) = gathering.key.0 {
            self.report(cx, gathering.from, key, gathering.since, done);
        }
        self.answer(cx, gathering.from, gathering.attempt, done);
    }

    /// Those who deal out requests by weight must know it; one is what they take for granted.
    fn weigh_in(cx: &mut Context<Self>) {
        let weight = cx.config().weight;
        let own = cx.template();
        for peer in cx.peers().iter().filter(|peer| peer.template < own) {
            cx.send(peer.id, Request::Weight { weight }.into());
        }
    }
}

impl Component for Server {
    type Message = Message;
    type Config = ServerConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        if cx.config().weight != 1 {
            Server::weigh_in(cx);
        }
        if cx.config().announce {
            let own = cx.template();
            for peer in cx.peers().iter().filter(|peer| peer.template < own) {
                cx.send(peer.id, Scaling::Ready.into());
            }
        }
        let (gathering, legs) = (Table::new(), Table::new());
        let (empty, watched) = (Later::default(), Later::default());
        Server { calls: Calls::default(), gathering, legs, last: 0, served: 0, refused: 0, empty, watched }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let (attempt, done) = match message {
            Message::Request(Request::Request { attempt, key, class, deadline }) => {
                if self.goes_wrong(cx) {
                    self.report(cx, from, key, cx.now(), false);
                    return self.answer(cx, from, attempt, false);
                }
                match cx.config().fanout.max(cx.config().parts) {
                    0 => {
                        self.report(cx, from, key, cx.now(), true);
                        return self.answer(cx, from, attempt, true);
                    }
                    _ => return self.gather(cx, from, attempt, About { key, class, deadline }),
                }
            }
            Message::Request(Request::Response { attempt }) => (attempt, true),
            Message::Request(Request::Refused { attempt }) => (attempt, false),
            Message::Request(Request::Weight { weight }) => {
                self.calls.chooser.know(super::behind(cx.peers(), cx.template()));
                return self.calls.chooser.weigh(from, weight);
            }
            Message::Scaling(Scaling::Hello) => {
                if cx.config().announce {
                    cx.send(from, Scaling::Ready.into());
                }
                return;
            }
            // From one of those behind it.
            Message::Scaling(_) => return,
            Message::Telemetry(message) => return self.tell_watcher(cx, from, message),
            other => return super::not_understood(cx, from, &other),
        };
        let manner = manner(cx.config());
        let outcome = self.calls.on_answer(&mut port(cx), &manner, attempt, done);
        self.tell(cx, outcome);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, Timer::Call(timer): Timer) {
        let manner = manner(cx.config());
        let outcome = self.calls.on_timer(&mut port(cx), &manner, timer);
        self.tell(cx, outcome);
    }

    fn on_full(&mut self, cx: &mut Context<Self>, from: NodeId, message: &Message) {
        if let Message::Request(Request::Request { attempt, .. }) = message
            && cx.config().refuse
        {
            self.answer(cx, from, *attempt, false);
        }
    }

    fn turn(&mut self, config: &ServerConfig, turn: &Turn, message: &Message) -> Work {
        let Message::Request(Request::Request { deadline, .. }) = message else { return self.work(message) };
        if config.target.0 > 0 && turn.waiting == 0 {
            self.empty.0 = turn.now;
        }
        let late = config.heed && deadline.0.is_some_and(|deadline| deadline <= turn.now);
        let crowded = config.longest > 0 && turn.waited.is_none() && turn.waiting >= config.longest;
        let standing = config.target.0 > 0 && turn.now.since(self.empty.0) > config.interval;
        let stale = standing && turn.waited.is_some_and(|waited| waited > config.target);
        if late || crowded || stale { Work::Shed } else { Work::Service }
    }

    fn order(&self, config: &ServerConfig, waiting: u32) -> Option<Discipline> {
        (config.lifo > 0 && waiting > config.lifo).then_some(Discipline::Lifo)
    }

    fn on_shed(&mut self, cx: &mut Context<Self>, from: NodeId, message: &Message) {
        let Message::Request(Request::Request { attempt, deadline, .. }) = message else { return };
        let late = deadline.0.is_some_and(|deadline| deadline <= cx.now());
        cx.measure(if late { "too late" } else { "shed" }, 1);
        if cx.config().refuse {
            self.answer(cx, from, *attempt, false);
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        self.watched.0.mended = false;
        Server::weigh_in(cx);
    }

    fn look(&self, _: &ServerConfig) -> Look {
        let mut lines = vec![("served", self.served.to_string()), ("refused", self.refused.to_string())];
        if !self.gathering.is_empty() {
            lines.push(("waiting for others", self.gathering.len().to_string()));
        }
        lines.extend(super::trouble(&self.calls));
        Look { role: "server".into(), ready: true, lines, ..Look::default() }
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

impl Placeable for Server {
    const KIND: &'static str = "server";
    const TITLE: &'static str = "Server";
    const ABOUT: &'static str =
        crate::later_text!("Serves requests one after another, and asks those behind it where it is told to.");
    const GLYPH: Glyph = Glyph::Worker;
    const FAMILY: Family = Family::Work;
    const TALKS_TO: &'static [&'static str] =
        &["generator", "dispatcher", "server", "autoscaler", "deployer", "investigator"];
    fn machine() -> Machine {
        Machine { service: Dist::Exponential { mean: Micros::ms(50) }, inbox: 1_000, ..Machine::default() }
    }
}
