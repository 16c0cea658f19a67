//! Conditions: what a cue waits for and a task is ticked by. Read from the records, so going back un-meets them.

use std::rc::Rc;

use crate::check::Violation;
use crate::components::{Fact, Record, World};
use crate::sim::{Micros, NodeId, Plain, Status, Time, Value};
use crate::trace::{KIND_WORDS, MAX_SPREAD, Metrics, Stat, kind_word};

use super::schema::{Reader, schema};
use super::validate::MAX_LIST;

schema! {
    /// Something that a run may come to.
    #[derive(Clone, Debug, PartialEq)]
    pub enum Condition {
        /// The run has come to this instant.
        After = "after" (at: Time),
        /// Something has happened, this often.
        Happened = "happened" {
            /// What: `crashed`, `booted`, `cut`, `lost`, …, or a fact such as `accepted`.
            what: String,
            /// Where: a node or a group; anywhere when silent.
            at: Option<String> [silent],
            /// How often.
            count: u32 = 1,
        },
        /// A node, or any member of a group, is in a state: `up`, `crashed`, `paused`, `starting`, `slow`, or a role such
        /// as `primary`; so many of a group at least.
        Is = "is" {
            /// The node or the group.
            node: String,
            /// The state or the role.
            state: String,
            /// How many members at least; one when silent.
            count: Option<u32> [silent],
        },
        /// A measure over the last few seconds is above or below a value.
        Measure = "measure" {
            /// The measure.
            name: String,
            /// What about it.
            stat: Stat,
            /// Above this: a number, or a length of time.
            above: Option<Value> [silent],
            /// Below this.
            below: Option<Value> [silent],
            /// Over how long.
            over: Micros = Micros::secs(5),
        },
        /// A check has found a broken promise.
        Violated = "violated" (check: String),
        /// Each of these holds.
        All = "all" (parts: Vec<Condition>),
        /// One of these holds.
        Any = "any" (parts: Vec<Condition>),
        /// This does not hold.
        Not = "not" (part: Box<Condition>),
        /// These came to hold one after another; each counts from when the one before it held.
        Then = "then" (parts: Vec<Condition>),
    }
}

/// How deep conditions may stand within one another.
pub const MAX_DEPTH: usize = 8;

impl Condition {
    /// What is wrong with it: names that are not there, values that are not numbers, too deep a nesting.
    pub(super) fn check(&self, names: &dyn Fn(&str) -> bool, checks: &[&str], depth: usize, found: &mut Reader) {
        if found.full() {
            return;
        }
        if depth > MAX_DEPTH {
            return found.wrong(&format!("conditions stand more than {MAX_DEPTH} deep in one another"));
        }
        let known = |name: &str, field: &str, found: &mut Reader| {
            if !names(name) {
                found.wrong_in(field, &format!("there is no node or group \"{}\"", super::problem::short(name)));
            }
        };
        match self {
            Condition::After(_) => {}
            Condition::Happened { what, at: place, .. } => {
                if let Some(place) = place {
                    known(place, "happened.at", found);
                }
                let mut words = KIND_WORDS.iter().chain(Fact::NAMES).copied();
                if !words.clone().any(|word| word == what) {
                    found.unknown_in("happened.what", "kind of event", what, &mut words);
                }
            }
            Condition::Is { node, .. } => known(node, "is.node", found),
            Condition::Measure { stat, above, below, over, .. } => {
                if *over > MAX_SPREAD && stat.share().is_some() {
                    found.wrong_in("measure.over", &format!("a percentile can be told of {MAX_SPREAD} at most"));
                }
                if above.is_none() && below.is_none() {
                    found.wrong_in("measure", "expected above or below, or both");
                }
                for value in [above, below].into_iter().flatten() {
                    if let Err(told) = number(value) {
                        found.wrong_in("measure", &told);
                    }
                }
            }
            Condition::Violated(check) => {
                if !checks.contains(&&**check) {
                    let names = &mut checks.iter().copied();
                    found.unknown_in("violated", "check of this document", check, names);
                }
            }
            Condition::All(parts) | Condition::Any(parts) | Condition::Then(parts) => {
                if parts.is_empty() || parts.len() > MAX_LIST {
                    found.wrong(&format!("expected one to {MAX_LIST} conditions"));
                }
                found.each(self.word(), parts.len(), &mut |found, place| {
                    parts[place].check(names, checks, depth + 1, found);
                });
            }
            Condition::Not(part) => {
                let before = found.path.enter("not");
                part.check(names, checks, depth + 1, found);
                found.path.leave(before);
            }
        }
    }
}

