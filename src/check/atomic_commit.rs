//! Atomic commitment, by the names of Bernstein, Hadzilacos and Goodman (1987, section 7.3), and what it is for: that
//! money neither comes from nowhere nor goes there.
//!
//! - AC1: all processes that reach a decision reach the same one.
//! - AC2: a process cannot reverse its decision after it has reached one.
//! - AC3: Commit can only be reached if all processes voted Yes.
//! - AC4: if there are no failures and all processes voted Yes, then the decision is to Commit. Judged where nothing was
//!   wrong since the transaction began and every Yes had come to the coordinator before it had waited for too long: with a
//!   time-out a late message is a failure.
//! - AC5: if all failures are repaired and no new ones occur for long enough, all processes reach a decision. Long enough
//!   is here [`DECIDED_WITHIN`].
//!
//! A disk that is lost or forgets is outside of what the protocol is made for: then these are rightly found broken.

use std::rc::Rc;

use crate::components::{Fact, Message, Record, What, World};
use crate::protocols::two_phase::{Message as Commit, Step, Told, Tx};
use crate::sim::{Micros, NodeId, RecordId, Scale, Status, Table, Time};

use super::{Check, Violation, disturbs};

/// Its name.
pub const NAME: &str = "atomic-commit";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "All who take part in a transaction decide alike and once, to commit only if all voted Yes, and all decide within 30 s of the end of the last failure (AC1 to AC5); money is conserved."
);
/// How many transactions are watched: those that everyone has decided go first. With more open ones no more are watched,
/// which is no verdict.
pub const WATCHED: usize = 512;
/// How long after the end of the last failure everyone must have decided.
pub const DECIDED_WITHIN: Micros = Micros::secs(30);
/// How often it looks whether everyone has.
const LOOK: Micros = Micros::secs(1);

/// A decision of one process.
#[derive(Clone, Copy, Debug)]
struct Decision {
    node: NodeId,
    commit: bool,
    change: i64,
    record: RecordId,
}

/// What is known of a transaction.
#[derive(Clone, Debug)]
struct Seen {
    participants: Rc<[NodeId]>,
    begun: Time,
    record: RecordId,
    yes: Vec<(NodeId, RecordId)>,
    /// Whose Yes has come to the coordinator.
    arrived: Vec<NodeId>,
    /// The coordinator did not wait for every vote.
    gave_up: bool,
    decisions: Vec<Decision>,
    /// It has been told once that somebody does not decide.
    late: bool,
}

impl Seen {
    fn decided(&self, node: NodeId) -> Option<&Decision> {
        self.decisions.iter().find(|decision| decision.node == node)
    }
    /// Whoever has promised to commit, or must because it was decided, and has not decided. One that never heard of the
    /// transaction, or voted No, owes nothing.
    fn open(&self) -> Option<NodeId> {
        let commit = self.decisions.iter().any(|decision| decision.commit);
        let owes = |node: &NodeId| commit || self.yes.iter().any(|(who, _)| who == node);
        self.participants.iter().copied().find(|node| owes(node) && self.decided(*node).is_none())
    }
    fn evidence(&self, last: RecordId) -> Vec<RecordId> {
        let votes = self.yes.iter().map(|(_, record)| *record);
        let decisions = self.decisions.iter().map(|decision| decision.record);
        let mut all: Vec<RecordId> = std::iter::once(self.record).chain(votes).chain(decisions).chain([last]).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// The check.
#[derive(Clone, Debug)]
struct AtomicCommit {
    seen: Table<Tx, Rc<Seen>>,
    /// Since when nothing has gone wrong.
    calm: Time,
    look: Time,
}

fn word(commit: bool) -> &'static str {
    if commit { "Commit" } else { "Abort" }
}

impl AtomicCommit {
    fn told(&mut self, record: &Record, told: &Told, world: &World, found: &mut Vec<Violation>) {
        if let Step::Began { participants } = &told.step {
            return self.begin(record, told.tx, participants.clone());
        }
        let calm = self.calm;
        let Some(seen) = self.seen.get_mut(&told.tx) else { return };
        let seen = Rc::make_mut(seen);
        match told.step {
            Step::Voted { yes: true } => seen.yes.push((record.node, record.id)),
            Step::GaveUp => seen.gave_up = true,
            Step::Decided { commit, change, .. } => {
                let decision = Decision { node: record.node, commit, change, record: record.id };
                let broken = judge(seen, decision, told.tx, calm, world);
                if seen.decided(record.node).is_none() {
                    seen.decisions.push(decision);
                }
                found.extend(broken.map(|what| breach(record.at, record.id, record.node, &what, seen)));
            }
            Step::Ended => {
                let broken = conserved(seen, told.tx, world);
                found.extend(broken.map(|what| breach(record.at, record.id, record.node, &what, seen)));
            }
            _ => {}
        }
    }

