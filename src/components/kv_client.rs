//! A client of stores: reads, writes and compares, one operation at a time, and tells each as a history has it.
//!
//! Unless it is told to, it asks once. Where no answer comes in time nobody knows whether the operation took effect: it
//! says `info`, and goes on as another process, since a process does one thing at a time (Jepsen's convention).
//!
//! With more `attempts` it asks again under the same number: another server when none answered in time, whom it is
//! named where it asked the wrong one. That is right only with stores that know a number again; one that does not may do
//! an operation twice. A definite answer to any attempt is the operation's answer. Where there is none, `fail` is told
//! only if it asked once, and was answered by a server that says it will not do it; everything else is `info`. Of several
//! attempts an answer does not say which it is for: a late refusal of an early one says nothing about the last.

use crate::protocols::Family;
use crate::protocols::kv::{self, Op};
use crate::sim::{Component, Context, Disk, Later, Look, Micros, NodeId, Table, Time, Work};

use super::fact::{Datum, Step};
use super::{Fact, Glyph, Message, Placeable};

crate::choice! {
    /// Which store a client asks.
    pub enum Asks {
        /// The first that it is wired to.
        First = "first",
        /// Any, each time another.
        Any = "any",
        /// Whoever last did what it asked, the first at the beginning: the leader, where there is one.
        Last = "last",
        /// For reads whoever last answered one, for the others whoever last took one in: where one server takes them and
        /// another answers.
        Apart = "apart",
        /// The one at its own place: of three stores the first, fourth and seventh client ask the first.
        Own = "own",
    }
}

/// The list of kinds, and what is measured of a client that counts, by the kind that is asked.
macro_rules! stores {
    ($($kind:literal),+) => {
        /// The kinds of components that store values, in the order in which a client counts them. To add one: a name.
        pub const STORES: &[&str] = &[$($kind),+];
        /// Answered, not answered, and how long an answer took.
        const COUNTED: &[[&str; 3]] =
            &[$([concat!("answered by ", $kind), concat!("not answered by ", $kind), concat!("latency of ", $kind)]),+];
    };
}

stores!("kv-store", "raft-node", "quorum-node", "kv-replica", "paxos-node", "chain-node", "crdt-replica");

crate::config! {
    /// What can be set about a client of stores.
    pub struct KvClientConfig {
        /// How many operations it begins, on average, while none waits for its answer.
        rate: f64 = 5.0, in 0.0, 1000.0, "1/s";
        /// How many keys there are.
        keys: u32 = 3, in 1, 65536, "";
        /// The share of operations that read.
        reads: f64 = 0.5, in 0.0, 1.0, "";
        /// The share of the others that compare and set.
        compares: f64 = 0.3, in 0.0, 1.0, "";
        /// Which store it asks first.
        asks: Asks = Asks::First, in 0, 0, "";
        /// How long it waits for an answer.
        timeout: Micros = Micros::ms(500), in 0.001, 600.0, "";
        /// How often it asks for one operation; with more than one, another store where one does not answer, or the one that it was sent to.
        attempts: u32 = 1, in 1, 1000, "";
        /// How long it waits before it asks again, where a store refused and named none.
        pause: Micros = Micros::ms(50), in 0.001, 60.0, "";
        later:
        /// The share of operations that count one up, of those that neither read nor compare.
        adds: f64 = 0.0, in 0.0, 1.0, "";
    }
}

/// What is on a client's disk: the number of its last question, which a store must not see twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Numbers(u64);

impl Disk for Numbers {
    type Write = u64;
    fn apply(&mut self, number: u64) {
        self.0 = number;
    }
}

/// What a client waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The number of this life is on the disk.
    Ready,
    /// To begin the next operation.
    Next,
    /// For an answer, no longer.
    Unanswered,
    /// To ask again.
    Again,
}