impl Condition {
    /// How many conditions it is, with those within it.
    pub(super) fn count(&self) -> usize {
        let parts = match self {
            Condition::All(parts) | Condition::Any(parts) | Condition::Then(parts) => &parts[..],
            Condition::Not(part) => std::slice::from_ref(&**part),
            _ => &[],
        };
        1 + parts.iter().map(Condition::count).sum::<usize>()
    }

    /// Calls for each part that has no parts itself.
    pub(super) fn leaves(&self, call: &mut dyn FnMut(&Condition)) {
        match self {
            Condition::All(parts) | Condition::Any(parts) | Condition::Then(parts) => {
                parts.iter().for_each(|part| part.leaves(call));
            }
            Condition::Not(part) => part.leaves(call),
            leaf => call(leaf),
        }
    }
}

/// A number, or a length of time in microseconds.
fn number(value: &Value) -> Result<f64, String> {
    match value {
        Value::Number(number) if number.is_finite() => Ok(*number),
        Value::Number(number) => Err(format!("expected a number or a length of time, found {}", Plain(*number))),
        Value::Text(text) => Micros::parse(text).map(|span| span.0 as f64),
        Value::Flag(_) => Err("expected a number or a length of time, found true or false".to_owned()),
    }
}

/// What a condition is judged by.
pub struct Surroundings<'a> {
    /// The world after the event.
    pub world: &'a World,
    /// The metrics so far.
    pub metrics: &'a Metrics,
    /// The promises that were broken.
    pub violations: &'a [Violation],
}

impl Surroundings<'_> {
    /// Whether a check has found a broken promise.
    pub fn violated(&self, check: &str) -> bool {
        self.violations.iter().any(|broken| *broken.check == *check)
    }
}

/// How often conditions that no record touches are looked at, in simulated time.
pub const GLANCE: Micros = Micros::ms(10);

/// Of which kinds some records are, as a set that may hold a few too many: what is not in it need not be looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signs(u64);

impl Signs {
    fn of_word(word: &str) -> Signs {
        let first = word.as_bytes().first().copied().unwrap_or_default();
        Signs(1 << ((word.len() * 7 + usize::from(first)) % 64))
    }
    /// Those of some records.
    pub fn of(records: &[Record]) -> Signs {
        records.iter().fold(Signs::default(), |signs, record| signs.and(Signs::of_word(kind_word(&record.what))))
    }
    /// Both.
    pub fn and(self, other: Signs) -> Signs {
        Signs(self.0 | other.0)
    }
    /// Whether one is in both.
    pub fn meets(self, other: Signs) -> bool {
        self.0 & other.0 != 0
    }
}

/// A condition being watched.
#[derive(Clone, Debug)]
pub struct Watch {
    /// Without its parts, which are watched on their own. Keyframes share it.
    condition: Rc<Condition>,
    count: u32,
    /// For `then`: how many have held.
    reached: usize,
    /// What its measure came to when so many windows were over.
    measured: Option<(u64, Option<f64>)>,
    /// The signs of the records that may touch it.
    signs: Signs,
    parts: Vec<Watch>,
}

impl Watch {
    /// Watches from now on.
    pub fn new(condition: &Condition) -> Watch {
        let parts: Vec<Watch> = match condition {
            Condition::All(parts) | Condition::Any(parts) | Condition::Then(parts) => {
                parts.iter().map(Watch::new).collect()
            }
            Condition::Not(part) => vec![Watch::new(part)],
            _ => Vec::new(),
        };
        let condition = match condition {
            Condition::All(_) => Condition::All(Vec::new()),
            Condition::Any(_) => Condition::Any(Vec::new()),
            Condition::Then(_) => Condition::Then(Vec::new()),
            Condition::Not(_) => Condition::Not(Box::new(Condition::After(Time::ZERO))),
            alone => alone.clone(),
        };
        let own = match &condition {
            Condition::Happened { what, .. } => Signs::of_word(what),
            _ => Signs::default(),
        };
        let signs = parts.iter().fold(own, |signs, part| signs.and(part.signs));
        Watch { condition: Rc::new(condition), count: 0, reached: 0, measured: None, signs, parts }
    }

    /// The signs of the records that may touch it.
    pub(super) fn signs(&self) -> Signs {
        self.signs
    }

    /// Takes in one record. Whether it may have come to hold by it.
    pub fn observe(&mut self, record: &Record, around: &Surroundings) -> bool {
        match &*self.condition {
            Condition::Happened { what, at, .. } => {
                let here = |place: &String| around.world.is_called(record.node, place);
                let counts = kind_word(&record.what) == what && at.as_ref().is_none_or(here);
                self.count = self.count.saturating_add(u32::from(counts));
                counts
            }
            Condition::Then(_) => {
                let Some(part) = self.parts.get_mut(self.reached) else { return false };
                let touched = part.observe(record, around) && part.holds(around);
                self.reached += usize::from(touched);
                touched
            }
            // Every part sees the record, also after one that it touched.
            _ => self.parts.iter_mut().map(|part| part.observe(record, around)).filter(|touched| *touched).count() > 0,
        }
    }

