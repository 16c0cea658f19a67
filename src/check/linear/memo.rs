//! What the search has seen: configurations from which it found no way on.

use super::value::{Index, hash};

/// How often each class of optional operations was used on the way: equal counts are the same number.
#[derive(Debug, Default)]
pub(super) struct Usages {
    counts: Vec<Box<[u16]>>,
    index: Index,
}

fn hash_counts(counts: &[u16]) -> u64 {
    hash(counts.iter().map(|count| u64::from(*count)))
}

impl Usages {
    /// The number of these counts.
    pub(super) fn intern(&mut self, counts: &[u16]) -> u32 {
        if let Some(number) = self.index.find(hash_counts(counts), |number| *self.counts[number as usize] == *counts) {
            return number;
        }
        let number = self.counts.len() as u32;
        self.counts.push(counts.into());
        let all = &self.counts;
        self.index.insert(number, |number| hash_counts(&all[number as usize]));
        number
    }

    pub(super) fn get(&self, number: u32) -> &[u16] {
        &self.counts[number as usize]
    }

    /// Whether the first used no more of anything than the second.
    fn spares(&self, first: u32, second: u32) -> bool {
        first == second || self.get(first).iter().zip(self.get(second)).all(|(first, second)| first <= second)
    }
}

/// Every configuration that was entered: how far in the history, the state, which pending operations have taken effect,
/// and which optional ones were used. One that used more than another of the same rest, or has left more reads to be
/// made or hides fewer writes, can go nowhere that the other could not, so that hundreds of optional operations do not multiply what is to be
/// searched.
#[derive(Debug)]
pub(super) struct Memo {
    /// Rows of `3 + 2 * width` words: how far, state, the row before that differs in what stands beside, bits of what
    /// changes the state. Beside them: usages, and bits of what only looks.
    rows: Vec<u32>,
    usages: Vec<u32>,
    looked: Vec<u64>,
    since: Vec<u32>,
    /// Into the newest row of each beginning.
    index: Index,
    width: usize,
    heads: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl Memo {
    /// An empty one, for so many words of bits.
    pub(super) fn new(width: usize) -> Memo {
        Memo {
            rows: Vec::new(),
            usages: Vec::new(),
            looked: Vec::new(),
            since: Vec::new(),
            index: Index::default(),
            width,
            heads: Vec::new(),
        }
    }

    /// How many configurations it holds.
    pub(super) fn len(&self) -> usize {
        self.usages.len()
    }

    /// Takes a configuration in; whether it is worth going on from. `lookers` are the bits of what only looks.
    pub(super) fn is_new(
        &mut self,
        (at, state, usage, since): (u32, u32, u32, u32),
        all_bits: &[u64],
        lookers: &[u64],
        usages: &Usages,
    ) -> bool {
        let bits = || all_bits.iter().zip(lookers).map(|(bits, lookers)| bits & !lookers);
        let looked = || all_bits.iter().zip(lookers).map(|(bits, lookers)| bits & lookers);
        let stride = 3 + 2 * self.width;
        let halves = |word: u64| [word as u32, (word >> 32) as u32];
        let key = |at: u32, state: u32, bits: &mut dyn Iterator<Item = u32>| {
            hash([u64::from(at) << 32 | u64::from(state)].into_iter().chain(bits.map(u64::from)))
        };
        let rows = &self.rows;
        let heads = &self.heads;
        let of = |row: u32| &rows[row as usize * stride..][..stride];
        let same = |head: u32| {
            let row = of(heads[head as usize]);
            row[0] == at && row[1] == state && bits().flat_map(halves).eq(row[3..].iter().copied())
        };
        let new = self.usages.len() as u32;
        let known = self.index.find(key(at, state, &mut bits().flat_map(halves)), same);
        let mut before = NONE;
        if let Some(head) = known {
            before = self.heads[head as usize];
            let mut row = before;
            while row != NONE {
                let before = &self.looked[row as usize * self.width..][..self.width];
                let saw_all = before.iter().zip(looked()).all(|(before, now)| now & !before == 0);
                if saw_all && self.since[row as usize] >= since && usages.spares(self.usages[row as usize], usage) {
                    return false;
                }
                row = of(row)[2];
            }
        }
        self.rows.extend([at, state, before]);
        self.rows.extend(bits().flat_map(halves));
        self.usages.push(usage);
        self.since.push(since);
        self.looked.extend(looked());
        match known {
            Some(head) => self.heads[head as usize] = new,
            None => {
                self.heads.push(new);
                let (rows, heads) = (&self.rows, &self.heads);
                self.index.insert(heads.len() as u32 - 1, |head| {
                    let row = &rows[heads[head as usize] as usize * stride..][..stride];
                    key(row[0], row[1], &mut row[3..].iter().copied())
                });
            }
        }
        true
    }
}
