//! Retry with exponential backoff and full jitter: the pause before try *n* is drawn evenly from zero to
//! min(cap, base · 2ⁿ), so that those who failed together do not come back together (Brooker, «Exponential Backoff and
//! Jitter», AWS Architecture Blog, 2015; the doubling is Ethernet's, Metcalfe and Boggs 1976).

use crate::sim::{Micros, Stream};

/// How long to wait before a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Backoff {
    /// The longest pause before the first retry.
    pub base: Micros,
    /// The longest pause of all.
    pub cap: Micros,
}

impl Backoff {
    /// The longest pause before retry number `tries`, counted from zero.
    pub fn ceiling(&self, tries: u32) -> Micros {
        let doubled = u128::from(self.base.0) << tries.min(40);
        Micros(doubled.min(u128::from(self.cap.0)) as u64)
    }

    /// The pause before retry number `tries`: one draw.
    pub fn pause(&self, tries: u32, luck: &mut Stream) -> Micros {
        Micros(luck.below(self.ceiling(tries).0.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Purpose;

    #[test]
    fn the_ceiling_doubles_up_to_the_cap_and_never_overflows() {
        let backoff = Backoff { base: Micros::ms(100), cap: Micros::secs(2) };
        let ceilings: Vec<u64> = (0..7).map(|tries| backoff.ceiling(tries).0 / 1000).collect();
        assert_eq!(ceilings, [100, 200, 400, 800, 1600, 2000, 2000]);
        assert_eq!(backoff.ceiling(u32::MAX), Micros::secs(2));
    }

    #[test]
    fn pauses_are_spread_over_the_whole_range() {
        let backoff = Backoff { base: Micros::ms(100), cap: Micros::secs(2) };
        let mut luck = Stream::new(5, Purpose::Faults);
        for tries in 0..8 {
            let ceiling = backoff.ceiling(tries).0;
            let mut pauses: Vec<u64> = (0..2000).map(|_| backoff.pause(tries, &mut luck).0).collect();
            pauses.sort_unstable();
            assert!(pauses[0] < ceiling / 50 && pauses[1999] > ceiling / 50 * 49 && pauses[1999] <= ceiling);
            assert!((pauses[1000] as f64 / ceiling as f64 - 0.5).abs() < 0.06);
        }
    }
}
