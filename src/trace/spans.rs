//! A request followed through the components, as spans (Sigelman et al. 2010): one for each message, below the one whose
//! handler sent it; on the network, waiting and being served apart. And the critical path to any record.
//!
//! A chain begins where a timer runs out, a node boots or someone acts. A write to a disk goes on with the chain of what
//! asked for it.

use crate::components::{Message, What};
use crate::protocols::Form;
use crate::sim::{Micros, NodeId, Payload, Record, RecordId, Time, Why};

use super::course::Course;

/// How many spans are made of a stretch of records; what comes after that has none.
pub const MAX_SPANS: usize = 200_000;
/// How long a critical path may be, in legs; what lies before is cut off.
pub const MAX_LEGS: usize = 10_000;

/// One message's way and what its receiver did for it; or the beginning of a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The record that names it: of the sending, or of the beginning.
    pub record: RecordId,
    /// The span in which it was sent, by its place among all.
    pub parent: Option<u32>,
    /// The beginning of its chain, by its place among all.
    pub root: u32,
    /// The message's name, or that of the timer.
    pub name: &'static str,
    /// What the message does; none for a beginning.
    pub form: Option<Form>,
    /// Its size in bytes.
    pub bytes: u32,
    /// Who sent it; the node itself for a beginning.
    pub from: NodeId,
    /// Whose work it is.
    pub node: NodeId,
    /// When it was sent.
    pub sent: Time,
    /// When it arrived.
    pub arrived: Option<Time>,
    /// How long it waited for a core.
    pub waited: Micros,
    /// How long it was served.
    pub served: Micros,
    /// How long its handler's work waited for the disk.
    pub stored: Micros,
    /// When the last thing was done for it that one knows of.
    pub end: Time,
    /// Why it was lost, and whether that was on the way.
    pub lost: Option<Why>,
    /// Its receiver was done with it, as far as records tell.
    pub handled: bool,
    /// When its first answer came back to who sent it.
    pub answered: Option<Time>,
}

impl Span {
    /// How long it was under way.
    pub fn network(&self) -> Micros {
        self.arrived.map_or(Micros::ZERO, |arrived| arrived.since(self.sent))
    }
    /// How long it took in all.
    pub fn length(&self) -> Micros {
        self.end.since(self.sent)
    }
    /// Whether it is the beginning of a chain.
    pub fn begins(&self) -> bool {
        self.form.is_none()
    }
}

/// What one request has come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cost {
    /// Messages that were sent for it.
    pub messages: u32,
    /// Those of them that were lost.
    pub lost: u32,
    /// The bytes of all.
    pub bytes: u64,
    /// How many messages followed one another on the longest chain: message delays; two make a round trip.
    pub delays: u32,
    /// Round trips that were made: requests that were answered to who sent them.
    pub round_trips: u32,
    /// From the beginning to the last thing that was done for it.
    pub time: Micros,
}

/// What a leg of a critical path was spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// On the way between two nodes.
    Network,
    /// In an inbox.
    Queue,
    /// On a core.
    Service,
    /// Waiting for a disk.
    Disk,
    /// Nothing that took time in itself: starting up, or what follows at once.
    Other,
}

impl Spent {
    /// A word for it.
    pub fn word(self) -> &'static str {
        match self {
            Spent::Network => "network",
            Spent::Queue => "queue",
            Spent::Service => "service",
            Spent::Disk => "disk",
            Spent::Other => "other",
        }
    }
}

/// A stretch of a critical path. Each begins where the one before it ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Leg {
    /// What the time was spent on.
    pub spent: Spent,
    /// Where; of a message on its way, where it was going.
    pub node: NodeId,
    /// When it began.
    pub from: Time,
    /// When it ended.
    pub until: Time,
    /// The record that ended it.
    pub record: RecordId,
}

/// The spans of a stretch of records, in the order of the records that name them: a parent stands before its children.
pub fn spans(course: &Course) -> Vec<Span> {
    let mut weave = Weave { course, spans: Vec::new(), owner: vec![NOBODY; course.records().len()] };
    for (place, record) in course.records().iter().enumerate() {
        weave.take(place, record);
    }
    weave.in_order()
}

const NOBODY: u32 = u32::MAX;

struct Weave<'a> {
    course: &'a Course<'a>,
    spans: Vec<Span>,
    /// Of each record the span that it belongs to.
    owner: Vec<u32>,
}

