//! Several components at once: what is done to them is done to each, they go together, and what is copied is alike. And what
//! the inspector shows of one: what it holds, and what came and went.
#![cfg(not(target_arch = "wasm32"))]

use std::rc::Rc;

use faultline::player::{Action, Choosing, Player, inspector, key_action, menu};
use faultline::scenario::{Act, Document, builtin};
use faultline::scene::{Point, Target};
use faultline::sim::{NodeId, Status, Time, Value};

fn open(document: Document) -> Player {
    let mut player = Player::new(Rc::new(document)).expect("it has no problems");
    player.dispatch(Action::Resize(900.0, 640.0));
    player
}

fn chat() -> Player {
    let mut player = open(builtin("chat").expect("it is built in"));
    player.dispatch(Action::Seek(Time(2_000_000)));
    player
}

fn node(player: &Player, name: &str) -> NodeId {
    let world = &player.timeline().run().world;
    world.nodes().find(|(_, node)| &*node.name == name).unwrap_or_else(|| panic!("{name} is there")).0
}

fn choose(player: &mut Player, names: &[&str]) {
    player.dispatch(Action::Select(Some(Target::Node(node(player, names[0])))));
    for name in &names[1..] {
        player.dispatch(Action::Choose(Choosing::Also(node(player, name))));
    }
}

fn key(player: &mut Player, key: &str) {
    let action = key_action(player, key, false).unwrap_or_else(|| panic!("{key} does something"));
    player.dispatch(action);
}

fn status(player: &Player, name: &str) -> Status {
    player.timeline().run().world.node(node(player, name)).expect("it is there").status
}

fn at(player: &Player, name: &str) -> Point {
    player.place_of(node(player, name)).expect("it stands somewhere")
}

#[test]
fn what_is_done_is_done_to_each_that_is_chosen() {
    let mut player = chat();
    choose(&mut player, &["gateway-1", "sender-2"]);
    key(&mut player, "k");
    assert_eq!(status(&player, "gateway-1"), Status::Crashed);
    assert_eq!(status(&player, "sender-2"), Status::Crashed);
    assert_eq!(status(&player, "gateway-2"), Status::Up);
    // Nobody is left whom it would change: the entry says why.
    let entries = menu(&player, Target::Node(node(&player, "sender-2")));
    let kill = entries.iter().find(|entry| entry.key == Some('k')).expect("it is there");
    assert!(kill.idle.is_some(), "{kill:?}");
    key(&mut player, "z");
    key(&mut player, "z");
    assert_eq!(status(&player, "gateway-1"), Status::Up);
    // One that leaves the choice is spared.
    player.dispatch(Action::Choose(Choosing::Also(node(&player, "sender-2"))));
    assert_eq!(player.chosen(), [node(&player, "gateway-1")]);
}

#[test]
fn a_part_of_the_cluster_is_cut_off_with_its_own_links_whole() {
    let mut player = open(builtin("raft").expect("it is built in"));
    player.dispatch(Action::Seek(Time(2_000_000)));
    choose(&mut player, &["server-1", "server-2"]);
    key(&mut player, "c");
    let cut = |a: &str, b: &str| {
        let (from, to) = (node(&player, a), node(&player, b));
        player.timeline().run().world.node(from).and_then(|node| node.link(to)).is_some_and(|link| link.cut)
    };
    assert!(!cut("server-1", "server-2"));
    assert!(cut("server-1", "server-3") && cut("server-2", "server-5"));
    assert!(!cut("server-3", "server-4"));
}

#[test]
fn a_box_chooses_what_stands_in_it() {
    let mut player = chat();
    let (a, b) = (at(&player, "gateway-1"), at(&player, "gateway-2"));
    let corner = |at: Point, by: f32| Point::new(at.x + by, at.y + by);
    player.dispatch(Action::Choose(Choosing::Drawn(corner(a, -5.0), corner(b, 5.0))));
    assert_eq!(player.chosen(), [node(&player, "gateway-1"), node(&player, "gateway-2")]);
    assert!(player.view().lasso.is_some());
    player.dispatch(Action::Choose(Choosing::Enough));
    assert!(player.view().lasso.is_none());
    player.dispatch(Action::Select(None));
    assert!(player.chosen().is_empty());
}

