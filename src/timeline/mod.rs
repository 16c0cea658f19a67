//! TIME TRAVEL: a history is a document, a seed, settings and acts; any instant of it can be had again.

mod breaks;
mod frames;
mod moment;
mod story;
mod tape;
mod tree;

pub use breaks::{Break, MAX_BREAKS};
pub use frames::{KEYFRAME_STEPS, MAX_BYTES, MAX_KEYFRAMES};
pub use moment::{Cursor, MAX_ACTS, Moment, Source, Stamped};
pub use story::{MAX_STORY, Story};
pub use tape::{Mark, MarkKind, Tape};
pub use tree::{Course, CourseId, MAX_BRANCHES};

use std::rc::Rc;

use crate::components::Record;
use crate::scenario::{Act, Document, Problem, Run, Sink};
use crate::sim::{RecordId, Time, Value};
use crate::trace::Log;

use breaks::Breaks;
use frames::{Frames, lies_on};
use tree::Tree;

/// How many records a step may bring about, on average, where the steps are counted out.
const RECORDS_A_STEP: u64 = 8;

/// A run and its history.
pub struct Timeline {
    document: Rc<Document>,
    seed: u64,
    settings: Rc<Vec<(String, Value)>>,
    tree: Tree,
    next_act: usize,
    run: Run,
    log: Log,
    /// On the way to somewhere: from when on one will want to look back there.
    log_from: Time,
    frames: Frames,
    breaks: Breaks,
    /// What was taken back, the last of it at the end; until something else is done.
    undone: Vec<(Stamped, RecordId)>,
}

/// Where records go as the run advances.
struct Scribe<'a> {
    log: &'a mut Log,
    tape: &'a mut Tape,
    breaks: &'a mut Breaks,
    /// What is older is not written down.
    from: Time,
}

impl Sink for Scribe<'_> {
    fn take(&mut self, record: Record) {
        self.tape.see(&record);
        self.breaks.see(&record);
        if record.at >= self.from {
            self.log.push(record);
        }
    }
    fn take_all(&mut self, records: &mut Vec<Record>) {
        let Some(first) = records.first() else { return };
        if first.at >= self.from {
            return records.drain(..).for_each(|record| self.take(record));
        }
        for record in records.iter() {
            self.tape.see(record);
            self.breaks.see(record);
        }
        records.clear();
    }
}

impl Timeline {
    /// A history in which nothing was done yet.
    ///
    /// # Errors
    /// A setting that no dial of the document takes, or a problem of the document.
    pub fn new(document: Rc<Document>, seed: u64, settings: Vec<(String, Value)>) -> Result<Timeline, Problem> {
        let run = Run::new(Rc::new(document.with_settings(&settings)?), seed)?;
        Ok(Timeline {
            document,
            seed,
            settings: Rc::new(settings),
            tree: Tree::new(Vec::new()),
            next_act: 0,
            frames: Frames::new(),
            run,
            log: Log::default(),
            breaks: Breaks::default(),
            log_from: Time::ZERO,
            undone: Vec::new(),
        })
    }

    /// The history of a moment, at the moment's cursor.
    ///
    /// # Errors
    /// As [`Timeline::new`]; acts that cannot be done are passed over, as they were where the moment was made.
    pub fn at_moment(document: Rc<Document>, moment: &Moment) -> Result<Timeline, Problem> {
        let mut timeline = Timeline::with_acts(document, moment)?;
        timeline.seek(moment.cursor);
        Ok(timeline)
    }

    /// The history of a moment, at its beginning.
    ///
    /// # Errors
    /// As [`Timeline::new`].
    pub fn with_acts(document: Rc<Document>, moment: &Moment) -> Result<Timeline, Problem> {
        let mut timeline = Timeline::new(document, moment.seed, moment.settings.clone())?;
        timeline.tree = Tree::new(moment.acts.clone());
        Ok(timeline)
    }

