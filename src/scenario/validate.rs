//! Reading a document and finding everything that is wrong with it.

mod acts;
mod zones;

use std::rc::Rc;

use crate::components::{KINDS, Kind, Message, Settings, kind};
use crate::sim::{
    Dist, FieldKind, LONGEST, MAX_BANDWIDTH, MAX_ZONES, Machine, Micros, Plain, Profile, Table, Template, Value,
};

use super::problem::{Problem, hidden, short};
use super::schema::{self, Reader};
use super::tree::Tree;
use super::{Act, CheckRule, Condition, Dial, Document, Group, LinkRule, Load, MAX_PLANS};

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
/// How many conditions in all, also within one another: each is looked at all the time.
pub const MAX_CONDITIONS: usize = 1_000;
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
        // Some editors put a mark of the order of bytes before it.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
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
        // Texts of several lines must not come to depend on whose editor wrote them.
        Document::from_tree(Tree::from_toml(&text.replace("\r\n", "\n")))
    }

    /// Reads one of our own documents, which were checked before they were compiled in (`tests/registry.rs`).
    pub(super) fn from_own(json: &str) -> Result<Document, Problem> {
        schema::read::<Document>(&Tree::from_json(json)?).map_err(|mut problems| problems.remove(0))
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
            let fits = || self.kind_of(&dial.group).map_or(Ok(()), |kind| fits(kind, &dial.field, value));
            let checked = dial.check_value(value).and_then(|()| fits());
            checked.map_err(|told| Problem::new(format!("dial {name}"), told))?;
            for group in document.groups.iter_mut().filter(|group| group.name == dial.group) {
                group.config.insert(dial.field.clone(), value.clone());
            }
        }
        if !settings.is_empty() {
            document.templates()?;
        }
        Ok(document)
    }

    fn checked(self) -> Result<Document, Vec<Problem>> {
        let problems = self.problems();
        if problems.is_empty() { Ok(self) } else { Err(problems) }
    }

    /// Everything that is wrong with it.
    pub fn problems(&self) -> Vec<Problem> {
        let mut found = Reader::default();
        self.check_head(&mut found);
        self.check_sizes(&mut found);
        if !found.found.is_empty() {
            return found.found;
        }
        found.each("groups", self.groups.len(), &mut |found, place| self.check_group(place, found));
        found.each("links", self.links.len(), &mut |found, place| self.check_link(place, found));
        found.each("regions", self.regions.len(), &mut |found, place| self.check_region(place, found));
        self.check_zones(&mut found);
        self.check_start(&mut found);
        if !found.found.is_empty() {
            return found.found;
        }
        found.each("load", self.load.len(), &mut |found, place| self.check_load(&self.load[place], found));
        let added = self.added();
        let names = |name: &str| self.may_be_named(name, &added);
        self.check_checks(&names, &mut found);
        found.each("cues", self.cues.len(), &mut |found, place| self.check_cue(&self.cues[place], &names, found));
        found.each("plans", self.plans.len(), &mut |found, place| self.plans[place].check(&names, found));
        found.each("dials", self.dials.len(), &mut |found, place| self.check_dial(place, found));
        let steps = self.lesson.as_ref().map_or(&[][..], |lesson| &lesson.steps);
        found.each("lesson.steps", steps.len(), &mut |found, place| {
            let step = &steps[place];
            check_text("title", &step.title, found);
            check_text("text", &step.text, found);
            if step.tasks.len() > MAX_LIST {
                found.wrong_in("tasks", &format!("{MAX_LIST} is the limit"));
            }
            found.each("tasks", step.tasks.len(), &mut |found, place| {
                let task = &step.tasks[place];
                check_text("text", &task.text, found);
                self.check_condition("done", &task.done, &names, found);
                self.check_deeds(task, &names, found);
            });
        });
        found.each("simplifications", self.simplifications.len(), &mut |found, place| {
            check_text("what", &self.simplifications[place].what, found);
            check_text("source", &self.simplifications[place].source, found);
        });
        found.each("vitals", self.vitals.len(), &mut |found, place| {
            let vital = &self.vitals[place];
            check_text("title", &vital.title, found);
            if vital.lines.is_empty() || vital.lines.len() > 4 {
                found.wrong_in("lines", "expected one to four lines");
            }
            found.each("lines", vital.lines.len().min(4), &mut |found, place| {
                check_text("measure", &vital.lines[place].measure, found);
                check_text("of", vital.lines[place].of.as_deref().unwrap_or_default(), found);
            });
        });
        found.found
    }

    fn check_head(&self, found: &mut Reader) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty()
            || self.name.len() > 40
            || !self.name.chars().all(plain)
            || self.name.starts_with('-')
            || self.name.ends_with('-')
        {
            let told =
                format!("expected up to 40 lower case letters, digits and hyphens, found \"{}\"", short(&self.name));
            found.wrong_in("name", &told);
        }
        if self.revision == 0 {
            found.wrong_in("revision", "expected a whole number from 1, found 0");
        }
        if self.title.trim().is_empty() {
            found.wrong_in("title", "a document needs a title");
        }
        if self.length.0 < 1_000_000 || self.length > LONGEST {
            found.wrong_in("length", &format!("expected 1s to 744h, found {}", self.length));
        }
        check_number("speed", Some(self.speed), 0.001, 100.0, found);
        check_text("title", &self.title, found);
        check_text("summary", &self.summary, found);
        check_text("hint", &self.hint, found);
    }

    /// All conditions: of cues, of a lesson's tasks and of promises.
    pub(super) fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let tasks = self.lesson.iter().flat_map(|lesson| &lesson.steps).flat_map(|step| &step.tasks);
        let cues = self.cues.iter().flat_map(|cue| &cue.when);
        cues.chain(tasks.map(|task| &task.done)).chain(self.checks.iter().flat_map(CheckRule::conditions))
    }

    fn check_sizes(&self, found: &mut Reader) {
        let lesson = self.lesson.as_ref().map_or(&[][..], |lesson| &lesson.steps);
        let steps = lesson.len();
        let conditions: usize = self.conditions().map(Condition::count).sum();
        if conditions > MAX_CONDITIONS {
            let told =
                format!("there are {conditions} conditions in cues, tasks and checks; {MAX_CONDITIONS} is the limit");
            found.wrong(&told);
        }
        let lists = [
            ("groups", self.groups.len(), MAX_GROUPS),
            ("regions", self.regions.len(), MAX_ZONES),
            ("links", self.links.len(), MAX_LIST),
            ("load", self.load.len(), MAX_LIST),
            ("cues", self.cues.len(), MAX_LIST),
            ("plans", self.plans.len(), MAX_PLANS),
            ("dials", self.dials.len(), MAX_LIST),
            ("checks", self.checks.len(), MAX_LIST),
            ("vitals", self.vitals.len(), MAX_LIST),
            ("simplifications", self.simplifications.len(), MAX_LIST),
            ("lesson.steps", steps, MAX_LIST),
        ];
        for (at, len, limit) in lists {
            if len > limit {
                found.wrong_in(at, &format!("there are {len}; {limit} is the limit"));
            }
        }
    }

    fn check_group(&self, place: usize, found: &mut Reader) {
        let group = &self.groups[place];
        check_name("name", &group.name, found);
        if let Some(prefix) = &group.prefix {
            check_name("prefix", prefix, found);
        }
        check_text("title", group.title.as_deref().unwrap_or_default(), found);
        if self.groups[..place].iter().any(|other| other.name == group.name) {
            found.wrong_in("name", &format!("there are two groups \"{}\"", short(&group.name)));
        }
        if group.count > MAX_MEMBERS {
            found.wrong_in("count", &format!("expected up to {MAX_MEMBERS}, found {}", group.count));
        }
        for (field, number, least, most) in
            [("tier", group.tier, 0, 63), ("cores", group.cores, 1, 1024), ("inbox", group.inbox, 0, 1_000_000)]
        {
            if number.is_some_and(|number| number < least || number > most) {
                found.wrong_in(field, &format!("expected {least} to {most}"));
            }
        }
        check_law("service", group.service.as_ref(), found);
        check_law("disk", group.disk.as_ref(), found);
        let Some(kind) = kind(&group.kind) else {
            let names = &mut KINDS.iter().map(|kind| kind.name);
            return found.unknown_in("kind", "kind of component", &group.kind, names);
        };
        if let Err(unfit) = template(group, kind) {
            let told = format!("a {}: {}", kind.name, unfit.told);
            found.wrong_in(&format!("config.{}", short(&unfit.field)), &told);
        }
    }

    fn check_link(&self, place: usize, found: &mut Reader) {
        let rule = &self.links[place];
        let ends = (&rule.between.0, &rule.between.1);
        for (field, name) in [("between[0]", ends.0), ("between[1]", ends.1)] {
            if !self.groups.iter().any(|group| group.name == *name) {
                found.unknown_in(field, "group", name, &mut self.group_names());
            }
        }
        let same = |other: &LinkRule| {
            let others = (&other.between.0, &other.between.1);
            others == ends || others == (ends.1, ends.0)
        };
        if let Some(other) = self.links[..place].iter().position(same) {
            found.wrong_in("between", &format!("links[{other}] wires these two already"));
        }
        for (field, share) in [("loss", rule.loss), ("duplicate", rule.duplicate), ("reorder", rule.reorder)] {
            check_number(field, Some(share), 0.0, 1.0, found);
        }
        check_law("delay", rule.delay.as_ref(), found);
        check_law("detour", rule.detour.as_ref(), found);
        check_number("bandwidth", rule.bandwidth.map(|bytes| bytes as f64), 0.0, MAX_BANDWIDTH as f64, found);
    }

    /// The cost of the first instant, estimated before anything is built.
    fn check_start(&self, found: &mut Reader) {
        let nodes: u64 = self.groups.iter().map(|group| u64::from(group.count)).sum();
        if nodes > u64::from(MAX_NODES_AT_START) {
            found.wrong_in("groups", &format!("they have {nodes} members in all; {MAX_NODES_AT_START} is the limit"));
        }
        let wired = |rule: &LinkRule| self.count_of(&rule.between.0).saturating_mul(self.count_of(&rule.between.1));
        let links: u64 = self.links.iter().map(wired).sum();
        if links > MAX_LINKS_AT_START {
            found.wrong_in("links", &format!("they wire {links} pairs; {MAX_LINKS_AT_START} is the limit"));
        }
    }

    /// How many members a group has at the start; one for what is no group.
    fn count_of(&self, name: &str) -> u64 {
        self.groups.iter().find(|group| group.name == name).map_or(1, |group| u64::from(group.count))
    }

    fn check_load(&self, load: &Load, found: &mut Reader) {
        if load.steps.len() > MAX_LIST {
            found.wrong_in("steps", &format!("{MAX_LIST} is the limit"));
        }
        let Some(kind) = self.kind_of(&load.group) else {
            return found.unknown_in("group", "group", &load.group, &mut self.group_names());
        };
        found.each("steps", load.steps.len(), &mut |found, step| {
            if let Err(told) = fits(kind, &load.field, &load.steps[step].value) {
                found.wrong(&told);
            }
        });
    }

    pub(super) fn check_condition(
        &self,
        field: &str,
        condition: &Condition,
        names: &dyn Fn(&str) -> bool,
        found: &mut Reader,
    ) {
        let before = found.path.enter(field);
        condition.check(names, &self.check_names(), 0, found);
        found.path.leave(before);
    }

    fn check_dial(&self, place: usize, found: &mut Reader) {
        let dial = &self.dials[place];
        check_name("name", &dial.name, found);
        check_text("title", &dial.title, found);
        if self.dials[..place].iter().any(|other| other.name == dial.name) {
            found.wrong_in("name", &format!("there are two dials \"{}\"", short(&dial.name)));
        }
        for (field, end) in [("min", dial.min), ("max", dial.max)] {
            if end.is_some_and(|end| !end.is_finite()) {
                found.wrong_in(field, "expected a number");
            }
        }
        if let (Some(min), Some(max)) = (dial.min, dial.max)
            && min > max
        {
            found.wrong_in("max", &format!("{} is below min, {}", Plain(max), Plain(min)));
        }
        let Some(kind) = self.kind_of(&dial.group) else {
            return found.unknown_in("group", "group", &dial.group, &mut self.group_names());
        };
        let field = kind.fields().iter().find(|field| field.name == dial.field);
        let range = field.and_then(|field| dial_range(dial, &(field.kind)()));
        if let Some((min, max)) = range
            && min > max
            && !dial.min.zip(dial.max).is_some_and(|(min, max)| min > max)
        {
            let told =
                format!("no value of the setting is between the ends of this dial: {}, {}", Plain(min), Plain(max));
            found.wrong(&told);
        }
        if field.is_none() {
            let names = &mut kind.fields().iter().map(|field| field.name);
            found.unknown_in("field", &format!("setting of a {}", kind.name), &dial.field, names);
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

    fn group_names(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(|group| &*group.name)
    }

    /// The names that cues give to what they add.
    fn added(&self) -> Table<&str, ()> {
        let acts = self.cues.iter().flat_map(|cue| &cue.then);
        let names = acts.map(|act| if let Act::Add { name: Some(name), .. } = act { &**name } else { "" });
        names.map(|name| (name, ())).collect()
    }

    /// Whether a node or group may have this name at some time in the run: groups, their members to come, kinds.
    fn may_be_named(&self, name: &str, added: &Table<&str, ()>) -> bool {
        let member = |prefix: &str| name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('-'));
        self.groups.iter().any(|group| group.name == name || member(group.prefix.as_ref().unwrap_or(&group.name)))
            || KINDS.iter().any(|kind| kind.name == name || member(kind.name))
            || !name.is_empty() && added.contains_key(name)
            || self.zone_names().any(|zone| zone == name)
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
            let made = template(group, kind);
            let mut made = made.map_err(|unfit| Problem::new(at(&format!("config.{}", unfit.field)), unfit.told))?;
            made.zones = self.zones_of(group);
            templates.push(made);
        }
        for rule in &self.links {
            let place = |name: &str| self.groups.iter().position(|group| group.name == name);
            let (Some(a), Some(b)) = (place(&rule.between.0), place(&rule.between.1)) else { continue };
            let profile = Rc::new(profile(rule));
            templates[a].links.push((b as u32, profile.clone()));
            if a != b {
                templates[b].links.push((a as u32, profile));
            }
        }
        for kind in KINDS {
            templates.push(kind.usual(&self.lone_name(kind.name)));
        }
        Ok(templates)
    }
}

