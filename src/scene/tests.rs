//! A small cluster of dummies, drawn.
#![expect(clippy::disallowed_methods, reason = "the pictures are written to be looked at")]

mod arranged;

use std::rc::Rc;

use super::*;
use crate::components::{Message, World};
use crate::protocols::{Family, health};
use crate::sim::{
    Command, Component, Context, Dist, Look, Machine, Micros, NodeId, Profile, RecordId, Template, Time, Why, Work,
};

crate::config! {
    /// Dummies can do little.
    pub struct DummyConfig {
        /// Nothing.
        idle: bool = false, in 0, 0, "";
    }
}

/// Pings its neighbours now and then, and answers.
#[derive(Clone, Hash)]
struct Dummy {
    lead: bool,
}

impl Component for Dummy {
    type Message = Message;
    type Config = DummyConfig;
    type Disk = ();
    type Timer = u8;
    fn boot(cx: &mut Context<Self>, (): &()) -> Dummy {
        cx.set(0, Micros::ms(100 + 37 * u64::from(cx.id().0)));
        Dummy { lead: cx.id().0 == 0 && cx.template() == 4 }
    }
    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let Message::Health(health::Message::Ping { round }) = message else { return };
        cx.send(from, health::Message::Pong { round }.into());
    }
    fn on_timer(&mut self, cx: &mut Context<Self>, _: u8) {
        let peers = cx.peers();
        let to = peers.get(cx.rng().below(peers.len().max(1) as u64) as usize);
        if let Some(peer) = to {
            cx.send(peer.id, health::Message::Ping { round: 1 }.into());
        }
        cx.set(0, Micros::ms(180));
    }
    fn look(&self, _: &DummyConfig) -> Look {
        let role = if self.lead { "leader" } else { "" };
        Look { star: self.lead, role: Rc::from(role), ready: true, ..Look::default() }
    }
    fn timer_name(_: &u8) -> &'static str {
        "tick"
    }
    fn work(&self, _: &Message) -> Work {
        Work::Service
    }
}

fn template(name: &str, kind: &'static str, links: &[u32], machine: Machine) -> Template<Message> {
    let mut template = Template::new::<Dummy>(name, name, kind, machine, DummyConfig::default());
    let profile = Rc::new(Profile { delay: Dist::Constant(Micros::ms(120)), ..Profile::default() });
    template.links = links.iter().map(|to| (*to, profile.clone())).collect();
    template
}

/// Clients, a balancer, gateways, senders, databases, a supervisor.
fn chat() -> (World, Plan) {
    let slow = Machine { service: Dist::Constant(Micros::ms(260)), inbox: 12, ..Machine::default() };
    let quick = Machine { service: Dist::Constant(Micros::ms(5)), ..Machine::default() };
    let templates = vec![
        template("client", "client", &[1], quick.clone()),
        template("balancer", "balancer", &[2], quick.clone()),
        template("gateway", "gateway", &[3], quick.clone()),
        template("sender", "sender", &[4], slow),
        template("db", "database", &[4], quick.clone()),
        template("supervisor", "supervisor", &[3, 2], quick),
    ];
    let mut world = World::new(7, templates);
    for (template, count) in [(4, 2), (3, 3), (2, 2), (1, 1), (0, 6), (5, 1)] {
        for _ in 0..count {
            world.place(template, None, false, RecordId(0), &mut ());
        }
    }
    let titles = ["Clients", "Balancer", "Gateways", "Senders", "History", ""];
    let group = |template: u32, tier: u32, row: u32| PlanGroup {
        template,
        title: Rc::from(titles[template as usize]),
        tier,
        row,
    };
    let groups = vec![group(0, 0, 0), group(1, 1, 0), group(2, 2, 0), group(3, 3, 0), group(4, 4, 0), group(5, 3, 1)];
    (world, Plan { groups, ..Plan::default() })
}

fn draw(world: &World, plan: &Plan, width: f32, height: f32) -> (View, Layout, DisplayList) {
    let mut view = View { width, height, ..View::default() };
    let mut layout = Layout::default();
    layout.update(plan, world, view.tall());
    view.fit(&layout, Insets::default());
    let mut list = DisplayList::default();
    build(world, &view, &layout, &mut list);
    (view, layout, list)
}

fn node(world: &World, name: &str) -> NodeId {
    world.find(name).expect(name)
}

