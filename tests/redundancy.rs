//! Voters and generals: the published figures by runs of the engine, and transcripts.
//! `UPDATE_GOLDEN=1 cargo test --test redundancy` accepts the transcripts as they are now; read them first.
#![cfg(not(target_arch = "wasm32"))]

#[path = "shared/binary.rs"]
mod binary;
#[path = "shared/golden.rs"]
mod golden;

use std::rc::Rc;

use faultline::components::{Fact, Record, What};
use faultline::protocols::oral_messages;
use faultline::protocols::voting::Told;
use faultline::scenario::{Document, Run};
use faultline::sim::Time;

macro_rules! compare {
    ($name:literal, $found:expr) => {
        golden::compare(
            concat!("commit/", $name, ".txt"),
            include_str!(concat!("golden/commit/", $name, ".txt")),
            &$found,
        )
    };
}

fn ran(document: &str, seed: u64, seconds: u64) -> (Run, Vec<Record>) {
    let document = Document::from_toml(document).unwrap_or_else(|found| panic!("{found:?}"));
    let mut run = Run::new(Rc::new(document), seed).expect("it has no problems");
    let mut records = Vec::new();
    run.run_until(Time(seconds * 1_000_000), &mut records);
    (run, records)
}

/// Sensors that always read 10 000, and a voter.
fn modules(count: u32, sensor: &str, voter: &str) -> String {
    format!(
        r#"
name = "modules"
title = "Modules and a voter"
checks = ["voted"]
[[groups]]
name = "sensor"
kind = "sensor"
count = {count}
config = {{ cycle = "0s", {sensor} }}
[[groups]]
name = "voter"
kind = "voter"
service = {{ constant = "0s" }}
config = {{ {voter} }}
[[links]]
between = ["sensor", "voter"]
delay = {{ constant = "10ms" }}
"#
    )
}

/// What was acted on, round by round.
fn acted(records: &[Record]) -> impl Iterator<Item = (u64, Option<i64>, Time)> {
    records.iter().filter_map(|record| match &record.what {
        What::Fact(Fact::Vote(Told::Acted { round, value })) => Some((*round, *value, record.at)),
        _ => None,
    })
}

#[test]
fn two_of_three_are_right_as_often_as_lyons_and_vanderkulk_say() {
    for (count, wrong, right) in [(1, 0.1, 0.9), (3, 0.1, 0.972), (3, 0.3, 0.784), (5, 0.3, 0.83692)] {
        let sensor = format!("period = \"100ms\", error = 0, wrong = {wrong}");
        let (_, records) = ran(&modules(count, &sensor, "rule = \"exact-majority\", window = \"50ms\""), 7, 800);
        let rounds = acted(&records).count() as f64;
        let share = acted(&records).filter(|(_, value, _)| *value == Some(10_000)).count() as f64 / rounds;
        let spread = 3.0 * (right * (1.0 - right) / rounds).sqrt();
        assert!(rounds > 7_900.0 && (share - right).abs() < spread, "{count}: {share} of {rounds}, not {right}");
    }
}

#[test]
fn three_of_mean_life_one_live_for_five_sixths_and_are_as_good_as_one_at_ln_2() {
    let sensor = "period = \"2s\", error = 0, life = \"1000s\"";
    let document = modules(3, sensor, "rule = \"exact-majority\", window = \"1s\"");
    let runs = 300u32;
    let (mut lives, mut at_ln_2) = (Vec::new(), 0u32);
    for seed in 0..runs {
        let (_, records) = ran(&document, u64::from(seed), 4_500);
        let end = acted(&records).find(|(_, value, _)| *value != Some(10_000));
        let life = end.map_or(4_500.0, |(_, _, at)| (at.0 as f64 / 1e6 - 1.0) / 1_000.0);
        lives.push(life);
        at_ln_2 += u32::from(life > std::f64::consts::LN_2);
    }
    let n = f64::from(runs);
    let mean = lives.iter().sum::<f64>() / n;
    let sd = (lives.iter().map(|life| (life - mean) * (life - mean)).sum::<f64>() / (n - 1.0)).sqrt();
    assert!((mean - 5.0 / 6.0).abs() < 3.0 * sd / n.sqrt(), "{mean} ± {}", sd / n.sqrt());
    let share = f64::from(at_ln_2) / n;
    assert!((share - 0.5).abs() < 3.0 * (0.25 / n).sqrt(), "{share} live at ln 2");
}

#[test]
fn one_liar_of_three_as_a_transcript() {
    let document = modules(3, "period = \"1s\", error = 20", "rule = \"median\"").replace(
        "[[links]]",
        "[[cues]]\nat = \"1500ms\"\nthen = [{ set = { node = \"sensor-2\", field = \"fault\", value = \"hard-over\" } }]\n[[links]]",
    );
    compare!("voter-median", binary::traced(&document, &["--until", "3s", "--from", "900ms"]));
    let mean = document.replace("\"median\"", "\"mean\"");
    compare!("voter-mean", binary::traced(&mean, &["--until", "3s", "--from", "900ms"]));
}

/// So many generals, made for so many traitors; one battle every four seconds.
fn generals(count: u32, m: u32, more: &str) -> String {
    format!(
        r#"
name = "generals-small"
title = "Generals"
seed = 3
checks = ["generals"]
[[groups]]
name = "general"
kind = "general"
count = {count}
startup = "10ms"
config = {{ m = {m}, round = "100ms", every = "1s" }}
[[links]]
between = ["general", "general"]
delay = {{ constant = "10ms" }}
{more}"#
    )
}

#[test]
fn the_message_counts_of_the_paper() {
    for (count, m, messages) in [(4, 1, 9), (7, 2, 156), (4, 0, 3)] {
        let (run, records) = ran(&generals(count, m, ""), 1, 5);
        let sent = records.iter().filter(|record| matches!(record.what, What::Sent { .. })).count();
        assert_eq!(run.violations()[..], []);
        let obeyed =
            |record: &&Record| matches!(record.what, What::Fact(Fact::General(oral_messages::Told::Obeyed { .. })));
        // The fifth battle begins at the end, and has had the commander's orders only.
        assert_eq!(records.iter().filter(obeyed).count(), 4 * (count as usize - 1));
        assert_eq!(sent, 4 * messages + count as usize - 1, "{count} generals, {m} traitors");
    }
}

#[test]
fn a_commander_who_is_a_traitor_as_a_transcript() {
    let traitor =
        "[[cues]]\nat = \"500ms\"\nthen = [{ set = { node = \"general-1\", field = \"traitor\", value = true } }]\n";
    compare!("generals", binary::traced(&generals(4, 1, traitor), &["--from", "400ms", "--until", "1500ms"]));
    let few = generals(4, 1, traitor).replace("m = 1", "m = 1, rounds = \"one-too-few\"");
    compare!("generals-one-round", binary::traced(&few, &["--from", "400ms", "--until", "1500ms"]));
}
