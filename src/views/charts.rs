//! Charts: lines over time with the faults, and how values are distributed. Lines differ in colour and in how they are
//! broken; the instant that is pointed at runs through all of them.

use crate::protocols::Family;
use crate::scene::{Anchor, Dash, DisplayList, Ink, Layer, Pen, Point, Text, between, note, shorten, text_width};
use crate::sim::{Time, clock, fixed};

use super::{Axis, text};

/// How many points of a line are drawn at most; the player joins what is finer.
pub const MAX_POINTS: usize = 480;
/// How wide and how high a chart should be, in pixels: so many stand beside each other that all come nearest to it.
const GOOD: (f32, f32) = (300.0, 110.0);
/// The room for values at the left, and for the title above and the instants below, in pixels.
const LEFT: f32 = 50.0;
const ABOVE: f32 = 24.0;
const BELOW: f32 = 20.0;
/// The room between charts, in pixels.
const GAP: f32 = 14.0;
/// The lines of a chart in turn.
const INKS: [Ink; 6] = [
    Ink::Family(Family::Edge),
    Ink::Warn,
    Ink::Family(Family::Control),
    Ink::Family(Family::Storage),
    Ink::Family(Family::Work),
    Ink::Text,
];
const DASHES: [Dash; 3] = [Dash::Solid, Dash::Dashed, Dash::Dotted];

/// A chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// Its caption.
    pub title: String,
    /// What its values are in: ` ms`, `/s`; nothing for plain numbers.
    pub unit: &'static str,
    /// What is shown of time.
    pub span: (Time, Time),
    /// Its lines.
    pub lines: Vec<Line>,
    /// Instants of faults, ascending.
    pub faults: Vec<Time>,
    /// How values are distributed, instead of lines.
    pub spread: Option<Spread>,
}

/// A line of a chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// What it is: `p50`.
    pub name: String,
    /// Instants, ascending, and values; a gap where there is nothing to tell.
    pub points: Vec<(Time, Option<f64>)>,
    /// Whether a value holds until the next, instead of a straight way between them.
    pub steps: bool,
}

/// How values are distributed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spread {
    /// From, to, how many; ascending, each as wide as the others on a logarithmic scale.
    pub bins: Vec<(f64, f64, u64)>,
    /// Values that stand for all: the median and so on.
    pub marks: Vec<(&'static str, f64)>,
}

/// What is to be drawn.
pub struct ChartSight<'a> {
    /// The charts.
    pub charts: &'a [Chart],
    /// The canvas in CSS pixels.
    pub size: (f32, f32),
    /// Where the run stands.
    pub now: Time,
    /// The pointer, in pixels.
    pub pointer: Option<Point>,
    /// The instant that is pointed at, in any view.
    pub instant: Option<Time>,
}

/// Where one chart stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plot {
    /// Which instant is where; none for a distribution.
    pub axis: Option<Axis>,
    /// The upper left corner of the lines.
    pub low: Point,
    /// The lower right corner.
    pub high: Point,
    /// The value at the upper edge.
    pub top: f64,
}

impl Plot {
    /// Whether a place is over it.
    pub fn holds(&self, at: Point) -> bool {
        at.x >= self.low.x && at.x <= self.high.x && at.y >= self.low.y - ABOVE && at.y <= self.high.y + BELOW
    }
    /// Where a value stands.
    fn y(&self, value: f64) -> f32 {
        let part = if self.top > 0.0 { (value / self.top) as f32 } else { 0.0 };
        self.high.y - between(part, 0.0, 1.0) * (self.high.y - self.low.y)
    }
}

/// Draws the charts beside and below one another. Where each stands.
#[inline(never)]
pub fn build(sight: &ChartSight, list: &mut DisplayList) -> Vec<Plot> {
    list.clear();
    if sight.charts.is_empty() {
        let words = "Choose at the left what is to be plotted.".to_owned();
        list.live.texts.push(text(Point::new(16.0, 28.0), words, 12.0, Ink::Muted));
    }
    let plots: Vec<Plot> = (0..sight.charts.len()).map(|place| plot(sight, place)).collect();
    for (chart, plot) in sight.charts.iter().zip(&plots) {
        let drawing = Drawing { sight, chart, plot };
        match &chart.spread {
            Some(spread) => drawing.spread(spread, list),
            None => drawing.lines(list),
        }
    }
    plots
}

