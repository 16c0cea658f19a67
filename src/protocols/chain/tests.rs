//! Chains, message by message.

use super::master::{self, Master, Register};
use super::*;
use crate::protocols::Wire;
use crate::protocols::testing::Desk;
use crate::sim::Disk;

const MASTER: NodeId = NodeId(0);
const SERVERS: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];
const CLIENT: NodeId = NodeId(9);
const WATCH: master::Rules = master::Rules { patience: Micros::ms(600), lease: Micros::ms(500) };

struct Place {
    server: Server,
    desk: Desk<Message, Timer, Write>,
    disk: Store,
    up: bool,
}

struct Stage {
    places: Vec<Place>,
    master: Master,
    desk: Desk<Message, master::Timer, View>,
    register: Register,
    rules: Rules,
    now: Time,
    cut: Vec<(NodeId, NodeId)>,
    lines: Vec<String>,
    told: Vec<kv::Message>,
}

impl Stage {
    fn new(mistake: Mistake) -> Stage {
        let rules = Rules { again: Micros::ms(300), mistake };
        let places = SERVERS.map(|id| {
            let (mut desk, disk) = (Desk::new(id.0), Store::default());
            Place { server: Server::boot(&mut desk, &disk, &rules), desk, disk, up: true }
        });
        let register = Register::default();
        let mut stage = Stage {
            places: Vec::from(places),
            master: Master::boot(&register, Time::ZERO),
            desk: Desk::new(MASTER.0),
            register,
            rules,
            now: Time::ZERO,
            cut: Vec::new(),
            lines: Vec::new(),
            told: Vec::new(),
        };
        stage.pass(3);
        stage.lines.clear();
        stage
    }
    fn place(&mut self, id: NodeId) -> &mut Place {
        &mut self.places[id.0 as usize - 1]
    }
    fn carry(&mut self, from: NodeId, to: NodeId, message: Message) {
        if !matches!(message, Message::Report(_) | Message::Appoint { .. }) {
            self.lines.push(format!("{from} {to} {} {}", message.name(), message.summary()));
        }
        if self.cut.contains(&(from, to)) || self.cut.contains(&(to, from)) {
            return;
        }
        if to == MASTER {
            if let Message::Report(report) = message {
                self.master.on_report(&mut self.desk, from, report, &WATCH);
            }
        } else if self.place(to).up {
            let rules = self.rules;
            let place = self.place(to);
            place.server.on_message(&mut place.desk, &rules, from, message);
        }
    }
    /// Everything that is written and sent comes to where it is going; no time passes.
    fn settle(&mut self) {
        loop {
            let mut still = true;
            for id in SERVERS {
                let rules = self.rules;
                let place = self.place(id);
                for (write, done) in std::mem::take(&mut place.desk.writes).into_iter().filter(|_| place.up) {
                    still = false;
                    place.disk.apply(write);
                    if let Some(timer) = done {
                        place.server.on_timer(&mut place.desk, &rules, timer);
                    }
                }
                for news in place.server.news() {
                    if let News::Answer(_, answer) = news {
                        self.told.push(answer);
                    }
                }
                for (to, message) in self.place(id).desk.sent() {
                    still = false;
                    self.carry(id, to, message);
                }
            }
            for (view, done) in std::mem::take(&mut self.desk.writes) {
                still = false;
                self.register.apply(view);
                if let Some(timer) = done {
                    self.master.on_timer(&mut self.desk, timer, &WATCH);
                }
            }
            for (to, message) in self.desk.sent() {
                still = false;
                self.carry(MASTER, to, message);
            }
            if still {
                return;
            }
        }
    }
    /// So many tenths of a second pass, in which everyone reports.
    fn pass(&mut self, tenths: u64) {
        for _ in 0..tenths {
            self.now += Micros::ms(100);
            self.desk.now = self.now;
            for id in SERVERS {
                let (now, rules) = (self.now, self.rules);
                let place = self.place(id);
                place.desk.now = now;
                if place.up {
                    let report = place.server.report(now);
                    place.desk.send(MASTER, Message::Report(report));
                    place.server.on_timer(&mut place.desk, &rules, Timer::Again);
                }
            }
            self.settle();
            self.master.tick(&mut self.desk, &WATCH, &SERVERS);
            self.settle();
        }
    }
    fn kill(&mut self, id: NodeId) {
        let place = self.place(id);
        place.up = false;
        place.desk.writes.clear();
        place.desk.sent();
    }
    fn restart(&mut self, id: NodeId) {
        let rules = self.rules;
        let place = self.place(id);
        place.up = true;
        place.server = Server::boot(&mut place.desk, &place.disk, &rules);
    }
    /// A client asks; nothing is carried yet.
    fn ask(&mut self, id: NodeId, number: u64, op: Op) {
        let rules = self.rules;
        let place = self.place(id);
        place.server.ask(&mut place.desk, &rules, CLIENT, number, 7, op);
    }
    fn told(&mut self) -> Vec<kv::Message> {
        self.settle();
        std::mem::take(&mut self.told)
    }
    fn view(&self) -> String {
        self.master.view().map_or("none".to_owned(), ToString::to_string)
    }
    fn values(&mut self) -> [Option<u64>; 3] {
        SERVERS.map(|id| self.place(id).server.durable().0.read(7))
    }
}

