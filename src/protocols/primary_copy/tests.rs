//! Three servers and a manager on desks: what is sent is carried by hand, so that each test reads as a transcript.

use super::manager::{self, Acknowledge, Manager, Register};
use super::*;
use crate::protocols::Wire as _;
use crate::protocols::testing::Desk;
use crate::sim::Disk;

const CLIENT: NodeId = NodeId(9);
const MANAGER: NodeId = NodeId(8);
const SERVERS: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];
const FENCED: Rules = Rules { fenced: true, early: false, once: false };
const LEASE: Micros = Micros::ms(500);

struct Host {
    server: Server,
    desk: Desk<Message, Timer, Write>,
    disk: Store,
    up: bool,
    /// Its disk takes nothing.
    stuck: bool,
    rules: Rules,
}

struct Stage {
    hosts: Vec<Host>,
    manager: Manager,
    desk: Desk<Message, manager::Timer, manager::Write>,
    register: Register,
    rules: manager::Rules,
    /// Pairs that nothing goes between.
    cut: Vec<(NodeId, NodeId)>,
    now: Time,
    told: Vec<kv::Message>,
    answered: Vec<Place>,
    lines: Vec<String>,
}

impl Stage {
    fn new(acknowledge: Acknowledge) -> Stage {
        let rules = manager::Rules { acknowledge, some: 1, patience: Micros::ms(600), lease: LEASE };
        let host = |id: NodeId| Host {
            server: Server::boot(&Store::default(), Time::ZERO),
            desk: Desk::new(id.0),
            disk: Store::default(),
            up: true,
            stuck: false,
            rules: FENCED,
        };
        let mut stage = Stage {
            hosts: SERVERS.map(host).into(),
            manager: Manager::boot(&Register::default(), Time::ZERO, &rules),
            desk: Desk::new(MANAGER.0),
            register: Register::default(),
            rules,
            cut: Vec::new(),
            now: Time::ZERO,
            told: Vec::new(),
            answered: Vec::new(),
            lines: Vec::new(),
        };
        stage.pass(5);
        stage
    }
    fn host(&mut self, id: NodeId) -> &mut Host {
        &mut self.hosts[id.0 as usize - 1]
    }
    fn has(&self, id: NodeId, key: u32) -> Option<u64> {
        self.hosts[id.0 as usize - 1].disk.state.held.get(&key).map(|(value, _)| *value)
    }
    fn open(&self, from: NodeId, to: NodeId) -> bool {
        !self.cut.contains(&(from, to)) && !self.cut.contains(&(to, from))
    }
    fn take(&mut self, outcome: Outcome) {
        self.told.extend(outcome.answers.into_iter().map(|(_, answer)| answer));
        self.answered.extend(outcome.answered.into_iter().filter_map(|(_, place)| place));
    }
    fn carry(&mut self, from: NodeId, to: NodeId, message: Message) {
        if !matches!(message, Message::Report(_) | Message::Appoint { .. }) {
            self.lines.push(format!("{from} {to} {} {}", message.name(), message.summary()));
        }
        if !self.open(from, to) {
            return;
        }
        if to == MANAGER {
            if let Message::Report(report) = message {
                self.manager.on_report(&mut self.desk, from, report, &self.rules, &SERVERS);
            }
        } else if self.host(to).up {
            let host = self.host(to);
            let outcome = host.server.on_message(&mut host.desk, from, message, &host.rules);
            self.take(outcome);
        }
    }
    /// Everything that is written and sent comes to where it is going; no time passes.
    fn settle(&mut self) {
        loop {
            let mut still = true;
            for id in SERVERS {
                let host = self.host(id);
                let up = host.up;
                let writes = if host.stuck { Vec::new() } else { std::mem::take(&mut host.desk.writes) };
                for (write, done) in writes.into_iter().filter(|_| up) {
                    still = false;
                    let host = self.host(id);
                    host.disk.apply(write);
                    if let Some(timer) = done {
                        let outcome = host.server.on_timer(&mut host.desk, timer, &host.rules);
                        self.take(outcome);
                    }
                }
                for (to, message) in self.host(id).desk.sent() {
                    still = false;
                    self.carry(id, to, message);
                }
            }
            for (write, done) in std::mem::take(&mut self.desk.writes) {
                still = false;
                self.register.apply(write);
                if let Some(timer) = done {
                    self.manager.on_timer(&mut self.desk, timer, &self.rules);
                }
            }
            for (to, message) in self.desk.sent() {
                still = false;
                self.carry(MANAGER, to, message);
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
                let now = self.now;
                let host = self.host(id);
                host.desk.now = now;
                if host.up {
                    let report = host.server.report(now);
                    host.desk.send(MANAGER, Message::Report(report));
                    host.server.again(&mut host.desk, &host.rules);
                }
            }
            self.settle();
            self.manager.tick(&mut self.desk, &self.rules, &SERVERS);
            self.settle();
        }
    }
    fn kill(&mut self, id: NodeId) {
        let host = self.host(id);
        host.up = false;
        host.desk.writes.clear();
        host.desk.sent();
    }
    fn restart(&mut self, id: NodeId) {
        let now = self.now;
        let host = self.host(id);
        (host.up, host.server) = (true, Server::boot(&host.disk, now));
    }
    /// The manager starts again; its disk is new.
    fn forget(&mut self) {
        self.register = Register::default();
        self.manager = Manager::boot(&self.register, self.now, &self.rules);
        self.desk.writes.clear();
    }
    /// A client asks; nothing is carried yet.
    fn ask(&mut self, id: NodeId, number: u64, op: Op) {
        let host = self.host(id);
        let outcome = host.server.ask(&mut host.desk, CLIENT, number, 7, op, &host.rules);
        self.take(outcome);
    }
    fn told(&mut self) -> Vec<kv::Message> {
        self.settle();
        std::mem::take(&mut self.told)
    }
    fn view(&self) -> String {
        self.manager.view().map_or("none".to_owned(), ToString::to_string)
    }
}

