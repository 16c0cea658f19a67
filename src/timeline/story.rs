//! The story of a course: the few records out of thousands that tell what broke, was noticed and was done. It outlives the
//! log, of which a busy run keeps a minute, and is known ahead of the cursor when one has gone back.

use std::rc::Rc;

use crate::components::{Record, What};
use crate::sim::RecordId;
use crate::trace::is_telling;

/// How many records a story keeps. With more, messages that were lost in the older half go first, then the oldest quarter.
pub const MAX_STORY: usize = 4_000;

/// What a course has to tell, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Story {
    told: Rc<Vec<Record>>,
}

impl Story {
    /// All of it, oldest first; also what lies ahead of the cursor.
    pub fn records(&self) -> &[Record] {
        &self.told
    }

    pub(super) fn see(&mut self, record: &Record) {
        // That everything is placed and up at the start is no news.
        if !is_telling(&record.what) || matches!(record.what, What::Booted if record.at.0 <= 1_000) {
            return;
        }
        // While nothing goes wrong there are only notes; how all else is copied need not come with the page.
        let copy = match &record.what {
            What::Note(line) => Record { what: What::Note(line.clone()), ..*record },
            _ => copied(record),
        };
        if let Some(told) = Rc::get_mut(&mut self.told) {
            told.push(copy);
        } else {
            self.part_with(copy);
        }
        if self.told.len() > MAX_STORY {
            self.thin();
        }
    }

    /// The rest is shared with a course that was left.
    #[inline(never)]
    fn part_with(&mut self, record: Record) {
        Rc::make_mut(&mut self.told).push(record);
    }

    #[inline(never)]
    fn thin(&mut self) {
        let (told, mut place) = (Rc::make_mut(&mut self.told), 0);
        told.retain(|record| {
            place += 1;
            place > MAX_STORY / 2 || !matches!(record.what, What::Lost { .. })
        });
        if told.len() > MAX_STORY - MAX_STORY / 4 {
            told.drain(..MAX_STORY / 4);
        }
    }

    /// What came after the record `last` belongs to a branch that was left.
    pub(super) fn leave_branch(&mut self, last: RecordId) {
        if self.told.last().is_some_and(|record| record.id > last) {
            Rc::make_mut(&mut self.told).retain(|record| record.id <= last);
        }
    }
}

#[inline(never)]
fn copied(record: &Record) -> Record {
    record.clone()
}
