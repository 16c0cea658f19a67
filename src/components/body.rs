//! What the organs of a body have in common: their books, what they burn, and how wide they open their vessels.

use crate::protocols::physiology::{Content, Ledger, Message as Body, Substance, Tissue};
use crate::sim::{Component, Context, Micros, NodeId};

use super::heart::Heart;
use super::{Fact, Message, Placeable};

/// How often an organ writes up its books, and says what it needs.
pub const EVERY: Micros = Micros::secs(2);
/// The share of the oxygen that is burnt that becomes carbon dioxide.
const QUOTIENT: f64 = 0.8;

/// Keeps an organ's books.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Keeper {
    ledger: Ledger,
}

impl Keeper {
    /// It begins with this.
    pub fn begin(&mut self, holds: Content) {
        self.ledger.began = holds;
    }
    /// Blood brought this.
    pub fn brought(&mut self, content: &Content) {
        self.ledger.brought.pour(content);
    }
    /// Blood takes this away.
    pub fn took(&mut self, content: &Content) {
        self.ledger.took.pour(content);
    }
    /// This was made, or came from outside.
    pub fn made(&mut self, what: Substance, much: u64) {
        self.ledger.made.add(what, much);
    }
    /// This was used, or left.
    pub fn used(&mut self, what: Substance, much: u64) {
        self.ledger.used.add(what, much);
    }
    /// All of this left.
    pub fn used_all(&mut self, content: &Content) {
        self.ledger.used.pour(content);
    }
    /// All that came from outside, and all that left.
    pub fn aired(&mut self, came: &Content, left: &Content) {
        self.ledger.made.pour(came);
        self.ledger.used.pour(left);
    }
    /// Tells its books, with what is there.
    pub fn tell<C>(&mut self, cx: &mut Context<C>, holds: Content)
    where
        C: Component<Message = Message>,
    {
        self.ledger.holds = holds;
        cx.fact(Fact::Books(self.ledger.clone()));
    }
}

/// Burns so much oxygen, or all that there is: how much was missing.
pub fn burn(tissue: &mut Tissue, keeper: &mut Keeper, microlitres: u64) -> u64 {
    let burnt = tissue.content.take(Substance::Oxygen, microlitres);
    keeper.used(Substance::Oxygen, burnt);
    let carbon = (burnt as f64 * QUOTIENT) as u64;
    tissue.content.add(Substance::Carbon, carbon);
    keeper.made(Substance::Carbon, carbon);
    microlitres - burnt
}

/// Blood comes to an organ, and goes on from it; where it cannot, it stays.
pub fn pass<C>(
    cx: &mut Context<C>,
    tissue: &mut Tissue,
    keeper: &mut Keeper,
    microlitres: u64,
    content: &Content,
    next: Option<NodeId>,
) where
    C: Component<Message = Message>,
{
    keeper.brought(content);
    let Some(next) = next else { return tissue.content.pour(content) };
    let out = tissue.pass(microlitres, content);
    keeper.took(&out);
    cx.send(next, Body::Blood { microlitres, content: out }.into());
}

/// The heart.
pub fn heart<C>(cx: &Context<C>) -> Option<NodeId>
where
    C: Component<Message = Message>,
{
    cx.peers_of(Heart::KIND).next()
}

/// How wide an organ opens its vessels, so that what flows out of it still holds so much oxygen as at rest: the less there
/// is, the wider (autoregulation; Guyton and Hall, chapter 17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Vessels {
    /// Millilitres a minute.
    pub flow: u32,
}

impl Vessels {
    /// The next width: `least` and `most` bound it, `aims` is how much oxygen a litre is to hold that flows out.
    pub fn adjust(&mut self, holds: f64, aims: f64, least: u32, most: u32) {
        let wider = 1.0 + 0.5 * (aims - holds) / aims.max(1.0);
        self.flow = ((f64::from(self.flow) * wider.clamp(0.8, 1.25)) as u32).clamp(least, most.max(least));
    }
}
