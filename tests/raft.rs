//! Raft as an expert reads it: transcripts of what the papers tell, as accepted in tests/golden/raft; the published times
//! of elections; and the same script in another implementation. `UPDATE_GOLDEN=1 cargo test --test raft` accepts what the
//! transcripts are now; read them first.
#![cfg(not(target_arch = "wasm32"))]

#[path = "shared/binary.rs"]
mod binary;
#[path = "shared/golden.rs"]
mod golden;

use std::rc::Rc;

use faultline::scenario::{Document, Run};
use faultline::sim::Time;

/// A client and servers, with delays that one can reckon with: 10 ms a link, 2 ms a write, and no service times.
fn small(servers: u32, client: &str, server: &str, cues: &str) -> String {
    format!(
        r#"
name = "small-raft"
title = "A small Raft cluster"
seed = 1
length = "10s"
checks = ["messages", "raft", {{ linearizable = {{ name = "one-copy", model = "kv", every = "1s" }} }}]
[[groups]]
name = "client"
kind = "kv-client"
config = {{ keys = 1, {client} }}
[[groups]]
name = "servers"
prefix = "server"
kind = "raft-node"
count = {servers}
startup = "100ms"
service = {{ constant = "0s" }}
disk = {{ constant = "2ms" }}
config = {{ heartbeat = "60ms", {server} }}
[[links]]
between = ["client", "servers"]
delay.constant = "10ms"
[[links]]
between = ["servers", "servers"]
delay.constant = "10ms"
{cues}
"#
    )
}

/// The transcript of a document in which nothing is broken.
#[track_caller]
fn transcript(document: &str, arguments: &[&str]) -> String {
    let all: Vec<&str> = ["trace", "-"].iter().chain(arguments).copied().collect();
    let (output, _) = binary::fed(&all, document);
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(told.is_empty(), "{told}");
    let mut run =
        Run::new(Rc::new(Document::from_toml(document).expect("it is right")), 1).expect("it has no problems");
    run.run_until(Time(10_000_000), &mut ());
    assert_eq!(run.violations()[..], [], "in this and in what comes of it nothing is broken");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    // The last line has the digest, which any new setting of a component changes.
    text.rsplit_once("\n\n").expect("a last line").0.to_owned() + "\n"
}

macro_rules! compare {
    ($name:literal, $found:expr) => {
        golden::compare(concat!("raft/", $name, ".txt"), include_str!(concat!("golden/raft/", $name, ".txt")), &$found)
    };
}

/// Three of four stand before they hear of one another: two votes, one and one. In the next term one is first.
#[test]
fn an_election_with_a_split_vote() {
    let config = r#"election_min = "150ms", election_max = "170ms", pre_vote = false"#;
    let document = small(4, "rate = 0.0", config, "");
    compare!("split-vote", transcript(&document, &["--from", "100ms", "--until", "370ms", "--node", "servers"]));
}

/// A leader is cut off from the others, not from its client. What it takes in stays uncommitted, another is elected, and
/// when the links are mended the entries go.
#[test]
fn a_leader_cut_off_with_uncommitted_entries() {
    let cues = r#"
[[cues]]
at = "500ms"
then = [{ partition = { sides = [["server-1"], ["server-2", "server-3"]] } }]
[[cues]]
at = "800ms"
then = [{ heal-all = {} }]
"#;
    let client =
        r#"rate = 20.0, reads = 0.2, compares = 0.0, asks = "last", timeout = "80ms", attempts = 8, pause = "30ms""#;
    let document = small(3, client, "check_quorum = false, reads = \"log\"", cues);
    compare!("cut-off", transcript(&document, &["--from", "500ms", "--until", "930ms"]));
}

/// A fourth server asks to be added. The leader crashes when it has just appended the configuration; the next leader has
/// it too, and commits it.
#[test]
fn a_membership_change_with_a_crash_in_it() {
    let cues = r#"
[[cues]]
at = "1s"
then = [{ add = { what = "servers" } }]
[[cues]]
at = "1170ms"
then = [{ kill = { node = "server-1" } }]
[[cues]]
at = "1500ms"
then = [{ restart = { node = "server-1" } }]
"#;
    let document = small(3, "rate = 0.0", "", cues);
    compare!("membership", transcript(&document, &["--from", "1090ms", "--until", "1700ms", "--node", "servers"]));
}

/// A server was down while the others discarded what it lacks.
#[test]
fn a_snapshot_installed() {
    let cues = r#"
[[cues]]
at = "500ms"
then = [{ kill = { node = "server-1" } }]
[[cues]]
at = "1s"
then = [{ restart = { node = "server-1" } }]
"#;
    let client = r#"rate = 20.0, reads = 0.0, compares = 0.0, asks = "last", timeout = "80ms", attempts = 8"#;
    let document = small(3, client, "compaction = 5", cues);
    compare!("snapshot", transcript(&document, &["--from", "990ms", "--until", "1250ms"]));
}

/// A person wants another server to lead: the leader brings it up to date, and tells it to stand at once.
#[test]
fn leadership_handed_over() {
    let cues = r#"
[[cues]]
at = "1s"
then = [{ set = { node = "server-2", field = "wish", value = "lead" } }]
"#;
    let client = r#"rate = 20.0, reads = 0.5, asks = "last", timeout = "80ms", attempts = 8"#;
    compare!("transfer", transcript(&small(3, client, "", cues), &["--from", "980ms", "--until", "1120ms"]));
}
