//! Clocks that are set over a network.
//!
//! ```text
//! server          T2 ── T3        its clock            θ = ((T2 − T1) + (T3 − T4)) / 2
//!                ╱        ╲                            δ = (T4 − T1) − (T3 − T2)
//! client      T1            T4    the client's
//! ```
//!
//! A client cannot know how much of the way δ there and back was the way there. If both are alike, θ is how far its clock is
//! behind; otherwise θ is wrong by half of their difference, and never by more than δ/2 (Cristian, «Probabilistic Clock
//! Synchronization», Distributed Computing 3, 1989). So of several answers the one that was least long on its way is the best:
//! the clock filter of NTP (RFC 5905, section 10). An answer gets worse as it ages, by the rate at which the client's
//! oscillator may be wrong.
//!
//! Each server so gives an interval in which the right time must be, if that server is right. Of several, up to half of them
//! may be wrong: the right time is between the first and the last point that a majority of intervals have (Marzullo,
//! «Tolerating Failures of Continuous-Valued Sensors», ACM TOCS 8(4), 1990).
//!
//! A correction is not made at once. The clock runs a little faster or slower until it is there, so that it never goes back.
//! Only the first is, before anybody has read the clock.
//!
//! What is simpler than in NTP: the rate of the clock is not corrected but only its time (no loop filter), servers are of one
//! level, and the poll interval does not change by itself.

#[cfg(test)]
mod tests;
mod wire;

use std::collections::VecDeque;

use crate::sim::{Micros, NodeId, Port, Table};

pub use wire::{Message, Reading, Told, offset, shown};

/// How many answers of a server are remembered.
pub const SAMPLES: usize = 8;
/// After how many poll intervals an answer is forgotten.
pub const STALE: u64 = 8;

crate::choice! {
    /// Which of a server's last answers counts.
    #[derive(Default)]
    pub enum Filter {
        /// The one that leaves least doubt: least long on its way, and not too old.
        #[default]
        LeastDelay = "least-delay",
        /// The last.
        Last = "last",
    }
}

crate::choice! {
    /// What is taken off for the way that an answer took.
    #[derive(Default)]
    pub enum Way {
        /// Half of the way there and back.
        #[default]
        Half = "half",
        /// Nothing, which is a mistake.
        None = "none",
    }
}

crate::choice! {
    /// How a clock that is wrong is set right.
    #[derive(Default)]
    pub enum Corrects {
        /// It runs faster or slower until it is right.
        #[default]
        Slew = "slew",
        /// At once, also back, which is a mistake.
        Step = "step",
    }
}

crate::choice! {
    /// Whom a client believes.
    #[derive(Default)]
    pub enum Believes {
        /// Any majority of servers that agree.
        #[default]
        Majority = "majority",
        /// The first server, which is a mistake if that may be wrong.
        First = "first",
    }
}

/// How a client goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Whom it can ask.
    pub servers: &'a [NodeId],
    /// How often it asks.
    pub poll: Micros,
    /// Which answer counts.
    pub filter: Filter,
    /// What is taken off for the way.
    pub way: Way,
    /// How it sets its clock right.
    pub corrects: Corrects,
    /// Whom it believes.
    pub believes: Believes,
    /// How much faster or slower its clock runs while it is set right, in parts per million.
    pub slew: u32,
    /// By how much its oscillator may be wrong, in parts per million.
    pub tolerance: u32,
}

/// What an oscillator gains or may be wrong by in a while: parts per million, rounded up.
fn gain(span: i64, parts: u32) -> i64 {
    (span.max(0).saturating_mul(i64::from(parts)) + 999_999) / 1_000_000
}

/// What one answer says of the client's oscillator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sample {
    /// How far it is behind the server.
    pub offset: i64,
    /// How wrong that may be, when it came.
    pub error: i64,
    /// When the question left, by the oscillator.
    pub at: Reading,
}

impl Sample {
    /// From the four times, if they can be.
    pub fn new([t1, t2, t3, t4]: [Reading; 4], error: Micros, way: Way) -> Option<Sample> {
        let delay = (t4 - t1) - (t3 - t2);
        if delay < 0 || t3 < t2 {
            return None;
        }
        let offset = match way {
            Way::Half => ((t2 - t1) + (t3 - t4)).div_euclid(2),
            Way::None => t3 - t4,
        };
        Some(Sample { offset, error: delay / 2 + error.0 as i64 + 2, at: t1 })
    }
    /// How wrong it may be by now.
    pub fn doubt(&self, now: Reading, tolerance: u32) -> i64 {
        self.error + gain(now - self.at, tolerance)
    }
}

/// Between the first and the last point that so many intervals have; nothing, if none is in so many.
pub fn agreed(intervals: &[(i64, i64)], needed: usize) -> Option<(i64, i64)> {
    let in_how_many = |point: i64| intervals.iter().filter(|(from, to)| *from <= point && point <= *to).count();
    let first = intervals.iter().map(|(from, _)| *from).filter(|point| in_how_many(*point) >= needed).min()?;
    let last = intervals.iter().map(|(_, to)| *to).filter(|point| in_how_many(*point) >= needed).max()?;
    Some((first, last))
}

/// A clock that is an oscillator and a correction of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Clock {
    /// The correction, when it was last decided on, by the oscillator.
    from: i64,
    at: Reading,
    /// What it is to become.
    to: i64,
    slew: u32,
    /// How wrong the time is once it has, at that instant.
    bound: i64,
    tolerance: u32,
    /// It has been set once.
    set: bool,
    /// What it has shown last.
    shown: Option<Reading>,
}

