//! What the lessons on networks and on shared state say in figures, beside what comes of long runs.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::disallowed_methods, reason = "it reads files")]

#[path = "shared/figures.rs"]
mod figures;

use std::rc::Rc;

use faultline::components::{Fact, Record, What};
use faultline::protocols::internet::Told;
use faultline::scenario::{Document, Sink};
use faultline::sim::Time;
use figures::{Measured, constant, ran, scenario, whole_scenario};
use toml::{Table, Value};

/// What was measured by name, and when a way last changed.
#[derive(Default)]
struct Seen {
    measured: Measured,
    routed: Option<Time>,
}

impl Sink for Seen {
    fn take(&mut self, record: Record) {
        if let What::Fact(Fact::Network(Told::Routed { .. })) = record.what {
            self.routed = Some(record.at);
        }
        self.measured.take(record);
    }
}

/// A reader and a server with a router between them; the line to the server takes 50 ms each way and loses a share.
fn line(loss: f64) -> Rc<Document> {
    let text = format!(
        r#"
name = "line"
title = "A line that loses packets"
groups = [
    {{ name = "names", kind = "host", config = {{ role = "names" }} }},
    {{ name = "readers", kind = "host", config = {{ role = "client", start = "2s", size = 0 }} }},
    {{ name = "routers", kind = "router", service = {{ constant = "0s" }} }},
    {{ name = "web", kind = "host", config = {{ role = "server", window = 1000, least = "200ms" }} }},
]
links = [
    {{ between = ["names", "routers"], delay.constant = "0s" }},
    {{ between = ["readers", "routers"], delay.constant = "0s" }},
    {{ between = ["web", "routers"], delay.constant = "50ms", loss = {loss} }},
]
"#
    );
    Rc::new(Document::from_toml(&text).unwrap_or_else(|problems| panic!("{problems:?}")))
}

#[test]
fn throughput_falls_with_the_root_of_loss() {
    // Mathis, Semke, Mahdavi and Ott, The Macroscopic Behavior of the TCP Congestion Avoidance Algorithm, CCR 27(3), 1997:
    // with an acknowledgement of every piece, √(3 / 2p) pieces a round trip.
    for loss in [0.001, 0.002, 0.005, 0.01] {
        let found = ran::<Measured>(line(loss), 1, 1_200.0).count("delivered") / 1_198.0 * 0.1;
        let expected = (1.5 / loss).sqrt();
        println!("loss {loss}: {found:.2} pieces a round trip, by the formula {expected:.2}");
        assert!((found / expected - 1.0).abs() < 0.15, "loss {loss}: {found} and not {expected} within 15 %");
    }
}

/// When a way last changed after a line was cut at 30 s, with other settings of routers, in seconds from there.
fn settled(routers: &str, between: &str, seed: u64, seconds: f64) -> f64 {
    let more = format!(
        "cues = [{{ at = \"30s\", then = [{{ cut = {{ between = {between} }} }}] }}]\nconfig = {{ {routers} }}"
    );
    let more: Table = toml::from_str(&more).expect("TOML");
    let document = whole_scenario("internet", &[], |whole| {
        whole.remove("checks");
        whole.remove("lesson");
        // Its own cues lay the lines of the ring.
        let cues = whole["cues"].as_array_mut().expect("cues");
        cues.extend(more["cues"].as_array().expect("a cue").iter().cloned());
        for group in whole["groups"].as_array_mut().expect("groups") {
            if group["name"].as_str() == Some("routers") {
                group.as_table_mut().expect("a group").insert("config".to_owned(), more["config"].clone());
            }
        }
    });
    let last = ran::<Seen>(document, seed, seconds).routed.expect("ways were found");
    (last.0 as f64 - 30e6) / 1e6
}

#[test]
fn a_line_that_is_cut_is_noticed_when_the_standards_say() {
    const LINE: &str = r#"["router-2", "router-3"]"#;
    for seed in 1..=5 {
        let after = |routers: &str| settled(routers, LINE, seed, 60.0);
        // Six updates of a second that stay away, the last of which came up to 1.2 s before; then the other way is told,
        // by updates or by what has changed, over at most four hops.
        let distance = after("routing = 'distance-vector'");
        println!("seed {seed}: distance vectors, {distance:.2} s");
        assert!((4.8..6.2 + 3.0).contains(&distance), "{distance}");
        // Four hellos of half a second, and then a flood over five lines of 40 ms each.
        let link = after("routing = 'link-state'");
        println!("seed {seed}: link states, {link:.2} s");
        assert!((1.5..2.5 + 0.25).contains(&link), "{link}");
        assert!(link < distance);
    }
}

#[test]
fn bad_news_counts_to_infinity_where_ways_are_told_back() {
    const HOST: &str = r#"["web-1", "router-3"]"#;
    let lasts = |routers: &str| settled(routers, HOST, 1, 200.0);
    let kept = lasts("routing = 'distance-vector'");
    let counted = lasts("routing = 'distance-vector', horizon = 'none', triggered = false, infinity = 64");
    println!("with poisoned reverse {kept:.1} s, without, to 64: {counted:.1} s");
    // Two neighbours that tell each other once a second count up by two a second.
    assert!(kept < 10.0 && (25.0..45.0).contains(&counted), "{kept} and {counted}");
}

/// The counters with links that always take the same, people who only count, and no faults.
fn counters() -> Rc<Document> {
    scenario("shared-state", &[], |whole| {
        for group in whole["groups"].as_array_mut().expect("groups") {
            let group = group.as_table_mut().expect("a group");
            if group["kind"].as_str() == Some("kv-client") {
                group["config"].as_table_mut().expect("settings").insert("reads".to_owned(), Value::Float(0.0));
            }
        }
        for link in whole["links"].as_array_mut().expect("links") {
            let link = link.as_table_mut().expect("a link");
            let inside = link["between"][0] == link["between"][1];
            link.insert("delay".to_owned(), constant(if inside { "100ms" } else { "20ms" }));
        }
    })
}

#[test]
fn an_answer_waits_for_whoever_has_to_agree() {
    let measured: Measured = ran(counters(), 3, 600.0);
    let median = |name: &str| {
        let mut values = measured.of(name).to_vec();
        values.sort_unstable();
        values[values.len() / 2] as f64 / 1_000.0
    };
    // There and back takes 40 ms; two of three people ask a copy that sends them on, for another 40 ms; and who has to
    // agree is 200 ms away and back. Disks take a few milliseconds.
    let (own, sent_on, agree) = (40.0, 40.0, 200.0);
    for (name, expected) in [
        ("latency of kv-store", own),
        ("latency of crdt-replica", own),
        ("latency of kv-replica", own + sent_on + agree),
        ("latency of raft-node", own + sent_on + agree),
    ] {
        let found = median(name);
        println!("{name}: {found:.1} ms, without disks {expected:.1}");
        assert!((expected..expected + 8.0).contains(&found), "{name}: {found} and not {expected} with its disks");
    }
}
