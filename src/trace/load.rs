//! How much waits at each node and how busy it is, from spans: in steps and in windows.

use crate::components::World;
use crate::sim::{Micros, NodeId, Payload, Time};

use super::spans::Span;

/// How many windows are made for each node; what comes after them is left out.
pub const MAX_LOAD_WINDOWS: u64 = 20_000;

/// From an instant on, so many messages wait at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// From when on.
    pub at: Time,
    /// Where.
    pub node: NodeId,
    /// How many wait for a core.
    pub waiting: u32,
}

/// A node in one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Which.
    pub node: NodeId,
    /// The window's start.
    pub start: Time,
    /// Messages that arrived in it.
    pub arrived: u32,
    /// Messages whose service ended in it.
    pub served: u32,
    /// How long its cores worked, all together.
    pub busy: Micros,
    /// How long messages waited within it, all together: divided by the window, the mean queue length.
    pub waited: Micros,
    /// The most that waited at once.
    pub most: u32,
}

/// A message that waited and was served at a node: from, begun, until.
struct Stay {
    node: NodeId,
    arrived: Time,
    begun: Time,
    until: Time,
}

/// What was served, what died with its node, and what is there still in `world`, which is as it was after the records.
fn stays(spans: &[Span], world: &World) -> Vec<Stay> {
    let (mut died, mut open, mut stays) = (Vec::new(), Vec::new(), Vec::new());
    for span in spans {
        let Some(arrived) = span.arrived else { continue };
        let (node, begun) = (span.node, arrived + span.waited);
        if span.served > Micros::ZERO {
            stays.push(Stay { node, arrived, begun, until: begun + span.served });
        } else if span.waited > Micros::ZERO {
            stays.push(Stay { node, arrived, begun, until: begun });
        } else if span.lost.is_some() {
            died.push((node, arrived, span.end));
        } else if !span.handled {
            open.push((node, span.from, span.name, arrived));
        }
    }
    died.sort_unstable();
    let mut full: Option<(NodeId, Time)> = None;
    for (node, arrived, until) in died {
        let cores = world.node(node).map_or(1, |node| node.machine.cores);
        // An inbox is served in the order of arrival: where one found no core, those after it found none either.
        let none = full == Some((node, until));
        let begun = if none { until } else { begun(&stays, node, arrived, until, cores) };
        full = if begun == until { Some((node, until)) } else { full };
        stays.push(Stay { node, arrived, begun, until });
    }
    stays.extend(still(open, world));
    stays
}

/// When the service began of a message that died: as soon as a core was free; `until` where none was.
fn begun(stays: &[Stay], node: NodeId, arrived: Time, until: Time, cores: u32) -> Time {
    let here = || stays.iter().filter(|stay| stay.node == node);
    let busy = |at: Time| here().filter(|stay| stay.begun <= at && at < stay.until).count();
    let ends = here().map(|stay| stay.until).filter(|end| *end > arrived && *end < until);
    ends.chain([arrived]).filter(|at| busy(*at) < cores as usize).min().unwrap_or(until)
}