impl Weave<'_> {
    fn take(&mut self, place: usize, record: &Record<Message>) {
        match &record.what {
            What::Sent { to, message, .. } => {
                let parent = self.belongs(self.course.cause(place));
                self.send(place, record, *to, message, parent);
            }
            // A copy stands beside what it is a copy of.
            What::Duplicated { to, message, .. } => {
                let original = self.owned(self.course.cause(place));
                let parent = original.and_then(|original| self.spans[original as usize].parent);
                self.send(place, record, *to, message, parent);
            }
            What::Arrived { from, .. } => {
                let Some(span) = self.owned(self.course.cause(place)) else { return };
                // One whose sending lies before the records has no span: there is nobody to hang it on.
                let known = &mut self.spans[span as usize];
                if known.record == record.cause && known.arrived.is_none() && known.from == *from {
                    (known.arrived, known.end) = (Some(record.at), record.at);
                    self.owner[place] = span;
                    self.answer(span, record.at);
                }
            }
            What::Served { waited, took, .. } => {
                let Some(span) = self.owned(self.course.cause(place)) else { return };
                let known = &mut self.spans[span as usize];
                (known.waited, known.served) = (*waited, *took);
                (known.end, known.handled) = (record.at, true);
                self.owner[place] = span;
            }
            What::Lost { to, message, why } => self.lose(place, record, *to, message, *why),
            What::Written { .. } => {
                let Some(span) = self.belongs(self.course.cause(place)) else { return };
                let asked = self.course.cause(place).map_or(record.at, |cause| self.course.records()[cause].at);
                let known = &mut self.spans[span as usize];
                known.stored = known.stored + record.at.since(asked);
                (known.end, known.handled) = (record.at.max(known.end), true);
                self.owner[place] = span;
            }
            _ => {
                let Some(span) = self.owned(self.course.cause(place)) else { return };
                if record.node == self.spans[span as usize].node {
                    self.handle(span, record.at);
                    self.owner[place] = span;
                }
            }
        }
    }

    fn send(&mut self, place: usize, record: &Record<Message>, to: NodeId, message: &Message, parent: Option<u32>) {
        if self.spans.len() >= MAX_SPANS {
            return;
        }
        let number = self.spans.len() as u32;
        let root = parent.map_or(number, |parent| self.spans[parent as usize].root);
        if let Some(parent) = parent.filter(|_| matches!(record.what, What::Sent { .. })) {
            self.handle(parent, record.at);
        }
        self.spans.push(Span {
            record: record.id,
            parent,
            root,
            name: message.name(),
            form: Some(message.form()),
            bytes: message.bytes(),
            from: record.node,
            node: to,
            sent: record.at,
            handled: false,
            ..begun(record)
        });
        self.owner[place] = number;
    }

    /// The handler of a span has run: what took no service may still have waited, as at a node that was paused.
    fn handle(&mut self, span: u32, at: Time) {
        let known = &mut self.spans[span as usize];
        if let Some(arrived) = known.arrived.filter(|_| !known.handled) {
            (known.waited, known.end) = (at.since(arrived), at.max(known.end));
        }
        known.handled = true;
    }

    /// A message that died with its receiver had arrived: its record names the crash, so it is looked for among those
    /// that had arrived there and were not done with. Where several are alike, all of them died.
    fn lose(&mut self, place: usize, record: &Record<Message>, to: NodeId, message: &Message, why: Why) {
        let span = if why == Why::Died {
            let waits = |span: &Span| {
                let here = span.node == to && span.from == record.node && span.name == message.name();
                here && span.arrived.is_some() && !span.handled && span.lost.is_none()
            };
            self.spans.iter().position(waits).map(|place| place as u32)
        } else {
            let sent = |span: &u32| why == Why::Shed || self.spans[*span as usize].record == record.cause;
            self.owned(self.course.cause(place)).filter(sent)
        };
        if let Some(span) = span {
            let known = &mut self.spans[span as usize];
            (known.lost, known.end) = (Some(why), record.at);
            if let Some(arrived) = known.arrived.filter(|_| why == Why::Shed) {
                (known.waited, known.handled) = (record.at.since(arrived), true);
            }
            self.owner[place] = span;
        }
    }

    /// A message arrived: whether it answers the one in whose handling it was sent, or one further up.
    fn answer(&mut self, span: u32, at: Time) {
        let reply = self.spans[span as usize].clone();
        if !matches!(reply.form, Some(Form::Reply | Form::Accept | Form::Refuse)) {
            return;
        }
        let mut above = reply.parent;
        while let Some(place) = above {
            let asked = &mut self.spans[place as usize];
            if asked.form.is_some() && asked.from == reply.node && asked.node == reply.from {
                asked.answered.get_or_insert(at);
                return;
            }
            above = asked.parent;
        }
    }

    fn owned(&self, place: Option<usize>) -> Option<u32> {
        place.map(|place| self.owner[place]).filter(|owner| *owner != NOBODY)
    }

    /// The span that a record belongs to; if it has none it begins a chain.
    fn belongs(&mut self, place: Option<usize>) -> Option<u32> {
        let place = place?;
        if self.owner[place] != NOBODY {
            return Some(self.owner[place]);
        }
        if self.spans.len() >= MAX_SPANS {
            return None;
        }
        let number = self.spans.len() as u32;
        self.spans.push(Span { root: number, ..begun(self.course.records()[place]) });
        self.owner[place] = number;
        Some(number)
    }

    /// By the numbers of their records: a chain's beginning is found only when something comes of it.
    fn in_order(self) -> Vec<Span> {
        let mut order: Vec<(RecordId, u32)> =
            self.spans.iter().enumerate().map(|(place, span)| (span.record, place as u32)).collect();
        order.sort_unstable();
        let mut new = vec![0u32; order.len()];
        for (place, (_, old)) in order.iter().enumerate() {
            new[*old as usize] = place as u32;
        }
        let renamed = |span: &Span| Span {
            parent: span.parent.map(|parent| new[parent as usize]),
            root: new[span.root as usize],
            ..span.clone()
        };
        order.iter().map(|(_, old)| renamed(&self.spans[*old as usize])).collect()
    }
}

