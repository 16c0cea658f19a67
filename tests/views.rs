//! The linked views: what they show of a run, found in a second way, and what is done in them.
#![cfg(not(target_arch = "wasm32"))]

use std::rc::Rc;

use faultline::components::{Record, What};
use faultline::player::{Action, LogFilter, Looking, Player, Sort, log_rows, menu};
use faultline::scenario::{Act, builtin};
use faultline::scene::{Area, DisplayList, Ink, Item, Point, Target};
use faultline::sim::{Micros, NodeId, RecordId, Time, Why};
use faultline::timeline::Cursor;
use faultline::trace::clocks::Clocks;
use faultline::views::Kind;

const SIZE: (f32, f32) = (1_000.0, 400.0);

fn open(name: &str, at: Micros) -> Player {
    let mut player = Player::new(Rc::new(builtin(name).expect("it is built in"))).expect("it has no problems");
    player.dispatch(Action::Resize(900.0, 640.0));
    player.dispatch(Action::Pause);
    player.dispatch(Action::Seek(Time(at.0)));
    player
}

fn draw(player: &mut Player) -> DisplayList {
    let mut list = DisplayList::default();
    player.draw_view(Kind::SpaceTime, SIZE, &mut list);
    list
}

/// The messages of a drawing: record, beginning, end.
fn messages(list: &DisplayList) -> Vec<(RecordId, Point, Point)> {
    let message = |hit: &faultline::scene::Hit| match (hit.target, hit.area) {
        (Target::Flight(record), Area::Path { from, to, .. }) => Some((record, from, to)),
        _ => None,
    };
    list.hits.iter().filter_map(message).collect()
}

fn lifeline(list: &DisplayList, node: NodeId) -> Option<f32> {
    list.hits.iter().find_map(|hit| match (hit.target, hit.area) {
        (Target::Node(id), Area::Path { from, .. }) if id == node => Some(from.y),
        _ => None,
    })
}

fn find(player: &Player, found: impl Fn(&Record) -> bool) -> Record {
    player.timeline().log().iter().rev().find(|record| found(record)).cloned().expect("it is in the log")
}

#[test]
fn a_message_leads_from_where_and_when_it_left_to_where_and_when_it_arrived() {
    let mut player = open("raft", Micros::secs(3));
    let list = draw(&mut player);
    let (left, right) = (player.place_in_time(player.instant_at(0.0).unwrap_or(Time(0))), SIZE.0 - 10.0);
    // Two seconds at a quarter of the speed, nine tenths of them before the cursor.
    let (from, span) = (3_000_000.0 - 1_800_000.0, 2_000_000.0);
    let names = 118.0;
    assert!(left <= names && player.instant_at(names - 1.0).is_none());
    let x = |at: Time| names + (at.0 as f32 - from as f32) / span as f32 * (right - names);
    let near = |a: f32, b: f32| (a - b).abs() < 0.6;
    let log = player.timeline().log();
    let drawn = messages(&list);
    assert!(drawn.len() > 40, "{}", drawn.len());
    let mut arrived = 0;
    for (record, begin, end) in &drawn {
        let sent = log.get(*record).expect("it was sent");
        let What::Sent { to, due, .. } = &sent.what else { panic!("{record:?} is no message") };
        assert!(near(begin.x, x(sent.at)) && Some(begin.y) == lifeline(&list, sent.node), "{sent:?}");
        let arrival = log.iter().find(|later| later.cause == *record && matches!(later.what, What::Arrived { .. }));
        arrived += u32::from(arrival.is_some());
        let until = arrival.map_or(*due, |arrival| arrival.at);
        assert!(near(end.x, x(until)) && Some(end.y) == lifeline(&list, *to), "{sent:?} until {until:?}");
    }
    assert!(arrived > 30 && arrived < drawn.len() as u32, "some have arrived, some are under way");
}

#[test]
fn what_is_lost_ends_in_a_cross_before_its_receiver() {
    let mut player = open("raft", Micros::secs(2));
    let leader = find(&player, |record| matches!(&record.what, What::Fact(fact) if fact.name() == "elected")).node;
    let name = player.timeline().run().world.name(leader).to_owned();
    player.dispatch(Action::Act(Act::Kill { node: name, disk: false }));
    player.dispatch(Action::Seek(Time(2_600_000)));
    let lost = find(&player, |record| matches!(record.what, What::Lost { why: Why::Down, .. }));
    let list = draw(&mut player);
    let (.., end) = *messages(&list).iter().find(|(record, ..)| *record == lost.cause).expect("it is drawn");
    assert_eq!(Some(end.y), lifeline(&list, leader), "it came as far as the receiver");
    let crosses = list.live.items.iter().filter(|item| match item {
        Item::Line { from, to, pen } => pen.ink == Ink::Warn && from.mix(*to, 0.5).distance(end) < 0.01,
        _ => false,
    });
    assert_eq!(crosses.count(), 2);
    // The leader's line is dotted from its crash on.
    let y = lifeline(&list, leader).expect("it is there");
    let dotted = list.live.items.iter().any(|item| match item {
        Item::Line { from, to, pen } => {
            pen.ink == Ink::Warn && pen.dash == faultline::scene::Dash::Dotted && from.y == y && to.y == y
        }
        _ => false,
    });
    assert!(dotted);
}

