//! TIME TRAVEL: a history is a document, a seed, settings and acts; any instant of it can be had again.

mod moment;
mod tape;

pub use moment::{Cursor, MAX_ACTS, Moment, Source, Stamped};
pub use tape::{Mark, MarkKind, Tape};

use std::rc::Rc;

use crate::components::Record;
use crate::scenario::{Act, Document, Problem, Run, Sink};
use crate::sim::{Micros, Time, Value};
use crate::trace::Log;

/// A keyframe is taken after so many steps.
pub const KEYFRAME_STEPS: u64 = 5_000;
/// How many keyframes are kept; they are thinned with their distance from the newest.
pub const MAX_KEYFRAMES: usize = 64;
/// How much all keyframes may hold (see [`World::size`](crate::sim::World::size)): a few hundred megabytes, if they
/// share nothing.
const MAX_KEPT: usize = 4_000_000;
/// How many branches are kept; the oldest goes first.
pub const MAX_BRANCHES: usize = 32;
/// How many records a step may bring about, on average, where the steps are counted out.
const RECORDS_A_STEP: u64 = 8;
/// How much of the log there should be before an instant that one has jumped to.
const RUN_UP: Micros = Micros::secs(3);

/// A course of events that was left by acting in its past.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// What was done in it.
    pub acts: Rc<Vec<Stamped>>,
    /// Where it was left.
    pub until: Time,
}

/// A run and its history.
pub struct Timeline {
    document: Rc<Document>,
    seed: u64,
    settings: Rc<Vec<(String, Value)>>,
    acts: Rc<Vec<Stamped>>,
    next_act: usize,
    run: Run,
    log: Log,
    tape: Tape,
    keyframes: Vec<Keyframe>,
    branches: Vec<Branch>,
    /// The furthest instant that this branch has come to.
    reached: Time,
}

#[derive(Clone)]
struct Keyframe {
    run: Run,
    next_act: usize,
    size: usize,
}

/// Where records go as the run advances.
struct Scribe<'a> {
    log: &'a mut Log,
    tape: &'a mut Tape,
}

impl Sink for Scribe<'_> {
    fn take(&mut self, record: Record) {
        self.tape.see(&record);
        self.log.push(record);
    }
}

