//! Commands: whether they would change anything, and carrying them out.

use std::rc::Rc;

use super::super::actor::Actor;
use super::super::{
    Command, Discipline, Link, Micros, Node, NodeId, Payload, RecordId, Recorder, Refusal, Status, What, Why,
};
use super::{MAX_LINKS_A_NODE, World};

impl<P: Payload> World<P> {
    /// Whether a command can be carried out and would change anything.
    ///
    /// # Errors
    /// [`Refusal::Nothing`] if it would change nothing, [`Refusal::Impossible`] if it cannot be done; both in a sentence.
    pub fn check(&self, command: &Command) -> Result<(), Refusal> {
        let nothing = |text: String| Err(Refusal::Nothing(text));
        match command {
            Command::Add { template, name } => {
                if *template as usize >= self.templates().len() {
                    return Err(Refusal::Impossible("there is no such template".to_owned()));
                }
                if let Some(name) = name.as_ref().filter(|name| self.find(name).is_some()) {
                    return Err(Refusal::Impossible(format!("there is a {name} already")));
                }
                Ok(())
            }
            Command::Remove { node } => self.known(*node).map(drop),
            Command::Kill { node, .. } => match self.known(*node)?.status {
                Status::Crashed => nothing(format!("{} is down already", self.name(*node))),
                _ => Ok(()),
            },
            Command::Restart { node } => match self.known(*node)?.status {
                Status::Crashed => Ok(()),
                _ => nothing(format!("{} has not crashed", self.name(*node))),
            },
            Command::Pause { node } => match self.known(*node)?.status {
                Status::Up => Ok(()),
                _ => nothing(format!("{} does not run", self.name(*node))),
            },
            Command::Resume { node } => match self.known(*node)?.status {
                Status::Paused => Ok(()),
                _ => nothing(format!("{} is not paused", self.name(*node))),
            },
            Command::Slow { node, permille } => {
                if self.known(*node)?.slow == *permille {
                    return nothing(format!("{} has that speed already", self.name(*node)));
                }
                Ok(())
            }
            Command::Change { node, change } => self.check_change(*node, change),
            Command::Wire { a, b, .. } => {
                let (one, other) = (self.known(*a)?, self.known(*b)?);
                if a == b {
                    return Err(Refusal::Impossible("a component is not linked to itself".to_owned()));
                }
                if one.link(*b).is_some() {
                    return nothing(format!("{} and {} are linked already", self.name(*a), self.name(*b)));
                }
                if let Some(full) = [one, other].into_iter().find(|node| node.links.len() >= MAX_LINKS_A_NODE) {
                    let told = format!("{} has {MAX_LINKS_A_NODE} links, which is the limit", full.name);
                    return Err(Refusal::Impossible(told));
                }
                Ok(())
            }
            Command::Unwire { a, b } => self.linked(*a, *b).map(drop),
            Command::Cut { a, b, both } => self.some_link(*a, *b, *both, |link| !link.cut, "is cut already"),
            Command::Heal { a, b, both } => self.some_link(*a, *b, *both, |link| link.cut, "is not cut"),
            Command::Hold { a, b, both } => self.some_link(*a, *b, *both, |link| !link.held, "is held already"),
            Command::Release { a, b, both } => self.some_link(*a, *b, *both, |link| link.held, "is not held"),
            Command::Relink { a, b, both, profile } => {
                profile.check().map_err(Refusal::Impossible)?;
                self.some_link(*a, *b, *both, |link| link.profile != *profile, "is like that already")
            }
            Command::Drop { .. } | Command::Hurry { .. } | Command::Delay { .. } | Command::Duplicate { .. } => {
                self.check_fate(command)
            }
            Command::Dial { node, field, value } => {
                let mut copy = self.known(*node)?.actor.clone_box();
                let before = copy.get(field);
                copy.set(field, value).map_err(Refusal::Impossible)?;
                if copy.get(field) == before {
                    return nothing(format!("{field} is {value} already"));
                }
                Ok(())
            }
            Command::Preset { template, field, value } => {
                if self.templates.get(*template as usize).is_none() {
                    return Err(Refusal::Impossible("there is no such group".to_owned()));
                }
                let mut next = self.make(*template);
                let before = next.get(field);
                next.set(field, value).map_err(Refusal::Impossible)?;
                if next.get(field) == before {
                    return nothing(format!("{field} is {value} already"));
                }
                Ok(())
            }
        }
    }

