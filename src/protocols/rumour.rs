//! Rumours (Demers, Greene, Hauser, Irish, Larson, Shenker, Sturgis, Swinehart and Terry, «Epidemic Algorithms for
//! Replicated Database Maintenance», PODC 1987): every site keeps a copy of a database, and what changes at one is to come
//! to all, though nobody knows who has it already.
//!
//! To an update a site is *susceptible* (it does not know it), *infective* (it tells it) or *removed* (it tells it no
//! more). In each cycle a site calls one other at random: to tell (push), to ask (pull), or both (push–pull). Whoever
//! never loses interest spreads a simple epidemic. Rumour mongering is a complex one: contacts that were unnecessary cost
//! a site its interest (blind or with feedback, by a coin or a counter, with k), and some never hear: the residue.
//! Anti-entropy stands behind it: now and then two compare all that they have (`ResolveDifference`, push–pull). What was
//! news to one of them becomes a rumour again (section 1.5). Flooding is here to be compared with: at once, over every
//! link but the one it came by.
//!
//! What is deleted leaves a *death certificate* in its place (section 2), or another's old copy would bring it back.
//!
//! Simpler than there: two that do anti-entropy exchange the stamps of all entries, not checksums first (section 1.3),
//! which costs bytes only. There are no dormant certificates: one is kept for a fixed time, or for ever. A site takes any
//! number of calls a cycle (no connection limit), and all sites begin their cycles at the same instants.

mod wire;

#[cfg(test)]
mod tests;

use std::hash::{Hash, Hasher};
use std::rc::Rc;

use crate::sim::{Disk, Micros, NodeId, Port, Stream, Table, Time};

pub use wire::{Entry, Message, Stamp, Told};

/// How many items a site keeps.
pub const MAX_ITEMS: usize = 1_024;
/// How many writes under way a site remembers, so that no stamp is given twice.
pub const MAX_WRITING: usize = 64;

crate::choice! {
    /// How a site spreads what it has heard.
    pub enum Spreading {
        /// In each round to one neighbour, any of them, whether or not that one knows.
        Push = "push",
        /// When it hears it, to every neighbour but the one that told it; what it knows already it does not pass on.
        Flood = "flood",
        /// In each round it asks one neighbour, any of them.
        Pull = "pull",
        /// In each round it tells and asks one neighbour, any of them.
        PushPull = "push-pull",
    }
}

crate::choice! {
    /// When a site loses interest in what it tells.
    pub enum Stop {
        /// Never: a simple epidemic.
        Never = "never",
        /// After k contacts that were unnecessary.
        Counter = "counter",
        /// After each contact that was unnecessary, in one case of k.
        Coin = "coin",
    }
}

crate::choice! {
    /// What a site puts in the place of what it deletes.
    pub enum Deletion {
        /// A death certificate, which spreads as any update.
        Certificate = "certificate",
        /// Nothing: it forgets the item.
        Nothing = "nothing",
    }
}

crate::choice! {
    /// Whose stamp an entry has at a site that has heard it.
    pub enum Stamping {
        /// That of the site where it was made.
        Origin = "origin",
        /// That of the site that has heard it.
        Receiver = "receiver",
    }
}

crate::choice! {
    /// Where a site keeps what it knows.
    pub enum Keeping {
        /// On its disk.
        Disk = "disk",
        /// In memory.
        Memory = "memory",
    }
}

/// What can be set.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How it spreads.
    pub spreading: Spreading,
    /// How long a cycle takes.
    pub round: Micros,
    /// An instant at which a cycle begins.
    pub start: Time,
    /// When it loses interest.
    pub stop: Stop,
    /// The k of that.
    pub k: u32,
    /// Whether a contact is unnecessary only if the other knew; otherwise every one counts as such (blind).
    pub feedback: bool,
    /// How often it does anti-entropy; zero for never.
    pub exchange: Micros,
    /// What becomes of what is deleted.
    pub deletion: Deletion,
    /// For how long it keeps death certificates; zero for ever.
    pub keeps: Micros,
    /// Whose stamps entries have.
    pub stamping: Stamping,
    /// Where it keeps what it knows.
    pub keeping: Keeping,
}

