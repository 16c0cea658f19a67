//! Circles and grids.

use crate::sim::Table;

use super::super::list::Point;
use super::{Layout, Places};

/// How far nodes on a circle are from one another at least.
const APART: f32 = 92.0;
/// How far circles are from one another.
const CIRCLES: f32 = 150.0;
/// The radius of the innermost circle at least.
const INNERMOST: f32 = 150.0;

/// How far circles outside of all are from one another, and how many stand on each.
const OUTSIDE: f32 = 80.0;
const LATE: usize = 16;

/// The radius of a circle that so many nodes stand on.
pub(super) fn radius_for(nodes: usize) -> f32 {
    nodes as f32 * APART / (2.0 * std::f32::consts::PI)
}

/// The place at so many parts of the way round, clockwise from twelve o'clock.
pub(super) fn around(part: f32, radius: f32) -> Point {
    let angle = part * 2.0 * std::f32::consts::PI;
    Point::new(libm::sinf(angle) * radius, -libm::cosf(angle) * radius)
}

impl Layout {
    /// A circle a tier, the last innermost: those who do the work in the middle, those who ask around them. Newcomers
    /// stand half-way between two of the first, later ones outside of all circles.
    #[inline(never)]
    pub(super) fn circles(&self) -> Places {
        struct Circle {
            first: usize,
            radius: f32,
            rank: usize,
            /// How far it is turned, so that links do not lie on one another.
            turn: f32,
        }
        let places = self.columns.iter().enumerate();
        let order: Table<_, _> = places.map(|(place, column)| ((column.tier, place), place)).collect();
        let mut circles: Vec<Circle> = Vec::new();
        circles.resize_with(order.len(), || Circle { first: 1, radius: 0.0, rank: 0, turn: 0.0 });
        let mut outer = 0.0f32;
        let inwards: Vec<usize> = order.values().copied().collect();
        for (rank, place) in inwards.into_iter().rev().enumerate() {
            let first = self.columns[place].first.max(1);
            let least = match (rank, first) {
                (0, 1) if self.columns.len() > 1 => 0.0,
                (0, _) => INNERMOST,
                _ => outer + CIRCLES,
            };
            let radius = radius_for(first).max(least);
            let turn = if rank % 2 == 1 { 0.5 / first as f32 } else { 0.0 };
            circles[place] = Circle { first, radius, rank, turn };
            outer = radius;
        }
        Box::new(move |column, seat| {
            let Circle { first, radius, rank, turn } = circles[column];
            if seat < first * 2 {
                let part = if seat < first { seat as f32 } else { (seat - first) as f32 + 0.5 };
                return around(part / first as f32 + turn, radius);
            }
            // Circles take turns outside, so that none gets in another's way.
            let late = seat - first * 2;
            let round = outer + OUTSIDE * ((late / LATE) * circles.len() + rank + 1) as f32;
            around((late % LATE) as f32 / LATE as f32, round)
        })
    }

    /// A grid, filled row by row; newcomers make it longer.
    #[inline(never)]
    pub(super) fn squares(&self) -> Places {
        let first = self.columns.first().map_or(1, |column| column.first.max(1));
        let across = ((libm::sqrtf(first as f32 * 1.4) + 0.999) as usize).max(1);
        Box::new(move |_, seat| Point::new((seat % across) as f32 * 104.0, (seat / across) as f32 * 96.0))
    }
}
