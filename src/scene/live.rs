//! What changes often: timer arcs, queues, stars, second lines, rings, badges, losses, and what the pointer asks for.

use crate::components::Node;
use crate::sim::{Micros, NodeId, RecordId, Status, clock};

use super::flights::{again, blame, lost, progress};
use super::flows::Traffic;
use super::glyph;
use super::ground::{SLOW, stroke};
use super::labels::{LEADING, SECOND, shorten, text_width};
use super::list::{Anchor, Caption, Dash, DisplayList, Item, Layer, Pen, Point, Target, Text};
use super::note::note;
use super::path::{Spot, Stage};
use super::theme::Ink;

/// From a name's base line to that of its second line.
pub(super) const SECOND_BELOW: f32 = LEADING;
/// Shorter timers would only flicker.
const LEAST_TIMER: Micros = Micros::ms(50);
/// More than this many wait: a bar instead of pips.
const MAX_PIPS: usize = 5;
/// At most this many badges.
const MAX_BADGES: usize = 24;
/// A second line may be this much wider than its room: both its ends share it.
const SPILL: f32 = 22.0;

pub(super) fn build(stage: &Stage, traffic: Option<&Traffic>, list: &mut DisplayList) {
    if let Some(crowds) = &stage.crowds {
        super::crowds::signs(stage, crowds, traffic, &mut list.live);
        return;
    }
    if stage.detailed {
        for (id, node) in stage.world.nodes() {
            let Some(spot) = stage.spot(id) else { continue };
            if stage.in_sight(spot.at, 60.0) {
                node_state(stage, &mut list.live, spot, node);
            }
        }
    }
    let captions = std::mem::take(&mut list.captions);
    for caption in captions.iter().filter(|caption| caption.width > 0.0) {
        if let Some(node) = stage.world.node(caption.node) {
            second_line(stage, &mut list.live, caption, node);
        }
    }
    list.captions = captions;
    if !stage.view.led.is_empty() {
        led(stage, &mut list.live);
    }
    if !stage.view.recent.is_empty() {
        lost(stage, list);
        badges(stage, &mut list.live);
    }
    if !stage.view.again.is_empty() {
        again(stage, list);
    }
    if !stage.view.also.is_empty() || stage.view.lasso.is_some() {
        chosen(stage, list);
    }
    for lit in &stage.view.lit {
        ring(stage, list, Target::Node(*lit), Pen::new(Ink::Focus, 3.0));
    }
    for (target, pen) in
        [(stage.view.hovered, Pen::new(Ink::Focus, 1.5).alpha(170)), (stage.view.selected, Pen::new(Ink::Focus, 2.0))]
    {
        if let Some(target) = target {
            ring(stage, list, target, pen);
        }
    }
    if stage.view.wire.is_some() {
        wire(stage, &mut list.live);
    }
    if let Some(target) = stage.view.hovered.or(stage.view.selected) {
        tooltip(stage, list, target);
    }
}

fn node_state(stage: &Stage, layer: &mut Layer, spot: &Spot, node: &Node) {
    let now = stage.world.now();
    let around = stage.around(spot) + 5.0 * stage.scale;
    let arc = |layer: &mut Layer, turn: f32, ink: Ink| {
        layer.items.push(Item::Arc { at: spot.at, radius: around, turn, pen: Pen::new(ink, 2.0) });
    };
    match node.status {
        Status::Starting if node.machine.startup > Micros::ZERO => {
            let turn = progress(now, node.since, node.since + node.machine.startup);
            arc(layer, turn, Ink::Muted);
        }
        Status::Up | Status::Paused => {
            // The next to run out, of those that last long enough to be seen.
            let timers = node.timers();
            let next = timers
                .iter()
                .filter(|timer| timer.due > now && timer.due.since(timer.set) >= LEAST_TIMER)
                .min_by_key(|timer| timer.due);
            if let Some(timer) = next {
                arc(layer, 1.0 - progress(now, timer.set, timer.due), Ink::Family(spot.family));
            }
        }
        Status::Starting | Status::Crashed => {}
    }
    if matches!(node.status, Status::Up | Status::Paused) {
        queue(stage, layer, spot, node);
    }
    if !node.clock.is_right(now) || node.disk != Default::default() {
        troubles(stage, layer, spot, node);
    }
    if node.status == Status::Up && node.look().star {
        let (_, h) = stage.half(spot);
        glyph::star(layer, Point::new(spot.at.x, spot.at.y - h - 5.0 * stage.scale), 11.0 * stage.scale);
    }
}

