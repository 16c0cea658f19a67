//! Balancing, retry storms, queues, scaling and caches: each protection protects, and without it the fault is found.
#![cfg(not(target_arch = "wasm32"))]

#[path = "shared/golden.rs"]
mod golden;

use std::process::Command;
use std::rc::Rc;

use faultline::components::{Fact, Record, What};
use faultline::scenario::{Act, FaultPlan, Run, Sink, Tree, builtin, schema};
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
    faulted(name, dials, "[]", seed, until)
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
    let is = |record: &&Record| matches!(record.what, What::Measure { name: of, .. } if of == name);
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

/// Counts the messages of which people were told, from a time on, that they are safe.
struct Safe {
    from: Time,
    count: u64,
}

impl Sink for Safe {
    fn take(&mut self, record: Record) {
        self.count += u64::from(record.at >= self.from && matches!(record.what, What::Fact(Fact::Accepted { .. })));
    }
}

#[test]
fn a_chat_of_fifty_times_the_people_keeps_its_promises_and_does_not_choke_on_what_is_asked_again() {
    // 300 people write 450 messages a second and ask for news 100 times a second. The leader of the history does a thousand
    // requests a second, so not everything can be asked twice; half of the messages must get through.
    for (name, least) in [("chat", 225), ("chat-pair", 0)] {
        let mut document = builtin(name).expect("it is there");
        document.groups.iter_mut().find(|group| group.name == "clients").expect("people").count = 300;
        let mut run = Run::new(Rc::new(document), 20260).expect("it has no problems");
        let mut safe = Safe { from: secs(5), count: 0 };
        run.run_until(secs(15), &mut safe);
        assert!(broken(&run).is_empty(), "{name}: {:?}", run.violations().first());
        assert!(safe.count >= least * 10, "{name}: {} in ten seconds", safe.count);
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

/// The built-in scenario with dials and fault plans, as the swarm has it.
fn faulted(name: &str, dials: &[(&str, Value)], plans: &str, seed: u64, until: u64) -> (Run, Vec<Record>) {
    let settings: Vec<_> = dials.iter().map(|(dial, value)| ((*dial).to_owned(), value.clone())).collect();
    let mut document = builtin(name).expect("it is there").with_settings(&settings).expect("dials");
    let plans: Vec<FaultPlan> = schema::read(&Tree::from_json(plans).expect("JSON")).expect("plans");
    document.plans.extend(plans);
    let mut run = Run::new(Rc::new(document), seed).expect("it has no problems");
    let mut records = Vec::new();
    run.run_until(secs(until), &mut records);
    (run, records)
}

fn worked(records: &[Record]) -> usize {
    records.iter().filter(|record| matches!(record.what, What::Fact(Fact::Worked { .. }))).count()
}

const TROUBLE: &str = r#"[
    {"faults": ["kill", "pause", "isolate"], "targets": ["queue", "ledger"], "every": "2s", "repair": "500ms"},
    {"faults": ["kill"], "targets": ["consumers"], "every": "2s", "repair": "3s", "most": 3}]"#;

#[test]
fn whatever_dies_a_message_takes_effect_once_and_only_once() {
    for seed in 1..=10 {
        let (run, records) = faulted("queue", &[], TROUBLE, seed, 70);
        assert_eq!(broken(&run), [""; 0], "seed {seed}");
        // 180 would be sent in 70 s, were there always a queue.
        assert!(worked(&records) > 50, "seed {seed}: {}", worked(&records));
        assert!(measured(&records, "delivered again") > 0, "seed {seed}: something died at its work");
    }
}

#[test]
fn each_way_to_lose_or_double_a_message_is_found_out() {
    let text = |name, value: &str| (name, Value::text(value));
    let cases = [
        (vec![text("deletes", "before-delivery"), ("unique", Value::Flag(false))], "at-least-once"),
        (vec![text("answers", "before-disk")], "at-least-once"),
        (vec![text("visibility", "500ms"), ("unique", Value::Flag(false))], "at-most-once"),
    ];
    for (dials, check) in cases {
        let found = (1..=10).filter(|seed| {
            let (run, _) = faulted("queue", &dials, TROUBLE, *seed, 60);
            let broken = broken(&run);
            assert!(broken.iter().all(|name| name == check), "{dials:?}, seed {seed}: {broken:?}");
            !broken.is_empty()
        });
        assert!(found.count() >= 3, "{dials:?}: a fault must fall into the right moment");
    }
}

#[test]
fn poison_goes_to_the_dead_letters_and_the_rest_is_done() {
    let (run, records) = run("queue", &[("poison", Value::Number(10.0)), ("visibility", Value::text("2s"))], 1, 60);
    assert_eq!(broken(&run), [""; 0], "a dead letter is not lost");
    let (dead, done) = (measured(&records, "dead letters"), worked(&records));
    assert!(dead >= 8 && done > 110, "{dead} dead, {done} done");
}

#[test]
fn an_autoscaler_follows_the_load_and_loses_nothing() {
    for seed in 1..=5 {
        let mut run = Run::new(Rc::new(builtin("autoscaling").expect("it is there")), seed).expect("in order");
        let servers = |run: &Run| run.world.nodes().filter(|(_, node)| node.kind == "server").count();
        run.run_until(secs(11), &mut ());
        assert!((2..=8).contains(&servers(&run)), "seed {seed}: {}", servers(&run));
        run.run_until(secs(49), &mut ());
        // Sixteen a second at 0.3 s and two ways of 0.08 s: 6.1 under way, were there no queues.
        assert!((6..=12).contains(&servers(&run)), "seed {seed}: {}", servers(&run));
        // One at a time, and every eight seconds at most.
        run.run_until(secs(160), &mut ());
        assert!((2..=6).contains(&servers(&run)), "seed {seed}: {}", servers(&run));
        assert_eq!(broken(&run), [""; 0], "seed {seed}");
    }
}

#[test]
fn haste_and_carelessness_of_an_autoscaler_are_found_out() {
    let cases = [
        ("cooldown", Value::text("0s"), "steady"),
        ("drain", Value::Flag(false), "nothing-lost"),
        ("announced", Value::Flag(false), "nothing-lost"),
    ];
    for (dial, value, check) in cases {
        let found = (1..=5).filter(|seed| {
            let (run, _) = run("autoscaling", &[(dial, value.clone())], *seed, 110);
            let broken = broken(&run);
            assert!(broken.iter().all(|name| name == check), "{dial}, seed {seed}: {broken:?}");
            !broken.is_empty()
        });
        assert!(found.count() >= 2, "{dial}: a request must be in the wrong hands at the wrong moment");
    }
}

#[test]
fn what_expires_is_asked_for_by_few_or_by_all() {
    for (protection, protects) in [("none", false), ("single-flight", true), ("early", true), ("stale", true)] {
        for seed in 1..=3 {
            let (run, records) = run("cache", &[("protection", Value::text(protection))], seed, 60);
            let expected: &[&str] = if protects { &[] } else { &["no-stampede"] };
            assert_eq!(broken(&run), expected, "{protection}, seed {seed}");
            assert!(measured(&records, "hits") > 2_000, "{protection} is a cache");
        }
    }
}

#[test]
fn a_grace_that_is_too_long_gives_answers_that_are_too_old() {
    let kill = r#"[{"faults": ["kill"], "targets": ["store"], "every": "15s", "repair": "8s", "from": "10s"}]"#;
    let stale = ("protection", Value::text("stale"));
    for seed in 1..=3 {
        let (run, _) = faulted("cache", std::slice::from_ref(&stale), kill, seed, 60);
        assert_eq!(broken(&run), [""; 0], "seed {seed}");
        let (run, _) = faulted("cache", &[stale.clone(), ("grace", Value::text("60s"))], kill, seed, 60);
        assert_eq!(broken(&run), ["fresh"], "seed {seed}");
    }
}

#[test]
fn a_small_cache_keeps_what_is_used() {
    let share = |size: f64| {
        let (_, records) = run("cache", &[("size", Value::Number(size))], 1, 40);
        measured(&records, "hits") as f64 / measured(&records, "arrivals") as f64
    };
    // Of 40 things the ten most popular are ln 11 / ln 41 = 65 % of what is asked for, as long as they stay.
    let (ten, all) = (share(10.0), share(100.0));
    assert!((0.3..0.65).contains(&ten) && all > ten + 0.15, "{ten} and {all}");
}

#[test]
fn a_consumer_dies_at_its_work_and_somebody_else_does_it() {
    let found = said(&["trace", "queue", "--from", "4s", "--until", "12s", "--kind", "crashed,lost,worked,note"]);
    golden::compare("traffic/queue.txt", include_str!("golden/traffic/queue.txt"), &found);
}

#[test]
fn servers_come_with_the_load_and_go_when_they_have_nothing() {
    let found = said(&["trace", "autoscaling", "--until", "70s", "--kind", "note,booted,removed"]);
    golden::compare("traffic/autoscaling.txt", include_str!("golden/traffic/autoscaling.txt"), &found);
}
