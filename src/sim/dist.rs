//! How long something takes: the laws that a document may name, sampled with `libm` only (the standard library's
//! logarithm and exponential differ in their last bits between native code and wasm).

use std::rc::Rc;

use super::{Micros, Plain, Stream};

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
    /// Several exponential phases one after another (Erlang): 1 is exponential, many are nearly constant.
    Erlang {
        /// How many phases; 1 to [`MAX_SHAPE`].
        shape: u32,
        /// The mean of all together.
        mean: Micros,
    },
    /// One of two exponential laws, the one often and short, the other seldom and long, with balanced means: either
    /// makes half of the whole.
    Hyperexponential {
        /// The mean.
        mean: Micros,
        /// The squared coefficient of variation; from 1, which is exponential.
        cv2: f64,
    },
    /// A share that falls as a power: P(X > x) = (min/x)^shape; cut off and made whole again at `max`, if that is given.
    Pareto {
        /// The shortest.
        min: Micros,
        /// The exponent: the smaller, the heavier the tail; up to 1 the mean is infinite without `max`.
        shape: f64,
        /// The longest; none for no end.
        max: Option<Micros>,
    },
    /// P(X > x) = exp(−(x/scale)^shape): below 1 heavier than exponential, above 1 lighter.
    Weibull {
        /// What 63 % are below.
        scale: Micros,
        /// The exponent.
        shape: f64,
    },
    /// Normally distributed; what would be below zero is as far above it.
    Normal {
        /// The mean.
        mean: Micros,
        /// The standard deviation.
        sd: Micros,
    },
    /// Sometimes the one law, sometimes another, in these shares of their sum: «10 ms, but 1 s for one in a hundred».
    Mixture(Rc<[(f64, Dist)]>),
    /// Always this much, and then what the law says.
    Shifted {
        /// How much is added.
        by: Micros,
        /// To what.
        law: Rc<Dist>,
    },
}

