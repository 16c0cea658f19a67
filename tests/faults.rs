//! Every fault as an expert reads it: a small chat, one thing that goes wrong, and the transcript of what comes of it,
//! as accepted in tests/golden/faults. `UPDATE_GOLDEN=1 cargo test --test faults` accepts what it is now; read it first.
#![cfg(not(target_arch = "wasm32"))]

#[path = "shared/binary.rs"]
mod binary;
#[path = "shared/golden.rs"]
mod golden;

/// One of each, with delays that one can reckon with: 10 ms a link, 2 ms a write, and no service times.
const CHAT: &str = r#"
name = "small-chat"
title = "A small chat"
seed = 5
length = "10s"
checks = ["messages"]

[[groups]]
name = "person"
kind = "client"
config = { rate = 2.0, conversations = 1, sync = "60s" }
[[groups]]
name = "balancer"
kind = "balancer"
service = { constant = "0s" }
[[groups]]
name = "gateway"
kind = "gateway"
service = { constant = "0s" }
config = { refresh = "60s" }
[[groups]]
name = "sender"
kind = "sender"
service = { constant = "0s" }
[[groups]]
name = "history"
kind = "database"
service = { constant = "0s" }
disk = { constant = "2ms" }
count = 2
[[groups]]
name = "supervisor"
kind = "supervisor"
disk = { constant = "2ms" }

[[links]]
between = ["person", "balancer"]
delay.constant = "10ms"
[[links]]
between = ["person", "gateway"]
delay.constant = "10ms"
[[links]]
between = ["balancer", "gateway"]
delay.constant = "10ms"
[[links]]
between = ["gateway", "sender"]
delay.constant = "10ms"
[[links]]
between = ["sender", "history"]
delay.constant = "10ms"
[[links]]
between = ["history", "history"]
delay.constant = "10ms"
[[links]]
between = ["supervisor", "sender"]
delay.constant = "10ms"
[[links]]
between = ["supervisor", "gateway"]
delay.constant = "10ms"
[[links]]
between = ["supervisor", "history"]
delay.constant = "10ms"
"#;

/// The transcript of the chat to which these acts are done at an instant.
#[track_caller]
fn transcript(at: &str, acts: &str, arguments: &[&str]) -> String {
    transcript_of(&format!("{CHAT}\n[[cues]]\nat = \"{at}\"\nthen = [{acts}]\n"), arguments)
}

#[track_caller]
fn transcript_of(document: &str, arguments: &[&str]) -> String {
    let all: Vec<&str> = ["trace", "-"].iter().chain(arguments).copied().collect();
    let (output, _) = binary::fed(&all, document);
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(told.is_empty(), "{told}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

macro_rules! compare {
    ($name:literal, $found:expr) => {
        golden::compare(
            concat!("faults/", $name, ".txt"),
            include_str!(concat!("golden/faults/", $name, ".txt")),
            &$found,
        )
    };
}

#[test]
fn a_link_that_doubles_messages() {
    let acts = "{ link = { between = [\"person\", \"gateway\"], duplicate = 0.5 } }";
    compare!("duplicate", transcript("1s", acts, &["--from", "1s", "--until", "2s", "--node", "person-1"]));
}

#[test]
fn a_link_with_detours_on_which_messages_overtake() {
    let acts = "{ link = { between = [\"person\", \"gateway\"], reorder = 0.3, detour = { constant = \"400ms\" } } }";
    compare!("reorder", transcript("1s", acts, &["--from", "1s", "--until", "3s", "--node", "person-1"]));
}

#[test]
fn a_link_of_which_the_bandwidth_is_too_small() {
    let acts = "{ link = { between = [\"gateway\", \"sender\"], bandwidth = 200, queue = 150 } }";
    compare!("bandwidth", transcript("1s", acts, &["--from", "1s", "--until", "4s", "--node", "gateway-1"]));
}

#[test]
fn what_is_done_to_a_message_under_way() {
    // A message of the person: sent at 1.344 s, due 10 ms later.
    let done = |act: &str| transcript("1350ms", act, &["--from", "1340ms", "--until", "1500ms", "--node", "person-1"]);
    compare!("drop", done("{ drop = { message = 262 } }"));
    compare!("hurry", done("{ hurry = { message = 262 } }"));
    compare!("delay", done("{ delay = { message = 262, by = \"40ms\" } }"));
    compare!("duplicate-one", done("{ duplicate = { message = 262 } }"));
}
