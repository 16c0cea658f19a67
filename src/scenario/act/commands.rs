//! What an act comes to: the engine's commands, by node numbers.

use std::rc::Rc;

use crate::components::World;
use crate::scenario::validate::{MAX_LINKS_AT_START, MAX_LIST};
use crate::scenario::{Document, Problem};
use crate::sim::{Change, Clock, Command, NodeId, Plain, Profile, RecordId, Time};

use super::Act;

impl Act {
    /// What this act comes to in `world`, command by command.
    ///
    /// # Errors
    /// A problem for a name that is not there or a number out of range.
    pub fn commands(&self, document: &Document, world: &World) -> Result<Vec<Command>, Problem> {
        let each = |name: &str, command: &dyn Fn(NodeId) -> Command| {
            Ok(nodes(world, name)?.into_iter().map(command).collect())
        };
        let pairs = |(a, b): &(String, String), command: &dyn Fn(NodeId, NodeId) -> Command| {
            let (one, other) = (nodes(world, a)?, nodes(world, b)?);
            if let ([a], [b]) = (&one[..], &other[..]) {
                return Ok(vec![command(*a, *b)]);
            }
            // Between groups, only the links that are there are meant: two crowds have more pairs than memory holds.
            let mut commands = Vec::new();
            for a in one {
                let links = world.node(a).map_or(&[][..], |node| &node.links);
                let meant = links.iter().filter(|link| other.binary_search(&link.to).is_ok());
                commands.extend(meant.map(|link| command(a, link.to)));
            }
            Ok(commands)
        };
        match self {
            Act::Add { what, name } => {
                let template = world.templates().iter().position(|template| *template.name == **what);
                let names = world.templates().iter().map(|template| &*template.name);
                let template = template.ok_or_else(|| Problem::unknown("add.what", "group or kind", what, names))?;
                let name = name.as_ref().map(|name| Rc::from(&**name));
                Ok(vec![Command::Add { template: template as u32, name }])
            }
            Act::Remove { node } => each(node, &|node| Command::Remove { node }),
            Act::Kill { node, disk } => each(node, &|node| Command::Kill { node, lose_disk: *disk }),
            Act::Restart { node } => each(node, &|node| Command::Restart { node }),
            Act::Pause { node } => each(node, &|node| Command::Pause { node }),
            Act::Resume { node } => each(node, &|node| Command::Resume { node }),
            Act::Slow { node, factor } => {
                if !(0.001..=1000.0).contains(factor) {
                    return Err(Problem::new(
                        "slow.factor",
                        format!("expected a number from 0.001 to 1000, found {}", Plain(*factor)),
                    ));
                }
                let permille = (factor * 1000.0 + 0.5) as u32;
                each(node, &|node| Command::Slow { node, permille })
            }
            Act::Clock { node, .. } | Act::Disk { node, .. } | Act::Lie { node, .. } | Act::Cores { node, .. } => {
                self.change(None).map_err(|told| Problem::new(self.word(), told))?;
                let mut commands = Vec::new();
                for node in nodes(world, node)? {
                    let clock = world.node(node).map(|node| (node.clock, world.now()));
                    commands.extend(self.changes(clock).into_iter().map(|change| Command::Change { node, change }));
                }
                Ok(commands)
            }
            Act::Partition { sides } => partition(world, sides),
            Act::Isolate { node } => Ok(border(world, node)?.map(|(a, b)| Command::Cut { a, b, both: true }).collect()),
            Act::Rejoin { node } => Ok(border(world, node)?.map(|(a, b)| Command::Heal { a, b, both: true }).collect()),
            Act::HealAll {} => {
                let links = world.nodes().flat_map(|(a, node)| node.links.iter().map(move |link| (a, link)));
                let cut = links.filter(|(_, link)| link.cut);
                Ok(cut.map(|(a, link)| Command::Heal { a, b: link.to, both: false }).collect())
            }
            Act::Wire { between } => {
                let (one, other) = (nodes(world, &between.0)?, nodes(world, &between.1)?);
                check_pairs(one.len() as u64, other.len() as u64).map_err(|told| Problem::new("wire.between", told))?;
                let rule = |a: NodeId, b: NodeId| Some(profile_between(world, a, b).unwrap_or_default());
                let pairs = one
                    .iter()
                    .flat_map(|a| other.iter().map(move |b| (*a, *b)))
                    .filter(|(a, b)| a != b || one.len() == 1);
                Ok(pairs.filter_map(|(a, b)| Some(Command::Wire { a, b, profile: rule(a, b)? })).collect())
            }
            Act::Unwire { between } => pairs(between, &|a, b| Command::Unwire { a, b }),
            Act::Cut { between, one_way } => pairs(between, &|a, b| Command::Cut { a, b, both: !one_way }),
            Act::Heal { between, one_way } => pairs(between, &|a, b| Command::Heal { a, b, both: !one_way }),
            Act::Hold { between, one_way } => pairs(between, &|a, b| Command::Hold { a, b, both: !one_way }),
            Act::Release { between, one_way } => pairs(between, &|a, b| Command::Release { a, b, both: !one_way }),
            Act::Link { between, .. } => {
                let usual = Profile::default();
                self.changed(&usual).check().map_err(|told| Problem::new("link", told))?;
                pairs(between, &|a, b| {
                    let link = world.node(a).and_then(|node| node.link(b));
                    let profile = self.changed(link.map_or(&usual, |link| &link.profile));
                    Command::Relink { a, b, both: true, profile: Rc::new(profile) }
                })
            }
            Act::Drop { message } => Ok(vec![Command::Drop { message: RecordId(*message) }]),
            Act::Hurry { message } => Ok(vec![Command::Hurry { message: RecordId(*message) }]),
            Act::Delay { message, by } => Ok(vec![Command::Delay { message: RecordId(*message), by: *by }]),
            Act::Duplicate { message } => Ok(vec![Command::Duplicate { message: RecordId(*message) }]),
            Act::Set { node, field, value } => {
                each(node, &|node| Command::Dial { node, field: Rc::from(&**field), value: value.clone() })
            }
            Act::Dial { dial, value } => {
                let names = document.dials.iter().map(|dial| &*dial.name);
                let found = document.dials.iter().find(|known| known.name == *dial);
                let found = found.ok_or_else(|| Problem::unknown("dial.dial", "dial", dial, names))?;
                found.check_value(value).map_err(|told| Problem::new(format!("dial {dial}"), told))?;
                let field: Rc<str> = Rc::from(&*found.field);
                let mut commands: Vec<Command> =
                    each(&found.group, &|node| Command::Dial { node, field: field.clone(), value: value.clone() })?;
                // Those that come later have it too: what replaces a dead member is no other kind of thing.
                let template = world.templates().iter().position(|template| *template.name == *found.group);
                let preset =
                    template.map(|template| Command::Preset { template: template as u32, field, value: value.clone() });
                commands.extend(preset);
                Ok(commands)
            }
        }
    }

