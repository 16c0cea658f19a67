//! Conflict-free replicated data types, by their states: whoever has the same updates has the same state, in whichever
//! order and however often they came (Shapiro, Preguiça, Baquero and Zawirski, «Conflict-free Replicated Data Types» and
//! «A comprehensive study», 2011).
//!
//! Each is a join semilattice: merging is commutative, associative and idempotent, and an update only goes up. The
//! observed-remove set is the one without tombstones (Bieniusa et al., «An optimized conflict-free replicated set», 2012):
//! a tag that one has and the other has not was removed there if the other knows of it, and is new if not.

use std::hash::{Hash, Hasher};

use crate::sim::{Digest, NodeId, Table};

use super::{Family, Form, Wire};

use std::rc::Rc;

/// How many replicas a state tells apart; what more of them did is not taken in.
pub const MAX_REPLICAS: usize = 1_024;
/// How many elements a set has at most; one more is not put in.
pub const MAX_ELEMENTS: usize = 4_096;

/// How many of each replica's updates are known.
pub type Seen = Table<NodeId, u64>;

/// How many of a replica's updates are among these.
pub fn count(seen: &Seen, node: NodeId) -> u64 {
    seen.get(&node).copied().unwrap_or(0)
}

fn rise(table: &mut Table<NodeId, u64>, other: &Table<NodeId, u64>) {
    for (node, theirs) in other.iter() {
        if table.len() < MAX_REPLICAS || table.contains_key(node) {
            let ours = table.or_default(*node);
            *ours = (*theirs).max(*ours);
        }
    }
}

/// A counter that only grows: what each replica has counted, and their sum.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct GCounter(pub Table<NodeId, u64>);

impl GCounter {
    /// Counts so many more at a replica.
    pub fn increment(&mut self, me: NodeId, by: u64) {
        *self.0.or_default(me) += by;
    }
    /// What it has come to.
    pub fn value(&self) -> u64 {
        self.0.values().sum()
    }
    /// The higher count of each replica.
    pub fn merge(&mut self, other: &GCounter) {
        rise(&mut self.0, &other.0);
    }
}

/// A counter that goes both ways: two that only grow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PnCounter {
    /// What was added.
    pub plus: GCounter,
    /// What was taken.
    pub minus: GCounter,
}

impl PnCounter {
    /// Adds, or takes.
    pub fn change(&mut self, me: NodeId, by: i64) {
        let side = if by < 0 { &mut self.minus } else { &mut self.plus };
        side.increment(me, by.unsigned_abs());
    }
    /// What it has come to.
    pub fn value(&self) -> i64 {
        self.plus.value() as i64 - self.minus.value() as i64
    }
    /// Merges both sides.
    pub fn merge(&mut self, other: &PnCounter) {
        self.plus.merge(&other.plus);
        self.minus.merge(&other.minus);
    }
}

/// An observed-remove set: each time an element is put in it gets a tag, and taking it out takes the tags that one sees.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct OrSet {
    /// Of each element and replica the last tag: the number of the update that put it in.
    tags: Table<(u64, NodeId), u64>,
    /// For those who forget tags: what was ever taken out, as in a two-phase set.
    gone: Table<u64, ()>,
}

impl OrSet {
    /// Puts an element in, by the replica's update of this number.
    pub fn insert(&mut self, me: NodeId, number: u64, element: u64) {
        if self.tags.len() < MAX_ELEMENTS || self.tags.contains_key(&(element, me)) {
            self.tags.insert((element, me), number);
        }
    }
    /// Takes an element out, as far as it can be seen here.
    pub fn remove(&mut self, element: u64) {
        self.tags.retain(|(known, _), _| *known != element);
    }
    /// What is in it, ascending.
    pub fn elements(&self) -> Vec<u64> {
        let mut elements: Vec<u64> = self.tags.keys().map(|(element, _)| *element).collect();
        elements.dedup();
        elements.retain(|element| !self.gone.contains_key(element));
        elements
    }
    /// Whether an element is in it.
    pub fn contains(&self, element: u64) -> bool {
        self.elements().contains(&element)
    }
    /// Merges, when these updates are known here, and those there.
    pub fn merge(&mut self, seen: &Seen, other: &OrSet, theirs: &Seen) {
        // Ours stays if they have it too, or do not know of it yet; the same of theirs.
        self.tags.retain(|tag, number| {
            let there = other.tags.get(tag).is_some_and(|other| other >= number);
            there || *number > count(theirs, tag.1)
        });
        for (tag, number) in other.tags.iter() {
            if *number > count(seen, tag.1) {
                self.tags.insert(*tag, *number);
            }
        }
        for element in other.gone.keys() {
            self.gone.insert(*element, ());
        }
    }
}

/// A register in which the last writer wins, by clock and then by replica.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LwwRegister(pub Option<(u64, NodeId, u64)>);

