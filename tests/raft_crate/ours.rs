//! Ours, on the network of the test.

use std::collections::BTreeMap;

use faultline::protocols::kv::{self, Op};
use faultline::protocols::raft::{
    Command, Entry, Message, Mistake, News, Reads, Role, Rules, Server as Raft, Store, Timer, Write,
};
use faultline::sim::{Disk, Micros, NodeId, Purpose, Stream, Time};

use super::{COMPACTION, Did, Heard, KEYS, Kind, MS, Net, PROPOSALS, SERVERS, Seen, Server};

/// Each proposal is the first and only one of a client with a number of its own.
const CLIENTS: u32 = 100;

#[expect(dead_code, reason = "each server here has luck of its own")]
#[path = "../../src/protocols/testing.rs"]
mod testing;

type Desk = testing::Desk<Message, Timer, Write>;

struct Ours {
    raft: Raft,
    rules: Rules,
    desk: Desk,
    store: Store,
    /// Which proposal stands at which index of its log, and up to where it has applied it.
    log: BTreeMap<u64, Option<u64>>,
    up_to: u64,
    applied: Vec<(u64, u64)>,
    told: Vec<(u64, Heard)>,
}

fn founders() -> Vec<NodeId> {
    (0..SERVERS as u32).map(NodeId).collect()
}

fn command(number: u64) -> Command {
    let client = NodeId(CLIENTS + number as u32);
    Command::Ask { client, number: 1, key: (number % KEYS) as u32, op: Op::Write(number) }
}

/// Which proposal an entry is.
fn number(stamp: (u64, u64)) -> Option<u64> {
    (1..=PROPOSALS).find(|number| Entry::new(stamp.0, command(*number)).stamp() == stamp)
}

impl Ours {
    fn new(id: usize, seed: u64, mistake: Mistake) -> Ours {
        let rules = Rules {
            election_min: Micros::ms(150),
            election_max: Micros::ms(300),
            heartbeat: Micros::ms(50),
            pre_vote: true,
            check_quorum: true,
            reads: Reads::Index,
            batch: 64,
            compaction: COMPACTION as u32,
            mistake,
        };
        let id = NodeId(id as u32);
        let luck = Stream::new(seed, Purpose::Node(id.0));
        let mut desk = Desk::with_luck(id.0, luck);
        let store = Store::default();
        let raft = Raft::boot(&mut desk, &rules, &store, &founders());
        let (log, applied, told) = (BTreeMap::new(), Vec::new(), Vec::new());
        Ours { raft, rules, desk, store, log, up_to: 0, applied, told }
    }

    /// What it wrote reaches the disk, and what has happened is taken down.
    fn did(&mut self) -> Did<Message> {
        while !self.desk.writes.is_empty() {
            let (write, done) = self.desk.writes.remove(0);
            self.store.apply(write);
            if let Some(timer) = done {
                self.raft.on_timer(&mut self.desk, &self.rules, timer);
            }
        }
        for news in self.raft.news() {
            match news {
                News::Appended { index, entries, .. } => self.put(index, &entries),
                News::Restored { index, entries, .. } => {
                    self.put(index + 1, &entries);
                    self.up_to = index;
                }
                News::Applied { index, .. } if index > self.up_to => {
                    let came = self.log.range(self.up_to + 1..=index);
                    self.applied.extend(came.filter_map(|(index, number)| Some((*index, (*number)?))));
                    self.up_to = index;
                }
                News::Answer { client, message } => {
                    let heard = match message {
                        kv::Message::Done { .. } => Heard::Done,
                        kv::Message::Elsewhere { ask, .. } => Heard::Elsewhere(ask.map(|node| node.0 as usize)),
                        _ => Heard::Unable,
                    };
                    self.told.push((u64::from(client.0 - CLIENTS), heard));
                }
                _ => {}
            }
        }
        Did {
            sent: self.desk.sent().into_iter().map(|(to, message)| (to.0 as usize, message)).collect(),
            told: std::mem::take(&mut self.told),
        }
    }

    fn put(&mut self, index: u64, entries: &[(u64, u64)]) {
        self.log.split_off(&index);
        self.log.extend((index..).zip(entries.iter().map(|stamp| number(*stamp))));
    }
}

impl Server for Ours {
    type Message = Message;
    fn due(&self) -> u64 {
        self.desk.timers.iter().map(|(_, due)| due.0).min().unwrap_or(u64::MAX)
    }
    fn run(&mut self, now: u64) -> Did<Message> {
        self.desk.now = Time(now);
        if let Some(place) = self.desk.timers.iter().position(|(_, due)| due.0 <= now) {
            let (timer, _) = self.desk.timers.remove(place);
            self.raft.on_timer(&mut self.desk, &self.rules, timer);
        }
        self.did()
    }
    fn hear(&mut self, now: u64, from: usize, message: Message) -> Did<Message> {
        self.desk.now = Time(now);
        self.raft.on_message(&mut self.desk, &self.rules, NodeId(from as u32), message);
        self.did()
    }
    fn ask(&mut self, now: u64, number: u64) -> Did<Message> {
        self.desk.now = Time(now);
        if let Command::Ask { client, number, key, op } = command(number) {
            self.raft.ask(&mut self.desk, &self.rules, client, number, key, op);
        }
        self.did()
    }
    fn hand_over(&mut self, now: u64, to: usize) -> Did<Message> {
        let server = NodeId(to as u32);
        self.hear(now, to, Message::TransferLeadership { server })
    }
    fn restart(&mut self, now: u64) -> Did<Message> {
        self.desk.now = Time(now);
        self.desk.timers.clear();
        (self.up_to, self.applied) = (0, Vec::new());
        self.log.clear();
        self.raft = Raft::boot(&mut self.desk, &self.rules, &self.store, &founders());
        self.did()
    }
    fn leads(&self) -> bool {
        matches!(self.raft.role(), Role::Leader(_))
    }
    fn applied(&self) -> &[(u64, u64)] {
        &self.applied
    }
    fn read(&self, key: u64) -> Option<u64> {
        self.raft.machine().read(key as u32)
    }
    fn kind(message: &Message) -> Kind {
        match message {
            Message::AppendEntries { entries, .. } if !entries.is_empty() => Kind::Replicates,
            Message::InstallSnapshot { .. } => Kind::Snapshot,
            _ => Kind::Other,
        }
    }
}

/// The script with our servers.
pub fn run(seed: u64, mistake: Mistake) -> Seen {
    assert!(MS == Micros::ms(1).0);
    Net::new(seed, (0..SERVERS).map(|id| Ours::new(id, seed, mistake)).collect()).run()
}
