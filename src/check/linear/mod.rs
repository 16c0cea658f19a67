//! LINEARIZABILITY: whether operations that overlapped in time could have happened one after another, each at an instant
//! between its call and its return, as the object's sequential rules have it (Herlihy and Wing 1990).
//!
//! A [`History`] takes down events in Jepsen's terms and is then checked: divided by key, each part decided by what was
//! seen alone where that leaves no choice (`quick`), and otherwise by a search that remembers where it has been
//! (`search`). A violation is made as small as it will go and can be drawn. `docs/history.md` tells the format, the
//! models and what the answers mean.
//!
//! There is no clock here: whoever asks is asked back, every [`SLICE`] of steps, whether to go on.

mod counter;
mod draw;
mod fifo;
mod history;
mod memo;
mod model;
mod quick;
mod search;
mod shrink;
mod state;
mod value;
mod whole;
mod witness;

use std::rc::Rc;

pub use draw::MAX_DRAWN;
pub use history::{Event, History, Kind};
pub use model::Model;
pub use search::{MAX_CONFIGURATIONS, SLICE};
pub use value::{Value, Values};

use history::{NEVER, Part};
use search::Budget;

/// What a check came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// There is an order.
    Holds,
    /// There is none.
    Violated(Box<Violation>),
    /// Neither was found in the time that there was: for the parts of these keys, as JSON (nothing: there are no keys).
    Unknown(Vec<Option<String>>),
}

/// That a history has no order, shown on the smallest part of it found.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The key, as JSON.
    pub key: Option<String>,
    /// The state that the part begins with, as JSON; nothing where it has none whatever that was.
    pub initial: Option<String>,
    /// The operations of the part, by call.
    pub operations: Vec<Shown>,
    /// Which of them no order brings to its return.
    pub stuck: usize,
    /// The states that the orders come to there, as JSON; none where they were not found.
    pub states: Vec<String>,
    /// What is wrong, in a sentence or two.
    pub told: String,
}

/// An operation, as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Who.
    pub process: Rc<str>,
    /// What it did and what came of it: `read 3`, `cas 1 → 2`.
    pub what: String,
    /// The line of its call, from 1.
    pub called: u32,
    /// The line of its return; nothing where it may have taken effect at any time from its call on, or never.
    pub returned: Option<u32>,
}

/// How many steps each part gets before any gets more.
const FAIR_STEPS: u64 = 1 << 20;

impl History {
    /// Decides whether the history is linearizable, beginning with a state: `null` or empty where none is given.
    ///
    /// `go_on` is asked after every [`SLICE`] of steps, with the number of steps taken so far; a step is some tens to
    /// hundreds of nanoseconds. With a `go_on` that looks at nothing else the answer is the same everywhere.
    ///
    /// # Errors
    /// Where a call that never returned lacks its value, or the initial value does not fit the model: a sentence.
    pub fn check(mut self, initial: Option<Value>, go_on: &mut dyn FnMut(u64) -> bool) -> Result<Verdict, String> {
        let parts = self.parts(initial)?;
        let mut budget = Budget { steps: 0, go_on, over: false };
        // What needs no search, then a little for each, then whatever it takes.
        let mut open = Vec::new();
        for part in parts {
            budget.spend(part.operations.len() as u64 / 4);
            match quick::decide(&mut self.store, &part) {
                Some(true) => {}
                Some(false) => return Ok(self.violated(part, &mut budget)),
                None => open.push(part),
            }
        }
        for limit in [FAIR_STEPS, u64::MAX] {
            let mut still = Vec::new();
            for part in open {
                match search::decide(&mut self.store, &part, &mut budget, limit) {
                    Some(true) => {}
                    Some(false) => return Ok(self.violated(part, &mut budget)),
                    None => still.push(part),
                }
            }
            open = still;
        }
        let key = |part: Part| part.key.map(|key| self.store.values.text(key));
        let unknown: Vec<_> = open.into_iter().map(key).collect();
        Ok(if unknown.is_empty() { Verdict::Holds } else { Verdict::Unknown(unknown) })
    }

    fn violated(&mut self, part: Part, budget: &mut Budget) -> Verdict {
        let (part, stuck, states) = shrink::shrink(&mut self.store, part, budget);
        let line = |instant: u32| self.lines[instant as usize];
        let operations: Vec<Shown> = part
            .operations
            .iter()
            .map(|one| Shown {
                process: self.processes[one.process as usize].clone(),
                what: self.words(part.model, one.action),
                called: line(one.invoked),
                returned: (one.returned != NEVER).then(|| line(one.returned)),
            })
            .collect();
        let known = part.initial != Value::ANYTHING.0;
        let states = states.iter().filter(|state| known || **state != Value::ANYTHING.0);
        let mut violation = Violation {
            key: part.key.map(|key| self.store.values.text(key)),
            initial: known.then(|| self.store.state_text(part.model, part.initial)),
            operations,
            stuck,
            states: states.map(|state| self.store.state_text(part.model, *state)).collect(),
            told: String::new(),
        };
        violation.told = violation.sentence(part.model);
        Verdict::Violated(Box::new(violation))
    }
}
