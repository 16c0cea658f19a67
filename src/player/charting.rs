//! The charts in their view: what can be plotted, what is, and over which time.

use crate::components::kind;
use crate::scenario::{Act, Group, Vital};
use crate::scene::{DisplayList, Point, Target};
use crate::sim::{FieldKind, Micros, NodeId, Time, Value};
use crate::timeline::MarkKind;
use crate::trace::course::Course;
use crate::trace::load::windows;
use crate::trace::spans::spans;
use crate::trace::{Metrics, Point as Figures, Stat, WINDOW};
use crate::views::{self, Chart, ChartSight, Line, MAX_POINTS, Plot, Spread};

use super::panel::{plain, shown, stat_word, unit};
use super::{Action, Looking, Player};

/// How many charts stand beside each other; of more the first chosen goes.
pub const MAX_CHARTS: usize = 6;
/// How many of the last records the load of a component is told from.
const MAX_LOADED: usize = 12_000;
/// How many bins of a distribution there are for each power of ten.
const BINS: f64 = 10.0;
/// The least value that is taken for a length of time, in microseconds: what never was more is a plain number.
const A_TIME: u64 = 1_000;

/// Something that can be plotted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plotted {
    /// One of the document's vital signs, by its place.
    Vital(usize),
    /// Messages sent, arrived and lost.
    Wire,
    /// Losses by reason.
    Losses,
    /// How often something is measured.
    Rate(&'static str),
    /// Percentiles of a measure.
    Percentiles(&'static str),
    /// How the values of a measure are distributed.
    Values(&'static str),
    /// How many messages wait at a component.
    Waiting(NodeId),
    /// How busy its cores are.
    Busy(NodeId),
    /// What a dial of the document was set to, by its place.
    Dial(usize),
    /// What a setting of a component was.
    Setting(NodeId, &'static str),
}

/// How far back the charts look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Back {
    /// 20 seconds.
    #[default]
    Seconds,
    /// 2 minutes.
    Minutes,
    /// To the beginning.
    All,
}

impl Back {
    /// All of them, with their names on the page.
    pub const ALL: [(Back, &'static str); 3] = [(Back::Seconds, "20 s"), (Back::Minutes, "2 min"), (Back::All, "All")];
}

/// What is done to the charts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Charting {
    /// Plots something, or no longer.
    Plot(Plotted),
    /// Looks so far back.
    Back(Back),
    /// The pointer is there, in pixels of the view, or nowhere.
    Point(Option<Point>),
    /// Points at an instant so many steps later.
    Step(i32),
}

/// What the charts remember.
#[derive(Clone, Debug, Default)]
pub(super) struct Charts {
    /// What was chosen; before anything was, the vital signs.
    chosen: Option<Vec<Plotted>>,
    back: Back,
    pointer: Option<Point>,
    /// Where the charts stood when they were drawn last.
    plots: Vec<Plot>,
    /// The load that was told last.
    load: Option<Told>,
}

/// A component's load, and for what it was told: the window, the component, how many acts there were.
#[derive(Clone, Debug)]
struct Told {
    of: (Time, NodeId, usize),
    load: Vec<Loaded>,
}

/// When a window ended, how many messages waited in it on average, and how busy the cores were in per cent.
type Loaded = (Time, f64, f64);

impl Player {
    /// How far back the charts look.
    pub fn charts_back(&self) -> Back {
        self.linked.charts.back
    }

    /// What is plotted.
    pub fn plotted(&self) -> Vec<Plotted> {
        match &self.linked.charts.chosen {
            Some(chosen) => chosen.clone(),
            None => self.usual(),
        }
    }

    /// What is plotted before anything was chosen: two vital signs and how the first measure is distributed.
    fn usual(&self) -> Vec<Plotted> {
        let vitals = &self.timeline.document().vitals;
        let mut usual: Vec<Plotted> = (0..vitals.len().min(2)).map(Plotted::Vital).collect();
        let measures = || vitals.iter().flat_map(|vital| &vital.lines).filter(|line| line.stat.share().is_some());
        let names = &self.timeline.run().metrics;
        let known = measures().find_map(|line| names.names().find(|name| *name == line.measure));
        usual.extend(known.map(Plotted::Values));
        if usual.is_empty() {
            usual = vec![Plotted::Wire, Plotted::Losses];
        }
        usual
    }

    /// All that can be plotted, each with its name.
    #[inline(never)]
    pub fn plottable(&self) -> Vec<(Plotted, String)> {
        let (document, metrics) = (self.timeline.document(), &self.timeline.run().metrics);
        let mut all: Vec<Plotted> = (0..document.vitals.len()).map(Plotted::Vital).collect();
        all.extend([Plotted::Wire, Plotted::Losses]);
        for name in metrics.names().filter(|name| !counted(name)) {
            if metrics.whole(name).is_some_and(|whole| whole.max > 1) {
                all.extend([Plotted::Percentiles(name), Plotted::Values(name)]);
            }
            all.push(Plotted::Rate(name));
        }
        let mut loads: Vec<NodeId> = self.plotted().into_iter().filter_map(node).collect();
        if let Some(Target::Node(node)) = self.view.selected {
            loads.push(node);
        }
        loads.sort_unstable();
        loads.dedup();
        all.extend(loads.iter().flat_map(|node| [Plotted::Waiting(*node), Plotted::Busy(*node)]));
        all.extend((0..document.dials.len()).filter(|place| self.dial_at_first(*place).is_some()).map(Plotted::Dial));
        for node in loads {
            let fields = self.timeline.run().world.node(node).and_then(|known| kind(known.kind));
            let fields = fields.iter().flat_map(|kind| kind.fields().iter()).map(|field| field.name);
            let plain = fields.filter(|field| self.setting_at_first(node, field).is_some());
            all.extend(plain.map(|field| Plotted::Setting(node, field)));
        }
        all.into_iter().map(|plotted| (plotted, self.caption(plotted))).collect()
    }

    /// What a chart is called.
    fn caption(&self, plotted: Plotted) -> String {
        let (document, world) = (self.timeline.document(), &self.timeline.run().world);
        match plotted {
            Plotted::Vital(place) => document.vitals.get(place).map_or_else(String::new, |vital| vital.title.clone()),
            Plotted::Wire => "all messages".to_owned(),
            Plotted::Losses => "losses by reason".to_owned(),
            Plotted::Rate(name) => format!("{name}: rate"),
            Plotted::Percentiles(name) => format!("{name}: percentiles"),
            Plotted::Values(name) => format!("{name}: distribution, whole run"),
            Plotted::Waiting(node) => format!("{}: waiting", world.name(node)),
            Plotted::Busy(node) => format!("{}: busy", world.name(node)),
            Plotted::Dial(place) => document.dials.get(place).map_or_else(String::new, |dial| dial.title.clone()),
            Plotted::Setting(node, field) => format!("{}: {field}", world.name(node)),
        }
    }

    /// The instant under a place of the charts, in pixels.
    pub fn charted_at(&self, at: Point) -> Option<Time> {
        let plot = self.linked.charts.plots.iter().find(|plot| plot.holds(at))?;
        plot.axis.as_ref().map(|axis| axis.at(at.x).min(self.timeline.reached()))
    }

    /// Does something to the charts.
    #[inline(never)]
    pub(super) fn chart_at(&mut self, charting: Charting) {
        match charting {
            Charting::Plot(plotted) => {
                let mut chosen = self.plotted();
                match chosen.iter().position(|other| *other == plotted) {
                    Some(place) => drop(chosen.remove(place)),
                    None => chosen.push(plotted),
                }
                let extra = chosen.len().saturating_sub(MAX_CHARTS);
                chosen.drain(..extra);
                self.linked.charts.chosen = Some(chosen);
            }
            Charting::Back(back) => self.linked.charts.back = back,
            Charting::Point(at) => {
                self.linked.charts.pointer = at;
                self.linked.instant = at.and_then(|at| self.charted_at(at));
            }
            Charting::Step(by) => {
                let (from, until) = self.charted_span();
                let step = (until.since(from).0 / 100).max(1) as i64;
                let here = self.linked.instant.unwrap_or(self.timeline.now());
                let there = here.0.saturating_add_signed(step * i64::from(by));
                self.linked.instant = Some(Time(there.max(from.0).min(self.timeline.reached().min(until).0)));
            }
        }
    }

    /// What is shown of time.
    fn charted_span(&self) -> (Time, Time) {
        let now = self.timeline.now();
        let span = match self.linked.charts.back {
            Back::Seconds => Micros::secs(20),
            Back::Minutes => Micros::secs(120),
            Back::All => Micros(now.0.max(10_000_000)),
        };
        let until = now.max(Time(span.0));
        (Time(until.0 - span.0), until)
    }

    /// What is plotted, with its figures.
    pub fn charts(&mut self) -> Vec<Chart> {
        self.plotted().into_iter().map(|plotted| self.chart(plotted)).collect()
    }

    /// Draws the charts.
    #[inline(never)]
    pub(super) fn draw_charts(&mut self, size: (f32, f32), list: &mut DisplayList) {
        let charts = self.charts();
        let sight = ChartSight {
            charts: &charts,
            size,
            now: self.timeline.now(),
            pointer: self.linked.charts.pointer,
            instant: self.linked.instant,
        };
        self.linked.charts.plots = views::charts(&sight, list);
    }

    fn chart(&mut self, plotted: Plotted) -> Chart {
        let span = self.charted_span();
        let title = self.caption(plotted);
        let marks = self.timeline.tape().marks().iter();
        let faults =
            marks.filter(|mark| mark.kind == MarkKind::Fault && mark.at >= span.0 && mark.at <= self.timeline.now());
        let chart = Chart { title, span, faults: faults.map(|mark| mark.at).collect(), ..Chart::default() };
        let metrics = &self.timeline.run().metrics;
        let rate =
            |name: &str| line(name, figures(metrics, name, span.0), &|point, width| point.stat(Stat::Rate, width));
        match plotted {
            Plotted::Vital(place) => match self.timeline.document().vitals.get(place) {
                Some(vital) => vital_chart(vital, metrics, chart),
                None => chart,
            },
            Plotted::Wire => {
                let lines = ["messages sent", "messages arrived", "messages lost"]
                    .map(|name| Line { name: name.strip_prefix("messages ").unwrap_or(name).to_owned(), ..rate(name) });
                Chart { unit: "/s", lines: lines.into(), ..chart }
            }
            Plotted::Losses => {
                let lines = metrics.names().filter(|name| reason(name)).map(rate).collect();
                Chart { unit: "/s", lines, ..chart }
            }
            Plotted::Rate(name) => Chart { unit: "/s", lines: vec![rate(name)], ..chart },
            Plotted::Percentiles(name) => {
                let (unit, scale) = scale(metrics, name);
                let of = |stat: Stat| {
                    let value = |point: &Figures, width| Some(point.stat(stat, width)? / scale);
                    Line { name: stat_word(stat).to_owned(), ..line(name, figures(metrics, name, span.0), &value) }
                };
                Chart { unit, lines: [Stat::P50, Stat::P90, Stat::P99, Stat::Max].map(of).into(), ..chart }
            }
            Plotted::Values(name) => {
                let (unit, scale) = scale(metrics, name);
                Chart { unit, spread: Some(spread(metrics, name, scale)), ..chart }
            }
            Plotted::Waiting(node) | Plotted::Busy(node) => {
                let busy = matches!(plotted, Plotted::Busy(_));
                let load = self.load(node, span.0);
                let of = |(at, waiting, busy_share): &Loaded| (*at, Some(if busy { *busy_share } else { *waiting }));
                let lines = vec![Line { points: load.iter().map(of).collect(), ..Line::default() }];
                Chart { unit: if busy { " %" } else { "" }, lines, ..chart }
            }
            Plotted::Dial(place) => self.stepped(self.dial_at_first(place), chart, &|act| self.dialled(act, place)),
            Plotted::Setting(node, field) => {
                let set = |act: &Act| self.set_by(act, node, field);
                self.stepped(self.setting_at_first(node, field), chart, &set)
            }
        }
    }

    /// How many waited at a component on average, and how busy its cores were in per cent, window by window. While time
    /// goes on that is told anew once a window.
    fn load(&mut self, node: NodeId, from: Time) -> Vec<Loaded> {
        let (now, log) = (self.timeline.now(), self.timeline.log());
        let key = (Time(now.0 / WINDOW.0), node, self.timeline.acts().len());
        if let Some(told) = self.linked.charts.load.as_ref().filter(|told| self.playing && told.of == key) {
            return told.load.clone();
        }
        let world = &self.timeline.run().world;
        let mut records: Vec<_> = log.since(from).rev().take(MAX_LOADED).collect();
        records.reverse();
        // What is told of a stretch before the records would be too little.
        let first = records.first().map_or(now, |record| record.at).max(from);
        let course = Course::new(records.into_iter());
        let cores = world.node(node).map_or(1, |node| node.machine.cores).max(1);
        let share = |time: Micros| time.0 as f64 / WINDOW.0 as f64;
        let all = windows(&spans(&course), world, first, WINDOW);
        let here = all.iter().filter(|load| load.node == node && load.start + WINDOW <= now);
        let load: Vec<_> = here
            .map(|load| (load.start + WINDOW, share(load.waited), 100.0 * share(load.busy) / f64::from(cores)))
            .collect();
        self.linked.charts.load = Some(Told { of: key, load: load.clone() });
        load
    }

    /// What a dial stood at when the run began, if it is a number or a length of time: with its unit.
    fn dial_at_first(&self, place: usize) -> Option<(&'static str, f64)> {
        let document = self.timeline.run().document();
        let dial = document.dials.get(place)?;
        let group = document.groups.iter().find(|group| group.name == dial.group)?;
        at_first(Some(group), &group.kind, &dial.field)
    }

    /// What a dial is turned to by an act.
    fn dialled(&self, act: &Act, place: usize) -> Option<Value> {
        let known = self.timeline.document().dials.get(place)?;
        match act {
            Act::Dial { dial, value } if *dial == known.name => Some(value.clone()),
            _ => None,
        }
    }

    /// What a setting of a component was when it was placed.
    fn setting_at_first(&self, node: NodeId, field: &str) -> Option<(&'static str, f64)> {
        let run = self.timeline.run();
        let known = run.world.node(node)?;
        at_first(run.document().groups.get(known.template as usize), known.kind, field)
    }

    /// What a setting of a component is set to by an act: its own, or by a dial of its group.
    fn set_by(&self, act: &Act, node: NodeId, field: &str) -> Option<Value> {
        let (document, world) = (self.timeline.document(), &self.timeline.run().world);
        match act {
            Act::Set { node: name, field: set, value } if *name == world.name(node) && set == field => {
                Some(value.clone())
            }
            Act::Dial { dial, value } => {
                let group = document.groups.get(world.node(node)?.template as usize)?;
                let turned = |known: &&crate::scenario::Dial| known.name == *dial && known.group == group.name;
                document.dials.iter().find(turned).filter(|known| known.field == field).map(|_| value.clone())
            }
            _ => None,
        }
    }

    /// What was set from the beginning until now, step by step.
    fn stepped(&self, first: Option<(&'static str, f64)>, chart: Chart, set: &dyn Fn(&Act) -> Option<Value>) -> Chart {
        let Some((unit, first)) = first else { return chart };
        let now = self.timeline.now();
        let mut points = vec![(Time::ZERO, Some(first))];
        for stamped in self.timeline.acts().iter().filter(|stamped| stamped.at <= now) {
            if let Some(value) = set(&stamped.act) {
                points.push((stamped.at, number(&value).map(|(_, number)| number)));
            }
        }
        let last = points.last().and_then(|point| point.1);
        points.push((now, last));
        // What held at the left edge begins there.
        let before = points.partition_point(|point| point.0 <= chart.span.0).saturating_sub(1);
        points.drain(..before);
        Chart { unit, lines: vec![Line { points, steps: true, ..Line::default() }], ..chart }
    }
}

/// What a setting is where nobody has changed it, if it is a number or a length of time: with its unit.
fn at_first(group: Option<&Group>, of: &str, field: &str) -> Option<(&'static str, f64)> {
    let field = kind(of)?.fields().iter().find(|known| known.name == field)?;
    if matches!((field.kind)(), FieldKind::Flag | FieldKind::Choice(_)) {
        return None;
    }
    let set = group.and_then(|group| group.config.get(field.name).cloned());
    number(&set.unwrap_or_else(|| (field.default)())).map(|(time, number)| (if time { " ms" } else { "" }, number))
}

/// A number, and whether it is a length of time, which is told in milliseconds.
fn number(value: &Value) -> Option<(bool, f64)> {
    match value {
        Value::Number(number) => Some((false, *number)),
        Value::Text(text) => Micros::parse(text).ok().map(|time| (true, time.0 as f64 / 1e3)),
        Value::Flag(_) => None,
    }
}

fn node(plotted: Plotted) -> Option<NodeId> {
    match plotted {
        Plotted::Waiting(node) | Plotted::Busy(node) | Plotted::Setting(node, _) => Some(node),
        _ => None,
    }
}

/// Whether a measure is counted by the engine, not told by a component.
fn counted(name: &str) -> bool {
    name.starts_with("messages ") || reason(name)
}

/// Whether a measure counts what was lost for one reason.
fn reason(name: &str) -> bool {
    crate::sim::Why::ALL.iter().any(|why| why.word() == name)
}

/// The unit of a measure, and what its values are divided by.
pub(super) fn scale(metrics: &Metrics, name: &str) -> (&'static str, f64) {
    let time = plain(name).is_none() && metrics.whole(name).is_some_and(|whole| whole.max >= A_TIME);
    if time { (" ms", 1e3) } else { ("", 1.0) }
}

/// What is kept of a measure from an instant on: when each window ended, how wide it was, and its figures.
fn figures(metrics: &Metrics, name: &str, from: Time) -> Vec<(Time, Micros, Figures)> {
    let summed = metrics.summaries(name, from).into_iter();
    let mut all: Vec<_> = summed.map(|(start, width, point)| (start + width, width, point)).collect();
    all.extend(metrics.windows(name, from).map(|(start, point)| (start + WINDOW, WINDOW, *point)));
    joined(all)
}

/// Neighbours as one, where there are more than can be told apart: counts and sums add up, of percentiles the greatest
/// stands for all.
fn joined(all: Vec<(Time, Micros, Figures)>) -> Vec<(Time, Micros, Figures)> {
    let together = all.len().div_ceil(MAX_POINTS).max(1);
    let one = |chunk: &[(Time, Micros, Figures)]| {
        let mut sum = (Time::ZERO, Micros::ZERO, Figures::default());
        for (end, width, point) in chunk {
            sum.0 = *end;
            sum.1 = sum.1 + *width;
            sum.2 = Figures {
                count: sum.2.count + point.count,
                sum: sum.2.sum.saturating_add(point.sum),
                p50: sum.2.p50.max(point.p50),
                p90: sum.2.p90.max(point.p90),
                p99: sum.2.p99.max(point.p99),
                max: sum.2.max.max(point.max),
            };
        }
        sum
    };
    all.chunks(together).map(one).collect()
}

fn line(name: &str, figures: Vec<(Time, Micros, Figures)>, value: &dyn Fn(&Figures, Micros) -> Option<f64>) -> Line {
    let points = figures.iter().map(|(end, width, point)| (*end, value(point, *width))).collect();
    Line { name: name.to_owned(), points, steps: false }
}

/// A vital sign of the document.
fn vital_chart(vital: &Vital, metrics: &Metrics, chart: Chart) -> Chart {
    let of = |asked: &crate::scenario::VitalLine| {
        let name = if asked.stat == Stat::Rate { asked.measure.clone() } else { stat_word(asked.stat).to_owned() };
        let own = figures(metrics, &asked.measure, chart.span.0);
        let Some(whole) = &asked.of else {
            return line(&name, own, &|point, width| Some(shown(point.stat(asked.stat, width)?, asked)));
        };
        let whole = figures(metrics, whole, chart.span.0);
        let share = |(end, width, point): &(Time, Micros, Figures)| {
            let all =
                whole.iter().find(|other| other.0 == *end).and_then(|(_, width, all)| all.stat(Stat::Rate, *width));
            let all = all.filter(|all| *all > 0.0);
            (*end, all.map(|all| 100.0 * point.stat(asked.stat, *width).unwrap_or(0.0) / all))
        };
        Line { name, points: own.iter().map(share).collect(), steps: false }
    };
    let unit = vital.lines.first().map_or("", unit);
    Chart { unit, lines: vital.lines.iter().map(of).collect(), ..chart }
}

/// How the values of a measure are distributed, in bins that are equally wide on a logarithmic scale.
pub(super) fn spread(metrics: &Metrics, name: &str, scale: f64) -> Spread {
    let values = metrics.values(name);
    let bin = |value: u64| libm::floor(libm::log10(value.max(1) as f64) * BINS) as i32;
    let edge = |bin: i32| libm::pow(10.0, f64::from(bin) / BINS) / scale;
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return Spread::default() };
    let (first, last) = (bin(first.0), bin(last.0));
    let mut bins: Vec<(f64, f64, u64)> = (first..=last).map(|place| (edge(place), edge(place + 1), 0)).collect();
    for (value, times) in values {
        bins[(bin(value) - first) as usize].2 += u64::from(times);
    }
    let whole = metrics.whole(name).unwrap_or_default();
    let marks = [("p50", whole.p50), ("p90", whole.p90), ("p99", whole.p99)];
    Spread { bins, marks: marks.map(|(name, value)| (name, value as f64 / scale)).into() }
}

/// What a key comes to while the charts have the focus.
pub fn charts_key(key: &str) -> Option<Action> {
    Some(Action::Look(Looking::Chart(match key {
        "ArrowLeft" => Charting::Step(-1),
        "ArrowRight" => Charting::Step(1),
        _ => return None,
    })))
}
