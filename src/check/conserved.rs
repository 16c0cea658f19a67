//! Conservation of what a document names: what came in = what went out + what is inside, after every event.
//!
//! Things are counted by the records that tell of them: measures, facts, and messages sent, arrived and lost. What is
//! inside is a measure too: the last value that each component told of it. Where no such measure is named, no more may
//! have gone out than came in.

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::sim::{NodeId, RecordId, Scale, Table};

use super::{Check, Violation};

/// How many names one side of the equation may have.
pub const MAX_NAMES: usize = 16;
/// How many of the last records that were counted a violation shows.
const SHOWN: usize = 4;

/// The check.
#[derive(Clone, Debug)]
pub struct Conserved {
    terms: Rc<Terms>,
    entered: u64,
    left: u64,
    /// What is inside of each component, as it last told.
    inside: Table<NodeId, u64>,
    /// What was inside of those that crashed or went.
    died: u64,
    /// The last records that were counted, oldest first.
    shown: Vec<RecordId>,
    /// Where the last of them was.
    last: Option<(RecordId, NodeId)>,
    broken: bool,
}

/// What is counted.
#[derive(Debug)]
struct Terms {
    name: String,
    promise: String,
    entered: Vec<String>,
    left: Vec<String>,
    inside: Option<String>,
    at: Option<String>,
}

impl Conserved {
    /// Watches these: names of what comes in, of what goes out, of the measure of what is inside; only at a node or a
    /// group, if one is named.
    pub fn new(
        name: &str,
        promise: &str,
        entered: &[String],
        left: &[String],
        inside: Option<&str>,
        at: Option<&str>,
    ) -> Conserved {
        let (entered, left) = (entered.to_vec(), left.to_vec());
        let promise = if promise.is_empty() { equation(&entered, &left, inside) } else { promise.to_owned() };
        let (inside, at) = (inside.map(str::to_owned), at.map(str::to_owned));
        Conserved {
            terms: Rc::new(Terms { name: name.to_owned(), promise, entered, left, inside, at }),
            entered: 0,
            left: 0,
            inside: Table::new(),
            died: 0,
            shown: Vec::new(),
            last: None,
            broken: false,
        }
    }

    fn take_in(&mut self, record: &Record, name: &str, value: u64) {
        let terms = self.terms.clone();
        let among = |names: &[String]| u64::from(names.iter().any(|known| known == name));
        let (entered, left) = (among(&terms.entered), among(&terms.left));
        let gauge = terms.inside.as_deref() == Some(name) && matches!(record.what, What::Measure { .. });
        if gauge {
            self.inside.insert(record.node, value);
        }
        if entered + left == 0 && !gauge {
            return;
        }
        self.entered += entered;
        self.left += left;
        if self.shown.len() >= SHOWN {
            self.shown.remove(0);
        }
        self.shown.push(record.id);
        self.last = Some((record.id, record.node));
    }

    /// What is inside of a component that crashes is gone with it.
    fn crash(&mut self, record: &Record) {
        if let Some(inside) = self.inside.remove(&record.node) {
            self.died += inside;
            self.last = Some((record.id, record.node));
        }
    }
}

fn equation(entered: &[String], left: &[String], inside: Option<&str>) -> String {
    let (entered, left) = (entered.join(" + "), left.join(" + "));
    match inside {
        Some(inside) => format!("{entered} = {left} + {inside}, after every event."),
        None => format!("{left} never exceeds {entered}."),
    }
}

impl Check for Conserved {
    fn name(&self) -> &str {
        &self.terms.name
    }
    fn promise(&self) -> &str {
        &self.terms.promise
    }
    fn observe(&mut self, record: &Record, world: &World, _: &mut Vec<Violation>) {
        let name = match &record.what {
            // What is both a fact and a measure counts once.
            What::Measure { name, .. } if Fact::NAMES.contains(name) => return,
            What::Measure { name, .. } => name,
            What::Fact(fact) => fact.name(),
            What::Sent { .. } => "messages sent",
            What::Duplicated { .. } => "messages doubled",
            What::Arrived { .. } => "messages arrived",
            What::Lost { .. } => "messages lost",
            What::Crashed { .. } | What::Removed => return self.crash(record),
            _ => return,
        };
        if self.terms.at.as_ref().is_none_or(|at| world.is_called(record.node, at)) {
            self.take_in(record, name, if let What::Measure { value, .. } = record.what { value } else { 0 });
        }
    }
    fn settle(&mut self, world: &World, found: &mut Vec<Violation>) {
        // Nothing that counts has happened.
        let Some((record, node)) = self.last.take() else { return };
        let inside: u64 = self.inside.values().sum::<u64>() + self.died;
        let holds = match self.terms.inside {
            Some(_) => self.left.checked_add(inside) == Some(self.entered),
            None => self.left <= self.entered,
        };
        if !holds && !self.broken {
            let (entered, left) = (self.terms.entered.join(" + "), self.terms.left.join(" + "));
            let rest = match &self.terms.inside {
                Some(inside_name) => format!(", {inside_name} {inside}"),
                None => String::new(),
            };
            let told = format!("{entered} is {}, but {left} is {}{rest}", self.entered, self.left);
            let mut evidence = self.shown.clone();
            if evidence.last() != Some(&record) {
                evidence.push(record);
            }
            let check = Rc::from(&*self.terms.name);
            found.push(Violation { check, at: world.now(), record, node, told: Rc::from(told), evidence });
        }
        self.broken = !holds;
    }
    fn weigh(&self, scale: &mut Scale) {
        scale.own(500 + self.inside.len() * 32);
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}
