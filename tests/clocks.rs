//! Lamport and vector clocks: a worked example from the literature, and what they promise in runs.

#![cfg(not(target_arch = "wasm32"))]

use std::rc::Rc;

use faultline::components::{Message, Record, What};
use faultline::player::{Action, Player};
use faultline::protocols::health;
use faultline::scenario::{FaultPlan, Run, Tree, builtin, builtins, schema};
use faultline::scene::Target;
use faultline::sim::{NodeId, RecordId, Table, Time};
use faultline::trace::clocks::{Clocks, Stamp, is_event};
use faultline::trace::course::Course;
use faultline::trace::space_time::past;

/// What the processes of the example do: sends are named by their messages, as are receipts.
#[derive(Clone, Copy)]
enum Does {
    Send(u32),
    Receive(u32),
    Internal,
}

/// Babaoğlu and Marzullo, «Consistent Global States of Distributed Systems», UBLCS-93-1, in an order in which it can
/// have happened: what process does what.
const EXAMPLE: [(u32, Does); 15] = [
    (1, Does::Send(1)),
    (2, Does::Send(2)),
    (3, Does::Internal),
    (1, Does::Receive(2)),
    (3, Does::Receive(1)),
    (3, Does::Send(3)),
    (1, Does::Receive(3)),
    (3, Does::Send(4)),
    (2, Does::Receive(4)),
    (1, Does::Send(5)),
    (2, Does::Receive(5)),
    (3, Does::Internal),
    (1, Does::Send(6)),
    (1, Does::Internal),
    (3, Does::Receive(6)),
];

fn example() -> Vec<Record> {
    let message = |number| Message::from(health::Message::Ping { round: number });
    let mut records: Vec<Record> = Vec::new();
    for (node, does) in EXAMPLE {
        let (id, at) = (RecordId(records.len() as u64 + 1), Time(records.len() as u64));
        let sent = |number: u32| {
            let is =
                |record: &&Record| matches!(&record.what, What::Sent { message: sent, .. } if *sent == message(number));
            records.iter().find(is).map_or((RecordId(0), NodeId(0)), |record| (record.id, record.node))
        };
        let (cause, what) = match does {
            Does::Send(number) => (RecordId(0), What::Sent { to: NodeId(0), message: message(number), due: at }),
            Does::Receive(number) => {
                let (cause, from) = sent(number);
                assert_ne!(cause, RecordId(0), "it was sent before");
                (cause, What::Arrived { from, message: message(number), waiting: 0 })
            }
            Does::Internal => (RecordId(0), What::Note("internal".into())),
        };
        records.push(Record { id, at, cause, node: NodeId(node), what });
    }
    records
}

#[test]
fn the_worked_example_of_babaoglu_and_marzullo() {
    let mut clocks = Clocks::default();
    let (mut lamport, mut vector) = (vec![Vec::new(); 3], vec![Vec::new(); 3]);
    for record in &example() {
        let (stamp, process) = (clocks.take(record), record.node.0 as usize - 1);
        lamport[process].push(stamp.lamport);
        vector[process].push((1..=3).map(|node| stamp.of(NodeId(node)).to_string()).collect::<String>());
    }
    assert_eq!(lamport, [vec![1, 2, 4, 5, 6, 7], vec![1, 5, 6], vec![1, 2, 3, 4, 5, 7]]);
    assert_eq!(vector[0], ["100", "210", "313", "413", "513", "613"]);
    assert_eq!(vector[1], ["010", "124", "434"]);
    assert_eq!(vector[2], ["001", "102", "103", "104", "105", "516"]);
}

