//! Who is there and who is linked to whom: placing, wiring, taking away.

use std::rc::Rc;

use super::super::{
    Clock, DiskState, Link, Micros, Node, NodeId, Payload, Peer, Profile, Purpose, RecordId, Recorder, Status, Stream,
    Time, What,
};
use super::{Event, Halt, MAX_LINKS, MAX_LINKS_A_NODE, MAX_NODES, World};

impl<P: Payload> World<P> {
    /// The nodes of a template that are there, ascending.
    pub fn members(&self, template: usize) -> &[NodeId] {
        self.members.get(template).map_or(&[], |members| members)
    }

    /// Whether a node has this name, or is of the group of this name, also for one that has gone since; or stands in the
    /// zone or region of this name.
    pub fn is_called(&self, id: NodeId, place: &str) -> bool {
        let name = self.name(id);
        let in_group = || {
            let template = self.templates().iter().find(|template| *template.name == *place);
            template.is_some_and(|template| {
                name.strip_prefix(&*template.prefix)
                    .and_then(|rest| rest.strip_prefix('-'))
                    .is_some_and(|rest| rest.parse::<u32>().is_ok())
            })
        };
        name == place || in_group() || self.node(id).is_some_and(|node| self.stands_in(node, place))
    }

    /// Whether a node stands in the zone or region of this name.
    pub fn stands_in(&self, node: &Node<P>, place: &str) -> bool {
        node.zone.is_some_and(|zone| self.zones.is_in(zone, place))
    }

    /// The nodes in the zone or region of this name, ascending.
    pub fn in_zone(&self, place: &str) -> impl Iterator<Item = NodeId> {
        let there = self.zones.has(place);
        let nodes = self.nodes().take(if there { usize::MAX } else { 0 });
        nodes.filter(move |(_, node)| self.stands_in(node, place)).map(|(id, _)| id)
    }

    /// Takes the link from one node to another away. Whether there was one.
    pub(super) fn unlink(&mut self, from: NodeId, to: NodeId) -> bool {
        let there = self.node_mut(from).is_some_and(|node| unlink(node, to));
        self.links -= usize::from(there);
        there
    }

    /// Places a node that will boot when its start-up time is over, wired as its template says. `None` at the limit
    /// of nodes, and where there is no such template.
    pub fn place<R: Recorder<P>>(
        &mut self,
        template: u32,
        name: Option<Rc<str>>,
        startup: bool,
        cause: RecordId,
        records: &mut R,
    ) -> Option<NodeId> {
        if self.nodes.len() >= MAX_NODES {
            self.halted = Some(Halt::Nodes);
            return None;
        }
        let id = NodeId(self.nodes.len() as u32);
        let templates = self.templates.clone();
        let made_from = templates.get(template as usize)?;
        let turn = self.spread[template as usize] as usize;
        self.spread[template as usize] += 1;
        let zone = turn.checked_rem(made_from.zones.len()).map(|turn| made_from.zones[turn]);
        let name = match name {
            Some(name) => {
                Rc::make_mut(&mut self.given).push(name.clone());
                name
            }
            None => self.next_name(template),
        };
        Rc::make_mut(&mut self.names).push(name.clone());
        let placed = self.emit(records, cause, id, made_from.mark, || What::Placed);
        self.nodes.push(Some(Rc::new(Node {
            id,
            name,
            template,
            kind: made_from.kind,
            zone,
            status: Status::Starting,
            since: self.now,
            since_record: placed,
            slow: 1000,
            machine: made_from.machine.clone(),
            clock: Clock::default(),
            disk: DiskState::default(),
            lies: None,
            links: Vec::new(),
            busy: Micros::ZERO,
            peers: Rc::default(),
            actor: self.make(template),
            cores: Vec::new(),
            inbox: Default::default(),
            shares: Vec::new(),
            shared: Time::ZERO,
            own: Stream::new(self.seed, Purpose::Node(id.0)),
            load: Stream::new(self.seed, Purpose::Load(id.0)),
            service: Stream::new(self.seed, Purpose::Service(id.0)),
            generation: 0,
            disk_free: Time::ZERO,
            overdue: Vec::new(),
            writes: Vec::new(),
        })));
        for (to_template, profile) in &made_from.links {
            // The newcomer is not among them yet: nobody is linked to itself.
            let others = self.members[*to_template as usize].clone();
            for other in others.iter() {
                self.wire(id, *other, profile, cause, records);
            }
        }
        Rc::make_mut(&mut self.members[template as usize]).push(id);
        let startup = if startup { made_from.machine.startup } else { Micros::ZERO };
        self.queue.push(self.now + startup, Event::Boot { node: id, generation: 0 });
        Some(id)
    }

