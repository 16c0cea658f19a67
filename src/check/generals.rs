//! Interactive consistency, as Lamport, Shostak and Pease (1982) have it:
//!
//! - IC1: all loyal lieutenants obey the same order.
//! - IC2: if the commanding general is loyal, every loyal lieutenant obeys the order he sends.
//!
//! It says nothing of how many traitors there are: with too many it is rightly found broken. A general that was made to
//! lie is none of the loyal.

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::protocols::oral_messages::{Order, Told, word};
use crate::sim::{NodeId, RecordId, Scale, Table};

use super::{Check, Violation};

/// Its name.
pub const NAME: &str = "generals";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "All loyal lieutenants obey the same order (IC1), and that of the commander if he is loyal (IC2)."
);
/// How many of the last battles are remembered.
pub const BATTLES: usize = 32;

/// What is known of a battle: who, what, and the record of that.
#[derive(Clone, Debug, Default)]
struct Battle {
    /// A loyal commander's order.
    ordered: Option<(NodeId, Order, RecordId)>,
    /// The first loyal lieutenant's.
    obeyed: Option<(NodeId, Order, RecordId)>,
}

/// The check.
#[derive(Clone, Debug, Default)]
struct Generals {
    battles: Table<u64, Battle>,
}

impl Check for Generals {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        let What::Fact(Fact::General(told)) = &record.what else { return };
        let (Told::Ordered { battle: number, order, loyal } | Told::Obeyed { battle: number, order, loyal }) = *told;
        if !loyal || world.node(record.node).is_some_and(|node| node.lies.is_some()) {
            return;
        }
        let oldest = self.battles.keys().next().copied();
        let full = self.battles.len() >= BATTLES && !self.battles.contains_key(&number);
        if let Some(oldest) = oldest.filter(|_| full) {
            self.battles.remove(&oldest);
        }
        let battle = self.battles.or_default(number);
        let said = (record.node, order, record.id);
        if matches!(told, Told::Ordered { .. }) {
            battle.ordered = Some(said);
            return;
        }
        let (me, obeys) = (world.name(record.node), word(order));
        let mut broken = |told: String, other: RecordId| {
            let (at, record, node) = (record.at, record.id, record.node);
            let evidence = vec![other, record];
            found.push(Violation { check: Rc::from(NAME), at, record, node, told: Rc::from(told), evidence });
        };
        if let Some((commander, ordered, other)) = battle.ordered.filter(|(_, ordered, _)| *ordered != order) {
            let (commander, ordered) = (world.name(commander), word(ordered));
            let told = format!("IC2: {me} decides to {obeys} in battle {number}, and loyal {commander} said {ordered}");
            broken(told, other);
        } else if let Some((first, obeyed, other)) = battle.obeyed.filter(|(_, obeyed, _)| *obeyed != order) {
            let (first, obeyed) = (world.name(first), word(obeyed));
            broken(format!("IC1: {me} decides to {obeys} in battle {number}, and {first} to {obeyed}"), other);
        }
        battle.obeyed.get_or_insert(said);
    }
    fn weigh(&self, scale: &mut Scale) {
        scale.own(self.battles.bytes());
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Generals::default())
}