fn done(number: u64, value: Option<u64>) -> Vec<kv::Message> {
    vec![kv::Message::Done { number, value }]
}

#[test]
fn a_write_is_answered_when_all_of_the_view_have_it() {
    let mut stage = Stage::new(Acknowledge::All);
    assert_eq!(stage.view(), "view 1: primary @1, backups @2 @3");
    stage.lines.clear();
    stage.ask(SERVERS[0], 1, Op::Write(11));
    assert_eq!(stage.told, [], "not before they have it");
    assert_eq!(stage.told(), done(1, None));
    let written = "view 1, position 1, key 7, value 11";
    assert_eq!(
        stage.lines,
        [
            &format!("@1 @2 Forward {written}"),
            &format!("@1 @3 Forward {written}"),
            "@2 @1 Forwarded view 1, position 1",
            "@3 @1 Forwarded view 1, position 1",
        ]
    );
    assert_eq!(SERVERS.map(|id| stage.has(id, 7)), [Some(11); 3]);
    // Asked again under the same number it is not done again; a backup names the primary.
    stage.ask(SERVERS[0], 1, Op::Write(11));
    assert_eq!(stage.told(), done(1, None));
    stage.ask(SERVERS[0], 2, Op::Cas(10, 12));
    stage.ask(SERVERS[1], 3, Op::Read);
    let expected = [kv::Message::Elsewhere { number: 3, ask: Some(SERVERS[0]) }, kv::Message::Differs { number: 2 }];
    assert_eq!(stage.told(), expected);
}

#[test]
fn the_backup_that_has_most_takes_over_and_one_that_comes_back_is_copied_to() {
    let mut stage = Stage::new(Acknowledge::Some);
    // The first backup misses the second write; the other has it, and that is enough.
    stage.cut.push((SERVERS[0], SERVERS[1]));
    stage.ask(SERVERS[0], 1, Op::Write(11));
    assert_eq!(stage.told(), done(1, None));
    stage.kill(SERVERS[0]);
    stage.pass(12);
    assert_eq!(stage.view(), "view 2: primary @3, backups @2");
    stage.ask(SERVERS[2], 2, Op::Read);
    assert_eq!(stage.told(), done(2, Some(11)));
    stage.cut.clear();
    stage.restart(SERVERS[0]);
    stage.pass(15);
    assert_eq!(stage.view(), "view 3: primary @3, backups @1 @2");
    assert_eq!(SERVERS.map(|id| stage.has(id, 7)), [Some(11); 3]);
}

#[test]
fn what_is_forwarded_only_once_and_lost_never_comes() {
    for (once, later) in [(false, Some(12)), (true, Some(10))] {
        let mut stage = Stage::new(Acknowledge::Some);
        stage.host(SERVERS[0]).rules.once = once;
        stage.ask(SERVERS[0], 1, Op::Write(10));
        assert_eq!(stage.told(), done(1, None));
        // One is lost on its way to the first backup, which then has no use for the next.
        stage.cut.push((SERVERS[0], SERVERS[1]));
        stage.ask(SERVERS[0], 2, Op::Write(11));
        assert_eq!(stage.told(), done(2, None), "the other backup has it");
        stage.cut.clear();
        stage.ask(SERVERS[0], 3, Op::Write(12));
        assert_eq!(stage.told(), done(3, None));
        assert_eq!(stage.has(SERVERS[1], 7), Some(10));
        stage.pass(20);
        assert_eq!(SERVERS.map(|id| stage.has(id, 7)), [Some(12), later, Some(12)], "once: {once}");
        assert_eq!(stage.view(), "view 1: primary @1, backups @2 @3", "the manager hears nothing of it");
    }
}

