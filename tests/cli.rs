//! The command line as a person meets it: what it prints, what it complains about, and its exit status.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::disallowed_methods, reason = "a test of the command line writes the files that it is to read")]

#[path = "shared/binary.rs"]
#[expect(dead_code, reason = "not everything of it is used here")]
mod binary;

use std::process::{Command, Output, Stdio};

use serde_json::Value as Json;

/// A document that is not built in.
const PAIR: &str = r#"
name = "pair"
title = "Two who chat"
seed = 7
length = "3s"
checks = ["chat"]

[[groups]]
name = "clients"
prefix = "client"
kind = "client"
count = 2

[[groups]]
name = "balancer"
kind = "balancer"

[[links]]
between = ["clients", "balancer"]
loss = 0.5

[[dials]]
name = "rate"
title = "How often they write"
group = "clients"
field = "rate"
"#;

fn faultline(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_faultline")).args(arguments).output().expect("the binary runs")
}

fn fed(arguments: &[&str], input: &str) -> Output {
    let (output, read) = binary::fed(arguments, input);
    read.expect("it reads");
    output
}

/// What it printed, when all went well.
fn said(output: &Output) -> &str {
    let told = std::str::from_utf8(&output.stderr).expect("UTF-8");
    assert_eq!((output.status.code(), told), (Some(0), ""), "{}", String::from_utf8_lossy(&output.stdout));
    std::str::from_utf8(&output.stdout).expect("UTF-8")
}

