//! Exact figures of a run: every value of every measure is kept, so that percentiles and moments are not rounded as those
//! of the charts are.
//!
//! Beside what components measure, three things are taken from the engine's own records: how long each message waited
//! (`wait`) and was served (`service`) at a machine, and the time between two ends of a service in a group (`gap`). And
//! what generators count as come and gone makes the number in the system, over which time is integrated.

use serde_json::{Map, Value as Json, json};

use crate::components::{Record, What, World};
use crate::scenario::Sink;
use crate::sim::{Micros, NodeId, Time, fixed};

use super::out::{span, table};

/// How many values are kept in all; a run with more has no figures beyond.
const MAX_VALUES: usize = 100_000_000;
/// How many arrivals of a group are kept in their order.
const MAX_ORDER: usize = 1_024;

/// What leaves the system, as generators measure it.
pub const LEAVES: [&str; 3] = ["sojourn", "refused", "abandoned"];

/// Values of one measure at the nodes of one group.
struct Series {
    name: &'static str,
    template: u32,
    values: Vec<u64>,
}

/// Takes figures from the records of a run.
pub struct Figures {
    /// Only what happens from this instant on counts.
    from: Time,
    templates: Vec<u32>,
    names: Vec<String>,
    series: Vec<Series>,
    kept: usize,
    /// The last end of a service in each group.
    last_served: Vec<Option<Time>>,
    /// Who of each group got messages of a kind that is served, in order.
    order: Vec<Vec<NodeId>>,
    /// What came and what went since the beginning.
    pub arrivals: u64,
    /// What went, as in [`LEAVES`].
    pub left: [u64; 3],
    /// How long what went had been there, in all.
    pub sojourns: u128,
    in_system: u64,
    /// ∫ N(t) dt in microseconds, from the beginning and from `from`.
    pub area: u128,
    counted: u128,
    since: Time,
}

impl Figures {
    /// Figures of what happens from an instant on.
    pub fn new(from: Time) -> Figures {
        Figures {
            from,
            templates: Vec::new(),
            names: Vec::new(),
            series: Vec::new(),
            kept: 0,
            last_served: Vec::new(),
            order: Vec::new(),
            arrivals: 0,
            left: [0; 3],
            sojourns: 0,
            in_system: 0,
            area: 0,
            counted: 0,
            since: Time::ZERO,
        }
    }

    /// Looks who is there; needed before the first record, and again when there are newcomers.
    pub fn know(&mut self, world: &World) {
        self.templates = world.nodes().fold(Vec::new(), |mut all, (id, node)| {
            all.resize((id.0 as usize + 1).max(all.len()), u32::MAX);
            all[id.0 as usize] = node.template;
            all
        });
        self.names = world.templates().iter().map(|template| template.name.to_string()).collect();
        self.last_served.resize(self.names.len(), None);
        self.order.resize(self.names.len(), Vec::new());
    }

    fn add(&mut self, name: &'static str, template: u32, value: u64) {
        if self.kept >= MAX_VALUES {
            return;
        }
        self.kept += 1;
        // The same text stands at the same place, most often.
        let same = |series: &&mut Series| series.template == template && series.name == name;
        match self.series.iter_mut().find(same) {
            Some(series) => series.values.push(value),
            None => self.series.push(Series { name, template, values: vec![value] }),
        }
    }

    /// Lets time pass for the number in the system.
    pub fn pass(&mut self, now: Time) {
        let number = u128::from(self.in_system);
        self.area += number * u128::from(now.since(self.since).0);
        self.counted += number * u128::from(now.since(self.since.max(self.from)).0);
        self.since = self.since.max(now);
    }

    /// Takes in one record.
    pub fn see(&mut self, record: &Record) {
        let template = self.templates.get(record.node.0 as usize).copied().unwrap_or(u32::MAX);
        let counts = record.at >= self.from;
        match &record.what {
            What::Measure { name, value } => {
                self.come_and_go(name, *value, record.at);
                if counts {
                    self.add(name, template, *value);
                }
            }
            What::Served { waited, took, .. } => {
                let last = self.last_served.get_mut(template as usize).and_then(|last| last.replace(record.at));
                if counts {
                    self.add("wait", template, waited.0);
                    self.add("service", template, took.0);
                    if let Some(last) = last {
                        self.add("gap", template, record.at.since(last).0);
                    }
                }
            }
            What::Sent { .. } if counts => self.add("messages sent", template, 1),
            What::Arrived { .. } => {
                if let Some(order) = self.order.get_mut(template as usize).filter(|order| order.len() < MAX_ORDER) {
                    order.push(record.node);
                }
            }
            What::Lost { .. } if counts => self.add("messages lost", template, 1),
            _ => {}
        }
    }

