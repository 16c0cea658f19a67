//! Metrics: counts and lengths of time, in windows and over the whole run; percentiles by HDR histogram.

use std::rc::Rc;

use hdrhistogram::Histogram;

use crate::components::{Record, What};
use crate::sim::{Micros, Time};

use super::windows::{TOGETHER, Windows};

/// The width of a window.
pub const WINDOW: Micros = Micros::ms(500);
/// How many windows are kept; older ones live on in the whole only.
pub const MAX_WINDOWS: usize = 2_400;

crate::choice! {
    /// What about a measure.
    pub enum Stat {
        /// How many a second.
        Rate = "rate",
        /// How many in all.
        Count = "count",
        /// The mean.
        Mean = "mean",
        /// The median.
        P50 = "p50",
        /// The 90th percentile.
        P90 = "p90",
        /// The 99th percentile.
        P99 = "p99",
        /// The greatest.
        Max = "max",
    }
}

/// A measure in one window, or over the whole run. Values are counts or microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// How many values.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
    /// Their median.
    pub p50: u64,
    /// Their 90th percentile.
    pub p90: u64,
    /// Their 99th percentile.
    pub p99: u64,
    /// The greatest.
    pub max: u64,
}

impl Point {
    /// One figure of it; `width` is how long it was measured for. `None` where there is nothing to tell.
    pub fn stat(&self, stat: Stat, width: Micros) -> Option<f64> {
        let of = |value: u64| (self.count > 0).then_some(value as f64);
        match stat {
            Stat::Rate => (width.0 > 0).then(|| self.count as f64 * 1e6 / width.0 as f64),
            Stat::Count => Some(self.count as f64),
            Stat::Mean => (self.count > 0).then(|| self.sum as f64 / self.count as f64),
            Stat::P50 => of(self.p50),
            Stat::P90 => of(self.p90),
            Stat::P99 => of(self.p99),
            Stat::Max => of(self.max),
        }
    }
}

/// Values of one measure, with their distribution to two significant digits.
#[derive(Clone)]
struct Tally {
    count: u64,
    sum: u64,
    histogram: Option<Rc<Histogram<u32>>>,
}

impl Tally {
    fn empty() -> Tally {
        Tally { count: 0, sum: 0, histogram: None }
    }

    fn add(&mut self, value: u64, counter: bool) {
        self.count += 1;
        self.sum = self.sum.saturating_add(value);
        if counter {
            return;
        }
        // Two digits: 0.8 % at the worst. Auto-resizing, so a measure of small values stays small.
        let histogram = self.histogram.get_or_insert_with(|| {
            Rc::new(Histogram::new(2).expect("two significant digits are within what the histogram takes"))
        });
        // Only a value beyond 2⁶³ can fail here; it still counts.
        let _ = Rc::make_mut(histogram).record(value);
    }

    fn point(&self) -> Point {
        let at = |q: f64| self.histogram.as_ref().map_or(0, |histogram| histogram.value_at_quantile(q));
        Point {
            count: self.count,
            sum: self.sum,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: self.histogram.as_ref().map_or(0, |histogram| histogram.max()),
        }
    }
}

#[derive(Clone)]
struct Series {
    name: &'static str,
    window: Tally,
    whole: Tally,
    /// Finished windows, from `Metrics::first` on.
    done: Windows,
}

/// All measures of a run.
#[derive(Clone, Default)]
pub struct Metrics {
    series: Vec<Series>,
    /// The number of the window that is being filled.
    current: u64,
    /// The number of the first window that is kept.
    first: u64,
    /// Whether it takes nothing in.
    silent: bool,
}

impl Metrics {
    /// Metrics that take nothing in: for those who keep figures of their own, and have many runs to make.
    pub fn silent() -> Metrics {
        Metrics { silent: true, ..Metrics::default() }
    }

    /// Takes in one record.
    pub fn observe(&mut self, record: &Record) {
        if self.silent {
            return;
        }
        let (name, value, counter) = match &record.what {
            What::Measure { name, value } => (*name, *value, false),
            What::Sent { .. } => ("messages sent", 1, true),
            What::Duplicated { .. } => ("messages doubled", 1, true),
            What::Arrived { .. } => ("messages arrived", 1, true),
            What::Lost { why, .. } => {
                self.add("messages lost", 1, true);
                (why.word(), 1, true)
            }
            _ => return,
        };
        self.add(name, value, counter);
    }

    fn add(&mut self, name: &'static str, value: u64, counter: bool) {
        let place = self.series.iter().position(|series| series.name == name).unwrap_or_else(|| {
            let done = Windows::empty((self.current - self.first) as usize);
            self.series.push(Series { name, window: Tally::empty(), whole: Tally::empty(), done });
            self.series.len() - 1
        });
        let series = &mut self.series[place];
        series.window.add(value, counter);
        series.whole.add(value, counter);
    }

