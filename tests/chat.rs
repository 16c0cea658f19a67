//! The chat service, whole: healthy, and with every kind of thing that can go wrong.

use std::collections::BTreeMap;
use std::rc::Rc;

use faultline::check::{CHECKS, Check, Violation};
use faultline::components::{Fact, Message, Record, Settings, What, World, kind};
use faultline::sim::{
    Command, Dist, Micros, NodeId, Profile, Purpose, RecordId, Status, Stream, Template, Time, Value,
};

/// The groups: kind, how many.
const GROUPS: [(&str, u32); 6] =
    [("client", 6), ("balancer", 1), ("gateway", 2), ("sender", 2), ("database", 2), ("supervisor", 1)];

fn profile() -> Profile {
    Profile { delay: Dist::Lognormal { median: Micros::ms(4), p99: Micros::ms(12) }, ..Profile::default() }
}

/// A chat with `set` put into every kind that has the field.
fn chat(seed: u64, profile: Profile, set: &[(&str, &str, Value)]) -> World {
    let profile = Rc::new(profile);
    let place = |name: &str| GROUPS.iter().position(|(group, _)| *group == name);
    let templates: Vec<Template<Message>> = GROUPS
        .iter()
        .map(|(name, _)| {
            let kind = kind(name).unwrap();
            let settings: Settings = set
                .iter()
                .filter(|(of, _, _)| of == name)
                .map(|(_, field, value)| ((*field).to_owned(), value.clone()))
                .collect();
            let mut template = kind.template(name, name, (kind.machine)(), &settings).unwrap();
            template.links =
                kind.talks_to.iter().filter_map(|other| Some((place(other)? as u32, profile.clone()))).collect();
            template
        })
        .collect();
    let mut world = World::new(seed, templates);
    for (template, (_, count)) in GROUPS.iter().enumerate() {
        for _ in 0..*count {
            world.place(template as u32, None, false, RecordId(0), &mut ()).unwrap();
        }
    }
    world
}

/// A run that is watched.
struct Run {
    world: World,
    check: Box<dyn Check>,
    found: Vec<Violation>,
    accepted: Vec<(Time, u64)>,
    shown: u64,
    notes: Vec<(Time, NodeId, Rc<str>)>,
    measures: BTreeMap<&'static str, Vec<u64>>,
    records: Vec<Record>,
    marks: Vec<(Time, String)>,
}

impl Run {
    fn new(world: World) -> Run {
        Run {
            world,
            check: (CHECKS.iter().find(|kind| kind.name == "chat").unwrap().make)(),
            found: Vec::new(),
            accepted: Vec::new(),
            shown: 0,
            notes: Vec::new(),
            measures: BTreeMap::new(),
            records: Vec::new(),
            marks: Vec::new(),
        }
    }

    fn watch(&mut self) {
        for record in self.records.drain(..) {
            self.check.observe(&record, &self.world, &mut self.found);
            match record.what {
                What::Fact(Fact::Accepted { item, .. }) => self.accepted.push((record.at, item)),
                What::Fact(Fact::Shown { .. }) => self.shown += 1,
                What::Fact(fact @ (Fact::Suspected { .. } | Fact::Replacing { .. })) => {
                    self.marks.push((record.at, fact.name().to_owned()));
                }
                What::Note(line) => self.notes.push((record.at, record.node, line)),
                What::Measure { name, value } => self.measures.entry(name).or_default().push(value),
                _ => {}
            }
        }
        self.check.settle(&self.world, &mut self.found);
    }

    fn until(&mut self, at: Micros) {
        while self.world.next_at().is_some_and(|next| next <= Time(at.0)) {
            self.world.step(&mut self.records);
            self.watch();
        }
        self.world.rest_at(Time(at.0));
        assert_eq!(self.world.halted(), None);
    }

    fn command(&mut self, command: &Command) -> bool {
        let done = self.world.command(command, &mut self.records).is_ok();
        self.watch();
        done
    }

    fn accepted_since(&self, at: Micros) -> usize {
        self.accepted.iter().filter(|(when, _)| when.0 >= at.0).count()
    }

    fn holds(&self, what: &str) {
        if !self.found.is_empty() {
            for (at, node, line) in &self.notes {
                eprintln!("{at} {}: {}", self.world.name(*node), self.world.named(line));
            }
        }
        assert!(self.found.is_empty(), "{what}: {:#?}", &self.found[..self.found.len().min(4)]);
    }
}

fn percentile(values: &mut [u64], permille: usize) -> f64 {
    values.sort_unstable();
    values[(values.len() * permille / 1000).min(values.len() - 1)] as f64 / 1000.0
}

#[test]
fn a_healthy_minute() {
    let mut run = Run::new(chat(1, profile(), &[]));
    run.until(Micros::secs(60));
    run.holds("healthy");
    for (at, node, line) in &run.notes {
        println!("{at} {}: {}", run.world.name(*node), run.world.named(line));
    }
    let (written, accepted, shown) = (run.measures["written"].len(), run.accepted.len(), run.shown as usize);
    println!("written {written}, accepted {accepted}, shown {shown}, events {}", run.world.events());
    for name in ["accepted", "delivery"] {
        let values = run.measures.get_mut(name).unwrap();
        println!("{name}: p50 {:.1} ms, p99 {:.1} ms", percentile(values, 500), percentile(values, 990));
    }
    assert!(written > 70 && accepted + 3 >= written && shown + 12 >= 3 * accepted);
    let mut delivery = run.measures["delivery"].clone();
    assert!((25.0..70.0).contains(&percentile(&mut delivery, 500)));
    assert!(run.notes.iter().all(|(_, _, line)| !line.contains("understand")));
}

