//! Promises made of conditions: one that holds always, one that comes to hold in time. Looked at after every event that
//! touches them, on the grid of [`GLANCE`](super::condition::GLANCE), and at the ends of their times.

use std::rc::Rc;

use crate::check::Violation;
use crate::components::{Record, World};
use crate::sim::{Choice, Micros, NodeId, RecordId, Time, Value, fixed};
use crate::trace::Stat;

use super::condition::{Surroundings, is_in};
use super::promise::Promise;
use super::{Condition, Watch};

/// How many times at once one promise waits to come true; more are not followed, which is no verdict.
pub const MAX_WAITING: usize = 64;
/// How many records a violation shows for each part of a condition.
const SHOWN: usize = 4;
/// Of how many nodes one remembers since when they are in a state.
const MAX_SINCE: usize = 64;
/// How many parts of a condition a violation puts into words.
const MAX_WORDS: usize = 6;

/// A promise at work.
#[derive(Clone)]
pub struct Watched {
    rule: Rc<Rule>,
    /// What must hold at all times, or the times that are being waited for.
    state: State,
}

/// What does not change.
struct Rule {
    name: Rc<str>,
    promise: String,
    holds: Condition,
    from: Time,
    until: Option<Time>,
    within: Micros,
    after: Option<Condition>,
}

#[derive(Clone)]
enum State {
    Always {
        followed: Followed,
        broken: bool,
        /// Its first instant has been looked at.
        begun: bool,
    },
    Eventually {
        waiting: Vec<Waiting>,
        /// The condition after each coming true of which it waits, and whether that holds already.
        trigger: Option<(Followed, bool)>,
    },
}

/// A condition that is followed, and the records that show how it stands.
#[derive(Clone)]
struct Followed {
    watch: Watch,
    states: Vec<InState>,
    /// The last records that counted.
    counted: Vec<RecordId>,
}

/// Who is in the state that a part of the condition names, and since which record.
#[derive(Clone)]
struct InState {
    node: Rc<str>,
    state: Rc<str>,
    since: Vec<(NodeId, RecordId)>,
}

/// Something that must come to hold.
#[derive(Clone)]
struct Waiting {
    since: Time,
    /// The record from which on, and where.
    record: RecordId,
    node: NodeId,
    by: Time,
    followed: Followed,
}

impl Watched {
    /// Begins to watch; `None` for a promise of another kind.
    pub fn new(promise: &Promise) -> Option<Watched> {
        let (name, told, holds, from, until, within, after) = match promise {
            Promise::Always { name, promise, holds, from, until } => {
                (name, promise, holds, from.unwrap_or(Time::ZERO), *until, Micros::ZERO, None)
            }
            Promise::Eventually { name, promise, holds, within, after } => {
                (name, promise, holds, Time::ZERO, None, *within, after.clone())
            }
            _ => return None,
        };
        let always = matches!(promise, Promise::Always { .. });
        let promise = if told.is_empty() { usual(name, always, within, after.is_some()) } else { told.clone() };
        let (name, holds) = (Rc::from(&**name), holds.clone());
        let rule = Rule { name, promise, holds, from, until, within, after };
        let state = if always {
            State::Always { followed: Followed::new(&rule.holds), broken: false, begun: from == Time::ZERO }
        } else {
            let trigger = rule.after.as_ref().map(|after| (Followed::new(after), false));
            let waiting = if trigger.is_some() {
                Vec::new()
            } else {
                let (by, followed) = (Time(within.0), Followed::new(&rule.holds));
                vec![Waiting { since: Time::ZERO, record: RecordId(0), node: NodeId(0), by, followed }]
            };
            State::Eventually { waiting, trigger }
        };
        Some(Watched { rule: Rc::new(rule), state })
    }
    /// What the document calls it.
    pub fn name(&self) -> &str {
        &self.rule.name
    }
    /// What it promises.
    pub fn promise(&self) -> &str {
        &self.rule.promise
    }

    /// About how many bytes a copy of it holds.
    pub fn bytes(&self) -> usize {
        let waiting = if let State::Eventually { waiting, .. } = &self.state { waiting.len() } else { 1 };
        (2 + waiting) * 2_000
    }

    /// The instant at which it must be looked at even if nothing happens.
    pub fn due(&self) -> Option<Time> {
        match &self.state {
            State::Always { begun, .. } => (!begun).then_some(self.rule.from),
            State::Eventually { waiting, .. } => waiting.iter().map(|waiting| waiting.by).min(),
        }
    }

