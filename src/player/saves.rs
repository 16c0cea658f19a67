//! What one stands at, as files: pictures, the scenario, records in the formats of other tools, and a report of what was
//! broken. Nothing leaves the machine by it: the page hands them to the browser.

use std::fmt::Write;

use crate::components::{Record, What};
use crate::link;
use crate::scenario::schema;
use crate::scene::{DisplayList, View, svg};
use crate::sim::{NodeId, Time, clock};
use crate::trace::export::{LEAD, Stretch, chrome, csv, jsonl, mermaid, otlp, shiviz};
use crate::views::Kind;

use super::{Player, promises};

/// The size of a saved diagram, in pixels.
const DIAGRAM: (f32, f32) = (1200.0, 720.0);
/// How many of the last messages a report draws.
const DRAWN: usize = 40;

/// How many of what a report tells are run anew, and up to how many steps of the run.
const MAX_ANEW: u32 = 3;
const MAX_STEPS: u64 = 1_000_000;

/// A file that can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Save {
    /// The stage, as lines and words.
    Stage,
    /// The space–time diagram, as lines and words.
    Diagram,
    /// The scenario's document.
    Scenario,
    /// What was broken, and how, for people.
    Report,
    /// A sequence diagram.
    Mermaid,
    /// Measures, a row a window.
    Measures,
    /// Every record of the log.
    Records,
    /// For Perfetto.
    Chrome,
    /// For what takes OpenTelemetry.
    Otlp,
    /// For ShiViz.
    ShiViz,
}

impl Save {
    /// All of them with their names.
    pub const ALL: [(Save, &'static str); 10] = [
        (Save::Stage, "Stage, SVG"),
        (Save::Diagram, "Space–time, SVG"),
        (Save::Scenario, "Scenario, JSON"),
        (Save::Report, "Report, Markdown"),
        (Save::Mermaid, "Sequence diagram, Mermaid"),
        (Save::Measures, "Measures, CSV"),
        (Save::Records, "Records, JSON lines"),
        (Save::Chrome, "Trace for Perfetto"),
        (Save::Otlp, "Trace for OpenTelemetry"),
        (Save::ShiViz, "Log for ShiViz"),
    ];
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// What it is called: `chat-12.5s.svg`.
    pub name: String,
    /// Its media type.
    pub media: &'static str,
    /// What stands in it.
    pub text: String,
}

impl Player {
    /// This moment as a file; `address` is where links to this page begin.
    #[inline(never)]
    pub fn save(&mut self, save: Save, address: &str) -> Saved {
        let (media, end, text) = match save {
            Save::Stage => ("image/svg+xml", ".svg", self.stage_picture()),
            Save::Diagram => ("image/svg+xml", "-space-time.svg", self.diagram_picture()),
            Save::Scenario => ("application/json", ".json", schema::json(&**self.timeline.document())),
            Save::Report => ("text/markdown", "-report.md", self.report(address)),
            Save::Mermaid => ("text/plain", ".mmd", self.exported(mermaid)),
            Save::Measures => ("text/csv", ".csv", self.exported(csv)),
            Save::Records => ("application/jsonl", ".jsonl", self.exported(jsonl)),
            Save::Chrome => ("application/json", "-trace.json", self.exported(chrome)),
            Save::Otlp => ("application/json", "-otlp.json", self.exported(otlp)),
            Save::ShiViz => ("text/plain", "-shiviz.log", self.exported(shiviz)),
        };
        let at = match save {
            Save::Scenario => String::new(),
            _ => format!("-{}s", clock(self.timeline.now())),
        };
        Saved { name: format!("{}{at}{end}", self.timeline.document().name), media, text }
    }

    fn title(&self) -> String {
        format!("{} at {} s", self.timeline.document().title, clock(self.timeline.now()))
    }

    fn stage_picture(&mut self) -> String {
        let mut list = DisplayList::default();
        // Messages then say what they are: nothing moves in a picture.
        let playing = std::mem::take(&mut self.playing);
        self.draw(&mut list);
        self.playing = playing;
        svg::paint(&list, &self.view, &self.title(), &self.timeline.document().summary)
    }

    fn diagram_picture(&mut self) -> String {
        let mut list = DisplayList::default();
        let axis = self.linked.axis.clone();
        self.draw_view(Kind::SpaceTime, DIAGRAM, &mut list);
        self.linked.axis = axis;
        let view = View { width: DIAGRAM.0, height: DIAGRAM.1, ..self.view.clone() };
        let told = "Lifelines of the components, and messages from one to the other, as time goes to the right.";
        svg::paint(&list, &view, &self.title(), told)
    }

