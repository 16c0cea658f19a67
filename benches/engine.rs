//! How much an event costs, as ratios to a yardstick measured in the same run: `cargo bench` natively, `make bench` in
//! Node as well, with `-- seeks` for the time machine alone. A table of ratios means the same on every machine; a number
//! of nanoseconds does not.
//!
//! Each figure is the median over interleaved pairs: a stretch of the yardstick, the same stretch of the engine, again
//! and again, so that what else the machine does falls on both. It is the time of the processor that counts.
#![allow(missing_docs, clippy::disallowed_methods, clippy::disallowed_types)]

#[path = "phold.rs"]
mod phold;

use std::fmt::Write as _;
use std::hint::black_box;
use std::rc::Rc;

use faultline::components::World;
use faultline::scenario::{Run, builtin};
use faultline::sim::{Micros, Purpose, Record, RecordId, Recorder, Stream, Time};
use faultline::timeline::{Cursor, Timeline};

/// How many balls are in the air.
const BALLS: [u32; 4] = [64, 1_024, 16_384, 262_144];
/// How many halls there are in a ring.
const HALLS: [u32; 5] = [10, 100, 1_000, 10_000, 100_000];
/// How many pairs.
const PAIRS: usize = 21;
/// How many events a stretch is.
const STRETCH: u64 = 200_000;

/// How far the chat service runs.
const CHAT: Time = Time(Micros::secs(90).0);

/// Takes every record and keeps the last few: what a log costs at the least.
struct Ring {
    records: Vec<Record<phold::Ball>>,
    next: usize,
}

impl Recorder<phold::Ball> for Ring {
    const ON: bool = true;
    fn record(&mut self, record: Record<phold::Ball>) {
        if self.records.len() < 16_384 {
            self.records.push(record);
        } else {
            self.records[self.next] = record;
            self.next = (self.next + 1) % 16_384;
        }
    }
}

/// Nanoseconds of processor time since some beginning.
#[cfg(unix)]
fn clock() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}
#[cfg(all(not(unix), not(target_arch = "wasm32")))]
fn clock() -> f64 {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed().as_nanos() as f64
}
#[cfg(target_arch = "wasm32")]
fn clock() -> f64 {
    use wasm_bindgen::prelude::*;
    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(js_namespace = process, js_name = cpuUsage)]
        fn cpu_usage() -> JsValue;
    }
    // Microseconds.
    let used = cpu_usage();
    let of =
        |name: &str| js_sys::Reflect::get(&used, &name.into()).ok().and_then(|value| value.as_f64()).unwrap_or(0.0);
    (of("user") + of("system")) * 1e3
}

/// Nanoseconds an event, of which this many happen.
fn time(events: u64, run: impl FnOnce()) -> f64 {
    let start = clock();
    run();
    (clock() - start) / events as f64
}

fn median(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |part: usize| values[(values.len() - 1) * part / 4];
    (at(1), at(2), at(3))
}

/// A line of the table: how many times the yardstick's time the engine takes, bare and with records.
fn phold_row(balls: u32, world: impl Fn() -> faultline::sim::World<phold::Ball>, table: &mut String) {
    let mut plain = phold::Plain::new(balls, 1);
    let (mut bare, mut told) = (world(), world());
    let mut ring = Ring { records: Vec::new(), next: 0 };
    // Warm up: memory, caches, branch predictors, and in Node the optimising compiler.
    plain.run(STRETCH);
    phold::run(&mut bare, STRETCH, &mut ());
    phold::run(&mut told, STRETCH, &mut ring);
    let (mut yard, mut off, mut on) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let unit = time(STRETCH, || plain.run(STRETCH));
        yard.push(unit);
        off.push(time(STRETCH, || phold::run(&mut bare, STRETCH, &mut ())) / unit);
        on.push(time(STRETCH, || phold::run(&mut told, STRETCH, &mut ring)) / unit);
    }
    black_box((plain.sum, bare.digest(), ring.records.len()));
    let ((_, unit, _), (low, off, high), (_, on, _)) = (median(yard), median(off), median(on));
    let _ = writeln!(table, "{balls:>10}{unit:>14.1}{off:>12.2}{:>16}{on:>14.2}", format!("{low:.2}–{high:.2}"));
}

