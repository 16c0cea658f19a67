//! Breakpoints: a run that goes on stops where something comes to be. They are no part of a history, and change nothing in
//! it.

use crate::components::Record;
use crate::scenario::{Condition, GLANCE, Run, Surroundings, Watch};
use crate::sim::Time;
use crate::trace::{Stat, WINDOW, kind_word};

/// How many breakpoints there may be.
pub const MAX_BREAKS: usize = 32;

/// What a run stops at.
#[derive(Clone, Debug, PartialEq)]
pub enum Break {
    /// An instant.
    At(Time),
    /// An event of a kind, at a component or a group, or anywhere.
    Event {
        /// The word that conditions have for it: `crashed`, `lost`, `suspected`.
        what: String,
        /// A component or a group.
        place: Option<String>,
    },
    /// So many members of a group, or a component, have come into a state or a role: two leaders.
    State {
        /// A component or a group.
        node: String,
        /// The state or the role.
        state: String,
        /// How many of them.
        count: u32,
    },
    /// A measure has crossed a value, over one window of half a second.
    Measure {
        /// Its name.
        name: String,
        /// What about it.
        stat: Stat,
        /// Whether it has come above the value, or below it.
        above: bool,
        /// The value: in microseconds, where lengths of time are measured.
        value: f64,
    },
    /// A promise has been broken; this one, or any.
    Broken(Option<String>),
}

/// A breakpoint that is watched.
struct Watched {
    of: Break,
    /// For states.
    watch: Option<Watch>,
    /// Whether it held when it was looked at last: a run stops where it comes to hold.
    held: bool,
    /// How many promises were broken then.
    broken: u64,
}

/// The breakpoints of a history.
#[derive(Default)]
pub(super) struct Breaks {
    all: Vec<Watched>,
    /// Whether a run that goes on stops at them. A way to somewhere does not.
    active: bool,
    fresh: Vec<Record>,
    glanced: u64,
    /// Where the run has stopped.
    hit: Option<usize>,
}

impl Breaks {
    /// These are watched from now on.
    pub fn set(&mut self, breaks: &[Break], run: &Run) {
        self.all = breaks.iter().map(|of| Watched::new(of, run)).collect();
        (self.hit, self.active) = (None, false);
    }

    /// From now on the run stops at them, or it does not. What holds already has to come to hold anew.
    pub fn watch(&mut self, active: bool, run: &Run) {
        if self.all.is_empty() {
            return;
        }
        self.arm(active, run);
    }

    #[inline(never)]
    fn arm(&mut self, active: bool, run: &Run) {
        if active && !self.active {
            self.all.iter_mut().for_each(|watched| watched.begin(run));
            self.glanced = run.world.now().0 / GLANCE.0;
        }
        self.active = active;
        self.fresh.clear();
        self.hit = None;
    }

    #[inline]
    pub fn see(&mut self, record: &Record) {
        if self.active {
            self.take(record);
        }
    }

    #[inline(never)]
    fn take(&mut self, record: &Record) {
        self.fresh.push(record.clone());
    }

    /// After an event and all its records: whether the run is to stop here.
    #[inline]
    pub fn stops(&mut self, run: &Run) -> bool {
        self.active && self.look(run)
    }

    #[inline(never)]
    fn look(&mut self, run: &Run) -> bool {
        let glance = run.world.now().0 / GLANCE.0;
        let looked = glance != self.glanced;
        self.glanced = glance;
        let fresh = &self.fresh;
        let met = self.all.iter_mut().map(|watched| watched.comes_to_hold(fresh, looked, run));
        // Every one looks, also after one that is met.
        let met: Vec<bool> = met.collect();
        self.hit = met.iter().position(|met| *met).or(self.hit);
        self.fresh.clear();
        met.contains(&true)
    }

    pub fn hit(&self) -> Option<&Break> {
        Some(&self.all.get(self.hit?)?.of)
    }
}

impl Watched {
    fn new(of: &Break, run: &Run) -> Watched {
        let watch = match of {
            Break::State { node, state, count } => {
                Some(Watch::new(&Condition::Is { node: node.clone(), state: state.clone(), count: Some(*count) }))
            }
            _ => None,
        };
        let mut watched = Watched { of: of.clone(), watch, held: false, broken: 0 };
        watched.begin(run);
        watched
    }

    fn begin(&mut self, run: &Run) {
        self.broken = run.broken();
        self.held = self.holds(run);
    }

    fn comes_to_hold(&mut self, fresh: &[Record], looked: bool, run: &Run) -> bool {
        if let Break::Event { what, place } = &self.of {
            let here = |record: &Record| place.as_ref().is_none_or(|place| run.world.is_called(record.node, place));
            return fresh.iter().any(|record| kind_word(&record.what) == what && here(record));
        }
        let stays = match &self.of {
            // States change with events that leave records; measures with time.
            Break::State { .. } => !looked && fresh.is_empty(),
            Break::Measure { .. } => !looked,
            // Each time is one of its own.
            Break::Broken(_) => return self.holds(run),
            _ => false,
        };
        if stays {
            return false;
        }
        let held = std::mem::replace(&mut self.held, false);
        self.held = self.holds(run);
        self.held && !held
    }

    fn holds(&mut self, run: &Run) -> bool {
        match &self.of {
            Break::At(at) => run.world.now() >= *at,
            Break::Event { .. } => false,
            Break::State { .. } => self.watch.as_ref().is_some_and(|watch| watch.holds(&around(run))),
            Break::Measure { name, stat, above, value } => {
                let ended = run.metrics.ended();
                let from = Time(ended.saturating_sub(1) * WINDOW.0);
                let Some((_, point)) = run.metrics.windows(name, from).last() else { return false };
                point.stat(*stat, WINDOW).is_some_and(|now| if *above { now > *value } else { now < *value })
            }
            Break::Broken(None) => std::mem::replace(&mut self.broken, run.broken()) < run.broken(),
            Break::Broken(Some(check)) => {
                let count = run.violations().iter().filter(|broken| *broken.check == **check).count() as u64;
                std::mem::replace(&mut self.broken, count) < count
            }
        }
    }
}

fn around(run: &Run) -> Surroundings<'_> {
    Surroundings { world: &run.world, metrics: &run.metrics, violations: run.violations() }
}