/// The beginning of a chain.
fn begun(record: &Record<Message>) -> Span {
    Span {
        record: record.id,
        parent: None,
        root: 0,
        name: beginning(&record.what),
        form: None,
        bytes: 0,
        from: record.node,
        node: record.node,
        sent: record.at,
        arrived: None,
        waited: Micros::ZERO,
        served: Micros::ZERO,
        stored: Micros::ZERO,
        end: record.at,
        lost: None,
        handled: true,
        answered: None,
    }
}

/// What a chain begins with, in a word.
fn beginning(what: &What) -> &'static str {
    match what {
        What::Timer { name } => name,
        What::Arrived { message, .. } => message.name(),
        What::Served { name, .. } => name,
        other => super::kind_word(other),
    }
}

/// The spans of one request, by their places: the beginning of a chain first.
pub fn request(spans: &[Span], root: u32) -> Vec<u32> {
    (0..spans.len() as u32).filter(|place| spans[*place as usize].root == root).collect()
}

/// What a request has cost.
pub fn cost(spans: &[Span], root: u32) -> Cost {
    let mut cost = Cost::default();
    let Some(start) = spans.get(root as usize) else { return cost };
    let mut depths: Vec<(u32, u32)> = Vec::new();
    for place in request(spans, root) {
        let span = &spans[place as usize];
        let above = span.parent.and_then(|parent| depths.binary_search_by_key(&parent, |(place, _)| *place).ok());
        let depth = above.map_or(0, |above| depths[above].1) + u32::from(!span.begins());
        depths.push((place, depth));
        cost.time = cost.time.max(span.end.since(start.sent));
        if span.begins() {
            continue;
        }
        cost.messages += 1;
        cost.bytes += u64::from(span.bytes);
        cost.lost += u32::from(span.lost.is_some());
        cost.round_trips += u32::from(span.answered.is_some());
        cost.delays = cost.delays.max(depth);
    }
    cost
}

/// The critical path to a record: what its time went into since its chain began, in legs that join. What was waited for
/// last is what brought it about, so the causes are the path.
pub fn critical_path(course: &Course, end: RecordId) -> Vec<Leg> {
    let mut legs: Vec<Leg> = Vec::new();
    let mut here = course.place(end);
    while let Some(place) = here {
        if legs.len() >= MAX_LEGS {
            break;
        }
        let record = course.records()[place];
        here = course.cause(place);
        let Some(before) = here.map(|cause| course.records()[cause]) else { break };
        let (node, from, until, id) = (record.node, before.at, record.at, record.id);
        let leg = |spent, from, until| Leg { spent, node, from, until, record: id };
        match &record.what {
            What::Arrived { .. } => legs.push(leg(Spent::Network, from, until)),
            What::Written { .. } => legs.push(leg(Spent::Disk, from, until)),
            What::Served { waited, .. } => {
                // A record says how long it waited; the rest until it was done is the service.
                let begun = (from + *waited).min(until);
                legs.push(leg(Spent::Service, begun, until));
                legs.push(leg(Spent::Queue, from, begun));
            }
            What::Lost { to, .. } => legs.push(Leg { node: *to, ..leg(Spent::Network, from, until) }),
            // What takes no service is handled as it arrives, unless it waits, as at a node that is paused.
            _ if matches!(before.what, What::Arrived { .. }) => legs.push(leg(Spent::Queue, from, until)),
            _ => legs.push(leg(Spent::Other, from, until)),
        }
    }
    legs.retain(|leg| leg.from < leg.until);
    legs.reverse();
    legs
}
