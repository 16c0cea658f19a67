//! Documents and acts that are small and would cost much: each is refused with a sentence, or costs little.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::disallowed_types, reason = "these tests are about what things cost, natively")]

use std::rc::Rc;
use std::time::{Duration, Instant};

use faultline::link::{self, Shown};
use faultline::scenario::{Act, Document, Run, hidden};
use faultline::sim::{Halt, Micros, Time, Value};
use faultline::timeline::{Cursor, MAX_BYTES, Moment, Stamped, Timeline};
use serde_json::{Value as Json, json};

fn group(name: &str, kind: &str, count: u32) -> Json {
    json!({"name": name, "kind": kind, "count": count})
}

fn document(fields: Json) -> Result<Document, String> {
    let mut whole = json!({"name": "hostile", "title": "Hostile", "length": "5s"});
    whole.as_object_mut().expect("an object").extend(fields.as_object().cloned().expect("an object"));
    Document::from_json(&whole.to_string()).map_err(|found| found[0].to_string())
}

fn right(fields: Json) -> Rc<Document> {
    Rc::new(document(fields).expect("a document without problems"))
}

fn moment(document: Rc<Document>, acts: Vec<Act>, at: Micros) -> Moment {
    let acts = acts.into_iter().map(|act| Stamped { at: Time(1_000), act }).collect();
    Moment { seed: 1, document, settings: Vec::new(), acts, cursor: Cursor { at: Time(at.0), steps: None } }
}

/// Far more than any of this takes, and far less than any of it took.
fn soon<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    // What is wrong here takes hours or all memory; how long the right way takes is for the benchmarks.
    assert!(start.elapsed() < Duration::from_secs(60), "{what} took {:?}", start.elapsed());
    done
}

#[test]
fn a_crowd_is_placed_in_no_time() {
    // One prefix for all: each name was looked for among all before it.
    let same: Vec<Json> = (0..64)
        .map(|place| {
            let mut group = group(&format!("g{place}"), "client", 780);
            group["prefix"] = json!("same");
            group
        })
        .collect();
    let run = soon("one prefix", || Run::new(right(json!({"groups": same})), 1).expect("it runs"));
    assert_eq!((run.world.name(faultline::sim::NodeId(0)), run.world.nodes().count()), ("same-1", 49_920));
    assert!(run.world.find("same-49920").is_some());
    // Many rules that wire nobody: for each newcomer everyone was looked at.
    let mut groups = vec![group("crowd", "client", 20_000)];
    groups.extend((0..63).map(|place| group(&format!("g{place}"), "gateway", 0)));
    let links: Vec<Json> = (0..63).map(|place| json!({"between": ["crowd", format!("g{place}")]})).collect();
    let wired = right(json!({"groups": groups, "links": links}));
    soon("many rules", || Run::new(wired, 1).expect("it runs"));
    // Machines of a thousand cores each: two and a half gigabytes, when idle ones took room.
    let mut idle = group("crowd", "client", 20_000);
    idle["cores"] = json!(1_024);
    soon("many cores", || Run::new(right(json!({"groups": [idle]})), 1).expect("it runs"));
}

#[test]
fn names_that_were_given_are_not_given_again() {
    let two = right(json!({"groups": [group("a", "client", 1), {"name": "b", "kind": "client", "prefix": "a"}]}));
    let add = |what: &str, name: Option<&str>| Act::Add { what: what.to_owned(), name: name.map(str::to_owned) };
    let acts = vec![add("a", Some("a-4")), add("b", None), add("a", None), add("a", None)];
    let timeline = Timeline::at_moment(two.clone(), &moment(two, acts, Micros::ms(2))).expect("it runs");
    let names: Vec<&str> = timeline.run().world.nodes().map(|(_, node)| &*node.name).collect();
    assert_eq!(names, ["a-1", "a-2", "a-4", "a-3", "a-5", "a-6"]);
}

