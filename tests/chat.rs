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
