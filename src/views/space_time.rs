//! The space–time diagram (Lamport 1978): time runs to the right, each component has a line, each message leads from one
//! line to another. What is selected stands out with all that can have influenced it and all that it can have influenced.

use crate::components::{Record, What, World};
use crate::protocols::{Family, Form};
use crate::scene::{
    Anchor, Area, Dash, DisplayList, Hit, Ink, Layer, Pen, Point, Target, between, draw_glyph, note, shorten, sign,
};
use crate::sim::{Micros, NodeId, Payload, RecordId, Time, clock};
use crate::trace::course::Course;
use crate::trace::space_time::{Arrow, End, arrows, lifelines};
use crate::trace::{Log, is_routine, sentence};

use super::kin::{Kin, related};
use super::{Axis, small};

/// How many records are drawn at most, the latest.
pub const MAX_RECORDS: usize = 6_000;
/// How much is shown while nothing else was asked for: what passes in so many seconds of watching.
const WATCHED: f64 = 8.0;
/// The shortest and the longest span, in microseconds.
const SPANS: (f64, f64) = (5_000.0, 120e6);
/// Where the cursor stands between the edges, so that what is under way has room to arrive.
const NOW: f64 = 0.9;
/// The room for names at the left, in pixels: usually, and on a narrow canvas.
const NAMES: (f32, f32) = (118.0, 84.0);
/// A canvas is narrow that has less than this, in pixels.
const NARROW: f32 = 480.0;
/// The room that the name of the cursor's instant takes to each side, in pixels.
const SAID: f32 = 52.0;
/// The room for instants above, in pixels.
const ABOVE: f32 = 20.0;
/// The room below them, in pixels.
const BELOW: f32 = 10.0;
/// The least and the greatest distance between lifelines, in pixels.
const ROWS: (f32, f32) = (11.5, 34.0);
/// Events nearer to one another than this are one tick, in pixels.
const APART: f32 = 4.0;
/// How near to a tick one points at it, in pixels.
const REACH: f32 = 5.0;
/// How long the head of an arrow is, in pixels.
const HEAD: f32 = 7.0;
/// How many steps back a way through hidden lifelines is followed.
const MAX_BACK: usize = 64;
/// How many messages a pixel begin to hide one another, on eight lifelines.
const CROWDED: f32 = 0.6;
/// How opaque the messages of a crowd are at least.
const THINNEST: f32 = 0.28;
/// What has nothing to do with what is selected.
const FADED: u8 = 46;

/// How one looks at the diagram.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    /// How much time is seen; as much as passes in a while, where nothing was asked for.
    pub span: Option<Micros>,
    /// How far before the cursor it ends: one has looked back without going back.
    pub back: Micros,
    /// Whether events stand equally far from one another, instead of by true time.
    pub events: bool,
    /// How many lifelines are scrolled away above.
    pub scroll: usize,
    /// Lifelines that were hidden by hand.
    pub hidden: Vec<NodeId>,
    /// The order that lifelines were put into by hand; others follow by number.
    pub order: Vec<NodeId>,
    /// Whether only lifelines are shown that what is selected has to do with.
    pub related: bool,
    /// Where a message is being dragged to.
    pub dragged: Option<(RecordId, Time)>,
    /// The pointer, in pixels.
    pub pointer: Option<Point>,
}

/// What is to be drawn.
pub struct Sight<'a> {
    /// The run.
    pub world: &'a World,
    /// What happened, up to the cursor.
    pub log: &'a Log,
    /// How one looks.
    pub look: &'a Look,
    /// The canvas in CSS pixels.
    pub size: (f32, f32),
    /// Simulated seconds a second.
    pub speed: f64,
    /// What is selected, on the stage or here.
    pub selected: Option<Target>,
    /// What the pointer is over, on the stage or here.
    pub hovered: Option<Target>,
    /// The instant that is pointed at, in whichever view.
    pub instant: Option<Time>,
}

impl Sight<'_> {
    /// How much time is seen.
    pub fn span(&self) -> Micros {
        let watched = self.speed * WATCHED * 1e6;
        let asked = self.look.span.map_or(watched, |span| span.0 as f64);
        Micros(asked.max(SPANS.0).min(SPANS.1) as u64)
    }
}