#[test]
fn acts_on_crowds_cost_what_they_change() {
    let crowd = right(json!({"groups": [group("crowd", "client", 20_000)]}));
    let between = || ("crowd".to_owned(), "crowd".to_owned());
    let wire = Act::Wire { between: between() };
    let cuts = vec![Act::Cut { between: between(), one_way: false }; 100];
    let timeline = soon("nothing to cut", || {
        Timeline::at_moment(crowd.clone(), &moment(crowd.clone(), cuts, Micros::ms(2))).expect("it runs")
    });
    let told = timeline_check(&timeline, &wire);
    assert_eq!(told, "wire.between: they are 400000000 pairs; 400000 is the limit");
    let told = document(json!({
        "groups": [group("crowd", "client", 20_000)],
        "cues": [{"at": "1s", "then": [{"wire": {"between": ["crowd", "crowd"]}}]}],
    }));
    let place = "cues[0].then[0].wire.between: they are 400000000 pairs; 400000 is the limit";
    assert_eq!(told.expect_err("too many pairs"), place);
    // Between groups, the links that are there are cut, and no others.
    let some = right(json!({
        "groups": [group("a", "client", 3), group("b", "balancer", 2), group("c", "balancer", 1)],
        "links": [{"between": ["a", "b"]}, {"between": ["a", "c"]}],
    }));
    let cut = Act::Cut { between: ("a".to_owned(), "b".to_owned()), one_way: true };
    let timeline = Timeline::at_moment(some.clone(), &moment(some, vec![cut], Micros::ms(2))).expect("it runs");
    let nodes = timeline.run().world.nodes();
    let cut: Vec<usize> = nodes.map(|(_, node)| node.links.iter().filter(|link| link.cut).count()).collect();
    assert_eq!(cut, [2, 2, 2, 0, 0, 0]);
}

fn timeline_check(timeline: &Timeline, act: &Act) -> String {
    act.check(timeline.document(), &timeline.run().world).expect_err("it cannot be done")
}

#[test]
fn links_have_a_limit_in_all() {
    let groups: Vec<Json> = (0..8).map(|place| group(&format!("g{place}"), "client", 600)).collect();
    let document = right(json!({"groups": groups}));
    let wire = |place: usize| Act::Wire { between: (format!("g{place}"), format!("g{}", place + 1)) };
    let acts = (0..7).map(wire).collect();
    let timeline = soon("wiring", || {
        Timeline::at_moment(document.clone(), &moment(document, acts, Micros::ms(2))).expect("it runs")
    });
    let world = &timeline.run().world;
    let links: usize = world.nodes().map(|(_, node)| node.links.len()).sum();
    assert_eq!((world.halted(), links), (Some(Halt::Links), 1_000_000));
}

#[test]
fn conditions_have_a_limit_in_all() {
    let leaves = vec![json!({"after": "1h"}); 200];
    let cues = vec![json!({"when": {"all": [{"not": {"any": leaves}}]}}); 5];
    let told = document(json!({"cues": cues})).expect_err("too many conditions");
    assert_eq!(told, "there are 1015 conditions in cues, tasks and checks; 1000 is the limit");
    document(json!({"cues": cues[..4]})).expect("fewer");
}

#[test]
fn keyframes_of_much_are_few() {
    // Nothing ever arrives, and everyone asks again: each keyframe would hold all of it.
    let mut impatient = group("crowd", "client", 1_000);
    impatient["config"] = json!({"timeout": "20ms", "cap": "20ms"});
    let document = right(json!({
        "groups": [impatient, group("b", "balancer", 1)],
        "links": [{"between": ["crowd", "b"], "delay": {"constant": "744h"}}],
    }));
    let mut timeline = Timeline::new(document, 1, Vec::new()).expect("it runs");
    timeline.advance(Time(10_000_000), u64::MAX);
    assert!(timeline.run().world.in_flight() > 200_000);
    assert!(timeline.held() <= MAX_BYTES || timeline.keyframes() == 3, "{}", timeline.held());
    // They are still there to go back by.
    let digest = timeline.run().digest();
    timeline.seek(Cursor { at: Time(2_000_000), steps: None });
    timeline.seek(Cursor { at: Time(10_000_000), steps: None });
    assert_eq!(timeline.run().digest(), digest);
}

