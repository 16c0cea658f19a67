//! Oral messages: loyal generals agree although some of them are traitors (Lamport, Shostak and Pease, «The Byzantine
//! Generals Problem», ACM TOPLAS 4(3), 1982). The algorithm is OM(m) of section 4, the properties are its IC1 and IC2:
//!
//! - IC1: all loyal lieutenants obey the same order.
//! - IC2: if the commanding general is loyal, every loyal lieutenant obeys the order he sends.
//!
//! OM(m) solves it for n > 3m generals of which at most m are traitors, and nothing does for fewer. It takes
//! (n−1) + (n−1)(n−2) + … messages, of m + 1 terms: 9 for n = 4 and m = 1, 156 for n = 7 and m = 2.
//!
//! What is relayed is relayed at the ends of rounds, which all begin by the same clocks, so that who is silent can be told
//! from who is late: what has not come by then is taken for [`RETREAT`], as the paper has it. A value is named by the
//! path on which it came: the commander first, then who relayed it.

use crate::sim::{NodeId, Table};

use super::{Family, Form, Wire};

/// How many generals there are at most; more take no part.
pub const MAX_GENERALS: usize = 10;
/// How many traitors it is made for at most: the messages are about the number of generals to the power of one more.
pub const MAX_TRAITORS: u32 = 3;

/// An order: to attack, or to retreat.
pub type Order = bool;
/// To attack.
pub const ATTACK: Order = true;
/// To retreat: what is taken for said where nothing was said, or as many said the one as the other.
pub const RETREAT: Order = false;

/// The word for an order.
pub fn word(order: Order) -> &'static str {
    if order { "attack" } else { "retreat" }
}

/// The way of a value: the commander, and who relayed it, in their order.
pub type Path = Vec<NodeId>;

/// What a general says to another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Message {
    /// Which battle it is about.
    pub battle: u64,
    /// By whom it came; the last is who says it.
    pub path: Path,
    /// What.
    pub order: Order,
}

fn names(path: &[NodeId]) -> String {
    path.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → ")
}

impl Wire for Message {
    const FAMILY: Family = Family::Control;
    fn name(&self) -> &'static str {
        if self.path.len() > 1 { "Relay" } else { "Order" }
    }
    fn form(&self) -> Form {
        if self.order == ATTACK { Form::Accept } else { Form::Refuse }
    }
    fn bytes(&self) -> u32 {
        16 + 4 * self.path.len() as u32
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("order", word(self.order).to_owned()), ("by", names(&self.path)), ("battle", self.battle.to_string())]
    }
    fn summary(&self) -> String {
        match self.path.len() {
            0 | 1 => format!("{}, battle {}", word(self.order), self.battle),
            _ => format!("{}, by {}, battle {}", word(self.order), names(&self.path), self.battle),
        }
    }
    fn spoil(&mut self, _: u64) -> bool {
        self.order = !self.order;
        true
    }
}

/// What is told of a battle, for checks and the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// The commander has decided on an order.
    Ordered {
        /// The battle.
        battle: u64,
        /// The order.
        order: Order,
        /// Whether he is loyal, and so says it to everyone.
        loyal: bool,
    },
    /// A lieutenant obeys an order.
    Obeyed {
        /// The battle.
        battle: u64,
        /// The order.
        order: Order,
        /// Whether he is loyal.
        loyal: bool,
    },
}

impl Told {
    /// Its name in conditions.
    pub fn name(&self) -> &'static str {
        match self {
            Told::Ordered { .. } => "ordered",
            Told::Obeyed { .. } => "obeyed",
        }
    }
    /// What the node does by it.
    pub fn sentence(&self) -> String {
        let traitor = |loyal: bool| if loyal { "" } else { ", a traitor" };
        match *self {
            Told::Ordered { battle, order, loyal } => {
                format!("commands to {} in battle {battle}{}", word(order), traitor(loyal))
            }
            Told::Obeyed { battle, order, loyal } => {
                format!("decides to {} in battle {battle}{}", word(order), traitor(loyal))
            }
        }
    }
}

/// A lieutenant's part in one battle.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Battle {
    /// Which.
    pub number: u64,
    me: NodeId,
    /// Everyone, ascending.
    generals: Vec<NodeId>,
    commander: NodeId,
    /// What has come, by its path.
    heard: Table<Path, Order>,
}