    /// Sees the records of one event.
    pub fn see(&mut self, fresh: &[Record], glance: bool, around: &Surroundings, found: &mut Vec<Violation>) {
        let rule = self.rule.clone();
        match &mut self.state {
            State::Always { followed, broken, begun } => {
                let mut touched = None;
                for record in fresh {
                    if followed.see(record, around) {
                        touched = Some(record);
                    }
                }
                if glance {
                    followed.watch.pass(around);
                }
                let now = around.world.now();
                let within = now >= rule.from && rule.until.is_none_or(|until| now <= until);
                if within && (touched.is_some() || glance || !*begun) {
                    *begun = true;
                    rule.judge(followed, broken, touched, around, found);
                }
            }
            State::Eventually { waiting, trigger } => {
                for record in fresh {
                    waiting.retain_mut(|one| !(one.followed.see(record, around) && one.followed.watch.holds(around)));
                    let Some((followed, held)) = trigger else { continue };
                    if followed.see(record, around) {
                        rule.triggered(followed, held, Some(record), waiting, around);
                    }
                }
                if glance {
                    waiting.retain_mut(|one| !one.followed.comes_to_hold(around));
                    if let Some((followed, held)) = trigger {
                        followed.watch.pass(around);
                        rule.triggered(followed, held, None, waiting, around);
                    }
                }
            }
        }
    }

    /// An instant at which it must be looked at has come, and everything of it has happened.
    pub fn on_due(&mut self, around: &Surroundings, found: &mut Vec<Violation>) {
        let (rule, now) = (self.rule.clone(), around.world.now());
        match &mut self.state {
            State::Always { followed, broken, begun } => {
                *begun = true;
                followed.watch.pass(around);
                rule.judge(followed, broken, None, around, found);
            }
            State::Eventually { waiting, .. } => waiting.retain_mut(|one| {
                if one.by > now {
                    return true;
                }
                if !one.followed.comes_to_hold(around) {
                    found.push(rule.missed(one, around));
                }
                false
            }),
        }
    }
}

fn usual(name: &str, always: bool, within: Micros, after: bool) -> String {
    match (always, after) {
        (true, _) => format!("“{name}” holds at all times."),
        (_, true) => format!("“{name}” comes to hold within {within} each time."),
        _ => format!("“{name}” comes to hold within {within}."),
    }
}

impl Rule {
    /// Whether it holds now; a promise is broken once until it holds again.
    fn judge(
        &self,
        followed: &Followed,
        broken: &mut bool,
        touched: Option<&Record>,
        around: &Surroundings,
        found: &mut Vec<Violation>,
    ) {
        let holds = followed.watch.holds(around);
        if !holds && !*broken {
            let record = touched.map_or(around.world.last_record(), |record| record.id);
            let node = touched.map_or(NodeId(0), |record| record.node);
            let told = format!("“{}” does not hold: {}", self.name, words(&self.holds, followed, around));
            found.push(Violation {
                check: self.name.clone(),
                at: around.world.now(),
                record,
                node,
                told: Rc::from(told),
                evidence: followed.evidence(&[record]),
            });
        }
        *broken = !holds;
    }

    /// Something may have come true after which one waits.
    fn triggered(
        &self,
        followed: &mut Followed,
        held: &mut bool,
        record: Option<&Record>,
        waiting: &mut Vec<Waiting>,
        around: &Surroundings,
    ) {
        let holds = followed.watch.holds(around);
        if holds && !*held && waiting.len() < MAX_WAITING {
            let since = around.world.now();
            let id = record.map_or(around.world.last_record(), |record| record.id);
            let node = record.map_or(NodeId(0), |record| record.node);
            let one = Followed::new(&self.holds);
            if !one.watch.holds(around) {
                waiting.push(Waiting { since, record: id, node, by: since + self.within, followed: one });
            }
        }
        *held = holds;
        if let Some(after) = self.after.as_ref().filter(|_| holds) {
            // What is counted is counted anew: the next time it happens is a time of its own.
            followed.watch = Watch::new(after);
            *held = followed.watch.holds(around);
        }
    }

    /// It did not come to hold in time.
    fn missed(&self, one: &Waiting, around: &Surroundings) -> Violation {
        let begun = match one.record {
            RecordId(0) => "the start".to_owned(),
            RecordId(_) => format!("what happened to {} at {} s", around.world.name(one.node), one.since),
        };
        let stands = words(&self.holds, &one.followed, around);
        let told = format!("“{}” did not come to hold within {} of {begun}: {stands}", self.name, self.within);
        let last = around.world.last_record();
        Violation {
            check: self.name.clone(),
            at: around.world.now(),
            record: last,
            node: one.node,
            told: Rc::from(told),
            evidence: one.followed.evidence(&[one.record, last]),
        }
    }
}

