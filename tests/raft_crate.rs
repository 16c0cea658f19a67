//! Our Raft beside `raft`, the implementation under TiKV, on one script: five servers; a client that proposes something
//! every 60 ms, whatever happens; the leader cut off together with a follower, and healed; a follower that dies and comes
//! back when what it missed is in a snapshot only; leadership handed over. What clients can see is the same.
//!
//! What may differ, and is not compared: who is elected and how fast, since each draws its time-outs in its own way (both
//! are held to the same bound); how entries are put together into messages after a fault; and the order of what was
//! proposed while nobody led, which is concurrent. Theirs tells followers of a commitment at once, ours with the next
//! message; `skip_bcast_commit` makes theirs do the same. Answers are not counted: a heartbeat that is answered while entries
//! are under way makes theirs send an append without any, which is answered too.
#![cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::collections::{BTreeMap, BTreeSet};

use faultline::protocols::raft::Mistake;
// Where the desk, which belongs to the library's own tests, looks for it.
use faultline::sim;
use faultline::sim::{Purpose, Stream};

#[path = "raft_crate/ours.rs"]
mod ours;
#[path = "raft_crate/theirs.rs"]
mod theirs;

/// How many servers there are.
const SERVERS: usize = 5;
/// How many proposals there are, and how many keys they write to in turn.
const PROPOSALS: u64 = 200;
const KEYS: u64 = 8;
/// After how many applied entries a snapshot takes their place.
const COMPACTION: u64 = 25;
/// How many snapshots one run may take: who was away twice, and perhaps once more what was cut off on its way.
const MOST_SNAPSHOTS: usize = 5;
/// Instants and lengths of time are in microseconds.
const MS: u64 = 1_000;
const FIRST: u64 = 1_000 * MS;
const EVERY: u64 = 60 * MS;
const END: u64 = 16_000 * MS;
/// From a client to a server; between servers it is 4 ms and up to 2 ms more.
const WAY: u64 = MS;
/// After so long a client asks another server.
const PATIENCE: u64 = 200 * MS;
/// Within so long whoever asks has an answer again, whatever has just happened: an election by time-outs of 150 to 300 ms,
/// perhaps a second one, and the client's patience.
const AGAIN: u64 = 1_500 * MS;
/// The script.
const CUT: u64 = 3_000 * MS;
const HEAL: u64 = 5_500 * MS;
const CRASH: u64 = 7_000 * MS;
const RESTART: u64 = 9_500 * MS;
const HAND_OVER: u64 = 11_000 * MS;
const STEPS: [u64; 5] = [CUT, HEAL, CRASH, RESTART, HAND_OVER];

/// What a server says to a client about a proposal.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Heard {
    Done,
    Elsewhere(Option<usize>),
    Unable,
}

/// What a message is for.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Entries.
    Replicates,
    Snapshot,
    /// Answers, heartbeats, votes.
    Other,
}

/// What a server did.
struct Did<M> {
    sent: Vec<(usize, M)>,
    told: Vec<(u64, Heard)>,
}

/// A server of either, on a disk that takes no time.
trait Server {
    type Message;
    /// When it is to run next.
    fn due(&self) -> u64;
    fn run(&mut self, now: u64) -> Did<Self::Message>;
    fn hear(&mut self, now: u64, from: usize, message: Self::Message) -> Did<Self::Message>;
    fn ask(&mut self, now: u64, number: u64) -> Did<Self::Message>;
    /// The leader is asked to hand over.
    fn hand_over(&mut self, now: u64, to: usize) -> Did<Self::Message>;
    /// Starts again from its disk.
    fn restart(&mut self, now: u64) -> Did<Self::Message>;
    fn leads(&self) -> bool;
    /// At which index it applied which proposal, ascending; what came with a snapshot may be missing.
    fn applied(&self) -> &[(u64, u64)];
    /// What is under each key.
    fn read(&self, key: u64) -> Option<u64>;
    fn kind(message: &Self::Message) -> Kind;
}

