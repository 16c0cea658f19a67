//! The same run natively and in a browser's wasm: one table of digests, checked by both.
//!
//! `cargo test --test digests` natively; `cargo test --target wasm32-unknown-unknown --test digests` in Node.
//! `UPDATE_GOLDEN=1 cargo test --test digests` writes tests/golden/digests.txt anew. A change there means that links
//! which people have kept show another run: it is a reason to count up `link::ENGINE`, or a scenario's revision.

#[path = "shared/golden.rs"]
mod golden;
#[path = "../benches/phold.rs"]
#[allow(dead_code, reason = "the benchmark uses more of it")]
mod phold;

use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use faultline::player::{Action, Player};
use faultline::scenario::{Act, Document, FaultPlan, Region, Tree, builtin, schema};
use faultline::scene::DisplayList;
use faultline::sim::{Digest, Dist, Micros, Purpose, Stream, Table, Time, Value};
use faultline::timeline::{Cursor, Moment, Stamped, Timeline};

const TABLE: &str = include_str!("golden/digests.txt");

/// A history of the chat service: what is done to it, and when it is looked at.
struct Row {
    name: &'static str,
    seed: u64,
    settings: Vec<(&'static str, Value)>,
    /// In seconds.
    acts: Vec<(u64, Act)>,
    until: Micros,
}

fn row(name: &'static str, seed: u64, acts: Vec<(u64, Act)>, seconds: u64) -> Row {
    Row { name, seed, settings: Vec::new(), acts, until: Micros::secs(seconds) }
}

fn pair(a: &str, b: &str) -> (String, String) {
    (a.to_owned(), b.to_owned())
}

/// A law as it was measured.
fn measured() -> Dist {
    Dist::Empirical([1_000, 2_000, 4_000, 90_000].map(Micros).into())
}

/// The chat service in two regions, with faults drawn from the seed.
fn planned() -> Document {
    let mut chat = builtin("chat").unwrap();
    let extra = r#"{"plan": {"faults": ["kill", "pause", "isolate", "skew", "lie", "full-disk"], "every": "1s",
        "repair": "700ms", "up": "2s", "most": 2}}"#;
    let plans: Table<String, FaultPlan> = schema::read(&Tree::from_json(extra).unwrap()).unwrap();
    chat.plans.extend(plans.get("plan").cloned());
    for group in chat.groups.iter_mut().filter(|group| group.name != "clients") {
        group.zones = vec!["east".to_owned(), "west".to_owned()];
    }
    let far = r#"{"a": {"name": "east", "one_way": ["0s", "30ms"]}, "b": {"name": "west", "one_way": ["35ms", "0s"]}}"#;
    let regions: Table<String, Region> = schema::read(&Tree::from_json(far).unwrap()).unwrap();
    chat.regions.extend(regions.values().cloned());
    assert_eq!(chat.problems(), []);
    chat
}

