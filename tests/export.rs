//! Exports, read back by other means than they were written with: what a tool that opens them relies on.
#![cfg(not(target_arch = "wasm32"))]

#[path = "shared/golden.rs"]
mod golden;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use faultline::components::{Fact, Record, What};
use faultline::scenario::{Act, Run, builtin};
use faultline::sim::Time;
use faultline::trace::export::{EPOCH, LEAD, Stretch, chrome, csv, jsonl, otlp, shiviz};
use faultline::trace::{KIND_WORDS, WINDOW};
use serde_json::Value as Json;

/// A chat service in which much goes wrong, until ten seconds.
fn troubled(seed: u64) -> (Vec<Record>, Run) {
    let mut run = Run::new(Rc::new(builtin("chat").expect("it is there")), seed).expect("it has no problems");
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let mut records = Vec::new();
    let acts = [
        (2, Act::Slow { node: "history".to_owned(), factor: 60.0 }),
        (3, Act::Kill { node: "sender-1".to_owned(), disk: false }),
        (4, Act::Pause { node: "gateway-1".to_owned() }),
        (5, Act::Cut { between: pair("sender-2", "history"), one_way: false }),
        (6, Act::Resume { node: "gateway-1".to_owned() }),
        (7, Act::Heal { between: pair("sender-2", "history"), one_way: false }),
        (8, Act::Kill { node: "history-1".to_owned(), disk: true }),
        (9, Act::Remove { node: "gateway-2".to_owned() }),
    ];
    for (second, act) in &acts {
        run.run_until(Time(second * 1_000_000), &mut records);
        run.act(act, &mut records).expect("it can be done");
    }
    run.run_until(Time(10_000_000), &mut records);
    (records, run)
}

/// The records of a stretch with its lead, and the stretch.
fn exported(records: &[Record], run: &Run, from: u64, export: fn(&Stretch) -> String) -> String {
    let first = records.partition_point(|record| record.at.0 < from.saturating_sub(LEAD.0));
    let stretch = Stretch::new(&records[first..], &run.world, &run.metrics, "Chat service", Time(from));
    export(&stretch)
}

/// Each of some runs and beginnings.
fn each(check: impl Fn(&[Record], &Run, u64)) {
    for seed in [1, 20260] {
        let (records, run) = troubled(seed);
        for from in [0, 3_500_000, 9_900_000, 20_000_000] {
            check(&records, &run, from);
        }
    }
}

fn text<'a>(value: &'a Json, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} of {value}"))
}

fn number(value: &Json, field: &str) -> u64 {
    value[field].as_u64().unwrap_or_else(|| panic!("{field} of {value}"))
}

#[test]
fn chrome_slices_nest_and_every_flow_ends_or_is_said_not_to() {
    each(|records, run, from| {
        let json: Json = serde_json::from_str(&exported(records, run, from, chrome)).expect("JSON");
        let events = json["traceEvents"].as_array().expect("events");
        let mut named = BTreeSet::new();
        // Of each thread: its last instant, and the slices that are open.
        let mut threads: BTreeMap<(u64, u64), (u64, Vec<&str>)> = BTreeMap::new();
        let (mut starts, mut ends, mut excused) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        let mut requests: BTreeMap<(u64, &str), Vec<(&str, u64)>> = BTreeMap::new();
        let mut waiting: BTreeMap<u64, u64> = BTreeMap::new();
        for event in events {
            let (phase, process) = (text(event, "ph"), number(event, "pid"));
            if phase == "M" {
                named.insert((process, number(event, "tid")));
                assert!(process > 0 && ["process_name", "thread_name"].contains(&text(event, "name")));
                continue;
            }
            let thread = (process, number(event, "tid"));
            assert!(named.contains(&thread), "its name stands before it: {event}");
            let at = number(event, "ts");
            assert!(at >= from && at <= run.world.now().0 || phase == "B", "{event}");
            let (last, open) = threads.entry(thread).or_default();
            assert!(*last <= at, "a thread's time never goes back: {event}");
            *last = at;
            match phase {
                "B" => open.push(text(event, "name")),
                "E" => drop(open.pop().expect("it was begun")),
                "s" | "f" => {
                    assert!(!open.is_empty(), "a flow hangs on a slice: {event}");
                    let key = (number(event, "id"), text(event, "name"), text(event, "cat"));
                    let flows = if phase == "s" { &mut starts } else { &mut ends };
                    assert_eq!(flows.insert(key, at), None, "once: {event}");
                    assert!(phase == "s" || text(event, "bp") == "e");
                }
                "b" | "e" => requests.entry((process, text(event, "id"))).or_default().push((phase, at)),
                "C" => drop(waiting.insert(process, number(&event["args"], "messages"))),
                "i" => {
                    let message = event["args"]["message"].as_u64();
                    message.into_iter().for_each(|message| assert!(excused.insert(message), "once: {event}"));
                }
                other => panic!("{other}"),
            }
        }
        assert!(threads.values().all(|(_, open)| open.is_empty()), "every slice has an end");
        for (flow, left) in &starts {
            match ends.get(flow) {
                Some(came) => assert!(left <= came && !excused.contains(&flow.0), "{flow:?}"),
                None => assert!(excused.contains(&flow.0), "a flow without an end is lost or under way: {flow:?}"),
            }
        }
        assert!(ends.keys().all(|flow| starts.contains_key(flow)), "nothing comes that did not leave");
        for (request, pair) in &requests {
            let [("b", begun), ("e", ended)] = pair[..] else { panic!("{request:?}: {pair:?}") };
            assert!(begun <= ended);
        }
        for (id, node) in run.world.nodes() {
            let last = waiting.get(&(u64::from(id.0) + 1)).copied().unwrap_or(0);
            assert!(
                last == node.waiting() as u64 || from > 0,
                "{} has {} waiting, not {last}",
                node.name,
                node.waiting()
            );
        }
        assert_eq!(events.is_empty(), from > run.world.now().0);
        assert!(from > 0 || starts.len() > 1_000 && requests.len() > 100 && waiting.values().any(|most| *most > 0));
    });
}

