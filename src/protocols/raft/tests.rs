//! The protocol by hand: figures 7 and 8, the questions of the user study, and each part of the thesis once.

mod corrected;
mod snapshots;

use super::*;
use crate::protocols::board::{Asked, PARKED, Placed};
use crate::protocols::chat;
use crate::protocols::kv::Op;
use crate::protocols::testing::Desk;
use crate::sim::Disk;

const CLIENT: NodeId = NodeId(90);

fn rules() -> Rules {
    Rules {
        election_min: Micros::ms(150),
        election_max: Micros::ms(300),
        heartbeat: Micros::ms(50),
        pre_vote: false,
        check_quorum: false,
        reads: Reads::Index,
        batch: 64,
        compaction: 100,
        mistake: Mistake::None,
    }
}

struct Seat {
    server: Server,
    desk: Desk<Message, Timer, Write>,
    store: Store,
}

/// Servers whose disks take no time. Messages go where nobody is cut off; timers run out when a test says so.
struct Cluster {
    rules: Rules,
    seats: Vec<Seat>,
    away: Vec<usize>,
    answers: Vec<kv::Message>,
    /// What the chat heard.
    told: Vec<News>,
    /// How many snapshots were sent.
    snapshots: usize,
}

fn entry(index: u64, term: u64) -> Entry {
    let command =
        Command::Ask { client: CLIENT, number: index * 100 + term, key: 0, op: Op::Write(index * 100 + term) };
    Entry::new(term, command)
}

fn entries(terms: &[u64]) -> Vec<Entry> {
    (1..).zip(terms).map(|(index, term)| entry(index, *term)).collect()
}

impl Cluster {
    /// Servers in a term, with logs of entries of these terms.
    fn with_logs(rules: Rules, term: u64, logs: &[&[u64]]) -> Cluster {
        let founders: Vec<Member> = (0..logs.len() as u32).map(|node| Member { node: NodeId(node), life: 0 }).collect();
        let snapshot = Rc::new(Snapshot { members: founders.into(), ..Snapshot::default() });
        let store = |log: &&[u64]| Store {
            used: true,
            term: term.max(log.last().copied().unwrap_or(0)),
            log: Log::new(snapshot.clone(), entries(log)),
            ..Store::default()
        };
        let seats = logs.iter().map(store).enumerate().map(|(id, store)| seat(&rules, id, store, &[])).collect();
        Cluster { rules, seats, away: Vec::new(), answers: Vec::new(), told: Vec::new(), snapshots: 0 }
    }
    fn new(rules: Rules, size: usize) -> Cluster {
        Cluster::with_logs(rules, 0, &vec![&[][..]; size])
    }
    /// Everything that is written reaches the disks, everything that is said its ears, until all is quiet.
    fn settle(&mut self) {
        for _ in 0..1_000 {
            let mut said = Vec::new();
            for (from, seat) in self.seats.iter_mut().enumerate() {
                while !seat.desk.writes.is_empty() {
                    let (write, done) = seat.desk.writes.remove(0);
                    seat.store.apply(write);
                    if let Some(timer) = done {
                        seat.server.on_timer(&mut seat.desk, &self.rules, timer);
                    }
                }
                said.extend(seat.desk.sent().into_iter().map(|(to, message)| (from, to.0 as usize, message)));
                for news in seat.server.news() {
                    match news {
                        News::Answer { message, .. } => self.answers.push(message),
                        News::Placed(_) | News::Page { .. } | News::Full(_) | News::Elsewhere(_) => {
                            self.told.push(news)
                        }
                        News::Elected { .. } | News::Appended { .. } | News::Restored { .. } | News::Applied { .. } => {
                        }
                    }
                }
            }
            if said.is_empty() {
                return;
            }
            for (from, to, message) in said {
                self.snapshots += usize::from(matches!(message, Message::InstallSnapshot { .. }));
                if !self.away.contains(&from) && !self.away.contains(&to) && to < self.seats.len() {
                    let seat = &mut self.seats[to];
                    seat.server.on_message(&mut seat.desk, &self.rules, NodeId(from as u32), message);
                }
            }
        }
        panic!("they talk for ever");
    }
    fn fire(&mut self, id: usize, timer: Timer) {
        let seat = &mut self.seats[id];
        seat.server.on_timer(&mut seat.desk, &self.rules, timer);
        self.settle();
    }
    /// Runs out the patience of one; whether it then leads.
    fn elect(&mut self, id: usize) -> bool {
        self.pass(Micros::ms(400));
        self.fire(id, Timer::Election);
        self.leads(id)
    }
    fn leads(&self, id: usize) -> bool {
        matches!(self.seats[id].server.role(), Role::Leader(_))
    }
    fn pass(&mut self, span: Micros) {
        self.seats.iter_mut().for_each(|seat| seat.desk.now += span);
    }
    fn ask(&mut self, id: usize, number: u64, op: Op) -> Vec<kv::Message> {
        let seat = &mut self.seats[id];
        seat.server.ask(&mut seat.desk, &self.rules, CLIENT, number, 1, op);
        self.settle();
        std::mem::take(&mut self.answers)
    }
    fn tell(&mut self, from: u32, to: usize, message: Message) {
        let seat = &mut self.seats[to];
        seat.server.on_message(&mut seat.desk, &self.rules, NodeId(from), message);
        self.settle();
    }
    fn crash(&mut self, id: usize) {
        let seat = &self.seats[id];
        let (store, now) = (seat.store.clone(), seat.desk.now);
        self.seats[id] = seat_at(&self.rules, id, store, &[], now);
    }
    /// The terms of a log.
    fn terms(&self, id: usize) -> Vec<u64> {
        self.seats[id].server.log.from(0, usize::MAX).iter().map(|entry| entry.term).collect()
    }
    fn members(&self, id: usize) -> Vec<u32> {
        self.seats[id].server.members().iter().map(|member| member.node.0).collect()
    }
    fn commit(&self, id: usize) -> u64 {
        self.seats[id].server.commit()
    }
}

