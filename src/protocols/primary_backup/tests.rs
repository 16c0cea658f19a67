//! The protocol by hand: what is said, what is written, what is refused.

use super::*;
use crate::protocols::Wire;
use crate::protocols::chat;
use crate::protocols::chat::{Text, item};
use crate::protocols::testing::Desk;

const A: NodeId = NodeId(1);
const B: NodeId = NodeId(2);
const SENDER: NodeId = NodeId(7);

fn view(number: u64, primary: NodeId, backup: Option<NodeId>) -> View {
    View { number, primary, backup }
}

fn post(count: u64) -> Post {
    Post { item: item(NodeId(20), count), text: Text::Written(&"hi"), written: Time::ZERO }
}

/// A server with its desk and its disk.
struct Seat {
    server: Server,
    desk: Desk<Message, Timer, Write>,
    store: Store,
}

impl Seat {
    fn new(id: NodeId) -> Seat {
        let store = Store::default();
        Seat { server: Server::boot(&store, Time::ZERO), desk: Desk::new(id.0), store }
    }
    /// Everything that was written reaches the disk; what was settled by that.
    fn sync(&mut self) -> Vec<u64> {
        let mut settled = Vec::new();
        while !self.desk.writes.is_empty() {
            let (write, done) = self.desk.writes.remove(0);
            self.store.apply(write);
            if let Some(timer) = done {
                let outcome = self.server.on_timer(&mut self.desk, timer);
                settled.extend(outcome.settled.iter().map(|settled| settled.place));
            }
        }
        settled
    }
    fn crash(&mut self) {
        self.desk.writes.clear();
        self.desk.sent.clear();
        self.desk.now += Micros(1);
        self.server = Server::boot(&self.store, self.desk.now);
    }
    fn hear(&mut self, from: NodeId, message: Message) -> Vec<u64> {
        let outcome = self.server.on_message(&mut self.desk, from, message);
        outcome.settled.iter().map(|settled| settled.place).collect()
    }
    fn append(&mut self, count: u64) {
        self.hear(SENDER, Message::Append { conversation: 0, post: post(count), floor: 1 });
    }
    fn told(&mut self, view: View) {
        self.server.on_view(&mut self.desk, view);
    }
    /// What was sent, in words.
    fn said(&mut self) -> Vec<String> {
        self.desk
            .sent()
            .iter()
            .map(|(to, message)| format!("{to} {} {}", message.name(), message.summary()).trim_end().to_owned())
            .collect()
    }
}

/// Carries everything that two servers say to one another, and lets their disks write, until nothing is left.
fn settle(a: &mut Seat, b: &mut Seat) {
    loop {
        a.sync();
        b.sync();
        let (ours, theirs) = (a.desk.sent(), b.desk.sent());
        let mut quiet = true;
        for (to, message) in ours {
            if to == b.desk.id {
                b.hear(a.desk.id, message);
                quiet = false;
            }
        }
        for (to, message) in theirs {
            if to == a.desk.id {
                a.hear(b.desk.id, message);
                quiet = false;
            }
        }
        if quiet {
            return;
        }
    }
}

/// A primary and a backup in view 1.
fn pair() -> (Seat, Seat) {
    let (mut a, mut b) = (Seat::new(A), Seat::new(B));
    let first = view(1, A, Some(B));
    a.told(first);
    b.told(first);
    settle(&mut a, &mut b);
    assert_eq!((a.server.role(), b.server.role()), (&Role::Primary(first), &Role::Backup(first)));
    (a, b)
}

#[test]
fn what_many_wait_for_is_taken_in_however_many_wait() {
    let (mut a, mut b) = pair();
    let ask = |a: &mut Seat, author: u32, count: u64| {
        let post = Post { item: item(NodeId(author), count), text: Text::Written(&"hi"), written: Time::ZERO };
        a.hear(SENDER, Message::Append { conversation: 0, post, floor: 1 });
    };
    for author in 100..100 + PENDING as u32 {
        ask(&mut a, author, 2);
    }
    assert_eq!(a.said(), Vec::<String>::new(), "all wait for the first message of their authors");
    ask(&mut a, 99, 2);
    assert_eq!(a.said(), ["@7 Busy"], "one more has no room to wait");
    ask(&mut a, 100, 2);
    assert_eq!(a.said(), Vec::<String>::new(), "of one that waits nobody is told no");
    ask(&mut a, 100, 1);
    settle(&mut a, &mut b);
    assert_eq!(a.server.logs().get(0).map(Log::last), Some(2), "the first, and what waited for it");
}

#[test]
fn a_message_is_acknowledged_when_it_is_on_both_disks_and_not_before() {
    let (mut a, mut b) = pair();
    a.append(1);
    assert_eq!(a.said(), ["@2 Forward view 1, place 1: #20.1 “hi”"]);
    assert!(a.sync().is_empty());
    assert_eq!(a.said(), [""; 0]);
    b.hear(A, Message::Forward { view: 1, conversation: 0, place: 1, post: post(1), settled: 0 });
    assert_eq!(b.said(), [""; 0]);
    b.sync();
    assert_eq!(b.said(), ["@1 Forwarded view 1, conversation 0, place 1"]);
    assert_eq!(a.hear(B, Message::Forwarded { view: 1, conversation: 0, place: 1 }), [1]);
    assert_eq!(a.said(), ["@7 Appended #20.1 at place 1"]);
}

