//! Leases: a lock that ends by itself, and fencing tokens for whoever does not notice that it has.
//!
//! Leases, their terms and the allowance for clocks are those of Gray and Cheriton («Leases: An Efficient Fault-Tolerant
//! Mechanism for Distributed File Cache Consistency», SOSP 1989). Fencing tokens are told as by Kleppmann («How to do
//! distributed locking», 2016): each grant has a number that only grows, whoever uses it shows the number, and what is
//! guarded refuses a number smaller than one that it has seen.
//!
//! A holder counts the term from when it *asked*, on its own clock; the service counts it from when it granted, on its
//! own, and adds what two clocks may differ by in that time. So a holder whose clock keeps to the bound never believes
//! in a lease that another has. A holder that stands still between looking at its clock and using what is guarded can
//! not be helped by any clock: only the token stops it. The token must be shown on reading too, or a new holder could
//! read what an old one is about to write.
//!
//! A service that has been down grants nothing for a whole term, as it does not remember until when it had granted.

use std::collections::VecDeque;

use crate::sim::{Disk, Micros, NodeId, Port};

use super::{Family, Form, Wire};

/// How many may wait for a lease; one more is not put in line and has to ask again.
pub const WAITING: usize = 256;

crate::choice! {
    /// Where a service keeps the number of its last token.
    pub enum Keeps {
        /// On its disk, before it grants.
        Disk = "on-disk",
        /// In its memory: a mistake, since it counts from 1 again when it restarts.
        Memory = "in-memory",
    }
}

crate::choice! {
    /// By what something is guarded against two who use it at once.
    pub enum Guard {
        /// By nothing: a mistake.
        Nothing = "nothing",
        /// Whoever uses it has a lease, and believes its own clock.
        Lease = "lease",
        /// By a lease, of which the token is shown and looked at.
        FencingToken = "fencing-token",
        /// By no lock: a write says what it had read, and is refused if that is not there any more.
        CompareAndSet = "compare-and-set",
    }
}

/// Between a lock service and those who want the lock.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// I want the lease, or to have it for longer.
    Request {
        /// Counts up: tells which asking a grant is counted from.
        number: u64,
    },
    /// You have it.
    Grant {
        /// The asking.
        number: u64,
        /// The fencing token.
        token: u64,
        /// For how long from when you asked.
        term: Micros,
    },
    /// I do not need it any more.
    Release {
        /// Its token.
        token: u64,
        /// Not less than any asking before it, and less than any after it: so a new asking that has overtaken it on the
        /// way is not undone by it.
        number: u64,
    },
}

impl Wire for Message {
    const FAMILY: Family = Family::Control;
    fn name(&self) -> &'static str {
        match self {
            Message::Request { .. } => "Request",
            Message::Grant { .. } => "Grant",
            Message::Release { .. } => "Release",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Request { .. } => Form::Request,
            Message::Grant { .. } => Form::Accept,
            Message::Release { .. } => Form::Reply,
        }
    }
    fn bytes(&self) -> u32 {
        32
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Message::Request { .. } => Vec::new(),
            Message::Grant { token, term, .. } => vec![("token", token.to_string()), ("term", term.to_string())],
            Message::Release { token, .. } => vec![("token", token.to_string())],
        }
    }
}

/// Between whoever wants something and what keeps it: here tickets, of which one is left at a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Sale {
    /// Which ticket is left?
    Look {
        /// Counts a buyer's questions up, over all its lives.
        number: u64,
        /// The token of the lease under which it asks.
        token: Option<u64>,
        /// What it is to be guarded by.
        guard: Guard,
    },
    /// This one.
    Left {
        /// Of which question.
        number: u64,
        /// The ticket.
        ticket: u64,
    },
    /// I take this one.
    Buy {
        /// Counts a buyer's questions up, over all its lives.
        number: u64,
        /// The ticket.
        ticket: u64,
        /// The token of the lease under which it buys.
        token: Option<u64>,
        /// What it is to be guarded by.
        guard: Guard,
    },
    /// It is yours.
    Sold {
        /// Of which question.
        number: u64,
        /// The ticket.
        ticket: u64,
    },
    /// No: the token is an old one, or the ticket is gone.
    Refused {
        /// Of which question.
        number: u64,
    },
}

