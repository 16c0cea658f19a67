//! The sequential objects: what an operation does to a state, and whether it could have come to what it came to.

use super::state::{EMPTY_SET, Queues, Sets};
use super::value::{Value, Values};

/// A sequential object that a history is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// A value that is read and written.
    Register,
    /// A register with compare-and-set.
    CasRegister,
    /// A register with compare-and-set and append for each key.
    Kv,
    /// First in, first out; taking from an empty one gives `null`.
    Queue,
    /// A list that grows at its end and is read whole.
    ListAppend,
    /// A set that is added to, removed from, asked for one value, and read whole.
    Set,
    /// A number that is counted up, one at a time, and read.
    Counter,
}

impl Model {
    /// Every model.
    pub const ALL: &'static [Model] =
        &[Model::Register, Model::CasRegister, Model::Kv, Model::Queue, Model::ListAppend, Model::Set, Model::Counter];

    /// Its name in commands.
    pub fn name(self) -> &'static str {
        match self {
            Model::Register => "register",
            Model::CasRegister => "cas-register",
            Model::Kv => "kv",
            Model::Queue => "queue",
            Model::ListAppend => "list-append",
            Model::Set => "set",
            Model::Counter => "counter",
        }
    }

    /// The operations that it has, as histories name them.
    pub fn operations(self) -> &'static [&'static str] {
        match self {
            Model::Register => &["read", "write"],
            Model::CasRegister => &["read", "write", "cas"],
            Model::Kv => &["read", "write", "cas", "append", "get", "put"],
            Model::Queue => &["enqueue", "dequeue"],
            Model::ListAppend => &["append", "read"],
            Model::Set => &["add", "remove", "contains", "read"],
            Model::Counter => &["increment", "read"],
        }
    }

    /// Whether its states are plain values, of which any may be the first.
    pub(super) fn holds_a_value(self) -> bool {
        matches!(self, Model::Register | Model::CasRegister | Model::Kv)
    }
}

/// What an operation did, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Action {
    /// Read this; of a set, the number of the set.
    Read(u32),
    /// Wrote this.
    Write(Value),
    /// Found the first, put the second in its place.
    Cas(Value, Value),
    /// Looked for this and found something else.
    CasFailed(Value),
    /// Put this at the end.
    Append(Value),
    /// Put this into a queue.
    Enqueue(Value),
    /// Took this out of a queue; `null`: found it empty.
    Dequeue(Value),
    /// May have taken out whatever was first.
    DequeueSome,
    /// Put this into a set.
    Add(Value),
    /// Took this out of a set.
    Remove(Value),
    /// Asked whether this is in a set, and was told.
    Contains(Value, bool),
    /// Counted one up.
    Increment,
    /// Read a counter.
    Counted(u32),
}

impl Action {
    /// Whether it leaves every state as it is.
    pub(super) fn observes(self) -> bool {
        matches!(
            self,
            Action::Read(_)
                | Action::CasFailed(_)
                | Action::Contains(..)
                | Action::Counted(_)
                | Action::Dequeue(Value::NULL)
        )
    }

    /// The value that it puts there.
    pub(super) fn puts(self) -> Option<Value> {
        match self {
            Action::Write(value) | Action::Cas(_, value) | Action::Append(value) => Some(value),
            Action::Enqueue(value) | Action::Add(value) => Some(value),
            _ => None,
        }
    }

    /// The value that it can only have seen where somebody put it there; of registers and queues.
    pub(super) fn saw(self) -> Option<Value> {
        match self {
            Action::Read(value) => Some(Value(value)),
            Action::Cas(value, _) => Some(value),
            Action::Dequeue(value) if value != Value::NULL => Some(value),
            _ => None,
        }
    }
}

/// Whatever states consist of; numbers mean something only beside the store that gave them.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    pub(super) values: Values,
    pub(super) sets: Sets,
    pub(super) queues: Queues,
}

impl Store {
    /// The state after an action, or nothing where this state does not allow what it came to. A state is the number of
    /// a value, of a queue or of a set, as the actions need it.
    pub(super) fn apply(&mut self, state: u32, action: Action) -> Option<u32> {
        let anything = Value::ANYTHING.0;
        match action {
            // Who looks first at a state that nobody knows decides what it was.
            Action::Read(value) => (state == value || state == anything).then_some(value),
            Action::Write(value) => Some(value.0),
            Action::Cas(from, to) => (state == from.0 || state == anything).then_some(to.0),
            Action::CasFailed(from) => (state != from.0).then_some(state),
            Action::Append(_) if state == anything => Some(state),
            Action::Append(value) => self.append(Value(state), value).map(|list| list.0),
            Action::Enqueue(value) => Some(self.queues.push(&mut self.values, state, value)),
            Action::Dequeue(value) => match self.queues.pop(&self.values, state) {
                Some((first, rest)) => (first == value).then_some(rest),
                None => (value == Value::NULL).then_some(state),
            },
            Action::DequeueSome => self.queues.pop(&self.values, state).map(|(_, rest)| rest),
            Action::Add(value) => Some(self.sets.with(state, value, true)),
            Action::Remove(value) => Some(self.sets.with(state, value, false)),
            Action::Increment => state.checked_add(1),
            Action::Counted(count) => (state == count).then_some(state),
            Action::Contains(value, there) => (self.sets.contains(state, value) == there).then_some(state),
        }
    }

    /// A text goes on with a text, a list with any item; `null` begins whichever fits.
    fn append(&mut self, state: Value, value: Value) -> Option<Value> {
        let text = self.values.is_bytes(value);
        match state {
            Value::NULL if text => Some(value),
            Value::NULL => Some(self.values.push(Value::EMPTY_LIST, value)),
            _ if self.values.is_bytes(state) && text => {
                let bytes = self.values.items(value);
                Some(bytes.into_iter().fold(state, |list, byte| self.values.push(list, byte)))
            }
            _ => self.values.is_list(state).then(|| self.values.push(state, value)),
        }
    }

    /// A state of a model, as JSON.
    pub(super) fn state_text(&self, model: Model, state: u32) -> String {
        match model {
            Model::Queue => self.list_text(&self.queues.items(&self.values, state)),
            Model::Set => self.list_text(&self.sets.without(state, EMPTY_SET)),
            Model::Counter => state.to_string(),
            _ => self.values.text(Value(state)),
        }
    }

    pub(super) fn list_text(&self, items: &[Value]) -> String {
        let items: Vec<String> = items.iter().map(|item| self.values.text(*item)).collect();
        format!("[{}]", items.join(","))
    }
}
