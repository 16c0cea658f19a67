//! The catalogue: every idea and every system of the article, and every protocol and mechanism that they stand on, each a
//! scenario of its own.
//!
//! Each is whole: it moves by itself, has a lesson of three to seven steps whose tasks can be done and
//! whose last step leaves a question, dials, vital signs, promises that a mistake breaks, and says what it simplifies. Its
//! file in tests/catalogue says how the tasks are done, each walk from the beginning, and what its transcript shows.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::disallowed_methods, reason = "it reads files")]

#[path = "shared/binary.rs"]
mod binary;
#[path = "shared/golden.rs"]
mod golden;

use std::rc::Rc;

use faultline::components::{Record, What};
use faultline::scenario::{Document, Run, builtins};
use faultline::sim::{Micros, Time, Value};
use toml::{Table, Value as Toml};

/// Ideas and systems: their ids are the names of their scenarios.
const ROWS: [&str; 20] = [
    "one-computer",
    "shared-state",
    "concurrency",
    "independent-failures",
    "task-delegation",
    "latency",
    "observability",
    "deployment",
    "scaling",
    "breaking-up-tasks",
    "specialised-parts",
    "the-body",
    "fault-tolerance",
    "chat",
    "internet",
    "cloud",
    "telephone",
    "cellular",
    "mmo",
    "aircraft",
];

/// Protocols and mechanisms, and the scenarios in which they run.
const MECHANISMS: [(&str, &str); 24] = [
    ("Raft", "raft"),
    ("Paxos", "paxos"),
    ("primary–backup", "primary-backup"),
    ("chain replication", "chain-replication"),
    ("quorum reads and writes", "quorum"),
    ("consistent hashing", "consistent-hashing"),
    ("SWIM", "swim"),
    ("gossip", "gossip"),
    ("anti-entropy with Merkle trees", "merkle-trees"),
    ("Lamport and vector clocks, Chandy–Lamport snapshot", "logical-clocks"),
    ("CRDTs", "crdt"),
    ("two-phase commit", "two-phase-commit"),
    ("saga", "saga"),
    ("leases and fencing", "lease"),
    ("bully and ring election", "election"),
    ("load-balancing policies", "balancing"),
    ("retries, budgets, breakers, shedding, limits", "overload"),
    ("hedging", "latency"),
    ("at-most, at-least and effectively-once queues", "queue"),
    ("publish–subscribe log with consumer groups", "log"),
    ("clock synchronisation", "clock-synchronisation"),
    ("Byzantine agreement by oral messages", "generals"),
    ("Byzantine agreement by PBFT", "pbft"),
    ("autoscaling", "autoscaling"),
];

/// The rows that have walks and a transcript in tests/catalogue. The others, which came before that, have theirs in tests of
/// their own.
const WALKED: &[&str] = &[
    "one-computer",
    "concurrency",
    "independent-failures",
    "task-delegation",
    "latency",
    "specialised-parts",
    "breaking-up-tasks",
    "fault-tolerance",
    "deployment",
    "observability",
    "paxos",
    "chain-replication",
    "consistent-hashing",
    "saga",
    "mmo",
    "the-body",
    "cloud",
    "shared-state",
    "telephone",
    "aircraft",
    "cellular",
    "internet",
    "election",
    "pbft",
    "logical-clocks",
    "clock-synchronisation",
    "scaling",
    "log",
    "merkle-trees",
];

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

fn file(path: &str) -> String {
    let path = format!("{FOLDER}/{path}");
    std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{path}: {why}"))
}

fn scenario(name: &str) -> Document {
    let text = file(&format!("static/scenarios/{name}.toml"));
    Document::from_toml(&text).unwrap_or_else(|problems| panic!("{name}: {problems:?}"))
}

fn sheet(name: &str) -> Table {
    toml::from_str(&file(&format!("tests/catalogue/{name}.toml"))).unwrap_or_else(|why| panic!("{name}: {why}"))
}

