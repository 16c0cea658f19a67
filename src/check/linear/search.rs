//! The search: depth first over the orders in which pending operations may have taken effect.
//!
//! After Wing and Gong (1993), with Lowe's memo and just-in-time linearization (2017): the returns are walked in their
//! order, and an operation takes effect only when one that returns needs it. What keeps the search small beyond that:
//! - An operation that only looks takes effect as soon as the state agrees with it: it stands in nobody's way.
//! - Of equal pending operations the one that returns first takes effect first: any other order can be swapped into this.
//! - Optional operations (`info`) are counted by what they do, and used only where no equal one must happen anyway.
//! - A write that was pending when another one was seen may have happened just before that one; whether it did is left
//!   open until it returns.
//! - Where a dive from order to order takes long, all of them are followed at once, return by return, and whatever can go
//!   no further than another is dropped.
//! - Where a list or a text only grows, it must stay a beginning of what is read next.

mod paths;

use super::fifo;
use super::history::{NEVER, Operation, Part};
use super::memo::{Entry, Memo, Usages};
use super::model::{Action, Model, Store};
use super::value::Value;
use super::whole;

/// How many configurations a search remembers before it gives up.
pub const MAX_CONFIGURATIONS: usize = 8_000_000;

/// How many steps a dive may take before all paths are followed at once; some more for each operation.
const DIVE_STEPS: u64 = 50_000;

/// How many steps all paths are followed before one is tried with more patience.
const SWEEP_STEPS: u64 = 3_000_000;

/// How many steps are taken between two questions whether to go on.
pub const SLICE: u64 = 1 << 12;

/// How long a check may go on: it is asked after every [`SLICE`] of steps.
pub(super) struct Budget<'a> {
    pub(super) steps: u64,
    pub(super) go_on: &'a mut dyn FnMut(u64) -> bool,
    pub(super) over: bool,
}

impl Budget<'_> {
    /// Takes some steps; whether there are more.
    pub(super) fn spend(&mut self, steps: u64) -> bool {
        // The first step asks too, so that no time at all is none.
        let before = self.steps.div_ceil(SLICE);
        self.steps += steps;
        if self.steps.div_ceil(SLICE) != before && !self.over {
            self.over = !(self.go_on)(self.steps);
        }
        !self.over
    }
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// An order.
    Order,
    /// That there is none: the operation that no order brought to its return, and the states that they came to there.
    NoOrder(usize, Vec<u32>),
    /// Nothing within its budget.
    Nothing,
}

/// Which optional operations do the same, and when each was called.
struct Class {
    action: Action,
    invoked: Vec<u32>,
}

/// What the operations that took effect have come to, but for which these were.
#[derive(Clone, Copy)]
struct Point {
    state: u32,
    usage: u32,
    /// When a register was last written where somebody could see it. Whatever write was pending then may have taken
    /// effect just before, unseen; whether it did need not be decided before it returns.
    since: u32,
}

/// Stands in the memory for every value that nobody names any more.
const NAMELESS: u32 = u32::MAX;

struct Search<'a> {
    store: &'a mut Store,
    operations: Vec<Operation>,
    /// The operations that return, in that order, and those pending as each does.
    returns: Vec<u32>,
    pending: Vec<u32>,
    pending_from: Vec<usize>,
    /// The place of each operation's bit, free again when it has returned.
    slot: Vec<u32>,
    width: usize,
    /// Equal actions have equal classes; those of optional ones come first.
    class: Vec<u32>,
    optional: Vec<Class>,
    /// For each class of optional ones its size; a stamp for every class.
    stamps: Vec<u64>,
    stamp: u64,
    /// Whether a write may go unseen: what it put there was replaced at once.
    hides: bool,
    /// When each value is looked at for the last time, where writes may be hidden.
    last_seen: Option<Vec<u32>>,
    /// When each value of a register is seen or looked for for the last time; empty where states are no plain values.
    last_named: Vec<u32>,
    /// For each return, where states are values: the latest call of who may have written what it saw; [`NEVER`] where
    /// that was an optional one.
    latest_source: Vec<u32>,
    /// For each return the next of an operation that saw a value.
    next_sight: Vec<u32>,
    growing: Option<Growing>,
    memo: Memo,
    usages: Usages,
    looking: Vec<u64>,
    writing: Vec<u64>,
    due: Vec<u64>,
}

