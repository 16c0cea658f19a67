//! A long row of windows of which copies share nearly all: a keyframe has some of each measure.

use std::rc::Rc;

/// How many stand together; a copy that goes on copies as many at most.
pub(super) const TOGETHER: usize = 64;

/// Windows, oldest first.
#[derive(Clone, Default)]
pub(super) struct Windows<T> {
    /// All but the last are full.
    blocks: Vec<Rc<Vec<T>>>,
    /// How many of the first block were let go.
    gone: usize,
    len: usize,
}

impl<T: Clone + Default> Windows<T> {
    /// So many in which nothing was measured.
    pub fn empty(len: usize) -> Windows<T> {
        let mut windows = Windows::default();
        (0..len).for_each(|_| windows.push(T::default()));
        windows
    }

    /// Adds the newest.
    pub fn push(&mut self, point: T) {
        match self.blocks.last_mut().filter(|block| block.len() < TOGETHER) {
            Some(block) => Rc::make_mut(block).push(point),
            None => self.blocks.push(Rc::new(vec![point])),
        }
        self.len += 1;
    }

    /// Lets the oldest go until only so many are left.
    pub fn keep(&mut self, most: usize) {
        let extra = self.len.saturating_sub(most);
        self.len -= extra;
        self.gone += extra;
        let blocks = (self.gone / TOGETHER).min(self.blocks.len());
        self.blocks.drain(..blocks);
        self.gone -= blocks * TOGETHER;
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// From the `from`th on, oldest first.
    pub fn iter(&self, from: usize) -> impl Iterator<Item = &T> {
        let from = (self.gone + from).min(self.blocks.len() * TOGETHER);
        let skipped = (from / TOGETHER).min(self.blocks.len());
        self.blocks[skipped..].iter().flat_map(|block| block.iter()).skip(from - skipped * TOGETHER)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Point;
    use super::*;

    #[test]
    fn they_are_those_of_a_plain_row() {
        let (mut windows, mut plain) = (Windows::empty(3), vec![Point::default(); 3]);
        for count in 0..1_000u64 {
            let point = Point { count, ..Point::default() };
            windows.push(point);
            plain.push(point);
            let most = 150 + (count as usize * 7) % 100;
            windows.keep(most);
            plain.drain(..plain.len().saturating_sub(most));
            let from = (count as usize * 13) % 300;
            let found: Vec<Point> = windows.iter(from).copied().collect();
            assert_eq!((windows.len, &found[..]), (plain.len(), plain.get(from..).unwrap_or_default()), "{count}");
        }
    }
}