impl LwwRegister {
    /// Writes a value at an instant of the writer's clock.
    pub fn write(&mut self, me: NodeId, at: u64, value: u64) {
        self.merge(&LwwRegister(Some((at, me, value))));
    }
    /// What was written last.
    pub fn value(&self) -> Option<u64> {
        self.0.map(|(_, _, value)| value)
    }
    /// The later of two.
    pub fn merge(&mut self, other: &LwwRegister) {
        self.0 = self.0.max(other.0);
    }
}

/// Something that a replica is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Update {
    /// Count so many more.
    Count(u64),
    /// Add to the stock, or take from it.
    Change(i64),
    /// Put an element into the set.
    Insert(u64),
    /// Take it out.
    Remove(u64),
    /// Write the register, at an instant of the replica's clock.
    Write {
        /// When.
        at: u64,
        /// What.
        value: u64,
    },
}

impl std::fmt::Display for Update {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Update::Count(by) => write!(f, "counts {by}"),
            Update::Change(by) => write!(f, "changes the stock by {by}"),
            Update::Insert(element) => write!(f, "puts {element} in"),
            Update::Remove(element) => write!(f, "takes {element} out"),
            Update::Write { value, .. } => write!(f, "writes {value}"),
        }
    }
}

crate::choice! {
    /// How a replica takes in another's counter.
    pub enum Counting {
        /// The higher count of each replica.
        Merge = "merge",
        /// Whichever was counted last, whole: increments that were made side by side are lost.
        Overwrite = "overwrite",
    }
}

crate::choice! {
    /// How a replica takes something out of its set.
    pub enum Removing {
        /// The tags that it sees.
        Observed = "observed",
        /// The element, for ever: nothing that was once taken out comes back (a two-phase set).
        ForEver = "for-ever",
    }
}

/// How a replica goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rules {
    /// How it takes in another's counter.
    pub counting: Counting,
    /// How it takes something out of its set.
    pub removing: Removing,
}

/// Everything that a replica has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    /// Which updates are in it.
    pub seen: Seen,
    /// A G-counter.
    pub counter: GCounter,
    /// When it was last counted here, for those who overwrite it.
    counted: (u64, NodeId),
    /// A PN-counter.
    pub stock: PnCounter,
    /// An OR-set.
    pub set: OrSet,
    /// An LWW register.
    pub register: LwwRegister,
}

/// What people see of a state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shown {
    /// The G-counter.
    pub counter: u64,
    /// The PN-counter.
    pub stock: i64,
    /// What is in the OR-set, ascending.
    pub set: Rc<[u64]>,
    /// The LWW register.
    pub register: Option<u64>,
}

impl State {
    /// Carries out an update at a replica, at an instant of its clock.
    pub fn update(&mut self, me: NodeId, at: u64, update: Update, rules: Rules) {
        let number = count(&self.seen, me) + 1;
        self.seen.insert(me, number);
        match update {
            Update::Count(by) => {
                self.counter.increment(me, by);
                self.counted = (at, me);
            }
            Update::Change(by) => self.stock.change(me, by),
            Update::Insert(element) => self.set.insert(me, number, element),
            Update::Remove(element) => {
                self.set.remove(element);
                if rules.removing == Removing::ForEver && self.set.gone.len() < MAX_ELEMENTS {
                    self.set.gone.insert(element, ());
                }
            }
            Update::Write { at, value } => self.register.write(me, at, value),
        }
    }
    /// Takes in what another has.
    pub fn merge(&mut self, other: &State, rules: Rules) {
        match rules.counting {
            Counting::Merge => self.counter.merge(&other.counter),
            Counting::Overwrite if other.counted > self.counted => self.counter = other.counter.clone(),
            Counting::Overwrite => {}
        }
        self.counted = self.counted.max(other.counted);
        self.stock.merge(&other.stock);
        self.set.merge(&self.seen, &other.set, &other.seen);
        self.register.merge(&other.register);
        rise(&mut self.seen, &other.seen);
    }
    /// Whether everything that another has is here.
    pub fn covers(&self, other: &State) -> bool {
        other.seen.iter().all(|(node, theirs)| count(&self.seen, *node) >= *theirs)
    }
    /// What people see.
    pub fn shown(&self) -> Shown {
        Shown {
            counter: self.counter.value(),
            stock: self.stock.value(),
            set: self.set.elements().into(),
            register: self.register.value(),
        }
    }
    /// All of it as one number.
    pub fn mark(&self) -> u64 {
        let mut digest = Digest::default();
        self.hash(&mut digest);
        digest.finish()
    }
}

/// Between replicas.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// This is what I have.
    Merge(Rc<State>),
}

