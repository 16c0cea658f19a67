//! A long row of which copies share nearly all: what is said in conversations, what checks remember, windows of measures.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use super::{COUNTS, Scale, apart};

/// How many stand together; a copy that goes on copies as many at most.
pub const TOGETHER: usize = 64;

/// Values in a row, oldest first: it grows at its end and is let go from either. It compares and hashes as
/// a plain row of structures.
#[derive(Clone)]
pub struct Blocks<T> {
    /// All but the last are full; none is empty.
    blocks: Vec<Rc<Vec<T>>>,
    /// How many of the first block were let go.
    gone: usize,
    len: usize,
}

impl<T> Default for Blocks<T> {
    fn default() -> Blocks<T> {
        Blocks { blocks: Vec::new(), gone: 0, len: 0 }
    }
}

impl<T: Clone> Blocks<T> {
    /// Adds the newest.
    pub fn push(&mut self, value: T) {
        match self.blocks.last_mut().filter(|block| block.len() < TOGETHER) {
            Some(block) => Rc::make_mut(block).push(value),
            None => self.blocks.push(Rc::new(vec![value])),
        }
        self.len += 1;
    }

    /// Lets the oldest go until only so many are left.
    pub fn keep(&mut self, most: usize) {
        let extra = self.len.saturating_sub(most);
        self.len -= extra;
        self.gone += extra;
        let blocks = (self.gone / TOGETHER).min(self.blocks.len());
        if blocks > 0 {
            self.blocks.drain(..blocks);
            self.gone -= blocks * TOGETHER;
        }
    }

    /// Lets the newest go until only so many are left.
    pub fn truncate(&mut self, most: usize) {
        if most >= self.len {
            return;
        }
        self.len = most;
        let end = self.gone + most;
        self.blocks.truncate(end.div_ceil(TOGETHER));
        if let Some(last) = self.blocks.last_mut() {
            let within = end - (end - 1) / TOGETHER * TOGETHER;
            Rc::make_mut(last).truncate(within);
        }
    }
}

impl<T> Blocks<T> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
    /// The one of this place, counted from the oldest.
    pub fn get(&self, place: usize) -> Option<&T> {
        if place >= self.len {
            return None;
        }
        let place = self.gone + place;
        self.blocks.get(place / TOGETHER)?.get(place % TOGETHER)
    }
    /// The newest.
    pub fn last(&self) -> Option<&T> {
        self.get(self.len.checked_sub(1)?)
    }
    /// From the `from`th on, oldest first.
    pub fn iter(&self, from: usize) -> impl Iterator<Item = &T> {
        let from = (self.gone + from).min(self.blocks.len() * TOGETHER);
        let skipped = (from / TOGETHER).min(self.blocks.len());
        self.blocks[skipped..].iter().flat_map(|block| block.iter()).skip(from - skipped * TOGETHER)
    }
    /// Puts its blocks on the scale.
    pub fn weigh(&self, scale: &mut Scale) {
        scale.own(self.blocks.capacity() * size_of::<usize>());
        for block in &self.blocks {
            scale.shared(Rc::as_ptr(block).addr(), COUNTS + size_of::<Vec<T>>() + block.capacity() * size_of::<T>());
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Blocks<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter(0)).finish()
    }
}

impl<T: PartialEq> PartialEq for Blocks<T> {
    fn eq(&self, other: &Blocks<T>) -> bool {
        self.len == other.len && self.iter(0).eq(other.iter(0))
    }
}

impl<T: Eq> Eq for Blocks<T> {}

impl<T: Hash> Hash for Blocks<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.len);
        apart(state, |state| self.iter(0).for_each(|value| value.hash(state)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Digest, Purpose, Stream};
    use super::*;

    fn digest(value: &impl Hash) -> u64 {
        let mut digest = Digest::default();
        value.hash(&mut digest);
        digest.finish()
    }

    #[test]
    fn they_are_those_of_a_plain_row() {
        let mut luck = Stream::new(3, Purpose::Faults);
        // A row of bare numbers would be hashed as one text.
        let (mut blocks, mut plain) = (Blocks::default(), Vec::new());
        for round in 0..6_000u64 {
            match luck.below(40) {
                0 => {
                    let most = luck.below(400) as usize;
                    blocks.keep(most);
                    plain.drain(..plain.len().saturating_sub(most));
                }
                1 => {
                    let most = luck.below(400) as usize;
                    blocks.truncate(most);
                    plain.truncate(most);
                }
                _ => {
                    blocks.push((round,));
                    plain.push((round,));
                }
            }
            let from = luck.below(300) as usize;
            let found: Vec<(u64,)> = blocks.iter(from).copied().collect();
            assert_eq!((blocks.len(), &found[..]), (plain.len(), plain.get(from..).unwrap_or_default()), "{round}");
            assert_eq!((blocks.get(from), blocks.last()), (plain.get(from), plain.last()), "{round}");
            assert_eq!(digest(&blocks), digest(&plain));
        }
    }

    #[test]
    fn a_copy_holds_what_it_does_not_share_and_does_not_see_what_comes_later() {
        let mut blocks = Blocks::default();
        (0..1_000u64).for_each(|n| blocks.push(n));
        let weighed = |blocks: &Blocks<u64>| {
            let mut scale = Scale::default();
            blocks.weigh(&mut scale);
            scale.settle();
            scale
        };
        let copy = blocks.clone();
        let (before, whole) = (weighed(&copy), weighed(&copy).beside(None));
        assert!((8_000..12_000).contains(&whole), "{whole}");
        (0..64u64).for_each(|n| blocks.push(n));
        blocks.truncate(1_020);
        assert_eq!((copy.len(), copy.last(), blocks.len()), (1_000, Some(&999), 1_020));
        let held = weighed(&blocks).beside(Some(&before));
        assert!(held < whole / 4, "{held} of {whole}");
    }
}
