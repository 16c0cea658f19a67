//! Runs of a case, and what their records say: messages, bytes and writes counted, operations timed, and how clients fare
//! when the server that answered last is killed.
//!
//! A quiet run: one client asks for a while and stops, and everything is counted until nothing more comes of it. The same
//! run with nobody asking is what it costs to be there. What is between the two is what the operations cost, whatever the
//! protocol does it with: in their wake, in batches, or later by a timer.

use std::collections::BTreeMap;

use crate::components::{Fact, Message, Record, Step, What};
use crate::protocols::Form;
use crate::protocols::chat::count;
use crate::protocols::lease::{Message as Lease, Sale};
use crate::protocols::primary_backup::Message as History;
use crate::protocols::two_phase;
use crate::scenario::{Act, Run, Sink};
use crate::sim::{Micros, NodeId, Payload, Purpose, RecordId, Stream, Time, Value};

use super::sheet::{Case, HOP, Sheet, Strikes, document};

/// Until then the servers find one another, and clients whom to ask.
const SETTLED: Time = Time(3_000_000);
/// Until then a client writes, so that there is something to read and it knows whom to ask.
const WARM: Time = Time(9_000_000);
/// From then on everything is counted, and asked for.
const COUNTED: Time = Time(11_000_000);
/// Until then.
const ASKED: Time = Time(31_000_000);
/// And nothing comes of what was asked any more.
const OVER: Time = Time(34_000_000);

/// So much longer a run with kills goes on, for checks that look only now and then.
const JUDGED: Micros = Micros::secs(10);

/// How long a quiet run is counted.
pub const SPAN: Micros = Micros(OVER.0 - COUNTED.0);

/// What was sent and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Messages that left, whether they arrived or not.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Writes that came to a disk.
    pub writes: u64,
    /// Writes that somebody waited for, where a protocol tells them apart.
    pub forced: u64,
}

/// What came of a quiet run.
#[derive(Debug, Default)]
pub struct Quiet {
    /// Everything in it.
    pub count: Count,
    /// How long each operation took that was answered.
    pub took: Vec<u64>,
    /// How many were not.
    pub unanswered: u64,
}

/// What came of a run in which servers were killed.
#[derive(Debug, Default)]
pub struct Struck {
    /// Of each kill, how long it took until a client that the killed one had served had a write acknowledged; none where
    /// that was not before the next.
    pub recovered: Vec<Option<u64>>,
    /// In how many microseconds of all clients somebody who asked would have waited for too long.
    pub late: u64,
    /// Of how many.
    pub of: u64,
    /// Operations that were asked for, and those that were answered in time.
    pub asked: u64,
    pub in_time: u64,
    /// The checks that were broken.
    pub broken: Vec<String>,
}

/// What came of one seed.
pub struct Sample {
    /// Nobody asks.
    pub idle: Quiet,
    /// A client writes, makes transactions, buys, or says something.
    pub writes: Quiet,
    /// A client reads.
    pub reads: Option<Quiet>,
    /// The same where only messages take time.
    pub even_writes: Quiet,
    pub even_reads: Option<Quiet>,
    /// With kills.
    pub struck: Option<Struck>,
}

/// Everything that is asked of a case with one seed.
pub fn sample(sheet: &Sheet, case: &Case, seed: u64) -> Result<Sample, String> {
    let reads = |json: &str| sheet.reads.then(|| quiet(sheet, json, Some(true), seed)).transpose();
    Ok(Sample {
        idle: quiet(sheet, &case.quiet, None, seed)?,
        writes: quiet(sheet, &case.quiet, Some(false), seed)?,
        reads: reads(&case.quiet)?,
        even_writes: quiet(sheet, &case.even, Some(false), seed)?,
        even_reads: reads(&case.even)?,
        struck: sheet.strikes.as_ref().map(|strikes| struck(sheet, &case.document, strikes, seed)).transpose()?,
    })
}

/// How many message delays an operation took where nothing else takes time: a sum of halves of round trips.
pub fn delays(quiet: &Quiet) -> f64 {
    quiet.took.iter().sum::<u64>() as f64 / HOP.0 as f64
}

fn begin(sheet: &Sheet, json: &str, seed: u64) -> Result<(Run, Meter), String> {
    let run = Run::new(document(json)?, seed).map_err(|problem| problem.to_string())?;
    Ok((run, Meter { aborts: sheet.aborts, ..Meter::default() }))
}

fn set(run: &mut Run, meter: &mut Meter, node: &str, field: &str, value: f64) -> Result<(), String> {
    let act = Act::Set { node: node.to_owned(), field: field.to_owned(), value: Value::Number(value) };
    run.act(&act, meter)
}

fn whole(run: Run) -> Result<Run, String> {
    run.world.halted().map_or(Ok(()), |why| Err(format!("it halted: {why}")))?;
    Ok(run)
}

