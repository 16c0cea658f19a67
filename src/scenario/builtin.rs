//! The built-in documents: every file in static/scenarios, compiled in by the build script.

use super::{Document, Problem};

/// Name and JSON of each, ascending by name.
static SCENARIOS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/scenarios.rs"));

/// The names of the built-in documents, ascending.
pub fn builtins() -> impl Iterator<Item = &'static str> + Clone {
    SCENARIOS.iter().map(|(name, _)| *name)
}

/// A built-in document.
///
/// # Errors
/// For a name that is not there, the nearest one.
pub fn builtin(name: &str) -> Result<Document, Problem> {
    let found = SCENARIOS.iter().find(|(known, _)| *known == name);
    let (_, json) = found.ok_or_else(|| Problem::unknown("", "built-in scenario", name, builtins()))?;
    Document::from_own(json)
}
