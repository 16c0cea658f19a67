//! What was published about a document: `NAME.expect.toml` beside `NAME.toml`.

use std::hash::{Hash, Hasher};
use std::path::Path;

use serde::Deserialize;
use toml::{Table, Value};

use crate::cli::out::Failure;
use crate::cli::sheets;
use crate::scenario::Document;
use crate::sim::{Digest, Micros, fixed};

use super::measured::Comparison;

/// How many runs a case may ask for.
const MAX_RUNS: u32 = 10_000;

/// A sidecar as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// What the table is called.
    title: String,
    /// What is compared, in a few sentences.
    #[serde(default)]
    about: String,
    /// Where the published values come from.
    source: String,
    /// The document, without its ending; that of the same name when silent.
    document: Option<String>,
    /// How many runs, in tests and for the page.
    #[serde(default = "usual_runs")]
    runs: u32,
    #[serde(default = "usual_long")]
    long: u32,
    /// The share of the run that is dropped at its beginning.
    #[serde(default = "usual_drop")]
    drop: f64,
    case: Vec<WrittenCase>,
}

fn usual_runs() -> u32 {
    8
}
fn usual_long() -> u32 {
    40
}
fn usual_drop() -> f64 {
    0.05
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCase {
    name: String,
    /// Another document, without its ending.
    document: Option<String>,
    /// What is different from the document: `group.field` or `length`, and its value.
    #[serde(default)]
    set: Table,
    runs: Option<u32>,
    long: Option<u32>,
    drop: Option<f64>,
    /// Whether it must not agree: it shows that the comparison can fail.
    #[serde(default)]
    faulty: bool,
    expect: Vec<Expect>,
}

/// One published figure.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// What it is called.
    pub what: String,
    /// The measure: `sojourn`, `wait at servers`; or one of the words that are no measure (`in system`, …).
    pub measure: String,
    /// What about it: mean, variance, sd, cv, cv2, p50, p99.9, max, min, count, sum, rate, above, lag1, order.
    #[serde(default = "usual_stat")]
    pub stat: String,
    /// For `stat = "above"`: above what.
    pub above: Option<String>,
    /// Divided by the count of this measure.
    pub per: Option<String>,
    /// In what the value is given: `s`, `ms`, `us`, or `1` for a number.
    pub unit: Option<String>,
    /// The published value.
    pub value: Option<f64>,
    /// Or: the values of `order`.
    pub values: Option<Vec<u64>>,
    /// Or: at least, at most, where a result is an inequality.
    pub at_least: Option<f64>,
    pub at_most: Option<f64>,
    /// How far ours may be off, as a share of the value, beside what the spread of the runs allows.
    #[serde(default)]
    pub within: f64,
    /// Why that much.
    pub because: Option<String>,
}

fn usual_stat() -> String {
    "mean".to_owned()
}

/// A case, ready to be run.
pub struct Case {
    /// What it is called.
    pub name: String,
    /// The document, with what is different, as TOML.
    pub toml: String,
    /// How many runs.
    pub runs: u32,
    /// How many for the page.
    pub long: u32,
    /// Its first seed, less one: each case has others, so that one that agrees by luck says nothing of the next.
    pub seeds: u64,
    /// The share that is dropped at the beginning.
    pub drop: f64,
    /// Whether it must not agree.
    pub faulty: bool,
    /// What is expected.
    pub expect: Vec<Expect>,
}

/// A sidecar, ready to be run.
pub struct Sheet {
    /// The file's name without its ending.
    pub stem: String,
    /// What the table is called.
    pub title: String,
    /// What is compared.
    pub about: String,
    /// Where the published values come from.
    pub source: String,
    /// The document's name, without its ending.
    pub document: String,
    /// Its cases.
    pub cases: Vec<Case>,
}

const END: &str = ".expect.toml";

/// Every sidecar of these files and folders, by name.
pub fn read_all(inputs: &[String]) -> Result<Vec<Sheet>, Failure> {
    let is_sidecar = |path: &Path| path.to_string_lossy().ends_with(END);
    sheets::read_all(inputs, is_sidecar, |input| format!("there is no *{END} in {input}"), read)
}

impl sheets::Sheet for Sheet {
    type Case = Case;
    fn names(&self) -> Vec<&str> {
        vec![&self.stem, &self.title]
    }
    fn cases(&mut self) -> &mut Vec<Case> {
        &mut self.cases
    }
    fn name(case: &Case) -> &str {
        &case.name
    }
}

/// Where the seeds of a case begin: apart for each sheet and for each case of it.
fn seeds(stem: &str, case: usize) -> u64 {
    let mut digest = Digest::default();
    (stem, case).hash(&mut digest);
    digest.finish() % 1_000_000 * u64::from(MAX_RUNS)
}

