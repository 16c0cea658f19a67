//! What the lessons on elections and on Byzantine agreement say in figures, beside what comes of runs.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::disallowed_methods, reason = "it reads files")]

use std::collections::BTreeMap;
use std::rc::Rc;

use faultline::components::{Record, What};
use faultline::scenario::{Document, Run, Sink};
use faultline::sim::{Payload, Time, Value as Setting};
use toml::{Table, Value};

/// How many messages of each name were sent from an instant on, and what was measured.
#[derive(Default)]
struct Counted {
    from: u64,
    sent: BTreeMap<&'static str, u32>,
    measured: BTreeMap<&'static str, Vec<u64>>,
}

impl Sink for Counted {
    fn take(&mut self, record: Record) {
        if record.at.0 < self.from {
            return;
        }
        match record.what {
            What::Sent { message, .. } => *self.sent.entry(message.name()).or_default() += 1,
            What::Measure { name, value } => self.measured.entry(name).or_default().push(value),
            _ => {}
        }
    }
}

impl Counted {
    fn sent(&self, name: &str) -> f64 {
        self.sent.get(name).copied().map_or(0.0, f64::from)
    }
}

fn whole(name: &str) -> Table {
    let path = format!("{}/static/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let mut whole: Table = toml::from_str(&std::fs::read_to_string(path).expect("it is there")).expect("it is TOML");
    for part in ["cues", "checks", "lesson"] {
        whole.remove(part);
    }
    whole
}

fn group<'a>(whole: &'a mut Table, name: &str) -> &'a mut Table {
    let groups = whole["groups"].as_array_mut().expect("groups").iter_mut();
    let mut groups = groups.map(|group| group.as_table_mut().expect("a group"));
    groups.find(|group| group["name"].as_str() == Some(name)).expect("it is there")
}

fn run(whole: &Table, settings: &[(&str, Setting)], from: u64, until: u64) -> Counted {
    let document = Document::from_toml(&toml::to_string(whole).expect("it is TOML"));
    let settings: Vec<_> = settings.iter().map(|(dial, value)| ((*dial).to_owned(), value.clone())).collect();
    let document = document.unwrap_or_else(|problems| panic!("{problems:?}")).with_settings(&settings).expect("dials");
    let mut run = Run::new(Rc::new(document), 1).expect("it has no problems");
    let mut counted = Counted { from: from * 1_000, ..Counted::default() };
    run.run_until(Time(until * 1_000), &mut counted);
    counted
}

#[track_caller]
fn near(what: &str, found: f64, expected: f64, tolerance: f64) {
    println!("{what}: {found:.4}, by the formula {expected:.4}");
    assert!((found - expected).abs() <= tolerance, "{what}: {found} and not {expected} ± {tolerance}");
}

fn cue(at: &str, act: &str, fields: &[(&str, Value)]) -> Value {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<Table>();
    let act = Table::from_iter([(act.to_owned(), Value::Table(fields))]);
    let cue = [("at".to_owned(), at.into()), ("then".to_owned(), Value::Array(vec![Value::Table(act)]))];
    Value::Table(Table::from_iter(cue))
}

#[test]
fn numbers_on_a_ring_make_n_harmonic_hops_on_average_over_all_orders() {
    for n in [3_u32, 7, 10] {
        let mut ring = whole("election");
        group(&mut ring, "nodes").insert("count".to_owned(), i64::from(n).into());
        let orders = 1_000;
        let found: Vec<f64> = (1..=orders)
            .map(|shuffle| {
                let settings = [("algorithm", Setting::text("ring"))];
                let config = group(&mut ring, "nodes")["config"].as_table_mut().expect("settings");
                config.insert("shuffle".to_owned(), i64::from(shuffle).into());
                run(&ring, &settings, 0, 2_500).sent("Election")
            })
            .collect();
        let count = f64::from(orders);
        let mean = found.iter().sum::<f64>() / count;
        let variance = found.iter().map(|sent| (sent - mean) * (sent - mean)).sum::<f64>() / (count - 1.0);
        let harmonic: f64 = (1..=n).map(|k| 1.0 / f64::from(k)).sum();
        near(&format!("{n} nodes, random orders"), mean, f64::from(n) * harmonic, 4.0 * (variance / count).sqrt());
    }
}

