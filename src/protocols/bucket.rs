//! A token bucket: so many a second on average, and no more than so many at once (Turner, «New directions in
//! communications», IEEE Communications 1986, has it as a leaky bucket that counts).

use crate::sim::Time;

/// One token, in the unit of what a bucket holds.
const ONE: u64 = 1_000_000_000;

/// A bucket: empty at first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// Billionths of a token.
    held: u64,
    /// Up to when what it gains is counted.
    counted: Time,
}

impl Bucket {
    /// A bucket that holds so many.
    pub fn full(tokens: u64, now: Time) -> Bucket {
        Bucket { held: tokens.saturating_mul(ONE), counted: now }
    }

    /// Adds what it gained until now at a rate, in thousandths of a token a second, as far as it has room for `most`
    /// thousandths of one, and for one in any case.
    pub fn gain(&mut self, now: Time, rate: u64, most: u64) {
        let gained = now.since(self.counted).0.saturating_mul(rate);
        self.counted = now;
        self.held = self.held.saturating_add(gained).min(ONE.max(most.saturating_mul(1_000_000)));
    }

    /// Adds so many thousandths of a token.
    pub fn give(&mut self, thousandths: u64) {
        self.held = self.held.saturating_add(thousandths.saturating_mul(1_000_000));
    }

    /// Takes a token, if there is one.
    pub fn take(&mut self) -> bool {
        let enough = self.held >= ONE;
        self.held -= if enough { ONE } else { 0 };
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of those that ask every millisecond get through in so many seconds, two a second and five at once.
    fn through(seconds: u64) -> u64 {
        let mut bucket = Bucket::full(5, Time::ZERO);
        let ask = |now: u64| {
            bucket.gain(Time(now * 1_000), 2_000, 5_000);
            u64::from(bucket.take())
        };
        (0..=seconds * 1_000).map(ask).sum::<u64>()
    }

    #[test]
    fn in_any_time_no_more_get_through_than_were_saved_and_gained() {
        for seconds in [1, 7, 100] {
            assert_eq!(through(seconds), 5 + 2 * seconds);
        }
    }

    #[test]
    fn a_full_bucket_gains_nothing_and_there_is_room_for_one() {
        let mut bucket = Bucket::full(3, Time::ZERO);
        bucket.gain(Time(3_600_000_000), 1_000, 3_000);
        assert_eq!((0..5).filter(|_| bucket.take()).count(), 3);
        bucket.gain(Time(7_200_000_000), 1, 0);
        assert!(bucket.take() && !bucket.take());
        bucket.give(500);
        assert!(!bucket.take());
        bucket.give(500);
        assert!(bucket.take());
    }
}
