//! The display list on a canvas. The ground is painted once on a canvas of its own and copied while it does not change;
//! dots are painted a path a colour. Styles are set only when they change: a call with a string costs as much as
//! twenty-five with numbers. Thousands of dots are written into the pixels of the ground by ourselves and handed over
//! at once, which costs the browser a fiftieth of drawing them one by one.

use js_sys::Array;
use wasm_bindgen::{Clamped, JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use crate::scene::{Anchor, Dash, DisplayList, Dot, Ink, Item, Layer, Mark, Outline, Pen, Point, Rgba, Text, Theme};
use crate::sim::fixed;

const TURN: f64 = std::f64::consts::TAU;
/// From this many dots on their pixels are written by ourselves.
const MANY_DOTS: usize = 600;
/// From this many on they are small and let through what is below, so that one sees how many lie on one another.
const MYRIAD: usize = 20_000;
const FONT: &str = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";

/// Paints display lists on a canvas.
pub struct Painter {
    canvas: HtmlCanvasElement,
    brush: Brush,
    ground: HtmlCanvasElement,
    ground_brush: Brush,
    /// What the ground shows: key, theme.
    shown: Option<(u64, Theme)>,
    size: (f32, f32),
    ratio: f64,
    pixels: Pixels,
}

/// The ground's pixels, and those of the whole picture.
#[derive(Default)]
struct Pixels {
    /// Of which ground; theme and key.
    of: Option<(u64, Theme)>,
    ground: Vec<u8>,
    all: Vec<u8>,
    /// In real pixels.
    width: usize,
    height: usize,
}

impl Painter {
    /// A painter for a canvas; `None` where the browser gives no 2D context.
    pub fn new(canvas: &HtmlCanvasElement) -> Option<Painter> {
        let document = canvas.owner_document()?;
        let ground: HtmlCanvasElement = document.create_element("canvas").ok()?.dyn_into().ok()?;
        Some(Painter {
            brush: Brush::new(canvas)?,
            ground_brush: Brush::new(&ground)?,
            canvas: canvas.clone(),
            ground,
            shown: None,
            size: (0.0, 0.0),
            ratio: 1.0,
            pixels: Pixels::default(),
        })
    }

    /// The canvas is this large, in CSS pixels, with so many real pixels to one of them.
    pub fn resize(&mut self, width: f32, height: f32, ratio: f64) {
        (self.size, self.ratio, self.shown, self.pixels) = ((width, height), ratio, None, Pixels::default());
        let real = |size: f32| (f64::from(size) * ratio + 0.5) as u32;
        for canvas in [&self.canvas, &self.ground] {
            canvas.set_width(real(width));
            canvas.set_height(real(height));
        }
    }

    /// Paints a display list.
    pub fn paint(&mut self, list: &DisplayList, theme: Theme) {
        let (width, height) = (f64::from(self.size.0), f64::from(self.size.1));
        if self.shown != Some((list.ground_key, theme)) {
            self.shown = Some((list.ground_key, theme));
            self.ground_brush.begin(theme, self.ratio);
            self.ground_brush.fill_ink(Ink::Paper);
            self.ground_brush.cx.fill_rect(0.0, 0.0, width, height);
            self.ground_brush.layer(&list.ground);
        }
        self.brush.begin(theme, self.ratio);
        if list.dots.len() > MANY_DOTS && self.paint_pixels(list, theme) {
            self.brush.layer(&list.live);
            self.brush.layer(&list.over);
            return;
        }
        // A canvas without area cannot be copied; nothing would be seen of it.
        let _ = self.brush.cx.draw_image_with_html_canvas_element_and_dw_and_dh(&self.ground, 0.0, 0.0, width, height);
        self.brush.layer(&list.live);
        self.brush.dots(&list.dots);
        self.brush.layer(&list.over);
    }

    /// The ground with a multitude of dots; `false` where the browser does not show pixels.
    #[inline(never)]
    fn paint_pixels(&mut self, list: &DisplayList, theme: Theme) -> bool {
        let pixels = &mut self.pixels;
        if pixels.of != self.shown {
            let (width, height) = (self.ground.width(), self.ground.height());
            let Ok(data) = self.ground_brush.cx.get_image_data(0.0, 0.0, f64::from(width), f64::from(height)) else {
                return false;
            };
            (pixels.width, pixels.height, pixels.of) = (width as usize, height as usize, self.shown);
            pixels.ground = data.data().0;
        }
        pixels.all.clear();
        pixels.all.extend_from_slice(&pixels.ground);
        pixels.dots(&list.dots, theme, self.ratio as f32);
        let all = Clamped(&pixels.all[..]);
        let (width, height) = (pixels.width as u32, pixels.height as u32);
        let data = ImageData::new_with_u8_clamped_array_and_sh(all, width, height);
        data.and_then(|data| self.brush.cx.put_image_data(&data, 0.0, 0.0)).is_ok()
    }
}

impl Pixels {
    /// Writes dots: squares without their corners, replies with a hole.
    fn dots(&mut self, dots: &[Dot], theme: Theme, ratio: f32) {
        let solid = |ink: Ink| {
            let Rgba { r, g, b, .. } = theme.rgba(ink);
            [r, g, b, 255]
        };
        let paper = solid(Ink::Paper);
        let (mut ink, mut colour) = (Ink::Paper, paper);
        let myriad = dots.len() > MYRIAD;
        for dot in dots {
            if dot.ink != ink {
                (ink, colour) = (dot.ink, solid(dot.ink));
            }
            if myriad {
                let side = (ratio * 2.0) as usize;
                self.blend((dot.x * ratio) as i32, (dot.y * ratio) as i32, side, u32::from_le_bytes(colour));
                continue;
            }
            let side = ((dot.radius * 2.0 * ratio + 0.5) as i32).max(2);
            let left = (dot.x * ratio) as i32 - side / 2;
            let top = (dot.y * ratio) as i32 - side / 2;
            let cut = i32::from(side > 2);
            for row in 0..side {
                let short = if row == 0 || row == side - 1 { cut } else { 0 };
                self.row(top + row, left + short, left + side - short, colour);
            }
            if dot.hollow && side > 2 {
                let rim = (side / 3).max(1);
                for row in rim..side - rim {
                    self.row(top + row, left + rim, left + side - rim, paper);
                }
            }
        }
    }

    /// Mixes a small square half and half with what is there.
    #[inline]
    fn blend(&mut self, left: i32, top: i32, side: usize, colour: u32) {
        let (Ok(left), Ok(top)) = (usize::try_from(left), usize::try_from(top)) else { return };
        if left + side > self.width {
            return;
        }
        for row in top..top + side {
            let start = (row * self.width + left) * 4;
            let Some(row) = self.all.get_mut(start..start + side * 4) else { return };
            for pixel in row.chunks_exact_mut(4) {
                let old = u32::from_le_bytes([pixel[0], pixel[1], pixel[2], pixel[3]]);
                // The mean of each of the four bytes.
                let mean = (old & colour) + (((old ^ colour) & 0xfefe_fefe) >> 1);
                pixel.copy_from_slice(&mean.to_le_bytes());
            }
        }
    }

    /// Fills a row from one column up to another, as far as they are on the canvas.
    fn row(&mut self, row: i32, from: i32, to: i32, colour: [u8; 4]) {
        if row < 0 || row >= self.height as i32 {
            return;
        }
        let (from, to) = (from.max(0) as usize, to.clamp(0, self.width as i32) as usize);
        let start = row as usize * self.width;
        if let Some(row) = self.all.get_mut((start + from) * 4..(start + to) * 4) {
            row.chunks_exact_mut(4).for_each(|pixel| pixel.copy_from_slice(&colour));
        }
    }
}

/// A 2D context that remembers what it was last set to.
struct Brush {
    cx: CanvasRenderingContext2d,
    theme: Theme,
    fill: Option<Ink>,
    stroke: Option<Ink>,
    width: f32,
    dash: Dash,
    alpha: u8,
    font: (f32, u16),
    anchor: Option<Anchor>,
}

impl Brush {
    fn new(canvas: &HtmlCanvasElement) -> Option<Brush> {
        let cx: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        Some(Brush {
            cx,
            theme: Theme::Dark,
            fill: None,
            stroke: None,
            width: 0.0,
            dash: Dash::Solid,
            alpha: 255,
            font: (0.0, 0),
            anchor: None,
        })
    }

    fn begin(&mut self, theme: Theme, ratio: f64) {
        // A canvas that was resized has forgotten everything.
        (self.theme, self.fill, self.stroke) = (theme, None, None);
        (self.width, self.alpha, self.font, self.anchor) = (0.0, 0, (0.0, 0), None);
        let _ = self.cx.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0);
        self.cx.set_line_cap("round");
        self.cx.set_line_join("round");
        self.dash = Dash::Dashed;
        self.set_dash(Dash::Solid);
        self.set_alpha(255);
    }

    fn fill_ink(&mut self, ink: Ink) {
        if self.fill != Some(ink) {
            self.fill = Some(ink);
            self.cx.set_fill_style_str(&self.theme.rgba(ink).css());
        }
    }

    fn stroke_ink(&mut self, ink: Ink) {
        if self.stroke != Some(ink) {
            self.stroke = Some(ink);
            self.cx.set_stroke_style_str(&self.theme.rgba(ink).css());
        }
    }

    fn set_dash(&mut self, dash: Dash) {
        if self.dash != dash {
            self.dash = dash;
            let lengths: Array = dash.lengths().iter().map(|length| JsValue::from_f64(f64::from(*length))).collect();
            let _ = self.cx.set_line_dash(&lengths);
            self.cx.set_line_dash_offset(f64::from(dash.offset()));
        }
    }

    fn set_alpha(&mut self, alpha: u8) {
        if self.alpha != alpha {
            self.alpha = alpha;
            self.cx.set_global_alpha(f64::from(alpha) / 255.0);
        }
    }

    fn set_width(&mut self, width: f32) {
        if self.width != width {
            self.width = width;
            self.cx.set_line_width(f64::from(width));
        }
    }

    fn pen(&mut self, pen: Pen) {
        self.stroke_ink(pen.ink);
        self.set_width(pen.width);
        self.set_dash(pen.dash);
        self.set_alpha(pen.alpha);
    }

    fn layer(&mut self, layer: &Layer) {
        for item in &layer.items {
            match *item {
                Item::Line { from, to, pen } => {
                    self.pen(pen);
                    self.cx.begin_path();
                    self.move_to(from);
                    self.line_to(to);
                    self.cx.stroke();
                }
                Item::Curve { from, via, to, pen } => {
                    self.pen(pen);
                    self.cx.begin_path();
                    self.move_to(from);
                    self.cx.quadratic_curve_to(f64::from(via.x), f64::from(via.y), f64::from(to.x), f64::from(to.y));
                    self.cx.stroke();
                }
                Item::Shape { outline, fill, pen } => self.shape(outline, &layer.points, fill, pen),
                Item::Arc { at, radius, turn, pen } => {
                    self.pen(pen);
                    self.cx.begin_path();
                    let top = -TURN / 4.0;
                    self.arc(at, radius, top, top + TURN * f64::from(turn));
                    self.cx.stroke();
                }
            }
        }
        self.set_dash(Dash::Solid);
        for text in &layer.texts {
            self.text(text);
        }
        self.set_alpha(255);
    }

    fn move_to(&self, at: Point) {
        self.cx.move_to(f64::from(at.x), f64::from(at.y));
    }

    fn line_to(&self, at: Point) {
        self.cx.line_to(f64::from(at.x), f64::from(at.y));
    }

    /// An arc as part of the path; the browser refuses only a negative radius.
    fn arc(&self, at: Point, radius: f32, from: f64, to: f64) {
        let _ = self.cx.arc(f64::from(at.x), f64::from(at.y), f64::from(radius.max(0.0)), from, to);
    }

    fn shape(&mut self, outline: Outline, points: &[Point], fill: Option<Ink>, pen: Option<Pen>) {
        self.cx.begin_path();
        self.outline(outline, points);
        if let Some(ink) = fill {
            self.fill_ink(ink);
            self.set_alpha(pen.map_or(255, |pen| pen.alpha.max(200)));
            self.cx.fill();
        }
        let Some(pen) = pen else { return };
        self.pen(pen);
        self.cx.stroke();
        if let Outline::Cylinder { at, half_width, half_height, lid } = outline {
            // The near rim of the lid.
            self.cx.begin_path();
            self.half_ellipse(Point::new(at.x, at.y - half_height), half_width, lid, 0.0, TURN / 2.0);
            self.cx.stroke();
        }
    }

    fn outline(&self, outline: Outline, points: &[Point]) {
        match outline {
            Outline::Circle { at, radius } => self.arc(at, radius, 0.0, TURN),
            Outline::Rect { at, width, height, radius } => {
                let (x, y) = (f64::from(at.x), f64::from(at.y));
                let _ = self.cx.round_rect_with_f64(x, y, f64::from(width), f64::from(height), f64::from(radius));
            }
            Outline::Polygon { start, len } => {
                let corners = points.get(start as usize..(start + len) as usize).unwrap_or_default();
                for (place, corner) in corners.iter().enumerate() {
                    if place == 0 { self.move_to(*corner) } else { self.line_to(*corner) }
                }
                self.cx.close_path();
            }
            Outline::Cylinder { at, half_width, half_height, lid } => {
                self.half_ellipse(Point::new(at.x, at.y - half_height), half_width, lid, TURN / 2.0, TURN);
                self.half_ellipse(Point::new(at.x, at.y + half_height), half_width, lid, 0.0, TURN / 2.0);
                self.cx.close_path();
            }
        }
    }

    fn half_ellipse(&self, at: Point, half_width: f32, half_height: f32, from: f64, to: f64) {
        let (x, y) = (f64::from(at.x), f64::from(at.y));
        let _ = self.cx.ellipse(x, y, f64::from(half_width), f64::from(half_height), 0.0, from, to);
    }

    fn text(&mut self, text: &Text) {
        if self.font != (text.size, text.weight) {
            self.font = (text.size, text.weight);
            self.cx.set_font(&format!("{} {}px {FONT}", text.weight, fixed(f64::from(text.size), 2)));
        }
        if self.anchor != Some(text.anchor) {
            self.anchor = Some(text.anchor);
            self.cx.set_text_align(match text.anchor {
                Anchor::Start => "left",
                Anchor::Middle => "center",
                Anchor::End => "right",
            });
        }
        let (x, y) = (f64::from(text.at.x), f64::from(text.at.y));
        self.set_alpha(text.alpha);
        if text.halo {
            self.stroke_ink(Ink::Paper);
            self.set_width(3.0);
            let _ = self.cx.stroke_text(&text.text, x, y);
        }
        self.fill_ink(text.ink);
        let _ = self.cx.fill_text(&text.text, x, y);
    }

    /// Dots, colour by colour: first tails, then bodies, then what is in them.
    fn dots(&mut self, dots: &[Dot]) {
        let mut inks: Vec<Ink> = Vec::new();
        for dot in dots {
            if !inks.contains(&dot.ink) {
                inks.push(dot.ink);
            }
        }
        for ink in inks {
            let of = || dots.iter().filter(move |dot| dot.ink == ink);
            self.tails(of(), ink);
            self.fill_ink(ink);
            self.set_alpha(255);
            self.cx.begin_path();
            for dot in of().filter(|dot| !dot.hollow) {
                self.cx.move_to(f64::from(dot.x + dot.radius), f64::from(dot.y));
                self.arc(Point::new(dot.x, dot.y), dot.radius, 0.0, TURN);
            }
            self.cx.fill();
            self.rings(of().filter(|dot| dot.hollow), ink);
        }
        self.signs(dots);
    }

    fn tails<'a>(&mut self, dots: impl Iterator<Item = &'a Dot> + Clone, ink: Ink) {
        self.stroke_ink(ink);
        self.set_dash(Dash::Solid);
        // Two strokes over one another fade like one with a gradient, at a fraction of its price.
        for (reach, alpha) in [(1.0, 45), (0.5, 70)] {
            self.set_alpha(alpha);
            self.cx.begin_path();
            for dot in dots.clone().filter(|dot| dot.tail > 0.0) {
                self.set_width(dot.radius * 1.3);
                let at = Point::new(dot.x, dot.y);
                self.move_to(at);
                self.line_to(at.towards(dot.dx, dot.dy, -dot.tail * reach));
            }
            self.cx.stroke();
        }
    }

    fn rings<'a>(&mut self, dots: impl Iterator<Item = &'a Dot>, ink: Ink) {
        self.fill_ink(Ink::Paper);
        self.stroke_ink(ink);
        self.set_width(1.75);
        self.cx.begin_path();
        for dot in dots {
            self.cx.move_to(f64::from(dot.x + dot.radius), f64::from(dot.y));
            self.arc(Point::new(dot.x, dot.y), dot.radius, 0.0, TURN);
        }
        self.cx.fill();
        self.cx.stroke();
    }

    fn signs(&mut self, dots: &[Dot]) {
        self.set_alpha(255);
        for dot in dots.iter().filter(|dot| dot.mark != Mark::None || dot.arrow) {
            let at = Point::new(dot.x, dot.y);
            if dot.arrow {
                self.fill_ink(dot.ink);
                let tip = at.towards(dot.dx, dot.dy, dot.radius + 7.0);
                let base = at.towards(dot.dx, dot.dy, dot.radius + 2.0);
                self.cx.begin_path();
                self.move_to(tip);
                self.line_to(base.towards(-dot.dy, dot.dx, 3.2));
                self.line_to(base.towards(-dot.dy, dot.dx, -3.2));
                self.cx.fill();
            }
            if dot.mark != Mark::None {
                self.pen(Pen::new(if dot.hollow { dot.ink } else { Ink::Paper }, 1.4));
                let half = dot.radius * 0.5;
                self.cx.begin_path();
                self.move_to(Point::new(at.x - half, at.y));
                self.line_to(Point::new(at.x + half, at.y));
                if dot.mark == Mark::Plus {
                    self.move_to(Point::new(at.x, at.y - half));
                    self.line_to(Point::new(at.x, at.y + half));
                }
                self.cx.stroke();
            }
        }
    }
}