/// What it complained about.
fn complained(arguments: &[&str]) -> String {
    let output = faultline(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    String::from_utf8(output.stderr).expect("UTF-8")
}

fn json(output: &Output) -> Json {
    serde_json::from_str(said(output)).expect("JSON")
}

fn keys(value: &Json) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn list_names_every_scenario_with_its_dials_checks_and_kinds() {
    let told = faultline(&["list"]);
    assert!(said(&told).contains("chat  Chat service, revision "), "{}", said(&told));
    let list = json(&faultline(&["list", "--json"]));
    let chat = list.as_array().unwrap().iter().find(|one| one["name"] == "chat").unwrap();
    let known = ["checks", "dials", "kinds", "length", "name", "revision", "seed", "summary", "title"];
    assert_eq!(keys(chat), known);
    let dial = &chat["dials"][0];
    assert_eq!(keys(dial), ["field", "group", "help", "max", "min", "name", "title", "unit", "value", "words"]);
    assert!(chat["kinds"].as_array().unwrap().iter().any(|kind| kind == "raft-node"));
    assert_eq!(chat["checks"], serde_json::json!(["chat", "raft"]));
}

#[test]
fn run_tells_digest_messages_measures_and_checks() {
    let told = faultline(&["run", "chat", "--until", "5s"]);
    let told = said(&told);
    for word in ["digest ", " sent = ", " arrived + ", " lost + ", " in flight", "delivery", "chat holds: "] {
        assert!(told.contains(word), "{word} is missing in\n{told}");
    }
    let run = json(&faultline(&["run", "chat", "--until", "5s", "--json"]));
    let known = [
        "acts", "checks", "digest", "events", "halted", "measures", "messages", "name", "records", "revision", "seed",
        "settings", "steps", "title", "until",
    ];
    assert_eq!(keys(&run), known);
    assert_eq!(run["digest"].as_str().unwrap().len(), 16);
    assert!(told.contains(run["digest"].as_str().unwrap()));
    assert_eq!(run["until"], "5s");
    let measure = run["measures"].as_array().unwrap().iter().find(|one| one["name"] == "delivery").unwrap();
    assert_eq!(keys(measure), ["count", "max", "mean", "name", "p50", "p90", "p99", "rate"]);
    assert!(measure["p50"].as_f64() <= measure["p99"].as_f64() && measure["p99"].as_f64() <= measure["max"].as_f64());
    assert_eq!(keys(&run["checks"][0]), ["first", "holds", "name", "promise", "violations"]);
}

#[test]
fn every_message_is_accounted_for() {
    for (seed, until) in [("1", "1s"), ("2", "7s"), ("0xdeadbeef", "20s")] {
        let run = json(&faultline(&["run", "chat", "--seed", seed, "--until", until, "--json"]));
        let messages = &run["messages"];
        let known = [
            "arrived",
            "balance",
            "died_after_arrival",
            "doubled",
            "in_flight",
            "lost",
            "lost_by",
            "never_left",
            "sent",
        ];
        assert_eq!(keys(messages), known);
        let count = |name: &str| messages[name].as_u64().unwrap();
        assert_eq!(
            count("sent") + count("doubled"),
            count("arrived") + count("lost") + count("in_flight"),
            "{messages}"
        );
        let by_reason: u64 = messages["lost_by"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(count("lost"), by_reason);
        assert_eq!(messages["balance"], true);
    }
    let lossy = json(&fed(&["run", "-", "--json"], PAIR));
    assert!(lossy["messages"]["lost_by"]["network loss"].as_u64().unwrap() > 0, "{lossy}");
    let doubling = json(&fed(&["run", "-", "--json"], &PAIR.replace("loss =", "duplicate = 0.3\nloss =")));
    let messages = &doubling["messages"];
    assert!(messages["doubled"].as_u64().unwrap() > 0 && messages["balance"] == true, "{doubling}");
}

#[test]
fn a_plan_can_be_added_to_any_run() {
    let plan = ["--plan", "faults = [\"kill\"], every = \"1s\", repair = \"1s\", targets = [\"senders\"]"];
    let run = |more: &[&str]| {
        let told = faultline(&[&["trace", "chat", "--until", "9s", "--kind", "crashed"], &plan[..], more].concat());
        String::from_utf8(told.stdout).unwrap()
    };
    let crashes = |told: &str| told.lines().filter(|line| line.contains(" crashed")).count();
    let (one, other) = (run(&["--seed", "1"]), run(&["--seed", "2"]));
    assert!(crashes(&one) > 0 && crashes(&other) > 0 && one != other, "{one}{other}");
    assert_eq!(one, run(&["--seed", "1"]));
    let wrong = faultline(&["run", "chat", "--plan", "faults = [\"kil\"], every = \"1s\", repair = \"1s\""]);
    let told = String::from_utf8(wrong.stderr).unwrap();
    assert!(told.contains("--plan: plan.faults[0]: there is no word \"kil\", did you mean \"kill\"?"), "{told}");
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn seed_and_settings_change_the_run_and_say_so() {
    let digest = |arguments: &[&str]| {
        let run = json(&faultline(&[&["run", "chat", "--until", "3s", "--json"], arguments].concat()));
        run["digest"].as_str().unwrap().to_owned()
    };
    let usual = digest(&[]);
    assert_eq!(digest(&[]), usual);
    assert_ne!(digest(&["--seed", "5"]), usual);
    assert_eq!(digest(&["--seed", "0x10"]), digest(&["--seed", "16"]));
    assert_ne!(digest(&["--set", "rate=4"]), usual);
    let run =
        json(&faultline(&["run", "chat", "--until", "1s", "--set", "rate=4", "--set", "replace=false", "--json"]));
    assert_eq!(run["settings"], serde_json::json!({ "rate": 4.0, "replace": false }));
}

#[test]
fn documents_come_from_files_and_from_standard_input() {
    let folder = std::env::temp_dir().join(format!("faultline-cli-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("pair.toml");
    std::fs::write(&path, PAIR).unwrap();
    let path = path.to_str().unwrap();
    let from_file = json(&faultline(&["run", path, "--json"]));
    assert_eq!(
        (&from_file["name"], &from_file["until"], &from_file["seed"]),
        (&"pair".into(), &"3s".into(), &"7".into())
    );
    let from_pipe = json(&fed(&["run", "-", "--json"], PAIR));
    assert_eq!(from_file["digest"], from_pipe["digest"]);
    assert!(said(&faultline(&["check", path])).contains("no problem"));
    // A program that says which of two documents it means is wrong before anything runs.
    assert!(complained(&["run", &format!("{path}x")]).contains("there is no file"));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn check_says_every_problem_on_a_line() {
    let wrong = PAIR.replace("\"client\"\ncount", "\"clint\"\ncount").replace("loss = 0.5", "loss = 5");
    let output = fed(&["check", "-"], &wrong);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines.len() >= 2, "{told}");
    assert!(told.contains("did you mean \"client\"?") && told.contains("groups[0].kind"), "{told}");
    assert!(told.contains("links[0].loss: expected a number from 0 to 1, found 5"), "{told}");
    for (input, part) in [("", "name"), ("name = ", "line 1"), ("{", "EOF"), ("\u{0}", "line 1")] {
        let output = fed(&["check", "-"], input);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{input:?}");
        assert!(told.starts_with("faultline: -: ") && told.contains(part), "{input:?} gave {told}");
    }
}

#[test]
fn wrong_names_are_answered_with_the_nearest_right_one() {
    assert!(complained(&["run", "cht"]).contains("there is no built-in scenario \"cht\", did you mean \"chat\"?"));
    assert!(complained(&["trace", "chta"]).contains("did you mean \"chat\"?"));
    assert!(
        complained(&["run", "chat", "--set", "rte=3"]).contains("there is no dial \"rte\", did you mean \"rate\"?")
    );
    let told = complained(&["trace", "chat", "--until", "1s", "--node", "sendr-1"]);
    assert!(told.contains("there is no node or group \"sendr-1\", did you mean \"sender-1\"?"), "{told}");
    assert!(complained(&["trace", "chat", "--kind", "snt"]).contains("did you mean \"sent\"?"));
    assert!(complained(&["trce", "chat"]).contains("'trace'"));
}

#[test]
fn wrong_values_are_answered_with_what_was_expected() {
    for (arguments, part) in [
        (&["run", "chat", "--seed", "-1"][..], "whole number"),
        (&["run", "chat", "--seed", "12g"], "whole number"),
        (&["run", "chat", "--until", "5"], "a length of time such as \"40ms\""),
        (&["run", "chat", "--until", "9999h"], "longer than the longest"),
        (&["run", "chat", "--set", "rate"], "a dial and its value"),
        (&["run", "chat", "--set", "rate=900"], "expected a number from 0 to 8, found 900"),
        (&["run", "chat", "--set", "rate=fast"], "expected a number"),
        (&["run", ""], "found nothing"),
        (&["run", "."], "is a folder"),
        (&["check", "."], "is a folder"),
        (&["check", "nowhere.toml"], "is not there"),
        (&["svg", "chat", "--size", "3x4"], "expected width and height from 100 to 8000"),
        (&["svg", "chat", "--theme", "pink"], "[possible values: light, dark]"),
        (&["trace", "chat", "--all", "--kind", "sent"], "cannot be used with"),
    ] {
        let told = complained(arguments);
        assert!(told.contains(part), "{arguments:?} gave {told}");
    }
}

#[test]
fn trace_shows_causes_and_hides_routine_unless_asked() {
    let output = faultline(&["trace", "chat", "--until", "2s"]);
    let told = said(&output);
    assert!(told.lines().any(|line| line.contains(" ← #") && line.ends_with(" ms")), "{told}");
    assert!(!told.contains(" timer: ") || told.contains("← timer: "), "{told}");
    let all = faultline(&["trace", "chat", "--until", "2s", "--all"]);
    assert!(said(&all).lines().count() > told.lines().count());
    let sent = faultline(&["trace", "chat", "--until", "2s", "--kind", "sent", "--node", "sender-1"]);
    let lines: Vec<&str> = said(&sent).lines().filter(|line| line.contains('#') && line.contains(" → ")).collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| line.contains("sender-1")), "{lines:?}");
    let late = faultline(&["trace", "chat", "--from", "1500ms", "--until", "2s", "--node", "clients"]);
    for line in said(&late).lines().filter(|line| line.contains("  #")) {
        assert!(line.trim_start() >= "1.5" && line.contains("client-"), "{line}");
    }
}

#[test]
fn svg_is_a_picture_of_the_asked_size() {
    let output = faultline(&["svg", "chat", "--at", "2s", "--theme", "dark", "--size", "640x480"]);
    let picture = said(&output);
    assert!(picture.starts_with("<svg ") && picture.trim_end().ends_with("</svg>"));
    assert!(picture.contains("width=\"640\" height=\"480\"") && picture.contains("sender-1"));
    let light = faultline(&["svg", "chat", "--at", "2s", "--size", "640x480"]);
    assert_ne!(said(&light), picture);
}

#[test]
fn a_reader_that_leaves_is_no_mistake() {
    for arguments in [&["trace", "chat", "--all"][..], &["list", "--json"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_faultline"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]), "{arguments:?}");
    }
}

#[test]
fn a_broken_promise_is_exit_status_one() {
    let chat = include_str!("../static/scenarios/chat.toml");
    let fatal = format!("{chat}\n[[cues]]\nat = \"5s\"\nthen = [{{ kill = {{ node = \"senders\" }} }}]\n");
    let run = |how: &str| fed(&["run", "-", "--set", how, "--set", "rate=8", "--until", "8s", "--json"], &fatal);
    let broken = run("acknowledge=before-store");
    assert_eq!(broken.status.code(), Some(1));
    let broken: Json = serde_json::from_slice(&broken.stdout).unwrap();
    let check = &broken["checks"][0];
    assert_eq!((&check["holds"], check["violations"].as_u64() > Some(0)), (&false.into(), true));
    assert_eq!(keys(&check["first"]), ["at", "evidence", "node", "record", "told"]);
    assert!(check["first"]["told"].as_str().unwrap().contains("is lost"), "{check}");
    // The same deaths, but “safe” is said only when two disks have it.
    assert_eq!(run("acknowledge=after-store").status.code(), Some(0));
    let output = fed(&["trace", "-", "--set", "acknowledge=before-store", "--set", "rate=8", "--until", "8s"], &fatal);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("   5.000000  ── kill senders\n") && told.contains("  ✗ chat: "), "{told}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_link_holds_a_moment_and_gives_it_back() {
    let start = said(&faultline(&["link", "chat"])).trim().to_owned();
    assert_eq!(start, "1.chat");
    let link = said(&faultline(&["link", "chat", "--seed", "9", "--set", "rate=2", "--at", "4s"])).trim().to_owned();
    assert!(!link.contains(".play"), "a moment stands still unless asked: {link}");
    let back = json(&faultline(&["link", &link]));
    assert_eq!(back["playing"], false);
    let known = [
        "acts",
        "cursor",
        "digest",
        "document",
        "layout",
        "moved",
        "name",
        "notes",
        "playing",
        "revision",
        "seed",
        "selection",
        "settings",
        "speed",
        "step",
        "views",
    ];
    assert_eq!(keys(&back), known);
    assert_eq!((&back["name"], &back["seed"], &back["cursor"]["at"]), (&"chat".into(), &"9".into(), &"4s".into()));
    // The run that the link leads to is the run that it was made from, whichever way it is given.
    let run = json(&faultline(&["run", "chat", "--seed", "9", "--set", "rate=2", "--until", "4s", "--json"]));
    assert_eq!(back["digest"], run["digest"]);
    for address in [link.clone(), format!("#{link}"), format!("https://example.org/page#{link}")] {
        let linked = json(&faultline(&["run", &address, "--json"]));
        assert_eq!((&linked["digest"], &linked["until"]), (&run["digest"], &"4s".into()), "{address}");
    }
    let later = said(&faultline(&["link", &link, "--at", "6s"])).trim().to_owned();
    assert_eq!(json(&faultline(&["link", &later]))["cursor"]["at"], "6s");
    assert!(complained(&["run", &link[..link.len() - 3]]).starts_with("faultline: "));
    assert!(complained(&["link", "1.cht"]).contains("chat"));
}

#[test]
fn a_document_travels_whole_in_a_link_and_comes_out_as_toml() {
    let output = fed(&["link", "-", "--at", "2s"], PAIR);
    let link = said(&output).trim();
    let back = json(&faultline(&["link", link]));
    assert_eq!(back["document"]["title"], "Two who chat");
    let document = faultline(&["link", link, "--document"]);
    let again = fed(&["link", "-", "--at", "2s"], said(&document));
    assert_eq!(said(&again).trim(), link);
}

#[test]
fn a_terminal_does_not_obey_strangers() {
    let output = fed(&["run", "\u{1b}[31mred\u{202e}"], "");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && !told.trim_end().chars().any(faultline::scenario::hidden), "{told:?}");
    let cue = "[[cues]]\nat = \"1s\"\nsay = \"one\\n   2.000000  #9  two\"\n";
    let output = fed(&["trace", "-", "--until", "2s"], &format!("{PAIR}{cue}"));
    assert!(said(&output).contains("  ── “one    2.000000  #9  two”\n"), "{}", said(&output));
}

#[test]
fn what_could_not_be_done_is_said() {
    let output = faultline(&["trace", "1~chat.kill~sendr-1~1s.at~2s.end"]);
    let told = said(&output);
    let line = "── kill sendr-1: passed over, there is no component \"sendr-1\", did you mean \"sender-1\"?";
    assert!(told.contains(line), "{told}");
    assert!(complained(&["trace", "chat", "--from", "5s", "--until", "1s"]).contains("nothing from 5s until 1s"));
}

#[test]
fn a_document_that_no_link_holds_is_said() {
    let mut state = 7u64;
    let mut noise = |letters: usize| -> String {
        let mut letter = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[(state >> 58) as usize])
        };
        (0..letters).map(|_| letter()).collect()
    };
    let simpler: String = (0..60).map(|_| format!("[[simplifications]]\nwhat = \"{}\"\n", noise(3_900))).collect();
    let output = fed(&["link", "-"], &format!("{PAIR}{simpler}"));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && told.contains("200000 is the limit"), "{told}");
}

