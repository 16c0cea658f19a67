//! Requests as a trace shows them: which there are, what each has come to, its spans as rows, and its critical path.

use crate::components::{What, World};
use crate::protocols::{Family, Form};
use crate::scene::sign;
use crate::sim::{Micros, RecordId, Time};
use crate::trace::course::Course;
use crate::trace::spans::{Leg, Span, Spent, critical_path, request};

/// How many requests are listed at most, the latest or the slowest.
pub const MAX_REQUESTS: usize = 200;
/// How many spans of a request have a row; what comes after that has none.
pub const MAX_ROWS: usize = 1_000;
/// How many steps back one looks for the message that a record belongs to.
const MAX_BACK: usize = 64;

/// What a person, a timer or a fault set going.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Its beginning, by the place among the spans.
    pub root: u32,
    /// Its first message.
    pub first: RecordId,
    /// When it began.
    pub begun: Time,
    /// When the first answer to one of its first messages came back.
    pub answered: Option<Time>,
    /// When the last thing was done for it, as far as one knows.
    pub end: Time,
    /// Whether a message of it is under way still, or asks and is not served yet.
    pub open: bool,
    /// How many messages it has come to.
    pub messages: u32,
    /// How many of them were lost.
    pub lost: u32,
}

impl Request {
    /// When whoever asked had what was asked for; or where nobody answered, when the last thing was done for it.
    pub fn over(&self) -> Option<Time> {
        self.answered.or((!self.open).then_some(self.end))
    }
    /// How long it took, or has taken until `now`.
    pub fn took(&self, now: Time) -> Micros {
        self.over().unwrap_or(now).since(self.begun)
    }
}

/// A span of a request, with how far below the beginning it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// By its place among the spans.
    pub span: u32,
    /// The beginning stands at 0.
    pub depth: u16,
}

/// A stretch of the critical path, and the row that it runs along.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// What the time was spent on.
    pub leg: Leg,
    /// Of which span, by the place among all.
    pub span: u32,
}

/// Whether a message waits for something still: it is under way, or asks and was not handled.
fn open(span: &Span) -> bool {
    let asks = span.form == Some(Form::Request);
    !span.begins() && span.lost.is_none() && (span.arrived.is_none() || asks && !span.handled)
}

/// The requests that people's devices began, in the order in which they began; where there are none, or with
/// `everyone`, every chain that messages came of.
pub fn requests(course: &Course, spans: &[Span], world: &World, everyone: bool) -> Vec<Request> {
    const NONE: u32 = u32::MAX;
    let mut found: Vec<Request> = Vec::new();
    let mut slots = vec![NONE; spans.len()];
    for (place, span) in spans.iter().enumerate() {
        if span.begins() {
            continue;
        }
        let root = span.root as usize;
        if slots[root] == NONE {
            if !spans[root].begins() || cut_off(course, &spans[root]) {
                continue;
            }
            slots[root] = found.len() as u32;
            found.push(Request {
                root: root as u32,
                first: spans[place].record,
                begun: spans[root].sent,
                answered: None,
                end: spans[root].end,
                open: false,
                messages: 0,
                lost: 0,
            });
        }
        let request = &mut found[slots[root] as usize];
        request.messages += 1;
        request.lost += u32::from(span.lost.is_some());
        request.open |= open(span);
        request.end = request.end.max(span.end);
        if span.parent == Some(root as u32) {
            let earlier = request.answered.into_iter().chain(span.answered).min();
            request.answered = earlier;
        }
    }
    let people = |request: &&Request| {
        let begun = world.node(spans[request.root as usize].node);
        begun.is_some_and(|node| sign(node.kind).1 == Family::People)
    };
    if !everyone && found.iter().any(|request| people(&request)) {
        found.retain(|request| people(&request));
    }
    found.sort_unstable_by_key(|request| (request.begun, request.root));
    found
}

/// Whether what brought a beginning about lies before the records.
fn cut_off(course: &Course, root: &Span) -> bool {
    course.get(root.record).is_none_or(|record| record.cause != RecordId(0) && course.get(record.cause).is_none())
}