    /// Lets time pass, for what comes to hold without a record.
    pub(super) fn pass(&mut self, around: &Surroundings) {
        match &*self.condition {
            Condition::Then(_) => {
                if let Some(part) = self.parts.get_mut(self.reached) {
                    part.pass(around);
                    self.reached += usize::from(part.holds(around));
                }
            }
            // It changes with the windows only.
            Condition::Measure { name, stat, over, .. } => {
                let ended = around.metrics.ended();
                if self.measured.is_none_or(|(then, _)| then != ended) {
                    self.measured = Some((ended, around.metrics.recent(name, *stat, *over)));
                }
            }
            _ => self.parts.iter_mut().for_each(|part| part.pass(around)),
        }
    }

    /// Takes in the records of one event; whether it holds after it. States and measures are looked at when a record
    /// touches the condition and else once in [`GLANCE`], since looking costs more than an event.
    /// `signs` are those of the records.
    pub(super) fn follow(&mut self, fresh: &[Record], signs: Signs, glance: bool, around: &Surroundings) -> bool {
        let concerned = self.signs.meets(signs);
        if !concerned && !glance {
            return false;
        }
        let touched =
            concerned && fresh.iter().map(|record| self.observe(record, around)).filter(|touched| *touched).count() > 0;
        if glance {
            self.pass(around);
        }
        (touched || glance) && self.holds(around)
    }

    /// How often each of its parts that counts has counted, in the order in which they stand.
    pub(super) fn counts(&self, counts: &mut Vec<u32>) {
        if matches!(*self.condition, Condition::Happened { .. }) {
            counts.push(self.count);
        }
        self.parts.iter().for_each(|part| part.counts(counts));
    }

    /// Whether it holds now.
    pub fn holds(&self, around: &Surroundings) -> bool {
        match &*self.condition {
            Condition::After(at) => around.world.now() >= *at,
            Condition::Happened { count, .. } => self.count >= *count,
            Condition::Is { node, state, count } => {
                // Whose name it is, and the members of the groups of that name: not every node of a crowd is looked at.
                let groups = around.world.templates().iter().enumerate().filter(|(_, group)| *group.name == **node);
                let members = groups.flat_map(|(place, _)| around.world.members(place)).copied();
                // One that has the name of its own group is a member already.
                let group = |id: NodeId| around.world.templates().get(around.world.node(id)?.template as usize);
                let alone = |id: &NodeId| group(*id).is_some_and(|group| *group.name != **node);
                let named = members.chain(around.world.find(node).filter(alone)).chain(around.world.in_zone(node));
                let mut there = named.filter(|id| around.world.node(*id).is_some_and(|node| is_in(node, state)));
                // No more are looked at than it takes.
                there.nth((*count).unwrap_or(1).saturating_sub(1) as usize).is_some()
            }
            Condition::Measure { name, stat, above, below, over } => {
                let known = self.measured.filter(|(ended, _)| *ended == around.metrics.ended());
                let value = known.map_or_else(|| around.metrics.recent(name, *stat, *over), |(_, value)| value);
                let Some(value) = value else { return false };
                let bound = |bound: &Option<Value>| bound.as_ref().and_then(|bound| number(bound).ok());
                bound(above).is_none_or(|above| value > above) && bound(below).is_none_or(|below| value < below)
            }
            Condition::Violated(check) => around.violated(check),
            Condition::All(_) => self.parts.iter().all(|part| part.holds(around)),
            Condition::Any(_) => self.parts.iter().any(|part| part.holds(around)),
            Condition::Not(_) => !self.parts.iter().any(|part| part.holds(around)),
            Condition::Then(_) => self.reached >= self.parts.len(),
        }
    }
}

/// The states that every component may be in; anything else is a role.
pub const STATES: [&str; 9] =
    ["up", "crashed", "paused", "starting", "slow", "disk-full", "unsynced", "lying", "skewed"];

pub(super) fn is_in(node: &crate::components::Node, state: &str) -> bool {
    match state {
        "up" => node.status == Status::Up,
        "crashed" => node.status == Status::Crashed,
        "paused" => node.status == Status::Paused,
        "starting" => node.status == Status::Starting,
        "slow" => node.slow > 1000,
        "disk-full" => node.disk.full,
        "unsynced" => node.disk.forgets,
        "lying" => node.lies.is_some(),
        "skewed" => node.clock != crate::sim::Clock::default(),
        role => *node.look().role == *role,
    }
}
