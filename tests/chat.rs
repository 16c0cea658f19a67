//! The chat service, whole: healthy, and with every kind of thing that can go wrong.

use std::collections::BTreeMap;
use std::rc::Rc;

use faultline::check::{CHECKS, Check, Violation};
use faultline::components::{Fact, Message, Record, Settings, What, World, kind};
use faultline::sim::{
    Change, Command, Dist, Micros, NodeId, Profile, Purpose, RecordId, Status, Stream, Template, Time, Value,
};

/// The groups: kind, how many.
const GROUPS: [(&str, u32); 6] =
    [("client", 6), ("balancer", 1), ("gateway", 2), ("sender", 2), ("database", 2), ("supervisor", 1)];

fn profile() -> Profile {
    Profile { delay: Dist::Lognormal { median: Micros::ms(4), p99: Micros::ms(12) }, ..Profile::default() }
}

/// A chat with `set` put into every kind that has the field.
fn chat(seed: u64, profile: Profile, set: &[(&str, &str, Value)]) -> World {
    chat_of(&GROUPS.map(|(_, count)| count), seed, profile, set)
}

/// A chat with so many of each group.
fn chat_of(counts: &[u32; 6], seed: u64, profile: Profile, set: &[(&str, &str, Value)]) -> World {
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
    for (template, count) in counts.iter().enumerate() {
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

    fn holds(&self, what: &str) {
        if !self.found.is_empty() {
            for (at, node, line) in &self.notes {
                eprintln!("{at} {}: {}", self.world.name(*node), self.world.named(line));
            }
        }
        assert!(self.found.is_empty(), "{what}: {:#?}", &self.found[..self.found.len().min(4)]);
    }
}

/// How many seeds: `FAULTLINE_SOAK=20` asks for twenty times as many.
#[expect(clippy::disallowed_methods, reason = "how many runs there are changes none of them")]
fn soak(seeds: u64) -> u64 {
    let times = std::env::var("FAULTLINE_SOAK").ok().and_then(|times| times.parse::<u64>().ok()).unwrap_or(1);
    seeds * times
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
    disturb_in(busy(seed, profile), seed, what, act, undo);
}

fn disturb_in(world: World, seed: u64, what: &str, act: &Command, undo: Option<&Command>) {
    let what = format!("{what}, seed {seed}: {act:?}, then {undo:?}");
    let mut luck = luck(seed);
    let mut run = Run::new(world);
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
    for seed in 0..soak(8) {
        let what = format!("lossy, seed {seed}");
        let mut run = Run::new(busy(seed, lossy()));
        run.until(Micros::secs(40));
        run.holds(&what);
        everyone_writes(&run, Micros::secs(25), &what);
        for node in all_nodes(&busy(0, profile())) {
            let kill = Command::Kill { node, lose_disk: false };
            disturb(seed + 100, lossy(), "lossy crash", &kill, Some(&Command::Restart { node }));
        }
    }
}

/// Kills a sender that acknowledges as `word` says, once a second; what the check found.
fn kill_senders(seed: u64, word: &str) -> Run {
    let rate = ("client", "rate", number(2.0));
    let mut run = Run::new(chat(seed, profile(), &[rate, ("sender", "acknowledge", Value::text(word))]));
    let mut luck = luck(seed);
    for _ in 0..3 {
        run.until(Micros(run.world.now().0) + between(&mut luck, 2_000, 4_000));
        let senders: Vec<NodeId> = run
            .world
            .nodes()
            .filter(|(_, node)| node.kind == "sender" && node.status == Status::Up)
            .map(|(id, _)| id)
            .collect();
        let node = senders[luck.below(senders.len() as u64) as usize];
        run.command(&Command::Kill { node, lose_disk: false });
    }
    run.until(Micros(run.world.now().0) + Micros::secs(10));
    run
}

#[test]
fn acknowledging_before_storing_is_caught_and_acknowledging_after_is_not() {
    let mut caught = 0;
    for seed in 0..24 {
        let run = kill_senders(seed, "before-store");
        caught += u32::from(!run.found.is_empty());
        for violation in &run.found {
            assert!(violation.told.contains("is lost: "), "{}", violation.told);
            assert!(violation.told.contains("accepted by sender-"), "{}", violation.told);
            if seed == 0 {
                println!("{} {}", violation.at, violation.told);
            }
        }
        kill_senders(seed, "after-store").holds("after-store");
    }
    // Six people write twice a second and a promise stays empty for 0.2 s on average: about one message is at risk in
    // each of the two senders at any time, three times a run.
    assert!(caught >= 20, "{caught} of 24");
}

#[test]
fn what_is_lost_with_both_databases_is_named() {
    for seed in 0..6 {
        let mut run = Run::new(busy(seed, profile()));
        run.until(Micros::secs(10));
        let accepted = run.accepted.len();
        let databases: Vec<NodeId> =
            run.world.nodes().filter(|(_, node)| node.kind == "database").map(|(id, _)| id).collect();
        run.command(&Command::Remove { node: databases[(seed % 2) as usize] });
        run.holds("one is left");
        run.until(Micros::secs(10) + Micros(seed * 400_000));
        run.holds("one is left");
        let blow = run.world.now();
        run.command(&Command::Remove { node: databases[1 - (seed % 2) as usize] });
        let lost = run.found.len();
        assert!(lost >= 32.min(accepted), "{lost} of {accepted}");
        for violation in &run.found {
            assert_eq!(violation.at, blow);
            assert!(violation.told.contains("was removed") && violation.told.contains("conversation"));
        }
        run.until(Micros::secs(20));
        assert_eq!(run.world.halted(), None);
    }
}

#[test]
fn two_failures_at_once_break_no_promise_while_one_disk_is_left() {
    for seed in 0..soak(120) {
        let mut luck = luck(seed);
        let mut run = Run::new(busy(seed, profile()));
        let nodes = all_nodes(&run.world);
        let mut then = Micros::secs(4);
        run.until(then);
        // Crashes that keep their disks, as many as there are, lose nothing; they may cost availability for a while.
        for _ in 0..4 {
            then = then + between(&mut luck, 1, 1_500);
            run.until(then);
            let node = nodes[luck.below(nodes.len() as u64) as usize];
            run.command(&Command::Kill { node, lose_disk: false });
        }
        for node in &nodes {
            then = then + between(&mut luck, 1, 300);
            run.until(then);
            run.command(&Command::Restart { node: *node });
        }
        run.until(then + Micros::secs(30));
        let what = format!("double, seed {seed}");
        run.holds(&what);
        everyone_writes(&run, then + Micros::secs(15), &what);
    }
}

/// Something that is done to a message that is or is not under way.
fn any_fate(luck: &mut Stream, world: &World) -> Command {
    let flights: Vec<RecordId> = world.flights().map(|flight| flight.record).collect();
    let message =
        flights.get(luck.below(flights.len() as u64 + 1) as usize).copied().unwrap_or(RecordId(luck.below(9)));
    match luck.below(4) {
        0 => Command::Drop { message },
        1 => Command::Hurry { message },
        2 => Command::Delay { message, by: Micros(luck.below(3_000_000)) },
        _ => Command::Duplicate { message },
    }
}

/// Something that is changed about a node.
fn any_change(luck: &mut Stream) -> Change {
    match luck.below(7) {
        0 | 1 => Change::Clock {
            ahead: [0, 300_000, -300_000, -1_000_000_000][luck.below(4) as usize],
            drift: [0, 50, 200_000, -400_000][luck.below(4) as usize],
        },
        2 => Change::Disk(Dist::Exponential { mean: Micros::ms(luck.below(200)) }),
        3 => Change::Full(luck.below(2) == 0),
        4 => Change::Sync(luck.below(2) == 0),
        5 => Change::Lie { share: [0.0, 0.2, 1.0][luck.below(3) as usize], spoils: luck.below(2) == 0 },
        _ => Change::Cores(1 + luck.below(4) as u32),
    }
}

/// A random command, of any kind, about things that are or are not there.
fn any_command(luck: &mut Stream, world: &World) -> Command {
    let count = world.nodes().map(|(id, _)| u64::from(id.0)).max().unwrap_or(0) + 2;
    let mut node = || NodeId(luck.below(count) as u32);
    let (one, two) = (node(), node());
    let both = luck.below(2) == 0;
    let delays = [
        Dist::Constant(Micros::ZERO),
        Dist::Constant(Micros::secs(2)),
        Dist::Exponential { mean: Micros::ms(30) },
        Dist::Lognormal { median: Micros::ms(4), p99: Micros::ms(90) },
    ];
    let delay = delays[luck.below(4) as usize].clone();
    let loss = [0.0, 0.3, 1.0][luck.below(3) as usize];
    let profile = Rc::new(Profile {
        delay,
        loss,
        fifo: luck.below(2) == 0,
        duplicate: loss,
        reorder: [0.0, 0.5][luck.below(2) as usize],
        bandwidth: [0, 100, 20_000][luck.below(3) as usize],
        queue: [0, 1_000, 65_536][luck.below(3) as usize],
        ..Profile::default()
    });
    match luck.below(21) {
        0 => Command::Add { template: luck.below(7) as u32, name: None },
        1 => Command::Remove { node: one },
        2 => Command::Kill { node: one, lose_disk: luck.below(3) == 0 },
        3 | 4 => Command::Restart { node: one },
        5 => Command::Pause { node: one },
        6 => Command::Resume { node: one },
        7 => Command::Slow { node: one, permille: [0, 100, 1000, 5_000, 1_000_000][luck.below(5) as usize] },
        8 => Command::Wire { a: one, b: two, profile },
        9 => Command::Unwire { a: one, b: two },
        10 => Command::Cut { a: one, b: two, both },
        11 => Command::Heal { a: one, b: two, both },
        12 => Command::Hold { a: one, b: two, both },
        13 => Command::Release { a: one, b: two, both },
        14..17 => any_fate(luck, world),
        17..20 => Command::Change { node: one, change: any_change(luck) },
        _ if luck.below(3) == 0 => Command::Relink { a: one, b: two, both, profile },
        _ => {
            let settings = [
                ("rate", number(0.0)),
                ("rate", number(20.0)),
                ("conversations", number(3.0)),
                ("heartbeat", Value::text("20ms")),
                ("missed", number(1.0)),
                ("replace", Value::Flag(false)),
                ("acknowledge", Value::text("before-store")),
                ("choice", Value::text("two-choices")),
                ("choice", Value::text("round-robin")),
                ("choice", Value::text("random")),
                ("sessions", number(1.0)),
                ("timeout", Value::text("20ms")),
                ("flush", Value::text("0s")),
                ("sync", Value::text("100ms")),
            ];
            let (field, value) = settings[luck.below(settings.len() as u64) as usize].clone();
            Command::Dial { node: one, field: Rc::from(field), value }
        }
    }
}

#[test]
fn whatever_is_done_to_it_nothing_panics_or_halts() {
    let (mut done, mut broken) = (0, 0);
    for seed in 0..soak(60) {
        let mut luck = luck(seed);
        let mut run = Run::new(busy(seed, profile()));
        let mut then = Micros::ZERO;
        for _ in 0..80 {
            then = then + between(&mut luck, 0, 500);
            run.until(then);
            let command = any_command(&mut luck, &run.world);
            done += u32::from(run.command(&command));
        }
        run.until(then + Micros::secs(5));
        broken += u32::from(!run.found.is_empty());
        for (_, node) in run.world.nodes() {
            assert!(node.look().lines.len() < 80);
            node.timers();
        }
        assert!(run.world.in_flight() < 20_000 && run.world.nodes().count() < 120);
    }
    println!("{done} commands carried out; promises broken in {broken} of 60 runs");
}

#[test]
fn the_same_seed_gives_the_same_run_and_a_clone_goes_on_the_same() {
    for seed in 0..4 {
        let (mut one, mut two) = (busy(seed, profile()), busy(seed, profile()));
        let (mut first, mut second): (Vec<Record>, Vec<Record>) = (Vec::new(), Vec::new());
        one.run_until(Time(6_000_000), &mut first);
        two.run_until(Time(6_000_000), &mut second);
        assert_eq!(first, second);
        assert_eq!(one.digest(), two.digest());
        let mut clone = one.clone();
        for world in [&mut one, &mut clone] {
            let node = world.find("sender-1").unwrap();
            world.command(&Command::Kill { node, lose_disk: false }, &mut ()).unwrap();
            world.run_until(Time(15_000_000), &mut ());
        }
        assert_eq!(one.digest(), clone.digest());
        assert_ne!(one.digest(), two.digest());
    }
}

#[test]
fn a_dead_sender_is_noticed_and_replaced_in_about_two_seconds() {
    let (mut noticed, mut replaced, mut accepted) = (Vec::new(), Vec::new(), Vec::new());
    for seed in 0..30 {
        let mut run = Run::new(busy(seed, profile()));
        run.until(Micros::ms(5_000 + seed * 37));
        let at = run.world.now();
        let node = run.world.find("sender-1").unwrap();
        run.command(&Command::Kill { node, lose_disk: false });
        run.until(Micros::secs(15));
        run.holds("replaced");
        let mark = run.marks.iter().find(|(_, name)| name == "suspected").unwrap().0;
        noticed.push(mark.since(at).0);
        let note = run.notes.iter().find(|(_, _, line)| line.contains("takes the place of")).unwrap().0;
        replaced.push(note.since(at).0);
        // How long the longest wait for an acknowledgement was.
        accepted.push(run.measures["accepted"].iter().copied().max().unwrap());
        assert!(run.world.node(node).is_none() && run.world.find("sender-3").is_some());
        let senders = run.world.nodes().filter(|(_, node)| node.kind == "sender").count();
        assert_eq!(senders, 2);
    }
    for (name, values) in [("noticed", &mut noticed), ("replaced", &mut replaced), ("longest wait", &mut accepted)] {
        println!("{name}: p50 {:.0} ms, max {:.0} ms", percentile(values, 500), percentile(values, 1000));
    }
    assert!(percentile(&mut noticed, 1000) < 1_100.0 && percentile(&mut replaced, 1000) < 2_000.0);
}

#[test]
fn a_stale_database_never_serves_when_it_comes_back() {
    for seed in 0..20 {
        let mut run = Run::new(busy(seed, profile()));
        run.until(Micros::secs(4));
        let (old, new) = (run.world.find("database-1").unwrap(), run.world.find("database-2").unwrap());
        assert!(run.world.node(old).unwrap().look().star);
        run.command(&Command::Kill { node: old, lose_disk: false });
        run.until(Micros::secs(9));
        assert!(run.world.node(new).unwrap().look().star);
        let since = run.accepted.len();
        assert!(since > 0);
        // Now only the one that missed five seconds is left. It must not answer for what it does not have.
        run.command(&Command::Kill { node: new, lose_disk: false });
        run.command(&Command::Restart { node: old });
        let before = run.accepted.len();
        run.until(Micros::secs(15));
        assert!(!run.world.node(old).unwrap().look().star);
        assert_eq!(run.accepted.iter().filter(|(at, _)| at.0 > 9_100_000).count(), 0);
        assert!(run.accepted.len() <= before + 6);
        run.command(&Command::Restart { node: new });
        run.until(Micros::secs(30));
        run.holds("stale");
        everyone_writes(&run, Micros::secs(18), "stale");
        assert!(run.world.node(new).unwrap().look().star);
    }
}

/// Whether a command takes a disk away, lets a sender promise what it has not stored, or places a second view service.
fn destroys(command: &Command) -> bool {
    match command {
        Command::Remove { .. } | Command::Kill { lose_disk: true, .. } => true,
        Command::Dial { field, .. } => **field == *"acknowledge",
        Command::Add { template, .. } => GROUPS.get(*template as usize).is_some_and(|(name, _)| *name == "supervisor"),
        _ => false,
    }
}

#[test]
fn whatever_is_done_to_it_short_of_losing_disks_no_promise_is_broken() {
    for seed in 0..soak(60) {
        let mut luck = luck(seed + 5_000);
        let mut run = Run::new(busy(seed, profile()));
        let mut then = Micros::ZERO;
        for _ in 0..80 {
            then = then + between(&mut luck, 0, 500);
            run.until(then);
            let command = any_command(&mut luck, &run.world);
            if !destroys(&command) {
                run.command(&command);
                run.holds(&format!("short of losing disks, seed {seed}, at {then}: {command:?}"));
            }
        }
        run.until(then + Micros::secs(5));
        run.holds(&format!("short of losing disks, seed {seed}"));
    }
}

/// Lets everything run on and heals every link. Whether anything changed.
fn mend(run: &mut Run, nodes: &[NodeId]) -> bool {
    let mut changed = false;
    for node in nodes {
        changed |= run.command(&Command::Resume { node: *node });
        for other in nodes {
            changed |= run.command(&Command::Heal { a: *node, b: *other, both: true });
        }
    }
    changed
}

#[test]
fn three_databases_under_a_hail_of_crashes_and_cuts_keep_every_promise() {
    let mut accepted = 0;
    for seed in 0..soak(40) {
        let mut luck = luck(seed + 9_000);
        let loss = if seed % 2 == 0 { 0.0 } else { 0.03 };
        let set = [
            ("client", "rate", number(6.0)),
            ("client", "timeout", Value::text("150ms")),
            ("client", "sync", Value::text("200ms")),
            ("supervisor", "heartbeat", Value::text("40ms")),
            ("database", "ping", Value::text("30ms")),
        ];
        let mut run = Run::new(chat_of(&[4, 0, 1, 1, 3, 1], seed, Profile { loss, ..profile() }, &set));
        let kept: Vec<NodeId> = run
            .world
            .nodes()
            .filter(|(_, node)| matches!(node.kind, "database" | "supervisor"))
            .map(|(id, _)| id)
            .collect();
        let mut then = Micros::ms(500);
        for round in 0..160 {
            // Calm comes and goes, so that views are both reached and disturbed.
            then = then + if round % 8 == 0 { Micros::ms(700) } else { between(&mut luck, 0, 120) };
            run.until(then);
            let mut any = || kept[luck.below(kept.len() as u64) as usize];
            let (a, b) = (any(), any());
            match luck.below(9) {
                0 | 1 => run.command(&Command::Kill { node: a, lose_disk: false }),
                2..=4 => kept.iter().filter(|node| run.command(&Command::Restart { node: **node })).count() > 0,
                5 => run.command(&Command::Cut { a, b, both: false }),
                6 => run.command(&Command::Pause { node: a }),
                _ => mend(&mut run, &kept),
            };
            run.holds(&format!("hail, seed {seed}, at {then}"));
        }
        mend(&mut run, &kept);
        for node in &kept {
            run.command(&Command::Restart { node: *node });
        }
        run.until(then + Micros::secs(20));
        run.holds(&format!("hail, seed {seed}"));
        everyone_writes(&run, then + Micros::secs(14), &format!("hail, seed {seed}"));
        accepted += run.accepted.len();
    }
    println!("{accepted} messages accepted");
}

/// The world of the document that everyone sees first.
fn published(seed: u64) -> World {
    let document = faultline::scenario::builtin("chat").unwrap();
    faultline::scenario::Run::new(Rc::new(document), seed).unwrap().world
}

#[test]
fn the_published_chat_bears_any_crash_and_any_pause() {
    let mut run = Run::new(published(7));
    run.until(Micros::secs(60));
    run.holds("published");
    for name in ["accepted", "delivery"] {
        let values = run.measures.get_mut(name).unwrap();
        println!("{name}: p50 {:.1} ms, p99 {:.1} ms", percentile(values, 500), percentile(values, 990));
    }
    for (at, node, line) in &run.notes {
        println!("{at} {}: {}", run.world.name(*node), run.world.named(line));
    }
    for seed in 0..3 {
        for node in all_nodes(&published(0)) {
            let (kill, restart) = (Command::Kill { node, lose_disk: false }, Command::Restart { node });
            disturb_in(published(seed), seed, "published crash", &kill, None);
            disturb_in(published(seed), seed + 100, "published crash", &kill, Some(&restart));
            let (pause, resume) = (Command::Pause { node }, Command::Resume { node });
            disturb_in(published(seed), seed + 200, "published pause", &pause, Some(&resume));
        }
    }
}

#[test]
fn a_simulated_hour_does_not_grow() {
    let mut world = chat(3, profile(), &[("client", "rate", number(2.0))]);
    let mut after = Vec::new();
    for quarter in 1..=4u64 {
        world.run_until(Time(quarter * 900_000_000), &mut ());
        let (_, database) = world.nodes().find(|(_, node)| node.look().star).unwrap();
        after.push((world.in_flight(), database.look().lines.len()));
        let kept = world.nodes().map(|(_, node)| node.timers().len() + node.waiting()).sum::<usize>();
        assert!(world.in_flight() < 200 && kept < 400, "{after:?} {kept}");
    }
    // 6 people, 2 a second, 3600 s: 43 200 written, of which a history keeps a window.
    let (_, database) = world.nodes().find(|(_, node)| node.look().star).unwrap();
    let stored: u64 = database.look().lines.iter().find(|(name, _)| *name == "messages").unwrap().1.parse().unwrap();
    assert!((41_000..45_500).contains(&stored), "{stored}");
}
