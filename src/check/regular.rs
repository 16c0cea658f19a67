//! Regularity: a read returns what the last write put there that was over before the read began, or what a write puts
//! there that overlaps it (Lamport, «On Interprocess Communication», 1986; with several writers, the weaker of the forms
//! in Shao, Pierce and Welch, DISC 2003: nothing that was overwritten before the read began).
//!
//! It is less than linearizable: two reads during one write may disagree on which of the values is the newer. It needs no
//! search, so it speaks at the read that breaks it. Writes are told apart by their values; clients write each once.

use std::rc::Rc;

use crate::components::{Datum, Fact, Record, Step, What, World};
use crate::sim::{NodeId, RecordId, Scale, Table};

use super::{Check, Violation};

/// Its name in documents.
pub const NAME: &str = "regular";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "A read returns the last write that was over before it began, or one that overlaps it: no acknowledged write is lost."
);
/// How many keys are watched; what is read and written under more is no verdict.
pub const KEYS: usize = 4_096;
/// How many writes of a key are known at once; a key with more that may still be read is watched no more.
pub const WRITES: usize = 512;

/// A write.
#[derive(Clone, Copy, Debug)]
struct Wrote {
    called: RecordId,
    /// When its client was told that it is done.
    over: Option<RecordId>,
    /// Its client was told that it did not happen.
    failed: bool,
}

/// What is known of a key.
#[derive(Clone, Debug, Default)]
struct Of {
    writes: Table<u64, Wrote>,
    /// Reads that wait for their answer, by process, and when they began.
    reads: Table<(NodeId, u64), RecordId>,
    /// Whether some that no read may return any more were let go.
    forgotten: bool,
    silent: bool,
}

impl Of {
    /// A write that was called after this one was over, and was over before `before`.
    fn successor(&self, write: Wrote, before: RecordId) -> Option<(u64, Wrote)> {
        let over = write.over?;
        let after = |(_, other): &(&u64, &Wrote)| other.called > over && other.over.is_some_and(|end| end < before);
        self.writes.iter().find(after).map(|(value, other)| (*value, *other))
    }

    /// Forgets writes that no read may return any more.
    fn prune(&mut self, now: RecordId) {
        let before = self.reads.values().copied().min().unwrap_or(now);
        let old: Vec<u64> = self
            .writes
            .iter()
            .filter(|(_, write)| self.successor(**write, before).is_some())
            .map(|(value, _)| *value)
            .collect();
        self.forgotten |= !old.is_empty();
        self.writes.retain(|value, _| old.binary_search(value).is_err());
        self.silent |= self.writes.len() >= WRITES;
    }
}

/// The check.
#[derive(Clone, Debug, Default)]
pub struct Regular {
    keys: Table<u64, Rc<Of>>,
}

impl Regular {
    fn of(&mut self, key: u64) -> Option<&mut Of> {
        if self.keys.len() >= KEYS && !self.keys.contains_key(&key) {
            return None;
        }
        Some(Rc::make_mut(self.keys.or_default(key))).filter(|of| !of.silent)
    }

    fn wrote(&mut self, record: RecordId, key: u64, value: u64, step: Step) {
        let Some(of) = self.of(key) else { return };
        if step == Step::Invoke {
            if of.writes.len() >= WRITES {
                of.prune(record);
            }
            of.writes.insert(value, Wrote { called: record, over: None, failed: false });
        } else if let Some(write) = of.writes.get_mut(&value) {
            write.over = (step == Step::Ok).then_some(record);
            write.failed = step == Step::Fail;
        }
    }

    /// What is wrong with what a read returned, and the records that show it.
    fn judge(of: &Of, began: RecordId, read: Option<u64>) -> Option<(String, Vec<RecordId>)> {
        let Some(value) = read else {
            let mut over = of.writes.iter().filter(|(_, write)| write.over.is_some_and(|over| over < began));
            let (value, write) = over.next()?;
            let told = format!("found nothing, but {value} was acknowledged before it began");
            return Some((told, [Some(write.called), write.over].into_iter().flatten().collect()));
        };
        match of.writes.get(&value) {
            None if of.forgotten => Some((format!("returned {value}, which was overwritten long before"), Vec::new())),
            None => Some((format!("returned {value}, which nobody wrote there"), Vec::new())),
            Some(write) if write.failed => {
                Some((format!("returned {value}, whose write did not happen"), vec![write.called]))
            }
            Some(write) => {
                let (newer, other) = of.successor(*write, began)?;
                let told = format!(
                    "returned {value}, but {newer} was written after it and acknowledged before the read began"
                );
                let shown = [Some(write.called), write.over, Some(other.called), other.over];
                Some((told, shown.into_iter().flatten().collect()))
            }
        }
    }
}

