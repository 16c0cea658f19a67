//! The linked views: which are open, how one looks at each, and what is done to a message by dragging it.

use crate::scenario::Act;
use crate::scene::{DisplayList, Point, Target};
use crate::sim::{Micros, NodeId, RecordId, Time, clock};
use crate::timeline::Cursor;
use crate::views::{self, Axis, Kind, Look, Sight};

use super::charting::{Charting, Charts};
use super::tracing::{Traces, Tracing};
use super::{Action, Player, Tone};

/// How many views are open beside each other.
pub const MAX_OPEN: usize = crate::link::MAX_VIEWS;

/// What is done to a view.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Looking {
    /// Opens a view, or shuts it. Of more than [`MAX_OPEN`] the one goes that was opened first.
    Open(Kind),
    /// Shows so many times the time that is seen.
    Zoom(f64),
    /// Moves what is seen by so many pixels to the right.
    Pan(f32),
    /// Moves the lifelines up by so many.
    Scroll(i32),
    /// The pointer is there, in pixels of the view, or nowhere.
    Point(Option<Point>),
    /// Events equally far from one another, or true time.
    Events,
    /// Only lifelines that what is selected has to do with, or all.
    Related,
    /// Hides a lifeline.
    Hide(NodeId),
    /// Puts a lifeline up or down by so many.
    Raise(NodeId, i32),
    /// All lifelines in their order, and the time that fits.
    Reset,
    /// A message's end is being dragged to this place, in pixels.
    Drag(RecordId, f32),
    /// It is let go there.
    Drop,
    /// Selects the next message (1) or the one before (−1) that left.
    Next(i32),
    /// Selects the message that brought the selected one about (−1), or the first that it brought about (1).
    Cause(i32),
    /// Something about the trace.
    Trace(Tracing),
    /// Something about the charts.
    Chart(Charting),
}

/// The views, and how one looks at them.
#[derive(Clone, Debug, Default)]
pub(super) struct Linked {
    pub open: Vec<Kind>,
    pub look: Look,
    /// On which the diagram was drawn last.
    pub axis: Axis,
    pub traces: Traces,
    pub charts: Charts,
    /// The instant that is pointed at, in whichever view.
    pub instant: Option<Time>,
}

impl Player {
    /// The views that are open, in the order in which they were opened.
    pub fn views(&self) -> &[Kind] {
        &self.linked.open
    }

    /// How one looks at the space–time diagram.
    pub fn look(&self) -> &Look {
        &self.linked.look
    }

    /// The instant at a place of the space–time diagram, in pixels; none in front of it.
    pub fn instant_at(&self, x: f32) -> Option<Time> {
        (x >= self.linked.axis.left).then(|| self.linked.axis.at(x))
    }

    /// Where an instant stands in the space–time diagram, in pixels.
    pub fn place_in_time(&self, at: Time) -> f32 {
        self.linked.axis.x(at)
    }

    /// Draws a view onto a canvas of this size, in CSS pixels.
    pub fn draw_view(&mut self, kind: Kind, size: (f32, f32), list: &mut DisplayList) {
        match kind {
            Kind::SpaceTime => {
                let sight = Sight {
                    world: &self.timeline.run().world,
                    log: self.timeline.log(),
                    look: &self.linked.look,
                    size,
                    speed: self.speed,
                    selected: self.view.selected,
                    hovered: self.view.hovered,
                    instant: self.linked.instant,
                };
                self.linked.axis = views::space_time(&sight, list);
            }
            Kind::Log => {}
            Kind::Trace => self.draw_trace(size, list),
            Kind::Charts => self.draw_charts(size, list),
        }
    }

    /// The ways of the message that is pointed at or selected, and of those that led to it.
    #[inline(never)]
    pub(super) fn led(&self, record: RecordId) -> Vec<(NodeId, NodeId)> {
        views::led(self.timeline.log(), record)
    }