/// An operation that waits for its answer.
#[derive(Clone, Copy, Debug, Hash)]
struct Open {
    number: u64,
    key: u32,
    op: Op,
    since: Time,
    /// Whom it asked last, and how often it asked.
    asked: NodeId,
    attempts: u32,
    /// Whether an attempt may take effect that was not answered.
    perhaps: bool,
}

/// A client of stores.
#[derive(Clone, Debug, Hash)]
pub struct KvClient {
    /// Numbers this life's processes, and its questions after them.
    number: u64,
    process: u64,
    open: Option<Open>,
    ready: bool,
    /// What it last saw or wrote under each key, to compare with.
    seen: Table<u32, u64>,
    /// Who last did what it asked.
    last: Option<NodeId>,
    /// Whom it asks for reads, and for the others, where it asks apart.
    places: Later<[Option<NodeId>; 2]>,
    done: u64,
    refused: u64,
    unknown: u64,
}

/// Questions are numbered in steps of this from life to life, so that none is numbered again: more than a life asks.
const LIFE: u64 = 1 << 32;

impl KvClient {
    fn later(cx: &mut Context<Self>) {
        // Poisson; the draw is taken whatever the rate is.
        let unit = cx.load_rng().unit();
        let rate = cx.config().rate;
        if rate > 0.0 {
            cx.set(Timer::Next, Micros::from_f64(-libm::log(1.0 - unit) / rate * 1e6));
        } else {
            cx.cancel(&Timer::Next);
        }
    }

    fn begin(&mut self, cx: &mut Context<Self>) {
        // Four draws, whatever comes of them.
        let (reads, compares) = (cx.load_rng().unit(), cx.load_rng().unit());
        let keys = u64::from(cx.config().keys);
        let (key, which) = (cx.load_rng().below(keys) as u32, cx.load_rng().bits());
        let stores = stores(cx);
        let place = match cx.config().asks {
            Asks::Any => which % stores.len().max(1) as u64,
            Asks::Own => u64::from(cx.id().0) % stores.len().max(1) as u64,
            Asks::First | Asks::Last | Asks::Apart => 0,
        };
        let last = self.last.filter(|last| cx.config().asks == Asks::Last && stores.contains(last));
        let apart = cx.config().asks == Asks::Apart;
        let placed = self.places.0[usize::from(reads >= cx.config().reads)];
        let placed = placed.filter(|store| apart && stores.contains(store));
        let last = last.or(placed);
        let Some(store) = last.or_else(|| stores.get(place as usize).copied()) else { return KvClient::later(cx) };
        self.number += 1;
        let (life, count) = (self.number / LIFE - 1, self.number % LIFE);
        let value = (life * 1_000_000 + count) * 1_000 + u64::from(cx.id().0) % 1_000;
        let op = match () {
            () if reads < cx.config().reads => Op::Read,
            () if compares < cx.config().compares => Op::Cas(self.seen.get(&key).copied().unwrap_or(0), value),
            () if adding(compares, cx.config()) => Op::Add(1),
            () => Op::Write(value),
        };
        let open = Open { number: self.number, key, op, since: cx.now(), asked: store, attempts: 0, perhaps: false };
        self.tell(cx, Step::Invoke, key, op, None);
        self.ask(cx, open, store);
    }

    /// Remembers whom to ask for what.
    fn place(&mut self, cx: &Context<Self>, op: Op, store: Option<NodeId>) {
        if cx.config().asks == Asks::Apart {
            self.places.0[usize::from(op != Op::Read)] = store;
        }
    }

    /// Asks a store for an operation, for the first time or again.
    fn ask(&mut self, cx: &mut Context<Self>, open: Open, store: NodeId) {
        let Open { number, key, op, attempts, .. } = open;
        self.open = Some(Open { asked: store, attempts: attempts + 1, ..open });
        cx.send(store, kv::Message::Ask { number, key, op }.into());
        cx.cancel(&Timer::Again);
        cx.set(Timer::Unanswered, cx.config().timeout);
    }

