//! Consistent hashing: every node stands at several places of a ring, and a key belongs to the first place at or after
//! its own (Karger et al., STOC 1997). The more places, or virtual nodes, the more even the shares; when a node comes or
//! goes, only what it has or had moves. And jump consistent hashing, which needs no memory at all but numbers its nodes
//! in a row (Lamping and Veach, 2014).

use std::hash::Hasher;
use std::rc::Rc;

use crate::sim::{Digest, NodeId};

/// How many places a ring may have in all; with more nodes than that each stands once.
pub const MAX_PLACES: usize = 1_000_000;
/// Shares are told in parts of a billion.
pub const WHOLE: u64 = 1_000_000_000;

/// A ring with places of nodes on it, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ring {
    places: Rc<Vec<(u64, NodeId)>>,
}

fn place_of(parts: [u64; 2]) -> u64 {
    let mut digest = Digest::default();
    parts.into_iter().for_each(|part| digest.word(part));
    digest.finish()
}

impl Ring {
    /// A ring on which each node stands at so many places.
    pub fn new(nodes: &[NodeId], virtual_nodes: u32) -> Ring {
        let each = u64::from(virtual_nodes).min((MAX_PLACES / nodes.len().max(1)) as u64).max(1);
        let mut places = Vec::with_capacity(nodes.len() * each as usize);
        for node in nodes {
            places.extend((1..=each).map(|copy| (place_of([copy, u64::from(node.0)]), *node)));
        }
        places.sort_unstable();
        places.dedup_by_key(|(place, _)| *place);
        Ring { places: Rc::new(places) }
    }

    /// The node that a key belongs to; `None` on an empty ring.
    pub fn owner(&self, key: u64) -> Option<NodeId> {
        self.after(place_of([0, key]))
    }

    /// The nodes that a key belongs to, in the order of their places from the key's own on, each once: Dynamo's preference
    /// list. All nodes of the ring, where `count` is that many.
    pub fn preference(&self, key: u64, count: usize) -> Vec<NodeId> {
        let first = self.places.partition_point(|(place, _)| *place < place_of([0, key]));
        let mut found = Vec::new();
        for (_, node) in self.places[first..].iter().chain(&self.places[..first]) {
            if found.len() >= count {
                break;
            }
            if !found.contains(node) {
                found.push(*node);
            }
        }
        found
    }

    /// The first node from a key's place on with less than `capacity`, by `load`: consistent hashing with bounded loads
    /// (Mirrokni, Thorup and Zadimoghaddam, SODA 2018). Nobody, where everyone is full.
    pub fn owner_below(&self, key: u64, capacity: u64, load: &dyn Fn(NodeId) -> u64) -> Option<NodeId> {
        let first = self.places.partition_point(|(place, _)| *place < place_of([0, key]));
        let along = self.places[first..].iter().chain(&self.places[..first]);
        along.map(|(_, node)| *node).find(|node| load(*node) < capacity)
    }

    /// The node of the first place at or after this one.
    fn after(&self, at: u64) -> Option<NodeId> {
        let next = self.places.partition_point(|(place, _)| *place < at);
        self.places.get(next).or(self.places.first()).map(|(_, node)| *node)
    }

    /// The share of the ring that belongs to each of `nodes`, in parts of a billion.
    pub fn shares(&self, nodes: &[NodeId]) -> Vec<u64> {
        let mut arcs = vec![0_u128; nodes.len()];
        let mut last = self.places.last().map_or(0, |(place, _)| *place);
        for (place, node) in self.places.iter() {
            // Around the end of the ring too; alone on it, all of it.
            let arc = if self.places.len() == 1 { u64::MAX } else { place.wrapping_sub(last) };
            last = *place;
            if let Ok(whose) = nodes.binary_search(node) {
                arcs[whose] += u128::from(arc);
            }
        }
        arcs.into_iter().map(|arc| ((arc * u128::from(WHOLE)) >> 64) as u64).collect()
    }

    /// The share of all keys that belongs to another node than on the ring before this one, in parts of a billion: in
    /// all, and between nodes that stand on both.
    pub fn moved_from(&self, before: &Ring) -> (u64, u64) {
        let (mut all, mut between) = (0_u128, 0_u128);
        let stands = |ring: &Ring, node: NodeId| ring.places.iter().any(|(_, other)| *other == node);
        let mut ends: Vec<u64> = before.places.iter().chain(self.places.iter()).map(|(place, _)| *place).collect();
        ends.sort_unstable();
        let mut last = ends.last().copied().unwrap_or(0);
        let mut seen: Vec<(NodeId, bool)> = Vec::new();
        for end in ends {
            let arc = u128::from(end.wrapping_sub(last));
            last = end;
            let (Some(old), Some(new)) = (before.after(end), self.after(end)) else { continue };
            if old == new {
                continue;
            }
            all += arc;
            let mut both = |node: NodeId| match seen.iter().find(|(other, _)| *other == node) {
                Some((_, both)) => *both,
                None => {
                    let both = stands(before, node) && stands(self, node);
                    seen.push((node, both));
                    both
                }
            };
            if both(old) && both(new) {
                between += arc;
            }
        }
        let share = |arc: u128| ((arc * u128::from(WHOLE)) >> 64) as u64;
        (share(all), share(between))
    }
}