impl Dial {
    /// Whether a value is between this dial's own ends; the setting judges the rest.
    pub(super) fn check_value(&self, value: &Value) -> Result<(), String> {
        let (min, max) = (self.min.unwrap_or(f64::MIN), self.max.unwrap_or(f64::MAX));
        let inside = |number: f64| number >= min && number <= max;
        match value {
            Value::Number(number) if !inside(*number) => {
                Err(format!("expected a number from {} to {}, found {}", Plain(min), Plain(max), Plain(*number)))
            }
            // What is no length of time is the setting's to judge.
            Value::Text(text) => match Micros::parse(text) {
                Ok(span) if !inside(span.0 as f64 / 1e6) => {
                    let end = |end: f64| Micros::from_f64(end * 1e6);
                    Err(format!("expected {} to {}, found {span}", end(min), end(max)))
                }
                _ => Ok(()),
            },
            _ => Ok(()),
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
        service: group.service.clone().unwrap_or(usual.service),
        inbox: group.inbox.unwrap_or(usual.inbox),
        disk: group.disk.clone().unwrap_or(usual.disk),
        startup: group.startup.unwrap_or(usual.startup),
        discipline: group.discipline.unwrap_or(usual.discipline),
    };
    kind.template(&group.name, group.prefix.as_ref().unwrap_or(&group.name), machine, &group.config)
}

/// How the links of a rule behave.
fn profile(rule: &LinkRule) -> Profile {
    let usual = Profile::default();
    Profile {
        delay: rule.delay.clone().unwrap_or(usual.delay),
        loss: rule.loss,
        fifo: rule.fifo,
        duplicate: rule.duplicate,
        reorder: rule.reorder,
        detour: rule.detour.clone().unwrap_or(usual.detour),
        bandwidth: rule.bandwidth.unwrap_or(usual.bandwidth),
        queue: rule.queue.unwrap_or(usual.queue),
    }
}

fn fits(kind: &Kind, field: &str, value: &Value) -> Result<(), String> {
    let mut settings = Settings::new();
    settings.insert(field.to_owned(), value.clone());
    kind.template("", "", Machine::default(), &settings)
        .map(drop)
        .map_err(|unfit| format!("a {}: {}", kind.name, unfit.told))
}

pub(super) fn check_name(field: &str, name: &str, found: &mut Reader) {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 40 || !name.chars().all(plain) {
        let told = format!("expected up to 40 letters, digits, hyphens and underscores, found \"{}\"", short(name));
        found.wrong_in(field, &told);
    }
}

pub(super) fn check_text(field: &str, text: &str, found: &mut Reader) {
    if text.chars().count() > MAX_TEXT {
        found.wrong_in(field, &format!("the text is longer than {MAX_TEXT} characters"));
    }
    if let Some(c) = text.chars().find(|c| hidden(*c) && !matches!(c, '\n' | '\t')) {
        found.wrong_in(field, &format!("the text has an invisible character in it, U+{:04X}", c as u32));
    }
}

fn check_number(field: &str, number: Option<f64>, least: f64, most: f64, found: &mut Reader) {
    if let Some(number) = number.filter(|number| !(least..=most).contains(number)) {
        found.wrong_in(
            field,
            &format!("expected a number from {} to {}, found {}", Plain(least), Plain(most), Plain(number)),
        );
    }
}

fn check_law(field: &str, law: Option<&Dist>, found: &mut Reader) {
    if let Some(Err(told)) = law.map(Dist::check) {
        found.wrong_in(field, &told);
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
