use super::*;
use crate::protocols::testing::Desk;
use crate::sim::Time;

const P: NodeId = NodeId(1);
const Q: NodeId = NodeId(2);
const AUDITOR: NodeId = NodeId(9);

/// A branch with its desk and its disk.
struct Placed {
    branch: Branch,
    desk: Desk<Message, Timer, Rc<Book>>,
    disk: Book,
    others: [NodeId; 1],
    channels: Channels,
}

impl Placed {
    fn new(me: NodeId, other: NodeId, channels: Channels) -> Placed {
        let (mut desk, disk, others) = (Desk::new(me.0), Book::default(), [other]);
        let branch = Branch::boot(&mut desk, &disk, &rules(&others, channels));
        let mut placed = Placed { branch, desk, disk, others, channels };
        placed.sync();
        placed
    }
    /// Everything that was written reaches the disk.
    fn sync(&mut self) {
        while !self.desk.writes.is_empty() {
            let (write, done) = self.desk.writes.remove(0);
            self.disk.apply(write);
            if let Some(timer) = done {
                self.branch.on_timer(&mut self.desk, timer, &rules(&self.others, self.channels));
            }
        }
    }
    fn pay(&mut self, amount: u64) {
        self.branch.pay(&mut self.desk, 0, amount, &rules(&self.others, self.channels));
        self.sync();
    }
    fn hear(&mut self, from: NodeId, message: Message) {
        self.branch.on_message(&mut self.desk, from, message, &rules(&self.others, self.channels));
        self.sync();
    }
    /// What it said since one last looked, to whom.
    fn said(&mut self) -> Vec<(NodeId, Message)> {
        self.desk.sent()
    }
    fn crash(&mut self) {
        self.desk.writes.clear();
        self.branch = Branch::boot(&mut self.desk, &self.disk, &rules(&self.others, self.channels));
        self.sync();
    }
}

fn rules(others: &[NodeId; 1], channels: Channels) -> Rules<'_> {
    Rules {
        branches: others,
        auditors: &[AUDITOR],
        opens: 100,
        receipt: Receipt::Maximum,
        channels,
        again: Micros::secs(1),
        page: Micros::secs(1),
    }
}

fn pair(channels: Channels) -> (Placed, Placed) {
    (Placed::new(P, Q, channels), Placed::new(Q, P, channels))
}

fn words(said: &[(NodeId, Message)]) -> Vec<String> {
    use crate::protocols::Wire;
    said.iter().map(|(to, message)| format!("{to} {}: {}", message.name(), message.summary())).collect()
}

fn parcels(said: Vec<(NodeId, Message)>) -> Vec<Message> {
    said.into_iter().map(|(_, message)| message).filter(|message| matches!(message, Message::Parcel { .. })).collect()
}

const BEGIN: Message = Message::Snapshot { snapshot: 1, how: How::Begin };

#[test]
fn what_is_under_way_is_recorded_in_its_channel() {
    let (mut p, mut q) = pair(Channels::InOrder);
    // 30 are under way from Q to P, when P records. 5 go from P to Q before, and 7 after.
    q.pay(30);
    p.pay(5);
    p.hear(AUDITOR, BEGIN);
    p.pay(7);
    let from_p = parcels(p.said());
    let words_of_p = words(&from_p.iter().map(|message| (Q, message.clone())).collect::<Vec<_>>());
    assert_eq!(
        words_of_p,
        [
            "@2 Transfer: number 1, amount 5, Lamport 1, vector [1 0]",
            "@2 Marker: number 2, snapshot 1",
            "@2 Transfer: number 3, amount 7, Lamport 2, vector [2 0]",
        ]
    );
    for message in from_p {
        q.hear(P, message);
    }
    let said = q.said();
    assert_eq!(
        words(&said),
        [
            "@1 Transfer: number 1, amount 30, Lamport 1, vector [0 1]",
            "@1 Ack: up to 1",
            "@1 Marker: number 2, snapshot 1",
            "@9 Report: snapshot 1, balance 75, in channels 0, vector [1 2]",
            "@1 Ack: up to 2",
            "@1 Ack: up to 3",
        ]
    );
    for message in parcels(said) {
        p.hear(Q, message);
    }
    let report = "@9 Report: snapshot 1, balance 95, in channels 30, vector [1 0]";
    assert!(words(&p.said()).contains(&report.to_owned()), "95 + 30 + 75 = 200");
}

#[test]
fn a_marker_that_overtakes_money_waits_unless_channels_have_no_order() {
    for (channels, in_channel) in [(Channels::InOrder, 5), (Channels::AsTheyCome, 0)] {
        let (mut p, mut q) = pair(channels);
        q.hear(AUDITOR, BEGIN);
        q.said();
        p.pay(5);
        // Q's marker comes to P, which records after it has paid.
        p.hear(Q, Message::Parcel { number: 1, what: Parcel::Marker { snapshot: 1 } });
        let mut sent = parcels(p.said());
        sent.reverse();
        for message in sent {
            q.hear(P, message);
        }
        let report = format!("@9 Report: snapshot 1, balance 100, in channels {in_channel}, vector [0 0]");
        assert!(words(&q.said()).contains(&report), "{channels:?}");
        assert_eq!(q.branch.book().balance, 105, "the money itself is not lost");
    }
}

