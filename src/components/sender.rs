//! The message sender: has messages stored, says that they are safe, and lets everyone in the conversation have them.
//!
//! It keeps nothing that matters. What it has not been able to store it has not acknowledged — unless it is set to
//! acknowledge before it has stored, which is the mistake that this setting is there to show.

use crate::protocols::chat::{Post, Why, author};
use crate::protocols::operations::{self, Line};
use crate::protocols::{Family, delivery, health, primary_backup, routing};
use crate::sim::{Component, Context, Discipline, Dist, Item, Later, Look, Machine, Micros, NodeId, Table, Time, Work};

use super::{Glyph, Message, Placeable};

/// How many messages, and how many reads, may wait for the history.
pub const WAITING: usize = 256;
/// How often it looks for requests that were not answered.
const LOOK: Micros = Micros::ms(100);
/// After this many tries it gives up a request; whoever asked asks again.
const TRIES: u32 = 16;

crate::choice! {
    /// When a sender says that a message is safe.
    pub enum Acknowledge {
        /// When the history has it.
        AfterStore = "after-store",
        /// At once: a crash loses what was acknowledged and not yet stored.
        BeforeStore = "before-store",
    }
}

crate::choice! {
    /// When a sender gives a connection to the history back.
    pub enum Returns {
        /// When the history has answered, or is not waited for any more.
        Always = "always",
        /// When the history has answered: one that is not waited for any more is never used again.
        Answered = "when-answered",
    }
}

crate::config! { @opening
    /// What can be set about a sender.
    pub struct SenderConfig {
        /// When it says that a message is safe; before it is stored is a mistake.
        acknowledge: Acknowledge = Acknowledge::AfterStore, in 0, 0, "";
        /// How long it collects messages before it stores them, if it acknowledges before it stores.
        flush: Micros = Micros::ms(400), in 0.0, 10.0, "";
        /// How long it waits for the history before it asks again.
        timeout: Micros = Micros::ms(250), in 0.01, 10.0, "";
        later:
        /// How many connections to the history it has, each for one message at a time; 0 for any number.
        connections: u32 = 0, in 0, 256, "";
        /// When it gives a connection back; only when it was answered is a mistake.
        returns: Returns = Returns::Always, in 0, 0, "";
    }
}

/// What a sender waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To look for requests that were not answered.
    Look,
    /// To store what was collected.
    Flush,
}

#[derive(Clone, Debug, Hash)]
struct Waiting {
    conversation: u32,
    post: Post,
    floor: u64,
    gateway: NodeId,
    client: NodeId,
    /// When it was last sent to the history; not yet, while it is collected.
    asked: Option<Time>,
    tries: u32,
    /// Whether it has been acknowledged before its time.
    promised: bool,
}

#[derive(Clone, Debug, Hash)]
struct Reading {
    conversation: u32,
    gateway: NodeId,
    after: Option<u64>,
    asked: Time,
    tries: u32,
}

/// A sender.
#[derive(Clone, Debug, Hash)]
pub struct Sender {
    primary: Option<NodeId>,
    waiting: Table<Item, Waiting>,
    /// By reader.
    reading: Table<NodeId, Reading>,
    /// When the history last answered; a silent primary is given up.
    heard: Time,
    delivered: u64,
    /// Connections to the history that were never given back.
    gone: Later<u32>,
}

/// The servers of the history that it is wired to, whatever keeps their copies the same.
fn databases(cx: &Context<Sender>) -> impl Iterator<Item = NodeId> {
    cx.peers_of("database").chain(cx.peers_of("raft-node"))
}

/// A line of its log, for those who run it.
fn log(cx: &mut Context<Sender>, line: Line) {
    for operator in cx.peers_of("operator") {
        cx.send(operator, operations::Message::Log { line }.into());
    }
}

impl Sender {
    /// The database to ask: the primary as far as it knows, else any.
    fn target(&mut self, cx: &Context<Self>) -> Option<NodeId> {
        let known = self.primary.filter(|primary| databases(cx).any(|peer| peer == *primary));
        self.primary = known.or_else(|| databases(cx).next());
        self.primary
    }

