//! The digest of a whole state: the same natively and in wasm, whatever the width of a pointer.

use std::fmt;
use std::hash::{Hash, Hasher};

/// A part of a state that came later: as it is by default it is no part of a digest, so that runs which make no use of it
/// have the digests that they had before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Later<T>(pub T);

impl<T: Default + PartialEq + Hash> Hash for Later<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if self.0 != T::default() {
            self.0.hash(state);
        }
    }
}

/// A 64-bit fingerprint. Everything that implements `Hash` can be written to it: lengths and discriminants, which the
/// standard derive writes as `usize` and `isize`, are widened first. Not meant to stand up to an adversary.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    state: u64,
    /// How many words went in, without texts and what stands apart.
    words: u64,
    /// Before what stands apart, while that is being written.
    before: u64,
    /// Within how much that stands apart one is.
    depth: u32,
}

/// Mixes in what copies share, and what a `weigh` tells of: its words are not counted.
pub fn apart<H: Hasher>(state: &mut H, write: impl FnOnce(&mut H)) {
    state.write_i128(1);
    write(state);
    state.write_i128(0);
}

impl Default for Digest {
    fn default() -> Digest {
        Digest { state: 0x243f_6a88_85a3_08d3, words: 0, before: 0, depth: 0 }
    }
}

impl Digest {
    /// Mixes in one word. Folded multiplication, as in wyhash: every bit of the word reaches every bit of the state.
    #[inline]
    pub fn word(&mut self, word: u64) {
        self.words += 1;
        let product = u128::from(self.state ^ word.rotate_left(32)) * 0xd6e8_feb8_6659_fd93_u128;
        self.state =
            (product as u64 ^ (product >> 64) as u64).wrapping_add(0xa076_1d64_78bd_642f).rotate_left(17) ^ word;
    }
}

impl Digest {
    /// How many words were mixed in, without texts and what stands [`apart`]: about how much there is of what was written.
    pub fn words(&self) -> u64 {
        self.words
    }
}

impl Hasher for Digest {
    fn finish(&self) -> u64 {
        let mut last = *self;
        last.word(0x5851_f42d_4c95_7f2d);
        last.state
    }
    fn write(&mut self, bytes: &[u8]) {
        // Texts are shared by those who hold them.
        let words = self.words;
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
        self.word(bytes.len() as u64);
        self.words = words;
    }
    fn write_u8(&mut self, i: u8) {
        self.word(u64::from(i));
    }
    fn write_u16(&mut self, i: u16) {
        self.word(u64::from(i));
    }
    fn write_u32(&mut self, i: u32) {
        self.word(u64::from(i));
    }
    fn write_u64(&mut self, i: u64) {
        self.word(i);
    }
    fn write_u128(&mut self, i: u128) {
        self.word(i as u64);
        self.word((i >> 64) as u64);
    }
    fn write_usize(&mut self, i: usize) {
        self.word(i as u64);
    }
    fn write_i8(&mut self, i: i8) {
        self.word(i as u64);
    }
    fn write_i16(&mut self, i: i16) {
        self.word(i as u64);
    }
    fn write_i32(&mut self, i: i32) {
        self.word(i as u64);
    }
    fn write_i64(&mut self, i: i64) {
        self.word(i as u64);
    }
    /// Mixes in nothing: nobody has such numbers. What stands [`apart`] begins with one and ends with zero.
    fn write_i128(&mut self, begins: i128) {
        if begins != 0 {
            self.depth += 1;
            if self.depth == 1 {
                self.before = self.words;
            }
        } else {
            self.depth -= 1;
            if self.depth == 0 {
                self.words = self.before;
            }
        }
    }
    fn write_isize(&mut self, i: isize) {
        self.word(i as i64 as u64);
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::Hash;

    fn of(value: &impl Hash) -> u64 {
        let mut digest = Digest::default();
        value.hash(&mut digest);
        digest.finish()
    }

    #[test]
    fn what_stands_apart_is_mixed_in_and_not_counted() {
        let (mut plain, mut within) = (Digest::default(), Digest::default());
        (1..=5).for_each(|word| plain.word(word));
        within.word(1);
        apart(&mut within, |state| {
            state.word(2);
            apart(state, |state| state.word(3));
            state.word(4);
        });
        within.word(5);
        assert_eq!((within.finish(), within.words(), plain.words()), (plain.finish(), 2, 5));
    }

    #[test]
    fn close_values_have_far_digests() {
        let far = |a: u64, b: u64| (a ^ b).count_ones() > 12;
        assert!(far(of(&0u64), of(&1u64)));
        assert!(far(of(&[1u64, 2]), of(&[2u64, 1])));
        assert!(far(of(&("a", "bc")), of(&("ab", "c"))));
        assert!(far(of(&vec![0u8; 3]), of(&vec![0u8; 4])));
    }
}
