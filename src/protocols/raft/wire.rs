//! What servers say to one another, named as in the paper and the thesis, and what they keep on disk.

use std::rc::Rc;

use crate::protocols::{Family, Form, Wire};
use crate::sim::{Disk, Item, NodeId};

use super::log::{Log, Snapshot};
use super::machine::{Command, Entry, Member};

/// A message between servers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// A candidate asks for a vote (§5.2); with `pre`, whether it would get it (thesis §9.6).
    RequestVote {
        /// The candidate's term; with `pre` the term that it would have.
        term: u64,
        /// The index of its last entry.
        last_log_index: u64,
        /// That entry's term.
        last_log_term: u64,
        /// Whether it only wants to know.
        pre: bool,
        /// Whether the leader wanted this election (thesis §3.10): it is no disruption then.
        transfer: bool,
    },
    /// The answer.
    RequestVoteReply {
        /// The term of the one that answers; of a pre-vote that is given, the term that was asked for.
        term: u64,
        /// Whether it votes for the candidate.
        vote_granted: bool,
        /// Whether it was only asked whether it would.
        pre: bool,
    },
    /// A leader replicates its log; without entries it is a heartbeat (§5.3).
    AppendEntries {
        /// The leader's term.
        term: u64,
        /// The index of the entry before the new ones.
        prev_log_index: u64,
        /// That entry's term.
        prev_log_term: u64,
        /// The entries.
        entries: Rc<[Entry]>,
        /// How far the leader knows the log to be committed.
        leader_commit: u64,
        /// Counts the leader's rounds: an answer shows that it still led when it began this one (thesis §6.4).
        round: u64,
    },
    /// The answer.
    AppendEntriesReply {
        /// The term of the one that answers.
        term: u64,
        /// Whether its log has the entry before the new ones, and so the new ones now.
        success: bool,
        /// On success how far its log is the leader's; else the first index that may differ.
        index: u64,
        /// The term that it has there in place of the leader's, where it has an entry there (end of §5.3).
        conflict_term: Option<u64>,
        /// Of which round.
        round: u64,
        /// Whether it answers a heartbeat, which had no entries.
        beat: bool,
    },
    /// A leader sends its snapshot to a server that needs what it has discarded (§7).
    InstallSnapshot {
        /// The leader's term.
        term: u64,
        /// The snapshot, in one piece.
        snapshot: Rc<Snapshot>,
        /// Of which round.
        round: u64,
    },
    /// A leader that hands over tells its successor to stand for election at once (thesis §3.10).
    TimeoutNow {
        /// The leader's term.
        term: u64,
    },
    /// A server asks to be a member (thesis §4.1).
    AddServer {
        /// Which.
        server: Member,
    },
    /// A server asks to be a member no longer.
    RemoveServer {
        /// Which.
        server: NodeId,
    },
    /// A server asks to lead.
    TransferLeadership {
        /// Which.
        server: NodeId,
    },
}

impl Message {
    /// The term that it tells of, where it tells of one that its sender is in.
    pub fn term(&self) -> Option<u64> {
        match self {
            Message::RequestVote { pre: true, .. }
            | Message::RequestVoteReply { pre: true, vote_granted: true, .. }
            | Message::AddServer { .. }
            | Message::RemoveServer { .. }
            | Message::TransferLeadership { .. } => None,
            Message::RequestVote { term, .. }
            | Message::RequestVoteReply { term, .. }
            | Message::AppendEntries { term, .. }
            | Message::AppendEntriesReply { term, .. }
            | Message::InstallSnapshot { term, .. }
            | Message::TimeoutNow { term } => Some(*term),
        }
    }
}

