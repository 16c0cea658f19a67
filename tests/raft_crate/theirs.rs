//! Theirs, on the network of the test: its state machine and its snapshots are the embedder's, so they are here.

use std::collections::BTreeMap;

use faultline::sim::{Purpose, Stream};
use raft::prelude::{ConfState, Entry, Message, MessageType, Snapshot};
use raft::storage::MemStorage;
use raft::{Config, INVALID_ID, RawNode, SnapshotStatus, StateRole, Storage};

use super::{COMPACTION, Did, Heard, KEYS, Kind, MS, Net, SERVERS, Seen, Server};

/// It counts time in ticks.
const TICK: u64 = 10 * MS;

struct Theirs {
    node: RawNode<MemStorage>,
    config: Config,
    /// Its disk: log, term, vote.
    store: MemStorage,
    due: u64,
    /// The state machine: at which index it did which proposal. What stands before the log's first entry is on its disk.
    applied: Vec<(u64, u64)>,
    /// What it has put into its log as a leader, and in which term.
    taken: BTreeMap<u64, u64>,
    did: Did<Message>,
}

fn logger() -> slog::Logger {
    slog::Logger::root(slog::Discard, slog::o!())
}

/// Proposals as bytes, in snapshots.
fn packed(applied: &[(u64, u64)]) -> Vec<u8> {
    applied.iter().flat_map(|(index, number)| [index.to_be_bytes(), number.to_be_bytes()]).flatten().collect()
}

fn unpacked(bytes: &[u8]) -> Vec<(u64, u64)> {
    let read = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().expect("eight bytes"));
    bytes.chunks_exact(16).map(|pair| (read(&pair[..8]), read(&pair[8..]))).collect()
}

impl Theirs {
    /// `patience` in ticks: it draws from a generator that has no seed, so each server has a time-out of its own instead,
    /// drawn here.
    fn new(id: usize, patience: usize) -> Theirs {
        let config = Config {
            id: id as u64 + 1,
            election_tick: 15,
            min_election_tick: patience,
            max_election_tick: patience + 1,
            heartbeat_tick: 5,
            max_size_per_msg: 1 << 20,
            check_quorum: true,
            pre_vote: true,
            skip_bcast_commit: true,
            ..Config::default()
        };
        let voters: Vec<u64> = (1..=SERVERS as u64).collect();
        let store = MemStorage::new_with_conf_state(ConfState::from((voters, Vec::new())));
        let node = RawNode::new(&config, store.clone(), &logger()).expect("the settings are in order");
        let did = Did { sent: Vec::new(), told: Vec::new() };
        // They have not all been started at the same instant.
        let due = TICK + id as u64 * MS;
        Theirs { node, config, store, due, applied: Vec::new(), taken: BTreeMap::new(), did }
    }

    fn send(&mut self, messages: Vec<Message>) {
        for mut message in messages {
            let to = message.to;
            if message.get_msg_type() == MessageType::MsgSnapshot {
                let index = message.get_snapshot().get_metadata().index;
                let upto = self.applied.partition_point(|(at, _)| *at <= index);
                message.mut_snapshot().data = packed(&self.applied[..upto]).into();
                self.node.report_snapshot(to, SnapshotStatus::Finish);
            }
            self.did.sent.push((to as usize - 1, message));
        }
    }

    fn apply(&mut self, entries: Vec<Entry>) {
        for entry in entries.iter().filter(|entry| !entry.data.is_empty()) {
            let number = u64::from_be_bytes(entry.data[..].try_into().expect("a proposal"));
            self.applied.push((entry.index, number));
            if self.leads() && entry.term == self.node.raft.term {
                self.did.told.push((number, Heard::Done));
            }
        }
    }

