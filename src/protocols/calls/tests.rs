//! Calls by hand: what is asked, of whom, and when.

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
fn the_time_of_a_hedge_begins_when_there_was_room_and_a_hedge_waits_for_room_too() {
    let (mut calls, mut desk) = calls();
    let calling = Calling { timeout: Micros::ZERO, hedge: Micros::ms(20), ..calling() };
    let manner = manner(calling, Choosing { window: 1, ..Choosing::default() });
    for number in 1..=3 {
        calls.start(&mut desk, &manner, number, ABOUT, None);
    }
    assert_eq!((asked(&mut desk), calls.held()), (vec![(1, 1), (2, 2)], 1));
    desk.now = Time(20_000);
    assert_eq!(calls.on_timer(&mut desk, &manner, Timer::Hedge(3)), Outcome::Nothing, "it waits itself");
    assert_eq!(calls.on_timer(&mut desk, &manner, Timer::Hedge(1)), Outcome::Nothing, "nobody has room");
    assert!(desk.timers.contains(&(Timer::Hedge(1), Time(40_000))), "later perhaps: {:?}", desk.timers);
    assert_eq!((asked(&mut desk), calls.held()), (vec![], 1));
    assert_eq!(calls.on_answer(&mut desk, &manner, 2, true), Outcome::Answered(2));
    assert_eq!(asked(&mut desk), [(2, 3)]);
    assert!(desk.timers.contains(&(Timer::Hedge(3), Time(40_000))), "{:?}", desk.timers);
    assert_eq!(calls.on_answer(&mut desk, &manner, 3, true), Outcome::Answered(3));
    assert_eq!(calls.on_timer(&mut desk, &manner, Timer::Hedge(1)), Outcome::Hedged);
    assert_eq!(asked(&mut desk), [(2, 4)]);
}

#[test]
fn who_is_left_out_by_a_breaker_does_not_keep_others_from_being_waited_for() {
    let (mut calls, mut desk) = calls();
    let calling = Calling { timeout: Micros::ms(100), retries: 0, ..calling() };
    let manner = manner(calling, Choosing { window: 1, breaker: 1, ..Choosing::default() });
    calls.start(&mut desk, &manner, 1, ABOUT, None);
    assert_eq!(calls.on_timer(&mut desk, &manner, Timer::Expired(1)), Outcome::Expired(1));
    calls.start(&mut desk, &manner, 2, ABOUT, None);
    assert_eq!(calls.start(&mut desk, &manner, 3, ABOUT, None), Outcome::Nothing, "2 is busy and will answer");
    assert_eq!(calls.held(), 1);
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

#[test]
fn a_hedge_that_was_turned_off_meanwhile_is_not_waited_for() {
    let (mut calls, mut desk) = calls();
    let full = || Choosing { window: 1, ..Choosing::default() };
    let hedging = manner(Calling { hedge: Micros::ms(20), timeout: Micros::ZERO, ..calling() }, full());
    for number in 1..=2 {
        calls.start(&mut desk, &hedging, number, ABOUT, None);
    }
    asked(&mut desk);
    // Nobody has room: it is tried again after as long.
    desk.timers.clear();
    calls.on_timer(&mut desk, &hedging, Timer::Hedge(1));
    assert!(desk.timers.iter().any(|(timer, _)| *timer == Timer::Hedge(1)), "{:?}", desk.timers);
    desk.timers.clear();
    let none = manner(Calling { timeout: Micros::ZERO, ..calling() }, full());
    assert_eq!(calls.on_timer(&mut desk, &none, Timer::Hedge(1)), Outcome::Nothing);
    assert_eq!(desk.timers, []);
}