impl Check for Regular {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        let What::Fact(Fact::Operation { process, step, op, key, value, result }) = &record.what else { return };
        let (key, who) = (key.unwrap_or(0), (record.node, *process));
        match (*op, value) {
            ("write", Some(Datum::Number(value))) => self.wrote(record.id, key, *value, *step),
            ("cas", Some(Datum::Pair(_, value))) => {
                let step = if *result == Some(false) { Step::Fail } else { *step };
                self.wrote(record.id, key, *value, step);
            }
            ("read", value) => {
                let Some(of) = self.of(key) else { return };
                if *step == Step::Invoke {
                    return of.reads.insert(who, record.id);
                }
                let Some(began) = of.reads.remove(&who) else { return };
                let read = if let Some(Datum::Number(value)) = value { Some(*value) } else { None };
                let Some((told, mut evidence)) = Regular::judge(of, began, read).filter(|_| *step == Step::Ok) else {
                    return;
                };
                of.silent = true;
                evidence.extend([began, record.id]);
                evidence.sort_unstable();
                let told = format!("regularity: a read of key {key} by {} {told}", world.name(record.node));
                let (at, node, record) = (record.at, record.node, record.id);
                found.push(Violation { check: Rc::from(NAME), at, record, node, told: Rc::from(told), evidence });
            }
            _ => {}
        }
    }
    fn weigh(&self, scale: &mut Scale) {
        for of in self.keys.values() {
            scale.shared(Rc::as_ptr(of).addr(), 100 + of.writes.bytes() + of.reads.bytes());
        }
        scale.own(self.keys.bytes());
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Regular::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes by value, each with the numbers of its call and of its end, if it had one.
    fn of(writes: &[(u64, u64, Option<u64>)]) -> Of {
        let wrote = |called: u64, over: Option<u64>| Wrote {
            called: RecordId(called),
            over: over.map(RecordId),
            failed: false,
        };
        Of { writes: writes.iter().map(|(value, a, b)| (*value, wrote(*a, *b))).collect(), ..Of::default() }
    }

    fn wrong(of: &Of, began: u64, read: Option<u64>) -> bool {
        Regular::judge(of, RecordId(began), read).is_some()
    }

    #[test]
    fn what_was_overwritten_before_the_read_began_may_not_be_read() {
        let of = of(&[(1, 10, Some(20)), (2, 30, Some(40)), (3, 50, None)]);
        assert!(wrong(&of, 45, Some(1)) && wrong(&of, 45, None) && wrong(&of, 45, Some(9)));
        // The last that was over, one that overlaps the read, and one of which nobody knows whether it is over.
        assert!(!wrong(&of, 45, Some(2)) && !wrong(&of, 35, Some(1)) && !wrong(&of, 60, Some(3)));
        // Two that overlapped may stand in either order.
        let of = self::of(&[(1, 10, Some(40)), (2, 30, Some(35))]);
        assert!(!wrong(&of, 45, Some(1)) && !wrong(&of, 45, Some(2)) && !wrong(&of, 5, None));
    }

    #[test]
    fn what_no_read_may_return_is_forgotten_and_still_wrong() {
        let writes: Vec<(u64, u64, Option<u64>)> = (1..500).map(|n| (n, n * 10, Some(n * 10 + 5))).collect();
        let mut of = of(&writes);
        of.reads.insert((NodeId(1), 1), RecordId(20));
        of.prune(RecordId(6_000));
        assert_eq!(of.writes.len(), 499, "a read that began early may return the first");
        of.reads.clear();
        of.prune(RecordId(6_000));
        assert_eq!((of.writes.len(), of.silent), (1, false));
        assert!(wrong(&of, 6_001, Some(3)) && !wrong(&of, 6_001, Some(499)));
    }
}
