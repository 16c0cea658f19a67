//! What is measured: `tests/cost/NAME.toml`. What is the same for all cases stands once, in the sheet; a case has only
//! what it is about.

use std::path::Path;
use std::rc::Rc;

use serde::Deserialize;
use toml::{Table, Value};

use crate::cli::out::written;
use crate::cli::sheets::{self, MAX_SEEDS, stem};
use crate::scenario::Document;
use crate::sim::Value::Number;
use crate::sim::{Dist, Micros, Time, nearest_hint};

use super::table::KEYS;

/// How often a case may have a server killed in a run.
pub const MAX_STRIKES: u32 = 1_000;
/// How long a message is under way where round trips are counted, and nothing else takes time.
pub const HOP: Micros = Micros::ms(5);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    title: String,
    #[serde(default)]
    about: String,
    /// What is counted by: an operation, or a transaction.
    #[serde(default = "usual_unit")]
    unit: String,
    #[serde(default = "usual_seeds")]
    seeds: u32,
    /// The group that asks.
    clients: String,
    /// How many operations a second a client begins.
    rate: f64,
    /// Whether reads are measured, too.
    #[serde(default)]
    reads: bool,
    /// Whether it is aborted transactions that are measured.
    #[serde(default)]
    aborts: bool,
    strikes: Option<WrittenStrikes>,
    /// The document, but for what its cases have.
    document: Table,
    cases: Vec<WrittenCase>,
}

fn usual_unit() -> String {
    "operation".to_owned()
}

