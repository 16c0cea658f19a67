//! What a keyframe holds is what it is said to hold: the budget of the time machine is kept in bytes that were counted.
//! Natively and in Node, where an address is half as long.

#[path = "shared/counting.rs"]
mod counting;

use std::rc::Rc;

use counting::held;
use faultline::scenario::{Document, Run, builtin, builtins};
use faultline::sim::Time;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::console_log as tell;

#[cfg(not(target_arch = "wasm32"))]
use std::println as tell;

fn chat(people: u32) -> Rc<Document> {
    let mut document = builtin("chat").expect("it is built in");
    document.groups.iter_mut().find(|group| group.kind == "client").expect("people write").count = people;
    Rc::new(document)
}

/// How many bytes are held for the sake of a copy of a run alone, when the run has gone on for so long; and how many it
/// was said to hold beside the run.
fn copy_of(document: Rc<Document>, until: u64, longer: u64) -> (usize, usize) {
    let mut run = Run::new(document, 1).expect("it runs");
    run.run_until(Time(until), &mut ());
    let copy = run.kept();
    let weight = copy.weight();
    run.run_until(Time(until + longer), &mut ());
    let said = weight.beside(Some(&run.weight()));
    let before = held();
    drop(copy);
    (before - held(), said)
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_keyframe_weighs_what_it_is_said_to_weigh() {
    let chats = [(6, 2, 5), (6, 300, 5), (60, 20, 5), (300, 5, 5), (80, 100, 5), (80, 100, 30), (80, 200, 1)];
    let chats = chats.map(|(people, until, longer)| (format!("{people} people"), chat(people), until, longer));
    let builtins = builtins().map(|name| (name.to_owned(), Rc::new(builtin(name).expect("it is built in")), 20, 5));
    let mut wrong = Vec::new();
    for (name, document, until, longer) in chats.into_iter().chain(builtins) {
        let (bytes, said) = copy_of(document, until * 1_000_000, longer * 1_000_000);
        tell!("{name} after {until} s, {longer} s later: {bytes} bytes, said to be {said}");
        if !(bytes..=2 * bytes).contains(&said) {
            wrong.push(format!("{name} after {until} s, {longer} s later: {bytes} bytes, not {said}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
