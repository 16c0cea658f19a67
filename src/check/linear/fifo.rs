//! Queues into which equal values may be put: a search for the order of their elements.
//!
//! The order in which elements go in is the order in which they come out. So an order of a queue's history is a row of
//! pairs, who put an element in and who took it out, such that nobody stands in the row behind another who was called
//! only after he had returned, be it among those who put or among those who take, and nobody took an element before all
//! up to it could have been put in. Where the queue was found empty, all pairs so far must be over and no other begun.
//! That row is built from its beginning:
//! - Of calls that put in the same value, and could both be next, the one that returns first is: any other row can be
//!   swapped into this. Likewise of those who take it, unless the queue was found empty between the two.
//! - A pair that could be next, and of whose value nobody returns earlier, is next, without a choice: in any other row it
//!   can be moved to the front, unless the queue was found empty before. With each value put in once there is nothing else; this is then the third aspect of
//!   Henzinger, Sezgin and Vafeiadis (2013), and decreases the history as Emmi and Enea do (2018).
//! - What was taken by a call that nobody heard of again may as well have gone as late as it can: right before someone
//!   comes next in the row who was called after it had been put in, or before the queue is found empty. So such calls
//!   take only what stands in the way, and nothing of the value that comes next.

use super::history::Part;
use super::history::{NEVER, Operation};
use super::model::{Action, Store};
use super::search::{Budget, MAX_CONFIGURATIONS, relevant};
use super::value::{Index, Value, hash};

const NONE: u32 = u32::MAX;

/// Rows of calls that can be taken out and put back in the opposite order (dancing links).
struct Links {
    next: Vec<u32>,
    before: Vec<u32>,
    /// The place of the first row's head; every row has one.
    heads: usize,
}

impl Links {
    fn new(calls: usize, rows: usize) -> Links {
        let all: Vec<u32> = (0..(calls + rows) as u32).collect();
        Links { next: all.clone(), before: all, heads: calls }
    }

    /// Adds a call at the end of a row.
    fn push(&mut self, row: usize, call: u32) {
        let head = (self.heads + row) as u32;
        let last = self.before[head as usize];
        self.next[last as usize] = call;
        self.before[call as usize] = last;
        self.next[call as usize] = head;
        self.before[head as usize] = call;
    }

    fn after(&self, call: usize) -> Option<usize> {
        let next = self.next[call] as usize;
        (next < self.heads).then_some(next)
    }

    fn first(&self, row: usize) -> Option<usize> {
        self.after(self.heads + row)
    }

    fn remove(&mut self, call: usize) {
        let (before, next) = (self.before[call], self.next[call]);
        self.next[before as usize] = next;
        self.before[next as usize] = before;
    }

    fn put_back(&mut self, call: usize) {
        let (before, next) = (self.before[call], self.next[call]);
        self.next[before as usize] = call as u32;
        self.before[next as usize] = call as u32;
    }
}

/// A call that puts in or takes out; its value is a number from 0, [`NONE`] where the queue was found empty.
#[derive(Clone, Copy)]
struct Call {
    value: u32,
    invoked: u32,
    returned: u32,
}

/// Those who put in, or those who take out.
struct Side {
    calls: Vec<Call>,
    /// By return; who never returned is not among them.
    by_return: Links,
    /// By call, these too.
    by_call: Links,
    /// Of each value, by return and then by call: all of them.
    by_value: Links,
    /// How many of each value are left.
    left: Vec<u32>,
    /// Tells the two sides apart.
    salt: u64,
}

impl Side {
    fn new(mut calls: Vec<Call>, values: usize, salt: u64) -> Side {
        calls.sort_unstable_by_key(|one| (one.invoked, one.returned));
        let count = calls.len();
        let mut by_call = Links::new(count, 1);
        let mut order: Vec<u32> = (0..count as u32).collect();
        let returns = |call: u32| calls[call as usize].returned;
        order.iter().filter(|call| returns(**call) != NEVER).for_each(|call| by_call.push(0, *call));
        order.sort_unstable_by_key(|call| (returns(*call), *call));
        let (mut by_return, mut by_value) = (Links::new(count, 1), Links::new(count, values));
        let mut left = vec![0; values];
        for call in order {
            let Call { value, returned, .. } = calls[call as usize];
            if returned != NEVER {
                by_return.push(0, call);
            }
            if value != NONE {
                by_value.push(value as usize, call);
                left[value as usize] += 1;
            }
        }
        Side { calls, by_return, by_call, by_value, left, salt }
    }