fn read(path: &Path) -> Result<Sheet, String> {
    let text =
        |path: &Path| std::fs::read_to_string(path).map_err(|why| format!("{} cannot be read: {why}", path.display()));
    let written: Written = toml::from_str(&text(path)?).map_err(|why| why.to_string())?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stem = name.strip_suffix(END).unwrap_or(&name).to_owned();
    let usual = written.document.clone().unwrap_or_else(|| stem.clone());
    let mut cases = Vec::new();
    for case in written.case {
        let document = case.document.as_ref().unwrap_or(&usual);
        let base = text(&path.with_file_name(format!("{document}.toml")))?;
        let told = |told: String| format!("case \"{}\": {told}", case.name);
        let toml = with(&base, &case.set).map_err(told)?;
        Document::from_toml(&toml).map_err(|problems| told(problems[0].to_string()))?;
        for expect in &case.expect {
            expect.check().map_err(|what| told(format!("\"{}\": {what}", expect.what)))?;
        }
        cases.push(Case {
            name: case.name,
            toml,
            runs: case.runs.unwrap_or(written.runs).min(MAX_RUNS),
            long: case.long.unwrap_or(written.long).min(MAX_RUNS),
            seeds: seeds(&stem, cases.len()),
            drop: case.drop.unwrap_or(written.drop).clamp(0.0, 0.99),
            faulty: case.faulty,
            expect: case.expect,
        });
    }
    let (title, about, source) = (written.title, written.about, written.source);
    Ok(Sheet { stem, title, about, source, document: usual, cases })
}

/// A document with some fields set: `length`, `group.field`, `group.setting`, or `links.field` for all links.
pub fn with(base: &str, set: &Table) -> Result<String, String> {
    let mut document: Table = toml::from_str(base).map_err(|why| why.to_string())?;
    for (path, value) in set {
        let Some((group, field)) = path.split_once('.') else {
            document.insert(path.clone(), value.clone());
            continue;
        };
        let list = if group == "links" { "links" } else { "groups" };
        let parts = document.get_mut(list).and_then(Value::as_array_mut).ok_or(format!("it has no {list}"))?;
        let mut found = false;
        for part in parts.iter_mut().filter_map(Value::as_table_mut) {
            if list == "groups" && part.get("name").and_then(Value::as_str) != Some(group) {
                continue;
            }
            found = true;
            let own = ["kind", "count", "cores", "service", "inbox", "discipline", "disk", "startup"].contains(&field);
            if own || list == "links" {
                part.insert(field.to_owned(), value.clone());
                continue;
            }
            let config = part.entry("config").or_insert_with(|| Value::Table(Table::new()));
            let config = config.as_table_mut().ok_or("config is no table")?;
            config.insert(field.to_owned(), value.clone());
        }
        if !found {
            return Err(format!("set: there is no group \"{group}\""));
        }
    }
    toml::to_string(&document).map_err(|why| why.to_string())
}

/// Student's quotient at 99.73 %, two-sided, by degrees of freedom (JCGM 100:2008, «GUM», table G.2): what three standard
/// deviations become when the deviation itself was estimated from few runs.
const STUDENT: [(usize, f64); 27] = [
    (1, 235.80),
    (2, 19.21),
    (3, 9.22),
    (4, 6.62),
    (5, 5.51),
    (6, 4.90),
    (7, 4.53),
    (8, 4.28),
    (9, 4.09),
    (10, 3.96),
    (11, 3.85),
    (12, 3.76),
    (13, 3.69),
    (14, 3.64),
    (15, 3.59),
    (16, 3.54),
    (17, 3.51),
    (18, 3.48),
    (19, 3.45),
    (20, 3.42),
    (25, 3.33),
    (30, 3.27),
    (35, 3.23),
    (40, 3.20),
    (45, 3.18),
    (50, 3.16),
    (100, 3.077),
];

fn student(freedom: usize) -> f64 {
    STUDENT.iter().rev().find(|(known, _)| *known <= freedom).map_or(f64::INFINITY, |(_, quotient)| *quotient)
}

impl Expect {
    fn check(&self) -> Result<(), String> {
        let kinds = [self.value.is_some(), self.values.is_some(), self.at_least.is_some() || self.at_most.is_some()];
        if kinds.into_iter().filter(|there| *there).count() != 1 {
            return Err("expected one of value, values, or at_least and at_most".to_owned());
        }
        if self.within > 0.0 && self.because.is_none() {
            return Err("within needs a because".to_owned());
        }
        if let Some(above) = &self.above {
            Micros::parse(above)?;
        }
        self.scale().map(drop)
    }

    /// How many of the engine's units (microseconds, or one) make one of the value's.
    pub fn scale(&self) -> Result<f64, String> {
        Ok(match self.unit.as_deref() {
            Some("s") => 1e6,
            Some("ms") => 1e3,
            Some("us" | "1") | None => 1.0,
            Some(other) => return Err(format!("expected unit s, ms, us or 1, found {other}")),
        })
    }

