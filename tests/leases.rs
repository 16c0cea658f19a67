//! Leases: a holder that stands still, clocks that run apart, and what stops both.
//! `UPDATE_GOLDEN=1 cargo test --test leases` accepts the transcripts as they are now; read them first.
#![cfg(not(target_arch = "wasm32"))]

#[path = "shared/binary.rs"]
mod binary;
#[path = "shared/golden.rs"]
mod golden;

use std::rc::Rc;

use faultline::components::{Fact, What};
use faultline::protocols::lease::Told;
use faultline::scenario::{Document, Run};
use faultline::sim::Time;

/// Two buyers; 10 ms a link, 2 ms a write. The first to have the lease stands still for three seconds while it thinks.
const SMALL: &str = r#"
name = "small-lease"
title = "Two buyers"
seed = 3
length = "6s"
checks = ["messages", "mutual-exclusion"]

[[groups]]
name = "buyer"
kind = "buyer"
count = 2
startup = "10ms"
config = { rate = 1.0, think = "500ms", guard = "GUARD", looks = "LOOKS", timeout = "1s" }
[[groups]]
name = "lock-service"
kind = "lock-service"
startup = "10ms"
disk = { constant = "2ms" }
config = { term = "2s", drift = DRIFT }
[[groups]]
name = "box-office"
kind = "box-office"
startup = "10ms"
service = { constant = "0s" }
disk = { constant = "2ms" }

[[links]]
between = ["buyer", "lock-service"]
delay.constant = "10ms"
[[links]]
between = ["buyer", "box-office"]
delay.constant = "10ms"
"#;

fn small(guard: &str, looks: &str, drift: u32, cues: &str) -> String {
    SMALL.replace("GUARD", guard).replace("LOOKS", looks).replace("DRIFT", &drift.to_string()) + cues
}

fn traced(document: &str) -> String {
    binary::traced(document, &["--from", "100ms", "--until", "4500ms"])
}

macro_rules! compare {
    ($name:literal, $found:expr) => {
        golden::compare(
            concat!("commit/", $name, ".txt"),
            include_str!(concat!("golden/commit/", $name, ".txt")),
            &$found,
        )
    };
}

/// Whoever looks first, in all of these documents, is stopped while it thinks; the other wants nothing until then.
const PAUSED: &str = r#"
[[cues]]
when.is = { node = "buyer-1", state = "thinks" }
then = [{ pause = { node = "buyer-1" } }]
[[cues]]
when.then = [{ happened = { what = "paused" } }, { happened = { what = "sold" } }]
then = [{ resume = { node = "buyer-1" } }, { set = { node = "buyer", field = "rate", value = 0 } }]
"#;

#[test]
fn a_holder_paused_past_its_lease_sells_the_ticket_twice() {
    compare!("lease-paused", traced(&small("lease", "before-thinking", 2_000, PAUSED)));
}

#[test]
fn a_fencing_token_stops_a_holder_paused_past_its_lease() {
    compare!("lease-fenced", traced(&small("fencing-token", "before-thinking", 2_000, PAUSED)));
}

fn violations(document: &str) -> Vec<String> {
    let document = Document::from_toml(document).unwrap_or_else(|found| panic!("{found:?}"));
    let mut run = Run::new(Rc::new(document), 3).expect("it has no problems");
    let mut records = Vec::new();
    run.run_until(Time(60_000_000), &mut records);
    let sold = records.iter().filter(|record| matches!(record.what, What::Fact(Fact::Lease(Told::Sold { .. }))));
    assert!(sold.count() > 2, "tickets are sold");
    run.violations().iter().map(|broken| broken.told.to_string()).collect()
}

#[test]
fn a_holder_that_looks_again_before_it_buys_is_stopped_by_its_clock() {
    let looks_again = small("lease", "before-buying", 2_000, PAUSED)
        .replace("field = \"rate\", value = 0", "field = \"rate\", value = 1");
    assert_eq!(violations(&looks_again), [""; 0]);
    let once = looks_again.replace("before-buying", "before-thinking");
    assert!(violations(&once)[0].starts_with("double sale: ticket "), "the same, without that");
}

#[test]
fn no_look_at_a_clock_helps_against_what_is_late_on_its_way() {
    // What the first buyer sends is held on its link until the other has the ticket.
    let cues = r#"
[[cues]]
when.is = { node = "buyer-1", state = "thinks" }
then = [{ hold = { between = ["buyer-1", "box-office-1"], one_way = true } }]
[[cues]]
when.then = [{ happened = { what = "held" } }, { happened = { what = "sold" } }]
then = [{ release = { between = ["buyer-1", "box-office-1"], one_way = true } }]
"#;
    let told = violations(&small("lease", "before-buying", 2_000, cues));
    assert!(told[0].starts_with("double sale: ticket "), "{told:?}");
    assert_eq!(violations(&small("fencing-token", "before-buying", 2_000, cues)), [""; 0]);
    assert_eq!(violations(&small("compare-and-set", "before-buying", 2_000, cues)), [""; 0]);
}

/// Every 1.9 s of its own a buyer buys, and its clock is slow: so the lease seems to last longer to it than it does.
fn apart(drift: u32, clocks: &str) -> Vec<String> {
    let cues = format!("[[cues]]\nat = \"50ms\"\nthen = [{clocks}]\n");
    violations(
        &small("lease", "before-buying", drift, &cues).replace("500ms", "1900ms").replace("rate = 1.0", "rate = 20.0"),
    )
}

#[test]
fn a_lease_by_a_slow_clock_needs_an_allowance() {
    let slow = "{ clock = { node = \"buyer-1\", drift = -100000 } }";
    let told = apart(0, slow);
    assert!(told.iter().any(|told| told.starts_with("double sale")), "{told:?}");
    assert_eq!(apart(100_000, slow), [""; 0]);
    assert_eq!(apart(0, "{ heal-all = {} }"), [""; 0], "and none where clocks are right");
}

#[test]
fn a_lease_that_is_judged_by_a_fast_clock_needs_an_allowance() {
    let fast = "{ clock = { node = \"lock-service-1\", drift = 200000 } }";
    let told = apart(0, fast);
    assert!(told.iter().any(|told| told.starts_with("double sale")), "{told:?}");
    assert_eq!(apart(200_000, fast), [""; 0]);
}

#[test]
fn a_clock_that_is_only_ahead_does_no_harm_until_it_is_set_back() {
    assert_eq!(apart(0, "{ clock = { node = \"buyer-1\", ahead = \"1h\" } }"), [""; 0]);
}
