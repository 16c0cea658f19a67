//! What is seen, as data: a display list, split by how often its parts change, and what lies under a pointer.
//!
//! Coordinates are CSS pixels of the canvas, after the camera. A painter scales by the pixel ratio, resolves each [`Ink`]
//! through its theme, and paints `ground`, `live`, `dots`, `over`, in that order.

use crate::sim::{NodeId, RecordId};

use super::theme::Ink;

/// A place on the canvas.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f32,
    /// Down.
    pub y: f32,
}

impl Point {
    /// A place.
    pub const fn new(x: f32, y: f32) -> Point {
        Point { x, y }
    }
    /// This place moved by `(dx, dy)` times `by`.
    pub fn towards(self, dx: f32, dy: f32, by: f32) -> Point {
        Point { x: self.x + dx * by, y: self.y + dy * by }
    }
    /// The place `t` of the way to `other`.
    pub fn mix(self, other: Point, t: f32) -> Point {
        Point { x: self.x + (other.x - self.x) * t, y: self.y + (other.y - self.y) * t }
    }
    /// The distance to `other`.
    pub fn distance(self, other: Point) -> f32 {
        length(other.x - self.x, other.y - self.y)
    }
}

/// Tells whether something has changed since the last frame. Many times quicker than a digest, and read by nobody else.
#[derive(Default)]
pub(super) struct Key(u64);

impl Key {
    /// Takes a number in.
    pub fn word(&mut self, word: u64) {
        // As Firefox hashes: a turn, a difference and a product.
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
    /// Takes a text in.
    pub fn text(&mut self, text: &str) {
        for eight in text.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..eight.len()].copy_from_slice(eight);
            self.word(u64::from_le_bytes(word));
        }
        self.word(text.len() as u64);
    }
    /// What has come of it.
    pub fn finish(&self) -> u64 {
        self.0
    }
}

/// The length of a vector.
pub fn length(x: f32, y: f32) -> f32 {
    (x * x + y * y).sqrt()
}

/// The nearest to `value` between `low` and `high`. The standard library's `clamp` has a panic that writes floats out, and
/// with it five kilobytes of wasm for that.
pub fn between(value: f32, low: f32, high: f32) -> f32 {
    value.max(low).min(high)
}

/// How far the beads of a flow are apart, in pixels.
pub const BEADS: f32 = 14.0;

/// How a line is broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dash {
    /// Not at all.
    #[default]
    Solid,
    /// 5 on, 4 off.
    Dashed,
    /// 1.5 on, 4.5 off.
    Dotted,
    /// Beads, 14 apart, this many 256ths of that on their way: a flow.
    Flowing(u8),
}

impl Dash {
    /// Lengths on and off, in pixels; empty for a solid line.
    pub const fn lengths(self) -> &'static [f32] {
        match self {
            Dash::Solid => &[],
            Dash::Dashed => &[5.0, 4.0],
            Dash::Dotted => &[1.5, 4.5],
            Dash::Flowing(_) => &[0.5, BEADS - 0.5],
        }
    }
    /// How much of the pattern lies before the line's beginning, in pixels.
    pub const fn offset(self) -> f32 {
        match self {
            Dash::Flowing(gone) => BEADS - gone as f32 * BEADS / 256.0,
            _ => 0.0,
        }
    }
}

/// How a line is drawn. Its ends are round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pen {
    /// Its colour.
    pub ink: Ink,
    /// Its width.
    pub width: f32,
    /// How it is broken.
    pub dash: Dash,
    /// How opaque it is, 0 to 255.
    pub alpha: u8,
}

impl Pen {
    /// A solid, opaque line.
    pub const fn new(ink: Ink, width: f32) -> Pen {
        Pen { ink, width, dash: Dash::Solid, alpha: 255 }
    }
    /// The same line, broken.
    pub const fn dash(self, dash: Dash) -> Pen {
        Pen { dash, ..self }
    }
    /// The same line, less opaque.
    pub const fn alpha(self, alpha: u8) -> Pen {
        Pen { alpha, ..self }
    }
}

/// What an outline is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outline {
    /// A circle.
    Circle {
        /// Its middle.
        at: Point,
        /// Its radius.
        radius: f32,
    },
    /// A rectangle with rounded corners.
    Rect {
        /// Its upper left corner.
        at: Point,
        /// Its width.
        width: f32,
        /// Its height.
        height: f32,
        /// The radius of its corners.
        radius: f32,
    },
    /// A closed polygon: `len` points of its layer from `start`.
    Polygon {
        /// The first.
        start: u32,
        /// How many.
        len: u32,
    },
    /// An upright cylinder: straight sides, a full ellipse on top, half an ellipse below.
    Cylinder {
        /// Its middle.
        at: Point,
        /// Half its width.
        half_width: f32,
        /// Half its height, between the middles of the ellipses.
        half_height: f32,
        /// Half the height of the ellipses.
        lid: f32,
    },
}

