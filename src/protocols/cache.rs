//! What a cache knows, and when it asks anew: entries that live for a while, of which the least recently used goes for
//! another; and what protects the store behind from a stampede when a popular one has expired.
//!
//! Cache-aside: what is not there is loaded by whoever asked for it. When an entry expires that many ask for, all of them
//! load it at once, unless one loads and the others wait (single flight); or somebody loads it a little before it
//! expires, the likelier the nearer that is and the longer a load takes (XFetch: Vattani, Chierichetti and Lowenstein,
//! «Optimal Probabilistic Cache Stampede Prevention», VLDB 2015); or the expired one is served for a while longer, and
//! loaded beside that (stale-while-revalidate: RFC 5861).
//!
//! An answer is never older than the time to live, and the grace where expired ones are served. Its age counts from when
//! the load began, since from then on the store may have had something newer.

use crate::sim::{Micros, NodeId, Stream, Table, Time};

/// How many entries a cache has at most.
pub const MAX_ENTRIES: u32 = 100_000;
/// How many requests wait for one load; one more is refused.
pub const MAX_WAITING: usize = 10_000;

crate::choice! {
    /// What protects the store from everyone loading the same at once.
    pub enum Protection {
        /// Nothing: whoever finds nothing loads it.
        None = "none",
        /// One loads, and the others wait for that.
        SingleFlight = "single-flight",
        /// As none, but now and then somebody loads before it has expired.
        Early = "early",
        /// What has expired is served for the time of the grace, while one loads; after that as single flight.
        Stale = "stale",
    }
}

/// How a cache works.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// How long an entry lives.
    pub ttl: Micros,
    /// How long an expired one may be served.
    pub grace: Micros,
    /// How many entries there may be.
    pub size: u32,
    /// How eagerly entries are loaded early, in thousandths: β.
    pub beta: u64,
    /// What protects the store.
    pub protection: Protection,
}

#[derive(Clone, Copy, Debug, Hash)]
struct Entry {
    /// When its load began, and how long that took.
    since: Time,
    took: Micros,
    /// Its place in the order of use.
    used: u64,
}

/// Who waits for an answer, and their number for it.
pub type Waiter = (NodeId, u64);

#[derive(Clone, Debug, Hash)]
struct Load {
    key: u64,
    begun: Time,
    waiting: Vec<Waiter>,
}

/// What is done about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is there, so old. With a number: that load is to be begun beside it.
    Hit(Micros, Option<u64>),
    /// It is being loaded: the answer will come.
    Waits,
    /// This load is to be begun, and the answer comes with it. So many loads of the key are then under way.
    Load(u64, u64),
    /// Too many wait for it.
    Full,
}

/// A cache.
#[derive(Clone, Debug, Default, Hash)]
pub struct Cache {
    entries: Table<u64, Entry>,
    /// Keys by when they were last used.
    order: Table<u64, u64>,
    clock: u64,
    /// Loads under way, by their number.
    loads: Table<u64, Load>,
    /// Those of a key.
    of_key: Table<u64, Vec<u64>>,
    last: u64,
}

impl Cache {
    /// How many entries there are, and how many loads are under way.
    pub fn counts(&self) -> (usize, usize) {
        (self.entries.len(), self.loads.len())
    }

    /// Somebody asks for a key: one draw, whatever comes of it.
    pub fn ask(&mut self, manner: &Manner, key: u64, who: Waiter, now: Time, luck: &mut Stream) -> Answer {
        let drawn = luck.unit();
        let under_way = self.of_key.get(&key).map_or(0, Vec::len) as u64;
        let Some(entry) = self.entries.get(&key).copied() else { return self.miss(manner, key, who, now) };
        let age = now.since(entry.since);
        if age < manner.ttl {
            self.touch(key);
            let early =
                manner.protection == Protection::Early && age + eagerness(manner, entry.took, drawn) >= manner.ttl;
            // Only one: the others see that somebody is at it.
            return if early && under_way == 0 {
                Answer::Hit(age, Some(self.begin(key, now, Vec::new())))
            } else {
                Answer::Hit(age, None)
            };
        }
        if manner.protection == Protection::Stale && age < manner.ttl + manner.grace {
            self.touch(key);
            let load = (under_way == 0).then(|| self.begin(key, now, Vec::new()));
            return Answer::Hit(age, load);
        }
        self.miss(manner, key, who, now)
    }

