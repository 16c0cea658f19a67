//! Anti-entropy with hash trees, as in Dynamo (DeCandia et al., «Dynamo: Amazon's Highly Available Key-value Store», SOSP 2007,
//! section 4.7): replicas of a range of keys compare the roots of their [trees](super::merkle), and go down only where these
//! differ, until they come to the leaves whose keys they have to exchange.
//!
//! ```text
//! one              another
//!  │ Compare: root ──▶│
//!  │ ◀── Compare: the │   the two nodes below the root, since it differs
//!  │ Compare: … ─────▶│   below each that differs, a level a message
//!  │ ◀─ Compare: keys │   the keys in the leaves that differ, with versions
//!  │ Entries ────────▶│   what is newer here; and what is wanted
//!  │ ◀──────── Entries│   that
//! ```
//!
//! Of two versions the one with the newer stamp stays; what is deleted leaves a certificate with a stamp in its place, or an
//! old copy would bring it back. Certificates are thrown away after a while: whoever is cut off for longer than that brings back
//! what was deleted meanwhile.
//!
//! Simpler than there: one range of keys, which all replicas have; stamps instead of vector clocks; hashes of 64 bits which
//! nobody tries to forge.

use std::hash::{Hash, Hasher};
use std::rc::Rc;

use crate::sim::{Micros, NodeId, Port, Table, Time};

use super::merkle::Tree;
use super::rumour::{Database, Entry, Stamp, Told, Write};
use super::{Family, Form, Wire};

/// How many keys there are at most.
pub const MAX_KEYS: u32 = 65_536;
/// How many bytes the number of a node and its hash are.
const HASH: u64 = 12;
/// How many bytes a key and its version are.
const VERSION: u64 = 20;
/// How many bytes an entry is: a key, a version and a value of a hundred bytes.
const ENTRY: u64 = 120;
/// How many bytes any message is before all that.
const HEAD: u64 = 32;

crate::choice! {
    /// What two replicas compare.
    pub enum Compares {
        /// Their trees, from the root down.
        Tree = "tree",
        /// The versions of all keys.
        All = "all-keys",
    }
}

crate::choice! {
    /// What the hash of a leaf is made of.
    pub enum Hashes {
        /// Keys and their versions.
        Versions = "versions",
        /// Keys only: a mistake.
        Keys = "keys-only",
    }
}

crate::choice! {
    /// When the tree is brought up to date.
    pub enum Upkeep {
        /// With every write.
        Always = "with-every-write",
        /// When the node starts: a mistake.
        Start = "at-the-start",
    }
}

/// What can be set.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How many keys there are.
    pub keys: u32,
    /// How many leaves the tree has.
    pub leaves: u32,
    /// How often a replica compares with another; zero for never.
    pub every: Micros,
    /// How often it makes its tree anew from what is there; zero for never.
    pub scrub: Micros,
    /// What is compared.
    pub compares: Compares,
    /// What the hash of a leaf is made of.
    pub hashes: Hashes,
    /// When the tree is brought up to date.
    pub upkeep: Upkeep,
    /// For how long death certificates are kept; zero for ever.
    pub keeps: Micros,
}

/// What a comparison has cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Spent {
    /// Bytes of all messages.
    pub bytes: u64,
    /// Hashes that were compared.
    pub hashes: u32,
    /// Keys whose newer version went over.
    pub keys: u32,
}

/// The versions of all keys of a leaf.
pub type Versions = Rc<[(u32, Stamp)]>;

/// Between replicas.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Somebody has put this in, or deleted it.
    Store(Entry),
    /// These are my hashes, and my keys where leaves differ.
    Compare {
        /// Numbers the comparisons of whoever began it.
        round: u64,
        /// Nodes, each with its hash.
        nodes: Rc<[(u32, u64)]>,
        /// Leaves, each with the versions of its keys.
        leaves: Rc<[(u32, Versions)]>,
        /// What it has cost so far, this message included.
        spent: Spent,
    },
    /// Nothing of that differs.
    Same {
        /// Of which comparison.
        round: u64,
        /// What it has cost.
        spent: Spent,
    },
    /// This is newer here.
    Entries {
        /// Of which comparison.
        round: u64,
        /// What.
        entries: Rc<[Entry]>,
        /// And of these keys yours is.
        wants: Rc<[u32]>,
        /// What it has cost so far.
        spent: Spent,
    },
}

