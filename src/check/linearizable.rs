//! Whether what clients did in a run was linearizable: their operations are gathered from the facts that they tell, and
//! judged again and again at the ends of equal windows, each time all of them so far.

use std::rc::Rc;

use crate::components::{Datum, Fact, Record, Step, What, World};
use crate::sim::{Micros, NodeId, RecordId, Scale, Time};

use super::linear::{Event, History, Kind, Model, Value, Values, Verdict};
use super::{Check, Violation};

/// How many events of operations are kept; with more of them it judges what it has and then no more.
pub const MAX_EVENTS: usize = 40_000;
/// How many steps one judgement may take; one that takes more is no verdict. A step is some tens to hundreds of
/// nanoseconds.
pub const MAX_STEPS: u64 = 1 << 21;
/// How many events are kept together: full ones are shared between keyframes.
const CHUNK: usize = 256;

/// One event of an operation.
#[derive(Clone, Debug)]
struct Noted {
    record: RecordId,
    at: Time,
    node: NodeId,
    process: u64,
    step: Step,
    op: &'static str,
    key: Option<u64>,
    value: Option<Datum>,
    result: Option<bool>,
}

/// The check.
#[derive(Clone, Debug)]
pub struct Linearizable {
    terms: Rc<Terms>,
    events: Vec<Rc<Vec<Noted>>>,
    count: usize,
    /// How many there were when it last judged.
    judged: usize,
    due: Time,
    /// It has told, or there is no room for more.
    over: bool,
}

/// What does not change.
#[derive(Debug)]
struct Terms {
    name: String,
    promise: String,
    model: Model,
    every: Micros,
    at: Option<String>,
}

impl Linearizable {
    /// Judges the operations of a node or a group, or of all, as those of a model.
    pub fn new(name: &str, promise: &str, model: Model, every: Micros, at: Option<&str>) -> Linearizable {
        let promise = if promise.is_empty() {
            format!("What clients were told could have come of one {} that did one thing after another.", model.name())
        } else {
            promise.to_owned()
        };
        let (name, at) = (name.to_owned(), at.map(str::to_owned));
        let (due, terms) = (Time(every.0), Terms { name, promise, model, every, at });
        Linearizable { terms: Rc::new(terms), events: Vec::new(), count: 0, judged: 0, due, over: false }
    }

