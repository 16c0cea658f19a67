//! Two exchanges and a third, as transcripts.

use super::*;
use crate::protocols::testing::Desk;

type Port = Desk<Signal, Timer, ()>;

const MANNER: Manner =
    Manner { circuits: 2, detours: 1, reserve: 0, gap: Micros::ZERO, repeats: true, yields: true, resets: true };
const ONE: NodeId = NodeId(1);
const TWO: NodeId = NodeId(2);
const THREE: NodeId = NodeId(3);
const PEOPLE: NodeId = NodeId(9);

/// An exchange of three that is in service.
fn exchange(id: u32) -> (Exchange, Port) {
    let mut exchange = Exchange::default();
    let others = [ONE, TWO, THREE].into_iter().filter(|other| other.0 != id);
    exchange.know(others, Some(PEOPLE));
    (exchange, Desk::new(id))
}

fn setup(call: u64, area: u32) -> Line {
    Line::Setup { call, area, show: false }
}

fn iam(cic: u32, call: u64, area: u32) -> Trunk {
    Trunk::Iam { cic, call, area, show: false, detour: false }
}

/// What was sent, in words.
fn said(port: &mut Port) -> Vec<String> {
    let words = |(to, signal): (NodeId, Signal)| {
        let (name, summary) = match signal {
            Signal::Trunk(trunk) => (trunk.name(), trunk.summary()),
            Signal::Line(line) => (line.name(), line.summary()),
        };
        format!("{to} {name} {summary}").trim_end().to_owned()
    };
    port.sent().into_iter().map(words).collect()
}

#[test]
fn a_call_is_set_up_answered_and_released() {
    let ((mut one, mut a), (mut two, mut b)) = (exchange(1), exchange(2));
    one.on_line(&mut a, &MANNER, PEOPLE, setup(7, 1));
    assert_eq!(said(&mut a), ["@2 IAM cic 1, call 7, to area 2"], "of 1 and 2, 1 controls the odd circuits");
    two.on_trunk(&mut b, &MANNER, ONE, iam(1, 7, 1));
    assert_eq!(said(&mut b), ["@9 SETUP call 7, to area 2"]);
    two.on_line(&mut b, &MANNER, PEOPLE, Line::Alerting { call: 7 });
    two.on_line(&mut b, &MANNER, PEOPLE, Line::Connect { call: 7 });
    assert_eq!(said(&mut b), ["@1 ACM cic 1", "@1 ANM cic 1"]);
    one.on_trunk(&mut a, &MANNER, TWO, Trunk::Acm { cic: 1 });
    one.on_trunk(&mut a, &MANNER, TWO, Trunk::Anm { cic: 1 });
    assert_eq!(said(&mut a), ["@9 ALERTING call 7", "@9 CONNECT call 7"]);
    assert_eq!(a.timers, [], "T7 is off");
    one.on_line(&mut a, &MANNER, PEOPLE, Line::Disconnect { call: 7, cause: Cause::Normal });
    assert_eq!(said(&mut a), ["@9 RELEASE call 7, cause 16 normal", "@2 REL cic 1, cause 16 normal"]);
    assert_eq!((one.busy(TWO), &a.timers[0].0), (1, &Timer::T1(TWO, 1)), "it is not idle before RLC");
    one.on_timer(&mut a, &MANNER, Timer::T1(TWO, 1));
    assert_eq!(said(&mut a), ["@2 REL cic 1, cause 16 normal"], "and REL is repeated");
    two.on_trunk(&mut b, &MANNER, ONE, Trunk::Rel { cic: 1, cause: Cause::Normal });
    two.on_trunk(&mut b, &MANNER, ONE, Trunk::Rel { cic: 1, cause: Cause::Normal });
    assert_eq!(said(&mut b), ["@1 RLC cic 1", "@9 RELEASE call 7, cause 16 normal", "@1 RLC cic 1"]);
    one.on_trunk(&mut a, &MANNER, TWO, Trunk::Rlc { cic: 1 });
    assert_eq!((one.busy(TWO), two.busy(ONE), one.calls(), two.calls()), (0, 0, 0, 0));
}

#[test]
fn where_both_ends_seize_one_circuit_its_controller_goes_on_and_the_other_tries_another() {
    let manner = Manner { circuits: 3, ..MANNER };
    let ((mut one, mut a), (mut two, mut b)) = (exchange(1), exchange(2));
    // 1 has both of its own; what is left is circuit 2, which 2 controls.
    for call in [1, 2] {
        one.on_line(&mut a, &manner, PEOPLE, setup(call, 1));
    }
    said(&mut a);
    one.on_line(&mut a, &manner, PEOPLE, setup(3, 1));
    two.on_line(&mut b, &manner, PEOPLE, setup(4, 0));
    assert_eq!(said(&mut a), ["@2 IAM cic 2, call 3, to area 2"]);
    assert_eq!(said(&mut b), ["@1 IAM cic 2, call 4, to area 1"]);
    two.on_trunk(&mut b, &manner, ONE, iam(2, 3, 1));
    assert_eq!(said(&mut b), Vec::<String>::new(), "it controls the even one, and goes on");
    one.on_trunk(&mut a, &manner, TWO, iam(2, 4, 0));
    let detour = "@3 IAM cic 1, call 3, to area 2, on a detour";
    assert_eq!(said(&mut a), ["@9 SETUP call 4, to area 1", detour], "it yields");
    let careless = Manner { yields: false, ..manner };
    two.on_trunk(&mut b, &careless, ONE, iam(2, 3, 1));
    two.on_line(&mut b, &careless, PEOPLE, Line::Alerting { call: 3 });
    one.on_line(&mut a, &careless, PEOPLE, Line::Alerting { call: 4 });
    let through = |told: &Told| matches!(told, Told::Through { .. });
    assert_eq!(two.told.iter().find(|told| through(told)), Some(&Told::Through { peer: ONE, cic: 2, call: 3 }));
    assert_eq!(one.told.iter().find(|told| through(told)), Some(&Told::Through { peer: TWO, cic: 2, call: 4 }));
}