impl Wire for Sale {
    const FAMILY: Family = Family::Storage;
    fn name(&self) -> &'static str {
        match self {
            Sale::Look { .. } => "Look",
            Sale::Left { .. } => "Left",
            Sale::Buy { .. } => "Buy",
            Sale::Sold { .. } => "Sold",
            Sale::Refused { .. } => "Refused",
        }
    }
    fn form(&self) -> Form {
        match self {
            Sale::Look { .. } | Sale::Buy { .. } => Form::Request,
            Sale::Left { .. } => Form::Reply,
            Sale::Sold { .. } => Form::Accept,
            Sale::Refused { .. } => Form::Refuse,
        }
    }
    fn bytes(&self) -> u32 {
        48
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        if let Sale::Left { ticket, .. } | Sale::Buy { ticket, .. } | Sale::Sold { ticket, .. } = self {
            fields.push(("ticket", ticket.to_string()));
        }
        if let Sale::Look { token: Some(token), .. } | Sale::Buy { token: Some(token), .. } = self {
            fields.push(("token", token.to_string()));
        }
        fields
    }
}

/// What is told of leases and of what they guard, for checks and the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// A service has granted a lease.
    Granted {
        /// Its token.
        token: u64,
        /// To whom.
        to: NodeId,
    },
    /// What is guarded was read.
    Looked {
        /// Who has.
        by: NodeId,
        /// Under which token.
        token: Option<u64>,
    },
    /// What is guarded was written: a ticket was sold.
    Sold {
        /// Which.
        ticket: u64,
        /// To whom.
        by: NodeId,
        /// Under which token.
        token: Option<u64>,
    },
    /// Somebody was refused.
    TurnedAway {
        /// Who.
        by: NodeId,
        /// Their token.
        token: Option<u64>,
    },
}

impl Told {
    /// Its name in conditions.
    pub fn name(&self) -> &'static str {
        match self {
            Told::Granted { .. } => "granted",
            Told::Looked { .. } => "looked",
            Told::Sold { .. } => "sold",
            Told::TurnedAway { .. } => "turned-away",
        }
    }
    /// What the node does by it.
    pub fn sentence(&self) -> String {
        let under = |token: &Option<u64>| token.map_or(String::new(), |token| format!(" under token {token}"));
        match self {
            Told::Granted { token, to } => format!("grants {to} the lease with token {token}"),
            Told::Looked { by, token } => format!("is read by {by}{}", under(token)),
            Told::Sold { ticket, by, token } => format!("sells ticket {ticket} to {by}{}", under(token)),
            Told::TurnedAway { by, token } => format!("turns {by} away{}", under(token)),
        }
    }
}

/// What can be set about a service.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// For how long a lease is granted.
    pub term: Micros,
    /// How far any clock may be off its rate, in parts per million.
    pub drift: u32,
    /// Where the last token is kept.
    pub keeps: Keeps,
}

impl Rules {
    /// How long a service waits on its own clock before it grants to another: a holder's clock may be slow by the bound,
    /// and its own fast.
    pub fn wait(&self) -> Micros {
        let drift = u64::from(self.drift.min(900_000));
        let (fast, slow) = (1_000_000 + drift, 1_000_000 - drift);
        Micros(self.term.0.saturating_mul(fast).div_ceil(slow))
    }
}

/// A service's disk: the last token that was given out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LastToken(pub u64);

impl Disk for LastToken {
    type Write = u64;
    fn apply(&mut self, token: u64) {
        self.0 = token;
    }
}

/// What a service waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The token of the next grant is on the disk.
    Kept,
    /// The lease is over, or what may be left of one from before it was down.
    Over,
}

