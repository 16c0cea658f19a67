//! What machines share: a [directory](coherence) that makes one change after another, tells every other copy of it, and knows
//! where sessions are. It also keeps the bill of its machines.

use crate::protocols::Family;
use crate::protocols::coherence::{self, Directory, Sessions, Told, Write};
use crate::sim::{Component, Context, Lift, Look, Micros, NodeId, Work};

use super::{Glyph, Message, Placeable};

/// How often the bill is measured.
const BILL: Micros = Micros::ms(500);

crate::choice! {
    /// What the figures of its machines are called.
    pub enum Side {
        /// One machine that grows.
        Up = "up",
        /// Many machines.
        Out = "out",
    }
}

crate::config! {
    /// What can be set about what machines share.
    pub struct SharedStateConfig {
        /// What its machines are, which only names their figures.
        side: Side = Side::Out, in 0, 0, "";
        /// What the first core of a machine costs an hour, in cents.
        price: f64 = 4.0, in 0.0, 100000.0, "";
        /// By how much every core of a machine is dearer for each one more in it: large machines are rare.
        premium: f64 = 0.0, in 0.0, 10.0, "";
    }
}

/// What it waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Something of the protocol.
    Directory(coherence::Timer),
    /// To measure the bill.
    Bill,
}

/// What machines share.
#[derive(Clone, Debug, Hash)]
pub struct SharedState {
    directory: Directory,
    cents: u64,
}

fn port<'c, 'a>(
    cx: &'c mut Context<'a, SharedState>,
) -> Lift<'c, 'a, SharedState, coherence::Message, coherence::Timer, Write> {
    Lift { cx, message: Message::Coherence, timer: Timer::Directory, write: |write| write }
}

impl SharedState {
    fn tell(&mut self, cx: &mut Context<Self>) {
        for told in std::mem::take(&mut self.directory.told) {
            match told {
                Told::Changed => cx.measure("changes", 1),
                Told::Moved => cx.measure("sessions moved", 1),
                Told::Lost(key) => {
                    cx.note(format!("the session of person {key} is lost"));
                    cx.measure("sessions lost", 1);
                }
            }
        }
    }

    /// Machines that were ended have no copy any more.
    fn look_around(&mut self, cx: &Context<Self>) {
        let machines = |peer: &&crate::sim::Peer| peer.kind == super::machine::Host::KIND;
        self.directory.know(cx.peers().iter().filter(machines).map(|peer| peer.id));
    }

    /// What its machines cost an hour, also while they are still cold.
    fn bill(&mut self, cx: &mut Context<Self>) {
        let machines: Vec<NodeId> = cx.peers_of(super::machine::Host::KIND).collect();
        let (price, premium) = (cx.config().price, cx.config().premium);
        let (mut cost, mut cores) = (0.0, 0);
        for node in &machines {
            let count = self.directory.copies.get(node).copied().unwrap_or(1);
            cost += price * f64::from(count) * (1.0 + premium * f64::from(count.saturating_sub(1)));
            cores += u64::from(count);
        }
        self.cents = (cost + 0.5) as u64;
        let (cents, size) = match cx.config().side {
            Side::Up => ("the one, in cents an hour", "the one, in cores"),
            Side::Out => ("the many, in cents an hour", "the many, in cores"),
        };
        cx.measure(cents, self.cents);
        cx.measure(size, cores);
        cx.set(Timer::Bill, BILL);
    }
}

impl Component for SharedState {
    type Message = Message;
    type Config = SharedStateConfig;
    type Disk = Sessions;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &Sessions) -> Self {
        cx.set(Timer::Bill, BILL);
        SharedState { directory: Directory::boot(disk), cents: 0 }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let Message::Coherence(message) = message else { return super::not_understood(cx, from, &message) };
        self.look_around(cx);
        self.directory.on_message(&mut port(cx), from, message);
        self.tell(cx);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Directory(timer) => {
                self.look_around(cx);
                self.directory.on_timer(&mut port(cx), timer);
                self.tell(cx);
            }
            Timer::Bill => self.bill(cx),
        }
    }

    fn look(&self, _: &SharedStateConfig) -> Look {
        let lines = vec![
            ("copies", self.directory.copies.values().sum::<u32>().to_string()),
            ("changes that wait", self.directory.waiting().saturating_sub(1).to_string()),
            ("sessions kept", self.directory.parked().to_string()),
            ("cents an hour", self.cents.to_string()),
        ];
        let role = if self.directory.waiting() > 0 { "changes" } else { "free" };
        Look { role: role.into(), ready: true, lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Directory(coherence::Timer::Made) => "change made",
            Timer::Directory(coherence::Timer::Silent) => "no answer",
            Timer::Directory(coherence::Timer::Parked(_)) => "sessions on the disk",
            Timer::Bill => "bill",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for SharedState {
    const KIND: &'static str = "directory";
    const TITLE: &'static str = "Shared state";
    const ABOUT: &'static str =
        crate::later_text!("Makes one change after another to what machines share, and tells every other copy of it.");
    const GLYPH: Glyph = Glyph::Database;
    const FAMILY: Family = Family::Storage;
    const TALKS_TO: &'static [&'static str] = &["machine"];
}
