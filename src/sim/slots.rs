//! What a node waits for stands in slots, which are used again.

use std::hash::{Hash, Hasher};

use super::{Component, Disk, Time};

/// A timer that is set.
#[derive(Clone, Hash)]
pub(super) struct Armed<T> {
    pub timer: T,
    pub set: Time,
    pub due: Time,
    pub generation: u32,
}

/// A write that is not on the disk yet.
#[derive(Clone, Hash)]
pub(super) struct Pended<W, T> {
    pub write: W,
    pub done: Option<T>,
    pub generation: u32,
}

type PendedBy<C> = Pended<<<C as Component>::Disk as Disk>::Write, <C as Component>::Timer>;

/// What a node waits for. Slots are used again; generations are not.
pub(super) struct Pending<C: Component> {
    pub timers: Slots<Armed<C::Timer>>,
    pub writes: Slots<PendedBy<C>>,
}

impl<C: Component> Clone for Pending<C> {
    fn clone(&self) -> Pending<C> {
        Pending { timers: self.timers.clone(), writes: self.writes.clone() }
    }
}

impl<C: Component> Pending<C> {
    /// Nothing.
    pub const fn new() -> Pending<C> {
        Pending { timers: Slots::new(), writes: Slots::new() }
    }
    /// How many bytes it takes, without what it holds elsewhere.
    pub fn bytes(&self) -> usize {
        self.timers.bytes() + self.writes.bytes()
    }
    /// Sets a timer; one equal to it is moved. Its slot.
    pub fn arm(&mut self, timer: C::Timer, set: Time, due: Time, generation: u32) -> u32 {
        let armed = Armed { timer, set, due, generation };
        match self.timers.filled.iter().position(|slot| slot.as_ref().is_some_and(|old| old.timer == armed.timer)) {
            Some(slot) => {
                self.timers.filled[slot] = Some(armed);
                slot as u32
            }
            None => self.timers.put(armed),
        }
    }
    /// Takes out a write that is over, unless that was before a crash.
    pub fn written(&mut self, slot: u32, generation: u32) -> Option<PendedBy<C>> {
        let place = self.writes.filled.get_mut(slot as usize)?;
        place.take_if(|pended| pended.generation == generation)
    }
    /// Forgets a timer.
    pub fn disarm(&mut self, timer: &C::Timer) {
        for slot in &mut self.timers.filled {
            if slot.as_ref().is_some_and(|set| set.timer == *timer) {
                *slot = None;
            }
        }
    }
}

/// Places that are used again, the first free one first.
pub(super) struct Slots<T> {
    /// Empty ones at the end need not be stored.
    pub filled: Vec<Option<T>>,
    /// How many there ever were.
    most: usize,
}

impl<T> Slots<T> {
    /// None.
    pub const fn new() -> Slots<T> {
        Slots { filled: Vec::new(), most: 0 }
    }
    /// Puts `value` into the first free place.
    pub fn put(&mut self, value: T) -> u32 {
        let slot = self.filled.iter().position(Option::is_none).unwrap_or_else(|| {
            self.filled.push(None);
            self.filled.len() - 1
        });
        self.most = self.most.max(self.filled.len());
        self.filled[slot] = Some(value);
        slot as u32
    }
    /// How many bytes they take, without what they hold elsewhere.
    pub fn bytes(&self) -> usize {
        self.filled.capacity() * size_of::<Option<T>>()
    }
}

impl<T: Clone> Clone for Slots<T> {
    /// Without the empty ones at the end: once, when much is under way, there are many.
    fn clone(&self) -> Slots<T> {
        let used = self.filled.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        Slots { filled: self.filled[..used].to_vec(), most: self.most }
    }
}

impl<T: Hash> Hash for Slots<T> {
    /// As if all were stored.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.most);
        self.filled.iter().for_each(|slot| slot.hash(state));
        (self.filled.len()..self.most).for_each(|_| None::<T>.hash(state));
    }
}

#[cfg(test)]
mod tests {
    use super::super::Digest;
    use super::*;

    #[test]
    fn a_copy_without_its_empty_end_goes_on_as_the_slots_themselves() {
        let digest = |value: &dyn Fn(&mut Digest)| {
            let mut digest = Digest::default();
            value(&mut digest);
            digest.finish()
        };
        let mut slots = Slots::new();
        (0..9u64).for_each(|n| assert_eq!(slots.put((n, n)), n as u32));
        [1, 6, 7, 8].into_iter().for_each(|slot: usize| slots.filled[slot] = None);
        let mut copy = slots.clone();
        assert!(copy.bytes() < slots.bytes());
        let of = |slots: &Slots<(u64, u64)>| digest(&|digest: &mut Digest| slots.hash(digest));
        for (value, slot) in [(20, 1), (21, 6), (22, 7), (23, 8), (24, 9)] {
            assert_eq!(of(&copy), of(&slots));
            assert_eq!((slots.put((value, 0)), copy.put((value, 0))), (slot, slot));
        }
        assert_eq!(of(&copy), digest(&|digest: &mut Digest| slots.filled.hash(digest)));
    }
}
