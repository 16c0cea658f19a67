//! What a keyframe holds is what it is said to hold: the budget of the time machine is kept in bytes that were counted.
#![cfg(not(target_arch = "wasm32"))]

#[path = "shared/counting.rs"]
mod counting;

use std::rc::Rc;

use counting::held;
use faultline::scenario::{Document, Run, builtin};
use faultline::sim::Time;

fn chat(people: u32) -> Rc<Document> {
    let mut document = builtin("chat").expect("it is built in");
    document.groups.iter_mut().find(|group| group.kind == "client").expect("people write").count = people;
    Rc::new(document)
}

/// How many bytes are held for the sake of a copy of a run alone, when the run has gone on for long enough to share
/// nothing that changes; and how many it was said to weigh.
fn copy_of(people: u32, until: u64) -> (usize, usize) {
    let mut run = Run::new(chat(people), 1).expect("it runs");
    run.run_until(Time(until), &mut ());
    let (copy, said) = (run.clone(), run.weight());
    run.run_until(Time(until + 5_000_000), &mut ());
    let before = held();
    drop(copy);
    (before - held(), said)
}

#[test]
fn a_keyframe_weighs_what_it_is_said_to_weigh() {
    for (people, until) in [(6, 2_000_000), (6, 300_000_000), (60, 20_000_000), (300, 5_000_000), (80, 100_000_000)] {
        let (bytes, said) = copy_of(people, until);
        println!("{people} people after {} s: {bytes} bytes, said to be {said}", until / 1_000_000);
        assert!((said / 2..=said).contains(&bytes), "{people} people after {until} µs: {bytes} bytes, not {said}");
    }
}
