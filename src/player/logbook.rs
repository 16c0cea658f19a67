//! The log as lines: the few that tell the story, beside the stage, and all of them, filtered, in a view of their own.

use crate::components::{Record, What};
use crate::protocols::Family;
use crate::scene::{Target, sign};
use crate::sim::{NodeId, RecordId, Time, clock};
use crate::trace::{is_routine, is_telling, sentence};

use super::Player;

/// How many lines are shown of what comes after the cursor.
const MAX_AHEAD: usize = 3;

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
    /// Whether it comes after the cursor: one has gone back.
    pub ahead: bool,
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

    /// Whether all such lines stand in the story, which goes back further than the log.
    pub fn is_story(self) -> bool {
        matches!(self, Sort::Telling | Sort::Faults)
    }

    fn takes(self, what: &What) -> bool {
        match self {
            Sort::All => true,
            Sort::Telling => is_telling(what),
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
    /// Whether it comes after the cursor: one has gone back.
    pub ahead: bool,
    /// What it is about, to be selected: the message, or else the component.
    pub target: Target,
}

/// The last lines that a filter lets through, newest first, `most` at most. `fits` says whether a line's words do. The story
/// is told from the beginning on, with a little of what comes after the cursor where that is known; the rest as far back as
/// the log goes.
pub fn log_rows(player: &Player, filter: &LogFilter, fits: &dyn Fn(&str) -> bool, most: usize) -> Vec<LogRow> {
    let world = &player.timeline().run().world;
    let only = filter.node.as_ref().map(|name| world.find(name));
    let now = world.last_record();
    let row = |record: &Record| {
        let here = only.is_none_or(|only| only.is_some_and(|id| concerns(record, id)));
        if !here || !filter.sort.takes(&record.what) || filter.until.is_some_and(|until| record.id > until) {
            return None;
        }
        let text = sentence(record, world);
        fits(&text).then(|| LogRow {
            record: record.id,
            time: record.at,
            node: world.name(record.node).to_owned(),
            family: sign(world.node(record.node).map_or("", |node| node.kind)).1,
            text,
            warn: warns(&record.what),
            ahead: record.id > now,
            target: target(record),
        })
    };
    if !filter.sort.is_story() {
        return player.timeline().log().iter().rev().filter_map(row).take(most).collect();
    }
    let (past, ahead) = story(player);
    let mut rows: Vec<LogRow> = ahead.iter().filter_map(row).take(MAX_AHEAD).collect();
    rows.reverse();
    rows.extend(past.iter().rev().filter_map(row).take(most));
    rows
}

/// The story up to the cursor, and what is known of it after that.
fn story(player: &Player) -> (&[Record], &[Record]) {
    let (story, now) = (player.timeline().tape().story().records(), player.timeline().run().world.last_record());
    story.split_at(story.partition_point(|record| record.id <= now))
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
    let line = |record: &Record| LogLine {
        record: record.id,
        at: clock(record.at),
        time: record.at,
        text: sentence(record, world),
        warn: warns(&record.what),
        broken: false,
        ahead: record.id > world.last_record(),
    };
    let mut lines: Vec<LogLine> = if all || only.is_some() {
        let here = |record: &&Record| !is_routine(&record.what) && only.is_none_or(|id| concerns(record, id));
        player.timeline().log().iter().rev().filter(here).take(most).map(line).collect()
    } else {
        let (past, ahead) = story(player);
        let ahead = ahead.iter().take(MAX_AHEAD).rev();
        ahead.chain(past.iter().rev()).take(most).map(line).collect()
    };
    for broken in player.timeline().run().violations().iter() {
        let line = LogLine {
            record: broken.record,
            at: clock(broken.at),
            time: broken.at,
            text: format!("✗ {}", broken.told),
            warn: true,
            broken: true,
            ahead: false,
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

fn warns(what: &What) -> bool {
    match what {
        What::Lost { .. } | What::Crashed { .. } | What::Cut { .. } => true,
        What::Unwritten { .. } | What::Unsynced { .. } | What::Spoilt { .. } => true,
        What::Changed(change) => change.is_fault(),
        _ => false,
    }
}
