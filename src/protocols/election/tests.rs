//! Elections among electors whose messages take a while, and the counts of both papers.

use crate::protocols::Wire;
use crate::protocols::testing::Desk as Port;
use crate::sim::{Micros, NodeId, Time};

use super::*;

type Ported = Port<Message, Timer, ()>;

/// Electors whose messages are under way for 50 ms.
struct Group {
    rules: Rules,
    electors: Vec<Option<Elector>>,
    ports: Vec<Ported>,
    flights: Vec<(Time, NodeId, NodeId, Message)>,
    now: Time,
    sent: Vec<&'static str>,
    told: Vec<(u32, Told)>,
}

fn rules(algorithm: Algorithm) -> Rules {
    Rules {
        algorithm,
        beat: Micros::ms(500),
        patience: Micros::ms(1500),
        timeout: Micros::ms(300),
        direction: Direction::Onwards,
        shuffle: 0,
        mistake: Mistake::None,
    }
}

impl Group {
    fn new(count: u32, rules: Rules) -> Group {
        let ports = (0..count).map(Port::new).collect();
        let electors = (0..count).map(|_| None).collect();
        let (flights, sent, told) = (Vec::new(), Vec::new(), Vec::new());
        let mut group = Group { rules, electors, ports, flights, now: Time::ZERO, sent, told };
        for id in 0..count {
            group.start(id);
        }
        group
    }

    fn at(&mut self, id: u32, work: impl FnOnce(&mut Option<Elector>, &mut Desk<'_, Ported>)) {
        let members: Vec<NodeId> = (0..self.ports.len() as u32).map(NodeId).collect();
        let (port, elector) = (&mut self.ports[id as usize], &mut self.electors[id as usize]);
        port.now = self.now;
        work(elector, &mut Desk { port, rules: &self.rules, members: &members });
        let due = self.now + Micros::ms(50);
        for (to, message) in port.sent() {
            self.flights.push((due, NodeId(id), to, message));
        }
        for news in elector.as_mut().map(Elector::news).unwrap_or_default() {
            match news {
                News::Sent(name) => self.sent.push(name),
                News::Told(told) => self.told.push((id, told)),
                _ => {}
            }
        }
    }

    fn start(&mut self, id: u32) {
        self.at(id, |elector, desk| *elector = Some(Elector::boot(desk)));
    }

    fn kill(&mut self, id: u32) {
        self.electors[id as usize] = None;
        self.ports[id as usize].timers.clear();
    }

    /// Until this instant, what is due first first.
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
                    if self.electors[to.0 as usize].is_some() {
                        self.at(to.0, |elector, desk| {
                            elector.as_mut().expect("it is up").on_message(desk, from, message);
                        });
                    }
                }
                (_, Some((_, id, place))) => {
                    let (timer, _) = self.ports[id as usize].timers.remove(place);
                    self.at(id, |elector, desk| elector.as_mut().expect("it is up").on_timer(desk, timer));
                }
                _ => break,
            }
        }
        self.now = Time(until * 1_000);
    }

    fn count(&self, name: &str) -> usize {
        self.sent.iter().filter(|sent| **sent == name).count()
    }

    fn follow(&self) -> Vec<Option<u32>> {
        self.electors.iter().flatten().map(|elector| elector.coordinator().map(|node| node.0)).collect()
    }

    /// Who told that it is the coordinator.
    fn elected(&self) -> Vec<u32> {
        let told = |(id, told): &(u32, Told)| matches!(told, Told::Coordinates { .. }).then_some(*id);
        self.told.iter().filter_map(told).collect()
    }
}

#[test]
fn all_start_and_the_highest_bullies_the_others() {
    let n = 5;
    let mut group = Group::new(n, rules(Algorithm::Bully));
    group.run(2_000);
    assert_eq!(group.follow(), [Some(4); 5]);
    assert_eq!(group.elected(), [4]);
    // Each asks all higher ones, who answer; the highest asks nobody, halts all, and says so to all.
    let pairs = (n * (n - 1) / 2) as usize;
    assert_eq!([group.count("AreYouUp"), group.count("Halt"), group.count("Halted")], [pairs, 4, 4]);
    assert_eq!(group.count("NewCoordinator"), 4);
}

