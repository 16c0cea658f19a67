//! Raft as an expert reads it: transcripts of what the papers tell, as accepted in tests/golden/raft; the published times
//! of elections; and the same script in another implementation. `UPDATE_GOLDEN=1 cargo test --test raft` accepts what the
//! transcripts are now; read them first.
#![cfg(not(target_arch = "wasm32"))]

#[path = "shared/binary.rs"]
mod binary;
#[path = "shared/golden.rs"]
mod golden;

use std::collections::BTreeMap;
use std::rc::Rc;

use faultline::components::{Fact, Message as Said, Record, Step, What};
use faultline::protocols::raft::{
    Command, Entry, Log, Member, Message, Mistake, Reads, Role, Rules, Server, Snapshot, Store, Timer, Write,
};
use faultline::scenario::{Document, Run};
use faultline::sim::{Micros, NodeId, Port, Purpose, Stream, Time};

/// A client and servers, with delays that one can reckon with: 10 ms a link, 2 ms a write, and no service times.
fn small(servers: u32, client: &str, server: &str, cues: &str) -> String {
    format!(
        r#"
name = "small-raft"
title = "A small Raft cluster"
seed = 1
length = "10s"
checks = ["messages", "raft", {{ linearizable = {{ name = "one-copy", model = "kv", every = "1s" }} }}]
[[groups]]
name = "client"
kind = "kv-client"
config = {{ keys = 1, {client} }}
[[groups]]
name = "servers"
prefix = "server"
kind = "raft-node"
count = {servers}
startup = "100ms"
service = {{ constant = "0s" }}
disk = {{ constant = "2ms" }}
config = {{ heartbeat = "60ms", {server} }}
[[links]]
between = ["client", "servers"]
delay.constant = "10ms"
[[links]]
between = ["servers", "servers"]
delay.constant = "10ms"
{cues}
"#
    )
}

/// The transcript of a document in which nothing is broken.
#[track_caller]
fn transcript(document: &str, arguments: &[&str]) -> String {
    let text = binary::traced(document, arguments);
    let mut run =
        Run::new(Rc::new(Document::from_toml(document).expect("it is right")), 1).expect("it has no problems");
    run.run_until(Time(10_000_000), &mut ());
    assert_eq!(run.violations()[..], [], "in this and in what comes of it nothing is broken");
    // The last line has the digest, which any new setting of a component changes.
    text.rsplit_once("\n\n").expect("a last line").0.to_owned() + "\n"
}

macro_rules! compare {
    ($name:literal, $found:expr) => {
        golden::compare(concat!("raft/", $name, ".txt"), include_str!(concat!("golden/raft/", $name, ".txt")), &$found)
    };
}

/// Three of four stand before they hear of one another: two votes, one and one. In the next term one is first.
#[test]
fn an_election_with_a_split_vote() {
    let config = r#"election_min = "150ms", election_max = "170ms", pre_vote = false"#;
    let document = small(4, "rate = 0.0", config, "");
    compare!("split-vote", transcript(&document, &["--from", "100ms", "--until", "370ms", "--node", "servers"]));
}

/// A leader is cut off from the others, not from its client. What it takes in stays uncommitted, another is elected, and
/// when the links are mended the entries go.
#[test]
fn a_leader_cut_off_with_uncommitted_entries() {
    let cues = r#"
[[cues]]
at = "500ms"
then = [{ partition = { sides = [["server-1"], ["server-2", "server-3"]] } }]
[[cues]]
at = "800ms"
then = [{ heal-all = {} }]
"#;
    let client =
        r#"rate = 20.0, reads = 0.2, compares = 0.0, asks = "last", timeout = "80ms", attempts = 8, pause = "30ms""#;
    let document = small(3, client, "check_quorum = false, reads = \"log\"", cues);
    compare!("cut-off", transcript(&document, &["--from", "500ms", "--until", "930ms"]));
}

/// A fourth server asks to be added. The leader crashes when it has just appended the configuration; the next leader has
/// it too, and commits it.
#[test]
fn a_membership_change_with_a_crash_in_it() {
    let cues = r#"
[[cues]]
at = "1s"
then = [{ add = { what = "servers" } }]
[[cues]]
at = "1170ms"
then = [{ kill = { node = "server-1" } }]
[[cues]]
at = "1500ms"
then = [{ restart = { node = "server-1" } }]
"#;
    let document = small(3, "rate = 0.0", "", cues);
    compare!("membership", transcript(&document, &["--from", "1090ms", "--until", "1700ms", "--node", "servers"]));
}

