//! Reading a document and finding everything that is wrong with it.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::check::CHECKS;
use crate::components::{KINDS, Kind, Message, kind};
use crate::sim::{FieldKind, LONGEST, Machine, Profile, Template, Value};

use super::problem::{Problem, hidden, short};
use super::schema;
use super::tree::Tree;
use super::{Act, Dial, Document, Group, LinkRule, Task, VitalLine};

/// How long a document may be, in bytes of JSON.
pub const MAX_DOCUMENT: usize = 262_144;
/// How many groups.
pub const MAX_GROUPS: usize = 64;
/// How many members a group.
pub const MAX_MEMBERS: u32 = 20_000;
/// How many nodes at the start.
pub const MAX_NODES_AT_START: u32 = 50_000;
/// How many links at the start.
pub const MAX_LINKS_AT_START: u64 = 400_000;
/// How many of anything else: link rules, cues, dials, steps, tasks.
pub const MAX_LIST: usize = 256;
/// How many problems are looked for; a document from a stranger may have more than anyone wants to find.
pub const MAX_PROBLEMS: usize = 20;
/// How long a text may be, in characters.
pub const MAX_TEXT: usize = 4_000;

impl Document {
    /// Reads a document from JSON and checks all of it.
    ///
    /// # Errors
    /// Everything that is wrong with it; only the first thing, when it is not a document at all.
    pub fn from_json(text: &str) -> Result<Document, Vec<Problem>> {
        check_length(text)?;
        // Said before anything is read, since what is deep is most often no document.
        if !text.trim_ascii_start().starts_with('{') {
            return Err(vec![Problem::new("", "expected a document: an object with at least a name and a title")]);
        }
        Document::from_tree(Tree::from_json(text))
    }