impl Wire for Message {
    const FAMILY: Family = Family::Storage;
    fn name(&self) -> &'static str {
        "Merge"
    }
    fn form(&self) -> Form {
        Form::Beat
    }
    fn bytes(&self) -> u32 {
        let Message::Merge(state) = self;
        let rows = state.seen.len() + state.counter.0.len() + state.stock.plus.0.len() + state.stock.minus.0.len();
        (32 + 12 * rows + 20 * state.set.tags.len()) as u32
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        let Message::Merge(state) = self;
        let shown = state.shown();
        vec![
            ("updates", state.seen.values().sum::<u64>().to_string()),
            ("counter", shown.counter.to_string()),
            ("stock", shown.stock.to_string()),
            ("elements", shown.set.len().to_string()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Purpose, Stream};

    const RIGHT: Rules = Rules { counting: Counting::Merge, removing: Removing::Observed };
    const A: NodeId = NodeId(1);
    const B: NodeId = NodeId(2);

    fn any(luck: &mut Stream) -> Update {
        match luck.below(5) {
            0 => Update::Count(1 + luck.below(3)),
            1 => Update::Change(luck.below(7) as i64 - 3),
            2 => Update::Insert(luck.below(4)),
            3 => Update::Remove(luck.below(4)),
            _ => Update::Write { at: luck.below(50), value: luck.below(1_000) },
        }
    }

    /// Three replicas after a walk of updates and merges.
    fn walk(luck: &mut Stream, rules: Rules) -> [State; 3] {
        let mut states = [State::default(), State::default(), State::default()];
        for _ in 0..luck.below(40) {
            let me = luck.below(3) as usize;
            if luck.below(3) == 0 {
                let other = states[luck.below(3) as usize].clone();
                states[me].merge(&other, rules);
            } else {
                let (at, update) = (luck.below(1_000), any(luck));
                states[me].update(NodeId(me as u32), at, update, rules);
            }
        }
        states
    }

    fn merged(one: &State, other: &State) -> State {
        let mut one = one.clone();
        one.merge(other, RIGHT);
        one
    }

    #[test]
    fn merging_is_a_join() {
        let mut luck = Stream::new(3, Purpose::Faults);
        for _ in 0..3_000 {
            let [a, b, c] = walk(&mut luck, RIGHT);
            assert_eq!(merged(&a, &b), merged(&b, &a), "commutative");
            assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)), "associative");
            assert_eq!(merged(&a, &a), a, "idempotent");
            assert!(merged(&a, &b).covers(&a) && merged(&a, &b).covers(&b), "an upper bound");
            assert_eq!(merged(&merged(&a, &b), &b), merged(&a, &b));
        }
    }

    #[test]
    fn an_element_put_in_beside_its_removal_stays_and_one_that_was_seen_goes() {
        let (mut a, mut b) = (State::default(), State::default());
        a.update(A, 0, Update::Insert(7), RIGHT);
        b.merge(&a, RIGHT);
        // One takes out what it saw, while the other puts it in again.
        a.update(A, 0, Update::Insert(7), RIGHT);
        b.update(B, 0, Update::Remove(7), RIGHT);
        assert!(merged(&a, &b).set.contains(7) && merged(&b, &a).set.contains(7));
        a.merge(&b, RIGHT);
        a.update(A, 0, Update::Remove(7), RIGHT);
        assert!(!merged(&b, &a).set.contains(7));
        // And may be put in again, unless tags are forgotten.
        for (removing, comes_back) in [(Removing::Observed, true), (Removing::ForEver, false)] {
            let rules = Rules { removing, ..RIGHT };
            let mut c = State::default();
            c.update(A, 0, Update::Insert(7), rules);
            c.update(A, 0, Update::Remove(7), rules);
            c.update(A, 0, Update::Insert(7), rules);
            assert_eq!(c.set.contains(7), comes_back);
        }
    }

    #[test]
    fn counts_made_side_by_side_add_up_unless_they_are_overwritten() {
        for (counting, sum) in [(Counting::Merge, 5), (Counting::Overwrite, 3)] {
            let rules = Rules { counting, ..RIGHT };
            let (mut a, mut b) = (State::default(), State::default());
            a.update(A, 10, Update::Count(2), rules);
            b.update(B, 20, Update::Count(3), rules);
            b.update(B, 21, Update::Change(-4), rules);
            a.merge(&b, rules);
            b.merge(&a, rules);
            assert_eq!((a.shown().counter, b.shown().counter, a.shown().stock), (sum, sum, -4));
        }
    }

    #[test]
    fn the_last_writer_is_the_same_everywhere() {
        let (mut a, mut b) = (LwwRegister::default(), LwwRegister::default());
        a.write(A, 5, 1);
        b.write(B, 5, 2);
        let (mut c, mut d) = (a.clone(), b.clone());
        c.merge(&b);
        d.merge(&a);
        assert_eq!((c.value(), d.value()), (Some(2), Some(2)));
        // Who is behind writes in vain.
        c.write(A, 4, 3);
        assert_eq!(c.value(), Some(2));
    }
}
