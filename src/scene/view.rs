//! How one looks at the world: the camera, what is selected, what has just been lost.

use crate::protocols::Family;
use crate::sim::{NodeId, RecordId, Why};

use super::layout::Layout;
use super::list::{Point, Target, between};
use super::theme::Theme;

/// The farthest out.
pub const MIN_ZOOM: f32 = 0.02;
/// The nearest in.
pub const MAX_ZOOM: f32 = 6.0;
/// How near [`View::fit`] goes by itself.
pub const FIT_ZOOM: f32 = 1.35;
/// How far the middle of the canvas may be from the nearest part of the world, in world units.
pub const LEASH: f32 = 200.0;

/// Where one looks from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// The place of the world that is in the middle of the canvas.
    pub x: f32,
    /// The place of the world that is in the middle of the canvas.
    pub y: f32,
    /// Pixels a world unit.
    pub zoom: f32,
}

impl Default for Camera {
    fn default() -> Camera {
        Camera { x: 0.0, y: 0.0, zoom: 1.0 }
    }
}

/// A message that was lost a moment ago.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// Who sent it.
    pub from: NodeId,
    /// For whom it was.
    pub to: NodeId,
    /// How far it had come, 0 to 1.
    pub progress: f32,
    /// How long ago, 0 (now) to 1 (forgotten: about 600 ms of shown time).
    pub age: f32,
    /// What it was about.
    pub family: Family,
    /// Why.
    pub why: Why,
}

/// A link being drawn by hand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wire {
    /// Where it begins.
    pub from: NodeId,
    /// The pointer, in pixels.
    pub x: f32,
    /// The pointer, in pixels.
    pub y: f32,
}

/// Room taken by what lies over the canvas, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Insets {
    /// At the top.
    pub top: f32,
    /// At the right.
    pub right: f32,
    /// At the bottom.
    pub bottom: f32,
    /// At the left.
    pub left: f32,
}

/// How one looks at the world.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// The canvas in CSS pixels.
    pub width: f32,
    /// The canvas in CSS pixels.
    pub height: f32,
    /// Where one looks from.
    pub camera: Camera,
    /// Dark or light.
    pub theme: Theme,
    /// What is selected.
    pub selected: Option<Target>,
    /// Components that are chosen beside it.
    pub also: Vec<NodeId>,
    /// Two corners between which components are being chosen, in pixels.
    pub lasso: Option<(Point, Point)>,
    /// What the pointer is over.
    pub hovered: Option<Target>,
    /// Components that a word of the lesson stands for, while one points at it.
    pub lit: Vec<NodeId>,
    /// Whether time stands still: messages then show what they are and where they go.
    pub paused: bool,
    /// Whether the person asked for less motion.
    pub reduced_motion: bool,
    /// A link being drawn by hand.
    pub wire: Option<Wire>,
    /// What was lost a moment ago.
    pub recent: Vec<Loss>,
    /// Messages under way that are sent again.
    pub again: Vec<RecordId>,
    /// The way of the message that is pointed at or selected, and the ways of those that led to it, the last first.
    pub led: Vec<(NodeId, NodeId)>,
}

impl View {
    /// Whether tiers run from top to bottom, because the canvas is narrow.
    pub fn tall(&self) -> bool {
        self.width < self.height * if self.width < SMALL { TALL_SMALL } else { TALL }
    }

    /// From the world to the canvas.
    pub fn to_screen(&self, at: Point) -> Point {
        let Camera { x, y, zoom } = self.camera;
        Point::new((at.x - x) * zoom + self.width * 0.5, (at.y - y) * zoom + self.height * 0.5)
    }

    /// From the canvas to the world.
    pub fn to_world(&self, at: Point) -> Point {
        let Camera { x, y, zoom } = self.camera;
        Point::new((at.x - self.width * 0.5) / zoom + x, (at.y - self.height * 0.5) / zoom + y)
    }

