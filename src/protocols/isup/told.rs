//! What is told of calls and circuits, for checks and the log.

use crate::sim::NodeId;

/// What is told of calls and circuits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// An exchange has a circuit in use.
    Seized {
        /// To which exchange.
        peer: NodeId,
        /// Which circuit.
        cic: u32,
        /// For which call.
        call: u64,
    },
    /// ACM has gone over it: it carries the call.
    Through {
        /// To which exchange.
        peer: NodeId,
        /// Which circuit.
        cic: u32,
        /// Which call.
        call: u64,
    },
    /// It is idle again.
    Freed {
        /// To which exchange.
        peer: NodeId,
        /// Which circuit.
        cic: u32,
        /// Of which call.
        call: u64,
    },
    /// Both ends have seized it, and this one does not control it.
    DualSeizure {
        /// To which exchange.
        peer: NodeId,
        /// Which circuit.
        cic: u32,
        /// This end's call.
        call: u64,
    },
    /// A call takes a detour.
    Detoured {
        /// Which.
        call: u64,
        /// By which exchange.
        by: NodeId,
    },
    /// A call is held back.
    Gapped {
        /// Which.
        call: u64,
    },
    /// For who made it a call is over.
    Over {
        /// Which.
        call: u64,
    },
}

impl Told {
    /// Its name in conditions.
    pub fn name(&self) -> &'static str {
        match self {
            Told::Seized { .. } => "seized",
            Told::Through { .. } => "through",
            Told::Freed { .. } => "freed",
            Told::DualSeizure { .. } => "dual-seizure",
            Told::Detoured { .. } => "detoured",
            Told::Gapped { .. } => "gapped",
            Told::Over { .. } => "call-over",
        }
    }
    /// What the node does by it.
    pub fn sentence(&self) -> String {
        match self {
            Told::Seized { peer, cic, call } => format!("has circuit {cic} to {peer} in use for call {call}"),
            Told::Through { peer, cic, call } => format!("has call {call} through on circuit {cic} to {peer}"),
            Told::Freed { peer, cic, call } => format!("has circuit {cic} to {peer} idle again, after call {call}"),
            Told::DualSeizure { peer, cic, call } => {
                format!("wanted circuit {cic} for call {call}, and so did {peer}, who controls it")
            }
            Told::Detoured { call, by } => format!("sends call {call} on a detour by {by}"),
            Told::Gapped { call } => format!("holds call {call} back"),
            Told::Over { call } => format!("is done with call {call}"),
        }
    }
}