#[test]
fn a_branch_that_asks_nobody_else_misses_what_is_under_way() {
    let (mut p, _) = pair(Channels::InOrder);
    p.pay(30);
    p.said();
    p.hear(AUDITOR, Message::Snapshot { snapshot: 1, how: How::Ask });
    assert_eq!(words(&p.said()), ["@9 Report: snapshot 1, balance 70, in channels 0, vector [1 0]"]);
}

#[test]
fn a_lost_parcel_is_sent_again_and_one_that_comes_twice_is_taken_once() {
    let (mut p, mut q) = pair(Channels::InOrder);
    p.pay(5);
    let lost = parcels(p.said());
    p.branch.on_timer(&mut p.desk, Timer::Again(Q), &rules(&[Q], Channels::InOrder));
    let again = parcels(p.said());
    assert_eq!(lost, again);
    for message in [again, lost].concat() {
        q.hear(P, message);
    }
    assert_eq!(q.branch.book().balance, 105);
    let acks = words(&q.said());
    assert_eq!(acks, ["@1 Ack: up to 1", "@1 Ack: up to 1"]);
    p.hear(Q, Message::Ack { upto: 1 });
    assert_eq!(p.branch.waiting(), (0, 0));
}

#[test]
fn nobody_hears_of_a_payment_before_it_is_on_the_disk_and_a_crash_loses_or_doubles_nothing() {
    let (mut p, mut q) = pair(Channels::InOrder);
    p.branch.pay(&mut p.desk, 0, 5, &rules(&[Q], Channels::InOrder));
    assert!(p.said().is_empty());
    p.crash();
    assert_eq!((p.branch.book().balance, p.said().len()), (100, 0), "it never was");
    p.pay(6);
    p.said();
    p.crash();
    let again = parcels(p.said());
    assert_eq!((p.branch.book().balance, again.len()), (94, 1), "it was, and is sent again");
    q.hear(P, again[0].clone());
    q.crash();
    assert_eq!(q.branch.book().balance, 106);
    assert_eq!(q.branch.book().clock.to_string(), "2 [1 1]");
}

#[test]
fn a_recording_that_a_crash_interrupts_is_never_reported() {
    let (mut p, _) = pair(Channels::InOrder);
    p.hear(AUDITOR, BEGIN);
    assert!(p.branch.recording().is_some());
    p.crash();
    p.hear(Q, Message::Parcel { number: 1, what: Parcel::Marker { snapshot: 1 } });
    assert!(p.branch.recording().is_none());
    assert!(!words(&p.said()).iter().any(|line| line.contains("Report")));
}

#[test]
fn an_auditor_adds_up_and_tells_by_vectors_whether_a_cut_is_consistent() {
    let vector = |counts: &[(NodeId, u64)]| {
        let mut vector = Vector::default();
        for (node, count) in counts {
            (0..*count).for_each(|_| vector.tick(*node));
        }
        vector
    };
    let report =
        |balance, under_way, known| Report { snapshot: 1, opened: 100, balance, channels: vec![(P, under_way)], known };
    for (known_of_p, total, consistent) in [(2, 200, true), (3, 210, false)] {
        let mut desk: Desk<Message, AuditorTimer, u64> = Desk::new(9);
        let mut auditor = Auditor::boot(Numbers(0));
        assert!(!auditor.next(&mut desk));
        auditor.begin(&mut desk, 1, &[P, Q], Method::Markers, Micros::ZERO);
        assert_eq!(desk.sent().len(), 1, "anyone may begin");
        assert_eq!(auditor.on_report(Time::ZERO, P, report(90, 0, vector(&[(P, 2)]))), None);
        let theirs = report(total - 95, 5, vector(&[(P, known_of_p), (Q, 1)]));
        let told = auditor.on_report(Time::ZERO, Q, theirs).expect("it has both");
        let word = if consistent { "consistent" } else { "not consistent" };
        assert_eq!(told.sentence(), format!("adds up snapshot 1: {total} of 200, by the vectors {word}"));
    }
}

#[test]
fn a_receipt_before_its_payment_is_found_by_clocks_on_the_wall_and_never_by_lamports() {
    let mut paid = Stamp::default();
    paid.tick(P);
    let mut got = Stamp::default();
    got.receive(Q, &paid, Receipt::Maximum);
    let line = |paid_here, wall, stamp: &Stamp| {
        let stamp = stamp.clone();
        Line { from: P, to: Q, number: 1, paid: paid_here, wall: Time(wall), stamp }
    };
    for (compares, compared) in [(Compares::Wall, Compared::Effect), (Compares::Lamport, Compared::Cause)] {
        let mut auditor = Auditor::boot(Numbers(0));
        assert_eq!(auditor.on_line(&line(true, 500, &paid), compares, 7), []);
        // Q's clock is behind. And the vectors know that the one can have influenced the other.
        assert_eq!(auditor.on_line(&line(false, 400, &got), compares, 7), [compared, Compared::Ordered]);
    }
}
