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
    pub fn unknown<'a>(
        at: impl AsRef<str>,
        what: &str,
        found: &str,
        mut names: impl Iterator<Item = &'a str>,
    ) -> Problem {
        Problem::no_such(at.as_ref(), what, found, &mut names)
    }

    fn no_such(at: &str, what: &str, found: &str, names: &mut dyn Iterator<Item = &str>) -> Problem {
        let mut names: Vec<&str> = names.collect();
        names.dedup();
        let hint = nearest_hint(found, names.iter().copied());
        let mut told = format!("there is no {what} \"{}\"{hint}", short(found));
        told.push_str(match (names.is_empty(), hint.is_empty()) {
            (true, _) => "; there is none",
            (_, true) => "; there is ",
            _ => " There is ",
        });
        // As many as a sentence holds: all words of conditions, but not every node of a crowd.
        let mut room = 480usize;
        for (place, name) in names.iter().enumerate() {
            room = room.saturating_sub(name.len() + 2);
            told.push_str(if place > 0 { ", " } else { "" });
            told.push_str(if room > 0 { name } else { "…" });
            if room == 0 {
                break;
            }
        }
        Problem::new(at, told)
    }
}

/// Whether a character is invisible, or turns the direction of the text around it: none that a document or a link from
/// a stranger may bring onto the page. The joiners, of which families of faces and some scripts are made, are none.
pub fn hidden(c: char) -> bool {
    let marks = matches!(c, '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}');
    let ranges = matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}');
    c.is_control() || marks || ranges || matches!(c, '\u{e0000}'..='\u{e007f}')
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