    /// The run as it is at the cursor.
    pub fn run(&self) -> &Run {
        &self.run
    }
    /// The document as it was given, without the settings.
    pub fn document(&self) -> &Rc<Document> {
        &self.document
    }
    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }
    /// The dials that were set before the start.
    pub fn settings(&self) -> &[(String, Value)] {
        &self.settings
    }
    /// The instant of the cursor.
    pub fn now(&self) -> Time {
        self.run.world.now()
    }
    /// The furthest instant that this course has come to.
    pub fn reached(&self) -> Time {
        self.tree.here().reached
    }
    /// The records up to the cursor, as far back as they are kept.
    pub fn log(&self) -> &Log {
        &self.log
    }
    /// What happened in this course, for the tape.
    pub fn tape(&self) -> &Tape {
        &self.tree.here().tape
    }
    /// How many bytes the keyframes hold, what neighbours share counted once; about [`MAX_BYTES`] at most.
    pub fn held(&self) -> usize {
        self.frames.held()
    }
    /// How many keyframes there are.
    pub fn keyframes(&self) -> usize {
        self.frames.count()
    }
    /// What was done in this course, also after the cursor.
    pub fn acts(&self) -> &[Stamped] {
        self.tree.here().acts()
    }
    /// All courses that are kept, the oldest first.
    pub fn courses(&self) -> &[Course] {
        self.tree.courses()
    }
    /// The course that runs.
    pub fn course(&self) -> &Course {
        self.tree.here()
    }
    /// What an undo would take back: the last act before the cursor.
    pub fn last_act(&self) -> Option<&Stamped> {
        self.acts().get(self.next_act.checked_sub(1)?)
    }
    /// What a redo would do again.
    pub fn next_redo(&self) -> Option<&Stamped> {
        self.undone.last().map(|(stamped, _)| stamped)
    }
    /// Where the cursor stands: an instant, and the place in it where not all of it has happened yet.
    pub fn cursor(&self) -> Cursor {
        let now = self.now();
        let complete = self.run.next_at().is_none_or(|at| at > now)
            && self.acts().get(self.next_act).is_none_or(|act| act.at > now);
        Cursor { at: now, steps: (!complete).then(|| self.run.steps()) }
    }

    /// Goes on to `until`, with the acts on the way, but does at most `budget` steps. Whether it got there.
    pub fn advance(&mut self, until: Time, budget: u64) -> bool {
        let last = self.run.steps().saturating_add(budget);
        // An act on a crowd is one step and a hundred thousand records.
        let last_record =
            RecordId(self.run.world.last_record().0.saturating_add(budget.saturating_mul(RECORDS_A_STEP)));
        while self.next_at().is_some_and(|at| at <= until) {
            let spent = self.run.steps() >= last || self.run.world.last_record() >= last_record;
            if spent || !(self.run_on(until, last, last_record) || self.step()) {
                return self.run.world.halted().is_some();
            }
            if self.breaks.hit().is_some() {
                return true;
            }
        }
        let course = self.tree.here_mut();
        self.run.rest_at(until);
        course.reached = course.reached.max(until);
        true
    }

    /// These are the breakpoints from now on.
    pub fn set_breaks(&mut self, breaks: &[Break]) {
        self.breaks.set(breaks, &self.run);
    }

    /// From now on a run that goes on stops at breakpoints, or it does not: a way to somewhere passes them.
    pub fn watch_breaks(&mut self, active: bool) {
        self.breaks.watch(active, &self.run);
    }

    /// The breakpoint at which the run has stopped.
    pub fn stopped_at(&self) -> Option<&Break> {
        self.breaks.hit()
    }

    /// When something happens next: an event, a cue or an act.
    pub fn next_at(&self) -> Option<Time> {
        let act = self.acts().get(self.next_act).map(|act| act.at);
        match (self.run.next_at(), act) {
            (Some(event), Some(act)) => Some(event.min(act)),
            (event, act) => event.or(act),
        }
    }

    /// Does what comes next up to `until`, up to the next act and no further than these steps and records, in one go: a
    /// seek is a hundred thousand steps. `false` where nothing was done.
    fn run_on(&mut self, until: Time, last: u64, last_record: RecordId) -> bool {
        let course = self.tree.here_mut();
        let until = course.acts.get(self.next_act).map_or(until, |act| act.at.min(until));
        let mut scribe =
            Scribe { log: &mut self.log, tape: &mut course.tape, breaks: &mut self.breaks, from: self.log_from };
        let before = self.run.steps();
        while self.run.next_at().is_some_and(|at| at <= until) {
            let spent = self.run.steps() >= last || self.run.world.last_record() >= last_record;
            if spent || !self.run.step(&mut scribe) {
                break;
            }
            scribe.tape.see_violations(self.run.violations());
            if self.frames.wants(self.run.steps()) {
                self.frames.take(&mut self.run, &course.acts, self.next_act);
            }
            if scribe.breaks.stops(&self.run) {
                break;
            }
        }
        course.reached = course.reached.max(self.run.world.now());
        self.run.steps() > before
    }

    /// Does the next thing: an event, a cue, or an act, which comes after everything else in its microsecond. `false`
    /// when nothing is left to happen.
    pub fn step(&mut self) -> bool {
        let course = self.tree.here_mut();
        let mut scribe =
            Scribe { log: &mut self.log, tape: &mut course.tape, breaks: &mut self.breaks, from: self.log_from };
        let act = course.acts.get(self.next_act).filter(|act| self.run.next_at().is_none_or(|event| event > act.at));
        let stepped = match act {
            Some(stamped) => {
                self.run.rest_at(stamped.at);
                if course.before.len() == self.next_act {
                    Rc::make_mut(&mut course.before).push(self.run.world.last_record());
                }
                self.next_act += 1;
                // An act that can no longer be done was impossible where it was made, too.
                if self.run.act(&stamped.act, &mut scribe).is_err() {
                    self.run.pass_over();
                }
                true
            }
            None => self.run.step(&mut scribe),
        };
        course.reached = course.reached.max(self.run.world.now());
        course.tape.see_violations(self.run.violations());
        // One that is done by hand has somebody who looks.
        self.breaks.stops(&self.run);
        if self.frames.wants(self.run.steps()) {
            self.frames.take(&mut self.run, &course.acts, self.next_act);
        }
        stepped
    }

    /// Does something now, after everything else in this microsecond. In the past, that leaves the course of events; it
    /// is kept.
    ///
    /// # Errors
    /// A sentence, when it cannot be done or would change nothing; then the course has not been left.
    pub fn act(&mut self, act: Act) -> Result<(), String> {
        act.check(&self.document, &self.run.world)?;
        let now = self.now();
        if self.run.next_at().is_some_and(|at| at <= now) {
            while self.run.next_at().is_some_and(|at| at <= now) && self.step() {}
            // What is left of this microsecond may have done it already.
            act.check(&self.document, &self.run.world)?;
        }
        if self.next_act >= MAX_ACTS {
            return Err(format!("{MAX_ACTS} things were done in this run, which is the limit"));
        }
        let last = self.run.world.last_record();
        if self.next_act < self.acts().len() || self.reached() > now {
            self.tree.leave(now, self.next_act, last);
        }
        self.undone.clear();
        self.carry_out(Stamped { at: now, act }, last)
    }

    fn carry_out(&mut self, stamped: Stamped, last: RecordId) -> Result<(), String> {
        let course = self.tree.here_mut();
        let mut scribe =
            Scribe { log: &mut self.log, tape: &mut course.tape, breaks: &mut self.breaks, from: self.log_from };
        self.run.act(&stamped.act, &mut scribe)?;
        Rc::make_mut(&mut course.acts).push(stamped);
        Rc::make_mut(&mut course.before).push(last);
        self.next_act += 1;
        course.tape.see_violations(self.run.violations());
        Ok(())
    }

    /// Takes the last act before the cursor back: the course without it runs from now on, and wants to be gone to where one
    /// stands ([`Timeline::go_on`]). The one with it is kept. `None` when nothing was done.
    pub fn undo(&mut self) -> Option<Cursor> {
        let taken = self.next_act.checked_sub(1)?;
        let (stamped, last) = (self.acts()[taken].clone(), self.tree.here().before[taken]);
        let acts = self.acts()[..taken].to_vec();
        let cursor = self.turn(&acts, |tree| tree.leave(stamped.at, taken, last));
        self.undone.push((stamped, last));
        Some(cursor)
    }

    /// Does again what was taken back last, at the instant when it was done. As [`Timeline::undo`]; `None` when nothing
    /// was taken back.
    pub fn redo(&mut self) -> Option<Cursor> {
        let (stamped, last) = self.undone.pop()?;
        let shared = self.next_act;
        let mut acts = self.acts()[..shared].to_vec();
        acts.push(stamped.clone());
        let cursor = self.turn(&acts, |tree| {
            tree.leave(stamped.at, shared, last);
            Rc::make_mut(&mut tree.here_mut().acts).push(stamped);
        });
        Some(cursor)
    }

    /// The course with exactly these acts runs from now on; if it is not kept, one that `begin` begins.
    fn turn(&mut self, acts: &[Stamped], begin: impl FnOnce(&mut Tree)) -> Cursor {
        let (cursor, done) = (Cursor { at: self.now(), steps: None }, self.tree.here().acts.clone());
        match self.tree.with_acts(acts) {
            Some(id) => {
                self.tree.turn_to(id);
            }
            None => begin(&mut self.tree),
        }
        self.set_out(cursor, &done);
        cursor
    }

    /// Another course runs from now on, and wants to be gone to the cursor that this gives: where one stands, or as far as
    /// the course has come. `None` where it is not kept any more.
    pub fn visit(&mut self, id: CourseId) -> Option<Cursor> {
        let (here, done) = (self.now(), self.tree.here().acts.clone());
        if !self.tree.turn_to(id) {
            return None;
        }
        self.undone.clear();
        let cursor = Cursor { at: here.min(self.reached()), steps: None };
        self.set_out(cursor, &done);
        Some(cursor)
    }

    /// The course in which nothing was done runs from now on, from its beginning.
    pub fn begin_again(&mut self) {
        self.undone.clear();
        self.turn(&[], |tree| tree.leave(Time::ZERO, 0, RecordId(0)));
        self.seek(Cursor { at: Time::ZERO, steps: Some(0) });
    }

    /// Whether keyframes are also taken between others, for one who goes back step by step.
    pub fn set_dense(&mut self, dense: bool) {
        self.frames.dense = dense;
    }

    /// Goes to a cursor, forwards or back, however long that takes.
    pub fn seek(&mut self, cursor: Cursor) {
        self.seek_towards(cursor);
        self.go_on(cursor, u64::MAX);
    }

    /// Goes to the best place to go to a cursor from: where it stands, or a keyframe. [`Timeline::go_on`] does the rest.
    pub fn seek_towards(&mut self, cursor: Cursor) {
        let done = self.tree.here().acts.clone();
        self.set_out(cursor, &done);
    }

    /// As [`Timeline::seek_towards`], where the run has come by the first of the acts `done`, in another course perhaps.
    fn set_out(&mut self, cursor: Cursor, done: &Rc<Vec<Stamped>>) {
        self.breaks.watch(false, &self.run);
        let course = &self.tree.here().acts;
        let behind = cursor.at < self.now() || cursor.steps.is_some_and(|steps| steps < self.run.steps());
        let stays = !behind && lies_on(done, self.next_act, self.now(), course);
        let frame = self.frames.before(cursor, course);
        if !stays || frame.steps() > self.run.steps() {
            let taken = match &frame.run {
                Some(run) => Ok(run.taken_up()),
                None => Run::new(self.run.document().clone(), self.seed),
            };
            // What began once begins again.
            if let Ok(run) = taken {
                (self.run, self.next_act) = (run, frame.next_act);
                self.log.clear();
            }
        }
        self.log_from = frames::run_up(cursor.at, &self.run);
        if self.log_from > self.now() {
            // No log with a gap in it.
            self.log.clear();
        }
        self.frames.moved(self.run.steps());
    }

    /// Goes on to a cursor, but does at most `budget` steps. Whether it got there.
    pub fn go_on(&mut self, cursor: Cursor, budget: u64) -> bool {
        let Some(steps) = cursor.steps else { return self.advance(cursor.at, budget) };
        let last = self.run.steps().saturating_add(budget);
        while self.run.steps() < steps && self.next_at().is_some_and(|at| at <= cursor.at) {
            if self.run.steps() >= last {
                return false;
            }
            if !(self.run_on(cursor.at, last.min(steps), RecordId(u64::MAX)) || self.step())
                || self.breaks.hit().is_some()
            {
                break;
            }
        }
        true
    }

    /// Goes back to before the last thing that happened. `false` at the beginning.
    pub fn step_back(&mut self) -> bool {
        let steps = self.run.steps();
        if steps == 0 {
            return false;
        }
        // The instant of the step before: it is where a run of one step fewer stands.
        let at = self.now();
        self.seek(Cursor { at, steps: Some(steps - 1) });
        true
    }

    /// This history with its cursor, as a value that can be shared.
    pub fn moment(&self) -> Moment {
        Moment {
            document: self.document.clone(),
            seed: self.seed,
            settings: self.settings.to_vec(),
            acts: self.acts()[..self.next_act].to_vec(),
            cursor: self.cursor(),
        }
    }
}
