//! Two-phase commit: what it costs, what it does when somebody is lost in the middle, and what each mistake breaks.
//! `UPDATE_GOLDEN=1 cargo test --test commit` accepts the transcripts as they are now; read them first.
#![cfg(not(target_arch = "wasm32"))]

#[path = "shared/binary.rs"]
mod binary;
#[path = "shared/golden.rs"]
mod golden;

use std::rc::Rc;

use faultline::components::{Fact, Record, What};
use faultline::protocols::two_phase::Step;
use faultline::scenario::{Document, Run};
use faultline::sim::Time;

/// One transfer of a lone coordinator between two banks of one account each; 10 ms a link, 4 ms a write.
const SMALL: &str = r#"
name = "small-commit"
title = "One transfer"
seed = 2
length = "5s"
checks = ["messages", "atomic-commit"]

[[groups]]
name = "coordinator"
kind = "tx-coordinator"
startup = "10ms"
disk = { constant = "4ms" }
config = { rate = 2.0, accounts = 1, timeout = "100ms", again = "100ms" }
[[groups]]
name = "bank"
kind = "tx-participant"
count = 2
startup = "10ms"
service = { constant = "0s" }
disk = { constant = "4ms" }
config = { accounts = 1, timeout = "200ms", in_doubt = "IN-DOUBT", vote = "VOTE" }

[[links]]
between = ["coordinator", "bank"]
delay.constant = "10ms"
[[links]]
between = ["bank", "bank"]
delay.constant = "10ms"

[[cues]]
when.happened = { what = "tx-began" }
then = [{ set = { node = "coordinator", field = "rate", value = 0 } }]
"#;

fn small(in_doubt: &str, vote: &str, cues: &str) -> String {
    SMALL.replace("IN-DOUBT", in_doubt).replace("VOTE", vote) + cues
}