    fn come_and_go(&mut self, name: &str, value: u64, now: Time) {
        let leaves = LEAVES.iter().position(|leaves| *leaves == name);
        if name == "arrivals" {
            self.pass(now);
            self.arrivals += value;
            self.in_system += value;
        } else if let Some(place) = leaves {
            self.pass(now);
            self.left[place] += 1;
            self.sojourns += u128::from(value);
            self.in_system = self.in_system.saturating_sub(1);
        }
    }

    /// How many are in the system, by what came and what went.
    pub fn in_system(&self) -> u64 {
        self.in_system
    }

    /// The mean number in the system over time, up to `now`; `None` where nothing says that anything came.
    pub fn mean_in_system(&self, now: Time) -> Option<f64> {
        let width = now.since(self.from).0;
        (self.arrivals > 0 && width > 0).then(|| self.counted as f64 / width as f64)
    }

    /// The names of all measures, in the order in which they first appeared.
    pub fn measures(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for series in &self.series {
            if !names.contains(&series.name) {
                names.push(series.name);
            }
        }
        names
    }

    /// The values of a measure: `sojourn`, or `wait at servers` for those of one group.
    pub fn values(&self, measure: &str) -> Vec<u64> {
        let (name, group) = match measure.split_once(" at ") {
            Some((name, group)) => (name, Some(group)),
            None => (measure, None),
        };
        let at = |template: u32| self.names.get(template as usize).map(|name| &**name);
        let meant =
            |series: &&Series| series.name == name && group.is_none_or(|group| at(series.template) == Some(group));
        self.series.iter().filter(meant).flat_map(|series| &series.values).copied().collect()
    }

    /// The numbers, from 1, of the members of a group that got the first messages, in order.
    pub fn order(&self, group: &str) -> Vec<u64> {
        let Some(template) = self.names.iter().position(|name| name == group) else { return Vec::new() };
        let first = self.templates.iter().position(|of| *of == template as u32).unwrap_or(0) as u64;
        self.order[template].iter().map(|node| u64::from(node.0) - first + 1).collect()
    }
}

// What they come to.
impl Figures {
    /// Every measure of every group, and what came and went, as JSON; lengths of time in microseconds.
    pub fn as_json(&self, now: Time) -> Map<String, Json> {
        let figures: Vec<Json> = self.samples().map(|(name, group, sample)| sample.as_json(name, group)).collect();
        let [answered, refused, abandoned] = self.left;
        let population = json!({
            "arrivals": self.arrivals,
            "answered": answered,
            "refused": refused,
            "abandoned": abandoned,
            "in_system": self.in_system,
            "mean_in_system": self.mean_in_system(now),
        });
        [("figures".to_owned(), json!(figures)), ("population".to_owned(), population)].into_iter().collect()
    }

    /// The same for people.
    pub fn told(&self, now: Time) -> String {
        let head = ["exactly", "at", "count", "mean", "deviation", "p50", "p95", "p99", "p99.9", "max"];
        let mut rows = vec![head.iter().map(|word| (*word).to_owned()).collect()];
        for (name, group, sample) in self.samples() {
            let mut row = vec![name.to_owned(), group.to_owned(), sample.count().to_string()];
            let deviation = sample.variance().map(f64::sqrt);
            // What is counted one by one has no distribution to speak of.
            if sample.quantile(1.0).is_some_and(|max| max > 1.0) {
                let tail = [0.5, 0.95, 0.99, 0.999, 1.0].map(|q| sample.quantile(q));
                let all = [sample.mean(), deviation].into_iter().chain(tail);
                row.extend(all.map(|value| value.map_or(String::new(), |us| span(Micros::from_f64(us)))));
            }
            rows.push(row);
        }
        let mut text = format!("\n{}", table(&rows));
        if let Some(mean) = self.mean_in_system(now) {
            let [answered, refused, abandoned] = self.left;
            text.push_str(&format!(
                "\n  {} arrived = {answered} answered + {refused} refused + {abandoned} abandoned + {} in the system, {} on average\n",
                self.arrivals,
                self.in_system,
                fixed(mean, 4)
            ));
        }
        text
    }

