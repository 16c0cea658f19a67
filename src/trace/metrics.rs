//! Metrics: counts and lengths of time, in windows and over the whole run; percentiles by HDR histogram.

use std::rc::Rc;

use hdrhistogram::Histogram;

use crate::components::{Record, What};
use crate::sim::{Blocks, Micros, Scale, Time};

/// The width of a window.
pub const WINDOW: Micros = Micros::ms(500);
/// How many windows are kept; older ones live on in summaries.
pub const MAX_WINDOWS: usize = 2_400;

/// For how many of the last windows every value is kept as the histogram has it, not only a few percentiles: two minutes.
const SPREADS: usize = 240;
/// The longest time over which percentiles can be told at every moment.
pub const MAX_SPREAD: Micros = Micros(WINDOW.0 * SPREADS as u64);

/// The windows and their summaries: how many of the ones before go into one, and how many are kept. Half a second for 20
/// minutes, ten seconds for two hours, five minutes for two days, two hours for 800 hours, which is longer than any time
/// that can be asked for; what is older than that lives on in the whole only.
pub const LEVELS: [(u64, usize); 4] = [(1, MAX_WINDOWS), (20, 720), (30, 576), (24, 400)];

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

impl Stat {
    /// What share of the values does not exceed it, if it is told by that.
    pub fn share(self) -> Option<f64> {
        match self {
            Stat::P50 => Some(0.5),
            Stat::P90 => Some(0.9),
            Stat::P99 => Some(0.99),
            Stat::Rate | Stat::Count | Stat::Mean | Stat::Max => None,
        }
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

    /// Takes in the values of another. Both count in the same steps, so that this is as if each had been added here.
    fn merge(&mut self, other: &Tally) {
        self.count += other.count;
        self.sum = self.sum.saturating_add(other.sum);
        let Some(added) = &other.histogram else { return };
        match &mut self.histogram {
            // It widens itself as it must, so that it takes in all.
            Some(histogram) => drop(Rc::make_mut(histogram).add(&**added)),
            empty => *empty = Some(added.clone()),
        }
    }

    fn spread(&self) -> Spread {
        let spread = |histogram: &Rc<Histogram<u32>>| {
            histogram.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect()
        };
        self.histogram.as_ref().map(spread)
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

/// The values of a window in the histogram's steps, lowest first, each with how often it occurred.
type Spread = Option<Rc<[(u64, u32)]>>;

/// The least of these values that so great a share of all does not exceed; zero of none.
fn quantile(spreads: &[&[(u64, u32)]], share: f64) -> u64 {
    let mut all = spreads.concat();
    all.sort_unstable();
    let count: u64 = all.iter().map(|(_, count)| u64::from(*count)).sum();
    let mut rank = ((share * count as f64).ceil() as u64).max(1);
    for (value, count) in all {
        match rank.checked_sub(u64::from(count)) {
            None | Some(0) => return value,
            Some(left) => rank = left,
        }
    }
    0
}

/// One measure in windows of one width.
#[derive(Clone)]
struct Row {
    /// The window that is being filled; but for what is in a window of the row before that is not over.
    filling: Tally,
    /// Finished windows, from `Level::first` on.
    done: Blocks<Point>,
}

#[derive(Clone)]
struct Series {
    name: &'static str,
    rows: [Row; LEVELS.len()],
    /// Of the last of the narrowest windows.
    spreads: Blocks<Spread>,
    /// What is in no window any more that could go on.
    whole: Tally,
}

/// Windows of one width.
#[derive(Clone, Copy, Default)]
struct Level {
    /// The number of the window that is being filled.
    current: u64,
    /// The number of the first window that is kept; a multiple of how many go into one of the next level.
    first: u64,
}

/// All measures of a run.
#[derive(Clone, Default)]
pub struct Metrics {
    series: Vec<Series>,
    levels: [Level; LEVELS.len()],
    /// Of which measures all values of the last windows are kept.
    spread: Rc<Vec<String>>,
    /// Whether it takes nothing in.
    silent: bool,
}

/// The width of a level's windows.
fn width(level: usize) -> Micros {
    Micros(LEVELS[..=level].iter().fold(WINDOW.0, |width, (together, _)| width * together))
}

impl Metrics {
    /// Metrics that take nothing in: for those who keep figures of their own, and have many runs to make.
    pub fn silent() -> Metrics {
        Metrics { silent: true, ..Metrics::default() }
    }

    /// Keeps the values of the last windows of a measure, so that [`Metrics::recent`] can tell its percentiles.
    pub fn spread(&mut self, name: &str) {
        if !self.spread.iter().any(|other| other == name) {
            Rc::make_mut(&mut self.spread).push(name.to_owned());
        }
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
        // Most names are the very same text, of which the place tells that.
        let same = |series: &Series| std::ptr::eq(series.name, name);
        let place = self.series.iter().position(same);
        let place = place.or_else(|| self.series.iter().position(|series| series.name == name)).unwrap_or_else(|| {
            let row = |level: Level| {
                let mut done = Blocks::default();
                (level.first..level.current).for_each(|_| done.push(Point::default()));
                Row { filling: Tally::empty(), done }
            };
            let (spreads, whole) = (Blocks::default(), Tally::empty());
            self.series.push(Series { name, rows: self.levels.map(row), spreads, whole });
            self.series.len() - 1
        });
        self.series[place].rows[0].filling.add(value, counter);
    }

    /// Lets time pass: windows that are over are closed, and go into their summaries.
    pub fn pass(&mut self, now: Time) {
        if now.0 / WINDOW.0 == self.levels[0].current || self.silent {
            return;
        }
        for level in 0..LEVELS.len() {
            let current = now.0 / width(level).0;
            if current == self.levels[level].current {
                return;
            }
            self.close(level, current);
        }
    }

    fn close(&mut self, level: usize, current: u64) {
        let Level { current: before, first } = self.levels[level];
        let most = LEVELS[level].1 as u64;
        // Only what is in a summary goes.
        let together = LEVELS.get(level + 1).map_or(1, |(together, _)| *together);
        let keep_from = first.max(current.saturating_sub(most).next_multiple_of(together));
        for series in &mut self.series {
            let Row { filling, done } = &mut series.rows[level];
            let over = std::mem::replace(filling, Tally::empty());
            done.push(over.point());
            // A long silence closes many windows at once, but never more than are kept.
            let missing = (current - before - 1).min(most);
            (0..missing).for_each(|_| done.push(Point::default()));
            done.keep((current - keep_from) as usize);
            if level == 0 && self.spread.iter().any(|name| name == series.name) {
                series.spreads.push(over.spread());
                (0..missing.min(SPREADS as u64)).for_each(|_| series.spreads.push(None));
                series.spreads.keep(SPREADS);
            }
            match series.rows.get_mut(level + 1) {
                Some(row) => row.filling.merge(&over),
                None => series.whole.merge(&over),
            }
        }
        self.levels[level] = Level { current, first: keep_from };
    }

    /// Puts on the scale what a copy holds.
    pub fn weigh(&self, scale: &mut Scale) {
        scale.own(self.series.capacity() * size_of::<Series>());
        let tally = |tally: &Tally, scale: &mut Scale| {
            if let Some(histogram) = &tally.histogram {
                let bytes = size_of::<Histogram<u32>>() + histogram.distinct_values() * size_of::<u32>();
                scale.shared(Rc::as_ptr(histogram).addr(), bytes);
            }
        };
        for series in &self.series {
            for row in &series.rows {
                row.done.weigh(scale);
                tally(&row.filling, scale);
            }
            tally(&series.whole, scale);
            series.spreads.weigh(scale);
            for spread in series.spreads.iter(0).flatten() {
                scale.shared(spread.as_ptr().addr(), size_of_val(&**spread));
            }
        }
    }

    /// How many windows are over.
    pub fn ended(&self) -> u64 {
        self.levels[0].current
    }

    /// The names of all measures, in the order in which they first appeared.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.series.iter().map(|series| series.name)
    }

    /// The finished windows of a measure that begin at or after `from`: start and figures, oldest first.
    pub fn windows(&self, name: &str, from: Time) -> impl Iterator<Item = (Time, &Point)> {
        self.row(name, 0, from, Time(u64::MAX))
    }

    /// The windows of one level that begin at or after `from` and before `until`.
    fn row(&self, name: &str, level: usize, from: Time, until: Time) -> impl Iterator<Item = (Time, &Point)> {
        let series = self.series.iter().find(|series| series.name == name);
        let width = width(level);
        // The first that does not begin before.
        let first = self.levels[level].first;
        let start = from.0.div_ceil(width.0).max(first);
        let done = series.into_iter().flat_map(move |series| series.rows[level].done.iter((start - first) as usize));
        let windows = done.enumerate().map(move |(place, point)| (Time((start + place as u64) * width.0), point));
        windows.take_while(move |(start, _)| *start < until)
    }

    /// The summaries of what is older than all windows: start, width and figures, oldest first, each instant in one only,
    /// from the first on that begins at or after `from`.
    pub fn summaries(&self, name: &str, from: Time) -> Vec<(Time, Micros, Point)> {
        let mut found = Vec::new();
        for level in (1..LEVELS.len()).rev() {
            let until = Time(self.levels[level - 1].first * width(level - 1).0);
            let windows = self.row(name, level, from, until);
            found.extend(windows.map(|(start, point)| (start, width(level), *point)));
        }
        found
    }

    /// A measure over the whole run.
    pub fn whole(&self, name: &str) -> Option<Point> {
        let series = self.series.iter().find(|series| series.name == name)?;
        let mut whole = series.whole.clone();
        series.rows.iter().for_each(|row| whole.merge(&row.filling));
        Some(whole.point())
    }

    /// All values of a measure over the whole run, in the steps of the histogram, two significant digits: lowest first, each
    /// with how often it occurred. Counters have none.
    #[inline(never)]
    pub fn values(&self, name: &str) -> Vec<(u64, u32)> {
        let Some(series) = self.series.iter().find(|series| series.name == name) else { return Vec::new() };
        let mut whole = series.whole.clone();
        series.rows.iter().for_each(|row| whole.merge(&row.filling));
        whole.spread().map_or_else(Vec::new, |spread| spread.to_vec())
    }

    /// One figure over the last finished windows, `span` long. A percentile is told of at most
    /// [`MAX_SPREAD`], and only if it was asked for by [`Metrics::spread`] from the beginning.
    pub fn recent(&self, name: &str, stat: Stat, span: Micros) -> Option<f64> {
        let from = Time(self.levels[0].current * WINDOW.0).since(Time(span.0));
        let windows: Vec<&Point> = self.windows(name, Time(from.0)).map(|(_, point)| point).collect();
        if let Some(share) = stat.share() {
            let spreads = &self.series.iter().find(|series| series.name == name)?.spreads;
            let last = spreads.iter(spreads.len().saturating_sub(windows.len()));
            let spreads: Vec<&[(u64, u32)]> = last.flatten().map(|spread| &**spread).collect();
            return (!spreads.is_empty()).then(|| quantile(&spreads, share) as f64);
        }
        let mut sum = Point::default();
        for point in &windows {
            sum.count += point.count;
            sum.sum += point.sum;
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
        assert_eq!(metrics.values("delivery").iter().map(|(_, times)| *times).collect::<Vec<_>>(), [1, 1, 1, 1]);
        // Two significant digits.
        assert!(whole.p50.abs_diff(20_000) <= 160 && whole.max.abs_diff(50_000) <= 400, "{whole:?}");
    }

    #[test]
    fn a_percentile_over_a_while_is_that_of_all_its_values() {
        let (mut metrics, mut all) = (Metrics::default(), Vec::new());
        metrics.spread("delivery");
        assert_eq!(metrics.recent("delivery", Stat::P99, Micros::secs(10)), None);
        for step in 1..=300u64 {
            // One of a hundred takes fifty times as long, so that most windows have none of them.
            let value = if step % 100 == 50 { 500_000 + step } else { 10_000 + step * 7 % 1_000 };
            metrics.observe(&measured(value));
            metrics.pass(Time(step * 100_000));
            all.push(value);
        }
        for span in [1, 5, 30] {
            let mut last = all[all.len() - span * 10..].to_vec();
            last.sort_unstable();
            for stat in [Stat::P50, Stat::P90, Stat::P99] {
                let share = stat.share().expect("a percentile");
                let right = last[(share * last.len() as f64).ceil() as usize - 1] as f64;
                let found = metrics.recent("delivery", stat, Micros::secs(span as u64)).expect("values");
                assert!((found - right).abs() <= 0.008 * right, "{stat:?} over {span} s: {found}, not {right}");
            }
        }
        metrics.pass(Time(30_000_000 + 2 * MAX_SPREAD.0));
        assert_eq!(metrics.recent("delivery", Stat::P50, MAX_SPREAD), None, "after a long silence");
        assert_eq!(metrics.series[0].spreads.len(), SPREADS);
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

    #[test]
    fn older_windows_live_on_in_summaries_of_the_same_values() {
        let (mut metrics, mut all) = (Metrics::default(), Tally::empty());
        let mut of: Vec<(u64, u64)> = Vec::new();
        // Thirty hours, a value every seven seconds, of which each hour has its own.
        for step in 0..15_429u64 {
            let at = step * 7_000_000;
            metrics.pass(Time(at));
            let value = 1_000 + at / 3_600_000_000 * 500 + step % 10 * 37;
            metrics.observe(&measured(value));
            all.add(value, false);
            of.push((at, value));
        }
        assert_eq!(metrics.whole("delivery"), Some(all.point()), "the whole is as if each were counted once");
        let summaries = metrics.summaries("delivery", Time::ZERO);
        let oldest = metrics.windows("delivery", Time::ZERO).next().expect("there are windows").0;
        let mut until = 0;
        for (start, width, point) in &summaries {
            assert_eq!(start.0, until, "one begins where another ends");
            until = start.0 + width.0;
            let mut expected = Tally::empty();
            let within = |(at, _): &&(u64, u64)| (start.0..until).contains(at);
            of.iter().filter(within).for_each(|(_, value)| expected.add(*value, false));
            assert_eq!(*point, expected.point(), "at {start:?}");
        }
        assert_eq!(until, oldest.0, "the windows begin where the summaries end");
        let widths: Vec<u64> = [300, 10].map(|seconds| seconds * 1_000_000).to_vec();
        let mut found: Vec<u64> = summaries.iter().map(|(_, width, _)| width.0).collect();
        found.dedup();
        assert_eq!(found, widths);
        // Begun later, it tells what begins later.
        let later = metrics.summaries("delivery", Time(3_600_000_000));
        assert!(later.len() < summaries.len() && later[0].0 >= Time(3_600_000_000));
    }

    #[test]
    fn a_year_keeps_as_many_summaries_as_are_allowed() {
        let mut metrics = Metrics::default();
        for hour in 0..24 * 365u64 {
            metrics.observe(&measured(hour));
            metrics.pass(Time((hour + 1) * 3_600_000_000));
        }
        let kept: usize = metrics.series[0].rows.iter().map(|row| row.done.iter(0).count()).sum();
        assert!(kept <= LEVELS.iter().map(|(_, most)| most).sum(), "{kept}");
        assert_eq!(metrics.whole("delivery").map(|point| point.count), Some(24 * 365));
    }
}
