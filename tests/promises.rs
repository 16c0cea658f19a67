//! Promises that documents make of their own: each holds where it should, and each finds the fault that it is for.

use std::rc::Rc;

use faultline::check::{CHECKS, Check, Conserved, Violation};
use faultline::components::{Fact, Message, Record, What};
use faultline::player::{Action, Player, verdict};
use faultline::scenario::schema::{self, Schema};
use faultline::scenario::{Act, CheckRule, Document, Run, Tree, builtin};
use faultline::sim::{NodeId, Payload, RecordId, Status, Time, Value};
use faultline::timeline::{Cursor, Timeline};

/// The chat service without its lesson and with these checks, as a document says them.
fn chat(checks: &str) -> Document {
    with_checks("chat", checks)
}

fn with_checks(name: &str, checks: &str) -> Document {
    let mut document = builtin(name).expect("it is there");
    document.lesson = None;
    document.checks = schema::read(&Tree::from_json(checks).expect("JSON")).expect("checks");
    assert_eq!(document.problems(), []);
    document
}

fn run(document: Document, seed: u64) -> Run {
    Run::new(Rc::new(document), seed).expect("it has no problems")
}

fn secs(n: u64) -> Time {
    Time(n * 1_000_000)
}

fn kill(node: &str) -> Act {
    Act::Kill { node: node.to_owned(), disk: false }
}

/// Goes on until then, and keeps the records.
fn until(run: &mut Run, at: Time) -> Vec<Record> {
    let mut records = Vec::new();
    run.run_until(at, &mut records);
    records
}

const SENDERS_UP: &str = r#"[{"always": {"name": "a-sender", "holds": {"is": {"node": "senders", "state": "up"}},
    "from": "2s", "until": "60s"}}]"#;

#[test]
fn what_always_holds_is_broken_once_until_it_holds_again() {
    let mut run = run(chat(SENDERS_UP), 1);
    run.run_until(secs(5), &mut ());
    run.act(&kill("sender-1"), &mut ()).expect("it runs");
    run.run_until(secs(6), &mut ());
    assert_eq!(run.broken(), 0, "the other one is up");
    let mut records = Vec::new();
    run.act(&kill("sender-2"), &mut records).expect("it runs");
    let crash = records.iter().find(|record| matches!(record.what, What::Crashed { .. })).expect("it crashed").id;
    let [broken] = &run.violations()[..] else { panic!("{:?}", run.violations()) };
    assert_eq!((&*broken.check, broken.at, broken.record), ("a-sender", secs(6), crash));
    assert_eq!(&*broken.told, "“a-sender” does not hold: no senders is up");
    assert!(broken.evidence.contains(&crash));
    run.run_until(secs(20), &mut ());
    assert_eq!(run.broken(), 1, "replacements are up: it holds again");
    run.act(&kill("senders"), &mut ()).expect("they run");
    assert_eq!(run.broken(), 2, "a second time is a breach of its own");
    // After its time it promises nothing.
    run.run_until(secs(61), &mut ());
    run.act(&kill("senders"), &mut ()).expect("they run");
    run.run_until(secs(62), &mut ());
    assert_eq!(run.broken(), 2);
}

/// How many databases take themselves for the primary.
fn primaries(run: &Run) -> usize {
    run.world.nodes().filter(|(_, node)| node.status == Status::Up && *node.look().role == *"primary").count()
}

#[test]
fn a_state_that_lasts_for_one_event_is_seen_at_that_event() {
    let checks = r#"[{"always": {"name": "one-primary",
        "holds": {"not": {"is": {"node": "history", "state": "primary", "count": 2}}}}}]"#;
    let mut run = run(with_checks("chat-pair", checks), 3);
    run.run_until(secs(5), &mut ());
    let apart = |a: &str, b: &str| Act::Cut { between: (a.to_owned(), b.to_owned()), one_way: false };
    run.act(&apart("history-1", "supervisor"), &mut ()).expect("they are linked");
    run.act(&apart("history-1", "history-2"), &mut ()).expect("they are linked");
    // The primary that is cut off does not know that it was replaced. Looked for without the check:
    while primaries(&run) < 2 && run.world.now() < secs(30) {
        assert_eq!(run.broken(), 0);
        run.step(&mut ());
    }
    let [broken] = &run.violations()[..] else { panic!("{:?}", run.violations()) };
    assert_eq!(broken.at, run.world.now());
    assert!(broken.told.ends_with("history-1 and history-2 are primary"), "{}", broken.told);
    assert!(broken.evidence.len() >= 2, "one record for each of the two: {:?}", broken.evidence);
}

