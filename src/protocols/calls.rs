//! Calls: requests that one waits for, with a time-out, retries, a hedge, and a budget for both.
//!
//! A call is made of attempts. One that is not answered in time is given up and, as far as retries go, made again after a
//! wait. A hedge is a second attempt beside the first, to somebody else if there is one, when the answer takes longer
//! than usual (Dean and Barroso, «The Tail at Scale», CACM 2013). Second attempts may be limited to so many a second, or
//! to a share of the calls, as a token bucket: without that, retries keep an overload going that has no other cause any
//! more (Bronson et al., «Metastable Failures in Distributed Systems», HotOS 2021).
//!
//! A deadline goes with every attempt, and from there on, so that nobody works on what nobody waits for. Where only so
//! many requests may be under way to each server, calls wait here for an answer that makes room: back-pressure.

use std::collections::VecDeque;

use crate::sim::{Later, Micros, NodeId, Port, Table, Time};

use super::backoff::{Backoff, Jitter};
use super::bucket::Bucket;
use super::choosing::{Chooser, Choosing, Policy, Rule, Turned};
use super::request::Message;

/// How many calls may be open at once; one more fails at once.
pub const MAX_CALLS: usize = 1_000_000;
/// How many attempts that nobody waits for any more are remembered, so that their answers free their server.
pub const MAX_ATTEMPTS: usize = 2_000_000;
/// How many second attempts a budget that is a share of the calls saves up at most.
const SAVED: u64 = 10;

crate::config! {
    /// How calls are made.
    pub struct Calling {
        /// How long it waits for an answer; 0 for ever.
        timeout: Micros = Micros::ZERO, in 0, 86400, "";
        /// How often it tries again.
        retries: u32 = 0, in 0, 1000000, "";
        /// How the waits before tries vary.
        backoff: Jitter = Jitter::None, in 0, 0, "";
        /// The wait that doubles with each failure.
        base: Micros = Micros::ms(100), in 0, 3600, "";
        /// The longest wait before a try.
        cap: Micros = Micros::secs(2), in 0, 86400, "";
        /// After how long without an answer it asks somebody else as well; 0 for never.
        hedge: Micros = Micros::ZERO, in 0, 86400, "";
        /// How many second attempts there may be; 0 for any number, unless `ratio` bounds them.
        budget: f64 = 0.0, in 0.0, 100000.0, "1/s";
        later:
        /// How many second attempts there may be for each call, beside those of `budget`; 0 for none.
        ratio: f64 = 0.0, in 0.0, 100.0, "";
        /// How long after it began anybody works on a call: a deadline that goes with every request; 0 for ever.
        deadline: Micros = Micros::ZERO, in 0, 86400, "";
        /// How many calls may wait for room in the window; one more fails at once.
        hold: u32 = 1000, in 0, 1000000, "";
    }
}

/// How calls are made, and who is asked.
#[derive(Clone, Copy, Debug)]
pub struct Manner<'a> {
    /// How they are made.
    pub calling: &'a Calling,
    /// Who is asked.
    pub rule: Rule<'a>,
}

impl<'a> Manner<'a> {
    /// The manner that settings come to.
    pub fn new(policy: Policy, choosing: &'a Choosing, calling: &'a Calling) -> Manner<'a> {
        Manner { calling, rule: Rule { policy, with: choosing } }
    }
}

/// What a call is about; servers that ask others hand it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct About {
    /// The key.
    pub key: u64,
    /// The class.
    pub class: u32,
    /// Until when anybody waits for it.
    pub deadline: Later<Option<Time>>,
}

/// What calls wait for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// An attempt was not answered in time.
    Expired(u64),
    /// To try a call again.
    Again(u64),
    /// To make a second attempt of a call.
    Hedge(u64),
    /// The deadline of a call.
    Over(u64),
}

impl Timer {
    /// What it is called.
    pub fn name(&self) -> &'static str {
        match self {
            Timer::Expired(_) => "time-out",
            Timer::Again(_) => "retry",
            Timer::Hedge(_) => "hedge",
            Timer::Over(_) => "deadline",
        }
    }
}