impl Rules {
    fn pulls(&self) -> bool {
        matches!(self.spreading, Spreading::Pull | Spreading::PushPull)
    }
    fn mongers(&self) -> bool {
        self.stop != Stop::Never
    }
    /// How long ago the cycle began that this instant is in.
    fn gone(&self, now: Time) -> Micros {
        let round = self.round.0.max(1);
        Micros((now.0 % round + round - self.start.0 % round) % round)
    }
}

/// What a site waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To call somebody.
    Round,
    /// To compare all that it has with somebody.
    Exchange,
    /// That an entry of its own is on the disk.
    Written(Entry),
}

/// A write to the disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// This is under its key.
    Entry(Entry),
    /// Nothing is under this key.
    Gone(u32),
}

/// A site's disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Database(Rc<Table<u32, Entry>>);

impl Database {
    /// What is there, by key.
    pub fn rows(&self) -> &Table<u32, Entry> {
        &self.0
    }
}

impl Disk for Database {
    type Write = Write;
    fn apply(&mut self, write: Write) {
        let rows = Rc::make_mut(&mut self.0);
        match write {
            // What was put in here may come to the disk before something older that was heard meanwhile.
            Write::Entry(entry) if rows.get(&entry.key).is_some_and(|old| old.stamp > entry.stamp) => {}
            Write::Entry(entry) => rows.insert(entry.key, entry),
            Write::Gone(key) => {
                rows.remove(&key);
            }
        }
    }
}

/// A rumour: what a site is infective with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Rumour {
    /// Since when.
    since: Time,
    /// How many contacts were unnecessary.
    vain: u32,
    /// In this cycle: how many got it, and how many of those knew it.
    contacts: u32,
    knew: u32,
}

impl Rumour {
    fn new(since: Time) -> Rumour {
        Rumour { since, vain: 0, contacts: 0, knew: 0 }
    }

    /// A contact was unnecessary. Whether that is the end of its interest.
    fn in_vain(&mut self, rules: &Rules, luck: &mut Stream) -> bool {
        self.vain += 1;
        match rules.stop {
            Stop::Never => false,
            Stop::Counter => self.vain >= rules.k,
            Stop::Coin => luck.below(u64::from(rules.k)) == 0,
        }
    }

    /// A cycle is over. One that needed it makes good for all, and for earlier cycles; where none did, all of them
    /// together were one unnecessary contact. Whether that is the end of its interest.
    ///
    /// The paper says so of pull. That it counts in a row for push too, its table 1 tells: it is met so, and only so.
    fn cycle(&mut self, rules: &Rules, luck: &mut Stream) -> bool {
        let (contacts, knew) = (std::mem::take(&mut self.contacts), std::mem::take(&mut self.knew));
        if contacts > knew {
            self.vain = 0;
        }
        contacts > 0 && knew >= contacts && self.in_vain(rules, luck)
    }
}

/// A site with its copy of the database.
#[derive(Clone, Debug)]
pub struct Site {
    items: Table<u32, Entry>,
    /// The stamps of what was put in here and is not on the disk yet.
    writing: Vec<Stamp>,
    /// Its infective list.
    rumours: Table<u32, Rumour>,
    told: Vec<Told>,
    /// How many updates it has sent in rumours.
    pub sent: u64,
}

impl Hash for Site {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.items, &self.rumours, &self.told, self.sent).hash(state);
        // Nearly always there are none.
        if !self.writing.is_empty() {
            self.writing.hash(state);
        }
    }
}

