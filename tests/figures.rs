//! What the lessons say in figures, beside what comes of a long run without faults that the formula does not know.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::disallowed_methods, reason = "it reads files")]

#[path = "shared/figures.rs"]
mod figures;

use faultline::scenario::Run;
use faultline::sim::{Time, Value as Setting};
use figures::{Measured, constant, every_way_takes, near, ran, scenario, whole_scenario};
use toml::{Table, Value};

/// What is measured in a built-in scenario in so many seconds, with changes to its document.
fn run(name: &str, seconds: u64, settings: &[(&str, Setting)], edit: impl Fn(&mut Table)) -> Measured {
    ran(scenario(name, settings, edit), 1, seconds as f64)
}

fn number(value: u32) -> Setting {
    Setting::Number(f64::from(value))
}

/// The mean time in a queue of Poisson arrivals with `servers` and exponential service of mean 1, each busy the share `busy`
/// of the time (Erlang C).
fn erlang_c(servers: u32, busy: f64) -> f64 {
    let load = busy * f64::from(servers);
    // Erlang B by its recurrence, then C.
    let blocked = (1..=servers).fold(1.0, |before, n| load * before / (f64::from(n) + load * before));
    let waits = blocked / (1.0 - busy * (1.0 - blocked));
    1.0 + waits / (f64::from(servers) * (1.0 - busy))
}

#[test]
fn erlang_c_is_as_in_tables() {
    near("M/M/1, 70 % busy", erlang_c(1, 0.7), 1.0 / 0.3, 1e-9);
    // Two servers: 1 / (1 − busy²).
    near("M/M/2, 50 % busy", erlang_c(2, 0.5), 4.0 / 3.0, 1e-9);
}

/// Messages take no time: the formulas know of none.
fn no_way(whole: &mut Table) {
    every_way_takes(whole, "0s");
}

#[test]
fn delegation_takes_as_long_as_the_known_results_say() {
    let sojourn = |settings: &[(&str, Setting)]| run("task-delegation", 4_000, settings, no_way).mean("sojourn") / 0.5;
    let choice = |word: &str| ("choice", Setting::text(word));
    near("at random", sojourn(&[choice("random")]), erlang_c(1, 0.7), 0.2);
    // Mitzenmacher's fixed point for two choices of infinitely many: the sum of busy^(2^i − 2). With eight it is a little
    // more.
    let two: f64 = (1..=6).map(|i| 0.7_f64.powi((1 << i) - 2)).sum();
    near("two choices", sojourn(&[choice("choices")]), two, 0.12);
    near("one queue", sojourn(&[choice("least-connections"), ("window", number(1))]), erlang_c(8, 0.7), 0.04);
}

#[test]
fn the_slow_are_as_many_as_one_minus_all_being_quick() {
    for fanout in [1, 10, 40] {
        let measured = run("latency", 600, &[("fanout", number(fanout))], |_| ());
        let slow = measured.of("sojourn").iter().filter(|took| **took > 800_000).count() as f64;
        let expected = 1.0 - 0.99_f64.powi(fanout as i32);
        let deviation = (expected * (1.0 - expected) / measured.count("sojourn")).sqrt();
        near(&format!("{fanout} leaves"), slow / measured.count("sojourn"), expected, 4.0 * deviation);
    }
    let settings = [("fanout", number(40)), ("hedge", Setting::text("300ms"))];
    let measured = run("latency", 600, &settings, |_| ());
    let slow = measured.of("sojourn").iter().filter(|took| **took > 800_000).count() as f64;
    near("forty, hedged", slow / measured.count("sojourn"), 40.0 * 1e-4, 0.004);
    let questions = 40.0 * measured.count("sojourn");
    near("asked twice", measured.count("hedges") / questions, 0.01, 0.002);
}

#[test]
fn availability_is_what_the_formulas_say_for_parts_that_fail_apart_and_for_those_that_fail_together() {
    let answered = |quorum: u32, together: bool| {
        let measured = run("independent-failures", 8_000, &[("quorum", number(quorum))], |whole| {
            let plans = whole["plans"].as_array_mut().expect("plans");
            plans.retain(|plan| plan.get("together").is_some() == together);
            for plan in plans {
                let plan = plan.as_table_mut().expect("a plan");
                plan.remove("from");
                plan.remove("until");
            }
        });
        measured.count("sojourn") / measured.count("arrivals")
    };
    let a = 15.0 / 20.0_f64;
    near("one of three", answered(1, false), 1.0 - (1.0 - a).powi(3), 0.01);
    near("two of three", answered(2, false), 3.0 * a * a - 2.0 * a.powi(3), 0.03);
    near("all three", answered(3, false), a.powi(3), 0.04);
    for quorum in [1, 3] {
        near(&format!("{quorum} of three that fail together"), answered(quorum, true), a, 0.04);
    }
}

