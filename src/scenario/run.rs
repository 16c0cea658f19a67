//! A run: a world built from a document, with the cues that act on it, the checks that watch it and its metrics.

use std::rc::Rc;

use crate::check::Violation;
use crate::components::{Record, World};
use crate::sim::{Digest, RecordId, Scale, Time};
use crate::trace::Metrics;

use super::condition::{Condition, GLANCE, Signs, Surroundings};
use super::plan::Planned;
use super::promise::Judge;
use super::{Act, Document, Problem, Watch};

/// How many broken promises are kept; more are counted.
pub const MAX_VIOLATIONS: usize = 100;

/// A document in motion. Cloning it is cheap: what has grown is shared.
pub struct Run {
    /// The world.
    pub world: World,
    /// The metrics so far.
    pub metrics: Metrics,
    document: Rc<Document>,
    /// Timed acts of cues and load, in the order of their time; those before `next_timed` are done.
    timed: Rc<Vec<(Time, Timed)>>,
    next_timed: usize,
    /// The fault plans, as the document has them.
    plans: Vec<Planned>,
    /// Conditional cues that have not been given yet, by their place in the document.
    waiting: Vec<(usize, Watch)>,
    /// Conditional cues whose condition has come to hold; always empty between events.
    due: Vec<usize>,
    /// The number of the last [`GLANCE`] at conditions.
    glanced: u64,
    /// The cues that have been given, and when.
    given: Rc<Vec<(usize, Time)>>,
    tasks: Vec<Tasks>,
    /// The signs of the records that may touch a cue or a task.
    watched: Signs,
    checks: Vec<Judge>,
    /// The first instant at which a check must look even if nothing happens.
    due_check: Option<Time>,
    /// When something is done that is no event: a timed cue, what a plan does, the look of a check. Never so late where
    /// there is nothing.
    aside: Time,
    violations: Rc<Vec<Violation>>,
    /// How many promises were broken, kept or not.
    broken: u64,
    /// How many things were done: events, timed cues, acts.
    steps: u64,
    /// The records of the event in progress; always empty between events.
    fresh: Vec<Record>,
}

/// How many bytes are counted for what a copy holds beside its world, its metrics and its checks, and for each condition
/// that it watches: measured, and held by `tests/memory.rs`.
const WEIGHT: usize = 5_000;
const WEIGHT_OF_A_WATCH: usize = 400;

/// A step's tasks being watched.
#[derive(Clone)]
struct Tasks {
    watches: Vec<Watch>,
    done: Vec<Option<Time>>,
}

#[derive(Clone, Debug)]
enum Timed {
    Cue(usize),
    Act(Act),
}

impl Clone for Run {
    fn clone(&self) -> Run {
        Run {
            world: self.world.clone(),
            metrics: self.metrics.clone(),
            document: self.document.clone(),
            timed: self.timed.clone(),
            next_timed: self.next_timed,
            plans: self.plans.clone(),
            waiting: self.waiting.clone(),
            due: Vec::new(),
            glanced: self.glanced,
            given: self.given.clone(),
            tasks: self.tasks.clone(),
            watched: self.watched,
            checks: self.checks.clone(),
            due_check: self.due_check,
            aside: self.aside,
            violations: self.violations.clone(),
            broken: self.broken,
            steps: self.steps,
            fresh: Vec::new(),
        }
    }
}

/// Takes the records of a run as they happen.
pub trait Sink {
    /// Takes one.
    fn take(&mut self, record: Record);
    /// Takes those of one event, and leaves nothing.
    fn take_all(&mut self, records: &mut Vec<Record>) {
        records.drain(..).for_each(|record| self.take(record));
    }
}

impl Sink for () {
    fn take(&mut self, _: Record) {}
    fn take_all(&mut self, records: &mut Vec<Record>) {
        records.clear();
    }
}

impl Sink for Vec<Record> {
    fn take(&mut self, record: Record) {
        self.push(record);
    }
}

impl Sink for crate::trace::Log {
    fn take(&mut self, record: Record) {
        self.push(record);
    }
}