impl Site {
    /// One with what is on its disk. What it was telling when it went down it tells no more.
    pub fn new(disk: &Database) -> Site {
        let items = (*disk.0).clone();
        let mut told = Vec::new();
        if !items.is_empty() {
            told.push(Told::Found(items.values().copied().collect()));
        }
        Site { items, writing: Vec::new(), rumours: Table::new(), told, sent: 0 }
    }

    /// All that it has, ascending by key.
    pub fn items(&self) -> impl Iterator<Item = &Entry> + Clone {
        self.items.values()
    }
    /// What it has under a key.
    pub fn item(&self, key: u32) -> Option<&Entry> {
        self.items.get(&key)
    }
    /// Whether it is infective with what it has under a key.
    pub fn infective(&self, key: u32) -> bool {
        self.rumours.contains_key(&key)
    }
    /// What it has to tell of itself since it was last asked.
    pub fn told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }

    /// Sets the timers that are not set and ought to be.
    pub fn wake<P>(&self, port: &mut P, rules: &Rules, round: bool, exchange: bool)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        if !round && (rules.pulls() || rules.spreading == Spreading::Push && !self.rumours.is_empty()) {
            self.next_round(port, rules);
        }
        if !exchange && rules.exchange > Micros::ZERO {
            // Not all at the same instant.
            let phase = port.rng().below(rules.exchange.0);
            port.set(Timer::Exchange, Micros(phase));
        }
    }

    fn next_round<P: Port<Timer = Timer>>(&self, port: &mut P, rules: &Rules) {
        let (round, gone) = (rules.round.0.max(1), rules.gone(port.now()).0);
        port.set(Timer::Round, Micros(round - gone));
    }

    /// Somebody puts a value under a key, or deletes what is there. Others hear of it when it is on the disk.
    pub fn publish<P>(&mut self, port: &mut P, rules: &Rules, key: u32, value: Option<u32>, wired: &[NodeId])
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let old = self.items.get(&key).map(|entry| entry.stamp);
        if value.is_none() && (old.is_none() || rules.deletion == Deletion::Nothing) {
            return self.forget(port, rules, key);
        }
        // A clock that is behind must not make a new entry older than the one that it takes the place of.
        let at = old.map_or(port.now(), |old| port.now().max(Time(old.at.0 + 1)));
        let entry = Entry { key, stamp: self.unused(Stamp { at, by: port.id() }), value, hops: 0 };
        match rules.keeping {
            Keeping::Disk => {
                if self.writing.len() >= MAX_WRITING {
                    self.writing.remove(0);
                }
                self.writing.push(entry.stamp);
                port.persist(Write::Entry(entry), Some(Timer::Written(entry)));
            }
            Keeping::Memory => self.on_timer(port, rules, Timer::Written(entry), wired),
        }
    }

    /// The first stamp from this one on that nothing has which it is writing or has. The paper's `Now` is globally unique;
    /// here somebody may act twice in a microsecond, as after a pause, when all that has waited is done at once.
    fn unused(&self, mut stamp: Stamp) -> Stamp {
        let used = |stamp: &Stamp| self.writing.contains(stamp) || self.items.values().any(|item| item.stamp == *stamp);
        while used(&stamp) {
            stamp.at += Micros(1);
        }
        stamp
    }

    /// Forgets what it has under a key.
    fn forget<P: Port<Write = Write>>(&mut self, port: &mut P, rules: &Rules, key: u32) {
        if self.items.remove(&key).is_some() && rules.keeping == Keeping::Disk {
            port.persist(Write::Gone(key), None);
        }
        self.rumours.remove(&key);
    }

    /// Throws death certificates away that were kept for long enough.
    fn discard<P: Port<Write = Write>>(&mut self, port: &mut P, rules: &Rules) {
        if rules.keeps == Micros::ZERO {
            return;
        }
        let now = port.now();
        let over = |entry: &&Entry| entry.value.is_none() && entry.stamp.at + rules.keeps <= now;
        let keys: Vec<u32> = self.items.values().filter(over).map(|entry| entry.key).collect();
        for key in keys {
            self.forget(port, rules, key);
            self.told.push(Told::Discarded { key });
        }
    }

    /// Takes an entry in if it is newer than what it has; then it is infective with it. Whether it was news.
    fn hear<P>(&mut self, port: &mut P, rules: &Rules, mut entry: Entry, from: Option<NodeId>, wired: &[NodeId]) -> bool
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let old = self.items.get(&entry.key);
        if old.is_some_and(|old| old.stamp >= entry.stamp) || old.is_none() && self.items.len() >= MAX_ITEMS {
            return false;
        }
        if let (Stamping::Receiver, Some(_)) = (rules.stamping, from) {
            entry.stamp = Stamp { at: port.now(), by: port.id() };
        }
        self.items.insert(entry.key, entry);
        match from {
            None => self.told.push(Told::Published(entry)),
            Some(from) => {
                // What is lost with a crash before it is on the disk, anti-entropy brings again.
                if rules.keeping == Keeping::Disk {
                    port.persist(Write::Entry(entry), None);
                }
                self.told.push(Told::Learnt { entry, from });
            }
        }
        if rules.spreading == Spreading::Flood {
            let entries: Rc<[Entry]> = Rc::from([Entry { hops: entry.hops.saturating_add(1), ..entry }]);
            for peer in wired.iter().filter(|peer| Some(**peer) != from) {
                self.sent += 1;
                port.send(*peer, Message::Rumour { entries: entries.clone() });
            }
            return true;
        }
        if self.rumours.is_empty() && rules.spreading == Spreading::Push {
            self.next_round(port, rules);
        }
        self.rumours.insert(entry.key, Rumour::new(port.now()));
        true
    }

    /// Lets what it knows under these keys lose interest, where `vain` says so.
    fn lose(&mut self, keys: impl Iterator<Item = u32>, mut vain: impl FnMut(&mut Rumour) -> bool) {
        for key in keys {
            if self.rumours.get_mut(&key).is_some_and(&mut vain) {
                self.rumours.remove(&key);
                self.told.push(Told::Removed { key });
            }
        }
    }

    /// Sends rumours. Where nobody says whether that was necessary, it was not.
    fn tell<P>(&mut self, port: &mut P, rules: &Rules, to: NodeId, keys: &[u32])
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let entries = keys.iter().filter_map(|key| self.items.get(key));
        let entries: Rc<[Entry]> =
            entries.map(|entry| Entry { hops: entry.hops.saturating_add(1), ..*entry }).collect();
        if entries.is_empty() {
            return;
        }
        self.sent += entries.len() as u64;
        port.send(to, Message::Rumour { entries });
        self.lose(keys.iter().copied(), |rumour| {
            rumour.contacts += 1;
            rules.mongers() && !rules.feedback && rumour.in_vain(rules, port.rng())
        });
    }

    /// A message has come.
    pub fn on_message<P>(&mut self, port: &mut P, rules: &Rules, from: NodeId, message: Message, wired: &[NodeId])
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        self.discard(port, rules);
        match message {
            Message::Rumour { entries } => {
                let (now, gone) = (port.now(), rules.gone(port.now()));
                let mut keys = Vec::new();
                for entry in entries.iter() {
                    let news = self.hear(port, rules, *entry, Some(from), wired);
                    // Of two that tell it the same news in a cycle, neither was unnecessary.
                    if !news && self.rumours.get(&entry.key).is_none_or(|rumour| now.since(rumour.since) > gone) {
                        keys.push(entry.key);
                    }
                }
                if rules.mongers() && rules.feedback && !keys.is_empty() {
                    port.send(from, Message::Known { keys: keys.into() });
                }
            }
            Message::Question => self.answer(port, rules, from),
            Message::Known { keys } => self.lose(keys.iter().copied(), |rumour| {
                rumour.knew += 1;
                false
            }),
            Message::Difference { stamps, both } => self.compare(port, from, &stamps, both),
            Message::Repair { entries } => {
                for entry in entries.iter() {
                    self.hear(port, rules, *entry, Some(from), wired);
                }
            }
        }
    }

    /// Somebody asks: it gets what was a rumour here when the cycle began.
    fn answer<P>(&mut self, port: &mut P, rules: &Rules, from: NodeId)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let (now, gone) = (port.now(), rules.gone(port.now()));
        let old = |(_, rumour): &(&u32, &Rumour)| now.since(rumour.since) > gone;
        let keys: Vec<u32> = self.rumours.iter().filter(old).map(|(key, _)| *key).collect();
        self.tell(port, rules, from, &keys);
    }

    /// Another shows all that it has.
    fn compare<P>(&mut self, port: &mut P, from: NodeId, stamps: &[(u32, Stamp)], both: bool)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let theirs: Table<u32, Stamp> = stamps.iter().copied().collect();
        let newer = |entry: &&Entry| theirs.get(&entry.key).is_none_or(|stamp| *stamp < entry.stamp);
        let entries = self.items.values().filter(newer);
        let entries: Rc<[Entry]> =
            entries.map(|entry| Entry { hops: entry.hops.saturating_add(1), ..*entry }).collect();
        if !entries.is_empty() {
            port.send(from, Message::Repair { entries });
        }
        let lacks = |(key, stamp): &(u32, Stamp)| self.items.get(key).is_none_or(|entry| entry.stamp < *stamp);
        if both && stamps.iter().any(lacks) {
            port.send(from, self.difference(false));
        }
    }

    fn difference(&self, both: bool) -> Message {
        Message::Difference { stamps: self.items.values().map(|entry| (entry.key, entry.stamp)).collect(), both }
    }

    /// A timer has run out.
    pub fn on_timer<P>(&mut self, port: &mut P, rules: &Rules, timer: Timer, wired: &[NodeId])
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        self.discard(port, rules);
        match timer {
            Timer::Round => self.on_round(port, rules, wired),
            Timer::Exchange => {
                let chosen = anyone(port, wired);
                if let Some(peer) = chosen.filter(|_| rules.exchange > Micros::ZERO) {
                    port.send(peer, self.difference(true));
                }
                if rules.exchange > Micros::ZERO {
                    port.set(Timer::Exchange, rules.exchange);
                }
            }
            Timer::Written(entry) => {
                self.writing.retain(|stamp| *stamp != entry.stamp);
                self.hear(port, rules, entry, None, wired);
            }
        }
    }

    fn on_round<P>(&mut self, port: &mut P, rules: &Rules, wired: &[NodeId])
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let keys: Vec<u32> = self.rumours.keys().copied().collect();
        if rules.mongers() && rules.feedback {
            self.lose(keys.iter().copied(), |rumour| rumour.cycle(rules, port.rng()));
        }
        let keys: Vec<u32> = self.rumours.keys().copied().collect();
        if !rules.pulls() && (keys.is_empty() || rules.spreading == Spreading::Flood) {
            return;
        }
        if let Some(peer) = anyone(port, wired) {
            if rules.spreading != Spreading::Pull {
                self.tell(port, rules, peer, &keys);
            }
            if rules.pulls() {
                port.send(peer, Message::Question);
            }
        }
        // A clock that runs fast lets the timer run out a little before the next cycle: that is not another one.
        let (round, gone) = (rules.round.0.max(1), rules.gone(port.now()).0);
        let left = if gone > round / 2 { 2 * round - gone } else { round - gone };
        port.set(Timer::Round, Micros(left));
    }
}

/// Any of them: one draw, whoever it is.
fn anyone<P: Port>(port: &mut P, wired: &[NodeId]) -> Option<NodeId> {
    let chosen = port.rng().below(wired.len() as u64) as usize;
    wired.get(chosen).copied()
}