/// How much each of `nodes` may have when there are so many keys and none is to have more than `permille` thousandths of
/// the average, rounded up. With 1 000 or more there is always room for all of them.
pub fn capacity(permille: u64, keys: u64, nodes: u64) -> u64 {
    (u128::from(keys) * u128::from(permille)).div_ceil(1_000 * u128::from(nodes.max(1))) as u64
}

/// A key as a number in which nothing of its order is left: equal keys give equal ones.
pub fn mixed(key: u64) -> u64 {
    place_of([0, key])
}

/// How many remainders are looked at, at most, to see how many keys move.
const REMAINDERS: u64 = 100_000;

/// The share of all keys that belongs to another node, where a key belongs to the one at the remainder of its division by
/// how many there are: in all, and between nodes of both lists, in parts of a billion.
pub fn remainders_moved(before: &[NodeId], after: &[NodeId]) -> (u64, u64) {
    let (n, m) = (before.len() as u64, after.len() as u64);
    // After so many keys in a row all pairs of remainders have come, as often as one another.
    let all = (n * m).min(REMAINDERS);
    let pair = |key: u64| (before[(key % n) as usize], after[(key % m) as usize]);
    let moved = || (0..all).map(pair).filter(|(old, new)| old != new);
    let between = moved().filter(|(old, new)| after.contains(old) && before.contains(new)).count() as u64;
    let share = |count: u64| (count * WHOLE).checked_div(all).unwrap_or(0);
    (share(moved().count() as u64), share(between))
}

