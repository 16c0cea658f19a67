//! What Paxos's nodes say to one another, what they write, and what is told of them.

use std::fmt;
use std::rc::Rc;

use crate::protocols::raft::{Command, Machine};
use crate::protocols::{Family, Form, Wire};
use crate::sim::{Disk, NodeId, Table};

/// Which of the values that are agreed on one after another, from 1.
pub type Instance = u64;

/// The number of a proposal: every one is of one proposer, who never uses it for two values of an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ballot {
    /// What counts first.
    pub round: u64,
    /// Whose it is, which tells two of one round apart.
    pub node: NodeId,
}

impl fmt::Display for Ballot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.round == 0 { f.write_str("none") } else { write!(f, "{} of {}", self.round, self.node) }
    }
}

/// An acceptor's last acceptance in an instance.
pub type Last = (Instance, Ballot, Command);

/// Between nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Phase 1a: promise to accept nothing below this number, and say what you have accepted.
    Prepare {
        /// The number.
        ballot: Ballot,
        /// From which instance on.
        first: Instance,
    },
    /// Phase 1b: I promise.
    Promise {
        /// Which number.
        ballot: Ballot,
        /// All instances before this one it knows to be decided.
        first: Instance,
        /// What it has accepted from there on: in each instance the proposal of the highest number.
        accepted: Rc<[Last]>,
    },
    /// Phase 2a: accept this.
    Accept {
        /// The proposal's number.
        ballot: Ballot,
        /// Which instance.
        instance: Instance,
        /// The proposal's value.
        value: Command,
    },
    /// Phase 2b: I have accepted it.
    Accepted {
        /// The proposal's number.
        ballot: Ballot,
        /// In which instance.
        instance: Instance,
    },
    /// I have promised a higher number; so one need not wait in vain (§2.4).
    Refused {
        /// Which.
        ballot: Ballot,
    },
    /// To learners: this value is chosen.
    Chosen {
        /// In which instance.
        instance: Instance,
        /// What.
        value: Command,
    },
    /// I am here, and know everything that was chosen before this instance.
    Alive {
        /// Which.
        first: Instance,
    },
    /// What was chosen from this instance on?
    Learn {
        /// Which.
        first: Instance,
    },
    /// What all that was chosen before this instance comes to.
    Everything {
        /// Which.
        first: Instance,
        /// What it comes to.
        machine: Rc<Machine>,
    },
}

impl Wire for Message {
    const FAMILY: Family = Family::Storage;
    fn name(&self) -> &'static str {
        match self {
            Message::Prepare { .. } => "Prepare",
            Message::Promise { .. } => "Promise",
            Message::Accept { .. } => "Accept",
            Message::Accepted { .. } => "Accepted",
            Message::Refused { .. } => "Refused",
            Message::Chosen { .. } => "Chosen",
            Message::Alive { .. } => "Alive",
            Message::Learn { .. } => "Learn",
            Message::Everything { .. } => "Everything",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Prepare { .. } | Message::Accept { .. } => Form::Request,
            Message::Promise { .. } | Message::Learn { .. } | Message::Everything { .. } => Form::Reply,
            Message::Accepted { .. } | Message::Chosen { .. } => Form::Accept,
            Message::Refused { .. } => Form::Refuse,
            Message::Alive { .. } => Form::Beat,
        }
    }
    fn bytes(&self) -> u32 {
        match self {
            Message::Promise { accepted, .. } => 32 + 48 * accepted.len() as u32,
            Message::Accept { .. } => 64,
            Message::Chosen { .. } => 56,
            Message::Everything { machine, .. } => 32 + machine.bytes(),
            _ => 32,
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        let of = |instance: &Instance| ("instance", instance.to_string());
        match self {
            Message::Prepare { ballot, first } => {
                vec![("ballot", ballot.to_string()), ("from instance", first.to_string())]
            }
            Message::Promise { ballot, first, accepted } => {
                let mut fields = vec![("ballot", ballot.to_string()), ("from instance", first.to_string())];
                fields.extend(accepted.iter().map(|(instance, ballot, value)| {
                    ("accepted", format!("{} in instance {instance}, ballot {ballot}", value.short()))
                }));
                fields
            }
            Message::Accept { ballot, instance, value } => {
                vec![("ballot", ballot.to_string()), of(instance), ("value", value.short())]
            }
            Message::Accepted { ballot, instance } => vec![("ballot", ballot.to_string()), of(instance)],
            Message::Refused { ballot } => vec![("promised", ballot.to_string())],
            Message::Chosen { instance, value } => vec![of(instance), ("value", value.short())],
            Message::Alive { first } | Message::Learn { first } | Message::Everything { first, .. } => {
                vec![("from instance", first.to_string())]
            }
        }
    }
}

