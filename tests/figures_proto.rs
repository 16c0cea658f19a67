//! What the lessons on agreement and replication say in figures, beside what comes of a run whose ways and disks take
//! always the same time.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::disallowed_methods, reason = "it reads files")]

#[path = "shared/figures.rs"]
mod figures;

use std::collections::BTreeMap;

use faultline::components::{Record, What};
use faultline::scenario::{Run, Sink};
use faultline::sim::{Payload, Time, Value as Setting};
use figures::{Measured, constant, every_way_takes, near, ran, scenario};
use toml::{Table, Value};

/// What was measured, and how many messages of each name were sent.
#[derive(Default)]
struct Counted {
    measured: Measured,
    sent: BTreeMap<&'static str, u32>,
}

impl Sink for Counted {
    fn take(&mut self, record: Record) {
        match &record.what {
            What::Sent { message, .. } => *self.sent.entry(message.name()).or_default() += 1,
            _ => self.measured.take(record),
        }
    }
}

impl Counted {
    fn count(&self, name: &str) -> f64 {
        self.measured.count(name)
    }
    /// In milliseconds.
    fn mean(&self, name: &str) -> f64 {
        self.measured.mean(name) * 1e3
    }
    fn sent(&self, name: &str) -> f64 {
        self.sent.get(name).copied().map_or(0.0, f64::from)
    }
}

/// What is counted in a built-in scenario in so many seconds, with changes to its document.
fn run(name: &str, seconds: u64, settings: &[(&str, Setting)], edit: impl Fn(&mut Table)) -> Counted {
    ran(scenario(name, settings, edit), 1, seconds as f64)
}

/// Every way takes 40 ms, every write to a disk 2 ms, and nothing else takes any time; one client asks, and of the others
/// there are so many.
fn steady(whole: &mut Table, group: &str, count: i64) {
    every_way_takes(whole, "40ms");
    for of in whole["groups"].as_array_mut().expect("groups") {
        let of = of.as_table_mut().expect("a group");
        let name = of["name"].as_str().expect("a name").to_owned();
        of.insert("disk".to_owned(), constant("2ms"));
        of.insert("service".to_owned(), constant("0s"));
        if name == "clients" {
            of.insert("count".to_owned(), Value::Integer(1));
        } else if name == group {
            of.insert("count".to_owned(), Value::Integer(count));
        }
    }
}

#[test]
fn a_value_of_paxos_takes_two_round_trips_and_of_a_distinguished_proposer_one() {
    for nodes in [3, 5, 7] {
        let others = f64::from(nodes as u32 - 1);
        for (proposes, ways, disks) in [("everyone", 6.0, 3.0), ("one", 4.0, 1.0)] {
            let settings = [
                ("proposes", Setting::text(proposes)),
                ("asks", Setting::text("last")),
                ("rate", Setting::Number(2.0)),
            ];
            let counted = run("paxos", 200, &settings, |whole| steady(whole, "nodes", nodes));
            let values = counted.count("values chosen");
            assert!(values > 100.0, "{values} values");
            near(&format!("{nodes} nodes, {proposes}: time"), counted.mean("latency"), ways * 40.0 + disks * 2.0, 0.5);
            let ballots = if proposes == "one" { 1.0 } else { counted.count("ballots") };
            for (name, expected) in [
                ("Prepare", ballots * others),
                ("Promise", ballots * others),
                ("Accept", values * others),
                ("Accepted", values * others),
                ("Chosen", values * others),
            ] {
                // The last of them may be under way.
                near(&format!("{nodes} nodes, {proposes}: {name}"), counted.sent(name), expected, others);
            }
            near(
                &format!("{nodes} nodes, {proposes}: ballots"),
                counted.count("ballots"),
                if proposes == "one" { 1.0 } else { values },
                1.0,
            );
        }
    }
}

#[test]
fn a_write_of_a_chain_takes_a_way_and_a_disk_more_for_each_server_and_a_read_two_ways() {
    for servers in 2..=6 {
        let n = f64::from(servers as u32);
        for (reads, expected) in [(0.0, (n + 1.0) * 40.0 + n * 2.0), (1.0, 80.0)] {
            let settings = [("reads", Setting::Number(reads))];
            let counted = run("chain-replication", 200, &settings, |whole| steady(whole, "servers", servers));
            let done = counted.count("operations");
            assert!(done > 100.0, "{done} operations");
            // The first finds out whom to ask.
            near(&format!("{servers} servers, reads {reads}"), counted.mean("latency"), expected, 1.0);
            let writes = if reads > 0.0 { 0.0 } else { done };
            near("Update", counted.sent("Update"), writes * (n - 1.0), n);
            near("Ack", counted.sent("Ack"), writes * (n - 1.0), 2.0 * n);
        }
    }
}

/// What a cue adds or removes, at ten seconds.
fn at_ten(whole: &mut Table, act: &str, what: &str, name: &str) {
    let act = Table::from_iter([(act.to_owned(), Value::Table(Table::from_iter([(what.to_owned(), name.into())])))]);
    let mut cue = Table::new();
    cue.insert("at".to_owned(), "10s".into());
    cue.insert("then".to_owned(), Value::Array(vec![Value::Table(act)]));
    whole.insert("cues".to_owned(), Value::Array(vec![Value::Table(cue)]));
}

