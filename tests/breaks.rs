//! Breakpoints: the run stops where something comes to be, at the very event, and they change nothing in it.
#![cfg(not(target_arch = "wasm32"))]

use std::rc::Rc;

use faultline::player::{Action, BreakSort, Breaking, Draft, Player, Stop, Tone, offered};
use faultline::scenario::{Act, Run, builtin};
use faultline::sim::{Status, Time};

fn open(name: &str) -> Player {
    let mut player = Player::new(Rc::new(builtin(name).expect("it is built in"))).expect("it has no problems");
    player.dispatch(Action::Resize(900.0, 640.0));
    player
}

fn set(player: &mut Player, draft: Draft) {
    player.dispatch(Action::Break(Breaking::Add(draft)));
}

/// Watches until it stands still, a minute at most.
fn watch(player: &mut Player) {
    player.dispatch(Action::Speed(5.0));
    player.dispatch(Action::Play);
    for _ in 0..3_600 {
        player.frame(1.0 / 60.0);
        if !player.playing() {
            return;
        }
    }
}

fn jump(player: &mut Player) {
    player.dispatch(Action::Jump(true));
    while player.journey().is_some() {
        player.frame(1.0 / 60.0);
    }
}

/// A straight run that stands where the player stands.
fn straight(player: &Player) -> Run {
    let mut run = Run::new(player.timeline().document().clone(), player.timeline().seed()).expect("it runs");
    while run.steps() < player.timeline().run().steps() && run.step(&mut ()) {}
    run
}

fn event(what: &str, place: &str) -> Draft {
    Draft { sort: BreakSort::Event, what: what.to_owned(), place: place.to_owned(), ..Draft::default() }
}

#[test]
fn it_stops_at_the_very_event_and_changes_nothing() {
    let mut player = open("raft");
    set(&mut player, event("elected", ""));
    watch(&mut player);
    let leaders = |run: &Run| run.world.nodes().filter(|(_, node)| &*node.look().role == "leader").count();
    let run = straight(&player);
    assert_eq!(run.digest(), player.timeline().run().digest());
    assert_eq!(leaders(&run), 1);
    // The event before, there was none.
    player.dispatch(Action::StepBack);
    assert_eq!(leaders(player.timeline().run()), 0);
    assert!(
        player.notices().iter().any(|notice| notice.told.starts_with("Stopped at") && notice.told.contains("elected"))
    );
}

#[test]
fn two_leaders_are_found_when_there_are_two() {
    let mut player = open("raft");
    player.dispatch(Action::Seek(Time(3_000_000)));
    let leader = {
        let world = &player.timeline().run().world;
        world.nodes().find(|(_, node)| &*node.look().role == "leader").expect("one leads").1.name.to_string()
    };
    player.dispatch(Action::Turn(4, faultline::sim::Value::Flag(false)));
    player.dispatch(Action::Act(Act::Isolate { node: leader }));
    let draft = Draft { sort: BreakSort::State, what: "leader".into(), place: "servers".into(), ..Draft::default() };
    assert!(offered(&player, &draft).what.contains(&"leader".to_owned()));
    assert!(offered(&player, &draft).places.contains(&"servers".to_owned()));
    set(&mut player, Draft { figure: "2".into(), ..draft });
    watch(&mut player);
    let leaders = |player: &Player| {
        let world = &player.timeline().run().world;
        world.nodes().filter(|(_, node)| node.status == Status::Up && &*node.look().role == "leader").count()
    };
    assert_eq!(leaders(&player), 2);
    player.dispatch(Action::StepBack);
    assert_eq!(leaders(&player), 1);
}

