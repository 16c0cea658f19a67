//! Which of several servers does it: the usual ways of balancing, for whoever has the choice; and breakers, which take a
//! server out of the choice for a while that fails too often.
//!
//! A breaker is closed while all is well. So many failures in a row open it: the server is not asked. After a while it is
//! half open: one request may try. If that is answered it closes, otherwise it opens again (Nygard, «Release It!», 2007).
//! With one server that is a circuit breaker, and callers fail at once; among several it is what proxies call the
//! ejection of outliers.
//!
//! Peak-EWMA keeps, for each server, the latency of its answers: a worse one counts at once, a better one little by
//! little, and what is known fades. Of a few servers drawn the one is taken for which that, times the requests under way,
//! is least (as Finagle's load balancer does). A server that was not asked yet, or not for long, so gets a try.

use crate::sim::{Later, Micros, NodeId, Stream, Time};

use super::ring::{Ring, capacity, jump, mixed};

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
        /// The one with the least latency times requests under way of a few drawn at random (Finagle).
        PeakEwma = "peak-ewma",
        /// The first along the ring, from the key's place on, that has not more than its bound under way (Mirrokni, Thorup
        /// and Zadimoghaddam 2018).
        BoundedHash = "bounded-hash",
        /// The one whose place in the list is the remainder of the key by how many there are; when one comes or goes nearly
        /// all keys belong to another, which is a mistake where servers remember.
        Remainder = "remainder",
    }
}

crate::config! {
    /// The numbers that go with the ways to choose.
    pub struct Choosing {
        /// How many it draws, if it chooses by choices or by peak-ewma.
        choices: u32 = 2, in 1, MAX_CHOICES, "";
        /// At how many places of the ring each stands, if it chooses by consistent hash.
        virtual_nodes: u32 = 100, in 1, 10000, "";
        later:
        /// In how long it forgets how slow a server was, if it chooses by peak-ewma.
        decay: Micros = Micros::secs(10), in 0.001, 3600, "";
        /// After how many failures in a row a server's breaker opens, so that it is not asked for a while; 0 for never.
        breaker: u32 = 0, in 0, 1000, "";
        /// How long a breaker stays open before one request may try.
        open: Micros = Micros::secs(5), in 0.001, 3600, "";
        /// How many requests it lets be under way to each server; more must wait for an answer (back-pressure). 0 for any
        /// number.
        window: u32 = 0, in 0, 1000000, "";
        /// How much of the average a server may have under way, if it chooses by bounded hash.
        bound: u32 = 125, in 100, 10000, "%";
    }
}

/// How it is chosen, with the numbers that go with it.
#[derive(Clone, Copy, Debug)]
pub struct Rule<'a> {
    /// The way.
    pub policy: Policy,
    /// The numbers.
    pub with: &'a Choosing,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Server {
    id: NodeId,
    weight: u32,
    /// What smooth weighted round robin owes it.
    credit: i64,
    under_way: u32,
    /// The latency that is known of it, and when that was.
    latency: Later<(Micros, Time)>,
    breaker: Later<Breaker>,
}

/// Failures in a row, and until when nobody asks; then one may, and until when nobody else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Breaker {
    failures: u32,
    open: Option<Time>,
    half: bool,
}

/// What became of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// It opened, after so many failures.
    Open(u32),
    /// It closed.
    Closed,
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

/// What is left of a latency after a while: exp(−passed/decay), in 32 bits.
fn faded(passed: Micros, decay: Micros) -> u128 {
    (libm::exp(-(passed.0 as f64) / decay.0.max(1) as f64) * 4_294_967_296.0) as u128
}

impl Server {
    fn new(id: NodeId) -> Server {
        Server { id, weight: 1, credit: 0, under_way: 0, latency: Later::default(), breaker: Later::default() }
    }

    /// Whether its breaker lets a request through, and there is room for one under way.
    fn may(&self, with: &Choosing, now: Time) -> bool {
        let closed = with.breaker == 0 || self.breaker.0.open.is_none_or(|until| until <= now);
        closed && self.has_room(with)
    }

    fn has_room(&self, with: &Choosing) -> bool {
        with.window == 0 || self.under_way < with.window
    }

