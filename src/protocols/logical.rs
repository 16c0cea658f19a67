//! Logical clocks: Lamport's number («Time, Clocks, and the Ordering of Events in a Distributed System», CACM 21(7), 1978)
//! and the vector clock (Fidge, «Timestamps in Message-Passing Systems That Preserve the Partial Ordering», ACSC 1988;
//! Mattern, «Virtual Time and Global States of Distributed Systems», 1989), as a process keeps them.
//!
//! IR1: a process counts its clock up between any two of its events. IR2: a message carries the clock of its sending, and
//! whoever receives it sets its own to the greater of the two before it counts up. Then, if an event happened before
//! another, its number is less (Clock Condition); and its vector is less if, and only if, it did (Strong Clock Condition).
//!
//! These are clocks of a protocol. Those that every run can be read by, whatever runs in it, stand in `trace`.

use std::fmt;

use crate::sim::{NodeId, Table};

/// How many events of each process are known of; those of which none is known are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Vector(Table<NodeId, u64>);

impl Vector {
    /// How many events of a process are known of.
    pub fn of(&self, node: NodeId) -> u64 {
        self.0.get(&node).copied().unwrap_or(0)
    }
    /// One more of a process.
    pub fn tick(&mut self, node: NodeId) {
        *self.0.or_default(node) += 1;
    }
    /// Has a count for each of these from now on, if it is none.
    pub fn extend(&mut self, nodes: &[NodeId]) {
        for node in nodes {
            self.0.or_default(*node);
        }
    }
    /// Knows from now on what the other knows, too.
    pub fn merge(&mut self, other: &Vector) {
        for (node, count) in other.0.iter() {
            let mine = self.0.or_default(*node);
            *mine = (*mine).max(*count);
        }
    }
    /// Whether the other knows all of this.
    pub fn within(&self, other: &Vector) -> bool {
        self.0.iter().all(|(node, count)| other.of(*node) >= *count)
    }
    /// Whether it is less: that event happened before the other's.
    pub fn before(&self, other: &Vector) -> bool {
        self.within(other) && !other.within(self)
    }
    /// Whether neither event can have influenced the other.
    pub fn concurrent(&self, other: &Vector) -> bool {
        !self.within(other) && !other.within(self)
    }
    /// How many processes it knows of.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// Whether it knows of nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (place, count) in self.0.values().enumerate() {
            f.write_str(if place > 0 { " " } else { "" })?;
            count.fmt(f)?;
        }
        f.write_str("]")
    }
}

crate::choice! {
    /// What becomes of a clock when a message comes.
    #[derive(Default)]
    pub enum Receipt {
        /// It is set to the greater of its own time and the message's, and counts up (IR2).
        #[default]
        Maximum = "maximum",
        /// It counts up, and does not mind the message's, which is a mistake.
        Own = "own",
    }
}

/// The clocks of a process, and so the times of its last event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// Lamport's clock, from 1.
    pub lamport: u64,
    /// The vector clock.
    pub vector: Vector,
}

impl Stamp {
    /// An event of this process (IR1).
    pub fn tick(&mut self, me: NodeId) {
        self.lamport += 1;
        self.vector.tick(me);
    }
    /// The event that a message of this time is received (IR2).
    pub fn receive(&mut self, me: NodeId, message: &Stamp, receipt: Receipt) {
        if receipt == Receipt::Maximum {
            self.lamport = self.lamport.max(message.lamport);
            self.vector.merge(&message.vector);
        }
        self.tick(me);
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.lamport, self.vector)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Babaoğlu and Marzullo, «Consistent Global States of Distributed Systems», UBLCS-93-1: what each process does, in an
    /// order in which it can have happened; `s` a send, `r` a receipt, `i` anything else, and the message.
    const EXAMPLE: [(u32, char, usize); 15] = [
        (1, 's', 1),
        (2, 's', 2),
        (3, 'i', 0),
        (1, 'r', 2),
        (3, 'r', 1),
        (3, 's', 3),
        (1, 'r', 3),
        (3, 's', 4),
        (2, 'r', 4),
        (1, 's', 5),
        (2, 'r', 5),
        (3, 'i', 0),
        (1, 's', 6),
        (1, 'i', 0),
        (3, 'r', 6),
    ];

    fn times(receipt: Receipt) -> [Vec<String>; 3] {
        let (mut clocks, mut messages) = (vec![Stamp::default(); 3], vec![Stamp::default(); 7]);
        let mut found = [const { Vec::new() }; 3];
        for (node, does, message) in EXAMPLE {
            let (me, mine) = (NodeId(node), &mut clocks[node as usize - 1]);
            match does {
                'r' => mine.receive(me, &messages[message], receipt),
                _ => mine.tick(me),
            }
            if does == 's' {
                messages[message] = mine.clone();
            }
            let vector: String = (1..=3).map(|of| mine.vector.of(NodeId(of)).to_string()).collect();
            found[node as usize - 1].push(format!("{} {vector}", mine.lamport));
        }
        found
    }

    #[test]
    fn the_worked_example_of_babaoglu_and_marzullo() {
        let found = times(Receipt::Maximum);
        assert_eq!(found[0], ["1 100", "2 210", "4 313", "5 413", "6 513", "7 613"]);
        assert_eq!(found[1], ["1 010", "5 124", "6 434"]);
        assert_eq!(found[2], ["1 001", "2 102", "3 103", "4 104", "5 105", "7 516"]);
    }

    #[test]
    fn without_the_maximum_an_effect_can_have_a_lesser_number_than_its_cause() {
        let found = times(Receipt::Own);
        // The receipt of message 6, sent at 5, is the sixth event of its process; that of 4, sent at 4, the second.
        assert_eq!((found[1][1].as_str(), found[2][3].as_str()), ("2 020", "4 004"));
    }

    #[test]
    fn vectors_that_know_less_are_before_and_those_that_know_other_things_are_beside() {
        let vector =
            |counts: &[(u32, u64)]| Vector(counts.iter().map(|(node, count)| (NodeId(*node), *count)).collect());
        let (a, b, c) = (vector(&[(1, 1)]), vector(&[(1, 1), (2, 3)]), vector(&[(1, 2)]));
        assert!(a.before(&b) && a.before(&c) && !b.before(&a) && !a.before(&a.clone()));
        assert!(b.concurrent(&c) && c.concurrent(&b) && !a.concurrent(&c) && !a.concurrent(&a.clone()));
    }
}
