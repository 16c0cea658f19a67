//! What is derived from records: spans, critical paths, lifelines, what happened before what, queues. Each is compared
//! with another way to the same answer.

#[path = "shared/golden.rs"]
mod golden;

use std::fmt::Write as _;
use std::rc::Rc;

use faultline::components::{Fact, Record, What};
use faultline::scenario::{Act, Run, builtin};
use faultline::sim::{Micros, NodeId, Payload, RecordId, Time, Why};
use faultline::trace::course::{Course, cause, lived};
use faultline::trace::load::{levels, windows};
use faultline::trace::space_time::{self, End, Order, arrows, lifelines};
use faultline::trace::spans::{Span, Spent, cost, critical_path, request, spans};

/// Ten seconds of the chat service in which much goes wrong, and the run at its end.
fn troubled() -> (Vec<Record>, Run) {
    let mut run = Run::new(Rc::new(builtin("chat").expect("it is there")), 11).expect("it has no problems");
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let acts = [
        (3, Act::Kill { node: "sender-1".to_owned(), disk: false }),
        (4, Act::Slow { node: "history-1".to_owned(), factor: 150.0 }),
        (5, Act::Pause { node: "gateway-1".to_owned() }),
        (6, Act::Cut { between: pair("sender-2", "history"), one_way: false }),
        (7, Act::Resume { node: "gateway-1".to_owned() }),
        (8, Act::Heal { between: pair("sender-2", "history"), one_way: false }),
        (8, Act::Kill { node: "history-1".to_owned(), disk: true }),
    ];
    let mut records = Vec::new();
    for (second, act) in &acts {
        run.run_until(Time(second * 1_000_000), &mut records);
        run.act(act, &mut records).expect("it can be done");
    }
    run.run_until(Time(10_000_000), &mut records);
    (records, run)
}

fn course(records: &[Record]) -> Course<'_> {
    Course::new(records.iter())
}

// Spans.

#[test]
fn every_message_has_one_span_below_the_one_that_sent_it() {
    let (records, run) = troubled();
    let course = course(&records);
    let spans = spans(&course);
    let sent: Vec<&Record> =
        records.iter().filter(|it| matches!(it.what, What::Sent { .. } | What::Duplicated { .. })).collect();
    let messages: Vec<&Span> = spans.iter().filter(|span| !span.begins()).collect();
    assert_eq!(messages.len(), sent.len());
    for (place, span) in spans.iter().enumerate() {
        let above = span.parent.map(|parent| &spans[parent as usize]);
        assert!(span.parent.is_none_or(|parent| (parent as usize) < place), "a parent stands before its children");
        assert_eq!(span.root, above.map_or(place as u32, |above| above.root));
        let Some(above) = above else { continue };
        assert_eq!(above.node, span.from, "whoever did the work above sent it");
        assert!(above.sent <= span.sent && span.sent <= span.end);
    }
    for (span, record) in messages.iter().zip(sent) {
        assert_eq!((span.record, span.sent, span.from), (record.id, record.at, record.node));
        // What became of it, looked for one by one.
        let came = records.iter().find(|it| it.cause == record.id && matches!(it.what, What::Arrived { .. }));
        assert_eq!(span.arrived, came.map(|came| came.at));
        let served = came.and_then(|came| records.iter().find(|it| it.cause == came.id && is_served(it)));
        if let Some(What::Served { waited, took, .. }) = served.map(|served| &served.what) {
            assert_eq!((span.waited, span.served), (*waited, *took));
            let arrived = came.expect("it arrived").at;
            assert_eq!(arrived + span.waited + span.served, served.expect("it was").at, "the parts are the whole");
        }
        let lost = records.iter().find(|it| it.cause == record.id && matches!(it.what, What::Lost { .. }));
        if let Some(What::Lost { why, .. }) = lost.map(|lost| &lost.what) {
            assert_eq!(span.lost, Some(*why));
        }
    }
    let died = records.iter().filter(|it| matches!(it.what, What::Lost { why: Why::Died, .. })).count();
    assert!(died > 0, "some died with their receiver");
    assert!(spans.iter().filter(|span| span.lost == Some(Why::Died)).count() == died);
    assert!(run.world.in_flight() > 0 && messages.iter().any(|span| span.arrived.is_none() && span.lost.is_none()));
}

fn is_served(record: &Record) -> bool {
    matches!(record.what, What::Served { .. })
}

