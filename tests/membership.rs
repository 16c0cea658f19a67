//! Membership and gossip: SWIM, heartbeats and the accrual detector under faults, each beside what is wrong on purpose;
//! what was published about them; rumours.
#![cfg(not(target_arch = "wasm32"))]

#[path = "shared/binary.rs"]
mod binary;
#[path = "shared/golden.rs"]
mod golden;

use std::rc::Rc;

use faultline::check::Violation;
use faultline::components::{Fact, Record, What};
use faultline::protocols::swim::Standing;
use faultline::scenario::{Document, Run};
use faultline::sim::{NodeId, Time};

/// Members that all know one another, with these settings, and what else the document says.
fn group(count: u32, config: &str, more: &str) -> String {
    format!(
        "name = \"group\"\ntitle = \"A group\"\nlength = \"60s\"\nchecks = [\"membership\", \"messages\"]\n\
         [[groups]]\nname = \"members\"\nprefix = \"m\"\nkind = \"member\"\ncount = {count}\nconfig = {{ {config} }}\n\
         [[links]]\nbetween = [\"members\", \"members\"]\ndelay.lognormal = {{ median = \"20ms\", p99 = \"50ms\" }}\n{more}"
    )
}

/// Something that is done at an instant.
fn cue(at: &str, act: &str) -> String {
    format!("[[cues]]\nat = \"{at}\"\nthen = [{act}]\n")
}

/// What came of a document, up to an instant.
fn run(text: &str, seed: u64, until: u64) -> (Run, Vec<Record>) {
    let document = Document::from_toml(text).unwrap_or_else(|problems| panic!("{problems:?}"));
    let mut run = Run::new(Rc::new(document), seed).expect("it is in order");
    let mut records = Vec::new();
    run.run_until(Time(until * 1_000_000), &mut records);
    (run, records)
}

fn told(run: &Run) -> Vec<String> {
    run.violations().iter().map(|Violation { told, .. }| told.to_string()).collect()
}

/// Who came to take whom for what by itself, and when.
fn found(records: &[Record], wanted: Standing) -> Vec<(Time, NodeId, NodeId)> {
    let mut all = Vec::new();
    for record in records {
        if let What::Fact(Fact::Believes { node, standing, from: None, .. }) = &record.what
            && *standing == wanted
        {
            all.push((record.at, record.node, *node));
        }
    }
    all
}

const SHORT: &str = "forgives = \"2s\", detects = \"30s\"";

#[test]
fn a_crash_is_known_to_all_a_pause_is_refuted_a_cut_link_is_gone_round() {
    for seed in 1..=20 {
        let kill = cue("10s", "{ kill = { node = \"m-3\" } }");
        let pause = cue("10s", "{ pause = { node = \"m-3\" } }") + &cue("11.9s", "{ resume = { node = \"m-3\" } }");
        let cut = cue("10s", "{ cut = { between = [\"m-3\", \"m-5\"] } }");
        for (what, acts, declared) in [("kill", kill, true), ("pause", pause, false), ("cut", cut, false)] {
            let (run, records) = run(&group(12, SHORT, &acts), seed, 60);
            assert_eq!(told(&run), Vec::<String>::new(), "{what}, seed {seed}");
            assert_eq!(!found(&records, Standing::Faulty).is_empty(), declared, "{what}, seed {seed}");
        }
    }
}

/// How many of twenty seeds break the promise, and what is told first.
fn broken(text: &str) -> (usize, String) {
    let (mut count, mut first) = (0, String::new());
    for seed in 1..=20 {
        let (run, _) = run(text, seed, 60);
        let all = told(&run);
        if let Some(one) = all.first() {
            count += 1;
            first = if first.is_empty() { one.clone() } else { first };
        }
    }
    (count, first)
}

#[test]
fn each_mistake_is_found() {
    let pause = cue("10s", "{ pause = { node = \"m-3\" } }") + &cue("11.9s", "{ resume = { node = \"m-3\" } }");
    let cut = cue("10s", "{ cut = { between = [\"m-3\", \"m-5\"] } }");
    let kill = cue("10s", "{ kill = { node = \"m-3\" } }");
    for (config, acts, told) in [
        // The pause costs it its membership.
        ("suspicion = \"none\"", &pause, "accuracy: "),
        // It answers, and dies all the same.
        ("raising = \"kept\"", &pause, "accuracy: "),
        // Another speaks for it.
        ("raising = \"others\"", &pause, "another has raised it"),
        // Nobody is asked whether there is another way.
        ("suspicion = \"none\", indirect = 0", &cut, "up and within reach all the time"),
        // A silence of two periods is soon had.
        ("detector = \"heartbeats\", missed = 2", &pause, "in trouble for"),
        ("detector = \"heartbeats\"", &cut, "up and within reach all the time"),
        // So patient that nobody is ever declared.
        ("detector = \"heartbeats\", missed = 100", &kill, "completeness: m-3 is down"),
        ("detector = \"phi\", threshold = 1.0, deviation = \"0s\"", &String::new(), "accuracy: "),
    ] {
        let (count, first) = broken(&group(12, &format!("{SHORT}, {config}"), acts));
        println!("{config}: {count} of 20, {first}");
        assert!(count > 0 && first.contains(told), "{config}: {count} of 20, {first}");
    }
    // And what is right about two of these: with indirect probes the cut link harms nobody, nor with suspicion.
    for config in ["suspicion = \"none\"", "indirect = 0"] {
        assert_eq!(broken(&group(12, &format!("{SHORT}, {config}"), &cut)), (0, String::new()), "{config}");
    }
}

