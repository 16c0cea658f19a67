//! A participant of transactions: keeps accounts, locks those it is asked to change, and votes, by [`two_phase`] commit.

use crate::protocols::two_phase::{
    InDoubt, Log, Message as Commit, Participant, ParticipantLog, ParticipantRules, ParticipantTimer, ParticipantWrite,
    Step,
};
use crate::protocols::{Family, health};
use crate::sim::{Cell, Component, Context, Dist, Lift, Look, Machine, Micros, NodeId, Work};

use super::{Fact, Glyph, Message, Placeable};

/// How many accounts a look shows.
const CELLS: u32 = 8;

crate::config! {
    /// What can be set about a participant.
    pub struct TxParticipantConfig {
        /// How many accounts it keeps.
        accounts: u32 = 8, in 1, 1000, "";
        /// What is in each account at the beginning.
        opening: u32 = 100, in 0, 1000000000, "";
        /// Whether its Yes is on the disk before it is said; to say it before that is a mistake.
        vote: Log = Log::Forced, in 0, 0, "";
        /// What it does when it has voted Yes and hears no decision; to abort alone is a mistake.
        in_doubt: InDoubt = InDoubt::AskCoordinator, in 0, 0, "";
        /// How long it waits for a decision before it is in doubt, and then between two questions.
        timeout: Micros = Micros::ms(1500), in 0.001, 600.0, "";
    }
}

/// What a participant waits for: something of the protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Timer(ParticipantTimer);

/// A participant.
#[derive(Clone, Debug, Hash)]
pub struct TxParticipant {
    protocol: Participant,
    committed: u64,
    aborted: u64,
}

fn port<'c, 'a>(
    cx: &'c mut Context<'a, TxParticipant>,
) -> Lift<'c, 'a, TxParticipant, Commit, ParticipantTimer, ParticipantWrite> {
    Lift { cx, message: Message::Commit, timer: Timer, write: |write| write }
}

fn rules(config: &TxParticipantConfig) -> ParticipantRules {
    ParticipantRules {
        accounts: config.accounts,
        opening: config.opening,
        log: config.vote,
        in_doubt: config.in_doubt,
        patience: config.timeout,
    }
}

impl TxParticipant {
    /// Tells what came of a handler.
    fn tell(&mut self, cx: &mut Context<Self>) {
        let news = std::mem::take(&mut self.protocol.news);
        for _ in 0..news.forced {
            cx.measure("forced writes", 1);
        }
        for told in news.told {
            match told.step {
                Step::Decided { commit, after, .. } => {
                    *(if commit { &mut self.committed } else { &mut self.aborted }) += 1;
                    cx.measure("locked", after);
                }
                Step::Voted { yes: false } => cx.measure("refused", 1),
                _ => {}
            }
            cx.fact(Fact::Transaction(told));
        }
    }
}

impl Component for TxParticipant {
    type Message = Message;
    type Config = TxParticipantConfig;
    type Disk = ParticipantLog;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &ParticipantLog) -> Self {
        let mut participant = TxParticipant { protocol: Participant::boot(disk, cx.now()), committed: 0, aborted: 0 };
        let rules = rules(cx.config());
        participant.protocol.start(&mut port(cx), &rules);
        participant.tell(cx);
        participant
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Commit(message) => {
                let rules = rules(cx.config());
                self.protocol.on_message(&mut port(cx), &rules, from, message);
                self.tell(cx);
            }
            Message::Health(health::Message::Ping { round }) => cx.send(from, health::Message::Pong { round }.into()),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, Timer(timer): Timer) {
        let rules = rules(cx.config());
        self.protocol.on_timer(&mut port(cx), &rules, timer);
        self.tell(cx);
    }

    fn look(&self, config: &TxParticipantConfig) -> Look {
        let rules = rules(config);
        let mut lines = vec![
            ("in all accounts", self.protocol.total(&rules).to_string()),
            ("works at", self.protocol.prepared().to_string()),
            ("committed", self.committed.to_string()),
            ("aborted", self.aborted.to_string()),
        ];
        lines.extend(self.protocol.in_doubt().take(4).map(|tx| ("in doubt about", tx.to_string())));
        let role = match () {
            () if self.protocol.in_doubt().next().is_some() => "in doubt",
            () if self.protocol.prepared() > 0 => "prepared",
            () => "ready",
        };
        let locked = self.protocol.locks();
        let cell = |account: u32| Cell {
            text: format!("{account}: {}", self.protocol.balance(&rules, account)),
            settled: !locked.contains(&account),
        };
        let log = (0..config.accounts.min(CELLS)).map(cell).collect();
        Look { role: role.into(), star: false, ready: true, lines, log }
    }

    fn timer_name(Timer(timer): &Timer) -> &'static str {
        match timer {
            ParticipantTimer::Prepared(_) => "vote written",
            ParticipantTimer::Unheard(_) => "no decision",
            ParticipantTimer::Decided { .. } => "decision written",
            ParticipantTimer::Refused { .. } => "abort written",
        }
    }

    fn work(&self, message: &Message) -> Work {
        match message {
            Message::Commit(Commit::VoteReq { .. }) => Work::Service,
            _ => Work::None,
        }
    }
}

impl Placeable for TxParticipant {
    const KIND: &'static str = "tx-participant";
    const TITLE: &'static str = "Participant";
    const ABOUT: &'static str = crate::later_text!(
        "Keeps accounts, locks those that a transaction changes, and does not decide alone once it has voted Yes."
    );
    const GLYPH: Glyph = Glyph::Database;
    const FAMILY: Family = Family::Storage;
    const TALKS_TO: &'static [&'static str] = &["tx-coordinator", "tx-participant"];
    fn machine() -> Machine {
        Machine {
            service: Dist::Constant(Micros(500)),
            disk: Dist::Lognormal { median: Micros::ms(2), p99: Micros::ms(8) },
            startup: Micros::ms(300),
            ..Machine::default()
        }
    }
}
