//! What the lessons about aircraft, telephones and phones that move say in figures, beside the formula or the published table.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::disallowed_methods, reason = "it reads files")]

#[path = "shared/figures.rs"]
mod figures;

use std::collections::BTreeMap;
use std::rc::Rc;

use faultline::components::{Fact, Record, What};
use faultline::protocols::cellular;
use faultline::protocols::flight::{self, TRAVEL};
use faultline::scenario::{Document, Sink};
use faultline::sim::Value;
use figures::{Measured, every_way_takes, near, ran, scenario};
use toml::{Table, Value as Toml};

/// What was measured, and where the surface last stood.
#[derive(Default)]
struct Seen {
    measured: Measured,
    surface: Option<i64>,
}

impl Sink for Seen {
    fn take(&mut self, record: Record) {
        match record.what {
            What::Fact(Fact::Flight(flight::Told::Deflected { surface, .. })) => self.surface = surface,
            _ => self.measured.take(record),
        }
    }
}

impl Seen {
    fn count(&self, name: &str) -> f64 {
        self.measured.count(name)
    }
}

/// A built-in scenario with changes to its document: no load, no cues and no checks, and messages take no time.
fn document(name: &str, settings: &[(&str, Value)], edit: impl Fn(&mut Table)) -> Rc<Document> {
    scenario(name, settings, |whole| {
        whole.remove("load");
        every_way_takes(whole, "0s");
        edit(whole);
    })
}

/// Sets something of a group's config.
fn set(whole: &mut Table, group: &str, field: &str, value: impl Into<Toml>) {
    let groups = whole["groups"].as_array_mut().expect("groups").iter_mut().map(|one| one.as_table_mut().expect("one"));
    let group = groups.into_iter().find(|one| one["name"].as_str() == Some(group)).expect("it is there");
    let config = group.entry("config").or_insert_with(|| Toml::Table(Table::new()));
    config.as_table_mut().expect("config").insert(field.to_owned(), value.into());
}

fn number(value: f64) -> Value {
    Value::Number(value)
}

/// In which share of missions of so many mean lives the surface still stands where it should at the end.
fn missions(length: f64, settings: &[(&str, Value)], edit: impl Fn(&mut Table)) -> (f64, f64) {
    const MISSIONS: u32 = 300;
    let document = document("aircraft", settings, |whole| {
        set(whole, "airframe", "gust", 0);
        set(whole, "sensors", "error", 0);
        edit(whole);
    });
    // A round ends a quarter after the second in which it begins.
    let end = length * 100.0 + 1.0;
    let well = (0..MISSIONS).filter(|seed| {
        let surface = ran::<Seen>(document.clone(), u64::from(*seed), end).surface;
        surface.is_some_and(|surface| surface < TRAVEL)
    });
    let share = well.count() as f64 / f64::from(MISSIONS);
    (share, f64::from(MISSIONS))
}

/// Three standard deviations of a share.
fn three(expected: f64, of: f64) -> f64 {
    3.0 * (expected * (1.0 - expected) / of).sqrt()
}

const LIFE: &str = "100s";

#[test]
fn missions_end_well_as_often_as_lyons_and_vanderkulk_say() {
    for (length, r) in [(0.105_36, 0.9_f64), (std::f64::consts::LN_2, 0.5)] {
        let life = [("life", Value::text(LIFE))];
        let (three_of, runs) = missions(length, &life, |_| ());
        let expected = 3.0 * r * r - 2.0 * r.powi(3);
        near(&format!("two of three, r = {r}"), three_of, expected, three(expected, runs));
        let (alone, runs) = missions(length, &life, |whole| {
            let groups = whole["groups"].as_array_mut().expect("groups");
            let computers = groups.iter_mut().find(|one| one["name"].as_str() == Some("computers"));
            computers.expect("computers").as_table_mut().expect("one").insert("count".to_owned(), 1.into());
        });
        near(&format!("one alone, r = {r}"), alone, r, three(r, runs));
    }
}