const REPLACED: &str = r#"[{"eventually": {"name": "replaced", "within": "5s",
    "after": {"happened": {"what": "crashed", "at": "senders"}},
    "holds": {"happened": {"what": "placed", "at": "senders"}}}}]"#;

#[test]
fn what_comes_to_hold_each_time_is_missed_where_nobody_replaces() {
    for (replace, broken) in [(true, 0), (false, 2)] {
        let document = chat(REPLACED).with_settings(&[("replace".to_owned(), Value::Flag(replace))]);
        let mut run = run(document.expect("a dial"), 4);
        for (at, sender) in [(4, "sender-1"), (7, "sender-2")] {
            run.run_until(secs(at), &mut ());
            run.act(&kill(sender), &mut ()).expect("it runs");
        }
        run.run_until(secs(40), &mut ());
        let at: Vec<Time> = run.violations().iter().map(|broken| broken.at).collect();
        assert_eq!(at, [secs(9), secs(12)][..broken], "{replace}: {:?}", run.violations());
        for broken in run.violations().iter() {
            assert!(broken.told.contains("did not come to hold within 5s of what happened to "), "{}", broken.told);
            assert!(broken.told.contains("“placed” at senders has happened 0 times"), "{}", broken.told);
            assert!(broken.evidence.len() >= 2);
        }
    }
}

#[test]
fn a_time_ends_also_where_nothing_happens_any_more() {
    let text = r#"{"name": "quiet", "title": "Quiet", "cues": [{"when": {"violated": "crash"}, "say": "So it is."}],
        "checks": [{"eventually": {"name": "crash", "holds": {"happened": {"what": "crashed"}}, "within": "3s"}}]}"#;
    let document = Rc::new(Document::from_json(text).unwrap_or_else(|found| panic!("{found:?}")));
    let mut run = Run::new(document.clone(), 1).expect("it has no problems");
    assert_eq!(run.next_at(), Some(secs(3)));
    run.run_until(Time(2_999_999), &mut ());
    assert_eq!(run.broken(), 0);
    run.run_until(secs(4), &mut ());
    let [broken] = &run.violations()[..] else { panic!("{:?}", run.violations()) };
    assert_eq!(broken.at, secs(3));
    assert_eq!(&*broken.told, "“crash” did not come to hold within 3s of the start: “crashed” has happened 0 times");
    assert_eq!(run.given(), [(0, secs(3))], "a cue that waits for it is given then");
    assert_eq!(run.next_at(), None);
    // One can stand before it, at it and go back over it.
    let mut timeline = Timeline::new(document, 1, Vec::new()).expect("it has no problems");
    timeline.seek(Cursor { at: secs(5), steps: None });
    assert_eq!(timeline.run().broken(), 1);
    assert!(timeline.step_back());
    assert_eq!(timeline.run().broken(), 0);
}

#[test]
fn a_promise_of_the_start_is_kept_once() {
    let checks = r#"[{"eventually": {"name": "booted", "holds": {"is": {"node": "clients", "state": "up", "count": 6}},
        "within": "2s"}}, {"eventually": {"name": "seven", "within": "2s",
        "holds": {"is": {"node": "clients", "state": "up", "count": 7}}}}]"#;
    let mut run = run(chat(checks), 1);
    run.run_until(secs(10), &mut ());
    let broken: Vec<&str> = run.violations().iter().map(|broken| &*broken.check).collect();
    assert_eq!(broken, ["seven"], "there are six");
}