    /// Reads a document from TOML, as authors write it.
    ///
    /// # Errors
    /// As [`Document::from_json`]; where it is not TOML at all, the line.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn from_toml(text: &str) -> Result<Document, Vec<Problem>> {
        check_length(text)?;
        Document::from_tree(Tree::from_toml(text))
    }

    fn from_tree(tree: Result<Tree, Problem>) -> Result<Document, Vec<Problem>> {
        schema::read::<Document>(&tree.map_err(|problem| vec![problem])?)?.checked()
    }

    /// This document with dials set before the start.
    ///
    /// # Errors
    /// A dial that is not there, or a value that it does not take.
    pub fn with_settings(&self, settings: &[(String, Value)]) -> Result<Document, Problem> {
        let mut document = self.clone();
        for (name, value) in settings {
            let names = self.dials.iter().map(|dial| &*dial.name);
            let dial = self.dials.iter().find(|dial| dial.name == *name);
            let dial = dial.ok_or_else(|| Problem::unknown("", "dial", name, names))?;
            dial.check_value(value).map_err(|told| Problem::new(format!("dial {name}"), told))?;
            for group in document.groups.iter_mut().filter(|group| group.name == dial.group) {
                group.config.insert(dial.field.clone(), value.clone());
            }
        }
        document.templates()?;
        Ok(document)
    }

    fn checked(self) -> Result<Document, Vec<Problem>> {
        let problems = self.problems();
        if problems.is_empty() { Ok(self) } else { Err(problems) }
    }

    /// Everything that is wrong with it.
    pub fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        self.check_head(&mut found);
        self.check_sizes(&mut found);
        if !found.is_empty() {
            return found;
        }
        for (place, group) in self.groups.iter().enumerate() {
            self.check_group(place, group, &mut found);
        }
        for (place, rule) in self.links.iter().enumerate() {
            self.check_link(place, rule, &mut found);
        }
        self.check_start(&mut found);
        if !found.is_empty() {
            return found;
        }
        for (place, check) in self.checks.iter().enumerate() {
            if !CHECKS.iter().any(|known| known.name == *check) {
                let names = CHECKS.iter().map(|known| known.name);
                found.push(Problem::unknown(format!("checks[{place}]"), "check", check, names));
            }
        }
        self.check_load(&mut found);
        self.check_cues(&mut found);
        for (place, dial) in self.dials.iter().enumerate() {
            self.check_dial(place, dial, &mut found);
        }
        self.check_lesson(&mut found);
        found
    }

    fn check_head(&self, found: &mut Vec<Problem>) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty()
            || self.name.len() > 40
            || !self.name.chars().all(plain)
            || self.name.starts_with('-')
            || self.name.ends_with('-')
        {
            let told =
                format!("expected up to 40 lower case letters, digits and hyphens, found \"{}\"", short(&self.name));
            found.push(Problem::new("name", told));
        }
        if self.revision == 0 {
            found.push(Problem::new("revision", "expected a whole number from 1, found 0"));
        }
        if self.title.trim().is_empty() {
            found.push(Problem::new("title", "a document needs a title"));
        }
        if self.length.0 < 1_000_000 || self.length > LONGEST {
            found.push(Problem::new("length", format!("expected 1s to 744h, found {}", self.length)));
        }
        if !(0.001..=100.0).contains(&self.speed) {
            found.push(Problem::new("speed", format!("expected a number from 0.001 to 100, found {}", self.speed)));
        }
        let texts = [("title", &self.title), ("summary", &self.summary), ("hint", &self.hint)];
        for (field, text) in texts {
            check_text(field, text, found);
        }
    }

    fn check_sizes(&self, found: &mut Vec<Problem>) {
        let steps = self.lesson.as_ref().map_or(0, |lesson| lesson.steps.len());
        let lists = [
            ("groups", self.groups.len(), MAX_GROUPS),
            ("links", self.links.len(), MAX_LIST),
            ("load", self.load.len(), MAX_LIST),
            ("cues", self.cues.len(), MAX_LIST),
            ("dials", self.dials.len(), MAX_LIST),
            ("checks", self.checks.len(), MAX_LIST),
            ("vitals", self.vitals.len(), MAX_LIST),
            ("simplifications", self.simplifications.len(), MAX_LIST),
            ("lesson.steps", steps, MAX_LIST),
        ];
        for (at, len, limit) in lists {
            if len > limit {
                found.push(Problem::new(at, format!("there are {len}; {limit} is the limit")));
            }
        }
    }

    fn check_group(&self, place: usize, group: &Group, found: &mut Vec<Problem>) {
        let at = |field: &str| format!("groups[{place}].{field}");
        check_name(&at("name"), &group.name, found);
        if let Some(prefix) = &group.prefix {
            check_name(&at("prefix"), prefix, found);
        }
        if let Some(title) = &group.title {
            check_text(&at("title"), title, found);
        }
        if self.groups[..place].iter().any(|other| other.name == group.name) {
            found.push(Problem::new(at("name"), format!("there are two groups \"{}\"", short(&group.name))));
        }
        if group.count > MAX_MEMBERS {
            found.push(Problem::new(at("count"), format!("expected up to {MAX_MEMBERS}, found {}", group.count)));
        }
        if group.tier.is_some_and(|tier| tier > 63) {
            found.push(Problem::new(at("tier"), "expected 0 to 63"));
        }
        if group.cores.is_some_and(|cores| !(1..=1024).contains(&cores)) {
            found.push(Problem::new(at("cores"), "expected 1 to 1024"));
        }
        if group.inbox.is_some_and(|inbox| inbox > 1_000_000) {
            found.push(Problem::new(at("inbox"), "expected 0 to 1000000"));
        }
        for (field, law) in [("service", group.service), ("disk", group.disk)] {
            if let Some(Err(told)) = law.map(|law| law.check()) {
                found.push(Problem::new(at(field), told));
            }
        }
        let Some(kind) = kind(&group.kind) else {
            let names = KINDS.iter().map(|kind| kind.name);
            return found.push(Problem::unknown(at("kind"), "kind of component", &group.kind, names));
        };
        if let Err(unfit) = template(group, kind) {
            found.push(Problem::new(
                at(&format!("config.{}", short(&unfit.field))),
                format!("a {}: {}", kind.name, unfit.told),
            ));
        }
    }

    fn check_link(&self, place: usize, rule: &LinkRule, found: &mut Vec<Problem>) {
        if found.len() >= MAX_PROBLEMS {
            return;
        }
        let at = |field: &str| format!("links[{place}].{field}");
        for (end, name) in [&rule.between.0, &rule.between.1].into_iter().enumerate() {
            if !self.groups.iter().any(|group| group.name == *name) {
                let names = self.groups.iter().map(|group| &*group.name);
                found.push(Problem::unknown(at(&format!("between[{end}]")), "group", name, names));
            }
        }
        let same = |other: &LinkRule| {
            let (a, b) = (&rule.between.0, &rule.between.1);
            (&other.between.0, &other.between.1) == (a, b) || (&other.between.0, &other.between.1) == (b, a)
        };
        if let Some(other) = self.links[..place].iter().position(same) {
            found.push(Problem::new(at("between"), format!("links[{other}] wires these two already")));
        }
        if !(0.0..=1.0).contains(&rule.loss) {
            found.push(Problem::new(at("loss"), format!("expected a number from 0 to 1, found {}", rule.loss)));
        }
        if let Some(Err(told)) = rule.delay.map(|delay| delay.check()) {
            found.push(Problem::new(at("delay"), told));
        }
    }

    /// The cost of the first instant, estimated before anything is built.
    fn check_start(&self, found: &mut Vec<Problem>) {
        let nodes: u64 = self.groups.iter().map(|group| u64::from(group.count)).sum();
        if nodes > u64::from(MAX_NODES_AT_START) {
            found.push(Problem::new(
                "groups",
                format!("they have {nodes} members in all; {MAX_NODES_AT_START} is the limit"),
            ));
        }
        let count =
            |name: &str| self.groups.iter().find(|group| group.name == name).map_or(0, |group| u64::from(group.count));
        let links: u64 =
            self.links.iter().map(|rule| count(&rule.between.0).saturating_mul(count(&rule.between.1))).sum();
        if links > MAX_LINKS_AT_START {
            found.push(Problem::new("links", format!("they wire {links} pairs; {MAX_LINKS_AT_START} is the limit")));
        }
    }

    fn check_load(&self, found: &mut Vec<Problem>) {
        for (place, load) in self.load.iter().enumerate() {
            if found.len() >= MAX_PROBLEMS {
                return;
            }
            let at = format!("load[{place}]");
            if load.steps.len() > MAX_LIST {
                found.push(Problem::new(format!("{at}.steps"), format!("{MAX_LIST} is the limit")));
            }
            let Some(kind) = self.kind_of(&load.group) else {
                let names = self.groups.iter().map(|group| &*group.name);
                found.push(Problem::unknown(format!("{at}.group"), "group", &load.group, names));
                continue;
            };
            for (step, value) in load.steps.iter().map(|step| &step.value).enumerate() {
                if let Err(told) = fits(kind, &load.field, value) {
                    found.push(Problem::new(format!("{at}.steps[{step}]"), told));
                }
            }
        }
    }

    fn check_cues(&self, found: &mut Vec<Problem>) {
        let added = self.added();
        for (place, cue) in self.cues.iter().enumerate() {
            let at = format!("cues[{place}]");
            if cue.at.is_some() == cue.when.is_some() {
                found.push(Problem::new(&at, "expected either at or when"));
            }
            if cue.then.len() > MAX_LIST {
                found.push(Problem::new(format!("{at}.then"), format!("{MAX_LIST} is the limit")));
            }
            check_text(&format!("{at}.say"), &cue.say, found);
            for (act, what) in cue.then.iter().enumerate().take(MAX_LIST) {
                self.check_act(&format!("{at}.then[{act}]"), what, &added, found);
            }
            if let Some(condition) = &cue.when {
                condition.problems(
                    &format!("{at}.when"),
                    &|name| self.may_be_named(name, &added),
                    &self.checks,
                    0,
                    found,
                );
            }
        }
    }

    fn check_dial(&self, place: usize, dial: &Dial, found: &mut Vec<Problem>) {
        if found.len() >= MAX_PROBLEMS {
            return;
        }
        let at = |field: &str| format!("dials[{place}].{field}");
        check_name(&at("name"), &dial.name, found);
        check_text(&at("title"), &dial.title, found);
        if self.dials[..place].iter().any(|other| other.name == dial.name) {
            found.push(Problem::new(at("name"), format!("there are two dials \"{}\"", short(&dial.name))));
        }
        for (field, end) in [("min", dial.min), ("max", dial.max)] {
            if end.is_some_and(|end| !end.is_finite()) {
                found.push(Problem::new(at(field), "expected a number"));
            }
        }
        if let (Some(min), Some(max)) = (dial.min, dial.max)
            && min > max
        {
            found.push(Problem::new(at("max"), format!("{max} is below min, {min}")));
        }
        let Some(kind) = self.kind_of(&dial.group) else {
            let names = self.groups.iter().map(|group| &*group.name);
            return found.push(Problem::unknown(at("group"), "group", &dial.group, names));
        };
        if !kind.fields.iter().any(|field| field.name == dial.field) {
            let names = kind.fields.iter().map(|field| field.name);
            found.push(Problem::unknown(at("field"), &format!("setting of a {}", kind.name), &dial.field, names));
        }
    }

    fn check_lesson(&self, found: &mut Vec<Problem>) {
        let added = self.added();
        let steps = self.lesson.iter().flat_map(|lesson| &lesson.steps);
        for (place, step) in steps.enumerate() {
            let at = format!("lesson.steps[{place}]");
            check_text(&format!("{at}.title"), &step.title, found);
            check_text(&format!("{at}.text"), &step.text, found);
            if step.tasks.len() > MAX_LIST {
                found.push(Problem::new(format!("{at}.tasks"), format!("{MAX_LIST} is the limit")));
            }
            for (task, Task { text, done }) in step.tasks.iter().enumerate() {
                check_text(&format!("{at}.tasks[{task}].text"), text, found);
                let at = format!("{at}.tasks[{task}].done");
                done.problems(&at, &|name| self.may_be_named(name, &added), &self.checks, 0, found);
            }
        }
        for (place, simplification) in self.simplifications.iter().enumerate() {
            check_text(&format!("simplifications[{place}].what"), &simplification.what, found);
            check_text(&format!("simplifications[{place}].source"), &simplification.source, found);
        }
        for (place, vital) in self.vitals.iter().enumerate() {
            check_text(&format!("vitals[{place}].title"), &vital.title, found);
            if vital.lines.is_empty() || vital.lines.len() > 4 {
                found.push(Problem::new(format!("vitals[{place}].lines"), "expected one to four lines"));
            }
            for (line, VitalLine { measure, of, .. }) in vital.lines.iter().enumerate().take(4) {
                for text in [measure].into_iter().chain(of) {
                    check_text(&format!("vitals[{place}].lines[{line}]"), text, found);
                }
            }
        }
    }

    /// What a cue does, as far as one can tell before the run: names that nothing will have, numbers out of range.
    fn check_act(&self, at: &str, act: &Act, added: &BTreeSet<&str>, found: &mut Vec<Problem>) {
        if found.len() >= MAX_PROBLEMS {
            return;
        }
        let name = |field: &str, name: &str, found: &mut Vec<Problem>| {
            if !self.may_be_named(name, added) {
                let names = self.groups.iter().map(|group| &*group.name);
                found.push(Problem::unknown(format!("{at}.{field}"), "node or group", name, names));
            }
        };
        match act {
            Act::Add { what, name } => {
                if !self.groups.iter().any(|group| group.name == *what) && kind(what).is_none() {
                    let names = self.groups.iter().map(|group| &*group.name).chain(KINDS.iter().map(|kind| kind.name));
                    found.push(Problem::unknown(format!("{at}.add.what"), "group or kind", what, names));
                }
                if let Some(name) = name {
                    check_name(&format!("{at}.add.name"), name, found);
                }
            }
            Act::Remove { node } => name("remove.node", node, found),
            Act::Kill { node, .. } => name("kill.node", node, found),
            Act::Restart { node } => name("restart.node", node, found),
            Act::Pause { node } => name("pause.node", node, found),
            Act::Resume { node } => name("resume.node", node, found),
            Act::Slow { node, factor } => {
                name("slow.node", node, found);
                if !(0.001..=1000.0).contains(factor) {
                    let told = format!("expected a number from 0.001 to 1000, found {factor}");
                    found.push(Problem::new(format!("{at}.slow.factor"), told));
                }
            }
            Act::Wire { between: (a, b) }
            | Act::Unwire { between: (a, b) }
            | Act::Cut { between: (a, b), .. }
            | Act::Heal { between: (a, b), .. }
            | Act::Hold { between: (a, b), .. }
            | Act::Release { between: (a, b), .. } => {
                name("between[0]", a, found);
                name("between[1]", b, found);
            }
            Act::Link { between: (a, b), delay, loss } => {
                name("link.between[0]", a, found);
                name("link.between[1]", b, found);
                if let Some(Err(told)) = delay.map(|delay| delay.check()) {
                    found.push(Problem::new(format!("{at}.link.delay"), told));
                }
                if let Some(loss) = loss.filter(|loss| !(0.0..=1.0).contains(loss)) {
                    let told = format!("expected a number from 0 to 1, found {loss}");
                    found.push(Problem::new(format!("{at}.link.loss"), told));
                }
            }
            Act::Set { node, field, value } => {
                name("set.node", node, found);
                let finite = !matches!(value, Value::Number(number) if !number.is_finite());
                // Of a group one knows the kind; a node may have been added with any.
                match self.kind_of(node).map(|kind| fits(kind, field, value)) {
                    Some(Err(told)) => found.push(Problem::new(format!("{at}.set"), told)),
                    None if !finite => found.push(Problem::new(format!("{at}.set.value"), "expected a number")),
                    _ => {}
                }
            }
            Act::Dial { dial, value } => match self.dials.iter().find(|known| known.name == *dial) {
                None => {
                    let names = self.dials.iter().map(|dial| &*dial.name);
                    found.push(Problem::unknown(format!("{at}.dial.dial"), "dial", dial, names));
                }
                Some(known) => {
                    let fits = || self.kind_of(&known.group).map_or(Ok(()), |kind| fits(kind, &known.field, value));
                    if let Err(told) = known.check_value(value).and_then(|()| fits()) {
                        found.push(Problem::new(format!("{at}.dial.value"), told));
                    }
                }
            },
        }
    }

    /// What acts call a component of this kind that stands alone, beside the groups: by its kind, unless a group has
    /// that name.
    pub fn lone_name(&self, kind: &str) -> String {
        let taken = self.groups.iter().any(|group| group.name == kind);
        if taken { format!("lone-{kind}") } else { kind.to_owned() }
    }

    fn kind_of(&self, group: &str) -> Option<&'static Kind> {
        kind(&self.groups.iter().find(|known| known.name == group)?.kind)
    }

    /// The names that cues give to what they add.
    fn added(&self) -> BTreeSet<&str> {
        let acts = self.cues.iter().flat_map(|cue| &cue.then);
        let names = acts.map(|act| if let Act::Add { name: Some(name), .. } = act { &**name } else { "" });
        names.filter(|name| !name.is_empty()).collect()
    }

    /// Whether a node or group may have this name at some time in the run: groups, their members to come, kinds.
    fn may_be_named(&self, name: &str, added: &BTreeSet<&str>) -> bool {
        let member = |prefix: &str| name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('-'));
        self.groups.iter().any(|group| group.name == name || member(group.prefix.as_ref().unwrap_or(&group.name)))
            || KINDS.iter().any(|kind| kind.name == name || member(kind.name))
            || added.contains(name)
    }

    /// The templates of a run: the groups, then every kind for what is placed by hand; wired by the links.
    ///
    /// # Errors
    /// The first setting that does not fit; never for a document without problems.
    pub fn templates(&self) -> Result<Vec<Template<Message>>, Problem> {
        let mut templates = Vec::new();
        for (place, group) in self.groups.iter().enumerate() {
            let at = |field: &str| format!("groups[{place}].{field}");
            let known = kind(&group.kind);
            let kind = known.ok_or_else(|| {
                Problem::unknown(at("kind"), "kind of component", &group.kind, KINDS.iter().map(|kind| kind.name))
            })?;
            templates.push(
                template(group, kind)
                    .map_err(|unfit| Problem::new(at(&format!("config.{}", unfit.field)), unfit.told))?,
            );
        }
        for rule in &self.links {
            let place = |name: &str| self.groups.iter().position(|group| group.name == name);
            let (Some(a), Some(b)) = (place(&rule.between.0), place(&rule.between.1)) else { continue };
            let usual = Profile::default();
            let profile =
                Rc::new(Profile { delay: rule.delay.unwrap_or(usual.delay), loss: rule.loss, fifo: rule.fifo });
            templates[a].links.push((b as u32, profile.clone()));
            if a != b {
                templates[b].links.push((a as u32, profile));
            }
        }
        for kind in KINDS {
            let bare = kind.template(&self.lone_name(kind.name), kind.name, (kind.machine)(), &Default::default());
            templates.push(bare.map_err(|unfit| Problem::new(unfit.field, unfit.told))?);
        }
        Ok(templates)
    }
}

