//! The trace in its view: which request, which rows of it, and what part of its time.

use crate::scene::{DisplayList, Point, Target};
use crate::sim::{Micros, RecordId, Time};
use crate::views::{self, TraceLook, TraceSight};

use super::{Action, Looking, Player};

/// For how long one can read before something else is shown by itself, in seconds of watching.
const READING: f64 = 2.0;
/// The longest that is seen of a request's time.
const LONGEST: u64 = 120_000_000;

/// What is done to the trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tracing {
    /// The slowest requests first, or the latest.
    Slowest,
    /// Chains that nobody asked for are listed as well, or not.
    Everyone,
    /// Moves the rows up by so many.
    Scroll(i32),
    /// Moves the list up by so many.
    List(i32),
    /// Shows so many times the time that is seen, about a place in pixels, or about the middle.
    Zoom(f64, Option<f32>),
    /// Moves what is seen by so many pixels to the right.
    Pan(f32),
    /// The pointer is there, in pixels of the view, or nowhere.
    Point(Option<Point>),
    /// All of the request's time.
    Fit,
    /// Selects the next row (1) or the one before (−1).
    Row(i32),
    /// Selects the next request of the list (1) or the one before (−1).
    Request(i32),
    /// The last request that is over, and so on as time goes on.
    Last,
}

/// What the trace remembers from one picture to the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Traces {
    pub look: TraceLook,
    /// What was drawn last.
    pub drawn: views::Traced,
    /// The message that rows were last scrolled to.
    followed: Option<RecordId>,
    /// The instant of the last picture while time went on, and until when it looked.
    calm: (Time, Time),
}

impl Player {
    /// How one looks at the trace.
    pub fn trace_look(&self) -> &TraceLook {
        &self.linked.traces.look
    }

    /// What the trace showed last.
    pub fn traced(&self) -> &views::Traced {
        &self.linked.traces.drawn
    }

    /// The instant that is pointed at, in whichever view.
    pub fn instant(&self) -> Option<Time> {
        self.linked.instant
    }

    /// Draws the trace.
    #[inline(never)]
    pub(super) fn draw_trace(&mut self, size: (f32, f32), list: &mut DisplayList) {
        let until = self.calm_until();
        let selected = self.view.selected;
        if selected.is_none() {
            self.linked.traces.look.kept = None;
        }
        let before = self.linked.traces.drawn.shown;
        self.build_trace(until, size, list);
        let traces = &mut self.linked.traces;
        let mut again = traces.drawn.shown != before && (traces.look.scroll > 0 || traces.look.window.is_some());
        if traces.drawn.shown != before {
            (traces.look.scroll, traces.look.window) = (0, None);
        }
        if let Some(Target::Flight(record)) = selected {
            traces.look.kept = traces.drawn.shown;
            if traces.followed != Some(record) {
                traces.followed = Some(record);
                again |= traces.scroll_to(record);
            }
        }
        if again {
            self.build_trace(until, size, list);
        }
    }

    fn build_trace(&mut self, until: Time, size: (f32, f32), list: &mut DisplayList) {
        let sight = TraceSight {
            world: &self.timeline.run().world,
            log: self.timeline.log(),
            look: &self.linked.traces.look,
            size,
            until,
            selected: self.view.selected,
            hovered: self.view.hovered,
            instant: self.linked.instant,
        };
        self.linked.traces.drawn = views::waterfall(&sight, list);
    }

    /// Until when things are shown by themselves. While time goes on, what is shown stays for a while; and so it does
    /// when time is stopped, since one stops to read.
    fn calm_until(&mut self) -> Time {
        let now = self.timeline.now();
        if self.playing {
            let step = ((self.speed * READING * 1e6) as u64).max(1);
            self.linked.traces.calm = (now, Time(now.0 / step * step));
        }
        let (at, until) = self.linked.traces.calm;
        if at == now { until } else { now }
    }