enum Event<M> {
    Comes {
        from: usize,
        to: usize,
        message: M,
    },
    Asked {
        to: usize,
        number: u64,
    },
    Told {
        from: usize,
        number: u64,
        heard: Heard,
        said: u64,
    },
    Propose(u64),
    /// The client has waited for this one for long enough, if it has not asked again since.
    Impatient {
        number: u64,
        attempt: u32,
    },
    Step(u64),
}

/// What can be seen of a run.
struct Seen {
    /// When each proposal was first asked, and when, to the client's knowledge, it was done.
    asked: BTreeMap<u64, u64>,
    done: BTreeMap<u64, u64>,
    /// Which servers first said of what, while they were cut off from a majority, that it is done.
    in_the_minority: Vec<(usize, u64)>,
    /// What the state machines did, in order.
    order: Vec<u64>,
    /// What is then under each key.
    values: Vec<Option<u64>>,
    /// Whether whom leadership was handed to led half a second later.
    handed_over: bool,
    /// How often snapshots were sent.
    snapshots: usize,
    /// Messages with entries, for each proposal in a quiet time.
    messages: f64,
    /// What must not be, found at the servers.
    broken: Vec<String>,
}

struct Net<S: Server> {
    servers: Vec<S>,
    up: [bool; SERVERS],
    /// Who is cut off from the others.
    cut: [bool; SERVERS],
    now: u64,
    queue: BTreeMap<(u64, u64), Event<S::Message>>,
    count: u64,
    luck: Stream,
    /// When the last message from one to another comes.
    last: BTreeMap<(usize, usize), u64>,
    guess: usize,
    attempts: BTreeMap<u64, (u32, usize)>,
    heir: Option<usize>,
    replicating: u64,
    seen: Seen,
}

/// The proposals of the quiet time in which messages are counted.
fn counted() -> impl Iterator<Item = u64> {
    (1..=PROPOSALS).filter(|number| (FIRST + 500 * MS..CUT - 500 * MS).contains(&proposed(*number)))
}

fn proposed(number: u64) -> u64 {
    FIRST + (number - 1) * EVERY
}

impl<S: Server> Net<S> {
    fn new(seed: u64, servers: Vec<S>) -> Net<S> {
        let seen = Seen {
            asked: BTreeMap::new(),
            done: BTreeMap::new(),
            in_the_minority: Vec::new(),
            order: Vec::new(),
            values: Vec::new(),
            handed_over: false,
            snapshots: 0,
            messages: 0.0,
            broken: Vec::new(),
        };
        let mut net = Net {
            servers,
            up: [true; SERVERS],
            cut: [false; SERVERS],
            now: 0,
            queue: BTreeMap::new(),
            count: 0,
            luck: Stream::new(seed, Purpose::Faults),
            last: BTreeMap::new(),
            guess: 0,
            attempts: BTreeMap::new(),
            heir: None,
            replicating: 0,
            seen,
        };
        for number in 1..=PROPOSALS {
            net.at(proposed(number), Event::Propose(number));
        }
        for step in STEPS.into_iter().chain([HAND_OVER + 500 * MS]) {
            net.at(step, Event::Step(step));
        }
        net
    }

    fn at(&mut self, at: u64, event: Event<S::Message>) {
        self.count += 1;
        self.queue.insert((at, self.count), event);
    }

    /// Carries what a server did.
    fn carry(&mut self, from: usize, did: Did<S::Message>) {
        let window = counted().next().map(proposed).zip(counted().last().map(|last| proposed(last) + EVERY));
        for (to, message) in did.sent {
            self.seen.snapshots += usize::from(S::kind(&message) == Kind::Snapshot);
            if S::kind(&message) == Kind::Replicates && window.is_some_and(|(a, b)| (a..b).contains(&self.now)) {
                self.replicating += 1;
            }
            // In order, as over a connection.
            let last = self.last.entry((from, to)).or_default();
            *last = (*last).max(self.now + 4 * MS + self.luck.below(2 * MS));
            let at = *last;
            self.at(at, Event::Comes { from, to, message });
        }
        for (number, heard) in did.told {
            self.at(self.now + WAY, Event::Told { from, number, heard, said: self.now });
        }
    }

