//! What the lessons on clocks say in figures, beside what comes of runs whose ways take always the same time.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::disallowed_methods, reason = "it reads files")]

use std::collections::BTreeMap;
use std::rc::Rc;

use faultline::components::{Fact, Record, What};
use faultline::protocols::time_sync::Told as Clock;
use faultline::scenario::{Document, Run, Sink};
use faultline::sim::{Payload, Time, Value as Setting};
use toml::{Table, Value};

/// What was measured, and how many messages of each name were sent.
#[derive(Default)]
struct Counted {
    measured: BTreeMap<&'static str, Vec<u64>>,
    sent: BTreeMap<&'static str, u32>,
}

impl Sink for Counted {
    fn take(&mut self, record: Record) {
        match record.what {
            What::Measure { name, value } => self.measured.entry(name).or_default().push(value),
            What::Sent { message, .. } => *self.sent.entry(message.name()).or_default() += 1,
            _ => {}
        }
    }
}

impl Counted {
    fn values(&self, name: &str) -> &[u64] {
        self.measured.get(name).map_or(&[], Vec::as_slice)
    }
    fn count(&self, name: &str) -> f64 {
        self.values(name).len() as f64
    }
    fn sum(&self, name: &str) -> f64 {
        self.values(name).iter().sum::<u64>() as f64
    }
    fn sent(&self, name: &str) -> f64 {
        self.sent.get(name).copied().map_or(0.0, f64::from)
    }
}

/// A built-in scenario for so many seconds, with changes to its document: no checks, which would only cost time.
fn run(name: &str, seconds: u64, settings: &[(&str, Setting)], edit: impl Fn(&mut Table)) -> Counted {
    let path = format!("{}/static/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let mut whole: Table = toml::from_str(&std::fs::read_to_string(path).expect("it is there")).expect("it is TOML");
    for part in ["cues", "checks", "lesson"] {
        whole.remove(part);
    }
    edit(&mut whole);
    let document = Document::from_toml(&toml::to_string(&whole).expect("it is TOML"));
    let settings: Vec<_> = settings.iter().map(|(dial, value)| ((*dial).to_owned(), value.clone())).collect();
    let document = document.unwrap_or_else(|problems| panic!("{problems:?}")).with_settings(&settings).expect("dials");
    let (mut counted, mut run) = (Counted::default(), Run::new(Rc::new(document), 1).expect("it has no problems"));
    run.run_until(Time(seconds * 1_000_000), &mut counted);
    counted
}

#[track_caller]
fn near(what: &str, found: f64, expected: f64, tolerance: f64) {
    println!("{what}: {found:.4}, by the formula {expected:.4}");
    assert!((found - expected).abs() <= tolerance, "{what}: {found} and not {expected} ± {tolerance}");
}

fn read(text: &str) -> Table {
    toml::from_str(text).expect("it is TOML")
}

/// Every link takes always so long.
fn constant(whole: &mut Table, span: &str) {
    for link in whole["links"].as_array_mut().expect("links") {
        let delay = read(&format!("constant = \"{span}\""));
        link.as_table_mut().expect("a link").insert("delay".to_owned(), Value::Table(delay));
    }
}

fn group<'a>(whole: &'a mut Table, name: &str) -> &'a mut Table {
    let groups = whole["groups"].as_array_mut().expect("groups").iter_mut();
    let mut tables = groups.map(|group| group.as_table_mut().expect("a group"));
    tables.find(|group| group["name"].as_str() == Some(name)).expect("it is there")
}

#[test]
fn a_snapshot_costs_a_marker_for_each_direction_of_each_channel_and_four_ways() {
    for branches in [2, 3, 4, 7] {
        let counted = run("logical-clocks", 600, &[], |whole| {
            constant(whole, "200ms");
            group(whole, "branches").insert("count".to_owned(), Value::Integer(branches));
        });
        let (audits, n) = (counted.count("audits"), branches as f64);
        near(&format!("{branches} branches: audits"), audits, 100.0, 0.5);
        near("  that add up", counted.count("audits that add up"), audits, 0.0);
        near("  markers of each", counted.sent("Marker") / audits, n * (n - 1.0), 0.0);
        // To the first, from it to the others, from these to one another, and to the auditor.
        near("  time of each, ms", counted.sum("time of an audit") / audits / 1e3, 4.0 * 200.0, 0.0);
    }
}

