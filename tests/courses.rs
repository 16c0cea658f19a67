//! Acting in the past leaves a course of events; each course can be returned to, and every act taken back and done again.
//! Wherever one stands after that, it is where a straight run with the same acts stands.
#![cfg(not(target_arch = "wasm32"))]

use std::rc::Rc;

use faultline::components::{Fact, What};
use faultline::scenario::{Act, Document, builtin};
use faultline::sim::{Micros, Purpose, Stream, Time};
use faultline::timeline::{Cursor, MAX_BRANCHES, MAX_BYTES, MarkKind, Timeline};

const SEEDS: u64 = 200;

fn chat() -> Rc<Document> {
    Rc::new(builtin("chat").unwrap())
}

fn timeline(seed: u64) -> Timeline {
    Timeline::new(chat(), seed, Vec::new()).unwrap()
}

fn at(micros: u64) -> Cursor {
    Cursor { at: Time(micros), steps: None }
}

fn kill(node: &str) -> Act {
    Act::Kill { node: node.to_owned(), disk: false }
}

/// The same acts, done on a straight way from the beginning.
fn straight(timeline: &Timeline) -> u64 {
    let moment = timeline.moment();
    let mut other = Timeline::at_moment(moment.document.clone(), &moment).unwrap();
    other.seek(moment.cursor);
    assert_eq!(other.run().steps(), timeline.run().steps());
    other.run().digest()
}

/// The marks of the tape, but for those that stand for broken promises, up to where one stands.
fn marks(timeline: &Timeline) -> Vec<(Time, MarkKind)> {
    let last = timeline.run().world.last_record();
    timeline.tape().marks().iter().filter(|mark| mark.record <= last).map(|mark| (mark.at, mark.kind)).collect()
}

fn go(timeline: &mut Timeline, cursor: Option<Cursor>) {
    if let Some(cursor) = cursor {
        assert!(timeline.go_on(cursor, u64::MAX));
    }
}

#[test]
fn however_one_wanders_one_stands_where_a_straight_run_stands() {
    let names = ["gateway-1", "gateway-2", "sender-1", "sender-2", "history-1", "history-2", "supervisor-1"];
    let (mut branched, mut undone, mut redone, mut visited) = (0, 0, 0, 0);
    for seed in 0..SEEDS {
        let mut luck = Stream::new(seed, Purpose::Faults);
        let mut timeline = timeline(seed);
        for _ in 0..24 {
            let name = names[luck.below(names.len() as u64) as usize];
            match luck.below(10) {
                0 | 1 => {
                    let until = Time(timeline.now().0 + luck.below(1_500_000));
                    timeline.advance(until, u64::MAX);
                }
                2 | 3 => {
                    let act = if luck.below(2) == 0 { kill(name) } else { Act::Restart { node: name.to_owned() } };
                    let before = timeline.courses().len();
                    let _ = timeline.act(act);
                    branched += timeline.courses().len() - before;
                }
                4 => timeline.seek(at(luck.below(timeline.reached().0 + 1))),
                5 => {
                    timeline.step_back();
                }
                6 | 7 => {
                    let cursor = timeline.undo();
                    undone += usize::from(cursor.is_some());
                    go(&mut timeline, cursor);
                }
                8 => {
                    let cursor = timeline.redo();
                    redone += usize::from(cursor.is_some());
                    go(&mut timeline, cursor);
                }
                _ => {
                    let courses = timeline.courses();
                    let id = courses[luck.below(courses.len() as u64) as usize].id;
                    let cursor = timeline.visit(id);
                    visited += 1;
                    go(&mut timeline, cursor);
                }
            }
        }
        assert_eq!(timeline.run().digest(), straight(&timeline), "seed {seed}");
        let moment = timeline.moment();
        let other = Timeline::at_moment(moment.document.clone(), &moment).unwrap();
        assert_eq!(marks(&timeline), marks(&other), "seed {seed}: the tape shows what happened in this course");
    }
    let all = [branched, undone, redone, visited];
    assert!(all.iter().all(|count| *count > 50), "each was tried often: {all:?}");
}

#[test]
fn acting_in_the_past_keeps_what_was_left() {
    let mut timeline = timeline(3);
    timeline.advance(Time(4_000_000), u64::MAX);
    let left = timeline.run().digest();
    timeline.seek(at(2_000_000));
    timeline.act(kill("sender-1")).unwrap();
    timeline.advance(Time(4_000_000), u64::MAX);
    let names = |timeline: &Timeline| timeline.courses().iter().map(|course| course.name()).collect::<Vec<_>>();
    assert_eq!(names(&timeline), ["as it began", "kill sender-1"]);
    assert_ne!(timeline.run().digest(), left);
    assert!(timeline.log().iter().any(|record| matches!(record.what, What::Fact(Fact::Suspected { .. }))));

    let first = timeline.courses()[0].id;
    let cursor = timeline.visit(first);
    go(&mut timeline, cursor);
    assert_eq!((timeline.now(), timeline.run().digest()), (Time(4_000_000), left), "the course that was left");
    assert!(marks(&timeline).is_empty(), "in which nothing happened");
}