#[test]
fn a_vote_before_each_stage_is_better_than_three_lanes() {
    let (length, r) = (0.223_14, 0.8_f64);
    let wear = |whole: &mut Table| {
        set(whole, "computers", "life", LIFE);
        set(whole, "actuators", "life", LIFE);
    };
    let (voted, runs) = missions(length, &[], wear);
    let expected = (3.0 * r * r - 2.0 * r.powi(3)).powi(2);
    near("a vote before each of two stages", voted, expected, three(expected, runs));
    let own = [("computers-hear", Value::text("own-lane")), ("actuators-hear", Value::text("own-lane"))];
    let (lanes, runs) = missions(length, &own, wear);
    let expected = 3.0 * r.powi(4) - 2.0 * r.powi(6);
    near("three lanes of two stages", lanes, expected, three(expected, runs));
}

/// The share of calls that find all of `circuits` in use (Erlang B), by its recurrence.
fn erlang_b(circuits: u32, load: f64) -> f64 {
    (1..=circuits).fold(1.0, |before, n| load * before / (f64::from(n) + load * before))
}

#[test]
fn erlang_b_is_as_in_tables() {
    for (circuits, load, blocked) in [(5, 3.0, 0.110_054_4), (10, 8.0, 0.121_661_1), (50, 40.0, 0.018_690_7)] {
        near(&format!("{circuits} circuits"), erlang_b(circuits, load), blocked, 1e-7);
    }
}

/// A circuit is taken for as long as it rings and they talk: 1 s and 12 s. There are ten groups of circuits.
const HELD: f64 = 13.0;
const GROUPS: f64 = 10.0;

/// The share of calls that is blocked, and how many calls there were.
fn blocked(circuits: u32, load: f64, detours: u32, reserve: u32, seconds: f64) -> (f64, f64) {
    let settings = [
        ("circuits", number(f64::from(circuits.min(20)))),
        ("detours", number(f64::from(detours))),
        ("reserve", number(f64::from(reserve))),
        ("mass", number(0.0)),
    ];
    let document = document("telephone", &settings, |whole| {
        set(whole, "people", "rate", GROUPS * load / HELD);
    });
    let seen: Seen = ran(document, 1, seconds);
    (seen.count("blocked") / seen.count("calls"), seen.count("calls"))
}

#[test]
fn without_detours_as_many_calls_are_blocked_as_erlang_says() {
    for (circuits, load) in [(5, 1.5), (5, 3.0), (5, 8.0), (10, 8.0), (20, 12.0)] {
        let (share, calls) = blocked(circuits, load, 0, 0, 4_000.0);
        let expected = erlang_b(circuits, load);
        // Blocked calls come in bunches, which makes their share vary more than that of draws that know nothing of one
        // another: twice as much at most.
        let tolerance = 2.0 * three(expected, calls);
        near(&format!("{circuits} circuits, {load} erlangs"), share, expected, tolerance.max(0.002));
    }
}

/// What is blocked in a network of many exchanges with `tries` detours, drawn at random: the fixed point at which each group
/// is offered what it is, direct calls and both halves of detours, which are blocked there independently (Gibbens, Hunt
/// and Kelly 1990). From which side one comes to it may matter.
fn fixed_point(circuits: u32, load: f64, tries: i32, from: f64) -> f64 {
    let mut full = from;
    for _ in 0..4_000 {
        let fails = 1.0 - (1.0 - full) * (1.0 - full);
        let tried: f64 = (0..tries).map(|before| fails.powi(before)).sum();
        let offered = load + 2.0 * load * full * tried * (1.0 - full);
        full = (full + erlang_b(circuits, offered)) / 2.0;
    }
    let fails = 1.0 - (1.0 - full) * (1.0 - full);
    full * fails.powi(tries)
}

#[test]
fn detours_help_where_there_is_room_and_harm_where_there_is_none_unless_some_is_reserved() {
    for (load, helps) in [(2.5, true), (7.0, false)] {
        let (direct, _) = blocked(5, load, 0, 0, 4_000.0);
        let (detours, _) = blocked(5, load, 3, 0, 4_000.0);
        let (reserved, _) = blocked(5, load, 3, 1, 4_000.0);
        println!("{load} erlangs: direct {direct:.4}, with detours {detours:.4}, with reservation {reserved:.4}");
        assert_eq!(detours < direct, helps, "{load} erlangs: {detours}, and {direct} without detours");
        assert!(reserved < direct + 0.02, "{load} erlangs: {reserved} with reservation, {direct} without detours");
        // Five exchanges are not many, and what is blocked in two groups is not independent.
        near(&format!("fixed point at {load}"), detours, fixed_point(5, load, 3, 0.0), 0.06);
    }
}

