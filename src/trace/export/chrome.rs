//! Chrome's trace events, as Perfetto opens them: a process a node, a thread a core, and one for what takes no time;
//! flows for messages, asynchronous slices for requests, counters for inboxes.

use crate::components::{Record, What};
use crate::protocols::Form;
use crate::sim::{NodeId, Payload, RecordId, Time};

use super::super::load::levels;
use super::super::spans::Span;
use super::json::Object;
use super::{Stretch, json};

/// The thread of what takes no time.
const EVENTS: u32 = 0;

/// One event, and where it stands among the others.
struct Event {
    /// Node, thread, time; then what ends before what begins; then the order in which they were found.
    key: (u32, u32, u64, u8, u32),
    text: String,
}

/// All of them.
struct Sheet<'a, 'b> {
    stretch: &'a Stretch<'b>,
    events: Vec<Event>,
    /// Of each place among the records whether a service of it ended there, and on which thread.
    lanes: Vec<(NodeId, Vec<Time>)>,
}

/// At one instant of a thread: what leaves the slice that ends, its end, the next beginning, what comes to it.
const LEAVES: u8 = 0;
const ENDS: u8 = 1;
const BEGINS: u8 = 2;
const COMES: u8 = 3;

/// The whole file: `{"traceEvents": […], …}`. Times are microseconds of the simulation.
pub fn chrome(stretch: &Stretch) -> String {
    let mut sheet = Sheet { stretch, events: Vec::new(), lanes: Vec::new() };
    sheet.slices();
    sheet.requests();
    sheet.counters();
    sheet.names();
    sheet.events.sort_unstable_by_key(|event| event.key);
    let mut out = "{\"displayTimeUnit\":\"ms\",\"otherData\":".to_owned();
    let mut other = Object::open(&mut out);
    other.text("scenario", stretch.title).text("seed", &stretch.world.seed().to_string());
    other.text("until", &stretch.world.now().to_string());
    other.close();
    out.push_str(",\"traceEvents\":[\n");
    for (place, event) in sheet.events.iter().enumerate() {
        out.push_str(if place > 0 { ",\n" } else { "" });
        out.push_str(&event.text);
    }
    out.push_str("\n]}\n");
    out
}

impl Sheet<'_, '_> {
    fn put(&mut self, rank: u8, phase: &str, (node, thread): (NodeId, u32), at: Time, fill: &dyn Fn(&mut Object)) {
        let mut text = String::new();
        let mut event = Object::open(&mut text);
        event.text("ph", phase).plain("pid", node.0 + 1).plain("tid", thread).plain("ts", at.0);
        fill(&mut event);
        event.close();
        let found = self.events.len() as u32;
        // Where nothing takes time the order of the records is the order of all.
        let rank = if thread == EVENTS { 0 } else { rank };
        self.events.push(Event { key: (node.0 + 1, thread, at.0, rank, found), text });
    }

