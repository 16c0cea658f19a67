//! The inspector: what is known of a node, a link or a message.

use crate::components::{Node, What, World, kind};
use crate::scene::Target;
use crate::sim::{Field, Link, Micros, NodeId, Plain, RecordId, Status, Time, clock, fixed};
use crate::trace::clocks::Clocks;
use crate::trace::sentence;

use super::panel::{Card, Inspector, field_model};
use super::{Player, inside, menu};

/// The inspector for `target`; `None` when it is gone.
pub fn inspector(player: &Player, target: Target) -> Option<Inspector> {
    let world = &player.timeline().run().world;
    match target {
        Target::Node(id) => node_inspector(player, world, id),
        Target::Link(a, b) => link_inspector(player, world, a, b),
        Target::Flight(record) => flight_inspector(player, world, record),
    }
}

fn ago(now: Time, then: Time) -> String {
    format!("{} s ago", fixed(now.since(then).0 as f64 / 1e6, 1))
}

fn node_inspector(player: &Player, world: &World, id: NodeId) -> Option<Inspector> {
    let node = world.node(id)?;
    let known = kind(node.kind)?;
    let look = node.look();
    let now = world.now();
    let troubles = troubles(node, now);
    let state = match node.status {
        Status::Up if node.slow > 1000 => format!("slow ×{}", Plain(f64::from(node.slow) / 1000.0)),
        Status::Up if look.ready && troubles.is_empty() => "up".to_owned(),
        Status::Up if look.ready => "up, not sound".to_owned(),
        Status::Up => "up, not ready".to_owned(),
        Status::Starting => format!("starting for {} s", fixed(now.since(node.since).0 as f64 / 1e6, 1)),
        Status::Paused => format!("paused {}", ago(now, node.since)),
        Status::Crashed => format!("crashed {}", ago(now, node.since)),
    };
    let mut lines = Vec::new();
    if !look.role.is_empty() {
        lines.push(("role".to_owned(), look.role.to_string()));
    }
    if let Some(zone) = node.zone.and_then(|zone| world.zones().get(zone)) {
        lines.push(("zone".to_owned(), zone.name.to_string()));
    }
    let honest = troubles.is_empty();
    lines.extend(troubles);
    let serving = node.serving().count();
    lines.push(("cores".to_owned(), format!("{serving} of {} busy", node.machine.cores)));
    lines.push(("queue".to_owned(), format!("{} of {}", node.waiting(), node.machine.inbox)));
    lines.extend(look.lines.into_iter().map(|(name, value)| (name.to_owned(), world.named(&value))));
    for timer in node.timers().iter().take(4) {
        let left = if timer.due > now { timer.due.since(now) } else { Micros::ZERO };
        lines.push((format!("timer: {}", timer.name), format!("{} s left", fixed(left.0 as f64 / 1e6, 2))));
    }
    let (kept, more) = inside::kept(node, world, player.timeline().log());
    let field = |field: &Field| Some(field_model(field, node.get(field.name)?));
    Some(Inspector {
        target: Target::Node(id),
        title: node.name.to_string(),
        kind: known.title.to_owned(),
        family: Some(known.family),
        well: node.status == Status::Up && look.ready && node.slow <= 1000 && honest,
        state,
        lines,
        log: look.log.into_iter().map(|cell| Card { text: cell.text, settled: cell.settled }).collect(),
        kept,
        more,
        charts: inside::node_charts(player, id),
        fields: known.fields().iter().filter_map(field).collect(),
        entries: menu(player, Target::Node(id)),
    })
}

/// What is wrong with a node, as far as nobody in the system can see it.
fn troubles(node: &Node, now: Time) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    let mut line = |name: &str, value: String| lines.push((name.to_owned(), value));
    if !node.clock.is_right(now) {
        line("clock", node.clock.words(now));
    }
    for (is, told) in [
        (node.disk.full, "full: writes fail"),
        (node.disk.stuck && !node.disk.full, "a write failed: none succeeds until it restarts"),
        (node.disk.forgets, "forgets in a crash what it confirms"),
    ] {
        if is {
            line("disk", told.to_owned());
        }
    }
    if let Some(lies) = &node.lies {
        let does = if lies.spoils { "spoils" } else { "loses" };
        line("work", format!("{does} {} % of it", Plain(lies.share * 100.0)));
    }
    lines
}

