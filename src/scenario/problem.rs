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
    /// A problem at a place. Both may repeat what a stranger wrote: they are kept short, and all of them can be seen.
    pub fn new(at: impl AsRef<str>, told: impl AsRef<str>) -> Problem {
        Problem { at: clipped(at.as_ref(), 160), told: clipped(told.as_ref(), 700) }
    }

    /// A name at `at` that nothing has: says which there are, and which was probably meant.
    pub fn unknown<'a>(at: impl AsRef<str>, what: &str, found: &str, names: impl Iterator<Item = &'a str>) -> Problem {
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
        let known = if hint.is_empty() { format!("; {known}") } else { format!(" {}", known.replacen('t', "T", 1)) };
        Problem::new(at, format!("there is no {what} \"{}\"{hint}{known}", short(found)))
    }

    /// What the reader of JSON or TOML said, made helpful: serde names the expected fields, and this the nearest one.
    pub(crate) fn from_serde(path: &str, message: &str) -> Problem {
        let at = if path == "." { "" } else { path };
        for (start, what) in [("unknown field `", "field"), ("unknown variant `", "word")] {
            let Some(rest) = message.strip_prefix(start).or_else(|| message.split_once(start).map(|(_, rest)| rest))
            else {
                continue;
            };
            // The name is a stranger's and may have anything in it, the end of the sentence too.
            let Some((found, rest)) = rest.rsplit_once("`, expected ").or_else(|| rest.rsplit_once("`, there are "))
            else {
                continue;
            };
            let names: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
            let place = at.strip_suffix(found).map_or(at, |place| place.trim_end_matches('.'));
            return Problem::unknown(place, what, found, names.into_iter());
        }
        // The TOML reader has words of its own for fields of what is one of several things.
        if let Some(rest) = message.strip_prefix("unexpected keys in table: ")
            && let Some((found, names)) = rest.rsplit_once(", available keys: ")
        {
            return Problem::unknown(at, "field", found, names.split(", "));
        }
        if message.contains("untagged enum Value") {
            return Problem::new(at, "expected a number, a text such as \"40ms\", true or false");
        }
        let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
        Problem::new(at, message)
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
    clipped(text, 60)
}

/// A text of up to so many characters, all of which can be seen.
fn clipped(text: &str, most: usize) -> String {
    let mut seen = text.chars().map(|c| match c {
        '\n' | '\t' => ' ',
        c if hidden(c) => '\u{fffd}',
        c => c,
    });
    let mut clipped: String = seen.by_ref().take(most).collect();
    if seen.next().is_some() {
        clipped.push('…');
    }
    clipped
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at.is_empty() { f.write_str(&self.told) } else { write!(f, "{}: {}", self.at, self.told) }
    }
}

impl std::error::Error for Problem {}
