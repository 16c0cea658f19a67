//! Replicas whose messages take a while: the normal case, liars, and the way to another view.

use crate::protocols::kv::{self, Op};
use crate::protocols::testing::Desk;
use crate::sim::{Micros, NodeId, Port as _, Time};

use super::*;

type Ported = Desk<Message, Timer, Write>;

/// Replicas from 0, and a client, whose number comes after theirs. Messages are under way for 50 ms.
struct Group {
    rules: Vec<Rules>,
    replicas: Vec<Option<Replica>>,
    ports: Vec<Ported>,
    flights: Vec<(Time, NodeId, NodeId, Message)>,
    now: Time,
    sent: Vec<&'static str>,
    told: Vec<(u32, Told)>,
    replies: Vec<(u32, kv::Message)>,
}

impl Group {
    fn new(count: u32, f: u32) -> Group {
        let rules = Rules { f, checkpoint: 4, patience: Micros::ms(1500), lies: Lies::None, mistake: Mistake::None };
        let mut group = Group {
            rules: vec![rules; count as usize],
            replicas: (0..count).map(|_| None).collect(),
            ports: (0..count).map(Desk::new).collect(),
            flights: Vec::new(),
            now: Time::ZERO,
            sent: Vec::new(),
            told: Vec::new(),
            replies: Vec::new(),
        };
        let founders: Vec<NodeId> = (0..count).map(NodeId).collect();
        for id in 0..count {
            group.at(id, |replica, port, rules| {
                *replica = Some(Replica::boot(port, &Store::default(), &founders, rules));
            });
        }
        group
    }

    fn at(&mut self, id: u32, work: impl FnOnce(&mut Option<Replica>, &mut Ported, &Rules)) {
        let (port, replica) = (&mut self.ports[id as usize], &mut self.replicas[id as usize]);
        port.now = self.now;
        work(replica, port, &self.rules[id as usize]);
        let due = self.now + Micros::ms(50);
        for (to, message) in port.sent() {
            self.flights.push((due, NodeId(id), to, message));
        }
        for news in replica.as_mut().map(Replica::news).unwrap_or_default() {
            match news {
                News::Sent(name) => self.sent.push(name),
                News::Told(told) => self.told.push((id, told)),
            }
        }
    }

    /// A client asks for a write at these.
    fn ask(&mut self, client: u32, number: u64, at: &[u32]) {
        let command = Command::Ask { client: NodeId(client), number, key: client, op: Op::Write(number) };
        for id in at {
            let message = Message::Request { command: command.clone() };
            self.flights.push((self.now + Micros::ms(50), NodeId(client), NodeId(*id), message));
        }
    }

    fn run(&mut self, until: u64) {
        loop {
            let flight = self.flights.iter().enumerate().min_by_key(|(_, flight)| flight.0);
            let flight = flight.map(|(place, flight)| (flight.0, place));
            let timers = self.ports.iter().enumerate().flat_map(|(id, port)| {
                port.timers.iter().enumerate().map(move |(place, (_, due))| (*due, id as u32, place))
            });
            let timer = timers.min();
            let next = flight.map(|(due, _)| due).into_iter().chain(timer.map(|(due, ..)| due)).min();
            let Some(next) = next.filter(|next| next.0 <= until * 1_000) else { break };
            self.now = next;
            match (flight, timer) {
                (Some((due, place)), _) if due == next => {
                    let (_, from, to, message) = self.flights.remove(place);
                    if to.0 as usize >= self.replicas.len() {
                        if let Message::Reply { answer, .. } = message {
                            self.replies.push((from.0, answer));
                        }
                    } else if self.replicas[to.0 as usize].is_some() {
                        self.at(to.0, |replica, port, rules| {
                            replica.as_mut().expect("it is up").on_message(port, rules, from, message);
                        });
                    }
                }
                (_, Some((_, id, place))) => {
                    let (timer, _) = self.ports[id as usize].timers.remove(place);
                    self.at(id, |replica, port, rules| {
                        replica.as_mut().expect("it is up").on_timer(port, rules, timer);
                    });
                }
                _ => break,
            }
        }
        self.now = Time(until * 1_000);
    }

    fn kill(&mut self, id: u32) {
        self.replicas[id as usize] = None;
        self.ports[id as usize].timers.clear();
    }

    fn count(&self, name: &str) -> usize {
        self.sent.iter().filter(|sent| **sent == name).count()
    }

    /// What a replica executed, in its order.
    fn executed(&self, of: u32) -> Vec<String> {
        let told = |(id, told): &(u32, Told)| match told {
            Told::Executed { value, .. } if *id == of => Some(value.short()),
            _ => None,
        };
        self.told.iter().filter_map(told).collect()
    }

    fn views(&self) -> Vec<View> {
        self.replicas.iter().flatten().map(|replica| replica.core().view).collect()
    }
}

#[test]
fn a_request_takes_as_many_messages_as_the_paper_counts() {
    for (n, f) in [(4, 1), (7, 2), (10, 3)] {
        let mut group = Group::new(n, f);
        group.ask(n, 1, &[0]);
        group.run(260);
        let n = n as usize;
        let counts = ["PRE-PREPARE", "PREPARE", "COMMIT", "REPLY"].map(|name| group.count(name));
        assert_eq!(counts, [n - 1, (n - 1) * (n - 1), n * (n - 1), n]);
        assert_eq!(group.replies.len(), n, "five messages one after another");
        assert!(group.replies.iter().all(|(_, answer)| *answer == kv::Message::Done { number: 1, value: None }));
    }
}

