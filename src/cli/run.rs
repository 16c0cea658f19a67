//! `faultline run`: what came of a run.

use serde_json::{Map, Value as Json, json};

use crate::check::Violation;
use crate::components::{Record, What};
use crate::scenario::Run;
use crate::sim::{Micros, Time};
use crate::timeline::Moment;
use crate::trace::{Point, Stat};

use super::figures::Figures;
use super::input::{self, Given};
use super::out::{Failure, Out, span, table, written};
use super::play::{Accounts, Watcher, play};
use super::{Verdict, Which};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    which: Which,
    /// How far, such as 30s; otherwise to a link's own instant, or as long as the document says
    #[arg(long, value_name = "TIME", value_parser = input::span)]
    until: Option<Micros>,
    /// Exact figures of what happens from this instant on, such as 5s: moments, percentiles, the number in the system
    #[arg(long, value_name = "TIME", value_parser = input::span)]
    from: Option<Micros>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// The accounts, and exact figures where they are asked for.
struct Watch {
    accounts: Accounts,
    figures: Option<Figures>,
}

impl Watcher for Watch {
    fn begin(&mut self, run: &Run) -> Result<(), Failure> {
        self.figures.iter_mut().for_each(|figures| figures.know(&run.world));
        self.accounts.begin(run)
    }
    fn step(&mut self, fresh: &[Record], run: &Run) -> Result<(), Failure> {
        if let Some(figures) = &mut self.figures {
            // Newcomers have a group, too.
            if fresh.iter().any(|record| matches!(record.what, What::Placed)) {
                figures.know(&run.world);
            }
            fresh.iter().for_each(|record| figures.see(record));
            figures.pass(run.world.now());
        }
        self.accounts.step(fresh, run)
    }
}

pub fn main(arguments: &Arguments, out: &mut Out) -> Result<Verdict, Failure> {
    let given = arguments.which.find()?;
    let figures = arguments.from.map(|from| Figures::new(Time(from.0)));
    let mut watch = Watch { accounts: Accounts::default(), figures };
    let run = play(&given.moment, given.until(arguments.until), &mut watch)?;
    let Watch { accounts, figures } = &watch;
    if arguments.json {
        let mut json = as_json(&given, &run, accounts);
        if let (Some(figures), Some(fields)) = (figures, json.as_object_mut()) {
            fields.extend(figures.as_json(run.world.now()));
        }
        out.json(&json)?;
    } else {
        tell(&given, &run, accounts, out)?;
        figures.iter().try_for_each(|figures| out.text(&figures.told(run.world.now())))?;
    }
    Ok(verdict(&run, accounts))
}

/// What the exit status says: whether every promise held and the run came to its end.
pub fn verdict(run: &Run, accounts: &Accounts) -> Verdict {
    let well = run.broken() == 0 && run.world.halted().is_none() && accounts.balance(&run.world);
    if well { Verdict::Well } else { Verdict::Broken }
}

/// The head of a report: what runs, and how it is set.
pub fn head(moment: &Moment, out: &mut Out) -> Result<(), Failure> {
    let document = &moment.document;
    let mut line = format!("{}, revision {}, seed {}", document.name, document.revision, moment.seed);
    for (dial, value) in &moment.settings {
        line.push_str(&format!(", {dial}={value}"));
    }
    match moment.acts.len() {
        0 => {}
        1 => line.push_str(", 1 act"),
        many => line.push_str(&format!(", {many} acts")),
    }
    out.line(line)
}

