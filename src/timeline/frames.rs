//! Keyframes: what the run was at some instants, so that no way to any instant is long.

use std::rc::Rc;

use crate::scenario::Run;
use crate::sim::{Micros, Scale, Time};

use super::moment::{Cursor, Stamped};

/// How many steps lie between two keyframes at least.
pub const KEYFRAME_STEPS: u64 = 5_000;
/// How many keyframes are kept.
pub const MAX_KEYFRAMES: usize = 512;
/// How many bytes all keyframes may hold, as [`Run::weight`] counts them; three are kept whatever they hold.
pub const MAX_BYTES: usize = 64_000_000;
/// How much of the log there should be before an instant that one has jumped to.
const RUN_UP: Micros = Micros::secs(3);
/// How many steps may be spent on that.
const RUN_UP_STEPS: u64 = 10_000;
/// From when on the log is kept of a way to `at`, by a run that has happened as fast so far.
pub(super) fn run_up(at: Time, run: &Run) -> Time {
    if run.steps() < RUN_UP_STEPS {
        return Time::ZERO;
    }
    // As long as that many steps took so far; of a run in which little happens that is long, and costs as little.
    let back = u128::from(run.world.now().0) * u128::from(RUN_UP_STEPS) / u128::from(run.steps());
    Time(at.0.saturating_sub(u64::try_from(back).unwrap_or(u64::MAX)))
}

/// Keyframes this close to where one stands are not thinned while one goes back step by step.
const NEAR: u64 = 16 * KEYFRAME_STEPS;

/// What the run was after some of its steps, in the courses that begin with the same acts.
pub(super) struct Keyframe {
    /// It is kept, and has to be taken up before it can go on. None at the beginning, which can be had anew: a page that
    /// opens need not know how a run is copied.
    pub run: Option<Run>,
    pub acts: Rc<Vec<Stamped>>,
    pub next_act: usize,
    now: Time,
    steps: u64,
    weight: Scale,
    /// How many bytes it holds beside the one before it.
    alone: usize,
}

impl Keyframe {
    fn new(run: &mut Run, acts: &Rc<Vec<Stamped>>, next_act: usize) -> Keyframe {
        let (now, steps, kept) = (run.world.now(), run.steps(), run.kept());
        let weight = kept.weight();
        Keyframe { run: Some(kept), acts: acts.clone(), next_act, now, steps, weight, alone: 0 }
    }

    fn beginning() -> Keyframe {
        let weight = Scale::default();
        Keyframe { run: None, acts: Rc::default(), next_act: 0, now: Time::ZERO, steps: 0, weight, alone: 0 }
    }

    pub fn steps(&self) -> u64 {
        self.steps
    }
}

/// Whether a run with these acts behind it lies on the way of a course.
pub(super) fn lies_on(acts: &Rc<Vec<Stamped>>, done: usize, now: Time, course: &Rc<Vec<Stamped>>) -> bool {
    let same = Rc::ptr_eq(acts, course) || course.get(..done).is_some_and(|shared| *shared == acts[..done]);
    same && course.get(done).is_none_or(|next| next.at >= now)
}

/// The keyframes of a history, of all its courses, in the order of their steps; the first is the beginning.
pub(super) struct Frames {
    frames: Vec<Keyframe>,
    /// Whether keyframes are also taken between others, since one goes back step by step.
    pub dense: bool,
    /// Before so many steps there is no keyframe to take.
    next: u64,
    /// How many steps lie between the latest keyframes.
    pace: u64,
}

impl Frames {
    pub fn new() -> Frames {
        Frames { frames: vec![Keyframe::beginning()], dense: false, next: KEYFRAME_STEPS, pace: KEYFRAME_STEPS }
    }

    /// How many bytes they hold; what two neighbours share counts once. The beginning is never let go, and costs nothing
    /// to keep.
    pub fn held(&self) -> usize {
        self.frames.iter().map(|frame| frame.alone).sum()
    }

