//! A message queue with a visibility time-out, as in Amazon's Simple Queue Service (SQS): messages and settings are named
//! as there.
//!
//! A message that a consumer receives is not gone: it is invisible to others for a while. The consumer deletes it when
//! its work is done; if that does not happen in time, it becomes visible, and another consumer gets it. So every message
//! is worked on at least once, and twice if the work takes longer than the time-out or the deletion is lost. After so many
//! receives in vain it goes to the dead-letter queue, where it harms nobody.
//!
//! What is accepted is on the disk first. Which messages are invisible is not, and need not be: after a crash all are
//! visible again, which is a redelivery like any other. The same message that is sent again is known by its number.
//!
//! Simpler than there: one broker on one disk, where SQS keeps copies in several places; consumers ask again and again
//! instead of waiting for long; and a message may be deleted by whoever worked on it, however often it was received since.

use std::collections::VecDeque;

use crate::sim::{Disk, Item, Micros, NodeId, Port, Table};

use super::{Family, Form, Wire};

/// How many messages a queue holds at most; one more is refused.
pub const MAX_MESSAGES: usize = 100_000;
/// How many numbers of messages it remembers, to know one that is sent again.
pub const MAX_SEEN: usize = 4_096;
/// How many dead letters it keeps; the oldest goes for one more.
pub const MAX_DEAD: usize = 4_096;

/// What a broker, those who receive, and those who keep what comes of it say to one another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Give me a message.
    Receive,
    /// Here is one; now it is invisible to others.
    Deliver {
        /// Which.
        item: Item,
        /// How often it was received, this time included.
        receives: u32,
    },
    /// There is none.
    Empty,
    /// It is done: the queue may forget it.
    Delete {
        /// Which.
        item: Item,
    },
    /// To a ledger: what comes of this message is to take effect.
    Apply {
        /// Which.
        item: Item,
    },
    /// From a ledger: it has.
    Applied {
        /// Which.
        item: Item,
    },
}

/// What a message is called: producers number theirs, each for itself.
pub fn label(item: Item) -> String {
    format!("message {} of {}", number(item), producer(item))
}

/// Who made a message.
pub fn producer(item: Item) -> NodeId {
    NodeId((item >> 32) as u32)
}

/// A message's number among those of its producer.
pub fn number(item: Item) -> u64 {
    item & 0xffff_ffff
}

impl Message {
    /// What it is about, if about a message of the queue.
    fn item(&self) -> Option<Item> {
        match self {
            Message::Receive | Message::Empty => None,
            Message::Deliver { item, .. }
            | Message::Delete { item }
            | Message::Apply { item }
            | Message::Applied { item } => Some(*item),
        }
    }
}

impl Wire for Message {
    const FAMILY: Family = Family::Work;
    fn name(&self) -> &'static str {
        match self {
            Message::Receive => "Receive",
            Message::Deliver { .. } => "Deliver",
            Message::Empty => "Empty",
            Message::Delete { .. } => "Delete",
            Message::Apply { .. } => "Apply",
            Message::Applied { .. } => "Applied",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Receive | Message::Empty => Form::Beat,
            Message::Deliver { .. } | Message::Apply { .. } => Form::Request,
            Message::Delete { .. } | Message::Applied { .. } => Form::Accept,
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields: Vec<_> = self
            .item()
            .map(|item| ("message", format!("{} of {}", number(item), producer(item))))
            .into_iter()
            .collect();
        if let Message::Deliver { receives, .. } = self {
            fields.push(("receives", receives.to_string()));
        }
        fields
    }
    fn carries(&self, item: Item) -> bool {
        // Who says that it is done has nothing that could still be done.
        matches!(self, Message::Deliver { item: of, .. } | Message::Apply { item: of } if *of == item)
    }
}

crate::choice! {
    /// When a queue forgets a message.
    pub enum Deletes {
        /// When the consumer says that it is done.
        WhenDone = "when-done",
        /// Before it is delivered: at most once, and lost with a consumer that dies.
        BeforeDelivery = "before-delivery",
    }
}

crate::choice! {
    /// When a queue says that it has a message.
    pub enum Answers {
        /// When it is on the disk.
        AfterDisk = "after-disk",
        /// At once: a crash then loses what was accepted.
        BeforeDisk = "before-disk",
    }
}

