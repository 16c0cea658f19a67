//! A run is its document, its seed and what is done to it: when one looks at it, in which strides it advances, and how
//! one got to an instant change nothing.
#![cfg(not(target_arch = "wasm32"))]

use std::rc::Rc;

use faultline::components::{Record, World, kind};
use faultline::scenario::{Act, Document, FaultKind, FaultPlan, Run, builtin};
use faultline::sim::{
    Choice, Command, Dist, MAX_LINKS_A_NODE, Micros, NodeId, Purpose, RecordId, Refusal, Stream, Time,
};
use faultline::timeline::{Cursor, Moment, Stamped, Timeline};

const SEEDS: u64 = 50;
const UNTIL: Time = Time(6_000_000);

fn chat() -> Rc<Document> {
    Rc::new(builtin("chat").unwrap())
}

/// The chat service in two zones, on links that double and reorder, with a plan of faults.
fn stormy() -> Rc<Document> {
    let mut document = builtin("chat").unwrap();
    for group in document.groups.iter_mut().filter(|group| ["senders", "history", "gateways"].contains(&&*group.name)) {
        group.zones = vec!["east".to_owned(), "west".to_owned()];
    }
    for link in &mut document.links {
        (link.duplicate, link.reorder, link.bandwidth) = (0.05, 0.05, Some(20_000));
    }
    document.plans.push(FaultPlan {
        name: String::new(),
        faults: FaultKind::ALL.to_vec(),
        targets: Vec::new(),
        together: false,
        every: Micros::ms(700),
        repair: Micros::ms(400),
        up: Some(Micros::secs(1)),
        most: 3,
        from: None,
        until: None,
    });
    document.plans.push(FaultPlan {
        targets: vec!["east".to_owned(), "senders".to_owned()],
        together: true,
        ..document.plans[0].clone()
    });
    assert_eq!(document.problems(), []);
    Rc::new(document)
}

/// Something of any kind, about things that are or are not there.
fn any_act(luck: &mut Stream) -> Act {
    let names = [
        "client-1",
        "gateway-1",
        "gateway-2",
        "sender-1",
        "sender-2",
        "history-1",
        "history-2",
        "supervisor-1",
        "senders",
        "east",
    ];
    let mut name = || names[luck.below(names.len() as u64) as usize].to_owned();
    let (node, other) = (name(), name());
    let between = (node.clone(), other.clone());
    let one_way = luck.below(2) == 0;
    let share = [0.0, 0.3, 1.0][luck.below(3) as usize];
    let span = Micros(luck.below(400_000));
    // Messages are named by records; some of these numbers are of messages under way.
    let message = luck.below(3_000);
    match luck.below(26) {
        0 | 1 => Act::Kill { node, disk: one_way },
        2 => Act::Restart { node },
        3 => Act::Pause { node },
        4 => Act::Resume { node },
        5 => Act::Slow { node, factor: 20.0 },
        6 => Act::Cut { between, one_way },
        7 => Act::Heal { between, one_way },
        8 => Act::Hold { between, one_way },
        9 => Act::Release { between, one_way },
        10 => Act::Wire { between },
        11 => Act::Unwire { between },
        12 => Act::Remove { node },
        13 => Act::Add { what: "senders".to_owned(), name: None },
        14 => Act::Clock { node, ahead: Some(span), behind: None, drift: Some(share * 300_000.0) },
        15 => Act::Clock { node, ahead: None, behind: Some(span), drift: None },
        16 => Act::Disk { node, latency: Some(Dist::Constant(span)), full: Some(one_way), sync: None },
        17 => Act::Disk { node, latency: None, full: None, sync: Some(one_way) },
        18 => Act::Lie { node, share, spoil: one_way },
        19 => Act::Cores { node, count: 1 + luck.below(4) as u32 },
        20 => Act::Partition { sides: vec![vec![node], vec![other, "history-1".to_owned()]] },
        21 => Act::Isolate { node },
        22 => Act::Rejoin { node },
        23 => Act::HealAll {},
        24 => match luck.below(4) {
            0 => Act::Drop { message },
            1 => Act::Hurry { message },
            2 => Act::Delay { message, by: span },
            _ => Act::Duplicate { message },
        },
        _ => {
            let (delay, loss, detour) = (Some(Dist::Constant(span)), Some(share * 0.3), None);
            let (duplicate, reorder) = (Some(share), Some(share));
            Act::Link { between, delay, loss, duplicate, reorder, detour, bandwidth: Some(5_000), queue: Some(1_000) }
        }
    }
}