#[test]
fn the_lowest_notices_first_and_everyone_above_asks_everyone_above() {
    let n = 6;
    let mut group = Group::new(n, rules(Algorithm::Bully));
    group.run(2_010);
    group.kill(5);
    group.run(2_100);
    group.sent.clear();
    group.at(0, |elector, desk| elector.as_mut().expect("it is up").on_timer(desk, Timer::Silent));
    group.run(4_000);
    assert_eq!(group.follow(), [Some(4); 5]);
    let n = n as usize;
    assert_eq!(group.count("AreYouUp"), n * (n - 1) / 2);
    assert_eq!(group.count("Up"), (n - 1) * (n - 2) / 2);
    assert_eq!(group.count("NewCoordinator"), n - 2);
}

#[test]
fn the_second_highest_notices_first_and_tells_n_minus_2() {
    let mut group = Group::new(6, rules(Algorithm::Bully));
    group.run(2_010);
    group.kill(5);
    group.run(2_100);
    group.sent.clear();
    group.at(4, |elector, desk| elector.as_mut().expect("it is up").on_timer(desk, Timer::Silent));
    group.run(4_000);
    assert_eq!(group.follow(), [Some(4); 5]);
    assert_eq!([group.count("AreYouUp"), group.count("Halt"), group.count("NewCoordinator")], [1, 4, 4]);
}

#[test]
fn whoever_comes_back_is_coordinator_only_when_the_other_has_stopped() {
    for algorithm in [Algorithm::Bully, Algorithm::Ring] {
        let mut group = Group::new(4, rules(algorithm));
        group.run(2_000);
        group.kill(3);
        group.run(8_000);
        assert_eq!(group.follow(), [Some(2); 3], "{algorithm:?}");
        group.told.clear();
        group.start(3);
        group.run(16_000);
        assert_eq!(group.follow(), [Some(3); 4], "{algorithm:?}");
        let stops = group.told.iter().position(|told| matches!(told, (2, Told::Aside { .. })));
        let leads = group.told.iter().position(|told| matches!(told, (3, Told::Coordinates { .. })));
        assert!(stops < leads && stops.is_some(), "{algorithm:?}: {:?}", group.told);
    }
}

#[test]
fn on_the_ring_all_numbers_but_the_highest_are_swallowed() {
    let n = 7;
    for (direction, expected) in [(Direction::Onwards, 2 * n - 1), (Direction::Backwards, n * (n + 1) / 2)] {
        let mut group = Group::new(n, Rules { direction, ..rules(Algorithm::Ring) });
        group.run(1_400);
        assert_eq!(group.follow(), [Some(6); 7]);
        assert_eq!(group.count("Election"), expected as usize, "{direction:?}");
        assert_eq!(group.count("Elected"), n as usize, "once round");
        assert_eq!(group.elected(), [6]);
    }
}

#[test]
fn a_ring_goes_on_past_those_that_are_down() {
    let mut group = Group::new(5, rules(Algorithm::Ring));
    group.run(2_000);
    group.kill(4);
    group.kill(2);
    group.run(10_000);
    assert_eq!(group.follow(), [Some(3); 3]);
}

#[test]
fn who_waits_too_briefly_or_swallows_nothing_is_one_of_two() {
    let hasty = Rules { timeout: Micros::ms(60), ..rules(Algorithm::Bully) };
    let mut group = Group::new(5, hasty);
    group.run(2_000);
    group.kill(4);
    group.told.clear();
    group.run(4_000);
    let among = group.elected();
    assert!((0..3).any(|low| among.contains(&low)), "those that have a higher one above them, too: {among:?}");
    let careless = Rules { mistake: Mistake::PassesEverything, ..rules(Algorithm::Ring) };
    let mut group = Group::new(5, careless);
    group.run(600);
    assert_eq!(group.elected().len(), 5, "every number comes back");
}

#[test]
fn drawn_numbers_are_all_different() {
    for shuffle in [1, 2, 77, 999_999] {
        let mut numbers: Vec<u32> = (0..=255).map(|id| number(NodeId(id), shuffle)).collect();
        let drawn = numbers.clone();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=256).collect::<Vec<_>>());
        assert_ne!(numbers, drawn);
    }
    assert_eq!(Message::AreYouUp.name(), "AreYouUp");
}
