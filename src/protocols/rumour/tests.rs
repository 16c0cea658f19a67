//! Each rule once, as a transcript; and the tables of the paper.

use super::*;
use crate::protocols::testing::Desk;

type Paper = Desk<Message, Timer, Write>;

const A: NodeId = NodeId(1);
const B: NodeId = NodeId(2);

fn rules(spreading: Spreading, stop: Stop, k: u32) -> Rules {
    Rules {
        spreading,
        round: Micros::secs(1),
        start: Time::ZERO,
        stop,
        k,
        feedback: true,
        exchange: Micros::ZERO,
        deletion: Deletion::Certificate,
        keeps: Micros::ZERO,
        stamping: Stamping::Origin,
        keeping: Keeping::Memory,
    }
}

fn entry(at: u64, by: NodeId, value: Option<u32>) -> Entry {
    Entry { key: 7, stamp: Stamp { at: Time(at), by }, value, hops: 1 }
}

fn rumour(entry: Entry) -> Message {
    Message::Rumour { entries: Rc::from([entry]) }
}

fn site() -> (Site, Paper) {
    (Site::new(&Database::default()), Desk::new(0))
}

/// What a site did, in words.
fn lines(site: &mut Site, desk: &mut Paper) -> Vec<String> {
    let sent = desk.sent().into_iter();
    let sent =
        sent.map(|(to, message)| format!("to {to}: {} {}", crate::protocols::Wire::name(&message), says(&message)));
    let told: Vec<String> = site.told().iter().map(Told::sentence).collect();
    told.into_iter().chain(sent).collect()
}

fn says(message: &Message) -> String {
    crate::protocols::Wire::summary(message)
}

#[test]
fn a_rumour_is_told_until_k_contacts_were_unnecessary() {
    let (mut own, mut desk) = site();
    let rules = rules(Spreading::Push, Stop::Counter, 2);
    own.on_message(&mut desk, &rules, A, rumour(entry(5, A, Some(3))), &[A, B]);
    assert_eq!(lines(&mut own, &mut desk), ["hears of @1: item 7 = 3 (@1, 0.000 s)"]);
    // Of two that tell it in one cycle neither was unnecessary. Who hears it again later says so.
    own.on_message(&mut desk, &rules, B, rumour(entry(5, A, Some(3))), &[A, B]);
    assert_eq!(lines(&mut own, &mut desk), Vec::<String>::new());
    desk.now = Time(1_200_000);
    own.on_message(&mut desk, &rules, B, rumour(entry(5, A, Some(3))), &[A, B]);
    assert_eq!(lines(&mut own, &mut desk), ["to @2: Known items 7"]);
    let mut cycle = |knew: bool| {
        desk.now += Micros::secs(1);
        own.on_timer(&mut desk, &rules, Timer::Round, &[B]);
        if knew {
            own.on_message(&mut desk, &rules, B, Message::Known { keys: Rc::from([7]) }, &[B]);
        }
        lines(&mut own, &mut desk)
    };
    // One that needed it counts for those before.
    for knew in [true, false, true, true] {
        assert_eq!(cycle(knew), ["to @2: Rumour item 7 = 3 (@1, 0.000 s)"]);
    }
    assert_eq!(cycle(true), ["loses interest in item 7"]);
    assert!(!own.infective(7) && own.item(7).is_some(), "it is removed, and knows it");
}

#[test]
fn of_those_who_ask_in_a_cycle_one_that_needed_it_makes_good_for_all() {
    let (mut own, mut desk) = site();
    let rules = rules(Spreading::Pull, Stop::Counter, 2);
    own.on_message(&mut desk, &rules, A, rumour(entry(5, A, Some(3))), &[A, B]);
    let mut cycle = |knew: &[bool]| {
        desk.now += Micros::secs(1);
        for knew in knew {
            own.on_message(&mut desk, &rules, B, Message::Question, &[A, B]);
            if *knew {
                let known = Message::Known { keys: Rc::from([7]) };
                own.on_message(&mut desk, &rules, B, known, &[A, B]);
            }
        }
        own.on_timer(&mut desk, &rules, Timer::Round, &[A, B]);
        own.infective(7)
    };
    assert!([&[true, true][..], &[false, true], &[true], &[]].into_iter().all(&mut cycle));
    assert!(!cycle(&[true]), "the second of two in a row");
}