/// A few things done at random instants.
fn acts(luck: &mut Stream) -> Vec<Stamped> {
    let mut acts: Vec<Stamped> =
        (0..12).map(|_| Stamped { at: Time(luck.below(UNTIL.0)), act: any_act(luck) }).collect();
    acts.sort_by_key(|act| act.at);
    acts
}

fn moment(seed: u64, luck: &mut Stream) -> Moment {
    let document = if seed.is_multiple_of(2) { chat() } else { stormy() };
    Moment { document, seed, settings: Vec::new(), acts: acts(luck), cursor: Cursor::default() }
}

fn open(moment: &Moment) -> Timeline {
    Timeline::at_moment(moment.document.clone(), moment).unwrap()
}

fn at(at: Time) -> Cursor {
    Cursor { at, steps: None }
}

#[test]
fn two_runs_have_the_same_records() {
    for seed in 0..SEEDS {
        let records = || {
            let mut run = Run::new(chat(), seed).unwrap();
            let mut records: Vec<Record> = Vec::new();
            run.run_until(Time(UNTIL.0 / 2), &mut records);
            run.act(&Act::Kill { node: "senders".to_owned(), disk: false }, &mut records).unwrap();
            run.run_until(UNTIL, &mut records);
            (run.digest(), records)
        };
        let (one, other) = (records(), records());
        let differs = one.1.iter().zip(&other.1).find(|(a, b)| a != b);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!((one.0, one.1.len()), (other.0, other.1.len()), "seed {seed}");
        assert!(one.1.len() > 500);
    }
}

#[test]
fn the_stride_does_not_matter() {
    for seed in 0..SEEDS {
        let mut luck = Stream::new(seed, Purpose::Faults);
        let moment = moment(seed, &mut luck);
        let mut straight = open(&moment);
        assert!(straight.advance(UNTIL, u64::MAX));
        let expected = (straight.run().digest(), straight.run().steps(), straight.log().len());
        let found = |timeline: &Timeline| (timeline.run().digest(), timeline.run().steps(), timeline.log().len());

        let mut pauses: Vec<u64> = (0..1_000).map(|_| luck.below(UNTIL.0)).collect();
        pauses.sort_unstable();
        let mut paused = open(&moment);
        for pause in pauses {
            paused.advance(Time(pause), u64::MAX);
        }
        paused.advance(UNTIL, u64::MAX);
        assert_eq!(found(&paused), expected, "seed {seed}, in a thousand pauses");

        let mut hurried = open(&moment);
        while !hurried.advance(UNTIL, 1 + luck.below(9)) {}
        assert_eq!(found(&hurried), expected, "seed {seed}, a few steps at a time");

        let mut stepped = open(&moment);
        while stepped.next_at().is_some_and(|at| at <= UNTIL) {
            assert!(stepped.step());
        }
        stepped.advance(UNTIL, 0);
        assert_eq!(found(&stepped), expected, "seed {seed}, step by step");
    }
}

#[test]
fn going_back_and_forth_leads_to_the_same_places() {
    for seed in 0..SEEDS {
        let mut luck = Stream::new(seed, Purpose::Faults);
        let moment = moment(seed, &mut luck);
        let mut timeline = open(&moment);
        let mut places: Vec<Time> = (0..12).map(|_| Time(luck.below(UNTIL.0))).collect();
        places.sort();
        let digests: Vec<u64> = places
            .iter()
            .map(|place| {
                timeline.seek(at(*place));
                timeline.run().digest()
            })
            .collect();
        for _ in 0..24 {
            let n = luck.below(places.len() as u64) as usize;
            timeline.seek(at(places[n]));
            assert_eq!(timeline.run().digest(), digests[n], "seed {seed}, at {}", places[n]);
        }
    }
}

