//! One half at a time, with the other's messages written by hand.

use super::*;
use crate::protocols::testing::Desk;
use crate::sim::{Disk, Micros, Time};

const C: NodeId = NodeId(1);
const P: NodeId = NodeId(2);
const Q: NodeId = NodeId(3);

type Coordinating = Desk<Message, CoordinatorTimer, CoordinatorWrite>;
type Taking = Desk<Message, ParticipantTimer, ParticipantWrite>;

fn coordinator_rules(presume: Presume) -> CoordinatorRules {
    CoordinatorRules { presume, log: Log::Forced, patience: Micros::secs(1), again: Micros::secs(1) }
}

fn rules() -> ParticipantRules {
    ParticipantRules {
        accounts: 4,
        opening: 100,
        log: Log::Forced,
        in_doubt: InDoubt::AskEveryone,
        patience: Micros::secs(1),
    }
}

fn tx(number: u64) -> Tx {
    Tx { coordinator: C, number }
}

fn transfer(account: u32) -> [Change; 2] {
    [Change { at: P, account, amount: -60 }, Change { at: Q, account, amount: 60 }]
}

fn terms(account: u32) -> Terms {
    Terms::new(&transfer(account), Presume::Nothing)
}

fn said(sent: Vec<(NodeId, Message)>) -> Vec<String> {
    sent.into_iter().map(|(to, message)| format!("{to} {} {}", message.name(), message.tx().number)).collect()
}

/// What a participant hears, and what it says when its disk has everything.
fn hears(desk: &mut Taking, one: &mut Participant, from: NodeId, message: Message) -> Vec<String> {
    one.on_message(desk, &rules(), from, message);
    synced(desk, one);
    said(desk.sent())
}

fn synced(desk: &mut Taking, one: &mut Participant) {
    for (_, done) in std::mem::take(&mut desk.writes) {
        if let Some(done) = done {
            one.on_timer(desk, &rules(), done);
        }
    }
}

#[test]
fn a_coordinator_commits_when_the_last_has_voted_yes_and_forgets_when_the_last_has_acknowledged() {
    let (mut desk, rules) = (Coordinating::new(1), coordinator_rules(Presume::Nothing));
    let mut one = Coordinator::boot(&CoordinatorLog::default(), Time::ZERO);
    one.start(&mut desk, &rules);
    one.begin(&mut desk, &rules, &transfer(0));
    assert_eq!(said(desk.sent()), [""; 0], "not before the number of this life is safe");
    let mut log = CoordinatorLog::default();
    let mut sync = |desk: &mut Coordinating, one: &mut Coordinator| {
        for (write, done) in std::mem::take(&mut desk.writes) {
            log.apply(write);
            if let Some(done) = done {
                one.on_timer(desk, &rules, done);
            }
        }
        (said(desk.sent()), log.clone())
    };
    sync(&mut desk, &mut one);
    one.begin(&mut desk, &rules, &transfer(0));
    assert_eq!(said(desk.sent()), ["@2 VoteReq 1", "@3 VoteReq 1"]);
    for from in [P, P, Q] {
        assert_eq!(said(desk.sent()), [""; 0]);
        one.on_message(&mut desk, &rules, from, &Message::Yes { tx: tx(1) });
    }
    let (told, log) = sync(&mut desk, &mut one);
    assert_eq!(told, ["@2 Commit 1", "@3 Commit 1"], "when it is on the disk");
    // It crashes. Its next life tells it again, and numbers what it begins apart.
    let mut again = Coordinator::boot(&log, Time::ZERO);
    again.start(&mut desk, &rules);
    assert_eq!(said(desk.sent()), ["@2 Commit 1", "@3 Commit 1"]);
    again.on_message(&mut desk, &rules, Q, &Message::DecisionReq { tx: tx(1) });
    again.on_message(&mut desk, &rules, Q, &Message::DecisionReq { tx: tx(2) });
    assert_eq!(said(desk.sent()), ["@3 Commit 1", "@3 Abort 2"], "of the second it knows nothing");
    for from in [Q, P] {
        again.on_message(&mut desk, &rules, from, &Message::Ack { tx: tx(1) });
    }
    sync(&mut desk, &mut again);
    again.begin(&mut desk, &rules, &transfer(0));
    assert_eq!(said(desk.sent()), ["@2 VoteReq 10000001", "@3 VoteReq 10000001"]);
    assert_eq!(again.telling(), 0);
}

