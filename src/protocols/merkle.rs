//! A hash tree (Merkle, «A Digital Signature Based on a Conventional Encryption Function», CRYPTO 1987): each leaf has the hash
//! of some keys and what is under them, each node above the hash of the two below it. Two trees with the same root are, but for
//! an accident of one in 2⁶⁴, the same all over; where two roots differ, one finds where by looking at what differs only.
//!
//! Binary, and of a fixed shape: keys are dealt out to as many leaves, neighbours to the same one.

use std::hash::{Hash, Hasher};
use std::rc::Rc;

use crate::sim::Digest;

/// How many leaves a tree has at most.
pub const MAX_LEAVES: u32 = 4_096;

fn hash(of: impl Hash) -> u64 {
    let mut digest = Digest::default();
    of.hash(&mut digest);
    digest.finish()
}

/// A tree. Its nodes are numbered from 1, the root; those below n are 2n and 2n + 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    nodes: Rc<Vec<u64>>,
    leaves: u32,
}

impl Hash for Tree {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The root stands for all of them.
        (self.leaves, self.node(1)).hash(state);
    }
}

impl Tree {
    /// One with nothing in it, of about so many leaves: the next power of two.
    pub fn new(leaves: u32) -> Tree {
        let leaves = leaves.clamp(1, MAX_LEAVES).next_power_of_two();
        let mut tree = Tree { nodes: Rc::new(vec![0; 2 * leaves as usize]), leaves };
        let nodes = Rc::make_mut(&mut tree.nodes);
        for node in (1..leaves as usize).rev() {
            nodes[node] = hash((nodes[2 * node], nodes[2 * node + 1]));
        }
        tree
    }

    /// How many leaves there are.
    pub fn leaves(&self) -> u32 {
        self.leaves
    }

    /// How many levels there are below the root.
    pub fn depth(&self) -> u32 {
        self.leaves.ilog2()
    }

    /// In which leaf a key is, of so many keys.
    pub fn leaf_of(&self, key: u32, keys: u32) -> u32 {
        (u64::from(key) * u64::from(self.leaves) / u64::from(keys.max(1))).min(u64::from(self.leaves) - 1) as u32
    }

    /// The hash of a node; nothing for one that is not there.
    pub fn node(&self, node: u32) -> u64 {
        self.nodes.get(node as usize).copied().unwrap_or(0)
    }

    /// The leaf that a node is, if it is one.
    pub fn leaf(&self, node: u32) -> Option<u32> {
        (self.leaves..2 * self.leaves).contains(&node).then(|| node - self.leaves)
    }

    /// What is in a leaf has changed: its hash and those of all nodes above it.
    pub fn set(&mut self, leaf: u32, content: impl Hash) {
        let mut node = (self.leaves + leaf.min(self.leaves - 1)) as usize;
        let nodes = Rc::make_mut(&mut self.nodes);
        nodes[node] = hash(content);
        while node > 1 {
            node /= 2;
            nodes[node] = hash((nodes[2 * node], nodes[2 * node + 1]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Purpose, Stream};

    /// The leaves in which two trees differ, and how many hashes were compared to find them.
    fn differ(a: &Tree, b: &Tree) -> (Vec<u32>, u32) {
        let (mut found, mut compared, mut open) = (Vec::new(), 0, vec![1]);
        while let Some(node) = open.pop() {
            compared += 1;
            if a.node(node) == b.node(node) {
                continue;
            }
            match a.leaf(node) {
                Some(leaf) => found.push(leaf),
                None => open.extend([2 * node + 1, 2 * node]),
            }
        }
        (found, compared)
    }

    #[test]
    fn equal_trees_have_equal_roots_and_one_difference_is_found_by_two_hashes_a_level() {
        let (mut a, mut b) = (Tree::new(64), Tree::new(64));
        for leaf in 0..64 {
            a.set(leaf, leaf * 3);
            // In another order.
            b.set(63 - leaf, (63 - leaf) * 3);
        }
        assert_eq!(a, b);
        assert_eq!(differ(&a, &b), (vec![], 1));
        b.set(37, "another");
        assert_eq!(differ(&a, &b), (vec![37], 1 + 2 * 6));
    }

    #[test]
    fn whatever_differs_is_found_and_nothing_else() {
        let mut luck = Stream::new(4, Purpose::Faults);
        for _ in 0..50 {
            let (a, mut b) = (Tree::new(128), Tree::new(128));
            let mut changed: Vec<u32> = (0..luck.below(20)).map(|_| luck.below(128) as u32).collect();
            changed.sort_unstable();
            changed.dedup();
            changed.iter().for_each(|leaf| b.set(*leaf, ("changed", leaf)));
            assert_eq!(differ(&a, &b).0, changed);
        }
    }
}