#[test]
fn export_writes_what_other_tools_read() {
    for (format, begins) in [
        ("chrome", "{\"displayTimeUnit\""),
        ("otlp", "{\"resourceSpans\""),
        ("shiviz", "(?<host>"),
        ("csv", "start_us,"),
        ("jsonl", "{\"id\":"),
    ] {
        let arguments = ["export", "chat", "--format", format, "--from", "500ms", "--to", "2s"];
        let (one, other) = (faultline(&arguments), faultline(&arguments));
        assert!(said(&one).starts_with(begins), "{format}");
        assert_eq!(said(&one), said(&other), "the same input, the same bytes");
        let path = std::env::temp_dir().join(format!("faultline-export-{}-{format}", std::process::id()));
        let path = path.to_str().expect("a path in UTF-8");
        let to_file = faultline(&[&arguments[..], &["--out", path]].concat());
        assert_eq!(said(&to_file), "");
        assert_eq!(std::fs::read_to_string(path).expect("it was written"), said(&one));
        std::fs::remove_file(path).expect("it is there");
    }
    let told = complained(&["export", "chat", "--format", "csv", "--from", "3s", "--to", "1s"]);
    assert_eq!(told, "faultline: there is nothing from 3s to 1s\n");
    let told = complained(&["export", "chat", "--format", "jsonl", "--set", "rate=8", "--to", "10min"]);
    assert_eq!(told, "faultline: there are more than 200000 records in it; ask for less with --from and --to\n");
    assert!(
        complained(&["export", "chat", "--format", "pdf"])
            .contains("[possible values: chrome, otlp, shiviz, csv, jsonl, mermaid]")
    );
}

