//! What must hold, as a document says it: a check by its name, or a promise with conditions, sums or a model of its own.

use crate::check::linear::Model;
use crate::check::{CHECKS, Check, CheckKind, Conserved, Linearizable, MAX_NAMES, Violation};
use crate::components::Record;
use crate::sim::{Micros, Scale, Time};

use super::condition::Surroundings;
use super::schema::{Reader, Schema, schema};
use super::tree::{Tree, write_text};
use super::validate::{check_name, check_text};
use super::watched::Watched;
use super::{Condition, Document, Problem};

schema! {
    /// What must hold.
    #[derive(Clone, Debug, PartialEq)]
    pub enum Promise {
        /// A check of the list of checks.
        Named = "named" (name: String),
        /// A condition holds at all times.
        Always = "always" {
            /// What conditions, links and the command line call it.
            name: String,
            /// What it promises: a sentence.
            promise: String [silent],
            /// What must hold.
            holds: Condition,
            /// From when on.
            from: Option<Time> [silent],
            /// Until when.
            until: Option<Time> [silent],
        },
        /// A condition comes to hold in time.
        Eventually = "eventually" {
            /// What conditions, links and the command line call it.
            name: String,
            /// What it promises: a sentence.
            promise: String [silent],
            /// What must come to hold.
            holds: Condition,
            /// How soon.
            within: Micros,
            /// After each time that this becomes true; after the start when silent.
            after: Option<Condition> [silent],
        },
        /// What came in is what went out and what is inside.
        Conserved = "conserved" {
            /// What conditions, links and the command line call it.
            name: String,
            /// What it promises: a sentence.
            promise: String [silent],
            /// Measures and facts that tell of something that came in.
            entered: Vec<String>,
            /// Measures and facts that tell of something that went out.
            left: Vec<String>,
            /// The measure by which each component tells how much it holds.
            inside: Option<String> [silent],
            /// Only at this node or group.
            at: Option<String> [silent],
        },
        /// What clients did could have been done one after another.
        Linearizable = "linearizable" {
            /// What conditions, links and the command line call it.
            name: String,
            /// What it promises: a sentence.
            promise: String [silent],
            /// What they did it to, as histories have it.
            model: String,
            /// How often all of it is judged.
            every: Option<Micros> [silent],
            /// Only what this node or group did.
            at: Option<String> [silent],
        },
    }
}

/// One entry of a document's checks: a word is a check of that name.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckRule(pub Promise);

impl Schema for CheckRule {
    fn blank() -> CheckRule {
        CheckRule(Promise::blank())
    }
    fn names() -> &'static [&'static str] {
        Promise::names()
    }
    fn read(&mut self, tree: &Tree, reader: &mut Reader) {
        match tree {
            Tree::Text(name) => self.0 = Promise::Named(name.clone()),
            tree => self.0.read(tree, reader),
        }
    }
    fn write(&self, json: &mut String) {
        match &self.0 {
            Promise::Named(name) => write_text(name, json),
            promise => promise.write(json),
        }
    }
}

impl CheckRule {
    /// What conditions, links and the command line call it.
    pub fn name(&self) -> &str {
        match &self.0 {
            Promise::Named(name)
            | Promise::Always { name, .. }
            | Promise::Eventually { name, .. }
            | Promise::Conserved { name, .. }
            | Promise::Linearizable { name, .. } => name,
        }
    }

    /// What it promises in a few words, for a place with little room.
    pub fn brief(&self) -> &str {
        self.kind().map_or(self.name(), |kind| kind.brief)
    }

    /// What it promises: a sentence.
    pub fn promise(&self) -> String {
        let Some(judge) = Judge::new(self) else { return String::new() };
        judge.promise().to_owned()
    }

    fn kind(&self) -> Option<&'static CheckKind> {
        match &self.0 {
            Promise::Named(name) => CHECKS.iter().find(|kind| kind.name == *name),
            _ => None,
        }
    }

    /// The conditions that it is made of.
    pub(super) fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let (holds, after) = match &self.0 {
            Promise::Always { holds, .. } => (Some(holds), None),
            Promise::Eventually { holds, after, .. } => (Some(holds), after.as_ref()),
            _ => (None, None),
        };
        holds.into_iter().chain(after)
    }

    fn check(&self, document: &Document, place: usize, names: &dyn Fn(&str) -> bool, found: &mut Reader) {
        let before = found.path.enter(self.0.word());
        if let Promise::Named(name) = &self.0 {
            // The place of a word alone is the entry's own.
            found.path.leave(before);
            if self.kind().is_none() {
                let names = CHECKS.iter().map(|known| known.name);
                found.found.push(Problem::unknown(found.path.text(), "check", name, names));
            }
            return;
        }
        check_name("name", self.name(), found);
        let earlier = document.checks[..place].iter().any(|other| other.name() == self.name());
        if earlier || CHECKS.iter().any(|kind| kind.name == self.name()) {
            found.wrong_in("name", &format!("there are two checks \"{}\"", super::problem::short(self.name())));
        }
        match &self.0 {
            Promise::Named(_) => {}
            Promise::Always { promise, holds, from, until, .. } => {
                check_text("promise", promise, found);
                document.check_condition("holds", holds, names, found);
                if from.zip(*until).is_some_and(|(from, until)| from > until) {
                    found.wrong_in("until", "it ends before it begins");
                }
            }
            Promise::Eventually { promise, holds, within, after, .. } => {
                check_text("promise", promise, found);
                document.check_condition("holds", holds, names, found);
                if let Some(after) = after {
                    document.check_condition("after", after, names, found);
                }
                if within.0 == 0 {
                    found.wrong_in("within", "expected some time, found none");
                }
            }
            Promise::Conserved { promise, entered, left, inside, at, .. } => {
                check_text("promise", promise, found);
                for (field, list) in [("entered", entered), ("left", left)] {
                    if list.is_empty() || list.len() > MAX_NAMES {
                        found.wrong_in(field, &format!("expected one to {MAX_NAMES} names"));
                    }
                    for name in list.iter().take(MAX_NAMES) {
                        check_text(field, name, found);
                    }
                }
                check_text("inside", inside.as_deref().unwrap_or_default(), found);
                check_place(at.as_deref(), names, found);
            }
            Promise::Linearizable { promise, model, every, at, .. } => {
                check_text("promise", promise, found);
                if model_of(model).is_none() {
                    found.unknown_in("model", "model", model, &mut Model::ALL.iter().map(|model| model.name()));
                }
                if every.is_some_and(|every| every < LEAST_EVERY) {
                    found.wrong_in("every", &format!("expected at least {LEAST_EVERY}"));
                }
                check_place(at.as_deref(), names, found);
            }
        }
        found.path.leave(before);
    }
}