#[test]
fn a_call_that_finds_no_circuit_takes_a_detour_and_leaves_what_is_reserved() {
    let (mut one, mut a) = exchange(1);
    for call in 1..=2 {
        one.on_line(&mut a, &MANNER, PEOPLE, setup(call, 1));
    }
    said(&mut a);
    let kept = Manner { reserve: 2, ..MANNER };
    one.on_line(&mut a, &kept, PEOPLE, setup(3, 1));
    assert_eq!(said(&mut a), ["@9 RELEASE call 3, cause 34 no circuit"], "two are kept for direct calls");
    one.on_line(&mut a, &Manner { reserve: 1, ..MANNER }, PEOPLE, setup(4, 1));
    assert_eq!(said(&mut a), ["@3 IAM cic 1, call 4, to area 2, on a detour"]);
    one.on_trunk(&mut a, &MANNER, THREE, Trunk::Rel { cic: 1, cause: Cause::NoCircuit });
    assert_eq!(said(&mut a), ["@3 RLC cic 1", "@9 RELEASE call 4, cause 34 no circuit"], "there is no third way");
    // The exchange on the detour goes on directly, or not at all.
    let (mut three, mut c) = exchange(3);
    three.on_trunk(&mut c, &MANNER, ONE, Trunk::Iam { cic: 1, call: 5, area: 1, show: false, detour: true });
    assert_eq!(said(&mut c), ["@2 IAM cic 2, call 5, to area 2"]);
    three.on_trunk(&mut c, &kept, ONE, Trunk::Iam { cic: 2, call: 6, area: 1, show: false, detour: true });
    assert_eq!(said(&mut c), ["@1 REL cic 2, cause 34 no circuit"]);
}

#[test]
fn a_release_that_comes_late_leaves_no_half_of_a_call() {
    let ((mut one, mut a), (mut two, mut b)) = (exchange(1), exchange(2));
    // Both release at once: each waits for the other one's RLC.
    one.on_line(&mut a, &MANNER, PEOPLE, setup(7, 1));
    two.on_trunk(&mut b, &MANNER, ONE, iam(1, 7, 1));
    one.on_line(&mut a, &MANNER, PEOPLE, Line::Disconnect { call: 7, cause: Cause::Normal });
    two.on_line(&mut b, &MANNER, PEOPLE, Line::Disconnect { call: 7, cause: Cause::Busy });
    one.on_trunk(&mut a, &MANNER, TWO, Trunk::Rel { cic: 1, cause: Cause::Busy });
    assert_eq!(one.busy(TWO), 1);
    one.on_trunk(&mut a, &MANNER, TWO, Trunk::Rlc { cic: 1 });
    assert_eq!(one.busy(TWO), 0);
    // Its new call meets a REL that was repeated for the old one: the other end has freed the circuit and says so.
    one.on_trunk(&mut a, &MANNER, TWO, iam(1, 8, 0));
    said(&mut a);
    one.on_trunk(&mut a, &MANNER, TWO, Trunk::Rlc { cic: 1 });
    assert_eq!(said(&mut a), ["@9 RELEASE call 8, cause 31 unspecified", "@2 REL cic 1, cause 31 unspecified"]);
    one.on_trunk(&mut a, &MANNER, TWO, Trunk::Rlc { cic: 1 });
    assert_eq!((one.busy(TWO), one.calls()), (0, 0));
}

#[test]
fn after_a_start_no_circuit_is_taken_before_both_ends_know_that_all_are_idle() {
    let ((mut one, mut a), (mut two, mut b)) = (exchange(1), exchange(2));
    two.on_trunk(&mut b, &MANNER, ONE, iam(1, 7, 1));
    said(&mut b);
    one.start(&mut a, &MANNER);
    assert_eq!(said(&mut a), ["@9 RESTART", "@2 GRS", "@3 GRS"]);
    one.on_line(&mut a, &MANNER, PEOPLE, setup(8, 1));
    assert_eq!(said(&mut a), ["@9 RELEASE call 8, cause 34 no circuit"]);
    two.on_trunk(&mut b, &MANNER, ONE, Trunk::Grs);
    assert_eq!(said(&mut b), ["@9 RELEASE call 7, cause 31 unspecified", "@1 GRA"]);
    one.on_trunk(&mut a, &MANNER, TWO, Trunk::Gra);
    one.on_line(&mut a, &MANNER, PEOPLE, setup(9, 1));
    assert_eq!(said(&mut a), ["@2 IAM cic 1, call 9, to area 2"]);
}

#[test]
fn of_calls_to_one_number_one_goes_through_in_each_gap() {
    let (mut one, mut a) = exchange(1);
    let manner = Manner { circuits: 10, gap: Micros::secs(1), ..MANNER };
    let mut through = Vec::new();
    for tenth in 0..25u64 {
        a.now = Time(tenth * 100_000);
        one.on_line(&mut a, &manner, PEOPLE, Line::Setup { call: tenth, area: 2, show: true });
        through.extend(said(&mut a).iter().any(|line| line.contains("IAM")).then_some(tenth));
    }
    assert_eq!(through, [0, 10, 20]);
    one.on_line(&mut a, &manner, PEOPLE, setup(99, 2));
    assert!(said(&mut a)[0].contains("IAM"), "other calls do not feel it");
}