/// The bucket, below `buckets`, that a key belongs to by jump consistent hashing; zero where there is none.
pub fn jump(mut key: u64, buckets: u64) -> u64 {
    let (mut bucket, mut next) = (0, 0_u64);
    while next < buckets {
        bucket = next;
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        // A product and a quotient of whole numbers below 2⁵³: the same on every machine.
        next = ((bucket + 1) as f64 * ((1_u64 << 31) as f64 / ((key >> 33) + 1) as f64)) as u64;
    }
    bucket
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(numbers: std::ops::RangeInclusive<u32>) -> Vec<NodeId> {
        numbers.map(NodeId).collect()
    }

    #[test]
    fn jump_hash_gives_what_the_papers_code_gives() {
        // The code of the paper, keys 0 to 19 in 100 buckets.
        let published = [0, 55, 62, 8, 45, 59, 86, 97, 82, 59, 73, 37, 17, 56, 86, 21, 90, 37, 38, 83];
        let ours: Vec<u64> = (0..20).map(|key| jump(key, 100)).collect();
        assert_eq!(ours, published);
        // One more bucket takes keys for itself and moves no other.
        assert!((0..2_000).all(|key| [jump(key, 10), 10].contains(&jump(key, 11))));
        assert_eq!(jump(7, 0), 0);
    }

    #[test]
    fn by_the_remainder_all_but_one_in_n_move_when_one_more_comes() {
        for n in 1..=20_u32 {
            let (all, between) = remainders_moved(&nodes(1..=n), &nodes(1..=n + 1));
            assert!(all.abs_diff(WHOLE * u64::from(n) / u64::from(n + 1)) <= 1, "{n}: {all}");
            // All that do not come to the newcomer.
            assert!(between.abs_diff(all - WHOLE / u64::from(n + 1)) <= 2, "{n}: {between} of {all}");
        }
        assert_eq!(remainders_moved(&[], &nodes(1..=3)), (0, 0));
        assert_eq!(remainders_moved(&nodes(1..=3), &nodes(1..=3)), (0, 0));
    }

    #[test]
    fn shares_are_the_arcs_and_make_a_whole() {
        let nodes = nodes(1..=9);
        let ring = Ring::new(&nodes, 40);
        let shares = ring.shares(&nodes);
        assert!(WHOLE - shares.iter().sum::<u64>() < 10, "{shares:?}");
        // What belongs to whom among many keys is what the arcs say: five deviations of 100 000 draws.
        let mut counts = [0_u64; 9];
        for key in 0..100_000 {
            counts[ring.owner(key).unwrap().0 as usize - 1] += 1;
        }
        for (count, share) in counts.iter().zip(&shares) {
            assert!(count.abs_diff(share / 10_000) < 500, "{counts:?} {shares:?}");
        }
        assert_eq!(Ring::new(&nodes[..1], 1).shares(&nodes[..1]), [WHOLE - 1]);
        assert_eq!(Ring::new(&[], 5).owner(1), None);
    }

    #[test]
    fn a_newcomer_takes_its_share_and_moves_nothing_between_the_others() {
        let (before, after) = (Ring::new(&nodes(1..=20), 100), Ring::new(&nodes(1..=21), 100));
        let (all, between) = after.moved_from(&before);
        assert_eq!(between, 0);
        assert_eq!(after.shares(&nodes(1..=21))[20].abs_diff(all) / 1_000, 0);
        // Whoever numbers anew moves nearly everything: the measure can tell.
        let renumbered = Ring::new(&nodes(101..=120), 100);
        assert!(renumbered.moved_from(&before).0 > WHOLE / 10 * 9);
        // Other places for the same nodes: keys move between those that stand on both.
        assert!(Ring::new(&nodes(1..=20), 50).moved_from(&before).1 > WHOLE / 10);
    }

    /// Where so many keys go, one after another, when the nodes are full at a capacity; by number of the node.
    fn dealt(nodes: &[NodeId], keys: u64, permille: u64) -> Vec<usize> {
        let ring = Ring::new(nodes, 1);
        let full = capacity(permille, keys, nodes.len() as u64);
        let mut loads = vec![0_u64; nodes.len()];
        let place = |node: NodeId| nodes.binary_search(&node).unwrap();
        (0..keys)
            .map(|key| {
                let node = ring.owner_below(key, full, &|node| loads[place(node)]).expect("there is room for all");
                loads[place(node)] += 1;
                node.0 as usize
            })
            .collect()
    }

    fn most(dealt: &[usize]) -> u64 {
        let mut counts = [0_u64; 64];
        dealt.iter().for_each(|node| counts[*node] += 1);
        counts.into_iter().max().unwrap()
    }

    #[test]
    fn no_node_has_more_than_its_bound_and_few_keys_move() {
        let (n, m) = (20, 2_000);
        let (before, after) = (nodes(1..=n), nodes(1..=n + 1));
        let moved = |permille: u64| {
            let (old, new) = (dealt(&before, m, permille), dealt(&after, m, permille));
            old.iter().zip(&new).filter(|(old, new)| old != new).count() as u64
        };
        for permille in [1_000, 1_100, 1_250, 1_500, 2_000, 3_000] {
            let most = most(&dealt(&before, m, permille));
            let bound = (m * permille).div_ceil(u64::from(n) * 1_000);
            assert!(most <= bound, "{permille}: {most} of at most {bound}");
        }
        // Standing once each on a plain ring, somebody has several times the average; that is what the bound is for.
        assert!(most(&dealt(&before, m, 100_000)) > 2 * m / u64::from(n));
        // A newcomer moves an average share of keys times some constant over ε² (theorem 4 of the paper, which names no
        // constant; here it stays below one), never nearly all of them, as dealing out by remainder does.
        let share = m / u64::from(n);
        for (permille, square) in [(1_500, 4), (2_000, 1)] {
            assert!(moved(permille) <= 3 * share * square, "{permille}: {} of {m}", moved(permille));
        }
        assert!(moved(1_250) < m / 2);
        assert!(moved(3_000) <= 3 * share);
    }

    #[test]
    fn who_is_full_is_passed_over_and_when_all_are_nobody_is_left() {
        let all = nodes(1..=4);
        let ring = Ring::new(&all, 8);
        for key in 0..100 {
            let along = ring.preference(key, 4);
            assert_eq!(ring.owner_below(key, 5, &|_| 0), ring.owner(key));
            assert_eq!(ring.owner_below(key, 5, &|node| if node == along[0] { 5 } else { 0 }), Some(along[1]));
            assert_eq!(ring.owner_below(key, 5, &|_| 5), None);
        }
        assert_eq!((capacity(1_250, 10, 4), capacity(1_000, 9, 4), capacity(1_000, 0, 4)), (4, 3, 0));
    }

    #[test]
    fn a_preference_list_names_each_node_once_and_begins_with_the_owner() {
        let all = nodes(1..=9);
        let ring = Ring::new(&all, 40);
        for key in 0..200 {
            let three = ring.preference(key, 3);
            assert_eq!((three.len(), Some(three[0])), (3, ring.owner(key)));
            let mut everyone = ring.preference(key, 100);
            assert_eq!(everyone[..3], three[..]);
            everyone.sort_unstable();
            assert_eq!(everyone, all);
            // Who comes next is who the key would belong to without the first.
            let others: Vec<NodeId> = all.iter().copied().filter(|node| *node != three[0]).collect();
            assert_eq!(Ring::new(&others, 40).owner(key), Some(three[1]));
        }
    }
}
