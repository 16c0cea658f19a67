//! What can be done to what is pointed at: one list for the context menu, the inspector and the keys.

use crate::components::{KINDS, Node, World};
use crate::scenario::{Act, Document};
use crate::scene::{LayoutKind, Target};
use crate::sim::{Dist, MAX_CORES, Micros, NodeId, RecordId, Status};

use crate::views::Kind;

use super::several::menu_of_several;
use super::{Action, Choosing, Looking, Player};

/// An entry of a menu.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Under which heading it is folded away; none for what is done often.
    pub group: &'static str,
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
            Some(why) => Action::Tell(super::Tone::Quiet, super::notice::sentence_case(why)),
        }
    }
}

/// How many times as long a slowed node takes.
pub const SLOW: f64 = 10.0;

/// What can be done to `target`.
pub fn menu(player: &Player, target: Target) -> Vec<Entry> {
    let timeline = player.timeline();
    let (world, document) = (&timeline.run().world, timeline.document());
    match target {
        Target::Node(id) if player.view().also.len() > 1 && player.chosen().contains(&id) => {
            menu_of_several(player, &player.chosen())
        }
        Target::Node(id) => node_menu(world, document, id),
        Target::Link(a, b) => link_menu(world, document, a, b),
        Target::Flight(record) if world.flight(record).is_none() => ended_menu(player, record),
        Target::Flight(record) => flight_menu(world, document, record),
    }
}

fn entry(world: &World, document: &Document, label: &str, key: char, act: Act) -> Entry {
    let idle = act.check(document, world).err();
    Entry { group: "", label: label.to_owned(), key: Some(key), action: Action::Act(act), idle }
}

/// Entries under a heading.
fn under(group: &'static str, entries: impl IntoIterator<Item = Entry>) -> impl Iterator<Item = Entry> {
    entries.into_iter().map(move |entry| Entry { group, ..entry })
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
    entries.push(Entry { group: "", label: "Wire to…".to_owned(), key: Some('w'), action: wire, idle: None });
    entries.push(entry("Remove", 'x', Act::Remove { node: name() }));
    entries.extend(clock_and_disk(world, document, found));
    entries.extend(work_and_zone(world, document, found));
    entries
}

/// What a clock is set wrong by.
const SKEW: Micros = Micros::secs(1);
/// How much too fast a clock runs, in parts per million.
const FAST: f64 = 100_000.0;
/// How long a write takes on a disk that was made slow.
const SLOW_DISK: Micros = Micros::ms(100);

fn clock_and_disk(world: &World, document: &Document, node: &Node) -> Vec<Entry> {
    let entry = |label: &str, key, act| entry(world, document, label, key, act);
    let name = || node.name.to_string();
    let clock = |ahead, behind, drift| Act::Clock { node: name(), ahead, behind, drift };
    let disk = |latency, full, sync| Act::Disk { node: name(), latency, full, sync };
    let usual = world.templates().get(node.template as usize).map(|template| template.machine.disk.clone());
    let clock = [
        entry("1 s ahead", 'a', clock(Some(SKEW), None, None)),
        entry("1 s behind", 'b', clock(None, Some(SKEW), None)),
        entry("10 % too fast", 't', clock(None, None, Some(FAST))),
        entry("Set right", 'T', clock(Some(Micros::ZERO), None, Some(0.0))),
    ];
    let disk = [
        match node.disk.full {
            true => entry("Make room", 'd', disk(None, Some(false), None)),
            false => entry("Full: writes fail", 'd', disk(None, Some(true), None)),
        },
        match node.disk.forgets {
            true => entry("Keep what it confirms", 'D', disk(None, None, Some(true))),
            false => entry("Lose fsync: a crash forgets", 'D', disk(None, None, Some(false))),
        },
        match usual.filter(|usual| *usual != node.machine.disk) {
            Some(usual) => entry("Usual latency", 'g', disk(Some(usual), None, None)),
            None => entry("100 ms a write", 'g', disk(Some(Dist::Constant(SLOW_DISK)), None, None)),
        },
    ];
    under("Clock", clock).chain(under("Disk", disk)).collect()
}