/// Whom every member that is up takes for whom, at the end: only where that is not «there».
fn doubts(run: &Run) -> Vec<String> {
    let mut doubts = Vec::new();
    for (_, node) in run.world.nodes() {
        for (name, value) in node.look().lines.iter().filter(|(name, _)| ["suspected", "faulty", "left"].contains(name))
        {
            doubts.push(format!("{}: {name} {}", node.name, run.world.named(value)));
        }
    }
    doubts
}

#[test]
fn two_halves_of_a_group_find_together_again() {
    let sides = "[[\"m-1\", \"m-2\", \"m-3\", \"m-4\"], [\"m-5\", \"m-6\", \"m-7\", \"m-8\"]]";
    let acts = cue("5s", &format!("{{ partition = {{ sides = {sides} }} }}")) + &cue("30s", "{ heal-all = {} }");
    for seed in 1..=10 {
        let (halves, _) = run(&group(8, SHORT, &acts), seed, 30);
        assert_eq!(doubts(&halves).len(), 8, "seed {seed}: each takes four for faulty: {:?}", doubts(&halves));
        let (whole, _) = run(&group(8, SHORT, &acts), seed, 90);
        assert_eq!((told(&whole), doubts(&whole)), (vec![], vec![]), "seed {seed}");
        // As the paper has it, they never would.
        let (apart, _) = run(&group(8, &format!("{SHORT}, reconnect = \"0s\""), &acts), seed, 90);
        assert!(told(&apart).iter().any(|told| told.contains("it is faulty")), "seed {seed}: {:?}", told(&apart));
    }
}

#[test]
fn one_that_knows_nobody_is_taken_in_and_one_that_leaves_is_let_go() {
    for seed in 1..=10 {
        let config = format!("{SHORT}, start = \"alone\"");
        let acts = cue("20s", "{ set = { node = \"m-2\", field = \"member\", value = false } }");
        let (run, records) = run(&group(9, &config, &acts), seed, 60);
        assert_eq!(told(&run), Vec::<String>::new(), "seed {seed}");
        let declared = found(&records, Standing::Faulty);
        assert!(declared.is_empty(), "nobody has to be declared, seed {seed}: {declared:?}");
        let doubts = doubts(&run);
        assert!(doubts.len() == 8 && doubts.iter().all(|doubt| doubt.ends_with("left m-2")), "{doubts:?}");
    }
}

/// The mean of some numbers and three times its standard error.
fn mean(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (count - 1.0);
    (mean, 3.0 * (variance / count).sqrt())
}

/// What each member sends and gets in a period while nothing happens does not depend on how many there are: a ping and
/// an ack (section 3.2 of the paper). Heartbeats cost each n − 1.
#[test]
fn what_a_member_sends_does_not_grow_with_the_group() {
    let each = |count: u32, config: &str| {
        let (_, records) = run(&group(count, &format!("period = \"1s\", {SHORT}, {config}"), ""), 3, 40);
        let sent = |record: &&Record| matches!(record.what, What::Sent { .. }) && record.at >= Time(10_000_000);
        records.iter().filter(sent).count() as f64 / f64::from(count) / 30.0
    };
    for count in [4, 16, 64] {
        let (swim, beats) = (each(count, "detector = \"swim\""), each(count, "detector = \"heartbeats\""));
        assert!((swim - 2.0).abs() < 0.05, "{count} members: {swim} messages each in a period");
        assert!((beats - f64::from(count - 1)).abs() < 0.05, "{count} members: {beats} messages each in a period");
    }
}