fn seat(rules: &Rules, id: usize, store: Store, founders: &[NodeId]) -> Seat {
    seat_at(rules, id, store, founders, Time::ZERO)
}

fn seat_at(rules: &Rules, id: usize, store: Store, founders: &[NodeId], now: Time) -> Seat {
    let mut desk = Desk::new(id as u32);
    desk.now = now;
    let server = Server::boot(&mut desk, rules, &store, founders);
    Seat { server, desk, store }
}

/// Figure 7: the leader at the top, and followers (a) to (f).
const FIGURE_7: [&[u64]; 7] = [
    &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6],
    &[1, 1, 1, 4, 4, 5, 5, 6, 6],
    &[1, 1, 1, 4],
    &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    &[1, 1, 1, 4, 4, 4, 4],
    &[1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
];

#[test]
fn the_logs_of_figure_7_become_the_leaders() {
    let mut cluster = Cluster::with_logs(rules(), 7, &FIGURE_7);
    assert!(cluster.elect(0), "a, b, e and f vote for it");
    for (id, _) in FIGURE_7.iter().enumerate() {
        assert_eq!(cluster.terms(id), [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 8], "{id}");
    }
    assert_eq!(cluster.commit(0), 11);
}

#[test]
fn of_figure_7_only_those_are_elected_whose_log_a_majority_does_not_surpass() {
    let elected = |id: usize| Cluster::with_logs(rules(), 7, &FIGURE_7).elect(id);
    let all: Vec<bool> = (0..7).map(elected).collect();
    assert_eq!(all, [true, true, false, true, true, false, false]);
}

