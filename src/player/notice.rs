//! What is said to the person.

use super::Player;

/// How many notices are kept.
const MAX_NOTICES: usize = 4;
/// How long a quiet notice stays while the run goes on, in seconds: long enough to be read twice.
const NOTICE_SHOWN: f64 = 12.0;

/// How a notice is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// For information.
    Quiet,
    /// It went well.
    Good,
    /// Something cannot be done, or is broken.
    Warn,
}

/// Something said to the person.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Names it.
    pub id: u64,
    /// How it is meant.
    pub tone: Tone,
    /// What.
    pub told: String,
    /// The broken promise that it tells of, by its place among all that were.
    pub leads: Option<usize>,
    /// How long it stays, in seconds of a run that goes on; for ever, what one has to know of.
    pub(super) left: f64,
}

impl Player {
    pub(super) fn tell(&mut self, tone: Tone, told: String) {
        if self.notices.last().is_some_and(|last| last.told == told) {
            return;
        }
        let left = if tone == Tone::Warn { f64::INFINITY } else { NOTICE_SHOWN };
        self.notices.push(Notice { id: self.next_notice, tone, told, leads: None, left });
        self.next_notice += 1;
        if self.notices.len() > MAX_NOTICES {
            self.notices.remove(0);
        }
    }
}

/// A refusal as a sentence of its own.
pub(super) fn sentence_case(told: &str) -> String {
    let mut chars = told.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase().to_string()).unwrap_or_default();
    let end = if told.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}
