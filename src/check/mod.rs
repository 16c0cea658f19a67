//! WHAT MUST HOLD: each check reads the records as they come, and the world, and says the moment a promise is broken.

mod chat;
pub mod linear;

use std::rc::Rc;

use crate::components::{Record, World};
use crate::sim::{NodeId, RecordId, Time};

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The check's name in documents.
    pub check: &'static str,
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
    fn name(&self) -> &'static str;
    /// What it promises: a sentence.
    fn promise(&self) -> &'static str;
    /// Looks at one record; `world` is as it is after the event that made it. Breaches go to `found`.
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>);
    /// Looks at the world after an event and all its records.
    fn settle(&mut self, world: &World, found: &mut Vec<Violation>) {
        let _ = (world, found);
    }
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

/// Every check. To add one: a file here, a `mod` line and a line in this list.
pub static CHECKS: &[CheckKind] = &[CheckKind {
    name: "chat",
    brief: "nothing lost, nothing twice, all in order",
    promise: chat::PROMISE,
    make: chat::make,
}];
