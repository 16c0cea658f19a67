//! Many seeds of each protocol under random faults: what should hold does, and every mistake that can be switched on is
//! found out. Each `tests/swarm/NAME.toml` is one of them. To add one, write that file: no Rust.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::disallowed_methods, reason = "it reads files")]

use std::process::{Command, Output};

use toml::{Table, Value};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/swarm");

fn swarm(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faultline"));
    command.arg("swarm").args(arguments).output().expect("the binary runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn sheets() -> Vec<(String, Table)> {
    let entries = std::fs::read_dir(FOLDER).expect(FOLDER);
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        (path.display().to_string(), toml::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display())))
    };
    paths.into_iter().map(read).filter(|(_, sheet): &(String, Table)| sheet.contains_key("cases")).collect()
}

#[test]
fn every_protocol_holds_and_every_mistake_is_found_out() {
    let output = swarm(&[FOLDER]);
    println!("{}", said(&output));
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn every_sheet_has_a_case_that_holds_and_one_that_breaks() {
    for (name, sheet) in sheets() {
        let cases = sheet["cases"].as_array().expect("cases");
        let breaks = |case: &&Value| case.get("breaks").is_some();
        assert!(cases.iter().any(|case| breaks(&case)), "{name} has a mistake that is found out");
        assert!(cases.iter().any(|case| !breaks(&case)), "{name} has a case that holds");
    }
}

#[test]
fn what_breaks_or_cannot_be_broken_is_exit_status_one_and_what_is_wrong_is_two() {
    let folder = std::env::temp_dir().join(format!("faultline-swarm-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("a.toml");
    let head = "scenario = \"chat\"\nuntil = \"12s\"\nseeds = 6\n[[plans]]\nfaults = [\"kill\"]\ntargets = [\"senders\"]\n\
                every = \"3s\"\nrepair = \"3s\"\n[[cases]]\nname = \"one\"\n";
    for (case, status, told) in [
        ("", 0, "held"),
        ("set = { acknowledge = \"before-store\" }", 1, "BROKEN by"),
        ("set = { acknowledge = \"before-store\" }\nbreaks = \"chat\"", 0, "as it must be"),
        ("set = { acknowledge = \"before-store\" }\nbreaks = \"is lost\"", 0, "as it must be"),
        ("breaks = \"chat\"", 1, "NOT broken by any"),
        ("set = { acknowlege = \"before-store\" }", 2, "acknowledge"),
        ("scenario = \"chta\"", 2, "chat"),
        ("until = \"soon\"", 2, "case \"one\""),
        ("checks = [\"no such\"]", 2, "checks"),
        ("brakes = \"chat\"", 2, "unknown field"),
    ] {
        std::fs::write(&file, format!("{head}{case}\n")).expect("it is written");
        let output = swarm(&[&file.display().to_string()]);
        assert_eq!(output.status.code(), Some(status), "{case}: {}", said(&output));
        assert!(said(&output).contains(told), "{case}: {}", said(&output));
    }
    std::fs::remove_dir_all(&folder).expect("it is removed");
}

#[test]
fn a_link_to_the_moment_that_broke_opens_there() {
    let folder = std::env::temp_dir().join(format!("faultline-swarm-link-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("a.toml");
    let sheet = std::fs::read_to_string(format!("{FOLDER}/chat.toml")).expect("the chat's sheet");
    std::fs::write(&file, sheet.replace("breaks = \"chat\"\n", "")).expect("it is written");
    let told = said(&swarm(&[&file.display().to_string(), "--only", "acknowledges"]));
    let link = told.lines().map(str::trim).find(|line| line.starts_with("1z")).unwrap_or_else(|| panic!("{told}"));
    let run = Command::new(env!("CARGO_BIN_EXE_faultline")).args(["run", link]).output().expect("the binary runs");
    assert_eq!(run.status.code(), Some(1), "the promise is broken there: {}", said(&run));
    std::fs::remove_dir_all(&folder).expect("it is removed");
}
