//! What a swarm is made of: `tests/swarm/NAME.toml`.

use std::path::Path;
use std::rc::Rc;

use serde::Deserialize;
use toml::{Table, Value};

use crate::cli::out::written;
use crate::cli::sheets::{self, stem};
use crate::cli::validate::with;
use crate::scenario::{Document, builtin};
use crate::sim::{Micros, Time, nearest_hint};
use crate::timeline::{Cursor, Moment};

/// A sheet as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// What the table is called.
    title: Option<String>,
    /// What is tried, in a sentence or two.
    #[serde(default)]
    about: String,
    /// A built-in document, or a file beside this one.
    scenario: String,
    /// The end of each run.
    until: String,
    /// How many seeds tests take.
    #[serde(default = "usual_seeds")]
    seeds: u32,
    /// Fault plans beside the document's.
    #[serde(default)]
    plans: Vec<Value>,
    /// Cues beside the document's.
    #[serde(default)]
    cues: Vec<Value>,
    /// Checks beside the document's.
    #[serde(default)]
    checks: Vec<Value>,
    cases: Vec<WrittenCase>,
}

fn usual_seeds() -> u32 {
    100
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCase {
    name: String,
    /// Dials and their values, or `group.field`.
    #[serde(default)]
    set: Table,
    /// Another document.
    scenario: Option<String>,
    /// Another end.
    until: Option<String>,
    /// Other plans instead of the sheet's.
    plans: Option<Vec<Value>>,
    /// More cues.
    #[serde(default)]
    cues: Vec<Value>,
    /// More checks.
    #[serde(default)]
    checks: Vec<Value>,
    /// The check, or a part of what it tells, that some seed must break.
    breaks: Option<String>,
}

/// A case, ready to be run.
pub struct Case {
    /// What it is called.
    pub name: String,
    /// The document as JSON: documents do not go from thread to thread.
    document: String,
    /// How long a run is.
    until: Time,
    /// What some seed must break; otherwise no seed may break anything.
    pub breaks: Option<String>,
}

/// A sheet, ready to be run.
pub struct Sheet {
    /// The file's name without its ending.
    pub stem: String,
    /// What the table is called.
    pub title: String,
    /// What is tried.
    pub about: String,
    /// How many seeds tests take.
    pub seeds: u32,
    /// Its cases.
    pub cases: Vec<Case>,
}

impl sheets::Sheet for Sheet {
    type Case = Case;
    fn names(&self) -> Vec<&str> {
        vec![&self.stem]
    }
    fn cases(&mut self) -> &mut Vec<Case> {
        &mut self.cases
    }
    fn name(case: &Case) -> &str {
        &case.name
    }
}

/// The sheet in a file.
pub fn read(path: &Path) -> Result<Sheet, String> {
    let sheet: Written = sheets::parse(path)?;
    let mut cases = Vec::new();
    for case in &sheet.cases {
        let told = |told: String| format!("case \"{}\": {told}", case.name);
        let document = compose(path, &sheet, case).map_err(told)?;
        let until = Micros::parse(case.until.as_ref().unwrap_or(&sheet.until)).map_err(told)?;
        let document = written(&document).to_string();
        cases.push(Case { name: case.name.clone(), document, until: Time(until.0), breaks: case.breaks.clone() });
    }
    let stem = stem(path);
    let title = sheet.title.unwrap_or_else(|| stem.clone());
    Ok(Sheet { stem, title, about: sheet.about, seeds: sheet.seeds, cases })
}

/// The document of a case, with its settings, plans, cues and checks.
fn compose(path: &Path, sheet: &Written, case: &WrittenCase) -> Result<Document, String> {
    let first = |problems: Vec<crate::scenario::Problem>| problems[0].to_string();
    let name = case.scenario.as_ref().unwrap_or(&sheet.scenario);
    let file = path.with_file_name(name);
    let document = if file.is_file() {
        let text = std::fs::read_to_string(&file).map_err(|why| format!("{}: {why}", file.display()))?;
        Document::from_toml(&text).map_err(first)?
    } else {
        builtin(name).map_err(|problem| format!("{problem}; nor is there such a file beside the sheet"))?
    };
    let (fields, dials): (Vec<_>, Vec<_>) = case.set.iter().partition(|(key, _)| key.contains('.'));
    let mut settings = Vec::new();
    for (dial, value) in dials {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        settings.push(crate::cli::input::setting(&format!("{dial}={text}"))?);
    }
    let document = document.with_settings(&settings).map_err(|problem| {
        let dials = document.dials.iter().map(|dial| dial.name.as_str());
        let unknown = case.set.keys().find(|key| !key.contains('.') && !dials.clone().any(|dial| dial == *key));
        let hint = unknown.map_or(String::new(), |key| nearest_hint(key, dials));
        format!("set: {problem}{hint}")
    })?;
    let mut table: Table = toml::Table::try_from(written(&document)).map_err(|why| why.to_string())?;
    append(&mut table, "plans", case.plans.as_ref().unwrap_or(&sheet.plans));
    append(&mut table, "cues", &sheet.cues);
    append(&mut table, "cues", &case.cues);
    append(&mut table, "checks", &sheet.checks);
    append(&mut table, "checks", &case.checks);
    let text = toml::to_string(&table).map_err(|why| why.to_string())?;
    let text = with(&text, &fields.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect())?;
    Document::from_toml(&text).map_err(first)
}

fn append(table: &mut Table, list: &str, more: &[Value]) {
    if let Some(list) = table.entry(list).or_insert_with(|| Value::Array(Vec::new())).as_array_mut() {
        list.extend(more.iter().cloned());
    }
}

impl Case {
    /// A run of it, at its end.
    pub fn moment(&self, seed: u64) -> Result<Moment, String> {
        let document = Document::from_json(&self.document).map_err(|problems| problems[0].to_string())?;
        let cursor = Cursor { at: self.until, steps: None };
        Ok(Moment { document: Rc::new(document), seed, settings: Vec::new(), acts: Vec::new(), cursor })
    }
}
