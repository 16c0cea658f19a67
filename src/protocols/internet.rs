//! What goes from host to host: packets with a time to live (RFC 791), in them segments of streams and questions to a
//! name server (RFC 1034, RFC 1035, RFC 2136), and what routers say about packets that do not arrive (RFC 792).

use crate::sim::NodeId;

use super::tcp::Segment;
use super::{Family, Form, Wire};

/// What a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Load {
    /// A part of a stream.
    Segment(Segment),
    /// Who has this name?
    Query {
        /// Counts the asker's questions.
        id: u64,
        /// Which.
        name: u32,
    },
    /// This one.
    Answer {
        /// To which question.
        id: u64,
        /// Its address; none where nobody has it.
        address: Option<NodeId>,
        /// For how many milliseconds one may go by that.
        keeps: u32,
    },
    /// I have this name.
    Register {
        /// Which.
        name: u32,
    },
    /// A packet to there was dropped: it had no time to live left.
    TimeExceeded {
        /// Where it was to go.
        to: NodeId,
    },
    /// A packet to there was dropped: there is no way.
    Unreachable {
        /// Where it was to go.
        to: NodeId,
    },
}

/// Between hosts and routers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Something on its way from host to host.
    Packet {
        /// From whom.
        from: NodeId,
        /// To whom.
        to: NodeId,
        /// How many more routers it may pass.
        ttl: u32,
        /// What.
        load: Load,
    },
    /// A host tells its router that it is there.
    Here,
}

impl Wire for Message {
    const FAMILY: Family = Family::Work;
    fn name(&self) -> &'static str {
        match self {
            Message::Here => "Here",
            Message::Packet { load, .. } => match load {
                Load::Segment(segment) => segment.name(),
                Load::Query { .. } => "Query",
                Load::Answer { .. } => "Answer",
                Load::Register { .. } => "Register",
                Load::TimeExceeded { .. } => "TimeExceeded",
                Load::Unreachable { .. } => "DestinationUnreachable",
            },
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Here => Form::Beat,
            Message::Packet { load, .. } => match load {
                Load::Segment(segment) => segment.form(),
                Load::Query { .. } => Form::Request,
                Load::Answer { .. } => Form::Reply,
                Load::Register { .. } => Form::Beat,
                Load::TimeExceeded { .. } | Load::Unreachable { .. } => Form::Refuse,
            },
        }
    }
    fn bytes(&self) -> u32 {
        match self {
            Message::Packet { load: Load::Segment(segment), .. } => segment.bytes(),
            _ => 64,
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        let Message::Packet { from, to, ttl, load } = self else { return Vec::new() };
        let mut fields = match load {
            Load::Segment(segment) => segment.fields(),
            Load::Query { name, .. } | Load::Register { name } => vec![("name", name.to_string())],
            Load::Answer { address, .. } => {
                vec![("address", address.map_or("none".to_owned(), |address| address.to_string()))]
            }
            Load::TimeExceeded { to } | Load::Unreachable { to } => vec![("of a packet to", to.to_string())],
        };
        fields.extend([("from", from.to_string()), ("to", to.to_string()), ("ttl", ttl.to_string())]);
        fields
    }
}

/// What hosts and routers tell for checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A router has another way to a host.
    Routed {
        /// To whom.
        to: NodeId,
        /// By whom; by nobody where there is none.
        via: Option<NodeId>,
        /// How far.
        metric: u32,
    },
    /// A host hands a piece of a stream on to whoever asked for it.
    Handed {
        /// From whom.
        from: NodeId,
        /// Of which of its connections.
        connection: u64,
        /// Its place, from 0.
        piece: u32,
    },
    /// A host has a stream as a whole.
    Complete {
        /// From whom.
        from: NodeId,
        /// Which of its connections.
        connection: u64,
    },
    /// A host has given a stream up.
    Abandoned {
        /// From whom it was to come.
        from: NodeId,
    },
}

impl Told {
    /// Its name in conditions.
    pub fn name(&self) -> &'static str {
        match self {
            Told::Routed { .. } => "routed",
            Told::Handed { .. } => "handed",
            Told::Complete { .. } => "complete",
            Told::Abandoned { .. } => "gave-up",
        }
    }

    /// What the host or the router does by it.
    pub fn sentence(&self) -> String {
        match self {
            Told::Routed { to, via: Some(via), metric } if via == to => {
                format!("has {to} at its own wire, at {metric}")
            }
            Told::Routed { to, via: Some(via), metric } => format!("goes to {to} by {via}, at {metric}"),
            Told::Routed { to, .. } => format!("has no way to {to}"),
            Told::Handed { piece, from, .. } => format!("hands on piece {piece} from {from}"),
            Told::Complete { from, .. } => format!("has everything from {from}"),
            Told::Abandoned { from } => format!("gives up what was to come from {from}"),
        }
    }
}
