//! The trace of one request: a row a message below the one that it came of, with its time on the network, waiting, served
//! and on the disk apart, and the critical path through them. Beside it the requests to choose from.

mod bars;

use crate::components::{Record, World};
use crate::protocols::Family;
use crate::scene::{
    Anchor, Area, Dash, DisplayList, Hit, Ink, Layer, Pen, Point, Target, Text, between, draw_glyph, note, shorten,
    sign, text_width,
};
use crate::sim::{Micros, NodeId, RecordId, Time, clock, fixed};
use crate::trace::Log;
use crate::trace::course::Course;
use crate::trace::spans::{Span, Spent, spans};

use bars::{boxed, hatched};

use super::requests::{Request, Row, Stretch, listed, path, requests, rows, spent};
use super::{Axis, text};

/// How many records are looked at, the latest, or those about what is selected.
pub const MAX_TRACED: usize = 6_000;
/// How many of them lie before what is selected, where that is not among the latest.
const BEFORE: u64 = 2_000;
/// From one row to the next, in pixels.
pub const PITCH: f32 = 16.0;
/// What stands above the rows: a line on the whole, and the instants.
const ABOVE: f32 = 37.0;
/// The room for the legend below the rows, in pixels; none on a canvas lower than [`LOW`].
const BELOW: f32 = 18.0;
const LOW: f32 = 120.0;
/// The list of requests and the names of spans, in pixels: as much of the width as this, within these.
const LIST: (f32, f32, f32) = (0.19, 138.0, 250.0);
const NAMES: (f32, f32, f32) = (0.24, 150.0, 230.0);
/// Without so much width there is no list.
const NARROW: f32 = 430.0;
/// How much room is left at both ends of the time, as a share of it.
const MARGIN: f64 = 0.03;
/// The least time that is shown, in microseconds.
const LEAST: u64 = 200;

/// How one looks at a trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TraceLook {
    /// Whether the slowest requests stand on top, instead of the latest.
    pub slowest: bool,
    /// Whether chains that no person began are listed as well.
    pub everyone: bool,
    /// How many rows are scrolled away above.
    pub scroll: usize,
    /// How many requests are.
    pub list_scroll: usize,
    /// What is seen of the request's time; all of it where nothing was asked for.
    pub window: Option<(Time, Time)>,
    /// The first record of the request that was looked at last: it stays while something else is selected.
    pub kept: Option<RecordId>,
    /// The pointer, in pixels.
    pub pointer: Option<Point>,
}

/// What is to be drawn.
pub struct TraceSight<'a> {
    /// The run.
    pub world: &'a World,
    /// What happened, up to the cursor.
    pub log: &'a Log,
    /// How one looks.
    pub look: &'a TraceLook,
    /// The canvas in CSS pixels.
    pub size: (f32, f32),
    /// What began or ended later is not shown by itself yet: while time goes on, so that one can read.
    pub until: Time,
    /// What is selected, on the stage or here.
    pub selected: Option<Target>,
    /// What the pointer is over, on the stage or here.
    pub hovered: Option<Target>,
    /// The instant that is pointed at, in any view.
    pub instant: Option<Time>,
}

/// What was drawn: for those who point at it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traced {
    /// Which instant is where.
    pub axis: Axis,
    /// The first record of the request that is shown.
    pub shown: Option<RecordId>,
    /// Its first message.
    pub first: Option<RecordId>,
    /// The messages of the rows, from above; the beginning has none.
    pub rows: Vec<RecordId>,
    /// The first messages of the requests, from above.
    pub requests: Vec<RecordId>,
    /// How many rows fit.
    pub fit: usize,
    /// Left of this stands the list, in pixels.
    pub list: f32,
}

/// Draws the trace.
#[inline(never)]
pub fn build(sight: &TraceSight, list: &mut DisplayList) -> Traced {
    list.clear();
    let course = Course::new(window(sight).into_iter());
    let spans = spans(&course);
    let requests = requests(&course, &spans, sight.world, sight.look.everyone);
    let shown = chosen(sight, &spans, &requests);
    let path = shown.as_ref().map_or_else(Vec::new, |request| path(&course, &spans, request));
    let drawing = Drawing::new(sight, &spans, shown, &path);
    let begun = drawing.shown.as_ref().map_or(sight.until, |shown| shown.begun);
    let listed = listed(&requests, sight.look.slowest, sight.until.max(begun), sight.world.now());
    drawing.requests(&listed, list);
    if let Some(request) = drawing.shown.clone() {
        drawing.ground(&mut list.live);
        drawing.head(&request, &path, &mut list.live);
        drawing.rows(list);
        drawing.critical(&path, &mut list.live);
        drawing.legend(&mut list.live);
        drawing.cursors(&mut list.over);
        drawing.tell(&mut list.over);
    } else {
        let words = "No request has been made yet.";
        let at = Point::new(drawing.left + 14.0, ABOVE + 14.0);
        list.live.texts.push(text(at, words.to_owned(), 12.0, Ink::Muted));
    }
    drawing.traced(&listed)
}

