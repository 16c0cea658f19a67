//! A consumer: joins its group, pulls records of the partitions that are its own, works on one after the other, and says how
//! far it is.
//!
//! When it says so decides what happens to a record in whose midst it dies. After the work: another one does it again (at
//! least once). Before: nobody does it (at most once). To have an effect once it is done at least once, by something that
//! knows what it has done (effectively once).

use std::collections::VecDeque;

use crate::sim::{Item, Micros, NodeId, Port, Table};

use super::{Entry, Message, Told};

crate::choice! {
    /// When a consumer says how far it is.
    pub enum Commits {
        /// When a record is done: at least once.
        After = "after",
        /// Before it begins with what it has fetched: at most once.
        Before = "before",
    }
}

/// How a consumer reads.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// When it commits.
    pub commits: Commits,
    /// How many records it fetches at once, at most.
    pub most: u32,
    /// How long it works on a record.
    pub work: Micros,
    /// How long it waits before it asks again where there was nothing.
    pub poll: Micros,
    /// How often it says that it is there.
    pub heartbeat: Micros,
}

/// After how long it asks again for what nobody has answered.
pub const PATIENCE: Micros = Micros::ms(700);

/// What a consumer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To join again.
    Join,
    /// To ask for records.
    Poll,
    /// It has done its work on a record.
    Worked,
    /// What it has done is not confirmed.
    Unconfirmed,
    /// To say that it is there.
    Heartbeat,
}

/// What is to be done for a consumer outside of its protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Have this take effect.
    Apply(Item),
}

/// A consumer.
#[derive(Clone, Debug, Default, Hash)]
pub struct Reader {
    /// The generation that it is in.
    pub generation: Option<u64>,
    /// Where it is in each of its partitions.
    pub places: Table<u32, u64>,
    /// Up to where it has said so.
    committed: Table<u32, u64>,
    /// How much there is after where it is, as it last heard.
    pub behind: Table<u32, u64>,
    /// What it has fetched and not done: of which partition, in which place.
    fetched: VecDeque<(u32, u64, Entry)>,
    /// It waits until it is known how far it is, before it begins.
    waits: bool,
    /// Which of its partitions it asked last.
    turn: usize,
    /// What happened since somebody looked.
    pub told: Vec<Told>,
    /// How many records it has done.
    pub done: u64,
    /// How many records it was never given, since they were gone.
    pub skipped: u64,
}

impl Reader {
    /// What it works on.
    pub fn at_work(&self) -> Option<(u32, u64, Entry)> {
        self.fetched.front().copied().filter(|_| !self.waits)
    }

    /// It starts, or must start anew.
    pub fn join<P>(&mut self, port: &mut P, coordinator: NodeId)
    where
        P: Port<Message = Message, Timer = Timer>,
    {
        self.generation = None;
        self.places.clear();
        self.behind.clear();
        self.fetched.clear();
        self.waits = false;
        for timer in [Timer::Poll, Timer::Worked, Timer::Unconfirmed, Timer::Heartbeat] {
            port.cancel(&timer);
        }
        port.send(coordinator, Message::JoinGroup);
        port.set(Timer::Join, PATIENCE);
    }

