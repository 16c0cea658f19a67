//! Forces: linked nodes attract, all repel one another (Fruchterman and Reingold, «Graph Drawing by Force-directed
//! Placement», Software: Practice and Experience 1991). It is settled before anyone sees it, and stays.
//!
//! Only `+ − × ÷` and roots, from the same beginning each time, so that everybody sees the same picture.

use crate::components::World;
use crate::sim::NodeId;

use super::super::list::{Point, between};
use super::{Layout, Places};

/// Forces are reckoned for up to this many nodes, since each acts on each; more stand in a grid.
pub const MAX_FORCED: usize = 1_000;
/// How long a link would like to be.
const LINK: f32 = 150.0;
/// How near to one another nodes may stand.
const LEAST: f32 = 96.0;
/// How strongly all are drawn to the middle, so that parts that are not linked stay in sight.
const GRAVITY: f32 = 0.25;
/// How much wider than high it is to be, as canvases are.
const WIDE: f32 = 1.4;
/// Moves, of few nodes and of many.
const MOVES: (usize, usize) = (40, 300);
/// The angle of a sunflower's seeds, as sine and cosine: each stands apart from those before.
const GOLDEN: (f32, f32) = (0.675_490_3, -0.737_368_9);

impl Layout {
    /// Where forces put the first; newcomers stand near those whom they are linked to.
    #[inline(never)]
    pub(super) fn forced(&mut self, world: &World, tall: bool) -> Places {
        let seats = self.columns.iter().map(|column| column.seats.len()).sum::<usize>();
        if self.spread.is_empty() && seats > MAX_FORCED {
            return self.squares();
        }
        let ends = self.ends(world);
        if self.spread.is_empty() {
            self.spread = settle(seats, &ends);
        }
        for seat in self.spread.len()..seats {
            let others = ends.iter().filter_map(|(a, b)| match () {
                () if *a == seat => Some(*b),
                () if *b == seat => Some(*a),
                () => None,
            });
            let known: Vec<Point> = others.filter_map(|other| self.spread.get(other).copied()).collect();
            let near = middle(&known);
            self.spread.push(free_near(near, &self.spread));
        }
        let spread = self.spread.clone();
        Box::new(move |_, seat| {
            let at = spread.get(seat).copied().unwrap_or_default();
            if tall { Point::new(at.y, at.x) } else { at }
        })
    }

    /// The links as pairs of seats, each once.
    fn ends(&self, world: &World) -> Vec<(usize, usize)> {
        let seat = |id: NodeId| self.seats.get(id.0 as usize).copied().flatten().map(|(_, seat)| seat as usize);
        let mut ends = Vec::new();
        for (id, node) in world.nodes() {
            for link in &node.links {
                let once = link.to > id || world.node(link.to).is_none_or(|other| other.link(id).is_none());
                if let (Some(a), Some(b), true) = (seat(id), seat(link.to), once) {
                    ends.push((a, b));
                }
            }
        }
        ends
    }
}

fn middle(points: &[Point]) -> Point {
    let sum = points.iter().fold(Point::default(), |sum, at| sum.towards(at.x, at.y, 1.0));
    let count = points.len().max(1) as f32;
    Point::new(sum.x / count, sum.y / count)
}

/// The place of a sunflower's seed.
fn seed(turn: &mut Point, place: usize, apart: f32) -> Point {
    let (sine, cosine) = GOLDEN;
    *turn = Point::new(turn.x * cosine - turn.y * sine, turn.x * sine + turn.y * cosine);
    let radius = apart * (place as f32 + 0.5).sqrt();
    Point::new(turn.x * radius, turn.y * radius)
}

/// The place nearest to a point, or not much farther, that nobody stands near.
fn free_near(at: Point, taken: &[Point]) -> Point {
    let mut turn = Point::new(1.0, 0.0);
    let mut free = at;
    // A place stands in the way of no more than a few of these.
    for place in 0..taken.len() * 16 + 16 {
        if taken.iter().all(|other| other.distance(free) >= LEAST) {
            break;
        }
        let off = seed(&mut turn, place, LEAST * 0.35);
        free = at.towards(off.x, off.y, 1.0);
    }
    free
}

/// Where so many nodes with these links come to rest.
fn settle(nodes: usize, links: &[(usize, usize)]) -> Vec<Point> {
    let mut turn = Point::new(1.0, 0.0);
    let mut places: Vec<Point> = Vec::new();
    for place in 0..nodes {
        let mut at = seed(&mut turn, place, LINK * 0.6);
        // Nothing lies exactly on a line with others, or would stay there.
        at.x += (place * 37 % 101) as f32 * 0.1;
        at.y += (place * 53 % 101) as f32 * 0.1;
        places.push(at);
    }
    let moves = (3_000_000 / (nodes * nodes).max(1)).clamp(MOVES.0, MOVES.1);
    let far = LINK * (nodes as f32).sqrt() * 0.35;
    let mut pull: Vec<Point> = Vec::new();
    for step in 0..moves {
        pull.clear();
        pull.resize(nodes, Point::default());
        push_apart(&places, &mut pull);
        for &(a, b) in links {
            let (one, other) = (places[a], places[b]);
            let force = one.distance(other) / LINK;
            let (dx, dy) = ((other.x - one.x) * force, (other.y - one.y) * force);
            pull[a] = pull[a].towards(dx, dy, 1.0);
            pull[b] = pull[b].towards(dx, dy, -1.0);
        }
        let most = far * (1.0 - step as f32 / moves as f32) + 0.5;
        for (at, pull) in places.iter_mut().zip(&pull) {
            let (dx, dy) = (pull.x - at.x * GRAVITY, pull.y - at.y * GRAVITY);
            let long = super::super::list::length(dx, dy).max(1e-3);
            *at = at.towards(dx / long, dy / long, long.min(most));
        }
    }
    widen(&mut places);
    let mut apart: Vec<Point> = Vec::new();
    for at in places {
        apart.push(free_near(at, &apart));
    }
    let off = middle(&apart);
    apart.iter().map(|at| Point::new(at.x - off.x, at.y - off.y)).collect()
}

fn push_apart(places: &[Point], pull: &mut [Point]) {
    for a in 0..places.len() {
        let one = places[a];
        let mut sum = pull[a];
        for b in a + 1..places.len() {
            let (dx, dy) = (one.x - places[b].x, one.y - places[b].y);
            let force = LINK * LINK / (dx * dx + dy * dy).max(1.0);
            sum = sum.towards(dx, dy, force);
            pull[b] = pull[b].towards(dx, dy, -force);
        }
        pull[a] = sum;
    }
}

/// Stretches it, a little at most, to be wider than high; if it is higher than wide it is laid down first.
fn widen(places: &mut [Point]) {
    let spread = |pick: fn(&Point) -> f32| {
        let (low, high) = places.iter().map(pick).fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(v), h.max(v)));
        (high - low).max(1.0)
    };
    let (wide, high) = (spread(|at| at.x), spread(|at| at.y));
    let lie = high > wide;
    let ratio = if lie { high / wide } else { wide / high };
    let stretch = between(WIDE / ratio, 1.0, WIDE).sqrt();
    for at in places {
        let (x, y) = if lie { (at.y, at.x) } else { (at.x, at.y) };
        *at = Point::new(x * stretch, y / stretch);
    }
}
