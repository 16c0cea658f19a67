//! What the parts of a lane share, a flight computer and an actuator: whom they listen to, when a round is over for them,
//! and when they fail for good.

use crate::protocols::flight::{Rounds, lane};
use crate::protocols::voting::{MAX_INPUTS, Sample};
use crate::sim::{Component, Context, Micros, NodeId};

crate::choice! {
    /// Whom a part listens to.
    pub enum Hears {
        /// All three of the parts before it: there is a vote at every stage.
        All = "all-three",
        /// The one of its own lane: three lanes side by side, and one vote at the end.
        Own = "own-lane",
    }
}

/// What a part waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// What is missing of a round, no longer.
    Round(u64),
    /// The end of its life.
    Fail,
}

impl Timer {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Timer::Round(_) => "end of the round",
            Timer::Fail => "end of life",
        }
    }
}

/// Those before a part that it listens to: of one kind, in groups that stand before its own.
fn before<'a, C: Component>(
    cx: &Context<'a, C>,
    kind: &'static str,
    hears: Hears,
) -> impl Iterator<Item = NodeId> + use<'a, C> {
    let (own, lane_of) = (cx.template(), lane(cx.id()));
    let peers = cx.peers().iter().filter(move |peer| peer.template < own && peer.kind == kind).map(|peer| peer.id);
    peers.filter(move |peer| hears == Hears::All || lane(*peer) == lane_of).take(MAX_INPUTS)
}

/// Takes a sample of one of those before it, of this kind, and waits for the others for so long. Whether it was the last
/// of its round.
pub fn hear<C: Component<Timer = Timer>>(
    cx: &mut Context<C>,
    rounds: &mut Rounds,
    (from, sample): (NodeId, &Sample),
    (kind, hears): (&'static str, Hears),
    window: Micros,
) -> bool {
    if !before(cx, kind, hears).any(|input| input == from) {
        return false;
    }
    let taken = rounds.take(sample.round, from, sample.value, before(cx, kind, hears).count());
    if let Some(dropped) = taken.dropped {
        cx.cancel(&Timer::Round(dropped));
    }
    if taken.first {
        cx.set(Timer::Round(sample.round), window);
    }
    taken.last
}

/// The round is over: what was heard, and how many it listens to; nothing where that is not more than half of them.
pub fn close<C: Component<Timer = Timer>>(
    cx: &mut Context<C>,
    rounds: &mut Rounds,
    round: u64,
    (kind, hears): (&'static str, Hears),
) -> Option<(Vec<(NodeId, i64)>, usize)> {
    cx.cancel(&Timer::Round(round));
    let of = before(cx, kind, hears).count();
    let heard = rounds.close(round);
    (2 * heard.len() > of).then_some((heard, of))
}

/// A life of this mean begins, exponential; for ever where the mean is zero, and not at all for who has failed. One that
/// is set while it runs begins anew: such lives have no memory.
pub fn live<C: Component<Timer = Timer>>(cx: &mut Context<C>, mean: Micros, failed: bool) {
    let unit = cx.rng().unit();
    if mean.0 > 0 && !failed {
        cx.set(Timer::Fail, Micros::from_f64(-libm::log(1.0 - unit) * mean.0 as f64));
    } else {
        cx.cancel(&Timer::Fail);
    }
}

/// The part fails for good.
pub fn wear_out<C: Component<Timer = Timer>>(cx: &mut Context<C>, failed: &mut bool) {
    *failed = true;
    cx.measure("worn out", 1);
    cx.note("fails for good: it is hard over");
}