impl Run {
    /// The beginning of a run; nothing has happened yet.
    ///
    /// # Errors
    /// What is wrong with the document; never for one that was read and checked.
    pub fn new(document: Rc<Document>, seed: u64) -> Result<Run, Problem> {
        let mut world = World::new(seed, document.templates()?).with_zones(document.zones());
        // The first records belong to the instant zero and are seen by every check.
        let mut fresh = Vec::new();
        for (template, group) in document.groups.iter().enumerate() {
            for _ in 0..group.count {
                world.place(template as u32, None, false, RecordId(0), &mut fresh);
            }
        }
        let mut timed: Vec<(Time, Timed)> = Vec::new();
        // Each goes to its place, behind those of its instant; the standard library's sort is eight kilobytes of wasm.
        let mut put = |at: Time, what: Timed| {
            let place = timed.partition_point(|(other, _)| *other <= at);
            timed.insert(place, (at, what));
        };
        for (place, cue) in document.cues.iter().enumerate() {
            if let Some(at) = cue.at {
                put(at, Timed::Cue(place));
            }
        }
        for load in &document.load {
            for step in &load.steps {
                let act = Act::Set { node: load.group.clone(), field: load.field.clone(), value: step.value.clone() };
                put(step.at, Timed::Act(act));
            }
        }
        let mut metrics = Metrics::default();
        for condition in document.conditions() {
            condition.leaves(&mut |leaf| match leaf {
                Condition::Measure { name, stat, .. } if stat.share().is_some() => metrics.spread(name),
                _ => {}
            });
        }
        let waiting: Vec<(usize, Watch)> = document
            .cues
            .iter()
            .enumerate()
            .filter_map(|(place, cue)| Some((place, Watch::new(cue.when.as_ref()?))))
            .collect();
        let steps = document.lesson.iter().flat_map(|lesson| &lesson.steps);
        let tasks = steps.map(|step| Tasks {
            watches: step.tasks.iter().map(|task| Watch::new(&task.done)).collect(),
            done: vec![None; step.tasks.len()],
        });
        let tasks: Vec<Tasks> = tasks.collect();
        let watches = waiting.iter().map(|(_, watch)| watch).chain(tasks.iter().flat_map(|tasks| &tasks.watches));
        let watched = watches.fold(Signs::default(), |signs, watch| signs.and(watch.signs()));
        let mut run = Run {
            world,
            metrics,
            timed: Rc::new(timed),
            next_timed: 0,
            plans: document.plans.iter().enumerate().map(|(place, plan)| Planned::new(plan, place, seed)).collect(),
            waiting,
            due: Vec::new(),
            glanced: u64::MAX,
            given: Rc::default(),
            tasks,
            watched,
            checks: document.checks.iter().filter_map(Judge::new).collect(),
            due_check: None,
            aside: Time(u64::MAX),
            violations: Rc::default(),
            broken: 0,
            steps: 0,
            fresh,
            document: document.clone(),
        };
        run.look_aside();
        run.settle(&mut ());
        Ok(run)
    }

    /// The document.
    pub fn document(&self) -> &Rc<Document> {
        &self.document
    }
    /// Broken promises, oldest first, the first [`MAX_VIOLATIONS`] of them.
    pub fn violations(&self) -> &Rc<Vec<Violation>> {
        &self.violations
    }
    /// How many promises were broken in all.
    pub fn broken(&self) -> u64 {
        self.broken
    }
    /// How many things were done: events, timed cues, acts. Names a place within one microsecond.
    pub fn steps(&self) -> u64 {
        self.steps
    }
    /// The checks: name, promise.
    pub fn checks(&self) -> impl Iterator<Item = (&str, &str)> {
        self.checks.iter().map(|check| (check.name(), check.promise()))
    }
    /// When each task of a step was done.
    pub fn tasks(&self, step: usize) -> &[Option<Time>] {
        self.tasks.get(step).map_or(&[], |tasks| &tasks.done)
    }
    /// The cues that have been given: place in the document and time.
    pub fn given(&self) -> &[(usize, Time)] {
        &self.given
    }
    /// A copy to be kept, which takes no more room than it needs. It cannot go on, but what [`Run::taken_up`] makes of it
    /// can.
    pub fn kept(&mut self) -> Run {
        self.world.pack();
        let mut copy = self.clone();
        copy.world.fold();
        copy
    }
    /// A copy of one that was kept, to go on with.
    pub fn taken_up(&self) -> Run {
        let mut copy = self.clone();
        copy.world.unfold();
        copy
    }
    /// How many bytes a copy of it holds, rather too many than too few, and which of them it may share with other copies.
    pub fn weight(&self) -> Scale {
        let mut scale = Scale::default();
        let watches = self.waiting.len() + self.tasks.iter().map(|tasks| tasks.watches.len()).sum::<usize>();
        scale.own(WEIGHT + watches * WEIGHT_OF_A_WATCH);
        self.world.weigh(&mut scale);
        self.metrics.weigh(&mut scale);
        self.checks.iter().for_each(|check| check.weigh(&mut scale));
        scale.settle();
        scale
    }
    /// Everything that is, as one number: the same natively and in every browser.
    pub fn digest(&self) -> u64 {
        let mut digest = Digest::default();
        digest.word(self.world.digest());
        digest.word(self.next_timed as u64);
        for (place, at) in self.given.iter() {
            digest.word(*place as u64);
            digest.word(at.0);
        }
        for plan in &self.plans {
            plan.digest(&mut digest);
        }
        std::hash::Hasher::finish(&digest)
    }