impl Followed {
    fn new(condition: &Condition) -> Followed {
        let mut states = Vec::new();
        condition.leaves(&mut |leaf| {
            if let Condition::Is { node, state, .. } = leaf {
                states.push(InState { node: Rc::from(&**node), state: Rc::from(&**state), since: Vec::new() });
            }
        });
        Followed { watch: Watch::new(condition), states, counted: Vec::new() }
    }

    /// Takes in one record; whether the condition may stand otherwise after it. A node's state changes only in events of
    /// its own, and each of these leaves a record there.
    fn see(&mut self, record: &Record, around: &Surroundings) -> bool {
        let counts = self.watch.observe(record, around);
        if counts {
            if self.counted.len() >= SHOWN {
                self.counted.remove(0);
            }
            self.counted.push(record.id);
        }
        let mut concerned = counts;
        for leaf in &mut self.states {
            if around.world.is_called(record.node, &leaf.node) {
                concerned = true;
                leaf.note(record, around.world);
            }
        }
        concerned
    }

    fn comes_to_hold(&mut self, around: &Surroundings) -> bool {
        self.watch.pass(around);
        self.watch.holds(around)
    }

    /// The records that show how it stands, oldest first, with these.
    fn evidence(&self, others: &[RecordId]) -> Vec<RecordId> {
        let states = self.states.iter().flat_map(|leaf| leaf.since.iter().rev().take(SHOWN).map(|(_, since)| *since));
        let mut records: Vec<RecordId> = states.chain(self.counted.iter().chain(others).copied()).collect();
        records.retain(|record| *record != RecordId(0));
        records.sort_unstable();
        records.dedup();
        records
    }
}

impl InState {
    fn note(&mut self, record: &Record, world: &World) {
        let place = self.since.iter().position(|(node, _)| *node == record.node);
        let inside = world.node(record.node).is_some_and(|node| is_in(node, &self.state));
        match place {
            Some(place) if !inside => drop(self.since.remove(place)),
            None if inside && self.since.len() < MAX_SINCE => self.since.push((record.node, record.id)),
            _ => {}
        }
    }
}

/// How a condition stands, part by part.
fn words(condition: &Condition, followed: &Followed, around: &Surroundings) -> String {
    let mut counts = Vec::new();
    followed.watch.counts(&mut counts);
    let mut counts = counts.into_iter();
    let mut told: Vec<String> = Vec::new();
    condition.leaves(&mut |leaf| {
        let count = if let Condition::Happened { .. } = leaf { counts.next() } else { None };
        told.extend(stands(leaf, count.unwrap_or(0), around));
    });
    if told.len() > MAX_WORDS {
        told.truncate(MAX_WORDS);
        told.push("…".to_owned());
    }
    told.join("; ")
}

/// Who of a node or a group is in a state.
fn who(place: &str, state: &str, world: &World) -> String {
    let there = world.nodes().filter(|(id, node)| world.is_called(*id, place) && is_in(node, state));
    let names: Vec<&str> = there.take(MAX_WORDS + 1).map(|(_, node)| &*node.name).collect();
    match &names[..] {
        [] => format!("no {place} is {state}"),
        [one] => format!("{one} is {state}"),
        [first @ .., last] if names.len() <= MAX_WORDS => format!("{} and {last} are {state}", first.join(", ")),
        [first @ .., _] => format!("{} and others are {state}", first.join(", ")),
    }
}

/// How a part that is no state stands.
fn stands(leaf: &Condition, count: u32, around: &Surroundings) -> Option<String> {
    Some(match leaf {
        Condition::After(at) if around.world.now() < *at => format!("it is not yet {at} s"),
        Condition::Happened { what, at, .. } => {
            let place = at.as_ref().map_or(String::new(), |at| format!(" at {at}"));
            format!("“{what}”{place} has happened {count} {}", if count == 1 { "time" } else { "times" })
        }
        Condition::Is { node, state, .. } => who(node, state, around.world),
        Condition::Measure { name, stat, over, above, below } => match around.metrics.recent(name, *stat, *over) {
            // The bound tells the unit: what is written as a length of time is measured in microseconds.
            Some(value) => {
                let span = matches!((above, below), (Some(Value::Text(_)), _) | (_, Some(Value::Text(_))));
                let figure = if span { format!("{} s", fixed(value / 1e6, 1)) } else { fixed(value, 1) };
                let figure = figure.replace(".0", "");
                format!("{name} {} is {figure} over {over}", stat_word(*stat))
            }
            None => format!("nothing was measured of {name} over {over}"),
        },
        Condition::Violated(check) => {
            let broken = around.violated(check);
            format!("“{check}” {}", if broken { "is broken" } else { "holds" })
        }
        _ => return None,
    })
}

fn stat_word(stat: Stat) -> &'static str {
    Stat::WORDS[stat.index()]
}
