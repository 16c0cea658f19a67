//! THE LINKED VIEWS: other ways to look at the same run, as display lists, drawn by the same painters as the stage.
//!
//! A pure function of the records, the world and the way one looks; what is selected or pointed at is the same
//! [`Target`](crate::scene::Target) on the stage and here.

mod axis;
mod space_time;

pub use axis::Axis;
pub use space_time::{Look, MAX_RECORDS, Sight, build as space_time, led};

/// The views beside the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A lifeline a component, a line a message.
    SpaceTime,
    /// What happened, in words.
    Log,
}

impl Kind {
    /// All of them, with the name that stands on the page and the one that stands in the document's own structure.
    pub const ALL: [(Kind, &'static str, &'static str); 2] =
        [(Kind::SpaceTime, "Space–time", "space-time"), (Kind::Log, "Log", "log")];

    /// Its name on the page.
    pub fn title(self) -> &'static str {
        Kind::ALL.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, title, _)| title)
    }

    /// Its name in the page's structure.
    pub fn name(self) -> &'static str {
        Kind::ALL.iter().find(|(kind, ..)| *kind == self).map_or("", |(.., name)| name)
    }
}
