//! What will happen, in the order (time, sequence): a 4-ary heap, which beats the standard binary one on both targets.

use super::Time;

/// A queue of events. Those of one instant come out in the order in which they went in.
#[derive(Clone)]
pub struct Queue<E> {
    heap: Vec<Entry<E>>,
    sequence: u64,
}

#[derive(Clone)]
struct Entry<E> {
    at: Time,
    sequence: u64,
    event: E,
}

impl<E> Entry<E> {
    #[inline]
    fn before(&self, other: &Entry<E>) -> bool {
        self.at < other.at || (self.at == other.at && self.sequence < other.sequence)
    }
}

impl<E> Default for Queue<E> {
    fn default() -> Queue<E> {
        Queue { heap: Vec::new(), sequence: 0 }
    }
}

impl<E: Copy> Queue<E> {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.heap.len()
    }
    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
    /// When the next one is due.
    #[inline]
    pub fn next_at(&self) -> Option<Time> {
        self.heap.first().map(|entry| entry.at)
    }
    /// Every waiting event with its place in the order, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (Time, u64, &E)> {
        self.heap.iter().map(|entry| (entry.at, entry.sequence, &entry.event))
    }

    /// Puts `event` in for the instant `at`.
    #[inline]
    pub fn push(&mut self, at: Time, event: E) {
        self.sequence += 1;
        let entry = Entry { at, sequence: self.sequence, event };
        let mut hole = self.heap.len();
        self.heap.push(entry.clone());
        while hole > 0 {
            let parent = (hole - 1) / 4;
            if !entry.before(&self.heap[parent]) {
                break;
            }
            self.heap[hole] = self.heap[parent].clone();
            hole = parent;
        }
        self.heap[hole] = entry;
    }

    /// Takes the first one out.
    #[inline]
    pub fn pop(&mut self) -> Option<(Time, E)> {
        let last = self.heap.pop()?;
        let Some(first) = self.heap.first() else { return Some((last.at, last.event)) };
        let result = (first.at, first.event);
        let len = self.heap.len();
        let mut hole = 0;
        loop {
            let first_child = hole * 4 + 1;
            if first_child >= len {
                break;
            }
            let mut least = first_child;
            for child in first_child + 1..(first_child + 4).min(len) {
                if self.heap[child].before(&self.heap[least]) {
                    least = child;
                }
            }
            if !self.heap[least].before(&last) {
                break;
            }
            self.heap[hole] = self.heap[least].clone();
            hole = least;
        }
        self.heap[hole] = last;
        Some(result)
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
}
