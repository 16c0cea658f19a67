//! Nothing comes from nowhere in a body: of each organ's books both sides are equal, and blood brings no organ more than was
//! sent to it.
//!
//! An organ's books are its own. So they are held beside what others can see: what it says that blood brought it is no more
//! than what was sent to it, less what was lost on the way, and what it says that blood took away is what it sent.

use std::rc::Rc;

use crate::components::{Fact, Message, Record, What, World};
use crate::protocols::physiology::{Content, Ledger, Message as Body, SUBSTANCES};
use crate::sim::{NodeId, RecordId, Scale, Table};

use super::{Check, Violation};

/// Its name.
pub const NAME: &str = "flows";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "Of oxygen, carbon dioxide, sugar and urea: what an organ got or made is what it used, sent on or still holds."
);
/// How many organs are watched; of more it is no verdict.
pub const WATCHED: usize = 1_024;

/// What was seen of an organ since it began.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// What blood was sent to it that was not lost.
    coming: Content,
    /// What it sent.
    sent: Content,
    /// When it last wrote up its books.
    books: Option<RecordId>,
}

/// The check.
#[derive(Clone, Debug, Default)]
struct Flows {
    organs: Rc<Table<NodeId, Seen>>,
}

fn blood(message: &Message) -> Option<&Content> {
    match message {
        Message::Body(Body::Blood { content, .. }) => Some(content),
        _ => None,
    }
}

impl Flows {
    fn organ(&mut self, node: NodeId) -> Option<&mut Seen> {
        let organs = Rc::make_mut(&mut self.organs);
        (organs.len() < WATCHED || organs.contains_key(&node)).then(|| organs.or_default(node))
    }

    /// What is wrong with an organ's books.
    fn wrong(&self, node: NodeId, ledger: &Ledger, world: &World) -> Option<String> {
        let me = world.name(node);
        if let Some((what, off)) = ledger.wrong() {
            let (word, much) = (what.word(), off.unsigned_abs());
            let side = if off > 0 { "more than it got" } else { "less than it got" };
            return Some(format!("{me} has used, sent on and holds {much} of {word} {side}"));
        }
        let seen = self.organs.get(&node)?;
        for what in SUBSTANCES {
            let (brought, coming) = (ledger.brought.get(what), seen.coming.get(what));
            if brought > coming {
                let more = brought - coming;
                return Some(format!("{me} got {more} of {} more than was sent to it", what.word()));
            }
            let (took, sent) = (ledger.took.get(what), seen.sent.get(what));
            if took != sent {
                return Some(format!("{me} says that blood took {took} of {} away, and sent {sent}", what.word()));
            }
        }
        None
    }
}

impl Check for Flows {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        match &record.what {
            What::Sent { to, message, .. } => {
                let Some(content) = blood(message).copied() else { return };
                if let Some(seen) = self.organ(record.node) {
                    seen.sent.pour(&content);
                }
                if let Some(seen) = self.organ(*to) {
                    seen.coming.pour(&content);
                }
            }
            What::Lost { to, message, .. } => {
                let Some(content) = blood(message).copied() else { return };
                if let Some(seen) = self.organ(*to) {
                    for what in SUBSTANCES {
                        seen.coming.take(what, content.get(what));
                    }
                }
            }
            // It begins anew, with other books; what is still on its way to it comes to these.
            What::Booted => {
                if let Some(seen) = self.organ(record.node) {
                    seen.sent = Content::default();
                }
            }
            What::Fact(Fact::Books(ledger)) => {
                let told = self.wrong(record.node, ledger, world);
                let before = self.organ(record.node).and_then(|seen| seen.books.replace(record.id));
                if let Some(told) = told {
                    found.push(Violation {
                        check: Rc::from(NAME),
                        at: record.at,
                        record: record.id,
                        node: record.node,
                        told: Rc::from(told),
                        evidence: before.into_iter().chain([record.id]).collect(),
                    });
                }
            }
            _ => {}
        }
    }
    fn weigh(&self, scale: &mut Scale) {
        scale.shared(Rc::as_ptr(&self.organs).addr(), self.organs.len() * 100);
        scale.own(300);
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Flows::default())
}