/// One client reads or writes, or nobody asks after the beginning.
fn quiet(sheet: &Sheet, json: &str, asks: Option<bool>, seed: u64) -> Result<Quiet, String> {
    let (mut run, mut meter) = begin(sheet, json, seed)?;
    // Documents have a rate of nothing, and only writes.
    let client = first_of(&run, &sheet.clients);
    run.run_until(SETTLED, &mut meter);
    set(&mut run, &mut meter, &client, "rate", sheet.rate)?;
    run.run_until(WARM, &mut meter);
    set(&mut run, &mut meter, &client, "rate", 0.0)?;
    run.run_until(COUNTED, &mut meter);
    meter.quiet = Quiet::default();
    if let Some(reads) = asks {
        if reads {
            set(&mut run, &mut meter, &client, "reads", 1.0)?;
        }
        set(&mut run, &mut meter, &client, "rate", sheet.rate)?;
    }
    run.run_until(ASKED, &mut meter);
    if asks.is_some() {
        set(&mut run, &mut meter, &client, "rate", 0.0)?;
    }
    run.run_until(OVER, &mut meter);
    whole(run)?;
    meter.quiet.unanswered += meter.open.len() as u64;
    Ok(meter.quiet)
}

/// The first of a group's members.
fn first_of(run: &Run, group: &str) -> String {
    let place = run.document().groups.iter().position(|other| other.name == group);
    let mut nodes = run.world.nodes().filter(|(_, node)| Some(node.template as usize) == place);
    nodes.next().map_or_else(|| group.to_owned(), |(id, _)| run.world.name(id).to_owned())
}

/// All clients ask, and the server that answered last, or the one that is named, is killed and starts again, one at a time.
fn struck(sheet: &Sheet, json: &str, strikes: &Strikes, seed: u64) -> Result<Struck, String> {
    let (mut run, mut meter) = begin(sheet, json, seed)?;
    meter.within = strikes.within;
    set(&mut run, &mut meter, &sheet.clients, "rate", sheet.rate)?;
    run.run_until(strikes.from, &mut meter);
    meter.watch(strikes.from);
    let mut luck = Stream::new(seed, Purpose::Faults);
    for stretch in 0..strikes.count {
        let start = strikes.from + Micros(strikes.every.0 * u64::from(stretch));
        let at = start + Micros(luck.below(strikes.every.0 / 2));
        run.run_until(at, &mut meter);
        let node = match (&strikes.whom, meter.last) {
            (Some(group), _) => first_of(&run, group),
            (None, Some(last)) => run.world.name(last).to_owned(),
            (None, None) => continue,
        };
        run.act(&Act::Kill { node: node.clone(), disk: false }, &mut meter)?;
        meter.strike(meter.last.filter(|_| strikes.whom.is_none()), at);
        run.run_until(at + strikes.repair, &mut meter);
        run.act(&Act::Restart { node }, &mut meter)?;
        run.run_until(start + strikes.every, &mut meter);
        meter.struck.recovered.push(meter.strike.take().and_then(|strike| strike.recovered));
    }
    let end = run.world.now();
    meter.close(end);
    run.run_until(end + JUDGED, &mut meter);
    let mut broken: Vec<String> = run.violations().iter().map(|violation| violation.check.to_string()).collect();
    broken.sort_unstable();
    broken.dedup();
    meter.struck.broken = broken;
    whole(run)?;
    Ok(meter.struck)
}

/// A server was killed.
#[derive(Debug)]
struct Strike {
    at: Time,
    /// Whom it had served last.
    served: Vec<NodeId>,
    recovered: Option<u64>,
}

/// What a client of a store is in.
#[derive(Debug, Default)]
struct Client {
    /// Since when it waits for an answer, whichever operation that is of.
    since: Option<Time>,
    /// When what arrived there last had been sent, and by whom.
    heard: Option<(NodeId, Time)>,
    /// Who served it last.
    server: Option<NodeId>,
}

#[derive(Default)]
struct Meter {
    quiet: Quiet,
    /// Operations that wait for their answer: who asks, a number, and since when.
    open: BTreeMap<(NodeId, u64), Time>,
    clients: BTreeMap<NodeId, Client>,
    /// Answers to clients that are under way, by the record of their sending.
    answers: BTreeMap<RecordId, Time>,
    /// What comes of a buyer's wish, under way to it.
    sales: BTreeMap<RecordId, Step>,
    /// Who served a client last.
    last: Option<NodeId>,
    /// How many messages each person has written.
    written: BTreeMap<NodeId, u64>,
    /// Whether a transaction is over when it is aborted, and comes to nothing when it is committed.
    aborts: bool,
    strike: Option<Strike>,
    struck: Struck,
    within: Micros,
    /// From when on clients are watched.
    from: Option<Time>,
}

