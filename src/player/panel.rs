//! What the panels show, as small values that compare: a panel is drawn again only when its value has changed.

use crate::components::kind;
use crate::protocols::Family;
use crate::scenario::{Document, VitalLine, dial_range};
use crate::scene::Target;
use crate::sim::{Field, FieldKind, Micros, RecordId, Status, Time, Value, clock, fixed};
use crate::trace::{Metrics, Stat, sentence};

use super::{Entry, Player};

/// How long something that happened is news, in simulated time.
const NEWS: Micros = Micros::secs(3);

/// The inspector: what is selected.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspector {
    /// What it stands for.
    pub target: Target,
    /// Its name.
    pub title: String,
    /// What it is: `gateway`, `link`, a message's name.
    pub kind: String,
    /// What it is about.
    pub family: Option<Family>,
    /// How it is: `up`, `crashed 1.9 s ago`.
    pub state: String,
    /// Whether that is well.
    pub well: bool,
    /// Names and values.
    pub lines: Vec<(String, String)>,
    /// The end of its log, oldest first.
    pub log: Vec<Card>,
    /// What is being served there and what waits, first come first.
    pub kept: Vec<KeptModel>,
    /// How many more wait.
    pub more: usize,
    /// What came and went over the last seconds.
    pub charts: Vec<VitalModel>,
    /// What can be set about it.
    pub fields: Vec<FieldModel>,
    /// What can be done to it.
    pub entries: Vec<Entry>,
}

/// A message that a component has not handled yet.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptModel {
    /// Its name.
    pub name: &'static str,
    /// Who sent it, and for how long it has been there: `from client-3, 12 ms`.
    pub told: String,
    /// Whether a core is at it.
    pub served: bool,
    /// The record of its sending, if the log still has it.
    pub message: Option<RecordId>,
}

/// A cell of a log.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// What stands in it.
    pub text: String,
    /// Whether it is settled.
    pub settled: bool,
}

/// A setting, ready for a control.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldModel {
    /// Its name in documents.
    pub name: &'static str,
    /// What it means.
    pub help: String,
    /// Its unit.
    pub unit: &'static str,
    /// Its value now.
    pub value: Value,
    /// What it accepts.
    pub kind: FieldKind,
}

/// A dial of the document, ready for a control.
#[derive(Clone, Debug, PartialEq)]
pub struct DialModel {
    /// Its place in the document.
    pub place: usize,
    /// Its title.
    pub title: String,
    /// The setting that it turns, with the value that the group has now.
    pub field: FieldModel,
    /// Its ends, for a slider; seconds for lengths of time.
    pub range: Option<(f64, f64)>,
}

/// A small chart.
#[derive(Clone, Debug, PartialEq)]
pub struct VitalModel {
    /// Its caption.
    pub title: String,
    /// Its lines.
    pub lines: Vec<ChartLine>,
    /// The instants at the left and right edge, in seconds.
    pub span: (f64, f64),
    /// The value at the upper edge.
    pub top: f64,
    /// Instants of faults, in seconds.
    pub faults: Vec<f64>,
}

/// A line of a small chart.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartLine {
    /// What it is: `p50`.
    pub name: String,
    /// Its value now, as text with its unit.
    pub now: String,
    /// Instants in seconds and values; a gap where there is nothing to tell.
    pub points: Vec<(f64, Option<f64>)>,
}

/// A step of the lesson.
#[derive(Clone, Debug, PartialEq)]
pub struct StepModel {
    /// Its title.
    pub title: String,
    /// Its text.
    pub text: Vec<Wordy>,
    /// Its tasks.
    pub tasks: Vec<TaskModel>,
}

/// A task of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskModel {
    /// What to do.
    pub text: Vec<Wordy>,
    /// Whether it was done.
    pub done: bool,
    /// Whether it can be shown.
    pub shows: bool,
}

/// A piece of prose.
#[derive(Clone, Debug, PartialEq)]
pub enum Wordy {
    /// Plain text.
    Plain(String),
    /// A word in the colour and shape of a kind of component.
    Kind(String, &'static str, Family),
}

/// Prose with words in colour: `{sender|message sender}`, or `{sender}` for the kind's own name.
pub fn prose(text: &str) -> Vec<Wordy> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((word, next)) = after.split_once('}') else { break };
        let (name, shown) = word.split_once('|').unwrap_or((word, word));
        if !before.is_empty() {
            parts.push(Wordy::Plain(before.to_owned()));
        }
        parts.push(match kind(name) {
            Some(kind) => Wordy::Kind(shown.to_owned(), kind.name, kind.family),
            None => Wordy::Plain(shown.to_owned()),
        });
        rest = next;
    }
    if !rest.is_empty() {
        parts.push(Wordy::Plain(rest.to_owned()));
    }
    parts
}

