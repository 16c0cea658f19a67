//! The part of a history that a violation shows, read back from its words, for a checker that shares nothing with the one
//! that found it.

use faultline::check::linear::Violation;

use super::brute::{Call, Did, LIST, Model, brute_force_from, initial};

/// Numbers of `3`, `null`, `[1,2]`; a list of a register begins with a mark.
fn numbers(text: &str) -> (Vec<u32>, bool) {
    let one = |text: &str| if text == "null" { 0 } else { text.parse().unwrap_or_else(|_| panic!("{text}")) };
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some("") => (Vec::new(), true),
        Some(items) => (items.split(',').map(one).collect(), true),
        None => (vec![one(text)], false),
    }
}

/// A state, or what was read of one.
fn state(model: Model, text: &str) -> Vec<u32> {
    let (items, list) = numbers(text);
    let register = matches!(model, Model::Register | Model::CasRegister | Model::Kv);
    if list && register { [&[LIST], &items[..]].concat() } else { items }
}

fn did(model: Model, words: &str) -> Did {
    let (op, rest) = words.split_once(' ').expect("an operation and what it is done with");
    let one = |text: &str| numbers(text).0[0];
    match (op, rest) {
        ("read", seen) => Did::Read(state(model, seen)),
        ("write", value) => Did::Write(one(value)),
        ("cas", pair) => match pair.strip_prefix("found no ") {
            Some(from) => Did::CasFailed(one(from)),
            None => {
                let (from, to) = pair.split_once(" → ").expect("two values");
                Did::Cas(one(from), one(to))
            }
        },
        ("append", value) => Did::Append(one(value)),
        ("enqueue", value) => Did::Enqueue(one(value)),
        ("dequeue", "nothing") => Did::Dequeue(0),
        ("dequeue", "?") => Did::DequeueSome,
        ("dequeue", value) => Did::Dequeue(one(value)),
        ("add", value) => Did::Add(one(value)),
        ("remove", value) => Did::Remove(one(value)),
        ("contains", value) => Did::Contains(one(value), true),
        ("lacks", value) => Did::Contains(one(value), false),
        other => panic!("{other:?}"),
    }
}

/// Whether no order of the part fits, by trying all of them; nothing where it is too large for that. Where the part
/// begins with anything, everything that somebody saw is tried, nothing, and something that nobody saw.
pub fn is_broken(model: Model, violation: &Violation) -> Option<bool> {
    if violation.operations.len() > 12 {
        return None;
    }
    let calls: Vec<Call> = violation
        .operations
        .iter()
        .zip(0..)
        .map(|(one, process)| Call {
            process,
            key: None,
            did: did(model, &one.what),
            called: one.called,
            returned: one.returned,
            failed: false,
        })
        .collect();
    let beginnings = match &violation.initial {
        Some(text) => vec![state(model, text)],
        None => {
            let seen = calls.iter().filter_map(|call| match &call.did {
                Did::Read(seen) => Some(seen.clone()),
                Did::Cas(from, _) => Some(vec![*from]),
                _ => None,
            });
            seen.chain([initial(model), vec![999_999], vec![LIST]]).collect()
        }
    };
    Some(!beginnings.iter().any(|beginning| brute_force_from(model, &calls, beginning)))
}
