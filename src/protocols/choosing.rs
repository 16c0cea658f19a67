//! Which of several servers does it: the usual ways of balancing, for whoever has the choice.

use crate::sim::{NodeId, Stream};

use super::ring::{Ring, jump};

/// How many servers may be drawn for a choice among them.
pub const MAX_CHOICES: u32 = 16;

crate::choice! {
    /// How one of several servers is chosen.
    pub enum Policy {
        /// One after the other.
        RoundRobin = "round-robin",
        /// Any.
        Random = "random",
        /// The one with the fewest requests under way, as far as the chooser knows; any of those.
        LeastConnections = "least-connections",
        /// The one with the fewest under way of a few drawn at random (Mitzenmacher 2001).
        Choices = "choices",
        /// One after the other in proportion to weights, evenly mixed (smooth weighted round robin, as in nginx).
        Weighted = "weighted",
        /// The one that the key belongs to on a ring (Karger et al. 1997).
        ConsistentHash = "consistent-hash",
        /// The one that the key belongs to by jump consistent hashing (Lamping and Veach 2014).
        JumpHash = "jump-hash",
    }
}

/// How it is chosen, with the numbers that go with it.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The way.
    pub policy: Policy,
    /// How many are drawn for [`Policy::Choices`]; up to [`MAX_CHOICES`].
    pub choices: u32,
    /// At how many places of the ring each stands.
    pub virtual_nodes: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Server {
    id: NodeId,
    weight: u32,
    /// What smooth weighted round robin owes it.
    credit: i64,
    under_way: u32,
}

/// Knows the servers, and how many requests of its own are under way to each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Chooser {
    /// Ascending by number.
    servers: Vec<Server>,
    turn: usize,
    ring: Ring,
    ring_for: u32,
}

impl Chooser {
    /// Who is to be chosen from now on, ascending. Those that stay keep what is known of them. Whether anything changed.
    pub fn know(&mut self, servers: impl Iterator<Item = NodeId> + Clone) -> bool {
        if servers.clone().eq(self.servers.iter().map(|server| server.id)) {
            return false;
        }
        let old = std::mem::take(&mut self.servers);
        self.servers.extend(servers.map(|id| match old.iter().find(|server| server.id == id) {
            Some(server) => server.clone(),
            None => Server { id, weight: 1, credit: 0, under_way: 0 },
        }));
        self.ring = Ring::default();
        true
    }

    /// Everyone who may be chosen, ascending.
    pub fn servers(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.servers.iter().map(|server| server.id)
    }
    /// How many there are.
    pub fn len(&self) -> usize {
        self.servers.len()
    }
    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }
    /// The ring, as it was when somebody was last chosen by it.
    pub fn ring(&self) -> &Ring {
        &self.ring
    }
    /// How many requests are under way to a server.
    pub fn under_way(&self, id: NodeId) -> u32 {
        self.place(id).map_or(0, |place| self.servers[place].under_way)
    }

    fn place(&self, id: NodeId) -> Option<usize> {
        self.servers.binary_search_by_key(&id, |server| server.id).ok()
    }

    /// A server says how much it takes.
    pub fn weigh(&mut self, id: NodeId, weight: u32) {
        if let Some(place) = self.place(id) {
            (self.servers[place].weight, self.servers[place].credit) = (weight, 0);
        }
    }
    /// A request is on its way to it.
    pub fn sent(&mut self, id: NodeId) {
        if let Some(place) = self.place(id) {
            self.servers[place].under_way += 1;
        }
    }
    /// A request that was on its way to it no longer is.
    pub fn done(&mut self, id: NodeId) {
        if let Some(place) = self.place(id) {
            self.servers[place].under_way = self.servers[place].under_way.saturating_sub(1);
        }
    }

    /// Chooses a server for a key: one draw, whatever the rule. `but` are left out, unless nobody else is there.
    pub fn choose(&mut self, rule: Rule, key: u64, but: &[NodeId], luck: &mut Stream) -> Option<NodeId> {
        let mut luck = luck.fork();
        let free: Vec<usize> =
            (0..self.servers.len()).filter(|place| !but.contains(&self.servers[*place].id)).collect();
        let free = if free.is_empty() { (0..self.servers.len()).collect() } else { free };
        let count = free.len();
        if count == 0 {
            return None;
        }
        let least = |drawn: &[usize]| drawn.iter().copied().min_by_key(|place| self.servers[*place].under_way);
        let place = match rule.policy {
            Policy::RoundRobin => {
                self.turn = self.turn.wrapping_add(1);
                free[(self.turn - 1) % count]
            }
            Policy::Random => free[luck.below(count as u64) as usize],
            Policy::LeastConnections => {
                // From anywhere around, so that those that are alike take turns.
                let from = luck.below(count as u64) as usize;
                least(&[&free[from..], &free[..from]].concat())?
            }
            Policy::Choices => least(&distinct(free, rule.choices, &mut luck))?,
            Policy::Weighted => self.smooth(&free)?,
            Policy::ConsistentHash => {
                self.turn_ring(rule.virtual_nodes);
                let owner = self.ring.owner(key).filter(|owner| !but.contains(owner));
                owner.and_then(|owner| self.place(owner)).unwrap_or(free[luck.below(count as u64) as usize])
            }
            Policy::JumpHash => free[jump(key, count as u64) as usize],
        };
        Some(self.servers[place].id)
    }

    /// Makes the ring, if it is not there. Whether it was made.
    pub fn turn_ring(&mut self, virtual_nodes: u32) -> bool {
        if self.ring != Ring::default() && self.ring_for == virtual_nodes {
            return false;
        }
        let servers: Vec<NodeId> = self.servers().collect();
        (self.ring, self.ring_for) = (Ring::new(&servers, virtual_nodes), virtual_nodes);
        !servers.is_empty()
    }

    /// Everyone gains their weight; who has most goes, and pays the sum of all weights.
    fn smooth(&mut self, free: &[usize]) -> Option<usize> {
        let total: i64 = free.iter().map(|place| i64::from(self.servers[*place].weight)).sum();
        for place in free {
            self.servers[*place].credit += i64::from(self.servers[*place].weight);
        }
        let best = free.iter().copied().max_by_key(|place| (self.servers[*place].credit, std::cmp::Reverse(*place)))?;
        self.servers[best].credit -= total;
        Some(best)
    }
}