    /// What the log still has.
    fn exported(&self, export: fn(&Stretch) -> String) -> String {
        let records: Vec<Record> = self.timeline.log().iter().cloned().collect();
        let first = records.first().map_or(Time::ZERO, |record| record.at);
        let whole = records.first().is_none_or(|record| record.id.0 <= 1);
        let from = if whole { Time::ZERO } else { first + LEAD }.min(self.timeline.now());
        let run = self.timeline.run();
        export(&Stretch::new(&records, &run.world, &run.metrics, &self.timeline.document().title, from))
    }

    /// What must hold here and where it was broken: each time with what shows it, what led there, and a link to it.
    #[inline(never)]
    pub fn report(&self, address: &str) -> String {
        let (document, timeline) = (self.timeline.document(), &self.timeline);
        let mut out = format!("# {}\n\n{}\n\n", document.title, document.summary);
        let (moment, shown) = self.share();
        let here = link::write(&moment, &shown).fragment;
        let _ = writeln!(
            out,
            "Scenario `{}`, seed {}, up to {} s. [The run at this moment]({}). It is a simulation, and the same on every \
             machine.\n",
            document.name,
            timeline.seed(),
            clock(timeline.now()),
            link::address(address, &here)
        );
        let acts: Vec<_> = timeline.acts().iter().filter(|stamped| stamped.at <= timeline.now()).collect();
        if !acts.is_empty() {
            out.push_str("## What was done\n\n");
            for done in acts {
                let _ = writeln!(out, "- {} s: {}", clock(done.at), done.act.words());
            }
            out.push('\n');
        }
        out.push_str("## What must hold\n\n");
        let promises = promises(self);
        for promised in &promises {
            let told = match promised.broken.len() + promised.more {
                0 => "holds so far".to_owned(),
                1 => "**broken**".to_owned(),
                count => format!("**broken {count} times**"),
            };
            let _ = writeln!(out, "- {}: {told}. {}", promised.brief, promised.promise);
        }
        let mut anew = MAX_ANEW;
        for broken in promises.iter().flat_map(|promised| &promised.broken) {
            let _ = writeln!(out, "\n## Broken at {} s\n\n{}", broken.at, broken.told);
            if let Some((moment, shown)) = self.moment_of_broken(broken.which) {
                let there = link::write(&moment, &shown).fragment;
                let _ = writeln!(out, "\n[See it happen]({}).", link::address(address, &there));
            }
            if !broken.evidence.is_empty() {
                out.push_str("\nWhat shows it:\n\n");
                for (at, told) in &broken.evidence {
                    let _ = writeln!(out, "- {at} s: {told}");
                }
            }
            out.push_str(&self.drawn(broken.which, &mut anew));
        }
        out
    }

    /// What led to a broken promise, drawn. Where the log does not reach back to it, a run of its own goes there, if that
    /// is not too far and was not done too often.
    fn drawn(&self, which: usize, anew: &mut u32) -> String {
        let here = self.what_led_there(which);
        let near = *anew > 0 && self.timeline.run().steps() <= MAX_STEPS;
        let Some((moment, _)) = self.moment_of_broken(which).filter(|_| here.is_empty() && near) else { return here };
        *anew -= 1;
        Player::at_moment(&moment).map_or(here, |there| there.what_led_there(which))
    }

    /// The last messages before a promise was broken of those who had to do with it, drawn, as far as the log goes.
    fn what_led_there(&self, which: usize) -> String {
        let Some(broken) = self.timeline.run().violations().get(which) else { return String::new() };
        let log = self.timeline.log();
        let shows = broken.evidence.iter().chain([&broken.record]).filter_map(|id| log.get(*id));
        let mut parties: Vec<NodeId> = shows.clone().flat_map(who).chain([broken.node]).collect();
        parties.sort_unstable();
        parties.dedup();
        let of = |record: &&Record| record.at <= broken.at && who(record).any(|node| parties.contains(&node));
        let drawn = |record: &&Record| matches!(record.what, What::Arrived { .. } | What::Lost { .. });
        let mut before: Vec<Record> = log.iter().rev().filter(of).filter(drawn).take(DRAWN).cloned().collect();
        before.extend(shows.filter(|record| !drawn(record)).cloned());
        before.sort_by_key(|record| record.id);
        before.dedup_by_key(|record| record.id);
        if !before.iter().any(|record| drawn(&record)) {
            return String::new();
        }
        let run = self.timeline.run();
        let stretch = Stretch::new(&before, &run.world, &run.metrics, "", Time::ZERO);
        format!("\nWhat led there:\n\n```mermaid\n{}```\n", mermaid(&stretch))
    }
}

/// Whom a record has to do with.
fn who(record: &Record) -> impl Iterator<Item = NodeId> + use<> {
    let other = match &record.what {
        What::Arrived { from, .. } => Some(*from),
        What::Lost { to, .. } => Some(*to),
        what => what.leaving().map(|(to, ..)| to),
    };
    std::iter::once(record.node).chain(other)
}