/// Figure 8, (a) to (d): S1 leads in term 2 and reaches S2; S5 leads in term 3 and reaches nobody; S1 leads again, in term
/// 4, and its entry of term 2 comes to a majority. Then S5 is elected by S2, S3 and S4.
fn figure_8(mistake: Mistake) -> (bool, Cluster) {
    let logs: [&[u64]; 5] = [&[1, 2], &[1, 2], &[1], &[1], &[1, 3]];
    let mut cluster = Cluster::with_logs(Rules { mistake, batch: 1, ..rules() }, 3, &logs);
    cluster.away = vec![3, 4];
    // One entry a message: what it sends now is the old one only.
    let leader = &mut cluster.seats[0];
    leader.server.stand(&mut leader.desk, &cluster.rules, false);
    for _ in 0..12 {
        step(&mut cluster);
        if cluster.terms(2) == [1, 2] {
            break;
        }
    }
    // The answer comes, and nothing after it.
    step(&mut cluster);
    assert_eq!(cluster.terms(2)[..2], [1, 2], "it is on a majority");
    let committed = cluster.commit(0) >= 2;
    cluster.away = vec![0];
    cluster.seats.iter_mut().for_each(|seat| drop(seat.desk.sent()));
    for id in 1..5 {
        let log = &mut cluster.seats[id].store.log;
        // What S1 sent beyond the figure was lost.
        *log = Log::new(log.snapshot().clone(), log.from(0, 2).to_vec());
        cluster.crash(id);
    }
    (committed, cluster)
}

/// One round: what is written is on the disks, what is said is heard.
fn step(cluster: &mut Cluster) {
    let mut said = Vec::new();
    for (from, seat) in cluster.seats.iter_mut().enumerate() {
        while !seat.desk.writes.is_empty() {
            let (write, done) = seat.desk.writes.remove(0);
            seat.store.apply(write);
            if let Some(timer) = done {
                seat.server.on_timer(&mut seat.desk, &cluster.rules, timer);
            }
        }
        said.extend(seat.desk.sent().into_iter().map(|(to, message)| (from, to.0 as usize, message)));
    }
    for (from, to, message) in said {
        if !cluster.away.contains(&from) && !cluster.away.contains(&to) {
            let seat = &mut cluster.seats[to];
            seat.server.on_message(&mut seat.desk, &cluster.rules, NodeId(from as u32), message);
        }
    }
}

#[test]
fn an_entry_of_an_earlier_term_is_not_committed_by_counting() {
    let (committed, mut cluster) = figure_8(Mistake::None);
    assert!(!committed, "S1 has an entry of term 2 on three of five, and none of its own");
    assert!(!cluster.elect(4) && cluster.elect(4), "in term 5: nothing that was committed is lost");
    assert_eq!(cluster.terms(1)[..2], [1, 3]);
    let (committed, mut cluster) = figure_8(Mistake::OldTerm);
    assert!(committed, "it counts copies");
    assert!(!cluster.elect(4) && cluster.elect(4));
    let value = |index: u64, term: u64| Some(index * 100 + term);
    assert_eq!(cluster.seats[0].server.machine().read(0), value(2, 2), "S1 has told a client that this is done");
    cluster.ask(4, 10_000, Op::Write(5));
    assert_eq!(cluster.terms(1)[1], 3, "and it is gone");
}

#[test]
fn a_vote_is_said_when_it_is_on_the_disk_and_once_a_term() {
    let mut cluster = Cluster::new(rules(), 3);
    let ask = |term| Message::RequestVote { term, last_log_index: 0, last_log_term: 0, pre: false, transfer: false };
    let seat = &mut cluster.seats[0];
    seat.server.on_message(&mut seat.desk, &cluster.rules, NodeId(1), ask(1));
    assert_eq!(seat.desk.sent(), [], "the vote is not on the disk");
    let (write, done) = seat.desk.writes.remove(0);
    seat.store.apply(write);
    seat.server.on_timer(&mut seat.desk, &cluster.rules, done.expect("it waits for it"));
    let reply = |granted| Message::RequestVoteReply { term: 1, vote_granted: granted, pre: false };
    assert_eq!(seat.desk.sent(), [(NodeId(1), reply(true))]);
    seat.server.on_message(&mut seat.desk, &cluster.rules, NodeId(2), ask(1));
    assert_eq!(seat.desk.sent(), [(NodeId(2), reply(false))]);
    // The user study's question: a server that loses its vote makes two leaders of one term possible.
    for (forgets, granted) in [(false, false), (true, true)] {
        let mut store = cluster.seats[0].store.clone();
        store.vote = store.vote.filter(|_| !forgets);
        let mut seat = seat_at(&rules(), 0, store, &[], Time(1_000_000));
        seat.server.on_message(&mut seat.desk, &rules(), NodeId(2), ask(1));
        assert_eq!(seat.server.vote(), Some(NodeId(if granted { 2 } else { 1 })));
    }
}