#[test]
fn an_act_at_the_end_of_a_course_leaves_nothing() {
    let mut timeline = timeline(3);
    timeline.advance(Time(1_000_000), u64::MAX);
    timeline.act(kill("sender-1")).unwrap();
    timeline.advance(Time(2_000_000), u64::MAX);
    timeline.act(kill("sender-2")).unwrap();
    assert_eq!(timeline.courses().len(), 1);
}

#[test]
fn an_act_between_two_events_of_a_microsecond_is_as_a_link_would_replay_it() {
    let mut timeline = timeline(8);
    timeline.advance(Time(1_000_000), u64::MAX);
    let mut tried = 0;
    for _ in 0..1_200 {
        timeline.step();
        if timeline.cursor().steps.is_some() {
            tried += 1;
            let act = if tried % 2 == 1 { kill("gateway-1") } else { Act::Restart { node: "gateway-1".to_owned() } };
            timeline.act(act).unwrap();
            assert_eq!(timeline.run().digest(), straight(&timeline));
        }
    }
    assert!(tried > 3);
}

#[test]
fn undo_takes_back_without_going_back() {
    let mut timeline = timeline(5);
    timeline.advance(Time(3_000_000), u64::MAX);
    let quiet = {
        let mut other = self::timeline(5);
        other.advance(Time(6_000_000), u64::MAX);
        other.run().digest()
    };
    timeline.act(kill("gateway-1")).unwrap();
    timeline.advance(Time(6_000_000), u64::MAX);
    let with = timeline.run().digest();

    assert_eq!(timeline.last_act().map(|stamped| stamped.act.words()).as_deref(), Some("kill gateway-1"));
    let cursor = timeline.undo();
    go(&mut timeline, cursor);
    assert_eq!((timeline.now(), timeline.run().digest()), (Time(6_000_000), quiet), "as if it had not been done");
    assert!(timeline.undo().is_none(), "there is nothing else to take back");

    let cursor = timeline.redo();
    go(&mut timeline, cursor);
    assert_eq!((timeline.now(), timeline.run().digest()), (Time(6_000_000), with), "as it was done at first");
    assert!(timeline.redo().is_none());

    let cursor = timeline.undo();
    go(&mut timeline, cursor);
    timeline.act(kill("gateway-2")).unwrap();
    assert!(timeline.next_redo().is_none(), "something else was done instead");
    assert_eq!(timeline.run().digest(), straight(&timeline));
}

#[test]
fn the_oldest_course_goes_first_and_none_is_left_without_its_origin() {
    let mut timeline = timeline(1);
    timeline.advance(Time(500_000), u64::MAX);
    for turn in 0..80u64 {
        timeline.seek(at(1_000 * (turn % 7) + 100_000));
        let act = if turn % 2 == 0 { kill("sender-1") } else { kill("gateway-1") };
        // Where that one is down already, it was killed before the instant that one went back to.
        let _ = timeline.act(act);
        timeline.advance(Time(300_000), u64::MAX);
    }
    let courses = timeline.courses();
    assert!(courses.len() <= MAX_BRANCHES + 1, "{}", courses.len());
    for course in courses {
        let known = course.parent.is_none_or(|parent| courses.iter().any(|other| other.id == parent));
        assert!(known, "{} left a course that is gone", course.name());
    }
    assert_eq!(timeline.run().digest(), straight(&timeline));
}

#[test]
fn a_long_run_keeps_to_its_memory() {
    let mut document = (*chat()).clone();
    document.groups.iter_mut().find(|group| group.kind == "client").expect("people write").count = 150;
    let mut timeline = Timeline::new(Rc::new(document), 2, Vec::new()).unwrap();
    timeline.advance(Time(Micros::secs(30).0), u64::MAX);
    assert!(
        timeline.keyframes() > 8 && timeline.held() <= MAX_BYTES,
        "{} in {}",
        timeline.held(),
        timeline.keyframes()
    );
    timeline.seek(at(17_000_000));
    let seen = timeline.run().digest();
    timeline.seek(at(29_000_000));
    timeline.seek(at(17_000_000));
    assert_eq!(timeline.run().digest(), seen);
}
