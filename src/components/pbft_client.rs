//! A client of [replicas that may lie](pbft): reads, writes and compares, one operation at a time, believes what enough of
//! them say, and tells each operation as a history has it.
//!
//! It asks until it is answered, under the same number, so that what it asks for is done once.

use crate::protocols::Family;
use crate::protocols::kv::{self, Op};
use crate::protocols::pbft::{Believes, Client, Message as Pbft, Outcome};
use crate::protocols::raft::Command;
use crate::sim::{Component, Context, Disk, Look, Micros, NodeId, Table, Time, Work};

use super::fact::{Datum, Step};
use super::{Fact, Glyph, Message, Placeable};

crate::config! {
    /// What can be set about a client.
    pub struct PbftClientConfig {
        /// How many operations it begins, on average, while none waits for its answer.
        rate: f64 = 1.0, in 0.0, 1000.0, "1/s";
        /// How many keys there are.
        keys: u32 = 3, in 1, 65536, "";
        /// The share of operations that read.
        reads: f64 = 0.5, in 0.0, 1.0, "";
        /// The share of the others that compare and set.
        compares: f64 = 0.3, in 0.0, 1.0, "";
        /// How many replicas may be faulty: f.
        f: u32 = 1, in 0, 20, "";
        /// How many replies that are alike it believes; the first is a mistake.
        believes: Believes = Believes::Enough, in 0, 0, "";
        /// How long it waits for an answer before it asks every replica, and again after as long.
        timeout: Micros = Micros::secs(1), in 0.01, 600.0, "";
    }
}

/// Questions are numbered in steps of this from life to life, so that none is numbered again: more than a life asks.
const LIFE: u64 = 1 << 32;

/// What is on a client's disk: how often it has started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lives(u64);

impl Disk for Lives {
    type Write = u64;
    fn apply(&mut self, lives: u64) {
        self.0 = lives;
    }
}

/// What a client waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The number of this life is on the disk.
    Ready,
    /// To begin the next operation.
    Next,
    /// For an answer, before it asks everyone.
    Unanswered,
}

/// A client.
#[derive(Clone, Debug, Hash)]
pub struct PbftClient {
    client: Client,
    process: u64,
    number: u64,
    open: Option<(u32, Op, Time)>,
    ready: bool,
    /// What it last saw or wrote under each key, to compare with.
    seen: Table<u32, u64>,
    done: u64,
}

fn replicas(cx: &Context<PbftClient>) -> Vec<NodeId> {
    cx.peers_of("pbft-replica").collect()
}

impl PbftClient {
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
        // Three draws, whatever comes of them.
        let (reads, compares) = (cx.load_rng().unit(), cx.load_rng().unit());
        let keys = u64::from(cx.config().keys);
        let key = cx.load_rng().below(keys) as u32;
        self.number += 1;
        let (life, count) = (self.number / LIFE - 1, self.number % LIFE);
        let value = (life * 1_000_000 + count) * 1_000 + u64::from(cx.id().0) % 1_000;
        let op = match () {
            () if reads < cx.config().reads => Op::Read,
            () if compares < cx.config().compares => Op::Cas(self.seen.get(&key).copied().unwrap_or(0), value),
            () => Op::Write(value),
        };
        let command = Command::Ask { client: cx.id(), number: self.number, key, op };
        self.open = Some((key, op, cx.now()));
        self.tell(cx, Step::Invoke, key, op, None);
        if let Some((primary, message)) = self.client.ask(&replicas(cx), self.number, command) {
            cx.send(primary, message.into());
        }
        cx.set(Timer::Unanswered, cx.config().timeout);
    }

    fn tell(&mut self, cx: &mut Context<Self>, step: Step, key: u32, op: Op, came: Option<Option<u64>>) {
        let datum = |value: Option<u64>| value.map_or(Datum::Nothing, Datum::Number);
        let (name, value) = match op {
            Op::Read => ("read", came.map(datum)),
            Op::Write(value) => ("write", Some(Datum::Number(value))),
            Op::Cas(from, to) => ("cas", Some(Datum::Pair(from, to))),
            Op::Add(by) => ("increment", Some(Datum::Number(by))),
        };
        let result = (name == "cas" && step == Step::Ok).then_some(came.is_some());
        cx.fact(Fact::Operation { process: self.process, step, op: name, key: Some(u64::from(key)), value, result });
    }

    fn answered(&mut self, cx: &mut Context<Self>, answer: &kv::Message) {
        let Some((key, op, since)) = self.open.take() else { return };
        cx.cancel(&Timer::Unanswered);
        let came = if let kv::Message::Done { value, .. } = answer { Some(*value) } else { None };
        self.tell(cx, Step::Ok, key, op, came);
        match (op, came) {
            (Op::Read, Some(Some(value))) | (Op::Write(value), _) | (Op::Cas(_, value), Some(_)) => {
                self.seen.insert(key, value);
            }
            _ => {}
        }
        self.done += 1;
        cx.measure("operations", 1);
        cx.measure("latency", cx.now().since(since).0);
        PbftClient::later(cx);
    }
}

impl Component for PbftClient {
    type Message = Message;
    type Config = PbftClientConfig;
    type Disk = Lives;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &Lives) -> Self {
        let lives = disk.0 + 1;
        // Nothing is asked before the number of this life is safe.
        cx.persist(lives, Some(Timer::Ready));
        let number = lives * LIFE;
        PbftClient {
            client: Client::default(),
            process: number,
            number,
            open: None,
            ready: false,
            seen: Table::new(),
            done: 0,
        }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let Message::Pbft(Pbft::Reply { view, answer }) = message else {
            return super::not_understood(cx, from, &message);
        };
        let (f, believes) = (cx.config().f, cx.config().believes);
        if let Outcome::Answer(answer) = self.client.on_reply(from, view, answer, f, believes) {
            self.answered(cx, &answer);
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Ready => {
                self.ready = true;
                PbftClient::later(cx);
            }
            Timer::Next if !self.client.waits() => self.begin(cx),
            Timer::Next => {}
            Timer::Unanswered => {
                if let Some(message) = self.client.again() {
                    for replica in replicas(cx) {
                        cx.send(replica, message.clone().into());
                    }
                    cx.set(Timer::Unanswered, cx.config().timeout);
                }
            }
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        if self.ready && !self.client.waits() {
            PbftClient::later(cx);
        }
    }

    fn look(&self, _: &PbftClientConfig) -> Look {
        let waits = self.open.map_or("nothing".to_owned(), |(key, _, _)| format!("key {key}"));
        let lines = vec![
            ("waits for", waits),
            ("replies so far", self.client.replies().to_string()),
            ("knows of view", self.client.view().to_string()),
            ("done", self.done.to_string()),
        ];
        Look { role: "client".into(), star: false, ready: true, lines, log: Vec::new() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Ready => "ready",
            Timer::Next => "next",
            Timer::Unanswered => "unanswered",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for PbftClient {
    const KIND: &'static str = "pbft-client";
    const TITLE: &'static str = "Client of PBFT";
    const ABOUT: &'static str = crate::later_text!(
        "Reads, writes and compares values at replicas that may lie, and believes what enough of them say alike."
    );
    const GLYPH: Glyph = Glyph::Client;
    const FAMILY: Family = Family::People;
    const TALKS_TO: &'static [&'static str] = &["pbft-replica"];
}