    /// The changes of a node that this act comes to, one a field; `clock` is the node's, and the instant.
    fn changes(&self, clock: Option<(Clock, Time)>) -> Vec<Change> {
        match self {
            Act::Clock { ahead, behind, drift, .. } => {
                let (clock, now) = clock.unwrap_or_default();
                let span = |span: crate::sim::Micros| i64::try_from(span.0).unwrap_or(i64::MAX);
                let set = ahead.map(span).or_else(|| behind.map(|behind| -span(behind)));
                // Rounded to the nearest; `as` saturates.
                let drift = drift.map_or(clock.drift(), |drift| (drift + 0.5).floor() as i32);
                vec![Change::Clock { ahead: set.unwrap_or_else(|| clock.ahead(now)), drift }]
            }
            Act::Disk { latency, full, sync, .. } => {
                let latency = latency.clone().map(Change::Disk);
                latency.into_iter().chain(full.map(Change::Full)).chain(sync.map(Change::Sync)).collect()
            }
            Act::Lie { share, spoil, .. } => vec![Change::Lie { share: *share, spoils: *spoil }],
            Act::Cores { count, .. } => vec![Change::Cores(*count)],
            _ => Vec::new(),
        }
    }

    /// The last of the changes of a node that this act comes to, where nothing is wrong with any.
    ///
    /// # Errors
    /// A sentence: nothing to change, a number out of range, a clock that is both ahead and behind.
    pub(in crate::scenario) fn change(&self, clock: Option<(Clock, Time)>) -> Result<Change, String> {
        if let Act::Clock { ahead: Some(_), behind: Some(_), .. } = self {
            return Err("a clock is either ahead or behind".to_owned());
        }
        let changes = self.changes(clock);
        changes.iter().try_for_each(Change::check)?;
        changes.into_iter().last().ok_or_else(|| "expected latency, full or sync".to_owned())
    }
}