#[test]
fn lists_of_faults_have_limits() {
    let told = |fields: Json| document(fields).expect_err("too much");
    let groups = || json!([group("a", "client", 2), group("b", "balancer", 1)]);
    let plan = |change: Json| {
        let mut plan = json!({"faults": ["kill"], "every": "1s", "repair": "1s"});
        plan.as_object_mut().expect("an object").extend(change.as_object().cloned().expect("an object"));
        json!({"groups": groups(), "plans": [plan]})
    };
    document(plan(json!({}))).expect("a plan");
    assert_eq!(told(plan(json!({"every": "9ms"}))), "plans[0].every: expected 10ms or more, found 9ms");
    assert_eq!(told(plan(json!({"most": 0}))), "plans[0].most: expected 1 to 1000, found 0");
    assert_eq!(told(plan(json!({"faults": []}))), "plans[0].faults: expected one to 256 kinds of fault");
    assert_eq!(told(plan(json!({"targets": ["c"]}))), "plans[0].targets: there is no node, group or zone \"c\"");
    assert_eq!(told(plan(json!({"targets": vec!["a"; 257]}))), "plans[0].targets: 256 is the limit");
    assert_eq!(told(plan(json!({"from": "2s", "until": "1s"}))), "plans[0].until: it is over before it begins");
    let many = vec![json!({"faults": ["kill"], "every": "1s", "repair": "1s"}); 33];
    assert_eq!(told(json!({"groups": groups(), "plans": many})), "plans: there are 33; 32 is the limit");
    let cue = |act: Json| json!({"groups": groups(), "cues": [{"at": "1s", "then": [act]}]});
    let sides = |sides: Json| cue(json!({"partition": {"sides": sides}}));
    let at = "cues[0].then[0].partition.sides: ";
    document(sides(json!([["a"], ["b"]]))).expect("two sides");
    assert_eq!(told(sides(json!([["a"]]))), format!("{at}expected two sides or more, and a name on each"));
    assert_eq!(told(sides(json!([vec!["a"; 256], ["b"]]))), format!("{at}there are 257 names; 256 is the limit"));
    let zones: Vec<String> = (0..65).map(|zone| format!("z{zone}")).collect();
    let mut spread = group("a", "client", 2);
    spread["zones"] = json!(zones);
    assert_eq!(told(json!({"groups": [spread]})), "groups[0].zones: 64 is the limit");
    let region = |name: &str, row: Json| json!({"name": name, "round_trip": row});
    let regions = |rows: [Json; 2]| json!({"groups": groups(), "regions": [region("x", rows[0].clone()), region("y", rows[1].clone())]});
    document(regions([json!(["0s", "1s"]), json!([])])).expect("regions");
    let wrong = "regions[1].round_trip: expected one for each of the 2 regions, found 3";
    assert_eq!(told(regions([json!([]), json!(["0s", "1s", "2s"])])), wrong);
    let mut named = group("a", "client", 2);
    named["zones"] = json!(["b"]);
    let told = told(json!({"groups": [named, group("b", "balancer", 1)]}));
    assert_eq!(told, "a group and a zone are both called \"b\"");
}

#[test]
fn faults_on_crowds_cost_what_they_change() {
    let mut crowd = group("crowd", "client", 20_000);
    crowd["zones"] = json!(["east", "west"]);
    let plan = json!({"faults": ["pause", "isolate", "skew"], "every": "10ms", "repair": "1s", "most": 1000});
    let document = right(
        json!({"groups": [crowd, group("b", "balancer", 1)], "links": [{"between": ["crowd", "b"]}], "plans": [plan]}),
    );
    let sides = vec![vec!["east".to_owned(); 128], vec!["west".to_owned(); 128]];
    let acts = vec![
        Act::Partition { sides },
        Act::Isolate { node: "east".to_owned() },
        Act::Lie { node: "crowd".to_owned(), share: 0.5, spoil: true },
        Act::HealAll {},
    ];
    let timeline = soon("a crowd and a plan", || {
        Timeline::at_moment(document.clone(), &moment(document, acts, Micros::ms(400))).expect("it runs")
    });
    assert!(timeline.run().world.nodes().filter(|(_, node)| node.lies.is_some()).count() == 20_000);
}