/// A diagram that is being drawn.
struct Diagram<'a> {
    sight: &'a Sight<'a>,
    course: &'a Course<'a>,
    axis: Axis,
    /// The lifelines in sight, from above.
    rows: Vec<NodeId>,
    /// How many have no room above and below them.
    unseen: (usize, usize),
    /// From one to the next, in pixels.
    pitch: f32,
    /// Of each record, by its place, how it stands to the message that is selected; nothing where none is.
    related: Option<Vec<Kin>>,
    /// The room for names at the left, in pixels.
    names: f32,
    /// How opaque messages are: where many lie on one another, the pattern is to be seen and not a block.
    thin: f32,
}

/// Draws the diagram. The axis that it was drawn on tells which instant is where.
pub fn build(sight: &Sight, list: &mut DisplayList) -> Axis {
    list.clear();
    let names = if sight.size.0 < NARROW { NAMES.1 } else { NAMES.0 };
    let axis = axis(sight, names);
    // What left before the left edge and arrived after it is to be seen as well.
    let from = Time(axis.from.0.saturating_sub(sight.span().0 / 2));
    let mut records: Vec<&Record> = sight.log.since(from).rev().take(MAX_RECORDS).collect();
    records.reverse();
    let course = Course::new(records.into_iter());
    let messages = arrows(&course);
    let related = related(sight.selected, &course);
    let mut diagram = Diagram {
        sight,
        course: &course,
        axis,
        rows: Vec::new(),
        unseen: (0, 0),
        pitch: ROWS.0,
        related,
        names,
        thin: 1.0,
    };
    if sight.look.events {
        diagram.axis.ranks = Some(diagram.instants());
    }
    diagram.arrange(&messages);
    let wide = (diagram.axis.right - diagram.axis.left).max(1.0);
    let seen = messages.iter().filter(|arrow| arrow.left >= diagram.axis.from).count() as f32;
    // The more lifelines there are, the more room there is between them.
    diagram.thin = between(CROWDED * wide * diagram.rows.len() as f32 / 8.0 / seen.max(1.0), THINNEST, 1.0);
    diagram.ground(&mut list.live);
    diagram.lines(&mut list.live);
    for arrow in &messages {
        diagram.arrow(arrow, list);
    }
    diagram.ways_through_hidden(&messages, &mut list.live);
    let pointed = diagram.events(&mut list.live);
    diagram.names(list);
    diagram.cursors(&mut list.over);
    diagram.tell(&messages, pointed, &mut list.over);
    diagram.axis
}

/// What lies between the edges.
fn axis(sight: &Sight, names: f32) -> Axis {
    let span = sight.span().0;
    let before = (span as f64 * NOW) as u64;
    let end = Time(sight.world.now().0.saturating_sub(sight.look.back.0));
    // The beginning is at the left edge until the cursor has come to its place.
    let from = Time(end.0.saturating_sub(before));
    Axis { left: names, right: (sight.size.0 - 10.0).max(names + 1.0), from, until: from + Micros(span), ranks: None }
}

/// Whether a record is an event that a person looks for on a lifeline.
fn telling(what: &What) -> bool {
    !is_routine(what)
        && what.leaving().is_none()
        && !matches!(what, What::Arrived { .. } | What::Lost { .. } | What::Relinked { .. })
}

