//! What the servers of a chain and its master say, what they write, and what is told of them.

use std::fmt;
use std::rc::Rc;

use crate::protocols::raft::{Command, Machine};
use crate::protocols::{Family, Form, Wire};
use crate::sim::{Disk, Micros, NodeId, Time};

/// Who stands where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// Views are numbered from 1.
    pub number: u64,
    /// From head to tail.
    pub chain: Rc<[NodeId]>,
    /// The tail, where it is new and has nothing before its predecessor has handed it everything.
    pub joins: Option<NodeId>,
}

impl View {
    /// Who takes updates.
    pub fn head(&self) -> Option<NodeId> {
        self.chain.first().copied()
    }
    /// Who answers.
    pub fn tail(&self) -> Option<NodeId> {
        self.chain.last().copied()
    }
    /// The one before a server and the one after it.
    pub fn beside(&self, server: NodeId) -> (Option<NodeId>, Option<NodeId>) {
        let Some(place) = self.chain.iter().position(|other| *other == server) else { return (None, None) };
        let before = place.checked_sub(1).and_then(|before| self.chain.get(before));
        (before.copied(), self.chain.get(place + 1).copied())
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.number)?;
        for (place, server) in self.chain.iter().enumerate() {
            write!(f, "{} {server}", if place == 0 { "" } else { " →" })?;
        }
        if self.joins.is_some() { f.write_str(", which joins") } else { Ok(()) }
    }
}

/// What a server says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Report {
    /// The last view in which it had everything that its predecessor had; on its disk.
    pub held: u64,
    /// The last update on its disk.
    pub position: u64,
    /// When this was sent, by its own clock.
    pub sent: Time,
}

/// Between servers, and with the master.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// To the successor: do this next.
    Update {
        /// The view's number.
        view: u64,
        /// Its place in the history.
        position: u64,
        /// What.
        value: Command,
    },
    /// To the predecessor: the tail has everything up to here.
    Ack {
        /// The view's number.
        view: u64,
        /// The last.
        position: u64,
    },
    /// To a new predecessor: this is what I have.
    Hello {
        /// The view's number.
        view: u64,
        /// The last update on my disk.
        position: u64,
        /// The last view in which I had everything.
        held: u64,
    },
    /// To a new successor: you have everything, or what you lack follows.
    Sync {
        /// The view's number.
        view: u64,
    },
    /// To a successor that lacks more than is remembered of single updates: everything.
    Transfer {
        /// The view's number.
        view: u64,
        /// The last update in it.
        position: u64,
        /// Everything.
        machine: Rc<Machine>,
    },
    /// To the master, again and again: I am alive.
    Report(Report),
    /// From the master: this is the view.
    Appoint {
        /// The view.
        view: View,
        /// The instant of the report that this answers.
        sent: Time,
        /// How long after that a tail may answer reads without hearing more.
        lease: Micros,
    },
}

impl Wire for Message {
    const FAMILY: Family = Family::Storage;
    fn name(&self) -> &'static str {
        match self {
            Message::Update { .. } => "Update",
            Message::Ack { .. } => "Ack",
            Message::Hello { .. } => "Hello",
            Message::Sync { .. } => "Sync",
            Message::Transfer { .. } => "Transfer",
            Message::Report(_) => "Report",
            Message::Appoint { .. } => "Appoint",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Update { .. } | Message::Transfer { .. } => Form::Request,
            Message::Ack { .. } => Form::Accept,
            Message::Hello { .. } | Message::Sync { .. } => Form::Reply,
            Message::Report(_) | Message::Appoint { .. } => Form::Beat,
        }
    }
    fn bytes(&self) -> u32 {
        match self {
            Message::Update { .. } => 64,
            Message::Transfer { machine, .. } => 40 + machine.bytes(),
            Message::Report(_) | Message::Appoint { .. } => 48,
            _ => 24,
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        let number = |name, number: &u64| (name, number.to_string());
        match self {
            Message::Update { view, position, value } => {
                vec![number("view", view), number("update", position), ("value", value.short())]
            }
            Message::Ack { view, position } | Message::Transfer { view, position, .. } => {
                vec![number("view", view), number("up to update", position)]
            }
            Message::Hello { view, position, held } => {
                vec![number("view", view), number("has up to update", position), number("of view", held)]
            }
            Message::Sync { view } => vec![number("view", view)],
            Message::Report(report) => {
                vec![number("of view", &report.held), number("has up to update", &report.position)]
            }
            Message::Appoint { view, .. } => vec![("view", view.to_string())],
        }
    }
}

/// A server's disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Store {
    /// The last view in which it had everything that its predecessor had.
    pub held: u64,
    /// The last update.
    pub position: u64,
    /// What all updates come to.
    pub machine: Rc<Machine>,
}

/// A write to a server's disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// An update.
    Append(u64, Command),
    /// It has everything in this view.
    Install(u64),
    /// It has everything in this view, and this is it.
    Replace(u64, u64, Rc<Machine>),
}

impl Disk for Store {
    type Write = Write;
    fn apply(&mut self, write: Write) {
        match write {
            Write::Append(position, value) => {
                self.position = position;
                Rc::make_mut(&mut self.machine).apply(&value);
            }
            Write::Install(view) => self.held = view,
            Write::Replace(view, position, machine) => {
                *self = Store { held: view, position, machine };
            }
        }
    }
}

/// What is told of a chain, for checks and the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// The master has decided a view.
    Formed {
        /// Which.
        view: View,
    },
    /// A server has an update in its history.
    Took {
        /// Which.
        position: u64,
        /// What it says.
        value: Command,
        /// From whom; from a client at the head.
        from: Option<NodeId>,
    },
    /// A server has the whole history of another in place of its own.
    Transferred {
        /// Whose.
        from: NodeId,
        /// Up to which update.
        position: u64,
    },
}

impl Told {
    /// Its name in conditions.
    pub fn name(&self) -> &'static str {
        match self {
            Told::Formed { .. } => "formed",
            Told::Took { .. } => "took",
            Told::Transferred { .. } => "transferred",
        }
    }
    /// What the node does by it.
    pub fn sentence(&self) -> String {
        match self {
            Told::Formed { view } => format!("forms view {view}"),
            Told::Took { position, value, from: None } => format!("has update {position}, {}", value.short()),
            Told::Took { position, value, from: Some(from) } => {
                format!("has update {position}, {}, from {from}", value.short())
            }
            Told::Transferred { from, position } => format!("has everything that {from} has, up to update {position}"),
        }
    }
}
