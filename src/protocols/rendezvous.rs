//! Rendezvous hashing, or highest random weight: every (key, node) pair has a weight, and a key belongs to the node of
//! the greatest. When a node comes or goes, only its own keys move (Thaler and Ravishankar 1998).

use std::hash::Hasher;

use crate::sim::{Digest, NodeId};

/// The weight of `node` for `key`.
pub fn weight(key: u64, node: NodeId) -> u64 {
    let mut digest = Digest::default();
    digest.word(key);
    digest.word(u64::from(node.0));
    digest.finish()
}

/// The node that `key` belongs to; `None` if there is none.
pub fn owner(key: u64, nodes: impl Iterator<Item = NodeId>) -> Option<NodeId> {
    nodes.max_by_key(|node| (weight(key, *node), *node))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(numbers: &[u32]) -> impl Iterator<Item = NodeId> {
        numbers.iter().map(|number| NodeId(*number))
    }

    #[test]
    fn when_a_node_goes_only_its_keys_move() {
        for key in 0..2000 {
            let before = owner(key, nodes(&[1, 2, 3, 4])).unwrap();
            let after = owner(key, nodes(&[1, 2, 4])).unwrap();
            assert!(before == after || before == NodeId(3));
            // A newcomer takes keys for itself and moves no other.
            let grown = owner(key, nodes(&[1, 2, 3, 4, 9])).unwrap();
            assert!(grown == before || grown == NodeId(9));
        }
    }

    #[test]
    fn keys_are_spread_evenly() {
        let mut counts = [0u32; 4];
        for key in 0..4000 {
            counts[owner(key, nodes(&[0, 1, 2, 3])).unwrap().0 as usize] += 1;
        }
        // Binomial with mean 1000 and deviation 27: five deviations.
        assert!(counts.iter().all(|count| count.abs_diff(1000) < 137), "{counts:?}");
        assert_eq!(owner(7, nodes(&[])), None);
    }
}