/// Little's law: what is under way is the rate by which it leaves times how long it takes. Payments are a Poisson process, so
/// what is under way at an instant is a compound Poisson sum with mean m·E[a] and variance m·E[a²], m being their mean number.
#[test]
fn what_is_counted_at_one_instant_lacks_what_is_under_way() {
    let settings = [("method", Setting::text("same-time")), ("every", Setting::text("2s"))];
    let counted = run("logical-clocks", 6_000, &settings, |whole| {
        constant(whole, "400ms");
        let config = group(whole, "branches")["config"].as_table_mut().expect("settings");
        config.insert("opens".to_owned(), Value::Integer(1_000_000));
        let config = group(whole, "auditors")["config"].as_table_mut().expect("settings");
        config.insert("notice".to_owned(), Value::String("1s".to_owned()));
    });
    let (audits, number) = (counted.count("audits"), 4.0 * 0.8 * 0.4);
    assert!(audits > 2_900.0, "{audits} audits");
    let square = (1..=100).map(|amount| f64::from(amount * amount)).sum::<f64>() / 100.0;
    let tolerance = 4.0 * (number * square / audits).sqrt();
    near("missing on average", counted.sum("money missing") / audits, number * 50.5, tolerance);
    near("too much", counted.sum("money too much"), 0.0, 0.0);
    // Nothing at all is under way with the probability that no payment is.
    let (share, none) = (counted.count("audits that add up") / audits, (-number).exp());
    near("that add up by luck", share, none, 4.0 * (none * (1.0 - none) / audits).sqrt());
}

#[test]
fn a_clock_that_is_ahead_by_more_than_a_way_puts_one_payment_in_n_before_its_cause() {
    for branches in [2, 4, 8] {
        let of = |compares: &str| {
            let settings = [("compares", Setting::text(compares)), ("rate", Setting::Number(2.0))];
            run("logical-clocks", 900, &settings, |whole| {
                constant(whole, "300ms");
                group(whole, "branches").insert("count".to_owned(), Value::Integer(branches));
                let config = group(whole, "branches")["config"].as_table_mut().expect("settings");
                config.insert("opens".to_owned(), Value::Integer(1_000_000));
                let skewed = read("at = \"0s\"\nthen = [{ clock = { node = \"branch-2\", ahead = \"2s\" } }]");
                whole.insert("cues".to_owned(), Value::Array(vec![Value::Table(skewed)]));
            })
        };
        let (counted, share) = (of("wall-clock"), 1.0 / branches as f64);
        let pairs = counted.count("pairs of cause and effect");
        let tolerance = 4.0 * (share * (1.0 - share) / pairs).sqrt();
        near(&format!("{branches} branches"), counted.count("effects before causes") / pairs, share, tolerance);
        near("  by Lamport's numbers", of("lamport").count("effects before causes"), 0.0, 0.0);
    }
}

/// How wrong clocks are, by true time, whenever they are looked at: with sign, in microseconds, from an instant on.
#[derive(Default)]
struct Errors {
    from: u64,
    each: BTreeMap<u32, Vec<i64>>,
    /// The offsets that were found.
    found: Vec<i64>,
}

impl Sink for Errors {
    fn take(&mut self, record: Record) {
        if record.at.0 < self.from {
            return;
        }
        match record.what {
            What::Fact(Fact::TimeSync(Clock::Reads { reading, bound })) => {
                let error = reading - record.at.0 as i64;
                assert!(error.unsigned_abs() <= bound.0, "wrong by {error}, and not by {bound} at most");
                self.each.entry(record.node.0).or_default().push(error);
            }
            What::Fact(Fact::TimeSync(Clock::Synchronised { by, .. })) => self.found.push(by),
            _ => {}
        }
    }
}