    fn note(&mut self, noted: Noted) {
        if self.over || self.count >= MAX_EVENTS {
            return;
        }
        self.count += 1;
        match self.events.last_mut().filter(|last| last.len() < CHUNK) {
            Some(last) => Rc::make_mut(last).push(noted),
            None => self.events.push(Rc::new(vec![noted])),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Noted> {
        self.events.iter().flat_map(|chunk| chunk.iter())
    }

    /// The event that stands in a line of the history, from 1.
    fn line(&self, line: u32) -> Option<&Noted> {
        let place = (line as usize).checked_sub(1)?;
        self.events.get(place / CHUNK)?.get(place % CHUNK)
    }

    /// What the operations so far come to.
    ///
    /// # Errors
    /// Where they are no history: a sentence.
    fn judge(&self, world: &World) -> Result<Verdict, String> {
        let mut history = History::new(self.terms.model);
        for (place, noted) in self.all().enumerate() {
            let process = format!("{}/{}", world.name(noted.node), noted.process);
            let values = history.values();
            let key = noted.key.map(|key| values.atom(&key.to_string()));
            let value = noted.value.as_ref().map(|value| as_value(value, values));
            let (kind, op, result) = (kind(noted.step), Some(noted.op), noted.result);
            history.push(&Event { process: &process, kind, op, key, value, result, line: place as u32 + 1 })?;
        }
        history.check(None, &mut |steps| steps < MAX_STEPS)
    }

    fn broken(&self, violation: &super::linear::Violation) -> Violation {
        let lines = violation.operations.iter().flat_map(|one| [Some(one.called), one.returned]).flatten();
        let mut evidence: Vec<RecordId> = lines.filter_map(|line| self.line(line)).map(|noted| noted.record).collect();
        evidence.sort_unstable();
        evidence.dedup();
        let stuck = violation.operations.get(violation.stuck);
        let noted = stuck.and_then(|stuck| self.line(stuck.returned.unwrap_or(stuck.called)));
        let key = violation.key.as_ref().map_or(String::new(), |key| format!("key {key}: "));
        Violation {
            check: Rc::from(&*self.terms.name),
            at: noted.map_or(self.due, |noted| noted.at),
            record: noted.map_or(RecordId(0), |noted| noted.record),
            node: noted.map_or(NodeId(0), |noted| noted.node),
            told: Rc::from(format!("“{}” is not linearizable: {key}{}", self.terms.name, in_short(violation))),
            evidence,
        }
    }
}

/// What is wrong, for someone who has no history with lines before them.
fn in_short(violation: &super::linear::Violation) -> String {
    let Some(stuck) = violation.operations.get(violation.stuck) else { return violation.told.clone() };
    let who = stuck.process.split('/').next().unwrap_or_default();
    let mut told = format!("{who}’s “{}” fits no order that respects real time", stuck.what);
    if let [only] = &violation.states[..] {
        told += &format!("; when it returned, only {only} was left");
    }
    told
}

fn kind(step: Step) -> Kind {
    match step {
        Step::Invoke => Kind::Invoke,
        Step::Ok => Kind::Ok,
        Step::Fail => Kind::Fail,
        Step::Info => Kind::Info,
    }
}

fn as_value(datum: &Datum, values: &mut Values) -> Value {
    let mut number = |number: u64| values.atom(&number.to_string());
    match datum {
        Datum::Nothing => Value::NULL,
        Datum::Number(value) => number(*value),
        Datum::Pair(from, to) => {
            let pair = [number(*from), number(*to)];
            values.list(pair)
        }
        Datum::List(items) => {
            let items: Vec<Value> = items.iter().map(|item| number(*item)).collect();
            values.list(items)
        }
    }
}

impl Check for Linearizable {
    fn name(&self) -> &str {
        &self.terms.name
    }
    fn promise(&self) -> &str {
        &self.terms.promise
    }
    fn observe(&mut self, record: &Record, world: &World, _: &mut Vec<Violation>) {
        let What::Fact(Fact::Operation { process, step, op, key, value, result }) = &record.what else { return };
        if self.terms.at.as_ref().is_none_or(|at| world.is_called(record.node, at)) {
            let (record, at, node) = (record.id, record.at, record.node);
            let (process, step, op, key, result) = (*process, *step, *op, *key, *result);
            self.note(Noted { record, at, node, process, step, op, key, value: value.clone(), result });
        }
    }
    fn due(&self) -> Option<Time> {
        (!self.over).then_some(self.due)
    }
    fn on_due(&mut self, world: &World, found: &mut Vec<Violation>) {
        if self.count > self.judged {
            self.judged = self.count;
            match self.judge(world) {
                Ok(Verdict::Violated(violation)) => {
                    self.over = true;
                    found.push(self.broken(&violation));
                }
                // Not decided in its time: no verdict. All of it is judged again with what comes.
                Ok(Verdict::Holds | Verdict::Unknown(_)) => {}
                Err(told) => {
                    self.over = true;
                    let told = Rc::from(format!("“{}”: what clients tell is no history: {told}", self.terms.name));
                    let last = self.all().last();
                    let (record, node) = last.map_or((RecordId(0), NodeId(0)), |last| (last.record, last.node));
                    let check = Rc::from(&*self.terms.name);
                    found.push(Violation { check, at: world.now(), record, node, told, evidence: vec![record] });
                }
            }
        }
        self.over |= self.count >= MAX_EVENTS;
        self.due += self.terms.every;
    }
    fn weigh(&self, scale: &mut Scale) {
        for events in &self.events {
            scale.shared(Rc::as_ptr(events).addr(), events.capacity() * size_of::<Noted>());
        }
        scale.own(500 + self.events.capacity() * 8);
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}
