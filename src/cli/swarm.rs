//! `faultline swarm`: many seeds of a scenario under random faults. What should hold must hold with every seed; a mistake
//! that was switched on must be found out by the check that is for it. `docs/protocols.md` shows what came of it.

pub mod sheet;

use std::sync::atomic::{AtomicU64, Ordering};

use crate::check::Violation;
use crate::link::{self, Shown};
use crate::scenario::Run;
use crate::sim::{Time, clock};
use crate::timeline::{Cursor, Moment};

use super::out::{Failure, Out, table};
use super::sheets::Many;
use super::{Verdict, pool};

use sheet::{Case, Sheet};

/// Of how many seeds that broke something is told.
const MAX_TOLD: usize = 3;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    many: Many,
    /// As tables in Markdown
    #[arg(long)]
    markdown: bool,
}

/// What came of one run.
enum Came {
    /// Nothing was broken.
    Held { steps: u64 },
    /// This was, and perhaps more.
    Broke { steps: u64, breach: Breach },
    /// It went no further.
    Halted(String),
    /// It was not made, since an earlier seed had shown what was to be shown.
    Passed,
}

/// A broken promise, in a form that goes from thread to thread.
struct Breach {
    /// Whether it is what was to be broken.
    meant: bool,
    at: Time,
    told: String,
}

/// What came of a case.
struct Outcome {
    /// How many runs were made, and their steps together.
    runs: u64,
    steps: u64,
    /// Seeds that broke what they must not, or halted, and what is told of it.
    wrong: Vec<(u64, String)>,
    wrongs: usize,
    /// The first seed that broke what it was to break, and what is told of it.
    found: Option<(u64, String)>,
}

impl Outcome {
    fn well(&self, case: &Case) -> bool {
        self.wrongs == 0 && (case.breaks.is_none() || self.found.is_some())
    }
}

pub fn main(arguments: &Arguments, out: &mut Out) -> Result<Verdict, Failure> {
    let sheets = arguments.many.sheets(sheet::read)?;
    let mut well = true;
    for sheet in &sheets {
        let seeds = arguments.many.seeds(sheet.seeds);
        let run = |case: &Case| run_case(case, arguments.many.from, seeds);
        let outcomes: Vec<Outcome> = sheet.cases.iter().map(run).collect::<Result<_, _>>()?;
        well &= sheet.cases.iter().zip(&outcomes).all(|(case, outcome)| outcome.well(case));
        tell(sheet, &outcomes, arguments.markdown, out)?;
        out.flush()?;
    }
    Ok(if well { Verdict::Well } else { Verdict::Broken })
}

/// Makes the runs of a case. Where something is to be broken, seeds after the first that breaks it are not needed; which
/// is the first does not depend on which thread was faster.
fn run_case(case: &Case, from: u64, seeds: u32) -> Result<Outcome, Failure> {
    let first = AtomicU64::new(u64::MAX);
    let runs = pool::each(seeds as usize, |job| {
        let seed = from.wrapping_add(job as u64);
        if first.load(Ordering::Relaxed) < job as u64 {
            return Ok(Came::Passed);
        }
        let came = run_one(case, seed);
        if matches!(&came, Ok(Came::Broke { breach, .. }) if breach.meant) {
            first.fetch_min(job as u64, Ordering::Relaxed);
        }
        came
    });
    let first = first.into_inner();
    let mut outcome = Outcome { runs: 0, steps: 0, wrong: Vec::new(), wrongs: 0, found: None };
    for (job, came) in runs.into_iter().enumerate().take_while(|(job, _)| *job as u64 <= first) {
        let seed = from.wrapping_add(job as u64);
        let told = |told: String| Failure::told(format!("{}, seed {seed}: {told}", case.name));
        let (steps, wrong) = match came.map_err(told)? {
            Came::Passed => continue,
            Came::Held { steps } => (steps, None),
            Came::Halted(why) => (0, Some(format!("it halted: {why}"))),
            Came::Broke { steps, breach } if breach.meant => {
                outcome.found = Some((seed, breach.told));
                (steps, None)
            }
            Came::Broke { steps, breach } => {
                (steps, Some(format!("{}\n    {}", breach.told, link_to(case, seed, breach.at))))
            }
        };
        outcome.runs += 1;
        outcome.steps += steps;
        if let Some(wrong) = wrong {
            outcome.wrongs += 1;
            if outcome.wrong.len() < MAX_TOLD {
                outcome.wrong.push((seed, wrong));
            }
        }
    }
    Ok(outcome)
}

