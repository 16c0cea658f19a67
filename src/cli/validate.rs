//! `faultline validate`: published results beside what the engine comes to.
//!
//! A folder of scenario documents, each with a sidecar that says what was published about it. Every document is run with
//! several seeds; what is compared is the mean of the runs, and how far it may be from the published value is what the
//! spread of the runs says, not a guess. `docs/validation.md` is written by it.

mod expect;
mod measured;

use super::out::{Failure, Out, table};
use super::{Verdict, pool, sheets};

pub use expect::with;
use expect::{Case, Expect, Sheet};
use measured::Comparison;

#[derive(clap::Args)]
pub struct Arguments {
    /// Sidecars (*.expect.toml), or folders of them
    #[arg(required = true)]
    inputs: Vec<String>,
    /// As many runs as docs/validation.md has, and not only those of the tests
    #[arg(long)]
    long: bool,
    /// How many runs of each, instead
    #[arg(long, value_name = "N")]
    runs: Option<u32>,
    /// Only cases whose file, name or group has this in it
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// As a page in Markdown
    #[arg(long)]
    markdown: bool,
}

pub fn main(arguments: &Arguments, out: &mut Out) -> Result<Verdict, Failure> {
    let mut sheets = expect::read_all(&arguments.inputs)?;
    for sheet in &mut sheets {
        let runs = |case: &Case| arguments.runs.unwrap_or(if arguments.long { case.long } else { case.runs });
        sheet.cases.iter_mut().for_each(|case| case.runs = runs(case).max(1));
    }
    sheets::keep(&mut sheets, arguments.only.as_deref());
    let results = run_all(&sheets)?;
    let mut well = true;
    for (sheet, results) in sheets.iter().zip(&results) {
        well &= sheet.cases.iter().zip(results).all(|(case, rows)| holds(case, rows));
    }
    if arguments.markdown {
        page(&sheets, &results, out)?
    } else {
        tell(&sheets, &results, out)?
    }
    Ok(if well { Verdict::Well } else { Verdict::Broken })
}

/// Whether a case came out as it should: everything agrees, or, of a faulty one, something does not.
fn holds(case: &Case, rows: &[Comparison]) -> bool {
    rows.iter().all(|row| row.agrees) != case.faulty
}

/// For each sheet and case, its comparisons. Runs share nothing, so as many at once as there are cores.
fn run_all(sheets: &[Sheet]) -> Result<Vec<Vec<Vec<Comparison>>>, Failure> {
    let jobs: Vec<(usize, usize, u32)> = sheets
        .iter()
        .enumerate()
        .flat_map(|(s, sheet)| {
            let cases = sheet.cases.iter().enumerate();
            cases.flat_map(move |(c, case)| (1..=case.runs).map(move |seed| (s, c, seed)))
        })
        .collect();
    let found = pool::each(jobs.len(), |job| {
        let (s, c, seed) = jobs[job];
        let case = &sheets[s].cases[c];
        measured::run(case, case.seeds + u64::from(seed))
    });
    // By seed, so that sums do not depend on who was first.
    let mut results: Vec<Vec<Vec<Vec<f64>>>> = sheets.iter().map(|sheet| vec![Vec::new(); sheet.cases.len()]).collect();
    for ((s, c, seed), found) in jobs.iter().copied().zip(found) {
        let told = |told: String| {
            Failure::told(format!("{}, {}, seed {seed}: {told}", sheets[s].stem, sheets[s].cases[c].name))
        };
        results[s][c].push(found.map_err(told)?);
    }
    let compare = |case: &Case, runs: &Vec<Vec<f64>>| -> Vec<Comparison> {
        let of = |place: usize| runs.iter().map(|run| run[place]).collect::<Vec<f64>>();
        case.expect.iter().enumerate().map(|(place, expect)| expect.compare(&of(place))).collect()
    };
    let by_case = |(sheet, runs): (&Sheet, &Vec<Vec<Vec<f64>>>)| {
        sheet.cases.iter().zip(runs).map(|(case, runs)| compare(case, runs)).collect()
    };
    Ok(sheets.iter().zip(&results).map(by_case).collect())
}

fn row(case: &Case, expect: &Expect, found: &Comparison) -> Vec<String> {
    let verdict = match (found.agrees, case.faulty) {
        (true, false) => "agrees",
        (false, false) => "DIFFERS",
        (false, true) => "differs, as it must",
        (true, true) => "agrees",
    };
    let what = if case.faulty { format!("faulty: {}", case.name) } else { case.name.clone() };
    let cells = [what, expect.what.clone(), expect.published(), found.ours(), found.half(), case.runs.to_string()];
    cells.into_iter().chain([verdict.to_owned()]).collect()
}

const HEAD: [&str; 7] = ["case", "figure", "published", "ours", "±", "runs", ""];

fn rows(sheet: &Sheet, results: &[Vec<Comparison>]) -> Vec<Vec<String>> {
    let cases = sheet.cases.iter().zip(results);
    cases
        .flat_map(|(case, found)| case.expect.iter().zip(found).map(|(expect, found)| row(case, expect, found)))
        .collect()
}

fn tell(sheets: &[Sheet], results: &[Vec<Vec<Comparison>>], out: &mut Out) -> Result<(), Failure> {
    for (sheet, results) in sheets.iter().zip(results) {
        out.line(format_args!("{} ({})", sheet.title, sheet.stem))?;
        let mut lines = vec![HEAD.map(str::to_owned).to_vec()];
        lines.extend(rows(sheet, results));
        out.text(&table(&lines))?;
        for (case, found) in sheet.cases.iter().zip(results) {
            if case.faulty && !holds(case, found) {
                out.line(format_args!(
                    "  the faulty case \"{}\" AGREES with everything: nothing can fail here",
                    case.name
                ))?;
            }
        }
        out.line("")?;
    }
    Ok(())
}

fn page(sheets: &[Sheet], results: &[Vec<Vec<Comparison>>], out: &mut Out) -> Result<(), Failure> {
    out.text(include_str!("validate/head.md"))?;
    for (sheet, results) in sheets.iter().zip(results) {
        out.line(format_args!("\n## {}\n", sheet.title))?;
        out.line(format_args!("{}\n", sheet.about.trim()))?;
        let documents =
            format_args!("Source: {} Document: `tests/references/{}.toml`.\n", sheet.source.trim(), sheet.document)
                .to_string();
        out.line(documents)?;
        let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
        out.line(line(&HEAD.map(str::to_owned)))?;
        out.line("| --- | --- | ---: | ---: | ---: | ---: | --- |")?;
        for cells in rows(sheet, results) {
            out.line(line(&cells))?;
        }
        let notes = sheet.cases.iter().flat_map(|case| &case.expect).filter_map(|expect| expect.because.as_ref());
        let mut told: Vec<&String> = Vec::new();
        for note in notes {
            if !told.contains(&note) {
                told.push(note);
                out.line(format_args!("\n{}", note.trim()))?;
            }
        }
    }
    Ok(())
}
