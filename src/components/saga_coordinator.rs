//! A coordinator of [`saga`]s: has the services behind it carry out a step each, one after another, or undo them.

use crate::protocols::Family;
use crate::protocols::saga::{Coordinator, Line, Log, Message as Saga, Rules, Timer as SagaTimer, Told};
use crate::sim::{Component, Context, Dist, Lift, Look, Machine, Micros, NodeId, Table, Time, Work};

use super::saga_service::SagaService;
use super::{Fact, Glyph, Message, Placeable};

crate::choice! {
    /// In which order services are asked.
    pub enum Order {
        /// As they stand in the document.
        Listed = "as-listed",
        /// The other way round.
        Reversed = "reversed",
    }
}

crate::choice! {
    /// Where it is written how far a saga is.
    pub enum Keeps {
        /// On the disk, before it goes on.
        Disk = "disk",
        /// In memory only.
        Memory = "memory",
    }
}

crate::config! {
    /// What can be set about a coordinator of sagas.
    pub struct SagaCoordinatorConfig {
        /// How many sagas it begins, on average.
        rate: f64 = 1.0, in 0.0, 1000.0, "1/s";
        /// In which order services are asked; one that cannot undo its step must be last.
        order: Order = Order::Listed, in 0, 0, "";
        /// Where it is written how far a saga is; in memory only is a mistake.
        keeps: Keeps = Keeps::Disk, in 0, 0, "";
        /// After how long without an answer it asks again.
        again: Micros = Micros::secs(1), in 0.01, 600.0, "";
    }
}

/// What a coordinator waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To begin the next saga.
    Next,
    /// Something of a saga.
    Saga(SagaTimer),
}

/// A coordinator.
#[derive(Clone, Debug, Hash)]
pub struct SagaCoordinator {
    coordinator: Coordinator,
    since: Table<u64, Time>,
    whole: u64,
    undone: u64,
}

fn port<'c, 'a>(cx: &'c mut Context<'a, SagaCoordinator>) -> Lift<'c, 'a, SagaCoordinator, Saga, SagaTimer, Line> {
    Lift { cx, message: Message::Saga, timer: Timer::Saga, write: |write| write }
}

fn rules(config: &SagaCoordinatorConfig) -> Rules {
    Rules { logs: config.keeps == Keeps::Disk, again: config.again }
}

fn services(cx: &Context<SagaCoordinator>) -> Vec<NodeId> {
    cx.peers_of(SagaService::KIND).collect()
}

impl SagaCoordinator {
    fn later(cx: &mut Context<Self>) {
        // Poisson; the draw is taken whatever the rate is.
        let unit = cx.load_rng().unit();
        let rate = cx.config().rate;
        if rate > 0.0 {
            cx.set(Timer::Next, Micros::from_f64(-libm::log(1.0 - unit) / rate * 1e6));
        } else {
            cx.cancel(&Timer::Next);
        }
    }

    fn tell(&mut self, cx: &mut Context<Self>) {
        for told in std::mem::take(&mut self.coordinator.told) {
            match &told {
                Told::Began { saga, .. } => {
                    self.since.insert(saga.number, cx.now());
                    cx.measure("sagas begun", 1);
                }
                Told::Ended { saga, whole } => {
                    if *whole {
                        self.whole += 1;
                        cx.measure("sagas done", 1);
                    } else {
                        self.undone += 1;
                        cx.measure("sagas undone", 1);
                    }
                    if let Some(since) = self.since.remove(&saga.number) {
                        let took = cx.now().since(since).0;
                        cx.measure(if *whole { "time of a whole saga" } else { "time of an undone saga" }, took);
                    }
                }
                _ => {}
            }
            cx.fact(Fact::Saga(told));
        }
    }
}

impl Component for SagaCoordinator {
    type Message = Message;
    type Config = SagaCoordinatorConfig;
    type Disk = Log;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &Log) -> Self {
        let (services, rules) = (services(cx), rules(cx.config()));
        let coordinator = Coordinator::boot(&mut port(cx), disk, &services, &rules);
        SagaCoordinator::later(cx);
        SagaCoordinator { coordinator, since: Table::new(), whole: 0, undone: 0 }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let (services, rules) = (services(cx), rules(cx.config()));
        match message {
            Message::Saga(message) => self.coordinator.on_message(&mut port(cx), from, message, &services, &rules),
            other => return super::not_understood(cx, from, &other),
        }
        self.tell(cx);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        let (services, rules) = (services(cx), rules(cx.config()));
        match timer {
            Timer::Next => {
                let reversed = cx.config().order == Order::Reversed;
                if !self.coordinator.begin(&mut port(cx), &services, reversed, &rules) {
                    cx.measure("sagas not begun", 1);
                }
                SagaCoordinator::later(cx);
            }
            Timer::Saga(timer) => self.coordinator.on_timer(&mut port(cx), timer, &services, &rules),
        }
        self.tell(cx);
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        SagaCoordinator::later(cx);
    }

    fn look(&self, _: &SagaCoordinatorConfig) -> Look {
        let open = self.coordinator.open();
        let back = open.values().filter(|entry| entry.undoing).count();
        let mut lines = vec![
            ("under way", open.len().to_string()),
            ("of them going back", back.to_string()),
            ("done", self.whole.to_string()),
            ("undone", self.undone.to_string()),
        ];
        lines.extend(open.iter().take(8).map(|(number, entry)| {
            let way = if entry.undoing { "left to undo" } else { "done" };
            ("saga", format!("{number}: {} of {} steps {way}", entry.done, entry.steps))
        }));
        Look { role: "coordinates".into(), star: false, ready: true, lines, log: Vec::new() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Next => "next saga",
            Timer::Saga(SagaTimer::Written(_)) => "written",
            Timer::Saga(SagaTimer::Again(_)) => "ask again",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for SagaCoordinator {
    const KIND: &'static str = "saga-coordinator";
    const TITLE: &'static str = "Coordinator of sagas";
    const ABOUT: &'static str =
        crate::later_text!("Has services carry out a step each, one after another, and undo them where one declines.");
    const GLYPH: Glyph = Glyph::Supervisor;
    const FAMILY: Family = Family::Control;
    const TALKS_TO: &'static [&'static str] = &["saga-service"];
    fn machine() -> Machine {
        Machine {
            disk: Dist::Lognormal { median: Micros::ms(2), p99: Micros::ms(8) },
            startup: Micros::ms(300),
            ..Machine::default()
        }
    }
}