#[test]
fn a_participant_votes_once_and_locks_until_it_decides() {
    let mut desk = Taking::new(2);
    let mut one = Participant::boot(&ParticipantLog::default(), Time::ZERO);
    let ask = |number: u64, account: u32| Message::VoteReq { tx: tx(number), terms: terms(account) };
    assert_eq!(hears(&mut desk, &mut one, C, ask(1, 0)), ["@1 Yes 1"]);
    assert_eq!(hears(&mut desk, &mut one, C, ask(1, 0)), ["@1 Yes 1"], "it came a second time");
    assert_eq!(hears(&mut desk, &mut one, C, ask(2, 0)), ["@1 No 2"], "it is locked");
    assert_eq!(hears(&mut desk, &mut one, Q, Message::DecisionReq { tx: tx(1) }), [""; 0], "it cannot help");
    assert_eq!(hears(&mut desk, &mut one, C, Message::Commit { tx: tx(1) }), ["@1 Ack 1"]);
    assert_eq!((one.balance(&rules(), 0), one.total(&rules()), one.locks()), (40, 340, vec![]));
    assert_eq!(hears(&mut desk, &mut one, C, Message::Commit { tx: tx(1) }), ["@1 Ack 1"], "and is done once");
    assert_eq!(one.balance(&rules(), 0), 40);
    assert_eq!(hears(&mut desk, &mut one, Q, Message::DecisionReq { tx: tx(1) }), ["@3 Commit 1"]);
    assert_eq!(hears(&mut desk, &mut one, C, ask(3, 0)), ["@1 No 3"], "there are only 40");
    assert_eq!(hears(&mut desk, &mut one, C, ask(4, 4)), ["@1 No 4"], "there is no such account");
}

#[test]
fn whoever_is_asked_for_a_decision_before_it_has_voted_votes_no() {
    let mut desk = Taking::new(2);
    let mut one = Participant::boot(&ParticipantLog::default(), Time::ZERO);
    one.on_message(&mut desk, &rules(), Q, Message::DecisionReq { tx: tx(1) });
    assert_eq!(said(desk.sent()), [""; 0], "not before the abort is on its disk");
    synced(&mut desk, &mut one);
    assert_eq!(said(desk.sent()), ["@3 Abort 1"]);
    let late = Message::VoteReq { tx: tx(1), terms: terms(0) };
    assert_eq!(hears(&mut desk, &mut one, C, late), ["@1 No 1"]);
}

#[test]
fn a_restarted_participant_holds_its_locks_and_asks() {
    let mut log = ParticipantLog::default();
    let own = terms(0).at(P).copied().collect();
    log.apply(ParticipantWrite::Prepared { tx: tx(1), own, terms: terms(0) });
    let mut desk = Taking::new(2);
    let mut one = Participant::boot(&log, Time::ZERO);
    one.start(&mut desk, &rules());
    assert_eq!((one.locks(), one.in_doubt().count()), (vec![0], 1));
    assert_eq!(said(desk.sent()), ["@1 DecisionReq 1", "@3 DecisionReq 1"]);
    assert_eq!(hears(&mut desk, &mut one, Q, Message::Abort { tx: tx(1), ack: false }), [""; 0]);
    assert_eq!((one.locks(), one.balance(&rules(), 0)), (vec![], 100));
}

#[test]
fn what_was_forgotten_is_neither_answered_nor_voted_on() {
    let mut log = ParticipantLog::default();
    for number in 1..=KEPT as u64 + 1 {
        log.apply(ParticipantWrite::Decided { tx: tx(number), commit: true });
    }
    let mut desk = Taking::new(2);
    let mut one = Participant::boot(&log, Time::ZERO);
    assert_eq!(hears(&mut desk, &mut one, Q, Message::DecisionReq { tx: tx(1) }), [""; 0]);
    assert_eq!(hears(&mut desk, &mut one, Q, Message::DecisionReq { tx: tx(2) }), ["@3 Commit 2"]);
    let late = Message::VoteReq { tx: tx(1), terms: terms(0) };
    assert_eq!(hears(&mut desk, &mut one, C, late), ["@1 No 1"]);
}
