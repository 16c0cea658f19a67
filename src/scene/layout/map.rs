//! A map: zones as places, by their positions if the document gives any, else as far from one another as messages between
//! them take long.

use std::rc::Rc;

use crate::components::World;
use crate::sim::{Micros, Table};

use super::super::list::{Point, length};
use super::shapes::{around, radius_for};
use super::{Layout, Places, Plan};

/// A place on a map: a region, or a zone in one.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    /// Its name.
    pub title: Rc<str>,
    /// Its middle, in world units.
    pub at: Point,
    /// Its radius, in world units.
    pub radius: f32,
    /// Whether it lies in another.
    pub inner: bool,
}

/// From the outermost middle of a node to the edge of its zone.
const MARGIN: f32 = 74.0;
/// From a zone to the edge of its region, where the region's name stands.
const RIM: f32 = 34.0;
/// How far regions are from one another at least.
const GAP: f32 = 60.0;
/// How long the usual way between two regions is.
const USUAL: f32 = 420.0;
/// How many times the places of regions are bettered.
const BETTER: usize = 200;
/// Up to this many stand on a circle in their zone; more fill it.
const ROUND: usize = 8;

/// A region, or a zone that is in none, and where its zones are.
struct Region {
    name: Rc<str>,
    /// The columns in it.
    columns: Vec<usize>,
    /// Any one of its zones, to tell how far away it is.
    zone: Option<u16>,
    radius: f32,
    /// How far the middles of its zones are from its own.
    out: f32,
}

/// Where a seat stands in a zone that began with so many.
fn inside(first: usize, seat: usize) -> Point {
    match first {
        1 if seat == 0 => Point::default(),
        0..=ROUND => {
            let first = first.max(2);
            let radius = (radius_for(first) * 1.25).max(66.0) + 84.0 * (seat / first) as f32;
            around((seat % first) as f32 / first as f32 + 0.5 * (seat / first) as f32 / first as f32, radius)
        }
        // The seeds of a sunflower.
        _ => around(seat as f32 * 0.381_966, 58.0 * (seat as f32 + 0.5).sqrt()),
    }
}

impl Layout {
    /// The radius of a zone, by who began in it.
    fn zone_radius(&self, column: usize) -> f32 {
        let first = self.columns[column].first.max(1);
        (0..first).map(|seat| length(inside(first, seat).x, inside(first, seat).y)).fold(0.0, f32::max) + MARGIN
    }

    /// Zones side by side in their regions, regions where they are.
    #[inline(never)]
    pub(super) fn map(&mut self, plan: &Plan, world: &World, tall: bool) -> Places {
        let regions = self.regions(world);
        let at = places(&regions, plan, world, tall);
        let mut zones = Vec::new();
        let mut middles = vec![Point::default(); self.columns.len()];
        for (region, at) in regions.iter().zip(at) {
            if region.columns.len() > 1 {
                self.patches.push(Patch { title: region.name.clone(), at, radius: region.radius, inner: false });
            }
            for (turn, column) in region.columns.iter().enumerate() {
                let off = around((turn as f32 + 0.75) / region.columns.len() as f32, region.out);
                middles[*column] = at.towards(off.x, off.y, 1.0);
                let zone = world.zones().get(self.columns[*column].tier as u16);
                // Whoever is nowhere in particular stands on bare ground.
                let Some(zone) = zone.filter(|_| self.columns[*column].tier != u32::MAX) else { continue };
                let inner = region.columns.len() > 1;
                let radius = self.zone_radius(*column);
                zones.push(Patch { title: zone.name.clone(), at: middles[*column], radius, inner });
            }
        }
        // Regions first, so that their zones lie on them.
        self.patches.append(&mut zones);
        let firsts: Vec<usize> = self.columns.iter().map(|column| column.first.max(1)).collect();
        Box::new(move |column, seat| {
            let off = inside(firsts[column], seat);
            middles[column].towards(off.x, off.y, 1.0)
        })
    }

    fn regions(&self, world: &World) -> Vec<Region> {
        let mut regions: Vec<Region> = Vec::new();
        let order: Table<_, _> = self.columns.iter().enumerate().map(|(at, column)| ((column.tier, at), at)).collect();
        for column in order.values().copied() {
            let tier = self.columns[column].tier;
            let zone = world.zones().get(tier as u16).filter(|_| tier != u32::MAX);
            let name = zone.map_or_else(|| Rc::from(""), |zone| zone.region.as_ref().unwrap_or(&zone.name).clone());
            match regions.iter_mut().find(|region| region.name == name) {
                Some(region) => region.columns.push(column),
                None => regions.push(Region {
                    name,
                    columns: vec![column],
                    zone: zone.map(|_| tier as u16),
                    radius: 0.0,
                    out: 0.0,
                }),
            }
        }
        for region in &mut regions {
            let widest = region.columns.iter().map(|column| self.zone_radius(*column)).fold(0.0, f32::max);
            let count = region.columns.len();
            if count > 1 {
                region.out = (count as f32 * (widest + 8.0) / std::f32::consts::PI).max(widest + 8.0);
                region.radius = region.out + widest + RIM;
            } else {
                region.radius = widest;
            }
        }
        regions
    }
}

