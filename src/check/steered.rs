//! What three of everything is for in an aircraft: while fewer than half of its sensors, of its computers and of its
//! actuators are faulty, the surface stands where a computer that is right would have it.
//!
//! Right is what the law of control says of honest readings: with the lowest and the highest of a round everything that it
//! may say lies between two bounds. Faulty are sensors that say something else than they read, parts that are broken or
//! were made to lie, and those that were not heard. A flaw in a program is no such fault: nobody knows of it. So where all
//! computers run copies of one program, this check finds it.

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::protocols::flight::{Told, degrees, law};
use crate::protocols::voting;
use crate::sim::{RecordId, Scale, Table};

use super::lying::{self, Liars};
use super::{Check, Violation};

/// Its name.
pub const NAME: &str = "steered";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "While fewer than half of the sensors, of the computers and of the actuators are faulty, the surface stands where a right computer would have it."
);
/// How many of the last rounds are remembered.
pub const ROUNDS: usize = 32;
/// How many of each kind there are.
const LANES: u32 = 3;

/// What is known of a round.
#[derive(Clone, Debug, Default)]
struct Round {
    /// What honest sensors read, and the records of that.
    honest: Vec<(i64, RecordId)>,
    wishes: Vec<i64>,
    /// Sensors that said something else, and the most that a computer did not hear.
    liars: u32,
    unheard: u32,
    /// Computers that are broken, and the most that an actuator did not hear.
    broken: u32,
    unordered: u32,
    /// Actuators that are broken.
    stuck: u32,
}

/// The check.
#[derive(Clone, Debug, Default)]
struct Steered {
    rounds: Table<u64, Rc<Round>>,
    liars: Liars,
}

impl Steered {
    fn round(&mut self, number: u64) -> Option<&mut Round> {
        lying::round(&mut self.rounds, number, ROUNDS)
    }

    fn stands(&mut self, record: &Record, number: u64, at: i64, missing: u32, world: &World) -> Option<Violation> {
        let made_to_lie = self.liars.count(world);
        let round = self.rounds.get(&number)?;
        let faulty = [round.liars + round.unheard, round.broken + round.unordered, round.stuck + missing];
        if faulty.iter().any(|count| 2 * (count + made_to_lie) >= LANES) {
            return None;
        }
        let right = round.wishes.iter().flat_map(|wish| round.honest.iter().map(|(pitch, _)| law(*wish, *pitch)));
        let (low, high) = (right.clone().min()?, right.max()?);
        if (low..=high).contains(&at) {
            return None;
        }
        let told = format!(
            "the surface of {} stands at {} in round {number}, and a right computer would have it between {} and {}; \
             faulty were {} of the sensors, {} of the computers and {} of the actuators",
            world.name(record.node),
            degrees(at),
            degrees(low),
            degrees(high),
            faulty[0],
            faulty[1],
            faulty[2],
        );
        let mut evidence: Vec<RecordId> = round.honest.iter().map(|(_, record)| *record).collect();
        evidence.push(record.id);
        let (at, record, node) = (record.at, record.id, record.node);
        Some(Violation { check: Rc::from(NAME), at, record, node, told: Rc::from(told), evidence })
    }
}

impl Check for Steered {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        match &record.what {
            What::Spoilt { .. } => self.liars.spoilt(record),
            What::Fact(Fact::Vote(voting::Told::Sensed { round, reading, said })) => {
                let Some(round) = self.round(*round) else { return };
                if reading == said {
                    round.honest.push((*reading, record.id));
                } else {
                    round.liars += 1;
                }
            }
            What::Fact(Fact::Flight(Told::Commanded { round, wish, missing, broken, .. })) => {
                let Some(round) = self.round(*round) else { return };
                round.wishes.push(*wish);
                round.unheard = round.unheard.max(*missing);
                round.broken += u32::from(*broken);
            }
            What::Fact(Fact::Flight(Told::Pushed { round, missing, broken, .. })) => {
                let Some(round) = self.round(*round) else { return };
                round.unordered = round.unordered.max(*missing);
                round.stuck += u32::from(*broken);
            }
            What::Fact(Fact::Flight(Told::Deflected { round, surface: Some(surface), missing })) => {
                found.extend(self.stands(record, *round, *surface, *missing, world));
            }
            _ => {}
        }
    }
    fn weigh(&self, scale: &mut Scale) {
        scale.own(500 + self.rounds.len() * 700 + self.liars.bytes());
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Steered::default())
}