fn rows() -> Vec<Row> {
    let node = str::to_owned;
    vec![
        row("as it is", 20260, vec![], 20),
        row("another seed, a minute", 1, vec![], 60),
        row("the last seed", u64::MAX, vec![], 10),
        row("the beginning", 7, vec![], 0),
        Row {
            settings: vec![("rate", Value::Number(8.0)), ("missed", Value::Number(1.0))],
            ..row("much is written", 2, vec![], 15)
        },
        Row {
            settings: vec![("acknowledge", Value::text("before-store")), ("replace", Value::Flag(false))],
            ..row("safe is said too early", 3, vec![(5, Act::Kill { node: node("senders"), disk: false })], 20)
        },
        row(
            "a sender dies and comes back",
            4,
            vec![(5, Act::Kill { node: node("sender-1"), disk: false }), (9, Act::Restart { node: node("sender-1") })],
            20,
        ),
        row(
            "the primary loses its disk",
            5,
            vec![
                (6, Act::Kill { node: node("history-1"), disk: true }),
                (12, Act::Restart { node: node("history-1") }),
            ],
            25,
        ),
        row(
            "gateways cut from senders",
            6,
            vec![
                (4, Act::Cut { between: pair("gateways", "senders"), one_way: false }),
                (8, Act::Heal { between: pair("gateways", "senders"), one_way: false }),
                (10, Act::Cut { between: pair("history-1", "history-2"), one_way: true }),
            ],
            20,
        ),
        row(
            "a gateway stands still",
            7,
            vec![(3, Act::Pause { node: node("gateway-1") }), (7, Act::Resume { node: node("gateway-1") })],
            20,
        ),
        row(
            "a slow history, a held link",
            8,
            vec![
                (2, Act::Slow { node: node("history"), factor: 12.5 }),
                (4, Act::Hold { between: pair("balancer", "gateways"), one_way: true }),
                (9, Act::Release { between: pair("balancer", "gateways"), one_way: true }),
            ],
            20,
        ),
        row(
            "parts come and go",
            9,
            vec![
                (3, Act::Add { what: node("senders"), name: None }),
                (5, Act::Remove { node: node("gateway-2") }),
                (6, Act::Unwire { between: pair("client-1", "balancer-1") }),
                (8, Act::Wire { between: pair("client-1", "balancer-1") }),
            ],
            20,
        ),
        row(
            "clocks, disks and lies",
            11,
            vec![
                (
                    2,
                    Act::Clock {
                        node: node("senders"),
                        ahead: None,
                        behind: Some(Micros::ms(700)),
                        drift: Some(-30_000.0),
                    },
                ),
                (3, Act::Disk { node: node("history-1"), latency: Some(measured()), full: None, sync: Some(false) }),
                (4, Act::Lie { node: node("gateways"), share: 0.1, spoil: true }),
                (5, Act::Cores { node: node("sender-1"), count: 1 }),
                (6, Act::Disk { node: node("history-2"), latency: None, full: Some(true), sync: None }),
                (8, Act::Kill { node: node("history-1"), disk: false }),
                (9, Act::Restart { node: node("history-1") }),
            ],
            20,
        ),
        row(
            "links that double, detour and are narrow; a partition that is healed",
            12,
            vec![
                (
                    1,
                    Act::Link {
                        between: pair("gateways", "senders"),
                        delay: None,
                        loss: Some(0.05),
                        duplicate: Some(0.1),
                        reorder: Some(0.1),
                        detour: Some(measured()),
                        bandwidth: Some(30_000),
                        queue: Some(4_000),
                    },
                ),
                (5, Act::Partition { sides: vec![vec![node("gateway-1"), node("sender-1")], vec![node("history")]] }),
                (9, Act::HealAll {}),
            ],
            20,
        ),
        row(
            "links that lose and dawdle, a dial that is turned",
            10,
            vec![
                (
                    2,
                    Act::link("clients", "gateways")
                        .with(Some(Dist::Lognormal { median: Micros::ms(180), p99: Micros::secs(2) }), Some(0.2)),
                ),
                (4, Act::Dial { dial: node("rate"), value: Value::Number(5.5) }),
            ],
            20,
        ),
    ]
}

/// Everything that is compared: a name and a digest a line.
fn table() -> String {
    let mut table = String::new();
    let chat = Rc::new(builtin("chat").unwrap());
    for row in rows() {
        let moment = Moment {
            document: chat.clone(),
            seed: row.seed,
            settings: row.settings.into_iter().map(|(dial, value)| (dial.to_owned(), value)).collect(),
            acts: row.acts.into_iter().map(|(s, act)| Stamped { at: Time(Micros::secs(s).0), act }).collect(),
            cursor: Cursor { at: Time(row.until.0), steps: None },
        };
        let timeline = Timeline::at_moment(chat.clone(), &moment).unwrap();
        let (run, until) = (timeline.run(), row.until);
        writeln!(table, "{:016x}  chat, seed {}, {until}: {}", run.digest(), row.seed, row.name).unwrap();
    }
    let storm = Rc::new(planned());
    for seed in [1, 2] {
        let mut timeline = Timeline::new(storm.clone(), seed, Vec::new()).unwrap();
        timeline.seek(Cursor { at: Time(20_000_000), steps: None });
        writeln!(table, "{:016x}  chat in two regions, seed {seed}, 20s: a fault a second", timeline.run().digest())
            .unwrap();
    }
    for (balls, seed, events) in [(64, 1, 50_000), (1_024, 2, 100_000), (16_384, 3, 100_000)] {
        let mut world = phold::world(balls, seed);
        phold::run(&mut world, events, &mut ());
        writeln!(table, "{:016x}  PHOLD, seed {seed}, {balls} balls, {events} events", world.digest()).unwrap();
    }
    let (picture, link) = drawn(&chat);
    writeln!(table, "{:016x}  chat at 3 s, as a picture", digest_of(picture.bytes())).unwrap();
    writeln!(table, "{:016x}  the link to it", digest_of(link.bytes())).unwrap();
    for (name, digest) in vectors() {
        writeln!(table, "{digest:016x}  {name}").unwrap();
    }
    table
}

