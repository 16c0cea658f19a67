//! Paxos, message by message.

use super::*;
use crate::protocols::Wire;
use crate::protocols::testing::Desk;
use crate::sim::Disk;

const NODES: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];
const CLIENT: NodeId = NodeId(9);
const RULES: Rules = Rules {
    proposes: Proposes::Everyone,
    beat: Micros::ms(100),
    patience: Micros::ms(300),
    backoff: Micros::ms(50),
    timeout: Micros::ms(200),
    mistake: Mistake::None,
};

struct Node {
    server: Server,
    desk: Desk<Message, Timer, Write>,
    disk: Store,
    up: bool,
}

struct Stage {
    nodes: Vec<Node>,
    rules: Rules,
    now: Time,
    cut: Vec<(NodeId, NodeId)>,
    lines: Vec<String>,
    told: Vec<kv::Message>,
    ballots: u32,
}

impl Stage {
    fn new(rules: Rules) -> Stage {
        let nodes = NODES.map(|id| {
            let mut desk = Desk::new(id.0);
            let disk = Store::default();
            let server = Server::boot(&mut desk, &disk, &NODES, &rules);
            Node { server, desk, disk, up: true }
        });
        let mut stage = Stage {
            nodes: Vec::from(nodes),
            rules,
            now: Time::ZERO,
            cut: Vec::new(),
            lines: Vec::new(),
            told: Vec::new(),
            ballots: 0,
        };
        stage.settle();
        stage
    }
    fn node(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize - 1]
    }
    fn hear(&mut self, id: NodeId) {
        for news in self.node(id).server.news() {
            match news {
                News::Answer(_, answer) => self.told.push(answer),
                News::Began => self.ballots += 1,
                News::Told(_) | News::Chose => {}
            }
        }
    }
    /// What is written comes to the disk, and what is sent to where it is going; no time passes.
    fn settle(&mut self) {
        loop {
            let mut still = true;
            for id in NODES {
                let rules = self.rules;
                let node = self.node(id);
                for (write, done) in std::mem::take(&mut node.desk.writes) {
                    still = false;
                    node.disk.apply(write);
                    if let Some(timer) = done {
                        node.server.on_timer(&mut node.desk, &rules, timer, &[]);
                    }
                }
                self.hear(id);
                for (to, message) in self.node(id).desk.sent() {
                    still = false;
                    if !matches!(message, Message::Alive { .. }) {
                        self.lines.push(format!("{id} {to} {} {}", message.name(), message.summary()));
                    }
                    if self.cut.contains(&(id, to)) || self.cut.contains(&(to, id)) || !self.node(to).up {
                        continue;
                    }
                    let node = self.node(to);
                    node.server.on_message(&mut node.desk, &rules, id, message);
                    self.hear(to);
                }
            }
            if still {
                return;
            }
        }
    }
    fn ask(&mut self, id: NodeId, client: NodeId, number: u64, op: Op) {
        let rules = self.rules;
        let node = self.node(id);
        node.server.ask(&mut node.desk, &rules, client, number, 7, op);
        self.settle();
    }
    fn crash(&mut self, id: NodeId) {
        let node = self.node(id);
        node.up = false;
        node.desk.writes.clear();
        node.desk.timers.clear();
    }
    fn restart(&mut self, id: NodeId) {
        let rules = self.rules;
        let now = self.now;
        let node = self.node(id);
        node.desk.now = now;
        node.up = true;
        node.server = Server::boot(&mut node.desk, &node.disk, &[], &rules);
        self.settle();
    }
    /// So much time passes, in which these say that they are alive.
    fn pass(&mut self, by: Micros, alive: &[NodeId]) {
        self.now += by;
        let rules = self.rules;
        for id in NODES {
            let now = self.now;
            let node = self.node(id);
            node.desk.now = now;
            if alive.contains(&id) {
                node.server.on_timer(&mut node.desk, &rules, Timer::Beat, &NODES);
            }
        }
        self.settle();
    }
    fn value(&mut self, id: NodeId) -> Option<u64> {
        self.node(id).server.machine().read(7)
    }
}

