//! `faultline verify`: a run twice, straight on and by the time machine, record by record; or beside the records that
//! another build wrote. It names the first that differs.

use std::path::PathBuf;

use crate::components::{Record, World};
use crate::scenario::Run;
use crate::sim::{Micros, Purpose, Stream, Time, clock};
use crate::timeline::{Cursor, Moment, Timeline};
use crate::trace::export::{Stretch, jsonl};
use crate::trace::sentence;

use super::out::{Failure, Out};
use super::play::{Watcher, play};
use super::{Verdict, Which, input};

/// After so many steps the time machine goes back, and comes again.
const STRIDE: u64 = 1_000;
/// How many letters of a line are shown.
const MAX_LINE: usize = 300;
/// How many records are compared with a file.
const MAX_COMPARED: usize = 500_000;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    which: Which,
    /// How far, such as 30s; otherwise to a link's own instant, or as long as the document says
    #[arg(long, value_name = "TIME", value_parser = input::span)]
    until: Option<Micros>,
    /// Compares with these records, which `export --format jsonl` wrote, by another build or elsewhere
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
}

/// The same history in the time machine, a step behind.
struct Beside {
    timeline: Timeline,
    luck: Stream,
    next: u64,
    compared: u64,
    returned: u64,
    differs: Option<String>,
}

impl Watcher for Beside {
    fn step(&mut self, fresh: &[Record], run: &Run) -> Result<(), Failure> {
        if self.differs.is_some() {
            return Ok(());
        }
        while self.timeline.run().steps() < run.steps() && self.timeline.step() {}
        self.compared += fresh.len() as u64;
        let log = self.timeline.log();
        let replayed = |record: &Record| log.get(record.id).cloned();
        self.differs = first_difference(fresh, replayed, &run.world);
        if run.steps() >= self.next {
            self.next += STRIDE;
            self.go_back_and_come_again();
            self.compare_states(run);
        }
        Ok(())
    }
}

impl Beside {
    fn new(moment: &Moment) -> Result<Beside, Failure> {
        let timeline = Timeline::with_acts(moment.document.clone(), moment)?;
        let luck = Stream::new(moment.seed, Purpose::Faults);
        Ok(Beside { timeline, luck, next: STRIDE, compared: 0, returned: 0, differs: None })
    }

    fn go_back_and_come_again(&mut self) {
        let here = Cursor { at: self.timeline.now(), steps: Some(self.timeline.run().steps()) };
        let back = Time(self.luck.below(here.at.0 + 1));
        self.timeline.seek(Cursor { at: back, steps: None });
        self.timeline.step_back();
        self.timeline.seek(here);
        self.returned += 1;
    }

    fn compare_states(&mut self, run: &Run) {
        if self.differs.is_none() && self.timeline.run().digest() != run.digest() {
            let at = clock(run.world.now());
            self.differs = Some(format!("every record so far is the same, but the states at {at} s differ"));
        }
    }
}

/// The first of `records` that is not the same when it is `replayed`.
fn first_difference(records: &[Record], replayed: impl Fn(&Record) -> Option<Record>, world: &World) -> Option<String> {
    let (record, other) = records
        .iter()
        .map(|record| (record, replayed(record)))
        .find(|(record, other)| other.as_ref() != Some(record))?;
    let told = |record: &Record| format!("{} s {}", clock(record.at), sentence(record, world));
    let other = other.map_or_else(|| "nothing".to_owned(), |other| told(&other));
    Some(format!("record {} differs: straight on {}; by the time machine {other}", record.id.0, told(record)))
}

pub fn main(arguments: &Arguments, out: &mut Out) -> Result<Verdict, Failure> {
    let given = arguments.which.find()?;
    let until = given.until(arguments.until);
    let differs = match &arguments.against {
        Some(path) => {
            let theirs = std::fs::read_to_string(path)
                .map_err(|why| Failure::told(format!("{}: it cannot be read: {why}", path.display())))?;
            against(&given.moment, until, &theirs, out)?
        }
        None => beside(&given.moment, until, out)?,
    };
    match differs {
        None => Ok(Verdict::Well),
        Some(told) => {
            out.text(&format!("{told}\n"))?;
            Ok(Verdict::Broken)
        }
    }
}

fn beside(moment: &Moment, until: Cursor, out: &mut Out) -> Result<Option<String>, Failure> {
    let mut beside = Beside::new(moment)?;
    let run = play(moment, until, &mut beside)?;
    beside.timeline.seek(until);
    beside.compare_states(&run);
    if beside.differs.is_none() {
        let (records, steps, times, digest) = (beside.compared, run.steps(), beside.returned, run.digest());
        out.text(&format!(
            "the same {records} records in {steps} steps, straight on and after going back {times} times; digest {digest:016x}\n"
        ))?;
    }
    Ok(beside.differs)
}

/// Keeps every record.
#[derive(Default)]
struct All(Vec<Record>);

impl Watcher for All {
    fn step(&mut self, fresh: &[Record], _: &Run) -> Result<(), Failure> {
        if self.0.len() + fresh.len() > MAX_COMPARED {
            return Err(Failure::told(format!(
                "there are more than {MAX_COMPARED} records in it; ask for less with --until"
            )));
        }
        self.0.extend_from_slice(fresh);
        Ok(())
    }
}

fn against(moment: &Moment, until: Cursor, theirs: &str, out: &mut Out) -> Result<Option<String>, Failure> {
    let mut all = All::default();
    let run = play(moment, until, &mut all)?;
    let title = &run.document().title;
    let ours = jsonl(&Stretch::new(&all.0, &run.world, &run.metrics, title, Time::ZERO));
    let (mut mine, mut other) = (ours.lines(), theirs.lines());
    for line in 1u64.. {
        match (mine.next(), other.next()) {
            (None, None) => {
                out.text(&format!("the same {} lines; digest {:016x}\n", line - 1, run.digest()))?;
                break;
            }
            (mine, other) if mine != other => {
                let shown = |line: Option<&str>| {
                    line.map_or_else(|| "nothing".to_owned(), |line| line.chars().take(MAX_LINE).collect())
                };
                return Ok(Some(format!("line {line} differs:\n  here  {}\n  there {}", shown(mine), shown(other))));
            }
            _ => {}
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::builtin;

    #[test]
    fn the_first_record_that_differs_is_named() {
        let document = builtin("chat").expect("it is built in");
        let mut run = Run::new(std::rc::Rc::new(document), 1).expect("it runs");
        let mut records: Vec<Record> = Vec::new();
        run.run_until(Time(200_000), &mut records);
        let place = records.len() / 2;
        let mut other = records.clone();
        other[place].at = Time(other[place].at.0 + 1);
        let found = |record: &Record| other.iter().find(|other| other.id == record.id).cloned();
        let told = first_difference(&records, found, &run.world).expect("one differs");
        assert!(told.starts_with(&format!("record {} differs: straight on", records[place].id.0)), "{told}");
        assert_eq!(first_difference(&records[..place], found, &run.world), None);
        let gone = |record: &Record| (record.id != records[3].id).then(|| record.clone());
        assert!(first_difference(&records, gone, &run.world).is_some_and(|told| told.ends_with("nothing")));
    }
}
