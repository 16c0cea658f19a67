//! The player, as a person would use it, without a browser.

use std::rc::Rc;

use faultline::components::{Fact, What};
use faultline::player::{
    Action, Player, Stop, Tone, inspector, key_action, lanes, log_lines, menu, palette, steps, vitals,
};
use faultline::scenario::{Act, Document, builtin};
use faultline::scene::{DisplayList, Target};
use faultline::sim::{NodeId, Status, Time};
use faultline::timeline::MarkKind;

fn chat() -> Player {
    let mut player = Player::new(Rc::new(builtin("chat").expect("it is built in"))).expect("it has no problems");
    player.dispatch(Action::Resize(900.0, 640.0));
    player
}

/// Frames of a sixtieth of a second.
fn watch(player: &mut Player, frames: u32) {
    for _ in 0..frames {
        player.frame(1.0 / 60.0);
    }
}

fn node(player: &Player, name: &str) -> NodeId {
    player.timeline().run().world.find(name).unwrap_or_else(|| panic!("{name} is there"))
}

fn kill(name: &str) -> Action {
    Action::Act(Act::Kill { node: name.to_owned(), disk: false })
}

#[test]
fn frames_move_time_at_the_speed_that_was_asked_for() {
    let mut player = chat();
    player.dispatch(Action::Speed(0.5));
    watch(&mut player, 120);
    let now = player.timeline().now().0;
    assert!((990_000..=1_000_000).contains(&now), "two seconds at half speed are one: {now}");
    player.dispatch(Action::Pause);
    assert!(!player.frame(1.0 / 60.0), "a paused page may sleep");
    assert_eq!(player.timeline().now().0, now);
    // A tab that was away for an hour does not catch up.
    player.dispatch(Action::Play);
    player.frame(3600.0);
    assert!(player.timeline().now().0 - now <= 50_001);
}

#[test]
fn how_often_one_looks_does_not_change_the_run() {
    let until = Time(6_000_000);
    let mut rarely = chat();
    rarely.dispatch(kill("sender-1"));
    rarely.dispatch(Action::Seek(until));
    let mut often = chat();
    often.dispatch(kill("sender-1"));
    often.dispatch(Action::Speed(0.3));
    while often.timeline().now() < until {
        often.frame(1.0 / 144.0);
        let mut list = DisplayList::default();
        often.draw(&mut list);
    }
    often.dispatch(Action::Seek(until));
    assert_eq!(rarely.timeline().run().digest(), often.timeline().run().digest());
}

#[test]
fn a_refusal_becomes_a_notice_and_changes_nothing() {
    let mut player = chat();
    let before = player.timeline().run().digest();
    player.dispatch(Action::Act(Act::Restart { node: "sender-1".to_owned() }));
    player.dispatch(kill("sneder-1"));
    assert_eq!(player.timeline().run().digest(), before);
    let told: Vec<&str> = player.notices().iter().map(|notice| &*notice.told).collect();
    assert!(told[0].contains("has not crashed"), "{told:?}");
    assert!(told[1].contains("did you mean \"sender-1\""), "{told:?}");
    assert!(player.notices().iter().all(|notice| notice.tone == Tone::Warn));
    assert!(!player.touched());
}

#[test]
fn keys_and_menu_offer_the_same_and_grey_out_what_would_change_nothing() {
    let mut player = chat();
    let sender = Target::Node(node(&player, "sender-1"));
    player.dispatch(Action::Select(Some(sender)));
    let idle = |player: &Player, key: char| {
        menu(player, sender).iter().find(|entry| entry.key == Some(key)).expect("it is in the menu").idle.is_some()
    };
    assert!(!idle(&player, 'k') && idle(&player, 'r'));
    let action = key_action(&player, "k", false).expect("k does something");
    player.dispatch(action);
    assert!(idle(&player, 'k') && !idle(&player, 'r'));
    assert_eq!(player.timeline().run().world.node(node(&player, "sender-1")).unwrap().status, Status::Crashed);
    assert!(matches!(key_action(&player, "k", false), Some(Action::Tell(..))), "a greyed-out key says why");
}

