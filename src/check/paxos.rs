//! Paxos (Lamport 2001), from what acceptors, proposers and learners tell: what must hold by the names of the paper.
//!
//! A value is chosen here the moment a majority has accepted it under one number, whether anybody knows of it or not. What
//! an acceptor forgot in a crash is found out by itself (P1a), what came of it by the others.

use std::rc::Rc;

use crate::components::{Fact, Record, What, World};
use crate::protocols::paxos::{Ballot, Instance, Told};
use crate::protocols::raft::Command;
use crate::sim::{NodeId, RecordId, Scale, Table};

use super::{Check, Violation};

/// Its name in documents.
pub const NAME: &str = "paxos";
/// What it promises.
pub const PROMISE: &str = crate::later_text!(
    "Only a value that was proposed is chosen, only one is chosen, and only what is chosen is learnt; acceptors keep what they promised (P1a), and who proposes after a choice proposes what was chosen (P2b)."
);
/// How many instances are remembered; what is older is not looked at.
pub const REMEMBERED: usize = 1_024;
/// How many proposals of an instance; of more the oldest are forgotten.
pub const PROPOSALS: usize = 64;

/// A proposal.
#[derive(Clone, Debug)]
struct Proposal {
    ballot: Ballot,
    value: Command,
    record: RecordId,
    accepted: Vec<NodeId>,
}

/// What is known of an instance.
#[derive(Clone, Debug, Default)]
struct Decree {
    proposals: Vec<Proposal>,
    /// Under which number a value was chosen first, the value, and the record of the acceptance that made it so.
    chosen: Option<(Ballot, Command, RecordId)>,
}

/// The nodes of one group.
#[derive(Clone, Debug, Default)]
struct Cluster {
    acceptors: usize,
    promised: Table<NodeId, (Ballot, RecordId)>,
    decrees: Table<Instance, Rc<Decree>>,
}

/// The check.
#[derive(Clone, Debug, Default)]
struct Paxos {
    clusters: Table<u32, Cluster>,
    /// The properties that were told to be broken: each once.
    told: Vec<&'static str>,
}