/// News comes to everyone in a number of periods that grows with the logarithm of the group (section 4.1): each doubling
/// costs about as much as the one before.
#[test]
fn news_comes_to_all_in_logarithmic_time() {
    let periods = |count: u32| {
        let config = "period = \"1s\", suspicion = \"none\", phase = \"together\", indirect = 0";
        let kill = cue("5s", "{ kill = { node = \"m-1\" } }");
        let mut all = Vec::new();
        for seed in 1..=12 {
            let (run, records) = run(&group(count, config, &kill), seed, 40);
            let heard = |record: &&Record| {
                matches!(record.what, What::Fact(Fact::Believes { node: NodeId(0), standing: Standing::Faulty, .. }))
            };
            let at: Vec<u64> = records.iter().filter(heard).map(|record| record.at.0).collect();
            assert_eq!(at.len() as u32, count - 1, "everyone of {count} heard, seed {seed}: {:?}", told(&run));
            all.push((at[at.len() - 1] - at[0]) as f64 / 1e6);
        }
        mean(&all).0
    };
    let all: Vec<f64> = [8, 16, 32, 64, 128].into_iter().map(periods).collect();
    println!("periods until all of 8, 16, 32, 64, 128 know: {all:?}");
    // In each period what one knows goes out and comes back with its ping: twice as many know it after half of one.
    for (count, pair) in [16, 32, 64, 128].into_iter().zip(all.windows(2)) {
        assert!(pair[1] - pair[0] < 1.5, "from half of it to {count} members: {pair:?}");
    }
    assert!(all[4] < 7.0 && all[4] < 4.0 * all[0], "16 times as many take less than 4 times as long: {all:?}");
}

/// One of n members crashes. In each period each of the others pings any of the n − 1 others, so the periods until
/// somebody finds it are geometric with p = 1 − (1 − 1/(n−1))^(n−1); the mean tends to e/(e − 1) (section 3.1 of the
/// paper). Tolerance: three standard errors of 600 and 200 runs.
#[test]
fn periods_until_somebody_finds_a_crash_are_as_published() {
    for (count, runs, published) in [(10, 600, 1.530_080), (55, 200, 1.573_432)] {
        let config = "period = \"1s\", order = \"random\", suspicion = \"none\", indirect = 0, phase = \"together\"";
        let silent = group(count, config, &cue("3500ms", "{ kill = { node = \"m-1\" } }"))
            .replace("checks = [\"membership\", \"messages\"]", "checks = []")
            .replace("{ median = \"20ms\", p99 = \"50ms\" }", "{ median = \"1ms\", p99 = \"2ms\" }");
        let document = Rc::new(Document::from_toml(&silent).expect("it is in order"));
        let mut periods = Vec::new();
        for seed in 1..=runs {
            let mut run = Run::new(document.clone(), seed).expect("it is in order");
            let mut records = Vec::new();
            while found(&records, Standing::Faulty).is_empty() {
                records.clear();
                run.step(&mut records);
            }
            // Periods begin at whole seconds, a little later; who is pinged at 4 s without an answer is found at 5 s.
            periods.push((run.world.now().0 / 1_000_000 - 4) as f64);
        }
        let (mean, error) = mean(&periods);
        println!("n = {count}: {mean} ± {error} periods, published {published}");
        assert!((mean - published).abs() < error, "n = {count}: {mean} ± {error}");
    }
}

/// The transcript of a document, of the records that matter to the story.
fn transcript(text: &str, arguments: &[&str]) -> String {
    let kinds = "sent,lost,crashed,paused,resumed,cut,healed,suspected,declared,learned,refuted,incarnated";
    binary::traced(text, &[&["--kind", kinds], arguments].concat())
}

macro_rules! compare {
    ($name:literal, $found:expr) => {
        golden::compare(
            concat!("membership/", $name, ".txt"),
            include_str!(concat!("golden/membership/", $name, ".txt")),
            &$found,
        )
    };
}

/// Five members with delays that one can reckon with.
fn five(config: &str, acts: &str) -> String {
    group(5, &format!("period = \"1s\", timeout = \"300ms\", patience = 1, {config}"), acts)
        .replace("delay.lognormal = { median = \"20ms\", p99 = \"50ms\" }", "delay.constant = \"10ms\"")
}

#[test]
fn a_crash_as_an_expert_reads_it() {
    let text = five("", &cue("2s", "{ kill = { node = \"m-3\" } }"));
    compare!("crash", transcript(&text, &["--from", "2s", "--until", "7s"]));
}

#[test]
fn a_pause_and_a_refutation_as_an_expert_reads_them() {
    let acts = cue("2s", "{ pause = { node = \"m-3\" } }") + &cue("4200ms", "{ resume = { node = \"m-3\" } }");
    compare!("refuted", transcript(&five("", &acts), &["--from", "2s", "--until", "5s"]));
}

#[test]
fn a_cut_link_and_the_way_round_it() {
    let acts = cue("2s", "{ cut = { between = [\"m-2\", \"m-3\"] } }");
    compare!("indirect", transcript(&five("indirect = 2", &acts), &["--from", "2s", "--until", "5s"]));
}

