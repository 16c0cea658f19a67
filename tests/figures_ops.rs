//! What the lessons about running a service say in figures, beside the formulas.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::disallowed_methods, reason = "it reads files")]

#[path = "shared/figures.rs"]
mod figures;

use faultline::components::{Fact, Record, What};
use faultline::sim::{Time, Value as Setting};
use figures::{near, ran, scenario};
use toml::Table;

/// A built-in scenario for so many seconds, with dials turned and these cues instead of its own; every record that counts.
fn run(name: &str, seed: u64, seconds: u64, settings: &[(&str, &str)], cues: &str) -> Vec<Record> {
    let value = |text: &str| text.parse().map_or_else(|_| Setting::text(text), Setting::Number);
    let settings: Vec<_> = settings.iter().map(|(dial, to)| (*dial, value(to))).collect();
    let cues: Table = toml::from_str(cues).expect("cues are TOML");
    let mut records: Vec<Record> =
        ran(scenario(name, &settings, |whole| whole.extend(cues.clone())), seed, seconds as f64);
    records.retain(|record| matches!(record.what, What::Measure { .. } | What::Fact(_)));
    records
}

fn measured<'a>(records: &'a [Record], of: &'a str) -> impl Iterator<Item = (Time, u64)> + 'a {
    records.iter().filter_map(move |record| match record.what {
        What::Measure { name, value } if name == of => Some((record.at, value)),
        _ => None,
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Faults at twenty places of the gap between two probes.
#[test]
fn a_bad_part_is_found_after_as_many_probes_as_must_fail_and_half_a_gap() {
    for missed in [3, 4, 6] {
        let found: Vec<f64> = (0..20)
            .map(|place| {
                let at = 6_000_000 + place * 50_000;
                let cue = format!(
                    "[[cues]]\nat = \"{at}us\"\nthen = [{{ cut = {{ between = [\"sender-1\", \"history\"] }} }}]\n"
                );
                let records = run("fault-tolerance", 1 + place, 16, &[("missed", &missed.to_string())], &cue);
                let found = records.iter().find(|record| matches!(record.what, What::Fact(Fact::Suspected { .. })));
                (found.expect("it is found").at.0 - at) as f64 / 1e6
            })
            .collect();
        // A probe that is on its way when the link is cut fails as well: about 0.1 s of the gap of a second counts earlier.
        near(&format!("found after {missed} probes"), mean(&found), f64::from(missed) + 0.5 - 0.1, 0.1);
    }
}

/// How many requests meet the next version, on average of some seeds.
fn met(strategy: &str, wanted: &str) -> f64 {
    let cue =
        "[[cues]]\nat = \"6s\"\nthen = [{ set = { node = \"deployer\", field = \"wants\", value = \"next\" } }]\n";
    let runs: Vec<f64> = (1..=30)
        .map(|seed| {
            let settings = [("strategy", strategy), ("enough", wanted), ("fails", "0.5")];
            measured(&run("deployment", seed, 60, &settings, cue), "met a mistake").count() as f64
        })
        .collect();
    mean(&runs)
}

#[test]
fn a_verdict_costs_what_it_takes_to_judge_and_share_times_rate_times_the_time_to_act() {
    // Half a gap between two looks, and from there to the dispatcher; what is on its way to the servers or in them by then
    // has met it, too: 0.25 + 0.03 + 0.03 + 0.04 + 0.08 s.
    let (rate, act) = (40.0, 0.43);
    // A mean of thirty: what comes in that time is Poisson, and where in the gap it falls adds rate × 0.5 / √12.
    let tolerance = |share: f64| {
        let rate = rate * share;
        4.0 * ((rate * act + (rate * 0.5).powi(2) / 12.0) / 30.0).sqrt() + 0.5
    };
    for enough in [20.0, 60.0] {
        for (strategy, share) in [("canary", 1.0 / 9.0), ("blue-green", 1.0)] {
            let expected = enough + share * rate * act;
            let found = met(strategy, &enough.to_string());
            near(&format!("{strategy}, judged after {enough}"), found, expected, tolerance(share));
        }
    }
    // The way back takes as long as servers take to start, and on average a look until that is seen. Old ones that have not
    // gone by then are asked again and take some of it: rather less.
    let expected = 20.0 + rate * (act + 2.0 + 0.25);
    near("all at once", met("all-at-once", "20"), expected, 25.0);
}

/// How long it took to find what is wrong, and how many services were looked into, in so many runs.
fn searches(tools: &str, seeds: u64, sampled: &str) -> (Vec<f64>, Vec<f64>) {
    let cue = "[[cues]]\nat = \"5s\"\nthen = [{ dial = { dial = \"tax\", value = 0.5 } }]\n";
    let (mut times, mut looks) = (Vec::new(), Vec::new());
    for seed in 1..=seeds {
        let records = run("observability", seed, 240, &[("tools", tools), ("sampled", sampled)], cue);
        times.extend(measured(&records, "time to find").take(1).map(|(_, took)| took as f64 / 1e6));
        looks.extend(measured(&records, "services looked into").take(1).map(|(_, count)| count as f64));
    }
    assert_eq!(times.len(), seeds as usize, "it is found in every run");
    (times, looks)
}

#[test]
fn how_many_services_are_looked_into_is_what_there_is_to_go_by() {
    // With nothing each of twelve is equally likely to be the last: (n + 1) / 2, with a variance of (n² − 1) / 12. A look takes
    // 5 s, and the question and its answer 40 ms.
    let (times, looks) = searches("nothing", 60, "0.2");
    let deviation = (143.0_f64 / 12.0 / 60.0).sqrt();
    near("looks with nothing", mean(&looks), 6.5, 4.0 * deviation);
    near("seconds with nothing", mean(&times), 6.5 * 5.04, 4.0 * 5.04 * deviation);
    // The front and what asks for taxes are as loud as the culprit, so it takes more than one look, and fewer than with nothing.
    let (_, looks) = searches("logs", 40, "0.2");
    assert!((1.2..4.0).contains(&mean(&looks)), "{} looks with logs", mean(&looks));
    let (_, looks) = searches("metrics", 40, "0.2");
    near("looks with metrics", mean(&looks), 1.0, 0.15);
}

#[test]
fn with_traces_one_waits_for_the_first_that_failed() {
    let (dense, looks) = searches("traces", 60, "1");
    near("looks with traces", mean(&looks), 1.0, 0.05);
    // It is called when three have failed, so there is a trace of them; it judges at once. One look.
    near("seconds, if all are traced", mean(&dense), 5.04, 0.3);
    let sampled = 0.02;
    let (sparse, _) = searches("traces", 60, &sampled.to_string());
    // Of eight requests a second two thirds go where tax is asked, half of which fail, and one in fifty of those is traced:
    // an exponential wait, of which the time before the call is over already, and half a second until it is judged.
    let rate = 8.0 * (2.0 / 3.0) * 0.5 * sampled;
    let expected = 1.0 / rate + 0.5 + 5.04 - 3.0 * sampled / rate;
    near("seconds, if one in fifty is", mean(&sparse), expected, 4.0 / rate / 60.0_f64.sqrt());
}