    /// When something happens next: an event, a timed cue, a fault of a plan, or the end of a check's time.
    #[inline]
    pub fn next_at(&self) -> Option<Time> {
        if self.world.halted().is_some() {
            return None;
        }
        let aside = (self.aside < Time(u64::MAX)).then_some(self.aside);
        self.world.next_at().map(|event| event.min(self.aside)).or(aside)
    }

    /// Does the next thing: one event; or one timed cue, then what a plan does, which come after all events of their
    /// microsecond; or the look of a check whose time is over, which comes after these. `false` when nothing is left to
    /// happen.
    pub fn step(&mut self, sink: &mut dyn Sink) -> bool {
        if self.world.next_at().is_some_and(|event| event <= self.aside) {
            if !self.world.step(&mut self.fresh) {
                return false;
            }
            self.metrics.pass(self.world.now());
        } else if self.world.halted().is_some() || !self.step_aside() {
            return false;
        }
        self.steps += 1;
        self.settle(sink);
        true
    }

    /// Does what is no event and is due next; `false` where there is nothing.
    #[cold]
    #[inline(never)]
    fn step_aside(&mut self) -> bool {
        let at = self.aside;
        let timed = self.timed.get(self.next_timed).filter(|(due, _)| *due == at).map(|(_, timed)| timed.clone());
        let plan = self.next_plan().filter(|(due, _)| *due == at);
        if timed.is_none() && plan.is_none() && self.due_check != Some(at) {
            return false;
        }
        self.world.rest_at(at);
        self.metrics.pass(at);
        match (timed, plan) {
            (Some(timed), _) => {
                self.next_timed += 1;
                match timed {
                    Timed::Cue(place) => self.give(place),
                    // A load whose group is empty by now changes nothing, which is no mistake.
                    Timed::Act(act) => drop(act.carry_out(&self.document, &mut self.world, &mut self.fresh)),
                }
            }
            (None, Some((_, place))) => {
                let document = self.document.clone();
                if let (Some(plan), Some(planned)) = (document.plans.get(place), self.plans.get_mut(place)) {
                    planned.act(plan, &document, &mut self.world, &mut self.fresh);
                }
            }
            (None, None) => self.judge_due(at),
        }
        self.look_aside();
        true
    }

    /// Finds out when something is done next that is no event.
    #[cold]
    #[inline(never)]
    fn look_aside(&mut self) {
        let timed = self.timed.get(self.next_timed).map(|(at, _)| *at);
        let next = [timed, self.next_plan().map(|(at, _)| at), self.due_check].into_iter().flatten().min();
        self.aside = next.unwrap_or(Time(u64::MAX));
    }

    /// Which plan does something next, and when.
    fn next_plan(&self) -> Option<(Time, usize)> {
        let next = |(place, plan): (usize, &Planned)| Some((plan.next_at()?, place));
        self.plans.iter().enumerate().filter_map(next).min()
    }

    /// Everything up to and including the instant `until`.
    pub fn run_until(&mut self, until: Time, sink: &mut dyn Sink) {
        while self.next_at().is_some_and(|at| at <= until) && self.step(sink) {}
        self.rest_at(until);
    }

