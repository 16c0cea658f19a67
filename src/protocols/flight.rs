//! Fly-by-wire in three lanes: an aircraft that would not stay upright by itself, and what keeps it there.
//!
//! Modules in three, with a voter before each stage and not only at the end, are those of Lyons and Vanderkulk («The Use
//! of Triple-Modular Redundancy to Improve Computer Reliability», IBM Journal 6(2), 1962): with s stages of modules that
//! are right with probability r, (3r² − 2r³)ˢ of all missions end well, and where three lanes stand side by side and are
//! voted on once, 3r²ˢ − 2r³ˢ. Unlike programs against a common mistake are Avižienis' («The N-Version Approach to
//! Fault-Tolerant Software», IEEE TSE 11(12), 1985), and in the air those of the Boeing 777 (Yeh, «Triple-Triple Redundant
//! 777 Primary Flight Computer», IEEE Aerospace Applications Conference, 1996).
//!
//! Simpler than there: one axis, one law of control with one gain, thousandths of a degree as whole numbers, and a step a
//! round. The numbers are those of an aircraft that is unstable in pitch: left alone, it goes a tenth further off each
//! round.

use crate::sim::{NodeId, Table};

use super::voting::MAX_ROUNDS;

/// How far the surface can be turned either way, in thousandths of a degree.
pub const TRAVEL: i64 = 20_000;
/// How far the nose may be up or down.
pub const ENVELOPE: i64 = 30_000;
/// The most that pitch is told as.
const UPRIGHT: i64 = 90_000;

/// What the surface must do in this round for the nose to go half of the way from `pitch` to where it is wanted.
pub fn law(wish: i64, pitch: i64) -> i64 {
    // The next pitch is 1.1 × pitch + surface; it is to be wish + (pitch − wish) ÷ 2.
    ((5 * wish - 6 * pitch) / 10).clamp(-TRAVEL, TRAVEL)
}

/// The pitch one round later, with the surface so and a gust.
pub fn airframe(pitch: i64, surface: i64, gust: i64) -> i64 {
    (pitch + pitch / 10 + surface + gust).clamp(-UPRIGHT, UPRIGHT)
}

/// Which of three lanes a part belongs to: groups of three stand one after another.
pub fn lane(node: NodeId) -> u32 {
    node.0 % 3
}

/// What came of a sample that was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// It is the first of its round.
    pub first: bool,
    /// This round was given up for it.
    pub dropped: Option<u64>,
    /// It is the last that its round waits for.
    pub last: bool,
}

/// The samples of rounds that are not over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rounds {
    open: Table<u64, Vec<(NodeId, i64)>>,
    closed: Option<u64>,
}

impl Rounds {
    /// Takes a sample; `of` are waited for. Who is late, or speaks twice, is not heard.
    pub fn take(&mut self, round: u64, from: NodeId, value: i64, of: usize) -> Taken {
        let mut taken = Taken::default();
        if self.closed.is_some_and(|closed| round <= closed) {
            return taken;
        }
        if !self.open.contains_key(&round) {
            taken.first = true;
            taken.dropped = self.open.keys().next().copied().filter(|_| self.open.len() >= MAX_ROUNDS);
            if let Some(oldest) = &taken.dropped {
                self.open.remove(oldest);
            }
        }
        let heard = self.open.or_default(round);
        if heard.iter().all(|(who, _)| *who != from) {
            heard.push((from, value));
            taken.last = heard.len() >= of;
        }
        taken
    }
    /// A round is over: everything that was heard, by who said it. Of a round that nobody spoke in, nothing.
    pub fn close(&mut self, round: u64) -> Vec<(NodeId, i64)> {
        let mut heard = self.open.remove(&round).unwrap_or_default();
        self.closed = self.closed.max(Some(round));
        heard.sort_unstable();
        heard
    }
    /// Forgets rounds up to this one.
    pub fn forget(&mut self, round: u64) {
        self.open.retain(|open, _| *open > round);
        self.closed = self.closed.max(Some(round));
    }
}