/// A property that is broken: its name, how, and the record beside this one that shows it.
type Broken = (&'static str, String, RecordId);

impl Cluster {
    fn decree(&mut self, instance: Instance) -> Option<&mut Decree> {
        if self.decrees.len() >= REMEMBERED && !self.decrees.contains_key(&instance) {
            let oldest = self.decrees.keys().next().copied()?;
            if instance < oldest {
                return None;
            }
            self.decrees.remove(&oldest);
        }
        Some(Rc::make_mut(self.decrees.or_default(instance)))
    }

    fn promises(&mut self, record: &Record, ballot: Ballot) {
        let highest = self.promised.or_insert_with(record.node, || (ballot, record.id));
        if highest.0 < ballot {
            *highest = (ballot, record.id);
        }
    }

    fn proposes(
        &mut self,
        record: &Record,
        me: &str,
        instance: Instance,
        of: Ballot,
        value: &Command,
    ) -> Option<Broken> {
        let decree = self.decree(instance)?;
        if !decree.proposals.iter().any(|known| known.ballot == of && known.value == *value) {
            if decree.proposals.len() >= PROPOSALS {
                decree.proposals.remove(0);
            }
            decree.proposals.push(Proposal {
                ballot: of,
                value: value.clone(),
                record: record.id,
                accepted: Vec::new(),
            });
        }
        let (ballot, chosen, shown) = decree.chosen.as_ref()?;
        (*ballot < of && chosen != value).then(|| {
            let told = format!(
                "{me} proposes {} in instance {instance}, ballot {of}, where {} was chosen in ballot {ballot}",
                value.short(),
                chosen.short()
            );
            ("P2b", told, *shown)
        })
    }

    fn accepts(
        &mut self,
        record: &Record,
        me: &str,
        instance: Instance,
        of: Ballot,
        value: &Command,
        found: &mut Vec<Broken>,
    ) {
        if let Some((promised, shown)) = self.promised.get(&record.node)
            && *promised > of
        {
            let told = format!(
                "{me} accepts {} in instance {instance}, ballot {of}, and has promised ballot {promised}",
                value.short()
            );
            found.push(("P1a", told, *shown));
        }
        let majority = self.acceptors / 2 + 1;
        let Some(decree) = self.decree(instance) else { return };
        let Some(place) = decree.proposals.iter().position(|known| known.ballot == of && known.value == *value) else {
            let told = format!("{me} accepts {} in instance {instance}, which nobody has proposed", value.short());
            return found.push(("Nontriviality", told, record.id));
        };
        let proposal = &mut decree.proposals[place];
        if !proposal.accepted.contains(&record.node) {
            proposal.accepted.push(record.node);
        }
        if proposal.accepted.len() < majority {
            return;
        }
        match &decree.chosen {
            None => {
                let later = decree.proposals.iter().find(|later| later.ballot > of && later.value != *value);
                if let Some(later) = later {
                    let told = format!(
                        "{} is chosen in instance {instance}, ballot {of}, and {} was proposed there in ballot {}",
                        value.short(),
                        later.value.short(),
                        later.ballot
                    );
                    found.push(("P2b", told, later.record));
                }
                decree.chosen = Some((of, value.clone(), record.id));
            }
            Some((ballot, chosen, shown)) if chosen != value => {
                let told = format!(
                    "in instance {instance} {} was chosen in ballot {ballot}, and now {} in ballot {of}",
                    chosen.short(),
                    value.short()
                );
                found.push(("Consistency", told, *shown));
            }
            Some(_) => {}
        }
    }

    fn learns(&mut self, record: &Record, me: &str, instance: Instance, value: &Command) -> Option<Broken> {
        let decree = self.decree(instance)?;
        match &decree.chosen {
            Some((_, chosen, _)) if chosen == value => None,
            Some((ballot, chosen, shown)) => {
                let (value, chosen) = (value.short(), chosen.short());
                let told = format!(
                    "{me} takes {value} for chosen in instance {instance}, where {chosen} was in ballot {ballot}"
                );
                Some(("Consistency", told, *shown))
            }
            None => {
                let told = format!(
                    "{me} takes {} for chosen in instance {instance}, and no majority accepted it",
                    value.short()
                );
                Some(("Only what is chosen is learnt", told, record.id))
            }
        }
    }
}

impl Check for Paxos {
    fn name(&self) -> &str {
        NAME
    }
    fn promise(&self) -> &str {
        PROMISE
    }
    fn observe(&mut self, record: &Record, world: &World, found: &mut Vec<Violation>) {
        let What::Fact(Fact::Paxos(told)) = &record.what else { return };
        let Some(node) = world.node(record.node) else { return };
        let cluster = self.clusters.or_default(node.template);
        let (me, mut broken) = (world.name(record.node), Vec::new());
        match told {
            Told::Founded { acceptors } => cluster.acceptors = acceptors.len(),
            Told::Promised { ballot } => cluster.promises(record, *ballot),
            Told::Proposed { ballot, instance, value } => {
                broken.extend(cluster.proposes(record, me, *instance, *ballot, value));
            }
            Told::Accepted { ballot, instance, value } => {
                cluster.accepts(record, me, *instance, *ballot, value, &mut broken);
            }
            Told::Learnt { instance, value } => broken.extend(cluster.learns(record, me, *instance, value)),
        }
        for (property, told, other) in broken {
            if self.told.contains(&property) {
                continue;
            }
            self.told.push(property);
            let mut evidence = vec![other, record.id];
            evidence.sort_unstable();
            evidence.dedup();
            let told = Rc::from(world.named(&format!("{property} is broken: {told}")));
            let (check, at, node) = (Rc::from(NAME), record.at, record.node);
            found.push(Violation { check, at, record: record.id, node, told, evidence });
        }
    }
    fn weigh(&self, scale: &mut Scale) {
        for cluster in self.clusters.values() {
            scale.own(size_of::<Cluster>() + cluster.promised.bytes() + cluster.decrees.bytes());
            for decree in cluster.decrees.values() {
                let held = decree.proposals.len() * (size_of::<Proposal>() + 8 * size_of::<NodeId>());
                scale.shared(Rc::as_ptr(decree).addr(), size_of::<Decree>() + held);
            }
        }
    }
    fn clone_box(&self) -> Box<dyn Check> {
        Box::new(self.clone())
    }
}

/// Makes one.
pub fn make() -> Box<dyn Check> {
    Box::new(Paxos::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Time;

    fn value(number: u64) -> Command {
        Command::Ask { client: NodeId(9), number, key: 1, op: crate::protocols::kv::Op::Write(number) }
    }

    fn ballot(round: u64) -> Ballot {
        Ballot { round, node: NodeId(1) }
    }

    /// Each step is who, and what: promises, proposes, accepts or learns under which round which value.
    fn found(steps: &[(u32, char, u64, u64)]) -> Vec<&'static str> {
        let (mut cluster, mut broken) = (Cluster { acceptors: 3, ..Cluster::default() }, Vec::new());
        for (id, (node, what, round, number)) in (1..).zip(steps) {
            let told = Told::Promised { ballot: ballot(*round) };
            let what_happened = What::Fact(Fact::Paxos(told));
            let (at, cause) = (Time::ZERO, RecordId(0));
            let record = Record { id: RecordId(id), at, cause, node: NodeId(*node), what: what_happened };
            let (of, value) = (ballot(*round), value(*number));
            match what {
                'p' => cluster.promises(&record, of),
                'v' => broken.extend(cluster.proposes(&record, "it", 1, of, &value)),
                'a' => cluster.accepts(&record, "it", 1, of, &value, &mut broken),
                _ => broken.extend(cluster.learns(&record, "it", 1, &value)),
            }
        }
        broken.into_iter().map(|(property, _, _)| property).collect()
    }

    #[test]
    fn each_property_is_found_to_be_broken_and_a_run_of_the_paper_is_not() {
        let good: &[_] =
            &[(1, 'p', 1, 0), (2, 'p', 1, 0), (1, 'v', 1, 7), (1, 'a', 1, 7), (2, 'p', 2, 0), (3, 'p', 2, 0)];
        assert_eq!(found(good), [""; 0]);
        // One acceptance is no choice: a later proposer that did not hear of it proposes its own, and that is chosen.
        let other = [good, &[(1, 'v', 2, 8), (2, 'a', 2, 8), (3, 'a', 2, 8), (3, 'l', 0, 8)]].concat();
        assert_eq!(found(&other), [""; 0]);
        assert_eq!(found(&[good, &[(2, 'a', 1, 7)][..]].concat()), ["P1a"], "it has promised a higher number");
        assert_eq!(found(&[(1, 'a', 1, 7)]), ["Nontriviality"]);
        assert_eq!(found(&[(1, 'v', 1, 7), (1, 'a', 1, 7), (1, 'l', 0, 7)]), ["Only what is chosen is learnt"]);
        let chosen = [(1, 'v', 1, 7), (1, 'a', 1, 7), (2, 'a', 1, 7)];
        assert_eq!(found(&[&chosen[..], &[(2, 'v', 2, 8)]].concat()), ["P2b"]);
        let twice = [&chosen[..], &[(2, 'v', 2, 8), (2, 'a', 2, 8), (3, 'a', 2, 8), (3, 'l', 0, 8)]].concat();
        assert_eq!(found(&twice), ["P2b", "Consistency", "Consistency"]);
    }
}