#[test]
fn a_message_is_between_its_ends_on_the_right_of_its_link() {
    let (mut world, plan) = chat();
    let mut seen = 0;
    for step in 0..60 {
        world.run_until(Time(400_000 + step * 13_000), &mut ());
        let (view, layout, list) = draw(&world, &plan, 900.0, 650.0);
        assert_eq!(list.dots.len(), world.flights().count());
        for dot in &list.dots {
            let flight = world.flight(dot.record).expect("a flight");
            let (from, to) = (layout.place(flight.from).expect("from"), layout.place(flight.to).expect("to"));
            let (from, to) = (view.to_screen(from), view.to_screen(to));
            let at = Point::new(dot.x, dot.y);
            let t = flights::progress(world.now(), flight.sent, flight.due);
            assert!(at.distance(from) + at.distance(to) < from.distance(to) * 1.3 + 8.0, "not near its link");
            if layout.bend(flight.from, flight.to) == 0.0 {
                let side = (to.x - from.x) * (at.y - from.y) - (to.y - from.y) * (at.x - from.x);
                assert!(side > 0.0, "on the left of its way");
                let nearer = at.distance(from) < at.distance(to);
                assert!(nearer == (t < 0.5) || (t - 0.5).abs() < 0.15, "{t} of the way");
            }
            seen += 1;
        }
    }
    assert!(seen > 200, "only {seen} messages looked at");
}

/// Every way to arrange nodes.
const KINDS: [LayoutKind; 5] =
    [LayoutKind::Tiers, LayoutKind::Ring, LayoutKind::Grid, LayoutKind::Force, LayoutKind::Map];

#[test]
fn whoever_stands_somewhere_stays_there() {
    let (mut world, plan) = chat();
    let mut layout = Layout::default();
    for kind in KINDS {
        let plan = Plan { layout: kind, ..plan.clone() };
        layout.update(&plan, &world, false);
        let places: Vec<_> = world.nodes().map(|(id, _)| (id, layout.place(id))).collect();
        let stay = |world: &World, layout: &Layout| {
            for (id, place) in &places {
                if world.node(*id).is_some() {
                    assert_eq!(layout.place(*id), *place, "{kind:?}: {} jumped", world.name(*id));
                }
            }
        };
        let before = layout.clone();
        let mut later = world.clone();
        let newcomer = later.place(3, None, false, RecordId(0), &mut ()).expect("room");
        layout.update(&plan, &later, false);
        stay(&later, &layout);
        assert!(places.iter().all(|(_, place)| *place != layout.place(newcomer)), "{kind:?}: stands on another");
        // A replacement takes the seat of the one that was removed.
        let mut layout = before;
        let mut replaced = world.clone();
        let gone = node(&replaced, "sender-1");
        replaced.command(&Command::Remove { node: gone }, &mut ()).expect("removed");
        layout.update(&plan, &replaced, false);
        let place = layout.place(gone);
        let replacement = replaced.place(3, None, false, RecordId(0), &mut ()).expect("room");
        layout.update(&plan, &replaced, false);
        stay(&replaced, &layout);
        assert_eq!(layout.place(replacement), place, "{kind:?}");
        // And whoever goes back in time finds the first one there.
        layout.update(&plan, &world, false);
        stay(&world, &layout);
    }
    // Places by hand count above all.
    let mut moved = plan.clone();
    moved.at.insert(Rc::from("db-1"), (12.0, -40.0));
    layout.update(&moved, &world, false);
    assert_eq!(layout.place(node(&world, "db-1")), Some(Point::new(12.0, -40.0)));
    world.run_until(Time(1), &mut ());
}

#[test]
fn no_two_nodes_stand_on_one_another() {
    let (mut world, plan) = chat();
    for _ in 0..70 {
        for template in 0..5 {
            world.place(template, None, false, RecordId(0), &mut ());
        }
    }
    for tall in [false, true] {
        for kind in KINDS {
            let plan = Plan { layout: kind, ..plan.clone() };
            let mut layout = Layout::default();
            layout.update(&plan, &world, tall);
            let places: Vec<Point> = world.nodes().filter_map(|(id, _)| layout.place(id)).collect();
            assert_eq!(places.len(), world.nodes().count());
            for (index, one) in places.iter().enumerate() {
                for other in &places[index + 1..] {
                    assert!(one.distance(*other) > 30.0, "{kind:?} {tall}: {one:?} {other:?}");
                }
            }
        }
    }
}

