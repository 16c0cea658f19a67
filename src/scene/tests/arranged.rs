//! Arrangements, flows, and groups from afar.

use super::*;

#[test]
fn messages_that_cannot_be_told_apart_are_a_flow() {
    let templates = vec![
        template("client", "client", &[1], Machine::default()),
        template("db", "database", &[], Machine::default()),
    ];
    let mut world = World::new(3, templates);
    for template in [1, 0] {
        world.place(template, None, false, RecordId(0), &mut ());
    }
    let group = |template: u32| PlanGroup { template, title: Rc::from(""), tier: template, row: 0 };
    let plan = Plan { groups: vec![group(0), group(1)], ..Plan::default() };
    let (from, to) = (NodeId(0), NodeId(1));
    // The client's first timer goes off after 137 ms; a message takes 120 ms.
    world.run_until(Time(150_000), &mut ());
    let (_, _, few) = draw(&world, &plan, 900.0, 650.0);
    assert_eq!(few.dots.len(), world.in_flight(), "a few are dots");
    // A hundred at once on one link.
    let message = world.flights().next().expect("one is under way").record;
    for _ in 0..100 {
        world.command(&Command::Duplicate { message }, &mut ()).expect("doubled");
    }
    let way = world.flights().next().map(|flight| (flight.from, flight.to)).expect("one is under way");
    let (view, layout, mut many) = draw(&world, &plan, 900.0, 650.0);
    assert!(world.in_flight() > 100 && [(from, to), (to, from)].contains(&way));
    assert_eq!(many.flowing, [way]);
    assert!(many.dots.len() < 5, "{} dots beside the flow", many.dots.len());
    let beads = |list: &DisplayList| {
        list.live
            .items
            .iter()
            .any(|item| matches!(item, Item::Curve { pen, .. } if matches!(pen.dash, Dash::Flowing(_))))
    };
    assert!(beads(&many) && !beads(&few));
    // Near enough, they are dots again.
    let near = View { camera: Camera { zoom: 6.0, ..view.camera }, ..view.clone() };
    build(&world, &near, &layout, &mut many);
    assert_eq!(many.flowing, []);
    // The one that is meant is always seen.
    let meant = View { selected: Some(Target::Flight(message)), ..view };
    build(&world, &meant, &layout, &mut many);
    assert!(many.dots.iter().any(|dot| dot.record == message));
}

#[test]
fn from_afar_a_group_is_one_shape_with_its_signs() {
    let (mut world, plan) = chat();
    world.run_until(Time(700_000), &mut ());
    let kill = Command::Kill { node: node(&world, "gateway-1"), lose_disk: false };
    world.command(&kill, &mut ()).expect("killed");
    for kind in KINDS {
        let plan = Plan { layout: kind, ..plan.clone() };
        let (mut view, layout, near) = draw(&world, &plan, 900.0, 650.0);
        let said = |list: &DisplayList| -> Vec<String> {
            list.ground.texts.iter().chain(&list.live.texts).map(|text| text.text.clone()).collect()
        };
        assert!(said(&near).contains(&"gateway-2".to_owned()), "{kind:?}");
        let all = view.camera;
        view.camera.zoom = 0.1;
        let mut far = DisplayList::default();
        build(&world, &view, &layout, &mut far);
        let words = said(&far);
        assert!(far.dots.is_empty() && !words.contains(&"gateway-2".to_owned()), "{kind:?}: {words:?}");
        assert!(
            words.contains(&"gateway".to_owned()) && words.contains(&"1 of 2 up".to_owned()),
            "{kind:?}: {words:?}"
        );
        assert!(words.contains(&"6 up".to_owned()), "{kind:?}: {words:?}");
        // No two lines lie on one another.
        let texts: Vec<&Text> = far.ground.texts.iter().chain(&far.live.texts).collect();
        for (place, one) in texts.iter().enumerate() {
            for other in &texts[place + 1..] {
                let room = (text_width(&one.text, one.size) + text_width(&other.text, other.size)) * 0.5;
                let apart = (one.at.x - other.at.x).abs() >= room || (one.at.y - other.at.y).abs() >= 10.0;
                assert!(apart, "{kind:?}: {:?} on {:?}", one.text, other.text);
            }
        }
        // Near by, its members return.
        view.camera = all;
        build(&world, &view, &layout, &mut far);
        assert!(said(&far).contains(&"gateway-2".to_owned()), "{kind:?}");
    }
}

