//! What the seeds of a case come to together, by name, and as tables.

use serde_json::{Map, Value, json};

use crate::cli::out::{Failure, Out, table};

use super::meter::{Quiet, SPAN, Sample, Struck, delays};
use super::sheet::{Case, Sheet, document};

/// The figures of a case, as expectations name them.
pub const KEYS: &[&str] = &[
    "write.messages",
    "write.bytes",
    "write.round-trips",
    "write.disk-writes",
    "write.p50",
    "write.p99",
    "write.unanswered",
    "read.messages",
    "read.bytes",
    "read.round-trips",
    "read.disk-writes",
    "read.p50",
    "read.p99",
    "read.unanswered",
    "idle.messages",
    "idle.bytes",
    "idle.disk-writes",
    "recover.p50",
    "recover.max",
    "available",
    "in-time",
    "write.forced",
];

/// What came of a case: figures by name, and of each check the seeds that broke it.
pub struct Row {
    /// Those that were measured. Times in milliseconds, infinite where something never came; shares from 0 to 1.
    pub figures: Vec<(&'static str, f64)>,
    /// In the order of the case's checks.
    pub broken: Vec<usize>,
    /// How many seeds were taken.
    pub seeds: usize,
}

impl Row {
    /// A figure by its name.
    pub fn get(&self, key: &str) -> Option<f64> {
        self.figures.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }
}

/// What samples come to together.
pub fn pool(case: &Case, samples: &[Sample]) -> Row {
    let mut figures = Vec::new();
    let idle: Vec<&Quiet> = samples.iter().map(|sample| &sample.idle).collect();
    let (writes, even): (Vec<_>, Vec<_>) = samples.iter().map(|sample| (&sample.writes, &sample.even_writes)).unzip();
    costs(&KEYS[..7], &writes, &idle, &even, &mut figures);
    let reads: Vec<_> = samples.iter().filter_map(|sample| sample.reads.as_ref()).collect();
    let even: Vec<_> = samples.iter().filter_map(|sample| sample.even_reads.as_ref()).collect();
    if !reads.is_empty() {
        costs(&KEYS[7..14], &reads, &idle, &even, &mut figures);
    }
    let seconds = SPAN.0 as f64 / 1e6 * samples.len() as f64;
    let sum = |of: &dyn Fn(&Quiet) -> u64| idle.iter().map(|quiet| of(quiet)).sum::<u64>() as f64 / seconds;
    figures.extend([
        (KEYS[14], sum(&|quiet| quiet.count.messages)),
        (KEYS[15], sum(&|quiet| quiet.count.bytes)),
        (KEYS[16], sum(&|quiet| quiet.count.writes)),
    ]);
    let struck: Vec<&Struck> = samples.iter().filter_map(|sample| sample.struck.as_ref()).collect();
    if !struck.is_empty() {
        // What never came is later than all that came.
        let all = struck.iter().flat_map(|struck| &struck.recovered);
        let times: Vec<u64> = all.map(|time| time.unwrap_or(u64::MAX)).collect();
        let sum = |of: &dyn Fn(&Struck) -> u64| struck.iter().map(|struck| of(struck)).sum::<u64>() as f64;
        figures.extend([
            (KEYS[17], rank(times.clone(), 0.5)),
            (KEYS[18], rank(times, 1.0)),
            (KEYS[19], 1.0 - sum(&|struck| struck.late) / sum(&|struck| struck.of).max(1.0)),
            (KEYS[20], sum(&|struck| struck.in_time) / sum(&|struck| struck.asked).max(1.0)),
        ]);
    }
    let (forced, done) =
        writes.iter().fold((0, 0), |(forced, done), quiet| (forced + quiet.count.forced, done + quiet.took.len()));
    if forced > 0 {
        figures.push((KEYS[21], forced as f64 / done.max(1) as f64));
    }
    let broken = case.checks.iter().map(|check| struck.iter().filter(|struck| struck.broken.contains(check)).count());
    Row { figures, broken: broken.collect(), seeds: samples.len() }
}

/// What an operation costs: everything that happened while they were asked, less what happens when nobody asks.
fn costs(
    keys: &[&'static str],
    asked: &[&Quiet],
    idle: &[&Quiet],
    even: &[&Quiet],
    figures: &mut Vec<(&'static str, f64)>,
) {
    let done: usize = asked.iter().map(|quiet| quiet.took.len()).sum();
    let unanswered: u64 = asked.iter().map(|quiet| quiet.unanswered).sum();
    let each = |of: &dyn Fn(&Quiet) -> u64| {
        let sum = |runs: &[&Quiet]| runs.iter().map(|quiet| of(quiet)).sum::<u64>() as f64;
        (sum(asked) - sum(idle)) / done.max(1) as f64
    };
    let took: Vec<u64> = asked.iter().flat_map(|quiet| quiet.took.iter().copied()).collect();
    let hops: f64 = even.iter().map(|quiet| delays(quiet)).sum();
    let evenly: usize = even.iter().map(|quiet| quiet.took.len()).sum();
    let values = [
        each(&|quiet| quiet.count.messages),
        each(&|quiet| quiet.count.bytes),
        hops / 2.0 / evenly.max(1) as f64,
        each(&|quiet| quiet.count.writes),
        rank(took.clone(), 0.5),
        rank(took, 0.99),
        unanswered as f64,
    ];
    figures.extend(keys.iter().copied().zip(values));
}

/// The value at a rank, in milliseconds: the least that this share of the values is not above. Infinite for what never
/// came, and where there is none.
fn rank(mut times: Vec<u64>, share: f64) -> f64 {
    times.sort_unstable();
    let place = ((times.len() as f64 * share).ceil() as usize).clamp(1, times.len().max(1)) - 1;
    times.get(place).filter(|time| **time < u64::MAX).map_or(f64::INFINITY, |time| *time as f64 / 1e3)
}

fn number(value: Option<f64>, places: usize) -> String {
    match value {
        None => "".to_owned(),
        Some(value) if value.is_infinite() => "never".to_owned(),
        Some(value) => {
            let text = format!("{value:.places$}");
            // A difference of nothing is nothing, on whichever side of it.
            let nothing = text.strip_prefix('-').filter(|rest| rest.chars().all(|c| matches!(c, '0' | '.')));
            nothing.map_or_else(|| text.clone(), str::to_owned)
        }
    }
}

type Table = (String, Vec<String>, Vec<Vec<String>>);

fn cost_table(sheet: &Sheet, rows: &[Row], of: &str, title: String) -> Table {
    let mut columns = vec![
        ("messages", "messages", 2),
        ("bytes", "bytes", 0),
        ("round trips", "round-trips", 2),
        ("disk writes", "disk-writes", 2),
        ("p50, ms", "p50", 1),
        ("p99, ms", "p99", 1),
    ];
    let forced = format!("{of}.forced");
    if rows.iter().any(|row| row.get(&forced).is_some()) {
        columns.insert(4, ("forced", "forced", 2));
    }
    let line = |(case, row): (&Case, &Row)| {
        let cells = columns.iter().map(|(_, key, places)| number(row.get(&format!("{of}.{key}")), *places));
        std::iter::once(case.name.clone()).chain(cells).collect()
    };
    let head = std::iter::once("").chain(columns.iter().map(|(head, ..)| *head)).map(str::to_owned).collect();
    (title, head, sheet.cases.iter().zip(rows).map(line).collect())
}

fn idle_table(sheet: &Sheet, rows: &[Row]) -> Table {
    let head = ["", "messages/s", "bytes/s", "disk writes/s"];
    let line = |(case, row): (&Case, &Row)| {
        let cells = [("messages", 1), ("bytes", 0), ("disk-writes", 2)];
        let cells = cells.map(|(key, places)| number(row.get(&format!("idle.{key}")), places));
        std::iter::once(case.name.clone()).chain(cells).collect()
    };
    ("When nobody asks".to_owned(), head.map(str::to_owned).to_vec(), sheet.cases.iter().zip(rows).map(line).collect())
}

fn struck_table(sheet: &Sheet, rows: &[Row]) -> Table {
    let mut head = ["", "recovers p50, ms", "at worst, ms", "available"].map(str::to_owned).to_vec();
    let checks = sheet.cases.first().map_or(&[][..], |case| &case.checks);
    head.extend(checks.iter().map(|check| format!("{check}: seeds that broke it")));
    let line = |(case, row): (&Case, &Row)| {
        let mut cells = vec![case.name.clone()];
        cells.push(number(row.get("recover.p50"), 0));
        cells.push(number(row.get("recover.max"), 0));
        cells.push(number(row.get("available").map(|share| share * 100.0), 2) + " %");
        cells.extend(row.broken.iter().map(|broken| format!("{broken} of {}", row.seeds)));
        cells
    };
    let whom = sheet.strikes.as_ref().and_then(|strikes| strikes.whom.as_deref());
    let title = whom.map_or("The server that answered last is killed".to_owned(), |whom| {
        let group = sheet.cases.first().and_then(|case| document(&case.document).ok());
        let groups = group.iter().flat_map(|document| &document.groups);
        let title = groups.filter(|group| group.name == whom).find_map(|group| group.title.clone());
        format!("{} is killed", title.unwrap_or_else(|| whom.to_owned()))
    });
    (title, head, sheet.cases.iter().zip(rows).map(line).collect())
}

/// Tells of a sheet.
pub fn tell(sheet: &Sheet, rows: &[Row], markdown: bool, out: &mut Out) -> Result<(), Failure> {
    let title = if sheet.reads { "A write".to_owned() } else { format!("One {}", sheet.unit) };
    let mut tables = vec![cost_table(sheet, rows, "write", title)];
    if sheet.reads {
        tables.push(cost_table(sheet, rows, "read", "A read".to_owned()));
    }
    tables.push(idle_table(sheet, rows));
    if sheet.strikes.is_some() {
        tables.push(struck_table(sheet, rows));
    }
    if markdown {
        out.line(format_args!("\n### {}\n\n{}", sheet.title, sheet.about.trim()))?;
    } else {
        out.line(format_args!("{} ({})", sheet.title, sheet.stem))?;
    }
    for (title, head, lines) in tables {
        if markdown {
            out.line(format_args!("\n| {title}{} |", head.join(" | ")))?;
            out.line(format_args!("| ---{} |", " | ---:".repeat(head.len() - 1)))?;
            for line in lines {
                out.line(format_args!("| {} |", line.join(" | ")))?;
            }
        } else {
            let head = std::iter::once(title).chain(head.into_iter().skip(1)).collect();
            out.text(&table(&std::iter::once(head).chain(lines).collect::<Vec<_>>()))?;
            out.line("")?;
        }
    }
    Ok(())
}

/// A sheet as JSON: `null` for what never came.
pub fn to_json(sheet: &Sheet, rows: &[Row]) -> Value {
    let cases = sheet.cases.iter().zip(rows).map(|(case, row)| {
        let figures: Map<String, Value> =
            row.figures.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        let broken: Map<String, Value> =
            case.checks.iter().cloned().zip(row.broken.iter().map(|broken| json!(broken))).collect();
        json!({ "name": case.name, "seeds": row.seeds, "figures": figures, "broken": broken })
    });
    json!({ "sheet": sheet.stem, "title": sheet.title, "unit": sheet.unit, "cases": cases.collect::<Vec<_>>() })
}
