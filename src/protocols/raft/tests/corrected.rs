//! One-server changes of the members as the thesis first had them, and its correction: a leader changes nothing before an
//! entry of its own term is committed (Ongaro, «bug in single-server membership changes», raft-dev, 10 July 2015).

use super::*;

/// The members are 0 to 3. 0 adds 4, of which nobody but 4 hears. 1 is elected by 2 and 3, and removes 0, of which nobody
/// but 2 hears. Then 0 is elected by 3 and 4. What has each of the two leaders committed after their first common entry?
fn two_leaders_change_the_members(mistake: Mistake) -> [Option<Command>; 2] {
    let mut cluster = Cluster::new(Rules { mistake, ..rules() }, 4);
    assert!(cluster.elect(0));
    let common = cluster.commit(0);
    cluster.away = vec![1, 2, 3];
    join(&mut cluster, 4, 0);
    assert_eq!((cluster.members(0), cluster.commit(0)), (vec![0, 1, 2, 3, 4], common));

    cluster.away = vec![0, 4];
    cluster.pass(Micros::ms(400));
    let candidate = &mut cluster.seats[1];
    candidate.server.on_timer(&mut candidate.desk, &cluster.rules, Timer::Election);
    while !cluster.leads(1) {
        step(&mut cluster);
    }
    // Of what it says from now on 3 hears nothing, and 2 only after the change.
    cluster.away = vec![0, 2, 3, 4];
    cluster.tell(2, 1, Message::RemoveServer { server: NodeId(0) });
    cluster.away = vec![0, 3, 4];
    (0..4).for_each(|_| cluster.fire(1, Timer::Heartbeat));

    cluster.away = vec![1, 2];
    cluster.fire(0, Timer::Heartbeat);
    assert!(!cluster.leads(0), "it hears of the newer term");
    assert!((0..3).any(|_| cluster.elect(0)), "3 has heard of neither change");
    (0..4).for_each(|_| cluster.fire(0, Timer::Heartbeat));
    [0, 1].map(|id| {
        let server = &cluster.seats[id].server;
        let next = server.log().get(common + 1).filter(|_| server.commit() > common);
        next.map(|entry| entry.command.clone())
    })
}

#[test]
fn a_leader_that_waits_for_an_entry_of_its_own_term_keeps_what_is_committed() {
    let [first, second] = two_leaders_change_the_members(Mistake::None);
    assert!(matches!(first, Some(Command::Configuration(_))), "{first:?}");
    assert!(second.is_none(), "nothing came to a majority of the four: {second:?}");
}

#[test]
fn a_leader_that_does_not_wait_commits_what_another_has_committed_otherwise() {
    let [first, second] = two_leaders_change_the_members(Mistake::EarlyChange);
    assert!(matches!((&first, &second), (Some(_), Some(_))), "{first:?} {second:?}");
    assert_ne!(first, second, "one place of the log, and two entries: State Machine Safety is broken");
}