#[test]
fn a_member_that_is_taken_for_dead_and_comes_back() {
    let acts = cue("2s", "{ isolate = { node = \"m-3\" } }") + &cue("9s", "{ rejoin = { node = \"m-3\" } }");
    compare!("comes-back", transcript(&five("", &acts), &["--from", "9s", "--until", "14s", "--node", "m-3"]));
}

/// Six that monger rumours, with delays that one can reckon with.
fn six(config: &str, acts: &str) -> String {
    format!(
        "name = \"six\"\ntitle = \"Six\"\nlength = \"60s\"\nchecks = [\"rumour\", \"messages\"]\n\
         [[groups]]\nname = \"peers\"\nprefix = \"p\"\nkind = \"peer\"\ncount = 6\nconfig = {{ starts = true, \
         stop = \"counter\", {config} }}\n[[links]]\nbetween = [\"peers\", \"peers\"]\ndelay.constant = \"10ms\"\n{acts}"
    )
}

/// The transcript of rumours.
fn rumours(text: &str, until: &str) -> String {
    let kinds = "sent,lost,cut,healed,published,deleted,learnt,lost-interest";
    binary::traced(text, &["--kind", kinds, "--until", until])
}

#[test]
fn a_rumour_goes_cold_and_anti_entropy_mends_what_it_left_out() {
    compare!("rumour", rumours(&six("k = 1, exchange = \"9s\"", ""), "12s"));
}

#[test]
fn a_death_certificate_keeps_what_one_kept_while_it_was_away_from_rising() {
    let acts = cue("7s", "{ isolate = { node = \"p-4\" } }") + &cue("14s", "{ rejoin = { node = \"p-4\" } }");
    let text = six("k = 3, exchange = \"5s\", ends = \"8s\"", &acts);
    compare!("death-certificate", rumours(&text, "20s"));
    let (held, _) = run(&text, 1, 60);
    assert_eq!(told(&held), Vec::<String>::new());
    let (broken, _) = run(&text.replace("ends =", "deletion = \"nothing\", ends ="), 1, 60);
    assert!(told(&broken)[0].starts_with("risen from the dead: p-1"), "{:?}", told(&broken));
}

/// Which tasks of a built-in lesson are ticked at its end, a step each, when these cues act.
fn ticked(text: &str, cues: &str) -> Vec<Vec<bool>> {
    let place = text.find("# ------").expect("a place between tables");
    let text = format!("{}{cues}\n{}", &text[..place], &text[place..]);
    let document = Document::from_toml(&text).unwrap_or_else(|problems| panic!("{problems:?}"));
    let steps = document.lesson.as_ref().map_or(0, |lesson| lesson.steps.len());
    let (run, _) = run(&text, document.seed, 60);
    (0..steps).map(|step| run.tasks(step).iter().map(Option::is_some).collect()).collect()
}

#[test]
fn the_tasks_of_the_lessons_on_rumours_and_detectors_can_be_done() {
    let rumours = include_str!("../static/scenarios/gossip.toml");
    let turn =
        |at: &str, dial: &str, value: &str| cue(at, &format!("{{ dial = {{ dial = \"{dial}\", value = {value} }} }}"));
    assert_eq!(ticked(rumours, "")[0], [true, true]);
    let cold = turn("100ms", "exchange", "\"0s\"") + &turn("110ms", "k", "1");
    assert_eq!(ticked(rumours, &cold)[1], [true, true]);
    for way in ["pull", "push-pull", "flood"] {
        assert_eq!(ticked(rumours, &turn("100ms", "spreading", &format!("\"{way}\"")))[2], [true, true], "{way}");
    }
    assert_eq!(ticked(rumours, "")[3], [true, false]);
    assert_eq!(ticked(rumours, &turn("10s", "deletion", "\"nothing\""))[3], [true, true]);
    let away = turn("5s", "every", "\"5s\"")
        + &cue("6s", "{ isolate = { node = \"peer-4\" } }")
        + &cue("15s", "{ rejoin = { node = \"peer-4\" } }");
    assert_eq!(ticked(rumours, &away)[4], [true, true]);

    let detectors = include_str!("../static/scenarios/detectors.toml");
    let untouched = ticked(detectors, "");
    assert_eq!([&untouched[0][..], &untouched[1], &untouched[2]], [&[true][..], &[true, false], &[true]]);
    // With more room the accrual detector forgives.
    assert_eq!(ticked(detectors, &turn("12s", "deviation", "\"200ms\""))[1], [false, true]);
    assert_eq!(untouched[3], [false]);
    assert_eq!(ticked(detectors, &turn("5s", "missed", "1"))[3], [true]);
}
