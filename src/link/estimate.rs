//! What it would cost to get to a cursor, told before anything is built.

use crate::components::kind;
use crate::scenario::{Act, Document};
use crate::sim::{Time, Value};
use crate::timeline::Stamped;

/// How many events a second of the reader's time; a small machine's browser, not a fast one's.
pub const EVENTS_A_SECOND: u64 = 300_000;
/// How many events a link may ask to be replayed before the page shows it: about a minute.
pub const MAX_REPLAY: u64 = 60 * EVENTS_A_SECOND;

/// Events a simulated second of a component that is asked for nothing: timers, heartbeats.
const IDLE: f64 = 10.0;
/// Events that one request brings about on its way through the others.
const A_REQUEST: f64 = 20.0;

/// About how many events happen until `at`: components and what they are asked for, by the settings that count
/// something a second. A guess within a factor of a few, which is enough to tell seconds from hours.
pub fn steps_to(document: &Document, at: Time) -> u64 {
    let mut rate = 0.0;
    for group in &document.groups {
        let mut asked = 0.0;
        let fields = kind(&group.kind).map_or(&[][..], |kind| kind.fields());
        for field in fields.iter().filter(|field| field.unit == "1/s" || field.unit == "Hz") {
            let steps = document.load.iter().filter(|load| load.group == group.name && load.field == field.name);
            let steps = steps.flat_map(|load| &load.steps).map(|step| plain(&step.value));
            let usual = group.config.get(field.name).map_or_else(|| plain(&(field.default)()), plain);
            asked += steps.fold(usual, f64::max);
        }
        rate += f64::from(group.count) * (IDLE + A_REQUEST * asked);
    }
    // A plan looks at everyone for each of its faults.
    let nodes: f64 = document.groups.iter().map(|group| f64::from(group.count)).sum();
    for plan in &document.plans {
        rate += 1e6 / plan.every.0.max(1) as f64 * (2.0 + nodes / 50.0);
    }
    let added = document.cues.iter().flat_map(|cue| &cue.then).filter(|act| matches!(act, Act::Add { .. })).count();
    rate += IDLE * added as f64;
    // `as` saturates, and a rate that is not a number comes to zero.
    (rate * at.seconds()) as u64
}

/// About how many events those add that acts place before `at`, as [`steps_to`] guesses.
pub(super) fn steps_of(acts: &[Stamped], at: Time) -> u64 {
    let added = acts.iter().filter(|stamped| matches!(stamped.act, Act::Add { .. }) && stamped.at < at);
    added.map(|stamped| (IDLE * Time(at.since(stamped.at).0).seconds()) as u64).sum()
}

fn plain(value: &Value) -> f64 {
    if let Value::Number(number) = value { *number } else { 0.0 }
}