#[test]
fn every_menu_has_a_key_for_each_entry_and_does_what_it_says() {
    let mut player = chat();
    player.dispatch(Action::Seek(Time(2_000_000)));
    let world = &player.timeline().run().world;
    let ends = (node(&player, "sender-1"), node(&player, "history-1"));
    let flight = world.flights().next().expect("messages are under way").record;
    for target in [Target::Node(ends.0), Target::Link(ends.0, ends.1), Target::Flight(flight)] {
        let entries = menu(&player, target);
        let mut keys: Vec<char> = entries.iter().filter_map(|entry| entry.key).collect();
        assert_eq!(keys.len(), entries.len());
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), entries.len(), "{target:?}: two entries have one key");
        // A key that means something everywhere would never come to the menu.
        player.dispatch(Action::Select(Some(target)));
        for entry in &entries {
            let key = entry.key.map(String::from).expect("checked before");
            assert_eq!(key_action(&player, &key, false), Some(entry.chosen()), "{}", entry.label);
        }
        // Done, it is greyed out or offers the way back.
        for entry in entries.into_iter().filter(|entry| entry.idle.is_none()) {
            let Action::Act(act) = &entry.action else { continue };
            let mut other = chat();
            other.dispatch(Action::Seek(Time(2_000_000)));
            let before = other.timeline().run().digest();
            other.dispatch(Action::Act(act.clone()));
            assert_ne!(other.timeline().run().digest(), before, "{}", entry.label);
            assert!(other.notices().iter().all(|notice| notice.tone != Tone::Warn), "{}", entry.label);
            let again = menu(&other, target).into_iter().find(|again| again.label == entry.label);
            let repeats = ["Delay by 1 s", "Duplicate", "Twice the cores", "Half the cores"].contains(&&*entry.label);
            assert!(repeats || again.is_none_or(|again| again.idle.is_some()), "{}", entry.label);
        }
    }
}

#[test]
fn acting_in_the_past_keeps_what_was_left_and_leads_elsewhere() {
    let mut player = chat();
    player.dispatch(Action::Seek(Time(2_000_000)));
    player.dispatch(kill("sender-1"));
    player.dispatch(Action::Seek(Time(8_000_000)));
    let first = player.timeline().run().digest();
    player.dispatch(Action::Seek(Time(1_000_000)));
    player.dispatch(kill("gateway-1"));
    assert_eq!(player.timeline().courses().len(), 2);
    assert_eq!(player.timeline().acts().len(), 1);
    player.dispatch(Action::Seek(Time(8_000_000)));
    assert_ne!(player.timeline().run().digest(), first);
}

#[test]
fn a_step_back_undoes_exactly_one_step() {
    let mut player = chat();
    player.dispatch(Action::Seek(Time(1_500_000)));
    let mut digests = vec![player.timeline().run().digest()];
    for _ in 0..30 {
        player.dispatch(Action::StepOn);
        digests.push(player.timeline().run().digest());
    }
    for digest in digests[1..30].iter().rev() {
        player.dispatch(Action::StepBack);
        assert_eq!(player.timeline().run().digest(), *digest);
    }
}

#[test]
fn the_lesson_can_be_done_and_stays_done() {
    let mut player = chat();
    player.dispatch(Action::Seek(Time(4_000_000)));
    player.dispatch(kill("sender-1"));
    player.dispatch(Action::Seek(Time(12_000_000)));
    let lesson = steps(&player);
    assert!(lesson[0].tasks.iter().all(|task| task.done), "{:?}", lesson[0].tasks);
    assert!(lesson[1].tasks.iter().all(|task| task.done), "{:?}", lesson[1].tasks);
    player.dispatch(Action::Seek(Time::ZERO));
    assert_eq!(steps(&player)[1], lesson[1], "going back takes no tick away");
    assert!(!steps(&player)[4].tasks.iter().any(|task| task.done));
}

