//! Published results, from scenario documents. Each `tests/references/NAME.expect.toml` says what was published about a
//! document beside it; `faultline validate` runs them and compares. To add one, write these two files: no Rust.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::disallowed_methods, reason = "it reads files")]

use std::process::{Command, Output};
use std::rc::Rc;

use faultline::scenario::{Document, Run};
use faultline::sim::{Micros, Time, What};
use toml::{Table, Value};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/references");

fn validate(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faultline"));
    command.arg("validate").args(arguments).output().expect("the binary runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The sidecars: name and content.
fn sheets() -> Vec<(String, Table)> {
    let entries = std::fs::read_dir(FOLDER).expect(FOLDER);
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = paths.filter(|path| path.to_string_lossy().ends_with(".expect.toml")).collect();
    paths.sort();
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        (path.display().to_string(), toml::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display())))
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn every_published_result_comes_out() {
    let output = validate(&[FOLDER]);
    println!("{}", said(&output));
    assert!(output.status.success(), "{}\n{}", said(&output), String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_sheet_has_a_source_and_a_case_that_must_fail() {
    for (name, sheet) in sheets() {
        assert!(sheet["source"].as_str().is_some_and(|source| source.len() > 10), "{name} has a source");
        let cases = sheet["case"].as_array().expect("cases");
        let faulty = |case: &Value| case.get("faulty").and_then(Value::as_bool) == Some(true);
        assert!(cases.iter().any(faulty), "{name} has a case that shows that it can fail");
    }
}

#[test]
fn the_page_shows_every_result() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/validation.md")).expect("the page");
    assert!(!page.contains("DIFFERS"), "everything on it agrees");
    for (name, sheet) in sheets() {
        assert!(page.contains(sheet["title"].as_str().expect("a title")), "{name} is on the page");
        for case in sheet["case"].as_array().expect("cases") {
            let case = case["name"].as_str().expect("a name");
            assert!(
                page.contains(case),
                "{name}: \"{case}\" is on the page; faultline validate --long --markdown writes it"
            );
        }
    }
}

#[test]
fn what_does_not_agree_is_exit_status_one_and_what_is_wrong_is_two() {
    let folder = std::env::temp_dir().join(format!("faultline-references-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::copy(format!("{FOLDER}/station.toml"), folder.join("station.toml")).expect("a copy");
    let sheet = |case: &str| {
        let head = "title = \"A\"\nsource = \"B\"\ndocument = \"station\"\nruns = 3\n[[case]]\nname = \"C\"\n";
        std::fs::write(folder.join("a.expect.toml"), format!("{head}{case}\n")).expect("it is written");
        validate(&[&folder.display().to_string()])
    };
    let short = "set = { length = \"500s\" }";
    for (case, status, told) in [
        ("expect = [{ what = \"D\", measure = \"arrivals\", stat = \"count\", at_least = 1.0 }]", 0, "agrees"),
        ("expect = [{ what = \"D\", measure = \"sojourn\", unit = \"s\", value = 500.0 }]", 1, "DIFFERS"),
        (
            "faulty = true\nexpect = [{ what = \"D\", measure = \"arrivals\", at_least = 1.0 }]",
            1,
            "AGREES with everything",
        ),
        ("expect = [{ what = \"D\", measure = \"sojuorn\", value = 1.0 }]", 2, "there are arrivals"),
        ("expect = [{ what = \"D\", measure = \"sojourn\" }]", 2, "expected one of value"),
        ("expect = [{ what = \"D\", measure = \"sojourn\", value = 1.0, within = 0.5 }]", 2, "within needs a because"),
    ] {
        let output = sheet(&format!("{short}\n{case}"));
        let all = said(&output) + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{case}: {all}");
        assert!(all.contains(told), "{case}: {all}");
    }
    std::fs::remove_dir_all(&folder).expect("it is removed");
}

/// Everything in a document that is a time, so many times as long; what is a rate, so many times as slow.
fn scaled(value: &Value, by: u64) -> Value {
    match value {
        Value::String(text) => match Micros::parse(text) {
            Ok(span) => Value::String(Micros(span.0 * by).to_string()),
            Err(_) => value.clone(),
        },
        Value::Array(all) => Value::Array(all.iter().map(|one| scaled(one, by)).collect()),
        Value::Table(table) => Value::Table(
            table
                .iter()
                .map(|(name, value)| match (&**name, value) {
                    ("rate", Value::Float(rate)) => (name.clone(), Value::Float(rate / by as f64)),
                    _ => (name.clone(), scaled(value, by)),
                })
                .collect(),
        ),
        _ => value.clone(),
    }
}

/// What was measured, in order: what, and when.
fn measured(document: &Value) -> Vec<(&'static str, Time)> {
    let text = toml::to_string(document).expect("it is a table");
    let document = Document::from_toml(&text).unwrap_or_else(|problems| panic!("{problems:?}"));
    let length = Time(document.length.0);
    let (mut run, mut records) = (Run::new(Rc::new(document), 4).expect("it has no problems"), Vec::new());
    run.run_until(length, &mut records);
    let measure = |record: faultline::components::Record| match record.what {
        What::Measure { name, .. } => Some((name, record.at)),
        _ => None,
    };
    records.into_iter().filter_map(measure).collect()
}

#[test]
fn when_everything_takes_three_times_as_long_the_same_happens_three_times_as_late() {
    let text = std::fs::read_to_string(format!("{FOLDER}/trouble.toml")).expect("a document");
    let mut document: Value = Value::Table(toml::from_str(&text).expect("it is TOML"));
    // With laws whose values are a few whole numbers, nothing is rounded, and it must hold to the microsecond.
    let of = |text: &str| Value::Table(toml::from_str(text).expect("it is TOML"))["law"].clone();
    let spread = "{ share = 5.0, law = { constant = \"23041us\" } }, { share = 2.0, law = { constant = \"81007us\" } }";
    document["groups"][1]["service"] = of(&format!("law.mixture = [{spread}]"));
    let delay = of("law.mixture = [{ share = 1.0, law = { constant = \"1003us\" } }, \
                                        { share = 1.0, law = { constant = \"7919us\" } }]");
    document["links"][0].as_table_mut().expect("a rule").insert("delay".to_owned(), delay);
    let config = document["groups"][0]["config"].as_table_mut().expect("settings");
    for (field, word) in [("backoff", "exponential"), ("spacing", "regular")] {
        config.insert(field.to_owned(), Value::String(word.to_owned()));
    }
    let (once, thrice) = (measured(&document), measured(&scaled(&document, 3)));
    assert!(once.len() > 5_000, "{}", once.len());
    let late = |(what, at): &(&'static str, Time)| (*what, Time(at.0 * 3));
    assert!(once.iter().map(late).eq(thrice.iter().copied()));
    // Whoever scales one of the times only gets another run.
    let mut other = scaled(&document, 3);
    other["groups"][0]["config"]["timeout"] = Value::String("900ms".to_owned());
    assert!(!once.iter().map(late).eq(measured(&other)));
}