    /// Lets time pass until an instant up to which everything has happened.
    pub fn rest_at(&mut self, until: Time) {
        self.world.rest_at(until);
        self.metrics.pass(until);
    }

    /// Does something to the run, after everything else in this microsecond.
    ///
    /// # Errors
    /// A sentence, when nothing could be done.
    pub fn act(&mut self, act: &Act, sink: &mut dyn Sink) -> Result<(), String> {
        let now = self.world.now();
        while self.next_at().is_some_and(|at| at <= now) && self.step(sink) {}
        act.carry_out(&self.document, &mut self.world, &mut self.fresh)?;
        self.steps += 1;
        self.settle(sink);
        Ok(())
    }

    /// Counts an act that could not be done: one can stand before it and after it, which are two instants.
    pub fn pass_over(&mut self) {
        self.steps += 1;
    }

    fn give(&mut self, place: usize) {
        Rc::make_mut(&mut self.given).push((place, self.world.now()));
        let document = self.document.clone();
        for act in document.cues.get(place).map_or(&[][..], |cue| &cue.then) {
            // A cue that comes too late to change anything is no mistake.
            let _ = act.carry_out(&document, &mut self.world, &mut self.fresh);
        }
    }

    /// Shows what has just happened to metrics, checks, tasks and cues; cues may act, which happens here too. Only
    /// events, timed cues and acts come here, never a pause: when one stops to look must not change the run.
    fn settle(&mut self, sink: &mut dyn Sink) {
        loop {
            let mut fresh = std::mem::take(&mut self.fresh);
            self.watch(&fresh);
            sink.take_all(&mut fresh);
            // Its room is used again.
            self.fresh = fresh;
            // A cue may bring about what another waits for; each is given once, so this ends.
            if self.due.is_empty() {
                return;
            }
            let place = self.due.remove(0);
            self.waiting.retain(|(other, _)| *other != place);
            self.give(place);
        }
    }

    /// What a cue, a task or a check is judged by.
    fn around<'a>(world: &'a World, metrics: &'a Metrics, violations: &'a [Violation]) -> Surroundings<'a> {
        Surroundings { world, metrics, violations }
    }

    /// Lets the checks look whose time is over.
    fn judge_due(&mut self, now: Time) {
        let mut found = Vec::new();
        let around = Run::around(&self.world, &self.metrics, &self.violations);
        for check in self.checks.iter_mut().filter(|check| check.due().is_some_and(|due| due <= now)) {
            check.on_due(&around, &mut found);
        }
        self.keep(found);
    }

    fn keep(&mut self, found: Vec<Violation>) {
        if !found.is_empty() {
            self.broken += found.len() as u64;
            let room = MAX_VIOLATIONS.saturating_sub(self.violations.len());
            if room > 0 {
                Rc::make_mut(&mut self.violations).extend(found.into_iter().take(room));
            }
        }
        let due = self.checks.iter().filter_map(Judge::due).min();
        if due != self.due_check {
            self.due_check = due;
            self.look_aside();
        }
    }

    fn watch(&mut self, fresh: &[Record]) {
        let mut found = Vec::new();
        for record in fresh {
            self.metrics.observe(record);
        }
        let now = self.world.now();
        let glance = now.0 / GLANCE.0 != self.glanced;
        self.glanced = now.0 / GLANCE.0;
        let around = Run::around(&self.world, &self.metrics, &self.violations);
        for check in &mut self.checks {
            check.see(fresh, glance, &around, &mut found);
        }
        self.keep(found);
        let (around, signs) = (Run::around(&self.world, &self.metrics, &self.violations), Signs::of(fresh));
        if !glance && !self.watched.meets(signs) {
            return;
        }
        for (place, watch) in &mut self.waiting {
            if watch.follow(fresh, signs, glance, &around) && !self.due.contains(place) {
                self.due.push(*place);
            }
        }
        for tasks in &mut self.tasks {
            for (watch, done) in tasks.watches.iter_mut().zip(&mut tasks.done) {
                if done.is_none() {
                    *done = watch.follow(fresh, signs, glance, &around).then_some(now);
                }
            }
        }
    }
}