#[test]
fn a_value_is_chosen_in_two_phases() {
    let mut stage = Stage::new(RULES);
    stage.ask(NODES[0], CLIENT, 1, Op::Write(11));
    let expected = [
        "@1 @2 Prepare ballot 1 of @1, from instance 1",
        "@1 @3 Prepare ballot 1 of @1, from instance 1",
        "@2 @1 Promise ballot 1 of @1, from instance 1",
        "@3 @1 Promise ballot 1 of @1, from instance 1",
        "@1 @2 Accept ballot 1 of @1, instance 1, value 7:=11",
        "@1 @3 Accept ballot 1 of @1, instance 1, value 7:=11",
        "@2 @1 Accepted ballot 1 of @1, instance 1",
        "@3 @1 Accepted ballot 1 of @1, instance 1",
        "@1 @2 Chosen instance 1, value 7:=11",
        "@1 @3 Chosen instance 1, value 7:=11",
    ];
    assert_eq!(stage.lines, expected);
    assert_eq!(stage.told, [kv::Message::Done { number: 1, value: None }]);
    assert_eq!(NODES.map(|id| stage.value(id)), [Some(11); 3]);
    // Asked again anywhere under the same number it is not done again.
    stage.ask(NODES[2], CLIENT, 1, Op::Write(11));
    assert_eq!(stage.lines.len(), 10);
    assert_eq!(stage.told.len(), 2);
}

/// Node 1 has its value accepted by itself and node 2 and cannot learn of it; then node 3 proposes another, with node 2.
fn adopts(mistake: Mistake) -> Stage {
    let mut stage = Stage::new(Rules { mistake, ..RULES });
    stage.cut.push((NODES[0], NODES[2]));
    let rules = stage.rules;
    let node = stage.node(NODES[0]);
    node.server.ask(&mut node.desk, &rules, CLIENT, 1, 7, Op::Write(11));
    // Everything up to node 2's acceptance, which is lost.
    for _ in 0..2 {
        for id in [NODES[0], NODES[1]] {
            let node = stage.node(id);
            for (write, done) in std::mem::take(&mut node.desk.writes) {
                node.disk.apply(write);
                if let Some(timer) = done {
                    node.server.on_timer(&mut node.desk, &rules, timer, &[]);
                }
            }
            for (to, message) in stage.node(id).desk.sent() {
                if to != NODES[2] && !matches!(message, Message::Accepted { .. }) {
                    let node = stage.node(to);
                    node.server.on_message(&mut node.desk, &rules, id, message);
                }
            }
        }
    }
    stage.crash(NODES[0]);
    stage.cut.clear();
    stage.lines.clear();
    stage.ask(NODES[2], NodeId(8), 1, Op::Write(22));
    stage
}

#[test]
fn whoever_hears_of_an_accepted_value_proposes_that_and_its_own_in_the_next_instance() {
    let mut stage = adopts(Mistake::None);
    let lines: Vec<&str> = stage.lines.iter().map(String::as_str).collect();
    assert!(
        lines.contains(&"@2 @3 Promise ballot 1 of @3, from instance 1, accepted 7:=11 in instance 1, ballot 1 of @1")
    );
    assert!(lines.contains(&"@3 @2 Accept ballot 1 of @3, instance 1, value 7:=11"));
    assert!(lines.contains(&"@3 @2 Accept ballot 2 of @3, instance 2, value 7:=22"));
    assert_eq!(stage.told, [kv::Message::Done { number: 1, value: None }]);
    assert_eq!([stage.value(NODES[1]), stage.value(NODES[2])], [Some(22); 2]);
    // Who was away gets what it comes to.
    stage.restart(NODES[0]);
    stage.pass(Micros::ms(100), &[NODES[1]]);
    stage.pass(Micros::ms(100), &[NODES[1]]);
    assert_eq!(stage.value(NODES[0]), Some(22));
    // A proposer that does not care has another value chosen in an instance that was decided.
    let wrong = adopts(Mistake::OwnValue);
    assert!(wrong.lines.contains(&"@3 @2 Accept ballot 1 of @3, instance 1, value 7:=22".to_owned()));
}

