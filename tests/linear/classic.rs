//! Histories that an expert knows the answer of: from the paper that says what linearizability is, and of the kinds that
//! testers of real stores look for.

use faultline::check::linear::{Event, History, Kind, Model, Value, Verdict};

use super::shrunk::is_broken;

/// A history of lines `process type operation value`, the value as JSON without spaces; a `cas` has `from>to`, with `!`
/// at its end where it was told that it did not match.
fn history(model: Model, lines: &[&str]) -> History {
    let mut history = History::new(model);
    for (line, text) in lines.iter().enumerate() {
        let words: Vec<&str> = text.split(' ').collect();
        let [process, kind, op] = words[..3] else { panic!("{text}") };
        let values = history.values();
        let (given, result) = match words.get(3).map(|word| (word.trim_end_matches('!'), !word.ends_with('!'))) {
            Some((word, result)) => (Some(word), (kind == "ok").then_some(result)),
            None => (None, None),
        };
        let value = given.map(|word| {
            let list = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let items: Option<Vec<&str>> = match word.split_once('>') {
                Some((from, to)) => Some(vec![from, to]),
                None => list.map(|items| items.split(',').filter(|item| !item.is_empty()).collect()),
            };
            match items {
                Some(items) => {
                    let items: Vec<Value> = items.into_iter().map(|item| values.atom(item)).collect();
                    values.list(items)
                }
                None if word == "null" => Value::NULL,
                None => values.atom(word),
            }
        });
        let kind = Kind::parse(kind).expect("a word of histories");
        let (op, line) = (Some(op), line as u32 + 1);
        history.push(&Event { process, kind, op, key: None, value, result, line }).expect("it is well formed");
    }
    history
}

#[track_caller]
fn holds(model: Model, lines: &[&str]) {
    let verdict = history(model, lines).check(None, &mut |_| true).expect("a history");
    assert_eq!(verdict, Verdict::Holds);
}

/// It is violated, and what is shown of it is, too. The line of the operation that fits nowhere.
#[track_caller]
fn violated(model: Model, lines: &[&str]) -> u32 {
    let verdict = history(model, lines).check(None, &mut |_| true).expect("a history");
    let Verdict::Violated(violation) = verdict else { panic!("{verdict:?}") };
    assert_eq!(is_broken(model, &violation), Some(true), "{violation:#?}");
    violation.operations[violation.stuck].called
}

// Herlihy and Wing 1990, section 1.2 and figures 1 and 2: what looks right of a queue and a register, and what does not.

#[test]
fn a_queue_may_give_overlapping_enqueues_in_either_order() {
    // Two enqueues overlap; the one that began later comes out first.
    holds(
        Model::Queue,
        &[
            "a invoke enqueue 1",
            "b invoke enqueue 2",
            "b ok enqueue 2",
            "a ok enqueue 1",
            "b invoke dequeue",
            "b ok dequeue 2",
            "a invoke dequeue",
            "a ok dequeue 1",
        ],
    );
}

#[test]
fn a_queue_must_give_first_what_was_surely_put_in_first() {
    let stuck = violated(
        Model::Queue,
        &[
            "a invoke enqueue 1",
            "a ok enqueue 1",
            "b invoke enqueue 2",
            "b ok enqueue 2",
            "b invoke dequeue",
            "b ok dequeue 2",
        ],
    );
    assert_eq!(stuck, 5);
}

#[test]
fn a_queue_may_give_what_is_still_being_put_in() {
    holds(Model::Queue, &["a invoke enqueue 1", "b invoke dequeue", "b ok dequeue 1", "a ok enqueue 1"]);
}

#[test]
fn a_queue_gives_nothing_twice() {
    violated(
        Model::Queue,
        &[
            "a invoke enqueue 1",
            "b invoke enqueue 2",
            "b ok enqueue 2",
            "a ok enqueue 1",
            "a invoke dequeue",
            "b invoke dequeue",
            "a ok dequeue 2",
            "b ok dequeue 2",
        ],
    );
}

#[test]
fn a_register_may_be_seen_to_change_while_it_is_written() {
    // A write of 1 goes on while it is read as 0, then as 1, then as 1 again.
    holds(
        Model::Register,
        &[
            "a invoke write 0",
            "a ok write 0",
            "b invoke write 1",
            "a invoke read",
            "a ok read 0",
            "c invoke read",
            "c ok read 1",
            "a invoke read",
            "a ok read 1",
            "b ok write 1",
        ],
    );
}

#[test]
fn a_register_that_was_seen_to_change_does_not_change_back() {
    let stuck = violated(
        Model::Register,
        &[
            "a invoke write 0",
            "a ok write 0",
            "b invoke write 1",
            "a invoke read",
            "a ok read 1",
            "c invoke read",
            "c ok read 0",
            "b ok write 1",
        ],
    );
    assert_eq!(stuck, 6);
}

