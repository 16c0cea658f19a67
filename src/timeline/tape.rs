//! What the tape is painted with: the few things out of thousands that a person looks for.

use std::rc::Rc;

use crate::check::Violation;
use crate::components::{Fact, Record, What};
use crate::protocols::swim::Standing;
use crate::sim::{Change, NodeId, RecordId, Time};

use super::story::Story;

/// How many marks are kept; with more, every second of the older half goes, except broken promises.
pub const MAX_MARKS: usize = 2_000;

/// What kind of thing a mark stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MarkKind {
    /// Something broke, or was broken.
    Fault,
    /// Something came back, or was mended.
    Recovery,
    /// Something else was changed.
    Change,
    /// A watcher noticed a fault.
    Notice,
    /// A promise was broken.
    Violation,
}

/// A place on the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: Time,
    /// What kind.
    pub kind: MarkKind,
    /// Where.
    pub node: NodeId,
    /// The record.
    pub record: RecordId,
}

/// The marks of a run, in the order of their time.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    marks: Rc<Vec<Mark>>,
    story: Story,
    /// The last record that was looked at: a replay shows the same ones again.
    seen: RecordId,
    violations: usize,
}

impl Tape {
    /// The marks.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }
    /// What happened, in more words.
    pub fn story(&self) -> &Story {
        &self.story
    }

    pub(super) fn see(&mut self, record: &Record) {
        if record.id <= self.seen {
            return;
        }
        self.seen = record.id;
        self.story.see(record);
        let kind = match &record.what {
            What::Crashed { .. } | What::Paused | What::Cut { .. } | What::Held { .. } => MarkKind::Fault,
            What::Slowed { permille } if *permille > 1000 => MarkKind::Fault,
            What::Changed(change) if change.is_fault() => MarkKind::Fault,
            What::Changed(Change::Cores(_) | Change::Disk(_)) => MarkKind::Change,
            // The first boots are not news.
            What::Booted if record.at > Time::ZERO => MarkKind::Recovery,
            What::Changed(_) | What::Slowed { .. } | What::Resumed | What::Healed { .. } | What::Released { .. } => {
                MarkKind::Recovery
            }
            What::Removed
            | What::Dialled { .. }
            | What::Relinked { .. }
            | What::Hurried { .. }
            | What::Delayed { .. } => MarkKind::Change,
            What::Fact(Fact::Suspected { .. }) => MarkKind::Notice,
            What::Fact(Fact::Believes { from: None, standing: Standing::Suspect | Standing::Faulty, .. }) => {
                MarkKind::Notice
            }
            _ => return,
        };
        self.add(Mark { at: record.at, kind, node: record.node, record: record.id });
    }

    pub(super) fn see_violations(&mut self, violations: &[Violation]) {
        if violations.len() == self.violations {
            return;
        }
        for broken in violations.get(self.violations..).unwrap_or_default() {
            let mark = Mark { at: broken.at, kind: MarkKind::Violation, node: broken.node, record: broken.record };
            if !self.marks.contains(&mark) {
                self.add(mark);
            }
        }
        self.violations = violations.len();
    }

    /// What came after `now`, after the record `last`, belongs to a branch that was left.
    pub(super) fn leave_branch(&mut self, now: Time, last: RecordId) {
        Rc::make_mut(&mut self.marks).retain(|mark| mark.at <= now && mark.record <= last);
        self.story.leave_branch(last);
        self.seen = self.seen.min(last);
    }

    fn add(&mut self, mark: Mark) {
        let marks = Rc::make_mut(&mut self.marks);
        let place = marks.partition_point(|other| (other.at, other.record) <= (mark.at, mark.record));
        marks.insert(place, mark);
        if marks.len() > MAX_MARKS {
            let (half, mut place) = (MAX_MARKS / 2, 0);
            marks.retain(|mark| {
                place += 1;
                place > half || place % 2 == 0 || mark.kind == MarkKind::Violation
            });
            // Nothing but broken promises: the latest are the least of the news.
            marks.truncate(MAX_MARKS);
        }
    }
}
