//! From a broken promise to the moment and the message that broke it; the story that outlives the log; and links that carry
//! what is open and selected.
#![cfg(not(target_arch = "wasm32"))]

use std::rc::Rc;

use faultline::components::What;
use faultline::link::{self, Picked};
use faultline::player::{Action, LogFilter, Looking, Player, Sort, log_lines, log_rows, promises};
use faultline::scenario::{Act, builtin};
use faultline::scene::Target;
use faultline::sim::{Time, Value};
use faultline::trace::MAX_LOG;
use faultline::views::Kind;

fn open(name: &str) -> Player {
    let mut player = Player::new(Rc::new(builtin(name).expect("it is built in"))).expect("it has no problems");
    player.dispatch(Action::Resize(900.0, 640.0));
    player
}

fn go(player: &mut Player, at: Time) {
    player.dispatch(Action::Seek(at));
    while player.journey().is_some() {
        player.frame(1.0 / 60.0);
    }
}

/// The chat that says yes before anything is stored, and loses its senders.
fn lossy() -> Player {
    let mut player = open("chat");
    player.dispatch(Action::Turn(0, Value::text("before-store")));
    for kill in 1..12 {
        go(&mut player, Time(kill * 2_000_000));
        for node in ["sender-1", "sender-2"] {
            player.dispatch(Action::Act(Act::Kill { node: node.to_owned(), disk: true }));
        }
    }
    go(&mut player, Time(40_000_000));
    player
}

#[test]
fn a_broken_promise_leads_to_the_message_that_broke_it() {
    let mut player = lossy();
    let broken = player.timeline().run().violations().clone();
    assert!(!broken.is_empty(), "what was accepted too early is lost");
    let told = promises(&player);
    assert_eq!(told.iter().map(|promised| promised.broken.len() + promised.more).sum::<usize>(), broken.len());
    assert!(told.iter().all(|promised| !promised.promise.is_empty() && !promised.brief.is_empty()));

    player.dispatch(Action::Show(0));
    while player.journey().is_some() {
        player.frame(1.0 / 60.0);
    }
    assert_eq!(player.timeline().now(), broken[0].at);
    assert!(!player.playing() && player.timeline().run().violations().len() <= broken.len());
    let seen = player.timeline().log().get(broken[0].record).expect("the log has what broke it");
    match player.view().selected {
        Some(Target::Flight(record)) => {
            let message = player.timeline().log().get(record).expect("the message is in the log");
            assert!(message.what.leaving().is_some() && record < broken[0].record, "{message:?}");
        }
        Some(Target::Node(node)) => assert_eq!(node, seen.node),
        other => panic!("nothing is shown: {other:?}"),
    }
    let evidence = promises(&player);
    let first = evidence.iter().flat_map(|promised| &promised.broken).find(|broken| broken.which == 0).expect("told");
    assert!(!first.evidence.is_empty(), "what shows it can be read");

    // The link to it leads others there.
    let (moment, shown) = player.moment_of_broken(0).expect("it is a moment");
    let mut there = Player::from_link(&link::write(&moment, &shown).fragment, false).expect("it opens");
    while there.journey().is_some() {
        there.frame(1.0 / 60.0);
    }
    assert_eq!(there.timeline().now(), broken[0].at);
    assert_eq!(there.timeline().run().digest(), player.timeline().run().digest());
    assert_eq!(there.timeline().run().violations()[0], broken[0]);
}

#[test]
fn nothing_is_shown_of_a_promise_that_holds() {
    let mut player = open("chat");
    go(&mut player, Time(3_000_000));
    assert!(promises(&player).iter().all(|promised| promised.broken.is_empty() && promised.more == 0));
    assert!(player.next_broken().is_none() && player.moment_of_broken(0).is_none());
    player.dispatch(Action::Show(0));
    assert_eq!(player.timeline().now(), Time(3_000_000));
}