    /// Asks the next database instead.
    fn turn(&mut self, cx: &Context<Self>) {
        let next = databases(cx).find(|peer| Some(*peer) > self.primary);
        self.primary = next.or_else(|| databases(cx).next());
        self.heard = cx.now();
    }

    /// Whether there is a connection for a message, its own if it has one. Of each author only the first has one: what they
    /// wrote later would wait for it in any case.
    fn has_connection(&self, cx: &Context<Self>, item: Item) -> bool {
        let all = cx.config().connections;
        if all == 0 {
            return true;
        }
        let (mut busy, mut first) = (self.gone.0, true);
        for (other, waiting) in self.waiting.iter() {
            let own = author(*other) == author(item);
            busy += u32::from(!own && waiting.asked.is_some());
            first &= !own || *other >= item;
        }
        first && busy < all
    }

    /// A message has waited for the history for too long. By mistake its connection is not given back.
    fn give_up_connection(&mut self, cx: &mut Context<Self>, item: Item) {
        let config = cx.config();
        log(cx, Line::TimedOut { item });
        if config.connections == 0 || config.returns == Returns::Always || self.gone.0 >= config.connections {
            return;
        }
        if let Some(waiting) = self.waiting.get_mut(&item) {
            waiting.asked = None;
        }
        self.gone.0 += 1;
        log(cx, Line::NotReturned { left: config.connections - self.gone.0 });
        if self.gone.0 == config.connections {
            cx.measure("out of connections", 1);
        }
    }

    /// Connections may be free: what waits for one is stored, first what was written first.
    fn go_on(&mut self, cx: &mut Context<Self>) {
        if cx.config().connections == 0 {
            return;
        }
        let waits = |(_, waiting): &(&Item, &Waiting)| waiting.asked.is_none() && !waiting.promised;
        let items: Vec<Item> = self.waiting.iter().filter(waits).map(|(item, _)| *item).collect();
        for item in items {
            self.append(cx, item);
        }
    }

    fn append(&mut self, cx: &mut Context<Self>, item: Item) {
        if !self.has_connection(cx, item) {
            return;
        }
        let Some(primary) = self.target(cx) else { return };
        if cx.config().connections > 0 {
            // What they wrote later hands its connection on.
            let later = |(other, _): &(&Item, &mut Waiting)| author(**other) == author(item) && **other > item;
            self.waiting.iter_mut().filter(later).for_each(|(_, waiting)| waiting.asked = None);
        }
        if let Some(waiting) = self.waiting.get_mut(&item) {
            waiting.asked = Some(cx.now());
            waiting.tries += 1;
            let (conversation, post, floor) = (waiting.conversation, waiting.post.clone(), waiting.floor);
            cx.send(primary, primary_backup::Message::Append { conversation, post, floor }.into());
        }
    }

    fn read(&mut self, cx: &mut Context<Self>, reader: NodeId) {
        let Some(primary) = self.target(cx) else { return };
        if let Some(reading) = self.reading.get_mut(&reader) {
            reading.asked = cx.now();
            reading.tries += 1;
            let (conversation, after) = (reading.conversation, reading.after);
            cx.send(primary, primary_backup::Message::Read { conversation, reader, after }.into());
        }
    }

    /// Lets go what the same author wrote last, for something that must be stored before it: they will ask again. Else a
    /// sender could be full of what waits for what it refuses.
    fn make_room(&mut self, item: Item) -> bool {
        let later = |(other, waiting): &(&Item, &Waiting)| {
            author(**other) == author(item) && **other > item && !waiting.promised
        };
        let last = self.waiting.iter().rev().find(later).map(|(other, _)| *other);
        last.is_some_and(|last| self.waiting.remove(&last).is_some())
    }

