//! A replica of conflict-free data: the people beside it count, add and remove at once, and it sends what it has to
//! another replica now and then.

use std::rc::Rc;

use crate::protocols::crdt::{self, Counting, Removing, Rules, State, Update};
use crate::protocols::kv::Op;
use crate::protocols::{Family, health, kv};
use crate::sim::{Component, Context, Disk, Later, Look, Machine, Micros, NodeId, Table, Work};

use super::{Fact, Glyph, Message, Placeable};

crate::config! {
    /// What can be set about a replica.
    pub struct CrdtConfig {
        /// How many updates the people beside it make, on average.
        rate: f64 = 1.0, in 0.0, 100.0, "1/s";
        /// How many elements they put into the set and take out.
        elements: u32 = 6, in 1, 64, "";
        /// How often it sends what it has to one of the others.
        gossip: Micros = Micros::ms(500), in 0.01, 60.0, "";
        /// How it takes in another's counter; to overwrite is a mistake that loses increments.
        counting: Counting = Counting::Merge, in 0, 0, "";
        /// How it takes something out of its set; for ever is a mistake, if it may be put in again.
        removing: Removing = Removing::Observed, in 0, 0, "";
    }
}

/// What is on the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Kept(Rc<State>);

/// A write to the disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// An update of its own.
    Update {
        /// Whose.
        me: NodeId,
        /// When, by its clock.
        at: u64,
        /// What.
        update: Update,
        /// How.
        rules: Rules,
    },
    /// What another has.
    Merge(Rc<State>, Rules),
}

impl Disk for Kept {
    type Write = Write;
    fn apply(&mut self, write: Write) {
        let state = Rc::make_mut(&mut self.0);
        match write {
            Write::Update { me, at, update, rules } => state.update(me, at, update, rules),
            Write::Merge(other, rules) => state.merge(&other, rules),
        }
    }
}

/// What a replica waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// For somebody to do something.
    Next,
    /// To send what it has.
    Gossip,
    /// This is on the disk.
    Written(Write),
    /// So is this, which a client asked for under a number.
    Counted(Write, NodeId, u64),
}

/// A replica.
#[derive(Clone, Debug, Hash)]
pub struct CrdtReplica {
    /// What is on the disk, as it is shown and sent.
    settled: Kept,
    updates: u64,
    /// The last question of each client that counts.
    asked: Later<Table<NodeId, u64>>,
}

/// How many clients it counts for; one more is refused.
const MAX_CLIENTS: usize = 4_096;

impl CrdtReplica {
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

    fn rules(cx: &Context<Self>) -> Rules {
        Rules { counting: cx.config().counting, removing: cx.config().removing }
    }

    /// Somebody does something: three draws, whatever it is.
    fn update(cx: &mut Context<Self>) {
        let what = cx.load_rng().below(10);
        let elements = u64::from(cx.config().elements);
        let element = cx.load_rng().below(elements);
        let drawn = cx.load_rng().below(1_000_000);
        let at = cx.now().0;
        let update = match what {
            0..4 => Update::Count(1),
            4..6 => Update::Change(drawn as i64 % 11 - 5),
            6..8 => Update::Insert(element),
            8 => Update::Remove(element),
            _ => Update::Write { at, value: drawn },
        };
        let write = Write::Update { me: cx.id(), at, update, rules: CrdtReplica::rules(cx) };
        cx.persist(write.clone(), Some(Timer::Written(write)));
    }

    /// A client counts, or looks; whatever else it may ask for does not merge.
    fn ask(&mut self, cx: &mut Context<Self>, from: NodeId, number: u64, op: Op) {
        // A copy of a question is not counted again; who starts anew has forgotten its copies too.
        if op != Op::Read && self.asked.0.get(&from).is_some_and(|last| *last >= number) {
            return;
        }
        match op {
            Op::Read => {
                let value = Some(self.settled.0.shown().counter);
                cx.send(from, kv::Message::Done { number, value }.into());
            }
            Op::Add(by) if self.asked.0.len() < MAX_CLIENTS || self.asked.0.contains_key(&from) => {
                self.asked.0.insert(from, number);
                let (me, at, rules) = (cx.id(), cx.now().0, CrdtReplica::rules(cx));
                let write = Write::Update { me, at, update: Update::Count(by), rules };
                cx.persist(write.clone(), Some(Timer::Counted(write, from, number)));
            }
            _ => cx.send(from, kv::Message::Unable { number, perhaps: false }.into()),
        }
    }