#[test]
fn the_faulty_sender_breaks_the_promise_and_the_page_says_which_message() {
    let mut player = chat();
    player.dispatch(Action::Turn(0, faultline::sim::Value::text("before-store")));
    let mut at = 3_000_000;
    for kill_at in 1..=12 {
        at += 2_500_000;
        player.dispatch(Action::Seek(Time(at)));
        let world = &player.timeline().run().world;
        let sender = world.nodes().find(|(_, node)| node.kind == "sender" && node.status == Status::Up);
        let name = sender.map(|(_, node)| node.name.to_string());
        if let Some(name) = name {
            player.dispatch(kill(&name));
        }
        if player.timeline().run().broken() > 0 {
            let broken = &player.timeline().run().violations()[0];
            assert!(broken.told.contains('“') && broken.told.contains("client-"), "{}", broken.told);
            return;
        }
        assert!(kill_at < 12, "a dozen dead senders lost nothing");
    }
}

#[test]
fn a_newcomer_is_selected_and_waits_to_be_wired() {
    let mut player = chat();
    player.dispatch(Action::Act(Act::Add { what: "gateway".to_owned(), name: None }));
    let Some(Target::Node(id)) = player.view().selected else { panic!("the newcomer is selected") };
    assert_eq!(player.view().wire.map(|wire| wire.from), Some(id));
    let name = player.timeline().run().world.name(id).to_owned();
    player.dispatch(Action::Act(Act::Wire { between: (name, "balancer-1".to_owned()) }));
    assert_eq!(player.timeline().run().world.node(id).map(|node| node.links.len()), Some(1));
    // One more of a group is wired as the group is.
    player.dispatch(Action::Act(Act::Add { what: "gateways".to_owned(), name: None }));
    let Some(Target::Node(id)) = player.view().selected else { panic!("the newcomer is selected") };
    assert!(player.timeline().run().world.node(id).unwrap().links.len() > 5);
}

#[test]
fn everything_on_the_stage_can_be_looked_into() {
    let mut player = chat();
    player.dispatch(Action::Seek(Time(3_000_000)));
    let world = &player.timeline().run().world;
    let mut targets: Vec<Target> = world.nodes().map(|(id, _)| Target::Node(id)).collect();
    targets.extend(world.flights().map(|flight| Target::Flight(flight.record)));
    targets.extend(world.nodes().flat_map(|(id, node)| node.links.iter().map(move |link| Target::Link(id, link.to))));
    for target in targets {
        let inspected = inspector(&player, target).expect("it is there");
        assert!(!inspected.title.is_empty() && !inspected.lines.is_empty(), "{inspected:?}");
    }
    assert!(vitals(&player).iter().all(|vital| !vital.lines.is_empty() && vital.top > 0.0));
    assert!(!log_lines(&player, true, 50).is_empty());
    let document: &Document = player.timeline().document();
    assert!(palette(document).len() > document.groups.len());
}

#[test]
fn a_link_shows_what_was_shown() {
    let mut player = chat();
    player.dispatch(Action::Seek(Time(2_000_000)));
    player.dispatch(kill("sender-1"));
    player.dispatch(Action::Pause);
    player.dispatch(Action::Seek(Time(5_000_000)));
    player.dispatch(Action::Select(Some(Target::Node(node(&player, "gateway-2")))));
    player.dispatch(Action::Move(node(&player, "gateway-2"), 300.0, 200.0));
    let link = faultline::link::write(&player.moment(), &player.shown());
    let opened = faultline::link::read(&link.fragment).expect("it was written just now");
    let mut other = Player::at_moment(&opened.moment).expect("it runs");
    other.show(&opened.shown);
    assert_eq!(other.timeline().run().digest(), player.timeline().run().digest());
    assert_eq!(opened.shown.digest, Some(player.timeline().run().digest()));
    assert_eq!(other.view().selected, player.view().selected);
    assert!(!other.playing());
    assert_eq!(other.shown(), player.shown());
}