/// Something drawn, other than text and dots.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item {
    /// A straight line.
    Line {
        /// One end.
        from: Point,
        /// The other.
        to: Point,
        /// How.
        pen: Pen,
    },
    /// A quadratic curve.
    Curve {
        /// One end.
        from: Point,
        /// Its control point.
        via: Point,
        /// The other end.
        to: Point,
        /// How.
        pen: Pen,
    },
    /// A closed shape: filled first, then outlined.
    Shape {
        /// Which.
        outline: Outline,
        /// What it is filled with.
        fill: Option<Ink>,
        /// How its outline is drawn.
        pen: Option<Pen>,
    },
    /// Part of a circle, clockwise from twelve o'clock.
    Arc {
        /// Its middle.
        at: Point,
        /// Its radius.
        radius: f32,
        /// How much of the circle, 0 to 1.
        turn: f32,
        /// How.
        pen: Pen,
    },
}

/// Which point of a text its place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Its beginning.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// A line of text.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// Where, on its base line.
    pub at: Point,
    /// What.
    pub text: String,
    /// Its size in pixels.
    pub size: f32,
    /// 400 or 600.
    pub weight: u16,
    /// Its colour.
    pub ink: Ink,
    /// How opaque it is, 0 to 255.
    pub alpha: u8,
    /// Which point of it `at` is.
    pub anchor: Anchor,
    /// Whether it is drawn over a rim of [`Ink::Paper`], so that it can be read on lines.
    pub halo: bool,
}

/// Things drawn together: the items in order, then the texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layer {
    /// Everything but text.
    pub items: Vec<Item>,
    /// The points of its polygons.
    pub points: Vec<Point>,
    /// Text.
    pub texts: Vec<Text>,
}

impl Layer {
    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.items.clear();
        self.points.clear();
        self.texts.clear();
    }
    /// Adds a line.
    pub fn line(&mut self, from: Point, to: Point, pen: Pen) {
        self.items.push(Item::Line { from, to, pen });
    }
    /// Adds a circle.
    pub fn circle(&mut self, at: Point, radius: f32, fill: Option<Ink>, pen: Option<Pen>) {
        self.items.push(Item::Shape { outline: Outline::Circle { at, radius }, fill, pen });
    }
    /// Adds a rectangle by its upper left corner.
    pub fn rect(&mut self, at: Point, (width, height): (f32, f32), radius: f32, fill: Option<Ink>, pen: Option<Pen>) {
        self.items.push(Item::Shape { outline: Outline::Rect { at, width, height, radius }, fill, pen });
    }
    /// Adds a closed polygon.
    pub fn polygon(&mut self, points: impl IntoIterator<Item = Point>, fill: Option<Ink>, pen: Option<Pen>) {
        let start = self.points.len() as u32;
        self.points.extend(points);
        let len = self.points.len() as u32 - start;
        self.items.push(Item::Shape { outline: Outline::Polygon { start, len }, fill, pen });
    }
    /// Adds a cross.
    pub fn cross(&mut self, at: Point, half: f32, pen: Pen) {
        let corner = |x: f32, y: f32| Point::new(at.x + half * x, at.y + half * y);
        self.line(corner(-1.0, -1.0), corner(1.0, 1.0), pen);
        self.line(corner(-1.0, 1.0), corner(1.0, -1.0), pen);
    }
}

/// A sign inside a dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// None.
    None,
    /// Accepted.
    Plus,
    /// Refused.
    Minus,
}

/// A message under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dot {
    /// Its middle.
    pub x: f32,
    /// Its middle.
    pub y: f32,
    /// Where it is heading: a vector of length 1.
    pub dx: f32,
    /// Where it is heading.
    pub dy: f32,
    /// Its radius.
    pub radius: f32,
    /// The length of the fading tail behind it; 0 for none.
    pub tail: f32,
    /// Its colour.
    pub ink: Ink,
    /// Drawn as a ring of 1.75 px, filled with paper: a reply.
    pub hollow: bool,
    /// Drawn with an arrowhead before it, because nothing moves.
    pub arrow: bool,
    /// A sign inside it.
    pub mark: Mark,
    /// The message, by the record of its sending.
    pub record: RecordId,
}

impl Dot {
    /// The corners of its arrowhead, the tip first.
    pub fn arrowhead(&self) -> [Point; 3] {
        let at = Point::new(self.x, self.y);
        let size = self.radius.max(3.0);
        let back = at.towards(self.dx, self.dy, self.radius + 1.0);
        let wing = |side: f32| back.towards(-self.dy * side, self.dx * side, size * 0.66);
        [at.towards(self.dx, self.dy, self.radius + 1.0 + size * 1.9), wing(1.0), wing(-1.0)]
    }
}

/// Something that can be pointed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A node.
    Node(NodeId),
    /// A link between two nodes, the lower number first, whichever directions it has.
    Link(NodeId, NodeId),
    /// A message under way, by the record of its sending.
    Flight(RecordId),
}

/// Where something can be pointed at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Area {
    /// Around a point.
    Disc {
        /// Its middle.
        at: Point,
        /// Its radius.
        radius: f32,
    },
    /// Along a line, or a quadratic curve through its control point `via`.
    Path {
        /// One end.
        from: Point,
        /// The control point; the middle for a straight line.
        via: Point,
        /// The other end.
        to: Point,
    },
}