    fn on_delivery(&mut self, cx: &mut Context<Self>, gateway: NodeId, message: delivery::Message) {
        let idle = self.waiting.is_empty() && self.reading.is_empty();
        match message {
            delivery::Message::Send { client, conversation, post, floor } => {
                let item = post.item;
                if let Some(waiting) = self.waiting.get_mut(&item) {
                    // A retry: the answer goes where it was last asked for.
                    (waiting.gateway, waiting.client, waiting.floor) = (gateway, client, floor);
                    if waiting.promised {
                        cx.send(gateway, delivery::Message::Accepted { client, item }.into());
                    }
                    return;
                }
                if self.waiting.len() >= WAITING && !self.make_room(item) {
                    return cx.send(gateway, delivery::Message::Refused { client, why: Why::Busy }.into());
                }
                let promised = cx.config().acknowledge == Acknowledge::BeforeStore;
                let waiting = Waiting { conversation, post, floor, gateway, client, asked: None, tries: 0, promised };
                self.waiting.insert(item, waiting);
                if promised {
                    cx.send(gateway, delivery::Message::Accepted { client, item }.into());
                    if !cx.is_set(&Timer::Flush) {
                        cx.set(Timer::Flush, cx.config().flush);
                    }
                } else {
                    if !self.has_connection(cx, item) {
                        log(cx, Line::NoneFree { item });
                    }
                    self.append(cx, item);
                }
            }
            delivery::Message::Fetch { client, conversation, after } => {
                if self.reading.len() >= WAITING && !self.reading.contains_key(&client) {
                    return cx.send(gateway, delivery::Message::Refused { client, why: Why::Busy }.into());
                }
                let reading = Reading { conversation, gateway, after, asked: cx.now(), tries: 0 };
                self.reading.insert(client, reading);
                self.read(cx, client);
            }
            other => super::not_understood(cx, gateway, &other.into()),
        }
        if idle {
            self.heard = cx.now();
            cx.set(Timer::Look, LOOK);
        }
    }

    fn on_history(&mut self, cx: &mut Context<Self>, from: NodeId, message: primary_backup::Message) {
        match message {
            primary_backup::Message::Appended { item, place, .. } => {
                self.heard = cx.now();
                self.primary = Some(from);
                let Some(Waiting { conversation, post, gateway, client, promised, .. }) = self.waiting.remove(&item)
                else {
                    return;
                };
                self.go_on(cx);
                if !promised {
                    cx.send(gateway, delivery::Message::Accepted { client, item }.into());
                }
                if place == 0 {
                    // Stored so long ago that whoever missed it will fetch it.
                    return;
                }
                self.delivered += 1;
                for gateway in cx.peers_of("gateway") {
                    cx.send(gateway, delivery::Message::Deliver { conversation, place, post: post.clone() }.into());
                }
            }
            primary_backup::Message::Entries { conversation, reader, page } => {
                self.heard = cx.now();
                self.primary = Some(from);
                let same = self.reading.get(&reader).filter(|reading| reading.conversation == conversation);
                if let Some(gateway) = same.map(|reading| reading.gateway) {
                    self.reading.remove(&reader);
                    cx.send(gateway, delivery::Message::History { client: reader, conversation, page }.into());
                }
            }
            primary_backup::Message::NotPrimary { primary } => {
                if self.primary != Some(from) {
                    return;
                }
                let wired = primary.filter(|primary| databases(cx).any(|peer| peer == *primary));
                let Some(primary) = wired else { return self.turn(cx) };
                self.primary = Some(primary);
                self.heard = cx.now();
                // Once more, there; if that one sends it back, when it is looked for again.
                let items: Vec<Item> =
                    self.waiting.iter().filter(|(_, waiting)| waiting.tries == 1).map(|(item, _)| *item).collect();
                for item in items {
                    self.append(cx, item);
                }
                let readers: Vec<NodeId> =
                    self.reading.iter().filter(|(_, reading)| reading.tries == 1).map(|(reader, _)| *reader).collect();
                for reader in readers {
                    self.read(cx, reader);
                }
            }
            primary_backup::Message::Busy => self.heard = cx.now(),
            other => super::not_understood(cx, from, &other.into()),
        }
    }

