//! Handover: a player and everything that they carry moves from one zone server to another, and is at every instant in
//! the keeping of exactly one.
//!
//! It is two-phase commit between two, in the linear form in which the second decides alone (Gray, «Notes on Data Base
//! Operating Systems», 1978; Bernstein, Hadzilacos and Goodman, «Concurrency Control and Recovery in Database Systems»,
//! 1987, section 7.6). The zone that lets go writes its intent down, from then on does nothing with the player, and
//! offers. The zone that is offered the player decides by writing them down, and from then on they are its own. It
//! accepts, and the first one forgets. Whoever crashes in between finds on its disk what it has to go on with; an offer
//! that is not accepted is made again, for ever.
//!
//! An offer that comes twice must not bring a player twice, who may long have gone on to a third zone. So each handover of
//! a player has a number that only grows, and a zone takes in nobody under a number that it has seen: a fencing token, as
//! with leases. That the messages may come late, twice or never is what makes this necessary, and what it is enough for
//! (Helland, «Life beyond Distributed Transactions», CIDR 2007, calls it remembering messages by partner).
//!
//! What changes all the time, where somebody stands, is saved by a snapshot now and then, as large online games do
//! (Salles and others, «An Evaluation of Checkpoint Recovery for Massively Multiplayer Online Games», PVLDB 2(1), 2009).
//! What must not be lost or doubled, an item that is given away, is written at once: a snapshot that is older than a
//! handover has the item where it was before.
//!
//! Simpler than there: a handover cannot be called off. While the second zone is down, the player stands still.

#[cfg(test)]
mod tests;

use std::rc::Rc;

use crate::sim::{Disk, Item, Micros, NodeId, Port, Table, Time};

use super::{Family, Form, Wire};

/// How many players a zone holds; one more is not taken in, and stays where they are.
pub const MAX_PLAYERS: usize = 1_024;
/// Of how many players a zone remembers the number of their last handover; it takes in nobody beyond these.
pub const MAX_SEEN: usize = 16_384;

crate::choice! {
    /// When the disk has it that an item was given away.
    pub enum Gifts {
        /// At once.
        AtOnce = "at-once",
        /// With the next snapshot: a mistake.
        WithSnapshot = "with-snapshot",
    }
}

/// What can be set about handovers.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Whether the first zone keeps the player until the second has said that it has them; not to is a mistake.
    pub confirm: bool,
    /// Whether an offer under a number that was seen is refused; not to is a mistake.
    pub fencing: bool,
    /// When gifts are on the disk.
    pub gifts: Gifts,
    /// After how long an offer is made again.
    pub again: Micros,
}

/// What stands for a player among the items that must not be lost.
pub fn token(player: NodeId) -> Item {
    1 << 48 | u64::from(player.0)
}

/// A player in the world: where they are, where they are going, and what they carry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Body {
    /// Where.
    pub at: (i32, i32),
    /// Where to.
    pub to: (i32, i32),
    /// What they carry.
    pub items: Rc<[Item]>,
}

/// Between two zones.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Take this player: my intent is on my disk.
    Offer {
        /// Whom.
        player: NodeId,
        /// The number of this handover of theirs.
        number: u64,
        /// All there is of them.
        body: Body,
    },
    /// I have them, on my disk.
    Accept {
        /// Whom.
        player: NodeId,
        /// The number of the handover.
        number: u64,
    },
}

impl Wire for Message {
    const FAMILY: Family = Family::Storage;
    fn name(&self) -> &'static str {
        match self {
            Message::Offer { .. } => "Offer",
            Message::Accept { .. } => "Accept",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Offer { .. } => Form::Request,
            Message::Accept { .. } => Form::Accept,
        }
    }
    fn bytes(&self) -> u32 {
        match self {
            Message::Offer { body, .. } => 48 + 8 * body.items.len() as u32,
            Message::Accept { .. } => 24,
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        let (Message::Offer { player, number, .. } | Message::Accept { player, number }) = self;
        let mut fields = vec![("player", player.to_string()), ("number", number.to_string())];
        if let Message::Offer { body, .. } = self {
            fields.push(("items", body.items.len().to_string()));
        }
        fields
    }
    fn carries(&self, item: Item) -> bool {
        matches!(self, Message::Offer { player, body, .. } if has(*player, body, item))
    }
}