/// An area and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// What.
    pub target: Target,
    /// Where.
    pub area: Area,
}

/// Where a node's second line stands; set with the ground, written with the live layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Caption {
    pub node: NodeId,
    pub at: Point,
    pub anchor: Anchor,
    /// The room for a second line; 0 for none.
    pub width: f32,
    /// Whether the name stands there in full.
    pub whole: bool,
}

/// What is seen. Build it again and again into the same list: it keeps its memory, and its ground while nothing in that
/// has changed.
#[derive(Clone, Debug, Default)]
pub struct DisplayList {
    /// Changes when this number changes: links, bodies, names, captions.
    pub ground_key: u64,
    /// Columns' captions, links, bodies, names.
    pub ground: Layer,
    /// Timer arcs, queues, stars, rings, badges, losses, second lines.
    pub live: Layer,
    /// Messages under way.
    pub dots: Vec<Dot>,
    /// What is above the dots: tooltips.
    pub over: Layer,
    /// Nodes and links that can be pointed at; messages are found by their dots.
    pub hits: Vec<Hit>,
    /// Links whose messages were drawn as a flow the last time, ascending: they stay so a little longer.
    pub(super) flowing: Vec<(NodeId, NodeId)>,
    pub(super) captions: Vec<Caption>,
    pub(super) spots: Vec<Option<super::path::Spot>>,
}

/// How near a pointer must come to a node's middle at least.
pub const NODE_REACH: f32 = 12.0;
/// The same for a finger.
pub const NODE_TOUCH: f32 = 22.0;
/// How near a pointer must come to a link.
pub const LINK_REACH: f32 = 6.0;
/// The same for a finger.
pub const LINK_TOUCH: f32 = 10.0;
/// How near a pointer must come to a message.
pub const DOT_REACH: f32 = 9.0;
/// The same for a finger.
pub const DOT_TOUCH: f32 = 14.0;
/// A message this near is meant even if there is a node under it.
pub const DOT_SURE: f32 = 6.0;

impl DisplayList {
    /// Empties it, keeping its memory, for one whose ground does not change.
    pub fn clear(&mut self) {
        for layer in [&mut self.ground, &mut self.live, &mut self.over] {
            layer.clear();
        }
        self.dots.clear();
        self.hits.clear();
        self.ground_key = 1;
    }

    /// What is under a pointer. A message within [`DOT_SURE`] comes first, then nodes, then messages near by, then links;
    /// of several of a kind the nearest.
    pub fn hit(&self, x: f32, y: f32, touch: bool) -> Option<Target> {
        let at = Point::new(x, y);
        let (node_least, link_reach, dot_reach) =
            if touch { (NODE_TOUCH, LINK_TOUCH, DOT_TOUCH) } else { (NODE_REACH, LINK_REACH, DOT_REACH) };
        let mut dot = (dot_reach, None);
        for one in &self.dots {
            let distance = at.distance(Point::new(one.x, one.y));
            if distance <= dot.0 {
                dot = (distance, Some(Target::Flight(one.record)));
            }
        }
        if dot.0 <= DOT_SURE && dot.1.is_some() {
            return dot.1;
        }
        let mut node = (f32::MAX, None);
        let mut link = (link_reach, None);
        for hit in &self.hits {
            match hit.area {
                Area::Disc { at: middle, radius } => {
                    let distance = at.distance(middle);
                    if distance <= radius.max(node_least) && distance < node.0 {
                        node = (distance, Some(hit.target));
                    }
                }
                Area::Path { from, via, to } => {
                    let distance = path_distance(at, from, via, to, link.0);
                    if distance <= link.0 {
                        link = (distance, Some(hit.target));
                    }
                }
            }
        }
        node.1.or(dot.1).or(link.1)
    }
}

/// The point at `t` of a quadratic curve.
pub fn bezier(from: Point, via: Point, to: Point, t: f32) -> Point {
    from.mix(via, t).mix(via.mix(to, t), t)
}

/// How far `at` is from a segment.
pub fn segment_distance(at: Point, from: Point, to: Point) -> f32 {
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let square = dx * dx + dy * dy;
    if square <= f32::EPSILON {
        return at.distance(from);
    }
    let t = (((at.x - from.x) * dx + (at.y - from.y) * dy) / square).clamp(0.0, 1.0);
    at.distance(from.mix(to, t))
}

fn path_distance(at: Point, from: Point, via: Point, to: Point, reach: f32) -> f32 {
    let outside = |v: f32, a: f32, b: f32, c: f32| v < a.min(b).min(c) - reach || v > a.max(b).max(c) + reach;
    if outside(at.x, from.x, via.x, to.x) || outside(at.y, from.y, via.y, to.y) {
        return f32::MAX;
    }
    if segment_distance(via, from, to) < 0.5 {
        return segment_distance(at, from, to);
    }
    const PARTS: u16 = 12;
    let mut least = f32::MAX;
    let mut last = from;
    for part in 1..=PARTS {
        let next = bezier(from, via, to, f32::from(part) / f32::from(PARTS));
        least = least.min(segment_distance(at, last, next));
        last = next;
    }
    least
}