/// A node's disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Store {
    /// The acceptors; nobody at a node that is none.
    pub acceptors: Rc<[NodeId]>,
    /// The highest number that it has promised.
    pub promised: Ballot,
    /// What it has accepted, of what it does not know to be decided.
    pub accepted: Table<Instance, (Ballot, Command)>,
    /// The first instance of which it does not know what was chosen; one less than that is kept.
    pub learnt: Instance,
    /// What all before comes to.
    pub machine: Rc<Machine>,
}

/// A write to a node's disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// These are the acceptors.
    Found(Rc<[NodeId]>),
    /// A promise.
    Promise(Ballot),
    /// An acceptance, which promises as much.
    Accept(Instance, Ballot, Command),
    /// What was chosen next.
    Learn(Command),
    /// What everything up to an instance comes to.
    Everything(Instance, Rc<Machine>),
}

impl Disk for Store {
    type Write = Write;
    fn apply(&mut self, write: Write) {
        match write {
            Write::Found(acceptors) => self.acceptors = acceptors,
            Write::Promise(ballot) => self.promised = self.promised.max(ballot),
            Write::Accept(instance, ballot, value) => {
                self.promised = self.promised.max(ballot);
                if instance > self.learnt {
                    self.accepted.insert(instance, (ballot, value));
                }
            }
            Write::Learn(value) => {
                self.learnt += 1;
                Rc::make_mut(&mut self.machine).apply(&value);
                self.accepted.remove(&self.learnt);
            }
            Write::Everything(learnt, machine) => {
                (self.learnt, self.machine) = (learnt, machine);
                self.accepted.retain(|instance, _| *instance > learnt);
            }
        }
    }
}

/// What is told of an agreement, for checks and the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// It is one of these acceptors.
    Founded {
        /// Everyone.
        acceptors: Rc<[NodeId]>,
    },
    /// An acceptor has promised.
    Promised {
        /// Which number.
        ballot: Ballot,
    },
    /// A proposer has proposed.
    Proposed {
        /// Under which number.
        ballot: Ballot,
        /// In which instance.
        instance: Instance,
        /// What.
        value: Command,
    },
    /// An acceptor has accepted.
    Accepted {
        /// Under which number.
        ballot: Ballot,
        /// In which instance.
        instance: Instance,
        /// What.
        value: Command,
    },
    /// A learner has learnt that this is chosen.
    Learnt {
        /// In which instance.
        instance: Instance,
        /// What.
        value: Command,
    },
}

impl Told {
    /// Its name in conditions.
    pub fn name(&self) -> &'static str {
        match self {
            Told::Founded { .. } => "founded",
            Told::Promised { .. } => "promised",
            Told::Proposed { .. } => "proposed",
            Told::Accepted { .. } => "agreed",
            Told::Learnt { .. } => "chosen",
        }
    }
    /// What the node does by it.
    pub fn sentence(&self) -> String {
        match self {
            Told::Founded { acceptors } => format!("is one of {} acceptors", acceptors.len()),
            Told::Promised { ballot } => format!("promises ballot {ballot}: it accepts nothing below"),
            Told::Proposed { ballot, instance, value } => {
                format!("proposes {} in instance {instance}, ballot {ballot}", value.short())
            }
            Told::Accepted { ballot, instance, value } => {
                format!("accepts {} in instance {instance}, ballot {ballot}", value.short())
            }
            Told::Learnt { instance, value } => {
                format!("learns that {} is chosen in instance {instance}", value.short())
            }
        }
    }
}