    /// What is known of its latency, times what would be under way. Of one that nothing is known of, and that has not
    /// answered yet, the worst is supposed.
    fn load(&self, decay: Micros, now: Time) -> u128 {
        let (latency, at) = self.latency.0;
        let known = (u128::from(latency.0) * faded(now.since(at), decay)) >> 32;
        match (known, self.under_way) {
            (0, 0) => 0,
            (0, under_way) => u128::from(u64::MAX) + u128::from(under_way),
            (known, under_way) => known * (u128::from(under_way) + 1),
        }
    }
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
            None => Server::new(id),
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
    /// A request is on its way to it. Whether it is the one that tries a breaker.
    pub fn sent(&mut self, with: &Choosing, id: NodeId, now: Time) -> bool {
        let Some(place) = self.place(id) else { return false };
        let server = &mut self.servers[place];
        server.under_way += 1;
        let tries = with.breaker > 0 && server.breaker.0.open.is_some();
        if tries {
            (server.breaker.0.open, server.breaker.0.half) = (Some(now + with.open), true);
        }
        tries
    }
    /// A request that was on its way to it no longer is.
    pub fn done(&mut self, id: NodeId) {
        if let Some(place) = self.place(id) {
            self.servers[place].under_way = self.servers[place].under_way.saturating_sub(1);
        }
    }

    /// A server answered after so long, or was waited for so long in vain.
    pub fn took(&mut self, with: &Choosing, id: NodeId, now: Time, span: Micros) {
        let Some(place) = self.place(id) else { return };
        let (latency, at) = self.servers[place].latency.0;
        let kept = faded(now.since(at), with.decay);
        let mixed = (u128::from(latency.0) * kept + u128::from(span.0) * ((1 << 32) - kept)) >> 32;
        self.servers[place].latency = Later((span.max(Micros(mixed as u64)), now));
    }

    /// A server did what it was asked, or failed. Whether that turned its breaker.
    pub fn judge(&mut self, with: &Choosing, id: NodeId, now: Time, well: bool) -> Option<Turned> {
        let place = self.place(id).filter(|_| with.breaker > 0)?;
        let breaker = &mut self.servers[place].breaker.0;
        if well {
            let was = std::mem::take(breaker);
            return was.open.map(|_| Turned::Closed);
        }
        breaker.failures = breaker.failures.saturating_add(1);
        if breaker.open.is_some() && !breaker.half || breaker.failures < with.breaker {
            return None;
        }
        (breaker.open, breaker.half) = (Some(now + with.open), false);
        Some(Turned::Open(breaker.failures))
    }

    /// How many breakers are not closed.
    pub fn open(&self) -> usize {
        self.servers.iter().filter(|server| server.breaker.0.open.is_some()).count()
    }

    /// Whether anybody may be asked.
    pub fn may(&self, with: &Choosing, now: Time) -> bool {
        self.servers.iter().any(|server| server.may(with, now))
    }
    /// Whether somebody has no room for one more under way, and so will have when an answer comes.
    pub fn is_full(&self, with: &Choosing) -> bool {
        self.servers.iter().any(|server| !server.has_room(with))
    }

