//! Documents: those that are built in are right, those that are wrong are told where and how, and the manual is true.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::disallowed_methods, reason = "these tests read the files that authors write")]

use faultline::check::CHECKS;
use faultline::components::KINDS;
use faultline::scenario::schema::{self, Schema};
use faultline::scenario::{
    Act, Condition, Cue, Deed, Dial, Document, FaultKind, FaultPlan, Group, Layout, Lesson, LinkRule, Load, LoadStep,
    Problem, Promise, Region, SHELVES, Simplification, Step, Task, Tree, Vital, VitalLine, builtin, builtins, manual,
};
use faultline::sim::{Dist, Purpose, Stream};
use faultline::trace::Stat;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

const MANUAL: &str = "docs/scenario.md";

fn manual_text() -> String {
    std::fs::read_to_string(MANUAL).expect(MANUAL)
}

#[test]
fn every_built_in_document_is_right() {
    let mut count = 0;
    for entry in std::fs::read_dir("static/scenarios").expect("a folder").flatten() {
        let path = entry.path();
        let text = std::fs::read_to_string(&path).expect("a file");
        let document = Document::from_toml(&text).unwrap_or_else(|found| panic!("{}: {found:#?}", path.display()));
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        assert_eq!(document.name, name, "a document is called like its file");
        // The page has the same by another way: the build's JSON.
        assert_eq!(builtin(&name).expect("built in"), document);
        assert_eq!(Document::from_json(&schema::json(&document)).expect("as a link has it"), document);
        assert!(!document.summary.is_empty() && !document.hint.is_empty(), "{name}: summary and hint greet a newcomer");
        count += 1;
    }
    assert_eq!(builtins().count(), count);
    assert!(count > 0);
    let mut shelved: Vec<&str> = SHELVES.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    let mut all: Vec<&str> = builtins().collect();
    shelved.sort_unstable();
    all.sort_unstable();
    assert_eq!(shelved, all, "each stands on one shelf");
}