#[test]
fn what_fades_beside_a_selected_message_is_what_vector_clocks_call_concurrent() {
    let mut player = open("chat", Micros::secs(4));
    let all = messages(&draw(&mut player));
    let (chosen, ..) = all[all.len() / 2];
    player.dispatch(Action::Select(Some(Target::Flight(chosen))));
    let list = draw(&mut player);
    let mut clocks = Clocks::default();
    let log: Vec<Record> = player.timeline().log().iter().cloned().collect();
    let stamps: Vec<_> = log.iter().map(|record| (record.id, clocks.take(record))).collect();
    let stamp = |id: RecordId| &stamps.iter().find(|(of, _)| *of == id).expect("it has a stamp").1;
    let here = stamp(chosen);
    let (mut faded, mut full) = (0, 0);
    for (record, begin, end) in messages(&list).iter().filter(|(record, ..)| *record != chosen) {
        let other = stamp(*record);
        let concurrent = !other.within(here) && !here.within(other);
        let alpha = list.live.items.iter().find_map(|item| match item {
            // Several leave from one place at once.
            Item::Line { from, to, pen } if from == begin && to.distance(*end) < 0.1 => Some(pen.alpha),
            _ => None,
        });
        // What begins before the left edge is cut off there, and not looked for.
        let Some(alpha) = alpha.filter(|_| end.x > begin.x + 1.0) else { continue };
        assert_eq!(alpha < 100, concurrent, "{record:?}: alpha {alpha}");
        *(if concurrent { &mut faded } else { &mut full }) += 1;
    }
    assert!(faded > 5 && full > 50, "{faded} concurrent, {full} not");
}

#[test]
fn a_message_that_has_arrived_is_dragged_later_in_a_course_of_its_own() {
    let mut player = open("raft", Micros::secs(3));
    let before = player.timeline().run().digest();
    draw(&mut player);
    let posted = find(&player, |record| {
        matches!(&record.what, What::Sent { message, .. } if faultline::sim::Payload::name(message) == "AppendEntries")
            && record.at < Time(2_500_000)
    });
    let What::Sent { due, to, .. } = posted.what else { unreachable!() };
    let goal = due + Micros::ms(200);
    let x = player.place_in_time(goal);
    player.dispatch(Action::Look(Looking::Drag(posted.id, x)));
    let goal = player.look().dragged.expect("it is held").1;
    player.dispatch(Action::Look(Looking::Drop));
    while player.journey().is_some() {
        player.frame(0.016);
    }
    assert_eq!(player.timeline().now(), Time(3_000_000), "one stands where one stood");
    assert_eq!(player.timeline().courses().len(), 2, "what was before is kept");
    let arrived = find(&player, |record| record.cause == posted.id && matches!(record.what, What::Arrived { .. }));
    assert_eq!((arrived.at, arrived.node), (goal, to));
    // A straight run with the same act comes to the same.
    let acts = player.timeline().acts().to_vec();
    assert_eq!(acts.len(), 1);
    let mut straight = open("raft", Micros(acts[0].at.0));
    straight.dispatch(Action::Act(acts[0].act.clone()));
    straight.dispatch(Action::Seek(Time(3_000_000)));
    assert_eq!(player.timeline().run().digest(), straight.timeline().run().digest());
    assert_ne!(player.timeline().run().digest(), before);
    player.dispatch(Action::Undo);
    while player.journey().is_some() {
        player.frame(0.016);
    }
    player.dispatch(Action::Seek(Time(3_000_000)));
    assert_eq!(player.timeline().run().digest(), before, "taken back");
}

#[test]
fn a_message_under_way_is_dragged_to_where_it_is_wanted() {
    for later in [true, false] {
        let mut player = open("raft", Micros::secs(3));
        draw(&mut player);
        let flight = player.timeline().run().world.flights().max_by_key(|flight| flight.due).cloned();
        let flight = flight.expect("something is under way");
        let now = player.timeline().now();
        let goal = if later { flight.due + Micros::ms(30) } else { Time((now.0 + flight.due.0) / 2) };
        player.dispatch(Action::Look(Looking::Drag(flight.record, player.place_in_time(goal))));
        let goal = player.look().dragged.expect("it is held").1;
        player.dispatch(Action::Look(Looking::Drop));
        player.dispatch(Action::Seek(Time(4_000_000)));
        let arrived =
            find(&player, |record| record.cause == flight.record && matches!(record.what, What::Arrived { .. }));
        assert_eq!(arrived.at, goal, "later: {later}");
    }
}