/// The steps of the lesson.
pub fn steps(player: &Player) -> Vec<StepModel> {
    let lesson = player.timeline().document().lesson.iter();
    let steps = lesson.flat_map(|lesson| &lesson.steps).enumerate();
    steps
        .map(|(place, step)| StepModel {
            title: step.title.clone(),
            text: prose(&step.text),
            tasks: step
                .tasks
                .iter()
                .enumerate()
                .map(|(task, words)| TaskModel {
                    text: prose(&words.text),
                    done: player.ticked(place, task),
                    shows: !words.show.is_empty(),
                })
                .collect(),
        })
        .collect()
}

pub(super) fn field_model(field: &Field, value: Value) -> FieldModel {
    let help = field.help.trim().to_owned();
    FieldModel { name: field.name, help, unit: field.unit, value, kind: (field.kind)() }
}

/// The dials of the document, with the values that they have now.
pub fn dials(player: &Player) -> Vec<DialModel> {
    let timeline = player.timeline();
    let (world, document) = (&timeline.run().world, timeline.document());
    let model = |(place, dial): (usize, &crate::scenario::Dial)| {
        let group = document.groups.iter().position(|group| group.name == dial.group)?;
        let kind = kind(&document.groups[group].kind)?;
        let field = kind.fields().iter().find(|field| field.name == dial.field)?;
        let member = world.nodes().find(|(_, node)| node.template as usize == group);
        let value = member.and_then(|(_, node)| node.get(field.name)).unwrap_or_else(|| (field.default)());
        let range = dial_range(dial, &(field.kind)());
        Some(DialModel { place, title: dial.title.clone(), field: field_model(field, value), range })
    };
    document.dials.iter().enumerate().filter_map(model).collect()
}

/// How far back a small chart looks, at the speed of the simulation.
pub(super) const CHART_SPAN: Micros = Micros::secs(20);

/// The small charts of the document.
pub fn vitals(player: &Player) -> Vec<VitalModel> {
    let timeline = player.timeline();
    let (metrics, frame) = (&timeline.run().metrics, Frame::of(player));
    let vital = |vital: &crate::scenario::Vital| {
        let lines = vital.lines.iter().map(|line| chart_line(line, metrics, frame.from)).collect();
        frame.chart(vital.title.clone(), lines)
    };
    timeline.document().vitals.iter().map(vital).collect()
}

/// What small charts have in common.
pub(super) struct Frame {
    /// From when on they tell.
    pub from: Time,
    span: (f64, f64),
    faults: Vec<f64>,
}

impl Frame {
    pub fn of(player: &Player) -> Frame {
        let timeline = player.timeline();
        let now = timeline.now();
        let from = Time(now.0.saturating_sub(CHART_SPAN.0));
        let right = now.0.max(CHART_SPAN.0) as f64 / 1e6;
        let fault = |mark: &&crate::timeline::Mark| {
            mark.kind == crate::timeline::MarkKind::Fault && mark.at >= from && mark.at <= now
        };
        let faults = timeline.tape().marks().iter().filter(fault).map(|mark| mark.at.seconds()).collect();
        Frame { from, span: (right - CHART_SPAN.0 as f64 / 1e6, right), faults }
    }

    pub fn chart(&self, title: String, lines: Vec<ChartLine>) -> VitalModel {
        let values = lines.iter().flat_map(|line| &line.points).filter_map(|(_, value)| *value);
        let top = nice_top(values.fold(0.0, f64::max));
        VitalModel { title, lines, span: self.span, top, faults: self.faults.clone() }
    }
}

fn chart_line(line: &VitalLine, metrics: &Metrics, from: Time) -> ChartLine {
    let width = crate::trace::WINDOW;
    let rate = |(start, point): (Time, &crate::trace::Point)| (start, point.stat(Stat::Rate, width));
    let of: Option<Vec<_>> = line.of.as_ref().map(|of| metrics.windows(of, from).map(rate).collect());
    let value = |start: Time, point: &crate::trace::Point| {
        let value = point.stat(line.stat, width);
        let Some(of) = &of else { return value.map(|value| shown(value, line)) };
        share(value, of.iter().find(|(other, _)| *other == start)?.1)
    };
    let windows = metrics.windows(&line.measure, from);
    let points: Vec<_> = windows.map(|(start, point)| ((start + width).seconds(), value(start, point))).collect();
    let last = points.iter().rev().take(2).find_map(|(_, value)| *value);
    let unit = unit(line);
    let now = last.map_or_else(|| "–".to_owned(), |value| format!("{}{unit}", figure(value)));
    let name = match plain(&line.measure) {
        Some(name) if line.stat == Stat::Mean => name.to_owned(),
        _ if line.stat == Stat::Rate => line.measure.clone(),
        _ => stat_word(line.stat).to_owned(),
    };
    ChartLine { name, now, points }
}

