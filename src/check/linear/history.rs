//! From events to operations: who called and when, what came of it, and which of them touch the same thing.

use std::rc::Rc;

use crate::sim::{Table, nearest_hint};

use super::model::{Action, Model, Store};
use super::state::{EMPTY_SET, SET_BITS};
use super::value::{Value, Values};

/// What an event says of its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It was called.
    Invoke,
    /// It came to something.
    Ok,
    /// It did not happen.
    Fail,
    /// Nobody knows: it may take effect at any time from its call on, or never.
    Info,
}

impl Kind {
    /// The words of a history.
    pub const WORDS: &'static [(&'static str, Kind)] =
        &[("invoke", Kind::Invoke), ("ok", Kind::Ok), ("fail", Kind::Fail), ("info", Kind::Info)];

    /// Reads a word.
    ///
    /// # Errors
    /// The words that there are, and the nearest.
    pub fn parse(word: &str) -> Result<Kind, String> {
        Kind::WORDS.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind).ok_or_else(|| {
            let hint = nearest_hint(word, Kind::WORDS.iter().map(|(name, _)| *name));
            format!("expected a type of invoke, ok, fail or info, found \"{word}\"{hint}")
        })
    }
}

/// One line of a history.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Who; one operation at a time.
    pub process: &'a str,
    /// What is said of it.
    pub kind: Kind,
    /// Which operation, as histories name it; a completion may leave it out.
    pub op: Option<&'a str>,
    /// What it is done to; nothing where there is only one.
    pub key: Option<Value>,
    /// What it is done with, or what it came to.
    pub value: Option<Value>,
    /// Of an `ok` `cas`: whether it matched; of an `ok` `contains`: what it was told.
    pub result: Option<bool>,
    /// Where it stands, from 1.
    pub line: u32,
}

/// When an operation returns that never does, or that nobody heard of again.
pub(super) const NEVER: u32 = u32::MAX;

/// One operation: what it did and when. Instants are numbers of events, from 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    pub(super) process: u32,
    pub(super) action: Action,
    pub(super) invoked: u32,
    /// [`NEVER`]: it may take effect at any time from its call on, or never.
    pub(super) returned: u32,
}

/// Operations that touch the same thing and nothing else does. An object is linearizable exactly when each of its
/// independent parts is (Herlihy and Wing 1990; Horn and Kroening 2015).
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The key, or the value of a set; nothing where all is one part.
    pub(super) key: Option<Value>,
    pub(super) model: Model,
    pub(super) initial: u32,
    /// Ascending by call.
    pub(super) operations: Vec<Operation>,
}

/// A call that waits for its completion.
#[derive(Clone, Debug)]
struct Call {
    op: &'static str,
    key: Option<Value>,
    value: Option<Value>,
    invoked: u32,
    line: u32,
}

/// A history as it is taken down, event by event.
#[derive(Clone, Debug)]
pub struct History {
    pub(super) model: Model,
    pub(super) store: Store,
    pub(super) processes: Vec<Rc<str>>,
    numbers: Table<Rc<str>, u32>,
    open: Vec<Option<Call>>,
    /// With the key of each.
    operations: Vec<(Option<Value>, Operation)>,
    /// The line of each event.
    pub(super) lines: Vec<u32>,
}

impl History {
    /// An empty one.
    pub fn new(model: Model) -> History {
        History {
            model,
            store: Store::default(),
            processes: Vec::new(),
            numbers: Table::new(),
            open: Vec::new(),
            operations: Vec::new(),
            lines: vec![0],
        }
    }

    /// Where the values of its events are made.
    pub fn values(&mut self) -> &mut Values {
        &mut self.store.values
    }