/// How a broker works.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// How long a message that was received is invisible.
    pub visibility: Micros,
    /// How often a message is received before it is a dead letter; zero is any number.
    pub max_receives: u32,
    /// When it is forgotten.
    pub deletes: Deletes,
    /// When it counts as accepted.
    pub answers: Answers,
}

/// What is on the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shelf {
    /// Messages, with how often each was received.
    messages: Table<Item, u32>,
    /// Dead letters.
    dead: Table<Item, u32>,
    /// The last that came, dead or deleted too.
    seen: VecDeque<Item>,
}

/// A write to the disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// A message came.
    Put(Item),
    /// It was received so often.
    Received(Item, u32),
    /// It is done.
    Gone(Item),
    /// It was received in vain too often.
    Dead(Item),
}

impl Disk for Shelf {
    type Write = Write;
    fn apply(&mut self, write: Write) {
        match write {
            Write::Put(item) => {
                self.messages.insert(item, 0);
                if self.seen.len() >= MAX_SEEN {
                    self.seen.pop_front();
                }
                self.seen.push_back(item);
            }
            Write::Received(item, receives) => {
                if let Some(known) = self.messages.get_mut(&item) {
                    *known = receives;
                }
            }
            Write::Gone(item) => _ = self.messages.remove(&item),
            Write::Dead(item) => {
                let receives = self.messages.remove(&item).unwrap_or(0);
                if self.dead.len() >= MAX_DEAD {
                    let oldest = self.dead.keys().next().copied();
                    oldest.and_then(|oldest| self.dead.remove(&oldest));
                }
                self.dead.insert(item, receives);
            }
        }
    }
    fn carries(&self, item: Item) -> bool {
        self.messages.contains_key(&item) || self.dead.contains_key(&item)
    }
}

/// What a broker waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// A message is on the disk; who sent it, under which number of theirs.
    Stored(Item, NodeId, u64),
    /// A message that was received becomes visible again.
    Visible(Item),
    /// It is written down that a message is gone, so it can be delivered.
    Forgotten(Item, NodeId),
}

/// Whoever hosts a broker.
pub type Host<'a> = dyn Port<Message = Message, Timer = Timer, Write = Write> + 'a;

/// What the host should tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing.
    Nothing,
    /// A message was accepted: its producer, and its number there, are to hear of it.
    Accepted(Item, NodeId, u64),
    /// There is no room.
    Full,
    /// A message was delivered again.
    Redelivered,
    /// A message was not done in time.
    Visible,
}

/// A broker.
#[derive(Clone, Debug, Default, Hash)]
pub struct Broker {
    receives: Table<Item, u32>,
    /// Visible, first come first.
    ready: VecDeque<Item>,
    /// Received and not deleted.
    invisible: Table<Item, NodeId>,
    dead: usize,
    seen: VecDeque<Item>,
}

impl Broker {
    /// Starts from its disk: everything is visible.
    pub fn boot(disk: &Shelf) -> Broker {
        Broker {
            receives: disk.messages.clone(),
            ready: disk.messages.keys().copied().collect(),
            invisible: Table::new(),
            dead: disk.dead.len(),
            seen: disk.seen.clone(),
        }
    }

