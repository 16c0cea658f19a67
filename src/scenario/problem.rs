//! What is wrong with a document, where, and what to do about it.

use std::fmt;

use crate::sim::nearest_hint;

/// One thing that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The place, as in `groups[1].config.heartbeat`; empty for the whole.
    pub at: String,
    /// What is wrong, what was expected, and the nearest right name where one was misspelt.
    pub told: String,
}

impl Problem {
    /// A problem at a place.
    pub fn new(at: impl Into<String>, told: impl Into<String>) -> Problem {
        Problem { at: at.into(), told: told.into() }
    }

    /// A name at `at` that nothing has: says which there are, and which was probably meant.
    pub fn unknown<'a>(
        at: impl Into<String>,
        what: &str,
        found: &str,
        names: impl Iterator<Item = &'a str>,
    ) -> Problem {
        let mut names: Vec<&str> = names.collect();
        names.dedup();
        let hint = nearest_hint(found, names.iter().copied());
        // As many as one reads, and no more than a sentence holds.
        let mut room = 300usize;
        let shown = names.iter().take(24).take_while(|name| {
            room = room.saturating_sub(name.len() + 2);
            room > 0
        });
        let shown = shown.count();
        let more = if names.len() > shown { ", …" } else { "" };
        names.truncate(shown);
        let known =
            if names.is_empty() { "there is none".to_owned() } else { format!("there is {}{more}", names.join(", ")) };
        Problem::new(at, format!("there is no {what} \"{}\"{hint}; {known}", short(found)))
    }

    /// What the reader of JSON or TOML said, made helpful: serde names the expected fields, and this the nearest one.
    pub(crate) fn from_serde(path: &str, message: &str) -> Problem {
        let at = if path == "." { "" } else { path };
        for (start, what) in [("unknown field `", "field"), ("unknown variant `", "word")] {
            let Some(rest) = message.strip_prefix(start).or_else(|| message.split_once(start).map(|(_, rest)| rest))
            else {
                continue;
            };
            let Some((found, rest)) = rest.split_once('`') else { continue };
            let names: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
            let place = at.strip_suffix(found).map_or(at, |place| place.trim_end_matches('.'));
            return Problem::unknown(place, what, found, names.into_iter());
        }
        Problem::new(at, message.split(" at line ").next().unwrap_or(message).to_owned())
    }
}

/// Whether a character is invisible, or turns the direction of the text around it: none that a document or a link from
/// a stranger may bring onto the page.
pub fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}' | '\u{2028}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A text of a stranger, short enough to repeat.
pub(super) fn short(text: &str) -> String {
    if text.chars().count() <= 60 { text.to_owned() } else { text.chars().take(57).chain("…".chars()).collect() }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at.is_empty() { f.write_str(&self.told) } else { write!(f, "{}: {}", self.at, self.told) }
    }
}

impl std::error::Error for Problem {}