/// Small signs at the upper left of what nobody in the system can see: a clock that is wrong, a disk that is full (filled)
/// or forgets (hollow).
#[inline(never)]
fn troubles(stage: &Stage, layer: &mut Layer, spot: &Spot, node: &Node) {
    let scale = stage.scale;
    let out = stage.around(spot) * 0.72 + 4.0 * scale;
    let mut at = Point::new(spot.at.x - out, spot.at.y - out);
    let pen = Pen::new(Ink::Warn, 1.5);
    let radius = 5.5 * scale.max(0.7);
    if !node.clock.is_right(stage.world.now()) {
        layer.circle(at, radius, Some(Ink::Paper), Some(pen));
        layer.line(at, Point::new(at.x, at.y - radius * 0.7), pen);
        layer.line(at, Point::new(at.x + radius * 0.55, at.y + radius * 0.2), pen);
        at = Point::new(at.x - radius * 2.6, at.y);
    }
    if node.disk != Default::default() {
        let fill = if node.disk.full || node.disk.stuck { Ink::Warn } else { Ink::Paper };
        let corner = Point::new(at.x - radius * 0.8, at.y - radius);
        layer.rect(corner, (radius * 1.6, radius * 2.0), radius * 0.6, Some(fill), Some(pen));
    }
}

/// Pips for a few that wait, a bar for more; in the warning colour when one more would be refused.
fn queue(stage: &Stage, layer: &mut Layer, spot: &Spot, node: &Node) {
    let waiting = node.waiting();
    if waiting == 0 {
        return;
    }
    let scale = stage.scale;
    let room = node.machine.inbox as usize;
    let full = waiting >= room;
    let ink = Ink::Family(spot.family);
    let (_, h) = stage.half(spot);
    let top = spot.at.y + h + 4.0 * scale;
    let rim = Some(Pen::new(if full { Ink::Warn } else { ink }, if full { 1.75 } else { 1.0 }));
    if waiting <= MAX_PIPS && room > MAX_PIPS {
        for pip in 0..waiting {
            let x = spot.at.x + (pip as f32 - (waiting as f32 - 1.0) * 0.5) * 7.0 * scale;
            layer.circle(Point::new(x, top + 3.0 * scale), 2.4 * scale, Some(ink), None);
        }
        return;
    }
    let (width, height) = (40.0 * scale, 6.0 * scale);
    let at = Point::new(spot.at.x - width * 0.5, top);
    layer.rect(at, (width, height), height * 0.5, Some(Ink::Paper), rim);
    let share = (waiting as f32 / room.max(1) as f32).min(1.0);
    let inner = (height - 2.0).max(1.0);
    let filled = ((width - 2.0) * share).max(inner);
    let ink = if full { Ink::Warn } else { ink };
    layer.rect(Point::new(at.x + 1.0, at.y + 1.0), (filled, inner), inner * 0.5, Some(ink), None);
}

fn second_line(stage: &Stage, layer: &mut Layer, caption: &Caption, node: &Node) {
    let now = stage.world.now();
    let (long, short, ink) = match node.status {
        Status::Crashed => (format!("crashed {} ago", ago(now.since(node.since))), "crashed".to_owned(), Ink::WarnText),
        Status::Paused => ("paused".to_owned(), String::new(), Ink::WarnText),
        Status::Starting => ("starting".to_owned(), String::new(), Ink::Muted),
        Status::Up if node.links.is_empty() => ("not wired".to_owned(), String::new(), Ink::Muted),
        Status::Up => running(node),
    };
    if long.is_empty() {
        return;
    }
    let room = caption.width + SPILL;
    let fits = short.is_empty() || text_width(&long, SECOND) <= room;
    let text = shorten(if fits { &long } else { &short }, SECOND, room);
    layer.texts.push(Text {
        at: caption.at,
        text,
        size: SECOND,
        weight: 400,
        ink,
        alpha: 255,
        anchor: caption.anchor,
        halo: true,
    });
}

/// What a node that runs says under its name: what it is, how much waits, how slow it is; in full and in short.
fn running(node: &Node) -> (String, String, Ink) {
    let look = node.look();
    let waiting = node.waiting();
    let full = waiting >= node.machine.inbox as usize && waiting > 0;
    let said = match waiting {
        0 => look.role.to_string(),
        _ if full => format!("queue {waiting} · full"),
        _ => format!("queue {waiting}"),
    };
    if node.slow >= SLOW {
        let times = format!("slow ×{}", tenths(u64::from(node.slow) / 100));
        let long = if said.is_empty() { times.clone() } else { format!("{said} · {times}") };
        return (long, if full { said } else { times }, Ink::WarnText);
    }
    if let Some(ails) = ails(node) {
        let long = if said.is_empty() { ails.to_owned() } else { format!("{said} · {ails}") };
        return (long, if full { said } else { ails.to_owned() }, Ink::WarnText);
    }
    let unable = !look.ready && !look.role.is_empty();
    (said, String::new(), if full || unable { Ink::WarnText } else { Ink::Muted })
}