#[test]
fn exact_figures_leave_out_the_beginning() {
    let station = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/references/station.toml");
    let run = |from: &str| json(&faultline(&["run", station, "--until", "2000s", "--from", from, "--json"]));
    let (whole, late) = (run("0s"), run("1000s"));
    let figure = |run: &Json, name: &str| {
        let figures = run["figures"].as_array().expect("figures").clone();
        figures.into_iter().find(|figure| figure["name"] == name).expect("it was measured")
    };
    let population = &whole["population"];
    let count = |name: &str| population[name].as_u64().expect("a count");
    assert_eq!(count("arrivals"), count("answered") + count("refused") + count("abandoned") + count("in_system"));
    assert_eq!(figure(&whole, "sojourn")["count"].as_u64(), Some(count("answered")));
    let half = figure(&late, "sojourn")["count"].as_u64().expect("a count") as f64 / count("answered") as f64;
    assert!((0.4..0.6).contains(&half), "{half}");
    // Exponential service with a mean of 1 s, about 1600 times: five deviations.
    let service = figure(&whole, "service")["mean"].as_f64().expect("a mean");
    assert!((service / 1e6 - 1.0).abs() < 0.125, "{service}");
    let text = faultline(&["run", station, "--until", "50s", "--from", "0s"]);
    assert!(said(&text).contains("on average"), "{}", said(&text));
    assert!(
        whole.get("figures").is_some()
            && json(&faultline(&["run", station, "--until", "1s", "--json"])).get("figures").is_none()
    );
}