fn has(player: NodeId, body: &Body, item: Item) -> bool {
    token(player) == item || body.items.contains(&item)
}

/// What is told of players, for checks and the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// A player is in this zone from now on: made, taken in, or found on the disk at a restart.
    Entered {
        /// Who.
        player: NodeId,
        /// What they carry.
        items: Rc<[Item]>,
    },
    /// A player is not in this zone any more: it is about to offer them.
    Left {
        /// Who.
        player: NodeId,
        /// To which zone.
        to: NodeId,
    },
    /// A player gave an item to another of this zone.
    Given {
        /// What.
        item: Item,
        /// Who had it.
        from: NodeId,
        /// Who has it.
        to: NodeId,
    },
}

/// What an item is called: after the player who had it first.
pub fn label(item: Item) -> String {
    format!("item {} of @{}", 1 + (item & 0xff), item >> 8 & 0xff_ffff)
}

/// The item of this ordinal that a player begins with.
pub fn item(player: NodeId, ordinal: u32) -> Item {
    u64::from(player.0 & 0xff_ffff) << 8 | u64::from(ordinal & 0xff)
}

impl Told {
    /// Its name in conditions.
    pub fn name(&self) -> &'static str {
        match self {
            Told::Entered { .. } => "entered-zone",
            Told::Left { .. } => "left-zone",
            Told::Given { .. } => "item-given",
        }
    }
    /// What the node does by it.
    pub fn sentence(&self) -> String {
        match self {
            Told::Entered { player, items } => format!("has {player}, with {} items", items.len()),
            Told::Left { player, to } => format!("lets {player} go to {to}"),
            Told::Given { item, from, to } => format!("has {from} give {} to {to}", label(*item)),
        }
    }
}

/// A player who has been let go and whom nobody has accepted yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Leaving {
    to: NodeId,
    number: u64,
    body: Body,
}

/// What is on the disk of a zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Book {
    here: Table<NodeId, Body>,
    leaving: Table<NodeId, Leaving>,
    /// The largest number of a handover of each player that came by.
    seen: Table<NodeId, u64>,
    /// When the last snapshot was taken.
    saved: Time,
}

/// A line of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// A player is here.
    Entered {
        /// Who.
        player: NodeId,
        /// Under which number.
        number: u64,
        /// All there is of them.
        body: Body,
    },
    /// The intent: a player is to go there.
    Leaving {
        /// Who.
        player: NodeId,
        /// How.
        leaving: Leaving,
    },
    /// They have gone.
    Gone {
        /// Who.
        player: NodeId,
        /// Under which number.
        number: u64,
    },
    /// An item was given away.
    Given {
        /// What.
        item: Item,
        /// Who had it.
        from: NodeId,
        /// Who has it.
        to: NodeId,
    },
    /// Everyone who is here, as they are.
    Snapshot {
        /// When.
        at: Time,
        /// Who, and how.
        bodies: Rc<[(NodeId, Body)]>,
    },
}

impl Disk for Book {
    type Write = Write;
    fn apply(&mut self, write: Write) {
        match write {
            Write::Entered { player, number, body } => {
                self.here.insert(player, body);
                self.see(player, number);
            }
            Write::Leaving { player, leaving } => {
                self.here.remove(&player);
                self.see(player, leaving.number);
                self.leaving.insert(player, leaving);
            }
            Write::Gone { player, number } => {
                if self.leaving.get(&player).is_some_and(|leaving| leaving.number == number) {
                    self.leaving.remove(&player);
                } else {
                    self.here.remove(&player);
                    self.see(player, number);
                }
            }
            Write::Given { item, from, to } => drop(self.give(item, from, to)),
            Write::Snapshot { at, bodies } => {
                self.saved = at;
                for (player, body) in bodies.iter() {
                    // Who was taken in or let go since then stands in lines of their own.
                    if let Some(here) = self.here.get_mut(player) {
                        *here = body.clone();
                    }
                }
            }
        }
    }
    fn carries(&self, item: Item) -> bool {
        let here = self.here.iter().any(|(player, body)| has(*player, body, item));
        here || self.leaving.iter().any(|(player, leaving)| has(*player, &leaving.body, item))
    }
}