/// What is needed to tell whether a list can still become what is read next.
struct Growing {
    /// For each return the next that is a read's.
    next_read: Vec<u32>,
    /// When the writes that must happen are called, ascending; and the first that may.
    writes: Vec<u32>,
    first_optional: u32,
}

/// Whether an action puts something else in the place of what was there.
fn resets(action: Action) -> bool {
    matches!(action, Action::Write(_) | Action::Cas(..))
}

/// For each return of who saw a value: the latest call, before it, of another who wrote that.
fn latest_sources(operations: &[Operation], returns: &[u32]) -> Vec<u32> {
    let mut sources: Vec<(Value, u32, u32)> = Vec::new();
    for one in operations {
        sources.extend(one.action.puts().map(|value| (value, one.invoked, one.returned)));
    }
    sources.sort_unstable();
    // An optional one may take effect at any later time.
    for at in 0..sources.len() {
        if at > 0 && sources[at - 1].0 == sources[at].0 && sources[at - 1].2 == NEVER {
            sources[at].2 = NEVER;
        }
    }
    let latest = |place: &u32| {
        let one = &operations[*place as usize];
        let Some(value) = one.action.saw() else { return 0 };
        let before = sources.partition_point(|source| (source.0, source.1) < (value, one.returned));
        match before.checked_sub(1).map(|at| sources[at]) {
            Some((found, invoked, returned)) if found == value => {
                if returned == NEVER {
                    NEVER
                } else {
                    invoked
                }
            }
            _ => 0,
        }
    };
    returns.iter().map(latest).collect()
}

/// Operations without those that cannot matter: optional ones whose value nobody looks at.
pub(super) fn relevant(operations: &[Operation]) -> Vec<Operation> {
    let any = |test: fn(&Action) -> bool| operations.iter().any(|operation| test(&operation.action));
    // These look at more than one value.
    if any(|action| matches!(action, Action::CasFailed(_) | Action::Append(_))) {
        return operations.to_vec();
    }
    let mut seen: Vec<Value> = Vec::new();
    let mut kept: Vec<bool> = operations.iter().map(|operation| operation.returned != NEVER).collect();
    seen.extend(operations.iter().filter(|one| one.returned != NEVER).filter_map(|one| one.action.saw()));
    seen.sort_unstable();
    seen.dedup();
    // An optional compare-and-set that matters makes what it compares with matter.
    loop {
        let mut more = Vec::new();
        for (place, operation) in operations.iter().enumerate().filter(|(_, one)| one.returned == NEVER) {
            let matters = match operation.action {
                Action::Write(value) | Action::Cas(_, value) | Action::Enqueue(value) => {
                    seen.binary_search(&value).is_ok()
                }
                _ => true,
            };
            if matters && !kept[place] {
                kept[place] = true;
                more.extend(operation.action.saw());
            }
        }
        if more.is_empty() {
            break;
        }
        seen.extend(more);
        seen.sort_unstable();
        seen.dedup();
    }
    operations.iter().zip(kept).filter(|(_, kept)| *kept).map(|(operation, _)| *operation).collect()
}

/// Whether a part has an order, by the search that suits it; nothing where `limit` steps do not tell.
pub(super) fn decide(store: &mut Store, part: &Part, budget: &mut Budget, limit: u64) -> Option<bool> {
    match part.model {
        Model::Queue => fifo::decide(store, part, budget, limit),
        Model::Set => whole::decide(store, part, budget, limit),
        _ => match search(store, part, budget, limit) {
            Found::Order => Some(true),
            Found::NoOrder(..) => Some(false),
            Found::Nothing => None,
        },
    }
}

