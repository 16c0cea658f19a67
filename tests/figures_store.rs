//! What the lessons about scaling, logs and hash trees say in figures, beside the formulas.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::disallowed_methods, reason = "it reads files")]

use std::collections::BTreeMap;
use std::rc::Rc;

use faultline::components::{Record, What};
use faultline::scenario::{Document, Run, Sink};
use faultline::sim::Time;
use toml::{Table, Value};

/// What was measured, and when what happened.
#[derive(Default)]
struct Measured(BTreeMap<&'static str, Vec<u64>>, BTreeMap<&'static str, Vec<Time>>);

impl Sink for Measured {
    fn take(&mut self, record: Record) {
        match record.what {
            What::Measure { name, value } => self.0.entry(name).or_default().push(value),
            What::Fact(fact) => self.1.entry(fact.name()).or_default().push(record.at),
            _ => {}
        }
    }
}

impl Measured {
    fn of(&self, name: &str) -> &[u64] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
    fn mean(&self, name: &str) -> f64 {
        self.of(name).iter().sum::<u64>() as f64 / self.of(name).len() as f64
    }
}

/// A built-in scenario for so many seconds, with changes to its document: no checks, which would only cost time.
fn run(name: &str, seed: u64, seconds: u64, edit: impl Fn(&mut Table)) -> Measured {
    let path = format!("{}/static/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let mut whole: Table = toml::from_str(&std::fs::read_to_string(path).expect("it is there")).expect("it is TOML");
    for part in ["cues", "checks", "lesson", "load", "dials", "vitals"] {
        whole.remove(part);
    }
    edit(&mut whole);
    let document = Document::from_toml(&toml::to_string(&whole).expect("it is TOML"));
    let document = document.unwrap_or_else(|problems| panic!("{problems:?}"));
    let (mut measured, mut run) = (Measured::default(), Run::new(Rc::new(document), seed).expect("no problems"));
    run.run_until(Time(seconds * 1_000_000), &mut measured);
    measured
}

#[track_caller]
fn near(what: &str, found: f64, expected: f64, tolerance: f64) {
    println!("{what}: {found:.4}, by the formula {expected:.4}");
    assert!((found - expected).abs() <= tolerance, "{what}: {found} and not {expected} ± {tolerance}");
}

fn named<'a>(whole: &'a mut Table, part: &str, name: &str) -> &'a mut Table {
    let all = whole[part].as_array_mut().expect("a list").iter_mut();
    let mut all = all.map(|of| of.as_table_mut().expect("a table"));
    all.find(|of| of["name"].as_str() == Some(name)).expect("it is there")
}

/// Sets settings of a group, given as TOML.
fn set(whole: &mut Table, group: &str, settings: &str) {
    let settings: Table = toml::from_str(settings).expect("TOML");
    let config = named(whole, "groups", group).entry("config").or_insert_with(|| Value::Table(Table::new()));
    config.as_table_mut().expect("a table").extend(settings);
}

/// Only these groups stay, and the links between them, each of which takes always as long.
fn only(whole: &mut Table, groups: &[(&str, i64)], delays: &[(&str, &str)]) {
    let stays = |name: &str| groups.iter().any(|(group, _)| *group == name);
    whole["groups"].as_array_mut().expect("groups").retain(|of| stays(of["name"].as_str().expect("a name")));
    for (group, count) in groups {
        named(whole, "groups", group).insert("count".to_owned(), Value::Integer(*count));
    }
    let links = whole["links"].as_array_mut().expect("links");
    links
        .retain(|link| link["between"].as_array().expect("two").iter().all(|end| stays(end.as_str().expect("a name"))));
    for link in links {
        let ends = link["between"].as_array().expect("two");
        let of = |group: &str| ends.iter().any(|end| end.as_str() == Some(group));
        let delay = delays.iter().find(|(group, _)| of(group)).map_or("0s", |(_, delay)| delay);
        let delay = Table::from_iter([("constant".to_owned(), Value::String(delay.to_owned()))]);
        link.as_table_mut().expect("a link").insert("delay".to_owned(), Value::Table(delay));
    }
}

/// The capacity of so many machines, in machines: as many requests at once, and the time until the last is answered.
fn capacity(machines: i64) -> f64 {
    let measured = run("scaling", 1, 30, |whole| {
        only(whole, &[("same-crowd", 1), ("balancer", 1), ("many", machines), ("shared", 1)], &[("shared", "100us")]);
        let rate = machines as f64 / 20.0;
        let crowd =
            format!("rate = {rate:?}\nbatch = {machines}\nspacing = 'regular'\nabout = 'in-turn'\nlimit = {machines}");
        set(whole, "same-crowd", &crowd);
        set(whole, "balancer", "choice = 'round-robin'");
        set(whole, "many", "spread = 'constant'\nwork = '200ms'\nshare = 0.05");
    });
    let answered = measured.of("sojourn of class 1");
    assert_eq!(answered.len() as i64, machines);
    machines as f64 * 200_000.0 / answered.iter().copied().max().expect("there are some") as f64
}

#[test]
fn what_many_do_is_the_universal_scalability_law_and_its_summit_where_it_was_published() {
    // A change is a twentieth of the work, and to tell one other copy of it a thousandth: twice 0.1 ms of 200.
    let (alpha, beta) = (0.05, 0.001);
    let law = |n: f64| n / (1.0 + alpha * (n - 1.0) + beta * n * (n - 1.0));
    for machines in [1, 2, 4, 8, 16, 31, 48, 64] {
        let n = f64::from(machines);
        // The way to the directory and back is not in the law: one β of all.
        near(&format!("capacity of {machines}"), capacity(machines.into()), law(n), law(n) * beta + 1e-9);
    }
    let best = (28..=34).max_by(|a, b| capacity(*a).total_cmp(&capacity(*b))).expect("there are some");
    let published = ((1.0 - alpha) / beta).sqrt();
    near("the summit", best as f64, published, 0.5);
    near("as published", published, 30.82, 0.005);
}