    /// Each measure of each group: its name, the group's, its values.
    fn samples(&self) -> impl Iterator<Item = (&'static str, &str, Sample)> {
        self.series.iter().map(|series| {
            let group = self.names.get(series.template as usize).map_or("", |name| name);
            (series.name, group, Sample::new(series.values.clone()))
        })
    }
}

impl Sample {
    fn as_json(&self, name: &str, group: &str) -> Json {
        json!({
            "name": name,
            "group": group,
            "count": self.count(),
            "mean": self.mean(),
            "variance": self.variance(),
            "p50": self.quantile(0.5),
            "p90": self.quantile(0.9),
            "p95": self.quantile(0.95),
            "p99": self.quantile(0.99),
            "p999": self.quantile(0.999),
            "max": self.quantile(1.0),
        })
    }
}

impl Sink for Figures {
    fn take(&mut self, record: Record) {
        self.see(&record);
    }
}

/// Moments and percentiles of values.
pub struct Sample {
    /// Ascending, if percentiles are wanted.
    values: Vec<u64>,
}

impl Sample {
    /// Of these values.
    pub fn new(mut values: Vec<u64>) -> Sample {
        values.sort_unstable();
        Sample { values }
    }
    /// How many there are.
    pub fn count(&self) -> usize {
        self.values.len()
    }
    /// Their sum.
    pub fn sum(&self) -> f64 {
        self.values.iter().map(|value| u128::from(*value)).sum::<u128>() as f64
    }
    /// Their mean; `None` of nothing, as all that follow.
    pub fn mean(&self) -> Option<f64> {
        (!self.values.is_empty()).then(|| self.sum() / self.values.len() as f64)
    }
    /// Their variance, as of a sample.
    pub fn variance(&self) -> Option<f64> {
        let mean = self.mean()?;
        let squares: f64 = self.values.iter().map(|value| (*value as f64 - mean) * (*value as f64 - mean)).sum();
        (self.values.len() > 1).then(|| squares / (self.values.len() - 1) as f64)
    }
    /// The least value that at least the share `q` of all do not exceed.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let place = (q * self.values.len() as f64).ceil() as usize;
        self.values.get(place.saturating_sub(1)).map(|value| *value as f64)
    }
    /// The share of those above a value.
    pub fn above(&self, value: Micros) -> Option<f64> {
        let above = self.values.len() - self.values.partition_point(|other| *other <= value.0);
        (!self.values.is_empty()).then(|| above as f64 / self.values.len() as f64)
    }
}

/// How much each value has to do with the one before it: 0 for independent ones.
pub fn autocorrelation(values: &[u64]) -> Option<f64> {
    let count = values.len() as f64;
    let mean = values.iter().map(|value| *value as f64).sum::<f64>() / count;
    let off = |value: &u64| *value as f64 - mean;
    let all: f64 = values.iter().map(|value| off(value) * off(value)).sum();
    let pairs: f64 = values.windows(2).map(|pair| off(&pair[0]) * off(&pair[1])).sum();
    (all > 0.0).then(|| pairs / all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_ten_numbers() {
        let sample = Sample::new(vec![9, 1, 3, 2, 4, 5, 6, 8, 7, 10]);
        assert_eq!((sample.count(), sample.mean()), (10, Some(5.5)));
        // 82.5 / 9, as any table has it.
        assert!((sample.variance().unwrap() - 9.166_666_667).abs() < 1e-9);
        assert_eq!(sample.quantile(0.5), Some(5.0));
        assert_eq!(sample.quantile(0.95), Some(10.0));
        assert_eq!(sample.above(Micros(8)), Some(0.2));
        assert_eq!(Sample::new(vec![]).mean(), None);
        assert_eq!(autocorrelation(&[1, 2, 1, 2, 1, 2]).map(|r| r < -0.8), Some(true));
    }
}
