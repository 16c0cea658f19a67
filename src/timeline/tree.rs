//! The courses that a run has taken. Acting in the past leaves one course and begins another; each is kept, knows what was
//! done in it and what was seen of it, and can be returned to.

use std::rc::Rc;

use crate::sim::{RecordId, Time};

use super::moment::Stamped;
use super::tape::Tape;

/// How many courses are kept besides the one that runs; the oldest goes first.
pub const MAX_BRANCHES: usize = 32;

/// Names a course; never given twice in a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CourseId(pub u32);

/// A course of events.
#[derive(Clone, Debug)]
pub struct Course {
    /// Its name for as long as it is kept.
    pub id: CourseId,
    /// The course that it left; `None` for the first, or where that was let go.
    pub parent: Option<CourseId>,
    /// When it left that.
    pub from: Time,
    /// The furthest instant that it has come to.
    pub reached: Time,
    /// How many of its acts, the first ones, were done in the course that it left.
    shared: usize,
    pub(super) acts: Rc<Vec<Stamped>>,
    /// The last record before each of its acts that were carried out so far: what came before belongs to the course that
    /// a branch leaves.
    pub(super) before: Rc<Vec<RecordId>>,
    pub(super) tape: Tape,
}

impl Course {
    /// What was done in it, in order.
    pub fn acts(&self) -> &[Stamped] {
        &self.acts
    }

    /// What it is called: what was done in it first that was not done in the course that it left.
    pub fn name(&self) -> String {
        match (self.acts.get(self.shared), self.parent) {
            (Some(stamped), _) => stamped.act.words(),
            (None, Some(_)) => "nothing done".to_owned(),
            (None, None) => "as it began".to_owned(),
        }
    }
}

/// All courses of a history; one of them runs.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    courses: Vec<Course>,
    current: usize,
    next: u32,
}

impl Tree {
    /// One course, with these acts before it.
    pub fn new(acts: Vec<Stamped>) -> Tree {
        let first = Course {
            id: CourseId(0),
            parent: None,
            from: Time::ZERO,
            reached: Time::ZERO,
            shared: acts.len(),
            acts: Rc::new(acts),
            before: Rc::default(),
            tape: Tape::default(),
        };
        Tree { courses: vec![first], current: 0, next: 1 }
    }

    /// All of them, the oldest first.
    pub fn courses(&self) -> &[Course] {
        &self.courses
    }
    /// The one that runs.
    pub fn here(&self) -> &Course {
        &self.courses[self.current]
    }
    /// The one that runs.
    pub fn here_mut(&mut self) -> &mut Course {
        &mut self.courses[self.current]
    }
    /// The one of this name, if it is kept.
    pub fn get(&self, id: CourseId) -> Option<&Course> {
        self.courses.iter().find(|course| course.id == id)
    }

    /// From now on this one runs. Whether it is kept.
    pub fn turn_to(&mut self, id: CourseId) -> bool {
        let place = self.courses.iter().position(|course| course.id == id);
        self.current = place.unwrap_or(self.current);
        place.is_some()
    }

    /// Begins a course that shares what was done in this one up to `from`, the first `shared` acts; the last record that
    /// both have is `last`. It runs from now on.
    pub fn leave(&mut self, from: Time, shared: usize, last: RecordId) {
        let here = self.here();
        let mut acts = here.acts.to_vec();
        acts.truncate(shared);
        let mut before = here.before.to_vec();
        before.truncate(shared);
        let mut tape = here.tape.clone();
        tape.leave_branch(from, last);
        let new = Course {
            id: CourseId(self.next),
            parent: Some(self.left_at(from, shared)),
            from,
            reached: from,
            shared,
            acts: Rc::new(acts),
            before: Rc::new(before),
            tape,
        };
        self.next += 1;
        if self.courses.len() > MAX_BRANCHES {
            self.let_oldest_go();
        }
        self.courses.push(new);
        self.current = self.courses.len() - 1;
    }

    /// The course in which exactly these acts are done.
    pub fn with_acts(&self, acts: &[Stamped]) -> Option<CourseId> {
        self.courses.iter().rev().find(|course| *course.acts == *acts).map(|course| course.id)
    }

    /// Which course one leaves at `from`: before a course left its own parent, it was that.
    fn left_at(&self, from: Time, shared: usize) -> CourseId {
        let mut course = self.here();
        while shared <= course.shared && from <= course.from {
            let Some(parent) = course.parent.and_then(|parent| self.get(parent)) else { break };
            course = parent;
        }
        course.id
    }

    fn let_oldest_go(&mut self) {
        let place = usize::from(self.current == 0);
        let gone = self.courses.remove(place);
        if self.current > place {
            self.current -= 1;
        }
        for course in self.courses.iter_mut().filter(|course| course.parent == Some(gone.id)) {
            // What it shares with the one before that is what both share with it.
            (course.parent, course.from) = (gone.parent, course.from.min(gone.from));
            course.shared = course.shared.min(gone.shared);
        }
    }
}