#[test]
fn a_run_is_verified_against_the_time_machine_and_against_another_build() {
    let told = faultline(&["verify", "chat", "--until", "6s"]);
    assert!(said(&told).contains("straight on and after going back 2 times"), "{}", said(&told));

    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/verify.jsonl");
    let records = faultline(&["export", "chat", "--format", "jsonl", "--to", "1s"]);
    std::fs::write(path, said(&records)).expect("there is room for it");
    let against = ["verify", "chat", "--until", "1s", "--against", path];
    let same = faultline(&against);
    assert!(said(&same).starts_with(&format!("the same {} lines", said(&records).lines().count())));

    // Another build in which one message took a little longer.
    let place = said(&records).lines().position(|line| line.contains("\"kind\":\"arrived\"")).unwrap();
    let mut lines: Vec<String> = said(&records).lines().map(str::to_owned).collect();
    lines[place] = lines[place].replacen("\"at_us\":", "\"at_us\":1", 1);
    assert_ne!(lines[place], said(&records).lines().nth(place).unwrap(), "{}", lines[place]);
    std::fs::write(path, lines.join("\n")).expect("there is room for it");
    let other = faultline(&against);
    let told = String::from_utf8_lossy(&other.stdout);
    assert_eq!(other.status.code(), Some(1));
    assert!(told.starts_with(&format!("line {} differs:", place + 1)), "{told}");
}
