//! A store of rows with versions: reads, and writes that are refused if the row has changed since it was read.

use crate::protocols::Family;
use crate::protocols::versioned::Message as Versioned;
use crate::sim::{Component, Context, Disk, Dist, Look, Machine, Micros, NodeId, Table};

use super::{Glyph, Message, Placeable};

crate::config! {
    /// What can be set about a store.
    pub struct StoreConfig {
        /// Whether it looks at versions; without that, writers undo one another's writes.
        checks: bool = true, in 0, 0, "";
    }
}

/// The rows that were ever written, and their versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rows(Table<u64, u64>);

impl Disk for Rows {
    type Write = (u64, u64);
    fn apply(&mut self, (row, version): (u64, u64)) {
        self.0.insert(row, version);
    }
}

/// A store waits for its disk alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// A write is on the disk.
    Stored {
        /// Who wanted it.
        to: NodeId,
        /// The question.
        attempt: u64,
        /// The row's new version.
        version: u64,
    },
}

/// A store.
#[derive(Clone, Debug, Hash)]
pub struct Store {
    /// As it will be when the disk has everything.
    rows: Rows,
    written: u64,
    conflicts: u64,
}

impl Component for Store {
    type Message = Message;
    type Config = StoreConfig;
    type Disk = Rows;
    type Timer = Timer;

    fn boot(_: &mut Context<Self>, disk: &Rows) -> Self {
        Store { rows: disk.clone(), written: 0, conflicts: 0 }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let current = |store: &Store, row: &u64| store.rows.0.get(row).copied().unwrap_or(0);
        match message {
            Message::Versioned(Versioned::Read { attempt, row }) => {
                cx.send(from, Versioned::Row { attempt, version: current(self, &row) }.into());
            }
            Message::Versioned(Versioned::Write { attempt, row, version }) => {
                let newest = current(self, &row);
                if cx.config().checks && version != newest {
                    self.conflicts += 1;
                    cx.measure("conflicts", 1);
                    return cx.send(from, Versioned::Conflict { attempt }.into());
                }
                let version = newest + 1;
                self.rows.apply((row, version));
                self.written += 1;
                cx.persist((row, version), Some(Timer::Stored { to: from, attempt, version }));
            }
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, Timer::Stored { to, attempt, version }: Timer) {
        cx.send(to, Versioned::Written { attempt, version }.into());
    }

    fn look(&self, _: &StoreConfig) -> Look {
        let lines = [("written", self.written), ("conflicts", self.conflicts), ("rows", self.rows.0.len() as u64)];
        let lines = lines.map(|(name, count)| (name, count.to_string())).to_vec();
        Look { role: "store".into(), ready: true, lines, ..Look::default() }
    }

    fn timer_name(_: &Timer) -> &'static str {
        "stored"
    }
}

impl Placeable for Store {
    const KIND: &'static str = "store";
    const TITLE: &'static str = "Versioned store";
    const ABOUT: &'static str = crate::later_text!(
        "Keeps rows with versions, and refuses a write of a row that has changed since it was read."
    );
    const GLYPH: Glyph = Glyph::Database;
    const FAMILY: Family = Family::Storage;
    const TALKS_TO: &'static [&'static str] = &["writer"];
    fn machine() -> Machine {
        Machine { service: Dist::Constant(Micros::ms(1)), inbox: 1_000, ..Machine::default() }
    }
}
