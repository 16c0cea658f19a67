//! Who is far behind gets the snapshot: one at a time, and none while nobody hears of it.

use super::*;
use crate::protocols::Wire;

/// Three servers, of which 2 is cut off while the leader discards what it would need.
fn far_behind() -> Cluster {
    let mut cluster = Cluster::new(Rules { compaction: 4, ..rules() }, 3);
    cluster.away = vec![2];
    assert!(cluster.elect(0));
    cluster.pass(Micros::ms(301));
    for number in 1..=10 {
        cluster.ask(0, number, Op::Write(number));
    }
    assert_eq!(cluster.seats[0].server.log().snapshot().index, 8);
    cluster
}

/// So many heartbeats of the leader; how many snapshots it sent with them.
fn beats(cluster: &mut Cluster, count: usize) -> usize {
    let before = cluster.snapshots;
    for _ in 0..count {
        cluster.pass(Micros::ms(50));
        cluster.fire(0, Timer::Heartbeat);
    }
    cluster.snapshots - before
}

#[test]
fn a_server_that_is_far_behind_gets_the_snapshot() {
    let mut cluster = far_behind();
    cluster.away.clear();
    assert_eq!(beats(&mut cluster, 1), 1, "it answers, and gets it");
    assert_eq!((cluster.commit(2), cluster.terms(2).len()), (11, 3));
    assert_eq!(cluster.seats[2].server.machine(), cluster.seats[0].server.machine());
    cluster.crash(2);
    assert_eq!(cluster.seats[2].server.machine().read(1), Some(7), "the snapshot is on its disk");
    // A client's last command is known from the snapshot too.
    cluster.away = vec![0];
    assert!(cluster.elect(2));
    assert_eq!(cluster.ask(2, 10, Op::Write(99)).len(), 1);
    assert_eq!(cluster.seats[2].server.machine().read(1), Some(10));
}

#[test]
fn nobody_sends_a_snapshot_into_a_silence() {
    let mut cluster = far_behind();
    assert_eq!(beats(&mut cluster, 100), 0);
    let leader = &mut cluster.seats[0];
    leader.server.on_timer(&mut leader.desk, &cluster.rules, Timer::Heartbeat);
    let to_the_silent = leader.desk.sent().into_iter().filter(|(to, _)| *to == NodeId(2));
    let said: Vec<String> =
        to_the_silent.map(|(_, message)| format!("{} {:?}", message.name(), message.fields())).collect();
    let fields = [("term", 1), ("prevLogIndex", 8), ("prevLogTerm", 1), ("leaderCommit", 11)];
    assert_eq!(said, [format!("AppendEntries {:?}", fields.map(|(name, value)| (name, value.to_string())))]);
}

#[test]
fn a_lost_snapshot_is_sent_again_and_one_that_may_still_come_is_not() {
    let mut cluster = far_behind();
    // The snapshot is on its way: what 2 answers meanwhile does not bring a second one.
    let missing = |round| Message::AppendEntriesReply {
        term: 1,
        success: false,
        index: 1,
        conflict_term: None,
        round,
        beat: true,
    };
    let answers = |cluster: &mut Cluster| {
        let Role::Leader(leader) = cluster.seats[0].server.role() else { panic!("it leads") };
        let (round, before) = (leader.round(), cluster.snapshots);
        cluster.tell(2, 0, missing(round));
        cluster.snapshots - before
    };
    assert_eq!(answers(&mut cluster), 1);
    for _ in 0..5 {
        assert_eq!((beats(&mut cluster, 1), answers(&mut cluster)), (0, 0));
    }
    // An election time-out after it was sent a round begins. Whoever answers that without the snapshot never got it.
    let early = missing(1);
    assert_eq!(beats(&mut cluster, 1), 0);
    let before = cluster.snapshots;
    cluster.tell(2, 0, early);
    assert_eq!(cluster.snapshots, before, "it has answered an early round late, which shows nothing");
    assert_eq!(answers(&mut cluster), 1);
    assert_eq!(answers(&mut cluster), 0, "one is under way again");
}

#[test]
fn who_turns_out_to_have_the_snapshots_last_entry_needs_no_snapshot() {
    let mut cluster = Cluster::new(Rules { compaction: 4, ..rules() }, 3);
    assert!(cluster.elect(0));
    cluster.pass(Micros::ms(301));
    // 2 hears everything, but what it answers is lost; 1 hears it later, and answers.
    cluster.away = vec![1, 2];
    for number in 1..=3 {
        cluster.ask(0, number, Op::Write(number));
    }
    for _ in 0..4 {
        let leader = &mut cluster.seats[0];
        leader.server.on_timer(&mut leader.desk, &cluster.rules, Timer::Heartbeat);
        let said = leader.desk.sent();
        let seat = &mut cluster.seats[2];
        for (_, message) in said.into_iter().filter(|(to, _)| *to == NodeId(2)) {
            seat.server.on_message(&mut seat.desk, &cluster.rules, NodeId(0), message);
        }
        cluster.settle();
    }
    cluster.away = vec![2];
    for _ in 0..3 {
        cluster.fire(0, Timer::Heartbeat);
    }
    cluster.away.clear();
    let Role::Leader(leader) = cluster.seats[0].server.role() else { panic!("it leads") };
    assert_eq!(leader.others.get(&NodeId(2)).map(|progress| progress.next), Some(2), "as far as the leader knows");
    assert_eq!(cluster.seats[0].server.log().snapshot().index, 4);
    assert_eq!(beats(&mut cluster, 2), 0);
    assert_eq!(cluster.commit(2), 4);
}
