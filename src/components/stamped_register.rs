//! A register in which the last writer wins, by the writers' own clocks.

use crate::protocols::Family;
use crate::protocols::time_sync::{Message as Said, Reading, Told, shown};
use crate::sim::{Component, Context, Look, NodeId, Work};

use super::{Fact, Glyph, Message, Placeable};

crate::choice! {
    /// Which of two writes stays.
    pub enum Resolves {
        /// The one with the later stamp.
        Stamps = "stamps",
        /// The first whose writer has seen what stands there; the other has to look again.
        Seen = "seen",
    }
}

crate::config! {
    /// What can be set about a register.
    pub struct StampedRegisterConfig {
        /// Which of two writes stays; by stamps is a mistake where clocks may be wrong.
        resolves: Resolves = Resolves::Stamps, in 0, 0, "";
    }
}

/// A register.
#[derive(Clone, Debug, Hash)]
pub struct StampedRegister {
    stands: Option<Reading>,
    writer: Option<NodeId>,
    kept: u64,
    /// Dropped: since somebody else wrote later, and although the writer had seen what stands there.
    late: u64,
    lost: u64,
}

impl Component for StampedRegister {
    type Message = Message;
    type Config = StampedRegisterConfig;
    type Disk = ();
    type Timer = ();

    fn boot(_: &mut Context<Self>, (): &()) -> Self {
        StampedRegister { stands: None, writer: None, kept: 0, late: 0, lost: 0 }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::TimeSync(Said::Get) => cx.send(from, Said::Stands { stamp: self.stands }.into()),
            Message::TimeSync(Said::Put { stamp, seen }) => {
                let kept = match cx.config().resolves {
                    Resolves::Stamps => self.stands.is_none_or(|stands| stamp > stands),
                    Resolves::Seen => seen == self.stands,
                };
                if kept {
                    // A stamp names what stands there, so it is another one each time.
                    let stamp = self.stands.map_or(stamp, |stands| stamp.max(stands + 1));
                    (self.stands, self.writer) = (Some(stamp), Some(from));
                    self.kept += 1;
                } else if let Some(stands) = self.stands.filter(|_| seen.is_some_and(|seen| seen >= stamp))
                    && cx.config().resolves == Resolves::Stamps
                {
                    self.lost += 1;
                    cx.measure("writes lost to what they came after", 1);
                    cx.fact(Fact::TimeSync(Told::OlderWins { stands, dropped: stamp }));
                } else {
                    self.late += 1;
                }
                cx.send(from, Said::Answer { kept }.into());
            }
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, _: &mut Context<Self>, (): ()) {}

    fn look(&self, _: &StampedRegisterConfig) -> Look {
        let mut lines = vec![
            ("kept", self.kept.to_string()),
            ("dropped, another was later", self.late.to_string()),
            ("dropped, though they came after", self.lost.to_string()),
        ];
        if let Some((writer, stands)) = self.writer.zip(self.stands) {
            lines.push(("stands", format!("{writer}, at {}", shown(stands))));
        }
        Look { role: "keeps".into(), star: false, ready: true, lines, log: Vec::new() }
    }

    fn timer_name((): &()) -> &'static str {
        ""
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for StampedRegister {
    const KIND: &'static str = "stamped-register";
    const TITLE: &'static str = "Register of the last writer";
    const ABOUT: &'static str = crate::later_text!("Keeps what has the latest time, by the clocks of those who write.");
    const GLYPH: Glyph = Glyph::Database;
    const FAMILY: Family = Family::Storage;
    const TALKS_TO: &'static [&'static str] = &["time-client"];
}
