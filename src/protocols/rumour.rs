//! Something that everyone is to hear: spread by pushing it to one other node a round (Demers et al., «Epidemic
//! Algorithms for Replicated Database Maintenance», PODC 1987), or by flooding it over every link but the one it came by.

use super::{Family, Form, Wire};

/// What nodes that spread something say to one another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Have you heard?
    Rumour {
        /// How many nodes it has come through.
        hops: u32,
    },
}

impl Wire for Message {
    const FAMILY: Family = Family::Control;
    fn name(&self) -> &'static str {
        "Rumour"
    }
    fn form(&self) -> Form {
        Form::Beat
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        let Message::Rumour { hops } = self;
        vec![("hops", hops.to_string())]
    }
}