    fn written(&mut self, cx: &mut Context<Self>, write: Write) {
        if let Write::Update { update, .. } = &write {
            let number = crdt::count(&self.settled.0.seen, cx.id()) + 1;
            let seen = self.settled.0.seen.iter().map(|(node, count)| (*node, *count)).collect();
            self.updates += 1;
            cx.measure("updates", 1);
            cx.fact(Fact::Updated { number, update: *update, seen });
        }
        self.settled.apply(write);
        self.tell(cx);
    }

    fn others(cx: &Context<Self>) -> Vec<NodeId> {
        cx.peers_of(CrdtReplica::KIND).collect()
    }

    /// Tells what it has now.
    fn tell(&self, cx: &mut Context<Self>) {
        let state = &self.settled.0;
        let shown = Rc::new(state.shown());
        let seen: Rc<[(NodeId, u64)]> = state.seen.iter().map(|(node, count)| (*node, *count)).collect();
        let mark = state.mark();
        let told = Rc::from(format!("{} updates", state.seen.values().sum::<u64>()));
        let mut homes = CrdtReplica::others(cx);
        homes.push(cx.id());
        homes.sort_unstable();
        cx.fact(Fact::Merged { seen, mark, shown });
        cx.fact(Fact::Kept { key: 0, mark, told, homes: homes.into(), through: Rc::from([]) });
    }
}

impl Component for CrdtReplica {
    type Message = Message;
    type Config = CrdtConfig;
    type Disk = Kept;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &Kept) -> Self {
        let replica = CrdtReplica { settled: disk.clone(), updates: 0, asked: Later::default() };
        CrdtReplica::later(cx);
        // Not all at the same instant.
        let gossip = cx.config().gossip.0;
        let first = cx.rng().below(gossip);
        cx.set(Timer::Gossip, Micros(first));
        replica.tell(cx);
        replica
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Crdt(crdt::Message::Merge(state)) => {
                if !self.settled.0.covers(&state) {
                    let write = Write::Merge(state, CrdtReplica::rules(cx));
                    cx.persist(write.clone(), Some(Timer::Written(write)));
                }
            }
            Message::Kv(kv::Message::Ask { number, key: _, op }) => self.ask(cx, from, number, op),
            Message::Health(health::Message::Ping { round }) => cx.send(from, health::Message::Pong { round }.into()),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Next => {
                CrdtReplica::update(cx);
                CrdtReplica::later(cx);
            }
            Timer::Gossip => {
                let others = CrdtReplica::others(cx);
                let drawn = cx.rng().bits();
                if !others.is_empty() {
                    let other = others[(drawn % others.len() as u64) as usize];
                    cx.send(other, crdt::Message::Merge(self.settled.0.clone()).into());
                }
                cx.set(Timer::Gossip, cx.config().gossip);
            }
            Timer::Counted(write, client, number) => {
                self.written(cx, write);
                cx.send(client, kv::Message::Done { number, value: None }.into());
            }
            Timer::Written(write) => self.written(cx, write),
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        CrdtReplica::later(cx);
    }

    fn look(&self, _: &CrdtConfig) -> Look {
        let shown = self.settled.0.shown();
        let set: Vec<String> = shown.set.iter().map(u64::to_string).collect();
        let lines = vec![
            ("G-counter", shown.counter.to_string()),
            ("PN-counter", shown.stock.to_string()),
            ("OR-set", if set.is_empty() { "empty".to_owned() } else { set.join(" ") }),
            ("LWW register", shown.register.map_or("nothing".to_owned(), |value| value.to_string())),
            ("updates made here", self.updates.to_string()),
            ("updates known", self.settled.0.seen.values().sum::<u64>().to_string()),
        ];
        Look { role: format!("counts {}", shown.counter).into(), star: false, ready: true, lines, log: Vec::new() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Next => "somebody acts",
            Timer::Gossip => "gossip",
            Timer::Written(_) | Timer::Counted(..) => "written",
        }
    }

    fn work(&self, message: &Message) -> Work {
        if let Message::Crdt(_) | Message::Kv(_) = message { Work::Service } else { Work::None }
    }
}

impl Placeable for CrdtReplica {
    const KIND: &'static str = "crdt-replica";
    const TITLE: &'static str = "Conflict-free replica";
    const ABOUT: &'static str =
        crate::later_text!("Counts, adds and removes at once for the people beside it, and merges with the others.");
    const GLYPH: Glyph = Glyph::Database;
    const FAMILY: Family = Family::Storage;
    const TALKS_TO: &'static [&'static str] = &["kv-client", "crdt-replica"];
    fn machine() -> Machine {
        super::store_machine()
    }
}
