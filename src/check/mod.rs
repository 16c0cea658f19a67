//! WHAT MUST HOLD: each check reads the records as they come, and the world, and says the moment a promise is broken.

mod atomic_commit;
mod cells;
mod chain;
mod chat;
mod circuits;
mod clock_bounds;
mod clocks;
mod conserved;
mod converged;
mod counted;
mod crdt;
mod delivered;
mod election;
mod flows;
mod generals;
pub mod linear;
mod linearizable;
mod log;
mod lying;
mod membership;
mod messages;
mod mutual_exclusion;
mod one_place;
mod paxos;
mod pbft;
mod pieces;
mod primary;
mod raft;
mod regular;
mod routes;
mod rumour;
mod saga;
mod snapshot;
mod steered;
mod voted;

pub use conserved::{Conserved, MAX_NAMES};
pub use linearizable::{Linearizable, MAX_EVENTS, MAX_STEPS};

use std::rc::Rc;

use crate::components::{Record, What, World};
use crate::sim::{NodeId, RecordId, Scale, Time};

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The check's name in documents.
    pub check: Rc<str>,
    /// When.
    pub at: Time,
    /// The record that broke it.
    pub record: RecordId,
    /// Where.
    pub node: NodeId,
    /// What happened to what: a sentence that names the message, the places and the times.
    pub told: Rc<str>,
    /// The records that show it, oldest first.
    pub evidence: Vec<RecordId>,
}

/// A promise, watched.
pub trait Check {
    /// Its name in documents.
    fn name(&self) -> &str;
    /// What it promises: a sentence.
    fn promise(&self) -> &str;
    /// Looks at one record; `world` is as it is after the event that made it. Breaches go to `found`.
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>);
    /// Looks at the world after an event and all its records.
    fn settle(&mut self, world: &World, found: &mut Vec<Violation>) {
        let _ = (world, found);
    }
    /// The instant at which it must look even if nothing happens, if there is one.
    fn due(&self) -> Option<Time> {
        None
    }
    /// That instant has come, and everything of it has happened. [`Check::due`] must lie later afterwards.
    fn on_due(&mut self, world: &World, found: &mut Vec<Violation>) {
        let _ = (world, found);
    }
    /// Puts on the scale what a copy of it holds, rather too much than too little, and tells what it shares with others.
    fn weigh(&self, scale: &mut Scale);
    /// A copy, for keyframes.
    fn clone_box(&self) -> Box<dyn Check>;
}

/// A check that documents can name.
pub struct CheckKind {
    /// Its name in documents.
    pub name: &'static str,
    /// That it holds, in a few words.
    pub brief: &'static str,
    /// What it promises.
    pub promise: &'static str,
    /// Makes one.
    pub make: fn() -> Box<dyn Check>,
}

/// Whether a record is of somebody who comes, goes, fails or is mended, or of a line or a setting that changes: what lets
/// nobody say how long what is promised for quiet times will take.
fn disturbs(what: &What) -> bool {
    matches!(
        what,
        What::Placed
            | What::Booted
            | What::Crashed { .. }
            | What::Restarted
            | What::Paused
            | What::Resumed
            | What::Slowed { .. }
            | What::Changed(_)
            | What::Removed
            | What::Wired { .. }
            | What::Unwired { .. }
            | What::Cut { .. }
            | What::Healed { .. }
            | What::Held { .. }
            | What::Released { .. }
            | What::Relinked { .. }
    )
}

