//! A time server: says what its clock shows.

use crate::protocols::Family;
use crate::protocols::time_sync::Message as Said;
use crate::sim::{Component, Context, Look, Micros, NodeId, Work};

use super::{Glyph, Message, Placeable};

crate::config! {
    /// What can be set about a time server.
    pub struct TimeServerConfig {
        /// By how much its clock may be wrong, as it says.
        error: Micros = Micros::ms(1), in 0.0, 60.0, "";
        /// How much longer its answers take than the questions did.
        way_back: Micros = Micros::ZERO, in 0.0, 60.0, "";
        /// Which share of questions it loses.
        loses: f64 = 0.0, in 0.0, 1.0, "";
    }
}

/// What a time server waits for: an answer to be on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Late(NodeId, Said);

/// A time server.
#[derive(Clone, Debug, Hash)]
pub struct TimeServer {
    answered: u64,
}

impl Component for TimeServer {
    type Message = Message;
    type Config = TimeServerConfig;
    type Disk = ();
    type Timer = Late;

    fn boot(_: &mut Context<Self>, (): &()) -> Self {
        TimeServer { answered: 0 }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let Message::TimeSync(Said::Request { t1 }) = message else {
            return super::not_understood(cx, from, &message);
        };
        // One draw, whatever comes of it.
        if cx.rng().unit() < cx.config().loses {
            return;
        }
        self.answered += 1;
        // It answers at once, so T2 and T3 are the same instant. What makes the way back longer comes after.
        let now = cx.now().0 as i64;
        let reply = Said::Reply { t1, t2: now, t3: now, error: cx.config().error };
        match cx.config().way_back {
            Micros::ZERO => cx.send(from, reply.into()),
            span => cx.set(Late(from, reply), span),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, Late(to, reply): Late) {
        cx.send(to, reply.into());
    }

    fn look(&self, _: &TimeServerConfig) -> Look {
        let lines = vec![("answered", self.answered.to_string())];
        Look { role: "serves".into(), star: false, ready: true, lines, log: Vec::new() }
    }

    fn timer_name(_: &Late) -> &'static str {
        "a longer way back"
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for TimeServer {
    const KIND: &'static str = "time-server";
    const TITLE: &'static str = "Time server";
    const ABOUT: &'static str = crate::later_text!("Says what its clock shows.");
    const GLYPH: Glyph = Glyph::Supervisor;
    const FAMILY: Family = Family::Control;
    const TALKS_TO: &'static [&'static str] = &["time-client"];
}
