//! Two zones, each with its disk, and every way in which one of them may crash in between.

use super::*;
use crate::protocols::testing::Desk;

const A: NodeId = NodeId(1);
const B: NodeId = NodeId(2);
const P: NodeId = NodeId(7);
const Q: NodeId = NodeId(8);

type Table = Desk<Message, Timer, Write>;

fn rules() -> Rules {
    Rules { confirm: true, fencing: true, gifts: Gifts::AtOnce, again: Micros::secs(1) }
}

fn body(player: NodeId) -> Body {
    Body { at: (0, 0), to: (9, 9), items: [item(player, 0), item(player, 1)].into() }
}

/// A zone with its disk.
struct Zone(Table, Handover, Book);

impl Zone {
    fn new(id: NodeId) -> Zone {
        Zone(Table::new(id.0), Handover::boot(&Book::default()), Book::default())
    }
    /// Everything that is on its way to the disk gets there.
    fn sync(&mut self, rules: &Rules) {
        while !self.0.writes.is_empty() {
            for (write, done) in std::mem::take(&mut self.0.writes) {
                self.2.apply(write);
                if let Some(done) = done {
                    self.1.on_timer(&mut self.0, rules, done);
                }
            }
        }
    }
    /// It crashes, with what is on its way to the disk, and starts again.
    fn crash(&mut self) {
        self.0.writes.clear();
        self.1 = Handover::boot(&self.2);
        self.1.start(&mut self.0, &rules());
    }
    fn said(&mut self) -> Vec<(NodeId, Message)> {
        self.0.sent()
    }
    fn hears(&mut self, from: NodeId, said: &[(NodeId, Message)], rules: &Rules) {
        for (_, message) in said {
            self.1.on_message(&mut self.0, rules, from, message.clone());
        }
        self.sync(rules);
    }
    fn has(&self, player: NodeId) -> bool {
        self.1.here().contains_key(&player)
    }
}

fn two() -> (Zone, Zone) {
    let (mut a, b) = (Zone::new(A), Zone::new(B));
    a.1.create(&mut a.0, P, body(P));
    a.sync(&rules());
    (a, b)
}

#[test]
fn a_player_goes_over_with_two_messages_and_three_writes() {
    let (mut a, mut b) = two();
    a.1.leave(&mut a.0, &rules(), P, B);
    assert!(!a.has(P) && a.said().is_empty(), "nothing is offered before the intent is on the disk");
    a.sync(&rules());
    let offer = a.said();
    assert_eq!(offer, [(B, Message::Offer { player: P, number: 2, body: body(P) })]);
    b.1.on_message(&mut b.0, &rules(), A, offer[0].1.clone());
    assert!(!b.has(P) && b.said().is_empty(), "nothing is accepted before they are on the disk");
    b.sync(&rules());
    assert!(b.has(P));
    let accept = b.said();
    assert_eq!(accept, [(A, Message::Accept { player: P, number: 2 })]);
    a.hears(B, &accept, &rules());
    assert_eq!((a.1.between(), a.2.carries(token(P)), b.2.carries(item(P, 1))), ((0, 0), false, true));
}

#[test]
fn wherever_one_of_them_crashes_the_player_is_in_one_zone_in_the_end() {
    for crash in 0..6 {
        let (mut a, mut b) = two();
        a.1.leave(&mut a.0, &rules(), P, B);
        let stage = |place: u32, zone: &mut Zone| {
            if crash == place {
                zone.crash();
            }
        };
        stage(0, &mut a);
        a.sync(&rules());
        stage(1, &mut a);
        let offers = a.said();
        for (_, offer) in &offers {
            b.1.on_message(&mut b.0, &rules(), A, offer.clone());
        }
        stage(2, &mut b);
        b.sync(&rules());
        stage(3, &mut b);
        let accepts = b.said();
        a.hears(B, if crash == 4 { &[] } else { &accepts }, &rules());
        stage(5, &mut a);
        // Later: whoever still has an offer makes it again.
        a.1.on_timer(&mut a.0, &rules(), Timer::Again(P, 2));
        let again = a.said();
        b.hears(A, &again, &rules());
        let accepts = b.said();
        a.hears(B, &accepts, &rules());
        assert_eq!((a.has(P), b.has(P)), (crash == 0, crash != 0), "crash {crash}");
        assert_eq!(a.1.between(), (0, 0), "crash {crash}");
    }
}

#[test]
fn an_offer_that_comes_late_brings_nobody_a_second_time() {
    for fencing in [true, false] {
        let rules = Rules { fencing, ..rules() };
        let (mut a, mut b) = two();
        a.1.leave(&mut a.0, &rules, P, B);
        a.sync(&rules);
        let offer = a.said();
        b.hears(A, &offer, &rules);
        let accept = b.said();
        a.hears(B, &accept, &rules);
        b.1.leave(&mut b.0, &rules, P, A);
        b.sync(&rules);
        let back = b.said();
        a.hears(B, &back, &rules);
        assert!(a.has(P));
        b.hears(A, &offer, &rules);
        assert_eq!(b.has(P), !fencing, "the first offer, a second time");
    }
}

#[test]
fn who_does_not_wait_for_an_answer_loses_the_player_with_the_message() {
    let rules = Rules { confirm: false, ..rules() };
    let (mut a, _) = two();
    a.1.leave(&mut a.0, &rules, P, B);
    a.sync(&rules);
    assert_eq!(a.said().len(), 1);
    a.1.on_timer(&mut a.0, &rules, Timer::Again(P, 2));
    assert!(a.said().is_empty() && !a.1.carries(token(P)) && !a.2.carries(token(P)));
}

#[test]
fn a_gift_that_only_a_snapshot_saves_is_there_twice_after_a_crash() {
    for gifts in [Gifts::AtOnce, Gifts::WithSnapshot] {
        let rules = Rules { gifts, ..rules() };
        let (mut a, mut b) = two();
        a.1.create(&mut a.0, Q, body(Q));
        a.sync(&rules);
        let sword = item(P, 0);
        a.1.give(&mut a.0, &rules, sword, P, Q);
        a.1.leave(&mut a.0, &rules, Q, B);
        a.sync(&rules);
        let offer = a.said();
        b.hears(A, &offer, &rules);
        a.crash();
        let twice = a.1.carries(sword)
            && a.1.here().get(&P).is_some_and(|body| body.items.contains(&sword))
            && b.1.carries(sword);
        assert_eq!(twice, gifts == Gifts::WithSnapshot);
    }
}