#[test]
fn a_crowd_of_times_is_followed_up_to_the_limit() {
    let checks = r#"[{"eventually": {"name": "answered", "within": "100ms", "after": {"happened": {"what": "sent"}},
        "holds": {"happened": {"what": "slowed"}}}}]"#;
    let mut run = run(chat(checks), 1);
    run.run_until(secs(10), &mut ());
    // At most so many at once, each for a tenth of a second, for ten seconds.
    let most = 100 * faultline::scenario::MAX_WAITING as u64;
    assert!(run.broken() > 1_000 && run.broken() <= most, "{}", run.broken());
}

#[test]
fn verdicts_are_the_same_however_one_gets_there() {
    let checks = format!("{}, {}", SENDERS_UP.trim_end_matches(']'), REPLACED.trim_start_matches('['));
    let mut document = chat(&checks).with_settings(&[("replace".to_owned(), Value::Flag(false))]).expect("a dial");
    let cue = |at: &str, node: &str| format!(r#"{{"at": "{at}", "then": [{{"kill": {{"node": "{node}"}}}}]}}"#);
    let cues = format!("[{}, {}]", cue("4s", "sender-1"), cue("6s", "sender-2"));
    document.cues = schema::read(&Tree::from_json(&cues).expect("JSON")).expect("cues");
    let mut whole = run(document.clone(), 9);
    whole.run_until(secs(20), &mut ());
    assert_eq!(whole.broken(), 3);
    let mut strides = run(document.clone(), 9);
    for stride in 1..=4_000 {
        strides.run_until(Time(stride * 5_000), &mut ());
    }
    let mut copied = run(document.clone(), 9);
    while copied.next_at().is_some_and(|at| at <= secs(20)) {
        copied = copied.clone();
        copied.step(&mut ());
    }
    copied.run_until(secs(20), &mut ());
    let mut timeline = Timeline::new(Rc::new(document), 9, Vec::new()).expect("no problems");
    for at in [15, 3, 20] {
        timeline.seek(Cursor { at: secs(at), steps: None });
    }
    for other in [&strides, &copied, timeline.run()] {
        assert_eq!(other.violations(), whole.violations());
        assert_eq!((other.digest(), other.steps()), (whole.digest(), whole.steps()));
    }
}

#[test]
fn the_page_says_the_names_of_a_documents_own_promises() {
    let document = Rc::new(chat(SENDERS_UP));
    let mut player = Player::new(document.clone()).expect("no problems");
    player.dispatch(Action::Seek(secs(5)));
    assert_eq!(verdict(&document, &player), Some((true, "a-sender".to_owned())));
    player.dispatch(Action::Act(kill("senders")));
    assert_eq!(verdict(&document, &player), Some((false, "1 promise broken".to_owned())));
}

#[test]
fn a_promise_is_read_written_and_refused_with_the_place() {
    let checks = chat(&format!("{}, \"chat\"]", REPLACED.trim_end_matches(']'))).checks;
    let again: Vec<CheckRule> =
        schema::read(&Tree::from_json(&schema::json(&checks)).expect("JSON")).expect("what was written");
    assert_eq!(again, checks);
    assert!(schema::json(&checks).ends_with(r#","chat"]"#), "a name alone stays a word");
    assert!(CheckRule::names().contains(&"always"));
    let told = |checks: &str| {
        let mut document = builtin("chat").expect("it is there");
        match schema::read(&Tree::from_json(checks).expect("JSON")) {
            Ok(checks) => document.checks = checks,
            Err(found) => return found[0].to_string(),
        }
        document.problems().first().map_or(String::new(), |problem| problem.to_string())
    };
    let holds = r#""holds": {"after": "1s"}"#;
    for (checks, expected) in [
        (r#"["chatt"]"#.to_owned(), "checks[0]: there is no check \"chatt\", did you mean \"chat\"?"),
        (r#"[{"named": "chatt"}]"#.to_owned(), "checks[0]: there is no check \"chatt\""),
        (r#"[{"alway": {}}]"#.to_owned(), "[0]: there is no word \"alway\", did you mean \"always\"?"),
        (format!(r#"[{{"always": {{"name": "chat", {holds}}}}}]"#), "checks[0].always.name: there are two checks"),
        (format!(r#"[{{"always": {{"name": "a b", {holds}}}}}]"#), "checks[0].always.name: expected up to 40 letters"),
        (
            format!(r#"[{{"always": {{"name": "a", {holds}, "from": "2s", "until": "1s"}}}}]"#),
            "checks[0].always.until: it ends before it begins",
        ),
        (
            format!(r#"[{{"eventually": {{"name": "a", {holds}, "within": "0s"}}}}]"#),
            "checks[0].eventually.within: expected some time",
        ),
        (
            r#"[{"always": {"name": "a", "holds": {"is": {"node": "nobody", "state": "up"}}}}]"#.to_owned(),
            "checks[0].always.holds.is.node: there is no node or group \"nobody\"",
        ),
        (
            r#"[{"conserved": {"name": "a", "entered": [], "left": ["b"]}}]"#.to_owned(),
            "checks[0].conserved.entered: expected one to 16 names",
        ),
    ] {
        assert!(told(&checks).starts_with(expected), "{checks}: {}", told(&checks));
    }
}

// Sums.

/// A record of a queue at node 1.
fn at_queue(id: u64, what: What) -> Record {
    Record { id: RecordId(id), at: Time(id * 10), cause: RecordId(0), node: NodeId(1), what }
}

/// What comes of these events, each some measures of a queue; the last of each event is how much it holds.
fn judged(check: &Conserved, events: &[&[(&'static str, u64)]]) -> Vec<Violation> {
    let (mut check, mut found, mut id) = (check.clone_box(), Vec::new(), 0);
    let world = faultline::components::World::new(1, Vec::new());
    for event in events {
        for (name, value) in *event {
            id += 1;
            let what = match *name {
                "crash" => What::Crashed { disk_lost: false },
                name => What::Measure { name, value: *value },
            };
            check.observe(&at_queue(id, what), &world, &mut found);
        }
        check.settle(&world, &mut found);
    }
    found
}

#[test]
fn what_came_in_is_what_went_out_and_what_is_inside_after_every_event() {
    let text = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    let (entered, left) = (text(&["arrived"]), text(&["completed", "refused", "abandoned"]));
    let exact = Conserved::new("jobs", "", &entered, &left, Some("in the system"), None);
    assert_eq!(exact.promise(), "arrived = completed + refused + abandoned + in the system, after every event.");
    let arrive = |inside| [("arrived", 1), ("in the system", inside)];
    let right: &[&[(&str, u64)]] = &[
        &arrive(1),
        &arrive(2),
        &[("arrived", 1), ("refused", 1)],
        &[("completed", 1), ("in the system", 1)],
        &[("waited", 700)],
        &[("crash", 0)],
        &arrive(1),
        &[("abandoned", 1), ("in the system", 0)],
    ];
    assert_eq!(judged(&exact, right), []);
    // A queue that forgets to say that it refused one; one that serves one twice; one that loses one when it restarts.
    let forgets: &[&[(&str, u64)]] = &[&arrive(1), &arrive(2), &[("arrived", 1)], &arrive(3)];
    let twice: &[&[(&str, u64)]] =
        &[&arrive(1), &[("completed", 1), ("in the system", 0)], &[("completed", 1), ("in the system", 0)]];
    let found = judged(&exact, forgets);
    assert_eq!(found.len(), 1, "told once as long as it lasts");
    assert_eq!(&*found[0].told, "arrived is 3, but completed + refused + abandoned is 0, in the system 2");
    assert_eq!((found[0].record, &found[0].evidence[..]), (RecordId(5), &[2, 3, 4, 5].map(RecordId)[..]));
    assert_eq!(judged(&exact, twice).len(), 1);
    // Without the measure of what is inside, only what comes from nowhere is found.
    let bound = Conserved::new("jobs", "", &entered, &left, None, None);
    assert_eq!(judged(&bound, forgets), []);
    assert_eq!(&*judged(&bound, twice)[0].told, "arrived is 1, but completed + refused + abandoned is 2");
}

#[test]
fn people_are_never_told_of_more_messages_than_they_wrote() {
    let checks = r#"[{"conserved": {"name": "written", "entered": ["written"], "left": ["accepted"],
        "at": "clients"}}, {"conserved": {"name": "read", "entered": ["written"], "left": ["shown"]}}]"#;
    let mut run = run(chat(checks), 5);
    run.run_until(secs(20), &mut ());
    // Several people read what one wrote: that promise is the wrong one, and is found out.
    assert!(run.violations().iter().all(|broken| &*broken.check == "read"), "{:?}", run.violations());
    assert!(run.broken() > 0);
}

// Messages.

fn messages() -> Box<dyn Check> {
    (CHECKS.iter().find(|kind| kind.name == "messages").expect("it is there").make)()
}

#[test]
fn every_message_of_a_run_with_every_fault_is_somewhere() {
    for seed in 0..4 {
        let mut run = run(chat(r#"["messages"]"#), seed);
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let acts = [
            kill("sender-1"),
            Act::Cut { between: pair("gateways", "senders"), one_way: false },
            Act::Hold { between: pair("clients", "gateways"), one_way: false },
            Act::Unwire { between: pair("gateway-1", "balancer") },
            Act::Pause { node: "history-1".to_owned() },
            Act::Release { between: pair("clients", "gateways"), one_way: false },
            Act::Remove { node: "sender-2".to_owned() },
            kill("gateways"),
            Act::Resume { node: "history-1".to_owned() },
            Act::Heal { between: pair("gateways", "senders"), one_way: false },
        ];
        for (second, act) in acts.iter().enumerate() {
            run.run_until(secs(2 + second as u64), &mut ());
            let _ = run.act(act, &mut ());
        }
        run.run_until(secs(15), &mut ());
        assert_eq!(run.violations()[..], []);
    }
}

#[test]
fn a_network_that_loses_doubles_or_invents_a_message_is_found_out() {
    let mut run = run(chat("[]"), 1);
    let records = until(&mut run, secs(3));
    let arrivals: Vec<usize> = records
        .iter()
        .enumerate()
        .filter(|(_, it)| matches!(it.what, What::Arrived { .. }))
        .map(|(at, _)| at)
        .collect();
    let judge = |records: &[Record]| {
        let (mut check, mut found) = (messages(), Vec::new());
        records.iter().for_each(|record| check.observe(record, &run.world, &mut found));
        check.settle(&run.world, &mut found);
        found
    };
    assert_eq!(judge(&records), []);
    for at in arrivals.into_iter().step_by(50) {
        let swallowed = [&records[..at], &records[at + 1..]].concat();
        let found = judge(&swallowed);
        assert!(found.len() == 1 && found[0].told.contains("are under way instead of"), "{found:?}");
        assert_eq!(found[0].evidence[0], records[at].cause, "it names the message");
        let doubled = [&records[..=at], &records[at..]].concat();
        let found = judge(&doubled);
        assert!(found.len() == 1 && found[0].told.contains("which was not under way"), "{found:?}");
        let mut strange = records.clone();
        strange[at].cause = RecordId(0);
        assert_eq!(judge(&strange).len(), 2, "one that was never sent, and one that never came");
    }
}

#[test]
fn facts_and_messages_have_the_names_that_sums_go_by() {
    assert!(Fact::NAMES.contains(&"accepted"));
    let message: Message = faultline::protocols::health::Message::Ping { round: 1 }.into();
    let check = Conserved::new("m", "", &["messages sent".to_owned()], &["messages arrived".to_owned()], None, None);
    let (mut check, mut found) = (check.clone_box(), Vec::new());
    let world = faultline::components::World::new(1, Vec::new());
    assert_eq!(message.name(), "Ping");
    let arrived = What::Arrived { from: NodeId(0), message, waiting: 0 };
    check.observe(&at_queue(1, arrived), &world, &mut found);
    check.settle(&world, &mut found);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(check.due(), None);
}