/// A server was down while the others discarded what it lacks.
#[test]
fn a_snapshot_installed() {
    let cues = r#"
[[cues]]
at = "500ms"
then = [{ kill = { node = "server-1" } }]
[[cues]]
at = "1s"
then = [{ restart = { node = "server-1" } }]
"#;
    let client = r#"rate = 20.0, reads = 0.0, compares = 0.0, asks = "last", timeout = "80ms", attempts = 8"#;
    let document = small(3, client, "compaction = 5", cues);
    compare!("snapshot", transcript(&document, &["--from", "990ms", "--until", "1250ms"]));
}

/// A person wants another server to lead: the leader brings it up to date, and tells it to stand at once.
#[test]
fn leadership_handed_over() {
    let cues = r#"
[[cues]]
at = "1s"
then = [{ set = { node = "server-2", field = "wish", value = "lead" } }]
"#;
    let client = r#"rate = 20.0, reads = 0.5, asks = "last", timeout = "80ms", attempts = 8"#;
    compare!("transfer", transcript(&small(3, client, "", cues), &["--from", "980ms", "--until", "1120ms"]));
}

/// Something that will happen to a server.
enum Next {
    Heard(NodeId, Message),
    Due(Timer),
}

/// A server's port: messages take 0.2 ms, a write 4 ms, one after another.
struct Desk {
    id: NodeId,
    now: Time,
    luck: Stream,
    disk: Time,
    out: Vec<(Time, NodeId, Next)>,
    timers: Vec<(Timer, Time)>,
}

const HOP: Micros = Micros(200);
const DISK: Micros = Micros::ms(4);

impl Port for Desk {
    type Message = Message;
    type Timer = Timer;
    type Write = Write;
    fn id(&self) -> NodeId {
        self.id
    }
    fn now(&self) -> Time {
        self.now
    }
    fn rng(&mut self) -> &mut Stream {
        &mut self.luck
    }
    fn send(&mut self, to: NodeId, message: Message) {
        self.out.push((self.now + HOP, to, Next::Heard(self.id, message)));
    }
    fn set(&mut self, timer: Timer, span: Micros) {
        self.cancel(&timer);
        self.timers.push((timer, self.now + span));
        self.out.push((self.now + span, self.id, Next::Due(timer)));
    }
    fn cancel(&mut self, timer: &Timer) {
        self.timers.retain(|(set, _)| set != timer);
    }
    fn persist(&mut self, _: Write, done: Option<Timer>) {
        self.disk = self.disk.max(self.now) + DISK;
        if let Some(timer) = done {
            self.timers.push((timer, self.disk));
            self.out.push((self.disk, self.id, Next::Due(timer)));
        }
    }
    fn note(&mut self, _: String) {}
}

/// How long after the last heartbeat of the old leader another sends its first: four survivors with four different logs,
/// so that only two of them can be elected.
fn elected_after(rules: &Rules, trial: u64) -> Time {
    let founders: Rc<[Member]> = (0..5).map(|node| Member { node: NodeId(node), life: 0 }).collect();
    let snapshot = Rc::new(Snapshot { members: founders, ..Snapshot::default() });
    let mut queue: BTreeMap<(Time, u64), (NodeId, Next)> = BTreeMap::new();
    let (mut seats, mut count) = (Vec::new(), 0);
    for id in 0..4u32 {
        let entries = vec![Entry::new(1, Command::Noop); id as usize + 1];
        let store = Store { used: true, term: 1, log: Log::new(snapshot.clone(), entries), ..Store::default() };
        let luck = Stream::new(trial, Purpose::Node(id));
        let mut desk =
            Desk { id: NodeId(id), now: Time::ZERO, luck, disk: Time::ZERO, out: Vec::new(), timers: Vec::new() };
        // As right after a heartbeat.
        let server = Server::boot(&mut desk, rules, &store, &[]);
        seats.push((server, desk));
    }
    loop {
        for (_, desk) in &mut seats {
            for (at, to, next) in desk.out.drain(..).filter(|(_, to, _)| to.0 < 4) {
                count += 1;
                queue.insert((at, count), (to, next));
            }
        }
        let ((now, _), (id, next)) = queue.pop_first().expect("somebody waits for a leader");
        if now > Time(60_000_000) {
            return now;
        }
        let (server, desk) = &mut seats[id.0 as usize];
        desk.now = now;
        match next {
            Next::Heard(from, message) => server.on_message(desk, rules, from, message),
            Next::Due(timer) => {
                let Some(place) = desk.timers.iter().position(|set| *set == (timer, now)) else { continue };
                desk.timers.remove(place);
                server.on_timer(desk, rules, timer);
            }
        }
        if matches!(server.role(), Role::Leader(_)) {
            assert!(id.0 >= 2, "a log that most others surpass");
            return now;
        }
    }
}