fn number(value: f64) -> Value {
    Value::Number(value)
}

/// People write more than usual, so that short runs say more.
fn busy(seed: u64, profile: Profile) -> World {
    chat(seed, profile, &[("client", "rate", number(1.0))])
}

fn luck(seed: u64) -> Stream {
    Stream::new(seed, Purpose::Faults)
}

fn between(luck: &mut Stream, from: u64, to: u64) -> Micros {
    Micros(from * 1000 + luck.below((to - from) * 1000))
}

fn all_nodes(world: &World) -> Vec<NodeId> {
    world.nodes().map(|(id, _)| id).collect()
}

/// Everyone who is there gets messages accepted again, after `since` and before the end of a run.
fn everyone_writes(run: &Run, since: Micros, what: &str) {
    let clients = run.world.nodes().filter(|(_, node)| node.kind == "client" && node.status == Status::Up);
    for (client, node) in clients {
        let accepted =
            run.accepted.iter().filter(|(at, item)| at.0 >= since.0 && (item >> 32) as u32 == client.0).count();
        if accepted == 0 {
            for (at, node, line) in &run.notes {
                eprintln!("{at} {}: {}", run.world.name(*node), run.world.named(line));
            }
            for (_, node) in run.world.nodes() {
                let look = node.look();
                eprintln!("{} {:?} {} {:?}", node.name, node.status, look.role, look.lines);
            }
        }
        assert!(accepted > 0, "{what}: nothing of {} was accepted after {since}", node.name);
    }
}

/// Runs a busy chat, does something at a random time and undoes it some time later; then all must be well again.
fn disturb(seed: u64, profile: Profile, what: &str, act: &Command, undo: Option<&Command>) {
    let what = format!("{what}, seed {seed}: {act:?}, then {undo:?}");
    let mut luck = luck(seed);
    let mut run = Run::new(busy(seed, profile));
    let at = between(&mut luck, 3_000, 6_000);
    run.until(at);
    assert!(run.command(act), "{what}");
    let mut then = at;
    if let Some(undo) = undo {
        then = at + between(&mut luck, 20, 5_000);
        run.until(then);
        // What was to be undone may have been ended and replaced.
        run.command(undo);
    }
    run.until(then + Micros::secs(24));
    run.holds(&what);
    everyone_writes(&run, then + Micros::secs(12), &what);
}

#[test]
fn any_node_may_crash() {
    for seed in 0..6 {
        for node in all_nodes(&busy(0, profile())) {
            let kill = |lose_disk| Command::Kill { node, lose_disk };
            disturb(seed, profile(), "crash", &kill(false), None);
            disturb(seed + 100, profile(), "crash", &kill(true), None);
            disturb(seed + 200, profile(), "crash", &kill(false), Some(&Command::Restart { node }));
            disturb(seed + 300, profile(), "crash", &kill(true), Some(&Command::Restart { node }));
            disturb(seed + 400, profile(), "removal", &Command::Remove { node }, None);
        }
    }
}

#[test]
fn any_node_may_stand_still_or_be_slow() {
    for seed in 0..6 {
        for node in all_nodes(&busy(0, profile())) {
            disturb(seed, profile(), "pause", &Command::Pause { node }, Some(&Command::Resume { node }));
            let slow = |permille| Command::Slow { node, permille };
            disturb(seed + 100, profile(), "slow", &slow(30_000), Some(&slow(1_000)));
            disturb(seed + 200, profile(), "slow", &slow(1_000_000), Some(&slow(1_000)));
        }
    }
}

#[test]
fn any_link_may_be_cut() {
    let world = busy(0, profile());
    let links: Vec<(NodeId, NodeId)> =
        world.nodes().flat_map(|(a, node)| node.links.iter().map(move |link| (a, link.to))).collect();
    for seed in 0..3 {
        for (a, b) in &links {
            let (a, b) = (*a, *b);
            for both in [true, false].into_iter().skip(usize::from(a > b)) {
                disturb(seed, profile(), "cut", &Command::Cut { a, b, both }, Some(&Command::Heal { a, b, both }));
            }
            let (hold, release) = (Command::Hold { a, b, both: false }, Command::Release { a, b, both: false });
            disturb(seed + 100, profile(), "hold", &hold, Some(&release));
        }
    }
}

#[test]
fn a_link_may_lose_one_message_in_twenty_even_while_something_crashes() {
    let lossy = || Profile { loss: 0.05, ..profile() };
    for seed in 0..8 {
        let what = format!("lossy, seed {seed}");
        let mut run = Run::new(busy(seed, lossy()));
        run.until(Micros::secs(40));
        run.holds(&what);
        everyone_writes(&run, Micros::secs(25), &what);
        for node in all_nodes(&run.world) {
            let kill = Command::Kill { node, lose_disk: false };
            disturb(seed + 100, lossy(), "lossy crash", &kill, Some(&Command::Restart { node }));
        }
    }
}
