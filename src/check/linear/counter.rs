//! Counters that are counted up and read: whether there is an order needs no search.
//!
//! A read of n stands between the nth increment of the order and the next. So each increment has a first place that it
//! may have, after every read and increment that was over before its call, and a last one, before every read and
//! increment that was called after its return. Unit jobs with releases and deadlines on one machine: whoever is due
//! first goes first, which finds an order where there is one (Jackson 1955; Garey, Johnson, Simons and Tarjan 1981 for
//! jobs one before another). Up to the largest n that was read no place may stay empty, so that increments of which
//! nobody knows are taken where no other may stand.

use super::history::{NEVER, Operation, Part};
use super::model::Action;

/// An increment: the first and the last place that it may have.
#[derive(Clone, Copy)]
struct Job {
    invoked: u32,
    returned: u32,
    first: u32,
    last: u32,
}

/// Whether a counter that begins with `part.initial` allows what was read.
pub(super) fn decide(part: &Part) -> bool {
    let mut reads: Vec<(u32, Operation)> = Vec::new();
    let mut jobs: Vec<Job> = Vec::new();
    for one in &part.operations {
        match one.action {
            Action::Counted(count) if count < part.initial => return false,
            Action::Counted(count) => reads.push((count - part.initial, *one)),
            _ => jobs.push(Job { invoked: one.invoked, returned: one.returned, first: 1, last: NEVER }),
        }
    }
    monotone(&reads) && releases(&mut jobs, &reads) && deadlines(&mut jobs, &reads) && places(&mut jobs, &reads)
}

/// Whether nobody read less than what somebody had read before.
fn monotone(reads: &[(u32, Operation)]) -> bool {
    let mut over: Vec<&(u32, Operation)> = reads.iter().collect();
    over.sort_unstable_by_key(|(_, one)| one.returned);
    let (mut at, mut most) = (0, 0);
    // Reads come ascending by call.
    reads.iter().all(|(count, one)| {
        while at < over.len() && over[at].1.returned < one.invoked {
            most = most.max(over[at].0);
            at += 1;
        }
        *count >= most
    })
}

/// The first place of each: after all that was over before its call.
fn releases(jobs: &mut [Job], reads: &[(u32, Operation)]) -> bool {
    // Returns of reads and of increments, ascending, each with the place that the next may have at first.
    let mut over: Vec<(u32, Option<usize>, u32)> =
        reads.iter().map(|(count, one)| (one.returned, None, count + 1)).collect();
    over.extend(
        jobs.iter()
            .enumerate()
            .filter(|(_, job)| job.returned != NEVER)
            .map(|(place, job)| (job.returned, Some(place), 0)),
    );
    over.sort_unstable();
    let (mut at, mut first) = (0, 1);
    for place in 0..jobs.len() {
        while at < over.len() && over[at].0 < jobs[place].invoked {
            let (_, job, after) = over[at];
            // Whoever returned before this call was called before it, so that its own place is known.
            first = first.max(job.map_or(after, |job| jobs[job].first + 1));
            at += 1;
        }
        jobs[place].first = first;
    }
    true
}

/// The last place of each: before all that was called after its return. Whether each still has a place.
fn deadlines(jobs: &mut [Job], reads: &[(u32, Operation)]) -> bool {
    let mut by_return: Vec<usize> = (0..jobs.len()).filter(|place| jobs[*place].returned != NEVER).collect();
    by_return.sort_unstable_by_key(|place| std::cmp::Reverse(jobs[*place].returned));
    // Calls of reads and of increments that must happen, descending.
    let mut calls: Vec<(u32, Option<usize>, u32)> =
        reads.iter().map(|(count, one)| (one.invoked, None, *count)).collect();
    calls.extend(by_return.iter().map(|place| (jobs[*place].invoked, Some(*place), 0)));
    calls.sort_unstable_by(|one, other| other.cmp(one));
    let (mut at, mut last) = (0, NEVER);
    for place in by_return {
        while at < calls.len() && calls[at].0 > jobs[place].returned {
            let (_, job, before) = calls[at];
            last =
                last.min(job.map_or(before, |job| jobs[job].last.saturating_sub(u32::from(jobs[job].last != NEVER))));
            at += 1;
        }
        jobs[place].last = last;
    }
    jobs.iter().all(|job| job.last >= job.first)
}

