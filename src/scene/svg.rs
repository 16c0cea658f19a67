//! Paints a display list as a picture that stands alone: for exports, golden pictures and the command line.
//!
//! Numbers are written with integer arithmetic and two decimals at most, so the bytes are the same everywhere.

use std::fmt::Write;

use super::list::{Anchor, DisplayList, Dot, Item, Layer, Mark, Outline, Pen, Point, Text};
use super::theme::{Ink, Theme};
use super::view::View;

/// The fonts of the stage.
pub const FONTS: &str = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif";

/// The display list as an SVG document with a title and a description for those who cannot see it.
pub fn paint(list: &DisplayList, view: &View, title: &str, desc: &str) -> String {
    let mut svg = Svg { out: String::with_capacity(16 * 1024), theme: view.theme };
    let (w, h) = (Number(view.width), Number(view.height));
    let _ = writeln!(
        svg.out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" role=\"img\" \
         font-family=\"{FONTS}\" stroke-linecap=\"round\" stroke-linejoin=\"round\">"
    );
    let _ = writeln!(svg.out, "<title>{}</title>\n<desc>{}</desc>", Escaped(title), Escaped(desc));
    let _ = writeln!(svg.out, "<rect width=\"{w}\" height=\"{h}\" fill=\"{}\"/>", svg.colour(Ink::Paper));
    svg.layer("ground", &list.ground);
    svg.layer("live", &list.live);
    svg.out.push_str("<g id=\"dots\">\n");
    for dot in &list.dots {
        svg.dot(dot);
    }
    svg.out.push_str("</g>\n");
    svg.layer("over", &list.over);
    svg.out.push_str("</svg>\n");
    svg.out
}

/// A number with at most two decimals. Anything that is not finite is zero.
struct Number(f32);

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // `as` saturates and maps NaN to zero, alike natively and in wasm.
        let magnitude = self.0.abs();
        let hundredths = if magnitude < 1e7 { (f64::from(magnitude) * 100.0 + 0.5) as u64 } else { 0 };
        if self.0 < 0.0 && hundredths > 0 {
            f.write_str("-")?;
        }
        write!(f, "{}", hundredths / 100)?;
        match hundredths % 100 {
            0 => Ok(()),
            rest if rest % 10 == 0 => write!(f, ".{}", rest / 10),
            rest => write!(f, ".{rest:02}"),
        }
    }
}

/// Text as XML holds it; what XML cannot hold is left out.
pub struct Escaped<'a>(pub &'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
                letter => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

struct Svg {
    out: String,
    theme: Theme,
}

impl Svg {
    fn colour(&self, ink: Ink) -> String {
        self.theme.rgba(ink).css()
    }

    fn layer(&mut self, id: &str, layer: &Layer) {
        let _ = writeln!(self.out, "<g id=\"{id}\">");
        for item in &layer.items {
            self.item(layer, item);
        }
        for text in &layer.texts {
            self.text(text);
        }
        self.out.push_str("</g>\n");
    }

    fn pen(&mut self, pen: Pen) {
        let _ = write!(self.out, " stroke=\"{}\" stroke-width=\"{}\"", self.colour(pen.ink), Number(pen.width));
        if let [on, off] = pen.dash.lengths() {
            let _ = write!(self.out, " stroke-dasharray=\"{} {}\"", Number(*on), Number(*off));
        }
        if pen.dash.offset() > 0.0 {
            let _ = write!(self.out, " stroke-dashoffset=\"{}\"", Number(pen.dash.offset()));
        }
        if pen.alpha < 255 {
            let _ = write!(self.out, " stroke-opacity=\"{}\"", Number(f32::from(pen.alpha) / 255.0));
        }
    }

    fn paint(&mut self, fill: Option<Ink>, pen: Option<Pen>) {
        let _ = match fill {
            Some(ink) => write!(self.out, " fill=\"{}\"", self.colour(ink)),
            None => write!(self.out, " fill=\"none\""),
        };
        if let Some(pen) = pen {
            self.pen(pen);
        }
        self.out.push_str("/>\n");
    }

    fn item(&mut self, layer: &Layer, item: &Item) {
        match *item {
            Item::Line { from, to, pen } => {
                let _ = write!(self.out, "<path d=\"M{} L{}\"", Pair(from), Pair(to));
                self.paint(None, Some(pen));
            }
            Item::Curve { from, via, to, pen } => {
                let _ = write!(self.out, "<path d=\"M{} Q{} {}\"", Pair(from), Pair(via), Pair(to));
                self.paint(None, Some(pen));
            }
            Item::Arc { at, radius, turn, pen } => {
                self.arc(at, radius, turn);
                self.paint(None, Some(pen));
            }
            Item::Shape { outline, fill, pen } => self.shape(layer, outline, fill, pen),
        }
    }

    /// An arc, clockwise from twelve o'clock. A full turn would end where it began and be nothing, so it stops short.
    fn arc(&mut self, at: Point, radius: f32, turn: f32) {
        let turn = turn.clamp(0.0, 0.9995);
        let angle = turn * 2.0 * std::f32::consts::PI;
        let begin = Point::new(at.x, at.y - radius);
        let end = Point::new(at.x + libm::sinf(angle) * radius, at.y - libm::cosf(angle) * radius);
        let large = u8::from(turn > 0.5);
        let r = Number(radius);
        let _ = write!(self.out, "<path d=\"M{} A{r} {r} 0 {large} 1 {}\"", Pair(begin), Pair(end));
    }