#[test]
fn a_question_gets_what_was_a_rumour_when_the_cycle_began() {
    let (mut own, mut desk) = site();
    let rules = rules(Spreading::Pull, Stop::Never, 1);
    desk.now = Time(1_200_000);
    own.on_message(&mut desk, &rules, A, rumour(entry(5, A, Some(3))), &[A, B]);
    own.on_message(&mut desk, &rules, B, Message::Question, &[A, B]);
    assert_eq!(desk.sent(), []);
    desk.now = Time(2_200_000);
    own.on_message(&mut desk, &rules, B, Message::Question, &[A, B]);
    let answer = Message::Rumour { entries: Rc::from([Entry { hops: 2, ..entry(5, A, Some(3)) }]) };
    assert_eq!(desk.sent(), [(B, answer)]);
}

#[test]
fn anti_entropy_brings_either_what_it_lacks_and_that_is_a_rumour_again() {
    let (mut own, mut desk) = site();
    let rules = rules(Spreading::Push, Stop::Counter, 1);
    own.on_message(&mut desk, &rules, A, rumour(entry(5, A, Some(3))), &[A, B]);
    lines(&mut own, &mut desk);
    let other = Stamp { at: Time(9), by: B };
    let difference = Message::Difference { stamps: Rc::from([(8, other)]), both: true };
    own.on_message(&mut desk, &rules, B, difference, &[A, B]);
    let told = ["to @2: Repair item 7 = 3 (@1, 0.000 s)", "to @2: Difference has 7"];
    assert_eq!(lines(&mut own, &mut desk), told);
    let repair = Message::Repair { entries: Rc::from([Entry { key: 8, stamp: other, value: Some(1), hops: 1 }]) };
    own.on_message(&mut desk, &rules, B, repair, &[A, B]);
    assert!(own.infective(8));
    // Who has everything is silent.
    let same = own.difference(true);
    lines(&mut own, &mut desk);
    own.on_message(&mut desk, &rules, B, same, &[A, B]);
    assert_eq!(lines(&mut own, &mut desk), Vec::<String>::new());
}

#[test]
fn a_death_certificate_keeps_an_old_copy_from_rising_as_long_as_it_is_kept() {
    for (keeps, deletion, rises) in [
        (Micros::ZERO, Deletion::Certificate, false),
        (Micros::secs(30), Deletion::Certificate, false),
        (Micros::secs(3), Deletion::Certificate, true),
        (Micros::ZERO, Deletion::Nothing, true),
    ] {
        let (mut own, mut desk) = site();
        let rules = Rules { keeps, deletion, ..rules(Spreading::Push, Stop::Counter, 1) };
        let old = entry(5, A, Some(3));
        own.on_message(&mut desk, &rules, A, rumour(old), &[A, B]);
        desk.now = Time(10_000_000);
        own.publish(&mut desk, &rules, 7, None, &[A, B]);
        desk.now = Time(20_000_000);
        own.on_message(&mut desk, &rules, B, Message::Repair { entries: Rc::from([old]) }, &[A, B]);
        assert_eq!(own.item(7).is_some_and(|entry| entry.value.is_some()), rises, "{keeps} {deletion:?}");
    }
}

#[test]
fn an_entry_of_its_own_is_told_when_it_is_on_the_disk_and_is_newer_than_what_it_replaces() {
    let (mut own, mut desk) = site();
    let rules = Rules { keeping: Keeping::Disk, ..rules(Spreading::Flood, Stop::Never, 1) };
    own.on_message(&mut desk, &rules, A, rumour(entry(5_000_000, A, Some(3))), &[A, B]);
    lines(&mut own, &mut desk);
    desk.writes.clear();
    // Its clock is behind that of A.
    desk.now = Time(1_000_000);
    own.publish(&mut desk, &rules, 7, Some(4), &[A, B]);
    assert_eq!(lines(&mut own, &mut desk), Vec::<String>::new());
    let (write, done) = desk.writes.pop().expect("it is written");
    own.on_timer(&mut desk, &rules, done.expect("it waits for that"), &[A, B]);
    let told = "item 7 = 4 (@0, 5.000 s)";
    assert_eq!(
        lines(&mut own, &mut desk),
        [format!("publishes {told}"), format!("to @1: Rumour {told}"), format!("to @2: Rumour {told}")]
    );
    let mut disk = Database::default();
    disk.apply(write);
    assert_eq!(lines(&mut Site::new(&disk), &mut desk), [format!("finds on its disk: {told}")]);
}

