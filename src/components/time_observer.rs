//! An observer of clocks, who has one that is right, and sees all others without delay.

use crate::protocols::Family;
use crate::protocols::time_sync::{Message as Said, offset};
use crate::sim::{Component, Context, Look, NodeId, Table, Work};

use super::{Glyph, Message, Placeable};

crate::config! {
    /// What can be set about an observer.
    pub struct TimeObserverConfig {
        /// How many clocks it watches; of more it takes no notice.
        watches: u32 = 256, in 0, 4096, "";
    }
}

/// An observer.
#[derive(Clone, Debug, Hash)]
pub struct TimeObserver {
    /// How far each clock was ahead when it was last seen.
    ahead: Table<NodeId, i64>,
}

impl TimeObserver {
    fn spread(&self) -> i64 {
        let (least, most) = (self.ahead.values().min(), self.ahead.values().max());
        least.zip(most).map_or(0, |(least, most)| most - least)
    }
}

impl Component for TimeObserver {
    type Message = Message;
    type Config = TimeObserverConfig;
    type Disk = ();
    type Timer = ();

    fn boot(_: &mut Context<Self>, (): &()) -> Self {
        TimeObserver { ahead: Table::new() }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let Message::TimeSync(Said::Shows { reading }) = message else {
            return super::not_understood(cx, from, &message);
        };
        if self.ahead.len() >= cx.config().watches as usize && !self.ahead.contains_key(&from) {
            return;
        }
        let ahead = reading - cx.now().0 as i64;
        self.ahead.insert(from, ahead);
        cx.measure("clock error", ahead.unsigned_abs());
        cx.measure("spread of clocks", self.spread().unsigned_abs());
    }

    fn on_timer(&mut self, _: &mut Context<Self>, (): ()) {}

    fn look(&self, _: &TimeObserverConfig) -> Look {
        let each = self.ahead.iter().map(|(node, ahead)| ("ahead", format!("{node}: {}", offset(*ahead))));
        let lines = each.chain([("spread", offset(self.spread()))]).collect();
        Look { role: "observes".into(), star: false, ready: true, lines, log: Vec::new() }
    }

    fn timer_name((): &()) -> &'static str {
        ""
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for TimeObserver {
    const KIND: &'static str = "time-observer";
    const TITLE: &'static str = "Observer of clocks";
    const ABOUT: &'static str = crate::later_text!("Has a clock that is right, and measures how wrong others are.");
    const GLYPH: Glyph = Glyph::Client;
    const FAMILY: Family = Family::People;
    const TALKS_TO: &'static [&'static str] = &["time-client"];
}