/// Computers and servers for so many seconds, after half a minute; each way takes so long.
fn clocks(seconds: u64, way: &str, settings: &[(&str, Setting)], edit: impl Fn(&mut Table)) -> Errors {
    let path = format!("{}/static/scenarios/clock-synchronisation.toml", env!("CARGO_MANIFEST_DIR"));
    let mut whole: Table = toml::from_str(&std::fs::read_to_string(path).expect("it is there")).expect("it is TOML");
    whole.remove("lesson");
    whole.remove("checks");
    let link = whole["links"].as_array_mut().expect("links")[0].as_table_mut().expect("a link");
    link.insert("delay".to_owned(), Value::Table(read(way)));
    edit(&mut whole);
    let document = Document::from_toml(&toml::to_string(&whole).expect("it is TOML"));
    let settings: Vec<_> = settings.iter().map(|(dial, value)| ((*dial).to_owned(), value.clone())).collect();
    let document = document.unwrap_or_else(|problems| panic!("{problems:?}")).with_settings(&settings).expect("dials");
    let mut errors = Errors { from: 30_000_000, ..Errors::default() };
    let mut run = Run::new(Rc::new(document), 1).expect("it has no problems");
    run.run_until(Time((30 + seconds) * 1_000_000), &mut errors);
    errors
}

#[test]
fn a_longer_way_back_makes_clocks_wrong_by_half_of_it() {
    for way_back in [0, 40, 100, 300] {
        let settings = [("drift", Setting::Number(0.0)), ("way_back", Setting::text(format!("{way_back}ms")))];
        let errors = clocks(60, "constant = \"30ms\"", &settings, |_| {});
        for each in errors.each.values() {
            let mean = each.iter().sum::<i64>() as f64 / each.len() as f64 / 1e3;
            near(&format!("{way_back} ms longer: mean error, ms"), mean, -f64::from(way_back) / 2.0, 0.01);
        }
    }
}

/// An answer says how late it was a way d before it came. Until the next comes a clock drifts by ρ for P and d; every other one
/// is too fast, so two are apart by twice that at most.
#[test]
fn clocks_that_drift_are_apart_by_twice_their_drift_in_a_poll_interval() {
    for (drift, poll) in [(200.0, 4.0), (1000.0, 4.0), (1000.0, 16.0)] {
        let settings = [("drift", Setting::Number(drift)), ("poll", Setting::text(format!("{poll}s")))];
        let settings = [&settings[..], &[("filter", Setting::text("last"))]].concat();
        let errors = clocks(300, "constant = \"10ms\"", &settings, |_| {});
        let (mut least, mut most) = (0, 0);
        for error in errors.each.values().flatten() {
            (least, most) = (least.min(*error), most.max(*error));
        }
        let (spread, bound) = ((most - least) as f64, 2.0 * drift * (poll + 0.01));
        near(&format!("{drift} ppm, every {poll} s: apart, μs"), spread, bound, 6.0);
    }
}

/// A way takes 20 ms and a time that is exponentially distributed with mean m. One answer is wrong by (x − y)/2, which is
/// Laplace: on average by m/2. Of eight the one with the least x + y = s is wrong by s/4 on average, since x is then anything
/// from 0 to s; and the least of eight sums is above t with probability ((1 + t/m)·exp(−t/m))⁸.
#[test]
fn the_least_of_eight_delays_leaves_less_doubt_than_any() {
    let (mean, steps) = (15_000.0_f64, 200_000);
    let survives = |t: f64| ((1.0 + t) * (-t).exp()).powi(8);
    let least: f64 = (0..steps).map(|step| survives((f64::from(step) + 0.5) * 1e-4) * 1e-4).sum();
    for (filter, expected) in [("last", mean / 2.0), ("least-delay", mean * least / 4.0)] {
        let settings =
            [("drift", Setting::Number(0.0)), ("filter", Setting::text(filter)), ("poll", Setting::text("2s"))];
        let errors = clocks(
            6_000,
            "shifted = { by = \"20ms\", law = { exponential = { mean = \"15ms\" } } }",
            &settings,
            |whole| {
                group(whole, "servers").insert("count".to_owned(), Value::Integer(1));
                let config = group(whole, "computers")["config"].as_table_mut().expect("settings");
                // It is set at once, and an answer is nearly as good after sixteen seconds.
                config.insert("corrects".to_owned(), Value::String("step".to_owned()));
                config.insert("tolerance".to_owned(), Value::Integer(0));
            },
        );
        let all: Vec<f64> = errors.each.values().flatten().map(|error| error.unsigned_abs() as f64).collect();
        // Four computers, 3000 polls each; with the filter one answer counts for some of them.
        let (found, count) = (all.iter().sum::<f64>() / all.len() as f64, if filter == "last" { 12e3 } else { 2e3 });
        near(&format!("{filter}: mean error, μs"), found, expected, 4.0 * expected / f64::sqrt(count));
    }
}