    /// No answer came from the store that was asked last.
    fn unanswered(&mut self, cx: &mut Context<Self>, open: Open) {
        let open = Open { perhaps: true, ..open };
        self.place(cx, open.op, None);
        match KvClient::next_store(cx, &open) {
            Some(store) => self.ask(cx, open, store),
            None => self.give_up(cx, open),
        }
    }

    /// The store that was asked last did not do it, or says that it may have.
    fn refused(&mut self, cx: &mut Context<Self>, from: NodeId, number: u64, ask: Option<NodeId>, perhaps: bool) {
        let Some(open) = self.open.filter(|open| open.number == number && open.asked == from) else { return };
        let open = Open { perhaps: open.perhaps || perhaps, ..open };
        if KvClient::next_store(cx, &open).is_none() {
            return self.give_up(cx, open);
        }
        match ask.filter(|ask| *ask != from && stores(cx).contains(ask)) {
            Some(store) => {
                self.place(cx, open.op, Some(store));
                self.ask(cx, open, store);
            }
            None => {
                self.open = Some(open);
                cx.cancel(&Timer::Unanswered);
                cx.set(Timer::Again, cx.config().pause);
            }
        }
    }

    /// Whom it asks after the store that it asked last, round and round; nobody when it has asked often enough.
    fn next_store(cx: &Context<Self>, open: &Open) -> Option<NodeId> {
        let stores = stores(cx);
        let place = stores.iter().position(|store| *store == open.asked).map_or(0, |place| place + 1);
        let next = stores.get(place).or(stores.first()).copied();
        next.filter(|_| open.attempts < cx.config().attempts)
    }

    fn give_up(&mut self, cx: &mut Context<Self>, open: Open) {
        let step = if open.perhaps || open.attempts > 1 { Step::Info } else { Step::Fail };
        self.end(cx, open.number, step, None);
    }

    fn tell(&mut self, cx: &mut Context<Self>, step: Step, key: u32, op: Op, came: Option<Option<u64>>) {
        let datum = |value: Option<u64>| value.map_or(Datum::Nothing, Datum::Number);
        let (op, value) = match op {
            Op::Read => ("read", came.map(datum)),
            Op::Write(value) => ("write", Some(Datum::Number(value))),
            Op::Cas(from, to) => ("cas", Some(Datum::Pair(from, to))),
            Op::Add(by) => ("increment", Some(Datum::Number(by))),
        };
        let result = (op == "cas" && step == Step::Ok).then_some(came.is_some());
        cx.fact(Fact::Operation { process: self.process, step, op, key: Some(u64::from(key)), value, result });
    }

    fn end(&mut self, cx: &mut Context<Self>, number: u64, step: Step, came: Option<Option<u64>>) {
        let Some(open) = self.open.filter(|open| open.number == number) else { return };
        self.open = None;
        cx.cancel(&Timer::Unanswered);
        cx.cancel(&Timer::Again);
        self.tell(cx, step, open.key, open.op, came);
        match (open.op, came) {
            (Op::Read, Some(Some(value))) | (Op::Write(value), _) | (Op::Cas(_, value), Some(_)) => {
                self.seen.insert(open.key, value);
            }
            _ => {}
        }
        if step == Step::Ok {
            self.done += 1;
            cx.measure("operations", 1);
            cx.measure("latency", cx.now().since(open.since).0);
        }
        KvClient::measure(cx, &open, step);
        self.refused += u64::from(step == Step::Fail);
        if step == Step::Info {
            self.unknown += 1;
            self.process += 1;
        }
        KvClient::later(cx);
    }

    /// Where one counts, what came of it is measured by kind too.
    fn measure(cx: &mut Context<Self>, open: &Open, step: Step) {
        if cx.config().adds == 0.0 {
            return;
        }
        let kind = cx.peers().iter().find(|peer| peer.id == open.asked).map_or("", |peer| peer.kind);
        let place = STORES.iter().position(|store| *store == kind).unwrap_or(0);
        let [counted, not_counted, latency] = COUNTED[place];
        if step == Step::Ok {
            cx.measure(counted, 1);
            cx.measure(latency, cx.now().since(open.since).0);
        } else {
            cx.measure(not_counted, 1);
        }
    }

