//! A history from its beginning to a cursor, with every record on the way; the accounts of its messages.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::components::{Record, What, World};
use crate::scenario::Run;
use crate::sim::{RecordId, Why};
use crate::timeline::{Cursor, Moment};

use super::out::Failure;

/// What watches a run as it is played.
pub trait Watcher {
    /// Everything is placed, and nothing has happened yet.
    fn begin(&mut self, run: &Run) -> Result<(), Failure> {
        let _ = run;
        Ok(())
    }
    /// The records of one step, and the run after it.
    fn step(&mut self, fresh: &[Record], run: &Run) -> Result<(), Failure>;
    /// An act was done, or passed over; its records come next.
    fn act(&mut self, words: &str, run: &Run) -> Result<(), Failure> {
        let _ = (words, run);
        Ok(())
    }
}

/// Plays `moment` from the beginning to `until` with its acts; the same steps in the same order as the timeline's, but
/// nothing is kept.
pub fn play(moment: &Moment, until: Cursor, watcher: &mut impl Watcher) -> Result<Run, Failure> {
    let mut fresh = Vec::new();
    let document = moment.document.with_settings(&moment.settings)?;
    let mut run = Run::new(Rc::new(document), moment.seed)?;
    watcher.begin(&run)?;
    let mut acts = moment.acts.iter().take_while(|act| act.at <= until.at).peekable();
    let more = |run: &Run| until.steps.is_none_or(|steps| run.steps() < steps);
    while more(&run) {
        let event = run.next_at().filter(|at| *at <= until.at);
        match acts.next_if(|act| event.is_none_or(|event| event > act.at)) {
            Some(stamped) => {
                run.run_until(stamped.at, &mut fresh);
                let words = stamped.act.words();
                // An act that can no longer be done was impossible where it was made, too.
                match run.act(&stamped.act, &mut fresh) {
                    Ok(()) => watcher.act(&words, &run)?,
                    Err(told) => {
                        run.pass_over();
                        watcher.act(&format!("{words}: passed over, {told}"), &run)?
                    }
                }
            }
            None if event.is_none() => break,
            None => {
                if !run.step(&mut fresh) {
                    break;
                }
            }
        }
        watcher.step(&fresh, &run)?;
        fresh.clear();
    }
    if until.steps.is_none() {
        run.run_until(until.at, &mut fresh);
    }
    watcher.step(&fresh, &run)?;
    Ok(run)
}

/// Where every message went. A message is named by the record of its sending.
#[derive(Default)]
pub struct Accounts {
    /// Messages that left.
    pub sent: u64,
    /// Copies of messages that the network, or someone, made.
    pub doubled: u64,
    /// Messages that came to a node which took them in.
    pub arrived: u64,
    /// Messages that left and came to nobody, by reason.
    pub lost: BTreeMap<Why, u64>,
    /// Messages for a node that there was no link to: they never left.
    pub never_left: u64,
    /// Messages that had arrived and died with the node that was to serve them, or were swallowed by one that lies.
    pub died: u64,
    on_the_way: BTreeSet<RecordId>,
}

impl Accounts {
    /// Takes in one record.
    pub fn see(&mut self, record: &Record) {
        match &record.what {
            What::Duplicated { .. } => {
                self.doubled += 1;
                self.on_the_way.insert(record.id);
            }
            What::Sent { .. } => {
                self.sent += 1;
                self.on_the_way.insert(record.id);
            }
            What::Arrived { .. } => self.arrived += u64::from(self.on_the_way.remove(&record.cause)),
            What::Lost { why, .. } => {
                if self.on_the_way.remove(&record.cause) {
                    *self.lost.entry(*why).or_default() += 1;
                } else if *why == Why::NoLink {
                    self.never_left += 1;
                } else {
                    self.died += 1;
                }
            }
            _ => {}
        }
    }

    /// How many messages that left came to nobody.
    pub fn lost_in_all(&self) -> u64 {
        self.lost.values().sum()
    }

    /// Whether every message that was sent is somewhere: arrived, lost, or under way in `world`.
    pub fn balance(&self, world: &World) -> bool {
        let under_way = world.in_flight() as u64;
        self.sent + self.doubled == self.arrived + self.lost_in_all() + under_way
            && self.on_the_way.len() as u64 == under_way
    }
}

impl Watcher for Accounts {
    fn step(&mut self, fresh: &[Record], _: &Run) -> Result<(), Failure> {
        fresh.iter().for_each(|record| self.see(record));
        Ok(())
    }
}
