//! From a history that has no order to the smallest part of it found that has none either.
//!
//! Whatever is left out or loosened here leaves a history with an order one with an order, so that the rest is proof
//! enough by itself: what was called after the return that no order reaches; operations that only look; a value with all
//! who put it there and all who saw it; of a list, a set or a queue an element; and, where the state is one value, all
//! that happened before an instant, with whatever state it left.

use super::counter;
use super::history::{NEVER, Operation, Part};
use super::model::{Action, Model, Store};
use super::quick;
use super::search::{Budget, Found, decide, relevant, search};
use super::value::Value;
use super::whole;

/// How many steps one question may cost while a violation is made smaller, and all of them together.
const ONE_STEPS: u64 = 300_000;
/// See [`ONE_STEPS`].
const ALL_STEPS: u64 = 12_000_000;

/// Whether a part is linearizable; nothing where that cannot be told within `limit` steps.
pub(super) fn holds(store: &mut Store, part: &Part, budget: &mut Budget, limit: u64) -> Option<bool> {
    budget.spend(part.operations.len() as u64 / 4);
    quick::decide(store, part).or_else(|| decide(store, part, budget, limit))
}

struct Shrinker<'a, 'b, 'c> {
    store: &'a mut Store,
    budget: &'b mut Budget<'c>,
    until: u64,
    part: Part,
}

/// The smallest violated part found, which of its operations no order brings to its return, and the states there.
pub(super) fn shrink(store: &mut Store, part: Part, budget: &mut Budget) -> (Part, usize, Vec<u32>) {
    let until = budget.steps + ALL_STEPS;
    let mut shrinker = Shrinker { store, budget, until, part };
    match shrinker.part.model {
        Model::Set => shrinker.keep_one_value(),
        // The fewer values, the quicker is each question that follows.
        Model::Queue => shrinker.drop_values(),
        _ => {}
    }
    shrinker.end_early();
    let simple = |one: &Operation| matches!(one.action, Action::Read(_) | Action::Write(_));
    if shrinker.part.model.holds_a_value() && !shrinker.part.operations.iter().all(simple) {
        shrinker.begin_late();
    }
    loop {
        let before = shrinker.part.operations.len();
        shrinker.drop_lookers();
        shrinker.drop_values();
        if shrinker.part.operations.len() == before || shrinker.spent() {
            break;
        }
    }
    if shrinker.part.model.holds_a_value() {
        shrinker.begin_late();
        shrinker.drop_lookers();
    }
    shrinker.end_early();
    if shrinker.part.model == Model::Counter {
        let part = counter::fold(&shrinker.part);
        shrinker.try_part(part);
    }
    let Shrinker { store, budget, mut part, .. } = shrinker;
    part.operations = relevant(&part.operations);
    // What it comes to is said of the small history, where the search sees every order.
    let mut patient = |_| true;
    let mut last = Budget { steps: 0, go_on: &mut patient, over: false };
    let found = search(store, &part, &mut last, ONE_STEPS);
    budget.spend(last.steps);
    // It was cut where no order goes on: at its last return.
    let returned = part.operations.iter().enumerate().filter(|(_, one)| one.returned != NEVER);
    let last = returned.max_by_key(|(_, one)| one.returned).map_or(0, |(place, _)| place);
    match found {
        Found::NoOrder(stuck, states) if stuck == last => (part, last, states),
        _ => (part, last, Vec::new()),
    }
}