/// The records that are looked at.
fn window<'a>(sight: &TraceSight<'a>) -> Vec<&'a Record> {
    let mut records: Vec<&Record> = sight.log.iter().rev().take(MAX_TRACED).collect();
    let wanted = match sight.selected {
        Some(Target::Flight(record)) => Some(record),
        Some(_) => sight.look.kept,
        None => None,
    };
    let first = records.last().map(|record| record.id);
    match wanted.filter(|wanted| first.is_some_and(|first| *wanted < first) && sight.log.get(*wanted).is_some()) {
        Some(wanted) => {
            let from = RecordId(wanted.0.saturating_sub(BEFORE));
            sight.log.iter().skip_while(|record| record.id < from).take(MAX_TRACED).collect()
        }
        None => {
            records.reverse();
            records
        }
    }
}

/// The request that is shown: of what is selected, or the one before, or the last that was answered or failed.
fn chosen(sight: &TraceSight, spans: &[Span], requests: &[Request]) -> Option<Request> {
    let root = |record: RecordId| {
        let place = spans.binary_search_by_key(&record, |span| span.record).ok()?;
        Some(spans[place].root)
    };
    let wanted = match sight.selected {
        Some(Target::Flight(record)) => root(record),
        Some(_) => sight.look.kept.and_then(root),
        None => None,
    };
    if let Some(root) = wanted {
        let known = requests.iter().find(|request| request.root == root);
        return Some(known.cloned().unwrap_or_else(|| alone(spans, root)));
    }
    let until = sight.until;
    // What was answered, or failed, tells more than what ended in a chain that others went on with.
    let told = |request: &Request| request.answered.or((request.lost > 0).then_some(request.end));
    let last = |when: &dyn Fn(&Request) -> Option<Time>| {
        let seen = requests.iter().filter(|request| when(request).is_some_and(|at| at <= until));
        seen.max_by_key(|request| (when(request), request.root))
    };
    last(&told).or_else(|| last(&Request::over)).or(requests.first()).cloned()
}

/// A chain that is not listed: of those that nobody asked for, or one whose beginning has no record any more.
fn alone(spans: &[Span], root: u32) -> Request {
    let of = || spans.iter().filter(|span| span.root == root);
    let begun = &spans[root as usize];
    let messages = of().filter(|span| !span.begins());
    Request {
        root,
        first: messages.clone().next().map_or(begun.record, |span| span.record),
        begun: begun.sent,
        answered: of()
            .filter(|span| span.parent == Some(root) || span.record == begun.record)
            .find_map(|span| span.answered),
        end: of().map(|span| span.end).max().unwrap_or(begun.end),
        open: of().any(|span| !span.begins() && span.arrived.is_none() && span.lost.is_none()),
        messages: messages.clone().count() as u32,
        lost: messages.filter(|span| span.lost.is_some()).count() as u32,
    }
}

struct Drawing<'a> {
    sight: &'a TraceSight<'a>,
    spans: &'a [Span],
    shown: Option<Request>,
    axis: Axis,
    /// Left of this stands the list.
    left: f32,
    /// All rows of the request; the first in sight, and how many fit.
    rows: Vec<Row>,
    first: usize,
    fit: usize,
}

fn share((part, least, most): (f32, f32, f32), of: f32) -> f32 {
    between(of * part, least, most)
}

