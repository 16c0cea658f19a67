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
    binary::traced(&format!("{CHAT}\n[[cues]]\nat = \"{at}\"\nthen = [{acts}]\n"), arguments)
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

#[test]
fn a_clock_that_is_ahead() {
    // How long a message took is told by two clocks: from the author's to the reader's.
    let two = CHAT.replace("kind = \"client\"\n", "kind = \"client\"\ncount = 2\n");
    let cues = "
[[cues]]
at = \"2s\"
then = [{ clock = { node = \"person-2\", ahead = \"500ms\" } }]
";
    let kinds = ["--kind", "clock-set,measured,shown"];
    let arguments = ["--from", "1500ms", "--until", "2600ms", "--node", "person"];
    compare!("clock-ahead", binary::traced(&format!("{two}{cues}"), &[&arguments[..], &kinds].concat()));
}

#[test]
fn a_clock_that_runs_twice_as_fast() {
    let acts = "{ clock = { node = \"supervisor-1\", drift = 1000000 } }";
    let arguments = ["--from", "1s", "--until", "2s", "--node", "supervisor-1", "--kind", "clock-set,timer"];
    compare!("clock-drift", transcript("1300ms", acts, &arguments));
}

#[test]
fn a_disk_that_is_full_then_has_room_and_serves_after_a_restart() {
    let cues = "
[[cues]]
at = \"1s\"
then = [{ disk = { node = \"history-1\", full = true } }]
[[cues]]
at = \"1500ms\"
then = [{ disk = { node = \"history-1\", full = false } }]
[[cues]]
at = \"2s\"
then = [{ kill = { node = \"history-1\" } }, { restart = { node = \"history-1\" } }]
";
    let arguments = ["--from", "1s", "--until", "3500ms", "--node", "history"];
    compare!("full-disk", binary::traced(&format!("{CHAT}{cues}"), &arguments));
}

#[test]
fn a_disk_that_forgets_what_it_has_confirmed() {
    let cues = "
[[cues]]
at = \"1s\"
then = [{ disk = { node = \"person-1\", sync = false } }]
[[cues]]
at = \"2600ms\"
then = [{ kill = { node = \"person-1\" } }, { restart = { node = \"person-1\" } }]
";
    let arguments = ["--from", "1s", "--until", "4s", "--node", "person-1"];
    compare!("lost-sync", binary::traced(&format!("{CHAT}{cues}"), &arguments));
}

#[test]
fn a_disk_that_takes_longer() {
    let acts = "{ disk = { node = \"history\", latency = { constant = \"150ms\" } } }";
    compare!(
        "slow-disk",
        transcript("1s", acts, &["--from", "1s", "--until", "2s", "--node", "history", "--node", "sender-1"])
    );
}

#[test]
fn a_node_that_is_well_to_its_supervisor_and_loses_half_of_its_work() {
    let acts = "{ lie = { node = \"sender-1\", share = 0.5 } }";
    let kinds = "lying,sent,arrived,lost";
    compare!(
        "lie",
        transcript("1s", acts, &["--from", "1s", "--until", "2500ms", "--node", "sender-1", "--kind", kinds])
    );
}

#[test]
fn a_node_that_spoils_what_it_works_on() {
    let acts = "{ lie = { node = \"gateway-1\", share = 0.5, spoil = true } }";
    compare!("spoil", transcript("1s", acts, &["--from", "1s", "--until", "2500ms", "--node", "gateway-1"]));
}

#[test]
fn a_partition_of_the_databases_and_its_end() {
    let cues = "
[[cues]]
at = \"1s\"
then = [{ partition = { sides = [[\"history-1\", \"sender\"], [\"history-2\", \"supervisor\"]] } }]
[[cues]]
at = \"4s\"
then = [{ heal-all = {} }]
";
    let arguments = ["--from", "1s", "--until", "6s", "--node", "history", "--node", "supervisor-1"];
    compare!("partition", binary::traced(&format!("{CHAT}{cues}"), &arguments));
}

#[test]
fn a_node_that_is_isolated_and_rejoins() {
    let cues = "
[[cues]]
at = \"1s\"
then = [{ isolate = { node = \"sender\" } }]
[[cues]]
at = \"1200ms\"
then = [{ rejoin = { node = \"sender\" } }]
";
    let arguments = ["--from", "1s", "--until", "2s", "--node", "sender-1"];
    compare!("isolate", binary::traced(&format!("{CHAT}{cues}"), &arguments));
}

#[test]
fn a_machine_that_gets_more_cores() {
    // A tenth of a second a message: four come at once, and one core takes them one after another.
    let slow = CHAT.replace(
        "kind = \"sender\"\nservice = { constant = \"0s\" }",
        "kind = \"sender\"\ncores = 1\nservice = { constant = \"100ms\" }",
    );
    let cues = "
[[cues]]
at = \"1s\"
then = [{ set = { node = \"person\", field = \"rate\", value = 20.0 } }]
[[cues]]
at = \"2s\"
then = [{ cores = { node = \"sender-1\", count = 4 } }]
";
    let arguments = ["--from", "1900ms", "--until", "2200ms", "--node", "sender-1", "--kind", "served,scaled,arrived"];
    compare!("cores", binary::traced(&format!("{slow}{cues}"), &arguments));
}

/// Two racks, a database in each, and the sender in the first.
fn racked() -> String {
    let one = CHAT.replace("name = \"history\"\n", "name = \"history\"\nzones = [\"rack-a\", \"rack-b\"]\n");
    one.replace("name = \"sender\"\n", "name = \"sender\"\nzones = [\"rack-a\"]\n")
}

#[test]
fn a_rack_that_loses_its_power() {
    let cues = "
[[cues]]
at = \"1s\"
then = [{ kill = { node = \"rack-a\" } }]
[[cues]]
at = \"3s\"
then = [{ restart = { node = \"rack-a\" } }]
";
    let arguments = ["--from", "1s", "--until", "4s", "--kind", "crashed,restarted,booted,note,accepted,suspected"];
    compare!("zone", binary::traced(&format!("{}{cues}", racked()), &arguments));
}

#[test]
fn a_rack_that_is_cut_off_works_on_within() {
    let cues = "
[[cues]]
at = \"1s\"
then = [{ isolate = { node = \"rack-a\" } }]
";
    let arguments = ["--from", "1s", "--until", "2s", "--node", "sender-1"];
    compare!("zone-isolated", binary::traced(&format!("{}{cues}", racked()), &arguments));
}

#[test]
fn regions_that_are_far_from_one_another() {
    let regions = "
[[regions]]
name = \"eu\"
zones = [\"rack-a\"]
round_trip = [\"0s\", \"90ms\"]
[[regions]]
name = \"us\"
zones = [\"rack-b\"]
round_trip = [\"90ms\", \"0s\"]
";
    // 10 ms of its link, and 45 ms each way between the regions; the primary is in the sender's, the backup is not.
    let arguments = ["--from", "1300ms", "--until", "1600ms", "--node", "history"];
    compare!("regions", binary::traced(&format!("{}{regions}", racked()), &arguments));
}

#[test]
fn a_plan_that_draws_faults_from_the_seed() {
    let plan = "
[[plans]]
name = \"a rough night\"
faults = [\"kill\", \"pause\", \"isolate\", \"full-disk\", \"lie\", \"skew\", \"lost-sync\"]
targets = [\"sender\", \"history\"]
every = \"2s\"
repair = \"500ms\"
up = \"1s\"
from = \"1s\"
";
    let kinds = "note,crashed,restarted,booted,paused,resumed,disk-full,disk-freed,lying,honest,clock-set,sync-lost,sync-kept,unsynced";
    compare!("plan", binary::traced(&format!("{CHAT}{plan}"), &["--from", "1s", "--until", "20s", "--kind", kinds]));
}

#[test]
fn a_plan_of_faults_of_links() {
    let plan = "
[[plans]]
name = \"bad lines\"
faults = [\"mute\", \"deafen\", \"slow-links\", \"lossy-links\"]
targets = [\"sender\"]
every = \"1s\"
repair = \"500ms\"
from = \"1s\"
";
    let kinds = "note,cut,healed,relinked";
    let found = binary::traced(&format!("{CHAT}{plan}"), &["--from", "1s", "--until", "20s", "--kind", kinds]);
    for word in ["mute", "deafen", "slow-links", "lossy-links"] {
        assert!(found.contains(&format!("bad lines: {word} of sender-")), "{word}: {found}");
    }
    compare!("plan-links", found);
}

#[test]
fn what_is_wrong_is_seen_on_the_stage() {
    let cues = "
[[cues]]
at = \"1s\"
then = [
  { clock = { node = \"person-1\", ahead = \"1s\" } },
  { clock = { node = \"history-1\", drift = 1000 } },
  { disk = { node = \"history-1\", full = true } },
  { disk = { node = \"history-2\", sync = false } },
  { lie = { node = \"sender-1\", share = 0.5 } },
  { link = { between = [\"person-1\", \"gateway-1\"], duplicate = 0.5 } },
  { partition = { sides = [[\"gateway\"], [\"supervisor\", \"balancer\"]] } },
]
";
    let (output, _) = binary::fed(&["svg", "-", "--at", "1200ms"], &format!("{CHAT}{cues}"));
    let picture = String::from_utf8(output.stdout).expect("UTF-8");
    for said in ["disk full", "fsync lost", "loses work"] {
        assert!(picture.contains(said), "{said}");
    }
    golden::compare("faults/stage.svg", include_str!("golden/faults/stage.svg"), &picture);
}