fn list<'a>(table: &'a Table, name: &str) -> &'a [Toml] {
    table.get(name).and_then(Toml::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(table: &'a Table, name: &str) -> Option<&'a str> {
    table.get(name).map(|value| value.as_str().unwrap_or_else(|| panic!("{name} is text")))
}

#[test]
fn every_row_is_there() {
    let rows = ROWS.iter().copied().chain(MECHANISMS.iter().map(|(_, scenario)| *scenario));
    let there = |name: &str| builtins().any(|builtin| builtin == name);
    let missing: Vec<&str> = rows.filter(|row| !there(row)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_row_is_whole() {
    for name in builtins() {
        let document = scenario(name);
        let steps = &document.lesson.as_ref().unwrap_or_else(|| panic!("{name} has no lesson")).steps;
        assert!((3..=7).contains(&steps.len()), "{name} has {} steps", steps.len());
        for step in steps {
            assert!(!step.tasks.is_empty(), "{name}: there is something to do in \"{}\"", step.title);
        }
        let last = &steps[steps.len() - 1];
        assert!(last.text.trim_end().ends_with('?'), "{name}: \"{}\" leaves a question", last.title);
        assert!(document.dials.len() >= 2 && !document.vitals.is_empty() && !document.checks.is_empty(), "{name}");
        assert!(!document.summary.is_empty() && !document.hint.is_empty(), "{name} says what one is looking at");
        let sources = document.simplifications.iter().filter(|simpler| !simpler.source.is_empty());
        assert!(sources.count() >= 2, "{name} says where one can read how it really is");
        let swarm: Table = toml::from_str(&file(&format!("tests/swarm/{name}.toml"))).expect("a sheet");
        let breaks = |case: &Toml| case.get("breaks").is_some();
        assert!(list(&swarm, "cases").iter().any(breaks), "{name} has a mistake that is found out");
    }
}

#[test]
fn within_two_seconds_something_moves() {
    // The generals count down to their first battle, which the stage shows, and send nothing before.
    for name in builtins().filter(|name| *name != "generals") {
        let document = scenario(name);
        let mut run = Run::new(Rc::new(document.clone()), document.seed).expect("it has no problems");
        let mut records: Vec<Record> = Vec::new();
        run.run_until(Time(2_000_000), &mut records);
        let sent = records.iter().filter(|record| matches!(record.what, What::Sent { .. })).count();
        assert!(sent >= 3, "{name}: {sent} messages");
    }
}

/// A setting as a document has it.
fn value(value: &Toml) -> Value {
    match value {
        Toml::Boolean(flag) => Value::Flag(*flag),
        Toml::Integer(number) => Value::Number(*number as f64),
        Toml::Float(number) => Value::Number(*number),
        other => Value::text(other.as_str().expect("a setting is a number, a text or a flag")),
    }
}

fn whole(name: &str) -> Table {
    toml::from_str(&file(&format!("static/scenarios/{name}.toml"))).expect("it is TOML")
}

fn document(whole: &Table) -> Document {
    let text = toml::to_string(whole).expect("it is TOML");
    Document::from_toml(&text).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// The scenario as one walk has it: with its dials turned, and its cues in place of what a reader does.
fn walked(name: &str, walk: &Table) -> Run {
    let mut whole = whole(name);
    let cues = whole.entry("cues").or_insert_with(|| Toml::Array(Vec::new()));
    cues.as_array_mut().expect("cues").extend(list(walk, "cues").iter().cloned());
    let document = document(&whole);
    let set = walk.get("set").and_then(Toml::as_table);
    let settings: Vec<(String, Value)> =
        set.into_iter().flatten().map(|(dial, to)| (dial.clone(), value(to))).collect();
    let document = document.with_settings(&settings).unwrap_or_else(|problem| panic!("{name}: {problem}"));
    let until = text(walk, "until").map_or(Micros::secs(60), |span| Micros::parse(span).expect("a length of time"));
    let seed = walk.get("seed").and_then(Toml::as_integer).map_or(document.seed, |seed| seed as u64);
    let mut run = Run::new(Rc::new(document), seed).unwrap_or_else(|problem| panic!("{name}: {problem}"));
    run.run_until(Time(until.0), &mut Vec::<Record>::new());
    run
}

#[test]
fn the_tasks_of_every_lesson_can_be_done_and_a_promise_breaks_only_where_it_is_said_to() {
    for name in WALKED {
        let steps = scenario(name).lesson.expect("it has a lesson").steps;
        let mut left: Vec<Vec<&str>> =
            steps.iter().map(|step| step.tasks.iter().map(|task| task.text.as_str()).collect()).collect();
        let sheet = sheet(name);
        for walk in list(&sheet, "walks").iter().map(|walk| walk.as_table().expect("a walk")) {
            let title = text(walk, "name").expect("a walk has a name");
            let run = walked(name, walk);
            for (step, left) in left.iter_mut().enumerate() {
                let done = run.tasks(step).iter().zip(&steps[step].tasks).filter(|(done, _)| done.is_some());
                let done: Vec<&str> = done.map(|(_, task)| task.text.as_str()).collect();
                left.retain(|task| !done.contains(task));
            }
            let mut broken: Vec<&str> = run.violations().iter().map(|broken| &*broken.check).collect();
            broken.sort_unstable();
            broken.dedup();
            let expected: Vec<&str> = list(walk, "breaks").iter().filter_map(Toml::as_str).collect();
            assert_eq!(broken, expected, "{name}, {title}: {:?}", run.violations().first().map(|broken| &broken.told));
        }
        assert!(left.iter().all(Vec::is_empty), "{name}: nobody has done {left:?}");
    }
}

#[test]
fn transcripts_are_as_they_were_accepted() {
    for name in WALKED {
        let sheet = sheet(name);
        let arguments: Vec<&str> = list(&sheet, "trace").iter().filter_map(Toml::as_str).collect();
        let found = binary::traced(&file(&format!("static/scenarios/{name}.toml")), &arguments);
        let path = format!("{FOLDER}/tests/golden/catalogue/{name}.txt");
        let accepted = std::fs::read_to_string(path).unwrap_or_default();
        golden::compare(&format!("catalogue/{name}.txt"), &accepted, &found);
    }
}