#[test]
fn a_split_costs_a_hop_and_the_spare_that_was_shared() {
    let measured = run("specialised-parts", 4_000, &[], |_| ());
    near("one program", measured.mean("sojourn of class 0"), 0.1 + 0.15 * erlang_c(3, 0.5), 0.01);
    near("browse alone", measured.mean("sojourn of class 3"), 0.2 + 0.15 * erlang_c(1, 0.6), 0.03);
    near("pay alone", measured.mean("sojourn of class 5"), 0.2 + 0.15 * erlang_c(1, 0.3), 0.02);
}

/// Every part takes as long as any other, and so does every way.
fn all_alike(whole: &mut Table) {
    for group in whole["groups"].as_array_mut().expect("groups") {
        if group["name"].as_str() == Some("workers") {
            group.as_table_mut().expect("a group").insert("service".to_owned(), constant("300ms"));
        }
    }
    for (link, span) in whole["links"].as_array_mut().expect("links").iter_mut().zip(["50ms", "20ms"]) {
        link.as_table_mut().expect("a link").insert("delay".to_owned(), constant(span));
    }
}

#[test]
fn what_cannot_be_divided_bounds_what_many_hands_bring() {
    for workers in [1, 2, 4, 8, 16] {
        let measured = run("breaking-up-tasks", 300, &[("uses", number(workers))], all_alike);
        let expected = 0.1 + 1.0 + 32.0 * 0.34 / f64::from(workers);
        near(&format!("a job with {workers} workers"), measured.mean("sojourn"), expected, 0.01);
    }
}

#[test]
fn stragglers_decide_how_long_a_job_takes_where_nothing_is_done_twice() {
    let slow = |hedge: &str| {
        let settings = [("uses", number(16)), ("hedge", Setting::text(hedge))];
        let measured = run("breaking-up-tasks", 4_000, &settings, |_| ());
        let slow = measured.of("sojourn").iter().filter(|took| **took > 3_500_000).count() as f64;
        slow / measured.count("sojourn")
    };
    near("jobs with a straggler", slow("0s"), 1.0 - (31.0 / 32.0_f64).powi(32), 0.05);
    near("with second copies", slow("600ms"), 0.0, 0.05);
}

/// Sets a field of a group, or of its `config`.
fn set(whole: &mut Table, group: &str, field: &str, value: Value) {
    let groups = whole["groups"].as_array_mut().expect("groups");
    let group = groups.iter_mut().find(|one| one["name"].as_str() == Some(group)).expect("a group");
    let group = group.as_table_mut().expect("a group");
    match ["count", "disk", "service", "zones"].contains(&field) {
        true => group.insert(field.to_owned(), value),
        false => {
            let config = group.entry("config").or_insert_with(|| Value::Table(Table::new()));
            config.as_table_mut().expect("settings").insert(field.to_owned(), value)
        }
    };
}

#[test]
fn a_crowd_is_told_of_by_its_square_and_of_the_nearest_by_its_number() {
    let word = Setting::text;
    let last = |measured: &Measured| *measured.of("states").last().expect("a tick") as f64;
    for n in [9_u32, 18, 36] {
        let alone = |whole: &mut Table| set(whole, "players", "count", Value::Integer(i64::from(n)));
        let crowd = [("stripes", number(1)), ("crowd", number(1))];
        let n = f64::from(n);
        near("a crowd", last(&run("mmo", 60, &crowd, alone)), n * (n - 1.0), 0.0);
        let nearest = [crowd.as_slice(), &[("interest", word("nearest")), ("most", number(8))]].concat();
        near("told of eight", last(&run("mmo", 60, &nearest, alone)), n * 8.0, 0.0);
    }
    // Two who stand anywhere in a rectangle are within reach with this probability (Ghosh 1951). They walk at once, so
    // that they stand anywhere; every eight seconds all is drawn anew, so that 600 s are some 75 pictures.
    let (a, b, r) = (2_400.0_f64, 800.0, 250.0_f64);
    let pairs = std::f64::consts::PI * a * b * r * r - 4.0 / 3.0 * (a + b) * r.powi(3) + r.powi(4) / 2.0;
    let measured = run("mmo", 600, &[("stripes", number(1))], |whole| {
        set(whole, "zones", "pace", Value::Integer(10_000));
    });
    near("within reach", measured.mean("states") * 1e6, 36.0 * 35.0 * pairs / (a * b * a * b), 6.5);
}

