//! A group of consumers, and who of them reads which partition: dealt out anew, in a generation of its own, whenever somebody
//! comes or goes (Kafka's group protocol: JoinGroup, Heartbeat, OffsetCommit).
//!
//! Everyone must have joined again before partitions are dealt out, or have had the time to; who has not is out. From then on
//! only the new generation may commit: one that stood still meanwhile, and does not know that others read what was its own,
//! is refused (a zombie, fenced).

use std::rc::Rc;

use crate::sim::{Micros, NodeId, Port, Table, Time};

use super::broker::{Stored, Timer, Write};
use super::{Message, Told};

/// How many members a group has at most.
pub const MAX_MEMBERS: usize = 64;
/// How often it is seen who is still there.
const LOOK: Micros = Micros::ms(250);

/// How a group is coordinated.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How many partitions there are.
    pub partitions: u32,
    /// After how long without a sign of it a member is out.
    pub session: Micros,
    /// How long members have to join again.
    pub gather: Micros,
    /// Whether who is in an older generation is refused; not to is a mistake.
    pub fence: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Member {
    heard: Time,
    /// Whether it has joined again, while partitions are about to be dealt out.
    joined: bool,
}

/// A group, as its coordinator knows it.
#[derive(Clone, Debug, Default, Hash)]
pub struct Group {
    members: Table<NodeId, Member>,
    /// Partitions are about to be dealt out.
    preparing: bool,
    /// It looks after its members.
    looks: bool,
    /// What happened since somebody looked.
    pub told: Vec<Told>,
}

impl Group {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether nobody is there.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether partitions are about to be dealt out.
    pub fn preparing(&self) -> bool {
        self.preparing
    }

    fn prepare<P: Port<Timer = Timer>>(&mut self, port: &mut P, rules: &Rules) {
        if !self.preparing {
            self.preparing = true;
            self.members.values_mut().for_each(|member| member.joined = false);
            port.set(Timer::Gathered, rules.gather);
        }
        if !self.looks {
            self.looks = true;
            port.set(Timer::Look, LOOK);
        }
    }