impl<'a> Drawing<'a> {
    fn new(sight: &'a TraceSight<'a>, spans: &'a [Span], shown: Option<Request>, path: &[Stretch]) -> Drawing<'a> {
        let (width, height) = sight.size;
        let left = if width < NARROW { 0.0 } else { share(LIST, width) };
        let names = share(NAMES, width);
        let (from, until) = shown.as_ref().map_or((Time::ZERO, Time(1)), |request| seen(sight, request));
        let right = (width - 12.0).max(left + names + 1.0);
        let axis = Axis { left: left + names, right, from, until, ranks: None };
        let rows = shown.as_ref().map_or_else(Vec::new, |request| rows(spans, request.root, path));
        let room = height - ABOVE - if height >= LOW { BELOW } else { 0.0 };
        let fit = ((room / PITCH) as usize).max(1);
        let first = sight.look.scroll.min(rows.len().saturating_sub(fit));
        Drawing { sight, spans, shown, axis, left, rows, first, fit }
    }

    fn traced(self, listed: &[&Request]) -> Traced {
        let messages = self.rows.iter().map(|row| &self.spans[row.span as usize]).filter(|span| !span.begins());
        Traced {
            shown: self.shown.as_ref().map(|request| self.spans[request.root as usize].record),
            first: self.shown.as_ref().map(|request| request.first),
            rows: messages.map(|span| span.record).collect(),
            requests: listed.iter().map(|request| request.first).collect(),
            fit: self.fit,
            list: self.left,
            axis: self.axis,
        }
    }

    fn in_sight(&self) -> impl Iterator<Item = (usize, Row)> + '_ {
        self.rows.iter().copied().enumerate().skip(self.first).take(self.fit)
    }

    /// The middle of a row that is in sight.
    fn y(&self, place: usize) -> f32 {
        ABOVE + ((place - self.first) as f32 + 0.5) * PITCH
    }

    fn bottom(&self) -> f32 {
        ABOVE + self.rows.len().saturating_sub(self.first).min(self.fit) as f32 * PITCH
    }

    fn look(&self, node: NodeId) -> (crate::components::Glyph, Family) {
        sign(self.sight.world.node(node).map_or("", |node| node.kind))
    }

    /// Where an instant stands, between the edges.
    fn x(&self, at: Time) -> f32 {
        between(self.axis.x(at), self.axis.left, self.axis.right)
    }

    /// The requests to choose from.
    fn requests(&self, listed: &[&Request], list: &mut DisplayList) {
        if self.left <= 0.0 {
            return;
        }
        let (height, now) = (self.sight.size.1, self.sight.world.now());
        let layer = &mut list.live;
        layer.line(Point::new(self.left, 0.0), Point::new(self.left, height), Pen::new(Ink::Faint, 1.0));
        let title = if self.sight.look.slowest { "slowest" } else { "latest" };
        let title = if self.left >= 200.0 { format!("requests, {title} first") } else { format!("{title} first") };
        layer.texts.push(text(Point::new(12.0, 15.0), title, 11.0, Ink::Muted));
        let right = self.left - 10.0;
        let fit = ((height - 26.0) / PITCH).max(1.0) as usize;
        let skip = self.sight.look.list_scroll.min(listed.len().saturating_sub(fit));
        let longest = listed.iter().map(|request| request.took(now).0).max().unwrap_or(1).max(1);
        for (row, request) in listed.iter().skip(skip).take(fit).enumerate() {
            let y = 24.0 + (row as f32 + 0.5) * PITCH;
            let root = &self.spans[request.root as usize];
            let chosen = self.shown.as_ref().is_some_and(|shown| shown.root == request.root);
            let pointed = self.sight.hovered == Some(Target::Flight(request.first));
            if chosen || pointed {
                let pen = pointed.then(|| Pen::new(Ink::Focus, 1.0));
                layer.rect(Point::new(5.0, y - PITCH * 0.5), (self.left - 10.0, PITCH), 4.0, Some(Ink::Faint), pen);
            }
            let took = length(request.took(now));
            let said = if request.over().is_some() { took } else { format!("{took}…") };
            let ink = match (request.lost > 0, request.answered) {
                (true, _) => Ink::WarnText,
                (false, Some(_)) => Ink::Text,
                (false, None) => Ink::Muted,
            };
            let mut said = Text { anchor: Anchor::End, ..text(Point::new(right, y + 3.5), said, 11.0, ink) };
            said.weight = if chosen { 600 } else { 400 };
            layer.texts.push(said);
            if request.lost > 0 {
                layer.cross(Point::new(right - 58.0, y), 3.0, Pen::new(Ink::Warn, 1.6));
            }
            // How long it took beside the others.
            let part = request.took(now).0 as f32 / longest as f32;
            let (from, long) = (Point::new(right - 50.0, y + 7.0), 50.0 * part);
            layer.line(from, Point::new(from.x + long.max(0.5), from.y), Pen::new(Ink::Line, 1.25));
            let wide = self.left >= 200.0;
            if wide {
                layer.texts.push(text(Point::new(12.0, y + 3.5), clock(request.begun), 10.0, Ink::Muted));
            }
            let (glyph, family) = self.look(root.node);
            let at = Point::new(if wide { 60.0 } else { 14.0 }, y);
            let pen = Pen::new(Ink::Family(family), 1.2);
            draw_glyph(layer, glyph, at, 0.17, 0.0, Some(Ink::FamilyFill(family)), Some(pen));
            let name = self.sight.world.name(root.node);
            let name = if wide { format!("{} {name}", root.name) } else { name.to_owned() };
            let room = right - if request.lost > 0 { 64.0 } else { 54.0 } - at.x - 8.0;
            layer.texts.push(text(Point::new(at.x + 8.0, y + 3.5), shorten(&name, 11.0, room), 11.0, Ink::Text));
            along(&mut list.hits, request.first, y, (6.0, self.left - 6.0));
        }
    }

