//! Everything that a person, a cue or a fault plan can do to a run.

use std::rc::Rc;

use super::{Change, Micros, NodeId, Profile, RecordId, Value};

/// A change to the run. The scenario names things by their names and turns them into these.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Places a new node, wired as its template says.
    Add {
        /// The template.
        template: u32,
        /// What to call it; otherwise after its template.
        name: Option<Rc<str>>,
    },
    /// Takes a node away for good, with its disk.
    Remove {
        /// Which.
        node: NodeId,
    },
    /// Crashes a node: its memory is lost.
    Kill {
        /// Which.
        node: NodeId,
        /// Whether its disk is lost too.
        lose_disk: bool,
    },
    /// Starts a crashed node again, from its disk.
    Restart {
        /// Which.
        node: NodeId,
    },
    /// Makes a node stand still.
    Pause {
        /// Which.
        node: NodeId,
    },
    /// Lets a paused node run on.
    Resume {
        /// Which.
        node: NodeId,
    },
    /// Makes a node take longer over its work.
    Slow {
        /// Which.
        node: NodeId,
        /// In thousandths of its usual time: 1000 is its usual speed.
        permille: u32,
    },
    /// Changes its clock, its disk, its honesty or its cores.
    Change {
        /// Which.
        node: NodeId,
        /// What.
        change: Change,
    },
    /// Links two nodes, both ways.
    Wire {
        /// The one.
        a: NodeId,
        /// The other.
        b: NodeId,
        /// How the link behaves.
        profile: Rc<Profile>,
    },
    /// Takes the links between two nodes away.
    Unwire {
        /// The one.
        a: NodeId,
        /// The other.
        b: NodeId,
    },
    /// Cuts a link.
    Cut {
        /// From.
        a: NodeId,
        /// To.
        b: NodeId,
        /// Back as well.
        both: bool,
    },
    /// Mends a cut link.
    Heal {
        /// From.
        a: NodeId,
        /// To.
        b: NodeId,
        /// Back as well.
        both: bool,
    },
    /// Makes a link keep what it carries.
    Hold {
        /// From.
        a: NodeId,
        /// To.
        b: NodeId,
        /// Back as well.
        both: bool,
    },
    /// Lets a held link go.
    Release {
        /// From.
        a: NodeId,
        /// To.
        b: NodeId,
        /// Back as well.
        both: bool,
    },
    /// Gives a link another profile.
    Relink {
        /// From.
        a: NodeId,
        /// To.
        b: NodeId,
        /// Back as well.
        both: bool,
        /// The profile.
        profile: Rc<Profile>,
    },
    /// Takes a message that is under way out of the network.
    Drop {
        /// The record of its sending.
        message: RecordId,
    },
    /// Makes a message that is under way arrive now, also past the end of a held link.
    Hurry {
        /// The record of its sending.
        message: RecordId,
    },
    /// Makes a message that is under way arrive later.
    Delay {
        /// The record of its sending.
        message: RecordId,
        /// How much later.
        by: Micros,
    },
    /// Lets a message that is under way come twice: the copy right behind it.
    Duplicate {
        /// The record of its sending.
        message: RecordId,
    },
    /// Sets a field of a node's configuration.
    Dial {
        /// Which node.
        node: NodeId,
        /// Which field.
        field: Rc<str>,
        /// To what.
        value: Value,
    },
    /// Sets a field of the configuration of those that a template makes from now on.
    Preset {
        /// Which template.
        template: u32,
        /// Which field.
        field: Rc<str>,
        /// To what.
        value: Value,
    },
}

/// Why a command was not carried out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// It would change nothing; menus grey it out.
    #[error("{0}")]
    Nothing(String),
    /// It cannot be done.
    #[error("{0}")]
    Impossible(String),
}