fn usual_seeds() -> u32 {
    20
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenStrikes {
    from: String,
    every: String,
    repair: String,
    count: u32,
    within: String,
    /// The group whose first is killed; when silent, the server that answered last.
    whom: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCase {
    name: String,
    #[serde(default)]
    groups: Vec<Table>,
    #[serde(default)]
    links: Vec<Value>,
    #[serde(default)]
    breaks: Vec<String>,
    #[serde(default)]
    expect: Table,
}

/// The server that answered last, or one that is named, is killed, again and again.
#[derive(Clone, Debug)]
pub struct Strikes {
    /// The first comes after this.
    pub from: Time,
    /// In each stretch of this length there is one, in the first half of it.
    pub every: Micros,
    /// It starts again after this.
    pub repair: Micros,
    /// How many there are.
    pub count: u32,
    /// An operation that takes longer than this is not answered in time.
    pub within: Micros,
    /// The group whose first is killed; without one, the server that answered last.
    pub whom: Option<String>,
}

/// A case, ready to be measured. Documents are JSON: they do not go from thread to thread.
pub struct Case {
    /// What it is called.
    pub name: String,
    /// With all checks.
    pub document: String,
    /// Without checks.
    pub quiet: String,
    /// Without checks; nothing takes time but messages, [`HOP`] each.
    pub even: String,
    /// The names of its checks.
    pub checks: Vec<String>,
    /// Those of them that some seed must break.
    pub breaks: Vec<String>,
    /// Figures, and between what they must lie.
    pub expect: Vec<(String, f64, f64)>,
}

/// A sheet, ready to be measured.
pub struct Sheet {
    /// The file's name without its ending.
    pub stem: String,
    /// What the tables are called.
    pub title: String,
    /// What is measured.
    pub about: String,
    /// What is counted by.
    pub unit: String,
    /// How many seeds are taken.
    pub seeds: u32,
    /// The group that asks.
    pub clients: String,
    /// How many operations a second a client begins.
    pub rate: f64,
    /// Whether reads are measured, too.
    pub reads: bool,
    /// Whether it is aborted transactions that are measured.
    pub aborts: bool,
    /// What goes wrong.
    pub strikes: Option<Strikes>,
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
        cases.push(case_of(&sheet, case).map_err(|told| format!("case \"{}\": {told}", case.name))?);
    }
    if !(sheet.rate > 0.0 && sheet.rate <= 1000.0) {
        return Err("rate: expected a number of operations a second, above 0 and at most 1000".to_owned());
    }
    Ok(Sheet {
        stem: stem(path),
        strikes: sheet.strikes.as_ref().map(strikes).transpose().map_err(|told| format!("strikes: {told}"))?,
        title: sheet.title,
        about: sheet.about,
        unit: sheet.unit,
        seeds: sheet.seeds.clamp(1, MAX_SEEDS),
        clients: sheet.clients,
        rate: sheet.rate,
        reads: sheet.reads,
        aborts: sheet.aborts,
        cases,
    })
}

fn strikes(written: &WrittenStrikes) -> Result<Strikes, String> {
    let strikes = Strikes {
        from: Time(Micros::parse(&written.from)?.0),
        every: Micros::parse(&written.every)?,
        repair: Micros::parse(&written.repair)?,
        count: written.count,
        within: Micros::parse(&written.within)?,
        whom: written.whom.clone(),
    };
    if strikes.repair.0 == 0 || strikes.repair.0 * 2 >= strikes.every.0 {
        return Err("repair must be above zero and less than half of every: one server is down at a time".to_owned());
    }
    if strikes.count == 0 || strikes.count > MAX_STRIKES {
        return Err(format!("count: expected 1 to {MAX_STRIKES}"));
    }
    Ok(strikes)
}

fn case_of(sheet: &Written, case: &WrittenCase) -> Result<Case, String> {
    let mut document = compose(sheet, case)?;
    let checks: Vec<String> = document.checks.iter().map(|check| check.name().to_owned()).collect();
    if let Some(other) = case.breaks.iter().find(|name| !checks.contains(name)) {
        let hint = nearest_hint(other, checks.iter().map(String::as_str));
        return Err(format!("breaks: there is no check \"{other}\"{hint}"));
    }
    if let Some(whom) = sheet.strikes.as_ref().and_then(|strikes| strikes.whom.as_ref())
        && !document.groups.iter().any(|group| group.name == *whom)
    {
        return Err(format!("strikes: there is no group \"{whom}\""));
    }
    let asks = document.groups.iter_mut().find(|group| group.name == sheet.clients);
    let Some(asks) = asks else {
        return Err(format!("clients: there is no group \"{}\"", sheet.clients));
    };
    // Nobody asks until they are told to, and then they write.
    asks.config.insert("rate".to_owned(), Number(0.0));
    let mut quiet = Document { checks: Vec::new(), ..document.clone() };
    for group in quiet.groups.iter_mut().filter(|group| sheet.reads && group.name == sheet.clients) {
        group.config.insert("reads".to_owned(), Number(0.0));
    }
    let mut even = quiet.clone();
    let none = Some(Dist::Constant(Micros::ZERO));
    for group in &mut even.groups {
        (group.service, group.disk) = (none.clone(), none.clone());
    }
    for link in &mut even.links {
        (link.delay, link.loss, link.bandwidth) = (Some(Dist::Constant(HOP)), 0.0, None);
    }
    let text = |document: &Document| written(document).to_string();
    let expect = case.expect.iter().map(|(key, value)| expected(key, value)).collect::<Result<_, _>>()?;
    Ok(Case {
        name: case.name.clone(),
        document: text(&document),
        quiet: text(&quiet),
        even: text(&even),
        checks,
        breaks: case.breaks.clone(),
        expect,
    })
}

/// The sheet's document with what the case has: groups of the same name become one, others come after them.
fn compose(sheet: &Written, case: &WrittenCase) -> Result<Document, String> {
    let mut table = sheet.document.clone();
    let groups = list(&mut table, "groups")?;
    for more in &case.groups {
        let same =
            groups.iter_mut().filter_map(Value::as_table_mut).find(|group| group.get("name") == more.get("name"));
        match same {
            Some(group) => group.extend(more.clone()),
            None => groups.push(Value::Table(more.clone())),
        }
    }
    list(&mut table, "links")?.extend(case.links.iter().cloned());
    let text = toml::to_string(&table).map_err(|why| why.to_string())?;
    Document::from_toml(&text).map_err(|problems| problems[0].to_string())
}

fn list<'a>(table: &'a mut Table, name: &str) -> Result<&'a mut Vec<Value>, String> {
    let list = table.entry(name).or_insert_with(|| Value::Array(Vec::new())).as_array_mut();
    list.ok_or_else(|| format!("document.{name}: expected a list"))
}

/// A figure that is expected: a number, or the least and the most.
fn expected(key: &str, value: &Value) -> Result<(String, f64, f64), String> {
    let number = |value: &Value| value.as_float().or(value.as_integer().map(|number| number as f64));
    if !KEYS.contains(&key) {
        return Err(format!("expect: there is no figure \"{key}\"{}", nearest_hint(key, KEYS.iter().copied())));
    }
    let range = match value {
        Value::Array(range) if range.len() == 2 => number(&range[0]).zip(number(&range[1])),
        // What is written with two places is meant with two.
        one => number(one).map(|one| (one - 0.005, one + 0.005)),
    };
    let (low, high) = range.ok_or_else(|| format!("expect.\"{key}\": expected a number, or the least and the most"))?;
    Ok((key.to_owned(), low, high))
}

/// A document as it was written by [`read`].
pub fn document(json: &str) -> Result<Rc<Document>, String> {
    Document::from_json(json).map(Rc::new).map_err(|problems| problems[0].to_string())
}
