//! Other simulators on the same job (PHOLD, see benches/phold.rs), as ratios to the plain loop, all in one run: a stretch of
//! the loop, then one of each, again and again, so that what else the machine does falls on all. `make bench` runs it.
//!
//! How much of the job a simulator has varies. Those that pass events between components throw a ball from hall to hall;
//! of those that run tasks, a ball is a task that sleeps, which is less: nothing is sent to anyone. A stretch of theirs
//! begins anew, with its tasks and models; that is a share of it where the balls are many.
//!
//! Not here: desim 0.4, which needs coroutines and so a nightly compiler; turmoil 0.7, whose hosts are ticked, so that its
//! cost is not one of events.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

#[path = "../../phold.rs"]
mod phold;

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::Duration;

use faultline::sim::{Purpose, Record, Recorder, Stream};

/// How many balls are in the air.
const BALLS: [u32; 3] = [64, 1_024, 16_384];
/// How many rounds, each a stretch of everyone.
const ROUNDS: usize = 9;
/// How many events a stretch is.
const STRETCH: u64 = 100_000;

/// A peer: how it is called, what of the job it does, and so many events with so many balls.
type Peer = (&'static str, &'static str, fn(u32, u64));

const PEERS: [Peer; 5] = [
    ("simrs 0.2", "events between components", simrs),
    ("odem-rs 0.4", "tasks that sleep", odem),
    ("madsim 0.2", "tasks that sleep", madsim),
    ("nexosim 1.0", "a model's own events", nexosim),
    ("bach 0.2", "tasks that sleep", bach),
];

/// What decides where a ball flies and for how long: the same for all, and the same as the loop's.
struct Luck(Stream);

impl Luck {
    fn new() -> Luck {
        Luck(Stream::new(1, Purpose::Faults))
    }
    /// How long a ball flies.
    fn flight(&mut self) -> f64 {
        -libm::log(1.0 - self.0.unit()) + 0.1
    }
    /// To which hall.
    fn hall(&mut self) -> usize {
        self.0.below(u64::from(phold::HALLS)) as usize
    }
    /// Both, for those whose halls cannot be told apart.
    fn throw(&mut self) -> Duration {
        std::hint::black_box(self.hall());
        Duration::from_micros((self.flight() * 1e6) as u64)
    }
}

/// What tasks share: their luck, and how many events are left.
#[derive(Clone)]
struct Shared(Rc<(RefCell<Luck>, Cell<u64>)>);

impl Shared {
    fn new(events: u64) -> Shared {
        Shared(Rc::new((RefCell::new(Luck::new()), Cell::new(events))))
    }
    /// The next flight of a ball, until so many events have happened.
    fn next(&self) -> Option<Duration> {
        self.0.1.set(self.0.1.get().checked_sub(1)?);
        Some(self.0.0.borrow_mut().throw())
    }
}

struct SimrsHall {
    halls: Rc<RefCell<Vec<simrs::ComponentId<u32>>>>,
    luck: Rc<RefCell<Luck>>,
}

impl simrs::Component for SimrsHall {
    type Event = u32;
    fn process_event(
        &self,
        _: simrs::ComponentId<u32>,
        ball: &u32,
        scheduler: &mut simrs::Scheduler,
        _: &mut simrs::State,
    ) {
        let mut luck = self.luck.borrow_mut();
        let (flight, to) = (Duration::from_micros((luck.flight() * 1e6) as u64), luck.hall());
        scheduler.schedule(flight, self.halls.borrow()[to], *ball);
    }
}

fn simrs(balls: u32, events: u64) {
    let (halls, luck) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(Luck::new())));
    let mut simulation = simrs::Simulation::default();
    for _ in 0..phold::HALLS {
        let hall = simulation.add_component(SimrsHall { halls: halls.clone(), luck: luck.clone() });
        halls.borrow_mut().push(hall);
    }
    for ball in 0..balls {
        let to = halls.borrow()[(ball % phold::HALLS) as usize];
        simulation.schedule(luck.borrow_mut().throw(), to, ball);
    }
    for _ in 0..events {
        simulation.step();
    }
}

mod of_odem {
    use odem_rs::prelude::*;

    #[derive(Default, Config)]
    #[time(f64)]
    pub struct Halls;

    pub struct Ball(pub super::Shared);

    impl Behavior<Halls> for Ball {
        type Output = ();
        async fn actions(&self, sim: &Sim<Halls>) {
            while let Some(flight) = self.0.next() {
                sim.advance(flight.as_secs_f64()).await;
            }
        }
    }

    pub fn run(balls: u32, shared: &super::Shared) {
        let _ = Simulator::new(Halls).run(async |sim: &Sim<Halls>| {
            for _ in 0..balls {
                sim.spawn(Ball(shared.clone()));
            }
            while shared.0.1.get() > 0 {
                sim.advance(1.0).await;
            }
        });
    }
}

fn odem(balls: u32, events: u64) {
    of_odem::run(balls, &Shared::new(events));
}