#[test]
fn whoever_loses_the_end_of_its_log_can_lose_what_was_committed() {
    for loses in [false, true] {
        let mut cluster = Cluster::with_logs(rules(), 2, &[&[1, 2], &[1, 2], &[1]]);
        if loses {
            let log = &mut cluster.seats[1].store.log;
            *log = Log::new(log.snapshot().clone(), log.from(0, 1).to_vec());
            cluster.crash(1);
        }
        cluster.away = vec![0];
        assert_eq!(cluster.elect(2), loses, "its log lacks an entry that is on a majority");
    }
}

#[test]
fn a_wrong_next_index_costs_messages_and_nothing_else() {
    for next in 1..=11 {
        let mut cluster = Cluster::with_logs(rules(), 7, &FIGURE_7);
        assert!(cluster.elect(0));
        let Role::Leader(leader) = &mut cluster.seats[0].server.role else { panic!("it leads") };
        leader.others.values_mut().for_each(|progress| progress.next = next);
        cluster.ask(0, 10_000, Op::Write(7));
        cluster.fire(0, Timer::Heartbeat);
        for (id, _) in FIGURE_7.iter().enumerate() {
            assert_eq!(cluster.terms(id), [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 8, 8], "{id} from {next}");
        }
    }
}

#[test]
fn a_command_that_comes_twice_is_done_once_and_answered_twice() {
    let mut cluster = Cluster::new(rules(), 3);
    assert!(cluster.elect(0));
    let done = |number| kv::Message::Done { number, value: None };
    assert_eq!(cluster.ask(0, 1, Op::Write(1)), [done(1)]);
    assert_eq!(cluster.ask(0, 2, Op::Cas(1, 2)), [done(2)]);
    assert_eq!(cluster.ask(0, 2, Op::Cas(1, 2)), [done(2)], "the machine knows it");
    let elsewhere = kv::Message::Elsewhere { number: 3, ask: Some(NodeId(0)) };
    assert_eq!(cluster.ask(1, 3, Op::Read), [elsewhere]);
    // A leader that took something in cannot say that it will not be done.
    cluster.away = vec![0];
    assert_eq!(cluster.ask(0, 4, Op::Write(9)), []);
    assert!(cluster.elect(1));
    cluster.away.clear();
    cluster.fire(1, Timer::Heartbeat);
    assert_eq!(cluster.answers, [], "of what it did not take in itself a leader tells nobody");
    assert_eq!(cluster.ask(0, 4, Op::Write(9)), [kv::Message::Unable { number: 4, perhaps: true }]);
    // What the leader sent while the other was away is sent again at the second heartbeat without an answer.
    cluster.fire(1, Timer::Heartbeat);
    assert_eq!(cluster.terms(0), cluster.terms(1), "its entry was overwritten");
}

/// Asks for a message to be stored; what the leader and its clients hear.
fn post(cluster: &mut Cluster, id: usize, count: u64) -> Vec<News> {
    post_of(cluster, id, CLIENT, count)
}

fn post_of(cluster: &mut Cluster, id: usize, author: NodeId, count: u64) -> Vec<News> {
    let post = chat::Post { item: chat::item(author, count), text: chat::Text::Written(&"hi"), written: Time::ZERO };
    let seat = &mut cluster.seats[id];
    seat.server.post(&mut seat.desk, &cluster.rules, Asked { asker: CLIENT, conversation: 1, post, floor: 1 });
    cluster.settle();
    std::mem::take(&mut cluster.told)
}