#[test]
fn at_one_load_the_equations_have_two_solutions() {
    // Five exchanges come back from a rush at this load; networks of many do not (Gibbens, Hunt and Kelly 1990).
    let (good, bad) = (fixed_point(100, 85.0, 3, 0.0), fixed_point(100, 85.0, 3, 0.9));
    assert!(good < 1e-4 && bad > 0.1, "{good}, {bad}");
    let few = (fixed_point(5, 3.0, 3, 0.0), fixed_point(5, 3.0, 3, 0.9));
    near("five circuits", few.0, few.1, 1e-9);
}

/// Channels that were held, and for how long in all, in seconds.
#[derive(Default)]
struct Channels {
    seen: Seen,
    since: BTreeMap<(u32, u32), u64>,
    held: f64,
    holds: f64,
}

impl Sink for Channels {
    fn take(&mut self, record: Record) {
        match &record.what {
            What::Fact(Fact::Cellular(cellular::Told::Carries { phone })) => {
                self.since.insert((record.node.0, phone.0), record.at.0);
            }
            What::Fact(Fact::Cellular(cellular::Told::LetsGo { phone })) => {
                if let Some(since) = self.since.remove(&(record.node.0, phone.0)) {
                    self.held += (record.at.0 - since) as f64 / 1e6;
                    self.holds += 1.0;
                }
            }
            _ => {}
        }
        self.seen.take(record);
    }
}

/// The shares of new calls that are blocked and of handovers that are refused, by Hong and Rappaport: so many channels, of
/// which some are guarded, and what is offered of both while one call holds a channel.
fn guarded(channels: u32, guard: u32, new: f64, handovers: f64) -> (f64, f64) {
    let mut weights = vec![1.0];
    for n in 1..=channels {
        let offered = if n <= channels - guard { new + handovers } else { handovers };
        weights.push(weights[n as usize - 1] * offered / f64::from(n));
    }
    let all: f64 = weights.iter().sum();
    let blocked: f64 = weights[(channels - guard) as usize..].iter().sum();
    (blocked / all, weights[channels as usize] / all)
}

#[test]
fn guarded_channels_block_and_refuse_as_hong_and_rappaport_say() {
    near("no guard is Erlang B", guarded(5, 0, 1.0, 2.0).0, erlang_b(5, 3.0), 1e-9);
    for guard in [0, 2] {
        let settings = [("guard", number(f64::from(guard))), ("rate", number(0.012)), ("speed", number(20.0))];
        let document = document("cellular", &settings, |whole| {
            set(whole, "towers", "channels", 10);
            set(whole, "core", "rate", 0);
            let groups = whole["groups"].as_array_mut().expect("groups");
            let phones = groups.iter_mut().find(|one| one["name"].as_str() == Some("phones")).expect("phones");
            phones.as_table_mut().expect("one").insert("count".to_owned(), 200.into());
        });
        let seconds = 600.0;
        let seen: Channels = ran(document, 1, seconds);
        let count = |name: &str| seen.seen.count(name);
        let (hold, towers) = (seen.held / seen.holds, 4.0);
        let asked = count("handovers") + count("handovers refused");
        let offered = |events: f64| events / seconds / towers * hold;
        let (blocked, refused) = guarded(10, guard, offered(count("calls")), offered(asked));
        println!("{guard} guarded: {} calls, {asked} handovers, {hold:.2} s a channel", count("calls"));
        // Phones are not without number.
        near("blocked", count("blocked") / count("calls"), blocked, 0.05);
        // A handover that was refused is asked for again a second later, and finds what it found before: more are refused
        // than of those who come once.
        let found = count("handovers refused") / asked;
        println!("refused: {found:.4}, by the formula {refused:.4}");
        assert!(found < 3.0 * refused + 0.02, "{found} of the handovers are refused, and not about {refused}");
    }
}