#[test]
fn the_story_outlives_the_log_and_is_known_ahead() {
    let mut player = open("chat");
    go(&mut player, Time(1_000_000));
    player.dispatch(Action::Act(Act::Kill { node: "gateway-1".to_owned(), disk: false }));
    let all = |_: &str| true;
    let crash = |rows: &[faultline::player::LogRow]| {
        rows.iter().find(|row| row.node == "gateway-1" && row.text.contains("crash")).cloned()
    };
    go(&mut player, Time(240_000_000));
    assert!(player.timeline().log().len() == MAX_LOG || player.timeline().log().iter().next().is_some());
    assert!(player.timeline().log().since(Time(0)).next().is_some_and(|first| first.at > Time(2_000_000)));
    let row = crash(&log_rows(&player, &LogFilter::default(), &all, 10_000)).expect("the story goes back to the crash");
    assert!(!row.ahead);
    assert!(log_lines(&player, false, 10_000).iter().any(|line| line.record == row.record && !line.ahead));

    // Before it, it lies ahead; in a course that does something else first, it never was.
    go(&mut player, Time(900_000));
    assert!(crash(&log_rows(&player, &LogFilter::default(), &all, 10_000)).is_some_and(|row| row.ahead));
    player.dispatch(Action::Act(Act::Pause { node: "gateway-2".to_owned() }));
    assert!(crash(&log_rows(&player, &LogFilter::default(), &all, 10_000)).is_none());
    let faults = LogFilter { sort: Sort::Faults, ..LogFilter::default() };
    assert!(log_rows(&player, &faults, &all, 10).iter().any(|row| row.node == "gateway-2"));
}

#[test]
fn the_story_has_no_everyday_work_in_it() {
    let mut player = open("chat");
    go(&mut player, Time(20_000_000));
    let story = player.timeline().tape().story().records();
    let everyday = |what: &What| matches!(what, What::Sent { .. } | What::Arrived { .. } | What::Served { .. });
    assert!(!story.iter().any(|record| everyday(&record.what)));
    assert!(story.is_sorted_by_key(|record| record.id));
}

#[test]
fn a_link_carries_what_is_open_and_selected() {
    let mut player = open("quorum");
    go(&mut player, Time(3_000_000));
    player.dispatch(Action::Pause);
    player.dispatch(Action::Look(Looking::Open(Kind::Trace)));
    player.dispatch(Action::Look(Looking::Open(Kind::SpaceTime)));
    player.dispatch(Action::Step(1));
    let sent =
        player.timeline().log().iter().rev().find(|record| record.what.leaving().is_some()).expect("one left").id;
    let (a, b) = {
        let world = &player.timeline().run().world;
        let (id, node) = world.nodes().find(|(_, node)| !node.links.is_empty()).expect("somebody is linked");
        let other = world.nodes().map(|(id, _)| id).find(|other| node.link(*other).is_some()).expect("to somebody");
        (id.min(other), id.max(other))
    };
    for target in [Target::Flight(sent), Target::Link(a, b), Target::Node(a)] {
        player.dispatch(Action::Select(Some(target)));
        let (moment, shown) = player.share();
        let fragment = link::write(&moment, &shown).fragment;
        let mut there = Player::from_link(&fragment, false).expect("it opens");
        while there.journey().is_some() {
            there.frame(1.0 / 60.0);
        }
        assert_eq!(there.view().selected, Some(target), "{fragment}");
        assert_eq!((there.views(), there.lesson_step()), (&[Kind::Trace, Kind::SpaceTime][..], 1), "{fragment}");
        // In a window in which something else is open, the link decides.
        let mut window = open("chat");
        window.dispatch(Action::Look(Looking::Open(Kind::Log)));
        window.become_player(Player::from_link(&fragment, false).expect("it opens"));
        assert_eq!(window.views(), [Kind::Trace, Kind::SpaceTime]);
    }
    let known: Vec<&str> = Kind::ALL.iter().map(|(.., name)| *name).collect();
    assert_eq!(known, link::VIEWS, "links know every view by its name");
    // What is not there any more is not selected.
    let mut shown = player.share().1;
    shown.selection = Some(Picked::Message(u64::MAX));
    let there = Player::from_link(&link::write(&player.moment(), &shown).fragment, false).expect("it opens");
    assert_eq!(there.view().selected, None);
}