#[test]
fn a_message_stands_in_its_conversation_when_a_majority_has_it() {
    let mut cluster = Cluster::new(rules(), 3);
    assert!(cluster.elect(0));
    let placed =
        |count, place| News::Placed(Placed { asker: CLIENT, conversation: 1, item: chat::item(CLIENT, count), place });
    assert_eq!(post(&mut cluster, 0, 1), [placed(1, 1)]);
    assert_eq!(post(&mut cluster, 0, 3), [], "it waits for what its author wrote before");
    assert_eq!(post(&mut cluster, 0, 2), [placed(2, 2), placed(3, 3)]);
    assert_eq!(post(&mut cluster, 0, 2), [placed(2, 2)], "a retry hears the same, and nothing is done");
    assert_eq!(cluster.terms(0).len(), 4, "an entry of its own, and three messages");
    assert_eq!(post(&mut cluster, 1, 4), [News::Elsewhere(CLIENT)]);
    // Without a majority nothing is told, and a later leader knows nothing of it.
    cluster.away = vec![0];
    assert_eq!(post(&mut cluster, 0, 4), []);
    assert!(cluster.elect(1));
    assert!(cluster.seats[0].server.carries(chat::item(CLIENT, 4)));
    cluster.away.clear();
    cluster.fire(1, Timer::Heartbeat);
    cluster.fire(1, Timer::Heartbeat);
    assert!(!cluster.seats[0].server.carries(chat::item(CLIENT, 4)), "its entry was overwritten");
    cluster.told.clear();
    assert_eq!(post(&mut cluster, 1, 4), [placed(4, 4)]);
    cluster.fire(1, Timer::Heartbeat);
    let boards: Vec<_> = cluster.seats.iter().map(|seat| seat.server.machine().board().clone()).collect();
    assert!(boards.iter().all(|board| *board == boards[1] && board.logs().total() == 4));
}

#[test]
fn whoever_hears_that_there_is_no_room_was_not_taken_in() {
    for committed in [0, 100, PARKED as u32] {
        let mut cluster = Cluster::new(rules(), 3);
        assert!(cluster.elect(0));
        // The first of all authors is missing, so all of these wait for it: some on the board, the rest in the log.
        for author in 0..PARKED as u32 {
            cluster.away = if author < committed { vec![] } else { vec![1, 2] };
            assert_eq!(post_of(&mut cluster, 0, NodeId(100 + author), 2), []);
        }
        let before = cluster.seats[0].server.log().last();
        assert_eq!(post_of(&mut cluster, 0, NodeId(99), 2), [News::Full(CLIENT)]);
        assert_eq!(cluster.seats[0].server.log().last(), before, "{committed}: it would be committed for nothing");
        cluster.away.clear();
        cluster.fire(0, Timer::Heartbeat);
        cluster.fire(0, Timer::Heartbeat);
        assert_eq!((cluster.commit(0), &cluster.told[..]), (before, &[][..]), "of what was taken in nobody hears no");
        assert_eq!(post_of(&mut cluster, 0, NodeId(99), 1).len(), 1, "what waits for nothing has room");
        assert_eq!(post_of(&mut cluster, 0, NodeId(100), 1).len(), 2, "and what it is waited for, too");
        assert_eq!(post_of(&mut cluster, 0, NodeId(99), 2).len(), 1, "asked again it is taken in");
    }
}