#[test]
fn with_one_of_two_copies_nobody_takes_over_until_both_are_heard() {
    let mut stage = Stage::new(Acknowledge::Some);
    stage.cut.push((SERVERS[0], SERVERS[1]));
    stage.ask(SERVERS[0], 1, Op::Write(11));
    stage.settle();
    stage.kill(SERVERS[0]);
    stage.kill(SERVERS[2]);
    stage.pass(20);
    // The one that is left does not know whether something was answered that it has not.
    assert_eq!((stage.view(), stage.manager.electing()), ("view 1: primary @1, backups @2 @3".to_owned(), Some(2)));
    stage.restart(SERVERS[2]);
    stage.pass(5);
    assert_eq!(stage.view(), "view 2: primary @3, backups @2");
}

#[test]
fn asynchronously_what_was_answered_dies_with_the_primary() {
    let mut stage = Stage::new(Acknowledge::None);
    stage.cut.extend([(SERVERS[0], SERVERS[1]), (SERVERS[0], SERVERS[2])]);
    stage.ask(SERVERS[0], 1, Op::Write(11));
    assert_eq!(stage.told(), done(1, None), "it does not wait for them");
    stage.kill(SERVERS[0]);
    stage.pass(12);
    assert_eq!(stage.view(), "view 2: primary @2, backups @3");
    stage.ask(SERVERS[1], 2, Op::Read);
    assert_eq!(stage.told(), done(2, None));
    // Who comes back with it gives it up: the view has gone on.
    stage.cut.clear();
    stage.restart(SERVERS[0]);
    stage.pass(15);
    assert_eq!(SERVERS.map(|id| stage.has(id, 7)), [None; 3]);
}

#[test]
fn an_old_primary_stops_before_another_begins_and_without_fencing_it_does_not() {
    for fenced in [true, false] {
        let mut stage = Stage::new(Acknowledge::All);
        stage.host(SERVERS[0]).rules.fenced = fenced;
        stage.ask(SERVERS[0], 1, Op::Write(11));
        stage.settle();
        // It is well and does not know that the manager cannot hear it.
        stage.cut.push((SERVERS[0], MANAGER));
        stage.pass(4);
        assert_eq!(stage.view(), "view 1: primary @1, backups @2 @3", "the lease runs");
        stage.pass(10);
        assert_eq!(stage.view(), "view 2: primary @2, backups @3");
        stage.ask(SERVERS[1], 2, Op::Write(12));
        stage.settle();
        stage.told();
        stage.ask(SERVERS[0], 3, Op::Read);
        let told = stage.told();
        if fenced {
            assert!(matches!(told[..], [kv::Message::Elsewhere { .. }]), "{told:?}");
        } else {
            assert_eq!(told, done(3, Some(11)), "it is no longer true");
        }
    }
}

#[test]
fn a_view_whose_primary_died_before_it_served_is_passed_over() {
    let mut stage = Stage::new(Acknowledge::All);
    stage.ask(SERVERS[0], 1, Op::Write(11));
    stage.settle();
    stage.kill(SERVERS[0]);
    // The next cannot reach its backup, so it never serves; then it dies.
    stage.cut.push((SERVERS[1], SERVERS[2]));
    stage.pass(12);
    assert_eq!((stage.view(), stage.manager.active()), ("view 2: primary @2, backups @3".to_owned(), false));
    stage.kill(SERVERS[1]);
    stage.pass(12);
    assert_eq!((stage.view(), stage.manager.active()), ("view 3: primary @3, backups none".to_owned(), true));
    assert_eq!(stage.has(SERVERS[2], 7), Some(11));
}

