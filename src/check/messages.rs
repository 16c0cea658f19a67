//! What the network promises in every run: each message that was sent arrives once, or is lost once and for a reason,
//! or is still under way. Sent = arrived + lost + under way, after every event.

use std::rc::Rc;

use crate::components::{Record, What, World};
use crate::sim::{Payload, RecordId, Scale, Why};

use super::{Check, Violation};

/// Its name.
pub const NAME: &str = "messages";
/// What it promises.
pub const PROMISE: &str =
    crate::later_text!("Every message that was sent has arrived once, was lost once, or is under way.");
/// How many messages under way are watched; with more of them it stops looking, which is no verdict.
pub const WATCHED: usize = 65_536;

/// The check. A message is named by the record of its sending.
#[derive(Clone, Debug, Default)]
struct Messages {
    /// Sent, and neither arrived nor lost: ascending.
    under_way: Vec<RecordId>,
    sent: u64,
    arrived: u64,
    lost: u64,
    /// The last record that moved a message.
    last: Option<(RecordId, crate::sim::NodeId)>,
    /// It has told that the sum is wrong, which stays so; or there were too many to watch.
    silent: bool,
}

impl Messages {
    /// Takes a message off the way. Whether it was there.
    fn take(&mut self, sent: RecordId) -> bool {
        let place = self.under_way.binary_search(&sent);
        place.is_ok_and(|place| {
            self.under_way.remove(place);
            true
        })
    }

    fn breach(record: &Record, told: String, evidence: Vec<RecordId>, found: &mut Vec<Violation>) {
        let (at, record, node) = (record.at, record.id, record.node);
        found.push(Violation { check: Rc::from(NAME), at, record, node, told: Rc::from(told), evidence });
    }
}

impl Check for Messages {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        match &record.what {
            // A copy is a message of its own.
            What::Sent { .. } | What::Duplicated { .. } => {
                self.sent += 1;
                self.under_way.push(record.id);
                self.silent |= self.under_way.len() > WATCHED;
            }
            What::Arrived { from, message, .. } => {
                if self.take(record.cause) {
                    self.arrived += 1;
                } else if !self.silent {
                    let (to, from, name) = (world.name(record.node), world.name(*from), message.name());
                    let told = format!("{to} got {name} of {from}, which was not under way to it");
                    Messages::breach(record, told, vec![record.cause, record.id], found);
                }
            }
            What::Lost { to, message, why } => {
                // What finds no link never left, and what dies with its receiver had arrived.
                if self.take(record.cause) {
                    self.lost += 1;
                } else if !self.silent && !matches!(why, Why::NoLink | Why::Died | Why::Swallowed | Why::Shed) {
                    let (to, from, name) = (world.name(*to), world.name(record.node), message.name());
                    let told = format!("{name} of {from} for {to} was lost, and was not under way");
                    Messages::breach(record, told, vec![record.cause, record.id], found);
                }
            }
            _ => return,
        }
        self.last = Some((record.id, record.node));
    }
    fn settle(&mut self, world: &World, found: &mut Vec<Violation>) {
        let under_way = world.in_flight() as u64;
        let (kept, last) = (self.under_way.len() as u64, self.last.take());
        let Some((record, node)) = last.filter(|_| kept != under_way && !self.silent) else { return };
        self.silent = true;
        let told = format!(
            "{} messages were sent or doubled, {} arrived and {} were lost, but {under_way} are under way instead of {kept}",
            self.sent, self.arrived, self.lost
        );
        let evidence = self.under_way.first().copied().into_iter().chain([record]).collect();
        found.push(Violation { check: Rc::from(NAME), at: world.now(), record, node, told: Rc::from(told), evidence });
    }
    fn weigh(&self, scale: &mut Scale) {
        scale.own(500 + self.under_way.len() * 8);
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Messages::default())
}