    /// The instants, and what the request is about.
    fn ground(&self, layer: &mut Layer) {
        for at in self.axis.ticks() {
            let x = self.axis.x(at);
            layer.line(Point::new(x, ABOVE - 5.0), Point::new(x, self.bottom()), Pen::new(Ink::Faint, 1.0));
            let label =
                Text { anchor: Anchor::Middle, ..text(Point::new(x, ABOVE - 9.0), clock(at), 10.0, Ink::Muted) };
            layer.texts.push(label);
        }
    }

    /// The request in a line: what it was, how long it took and what that was spent on.
    fn head(&self, request: &Request, path: &[Stretch], layer: &mut Layer) {
        let world = self.sight.world;
        let root = &self.spans[request.root as usize];
        let title = format!("{} at {}", root.name, world.name(root.node));
        let took = length(request.took(world.now()));
        let fate = match (request.answered, request.open) {
            (Some(_), _) => format!("answered after {took}"),
            (None, true) => format!("under way for {took}"),
            (None, false) => format!("last heard of after {took}, no answer in this chain"),
        };
        let on = spent(path).into_iter().filter(|(_, time)| *time > Micros::ZERO);
        let on: Vec<String> = on.map(|(spent, time)| format!("{} {}", words(spent), length(time))).collect();
        let on = if on.is_empty() { String::new() } else { format!(" · critical path: {}", on.join(", ")) };
        let lost = if request.lost > 0 { format!(", {} lost", request.lost) } else { String::new() };
        let plural = if request.messages == 1 { "" } else { "s" };
        let rest = format!("{fate} · {} message{plural}{lost}{on}", request.messages);
        let at = Point::new(self.left + 12.0, 15.0);
        let room = self.sight.size.0 - at.x - 12.0;
        let title = shorten(&title, 12.5, room * 0.5);
        // Bold letters are wider than the table knows.
        let wide = text_width(&title, 12.5) * 1.08 + 12.0;
        layer.texts.push(Text { weight: 600, ..text(at, title, 12.5, Ink::Text) });
        let after = Point::new(at.x + wide, at.y);
        layer.texts.push(text(after, shorten(&rest, 11.5, room - wide), 11.5, Ink::Muted));
    }

    /// What the segments mean, as far as there is room for it.
    fn legend(&self, layer: &mut Layer) {
        let (width, height) = self.sight.size;
        if height < LOW {
            return;
        }
        let y = height - 9.0;
        let ink = Ink::Muted;
        let mut x = self.left + 14.0;
        let scrolled = self.hidden().map_or(0.0, |told| text_width(&told, 10.0) + 20.0);
        for (place, name) in LEGEND.into_iter().enumerate() {
            let wide = 22.0 + 6.0 + text_width(name, 10.0) + 12.0;
            if x + wide > width - scrolled {
                return;
            }
            let ends = (x, x + 20.0);
            match place {
                0 => layer.line(Point::new(x, y + 2.0), Point::new(x + 20.0, y + 2.0), Pen::new(Ink::Text, 2.0)),
                1 => {
                    layer.line(Point::new(x, y), Point::new(x + 20.0, y), Pen::new(ink, 1.6));
                    layer.circle(Point::new(x + 20.0, y), 2.4, Some(ink), None);
                }
                2 => boxed(layer, ends, y, None, Pen::new(ink, 1.1).dash(Dash::Dashed)),
                3 => boxed(layer, ends, y, Some(ink), Pen::new(ink, 1.0)),
                4 => hatched(layer, ink, ends, y),
                _ => layer.cross(Point::new(x + 14.0, y), 3.5, Pen::new(Ink::Warn, 1.8)),
            }
            layer.texts.push(text(Point::new(x + 27.0, y + 3.5), name.to_owned(), 10.0, Ink::Muted));
            x += wide;
        }
    }

