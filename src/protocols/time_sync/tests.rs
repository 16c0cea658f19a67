use super::*;
use crate::protocols::testing::Desk;

const A: NodeId = NodeId(1);
const B: NodeId = NodeId(2);
const C: NodeId = NodeId(3);
const SERVERS: [NodeId; 3] = [A, B, C];

fn rules() -> Rules<'static> {
    Rules {
        servers: &SERVERS,
        poll: Micros::secs(2),
        filter: Filter::LeastDelay,
        way: Way::Half,
        corrects: Corrects::Slew,
        believes: Believes::Majority,
        slew: 100_000,
        tolerance: 1_000,
    }
}

/// An answer of a server that is ahead by so much, over ways of these lengths, to a question of this instant.
fn reply(t1: Reading, ahead: i64, there: i64, back: i64) -> (Reading, Message) {
    let t2 = t1 + ahead + there;
    let message = Message::Reply { t1, t2, t3: t2 + 10, error: Micros::ZERO };
    (t1 + there + 10 + back, message)
}

struct Asked {
    client: Client,
    desk: Desk<Message, Timer, ()>,
    rules: Rules<'static>,
}

impl Asked {
    fn new(rules: Rules<'static>) -> Asked {
        Asked { client: Client::default(), desk: Desk::new(9), rules }
    }
    /// All are asked at this instant, and these answer. What is told.
    fn poll(&mut self, at: Reading, answers: &[(NodeId, i64, i64, i64)]) -> Vec<String> {
        self.client.poll(&mut self.desk, at, &self.rules);
        for (server, ahead, there, back) in answers {
            let (raw, message) = reply(at, *ahead, *there, *back);
            self.client.on_reply(raw, *server, message, &self.rules);
        }
        std::mem::take(&mut self.client.told).iter().map(Told::sentence).collect()
    }
}

#[test]
fn half_of_the_way_there_and_back_is_taken_off_and_half_of_its_asymmetry_remains() {
    let of = |there, back, way| {
        let (t4, message) = reply(1_000, 500, there, back);
        let Message::Reply { t1, t2, t3, .. } = message else { panic!("it is a reply") };
        let sample = Sample::new([t1, t2, t3, t4], Micros(7), way).expect("it can be");
        (sample.offset, sample.error)
    };
    assert_eq!(of(100, 100, Way::Half), (500, 100 + 7 + 2));
    assert_eq!(
        of(180, 20, Way::Half),
        (580, 100 + 7 + 2),
        "wrong by (180 - 20) / 2, and never by more than half of 200"
    );
    assert_eq!(of(0, 200, Way::Half), (400, 100 + 7 + 2));
    assert_eq!(of(100, 100, Way::None).0, 400);
    assert_eq!(Sample::new([10, 20, 30, 12], Micros::ZERO, Way::Half), None, "it came before it left");
}

/// From Marzullo 1990: with one of three wrong, the right time is where two agree.
#[test]
fn the_right_time_is_between_the_points_that_a_majority_has() {
    assert_eq!(agreed(&[(8, 12), (11, 13), (10, 12)], 2), Some((10, 12)));
    assert_eq!(agreed(&[(8, 12), (11, 13), (14, 15)], 2), Some((11, 12)));
    assert_eq!(agreed(&[(8, 9), (8, 12), (10, 12)], 2), Some((8, 12)), "either of the others may be wrong");
    assert_eq!(agreed(&[(0, 1), (3, 4), (6, 7)], 2), None);
    assert_eq!(agreed(&[(8, 12), (11, 13), (10, 12)], 3), Some((11, 12)));
    assert_eq!(agreed(&[], 1), None);
}

#[test]
fn one_server_that_is_wrong_is_outvoted_and_two_that_differ_are_not_believed() {
    let mut asked = Asked::new(rules());
    let told = asked.poll(0, &[(A, 900_000, 100, 100), (B, 50_000, 100, 100), (C, 50_000, 100, 100)]);
    assert_eq!(
        told,
        [
            "leaves its clock alone: no 2 of 3 servers agree",
            "sets its clock by +50ms, right within 104us: 2 of 3 servers agree",
        ]
    );
    let first = Rules { believes: Believes::First, ..rules() };
    let told = Asked::new(first).poll(0, &[(A, 900_000, 100, 100), (B, 50_000, 100, 100)]);
    assert_eq!(told[0], "sets its clock by +900ms, right within 104us: 1 of 1 servers agree");
}

#[test]
fn the_answer_that_was_least_long_on_its_way_counts_until_it_is_old() {
    let alone = Rules { servers: &[A], ..rules() };
    let mut asked = Asked::new(alone);
    asked.poll(0, &[(A, 0, 100, 100)]);
    // Others, which are 2 ms off and may be 5 off, change nothing, until the oscillator may have gained as much meanwhile.
    for (at, by) in [(2, "+0s"), (4, "+0s"), (6, "-2ms")] {
        let told = asked.poll(at * 1_000_000, &[(A, 0, 3_000, 7_000)]);
        assert_eq!(told[0].split(',').next(), Some(format!("sets its clock by {by}").as_str()), "{told:?}");
    }
}

#[test]
fn a_clock_that_is_ahead_runs_slower_and_never_back_unless_it_is_stepped() {
    for (corrects, later) in [(Corrects::Slew, 1_000_900), (Corrects::Step, 991_000)] {
        let rules = Rules { corrects, ..rules() };
        let mut clock = Clock::default();
        clock.correct(0, 0, 50, &rules);
        assert_eq!(clock.read(1_000_000).0, 1_000_000);
        clock.correct(1_000_000, -10_000, 50, &rules);
        let (reading, bound) = clock.read(1_001_000);
        assert_eq!(reading, later, "{corrects:?}");
        // What is still to be corrected is part of how wrong it may be.
        assert_eq!(bound, Micros(if corrects == Corrects::Slew { 50 + 9_900 + 1 } else { 51 }));
        assert_eq!(clock.read(1_200_000).0, 1_190_000, "a hundred milliseconds later both are right");
    }
}

#[test]
fn what_it_may_be_wrong_by_grows_until_it_hears_again() {
    let mut clock = Clock::default();
    clock.correct(0, 0, 50, &rules());
    // A thousand parts per million: a millisecond a second.
    assert_eq!(clock.read(3_000_000).1, Micros(3_050));
}

#[test]
fn an_answer_to_an_old_question_or_one_that_comes_twice_says_nothing() {
    let mut asked = Asked::new(Rules { servers: &[A], ..rules() });
    let (raw, old) = reply(0, 0, 100, 100);
    asked.client.poll(&mut asked.desk, 0, &asked.rules);
    asked.client.poll(&mut asked.desk, 2_000_000, &asked.rules);
    asked.client.on_reply(raw, A, old, &asked.rules);
    let (raw, new) = reply(2_000_000, 0, 100, 100);
    asked.client.on_reply(raw, A, new, &asked.rules);
    asked.client.on_reply(raw + 1, A, new, &asked.rules);
    assert_eq!(asked.client.told.len(), 1);
}

#[test]
fn a_clock_that_was_changed_by_hand_is_found_out_by_the_next_answer() {
    let mut asked = Asked::new(Rules { servers: &[A], ..rules() });
    asked.poll(0, &[(A, 0, 100, 100)]);
    // The oscillator was set on by a second: the server is behind it now. The old answer was shorter on its way.
    let told = asked.poll(3_000_000, &[(A, -1_000_000, 500, 500)]);
    assert!(told[0].starts_with("sets its clock by -1s"), "{told:?}");
}
