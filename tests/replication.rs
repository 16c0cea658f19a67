//! Values on several nodes: quorums, primary and backups, conflict-free data. Each holds what it promises under random
//! faults, and each way to promise too much is found out.
#![cfg(not(target_arch = "wasm32"))]

#[path = "shared/golden.rs"]
mod golden;

use std::rc::Rc;

use faultline::components::{Fact, Record, What};
use faultline::scenario::{Act, Document, FaultPlan, Run, Tree, builtin, schema};
use faultline::sim::{Dist, Micros, Table, Time, Value, clock};
use faultline::trace::sentence;

fn word(text: &str) -> Value {
    Value::text(text)
}

/// A built-in document with settings of a group.
fn with(name: &str, settings: &[(&str, &str, Value)]) -> Document {
    let mut document = builtin(name).expect("it is built in");
    for (group, field, value) in settings {
        let group = document.groups.iter_mut().find(|known| known.name == *group).expect("the group is there");
        group.config.insert((*field).to_owned(), value.clone());
    }
    document
}

/// Faults for a while at a group.
fn plan(document: &mut Document, faults: &str, target: &str, most: u32) {
    let text = format!(
        r#"{{"plan": {{"faults": {faults}, "targets": ["{target}"], "every": "3s", "repair": "2s", "most": {most},
            "until": "25s"}}}}"#
    );
    let plans: Table<String, FaultPlan> = schema::read(&Tree::from_json(&text).unwrap()).unwrap();
    document.plans.extend(plans.get("plan").cloned());
}

/// What was broken in so many seconds.
fn broken(document: &Document, seed: u64, seconds: u64) -> Vec<String> {
    let mut run = Run::new(Rc::new(document.clone()), seed).unwrap_or_else(|found| panic!("{found:?}"));
    run.run_until(Time(seconds * 1_000_000), &mut ());
    assert!(run.world.halted().is_none());
    let mut names: Vec<String> = run.violations().iter().map(|broken| broken.check.to_string()).collect();
    names.sort();
    names.dedup();
    names
}

/// In how many of these seeds each of the checks was broken; no other may be.
fn found(document: &Document, seeds: std::ops::Range<u64>, seconds: u64, allowed: &[&str]) -> Vec<usize> {
    let mut counts = vec![0; allowed.len()];
    for seed in seeds {
        for name in broken(document, seed, seconds) {
            let place = allowed.iter().position(|known| *known == name);
            counts[place.unwrap_or_else(|| panic!("seed {seed}: {name} was broken"))] += 1;
        }
    }
    counts
}

const TROUBLE: &str = r#"["kill", "isolate", "pause", "slow"]"#;

mod quorum {
    use super::*;

    fn quorum(settings: &[(&str, Value)]) -> Document {
        let settings: Vec<_> = settings.iter().map(|(field, value)| ("nodes", *field, value.clone())).collect();
        let mut document = with("quorum", &settings);
        let clients = document.groups.iter_mut().find(|group| group.name == "clients").expect("clients");
        clients.count = 10;
        document
    }

    #[test]
    fn quorums_that_meet_and_write_back_look_like_one_copy_whatever_breaks() {
        let mut document = quorum(&[]);
        plan(&mut document, TROUBLE, "nodes", 2);
        found(&document, 0..6, 40, &[]);
    }

    #[test]
    fn without_write_back_they_are_regular_and_not_one_copy() {
        let document = quorum(&[("read_back", Value::Flag(false))]);
        // Two reads must come to pass during one write, in the right order: rare, and found.
        let counts = found(&document, 0..6, 40, &["one-copy"]);
        assert!(counts[0] >= 1, "{counts:?}");
    }

    #[test]
    fn quorums_that_do_not_meet_return_what_was_overwritten() {
        for (r, w) in [(1.0, 2.0), (2.0, 1.0), (1.0, 1.0)] {
            let settings = [("r", Value::Number(r)), ("w", Value::Number(w)), ("read_back", Value::Flag(false))];
            let counts = found(&quorum(&settings), 0..4, 30, &["regular", "one-copy"]);
            assert!(counts[0] >= 2 && counts[1] >= 2, "R {r}, W {w}: {counts:?}");
        }
    }

