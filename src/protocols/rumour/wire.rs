//! What sites that keep copies of a database say to one another, and what they tell of themselves.

use std::rc::Rc;

use crate::protocols::{Family, Form, Wire};
use crate::sim::{NodeId, Time};

/// When an entry was made, and by whom: no two are alike, and of two entries under a key the later one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Stamp {
    /// When, by the clock of the site where it was made.
    pub at: Time,
    /// That site.
    pub by: NodeId,
}

/// What a database has under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The key.
    pub key: u32,
    /// When it was made, and by whom.
    pub stamp: Stamp,
    /// The value; nothing where it was deleted, which makes this a death certificate.
    pub value: Option<u32>,
    /// How many sites it has come through.
    pub hops: u32,
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Entry { key, stamp, .. } = self;
        let (seconds, millis) = (stamp.at.0 / 1_000_000, stamp.at.0 / 1_000 % 1_000);
        match self.value {
            Some(value) => write!(f, "item {key} = {value} ({}, {seconds}.{millis:03} s)", stamp.by),
            None => write!(f, "death certificate of item {key} ({}, {seconds}.{millis:03} s)", stamp.by),
        }
    }
}

/// What sites say to one another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Have you heard?
    Rumour {
        /// The sender's rumours: what is on its infective list.
        entries: Rc<[Entry]>,
    },
    /// What have you heard?
    Question,
    /// I knew that: the contact was unnecessary.
    Known {
        /// Under which keys.
        keys: Rc<[u32]>,
    },
    /// Anti-entropy: this is all that I have.
    Difference {
        /// Keys and stamps.
        stamps: Rc<[(u32, Stamp)]>,
        /// Whether the other is to show what it has, if it lacks anything of this.
        both: bool,
    },
    /// Anti-entropy: this is what you lack.
    Repair {
        /// Entries that are newer than those of the one who showed what it has.
        entries: Rc<[Entry]>,
    },
}

/// Keys, for people.
fn keys(keys: impl Iterator<Item = u32>) -> String {
    keys.map(|key| key.to_string()).collect::<Vec<_>>().join(" ")
}

/// Entries, for people.
fn list(entries: &[Entry]) -> String {
    entries.iter().map(Entry::to_string).collect::<Vec<_>>().join(", ")
}

impl Wire for Message {
    const FAMILY: Family = Family::Control;
    fn name(&self) -> &'static str {
        match self {
            Message::Rumour { .. } => "Rumour",
            Message::Question => "Question",
            Message::Known { .. } => "Known",
            Message::Difference { .. } => "Difference",
            Message::Repair { .. } => "Repair",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Rumour { .. } | Message::Repair { .. } => Form::Beat,
            Message::Question | Message::Difference { .. } => Form::Request,
            Message::Known { .. } => Form::Refuse,
        }
    }
    fn bytes(&self) -> u32 {
        let rows = match self {
            Message::Rumour { entries } | Message::Repair { entries } => 24 * entries.len(),
            Message::Known { keys } => 4 * keys.len(),
            Message::Difference { stamps, .. } => 16 * stamps.len(),
            Message::Question => 0,
        };
        40 + rows as u32
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Message::Rumour { entries } | Message::Repair { entries } => {
                let hops = entries.iter().map(|entry| entry.hops).max().unwrap_or(0);
                vec![("says", list(entries)), ("hops", hops.to_string())]
            }
            Message::Question => Vec::new(),
            Message::Known { keys: known } => vec![("items", keys(known.iter().copied()))],
            Message::Difference { stamps, .. } => vec![("has", keys(stamps.iter().map(|(key, _)| *key)))],
        }
    }
    fn summary(&self) -> String {
        match self {
            Message::Rumour { entries } | Message::Repair { entries } => list(entries),
            Message::Question => String::new(),
            Message::Known { keys: known } => format!("items {}", keys(known.iter().copied())),
            Message::Difference { stamps, .. } if stamps.is_empty() => "has nothing".to_owned(),
            Message::Difference { stamps, .. } => format!("has {}", keys(stamps.iter().map(|(key, _)| *key))),
        }
    }
}

/// What a site tells of itself, for checks and the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// An entry was made here, and is as safe as this site keeps things.
    Published(Entry),
    /// It has heard something new.
    Learnt {
        /// What.
        entry: Entry,
        /// From whom.
        from: NodeId,
    },
    /// It has lost interest in telling this.
    Removed {
        /// Under which key.
        key: u32,
    },
    /// A death certificate was thrown away.
    Discarded {
        /// Whose.
        key: u32,
    },
    /// It starts with these on its disk.
    Found(Rc<[Entry]>),
}

impl Told {
    /// Its name in conditions.
    pub fn name(&self) -> &'static str {
        match self {
            Told::Published(Entry { value: Some(_), .. }) => "published",
            Told::Published(_) => "deleted",
            Told::Learnt { .. } => "learnt",
            Told::Removed { .. } => "lost-interest",
            Told::Discarded { .. } => "discarded",
            Told::Found(_) => "found",
        }
    }

    /// What the site does by it.
    pub fn sentence(&self) -> String {
        match self {
            Told::Published(entry) => format!("publishes {entry}"),
            Told::Learnt { entry, from } => format!("hears of {from}: {entry}"),
            Told::Removed { key } => format!("loses interest in item {key}"),
            Told::Discarded { key } => format!("throws the death certificate of item {key} away"),
            Told::Found(entries) => format!("finds on its disk: {}", list(entries)),
        }
    }
}