impl Book {
    fn see(&mut self, player: NodeId, number: u64) {
        let seen = self.seen.or_default(player);
        *seen = number.max(*seen);
    }

    /// Whether it was given: both are here, and the one has it.
    fn give(&mut self, item: Item, from: NodeId, to: NodeId) -> bool {
        let (Some(giver), Some(taker)) = (self.here.get(&from), self.here.get(&to)) else { return false };
        if from == to || !giver.items.contains(&item) {
            return false;
        }
        let left: Vec<Item> = giver.items.iter().copied().filter(|other| *other != item).collect();
        let mut more = taker.items.to_vec();
        more.push(item);
        for (player, items) in [(from, left), (to, more)] {
            if let Some(body) = self.here.get_mut(&player) {
                body.items = items.into();
            }
        }
        true
    }
}

/// What a zone waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// A player who came is on the disk.
    Entered(NodeId),
    /// The intent to let a player go is on the disk.
    Intent(NodeId, u64),
    /// To offer a player again.
    Again(NodeId, u64),
}

/// Who came, under which number, from whom: nobody, if they were made here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Entering {
    number: u64,
    from: Option<NodeId>,
    body: Body,
}

/// A zone's part in handovers: who is in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Handover {
    /// With what is on its way to the disk, and with what only the next snapshot will save.
    book: Book,
    entering: Table<NodeId, Entering>,
    since: Table<NodeId, Time>,
    /// What is to be told.
    told: Vec<Told>,
    /// How long each handover took that is over.
    took: Vec<Micros>,
}

impl Handover {
    /// From what is on the disk.
    pub fn boot(disk: &Book) -> Handover {
        Handover { book: disk.clone(), entering: Table::new(), since: Table::new(), told: Vec::new(), took: Vec::new() }
    }

    /// Says who is here, and goes on with what was begun.
    pub fn start<P: Port<Message = Message, Timer = Timer, Write = Write>>(&mut self, port: &mut P, rules: &Rules) {
        for (player, body) in self.book.here.iter() {
            self.told.push(Told::Entered { player: *player, items: body.items.clone() });
        }
        let here = self.book.here.len();
        if here > 0 {
            port.note(format!("has its {here} players as they were at {} s", crate::sim::clock(self.book.saved)));
        }
        let open: Vec<(NodeId, u64)> = self.book.leaving.iter().map(|(who, how)| (*who, how.number)).collect();
        for (player, number) in open {
            self.since.insert(player, port.now());
            self.offer(port, rules, player, number);
        }
    }

    /// Makes a player who has never been seen.
    pub fn create<P: Port<Message = Message, Timer = Timer, Write = Write>>(
        &mut self,
        port: &mut P,
        player: NodeId,
        body: Body,
    ) {
        if !self.book.seen.contains_key(&player) && !self.entering.contains_key(&player) {
            self.enter(port, player, Entering { number: 1, from: None, body });
        }
    }