impl Wire for Message {
    const FAMILY: Family = Family::Control;
    fn name(&self) -> &'static str {
        match self {
            Message::RequestVote { pre: true, .. } => "PreVote",
            Message::RequestVote { .. } => "RequestVote",
            Message::RequestVoteReply { pre: true, .. } => "PreVoteReply",
            Message::RequestVoteReply { .. } => "RequestVoteReply",
            Message::AppendEntries { .. } => "AppendEntries",
            Message::AppendEntriesReply { .. } => "AppendEntriesReply",
            Message::InstallSnapshot { .. } => "InstallSnapshot",
            Message::TimeoutNow { .. } => "TimeoutNow",
            Message::AddServer { .. } => "AddServer",
            Message::RemoveServer { .. } => "RemoveServer",
            Message::TransferLeadership { .. } => "TransferLeadership",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::AppendEntries { entries, .. } if entries.is_empty() => Form::Beat,
            Message::AppendEntriesReply { success: true, beat: true, .. } => Form::Beat,
            Message::RequestVoteReply { vote_granted: true, .. }
            | Message::AppendEntriesReply { success: true, .. } => Form::Accept,
            Message::RequestVoteReply { .. } | Message::AppendEntriesReply { .. } => Form::Refuse,
            _ => Form::Request,
        }
    }
    fn bytes(&self) -> u32 {
        match self {
            Message::AppendEntries { entries, .. } => {
                64 + entries.iter().map(|entry| 40 + entry.command.bytes()).sum::<u32>()
            }
            Message::InstallSnapshot { snapshot, .. } => 64 + snapshot.machine.bytes(),
            _ => 48,
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        let mut put = |name, value: u64| fields.push((name, value.to_string()));
        match self {
            Message::RequestVote { term, last_log_index, last_log_term, transfer, .. } => {
                put("term", *term);
                put("lastLogIndex", *last_log_index);
                put("lastLogTerm", *last_log_term);
                if *transfer {
                    fields.push(("for", "a transfer".to_owned()));
                }
            }
            Message::RequestVoteReply { term, vote_granted, .. } => {
                put("term", *term);
                fields.push(("voteGranted", vote_granted.to_string()));
            }
            Message::AppendEntries { term, prev_log_index, prev_log_term, entries, leader_commit, .. } => {
                put("term", *term);
                put("prevLogIndex", *prev_log_index);
                put("prevLogTerm", *prev_log_term);
                put("leaderCommit", *leader_commit);
                if !entries.is_empty() {
                    fields.push(("entries", listed(entries)));
                }
            }
            Message::AppendEntriesReply { term, success, index, conflict_term, .. } => {
                put("term", *term);
                put(if *success { "matchIndex" } else { "conflictIndex" }, *index);
                if let Some(conflict) = conflict_term {
                    put("conflictTerm", *conflict);
                }
            }
            Message::InstallSnapshot { term, snapshot, .. } => {
                put("term", *term);
                put("lastIncludedIndex", snapshot.index);
                put("lastIncludedTerm", snapshot.term);
            }
            Message::TimeoutNow { term } => put("term", *term),
            Message::AddServer { server } => fields.push(("server", server.node.to_string())),
            Message::RemoveServer { server } | Message::TransferLeadership { server } => {
                fields.push(("server", server.to_string()));
            }
        }
        fields
    }
    fn carries(&self, item: Item) -> bool {
        match self {
            Message::AppendEntries { entries, .. } => entries.iter().any(|entry| entry.command.carries(item)),
            Message::InstallSnapshot { snapshot, .. } => snapshot.machine.board().carries(item),
            _ => false,
        }
    }
}

/// How many entries of a message its summary names.
const NAMED: usize = 3;

/// Entries as a person reads them: `2|3:=7`, an entry of term 2 that writes 7 under key 3.
fn listed(entries: &[Entry]) -> String {
    let names = entries.iter().take(NAMED).map(|entry| format!("{}|{}", entry.term, entry.command.short()));
    let more = entries.len().saturating_sub(NAMED);
    let rest = (more > 0).then(|| format!("and {more} more"));
    names.chain(rest).collect::<Vec<_>>().join(" ")
}

/// What a server keeps (figure 2, «persistent state»).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Store {
    /// Whether it was ever used: an empty disk knows of no members.
    pub used: bool,
    /// Which of the server's disks this is; see [`Member::life`].
    pub life: u64,
    /// currentTerm.
    pub term: u64,
    /// votedFor.
    pub vote: Option<NodeId>,
    /// log\[\], and the snapshot before it.
    pub log: Log,
}

/// A write to the disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// The disk is this server's, whose first configuration is this; none for a newcomer.
    Begin {
        /// Which disk it is.
        life: u64,
        /// Who founds the cluster.
        founders: Rc<[Member]>,
    },
    /// currentTerm and votedFor.
    Vote {
        /// currentTerm.
        term: u64,
        /// votedFor.
        vote: Option<NodeId>,
    },
    /// Entries from an index on, in place of what is there.
    Entries {
        /// The first one's index.
        index: u64,
        /// The entries.
        entries: Rc<[Entry]>,
    },
    /// A snapshot in place of the entries that it stands for.
    Snapshot(Rc<Snapshot>),
}

impl Disk for Store {
    type Write = Write;
    fn apply(&mut self, write: Write) {
        match write {
            Write::Begin { life, founders } => {
                (self.used, self.life) = (true, life);
                let snapshot = Snapshot { members: founders, ..Snapshot::default() };
                self.log = Log::new(Rc::new(snapshot), Vec::new());
            }
            Write::Vote { term, vote } => (self.term, self.vote) = (term, vote),
            Write::Entries { index, entries } => self.log.put(index, &entries),
            Write::Snapshot(snapshot) => self.log.install(snapshot),
        }
    }
    fn carries(&self, item: Item) -> bool {
        self.log.carries(item)
    }
}

/// Whether a command is a client's own, under this number.
pub(super) fn is_asked(command: &Command) -> Option<(NodeId, u64)> {
    match command {
        Command::Ask { client, number, .. } => Some((*client, *number)),
        _ => None,
    }
}