    fn miss(&mut self, manner: &Manner, key: u64, who: Waiter, now: Time) -> Answer {
        let together = matches!(manner.protection, Protection::SingleFlight | Protection::Stale);
        let load = self.of_key.get(&key).and_then(|loads| loads.first()).copied().filter(|_| together);
        if let Some(load) = load.and_then(|load| self.loads.get_mut(&load)) {
            if load.waiting.len() >= MAX_WAITING {
                return Answer::Full;
            }
            load.waiting.push(who);
            return Answer::Waits;
        }
        let load = self.begin(key, now, vec![who]);
        Answer::Load(load, self.of_key.get(&key).map_or(0, Vec::len) as u64)
    }

    fn begin(&mut self, key: u64, now: Time, waiting: Vec<Waiter>) -> u64 {
        self.last += 1;
        self.loads.insert(self.last, Load { key, begun: now, waiting });
        self.of_key.or_default(key).push(self.last);
        self.last
    }

    /// A load is over. Who waits for it is to be told, and how old what they get is.
    pub fn loaded(&mut self, manner: &Manner, load: u64, now: Time, done: bool) -> (Vec<Waiter>, Micros) {
        let Some(Load { key, begun, waiting }) = self.loads.remove(&load) else { return (Vec::new(), Micros::ZERO) };
        if let Some(others) = self.of_key.get_mut(&key) {
            others.retain(|other| *other != load);
            if others.is_empty() {
                self.of_key.remove(&key);
            }
        }
        let took = now.since(begun);
        // One that began later may have come first, and is newer.
        if done && self.entries.get(&key).is_none_or(|entry| entry.since <= begun) {
            self.touch(key);
            let used = self.clock;
            self.entries.insert(key, Entry { since: begun, took, used });
            self.make_room(manner.size);
        }
        (waiting, took)
    }

    fn touch(&mut self, key: u64) {
        self.clock += 1;
        if let Some(entry) = self.entries.get_mut(&key) {
            self.order.remove(&entry.used);
            entry.used = self.clock;
        }
        self.order.insert(self.clock, key);
    }

    fn make_room(&mut self, size: u32) {
        while self.entries.len() > size.clamp(1, MAX_ENTRIES) as usize {
            let Some((used, key)) = self.order.iter().next().map(|(used, key)| (*used, *key)) else { return };
            self.order.remove(&used);
            self.entries.remove(&key);
        }
    }
}

