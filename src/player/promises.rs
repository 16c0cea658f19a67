//! What must hold, and where it did not: each promise, each time it was broken with the records that show it, and the way
//! there.

use crate::check::Violation;
use crate::components::What;
use crate::link::{Picked, Shown};
use crate::scene::Target;
use crate::sim::{RecordId, Time, clock};
use crate::timeline::{Cursor, Moment};
use crate::trace::{Log, course, sentence};

use super::notice::sentence_case;
use super::{Player, Tone};

/// How what is said about a broken promise begins.
const BROKEN: &str = "A promise is broken: ";
/// How many times a promise was broken are told one by one.
pub const MAX_BROKEN: usize = 12;
/// How many records are told of one of them.
const MAX_EVIDENCE: usize = 8;
/// How far one looks from a record for the message that brought it about.
const NEAR: usize = 6;

/// A promise of the scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Promised {
    /// In a few words.
    pub brief: String,
    /// What it promises: a sentence.
    pub promise: String,
    /// Where it was broken, oldest first, the first [`MAX_BROKEN`] times.
    pub broken: Vec<Broken>,
    /// How many more times, of those that are kept.
    pub more: usize,
}

/// Where a promise was broken.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    /// Its place among all that were broken.
    pub which: usize,
    /// When, for people.
    pub at: String,
    /// What happened: a sentence.
    pub told: String,
    /// The records that show it, oldest first: when, and what; those that are remembered.
    pub evidence: Vec<(String, String)>,
}

/// Every promise of the scenario, in its order.
#[inline(never)]
pub fn promises(player: &Player) -> Vec<Promised> {
    let run = player.timeline().run();
    let of = |check: &crate::scenario::CheckRule| {
        let all = run.violations().iter().enumerate().filter(|(_, broken)| *broken.check == *check.name());
        let count = all.clone().count();
        Promised {
            brief: check.brief().to_owned(),
            promise: check.promise(),
            broken: all.take(MAX_BROKEN).map(|(which, broken)| tell(player, which, broken)).collect(),
            more: count.saturating_sub(MAX_BROKEN),
        }
    };
    run.document().checks.iter().map(of).collect()
}

fn tell(player: &Player, which: usize, broken: &Violation) -> Broken {
    let (timeline, world) = (player.timeline(), &player.timeline().run().world);
    let story = timeline.tape().story().records();
    let known = |id: &RecordId| {
        let told = || story.binary_search_by_key(id, |record| record.id).ok().and_then(|place| story.get(place));
        timeline.log().get(*id).or_else(told)
    };
    let evidence = broken.evidence.iter().filter_map(known).take(MAX_EVIDENCE);
    Broken {
        which,
        at: clock(broken.at),
        told: broken.told.to_string(),
        evidence: evidence.map(|record| (clock(record.at), sentence(record, world))).collect(),
    }
}

impl Player {
    /// Goes to where a promise was broken and selects the message that did it.
    #[inline(never)]
    pub(super) fn show_broken(&mut self, which: usize) {
        let Some(at) = self.timeline.run().violations().get(which).map(|broken| broken.at) else { return };
        self.playing = false;
        self.forwards();
        self.sought = Some(which);
        self.seek(at);
    }

    /// At the end of the way to a broken promise: what is to be seen there.
    #[inline(never)]
    pub(super) fn found_broken(&mut self) {
        let Some(which) = self.sought.take() else { return };
        let Some(broken) = self.timeline.run().violations().get(which) else { return };
        let world = &self.timeline.run().world;
        let node = world.node(broken.node).map(|_| Target::Node(broken.node));
        self.view.selected = culprit(self.timeline.log(), broken).map(Target::Flight).or(node);
    }

    /// The moment at which a promise was broken, and how it is shown.
    #[inline(never)]
    pub fn moment_of_broken(&self, which: usize) -> Option<(Moment, Shown)> {
        let broken = self.timeline.run().violations().get(which)?;
        let mut moment = self.moment();
        moment.acts.retain(|stamped| stamped.at <= broken.at);
        moment.cursor = Cursor { at: broken.at, steps: None };
        let message = culprit(self.timeline.log(), broken).map(|record| Picked::Message(record.0));
        let shown = Shown { digest: None, playing: false, selection: message, step: None, ..self.shown() };
        Some((moment, shown))
    }

    /// More promises are broken than before, or fewer, because one has gone back.
    #[inline(never)]
    pub(super) fn tell_broken(&mut self) {
        let broken = self.timeline.run().violations();
        if broken.len() < self.told_broken {
            // One has gone back to before it; it is told again where it breaks again.
            self.told_broken = broken.len();
            self.notices.retain(|notice| !notice.told.starts_with(BROKEN));
        }
        if broken.len() > self.told_broken && self.journey.is_none() {
            self.told_broken = broken.len();
            let told = broken.last().map_or(String::new(), |broken| broken.told.to_string());
            // The last one is enough; the header counts them.
            self.notices.retain(|notice| !notice.told.starts_with(BROKEN));
            self.tell(Tone::Warn, sentence_case(&format!("{BROKEN}{told}")));
            if let Some(notice) = self.notices.last_mut() {
                notice.leads = Some(self.told_broken - 1);
            }
        }
    }

    /// The next promise that is broken after the cursor, or else the first; of those that are known here.
    pub fn next_broken(&self) -> Option<(usize, Time)> {
        let (all, now) = (self.timeline.run().violations(), self.timeline.now());
        let next = all.iter().position(|broken| broken.at >= now).or(all.len().checked_sub(1))?;
        Some((next, all[next].at))
    }
}

/// The message that a promise was broken by, as far as the log tells: of the record that broke it, or else of the last one
/// that shows it.
fn culprit(log: &Log, broken: &Violation) -> Option<RecordId> {
    let message = |id: &RecordId| {
        let mut id = *id;
        for _ in 0..NEAR {
            let record = log.get(id)?;
            match record.what {
                _ if record.what.leaving().is_some() => return Some(record.id),
                // Nothing brought about a crash that somebody wanted.
                What::Crashed { .. } | What::Removed => return None,
                _ => id = course::cause(record),
            }
        }
        None
    };
    std::iter::once(&broken.record).chain(broken.evidence.iter().rev()).find_map(message)
}