impl Timeline {
    /// A history in which nothing was done yet.
    ///
    /// # Errors
    /// A setting that no dial of the document takes, or a problem of the document.
    pub fn new(document: Rc<Document>, seed: u64, settings: Vec<(String, Value)>) -> Result<Timeline, Problem> {
        let run = Run::new(Rc::new(document.with_settings(&settings)?), seed)?;
        let first = Keyframe { run: run.clone(), next_act: 0, size: run.world.size() };
        Ok(Timeline {
            document,
            seed,
            settings: Rc::new(settings),
            acts: Rc::default(),
            next_act: 0,
            run,
            log: Log::default(),
            tape: Tape::default(),
            keyframes: vec![first],
            branches: Vec::new(),
            reached: Time::ZERO,
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
        timeline.acts = Rc::new(moment.acts.clone());
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
    /// The furthest instant that this branch has come to.
    pub fn reached(&self) -> Time {
        self.reached
    }
    /// The records up to the cursor, as far back as they are kept.
    pub fn log(&self) -> &Log {
        &self.log
    }
    /// What happened, for the tape.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }
    /// How much the keyframes hold, as [`World::size`](crate::sim::World::size) counts it, as if they shared nothing.
    pub fn held(&self) -> usize {
        self.keyframes.iter().map(|frame| frame.size).sum()
    }
    /// What was done in this branch, also after the cursor.
    pub fn acts(&self) -> &[Stamped] {
        &self.acts
    }
    /// The courses of events that were left.
    pub fn branches(&self) -> &[Branch] {
        &self.branches
    }
    /// Where the cursor stands: an instant, and the place in it where not all of it has happened yet.
    pub fn cursor(&self) -> Cursor {
        let now = self.now();
        let complete =
            self.run.next_at().is_none_or(|at| at > now) && self.acts.get(self.next_act).is_none_or(|act| act.at > now);
        Cursor { at: now, steps: (!complete).then(|| self.run.steps()) }
    }

    /// Goes on to `until`, with the acts on the way, but does at most `budget` steps. Whether it got there.
    pub fn advance(&mut self, until: Time, budget: u64) -> bool {
        let last = self.run.steps().saturating_add(budget);
        // An act on a crowd is one step and a hundred thousand records.
        let last_record = self.run.world.last_record().0.saturating_add(budget.saturating_mul(RECORDS_A_STEP));
        while self.next_at().is_some_and(|at| at <= until) {
            let spent = self.run.steps() >= last || self.run.world.last_record().0 >= last_record;
            if spent || !self.step() {
                self.reached = self.reached.max(self.now());
                return self.run.world.halted().is_some();
            }
        }
        self.run.run_until(until, &mut Scribe { log: &mut self.log, tape: &mut self.tape });
        self.reached = self.reached.max(until);
        true
    }

    /// When something happens next: an event, a cue or an act.
    pub fn next_at(&self) -> Option<Time> {
        let act = self.acts.get(self.next_act).map(|act| act.at);
        match (self.run.next_at(), act) {
            (Some(event), Some(act)) => Some(event.min(act)),
            (event, act) => event.or(act),
        }
    }

    /// Does the next thing: an event, a cue, or an act, which comes after everything else in its microsecond. `false`
    /// when nothing is left to happen.
    pub fn step(&mut self) -> bool {
        let mut scribe = Scribe { log: &mut self.log, tape: &mut self.tape };
        let act = self.acts.get(self.next_act).filter(|act| self.run.next_at().is_none_or(|event| event > act.at));
        let stepped = match act {
            Some(stamped) => {
                self.next_act += 1;
                self.run.run_until(stamped.at, &mut scribe);
                // An act that can no longer be done was impossible where it was made, too.
                if self.run.act(&stamped.act, &mut scribe).is_err() {
                    self.run.pass_over();
                }
                true
            }
            None => self.run.step(&mut scribe),
        };
        self.reached = self.reached.max(self.now());
        self.tape.see_violations(self.run.violations());
        self.keep_frame();
        stepped
    }

    /// Does something now. What was done later is kept as a branch.
    ///
    /// # Errors
    /// A sentence, when it cannot be done or would change nothing; then nothing has changed and no branch opened.
    pub fn act(&mut self, act: Act) -> Result<(), String> {
        act.check(&self.document, &self.run.world)?;
        if self.acts.len() >= MAX_ACTS {
            return Err(format!("{MAX_ACTS} things were done in this run, which is the limit"));
        }
        let now = self.now();
        if self.next_act < self.acts.len() {
            if self.branches.len() >= MAX_BRANCHES {
                self.branches.remove(0);
            }
            self.branches.push(Branch { acts: self.acts.clone(), until: self.reached });
        }
        self.tape.leave_branch(now, self.run.world.last_record());
        let mut scribe = Scribe { log: &mut self.log, tape: &mut self.tape };
        self.run.act(&act, &mut scribe)?;
        let acts = Rc::make_mut(&mut self.acts);
        acts.truncate(self.next_act);
        acts.push(Stamped { at: now, act });
        self.next_act += 1;
        // What came after this instant belongs to the branch that was left.
        let steps = self.run.steps();
        self.keyframes.retain(|frame| frame.run.steps() < steps && frame.run.world.now() <= now);
        self.tape.see_violations(self.run.violations());
        self.reached = now;
        Ok(())
    }

    /// Goes to a cursor, forwards or back, however long that takes.
    pub fn seek(&mut self, cursor: Cursor) {
        self.seek_towards(cursor);
        self.go_on(cursor, u64::MAX);
    }

    /// Goes to the best place to go to a cursor from: where it stands, or a keyframe. [`Timeline::go_on`] does the rest.
    pub fn seek_towards(&mut self, cursor: Cursor) {
        let start = Time(cursor.at.0.saturating_sub(RUN_UP.0));
        let usable = |frame: &&Keyframe| {
            let early = frame.run.world.now() <= start || frame.run.steps() == 0;
            early && cursor.steps.is_none_or(|steps| frame.run.steps() <= steps)
        };
        let back = cursor.at < self.now() || cursor.steps.is_some_and(|steps| steps < self.run.steps());
        let frame = self.keyframes.iter().rev().find(usable);
        if let Some(frame) = frame.filter(|frame| back || frame.run.steps() > self.run.steps()) {
            let frame = frame.clone();
            (self.run, self.next_act) = (frame.run, frame.next_act);
            self.log.clear();
        }
    }

    /// Goes on to a cursor, but does at most `budget` steps. Whether it got there.
    pub fn go_on(&mut self, cursor: Cursor, budget: u64) -> bool {
        let Some(steps) = cursor.steps else { return self.advance(cursor.at, budget) };
        let last = self.run.steps().saturating_add(budget);
        while self.run.steps() < steps && self.next_at().is_some_and(|at| at <= cursor.at) {
            if self.run.steps() >= last {
                return false;
            }
            if !self.step() {
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
            acts: self.acts[..self.next_act].to_vec(),
            cursor: self.cursor(),
        }
    }

    fn keep_frame(&mut self) {
        let steps = self.run.steps();
        let last = self.keyframes.last().map_or(0, |frame| frame.run.steps());
        if steps < last + KEYFRAME_STEPS {
            return;
        }
        self.keyframes.push(Keyframe { run: self.run.clone(), next_act: self.next_act, size: self.run.world.size() });
        while self.keyframes.len() > MAX_KEYFRAMES || self.keyframes.len() > 3 && self.held() > MAX_KEPT {
            // Every second one of the older half goes; the first, the beginning, always stays.
            let half = self.keyframes.len() / 2;
            let mut place = 0;
            self.keyframes.retain(|_| {
                place += 1;
                place > half || (place - 1) % 2 == 0
            });
        }
    }
}
