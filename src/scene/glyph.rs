//! The shapes of components: one a kind, so that colour is never the only sign.

use crate::components::{Glyph, kind};
use crate::protocols::Family;

use super::list::{Item, Layer, Outline, Pen, Point, length};
use super::theme::Ink;

/// What a kind of component is drawn as and about; one that is not known is a worker.
pub fn sign(name: &str) -> (Glyph, Family) {
    kind(name).map_or((Glyph::Worker, Family::Work), |kind| (kind.glyph, kind.family))
}

/// Half the width and half the height of a glyph, in world units.
pub const fn extent(glyph: Glyph) -> (f32, f32) {
    match glyph {
        Glyph::Client => (14.0, 12.5),
        Glyph::Balancer => (25.0, 25.0),
        Glyph::Gateway => (22.0, 25.0),
        Glyph::Worker => (25.0, 25.0),
        Glyph::Database => (24.0, 26.0),
        Glyph::Supervisor => (23.0, 20.0),
    }
}

/// The radius of the circle around a glyph: where arcs and rings run.
pub const fn radius(glyph: Glyph) -> f32 {
    match glyph {
        Glyph::Client => 17.0,
        Glyph::Balancer | Glyph::Gateway | Glyph::Worker => 25.0,
        Glyph::Database => 31.0,
        Glyph::Supervisor => 28.0,
    }
}

/// How much bigger glyphs are drawn at this zoom. They shrink and grow less than the distances between them.
pub fn scale(zoom: f32) -> f32 {
    if zoom < 0.5 { (zoom * 1.2).max(0.07) } else { (0.2 + 0.8 * zoom).min(1.7) }
}

/// How far the edge of a glyph is from its middle in the direction `(dx, dy)`, a vector of length 1.
pub fn edge(glyph: Glyph, dx: f32, dy: f32) -> f32 {
    let (w, h) = extent(glyph);
    let (x, y) = (dx.abs(), dy.abs());
    let boxed = |w: f32, h: f32| (w / x.max(1e-6)).min(h / y.max(1e-6));
    match glyph {
        Glyph::Worker => w,
        Glyph::Balancer => w / (x + y).max(1e-6),
        // A hexagon that stands on a corner: two upright sides, four that lean by 30 degrees.
        Glyph::Gateway => w / x.max(x * 0.5 + y * 0.866_025_4),
        Glyph::Database => boxed(w, h),
        // Rounded corners are nearer than square ones.
        Glyph::Client | Glyph::Supervisor => boxed(w, h).min(length(w, h) - 2.0),
    }
}

/// Draws a glyph's body, grown by `grow` pixels on every side.
pub fn draw(layer: &mut Layer, glyph: Glyph, at: Point, scale: f32, grow: f32, fill: Option<Ink>, pen: Option<Pen>) {
    let (w, h) = extent(glyph);
    let (w, h) = (w * scale + grow, h * scale + grow);
    let rect = |layer: &mut Layer, corner: f32| {
        layer.rect(Point::new(at.x - w, at.y - h), (w * 2.0, h * 2.0), corner * scale + grow, fill, pen);
    };
    let spread = |points: &[(f32, f32)]| -> Vec<Point> {
        points.iter().map(|(x, y)| Point::new(at.x + x * w, at.y + y * h)).collect()
    };
    match glyph {
        Glyph::Client => rect(layer, 5.0),
        Glyph::Supervisor => rect(layer, 8.0),
        Glyph::Worker => layer.circle(at, w, fill, pen),
        Glyph::Balancer => layer.polygon(spread(&[(0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)]), fill, pen),
        Glyph::Gateway => {
            let hexagon = [(0.0, -1.0), (1.0, -0.5), (1.0, 0.5), (0.0, 1.0), (-1.0, 0.5), (-1.0, -0.5)];
            layer.polygon(spread(&hexagon), fill, pen);
        }
        Glyph::Database => {
            let lid = 8.5 * scale;
            let outline = Outline::Cylinder { at, half_width: w, half_height: h - lid * 0.9, lid };
            layer.items.push(Item::Shape { outline, fill, pen });
        }
    }
}

/// A five-pointed star.
pub fn star(layer: &mut Layer, at: Point, radius: f32) {
    // Corners of a pentagon and of the one inside it, from twelve o'clock, clockwise.
    const CORNERS: [(f32, f32); 10] = [
        (0.0, -1.0),
        (0.224_514, -0.309_017),
        (0.951_057, -0.309_017),
        (0.363_271, 0.118_034),
        (0.587_785, 0.809_017),
        (0.0, 0.381_966),
        (-0.587_785, 0.809_017),
        (-0.363_271, 0.118_034),
        (-0.951_057, -0.309_017),
        (-0.224_514, -0.309_017),
    ];
    let points = CORNERS.iter().map(|(x, y)| Point::new(at.x + x * radius, at.y + y * radius));
    layer.polygon(points, Some(Ink::Star), Some(Pen::new(Ink::StarEdge, 1.25)));
}