/// Every check that needs nothing but its name. To add one: a file here, a `mod` line and a line in this list.
pub static CHECKS: &[CheckKind] = &[
    CheckKind {
        name: chat::NAME,
        brief: "nothing lost, nothing twice, all in order",
        promise: chat::PROMISE,
        make: chat::make,
    },
    CheckKind {
        name: messages::NAME,
        brief: crate::later_text!("every message is somewhere"),
        promise: messages::PROMISE,
        make: messages::make,
    },
    CheckKind {
        name: atomic_commit::NAME,
        brief: crate::later_text!("all of a transaction, or nothing"),
        promise: atomic_commit::PROMISE,
        make: atomic_commit::make,
    },
    CheckKind {
        name: raft::NAME,
        brief: crate::later_text!("the five properties of Raft"),
        promise: raft::PROMISE,
        make: raft::make,
    },
    CheckKind {
        name: delivered::AT_LEAST,
        brief: crate::later_text!("nothing accepted is lost"),
        promise: delivered::AT_LEAST_PROMISE,
        make: delivered::at_least,
    },
    CheckKind {
        name: delivered::AT_MOST,
        brief: crate::later_text!("nothing takes effect twice"),
        promise: delivered::AT_MOST_PROMISE,
        make: delivered::at_most,
    },
    CheckKind {
        name: membership::NAME,
        brief: crate::later_text!("the dead are found, the living are known"),
        promise: membership::PROMISE,
        make: membership::make,
    },
    CheckKind {
        name: mutual_exclusion::NAME,
        brief: crate::later_text!("one at a time, and nothing sold twice"),
        promise: mutual_exclusion::PROMISE,
        make: mutual_exclusion::make,
    },
    CheckKind {
        name: voted::NAME,
        brief: crate::later_text!("within what honest sensors read"),
        promise: voted::PROMISE,
        make: voted::make,
    },
    CheckKind {
        name: generals::NAME,
        brief: crate::later_text!("the loyal do the same"),
        promise: generals::PROMISE,
        make: generals::make,
    },
    CheckKind {
        name: regular::NAME,
        brief: crate::later_text!("no acknowledged write is lost"),
        promise: regular::PROMISE,
        make: regular::make,
    },
    CheckKind {
        name: converged::NAME,
        brief: crate::later_text!("copies come to be the same"),
        promise: converged::PROMISE,
        make: converged::make,
    },
    CheckKind {
        name: primary::NAME,
        brief: crate::later_text!("one primary, which has everything"),
        promise: primary::PROMISE,
        make: primary::make,
    },
    CheckKind {
        name: crdt::NAME,
        brief: crate::later_text!("the same updates, the same state"),
        promise: crdt::PROMISE,
        make: crdt::make,
    },
    CheckKind {
        name: rumour::NAME,
        brief: crate::later_text!("everyone hears, and nothing comes back"),
        promise: rumour::PROMISE,
        make: rumour::make,
    },
    CheckKind {
        name: paxos::NAME,
        brief: crate::later_text!("one value is chosen, and no other learnt"),
        promise: paxos::PROMISE,
        make: paxos::make,
    },
    CheckKind {
        name: chain::NAME,
        brief: crate::later_text!("each has what its successor has, and more"),
        promise: chain::PROMISE,
        make: chain::make,
    },
    CheckKind {
        name: saga::NAME,
        brief: crate::later_text!("all steps, or the way back"),
        promise: saga::PROMISE,
        make: saga::make,
    },
    CheckKind {
        name: one_place::NAME,
        brief: crate::later_text!("everyone and everything once"),
        promise: one_place::PROMISE,
        make: one_place::make,
    },
    CheckKind {
        name: flows::NAME,
        brief: crate::later_text!("nothing comes from nowhere"),
        promise: flows::PROMISE,
        make: flows::make,
    },
    CheckKind {
        name: counted::NAME,
        brief: crate::later_text!("nothing that was counted is lost"),
        promise: counted::PROMISE,
        make: counted::make,
    },
    CheckKind {
        name: steered::NAME,
        brief: crate::later_text!("the surface is where it should be"),
        promise: steered::PROMISE,
        make: steered::make,
    },
    CheckKind {
        name: circuits::NAME,
        brief: crate::later_text!("a circuit carries one call, and is freed"),
        promise: circuits::PROMISE,
        make: circuits::make,
    },
    CheckKind {
        name: cells::NAME,
        brief: crate::later_text!("a call is in one cell, a page finds a phone"),
        promise: cells::PROMISE,
        make: cells::make,
    },
    CheckKind {
        name: pieces::NAME,
        brief: crate::later_text!("each piece once, and in its order"),
        promise: pieces::PROMISE,
        make: pieces::make,
    },
    CheckKind {
        name: routes::NAME,
        brief: crate::later_text!("ways lead there, and not in circles"),
        promise: routes::PROMISE,
        make: routes::make,
    },
    CheckKind {
        name: election::NAME,
        brief: crate::later_text!("one coordinator, the highest that is up"),
        promise: election::PROMISE,
        make: election::make,
    },
    CheckKind {
        name: pbft::NAME,
        brief: crate::later_text!("the honest execute the same"),
        promise: pbft::PROMISE,
        make: pbft::make,
    },
    CheckKind {
        name: clocks::NAME,
        brief: crate::later_text!("what came first has the lesser time"),
        promise: clocks::PROMISE,
        make: clocks::make,
    },
    CheckKind {
        name: snapshot::NAME,
        brief: crate::later_text!("a picture of a state that could have been"),
        promise: snapshot::PROMISE,
        make: snapshot::make,
    },
    CheckKind {
        name: clock_bounds::NAME,
        brief: crate::later_text!("no clock is more wrong than it says, or goes back"),
        promise: clock_bounds::PROMISE,
        make: clock_bounds::make,
    },
    CheckKind {
        name: log::NAME,
        brief: crate::later_text!("every record done in its order, none passed over"),
        promise: log::PROMISE,
        make: log::make,
    },
];