/// What is wrong with a node that runs, in a word or two.
fn ails(node: &Node) -> Option<&'static str> {
    match () {
        () if node.lies.as_ref().is_some_and(|lies| lies.spoils) => Some("spoils work"),
        () if node.lies.is_some() => Some("loses work"),
        () if node.disk.full => Some("disk full"),
        () if node.disk.stuck => Some("disk failed"),
        () if node.disk.forgets => Some("fsync lost"),
        () if node.clock != Default::default() => Some("clock wrong"),
        () => None,
    }
}

/// Tenths as a number: `19` is `1.9`, `20` is `2`.
fn tenths(tenths: u64) -> String {
    if tenths.is_multiple_of(10) { format!("{}", tenths / 10) } else { format!("{}.{}", tenths / 10, tenths % 10) }
}

/// A length of time, rough enough to be read in passing.
fn ago(span: Micros) -> String {
    let tenth = span.0 / 100_000;
    match tenth {
        0..600 => format!("{}.{} s", tenth / 10, tenth % 10),
        600..36_000 => format!("{} min", tenth / 600),
        _ => format!("{} h", tenth / 36_000),
    }
}

#[inline(never)]
fn badges(stage: &Stage, layer: &mut Layer) {
    let mut shown: Vec<NodeId> = Vec::new();
    for loss in stage.view.recent.iter().rev().filter(|loss| loss.age < 1.0) {
        let Some(reason) = blame(loss) else { continue };
        let Some(spot) = stage.spot(loss.to) else { continue };
        if shown.len() >= MAX_BADGES || shown.contains(&loss.to) || !stage.in_sight(spot.at, 0.0) {
            continue;
        }
        shown.push(loss.to);
        let (w, h) = stage.half(spot);
        // Bold letters are wider than the table knows.
        let width = text_width(reason, 10.5) * 1.1 + 12.0;
        let at = Point::new(spot.at.x + w * 0.5, spot.at.y - h - 12.0);
        layer.rect(at, (width, 17.0), 8.5, Some(Ink::WarnFill), Some(Pen::new(Ink::Warn, 1.25)));
        layer.texts.push(Text {
            at: Point::new(at.x + 6.0, at.y + 12.25),
            text: reason.to_owned(),
            size: 10.5,
            weight: 600,
            ink: Ink::WarnText,
            alpha: 255,
            anchor: Anchor::Start,
            halo: false,
        });
    }
}

#[inline(never)]
fn ring(stage: &Stage, list: &mut DisplayList, target: Target, pen: Pen) {
    match target {
        Target::Node(id) => {
            if let Some(spot) = stage.spot(id).filter(|_| stage.world.node(id).is_some()) {
                list.live.circle(spot.at, stage.around(spot) + 9.0 * stage.scale.max(0.4), None, Some(pen));
            }
        }
        Target::Link(a, b) => {
            if let Some(path) = stage.path(a, b) {
                stroke(&mut list.live, &path, Pen { width: pen.width + 1.5, ..pen });
            }
        }
        Target::Flight(record) => {
            if let Some((at, radius)) = dot(list, record) {
                list.live.circle(at, radius + 4.5, None, Some(pen));
            }
        }
    }
}

/// A ring around each that is chosen, and the box in which one chooses.
#[inline(never)]
fn chosen(stage: &Stage, list: &mut DisplayList) {
    for id in &stage.view.also {
        ring(stage, list, Target::Node(*id), Pen::new(Ink::Focus, 2.0));
    }
    if let Some((a, b)) = stage.view.lasso {
        let corner = Point::new(a.x.min(b.x), a.y.min(b.y));
        let size = ((a.x - b.x).abs(), (a.y - b.y).abs());
        list.live.rect(corner, size, 3.0, None, Some(Pen::new(Ink::Focus, 1.25)));
    }
}

/// The ways of the messages that led to the one that is meant: the farther back, the fainter.
#[inline(never)]
fn led(stage: &Stage, layer: &mut Layer) {
    for (place, (from, to)) in stage.view.led.iter().enumerate() {
        if let Some(path) = stage.path(*from, *to) {
            let alpha = 190u8.saturating_sub(place as u8 * 14);
            stroke(layer, &path, Pen::new(Ink::Focus, if place == 0 { 3.5 } else { 2.0 }).alpha(alpha));
        }
    }
}

