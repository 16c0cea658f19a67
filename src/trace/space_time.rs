//! Space and time: a lifeline a node, arrows between them, and what can have influenced what (Lamport 1978).
//!
//! A record happens before another if it comes earlier at the same node, or brought it about, or by a chain of these.
//! Both kinds of steps lead to smaller numbers, so one pass over the records answers every question.

use crate::components::What;
use crate::sim::{NodeId, Payload, RecordId, Time, Why};

use super::course::{Course, lived, nodes};

/// A message between two lifelines.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrow {
    /// The record of its sending; of a copy, that of its being made.
    pub record: RecordId,
    /// The message's name.
    pub name: &'static str,
    /// Who sent it.
    pub from: NodeId,
    /// For whom it is.
    pub to: NodeId,
    /// When it left.
    pub left: Time,
    /// How its way ended.
    pub end: End,
}

/// How a message's way ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It arrived: the record, and when.
    Arrived(RecordId, Time),
    /// It was lost.
    Lost(Why, Time),
    /// It is under way where the records end; when it should arrive.
    UnderWay(Time),
}

/// A node's line.
#[derive(Clone, Debug, PartialEq)]
pub struct Lifeline {
    /// Whose.
    pub node: NodeId,
    /// What it lived through, oldest first.
    pub records: Vec<RecordId>,
    /// When it was down, or not yet there: from, until; as far as the records go where they begin or end within.
    pub down: Vec<(Time, Time)>,
}

/// A cut through the lifelines: of each node the last record that belongs to the past. A node that is not named has none.
pub type Cut = Vec<(NodeId, RecordId)>;

/// How two records stand to one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// They are the same one.
    Same,
    /// The first can have influenced the second.
    Before,
    /// The second can have influenced the first.
    After,
    /// Neither can have influenced the other.
    Concurrent,
}

/// The lifelines of all nodes that the records name, ascending by number.
pub fn lifelines(course: &Course) -> Vec<Lifeline> {
    let nodes = nodes(course);
    let mut lines: Vec<Lifeline> =
        nodes.iter().map(|node| Lifeline { node: *node, records: Vec::new(), down: Vec::new() }).collect();
    let mut since: Vec<Option<Time>> = vec![None; lines.len()];
    let ends = (course.records().first(), course.records().last());
    let (Some(begin), Some(end)) = (ends.0.map(|record| record.at), ends.1.map(|record| record.at)) else {
        return lines;
    };
    for record in course.records() {
        let Ok(place) = nodes.binary_search(&record.node) else { continue };
        if lived(&record.what) {
            lines[place].records.push(record.id);
        }
        match record.what {
            What::Placed | What::Crashed { .. } | What::Removed => drop(since[place].get_or_insert(record.at)),
            What::Booted => {
                let from = since[place].take().unwrap_or(begin);
                lines[place].down.extend((from < record.at).then_some((from, record.at)));
            }
            _ => {}
        }
    }
    for (line, since) in lines.iter_mut().zip(since) {
        line.down.extend(since.map(|from| (from, end)));
    }
    lines
}

/// The messages that left within the records, in the order in which they left.
pub fn arrows(course: &Course) -> Vec<Arrow> {
    let mut arrows: Vec<Arrow> = Vec::new();
    for record in course.records() {
        let sent = |arrows: &[Arrow]| arrows.binary_search_by_key(&record.cause, |arrow| arrow.record).ok();
        match &record.what {
            What::Sent { to, message, due } | What::Duplicated { to, message, due } => arrows.push(Arrow {
                record: record.id,
                name: message.name(),
                from: record.node,
                to: *to,
                left: record.at,
                end: End::UnderWay(*due),
            }),
            What::Arrived { .. } => {
                if let Some(place) = sent(&arrows) {
                    arrows[place].end = End::Arrived(record.id, record.at);
                }
            }
            What::Lost { why, .. } => {
                if let Some(place) = sent(&arrows) {
                    arrows[place].end = End::Lost(*why, record.at);
                }
            }
            _ => {}
        }
    }
    arrows
}

/// Everything that can have influenced a record, with itself, oldest first; as far back as the records go.
pub fn past(course: &Course, id: RecordId) -> Vec<RecordId> {
    let Some(start) = course.place(id) else { return Vec::new() };
    chosen(course, &reaches(course, start))
}

/// Everything that a record can have influenced, with itself, oldest first.
pub fn future(course: &Course, id: RecordId) -> Vec<RecordId> {
    let Some(start) = course.place(id) else { return Vec::new() };
    let mut reached = vec![false; course.records().len()];
    reached[start] = true;
    for place in start + 1..reached.len() {
        let from = |before: Option<usize>| before.is_some_and(|before| reached[before]);
        reached[place] = from(course.before(place)) || from(course.cause(place));
    }
    chosen(course, &reached)
}

/// How two records stand to one another; `None` where one of them is not there any more.
pub fn order(course: &Course, one: RecordId, other: RecordId) -> Option<Order> {
    let (first, second) = (course.place(one)?, course.place(other)?);
    Some(match first.cmp(&second) {
        std::cmp::Ordering::Equal => Order::Same,
        std::cmp::Ordering::Less if reaches(course, second)[first] => Order::Before,
        std::cmp::Ordering::Greater if reaches(course, first)[second] => Order::After,
        _ => Order::Concurrent,
    })
}

/// The smallest consistent cut that holds a record: of each node the last record that can have influenced it.
pub fn frontier(course: &Course, id: RecordId) -> Cut {
    let Some(start) = course.place(id) else { return Vec::new() };
    let reached = reaches(course, start);
    let mut cut: Cut = Vec::new();
    for (place, record) in course.records().iter().enumerate().filter(|(place, _)| reached[*place]) {
        if !lived(&record.what) && place != start {
            continue;
        }
        match cut.binary_search_by_key(&record.node, |(node, _)| *node) {
            Ok(there) => cut[there].1 = record.id,
            Err(there) => cut.insert(there, (record.node, record.id)),
        }
    }
    cut
}

/// Whether a cut is one that could have been a state of the whole (Chandy and Lamport 1985): nothing in it was brought
/// about by something after it.
///
/// # Errors
/// A record after the cut, and one in the cut that it brought about.
pub fn consistent(course: &Course, cut: &Cut) -> Result<(), (RecordId, RecordId)> {
    let last = |node: NodeId| cut.iter().find(|(of, _)| *of == node).map_or(RecordId(0), |(_, last)| *last);
    for (place, record) in course.records().iter().enumerate() {
        if !lived(&record.what) || record.id > last(record.node) {
            continue;
        }
        let cause = course.cause(place).map(|cause| course.records()[cause]);
        if let Some(cause) = cause.filter(|cause| cause.id > last(cause.node)) {
            return Err((cause.id, record.id));
        }
    }
    Ok(())
}

/// What reaches a place, itself among it.
fn reaches(course: &Course, start: usize) -> Vec<bool> {
    let mut reached = vec![false; course.records().len()];
    reached[start] = true;
    for place in (0..=start).rev() {
        if reached[place] {
            for before in [course.before(place), course.cause(place)].into_iter().flatten() {
                reached[before] = true;
            }
        }
    }
    reached
}

fn chosen(course: &Course, reached: &[bool]) -> Vec<RecordId> {
    course.records().iter().zip(reached).filter(|(_, reached)| **reached).map(|(record, _)| record.id).collect()
}
