//! Where things are on the canvas: nodes, and the ways between their edges.

use crate::components::{Glyph, World};
use crate::protocols::Family;
use crate::sim::NodeId;

use super::crowds::Crowds;
use super::glyph::{edge, extent, radius, scale, sign};
use super::layout::Layout;
use super::list::{Point, bezier, length};
use super::view::View;

/// Names, timers and queues are drawn for up to this many nodes in sight.
pub(super) const MAX_DETAILED: usize = 300;
/// Glyphs smaller than this share of their usual size are drawn without details.
const LEAST_DETAILED: f32 = 0.42;

/// A node on the canvas.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub at: Point,
    pub glyph: Glyph,
    pub family: Family,
}

/// Finds every node that is or was there.
pub(super) fn spot(world: &World, view: &View, layout: &Layout, spots: &mut Vec<Option<Spot>>) {
    spots.clear();
    let signs: Vec<(Glyph, Family)> = world.templates().iter().map(|template| sign(template.kind)).collect();
    let mut id = NodeId(0);
    // One that is gone may still be named by messages; how it looked is forgotten.
    let gone = |id: NodeId| {
        layout.place(id).map(|at| Spot { at: view.to_screen(at), glyph: Glyph::Worker, family: Family::Work })
    };
    for (next, node) in world.nodes() {
        while id < next {
            spots.push(gone(id));
            id.0 += 1;
        }
        let (glyph, family) = signs.get(node.template as usize).copied().unwrap_or((Glyph::Worker, Family::Work));
        spots.push(layout.place(next).map(|at| Spot { at: view.to_screen(at), glyph, family }));
        id.0 += 1;
    }
    // Names end where nodes do, so those that were removed last are found by their places.
    while let Some(spot) = gone(id) {
        spots.push(Some(spot));
        id.0 += 1;
    }
}

/// A way from one node's edge to another's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    pub from: Point,
    pub via: Point,
    pub to: Point,
    pub straight: bool,
}

impl Path {
    /// The place at `t`, and the direction there.
    pub fn at(&self, t: f32) -> (Point, f32, f32) {
        let (place, dx, dy) = if self.straight {
            (self.from.mix(self.to, t), self.to.x - self.from.x, self.to.y - self.from.y)
        } else {
            let (early, late) = (self.from.mix(self.via, t), self.via.mix(self.to, t));
            (bezier(self.from, self.via, self.to, t), late.x - early.x, late.y - early.y)
        };
        let long = length(dx, dy);
        if long < 1e-6 { (place, 1.0, 0.0) } else { (place, dx / long, dy / long) }
    }
    /// About how long it is.
    pub fn long(&self) -> f32 {
        if self.straight {
            self.from.distance(self.to)
        } else {
            let middle = bezier(self.from, self.via, self.to, 0.5);
            self.from.distance(middle) + middle.distance(self.to)
        }
    }
    /// The part up to `t`, or from it on.
    pub fn split(&self, t: f32) -> (Path, Path) {
        let (left, right) = (self.from.mix(self.via, t), self.via.mix(self.to, t));
        let middle = left.mix(right, t);
        (
            Path { from: self.from, via: left, to: middle, straight: self.straight },
            Path { from: middle, via: right, to: self.to, straight: self.straight },
        )
    }
}

/// Everything that drawing looks at.
pub(super) struct Stage<'a> {
    pub world: &'a World,
    pub view: &'a View,
    pub layout: &'a Layout,
    pub spots: &'a [Option<Spot>],
    /// How much bigger than usual glyphs are.
    pub scale: f32,
    /// Whether names, timers, queues and stars are drawn.
    pub detailed: bool,
    /// Seen from far away, each group is one shape.
    pub crowds: Option<Crowds>,
}

impl<'a> Stage<'a> {
    pub fn new(world: &'a World, view: &'a View, layout: &'a Layout, spots: &'a [Option<Spot>]) -> Stage<'a> {
        let scale = scale(view.camera.zoom);
        let mut stage = Stage { world, view, layout, spots, scale, detailed: false, crowds: None };
        let seen = spots.iter().flatten().filter(|spot| stage.in_sight(spot.at, 0.0)).count();
        stage.crowds = Crowds::from_afar(&stage);
        stage.detailed = scale >= LEAST_DETAILED && seen <= MAX_DETAILED && stage.crowds.is_none();
        stage
    }

    pub fn spot(&self, id: NodeId) -> Option<&'a Spot> {
        self.spots.get(id.0 as usize)?.as_ref()
    }

    /// Whether a place is on the canvas, or no more than `margin` pixels outside.
    pub fn in_sight(&self, at: Point, margin: f32) -> bool {
        let (w, h) = (self.view.width, self.view.height);
        at.x >= -margin && at.y >= -margin && at.x <= w + margin && at.y <= h + margin
    }

    /// Half the width and height of a glyph, in pixels.
    pub fn half(&self, spot: &Spot) -> (f32, f32) {
        let (w, h) = extent(spot.glyph);
        (w * self.scale, h * self.scale)
    }

    /// The radius of the circle around a glyph, in pixels.
    pub fn around(&self, spot: &Spot) -> f32 {
        radius(spot.glyph) * self.scale
    }

    /// The way from one node to another; `None` while one of them has no place or they stand on one another.
    pub fn path(&self, from: NodeId, to: NodeId) -> Option<Path> {
        let (a, b) = (self.spot(from)?, self.spot(to)?);
        let (dx, dy) = (b.at.x - a.at.x, b.at.y - a.at.y);
        let long = length(dx, dy);
        if long < 1e-3 {
            return None;
        }
        let bend = self.layout.bend(from, to) * self.view.camera.zoom;
        let (ux, uy) = (dx / long, dy / long);
        let middle = a.at.mix(b.at, 0.5);
        if bend == 0.0 {
            let (out, back) = (edge(a.glyph, ux, uy) * self.scale, edge(b.glyph, -ux, -uy) * self.scale);
            // Nodes that overlap: the way is as short as can be, but still a way.
            let (out, back) = if out + back < long { (out, back) } else { (long * 0.49, long * 0.49) };
            let (from, to) = (a.at.towards(ux, uy, out), b.at.towards(-ux, -uy, back));
            return Some(Path { from, via: from.mix(to, 0.5), to, straight: true });
        }
        let via = middle.towards(-uy, ux, bend * 2.0);
        let leave = |spot: &Spot| {
            let (dx, dy) = (via.x - spot.at.x, via.y - spot.at.y);
            let long = length(dx, dy).max(1e-3);
            spot.at.towards(dx / long, dy / long, (edge(spot.glyph, dx / long, dy / long) * self.scale).min(long))
        };
        Some(Path { from: leave(a), via, to: leave(b), straight: false })
    }
}