    /// The earliest return of those who are left.
    fn returns(&self) -> u32 {
        self.by_return.first(0).map_or(NEVER, |call| self.calls[call].returned)
    }

    /// How many of those who are left return before an instant; one more than `most` where there are more.
    fn returned_before(&self, instant: u32, most: usize) -> usize {
        let (mut count, mut next) = (0, self.by_return.first(0));
        while let Some(call) = next.filter(|call| self.calls[*call].returned < instant && count <= most) {
            (count, next) = (count + 1, self.by_return.after(call));
        }
        count
    }

    fn remove(&mut self, call: usize) {
        let Call { value, returned, .. } = self.calls[call];
        if returned != NEVER {
            self.by_return.remove(call);
            self.by_call.remove(call);
        }
        if value != NONE {
            self.by_value.remove(call);
            self.left[value as usize] -= 1;
        }
    }

    fn put_back(&mut self, call: usize) {
        let Call { value, returned, .. } = self.calls[call];
        if returned != NEVER {
            self.by_return.put_back(call);
            self.by_call.put_back(call);
        }
        if value != NONE {
            self.by_value.put_back(call);
            self.left[value as usize] += 1;
        }
    }

    /// A hash that says which of them are gone, when all of these are folded together.
    fn weight(&self, call: usize) -> u128 {
        let half = |salt: u64| u128::from(hash([call as u64, self.salt + salt]));
        half(0) << 64 | half(1)
    }
}

/// The next of the row: who puts in ([`NONE`]: the queue was found empty) and who takes out ([`NONE`]: one of those that
/// nobody heard of again).
#[derive(Clone, Copy)]
struct Pair {
    put: u32,
    taken: u32,
    /// How many must be lost before.
    lost: u32,
}

/// What a pair changed, to be undone.
struct Done {
    pair: Pair,
    latest: u32,
}

/// A place in the row with a choice.
struct Choice {
    /// How long the row was.
    done: usize,
    /// Where its pairs begin, and which of them is next.
    first: usize,
    next: usize,
}

struct Fifo {
    puts: Side,
    takes: Side,
    /// Those who found the queue empty, by call; they are among `takes` too.
    empty: Links,
    /// When the takings were called that nobody heard of again, ascending; how many are used.
    lost: Vec<u32>,
    used: usize,
    /// The latest call of all in the row.
    latest: u32,
    /// Who is in the row.
    key: u128,
    row: Vec<Done>,
    stamps: Vec<u64>,
    stamp: u64,
}

/// Whether the history of a queue has an order; nothing where that cannot be told in `limit` steps.
pub(super) fn decide(store: &Store, part: &Part, budget: &mut Budget, limit: u64) -> Option<bool> {
    let operations = relevant(&part.operations);
    let initial = store.queues.items(&store.values, part.initial);
    let Some(mut fifo) = Fifo::new(&operations, &initial) else { return Some(false) };
    fifo.search(budget, limit)
}

impl Fifo {
    /// Nothing where something came out that nobody put in.
    fn new(operations: &[Operation], initial: &[Value]) -> Option<Fifo> {
        let mut values: Vec<Value> = initial.to_vec();
        values.extend(operations.iter().filter_map(|one| match one.action {
            Action::Enqueue(value) => Some(value),
            _ => None,
        }));
        values.sort_unstable();
        values.dedup();
        // Those of the beginning were put in one after another, before all.
        let later = |instant: u32| instant.saturating_add(initial.len() as u32);
        let (mut puts, mut takes, mut lost) = (Vec::new(), Vec::new(), Vec::new());
        let number = |value: &Value| values.binary_search(value).ok().map(|place| place as u32);
        for (place, value) in initial.iter().enumerate() {
            puts.push(Call { value: number(value)?, invoked: place as u32, returned: place as u32 });
        }
        for one in operations {
            let (invoked, returned) = (later(one.invoked), later(one.returned));
            match one.action {
                Action::Enqueue(value) => puts.push(Call { value: number(&value)?, invoked, returned }),
                Action::Dequeue(Value::NULL) => takes.push(Call { value: NONE, invoked, returned }),
                Action::Dequeue(value) => takes.push(Call { value: number(&value)?, invoked, returned }),
                Action::DequeueSome => lost.push(invoked),
                _ => {}
            }
        }
        lost.sort_unstable();
        let (puts, takes) = (Side::new(puts, values.len(), 0), Side::new(takes, values.len(), 2));
        let mut empty = Links::new(takes.calls.len(), 1);
        for (call, one) in takes.calls.iter().enumerate() {
            if one.value == NONE {
                empty.push(0, call as u32);
            }
        }
        let enough = puts.left.iter().zip(&takes.left).all(|(puts, takes)| puts >= takes);
        let stamps = vec![0; values.len()];
        let (row, stamp) = (Vec::new(), 0);
        enough.then_some(Fifo { puts, takes, empty, lost, used: 0, latest: 0, key: 0, row, stamps, stamp })
    }