/// Searches for an order of a part's operations; not for longer than `limit` steps. The operation in the answer counts
/// among the part's own.
pub(super) fn search(store: &mut Store, part: &Part, budget: &mut Budget, limit: u64) -> Found {
    let operations = relevant(&part.operations);
    let mut search = Search::new(store, operations);
    let soon = limit.min(DIVE_STEPS + 4 * part.operations.len() as u64);
    let mut found = search.dive(part.initial, budget, soon);
    for (sweeps, limit) in [(true, limit.min(SWEEP_STEPS)), (false, limit), (true, limit)] {
        if found != Found::Nothing || budget.over {
            break;
        }
        // What one way remembered is of no use to the other.
        search.memo = Memo::new(search.width);
        found = match sweeps {
            true => search.sweep(part.initial, budget, limit),
            false => search.dive(part.initial, budget, limit),
        };
    }
    match found {
        Found::NoOrder(stuck, states) => {
            let invoked = search.operations[stuck].invoked;
            let place = part.operations.iter().position(|one| one.invoked == invoked);
            Found::NoOrder(place.expect("it came from there"), states)
        }
        other => other,
    }
}

impl<'a> Search<'a> {
    fn new(store: &'a mut Store, operations: Vec<Operation>) -> Search<'a> {
        let mut returns: Vec<u32> = (0..operations.len() as u32).collect();
        returns.retain(|place| operations[*place as usize].returned != NEVER);
        returns.sort_unstable_by_key(|place| operations[*place as usize].returned);
        // Classes: first those that are optional, by their actions.
        let mut actions: Vec<Action> =
            operations.iter().filter(|one| one.returned == NEVER).map(|one| one.action).collect();
        actions.sort_unstable();
        actions.dedup();
        let count = actions.len();
        let mut others: Vec<Action> = operations.iter().map(|one| one.action).collect();
        others.sort_unstable();
        others.dedup();
        let class = |action: Action| match actions.binary_search(&action) {
            Ok(place) => place as u32,
            Err(_) => (count + others.binary_search(&action).unwrap_or(0)) as u32,
        };
        let class: Vec<u32> = operations.iter().map(|one| class(one.action)).collect();
        let mut optional: Vec<Class> =
            actions.iter().map(|action| Class { action: *action, invoked: Vec::new() }).collect();
        for (place, one) in operations.iter().enumerate().filter(|(_, one)| one.returned == NEVER) {
            optional[class[place] as usize].invoked.push(one.invoked);
        }
        // Bits and what is pending at each return, by walking calls and returns together.
        let mut slot = vec![0; operations.len()];
        let (mut free, mut slots, mut called) = (Vec::new(), 0_u32, 0);
        let (mut now_pending, mut pending, mut pending_from) = (Vec::<u32>::new(), Vec::new(), Vec::new());
        for place in &returns {
            let at = operations[*place as usize].returned;
            while called < operations.len() && operations[called].invoked < at {
                if operations[called].returned != NEVER {
                    slot[called] = free.pop().unwrap_or_else(|| {
                        slots += 1;
                        slots - 1
                    });
                    let returned = |place: u32| operations[place as usize].returned;
                    let after = now_pending.partition_point(|other| returned(*other) < operations[called].returned);
                    now_pending.insert(after, called as u32);
                }
                called += 1;
            }
            pending_from.push(pending.len());
            pending.extend(&now_pending);
            now_pending.retain(|other| other != place);
            free.push(slot[*place as usize]);
        }
        pending_from.push(pending.len());
        let any = |test: fn(&Action) -> bool| operations.iter().any(|one| test(&one.action));
        let appends = any(|action| matches!(action, Action::Append(_)));
        let hides = any(|action| matches!(action, Action::Write(_))) && !appends;
        let plain = hides && !any(|action| matches!(action, Action::CasFailed(_)));
        let last_seen = plain.then(|| {
            let mut last = vec![0; store.values.count()];
            for one in &operations {
                if let Some(value) = one.action.saw() {
                    last[value.0 as usize] = one.returned.max(last[value.0 as usize]);
                }
            }
            last
        });
        let mut next_sight = vec![u32::MAX; returns.len() + 1];
        for (at, place) in returns.iter().enumerate().rev() {
            let sees = operations[*place as usize].action.saw().is_some();
            next_sight[at] = if sees { at as u32 } else { next_sight[at + 1] };
        }
        let values = any(|action| matches!(action, Action::Write(_) | Action::Cas(..))) && !appends;
        let latest_source = if values { latest_sources(&operations, &returns) } else { Vec::new() };
        let mut last_named = if values { vec![0; store.values.count()] } else { Vec::new() };
        for one in operations.iter().filter(|_| values) {
            if let Action::Read(value) | Action::Cas(Value(value), _) | Action::CasFailed(Value(value)) = one.action {
                last_named[value as usize] = one.returned.max(last_named[value as usize]);
            }
        }
        if let Some(last) = last_named.get_mut(Value::ANYTHING.0 as usize) {
            *last = NEVER;
        }
        let growing = appends.then(|| {
            let mut next_read = vec![u32::MAX; returns.len() + 1];
            for (at, place) in returns.iter().enumerate().rev() {
                let read = matches!(operations[*place as usize].action, Action::Read(_));
                next_read[at] = if read { at as u32 } else { next_read[at + 1] };
            }
            let resetting = || operations.iter().filter(|one| resets(one.action));
            Growing {
                next_read,
                writes: resetting().filter(|one| one.returned != NEVER).map(|one| one.invoked).collect(),
                first_optional: resetting()
                    .filter(|one| one.returned == NEVER)
                    .map(|one| one.invoked)
                    .min()
                    .unwrap_or(NEVER),
            }
        });
        let width = (slots as usize).div_ceil(64).max(1);
        Search {
            store,
            returns,
            pending,
            pending_from,
            slot,
            width,
            stamps: vec![0; count + others.len() + 1],
            class,
            optional,
            stamp: 0,
            hides,
            last_seen,
            last_named,
            next_sight,
            latest_source,
            growing,
            memo: Memo::new(width),
            usages: Usages::default(),
            looking: vec![0; width],
            writing: vec![0; width],
            due: vec![0; width],
            operations,
        }
    }

    fn done(&self, place: u32, bits: &[u64]) -> bool {
        let slot = self.slot[place as usize] as usize;
        bits[slot / 64] >> (slot % 64) & 1 == 1
    }

    fn set(&self, place: u32, bits: &mut [u64]) {
        let slot = self.slot[place as usize] as usize;
        bits[slot / 64] |= 1 << (slot % 64);
    }

    fn pending(&self, at: usize) -> std::ops::Range<usize> {
        self.pending_from[at]..self.pending_from[at + 1]
    }

    /// Lets all that only look and agree with the state take effect. Whether the return then needs nothing more: its
    /// bit is free again.
    fn look(&mut self, at: usize, state: u32, bits: &mut [u64]) -> bool {
        for place in self.pending(at).map(|place| self.pending[place]) {
            let action = self.operations[place as usize].action;
            if action.observes() && !self.done(place, bits) && self.store.apply(state, action) == Some(state) {
                self.set(place, bits);
            }
        }
        let target = self.returns[at];
        let done = self.done(target, bits);
        if done {
            let slot = self.slot[target as usize] as usize;
            bits[slot / 64] &= !(1 << (slot % 64));
        }
        done
    }

    /// The bits of what only looks, at a return, and those of writes that may go unseen.
    fn lookers(&mut self, at: usize) {
        let (mut lookers, mut writers) = (std::mem::take(&mut self.looking), std::mem::take(&mut self.writing));
        lookers.fill(0);
        writers.fill(0);
        for place in self.pending(at).map(|place| self.pending[place]) {
            let action = self.operations[place as usize].action;
            if action.observes() {
                self.set(place, &mut lookers);
            } else if self.hides && matches!(action, Action::Write(_)) {
                self.set(place, &mut writers);
            }
        }
        (self.looking, self.writing) = (lookers, writers);
    }

    /// Whether a configuration is worth going on from; of a return whose [`Search::lookers`] are known.
    fn is_new(&mut self, memo: Option<&mut Memo>, at: usize, key: u32, point: Point, bits: &[u64]) -> bool {
        let mut due = std::mem::take(&mut self.due);
        due.fill(0);
        if self.hides {
            for place in self.pending(at).map(|place| self.pending[place]) {
                let one = &self.operations[place as usize];
                if one.invoked >= point.since && matches!(one.action, Action::Write(_)) && !self.done(place, bits) {
                    self.set(place, &mut due);
                }
            }
        }
        let Point { state, usage, since } = point;
        // What nobody names any more is as good as any other such value.
        let now = self.operations[self.returns[at] as usize].returned;
        let named = self.last_named.get(state as usize).is_none_or(|last| *last >= now);
        let state = if named { state } else { NAMELESS };
        let (lookers, writers) = (&self.looking, &self.writing);
        let entry = Entry { at: key, state, usage, since, bits, lookers, writers, due: &due };
        let new = memo.unwrap_or(&mut self.memo).is_new(&entry, &self.usages);
        self.due = due;
        new
    }

    /// Goes on through every return that needs nothing new; where one does, how far that is.
    fn walk(&mut self, mut at: usize, point: Point, bits: &mut [u64]) -> usize {
        while at < self.returns.len() {
            let passes = self.look(at, point.state, bits) || self.hidden(at, point.since) && self.forgotten(at);
            if !passes {
                break;
            }
            at += 1;
        }
        at
    }

    /// What may take effect next, the most promising first: the operation that returns, then what would bring about
    /// what it saw, then what must happen, then what may. An optional class is given past the operations.
    fn candidates(&mut self, at: usize, bits: &[u64], usage: u32, out: &mut Vec<u32>) {
        self.stamp += 1;
        let first = out.len();
        let target = self.returns[at];
        let wanted = self.operations[target as usize].action.saw();
        for place in self.pending(at).map(|place| self.pending[place]) {
            let class = self.class[place as usize] as usize;
            if !self.done(place, bits) && self.stamps[class] != self.stamp {
                self.stamps[class] = self.stamp;
                out.push(place);
            }
        }
        let now = self.operations[target as usize].returned;
        for (class, of) in self.optional.iter().enumerate() {
            let called = of.invoked.partition_point(|invoked| *invoked < now);
            if self.stamps[class] != self.stamp && usize::from(self.usages.get(usage)[class]) < called {
                out.push((self.operations.len() + class) as u32);
            }
        }
        if wanted.is_some() {
            let puts = |candidate: u32| self.action(candidate).puts() == wanted;
            let mut front = first;
            for place in first..out.len() {
                if puts(out[place]) {
                    out[front..=place].rotate_right(1);
                    front += 1;
                }
            }
        }
        if let Some(place) = out[first..].iter().position(|place| *place == target) {
            out[first..=first + place].rotate_right(1);
        }
    }

    fn action(&self, candidate: u32) -> Action {
        let candidate = candidate as usize;
        match self.operations.get(candidate) {
            Some(operation) => operation.action,
            None => self.optional[candidate - self.operations.len()].action,
        }
    }

    /// Whether the operation that returns is a write that may have gone unseen: it was pending when something was written
    /// over it.
    fn hidden(&self, at: usize, since: u32) -> bool {
        let target = self.operations[self.returns[at] as usize];
        matches!(target.action, Action::Write(_)) && target.invoked < since
    }

    /// The value that the next to return must see that has not seen it yet.
    fn next_sight(&self, at: usize, bits: &[u64]) -> Option<Value> {
        let now = self.operations[self.returns[at] as usize].returned;
        let mut next = at;
        loop {
            next = *self.next_sight.get(next)? as usize;
            let place = *self.returns.get(next)?;
            let one = &self.operations[place as usize];
            if one.invoked > now || !self.done(place, bits) {
                return one.action.saw();
            }
            next += 1;
        }
    }

    /// Whether somebody who returns soon must see a value that is not there, and that nobody is left to write in time.
    fn starved(&self, at: usize, state: u32, bits: &[u64]) -> bool {
        if self.latest_source.is_empty() || state == Value::ANYTHING.0 {
            return false;
        }
        let now = self.operations[self.returns[at] as usize].returned;
        let pending = &self.pending[self.pending(at)];
        let until = (at + 2 * pending.len() + 2).min(self.returns.len());
        (at..until).any(|next| {
            let place = self.returns[next];
            let one = &self.operations[place as usize];
            let Some(value) = one.action.saw().filter(|value| value.0 != state) else { return false };
            let writes = |other: &u32| {
                *other != place
                    && self.operations[*other as usize].action.puts() == Some(value)
                    && !self.done(*other, bits)
            };
            self.latest_source[next] <= now
                && !(one.invoked < now && self.done(place, bits))
                && !pending.iter().any(writes)
        })
    }

    /// Whether nobody looks any more at what the returning operation wrote.
    fn forgotten(&self, at: usize) -> bool {
        let target = self.operations[self.returns[at] as usize];
        let last = self.last_seen.as_ref().zip(target.action.puts()).map(|(last, value)| last[value.0 as usize]);
        last.is_some_and(|last| last < target.returned)
    }

    /// Whether a list that can only grow can still become what is read next.
    fn promises(&self, at: usize, state: u32, bits: &[u64]) -> bool {
        let Some(growing) = &self.growing else { return true };
        if state == Value::ANYTHING.0 {
            return true;
        }
        let now = self.operations[self.returns[at] as usize].returned;
        let mut next = growing.next_read[at];
        let read = loop {
            let Some(place) = self.returns.get(next as usize) else { return true };
            let read = self.operations[*place as usize];
            if read.invoked > now || !self.done(*place, bits) {
                break read;
            }
            next = growing.next_read[next as usize + 1];
        };
        let still = |place: &u32| resets(self.operations[*place as usize].action) && !self.done(*place, bits);
        let before = |time: u32| growing.writes.partition_point(|invoked| *invoked < time);
        if growing.first_optional < read.returned
            || before(now) < before(read.returned)
            || self.pending[self.pending(at)].iter().any(still)
        {
            return true;
        }
        let Action::Read(list) = read.action else { return true };
        state == Value::NULL.0 || self.store.values.begins(Value(list), Value(state))
    }

    /// Lets a candidate take effect, if the state allows it: the state and the usage after.
    fn take(&mut self, at: usize, point: Point, candidate: u32, bits: &mut [u64]) -> Option<Point> {
        let Point { state, usage, mut since } = point;
        let action = self.action(candidate);
        let new = self.store.apply(state, action)?;
        if action.observes() && new == state {
            return None;
        }
        if matches!(action, Action::Write(_)) && self.hides {
            since = self.operations[self.returns[at] as usize].returned;
        }
        let Some(class) = (candidate as usize).checked_sub(self.operations.len()) else {
            self.set(candidate, bits);
            return Some(Point { state: new, usage, since });
        };
        let mut counts = self.usages.get(usage).to_vec();
        counts[class] += 1;
        Some(Point { state: new, usage: self.usages.intern(&counts), since })
    }
}