    /// How many operations it has that happened, or may have.
    pub fn len(&self) -> usize {
        self.operations.len() + self.open.iter().flatten().count()
    }

    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes down the next event.
    ///
    /// # Errors
    /// Where it does not fit what came before, or its model: what was expected. The line is not named.
    pub fn push(&mut self, event: &Event) -> Result<(), String> {
        let process = match self.numbers.get(event.process) {
            Some(number) => *number,
            None => {
                let name: Rc<str> = event.process.into();
                self.processes.push(name.clone());
                self.open.push(None);
                self.numbers.insert(name, self.open.len() as u32 - 1);
                self.open.len() as u32 - 1
            }
        };
        let now = self.lines.len() as u32;
        self.lines.push(event.line);
        let name = event.process;
        let open = &mut self.open[process as usize];
        if event.kind == Kind::Invoke {
            if let Some(Call { op, line, .. }) = open {
                return Err(format!(
                    "process {name} calls again before its {op} of line {line} is over; expected its ok, fail or info"
                ));
            }
            let word = event.op.ok_or("an invoke without \"op\" (or \"f\"); expected what is called")?;
            let op = self.model.operations().iter().find(|known| **known == word).ok_or_else(|| {
                let known = self.model.operations();
                let hint = nearest_hint(word, known.iter().copied());
                let model = self.model.name();
                format!("the model {model} has no operation \"{word}\"{hint}; it has {}", known.join(", "))
            })?;
            if self.model == Model::Kv && event.key.is_none() {
                return Err(format!("a {op} without \"key\"; the model kv expects one"));
            }
            *open = Some(Call { op, key: event.key, value: event.value, invoked: now, line: event.line });
            return Ok(());
        }
        let Some(call) = open.take() else {
            return Err(format!("process {name} completes what it did not call; expected an invoke of it before"));
        };
        if event.op.is_some_and(|op| op != call.op) || event.key.is_some_and(|key| Some(key) != call.key) {
            let (op, line) = (call.op, call.line);
            return Err(format!("process {name} completes something other than its {op} of line {line}"));
        }
        let returned = match event.kind {
            Kind::Fail => return Ok(()),
            Kind::Info => NEVER,
            _ => now,
        };
        self.complete(process, &call, event, returned)
    }

    fn complete(&mut self, process: u32, call: &Call, event: &Event, returned: u32) -> Result<(), String> {
        let known = returned != NEVER;
        let missing = || {
            let (op, line) = (call.op, call.line);
            format!("the {op} of line {line} has no \"value\"; expected one in its invoke or in its completion")
        };
        let given = call.value.or(event.value);
        let action = match call.op {
            // What was read and never told has no bearing on anything.
            "read" | "get" | "contains" if !known => return Ok(()),
            "read" | "get" => {
                let value = event.value.ok_or_else(|| {
                    format!("an ok {} without \"value\"; expected what was read, null where it was nothing", call.op)
                })?;
                let list = self.store.values.is_list(value);
                match self.model {
                    Model::ListAppend | Model::Set if !list && value != Value::NULL => {
                        return Err(format!("a read of {}; expected a list", self.store.values.text(value)));
                    }
                    Model::ListAppend if !list => Action::Read(Value::EMPTY_LIST.0),
                    Model::Counter => Action::Counted(self.count_of(value)?),
                    Model::Set => {
                        let items = self.store.values.items(value);
                        Action::Read(self.store.sets.of(&items))
                    }
                    _ => Action::Read(value.0),
                }
            }
            "write" | "put" => Action::Write(given.ok_or_else(missing)?),
            "append" => Action::Append(given.ok_or_else(missing)?),
            "enqueue" => Action::Enqueue(given.filter(|value| *value != Value::NULL).ok_or_else(|| {
                format!("the enqueue of line {} has no \"value\"; expected one that is not null", call.line)
            })?),
            "increment" => Action::Increment,
            "add" => Action::Add(given.ok_or_else(missing)?),
            "remove" => Action::Remove(given.ok_or_else(missing)?),
            "contains" => Action::Contains(
                given.ok_or_else(missing)?,
                event.result.ok_or("an ok contains without \"result\"; expected true or false")?,
            ),
            "dequeue" if !known => Action::DequeueSome,
            "dequeue" => Action::Dequeue(
                event
                    .value
                    .ok_or("an ok dequeue without \"value\"; expected what came out, null where it was empty")?,
            ),
            _ => {
                let value = given.ok_or_else(missing)?;
                let pair = self.store.values.is_list(value).then(|| self.store.values.items(value));
                let Some([from, to]) = pair.as_deref() else {
                    let told = self.store.values.text(value);
                    return Err(format!("a cas of {told}; expected [from, to]"));
                };
                match event.result {
                    Some(false) if known => Action::CasFailed(*from),
                    _ => Action::Cas(*from, *to),
                }
            }
        };
        let operation = Operation { process, action, invoked: call.invoked, returned };
        self.operations.push((call.key, operation));
        Ok(())
    }

