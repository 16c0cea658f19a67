//! The log as lines: the few that tell the story, beside the stage, and all of them, filtered, in a view of their own.

use crate::components::{Record, What};
use crate::protocols::Family;
use crate::scene::{Target, sign};
use crate::sim::{NodeId, RecordId, Time, clock};
use crate::trace::{is_routine, sentence};

use super::Player;

/// A line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// The record.
    pub record: RecordId,
    /// When, for people.
    pub at: String,
    /// The instant.
    pub time: Time,
    /// What happened.
    pub text: String,
    /// Whether something broke or was lost.
    pub warn: bool,
    /// Whether it says that a promise was broken, which is no record of its own.
    pub broken: bool,
}

/// What the log's view shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogFilter {
    /// Which kind of lines.
    pub sort: Sort,
    /// Lines of this component only, by its name.
    pub node: Option<String>,
    /// What must stand in a line; between two slashes, a regular expression.
    pub text: String,
    /// The last record that is shown: the log does not go on.
    pub until: Option<RecordId>,
}

/// A kind of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// What tells the story.
    #[default]
    Telling,
    /// Messages: sent, arrived, lost.
    Messages,
    /// What was lost, with its reason.
    Losses,
    /// What broke and came back.
    Faults,
    /// What components observe about themselves.
    Facts,
    /// Everything.
    All,
}

impl Sort {
    /// All of them with their names, for a list.
    pub const ALL: [(Sort, &'static str); 6] = [
        (Sort::Telling, "the story"),
        (Sort::Messages, "messages"),
        (Sort::Losses, "losses"),
        (Sort::Faults, "faults"),
        (Sort::Facts, "facts"),
        (Sort::All, "everything"),
    ];

    fn takes(self, what: &What) -> bool {
        match self {
            Sort::All => true,
            Sort::Telling => wanted(what, false),
            Sort::Messages => is_message(what),
            Sort::Losses => matches!(what, What::Lost { .. }),
            Sort::Facts => matches!(what, What::Fact(_) | What::Note(_)),
            Sort::Faults => !is_message(what) && !is_routine(what) && !matches!(what, What::Fact(_) | What::Note(_)),
        }
    }
}

/// A line of the log's view.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRow {
    /// The record.
    pub record: RecordId,
    /// The instant.
    pub time: Time,
    /// The component's name.
    pub node: String,
    /// What the component is about.
    pub family: Family,
    /// What happened, with the component's name.
    pub text: String,
    /// Whether something broke or was lost.
    pub warn: bool,
    /// What it is about, to be selected: the message, or else the component.
    pub target: Target,
}

/// The last lines that a filter lets through, newest first, `most` at most. `fits` says whether a line's words do.
pub fn log_rows(player: &Player, filter: &LogFilter, fits: &dyn Fn(&str) -> bool, most: usize) -> Vec<LogRow> {
    let world = &player.timeline().run().world;
    let only = filter.node.as_ref().map(|name| world.find(name));
    let mut rows = Vec::new();
    for record in player.timeline().log().iter().rev() {
        let here = only.is_none_or(|only| only.is_some_and(|id| concerns(record, id)));
        if !here || !filter.sort.takes(&record.what) || filter.until.is_some_and(|until| record.id > until) {
            continue;
        }
        let text = sentence(record, world);
        if !fits(&text) {
            continue;
        }
        rows.push(LogRow {
            record: record.id,
            time: record.at,
            node: world.name(record.node).to_owned(),
            family: sign(world.node(record.node).map_or("", |node| node.kind)).1,
            text,
            warn: warns(&record.what),
            target: target(record),
        });
        if rows.len() >= most {
            break;
        }
    }
    rows
}

impl LogRow {
    /// What happened, where the component's name stands before it already.
    pub fn rest(&self) -> &str {
        let rest = self.text.strip_prefix(&self.node).map(|rest| rest.strip_prefix(':').unwrap_or(rest));
        rest.and_then(|rest| rest.strip_prefix(' ')).unwrap_or(&self.text)
    }
}

/// What a record is about.
fn target(record: &Record) -> Target {
    match &record.what {
        What::Sent { .. } | What::Duplicated { .. } => Target::Flight(record.id),
        What::Arrived { .. } | What::Lost { .. } | What::Hurried { .. } | What::Delayed { .. } => {
            Target::Flight(record.cause)
        }
        _ => Target::Node(record.node),
    }
}

fn is_message(what: &What) -> bool {
    what.leaving().is_some()
        || matches!(what, What::Arrived { .. } | What::Lost { .. } | What::Hurried { .. } | What::Delayed { .. })
}

/// The last lines of the log, newest first: what broke, was noticed and done; with `all`, every message as well; of
/// one node when one is selected.
pub fn log_lines(player: &Player, all: bool, most: usize) -> Vec<LogLine> {
    let world = &player.timeline().run().world;
    let only = match player.view().selected {
        Some(Target::Node(id)) => Some(id),
        _ => None,
    };
    let telling = |what: &What| wanted(what, all || only.is_some());
    // That everything is placed and up at the start is no news.
    let news = |record: &Record| record.at > Time(1_000) || all;
    let told = |record: &&Record| news(record) && telling(&record.what) && only.is_none_or(|id| concerns(record, id));
    let records = player.timeline().log().iter().rev().filter(told);
    let mut lines: Vec<LogLine> = records
        .take(most)
        .map(|record| LogLine {
            record: record.id,
            at: clock(record.at),
            time: record.at,
            text: sentence(record, world),
            warn: warns(&record.what),
            broken: false,
        })
        .collect();
    for broken in player.timeline().run().violations().iter() {
        let line = LogLine {
            record: broken.record,
            at: clock(broken.at),
            time: broken.at,
            text: format!("✗ {}", broken.told),
            warn: true,
            broken: true,
        };
        let place = lines.iter().position(|line| line.record <= broken.record).unwrap_or(lines.len());
        if place < most {
            lines.insert(place, line);
        }
    }
    lines
}

/// Whether a node has to do with a record.
fn concerns(record: &Record, id: NodeId) -> bool {
    let other = match &record.what {
        What::Sent { to, .. } | What::Duplicated { to, .. } | What::Lost { to, .. } => Some(*to),
        What::Arrived { from, .. } => Some(*from),
        _ => None,
    };
    record.node == id || other == Some(id)
}

/// Whether a record is part of the story; with `all`, every message and every fact is.
fn wanted(what: &What, all: bool) -> bool {
    match what {
        What::Sent { .. } | What::Duplicated { .. } | What::Arrived { .. } => all,
        What::Fact(fact) => all || matches!(fact.name(), "suspected" | "replacing"),
        // Heartbeats that nobody answers would bury what comes of them.
        What::Lost { message, .. } if message.family() == Family::Control => all,
        _ => !is_routine(what),
    }
}

fn warns(what: &What) -> bool {
    match what {
        What::Lost { .. } | What::Crashed { .. } | What::Cut { .. } => true,
        What::Unwritten { .. } | What::Unsynced { .. } | What::Spoilt { .. } => true,
        What::Changed(change) => change.is_fault(),
        _ => false,
    }
}