fn tell(given: &Given, run: &Run, accounts: &Accounts, out: &mut Out) -> Result<(), Failure> {
    let world = &run.world;
    head(&given.moment, out)?;
    out.line("")?;
    let until = Micros(world.now().0);
    out.line(format_args!("  {until} in {} events, {} records", world.events(), world.last_record().0))?;
    out.line(format_args!("  digest {:016x}", run.digest()))?;
    if let Some(halt) = world.halted() {
        out.line(format_args!("  halted: {halt}"))?;
    }

    let lost = accounts.lost_in_all();
    out.line("")?;
    out.line("messages")?;
    out.line(format_args!(
        "  {} sent{} = {} arrived + {lost} lost + {} in flight{}",
        accounts.sent,
        if accounts.doubled > 0 { format!(" + {} doubled", accounts.doubled) } else { String::new() },
        accounts.arrived,
        world.in_flight(),
        if accounts.balance(world) { "" } else { ": THIS IS FALSE, which is a fault of the engine" }
    ))?;
    for (why, count) in &accounts.lost {
        out.line(format_args!("  {count} lost: {}", why.word()))?;
    }
    if accounts.died > 0 {
        out.line(format_args!("  {} of those that arrived died with the node that was to serve them", accounts.died))?;
    }
    if accounts.never_left > 0 {
        out.line(format_args!("  {} more never left: there was no link", accounts.never_left))?;
    }

    let measures: Vec<_> = measures(run).collect();
    if !measures.is_empty() {
        out.line("")?;
        let head = ["measure", "count", "a second", "mean", "p50", "p90", "p99", "max"];
        let mut rows = vec![head.iter().map(|word| (*word).to_owned()).collect()];
        for (name, point) in measures {
            let rate = point.stat(Stat::Rate, until).map_or(String::new(), short);
            let mut row = vec![name.to_owned(), point.count.to_string(), rate];
            // What is counted one by one has no distribution to speak of.
            if !counts(&point) && point.max > 1 {
                let figure = |stat| point.stat(stat, until).map_or(String::new(), |us| span(Micros::from_f64(us)));
                row.extend([Stat::Mean, Stat::P50, Stat::P90, Stat::P99, Stat::Max].map(figure));
            }
            rows.push(row);
        }
        out.text(&table(&rows))?;
    }

    if run.checks().next().is_some() {
        out.line("")?;
        out.line("checks")?;
    }
    for (name, promise) in run.checks() {
        match broken(run, name) {
            (_, None) => out.line(format_args!("  {name} holds: {promise}"))?,
            (count, Some(first)) => {
                let more = if count > 1 { format!("; {} more times since", count - 1) } else { String::new() };
                out.line(format_args!("  {name} IS BROKEN at {}: {}{more}", first.at, first.told))?;
            }
        }
    }
    Ok(())
}

/// A number for people: whole, or with three significant digits.
fn short(value: f64) -> String {
    match value {
        value if value >= 100.0 || value == value.trunc() => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// The measures of a run over the whole of it.
fn measures(run: &Run) -> impl Iterator<Item = (&'static str, Point)> {
    run.metrics.names().filter_map(|name| Some((name, run.metrics.whole(name)?)))
}

/// Whether a measure only counts: it has a sum, but nothing is known of how its values are distributed.
fn counts(point: &Point) -> bool {
    point.sum > 0 && point.max == 0
}

/// How often a check was broken, as far as that was kept, and the first time.
fn broken<'a>(run: &'a Run, check: &str) -> (usize, Option<&'a Violation>) {
    let mut found = run.violations().iter().filter(|broken| *broken.check == *check);
    let first = found.next();
    (usize::from(first.is_some()) + found.count(), first)
}

fn as_json(given: &Given, run: &Run, accounts: &Accounts) -> Json {
    let (moment, world) = (&given.moment, &run.world);
    let until = Micros(world.now().0);
    let settings: Map<String, Json> =
        moment.settings.iter().map(|(dial, value)| (dial.clone(), written(value))).collect();
    let lost: Map<String, Json> =
        accounts.lost.iter().map(|(why, count)| (why.word().to_owned(), json!(count))).collect();
    let measures = measures(run).map(|(name, point)| {
        let figure = |stat| point.stat(stat, until).filter(|_| !counts(&point));
        json!({
            "name": name,
            "count": point.count,
            "rate": point.stat(Stat::Rate, until),
            "mean": figure(Stat::Mean),
            "p50": figure(Stat::P50),
            "p90": figure(Stat::P90),
            "p99": figure(Stat::P99),
            "max": figure(Stat::Max),
        })
    });
    let checks = run.checks().map(|(name, promise)| {
        let (count, first) = broken(run, name);
        let first = first.map(|first| {
            json!({
                "at": written(&first.at),
                "node": world.name(first.node),
                "told": first.told,
                "record": first.record.0,
                "evidence": first.evidence.iter().map(|record| record.0).collect::<Vec<_>>(),
            })
        });
        json!({ "name": name, "promise": promise, "holds": count == 0, "violations": count, "first": first })
    });
    json!({
        "name": moment.document.name,
        "revision": moment.document.revision,
        "title": moment.document.title,
        "seed": moment.seed.to_string(),
        "settings": settings,
        "acts": moment.acts.len(),
        "until": written(&until),
        "digest": format!("{:016x}", run.digest()),
        "halted": world.halted().map(|halt| halt.to_string()),
        "events": world.events(),
        "steps": run.steps(),
        "records": world.last_record().0,
        "messages": {
            "sent": accounts.sent,
            "doubled": accounts.doubled,
            "arrived": accounts.arrived,
            "lost": accounts.lost_in_all(),
            "lost_by": lost,
            "in_flight": world.in_flight(),
            "balance": accounts.balance(world),
            "died_after_arrival": accounts.died,
            "never_left": accounts.never_left,
        },
        "measures": measures.collect::<Vec<_>>(),
        "checks": checks.collect::<Vec<_>>(),
    })
}
