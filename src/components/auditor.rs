//! An auditor of branches: has snapshots taken, adds them up, and puts what happened into an order.

use crate::protocols::Family;
use crate::protocols::branch::{
    Auditor as Audit, AuditorTimer, Compared, Compares, Message as Said, Method, Numbers, Told,
};
use crate::sim::{Component, Context, Lift, Look, Micros, NodeId, Work};

use super::branch::Branch;
use super::{Fact, Glyph, Message, Placeable};

crate::config! {
    /// What can be set about an auditor.
    pub struct AuditorConfig {
        /// How often it has a snapshot taken; 0s for never.
        every: Micros = Micros::secs(5), in 0.0, 3600.0, "";
        /// How it has the state of the whole; all but markers are mistakes.
        method: Method = Method::Markers, in 0, 0, "";
        /// same-time: How long before the time it tells everyone.
        notice: Micros = Micros::secs(2), in 0.0, 3600.0, "";
        /// By what it puts lines of different journals into an order; by the clocks on the wall is a mistake.
        compares: Compares = Compares::Lamport, in 0, 0, "";
    }
}

/// An auditor.
#[derive(Clone, Debug, Hash)]
pub struct Auditor {
    audit: Audit,
    /// How many receipts came after their payments, and how many before.
    causes: u64,
    effects: u64,
}

fn port<'c, 'a>(cx: &'c mut Context<'a, Auditor>) -> Lift<'c, 'a, Auditor, Said, AuditorTimer, u64> {
    Lift { cx, message: Message::Branch, timer: |timer| timer, write: |write| write }
}

impl Auditor {
    fn later(cx: &mut Context<Self>) {
        let every = cx.config().every;
        if every > Micros::ZERO {
            cx.set(AuditorTimer::Next, every);
        } else {
            cx.cancel(&AuditorTimer::Next);
        }
    }

    fn compared(&mut self, cx: &mut Context<Self>, compared: Compared) {
        match compared {
            Compared::Cause | Compared::Effect => {
                cx.measure("pairs of cause and effect", 1);
                if compared == Compared::Effect {
                    self.effects += 1;
                    cx.measure("effects before causes", 1);
                } else {
                    self.causes += 1;
                }
            }
            Compared::Ordered | Compared::Concurrent => {
                cx.measure("pairs compared", 1);
                if compared == Compared::Concurrent {
                    cx.measure("concurrent pairs", 1);
                }
            }
        }
    }
}

impl Component for Auditor {
    type Message = Message;
    type Config = AuditorConfig;
    type Disk = Numbers;
    type Timer = AuditorTimer;

    fn boot(cx: &mut Context<Self>, disk: &Numbers) -> Self {
        let first = Micros(cx.config().every.0 / 2);
        if first > Micros::ZERO {
            cx.set(AuditorTimer::Next, first);
        }
        Auditor { audit: Audit::boot(*disk), causes: 0, effects: 0 }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Branch(Said::Report(report)) => {
                let Some(told) = self.audit.on_report(cx.now(), from, report) else { return };
                if let Told::Totalled { total, due, .. } = &told {
                    cx.measure("audits", 1);
                    let (found, much) = match total.cmp(due) {
                        std::cmp::Ordering::Equal => ("audits that add up", 0),
                        std::cmp::Ordering::Less => ("money missing", due - total),
                        std::cmp::Ordering::Greater => ("money too much", total - due),
                    };
                    cx.measure(found, much);
                }
                if let Some(totals) = self.audit.totals {
                    cx.measure("time of an audit", totals.took.0);
                    cx.measure("money under way", totals.under_way);
                }
                cx.fact(Fact::Branch(told));
            }
            Message::Branch(Said::Page(lines)) => {
                for line in lines.iter() {
                    let luck = cx.rng().bits();
                    for compared in self.audit.on_line(line, cx.config().compares, luck) {
                        self.compared(cx, compared);
                    }
                }
            }
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: AuditorTimer) {
        match timer {
            AuditorTimer::Next => {
                Auditor::later(cx);
                if self.audit.next(&mut port(cx)) {
                    cx.measure("audits given up", 1);
                    cx.note("gives the last snapshot up: somebody has not reported");
                }
            }
            AuditorTimer::Numbered(snapshot) => {
                let branches: Vec<NodeId> = cx.peers_of(Branch::KIND).collect();
                let (method, notice) = (cx.config().method, cx.config().notice);
                self.audit.begin(&mut port(cx), snapshot, &branches, method, notice);
            }
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        Auditor::later(cx);
    }

    fn look(&self, _: &AuditorConfig) -> Look {
        let mut lines = Vec::new();
        if let Some(totals) = &self.audit.totals {
            lines.push(("last snapshot", totals.snapshot.to_string()));
            lines.push(("there was", totals.total.to_string()));
            lines.push(("of that under way", totals.under_way.to_string()));
            lines.push(("there should be", totals.due.to_string()));
            lines.push(("by the vectors", if totals.consistent { "consistent" } else { "not consistent" }.to_owned()));
            lines.push(("took", totals.took.to_string()));
        }
        lines.push(("given up", self.audit.given_up.to_string()));
        lines.push(("receipts after payments", self.causes.to_string()));
        lines.push(("receipts before payments", self.effects.to_string()));
        let open = self.audit.open();
        if let Some((snapshot, have, of)) = open {
            lines.push(("being taken", format!("{snapshot}: {have} of {of}")));
        }
        let role = if open.is_some() { "audits" } else { "waits" };
        Look { role: role.into(), star: false, ready: true, lines, log: Vec::new() }
    }

    fn timer_name(timer: &AuditorTimer) -> &'static str {
        match timer {
            AuditorTimer::Next => "next snapshot",
            AuditorTimer::Numbered(_) => "numbered",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Auditor {
    const KIND: &'static str = "auditor";
    const TITLE: &'static str = "Auditor";
    const ABOUT: &'static str =
        crate::later_text!("Has snapshots taken of branches, adds them up, and puts their journals into an order.");
    const GLYPH: Glyph = Glyph::Supervisor;
    const FAMILY: Family = Family::Control;
    const TALKS_TO: &'static [&'static str] = &["branch"];
}