#[test]
fn forces_bring_those_who_are_linked_together_and_leave_room() {
    // Two triangles and one link between them.
    let templates: Vec<_> = (0..2).map(|one| template("db", "database", &[one], Machine::default())).collect();
    let mut world = World::new(1, templates);
    for place in 0..6 {
        world.place(place / 3, None, false, RecordId(0), &mut ());
    }
    let bridge = Command::Wire { a: NodeId(0), b: NodeId(3), profile: Rc::new(Profile::default()) };
    world.command(&bridge, &mut ()).expect("wired");
    let plan = Plan { layout: LayoutKind::Force, ..Plan::default() };
    let (_, layout, _) = draw(&world, &plan, 900.0, 650.0);
    let away =
        |a: u32, b: u32| layout.place(NodeId(a)).expect("a place").distance(layout.place(NodeId(b)).expect("a place"));
    for (a, b) in [(0, 1), (1, 2), (3, 4), (4, 5)] {
        assert!(away(a, b) < away(1, 4) && away(a, b) < away(2, 5), "{a} and {b} are far apart");
    }
    // The same picture every time, and none that turns with what stands on the stage later.
    let (_, again, _) = draw(&world, &plan, 900.0, 650.0);
    assert!((0..6).all(|id| again.place(NodeId(id)) == layout.place(NodeId(id))));
}

#[test]
fn a_map_is_true_to_distances() {
    let zone = |name: &str| crate::sim::Zone { name: Rc::from(name), region: None };
    // On a line: one, two, and far away three.
    let at = [0u64, 20, 200];
    let zones =
        crate::sim::Zones::new(["one", "two", "three"].map(zone).into(), |a, b| Micros::ms(at[a].abs_diff(at[b])));
    let mut group = template("db", "database", &[0], Machine::default());
    group.zones = vec![0, 1, 2];
    let mut world = World::new(1, vec![group]).with_zones(zones);
    for _ in 0..9 {
        world.place(0, None, false, RecordId(0), &mut ());
    }
    for tall in [false, true] {
        let plan = Plan { layout: LayoutKind::Map, ..Plan::default() };
        let mut layout = Layout::default();
        layout.update(&plan, &world, tall);
        let patches = layout.patches();
        assert_eq!(patches.iter().map(|patch| &*patch.title).collect::<Vec<_>>(), ["one", "two", "three"]);
        let away = |a: usize, b: usize| patches[a].at.distance(patches[b].at);
        assert!(away(0, 1) < away(1, 2) && away(1, 2) < away(0, 2), "{} {} {}", away(0, 1), away(1, 2), away(0, 2));
        // The first is where one begins to read.
        let first = patches
            .iter()
            .all(|patch| if tall { patches[0].at.y <= patch.at.y } else { patches[0].at.x <= patch.at.x });
        assert!(first, "the first is not at the beginning");
        for (id, node) in world.nodes() {
            let patch = &patches[usize::from(node.zone.expect("a zone"))];
            assert!(layout.place(id).expect("a place").distance(patch.at) < patch.radius, "{} is outside", node.name);
        }
        for (place, one) in patches.iter().enumerate() {
            let clear = |other: &Patch| one.at.distance(other.at) > one.radius + other.radius;
            assert!(patches[place + 1..].iter().all(clear), "places lie on one another");
        }
    }
    // Where the document says where they are, that counts.
    let regions = [("one", (10.0, 50.0)), ("two", (100.0, 50.0)), ("three", (-70.0, 40.0))];
    let regions = regions.into_iter().map(|(name, at)| (Rc::from(name), at)).collect();
    let plan = Plan { layout: LayoutKind::Map, regions, ..Plan::default() };
    let mut layout = Layout::default();
    layout.update(&plan, &world, false);
    let x: Vec<f32> = layout.patches().iter().map(|patch| patch.at.x).collect();
    assert!(x[2] < x[0] && x[0] < x[1], "{x:?}");
}
