//! What is wrong with cues and their acts, as far as one can tell before the run.

use crate::components::{KINDS, kind};
use crate::scenario::act::{check_pairs, check_sides, named_in};
use crate::scenario::schema::Reader;
use crate::scenario::{Act, Cue, Document, Task};
use crate::sim::{Profile, Value};

use super::{MAX_LIST, check_name, check_number, check_text, fits};

impl Document {
    pub(super) fn check_cue(&self, cue: &Cue, names: &dyn Fn(&str) -> bool, found: &mut Reader) {
        if cue.at.is_some() == cue.when.is_some() {
            found.wrong("expected either at or when");
        }
        if cue.then.len() > MAX_LIST {
            found.wrong_in("then", &format!("{MAX_LIST} is the limit"));
        }
        check_text("say", &cue.say, found);
        found.each("then", cue.then.len().min(MAX_LIST), &mut |found, place| {
            let act = &cue.then[place];
            let before = found.path.enter(act.word());
            self.check_act(act, names, found);
            found.path.leave(before);
        });
        if let Some(condition) = &cue.when {
            self.check_condition("when", condition, names, found);
        }
    }

    /// What shows how a task is done.
    pub(super) fn check_deeds(&self, task: &Task, names: &dyn Fn(&str) -> bool, found: &mut Reader) {
        if task.show.len() > MAX_LIST {
            found.wrong_in("show", &format!("{MAX_LIST} is the limit"));
        }
        let meant = |name: &str| named_in(name).is_none_or(names);
        found.each("show", task.show.len().min(MAX_LIST), &mut |found, place| {
            let before = found.path.enter("act");
            match task.show[place].act.written() {
                Ok(act) => {
                    let inside = found.path.enter(act.word());
                    self.check_act(&act, &meant, found);
                    found.path.leave(inside);
                }
                Err(problems) => problems.iter().for_each(|problem| found.wrong(&problem.to_string())),
            }
            found.path.leave(before);
        });
    }

    /// What a cue does, as far as one can tell before the run: names that nothing will have, numbers out of range.
    pub(super) fn check_act(&self, act: &Act, names: &dyn Fn(&str) -> bool, found: &mut Reader) {
        let known = |field: &str, name: &str, found: &mut Reader| {
            if !names(name) {
                found.unknown_in(field, "node or group", name, &mut self.group_names());
            }
        };
        match act {
            Act::Add { what, name } => {
                if !self.groups.iter().any(|group| group.name == *what) && kind(what).is_none() {
                    let names = &mut self.group_names().chain(KINDS.iter().map(|kind| kind.name));
                    found.unknown_in("what", "group or kind", what, names);
                }
                if let Some(name) = name {
                    check_name("name", name, found);
                }
            }
            Act::Remove { node }
            | Act::Kill { node, .. }
            | Act::Restart { node }
            | Act::Pause { node }
            | Act::Resume { node } => known("node", node, found),
            Act::Slow { node, factor } => {
                known("node", node, found);
                check_number("factor", Some(*factor), 0.001, 1000.0, found);
            }
            Act::Wire { between }
            | Act::Unwire { between }
            | Act::Cut { between, .. }
            | Act::Heal { between, .. }
            | Act::Hold { between, .. }
            | Act::Release { between, .. }
            | Act::Link { between, .. } => {
                known("between[0]", &between.0, found);
                known("between[1]", &between.1, found);
                if let Act::Wire { .. } = act
                    && let Err(told) = check_pairs(self.count_of(&between.0), self.count_of(&between.1))
                {
                    found.wrong_in("between", &told);
                }
                if let Err(told) = act.changed(&Profile::default()).check() {
                    found.wrong(&told);
                }
            }
            Act::Clock { node, .. } | Act::Disk { node, .. } | Act::Lie { node, .. } | Act::Cores { node, .. } => {
                known("node", node, found);
                if let Err(told) = act.change(None).and_then(|change| change.check()) {
                    found.wrong(&told);
                }
            }
            Act::Isolate { node } | Act::Rejoin { node } => known("node", node, found),
            Act::HealAll {} => {}
            Act::Partition { sides } => {
                if let Err(told) = check_sides(sides) {
                    return found.wrong_in("sides", &told);
                }
                for (place, name) in sides.iter().flatten().enumerate() {
                    known(&format!("sides, name {}", place + 1), name, found);
                }
            }
            // Which messages there will be, nobody knows before the run.
            Act::Drop { .. } | Act::Hurry { .. } | Act::Delay { .. } | Act::Duplicate { .. } => {}
            Act::Set { node, field, value } => {
                known("node", node, found);
                let finite = !matches!(value, Value::Number(number) if !number.is_finite());
                // Of a group one knows the kind; a node may have been added with any.
                match self.kind_of(node).map(|kind| fits(kind, field, value)) {
                    Some(Err(told)) => found.wrong(&told),
                    None if !finite => found.wrong_in("value", "expected a number"),
                    _ => {}
                }
            }
            Act::Dial { dial, value } => {
                let Some(known) = self.dials.iter().find(|known| known.name == *dial) else {
                    let names = &mut self.dials.iter().map(|dial| &*dial.name);
                    return found.unknown_in("dial", "dial", dial, names);
                };
                let fits = || self.kind_of(&known.group).map_or(Ok(()), |kind| fits(kind, &known.field, value));
                if let Err(told) = known.check_value(value).and_then(|()| fits()) {
                    found.wrong_in("value", &told);
                }
            }
        }
    }
}
