//! The two ways to go through the orders: one after another, or all at once.

use crate::check::linear::history::NEVER;
use crate::check::linear::memo::Memo;
use crate::check::linear::model::Action;
use crate::check::linear::value::Value;

use super::{Budget, Found, MAX_CONFIGURATIONS, Point, Search};

/// A configuration to go on from, and what is still to be tried there; its bits stand in a stack of their own.
struct Frame {
    at: u32,
    point: Point,
    /// Where its candidates begin, and which of them is next.
    first: usize,
    next: usize,
    /// What was just written was seen by nobody: it could as well be hidden by another write.
    idle: bool,
}

/// Stands among the candidates for letting the returning write have gone unseen.
const UNSEEN: u32 = u32::MAX;

impl Search<'_> {
    /// One path after another: soon at its end where there is an order.
    pub(super) fn dive(&mut self, initial: u32, budget: &mut Budget, limit: u64) -> Found {
        let until = budget.steps.saturating_add(limit);
        let mut frames: Vec<Frame> = Vec::new();
        let mut all_bits: Vec<u64> = Vec::new();
        let mut open: Vec<u32> = Vec::new();
        let (mut bits, mut taken) = (vec![0; self.width], vec![0; self.width]);
        let (mut deepest, mut states) = (0, Vec::new());
        let usage = self.usages.intern(&vec![0; self.optional.len()]);
        let mut entering = Some((0, Point { state: initial, usage, since: 0 }, false));
        loop {
            if let Some((from, point, written)) = entering.take() {
                let Point { state, usage, since } = point;
                taken.copy_from_slice(&bits);
                let at = self.walk(from, point, &mut bits);
                if at == self.returns.len() {
                    return Found::Order;
                }
                let spent = !budget.spend(1 + (at - from) as u64 / 4) || budget.steps > until;
                if spent || self.memo.len() > MAX_CONFIGURATIONS {
                    return Found::Nothing;
                }
                if at > deepest {
                    deepest = at;
                    states.clear();
                }
                if at == deepest && states.len() < 16 && !states.contains(&state) {
                    states.push(state);
                }
                let idle = written && at == from && self.hides && bits == taken;
                let key = 2 * at as u32 + u32::from(idle);
                self.lookers(at);
                if self.promises(at, state, &bits)
                    && !self.starved(at, state, &bits)
                    && self.is_new(None, at, key, point, &bits)
                {
                    let first = open.len();
                    let hidden = self.hidden(at, since);
                    let wanted = hidden && self.next_sight(at, &bits) == Some(Value(state));
                    if wanted {
                        open.push(UNSEEN);
                    }
                    self.candidates(at, &bits, usage, &mut open);
                    if hidden && !wanted {
                        // Behind what was put in front, which is the write itself.
                        open.insert(first + 1, UNSEEN);
                    }
                    all_bits.extend(&bits);
                    frames.push(Frame { at: at as u32, point, first, next: first, idle });
                }
            }
            let Some(frame) = frames.last_mut() else {
                let target = self.returns.get(deepest).expect("it stopped at a return");
                return Found::NoOrder(*target as usize, states);
            };
            let Some(candidate) = open.get(frame.next).copied() else {
                open.truncate(frame.first);
                frames.pop();
                all_bits.truncate(frames.len() * self.width);
                continue;
            };
            frame.next += 1;
            let (at, point, idle) = (frame.at as usize, frame.point, frame.idle);
            let write = candidate != UNSEEN && matches!(self.action(candidate), Action::Write(_));
            if idle && write {
                continue;
            }
            bits.copy_from_slice(&all_bits[(frames.len() - 1) * self.width..]);
            entering = match candidate {
                UNSEEN => Some((at + 1, point, false)),
                _ => self.take(at, point, candidate, &mut bits).map(|point| (at, point, write)),
            };
        }
    }

    /// All paths at once, return by return: soon at its end where there is no order, since whatever can go no further
    /// than another is dropped before anyone goes on from it, and what lies behind is forgotten.
    pub(super) fn sweep(&mut self, initial: u32, budget: &mut Budget, limit: u64) -> Found {
        let until = budget.steps.saturating_add(limit);
        let usage = self.usages.intern(&vec![0; self.optional.len()]);
        let width = self.width;
        let mut before = vec![(Point { state: initial, usage, since: 0 }, false)];
        let mut before_bits = vec![0; width];
        let mut candidates = Vec::new();
        let (mut bits, mut from) = (vec![0; width], vec![0; width]);
        for at in 0..self.returns.len() {
            self.lookers(at);
            let (mut seen, mut kept) = (Memo::new(width), Memo::new(width));
            let (mut open, mut open_bits) = (before, before_bits);
            let (mut after, mut after_bits) = (Vec::new(), Vec::<u64>::new());
            let came = open.len();
            let mut next = 0;
            // What was come to here, to be told where nothing goes on.
            let mut states = Vec::new();
            while next < open.len() {
                let (point, written) = open[next];
                let Point { state, usage, since } = point;
                from.copy_from_slice(&open_bits[next * width..][..width]);
                bits.copy_from_slice(&from);
                if !budget.spend(1) || budget.steps > until || seen.len() > MAX_CONFIGURATIONS {
                    return Found::Nothing;
                }
                let done = self.look(at, state, &mut bits);
                // A write may have gone unseen by those before it; a new one written for nothing else is no such.
                let unseen = !done && next < came && self.hidden(at, since);
                next += 1;
                if (done || unseen) && self.is_new(Some(&mut kept), at, 0, point, &bits) {
                    after.push((point, false));
                    after_bits.extend(&bits);
                }
                if done || unseen && self.forgotten(at) {
                    continue;
                }
                if states.len() < 16 && !states.contains(&state) {
                    states.push(state);
                }
                // What is written and seen by nobody could as well be hidden by the next write.
                let idle = written && self.hides && bits == from;
                if !self.promises(at, state, &bits)
                    || self.starved(at, state, &bits)
                    || !self.is_new(Some(&mut seen), at, u32::from(idle), point, &bits)
                {
                    continue;
                }
                candidates.clear();
                self.candidates(at, &bits, usage, &mut candidates);
                from.copy_from_slice(&bits);
                for candidate in &candidates {
                    let write = matches!(self.action(*candidate), Action::Write(_));
                    if idle && write {
                        continue;
                    }
                    bits.copy_from_slice(&from);
                    if let Some(point) = self.take(at, point, *candidate, &mut bits) {
                        open.push((point, write));
                        open_bits.extend(&bits);
                    }
                }
            }
            if after.is_empty() {
                return Found::NoOrder(self.returns[at] as usize, states);
            }
            // What may drop another must come before it.
            let mut order: Vec<(u32, u32, u32, usize)> = (0..after.len())
                .map(|place| {
                    let (Point { usage, since, .. }, _): (Point, bool) = after[place];
                    let used = self.usages.get(usage).iter().map(|count| u32::from(*count)).sum();
                    let bits: u32 = after_bits[place * width..][..width].iter().map(|word| word.count_ones()).sum();
                    (used, NEVER - since, u32::MAX - bits, place)
                })
                .collect();
            order.sort_unstable();
            before = order.iter().map(|(.., place)| after[*place]).collect();
            before_bits = order.iter().flat_map(|(.., place)| &after_bits[place * width..][..width]).copied().collect();
        }
        Found::Order
    }
}
