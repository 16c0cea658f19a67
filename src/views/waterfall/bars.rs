//! The rows of a trace: names, segments, and the critical path through them.

use crate::protocols::Form;
use crate::scene::{
    Anchor, Dash, DisplayList, Ink, Layer, Pen, Point, Target, Text, between, draw_glyph, shorten, text_width,
};
use crate::sim::Micros;
use crate::trace::spans::Span;

use super::super::requests::{Row, Stretch};
use super::super::text;
use super::{ABOVE, Drawing, PITCH, along, length};

/// Half the height of what was served, in pixels.
const HALF: f32 = 4.5;
/// How far each row is moved to the right below its parent, and how often at most.
const INDENT: (f32, u16) = (7.0, 9);
/// From one line of a hatch to the next, in pixels.
const HATCH: f32 = 4.0;

impl Drawing<'_> {
    /// The rows that are in sight.
    pub(super) fn rows(&self, list: &mut DisplayList) {
        for (place, row) in self.in_sight() {
            let span = &self.spans[row.span as usize];
            let y = self.y(place);
            let target = Target::Flight(span.record);
            let (selected, hovered) =
                (self.sight.selected == Some(target), self.sight.hovered == Some(target) && !span.begins());
            if selected || hovered {
                let pen = Pen::new(Ink::Focus, if selected { 1.5 } else { 1.0 });
                let wide = self.sight.size.0 - self.left - 8.0;
                let at = Point::new(self.left + 4.0, y - PITCH * 0.5);
                list.live.rect(at, (wide, PITCH), 4.0, Some(Ink::Faint), Some(pen));
            }
            self.name(row, span, y, selected, &mut list.live);
            match span.begins() {
                true => self.beginning(span, y, &mut list.live),
                false => self.segments(span, y, &mut list.live),
            }
            if !span.begins() {
                along(&mut list.hits, span.record, y, (self.left + 6.0, self.axis.right));
            }
        }
        if let Some(told) = self.hidden() {
            let at = Point::new(self.axis.right, self.sight.size.1 - 6.0);
            list.live.texts.push(Text { anchor: Anchor::End, halo: true, ..text(at, told, 10.0, Ink::Muted) });
        }
    }

    /// What is said of rows that are out of sight, if any is.
    pub(super) fn hidden(&self) -> Option<String> {
        let below = self.rows.len().saturating_sub(self.first + self.fit);
        match (self.first, below) {
            (0, 0) => None,
            (0, below) => Some(format!("{below} rows below")),
            (above, 0) => Some(format!("{above} rows above")),
            (above, below) => Some(format!("{above} rows above, {below} below")),
        }
    }

    /// The name of a span: what was sent, and to whom, with the receiver's shape.
    fn name(&self, row: Row, span: &Span, y: f32, bold: bool, layer: &mut Layer) {
        let x = self.left + 15.0 + f32::from(row.depth.min(INDENT.1)) * INDENT.0;
        let (glyph, family) = self.look(span.node);
        let pen = Pen::new(Ink::Family(family), 1.2);
        draw_glyph(layer, glyph, Point::new(x, y), 0.17, 0.0, Some(Ink::FamilyFill(family)), Some(pen));
        let name = self.sight.world.name(span.node);
        let name = if span.begins() { format!("{} {name}", span.name) } else { format!("{} → {name}", span.name) };
        let name = shorten(&name, 11.0, self.axis.left - x - 16.0);
        let mut name = text(Point::new(x + 9.0, y + 3.5), name, 11.0, Ink::FamilyText(family));
        name.weight = if bold { 600 } else { 400 };
        layer.texts.push(name);
    }

    /// A beginning takes no time of its own but what it waits for its disk; beside that, how long it was until the answer.
    fn beginning(&self, span: &Span, y: f32, layer: &mut Layer) {
        let ink = Ink::Family(self.look(span.node).1);
        let x = self.axis.x(span.sent);
        if let Some(answered) = self.shown.as_ref().and_then(|request| request.answered) {
            let tip = Point::new(self.x(answered), y);
            layer.line(Point::new(self.x(span.sent), y), tip, Pen::new(ink, 1.25).dash(Dash::Dotted));
            if tip.x < self.axis.right {
                layer.circle(tip, 3.0, Some(Ink::Paper), Some(Pen::new(ink, 1.4)));
                let after = tip.x + 64.0 < self.sight.size.0;
                let x = if after { tip.x + 7.0 } else { tip.x - 7.0 };
                let label = text(Point::new(x, y + 3.5), "answered".to_owned(), 10.0, Ink::Muted);
                layer.texts.push(Text { anchor: if after { Anchor::Start } else { Anchor::End }, halo: true, ..label });
            }
        }
        if x >= self.axis.left && x <= self.axis.right {
            layer.line(Point::new(x, y - HALF), Point::new(x, y + HALF), Pen::new(ink, 2.0));
        }
        let end = (span.sent + span.stored).min(span.end);
        hatched(layer, ink, (self.x(span.sent), self.x(end)), y);
    }

    /// A message: a line while it is under way, a hollow box while it waits, a full one while it is served, a hatched one
    /// while its work waits for the disk.
    fn segments(&self, span: &Span, y: f32, layer: &mut Layer) {
        let (_, family) = self.look(span.node);
        let ink = Ink::Family(family);
        let begin = self.x(span.sent);
        let there = |x: f32| x > self.axis.left && x < self.axis.right;
        let now = self.sight.world.now();
        let Some(arrived) = span.arrived else {
            let end = self.x(if span.lost.is_some() { span.end } else { now });
            let dash = if span.lost.is_some() { Dash::Dashed } else { Dash::Dotted };
            let (from, to) = (Point::new(begin, y), Point::new(end.max(begin + 1.0), y));
            layer.line(from, to, Pen::new(ink, 1.6).dash(dash));
            match span.lost {
                Some(why) => self.lost(to, why.word(), layer),
                None if there(to.x) => layer.circle(to, 2.6, Some(Ink::Paper), Some(Pen::new(ink, 1.4))),
                None => {}
            }
            return;
        };
        let tip = Point::new(self.x(arrived), y);
        layer.line(Point::new(begin, y), tip, Pen::new(ink, 1.6));
        if there(tip.x) {
            // Full for what asks, hollow for what answers, as the dot is on the stage.
            let fill = if span.form == Some(Form::Request) { ink } else { Ink::Paper };
            layer.circle(tip, 2.6, Some(fill), Some(Pen::new(ink, 1.3)));
        }
        let waits = span.lost.is_none() && span.form == Some(Form::Request) && !span.handled;
        let begun = if waits { now } else { arrived + span.waited };
        let served = begun + span.served;
        boxed(layer, (tip.x, self.x(begun)), y, None, Pen::new(ink, 1.1).dash(Dash::Dashed));
        boxed(layer, (self.x(begun), self.x(served)), y, Some(ink), Pen::new(ink, 1.0));
        let stored = (served + span.stored).min(span.end.max(served));
        hatched(layer, ink, (self.x(served), self.x(stored)), y);
        let mut end = self.x(stored);
        if let Some(why) = span.lost {
            end = self.x(span.end);
            self.lost(Point::new(end, y), why.word(), layer);
        } else {
            self.said(span.network() + span.waited + span.served + span.stored, end, y, layer);
        }
    }

    /// How long it took, where there is room for it.
    fn said(&self, time: Micros, x: f32, y: f32, layer: &mut Layer) {
        let words = length(time);
        if x > self.axis.left && x + 8.0 + text_width(&words, 10.0) < self.axis.right {
            let label = text(Point::new(x + 7.0, y + 3.5), words, 10.0, Ink::Muted);
            layer.texts.push(Text { halo: true, ..label });
        }
    }

    fn lost(&self, at: Point, why: &str, layer: &mut Layer) {
        if at.x <= self.axis.left || at.x >= self.axis.right {
            return;
        }
        layer.cross(at, 4.0, Pen::new(Ink::Warn, 2.0));
        let wide = text_width(why, 10.5);
        let after = at.x + 9.0 + wide < self.axis.right;
        let words = text(
            Point::new(if after { at.x + 9.0 } else { at.x - 9.0 }, at.y + 3.5),
            why.to_owned(),
            10.5,
            Ink::WarnText,
        );
        layer.texts.push(Text { anchor: if after { Anchor::Start } else { Anchor::End }, halo: true, ..words });
    }

    /// The critical path: below each segment of it a strong line, and from row to row where it goes on.
    pub(super) fn critical(&self, path: &[Stretch], layer: &mut Layer) {
        let row = |span: u32| self.rows.iter().position(|row| row.span == span);
        let low = |place: usize| {
            let seen = between(place as f32, self.first as f32, (self.first + self.fit) as f32 - 1.0);
            ABOVE + (seen - self.first as f32 + 0.5) * PITCH + HALF + 2.5
        };
        let seen = |place: usize| place >= self.first && place < self.first + self.fit;
        let pen = Pen::new(Ink::Text, 2.0);
        let mut last: Option<usize> = None;
        for Stretch { leg, span } in path {
            let Some(place) = row(*span) else { continue };
            let (from, until) = (self.x(leg.from), self.x(leg.until));
            if let Some(before) = last.filter(|before| *before != place && (seen(*before) || seen(place))) {
                let at = self.axis.x(leg.from);
                if at >= self.axis.left && at <= self.axis.right {
                    layer.line(Point::new(at, low(before)), Point::new(at, low(place)), Pen::new(Ink::Text, 1.0));
                }
            }
            if seen(place) && from < until {
                layer.line(Point::new(from, low(place)), Point::new(until, low(place)), pen);
            }
            last = Some(place);
        }
    }
}

/// A box on a row.
pub(super) fn boxed(layer: &mut Layer, (from, to): (f32, f32), y: f32, fill: Option<Ink>, pen: Pen) {
    if to > from {
        layer.rect(Point::new(from, y - HALF), (to - from, HALF * 2.0), 0.0, fill, Some(pen));
    }
}

/// A hatched box on a row.
pub(super) fn hatched(layer: &mut Layer, ink: Ink, (from, to): (f32, f32), y: f32) {
    if to <= from {
        return;
    }
    let (top, low) = (y - HALF, y + HALF);
    layer.rect(Point::new(from, top), (to - from, low - top), 0.0, Some(Ink::Paper), Some(Pen::new(ink, 1.1)));
    let mut x = from + HATCH - (low - top);
    while x < to {
        // From below to above and to the right, cut off at both sides.
        let (left, right) = (x.max(from), (x + low - top).min(to));
        layer.line(Point::new(left, low - (left - x)), Point::new(right, low - (right - x)), Pen::new(ink, 1.0));
        x += HATCH;
    }
}