    /// Does something to a view.
    #[inline(never)]
    pub(super) fn look_at(&mut self, looking: Looking) {
        let look = &mut self.linked.look;
        match looking {
            Looking::Open(kind) => match self.linked.open.iter().position(|open| *open == kind) {
                Some(place) => drop(self.linked.open.remove(place)),
                None => {
                    self.linked.open.push(kind);
                    if self.linked.open.len() > MAX_OPEN {
                        self.linked.open.remove(0);
                    }
                }
            },
            Looking::Zoom(factor) => {
                let span = self.linked.axis.until.since(self.linked.axis.from).0.max(1) as f64 * factor;
                look.span = Some(Micros(span.clamp(5e3, 120e6) as u64));
            }
            Looking::Pan(by) => self.pan_view(by),
            Looking::Scroll(by) => look.scroll = (look.scroll as i64 + i64::from(by)).max(0) as usize,
            Looking::Point(at) => {
                look.pointer = at;
                self.linked.instant = at.and_then(|at| self.instant_at(at.x));
            }
            Looking::Events => look.events = !look.events,
            Looking::Related => look.related = !look.related,
            Looking::Hide(node) => {
                if !look.hidden.contains(&node) {
                    look.hidden.push(node);
                }
            }
            Looking::Raise(node, by) => self.raise(node, by),
            Looking::Reset => *look = Look::default(),
            Looking::Drag(record, x) => self.drag(record, x),
            Looking::Drop => {
                if let Some((record, to)) = look.dragged.take() {
                    self.postpone(record, to);
                }
            }
            Looking::Next(by) => self.next_message(by),
            Looking::Cause(by) => self.caused(by),
            Looking::Trace(tracing) => self.trace_at(tracing),
            Looking::Chart(charting) => self.chart_at(charting),
        }
    }

    /// The end of a message is held at a place: not before it was sent, and whole milliseconds after it was due.
    fn drag(&mut self, record: RecordId, x: f32) {
        let to = self.linked.axis.at(x);
        let Some(sent) = self.timeline.log().get(record) else { return };
        let Some((.., due)) = sent.what.leaving() else { return };
        let due = self.timeline.run().world.flight(record).map_or(due, |flight| flight.due);
        let to = if to > due { due + Micros::ms((to.since(due).0 + 500) / 1_000) } else { to.max(sent.at) };
        self.linked.look.dragged = Some((record, to));
    }

    /// While time goes on the diagram follows it.
    fn pan_view(&mut self, by: f32) {
        let axis = &self.linked.axis;
        let span = axis.until.since(axis.from).0 as f64;
        let moved = f64::from(by) / f64::from(axis.right - axis.left).max(1.0) * span;
        let back = self.linked.look.back.0 as f64 + moved;
        let most = self.timeline.now().0 as f64;
        self.linked.look.back = Micros(back.max(0.0).min(most) as u64);
    }

    fn raise(&mut self, node: NodeId, by: i32) {
        let world = &self.timeline.run().world;
        let order = &mut self.linked.look.order;
        for (id, _) in world.nodes() {
            if !order.contains(&id) {
                order.push(id);
            }
        }
        let Some(place) = order.iter().position(|id| *id == node) else { return };
        let to = (place as i64 + i64::from(by)).max(0).min(order.len() as i64 - 1) as usize;
        let node = order.remove(place);
        order.insert(to, node);
    }

