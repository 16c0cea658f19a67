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

/// What is asked of the memory: a configuration, as it is entered.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    /// How far in the history.
    pub(super) at: u32,
    pub(super) state: u32,
    /// How often optional operations were used: a number of [`Usages`].
    pub(super) usage: u32,
    /// When a register was last written where somebody could see it.
    pub(super) since: u32,
    /// Which pending operations have taken effect.
    pub(super) bits: &'a [u64],
    /// Which of the bits are of what only looks.
    pub(super) lookers: &'a [u64],
    /// Which are of writes that may go unseen.
    pub(super) writers: &'a [u64],
    /// Which of these have not taken effect and cannot have gone unseen either.
    pub(super) due: &'a [u64],
}

/// Every configuration that was entered: how far in the history, the state, which pending operations have taken effect,
/// and which optional ones were used. One that used more than another of the same rest, or has left more reads to be
/// made or hides fewer writes, can go nowhere that the other could not, so that hundreds of optional operations do not
/// multiply what is to be searched; nor can one that used up writes that another still has, to be seen or not.
#[derive(Debug)]
pub(super) struct Memo {
    /// Rows of `3 + 2 * width` words: how far, state, the row before that differs in what stands beside, bits of what
    /// changes the state. Beside them: usages, bits of what only looks, when it was last written, bits of writes that
    /// are due, and the row before that differs in which writes were used.
    rows: Vec<u32>,
    usages: Vec<u32>,
    looked: Vec<u64>,
    since: Vec<u32>,
    due: Vec<u64>,
    beside: Vec<u32>,
    /// Into the newest row of each beginning.
    index: Index,
    width: usize,
    heads: Vec<u32>,
    /// Into the newest row of those that differ in writes only, with their hashes.
    alike: Index,
    alike_heads: Vec<(u32, u64)>,
}

const NONE: u32 = u32::MAX;

/// How many rows that differ in which writes were used are compared with a new one.
const COMPARED: usize = 256;

fn halves(word: u64) -> [u32; 2] {
    [word as u32, (word >> 32) as u32]
}

impl Memo {
    /// An empty one, for so many words of bits.
    pub(super) fn new(width: usize) -> Memo {
        Memo {
            rows: Vec::new(),
            usages: Vec::new(),
            looked: Vec::new(),
            since: Vec::new(),
            due: Vec::new(),
            beside: Vec::new(),
            index: Index::default(),
            width,
            heads: Vec::new(),
            alike: Index::default(),
            alike_heads: Vec::new(),
        }
    }

    /// How many configurations it holds.
    pub(super) fn len(&self) -> usize {
        self.usages.len()
    }

    fn stride(&self) -> usize {
        3 + 2 * self.width
    }

    fn row(&self, row: u32) -> &[u32] {
        &self.rows[row as usize * self.stride()..][..self.stride()]
    }

    /// A word of the bits of what changes the state, in a row.
    fn word(&self, row: u32, word: usize) -> u64 {
        let bits = &self.row(row)[3 + 2 * word..];
        u64::from(bits[0]) | u64::from(bits[1]) << 32
    }

    /// Whether a row has looked at all that this one has, used no more and hides no less.
    fn covers(&self, row: u32, entry: &Entry, usages: &Usages) -> bool {
        let looked = &self.looked[row as usize * self.width..][..self.width];
        self.since[row as usize] >= entry.since
            && (0..self.width).all(|word| entry.bits[word] & entry.lookers[word] & !looked[word] == 0)
            && usages.spares(self.usages[row as usize], entry.usage)
    }

    /// Whether the writes that this one has used and a row has not can still go either way there.
    fn keeps_writes(&self, row: u32, entry: &Entry) -> bool {
        let due = &self.due[row as usize * self.width..][..self.width];
        (0..self.width).all(|word| {
            let used = entry.bits[word] & !entry.lookers[word];
            self.word(row, word) & !used == 0 && used & due[word] == 0
        })
    }

    /// Takes a configuration in; whether it is worth going on from.
    pub(super) fn is_new(&mut self, entry: &Entry, usages: &Usages) -> bool {
        let Entry { at, state, bits, lookers, writers, .. } = *entry;
        let changed = || bits.iter().zip(lookers).map(|(bits, lookers)| bits & !lookers);
        let fixed = |word: usize, bits: u64| bits & !lookers[word] & !writers[word];
        let begin = u64::from(at) << 32 | u64::from(state);
        let key = |bits: &mut dyn Iterator<Item = u32>| hash([begin].into_iter().chain(bits.map(u64::from)));
        let same = |head: u32| {
            let row = self.row(self.heads[head as usize]);
            row[0] == at && row[1] == state && changed().flat_map(halves).eq(row[3..].iter().copied())
        };
        let new = self.usages.len() as u32;
        let known = self.index.find(key(&mut changed().flat_map(halves)), same);
        let before = known.map_or(NONE, |head| self.heads[head as usize]);
        let mut row = before;
        while row != NONE {
            if self.covers(row, entry, usages) {
                return false;
            }
            row = self.row(row)[2];
        }
        let writes = writers.iter().any(|word| *word != 0);
        let group = hash([begin].into_iter().chain((0..self.width).map(|word| fixed(word, bits[word]))));
        let alike = |head: u32| {
            let row = self.alike_heads[head as usize].0;
            self.row(row)[..2] == [at, state]
                && (0..self.width).all(|word| fixed(word, self.word(row, word)) == fixed(word, bits[word]))
        };
        let group_known = if writes { self.alike.find(group, alike) } else { None };
        let beside = group_known.map_or(NONE, |head| self.alike_heads[head as usize].0);
        let mut row = beside;
        for _ in 0..COMPARED {
            if row == NONE {
                break;
            }
            if self.keeps_writes(row, entry) && self.covers(row, entry, usages) {
                return false;
            }
            row = self.beside[row as usize];
        }
        self.rows.extend([at, state, before]);
        self.rows.extend(changed().flat_map(halves));
        self.usages.push(entry.usage);
        self.since.push(entry.since);
        self.looked.extend(bits.iter().zip(lookers).map(|(bits, lookers)| bits & lookers));
        self.due.extend(entry.due);
        self.beside.push(beside);
        self.remember(new, known, writes.then_some((group, group_known)));
        true
    }

    fn remember(&mut self, new: u32, known: Option<u32>, group: Option<(u64, Option<u32>)>) {
        match known {
            Some(head) => self.heads[head as usize] = new,
            None => {
                self.heads.push(new);
                let (rows, heads, stride) = (&self.rows, &self.heads, self.stride());
                self.index.insert(heads.len() as u32 - 1, |head| {
                    let row = &rows[heads[head as usize] as usize * stride..][..stride];
                    let begin = u64::from(row[0]) << 32 | u64::from(row[1]);
                    hash([begin].into_iter().chain(row[3..].iter().map(|word| u64::from(*word))))
                });
            }
        }
        match group {
            Some((_, Some(head))) => self.alike_heads[head as usize].0 = new,
            Some((group, None)) => {
                self.alike_heads.push((new, group));
                let heads = &self.alike_heads;
                self.alike.insert(heads.len() as u32 - 1, |head| heads[head as usize].1);
            }
            None => {}
        }
    }
}
