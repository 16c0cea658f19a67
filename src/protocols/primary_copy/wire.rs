//! What servers say to one another and to the manager of their views.

use std::rc::Rc;

use crate::protocols::{Family, Form, Wire};
use crate::sim::{Micros, Time};

use super::{Entry, State, View};

/// What a server says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Report {
    /// The last view in which it took part with everything on its disk.
    pub held: u64,
    /// The position of the last write on its disk.
    pub position: u64,
    /// When it booted: what tells this life from an earlier one.
    pub life: Time,
    /// It takes nothing any more of views below this one.
    pub sealed: u64,
    /// As a primary: the view in which enough backups have everything; 0 otherwise.
    pub active: u64,
    /// When it was sent, by its own clock.
    pub sent: Time,
}

/// Between servers, and with the manager.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// From the primary to a backup: write this.
    Forward {
        /// The number of the view.
        view: u64,
        /// What, and where.
        entry: Entry,
    },
    /// From the backup: everything up to here is on my disk.
    Forwarded {
        /// The number of the view.
        view: u64,
        /// The last position.
        position: u64,
    },
    /// From the primary to a backup in a new view: everything.
    Transfer {
        /// The view.
        view: View,
        /// Everything.
        state: Rc<State>,
    },
    /// From the backup: I have everything, on my disk.
    Transferred {
        /// The number of the view.
        view: u64,
        /// The last position.
        position: u64,
    },
    /// From a server that knows a newer view: you are not my primary.
    Stale {
        /// The number of that view.
        view: u64,
    },
    /// To the manager, again and again: I am alive.
    Report(Report),
    /// From the manager: this is the view.
    Appoint {
        /// The view.
        view: View,
        /// Whether its primary may answer.
        confirmed: bool,
        /// The instant of the report that this answers.
        sent: Time,
        /// How long after that the primary may answer without hearing more.
        lease: Micros,
    },
    /// From the manager: take nothing more of earlier views.
    Seal {
        /// The number of the view to come.
        number: u64,
    },
}

impl std::fmt::Display for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "view {}: primary {}, backups", self.number, self.primary)?;
        self.backups.iter().try_for_each(|backup| write!(f, " {backup}"))?;
        if self.backups.is_empty() { f.write_str(" none") } else { Ok(()) }
    }
}

impl Wire for Message {
    const FAMILY: Family = Family::Storage;
    fn name(&self) -> &'static str {
        match self {
            Message::Forward { .. } => "Forward",
            Message::Forwarded { .. } => "Forwarded",
            Message::Transfer { .. } => "Transfer",
            Message::Transferred { .. } => "Transferred",
            Message::Stale { .. } => "Stale",
            Message::Report(_) => "Report",
            Message::Appoint { .. } => "Appoint",
            Message::Seal { .. } => "Seal",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Forward { .. } | Message::Transfer { .. } => Form::Request,
            Message::Forwarded { .. } | Message::Transferred { .. } => Form::Accept,
            Message::Stale { .. } | Message::Seal { .. } => Form::Refuse,
            Message::Report(_) | Message::Appoint { .. } => Form::Beat,
        }
    }
    fn bytes(&self) -> u32 {
        match self {
            Message::Forward { .. } => 64,
            Message::Transfer { state, .. } => 64 + 28 * (state.held.len() + state.asked.len()) as u32,
            Message::Report(_) | Message::Appoint { .. } => 48,
            _ => 24,
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        let number = |name, number: u64| (name, number.to_string());
        match self {
            Message::Forward { view, entry } => vec![
                number("view", *view),
                number("position", entry.place.position),
                number("key", u64::from(entry.key)),
                ("value", entry.value.map_or("as it is".to_owned(), |value| value.to_string())),
            ],
            Message::Forwarded { view, position } | Message::Transferred { view, position } => {
                vec![number("view", *view), number("position", *position)]
            }
            Message::Transfer { view, state } => vec![
                number("view", view.number),
                number("position", state.last.position),
                number("keys", state.held.len() as u64),
            ],
            Message::Stale { view } | Message::Seal { number: view } => vec![number("view", *view)],
            Message::Report(report) => vec![
                number("view on disk", report.held),
                number("position", report.position),
                number("sealed for", report.sealed),
            ],
            Message::Appoint { view, confirmed, .. } => vec![
                number("view", view.number),
                ("primary", view.primary.to_string()),
                ("serves", if *confirmed { "yes" } else { "not yet" }.to_owned()),
            ],
        }
    }
}
