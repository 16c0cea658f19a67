//! States that are more than one value, each as a number of its own: equal states, equal numbers.

use super::value::{Index, Value, Values, hash};

/// Sets of values as binary tries over the bits of their numbers. The shape of a trie follows from what is in it, and
/// equal tries are one trie, so that equal sets are the same number however they came about.
#[derive(Clone, Debug)]
pub(super) struct Sets {
    /// Children of a node, and how many values stand below it.
    nodes: Vec<(u32, u32, u32)>,
    index: Index,
}

/// How many bits of a value's number a set tells apart; [`History`](super::History) takes no more values.
pub(super) const SET_BITS: u32 = 24;

/// The set of nothing, and every subtree without a value.
pub(super) const EMPTY_SET: u32 = 0;
const LEAF: u32 = 1;

impl Default for Sets {
    fn default() -> Sets {
        Sets { nodes: vec![(0, 0, 0), (0, 0, 1)], index: Index::default() }
    }
}

impl Sets {
    fn join(&mut self, left: u32, right: u32) -> u32 {
        if left == EMPTY_SET && right == EMPTY_SET {
            return EMPTY_SET;
        }
        let key = |left: u32, right: u32| hash([u64::from(left), u64::from(right)]);
        let nodes = &self.nodes;
        let same = |node: u32| (nodes[node as usize].0, nodes[node as usize].1) == (left, right);
        if let Some(node) = self.index.find(key(left, right), same) {
            return node;
        }
        let node = self.nodes.len() as u32;
        self.nodes.push((left, right, self.len(left) + self.len(right)));
        let nodes = &self.nodes;
        self.index.insert(node, |node| key(nodes[node as usize].0, nodes[node as usize].1));
        node
    }

    /// How many values are in it.
    pub(super) fn len(&self, set: u32) -> u32 {
        self.nodes[set as usize].2
    }

    /// Whether a value is in it.
    pub(super) fn contains(&self, set: u32, value: Value) -> bool {
        let mut at = set;
        for bit in (0..SET_BITS).rev() {
            let (left, right, _) = self.nodes[at as usize];
            at = if value.0 >> bit & 1 == 0 { left } else { right };
        }
        at == LEAF
    }

    /// The set with a value, or without it.
    pub(super) fn with(&mut self, set: u32, value: Value, there: bool) -> u32 {
        let mut path = [0; SET_BITS as usize];
        let mut at = set;
        for bit in (0..SET_BITS).rev() {
            path[bit as usize] = at;
            let (left, right, _) = self.nodes[at as usize];
            at = if value.0 >> bit & 1 == 0 { left } else { right };
        }
        let mut new = if there { LEAF } else { EMPTY_SET };
        for (bit, node) in path.into_iter().enumerate() {
            let (left, right, _) = self.nodes[node as usize];
            new = if value.0 >> bit & 1 == 0 { self.join(new, right) } else { self.join(left, new) };
        }
        new
    }

    /// The set of these.
    pub(super) fn of(&mut self, values: &[Value]) -> u32 {
        let mut sorted: Vec<u32> = values.iter().map(|value| value.0).collect();
        sorted.sort_unstable();
        sorted.dedup();
        self.build(&sorted, SET_BITS)
    }

    /// The trie of sorted numbers that agree in all but their last `bits` bits.
    fn build(&mut self, sorted: &[u32], bits: u32) -> u32 {
        match (sorted, bits) {
            ([], _) => EMPTY_SET,
            (_, 0) => LEAF,
            _ => {
                let (left, right) = sorted.split_at(sorted.partition_point(|number| number >> (bits - 1) & 1 == 0));
                let (left, right) = (self.build(left, bits - 1), self.build(right, bits - 1));
                self.join(left, right)
            }
        }
    }

    /// The values of one set that are not in another, ascending; what the two share costs nothing.
    pub(super) fn without(&self, set: u32, other: u32) -> Vec<Value> {
        let (mut found, mut open) = (Vec::new(), vec![(set, other, SET_BITS, 0)]);
        while let Some((set, other, bits, prefix)) = open.pop() {
            if set == EMPTY_SET || set == other {
                continue;
            }
            if bits == 0 {
                found.push(Value(prefix));
                continue;
            }
            let ((left, right, _), (old_left, old_right, _)) = (self.nodes[set as usize], self.nodes[other as usize]);
            open.push((right, old_right, bits - 1, prefix << 1 | 1));
            open.push((left, old_left, bits - 1, prefix << 1));
        }
        found
    }
}

#[derive(Clone, Copy, Debug)]
struct Queue {
    /// All that was ever put in on the way here, as a list.
    list: Value,
    /// How many of its last items are still there.
    len: u32,
    /// Of these alone, so that it does not matter what went before.
    hash: u64,
}

/// Queues as the last items of lists.
#[derive(Clone, Debug, Default)]
pub(super) struct Queues {
    queues: Vec<Queue>,
    index: Index,
}

const BASE: u64 = 0xD6E8_FEB8_6659_FD93;

fn weight(value: Value) -> u64 {
    hash([u64::from(value.0)])
}

impl Queues {
    fn intern(&mut self, values: &Values, queue: Queue) -> u32 {
        let queues = &self.queues;
        let same = |number: u32| {
            let other = queues[number as usize];
            if (other.len, other.hash) != (queue.len, queue.hash) {
                return false;
            }
            let (mut a, mut b) = (queue.list, other.list);
            for _ in 0..queue.len {
                if a == b {
                    return true;
                }
                let ((last_a, rest_a), (last_b, rest_b)) = (values.last(a), values.last(b));
                if last_a != last_b {
                    return false;
                }
                (a, b) = (rest_a, rest_b);
            }
            true
        };
        if let Some(number) = self.index.find(hash([queue.hash]), same) {
            return number;
        }
        let number = self.queues.len() as u32;
        self.queues.push(queue);
        let queues = &self.queues;
        self.index.insert(number, |number| hash([queues[number as usize].hash]));
        number
    }

    /// The queue of these.
    pub(super) fn of(&mut self, values: &mut Values, items: &[Value]) -> u32 {
        let empty = self.intern(values, Queue { list: Value::EMPTY_LIST, len: 0, hash: 0 });
        items.iter().fold(empty, |queue, item| self.push(values, queue, *item))
    }

    /// With one more at its end.
    pub(super) fn push(&mut self, values: &mut Values, queue: u32, value: Value) -> u32 {
        let Queue { list, len, hash } = self.queues[queue as usize];
        let hash = hash.wrapping_mul(BASE).wrapping_add(weight(value));
        let list = values.push(list, value);
        self.intern(values, Queue { list, len: len + 1, hash })
    }

    /// The first, if there is one, and the queue without it.
    pub(super) fn pop(&mut self, values: &Values, queue: u32) -> Option<(Value, u32)> {
        let Queue { list, len, hash } = self.queues[queue as usize];
        let rest = len.checked_sub(1)?;
        let (first, _) = values.last(values.prefix(list, values.len(list) - rest));
        let hash = hash.wrapping_sub(weight(first).wrapping_mul(BASE.wrapping_pow(rest)));
        Some((first, self.intern(values, Queue { list, len: rest, hash })))
    }

    /// What is in it, first to last.
    pub(super) fn items(&self, values: &Values, queue: u32) -> Vec<Value> {
        let Queue { list, len, .. } = self.queues[queue as usize];
        values.items(list).split_off((values.len(list) - len) as usize)
    }
}