impl Diagram<'_> {
    /// The instants at which messages leave and arrive and events happen between the edges.
    fn instants(&self) -> Vec<Time> {
        let within = |at: Time| at >= self.axis.from && at <= self.sight.world.now();
        let seen = |what: &What| telling(what) || what.leaving().is_some() || matches!(what, What::Arrived { .. });
        let records = self.course.records().iter().filter(|record| within(record.at) && seen(&record.what));
        let mut instants: Vec<Time> = records.map(|record| record.at).collect();
        instants.dedup();
        instants
    }

    /// Which lifelines are shown, and how far from one another.
    fn arrange(&mut self, messages: &[Arrow]) {
        let (sight, look) = (self.sight, self.sight.look);
        let mut all: Vec<NodeId> = sight.world.nodes().map(|(id, _)| id).collect();
        all.extend(
            self.course.records().iter().filter(|record| record.what.leaving().is_some()).map(|record| record.node),
        );
        all.sort_unstable();
        all.dedup();
        if let Some(related) = self.related.as_ref().filter(|_| look.related) {
            let records = self.course.records().iter().zip(related);
            let mut met: Vec<NodeId> =
                records.filter(|(_, kin)| **kin == Kin::Chain).map(|(record, _)| record.node).collect();
            met.extend(
                messages
                    .iter()
                    .filter(|arrow| sight.selected == Some(Target::Flight(arrow.record)))
                    .map(|arrow| arrow.to),
            );
            all.retain(|id| met.contains(id));
        }
        all.retain(|id| !look.hidden.contains(id));
        let first = look.order.iter().copied().filter(|id| all.contains(id));
        let rest = all.iter().copied().filter(|id| !look.order.contains(id));
        let ordered: Vec<NodeId> = first.chain(rest).collect();
        let room = (sight.size.1 - ABOVE - BELOW).max(ROWS.0);
        let fit = ((room / ROWS.0) as usize).max(1);
        let start = look.scroll.min(ordered.len().saturating_sub(fit));
        self.unseen = (start, ordered.len().saturating_sub(start + fit));
        self.rows = ordered.into_iter().skip(start).take(fit).collect();
        self.pitch = between(room / self.rows.len().max(1) as f32, ROWS.0, ROWS.1);
    }

    /// Where a lifeline runs.
    fn y(&self, node: NodeId) -> Option<f32> {
        let row = self.rows.iter().position(|row| *row == node)?;
        Some(ABOVE + (row as f32 + 0.5) * self.pitch)
    }

    /// The pointer, where it points at an instant.
    fn pointer(&self) -> Option<Point> {
        self.sight.look.pointer.filter(|pointer| pointer.x > self.axis.left)
    }

    fn bottom(&self) -> f32 {
        ABOVE + self.rows.len() as f32 * self.pitch
    }

    /// How opaque something is that belongs to a record.
    fn alpha(&self, record: RecordId) -> u8 {
        if self.related.is_some() && self.kin(record) == Kin::Concurrent { FADED } else { 255 }
    }

    fn kin(&self, record: RecordId) -> Kin {
        let place = self.course.place(record);
        self.related.as_ref().and_then(|related| Some(related[place?])).unwrap_or(Kin::Concurrent)
    }

    fn ground(&self, layer: &mut Layer) {
        for at in self.axis.ticks() {
            let x = self.axis.x(at);
            layer.line(Point::new(x, ABOVE - 4.0), Point::new(x, self.bottom()), Pen::new(Ink::Faint, 1.0));
            // The instants of cursor and pointer are said there as well.
            let said = [Some(self.axis.x(self.sight.world.now())), self.pointer().map(|pointer| pointer.x)];
            let room = x + SAID * 0.5 < self.sight.size.0;
            if room && said.iter().flatten().all(|other| (other - x).abs() > SAID) {
                layer.texts.push(small(Point::new(x, 12.0), clock(at), Ink::Muted, Anchor::Middle));
            }
        }
    }

    fn family(&self, node: NodeId) -> Option<Family> {
        let known = self.sight.world.node(node)?;
        Some(sign(known.kind).1)
    }

    /// The lifelines: dotted where there was nobody.
    fn lines(&self, layer: &mut Layer) {
        let lived = lifelines(self.course);
        let now = self.sight.world.now();
        for node in &self.rows {
            let Some(y) = self.y(*node) else { continue };
            let chosen = [self.sight.selected, self.sight.hovered].contains(&Some(Target::Node(*node)));
            let pen = if chosen { Pen::new(Ink::Focus, 2.0) } else { Pen::new(Ink::Line, 1.0).alpha(140) };
            let down = lived.iter().find(|line| line.node == *node).map_or(&[][..], |line| &line.down);
            let mut at = self.axis.from;
            for (from, until) in down.iter().filter(|(_, until)| *until >= self.axis.from) {
                self.stretch(layer, y, at, *from, pen);
                self.stretch(layer, y, *from, *until, Pen::new(Ink::Warn, 1.25).dash(Dash::Dotted));
                at = *until;
            }
            // One that is down where the records end goes on being so.
            let gone = down
                .last()
                .is_some_and(|(_, until)| self.course.records().last().is_some_and(|last| last.at == *until));
            let pen = if gone { Pen::new(Ink::Warn, 1.25).dash(Dash::Dotted) } else { pen };
            self.stretch(layer, y, at, now, pen);
        }
    }

    fn stretch(&self, layer: &mut Layer, y: f32, from: Time, until: Time, pen: Pen) {
        let (from, until) = (self.axis.x(from).max(self.axis.left), self.axis.x(until).min(self.axis.right));
        if from < until {
            layer.line(Point::new(from, y), Point::new(until, y), pen);
        }
    }

    /// A message: to where it arrived, to where it was lost, or to where it is to arrive.
    fn arrow(&self, arrow: &Arrow, list: &mut DisplayList) {
        let (Some(from), Some(to)) = (self.y(arrow.from), self.y(arrow.to)) else { return };
        let Some((_, message, _)) = self.course.get(arrow.record).and_then(|record| record.what.leaving()) else {
            return;
        };
        let now = self.sight.world.now();
        let (end, due) = match arrow.end {
            End::Arrived(_, at) => (at, at),
            End::Lost(_, at) => (at, self.due(arrow).max(at)),
            // It may have been delayed or hurried since it left.
            End::UnderWay(due) => (now, self.sight.world.flight(arrow.record).map_or(due, |flight| flight.due)),
        };
        let begin = Point::new(self.axis.x(arrow.left), from);
        let goal = Point::new(self.axis.x(due), to);
        let whole = (goal.x - begin.x).max(0.001);
        let tip = begin.mix(goal, between((self.axis.x(end) - begin.x) / whole, 0.0, 1.0));
        if goal.x < self.axis.left || begin.x > self.axis.right {
            return;
        }
        let chosen = [self.sight.selected, self.sight.hovered].contains(&Some(Target::Flight(arrow.record)));
        let beat = message.form() == Form::Beat;
        let ink = Ink::Family(message.family());
        let alpha = self.alpha(arrow.record);
        let alpha = if beat && !chosen { alpha / 2 } else { alpha };
        let alpha = if alpha == 255 { (255.0 * self.thin) as u8 } else { alpha };
        let pen = match chosen {
            true => Pen::new(Ink::Focus, 3.0),
            false if self.kin(arrow.record) == Kin::Chain => Pen::new(ink, 2.6),
            false => Pen::new(ink, if beat { 1.0 } else { 1.4 }).alpha(alpha),
        };
        if let Some((_, goal)) = self.sight.look.dragged.filter(|(record, _)| *record == arrow.record) {
            let pen = Pen::new(Ink::Warn, 2.0).dash(Dash::Dashed);
            self.clipped(&mut list.over, begin, Point::new(self.axis.x(goal), to), pen);
        }
        let lost = matches!(arrow.end, End::Lost(..));
        self.clipped(&mut list.live, begin, tip, if lost { pen.dash(Dash::Dashed) } else { pen });
        match arrow.end {
            End::Lost(..) => {
                if tip.x >= self.axis.left {
                    list.live.cross(tip, 4.0, Pen::new(Ink::Warn, 1.8).alpha(alpha.max(FADED)));
                }
            }
            End::UnderWay(_) => {
                self.clipped(&mut list.live, tip, goal, pen.dash(Dash::Dotted));
                if goal.x <= self.axis.right {
                    list.live.circle(goal, 3.0, Some(Ink::Paper), Some(pen.dash(Dash::Solid)));
                }
            }
            End::Arrived(..) => self.head(&mut list.live, begin, tip, message.form(), pen),
        }
        let area = Area::Path { from: begin, via: begin.mix(tip, 0.5), to: if lost { tip } else { goal } };
        list.hits.push(Hit { target: Target::Flight(arrow.record), area });
    }

    /// When a message that was lost should have arrived.
    fn due(&self, arrow: &Arrow) -> Time {
        let sent = self.course.get(arrow.record).and_then(|record| record.what.leaving());
        sent.map_or(arrow.left, |(.., due)| due)
    }

    /// The end of a message: full for what asks, hollow for what answers, as its dot is on the stage.
    fn head(&self, layer: &mut Layer, from: Point, tip: Point, form: Form, pen: Pen) {
        if tip.x < self.axis.left + HEAD || tip.x > self.axis.right || form == Form::Beat {
            return;
        }
        let fill = if form == Form::Request { pen.ink } else { Ink::Paper };
        // Fills are as opaque as their pens, but for a least.
        if pen.alpha < 255 {
            return;
        }
        let long = from.distance(tip).max(0.001);
        let (dx, dy) = ((tip.x - from.x) / long, (tip.y - from.y) / long);
        let back = tip.towards(dx, dy, -HEAD);
        let wings = [tip, back.towards(-dy, dx, 2.8), back.towards(-dy, dx, -2.8)];
        layer.polygon(wings, Some(fill), Some(Pen::new(pen.ink, 1.0)));
    }

    /// A line, as much of it as lies between the edges.
    fn clipped(&self, layer: &mut Layer, from: Point, to: Point, pen: Pen) {
        let (left, right) = (self.axis.left, self.axis.right);
        if to.x < left || from.x > right {
            return;
        }
        let long = (to.x - from.x).max(0.001);
        let at = |x: f32| from.mix(to, between((x - from.x) / long, 0.0, 1.0));
        layer.line(at(left.max(from.x)), at(right.min(to.x)), pen);
    }

    /// Dashed, from where a message left a lifeline in sight to where what came of it through hidden ones arrives.
    fn ways_through_hidden(&self, messages: &[Arrow], layer: &mut Layer) {
        let of = |record: RecordId| {
            let place = messages.binary_search_by_key(&record, |arrow| arrow.record).ok()?;
            Some(&messages[place])
        };
        for arrow in messages.iter().filter(|arrow| self.y(arrow.from).is_none()) {
            let (Some(to), End::Arrived(_, until)) = (self.y(arrow.to), arrow.end) else { continue };
            let mut at = self.course.place(arrow.record).and_then(|place| self.course.cause(place));
            for _ in 0..MAX_BACK {
                let Some(place) = at else { break };
                let record = self.course.records()[place];
                let sent = record.what.leaving().and_then(|_| of(record.id));
                if let Some((first, from)) = sent.and_then(|first| Some((first, self.y(first.from)?))) {
                    // What comes back to where it left would lie on its lifeline.
                    if first.from == arrow.to {
                        break;
                    }
                    let pen = Pen::new(Ink::Muted, 1.0).dash(Dash::Dashed).alpha(self.alpha(arrow.record));
                    let (from, to) = (Point::new(self.axis.x(first.left), from), Point::new(self.axis.x(until), to));
                    self.clipped(layer, from, to, pen);
                    break;
                }
                at = self.course.cause(place);
            }
        }
    }

    /// Ticks where something happened to a component; those that would touch are one. What is being pointed at.
    fn events(&self, layer: &mut Layer) -> Vec<&Record> {
        let mut last: Vec<f32> = vec![f32::MIN; self.rows.len()];
        let mut pointed: Vec<&Record> = Vec::new();
        for record in self.course.records().iter().filter(|record| telling(&record.what)) {
            let Some(row) = self.rows.iter().position(|row| *row == record.node) else { continue };
            let at = Point::new(self.axis.x(record.at), ABOVE + (row as f32 + 0.5) * self.pitch);
            if at.x < self.axis.left || at.x > self.axis.right {
                continue;
            }
            let near =
                |pointer: Point| (pointer.x - at.x).abs() <= REACH && (pointer.y - at.y).abs() <= self.pitch * 0.5;
            if self.sight.look.pointer.is_some_and(near) {
                pointed.push(record);
            }
            let alpha = self.alpha(record.id);
            match &record.what {
                What::Crashed { .. } => layer.cross(at, 5.0, Pen::new(Ink::Warn, 2.2)),
                _ if at.x - last[row] < APART => {}
                what => {
                    let ink =
                        if bad(what) { Ink::Warn } else { self.family(record.node).map_or(Ink::Muted, Ink::Family) };
                    let half = (self.pitch * 0.3).min(6.0);
                    let (above, below) = (Point::new(at.x, at.y - half), Point::new(at.x, at.y + half));
                    layer.line(above, below, Pen::new(ink, 2.0).alpha(alpha));
                    last[row] = at.x;
                }
            }
        }
        pointed
    }

    /// The names at the left, each with its shape.
    fn names(&self, list: &mut DisplayList) {
        let height = self.bottom().max(self.sight.size.1);
        list.live.rect(Point::new(0.0, 0.0), (self.names - 2.0, height), 0.0, Some(Ink::Paper), None);
        for (many, y) in [(self.unseen.0, ABOVE - 4.0), (self.unseen.1, self.bottom() + 8.0)] {
            if many > 0 {
                let told = format!("{many} more: shift and wheel");
                list.live.texts.push(small(Point::new(4.0, y), told, Ink::Muted, Anchor::Start));
            }
        }
        for node in &self.rows {
            let Some(y) = self.y(*node) else { continue };
            let known = self.sight.world.node(*node);
            let (glyph, family) = sign(known.map_or("", |node| node.kind));
            let ink = if known.is_some() { Ink::Family(family) } else { Ink::Muted };
            draw_glyph(
                &mut list.live,
                glyph,
                Point::new(10.0, y),
                0.2,
                0.0,
                Some(Ink::FamilyFill(family)),
                Some(Pen::new(ink, 1.25)),
            );
            let chosen = self.sight.selected == Some(Target::Node(*node));
            let name = shorten(self.sight.world.name(*node), 11.0, self.names - 26.0);
            let mut text = small(
                Point::new(20.0, y + 4.0),
                name,
                if known.is_some() { Ink::Text } else { Ink::Muted },
                Anchor::Start,
            );
            text.size = 11.0;
            text.weight = if chosen { 600 } else { 400 };
            list.live.texts.push(text);
            let area =
                Area::Path { from: Point::new(4.0, y), via: Point::new(50.0, y), to: Point::new(self.names - 8.0, y) };
            list.hits.push(Hit { target: Target::Node(*node), area });
        }
    }

    /// Where the run stands, and where the pointer is.
    fn cursors(&self, layer: &mut Layer) {
        let mut upright = |at: Time, ink: Ink, width: f32, said: bool| {
            let x = self.axis.x(at);
            if x < self.axis.left || x > self.axis.right {
                return;
            }
            layer.line(Point::new(x, ABOVE - 6.0), Point::new(x, self.bottom()), Pen::new(ink, width));
            if said {
                let mut text = small(Point::new(x, 12.0), format!("{} s", clock(at)), ink, Anchor::Middle);
                (text.weight, text.halo) = (600, true);
                layer.texts.push(text);
            }
        };
        let pointed = self.pointer().map(|pointer| self.axis.at(pointer.x)).or(self.sight.instant);
        upright(self.sight.world.now(), Ink::Text, 1.5, pointed.is_none());
        if let Some(at) = pointed {
            upright(at, Ink::Focus, 1.0, true);
        }
        if let Some((_, to)) = self.sight.look.dragged {
            upright(to, Ink::Warn, 2.0, true);
        }
    }

    /// Words on what is pointed at.
    fn tell(&self, messages: &[Arrow], pointed: Vec<&Record>, layer: &mut Layer) {
        let world = self.sight.world;
        if let (Some(first), Some(at)) = (pointed.first(), self.sight.look.pointer) {
            let mut lines: Vec<String> = pointed.iter().take(5).map(|record| sentence(record, world)).collect();
            if pointed.len() > lines.len() {
                lines.push(format!("and {} more", pointed.len() - lines.len()));
            }
            let lines: Vec<&str> = lines.iter().map(|line| &**line).collect();
            let ink = self.family(first.node).map_or(Ink::Muted, Ink::Family);
            return note(layer, self.sight.size.0, at, &lines, ink);
        }
        // What is selected is told in the inspector; here it would lie over its neighbours.
        let Some(Target::Flight(record)) = self.sight.hovered else { return };
        let Some(arrow) = messages.iter().find(|arrow| arrow.record == record) else { return };
        let (Some(from), Some(to)) = (self.y(arrow.from), self.y(arrow.to)) else { return };
        let Some((_, message, _)) = self.course.get(record).and_then(|record| record.what.leaving()) else { return };
        let (until, fate) = match arrow.end {
            End::Arrived(_, at) => (at, format!("arrived {} s", clock(at))),
            End::Lost(why, at) => (at, format!("lost: {}", why.sentence(world.name(arrow.to)))),
            End::UnderWay(due) => (due, format!("due {} s", clock(due))),
        };
        let middle = Point::new(self.axis.x(arrow.left), from).mix(Point::new(self.axis.x(until), to), 0.5);
        let at = Point::new(between(middle.x, self.axis.left, self.axis.right), middle.y);
        let title = format!("{} {}", message.name(), world.named(&message.summary()));
        let way = format!("{} → {}", world.name(arrow.from), world.name(arrow.to));
        let times = format!("sent {} · {fate}", clock(arrow.left));
        note(layer, self.sight.size.0, at, &[title.trim_end(), &way, &times], Ink::Family(message.family()));
    }
}

/// Whether something broke.
fn bad(what: &What) -> bool {
    match what {
        What::Crashed { .. }
        | What::Cut { .. }
        | What::Unwritten { .. }
        | What::Unsynced { .. }
        | What::Spoilt { .. } => true,
        What::Paused | What::Slowed { .. } => true,
        What::Changed(change) => change.is_fault(),
        _ => false,
    }
}