/// What is told of a flight, for checks and the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// A flight computer commands.
    Commanded {
        /// The round.
        round: u64,
        /// The pitch that it was told to hold.
        wish: i64,
        /// The pitch that it chose of its sensors' samples.
        pitch: i64,
        /// What it commands.
        command: i64,
        /// Of how many of its sensors it did not hear.
        missing: u32,
        /// Whether it is known to be broken.
        broken: bool,
    },
    /// An actuator pushes.
    Pushed {
        /// The round.
        round: u64,
        /// Where to.
        position: i64,
        /// Of how many of its computers it did not hear.
        missing: u32,
        /// Whether it is known to be broken.
        broken: bool,
    },
    /// The surface stands where the actuators pushed it.
    Deflected {
        /// The round.
        round: u64,
        /// Where; nothing where too few pushed, and it stays where it was.
        surface: Option<i64>,
        /// How many actuators did not push.
        missing: u32,
    },
    /// The aircraft is out of the envelope.
    Departed,
}

/// Thousandths of a degree, for people.
pub fn degrees(thousandths: i64) -> String {
    let tenths = thousandths / 100;
    let (sign, size) = (if tenths < 0 { "−" } else { "" }, tenths.unsigned_abs());
    format!("{sign}{}.{}°", size / 10, size % 10)
}

impl Told {
    /// Its name in conditions.
    pub fn name(&self) -> &'static str {
        match self {
            Told::Commanded { .. } => "commanded",
            Told::Pushed { .. } => "pushed",
            Told::Deflected { .. } => "deflected",
            Told::Departed => "departed",
        }
    }
    /// What the node does by it.
    pub fn sentence(&self) -> String {
        let without = |missing: u32| if missing > 0 { format!(", without {missing}") } else { String::new() };
        match self {
            Told::Commanded { round, pitch, command, missing, .. } => {
                let (pitch, command) = (degrees(*pitch), degrees(*command));
                format!("holds the pitch for {pitch} in round {round}{}, and commands {command}", without(*missing))
            }
            Told::Pushed { round, position, missing, .. } => {
                format!("pushes to {} in round {round}{}", degrees(*position), without(*missing))
            }
            Told::Deflected { round, surface: Some(surface), missing } => {
                format!("has its surface at {} in round {round}{}", degrees(*surface), without(*missing))
            }
            Told::Deflected { round, surface: None, .. } => {
                format!("has its surface where it was in round {round}: too few push")
            }
            Told::Departed => "is out of the envelope".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn left_alone_it_falls_and_by_the_law_it_comes_to_where_it_is_wanted() {
        let mut pitch = 1_000;
        for _ in 0..40 {
            pitch = airframe(pitch, 0, 0);
        }
        assert!(pitch > ENVELOPE, "{pitch}");
        for (start, wish) in [(0, 5_000), (8_000, -4_000), (-10_000, 0)] {
            let mut pitch = start;
            for _ in 0..20 {
                pitch = airframe(pitch, law(wish, pitch), 0);
            }
            assert!(pitch.abs_diff(wish) < 50, "from {start} to {wish}: {pitch}");
        }
        assert_eq!(airframe(10_000, law(10_000, 10_000), 0), 10_000, "it stays there");
    }

    #[test]
    fn the_law_turns_one_way_only() {
        for wish in [-10_000, 0, 7_000] {
            let along: Vec<i64> = (-60..60).map(|pitch| law(wish, pitch * 1_000)).collect();
            assert!(along.is_sorted_by(|one, next| one >= next), "what lies between two readings is steered between");
            assert!(along.iter().all(|command| command.abs() <= TRAVEL));
        }
    }

    #[test]
    fn a_round_ends_with_the_last_and_nobody_is_heard_after_it() {
        let mut rounds = Rounds::default();
        let (one, two) = (NodeId(1), NodeId(2));
        assert_eq!(rounds.take(3, one, 10, 2), Taken { first: true, ..Taken::default() });
        assert_eq!(rounds.take(3, one, 11, 2), Taken::default(), "nobody speaks twice");
        assert!(rounds.take(3, two, 12, 2).last);
        assert_eq!(rounds.close(3), [(one, 10), (two, 12)]);
        assert_eq!(rounds.take(3, one, 10, 2), Taken::default(), "it is over");
        for round in 4..4 + MAX_ROUNDS as u64 {
            assert_eq!(rounds.take(round, one, 0, 2).dropped, None);
        }
        assert_eq!(rounds.take(99, one, 0, 2).dropped, Some(4), "the oldest is given up");
        rounds.forget(98);
        assert_eq!(rounds.close(50), []);
        assert_eq!(rounds.take(98, one, 0, 2), Taken::default());
    }
}