    /// Carries a command out, after everything else that happens in this microsecond.
    ///
    /// # Errors
    /// As [`World::check`]; then nothing has changed.
    pub fn command<R: Recorder<P>>(&mut self, command: &Command, records: &mut R) -> Result<(), Refusal> {
        self.check(command)?;
        let none = RecordId(0);
        self.links_changed |= matches!(command, Command::Cut { .. } | Command::Hold { .. } | Command::Unwire { .. });
        match command {
            Command::Add { template, name } => {
                self.place(*template, name.clone(), true, none, records);
            }
            Command::Remove { node } => {
                self.remove(*node, none, records);
            }
            Command::Kill { node, lose_disk } => self.kill(*node, *lose_disk, records),
            Command::Restart { node } => self.restart(*node, records),
            Command::Pause { node } => self.pause(*node, records),
            Command::Resume { node } => {
                self.set_status(*node, Status::Up, What::Resumed, records);
                self.go_on(*node);
                self.next_job(*node, records);
            }
            Command::Slow { node, permille } => {
                let permille = *permille;
                if let Some(node) = self.node_mut(*node) {
                    node.slow = permille;
                }
                self.emit(records, none, *node, u64::from(permille), || What::Slowed { permille });
            }
            Command::Change { node, change } => self.change(*node, change, records),
            Command::Wire { a, b, profile } => {
                self.wire(*a, *b, profile, none, records);
            }
            Command::Unwire { a, b } => {
                for (from, to) in [(*a, *b), (*b, *a)] {
                    if self.unlink(from, to) {
                        self.emit(records, none, from, u64::from(to.0), || What::Unwired { to });
                    }
                }
            }
            Command::Cut { a, b, both } => self.each_way(
                *a,
                *b,
                *both,
                records,
                |link| !std::mem::replace(&mut link.cut, true),
                |to| What::Cut { to },
            ),
            Command::Heal { a, b, both } => self.each_way(
                *a,
                *b,
                *both,
                records,
                |link| std::mem::replace(&mut link.cut, false),
                |to| What::Healed { to },
            ),
            Command::Hold { a, b, both } => self.each_way(
                *a,
                *b,
                *both,
                records,
                |link| !std::mem::replace(&mut link.held, true),
                |to| What::Held { to },
            ),
            Command::Release { a, b, both } => {
                self.each_way(
                    *a,
                    *b,
                    *both,
                    records,
                    |link| std::mem::replace(&mut link.held, false),
                    |to| What::Released { to },
                );
                self.let_go(*a, *b);
                if *both {
                    self.let_go(*b, *a);
                }
            }
            Command::Relink { a, b, both, profile } => {
                self.each_way(
                    *a,
                    *b,
                    *both,
                    records,
                    |link| std::mem::replace(&mut link.profile, profile.clone()) != *profile,
                    |to| What::Relinked { to },
                );
            }
            Command::Drop { .. } | Command::Hurry { .. } | Command::Delay { .. } | Command::Duplicate { .. } => {
                self.decide_fate(command, records);
            }
            Command::Dial { node, field, value } => {
                if let Some(node) = self.node_mut(*node) {
                    node.actor.set(field, value).map_err(Refusal::Impossible)?;
                }
                let cause =
                    self.emit(records, none, *node, 0, || What::Dialled { field: field.clone(), value: value.clone() });
                self.handle(*node, cause, records, |actor, desk| actor.on_dial(desk));
            }
            Command::Preset { template, field, value } => {
                let presets = Rc::make_mut(&mut self.presets);
                presets.retain(|(other, name, _)| (other, name) != (template, field));
                presets.push((*template, field.clone(), value.clone()));
            }
        }
        Ok(())
    }

    /// What a template makes now.
    pub(super) fn make(&self, template: u32) -> Box<dyn Actor<P>> {
        let mut actor = self.templates[template as usize].make();
        for (_, field, value) in self.presets.iter().filter(|(of, ..)| *of == template) {
            // It was tried on one of them when it was set.
            let _ = actor.set(field, value);
        }
        actor
    }