    #[test]
    fn the_last_writer_wins_while_clocks_agree_and_loses_what_was_acknowledged_when_they_do_not() {
        let mut document = quorum(&[("versions", word("clock"))]);
        plan(&mut document, TROUBLE, "nodes", 2);
        found(&document, 0..4, 40, &[]);
        let mut document = quorum(&[("versions", word("clock"))]);
        plan(&mut document, r#"["skew"]"#, "nodes", 1);
        let counts = found(&document, 0..4, 40, &["regular", "one-copy"]);
        assert!(counts[0] >= 3 && counts[1] >= 3, "{counts:?}");
        // Who asks for the highest number first needs no clock.
        let mut document = quorum(&[]);
        plan(&mut document, r#"["skew"]"#, "nodes", 1);
        found(&document, 0..4, 40, &[]);
    }

    #[test]
    fn a_sloppy_quorum_is_no_quorum() {
        let mut document = quorum(&[("quorum", word("sloppy"))]);
        plan(&mut document, r#"["isolate"]"#, "nodes", 3);
        let counts = found(&document, 0..6, 40, &["regular", "one-copy"]);
        assert!(counts[0] >= 2, "{counts:?}");
    }

    #[test]
    fn without_hints_and_repair_copies_stay_different() {
        let mut document =
            quorum(&[("handoff", Value::Flag(false)), ("read_back", Value::Flag(false)), ("repair", word("none"))]);
        plan(&mut document, r#"["kill"]"#, "nodes", 2);
        let clients = document.groups.iter_mut().find(|group| group.name == "clients").expect("clients");
        clients.config.insert("keys".to_owned(), Value::Number(60.0));
        let counts = found(&document, 0..4, 40, &["converged", "regular", "one-copy"]);
        assert!(counts[0] >= 3, "{counts:?}");
        for repair in ["reads", "exchange", "both"] {
            for handoff in [false, true] {
                // Reads alone put right what is read: that takes as long as it takes.
                if repair == "reads" {
                    continue;
                }
                let group = document.groups.iter_mut().find(|group| group.name == "nodes").expect("nodes");
                group.config.insert("repair".to_owned(), word(repair));
                group.config.insert("handoff".to_owned(), Value::Flag(handoff));
                found(&document, 0..2, 40, &["one-copy"]);
            }
        }
    }

    #[test]
    fn a_disk_that_stands_on_one_write_is_trouble_and_not_a_breach() {
        let document = with("quorum", &[]);
        let mut run = Run::new(Rc::new(document), 5).expect("it has no problems");
        let disk = |span| Some(Dist::Constant(span));
        run.run_until(Time(3_000_000), &mut ());
        let slow = Act::Disk { node: lone("node-2"), latency: disk(Micros::secs(12)), full: None, sync: None };
        run.act(&slow, &mut ()).expect("it is there");
        // Time enough for a write to begin; those behind it take no longer than ever. Then nobody writes any more.
        run.run_until(Time(4_500_000), &mut ());
        let usual = Act::Disk { node: lone("node-2"), latency: disk(Micros::ms(12)), full: None, sync: None };
        run.act(&usual, &mut ()).expect("it is there");
        for client in 1..=6 {
            run.act(&Act::Pause { node: format!("client-{client}") }, &mut ()).expect("it is there");
        }
        let mut records = Vec::new();
        run.run_until(Time(40_000_000), &mut records);
        let late =
            |record: &&Record| record.at > Time(15_000_000) && matches!(&record.what, What::Fact(Fact::Kept { .. }));
        assert!(records.iter().filter(late).count() > 0, "it came to the disk at last");
        assert_eq!(run.broken(), 0, "{:?}", run.violations());
    }

    #[test]
    fn vectors_keep_concurrent_writes_side_by_side_and_are_regular() {
        let mut document = quorum(&[("versions", word("vector")), ("read_back", Value::Flag(false))]);
        plan(&mut document, TROUBLE, "nodes", 2);
        found(&document, 0..4, 40, &["one-copy"]);
        let mut run = Run::new(Rc::new(document), 3).expect("it has no problems");
        let mut records = Vec::new();
        run.run_until(Time(30_000_000), &mut records);
        let sides =
            |record: &&Record| matches!(&record.what, What::Fact(Fact::Kept { told, .. }) if told.contains("and"));
        assert!(records.iter().filter(sides).count() > 3, "some writes did not see one another");
    }
}

mod primary_backup {
    use super::*;

    fn copies(acknowledge: &str, others: &[(&str, &str, Value)]) -> Document {
        let mut settings =
            vec![("manager", "acknowledge", word(acknowledge)), ("clients", "rate", Value::Number(30.0))];
        settings.extend(others.iter().cloned());
        with("primary-backup", &settings)
    }

    #[test]
    fn synchronous_and_semi_synchronous_lose_nothing_whatever_breaks() {
        for acknowledge in ["all", "some"] {
            let mut document = copies(acknowledge, &[]);
            plan(&mut document, TROUBLE, "servers", 2);
            plan(&mut document, r#"["kill", "pause"]"#, "manager", 1);
            found(&document, 0..6, 40, &[]);
        }
    }

    #[test]
    fn who_waits_for_a_manager_that_stands_still_breaks_no_promise_and_is_taken_in_when_it_is_back() {
        let document = copies("all", &[]);
        let mut run = Run::new(Rc::new(document), 2).expect("it has no problems");
        run.run_until(Time(5_000_000), &mut ());
        let (manager, server) = (lone("manager-1"), lone("server-3"));
        for act in [
            Act::Pause { node: manager.clone() },
            Act::Kill { node: server.clone(), disk: false },
            Act::Restart { node: server },
        ] {
            run.act(&act, &mut ()).expect("it is there");
        }
        // All copies stand, and are connected; but nobody can take part again.
        run.run_until(Time(15_000_000), &mut ());
        assert_eq!(run.broken(), 0, "{:?}", run.violations());
        run.act(&Act::Resume { node: manager }, &mut ()).expect("it is there");
        let mut records = Vec::new();
        run.run_until(Time(20_000_000), &mut records);
        assert_eq!(run.broken(), 0, "{:?}", run.violations());
        let told = |record: &&Record| run.world.name(record.node) == "server-3";
        let kept = |record: &&Record| matches!(&record.what, What::Fact(Fact::Kept { .. }));
        assert!(records.iter().filter(told).filter(kept).count() > 0, "it has everything again");
    }

    #[test]
    fn asynchronous_failover_loses_what_was_acknowledged() {
        let mut document = copies("none", &[]);
        plan(&mut document, r#"["kill"]"#, "servers", 1);
        let counts = found(&document, 0..6, 40, &["primary", "regular", "one-copy"]);
        assert!(counts[0] >= 3 && counts[2] >= 1, "{counts:?}");
    }

    #[test]
    fn a_primary_that_answers_before_its_backups_have_it_is_found_out() {
        let mut document = copies("all", &[("servers", "answers", word("early"))]);
        plan(&mut document, r#"["kill"]"#, "servers", 1);
        let counts = found(&document, 0..6, 40, &["primary", "regular", "one-copy"]);
        assert!(counts[0] >= 3, "{counts:?}");
    }

    #[test]
    fn a_copy_that_stays_behind_is_found_out_by_convergence_and_by_nothing_else() {
        for (forwards, found) in [("until-confirmed", false), ("once", true)] {
            let document = copies("some", &[("servers", "forwards", word(forwards))]);
            for seed in 0..6 {
                let mut run = Run::new(Rc::new(document.clone()), seed).expect("it has no problems");
                run.run_until(Time(5_000_000), &mut ());
                // The primary does not reach one backup for half a second; everybody reaches the manager.
                let pair = (lone("server-1"), lone("server-2"));
                run.act(&Act::Cut { between: pair.clone(), one_way: false }, &mut ()).expect("they are linked");
                run.run_until(Time(5_500_000), &mut ());
                run.act(&Act::Heal { between: pair, one_way: false }, &mut ()).expect("they are linked");
                // What is written at the end has time to come to all.
                let rate = Act::Set { node: lone("clients"), field: lone("rate"), value: Value::Number(0.0) };
                run.run_until(Time(8_000_000), &mut ());
                run.act(&rate, &mut ()).expect("it has a rate");
                run.run_until(Time(15_000_000), &mut ());
                let mut checks: Vec<&str> = run.violations().iter().map(|broken| &*broken.check).collect();
                checks.dedup();
                let expected: &[&str] = if found { &["converged"] } else { &[] };
                assert_eq!(checks, expected, "{forwards}, seed {seed}: {:?}", run.violations());
            }
        }
    }

    #[test]
    fn an_old_primary_that_goes_on_is_found_out_and_with_a_lease_stops_in_time() {
        for (fencing, seeds) in [("lease", 0), ("none", 3)] {
            let document = copies("all", &[("servers", "fencing", word(fencing))]);
            let mut broken = 0;
            for seed in 0..4 {
                let mut run = Run::new(Rc::new(document.clone()), seed).expect("it has no problems");
                run.run_until(Time(5_000_000), &mut ());
                // Whoever it is: one after another is cut from the manager for a while.
                for server in ["server-1", "server-2", "server-3"] {
                    let pair = (lone(server), lone("manager"));
                    run.act(&Act::Cut { between: pair.clone(), one_way: false }, &mut ()).expect("they are linked");
                    let at = Time(run.world.now().0 + 4_000_000);
                    run.run_until(at, &mut ());
                    run.act(&Act::Heal { between: pair, one_way: false }, &mut ()).expect("they are linked");
                    let at = Time(run.world.now().0 + 3_000_000);
                    run.run_until(at, &mut ());
                }
                broken += usize::from(run.violations().iter().any(|broken| &*broken.check == "primary"));
                assert!(fencing == "none" || run.broken() == 0, "seed {seed}: {:?}", run.violations());
            }
            assert!(broken >= seeds, "{fencing}: {broken}");
        }
    }
}

mod crdt {
    use super::*;

    #[test]
    fn the_same_updates_are_the_same_state_whatever_breaks() {
        let mut document = with("crdt", &[]);
        plan(&mut document, TROUBLE, "replicas", 3);
        found(&document, 0..10, 45, &[]);
    }

    /// The same script for ours and for the crate `crdts`: what one can see is the same at every step.
    #[test]
    fn a_kept_implementation_comes_to_the_same_on_the_same_script() {
        use crdts::{CmRDT as _, CvRDT as _, GCounter, LWWReg, Orswot, PNCounter};
        use faultline::protocols::crdt::{Counting, Removing, Rules, State, Update};
        use faultline::sim::{NodeId, Purpose, Stream};

        #[derive(Clone, Default)]
        struct Theirs {
            counter: GCounter<u32>,
            stock: PNCounter<u32>,
            set: Orswot<u64, u32>,
            register: LWWReg<u64, (u64, u32)>,
        }
        let rules = Rules { counting: Counting::Merge, removing: Removing::Observed };
        let mut luck = Stream::new(11, Purpose::Faults);
        let (mut ours, mut theirs) = (vec![State::default(); 4], vec![Theirs::default(); 4]);
        for step in 1..4_000_u64 {
            let (me, what, element) = (luck.below(4) as usize, luck.below(8), luck.below(5));
            let (actor, number) = (me as u32, luck.below(9));
            let (our, their) = (&mut ours[me], &mut theirs[me]);
            let update = match what {
                0 => {
                    let op = their.counter.inc_many(actor, number);
                    their.counter.apply(op);
                    Update::Count(number)
                }
                1 => {
                    let op = their.stock.dec_many(actor, number);
                    their.stock.apply(op);
                    Update::Change(-(number as i64))
                }
                2 => {
                    let op = their.stock.inc_many(actor, number);
                    their.stock.apply(op);
                    Update::Change(number as i64)
                }
                3 | 4 => {
                    let op = their.set.add(element, their.set.read_ctx().derive_add_ctx(actor));
                    their.set.apply(op);
                    Update::Insert(element)
                }
                5 => {
                    let op = their.set.rm(element, their.set.contains(&element).derive_rm_ctx());
                    their.set.apply(op);
                    Update::Remove(element)
                }
                6 => {
                    // Clocks that are apart: a write may come too late.
                    let at = step + 40 * u64::from(actor);
                    their.register.update(step, (at, actor));
                    Update::Write { at, value: step }
                }
                _ => {
                    let other = luck.below(4) as usize;
                    let (from, from_theirs) = (ours[other].clone(), theirs[other].clone());
                    ours[me].merge(&from, rules);
                    let their = &mut theirs[me];
                    their.counter.merge(from_theirs.counter);
                    their.stock.merge(from_theirs.stock);
                    their.set.merge(from_theirs.set);
                    their.register.merge(from_theirs.register);
                    continue;
                }
            };
            our.update(NodeId(actor), step, update, rules);
            let (our, their) = (ours[me].shown(), &theirs[me]);
            let mut set: Vec<u64> = their.set.read().val.into_iter().collect();
            set.sort_unstable();
            assert_eq!(our.counter.to_string(), their.counter.read().to_string(), "step {step}");
            assert_eq!(our.stock.to_string(), their.stock.read().to_string(), "step {step}");
            assert_eq!(our.set[..], set[..], "step {step}");
            assert_eq!(our.register.unwrap_or(0), their.register.val, "step {step}");
        }
    }

    #[test]
    fn a_counter_that_overwrites_and_a_set_that_forgets_tags_are_found_out() {
        for (field, mistake) in [("counting", "overwrite"), ("removing", "for-ever")] {
            let document = with("crdt", &[("replicas", field, word(mistake))]);
            assert_eq!(found(&document, 0..4, 30, &["crdt"]), [4], "{mistake}");
        }
    }
}

/// What an expert reads: the records of a stretch that matter, without timers and what is told elsewhere.
fn transcript(document: &Document, seed: u64, acts: &[(u64, Act)], from: Micros, until: Micros) -> String {
    let mut run = Run::new(Rc::new(document.clone()), seed).expect("it has no problems");
    let mut records = Vec::new();
    for (ms, act) in acts {
        run.run_until(Time(ms * 1_000), &mut records);
        run.act(act, &mut records).unwrap_or_else(|told| panic!("{act:?}: {told}"));
    }
    run.run_until(Time(until.0), &mut records);
    let mut text = String::new();
    for record in &records {
        let dull = matches!(
            record.what,
            What::Sent { .. } | What::Timer { .. } | What::Served { .. } | What::Measure { .. } | What::Written { .. }
        );
        if record.at >= Time(from.0) && !dull {
            text.push_str(&format!("{} {}\n", clock(record.at), sentence(record, &run.world)));
        }
    }
    for broken in run.violations().iter() {
        text.push_str(&format!("broken: {}\n", broken.told));
    }
    text
}

fn lone(name: &str) -> String {
    name.to_owned()
}

#[test]
fn a_home_is_away_gets_its_hints_and_is_put_right() {
    let settings = [
        ("clients", "rate", Value::Number(1.0)),
        ("clients", "keys", Value::Number(1.0)),
        ("clients", "reads", Value::Number(0.4)),
        ("nodes", "n", Value::Number(3.0)),
        ("nodes", "beat", word("2s")),
    ];
    let mut document = with("quorum", &settings);
    document.groups[0].count = 1;
    document.groups[1].count = 3;
    let acts =
        [(1_500, Act::Kill { node: lone("node-2"), disk: false }), (4_000, Act::Restart { node: lone("node-2") })];
    let text = transcript(&document, 5, &acts, Micros::ms(900), Micros::ms(8_000));
    golden::compare("replication/quorum-hints.txt", include_str!("golden/replication/quorum-hints.txt"), &text);
}

#[test]
fn a_primary_dies_with_a_write_in_its_hands() {
    for (acknowledge, name, accepted) in [
        ("all", "primary-synchronous", include_str!("golden/replication/primary-synchronous.txt")),
        ("none", "primary-asynchronous", include_str!("golden/replication/primary-asynchronous.txt")),
    ] {
        let settings = [
            ("clients", "rate", Value::Number(6.0)),
            ("clients", "keys", Value::Number(1.0)),
            ("clients", "reads", Value::Number(0.2)),
            ("clients", "compares", Value::Number(0.0)),
            ("manager", "acknowledge", word(acknowledge)),
        ];
        let mut document = with("primary-backup", &settings);
        document.groups[0].count = 2;
        let acts = [(2_240, Act::Kill { node: lone("server-1"), disk: false })];
        let text = transcript(&document, 7, &acts, Micros::ms(2_100), Micros::ms(3_200));
        golden::compare(&format!("replication/{name}.txt"), accepted, &text);
    }
}

#[test]
fn a_replica_that_was_cut_off_merges_what_it_missed() {
    let mut document = with("crdt", &[("replicas", "gossip", word("700ms"))]);
    document.groups[0].count = 3;
    document.load.iter_mut().for_each(|load| load.steps.iter_mut().for_each(|step| step.value = Value::Number(0.7)));
    let isolate = Act::Isolate { node: lone("replica-2") };
    let acts = [(2_000, isolate), (5_000, Act::Rejoin { node: lone("replica-2") })];
    let text = transcript(&document, 4, &acts, Micros::ms(1_900), Micros::ms(7_500));
    golden::compare("replication/crdt-cut.txt", include_str!("golden/replication/crdt-cut.txt"), &text);
}