#[test]
fn two_objects_are_linearizable_together_as_each_is_alone() {
    // Locality (theorem 1): what one process sees of another key proves nothing about this one.
    let mut history = History::new(Model::Kv);
    let lines = [
        ("a", Kind::Invoke, "write", "x", Some("1")),
        ("b", Kind::Invoke, "write", "y", Some("1")),
        ("a", Kind::Ok, "write", "x", None),
        ("b", Kind::Ok, "write", "y", None),
        ("a", Kind::Invoke, "read", "y", None),
        ("b", Kind::Invoke, "read", "x", None),
        ("a", Kind::Ok, "read", "y", Some("null")),
        ("b", Kind::Ok, "read", "x", Some("1")),
    ];
    for (line, (process, kind, op, key, value)) in lines.into_iter().enumerate() {
        let values = history.values();
        let (key, value) =
            (Some(values.atom(key)), value.map(|it| if it == "null" { Value::NULL } else { values.atom(it) }));
        let (op, line) = (Some(op), line as u32 + 1);
        history.push(&Event { process, kind, op, key, value, result: None, line }).expect("it is well formed");
    }
    let Ok(Verdict::Violated(violation)) = history.check(None, &mut |_| true) else { panic!("y was read too late") };
    assert_eq!(violation.key.as_deref(), Some("y"));
}

// What testers of stores look for.

#[test]
fn a_stale_read_is_found() {
    let lines =
        ["a invoke write 1", "a ok write 1", "a invoke write 2", "a ok write 2", "b invoke read", "b ok read 1"];
    assert_eq!(violated(Model::Register, &lines), 5);
}

#[test]
fn a_lost_update_is_found() {
    // Two compare the same value and both are told that they replaced it.
    let lines =
        ["a invoke write 1", "a ok write 1", "b invoke cas 1>2", "c invoke cas 1>3", "b ok cas 1>2", "c ok cas 1>3"];
    violated(Model::CasRegister, &lines);
    // An acknowledged write that a crash took.
    let lines = ["a invoke write 1", "a ok write 1", "b invoke read", "b ok read null"];
    violated(Model::Register, &lines);
}

#[test]
fn a_compare_and_set_that_was_refused_must_have_met_something_else() {
    let first = ["a invoke write 1", "a ok write 1"];
    holds(
        Model::CasRegister,
        &[&first[..], &["b invoke cas 2>3", "b ok cas 2>3!", "a invoke read", "a ok read 1"]].concat(),
    );
    violated(Model::CasRegister, &[&first[..], &["b invoke cas 1>3", "b ok cas 1>3!"]].concat());
    // While another writes it may have met either.
    let lines = ["c invoke write 2", "b invoke cas 1>3", "b ok cas 1>3!", "c ok write 2"];
    holds(Model::CasRegister, &[&first[..], &lines].concat());
    // One that failed did nothing, whatever was there.
    holds(
        Model::CasRegister,
        &[&first[..], &["b invoke cas 1>3", "b fail cas 1>3", "a invoke read", "a ok read 1"]].concat(),
    );
}

#[test]
fn what_nobody_heard_of_again_may_take_effect_late_or_never_but_once() {
    let first = ["a invoke write 1", "a ok write 1", "b invoke write 2", "b info write 2"];
    let read = |value: &'static str| {
        if value == "1" { ["c invoke read", "c ok read 1"] } else { ["c invoke read", "c ok read 2"] }
    };
    // Never; late; late, after several who did not see it.
    holds(Model::Register, &[&first[..], &read("1")].concat());
    holds(Model::Register, &[&first[..], &read("2")].concat());
    holds(Model::Register, &[&first[..], &read("1"), &read("1"), &read("2"), &read("2")].concat());
    // But not back again, and not twice.
    violated(Model::Register, &[&first[..], &read("2"), &read("1")].concat());
    let again = ["a invoke write 3", "a ok write 3"];
    holds(Model::Register, &[&first[..], &again, &read("2")].concat());
    violated(Model::Register, &[&first[..], &read("2"), &again, &read("2")].concat());
    // A taking that nobody heard of may explain what is missing, once.
    let put = ["a invoke enqueue 1", "a ok enqueue 1", "a invoke enqueue 2", "a ok enqueue 2"];
    let lost = ["b invoke dequeue", "b info dequeue"];
    holds(Model::Queue, &[&put[..], &lost, &["c invoke dequeue", "c ok dequeue 2"]].concat());
    violated(Model::Queue, &[&put[..], &lost, &["c invoke dequeue", "c ok dequeue null"]].concat());
    // It cannot take effect before it was called.
    let early = ["c invoke read", "c ok read 2", "b invoke write 2", "b info write 2"];
    violated(Model::Register, &early);
}

#[test]
fn lists_and_sets_show_what_was_there() {
    let appended = [
        "a invoke append 1",
        "a ok append 1",
        "b invoke append 2",
        "c invoke read",
        "c ok read [1,2]",
        "b ok append 2",
    ];
    holds(Model::ListAppend, &appended);
    // Another order than was seen before.
    let lines = [
        "a invoke append 1",
        "b invoke append 2",
        "c invoke read",
        "c ok read [2]",
        "c invoke read",
        "c ok read [1,2]",
        "a ok append 1",
        "b ok append 2",
    ];
    violated(Model::ListAppend, &lines);
    // One that was taken away is not there, until it is added again.
    let set = ["a invoke add 1", "a ok add 1", "a invoke remove 1", "a ok remove 1"];
    holds(Model::Set, &[&set[..], &["b invoke read", "b ok read []"]].concat());
    violated(Model::Set, &[&set[..], &["b invoke read", "b ok read [1]"]].concat());
    let again = ["c invoke add 1", "b invoke read", "b ok read [1]", "c ok add 1"];
    holds(Model::Set, &[&set[..], &again].concat());
}
