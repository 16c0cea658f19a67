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
}
