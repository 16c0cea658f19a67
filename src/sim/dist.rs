//! How long something takes: the laws that a document may name, sampled with `libm` only (the standard library's
//! logarithm and exponential differ in their last bits between native code and wasm).

use std::rc::Rc;

use super::{Micros, Stream};

/// How many quantiles an empirical law may have.
pub const MAX_QUANTILES: usize = 256;

/// A law for a length of time. Each sample takes exactly two draws from its stream, whatever the law and its
/// parameters, so that moving a dial does not shift anything else.
#[derive(Clone, Debug, PartialEq)]
pub enum Dist {
    /// Always the same.
    Constant(Micros),
    /// Anything from `min` to `max`, equally likely.
    Uniform {
        /// The shortest.
        min: Micros,
        /// The longest.
        max: Micros,
    },
    /// Memoryless, with this mean.
    Exponential {
        /// The mean.
        mean: Micros,
    },
    /// Logarithm normally distributed: half are below `median`, one in a hundred above `p99`.
    Lognormal {
        /// The 50th percentile.
        median: Micros,
        /// The 99th percentile; not below the median.
        p99: Micros,
    },
    /// As it was measured: quantiles at even steps, the first the shortest, the last the longest; between two of them
    /// everything is equally likely. Two to [`MAX_QUANTILES`], none below the one before it.
    Empirical(Rc<[Micros]>),
}

/// The standard normal's 99th percentile.
const Z99: f64 = 2.326_347_874_040_841;

impl Default for Dist {
    fn default() -> Dist {
        Dist::Constant(Micros::ZERO)
    }
}

impl Dist {
    /// One sample: two draws.
    #[inline]
    pub fn sample(&self, stream: &mut Stream) -> Micros {
        let (u, v) = (stream.unit(), stream.unit());
        match *self {
            Dist::Constant(span) => span,
            Dist::Uniform { min, max } => Micros::from_f64(min.0 as f64 + u * (max.0 as f64 - min.0 as f64)),
            Dist::Exponential { mean } => Micros::from_f64(-libm::log(1.0 - u) * mean.0 as f64),
            Dist::Lognormal { median, p99 } => {
                if median.0 == 0 {
                    return Micros::ZERO;
                }
                let sigma = libm::log(p99.0.max(median.0) as f64 / median.0 as f64) / Z99;
                // Box–Muller; 1 − u is never zero.
                let z = libm::sqrt(-2.0 * libm::log(1.0 - u)) * libm::cos(std::f64::consts::TAU * v);
                Micros::from_f64(median.0 as f64 * libm::exp(sigma * z))
            }
            Dist::Empirical(ref quantiles) => quantile(quantiles, u),
        }
    }

    /// The middle of the law, for layouts and words; not the mean.
    pub fn median(&self) -> Micros {
        match *self {
            Dist::Constant(span) => span,
            Dist::Uniform { min, max } => Micros((min.0 + max.0) / 2),
            Dist::Exponential { mean } => Micros::from_f64(mean.0 as f64 * std::f64::consts::LN_2),
            Dist::Lognormal { median, .. } => median,
            Dist::Empirical(ref quantiles) => quantile(quantiles, 0.5),
        }
    }

