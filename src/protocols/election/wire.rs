//! What electors say to one another, and what is told of them.

use crate::protocols::{Family, Form, Wire};
use crate::sim::NodeId;

/// Between electors. The first five are of the bully, named after what nodes call at one another in the paper; the next
/// three go round the ring; the last two are of both.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// To a higher one: are you up? Then the election is yours.
    AreYouUp,
    /// I am up: leave it to me.
    Up,
    /// To a lower one: stop, whomever you follow; I am about to be coordinator.
    Halt,
    /// I have stopped.
    Halted,
    /// I am the coordinator.
    NewCoordinator,
    /// Round the ring: this one stands for election.
    Election {
        /// Its number.
        number: u32,
        /// Who it is.
        owner: NodeId,
        /// Which of its candidacies: the instant at which it began.
        attempt: u64,
        /// How many have passed it on.
        hops: u32,
        /// Whoever gets it says so by this.
        serial: u64,
    },
    /// Round the ring: this one is the coordinator.
    Elected {
        /// Its number.
        number: u32,
        /// Who it is.
        owner: NodeId,
        /// How many have passed it on.
        hops: u32,
        /// Whoever gets it says so by this.
        serial: u64,
    },
    /// I have what you passed on.
    Got {
        /// Which.
        serial: u64,
    },
    /// A coordinator's sign of life: all well?
    AreYouNormal,
    /// No: I do not follow you.
    NotNormal,
}

impl Wire for Message {
    const FAMILY: Family = Family::Control;
    fn name(&self) -> &'static str {
        match self {
            Message::AreYouUp => "AreYouUp",
            Message::Up => "Up",
            Message::Halt => "Halt",
            Message::Halted => "Halted",
            Message::NewCoordinator => "NewCoordinator",
            Message::Election { .. } => "Election",
            Message::Elected { .. } => "Elected",
            Message::Got { .. } => "Got",
            Message::AreYouNormal => "AreYouNormal",
            Message::NotNormal => "NotNormal",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::AreYouUp | Message::Halt | Message::Election { .. } => Form::Request,
            Message::Up | Message::Halted => Form::Reply,
            Message::NewCoordinator | Message::Elected { .. } => Form::Accept,
            Message::NotNormal => Form::Refuse,
            Message::Got { .. } | Message::AreYouNormal => Form::Beat,
        }
    }
    fn bytes(&self) -> u32 {
        32
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Message::Election { number, owner, .. } | Message::Elected { number, owner, .. } => {
                vec![("number", number.to_string()), ("of", owner.to_string())]
            }
            _ => Vec::new(),
        }
    }
}

/// What is told of an election, for checks and the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// It calls an election.
    Called {
        /// Under which number it stands.
        number: u32,
    },
    /// It follows nobody any more.
    Aside {
        /// Whom it waits for; nobody where it stands for election itself.
        of: Option<NodeId>,
    },
    /// It is the coordinator.
    Coordinates {
        /// Under which number.
        number: u32,
    },
    /// It follows a coordinator.
    Follows {
        /// Whom.
        coordinator: NodeId,
    },
}

impl Told {
    /// Its name in conditions.
    pub fn name(&self) -> &'static str {
        match self {
            Told::Called { .. } => "called",
            Told::Aside { .. } => "stepped-aside",
            Told::Coordinates { .. } => "coordinates",
            Told::Follows { .. } => "follows",
        }
    }
    /// What the elector does by it.
    pub fn sentence(&self) -> String {
        match self {
            Told::Called { number } => format!("calls an election, under number {number}"),
            Told::Aside { of: Some(of) } => format!("follows nobody until {of} is coordinator, or another"),
            Told::Aside { of: None } => "follows nobody, and stands for election".to_owned(),
            Told::Coordinates { number } => format!("is the coordinator, under number {number}"),
            Told::Follows { coordinator } => format!("follows {coordinator}"),
        }
    }
}