/// Whoever makes calls: not generic, because readers download every copy.
pub type Host<'a> = dyn Port<Message = Message, Timer = Timer, Write = ()> + 'a;

/// What became of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing that the host need know.
    Nothing,
    /// A call was answered.
    Answered(u64),
    /// A call has failed for good: its last attempt was refused, or there is nobody to ask.
    Refused(u64),
    /// A call has failed for good: its last attempt was not answered in time.
    Expired(u64),
    /// An answer came that nobody waits for any more.
    Late,
    /// Another attempt was made: a retry.
    Retried,
    /// Another attempt was made: a hedge.
    Hedged,
}

#[derive(Clone, Debug, Hash)]
struct Call {
    about: About,
    /// Whom to ask first, where that is not a matter of choice.
    first: Option<NodeId>,
    /// Failures so far.
    failures: u32,
    /// The wait before the last try.
    waited: Micros,
    /// Attempts that may still be answered, and whom they went to.
    open: Vec<(u64, NodeId)>,
    asked: Vec<NodeId>,
}

/// An attempt whose answer may come: its call, whom it went to, and when, if that matters.
#[derive(Clone, Copy, Debug, Hash)]
struct Attempt {
    call: u64,
    to: NodeId,
    at: Later<Option<Time>>,
}

/// Calls under way.
#[derive(Clone, Debug, Default, Hash)]
pub struct Calls {
    /// Who can be asked.
    pub chooser: Chooser,
    calls: Table<u64, Call>,
    attempts: Table<u64, Attempt>,
    last: u64,
    budget: Bucket,
    /// Calls that wait for room, first come first.
    held: Later<VecDeque<u64>>,
}

impl Calls {
    /// How many calls are open.
    pub fn open(&self) -> usize {
        self.calls.len()
    }
    /// How many attempts are under way to this one.
    pub fn under_way_to(&self, to: NodeId) -> usize {
        self.attempts.values().filter(|attempt| attempt.to == to).count()
    }
    /// How many of them wait for room.
    pub fn held(&self) -> usize {
        self.held.0.len()
    }

    /// Makes a call, under a number that the host has given no other. `first` is asked first, if it is given.
    pub fn start(
        &mut self,
        port: &mut Host,
        manner: &Manner,
        number: u64,
        mut about: About,
        first: Option<NodeId>,
    ) -> Outcome {
        if self.calls.len() >= MAX_CALLS {
            return Outcome::Refused(number);
        }
        let (calling, now) = (manner.calling, port.now());
        if calling.deadline.0 > 0 {
            let own = now + calling.deadline;
            about.deadline.0 = Some(about.deadline.0.map_or(own, |given| given.min(own)));
        }
        if let Some(deadline) = about.deadline.0 {
            port.set(Timer::Over(number), deadline.since(now));
        }
        if calling.ratio > 0.0 {
            self.budget.give((calling.ratio * 1000.0 + 0.5) as u64);
        }
        let (open, asked) = (Vec::new(), Vec::new());
        self.calls.insert(number, Call { about, first, failures: 0, waited: calling.base, open, asked });
        if calling.hedge.0 > 0 {
            port.set(Timer::Hedge(number), calling.hedge);
        }
        self.attempt(port, manner, number)
    }