/// A lock service, of one lock.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Service {
    token: u64,
    holder: Option<NodeId>,
    /// The last asking that was granted.
    granted: u64,
    /// Whom the next token is for, and their asking, while it is on its way to the disk.
    next: Option<(NodeId, u64)>,
    waiting: VecDeque<(NodeId, u64)>,
    /// A lease of an earlier life may still be believed in.
    quiet: bool,
    /// What came of the last event, for the host to tell. Empty between events.
    pub told: Vec<Told>,
}

impl Service {
    /// Starts, and starts again. [`Service::start`] comes next.
    pub fn boot(disk: &LastToken) -> Service {
        let (token, quiet) = (disk.0, disk.0 > 0);
        Service { token, holder: None, granted: 0, next: None, waiting: VecDeque::new(), quiet, told: Vec::new() }
    }
    /// Waits until nobody can believe in a lease of an earlier life.
    pub fn start<P: Port<Message = Message, Timer = Timer, Write = u64>>(&mut self, port: &mut P, rules: &Rules) {
        if self.quiet {
            port.set(Timer::Over, rules.wait());
        }
    }
    /// Who has the lease, as far as it knows, and the last token.
    pub fn holder(&self) -> (Option<NodeId>, u64) {
        (self.holder, self.token)
    }
    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }
    /// Whether it waits for what it may have granted before it was down.
    pub fn quiet(&self) -> bool {
        self.quiet
    }

    /// Somebody wants the lease, or gives it back.
    pub fn on_message<P>(&mut self, port: &mut P, rules: &Rules, from: NodeId, message: &Message)
    where
        P: Port<Message = Message, Timer = Timer, Write = u64>,
    {
        match *message {
            Message::Request { number } if self.holder == Some(from) => self.grant(port, rules, from, number),
            Message::Request { number } => {
                if let Some(waits) = self.waiting.iter_mut().find(|(who, _)| *who == from) {
                    waits.1 = number;
                } else if self.next.is_none_or(|(who, _)| who != from) && self.waiting.len() < WAITING {
                    self.waiting.push_back((from, number));
                }
                self.next(port, rules);
            }
            Message::Release { token, number } if self.holder == Some(from) && self.token == token => {
                if number < self.granted {
                    return;
                }
                self.holder = None;
                port.cancel(&Timer::Over);
                self.next(port, rules);
            }
            Message::Release { .. } | Message::Grant { .. } => {}
        }
    }

    /// A timer has run out, or a token is on the disk.
    pub fn on_timer<P>(&mut self, port: &mut P, rules: &Rules, timer: Timer)
    where
        P: Port<Message = Message, Timer = Timer, Write = u64>,
    {
        match timer {
            Timer::Kept => self.kept(port, rules),
            Timer::Over => {
                (self.holder, self.quiet) = (None, false);
                self.next(port, rules);
            }
        }
    }

    /// Whoever has waited longest is next, if nobody has the lease.
    fn next<P: Port<Message = Message, Timer = Timer, Write = u64>>(&mut self, port: &mut P, rules: &Rules) {
        if self.holder.is_some() || self.quiet || self.next.is_some() {
            return;
        }
        let Some(next) = self.waiting.pop_front() else { return };
        self.next = Some(next);
        match rules.keeps {
            Keeps::Disk => port.persist(self.token + 1, Some(Timer::Kept)),
            Keeps::Memory => self.kept(port, rules),
        }
    }

    fn kept<P: Port<Message = Message, Timer = Timer, Write = u64>>(&mut self, port: &mut P, rules: &Rules) {
        let Some((to, number)) = self.next.take() else { return };
        self.token += 1;
        self.holder = Some(to);
        self.told.push(Told::Granted { token: self.token, to });
        self.grant(port, rules, to, number);
    }

    fn grant<P>(&mut self, port: &mut P, rules: &Rules, to: NodeId, number: u64)
    where
        P: Port<Message = Message, Timer = Timer, Write = u64>,
    {
        self.granted = number;
        port.send(to, Message::Grant { number, token: self.token, term: rules.term });
        port.set(Timer::Over, rules.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::Desk;
    use crate::sim::Time;

    const A: NodeId = NodeId(1);
    const B: NodeId = NodeId(2);
    const RULES: Rules = Rules { term: Micros::secs(2), drift: 100_000, keeps: Keeps::Disk };

    type Serving = Desk<Message, Timer, u64>;

    fn granted(desk: &mut Serving, service: &mut Service) -> Vec<(u32, u64)> {
        for (_, done) in std::mem::take(&mut desk.writes) {
            service.on_timer(desk, &RULES, done.expect("a token is waited for"));
        }
        let grant = |(to, message): (NodeId, Message)| match message {
            Message::Grant { token, .. } => Some((to.0, token)),
            _ => None,
        };
        desk.sent().into_iter().filter_map(grant).collect()
    }

    fn hears(desk: &mut Serving, service: &mut Service, from: NodeId, message: Message) -> Vec<(u32, u64)> {
        service.on_message(desk, &RULES, from, &message);
        granted(desk, service)
    }

    #[test]
    fn one_has_the_lease_and_the_next_gets_it_when_it_is_given_back_or_over() {
        let (mut desk, mut service) = (Serving::new(0), Service::boot(&LastToken(0)));
        let ask = Message::Request { number: 1 };
        assert_eq!(hears(&mut desk, &mut service, A, ask.clone()), [(1, 1)]);
        assert_eq!(hears(&mut desk, &mut service, B, ask.clone()), []);
        assert_eq!(hears(&mut desk, &mut service, B, ask.clone()), [], "it waits already");
        assert_eq!(hears(&mut desk, &mut service, A, ask.clone()), [(1, 1)], "for longer, under the same token");
        let back = Message::Release { token: 1, number: 1 };
        assert_eq!(hears(&mut desk, &mut service, A, back.clone()), [(2, 2)]);
        assert_eq!(hears(&mut desk, &mut service, A, back), [], "not its any more");
        assert_eq!(hears(&mut desk, &mut service, A, ask), []);
        let over = desk.timers.iter().find(|(timer, _)| *timer == Timer::Over).expect("it ends by itself").1;
        assert_eq!(over.since(Time::ZERO), RULES.wait());
        service.on_timer(&mut desk, &RULES, Timer::Over);
        assert_eq!(granted(&mut desk, &mut service), [(1, 3)]);
    }

    #[test]
    fn a_release_that_a_new_asking_has_overtaken_does_not_undo_it() {
        let (mut desk, mut service) = (Serving::new(0), Service::boot(&LastToken(0)));
        assert_eq!(hears(&mut desk, &mut service, A, Message::Request { number: 1 }), [(1, 1)]);
        assert_eq!(hears(&mut desk, &mut service, A, Message::Request { number: 5 }), [(1, 1)]);
        assert_eq!(hears(&mut desk, &mut service, A, Message::Release { token: 1, number: 4 }), []);
        assert_eq!(service.holder(), (Some(A), 1));
        hears(&mut desk, &mut service, A, Message::Release { token: 1, number: 6 });
        assert_eq!(service.holder(), (None, 1));
    }

    #[test]
    fn a_service_that_was_down_grants_nothing_for_a_term_and_counts_on() {
        let (mut desk, mut service) = (Serving::new(0), Service::boot(&LastToken(7)));
        service.start(&mut desk, &RULES);
        assert_eq!(hears(&mut desk, &mut service, A, Message::Request { number: 1 }), []);
        service.on_timer(&mut desk, &RULES, Timer::Over);
        assert_eq!(granted(&mut desk, &mut service), [(1, 8)]);
    }

    #[test]
    fn a_slow_holder_is_waited_for_by_a_fast_service() {
        // A tenth slow: 2 s of the holder are 2.22 s. A tenth fast: those are 2.44 s of the service.
        assert_eq!(RULES.wait(), Micros(2_444_445));
        assert_eq!(Rules { drift: 0, ..RULES }.wait(), Micros::secs(2));
        assert!(Rules { drift: u32::MAX, term: Micros(u64::MAX / 2), ..RULES }.wait() > Micros::secs(2));
    }
}
