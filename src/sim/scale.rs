//! What a copy of a state holds in bytes, and what of it it shares with another copy.

/// How many bytes go with each word of a state that is known by its digest only, beside the state itself: measured, and
/// held by `tests/memory.rs`.
pub(super) const WEIGHT_OF_A_WORD: usize = if cfg!(target_pointer_width = "32") { 12 } else { 16 };

/// How many bytes an `Rc` has beside what it holds.
pub const COUNTS: usize = 2 * size_of::<usize>();

/// Bytes that a copy holds, those of its own and those in places that other copies may hold, too.
#[derive(Clone, Debug, Default)]
pub struct Scale {
    own: usize,
    /// Places in memory, and how many bytes are there; in order once it has settled.
    shared: Vec<(usize, usize)>,
}

impl Scale {
    /// Adds bytes that no other copy has.
    pub fn own(&mut self, bytes: usize) {
        self.own += bytes;
    }

    /// Adds bytes that stand in a place of which others may know.
    pub fn shared(&mut self, place: usize, bytes: usize) {
        self.shared.push((place, bytes));
    }

    /// Nothing comes any more: each place counts once.
    pub fn settle(&mut self) {
        self.shared.sort_unstable();
        self.shared.dedup_by_key(|(place, _)| *place);
        self.shared.shrink_to_fit();
        self.own += size_of_val(&*self.shared);
    }

    /// How many bytes it holds that `other` does not hold; both have settled.
    pub fn beside(&self, other: Option<&Scale>) -> usize {
        let mut others = other.map_or(&[][..], |other| &other.shared).iter().peekable();
        let alone = self.shared.iter().filter(|(place, _)| {
            while others.next_if(|(other, _)| other < place).is_some() {}
            others.peek().is_none_or(|(other, _)| other != place)
        });
        self.own + alone.map(|(_, bytes)| bytes).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_have_counts_once() {
        let of = |own: usize, places: &[usize]| {
            let mut scale = Scale::default();
            scale.own(own);
            places.iter().for_each(|place| scale.shared(*place, 1_000 + place));
            scale.settle();
            scale
        };
        let row = |places: usize| places * size_of::<(usize, usize)>();
        let (one, two) = (of(5, &[3, 1, 3, 7]), of(50, &[7, 2, 9]));
        assert_eq!(one.beside(None), 5 + 3_011 + row(3));
        assert_eq!(two.beside(Some(&one)), 50 + 2_011 + row(3));
        assert_eq!(two.beside(Some(&two)), 50 + row(3));
    }
}