    /// Where the run stands, and which instant is pointed at.
    fn cursors(&self, layer: &mut Layer) {
        let mut upright = |at: Time, ink: Ink, width: f32, said: bool| {
            let x = self.axis.x(at);
            if x < self.axis.left || x > self.axis.right {
                return;
            }
            layer.line(Point::new(x, ABOVE - 5.0), Point::new(x, self.bottom()), Pen::new(ink, width));
            if said {
                let words = format!("{} s", clock(at));
                let words = text(Point::new(x, ABOVE - 9.0), words, 10.0, ink);
                layer.texts.push(Text { anchor: Anchor::Middle, weight: 600, halo: true, ..words });
            }
        };
        upright(self.sight.world.now(), Ink::Text, 1.5, false);
        if let Some(at) = self.sight.instant {
            upright(at, Ink::Focus, 1.0, true);
        }
    }

    /// Words on the row that is pointed at.
    fn tell(&self, layer: &mut Layer) {
        let (Some(Target::Flight(record)), Some(at)) = (self.sight.hovered, self.sight.look.pointer) else { return };
        if at.x < self.left {
            return;
        }
        let Ok(place) = self.spans.binary_search_by_key(&record, |span| span.record) else { return };
        let (span, world) = (&self.spans[place], self.sight.world);
        let title = format!("{}: {} → {}", span.name, world.name(span.from), world.name(span.node));
        let parts =
            [("network", span.network()), ("waited", span.waited), ("served", span.served), ("disk", span.stored)];
        let parts = parts.iter().filter(|(_, time)| *time > Micros::ZERO);
        let parts: Vec<String> = parts.map(|(name, time)| format!("{name} {}", length(*time))).collect();
        let spent = match span.arrived {
            Some(_) => parts.join(" · "),
            None => format!("on the network since {} s", clock(span.sent)),
        };
        let fate = match (span.lost, span.answered) {
            (Some(why), _) => format!("lost: {}", why.sentence(world.name(span.node))),
            (None, Some(at)) => format!("answered {} s, after {}", clock(at), length(at.since(span.sent))),
            (None, None) => String::new(),
        };
        let ink = Ink::Family(self.look(span.node).1);
        note(layer, self.sight.size.0, at, &[&title, &spent, &fate], ink);
    }
}

/// What the signs mean, in their order.
const LEGEND: [&str; 6] = ["critical path", "network", "waiting", "served", "disk", "lost"];

fn words(spent: Spent) -> &'static str {
    match spent {
        Spent::Queue => "waiting",
        Spent::Service => "served",
        other => other.word(),
    }
}

/// What is seen of a request's time.
fn seen(sight: &TraceSight, request: &Request) -> (Time, Time) {
    if let Some((from, until)) = sight.look.window {
        return (from, until.max(from + Micros(LEAST)));
    }
    let end = request.end.max(request.answered.unwrap_or(Time::ZERO));
    let end = if request.open { end.max(sight.world.now()) } else { end };
    let span = end.since(request.begun).0.max(LEAST);
    let margin = Micros((span as f64 * MARGIN) as u64);
    (Time(request.begun.0.saturating_sub(margin.0)), request.begun + Micros(span) + margin + margin)
}

/// What may be pointed at along a row: two lines, so that nothing lies between the rows.
fn along(hits: &mut Vec<Hit>, record: RecordId, y: f32, (from, to): (f32, f32)) {
    for y in [y - 3.0, y + 3.0] {
        let via = Point::new((from + to) * 0.5, y);
        let area = Area::Path { from: Point::new(from, y), via, to: Point::new(to, y) };
        hits.push(Hit { target: Target::Flight(record), area });
    }
}

/// A length of time for people: three digits or so, with its unit.
pub fn length(time: Micros) -> String {
    match time.0 {
        0 => "0 ms".to_owned(),
        us @ 1..1_000 => format!("{us} µs"),
        us @ 1_000..100_000 => format!("{} ms", fixed(us as f64 / 1e3, 1)),
        us @ 100_000..1_000_000 => format!("{} ms", fixed(us as f64 / 1e3, 0)),
        us => format!("{} s", fixed(us as f64 / 1e6, 2)),
    }
}