    /// A name that no node has or had: the template's prefix and the next ordinal. Templates of one prefix count
    /// together, so that only a name that was given can be in the way.
    fn next_name(&mut self, template: u32) -> Rc<str> {
        let prefix = self.templates[template as usize].prefix.clone();
        let first = self.templates.iter().position(|other| other.prefix == prefix).unwrap_or(template as usize);
        loop {
            self.made[first] += 1;
            let name = format!("{prefix}-{}", self.made[first]);
            if !self.given.iter().any(|taken| **taken == *name) {
                return Rc::from(name);
            }
        }
    }

    /// Links two nodes both ways; directions that are linked already stay as they are. Whether anything changed.
    pub(super) fn wire<R: Recorder<P>>(
        &mut self,
        a: NodeId,
        b: NodeId,
        profile: &Rc<Profile>,
        cause: RecordId,
        records: &mut R,
    ) -> bool {
        let forth = self.wire_one(a, b, profile, cause, records);
        let back = self.wire_one(b, a, profile, cause, records);
        forth || back
    }

    fn wire_one<R: Recorder<P>>(
        &mut self,
        from: NodeId,
        to: NodeId,
        profile: &Rc<Profile>,
        cause: RecordId,
        records: &mut R,
    ) -> bool {
        let Some((template, kind)) = self.node(to).map(|node| (node.template, node.kind)) else { return false };
        let luck = Stream::new(self.seed, Purpose::Link(from.0, to.0));
        let zone = |id: NodeId| self.node(id).and_then(|node| node.zone);
        let away = zone(from).zip(zone(to)).map_or(Micros::ZERO, |(from, to)| self.zones.away(from, to));
        let Some(node) = self.node_mut(from) else { return false };
        let Err(place) = node.links.binary_search_by_key(&to, |link| link.to) else { return false };
        if node.links.len() >= MAX_LINKS_A_NODE {
            let told =
                || What::Note(Rc::from(format!("is not linked to {to}: {MAX_LINKS_A_NODE} links are the limit")));
            self.emit(records, cause, from, u64::from(to.0), told);
            return false;
        }
        if self.links >= MAX_LINKS {
            self.halted = Some(Halt::Links);
            return false;
        }
        self.links += 1;
        let Some(node) = self.node_mut(from) else { return false };
        node.links.insert(place, Link::new(to, profile.clone(), away, luck));
        Rc::make_mut(&mut node.peers).insert(place, Peer { id: to, template, kind });
        self.emit(records, cause, from, u64::from(to.0), || What::Wired { to });
        true
    }

    /// Takes a node away with its links. Whether it was there.
    pub(super) fn remove<R: Recorder<P>>(&mut self, id: NodeId, cause: RecordId, records: &mut R) -> bool {
        let Some(place) = self.nodes.get_mut(id.0 as usize) else { return false };
        let Some(gone) = place.take() else { return false };
        self.links_changed = true;
        self.links -= gone.links.len();
        Rc::make_mut(&mut self.members[gone.template as usize]).retain(|member| *member != id);
        for other in self.nodes.iter_mut().flatten() {
            if other.link(id).is_some() {
                self.links -= usize::from(unlink(Rc::make_mut(other), id));
            }
        }
        self.emit(records, cause, id, 0, || What::Removed);
        true
    }
}

/// Takes the link to `to` away.
fn unlink<P: Payload>(node: &mut Node<P>, to: NodeId) -> bool {
    let Ok(place) = node.links.binary_search_by_key(&to, |link| link.to) else { return false };
    node.links.remove(place);
    Rc::make_mut(&mut node.peers).remove(place);
    true
}
