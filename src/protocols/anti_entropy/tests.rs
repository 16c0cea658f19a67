use super::super::testing::Desk;
use super::*;

type Tested = Desk<Message, Timer, Write>;

const A: NodeId = NodeId(1);
const B: NodeId = NodeId(2);
const RULES: Rules = Rules {
    keys: 64,
    leaves: 16,
    every: Micros::secs(1),
    scrub: Micros::ZERO,
    compares: Compares::Tree,
    hashes: Hashes::Versions,
    upkeep: Upkeep::Always,
    keeps: Micros::secs(60),
};

struct Two {
    replicas: [Replica; 2],
    desks: [Tested; 2],
    rules: Rules,
}

impl Two {
    fn new(rules: Rules) -> Two {
        let replica = || Replica::boot(&Database::default(), &rules);
        Two { replicas: [replica(), replica()], desks: [Tested::new(A.0), Tested::new(B.0)], rules }
    }

    /// Somebody puts a value in at one; the other hears of it, or does not.
    fn put(&mut self, at: usize, key: u32, value: Option<u32>, heard: bool) {
        self.replicas[at].publish(&mut self.desks[at], key, value);
        for (_, done) in std::mem::take(&mut self.desks[at].writes) {
            if let Some(timer) = done {
                self.replicas[at].on_timer(&mut self.desks[at], &self.rules, timer, &[[B, A][at]]);
            }
        }
        let sent = self.desks[at].sent();
        if heard {
            for (_, message) in sent {
                self.replicas[1 - at].on_message(&mut self.desks[1 - at], &self.rules, [A, B][at], &message);
            }
        }
    }

    /// The first compares with the second: what they say, and what it costs.
    fn compare(&mut self) -> (Vec<String>, Spent) {
        self.replicas.iter_mut().for_each(|replica| drop(replica.events()));
        self.replicas[0].on_timer(&mut self.desks[0], &self.rules, Timer::Exchange, &[B]);
        let mut said = Vec::new();
        for turn in 0.. {
            let (from, to) = (turn % 2, 1 - turn % 2);
            let Some((_, message)) = self.desks[from].sent().pop() else { break };
            said.push(message.name().to_owned());
            self.replicas[to].on_message(&mut self.desks[to], &self.rules, [A, B][from], &message);
        }
        let spent = |replica: &mut Replica| {
            replica.events().into_iter().find_map(|event| match event {
                Event::Compared(spent) => Some(spent),
                _ => None,
            })
        };
        let [a, b] = &mut self.replicas;
        (said, spent(a).or_else(|| spent(b)).expect("it came to an end"))
    }

    fn same(&self) -> bool {
        self.replicas[0].items().eq(self.replicas[1].items())
    }
}

#[test]
fn equal_replicas_compare_their_roots_and_nothing_else() {
    let mut two = Two::new(RULES);
    (0..20).for_each(|key| two.put(0, key, Some(key), true));
    let (said, spent) = two.compare();
    assert_eq!(said, ["Compare", "Same"]);
    assert_eq!((spent.hashes, spent.keys), (1, 0));
}

#[test]
fn one_difference_is_found_by_two_hashes_a_level_and_goes_to_whoever_lacks_it() {
    for at in [0, 1] {
        let mut two = Two::new(RULES);
        (0..64).for_each(|key| two.put(0, key, Some(key), true));
        two.put(at, 37, Some(99), false);
        let (said, spent) = two.compare();
        // Sixteen leaves are four levels below the root.
        assert_eq!(spent.hashes, 1 + 2 * 4);
        assert_eq!(said.iter().filter(|name| *name == "Compare").count(), 6, "{said:?}");
        assert_eq!(spent.keys, 1);
        assert!(two.same() && two.replicas[0].root() == two.replicas[1].root());
        assert_eq!(two.replicas[1 - at].item(37).and_then(|entry| entry.value), Some(99));
        assert!(spent.bytes < two.replicas[0].whole(), "{spent:?}");
    }
}

#[test]
fn a_leaf_without_versions_or_a_stale_tree_says_equal_where_nothing_is() {
    for rules in [Rules { hashes: Hashes::Keys, ..RULES }, Rules { upkeep: Upkeep::Start, ..RULES }] {
        let mut two = Two::new(rules);
        two.put(0, 5, Some(1), true);
        two.put(0, 5, Some(2), false);
        assert_eq!(two.compare().0, ["Compare", "Same"], "{rules:?}");
        assert!(!two.same());
    }
    let mut two = Two::new(RULES);
    two.put(0, 5, Some(1), true);
    two.put(0, 5, Some(2), false);
    two.compare();
    assert!(two.same());
}

#[test]
fn what_was_deleted_comes_back_from_who_was_cut_off_for_longer_than_its_certificate_is_kept() {
    for (away, comes_back) in [(30, false), (90, true)] {
        let mut two = Two::new(RULES);
        two.put(0, 5, Some(1), true);
        two.put(0, 5, None, false);
        two.desks.iter_mut().for_each(|desk| desk.now = Time(away * 1_000_000));
        two.compare();
        let value = two.replicas[0].item(5).and_then(|entry| entry.value);
        assert_eq!(value.is_some(), comes_back, "after {away} s");
        assert!(two.same());
    }
}

#[test]
fn what_has_rotted_away_is_found_when_the_tree_is_made_anew() {
    let mut two = Two::new(RULES);
    two.put(0, 5, Some(1), true);
    assert!(two.replicas[1].rot(&mut two.desks[1], 5));
    assert_eq!(two.compare().0, ["Compare", "Same"], "the tree does not know");
    two.replicas[1].on_timer(&mut two.desks[1], &RULES, Timer::Scrub, &[A]);
    two.compare();
    assert!(two.same() && two.replicas[1].item(5).is_some());
}