#[test]
fn a_confirmation_that_comes_when_its_lease_is_over_lets_nobody_serve() {
    for fenced in [true, false] {
        let rules = Rules { fenced, ..FENCED };
        let (mut server, mut desk) = (Server::boot(&Store::default(), Time::ZERO), Desk::new(1));
        let view = View { number: 1, primary: SERVERS[0], backups: Rc::from([SERVERS[1]]), acks: 1 };
        let appoint = |confirmed, sent| Message::Appoint { view: view.clone(), confirmed, sent, lease: LEASE };
        server.on_message(&mut desk, MANAGER, appoint(false, Time::ZERO), &rules);
        server.on_timer(&mut desk, Timer::Installed(1), &rules);
        let copied = Message::Transferred { view: 1, position: 0 };
        assert!(server.on_message(&mut desk, SERVERS[1], copied, &rules).news, "it is ready");
        // It stood still for as long as the lease, while this waited for it: somebody else may have been appointed.
        desk.now = Time::ZERO + LEASE;
        let late = server.on_message(&mut desk, MANAGER, appoint(true, Time::ZERO), &rules);
        assert_eq!(late.serves, !fenced);
        // If nobody was, the manager confirms it again.
        let sent = desk.now;
        let again = server.on_message(&mut desk, MANAGER, appoint(true, sent), &rules);
        assert_eq!((again.serves, server.role()), (fenced, Role::Primary));
    }
}

#[test]
fn a_view_change_that_the_manager_forgot_in_a_crash_is_brought_to_its_end() {
    let mut stage = Stage::new(Acknowledge::Some);
    // Of three it hears one, seals it, and cannot decide.
    stage.cut.extend([(SERVERS[0], MANAGER), (SERVERS[2], MANAGER)]);
    stage.pass(12);
    assert_eq!((stage.view(), stage.manager.electing()), ("view 1: primary @1, backups @2 @3".to_owned(), Some(2)));
    // It crashes. When it is back all are well, and in the lives in which they were appointed.
    stage.manager = Manager::boot(&stage.register, stage.now, &stage.rules);
    stage.cut.clear();
    stage.pass(12);
    assert_eq!((stage.view(), stage.manager.active()), ("view 2: primary @1, backups @2 @3".to_owned(), true));
    stage.ask(SERVERS[0], 1, Op::Write(11));
    assert_eq!(stage.told(), done(1, None));
    assert_eq!(SERVERS.map(|id| stage.has(id, 7)), [Some(11); 3], "the one that was sealed takes part again");
}

#[test]
fn a_manager_that_lost_its_disk_gives_no_view_the_number_of_one_that_it_has_announced() {
    let mut stage = Stage::new(Acknowledge::All);
    stage.ask(SERVERS[0], 1, Op::Write(11));
    assert_eq!(stage.told(), done(1, None));
    // The second view is announced, but it is on no server's disk yet when the manager loses its own.
    stage.host(SERVERS[1]).stuck = true;
    stage.cut.push((SERVERS[1], SERVERS[2]));
    stage.kill(SERVERS[0]);
    stage.pass(12);
    assert_eq!((stage.view(), stage.manager.active()), ("view 2: primary @2, backups @3".to_owned(), false));
    stage.forget();
    stage.pass(12);
    assert_eq!(stage.view(), "none", "whoever is away may know of a view that the others know nothing of");
    stage.restart(SERVERS[0]);
    stage.pass(5);
    assert_eq!(stage.view(), "view 3: primary @1, backups @2 @3");
    // What it had announced nobody takes part in again.
    stage.host(SERVERS[1]).stuck = false;
    stage.cut.clear();
    stage.pass(5);
    assert!(stage.manager.active());
    stage.ask(SERVERS[0], 2, Op::Write(12));
    assert_eq!(stage.told(), done(2, None));
    assert_eq!(SERVERS.map(|id| stage.has(id, 7)), [Some(12); 3]);
}

#[test]
fn a_manager_that_lost_its_disk_waits_for_the_lease_of_whoever_it_does_not_hear() {
    let mut stage = Stage::new(Acknowledge::All);
    stage.rules.patience = Micros::ms(200);
    stage.pass(1);
    stage.forget();
    // It hears the primary once, which has a lease for 500 ms; what it says to it is lost, and then they are cut off.
    let report = stage.hosts[0].server.report(stage.now);
    stage.manager.on_report(&mut stage.desk, SERVERS[0], report, &stage.rules, &SERVERS);
    stage.desk.sent();
    let served = |stage: &Stage| stage.hosts[0].server.serves(stage.now, &FENCED);
    stage.cut.push((SERVERS[0], MANAGER));
    let (mut both, mut views) = (false, Vec::new());
    for _ in 0..12 {
        stage.pass(1);
        both |= served(&stage) && stage.manager.active();
        views.push(stage.view());
    }
    assert!(!both, "{views:?}");
    assert_eq!(views.last().map(String::as_str), Some("view 2: primary @2, backups @3"));
}