    /// Weighs the one at a place beside the one before it.
    fn weigh(&mut self, place: usize) {
        if let Some([before, frame]) = self.frames.get_mut(place.wrapping_sub(1)..=place) {
            frame.alone = frame.weight.beside(Some(&before.weight));
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.frames.len()
    }

    /// The best place to go to a cursor of a course from: the last one before it, or one a little before that, for the
    /// log's sake. There is always the beginning.
    pub fn before(&self, cursor: Cursor, course: &Rc<Vec<Stamped>>) -> &Keyframe {
        let usable = |frame: &&Keyframe| {
            frame.now <= cursor.at
                && cursor.steps.is_none_or(|steps| frame.steps() <= steps)
                && lies_on(&frame.acts, frame.next_act, frame.now, course)
        };
        let start = Time(cursor.at.0.saturating_sub(RUN_UP.0));
        let mut found = self.frames.iter().rev().filter(usable);
        let Some(last) = found.next() else { return &self.frames[0] };
        let earlier = found.find(|frame| frame.now <= start);
        let near = earlier.filter(|frame| last.now > start && last.steps() - frame.steps() <= RUN_UP_STEPS);
        near.unwrap_or(last)
    }

    /// Somebody stands somewhere else now.
    pub fn moved(&mut self, steps: u64) {
        self.next = steps + 1;
    }

    /// Whether a keyframe should be looked for after so many steps: cheap, for every step.
    pub fn wants(&self, steps: u64) -> bool {
        steps >= self.next
    }

    /// Takes a keyframe, if there is none near.
    pub fn take(&mut self, run: &mut Run, acts: &Rc<Vec<Stamped>>, next_act: usize) {
        let steps = run.steps();
        let on_way = |frame: &&Keyframe| lies_on(&frame.acts, frame.next_act, frame.now, acts);
        let place = self.frames.partition_point(|frame| frame.steps() <= steps);
        let before = self.frames[..place].iter().rev().find(on_way).map_or(0, Keyframe::steps);
        let after = self.frames[place..].iter().find(on_way).map(Keyframe::steps);
        // Between others they stand as close as they can.
        let pace = if after.is_some() { KEYFRAME_STEPS } else { self.pace };
        self.next = before.max(steps.saturating_sub(pace)) + pace;
        if let Some(after) = after.filter(|after| !self.dense || after - steps < KEYFRAME_STEPS / 2) {
            self.next = self.next.max(after);
            return;
        }
        if steps < before + pace {
            return;
        }
        self.frames.insert(place, Keyframe::new(run, acts, next_act));
        self.weigh(place);
        self.weigh(place + 1);
        self.next = steps + pace;
        while self.frames.len() > MAX_KEYFRAMES || self.frames.len() > 3 && self.held() > MAX_BYTES {
            self.thin(steps, acts);
        }
    }

    /// Lets that one go whose absence makes the shortest way longer; those of other courses sooner. The beginning stays.
    fn thin(&mut self, here: u64, course: &Rc<Vec<Stamped>>) {
        let last = self.frames.len() - 1;
        let cost = |place: &usize| {
            let (frame, steps) = (&self.frames[*place], |place: usize| self.frames[place].steps());
            let gap = if *place == last { u64::MAX / 8 } else { steps(place + 1) - steps(place - 1) };
            let ours = lies_on(&frame.acts, frame.next_act, frame.now, course);
            let near = self.dense && ours && frame.steps().abs_diff(here) <= NEAR;
            // Of several alike, the earliest.
            (near, if ours { gap * 4 } else { gap })
        };
        let Some(place) = (1..=last).min_by_key(cost) else { return };
        self.frames.remove(place);
        self.weigh(place);
        // One that goes leaves a gap of two. Of gaps that are as many between one and two of the narrowest in every
        // proportion, the widest is 1.39 times the mean (2 ln 2), and the narrowest 0.69 times (ln 2).
        let reached = self.frames.last().map_or(0, Keyframe::steps);
        self.pace = (reached / self.frames.len() as u64 * 69 / 100).max(KEYFRAME_STEPS);
    }
}