    fn ask(&mut self, number: u64, to: usize, after: u64) {
        let attempt = self.attempts.get(&number).map_or(0, |(attempt, _)| *attempt) + 1;
        self.attempts.insert(number, (attempt, to));
        self.at(self.now + after + WAY, Event::Asked { to, number });
        self.at(self.now + after + PATIENCE, Event::Impatient { number, attempt });
    }

    fn leader(&self) -> Option<usize> {
        (0..SERVERS).find(|id| self.up[*id] && !self.cut[*id] && self.servers[*id].leads())
    }

    fn step(&mut self, step: u64) {
        let leader = self.leader().unwrap_or_else(|| panic!("nobody leads at {step}"));
        let follower = (0..SERVERS).find(|id| *id != leader).expect("five");
        match step {
            CUT => (self.cut[leader], self.cut[follower]) = (true, true),
            HEAL => self.cut = [false; SERVERS],
            CRASH => self.up[follower] = false,
            RESTART => {
                let dead = self.up.iter().position(|up| !up).expect("it died");
                self.up[dead] = true;
                let did = self.servers[dead].restart(self.now);
                self.carry(dead, did);
            }
            HAND_OVER => {
                let heir = (0..SERVERS).rev().find(|id| *id != leader).expect("five");
                self.heir = Some(heir);
                let did = self.servers[leader].hand_over(self.now, heir);
                self.carry(leader, did);
            }
            _ => self.seen.handed_over = self.heir == Some(leader),
        }
    }

    fn told(&mut self, from: usize, number: u64, heard: Heard, said: u64) {
        let waits = !self.seen.done.contains_key(&number);
        match heard {
            Heard::Done => {
                self.guess = from;
                if waits {
                    self.seen.done.insert(number, self.now);
                    if self.cut[from] && said > CUT {
                        self.seen.in_the_minority.push((from, number));
                    }
                }
            }
            Heard::Elsewhere(hint) if waits && self.attempts[&number].1 == from => {
                let hint = hint.filter(|hint| *hint != from);
                self.guess = hint.unwrap_or((from + 1) % SERVERS);
                self.ask(number, self.guess, if hint.is_some() { 0 } else { 20 * MS });
            }
            Heard::Elsewhere(_) | Heard::Unable => {}
        }
    }

    fn run(mut self) -> Seen {
        loop {
            let next = self.queue.keys().next().map_or(END, |(at, _)| *at);
            let ready = (0..SERVERS).filter(|id| self.up[*id]).min_by_key(|id| self.servers[*id].due());
            if let Some(id) = ready.filter(|id| self.servers[*id].due() <= next.min(END)) {
                self.now = self.now.max(self.servers[id].due());
                let did = self.servers[id].run(self.now);
                self.carry(id, did);
                continue;
            }
            let Some(((at, _), event)) = self.queue.pop_first().filter(|((at, _), _)| *at <= END) else { break };
            self.now = at;
            match event {
                Event::Comes { from, to, message } if self.up[to] && self.cut[from] == self.cut[to] => {
                    let did = self.servers[to].hear(self.now, from, message);
                    self.carry(to, did);
                }
                Event::Asked { to, number } if self.up[to] => {
                    let did = self.servers[to].ask(self.now, number);
                    self.carry(to, did);
                }
                Event::Comes { .. } | Event::Asked { .. } => {}
                Event::Told { from, number, heard, said } => self.told(from, number, heard, said),
                Event::Propose(number) => {
                    self.seen.asked.insert(number, self.now);
                    self.ask(number, self.guess, 0);
                }
                Event::Impatient { number, attempt } => {
                    let (last, to) = self.attempts[&number];
                    if last == attempt && !self.seen.done.contains_key(&number) {
                        self.guess = (to + 1) % SERVERS;
                        self.ask(number, self.guess, 0);
                    }
                }
                Event::Step(step) => self.step(step),
            }
        }
        self.seen.messages = self.replicating as f64 / counted().count() as f64;
        self.look();
        self.seen
    }