impl Clock {
    /// The correction, when the oscillator shows this.
    fn correction(&self, raw: Reading) -> i64 {
        let most = (raw - self.at).max(0).saturating_mul(i64::from(self.slew)) / 1_000_000;
        self.from + (self.to - self.from).clamp(-most, most)
    }
    /// Whether it has been set.
    pub fn is_set(&self) -> bool {
        self.set
    }
    /// Has it corrected by this from now on.
    pub fn correct(&mut self, raw: Reading, to: i64, bound: i64, rules: &Rules) {
        let at_once = !self.set || rules.corrects == Corrects::Step;
        let from = if at_once { to } else { self.correction(raw) };
        let shown = self.shown.filter(|_| !at_once);
        let (slew, tolerance) = (rules.slew, rules.tolerance);
        *self = Clock { from, at: raw, to, slew, bound, tolerance, set: true, shown };
    }
    /// What it shows, and how wrong that may be. It never shows less than before, unless it was set at once.
    pub fn read(&mut self, raw: Reading) -> (Reading, Micros) {
        let right = raw + self.correction(raw);
        let reading = self.shown.map_or(right, |shown| shown.max(right));
        if self.set {
            self.shown = Some(reading);
        }
        let still = (self.to - self.correction(raw)).abs() + (reading - right);
        let doubt = self.bound + still + gain(raw - self.at, self.tolerance);
        (reading, Micros(doubt.unsigned_abs()))
    }
}

/// What a client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To ask everyone again.
    Poll,
}

/// A client of time servers.
#[derive(Clone, Debug, Default, Hash)]
pub struct Client {
    /// Its clock.
    pub clock: Clock,
    asked: Table<NodeId, Reading>,
    samples: Table<NodeId, VecDeque<Sample>>,
    /// What has happened, for the host to tell. Empty between events.
    pub told: Vec<Told>,
}

impl Client {
    /// Asks every server, and sets a time for the next.
    pub fn poll<P: Port<Message = Message, Timer = Timer>>(&mut self, port: &mut P, raw: Reading, rules: &Rules) {
        for server in rules.servers {
            self.asked.insert(*server, raw);
            port.send(*server, Message::Request { t1: raw });
        }
        port.set(Timer::Poll, rules.poll);
    }

    /// A server has answered; `raw` is what the oscillator shows.
    pub fn on_reply(&mut self, raw: Reading, from: NodeId, reply: Message, rules: &Rules) {
        let Message::Reply { t1, t2, t3, error } = reply else { return };
        // Only the answer to the last question, and only once.
        if self.asked.get(&from) != Some(&t1) {
            return;
        }
        self.asked.remove(&from);
        let Some(sample) = Sample::new([t1, t2, t3, raw], error, rules.way) else { return };
        let samples = self.samples.or_default(from);
        // Two that cannot both be right: one of the clocks was changed meanwhile, and the new one knows.
        let (tolerance, doubt) = (rules.tolerance, sample.doubt(raw, rules.tolerance));
        samples.retain(|old| (old.offset - sample.offset).abs() <= doubt + old.doubt(raw, tolerance));
        if samples.len() >= SAMPLES {
            samples.pop_front();
        }
        samples.push_back(sample);
        self.decide(raw, rules);
    }

    /// The interval that each server gives, by what its best answer says.
    fn intervals(&mut self, raw: Reading, rules: &Rules) -> Vec<(i64, i64)> {
        let stale = (rules.poll.0.saturating_mul(STALE)).min(i64::MAX as u64) as i64;
        let mut intervals = Vec::new();
        for server in rules.servers {
            let Some(samples) = self.samples.get_mut(server) else { continue };
            samples.retain(|sample| raw - sample.at <= stale && raw >= sample.at);
            let doubt = |sample: &&Sample| sample.doubt(raw, rules.tolerance);
            let best = match rules.filter {
                Filter::LeastDelay => samples.iter().min_by_key(doubt),
                Filter::Last => samples.back(),
            };
            if let Some(best) = best {
                let doubt = best.doubt(raw, rules.tolerance);
                intervals.push((best.offset - doubt, best.offset + doubt));
            }
            if rules.believes == Believes::First {
                break;
            }
        }
        intervals
    }

    fn decide(&mut self, raw: Reading, rules: &Rules) {
        let of = if rules.believes == Believes::First { 1 } else { rules.servers.len() };
        let needed = of / 2 + 1;
        let intervals = self.intervals(raw, rules);
        match agreed(&intervals, needed) {
            Some((first, last)) => {
                let to = first + (last - first) / 2;
                let bound = (last - first + 1) / 2 + 1;
                let by = to - self.clock.correction(raw);
                let agree = intervals.iter().filter(|(from, to)| *from <= last && first <= *to).count() as u32;
                self.clock.correct(raw, to, bound, rules);
                let bound = Micros(bound.unsigned_abs());
                self.told.push(Told::Synchronised { by, bound, agree, of: of as u32 });
            }
            // As long as too few have answered there is nothing to say.
            None if intervals.len() >= needed => {
                self.told.push(Told::Undecided { needed: needed as u32, of: of as u32 });
            }
            None => {}
        }
    }

    /// Of each server the last answer, for people.
    pub fn last(&self) -> impl Iterator<Item = (NodeId, &Sample)> {
        self.samples.iter().filter_map(|(server, samples)| Some((*server, samples.back()?)))
    }
}