    fn shape(&mut self, layer: &Layer, outline: Outline, fill: Option<Ink>, pen: Option<Pen>) {
        match outline {
            Outline::Circle { at, radius } => {
                let _ = write!(
                    self.out,
                    "<circle cx=\"{}\" cy=\"{}\" r=\"{}\"",
                    Number(at.x),
                    Number(at.y),
                    Number(radius)
                );
            }
            Outline::Rect { at, width, height, radius } => {
                let _ = write!(
                    self.out,
                    "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\"",
                    Number(at.x),
                    Number(at.y),
                    Number(width),
                    Number(height),
                    Number(radius)
                );
            }
            Outline::Polygon { start, len } => {
                self.out.push_str("<polygon points=\"");
                let points = layer.points.get(start as usize..(start + len) as usize).unwrap_or(&[]);
                for (index, point) in points.iter().enumerate() {
                    let _ = write!(self.out, "{}{}", if index > 0 { " " } else { "" }, Pair(*point));
                }
                self.out.push('"');
            }
            Outline::Cylinder { at, half_width, half_height, lid } => {
                let (left, right) = (at.x - half_width, at.x + half_width);
                let (top, foot) = (at.y - half_height, at.y + half_height);
                let (rx, ry) = (Number(half_width), Number(lid));
                // The lid's near rim runs clockwise like the rest, so that it is filled with it.
                let _ = write!(
                    self.out,
                    "<path d=\"M{} A{rx} {ry} 0 0 1 {} L{} A{rx} {ry} 0 0 1 {} Z M{} A{rx} {ry} 0 0 1 {}\"",
                    Pair(Point::new(left, top)),
                    Pair(Point::new(right, top)),
                    Pair(Point::new(right, foot)),
                    Pair(Point::new(left, foot)),
                    Pair(Point::new(right, top)),
                    Pair(Point::new(left, top)),
                );
            }
        }
        self.paint(fill, pen);
    }

    fn text(&mut self, text: &Text) {
        let anchor = match text.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = write!(
            self.out,
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\" text-anchor=\"{anchor}\" fill=\"{}\"",
            Number(text.at.x),
            Number(text.at.y),
            Number(text.size),
            self.colour(text.ink)
        );
        if text.weight != 400 {
            let _ = write!(self.out, " font-weight=\"{}\"", text.weight);
        }
        if text.alpha < 255 {
            let _ = write!(self.out, " opacity=\"{}\"", Number(f32::from(text.alpha) / 255.0));
        }
        if text.halo {
            let _ =
                write!(self.out, " stroke=\"{}\" stroke-width=\"3.5\" paint-order=\"stroke\"", self.colour(Ink::Paper));
        }
        let _ = writeln!(self.out, ">{}</text>", Escaped(&text.text));
    }

    fn dot(&mut self, dot: &Dot) {
        let at = Point::new(dot.x, dot.y);
        if dot.tail > 1.0 {
            // Three parts, each paler: a gradient without a definition for each dot.
            for (part, alpha) in [(1.0, 45), (0.66, 60), (0.33, 75)] {
                let end = at.towards(-dot.dx, -dot.dy, dot.radius + dot.tail * part);
                let pen = Pen::new(dot.ink, dot.radius * 0.7).alpha(alpha);
                let _ = write!(self.out, "<path d=\"M{} L{}\"", Pair(at), Pair(end));
                self.paint(None, Some(pen));
            }
        }
        if dot.arrow {
            let [tip, left, right] = dot.arrowhead();
            let _ = write!(self.out, "<polygon points=\"{} {} {}\"", Pair(tip), Pair(left), Pair(right));
            self.paint(Some(dot.ink), None);
        }
        let (fill, pen, radius) = if dot.hollow {
            (Ink::Paper, Some(Pen::new(dot.ink, 1.75)), dot.radius - 0.4)
        } else {
            (dot.ink, None, dot.radius)
        };
        let _ = write!(self.out, "<circle cx=\"{}\" cy=\"{}\" r=\"{}\"", Number(at.x), Number(at.y), Number(radius));
        self.paint(Some(fill), pen);
        let half = dot.radius * 0.5;
        let sign = Pen::new(dot.ink, 1.25);
        if dot.mark != Mark::None {
            let (left, right) = (Point::new(at.x - half, at.y), Point::new(at.x + half, at.y));
            let _ = write!(self.out, "<path d=\"M{} L{}\"", Pair(left), Pair(right));
            self.paint(None, Some(sign));
        }
        if dot.mark == Mark::Plus {
            let (top, foot) = (Point::new(at.x, at.y - half), Point::new(at.x, at.y + half));
            let _ = write!(self.out, "<path d=\"M{} L{}\"", Pair(top), Pair(foot));
            self.paint(None, Some(sign));
        }
    }
}

struct Pair(Point);

impl std::fmt::Display for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", Number(self.0.x), Number(self.0.y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_exact() {
        for (number, text) in [
            (0.0, "0"),
            (-0.001, "0"),
            (1.5, "1.5"),
            (-2.25, "-2.25"),
            (10.049, "10.05"),
            (3.004, "3"),
            (f32::NAN, "0"),
        ] {
            assert_eq!(Number(number).to_string(), text);
        }
        assert_eq!(Escaped("a<b & \"c\"\u{1}").to_string(), "a&lt;b &amp; &quot;c&quot;");
    }
}