#[test]
fn a_long_way_is_gone_frame_by_frame_and_ends_at_the_same_digest() {
    let mut there = chat();
    there.dispatch(Action::Seek(Time(400_000)));
    there.dispatch(kill("sender-1"));
    let mut moment = there.moment();
    moment.cursor.at = Time(900_000_000);
    moment.cursor.steps = None;
    let run = faultline::timeline::Timeline::at_moment(moment.document.clone(), &moment).expect("it runs");
    let digest = run.run().digest();
    let shown = faultline::link::Shown { digest: Some(digest), playing: false, ..Default::default() };
    let link = faultline::link::write(&moment, &shown);

    let mut player = Player::from_link(&link.fragment, false).expect("it opens");
    let (share, to) = player.journey().expect("a quarter of an hour is more than a frame");
    assert!(share < 0.9 && to == Time(900_000_000), "{share} of the way to {to:?}");
    player.dispatch(kill("sender-2"));
    assert!(player.notices().last().is_some_and(|notice| notice.told.contains("on its way")));
    let mut frames = 0;
    while player.frame(1.0 / 60.0) {
        frames += 1;
        assert!(frames < 1_000, "it gets there");
    }
    assert!(frames > 1 && player.journey().is_none());
    assert_eq!(player.timeline().run().digest(), digest);
    assert!(player.notices().last().is_some_and(|notice| notice.tone == Tone::Good), "{:?}", player.notices());

    // Stopped on the way, it stands where it is.
    let mut player = Player::from_link(&link.fragment, false).expect("it opens");
    player.dispatch(Action::Pause);
    assert!(player.journey().is_none() && !player.frame(1.0 / 60.0));
    assert!(player.timeline().now() < Time(900_000_000));
}

#[test]
fn an_untouched_beginning_is_shared_as_the_scenario_alone() {
    let player = chat();
    let (moment, shown) = player.share();
    assert_eq!(faultline::link::write(&moment, &shown).fragment, "1.chat");
    let mut player = chat();
    player.dispatch(Action::Pause);
    player.dispatch(Action::Seek(Time(1_000_000)));
    player.dispatch(Action::StepBack);
    let (moment, shown) = player.share();
    assert!(faultline::link::write(&moment, &shown).fragment.contains(".d~"));
}

#[test]
fn what_was_done_is_taken_back_and_done_again_where_one_stands() {
    let mut player = chat();
    player.dispatch(Action::Seek(Time(1_000_000)));
    player.dispatch(kill("sender-1"));
    player.dispatch(Action::Seek(Time(2_000_000)));
    let (sender, with) = (node(&player, "sender-1"), player.timeline().run().digest());
    let status = |player: &Player| player.timeline().run().world.node(sender).unwrap().status;
    player.dispatch(Action::Undo);
    assert_eq!((status(&player), player.timeline().now()), (Status::Up, Time(2_000_000)));
    player.dispatch(Action::Undo);
    assert!(player.notices().last().unwrap().told.starts_with("Nothing was done"));
    player.dispatch(Action::Redo);
    assert_eq!((status(&player), player.timeline().run().digest()), (Status::Crashed, with));
}

#[test]
fn the_tree_shows_each_course_below_the_one_that_it_left() {
    let mut player = chat();
    assert!(lanes(&player).is_empty(), "there is nothing to choose from");
    player.dispatch(Action::Seek(Time(4_000_000)));
    for (at, name) in [(1_000_000, "sender-1"), (3_000_000, "gateway-1"), (2_000_000, "history-1")] {
        player.dispatch(Action::Seek(Time(at)));
        player.dispatch(kill(name));
        player.dispatch(Action::Seek(Time(4_000_000)));
    }
    let tree: Vec<_> =
        lanes(&player).into_iter().map(|lane| (lane.name, lane.from, lane.parent, lane.current)).collect();
    let row = |name: &str, at: u64, parent, current| (name.to_owned(), Time(at), parent, current);
    assert_eq!(
        tree,
        [
            row("as it began", 0, None, false),
            row("kill sender-1", 1_000_000, Some(0), false),
            // An act at the end of a course leaves none: it was at its end when gateway-1 died in it.
            row("kill gateway-1", 3_000_000, Some(1), false),
            row("kill history-1", 2_000_000, Some(1), true),
        ]
    );
    let first = lanes(&player)[0].id;
    player.dispatch(Action::Visit(first));
    assert!(player.timeline().acts().is_empty() && lanes(&player)[0].current);
}