#[test]
fn otlp_spans_have_parents_that_began_before_them() {
    each(|records, run, from| {
        let json: Json = serde_json::from_str(&exported(records, run, from, otlp)).expect("JSON");
        let mut spans: BTreeMap<&str, (&Json, &str)> = BTreeMap::new();
        for resource in json["resourceSpans"].as_array().expect("resources") {
            let attributes = resource["resource"]["attributes"].as_array().expect("attributes");
            let value = |key: &str| {
                let found = attributes.iter().find(|attribute| text(attribute, "key") == key).expect(key);
                text(&found["value"], "stringValue")
            };
            assert!(!value("service.name").is_empty());
            let instance = value("service.instance.id");
            for span in resource["scopeSpans"].as_array().expect("scopes").iter().flat_map(|it| it["spans"].as_array())
            {
                for span in span {
                    assert!(spans.insert(text(span, "spanId"), (span, instance)).is_none(), "its number is its own");
                }
            }
        }
        let hex = |text: &str, digits: usize| {
            text.len() == digits
                && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
                && text.bytes().any(|b| b != b'0')
        };
        let nanos = |span: &Json, field: &str| -> u64 { text(span, field).parse().expect("a whole number") };
        for (id, (span, _)) in &spans {
            assert!(hex(id, 16) && hex(text(span, "traceId"), 32), "{span}");
            let (begun, end) = (nanos(span, "startTimeUnixNano"), nanos(span, "endTimeUnixNano"));
            assert!(begun <= end && begun >= EPOCH * 1_000_000_000 + from * 1_000, "{span}");
            assert!(end <= EPOCH * 1_000_000_000 + run.world.now().0 * 1_000, "{span}");
            assert!((1..=5).contains(&number(span, "kind")));
            let Some(parent) = span.get("parentSpanId") else { continue };
            let (parent, _) = spans.get(parent.as_str().expect("a text")).expect("the parent is there");
            assert_eq!(parent["traceId"], span["traceId"]);
            assert!(nanos(parent, "startTimeUnixNano") <= begun, "{parent}\n{span}");
        }
        let of_kind = |kind: u64| spans.values().filter(|(span, _)| number(span, "kind") == kind).count();
        assert_eq!(of_kind(2), of_kind(3), "one was asked where one asked");
        assert!(from > 0 || of_kind(3) > 100 && of_kind(5) > 100);
        let lost = spans.values().filter(|(span, _)| span["status"]["code"] == 2).count();
        assert!(from > 0 || lost > 10, "{lost}");
    });
}

#[test]
fn shiviz_clocks_count_their_own_events_and_know_only_what_has_happened() {
    each(|records, run, from| {
        let log = exported(&records[records.partition_point(|it| it.at.0 < from)..], run, from, shiviz);
        let rest = log.strip_prefix("(?<host>\\S*) (?<clock>{.*})\\n(?<event>.*)\n\n").expect("the head");
        let lines: Vec<&str> = rest.lines().collect();
        assert_eq!(lines.len() % 2, 0);
        let mut known: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for event in lines.chunks(2) {
            let (host, clock) = event[0].split_once(' ').expect("a host and a clock");
            assert!(!host.contains(char::is_whitespace) && !event[1].is_empty());
            let clock: BTreeMap<String, u64> = serde_json::from_str(clock).expect("a clock");
            let before = known.get(host).cloned().unwrap_or_default();
            assert_eq!(clock[host], before.get(host).unwrap_or(&0) + 1, "its own part goes up by one: {event:?}");
            assert!(before.iter().all(|(node, count)| clock[node] >= *count), "nothing is forgotten: {event:?}");
            for (node, count) in clock.iter().filter(|(node, _)| *node != host) {
                let happened = known.get(node).map_or(0, |theirs| theirs[node]);
                assert!((1..=happened).contains(count), "it knows what has not happened: {event:?}");
            }
            known.insert(host.to_owned(), clock);
        }
        assert!(from > 0 || known.len() >= 14 && lines.len() > 2_000);
        // What came knows what its sender knew: a message that arrived first within the stretch.
        if from == 0 {
            assert!(known["client-1"].len() > 10, "everyone has heard of nearly everyone");
        }
    });
}

