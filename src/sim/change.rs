//! What can be wrong with a node that runs, or is changed about its machine: its clock, its disk, its honesty, its cores.

use super::{Dist, LONGEST, Micros, NodeId, Plain, Purpose, Stream, Time};

/// The slowest and the fastest that a clock may run, in parts per million more than true time.
pub const DRIFT: (i32, i32) = (-500_000, 1_000_000);
/// How many cores a machine may have.
pub const MAX_CORES: u32 = 1_024;

/// A change of a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Sets its clock, and how fast it runs.
    Clock {
        /// How many microseconds it is ahead of true time; less than zero: behind.
        ahead: i64,
        /// How much faster than true time it runs, in parts per million, within [`DRIFT`].
        drift: i32,
    },
    /// How long a write takes from now on.
    Disk(Dist),
    /// Whether its disk is full: writes fail.
    Full(bool),
    /// Whether what its disk has confirmed is kept in a crash.
    Sync(bool),
    /// It loses this share of its work, or spoils it where the message can be spoilt.
    Lie {
        /// From 0, which is honest, to 1.
        share: f64,
        /// Whether it spoils rather than loses.
        spoils: bool,
    },
    /// How many cores it has.
    Cores(u32),
}

impl Change {
    /// What is wrong with it, if anything.
    ///
    /// # Errors
    /// A sentence: a number out of range, a law that does not fit.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Change::Clock { ahead, .. } if ahead.unsigned_abs() > LONGEST.0 => {
                Err("a clock cannot be more than 744h ahead or behind".to_owned())
            }
            Change::Clock { drift, .. } if !(DRIFT.0..=DRIFT.1).contains(drift) => Err(format!(
                "drift: expected a number from {} to {} (parts per million), found {drift}",
                DRIFT.0, DRIFT.1
            )),
            Change::Disk(law) => law.check(),
            Change::Lie { share, .. } if !(0.0..=1.0).contains(share) => {
                Err(format!("share: expected a number from 0 to 1, found {}", Plain(*share)))
            }
            Change::Cores(count) if *count == 0 || *count > MAX_CORES => {
                Err(format!("expected 1 to {MAX_CORES} cores, found {count}"))
            }
            _ => Ok(()),
        }
    }

    /// Whether it is a fault, and not the end of one or another size.
    pub fn is_fault(&self) -> bool {
        match self {
            Change::Clock { ahead, drift } => (*ahead, *drift) != (0, 0),
            Change::Full(full) => *full,
            Change::Sync(keeps) => !keeps,
            Change::Lie { share, .. } => *share > 0.0,
            Change::Disk(_) | Change::Cores(_) => false,
        }
    }

    /// The word by which conditions name it.
    pub fn word(&self) -> &'static str {
        match self {
            Change::Clock { .. } => "clock-set",
            Change::Disk(_) => "disk-changed",
            Change::Full(true) => "disk-full",
            Change::Full(false) => "disk-freed",
            Change::Sync(false) => "sync-lost",
            Change::Sync(true) => "sync-kept",
            Change::Lie { share, .. } if *share > 0.0 => "lying",
            Change::Lie { .. } => "honest",
            Change::Cores(_) => "scaled",
        }
    }

    /// Every word of [`Change::word`].
    pub const WORDS: [&'static str; 9] =
        ["clock-set", "disk-changed", "disk-full", "disk-freed", "sync-lost", "sync-kept", "lying", "honest", "scaled"];

    /// What the node does by it, for the log: `has a full disk`.
    pub fn sentence(&self) -> String {
        match self {
            Change::Clock { ahead, drift } => format!("has a clock that {}", clock_words(*ahead, *drift)),
            Change::Disk(law) => format!("has a disk that takes {law} a write"),
            Change::Full(true) => "has a full disk".to_owned(),
            Change::Full(false) => "has room on its disk again".to_owned(),
            Change::Sync(false) => "has a disk that forgets in a crash what it has confirmed".to_owned(),
            Change::Sync(true) => "has a disk that keeps what it confirms".to_owned(),
            Change::Lie { share: 0.0, .. } => "does all of its work again".to_owned(),
            Change::Lie { share, spoils } => {
                format!("{} {} of its work", if *spoils { "spoils" } else { "loses" }, percent(*share))
            }
            Change::Cores(1) => "has 1 core".to_owned(),
            Change::Cores(count) => format!("has {count} cores"),
        }
    }
}

fn percent(share: f64) -> String {
    format!("{} %", super::fixed(share * 100.0, 1).trim_end_matches(".0"))
}

/// `is 200ms ahead and gains 50 ppm`.
fn clock_words(ahead: i64, drift: i32) -> String {
    let stands = match (ahead, Micros(ahead.unsigned_abs())) {
        (0, _) => "is right".to_owned(),
        (1.., span) => format!("is {span} ahead"),
        (_, span) => format!("is {span} behind"),
    };
    match drift {
        0 => stands,
        1.. => format!("{stands} and gains {drift} ppm"),
        _ => format!("{stands} and loses {} ppm", drift.unsigned_abs()),
    }
}