    /// What each record that ran a handler did: a slice, what came to it, and what left it.
    fn slices(&mut self) {
        let stretch = self.stretch;
        let records = stretch.course.records();
        // What each record brought about, in the order of the records.
        let mut effects: Vec<(u32, u32)> =
            (0..records.len()).filter_map(|place| Some((stretch.course.cause(place)? as u32, place as u32))).collect();
        effects.sort_unstable();
        let of = |place: usize| {
            let first = effects.partition_point(|(cause, _)| (*cause as usize) < place);
            effects[first..].iter().take_while(move |(cause, _)| *cause as usize == place).map(|(_, effect)| *effect)
        };
        for (place, record) in records.iter().enumerate() {
            if record.at < stretch.from {
                continue;
            }
            let sent: Vec<&Record> = of(place)
                .map(|effect| records[effect as usize])
                .filter(|effect| matches!(effect.what, What::Sent { .. }))
                .collect();
            let served = || of(place).any(|effect| matches!(records[effect as usize].what, What::Served { .. }));
            match &record.what {
                What::Served { name, took, .. } => {
                    let begun = Time(record.at.0 - took.0.min(record.at.0));
                    let came = stretch.course.cause(place).map(|arrived| records[arrived]);
                    let core = (record.node, self.lane(record.node, begun, record.at));
                    self.put(BEGINS, "B", core, begun, &|event| {
                        event.text("name", name).text("cat", "service");
                    });
                    came.into_iter().for_each(|came| self.flow_end(came, core, begun));
                    sent.iter().for_each(|sent| self.flow_start(sent, core));
                    self.put(ENDS, "E", core, record.at, &|_| {});
                }
                // What was served later, or is waiting, came to the slice of its service.
                What::Arrived { message, .. } if !served() => self.instant(record, message.name(), Some(record), &sent),
                What::Lost { why, message, .. } => {
                    self.lost(record, &format!("{} lost: {}", message.name(), why.word()))
                }
                What::Crashed { .. } | What::Booted | What::Removed | What::Paused | What::Resumed
                    if sent.is_empty() =>
                {
                    let word = super::super::kind_word(&record.what);
                    self.put(BEGINS, "i", (record.node, EVENTS), record.at, &|event| {
                        event.text("name", word).text("cat", "node").text("s", "p");
                    });
                }
                // A copy leaves nobody: it stands by itself.
                What::Duplicated { message, .. } => self.instant(record, message.name(), None, &[record]),
                _ if !sent.is_empty() => {
                    let name = match &record.what {
                        What::Timer { name } => name,
                        other => super::super::kind_word(other),
                    };
                    self.instant(record, name, None, &sent);
                }
                _ => {}
            }
        }
        self.under_way();
    }

    /// A slice that takes no time; and one more where what left did so later, as from a node that was paused.
    fn instant(&mut self, record: &Record, name: &str, came: Option<&Record>, sent: &[&Record]) {
        let events = (record.node, EVENTS);
        let (sent, later): (Vec<&Record>, Vec<&Record>) = sent.iter().partition(|sent| sent.at == record.at);
        if let Some(first) = later.first().copied() {
            self.put(BEGINS, "B", events, first.at, &|event| {
                event.text("name", name).text("cat", "event");
            });
            later.iter().for_each(|sent| self.flow_start(sent, events));
            self.put(ENDS, "E", events, first.at, &|_| {});
        }
        self.put(BEGINS, "B", events, record.at, &|event| {
            event.text("name", name).text("cat", "event");
        });
        came.into_iter().for_each(|came| self.flow_end(came, events, record.at));
        sent.iter().for_each(|sent| self.flow_start(sent, events));
        self.put(ENDS, "E", events, record.at, &|_| {});
    }

    fn flow_start(&mut self, sent: &Record, from: (NodeId, u32)) {
        let (What::Sent { message, .. } | What::Duplicated { message, .. }) = &sent.what else { return };
        self.put(LEAVES, "s", from, sent.at, &|event| {
            event.text("name", message.name()).text("cat", "message").plain("id", sent.id.0);
        });
    }

    /// A message that left within the stretch came.
    fn flow_end(&mut self, came: &Record, to: (NodeId, u32), at: Time) {
        let What::Arrived { message, .. } = &came.what else { return };
        if !self.left_within(came.cause) {
            return;
        }
        self.put(COMES, "f", to, at, &|event| {
            event.text("name", message.name()).text("cat", "message").plain("id", came.cause.0).text("bp", "e");
        });
    }

    /// Whether this is the sending of a message, within what is asked for.
    fn left_within(&self, sent: RecordId) -> bool {
        let sent = self.stretch.course.get(sent).filter(|sent| sent.at >= self.stretch.from);
        sent.is_some_and(|sent| matches!(sent.what, What::Sent { .. } | What::Duplicated { .. }))
    }

    /// A message that ended otherwise; `args.message` is the flow's number, where it was under way.
    fn lost(&mut self, record: &Record, told: &str) {
        let message = Some(record.cause).filter(|cause| self.left_within(*cause));
        self.put(BEGINS, "i", (record.node, EVENTS), record.at, &|event| {
            event.text("name", told).text("cat", "lost").text("s", "t");
            event.object("args", |args| {
                if let Some(message) = message {
                    args.plain("message", message.0);
                }
            });
        });
    }