    /// Moves the world under the canvas by this many pixels, no farther than the leash allows.
    pub fn pan(&mut self, dx: f32, dy: f32, layout: &Layout) {
        self.camera.x -= dx / self.camera.zoom;
        self.camera.y -= dy / self.camera.zoom;
        self.leash(layout);
    }

    /// Zooms by a factor; what is under `at`, in pixels, stays there.
    pub fn zoom_at(&mut self, at: Point, factor: f32, layout: &Layout) {
        if !factor.is_finite() || factor <= 0.0 {
            return;
        }
        let held = self.to_world(at);
        self.camera.zoom = (self.camera.zoom * factor).clamp(MIN_ZOOM, MAX_ZOOM);
        let now = self.to_world(at);
        self.camera.x += held.x - now.x;
        self.camera.y += held.y - now.y;
        self.leash(layout);
    }

    /// Shows everything, between what lies over the canvas.
    pub fn fit(&mut self, layout: &Layout, insets: Insets) {
        self.camera = self.fitted(layout, insets);
    }

    /// From where everything is seen.
    pub(super) fn fitted(&self, layout: &Layout, insets: Insets) -> Camera {
        let Some((low, high)) = layout.bounds() else { return Camera::default() };
        // Captions stand above the nodes and grow apart from them with the zoom; names are as large whatever the zoom.
        let (above, caption) = layout.headings().first().map_or((BODY, 0.0), |over| (low.y - over.at.y, CAPTION));
        let (side, top, bottom) = (if self.tall() { 4.0 } else { 28.0 }, caption + 4.0, NAMES);
        let room = |size: f32, a: f32, b: f32| (size - a - b).max(40.0);
        let width = room(self.width, insets.left + side, insets.right + side);
        let height = room(self.height, insets.top + top, insets.bottom + bottom);
        let zoom = (width / (high.x - low.x + 2.0 * BODY)).min(height / (high.y - low.y + above + BODY));
        let zoom = zoom.clamp(MIN_ZOOM, FIT_ZOOM);
        let off = |less: f32, more: f32| (less - more) * 0.5 / zoom;
        Camera {
            x: (low.x + high.x) * 0.5 - off(insets.left, insets.right),
            y: (low.y + high.y - above + BODY) * 0.5 - off(insets.top + top, insets.bottom + bottom),
            zoom,
        }
    }

    fn leash(&mut self, layout: &Layout) {
        if let Some((low, high)) = layout.bounds() {
            self.camera.x = between(self.camera.x, low.x - LEASH, high.x + LEASH);
            self.camera.y = between(self.camera.y, low.y - LEASH, high.y + LEASH);
        }
    }
}

/// From the middle of a node to the outer edge of what runs around it, in world units: see [`super::glyph::radius`].
const BODY: f32 = 40.0;
/// The height of a caption, in pixels.
const CAPTION: f32 = 12.0;
/// The height of a name below a node and of its second line, in pixels.
const NAMES: f32 = 36.0;

/// A canvas whose width is less than this share of its height is narrow.
const TALL: f32 = 0.95;
/// The same for a canvas narrower than [`SMALL`], on which columns leave names no room.
const TALL_SMALL: f32 = 1.2;
/// As wide as a phone.
const SMALL: f32 = 480.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zooming_holds_what_is_under_the_pointer() {
        let mut view = View { width: 900.0, height: 600.0, ..View::default() };
        let layout = Layout::default();
        let at = Point::new(200.0, 500.0);
        let before = view.to_world(at);
        for factor in [1.5, 0.3, 1.9, f32::NAN, 0.0] {
            view.zoom_at(at, factor, &layout);
            let after = view.to_world(at);
            assert!(before.distance(after) < 0.01, "{before:?} {after:?}");
        }
        view.zoom_at(at, 1e9, &layout);
        assert_eq!(view.camera.zoom, MAX_ZOOM);
    }
}