#[test]
fn through_lifelines_that_are_hidden_a_dashed_way_leads_on() {
    let mut player = open("chat", Micros::secs(4));
    let count = |list: &DisplayList| {
        let dashed = |item: &&Item| matches!(item, Item::Line { pen, .. } if pen.ink == Ink::Muted && pen.dash == faultline::scene::Dash::Dashed);
        list.live.items.iter().filter(dashed).count()
    };
    assert_eq!(count(&draw(&mut player)), 0);
    for name in ["gateway-1", "gateway-2"] {
        let id = player.timeline().run().world.find(name).expect("it is there");
        player.dispatch(Action::Look(Looking::Hide(id)));
    }
    let list = draw(&mut player);
    assert!(count(&list) > 10);
    assert!(lifeline(&list, player.timeline().run().world.find("gateway-1").expect("it is there")).is_none());
    player.dispatch(Action::Look(Looking::Reset));
    assert_eq!(count(&draw(&mut player)), 0);
}

#[test]
fn lifelines_are_put_into_another_order_by_hand() {
    let mut player = open("raft", Micros::secs(3));
    let world = &player.timeline().run().world;
    let (first, last) = (world.find("client-1").expect("it is there"), world.find("server-5").expect("it is there"));
    let list = draw(&mut player);
    assert!(lifeline(&list, first) < lifeline(&list, last));
    player.dispatch(Action::Look(Looking::Raise(last, -100)));
    let list = draw(&mut player);
    assert!(lifeline(&list, last) < lifeline(&list, first));
}

#[test]
fn two_views_are_open_at_most_and_a_third_takes_the_place_of_the_first() {
    let mut player = open("raft", Micros::secs(1));
    player.dispatch(Action::Look(Looking::Open(Kind::SpaceTime)));
    player.dispatch(Action::Look(Looking::Open(Kind::Log)));
    assert_eq!(player.views(), [Kind::SpaceTime, Kind::Log]);
    player.dispatch(Action::Look(Looking::Open(Kind::SpaceTime)));
    assert_eq!(player.views(), [Kind::Log]);
    player.dispatch(Action::Open("chat".to_owned()));
    assert_eq!(player.views(), [Kind::Log], "they stay open over another scenario");
}

#[test]
fn the_log_shows_what_a_filter_lets_through() {
    let mut player = open("chat", Micros::secs(3));
    player.dispatch(Action::Act(Act::Kill { node: "gateway-1".to_owned(), disk: false }));
    player.dispatch(Action::Seek(Time(5_000_000)));
    let all = |_: &str| true;
    let lost = log_rows(&player, &LogFilter { sort: Sort::Losses, ..LogFilter::default() }, &all, 100);
    assert!(!lost.is_empty() && lost.iter().all(|row| row.warn && matches!(row.target, Target::Flight(_))));
    let of = LogFilter { sort: Sort::All, node: Some("gateway-1".to_owned()), ..LogFilter::default() };
    let mine = log_rows(&player, &of, &all, 1_000);
    assert!(mine.iter().all(|row| row.node == "gateway-1" || row.text.contains("gateway-1")), "{mine:?}");
    let faults = log_rows(&player, &LogFilter { sort: Sort::Faults, ..LogFilter::default() }, &all, 100);
    assert!(faults.iter().any(|row| row.text.contains("gateway-1") && row.warn), "{faults:?}");
    let words = log_rows(&player, &LogFilter::default(), &|line| line.contains("leads in term"), 100);
    assert_eq!(words.len(), 1);
    assert_eq!(words[0].rest(), words[0].text.split_once(": ").map_or("", |(_, rest)| rest));
    let until = LogFilter { sort: Sort::All, until: Some(words[0].record), ..LogFilter::default() };
    assert_eq!(log_rows(&player, &until, &all, 1)[0].record, words[0].record, "it does not go on");
}

#[test]
fn from_a_message_that_has_arrived_one_goes_back_to_where_it_can_be_dropped() {
    let mut player = open("raft", Micros::secs(3));
    let sent = find(&player, |record| matches!(record.what, What::Sent { .. }) && record.at < Time(2_800_000));
    let back = menu(&player, Target::Flight(sent.id));
    assert_eq!(back.len(), 1);
    player.dispatch(back[0].chosen());
    assert_eq!(player.timeline().cursor(), Cursor { at: sent.at, steps: None });
    let entries = menu(&player, Target::Flight(sent.id));
    assert!(entries.iter().any(|entry| entry.label == "Drop" && entry.idle.is_none()));
}