#[test]
fn two_proposers_undo_one_anothers_promises_and_agree_all_the_same() {
    let mut stage = Stage::new(RULES);
    let rules = stage.rules;
    for (id, client) in [(NODES[0], CLIENT), (NODES[2], NodeId(8))] {
        let node = stage.node(id);
        node.server.ask(&mut node.desk, &rules, client, 1, 7, Op::Write(u64::from(id.0)));
    }
    stage.settle();
    // The second has promised the third's higher number before it gets what the first proposes, which the first alone has
    // accepted then; so the third hears of it, and proposes it instead of its own.
    let lines = stage.lines.join("\n");
    for line in [
        "@2 @1 Refused promised 1 of @3",
        "@1 @3 Promise ballot 1 of @3, from instance 1, accepted 7:=1 in instance 1, ballot 1 of @1",
        "@3 @2 Accept ballot 1 of @3, instance 1, value 7:=1",
        "@3 @2 Accept ballot 2 of @3, instance 2, value 7:=3",
    ] {
        assert!(lines.contains(line), "{line} in {lines}");
    }
    assert_eq!((stage.ballots, stage.told.len()), (3, 2));
    assert_eq!(NODES.map(|id| stage.value(id)), [Some(3); 3]);
}

#[test]
fn a_distinguished_proposer_does_phase_1_once_and_the_next_one_finishes_what_it_left() {
    let mut stage = Stage::new(Rules { proposes: Proposes::One, ..RULES });
    assert_eq!(stage.ballots, 1, "before anybody asked");
    stage.lines.clear();
    stage.ask(NODES[0], CLIENT, 1, Op::Write(11));
    assert_eq!(stage.lines.len(), 6, "{:?}", stage.lines);
    stage.ask(NODES[1], NodeId(8), 1, Op::Write(22));
    let expected =
        [kv::Message::Done { number: 1, value: None }, kv::Message::Elsewhere { number: 1, ask: Some(NODES[0]) }];
    assert_eq!(stage.told, expected);
    // It dies with a value that one other has accepted.
    stage.cut.push((NODES[0], NODES[2]));
    let rules = stage.rules;
    let node = stage.node(NODES[0]);
    node.server.ask(&mut node.desk, &rules, CLIENT, 2, 7, Op::Write(12));
    let (_, accept) = node.desk.sent().remove(0);
    let node = stage.node(NODES[1]);
    node.server.on_message(&mut node.desk, &rules, NODES[0], accept);
    stage.crash(NODES[0]);
    stage.cut.clear();
    stage.lines.clear();
    for _ in 0..4 {
        stage.pass(Micros::ms(100), &NODES[1..]);
    }
    assert!(
        stage.lines.contains(&"@2 @3 Accept ballot 2 of @2, instance 2, value 7:=12".to_owned()),
        "{:?}",
        stage.lines
    );
    assert_eq!([stage.value(NODES[1]), stage.value(NODES[2])], [Some(12); 2]);
    stage.ask(NODES[1], NodeId(8), 1, Op::Read);
    assert_eq!(stage.told.last(), Some(&kv::Message::Done { number: 1, value: Some(12) }));
}

#[test]
fn a_promise_outlives_a_crash_where_it_is_written() {
    for (mistake, accepted) in [(Mistake::None, false), (Mistake::Forgets, true)] {
        let rules = Rules { mistake, ..RULES };
        let mut stage = Stage::new(rules);
        stage.cut.extend([(NODES[0], NODES[2]), (NODES[1], NODES[2])]);
        let high = Message::Prepare { ballot: Ballot { round: 5, node: NODES[0] }, first: 1 };
        let node = stage.node(NODES[1]);
        node.server.on_message(&mut node.desk, &rules, NODES[0], high);
        stage.settle();
        stage.crash(NODES[1]);
        stage.restart(NODES[1]);
        let ballot = Ballot { round: 4, node: NODES[2] };
        let low = Message::Accept { ballot, instance: 1, value: Command::Noop };
        let node = stage.node(NODES[1]);
        node.server.on_message(&mut node.desk, &rules, NODES[2], low);
        stage.lines.clear();
        stage.settle();
        assert_eq!(stage.lines.iter().any(|line| line.contains("Accepted")), accepted, "{:?}", stage.lines);
    }
}

#[test]
fn one_that_lost_its_disk_promises_nothing_any_more() {
    let mut stage = Stage::new(RULES);
    stage.crash(NODES[1]);
    stage.node(NODES[1]).disk = Store::default();
    stage.restart(NODES[1]);
    stage.ask(NODES[0], CLIENT, 1, Op::Write(11));
    assert_eq!(stage.told, [kv::Message::Done { number: 1, value: None }], "the third makes a majority with the first");
    assert!(!stage.lines.iter().any(|line| line.starts_with("@2 @1 Promise")), "{:?}", stage.lines);
    assert_eq!(stage.value(NODES[1]), Some(11), "it learns");
}
