//! How many servers there are: decided from how much is under way, as Kubernetes' autoscaler does: as many as it takes
//! for each to have its target, nothing while that is nearly so, and nothing for a while after something was done.
//!
//! A server that starts takes a while, so it gets nothing before it has said that it is ready. One that is to go first
//! gets nothing any more, and goes when nothing is under way to it.

use std::rc::Rc;

use crate::sim::{Micros, NodeId, Time};

use super::{Family, Form, Wire};

/// How many servers may be on their way out at once.
pub const MAX_DRAINING: usize = 1_024;
/// How many servers are started by one decision at most.
pub const MAX_STEP: u32 = 16;

/// What an autoscaler, a dispatcher and servers say to one another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// From a dispatcher that has just started: who is ready?
    Hello,
    /// From a server: I am.
    Ready,
    /// How much is under way? And give these nothing any more.
    Ask {
        /// Servers that are to go.
        draining: Rc<[NodeId]>,
    },
    /// So much.
    Load {
        /// Requests under way, those that wait included.
        under_way: u32,
        /// Of the servers that are to go those to which nothing is under way.
        idle: Rc<[NodeId]>,
    },
    /// To a server to which nothing is under way: hand over what you still have, for you are to go.
    Leave,
    /// It has nothing any more.
    Gone,
}

impl Wire for Message {
    const FAMILY: Family = Family::Control;
    fn name(&self) -> &'static str {
        match self {
            Message::Hello => "Hello",
            Message::Ready => "Ready",
            Message::Ask { .. } => "Ask",
            Message::Load { .. } => "Load",
            Message::Leave => "Leave",
            Message::Gone => "Gone",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Hello | Message::Ready => Form::Beat,
            Message::Ask { .. } | Message::Leave => Form::Request,
            Message::Load { .. } | Message::Gone => Form::Reply,
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        let list = |nodes: &[NodeId]| nodes.iter().map(NodeId::to_string).collect::<Vec<_>>().join(" ");
        match self {
            Message::Hello | Message::Ready | Message::Leave | Message::Gone => Vec::new(),
            Message::Ask { draining } if draining.is_empty() => Vec::new(),
            Message::Ask { draining } => vec![("draining", list(draining))],
            Message::Load { under_way, idle } => {
                let mut fields = vec![("under way", under_way.to_string())];
                if !idle.is_empty() {
                    fields.push(("idle", list(idle)));
                }
                fields
            }
        }
    }
}

/// How it is decided.
#[derive(Clone, Copy, Debug)]
pub struct Aim {
    /// How much should be under way for each server, in thousandths.
    pub target: u64,
    /// How many servers there are at least.
    pub least: u32,
    /// How many there are at most.
    pub most: u32,
    /// How long nothing is done after something was.
    pub cooldown: Micros,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing.
    Stay,
    /// So many more.
    Out(u32),
    /// One less: one at a time, since what was needed once may be needed again.
    In,
}

/// What was decided last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scaler {
    acted: Option<(Time, bool)>,
}

impl Scaler {
    /// Decides for so many servers, starting ones included, with so much under way. Whether that turns the direction.
    pub fn decide(&mut self, aim: &Aim, now: Time, servers: u32, under_way: u32) -> (Decision, bool) {
        let load = u64::from(under_way) * 1000;
        let wanted = load.div_ceil(aim.target.max(1)).clamp(u64::from(aim.least), u64::from(aim.most.max(aim.least)));
        let wanted = wanted as u32;
        // A tenth more or less is as it should be, unless there are too few or too many in any case.
        let should = aim.target * u64::from(servers);
        let near = load.abs_diff(should) * 10 <= should && (aim.least..=aim.most).contains(&servers);
        let cooling = self.acted.is_some_and(|(at, _)| now.since(at) < aim.cooldown);
        if wanted == servers || near || cooling {
            return (Decision::Stay, false);
        }
        let out = wanted > servers;
        let turned = self.acted.is_some_and(|(_, before)| before != out);
        self.acted = Some((now, out));
        let decision = if out { Decision::Out((wanted - servers).min(MAX_STEP)) } else { Decision::In };
        (decision, turned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AIM: Aim = Aim { target: 2_000, least: 2, most: 10, cooldown: Micros::secs(10) };

    fn at(seconds: u64) -> Time {
        Time(seconds * 1_000_000)
    }

    #[test]
    fn as_many_as_it_takes_and_one_less_at_a_time() {
        // Servers, under way, and what comes of it.
        let cases = [
            (4, 8, Decision::Stay),
            (4, 9, Decision::Out(1)),
            (4, 13, Decision::Out(3)),
            (10, 21, Decision::Stay),
            (10, 23, Decision::Stay),
            (4, 1_000, Decision::Out(6)),
            (4, 5, Decision::In),
            (2, 0, Decision::Stay),
            (1, 0, Decision::Out(1)),
            (12, 24, Decision::In),
        ];
        for (servers, under_way, expected) in cases {
            let decided = Scaler::default().decide(&AIM, at(1), servers, under_way);
            assert_eq!(decided, (expected, false), "{servers} servers, {under_way} under way");
        }
    }

    #[test]
    fn after_something_was_done_nothing_is_until_it_has_cooled_down() {
        let mut scaler = Scaler::default();
        assert_eq!(scaler.decide(&AIM, at(1), 4, 20), (Decision::Out(6), false));
        assert_eq!(scaler.decide(&AIM, at(5), 4, 40), (Decision::Stay, false));
        assert_eq!(scaler.decide(&AIM, at(11), 10, 4), (Decision::In, true));
        let restless = Aim { cooldown: Micros::ZERO, ..AIM };
        assert_eq!(scaler.decide(&restless, at(12), 9, 40), (Decision::Out(1), true));
        assert_eq!(scaler.decide(&restless, at(12), 10, 4), (Decision::In, true));
    }
}