    /// Does what it wants to have done, in the order that its manual gives.
    fn did(&mut self) -> Did<Message> {
        while self.node.has_ready() {
            let mut ready = self.node.ready();
            self.send(ready.take_messages());
            if *ready.snapshot() != Snapshot::default() {
                self.store.wl().apply_snapshot(ready.snapshot().clone()).expect("it is newer");
                self.applied = unpacked(&ready.snapshot().data);
            }
            self.apply(ready.take_committed_entries());
            self.store.wl().append(ready.entries()).expect("it follows");
            if let Some(state) = ready.hs() {
                self.store.wl().set_hardstate(state.clone());
            }
            self.send(ready.take_persisted_messages());
            let mut light = self.node.advance(ready);
            if let Some(commit) = light.commit_index() {
                self.store.wl().mut_hard_state().commit = commit;
            }
            self.send(light.take_messages());
            self.apply(light.take_committed_entries());
            self.node.advance_apply();
        }
        let (first, applied) = (self.store.first_index().expect("in memory"), self.node.raft.raft_log.applied);
        if applied >= first + COMPACTION {
            self.store.wl().compact(applied).expect("it has that");
        }
        std::mem::replace(&mut self.did, Did { sent: Vec::new(), told: Vec::new() })
    }
}

impl Server for Theirs {
    type Message = Message;
    fn due(&self) -> u64 {
        self.due
    }
    fn run(&mut self, now: u64) -> Did<Message> {
        self.due = now + TICK;
        self.node.tick();
        self.did()
    }
    fn hear(&mut self, _: u64, _: usize, message: Message) -> Did<Message> {
        // It says by an error that a message is of no use.
        let _ = self.node.step(message);
        self.did()
    }
    fn ask(&mut self, _: u64, number: u64) -> Did<Message> {
        let (term, leader) = (self.node.raft.term, self.node.raft.leader_id);
        let elsewhere = Heard::Elsewhere((leader != INVALID_ID).then(|| leader as usize - 1));
        if !self.leads() {
            self.did.told.push((number, elsewhere));
        } else if self.applied.iter().any(|(_, done)| *done == number) {
            self.did.told.push((number, Heard::Done));
        } else if self.taken.get(&number) != Some(&term) {
            // While it hands over it takes nothing in.
            match self.node.propose(Vec::new(), number.to_be_bytes().to_vec()) {
                Ok(()) => drop(self.taken.insert(number, term)),
                Err(_) => self.did.told.push((number, Heard::Elsewhere(None))),
            }
        }
        self.did()
    }
    fn hand_over(&mut self, _: u64, to: usize) -> Did<Message> {
        self.node.transfer_leader(to as u64 + 1);
        self.did()
    }
    fn restart(&mut self, now: u64) -> Did<Message> {
        let first = self.store.first_index().expect("in memory");
        self.applied.retain(|(index, _)| *index < first);
        self.taken.clear();
        self.due = now + TICK;
        self.node = RawNode::new(&self.config, self.store.clone(), &logger()).expect("the settings are in order");
        self.did()
    }
    fn leads(&self) -> bool {
        self.node.raft.state == StateRole::Leader
    }
    fn applied(&self) -> &[(u64, u64)] {
        &self.applied
    }
    fn read(&self, key: u64) -> Option<u64> {
        // Where something stands in the log twice, it is done once.
        let first = |at: usize| !self.applied[..at].iter().any(|(_, other)| *other == self.applied[at].1);
        let of_key = (0..self.applied.len()).filter(|at| self.applied[*at].1 % KEYS == key && first(*at));
        of_key.last().map(|at| self.applied[at].1)
    }
    fn kind(message: &Message) -> Kind {
        match message.get_msg_type() {
            MessageType::MsgAppend if !message.entries.is_empty() => Kind::Replicates,
            MessageType::MsgSnapshot => Kind::Snapshot,
            _ => Kind::Other,
        }
    }
}

/// The script with their servers.
pub fn run(seed: u64) -> Seen {
    let mut luck = Stream::new(seed, Purpose::Load(0));
    let mut patience: Vec<usize> = (15..30).collect();
    let servers = (0..SERVERS).map(|id| {
        let drawn = patience.remove(luck.below(patience.len() as u64) as usize);
        Theirs::new(id, drawn)
    });
    let servers = servers.collect();
    Net::new(seed, servers).run()
}