#[test]
fn they_go_together_and_stand_in_line() {
    let mut player = chat();
    choose(&mut player, &["gateway-1", "gateway-2", "sender-1"]);
    let (before, held) = (at(&player, "sender-1"), at(&player, "gateway-1"));
    player.dispatch(Action::Move(node(&player, "gateway-1"), held.x + 30.0, held.y - 20.0));
    let after = at(&player, "sender-1");
    assert!((after.x - before.x - 30.0).abs() < 0.5 && (after.y - before.y + 20.0).abs() < 0.5, "{before:?} {after:?}");
    let alone = at(&player, "sender-2");
    key(&mut player, "a");
    let names = ["gateway-1", "gateway-2", "sender-1"];
    let heights: Vec<f32> = names.iter().map(|name| at(&player, name).y).collect();
    assert!(heights.iter().all(|y| (y - heights[0]).abs() < 0.5), "{heights:?}");
    let mut across: Vec<f32> = names.iter().map(|name| at(&player, name).x).collect();
    across.sort_by(f32::total_cmp);
    assert!(
        (across[1] - across[0] - (across[2] - across[1])).abs() < 0.5 && across[1] - across[0] > 20.0,
        "{across:?}"
    );
    assert_eq!(at(&player, "sender-2"), alone);
}

#[test]
fn a_copy_is_set_and_wired_as_what_it_is_a_copy_of() {
    let mut player = chat();
    let act = Act::Set { node: "client-2".into(), field: "rate".into(), value: Value::Number(3.0) };
    player.dispatch(Action::Act(act));
    choose(&mut player, &["client-2"]);
    key(&mut player, "y");
    let before = player.timeline().run().world.nodes().count();
    key(&mut player, "Y");
    let world = &player.timeline().run().world;
    assert_eq!(world.nodes().count(), before + 1);
    let (id, made) = world.nodes().last().expect("it is there");
    assert_eq!(player.view().selected, Some(Target::Node(id)));
    assert_eq!(made.get("rate"), Some(Value::Number(3.0)));
    let partners = |id: NodeId| {
        let node = world.node(id).expect("it is there");
        let mut names: Vec<&str> = node.links.iter().map(|link| world.name(link.to)).collect();
        names.sort_unstable();
        names.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(partners(id), partners(node(&player, "client-2")));
    // The run is what the same acts come to from the beginning.
    let moment = player.moment();
    let again = Player::at_moment(&moment).expect("it opens");
    assert_eq!(again.timeline().run().digest(), player.timeline().run().digest());
}

#[test]
fn copies_are_wired_among_themselves() {
    let mut player = chat();
    for _ in 0..2 {
        player.dispatch(Action::Act(Act::Add { what: "lone-sender".into(), name: None }));
    }
    let lone: Vec<String> = {
        let world = &player.timeline().run().world;
        let all: Vec<String> = world.nodes().map(|(_, node)| node.name.to_string()).collect();
        all[all.len() - 2..].to_vec()
    };
    player.dispatch(Action::Wire(None));
    player.dispatch(Action::Act(Act::Wire { between: (lone[0].clone(), lone[1].clone()) }));
    choose(&mut player, &[&lone[0], &lone[1]]);
    key(&mut player, "y");
    key(&mut player, "Y");
    let made = player.chosen();
    assert_eq!(made.len(), 2, "{:?}", player.notices());
    let world = &player.timeline().run().world;
    assert!(world.node(made[0]).is_some_and(|node| node.link(made[1]).is_some()));
    assert!(!lone.contains(&world.name(made[0]).to_owned()));
}

#[test]
fn the_inspector_tells_what_a_component_holds() {
    let mut player = open(builtin("overload").expect("it is built in"));
    let busy = |player: &Player| {
        let world = &player.timeline().run().world;
        world.nodes().find(|(_, node)| node.waiting() > 9).map(|(id, _)| id)
    };
    let mut second = 0;
    while busy(&player).is_none() && second < 120 {
        second += 1;
        player.dispatch(Action::Seek(Time(second * 500_000)));
    }
    let id = busy(&player).expect("somewhere too much waits");
    let model = inspector(&player, Target::Node(id)).expect("it is there");
    let node = player.timeline().run().world.node(id).expect("it is there");
    let served = node.serving().count();
    assert_eq!(model.kept.iter().filter(|kept| kept.served).count(), served);
    assert_eq!(model.kept.len() - served + model.more, node.waiting());
    let first = model.kept.iter().find(|kept| !kept.served).expect("some wait");
    let sent = player.timeline().log().get(first.message.expect("the log has it")).expect("the log has it");
    assert!(sent.what.leaving().is_some_and(|(to, ..)| to == id), "it leads to the message as it was sent");
    // What came and what waited, as the records have it.
    let queue = model.charts.iter().find(|chart| chart.title == "queue").expect("it is drawn");
    let most = queue.lines[0].points.iter().filter_map(|(_, value)| *value).fold(0.0, f64::max);
    assert!(most >= 9.0, "{most}");
    let link = node.links.first().expect("it is linked").to;
    let model = inspector(&player, Target::Link(link, id)).expect("it is there");
    assert_eq!(model.charts.len(), 2, "each way");
}