fn done(number: u64, value: Option<u64>) -> Vec<kv::Message> {
    vec![kv::Message::Done { number, value }]
}

#[test]
fn an_update_goes_down_the_chain_and_its_acknowledgement_comes_back() {
    let mut stage = Stage::new(Mistake::None);
    assert_eq!(stage.view(), "1: @1 → @2 → @3");
    stage.ask(SERVERS[0], 1, Op::Write(11));
    assert_eq!(stage.told(), done(1, None));
    let expected = [
        "@1 @2 Update view 1, update 1, value 7:=11",
        "@2 @3 Update view 1, update 1, value 7:=11",
        "@3 @2 Ack view 1, up to update 1",
        "@2 @1 Ack view 1, up to update 1",
    ];
    assert_eq!(stage.lines, expected);
    assert_eq!(stage.values(), [Some(11); 3]);
    assert!(SERVERS.iter().all(|id| stage.place(*id).server.sent().is_empty()));
    // Reads at the tail, updates at the head; whoever is asked for the other names the right one.
    stage.ask(SERVERS[2], 2, Op::Read);
    stage.ask(SERVERS[1], 3, Op::Read);
    stage.ask(SERVERS[1], 4, Op::Write(12));
    let expected = [
        kv::Message::Elsewhere { number: 3, ask: Some(SERVERS[2]) },
        kv::Message::Elsewhere { number: 4, ask: Some(SERVERS[0]) },
        kv::Message::Done { number: 2, value: Some(11) },
    ];
    assert_eq!(stage.told(), expected);
    // Asked again it is not done again.
    stage.ask(SERVERS[0], 1, Op::Write(11));
    assert_eq!(stage.told(), done(1, None));
    assert_eq!(stage.lines.len(), 4);
}

#[test]
fn the_head_goes_and_what_only_it_had_was_never_answered() {
    let mut stage = Stage::new(Mistake::None);
    stage.cut.push((SERVERS[0], SERVERS[1]));
    stage.ask(SERVERS[0], 1, Op::Write(11));
    assert_eq!(stage.told(), []);
    stage.kill(SERVERS[0]);
    stage.pass(10);
    assert_eq!(stage.view(), "2: @2 → @3");
    stage.ask(SERVERS[1], 2, Op::Write(12));
    assert_eq!(stage.told(), done(2, None));
    // It comes back behind the tail, and gives up what only it had.
    stage.cut.clear();
    stage.restart(SERVERS[0]);
    stage.pass(10);
    assert_eq!(stage.view(), "3: @2 → @3 → @1, which joins");
    assert_eq!(stage.values(), [Some(12); 3]);
    stage.ask(SERVERS[0], 3, Op::Read);
    assert_eq!(stage.told(), done(3, Some(12)));
}