impl Wire for Message {
    const FAMILY: Family = Family::Storage;
    fn name(&self) -> &'static str {
        match self {
            Message::Store(_) => "Store",
            Message::Compare { .. } => "Compare",
            Message::Same { .. } => "Same",
            Message::Entries { .. } => "Entries",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Store(_) | Message::Entries { .. } => Form::Request,
            Message::Compare { .. } => Form::Reply,
            Message::Same { .. } => Form::Accept,
        }
    }
    fn bytes(&self) -> u32 {
        let bytes = match self {
            Message::Store(_) => HEAD + ENTRY,
            Message::Compare { nodes, leaves, .. } => HEAD + size(nodes, leaves),
            Message::Same { .. } => HEAD,
            Message::Entries { entries, wants, .. } => HEAD + entries.len() as u64 * ENTRY + wants.len() as u64 * 4,
        };
        bytes.min(u64::from(u32::MAX)) as u32
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Message::Store(entry) => vec![("", entry.to_string())],
            Message::Compare { nodes, leaves, .. } => {
                let mut fields = Vec::new();
                if !nodes.is_empty() {
                    let names: Vec<String> =
                        nodes.iter().take(8).map(|(node, hash)| format!("{node}={:04x}", hash >> 48)).collect();
                    let more = if nodes.len() > 8 { " …" } else { "" };
                    fields.push(("nodes", format!("{}{more}", names.join(" "))));
                }
                if !leaves.is_empty() {
                    let keys: usize = leaves.iter().map(|(_, versions)| versions.len()).sum();
                    fields.push(("leaves", format!("{} with {keys} keys", leaves.len())));
                }
                fields
            }
            Message::Same { .. } => Vec::new(),
            Message::Entries { entries, wants, .. } => {
                let list = |keys: &mut dyn Iterator<Item = u32>| {
                    keys.take(8).map(|key| key.to_string()).collect::<Vec<_>>().join(" ")
                };
                let mut fields = Vec::new();
                if !entries.is_empty() {
                    fields.push(("of keys", list(&mut entries.iter().map(|entry| entry.key))));
                }
                if !wants.is_empty() {
                    fields.push(("wants", list(&mut wants.iter().copied())));
                }
                fields
            }
        }
    }
}

fn size(nodes: &[(u32, u64)], leaves: &[(u32, Versions)]) -> u64 {
    let versions: usize = leaves.iter().map(|(_, versions)| versions.len()).sum();
    nodes.len() as u64 * HASH + leaves.len() as u64 * 8 + versions as u64 * VERSION
}

/// What a replica waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To compare with another.
    Exchange,
    /// To make its tree anew.
    Scrub,
    /// That what was put in here is on the disk.
    Written(Entry),
}

/// What happened at a replica.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// As sites tell it.
    Told(Told),
    /// There is something else under this key now.
    Changed(u32),
    /// A comparison is over.
    Compared(Spent),
}

/// A replica.
#[derive(Clone, Debug)]
pub struct Replica {
    items: Table<u32, Entry>,
    tree: Tree,
    /// The last instant that it gave to a stamp.
    last: Time,
    round: u64,
    events: Vec<Event>,
}

impl Hash for Replica {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.items, &self.tree, self.last, self.round).hash(state);
    }
}

impl Replica {
    /// One with what is on its disk.
    pub fn boot(disk: &Database, rules: &Rules) -> Replica {
        let items = disk.rows().clone();
        let mut events = Vec::new();
        if !items.is_empty() {
            events.push(Event::Told(Told::Found(items.values().copied().collect())));
        }
        events.extend(items.keys().map(|key| Event::Changed(*key)));
        let last = items.values().map(|entry| entry.stamp.at).max().unwrap_or(Time::ZERO);
        let mut replica = Replica { items, tree: Tree::new(rules.leaves), last, round: 0, events };
        replica.build(rules);
        replica
    }

    /// What happened since somebody looked.
    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// All that it has, by key.
    pub fn items(&self) -> impl Iterator<Item = &Entry> + Clone {
        self.items.values()
    }

    /// What it has under a key.
    pub fn item(&self, key: u32) -> Option<&Entry> {
        self.items.get(&key)
    }

    /// The hash of all that it has, as its tree says.
    pub fn root(&self) -> u64 {
        self.tree.node(1)
    }

    /// How many bytes the versions of all keys are.
    pub fn whole(&self) -> u64 {
        HEAD + self.items.len() as u64 * VERSION
    }

    fn within(&self, leaf: u32, rules: &Rules) -> impl Iterator<Item = &Entry> + Clone {
        let (tree, keys) = (self.tree.leaves(), rules.keys);
        self.items.values().filter(move |entry| {
            (u64::from(entry.key) * u64::from(tree) / u64::from(keys.max(1))).min(u64::from(tree) - 1) as u32 == leaf
        })
    }