#[test]
fn the_best_order_of_a_ring_makes_2_n_minus_1_hops_and_the_worst_n_times_n_plus_1_halves() {
    for n in 2..=12_u32 {
        let mut ring = whole("election");
        group(&mut ring, "nodes").insert("count".to_owned(), i64::from(n).into());
        let hops = f64::from(n);
        for (direction, expected) in [("onwards", 2.0 * hops - 1.0), ("backwards", hops * (hops + 1.0) / 2.0)] {
            let settings = [("algorithm", Setting::text("ring")), ("direction", Setting::text(direction))];
            let counted = run(&ring, &settings, 0, 3_000);
            near(&format!("{n} nodes, {direction}: Election"), counted.sent("Election"), expected, 0.0);
            near(&format!("{n} nodes, {direction}: Elected"), counted.sent("Elected"), hops, 0.0);
        }
    }
}

#[test]
fn a_bully_asks_in_the_order_of_n_squared_or_tells_n_minus_2() {
    for n in 3..=12_u32 {
        let of = f64::from(n);
        let mut bully = whole("election");
        let nodes = group(&mut bully, "nodes");
        nodes.insert("count".to_owned(), i64::from(n).into());
        // Nobody notices by itself.
        nodes["config"].as_table_mut().expect("settings").insert("patience".to_owned(), "60s".into());
        let start = run(&bully, &[], 0, 1_000);
        near(&format!("{n} begin at once: AreYouUp"), start.sent("AreYouUp"), of * (of - 1.0) / 2.0, 0.0);
        near(&format!("{n} begin at once: NewCoordinator"), start.sent("NewCoordinator"), of - 1.0, 0.0);
        for (first, asked, answered) in [(1, of * (of - 1.0) / 2.0, (of - 1.0) * (of - 2.0) / 2.0), (n - 1, 1.0, 0.0)] {
            // The coordinator dies, and then one of them calls an election.
            let kill = cue("2s", "kill", &[("node", format!("node-{n}").into())]);
            let node = ("node", Value::from(format!("node-{first}")));
            let call = cue("2200ms", "set", &[node, ("field", "patience".into()), ("value", "59s".into())]);
            bully.insert("cues".to_owned(), Value::Array(vec![kill, call]));
            let counted = run(&bully, &[], 2_100, 4_000);
            let what = format!("node-{first} of {n} notices first");
            near(&format!("{what}: AreYouUp"), counted.sent("AreYouUp"), asked, 0.0);
            near(&format!("{what}: Up"), counted.sent("Up"), answered, 0.0);
            near(&format!("{what}: Halt"), counted.sent("Halt"), of - 2.0, 0.0);
            near(&format!("{what}: NewCoordinator"), counted.sent("NewCoordinator"), of - 2.0, 0.0);
        }
    }
}

#[test]
fn a_request_of_pbft_takes_five_messages_one_after_another_and_2_n_squared_minus_n_plus_1_in_all() {
    let way = |span: &str| Value::Table(Table::from_iter([("constant".to_owned(), Value::from(span))]));
    for f in 1..=4_u32 {
        let n = 3 * f + 1;
        let mut pbft = whole("pbft");
        for link in pbft["links"].as_array_mut().expect("links") {
            link.as_table_mut().expect("a link").insert("delay".to_owned(), way("40ms"));
        }
        let clients = group(&mut pbft, "clients");
        clients.insert("count".to_owned(), 1.into());
        clients["config"].as_table_mut().expect("settings").insert("f".to_owned(), i64::from(f).into());
        let replicas = group(&mut pbft, "replicas");
        replicas.insert("count".to_owned(), i64::from(n).into());
        replicas.insert("service".to_owned(), way("0s"));
        let config = replicas["config"].as_table_mut().expect("settings");
        config.insert("f".to_owned(), i64::from(f).into());
        let counted = run(&pbft, &[], 0, 200_000);
        let latency = &counted.measured["latency"];
        let (done, of) = (latency.len() as f64, f64::from(n));
        assert!(done > 100.0, "{done} requests");
        near(&format!("{n} replicas: time"), latency.iter().sum::<u64>() as f64 / done / 1e3, 200.0, 0.1);
        let mut all = 0.0;
        for (name, each) in [
            ("REQUEST", 1.0),
            ("PRE-PREPARE", of - 1.0),
            ("PREPARE", (of - 1.0) * (of - 1.0)),
            ("COMMIT", of * (of - 1.0)),
            ("REPLY", of),
        ] {
            all += each;
            // The last request may be under way.
            near(&format!("{n} replicas: {name}"), counted.sent(name), done * each, each);
        }
        near(&format!("{n} replicas: in all"), all, 2.0 * of * of - of + 1.0, 0.0);
        let checkpoints = (done / 8.0).floor() * of * (of - 1.0);
        near(&format!("{n} replicas: CHECKPOINT"), counted.sent("CHECKPOINT"), checkpoints, of * of);
        near(&format!("{n} replicas: VIEW-CHANGE"), counted.sent("VIEW-CHANGE"), 0.0, 0.0);
    }
}