impl Battle {
    /// A battle of `generals`, of which he is one.
    pub fn new(number: u64, me: NodeId, generals: &[NodeId], commander: NodeId) -> Battle {
        let mut generals = generals.to_vec();
        generals.sort_unstable();
        generals.truncate(MAX_GENERALS);
        Battle { number, me, generals, commander, heard: Table::new() }
    }

    /// Takes down what came. Only the first of each path counts, and only from whoever must have said it.
    pub fn hear(&mut self, from: NodeId, path: &[NodeId], order: Order) {
        let known = path.iter().all(|who| self.generals.contains(who) && *who != self.me);
        let twice = path.iter().enumerate().any(|(place, who)| path[..place].contains(who));
        let right = path.first() == Some(&self.commander) && path.last() == Some(&from);
        if known && right && !twice && path.len() <= MAX_TRAITORS as usize + 1 && !self.heard.contains_key(path) {
            self.heard.insert(path.to_vec(), order);
        }
    }

    /// The ways of a length on which he should have heard something.
    fn ways(&self, length: usize) -> Vec<Path> {
        let mut ways = vec![vec![self.commander]];
        for _ in 1..length {
            let longer = |way: &Path| {
                let others = self.generals.iter().filter(|who| **who != self.me && !way.contains(who));
                others.map(|who| way.iter().copied().chain([*who]).collect()).collect::<Vec<Path>>()
            };
            ways = ways.iter().flat_map(longer).collect();
        }
        ways
    }

    fn came(&self, path: &[NodeId]) -> Order {
        self.heard.get(path).copied().unwrap_or(RETREAT)
    }

    /// What he relays at the end of a round, from 1: for each value that came in it, the path with himself at its end,
    /// and to whom.
    pub fn relays(&self, round: usize) -> Vec<(Path, Vec<NodeId>, Order)> {
        let relay = |way: Path| {
            let order = self.came(&way);
            let path: Path = way.iter().copied().chain([self.me]).collect();
            let to = self.generals.iter().copied().filter(|who| !path.contains(who)).collect();
            (path, to, order)
        };
        self.ways(round).into_iter().map(relay).collect()
    }

    /// What he obeys after OM(m).
    pub fn decide(&self, m: usize) -> Order {
        self.value(&mut vec![self.commander], m)
    }

