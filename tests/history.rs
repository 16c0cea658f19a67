//! `faultline check-history` as a person meets it: its answers, its exit statuses, its complaints.
#![cfg(not(target_arch = "wasm32"))]

#[path = "shared/binary.rs"]
#[expect(dead_code, reason = "not everything of it is used here")]
mod binary;

use std::process::Output;

fn check(arguments: &[&str], input: &str) -> Output {
    // It may end before it has read everything, where something is wrong.
    binary::fed(&[&["check-history", "-"], arguments].concat(), input).0
}

fn answer(model: &str, input: &str) -> (Option<i32>, String) {
    let output = check(&["--model", model], input);
    let told = if output.stderr.is_empty() { output.stdout } else { output.stderr };
    (output.status.code(), String::from_utf8(told).expect("UTF-8"))
}

/// Lines of a history from `process type op value` with an optional key before the value.
fn lines(events: &[&str]) -> String {
    let line = |event: &&str| {
        let words: Vec<&str> = event.splitn(4, ' ').collect();
        let value = words.get(3).map_or(String::new(), |value| format!(", \"value\": {value}"));
        format!(
            "{{\"process\": {}, \"type\": \"{}\", \"f\": \"{}\"{value}, \"time\": 7}}\n",
            words[0], words[1], words[2]
        )
    };
    events.iter().map(line).collect()
}

/// A read that still sees the old value after another has seen the new one.
const STALE: &[&str] =
    &["0 invoke write 1", "1 invoke read", "1 ok read 1", "1 invoke read", "1 ok read null", "0 ok write 1"];

#[test]
fn the_three_answers_have_their_statuses() {
    let (status, told) = answer("register", &lines(&STALE[..4]));
    assert_eq!(status, Some(0), "{told}");
    assert!(told.starts_with("holds: 3 operations"), "{told}");
    let (status, told) = answer("register", &lines(STALE));
    assert_eq!(status, Some(1), "{told}");
    assert!(
        told.starts_with("violated: process 1's read null (lines 4 to 5)") && told.contains("├─ read null"),
        "{told}"
    );
    // No time at all, and something that needs a search.
    let mut many = Vec::new();
    for process in 0..40 {
        many.push(format!("{process} invoke write {}", process % 7));
        many.push(format!("{} invoke read", process + 100));
    }
    for process in 0..40 {
        many.push(format!("{} ok read {}", process + 100, process * 3 % 7));
    }
    for process in 0..40 {
        many.push(format!("{process} ok write {}", process % 7));
    }
    let many: Vec<&str> = many.iter().cycle().take(many.len() * 40).map(String::as_str).collect();
    let output = check(&["--model", "register", "--budget", "0us"], &lines(&many));
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.stdout.starts_with(b"unknown: "));
}

#[test]
fn json_says_the_same() {
    let output = check(&["--model", "register", "--json"], &lines(STALE));
    let read: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&read["verdict"], &read["operations"]), (&"violated".into(), &3.into()));
    let shown = read["violation"]["operations"].as_array().expect("operations");
    assert!(shown.len() <= 3 && shown[read["violation"]["stuck"].as_u64().expect("a place") as usize]["returned"] == 5);
}

#[test]
fn every_model_has_its_say() {
    for (model, events, status) in [
        ("cas-register", &["0 invoke cas [null,2]", "0 ok cas [null,2]", "0 invoke read", "0 ok read 2"][..], 0),
        ("cas-register", &["0 invoke cas [1,2]", "0 ok cas [1,2]"], 1),
        ("cas-register", &["0 invoke cas [1,2]", "0 fail cas [1,2]"], 0),
        ("queue", &["0 invoke enqueue 1", "0 info enqueue 1", "1 invoke dequeue", "1 ok dequeue 1"], 0),
        ("queue", &["0 invoke enqueue 1", "0 ok enqueue 1", "1 invoke dequeue", "1 ok dequeue null"], 1),
        (
            "list-append",
            &[
                "0 invoke append 1",
                "1 invoke append 2",
                "1 ok append 2",
                "0 ok append 1",
                "0 invoke read",
                "0 ok read [2,1]",
            ],
            0,
        ),
        ("counter", &["0 invoke increment", "0 info increment", "1 invoke read", "1 ok read 1"], 0),
        ("counter", &["0 invoke increment", "0 ok increment", "1 invoke read", "1 ok read 0"], 1),
        ("list-append", &["0 invoke append 1", "0 ok append 1", "0 invoke read", "0 ok read []"], 1),
        (
            "set",
            &[
                "0 invoke add 1",
                "0 ok add 1",
                "0 invoke read",
                "0 ok read [1]",
                "0 invoke remove 1",
                "0 ok remove 1",
                "0 invoke read",
                "0 ok read []",
            ],
            0,
        ),
        ("set", &["0 invoke add 1", "0 ok add 1", "0 invoke read", "0 ok read [2,1]"], 1),
        ("register", &["nemesis info start", "0 invoke read", "0 ok read null"], 0),
    ] {
        let text = lines(events).replace("\"process\": nemesis", "\"process\": \"nemesis\"");
        let (found, told) = answer(model, &text);
        assert_eq!(found, Some(status), "{model} {events:?}: {told}");
    }
    // Texts that are appended to, each key for itself.
    let event = |kind: &str, op: &str, value: &str| {
        format!("{{\"process\":0,\"type\":\"{kind}\",\"op\":\"{op}\",\"key\":\"k\",\"value\":{value}}}\n")
    };
    let appended = event("invoke", "append", "\"ab\"") + &event("ok", "append", "\"ab\"");
    let read = |seen: &str| appended.clone() + &event("invoke", "read", "null") + &event("ok", "read", seen);
    assert_eq!(answer("kv", &read("\"ab\"")).0, Some(0));
    assert_eq!(answer("kv", &read("\"ba\"")).0, Some(1));
    // Another beginning.
    let output = check(&["--model", "queue", "--initial", "[5]"], &lines(&["0 invoke dequeue", "0 ok dequeue 5"]));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    for (model, events, part) in [
        (
            "register",
            &["0 invoke read", "0 invoke read"][..],
            "line 2: process 0 calls again before its read of line 1",
        ),
        ("register", &["0 ok read 1"], "line 1: process 0 completes what it did not call"),
        ("register", &["0 invoke raed"], "has no operation \"raed\", did you mean"),
        ("register", &["0 invoke read", "0 ok read"], "line 2: an ok read without \"value\""),
        ("register", &["0 invok read"], "expected a type of invoke, ok, fail or info"),
        ("register", &["0 invoke write", "0 ok write"], "line 2: the write of line 1 has no \"value\""),
        ("kv", &["0 invoke read"], "without \"key\""),
        ("cas-register", &["0 invoke cas 3", "0 ok cas 3"], "expected [from, to]"),
        ("queue", &["0 invoke push 3"], "it has enqueue, dequeue"),
    ] {
        let (status, told) = answer(model, &lines(events));
        assert!(status == Some(2) && told.contains(part), "{events:?}: {told}");
    }
    let (status, told) = answer("register", "{\"process\": 1,\n");
    assert!(status == Some(2) && told.contains("line 1: expected a JSON object"), "{told}");
    let output = check(&["--model", "registre"], "");
    assert!(output.status.code() == Some(2) && String::from_utf8_lossy(&output.stderr).contains("register"));
}