    /// Messages that are under way, or wait, where the stretch ends: their flows have no end yet.
    fn under_way(&mut self) {
        let now = self.stretch.world.now();
        for flight in self.stretch.world.flights().filter(|flight| self.stretch.course.get(flight.record).is_some()) {
            if !self.left_within(flight.record) {
                continue;
            }
            let told = format!("{} under way", flight.message.name());
            self.put(BEGINS, "i", (flight.from, EVENTS), now, &|event| {
                event.text("name", &told).text("cat", "under way").text("s", "t");
                event.object("args", |args| {
                    args.plain("message", flight.record.0);
                });
            });
        }
    }

    /// A thread of the node on which nothing is being served from `begun` on.
    fn lane(&mut self, node: NodeId, begun: Time, until: Time) -> u32 {
        let place = self.lanes.iter().position(|(of, _)| *of == node).unwrap_or_else(|| {
            self.lanes.push((node, Vec::new()));
            self.lanes.len() - 1
        });
        let free = &mut self.lanes[place].1;
        let lane = free.iter().position(|end| *end <= begun).unwrap_or_else(|| {
            free.push(Time::ZERO);
            free.len() - 1
        });
        free[lane] = until;
        lane as u32 + 1
    }

    /// Each chain that asks for something: from its beginning to the last thing that was done for it.
    fn requests(&mut self) {
        let spans = &self.stretch.spans;
        let mut ends: Vec<Option<(Time, bool)>> = vec![None; spans.len()];
        for span in spans {
            let end = ends[span.root as usize].get_or_insert((span.end, false));
            let asks = matches!(span.form, Some(Form::Request));
            *end = (end.0.max(span.end), end.1 || asks);
        }
        let whole = |(place, end): (usize, &Option<(Time, bool)>)| Some((place, end.filter(|(_, asks)| *asks)?.0));
        let found: Vec<(usize, Time)> = ends.iter().enumerate().filter_map(whole).collect();
        for (place, end) in found {
            let root: &Span = &spans[place];
            if root.sent < self.stretch.from {
                continue;
            }
            for (phase, at) in [("b", root.sent), ("e", end)] {
                self.put(BEGINS, phase, (root.node, EVENTS), at, &|event| {
                    event.text("name", root.name).text("cat", "request").text("id", &format!("0x{:x}", root.record.0));
                });
            }
        }
    }

    fn counters(&mut self) {
        for level in levels(&self.stretch.spans, self.stretch.world) {
            if level.at >= self.stretch.from {
                self.put(BEGINS, "C", (level.node, EVENTS), level.at, &|event| {
                    event.text("name", "waiting").object("args", |args| {
                        args.plain("messages", level.waiting);
                    });
                });
            }
        }
    }

    /// What the processes and threads are called; it stands before everything else of theirs.
    fn names(&mut self) {
        let mut tracks: Vec<(u32, u32)> = self.events.iter().map(|event| (event.key.0, event.key.1)).collect();
        tracks.sort_unstable();
        tracks.dedup();
        let mut last = 0;
        for (process, thread) in tracks {
            let named = |kind: &str, name: &str| {
                let mut text = String::new();
                let mut event = Object::open(&mut text);
                event.text("ph", "M").plain("pid", process).plain("tid", thread).text("name", kind);
                event.object("args", |args| json::text(args.name("name"), name));
                event.close();
                text
            };
            if process != last {
                last = process;
                let name = self.stretch.world.name(NodeId(process - 1));
                self.events.push(Event { key: (0, process, 0, 0, 0), text: named("process_name", name) });
            }
            let name = if thread == EVENTS { "events".to_owned() } else { format!("core {thread}") };
            self.events.push(Event { key: (0, process, 1, 0, thread), text: named("thread_name", &name) });
        }
    }
}
