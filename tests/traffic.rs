//! Balancing, retry storms, queues, scaling and caches: each protection protects, and without it the fault is found.
#![cfg(not(target_arch = "wasm32"))]

#[path = "shared/golden.rs"]
mod golden;

use std::process::Command;
use std::rc::Rc;

use faultline::components::Record;
use faultline::scenario::{Act, Run, builtin};
use faultline::sim::{Time, Value};

/// What the command line prints.
fn said(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_faultline")).args(arguments).output().expect("the binary runs");
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(told.is_empty(), "{arguments:?}: {told}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn secs(n: u64) -> Time {
    Time(n * 1_000_000)
}

/// A built-in scenario with these dials, until then.
fn run(name: &str, dials: &[(&str, Value)], seed: u64, until: u64) -> (Run, Vec<Record>) {
    let mut run = Run::new(Rc::new(builtin(name).expect("it is there")), seed).expect("it has no problems");
    let mut records = Vec::new();
    for (dial, value) in dials {
        let act = Act::Dial { dial: (*dial).to_owned(), value: value.clone() };
        run.act(&act, &mut records).unwrap_or_else(|told| panic!("{dial}: {told}"));
    }
    run.run_until(secs(until), &mut records);
    (run, records)
}

/// Which promises were broken.
fn broken(run: &Run) -> Vec<String> {
    let mut names: Vec<String> = run.violations().iter().map(|broken| broken.check.to_string()).collect();
    names.sort();
    names.dedup();
    names
}

/// How often this was measured.
fn measured(records: &[Record], name: &str) -> usize {
    let is = |record: &&Record| matches!(record.what, faultline::sim::What::Measure { name: of, .. } if of == name);
    records.iter().filter(is).count()
}

#[test]
fn who_looks_spares_a_slow_server_and_who_does_not_is_found_out() {
    for (policy, looks) in [("peak-ewma", true), ("least-connections", true), ("round-robin", false), ("random", false)]
    {
        for seed in 1..=4 {
            let (run, _) = run("balancing", &[("choice", Value::text(policy))], seed, 60);
            let expected: &[&str] = if looks { &[] } else { &["nobody-waits-long"] };
            assert_eq!(broken(&run), expected, "{policy}, seed {seed}");
        }
    }
}

#[test]
fn a_retry_storm_stays_unless_something_is_done_against_it() {
    let number = |name, value: f64| (name, Value::Number(value));
    let text = |name, value: &str| (name, Value::text(value));
    let off = || number("ratio", 0.0);
    let cases = [
        (vec![], true),
        (vec![off()], false),
        (vec![number("ratio", 0.4)], false),
        (vec![off(), number("retries", 0.0)], true),
        (vec![off(), number("breaker", 5.0)], true),
        (vec![off(), text("deadline", "1s")], true),
        (vec![off(), number("limit", 25.0)], true),
        (vec![off(), number("longest", 20.0)], true),
        (vec![off(), text("target", "200ms")], true),
        (vec![off(), number("lifo", 20.0)], true),
        // Waits only spread the storm, and a window only moves the queue.
        (vec![off(), text("backoff", "exponential")], false),
        (vec![off(), number("window", 20.0)], false),
    ];
    for (dials, ends) in cases {
        for seed in 1..=3 {
            let (run, _) = run("overload", &dials, seed, 45);
            let expected: &[&str] = if ends { &[] } else { &["well-again"] };
            assert_eq!(broken(&run), expected, "{dials:?}, seed {seed}");
        }
    }
}

#[test]
fn what_comes_too_late_is_left_undone_only_where_deadlines_are_heeded() {
    let dials = [("ratio", Value::Number(0.0)), ("deadline", Value::text("1s"))];
    let (_, records) = run("overload", &dials, 1, 45);
    assert!(measured(&records, "too late") > 40, "those that were held for longer than a second");
    let mut document = builtin("overload").expect("it is there");
    let server = document.groups.iter_mut().find(|group| group.name == "server").expect("a server");
    server.config.insert("heed".to_owned(), Value::Flag(false));
    let mut run = Run::new(Rc::new(document), 1).expect("it has no problems");
    let mut records = Vec::new();
    for (dial, value) in dials {
        run.act(&Act::Dial { dial: dial.to_owned(), value }, &mut records).expect("it turns");
    }
    run.run_until(secs(45), &mut records);
    assert_eq!(measured(&records, "too late"), 0);
}

#[test]
fn a_breaker_opens_tries_and_closes() {
    let found = said(&[
        "trace",
        "overload",
        "--set",
        "ratio=0",
        "--set",
        "breaker=5",
        "--until",
        "25s",
        "--kind",
        "note,held,released",
    ]);
    golden::compare("traffic/breaker.txt", include_str!("golden/traffic/breaker.txt"), &found);
}
