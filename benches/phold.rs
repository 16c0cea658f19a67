//! PHOLD (Fujimoto, 1990), the usual yardstick of event queues: a fixed number of balls fly between halls; a ball that
//! arrives is thrown on at once to a hall drawn at random, and is under way for a time drawn from an exponential law.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

use faultline::sim::{
    Command, Component, Context, Dist, Look, Machine, Micros, NodeId, Payload, Profile, Purpose, RecordId, Recorder,
    Stream, Template, Time, Work, World,
};

/// How many halls there are.
pub const HALLS: u32 = 64;
/// How long a ball flies on average.
const MEAN: Micros = Micros::secs(1);

/// What is thrown.
#[derive(Clone, Debug, Hash)]
pub struct Ball;

impl Payload for Ball {
    type Fact = ();
    fn name(&self) -> &'static str {
        "Ball"
    }
}

faultline::config! {
    /// How a hall begins.
    pub struct HallConfig {
        /// How many balls it throws when it boots.
        balls: u32 = 1, in 0, 1e6, "";
    }
}

/// Where balls are caught and thrown.
#[derive(Clone, Hash)]
pub struct Hall;

impl Hall {
    fn throw(cx: &mut Context<Hall>) {
        let others = cx.peers();
        let place = cx.rng().below(others.len() as u64) as usize;
        cx.send(others[place].id, Ball);
    }
}

impl Component for Hall {
    type Message = Ball;
    type Config = HallConfig;
    type Disk = ();
    type Timer = ();

    fn boot(cx: &mut Context<Hall>, (): &()) -> Hall {
        for _ in 0..cx.config().balls {
            Hall::throw(cx);
        }
        Hall
    }
    fn on_message(&mut self, cx: &mut Context<Hall>, _: NodeId, _: Ball) {
        Hall::throw(cx);
    }
    fn on_timer(&mut self, _: &mut Context<Hall>, (): ()) {}
    fn look(&self, _: &HallConfig) -> Look {
        Look::default()
    }
    fn timer_name((): &()) -> &'static str {
        ""
    }
    fn work(&self, _: &Ball) -> Work {
        Work::None
    }
}

/// Halls that are all linked to one another, with this many balls in the air: a multiple of [`HALLS`].
pub fn world(balls: u32, seed: u64) -> World<Ball> {
    let config = HallConfig { balls: balls / HALLS };
    let mut template = Template::new::<Hall>("hall", "hall", "hall", Machine::default(), config);
    let profile = Profile { delay: Dist::Exponential { mean: MEAN }, ..Profile::default() };
    template.links.push((0, Rc::new(profile)));
    let mut world = World::new(seed, vec![template]);
    for _ in 0..HALLS {
        world.place(0, None, false, RecordId(0), &mut ());
    }
    world.run_until(Time::ZERO, &mut ());
    world
}

/// Halls in a ring, each linked to the four on either side, with one ball each in the air: so that there can be many.
pub fn ring(halls: u32, balls: u32, seed: u64) -> World<Ball> {
    let config = HallConfig { balls: balls / halls };
    let template = Template::new::<Hall>("hall", "hall", "hall", Machine::default(), config);
    let mut world = World::new(seed, vec![template]);
    for _ in 0..halls {
        world.place(0, None, false, RecordId(0), &mut ());
    }
    let profile = Rc::new(Profile { delay: Dist::Exponential { mean: MEAN }, ..Profile::default() });
    for hall in 0..halls {
        for step in 1..=4.min(halls.saturating_sub(1) / 2) {
            let (a, b) = (NodeId(hall), NodeId((hall + step) % halls));
            let wire = Command::Wire { a, b, profile: profile.clone() };
            world.command(&wire, &mut ()).expect("the two are not linked yet");
        }
    }
    world.run_until(Time::ZERO, &mut ());
    world
}

/// Lets this many events happen.
pub fn run<R: Recorder<Ball>>(world: &mut World<Ball>, events: u64, records: &mut R) {
    for _ in 0..events {
        world.step(records);
    }
}

/// The same in the plainest loop: what the engine's time is compared with. The flight times are those of the usual
/// benchmark, −ln u + 0.1.
pub struct Plain {
    heap: BinaryHeap<Reverse<(u64, u64, u32)>>,
    luck: Stream,
    sequence: u64,
    /// Adds up who was hit, so that nothing can be left out.
    pub sum: u64,
}

impl Plain {
    /// With this many balls in the air.
    pub fn new(balls: u32, seed: u64) -> Plain {
        let luck = Stream::new(seed, Purpose::Faults);
        let mut plain = Plain { heap: BinaryHeap::new(), luck, sequence: 0, sum: 0 };
        for _ in 0..balls {
            plain.throw(0);
        }
        plain
    }

    fn throw(&mut self, now: u64) {
        let delay = (-libm::log(1.0 - self.luck.unit()) + 0.1) * MEAN.0 as f64;
        let to = self.luck.below(u64::from(HALLS)) as u32;
        self.sequence += 1;
        self.heap.push(Reverse((now + delay as u64, self.sequence, to)));
    }

    /// Lets this many events happen.
    pub fn run(&mut self, events: u64) {
        for _ in 0..events {
            let Some(Reverse((now, _, to))) = self.heap.pop() else { return };
            self.sum = self.sum.wrapping_add(u64::from(to));
            self.throw(now);
        }
    }
}