/// The requests that are listed, the one first that stands on top: the latest, or the slowest of all that began at or
/// before `until`.
pub fn listed(requests: &[Request], slowest: bool, until: Time, now: Time) -> Vec<&Request> {
    let mut listed: Vec<&Request> = requests.iter().filter(|request| request.begun <= until).rev().collect();
    if slowest {
        listed.sort_unstable_by_key(|request| (std::cmp::Reverse(request.took(now)), request.root));
    }
    listed.truncate(MAX_REQUESTS);
    listed
}

/// The spans of a request as rows: each right below the one that it came of; of brothers those first on which the critical
/// path runs, then in the order of their sending.
pub fn rows(spans: &[Span], root: u32, path: &[Stretch]) -> Vec<Row> {
    let aside = |place: u32| !path.iter().any(|stretch| stretch.span == place);
    let below = |place: u32| Some((spans[place as usize].parent?, aside(place), place));
    let mut below: Vec<(u32, bool, u32)> = request(spans, root).into_iter().filter_map(below).collect();
    below.sort_unstable();
    let mut rows = Vec::new();
    // What is to be put down next stands last.
    let mut waiting = vec![Row { span: root, depth: 0 }];
    while let Some(row) = waiting.pop().filter(|_| rows.len() < MAX_ROWS) {
        rows.push(row);
        let first = below.partition_point(|(parent, ..)| *parent < row.span);
        let here = below[first..].iter().take_while(|(parent, ..)| *parent == row.span);
        let from = waiting.len();
        waiting.extend(here.map(|(.., place)| Row { span: *place, depth: row.depth.saturating_add(1) }));
        waiting[from..].reverse();
    }
    rows
}

/// The span that a record belongs to, by its place among all.
fn owner(course: &Course, spans: &[Span], place: usize) -> Option<u32> {
    let mut at = Some(place);
    for _ in 0..MAX_BACK {
        let record = course.records()[at?];
        if let Ok(found) = spans.binary_search_by_key(&record.id, |span| span.record) {
            return Some(found as u32);
        }
        at = course.cause(at?);
    }
    None
}

/// The record with which a request ended for whoever made it: its first answer's arrival, or else the last thing that was
/// done for it.
fn last_record(course: &Course, spans: &[Span], request: &Request) -> Option<RecordId> {
    let until = request.over().unwrap_or(request.end);
    let records = course.records();
    let after = records.partition_point(|record| record.at <= until);
    let root = &spans[request.root as usize];
    for place in (0..after).rev() {
        let record = records[place];
        if record.id < root.record {
            break;
        }
        if matches!(record.what, What::Measure { .. } | What::Note(_)) {
            continue;
        }
        let Some(owner) = owner(course, spans, place).map(|owner| &spans[owner as usize]) else { continue };
        let home = record.node == root.node && matches!(record.what, What::Arrived { .. });
        if owner.root == request.root && (request.answered.is_none() || record.at == until && home) {
            return Some(record.id);
        }
    }
    None
}

/// The critical path of a request, each stretch with the span that it belongs to.
pub fn path(course: &Course, spans: &[Span], request: &Request) -> Vec<Stretch> {
    let Some(last) = last_record(course, spans, request) else { return Vec::new() };
    let owned = |leg: Leg| {
        let span = owner(course, spans, course.place(leg.record)?)?;
        Some(Stretch { leg, span })
    };
    critical_path(course, last).into_iter().filter_map(owned).collect()
}

/// What the critical path was spent on, in the order network, queue, service, disk, other.
pub fn spent(path: &[Stretch]) -> [(Spent, Micros); 5] {
    let kinds = [Spent::Network, Spent::Queue, Spent::Service, Spent::Disk, Spent::Other];
    kinds.map(|kind| {
        let of = path.iter().filter(|stretch| stretch.leg.spent == kind);
        (kind, of.fold(Micros::ZERO, |sum, stretch| sum + stretch.leg.until.since(stretch.leg.from)))
    })
}
