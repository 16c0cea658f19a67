//! What is said beside a thing that is pointed at.

use super::labels::{shorten, text_width};
use super::list::{Anchor, Layer, Pen, Point, Text, between};
use super::theme::Ink;

/// The widest tooltip.
const TOOLTIP: f32 = 320.0;

/// Puts a tooltip above a place, or below it where there is no room, on a canvas of this width.
pub fn note(layer: &mut Layer, width: f32, at: Point, lines: &[&str], ink: Ink) {
    let sizes = |line: usize| if line == 0 { 12.5 } else { 11.0 };
    // Bold letters are wider than the table knows.
    let bold = |line: usize| if line == 0 { 1.08 } else { 1.0 };
    let most = TOOLTIP.min(width - 36.0);
    let lines: Vec<String> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
        .map(|(index, line)| shorten(line, sizes(index) * bold(index), most))
        .collect();
    let widest = lines
        .iter()
        .enumerate()
        .map(|(index, line)| text_width(line, sizes(index) * bold(index)))
        .fold(40.0f32, f32::max);
    let canvas = width;
    let (width, height) = (widest + 22.0, lines.len() as f32 * 17.0 + 13.0);
    let x = (at.x - width * 0.5).min(canvas - width - 6.0).max(6.0);
    let above = at.y - height - 20.0 >= 4.0;
    let y = if above { at.y - height - 20.0 } else { at.y + 20.0 };
    let (foot, head) = if above { (y + height, at.y - 8.0) } else { (y, at.y + 8.0) };
    let stem = between(at.x, x + 8.0, x + width - 8.0);
    layer.line(Point::new(stem, foot), Point::new(at.x, head), Pen::new(ink, 1.25));
    layer.rect(Point::new(x, y), (width, height), 7.0, Some(Ink::Panel), Some(Pen::new(ink, 1.25)));
    for (index, line) in lines.into_iter().enumerate() {
        layer.texts.push(Text {
            at: Point::new(x + 11.0, y + 19.0 + index as f32 * 17.0),
            text: line,
            size: sizes(index),
            weight: if index == 0 { 600 } else { 400 },
            ink: if index == 0 { Ink::Text } else { Ink::Muted },
            alpha: 255,
            anchor: Anchor::Start,
            halo: false,
        });
    }
}