fn caches(whole: &mut Table, count: i64) {
    for of in whole["groups"].as_array_mut().expect("groups") {
        let of = of.as_table_mut().expect("a group");
        if of["name"].as_str() == Some("caches") {
            of.insert("count".to_owned(), Value::Integer(count));
        }
    }
}

#[test]
fn one_in_n_of_all_things_moves_on_a_ring_and_all_but_one_in_n_by_the_remainder() {
    for n in [4_u32, 9, 19] {
        let share = 1.0 / f64::from(n + 1);
        for (choice, expected, tolerance) in [
            // The share of one with 1000 places is spread by 1/√1000 of itself; three of these, and a bit.
            ("consistent-hash", share, share * 0.12),
            ("remainder", 1.0 - share, 1e-6),
        ] {
            let settings = [("choice", Setting::text(choice)), ("places", Setting::Number(1000.0))];
            let moved = |act: &str, what: &str, name: &str, count: u32| {
                let counted = run("consistent-hashing", 12, &settings, |whole| {
                    caches(whole, i64::from(count));
                    at_ten(whole, act, what, name);
                });
                assert!((counted.count("keys moved") - 1.0).abs() < 0.5, "once");
                // Parts of a billion, told as microseconds and divided to milliseconds.
                counted.mean("keys moved") * 1e3 / 1e9
            };
            near(&format!("{choice}: one comes to {n}"), moved("add", "what", "caches", n), expected, tolerance);
            let goes = moved("remove", "node", "cache-2", n + 1);
            near(&format!("{choice}: one of {} goes", n + 1), goes, expected, tolerance);
        }
    }
}

/// The most that a cache had under way, as a part of what it might have had: the bound on the average, rounded up.
#[derive(Default)]
struct UnderWay {
    of: BTreeMap<u32, u64>,
    most: f64,
    bound: u64,
}

impl Sink for UnderWay {
    fn take(&mut self, record: Record) {
        match &record.what {
            What::Sent { to, message, .. } if message.name() == "Request" && self.of.contains_key(&to.0) => {
                let all: u64 = self.of.values().sum::<u64>() + 1;
                let full = (all * self.bound).div_ceil(100 * self.of.len() as u64);
                let has = self.of.get_mut(&to.0).expect("it is a cache");
                *has += 1;
                self.most = self.most.max(*has as f64 / full as f64);
            }
            What::Arrived { from, message, .. } if message.name() == "Response" => {
                if let Some(has) = self.of.get_mut(&from.0) {
                    *has = has.saturating_sub(1);
                }
            }
            _ => {}
        }
    }
}

#[test]
fn nobody_has_more_under_way_than_the_bound_on_the_average_and_without_it_somebody_has() {
    let most = |choice: &str, bound: u64| {
        let settings = [
            ("choice", Setting::text(choice)),
            ("about", Setting::text("popular")),
            ("rate", Setting::Number(220.0)),
            ("bound", Setting::Number(bound as f64)),
        ];
        let document = scenario("consistent-hashing", &settings, |_| ());
        let mut run = Run::new(document, 1).expect("it has no problems");
        let caches = (1..=5).map(|place| run.world.find(&format!("cache-{place}")).expect("a cache").0);
        let mut under_way = UnderWay { of: caches.map(|id| (id, 0)).collect(), most: 0.0, bound };
        run.run_until(Time(60_000_000), &mut under_way);
        under_way.most
    };
    for bound in [100, 125, 200] {
        let found = most("bounded-hash", bound);
        println!("bound {bound} %: at most {found:.3} of it");
        assert!(found <= 1.0, "{found} of the bound of {bound} %");
    }
    assert!(most("consistent-hash", 125) > 2.0, "what is popular comes to one");
}

#[test]
fn a_saga_is_whole_if_nobody_declines_and_otherwise_each_step_that_was_done_is_undone() {
    // Shares that hotel, card and airline decline.
    for declined in [[0.1, 0.1, 0.2], [0.0, 0.5, 0.5], [0.3, 0.0, 0.0]] {
        let counted = run("saga", 4_000, &[("rate", Setting::Number(2.0))], |whole| {
            every_way_takes(whole, "40ms");
            let shares = ["hotel", "card", "airline"].iter().zip(declined);
            for (name, share) in shares {
                for group in whole["groups"].as_array_mut().expect("groups") {
                    if group["name"].as_str() == Some(*name) {
                        let config = group["config"].as_table_mut().expect("settings");
                        config.insert("declines".to_owned(), Value::Float(share));
                    }
                }
            }
        });
        let [a, b, c] = declined;
        let (done, undone) = (counted.count("sagas done"), counted.count("sagas undone"));
        let sagas = done + undone;
        let whole = (1.0 - a) * (1.0 - b) * (1.0 - c);
        let deviation = (whole * (1.0 - whole) / sagas).sqrt();
        near("whole", done / sagas, whole, 4.0 * deviation + 1e-3);
        // One step if the second declines, two if the third does.
        let compensations = (1.0 - a) * (b + 2.0 * (1.0 - b) * c);
        near("undone a saga", counted.count("steps undone") / sagas, compensations, 8.0 / sagas.sqrt());
        // Three questions, three answers: six ways of 40 ms. The disks, of a few milliseconds each, are seven.
        near("time of a whole one", counted.mean("time of a whole saga"), 240.0, 25.0);
    }
}
