//! The φ accrual failure detector: not «dead or alive» but how sure one can be (Hayashibara, Défago, Yared and Katayama,
//! «The φ Accrual Failure Detector», SRDS 2004).
//!
//! It keeps the times between the last heartbeats, takes them as normally distributed, and gives for a silence of t
//!
//! φ(t) = −log₁₀ P(the next heartbeat comes later than t),
//!
//! so that whoever acts at φ = 1 is wrong in one case of ten, at φ = 2 in one of a hundred, if the law is right. Who acts
//! at a threshold acts after a silence of mean + z · deviation, z the normal law's quantile of 10^−φ; this is what a host
//! sets its timer to, so that it need not look again and again.
//!
//! Simpler than there: no distinction between the time since the last heartbeat and its delay; a window of intervals, its
//! mean and its deviation, which never counts as less than a floor, since a link without any jitter would be trusted to
//! the microsecond.

use std::collections::VecDeque;

use crate::sim::Micros;

/// How many intervals a window holds at most.
pub const MAX_WINDOW: usize = 1_000;

/// The last intervals between heartbeats, in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Window {
    intervals: VecDeque<u32>,
    sum: u64,
    squares: u128,
}

impl Window {
    /// A window that holds a guess: two intervals, a quarter below and a quarter above the one expected.
    pub fn new(expected: Micros) -> Window {
        let mut window = Window::default();
        window.push(Micros(expected.0 - expected.0 / 4), 2);
        window.push(Micros(expected.0 + expected.0 / 4), 2);
        window
    }

    /// A heartbeat has come, so long after the one before. The window keeps the last `size`.
    pub fn push(&mut self, interval: Micros, size: usize) {
        let interval = u32::try_from(interval.0).unwrap_or(u32::MAX);
        while self.intervals.len() >= size.clamp(1, MAX_WINDOW) {
            let Some(oldest) = self.intervals.pop_front() else { break };
            self.sum -= u64::from(oldest);
            self.squares -= u128::from(oldest) * u128::from(oldest);
        }
        self.intervals.push_back(interval);
        self.sum += u64::from(interval);
        self.squares += u128::from(interval) * u128::from(interval);
    }

    /// Mean and deviation in microseconds. The sums are whole numbers, so that nothing drifts.
    pub fn mean_and_deviation(&self) -> (f64, f64) {
        let count = self.intervals.len().max(1) as f64;
        let mean = self.sum as f64 / count;
        let variance = self.squares as f64 / count - mean * mean;
        (mean, libm::sqrt(variance.max(0.0)))
    }

    /// φ after a silence.
    pub fn phi(&self, silence: Micros, floor: Micros) -> f64 {
        let (mean, deviation) = self.mean_and_deviation();
        let z = (silence.0 as f64 - mean) / deviation.max(floor.0.max(1) as f64);
        -libm::log10(later(z))
    }

    /// After how long a silence φ comes to the threshold.
    pub fn patience(&self, threshold: f64, floor: Micros) -> Micros {
        let (mean, deviation) = self.mean_and_deviation();
        Micros::from_f64(mean + quantile(threshold) * deviation.max(floor.0.max(1) as f64))
    }
}

/// P(Z > z) of the standard normal law.
fn later(z: f64) -> f64 {
    libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2) / 2.0
}

/// The z for which −log₁₀ P(Z > z) is φ, from 0 to 300, by halving.
fn quantile(phi: f64) -> f64 {
    let (mut low, mut high) = (-1.0, 38.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if -libm::log10(later(middle)) < phi { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_laws_quantiles_as_every_table_has_them() {
        // P(Z > 1.2816) = 0.1, P(Z > 2.3263) = 0.01, P(Z > 3.0902) = 0.001, P(Z > 5.6120) = 1e-8.
        for (phi, z) in [(1.0, 1.2816), (2.0, 2.3263), (3.0, 3.0902), (8.0, 5.6120)] {
            assert!((quantile(phi) - z).abs() < 1e-4, "φ = {phi}: {}", quantile(phi));
        }
    }

    #[test]
    fn whoever_acts_at_the_patience_acts_at_the_threshold() {
        let mut window = Window::new(Micros::ms(500));
        for n in 0..200 {
            window.push(Micros::ms(480 + n % 5 * 10), 100);
        }
        let (mean, deviation) = window.mean_and_deviation();
        assert_eq!((mean, libm::round(deviation)), (500_000.0, 14_142.0));
        let patience = window.patience(8.0, Micros::ZERO);
        // 500 ms + 5.612 · 14.142 ms.
        assert_eq!(patience.0 / 100, 5_793);
        let phi = window.phi(patience, Micros::ZERO);
        assert!((phi - 8.0).abs() < 0.01, "{phi}");
        // A steadier link is trusted no more than the floor says.
        assert_eq!(window.patience(8.0, Micros::ms(50)).0 / 100, 7_806);
    }

    #[test]
    fn an_old_outlier_leaves_the_window() {
        let mut window = Window::new(Micros::ms(100));
        window.push(Micros::secs(5), 10);
        assert!(window.patience(3.0, Micros::ms(1)) > Micros::secs(5));
        for _ in 0..10 {
            window.push(Micros::ms(100), 10);
        }
        assert_eq!(window.mean_and_deviation(), (100_000.0, 0.0));
    }
}
