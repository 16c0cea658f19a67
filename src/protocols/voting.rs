//! Voters: one output of several inputs that should say the same, so that a few of them may be wrong.
//!
//! Modules in three and a majority organ are von Neumann's («Probabilistic Logics and the Synthesis of Reliable Organisms
//! from Unreliable Components», 1956), their reliability is that of Lyons and Vanderkulk («The Use of Triple-Modular
//! Redundancy to Improve Computer Reliability», IBM Journal 6(2), 1962): with modules that are right with probability r
//! independently, two of three are with 3r² − 2r³. Mid-value select with a monitor that leaves out a channel which has
//! been far from the selected value for some time is how flight controls vote (Osder, «Practical View of Redundancy
//! Management Application and Theory», Journal of Guidance, Control, and Dynamics 22(1), 1999).
//!
//! An exact majority needs inputs that are the same to the last bit: right for computers that work in step at the same
//! numbers, wrong for sensors, of which no two agree. A median needs no such thing: with fewer than half of the inputs
//! lying it lies between two honest ones. A mean is moved by any one of them.

use crate::sim::{NodeId, Table};

use super::{Family, Form, Wire};

/// How many inputs a voter has at most; of more it takes the first.
pub const MAX_INPUTS: usize = 64;
/// How many rounds a voter collects at once; of more the oldest is given up.
pub const MAX_ROUNDS: usize = 16;

crate::choice! {
    /// How a voter comes to its output.
    pub enum Rule {
        /// What more than half of all inputs say, to the last bit; otherwise nothing.
        Exact = "exact-majority",
        /// The one in the middle; of an even number the mean of the two in the middle.
        Median = "median",
        /// The one in the middle of those that have not been left out for being far off for too long.
        MidValue = "mid-value-select",
        /// The mean: a mistake, since one input can move it anywhere.
        Mean = "mean",
    }
}

/// A sample of what is measured, or an output of a voter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sample {
    /// Counts the samples: those of one round are compared.
    pub round: u64,
    /// What it says.
    pub value: i64,
}

impl Wire for Sample {
    const FAMILY: Family = Family::Work;
    fn name(&self) -> &'static str {
        "Sample"
    }
    fn form(&self) -> Form {
        Form::Request
    }
    fn bytes(&self) -> u32 {
        24
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("round", self.round.to_string()), ("value", self.value.to_string())]
    }
    fn spoil(&mut self, luck: u64) -> bool {
        // Far off, either way, and never the same.
        let far = 1_000 + (luck % 9_000) as i64;
        self.value = self.value.saturating_add(if luck & 1 == 0 { far } else { -far });
        true
    }
}

/// What is told of a vote, for checks and the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// A sensor has measured.
    Sensed {
        /// The round.
        round: u64,
        /// What it read.
        reading: i64,
        /// What it says.
        said: i64,
    },
    /// A voter has heard all that it will hear of a round.
    Heard {
        /// The round.
        round: u64,
        /// How many of its inputs are missing.
        missing: u32,
        /// How many inputs it has.
        of: u32,
    },
    /// A voter that nobody stands behind acts.
    Acted {
        /// The round.
        round: u64,
        /// On this; on nothing where no value had a majority.
        value: Option<i64>,
    },
}

impl Told {
    /// Its name in conditions.
    pub fn name(&self) -> &'static str {
        match self {
            Told::Sensed { .. } => "sensed",
            Told::Heard { .. } => "heard",
            Told::Acted { .. } => "acted",
        }
    }
    /// What the node does by it.
    pub fn sentence(&self) -> String {
        match self {
            Told::Sensed { round, reading, said } if reading == said => format!("reads {reading} in round {round}"),
            Told::Sensed { round, reading, said } => format!("reads {reading} in round {round}, and says {said}"),
            Told::Heard { round, missing: 0, .. } => format!("has heard everyone in round {round}"),
            Told::Heard { round, missing, of } => format!("misses {missing} of {of} in round {round}"),
            Told::Acted { round, value: Some(value) } => format!("acts on {value} in round {round}"),
            Told::Acted { round, value: None } => format!("has no majority in round {round}"),
        }
    }
}

