//! A game world that many share: what players and zone servers say to one another, and who is told of whom.
//!
//! A zone server goes in ticks. In each it moves everyone, and then tells each player where the others are. Of whom one is
//! told is interest management: of everyone in the zone, of those within reach, or of the nearest few (Boulanger, Kienzle
//! and Verbrugge, «Comparing Interest Management Algorithms for Massively Multiplayer Games», NetGames 2006). Of n players
//! who are told of everyone, n(n − 1) states go out in a tick; with the nearest k, no more than nk.

use std::rc::Rc;

use crate::sim::{Item, NodeId};

use super::{Family, Form, Wire};

/// How wide the world is.
pub const WIDTH: i32 = 2_400;
/// How high it is.
pub const HEIGHT: i32 = 800;

crate::choice! {
    /// Of whom a player is told.
    pub enum Interest {
        /// Of everyone in the zone.
        Everyone = "everyone",
        /// Of those within reach.
        Near = "within-reach",
        /// Of the nearest within reach, so many at most.
        Nearest = "nearest",
    }
}

/// Between a player and zone servers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Let me in, here.
    Join {
        /// Where.
        at: (i32, i32),
    },
    /// I want to go there.
    Move {
        /// Where to.
        to: (i32, i32),
    },
    /// I give this away.
    Give {
        /// What.
        item: Item,
        /// To whom.
        to: NodeId,
    },
    /// How it looks around you.
    Update {
        /// The number of the last handover: who tells the largest is the zone that one is in.
        number: u64,
        /// Where you are.
        at: (i32, i32),
        /// What you carry.
        items: Rc<[Item]>,
        /// Whom you see.
        sees: Rc<[NodeId]>,
    },
}

impl Wire for Message {
    const FAMILY: Family = Family::Work;
    fn name(&self) -> &'static str {
        match self {
            Message::Join { .. } => "Join",
            Message::Move { .. } => "Move",
            Message::Give { .. } => "Give",
            Message::Update { .. } => "Update",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Update { .. } => Form::Beat,
            _ => Form::Request,
        }
    }
    fn bytes(&self) -> u32 {
        match self {
            Message::Update { items, sees, .. } => 32 + 8 * items.len() as u32 + 16 * sees.len() as u32,
            _ => 32,
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        let place = |(x, y): (i32, i32)| format!("{x}, {y}");
        match self {
            Message::Join { at } => vec![("at", place(*at))],
            Message::Move { to } => vec![("to", place(*to))],
            Message::Give { item, to } => vec![("what", super::handover::label(*item)), ("to", to.to_string())],
            Message::Update { at, items, sees, .. } => {
                let count = |count: usize| count.to_string();
                vec![("at", place(*at)), ("items", count(items.len())), ("sees", count(sees.len()))]
            }
        }
    }
}

/// The square of how far it is from one place to another.
pub fn apart(one: (i32, i32), other: (i32, i32)) -> i64 {
    let (x, y) = (i64::from(one.0) - i64::from(other.0), i64::from(one.1) - i64::from(other.1));
    x * x + y * y
}

/// Of whom each is told: of these, who stand there.
pub fn sights(interest: Interest, reach: u32, most: usize, all: &[(NodeId, (i32, i32))]) -> Vec<Vec<NodeId>> {
    let reach = i64::from(reach) * i64::from(reach);
    let sight = |(me, at): &(NodeId, (i32, i32))| {
        let others = all.iter().filter(|(other, _)| other != me);
        let mut seen: Vec<(i64, NodeId)> = others.map(|(other, there)| (apart(*at, *there), *other)).collect();
        if interest != Interest::Everyone {
            seen.retain(|(far, _)| *far <= reach);
        }
        if interest == Interest::Nearest && seen.len() > most {
            seen.sort_unstable();
            seen.truncate(most);
        }
        seen.into_iter().map(|(_, other)| other).collect()
    };
    all.iter().map(sight).collect()
}

/// Where somebody is who goes from one place towards another, so far at most.
pub fn step(at: (i32, i32), to: (i32, i32), far: f64) -> (i32, i32) {
    let way = libm::sqrt(apart(at, to) as f64);
    if way <= far || way == 0.0 {
        return to;
    }
    let part = |from: i32, to: i32| from + libm::round(f64::from(to - from) * far / way) as i32;
    (part(at.0, to.0), part(at.1, to.1))
}

/// In which of so many equal stripes of the world somebody is.
pub fn stripe(x: i32, stripes: u32) -> u32 {
    let x = i64::from(x.clamp(0, WIDTH - 1));
    (x * i64::from(stripes.max(1)) / i64::from(WIDTH)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd(count: u32, apart: i32) -> Vec<(NodeId, (i32, i32))> {
        (0..count).map(|place| (NodeId(place), (place as i32 * apart, 0))).collect()
    }

    fn told(interest: Interest, all: &[(NodeId, (i32, i32))]) -> usize {
        sights(interest, 100, 3, all).iter().map(Vec::len).sum()
    }

    #[test]
    fn everyone_of_n_is_told_of_n_minus_one_and_of_the_nearest_of_k() {
        let crowd = crowd(10, 1);
        assert_eq!([told(Interest::Everyone, &crowd), told(Interest::Near, &crowd)], [90, 90]);
        assert_eq!(told(Interest::Nearest, &crowd), 30);
        assert_eq!(sights(Interest::Nearest, 100, 3, &crowd)[0], [NodeId(1), NodeId(2), NodeId(3)]);
    }

    #[test]
    fn who_stands_apart_sees_those_within_reach() {
        let row = crowd(10, 60);
        assert_eq!([told(Interest::Everyone, &row), told(Interest::Near, &row)], [90, 18]);
    }

    #[test]
    fn one_who_walks_comes_closer_and_arrives() {
        assert_eq!(step((0, 0), (30, 40), 10.0), (6, 8));
        assert_eq!(step((6, 8), (30, 40), 100.0), (30, 40));
        assert_eq!(step((5, 5), (5, 5), 0.0), (5, 5));
        assert_eq!([stripe(-5, 3), stripe(799, 3), stripe(800, 3), stripe(9_999, 3)], [0, 0, 1, 2]);
    }
}