/// Where a chart stands among the others.
fn plot(sight: &ChartSight, place: usize) -> Plot {
    let (width, height) = sight.size;
    let count = sight.charts.len();
    let good = |columns: usize| {
        let rows = count.div_ceil(columns) as f32;
        (width / columns as f32 / GOOD.0).min(height / rows / GOOD.1).min(1.0)
    };
    let columns = (1..=count).fold(1, |best, columns| if good(columns) > good(best) { columns } else { best });
    let rows = count.div_ceil(columns);
    let (wide, high) = (width / columns as f32, height / rows as f32);
    let (x, y) = ((place % columns) as f32 * wide, (place / columns) as f32 * high);
    let low = Point::new(x + LEFT, y + ABOVE);
    let high = Point::new((x + wide - GAP).max(low.x + 1.0), (y + high - BELOW).max(low.y + 1.0));
    let chart = &sight.charts[place];
    let (from, until) = chart.span;
    let axis = Axis { left: low.x, right: high.x, from, until, ranks: None };
    let most = match &chart.spread {
        Some(spread) => spread.bins.iter().map(|bin| bin.2 as f64).fold(0.0, f64::max),
        None => chart.lines.iter().flat_map(|line| &line.points).filter_map(|point| point.1).fold(0.0, f64::max),
    };
    Plot { axis: chart.spread.is_none().then_some(axis), low, high, top: nice_top(most) }
}

/// The next 1, 2 or 5 times a power of ten, so that a scale rarely changes; for small values down to a thousandth.
pub fn nice_top(value: f64) -> f64 {
    let mut power = 0.001;
    while power < 1e15 {
        for step in [1.0, 2.0, 5.0] {
            if step * power >= value {
                return if value > 0.0 { step * power } else { 1.0 };
            }
        }
        power *= 10.0;
    }
    power
}

struct Drawing<'a> {
    sight: &'a ChartSight<'a>,
    chart: &'a Chart,
    plot: &'a Plot,
}