    /// How many wait, are invisible, and are dead.
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.ready.len(), self.invisible.len(), self.dead)
    }

    /// A message came, from a producer that numbers it so.
    pub fn put(&mut self, port: &mut Host, manner: &Manner, item: Item, from: NodeId, number: u64) -> Outcome {
        if self.seen.contains(&item) {
            // Its producer did not hear that it is here; if it is still on its way to the disk, it asks once more.
            let stored = !self.receives.contains_key(&item) || self.ready.contains(&item);
            let known = stored || self.invisible.contains_key(&item);
            return if known { Outcome::Accepted(item, from, number) } else { Outcome::Nothing };
        }
        if self.receives.len() >= MAX_MESSAGES {
            return Outcome::Full;
        }
        if self.seen.len() >= MAX_SEEN {
            self.seen.pop_front();
        }
        self.seen.push_back(item);
        self.receives.insert(item, 0);
        if manner.answers == Answers::BeforeDisk {
            port.persist(Write::Put(item), None);
            self.ready.push_back(item);
            return Outcome::Accepted(item, from, number);
        }
        port.persist(Write::Put(item), Some(Timer::Stored(item, from, number)));
        Outcome::Nothing
    }

    /// A consumer wants a message.
    pub fn receive(&mut self, port: &mut Host, manner: &Manner, from: NodeId) -> Outcome {
        while let Some(item) = self.ready.pop_front() {
            let Some(receives) = self.receives.get_mut(&item) else { continue };
            if manner.max_receives > 0 && *receives >= manner.max_receives {
                self.bury(port, item);
                continue;
            }
            *receives += 1;
            let receives = *receives;
            self.invisible.insert(item, from);
            if manner.deletes == Deletes::BeforeDelivery {
                port.persist(Write::Gone(item), Some(Timer::Forgotten(item, from)));
                return Outcome::Nothing;
            }
            port.persist(Write::Received(item, receives), None);
            port.set(Timer::Visible(item), manner.visibility);
            port.send(from, Message::Deliver { item, receives });
            return if receives > 1 { Outcome::Redelivered } else { Outcome::Nothing };
        }
        port.send(from, Message::Empty);
        Outcome::Nothing
    }

    fn bury(&mut self, port: &mut Host, item: Item) {
        self.receives.remove(&item);
        self.dead = (self.dead + 1).min(MAX_DEAD);
        port.persist(Write::Dead(item), None);
        port.note(format!("{} was received too often: it goes to the dead letters", label(item)));
    }

    /// A message is done.
    pub fn delete(&mut self, port: &mut Host, item: Item) {
        if self.receives.remove(&item).is_none() {
            return;
        }
        port.cancel(&Timer::Visible(item));
        if self.invisible.remove(&item).is_none() {
            self.ready.retain(|ready| *ready != item);
        }
        port.persist(Write::Gone(item), None);
    }

    /// Something came due, or is on the disk.
    pub fn on_timer(&mut self, port: &mut Host, timer: Timer) -> Outcome {
        match timer {
            Timer::Stored(item, from, number) => {
                self.ready.push_back(item);
                Outcome::Accepted(item, from, number)
            }
            Timer::Visible(item) => match self.invisible.remove(&item) {
                Some(_) => {
                    self.ready.push_back(item);
                    Outcome::Visible
                }
                None => Outcome::Nothing,
            },
            Timer::Forgotten(item, to) => {
                self.receives.remove(&item);
                self.invisible.remove(&item);
                port.send(to, Message::Deliver { item, receives: 1 });
                Outcome::Nothing
            }
        }
    }

    /// Whether its memory has a message that its disk may not have: on the way there, or just taken off.
    pub fn carries(&self, item: Item) -> bool {
        self.receives.contains_key(&item)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Desk;
    use super::*;

    const MANNER: Manner = Manner {
        visibility: Micros::secs(4),
        max_receives: 2,
        deletes: Deletes::WhenDone,
        answers: Answers::AfterDisk,
    };
    const PRODUCER: NodeId = NodeId(1);

    /// A broker and what is on its disk.
    struct Bench {
        broker: Broker,
        desk: Desk<Message, Timer, Write>,
        disk: Shelf,
    }

    fn bench() -> Bench {
        Bench { broker: Broker::default(), desk: Desk::new(9), disk: Shelf::default() }
    }

    impl Bench {
        /// Everything written reaches the disk.
        fn flush(&mut self) -> Vec<Outcome> {
            let written = std::mem::take(&mut self.desk.writes);
            let mut outcomes = Vec::new();
            for (write, done) in written {
                self.disk.apply(write);
                outcomes.extend(done.map(|timer| self.broker.on_timer(&mut self.desk, timer)));
            }
            outcomes
        }
        fn put(&mut self, item: Item) {
            assert_eq!(self.broker.put(&mut self.desk, &MANNER, item, PRODUCER, item), Outcome::Nothing);
            assert_eq!(self.flush(), [Outcome::Accepted(item, PRODUCER, item)]);
        }
        fn receive(&mut self, manner: &Manner, consumer: u32) -> Vec<(NodeId, Message)> {
            self.broker.receive(&mut self.desk, manner, NodeId(consumer));
            self.desk.sent()
        }
    }

    fn delivered(consumer: u32, item: Item, receives: u32) -> Vec<(NodeId, Message)> {
        vec![(NodeId(consumer), Message::Deliver { item, receives })]
    }

    #[test]
    fn a_message_is_invisible_until_it_is_done_or_the_time_is_over() {
        let mut bench = bench();
        bench.put(5);
        assert_eq!(bench.receive(&MANNER, 7), delivered(7, 5, 1));
        assert_eq!(bench.receive(&MANNER, 8), [(NodeId(8), Message::Empty)]);
        assert_eq!(bench.desk.timers[0].1.0, 4_000_000);
        assert_eq!(bench.broker.on_timer(&mut bench.desk, Timer::Visible(5)), Outcome::Visible);
        assert_eq!(bench.receive(&MANNER, 8), delivered(8, 5, 2));
        // The first was only slow. What it has done is done.
        bench.broker.delete(&mut bench.desk, 5);
        bench.flush();
        assert_eq!((bench.broker.counts(), bench.disk.messages.len()), ((0, 0, 0), 0));
        assert!(bench.desk.timers.is_empty());
    }

    #[test]
    fn what_is_received_in_vain_too_often_is_a_dead_letter() {
        let mut bench = bench();
        bench.put(5);
        for receives in 1..=2 {
            assert_eq!(bench.receive(&MANNER, 7), delivered(7, 5, receives));
            bench.broker.on_timer(&mut bench.desk, Timer::Visible(5));
        }
        assert_eq!(bench.receive(&MANNER, 7), [(NodeId(7), Message::Empty)]);
        bench.flush();
        assert_eq!((bench.broker.counts(), bench.disk.dead.len()), ((0, 0, 1), 1));
        assert!(bench.disk.carries(5), "a dead letter is not lost");
        assert_eq!(bench.desk.notes, ["message 5 of @0 was received too often: it goes to the dead letters"]);
    }

    #[test]
    fn nothing_is_accepted_or_delivered_before_the_disk_has_it_and_a_crash_makes_all_visible() {
        let mut bench = bench();
        bench.put(5);
        assert_eq!(bench.broker.put(&mut bench.desk, &MANNER, 6, PRODUCER, 6), Outcome::Nothing);
        assert_eq!(bench.receive(&MANNER, 7), delivered(7, 5, 1));
        assert_eq!(bench.receive(&MANNER, 7), [(NodeId(7), Message::Empty)], "6 is not there yet");
        // It crashes before any of that is written.
        bench.broker = Broker::boot(&bench.disk);
        assert_eq!(bench.receive(&MANNER, 8), delivered(8, 5, 1));
        // Its producer sends 5 again, which is known, and 6, which is not.
        assert_eq!(bench.broker.put(&mut bench.desk, &MANNER, 5, PRODUCER, 9), Outcome::Accepted(5, PRODUCER, 9));
        assert_eq!(bench.broker.put(&mut bench.desk, &MANNER, 6, PRODUCER, 10), Outcome::Nothing);
    }

    #[test]
    fn before_delivery_it_is_forgotten_on_disk_first() {
        let mut bench = bench();
        bench.put(5);
        let manner = Manner { deletes: Deletes::BeforeDelivery, ..MANNER };
        assert_eq!(bench.receive(&manner, 7), []);
        bench.flush();
        assert_eq!((bench.desk.sent(), bench.disk.messages.len()), (delivered(7, 5, 1), 0));
        assert_eq!(bench.receive(&manner, 8), [(NodeId(8), Message::Empty)]);
    }

    #[test]
    fn the_mistake_accepts_what_a_crash_loses() {
        let mut bench = bench();
        let manner = Manner { answers: Answers::BeforeDisk, ..MANNER };
        assert_eq!(bench.broker.put(&mut bench.desk, &manner, 5, PRODUCER, 5), Outcome::Accepted(5, PRODUCER, 5));
        bench.broker = Broker::boot(&bench.disk);
        assert!(!bench.disk.carries(5) && !bench.broker.carries(5));
    }
}
