//! A stretch as a sequence diagram in Mermaid's words, which many sites draw where it stands in a text: who said what to
//! whom, in the order in which it arrived, and what befell whom.
//!
//! <https://mermaid.js.org/syntax/sequenceDiagram.html>

use std::fmt::Write;

use crate::components::{Message, Record, What, World};
use crate::protocols::Form;
use crate::sim::{NodeId, Payload, clock};

use super::super::words::{is_telling, sentence};
use super::Stretch;

/// How many arrows and notes one diagram has at most: the last ones.
pub const MAX_LINES: usize = 200;

/// The whole diagram.
pub fn mermaid(stretch: &Stretch) -> String {
    let world = stretch.world;
    let all = stretch.course.records().iter().filter(|record| record.at >= stretch.from);
    let mut lines: Vec<(&Record, Vec<NodeId>)> = all.filter_map(|record| Some((*record, parties(record)?))).collect();
    let left_out = lines.len().saturating_sub(MAX_LINES);
    lines.drain(..left_out);
    let mut out = "sequenceDiagram\n".to_owned();
    let mut known: Vec<NodeId> = lines.iter().flat_map(|(_, parties)| parties.iter().copied()).collect();
    known.sort_unstable();
    known.dedup();
    for node in &known {
        let _ = writeln!(out, "    participant n{} as {}", node.0, plain(world.name(*node)));
    }
    if let (true, Some(first)) = (left_out > 0, known.first()) {
        let _ = writeln!(out, "    Note over n{}: {left_out} lines before this are left out", first.0);
    }
    for (record, _) in &lines {
        line(record, stretch, &mut out);
    }
    out
}

/// Whom a record has to do with, if it has a place in the diagram.
fn parties(record: &Record) -> Option<Vec<NodeId>> {
    match &record.what {
        What::Arrived { from, .. } => Some(vec![*from, record.node]),
        What::Lost { to, .. } => Some(vec![record.node, *to]),
        what if is_telling(what) => Some(vec![record.node]),
        _ => None,
    }
}

fn line(record: &Record, stretch: &Stretch, out: &mut String) {
    let at = clock(record.at);
    let _ = match &record.what {
        What::Arrived { from, message, .. } => {
            writeln!(
                out,
                "    n{}{}n{}: {} · {at} s",
                from.0,
                arrow(message),
                record.node.0,
                said(message, stretch.world)
            )
        }
        What::Lost { to, message, why } => {
            writeln!(
                out,
                "    n{}-xn{}: {} · {at} s, lost: {}",
                record.node.0,
                to.0,
                said(message, stretch.world),
                plain(why.word())
            )
        }
        _ => writeln!(out, "    Note over n{}: {} · {at} s", record.node.0, plain(&sentence(record, stretch.world))),
    };
}

/// A request is a whole line, an answer a dashed one, a heartbeat has an open head.
fn arrow(message: &Message) -> &'static str {
    match message.form() {
        Form::Request => "->>",
        Form::Reply | Form::Accept | Form::Refuse => "-->>",
        Form::Beat => "-)",
    }
}

fn said(message: &Message, world: &World) -> String {
    let summary = world.named(&message.summary());
    match summary.is_empty() {
        true => plain(message.name()),
        false => plain(&format!("{} {summary}", message.name())),
    }
}

/// What means something to Mermaid is written by its number.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for char in text.chars().take(120) {
        match char {
            '#' | ';' | ':' | '<' | '>' | '%' | '{' | '}' => {
                let _ = write!(out, "#{};", char as u32);
            }
            char if char.is_control() => out.push(' '),
            char => out.push(char),
        }
    }
    out
}