#[test]
fn one_goes_from_what_happened_to_what_happened() {
    let mut player = chat();
    player.dispatch(Action::Seek(Time(1_000_000)));
    player.dispatch(kill("sender-1"));
    player.dispatch(Action::Seek(Time(1_100_000)));
    player.dispatch(Action::LookFor(Stop::Mark(MarkKind::Notice)));
    player.dispatch(Action::Jump(true));
    let noticed = player.timeline().now();
    assert!(Time(1_200_000) < noticed && noticed < Time(2_500_000), "run on until somebody suspects: {noticed}");
    let log = player.timeline().log();
    assert!(
        log.since(noticed)
            .any(|record| record.at == noticed && matches!(record.what, What::Fact(Fact::Suspected { .. })))
    );
    player.dispatch(Action::LookFor(Stop::Any));
    player.dispatch(Action::Jump(false));
    assert_eq!(player.timeline().now(), Time(1_000_000), "back to the crash");
    player.dispatch(Action::Seek(Time(500_000)));
    player.dispatch(Action::Bookmark);
    player.dispatch(Action::Seek(Time(3_000_000)));
    player.dispatch(Action::LookFor(Stop::Bookmark));
    player.dispatch(Action::Jump(false));
    assert_eq!((player.timeline().now(), player.bookmarks()), (Time(500_000), &[Time(500_000)][..]));
    player.dispatch(Action::Jump(false));
    assert!(player.notices().last().unwrap().told.contains("No bookmark before"));
}

#[test]
fn time_runs_backwards_to_the_beginning_and_through_the_same_instants() {
    let mut player = chat();
    player.dispatch(Action::Speed(1.0));
    player.dispatch(Action::Seek(Time(1_000_000)));
    player.dispatch(Action::PlayBack);
    for _ in 0..5 {
        assert!(player.frame(0.1));
    }
    assert_eq!(player.timeline().now(), Time(500_000));
    let mut straight = chat();
    straight.dispatch(Action::Seek(Time(500_000)));
    assert_eq!(player.timeline().run().digest(), straight.timeline().run().digest());
    for _ in 0..20 {
        player.frame(0.1);
    }
    assert_eq!((player.timeline().now(), player.playing(), player.backwards()), (Time::ZERO, false, false));
}

#[test]
fn what_is_said_of_a_broken_promise_does_not_outlive_going_back_before_it() {
    let mut player = chat();
    let safe = faultline::sim::Value::Text("before-store".into());
    player.dispatch(Action::Act(Act::Dial { dial: "acknowledge".to_owned(), value: safe }));
    player.dispatch(Action::Pause);
    for second in 2..12u64 {
        player.dispatch(Action::Seek(Time(second * 1_000_000)));
        for sender in ["sender-1", "sender-2"] {
            player.dispatch(kill(sender));
        }
        player.dispatch(Action::Seek(Time(second * 1_000_000 + 900_000)));
        if player.timeline().run().broken() > 0 {
            break;
        }
    }
    let told =
        |player: &Player| player.notices().iter().filter(|notice| notice.told.contains("promise is broken")).count();
    assert!(player.timeline().run().broken() > 0 && told(&player) == 1);
    let after = player.timeline().now();
    player.dispatch(Action::Seek(Time(1_500_000)));
    assert_eq!((player.timeline().run().broken(), told(&player)), (0, 0));
    player.dispatch(Action::Seek(after));
    assert_eq!(told(&player), 1, "and it is said again where it breaks again");
}