    /// What was published, as it is shown.
    pub fn published(&self) -> String {
        match (self.value, self.at_least, self.at_most) {
            (Some(value), ..) => crate::sim::Plain(value).to_string(),
            (_, Some(least), Some(most)) => format!("{} to {}", crate::sim::Plain(least), crate::sim::Plain(most)),
            (_, Some(least), _) => format!("≥ {}", crate::sim::Plain(least)),
            (_, _, Some(most)) => format!("≤ {}", crate::sim::Plain(most)),
            _ => self.values.iter().flatten().map(u64::to_string).collect::<Vec<_>>().join(" "),
        }
    }

    /// Half a unit of the last digit that was published, where at least two were.
    fn rounding(&self) -> f64 {
        let written = crate::sim::Plain(self.value.unwrap_or(0.0)).to_string();
        let digits = written.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        if digits < 2 { 0.0 } else { 0.5 * libm::pow(10.0, -(digits as f64)) }
    }

    /// The figure of each run against what was published.
    pub fn compare(&self, runs: &[f64]) -> Comparison {
        let count = runs.len() as f64;
        let mean = runs.iter().sum::<f64>() / count;
        let squares: f64 = runs.iter().map(|run| (run - mean) * (run - mean)).sum();
        let spread = if squares == 0.0 { 0.0 } else { (squares / (count - 1.0)).sqrt() };
        // Of one run one does not know the spread: then only what needs none can agree.
        let half = if spread > 0.0 { student(runs.len() - 1) * spread / count.sqrt() } else { 0.0 };
        let (agrees, places) = match self.value {
            Some(value) => {
                let allowed = half + self.rounding() + self.within * libm::fabs(value);
                (libm::fabs(mean - value) <= allowed + 1e-9 * libm::fabs(value), places_of(value))
            }
            // Of an order, 1 says that it is the published one.
            None if self.values.is_some() => (runs.iter().all(|run| *run == 1.0), 0),
            None => {
                let (least, most) = (self.at_least.unwrap_or(f64::MIN), self.at_most.unwrap_or(f64::MAX));
                (mean - half >= least && mean + half <= most, places_of(self.at_least.or(self.at_most).unwrap_or(0.0)))
            }
        };
        Comparison { ours: mean, half, agrees, places, order: self.values.is_some() }
    }
}

/// With how many places a figure is shown beside a value of this size: four digits, if it has that many.
fn places_of(value: f64) -> u32 {
    match libm::fabs(value) {
        size if size >= 1000.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 10.0 => 2,
        size if size >= 1.0 => 3,
        size if size >= 0.1 || size == 0.0 => 4,
        _ => 5,
    }
}

impl Comparison {
    /// Our figure, as it is shown.
    pub fn ours(&self) -> String {
        match (self.order, self.agrees) {
            (true, true) => "the same".to_owned(),
            (true, false) => "another".to_owned(),
            _ => fixed(self.ours, self.places),
        }
    }
    /// The half of its interval.
    pub fn half(&self) -> String {
        if self.order || self.half == 0.0 { "exact".to_owned() } else { fixed(self.half, self.places.max(2)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expect(value: f64) -> Expect {
        toml::from_str(&format!("what = \"a\"\nmeasure = \"b\"\nvalue = {value:?}")).expect("it is right")
    }

    #[test]
    fn the_interval_is_what_the_spread_says() {
        // Five runs, mean 10, deviation 1: ± 6.62/√5 = 2.96.
        let runs = [9.0, 9.0, 10.0, 11.0, 11.0];
        assert!(expect(12.9).compare(&runs).agrees);
        assert!(!expect(13.0).compare(&runs).agrees);
        // Without spread, only the digits that were published: 0.25 stands for 0.245 to 0.255.
        assert!(expect(0.25).compare(&[0.254, 0.254]).agrees);
        assert!(!expect(0.25).compare(&[0.256, 0.256]).agrees);
        assert!(!expect(3.0).compare(&[3.1]).agrees);
    }

    #[test]
    fn a_group_a_setting_and_the_length_can_be_set() {
        let base = "length = \"1s\"\n[[groups]]\nname = \"a\"\nkind = \"server\"\n";
        let set: Table = toml::from_str("length = \"9s\"\n\"a.cores\" = 3\n\"a.fanout\" = 2").unwrap();
        let document: Table = toml::from_str(&with(base, &set).unwrap()).unwrap();
        let group = document["groups"][0].as_table().unwrap();
        assert_eq!(document["length"].as_str(), Some("9s"));
        assert_eq!((group["cores"].as_integer(), group["config"]["fanout"].as_integer()), (Some(3), Some(2)));
        let wrong: Table = toml::from_str("\"b.cores\" = 3").unwrap();
        assert!(with(base, &wrong).is_err_and(|told| told.contains("no group \"b\"")));
    }
}
