//! The linearizability checker against a brute-force one on small histories, and on large ones that are known to hold or
//! known to be broken.
#![cfg(not(target_arch = "wasm32"))]

#[path = "linear/brute.rs"]
mod brute;
#[path = "linear/classic.rs"]
mod classic;
#[path = "linear/shrunk.rs"]
mod shrunk;
#[path = "linear/simulated.rs"]
mod simulated;

use brute::{Call, Model, brute_force, brute_force_without_time, random_history, random_history_of, to_history};
use faultline::check::linear::Verdict;
use faultline::sim::{Purpose, Stream};
use simulated::{Plan, simulated, spoil_late};

const MODELS: &[Model] = &[Model::Register, Model::CasRegister, Model::Kv, Model::Queue, Model::ListAppend, Model::Set];

fn verdict(model: Model, calls: &[Call]) -> Verdict {
    to_history(model, calls).check(None, &mut |_| true).expect("it is a history")
}

fn luck(seed: u64) -> Stream {
    Stream::new(seed, Purpose::Faults)
}

/// How many random histories of each model; a release build affords more.
const HISTORIES: u64 = 24_000;

fn agree(model: Model) {
    let mut luck = luck(model as u64 + 1);
    let mut held = 0;
    for number in 0..HISTORIES {
        let calls = random_history(model, &mut luck);
        let expected = brute_force(model, &calls);
        held += u64::from(expected);
        match verdict(model, &calls) {
            Verdict::Holds => assert!(expected, "{model:?} {number}: found an order where there is none: {calls:#?}"),
            Verdict::Violated(violation) => {
                assert!(!expected, "{model:?} {number}: found no order where there is one: {violation:#?} {calls:#?}");
                assert!(!violation.operations.is_empty() && violation.operations.len() <= calls.len());
                // What is shown must be wrong by itself.
                let broken = shrunk::is_broken(model, &violation);
                assert_eq!(broken, Some(true), "{model:?} {number}: {violation:#?} of {calls:#?}");
            }
            Verdict::Unknown(_) => panic!("{model:?} {number}: nothing was found: {calls:#?}"),
        }
    }
    let share = held as f64 / HISTORIES as f64;
    assert!((0.2..=0.8).contains(&share), "{model:?}: {share} of the histories hold");
}

#[test]
fn registers_agree_with_brute_force() {
    agree(Model::Register);
}

#[test]
fn registers_with_compare_and_set_agree_with_brute_force() {
    agree(Model::CasRegister);
}

#[test]
fn stores_with_append_agree_with_brute_force() {
    agree(Model::Kv);
}

#[test]
fn queues_agree_with_brute_force() {
    agree(Model::Queue);
}

#[test]
fn lists_agree_with_brute_force() {
    agree(Model::ListAppend);
}

#[test]
fn sets_agree_with_brute_force() {
    agree(Model::Set);
}

/// More at once, and mostly equal values: what equal calls may be swapped, and what may wait, shows only here.
#[test]
fn crowded_histories_of_equal_values_agree_with_brute_force() {
    for model in [Model::CasRegister, Model::Queue, Model::Set] {
        let mut luck = luck(model as u64 + 1_001);
        let (mut held, count) = (0, 20_000);
        for number in 0..count {
            let (processes, calls) = (3 + luck.below(4) as u32, 8 + luck.below(5) as u32);
            let values = if luck.below(3) == 0 { 100 } else { 2 };
            let calls = random_history_of(model, processes, calls, values, &mut luck);
            let expected = brute_force(model, &calls);
            held += u64::from(expected);
            let found = verdict(model, &calls);
            assert!(!matches!(found, Verdict::Unknown(_)), "{model:?} {number}: nothing was found: {calls:#?}");
            assert_eq!(found == Verdict::Holds, expected, "{model:?} {number}: {found:#?} of {calls:#?}");
        }
        let share = held as f64 / count as f64;
        assert!((0.2..=0.8).contains(&share), "{model:?}: {share} of the histories hold");
    }
}

/// A checker that does not mind real time is not what is tested here: the random histories tell the two apart.
#[test]
fn a_checker_that_forgets_real_time_is_caught() {
    for model in MODELS {
        let mut luck = luck(99);
        let differ = (0..2_000)
            .map(|_| random_history(*model, &mut luck))
            .filter(|calls| brute_force(*model, calls) != brute_force_without_time(*model, calls))
            .count();
        assert!(differ > 50, "{model:?}: only {differ} of 2000 histories depend on real time");
    }
}