fn work_and_zone(world: &World, document: &Document, node: &Node) -> Vec<Entry> {
    let entry = |label: &str, key, act| entry(world, document, label, key, act);
    let name = || node.name.to_string();
    let lie = |share, spoil| Act::Lie { node: name(), share, spoil };
    let cores = node.machine.cores;
    let work = [
        entry("Lose half of it, look healthy", 'l', lie(0.5, false)),
        entry("Spoil half of it, look healthy", 'L', lie(0.5, true)),
        entry("Do all of it", 'o', lie(0.0, false)),
        entry("Twice the cores", 'm', Act::Cores { node: name(), count: (cores * 2).min(MAX_CORES) }),
        entry("Half the cores", 'M', Act::Cores { node: name(), count: (cores / 2).max(1) }),
    ];
    let zone = node.zone.and_then(|zone| world.zones().get(zone));
    let zone = zone.map(|zone| {
        let node = || zone.name.to_string();
        [
            entry(&format!("Kill all in {}", zone.name), 'z', Act::Kill { node: node(), disk: false }),
            entry(&format!("Restart all in {}", zone.name), 'Z', Act::Restart { node: node() }),
            entry(&format!("Cut {} off", zone.name), 'i', Act::Isolate { node: node() }),
            entry(&format!("Mend the links of {}", zone.name), 'I', Act::Rejoin { node: node() }),
        ]
    });
    under("Work", work).chain(under("Zone", zone.into_iter().flatten())).collect()
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
    entries.push(entry(&format!("Cut only {one} → {other}"), 'a', Act::Cut { between: between(), one_way: true }));
    entries.push(entry(&format!("Cut only {other} → {one}"), 'b', Act::Cut { between: back(), one_way: true }));
    entries.push(match held {
        true => entry("Release", 'h', Act::Release { between: between(), one_way: false }),
        false => entry("Hold messages", 'h', Act::Hold { between: between(), one_way: false }),
    });
    let far = Dist::Lognormal { median: Micros::ms(300), p99: Micros::ms(900) };
    entries.push(entry("Make it far: 300 ms", 's', Act::link(&one, &other).with(Some(far), None)));
    entries.push(entry("Lose one in five", 'l', Act::link(&one, &other).with(None, Some(0.2))));
    entries.push(entry("Lose none", 'L', Act::link(&one, &other).with(None, Some(0.0))));
    entries.push(entry("Unwire", 'x', Act::Unwire { between: between() }));
    let twists = [
        ("Double one in five", 'd', twist(&one, &other, Some(0.2), None, None)),
        ("Double none", 'D', twist(&one, &other, Some(0.0), None, None)),
        ("Detours for one in five", 'o', twist(&one, &other, None, Some(0.2), None)),
        ("No detours", 'O', twist(&one, &other, None, Some(0.0), None)),
        ("Narrow: 2 kB/s", 'n', twist(&one, &other, None, None, Some(2_000))),
        ("As wide as needed", 'N', twist(&one, &other, None, None, Some(0))),
    ];
    entries.extend(under("Network", twists.map(|(label, key, act)| entry(label, key, act))));
    entries.extend(under("Everywhere", [entry("Heal all links", 'e', Act::HealAll {})]));
    entries
}

/// A `link` that doubles, reorders or has a bandwidth.
fn twist(a: &str, b: &str, twice: Option<f64>, late: Option<f64>, bytes: Option<u64>) -> Act {
    let mut act = Act::link(a, b);
    if let Act::Link { duplicate, reorder, bandwidth, .. } = &mut act {
        (*duplicate, *reorder, *bandwidth) = (twice, late, bytes);
    }
    act
}

/// How much later a delayed message comes.
const LATER: Micros = Micros::secs(1);

fn flight_menu(world: &World, document: &Document, RecordId(message): RecordId) -> Vec<Entry> {
    let entry = |label: &str, key, act| entry(world, document, label, key, act);
    vec![
        entry("Drop", 'x', Act::Drop { message }),
        entry("Deliver now", 'h', Act::Hurry { message }),
        entry("Delay by 1 s", 'd', Act::Delay { message, by: LATER }),
        entry("Duplicate", 'D', Act::Duplicate { message }),
    ]
}

/// Of a message that has come to its end: back to where something can still be done to it.
fn ended_menu(player: &Player, record: RecordId) -> Vec<Entry> {
    let sent = player.timeline().log().get(record).map(|sent| sent.at);
    let back = sent.map(|at| Entry {
        group: "",
        label: "Back to its sending".to_owned(),
        key: Some('b'),
        action: Action::Seek(at),
        idle: None,
    });
    back.into_iter().collect()
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
        "z" => Action::Undo,
        "Z" => Action::Redo,
        "<" => Action::PlayBack,
        "[" => Action::Jump(false),
        "]" => Action::Jump(true),
        "*" => Action::Bookmark,
        "f" => Action::Fit,
        "1" => Action::Look(Looking::Open(Kind::SpaceTime)),
        "2" => Action::Look(Looking::Open(Kind::Log)),
        "3" => Action::Look(Looking::Open(Kind::Trace)),
        "4" => Action::Look(Looking::Open(Kind::Charts)),
        "v" => match player.view().selected {
            Some(Target::Node(id)) => Action::Choose(Choosing::Also(id)),
            _ => return None,
        },
        "V" => Action::Choose(Choosing::All),
        "y" => Action::Choose(Choosing::Copy),
        "Y" => Action::Choose(Choosing::Paste),
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

/// Ways to arrange all components.
pub fn arrangements(player: &Player) -> Vec<Entry> {
    let zoned = player.timeline().document().zones().get(0).is_some();
    let ways = [
        (LayoutKind::Tiers, "In tiers"),
        (LayoutKind::Ring, "On circles"),
        (LayoutKind::Grid, "On a grid"),
        (LayoutKind::Force, "Near those whom they talk to"),
        (LayoutKind::Map, "On a map of their zones"),
    ];
    let way = |(layout, label): (LayoutKind, &str)| {
        let idle = match layout {
            LayoutKind::Map if !zoned => Some("the components of this scenario stand in no zones".to_owned()),
            _ if player.arranged(layout) => Some("they stand so already".to_owned()),
            _ => None,
        };
        Entry { group: "", label: label.to_owned(), key: None, action: Action::Arrange(layout), idle }
    };
    ways.map(way).into()
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