#[test]
fn a_handover_takes_two_writes_and_a_way_there_and_back() {
    let measured = run("mmo", 120, &[], |whole| {
        set(whole, "zones", "disk", constant("5ms"));
        for link in whole["links"].as_array_mut().expect("links") {
            let link = link.as_table_mut().expect("a link");
            for what in ["loss", "duplicate", "reorder", "detour"] {
                link.remove(what);
            }
            link.insert("delay".to_owned(), constant("60ms"));
        }
    });
    let mut took = measured.of("handover").to_vec();
    took.sort_unstable();
    near("a handover", took[took.len() / 2] as f64 / 1e6, 2.0 * (0.005 + 0.060), 0.002);
    // Some wait at a disk for another's write.
    assert!(took[0] >= 129_999, "{}", took[0]);
}

/// The mean of the later half of what was measured, as it stands.
fn settled(measured: &Measured, name: &str) -> f64 {
    let values = measured.of(name);
    let later = &values[values.len() / 2..];
    later.iter().sum::<u64>() as f64 / later.len() as f64
}

#[test]
fn a_body_at_rest_has_the_figures_of_the_textbook() {
    let measured = run("the-body", 1_200, &[], |_| ());
    let of = |name: &str| settled(&measured, name);
    near("blood a minute (table 17-1)", of("blood a minute"), 5_000.0, 100.0);
    near("beats a minute", of("heart rate"), 72.0, 2.0);
    near("oxygen a minute", of("oxygen taken up"), 250.0, 5.0);
    // What is burnt becomes carbon dioxide by the respiratory quotient, which is 0.8 here.
    near("carbon dioxide a minute", of("carbon dioxide given off"), 0.8 * 250.0, 5.0);
    near("air a minute", of("air a minute"), 4_200.0, 250.0);
    // The alveolar equation speaks of the end of a breath. Arteries have the mean over it, and each breath renews a part
    // of the 2400 ml, deeper and faster alike.
    let air = of("air a minute");
    let renews = air / (12.0 * (air / 4_200.0).sqrt()) / 2_400.0;
    let alveolar = 863.0 * of("carbon dioxide given off") / air * (1.0 - renews / 2.0);
    near("carbon dioxide, by the alveolar equation", of("carbon dioxide pressure"), alveolar, 1.0);
    // Fick: what an organ uses is what flows through it, times what comes in less what goes out.
    let brain = of("oxygen in blood") - of("oxygen that leaves the brain");
    near("oxygen that the brain takes from a litre", brain, 50.0 / 0.7, 1.5);
    near("sugar", of("sugar in blood"), 900.0, 30.0);
}

#[test]
fn who_runs_is_served_with_what_the_muscles_need() {
    let measured = run("the-body", 600, &[("work", number(2_500))], |_| ());
    // Muscles take 150 ml from each litre; the rest need what they need, and the heart a twenty-fourth of all that.
    let flow = (4_800.0 - 750.0 + 2_500.0 / 0.150) * 25.0 / 24.0;
    near("blood a minute", settled(&measured, "blood a minute"), flow, 0.07 * flow);
    let oxygen = 250.0 - 50.0 + 2_500.0 + 5.4 * (flow / 1e3 - 5.0);
    near("oxygen a minute", settled(&measured, "oxygen taken up"), oxygen, 0.02 * oxygen);
}

