//! A violation in words and as a picture of text: a lane a process, time from left to right.

use super::history::History;
use super::model::{Action, Model};
use super::state::EMPTY_SET;
use super::value::Value;
use super::{Shown, Violation};

/// How many operations are drawn; what is beyond is counted.
pub const MAX_DRAWN: usize = 48;

/// How many characters of a value are shown.
const MAX_SHOWN: usize = 32;

fn short(text: String) -> String {
    if text.chars().count() <= MAX_SHOWN {
        return text;
    }
    // The end of a long list tells more than its beginning.
    let end: Vec<char> = text.chars().collect();
    format!("…{}", end[end.len() - MAX_SHOWN..].iter().collect::<String>())
}

impl History {
    /// An action in a few words.
    pub(super) fn words(&self, model: Model, action: Action) -> String {
        let store = &self.store;
        let text = |value: Value| short(store.values.text(value));
        match action {
            Action::Read(set) if model == Model::Set => {
                format!("read {}", short(store.list_text(&store.sets.without(set, EMPTY_SET))))
            }
            Action::Read(value) => format!("read {}", text(Value(value))),
            Action::Write(value) => format!("write {}", text(value)),
            Action::Cas(from, to) => format!("cas {} → {}", text(from), text(to)),
            Action::CasFailed(from) => format!("cas found no {}", text(from)),
            Action::Append(value) => format!("append {}", text(value)),
            Action::Enqueue(value) => format!("enqueue {}", text(value)),
            Action::Dequeue(Value::NULL) => "dequeue nothing".to_owned(),
            Action::Dequeue(value) => format!("dequeue {}", text(value)),
            Action::DequeueSome => "dequeue ?".to_owned(),
            Action::Add(value) => format!("add {}", text(value)),
            Action::Remove(value) => format!("remove {}", text(value)),
            Action::Increment => "increment".to_owned(),
            Action::Counted(count) => format!("read {count}"),
            Action::Contains(value, true) => format!("contains {}", text(value)),
            Action::Contains(value, false) => format!("lacks {}", text(value)),
        }
    }
}

impl Shown {
    /// Its lines in the history.
    pub fn lines(&self) -> String {
        match self.returned {
            Some(returned) => format!("lines {} to {returned}", self.called),
            None => format!("line {}, not over then", self.called),
        }
    }
}

impl Violation {
    /// What is wrong, in a sentence or two.
    pub(super) fn sentence(&self, model: Model) -> String {
        let Some(stuck) = self.operations.get(self.stuck) else { return "there is no order".to_owned() };
        let place = self.key.as_ref().map_or(String::new(), |key| format!("of key {}, ", short(key.clone())));
        let mut told = format!(
            "{place}process {}'s {} ({}) fits no order of the {} operations below that respects real time.",
            stuck.process,
            stuck.what,
            stuck.lines(),
            self.operations.len(),
        );
        if self.operations.len() == 1 {
            told = told.replace("the 1 operations below that respects real time", "itself");
        }
        let states: Vec<String> = self.states.iter().map(|state| short(state.clone())).collect();
        let what = match model {
            Model::Queue => "the queue",
            Model::ListAppend => "the list",
            Model::Set => "the set",
            Model::Counter => "the counter",
            _ => "the register",
        };
        let initial = match &self.initial {
            Some(initial) => format!("It begins with {}", short(initial.clone())),
            None => "Whatever it begins with".to_owned(),
        };
        match &states[..] {
            [] => {}
            [only] => told += &format!(" {initial}; when that returned, {what} could only be {only}."),
            [most @ .., last] if states.len() < 9 => {
                told += &format!(" {initial}; when that returned, {what} could be {} or {last}.", most.join(", "));
            }
            _ => {}
        }
        told
    }

    /// The operations as lanes, a process a line: `├─ write 1 ─┤`; one without an end never returned.
    pub fn draw(&self) -> String {
        let drawn = &self.operations[self.operations.len().saturating_sub(MAX_DRAWN)..];
        // Every call and every return, in order of their lines.
        let mut instants: Vec<(u32, usize, bool)> = Vec::new();
        for (place, one) in drawn.iter().enumerate() {
            instants.push((one.called, place, false));
            instants.extend(one.returned.map(|returned| (returned, place, true)));
        }
        instants.sort_unstable();
        let width = |one: &Shown| one.what.chars().count() + 6;
        let (mut from, mut to) = (vec![0; drawn.len()], vec![0; drawn.len()]);
        let mut x = 0;
        for (_, place, returns) in instants {
            x += 2;
            if returns {
                x = x.max(from[place] + width(&drawn[place]) - 1);
                to[place] = x;
            } else {
                // A process that called before and never came back starts behind its mark.
                let lane = drawn[..place].iter().enumerate().filter(|(_, one)| one.process == drawn[place].process);
                x = lane
                    .map(|(other, one)| if one.returned.is_some() { 0 } else { from[other] + width(one) + 1 })
                    .fold(x, usize::max);
                from[place] = x;
            }
        }
        let mut processes: Vec<&str> = Vec::new();
        for one in drawn {
            if !processes.contains(&&*one.process) {
                processes.push(&one.process);
            }
        }
        let name = processes.iter().map(|process| process.chars().count()).max().unwrap_or(0);
        let mut out = String::new();
        for process in processes {
            let mut line: Vec<char> = Vec::new();
            for (place, one) in drawn.iter().enumerate().filter(|(_, one)| &*one.process == process) {
                line.resize(from[place], ' ');
                line.extend("├─ ".chars().chain(one.what.chars()).chain([' ']));
                if one.returned.is_some() {
                    line.resize(to[place].max(line.len()), '─');
                    line.push('┤');
                } else {
                    line.extend("─ …".chars());
                }
                if self.operations.len() - drawn.len() + place == self.stuck {
                    line.extend(" ✗".chars());
                }
            }
            let pad = " ".repeat(name - process.chars().count());
            out.push_str(&format!("  {process}{pad} {}\n", line.into_iter().collect::<String>().trim_end()));
        }
        if drawn.len() < self.operations.len() {
            out.push_str(&format!("  … and {} before these\n", self.operations.len() - drawn.len()));
        }
        out
    }
}