    /// What is wrong with these parameters, if anything.
    ///
    /// # Errors
    /// A sentence: a maximum below the minimum, a 99th percentile below the median, quantiles that fall.
    pub fn check(&self) -> Result<(), String> {
        match *self {
            Dist::Uniform { min, max } if max < min => Err(format!("max ({max}) is below min ({min})")),
            Dist::Lognormal { median, p99 } if p99 < median => {
                Err(format!("p99 ({p99}) is below the median ({median})"))
            }
            Dist::Lognormal { median: Micros(0), p99 } if p99.0 > 0 => {
                Err("a lognormal law needs a median above zero".to_owned())
            }
            Dist::Empirical(ref quantiles) if quantiles.len() < 2 || quantiles.len() > MAX_QUANTILES => {
                Err(format!("expected 2 to {MAX_QUANTILES} quantiles, found {}", quantiles.len()))
            }
            Dist::Empirical(ref quantiles) => match quantiles.windows(2).find(|pair| pair[1] < pair[0]) {
                Some(pair) => Err(format!("quantiles never fall, but {} stands after {}", pair[1], pair[0])),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

/// The value below which the share `u` of all is, between the quantiles in proportion.
fn quantile(quantiles: &[Micros], u: f64) -> Micros {
    let steps = quantiles.len().saturating_sub(1);
    let place = u * steps as f64;
    // `as` rounds down.
    let below = (place as usize).min(steps);
    let at = |place: usize| quantiles.get(place).map_or(0.0, |span| span.0 as f64);
    let (low, high) = (at(below), at((below + 1).min(steps)));
    Micros::from_f64(low + (place - below as f64) * (high - low))
}

impl std::fmt::Display for Dist {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Dist::Constant(span) => write!(f, "{span}"),
            Dist::Uniform { min, max } => write!(f, "{min} to {max}"),
            Dist::Exponential { mean } => write!(f, "exponential, mean {mean}"),
            Dist::Lognormal { median, p99 } => write!(f, "median {median}, p99 {p99}"),
            Dist::Empirical(quantiles) => {
                let (first, last) = (quantiles.first(), quantiles.last());
                let [shortest, longest] = [first, last].map(|span| span.copied().unwrap_or_default());
                write!(f, "measured, {shortest} to {longest}, median {}", self.median())
            }
        }
    }
}

impl std::hash::Hash for Dist {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let (tag, a, b) = match *self {
            Dist::Constant(span) => (0u8, span.0, 0),
            Dist::Uniform { min, max } => (1, min.0, max.0),
            Dist::Exponential { mean } => (2, mean.0, 0),
            Dist::Lognormal { median, p99 } => (3, median.0, p99.0),
            Dist::Empirical(ref quantiles) => return (4u8, quantiles).hash(state),
        };
        (tag, a, b).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Purpose;

    fn samples(dist: Dist) -> Vec<u64> {
        let mut stream = Stream::new(1, Purpose::Faults);
        let mut all: Vec<u64> = (0..100_000).map(|_| dist.sample(&mut stream).0).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn lognormal_has_the_median_and_p99_it_was_given() {
        let all = samples(Dist::Lognormal { median: Micros::ms(8), p99: Micros::ms(40) });
        // The standard error of a quantile q is √(q(1−q)/N)/f; three of them are 0.7 % at the median, 5 % at p99.
        assert!((all[50_000] as f64 / 8_000.0 - 1.0).abs() < 0.01);
        assert!((all[99_000] as f64 / 40_000.0 - 1.0).abs() < 0.05);
    }

    #[test]
    fn exponential_and_uniform_have_their_means() {
        let mean = |all: &[u64]| all.iter().sum::<u64>() as f64 / all.len() as f64;
        assert!((mean(&samples(Dist::Exponential { mean: Micros::ms(10) })) / 10_000.0 - 1.0).abs() < 0.01);
        let uniform = samples(Dist::Uniform { min: Micros::ms(2), max: Micros::ms(4) });
        assert!((mean(&uniform) / 3_000.0 - 1.0).abs() < 0.005);
        assert!(uniform[0] >= 2_000 && *uniform.last().unwrap() <= 4_000);
    }

    #[test]
    fn measured_quantiles_come_out_again() {
        let measured = [1_000, 2_000, 3_000, 4_000, 104_000].map(Micros);
        let all = samples(Dist::Empirical(measured.into()));
        assert!(all[0] >= 1_000 && *all.last().unwrap() <= 104_000);
        // Three standard errors of a quantile, √(q(1−q)/N)/f: 0.6 % of the quarter's width.
        for (place, quantile) in [(25_000, 2_000), (50_000, 3_000), (75_000, 4_000)] {
            assert!(all[place].abs_diff(quantile) < 30, "{} at {place}", all[place]);
        }
        // In the last quarter, evenly up to the longest.
        assert!(all[87_500].abs_diff(54_000) < 2_000, "{}", all[87_500]);
        assert_eq!(Dist::Empirical(measured.into()).median(), Micros(3_000));
        let wrong = |quantiles: &[u64]| Dist::Empirical(quantiles.iter().copied().map(Micros).collect()).check();
        assert_eq!(wrong(&[1, 1]), Ok(()));
        assert_eq!(wrong(&[7]).unwrap_err(), "expected 2 to 256 quantiles, found 1");
        assert!(wrong(&[0; 257]).is_err());
        assert_eq!(wrong(&[1, 9, 3]).unwrap_err(), "quantiles never fall, but 3us stands after 9us");
    }

    #[test]
    fn every_law_takes_two_draws() {
        let laws = [
            Dist::Constant(Micros(5)),
            Dist::Uniform { min: Micros(1), max: Micros(2) },
            Dist::Exponential { mean: Micros(9) },
            Dist::Lognormal { median: Micros(0), p99: Micros(0) },
            Dist::Lognormal { median: Micros(3), p99: Micros(9) },
            Dist::Empirical([Micros(1), Micros(2), Micros(9)].into()),
        ];
        for law in laws {
            let mut sampled = Stream::new(3, Purpose::Faults);
            let mut drawn = sampled.clone();
            law.sample(&mut sampled);
            drawn.bits();
            drawn.bits();
            assert_eq!(sampled, drawn, "{law}");
        }
    }
}