/// What a partition cuts: each link from one side to another, and only those that are there.
fn partition(world: &World, sides: &[Vec<String>]) -> Result<Vec<Command>, Problem> {
    check_sides(sides).map_err(|told| Problem::new("partition.sides", told))?;
    // By the number of the node.
    let mut side_of: Vec<Option<usize>> = Vec::new();
    for (side, names) in sides.iter().enumerate() {
        for name in names {
            for node in nodes(world, name)? {
                let place = node.0 as usize;
                side_of.resize(side_of.len().max(place + 1), None);
                if side_of[place].is_some_and(|other| other != side) {
                    let told = format!("{} stands on two sides", world.name(node));
                    return Err(Problem::new("partition.sides", told));
                }
                side_of[place] = Some(side);
            }
        }
    }
    let side = |node: NodeId| side_of.get(node.0 as usize).copied().flatten();
    let mut commands = Vec::new();
    for (place, mine) in side_of.iter().enumerate().filter(|(_, side)| side.is_some()) {
        let a = NodeId(place as u32);
        let links = world.node(a).map_or(&[][..], |node| &node.links);
        let across = links.iter().filter(|link| side(link.to).is_some_and(|other| Some(other) != *mine));
        commands.extend(across.map(|link| Command::Cut { a, b: link.to, both: false }));
    }
    Ok(commands)
}

/// The links from a node, group or zone to all others.
pub(in crate::scenario) fn border(
    world: &World,
    name: &str,
) -> Result<impl Iterator<Item = (NodeId, NodeId)>, Problem> {
    let inside = nodes(world, name)?;
    let mut border = Vec::new();
    for a in &inside {
        let links = world.node(*a).map_or(&[][..], |node| &node.links);
        let out = links.iter().filter(|link| inside.binary_search(&link.to).is_err());
        border.extend(out.map(|link| (*a, link.to)));
    }
    Ok(border.into_iter())
}

/// Whether a partition says who is on which side, and does not say too much.
///
/// # Errors
/// A sentence.
pub(in crate::scenario) fn check_sides(sides: &[Vec<String>]) -> Result<(), String> {
    let names: usize = sides.iter().map(Vec::len).sum();
    if sides.len() < 2 || sides.iter().any(Vec::is_empty) {
        return Err("expected two sides or more, and a name on each".to_owned());
    }
    if names > MAX_LIST {
        return Err(format!("there are {names} names; {MAX_LIST} is the limit"));
    }
    Ok(())
}

/// The node of this name, or the members of the group of this name, or all that stand in the zone of this name.
fn nodes(world: &World, name: &str) -> Result<Vec<NodeId>, Problem> {
    if let Some(node) = world.find(name) {
        return Ok(vec![node]);
    }
    let Some(template) = world.templates().iter().position(|template| *template.name == *name) else {
        if world.zones().has(name) {
            return Ok(world.in_zone(name).collect());
        }
        let names = world.nodes().map(|(_, node)| &*node.name);
        let names = names.chain(world.templates().iter().map(|template| &*template.name)).chain(world.zones().names());
        return Err(Problem::unknown("", "component", name, names));
    };
    Ok(world.members(template).to_vec())
}

/// Whether so many nodes can be wired to so many at once.
pub(in crate::scenario) fn check_pairs(one: u64, other: u64) -> Result<(), String> {
    let pairs = one.saturating_mul(other);
    if pairs <= MAX_LINKS_AT_START {
        return Ok(());
    }
    Err(format!("they are {pairs} pairs; {MAX_LINKS_AT_START} is the limit"))
}

/// How a link between two nodes behaves by their templates' rules; if there is none, as links of their kinds do.
pub(in crate::scenario) fn profile_between(world: &World, a: NodeId, b: NodeId) -> Option<Rc<Profile>> {
    let (a, b) = (world.node(a)?, world.node(b)?);
    let templates = world.templates();
    let rule = templates.get(a.template as usize)?.links.iter().find(|(to, _)| *to == b.template);
    let by_kind = || {
        let from = templates.iter().filter(|template| template.kind == a.kind);
        let mut rules = from.flat_map(|template| &template.links);
        rules.find(|(to, _)| templates.get(*to as usize).is_some_and(|template| template.kind == b.kind))
    };
    rule.or_else(by_kind).map(|(_, profile)| profile.clone())
}