    /// Lets time pass: windows that are over are closed.
    pub fn pass(&mut self, now: Time) {
        let current = now.0 / WINDOW.0;
        if current == self.current || self.silent {
            return;
        }
        let drop = (current - self.first).saturating_sub(MAX_WINDOWS as u64);
        for series in &mut self.series {
            series.done.push(series.window.point());
            series.window = Tally::empty();
            // A long silence closes many windows at once, but never more than are kept.
            let missing = (current - self.current - 1).min(MAX_WINDOWS as u64);
            (0..missing).for_each(|_| series.done.push(Point::default()));
            series.done.keep((current - self.first - drop) as usize);
        }
        self.first += drop;
        self.current = current;
    }

    /// How many bytes a copy holds that it does not share with one of `earlier`.
    pub fn weight_since(&self, earlier: Time) -> usize {
        let newer = self.current.saturating_sub(earlier.0 / WINDOW.0).min(self.current - self.first) as usize;
        self.series.len() * (newer + TOGETHER) * std::mem::size_of::<Point>()
    }

    /// The names of all measures, in the order in which they first appeared.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.series.iter().map(|series| series.name)
    }

    /// The finished windows of a measure that begin at or after `from`: start and figures, oldest first.
    pub fn windows(&self, name: &str, from: Time) -> impl Iterator<Item = (Time, &Point)> {
        let series = self.series.iter().find(|series| series.name == name);
        // The first that does not begin before.
        let start = from.0.div_ceil(WINDOW.0).max(self.first);
        let done = series.into_iter().flat_map(move |series| series.done.iter((start - self.first) as usize));
        done.enumerate().map(move |(place, point)| (Time((start + place as u64) * WINDOW.0), point))
    }

    /// A measure over the whole run.
    pub fn whole(&self, name: &str) -> Option<Point> {
        self.series.iter().find(|series| series.name == name).map(|series| series.whole.point())
    }

    /// One figure over the last finished windows, `span` long; the percentiles are those of the worst window.
    pub fn recent(&self, name: &str, stat: Stat, span: Micros) -> Option<f64> {
        let from = Time(self.current * WINDOW.0).since(Time(span.0));
        let windows: Vec<&Point> = self.windows(name, Time(from.0)).map(|(_, point)| point).collect();
        let mut sum = Point::default();
        for point in &windows {
            sum.count += point.count;
            sum.sum += point.sum;
            sum.p50 = sum.p50.max(point.p50);
            sum.p90 = sum.p90.max(point.p90);
            sum.p99 = sum.p99.max(point.p99);
            sum.max = sum.max.max(point.max);
        }
        sum.stat(stat, Micros(WINDOW.0 * windows.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{NodeId, RecordId};

    fn measured(value: u64) -> Record {
        let what = What::Measure { name: "delivery", value };
        Record { id: RecordId(1), at: Time::ZERO, cause: RecordId(0), node: NodeId(0), what }
    }

    #[test]
    fn windows_close_in_time_and_the_whole_remembers() {
        let mut metrics = Metrics::default();
        for value in [10_000, 20_000, 30_000] {
            metrics.observe(&measured(value));
        }
        metrics.pass(Time(WINDOW.0 * 3));
        metrics.observe(&measured(50_000));
        metrics.pass(Time(WINDOW.0 * 4));
        let counts: Vec<u64> = metrics.windows("delivery", Time::ZERO).map(|(_, point)| point.count).collect();
        assert_eq!(counts, [3, 0, 0, 1]);
        let whole = metrics.whole("delivery").unwrap();
        assert_eq!((whole.count, whole.sum), (4, 110_000));
        // Two significant digits.
        assert!(whole.p50.abs_diff(20_000) <= 160 && whole.max.abs_diff(50_000) <= 400, "{whole:?}");
    }

    #[test]
    fn a_long_run_keeps_a_bounded_number_of_windows() {
        let mut metrics = Metrics::default();
        metrics.observe(&measured(1));
        for second in [1, 2, 100_000, 100_001, 200_000] {
            metrics.pass(Time(second * 1_000_000));
        }
        assert_eq!(metrics.windows("delivery", Time::ZERO).count(), MAX_WINDOWS);
        let last = metrics.windows("delivery", Time::ZERO).last().unwrap().0;
        assert_eq!(last, Time(200_000_000_000 - WINDOW.0));
        metrics.observe(&Record { what: What::Measure { name: "new", value: 1 }, ..measured(1) });
        metrics.pass(Time(200_000_500_000));
        assert_eq!(metrics.windows("new", Time::ZERO).filter(|(_, point)| point.count > 0).count(), 1);
    }
}
