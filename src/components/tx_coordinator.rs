//! A coordinator of transactions: moves money between accounts at several participants, by [`two_phase`] commit.

use crate::protocols::two_phase::{
    Change, Coordinator, CoordinatorLog, CoordinatorRules, CoordinatorTimer, CoordinatorWrite, Log, Message as Commit,
    Presume, Step,
};
use crate::protocols::{Family, health};
use crate::sim::{Component, Context, Dist, Lift, Look, Machine, Micros, NodeId, Work};

use super::{Fact, Glyph, Message, Placeable, tx_participant::TxParticipant};

/// How many participants a transfer has at most.
const MAX_PARTIES: u32 = 16;

crate::config! {
    /// What can be set about a coordinator.
    pub struct TxCoordinatorConfig {
        /// How many transfers it begins in a second; 0 for none.
        rate: f64 = 2.0, in 0.0, 1000.0, "1/s";
        /// How many participants a transfer has: the first pays, each of the others is paid.
        parties: u32 = 2, in 1, MAX_PARTIES, "";
        /// How many accounts at each participant transfers are made between.
        accounts: u32 = 8, in 1, 1000, "";
        /// How much each is paid.
        amount: u32 = 10, in 0, 1000000, "";
        /// What is presumed where it knows nothing: nothing is saved, or abort.
        presume: Presume = Presume::Nothing, in 0, 0, "";
        /// Whether its decision is on the disk before anyone hears of it; to tell it before that is a mistake.
        decision: Log = Log::Forced, in 0, 0, "";
        /// How long it waits for votes before it aborts.
        timeout: Micros = Micros::secs(1), in 0.001, 600.0, "";
        /// After how long it tells a decision again to those who have not acknowledged it.
        again: Micros = Micros::ms(700), in 0.001, 600.0, "";
    }
}

/// What a coordinator waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To begin the next transfer.
    Next,
    /// Something of the protocol.
    Protocol(CoordinatorTimer),
}

/// A coordinator.
#[derive(Clone, Debug, Hash)]
pub struct TxCoordinator {
    protocol: Coordinator,
    committed: u64,
    aborted: u64,
}

fn port<'c, 'a>(
    cx: &'c mut Context<'a, TxCoordinator>,
) -> Lift<'c, 'a, TxCoordinator, Commit, CoordinatorTimer, CoordinatorWrite> {
    Lift { cx, message: Message::Commit, timer: Timer::Protocol, write: |write| write }
}

fn rules(config: &TxCoordinatorConfig) -> CoordinatorRules {
    CoordinatorRules { presume: config.presume, log: config.decision, patience: config.timeout, again: config.again }
}

impl TxCoordinator {
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

    /// Begins a transfer between accounts at participants that are drawn. As many draws however many there are.
    fn begin(&mut self, cx: &mut Context<Self>) {
        let config = cx.config();
        let mut banks: Vec<NodeId> = cx.peers_of(TxParticipant::KIND).collect();
        let mut changes: Vec<Change> = Vec::new();
        for place in 0..config.parties as usize {
            let left = banks.len().saturating_sub(place) as u64;
            let (bank, account) = (cx.load_rng().below(left.max(1)), cx.load_rng().below(u64::from(config.accounts)));
            if left > 0 {
                banks.swap(place, place + bank as usize);
                changes.push(Change { at: banks[place], account: account as u32, amount: i64::from(config.amount) });
            }
        }
        let paid = changes.len() as i64 - 1;
        if let Some(first) = changes.first_mut() {
            first.amount *= -paid;
            self.protocol.begin(&mut port(cx), &rules(config), &changes);
        }
        TxCoordinator::later(cx);
    }

    /// Tells what came of a handler.
    fn tell(&mut self, cx: &mut Context<Self>) {
        let news = std::mem::take(&mut self.protocol.news);
        for _ in 0..news.forced {
            cx.measure("forced writes", 1);
        }
        for told in news.told {
            if let Step::Decided { commit, after, .. } = told.step {
                let (name, count) =
                    if commit { ("committed", &mut self.committed) } else { ("aborted", &mut self.aborted) };
                *count += 1;
                cx.measure(name, 1);
                cx.measure(if commit { "commit" } else { "abort" }, after);
            }
            cx.fact(Fact::Transaction(told));
        }
    }
}

impl Component for TxCoordinator {
    type Message = Message;
    type Config = TxCoordinatorConfig;
    type Disk = CoordinatorLog;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &CoordinatorLog) -> Self {
        let mut coordinator = TxCoordinator { protocol: Coordinator::boot(disk, cx.now()), committed: 0, aborted: 0 };
        let rules = rules(cx.config());
        coordinator.protocol.start(&mut port(cx), &rules);
        coordinator.tell(cx);
        TxCoordinator::later(cx);
        coordinator
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Commit(message) => {
                let rules = rules(cx.config());
                self.protocol.on_message(&mut port(cx), &rules, from, &message);
                self.tell(cx);
            }
            Message::Health(health::Message::Ping { round }) => cx.send(from, health::Message::Pong { round }.into()),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Next => self.begin(cx),
            Timer::Protocol(timer) => {
                let rules = rules(cx.config());
                self.protocol.on_timer(&mut port(cx), &rules, timer);
            }
        }
        self.tell(cx);
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        TxCoordinator::later(cx);
    }

    fn look(&self, _: &TxCoordinatorConfig) -> Look {
        let (voting, telling) = (self.protocol.voting(), self.protocol.telling());
        let lines = vec![
            ("waits for votes", voting.to_string()),
            ("tells a decision", telling.to_string()),
            ("committed", self.committed.to_string()),
            ("aborted", self.aborted.to_string()),
        ];
        let role = match (voting, telling) {
            (0, 0) => "idle",
            (0, _) => "phase two",
            _ => "phase one",
        };
        Look { role: role.into(), ready: true, lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Next => "next transfer",
            Timer::Protocol(CoordinatorTimer::Ready) => "ready",
            Timer::Protocol(CoordinatorTimer::Votes(_)) => "votes",
            Timer::Protocol(CoordinatorTimer::Decided(_)) => "decision written",
            Timer::Protocol(CoordinatorTimer::Again(_)) => "tell again",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for TxCoordinator {
    const KIND: &'static str = "tx-coordinator";
    const TITLE: &'static str = "Coordinator";
    const ABOUT: &'static str =
        crate::later_text!("Moves money between accounts at several participants by two-phase commit.");
    const GLYPH: Glyph = Glyph::Supervisor;
    const FAMILY: Family = Family::Control;
    const TALKS_TO: &'static [&'static str] = &["tx-participant"];
    fn machine() -> Machine {
        Machine {
            disk: Dist::Lognormal { median: Micros::ms(2), p99: Micros::ms(8) },
            startup: Micros::ms(300),
            ..Machine::default()
        }
    }
}
