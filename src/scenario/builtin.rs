//! The built-in documents: every file in static/scenarios, compiled in by the build script.
//!
//! The page starts with the names and titles of all and with the [`OPENING`] document. The others stand in one text that
//! comes with the later part of the wasm: tools/split.mjs finds it by marks.

use super::{Document, Problem};
use crate::sim::{marked, marked_len, unmarked};

/// The scenario that a page without a link opens.
pub const OPENING: &str = "chat";

/// A built-in document, as the build script has it.
struct Entry {
    name: &'static str,
    title: &'static str,
    /// Where its JSON stands in [`SHELF`]; the opening one is empty there.
    place: std::ops::Range<usize>,
}

include!(concat!(env!("OUT_DIR"), "/scenarios.rs"));

const TEXT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/shelf.txt"));

/// The documents but the opening one, between the marks by which tools/split.mjs knows what comes later.
static SHELF: [u8; marked_len(TEXT.len())] = marked(TEXT);

/// The names of the built-in documents, ascending.
pub fn builtins() -> impl Iterator<Item = &'static str> + Clone {
    titles().map(|(name, _)| name)
}

/// The names of the built-in documents, ascending, and what they are called.
pub fn titles() -> impl Iterator<Item = (&'static str, &'static str)> + Clone {
    ENTRIES.iter().map(|entry| (entry.name, entry.title))
}

/// Where each stands among its like, in an order in which one may go through them: the systems of the article, its ideas as
/// it has them, and the protocols that both stand on.
pub const SHELVES: [(&str, &[&str]); 8] = [
    ("Systems", &["chat", "chat-pair", "internet", "cloud", "telephone", "cellular", "mmo", "aircraft"]),
    (
        "Ideas",
        &[
            "one-computer",
            "shared-state",
            "concurrency",
            "independent-failures",
            "task-delegation",
            "latency",
            "observability",
            "deployment",
            "scaling",
            "breaking-up-tasks",
            "specialised-parts",
            "the-body",
            "fault-tolerance",
        ],
    ),
    ("Agreement", &["raft", "paxos", "two-phase-commit", "saga", "lease", "election", "generals", "pbft"]),
    ("Time", &["logical-clocks", "clock-synchronisation"]),
    ("Copies", &["primary-backup", "chain-replication", "quorum", "consistent-hashing", "merkle-trees", "crdt"]),
    ("Membership and news", &["detectors", "swim", "gossip"]),
    ("Traffic", &["balancing", "overload", "queue", "log", "cache", "autoscaling"]),
    ("Redundancy", &["voting"]),
];

/// All of them one after another, each with its shelf: the ideas as the article has them, its systems, and what both stand
/// on.
pub fn in_order() -> impl Iterator<Item = (&'static str, &'static str)> + Clone {
    let [systems, ideas, rest @ ..] = &SHELVES;
    [ideas, systems].into_iter().chain(rest).flat_map(|(shelf, names)| names.iter().map(|name| (*shelf, *name)))
}

/// What a built-in document is called.
pub fn title(name: &str) -> &'static str {
    titles().find(|(other, _)| *other == name).map_or("", |(_, title)| title)
}

/// A built-in document.
///
/// # Errors
/// For a name that is not there, the nearest one.
pub fn builtin(name: &str) -> Result<Document, Problem> {
    let found = ENTRIES.iter().find(|entry| entry.name == name);
    let entry = found.ok_or_else(|| Problem::unknown("", "built-in scenario", name, builtins()))?;
    let json = if entry.name == OPENING { OPENING_JSON } else { shelved(entry) };
    Document::from_own(json)
}

/// What stands on the shelf. It comes with the later part of the wasm, which is there before this is called, because this
/// comes with it.
#[inline(never)]
fn shelved(entry: &Entry) -> &'static str {
    // Nothing is known about the shelf when this is compiled, or a piece of it would stay behind.
    let shelf: &'static [u8; marked_len(TEXT.len())] = std::hint::black_box(&SHELF);
    unmarked(shelf).get(entry.place.clone()).and_then(|json| std::str::from_utf8(json).ok()).unwrap_or_default()
}