    fn add(&mut self, pair: Pair) {
        let Pair { put, taken, .. } = pair;
        self.row.push(Done { pair, latest: self.latest });
        if put != NONE {
            self.puts.remove(put as usize);
            self.latest = self.latest.max(self.puts.calls[put as usize].invoked);
            self.key ^= self.puts.weight(put as usize);
        }
        if taken == NONE {
            self.latest = self.latest.max(self.lost[self.used]);
            self.used += 1;
            return;
        }
        self.takes.remove(taken as usize);
        self.latest = self.latest.max(self.takes.calls[taken as usize].invoked);
        self.key ^= self.takes.weight(taken as usize);
        if put == NONE {
            self.empty.remove(taken as usize);
        }
    }

    fn undo(&mut self, len: usize) {
        while self.row.len() > len {
            let Some(Done { pair: Pair { put, taken, .. }, latest }) = self.row.pop() else { return };
            self.latest = latest;
            if taken == NONE {
                self.used -= 1;
            } else {
                if put == NONE {
                    self.empty.put_back(taken as usize);
                }
                self.takes.put_back(taken as usize);
                self.key ^= self.takes.weight(taken as usize);
            }
            if put != NONE {
                self.puts.put_back(put as usize);
                self.key ^= self.puts.weight(put as usize);
            }
        }
    }

    /// Goes on as long as there is no choice. What can be next then, into `open`; whether all that must come out is out.
    fn go_on(&mut self, open: &mut Vec<Pair>) -> bool {
        loop {
            let (put_by, taken_by) = (self.puts.returns(), self.takes.returns());
            // Whoever was called after this comes later in the row.
            let until = put_by.min(taken_by);
            let empty = self.empty.first(0);
            if let Some(call) = empty
                && self.takes.calls[call].invoked.max(self.latest) < until
            {
                self.add(Pair { put: NONE, taken: call as u32, lost: 0 });
                continue;
            }
            let Some(mut call) = self.takes.by_call.first(0) else { return true };
            self.stamp += 1;
            open.clear();
            let mut sure = false;
            while !sure && self.takes.calls[call].invoked < taken_by {
                let value = self.takes.calls[call].value as usize;
                if value != NONE as usize && self.stamps[value] != self.stamp {
                    self.stamps[value] = self.stamp;
                    sure = self.pairs_of(value, put_by, taken_by, open);
                }
                let Some(next) = self.takes.by_call.after(call) else { break };
                call = next;
            }
            if !sure {
                open.sort_unstable_by_key(|pair| (pair.lost, self.takes.calls[pair.taken as usize].returned));
                if let Some(empty) = empty.filter(|call| self.takes.calls[*call].invoked < taken_by) {
                    open.push(Pair { put: NONE, taken: empty as u32, lost: NONE });
                }
                return false;
            }
            if let Some(pair) = open.pop() {
                self.add(pair);
            }
        }
    }

