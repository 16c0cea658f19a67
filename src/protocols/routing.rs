//! Who does the work: a supervisor publishes the senders under an epoch that only grows; gateways follow the newest.

use std::rc::Rc;

use crate::sim::NodeId;

use super::{Family, Form, Wire};

/// What a supervisor and those whom it serves say to one another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// From a gateway: who does the work?
    Ask {
        /// The newest epoch that it knows: a supervisor that has forgotten more than that goes on from here.
        epoch: u64,
    },
    /// From the supervisor: these do.
    Routes {
        /// Counts the changes.
        epoch: u64,
        /// Who, ascending.
        senders: Rc<[NodeId]>,
    },
    /// From a sender that has just booted: I am here.
    Ready,
}

impl Wire for Message {
    const FAMILY: Family = Family::Control;
    fn name(&self) -> &'static str {
        match self {
            Message::Ask { .. } => "AskRoutes",
            Message::Routes { .. } => "Routes",
            Message::Ready => "Ready",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Ask { .. } => Form::Request,
            Message::Routes { .. } => Form::Reply,
            Message::Ready => Form::Beat,
        }
    }
    fn bytes(&self) -> u32 {
        match self {
            Message::Routes { senders, .. } => 24 + 8 * senders.len() as u32,
            _ => 16,
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Message::Ask { epoch } => vec![("epoch", epoch.to_string())],
            Message::Routes { epoch, senders } => {
                let senders: Vec<String> = senders.iter().map(NodeId::to_string).collect();
                vec![("epoch", epoch.to_string()), ("senders", senders.join(" "))]
            }
            Message::Ready => vec![],
        }
    }
}
