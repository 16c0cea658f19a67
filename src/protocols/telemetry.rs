//! What services tell of themselves: figures when they are asked, lines of a log and spans of traces as they come about.
//!
//! A trace is all that one request brought about; each service on its way tells its own part, a span, with the service that
//! asked for it (Sigelman et al., «Dapper, a Large-Scale Distributed Systems Tracing Infrastructure», Google 2010). Which
//! requests are traced is decided by their key alone, so that all services decide alike without telling one another.

use std::rc::Rc;

use crate::sim::{Micros, NodeId};

use super::{Family, Form, Wire};

/// What a service has done since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Figures {
    /// Requests that it has answered well.
    pub served: u64,
    /// Requests that it has not.
    pub failed: u64,
}

impl Figures {
    /// What came since an earlier look; all of it, where it has started anew.
    pub fn since(&self, earlier: &Figures) -> Figures {
        if self.served < earlier.served || self.failed < earlier.failed {
            return self.clone();
        }
        Figures { served: self.served - earlier.served, failed: self.failed - earlier.failed }
    }
    /// All requests.
    pub fn all(&self) -> u64 {
        self.served + self.failed
    }
    /// The share that failed, in thousandths.
    pub fn permille(&self) -> u64 {
        (self.failed * 1000).checked_div(self.all()).unwrap_or(0)
    }
}

/// What services and those who watch them say to one another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Tell your figures.
    Scrape,
    /// These are mine.
    Figures {
        /// What it has done.
        figures: Figures,
        /// Whom it asks for its own requests.
        asks: Rc<[NodeId]>,
    },
    /// Tell this of yourself from now on.
    Instrument {
        /// A line for each request that fails.
        logs: bool,
        /// Spans of this share of requests, in thousandths.
        spans: u32,
    },
    /// A line of a log: a request has failed.
    Failed {
        /// Which.
        key: u64,
    },
    /// My part of a request is over.
    Span {
        /// Of which request.
        key: u64,
        /// Who has asked for it.
        parent: NodeId,
        /// Whether it failed.
        failed: bool,
        /// How long it took.
        took: Micros,
    },
    /// Somebody looks into the service itself, with a debugger: is it wrong?
    Examine,
    /// What is seen there.
    Examined {
        /// Whether its own program is wrong.
        wrong: bool,
    },
    /// You are what is wrong: mend it.
    Blame,
}

impl Wire for Message {
    const FAMILY: Family = Family::Control;
    fn name(&self) -> &'static str {
        match self {
            Message::Scrape => "Scrape",
            Message::Figures { .. } => "Figures",
            Message::Instrument { .. } => "Instrument",
            Message::Failed { .. } => "Failed",
            Message::Span { .. } => "Span",
            Message::Examine => "Examine",
            Message::Examined { .. } => "Examined",
            Message::Blame => "Blame",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Scrape | Message::Instrument { .. } | Message::Examine | Message::Blame => Form::Request,
            Message::Figures { .. } | Message::Examined { .. } => Form::Reply,
            Message::Failed { .. } | Message::Span { .. } => Form::Beat,
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Message::Scrape | Message::Examine | Message::Blame => Vec::new(),
            Message::Figures { figures, asks } => {
                let asks: Vec<String> = asks.iter().map(NodeId::to_string).collect();
                let mut fields = vec![("served", figures.served.to_string()), ("failed", figures.failed.to_string())];
                if !asks.is_empty() {
                    fields.push(("asks", asks.join(" ")));
                }
                fields
            }
            Message::Instrument { logs, spans } => vec![("logs", logs.to_string()), ("spans", format!("{spans} ‰"))],
            Message::Failed { key } => vec![("request", key.to_string())],
            Message::Span { key, parent, failed, took } => vec![
                ("request", key.to_string()),
                ("for", parent.to_string()),
                ("failed", failed.to_string()),
                ("took", took.to_string()),
            ],
            Message::Examined { wrong } => vec![("wrong", wrong.to_string())],
        }
    }
}

/// Whether a request is traced, if this share of them is, in thousandths: the same everywhere.
pub fn is_sampled(key: u64, permille: u32) -> bool {
    // Spread evenly, whatever the keys are: the finaliser of MurmurHash3.
    let mut mixed = key ^ (key >> 33);
    mixed = mixed.wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^= mixed >> 33;
    mixed = mixed.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^= mixed >> 33;
    mixed % 1000 < u64::from(permille)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_samples_the_same_share_of_the_same_requests() {
        for permille in [0, 10, 500, 1000] {
            let found = (0..100_000).filter(|key| is_sampled(*key, permille)).count();
            let expected = 100 * permille as usize;
            assert!(found.abs_diff(expected) <= 400, "{permille} ‰: {found}");
        }
    }

    #[test]
    fn figures_of_one_that_has_started_anew_begin_anew() {
        let (before, after) = (Figures { served: 90, failed: 10 }, Figures { served: 94, failed: 16 });
        assert_eq!(after.since(&before), Figures { served: 4, failed: 6 });
        assert_eq!(after.since(&before).permille(), 600);
        assert_eq!(before.since(&after), before);
        assert_eq!(Figures::default().permille(), 0);
    }
}