#[test]
fn a_checkpoint_that_enough_have_moves_the_water_marks() {
    let mut group = Group::new(4, 1);
    for number in 1..=5 {
        group.ask(4, number, &[0]);
        group.run(number * 400);
    }
    for replica in group.replicas.iter().flatten() {
        assert_eq!([replica.core().stable.seq, replica.core().executed], [4, 5]);
        assert_eq!(replica.core().slots.keys().copied().collect::<Vec<_>>(), [5]);
    }
}

#[test]
fn a_primary_that_is_silent_is_given_up_and_what_was_asked_is_done_once() {
    let mut group = Group::new(4, 1);
    group.ask(4, 1, &[0]);
    group.run(400);
    group.rules[0].lies = Lies::Silent;
    group.ask(4, 2, &[0]);
    group.run(1_000);
    group.ask(4, 2, &[0, 1, 2, 3]);
    group.run(4_000);
    assert_eq!(group.views(), [1; 4]);
    assert_eq!(group.executed(2), ["4:=1", "4:=2"]);
    assert_eq!(group.executed(3), ["4:=1", "4:=2"]);
}

#[test]
fn what_was_prepared_goes_along_to_the_next_view() {
    let mut group = Group::new(4, 1);
    group.ask(4, 1, &[0]);
    // Prepared at everyone, and the commits are under way; then the primary dies, and they are all lost.
    group.run(160);
    let prepared = group.told.iter().filter(|(_, told)| matches!(told, Told::Prepared { .. })).count();
    assert_eq!((prepared, group.count("COMMIT")), (4, 12));
    group.flights.clear();
    group.kill(0);
    group.run(6_000);
    let begun = group.told.iter().find(|(_, told)| matches!(told, Told::Enters { .. }));
    assert!(matches!(begun, Some((1, Told::Enters { view: 1, anew: 1 }))), "{begun:?}");
    for id in 1..4 {
        assert_eq!(group.executed(id), ["4:=1"]);
    }
}

#[test]
fn a_primary_that_tells_two_tales_is_believed_by_nobody_or_in_one_of_them() {
    for luck in 0..20_u64 {
        let mut group = Group::new(4, 1);
        for _ in 0..luck {
            group.ports[0].rng().bits();
        }
        group.rules[0].lies = Lies::Equivocates;
        for client in [4, 5] {
            group.ask(client, 1, &[0, 1, 2, 3]);
        }
        group.run(8_000);
        let orders: Vec<_> = (1..4).map(|id| group.executed(id)).collect();
        assert!(orders.iter().filter(|order| order.len() == 2).count() >= 2, "they are answered: {orders:?}");
        for order in &orders {
            assert!(orders.iter().all(|other| other.starts_with(order) || order.starts_with(other)), "{orders:?}");
        }
    }
}

#[test]
fn with_2f_for_a_quorum_two_honest_ones_part() {
    let parts = |luck: u64| {
        let mut group = Group::new(4, 1);
        for _ in 0..luck {
            group.ports[0].rng().bits();
        }
        for rules in &mut group.rules {
            rules.mistake = Mistake::SmallQuorum;
        }
        group.rules[0].lies = Lies::Equivocates;
        for client in [4, 5] {
            group.ask(client, 1, &[0, 1, 2, 3]);
        }
        group.run(1_000);
        let first: Vec<_> = (1..4).filter_map(|id| group.executed(id).first().cloned()).collect();
        first.windows(2).any(|pair| pair[0] != pair[1])
    };
    assert!((0..10).any(parts));
}

#[test]
fn whoever_was_down_gets_the_state_at_the_next_checkpoint() {
    let mut group = Group::new(4, 1);
    group.kill(3);
    for number in 1..=3 {
        group.ask(4, number, &[0]);
        group.run(number * 400);
    }
    let disk = Store::default();
    let founders: Vec<NodeId> = (0..4).map(NodeId).collect();
    group.at(3, |replica, port, rules| *replica = Some(Replica::boot(port, &disk, &founders, rules)));
    for number in 4..=6 {
        group.ask(4, number, &[0]);
        group.run(number * 400);
    }
    assert!(group.told.contains(&(3, Told::Fetched { seq: 4 })));
    assert_eq!(group.executed(3), ["4:=5", "4:=6"]);
    let machines: Vec<_> = group.replicas.iter().flatten().map(|replica| mark_of(&*replica.core().machine)).collect();
    assert!(machines.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_client_believes_what_f_plus_1_say() {
    let mut client = Client::default();
    let command = Command::Ask { client: NodeId(9), number: 7, key: 1, op: Op::Read };
    let replicas: Vec<NodeId> = (0..4).map(NodeId).collect();
    assert_eq!(client.ask(&replicas, 7, command).map(|(to, _)| to), Some(NodeId(0)));
    let answer = |value| kv::Message::Done { number: 7, value: Some(value) };
    let mut hear = |from: u32, value| client.on_reply(NodeId(from), 1, answer(value), 1, Believes::Enough);
    assert_eq!(hear(3, 666), Outcome::Waits);
    assert_eq!(hear(3, 666), Outcome::Waits, "the same one twice is one");
    assert_eq!(hear(0, 5), Outcome::Waits);
    assert_eq!(hear(2, 5), Outcome::Answer(answer(5)));
    assert_eq!(hear(1, 5), Outcome::Waits, "it is over");
    assert_eq!(client.view(), 1);
}