impl Shrinker<'_, '_, '_> {
    fn spent(&self) -> bool {
        self.budget.over || self.budget.steps > self.until
    }

    /// Takes a smaller part if it is violated too.
    fn try_part(&mut self, part: Part) -> bool {
        let violated = !self.spent() && holds(self.store, &part, self.budget, ONE_STEPS) == Some(false);
        if violated {
            self.part = part;
        }
        violated
    }

    fn with(&self, operations: Vec<Operation>) -> Part {
        let Part { key, model, initial, .. } = self.part;
        Part { key, model, initial, operations }
    }

    /// What was known at an instant.
    fn until(&self, end: u32) -> Part {
        let called = self.part.operations.iter().filter(|one| one.invoked < end);
        let known = called.filter_map(|one| match one.action {
            _ if one.returned <= end => Some(*one),
            action if action.observes() || matches!(action, Action::Read(_)) => None,
            Action::Dequeue(_) => Some(Operation { action: Action::DequeueSome, returned: NEVER, ..*one }),
            _ => Some(Operation { returned: NEVER, ..*one }),
        });
        self.with(known.collect())
    }

    /// Ends with the first return that no order reaches.
    fn end_early(&mut self) {
        let mut returns: Vec<u32> = self.part.operations.iter().map(|one| one.returned).collect();
        returns.retain(|returned| *returned != NEVER);
        returns.sort_unstable();
        // Below `low` there are orders, at `high` there is none.
        let (mut low, mut high) = (0, returns.len());
        while low < high && !self.spent() {
            let middle = usize::midpoint(low, high);
            let part = self.until(returns[middle]);
            if self.try_part(part) { high = middle } else { low = middle + 1 }
        }
    }

    /// What happened from an instant on, whatever the state was then: who was under way may yet take effect, or not.
    fn from(&self, begin: u32) -> Part {
        let known = self.part.operations.iter().filter(|one| one.returned > begin);
        let known = known.filter_map(|one| match one.action {
            _ if one.invoked > begin => Some(*one),
            action if action.observes() => None,
            _ => Some(Operation { returned: NEVER, ..*one }),
        });
        let mut part = self.with(known.collect());
        part.operations = relevant(&part.operations);
        part.initial = Value::ANYTHING.0;
        part
    }

    /// Begins as late as it can: in windows that double from the end, then halving the step.
    fn begin_late(&mut self) {
        let calls: Vec<u32> = self.part.operations.iter().map(|one| one.invoked).collect();
        let mut window = 4;
        let mut low = loop {
            if window >= calls.len() || self.spent() {
                return;
            }
            let part = self.from(calls[calls.len() - window] - 1);
            if self.try_part(part) {
                break calls.len() - window;
            }
            window *= 2;
        };
        let mut high = calls.len() - window / 2;
        while low + 1 < high && !self.spent() {
            let middle = usize::midpoint(low, high);
            let part = self.from(calls[middle] - 1);
            if self.try_part(part) { low = middle } else { high = middle }
        }
    }

    /// Leaves out as many of `units` as it can: halves, quarters, and so on down to one at a time (after Zeller and
    /// Hildebrandt 2002).
    fn drop_units<T: Copy + Ord>(&mut self, mut units: Vec<T>, without: impl Fn(&mut Self, &[T]) -> Option<Part>) {
        let mut size = units.len().div_ceil(2);
        while size > 0 && !units.is_empty() && !self.spent() {
            let mut at = 0;
            while at < units.len() && !self.spent() {
                let end = (at + size).min(units.len());
                let dropped = without(self, &units[at..end]).is_some_and(|part| self.try_part(part));
                if dropped {
                    units.drain(at..end);
                } else {
                    at = end;
                }
            }
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
    }

    fn drop_lookers(&mut self) {
        let looks = |one: &&Operation| one.action.observes();
        let calls: Vec<u32> = self.part.operations.iter().filter(looks).map(|one| one.invoked).collect();
        self.drop_units(calls, |this, calls| {
            let mut operations = this.part.operations.clone();
            operations.retain(|one| calls.binary_search(&one.invoked).is_err());
            Some(this.with(operations))
        });
    }

    fn drop_values(&mut self) {
        let any = |test: fn(&Action) -> bool| self.part.operations.iter().any(|one| test(&one.action));
        let registers = self.part.model.holds_a_value();
        if registers && any(|action| matches!(action, Action::Append(_) | Action::CasFailed(_))) {
            return;
        }
        let values = self.values();
        self.drop_units(values, |this, values| Some(this.without_values(values)));
    }

    /// Every value that can be left out.
    fn values(&self) -> Vec<Value> {
        let registers = self.part.model.holds_a_value();
        let mut kept: Vec<Value> = Vec::new();
        let mut values: Vec<Value> = Vec::new();
        for one in &self.part.operations {
            match one.action {
                Action::Cas(from, to) => kept.extend([from, to]),
                Action::Remove(value) | Action::Contains(value, _) => values.push(value),
                Action::Read(_) if !registers => {}
                action => values.extend(action.puts().into_iter().chain(action.saw())),
            }
        }
        if self.part.model == Model::Set || self.part.model == Model::ListAppend {
            // What was there from the beginning, too.
            values.extend(self.shown());
        }
        kept.sort_unstable();
        values.sort_unstable();
        values.dedup();
        values.retain(|value| kept.binary_search(value).is_err());
        values
    }

    /// Of a set, keeps nothing but a value whose own history has no order, if there is one.
    fn keep_one_value(&mut self) {
        let Some(value) = whole::broken_value(self.store, &self.part, self.budget) else { return };
        let mut others = self.values();
        others.retain(|other| *other != value);
        let part = self.without_values(&others);
        self.try_part(part);
    }

    /// Every value that a read or the beginning shows.
    fn shown(&self) -> Vec<Value> {
        let reads = self.part.operations.iter().filter_map(|one| match one.action {
            Action::Read(state) => Some(state),
            _ => None,
        });
        let mut states: Vec<u32> = reads.chain([self.part.initial]).collect();
        states.sort_unstable();
        states.dedup();
        let mut values: Vec<Value> = states
            .into_iter()
            .flat_map(|state| match self.part.model {
                Model::Set => self.store.sets.without(state, super::state::EMPTY_SET),
                _ => self.store.values.items(Value(state)),
            })
            .collect();
        values.sort_unstable();
        values.dedup();
        values
    }

    /// A state of the part's model without some elements.
    fn project(&mut self, state: u32, values: &[Value]) -> u32 {
        let kept = |value: &Value| values.binary_search(value).is_err();
        match self.part.model {
            Model::ListAppend => {
                let items = self.store.values.items(Value(state));
                self.store.values.list(items.into_iter().filter(kept)).0
            }
            Model::Queue => {
                let mut items = self.store.queues.items(&self.store.values, state);
                items.retain(kept);
                self.store.queues.of(&mut self.store.values, &items)
            }
            Model::Set => {
                let mut items = self.store.sets.without(state, super::state::EMPTY_SET);
                items.retain(kept);
                self.store.sets.of(&items)
            }
            _ => state,
        }
    }

    fn without_values(&mut self, values: &[Value]) -> Part {
        let gone = |value: Value| values.binary_search(&value).is_ok();
        let registers = self.part.model.holds_a_value();
        let mut operations = Vec::with_capacity(self.part.operations.len());
        let mut last = None;
        for one in self.part.operations.clone() {
            let action = match one.action {
                Action::Read(state) if !registers => {
                    // Neighbours often read the same.
                    let projected = match last {
                        Some((before, after)) if before == state => after,
                        _ => self.project(state, values),
                    };
                    last = Some((state, projected));
                    Action::Read(projected)
                }
                Action::Remove(value) | Action::Contains(value, _) if gone(value) => continue,
                action if action.puts().into_iter().chain(action.saw()).any(gone) => continue,
                action => action,
            };
            operations.push(Operation { action, ..one });
        }
        let mut part = self.with(operations);
        part.initial = self.project(part.initial, values);
        part
    }
}