/// A node's own clock: what it takes for the time. Records and the queue keep true time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Clock {
    /// What it showed when it was last set, and when that was.
    shown: Time,
    set: Time,
    drift: i32,
}

impl Clock {
    /// What it shows at a true instant. It never shows less than zero.
    #[inline]
    pub fn read(&self, now: Time) -> Time {
        let passed = now.since(self.set);
        let shown = self.shown + passed;
        match self.drift {
            0 => shown,
            drift => {
                let gain = Micros(parts(passed.0, u64::from(drift.unsigned_abs())));
                if drift > 0 { shown + gain } else { Time(shown.0 - gain.0.min(shown.0)) }
            }
        }
    }

    /// How long it truly takes until so much has passed on this clock.
    #[inline]
    pub fn lasts(&self, span: Micros) -> Micros {
        match self.drift {
            0 => span,
            drift => {
                let rate = (1_000_000 + i64::from(drift)).unsigned_abs().max(1);
                // Whole parts first, so that nothing overflows.
                let rest = (span.0 % rate).saturating_mul(1_000_000) / rate;
                Micros((span.0 / rate).saturating_mul(1_000_000).saturating_add(rest))
            }
        }
    }

    /// How many microseconds it is ahead of true time; less than zero: behind.
    pub fn ahead(&self, now: Time) -> i64 {
        self.read(now).0 as i64 - now.0 as i64
    }

    /// How much faster than true time it runs, in parts per million.
    pub fn drift(&self) -> i32 {
        self.drift
    }

    /// Whether it shows true time and goes on to.
    pub fn is_right(&self, now: Time) -> bool {
        self.drift == 0 && self.ahead(now) == 0
    }

    /// `is 200ms ahead and gains 50 ppm`.
    pub fn words(&self, now: Time) -> String {
        clock_words(self.ahead(now), self.drift)
    }

    pub(super) fn set(&mut self, now: Time, ahead: i64, drift: i32) {
        if ahead == 0 && drift == 0 {
            return *self = Clock::default();
        }
        let span = Micros(ahead.unsigned_abs());
        let shown = if ahead > 0 { now + span } else { Time(now.0.saturating_sub(span.0)) };
        *self = Clock { shown, set: now, drift };
    }
}

/// So many millionths, rounded down, never overflowing.
fn parts(whole: u64, millionths: u64) -> u64 {
    (whole / 1_000_000).saturating_mul(millionths) + whole % 1_000_000 * millionths / 1_000_000
}

/// How a node lies: it is healthy to whoever only asks how it is, and does not do all of its work.
#[derive(Clone, Debug)]
pub struct Lies {
    /// The share of its work that it loses or spoils.
    pub share: f64,
    /// Whether it spoils what can be spoilt.
    pub spoils: bool,
    pub(super) luck: Stream,
}

impl Lies {
    pub(super) fn new(seed: u64, node: NodeId, share: f64, spoils: bool) -> Lies {
        Lies { share, spoils, luck: Stream::new(seed, Purpose::Lies(node.0)) }
    }
}

impl std::hash::Hash for Lies {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.share.to_bits(), self.spoils, &self.luck).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_shows_what_its_offset_and_drift_come_to() {
        let mut clock = Clock::default();
        assert_eq!((clock.read(Time(5)), clock.lasts(Micros(5))), (Time(5), Micros(5)));
        clock.set(Time(1_000_000), 200_000, 100_000);
        // A tenth faster: in ten seconds it gains one.
        assert_eq!(clock.read(Time(11_000_000)), Time(12_200_000));
        assert_eq!(clock.ahead(Time(11_000_000)), 1_200_000);
        // Eleven of its seconds are ten true ones.
        assert_eq!(clock.lasts(Micros::secs(11)), Micros::secs(10));
        assert_eq!(clock.words(Time(1_000_000)), "is 200ms ahead and gains 100000 ppm");
        clock.set(Time(3_000_000), -1_000_000, -500_000);
        assert_eq!(clock.read(Time(5_000_000)), Time(3_000_000));
        assert_eq!(clock.lasts(Micros::secs(1)), Micros::secs(2));
        clock.set(Time(5_000_000), 0, 0);
        assert_eq!(clock, Clock::default());
    }

    #[test]
    fn nothing_overflows() {
        for drift in [DRIFT.0, -1, 1, DRIFT.1] {
            let mut clock = Clock::default();
            for ahead in [LONGEST.0 as i64, -(LONGEST.0 as i64)] {
                clock.set(Time(7), ahead, drift);
                clock.read(Time(u64::MAX));
                clock.ahead(Time(LONGEST.0 * 3));
                clock.lasts(Micros(u64::MAX));
            }
        }
    }

    #[test]
    fn every_word_is_listed() {
        let law = Dist::default();
        let all = [
            Change::Clock { ahead: 1, drift: 0 },
            Change::Disk(law),
            Change::Full(true),
            Change::Full(false),
            Change::Sync(false),
            Change::Sync(true),
            Change::Lie { share: 0.5, spoils: true },
            Change::Lie { share: 0.0, spoils: true },
            Change::Cores(2),
        ];
        assert_eq!(all.each_ref().map(Change::word), Change::WORDS);
    }
}