    /// Does something to the trace.
    #[inline(never)]
    pub(super) fn trace_at(&mut self, tracing: Tracing) {
        let look = &mut self.linked.traces.look;
        let moved = |place: usize, by: i32| (place as i64 + i64::from(by)).max(0) as usize;
        match tracing {
            Tracing::Slowest => (look.slowest, look.list_scroll) = (!look.slowest, 0),
            Tracing::Everyone => (look.everyone, look.list_scroll) = (!look.everyone, 0),
            Tracing::Scroll(by) => {
                let drawn = &self.linked.traces.drawn;
                look.scroll = moved(look.scroll, by).min((drawn.rows.len() + 1).saturating_sub(drawn.fit));
            }
            Tracing::List(by) => {
                let most = self.linked.traces.drawn.requests.len().saturating_sub(1);
                look.list_scroll = moved(look.list_scroll, by).min(most);
            }
            Tracing::Zoom(factor, about) => self.zoom_trace(factor, about),
            Tracing::Pan(by) => self.pan_trace(by),
            Tracing::Point(at) => {
                look.pointer = at;
                let axis = &self.linked.traces.drawn.axis;
                self.linked.instant = at.filter(|at| at.x >= axis.left && at.x <= axis.right).map(|at| axis.at(at.x));
            }
            Tracing::Fit => look.window = None,
            Tracing::Row(by) => self.next_row(by),
            Tracing::Request(by) => self.next_request(by),
            Tracing::Last => {
                *look = TraceLook { slowest: look.slowest, everyone: look.everyone, ..TraceLook::default() };
                self.linked.traces.calm = (Time::ZERO, Time::ZERO);
                self.view.selected = None;
            }
        }
    }

    fn zoom_trace(&mut self, factor: f64, about: Option<f32>) {
        let axis = &self.linked.traces.drawn.axis;
        let fixed = axis.at(about.unwrap_or((axis.left + axis.right) * 0.5));
        let part = |span: Micros| Micros((span.0 as f64 * factor) as u64);
        let (before, after) = (part(fixed.since(axis.from)), part(axis.until.since(fixed)));
        if (before + after).0 > LONGEST {
            return;
        }
        let from = Time(fixed.0.saturating_sub(before.0));
        self.linked.traces.look.window = Some((from, fixed + after));
    }

    fn pan_trace(&mut self, by: f32) {
        let axis = &self.linked.traces.drawn.axis;
        let span = axis.until.since(axis.from);
        let moved = f64::from(by) / f64::from(axis.right - axis.left).max(1.0) * span.0 as f64;
        let from = Time((axis.from.0 as f64 - moved).max(0.0) as u64);
        self.linked.traces.look.window = Some((from, from + span));
    }

    fn next_row(&mut self, by: i32) {
        let rows = &self.linked.traces.drawn.rows;
        let here = match self.view.selected {
            Some(Target::Flight(record)) => rows.iter().position(|row| *row == record),
            _ => None,
        };
        let next = here.map_or(0, |here| (here as i64 + i64::from(by)).max(0) as usize);
        if let Some(record) = rows.get(next) {
            self.view.selected = Some(Target::Flight(*record));
        }
    }

    fn next_request(&mut self, by: i32) {
        let drawn = &self.linked.traces.drawn;
        let here = drawn.requests.iter().position(|first| Some(*first) == drawn.first);
        let next = here.map_or(0, |here| (here as i64 + i64::from(by)).max(0) as usize);
        if let Some(first) = drawn.requests.get(next) {
            self.view.selected = Some(Target::Flight(*first));
        }
    }
}

impl Traces {
    /// Brings the row of a message into sight; whether rows had to move for it.
    fn scroll_to(&mut self, record: RecordId) -> bool {
        let Some(place) = self.drawn.rows.iter().position(|row| *row == record) else { return false };
        // The beginning stands above the messages.
        let (place, fit) = (place + 1, self.drawn.fit.max(1));
        let scroll = match place {
            above if above < self.look.scroll => above - 1,
            below if below >= self.look.scroll + fit => below + 1 - fit,
            _ => return false,
        };
        self.look.scroll = scroll;
        true
    }
}

/// What a key comes to while the trace has the focus.
pub fn trace_key(key: &str, shift: bool) -> Option<Action> {
    Some(Action::Look(Looking::Trace(match (key, shift) {
        ("ArrowUp", false) => Tracing::Row(-1),
        ("ArrowDown", false) => Tracing::Row(1),
        ("ArrowUp", true) => Tracing::Request(-1),
        ("ArrowDown", true) => Tracing::Request(1),
        ("PageUp", _) => Tracing::Scroll(-4),
        ("PageDown", _) => Tracing::Scroll(4),
        ("l", _) => Tracing::Slowest,
        ("o", _) => Tracing::Everyone,
        ("i", _) => Tracing::Zoom(0.5, None),
        ("u", _) => Tracing::Zoom(2.0, None),
        ("Home", true) => Tracing::Fit,
        ("End", _) => Tracing::Last,
        _ => return None,
    })))
}