/// A few of these, all different, in the order in which they were drawn.
fn distinct(mut all: Vec<usize>, few: u32, luck: &mut Stream) -> Vec<usize> {
    let few = (few.clamp(1, MAX_CHOICES) as usize).min(all.len());
    for place in 0..few {
        let other = place + luck.below((all.len() - place) as u64) as usize;
        all.swap(place, other);
    }
    all.truncate(few);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Choice, Purpose};

    fn chooser(count: u32) -> (Chooser, Stream) {
        let mut chooser = Chooser::default();
        assert!(chooser.know((1..=count).map(NodeId)));
        assert!(!chooser.know((1..=count).map(NodeId)));
        (chooser, Stream::new(3, Purpose::Faults))
    }

    fn rule(policy: Policy) -> Rule {
        Rule { policy, choices: 2, virtual_nodes: 20 }
    }

    #[test]
    fn every_policy_takes_one_draw_and_leaves_out_whom_it_is_told_to() {
        for policy in Policy::ALL {
            let (mut chooser, mut luck) = chooser(3);
            let mut drawn = luck.clone();
            for key in 0..50 {
                let chosen = chooser.choose(rule(*policy), key, &[NodeId(2)], &mut luck).unwrap();
                assert_ne!(chosen, NodeId(2), "{policy:?}");
                drawn.bits();
            }
            assert_eq!(luck, drawn, "{policy:?}");
            let all = [1, 2, 3].map(NodeId);
            assert!(chooser.choose(rule(*policy), 0, &all, &mut luck).is_some(), "better one again than nobody");
            assert_eq!(Chooser::default().choose(rule(*policy), 0, &[], &mut luck), None);
        }
    }

    #[test]
    fn smooth_weighted_round_robin_mixes() {
        // nginx's own example: weights 5, 1, 1 give a a b a c a a.
        let (mut chooser, mut luck) = chooser(3);
        chooser.weigh(NodeId(1), 5);
        let order: Vec<u32> =
            (0..14).map(|_| chooser.choose(rule(Policy::Weighted), 0, &[], &mut luck).unwrap().0).collect();
        assert_eq!(order, [1, 1, 2, 1, 3, 1, 1, 1, 1, 2, 1, 3, 1, 1]);
    }

    #[test]
    fn choices_are_distinct_and_take_the_less_busy() {
        let (mut chooser, mut luck) = chooser(2);
        chooser.sent(NodeId(1));
        // Two of two, all different: always the idle one.
        assert!((0..40).all(|_| chooser.choose(rule(Policy::Choices), 0, &[], &mut luck) == Some(NodeId(2))));
        chooser.done(NodeId(1));
        let ones =
            (0..1000).filter(|_| chooser.choose(rule(Policy::Choices), 0, &[], &mut luck) == Some(NodeId(1))).count();
        // A draw: five deviations.
        assert!(ones.abs_diff(500) < 80, "{ones}");
    }

    #[test]
    fn those_that_stay_keep_what_is_known_of_them() {
        let (mut chooser, _) = chooser(3);
        chooser.sent(NodeId(2));
        assert!(chooser.know([2, 4].into_iter().map(NodeId)));
        assert_eq!((chooser.under_way(NodeId(2)), chooser.under_way(NodeId(4)), chooser.len()), (1, 0, 2));
    }
}
