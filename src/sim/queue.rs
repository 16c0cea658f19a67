//! What will happen, in the order (time, sequence): a radix wheel over a sorted bottom.
//!
//! Every level of the wheel has 64 buckets, one a digit: an event stands in the level of the highest digit (base 64) in
//! which its time differs from `base`, in the bucket of that digit. So all of a lower level comes before all of a higher
//! one, and in a level the buckets come in order. The first bucket is either small enough to be sorted, and becomes the
//! bottom, from which events are taken; or it is dealt out to the levels below. An event is thus moved a few times
//! whatever the number of events, where a heap compares it with ever more of them.

use super::Time;

/// The bits of a digit.
const BITS: u32 = 6;
/// A bucket with more events than this is dealt out rather than sorted by insertion.
const SORTED: usize = 12;
/// With more events than this the bottom is dealt out again: putting one more in its place would cost too much.
const DEEP: usize = 128;

/// A queue of events. Those of one instant come out in the order in which they went in.
#[derive(Clone)]
pub struct Queue<E> {
    /// What comes first, in order: every event before `limit`. Those before `taken` are gone; a bucket that becomes the
    /// bottom is taken over as it is, and taken from without moving what is left.
    bottom: Vec<Entry<E>>,
    taken: usize,
    /// Up to where, exclusively, the bottom reaches.
    limit: u64,
    /// What the wheel's digits are compared with; nothing in the wheel is before it.
    base: u64,
    /// From the lowest digit up; as many as were ever needed.
    wheel: Vec<Level<E>>,
    /// The time of the first event in the wheel; only kept right while the bottom is empty.
    first: u64,
    len: usize,
    sequence: u64,
    /// Memory that goes from one bucket to the next, so that none is let go and asked for again.
    spare: Vec<Entry<E>>,
}

#[derive(Clone, Copy)]
struct Entry<E> {
    at: Time,
    sequence: u64,
    event: E,
}

#[derive(Clone)]
struct Level<E> {
    /// A bit a bucket that is not empty.
    occupied: u64,
    buckets: [Bucket<E>; 64],
}

#[derive(Clone)]
struct Bucket<E> {
    /// In the order in which they went in, as far as they are of one instant.
    entries: Vec<Entry<E>>,
    /// The earliest time among them: looking it up would make a lone event that comes and goes as dear as the many that
    /// wait behind it.
    least: u64,
}

impl<E> Default for Queue<E> {
    fn default() -> Queue<E> {
        Queue {
            bottom: Vec::new(),
            taken: 0,
            limit: 0,
            base: 0,
            wheel: Vec::new(),
            first: u64::MAX,
            len: 0,
            sequence: 0,
            spare: Vec::new(),
        }
    }
}

