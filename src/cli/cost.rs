//! `faultline cost`: what an operation costs with each protocol, and what a crash does to whoever asks, on equal terms.
//! Everything is read from records; no protocol is asked what it thinks it costs. `docs/protocols.md` shows what came of it.

mod meter;
mod sheet;
mod table;

use super::out::{Failure, Out};
use super::sheets::Many;
use super::{Verdict, pool};

use sheet::{Case, Sheet};
use table::Row;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    many: Many,
    /// As tables in Markdown
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// All figures, as JSON
    #[arg(long)]
    json: bool,
}

pub fn main(arguments: &Arguments, out: &mut Out) -> Result<Verdict, Failure> {
    let sheets = arguments.many.sheets(sheet::read)?;
    let mut wrong = Vec::new();
    let mut told = Vec::new();
    for sheet in &sheets {
        let seeds = arguments.many.seeds(sheet.seeds);
        let rows = measure(sheet, arguments.many.from, seeds)?;
        if arguments.json {
            told.push(table::to_json(sheet, &rows));
        } else {
            table::tell(sheet, &rows, arguments.markdown, out)?;
        }
        for (case, row) in sheet.cases.iter().zip(&rows) {
            wrong.extend(differs(case, row).into_iter().map(|told| format!("{}, {}: {told}", sheet.stem, case.name)));
        }
    }
    if arguments.json {
        out.json(&serde_json::Value::Array(told))?;
    }
    out.flush()?;
    super::out::complain(&wrong);
    Ok(if wrong.is_empty() { Verdict::Well } else { Verdict::Broken })
}

/// Every seed of every case; whichever thread was first.
fn measure(sheet: &Sheet, from: u64, seeds: u32) -> Result<Vec<Row>, Failure> {
    let seeds = seeds as usize;
    let samples = pool::each(sheet.cases.len() * seeds, |job| {
        let (case, seed) = (&sheet.cases[job / seeds], from.wrapping_add((job % seeds) as u64));
        meter::sample(sheet, case, seed).map_err(|told| format!("{}, {}, seed {seed}: {told}", sheet.stem, case.name))
    });
    let samples: Vec<_> = samples.into_iter().collect::<Result<_, _>>().map_err(Failure::told)?;
    Ok(sheet.cases.iter().zip(samples.chunks(seeds)).map(|(case, samples)| table::pool(case, samples)).collect())
}

/// What is not as the case expects it.
fn differs(case: &Case, row: &Row) -> Vec<String> {
    let mut told = Vec::new();
    for (key, low, high) in &case.expect {
        match row.get(key) {
            Some(value) if (*low..=*high).contains(&value) => {}
            Some(value) => told.push(format!("{key} is {value:.4}, expected {low} to {high}")),
            None => told.push(format!("{key} was not measured")),
        }
    }
    for (check, broken) in case.checks.iter().zip(&row.broken) {
        match (case.breaks.contains(check), *broken) {
            (false, 1..) => told.push(format!("{check} was broken by {broken} of {} seeds", row.seeds)),
            (true, 0) => told.push(format!("{check} was not broken by any seed")),
            _ => {}
        }
    }
    told
}