    /// Asks again what was not answered in time, and gives up what was asked too often.
    fn look_again(&mut self, cx: &mut Context<Self>) {
        let (now, timeout) = (cx.now(), cx.config().timeout);
        let late = |asked: Time| now.since(asked) >= timeout;
        // Of each author the first: what they wrote after it cannot be stored before it. Else a full sender alone would ask
        // for more than the history can do, and go on doing so.
        let mut items: Vec<Item> = self.waiting.keys().copied().collect();
        items.dedup_by_key(|item| author(*item));
        items.retain(|item| self.waiting.get(item).and_then(|waiting| waiting.asked).is_some_and(late));
        let readers: Vec<NodeId> =
            self.reading.iter().filter(|(_, reading)| late(reading.asked)).map(|(reader, _)| *reader).collect();
        if (!items.is_empty() || !readers.is_empty()) && late(self.heard) {
            self.turn(cx);
        }
        for item in items {
            if self.waiting.get(&item).is_some_and(|waiting| waiting.tries >= TRIES && !waiting.promised) {
                self.waiting.remove(&item);
            } else {
                self.give_up_connection(cx, item);
                self.append(cx, item);
            }
        }
        for reader in readers {
            if self.reading.get(&reader).is_some_and(|reading| reading.tries >= TRIES) {
                self.reading.remove(&reader);
            } else {
                self.read(cx, reader);
            }
        }
        self.go_on(cx);
        if !self.waiting.is_empty() || !self.reading.is_empty() {
            cx.set(Timer::Look, LOOK);
        }
    }
}

impl Component for Sender {
    type Message = Message;
    type Config = SenderConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        for supervisor in cx.peers_of("supervisor") {
            cx.send(supervisor, routing::Message::Ready.into());
        }
        Sender {
            primary: None,
            waiting: Table::new(),
            reading: Table::new(),
            heard: cx.now(),
            delivered: 0,
            gone: Later::default(),
        }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Delivery(message) => self.on_delivery(cx, from, message),
            Message::History(message) => self.on_history(cx, from, message),
            Message::Health(health::Message::Ping { round }) => cx.send(from, health::Message::Pong { round }.into()),
            Message::Operations(operations::Message::Drain) => {
                let messages = (self.waiting.len() + self.reading.len()) as u32;
                cx.send(from, operations::Message::Left { messages }.into());
            }
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Look => self.look_again(cx),
            Timer::Flush => {
                let items: Vec<Item> =
                    self.waiting.iter().filter(|(_, waiting)| waiting.asked.is_none()).map(|(item, _)| *item).collect();
                for item in items {
                    self.append(cx, item);
                }
            }
        }
    }

    fn look(&self, config: &SenderConfig) -> Look {
        let role = match config.acknowledge {
            Acknowledge::AfterStore => "sender",
            Acknowledge::BeforeStore => "sender, promises first",
        };
        let mut lines = vec![
            ("waiting for the history", self.waiting.len().to_string()),
            ("reads", self.reading.len().to_string()),
            ("delivered", self.delivered.to_string()),
            ("history", self.primary.map_or("not known".to_owned(), |primary| primary.to_string())),
        ];
        if config.connections > 0 {
            lines.push((
                "connections",
                format!("{} of {}", config.connections.saturating_sub(self.gone.0), config.connections),
            ));
        }
        let ready = self.primary.is_some() || self.waiting.is_empty();
        Look { role: role.into(), star: false, ready, lines, log: Vec::new() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Look => "ask again",
            Timer::Flush => "store what was collected",
        }
    }

    fn work(&self, message: &Message) -> Work {
        match message {
            Message::Delivery(delivery::Message::Send { .. } | delivery::Message::Fetch { .. }) => Work::Service,
            _ => Work::None,
        }
    }

    fn carries(&self, item: Item) -> bool {
        self.waiting.contains_key(&item)
    }
}

impl Placeable for Sender {
    const KIND: &'static str = "sender";
    const TITLE: &'static str = "Message sender";
    const ABOUT: &'static str =
        "Has each message stored, says that it is safe, and lets everyone in the conversation have it.";
    const GLYPH: Glyph = Glyph::Worker;
    const FAMILY: Family = Family::Work;
    const TALKS_TO: &'static [&'static str] = &["gateway", "database", "supervisor", "raft-node", "operator"];
    fn machine() -> Machine {
        Machine {
            cores: 2,
            service: Dist::Lognormal { median: Micros::ms(2), p99: Micros::ms(8) },
            inbox: 64,
            disk: Dist::default(),
            startup: Micros::ms(600),
            discipline: Discipline::Fifo,
        }
    }
}
