//! What can be done to what is pointed at: one list for the context menu, the inspector and the keys.

use crate::components::{KINDS, World};
use crate::scenario::{Act, Document};
use crate::scene::Target;
use crate::sim::{Dist, Micros, NodeId, RecordId, Status};

use super::{Action, Player};

/// An entry of a menu.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What it does, in a word or two.
    pub label: String,
    /// The key that does it.
    pub key: Option<char>,
    /// What it comes to.
    pub action: Action,
    /// Why it would change nothing now; it is greyed out then.
    pub idle: Option<String>,
}

impl Entry {
    /// What choosing it comes to: what it does, or a word on why it does nothing.
    pub fn chosen(&self) -> Action {
        match &self.idle {
            None => self.action.clone(),
            Some(why) => Action::Tell(super::Tone::Quiet, super::sentence_case(why)),
        }
    }
}

/// How many times as long a slowed node takes.
const SLOW: f64 = 10.0;

/// What can be done to `target`.
pub fn menu(player: &Player, target: Target) -> Vec<Entry> {
    let timeline = player.timeline();
    let (world, document) = (&timeline.run().world, timeline.document());
    match target {
        Target::Node(id) => node_menu(world, document, id),
        Target::Link(a, b) => link_menu(world, document, a, b),
        Target::Flight(record) => flight_menu(world, document, record),
    }
}

fn entry(world: &World, document: &Document, label: &str, key: char, act: Act) -> Entry {
    let idle = act.check(document, world).err();
    Entry { label: label.to_owned(), key: Some(key), action: Action::Act(act), idle }
}

fn node_menu(world: &World, document: &Document, id: NodeId) -> Vec<Entry> {
    let Some(found) = world.node(id) else { return Vec::new() };
    let name = || found.name.to_string();
    let entry = |label: &str, key, act| entry(world, document, label, key, act);
    let mut entries = vec![
        entry("Kill", 'k', Act::Kill { node: name(), disk: false }),
        entry("Kill, lose the disk", 'K', Act::Kill { node: name(), disk: true }),
        entry("Restart", 'r', Act::Restart { node: name() }),
    ];
    // One key for both, as on a player.
    entries.push(match found.status {
        Status::Paused => entry("Resume", 'p', Act::Resume { node: name() }),
        _ => entry("Pause", 'p', Act::Pause { node: name() }),
    });
    entries.push(match found.slow {
        1000 => entry("Slow down ×10", 's', Act::Slow { node: name(), factor: SLOW }),
        _ => entry("Usual speed", 's', Act::Slow { node: name(), factor: 1.0 }),
    });
    entries.push(isolate(world, document, id, &found.name));
    let wire = Action::Wire(Some(id));
    entries.push(Entry { label: "Wire to…".to_owned(), key: Some('w'), action: wire, idle: None });
    entries.push(entry("Remove", 'x', Act::Remove { node: name() }));
    entries
}

/// Cuts every link of a node, or mends them all.
fn isolate(world: &World, document: &Document, id: NodeId, name: &str) -> Entry {
    let links = world.node(id).map_or(&[][..], |node| &node.links[..]);
    let all_cut = !links.is_empty() && links.iter().all(|link| link.cut);
    let node = name.to_owned();
    match all_cut {
        true => entry(world, document, "Heal all links", 'c', Act::Rejoin { node }),
        false => entry(world, document, "Cut all links", 'c', Act::Isolate { node }),
    }
}

fn link_menu(world: &World, document: &Document, a: NodeId, b: NodeId) -> Vec<Entry> {
    let (one, other) = (world.name(a).to_owned(), world.name(b).to_owned());
    let between = || (one.clone(), other.clone());
    let back = || (other.clone(), one.clone());
    let entry = |label: &str, key, act| entry(world, document, label, key, act);
    let cut = world.node(a).and_then(|node| node.link(b)).is_some_and(|link| link.cut)
        || world.node(b).and_then(|node| node.link(a)).is_some_and(|link| link.cut);
    let held = world.node(a).and_then(|node| node.link(b)).is_some_and(|link| link.held);
    let mut entries = vec![match cut {
        true => entry("Heal", 'c', Act::Heal { between: between(), one_way: false }),
        false => entry("Cut", 'c', Act::Cut { between: between(), one_way: false }),
    }];
    entries.push(entry(&format!("Cut only {one} → {other}"), '1', Act::Cut { between: between(), one_way: true }));
    entries.push(entry(&format!("Cut only {other} → {one}"), '2', Act::Cut { between: back(), one_way: true }));
    entries.push(match held {
        true => entry("Release", 'h', Act::Release { between: between(), one_way: false }),
        false => entry("Hold messages", 'h', Act::Hold { between: between(), one_way: false }),
    });
    let far = Dist::Lognormal { median: Micros::ms(300), p99: Micros::ms(900) };
    entries.push(entry("Make it far: 300 ms", 's', Act::link(&one, &other).with(Some(far), None)));
    entries.push(entry("Lose one in five", 'l', Act::link(&one, &other).with(None, Some(0.2))));
    entries.push(entry("Lose none", 'L', Act::link(&one, &other).with(None, Some(0.0))));
    entries.push(entry("Unwire", 'x', Act::Unwire { between: between() }));
    entries
}

/// How much later a delayed message comes.
const LATER: Micros = Micros::secs(1);

fn flight_menu(world: &World, document: &Document, RecordId(message): RecordId) -> Vec<Entry> {
    if world.flight(RecordId(message)).is_none() {
        return Vec::new();
    }
    let entry = |label: &str, key, act| entry(world, document, label, key, act);
    vec![
        entry("Drop", 'x', Act::Drop { message }),
        entry("Deliver now", 'h', Act::Hurry { message }),
        entry("Delay by 1 s", 'd', Act::Delay { message, by: LATER }),
        entry("Duplicate", '2', Act::Duplicate { message }),
    ]
}

/// What a key does while the stage has the focus. Letters act on what is selected.
pub fn key_action(player: &Player, key: &str, shift: bool) -> Option<Action> {
    Some(match key {
        " " => Action::Toggle,
        "." => Action::StepOn,
        "," => Action::StepBack,
        "+" | "=" => Action::Gear(1),
        "-" | "_" => Action::Gear(-1),
        "ArrowRight" if shift => Action::Skip(5),
        "ArrowLeft" if shift => Action::Skip(-5),
        "ArrowRight" => Action::Skip(1),
        "ArrowLeft" => Action::Skip(-1),
        "Home" | "0" => Action::Seek(crate::sim::Time::ZERO),
        "f" => Action::Fit,
        "Escape" if player.view().wire.is_some() => Action::Wire(None),
        "Escape" => Action::Select(None),
        _ => {
            let mut chars = key.chars();
            let letter = chars.next().filter(|_| chars.next().is_none())?;
            let entries = menu(player, player.view().selected?);
            entries.iter().find(|entry| entry.key == Some(letter))?.chosen()
        }
    })
}

/// The palette: one more of each group of the document, then every kind that stands alone.
pub fn palette(document: &Document) -> Vec<(String, String, &'static crate::components::Kind)> {
    let grouped = document.groups.iter().filter_map(|group| {
        let kind = crate::components::kind(&group.kind)?;
        let alike = document.groups.iter().filter(|other| other.kind == group.kind).count();
        let which = if alike > 1 { format!(" of {}", group.name) } else { String::new() };
        Some((group.name.clone(), format!("{}, one more{which}", kind.title), kind))
    });
    let alone = KINDS
        .iter()
        .map(|kind| (document.lone_name(kind.name), format!("{}, not wired to anything", kind.title), kind));
    grouped.chain(alone).collect()
}