    /// An operation came to something at a store.
    fn answered(&mut self, cx: &mut Context<Self>, from: NodeId, number: u64, came: Option<Option<u64>>) {
        if let Some(open) = self.open.filter(|open| open.number == number) {
            self.last = Some(from);
            self.place(cx, open.op, Some(if open.op == Op::Read { from } else { open.asked }));
        }
        self.end(cx, number, Step::Ok, came);
    }
}

/// Whether what is no comparison counts up: the rest of the draw that said so.
fn adding(drawn: f64, config: &KvClientConfig) -> bool {
    drawn - config.compares < config.adds * (1.0 - config.compares)
}

/// The stores that a client is wired to, kind after kind.
fn stores(cx: &Context<KvClient>) -> Vec<NodeId> {
    STORES.iter().flat_map(|kind| cx.peers_of(kind)).collect()
}

impl Component for KvClient {
    type Message = Message;
    type Config = KvClientConfig;
    type Disk = Numbers;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &Numbers) -> Self {
        let number = (disk.0 / LIFE + 1) * LIFE;
        // Nothing is asked before the number of this life is safe.
        cx.persist(number, Some(Timer::Ready));
        KvClient {
            number,
            process: number,
            open: None,
            ready: false,
            seen: Table::new(),
            last: None,
            places: Later::default(),
            done: 0,
            refused: 0,
            unknown: 0,
        }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Kv(kv::Message::Done { number, value }) => self.answered(cx, from, number, Some(value)),
            Message::Kv(kv::Message::Differs { number }) => self.answered(cx, from, number, None),
            Message::Kv(kv::Message::Elsewhere { number, ask }) => self.refused(cx, from, number, ask, false),
            Message::Kv(kv::Message::Unable { number, perhaps }) => self.refused(cx, from, number, None, perhaps),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match (timer, self.open) {
            (Timer::Unanswered, Some(open)) => self.unanswered(cx, open),
            (Timer::Again, Some(open)) => match KvClient::next_store(cx, &open) {
                Some(store) => self.ask(cx, open, store),
                None => self.give_up(cx, open),
            },
            (Timer::Ready, _) => {
                self.ready = true;
                KvClient::later(cx);
            }
            (Timer::Next, None) => self.begin(cx),
            _ => {}
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        if self.ready && self.open.is_none() {
            KvClient::later(cx);
        }
    }

    fn look(&self, config: &KvClientConfig) -> Look {
        let waits = self.open.map_or("nothing".to_owned(), |open| format!("key {}", open.key));
        let mut lines =
            vec![("waits for", waits), ("done", self.done.to_string()), ("unanswered", self.unknown.to_string())];
        if self.refused > 0 {
            lines.push(("refused", self.refused.to_string()));
        }
        if let Some(open) = self.open {
            lines.push(("asks", format!("{}, for the {}. time", open.asked, open.attempts)));
        }
        // Who counts shows what was last read.
        let role = match self.seen.get(&0) {
            Some(count) if config.adds > 0.0 => format!("sees {count}").into(),
            _ => "client".into(),
        };
        Look { role, star: false, ready: true, lines, log: Vec::new() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Ready => "ready",
            Timer::Next => "next",
            Timer::Unanswered => "unanswered",
            Timer::Again => "again",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for KvClient {
    const KIND: &'static str = "kv-client";
    const TITLE: &'static str = "Client of stores";
    const ABOUT: &'static str = crate::later_text!(
        "Reads, writes and compares values, one operation at a time, and tells each so that a check can judge the history."
    );
    const GLYPH: Glyph = Glyph::Client;
    const FAMILY: Family = Family::People;
    const TALKS_TO: &'static [&'static str] = STORES;
}