/// The middles of regions.
fn places(regions: &[Region], plan: &Plan, world: &World, tall: bool) -> Vec<Point> {
    let found = |region: &Region| plan.regions.iter().find(|(name, _)| *name == region.name).map(|(_, at)| *at);
    let given: Vec<Option<(f32, f32)>> = regions.iter().map(found).collect();
    let mut at: Vec<Point> =
        if given.iter().flatten().count() > 1 { on_earth(&given, regions) } else { by_distance(regions, world, tall) };
    // Places never lie on one another.
    for _ in 0..BETTER {
        for a in 0..at.len() {
            for b in a + 1..at.len() {
                let least = regions[a].radius + regions[b].radius + GAP;
                let long = at[a].distance(at[b]).max(1e-3);
                let push = (least - long).max(0.0) * 0.5 / long;
                let (dx, dy) = ((at[b].x - at[a].x) * push, (at[b].y - at[a].y) * push);
                at[a] = at[a].towards(dx, dy, -1.0);
                at[b] = at[b].towards(dx, dy, 1.0);
            }
        }
    }
    at
}

/// As an atlas has them: degrees east to the right, degrees north up. Those of whom nothing is known stand below.
fn on_earth(given: &[Option<(f32, f32)>], regions: &[Region]) -> Vec<Point> {
    let span = |pick: fn(&(f32, f32)) -> f32| {
        let (low, high) = given.iter().flatten().map(pick).fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(v), h.max(v)));
        (low, (high - low).max(1e-3))
    };
    let ((_, wide), (south, high)) = (span(|at| at.0), span(|at| at.1));
    let room: f32 = regions.iter().map(|region| region.radius * 2.0 + GAP).sum();
    // As wide as all beside one another would be, or nearly.
    let unit = room * 0.7 / wide.max(high);
    let place = |(rank, at): (usize, &Option<(f32, f32)>)| match at {
        Some((east, north)) => Point::new(east * unit, -north * unit),
        None => Point::new(rank as f32, -south * unit + USUAL),
    };
    given.iter().enumerate().map(place).collect()
}

/// As far from one another as messages take long, or rather its root, so that near and far fit on one canvas: each is
/// moved again and again to where the others would have it (de Leeuw's majorization of stress, 1977).
fn by_distance(regions: &[Region], world: &World, tall: bool) -> Vec<Point> {
    let count = regions.len();
    let away = |a: usize, b: usize| match (regions[a].zone, regions[b].zone) {
        (Some(a), Some(b)) => Micros(world.zones().away(a, b).0 + world.zones().away(b, a).0),
        _ => Micros::ZERO,
    };
    let mut wish = vec![0.0f32; count * count];
    for a in 0..count {
        for b in 0..count {
            wish[a * count + b] = libm::sqrtf(away(a, b).0 as f32);
        }
    }
    let known = wish.iter().filter(|wish| **wish > 0.0).count().max(1);
    let mean = wish.iter().sum::<f32>() / known as f32;
    for (place, wish) in wish.iter_mut().enumerate() {
        let least = regions[place / count].radius + regions[place % count].radius + GAP;
        let wanted = if *wish > 0.0 { *wish / mean * USUAL } else { least };
        *wish = wanted.max(least);
    }
    let mut at: Vec<Point> = (0..count).map(|place| around(0.75 + place as f32 / count as f32, USUAL)).collect();
    for _ in 0..BETTER {
        for a in 0..count {
            let mut sum = Point::default();
            for b in (0..count).filter(|b| *b != a) {
                let long = at[a].distance(at[b]).max(1e-3);
                let by = wish[a * count + b] / long;
                let from = at[b];
                sum = sum.towards(from.x + (at[a].x - from.x) * by, from.y + (at[a].y - from.y) * by, 1.0);
            }
            if count > 1 {
                at[a] = Point::new(sum.x / (count - 1) as f32, sum.y / (count - 1) as f32);
            }
        }
    }
    lie(&mut at, tall);
    at
}

/// Turns it so that it is as wide as can be, or on a narrow canvas as high, with the first on the left, or on top.
fn lie(at: &mut [Point], tall: bool) {
    let count = at.len().max(1) as f32;
    let (x, y) = at.iter().fold((0.0, 0.0), |(x, y), at| (x + at.x / count, y + at.y / count));
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for at in at.iter_mut() {
        *at = Point::new(at.x - x, at.y - y);
        (xx, xy, yy) = (xx + at.x * at.x, xy + at.x * at.y, yy + at.y * at.y);
    }
    let angle = -0.5 * libm::atan2f(2.0 * xy, xx - yy);
    let (sine, cosine) = (libm::sinf(angle), libm::cosf(angle));
    for at in at.iter_mut() {
        *at = Point::new(at.x * cosine - at.y * sine, at.x * sine + at.y * cosine);
    }
    let flip = if at.first().is_some_and(|first| first.x > 0.0) { -1.0 } else { 1.0 };
    for at in at.iter_mut() {
        *at = Point::new(at.x * flip, at.y * flip);
        if tall {
            *at = Point::new(at.y, at.x);
        }
    }
}