/// What more than half of `of` inputs say.
pub fn majority(values: &[i64], of: usize) -> Option<i64> {
    let count = |value: i64| values.iter().filter(|other| **other == value).count();
    values.iter().copied().find(|value| 2 * count(*value) > of)
}

/// The one in the middle; of an even number the mean of the two in the middle, rounded towards the lower.
pub fn median(values: &[i64]) -> Option<i64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    // No overflow, whatever the two are.
    Some((i128::from(lower) + i128::from(upper)).div_euclid(2) as i64)
}

/// The mean, rounded towards the lower.
pub fn mean(values: &[i64]) -> Option<i64> {
    let sum: i128 = values.iter().copied().map(i128::from).sum();
    (!values.is_empty()).then(|| sum.div_euclid(values.len() as i128) as i64)
}

/// What can be set about a monitor.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    /// How far from the selected value an input may be.
    pub apart: i64,
    /// For how many rounds in a row it may be farther before it is left out.
    pub rounds: u32,
}

/// Mid-value select: the median of those inputs that were not left out; and whoever has been far off for too long, while
/// most were not, is left out from then on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MidValue {
    /// For how many rounds each has been far off.
    off: Table<NodeId, u32>,
    out: Vec<NodeId>,
}

impl MidValue {
    /// Whom it does not listen to any more.
    pub fn out(&self) -> &[NodeId] {
        &self.out
    }
    /// Selects of a round's inputs. Of two that are left and far apart neither can be told to be wrong: nothing.
    pub fn select(&mut self, inputs: &[(NodeId, i64)], tolerance: Tolerance) -> Option<i64> {
        let in_use: Vec<(NodeId, i64)> = inputs.iter().copied().filter(|(who, _)| !self.out.contains(who)).collect();
        let values: Vec<i64> = in_use.iter().map(|(_, value)| *value).collect();
        let selected = median(&values)?;
        let far = |value: i64| value.abs_diff(selected) > tolerance.apart.unsigned_abs();
        if let [one, other] = values[..]
            && one.abs_diff(other) > tolerance.apart.unsigned_abs()
        {
            return None;
        }
        // Where most are far off, nobody can tell who is wrong.
        let told_apart = 2 * values.iter().filter(|value| far(**value)).count() < values.len();
        for (who, value) in in_use.iter().filter(|_| told_apart) {
            if !far(*value) {
                self.off.remove(who);
                continue;
            }
            let off = self.off.or_default(*who);
            *off += 1;
            if *off > tolerance.rounds {
                self.out.push(*who);
                self.off.remove(who);
            }
        }
        Some(selected)
    }
}