/// What is in the inboxes and on the cores of the world, each found among those that arrived and were not done with, as
/// far as records tell.
fn still(mut open: Vec<(NodeId, NodeId, &'static str, Time)>, world: &World) -> Vec<Stay> {
    open.sort_unstable_by_key(|(node, _, _, arrived)| (*node, *arrived));
    let (mut stays, now) = (Vec::new(), world.now());
    for (id, node) in world.nodes() {
        let first = open.partition_point(|(node, ..)| *node < id);
        let mut here = open[first..].iter().take_while(|(node, ..)| *node == id).collect::<Vec<_>>();
        for kept in node.inbox().chain(node.serving()) {
            let (arrived, begun) = (kept.arrived, kept.started.unwrap_or(now));
            let same =
                |open: &&(NodeId, NodeId, &'static str, Time)| **open == (id, kept.from, kept.message.name(), arrived);
            let Some(place) = here.iter().position(same) else { continue };
            here.remove(place);
            stays.push(Stay { node: id, arrived, begun, until: now });
        }
    }
    stays
}

/// How many waited at each node, from step to step, in the order of time and node.
pub fn levels(spans: &[Span], world: &World) -> Vec<Level> {
    let mut steps: Vec<(Time, NodeId, i64)> = Vec::new();
    for stay in stays(spans, world).iter().filter(|stay| stay.arrived < stay.begun) {
        steps.push((stay.arrived, stay.node, 1));
        // What waits now has not begun.
        if stay.begun < stay.until {
            steps.push((stay.begun, stay.node, -1));
        } else if stay.until < world.now() {
            steps.push((stay.until, stay.node, -1));
        }
    }
    // What leaves goes before what comes in the same microsecond.
    steps.sort_unstable();
    let mut levels: Vec<Level> = Vec::new();
    let mut waiting: Vec<(NodeId, i64)> = Vec::new();
    for (at, node, step) in steps {
        let place = waiting.binary_search_by_key(&node, |(node, _)| *node).unwrap_or_else(|place| {
            waiting.insert(place, (node, 0));
            place
        });
        waiting[place].1 += step;
        let level = Level { at, node, waiting: waiting[place].1.max(0) as u32 };
        match levels.last_mut().filter(|last| (last.at, last.node) == (at, node)) {
            Some(last) => *last = level,
            None => levels.push(level),
        }
    }
    levels
}

/// Every node that served anything, in windows of `width` from `from` until the world's now, by node and start.
pub fn windows(spans: &[Span], world: &World, from: Time, width: Micros) -> Vec<Load> {
    let (stays, until) = (stays(spans, world), world.now());
    let mut nodes: Vec<NodeId> = stays.iter().map(|stay| stay.node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let (first, width) = (from.0 / width.0.max(1), width.0.max(1));
    let count = (until.0.div_ceil(width).saturating_sub(first)).min(MAX_LOAD_WINDOWS);
    let empty = |node: NodeId, place: u64| Load {
        node,
        start: Time((first + place) * width),
        arrived: 0,
        served: 0,
        busy: Micros::ZERO,
        waited: Micros::ZERO,
        most: 0,
    };
    let mut loads: Vec<Load> = nodes.iter().flat_map(|node| (0..count).map(|place| empty(*node, place))).collect();
    let place = |node: NodeId, at: Time| {
        let window = (at.0 / width).checked_sub(first).filter(|window| *window < count)?;
        Some(nodes.binary_search(&node).ok()? * count as usize + window as usize)
    };
    for stay in &stays {
        place(stay.node, stay.arrived).into_iter().for_each(|place| loads[place].arrived += 1);
        if stay.until < until {
            place(stay.node, stay.until).into_iter().for_each(|place| loads[place].served += 1);
        }
        spread(stay.arrived, stay.begun, width, &mut |at, part| {
            place(stay.node, at).into_iter().for_each(|place| loads[place].waited = loads[place].waited + part);
        });
        spread(stay.begun, stay.until, width, &mut |at, part| {
            place(stay.node, at).into_iter().for_each(|place| loads[place].busy = loads[place].busy + part);
        });
    }
    let levels = levels(spans, world);
    for (row, node) in loads.chunks_mut((count as usize).max(1)).zip(&nodes) {
        let mut here = levels.iter().filter(|level| level.node == *node).peekable();
        let mut waiting = 0;
        for load in row {
            // What waits at a window's start waited before it.
            load.most = waiting;
            while let Some(level) = here.next_if(|level| level.at < load.start + Micros(width)) {
                waiting = level.waiting;
                if level.at >= load.start {
                    load.most = load.most.max(waiting);
                } else {
                    load.most = waiting;
                }
            }
        }
    }
    loads
}

/// A stretch of time, window by window.
fn spread(from: Time, until: Time, width: u64, call: &mut dyn FnMut(Time, Micros)) {
    let mut at = from;
    for _ in 0..MAX_LOAD_WINDOWS {
        if at >= until {
            return;
        }
        let end = Time((at.0 / width + 1) * width).min(until);
        call(at, end.since(at));
        at = end;
    }
}
