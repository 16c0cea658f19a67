//! How long something takes: the laws that a document may name, sampled with `libm` only (the standard library's
//! logarithm and exponential differ in their last bits between native code and wasm).

use super::{Micros, Stream};

/// A law for a length of time. Each sample takes exactly two draws from its stream, whatever the law and its
/// parameters, so that moving a dial does not shift anything else.
#[derive(Clone, Copy, Debug, PartialEq)]
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
        }
    }

    /// The middle of the law, for layouts and words; not the mean.
    pub fn median(&self) -> Micros {
        match *self {
            Dist::Constant(span) => span,
            Dist::Uniform { min, max } => Micros((min.0 + max.0) / 2),
            Dist::Exponential { mean } => Micros::from_f64(mean.0 as f64 * std::f64::consts::LN_2),
            Dist::Lognormal { median, .. } => median,
        }
    }

    /// What is wrong with these parameters, if anything.
    ///
    /// # Errors
    /// A sentence: a maximum below the minimum, a 99th percentile below the median.
    pub fn check(&self) -> Result<(), String> {
        match *self {
            Dist::Uniform { min, max } if max < min => Err(format!("max ({max}) is below min ({min})")),
            Dist::Lognormal { median, p99 } if p99 < median => {
                Err(format!("p99 ({p99}) is below the median ({median})"))
            }
            Dist::Lognormal { median: Micros(0), p99 } if p99.0 > 0 => {
                Err("a lognormal law needs a median above zero".to_owned())
            }
            _ => Ok(()),
        }
    }
}

impl std::fmt::Display for Dist {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Dist::Constant(span) => write!(f, "{span}"),
            Dist::Uniform { min, max } => write!(f, "{min} to {max}"),
            Dist::Exponential { mean } => write!(f, "exponential, mean {mean}"),
            Dist::Lognormal { median, p99 } => write!(f, "median {median}, p99 {p99}"),
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
    fn every_law_takes_two_draws() {
        let laws = [
            Dist::Constant(Micros(5)),
            Dist::Uniform { min: Micros(1), max: Micros(2) },
            Dist::Exponential { mean: Micros(9) },
            Dist::Lognormal { median: Micros(0), p99: Micros(0) },
            Dist::Lognormal { median: Micros(3), p99: Micros(9) },
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