    pub(super) fn known(&self, id: NodeId) -> Result<&Node<P>, Refusal> {
        self.node(id).ok_or_else(|| Refusal::Impossible(format!("{} is not there any more", self.name(id))))
    }

    fn linked(&self, a: NodeId, b: NodeId) -> Result<&Link, Refusal> {
        self.known(b)?;
        self.known(a)?
            .link(b)
            .ok_or_else(|| Refusal::Impossible(format!("{} and {} are not linked", self.name(a), self.name(b))))
    }

    fn some_link(
        &self,
        a: NodeId,
        b: NodeId,
        both: bool,
        changes: impl Fn(&Link) -> bool,
        otherwise: &str,
    ) -> Result<(), Refusal> {
        let forth = changes(self.linked(a, b)?);
        let back = both && changes(self.linked(b, a)?);
        if forth || back {
            Ok(())
        } else {
            Err(Refusal::Nothing(format!("the link between {} and {} {otherwise}", self.name(a), self.name(b))))
        }
    }

    fn each_way<R: Recorder<P>>(
        &mut self,
        a: NodeId,
        b: NodeId,
        both: bool,
        records: &mut R,
        change: impl Fn(&mut Link) -> bool,
        what: impl Fn(NodeId) -> What<P>,
    ) {
        let ways = [(a, b), (b, a)];
        for (from, to) in ways.into_iter().take(if both { 2 } else { 1 }) {
            let changed = self.node_mut(from).and_then(|node| node.link_mut(to)).is_some_and(&change);
            if changed {
                self.emit(records, RecordId(0), from, u64::from(to.0), || what(to));
            }
        }
    }

    fn let_go(&mut self, from: NodeId, to: NodeId) {
        let waiting = self.node_mut(from).and_then(|node| node.link_mut(to)).map(|link| std::mem::take(link.waiting()));
        for flight in waiting.unwrap_or_default() {
            self.arrive_now(flight);
        }
    }

    fn set_status<R: Recorder<P>>(&mut self, id: NodeId, status: Status, what: What<P>, records: &mut R) -> RecordId {
        let now = self.now();
        let record = self.emit(records, RecordId(0), id, status as u64, || what);
        if let Some(node) = self.node_mut(id) {
            (node.status, node.since, node.since_record) = (status, now, record);
        }
        record
    }

    fn kill<R: Recorder<P>>(&mut self, id: NodeId, lose_disk: bool, records: &mut R) {
        let crashed = self.set_status(id, Status::Crashed, What::Crashed { disk_lost: lose_disk }, records);
        let now = self.now();
        let Some(node) = self.node_mut(id) else { return };
        let writes = node.actor.crash(lose_disk);
        node.disk.stuck = false;
        node.overdue.clear();
        node.writes.clear();
        node.disk_free = now;
        let mut lost = Vec::from(std::mem::take(&mut node.inbox));
        lost.extend(node.cores.iter_mut().filter_map(Option::take).map(|job| job.envelope));
        node.shares.clear();
        if writes > 0 {
            self.emit(records, crashed, id, writes, || What::Unsynced { writes });
        }
        for envelope in lost {
            self.lose(crashed, envelope.from, id, envelope.message, Why::Died, records);
        }
    }

    fn restart<R: Recorder<P>>(&mut self, id: NodeId, records: &mut R) {
        self.set_status(id, Status::Starting, What::Restarted, records);
        let now = self.now();
        let Some(node) = self.node_mut(id) else { return };
        node.generation += 1;
        let (generation, startup) = (node.generation, node.machine.startup);
        self.boot_at(id, now + startup, generation);
    }

    fn pause<R: Recorder<P>>(&mut self, id: NodeId, records: &mut R) {
        self.set_status(id, Status::Paused, What::Paused, records);
        let now = self.now();
        let Some(node) = self.node_mut(id) else { return };
        if node.machine.discipline == Discipline::Sharing {
            node.share_out(now, None);
        }
        for job in node.cores.iter_mut().flatten() {
            let left = if job.due > now { job.due.since(now) } else { Micros::ZERO };
            job.left = Some(left);
        }
        node.generation += 1;
        let generation = node.generation;
        for job in node.cores.iter_mut().flatten() {
            // The event that was to end the service no longer does.
            job.generation = generation;
        }
    }
}