    /// Asks once more. A call that nobody can be asked for has failed, or waits for room.
    fn attempt(&mut self, port: &mut Host, manner: &Manner, number: u64) -> Outcome {
        let Some(call) = self.calls.get_mut(&number) else { return Outcome::Nothing };
        let now = port.now();
        let chosen = self.chooser.choose(manner.rule, call.about.key, &call.asked, now, port.rng());
        let Some(to) = call.first.take().or(chosen) else {
            return self.hold(port, manner, number);
        };
        self.last += 1;
        let attempt = self.last;
        call.open.push((attempt, to));
        if !call.asked.contains(&to) {
            call.asked.push(to);
        }
        if self.attempts.len() >= MAX_ATTEMPTS {
            let oldest = self.attempts.keys().next().copied();
            oldest.and_then(|oldest| self.attempts.remove(&oldest));
        }
        let at = Later((manner.rule.policy == Policy::PeakEwma).then_some(now));
        self.attempts.insert(attempt, Attempt { call: number, to, at });
        if self.chooser.sent(manner.rule.with, to, now) {
            port.note(format!("the breaker for {to} is half open: one request tries"));
        }
        let About { key, class, deadline } = call.about;
        port.send(to, Message::Request { attempt, key, class, deadline });
        if manner.calling.timeout.0 > 0 {
            port.set(Timer::Expired(attempt), manner.calling.timeout);
        }
        Outcome::Nothing
    }

    /// A call waits until there is room, if that is all that is missing and not too many wait; a hedge is not worth it.
    fn hold(&mut self, port: &mut Host, manner: &Manner, number: u64) -> Outcome {
        let hedged = self.calls.get(&number).is_some_and(|call| !call.open.is_empty());
        if hedged {
            return Outcome::Nothing;
        }
        if !self.chooser.is_full(manner.rule.with) || self.held() >= manner.calling.hold as usize {
            return self.end(port, number, Outcome::Refused(number));
        }
        self.held.0.push_back(number);
        Outcome::Nothing
    }

    /// There may be room for those that wait.
    fn let_go(&mut self, port: &mut Host, manner: &Manner) {
        while !self.held.0.is_empty() && self.chooser.may(manner.rule.with, port.now()) {
            let Some(next) = self.held.0.pop_front() else { return };
            // There is somebody to ask, so nothing comes of it yet.
            self.attempt(port, manner, next);
            if manner.calling.hedge.0 > 0 {
                port.set(Timer::Hedge(next), manner.calling.hedge);
            }
        }
    }

    /// An answer to an attempt.
    pub fn on_answer(&mut self, port: &mut Host, manner: &Manner, attempt: u64, done: bool) -> Outcome {
        let Some(Attempt { call, to, at }) = self.attempts.remove(&attempt) else { return Outcome::Late };
        self.chooser.done(to);
        let outcome = self.answer(port, manner, call, attempt, done);
        if outcome != Outcome::Late {
            let at = at.0.filter(|_| done);
            self.learn(port, manner, to, at, done);
        }
        self.let_go(port, manner);
        outcome
    }

    fn answer(&mut self, port: &mut Host, manner: &Manner, number: u64, attempt: u64, done: bool) -> Outcome {
        if !self.calls.get(&number).is_some_and(|call| call.open.iter().any(|(open, _)| *open == attempt)) {
            return Outcome::Late;
        }
        if manner.calling.timeout.0 > 0 {
            port.cancel(&Timer::Expired(attempt));
        }
        if done { self.end(port, number, Outcome::Answered(number)) } else { self.fail(port, manner, number, attempt) }
    }

    /// What an attempt says about a server.
    fn learn(&mut self, port: &mut Host, manner: &Manner, to: NodeId, at: Option<Time>, well: bool) {
        let (with, now) = (manner.rule.with, port.now());
        if let Some(at) = at {
            self.chooser.took(with, to, now, now.since(at));
        }
        match self.chooser.judge(with, to, now, well) {
            None => {}
            Some(Turned::Open(failures)) => {
                port.note(format!("the breaker for {to} opens after {failures} failures in a row"));
            }
            Some(Turned::Closed) => port.note(format!("the breaker for {to} closes")),
        }
    }

    /// A timer has run out.
    pub fn on_timer(&mut self, port: &mut Host, manner: &Manner, timer: Timer) -> Outcome {
        match timer {
            Timer::Expired(attempt) => {
                let Some(Attempt { call, to, at }) = self.attempts.remove(&attempt) else { return Outcome::Nothing };
                self.chooser.done(to);
                self.learn(port, manner, to, at.0, false);
                let outcome = match self.fail(port, manner, call, attempt) {
                    Outcome::Refused(number) => Outcome::Expired(number),
                    other => other,
                };
                self.let_go(port, manner);
                outcome
            }
            Timer::Again(number) => self.second(port, manner, number, Outcome::Retried),
            Timer::Hedge(number) => self.hedge(port, manner, number),
            Timer::Over(number) => self.end(port, number, Outcome::Expired(number)),
        }
    }