#[test]
fn pointing_finds_what_is_there() {
    let (mut world, plan) = chat();
    world.run_until(Time(900_000), &mut ());
    let (view, layout, list) = draw(&world, &plan, 900.0, 650.0);
    for (id, _) in world.nodes() {
        let at = view.to_screen(layout.place(id).expect("a place"));
        let near_dot = list.dots.iter().any(|dot| at.distance(Point::new(dot.x, dot.y)) <= list::DOT_SURE);
        if !near_dot {
            assert_eq!(list.hit(at.x, at.y, false), Some(Target::Node(id)));
        }
    }
    for dot in &list.dots {
        assert!(matches!(list.hit(dot.x, dot.y, false), Some(Target::Flight(_))));
    }
    let (a, b) = (node(&world, "gateway-1"), node(&world, "balancer-1"));
    let (from, to) =
        (view.to_screen(layout.place(a).expect("a place")), view.to_screen(layout.place(b).expect("a place")));
    let bare = DisplayList { dots: Vec::new(), ..list.clone() };
    let middle = from.mix(to, 0.5);
    assert_eq!(bare.hit(middle.x, middle.y + 2.0, false), Some(Target::Link(a.min(b), a.max(b))));
    assert_eq!(bare.hit(-500.0, -500.0, true), None);
}

#[test]
fn the_ground_is_kept_while_it_does_not_change() {
    let (mut world, plan) = chat();
    world.run_until(Time(300_000), &mut ());
    let (mut view, mut layout, mut list) = draw(&world, &plan, 900.0, 650.0);
    let key = list.ground_key;
    world.run_until(Time(500_000), &mut ());
    build(&world, &view, &layout, &mut list);
    assert_eq!(list.ground_key, key);
    let kill = Command::Kill { node: node(&world, "sender-1"), lose_disk: false };
    world.command(&kill, &mut ()).expect("killed");
    layout.update(&plan, &world, view.tall());
    build(&world, &view, &layout, &mut list);
    assert_ne!(list.ground_key, key);
    let key = list.ground_key;
    view.pan(10.0, 0.0, &layout);
    build(&world, &view, &layout, &mut list);
    assert_ne!(list.ground_key, key);
}

#[test]
fn links_bend_around_nodes() {
    let templates = vec![template("db", "database", &[0], Machine::default())];
    let mut world = World::new(1, templates);
    for _ in 0..3 {
        world.place(0, None, false, RecordId(0), &mut ());
    }
    let plan =
        Plan { groups: vec![PlanGroup { template: 0, title: Rc::from(""), tier: 0, row: 0 }], ..Plan::default() };
    let (_, layout, _) = draw(&world, &plan, 900.0, 650.0);
    assert_eq!(layout.bend(NodeId(0), NodeId(1)), 0.0);
    assert_ne!(layout.bend(NodeId(0), NodeId(2)), 0.0);
    assert_eq!(layout.bend(NodeId(0), NodeId(2)), -layout.bend(NodeId(2), NodeId(0)));
}

