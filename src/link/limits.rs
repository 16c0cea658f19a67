//! What a link may say: documents that can run, no more than the limits, one thing selected, texts that show what they are.

use crate::scenario::{Act, Document, hidden};
use crate::sim::{LONGEST, Value, nearest_hint};
use crate::timeline::{MAX_ACTS, Stamped};

use super::{Fault, LinkError, MAX_MOVED, MAX_SETTINGS, MAX_VIEWS, MAX_WORD, Parts, VIEWS, clean};

pub(super) fn check_document(document: &Document, name: &str) -> Result<(), LinkError> {
    let problems = document.problems();
    if let Some(first) = problems.first() {
        let more = match problems.len() {
            1 => String::new(),
            n => format!(" ({} more)", n - 1),
        };
        return Err(LinkError::new(
            Fault::Document,
            format!("The scenario in this link has a problem: {first}{more}."),
        ));
    }
    if document.name != name {
        let told = format!("This link says that it is of \"{name}\", but the scenario in it is \"{}\".", document.name);
        return Err(LinkError::new(Fault::Document, told));
    }
    Ok(())
}

pub(super) fn check_limits(parts: &Parts) -> Result<(), LinkError> {
    let limit = |told: String| Err(LinkError::new(Fault::Limit, told));
    let counts = [
        ("acts", parts.acts.len(), MAX_ACTS),
        ("settings", parts.with.len(), MAX_SETTINGS),
        ("moved components", parts.moved.len(), MAX_MOVED),
    ];
    for (what, count, most) in counts {
        if count > most {
            return limit(format!("This link has {count} {what}; {most} is the limit."));
        }
    }
    let mut before = 0;
    for Stamped { at, act } in &parts.acts {
        if at.0 < before {
            let told =
                format!("The acts in this link must stand in the order of their times: \"{}\"", clean(&act.words()));
            return limit(format!("{told} is earlier than the one before it."));
        }
        before = at.0;
        texts(act).into_iter().try_for_each(check_text)?;
    }
    let ends = [before, parts.cursor.map_or(0, |cursor| cursor.at.0)];
    if ends.into_iter().any(|at| at > LONGEST.0) {
        return limit("This link goes further than 744 hours into the run, which is the limit.".to_owned());
    }
    for (name, value) in &parts.with {
        check_text(name)?;
        if let Value::Text(text) = value {
            check_text(text)?;
        }
    }
    let linked = parts.between.iter().flat_map(|(from, to)| [from, to]);
    parts.moved.keys().chain(&parts.selection).chain(linked).try_for_each(|text| check_text(text))?;
    check_views(parts)?;
    if parts.speed.is_some_and(|speed| !(0.001..=100.0).contains(&speed)) {
        return limit("The speed in this link must be from 0.001 to 100.".to_owned());
    }
    Ok(())
}

fn check_views(parts: &Parts) -> Result<(), LinkError> {
    if [parts.selection.is_some(), parts.between.is_some(), parts.message.is_some()].iter().filter(|is| **is).count()
        > 1
    {
        return Err(LinkError::new(Fault::Word, "This link selects more than one thing; one is the limit."));
    }
    if parts.views.len() > MAX_VIEWS {
        let told = format!("This link opens {} views beside the stage; {MAX_VIEWS} is the limit.", parts.views.len());
        return Err(LinkError::new(Fault::Limit, told));
    }
    if parts.views.len() == MAX_VIEWS && parts.views[0] == parts.views[1] {
        let told = format!("This link opens the view \"{}\" twice; once is enough.", clean(&parts.views[0]));
        return Err(LinkError::new(Fault::Word, told));
    }
    match parts.views.iter().find(|view| !VIEWS.contains(&view.as_str())) {
        Some(view) => {
            let hint = nearest_hint(view, VIEWS.iter().copied());
            let told = format!("This link opens a view that is not there, \"{}\"{hint}", clean(view));
            Err(LinkError::new(Fault::Word, format!("{told} There are {}.", VIEWS.join(", "))))
        }
        None => Ok(()),
    }
}

/// Names and values come to stand on the page of someone who did not write them: no control characters, and nothing
/// that turns the direction of the text around them.
fn check_text(text: &str) -> Result<(), LinkError> {
    if text.chars().count() > MAX_WORD {
        let told = format!("A name or value in this link is longer than {MAX_WORD} characters, which is the limit.");
        return Err(LinkError::new(Fault::Limit, told));
    }
    match text.chars().find(|c| hidden(*c)) {
        Some(c) => {
            let told = format!("A name or value in this link has an invisible character in it (U+{:04X}).", c as u32);
            Err(LinkError::new(Fault::Word, told))
        }
        None => Ok(()),
    }
}

/// Every text of an act that someone else may have written.
fn texts(act: &Act) -> Vec<&str> {
    match act {
        Act::Add { what, name } => [Some(what), name.as_ref()].into_iter().flatten().map(String::as_str).collect(),
        Act::Remove { node }
        | Act::Kill { node, .. }
        | Act::Restart { node }
        | Act::Pause { node }
        | Act::Resume { node }
        | Act::Slow { node, .. }
        | Act::Clock { node, .. }
        | Act::Disk { node, .. }
        | Act::Lie { node, .. }
        | Act::Cores { node, .. }
        | Act::Isolate { node }
        | Act::Rejoin { node } => vec![node],
        Act::Partition { sides } => sides.iter().flatten().map(String::as_str).collect(),
        Act::Wire { between: (a, b) }
        | Act::Unwire { between: (a, b) }
        | Act::Cut { between: (a, b), .. }
        | Act::Heal { between: (a, b), .. }
        | Act::Hold { between: (a, b), .. }
        | Act::Release { between: (a, b), .. }
        | Act::Link { between: (a, b), .. } => vec![a, b],
        Act::HealAll {} => Vec::new(),
        Act::Drop { .. } | Act::Hurry { .. } | Act::Delay { .. } | Act::Duplicate { .. } => Vec::new(),
        Act::Set { node, field, value } => vec![node, field, text_of(value)],
        Act::Dial { dial, value } => vec![dial, text_of(value)],
    }
}

fn text_of(value: &Value) -> &str {
    if let Value::Text(text) = value { text } else { "" }
}
