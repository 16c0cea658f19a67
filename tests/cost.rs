//! What operations cost: the counts that papers give, exactly; the same counts found in a second way; and what a crash
//! does to whoever asks, where it can be worked out by hand. The sheets in `tests/cost` hold most of it as expectations.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::disallowed_methods, reason = "it reads and writes files")]

use std::process::{Command, Output};
use std::rc::Rc;

use faultline::components::Record;
use faultline::scenario::{Document, Run};
use faultline::sim::Time;
use faultline::trace::course::Course;
use faultline::trace::spans::{cost, request, spans};
use serde_json::Value;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cost");

fn metered(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faultline"));
    command.arg("cost").args(arguments).output().expect("the binary runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The figures of all cases of a sheet, as JSON.
fn figures(arguments: &[&str]) -> Vec<Value> {
    let output = metered(arguments);
    let sheets: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    let sheets = sheets.as_array().expect("a list of sheets").clone();
    sheets.iter().flat_map(|sheet| sheet["cases"].as_array().expect("cases").clone()).collect()
}

fn figure(case: &Value, key: &str) -> f64 {
    case["figures"][key].as_f64().unwrap_or_else(|| panic!("{} has {key}: {case}", case["name"]))
}

#[test]
fn every_sheet_comes_to_what_it_expects() {
    let output = metered(&[FOLDER, "--markdown"]);
    println!("{}", said(&output));
    assert!(output.status.success(), "{}", said(&output));
    let told = said(&output);
    for part in ["### Stores of values, three servers", "| A write | messages |", "| A read |", "| When nobody asks |"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("NaN") && !told.contains("inf"), "{told}");
}

/// Messages and writes of a write, as the protocols' papers count them: with `n` servers, a question and its answer, and a
/// message and its answer for every other server.
#[test]
fn counts_are_those_of_the_papers() {
    for n in [3.0, 5.0] {
        let cases = figures(&[&format!("{FOLDER}/servers-{n}.toml"), "--seeds", "2", "--json"]);
        let case = |name: &str| {
            let found = cases.iter().find(|case| case["name"].as_str().is_some_and(|other| other.starts_with(name)));
            found.unwrap_or_else(|| panic!("there is {name}"))
        };
        let raft = case("Raft, reads by index");
        // Ongaro and Ousterhout 2014, figure 2: AppendEntries to each of the others, and its reply.
        assert_eq!(figure(raft, "write.messages"), 2.0 + 2.0 * (n - 1.0));
        assert_eq!(figure(raft, "write.disk-writes"), n, "each puts the entry on its disk");
        // §8: a read exchanges heartbeats with a majority first; they go to everyone.
        assert_eq!(figure(raft, "read.messages"), 2.0 + 2.0 * (n - 1.0));
        assert_eq!(figure(raft, "read.disk-writes"), 0.0);
        // A heartbeat and its reply for each follower, ten times a second.
        assert_eq!(figure(raft, "idle.messages"), 20.0 * (n - 1.0));
        for kept in ["asynchronous", "synchronous"] {
            let copies = case(&format!("Primary and backups, {kept}"));
            // A backup that is slow is forwarded the write again: never less, and seldom more.
            let more = figure(copies, "write.messages") - (2.0 + 2.0 * (n - 1.0));
            assert!((0.0..0.6).contains(&more), "{kept}: {more}");
            assert_eq!(figure(copies, "write.disk-writes"), n);
            assert_eq!(figure(copies, "read.messages"), 2.0, "the primary knows");
        }
        let trips = |name: &str, key: &str| (figure(case(name), key) * 1e6).round() / 1e6;
        assert_eq!(trips("Raft", "write.round-trips"), 2.0);
        assert_eq!(trips("Primary and backups, synchronous", "write.round-trips"), 2.0);
        assert_eq!(trips("Primary and backups, asynchronous", "write.round-trips"), 1.0);
        // Attiya, Bar-Noy and Dolev 1995: a write asks a quorum, then tells one; the client's way comes on top.
        assert_eq!(trips("Quorum, R = ", "write.round-trips"), 3.0);
        assert_eq!(trips("Quorum, R = ", "read.round-trips"), 2.0);
    }
}

#[test]
fn a_read_by_lease_costs_nobody_else_a_message_and_through_the_log_it_is_a_write() {
    let cases = figures(&[&format!("{FOLDER}/servers-3.toml"), "--seeds", "1", "--json", "--only", "Raft"]);
    let of = |key: &str| cases.iter().map(|case| figure(case, key)).collect::<Vec<_>>();
    // By index, by lease, through the log.
    assert_eq!(of("read.messages"), [6.0, 2.0, 6.0]);
    assert_eq!(of("read.disk-writes"), [0.0, 0.0, 3.0]);
    assert_eq!(of("read.round-trips"), [2.0, 1.0, 2.0]);
}

/// Mohan, Lindsay and Obermarck 1986: 4N messages; 2N + 1 forced writes, and the end record, which is not forced.
#[test]
fn a_transaction_costs_what_two_phase_commit_is_known_to_cost() {
    let cases = figures(&[&format!("{FOLDER}/transactions.toml"), "--seeds", "2", "--json"]);
    assert_eq!(cases.len(), 3);
    for (case, n) in cases.iter().zip([2.0, 2.0, 3.0]) {
        assert_eq!(figure(case, "write.messages"), 4.0 * n);
        assert_eq!(figure(case, "write.forced"), 2.0 * n + 1.0);
        assert_eq!(figure(case, "write.disk-writes"), 2.0 * n + 2.0);
    }
}

/// The same, of an abort for which the first votes No: with nothing presumed all 2N records are forced, and those who voted
/// Yes acknowledge; with abort presumed only a Yes is forced, and nobody acknowledges.
#[test]
fn an_abort_costs_less_where_it_is_presumed() {
    let cases = figures(&[&format!("{FOLDER}/aborts.toml"), "--seeds", "2", "--json"]);
    assert_eq!(cases.len(), 4);
    for (pair, n) in cases.chunks(2).zip([2.0, 3.0]) {
        for (case, messages, forced) in [(&pair[0], 4.0 * n - 2.0, 2.0 * n), (&pair[1], 3.0 * n - 1.0, n - 1.0)] {
            // Now and then one finds its account locked, and votes No as well.
            let less = forced - figure(case, "write.forced");
            assert!((0.0..0.02).contains(&less), "{less}");
            // One that hears of it before it has voted does not say Yes: never more, and seldom less.
            let less = messages - figure(case, "write.messages");
            assert!((0.0..0.6).contains(&less), "{less}");
        }
    }
}

/// Request, Grant, Look, Left, Buy, Sold, Release; the token, the look and the sale are written down. To renew is to ask
/// again, and nobody's disk is needed for that. Whoever guards by comparing needs no lock.
#[test]
fn a_lease_costs_three_messages_and_a_write_and_its_renewal_two_messages() {
    let cases = figures(&[&format!("{FOLDER}/leases.toml"), "--seeds", "2", "--json"]);
    let of = |key: &str| cases.iter().map(|case| figure(case, key)).collect::<Vec<_>>();
    assert_eq!(of("write.messages"), [4.0, 4.0, 7.0, 7.0, 9.0]);
    assert_eq!(of("write.disk-writes"), [2.0, 2.0, 3.0, 3.0, 3.0]);
    // The service is away for 2 s, starts for 0.3 s, and waits for a lease of 2 s that it does not remember, and a
    // little more for clocks.
    for place in [2, 3] {
        let recovers = figure(&cases[place], "recover.p50");
        assert!((4300.0..4500.0).contains(&recovers), "{recovers}");
    }
    let without = figure(&cases[1], "recover.max");
    assert!(without < 300.0, "who asks for no lock does not notice: {without}");
}

/// Send, Send, Append, and back Appended, Accepted, Accepted; Deliver to the gateway, and to both; and what the history
/// does among itself: AppendEntries and its reply with each of two others, or Forward and Forwarded.
#[test]
fn a_message_of_the_chat_costs_nine_messages_and_what_its_history_does_to_keep_it() {
    let cases = figures(&[&format!("{FOLDER}/chat.toml"), "--seeds", "2", "--json"]);
    assert_eq!(cases.len(), 2);
    for (case, messages, servers) in [(&cases[0], 9.0 + 4.0, 3.0), (&cases[1], 9.0 + 2.0, 2.0)] {
        // Two that come together share one; a gap on a screen, which mostly closes by itself, asks for what is missing.
        let off = figure(case, "write.messages") - messages;
        assert!(off.abs() < 0.1, "{off}");
        let more = figure(case, "write.disk-writes") - 4.0 - servers;
        assert!(more.abs() < 0.01, "the devices' four, and the history's: {more}");
        let trips = figure(case, "write.round-trips");
        assert!((4.0..4.05).contains(&trips), "eight messages follow one another: {trips}");
    }
}

const HEAD: &str = r#"
title = "One"
seeds = 3
clients = "clients"
rate = 20.0
reads = true
[document]
name = "one"
title = "One"
checks = ["regular"]
[[document.groups]]
name = "clients"
prefix = "client"
kind = "kv-client"
count = 2
config = { keys = 4, compares = 0.0, asks = "last", timeout = "200ms", attempts = 20, pause = "50ms" }
[[document.groups]]
name = "servers"
prefix = "server"
count = 3
startup = "300ms"
[[document.links]]
between = ["clients", "servers"]
[[document.links]]
between = ["servers", "servers"]
[strikes]
from = "6s"
every = "6s"
repair = "2s"
count = 4
within = "100ms"
"#;

/// Writes a sheet, and measures it.
fn sheet(name: &str, text: &str, arguments: &[&str]) -> Output {
    let folder = std::env::temp_dir().join(format!("faultline-cost-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("a.toml");
    std::fs::write(&file, text).expect("it is written");
    let output = metered(&[&[file.display().to_string().as_str()], arguments].concat());
    std::fs::remove_dir_all(&folder).expect("it is removed");
    output
}

const QUORUM: &str = "[[cases]]\nname = \"a\"\nGROUPS\n[[cases.groups]]\nname = \"servers\"\nkind = \"quorum-node\"\n";

#[test]
fn a_lone_server_is_missed_for_as_long_as_it_is_away() {
    // It is away for 2 s, starts for 0.3 s, and is asked again within 0.25 s; one who asks waits 0.1 s at most. So of
    // every 6 s one is too late for 2.2 s at least and 2.5 s at most: available 58 to 64 %.
    let text = format!("{HEAD}{QUORUM}count = 1\nconfig = {{ n = 1, r = 1, w = 1, timeout = \"200ms\" }}\n");
    let output = sheet("lone", &text.replace("GROUPS", ""), &["--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    let case = &told[0]["cases"][0];
    let available = figure(case, "available");
    assert!((0.57..0.64).contains(&available), "{available}");
    let (usual, worst) = (figure(case, "recover.p50"), figure(case, "recover.max"));
    assert!((2300.0..2700.0).contains(&usual) && worst < 3500.0, "{usual} {worst}");
    // Those who ask once and wait hide how long others would have waited: most operations were in time.
    assert!(figure(case, "in-time") > 0.9, "{case}");
}

#[test]
fn what_waits_for_all_waits_for_the_one_that_is_away() {
    let quorum = |w: u32| format!("{QUORUM}config = {{ n = 3, r = 1, w = {w}, timeout = \"200ms\" }}\n");
    let text = HEAD.to_owned() + &quorum(3) + &quorum(2).replace("\"a\"", "\"b\"");
    let output = sheet("all", &text.replace("GROUPS", "breaks = []"), &["--json", "--seeds", "2"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    let usual = |place: usize| figure(&told[0]["cases"][place], "recover.p50");
    assert!(usual(0) > 2000.0 && usual(1) < 500.0, "W = 3: {}, W = 2: {}", usual(0), usual(1));
}

#[test]
fn what_is_not_as_expected_is_exit_status_one_and_what_is_wrong_is_two() {
    let usual = format!("{HEAD}{QUORUM}config = {{ n = 3, r = 2, w = 2, timeout = \"200ms\" }}\n");
    for (name, more, status, told) in [
        ("held", "", 0, "A write"),
        ("right", "expect = { \"read.messages\" = 8, \"recover.p50\" = [1, 900] }", 0, "A write"),
        ("wrong", "expect = { \"read.messages\" = 7 }", 1, "read.messages is 8.0000, expected"),
        ("unbroken", "breaks = [\"regular\"]", 1, "regular was not broken by any seed"),
        ("misspelt", "expect = { \"read.message\" = 7 }", 2, "read.messages"),
        ("unknown", "breaks = [\"regulr\"]", 2, "regular"),
        ("field", "brakes = [\"regular\"]", 2, "unknown field"),
    ] {
        let output = sheet(name, &usual.replace("GROUPS", more), &["--seeds", "1"]);
        assert_eq!(output.status.code(), Some(status), "{name}: {}", said(&output));
        assert!(said(&output).contains(told), "{name}: {}", said(&output));
    }
    for (name, from, to, told) in [
        ("repair", "repair = \"2s\"", "repair = \"3s\"", "one server is down at a time"),
        ("clients", "clients = \"clients\"", "clients = \"people\"", "there is no group \"people\""),
        ("rate", "rate = 20.0", "rate = 0.0", "rate: expected"),
        ("count", "count = 4\nwithin", "count = 0\nwithin", "count: expected"),
    ] {
        let output = sheet(name, &usual.replace("GROUPS", "").replace(from, to), &["--seeds", "1"]);
        assert_eq!(output.status.code(), Some(2), "{name}: {}", said(&output));
        assert!(said(&output).contains(told), "{name}: {}", said(&output));
    }
}

#[test]
fn a_store_that_forgets_what_it_promised_is_found_out() {
    let text = format!("{HEAD}{QUORUM}config = {{ n = 3, r = 1, w = 1, timeout = \"200ms\" }}\n")
        .replace("count = 4", "count = 8");
    let output = sheet("forgets", &text.replace("GROUPS", ""), &["--seeds", "8"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("regular was broken by"), "{}", said(&output));
}

#[test]
fn the_same_seeds_come_to_the_same_bytes() {
    let once = || metered(&[&format!("{FOLDER}/servers-3.toml"), "--only", "Primary", "--seeds", "2", "--json"]).stdout;
    let first = once();
    assert!(!first.is_empty() && first == once(), "{}", String::from_utf8_lossy(&first));
}

/// One client of Raft, one write at a time, in constant time.
const ALONE: &str = r#"
name = "alone"
title = "Alone"
[[groups]]
name = "client"
kind = "kv-client"
config = { rate = 2.0, keys = 4, reads = 0.0, compares = 0.0, asks = "last", timeout = "400ms", attempts = 5 }
[[groups]]
name = "servers"
kind = "raft-node"
count = 3
service = { constant = "0s" }
disk = { constant = "1ms" }
[[links]]
between = ["client", "servers"]
delay.constant = "5ms"
[[links]]
between = ["servers", "servers"]
delay.constant = "5ms"
"#;

#[test]
fn spans_come_to_the_same_count_by_causes_as_the_meter_by_differences() {
    let document = Rc::new(Document::from_toml(ALONE).expect("it is right"));
    let mut run = Run::new(document, 7).expect("it begins");
    let mut records: Vec<Record> = Vec::new();
    run.run_until(Time(20_000_000), &mut records);
    let spans = spans(&Course::new(records.iter()));
    let roots = (0..spans.len() as u32).filter(|place| spans[*place as usize].root == *place);
    let writes = roots.filter(|root| {
        let first = request(&spans, *root).into_iter().map(|place| &spans[place as usize]).find(|span| !span.begins());
        first.is_some_and(|span| span.name == "Write")
    });
    // Where the client first asked another than the leader there is more; later it knows.
    let costs: Vec<_> = writes.map(|root| cost(&spans, root)).skip(2).collect();
    assert!(costs.len() > 10, "{}", costs.len());
    for cost in &costs[..costs.len() - 1] {
        assert_eq!((cost.messages, cost.round_trips, cost.lost), (6, 3, 0), "{cost:?}");
        // Client to leader, leader to follower, and back.
        assert_eq!(cost.delays, 4, "{cost:?}");
    }
}
