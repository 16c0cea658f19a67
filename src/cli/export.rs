//! `faultline export`: a run in the formats of other tools. `docs/export.md` says what stands in each.

use std::path::PathBuf;

use crate::components::Record;
use crate::scenario::Run;
use crate::sim::{Micros, Time};
use crate::trace::export::{LEAD, Stretch, chrome, csv, jsonl, mermaid, otlp, shiviz};

use super::out::{Failure, Out};
use super::play::{Watcher, play};
use super::{Verdict, Which, input};

/// How many records one export may be made of, with its lead.
const MAX_EXPORTED: usize = 200_000;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    which: Which,
    /// In which format
    #[arg(long, value_enum)]
    format: Format,
    /// From when on, such as 12s
    #[arg(long, value_name = "TIME", value_parser = input::span, default_value = "0")]
    from: Micros,
    /// How far, such as 30s; otherwise to a link's own instant, or as long as the document says
    #[arg(long, value_name = "TIME", value_parser = input::span)]
    to: Option<Micros>,
    /// Into this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Format {
    /// Chrome's trace events, which ui.perfetto.dev opens
    Chrome,
    /// OpenTelemetry traces as JSON
    Otlp,
    /// A log for ShiViz
    Shiviz,
    /// Metrics, a row a window of half a second
    Csv,
    /// Every record, a line of JSON each
    Jsonl,
    /// A sequence diagram in Mermaid's words
    Mermaid,
}

/// Keeps the records of the stretch and its lead.
struct Keeper {
    from: Time,
    records: Vec<Record>,
    full: bool,
}

impl Watcher for Keeper {
    fn step(&mut self, fresh: &[Record], _: &Run) -> Result<(), Failure> {
        let wanted = fresh.iter().filter(|record| record.at >= self.from);
        let room = MAX_EXPORTED - self.records.len();
        self.full |= wanted.clone().nth(room).is_some();
        self.records.extend(wanted.take(room).cloned());
        if self.full { Err(too_many()) } else { Ok(()) }
    }
}

fn too_many() -> Failure {
    Failure::told(format!("there are more than {MAX_EXPORTED} records in it; ask for less with --from and --to"))
}

pub fn main(arguments: &Arguments, out: &mut Out) -> Result<Verdict, Failure> {
    if let Some(to) = arguments.to.filter(|to| *to < arguments.from) {
        return Err(Failure::told(format!("there is nothing from {} to {to}", arguments.from)));
    }
    let given = arguments.which.find()?;
    let from = Time(arguments.from.0);
    let whole = matches!(arguments.format, Format::Shiviz | Format::Jsonl | Format::Mermaid);
    let lead = if whole { Micros::ZERO } else { LEAD };
    let begin = Time(from.0.saturating_sub(lead.0));
    let mut keeper = Keeper { from: begin, records: Vec::new(), full: false };
    let run = play(&given.moment, given.until(arguments.to), &mut keeper)?;
    let title = &run.document().title;
    let stretch = Stretch::new(&keeper.records, &run.world, &run.metrics, title, from);
    let text = match arguments.format {
        Format::Chrome => chrome(&stretch),
        Format::Otlp => otlp(&stretch),
        Format::Shiviz => shiviz(&stretch),
        Format::Csv => csv(&stretch),
        Format::Jsonl => jsonl(&stretch),
        Format::Mermaid => mermaid(&stretch),
    };
    match &arguments.out {
        None => out.text(&text)?,
        Some(path) => std::fs::write(path, text)
            .map_err(|why| Failure::told(format!("{}: it cannot be written: {why}", path.display())))?,
    }
    Ok(if run.world.halted().is_some() { Verdict::Broken } else { Verdict::Well })
}