impl Sink for Meter {
    fn take(&mut self, record: Record) {
        match &record.what {
            What::Sent { message, .. } => {
                self.quiet.count.messages += 1;
                self.quiet.count.bytes += u64::from(message.bytes());
                if is_answer(message) {
                    self.answers.insert(record.id, record.at);
                }
                match message {
                    // A buyer begins with the lease, or without one with a look; it does one thing at a time.
                    Message::Lease(Lease::Request { .. }) | Message::Sale(Sale::Look { .. })
                        if !self.open.contains_key(&(record.node, 0)) =>
                    {
                        self.operation(record.node, 0, Step::Invoke, true, record.at);
                    }
                    Message::Sale(Sale::Sold { .. }) => drop(self.sales.insert(record.id, Step::Ok)),
                    Message::Sale(Sale::Refused { .. }) => drop(self.sales.insert(record.id, Step::Fail)),
                    Message::History(History::Appended { .. }) => self.last = Some(record.node),
                    _ => {}
                }
            }
            What::Arrived { from, .. } => {
                if let Some(sent) = self.answers.remove(&record.cause) {
                    self.clients.entry(record.node).or_default().heard = Some((*from, sent));
                }
                if let Some(step) = self.sales.remove(&record.cause) {
                    self.operation(record.node, 0, step, true, record.at);
                }
            }
            What::Lost { .. } => drop(self.answers.remove(&record.cause)),
            What::Written { .. } => self.quiet.count.writes += 1,
            What::Measure { name: "forced writes", .. } => self.quiet.count.forced += 1,
            What::Measure { name: "written", .. } => {
                let number = self.written.entry(record.node).or_default();
                *number += 1;
                let number = *number;
                self.operation(record.node, number, Step::Invoke, true, record.at);
            }
            What::Fact(Fact::Accepted { item, .. }) => {
                self.operation(record.node, count(*item), Step::Ok, true, record.at);
            }
            What::Fact(Fact::Operation { process, step, op, .. }) => {
                self.operation(record.node, *process, *step, *op != "read", record.at);
            }
            What::Fact(Fact::Transaction(told)) if told.tx.coordinator == record.node => {
                let step = match told.step {
                    two_phase::Step::Began { .. } => Step::Invoke,
                    two_phase::Step::Decided { commit, .. } if commit != self.aborts => Step::Ok,
                    two_phase::Step::Decided { .. } => Step::Fail,
                    _ => return,
                };
                self.operation(record.node, told.tx.number, step, true, record.at);
            }
            _ => {}
        }
    }
}

fn is_answer(message: &Message) -> bool {
    matches!(message, Message::Kv(answer) if crate::protocols::Wire::form(answer) == Form::Accept)
}

impl Meter {
    fn operation(&mut self, node: NodeId, number: u64, step: Step, writes: bool, at: Time) {
        let watched = self.from.is_some();
        let client = self.clients.entry(node).or_default();
        match step {
            Step::Invoke => {
                self.open.insert((node, number), at);
                client.since.get_or_insert(at);
                self.struck.asked += u64::from(watched);
            }
            Step::Fail | Step::Info => {
                self.open.remove(&(node, number));
                self.quiet.unanswered += 1;
            }
            Step::Ok => {
                let Some(asked) = self.open.remove(&(node, number)) else { return };
                self.quiet.took.push(at.since(asked).0);
                self.struck.in_time +=
                    u64::from(self.from.is_some_and(|from| asked >= from) && at.since(asked) <= self.within);
                if let Some((server, _)) = client.heard {
                    self.last = Some(server);
                }
                client.server = self.last;
                // Who does not hear from the server itself shows something with what it asked for since.
                let sent = client.heard.map_or(asked, |(_, sent)| sent);
                let since = client.since.take();
                if self.open.range((node, 0)..=(node, u64::MAX)).next().is_some() {
                    client.since = Some(at);
                }
                if let Some(strike) = self.strike.as_mut().filter(|strike| {
                    // What the killed one had answered before it died shows nothing.
                    writes && strike.recovered.is_none() && sent >= strike.at && strike.served.contains(&node)
                }) {
                    strike.recovered = Some(at.since(strike.at).0);
                }
                self.waited(since, at);
            }
        }
    }

    /// A client waited. Whoever had asked at any instant of it would have had an answer at its end: those who would have
    /// asked more than the bound before that would have waited for too long, though this client asked only once.
    fn waited(&mut self, since: Option<Time>, until: Time) {
        if let (Some(since), Some(from)) = (since, self.from) {
            self.struck.late += until.since(since.max(from)).0.saturating_sub(self.within.0);
        }
    }

    fn watch(&mut self, from: Time) {
        self.from = Some(from);
    }

    /// Without a victim that had answered somebody, everybody is watched.
    fn strike(&mut self, victim: Option<NodeId>, at: Time) {
        let served = self.clients.iter().filter(|(_, client)| victim.is_none() || client.server == victim);
        let served = served.map(|(node, _)| *node);
        self.strike = Some(Strike { at, served: served.collect(), recovered: None });
    }

    /// The end: whoever waits still has waited until now.
    fn close(&mut self, end: Time) {
        let waits: Vec<Time> = self.clients.values().filter_map(|client| client.since).collect();
        waits.into_iter().for_each(|since| self.waited(Some(since), end));
        // Nobody is watched any more.
        let from = self.from.take().unwrap_or(end);
        self.struck.of = end.since(from).0 * self.clients.len() as u64;
    }
}