impl Drawing<'_> {
    /// The frame: values at the left, and a line for each.
    fn frame(&self, layer: &mut Layer) {
        let Plot { low, high, top, .. } = *self.plot;
        let halves: &[f64] = if high.y - low.y >= 48.0 { &[0.0, 0.5, 1.0] } else { &[0.0, 1.0] };
        for part in halves {
            let y = self.plot.y(part * top);
            layer.line(Point::new(low.x, y), Point::new(high.x, y), Pen::new(Ink::Faint, 1.0));
            let unit = if self.chart.spread.is_some() { "" } else { self.chart.unit };
            let label = text(Point::new(low.x - 5.0, y + 3.5), format!("{}{unit}", plain(part * top)), 9.5, Ink::Muted);
            layer.texts.push(Text { anchor: Anchor::End, ..label });
        }
    }

    fn title(&self, room: f32, layer: &mut Layer) {
        let at = Point::new(self.plot.low.x - LEFT + 12.0, self.plot.low.y - 9.0);
        let title = shorten(&self.chart.title, 12.0 * 1.08, room);
        layer.texts.push(Text { weight: 600, ..text(at, title, 12.0, Ink::Text) });
    }

    fn lines(&self, list: &mut DisplayList) {
        let Some(axis) = &self.plot.axis else { return };
        let (low, high) = (self.plot.low, self.plot.high);
        self.frame(&mut list.live);
        for at in axis.ticks() {
            let x = axis.x(at);
            list.live.line(Point::new(x, low.y), Point::new(x, high.y), Pen::new(Ink::Faint, 1.0));
            let label = text(Point::new(x, high.y + 13.0), short_clock(at), 9.5, Ink::Muted);
            list.live.texts.push(Text { anchor: Anchor::Middle, ..label });
        }
        for at in self.chart.faults.iter().filter(|at| **at >= axis.from && **at <= axis.until) {
            let x = axis.x(*at);
            let pen = Pen::new(Ink::Warn, 1.25).dash(Dash::Dashed);
            list.live.line(Point::new(x, low.y), Point::new(x, high.y), pen);
        }
        for (place, line) in self.chart.lines.iter().enumerate() {
            self.line(line, style(place), axis, &mut list.live);
        }
        if self.chart.lines.iter().all(|line| line.points.iter().all(|point| point.1.is_none())) {
            let at = low.mix(high, 0.5);
            let words = text(at, "nothing so far".to_owned(), 11.0, Ink::Muted);
            list.live.texts.push(Text { anchor: Anchor::Middle, halo: true, ..words });
        }
        let free = self.legend(&mut list.live);
        self.title(free - self.plot.low.x + LEFT - 20.0, &mut list.live);
        self.instants(axis, &mut list.over);
    }

    /// A line, with gaps where there is nothing to tell. It is broken by hand: pieces between two points may be shorter
    /// than a dash.
    fn line(&self, line: &Line, (ink, dash): (Ink, Dash), axis: &Axis, layer: &mut Layer) {
        let mut stroke = Stroke { pen: Pen::new(ink, 1.75), dash, along: 0.0 };
        let mut last: Option<Point> = None;
        for (at, value) in &line.points {
            let here = value.map(|value| Point::new(between(axis.x(*at), axis.left, axis.right), self.plot.y(value)));
            if let (Some(from), Some(to)) = (last, here) {
                if line.steps {
                    let corner = Point::new(to.x, from.y);
                    stroke.run(layer, from, corner);
                    stroke.run(layer, corner, to);
                } else {
                    stroke.run(layer, from, to);
                }
            } else if let Some(alone) = here {
                layer.circle(alone, 1.4, Some(ink), None);
            }
            last = here;
        }
    }

    /// The names of the lines, each with its value at the instant that is pointed at, or the last; where there is no room
    /// for both, the names, or the values while one points. Where they begin, at the left.
    fn legend(&self, layer: &mut Layer) -> f32 {
        let (lines, unit) = (&self.chart.lines, self.chart.unit);
        let many = lines.len() > 1;
        let at = self.sight.instant.unwrap_or(self.sight.now);
        let value =
            |line: &Line| value_at(line, at).map_or("–".to_owned(), |value| format!("{}{unit}", figure(value)));
        // Room for the figures as they come and go.
        let figures = text_width("000.0", 11.0) + text_width(unit, 11.0);
        let words = |line: &Line, named: bool, valued: bool| {
            let name = if named && many { line.name.clone() } else { String::new() };
            (name, if valued { value(line) } else { String::new() })
        };
        let wide = |(name, value): &(String, String)| {
            let name = if name.is_empty() { 0.0 } else { text_width(name, 11.0) + 6.0 };
            let value = if value.is_empty() { 0.0 } else { text_width(value, 11.0).max(figures) * 1.06 };
            name + value + if many { 34.0 } else { 0.0 }
        };
        let title = text_width(&self.chart.title, 12.0).min(110.0);
        let room = self.plot.high.x - self.plot.low.x + LEFT - 24.0 - title;
        let pointed = self.sight.instant.is_some();
        let full: Vec<_> = lines.iter().map(|line| words(line, true, true)).collect();
        let fits = full.iter().map(wide).sum::<f32>() <= room;
        let mut shown = if fits { full } else { lines.iter().map(|line| words(line, !pointed, pointed)).collect() };
        while shown.len() > 1 && shown.iter().map(wide).sum::<f32>() > room {
            shown.pop();
        }
        let begin = self.plot.high.x - shown.iter().map(wide).sum::<f32>();
        let (mut x, y) = (begin, self.plot.low.y - 9.0);
        for (place, entry) in shown.into_iter().enumerate() {
            let end = x + wide(&entry);
            if many {
                let (ink, dash) = style(place);
                layer.line(Point::new(x + 10.0, y - 4.0), Point::new(x + 26.0, y - 4.0), Pen::new(ink, 2.0).dash(dash));
                layer.texts.push(text(Point::new(x + 31.0, y), entry.0, 11.0, Ink::Muted));
            }
            let label = text(Point::new(end, y), entry.1, 11.0, Ink::Text);
            layer.texts.push(Text { anchor: Anchor::End, weight: 600, ..label });
            x = end;
        }
        begin
    }

    /// Where the run stands, and which instant is pointed at.
    fn instants(&self, axis: &Axis, layer: &mut Layer) {
        let (low, high) = (self.plot.low, self.plot.high);
        let mut upright = |at: Time, pen: Pen| {
            let x = axis.x(at);
            if x >= axis.left && x <= axis.right {
                layer.line(Point::new(x, low.y), Point::new(x, high.y), pen);
            }
        };
        upright(self.sight.now, Pen::new(Ink::Text, 1.0));
        let Some(at) = self.sight.instant.filter(|at| *at >= axis.from && *at <= axis.until) else { return };
        upright(at, Pen::new(Ink::Focus, 1.25));
        for (place, line) in self.chart.lines.iter().enumerate() {
            if let Some(value) = value_at(line, at) {
                let dot = Point::new(axis.x(at), self.plot.y(value));
                layer.circle(dot, 3.0, Some(Ink::Paper), Some(Pen::new(style(place).0, 1.75)));
            }
        }
        let words = format!("{} s", clock(at));
        let half = text_width(&words, 10.0) * 0.5 + 4.0;
        let x = between(axis.x(at), axis.left + half, (axis.right - half).max(axis.left + half));
        layer.rect(Point::new(x - half, high.y + 3.0), (half * 2.0, 14.0), 3.0, Some(Ink::Panel), None);
        let words = text(Point::new(x, high.y + 13.5), words, 10.0, Ink::Focus);
        layer.texts.push(Text { anchor: Anchor::Middle, weight: 600, ..words });
    }

    /// How often each value occurred, on a logarithmic scale.
    fn spread(&self, spread: &Spread, list: &mut DisplayList) {
        let (low, high) = (self.plot.low, self.plot.high);
        self.frame(&mut list.live);
        self.title(high.x - low.x, &mut list.live);
        let (Some(first), Some(last)) = (spread.bins.first(), spread.bins.last()) else { return };
        let log = |value: f64| libm::log10(value.max(1e-9));
        let (from, whole) = (log(first.0), (log(last.1) - log(first.0)).max(1e-9));
        let x = |value: f64| low.x + between(((log(value) - from) / whole) as f32, 0.0, 1.0) * (high.x - low.x);
        let layer = &mut list.live;
        for (from, to, count) in spread.bins.iter().filter(|bin| bin.2 > 0) {
            let (left, y) = (x(*from) + 0.5, self.plot.y(*count as f64).min(high.y - 1.0));
            let ink = Ink::Family(Family::Edge);
            let size = ((x(*to) - left - 0.5).max(1.0), high.y - y);
            layer.rect(Point::new(left, y), size, 0.0, Some(Ink::FamilyFill(Family::Edge)), Some(Pen::new(ink, 1.0)));
        }
        let mut decade = 0.001;
        let mut room = f32::MIN;
        while decade < last.1 {
            for step in [1.0, 2.0, 5.0] {
                let value = step * decade;
                if value >= first.0 && value <= last.1 && x(value) - room > 44.0 {
                    room = x(value);
                    let label = format!("{}{}", plain(value), self.chart.unit);
                    let label = text(Point::new(room, high.y + 13.0), label, 9.5, Ink::Muted);
                    layer.texts.push(Text { anchor: Anchor::Middle, ..label });
                    layer.line(Point::new(room, high.y), Point::new(room, high.y + 3.0), Pen::new(Ink::Line, 1.0));
                }
            }
            decade *= 10.0;
        }
        for (place, (name, value)) in spread.marks.iter().enumerate() {
            let at = x(*value);
            let pen = Pen::new(Ink::Text, 1.25).dash(DASHES[place % DASHES.len()]);
            list.over.line(Point::new(at, low.y), Point::new(at, high.y), pen);
            let words = format!("{name} {}{}", figure(*value), self.chart.unit);
            // One below the other, so that they do not meet.
            let y = low.y + 9.0 + place as f32 * 12.0;
            if y > high.y - 2.0 {
                continue;
            }
            let after = at + 6.0 + text_width(&words, 10.0) < high.x;
            let label = text(Point::new(if after { at + 4.0 } else { at - 4.0 }, y), words, 10.0, Ink::Text);
            list.over.texts.push(Text { anchor: if after { Anchor::Start } else { Anchor::End }, halo: true, ..label });
        }
        let Some(pointer) = self.sight.pointer.filter(|pointer| self.plot.holds(*pointer)) else { return };
        let under = spread.bins.iter().find(|bin| pointer.x >= x(bin.0) && pointer.x < x(bin.1));
        if let Some((from, to, count)) = under {
            let unit = self.chart.unit;
            let all: u64 = spread.bins.iter().map(|bin| bin.2).sum();
            let share = format!("{} of {all}, {} %", count, figure(*count as f64 * 100.0 / all.max(1) as f64));
            let range = format!("{} to {}{unit}", figure(*from), figure(*to));
            note(&mut list.over, self.sight.size.0, pointer, &[&range, &share], Ink::Family(Family::Edge));
        }
    }
}

