//! Stores whose clients tell what they did: a lone one is linearizable whatever breaks, and each way to be less than that
//! is found out.

use std::rc::Rc;

use faultline::components::{Fact, Record, Step, What};
use faultline::scenario::{Act, Document, Run};
use faultline::sim::{Time, Value};
use faultline::timeline::{Cursor, Timeline};

fn document(stores: u32, client: &str, store: &str) -> Document {
    let text = format!(
        r#"{{"name": "stores", "title": "Stores", "groups": [
            {{"name": "clients", "prefix": "client", "kind": "kv-client", "count": 6, "config": {client}}},
            {{"name": "stores", "prefix": "store", "kind": "kv-store", "count": {stores},
              "disk": {{"constant": "8ms"}}, "config": {store}}}],
        "links": [{{"between": ["clients", "stores"], "loss": 0.02, "duplicate": 0.05, "reorder": 0.1}},
            {{"between": ["stores", "stores"]}}],
        "checks": ["messages", {{"linearizable": {{"name": "one-copy", "model": "kv", "every": "2s"}}}}]}}"#
    );
    Document::from_json(&text).unwrap_or_else(|found| panic!("{found:?}"))
}

const CLIENT: &str = r#"{"rate": 30, "timeout": "150ms"}"#;

fn steps(records: &[Record], of: Step) -> usize {
    let is = |record: &&Record| matches!(&record.what, What::Fact(Fact::Operation { step, .. }) if *step == of);
    records.iter().filter(is).count()
}

/// Twenty seconds in which the stores, and a client, crash and start again and a link is cut for a while.
fn troubled(document: Document, seed: u64) -> (Run, Vec<Record>) {
    let mut run = Run::new(Rc::new(document), seed).expect("it has no problems");
    let mut records = Vec::new();
    let node = |name: &str| name.to_owned();
    for round in 0..5 {
        let pair = (node("client-2"), node("stores"));
        let acts = [
            (1, Act::Kill { node: node("store-1"), disk: false }),
            (2, Act::Restart { node: node("store-1") }),
            (2, Act::Kill { node: node("client-1"), disk: false }),
            (3, Act::Restart { node: node("client-1") }),
            (3, Act::Cut { between: pair.clone(), one_way: round % 2 == 0 }),
            (4, Act::Heal { between: pair, one_way: false }),
        ];
        for (second, act) in acts {
            run.run_until(Time((round * 4 + second) * 1_000_000 + round * 1_234), &mut records);
            run.act(&act, &mut records).unwrap_or_else(|told| panic!("{act:?}: {told}"));
        }
    }
    run.run_until(Time(22_000_000), &mut records);
    (run, records)
}

#[test]
fn a_lone_store_is_linearizable_whatever_crashes() {
    for seed in 0..6 {
        let (run, records) = troubled(document(1, CLIENT, "{}"), seed);
        assert_eq!(run.violations()[..], []);
        let (called, done) = (steps(&records, Step::Invoke), steps(&records, Step::Ok));
        assert!(done > 800 && called < done + steps(&records, Step::Info) + 20, "{done} of {called}");
        assert!(steps(&records, Step::Info) > 20, "some answers never came");
    }
}

#[test]
fn a_store_that_answers_before_its_disk_has_it_is_found_out() {
    let found = (0..6).filter(|seed| {
        let (run, _) = troubled(document(1, CLIENT, r#"{"answer": "before-disk"}"#), *seed);
        assert!(run.violations().iter().all(|broken| &*broken.check == "one-copy"));
        run.broken() > 0
    });
    let found = found.count();
    assert!(found >= 3, "a crash must fall between answer and disk: {found} of 6");
}

#[test]
fn stores_that_tell_one_another_later_are_found_out_and_the_evidence_shows_it() {
    let any = r#"{"rate": 30, "timeout": "150ms", "asks": "any"}"#;
    let mut run = Run::new(Rc::new(document(2, any, "{}")), 1).expect("it has no problems");
    let mut records = Vec::new();
    run.run_until(Time(10_000_000), &mut records);
    let [broken] = &run.violations()[..] else { panic!("{:?}", run.violations()) };
    assert!(broken.told.starts_with("“one-copy” is not linearizable: key "), "{}", broken.told);
    assert!(broken.evidence.contains(&broken.record) && broken.evidence.len() >= 3, "{broken:?}");
    let shown: Vec<&Record> = records.iter().filter(|record| broken.evidence.contains(&record.id)).collect();
    assert!(shown.iter().all(|record| matches!(record.what, What::Fact(Fact::Operation { .. }))));
    let last = shown.iter().find(|record| record.id == broken.record).expect("the one that fits nowhere");
    assert_eq!((last.at, last.node), (broken.at, broken.node));
    // All clients ask the same one, and nothing is wrong: the others only have copies.
    let (run, _) = troubled(document(2, CLIENT, "{}"), 1);
    let lost = run.violations().iter().all(|broken| &*broken.check == "one-copy");
    assert!(lost, "{:?}", run.violations());
}

#[test]
fn the_verdict_survives_time_travel() {
    let any = r#"{"rate": 30, "timeout": "150ms", "asks": "any"}"#;
    let document = Rc::new(document(2, any, "{}"));
    let mut run = Run::new(document.clone(), 1).expect("it has no problems");
    run.run_until(Time(9_000_000), &mut ());
    let mut timeline = Timeline::new(document, 1, Vec::new()).expect("it has no problems");
    for second in [9, 1, 5, 9] {
        timeline.seek(Cursor { at: Time(second * 1_000_000), steps: None });
        let told = timeline.run().violations();
        assert_eq!(told.is_empty(), second < 2, "it is judged at the end of each window");
    }
    assert_eq!(timeline.run().violations(), run.violations());
    assert_eq!(timeline.run().digest(), run.digest());
}

#[test]
fn dials_of_a_client_hold_for_its_next_operation() {
    let mut run = Run::new(Rc::new(document(1, r#"{"rate": 0}"#, "{}")), 1).expect("it has no problems");
    let mut records = Vec::new();
    run.run_until(Time(3_000_000), &mut records);
    assert_eq!(steps(&records, Step::Invoke), 0);
    let set = |rate: f64| Act::Set { node: "clients".into(), field: "rate".into(), value: Value::Number(rate) };
    run.act(&set(20.0), &mut records).expect("it can be set");
    run.run_until(Time(6_000_000), &mut records);
    let called = steps(&records, Step::Invoke);
    assert!((200..420).contains(&called), "six clients, three seconds, up to twenty a second: {called}");
}

#[test]
fn a_client_that_asks_again_finds_a_store_that_answers() {
    let reads = |attempts: u32| {
        let client = format!(r#"{{"rate": 30, "reads": 1, "timeout": "150ms", "attempts": {attempts}}}"#);
        let mut run = Run::new(Rc::new(document(2, &client, "{}")), 1).expect("it has no problems");
        let mut records = Vec::new();
        run.act(&Act::Kill { node: "store-1".into(), disk: false }, &mut records).expect("it can be killed");
        run.run_until(Time(10_000_000), &mut records);
        assert_eq!(run.violations()[..], []);
        (steps(&records, Step::Ok), steps(&records, Step::Info))
    };
    assert_eq!(reads(1).0, 0, "the first is dead, and no other is asked");
    let (ok, unknown) = reads(3);
    // Each third attempt is for the dead one again; on the way to the other some are lost.
    assert!(ok > 200 && unknown < ok / 10, "the second answers: {ok}, {unknown} unanswered");
}