    fn begin(&mut self, record: &Record, tx: Tx, participants: Rc<[NodeId]>) {
        if self.seen.len() >= WATCHED {
            let done = self.seen.iter().filter(|(_, seen)| seen.open().is_none());
            let Some(oldest) = done.min_by_key(|(_, seen)| seen.record).map(|(tx, _)| *tx) else { return };
            self.seen.remove(&oldest);
        }
        let (begun, record) = (record.at, record.id);
        let (yes, arrived, gave_up, decisions) = (Vec::new(), Vec::new(), false, Vec::new());
        let seen = Seen { participants, begun, record, yes, arrived, gave_up, decisions, late: false };
        self.seen.insert(tx, Rc::new(seen));
    }
}

/// What is wrong with a decision, if anything.
fn judge(seen: &Seen, decision: Decision, tx: Tx, calm: Time, world: &World) -> Option<String> {
    let Decision { node, commit, change, .. } = decision;
    let (me, called, decides) = (world.name(node), world.named(&tx.to_string()), word(commit));
    if let Some(before) = seen.decided(node) {
        if before.commit != commit {
            return Some(format!("AC2: {me} had decided {} on {called}, and now {decides}", word(before.commit)));
        }
        if commit && change != 0 {
            return Some(format!("money: {me} commits {called} a second time and adds {change} once more"));
        }
    }
    if let Some(other) = seen.decisions.iter().find(|other| other.commit != commit) {
        let (who, what) = (world.name(other.node), word(other.commit));
        return Some(format!("AC1: {me} decides {decides} on {called}, but {who} has decided {what}"));
    }
    let voted = |node: &NodeId| seen.yes.iter().any(|(who, _)| who == node);
    if commit && let Some(other) = seen.participants.iter().find(|node| !voted(node)) {
        return Some(format!("AC3: {me} decides Commit on {called}, but {} has not voted Yes", world.name(*other)));
    }
    let all = seen.participants.iter().all(|node| seen.arrived.contains(node));
    if !commit && node == tx.coordinator && all && calm <= seen.begun && !trouble(world) {
        return Some(format!("AC4: {me} aborts {called}, although nothing failed and every Yes had come"));
    }
    None
}

/// What is wrong with a transaction of which its coordinator has every acknowledgement.
fn conserved(seen: &Seen, tx: Tx, world: &World) -> Option<String> {
    let commit = seen.decided(tx.coordinator).is_some_and(|decision| decision.commit);
    let called = world.named(&tx.to_string());
    let parts = seen.participants.iter().filter(|_| commit);
    if let Some(other) = parts.clone().find(|node| seen.decided(**node).is_none()) {
        let other = world.name(*other);
        return Some(format!("money: {called} is committed, and {other} has acknowledged that, but not done its part"));
    }
    let sum: i64 = parts.filter_map(|node| seen.decided(*node)).map(|decision| decision.change).sum();
    (sum != 0).then(|| format!("money: {called} has made {sum} of nothing"))
}

fn breach(at: Time, record: RecordId, node: NodeId, what: &str, seen: &Seen) -> Violation {
    let (check, told) = (Rc::from(NAME), Rc::from(what));
    Violation { check, at, record, node, told, evidence: seen.evidence(record) }
}

/// Whether something is wrong anywhere now.
pub(super) fn trouble(world: &World) -> bool {
    world.nodes().any(|(_, node)| {
        let machine = node.status != Status::Up || node.slow > 1000 || node.disk.full || node.disk.stuck;
        machine || node.lies.is_some() || node.links.iter().any(|link| link.cut || link.held)
    })
}

/// Whether a record is a failure, or a repair, or something else that lets nobody say how long it will take.
pub(super) fn unsettles(what: &What) -> bool {
    let one = matches!(what, What::Dialled { .. } | What::Lost { .. } | What::Delayed { .. } | What::Unwritten { .. });
    one || disturbs(what)
}

/// Whether a transaction can be decided at all: everyone is there and linked to its coordinator.
fn can_end(tx: Tx, seen: &Seen, world: &World) -> bool {
    let Some(coordinator) = world.node(tx.coordinator) else { return false };
    seen.participants.iter().all(|node| world.node(*node).is_some() && coordinator.link(*node).is_some())
}

impl Check for AtomicCommit {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        match &record.what {
            What::Fact(Fact::Transaction(told)) => self.told(record, told, world, found),
            What::Arrived { from, message: Message::Commit(Commit::Yes { tx }), .. }
                if tx.coordinator == record.node =>
            {
                if let Some(seen) = self.seen.get_mut(tx) {
                    let seen = Rc::make_mut(seen);
                    seen.arrived.extend((!seen.gave_up).then_some(*from));
                }
            }
            what if unsettles(what) => self.calm = record.at,
            _ => {}
        }
    }
    fn due(&self) -> Option<Time> {
        Some(self.look)
    }
    fn on_due(&mut self, world: &World, found: &mut Vec<Violation>) {
        self.look = world.now() + LOOK;
        let late = |calm: Time, seen: &Seen| world.now().since(seen.begun.max(calm)) > DECIDED_WITHIN;
        let calm = self.calm;
        if !self.seen.values().any(|seen| !seen.late && late(calm, seen) && seen.open().is_some()) {
            return;
        }
        if trouble(world) {
            self.calm = world.now();
            return;
        }
        for (tx, seen) in self.seen.iter_mut() {
            let open = seen.open().filter(|_| !seen.late && late(calm, seen) && can_end(*tx, seen, world));
            let Some(node) = open else { continue };
            let seen = Rc::make_mut(seen);
            seen.late = true;
            let (who, called) = (world.name(node), world.named(&tx.to_string()));
            let told = format!("AC5: {who} has not decided on {called}, {DECIDED_WITHIN} after the last failure ended");
            found.push(breach(world.now(), seen.record, node, &told, seen));
        }
    }
    fn weigh(&self, scale: &mut Scale) {
        scale.own(1_000 + self.seen.len() * 1_000);
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(AtomicCommit { seen: Table::new(), calm: Time::ZERO, look: Time(LOOK.0) })
}