/// Some seconds of a built-in scenario under faults drawn from the seed.
fn troubled(name: &str, seed: u64) -> Vec<Record> {
    let mut document = builtin(name).expect("it is there");
    let plan = r#"{"plan": {"faults": ["kill", "pause", "isolate"], "every": "1s", "repair": "500ms"}}"#;
    let plans: Table<String, FaultPlan> = schema::read(&Tree::from_json(plan).expect("JSON")).expect("a plan");
    document.plans.extend(plans.get("plan").cloned());
    for link in &mut document.links {
        link.duplicate = 0.1;
        link.loss = 0.05;
    }
    let mut run = Run::new(Rc::new(document), seed).expect("it has no problems");
    let mut records = Vec::new();
    run.run_until(Time(6_000_000), &mut records);
    records
}

#[test]
fn in_every_scenario_vectors_tell_exactly_what_happened_before_what() {
    for name in builtins() {
        let records = troubled(name, 5);
        let mut clocks = Clocks::default();
        let stamps: Vec<Stamp> = records.iter().map(|record| clocks.take(record)).collect();
        let course = Course::new(records.iter());
        let events: Vec<usize> = (0..records.len()).filter(|place| is_event(&records[*place].what)).collect();
        let step = (events.len() / 60).max(1);
        let mut before = 0;
        for later in events.iter().step_by(step) {
            let past = past(&course, records[*later].id);
            for earlier in events.iter().filter(|earlier| *earlier != later) {
                let happened = past.binary_search(&records[*earlier].id).is_ok();
                let (a, b) = (&stamps[*earlier], &stamps[*later]);
                let told = || format!("{name}: {:?} and {:?}", records[*earlier], records[*later]);
                assert_eq!(a.within(b), happened, "{}", told());
                assert!(!happened || a.lamport < b.lamport, "{}", told());
                before += usize::from(happened);
            }
        }
        assert!(before > 100 || records.len() < 500, "{name}: something happened before something: {before}");
    }
}

#[test]
fn what_is_not_remembered_is_found_out() {
    // Messages that nobody stamps: then a receipt knows nothing of its sending, and the vectors say so.
    let records = example();
    let mut clocks = Clocks::default();
    let cut: Vec<Record> = records.iter().filter(|record| record.id > RecordId(2)).cloned().collect();
    let stamps: Vec<Stamp> = cut.iter().map(|record| clocks.take(record)).collect();
    let receipt = cut.iter().position(|record| record.id == RecordId(4)).expect("p1 receives m2");
    assert_eq!(
        (stamps[receipt].of(NodeId(1)), stamps[receipt].of(NodeId(2))),
        (1, 0),
        "they count from the first there"
    );
}

#[test]
fn the_inspector_of_a_message_shows_its_times() {
    let mut player = Player::new(Rc::new(builtin("chat").expect("it is there"))).expect("it has no problems");
    player.dispatch(Action::Seek(Time(3_000_000)));
    let flight = player.timeline().run().world.flights().last().expect("messages are under way").record;
    let shown = faultline::player::inspector(&player, Target::Flight(flight)).expect("it is there");
    let line = |name: &str| shown.lines.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    // Another way to both: everything that can have influenced its sending, counted by node, and the longest chain.
    let (mut run, mut records) =
        (Run::new(builtin("chat").expect("it is there").into(), 20260).expect("no problems"), Vec::new());
    run.run_until(Time(3_000_000), &mut records);
    let course = Course::new(records.iter());
    let known: Vec<RecordId> = past(&course, flight);
    let events = known.iter().filter_map(|id| course.get(*id)).filter(|record| is_event(&record.what));
    let mut counts: Table<NodeId, u32> = Table::new();
    for event in events {
        *counts.or_default(event.node) += 1;
    }
    let vector = counts.iter().map(|(node, count)| format!("{} {count}", run.world.name(*node)));
    assert_eq!(line("vector time"), Some(&*vector.collect::<Vec<_>>().join(", ")));
    let lamport: u64 = line("Lamport time").and_then(|value| value.parse().ok()).expect("a number");
    let longest = u64::from(counts.values().copied().max().expect("one"));
    assert!(lamport >= longest && lamport <= u64::from(counts.values().sum::<u32>()), "{lamport}");
}
