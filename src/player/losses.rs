//! Messages that were lost a moment ago, and those that are sent again: the stage shows where.

use crate::components::What;
use crate::scene::Loss;
use crate::sim::{RecordId, Time};
use crate::trace::says_again;

use super::Player;

/// How long a lost message stays in sight, in shown seconds.
const LOSS_SHOWN: f64 = 0.6;

impl Player {
    /// What was lost a moment ago, as long ago as it is shown: a moment is longer when time goes faster.
    pub(super) fn losses(&self) -> Vec<Loss> {
        let span = LOSS_SHOWN * 1e6 * self.speed;
        let now = self.timeline.now();
        let from = Time(now.0.saturating_sub(span as u64));
        let log = self.timeline.log();
        let lost = log.since(from).filter_map(|record| {
            let What::Lost { to, message, why } = &record.what else { return None };
            let progress = progress_at(log, record.cause, record.at);
            let age = (now.since(record.at).0 as f64 / span) as f32;
            let (from, to, why, family) = (record.node, *to, *why, message.family());
            Some(Loss { from, to, progress, age: age.min(1.0), family, why })
        });
        // Past this many nothing can be told apart.
        lost.take(400).collect()
    }
}

/// Of at most so many messages under way it is found out whether they are sent again; more cannot be told apart.
const MAX_ASKED: usize = 400;

impl Player {
    /// The messages under way that were said before: what brought them about is a timer that waits for an answer.
    #[inline(never)]
    pub(super) fn again(&self) -> Vec<RecordId> {
        let (world, log) = (&self.timeline.run().world, self.timeline.log());
        if world.in_flight() > MAX_ASKED {
            return Vec::new();
        }
        let again = |sent: &RecordId| {
            let cause = log.get(*sent).and_then(|sent| log.get(sent.cause));
            cause.is_some_and(|cause| matches!(cause.what, What::Timer { name } if says_again(name)))
        };
        world.flights().map(|flight| flight.record).filter(again).collect()
    }
}

/// How far a message had come by `at`, from the record of its sending; all the way when that is forgotten.
fn progress_at(log: &crate::trace::Log, sent: RecordId, at: Time) -> f32 {
    let Some(record) = log.get(sent) else { return 1.0 };
    let Some((.., due)) = record.what.leaving() else { return 1.0 };
    let whole = due.since(record.at).0;
    if whole == 0 { 1.0 } else { (at.since(record.at).0 as f32 / whole as f32).clamp(0.0, 1.0) }
}
