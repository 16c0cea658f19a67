//! `faultline check-history`: whether a history is linearizable. `docs/history.md` describes the file.
#![expect(clippy::disallowed_types, reason = "how long to search is the caller's time, which no run sees")]

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Map, Value as Json, json};

use crate::check::linear::{self, Event, History, Kind, Model, Value, Values, Violation};
use crate::sim::{Micros, nearest_hint};

use super::out::{Failure, Out};
use super::{Verdict, input};

/// How many bytes of a history are read.
const MAX_HISTORY: u64 = 1 << 30;

#[derive(clap::Args)]
pub struct Arguments {
    /// The history, a JSON object a line; - for standard input
    file: String,
    /// The object that it is a history of: register, cas-register, kv, queue, list-append, set or counter
    #[arg(long, value_parser = model)]
    model: Model,
    /// The state before everything, as JSON; otherwise null, or empty
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    initial: Option<String>,
    /// How long to search before the answer is: unknown
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = input::span)]
    budget: Micros,
    /// The answer as JSON
    #[arg(long)]
    json: bool,
}

fn model(word: &str) -> Result<Model, String> {
    Model::ALL.iter().find(|model| model.name() == word).copied().ok_or_else(|| {
        let names: Vec<&str> = Model::ALL.iter().map(|model| model.name()).collect();
        format!("expected {}{}", names.join(", "), nearest_hint(word, names.iter().copied()))
    })
}

pub fn main(arguments: &Arguments, out: &mut Out) -> Result<Verdict, Failure> {
    let start = Instant::now();
    let file = &arguments.file;
    let mut history = History::new(arguments.model);
    let initial = match &arguments.initial {
        None => None,
        Some(text) => {
            let read: Json = serde_json::from_str(text).map_err(|why| {
                Failure::told(format!("--initial: expected JSON, such as 0, null or '\"a\"', found {text}: {why}"))
            })?;
            Some(value(history.values(), &read))
        }
    };
    read(file, &mut history)?;
    let operations = history.len();
    let allowed = Duration::from_micros(arguments.budget.0);
    let mut steps = 0;
    let mut go_on = |taken| {
        steps = taken;
        start.elapsed() < allowed
    };
    let verdict = history.check(initial, &mut go_on).map_err(|told| Failure::told(format!("{file}: {told}")))?;
    let model = arguments.model.name();
    if arguments.json {
        let (word, violation, unknown) = match &verdict {
            linear::Verdict::Holds => ("holds", Json::Null, json!([])),
            linear::Verdict::Violated(violation) => ("violated", as_json(violation), json!([])),
            linear::Verdict::Unknown(keys) => {
                ("unknown", Json::Null, keys.iter().map(|key| parsed(key.as_ref())).collect())
            }
        };
        out.json(&json!({
            "verdict": word,
            "model": model,
            "operations": operations,
            "violation": violation,
            "undecided": unknown,
        }))?;
    } else {
        match &verdict {
            linear::Verdict::Holds => {
                out.line(format_args!("holds: {operations} operations are linearizable as a {model}"))?;
            }
            linear::Verdict::Violated(violation) => {
                out.line(format_args!("violated: {}", violation.told))?;
                out.line("")?;
                out.text(&violation.draw())?;
                out.line("")?;
                for (place, one) in violation.operations.iter().enumerate() {
                    let mark = if place == violation.stuck { "✗" } else { " " };
                    out.line(format_args!("{mark} process {}: {} ({})", one.process, one.what, one.lines()))?;
                }
            }
            linear::Verdict::Unknown(keys) => {
                let named: Vec<&str> = keys.iter().flatten().take(10).map(String::as_str).collect();
                let of = match (named.len(), keys.len()) {
                    (0, _) => String::new(),
                    (few, all) if few < all => format!(", of keys {} and {} more", named.join(", "), all - few),
                    _ => format!(", of keys {}", named.join(", ")),
                };
                out.line(format_args!("unknown: neither an order nor that there is none was found in the time{of}"))?;
            }
        }
    }
    Ok(match verdict {
        linear::Verdict::Holds => Verdict::Well,
        linear::Verdict::Violated(_) => Verdict::Broken,
        linear::Verdict::Unknown(_) => Verdict::Unknown,
    })
}