    /// Chooses a server for a key: one draw, whatever the rule. `but` are left out, unless nobody else is there. Those
    /// are not there whose breaker is open or who have as much under way as they may.
    pub fn choose(&mut self, rule: Rule<'_>, key: u64, but: &[NodeId], now: Time, luck: &mut Stream) -> Option<NodeId> {
        let mut luck = luck.fork();
        let may: Vec<usize> =
            (0..self.servers.len()).filter(|place| self.servers[*place].may(rule.with, now)).collect();
        let free: Vec<usize> = may.iter().copied().filter(|place| !but.contains(&self.servers[*place].id)).collect();
        let free = if free.is_empty() { may } else { free };
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
            Policy::Choices => least(&distinct(free, rule.with.choices, &mut luck))?,
            Policy::PeakEwma => {
                let drawn = distinct(free, rule.with.choices, &mut luck);
                drawn.into_iter().min_by_key(|place| self.servers[*place].load(rule.with.decay, now))?
            }
            Policy::Weighted => self.smooth(&free)?,
            Policy::BoundedHash => {
                self.turn_ring(rule.with.virtual_nodes);
                let has = |place: usize| u64::from(self.servers[place].under_way);
                let all: u64 = free.iter().map(|place| has(*place)).sum();
                let full = capacity(u64::from(rule.with.bound) * 10, all + 1, count as u64);
                let load = |node| self.place(node).filter(|place| free.contains(place)).map_or(full, has);
                let owner = self.ring.owner_below(key, full, &load);
                owner.and_then(|owner| self.place(owner)).unwrap_or(free[luck.below(count as u64) as usize])
            }
            Policy::ConsistentHash => {
                self.turn_ring(rule.with.virtual_nodes);
                let owner = self.ring.owner(key).filter(|owner| !but.contains(owner));
                let owner = owner.and_then(|owner| self.place(owner)).filter(|place| free.contains(place));
                owner.unwrap_or(free[luck.below(count as u64) as usize])
            }
            Policy::JumpHash => free[jump(key, count as u64) as usize],
            Policy::Remainder => free[(mixed(key) % count as u64) as usize],
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

    fn with() -> Choosing {
        Choosing { virtual_nodes: 20, ..Choosing::default() }
    }

    /// Chooses two hours into the run.
    fn choose(chooser: &mut Chooser, policy: Policy, key: u64, but: &[NodeId], luck: &mut Stream) -> Option<NodeId> {
        chooser.choose(Rule { policy, with: &with() }, key, but, secs(7200), luck)
    }

    fn secs(seconds: u64) -> Time {
        Time(seconds * 1_000_000)
    }

    #[test]
    fn every_policy_takes_one_draw_and_leaves_out_whom_it_is_told_to() {
        for policy in Policy::ALL {
            let (mut chooser, mut luck) = chooser(3);
            let mut drawn = luck.clone();
            for key in 0..50 {
                let chosen = choose(&mut chooser, *policy, key, &[NodeId(2)], &mut luck).unwrap();
                assert_ne!(chosen, NodeId(2), "{policy:?}");
                drawn.bits();
            }
            assert_eq!(luck, drawn, "{policy:?}");
            let all = [1, 2, 3].map(NodeId);
            assert!(choose(&mut chooser, *policy, 0, &all, &mut luck).is_some(), "better one again than nobody");
            assert_eq!(choose(&mut Chooser::default(), *policy, 0, &[], &mut luck), None);
        }
    }

    #[test]
    fn smooth_weighted_round_robin_mixes() {
        // nginx's own example: weights 5, 1, 1 give a a b a c a a.
        let (mut chooser, mut luck) = chooser(3);
        chooser.weigh(NodeId(1), 5);
        let order: Vec<u32> =
            (0..14).map(|_| choose(&mut chooser, Policy::Weighted, 0, &[], &mut luck).unwrap().0).collect();
        assert_eq!(order, [1, 1, 2, 1, 3, 1, 1, 1, 1, 2, 1, 3, 1, 1]);
    }

    #[test]
    fn choices_are_distinct_and_take_the_less_busy() {
        let (mut chooser, mut luck) = chooser(2);
        chooser.sent(&with(), NodeId(1), Time::ZERO);
        // Two of two, all different: always the idle one.
        assert!((0..40).all(|_| choose(&mut chooser, Policy::Choices, 0, &[], &mut luck) == Some(NodeId(2))));
        chooser.done(NodeId(1));
        let ones =
            (0..1000).filter(|_| choose(&mut chooser, Policy::Choices, 0, &[], &mut luck) == Some(NodeId(1))).count();
        // A draw: five deviations.
        assert!(ones.abs_diff(500) < 80, "{ones}");
    }

    #[test]
    fn a_hot_key_stays_with_its_owner_until_that_one_is_full_and_nobody_passes_the_bound() {
        let (mut chooser, mut luck) = chooser(4);
        let mut counts = [0_u64; 4];
        let mut first = None;
        for asked in 1..=400_u64 {
            // Three of four ask for the same key, and none of it ends.
            let key = if asked % 4 == 0 { asked } else { 7 };
            let chosen = choose(&mut chooser, Policy::BoundedHash, key, &[], &mut luck).unwrap();
            first = first.or(Some(chosen).filter(|_| key == 7));
            chooser.sent(&with(), chosen, Time::ZERO);
            counts[chosen.0 as usize - 1] += 1;
            let most = (asked * 125).div_ceil(400);
            assert!(counts.iter().all(|count| *count <= most), "{counts:?} after {asked}");
        }
        let owner = first.expect("the key was asked for").0 as usize - 1;
        assert_eq!(counts[owner], 125, "its owner has as much as it may");
        // When all of it is done the key is with its owner again.
        for server in 1..=4 {
            (0..400).for_each(|_| chooser.done(NodeId(server)));
        }
        assert_eq!(choose(&mut chooser, Policy::BoundedHash, 7, &[], &mut luck), first);
    }

    #[test]
    fn those_that_stay_keep_what_is_known_of_them() {
        let (mut chooser, _) = chooser(3);
        chooser.sent(&with(), NodeId(2), Time::ZERO);
        assert!(chooser.know([2, 4].into_iter().map(NodeId)));
        assert_eq!((chooser.under_way(NodeId(2)), chooser.under_way(NodeId(4)), chooser.len()), (1, 0, 2));
    }

    /// How often each of so many servers is chosen, one request after another: each is answered after its latency, long
    /// before the next is made.
    fn shares(policy: Policy, latencies: &[u64]) -> Vec<usize> {
        let (mut chooser, mut luck) = chooser(latencies.len() as u32);
        let with = with();
        let mut shares = vec![0; latencies.len()];
        for second in 1..=1000 {
            let chosen = chooser.choose(Rule { policy, with: &with }, second, &[], secs(second), &mut luck).unwrap();
            let place = chosen.0 as usize - 1;
            chooser.sent(&with, chosen, secs(second));
            chooser.done(chosen);
            chooser.took(&with, chosen, secs(second), Micros::ms(latencies[place]));
            shares[place] += 1;
        }
        shares
    }

    #[test]
    fn peak_ewma_spares_a_slow_server_and_does_not_forget_it() {
        // Nobody is ever busy, so those who count requests under way see no difference: a third each, four deviations.
        let blind = shares(Policy::Choices, &[10, 10, 500]);
        assert!(blind.iter().all(|share| share.abs_diff(333) < 60), "{blind:?}");
        // Two of three are drawn: the slow one is never the better of the two, until what is known of it has faded to
        // less than a fiftieth, which takes ln 50 = 3.9 decays of 10 s: not more than 26 times in 1000 s.
        let [fast, other, slow] = shares(Policy::PeakEwma, &[10, 10, 500])[..] else { panic!() };
        assert!((5..=26).contains(&slow), "{slow}");
        assert!(fast.abs_diff(other) < 150, "{fast} and {other}");
    }

    #[test]
    fn a_peak_counts_at_once_and_fades() {
        let (mut chooser, _) = chooser(1);
        let with = with();
        let known = |chooser: &Chooser| chooser.servers[0].latency.0.0.0;
        chooser.took(&with, NodeId(1), secs(1), Micros::ms(10));
        chooser.took(&with, NodeId(1), secs(1), Micros::ms(200));
        assert_eq!(known(&chooser), 200_000);
        // One decay later: 200/e + 10 (1 − 1/e) = 79.9 ms.
        chooser.took(&with, NodeId(1), secs(11), Micros::ms(10));
        assert!(known(&chooser).abs_diff(79_897) < 2, "{}", known(&chooser));
        // With two under way it is three times as bad; ten decays later next to nothing is known.
        chooser.sent(&with, NodeId(1), secs(11));
        chooser.sent(&with, NodeId(1), secs(11));
        assert_eq!(chooser.servers[0].load(with.decay, secs(11)), 3 * u128::from(known(&chooser)));
        assert!(chooser.servers[0].load(with.decay, secs(111)) < 12);
        assert!(Server { under_way: 1, ..Server::new(NodeId(7)) }.load(with.decay, secs(1)) > 1 << 60, "no answer yet");
    }

    #[test]
    fn a_breaker_opens_lets_one_try_and_closes() {
        let (mut chooser, mut luck) = chooser(1);
        let with = Choosing { breaker: 3, ..with() };
        let rule = Rule { policy: Policy::Random, with: &with };
        let only = NodeId(1);
        let mut asks = |chooser: &mut Chooser, now: Time| chooser.choose(rule, 0, &[], now, &mut luck) == Some(only);
        for well in [false, false, true, false, false] {
            assert_eq!(chooser.judge(&with, only, secs(1), well), None, "three in a row, not in all");
        }
        assert!(asks(&mut chooser, secs(1)));
        assert_eq!(chooser.judge(&with, only, secs(1), false), Some(Turned::Open(3)));
        assert_eq!(chooser.judge(&with, only, secs(2), false), None, "what was under way changes nothing");
        assert!(!asks(&mut chooser, secs(5)) && chooser.open() == 1);
        // Half open: one, and nobody beside it.
        assert!(asks(&mut chooser, secs(6)));
        assert!(chooser.sent(&with, only, secs(6)));
        assert!(!asks(&mut chooser, secs(6)));
        assert_eq!(chooser.judge(&with, only, secs(7), false), Some(Turned::Open(5)));
        assert!(!asks(&mut chooser, secs(11)) && asks(&mut chooser, secs(12)));
        chooser.sent(&with, only, secs(12));
        assert_eq!(chooser.judge(&with, only, secs(12), true), Some(Turned::Closed));
        assert!(asks(&mut chooser, secs(12)) && chooser.open() == 0);
        assert!(!chooser.sent(&with, only, secs(12)));
    }

    #[test]
    fn no_policy_asks_beyond_the_window_or_an_open_breaker() {
        let with = Choosing { breaker: 1, window: 2, ..with() };
        for policy in Policy::ALL {
            let (mut chooser, mut luck) = chooser(3);
            let rule = Rule { policy: *policy, with: &with };
            chooser.judge(&with, NodeId(1), secs(1), false);
            for key in 0..4 {
                let chosen = chooser.choose(rule, key, &[], secs(1), &mut luck).unwrap();
                assert!(chooser.may(&with, secs(1)));
                chooser.sent(&with, chosen, secs(1));
            }
            assert!(chooser.is_full(&with) && !chooser.may(&with, secs(1)));
            assert_eq!(chooser.choose(rule, 9, &[], secs(1), &mut luck), None, "{policy:?}");
            assert_eq!([1, 2, 3].map(|id| chooser.under_way(NodeId(id))), [0, 2, 2], "{policy:?}");
        }
    }
}
