//! How many bytes things take: `cargo bench --bench memory`. They are those of a native build; in wasm an address is half
//! as long.
#![allow(missing_docs, clippy::disallowed_methods, clippy::disallowed_types)]

#[cfg(not(target_arch = "wasm32"))]
#[path = "../tests/shared/counting.rs"]
mod counting;
#[cfg(not(target_arch = "wasm32"))]
#[path = "phold.rs"]
#[expect(dead_code, reason = "the yardstick is for what is timed")]
mod phold;

#[cfg(not(target_arch = "wasm32"))]
mod weighed {
    use std::fmt::Write as _;
    use std::hint::black_box;
    use std::rc::Rc;

    use faultline::scenario::{Run, builtin};
    use faultline::sim::{Micros, Time};
    use faultline::timeline::Timeline;

    use super::counting::held;
    use super::phold;

    /// What something holds, beside what there was before.
    fn of<T>(make: impl FnOnce() -> T) -> f64 {
        let before = held();
        let made = make();
        let after = held();
        drop(black_box(made));
        (after - before) as f64
    }

    fn hours(hours: u64) -> Time {
        Time(Micros::secs(3_600 * hours).0)
    }

    pub fn table() -> String {
        let mut table = String::from("Bytes held, native\n");
        let mut row = |what: &str, bytes: f64| {
            let _ = writeln!(table, "  {what:<64}{bytes:>14.0}");
        };
        // The difference of two sizes: what there is once falls out.
        let ring = |halls: u32| of(|| phold::ring(halls, 0, 1));
        row("a node with eight links and no state, of 100 000", (ring(100_000) - ring(10_000)) / 90_000.0);
        let balls = |balls: u32| of(|| phold::world(balls, 1));
        row("a message in flight, of 262 144", (balls(262_144) - balls(16_384)) / 245_760.0);
        let document = Rc::new(builtin("chat").expect("the chat service is built in"));
        let run = |until: Time| {
            of(|| {
                let mut run = Run::new(document.clone(), 1).expect("it has no problem");
                run.run_until(until, &mut ());
                run
            })
        };
        row("a run of the chat service after an hour", run(hours(1)));
        row("each of two hours more", (run(hours(3)) - run(hours(1))) / 2.0);
        let timeline = |until: Time| {
            of(|| {
                let mut timeline = Timeline::new(document.clone(), 1, Vec::new()).expect("it has no problem");
                timeline.advance(until, u64::MAX);
                timeline
            })
        };
        row("the same with log, tape and keyframes after an hour", timeline(hours(1)));
        row("each of two hours more", (timeline(hours(3)) - timeline(hours(1))) / 2.0);
        table
    }
}

fn main() {
    #[cfg(not(target_arch = "wasm32"))]
    {
        use std::io::Write as _;
        // A closed pipe is no reason to fail.
        let _ = write!(std::io::stdout(), "\n{}", weighed::table());
    }
}