#[test]
fn a_critical_path_is_made_of_legs_that_join() {
    let (records, _) = troubled();
    let course = course(&records);
    for record in records.iter().step_by(7) {
        let legs = critical_path(&course, record.id);
        let mut start = record;
        while let Some(before) = course.get(cause(start)) {
            start = before;
        }
        let mut at = start.at;
        for leg in &legs {
            assert_eq!(leg.from, at, "{record:?}: {legs:?}");
            assert!(leg.until > leg.from);
            at = leg.until;
        }
        assert_eq!(at, record.at, "the legs lead from the beginning to the record");
    }
}

#[test]
fn one_message_is_followed_from_its_writing_to_its_acknowledgement() {
    let mut run = Run::new(Rc::new(builtin("chat").expect("it is there")), 20260).expect("no problems");
    let mut records = Vec::new();
    run.run_until(Time(4_000_000), &mut records);
    let course = course(&records);
    let told = records.iter().find(|it| it.at.0 > 2_000_000 && matches!(it.what, What::Fact(Fact::Accepted { .. })));
    let told = told.expect("someone was told that a message is safe");
    let mut text = String::new();
    for leg in critical_path(&course, told.id) {
        let (node, length) = (run.world.name(leg.node), leg.until.since(leg.from));
        let _ = writeln!(text, "{} {:<8} {node:<12} {:>6} us  #{}", leg.from, leg.spent.word(), length.0, leg.record.0);
    }
    let spans = spans(&course);
    let root = spans.iter().rposition(|span| span.begins() && span.record < told.id && reaches(&course, span, told));
    let root = root.expect("its chain begins somewhere") as u32;
    text.push('\n');
    for place in request(&spans, root) {
        let span = &spans[place as usize];
        let mut deep = 0;
        let mut above = span.parent;
        while let Some(place) = above {
            (deep, above) = (deep + 1, spans[place as usize].parent);
        }
        let (from, node) = (run.world.name(span.from), run.world.name(span.node));
        let (network, waited, served, stored) = (span.network().0, span.waited.0, span.served.0, span.stored.0);
        let _ = writeln!(
            text,
            "{} {:indent$}{} {from} → {node}: network {network}, queue {waited}, service {served}, disk {stored} us",
            span.sent,
            "",
            span.name,
            indent = deep * 2,
        );
    }
    let cost = cost(&spans, root);
    let _ = writeln!(
        text,
        "\n{} messages, {} bytes, {} message delays, {} round trips, {} us",
        cost.messages, cost.bytes, cost.delays, cost.round_trips, cost.time.0
    );
    golden::compare("derived/request.txt", include_str!("golden/derived/request.txt"), &text);
}

/// Whether a record lies below the beginning of a chain.
fn reaches(course: &Course, span: &Span, record: &Record) -> bool {
    let mut here = Some(record);
    while let Some(record) = here {
        if record.id == span.record {
            return true;
        }
        here = course.get(cause(record));
    }
    false
}

#[test]
fn a_request_costs_what_was_sent_for_it() {
    let (records, _) = troubled();
    let course = course(&records);
    let spans = spans(&course);
    let mut messages = 0;
    for root in (0..spans.len() as u32).filter(|place| spans[*place as usize].root == *place) {
        let cost = cost(&spans, root);
        messages += cost.messages;
        assert!(cost.delays <= cost.messages && cost.lost <= cost.messages && cost.round_trips * 2 <= cost.messages);
        let request = request(&spans, root);
        let bytes: u64 = request.iter().map(|place| u64::from(spans[*place as usize].bytes)).sum();
        assert_eq!((request[0], cost.bytes), (root, bytes));
    }
    assert_eq!(messages as usize, spans.iter().filter(|span| !span.begins()).count(), "each belongs to one request");
    // A question that was answered: the answer is below it and goes back to who asked.
    let answered = spans.iter().filter(|span| span.answered.is_some()).count();
    assert!(answered > 100, "{answered}");
    for (place, span) in spans.iter().enumerate() {
        let Some(at) = span.answered else { continue };
        let back = |reply: &&Span| (reply.from, reply.node, reply.arrived) == (span.node, span.from, Some(at));
        let below = spans[place..].iter().find(back).expect("the answer");
        assert_eq!(below.root, span.root);
    }
}

// Space and time.