/// How many phases an Erlang law may have.
pub const MAX_SHAPE: u32 = 1_000;
/// How many laws a mixture may have.
pub const MAX_PARTS: usize = 32;
/// How deep laws may stand in one another.
const MAX_INSIDE: u32 = 4;

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
        if let Dist::Erlang { .. } | Dist::Hyperexponential { .. } | Dist::Mixture(_) | Dist::Shifted { .. } = self {
            return self.compound(stream);
        }
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
                Micros::from_f64(median.0 as f64 * libm::exp(sigma * normal(u, v)))
            }
            Dist::Empirical(ref quantiles) => quantile(quantiles, u),
            Dist::Pareto { min, shape, max } => {
                let beyond = max.map_or(0.0, |max| libm::pow(min.0 as f64 / max.0.max(1) as f64, shape));
                Micros::from_f64(min.0 as f64 * libm::pow(1.0 - u * (1.0 - beyond), -1.0 / shape))
            }
            Dist::Weibull { scale, shape } => {
                Micros::from_f64(scale.0 as f64 * libm::pow(-libm::log(1.0 - u), 1.0 / shape))
            }
            Dist::Normal { mean, sd } => Micros::from_f64(libm::fabs(mean.0 as f64 + sd.0 as f64 * normal(u, v))),
            _ => Micros::ZERO,
        }
    }

    /// A sample of a law that is made of others: one draw, and a stream of its own from another.
    fn compound(&self, stream: &mut Stream) -> Micros {
        let (u, mut rest) = (stream.unit(), stream.fork());
        let exponential = |u: f64| -libm::log(1.0 - u);
        match self {
            Dist::Erlang { shape, mean } => {
                let phases: f64 = (0..*shape).map(|_| exponential(rest.unit())).sum();
                Micros::from_f64(phases * mean.0 as f64 / f64::from(*shape))
            }
            Dist::Hyperexponential { mean, cv2 } => {
                let often = (1.0 + libm::sqrt((cv2 - 1.0) / (cv2 + 1.0))) / 2.0;
                let share = if rest.unit() < often { often } else { 1.0 - often };
                Micros::from_f64(exponential(u) * mean.0 as f64 / (2.0 * share))
            }
            Dist::Mixture(parts) => {
                let whole: f64 = parts.iter().map(|(share, _)| share).sum();
                let mut left = u * whole;
                for (share, law) in parts.iter() {
                    left -= share;
                    if left < 0.0 {
                        return law.sample(&mut rest);
                    }
                }
                // What rounding has left over.
                parts.last().map_or(Micros::ZERO, |(_, law)| law.sample(&mut rest))
            }
            Dist::Shifted { by, law } => *by + law.sample(&mut rest),
            _ => Micros::ZERO,
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
            // From there on it is nearly symmetric (Wilson and Hilferty).
            Dist::Erlang { shape, mean } => {
                let third = 1.0 - 1.0 / (9.0 * f64::from(shape));
                Micros::from_f64(mean.0 as f64 * third * third * third)
            }
            // Of the branch that is taken often.
            Dist::Hyperexponential { mean, cv2 } => {
                let often = (1.0 + libm::sqrt((cv2 - 1.0) / (cv2 + 1.0))) / 2.0;
                Micros::from_f64(mean.0 as f64 / (2.0 * often) * std::f64::consts::LN_2)
            }
            Dist::Pareto { min, shape, max } => {
                let median = Micros::from_f64(min.0 as f64 * libm::pow(2.0, 1.0 / shape));
                max.map_or(median, |max| median.min(max))
            }
            Dist::Weibull { scale, shape } => {
                Micros::from_f64(scale.0 as f64 * libm::pow(std::f64::consts::LN_2, 1.0 / shape))
            }
            Dist::Normal { mean, .. } => mean,
            // Of the law that is most often meant.
            Dist::Mixture(ref parts) => {
                let most = parts.iter().reduce(|most, part| if part.0 > most.0 { part } else { most });
                most.map_or(Micros::ZERO, |(_, law)| law.median())
            }
            Dist::Shifted { by, ref law } => by + law.median(),
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
            _ => self.check_inside(MAX_INSIDE),
        }
    }

    fn check_inside(&self, deep: u32) -> Result<(), String> {
        // Not a number is out of every range.
        let within = |name: &str, number: f64, least: f64, most: f64| {
            let told = || {
                format!("{name}: expected a number from {} to {}, found {}", Plain(least), Plain(most), Plain(number))
            };
            if (least..=most).contains(&number) { Ok(()) } else { Err(told()) }
        };
        let inside = |law: &Dist| {
            if deep == 0 {
                Err("laws stand too deep in one another".to_owned())
            } else {
                match law {
                    Dist::Mixture(_) | Dist::Shifted { .. } => law.check_inside(deep - 1),
                    simple => simple.check(),
                }
            }
        };
        match self {
            Dist::Erlang { shape, .. } => within("shape", f64::from(*shape), 1.0, f64::from(MAX_SHAPE)),
            Dist::Hyperexponential { cv2, .. } => within("cv2", *cv2, 1.0, 1e6),
            Dist::Pareto { min, max: Some(max), .. } if max < min => Err(format!("max ({max}) is below min ({min})")),
            Dist::Pareto { shape, .. } | Dist::Weibull { shape, .. } => within("shape", *shape, 0.05, 100.0),
            Dist::Mixture(parts) if parts.is_empty() || parts.len() > MAX_PARTS => {
                Err(format!("expected 1 to {MAX_PARTS} laws, found {}", parts.len()))
            }
            Dist::Mixture(parts) => {
                parts
                    .iter()
                    .try_for_each(|(share, law)| within("share", *share, 0.0, 1e9).and_then(|()| inside(law)))?;
                within("the sum of the shares", parts.iter().map(|(share, _)| share).sum(), 1e-9, 1e12)
            }
            Dist::Shifted { law, .. } => inside(law),
            _ => Ok(()),
        }
    }
}