fn madsim(balls: u32, events: u64) {
    let runtime = madsim::runtime::Runtime::with_seed_and_config(1, madsim::Config::default());
    runtime.block_on(async move {
        let shared = Shared::new(events);
        let tasks: Vec<_> = (0..balls)
            .map(|_| {
                let shared = shared.clone();
                madsim::task::spawn_local(async move {
                    while let Some(flight) = shared.next() {
                        madsim::time::sleep(flight).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            let _ = task.await;
        }
    });
}

mod of_nexosim {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use nexosim::model::{Context, Model, schedulable};
    use nexosim::simulation::{Mailbox, SimInit};
    use nexosim::time::MonotonicTime;
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    pub struct Hall {
        balls: u32,
        #[serde(skip, default = "super::Luck::new")]
        luck: super::Luck,
        #[serde(skip)]
        hits: Arc<AtomicU64>,
    }

    #[Model]
    impl Hall {
        #[nexosim(init)]
        async fn begin(&mut self, cx: &Context<Self>) {
            (0..self.balls).for_each(|_| self.throw(cx));
        }
        #[nexosim(schedulable)]
        fn hit(&mut self, _: (), cx: &Context<Self>) {
            self.hits.fetch_add(1, Ordering::Relaxed);
            self.throw(cx);
        }
        fn throw(&mut self, cx: &Context<Self>) {
            let flight = self.luck.throw().max(Duration::from_micros(1));
            cx.schedule_event(flight, schedulable!(Self::hit), ()).expect("it lies ahead");
        }
    }

    pub fn run(balls: u32, events: u64) {
        let hits = Arc::new(AtomicU64::new(0));
        let mut bench = SimInit::with_num_threads(1);
        for hall in 0..super::phold::HALLS {
            let luck = super::Luck(super::Stream::new(1, super::Purpose::Node(hall)));
            let model = Hall { balls: balls / super::phold::HALLS, luck, hits: hits.clone() };
            bench = bench.add_model(model, Mailbox::new(), "hall");
        }
        let mut simulation = bench.init(MonotonicTime::EPOCH).expect("the halls are ready");
        while hits.load(Ordering::Relaxed) < events {
            simulation.step().expect("balls fly");
        }
    }
}

fn nexosim(balls: u32, events: u64) {
    of_nexosim::run(balls, events);
}

fn bach(balls: u32, events: u64) {
    use bach::ext::*;
    bach::sim(|| {
        let luck = std::sync::Arc::new(std::sync::Mutex::new((Luck::new(), events)));
        for _ in 0..balls {
            let luck = luck.clone();
            async move {
                loop {
                    let flight = {
                        let mut luck = luck.lock().expect("nobody panics");
                        let Some(left) = luck.1.checked_sub(1) else { return };
                        luck.1 = left;
                        luck.0.throw()
                    };
                    bach::time::sleep(flight).await;
                }
            }
            .primary()
            .spawn();
        }
    });
}

/// Takes every record and keeps the last few.
struct Ring(Vec<Record<phold::Ball>>, usize);

impl Recorder<phold::Ball> for Ring {
    const ON: bool = true;
    fn record(&mut self, record: Record<phold::Ball>) {
        if self.0.len() < 16_384 {
            self.0.push(record);
        } else {
            self.0[self.1] = record;
            self.1 = (self.1 + 1) % 16_384;
        }
    }
}

/// Nanoseconds of processor time an event, of which this many happen.
fn time(events: u64, run: impl FnOnce()) -> f64 {
    let clock = || {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
    };
    let start = clock();
    run();
    (clock() - start) / events as f64
}

/// The quartiles.
fn spread(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|part| values[(values.len() - 1) * part / 4])
}

/// The table of all with so many balls.
fn table(balls: u32) -> String {
    let mut plain = phold::Plain::new(balls, 1);
    let (mut bare, mut told) = (phold::world(balls, 1), phold::world(balls, 1));
    let mut ring = Ring(Vec::new(), 0);
    plain.run(STRETCH);
    phold::run(&mut bare, STRETCH, &mut ());
    phold::run(&mut told, STRETCH, &mut ring);
    let mut ratios = vec![Vec::new(); 2 + PEERS.len()];
    for _ in 0..ROUNDS {
        let unit = time(STRETCH, || plain.run(STRETCH));
        ratios[0].push(time(STRETCH, || phold::run(&mut bare, STRETCH, &mut ())) / unit);
        ratios[1].push(time(STRETCH, || phold::run(&mut told, STRETCH, &mut ring)) / unit);
        for ((_, _, run), ratios) in PEERS.iter().zip(&mut ratios[2..]) {
            ratios.push(time(STRETCH, || run(balls, STRETCH)) / unit);
        }
    }
    std::hint::black_box((plain.sum, bare.digest(), ring.0.len()));
    let ours = [("Faultline", "messages between nodes"), ("Faultline", "the same, with records")];
    let names = ours.into_iter().chain(PEERS.iter().map(|(name, job, _)| (*name, *job)));
    let mut table = format!("{balls} in flight\n");
    for ((name, job), ratios) in names.zip(ratios) {
        let [low, middle, high] = spread(ratios);
        let _ = writeln!(table, "  {name:<14}{job:<28}{middle:>8.2}{:>16}", format!("{low:.2}–{high:.2}"));
    }
    table
}

fn main() {
    use std::io::Write as _;
    // A closed pipe is no reason to fail.
    let mut out = std::io::stdout();
    let _ = writeln!(out, "\nPHOLD, 64 halls: time an event as a ratio to a plain BinaryHeap loop, and quartiles");
    for balls in BALLS {
        let _ = write!(out, "{}", table(balls));
    }
}