    /// What he takes for what the last of `path` was told, having heard it from him and, if `m` is not 0, from the others.
    fn value(&self, path: &mut Path, m: usize) -> Order {
        let own = self.came(path);
        if m == 0 {
            return own;
        }
        let (mut attack, mut all) = (u32::from(own), 1);
        for who in self.generals.iter().filter(|who| **who != self.me) {
            if path.contains(who) {
                continue;
            }
            path.push(*who);
            attack += u32::from(self.value(path, m - 1));
            all += 1;
            path.pop();
        }
        if 2 * attack > all { ATTACK } else { RETREAT }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who lies, and how: what a traitor says to `to` in place of `order` on a path.
    type Lie = dyn Fn(&[NodeId], NodeId, Order) -> Order;

    /// What everyone decides, and how many messages it took. The commander is the first.
    fn fought(
        n: u32,
        m: usize,
        rounds: usize,
        order: Order,
        traitors: &[u32],
        lie: &Lie,
    ) -> (Vec<(u32, Order)>, usize) {
        let generals: Vec<NodeId> = (0..n).map(NodeId).collect();
        let mut battles: Vec<Battle> =
            generals[1..].iter().map(|me| Battle::new(1, *me, &generals, NodeId(0))).collect();
        let mut messages = 0;
        let mut say = |battles: &mut Vec<Battle>, from: NodeId, to: NodeId, path: &[NodeId], order: Order| {
            messages += 1;
            let order = if traitors.contains(&from.0) { lie(path, to, order) } else { order };
            battles[to.0 as usize - 1].hear(from, path, order);
        };
        for to in &generals[1..] {
            say(&mut battles, NodeId(0), *to, &[NodeId(0)], order);
        }
        for round in 1..rounds {
            let relays: Vec<_> = battles.iter().map(|battle| (battle.me, battle.relays(round))).collect();
            for (from, relays) in relays {
                for (path, to, order) in relays {
                    for to in to {
                        say(&mut battles, from, to, &path, order);
                    }
                }
            }
        }
        let loyal = battles.iter().filter(|battle| !traitors.contains(&battle.me.0));
        (loyal.map(|battle| (battle.me.0, battle.decide(m.min(rounds - 1)))).collect(), messages)
    }

    fn agree(decided: &[(u32, Order)]) -> bool {
        decided.iter().all(|(_, order)| *order == decided[0].1)
    }

    #[test]
    fn message_counts_are_the_published_ones() {
        for (n, m, messages) in [(4, 1, 9), (7, 2, 156), (4, 0, 3), (10, 3, 9 + 72 + 504 + 3024)] {
            assert_eq!(fought(n, m, m + 1, ATTACK, &[], &|_, _, order| order).1, messages);
        }
    }

    #[test]
    fn four_generals_withstand_one_traitor_whoever_it_is_and_whatever_he_says() {
        // Every lie: a bit for each of the at most three things that a traitor says.
        for traitor in 0..4u32 {
            for order in [ATTACK, RETREAT] {
                for lies in 0..16u32 {
                    let lie =
                        move |path: &[NodeId], to: NodeId, _: Order| lies >> ((to.0 + path.len() as u32) % 4) & 1 == 1;
                    let (decided, _) = fought(4, 1, 2, order, &[traitor], &lie);
                    assert!(agree(&decided), "IC1: {decided:?}, traitor {traitor}, lies {lies}");
                    assert!(traitor == 0 || decided[0].1 == order, "IC2: {decided:?}, traitor {traitor}, lies {lies}");
                }
            }
        }
    }

    #[test]
    fn seven_generals_withstand_two_traitors() {
        for first in 0..7u32 {
            for second in first + 1..7 {
                for pattern in [0x5555u32, 0x3333, 0x0f0f, 0x1248, 0xffff, 0] {
                    let lie = move |path: &[NodeId], to: NodeId, _: Order| {
                        let sum: u32 = path.iter().map(|who| who.0 + 1).sum();
                        pattern >> ((3 * to.0 + sum) % 16) & 1 == 1
                    };
                    let (decided, _) = fought(7, 2, 3, ATTACK, &[first, second], &lie);
                    assert!(agree(&decided), "IC1: {decided:?}, traitors {first} and {second}");
                    assert!(first == 0 || decided[0].1 == ATTACK, "IC2: traitors {first} and {second}");
                }
            }
        }
    }

    #[test]
    fn three_generals_do_not_withstand_one_traitor() {
        // The paper's figure 1: a lieutenant who says that he was told to retreat.
        let (decided, _) = fought(3, 1, 2, ATTACK, &[2], &|_, _, _| RETREAT);
        assert_eq!(decided, [(1, RETREAT)], "IC2 is violated: the loyal commander said attack");
    }

    #[test]
    fn one_round_too_few_is_not_enough() {
        let split = |_: &[NodeId], to: NodeId, _: Order| to.0.is_multiple_of(2);
        assert!(!agree(&fought(4, 1, 1, ATTACK, &[0], &split).0), "IC1 is violated by a commander who is a traitor");
        assert!(agree(&fought(4, 1, 2, ATTACK, &[0], &split).0));
    }

    #[test]
    fn what_cannot_have_been_said_is_not_heard() {
        let generals: Vec<NodeId> = (0..4).map(NodeId).collect();
        let mut battle = Battle::new(1, NodeId(1), &generals, NodeId(0));
        battle.hear(NodeId(2), &[NodeId(0)], ATTACK);
        battle.hear(NodeId(2), &[NodeId(2)], ATTACK);
        battle.hear(NodeId(2), &[NodeId(0), NodeId(1), NodeId(2)], ATTACK);
        battle.hear(NodeId(2), &[NodeId(0), NodeId(2), NodeId(2)], ATTACK);
        battle.hear(NodeId(9), &[NodeId(0), NodeId(9)], ATTACK);
        assert!(battle.heard.is_empty());
        battle.hear(NodeId(0), &[NodeId(0)], ATTACK);
        battle.hear(NodeId(0), &[NodeId(0)], RETREAT);
        assert_eq!(battle.decide(0), ATTACK, "the first counts");
    }
}