/// A standard normal number (Box and Muller 1958); 1 − u is never zero.
fn normal(u: f64, v: f64) -> f64 {
    libm::sqrt(-2.0 * libm::log(1.0 - u)) * libm::cos(std::f64::consts::TAU * v)
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
            Dist::Erlang { shape, mean } => write!(f, "Erlang-{shape}, mean {mean}"),
            Dist::Hyperexponential { mean, cv2 } => write!(f, "hyperexponential, mean {mean}, c² {}", Plain(*cv2)),
            Dist::Pareto { min, shape, max } => {
                write!(f, "Pareto, from {min}, shape {}", Plain(*shape))?;
                max.map_or(Ok(()), |max| write!(f, ", up to {max}"))
            }
            Dist::Weibull { scale, shape } => write!(f, "Weibull, scale {scale}, shape {}", Plain(*shape)),
            Dist::Normal { mean, sd } => write!(f, "normal, mean {mean}, deviation {sd}"),
            Dist::Mixture(parts) => {
                for (place, (share, law)) in parts.iter().enumerate() {
                    write!(f, "{}{} of ({law})", if place == 0 { "" } else { ", " }, Plain(*share))?;
                }
                Ok(())
            }
            Dist::Shifted { by, law } => write!(f, "{by} and then {law}"),
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
            Dist::Erlang { shape, mean } => (5, u64::from(shape), mean.0),
            Dist::Hyperexponential { mean, cv2 } => (6, mean.0, cv2.to_bits()),
            Dist::Pareto { min, shape, max } => return (7u8, min, shape.to_bits(), max).hash(state),
            Dist::Weibull { scale, shape } => (8, scale.0, shape.to_bits()),
            Dist::Normal { mean, sd } => (9, mean.0, sd.0),
            Dist::Mixture(ref parts) => {
                (10u8, parts.len()).hash(state);
                return parts.iter().for_each(|(share, law)| (share.to_bits(), law).hash(state));
            }
            Dist::Shifted { by, ref law } => return (11u8, by, law).hash(state),
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
    fn laws_have_the_moments_of_their_textbooks() {
        let second = |n: u64| Micros::secs(n);
        let rare = [(0.99, Dist::Constant(Micros::ms(10))), (0.01, Dist::Constant(second(1)))];
        let exponential = || Dist::Exponential { mean: second(1) }.into();
        // Law, mean in seconds, variance in seconds squared.
        let expected = [
            (Dist::Erlang { shape: 2, mean: second(1) }, 1.0, 0.5),
            (Dist::Erlang { shape: 100, mean: second(2) }, 2.0, 0.04),
            (Dist::Hyperexponential { mean: second(1), cv2: 4.0 }, 1.0, 4.0),
            (Dist::Hyperexponential { mean: second(1), cv2: 1.0 }, 1.0, 1.0),
            // αm/(α−1), and αm²/((α−1)²(α−2)).
            (Dist::Pareto { min: second(1), shape: 6.0, max: None }, 1.2, 0.06),
            // Up to 10 with shape 1: ln 10 / 0.9, and 10 less the square of that.
            (Dist::Pareto { min: second(1), shape: 1.0, max: Some(second(10)) }, 2.558_428, 3.454_446),
            // Shape 1/2: 2·scale, and 20·scale².
            (Dist::Weibull { scale: second(1), shape: 0.5 }, 2.0, 20.0),
            (Dist::Normal { mean: second(10), sd: second(2) }, 10.0, 4.0),
            (Dist::Mixture(rare.into()), 0.0199, 0.009_703),
            (Dist::Shifted { by: second(3), law: exponential() }, 4.0, 1.0),
        ];
        for (law, mean, variance) in expected {
            let all = samples(law.clone());
            let count = all.len() as f64;
            let ours = all.iter().sum::<u64>() as f64 / count / 1e6;
            // Three standard errors of a mean.
            assert!((ours - mean).abs() < 3.0 * (variance / count).sqrt(), "{law}: mean {ours}");
            let squares: f64 = all.iter().map(|us| (*us as f64 / 1e6 - ours) * (*us as f64 / 1e6 - ours)).sum();
            // The heaviest tail here has a kurtosis of 87: three standard errors of its variance are 9 %.
            assert!((squares / count / variance - 1.0).abs() < 0.09, "{law}: variance {}", squares / count);
            assert_eq!(law.check(), Ok(()));
        }
    }

    #[test]
    fn laws_that_cannot_be_are_refused_with_a_sentence() {
        let deep = (0..9).fold(Dist::default(), |law, _| Dist::Shifted { by: Micros(1), law: law.into() });
        for (law, told) in [
            (Dist::Erlang { shape: 0, mean: Micros(1) }, "shape: expected a number from 1 to 1000, found 0"),
            (
                Dist::Hyperexponential { mean: Micros(1), cv2: 0.5 },
                "cv2: expected a number from 1 to 1000000, found 0.5",
            ),
            (
                Dist::Weibull { scale: Micros(1), shape: f64::NAN },
                "shape: expected a number from 0.05 to 100, found NaN",
            ),
            (Dist::Pareto { min: Micros(9), shape: 1.0, max: Some(Micros(1)) }, "max (1us) is below min (9us)"),
            (Dist::Mixture([].into()), "expected 1 to 32 laws, found 0"),
            (
                Dist::Mixture([(0.0, Dist::default())].into()),
                "the sum of the shares: expected a number from 0.000000001 to 1000000000000, found 0",
            ),
            (Dist::Mixture([(1.0, Dist::Empirical([].into()))].into()), "expected 2 to 256 quantiles, found 0"),
            (deep, "laws stand too deep in one another"),
        ] {
            assert_eq!(law.check(), Err(told.to_owned()));
        }
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
            Dist::Erlang { shape: 7, mean: Micros(9) },
            Dist::Hyperexponential { mean: Micros(9), cv2: 4.0 },
            Dist::Pareto { min: Micros(9), shape: 1.5, max: None },
            Dist::Weibull { scale: Micros(9), shape: 0.5 },
            Dist::Normal { mean: Micros(9), sd: Micros(2) },
            Dist::Mixture([(0.9, Dist::Constant(Micros(1))), (0.1, Dist::Constant(Micros(9)))].into()),
            Dist::Shifted { by: Micros(1), law: Dist::Exponential { mean: Micros(9) }.into() },
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