impl Dial {
    /// Whether a value is between this dial's own ends; the setting judges the rest.
    pub(super) fn check_value(&self, value: &Value) -> Result<(), String> {
        let Value::Number(number) = *value else { return Ok(()) };
        let (min, max) = (self.min.unwrap_or(f64::MIN), self.max.unwrap_or(f64::MAX));
        if number < min || number > max {
            Err(format!("expected a number from {min} to {max}, found {number}"))
        } else {
            Ok(())
        }
    }
}

fn check_length(text: &str) -> Result<(), Vec<Problem>> {
    if text.len() <= MAX_DOCUMENT {
        return Ok(());
    }
    let told = format!("the document is {} bytes long; {MAX_DOCUMENT} is the limit", text.len());
    Err(vec![Problem::new("", told)])
}

fn template(group: &Group, kind: &Kind) -> Result<Template<Message>, crate::components::Unfit> {
    let usual = (kind.machine)();
    let machine = Machine {
        cores: group.cores.unwrap_or(usual.cores),
        service: group.service.unwrap_or(usual.service),
        inbox: group.inbox.unwrap_or(usual.inbox),
        disk: group.disk.unwrap_or(usual.disk),
        startup: group.startup.unwrap_or(usual.startup),
    };
    kind.template(&group.name, group.prefix.as_ref().unwrap_or(&group.name), machine, &group.config)
}

