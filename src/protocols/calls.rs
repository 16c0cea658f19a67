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
            Timer::Hedge(number) => match self.afford(port.now(), manner) {
                true => self.second(port, manner, number, Outcome::Hedged),
                false => Outcome::Nothing,
            },
            Timer::Over(number) => self.end(port, number, Outcome::Expired(number)),
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
mod tests {
    use super::super::choosing::Policy;
    use super::super::testing::Desk;
    use super::*;

    type TestDesk = Desk<Message, Timer, ()>;

    fn calling() -> Calling {
        Calling {
            timeout: Micros::ms(100),
            retries: 1,
            backoff: Jitter::Constant,
            base: Micros::ms(10),
            cap: Micros::ms(40),
            ..Calling::default()
        }
    }

    /// In turn, by these settings, which the test keeps for good.
    fn manner(calling: Calling, choosing: Choosing) -> Manner<'static> {
        Manner::new(Policy::RoundRobin, Box::leak(Box::new(choosing)), Box::leak(Box::new(calling)))
    }

    fn usual() -> Manner<'static> {
        manner(calling(), Choosing::default())
    }

    const ABOUT: About = About { key: 0, class: 0, deadline: Later(None) };

    fn calls() -> (Calls, TestDesk) {
        let mut calls = Calls::default();
        calls.chooser.know([1, 2].into_iter().map(NodeId));
        (calls, Desk::new(9))
    }

    fn asked(desk: &mut TestDesk) -> Vec<(u32, u64)> {
        let attempt = |message: Message| if let Message::Request { attempt, .. } = message { attempt } else { 0 };
        desk.sent().into_iter().map(|(to, message)| (to.0, attempt(message))).collect()
    }

    #[test]
    fn a_call_that_is_not_answered_is_tried_again_elsewhere_and_then_given_up() {
        let (mut calls, mut desk) = calls();
        let manner = usual();
        assert_eq!(calls.start(&mut desk, &manner, 7, ABOUT, None), Outcome::Nothing);
        assert_eq!(asked(&mut desk), [(1, 1)]);
        assert_eq!(calls.on_timer(&mut desk, &manner, Timer::Expired(1)), Outcome::Nothing);
        assert!(desk.timers.contains(&(Timer::Again(7), Time(10_000))), "after a wait: {:?}", desk.timers);
        assert_eq!(calls.on_timer(&mut desk, &manner, Timer::Again(7)), Outcome::Retried);
        assert_eq!(asked(&mut desk), [(2, 2)]);
        // The answer to the first comes too late.
        assert_eq!(calls.on_answer(&mut desk, &manner, 1, true), Outcome::Late);
        assert_eq!(calls.on_timer(&mut desk, &manner, Timer::Expired(2)), Outcome::Expired(7));
        assert_eq!((calls.open(), asked(&mut desk)), (0, vec![]));
    }

    #[test]
    fn a_hedge_goes_to_somebody_else_and_the_first_answer_counts() {
        let (mut calls, mut desk) = calls();
        let manner = manner(Calling { hedge: Micros::ms(20), ..calling() }, Choosing::default());
        calls.start(&mut desk, &manner, 7, ABOUT, Some(NodeId(2)));
        assert_eq!(calls.on_timer(&mut desk, &manner, Timer::Hedge(7)), Outcome::Hedged);
        assert_eq!(asked(&mut desk), [(2, 1), (1, 2)]);
        // One refusal is not the end while the other may still answer.
        assert_eq!(calls.on_answer(&mut desk, &manner, 1, false), Outcome::Nothing);
        assert_eq!(calls.on_answer(&mut desk, &manner, 2, true), Outcome::Answered(7));
        assert_eq!(desk.timers, [], "nothing is left to wait for");
        assert_eq!((calls.chooser.under_way(NodeId(1)), calls.chooser.under_way(NodeId(2))), (0, 0));
    }

    #[test]
    fn a_budget_bounds_second_attempts() {
        let (mut calls, mut desk) = calls();
        // Two a second, and no more than two at once.
        let calling = Calling { retries: 1_000, backoff: Jitter::None, budget: 2.0, ..calling() };
        let manner = manner(calling, Choosing::default());
        let mut retries = 0;
        for second in 10..20 {
            desk.now = Time(second * 1_000_000);
            for call in 0..5 {
                let number = second * 10 + call;
                calls.start(&mut desk, &manner, number, ABOUT, None);
                let (_, attempt) = asked(&mut desk)[0];
                let outcome = calls.on_answer(&mut desk, &manner, attempt, false);
                retries += u32::from(outcome == Outcome::Retried);
                asked(&mut desk);
            }
        }
        assert_eq!(retries, 20);
    }

    #[test]
    fn with_nobody_to_ask_a_call_fails_at_once() {
        let (mut calls, mut desk) = (Calls::default(), TestDesk::new(9));
        assert_eq!(calls.start(&mut desk, &usual(), 7, ABOUT, None), Outcome::Refused(7));
        assert_eq!(calls.open(), 0);
    }

    #[test]
    fn a_share_of_the_calls_bounds_second_attempts() {
        let (mut calls, mut desk) = calls();
        let calling = Calling { retries: 1_000, backoff: Jitter::None, ratio: 0.1, ..calling() };
        let manner = manner(calling, Choosing::default());
        let mut retries = 0;
        for number in 0..1_000 {
            calls.start(&mut desk, &manner, number, ABOUT, None);
            // However many attempts a call gets, all are refused.
            while let Some((_, attempt)) = asked(&mut desk).first().copied() {
                let outcome = calls.on_answer(&mut desk, &manner, attempt, false);
                retries += u32::from(outcome == Outcome::Retried);
            }
        }
        assert_eq!(retries, 100, "a tenth");
    }

    #[test]
    fn a_deadline_goes_with_every_attempt_and_ends_the_call() {
        let (mut calls, mut desk) = calls();
        let calling = Calling { deadline: Micros::ms(150), ..calling() };
        let manner = manner(calling, Choosing::default());
        let deadlines = |desk: &mut TestDesk| -> Vec<Option<Time>> {
            let of = |message| if let Message::Request { deadline, .. } = message { deadline.0 } else { None };
            desk.sent().into_iter().map(|(_, message)| of(message)).collect()
        };
        calls.start(&mut desk, &manner, 7, ABOUT, None);
        // What comes with a deadline keeps it, if it is the earlier one.
        let given = |millis: u64| About { deadline: Later(Some(Time(millis * 1_000))), ..ABOUT };
        calls.start(&mut desk, &manner, 8, given(90), None);
        calls.start(&mut desk, &manner, 9, given(900), None);
        assert_eq!(deadlines(&mut desk), [150, 90, 150].map(|millis| Some(Time(millis * 1_000))));
        desk.now = Time(100_000);
        calls.on_timer(&mut desk, &manner, Timer::Expired(1));
        assert_eq!(calls.on_timer(&mut desk, &manner, Timer::Again(7)), Outcome::Retried);
        assert_eq!(deadlines(&mut desk), [Some(Time(150_000))]);
        assert!(desk.timers.contains(&(Timer::Over(7), Time(150_000))));
        desk.now = Time(150_000);
        assert_eq!(calls.on_timer(&mut desk, &manner, Timer::Over(7)), Outcome::Expired(7));
        assert_eq!(calls.on_answer(&mut desk, &manner, 4, true), Outcome::Late);
    }

    #[test]
    fn beyond_the_window_calls_wait_their_turn_and_then_fail() {
        let (mut calls, mut desk) = calls();
        let calling = Calling { timeout: Micros::ZERO, hold: 2, ..calling() };
        let manner = manner(calling, Choosing { window: 1, ..Choosing::default() });
        let start = |calls: &mut Calls, desk: &mut TestDesk, number| calls.start(desk, &manner, number, ABOUT, None);
        for number in 1..=4 {
            assert_eq!(start(&mut calls, &mut desk, number), Outcome::Nothing);
        }
        assert_eq!(start(&mut calls, &mut desk, 5), Outcome::Refused(5), "two are asked and two wait");
        assert_eq!((asked(&mut desk), calls.held()), (vec![(1, 1), (2, 2)], 2));
        assert_eq!(calls.on_answer(&mut desk, &manner, 2, true), Outcome::Answered(2));
        assert_eq!((asked(&mut desk), calls.held()), (vec![(2, 3)], 1), "an answer makes room");
        calls.give_up(&mut desk, 4);
        assert_eq!(calls.on_answer(&mut desk, &manner, 1, true), Outcome::Answered(1));
        assert_eq!((asked(&mut desk), calls.held()), (vec![], 0), "who gave up waits no more");
    }

    #[test]
    fn an_open_breaker_fails_calls_at_once_and_one_request_tries_it() {
        let (mut calls, mut desk) = (Calls::default(), TestDesk::new(9));
        calls.chooser.know([NodeId(1)].into_iter());
        let calling = Calling { retries: 0, ..calling() };
        let manner = manner(calling, Choosing { breaker: 2, ..Choosing::default() });
        for number in 1..=2 {
            calls.start(&mut desk, &manner, number, ABOUT, None);
            assert_eq!(calls.on_timer(&mut desk, &manner, Timer::Expired(number)), Outcome::Expired(number));
        }
        assert_eq!(calls.start(&mut desk, &manner, 3, ABOUT, None), Outcome::Refused(3));
        desk.now = Time(5_000_000);
        assert_eq!(calls.start(&mut desk, &manner, 4, ABOUT, None), Outcome::Nothing);
        assert_eq!(calls.start(&mut desk, &manner, 5, ABOUT, None), Outcome::Refused(5));
        assert_eq!(calls.on_answer(&mut desk, &manner, 3, true), Outcome::Answered(4));
        assert_eq!(
            desk.notes,
            [
                "the breaker for @1 opens after 2 failures in a row",
                "the breaker for @1 is half open: one request tries",
                "the breaker for @1 closes"
            ]
        );
    }
}