fn share(value: Option<f64>, of: Option<f64>) -> Option<f64> {
    let of = of.filter(|of| *of > 0.0)?;
    Some(100.0 * value.unwrap_or(0.0) / of)
}

/// What a measure is called that says its unit, as `lag, in records` does: it is no length of time.
pub(super) fn plain(measure: &str) -> Option<&str> {
    measure.split_once(", in ").map(|(name, _)| name)
}

/// Rates, shares and plain numbers as they are, lengths of time in milliseconds.
pub(super) fn shown(value: f64, line: &VitalLine) -> f64 {
    let plain = line.stat == Stat::Rate || line.stat == Stat::Count || plain(&line.measure).is_some();
    if plain { value } else { value / 1e3 }
}

pub(super) fn unit(line: &VitalLine) -> &'static str {
    match (line.stat, &line.of) {
        (_, Some(_)) => " %",
        (Stat::Rate, None) => "/s",
        (Stat::Count, None) => "",
        _ if plain(&line.measure).is_some() => "",
        _ => " ms",
    }
}

pub(super) fn stat_word(stat: Stat) -> &'static str {
    match stat {
        Stat::Rate => "rate",
        Stat::Count => "count",
        Stat::Mean => "mean",
        Stat::P50 => "p50",
        Stat::P90 => "p90",
        Stat::P99 => "p99",
        Stat::Max => "max",
    }
}

/// Three digits at most.
pub(super) fn figure(value: f64) -> String {
    fixed(value, if value >= 99.5 { 0 } else { 1 })
}

/// The next 1, 2 or 5 times a power of ten, so that a chart's scale rarely changes.
fn nice_top(value: f64) -> f64 {
    let mut power = 1.0;
    while power < 1e12 {
        for step in [1.0, 2.0, 5.0] {
            if step * power >= value {
                return step * power;
            }
        }
        power *= 10.0;
    }
    power
}

/// One line on how the whole is: for the live region, and on demand.
pub fn state_in_words(player: &Player) -> String {
    let timeline = player.timeline();
    let world = &timeline.run().world;
    let mut parts = vec![format!("{} seconds", clock(timeline.now()))];
    let count = |status: Status| world.nodes().filter(|(_, node)| node.status == status).count();
    parts.push(format!("{} components up", count(Status::Up)));
    for (status, word) in [(Status::Crashed, "crashed"), (Status::Paused, "paused"), (Status::Starting, "starting")] {
        let names: Vec<&str> =
            world.nodes().filter(|(_, node)| node.status == status).map(|(_, node)| &*node.name).collect();
        if !names.is_empty() {
            parts.push(format!("{word}: {}", names.join(", ")));
        }
    }
    parts.push(format!("{} messages under way", world.in_flight()));
    if let Some(broken) = timeline.run().violations().last() {
        parts.push(broken.told.to_string());
    }
    parts.join(". ")
}

/// The last thing on the tape that is not long ago, as a sentence: for those who hear the page.
pub fn news(player: &Player) -> Option<String> {
    let timeline = player.timeline();
    let (now, marks) = (timeline.now(), timeline.tape().marks());
    let mark = marks[..marks.partition_point(|mark| mark.at <= now)].last()?;
    let recent = now.since(mark.at) <= NEWS;
    let record = timeline.log().get(mark.record).filter(|_| recent)?;
    Some(sentence(record, &timeline.run().world))
}

/// What is said of the document's checks, in a few words, and whether all is well.
pub fn verdict(document: &Document, player: &Player) -> Option<(bool, String)> {
    if document.checks.is_empty() {
        return None;
    }
    Some(match player.timeline().run().broken() {
        0 if document.checks.len() > 1 => (true, format!("{} promises hold", document.checks.len())),
        0 => (true, document.checks.first().map_or("", |check| check.brief()).to_owned()),
        1 => (false, "1 promise broken".to_owned()),
        many => (false, format!("{many} promises broken")),
    })
}

impl StepModel {
    /// Its text in paragraphs, which an empty line parts.
    pub fn text_paragraphs(&self) -> Vec<Vec<Wordy>> {
        let mut paragraphs = vec![Vec::new()];
        for part in &self.text {
            match part {
                Wordy::Plain(text) => {
                    for (place, piece) in text.split("\n\n").enumerate() {
                        if place > 0 {
                            paragraphs.push(Vec::new());
                        }
                        if let Some(last) = paragraphs.last_mut().filter(|_| !piece.is_empty()) {
                            last.push(Wordy::Plain(piece.to_owned()));
                        }
                    }
                }
                word => paragraphs.last_mut().into_iter().for_each(|last| last.push(word.clone())),
            }
        }
        paragraphs.retain(|paragraph| !paragraph.is_empty());
        paragraphs
    }
}