/// The chat service, three times as deep: the world alone; with records, measures and
/// checks; with log, tape and keyframes as the page has it.
fn chat_rows(table: &mut String) {
    let document = Rc::new(builtin("chat").expect("the chat service is built in"));
    let begin = |seed: u64| {
        let mut world = World::new(seed, document.templates().expect("it has no problem"));
        for (template, group) in document.groups.iter().enumerate() {
            for _ in 0..group.count {
                world.place(template as u32, None, false, RecordId(0), &mut ());
            }
        }
        world
    };
    let mut plain = phold::Plain::new(64, 1);
    plain.run(STRETCH);
    let mut ratios = [Vec::new(), Vec::new(), Vec::new()];
    for seed in 0..PAIRS as u64 {
        let unit = time(STRETCH, || plain.run(STRETCH));
        let mut world = begin(seed);
        let start = clock();
        world.run_until(CHAT, &mut ());
        ratios[0].push((clock() - start) / world.events() as f64 / unit);
        let mut run = Run::new(document.clone(), seed).expect("it has no problem");
        let start = clock();
        run.run_until(CHAT, &mut ());
        ratios[1].push((clock() - start) / run.world.events() as f64 / unit);
        let mut timeline = Timeline::new(document.clone(), seed, Vec::new()).expect("it has no problem");
        let start = clock();
        timeline.advance(CHAT, u64::MAX);
        ratios[2].push((clock() - start) / timeline.run().world.events() as f64 / unit);
        black_box((world.digest(), run.digest(), timeline.run().digest()));
    }
    let names = ["the world alone", "with records, measures, checks", "with log, tape, keyframes too"];
    for (name, ratios) in names.into_iter().zip(ratios) {
        let (low, middle, high) = median(ratios);
        let _ = writeln!(table, "  {name:<32}{middle:>6.2}{:>16}", format!("{low:.2}–{high:.2}"));
    }
}

/// How many people write to one another, so that about ten thousand things happen a second.
const PEOPLE: u32 = 80;
/// For how long.
const TEN_MINUTES: Time = Time(Micros::secs(600).0);
/// How many seeks.
const SEEKS: usize = 300;

/// Seeks to any instant of ten minutes in which about ten thousand things happen a second, with everything on: log, tape,
/// checks, measures. In milliseconds, since a frame is 16; and what they are in the yardstick's events.
fn seek_row(table: &mut String) {
    let mut document = builtin("chat").expect("the chat service is built in");
    document.groups.iter_mut().find(|group| group.kind == "client").expect("people write").count = PEOPLE;
    let mut timeline = Timeline::new(Rc::new(document), 1, Vec::new()).expect("it has no problem");
    timeline.advance(TEN_MINUTES, u64::MAX);
    let mut plain = phold::Plain::new(1_024, 1);
    plain.run(STRETCH);
    let unit = time(STRETCH, || plain.run(STRETCH));
    let mut luck = Stream::new(1, Purpose::Faults);
    let mut took: Vec<f64> = (0..SEEKS)
        .map(|_| {
            let at = Time(luck.below(TEN_MINUTES.0));
            let start = clock();
            timeline.seek(Cursor { at, steps: None });
            (clock() - start) / 1e6
        })
        .collect();
    took.sort_by(f64::total_cmp);
    let (middle, worst) = (took[SEEKS / 2], took[SEEKS - 1]);
    let _ = writeln!(
        table,
        "  {} steps a second, {} keyframes of {:.0} MB: median {middle:.1} ms, worst {worst:.1} ms ({:.0} and {:.0} thousand \
         of the yardstick's events)",
        timeline.run().steps() * 1_000_000 / timeline.now().0.max(1),
        timeline.keyframes(),
        timeline.held() as f64 / 1e6,
        middle * 1e3 / unit,
        worst * 1e3 / unit,
    );
}

/// Everything, or only the rows with so many balls.
fn report(only: &[u32]) -> String {
    let mut table = String::from("PHOLD, 64 halls, all linked: time an event as a ratio to a plain BinaryHeap loop\n");
    table.push_str("  in flight  yardstick ns      engine       quartiles  with records\n");
    for balls in BALLS.into_iter().filter(|balls| only.is_empty() || only.contains(balls)) {
        phold_row(balls, || phold::world(balls, 1), &mut table);
    }
    if !only.is_empty() {
        return table;
    }
    table.push_str("\nPHOLD in a ring, each hall linked to eight, a ball a hall: the same by the number of halls\n");
    for halls in HALLS {
        phold_row(halls, || phold::ring(halls, halls, 1), &mut table);
    }
    table.push_str("\nChat service, 90 s: time an event as a ratio to the yardstick at 64 in flight, and quartiles\n");
    chat_rows(&mut table);
    table
}

fn seek_report() -> String {
    let mut table = String::from("\nSeeks anywhere in ten simulated minutes of a busy chat service\n");
    seek_row(&mut table);
    table
}

fn main() {
    #[cfg(not(target_arch = "wasm32"))]
    {
        use std::io::Write as _;
        // A closed pipe is no reason to fail.
        let only: Vec<u32> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
        let seeks = std::env::args().any(|argument| argument == "seeks");
        let mut table = String::new();
        if !seeks {
            table += &report(&only);
        }
        if only.is_empty() {
            table += &seek_report();
        }
        let _ = write!(std::io::stdout(), "\nnative\n{table}");
    }
}

#[cfg(target_arch = "wasm32")]
#[wasm_bindgen_test::wasm_bindgen_test]
fn engine() {
    wasm_bindgen_test::console_log!("\nwasm in Node\n{}", report(&[]));
}

#[cfg(target_arch = "wasm32")]
#[wasm_bindgen_test::wasm_bindgen_test]
fn seeks() {
    wasm_bindgen_test::console_log!("\nwasm in Node\n{}", seek_report());
}