fn parsed(text: Option<&String>) -> Json {
    text.map_or(Json::Null, |text| serde_json::from_str(text).unwrap_or_else(|_| json!(text)))
}

fn as_json(violation: &Violation) -> Json {
    let operations = violation.operations.iter().map(
        |one| json!({ "process": &*one.process, "what": one.what, "called": one.called, "returned": one.returned }),
    );
    json!({
        "told": violation.told,
        "key": parsed(violation.key.as_ref()),
        "initial": parsed(violation.initial.as_ref()),
        "operations": operations.collect::<Vec<_>>(),
        "stuck": violation.stuck,
        "states": violation.states.iter().map(|state| parsed(Some(state))).collect::<Vec<_>>(),
        "picture": violation.draw(),
    })
}

/// Reads a history line by line.
fn read(file: &str, history: &mut History) -> Result<(), Failure> {
    if !input::is_file(file) {
        let what = if Path::new(file).is_dir() { "a folder, not a file" } else { "not there" };
        return Err(Failure::told(format!("{file} is {what}")));
    }
    let failed = |why: std::io::Error| Failure::told(format!("{file}: it cannot be read: {why}"));
    let source: Box<dyn Read> = match file {
        "-" => Box::new(std::io::stdin().lock()),
        _ => Box::new(File::open(file).map_err(failed)?),
    };
    let mut source = BufReader::with_capacity(1 << 16, source.take(MAX_HISTORY));
    let (mut line, mut number, mut bytes) = (String::new(), 0_u32, 0);
    loop {
        line.clear();
        let length = source.read_line(&mut line).map_err(failed)?;
        if length == 0 {
            return Ok(());
        }
        bytes += length as u64;
        if bytes >= MAX_HISTORY {
            return Err(Failure::told(format!("{file}: it is longer than {MAX_HISTORY} bytes, which is the limit")));
        }
        number += 1;
        if !line.trim().is_empty() {
            event(history, &line, number).map_err(|told| Failure::told(format!("{file}: line {number}: {told}")))?;
        }
    }
}

fn event(history: &mut History, line: &str, number: u32) -> Result<(), String> {
    let fields: Map<String, Json> = serde_json::from_str(line).map_err(|why| {
        let why = why.to_string();
        let why = why.split(" at line").next().unwrap_or_default();
        format!("expected a JSON object, such as {{\"process\": 0, \"type\": \"invoke\", \"op\": \"read\"}}: {why}")
    })?;
    let text = |names: &[&str]| -> Result<Option<&str>, String> {
        match names.iter().find_map(|name| fields.get(*name).map(|field| (name, field))) {
            // Jepsen's keywords may have kept their colons.
            Some((_, Json::String(text))) => Ok(Some(text.strip_prefix(':').unwrap_or(text))),
            Some((_, Json::Null)) | None => Ok(None),
            Some((name, other)) => Err(format!("expected a text as \"{name}\", found {other}")),
        }
    };
    let process = match fields.get("process") {
        Some(Json::Number(number)) => number.to_string(),
        Some(Json::String(text)) => text.strip_prefix(':').unwrap_or(text).to_owned(),
        Some(other) => return Err(format!("expected a number or a name as \"process\", found {other}")),
        None => return Err("no \"process\"; expected who calls, a number or a name".to_owned()),
    };
    if process == "nemesis" {
        return Ok(());
    }
    let kind = text(&["type"])?.ok_or("no \"type\"; expected invoke, ok, fail or info")?;
    let kind = Kind::parse(kind)?;
    let op = text(&["op", "f"])?;
    let result = match fields.get("result") {
        Some(Json::Bool(result)) => Some(*result),
        _ => None,
    };
    let values = history.values();
    let mut of = |name: &str| fields.get(name).map(|field| value(values, field));
    let (key, value) = (of("key").filter(|key| *key != Value::NULL), of("value"));
    history.push(&Event { process: &process, kind, op, key, value, result, line: number })
}

fn value(values: &mut Values, json: &Json) -> Value {
    match json {
        Json::Array(items) => {
            let mut list = Value::EMPTY_LIST;
            for item in items {
                let item = value(values, item);
                list = values.push(list, item);
            }
            list
        }
        other => values.atom(&other.to_string()),
    }
}