fn link_inspector(player: &Player, world: &World, a: NodeId, b: NodeId) -> Option<Inspector> {
    let mut lines = Vec::new();
    let mut troubles = Vec::new();
    for (from, to) in [(a, b), (b, a)] {
        let Some(link) = world.node(from).and_then(|node| node.link(to)) else { continue };
        let way = format!("{} → {}", world.name(from), world.name(to));
        let under_way = world.flights().filter(|flight| flight.from == from && flight.to == to).count();
        lines.push((way.clone(), format!("{under_way} under way")));
        lines.push(("delay".to_owned(), link.profile.delay.to_string()));
        lines.push(("loss".to_owned(), format!("{} %", Plain(link.profile.loss * 100.0))));
        lines.extend(extras(link, world.now()));
        for (is, word) in [(link.cut, "cut"), (link.held, "held")] {
            if is {
                troubles.push(format!("{word} {way}"));
            }
        }
    }
    if lines.is_empty() {
        return None;
    }
    Some(Inspector {
        target: Target::Link(a, b),
        title: format!("{} – {}", world.name(a), world.name(b)),
        kind: "link".to_owned(),
        family: None,
        well: troubles.is_empty(),
        state: if troubles.is_empty() { "up".to_owned() } else { troubles.join(", ") },
        lines,
        log: Vec::new(),
        kept: Vec::new(),
        more: 0,
        charts: inside::link_charts(player, a, b),
        fields: Vec::new(),
        entries: menu(player, Target::Link(a, b)),
    })
}

/// What only some links do.
fn extras(link: &Link, now: Time) -> Vec<(String, String)> {
    let profile = &link.profile;
    let percent = |share: f64| format!("{} %", Plain(share * 100.0));
    let mut lines = Vec::new();
    let mut line = |is: bool, name: &str, value: &dyn Fn() -> String| {
        if is {
            lines.push((name.to_owned(), value()));
        }
    };
    line(link.away() > Micros::ZERO, "distance", &|| link.away().to_string());
    line(profile.duplicate > 0.0, "doubled", &|| percent(profile.duplicate));
    line(profile.reorder > 0.0, "detours", &|| format!("{}, {} longer", percent(profile.reorder), profile.detour));
    line(profile.bandwidth > 0, "bandwidth", &|| format!("{} bytes/s", profile.bandwidth));
    line(profile.bandwidth > 0, "waiting", &|| format!("{} of {} bytes", link.backlog(now), profile.queue));
    lines
}

fn flight_inspector(player: &Player, world: &World, record: RecordId) -> Option<Inspector> {
    let log = player.timeline().log();
    let (message, from, to, sent, due, state, well) = match world.flight(record) {
        Some(flight) => {
            let state = if flight.held { "held at the end of its link" } else { "under way" };
            (flight.message.clone(), flight.from, flight.to, flight.sent, flight.due, state.to_owned(), true)
        }
        None => {
            let sent = log.get(record)?;
            let (to, message, due) = sent.what.leaving()?;
            let fate = log.since(sent.at).find(|later| later.cause == record && fate(&later.what));
            let (state, well) = match fate.map(|fate| (&fate.what, fate.at)) {
                Some((What::Lost { why, .. }, at)) => {
                    (format!("lost at {}: {}", clock(at), why.sentence(world.name(to))), false)
                }
                Some((_, at)) => (format!("arrived at {}", clock(at)), true),
                None => ("gone".to_owned(), true),
            };
            (message.clone(), sent.node, to, sent.at, due, state, well)
        }
    };
    let mut lines = vec![
        ("from".to_owned(), world.name(from).to_owned()),
        ("to".to_owned(), world.name(to).to_owned()),
        ("sent".to_owned(), clock(sent)),
        ("due".to_owned(), clock(due)),
    ];
    lines.extend(message.fields().into_iter().map(|(name, value)| (name.to_owned(), world.named(&value))));
    lines.extend(times(player, world, record));
    if let Some(cause) = log.get(record).and_then(|sent| log.get(sent.cause)) {
        lines.push(("because".to_owned(), sentence(cause, world)));
    }
    Some(Inspector {
        target: Target::Flight(record),
        title: crate::sim::Payload::name(&message).to_owned(),
        kind: "message".to_owned(),
        family: Some(message.family()),
        state,
        well,
        lines,
        log: Vec::new(),
        kept: Vec::new(),
        more: 0,
        charts: Vec::new(),
        fields: Vec::new(),
        entries: menu(player, Target::Flight(record)),
    })
}

/// The logical times of a message's sending, as far back as the log goes.
fn times(player: &Player, world: &World, sent: RecordId) -> Vec<(String, String)> {
    let log = player.timeline().log();
    let Some(first) = log.iter().next().filter(|_| log.get(sent).is_some()) else { return Vec::new() };
    let mut clocks = Clocks::default();
    let stamp = log.iter().take_while(|record| record.id <= sent).map(|record| clocks.take(record)).last();
    let Some(stamp) = stamp else { return Vec::new() };
    let mut lines =
        vec![("Lamport time".to_owned(), stamp.lamport.to_string()), ("vector time".to_owned(), stamp.words(world))];
    if first.at > Time::ZERO {
        lines.push(("both count".to_owned(), format!("from #{} on, which the log begins with", first.id.0)));
    }
    lines
}

fn fate(what: &What) -> bool {
    matches!(what, What::Arrived { .. } | What::Lost { .. })
}