#[test]
fn a_retry_gets_the_same_place_and_is_not_stored_again() {
    let (mut a, mut b) = pair();
    a.append(1);
    a.append(1);
    settle(&mut a, &mut b);
    a.append(1);
    assert_eq!(a.said(), ["@7 Appended #20.1 at place 1"]);
    assert_eq!((a.store.logs.total(), b.store.logs.total()), (1, 1));
}

#[test]
fn what_is_not_settled_is_not_read() {
    let (mut a, _) = pair();
    a.append(1);
    a.sync();
    a.desk.sent();
    a.hear(SENDER, Message::Read { conversation: 0, reader: NodeId(20), after: Some(0) });
    assert_eq!(a.said(), ["@7 Entries conversation 0, reader @20, places none, last 0"]);
}

#[test]
fn a_deposed_primary_cannot_acknowledge() {
    let (mut a, mut b) = pair();
    // B has been promoted; A has not heard of it.
    b.told(view(2, B, None));
    b.sync();
    a.append(1);
    a.sync();
    settle(&mut a, &mut b);
    assert_eq!(a.server.role(), &Role::Deposed);
    assert_eq!(a.server.settled(0), 0);
    a.append(1);
    assert_eq!(a.said(), ["@7 NotPrimary primary not known"]);
}

#[test]
fn forwards_that_overtake_one_another_are_put_in_order() {
    let (_, mut b) = pair();
    for place in [3, 1, 2] {
        b.hear(A, Message::Forward { view: 1, conversation: 0, place, post: post(place), settled: 0 });
    }
    b.sync();
    let log = b.store.logs.get(0).expect("a log");
    let order: Vec<u64> =
        (1..=3).filter_map(|place| Some(crate::protocols::chat::count(log.get(place)?.item))).collect();
    assert_eq!(order, [1, 2, 3]);
}

#[test]
fn a_server_that_crashed_takes_part_in_newer_views_only() {
    let (mut a, mut b) = pair();
    // B has place 1 on its disk; A crashes before it has.
    a.append(1);
    for (_, message) in a.desk.sent() {
        b.hear(A, message);
    }
    b.sync();
    a.crash();
    a.told(view(1, A, Some(B)));
    assert_eq!((a.server.role(), a.server.report(a.desk.now).view), (&Role::Idle, 0));
    // In a new view it is brought up to date, and what only B had is settled.
    let next = view(2, B, Some(A));
    b.told(next);
    a.told(next);
    settle(&mut a, &mut b);
    assert_eq!((a.store.logs.total(), b.server.settled(0)), (1, 1));
    assert_eq!(a.store.view, Some(next));
}

#[test]
fn a_transfer_that_is_sent_again_undoes_nothing() {
    let (mut a, mut b) = (Seat::new(A), Seat::new(B));
    let first = view(1, A, Some(B));
    a.told(first);
    let (_, transfer) = a.desk.sent().remove(0);
    for _ in 0..3 {
        b.hear(A, transfer.clone());
    }
    assert_eq!(b.desk.writes.len(), 1);
    settle(&mut a, &mut b);
    a.append(1);
    settle(&mut a, &mut b);
    b.hear(A, transfer);
    b.sync();
    assert_eq!(b.said(), ["@1 Transferred view 1"]);
    assert_eq!(b.store.logs.total(), 1);
}

#[test]
fn a_backup_that_does_not_answer_is_reported() {
    let (mut a, _) = pair();
    a.append(1);
    a.sync();
    assert_eq!(a.server.report(a.desk.now).alone, 0);
    a.desk.now += ALONE + Micros(1);
    assert_eq!(a.server.report(a.desk.now).alone, 1);
    // The service lets it go on alone; then the message is settled.
    a.told(view(2, A, None));
    assert_eq!(a.sync(), [1]);
}

#[test]
fn messages_of_one_author_that_overtake_one_another_stand_as_they_were_written() {
    let (mut a, mut b) = pair();
    for count in [3, 2] {
        a.append(count);
        assert!(a.said().is_empty());
    }
    a.append(1);
    settle(&mut a, &mut b);
    let log = a.store.logs.get(0).expect("a log");
    let order: Vec<u64> = (1..=3).filter_map(|place| Some(chat::count(log.get(place)?.item))).collect();
    assert_eq!(order, [1, 2, 3]);
    // What is acknowledged is not waited for, wherever it stands.
    let message = Message::Append { conversation: 5, post: post(9), floor: 9 };
    a.hear(SENDER, message);
    settle(&mut a, &mut b);
    assert_eq!(a.store.logs.get(5).map(Log::last), Some(1));
}