impl<E: Copy> Queue<E> {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.len
    }
    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
    /// When the next one is due.
    #[inline]
    pub fn next_at(&self) -> Option<Time> {
        match self.bottom.get(self.taken) {
            Some(entry) => Some(entry.at),
            None => (self.len > 0).then_some(Time(self.first)),
        }
    }
    /// Every waiting event with its place in the order, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (Time, u64, &E)> {
        let wheel = self.wheel.iter().flat_map(|level| level.buckets.iter().flat_map(|bucket| &bucket.entries));
        self.bottom[self.taken..].iter().chain(wheel).map(|entry| (entry.at, entry.sequence, &entry.event))
    }

    /// How many bytes a copy of it holds.
    pub fn weight(&self) -> usize {
        (self.taken + self.len + self.spare.capacity()) * size_of::<Entry<E>>()
            + self.wheel.len() * size_of::<Level<E>>()
    }

    /// Puts `event` in for the instant `at`.
    #[inline]
    pub fn push(&mut self, at: Time, event: E) {
        self.sequence += 1;
        self.len += 1;
        let entry = Entry { at, sequence: self.sequence, event };
        if at.0 >= self.limit {
            self.first = self.first.min(at.0);
            self.place(entry);
        } else {
            self.sink(entry);
        }
    }

    /// Takes the first one out.
    #[inline]
    pub fn pop(&mut self) -> Option<(Time, E)> {
        if self.taken == self.bottom.len() {
            if self.len == 0 {
                return None;
            }
            self.refill();
        }
        let Entry { at, event, .. } = *self.bottom.get(self.taken)?;
        self.taken += 1;
        self.len -= 1;
        if self.taken == self.bottom.len() {
            self.emptied();
        }
        Some((at, event))
    }

    /// The bottom has nothing left.
    #[inline]
    fn emptied(&mut self) {
        self.bottom.clear();
        self.taken = 0;
        self.first = self.first_in_wheel();
    }

    /// Takes the first event for which this holds out of the middle; in no time only where few wait. When it was due.
    pub fn remove(&mut self, is: impl Fn(&E) -> bool) -> Option<Time> {
        if let Some(place) = self.bottom[self.taken..].iter().position(|entry| is(&entry.event)) {
            let at = self.bottom.remove(self.taken + place).at;
            self.len -= 1;
            if self.taken == self.bottom.len() {
                self.emptied();
            }
            return Some(at);
        }
        for level in &mut self.wheel {
            for (slot, bucket) in level.buckets.iter_mut().enumerate() {
                let Some(place) = bucket.entries.iter().position(|entry| is(&entry.event)) else { continue };
                let at = bucket.entries.remove(place).at;
                bucket.least = bucket.entries.iter().map(|entry| entry.at.0).min().unwrap_or(u64::MAX);
                if bucket.entries.is_empty() {
                    level.occupied &= !(1 << slot);
                }
                self.len -= 1;
                if self.taken == self.bottom.len() {
                    self.first = self.first_in_wheel();
                }
                return Some(at);
            }
        }
        None
    }

    /// Into the wheel. The time must not be before `base`.
    #[inline]
    fn place(&mut self, entry: Entry<E>) {
        let differs = entry.at.0 ^ self.base;
        let level = ((63 - (differs | 1).leading_zeros()) / BITS) as usize;
        if level >= self.wheel.len() {
            self.grow(level);
        }
        let slot = entry.at.0 >> (level as u32 * BITS) & 63;
        let level = &mut self.wheel[level];
        level.occupied |= 1 << slot;
        let bucket = &mut level.buckets[slot as usize];
        bucket.least = bucket.least.min(entry.at.0);
        bucket.entries.push(entry);
    }

    #[cold]
    fn grow(&mut self, level: usize) {
        self.wheel.resize_with(level + 1, || Level {
            occupied: 0,
            buckets: std::array::from_fn(|_| Bucket { entries: Vec::new(), least: u64::MAX }),
        });
    }

    /// Into its place in the bottom: after all that are due at the same time.
    fn sink(&mut self, entry: Entry<E>) {
        // While something is always left, what is gone must not pile up.
        if self.taken > DEEP.max(self.bottom.len() / 2) {
            self.bottom.drain(..std::mem::take(&mut self.taken));
        }
        let place = self.taken + self.bottom[self.taken..].partition_point(|other| other.at <= entry.at);
        self.bottom.insert(place, entry);
        // One instant, at which any number may happen, is not split; those come in order and go to the end.
        if self.bottom.len() - self.taken > DEEP && self.limit - self.base > 1 {
            let start = self.taken + self.bottom[self.taken..].partition_point(|entry| entry.at.0 < self.base);
            let mut rest = std::mem::take(&mut self.spare);
            rest.extend(self.bottom.drain(start..));
            self.limit = self.base;
            if let Some(entry) = rest.first() {
                self.first = entry.at.0;
            }
            if start == self.taken {
                self.bottom.clear();
                self.taken = 0;
            }
            rest.iter().for_each(|entry| self.place(*entry));
            rest.clear();
            self.spare = rest;
        }
    }

    /// Lets the bottom have the first bucket of the wheel, dealt out until it is small. The wheel must not be empty.
    fn refill(&mut self) {
        while let Some((level, slot)) = self.first_bucket() {
            let shift = level as u32 * BITS;
            let mut bucket = std::mem::take(&mut self.spare);
            let low = &mut self.wheel[level];
            low.occupied &= !(1 << slot);
            std::mem::swap(&mut bucket, &mut low.buckets[slot].entries);
            low.buckets[slot].least = u64::MAX;
            // The digit of the level becomes the bucket's, and those below it become zero.
            self.base = ((self.base >> shift) & !63 | slot as u64) << shift;
            if level == 0 || bucket.len() <= SORTED {
                if level > 0 {
                    sort(&mut bucket);
                }
                self.limit = self.base.saturating_add(1 << shift);
                self.spare = std::mem::replace(&mut self.bottom, bucket);
                return;
            }
            bucket.iter().for_each(|entry| self.place(*entry));
            bucket.clear();
            self.spare = bucket;
        }
    }

    #[inline]
    fn first_bucket(&self) -> Option<(usize, usize)> {
        let level = self.wheel.iter().position(|level| level.occupied != 0)?;
        Some((level, self.wheel[level].occupied.trailing_zeros() as usize))
    }

    fn first_in_wheel(&self) -> u64 {
        let Some((level, slot)) = self.first_bucket() else { return u64::MAX };
        self.wheel[level].buckets[slot].least
    }
}

