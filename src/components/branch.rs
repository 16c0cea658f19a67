//! A branch of a bank: sends others money, with logical clocks on every transfer, and has its state recorded.

use std::rc::Rc;

use crate::protocols::Family;
use crate::protocols::branch::{Book, Branch as Bank, Channels, Message as Said, Rules, Timer as BankTimer, Told};
use crate::protocols::logical::Receipt;
use crate::sim::{Component, Context, Lift, Look, Machine, Micros, NodeId, Work};

use super::auditor::Auditor;
use super::{Fact, Glyph, Message, Placeable};

crate::config! {
    /// What can be set about a branch.
    pub struct BranchConfig {
        /// With how much it is opened.
        opens: u32 = 1000, in 0, 1000000, "";
        /// How often it sends somebody money, on average.
        rate: f64 = 1.0, in 0.0, 1000.0, "1/s";
        /// How much at most: each is drawn from 1 to this.
        most: u32 = 100, in 1, 1000000, "";
        /// What becomes of its logical clocks when money comes; not to take the maximum is a mistake.
        receipt: Receipt = Receipt::Maximum, in 0, 0, "";
        /// In which order it takes what comes along a channel; as it comes is a mistake.
        channels: Channels = Channels::InOrder, in 0, 0, "";
        /// After how long without an acknowledgement it sends again.
        again: Micros = Micros::secs(2), in 0.01, 600.0, "";
        /// How often it tells auditors what has happened.
        page: Micros = Micros::ms(500), in 0.01, 60.0, "";
    }
}

/// What a branch waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To send money.
    Next,
    /// Something of its own.
    Bank(BankTimer),
}

/// A branch.
#[derive(Clone, Debug, Hash)]
pub struct Branch {
    bank: Bank,
}

fn port<'c, 'a>(cx: &'c mut Context<'a, Branch>) -> Lift<'c, 'a, Branch, Said, BankTimer, Rc<Book>> {
    Lift { cx, message: Message::Branch, timer: Timer::Bank, write: |write| write }
}

/// The other branches, and the auditors.
fn others(cx: &Context<Branch>) -> (Vec<NodeId>, Vec<NodeId>) {
    (cx.peers_of(Branch::KIND).collect(), cx.peers_of(Auditor::KIND).collect())
}

fn rules<'a>(config: &BranchConfig, others: &'a (Vec<NodeId>, Vec<NodeId>)) -> Rules<'a> {
    Rules {
        branches: &others.0,
        auditors: &others.1,
        opens: u64::from(config.opens),
        receipt: config.receipt,
        channels: config.channels,
        again: config.again,
        page: config.page,
    }
}

impl Branch {
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
        for told in std::mem::take(&mut self.bank.told) {
            match &told {
                Told::Paid { amount, .. } => {
                    cx.measure("transfers", 1);
                    cx.measure("amount of a transfer", *amount);
                }
                Told::Recorded { .. } => cx.measure("states recorded", 1),
                _ => {}
            }
            cx.fact(Fact::Branch(told));
        }
    }
}

impl Component for Branch {
    type Message = Message;
    type Config = BranchConfig;
    type Disk = Book;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &Book) -> Self {
        Branch::later(cx);
        let others = others(cx);
        let rules = rules(cx.config(), &others);
        Branch { bank: Bank::boot(&mut port(cx), disk, &rules) }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let Message::Branch(said) = message else { return super::not_understood(cx, from, &message) };
        let others = others(cx);
        let rules = rules(cx.config(), &others);
        self.bank.on_message(&mut port(cx), from, said, &rules);
        self.tell(cx);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        let others = others(cx);
        let rules = rules(cx.config(), &others);
        match timer {
            Timer::Next => {
                Branch::later(cx);
                // As many draws whatever comes of them.
                let whom = cx.load_rng().below(others.0.len().max(1) as u64);
                let most = u64::from(cx.config().most);
                let amount = 1 + cx.load_rng().below(most);
                self.bank.pay(&mut port(cx), whom, amount, &rules);
            }
            Timer::Bank(timer) => self.bank.on_timer(&mut port(cx), timer, &rules),
        }
        self.tell(cx);
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        Branch::later(cx);
    }

    fn look(&self, _: &BranchConfig) -> Look {
        let book = self.bank.book();
        let (sent, early) = self.bank.waiting();
        let recording = self.bank.recording();
        let mut lines = vec![
            ("balance", book.balance.to_string()),
            ("Lamport clock", book.clock.lamport.to_string()),
            ("vector clock", book.clock.vector.to_string()),
            ("last snapshot", book.recorded.to_string()),
            ("not acknowledged", sent.to_string()),
            ("came early, held back", early.to_string()),
        ];
        if let Some((balance, open, amount)) = recording.map(|recording| recording.so_far()) {
            lines.push(("recorded balance", balance.to_string()));
            lines.push(("markers still to come", open.to_string()));
            lines.push(("recorded in channels", amount.to_string()));
        }
        let role = if recording.is_some() { "records" } else { "open" };
        Look { role: role.into(), star: recording.is_some(), ready: true, lines, log: Vec::new() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Next => "pay",
            Timer::Bank(BankTimer::Written(_)) => "written",
            Timer::Bank(BankTimer::Again(_)) => "send again",
            Timer::Bank(BankTimer::Page) => "page",
            Timer::Bank(BankTimer::At(_)) => "the hour has come",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Branch {
    const KIND: &'static str = "branch";
    const TITLE: &'static str = "Branch of a bank";
    const ABOUT: &'static str =
        crate::later_text!("Sends other branches money, with logical clocks on it, and records its state by markers.");
    const GLYPH: Glyph = Glyph::Database;
    const FAMILY: Family = Family::Storage;
    const TALKS_TO: &'static [&'static str] = &["branch", "auditor"];
    fn machine() -> Machine {
        Machine { startup: Micros::ZERO, ..Machine::default() }
    }
}
