//! `faultline list`: the built-in scenarios.

use serde_json::{Value as Json, json};

use crate::components::{self, Kind};
use crate::scenario::{Dial, Document, builtin, builtins, dial_range};
use crate::sim::{Field, FieldKind, Value};

use super::Verdict;
use super::out::{Failure, Out, written};

#[derive(clap::Args)]
pub struct Arguments {
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub fn main(arguments: &Arguments, out: &mut Out) -> Result<Verdict, Failure> {
    let documents: Vec<Document> = builtins().map(builtin).collect::<Result<_, _>>()?;
    if arguments.json {
        out.json(&Json::Array(documents.iter().map(as_json).collect()))?;
        return Ok(Verdict::Well);
    }
    for (place, document) in documents.iter().enumerate() {
        if place > 0 {
            out.line("")?;
        }
        tell(document, out)?;
    }
    if documents.is_empty() {
        out.line("There are no built-in scenarios.")?;
    }
    Ok(Verdict::Well)
}

fn tell(document: &Document, out: &mut Out) -> Result<(), Failure> {
    out.line(format_args!("{}  {}, revision {}", document.name, document.title, document.revision))?;
    if !document.summary.is_empty() {
        out.line(format_args!("  {}", document.summary))?;
    }
    for dial in &document.dials {
        let set = setting_of(document, dial).map_or(String::new(), |(_, value)| value.to_string());
        out.line(format_args!("  dial   {}={set}  {}{}", dial.name, dial.title, accepts(document, dial)))?;
    }
    for check in &document.checks {
        out.line(format_args!("  check  {}  {}", check.name(), check.promise()))?;
    }
    out.line(format_args!("  of     {}", kinds(document).join(", ")))
}

/// What a dial accepts, for people.
fn accepts(document: &Document, dial: &Dial) -> String {
    let Some((field, _)) = setting_of(document, dial) else { return String::new() };
    let kind = (field.kind)();
    match kind {
        FieldKind::Flag => ", true or false".to_owned(),
        FieldKind::Choice(words) => format!(", one of {}", words.join(", ")),
        _ => dial_range(dial, &kind).map_or(String::new(), |(min, max)| {
            let unit = if matches!(kind, FieldKind::Span { .. }) { "s" } else { field.unit };
            format!(", {min} to {max}{}{unit}", if unit.is_empty() { "" } else { " " })
        }),
    }
}

/// The kinds of components in a document, each once, in its order.
fn kinds(document: &Document) -> Vec<&str> {
    let mut kinds: Vec<&str> = Vec::new();
    for group in &document.groups {
        if !kinds.contains(&&*group.kind) {
            kinds.push(&group.kind);
        }
    }
    kinds
}

/// The setting that a dial turns, and its value when nothing was turned.
fn setting_of(document: &Document, dial: &Dial) -> Option<(&'static Field, Value)> {
    let group = document.groups.iter().find(|group| group.name == dial.group)?;
    let kind: &'static Kind = components::kind(&group.kind)?;
    let field = kind.fields().iter().find(|field| field.name == dial.field)?;
    Some((field, group.config.get(&dial.field).cloned().unwrap_or_else(field.default)))
}

fn as_json(document: &Document) -> Json {
    let dials = document.dials.iter().map(|dial| {
        let (field, value) = setting_of(document, dial).unzip();
        let kind = field.map(|field| (field.kind)());
        let range = kind.as_ref().and_then(|kind| dial_range(dial, kind));
        let words = match kind {
            Some(FieldKind::Choice(words)) => json!(words),
            _ => Json::Null,
        };
        json!({
            "name": dial.name,
            "title": dial.title,
            "group": dial.group,
            "field": dial.field,
            "help": field.map(|field| field.help.trim()),
            "unit": field.map(|field| if matches!(kind, Some(FieldKind::Span { .. })) { "s" } else { field.unit }),
            "value": value.as_ref().map(|value| written(value)),
            "min": range.map(|(min, _)| min),
            "max": range.map(|(_, max)| max),
            "words": words,
        })
    });
    json!({
        "name": document.name,
        "title": document.title,
        "summary": document.summary,
        "revision": document.revision,
        "seed": document.seed.to_string(),
        "length": written(&document.length),
        "dials": dials.collect::<Vec<_>>(),
        "checks": document.check_names(),
        "kinds": kinds(document),
    })
}