    /// Calls that nobody heard of again are for ever pending; then everything is divided into its parts.
    pub(super) fn parts(&mut self, initial: Option<Value>) -> Result<Vec<Part>, String> {
        for process in 0..self.open.len() {
            if let Some(call) = self.open[process].take() {
                let kind = Kind::Info;
                let event =
                    Event { process: "", kind, op: None, key: None, value: None, result: None, line: call.line };
                self.complete(process as u32, &call, &event, NEVER)
                    .map_err(|told| format!("line {}: {told}", call.line))?;
            }
        }
        if self.store.values.count() > 1 << SET_BITS && self.model == Model::Set {
            return Err(format!("more than {} different values", 1 << SET_BITS));
        }
        let alone = self.model == Model::Set
            && !self.operations.iter().any(|(_, operation)| matches!(operation.action, Action::Read(_)));
        let first = self.initial(initial)?;
        let mut parts: Table<Option<Value>, Vec<Operation>> = Table::new();
        // Keys first in order of their numbers: the table then only grows at its end.
        let mut all = std::mem::take(&mut self.operations);
        all.sort_unstable_by_key(|(_, operation)| operation.invoked);
        if alone {
            // Nobody looks at two values of the set at once, so that each of them is a part.
            for (key, operation) in &mut all {
                if let Action::Add(value) | Action::Remove(value) | Action::Contains(value, _) = operation.action {
                    *key = Some(self.store.values.list(key.iter().copied().chain([value])));
                }
            }
        }
        for (key, operation) in &all {
            match parts.get_mut(key) {
                Some(part) => part.push(*operation),
                None => {
                    parts.insert(*key, vec![*operation]);
                }
            }
        }
        self.operations = all;
        let texts = self.appends_texts(first);
        let mut found = Vec::new();
        for (key, operations) in parts.iter() {
            let mut part = Part { key: *key, model: self.model, initial: first, operations: operations.clone() };
            if texts {
                self.in_bytes(&mut part);
            }
            found.push(part);
        }
        Ok(found)
    }

    /// What a counter stands at; `null` is as good as 0.
    fn count_of(&self, value: Value) -> Result<u32, String> {
        let told = self.store.values.text(value);
        let count = if value == Value::NULL { Some(0) } else { told.parse().ok() };
        count.ok_or_else(|| format!("a counter at {told}; expected a whole number below 2³²"))
    }

    fn initial(&mut self, initial: Option<Value>) -> Result<u32, String> {
        if self.model == Model::Counter {
            return self.count_of(initial.unwrap_or(Value::NULL));
        }
        if self.model.holds_a_value() {
            return Ok(initial.unwrap_or(Value::NULL).0);
        }
        let list = match initial {
            Some(value) if !self.store.values.is_list(value) && value != Value::NULL => {
                let told = self.store.values.text(value);
                return Err(format!(
                    "the initial value of {} is a list, such as [1, 2], not {told}",
                    self.model.name()
                ));
            }
            Some(value) if value != Value::NULL => value,
            _ => Value::EMPTY_LIST,
        };
        let items = self.store.values.items(list);
        Ok(match self.model {
            Model::Queue => self.store.queues.of(&mut self.store.values, &items),
            Model::Set if items.is_empty() => EMPTY_SET,
            Model::Set => self.store.sets.of(&items),
            _ => list.0,
        })
    }

    /// Whether appending here means texts: somebody appends one, and nobody sees a list.
    fn appends_texts(&self, first: u32) -> bool {
        let values = &self.store.values;
        let list = |value: Value| values.is_list(value);
        let of = |test: &dyn Fn(Action) -> bool| self.operations.iter().any(|(_, operation)| test(operation.action));
        self.model == Model::Kv
            && of(&|action| matches!(action, Action::Append(value) if values.inside(value).is_some()))
            && !list(Value(first))
            && !of(&|action| match action {
                Action::Read(value) => list(Value(value)),
                Action::Write(value) => list(value),
                _ => false,
            })
    }

    fn in_bytes(&mut self, part: &mut Part) {
        let values = &mut self.store.values;
        part.initial = values.bytes(Value(part.initial)).0;
        for operation in &mut part.operations {
            operation.action = match operation.action {
                Action::Read(value) => Action::Read(values.bytes(Value(value)).0),
                Action::Write(value) => Action::Write(values.bytes(value)),
                Action::Append(value) => Action::Append(values.bytes(value)),
                Action::Cas(from, to) => Action::Cas(values.bytes(from), values.bytes(to)),
                Action::CasFailed(from) => Action::CasFailed(values.bytes(from)),
                other => other,
            };
        }
    }
}