    /// The pairs of a value that can be next, into `open`; whether the last of them can be so in every row.
    fn pairs_of(&self, value: usize, put_by: u32, taken_by: u32, open: &mut Vec<Pair>) -> bool {
        let (mut earliest, mut next) = (taken_by, self.takes.by_value.first(value));
        while let Some(taken) = next {
            let called = self.takes.calls[taken].invoked;
            next = self.takes.by_value.after(taken);
            // Whoever returns later may be next only where that lets the queue be found empty before the other.
            if called >= earliest {
                continue;
            }
            earliest = called;
            let before = open.len();
            let free = self.puts_of(value, taken, put_by, taken_by, open);
            let in_nobodys_way = called < put_by
                || self.empty.first(0).is_none_or(|empty| {
                    let put = free.map_or(NEVER, |put| self.puts.calls[put].invoked);
                    self.takes.calls[empty].invoked > called.max(put)
                });
            let first = |side: &Side, call: usize| side.by_value.first(value) == Some(call);
            if in_nobodys_way {
                return open.len() == before + 1
                    && free.is_some_and(|put| first(&self.puts, put) && first(&self.takes, taken));
            }
        }
        false
    }

    /// Who can put in the next that is taken so, into `open`; the last of them, where nothing need be lost before it.
    fn puts_of(&self, value: usize, taken: usize, put_by: u32, taken_by: u32, open: &mut Vec<Pair>) -> Option<usize> {
        let unused = &self.lost[self.used..];
        let (mut earliest, mut next) = (taken_by, self.puts.by_value.first(value));
        while let Some(put) = next {
            let invoked = self.puts.calls[put].invoked;
            next = self.puts.by_value.after(put);
            // Whoever returns later may be next only where that spares some that are lost.
            if invoked >= earliest {
                continue;
            }
            earliest = invoked;
            if invoked < put_by {
                open.push(Pair { put: put as u32, taken: taken as u32, lost: 0 });
                return Some(put);
            }
            let lost = self.puts.returned_before(invoked, unused.len());
            if lost <= unused.len() && unused[lost - 1] < taken_by {
                open.push(Pair { put: put as u32, taken: taken as u32, lost: lost as u32 });
            }
        }
        None
    }

    /// Takes a chosen pair into the row, and what is lost right before; whether it can.
    fn choose(&mut self, pair: Pair) -> bool {
        let taken_by = self.takes.returns();
        let before = if pair.put == NONE {
            self.takes.calls[pair.taken as usize].invoked
        } else {
            self.puts.calls[pair.put as usize].invoked
        };
        while let Some(put) = self.puts.by_return.first(0) {
            // Nothing that is put in earlier may be left where the queue is found empty.
            let before = if pair.put == NONE { before.max(self.latest) } else { before };
            let Call { value, returned, .. } = self.puts.calls[put];
            if returned >= before {
                break;
            }
            let value = value as usize;
            let spare = self.puts.left[value] > self.takes.left[value];
            if !spare || self.lost.get(self.used).is_none_or(|called| *called >= taken_by) {
                return false;
            }
            self.add(Pair { put: put as u32, taken: NONE, lost: 0 });
        }
        let fits = pair.put != NONE || self.latest < taken_by;
        if fits {
            self.add(pair);
        }
        fits
    }

    fn search(&mut self, budget: &mut Budget, limit: u64) -> Option<bool> {
        let until = budget.steps.saturating_add(limit);
        let (mut seen, mut index) = (Vec::<u128>::new(), Index::default());
        let (mut choices, mut open, mut found) = (Vec::<Choice>::new(), Vec::<Pair>::new(), Vec::new());
        loop {
            let before = self.row.len();
            found.clear();
            if self.go_on(&mut found) {
                return Some(true);
            }
            let steps = 1 + (self.row.len() - before) as u64 + found.len() as u64;
            if !budget.spend(steps) || budget.steps > until || seen.len() > MAX_CONFIGURATIONS {
                return None;
            }
            // Who is in the row says all about what can come of it.
            let key = self.key;
            if !found.is_empty() && index.find(key as u64, |place| seen[place as usize] == key).is_none() {
                seen.push(key);
                index.insert(seen.len() as u32 - 1, |place| seen[place as usize] as u64);
                choices.push(Choice { done: self.row.len(), first: open.len(), next: open.len() });
                open.append(&mut found);
            }
            // Back to the last place where something else can come.
            loop {
                let Some(choice) = choices.last_mut() else { return Some(false) };
                self.undo(choice.done);
                if let Some(pair) = open.get(choice.next).copied() {
                    choice.next += 1;
                    if self.choose(pair) {
                        break;
                    }
                    continue;
                }
                open.truncate(choice.first);
                choices.pop();
            }
        }
    }
}