/// Chooses the output of a round; `of` is how many inputs there should be.
pub fn vote(
    rule: Rule,
    inputs: &[(NodeId, i64)],
    of: usize,
    state: &mut MidValue,
    tolerance: Tolerance,
) -> Option<i64> {
    let values: Vec<i64> = inputs.iter().map(|(_, value)| *value).collect();
    match rule {
        Rule::Exact => majority(&values, of),
        Rule::Median => median(&values),
        Rule::MidValue => state.select(inputs, tolerance),
        Rule::Mean => mean(&values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Purpose, Stream};

    #[test]
    fn one_liar_of_three_moves_a_mean_and_no_median_or_majority() {
        for lie in [i64::MIN, -1, 0, 99, 101, i64::MAX] {
            let heard = [100, lie, 100];
            assert_eq!((majority(&heard, 3), median(&heard)), (Some(100), Some(100)));
        }
        assert_eq!(mean(&[100, 100, 400]), Some(200));
        assert_eq!(majority(&[100, 101, 102], 3), None, "honest sensors never agree to the last bit");
        assert_eq!(majority(&[100, 100], 5), None, "two are no majority of five");
        assert_eq!((median(&[]), mean(&[]), majority(&[], 0)), (None, None, None));
        assert_eq!(
            (median(&[1, 4]), median(&[-4, -1]), mean(&[i64::MAX, i64::MAX])),
            (Some(2), Some(-3), Some(i64::MAX))
        );
    }

    #[test]
    fn with_fewer_than_half_lying_a_median_lies_between_two_honest_inputs() {
        let mut luck = Stream::new(1, Purpose::Faults);
        for round in 0..2_000u64 {
            let n = 1 + 2 * luck.below(5) as usize;
            let liars = luck.below(n as u64 / 2 + 1) as usize;
            let mut heard: Vec<i64> = (0..n - liars).map(|_| 1_000 + luck.below(20) as i64).collect();
            let (low, high) = (*heard.iter().min().expect("one"), *heard.iter().max().expect("one"));
            heard.extend((0..liars).map(|_| luck.bits() as i64));
            let median = median(&heard).expect("one");
            assert!((low..=high).contains(&median), "round {round}: {median} of {heard:?}");
        }
    }

    #[test]
    fn mid_value_select_leaves_out_who_is_far_off_for_too_long() {
        let (mut state, tolerance) = (MidValue::default(), Tolerance { apart: 10, rounds: 2 });
        let round = |a, b, c| [(NodeId(1), a), (NodeId(2), b), (NodeId(3), c)];
        for _ in 0..2 {
            assert_eq!(state.select(&round(100, 500, 104), tolerance), Some(104));
            assert_eq!(state.out(), []);
        }
        assert_eq!(state.select(&round(100, 105, 104), tolerance), Some(104), "it is well again");
        for _ in 0..3 {
            state.select(&round(100, 500, 104), tolerance);
        }
        assert_eq!(state.out(), [NodeId(2)]);
        assert_eq!(state.select(&round(100, 500, 104), tolerance), Some(102), "the mean of the two that are left");
        assert_eq!(state.select(&round(100, 100, 300), tolerance), None, "and those two differ");
    }

    /// How probable it is that a voter's output is right, if each of `n` inputs is with probability `r` independently and
    /// no two wrong ones are alike: every pattern of right and wrong, voted on.
    fn reliability(n: u32, r: f64) -> f64 {
        let pattern = |pattern: u32| {
            let right = |place: u32| pattern >> place & 1 == 1;
            let heard: Vec<i64> = (0..n).map(|place| if right(place) { 0 } else { i64::from(place) + 1 }).collect();
            let weight: f64 = (0..n).map(|place| if right(place) { r } else { 1.0 - r }).product();
            if majority(&heard, n as usize) == Some(0) { weight } else { 0.0 }
        };
        (0..1 << n).map(pattern).sum()
    }

    #[test]
    fn the_published_reliabilities() {
        let near = |found: f64, right: f64| assert!((found - right).abs() < 1e-10, "{found}, not {right}");
        near(reliability(3, 0.9), 0.972);
        near(reliability(5, 0.99), 0.9999901494);
        for r in [0.0, 0.3, 0.5, 0.77, 1.0] {
            near(reliability(3, r), 3.0 * r * r - 2.0 * r * r * r);
        }
        // Exponential modules of mean life 1: three and one are equally good at ln 2, and three are worse after it.
        let (three, one) = (|t: f64| reliability(3, libm::exp(-t)), |t: f64| libm::exp(-t));
        near(three(core::f64::consts::LN_2), 0.5);
        assert!(three(0.69) > one(0.69) && three(0.70) < one(0.70));
        // The mean life of three is the integral of their reliability: 5/6.
        let step = 1e-2;
        let mean: f64 = (0..4_000).map(|place| three((f64::from(place) + 0.5) * step) * step).sum();
        assert!((mean - 5.0 / 6.0).abs() < 1e-4, "{mean}");
    }
}
