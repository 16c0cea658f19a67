//! A run in the formats of other tools: pure functions from records to text. `docs/export.md` says what stands in each.

mod chrome;
mod csv;
mod json;
mod jsonl;
mod mermaid;
mod otlp;
mod shiviz;

pub use chrome::chrome;
pub use csv::{MAX_COLUMNS, csv};
pub use jsonl::jsonl;
pub use mermaid::{MAX_LINES, mermaid};
pub use otlp::{EPOCH, otlp};
pub use shiviz::shiviz;

use crate::components::{Record, World};
use crate::sim::{Micros, Time};

use super::Metrics;
use super::course::Course;
use super::spans::{Span, spans};

/// How long a stretch should reach back before what is asked for: then requests that began a little earlier are whole.
pub const LEAD: Micros = Micros::secs(3);

/// What is exported: records in the order of their numbers, and the run as it was after the last of them.
pub struct Stretch<'a> {
    course: Course<'a>,
    spans: Vec<Span>,
    /// The world after the last record.
    world: &'a World,
    /// The metrics up to there.
    metrics: &'a Metrics,
    /// The scenario's title.
    title: &'a str,
    /// What begins before this instant is only the lead.
    from: Time,
}

impl<'a> Stretch<'a> {
    /// A stretch of a run from an instant on; the records may begin earlier.
    pub fn new(
        records: &'a [Record],
        world: &'a World,
        metrics: &'a Metrics,
        title: &'a str,
        from: Time,
    ) -> Stretch<'a> {
        let course = Course::new(records.iter());
        let spans = spans(&course);
        Stretch { course, spans, world, metrics, title, from }
    }
}
