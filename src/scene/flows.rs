//! Flows: where messages follow one another too closely to be told apart, a stream of beads stands for them, the wider
//! the more there are, as fast as they are.

use crate::protocols::{Family, Form};
use crate::sim::{Micros, NodeId};

use super::list::{BEADS, Dash, DisplayList, Item, Pen, Point};
use super::path::Stage;
use super::theme::{FAMILIES, Ink};

/// Messages are counted a link where there are up to this many nodes.
pub const MAX_FLOWN: usize = 128;
/// While no more than this are under way in all, nobody counts them.
const LEAST: usize = 40;
/// So many messages on a link may still be told apart, however short it is.
const FEW: u32 = 6;
/// Nearer to one another than this on average, in pixels, and they are a flow.
const CLOSE: f32 = 7.0;
/// A flow is one until they are farther from one another than this.
const APART: f32 = 10.0;
/// How far to the right of its link a flow runs.
const LANE: f32 = 4.0;

/// What is under way from one place to another.
#[derive(Clone, Copy, Default)]
pub(super) struct Sum {
    pub count: u32,
    /// Messages a second: each that is under way stands for as many as pass while it is (Little's law).
    pub rate: f32,
    families: [u16; FAMILIES.len()],
    replies: u32,
}

impl Sum {
    fn family(&self) -> Family {
        let most = (0..FAMILIES.len()).max_by_key(|place| self.families[*place]).unwrap_or(0);
        FAMILIES[most]
    }
    /// How long a message is under way, to the next power of two: that changes seldom, and beads do not jump.
    fn span(&self) -> Micros {
        let mean = (self.count as f32 * 1e6 / self.rate.max(1e-3)) as u64;
        Micros(mean.max(1000).next_power_of_two())
    }
}

/// What is under way between all.
pub(super) struct Traffic {
    side: usize,
    sums: Vec<Sum>,
}

impl Traffic {
    pub fn between(&self, from: usize, to: usize) -> Sum {
        self.sums.get(from * self.side + to).copied().unwrap_or_default()
    }
    /// What is on its way to a place: how many, and how many a second.
    pub fn towards(&self, to: usize) -> (u32, f32) {
        let sums = (0..self.side).map(|from| self.between(from, to));
        sums.fold((0, 0.0), |(count, rate), sum| (count + sum.count, rate + sum.rate))
    }
}

/// Counts what is under way between crowds, or between nodes where there are few; `None` where that would show nothing.
pub(super) fn gather(stage: &Stage) -> Option<Traffic> {
    let side = match &stage.crowds {
        Some(crowds) => crowds.all.len(),
        None if stage.spots.len() <= MAX_FLOWN && stage.world.in_flight() > LEAST => stage.spots.len(),
        None => return None,
    };
    Some(count(stage, side))
}

#[inline(never)]
fn count(stage: &Stage, side: usize) -> Traffic {
    let mut sums = vec![Sum::default(); side * side];
    let place = |id: NodeId| match &stage.crowds {
        Some(crowds) => crowds.of(id),
        None => Some(id.0 as usize),
    };
    for flight in stage.world.flights().filter(|flight| !flight.held) {
        let (Some(from), Some(to)) = (place(flight.from), place(flight.to)) else { continue };
        let Some(sum) = sums.get_mut(from * side + to) else { continue };
        sum.count += 1;
        sum.rate += 1e6 / (flight.due.since(flight.sent).0.max(1) as f32);
        let family = &mut sum.families[flight.message.family() as usize];
        *family = family.saturating_add(1);
        let reply = matches!(flight.message.form(), Form::Reply | Form::Accept | Form::Refuse);
        sum.replies += u32::from(reply);
    }
    Traffic { side, sums }
}

/// Draws flows, and remembers on which links messages are one.
pub(super) fn build(stage: &Stage, traffic: Option<&Traffic>, list: &mut DisplayList) {
    match traffic {
        Some(traffic) => draw(stage, traffic, list),
        None => list.flowing.clear(),
    }
}

#[inline(never)]
fn draw(stage: &Stage, traffic: &Traffic, list: &mut DisplayList) {
    let before = std::mem::take(&mut list.flowing);
    for from in 0..traffic.side {
        for to in (0..traffic.side).filter(|to| *to != from) {
            let sum = traffic.between(from, to);
            if sum.count == 0 {
                continue;
            }
            if let Some(crowds) = &stage.crowds {
                if let Some((from, to)) = crowds.path(from, to) {
                    flow(stage, list, (from, from.mix(to, 0.5), to), &sum);
                }
                continue;
            }
            if sum.count <= FEW {
                continue;
            }
            let ends = (NodeId(from as u32), NodeId(to as u32));
            let Some(path) = stage.path(ends.0, ends.1) else { continue };
            let bound = if before.binary_search(&ends).is_ok() { APART } else { CLOSE };
            if path.long() > bound * sum.count as f32 {
                continue;
            }
            list.flowing.push(ends);
            flow(stage, list, (path.from, path.via, path.to), &sum);
        }
    }
}

/// How wide a flow of so many messages a second is, in pixels.
fn width(rate: f32) -> f32 {
    2.5 + 1.5 * libm::log10f(1.0 + rate)
}

#[inline(never)]
fn flow(stage: &Stage, list: &mut DisplayList, (from, via, to): (Point, Point, Point), sum: &Sum) {
    let long = from.distance(to);
    if long < 2.0 || !(stage.in_sight(from, long) && stage.in_sight(to, long)) {
        return;
    }
    let (dx, dy) = ((to.x - from.x) / long, (to.y - from.y) / long);
    let lane = |at: Point| at.towards(-dy, dx, LANE);
    let (from, via, to) = (lane(from), lane(via), lane(to));
    let ink = Ink::Family(sum.family());
    let wide = width(sum.rate);
    // One bead's way takes as long as a message would over it.
    let period = (sum.span().0 as f32 * (BEADS / long)).max(1.0) as u64;
    let gone = if stage.view.reduced_motion { 0 } else { stage.world.now().0 % period * 256 / period };
    let bed = Pen::new(ink, wide + 2.0).alpha(55);
    let beads = Pen::new(ink, wide).dash(Dash::Flowing(gone as u8));
    // Beads of replies are hollow, as dots of replies are.
    let hollow = (sum.replies * 2 > sum.count).then_some(Pen { ink: Ink::Paper, width: wide * 0.45, ..beads });
    for pen in [Some(bed), Some(beads), hollow].into_iter().flatten() {
        list.live.items.push(Item::Curve { from, via, to, pen });
    }
    if stage.view.paused || stage.view.reduced_motion {
        // Nothing moves: an arrowhead tells which way.
        let size = wide * 0.7 + 3.5;
        // Before the middle: that of the way back is elsewhere.
        let tip = super::list::bezier(from, via, to, 0.42).towards(dx, dy, size);
        let wing = |side: f32| tip.towards(dx, dy, -size * 1.6).towards(-dy, dx, size * 0.7 * side);
        list.live.polygon([tip, wing(1.0), wing(-1.0)], Some(ink), None);
    }
}