    /// It hears something. `leader` says which broker has a partition.
    pub fn on_message<P>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        (coordinator, leader): (NodeId, impl Fn(u32) -> Option<NodeId>),
        message: &Message,
    ) -> Option<Order>
    where
        P: Port<Message = Message, Timer = Timer>,
    {
        match message {
            Message::Assigned { generation, partitions } if self.generation.is_none_or(|own| own < *generation) => {
                self.generation = Some(*generation);
                self.places = partitions.iter().copied().collect();
                self.committed = self.places.clone();
                self.behind.clear();
                self.fetched.clear();
                self.waits = false;
                port.cancel(&Timer::Worked);
                port.cancel(&Timer::Unconfirmed);
                port.cancel(&Timer::Join);
                port.set(Timer::Heartbeat, rules.heartbeat);
                self.poll(port, rules, leader);
            }
            Message::Rebalance if self.generation.is_some() => {
                self.commit(port, coordinator);
                self.join(port, coordinator);
            }
            Message::Fenced if self.generation.is_some() => self.join(port, coordinator),
            Message::Records { partition, from, entries, end } => {
                let own = self.places.get(partition).copied();
                // Answers to what it asked before it was dealt anew.
                if !self.fetched.is_empty() || own.is_none_or(|place| place > *from) {
                    return None;
                }
                self.skipped += from - own.unwrap_or(*from);
                self.places.insert(*partition, *from);
                self.behind.insert(*partition, end.saturating_sub(*from));
                if entries.is_empty() {
                    port.set(Timer::Poll, rules.poll);
                    return None;
                }
                let each = entries.iter().enumerate();
                self.fetched = each.map(|(n, entry)| (*partition, from + n as u64, *entry)).collect();
                if rules.commits == Commits::Before {
                    self.waits = true;
                    let (generation, partition) = (self.generation?, *partition);
                    let offset = from + entries.len() as u64;
                    self.committed.insert(partition, offset);
                    port.send(coordinator, Message::Commit { generation, partition, offset });
                    port.set(Timer::Poll, PATIENCE);
                } else {
                    port.cancel(&Timer::Poll);
                    port.set(Timer::Worked, rules.work);
                }
            }
            Message::Committed { .. } if self.waits => {
                self.waits = false;
                port.cancel(&Timer::Poll);
                port.set(Timer::Worked, rules.work);
            }
            _ => {}
        }
        None
    }

    /// A timer has run out.
    pub fn on_timer<P>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        (coordinator, leader): (NodeId, impl Fn(u32) -> Option<NodeId>),
        timer: Timer,
    ) -> Option<Order>
    where
        P: Port<Message = Message, Timer = Timer>,
    {
        match timer {
            Timer::Join => self.join(port, coordinator),
            Timer::Poll => {
                // What it has begun to wait for it forgets.
                self.fetched.clear();
                self.waits = false;
                self.poll(port, rules, leader);
            }
            Timer::Worked | Timer::Unconfirmed => {
                let (_, _, entry) = self.at_work()?;
                port.set(Timer::Unconfirmed, PATIENCE);
                return Some(Order::Apply(entry.item));
            }
            Timer::Heartbeat => {
                if let Some(generation) = self.generation {
                    port.send(coordinator, Message::Heartbeat { generation });
                    port.set(Timer::Heartbeat, rules.heartbeat);
                }
            }
        }
        None
    }

    /// What it worked on has taken effect.
    pub fn applied<P>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        (coordinator, leader): (NodeId, impl Fn(u32) -> Option<NodeId>),
        item: Item,
    ) where
        P: Port<Message = Message, Timer = Timer>,
    {
        let Some((partition, offset, _)) = self.at_work().filter(|(_, _, entry)| entry.item == item) else { return };
        port.cancel(&Timer::Unconfirmed);
        self.fetched.pop_front();
        self.done += 1;
        self.told.push(Told::Did { partition, offset, item });
        self.places.insert(partition, offset + 1);
        self.behind.get_mut(&partition).into_iter().for_each(|behind| *behind = behind.saturating_sub(1));
        if rules.commits == Commits::After {
            self.commit(port, coordinator);
        }
        if !self.fetched.is_empty() {
            return port.set(Timer::Worked, rules.work);
        }
        self.poll(port, rules, leader);
    }

    /// It says how far it is, where it has come further.
    fn commit<P: Port<Message = Message>>(&mut self, port: &mut P, coordinator: NodeId) {
        let Some(generation) = self.generation else { return };
        for (partition, offset) in self.places.iter() {
            if self.committed.get(partition).is_none_or(|committed| committed < offset) {
                port.send(coordinator, Message::Commit { generation, partition: *partition, offset: *offset });
            }
        }
        for (partition, offset) in self.places.iter() {
            let further = self.committed.get(partition).is_none_or(|committed| committed < offset);
            if further {
                self.committed.insert(*partition, *offset);
            }
        }
    }

    /// Asks for records of the next of its partitions.
    fn poll<P>(&mut self, port: &mut P, rules: &Rules, leader: impl Fn(u32) -> Option<NodeId>)
    where
        P: Port<Message = Message, Timer = Timer>,
    {
        if self.places.is_empty() {
            return;
        }
        self.turn = (self.turn + 1) % self.places.len();
        if let Some((partition, offset)) = self.places.iter().nth(self.turn)
            && let Some(leader) = leader(*partition)
        {
            port.send(leader, Message::Fetch { partition: *partition, offset: *offset, most: rules.most });
        }
        port.set(Timer::Poll, PATIENCE);
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::super::super::testing::Desk;
    use super::*;

    type Tested = Desk<Message, Timer, ()>;
    const BROKER: NodeId = NodeId(1);
    const RULES: Rules = Rules {
        commits: Commits::After,
        most: 10,
        work: Micros::ms(50),
        poll: Micros::ms(100),
        heartbeat: Micros::ms(500),
    };

    fn entry(number: u64) -> Entry {
        Entry { item: 5 << 32 | number, key: number }
    }

    fn hears(reader: &mut Reader, desk: &mut Tested, rules: &Rules, message: &Message) -> Vec<&'static str> {
        use super::super::Wire;
        reader.on_message(desk, rules, (BROKER, |_| Some(BROKER)), message);
        desk.sent().iter().map(|(_, message)| message.name()).collect()
    }

    fn records(from: u64) -> Message {
        let entries: Rc<[Entry]> = Rc::from([entry(1), entry(2)]);
        Message::Records { partition: 0, from, entries, end: from + 2 }
    }

    #[test]
    fn it_says_how_far_it_is_when_a_record_is_done_or_before_it_begins() {
        for (commits, then) in [
            (Commits::After, [&[][..], &["Commit", "Commit", "Fetch"][..]]),
            (Commits::Before, [&["Commit"], &["Fetch"]]),
        ] {
            let rules = Rules { commits, ..RULES };
            let (mut desk, mut reader) = (Tested::new(3), Reader::default());
            reader.join(&mut desk, BROKER);
            desk.sent();
            let assigned = Message::Assigned { generation: 4, partitions: [(0, 7)].into() };
            assert_eq!(hears(&mut reader, &mut desk, &rules, &assigned), ["Fetch"]);
            assert_eq!(hears(&mut reader, &mut desk, &rules, &records(7)), then[0]);
            hears(&mut reader, &mut desk, &rules, &Message::Committed { partition: 0, offset: 9 });
            for number in [1, 2] {
                let order = reader.on_timer(&mut desk, &rules, (BROKER, |_| Some(BROKER)), Timer::Worked);
                assert_eq!(order, Some(Order::Apply(entry(number).item)));
                reader.applied(&mut desk, &rules, (BROKER, |_| Some(BROKER)), entry(number).item);
            }
            let sent: Vec<&str> = desk.sent().iter().map(|(_, message)| super::super::Wire::name(message)).collect();
            assert_eq!(sent, then[1], "{commits:?}");
            assert_eq!(reader.places.get(&0), Some(&9));
        }
    }

    #[test]
    fn who_is_fenced_drops_what_it_has_and_joins_again() {
        let (mut desk, mut reader) = (Tested::new(3), Reader::default());
        reader.join(&mut desk, BROKER);
        hears(&mut reader, &mut desk, &RULES, &Message::Assigned { generation: 4, partitions: [(0, 0)].into() });
        hears(&mut reader, &mut desk, &RULES, &records(0));
        assert!(reader.at_work().is_some());
        assert_eq!(hears(&mut reader, &mut desk, &RULES, &Message::Fenced), ["JoinGroup"]);
        assert!(reader.at_work().is_none() && reader.generation.is_none());
    }
}
