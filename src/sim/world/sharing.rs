//! Processor sharing: a machine whose cores are divided evenly among all jobs that are there, up to a core each. This is
//! the limit of round robin with ever shorter turns (Kleinrock 1967).
//!
//! What is left of a job is counted in 2⁻²⁰ µs. Whenever a job comes or goes, each has got its share of what has passed
//! since, rounded down, so a job ends late by less than a millionth of a microsecond for each that came and went
//! meanwhile, and then at the next whole microsecond: the same everywhere.

use super::super::node::{Envelope, Job};
use super::super::{Discipline, Micros, Node, NodeId, Payload, Status, Time};
use super::{Event, World};

/// A microsecond of work, in the unit of shares.
const ONE: u64 = 1 << 20;

impl<P: Payload> Node<P> {
    /// Gives each job its share of what has passed. The job of `done`, which has ended, was there until now.
    pub(super) fn share_out(&mut self, now: Time, done: Option<usize>) {
        let there = self.cores.iter().flatten().count() as u64 + u64::from(done.is_some());
        let passed = now.since(self.shared);
        self.shared = now;
        let working = there.min(u64::from(self.machine.cores));
        self.busy = self.busy + Micros(passed.0.saturating_mul(working));
        if let Some(place) = done.and_then(|core| self.shares.get_mut(core)) {
            *place = 0;
        }
        let got = u128::from(passed.0) * u128::from(ONE) * u128::from(working) / u128::from(there.max(1));
        for left in &mut self.shares {
            *left = left.saturating_sub(u64::try_from(got).unwrap_or(u64::MAX));
        }
    }

    /// The core whose job ends first, and how long that takes if nothing comes or goes. Tells every job when it would end.
    fn first_end(&mut self, now: Time) -> Option<(usize, Micros)> {
        let there = self.cores.iter().flatten().count() as u64;
        let working = there.min(u64::from(self.machine.cores)).max(1);
        let span = |left: u64| {
            let parts = u128::from(left) * u128::from(there);
            Micros(u64::try_from(parts.div_ceil(u128::from(working) * u128::from(ONE))).unwrap_or(u64::MAX))
        };
        let mut first: Option<(usize, u64)> = None;
        for (core, place) in self.cores.iter_mut().enumerate() {
            let Some(job) = place else { continue };
            let left = self.shares.get(core).copied().unwrap_or(0);
            job.due = now + span(left);
            if first.is_none_or(|(_, least)| left < least) {
                first = Some((core, left));
            }
        }
        first.map(|(core, left)| (core, span(left)))
    }
}

impl<P: Payload> World<P> {
    /// One more job on a machine that is shared.
    pub(super) fn share(&mut self, id: NodeId, core: usize, envelope: Envelope<P>, work: Micros) {
        let now = self.now;
        let Some(node) = self.node_mut(id) else { return };
        node.share_out(now, None);
        if core == node.cores.len() {
            node.cores.push(None);
        }
        node.shares.resize(node.cores.len(), 0);
        node.shares[core] = work.0.saturating_mul(ONE);
        node.cores[core] = Some(Job { envelope, started: now, due: now, left: None, generation: 0 });
        self.next_end(id);
    }

    /// A machine that is shared has another number of cores.
    pub(super) fn share_anew(&mut self, id: NodeId) {
        let there = |node: &&Node<P>| node.machine.discipline == Discipline::Sharing && node.status == Status::Up;
        if self.node(id).filter(there).is_some() {
            self.next_end(id);
        }
    }

    /// Arms the end of the job that ends first; what was armed before counts no more.
    pub(super) fn next_end(&mut self, id: NodeId) {
        let now = self.now;
        let Some(node) = self.node_mut(id) else { return };
        let Some((core, span)) = node.first_end(now) else { return };
        node.generation += 1;
        let generation = node.generation;
        for job in node.cores.iter_mut().flatten() {
            job.generation = 0;
        }
        if let Some(job) = &mut node.cores[core] {
            job.generation = generation;
        }
        self.queue.push(now + span, Event::Done { node: id, core: core as u32, generation });
    }
}
