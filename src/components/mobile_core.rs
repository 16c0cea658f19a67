//! The core of a cellular network: knows in which tracking area each phone is, by which tower its call goes, and pages it
//! when somebody calls it.

use crate::protocols::Family;
use crate::protocols::cellular::{Message as Cellular, Told};
use crate::sim::{Component, Context, Look, Micros, NodeId, Table, Work};

use super::{Fact, Glyph, Message, Placeable};

/// How many phones a core knows at most; no more are registered.
pub const MAX_PHONES: usize = 20_000;

crate::config! {
    /// What can be set about a core.
    pub struct MobileCoreConfig {
        /// How many calls come from outside for one of the phones, on average.
        rate: f64 = 0.4, in 0.0, 1000.0, "1/s";
        /// How long it waits for a phone that it has paged before it pages again.
        again: Micros = Micros::ms(1500), in 0.1, 60, "";
        /// How often it pages before it gives up.
        pages: u32 = 3, in 1, 20, "";
    }
}

/// What a core waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The next call from outside.
    Call,
    /// This phone.
    Page(NodeId),
}

/// A core.
#[derive(Clone, Debug, Hash)]
pub struct MobileCore {
    /// In which area each tower stands.
    towers: Table<NodeId, u32>,
    /// In which area each phone is.
    phones: Table<NodeId, u32>,
    /// By which tower each call goes.
    paths: Table<NodeId, NodeId>,
    /// Who is paged, and how often they were.
    paged: Table<NodeId, u32>,
}

impl MobileCore {
    fn next(cx: &mut Context<Self>) {
        let unit = cx.load_rng().unit();
        if cx.config().rate > 0.0 {
            cx.set(Timer::Call, Micros::from_f64(-libm::log(1.0 - unit) * 1e6 / cx.config().rate));
        } else {
            cx.cancel(&Timer::Call);
        }
    }

    fn page(&mut self, cx: &mut Context<Self>, phone: NodeId) {
        let Some(area) = self.phones.get(&phone).copied() else { return };
        *self.paged.or_default(phone) += 1;
        for (tower, _) in self.towers.iter().filter(|(_, in_area)| **in_area == area) {
            cx.send(*tower, Cellular::Paging { phone }.into());
        }
        cx.set(Timer::Page(phone), cx.config().again);
    }

    fn found(&mut self, cx: &mut Context<Self>, phone: NodeId) -> bool {
        cx.cancel(&Timer::Page(phone));
        self.paged.remove(&phone).is_some()
    }
}

impl Component for MobileCore {
    type Message = Message;
    type Config = MobileCoreConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        MobileCore::next(cx);
        MobileCore { towers: Table::new(), phones: Table::new(), paths: Table::new(), paged: Table::new() }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let Message::Cellular(message) = message else { return super::not_understood(cx, from, &message) };
        match message {
            Cellular::S1SetupRequest { area } => self.towers.insert(from, area),
            Cellular::TrackingAreaUpdate { phone, area }
                if self.phones.len() < MAX_PHONES || self.phones.contains_key(&phone) =>
            {
                self.phones.insert(phone, area);
                // Who says so has no call, whatever became of the last one.
                self.paths.remove(&phone);
                cx.send(from, Cellular::TrackingAreaUpdateAccept { phone, area }.into());
            }
            Cellular::InitialUeMessage { phone, paged } => {
                self.paths.insert(phone, from);
                if self.found(cx, phone) && paged {
                    cx.measure("found", 1);
                    cx.fact(Fact::Cellular(Told::PageAnswered { phone }));
                }
            }
            Cellular::PathSwitchRequest { phone } => {
                self.paths.insert(phone, from);
                cx.send(from, Cellular::PathSwitchRequestAcknowledge { phone }.into());
            }
            Cellular::UeContextReleaseRequest { phone } if self.paths.get(&phone) == Some(&from) => {
                self.paths.remove(&phone);
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Call => {
                MobileCore::next(cx);
                let draw = cx.load_rng().bits();
                let count = self.phones.len().max(1) as u64;
                let phone = self.phones.keys().nth((draw % count) as usize).copied();
                // Who is in a call has no need to be found.
                let phone = phone.filter(|phone| !self.paths.contains_key(phone) && !self.paged.contains_key(phone));
                if let Some(phone) = phone {
                    self.page(cx, phone);
                }
            }
            Timer::Page(phone) => {
                if self.paged.get(&phone).is_some_and(|pages| *pages >= cx.config().pages) {
                    self.found(cx, phone);
                    cx.measure("not found", 1);
                    return cx.fact(Fact::Cellular(Told::PageLost { phone }));
                }
                self.page(cx, phone);
            }
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        MobileCore::next(cx);
    }

    fn look(&self, _: &MobileCoreConfig) -> Look {
        let calls = self.paths.len();
        let lines = vec![
            ("phones", self.phones.len().to_string()),
            ("calls", calls.to_string()),
            ("paged", self.paged.len().to_string()),
        ];
        Look { role: format!("{calls} calls").into(), ready: true, lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Call => "next call",
            Timer::Page(_) => "page again",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for MobileCore {
    const KIND: &'static str = "mobile-core";
    const TITLE: &'static str = "Mobile core";
    const ABOUT: &'static str =
        crate::later_text!("Knows in which area each phone is and by which tower its call goes, and pages it.");
    const GLYPH: Glyph = Glyph::Database;
    const FAMILY: Family = Family::Control;
    const TALKS_TO: &'static [&'static str] = &["tower"];
}