/// A moment with a crash in it, as a picture and as a packed link.
fn drawn(chat: &Rc<Document>) -> (String, String) {
    let mut player = Player::new(chat.clone()).unwrap();
    for action in [Action::Resize(1_200.0, 800.0), Action::Pause, Action::Seek(Time(2_500_000))] {
        player.dispatch(action);
    }
    player.dispatch(Action::Act(Act::Kill { node: "senders".to_owned(), disk: true }));
    player.dispatch(Action::Act(Act::Slow { node: "gateway-1".to_owned(), factor: 2.5 }));
    player.dispatch(Action::Seek(Time(3_000_000)));
    let mut list = DisplayList::default();
    player.draw(&mut list);
    let picture = faultline::scene::svg::paint(&list, player.view(), "Chat", "at 3 s");
    // Too many moved components to be written readably.
    let (moment, mut shown) = player.share();
    for place in 0..40 {
        shown.moved.insert(format!("node-{place}"), (place, -place));
    }
    (picture, faultline::link::write(&moment, &shown).fragment)
}

fn digest_of<T: Hash>(values: impl IntoIterator<Item = T>) -> u64 {
    let mut digest = Digest::default();
    values.into_iter().for_each(|value| value.hash(&mut digest));
    digest.finish()
}

/// What everything rests on, by itself, so that a difference is found where it begins.
fn vectors() -> Vec<(String, u64)> {
    let mut vectors = Vec::new();
    // From the smallest to the largest of numbers and everything between, evenly by exponent.
    let mut luck = Stream::new(1, Purpose::Faults);
    let numbers: Vec<f64> =
        (0..20_000).map(|_| f64::from_bits(luck.bits() >> 1)).filter(|number| number.is_finite()).collect();
    type Named = (&'static str, fn(f64) -> f64);
    let functions: [Named; 6] = [
        ("log", libm::log),
        ("exp of −50 to 50", |x| libm::exp((x.to_bits() % 100_000) as f64 / 1e3 - 50.0)),
        ("cos", libm::cos),
        ("sqrt", libm::sqrt),
        ("log1p", libm::log1p),
        ("x to the 0.7", |x| libm::pow(x, 0.7)),
    ];
    for (name, function) in functions {
        let digest = digest_of(numbers.iter().map(|x| function(*x).to_bits()));
        vectors.push((format!("libm, 20000 numbers: {name}"), digest));
    }
    let purposes = [
        Purpose::Node(3),
        Purpose::Load(3),
        Purpose::Service(3),
        Purpose::Link(1, 2),
        Purpose::Link(2, 1),
        Purpose::Faults,
        Purpose::Twist(1, 2),
        Purpose::Lies(3),
        Purpose::Plan(0),
    ];
    for purpose in purposes {
        let mut stream = Stream::new(42, purpose);
        let digest = digest_of((0..1_000).map(|n| stream.bits() ^ stream.below(n + 1) ^ stream.unit().to_bits()));
        vectors.push((format!("stream, seed 42, 1000 draws: {purpose:?}"), digest));
    }
    let laws = [
        Dist::Constant(Micros(5)),
        Dist::Uniform { min: Micros(1), max: Micros::secs(3) },
        Dist::Exponential { mean: Micros::ms(20) },
        Dist::Lognormal { median: Micros::ms(8), p99: Micros::ms(40) },
        measured(),
    ];
    for law in laws {
        let mut stream = Stream::new(42, Purpose::Faults);
        let digest = digest_of((0..10_000).map(|_| law.sample(&mut stream).0));
        vectors.push((format!("law, seed 42, 10000 samples: {law}"), digest));
    }
    let mixed = ("text", [1u8, 2, 3].as_slice(), u128::MAX, Some(-1i32), 'ß', (true, 7usize));
    vectors.push(("digest of this and that".to_owned(), digest_of([mixed])));
    vectors
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn runs_have_the_digests_of_the_table() {
    golden::compare("digests.txt", TABLE, &table());
}