#[test]
fn two_updates_in_the_same_microsecond_have_stamps_of_their_own() {
    let (mut own, mut desk) = site();
    let rules = Rules { keeping: Keeping::Disk, ..rules(Spreading::Push, Stop::Never, 1) };
    desk.now = Time(1_000_000);
    own.publish(&mut desk, &rules, 7, Some(4), &[A]);
    own.publish(&mut desk, &rules, 8, Some(5), &[A]);
    own.publish(&mut desk, &rules, 7, Some(6), &[A]);
    for (_, done) in std::mem::take(&mut desk.writes) {
        own.on_timer(&mut desk, &rules, done.expect("it waits for that"), &[A]);
    }
    let stamps: Vec<(u32, u64)> = own.items().map(|entry| (entry.key, entry.stamp.at.0)).collect();
    assert_eq!(stamps, [(7, 1_000_002), (8, 1_000_001)]);
    assert_eq!(own.item(7).and_then(|entry| entry.value), Some(6));
}

#[test]
fn what_is_on_the_disk_is_not_replaced_by_something_older() {
    let (mut own, mut desk) = site();
    let rules = Rules { keeping: Keeping::Disk, ..rules(Spreading::Push, Stop::Never, 1) };
    desk.now = Time(2_000_000);
    own.publish(&mut desk, &rules, 7, Some(4), &[A]);
    // Before it is on the disk it hears of another that is older, which is news to it all the same.
    own.on_message(&mut desk, &rules, A, rumour(entry(1_000_000, A, Some(3))), &[A]);
    let mut disk = Database::default();
    for (write, done) in std::mem::take(&mut desk.writes) {
        disk.apply(write);
        done.into_iter().for_each(|done| own.on_timer(&mut desk, &rules, done, &[A]));
    }
    assert_eq!(own.item(7).and_then(|entry| entry.value), Some(4));
    assert_eq!(Site::new(&disk).item(7), own.item(7));
}

/// One run among `n` sites in cycles: residue, traffic, the mean and the last time of hearing.
fn epidemic(n: usize, rules: &Rules, seed: u32) -> [f64; 4] {
    let ids = || (0..n as u32).map(NodeId);
    let wired: Vec<Vec<NodeId>> = ids().map(|own| ids().filter(|other| *other != own).collect()).collect();
    // Every desk has luck of its own.
    let mut desks: Vec<Paper> = ids().map(|id| Desk::new(seed * n as u32 + id.0)).collect();
    let mut sites: Vec<Site> = ids().map(|_| Site::new(&Database::default())).collect();
    let mut heard: Vec<Option<u64>> = vec![None; n];
    (heard[0], desks[0].now) = (Some(0), Time::ZERO);
    sites[0].publish(&mut desks[0], rules, 0, Some(1), &wired[0]);
    for cycle in 1..200 {
        let began = Time(cycle * 1_000_000);
        let mut post: Vec<(usize, NodeId, Message)> = Vec::new();
        for own in 0..n {
            desks[own].now = began;
            sites[own].on_timer(&mut desks[own], rules, Timer::Round, &wired[own]);
            post.extend(desks[own].sent().into_iter().map(|(to, message)| (own, to, message)));
        }
        for hop in 1..4 {
            for (from, to, message) in std::mem::take(&mut post) {
                let own = to.0 as usize;
                desks[own].now = began + Micros::ms(hop);
                sites[own].on_message(&mut desks[own], rules, NodeId(from as u32), message, &wired[own]);
                heard[own] = heard[own].or(sites[own].item(0).map(|_| cycle));
                post.extend(desks[own].sent().into_iter().map(|(to, message)| (own, to, message)));
            }
        }
        if !sites.iter().any(|site| site.infective(0)) {
            break;
        }
    }
    let times: Vec<u64> = heard.iter().flatten().copied().collect();
    let sent: u64 = sites.iter().map(|site| site.sent).sum();
    let mean = times.iter().sum::<u64>() as f64 / times.len() as f64;
    let last = times.iter().max().copied().unwrap_or(0) as f64;
    [1.0 - times.len() as f64 / n as f64, sent as f64 / n as f64, mean, last]
}