/// A broken line along several points.
struct Stroke {
    pen: Pen,
    dash: Dash,
    /// How far it has come, in pixels.
    along: f32,
}

impl Stroke {
    fn run(&mut self, layer: &mut Layer, from: Point, to: Point) {
        let &[on, off] = self.dash.lengths() else {
            return layer.line(from, to, self.pen);
        };
        let long = from.distance(to);
        let mut done = 0.0;
        while done < long {
            let phase = self.along - libm::floorf(self.along / (on + off)) * (on + off);
            let (inked, left) = if phase < on { (true, on - phase) } else { (false, on + off - phase) };
            let step = left.max(0.1).min(long - done);
            if inked {
                layer.line(from.mix(to, done / long), from.mix(to, (done + step) / long), self.pen);
            }
            done += step;
            self.along += step;
        }
    }
}

/// A line's colour and how it is broken, by its place.
pub fn style(place: usize) -> (Ink, Dash) {
    (INKS[place % INKS.len()], DASHES[place % DASHES.len()])
}

/// The value of a line at an instant: of the last point at or before it, or where values stand for the time before them, of
/// the next.
pub fn value_at(line: &Line, at: Time) -> Option<f64> {
    let place = match line.steps {
        true => line.points.partition_point(|point| point.0 <= at).checked_sub(1)?,
        false => line.points.partition_point(|point| point.0 < at).min(line.points.len().checked_sub(1)?),
    };
    line.points[place].1
}

/// About three digits.
pub fn figure(value: f64) -> String {
    match value {
        small if small < 0.0995 => fixed(value, 3),
        small if small < 0.995 => fixed(value, 2),
        middle if middle < 99.5 => fixed(value, 1),
        _ => fixed(value, 0),
    }
}

/// A value of a scale: as short as it can be.
fn plain(value: f64) -> String {
    match value {
        large if large >= 1e6 => format!("{} M", short(large / 1e6)),
        large if large >= 1e4 => format!("{} k", short(large / 1e3)),
        other => short(other),
    }
}

fn short(value: f64) -> String {
    let text = fixed(value, 4);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// An instant of a scale: without a fraction where there is none.
fn short_clock(at: Time) -> String {
    if at.0.is_multiple_of(1_000_000) { format!("{} s", at.0 / 1_000_000) } else { clock(at) }
}