#[test]
fn the_tail_goes_and_its_predecessor_answers_what_it_had_sent() {
    let mut stage = Stage::new(Mistake::None);
    stage.cut.push((SERVERS[1], SERVERS[2]));
    stage.ask(SERVERS[0], 1, Op::Write(11));
    assert_eq!(stage.told(), [], "the tail does not have it");
    stage.kill(SERVERS[2]);
    stage.pass(10);
    assert_eq!(stage.view(), "2: @1 → @2");
    assert_eq!(stage.told(), done(1, None));
    stage.ask(SERVERS[1], 2, Op::Read);
    assert_eq!(stage.told(), done(2, Some(11)));
}

/// The middle server goes with an update that the tail does not have.
fn middle(mistake: Mistake) -> Stage {
    let mut stage = Stage::new(mistake);
    stage.cut.push((SERVERS[1], SERVERS[2]));
    stage.ask(SERVERS[0], 1, Op::Write(11));
    stage.settle();
    stage.kill(SERVERS[1]);
    stage.lines.clear();
    stage.pass(10);
    assert_eq!(stage.view(), "2: @1 → @3");
    stage
}

#[test]
fn one_between_goes_and_its_predecessor_sends_what_its_successor_lacks() {
    let mut stage = middle(Mistake::None);
    let expected = [
        "@3 @1 Hello view 2, has up to update 0, of view 1",
        "@1 @3 Sync view 2",
        "@1 @3 Update view 2, update 1, value 7:=11",
        "@3 @1 Ack view 2, up to update 1",
    ];
    assert_eq!(
        stage.lines.iter().filter(|line| line.contains("view 2")).take(4).collect::<Vec<_>>(),
        expected.each_ref()
    );
    assert_eq!(stage.told(), done(1, None));
    // Not sent again, it is missing for ever, and nobody notices.
    let mut stage = middle(Mistake::NoResend);
    assert_eq!(stage.told(), []);
    stage.ask(SERVERS[0], 2, Op::Cas(11, 12));
    assert_eq!(stage.told(), [kv::Message::Differs { number: 2 }]);
    assert_eq!(stage.values()[0], Some(12));
    assert_eq!(stage.values()[2], None);
}

#[test]
fn a_tail_that_the_master_does_not_hear_stops_before_another_answers() {
    let mut stage = Stage::new(Mistake::None);
    stage.ask(SERVERS[0], 1, Op::Write(11));
    assert_eq!(stage.told(), done(1, None));
    stage.cut.push((SERVERS[2], MASTER));
    stage.cut.push((SERVERS[2], SERVERS[1]));
    for _ in 0..12 {
        let before = stage.view();
        stage.pass(1);
        stage.ask(SERVERS[2], 2, Op::Read);
        let read = stage.told();
        if before != "1: @1 → @2 → @3" {
            assert!(matches!(read[..], [kv::Message::Elsewhere { .. }]), "{before}: {read:?}");
        }
    }
    assert_eq!(stage.view(), "2: @1 → @2");
}

#[test]
fn one_that_lost_its_disk_is_no_longer_where_it_was() {
    let mut stage = Stage::new(Mistake::None);
    stage.ask(SERVERS[0], 1, Op::Write(11));
    stage.settle();
    stage.kill(SERVERS[2]);
    stage.pass(10);
    stage.restart(SERVERS[2]);
    stage.pass(10);
    // It crashes with its disk, and is back before anybody misses it.
    stage.kill(SERVERS[0]);
    stage.place(SERVERS[0]).disk = Store::default();
    stage.restart(SERVERS[0]);
    stage.pass(10);
    assert_eq!(stage.view(), "5: @2 → @3 → @1, which joins");
    assert_eq!(stage.values(), [Some(11); 3]);
}

#[test]
fn a_server_that_was_back_at_once_has_its_place_and_all_go_on() {
    let mut stage = Stage::new(Mistake::None);
    for (number, id) in (1..).zip(SERVERS) {
        stage.ask(SERVERS[0], number, Op::Write(10 + number));
        stage.settle();
        stage.kill(id);
        stage.restart(id);
        stage.pass(6);
        assert_eq!(stage.values(), [Some(10 + number); 3]);
        assert_eq!(stage.view(), "1: @1 → @2 → @3");
    }
    stage.ask(SERVERS[0], 9, Op::Write(19));
    stage.pass(3);
    assert_eq!(stage.told.last(), Some(&kv::Message::Done { number: 9, value: None }));
}
