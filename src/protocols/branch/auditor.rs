//! Who has snapshots taken and adds them up, and puts what branches tell of their payments into an order.

use std::collections::VecDeque;
use std::rc::Rc;

use super::{How, Line, Message, Report, Told};
use crate::protocols::logical::Vector;
use crate::sim::{Disk, Micros, NodeId, Port, Table, Time};

/// How many lines wait for the other half of their payment; of more the first are forgotten.
pub const MATCHED: usize = 1_024;
/// With how many of the last lines a new one may be compared.
pub const RECENT: usize = 64;

crate::choice! {
    /// How the state of the whole is had.
    #[derive(Default)]
    pub enum Method {
        /// By markers, which divide what was sent before from what was sent after.
        #[default]
        Markers = "markers",
        /// By asking everyone how much it has.
        Ask = "ask",
        /// By having everyone tell how much it has when its clock shows a certain time.
        SameTime = "same-time",
    }
}

crate::choice! {
    /// By what lines of different journals are put into an order.
    #[derive(Default)]
    pub enum Compares {
        /// By the time that the clocks on the wall showed.
        Wall = "wall-clock",
        /// By Lamport's numbers.
        #[default]
        Lamport = "lamport",
    }
}

/// An auditor's disk: the number of the last snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Numbers(pub u64);

impl Disk for Numbers {
    type Write = u64;
    fn apply(&mut self, last: u64) {
        self.0 = last;
    }
}

/// What an auditor waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To begin the next snapshot.
    Next,
    /// Its number is on the disk.
    Numbered(u64),
}

/// A snapshot that is being taken.
#[derive(Clone, Debug, Hash)]
struct Open {
    snapshot: u64,
    begun: Time,
    of: Rc<[NodeId]>,
    reports: Table<NodeId, Report>,
}

/// What came of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Totals {
    /// Which.
    pub snapshot: u64,
    /// How much there was in all.
    pub total: u64,
    /// How much of that was in channels.
    pub under_way: u64,
    /// How much there should be.
    pub due: u64,
    /// By the vectors.
    pub consistent: bool,
    /// How long it took.
    pub took: Micros,
}

/// What two lines of a payment, or two of any, came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// The receipt comes after the payment.
    Cause,
    /// The receipt comes before the payment, or at the same time.
    Effect,
    /// One of two events can have influenced the other.
    Ordered,
    /// Neither can.
    Concurrent,
}

/// An auditor.
#[derive(Clone, Debug, Hash)]
pub struct Auditor {
    last: u64,
    open: Option<Open>,
    /// What the last snapshot came to.
    pub totals: Option<Totals>,
    /// Snapshots that were begun and never came to an end.
    pub given_up: u64,
    halves: Table<(NodeId, NodeId, u64), Line>,
    recent: VecDeque<(NodeId, Vector)>,
}

impl Auditor {
    /// Starts, and starts again.
    pub fn boot(numbers: Numbers) -> Auditor {
        let (halves, recent) = (Table::new(), VecDeque::new());
        Auditor { last: numbers.0, open: None, totals: None, given_up: 0, halves, recent }
    }
    /// The snapshot that is being taken, and how many have reported.
    pub fn open(&self) -> Option<(u64, usize, usize)> {
        self.open.as_ref().map(|open| (open.snapshot, open.reports.len(), open.of.len()))
    }

    /// Has the next snapshot taken; one that has not come to an end is given up, and then this is true.
    pub fn next<P: Port<Message = Message, Timer = Timer, Write = u64>>(&mut self, port: &mut P) -> bool {
        self.last += 1;
        port.persist(self.last, Some(Timer::Numbered(self.last)));
        let late = self.open.take().is_some();
        self.given_up += u64::from(late);
        late
    }

    /// Its number is on the disk: now it may be used.
    pub fn begin<P: Port<Message = Message, Timer = Timer, Write = u64>>(
        &mut self,
        port: &mut P,
        snapshot: u64,
        branches: &[NodeId],
        method: Method,
        notice: Micros,
    ) {
        if branches.is_empty() || snapshot != self.last {
            return;
        }
        let begun = port.now();
        self.open = Some(Open { snapshot, begun, of: branches.into(), reports: Table::new() });
        // Anyone may begin: one draw, whatever the method is.
        let first = branches[port.rng().below(branches.len() as u64) as usize];
        let (asked, how) = match method {
            Method::Markers => (vec![first], How::Begin),
            Method::Ask => (branches.to_vec(), How::Ask),
            Method::SameTime => (branches.to_vec(), How::At(begun + notice)),
        };
        for branch in asked {
            port.send(branch, Message::Snapshot { snapshot, how });
        }
    }

    /// A branch reports. The sum, when all have.
    pub fn on_report(&mut self, now: Time, from: NodeId, report: Report) -> Option<Told> {
        let open = self.open.as_mut().filter(|open| open.snapshot == report.snapshot && open.of.contains(&from))?;
        open.reports.insert(from, report);
        if open.reports.len() < open.of.len() {
            return None;
        }
        let Open { snapshot, begun, of, reports } = self.open.take()?;
        let under_way = reports.values().flat_map(|report| &report.channels).map(|(_, amount)| amount).sum();
        let total = reports.values().map(|report| report.balance).sum::<u64>() + under_way;
        let due = reports.values().map(|report| report.opened).sum();
        // Nobody knows more of what a branch did than it had done itself when it recorded (Mattern 1989).
        let of_itself = |(branch, report): (&NodeId, &Report)| {
            reports.values().all(|other| other.known.of(*branch) <= report.known.of(*branch))
        };
        let consistent = reports.iter().all(of_itself);
        self.totals = Some(Totals { snapshot, total, under_way, due, consistent, took: now.since(begun) });
        Some(Told::Totalled { snapshot, of, total, due, consistent })
    }

    /// A line of somebody's journal, beside the other half of its payment and beside one of the last lines of others, which
    /// `luck` chooses.
    pub fn on_line(&mut self, line: &Line, compares: Compares, luck: u64) -> Vec<Compared> {
        let mut found = Vec::new();
        let key = (line.from, line.to, line.number);
        match self.halves.remove(&key) {
            Some(other) => {
                let (paid, got) = if line.paid { (line, &other) } else { (&other, line) };
                let after = match compares {
                    Compares::Wall => got.wall >= paid.wall,
                    Compares::Lamport => got.stamp.lamport > paid.stamp.lamport,
                };
                found.push(if after { Compared::Cause } else { Compared::Effect });
            }
            None => {
                if self.halves.len() >= MATCHED {
                    let first = self.halves.keys().next().copied();
                    first.and_then(|first| self.halves.remove(&first));
                }
                self.halves.insert(key, line.clone());
            }
        }
        let me = if line.paid { line.from } else { line.to };
        let others = self.recent.iter().filter(|(of, _)| *of != me).count() as u64;
        if let Some(place) = luck.checked_rem(others) {
            let mut those = self.recent.iter().filter(|(of, _)| *of != me);
            if let Some((_, other)) = those.nth(place as usize) {
                let beside = other.concurrent(&line.stamp.vector);
                found.push(if beside { Compared::Concurrent } else { Compared::Ordered });
            }
        }
        if self.recent.len() >= RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((me, line.stamp.vector.clone()));
        found
    }
}
