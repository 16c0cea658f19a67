//! Changes of a node that runs: its clock, its disk, its honesty, its cores; and what they do to its work.

use super::super::node::Envelope;
use super::super::{Change, Discipline, Lies, NodeId, Payload, RecordId, Recorder, Refusal, Status, What, Why};
use super::World;

impl<P: Payload> World<P> {
    /// Whether a change of a node is possible, and would be one.
    pub(super) fn check_change(&self, id: NodeId, change: &Change) -> Result<(), Refusal> {
        change.check().map_err(Refusal::Impossible)?;
        let node = self.known(id)?;
        let lies = node.lies.as_ref().map_or((0.0, false), |lies| (lies.share, lies.spoils));
        let same = match change {
            Change::Clock { ahead, drift } => (node.clock.ahead(self.now), node.clock.drift()) == (*ahead, *drift),
            Change::Disk(law) => node.machine.disk == *law,
            Change::Full(full) => node.disk.full == *full,
            Change::Sync(sync) => node.disk.forgets != *sync,
            Change::Lie { share: 0.0, .. } => lies.0 == 0.0,
            Change::Lie { share, spoils } => lies == (*share, *spoils),
            Change::Cores(count) => node.machine.cores == *count,
        };
        if same {
            return Err(Refusal::Nothing(format!("{} {} already", self.name(id), change.sentence())));
        }
        Ok(())
    }

    /// Carries out what [`World::check_change`] has found to be possible.
    pub(super) fn change<R: Recorder<P>>(&mut self, id: NodeId, change: &Change, records: &mut R) {
        let (now, seed) = (self.now, self.seed);
        let Some(node) = self.node_mut(id) else { return };
        let mut detail = 0;
        match change {
            Change::Clock { ahead, drift } => {
                node.clock.set(now, *ahead, *drift);
                detail = ahead.unsigned_abs();
            }
            Change::Disk(law) => node.machine.disk = law.clone(),
            Change::Full(full) => node.disk.full = *full,
            Change::Sync(sync) => {
                node.disk.forgets = !sync;
                node.actor.sync(*sync);
            }
            Change::Lie { share: 0.0, .. } => node.lies = None,
            Change::Lie { share, spoils } => match &mut node.lies {
                Some(lies) => (lies.share, lies.spoils) = (*share, *spoils),
                none => *none = Some(Box::new(Lies::new(seed, id, *share, *spoils))),
            },
            Change::Cores(count) => {
                if node.machine.discipline == Discipline::Sharing && node.status == Status::Up {
                    node.share_out(now, None);
                }
                node.machine.cores = *count;
                detail = u64::from(*count);
            }
        }
        self.emit(records, RecordId(0), id, detail, || What::Changed(change.clone()));
        if let Change::Cores(_) = change {
            self.share_anew(id);
            self.next_job(id, records);
        }
    }

    /// Lets a node that lies lose or spoil what it should work on. Whether nothing is left to do. Two draws a message.
    pub(super) fn lie<R: Recorder<P>>(&mut self, id: NodeId, envelope: &mut Envelope<P>, records: &mut R) -> bool {
        if self.node(id).is_none_or(|node| node.lies.is_none()) {
            return false;
        }
        let Some(lies) = self.node_mut(id).and_then(|node| node.lies.as_mut()) else { return false };
        let (chosen, how, spoils) = (lies.luck.unit() < lies.share, lies.luck.bits(), lies.spoils);
        if !chosen {
            return false;
        }
        let (from, name) = (envelope.from, envelope.message.name());
        if spoils && envelope.message.spoil(how) {
            let told = || What::Spoilt { from, name };
            envelope.cause = self.emit(records, envelope.cause, id, u64::from(from.0), told);
            return false;
        }
        self.lose(envelope.cause, from, id, envelope.message.clone(), Why::Swallowed, records);
        true
    }
}