    /// What the state machines did: at one index the same everywhere, and every server has come to the same values.
    fn look(&mut self) {
        let mut at: BTreeMap<u64, u64> = BTreeMap::new();
        for server in &self.servers {
            for (index, number) in server.applied() {
                let other = at.entry(*index).or_insert(*number);
                if other != number {
                    self.seen.broken.push(format!("at index {index} one did {number} and another {other}"));
                }
            }
        }
        // What is asked twice may stand in the log twice; it is done once.
        let mut once = BTreeSet::new();
        self.seen.order = at.into_values().filter(|number| once.insert(*number)).collect();
        self.seen.values = (0..KEYS).map(|key| self.servers[0].read(key)).collect();
        for key in 0..KEYS {
            let last = self.seen.order.iter().rev().find(|number| **number % KEYS == key);
            for (id, server) in self.servers.iter().enumerate() {
                if server.read(key).as_ref() != last {
                    self.seen.broken.push(format!("server {id} has another value under {key} than was last put there"));
                }
            }
        }
    }
}

/// What is wrong with a run, whoever's it is.
fn complaints(seen: &Seen) -> Vec<String> {
    let mut told = seen.broken.clone();
    if let Some((from, number)) = seen.in_the_minority.first() {
        told.push(format!("server {from} acknowledged {number} while it was cut off from a majority"));
    }
    let place: BTreeMap<u64, usize> = seen.order.iter().enumerate().map(|(place, number)| (*number, place)).collect();
    for (number, done) in &seen.done {
        let Some(mine) = place.get(number) else {
            told.push(format!("{number} was acknowledged and is lost"));
            continue;
        };
        let later = seen.asked.iter().filter(|(_, asked)| *asked > done);
        for (other, _) in later.filter(|(other, _)| place.get(other).is_some_and(|theirs| theirs < mine)) {
            told.push(format!("{other} was asked after {number} was done, and was done before it"));
        }
    }
    for step in STEPS {
        let first = seen.done.iter().filter(|(number, _)| seen.asked[number] >= step).map(|(_, done)| *done).min();
        if first.is_none_or(|first| first > step + AGAIN) {
            told.push(format!("after what happened at {} ms nobody was served until {first:?}", step / MS));
        }
    }
    told
}

/// The proposals of times in which somebody led all the while: what happens to a follower no client feels.
fn calm(number: &u64) -> bool {
    let at = proposed(*number);
    !(CUT - 100 * MS..HEAL + AGAIN).contains(&at) && !(HAND_OVER - 100 * MS..HAND_OVER + AGAIN).contains(&at)
}

#[test]
fn clients_of_ours_and_of_theirs_see_the_same() {
    for seed in 1..=20 {
        let ours = ours::run(seed, Mistake::None);
        let theirs = theirs::run(seed);
        for (name, seen) in [("ours", &ours), ("theirs", &theirs)] {
            assert_eq!(complaints(seen), Vec::<String>::new(), "seed {seed}, {name}");
            assert_eq!(seen.done.len() as u64, PROPOSALS, "seed {seed}, {name}: all are acknowledged in the end");
            assert!(seen.handed_over, "seed {seed}, {name}: who was to lead leads");
            assert!(seen.snapshots > 0, "seed {seed}, {name}: who was away needs a snapshot");
            assert!(
                seen.snapshots <= MOST_SNAPSHOTS,
                "seed {seed}, {name}: {} snapshots, each as large as the state",
                seen.snapshots
            );
            assert_eq!(
                seen.messages,
                (SERVERS - 1) as f64,
                "seed {seed}, {name}: messages with entries, each proposal"
            );
        }
        let quiet = |seen: &Seen| seen.order.iter().copied().filter(calm).collect::<Vec<_>>();
        assert!(quiet(&ours).len() > 100);
        assert_eq!(quiet(&ours), quiet(&theirs), "seed {seed}: the order of what was asked one after another");
        assert_eq!(ours.values, theirs.values, "seed {seed}: what is read in the end");
    }
}

#[test]
fn a_mistake_of_ours_is_a_difference() {
    let told: Vec<String> = (1..=3).flat_map(|seed| complaints(&ours::run(seed, Mistake::Half))).collect();
    assert!(told.iter().any(|line| line.contains("while it was cut off from a majority")), "{told:?}");
}