/// Erlang's C: the share of those who have to wait, with so many servers and so many erlangs.
fn erlang_c(servers: u32, load: f64) -> f64 {
    let mut blocked = 1.0;
    for n in 1..=servers {
        blocked = load * blocked / (f64::from(n) + load * blocked);
    }
    blocked / (1.0 - load / f64::from(servers) * (1.0 - blocked))
}

#[test]
fn with_one_queue_one_waits_as_erlang_has_it_and_with_many_as_if_alone() {
    let (work, busy) = (0.2, 0.8);
    for cores in [1, 4, 8] {
        let rate = busy * f64::from(cores) / work;
        let seconds = 12_000;
        let one = run("scaling", 1, seconds, |whole| {
            only(whole, &[("crowd", 1), ("one", 1)], &[]);
            set(whole, "crowd", &format!("rate = {rate:?}"));
            set(whole, "one", &format!("cores = {cores}\nshare = 0.0\nresize = '0s'"));
        });
        let expected = erlang_c(cores, busy * f64::from(cores)) / (f64::from(cores) / work - rate);
        // What follows one another is alike: a busy time lasts about 1 ÷ (1 − ρ)² services, so there are fewer that count.
        let tolerance = expected * 0.12;
        near(&format!("one queue for {cores}"), one.mean("waited for a core") / 1e6, expected, tolerance);
        if cores > 1 {
            let many = run("scaling", 2, seconds, |whole| {
                only(whole, &[("same-crowd", 1), ("balancer", 1), ("many", cores.into())], &[]);
                set(whole, "same-crowd", &format!("rate = {rate:?}"));
                set(whole, "balancer", "choice = 'random'");
                set(whole, "many", "share = 0.0");
            });
            let alone = busy / (1.0 - busy) * work;
            near(&format!("a queue for each of {cores}"), many.mean("waited for a core") / 1e6, alone, alone * 0.1);
        }
    }
}

fn cues(whole: &mut Table, cues: &str) {
    whole.extend(toml::from_str::<Table>(cues).expect("cues are TOML"));
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn partitions_of_a_dead_consumer_are_dealt_out_after_its_session_and_the_time_to_join() {
    for (session, gather) in [(1.0, 0.4), (2.0, 0.7), (4.0, 0.7)] {
        let found: Vec<f64> = (0..24)
            .map(|place| {
                let at = 12_000_000 + place * 41_667;
                let measured = run("log", 1 + place, 22, |whole| {
                    cues(whole, &format!("[[cues]]\nat = '{at}us'\nthen = [{{ kill = {{ node = 'consumer-2' }} }}]"));
                    set(whole, "brokers", &format!("session = '{}ms'\ngather = '{}ms'", session * 1e3, gather * 1e3));
                });
                let formed = measured.1["group-formed"].iter().find(|formed| formed.0 > at);
                (formed.expect("they are dealt out").0 - at) as f64 / 1e6
            })
            .collect();
        // Its last heartbeat came up to half a second before it died, less the way; the coordinator looks every quarter.
        let expected = session - 0.25 + 0.01 + 0.125 + gather;
        let deviation = ((0.5_f64.powi(2) + 0.25_f64.powi(2)) / 12.0 / 24.0).sqrt();
        near(&format!("dealt out, session {session} s"), mean(&found), expected, 4.0 * deviation);
    }
}

#[test]
fn as_many_hashes_are_looked_at_as_there_are_nodes_above_what_differs() {
    let depth = 9;
    let (mut found, mut expected) = (Vec::new(), Vec::new());
    for seed in 1..=12 {
        for rate in [0.1, 1.0, 5.0] {
            let measured = run("merkle-trees", seed, 25, |whole| {
                only(whole, &[("copies", 2)], &[("copies", "30ms")]);
                for link in whole["links"].as_array_mut().expect("links") {
                    link.as_table_mut().expect("a link").remove("loss");
                }
                // Two copies that hear nothing of one another, and then do.
                cues(
                    whole,
                    "[[cues]]\nat = '0s'\nthen = [{ isolate = { node = 'copy-2' } }]\n[[cues]]\nat = '20s'\nthen = [{ rejoin = { node = 'copy-2' } }, { set = { node = 'copies', field = 'rate', value = 0.0 } }]",
                );
                set(whole, "copies", &format!("rate = {rate:?}\nkeys = 4096\nleaves = 512\ndeletes = 0.0"));
            });
            // Each write is of a key of its own, more or less; a node is looked at if something differs below the one above it.
            let writes = measured.of("writes").len() as f64;
            let above = |level: i32| {
                let nodes = 2_f64.powi(level);
                nodes * (1.0 - (1.0 - 1.0 / nodes).powf(writes))
            };
            expected.push(1.0 + 2.0 * (0..depth).map(above).sum::<f64>());
            let most = measured.of("a comparison, in hashes").iter().copied().max();
            found.push(most.expect("they compare") as f64);
        }
    }
    for of in 0..3 {
        let every = |values: &[f64]| mean(&values.iter().copied().skip(of).step_by(3).collect::<Vec<_>>());
        let (found, expected) = (every(&found), every(&expected));
        near("hashes looked at", found, expected, expected * 0.05);
    }
}