    /// Lets a player go to another zone.
    pub fn leave<P: Port<Message = Message, Timer = Timer, Write = Write>>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        player: NodeId,
        to: NodeId,
    ) {
        let Some(body) = self.book.here.get(&player).cloned() else { return };
        let number = self.book.seen.get(&player).copied().unwrap_or(0) + 1;
        self.told.push(Told::Left { player, to });
        if rules.confirm {
            let write = Write::Leaving { player, leaving: Leaving { to, number, body } };
            self.book.apply(write.clone());
            self.since.insert(player, port.now());
            port.persist(write, Some(Timer::Intent(player, number)));
        } else {
            let write = Write::Gone { player, number };
            self.book.apply(write.clone());
            port.persist(write, None);
            port.send(to, Message::Offer { player, number, body });
        }
    }

    fn enter<P: Port<Message = Message, Timer = Timer, Write = Write>>(
        &mut self,
        port: &mut P,
        player: NodeId,
        entering: Entering,
    ) {
        let full = self.book.here.len() + self.entering.len() >= MAX_PLAYERS || self.book.seen.len() >= MAX_SEEN;
        if full && !self.book.seen.contains_key(&player) {
            return;
        }
        let write = Write::Entered { player, number: entering.number, body: entering.body.clone() };
        self.entering.insert(player, entering);
        port.persist(write, Some(Timer::Entered(player)));
    }

    fn offer<P: Port<Message = Message, Timer = Timer, Write = Write>>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        player: NodeId,
        number: u64,
    ) {
        let Some(leaving) = self.book.leaving.get(&player).filter(|leaving| leaving.number == number) else { return };
        port.send(leaving.to, Message::Offer { player, number, body: leaving.body.clone() });
        port.set(Timer::Again(player, number), rules.again);
    }

    /// Another zone has said something.
    pub fn on_message<P: Port<Message = Message, Timer = Timer, Write = Write>>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        from: NodeId,
        message: Message,
    ) {
        match message {
            Message::Offer { player, number, body } => {
                if self.entering.contains_key(&player) {
                    // Its answer follows when the disk has them.
                    return;
                }
                let seen = self.book.seen.get(&player).copied().unwrap_or(0);
                let known = if rules.fencing { seen >= number } else { self.book.here.contains_key(&player) };
                if known {
                    port.send(from, Message::Accept { player, number });
                } else {
                    self.enter(port, player, Entering { number, from: Some(from), body });
                }
            }
            Message::Accept { player, number } => {
                if self.book.leaving.get(&player).is_none_or(|leaving| leaving.number != number) {
                    return;
                }
                let write = Write::Gone { player, number };
                self.book.apply(write.clone());
                port.persist(write, None);
                port.cancel(&Timer::Again(player, number));
                if let Some(since) = self.since.remove(&player) {
                    self.took.push(port.now().since(since));
                }
            }
        }
    }

    /// A timer has run out, or a write is on the disk.
    pub fn on_timer<P: Port<Message = Message, Timer = Timer, Write = Write>>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        timer: Timer,
    ) {
        match timer {
            Timer::Entered(player) => {
                let Some(Entering { number, from, body }) = self.entering.remove(&player) else { return };
                self.told.push(Told::Entered { player, items: body.items.clone() });
                self.book.apply(Write::Entered { player, number, body });
                if let Some(from) = from {
                    port.send(from, Message::Accept { player, number });
                }
            }
            Timer::Intent(player, number) | Timer::Again(player, number) => self.offer(port, rules, player, number),
        }
    }

    /// Has a player of this zone give an item to another.
    pub fn give<P: Port<Message = Message, Timer = Timer, Write = Write>>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        item: Item,
        from: NodeId,
        to: NodeId,
    ) {
        if self.book.give(item, from, to) {
            self.told.push(Told::Given { item, from, to });
            if rules.gifts == Gifts::AtOnce {
                port.persist(Write::Given { item, from, to }, None);
            }
        }
    }

    /// Saves where everyone is.
    pub fn snapshot<P: Port<Message = Message, Timer = Timer, Write = Write>>(&mut self, port: &mut P) {
        let bodies = self.book.here.iter().map(|(player, body)| (*player, body.clone())).collect();
        self.book.saved = port.now();
        port.persist(Write::Snapshot { at: port.now(), bodies }, None);
    }

    /// Who is here.
    pub fn here(&self) -> &Table<NodeId, Body> {
        &self.book.here
    }
    /// Who is here, to be moved about.
    pub fn here_mut(&mut self) -> impl Iterator<Item = (&NodeId, &mut Body)> {
        self.book.here.iter_mut()
    }
    /// One who is here.
    pub fn body_mut(&mut self, player: NodeId) -> Option<&mut Body> {
        self.book.here.get_mut(&player)
    }
    /// Who was let go and has not been accepted, and how many come.
    pub fn between(&self) -> (usize, usize) {
        (self.book.leaving.len(), self.entering.len())
    }
    /// The largest number of a handover of a player that was seen here.
    pub fn number(&self, player: NodeId) -> u64 {
        self.book.seen.get(&player).copied().unwrap_or(0)
    }
    /// Whether memory holds a copy of this.
    pub fn carries(&self, item: Item) -> bool {
        self.book.carries(item) || self.entering.iter().any(|(player, how)| has(*player, &how.body, item))
    }
    /// What is to be told, once.
    pub fn told(&mut self) -> (Vec<Told>, Vec<Micros>) {
        (std::mem::take(&mut self.told), std::mem::take(&mut self.took))
    }
}
