//! An ordered map as a sorted vector.

use std::borrow::Borrow;

/// A map in the order of its keys. Looking up is a binary search; putting in costs one too, and a move of what comes
/// after: of nothing, for keys that only grow, as most of ours do.
///
/// Why not the standard library's tree: it is three to ten kilobytes of wasm for each pair of types, a hundred for all of
/// ours, and every one of them is small (a few hundred rows; ten thousand where [`MAX_LINKS_A_NODE`](super::MAX_LINKS_A_NODE)
/// bounds it), where moving memory is as fast as walking a tree. It iterates, hashes and compares as the tree would.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table<K, V> {
    rows: Vec<(K, V)>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Table<K, V> {
        Table::new()
    }
}

impl<K, V> Table<K, V> {
    /// An empty one.
    pub const fn new() -> Table<K, V> {
        Table { rows: Vec::new() }
    }
    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }
    /// How many bytes its rows take, without what they hold elsewhere.
    pub fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<(K, V)>()
    }
    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
    /// Every row, ascending by key.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> + Clone {
        self.rows.iter().map(|(key, value)| (key, value))
    }
    /// Every row, ascending by key.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (&K, &mut V)> {
        self.rows.iter_mut().map(|(key, value)| (&*key, value))
    }
    /// The keys, ascending.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + Clone {
        self.rows.iter().map(|(key, _)| key)
    }
    /// The values, in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + Clone {
        self.rows.iter().map(|(_, value)| value)
    }
    /// The values, in the order of their keys.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut V> {
        self.rows.iter_mut().map(|(_, value)| value)
    }
    /// Takes everything out.
    pub fn clear(&mut self) {
        self.rows.clear();
    }
    /// Lets go whatever `keep` does not want.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.rows.retain_mut(|(key, value)| keep(key, value));
    }
}

impl<K: Ord, V> Table<K, V> {
    /// Where `key` stands, or where it would.
    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.rows.binary_search_by(|(other, _)| other.borrow().cmp(key))
    }
    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.place(key).ok().map(|place| &self.rows[place].1)
    }
    /// The value of a key.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.place(key).ok().map(|place| &mut self.rows[place].1)
    }
    /// Whether there is such a key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.place(key).is_ok()
    }
    /// Puts a value in, in place of the one that the key had.
    pub fn insert(&mut self, key: K, value: V) {
        match self.place(&key) {
            Ok(place) => self.rows[place].1 = value,
            Err(place) => self.rows.insert(place, (key, value)),
        }
    }
    /// The value of a key, which is made first where there is none.
    pub fn or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let place = match self.place(&key) {
            Ok(place) => place,
            Err(place) => {
                self.rows.insert(place, (key, make()));
                place
            }
        };
        &mut self.rows[place].1
    }
    /// The value of a key, the default where there was none.
    pub fn or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        self.or_insert_with(key, V::default)
    }
    /// Takes a row out.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.place(key).ok().map(|place| self.rows.remove(place).1)
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Table<K, V> {
    /// One after the other: cheap where the keys come in order. Of two values of a key the later one stays.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(rows: I) -> Table<K, V> {
        let mut table = Table::new();
        for (key, value) in rows {
            table.insert(key, value);
        }
        table
    }
}

impl<K, V> IntoIterator for Table<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;
    fn into_iter(self) -> Self::IntoIter {
        self.rows.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Digest, Purpose, Stream};
    use super::*;
    use std::collections::BTreeMap;
    use std::hash::{Hash, Hasher};

    #[test]
    fn agrees_with_the_tree_and_hashes_as_it_does() {
        let mut luck = Stream::new(5, Purpose::Faults);
        let (mut table, mut model) = (Table::new(), BTreeMap::new());
        for round in 0..20_000u64 {
            let key = luck.below(300) as u32;
            match luck.below(4) {
                0 => assert_eq!(table.remove(&key), model.remove(&key)),
                1 => {
                    *table.or_insert_with(key, || 7) += round;
                    *model.entry(key).or_insert(7) += round;
                }
                _ => {
                    table.insert(key, round);
                    model.insert(key, round);
                }
            }
            assert_eq!(table.get(&key), model.get(&key));
        }
        table.retain(|key, _| key % 3 > 0);
        model.retain(|key, _| key % 3 > 0);
        assert!(table.iter().eq(model.iter()) && table.len() == model.len());
        let (mut one, mut other) = (Digest::default(), Digest::default());
        table.hash(&mut one);
        model.hash(&mut other);
        assert_eq!(one.finish(), other.finish());
        let collected: Table<u32, u64> = model.iter().rev().map(|(key, value)| (*key, *value)).collect();
        assert_eq!(collected, table);
    }
}