fn fits(kind: &Kind, field: &str, value: &Value) -> Result<(), String> {
    let settings = [(field.to_owned(), value.clone())].into_iter().collect();
    kind.template("", "", Machine::default(), &settings)
        .map(drop)
        .map_err(|unfit| format!("a {}: {}", kind.name, unfit.told))
}

fn check_name(at: &str, name: &str, found: &mut Vec<Problem>) {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 40 || !name.chars().all(plain) {
        found.push(Problem::new(
            at,
            format!("expected up to 40 letters, digits, hyphens and underscores, found \"{}\"", short(name)),
        ));
    }
}

fn check_text(at: &str, text: &str, found: &mut Vec<Problem>) {
    if text.chars().count() > MAX_TEXT {
        found.push(Problem::new(at, format!("the text is longer than {MAX_TEXT} characters")));
    }
    if let Some(c) = text.chars().find(|c| hidden(*c) && !matches!(c, '\n' | '\t')) {
        found.push(Problem::new(at, format!("the text has an invisible character in it, U+{:04X}", c as u32)));
    }
}

/// The range of a dial as a slider needs it, in the setting's own unit; seconds for lengths of time.
pub fn dial_range(dial: &Dial, kind: &FieldKind) -> Option<(f64, f64)> {
    let (min, max) = match *kind {
        FieldKind::Number { min, max } => (min, max),
        FieldKind::Whole { min, max } => (min as f64, max as f64),
        FieldKind::Span { min, max } => (min.0 as f64 / 1e6, max.0 as f64 / 1e6),
        FieldKind::Flag | FieldKind::Choice(_) => return None,
    };
    Some((dial.min.unwrap_or(min).max(min), dial.max.unwrap_or(max).min(max)))
}