/// Vector clocks as Mattern (1989) and Fidge (1988) have them: of each record how much of each node it knows.
fn clocks(records: &[Record], nodes: usize) -> Vec<Vec<u32>> {
    let mut of_node = vec![vec![0u32; nodes]; nodes];
    let mut clocks: Vec<Vec<u32>> = Vec::new();
    for record in records {
        let me = record.node.0 as usize;
        let mut clock = if lived(&record.what) { of_node[me].clone() } else { vec![0; nodes] };
        if let Ok(place) = records.binary_search_by_key(&cause(record), |it| it.id) {
            let sender: &Vec<u32> = &clocks[place];
            clock.iter_mut().zip(sender).for_each(|(mine, theirs)| *mine = (*mine).max(*theirs));
        }
        if lived(&record.what) {
            clock[me] += 1;
            of_node[me] = clock.clone();
        }
        clocks.push(clock);
    }
    clocks
}

#[test]
fn what_happened_before_what_agrees_with_vector_clocks() {
    let (records, run) = troubled();
    let course = course(&records);
    let clocks = clocks(&records, run.world.nodes().count() + 8);
    let mut luck = 1u64;
    let mut next = || {
        luck = luck.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (luck >> 33) as usize % records.len()
    };
    let mut seen = [0; 3];
    for _ in 0..2_000 {
        let (one, other) = (next(), next());
        let (a, b) = (&records[one], &records[other]);
        if one == other || !lived(&a.what) || !lived(&b.what) {
            continue;
        }
        let less = |a: &[u32], b: &[u32]| a.iter().zip(b).all(|(a, b)| a <= b);
        let expected = match (less(&clocks[one], &clocks[other]), less(&clocks[other], &clocks[one])) {
            (true, false) => Order::Before,
            (false, true) => Order::After,
            _ => Order::Concurrent,
        };
        seen[expected as usize - 1] += 1;
        assert_eq!(space_time::order(&course, a.id, b.id), Some(expected), "{a:?}\n{b:?}");
        let (past, future) = (space_time::past(&course, a.id), space_time::future(&course, a.id));
        assert_eq!(past.contains(&b.id), expected == Order::After);
        assert_eq!(future.contains(&b.id), expected == Order::Before);
        assert!(past.last() == Some(&a.id) && future.first() == Some(&a.id));
    }
    assert!(seen.iter().all(|count| *count > 50), "{seen:?}");
    assert_eq!(space_time::order(&course, RecordId(1), RecordId(u64::MAX)), None);
}

#[test]
fn a_cut_is_consistent_exactly_where_no_effect_goes_without_its_cause() {
    let (records, _) = troubled();
    let course = course(&records);
    for record in records.iter().filter(|record| lived(&record.what)).step_by(23) {
        let cut = space_time::frontier(&course, record.id);
        assert_eq!(space_time::consistent(&course, &cut), Ok(()), "the past of {record:?}");
        assert!(cut.contains(&(record.node, record.id)));
        // One record less at a node that the record heard of, and something goes without its cause.
        let clock_of = |node: NodeId| cut.iter().find(|(of, _)| *of == node).map(|(_, last)| *last);
        let heard = records.iter().find(|it| {
            matches!(it.what, What::Arrived { .. })
                && clock_of(it.node).is_some_and(|last| it.id <= last)
                && course.get(it.cause).is_some_and(|sent| clock_of(sent.node) == Some(sent.id))
        });
        let Some(heard) = heard else { continue };
        let sent = course.get(heard.cause).expect("it was found");
        let earlier: Vec<(NodeId, RecordId)> = cut
            .iter()
            .map(|(node, last)| if *node == sent.node { (*node, RecordId(sent.id.0 - 1)) } else { (*node, *last) })
            .collect();
        let (after, within) = space_time::consistent(&course, &earlier).expect_err("it is not consistent");
        let known =
            |id: RecordId| earlier.iter().any(|(node, last)| course.get(id).unwrap().node == *node && id <= *last);
        assert!(!known(after) && known(within));
    }
    assert_eq!(space_time::consistent(&course, &Vec::new()), Ok(()), "nothing at all has happened");
}

#[test]
fn arrows_join_the_lifelines() {
    let (records, run) = troubled();
    let course = course(&records);
    let (arrows, lines) = (arrows(&course), lifelines(&course));
    assert_eq!(arrows.len(), records.iter().filter(|it| matches!(it.what, What::Sent { .. })).count());
    let under_way = arrows.iter().filter(|arrow| matches!(arrow.end, End::UnderWay(_))).count();
    assert_eq!(under_way, run.world.in_flight());
    for arrow in &arrows {
        if let End::Arrived(record, at) = arrow.end {
            assert!(arrow.left <= at);
            let line = lines.iter().find(|line| line.node == arrow.to).expect("it has a line");
            assert!(line.records.binary_search(&record).is_ok());
        }
    }
    let sender = lines.iter().find(|line| run.world.name(line.node) == "sender-1").expect("it has a line");
    let end = records.last().expect("something happened").at;
    assert_eq!(sender.down, [(Time(3_000_000), end)], "it stayed down: another took its place");
    let other = lines.iter().find(|line| run.world.name(line.node) == "sender-3").expect("it has a line");
    let [(placed, booted)] = other.down[..] else { panic!("{:?}", other.down) };
    assert!(placed > Time(3_000_000) && booted.since(placed) == Micros::ms(700), "as long as it takes to start");
}