#[test]
fn urea_comes_to_stand_where_as_much_is_cleared_as_is_made() {
    // An organ that is mixed well and clears c of its blood, with a flow of q, clears q c / (q + c) of what comes.
    let one = |more: f64| 550.0 * more * 570.0 * more / ((550.0 + 570.0) * more);
    let reserve = |share: f64| [("reserve", Setting::Number(share))];
    let kidneys = |count: i64| move |whole: &mut Table| set(whole, "kidneys", "count", Value::Integer(count));
    for (name, count, share, clears) in
        [("two kidneys", 2, 0.4, 2.0 * one(1.0)), ("one", 1, 0.4, one(1.4)), ("one without reserve", 1, 0.0, one(1.0))]
    {
        let measured = run("the-body", 10_800, &reserve(share), kidneys(count));
        let right = 136.0 / clears * 1e3;
        near(name, settled(&measured, "urea in blood"), right, 0.05 * right);
    }
}

/// A part of a document: tables as TOML has them.
fn part(text: &str) -> Table {
    toml::from_str(text).expect("it is TOML")
}

#[test]
fn a_neighbour_slows_a_shared_host_as_processor_sharing_says() {
    let measured = run("cloud", 3_000, &[("neighbour", number(40))], |whole| {
        // Nobody loses patience, which the formula does not know.
        for group in ["people", "fronts", "neighbour"] {
            for (field, value) in [("timeout", Value::String("0s".into())), ("breaker", Value::Integer(0))] {
                set(whole, group, field, value);
            }
        }
    });
    let time = |busy: f64| 0.030 / (1.0 - busy);
    // Each of four hosts has a quarter of 30 a second, and those in north-a half of 40 besides.
    let (home, away) = (time((7.5 + 20.0) * 0.030), time(7.5 * 0.030));
    // There and back: half a millisecond between machines, a half more between two zones, and the balancer itself.
    near("a shop with a neighbour", measured.mean("gathered"), (home + away) / 2.0 + 0.0021, 0.008);
    near("the neighbour", measured.mean("sojourn of class 2"), home + 0.024, 0.012);
}

/// Zones that fail on their own, each up for four parts of five: long enough that nobody's time-out counts.
fn zones_fail(whole: &mut Table) {
    for zone in ["north-a", "north-b", "north-c"] {
        let plan = format!(
            "faults = [\"kill\"]\ntargets = [\"{zone}\"]\ntogether = true\nevery = \"400s\"\nrepair = \"100s\"\n"
        );
        let plans = whole.entry("plans").or_insert_with(|| Value::Array(Vec::new()));
        plans.as_array_mut().expect("plans").push(Value::Table(part(&plan)));
    }
    for (group, rate) in [("people", 2.0), ("accounts", 0.5), ("far-people", 0.0), ("neighbour", 0.0)] {
        set(whole, group, "rate", Value::Float(rate));
    }
}

#[test]
fn availability_is_what_parts_in_a_row_and_side_by_side_come_to() {
    let a = 0.8_f64;
    let runs = 60_000;
    let shop = |hosts: u32| {
        let measured = run("cloud", runs, &[("hosts", number(hosts))], zones_fail);
        measured.count("sojourn of class 0") / measured.count("arrivals")
    };
    // Some 120 failures of each zone: what is up varies by a fortieth of the whole.
    near("spread over three zones", shop(4), 1.0 - (1.0 - a).powi(3), 0.03);
    near("packed into one", shop(2), a, 0.07);
    let store = |w: u32| {
        let settings = [("w", number(w))];
        let count = |whole: fn(&mut Table)| {
            run("cloud", runs, &settings, |document| {
                zones_fail(document);
                // Only writes, which are what waits for so many.
                set(document, "accounts", "reads", Value::Integer(0));
                whole(document);
            })
            .count("operations")
        };
        count(|_| ()) / count(|document| drop(document.remove("plans")))
    };
    near("two of three stores", store(2), 3.0 * a * a - 2.0 * a.powi(3), 0.07);
    near("all three stores", store(3), a.powi(3), 0.09);
}

#[test]
fn blood_that_comes_twice_is_found_out() {
    let document = whole_scenario("the-body", &[], |whole| {
        for link in whole["links"].as_array_mut().expect("links") {
            let link = link.as_table_mut().expect("a link");
            link.insert("fifo".to_owned(), Value::Boolean(false));
            link.insert("duplicate".to_owned(), Value::Float(0.05));
        }
    });
    let mut run = Run::new(document, 1).expect("it has no problems");
    run.run_until(Time(60_000_000), &mut ());
    let told = &run.violations().first().expect("a promise is broken").told;
    assert!(told.contains("more than was sent to it"), "{told}");
}