    /// Makes a message arrive at another instant. Where it has come to its end already, that is done while it was under
    /// way, in a course of its own, and the run goes on to where one stands.
    fn postpone(&mut self, record: RecordId, to: Time) {
        let now = self.timeline.now();
        let Some(sent) = self.timeline.log().get(record) else { return };
        let Some((receiver, message, due)) = sent.what.leaving() else { return };
        let (left, name) = (sent.at, crate::sim::Payload::name(message));
        let under_way = self.timeline.run().world.flight(record).map(|flight| flight.due);
        let due = under_way.unwrap_or(due);
        let act = match to > due {
            true => Act::Delay { message: record.0, by: to.since(due) },
            false => Act::Hurry { message: record.0 },
        };
        let when = match (to > due, under_way) {
            (true, Some(_)) => now,
            (true, None) => left,
            (false, _) => to.max(left),
        };
        if when != now {
            self.timeline.seek(Cursor { at: when, steps: None });
        }
        self.playing = false;
        match self.timeline.act(act) {
            Ok(()) => {
                self.touched = true;
                let receiver = self.timeline.run().world.name(receiver).to_owned();
                let told = format!("{name} arrives at {receiver} at {} s now. z takes it back.", clock(to));
                self.tell(Tone::Quiet, told);
            }
            Err(told) => self.tell(Tone::Warn, super::notice::sentence_case(&told)),
        }
        if now > self.timeline.now() {
            self.go(Cursor { at: now, steps: None });
        }
        self.after_change();
    }

    /// From message to message as they left.
    fn next_message(&mut self, by: i32) {
        let log = self.timeline.log();
        let sent =
            |record: &&crate::components::Record| record.what.leaving().is_some() && record.at >= self.linked.axis.from;
        let here = match self.view.selected {
            Some(Target::Flight(record)) => Some(record),
            _ => None,
        };
        let found = match (here, by > 0) {
            (Some(here), true) => log.iter().filter(sent).find(|record| record.id > here),
            (Some(here), false) => log.iter().rev().filter(sent).find(|record| record.id < here),
            (None, _) => log.iter().rev().find(sent),
        };
        if let Some(record) = found.map(|record| record.id) {
            self.view.selected = Some(Target::Flight(record));
        }
    }

    /// From a message to the one that brought it about, or that it brought about.
    fn caused(&mut self, by: i32) {
        let Some(Target::Flight(here)) = self.view.selected else { return };
        let log = self.timeline.log();
        let before = |mut id: RecordId| {
            loop {
                id = crate::trace::course::cause(log.get(id)?);
                let record = log.get(id)?;
                if record.what.leaving().is_some() {
                    return Some(record.id);
                }
            }
        };
        let found = match by < 0 {
            true => before(here),
            false => log
                .iter()
                .filter(|record| record.id > here && record.what.leaving().is_some())
                .find(|record| before(record.id) == Some(here))
                .map(|record| record.id),
        };
        match found {
            Some(record) => self.view.selected = Some(Target::Flight(record)),
            None if by < 0 => self.tell(Tone::Quiet, "No message brought this one about.".to_owned()),
            None => self.tell(Tone::Quiet, "This one has brought no other about, as far as one sees.".to_owned()),
        }
    }
}

/// What a key comes to while the space–time diagram has the focus.
pub fn view_key(player: &Player, key: &str, shift: bool) -> Option<Action> {
    let node = match player.view().selected {
        Some(Target::Node(node)) => Some(node),
        _ => None,
    };
    Some(Action::Look(match (key, shift, node) {
        ("ArrowUp", true, Some(node)) => Looking::Raise(node, -1),
        ("ArrowDown", true, Some(node)) => Looking::Raise(node, 1),
        ("ArrowUp", true, None) => Looking::Cause(-1),
        ("ArrowDown", true, None) => Looking::Cause(1),
        ("ArrowUp", false, _) => Looking::Next(-1),
        ("ArrowDown", false, _) => Looking::Next(1),
        ("PageUp", ..) => Looking::Scroll(-4),
        ("PageDown", ..) => Looking::Scroll(4),
        ("e", ..) => Looking::Events,
        ("o", ..) => Looking::Related,
        ("i", ..) => Looking::Zoom(0.5),
        ("u", ..) => Looking::Zoom(2.0),
        ("Delete" | "Backspace", _, Some(node)) => Looking::Hide(node),
        ("Home", true, _) => Looking::Reset,
        _ => return None,
    }))
}
