//! Calls: requests that one waits for, with a time-out, retries, a hedge, and a budget for both.
//!
//! A call is made of attempts. One that is not answered in time is given up and, as far as retries go, made again after a
//! wait. A hedge is a second attempt beside the first, to somebody else if there is one, when the answer takes longer
//! than usual (Dean and Barroso, «The Tail at Scale», CACM 2013). Second attempts may be limited to so many a second, as
//! a token bucket that holds one second's worth: without that, retries keep an overload going that has no other cause
//! any more (Bronson et al., «Metastable Failures in Distributed Systems», HotOS 2021).

use crate::sim::{Micros, NodeId, Port, Table, Time};

use super::backoff::{Backoff, Jitter};
use super::choosing::{Chooser, Rule};
use super::request::Message;

/// How many calls may be open at once; one more fails at once.
pub const MAX_CALLS: usize = 1_000_000;
/// How many attempts that nobody waits for any more are remembered, so that their answers free their server.
pub const MAX_ATTEMPTS: usize = 2_000_000;

/// How calls are made.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// How long an attempt is waited for; zero is for ever.
    pub timeout: Micros,
    /// How often a call is tried again.
    pub retries: u32,
    /// The waits between the tries.
    pub backoff: Backoff,
    /// What of a wait is waited.
    pub jitter: Jitter,
    /// After how long a second attempt is made beside the first; zero is never.
    pub hedge: Micros,
    /// How many retries and hedges a second there may be, in thousandths; zero is any number.
    pub budget: u64,
    /// Who is asked.
    pub rule: Rule,
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
}

impl Timer {
    /// What it is called.
    pub fn name(&self) -> &'static str {
        match self {
            Timer::Expired(_) => "time-out",
            Timer::Again(_) => "retry",
            Timer::Hedge(_) => "hedge",
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
    key: u64,
    class: u32,
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

/// Calls under way.
#[derive(Clone, Debug, Default, Hash)]
pub struct Calls {
    /// Who can be asked.
    pub chooser: Chooser,
    calls: Table<u64, Call>,
    /// Attempts whose answer may come: the call, and whom it went to.
    attempts: Table<u64, (u64, NodeId)>,
    last: u64,
    /// Millionths of thousandths of an attempt: what is left of the budget, and when that was.
    credit: u64,
    counted: Time,
}

/// One attempt in the unit of `credit`.
const ONE: u64 = 1_000_000_000;

impl Calls {
    /// How many calls are open.
    pub fn open(&self) -> usize {
        self.calls.len()
    }

    /// Makes a call, under a number that the host has given no other. `first` is asked first, if it is given.
    pub fn start(
        &mut self,
        port: &mut Host,
        manner: &Manner,
        number: u64,
        (key, class): (u64, u32),
        first: Option<NodeId>,
    ) -> Outcome {
        if self.calls.len() >= MAX_CALLS {
            return Outcome::Refused(number);
        }
        let (open, asked) = (Vec::new(), Vec::new());
        let call = Call { key, class, first, failures: 0, waited: manner.backoff.base, open, asked };
        self.calls.insert(number, call);
        if manner.hedge.0 > 0 {
            port.set(Timer::Hedge(number), manner.hedge);
        }
        self.attempt(port, manner, number)
    }

    /// Asks once more. A call that nobody can be asked for has failed.
    fn attempt(&mut self, port: &mut Host, manner: &Manner, number: u64) -> Outcome {
        let Some(call) = self.calls.get_mut(&number) else { return Outcome::Nothing };
        let chosen = self.chooser.choose(manner.rule, call.key, &call.asked, port.rng());
        let Some(to) = call.first.take().or(chosen) else {
            return self.end(port, number, Outcome::Refused(number));
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
        self.attempts.insert(attempt, (number, to));
        self.chooser.sent(to);
        let (key, class) = (call.key, call.class);
        port.send(to, Message::Request { attempt, key, class });
        if manner.timeout.0 > 0 {
            port.set(Timer::Expired(attempt), manner.timeout);
        }
        Outcome::Nothing
    }

    /// An answer to an attempt.
    pub fn on_answer(&mut self, port: &mut Host, manner: &Manner, attempt: u64, done: bool) -> Outcome {
        let Some((number, to)) = self.attempts.remove(&attempt) else { return Outcome::Late };
        self.chooser.done(to);
        if !self.calls.get(&number).is_some_and(|call| call.open.iter().any(|(open, _)| *open == attempt)) {
            return Outcome::Late;
        }
        if manner.timeout.0 > 0 {
            port.cancel(&Timer::Expired(attempt));
        }
        if done { self.end(port, number, Outcome::Answered(number)) } else { self.fail(port, manner, number, attempt) }
    }

    /// A timer has run out.
    pub fn on_timer(&mut self, port: &mut Host, manner: &Manner, timer: Timer) -> Outcome {
        match timer {
            Timer::Expired(attempt) => {
                let Some((number, to)) = self.attempts.remove(&attempt) else { return Outcome::Nothing };
                self.chooser.done(to);
                match self.fail(port, manner, number, attempt) {
                    Outcome::Refused(number) => Outcome::Expired(number),
                    other => other,
                }
            }
            Timer::Again(number) => self.second(port, manner, number, Outcome::Retried),
            Timer::Hedge(number) => match self.afford(port.now(), manner) {
                true => self.second(port, manner, number, Outcome::Hedged),
                false => Outcome::Nothing,
            },
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
        if failures > manner.retries || !self.afford(now, manner) {
            return self.end(port, number, Outcome::Refused(number));
        }
        let wait = manner.backoff.wait(manner.jitter, failures, waited, port.rng());
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
        if manner.budget == 0 {
            return true;
        }
        let gained = now.since(self.counted).0.saturating_mul(manner.budget);
        let most = ONE.max(manner.budget.saturating_mul(1_000_000));
        self.credit = self.credit.saturating_add(gained).min(most);
        self.counted = now;
        let enough = self.credit >= ONE;
        self.credit -= if enough { ONE } else { 0 };
        enough
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

    fn manner() -> Manner {
        Manner {
            timeout: Micros::ms(100),
            retries: 1,
            backoff: Backoff { base: Micros::ms(10), cap: Micros::ms(40) },
            jitter: Jitter::Constant,
            hedge: Micros::ZERO,
            budget: 0,
            rule: Rule { policy: Policy::RoundRobin, choices: 2, virtual_nodes: 1 },
        }
    }

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
        let manner = manner();
        assert_eq!(calls.start(&mut desk, &manner, 7, (0, 0), None), Outcome::Nothing);
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
        let manner = Manner { hedge: Micros::ms(20), ..manner() };
        calls.start(&mut desk, &manner, 7, (0, 0), Some(NodeId(2)));
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
        let manner = Manner { retries: 1_000, jitter: Jitter::None, budget: 2_000, ..manner() };
        let mut retries = 0;
        for second in 10..20 {
            desk.now = Time(second * 1_000_000);
            for call in 0..5 {
                let number = second * 10 + call;
                calls.start(&mut desk, &manner, number, (0, 0), None);
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
        assert_eq!(calls.start(&mut desk, &manner(), 7, (0, 0), None), Outcome::Refused(7));
        assert_eq!(calls.open(), 0);
    }
}