#[test]
fn the_example_of_the_manual_is_right() {
    let manual = manual_text();
    let (_, rest) = manual.split_once("```toml\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    Document::from_toml(example).unwrap_or_else(|found| panic!("{found:#?}"));
}

#[test]
fn the_lists_of_the_manual_are_those_of_the_code() {
    let manual = manual_text();
    let right = manual::filled(&manual).expect("the markers");
    assert!(manual == right, "{MANUAL} is out of date: cargo test --test documents -- --ignored");
    for kind in KINDS {
        assert!(manual.contains(&format!("### `{}`: {}", kind.name, kind.title)));
        for field in kind.fields() {
            assert!(manual.contains(&format!("| `{}` | ", field.name)), "{}", field.name);
        }
    }
    assert!(CHECKS.iter().all(|check| manual.contains(&format!("| `{}` | ", check.name))));
    assert!(manual::filled("").is_err());
}

#[test]
#[ignore = "writes the manual's lists anew"]
fn write_the_lists_of_the_manual() {
    std::fs::write(MANUAL, manual::filled(&manual_text()).expect("the markers")).expect(MANUAL);
}

fn read<T: Schema>(value: &Value) -> Result<T, Vec<Problem>> {
    schema::read(&Tree::from_json(&value.to_string()).expect("it is JSON"))
}

/// The rows of the table that follows `after`: their cells.
fn table<'a>(manual: &'a str, after: &str) -> Vec<Vec<&'a str>> {
    let (_, rest) = manual.split_once(after).unwrap_or_else(|| panic!("{after} is not in {MANUAL}"));
    let rows = rest.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    rows.skip(2).map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

/// Holds a table of the manual to a structure: the same fields, in order; required are those that the reader requires; what
/// is said of silence is what a silent document has.
fn structure<T: Schema>(manual: &str, after: &str, whole: Value) {
    let fields = T::names();
    let rows = table(manual, after);
    let written: Vec<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(written, fields, "{after}");
    assert!(read::<T>(&whole).is_ok(), "{after}: the example does not fit");
    for row in rows {
        let (field, silent) = (row[0].trim_matches('`'), row[2]);
        let mut without = whole.clone();
        let removed = without.as_object_mut().expect("an object").remove(field);
        assert!(removed.is_some(), "{after}: the example lacks {field}");
        let Ok(read) = read::<T>(&without) else {
            assert_eq!(silent, "required", "{after} {field}");
            continue;
        };
        assert_ne!(silent, "required", "{after} {field}");
        let again: Value = serde_json::from_str(&schema::json(&read)).expect("it is JSON");
        match again.get(field) {
            Some(usual) => assert_eq!(silent, format!("`{usual}`"), "{after} {field}"),
            // What is silent stays silent: the manual has it in words, or as the value that goes without saying.
            None => assert!(!silent.is_empty(), "{after} {field}"),
        }
    }
}

#[test]
fn every_field_stands_in_the_manual_with_its_default() {
    let manual = manual_text();
    let manual = manual.as_str();
    let act = json!({"kill": {"node": "a"}});
    let condition = json!({"after": "1s"});
    let law = json!({"constant": "1ms"});
    structure::<Document>(
        manual,
        "## The document",
        json!({"name": "a", "revision": 2, "title": "A", "summary": "A", "hint": "A", "seed": 2, "length": "2s",
            "speed": 2.0, "layout": "ring", "groups": [], "regions": [], "links": [], "load": [], "cues": [], "plans": [], "dials": [],
            "checks": [], "vitals": [], "lesson": {"steps": []}, "simplifications": []}),
    );
    structure::<Group>(
        manual,
        "## `[[groups]]`",
        json!({"name": "a", "kind": "a", "prefix": "a", "title": "A", "count": 2, "tier": 1, "cores": 1, "service": law,
            "inbox": 1, "discipline": "lifo", "disk": law, "startup": "1s", "zones": [], "config": {}}),
    );
    structure::<Region>(
        manual,
        "## `[[regions]]`",
        json!({"name": "a", "zones": [], "at": [1.0, 2.0], "round_trip": [], "one_way": []}),
    );
    structure::<LinkRule>(
        manual,
        "## `[[links]]`",
        json!({"between": ["a", "b"], "delay": law, "loss": 0.5, "fifo": true, "duplicate": 0.5, "reorder": 0.5,
            "detour": law, "bandwidth": 1, "queue": 1}),
    );
    structure::<Load>(manual, "## `[[load]]`", json!({"group": "a", "field": "a", "steps": []}));
    structure::<LoadStep>(manual, "A step, `{ at", json!({"at": "1s", "value": 1}));
    structure::<Cue>(manual, "## `[[cues]]`", json!({"at": "1s", "when": condition, "then": [act], "say": "a"}));
    structure::<FaultPlan>(
        manual,
        "## `[[plans]]`",
        json!({"name": "a", "faults": [], "targets": [], "together": true, "every": "1s", "repair": "1s", "up": "1s",
            "most": 2, "from": "1s", "until": "1s"}),
    );
    structure::<Dial>(
        manual,
        "## `[[dials]]`",
        json!({"name": "a", "title": "A", "group": "a", "field": "a", "min": 1, "max": 2}),
    );
    structure::<Vital>(manual, "## `[[vitals]]`", json!({"title": "A", "lines": []}));
    structure::<VitalLine>(manual, "A line, `{ measure", json!({"measure": "a", "stat": "p99", "of": "b"}));
    structure::<Lesson>(manual, "## `[lesson]`", json!({"steps": []}));
    structure::<Step>(manual, "A step, `[[lesson.steps]]`", json!({"title": "A", "text": "A", "tasks": []}));
    let deed = json!({"wait": "1s", "act": act});
    structure::<Task>(
        manual,
        "A task, `[[lesson.steps.tasks]]`",
        json!({"text": "A", "done": condition, "show": [deed]}),
    );
    structure::<Deed>(manual, "A deed, `[[lesson.steps.tasks.show]]`", deed);
    structure::<Simplification>(manual, "## `[[simplifications]]`", json!({"what": "A", "source": "A"}));

    // Of the enumerations, every word has its row, and the row every field.
    words::<Act>(manual, "## Acts");
    words::<Condition>(manual, "## Conditions");
    words::<Promise>(manual, "or a promise of the document's own");
    words::<Dist>(manual, "- A **law**");
    for word in Layout::names().iter().chain(Stat::names()).chain(FaultKind::names()) {
        assert!(manual.contains(&format!("`{word}`")), "{word}");
    }
    // A default that no structure shows.
    let usual = Dist::Lognormal { median: faultline::sim::Micros::ms(2), p99: faultline::sim::Micros::ms(6) };
    assert_eq!(faultline::sim::Profile::default().delay, usual);
    let Ok(Condition::Happened { count: 1, .. }) = read(&json!({"happened": {"what": "a"}})) else {
        panic!("once when silent");
    };
    let measure = read(&json!({"measure": {"name": "a", "stat": "p99"}}));
    assert!(matches!(measure, Ok(Condition::Measure { over, .. }) if over == faultline::sim::Micros::secs(5)));
}

fn words<T: Schema>(manual: &str, after: &str) {
    let mut fields_told = 0;
    let rows = table(manual, after);
    let written: Vec<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(written, T::names(), "{after}");
    for row in rows {
        let word = row[0].trim_matches('`');
        // A word that has no fields of its own takes a text or other conditions instead.
        let Err(told) = read::<T>(&json!({word: {"no such field": 1}})) else { continue };
        if let Some((_, fields)) = told[0].told.split_once("there is no field \"no such field\"; there is ") {
            fields_told += 1;
            for field in fields.split(", ") {
                // `between` and `one_way` are said once for those that share them.
                assert!(row[1..].join(" ").contains(field), "{after} {word}: {field} is not told");
            }
        }
    }
    assert!(fields_told > 0, "{after}");
}

fn problems(toml: &str) -> Vec<Problem> {
    Document::from_toml(toml).expect_err(toml)
}

/// A document that is right, for others to go wrong from.
const RIGHT: &str = r#"
name = "pair"
revision = 1
title = "A pair"
checks = ["chat"]
[[groups]]
name = "clients"
prefix = "client"
kind = "client"
config = { rate = 1, timeout = "1s" }
[[groups]]
name = "history"
kind = "database"
count = 2
[[links]]
between = ["clients", "history"]
loss = 0
delay.lognormal = { median = "30ms", p99 = "60ms" }
[[load]]
group = "clients"
field = "rate"
steps = [{ at = "5s", value = 2 }]
[[cues]]
at = "10s"
then = [{ kill = { node = "history-1" } }]
[[cues]]
when.all = [{ happened = { what = "crashed", at = "history" } }, { not = { violated = "chat" } }]
say = "Down."
[[dials]]
name = "rate"
title = "Rate"
group = "clients"
field = "rate"
min = 0
max = 8
"#;

#[test]
fn whole_numbers_stand_for_others() {
    let document = Document::from_toml(&format!("speed = 1\n{RIGHT}")).unwrap_or_else(|found| panic!("{found:#?}"));
    assert_eq!((document.speed, document.links[0].loss, document.dials[0].min), (1.0, 0.0, Some(0.0)));
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_the_right_name() {
    Document::from_toml(RIGHT).unwrap_or_else(|found| panic!("{found:#?}"));
    let two = "name = \"history\"\nkind = \"database\"\n[[groups]]\nname = \"history\"\nkind = \"database\"";
    let cases: &[(&str, &str, &str, &[&str])] = &[
        // Misspelt.
        ("title = \"A pair\"", "titel = \"A pair\"", "", &["\"titel\"", "did you mean \"title\""]),
        ("count = 2", "cuont = 2", "groups[1]", &["\"cuont\"", "did you mean \"count\""]),
        ("{ rate = 1,", "{ raet = 1,", "groups[0].config.raet", &["client", "did you mean \"rate\"", "timeout"]),
        ("loss = 0", "los = 0", "links[0]", &["\"los\"", "did you mean \"loss\""]),
        ("p99 = \"60ms\" }", "p98 = \"60ms\" }", "links[0].delay.lognormal", &["\"p98\"", "did you mean \"p99\""]),
        ("delay.lognormal", "delay.lognormel", "links[0].delay", &["\"lognormel\"", "did you mean \"lognormal\""]),
        (
            "what = \"crashed\"",
            "waht = \"crashed\"",
            "cues[1].when.all[0].happened",
            &["\"waht\"", "did you mean \"what\""],
        ),
        (
            "what = \"crashed\"",
            "what = \"crahsed\"",
            "cues[1].when.all[0].happened.what",
            &["did you mean \"crashed\""],
        ),
        ("{ happened =", "{ hapened =", "cues[1].when.all[0]", &["\"hapened\"", "did you mean \"happened\""]),
        ("{ kill =", "{ kil =", "cues[0].then[0]", &["\"kil\"", "did you mean \"kill\""]),
        (
            "{ node = \"history-1\" }",
            "{ nod = \"history-1\" }",
            "cues[0].then[0].kill",
            &["\"nod\"", "did you mean \"node\""],
        ),
        ("node = \"history-1\"", "node = \"histroy\"", "cues[0].then[0].kill.node", &["did you mean \"history\""]),
        ("kind = \"database\"", "kind = \"databse\"", "groups[1].kind", &["\"databse\"", "did you mean \"database\""]),
        (
            "[\"clients\", \"history\"]",
            "[\"clients\", \"histori\"]",
            "links[0].between[1]",
            &["did you mean \"history\""],
        ),
        ("group = \"clients\"\nfield", "group = \"client\"\nfield", "load[0].group", &["did you mean \"clients\""]),
        ("checks = [\"chat\"]", "checks = [\"chta\"]", "checks[0]", &["no check \"chta\"", "did you mean \"chat\""]),
        ("violated = \"chat\"", "violated = \"chaat\"", "cues[1].when.all[1].not.violated", &["did you mean \"chat\""]),
        ("field = \"rate\"\nmin", "field = \"rat\"\nmin", "dials[0].field", &["client", "did you mean \"rate\""]),
        // Of the wrong type.
        ("count = 2", "count = \"two\"", "groups[1].count", &["expected a whole number", "\"two\""]),
        ("count = 2", "count = -2", "groups[1].count", &["expected a whole number", "-2"]),
        ("{ rate = 1,", "{ rate = [1],", "groups[0].config.rate", &["number", "true or false"]),
        ("{ rate = 1,", "{ rate = \"fast\",", "groups[0].config.rate", &["expected a number from 0 to 50", "fast"]),
        ("timeout = \"1s\"", "timeout = 1", "groups[0].config.timeout", &["length of time such as \"40ms\""]),
        ("at = \"10s\"", "at = 10", "cues[0].at", &["length of time such as \"40ms\""]),
        ("at = \"10s\"", "at = \"10\"", "cues[0].at", &["length of time such as \"40ms\""]),
        (
            "between = [\"clients\", \"history\"]",
            "between = [\"clients\"]",
            "links[0].between",
            &["expected a list of 2, found a list of 1"],
        ),
        // Out of range.
        ("{ rate = 1,", "{ rate = 51,", "groups[0].config.rate", &["expected a number from 0 to 50", "51"]),
        ("value = 2 ", "value = 51 ", "load[0].steps[0]", &["expected a number from 0 to 50"]),
        ("loss = 0", "loss = 1.5", "links[0].loss", &["from 0 to 1", "1.5"]),
        ("loss = 0", "loss = nan", "links[0].loss", &["expected a number", "NaN"]),
        ("min = 0", "min = nan", "dials[0].min", &["expected a number"]),
        ("max = 8", "max = -8", "dials[0].max", &["below min"]),
        ("min = 0", "min = 100", "dials[0].max", &["below min"]),
        ("min = 0\nmax = 8", "min = 100", "dials[0]", &["no value", "100, 50"]),
        ("revision = 1", "revision = 2.0", "revision", &["whole number", "2.0"]),
        ("p99 = \"60ms\" }", "p99 = \"6ms\" }", "links[0].delay", &["p99 (6ms) is below the median (30ms)"]),
        ("at = \"10s\"", "at = \"745h\"", "cues[0].at", &["744h"]),
        ("title = \"A pair\"", "title = \"A pair\"\nspeed = 0", "speed", &["0.001 to 100"]),
        ("revision = 1", "revision = 0", "revision", &["from 1"]),
        ("title = \"A pair\"", "title = \" \"", "title", &["needs a title"]),
        ("title = \"A pair\"", "title = \"A\\u0007pair\"", "title", &["U+0007"]),
        ("name = \"pair\"", "name = \"A pair\"", "name", &["lower case", "A pair"]),
        ("count = 2", "count = 20001", "groups[1].count", &["up to 20000"]),
        // Missing, twice, too many, both or neither.
        ("kind = \"database\"\n", "", "groups[1]", &["missing field `kind`"]),
        ("name = \"history\"\nkind = \"database\"", two, "groups[2].name", &["two groups \"history\""]),
        ("[[load]]", "[[links]]\nbetween = [\"history\", \"clients\"]\n[[load]]", "links[1].between", &["links[0]"]),
        ("at = \"10s\"", "at = \"10s\"\nwhen.after = \"1s\"", "cues[0]", &["either at or when"]),
        ("at = \"10s\"\n", "", "cues[0]", &["either at or when"]),
        ("when.all = [", "when.all = []\nthen = [] #", "cues[1].when", &["conditions"]),
        // Not TOML.
        ("[[dials]]", "[[dials]", "line 29", &[]),
        ("title = \"A pair\"", "title = \"A pair", "line 4", &[]),
        ("title = \"A pair\"", "title = \"A pair\"\ntitle = \"B\"", "line 5", &["duplicate key"]),
    ];
    let mut missed = Vec::new();
    for (right, wrong, at, parts) in cases {
        assert!(RIGHT.contains(right), "{right}");
        let found = problems(&RIGHT.replacen(right, wrong, 1));
        let problem = &found[0];
        if problem.at != *at || !parts.iter().all(|part| problem.told.contains(part)) {
            missed.push(format!("{wrong}\n  gives {problem}\n  not {at}: … {parts:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    // All at once, up to a number that one cares to read.
    let found = problems(&RIGHT.replace("kind = \"", "kind = \"x").replace("loss = 0", "loss = 2"));
    assert_eq!(found.len(), 3, "{found:#?}");
    // What cannot be read, too.
    let wrong =
        RIGHT.replace("count = 2", "cuont = 2").replace("loss = 0", "loss = \"0\"").replace("min = 0", "min = []");
    let found: Vec<String> = problems(&wrong).into_iter().map(|problem| problem.at).collect();
    assert_eq!(found, ["dials[0].min", "groups[1]", "links[0].loss"]);
    let many = format!("{RIGHT}{}", "[[links]]\nbetween = [\"x\", \"y\"]\n".repeat(200));
    assert!((20..=24).contains(&problems(&many).len()));
}

#[test]
fn limits_are_named() {
    let found = |toml: &str, at: &str, parts: &[&str]| {
        let found = problems(toml);
        assert!(found[0].at == at && parts.iter().all(|part| found[0].told.contains(part)), "{found:#?}");
    };
    let head = "name = \"a\"\ntitle = \"A\"\n";
    let crowd = |name: usize| format!("[[groups]]\nname = \"g{name}\"\nkind = \"client\"\ncount = 20000\n");
    found(&format!("{head}{}{}{}", crowd(1), crowd(2), crowd(3)), "groups", &["60000 members", "50000"]);
    let wired = "[[links]]\nbetween = [\"g1\", \"g2\"]\n";
    found(&format!("{head}{}{}{wired}", crowd(1), crowd(2)), "links", &["400000000 pairs", "400000"]);
    let groups: String = (0..65).map(crowd).collect();
    found(&format!("{head}{groups}"), "groups", &["65", "64"]);
    found(&format!("{head}{}", "[[cues]]\nat = \"1s\"\n".repeat(257)), "cues", &["257", "256"]);
    found(&format!("{head}summary = \"{}\"", "a".repeat(4_001)), "summary", &["4000"]);
    found(&format!("{head}# {}", "a".repeat(262_144)), "", &["262144"]);

    let json = |text: &str, parts: &[&str]| {
        let found = Document::from_json(text).expect_err("a wrong document");
        assert!(parts.iter().all(|part| found[0].to_string().contains(part)), "{found:#?}");
    };
    json(&" ".repeat(262_145), &["262144"]);
    json(&format!("{}{}", "[".repeat(50_000), "]".repeat(50_000)), &["expected a document"]);
    let deep = |depth: usize| {
        let condition = format!("{}{{\"after\":\"1s\"}}{}", "{\"not\":".repeat(depth), "}".repeat(depth));
        format!(r#"{{"name":"a","title":"A","cues":[{{"when":{condition}}}]}}"#)
    };
    Document::from_json(&deep(8)).unwrap_or_else(|found| panic!("{found:#?}"));
    json(&deep(9), &["cues[0].when", "8 deep"]);
    json(&deep(100), &["cues[0].when"]);
    json(&deep(10_000), &["cues[0].when", "recursion limit"]);
    json(r#"{"name":"a","title":"A"} true"#, &["after the end"]);
    json(r#"{"name":"a","title":"A""#, &["EOF"]);
    json("", &["expected a document"]);
    json(r#"{"name":"a","title":"A","\u202e`, expected `x`":1}"#, &["no field"]);
    json(&format!(r#"{{"name":"a","title":"A","{}":1}}"#, "x".repeat(200_000)), &["no field", "…"]);
}

/// Every place in a tree of JSON, as pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(place, item)| places(item, &format!("{at}/{place}"), found));
        }
        Value::Object(fields) => fields.iter().for_each(|(name, item)| places(item, &format!("{at}/{name}"), found)),
        _ => {}
    }
}

#[test]
fn a_tree_with_other_leaves_and_branches_has_an_answer() {
    let right: Value = serde_json::from_str(&schema::json(&builtin("chat").expect("built in"))).expect("JSON");
    let mut all = Vec::new();
    places(&right, "", &mut all);
    let leaves = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(1e308),
        json!(u64::MAX),
        json!(""),
        json!("\u{202e}"),
        json!("40ms"),
        json!("x".repeat(5_000)),
        json!([]),
        json!({}),
        json!(["clients", "history"]),
        json!({"lognormal": {"median": "0s", "p99": "1s"}}),
        json!({"then": []}),
    ];
    let mut stream = Stream::new(11, Purpose::Faults);
    let mut pick = |count: usize| stream.below(count as u64) as usize;
    let (mut right_still, mut wrong) = (0, 0);
    for _ in 0..20_000 {
        let mut tree = right.clone();
        for _ in 0..=pick(3) {
            let put = if pick(2) == 0 {
                leaves[pick(leaves.len())].clone()
            } else {
                right.pointer(&all[pick(all.len())]).cloned().expect("a place of it")
            };
            if let Some(place) = tree.pointer_mut(&all[pick(all.len())]) {
                *place = put;
            }
        }
        match Document::from_json(&tree.to_string()) {
            Ok(document) => {
                right_still += 1;
                document.templates().expect("a document without problems can be built");
                assert_eq!(Document::from_json(&schema::json(&document)).as_ref(), Ok(&document));
            }
            Err(found) => {
                wrong += 1;
                assert!(!found.is_empty() && found.iter().all(|problem| problem.to_string().len() < 1_500));
                assert!(!found.iter().any(|problem| problem.to_string().chars().any(faultline::scenario::hidden)));
            }
        }
    }
    assert!(right_still > 300 && wrong > 3_000, "{right_still} right, {wrong} wrong");
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(3), failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_text_has_an_answer(text in any::<String>(), bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let bytes = String::from_utf8_lossy(&bytes);
        for text in [&*text, &*bytes] {
            let _ = Document::from_json(text);
            let _ = Document::from_toml(text);
            let _ = Document::from_toml(&format!("name = \"a\"\ntitle = {text}"));
        }
    }

    #[test]
    fn a_document_with_a_hole_or_a_splinter_has_an_answer(at in 0..RIGHT.len(), len in 0..20usize, put in "\\PC{0,4}") {
        let end = (at + len).min(RIGHT.len());
        let _ = Document::from_toml(&format!("{}{put}{}", &RIGHT[..at], &RIGHT[end..]));
    }
}