/// By time, those of one instant as they stand: by insertion, for there are few of them. The standard library's sort is
/// eight kilobytes of wasm and no faster here.
fn sort<E: Copy>(entries: &mut [Entry<E>]) {
    for next in 1..entries.len() {
        let entry = entries[next];
        let mut hole = next;
        while hole > 0 && entries[hole - 1].at > entry.at {
            entries[hole] = entries[hole - 1];
            hole -= 1;
        }
        entries[hole] = entry;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Purpose, Stream};
    use std::collections::BTreeMap;

    #[test]
    fn agrees_with_a_sorted_map_on_random_pushes_and_pops() {
        let mut luck = Stream::new(11, Purpose::Faults);
        let mut queue = Queue::default();
        let mut model = BTreeMap::new();
        for sequence in 0..20_000u64 {
            if luck.below(5) < 3 {
                // Few distinct instants, so that ties are common.
                let at = Time(luck.below(50) + sequence / 100);
                queue.push(at, sequence);
                model.insert((at, sequence), sequence);
            } else {
                assert_eq!(queue.pop(), model.pop_first().map(|((at, _), event)| (at, event)));
            }
            assert_eq!(queue.len(), model.len());
        }
    }

    #[test]
    fn agrees_when_times_never_go_back() {
        // As in a world: pushed times are not before the last that was popped; near, far, and all at once.
        for seed in 0..40 {
            let mut luck = Stream::new(seed, Purpose::Faults);
            let mut queue = Queue::default();
            let mut model = BTreeMap::new();
            let mut now = 0;
            for sequence in 0..4_000u64 {
                if luck.below(100) < 52 {
                    let bits = luck.below(44);
                    let at = Time(now + if luck.below(4) == 0 { 0 } else { luck.below(1 << bits) });
                    queue.push(at, sequence);
                    model.insert((at, sequence), sequence);
                } else {
                    let expected = model.pop_first().map(|((at, _), event)| (at, event));
                    assert_eq!(queue.next_at(), expected.map(|(at, _)| at));
                    assert_eq!(queue.pop(), expected);
                    now = expected.map_or(now, |(at, _)| at.0);
                }
                assert_eq!(queue.next_at(), model.keys().next().map(|(at, _)| *at));
                assert_eq!(queue.iter().count(), model.len());
            }
        }
    }

    #[test]
    fn what_is_taken_out_of_the_middle_is_as_if_it_had_never_been() {
        for seed in 0..40 {
            let mut luck = Stream::new(seed, Purpose::Faults);
            let mut queue = Queue::default();
            let mut model = BTreeMap::new();
            let mut now = 0;
            for sequence in 0..3_000u64 {
                match luck.below(10) {
                    0..=5 => {
                        let bits = luck.below(30);
                        let at = Time(now + luck.below(1 << bits));
                        queue.push(at, sequence);
                        model.insert((at, sequence), sequence);
                    }
                    6 | 7 => {
                        let expected = model.pop_first().map(|((at, _), event)| (at, event));
                        assert_eq!(queue.pop(), expected);
                        now = expected.map_or(now, |(at, _)| at.0);
                    }
                    _ => {
                        let nth = luck.below(model.len() as u64 + 1) as usize;
                        let key = model.keys().nth(nth).copied();
                        let event = key.and_then(|key| model.remove(&key));
                        assert_eq!(queue.remove(|other| Some(*other) == event), key.map(|(at, _)| at));
                    }
                }
                assert_eq!(queue.next_at(), model.keys().next().map(|(at, _)| *at));
                assert_eq!((queue.len(), queue.iter().count()), (model.len(), model.len()));
            }
        }
    }

    #[test]
    fn the_ends_of_time() {
        let mut queue = Queue::default();
        for (at, event) in [(u64::MAX, 0), (0, 1), (u64::MAX - 1, 2), (1 << 63, 3), (u64::MAX, 4), (0, 5)] {
            queue.push(Time(at), event);
        }
        let order: Vec<i32> = std::iter::from_fn(|| queue.pop().map(|(_, event)| event)).collect();
        assert_eq!(order, [1, 5, 3, 2, 0, 4]);
        assert_eq!((queue.len(), queue.next_at()), (0, None));
    }

    #[test]
    fn many_at_one_instant_keep_their_order() {
        let mut queue = Queue::default();
        (0..1_000).for_each(|n| queue.push(Time(5_000_000), n));
        for n in 0..100_000 {
            assert_eq!(queue.pop(), Some((Time(5_000_000), n)));
            queue.push(Time(5_000_000), n + 1_000);
        }
        // What was taken is let go of, though something is always left.
        assert!(queue.bottom.len() <= 2_100, "{}", queue.bottom.len());
    }
}