    fn rehash(&mut self, leaf: u32, rules: &Rules) {
        let content: Vec<_> = self
            .within(leaf, rules)
            .map(|entry| (entry.key, (rules.hashes == Hashes::Versions).then_some((entry.stamp, entry.value))))
            .collect();
        self.tree.set(leaf, content);
    }

    fn build(&mut self, rules: &Rules) {
        self.tree = Tree::new(rules.leaves);
        for leaf in 0..self.tree.leaves() {
            self.rehash(leaf, rules);
        }
    }

    fn touched(&mut self, key: u32, rules: &Rules) {
        if rules.upkeep == Upkeep::Always {
            self.rehash(self.tree.leaf_of(key, rules.keys), rules);
        }
        self.events.push(Event::Changed(key));
    }

    /// Somebody puts a value under a key, or deletes what is there.
    pub fn publish<P>(&mut self, port: &mut P, key: u32, value: Option<u32>)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let old = self.items.get(&key);
        if value.is_none() && old.is_none_or(|old| old.value.is_none()) {
            return;
        }
        // Newer than what it takes the place of, whatever the clock says, and than all that was written here.
        let after = old.map_or(Time::ZERO, |old| old.stamp.at).max(self.last);
        self.last = port.now().max(Time(after.0 + 1));
        let entry = Entry { key, stamp: Stamp { at: self.last, by: port.id() }, value, hops: 0 };
        port.persist(Write::Entry(entry), Some(Timer::Written(entry)));
    }

    /// What is under a key is gone from the disk, and nobody has noticed.
    pub fn rot<P: Port<Write = Write>>(&mut self, port: &mut P, key: u32) -> bool {
        let gone = self.items.remove(&key).is_some();
        if gone {
            port.persist(Write::Gone(key), None);
            self.events.push(Event::Changed(key));
        }
        gone
    }

    /// It hears something.
    pub fn on_message<P>(&mut self, port: &mut P, rules: &Rules, from: NodeId, message: &Message)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        match message {
            Message::Store(entry) => self.take(port, rules, *entry, from),
            Message::Compare { round, nodes, leaves, spent } => {
                let mut spent = *spent;
                if leaves.is_empty() {
                    self.descend(port, rules, from, *round, nodes, &mut spent);
                } else {
                    self.exchange(port, rules, from, *round, leaves, &mut spent);
                }
            }
            Message::Same { spent, .. } => self.events.push(Event::Compared(*spent)),
            Message::Entries { round, entries, wants, spent } => {
                entries.iter().for_each(|entry| self.take(port, rules, *entry, from));
                if wants.is_empty() {
                    return self.events.push(Event::Compared(*spent));
                }
                let entries: Rc<[Entry]> = wants.iter().filter_map(|key| self.items.get(key).copied()).collect();
                let mut spent = *spent;
                spent.bytes += HEAD + entries.len() as u64 * ENTRY;
                spent.keys += entries.len() as u32;
                port.send(from, Message::Entries { round: *round, entries, wants: Rc::from([]), spent });
            }
        }
    }

    /// Below each node that differs, the nodes or the keys that are there.
    fn descend<P>(&self, port: &mut P, rules: &Rules, from: NodeId, round: u64, nodes: &[(u32, u64)], spent: &mut Spent)
    where
        P: Port<Message = Message>,
    {
        spent.hashes += nodes.len() as u32;
        let (mut below, mut leaves) = (Vec::new(), Vec::new());
        for (node, _) in nodes.iter().filter(|(node, hash)| self.tree.node(*node) != *hash) {
            match self.tree.leaf(*node) {
                Some(leaf) => leaves.push((leaf, self.versions(leaf, rules))),
                None if *node < self.tree.leaves() => {
                    below.extend([2 * node, 2 * node + 1].map(|node| (node, self.tree.node(node))));
                }
                None => {}
            }
        }
        spent.bytes += HEAD + size(&below, &leaves);
        let message = match below.is_empty() && leaves.is_empty() {
            true => Message::Same { round, spent: *spent },
            false => Message::Compare { round, nodes: below.into(), leaves: leaves.into(), spent: *spent },
        };
        port.send(from, message);
    }

    fn versions(&self, leaf: u32, rules: &Rules) -> Versions {
        self.within(leaf, rules).map(|entry| (entry.key, entry.stamp)).collect()
    }

    /// What is newer here goes there, and the other way round.
    fn exchange<P>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        from: NodeId,
        round: u64,
        leaves: &[(u32, Versions)],
        spent: &mut Spent,
    ) where
        P: Port<Message = Message>,
    {
        let (mut entries, mut wants) = (Vec::new(), Vec::new());
        for (leaf, theirs) in leaves {
            for entry in self.within(*leaf, rules) {
                let other = theirs.iter().find(|(key, _)| *key == entry.key).map(|(_, stamp)| *stamp);
                if other.is_none_or(|other| other < entry.stamp) {
                    entries.push(*entry);
                }
            }
            let newer = |(key, stamp): &&(u32, Stamp)| self.items.get(key).is_none_or(|own| own.stamp < *stamp);
            wants.extend(theirs.iter().filter(newer).map(|(key, _)| *key));
        }
        spent.bytes += HEAD + entries.len() as u64 * ENTRY + wants.len() as u64 * 4;
        spent.keys += entries.len() as u32;
        port.send(from, Message::Entries { round, entries: entries.into(), wants: wants.into(), spent: *spent });
    }

    /// Takes in what is newer than what it has.
    fn take<P>(&mut self, port: &mut P, rules: &Rules, entry: Entry, from: NodeId)
    where
        P: Port<Write = Write>,
    {
        let old = self.items.get(&entry.key).map(|old| old.stamp);
        // A certificate that everyone has thrown away, or should have, does not begin anew where nothing is.
        if old >= Some(entry.stamp) || old.is_none() && expired(&entry, port.now(), rules) || entry.key >= MAX_KEYS {
            return;
        }
        self.items.insert(entry.key, entry);
        port.persist(Write::Entry(entry), None);
        self.events.push(Event::Told(Told::Learnt { entry, from }));
        self.touched(entry.key, rules);
    }

    /// Throws death certificates away that were kept for long enough.
    fn discard<P: Port<Write = Write>>(&mut self, port: &mut P, rules: &Rules) {
        let now = port.now();
        let old: Vec<u32> =
            self.items.values().filter(|entry| expired(entry, now, rules)).map(|entry| entry.key).collect();
        for key in old {
            self.items.remove(&key);
            port.persist(Write::Gone(key), None);
            self.events.push(Event::Told(Told::Discarded { key }));
            self.touched(key, rules);
        }
    }

    /// Sets the timers that are not set and ought to be.
    pub fn wake<P: Port<Timer = Timer>>(&self, port: &mut P, rules: &Rules) {
        for (timer, every) in [(Timer::Exchange, rules.every), (Timer::Scrub, rules.scrub)] {
            if every.0 > 0 {
                // Not all at the same instant.
                let phase = port.rng().below(every.0);
                port.set(timer, Micros(phase));
            } else {
                port.cancel(&timer);
            }
        }
    }

    /// A timer has run out; `others` are the other replicas.
    pub fn on_timer<P>(&mut self, port: &mut P, rules: &Rules, timer: Timer, others: &[NodeId])
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        match timer {
            Timer::Exchange => {
                self.discard(port, rules);
                let place = port.rng().below(others.len().max(1) as u64) as usize;
                if let Some(other) = others.get(place) {
                    self.compare(port, rules, *other);
                }
                if rules.every.0 > 0 {
                    port.set(Timer::Exchange, rules.every);
                }
            }
            Timer::Scrub => {
                if rules.upkeep == Upkeep::Always {
                    self.build(rules);
                }
                if rules.scrub.0 > 0 {
                    port.set(Timer::Scrub, rules.scrub);
                }
            }
            Timer::Written(entry) => {
                // Where somebody else's newer one has come meanwhile, nobody needs this one any more.
                if self.items.get(&entry.key).is_some_and(|old| old.stamp > entry.stamp) {
                    return;
                }
                self.items.insert(entry.key, entry);
                self.events.push(Event::Told(Told::Published(entry)));
                self.touched(entry.key, rules);
                for other in others {
                    port.send(*other, Message::Store(entry));
                }
            }
        }
    }

    /// Begins a comparison.
    fn compare<P: Port<Message = Message>>(&mut self, port: &mut P, rules: &Rules, other: NodeId) {
        self.round += 1;
        let (mut nodes, mut leaves) = (Vec::new(), Vec::new());
        match rules.compares {
            Compares::Tree => nodes.push((1, self.root())),
            Compares::All => {
                leaves.extend((0..self.tree.leaves()).map(|leaf| (leaf, self.versions(leaf, rules))));
            }
        }
        let spent = Spent { bytes: HEAD + size(&nodes, &leaves), ..Spent::default() };
        port.send(other, Message::Compare { round: self.round, nodes: nodes.into(), leaves: leaves.into(), spent });
    }
}

fn expired(entry: &Entry, now: Time, rules: &Rules) -> bool {
    entry.value.is_none() && rules.keeps.0 > 0 && now.since(entry.stamp.at) > rules.keeps
}

#[cfg(test)]
mod tests;