fn traced(document: &str) -> String {
    binary::traced(document, &["--from", "100ms"])
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

/// The coordinator is lost when both have voted Yes, and comes back.
const LOST: &str = r#"
[[cues]]
when.happened = { what = "voted-yes", count = 2 }
then = [{ kill = { node = "coordinator-1" } }]
[[cues]]
at = "1100ms"
then = [{ restart = { node = "coordinator-1" } }]
"#;

#[test]
fn a_coordinator_lost_between_prepare_and_commit_blocks_whoever_voted_yes() {
    compare!("coordinator-lost", traced(&small("ask-coordinator", "forced", LOST)));
}

#[test]
fn cooperative_termination_finds_someone_who_knows() {
    // One bank hears the decision, the other does not, and the coordinator is gone for good.
    let cues = r#"
[[cues]]
when.happened = { what = "voted-yes", count = 2 }
then = [{ cut = { between = ["coordinator-1", "bank-2"], one_way = true } }]
[[cues]]
when.happened = { what = "tx-committed", at = "bank-1" }
then = [{ kill = { node = "coordinator-1" } }]
"#;
    compare!("cooperative", traced(&small("ask-everyone", "forced", cues)));
}

#[test]
fn a_decision_that_was_not_forced_is_forgotten_and_reversed() {
    let cues = r#"
[[cues]]
at = "100ms"
then = [{ set = { node = "coordinator", field = "decision", value = "not-forced" } }]
[[cues]]
when.happened = { what = "voted-yes", count = 2 }
then = [{ cut = { between = ["coordinator-1", "bank-2"], one_way = true } }]
[[cues]]
when.happened = { what = "tx-committed", at = "coordinator-1" }
then = [{ kill = { node = "coordinator-1" } }]
[[cues]]
at = "1100ms"
then = [{ restart = { node = "coordinator-1" } }, { heal = { between = ["coordinator-1", "bank-2"] } }]
"#;
    compare!("decision-not-forced", traced(&small("ask-coordinator", "forced", cues)));
}

#[test]
fn a_vote_that_was_not_forced_is_forgotten_and_money_with_it() {
    let cues = r#"
[[cues]]
when.happened = { what = "voted-yes", count = 2 }
then = [{ kill = { node = "bank-2" } }]
[[cues]]
at = "1s"
then = [{ restart = { node = "bank-2" } }]
"#;
    compare!("vote-not-forced", traced(&small("ask-coordinator", "not-forced", cues)));
}

#[test]
fn one_that_aborts_alone_in_doubt_is_found_out() {
    let cues = r#"
[[cues]]
when.happened = { what = "voted-yes", count = 2 }
then = [{ cut = { between = ["coordinator-1", "bank-2"], one_way = true } }]
"#;
    let (run, _) = ran(&small("abort-alone", "forced", cues), 3);
    let told = &run.violations()[0].told;
    assert!(told.starts_with("AC1: bank-2 decides Abort on T1 of coordinator-1, but"), "{told}");
}

fn ran(document: &str, seconds: u64) -> (Run, Vec<Record>) {
    let document = Document::from_toml(document).unwrap_or_else(|found| panic!("{found:?}"));
    let seed = document.seed;
    let mut run = Run::new(Rc::new(document), seed).expect("it has no problems");
    let mut records = Vec::new();
    run.run_until(Time(seconds * 1_000_000), &mut records);
    (run, records)
}

/// What twenty seconds of transfers came to: committed, aborted, messages, forced writes.
fn cost(banks: u32, presume: &str, opening: u32) -> [usize; 4] {
    let text = format!(
        r#"
name = "cost"
title = "What it costs"
seed = 5
checks = ["atomic-commit"]
[[groups]]
name = "coordinator"
kind = "tx-coordinator"
disk = {{ constant = "2ms" }}
config = {{ rate = 3.0, parties = {banks}, accounts = 1000, amount = 1, presume = "{presume}" }}
[[groups]]
name = "bank"
kind = "tx-participant"
count = {banks}
disk = {{ constant = "2ms" }}
config = {{ accounts = 1000, opening = {opening} }}
[[links]]
between = ["coordinator", "bank"]
delay = {{ constant = "10ms" }}
[[load]]
group = "coordinator"
field = "rate"
steps = [{{ at = "20s", value = 0.0 }}]
"#
    );
    let (run, records) = ran(&text, 25);
    assert_eq!(run.violations()[..], []);
    let count = |is: &dyn Fn(&What) -> bool| records.iter().filter(|record| is(&record.what)).count();
    let first = records.iter().find(|record| matches!(&record.what, What::Booted)).expect("it boots").node;
    let decided = |wanted: bool| {
        let at = records.iter().filter(|record| record.node == first);
        let is = |record: &&Record| match &record.what {
            What::Fact(Fact::Transaction(told)) => {
                matches!(told.step, Step::Decided { commit, .. } if commit == wanted)
            }
            _ => false,
        };
        at.filter(is).count()
    };
    let sent = count(&|what| matches!(what, What::Sent { .. }));
    let forced = count(&|what| matches!(what, What::Measure { name: "forced writes", .. }));
    [decided(true), decided(false), sent, forced]
}

#[test]
fn a_commit_of_n_takes_4n_messages_and_2n_plus_1_forced_writes() {
    for n in [2, 3, 5, 8] {
        for presume in ["nothing", "abort"] {
            let [committed, aborted, messages, forced] = cost(n, presume, 1_000_000);
            assert!(committed > 30 && aborted == 0, "{committed} and {aborted}");
            let n = n as usize;
            assert_eq!((messages, forced), (4 * n * committed, (2 * n + 1) * committed), "{n} participants");
        }
    }
}

#[test]
fn an_abort_costs_less_where_abort_is_presumed() {
    // Nobody has anything: the first, who is to pay, votes No. The others vote Yes, and must hear of the abort.
    for n in [2usize, 4] {
        let [committed, aborted, messages, forced] = cost(n as u32, "nothing", 0);
        assert!(committed == 0 && aborted > 30, "{committed} and {aborted}");
        assert_eq!((messages, forced), ((4 * n - 2) * aborted, 2 * n * aborted), "each force a vote or an abort");
        let [committed, aborted, messages, forced] = cost(n as u32, "abort", 0);
        assert!(committed == 0 && aborted > 30, "{committed} and {aborted}");
        assert_eq!((messages, forced), ((3 * n - 1) * aborted, (n - 1) * aborted), "only the Yes is forced");
    }
}