#[test]
fn a_conversation_is_read_by_index_as_any_value_is() {
    let mut cluster = Cluster::new(rules(), 3);
    assert!(cluster.elect(0));
    post(&mut cluster, 0, 1);
    let ask = |cluster: &mut Cluster, id: usize| {
        let seat = &mut cluster.seats[id];
        let question = Question::Page { reader: NodeId(7), conversation: 1, after: Some(0) };
        seat.server.page(&mut seat.desk, &cluster.rules, CLIENT, question);
        cluster.settle();
        std::mem::take(&mut cluster.told)
    };
    let came = ask(&mut cluster, 0);
    assert!(matches!(&came[..], [News::Page { page, .. }] if page.posts.len() == 1 && page.last == 1), "{came:?}");
    assert_eq!(ask(&mut cluster, 2), [News::Elsewhere(CLIENT)]);
    cluster.away = vec![0];
    assert_eq!(ask(&mut cluster, 0), [], "cut off, it does not know whether it still leads");
    assert!(cluster.elect(1));
    cluster.away.clear();
    cluster.fire(1, Timer::Heartbeat);
    assert_eq!(cluster.told, [News::Elsewhere(CLIENT)], "deposed, it sends on whoever waits");
}

#[test]
fn a_leader_that_was_cut_off_reads_nothing_stale_unless_it_reads_what_it_has() {
    for (reads, stale) in [(Reads::Index, false), (Reads::Log, false), (Reads::Lease, false), (Reads::Local, true)] {
        let mut cluster = Cluster::new(Rules { reads, ..rules() }, 3);
        assert!(cluster.elect(0));
        cluster.ask(0, 1, Op::Write(1));
        let came = cluster.ask(0, 2, Op::Read);
        assert_eq!(came, [kv::Message::Done { number: 2, value: Some(1) }], "{reads:?}");
        cluster.away = vec![0];
        assert!(cluster.elect(1));
        cluster.ask(1, 1, Op::Write(2));
        let came = cluster.ask(0, 3, Op::Read);
        assert_eq!(!came.is_empty(), stale, "{reads:?}: {came:?}");
    }
}

#[test]
fn a_lease_answers_without_a_round_and_runs_out() {
    let mut cluster = Cluster::new(Rules { reads: Reads::Lease, ..rules() }, 3);
    assert!(cluster.elect(0));
    cluster.ask(0, 1, Op::Write(1));
    cluster.fire(0, Timer::Heartbeat);
    cluster.away = vec![0];
    assert_eq!(cluster.ask(0, 2, Op::Read).len(), 1, "nobody else can have been elected yet");
    cluster.pass(Micros::ms(140));
    assert_eq!(cluster.ask(0, 3, Op::Read), [], "150 ms, less a tenth");
    // Within an election time-out of hearing from it nobody votes against it.
    let mut cluster = Cluster::new(Rules { reads: Reads::Lease, ..rules() }, 3);
    assert!(cluster.elect(0));
    cluster.away = vec![0];
    cluster.fire(1, Timer::Election);
    assert!(!cluster.leads(1));
}

#[test]
fn a_pre_vote_disturbs_nobody() {
    let mut cluster = Cluster::new(Rules { pre_vote: true, ..rules() }, 3);
    assert!(cluster.elect(0));
    cluster.away = vec![2];
    for _ in 0..5 {
        cluster.pass(Micros::ms(400));
        cluster.fire(2, Timer::Election);
    }
    assert_eq!(cluster.seats[2].server.term(), 1, "it asks before it counts its term up");
    cluster.away.clear();
    cluster.fire(0, Timer::Heartbeat);
    assert!(cluster.leads(0) && cluster.seats[2].server.leader() == Some(NodeId(0)));
}

#[test]
fn a_leader_that_reaches_no_majority_steps_down() {
    let mut cluster = Cluster::new(Rules { check_quorum: true, ..rules() }, 3);
    assert!(cluster.elect(0));
    cluster.away = vec![1, 2];
    cluster.pass(Micros::ms(301));
    cluster.fire(0, Timer::Heartbeat);
    assert!(!cluster.leads(0));
}

#[test]
fn leadership_is_handed_over() {
    let mut cluster = Cluster::new(Rules { pre_vote: true, ..rules() }, 3);
    assert!(cluster.elect(0));
    cluster.ask(0, 1, Op::Write(1));
    cluster.tell(2, 1, Message::TransferLeadership { server: NodeId(2) });
    assert!(cluster.leads(2) && !cluster.leads(0), "at once, though all have just heard from a leader");
    cluster.tell(1, 2, Message::TransferLeadership { server: NodeId(0) });
    assert!(cluster.leads(0));
}