/// A reader of comma-separated values, as RFC 4180 has them.
fn parsed(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quoted) {
            ('"', true) if chars.peek() == Some(&'"') => field.push(chars.next().expect("it was seen")),
            ('"', _) => quoted = !quoted,
            (',', false) => row.push(std::mem::take(&mut field)),
            ('\r', false) => {
                assert_eq!(chars.next(), Some('\n'));
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            (c, _) => field.push(c),
        }
    }
    assert!(!quoted && row.is_empty() && field.is_empty(), "the last row ends as all do");
    rows
}

#[test]
fn csv_rows_have_the_columns_of_the_head_and_add_up() {
    each(|records, run, from| {
        let rows = parsed(&exported(records, run, from, csv));
        let head = &rows[0];
        assert!(rows.iter().all(|row| row.len() == head.len()));
        let names: BTreeSet<&String> = head.iter().collect();
        assert_eq!((names.len(), &*head[0]), (head.len(), "start_us"), "every column has a name of its own");
        let number = |field: &str| -> u64 { field.parse().expect("a whole number") };
        let first = from.div_ceil(WINDOW.0) * WINDOW.0;
        let starts: Vec<u64> = rows[1..].iter().map(|row| number(&row[0])).collect();
        let expected: Vec<u64> = (first..run.world.now().0).step_by(WINDOW.0 as usize).collect();
        assert_eq!(starts, expected);
        let column = |name: &str| head.iter().position(|head| head == name).expect(name);
        let sum = |name: &str| -> u64 { rows[1..].iter().map(|row| number(&row[column(name)])).sum() };
        if rows.len() == 1 {
            return;
        }
        let within = |record: &&Record| record.at.0 >= first && record.at < run.world.now();
        let count =
            |is: fn(&What) -> bool| records.iter().filter(within).filter(|record| is(&record.what)).count() as u64;
        assert_eq!(sum("messages sent count"), count(|what| matches!(what, What::Sent { .. })));
        assert_eq!(sum("messages lost count"), count(|what| matches!(what, What::Lost { .. })));
        let named = |name: &str| run.world.find(name).expect("it is there");
        let sender = named("sender-2");
        let served = records.iter().filter(within).filter(|it| it.node == sender);
        let served = served.filter(|record| matches!(record.what, What::Served { .. })).count() as u64;
        assert_eq!(sum("sender-2 served"), served);
    });
}

#[test]
fn json_lines_are_the_records_one_by_one() {
    each(|records, run, from| {
        let text_of = exported(records, run, from, jsonl);
        let wanted: Vec<&Record> = records.iter().filter(|record| record.at.0 >= from).collect();
        assert_eq!(text_of.lines().count(), wanted.len());
        for (line, record) in text_of.lines().zip(wanted) {
            let json: Json = serde_json::from_str(line).expect("JSON");
            let fields: Vec<&str> = json.as_object().expect("an object").keys().map(String::as_str).collect();
            for always in ["id", "at_us", "cause", "node", "kind", "text"] {
                assert!(fields.contains(&always), "{line}");
            }
            assert_eq!((number(&json, "id"), number(&json, "at_us")), (record.id.0, record.at.0));
            assert_eq!((number(&json, "cause"), text(&json, "node")), (record.cause.0, run.world.name(record.node)));
            let kind = text(&json, "kind");
            assert!(KIND_WORDS.iter().chain(Fact::NAMES).any(|word| *word == kind), "{kind}");
            if let What::Sent { to, message, due } = &record.what {
                assert_eq!((text(&json, "to"), number(&json, "due_us")), (run.world.name(*to), due.0));
                assert_eq!(json["fields"].as_object().map(|fields| fields.len()), Some(message.fields().len()));
            }
        }
    });
}

#[test]
fn a_small_stretch_of_each_is_as_accepted() {
    let mut run = Run::new(Rc::new(builtin("chat").expect("it is there")), 20260).expect("no problems");
    let mut records = Vec::new();
    run.run_until(Time(1_060_000), &mut records);
    let export = |export: fn(&Stretch) -> String, from: u64| exported(&records, &run, from, export);
    let from = 1_000_000;
    golden::compare("derived/chat.chrome.json", include_str!("golden/derived/chat.chrome.json"), &export(chrome, from));
    golden::compare("derived/chat.otlp.json", include_str!("golden/derived/chat.otlp.json"), &export(otlp, from));
    golden::compare("derived/chat.jsonl", include_str!("golden/derived/chat.jsonl"), &export(jsonl, from));
    golden::compare("derived/chat.csv", include_str!("golden/derived/chat.csv"), &export(csv, 0));
    let first = records.partition_point(|record| record.at.0 < from);
    let log = exported(&records[first..], &run, from, shiviz);
    golden::compare("derived/chat.shiviz.log", include_str!("golden/derived/chat.shiviz.log"), &log);
}