// Queues.

#[test]
fn queues_from_spans_are_those_of_the_world() {
    // A history that is 150 times as slow, so that something waits.
    let mut run = Run::new(Rc::new(builtin("chat").expect("it is there")), 3).expect("no problems");
    let mut records = Vec::new();
    run.act(&Act::Slow { node: "history".to_owned(), factor: 150.0 }, &mut records).expect("they run");
    // Of each instant, after all of its events: what waits at each node.
    let mut seen: Vec<(Time, Vec<(NodeId, u32)>)> = Vec::new();
    while run.next_at().is_some_and(|at| at <= Time(6_000_000)) {
        run.step(&mut records);
        let now: Vec<(NodeId, u32)> = run.world.nodes().map(|(id, node)| (id, node.waiting() as u32)).collect();
        if seen.last().is_some_and(|(at, _)| *at == run.world.now()) {
            seen.pop();
        }
        seen.push((run.world.now(), now));
    }
    run.run_until(Time(6_000_000), &mut records);
    let end = run.world.now();
    let course = course(&records);
    let spans = spans(&course);
    let levels = levels(&spans, &run.world);
    let most = seen.iter().flat_map(|(_, nodes)| nodes.iter().map(|(_, waiting)| *waiting)).max();
    assert!(most.is_some_and(|most| most > 3), "something waits: {most:?}");
    for (at, nodes) in &seen {
        for (node, waiting) in nodes {
            let level = levels.iter().rfind(|level| level.node == *node && level.at <= *at);
            assert_eq!(level.map_or(0, |level| level.waiting), *waiting, "{} at {at}", run.world.name(*node));
        }
    }
    // Busy time, and the area under the queue, are the same in windows as in all.
    let width = Micros::ms(500);
    let loads = windows(&spans, &run.world, Time::ZERO, width);
    for (id, node) in run.world.nodes() {
        let mine: Vec<_> = loads.iter().filter(|load| load.node == id).collect();
        if mine.is_empty() {
            continue;
        }
        let busy: u64 = mine.iter().map(|load| load.busy.0).sum();
        let serving: u64 = node.serving().filter_map(|kept| Some(end.since(kept.started?).0)).sum();
        assert_eq!(busy, node.busy.0 + serving, "{}", node.name);
        assert!(mine.iter().all(|load| load.busy.0 <= width.0 * u64::from(node.machine.cores)));
        let area: u64 = mine.iter().map(|load| load.waited.0).sum();
        let mut expected = 0;
        for pair in seen.windows(2) {
            let waiting = pair[0].1.iter().find(|(node, _)| *node == id).map_or(0, |(_, waiting)| *waiting);
            expected += u64::from(waiting) * pair[1].0.since(pair[0].0).0;
        }
        let last = seen.last().expect("something happened");
        expected += u64::from(node.waiting() as u32) * end.since(last.0).0;
        assert_eq!(area, expected, "{}", node.name);
        for load in mine {
            let inside = |at: &Time| *at >= load.start && *at < load.start + width;
            let of = |nodes: &[(NodeId, u32)]| nodes.iter().find(|(node, _)| *node == id).map_or(0, |(_, it)| *it);
            let seen = seen.iter().filter(|(at, _)| inside(at)).map(|(_, nodes)| of(nodes)).max().unwrap_or(0);
            assert!(load.most >= seen, "{} {:?}", node.name, load);
        }
    }
}

#[test]
fn what_time_is_spent_on_has_a_word_of_its_own() {
    let all = [Spent::Network, Spent::Queue, Spent::Service, Spent::Disk, Spent::Other];
    for (place, spent) in all.iter().enumerate() {
        assert!(all[..place].iter().all(|other| other.word() != spent.word()));
    }
    let (records, _) = troubled();
    let names = records.iter().filter_map(|record| match &record.what {
        What::Sent { message, .. } => Some(message.name()),
        _ => None,
    });
    assert!(names.count() > 1_000);
}
