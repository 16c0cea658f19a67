//! THE LINKED VIEWS: other ways to look at the same run, as display lists, drawn by the same painters as the stage.
//!
//! A pure function of the records, the world and the way one looks; what is selected or pointed at is the same
//! [`Target`](crate::scene::Target) on the stage and here.

mod axis;
mod charts;
mod kin;
pub mod requests;
mod space_time;
mod waterfall;

pub use axis::Axis;
pub use charts::{Chart, ChartSight, Line, MAX_POINTS, Plot, Spread, build as charts};
pub use kin::led;
pub use space_time::{Look, MAX_RECORDS, Sight, build as space_time};
pub use waterfall::{MAX_TRACED, PITCH, TraceLook, TraceSight, Traced, build as waterfall, length};

use crate::scene::{Anchor, Ink, Point, Text};

/// A text that begins at a place.
fn text(at: Point, text: String, size: f32, ink: Ink) -> Text {
    Text { at, text, size, weight: 400, ink, alpha: 255, anchor: Anchor::Start, halo: false }
}

/// A small one.
fn small(at: Point, text: String, ink: Ink, anchor: Anchor) -> Text {
    Text { anchor, ..self::text(at, text, 10.0, ink) }
}

/// The views beside the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A lifeline a component, a line a message.
    SpaceTime,
    /// What happened, in words.
    Log,
    /// One request: a row a message, below the one that it came of.
    Trace,
    /// What is measured, over time and as a distribution.
    Charts,
}

impl Kind {
    /// All of them, with the name that stands on the page and the one that stands in the document's own structure.
    pub const ALL: [(Kind, &'static str, &'static str); 4] = [
        (Kind::SpaceTime, "Space–time", "space-time"),
        (Kind::Log, "Log", "log"),
        (Kind::Trace, "Trace", "trace"),
        (Kind::Charts, "Charts", "charts"),
    ];

    /// Its name on the page.
    pub fn title(self) -> &'static str {
        Kind::ALL.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, title, _)| title)
    }

    /// Its name in the page's structure.
    pub fn name(self) -> &'static str {
        Kind::ALL.iter().find(|(kind, ..)| *kind == self).map_or("", |(.., name)| name)
    }
}