#[test]
fn every_step_back_undoes_one_step() {
    for seed in 0..SEEDS / 5 {
        let mut luck = Stream::new(seed, Purpose::Faults);
        let moment = moment(seed, &mut luck);
        let mut timeline = open(&moment);
        timeline.advance(Time(luck.below(UNTIL.0)), u64::MAX);
        timeline.step();
        let mut digests = Vec::new();
        for _ in 0..40 {
            digests.push(timeline.run().digest());
            timeline.step();
        }
        while let Some(digest) = digests.pop() {
            assert!(timeline.step_back());
            assert_eq!(timeline.run().digest(), digest, "seed {seed}, {} steps left", digests.len());
        }
    }
}

#[test]
fn whatever_is_done_most_of_it_can_be_done_and_a_clone_goes_on_the_same() {
    let (mut done, mut fates) = (0, 0);
    for seed in 0..SEEDS {
        let mut luck = Stream::new(seed, Purpose::Faults);
        let mut run = Run::new(stormy(), seed).unwrap();
        for step in 0..60 {
            run.run_until(Time(100_000 * step), &mut ());
            // Half of the time about a message that is under way.
            let flight = run.world.flights().nth(luck.below(40) as usize).map(|flight| flight.record.0);
            let act = match flight.filter(|_| luck.below(2) == 0) {
                Some(message) => match luck.below(4) {
                    0 => Act::Drop { message },
                    1 => Act::Hurry { message },
                    2 => Act::Delay { message, by: Micros::ms(luck.below(500)) },
                    _ => Act::Duplicate { message },
                },
                None => any_act(&mut luck),
            };
            let fate = act.words().contains('#');
            let can = act.check(run.document(), &run.world).is_ok();
            let did = run.act(&act, &mut ()).is_ok();
            // Something else of the same instant may come first.
            assert!(did || !can || run.next_at().is_some(), "{}", act.words());
            done += u32::from(did);
            fates += u32::from(did && fate);
        }
        let mut clone = run.clone();
        let mut records: (Vec<Record>, Vec<Record>) = Default::default();
        run.run_until(Time(9_000_000), &mut records.0);
        clone.run_until(Time(9_000_000), &mut records.1);
        assert_eq!((records.0, run.digest()), (records.1, clone.digest()), "seed {seed}");
    }
    assert!(done > 1_000 && fates > 200, "{done} acts, {fates} of them on messages");
}

#[test]
fn a_span_is_long_enough_for_everything_to_happen() {
    // Guards the tests above against a scenario in which nothing goes on.
    let mut run = Run::new(chat(), 1).unwrap();
    let mut records: Vec<Record> = Vec::new();
    run.run_until(Time(Micros::secs(6).0), &mut records);
    assert!(run.metrics.whole("shown").is_some_and(|shown| shown.count > 20));
}

#[test]
fn a_template_put_before_the_others_changes_no_digest() {
    let digest = |before: bool| {
        let make = |name: &str| {
            let kind = kind(name).unwrap();
            kind.template(name, name, (kind.machine)(), &Default::default()).unwrap()
        };
        let mut templates = vec![make("client"), make("balancer")];
        if before {
            templates.insert(0, make("sender"));
        }
        let mut world = World::new(1, templates);
        for template in [0, 1] {
            world.place(template + u32::from(before), None, true, RecordId(0), &mut ());
        }
        world.run_until(Time(3_000_000), &mut ());
        world.digest()
    };
    assert_eq!(digest(false), digest(true));
}

#[test]
fn one_link_too_many_is_refused_with_a_sentence() {
    let client = kind("client").unwrap();
    let template = client.template("client", "client", (client.machine)(), &Default::default()).unwrap();
    let mut world = World::new(1, vec![template]);
    let wire = |world: &mut World| {
        let other = world.place(0, Some(format!("c{}", world.last_record().0).into()), true, RecordId(0), &mut ());
        let command = Command::Wire { a: NodeId(0), b: other.unwrap(), profile: Rc::default() };
        world.command(&command, &mut ())
    };
    world.place(0, None, true, RecordId(0), &mut ());
    for _ in 0..MAX_LINKS_A_NODE {
        wire(&mut world).unwrap();
    }
    let told = wire(&mut world).unwrap_err();
    assert!(matches!(&told, Refusal::Impossible(told) if told.contains("client-1 has 10000 links")), "{told:?}");
}