#[test]
fn a_measure_is_stopped_at_when_its_window_is_over() {
    let mut player = open("overload");
    player.dispatch(Action::Seek(Time(5_000_000)));
    let draft = Draft {
        sort: BreakSort::Measure,
        what: "sojourn".into(),
        stat: "p99".into(),
        figure: "2000".into(),
        ..Draft::default()
    };
    assert_eq!(offered(&player, &draft).unit, " ms");
    set(&mut player, draft);
    watch(&mut player);
    let now = player.timeline().now();
    let over: Vec<bool> = player
        .timeline()
        .run()
        .metrics
        .windows("sojourn", Time(5_000_000))
        .map(|(_, point)| point.count > 0 && point.p99 > 2_000_000)
        .collect();
    assert_eq!(over.iter().filter(|over| **over).count(), 1, "{over:?}");
    assert!(over.last().is_some_and(|last| *last), "it is the last window before {now:?}");
    // It goes on to the next time that it comes to be so, not the next window.
    player.dispatch(Action::Play);
    player.frame(1.0 / 60.0);
    assert!(player.playing());
}

#[test]
fn from_one_to_the_next_and_back() {
    let mut player = open("chat");
    set(&mut player, event("lost", ""));
    set(&mut player, Draft { sort: BreakSort::Instant, figure: "2.5".into(), ..Draft::default() });
    assert_eq!(player.stop(), Stop::Break);
    player.dispatch(Action::Seek(Time(1_000_000)));
    player.dispatch(Action::Act(Act::Kill { node: "sender-1".into(), disk: false }));
    jump(&mut player);
    let first = player.timeline().now();
    assert!(first < Time(2_500_000), "{first:?}");
    jump(&mut player);
    let second = player.timeline().now();
    assert!(second > first || player.timeline().run().steps() > 0);
    player.dispatch(Action::Jump(false));
    assert!(player.timeline().now() < second);
    // A way to somewhere passes them.
    player.dispatch(Action::Seek(Time(10_000_000)));
    assert_eq!(player.timeline().now(), Time(10_000_000));
    player.dispatch(Action::Seek(Time(1_500_000)));
    player.dispatch(Action::Break(Breaking::Switch(0)));
    jump(&mut player);
    assert!(player.timeline().now() >= Time(2_500_000), "the first is passed now: {:?}", player.timeline().now());
    player.dispatch(Action::Break(Breaking::Remove(1)));
    assert_eq!(player.breakpoints().len(), 1);
}

#[test]
fn what_cannot_be_one_is_said() {
    let mut player = open("chat");
    set(&mut player, Draft { sort: BreakSort::Instant, figure: "soon".into(), ..Draft::default() });
    assert!(player.notices().last().is_some_and(|notice| notice.tone == Tone::Warn && notice.told.contains("soon")));
    set(&mut player, Draft { sort: BreakSort::State, figure: "0".into(), ..Draft::default() });
    assert!(player.breakpoints().is_empty());
    player.dispatch(Action::LookFor(Stop::Break));
    player.dispatch(Action::Jump(true));
    assert!(player.notices().last().is_some_and(|notice| notice.told.contains("no breakpoint yet")));
}

#[test]
fn a_broken_promise_stops_the_run_where_it_breaks() {
    let mut player = open("chat");
    player.dispatch(Action::Seek(Time(500_000)));
    player.dispatch(Action::Turn(0, faultline::sim::Value::text("before-store")));
    for (at, node) in [(2_000_000, "sender-1"), (3_000_000, "sender-2")] {
        player.dispatch(Action::Seek(Time(at)));
        player.dispatch(Action::Act(Act::Kill { node: node.into(), disk: false }));
    }
    set(&mut player, Draft { sort: BreakSort::Promise, ..Draft::default() });
    let before = player.timeline().run().violations().len();
    watch(&mut player);
    let broken = player.timeline().run().violations();
    assert_eq!(broken.len(), before + 1, "at {:?}", player.timeline().now());
    assert_eq!(broken[before].at, player.timeline().now());
}

#[test]
fn with_other_luck_they_are_still_there() {
    let mut player = open("raft");
    set(&mut player, event("elected", ""));
    watch(&mut player);
    assert!(player.hits().next().is_some());
    player.dispatch(Action::Reseed(9));
    assert!(player.hits().next().is_none(), "another run has not stopped anywhere yet");
    watch(&mut player);
    let first = player.timeline().now();
    assert_eq!(player.hits().collect::<Vec<_>>(), [first]);
}
