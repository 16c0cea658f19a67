//! What redundancy is for: with fewer than half of the inputs of a voter lying or missing, what is acted on lies between
//! two readings of honest sensors of that round.
//!
//! Faulty are here sensors that say something else than they read, nodes that were made to lie, and inputs that a voter
//! did not hear of. A flaw in a program is no such fault: nobody knows of it. So where all channels run copies of one
//! program, this check finds it.

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::protocols::voting::Told;
use crate::sim::{RecordId, Scale, Table};

use super::lying::{self, Liars};
use super::{Check, Violation};

/// Its name.
pub const NAME: &str = "voted";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "While fewer than half of the inputs lie or are missing, what is acted on lies between two honest readings."
);
/// How many of the last rounds are remembered.
pub const ROUNDS: usize = 64;

/// What is known of a round.
#[derive(Clone, Debug, Default)]
struct Round {
    /// What honest sensors read, and the records of that.
    honest: Vec<(i64, RecordId)>,
    liars: u32,
    /// The most that a voter missed, and how many inputs it has.
    missing: u32,
    of: u32,
}

/// The check.
#[derive(Clone, Debug, Default)]
struct Voted {
    rounds: Table<u64, Rc<Round>>,
    liars: Liars,
}

impl Voted {
    fn round(&mut self, number: u64) -> Option<&mut Round> {
        lying::round(&mut self.rounds, number, ROUNDS)
    }

    fn acted(&mut self, record: &Record, number: u64, value: i64, world: &World) -> Option<Violation> {
        let made_to_lie = self.liars.count(world);
        let round = self.rounds.get(&number)?;
        let faulty = round.liars + round.missing + made_to_lie;
        if 2 * faulty >= round.of {
            return None;
        }
        let low = round.honest.iter().map(|(reading, _)| *reading).min()?;
        let high = round.honest.iter().map(|(reading, _)| *reading).max()?;
        if (low..=high).contains(&value) {
            return None;
        }
        let me = world.name(record.node);
        let told = format!(
            "{me} acts on {value} in round {number}, and honest sensors read {low} to {high}; {faulty} of {} inputs were faulty",
            round.of
        );
        let mut evidence: Vec<RecordId> = round.honest.iter().map(|(_, record)| *record).collect();
        evidence.push(record.id);
        let (at, record, node) = (record.at, record.id, record.node);
        Some(Violation { check: Rc::from(NAME), at, record, node, told: Rc::from(told), evidence })
    }
}

impl Check for Voted {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        match &record.what {
            What::Spoilt { .. } => self.liars.spoilt(record),
            What::Fact(Fact::Vote(Told::Sensed { round, reading, said })) => {
                let Some(round) = self.round(*round) else { return };
                if reading == said {
                    round.honest.push((*reading, record.id));
                } else {
                    round.liars += 1;
                }
            }
            What::Fact(Fact::Vote(Told::Heard { round, missing, of })) => {
                let Some(round) = self.round(*round) else { return };
                (round.missing, round.of) = (round.missing.max(*missing), round.of.max(*of));
            }
            What::Fact(Fact::Vote(Told::Acted { round, value: Some(value) })) => {
                found.extend(self.acted(record, *round, *value, world));
            }
            _ => {}
        }
    }
    fn weigh(&self, scale: &mut Scale) {
        scale.own(500 + self.rounds.len() * 500 + self.liars.bytes());
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Voted::default())
}
