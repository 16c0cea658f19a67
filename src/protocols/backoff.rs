//! How long to wait before one tries again. The longest wait doubles with each failure up to a cap (the doubling is
//! Ethernet's, Metcalfe and Boggs 1976); jitter spreads those who failed together, so that they do not come back
//! together (Brooker, «Exponential Backoff and Jitter», AWS Architecture Blog, 2015).

use crate::sim::{Micros, Stream};

/// How long to wait before a try, with full jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Backoff {
    /// The longest pause before the first retry.
    pub base: Micros,
    /// The longest pause of all.
    pub cap: Micros,
}

crate::choice! {
    /// How much of the longest wait is waited. With v = min(cap, base · 2ⁿ) after n failures:
    pub enum Jitter {
        /// No wait at all.
        None = "none",
        /// Always the base.
        Constant = "constant",
        /// v: exponential without jitter.
        Exponential = "exponential",
        /// Evenly from v/2 to v.
        Equal = "equal",
        /// Evenly from nothing to v.
        Full = "full",
        /// Evenly from the base to three times the wait before, up to the cap; n does not matter.
        Decorrelated = "decorrelated",
    }
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

    /// The wait after failure number `tries`, when the one before it was `previous`: one draw, whatever the jitter.
    pub fn wait(&self, jitter: Jitter, tries: u32, previous: Micros, luck: &mut Stream) -> Micros {
        let ceiling = self.ceiling(tries).0;
        let bits = luck.clone().bits();
        let full = self.pause(tries, luck);
        // Evenly among 0 to `width`, by the same draw.
        let evenly = |width: u64| ((u128::from(bits) * (u128::from(width) + 1)) >> 64) as u64;
        match jitter {
            Jitter::None => Micros::ZERO,
            Jitter::Constant => self.base,
            Jitter::Exponential => Micros(ceiling),
            Jitter::Equal => Micros(ceiling / 2 + evenly(ceiling / 2)),
            Jitter::Full => full,
            Jitter::Decorrelated => {
                let most = previous.0.max(self.base.0).saturating_mul(3);
                Micros((self.base.0 + evenly(most - self.base.0)).min(self.cap.0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Choice, Purpose};

    const USUAL: Backoff = Backoff { base: Micros::ms(100), cap: Micros::secs(2) };

    #[test]
    fn the_ceiling_doubles_up_to_the_cap_and_never_overflows() {
        let ceilings: Vec<u64> = (0..7).map(|tries| USUAL.ceiling(tries).0 / 1000).collect();
        assert_eq!(ceilings, [100, 200, 400, 800, 1600, 2000, 2000]);
        assert_eq!(USUAL.ceiling(u32::MAX), Micros::secs(2));
    }

    #[test]
    fn pauses_are_spread_over_the_whole_range() {
        let mut luck = Stream::new(5, Purpose::Faults);
        for tries in 0..8 {
            let ceiling = USUAL.ceiling(tries).0;
            let mut pauses: Vec<u64> = (0..2000).map(|_| USUAL.pause(tries, &mut luck).0).collect();
            pauses.sort_unstable();
            assert!(pauses[0] < ceiling / 50 && pauses[1999] > ceiling / 50 * 49 && pauses[1999] <= ceiling);
            assert!((pauses[1000] as f64 / ceiling as f64 - 0.5).abs() < 0.06);
        }
    }

    #[test]
    fn every_jitter_has_its_range_and_takes_one_draw() {
        // After two failures, having waited 300 ms: the least, the mean and the greatest in milliseconds.
        let expected = [
            (Jitter::None, 0, 0, 0),
            (Jitter::Constant, 100, 100, 100),
            (Jitter::Exponential, 400, 400, 400),
            (Jitter::Equal, 200, 300, 400),
            (Jitter::Full, 0, 200, 400),
            (Jitter::Decorrelated, 100, 500, 900),
        ];
        assert_eq!(expected.len(), Jitter::ALL.len());
        for (jitter, least, mean, greatest) in expected {
            let mut luck = Stream::new(9, Purpose::Faults);
            let mut drawn = luck.clone();
            let waits: Vec<u64> =
                (0..4000).map(|_| USUAL.wait(jitter, 2, Micros::ms(300), &mut luck).0 / 1000).collect();
            (0..4000).for_each(|_| _ = drawn.bits());
            assert_eq!(luck, drawn, "{jitter:?} takes one draw");
            assert!(waits.iter().all(|wait| (least..=greatest).contains(wait)), "{jitter:?}");
            // Three standard errors of the widest are 11 ms.
            assert!((waits.iter().sum::<u64>() / 4000).abs_diff(mean) < 12, "{jitter:?}");
        }
        let mut luck = Stream::new(1, Purpose::Faults);
        assert!(USUAL.wait(Jitter::Decorrelated, 0, Micros(u64::MAX), &mut luck) <= USUAL.cap);
    }
}
