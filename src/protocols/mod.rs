//! ALGORITHMS, sans-I/O, one file each: state machines written against [`Port`](crate::sim::Port) or plain functions.
//!
//! They know no component, no pixel and no colour. A component hosts them and lifts their messages into its own.

pub mod anti_entropy;
pub mod backoff;
pub mod board;
pub mod branch;
pub mod bucket;
pub mod cache;
pub mod calls;
pub mod cellular;
pub mod chain;
pub mod chat;
pub mod choosing;
pub mod coherence;
pub mod crdt;
pub mod delivery;
pub mod distance_vector;
pub mod election;
pub mod flight;
pub mod game;
pub mod handover;
pub mod health;
pub mod heartbeats;
pub mod history;
pub mod internet;
pub mod isup;
pub mod kv;
pub mod lease;
pub mod link_state;
pub mod log;
pub mod logical;
pub mod merkle;
pub mod operations;
pub mod oral_messages;
pub mod paxos;
pub mod pbft;
pub mod phi;
pub mod physiology;
pub mod primary_backup;
pub mod primary_copy;
pub mod queue;
pub mod quorum;
pub mod raft;
pub mod rendezvous;
pub mod request;
pub mod ring;
pub mod routing;
pub mod rumour;
pub mod saga;
pub mod scaling;
pub mod swim;
pub mod tcp;
pub mod telemetry;
#[cfg(test)]
mod testing;
pub mod time_sync;
pub mod two_phase;
pub mod versioned;
pub mod view_service;
pub mod voting;

use std::fmt::Debug;
use std::hash::Hash;

use crate::sim::Item;

/// How a message looks to a person: what it does, never how it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// Asks for something.
    Request,
    /// Answers, neither well nor badly.
    Reply,
    /// Answers: done.
    Accept,
    /// Answers: refused.
    Refuse,
    /// Says that one is alive, or spreads what is known.
    Beat,
}

/// A family of components and of their messages: what they are about. The scene gives each its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// The people who use the system.
    People,
    /// Where they come in: balancers, gateways, routers.
    Edge,
    /// What does the work.
    Work,
    /// What keeps the data.
    Storage,
    /// What watches over the rest.
    Control,
}

/// One protocol's messages.
pub trait Wire: Clone + Hash + Debug + 'static {
    /// What they are about.
    const FAMILY: Family;
    /// The message's name, as in its paper.
    fn name(&self) -> &'static str;
    /// What it does.
    fn form(&self) -> Form;
    /// Its size on the wire in bytes.
    fn bytes(&self) -> u32 {
        64
    }
    /// Its class: a machine that serves by priority takes the lowest first.
    fn class(&self) -> u32 {
        0
    }
    /// Its fields by name, for people.
    fn fields(&self) -> Vec<(&'static str, String)>;
    /// One line for tooltips and logs: `#218 “see you at 8”`.
    fn summary(&self) -> String {
        self.fields().iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
    }
    /// Whether it holds a copy of `item`.
    fn carries(&self, item: Item) -> bool {
        let _ = item;
        false
    }
    /// Changes what it says, as a node does that spoils its work; `luck` decides how. `false` where it cannot be spoilt.
    fn spoil(&mut self, luck: u64) -> bool {
        let _ = luck;
        false
    }
}