#[test]
fn minus_zero_travels() {
    let document = right(json!({
        "groups": [group("a", "client", 1), group("b", "balancer", 1)],
        "links": [{"between": ["a", "b"], "loss": -0.0}],
    }));
    let there = moment(document, Vec::new(), Micros::secs(2));
    let digest =
        |moment: &Moment| Timeline::at_moment(moment.document.clone(), moment).expect("it runs").run().digest();
    let opened = link::read(&link::write(&there, &Shown::default()).fragment).expect("what was written");
    assert_eq!(digest(&opened.moment), digest(&there));
}

#[test]
fn editors_and_ends_of_lines_make_no_difference() {
    let json = "{\"name\":\"a\",\"title\":\"A\",\"summary\":\"one\\ntwo\"}";
    let toml = "name = \"a\"\ntitle = \"A\"\nsummary = \"\"\"one\ntwo\"\"\"\n";
    let read = Document::from_json(json).expect("JSON");
    for text in [toml.to_owned(), toml.replace('\n', "\r\n"), format!("\u{feff}{toml}")] {
        assert_eq!(Document::from_toml(&text).as_ref(), Ok(&read), "{text:?}");
    }
    assert_eq!(Document::from_json(&format!("\u{feff}{json}")).as_ref(), Ok(&read));
}

#[test]
fn what_is_said_twice_is_refused() {
    let twice = r#"{"name":"a","title":"A","groups":[{"name":"a","kind":"client","config":{"rate":1,"rate":2}}]}"#;
    let told = Document::from_json(twice).expect_err("twice")[0].to_string();
    assert_eq!(told, "groups[0].config: the field `rate` is there twice");
}

#[test]
fn dials_keep_to_their_own_ends() {
    let dials = json!([
        {"name": "timeout", "title": "T", "group": "a", "field": "timeout", "min": 1, "max": 2},
        {"name": "rate", "title": "R", "group": "a", "field": "rate"},
    ]);
    let document = right(json!({"groups": [group("a", "client", 1)], "dials": dials}));
    let set = |dial: &str, value: &str| {
        let set = document.with_settings(&[(dial.to_owned(), Value::text(value))]);
        set.map(drop).map_err(|problem| problem.to_string())
    };
    assert_eq!(set("timeout", "1500ms"), Ok(()));
    assert_eq!(set("timeout", "40ms"), Err("dial timeout: expected 1s to 2s, found 40ms".to_owned()));
    // At the dial that was turned, not somewhere in the document.
    assert_eq!(
        set("rate", "fast"),
        Err("dial rate: a client: expected a number from 0 to 50, found \"fast\"".to_owned())
    );
}

#[test]
fn those_who_are_added_are_waited_for_too() {
    let empty = right(json!({"groups": [group("crowd", "client", 0)]}));
    let add = Act::Add { what: "crowd".to_owned(), name: None };
    let far = moment(empty, vec![add; 100], Micros::secs(1_000_000));
    let opened = link::read(&link::write(&far, &Shown::default()).fragment).expect("what was written");
    assert_eq!((opened.moment.cursor, opened.notes.len()), (Cursor::default(), 1));
}

#[test]
fn a_text_that_looks_like_something_else_is_told_apart() {
    let told = |config: Json| {
        let mut group = group("a", "supervisor", 1);
        group["config"] = config;
        document(json!({"groups": [group]})).expect_err("a text")
    };
    assert!(told(json!({"missed": "2"})).ends_with("from 1 to 20, found \"2\""));
    assert!(told(json!({"replace": "true"})).ends_with("true or false, found \"true\""));
    let told = document(json!({"groups": [{"name": "a", "kind": "client", "disk": "5ms"}]})).expect_err("no law");
    assert!(told.contains("as in { constant = … }, found \"5ms\""), "{told}");
    let told = link::read("1~chat.kill~sender-1~5.end").expect_err("no unit").told;
    assert!(told.contains("a TIME has its unit, as in 5s"), "{told}");
}

#[test]
fn marks_that_nobody_sees_are_hidden() {
    for c in "\u{61c}\u{180e}\u{200e}\u{200f}\u{2061}\u{206f}\u{fff9}\u{e0041}\u{202e}\u{7f}\u{9b}".chars() {
        assert!(hidden(c), "U+{:04X}", c as u32);
    }
    // Faces in a family, and scripts that join.
    assert!(!"👩\u{200d}👧 می\u{200c}خواهم ❤\u{fe0f}".chars().any(hidden));
}