/// How often a history is judged when a document is silent.
const USUAL_EVERY: Micros = Micros::secs(5);
/// How often at most: each time all of it is judged.
const LEAST_EVERY: Micros = Micros::ms(100);

fn model_of(name: &str) -> Option<Model> {
    Model::ALL.iter().copied().find(|model| model.name() == name)
}

fn check_place(at: Option<&str>, names: &dyn Fn(&str) -> bool, found: &mut Reader) {
    if let Some(at) = at.filter(|at| !names(at)) {
        found.wrong_in("at", &format!("there is no node or group \"{}\"", super::problem::short(at)));
    }
}

impl Document {
    /// The names of its checks.
    pub fn check_names(&self) -> Vec<&str> {
        self.checks.iter().map(CheckRule::name).collect()
    }

    pub(super) fn check_checks(&self, names: &dyn Fn(&str) -> bool, found: &mut Reader) {
        found.each("checks", self.checks.len(), &mut |found, place| {
            self.checks[place].check(self, place, names, found);
        });
    }
}

/// One of a run's checks at work.
pub(super) enum Judge {
    /// One that reads records and the world.
    Check(Box<dyn Check>),
    /// One that follows conditions.
    Watched(Watched),
}

impl Clone for Judge {
    fn clone(&self) -> Judge {
        match self {
            Judge::Check(check) => Judge::Check(check.clone_box()),
            Judge::Watched(watched) => Judge::Watched(watched.clone()),
        }
    }
}

impl Judge {
    /// Begins to watch; `None` for a name that no check has.
    pub fn new(rule: &CheckRule) -> Option<Judge> {
        Some(match &rule.0 {
            Promise::Named(_) => Judge::Check((rule.kind()?.make)()),
            Promise::Always { .. } | Promise::Eventually { .. } => Judge::Watched(Watched::new(&rule.0)?),
            Promise::Conserved { name, promise, entered, left, inside, at } => {
                let (inside, at) = (inside.as_deref(), at.as_deref());
                Judge::Check(Box::new(Conserved::new(name, promise, entered, left, inside, at)))
            }
            Promise::Linearizable { name, promise, model, every, at } => {
                let (model, every) = (model_of(model)?, every.unwrap_or(USUAL_EVERY));
                Judge::Check(Box::new(Linearizable::new(name, promise, model, every, at.as_deref())))
            }
        })
    }
    pub fn name(&self) -> &str {
        match self {
            Judge::Check(check) => check.name(),
            Judge::Watched(watched) => watched.name(),
        }
    }
    pub fn promise(&self) -> &str {
        match self {
            Judge::Check(check) => check.promise(),
            Judge::Watched(watched) => watched.promise(),
        }
    }
    /// The instant at which it must look even if nothing happens.
    pub fn due(&self) -> Option<Time> {
        match self {
            Judge::Check(check) => check.due(),
            Judge::Watched(watched) => watched.due(),
        }
    }
    /// Sees the records of one event, or nothing where only time has passed.
    pub fn see(&mut self, fresh: &[Record], glance: bool, around: &Surroundings, found: &mut Vec<Violation>) {
        match self {
            Judge::Check(check) => {
                for record in fresh {
                    check.observe(record, around.world, found);
                }
                if !fresh.is_empty() {
                    check.settle(around.world, found);
                }
            }
            Judge::Watched(watched) => watched.see(fresh, glance, around, found),
        }
    }
    /// Puts on the scale what a copy of it holds.
    pub fn weigh(&self, scale: &mut Scale) {
        match self {
            Judge::Check(check) => check.weigh(scale),
            Judge::Watched(watched) => scale.own(watched.bytes()),
        }
    }
    /// Its instant has come.
    pub fn on_due(&mut self, around: &Surroundings, found: &mut Vec<Violation>) {
        match self {
            Judge::Check(check) => check.on_due(around.world, found),
            Judge::Watched(watched) => watched.on_due(around, found),
        }
    }
}
