//! One run of a case, and the figures that are asked of it.

use std::rc::Rc;

use crate::cli::figures::{Figures, LEAVES, Sample, autocorrelation};
use crate::components::World;
use crate::scenario::{Document, Run};
use crate::sim::{Micros, Time};
use crate::trace::Metrics;

use super::expect::{Case, Expect};

/// What came of a comparison.
pub struct Comparison {
    /// The mean of the runs.
    pub ours: f64,
    /// Half of its interval.
    pub half: f64,
    /// Whether the published value is in it.
    pub agrees: bool,
    /// With how many places it is shown.
    pub places: u32,
    /// Whether it is an order, and not a number.
    pub order: bool,
}

/// Runs a case with a seed; one number for everything that is expected.
pub fn run(case: &Case, seed: u64) -> Result<Vec<f64>, String> {
    let document = Document::from_toml(&case.toml).map_err(|problems| problems[0].to_string())?;
    let length = Time(document.length.0);
    let from = Time((length.0 as f64 * case.drop) as u64);
    // What waits for a measure needs the metrics; nothing else here does.
    let plain = document.cues.iter().all(|cue| cue.when.is_none()) && document.lesson.is_none();
    let mut run = Run::new(Rc::new(document), seed).map_err(|problem| problem.to_string())?;
    if plain {
        run.metrics = Metrics::silent();
    }
    let mut figures = Figures::new(from);
    figures.know(&run.world);
    // Newcomers are looked for now and then: a few in a run, as cues add them.
    let mut nodes = run.world.nodes().count();
    while run.next_at().is_some_and(|at| at <= length) && run.step(&mut figures) {
        if run.world.events() % 1_024 == 0 && run.world.nodes().count() != nodes {
            nodes = run.world.nodes().count();
            figures.know(&run.world);
        }
    }
    run.world.rest_at(length);
    figures.pass(length);
    if let Some(halt) = run.world.halted() {
        return Err(halt.to_string());
    }
    let width = length.since(from);
    case.expect.iter().map(|expect| figure(expect, &figures, &run.world, width)).collect()
}

/// What is no measure of a component.
fn special(expect: &Expect, figures: &Figures, world: &World) -> Option<Result<f64, String>> {
    Some(Ok(match &*expect.measure {
        // The mean number in the system over time.
        "in system" => figures.mean_in_system(world.now()).unwrap_or(0.0),
        // What came, less what went and what the generators themselves say is still there.
        "unaccounted" => {
            let gone: u64 = figures.left.iter().sum();
            figures.arrivals as f64 - gone as f64 - said(world, "in the system") as f64
        }
        // ∫ N(t) dt less the sum of all sojourns, in microseconds; of a run that ends empty.
        "little" => {
            if figures.in_system() > 0 {
                return Some(Err(format!("{} are still in the system at the end", figures.in_system())));
            }
            figures.area as f64 - figures.sojourns as f64
        }
        _ => return None,
    }))
}

/// The sum of what all generators show under a name.
fn said(world: &World, name: &str) -> u64 {
    let lines = world.nodes().filter(|(_, node)| node.kind == "generator").flat_map(|(_, node)| node.look().lines);
    lines.filter(|(line, _)| *line == name).filter_map(|(_, value)| value.parse::<u64>().ok()).sum()
}

fn figure(expect: &Expect, figures: &Figures, world: &World, width: Micros) -> Result<f64, String> {
    if let Some(found) = special(expect, figures, world) {
        return found;
    }
    if expect.stat == "order" {
        let group = expect.measure.strip_prefix("order at ").unwrap_or(&expect.measure);
        let (order, wanted) = (figures.order(group), expect.values.as_deref().unwrap_or_default());
        return Ok(f64::from(u8::from(order.len() >= wanted.len() && order.starts_with(wanted))));
    }
    let values = figures.values(&expect.measure);
    let scale = expect.scale()?;
    if expect.stat == "lag1" {
        return autocorrelation(&values).ok_or_else(|| nothing(expect, figures));
    }
    let sample = Sample::new(values);
    if let Some(per) = &expect.per {
        let whole = figures.values(per).len();
        return if whole == 0 { Err(nothing(expect, figures)) } else { Ok(sample.count() as f64 / whole as f64) };
    }
    let found = match &*expect.stat {
        "count" => return Ok(sample.count() as f64),
        "sum" => Some(sample.sum() / scale),
        "sum per second" => return Ok(sample.sum() / width.0 as f64),
        "rate" => return Ok(sample.count() as f64 * 1e6 / width.0 as f64),
        "mean" => sample.mean().map(|mean| mean / scale),
        "variance" => sample.variance().map(|variance| variance / (scale * scale)),
        "sd" => sample.variance().map(|variance| variance.sqrt() / scale),
        "cv" => sample.variance().zip(sample.mean()).map(|(variance, mean)| variance.sqrt() / mean),
        "cv2" => sample.variance().zip(sample.mean()).map(|(variance, mean)| variance / (mean * mean)),
        "max" => sample.quantile(1.0).map(|max| max / scale),
        "min" => sample.quantile(0.0).map(|min| min / scale),
        "above" => sample.above(Micros::parse(expect.above.as_deref().unwrap_or("0"))?),
        other => {
            match other.strip_prefix('p').and_then(|p| p.parse::<f64>().ok()).filter(|p| (0.0..=100.0).contains(p)) {
                Some(percent) => sample.quantile(percent / 100.0).map(|value| value / scale),
                None => return Err(format!("there is no stat \"{other}\"")),
            }
        }
    };
    found.ok_or_else(|| nothing(expect, figures))
}

fn nothing(expect: &Expect, figures: &Figures) -> String {
    format!("{} has no values; there are {}; {}", expect.measure, figures.measures().join(", "), LEAVES.join(", "))
}