/// How much before its end an entry counts as expired, by a draw from 0 to 1: Δ·β·−ln(draw).
fn eagerness(manner: &Manner, took: Micros, drawn: f64) -> Micros {
    Micros::from_f64(took.0 as f64 * manner.beta as f64 / 1000.0 * -libm::log(1.0 - drawn))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Purpose;

    const MANNER: Manner =
        Manner { ttl: Micros::secs(10), grace: Micros::secs(5), size: 2, beta: 1_000, protection: Protection::None };

    fn with(protection: Protection) -> Manner {
        Manner { protection, ..MANNER }
    }

    struct Bench(Cache, Stream);

    fn bench() -> Bench {
        Bench(Cache::default(), Stream::new(4, Purpose::Faults))
    }

    fn at(millis: u64) -> Time {
        Time(millis * 1_000)
    }

    impl Bench {
        fn ask(&mut self, manner: &Manner, key: u64, millis: u64) -> Answer {
            self.0.ask(manner, key, (NodeId(1), millis), at(millis), &mut self.1)
        }
        /// Loads a key, within a second.
        fn fill(&mut self, manner: &Manner, key: u64, millis: u64) {
            let Answer::Load(load, _) = self.ask(manner, key, millis) else { panic!("it is there") };
            self.0.loaded(manner, load, at(millis + 1_000), true);
        }
    }

    #[test]
    fn what_expires_is_loaded_by_everyone_or_by_one_for_all() {
        let mut all = bench();
        let none = with(Protection::None);
        assert_eq!(all.ask(&none, 7, 0), Answer::Load(1, 1));
        assert_eq!(all.ask(&none, 7, 10), Answer::Load(2, 2));
        assert_eq!(all.0.loaded(&none, 1, at(300), true), (vec![(NodeId(1), 0)], Micros::ms(300)));
        assert_eq!(all.ask(&none, 7, 9_999), Answer::Hit(Micros::ms(9_999), None));
        // What came second was begun later, and is newer.
        all.0.loaded(&none, 2, at(9_999), true);
        assert_eq!(all.ask(&none, 7, 10_009), Answer::Hit(Micros::ms(9_999), None));
        assert_eq!(all.ask(&none, 7, 10_010), Answer::Load(3, 1));

        let mut one = bench();
        let single = with(Protection::SingleFlight);
        assert_eq!(one.ask(&single, 7, 0), Answer::Load(1, 1));
        assert_eq!(one.ask(&single, 7, 10), Answer::Waits);
        assert_eq!(one.ask(&single, 8, 10), Answer::Load(2, 1));
        let (told, _) = one.0.loaded(&single, 1, at(300), true);
        assert_eq!(told, [(NodeId(1), 0), (NodeId(1), 10)]);
    }

    #[test]
    fn an_expired_one_is_served_for_its_grace_while_one_loads() {
        let mut bench = bench();
        let stale = with(Protection::Stale);
        bench.fill(&stale, 7, 0);
        assert_eq!(bench.ask(&stale, 7, 12_000), Answer::Hit(Micros::ms(12_000), Some(2)));
        assert_eq!(bench.ask(&stale, 7, 12_001), Answer::Hit(Micros::ms(12_001), None));
        assert_eq!(bench.ask(&stale, 7, 15_000), Answer::Waits, "too old, but somebody is at it");
        let (told, _) = bench.0.loaded(&stale, 2, at(15_100), true);
        assert_eq!(told, [(NodeId(1), 15_000)]);
        assert_eq!(bench.ask(&stale, 7, 15_200), Answer::Hit(Micros::ms(3_200), None));
    }

    #[test]
    fn early_loads_come_as_often_as_the_paper_says() {
        // A load took a second, and the entry has two seconds left: it counts as expired if −ln(draw) ≥ 2, so with
        // probability e⁻² = .1353. Of 4000, 541 on average, ± 4 deviations of 21.6.
        let early = (0..4_000)
            .filter(|seed| {
                let mut bench = Bench(Cache::default(), Stream::new(*seed, Purpose::Faults));
                bench.fill(&with(Protection::Early), 7, 0);
                matches!(bench.ask(&with(Protection::Early), 7, 8_000), Answer::Hit(_, Some(_)))
            })
            .count();
        assert!(early.abs_diff(541) < 87, "{early}");
        // Once somebody is at it nobody else is.
        let mut bench = bench();
        let eager = Manner { beta: 1_000_000, ..with(Protection::Early) };
        bench.fill(&eager, 7, 0);
        assert!(matches!(bench.ask(&eager, 7, 2_000), Answer::Hit(_, Some(_))));
        assert!(matches!(bench.ask(&eager, 7, 2_001), Answer::Hit(_, None)));
    }

    #[test]
    fn the_least_recently_used_goes_and_what_fails_leaves_nothing() {
        let mut bench = bench();
        bench.fill(&MANNER, 1, 0);
        bench.fill(&MANNER, 2, 0);
        assert!(matches!(bench.ask(&MANNER, 1, 2_000), Answer::Hit(..)));
        bench.fill(&MANNER, 3, 2_000);
        assert!(matches!(bench.ask(&MANNER, 1, 4_000), Answer::Hit(..)));
        assert_eq!((bench.0.counts(), bench.0.order.len()), ((2, 0), 2));
        let Answer::Load(load, 1) = bench.ask(&MANNER, 2, 4_000) else { panic!("2 went") };
        bench.0.loaded(&MANNER, load, at(4_100), false);
        assert!(matches!(bench.ask(&MANNER, 2, 4_200), Answer::Load(..)));
        assert_eq!(bench.0.counts(), (2, 1));
    }
}
