//! Messages that were lost a moment ago: the stage shows where.

use crate::components::What;
use crate::scene::Loss;
use crate::sim::{RecordId, Time};

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

/// How far a message had come by `at`, from the record of its sending; all the way when that is forgotten.
fn progress_at(log: &crate::trace::Log, sent: RecordId, at: Time) -> f32 {
    let Some(record) = log.get(sent) else { return 1.0 };
    let Some((.., due)) = record.what.leaving() else { return 1.0 };
    let whole = due.since(record.at).0;
    if whole == 0 { 1.0 } else { (at.since(record.at).0 as f32 / whole as f32).clamp(0.0, 1.0) }
}