/// Opening and closing tags match, and every attribute is quoted.
fn well_formed(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = svg;
    while let Some(begin) = rest.find('<') {
        let end = begin + rest[begin..].find('>').expect("a tag ends");
        let tag = &rest[begin + 1..end];
        assert!(!tag.contains('<') && tag.matches('"').count().is_multiple_of(2), "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().expect("a name"));
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "{open:?}");
}

/// The cluster in trouble: everything that has a sign of its own.
fn trouble() -> (World, Plan) {
    let (mut world, plan) = chat();
    world.run_until(Time(1_200_000), &mut ());
    let at = |world: &World, name: &str| node(world, name);
    let commands = [
        Command::Kill { node: at(&world, "sender-2"), lose_disk: false },
        Command::Cut { a: at(&world, "sender-3"), b: at(&world, "db-1"), both: true },
        Command::Cut { a: at(&world, "gateway-2"), b: at(&world, "sender-1"), both: false },
        Command::Pause { node: at(&world, "client-3") },
        Command::Slow { node: at(&world, "sender-3"), permille: 4000 },
        Command::Hold { a: at(&world, "balancer-1"), b: at(&world, "gateway-1"), both: false },
    ];
    for command in &commands {
        world.command(command, &mut ()).expect("carried out");
    }
    world.run_until(Time(3_105_000), &mut ());
    (world, plan)
}

fn losses(world: &World) -> Vec<Loss> {
    let loss = |from: &str, to: &str, progress: f32, age: f32, why: Why| Loss {
        from: node(world, from),
        to: node(world, to),
        progress,
        age,
        family: Family::Work,
        why,
    };
    vec![
        loss("gateway-2", "sender-2", 0.5, 0.1, Why::Loss),
        loss("gateway-1", "sender-2", 1.0, 0.5, Why::Down),
        loss("gateway-1", "sender-1", 1.0, 0.3, Why::Full),
    ]
}

#[test]
fn pictures_are_well_formed_and_stable() {
    let (world, plan) = trouble();
    let picture = || {
        let (mut view, layout, mut list) = draw(&world, &plan, 900.0, 650.0);
        view.recent = losses(&world);
        view.hovered = Some(Target::Flight(list.dots[0].record));
        build(&world, &view, &layout, &mut list);
        svg::paint(&list, &view, "Chat <& more>", "A \"cluster\"")
    };
    let svg = picture();
    well_formed(&svg);
    assert_eq!(svg, picture());
    assert!(svg.contains("crashed 1.9 s ago") && svg.contains("inbox full") && svg.contains("Chat &lt;&amp; more&gt;"));
}

/// Three gateways, fifteen hundred clients.
fn crowd() -> (World, Plan) {
    let templates = vec![
        template("client", "client", &[1], Machine::default()),
        template("gateway", "gateway", &[], Machine::default()),
    ];
    let mut world = World::new(1, templates);
    for template in [1, 1, 1] {
        world.place(template, None, false, RecordId(0), &mut ());
    }
    for _ in 0..1500 {
        world.place(0, None, false, RecordId(0), &mut ());
    }
    let group = |template, tier| PlanGroup { template, title: Rc::from("tier"), tier, row: 0 };
    let plan = Plan { groups: vec![group(0, 0), group(1, 1)], ..Plan::default() };
    world.run_until(Time(10_200_000), &mut ());
    (world, plan)
}

#[test]
fn thousands_of_nodes_lose_their_names_not_their_places() {
    let (world, plan) = crowd();
    let (view, layout, list) = draw(&world, &plan, 900.0, 650.0);
    assert_eq!(list.hits.iter().filter(|hit| matches!(hit.target, Target::Node(_))).count(), 1503);
    assert!(list.ground.texts.len() < 10);
    assert!(list.captions.is_empty());
    // Names come back where one looks closely.
    let mut near = view.clone();
    near.camera.zoom = 1.2;
    let place = layout.place(NodeId(0)).expect("a place");
    (near.camera.x, near.camera.y) = (place.x, place.y);
    let mut list = DisplayList::default();
    build(&world, &near, &layout, &mut list);
    assert!(list.ground.texts.iter().any(|text| text.text == "gateway-1"));
}

/// `PICTURES=folder cargo test -q scene::tests::pictures -- --ignored` writes what the tests draw, to be looked at.
#[test]
#[ignore = "writes files"]
fn pictures() {
    let folder = std::env::var("PICTURES").expect("PICTURES names a folder");
    let (world, plan) = crowd();
    let (view, _, list) = draw(&world, &plan, 900.0, 650.0);
    std::fs::write(format!("{folder}/many.svg"), svg::paint(&list, &view, "many", "")).expect("written");
    let (world, plan) = trouble();
    for (name, width, height, theme) in [
        ("dark", 900.0, 650.0, Theme::Dark),
        ("light", 900.0, 650.0, Theme::Light),
        ("phone", 390.0, 480.0, Theme::Dark),
        ("zoom", 900.0, 650.0, Theme::Light),
    ] {
        let (mut view, layout, mut list) = draw(&world, &plan, width, height);
        view.theme = theme;
        view.recent = losses(&world);
        view.selected = Some(Target::Node(node(&world, "gateway-2")));
        view.paused = name != "phone";
        if name == "zoom" {
            view.zoom_at(Point::new(640.0, 330.0), 1.9, &layout);
        }
        if name != "phone" {
            view.hovered = list.dots.get(3).map(|dot| Target::Flight(dot.record));
        }
        build(&world, &view, &layout, &mut list);
        // The dummies speak one protocol only: give their messages the looks of a chat.
        for (index, dot) in list.dots.iter_mut().enumerate() {
            let Some(flight) = world.flight(dot.record) else { continue };
            let (from, to) = (world.node(flight.from), world.node(flight.to));
            let kinds = [from, to].map(|node| node.map_or("", |node| node.kind));
            if kinds.contains(&"supervisor") {
                continue;
            }
            dot.ink = Ink::Family(match () {
                () if kinds.contains(&"database") => Family::Storage,
                () if kinds.contains(&"sender") => Family::Work,
                () => Family::Edge,
            });
            let reply = matches!(flight.message, Message::Health(health::Message::Pong { .. }));
            (dot.hollow, dot.radius) = (reply, dot.radius / 3.0 * if reply { 4.6 } else { 5.0 });
            dot.tail = if view.paused { 0.0 } else { 18.0 };
            dot.mark = match (reply && view.paused, index % 3) {
                (true, 0) => Mark::Plus,
                (true, 1) => Mark::Minus,
                _ => Mark::None,
            };
        }
        std::fs::write(format!("{folder}/{name}.svg"), svg::paint(&list, &view, name, "")).expect("written");
    }
}