    /// Asks somebody else as well, when somebody has room. A call that still waits for room has not been asked at all: its
    /// time begins when it is.
    fn hedge(&mut self, port: &mut Host, manner: &Manner, number: u64) -> Outcome {
        let (with, now) = (manner.rule.with, port.now());
        // Hedges may have been turned off since; then this one would wait for no time at all, for ever.
        if self.held.0.contains(&number) || manner.calling.hedge == Micros::ZERO {
            return Outcome::Nothing;
        }
        if self.chooser.is_full(with) && !self.chooser.may(with, now) {
            if self.calls.contains_key(&number) {
                port.set(Timer::Hedge(number), manner.calling.hedge);
            }
            return Outcome::Nothing;
        }
        match self.afford(now, manner) {
            true => self.second(port, manner, number, Outcome::Hedged),
            false => Outcome::Nothing,
        }
    }

    fn second(&mut self, port: &mut Host, manner: &Manner, number: u64, told: Outcome) -> Outcome {
        if !self.calls.contains_key(&number) {
            return Outcome::Nothing;
        }
        match self.attempt(port, manner, number) {
            Outcome::Nothing => told,
            failed => failed,
        }
    }

    /// An attempt has failed; if it was the last that might have been answered, the call is tried again, or it fails.
    fn fail(&mut self, port: &mut Host, manner: &Manner, number: u64, attempt: u64) -> Outcome {
        let now = port.now();
        let Some(call) = self.calls.get_mut(&number) else { return Outcome::Nothing };
        call.open.retain(|(open, _)| *open != attempt);
        if !call.open.is_empty() {
            return Outcome::Nothing;
        }
        call.failures += 1;
        let (failures, waited) = (call.failures, call.waited);
        if failures > manner.calling.retries || !self.afford(now, manner) {
            return self.end(port, number, Outcome::Refused(number));
        }
        let backoff = Backoff { base: manner.calling.base, cap: manner.calling.cap };
        let wait = backoff.wait(manner.calling.backoff, failures, waited, port.rng());
        if let Some(call) = self.calls.get_mut(&number) {
            call.waited = wait;
        }
        if wait == Micros::ZERO {
            return self.second(port, manner, number, Outcome::Retried);
        }
        port.set(Timer::Again(number), wait);
        Outcome::Nothing
    }

    /// Whether the budget has one more attempt; then it is spent.
    fn afford(&mut self, now: Time, manner: &Manner) -> bool {
        let Calling { budget, ratio, .. } = *manner.calling;
        if budget == 0.0 && ratio == 0.0 {
            return true;
        }
        let rate = (budget * 1000.0 + 0.5) as u64;
        // A second's worth, and what a share of the calls may save.
        let most = rate.saturating_add(if ratio > 0.0 { SAVED * 1000 } else { 0 });
        self.budget.gain(now, rate, most);
        self.budget.take()
    }

    /// Nobody waits for this call any more. What is under way for it is let go, and its answers will be late.
    pub fn give_up(&mut self, port: &mut Host, number: u64) {
        self.end(port, number, Outcome::Nothing);
    }

    fn end(&mut self, port: &mut Host, number: u64, outcome: Outcome) -> Outcome {
        if let Some(call) = self.calls.remove(&number) {
            for (attempt, _) in call.open {
                port.cancel(&Timer::Expired(attempt));
            }
            if call.about.deadline.0.is_some() {
                port.cancel(&Timer::Over(number));
            }
            if !self.held.0.is_empty() {
                self.held.0.retain(|held| *held != number);
            }
            port.cancel(&Timer::Hedge(number));
            port.cancel(&Timer::Again(number));
        }
        outcome
    }
}

#[cfg(test)]
mod tests;