fn dot(list: &DisplayList, record: RecordId) -> Option<(Point, f32)> {
    list.dots.iter().find(|dot| dot.record == record).map(|dot| (Point::new(dot.x, dot.y), dot.radius))
}

/// A link being drawn by hand follows the pointer.
#[inline(never)]
fn wire(stage: &Stage, layer: &mut Layer) {
    let Some(wire) = stage.view.wire else { return };
    let Some(spot) = stage.spot(wire.from) else { return };
    let to = Point::new(wire.x, wire.y);
    let long = spot.at.distance(to);
    if long < 1.0 {
        return;
    }
    let (dx, dy) = ((to.x - spot.at.x) / long, (to.y - spot.at.y) / long);
    let out = (glyph::edge(spot.glyph, dx, dy) * stage.scale).min(long);
    layer.line(spot.at.towards(dx, dy, out), to, Pen::new(Ink::Focus, 2.0).dash(Dash::Dashed));
    layer.circle(to, 4.0, Some(Ink::Focus), None);
}

#[inline(never)]
fn tooltip(stage: &Stage, list: &mut DisplayList, target: Target) {
    let world = stage.world;
    match target {
        Target::Flight(record) => {
            let Some((at, _)) = dot(list, record) else { return };
            let Some(flight) = world.flight(record) else { return };
            let summary = world.named(&flight.message.summary());
            let mut title = crate::sim::Payload::name(&flight.message).to_owned();
            if !summary.is_empty() {
                title = format!("{title} {summary}");
            }
            let way = format!("{} → {}", world.name(flight.from), world.name(flight.to));
            let times = if flight.held {
                format!("sent {} · held", clock(flight.sent))
            } else {
                format!("sent {} · due {} s", clock(flight.sent), clock(flight.due))
            };
            note(&mut list.over, stage.view.width, at, &[&title, &way, &times], Ink::Family(flight.message.family()));
        }
        Target::Link(a, b) => {
            let Some(path) = stage.path(a, b) else { return };
            let direction = |from: NodeId, to: NodeId| world.node(from).and_then(|node| node.link(to));
            let (there, back) = (direction(a, b), direction(b, a));
            let Some(link) = there.or(back) else { return };
            let arrow = match (there.is_some(), back.is_some()) {
                (true, true) => "↔",
                (true, false) => "→",
                _ => "←",
            };
            let title = format!("{} {arrow} {}", world.name(a), world.name(b));
            let state = |link: Option<&crate::sim::Link>| match link {
                Some(link) if link.cut => 2,
                Some(link) if link.held => 1,
                _ => 0,
            };
            let said = match (state(there), state(back)) {
                (2, 2) => "cut: nothing gets through".to_owned(),
                (2, _) => format!("cut towards {}", world.name(b)),
                (_, 2) => format!("cut towards {}", world.name(a)),
                (1, 1) => "held: messages wait at its end".to_owned(),
                (1, _) => format!("held towards {}", world.name(b)),
                (_, 1) => format!("held towards {}", world.name(a)),
                _ if link.profile.loss > 0.0 => {
                    format!("loses {} % of messages", tenths((link.profile.loss * 1000.0 + 0.5) as u64))
                }
                _ if link.profile.duplicate > 0.0 => {
                    format!("doubles {} % of messages", tenths((link.profile.duplicate * 1000.0 + 0.5) as u64))
                }
                _ if link.profile.reorder > 0.0 => {
                    format!("{} % take a detour", tenths((link.profile.reorder * 1000.0 + 0.5) as u64))
                }
                _ if link.profile.bandwidth > 0 => format!("{} bytes a second", link.profile.bandwidth),
                _ if link.profile.fifo => "in order".to_owned(),
                _ => "may overtake".to_owned(),
            };
            note(&mut list.over, stage.view.width, path.at(0.5).0, &[&title, &said], Ink::Line);
        }
        Target::Node(id) => {
            // Where the name has no room beside the node, or not in full, it is shown over it.
            let named = list.captions.iter().any(|caption| caption.node == id && caption.whole);
            let (Some(node), Some(spot), false) = (world.node(id), stage.spot(id), named) else { return };
            let look = node.look();
            note(&mut list.over, stage.view.width, spot.at, &[&node.name, &look.role], Ink::Family(spot.family));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Time;

    #[test]
    fn times_are_told_roughly() {
        assert_eq!(ago(Micros::ms(1_940)), "1.9 s");
        assert_eq!(ago(Micros::secs(125)), "2 min");
        assert_eq!(clock(Time(12_402_700)), "12.402");
        assert_eq!(tenths(50), "5");
        assert_eq!(tenths(15), "1.5");
    }
}