/// Plans of large histories, and a name for each.
fn plans() -> Vec<(&'static str, Plan)> {
    let plan = Plan {
        model: Model::Register,
        calls: 20_000,
        processes: 10,
        keys: 1,
        values: 0,
        infos: 5,
        fails: 20,
        reads: 50,
    };
    vec![
        ("register, unique", Plan { calls: 50_000, processes: 30, ..plan }),
        ("register, 5 values", Plan { values: 5, processes: 10, ..plan }),
        ("register, 5 values, 30 processes", Plan { values: 5, processes: 30, ..plan }),
        ("register, 200 values, 20 processes", Plan { values: 200, processes: 20, ..plan }),
        ("cas-register, 5 values", Plan { model: Model::CasRegister, values: 5, ..plan }),
        ("cas-register, 5 values, 30 processes", Plan { model: Model::CasRegister, values: 5, processes: 30, ..plan }),
        ("cas-register, unique", Plan { model: Model::CasRegister, processes: 20, ..plan }),
        ("kv, 50 keys", Plan { model: Model::Kv, keys: 50, processes: 20, ..plan }),
        ("kv, 3 keys", Plan { model: Model::Kv, keys: 3, processes: 10, ..plan }),
        ("queue, unique", Plan { model: Model::Queue, processes: 20, reads: 55, ..plan }),
        ("queue, unique, growing", Plan { model: Model::Queue, processes: 20, reads: 40, ..plan }),
        ("list-append", Plan { model: Model::ListAppend, processes: 20, reads: 5, ..plan }),
        (
            "list-append, 20 keys, values again",
            Plan { model: Model::ListAppend, keys: 20, values: 100, reads: 30, ..plan },
        ),
        ("set with reads", Plan { model: Model::Set, values: 20, processes: 3, calls: 10_000, infos: 0, ..plan }),
    ]
}

#[test]
fn large_histories_hold_until_something_is_spoiled() {
    let mut luck = luck(5);
    for (name, plan) in plans() {
        let mut calls = simulated(&plan, &mut luck);
        let found = verdict(plan.model, &calls);
        assert!(found == Verdict::Holds, "{name}: {found:#?}");
        let told = spoil_late(&mut calls, &mut luck);
        let Verdict::Violated(violation) = verdict(plan.model, &calls) else { panic!("{name}: holds with {told}") };
        assert!(violation.operations.len() < 200, "{name}: {told}: {violation:#?}");
    }
}

/// Where equal values are put in again and again, who did it is searched for.
#[test]
fn large_histories_of_equal_values_are_decided() {
    let mut luck = luck(8);
    let plan =
        Plan { model: Model::Queue, calls: 20_000, processes: 20, keys: 1, values: 50, infos: 5, fails: 20, reads: 52 };
    let plans = [
        ("queue", plan),
        ("queue, growing", Plan { reads: 45, ..plan }),
        ("set with remove", Plan { model: Model::Set, values: 100, reads: 20, ..plan }),
        ("cas-register, 50 processes", Plan { model: Model::CasRegister, processes: 50, values: 0, reads: 50, ..plan }),
    ];
    for (name, plan) in plans {
        let mut calls = simulated(&plan, &mut luck);
        let found = verdict(plan.model, &calls);
        assert!(found == Verdict::Holds, "{name}: {found:#?}");
        let told = spoil_late(&mut calls, &mut luck);
        let found = verdict(plan.model, &calls);
        assert!(matches!(found, Verdict::Violated(_)), "{name}: {told}: {found:#?}");
    }
}

/// Histories of 50 000 calls of each model, of few and many processes, of which nobody hears again of one in a hundred.
#[test]
#[ignore = "takes minutes, and prints what it took: docs/history.md has the table"]
#[expect(clippy::disallowed_types, reason = "it measures")]
fn how_long_large_histories_take() {
    let plan = Plan {
        model: Model::Register,
        calls: 50_000,
        processes: 5,
        keys: 1,
        values: 0,
        infos: 10,
        fails: 20,
        reads: 50,
    };
    let kinds = [
        ("register, each value once", Plan { ..plan }),
        ("register, 5 values", Plan { values: 5, ..plan }),
        ("cas-register, each value once", Plan { model: Model::CasRegister, ..plan }),
        ("cas-register, 5 values", Plan { model: Model::CasRegister, values: 5, ..plan }),
        ("kv, 100 keys", Plan { model: Model::Kv, keys: 100, values: 5, ..plan }),
        ("queue, each value once", Plan { model: Model::Queue, reads: 52, ..plan }),
        ("queue, 50 values", Plan { model: Model::Queue, values: 50, reads: 52, ..plan }),
        ("queue, 50 values, growing", Plan { model: Model::Queue, values: 50, reads: 45, ..plan }),
        ("list-append, 1 in 100 reads", Plan { model: Model::ListAppend, reads: 1, ..plan }),
        ("set with remove, 100 values, read whole", Plan { model: Model::Set, values: 100, reads: 20, ..plan }),
    ];
    for (name, plan) in kinds {
        for processes in [5, 20, 50] {
            let plan = Plan { processes, ..plan };
            let mut luck = luck(7);
            let mut calls = simulated(&plan, &mut luck);
            let timed = |calls: &[Call]| {
                let history = to_history(plan.model, calls);
                let start = std::time::Instant::now();
                let verdict = history.check(None, &mut |_| start.elapsed().as_secs() < 20).expect("it is a history");
                let word = match verdict {
                    Verdict::Holds => "holds",
                    Verdict::Violated(_) => "violated",
                    Verdict::Unknown(_) => "unknown",
                };
                format!("{word} {:.2} s", start.elapsed().as_secs_f64())
            };
            let right = timed(&calls);
            let told = spoil_late(&mut calls, &mut luck);
            println!("{name}, {processes} processes: {right}; with {told}: {}", timed(&calls));
        }
    }
}