/// A newcomer beside the others, or a server that has lost its disk, asks the leader until it is a member.
fn join(cluster: &mut Cluster, id: usize, leader: usize) {
    let fresh = seat_at(&cluster.rules, id, Store::default(), &[], cluster.seats[0].desk.now);
    if id < cluster.seats.len() {
        cluster.seats[id] = fresh
    } else {
        cluster.seats.push(fresh)
    }
    cluster.settle();
    let server = cluster.seats[id].server.me();
    assert!(!cluster.seats[id].server.is_member() && server.life != 0);
    for _ in 0..3 {
        cluster.tell(id as u32, leader, Message::AddServer { server });
        cluster.fire(leader, Timer::Heartbeat);
    }
}

#[test]
fn servers_come_and_go_one_at_a_time() {
    let mut cluster = Cluster::new(rules(), 3);
    assert!(cluster.elect(0));
    cluster.ask(0, 1, Op::Write(1));
    join(&mut cluster, 3, 0);
    assert_eq!((cluster.members(0), cluster.members(3)), (vec![0, 1, 2, 3], vec![0, 1, 2, 3]));
    assert_eq!(cluster.seats[3].server.machine().read(1), Some(1));
    // The leader goes: it leads until that is committed.
    cluster.tell(0, 0, Message::RemoveServer { server: NodeId(0) });
    assert!(!cluster.leads(0));
    assert_eq!(cluster.members(1), [1, 2, 3]);
    cluster.away = vec![0, 1];
    assert!(cluster.elect(3), "two of three");
    // A second change waits for the first, and both for an entry of the leader's own term.
    cluster.away = vec![0, 1, 2];
    let before = cluster.terms(3);
    cluster.tell(2, 3, Message::RemoveServer { server: NodeId(2) });
    cluster.tell(1, 3, Message::RemoveServer { server: NodeId(1) });
    assert_eq!((cluster.terms(3).len(), cluster.members(3)), (before.len() + 1, vec![1, 3]));
}

#[test]
fn a_leader_without_a_committed_entry_of_its_term_changes_no_configuration() {
    let mut cluster = Cluster::new(rules(), 4);
    cluster.pass(Micros::ms(400));
    assert!(cluster.elect(0));
    // It was elected again, but nobody has its no-op yet.
    let leader = &mut cluster.seats[0];
    leader.server.stand(&mut leader.desk, &cluster.rules, false);
    for _ in 0..8 {
        step(&mut cluster);
        if cluster.leads(0) {
            break;
        }
    }
    cluster.away = vec![1, 2, 3];
    assert!(cluster.leads(0) && cluster.commit(0) < cluster.seats[0].server.log().last());
    cluster.tell(3, 0, Message::RemoveServer { server: NodeId(3) });
    assert_eq!(cluster.members(0), [0, 1, 2, 3], "the mistake of the thesis, as corrected in 2015");
}

#[test]
fn a_server_that_lost_its_disk_does_not_vote_until_it_was_added_anew() {
    let mut cluster = Cluster::new(rules(), 3);
    cluster.away = vec![2];
    assert!(cluster.elect(0));
    cluster.ask(0, 1, Op::Write(1));
    // The entry is on the disks of 0 and 1. Now 1 loses its own, and 0 is away: 2 must not be elected.
    cluster.seats[1] = seat_at(&cluster.rules, 1, Store::default(), &[], cluster.seats[0].desk.now);
    cluster.away = vec![0];
    assert!(!cluster.elect(2));
    cluster.away.clear();
    cluster.pass(Micros::ms(400));
    assert!(cluster.elect(0));
    join(&mut cluster, 1, 0);
    assert!(cluster.seats[1].server.is_member(), "the one that it was went, and it came");
    assert_eq!(cluster.terms(1), cluster.terms(0));
}