/// The tables of section 1.4: on 1 000 sites, for each k, the residue, the traffic, and when the last site heard, each as
/// printed and with half a unit of its last digit.
type Row = [(f64, f64); 3];

/// With feedback and counters, push.
const TABLE_1: [Row; 5] = [
    [(0.18, 0.005), (1.7, 0.05), (16.8, 0.05)],
    [(0.037, 0.0005), (3.3, 0.05), (16.9, 0.05)],
    [(0.011, 0.0005), (4.5, 0.05), (17.4, 0.05)],
    [(0.0036, 0.000_05), (5.6, 0.05), (17.5, 0.05)],
    [(0.0012, 0.000_05), (6.7, 0.05), (17.7, 0.05)],
];
/// Blind and with a coin, push.
const TABLE_2: [Row; 5] = [
    [(0.96, 0.005), (0.04, 0.005), (38.0, 0.5)],
    [(0.20, 0.005), (1.6, 0.05), (33.0, 0.5)],
    [(0.060, 0.0005), (2.8, 0.05), (32.0, 0.5)],
    [(0.021, 0.0005), (3.9, 0.05), (32.0, 0.5)],
    [(0.008, 0.0005), (4.9, 0.05), (32.0, 0.5)],
];
/// With feedback and counters, pull.
const TABLE_3: [Row; 3] = [
    [(0.031, 0.0005), (2.7, 0.05), (17.6, 0.05)],
    [(0.000_58, 0.000_005), (4.5, 0.05), (15.4, 0.05)],
    [(0.000_004, 0.000_000_5), (6.1, 0.05), (14.0, 0.05)],
];
/// How many runs of a row: as many as the authors may have made of theirs.
const RUNS: u32 = 12;

/// How many rows of a table ours does not agree with: by more than four standard errors of a difference of two means of
/// as many runs, and what printing has rounded off.
fn apart(rules: &Rules, table: &[Row]) -> Vec<String> {
    let mut apart = Vec::new();
    for (k, row) in (1..).zip(table) {
        let rules = Rules { k, ..*rules };
        let all: Vec<[f64; 4]> = (0..RUNS).map(|seed| epidemic(1_000, &rules, seed)).collect();
        for ((published, half), column) in row.iter().zip([0, 1, 3]) {
            let mean = all.iter().map(|run| run[column]).sum::<f64>() / f64::from(RUNS);
            let variance =
                all.iter().map(|run| (run[column] - mean) * (run[column] - mean)).sum::<f64>() / f64::from(RUNS - 1);
            // A residue of which no run saw anything may be of a site in as many runs.
            let error = (2.0 * variance / f64::from(RUNS)).sqrt().max(1e-3 / f64::from(RUNS));
            if (mean - published).abs() > 4.0 * error + half {
                apart.push(format!("k = {k}, column {column}: {published} published, {mean} ± {error}"));
            }
        }
    }
    apart
}

#[test]
fn on_a_thousand_sites_residue_traffic_and_the_last_time_are_as_in_tables_1_to_3() {
    let counter = rules(Spreading::Push, Stop::Counter, 1);
    assert_eq!(apart(&counter, &TABLE_1), Vec::<String>::new());
    let blind = Rules { feedback: false, ..rules(Spreading::Push, Stop::Coin, 1) };
    assert_eq!(apart(&blind, &TABLE_2), Vec::<String>::new());
    assert_eq!(apart(&rules(Spreading::Pull, Stop::Counter, 1), &TABLE_3), Vec::<String>::new());
    // The tables tell the variants apart.
    assert!(!apart(&Rules { feedback: false, ..counter }, &TABLE_1[1..3]).is_empty());
    assert!(!apart(&Rules { stop: Stop::Coin, ..counter }, &TABLE_1[1..3]).is_empty());
}