    /// A consumer says something about the group.
    pub fn on_message<P>(&mut self, port: &mut P, rules: &Rules, stored: &mut Stored, from: NodeId, message: &Message)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let now = port.now();
        match *message {
            Message::JoinGroup => {
                if self.members.len() >= MAX_MEMBERS && !self.members.contains_key(&from) {
                    return;
                }
                self.prepare(port, rules);
                self.members.insert(from, Member { heard: now, joined: true });
            }
            Message::Heartbeat { generation } => {
                let answer = match self.members.get_mut(&from) {
                    Some(member) if generation == stored.generation => {
                        member.heard = now;
                        if self.preparing { Message::Rebalance } else { Message::Alive }
                    }
                    _ => Message::Fenced,
                };
                port.send(from, answer);
            }
            Message::Commit { generation, partition, offset } => {
                let known = self.members.contains_key(&from) && generation == stored.generation;
                if rules.fence && !known {
                    return port.send(from, Message::Fenced);
                }
                stored.committed.insert(partition, offset);
                let newest = stored.generation;
                self.told.push(Told::Committed { partition, offset, generation, newest });
                port.persist(Write::Commit(partition, offset), Some(Timer::Committed(partition, offset, from)));
            }
            _ => {}
        }
    }

    /// A timer has run out.
    pub fn on_timer<P>(&mut self, port: &mut P, rules: &Rules, stored: &mut Stored, timer: Timer)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        match timer {
            Timer::Look => {
                let (now, before) = (port.now(), self.members.len());
                self.members.retain(|_, member| now.since(member.heard) <= rules.session);
                if self.members.len() < before {
                    self.prepare(port, rules);
                }
                port.set(Timer::Look, LOOK);
            }
            Timer::Gathered => {
                self.members.retain(|_, member| member.joined);
                stored.generation += 1;
                port.persist(Write::Generation(stored.generation), Some(Timer::Formed));
            }
            Timer::Formed => self.form(port, rules, stored),
            Timer::Committed(partition, offset, from) => port.send(from, Message::Committed { partition, offset }),
            Timer::Appended(..) => {}
        }
    }

    /// Partitions are dealt out, one after the other in turn.
    fn form<P>(&mut self, port: &mut P, rules: &Rules, stored: &Stored)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        self.preparing = false;
        let members: Rc<[NodeId]> = self.members.keys().copied().collect();
        for (place, member) in members.iter().enumerate() {
            let own = (0..rules.partitions).filter(|partition| *partition as usize % members.len() == place);
            let partitions =
                own.map(|partition| (partition, stored.committed.get(&partition).copied().unwrap_or(0))).collect();
            port.send(*member, Message::Assigned { generation: stored.generation, partitions });
        }
        self.told.push(Told::Formed { generation: stored.generation, members });
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::Desk;
    use super::*;

    type Tested = Desk<Message, Timer, Write>;

    const RULES: Rules = Rules { partitions: 3, session: Micros::secs(2), gather: Micros::secs(1), fence: true };
    const A: NodeId = NodeId(1);
    const B: NodeId = NodeId(2);

    fn formed(group: &mut Group, desk: &mut Tested, stored: &mut Stored) -> Vec<(NodeId, Message)> {
        group.on_timer(desk, &RULES, stored, Timer::Gathered);
        group.on_timer(desk, &RULES, stored, Timer::Formed);
        desk.sent()
    }

    fn assigned(generation: u64, partitions: &[(u32, u64)]) -> Message {
        Message::Assigned { generation, partitions: partitions.into() }
    }

    fn commit(generation: u64, offset: u64) -> Message {
        Message::Commit { generation, partition: 1, offset }
    }

    #[test]
    fn partitions_are_dealt_out_to_whoever_has_joined_from_where_the_group_was() {
        let (mut desk, mut group, mut stored) = (Tested::new(9), Group::default(), Stored::default());
        for node in [A, B] {
            group.on_message(&mut desk, &RULES, &mut stored, node, &Message::JoinGroup);
        }
        let sent = formed(&mut group, &mut desk, &mut stored);
        assert_eq!(sent, [(A, assigned(1, &[(0, 0), (2, 0)])), (B, assigned(1, &[(1, 0)]))]);
        group.on_message(&mut desk, &RULES, &mut stored, B, &commit(1, 7));
        // B stands still: it is out, and A reads on from where it was.
        desk.now = Time(1_500_000);
        group.on_message(&mut desk, &RULES, &mut stored, A, &Message::Heartbeat { generation: 1 });
        desk.now = Time(2_100_000);
        group.on_timer(&mut desk, &RULES, &mut stored, Timer::Look);
        group.on_message(&mut desk, &RULES, &mut stored, A, &Message::Heartbeat { generation: 1 });
        group.on_message(&mut desk, &RULES, &mut stored, A, &Message::JoinGroup);
        assert_eq!(desk.sent(), [(A, Message::Alive), (A, Message::Rebalance)]);
        let sent = formed(&mut group, &mut desk, &mut stored);
        assert_eq!(sent, [(A, assigned(2, &[(0, 0), (1, 7), (2, 0)]))]);
    }

    #[test]
    fn a_zombie_is_refused_unless_nobody_looks_at_generations() {
        for fence in [true, false] {
            let rules = Rules { fence, ..RULES };
            let (mut desk, mut group, mut stored) = (Tested::new(9), Group::default(), Stored::default());
            group.on_message(&mut desk, &rules, &mut stored, A, &Message::JoinGroup);
            formed(&mut group, &mut desk, &mut stored);
            group.on_message(&mut desk, &rules, &mut stored, B, &commit(0, 3));
            assert_eq!(desk.sent() == [(B, Message::Fenced)], fence);
            assert_eq!(stored.committed.get(&1).copied(), (!fence).then_some(3));
        }
    }
}