/// Gives each place to whoever is due first of those that may have it.
fn places(jobs: &mut [Job], reads: &[(u32, Operation)]) -> bool {
    let most = reads.iter().map(|(count, _)| *count).max().unwrap_or(0);
    jobs.sort_unstable_by_key(|job| (job.first, job.last));
    let mut waiting = std::collections::BinaryHeap::new();
    let mut at = 0;
    for place in 1..=most {
        while at < jobs.len() && jobs[at].first <= place {
            // Of those that are due alike, the one that was called first.
            waiting.push(std::cmp::Reverse((jobs[at].last, jobs[at].returned == NEVER, jobs[at].invoked)));
            at += 1;
        }
        match waiting.pop() {
            Some(std::cmp::Reverse((last, _, _))) if last >= place => {}
            _ => return false,
        }
    }
    // Whoever must come before a read that was not reached has no place left.
    let late = |last: u32| last != NEVER && last <= most;
    !waiting.iter().any(|std::cmp::Reverse((last, _, _))| late(*last)) && !jobs[at..].iter().any(|job| late(job.last))
}

/// What begins with everything that was counted before the first read that is left: the increments that were over by
/// then are the state that it begins with.
pub(super) fn fold(part: &Part) -> Part {
    let reads = |one: &&Operation| matches!(one.action, Action::Counted(_));
    let first = part.operations.iter().filter(reads).map(|one| one.invoked).min().unwrap_or(0);
    let last = part.operations.iter().filter(reads).map(|one| one.returned).max().unwrap_or(0);
    let before = |one: &Operation| matches!(one.action, Action::Increment) && one.returned < first;
    let count = part.operations.iter().filter(|one| before(one)).count() as u32;
    let left = part.operations.iter().filter(|one| !before(one) && one.invoked < last);
    Part { key: part.key, model: part.model, initial: part.initial + count, operations: left.copied().collect() }
}

#[cfg(test)]
mod tests {
    use super::super::model::{Model, Store};
    use super::super::search::{Budget, Found, search};
    use super::*;
    use crate::sim::{Purpose, Stream};

    /// A few calls of three processes beside a real counter, of which some reads then say something else.
    fn drawn(luck: &mut Stream) -> Part {
        let mut operations: Vec<Operation> = Vec::new();
        let mut open: [Option<(u32, Option<u32>, bool)>; 3] = [None; 3];
        let (mut state, mut process) = (0, 3);
        for now in 1..=(12 + luck.below(12) as u32) {
            let who = luck.below(3) as usize;
            let wrong = luck.below(12) == 0;
            match open[who].take() {
                None => open[who] = Some((now, None, luck.below(2) == 0)),
                Some((invoked, None, adds)) => {
                    state += u32::from(adds);
                    open[who] = Some((invoked, Some(state), adds));
                }
                Some((invoked, Some(saw), adds)) => {
                    let unknown = adds && luck.below(6) == 0;
                    let action = if adds { Action::Increment } else { Action::Counted(saw + u32::from(wrong)) };
                    let returned = if unknown { NEVER } else { now };
                    process += 1;
                    operations.push(Operation { process, action, invoked, returned });
                }
            }
        }
        operations.sort_unstable_by_key(|one| one.invoked);
        Part { key: None, model: Model::Counter, initial: 0, operations }
    }

    #[test]
    fn it_says_what_the_search_says() {
        let mut luck = Stream::new(5, Purpose::Faults);
        let (mut held, mut broken) = (0, 0);
        for _ in 0..4_000 {
            let part = drawn(&mut luck);
            let mut budget = Budget { steps: 0, go_on: &mut |_| true, over: false };
            let found = search(&mut Store::default(), &part, &mut budget, u64::MAX);
            assert_eq!(decide(&part), found == Found::Order, "{part:?}");
            if decide(&part) {
                held += 1;
            } else {
                broken += 1;
                // What was counted before is as good as a state to begin with.
                assert!(!decide(&fold(&part)), "{part:?}");
            }
        }
        assert!(held > 1_000 && broken > 200, "{held} and {broken}");
    }
}
