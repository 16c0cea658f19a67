//! A lesson that goes on by itself: a task is shown by deeds of the document, and in a lecture one task after another and
//! one step after another. It waits for what the run comes to; only for reading it takes time on the wall.

use crate::scenario::{Deed, Step, Task};
use crate::sim::{Micros, Time};

use super::notice::sentence_case;
use super::{Player, Tone};

/// How many characters are read in a second, and how long it takes to begin, in seconds.
const READ: (f64, f64) = (17.0, 2.0);
/// The longest that a step's text is left alone, in seconds.
const LONGEST_READ: f64 = 30.0;
/// How long one looks at what a task has come to, in seconds.
const LOOK: f64 = 3.0;
/// How long a lecture waits for a task after the last that it did for it, in simulated time.
const PATIENCE: Micros = Micros::secs(60);
/// How often it is looked for somebody who is what a deed names, in simulated time, and how many times.
const LOOK_FOR: (Micros, u32) = (Micros::ms(20), 250);

/// Deeds that are being done.
#[derive(Clone, Debug)]
pub(super) struct Showing {
    step: usize,
    task: usize,
    /// The next of them.
    next: usize,
    /// When.
    due: Time,
    /// How often it was in vain looked for whom it names.
    sought: u32,
    /// Whether the task was done before the first of them.
    before: bool,
}

/// A lecture.
#[derive(Clone, Debug, Default)]
pub(super) struct Lecture {
    /// How long nothing is done, in seconds on the wall.
    left: f64,
    /// The task that is being waited for, and since when.
    waiting: Option<(usize, Time)>,
    /// How many tasks of the step are behind.
    done: usize,
    /// The tasks of the step that were done before it was opened: by the way of something else, so that nobody has seen it.
    before: Vec<bool>,
}

fn reading(step: &Step) -> f64 {
    ((step.title.len() + step.text.len()) as f64 / READ.0 + READ.1).min(LONGEST_READ)
}

impl Player {
    fn lesson(&self) -> &[Step] {
        self.timeline.document().lesson.as_ref().map_or(&[], |lesson| &lesson.steps)
    }

    fn task(&self, step: usize, task: usize) -> Option<&Task> {
        self.lesson().get(step)?.tasks.get(task)
    }

    /// Whether the lesson goes on by itself.
    pub fn lectures(&self) -> bool {
        self.lecture.is_some()
    }

    /// The lesson goes on by itself from now on, or stops doing so.
    #[inline(never)]
    pub(super) fn set_lecture(&mut self, on: bool) {
        self.lecture = on.then(Lecture::default);
        self.showing = None;
        if on {
            self.playing = true;
            self.forwards();
            self.begin_step();
        }
    }

    /// A step of the lesson is read from its beginning.
    #[inline(never)]
    pub(super) fn begin_step(&mut self) {
        let step = self.lesson().get(self.step);
        let left = step.map_or(0.0, reading);
        let tasks = step.map_or(0, |step| step.tasks.len());
        let before = (0..tasks).map(|task| self.ticked(self.step, task)).collect();
        if let Some(lecture) = &mut self.lecture {
            *lecture = Lecture { left, before, ..Lecture::default() };
        }
    }

    /// Does what does a task of the step that is open.
    #[inline(never)]
    pub(super) fn show_task(&mut self, task: usize) {
        let Some(first) = self.task(self.step, task).and_then(|task| task.show.first()) else { return };
        let due = self.timeline.now() + first.wait;
        let before = self.ticked(self.step, task);
        self.showing = Some(Showing { step: self.step, task, next: 0, due, sought: 0, before });
        self.playing = true;
        self.forwards();
        self.deeds();
    }

    /// While the run goes on: the deeds that are due, and what the lecture does next after so many seconds on the wall.
    pub(super) fn teach(&mut self, seconds: f64) {
        if self.showing.is_some() {
            self.deeds();
        }
        if self.lecture.is_some() {
            self.go_on_teaching(seconds);
        }
    }

    /// Until when a frame goes that would go until then: it ends at the next deed, so that deeds are done at their
    /// instants however fast one watches.
    pub(super) fn until_deed(&self, until: Time) -> Time {
        let due = self.showing.as_ref().map(|showing| showing.due).filter(|due| *due > self.timeline.now());
        due.map_or(until, |due| due.min(until))
    }

    #[inline(never)]
    fn deeds(&mut self) {
        while let Some(mut showing) = self.showing.take().filter(|showing| !self.needless(showing)) {
            let now = self.timeline.now();
            let deeds = self.task(showing.step, showing.task).map_or(&[][..], |task| &task.show);
            let Some(Deed { act, .. }) = deeds.get(showing.next).filter(|_| showing.due <= now) else {
                // What is due later stays.
                self.showing = Some(showing).filter(|showing| showing.due > now);
                return;
            };
            let (act, last) = (act.clone(), deeds.get(showing.next + 1).is_none());
            let wait = deeds.get(showing.next + 1).map_or(Micros::ZERO, |deed| deed.wait);
            let done = match act.now(&self.timeline.run().world) {
                // Nobody leads during an election, and a lock is free for a moment.
                Err(_) if showing.sought < LOOK_FOR.1 => {
                    (showing.due, showing.sought) = (now + LOOK_FOR.0, showing.sought + 1);
                    self.showing = Some(showing);
                    return;
                }
                meant => meant.and_then(|act| self.attempt(act)),
            };
            match done {
                // What comes first puts back what may have been left, and needs not where nothing was; what comes last is
                // what the task is about.
                Err(told) if last => {
                    self.tell(Tone::Warn, format!("This cannot be shown just now: {}", sentence_case(&told)));
                }
                _ if last => {}
                _ => self.showing = Some(Showing { next: showing.next + 1, due: now + wait, sought: 0, ..showing }),
            }
        }
    }

    /// Whether the task was done by the deeds so far: no more are needed.
    fn needless(&self, showing: &Showing) -> bool {
        !showing.before && self.ticked(showing.step, showing.task)
    }

    #[inline(never)]
    fn go_on_teaching(&mut self, seconds: f64) {
        let Some(mut lecture) = self.lecture.take() else { return };
        let now = self.timeline.now();
        if lecture.left > 0.0 {
            lecture.left -= seconds;
        } else if let Some((task, since)) = lecture.waiting {
            let ticked = self.ticked(self.step, task);
            if self.showing.is_some() {
                lecture.waiting = Some((task, now));
            } else if ticked || now.since(since) >= PATIENCE {
                lecture = Lecture { left: LOOK, waiting: None, done: task + 1, ..lecture };
            }
        } else if let Some(task) = self.task(self.step, lecture.done) {
            let shown = !task.show.is_empty();
            let before = shown && lecture.before.get(lecture.done) == Some(&true);
            if self.ticked(self.step, lecture.done) && !before {
                lecture.done += 1;
            } else {
                lecture.waiting = Some((lecture.done, now));
                if shown {
                    self.show_task(lecture.done);
                }
            }
        } else if self.step + 1 < self.lesson().len() {
            self.step += 1;
            self.lecture = Some(lecture);
            return self.begin_step();
        } else {
            return self.tell(Tone::Quiet, "That was the lesson. The run goes on, and is yours.".to_owned());
        }
        self.lecture = Some(lecture);
    }
}