/// Milliseconds without a leader, of a thousand trials, ascending: the leader crashes anywhere between two heartbeats.
fn downtimes(min: u64, max: u64) -> Vec<f64> {
    let rules = Rules {
        election_min: Micros::ms(min),
        election_max: Micros::ms(max),
        heartbeat: Micros(min * 500),
        pre_vote: false,
        check_quorum: false,
        reads: Reads::Log,
        batch: 64,
        compaction: 1_000,
        mistake: Mistake::None,
    };
    let one = |trial: u64| {
        let crashed = Stream::new(trial, Purpose::Faults).unit() * min as f64 / 2.0;
        elected_after(&rules, trial).0 as f64 / 1000.0 - crashed
    };
    let mut all: Vec<f64> = (0..1_000).map(one).collect();
    all.sort_by(f64::total_cmp);
    all
}

/// Ongaro and Ousterhout 2014, figure 16: medians in milliseconds, by the spread of the election time-out.
#[test]
fn elections_take_as_long_as_published() {
    for (min, max, published) in
        [(150, 175, 141.0), (150, 200, 146.5), (150, 300, 171.3), (25, 50, 43.0), (50, 100, 66.7), (100, 200, 120.1)]
    {
        let all = downtimes(min, max);
        let (median, mean) = (all[500], all.iter().sum::<f64>() / 1000.0);
        println!(
            "{min} to {max} ms: median {median:.1}, published {published}, mean {mean:.1}, longest {:.0}",
            all[999]
        );
        assert!((median / published - 1.0).abs() < 0.1, "{min} to {max} ms: {median:.1}, published {published}");
    }
    // Hardly any spread: the votes are split again and again. The published times there are of real timers; only the order
    // counts.
    let medians: Vec<f64> = [151, 155, 175].map(|max| downtimes(150, max)[500]).into();
    println!("150 to 151, 155, 175 ms: medians {medians:.0?}");
    assert!(medians.is_sorted_by(|a, b| a > b), "{medians:.0?}");
}

/// Of five servers a write costs four AppendEntries and four replies beside the client's two messages, and one round trip
/// between servers.
#[test]
fn a_write_costs_two_messages_a_follower() {
    let client = r#"rate = 5.0, reads = 0.0, compares = 0.0, asks = "last", attempts = 1000, timeout = "20s""#;
    let server = r#"election_min = "10s", election_max = "12s", compaction = 1000"#;
    let text = small(5, client, server, "").replace("heartbeat = \"60ms\"", "heartbeat = \"5s\"");
    let mut run = Run::new(Rc::new(Document::from_toml(&text).expect("it is right")), 1).expect("it has no problems");
    let mut records: Vec<Record> = Vec::new();
    run.run_until(Time(60_000_000), &mut records);
    let sent = |is: fn(&Message) -> bool| {
        let of =
            |record: &&Record| matches!(&record.what, What::Sent { message: Said::Raft(message), .. } if is(message));
        records.iter().filter(of).count()
    };
    let entries = sent(|message| matches!(message, Message::AppendEntries { entries, .. } if !entries.is_empty()));
    let replies = sent(|message| matches!(message, Message::AppendEntriesReply { beat: false, .. }));
    let of = |step: Step| {
        let is =
            |record: &&Record| matches!(&record.what, What::Fact(Fact::Operation { step: told, .. }) if *told == step);
        records.iter().filter(is).count()
    };
    let done = of(Step::Ok);
    assert!(done > 100 && of(Step::Invoke) <= done + 1);
    // The no-op of the only leader costs the same; the last write may be under way.
    assert!((4 * (done + 1)..=4 * (done + 2)).contains(&entries), "{entries} of {done}");
    assert!((4 * (done + 1)..=4 * (done + 2)).contains(&replies), "{replies} of {done}");
}