fn is_of(violation: &Violation, breaks: &str) -> bool {
    &*violation.check == breaks || violation.told.contains(breaks)
}

/// One run, until something is broken that ends it: anything, or what is to be broken.
fn run_one(case: &Case, seed: u64) -> Result<Came, String> {
    let Moment { document, seed, cursor, .. } = case.moment(seed)?;
    let mut run = Run::new(document, seed).map_err(|problem| problem.to_string())?;
    let mut seen = 0;
    while run.next_at().is_some_and(|at| at <= cursor.at) && run.step(&mut ()) {
        if run.violations().len() == seen {
            continue;
        }
        // What else a mistake breaks on the way is its own affair.
        let ends = |violation: &&Violation| case.breaks.as_ref().is_none_or(|breaks| is_of(violation, breaks));
        if let Some(violation) = run.violations()[seen..].iter().find(ends) {
            let told = format!("{}: {} ({} s)", violation.check, violation.told, clock(violation.at));
            let breach = Breach { meant: case.breaks.is_some(), at: violation.at, told };
            return Ok(Came::Broke { steps: run.steps(), breach });
        }
        seen = run.violations().len();
    }
    match run.world.halted() {
        Some(why) => Ok(Came::Halted(why.to_string())),
        None => Ok(Came::Held { steps: run.steps() }),
    }
}

/// The moment at which it broke, to be looked at.
fn link_to(case: &Case, seed: u64, at: Time) -> String {
    let Ok(moment) = case.moment(seed) else { return String::new() };
    let moment = Moment { cursor: Cursor { at, steps: None }, ..moment };
    link::write(&moment, &Shown::default()).fragment
}

fn verdict(case: &Case, outcome: &Outcome) -> String {
    match (&case.breaks, &outcome.found) {
        _ if outcome.wrongs > 0 => format!("BROKEN by {} seeds", outcome.wrongs),
        (None, _) => "held".to_owned(),
        (Some(breaks), Some((seed, _))) => format!("{breaks}: broken, as it must be, by seed {seed}"),
        (Some(breaks), None) => format!("{breaks}: NOT broken by any"),
    }
}

const HEAD: [&str; 4] = ["case", "seeds", "steps", ""];

fn tell(sheet: &Sheet, outcomes: &[Outcome], markdown: bool, out: &mut Out) -> Result<(), Failure> {
    let row = |(case, outcome): (&Case, &Outcome)| {
        vec![case.name.clone(), outcome.runs.to_string(), outcome.steps.to_string(), verdict(case, outcome)]
    };
    let rows = sheet.cases.iter().zip(outcomes).map(row);
    if markdown {
        out.line(format_args!("\n### {}\n\n{}\n", sheet.title, sheet.about.trim()))?;
        out.line(format_args!("| {} |\n| --- | ---: | ---: | --- |", HEAD.join(" | ")))?;
        for row in rows {
            out.line(format_args!("| {} |", row.join(" | ")))?;
        }
        return Ok(());
    }
    out.line(format_args!("{} ({})", sheet.title, sheet.stem))?;
    out.text(&table(&std::iter::once(HEAD.map(str::to_owned).to_vec()).chain(rows).collect::<Vec<_>>()))?;
    for (case, outcome) in sheet.cases.iter().zip(outcomes) {
        for (seed, told) in outcome.wrong.iter().chain(&outcome.found) {
            out.line(format_args!("  {}, seed {seed}: {told}", case.name))?;
        }
    }
    out.line("")
}
