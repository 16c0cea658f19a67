//! What changes seldom: captions of tiers, links, bodies, names; and where all of these can be pointed at.

use crate::components::Node;
use crate::protocols::Family;
use crate::sim::{Link, NodeId, Status};

use super::labels::{NAME, Wish, place, shorten, text_width};
use super::layout::Patch;
use super::list::{Anchor, Area, Caption, Dash, DisplayList, Hit, Item, Key, Layer, Pen, Point, Target, Text};
use super::path::{Path, Spot, Stage};
use super::theme::Ink;
use super::{glyph, live};

/// Names avoid lines while there are up to this many.
const MAX_AVOIDED: usize = 160;
/// The width kept for a second line.
const SECOND_WIDTH: f32 = 88.0;
/// A node this much slower than usual is drawn as slow.
pub(super) const SLOW: u32 = 1001;

/// Draws the ground, unless it is what it was.
pub(super) fn build(stage: &Stage, list: &mut DisplayList) {
    let key = key(stage);
    if key == list.ground_key {
        return;
    }
    list.ground_key = key;
    list.ground.clear();
    list.hits.clear();
    list.captions.clear();
    if let Some(crowds) = &stage.crowds {
        super::crowds::bodies(stage, crowds, &mut list.ground);
        return;
    }
    if !stage.layout.patches().is_empty() {
        patches(stage, &mut list.ground);
    }
    headings(stage, &mut list.ground);
    let links: usize = stage.world.nodes().map(|(_, node)| node.links.len()).sum();
    // The more there are, the paler each, so that together they are no brighter than a few.
    let pale = (60_000 / links.max(1)).clamp(12, 130) as u8;
    let mut lines = Vec::new();
    for (id, node) in stage.world.nodes() {
        for link in &node.links {
            let back = stage.world.node(link.to).and_then(|other| other.link(id));
            if link.to > id || back.is_none() {
                draw_link(stage, list, id, link, back, &mut lines, pale);
            }
        }
    }
    for (id, node) in stage.world.nodes() {
        let Some(spot) = stage.spot(id) else { continue };
        let radius = stage.around(spot);
        if !stage.in_sight(spot.at, radius + 8.0) {
            continue;
        }
        body(stage, &mut list.ground, spot, node.status, ails(node));
        if node.links.is_empty() && stage.detailed {
            let pen = Pen::new(Ink::Muted, 1.25).dash(Dash::Dashed);
            list.ground.circle(spot.at, radius + 9.0 * stage.scale, None, Some(pen));
        }
        list.hits.push(Hit { target: Target::Node(id), area: Area::Disc { at: spot.at, radius } });
    }
    names(stage, list, &lines);
}

/// Whether a node does less than it seems to: it is slow, or it lies.
fn ails(node: &Node) -> bool {
    node.slow >= SLOW || node.lies.is_some()
}

/// Whether a link loses, doubles or reorders messages.
fn bad(link: &Link) -> bool {
    link.profile.loss > 0.0 || link.profile.duplicate > 0.0 || link.profile.reorder > 0.0
}

fn key(stage: &Stage) -> u64 {
    let mut digest = Key::default();
    let view = stage.view;
    digest.word(stage.layout.key());
    for number in [view.width, view.height, view.camera.x, view.camera.y, view.camera.zoom] {
        digest.word(u64::from(number.to_bits()));
    }
    for (id, node) in stage.world.nodes() {
        digest.word(u64::from(id.0) << 8 | (node.status as u64) << 1 | u64::from(ails(node)));
        digest.text(&node.name);
        for link in &node.links {
            let flags = u64::from(link.cut) << 2 | u64::from(link.held) << 1 | u64::from(bad(link));
            digest.word(u64::from(link.to.0) << 3 | flags);
        }
    }
    digest.word(u64::from(stage.crowds.is_some()));
    // Zero stands for a list that was never built.
    digest.finish() | 1
}

/// The size of columns' captions.
const HEADING: f32 = 11.0;
/// Below this scale there is no room for captions.
const HEADINGS_FROM: f32 = 0.5;
/// A caption with less room says nothing.
const HEADING_LEAST: f32 = 40.0;

/// Where a caption stands; it stays in sight while one scrolls down.
fn heading_at(stage: &Stage, heading: &super::Heading) -> Point {
    let at = stage.view.to_screen(heading.at);
    Point::new(at.x, at.y.max(20.0))
}

/// A caption in capitals, as far as Western Europe writes; other letters stay as they are. The tables for all of Unicode
/// would be eleven kilobytes of the download.
fn capitals(title: &str) -> String {
    let capital = |letter: char| match letter {
        'à'..='ö' | 'ø'..='þ' => char::from(letter as u8 - 32),
        _ => letter.to_ascii_uppercase(),
    };
    title.chars().map(capital).collect()
}

/// The captions that are seen, and where. One ends before its neighbours' begin, and is left out where that leaves nothing
/// to read.
fn captions(stage: &Stage) -> impl Iterator<Item = (Point, String)> {
    let all: &[super::Heading] = if stage.scale < HEADINGS_FROM { &[] } else { stage.layout.headings() };
    all.iter().enumerate().filter_map(move |(place, heading)| {
        let at = heading_at(stage, heading);
        let neighbours =
            [place.checked_sub(1), Some(place + 1)].into_iter().flatten().filter_map(|place| all.get(place));
        // Half of the way is its own in any case, and more where a neighbour needs less.
        let room = neighbours.filter_map(|other| {
            let there = heading_at(stage, other);
            let (away, wide) = ((there.x - at.x).abs(), text_width(&capitals(&other.title), HEADING));
            ((there.y - at.y).abs() < HEADING).then(|| away.max(2.0 * away - wide - HEADING) - HEADING)
        });
        let room = room.fold(f32::MAX, f32::min);
        let text = shorten(&capitals(&heading.title), HEADING, room);
        // The outermost stay in sight as long as their tiers do.
        let (half, wide) = (0.5 * text_width(&text, HEADING) + 4.0, stage.view.width);
        let x = if (0.0..=wide).contains(&at.x) && wide > 2.0 * half { at.x.max(half).min(wide - half) } else { at.x };
        (room > HEADING_LEAST).then(|| (Point::new(x, at.y), text))
    })
}

fn headings(stage: &Stage, layer: &mut Layer) {
    for (at, text) in captions(stage) {
        layer.texts.push(Text {
            at,
            text,
            size: HEADING,
            weight: 400,
            ink: Ink::Muted,
            alpha: 255,
            anchor: Anchor::Middle,
            halo: true,
        });
    }
}

/// Where the name of a place on a map stands: on its upper edge, where it is farthest from who stands in it.
fn title_at(stage: &Stage, patch: &Patch) -> Point {
    let at = stage.view.to_screen(patch.at);
    Point::new(at.x, at.y - patch.radius * stage.view.camera.zoom + 0.35 * HEADING)
}

/// Zones and regions as soft places that their nodes stand in.
#[inline(never)]
fn patches(stage: &Stage, layer: &mut Layer) {
    for patch in stage.layout.patches() {
        let radius = patch.radius * stage.view.camera.zoom;
        let at = stage.view.to_screen(patch.at);
        if !stage.in_sight(at, radius) {
            continue;
        }
        let pen = Pen::new(Ink::Faint, 1.25).dash(if patch.inner { Dash::Dashed } else { Dash::Solid });
        layer.circle(at, radius, Some(Ink::Area), Some(pen));
        let title = shorten(&capitals(&patch.title), HEADING, radius * 2.0);
        layer.texts.push(Text {
            at: title_at(stage, patch),
            text: title,
            size: HEADING,
            weight: 400,
            ink: Ink::Muted,
            alpha: 255,
            anchor: Anchor::Middle,
            halo: true,
        });
    }
}

pub(super) fn stroke(layer: &mut Layer, path: &Path, pen: Pen) {
    let Path { from, via, to, straight } = *path;
    layer.items.push(if straight { Item::Line { from, to, pen } } else { Item::Curve { from, via, to, pen } });
}

fn draw_link(
    stage: &Stage,
    list: &mut DisplayList,
    from: NodeId,
    link: &Link,
    back: Option<&Link>,
    lines: &mut Vec<(Point, Point)>,
    pale: u8,
) {
    let Some(path) = stage.path(from, link.to) else { return };
    let (w, h) = (stage.view.width, stage.view.height);
    let beside = |pick: fn(&Point) -> f32, high: f32| {
        let ends = [pick(&path.from), pick(&path.via), pick(&path.to)];
        ends.iter().all(|end| *end < 0.0) || ends.iter().all(|end| *end > high)
    };
    if beside(|point| point.x, w) || beside(|point| point.y, h) {
        return;
    }
    let control =
        [from, link.to].into_iter().any(|end| stage.spot(end).is_some_and(|spot| spot.family == Family::Control));
    let lossy = bad(link) || back.is_some_and(bad);
    let dash = match (control, lossy) {
        (_, true) => Dash::Dashed,
        (true, false) => Dash::Dotted,
        (false, false) => Dash::Solid,
    };
    // Where there are thousands, thin and pale lines leave the shape of the whole to be seen.
    let (width, alpha) = if stage.detailed { (1.25, 205) } else { (0.75, pale) };
    let layer = &mut list.ground;
    let (there, here) = (link.cut, back.is_some_and(|back| back.cut));
    if there || here {
        let gap = (9.0 / path.long().max(1.0)).min(0.3);
        // One direction still carries: the line stays what it was.
        let pen = if there && (here || back.is_none()) {
            Pen::new(Ink::Warn, width).dash(Dash::Dotted)
        } else {
            Pen::new(Ink::Line, width).dash(dash).alpha(alpha)
        };
        stroke(layer, &path.split(0.5 - gap).0, pen);
        stroke(layer, &path.split(0.5 + gap).1, pen);
        wall(layer, &path, there, here || back.is_none(), stage.scale);
    } else {
        stroke(layer, &path, Pen::new(Ink::Line, width).dash(dash).alpha(alpha));
    }
    // A gate before the receiver: what comes waits there.
    if link.held {
        gate(layer, &path, stage.scale);
    }
    if back.is_some_and(|back| back.held) {
        gate(layer, &Path { from: path.to, to: path.from, ..path }, stage.scale);
    }
    let (a, b) = (from.min(link.to), from.max(link.to));
    list.hits
        .push(Hit { target: Target::Link(a, b), area: Area::Path { from: path.from, via: path.via, to: path.to } });
    if path.straight {
        lines.push((path.from, path.to));
    } else {
        let top = path.at(0.5).0;
        lines.extend([(path.from, top), (top, path.to)]);
    }
}

/// A wall across the middle; only on the right of the way that is cut, if the other is not.
#[inline(never)]
fn wall(layer: &mut Layer, path: &Path, there: bool, here: bool, scale: f32) {
    let (at, dx, dy) = path.at(0.5);
    let half = 8.0 * scale.max(0.4);
    let right = if there { half } else { 1.5 };
    let left = if here { half } else { 1.5 };
    layer.line(at.towards(-dy, dx, right), at.towards(dy, -dx, left), Pen::new(Ink::Warn, 2.5));
}

fn gate(layer: &mut Layer, path: &Path, scale: f32) {
    let t = 1.0 - (16.0 * scale / path.long().max(1.0)).min(0.4);
    let (at, dx, dy) = path.at(t);
    for step in [0.0, 3.5] {
        let at = at.towards(dx, dy, step);
        layer.line(at.towards(-dy, dx, 8.0 * scale), at.towards(-dy, dx, 1.0), Pen::new(Ink::Focus, 1.5));
    }
}

/// A node's body. Its pattern says how it is; colour alone never does.
fn body(stage: &Stage, layer: &mut Layer, spot: &Spot, status: Status, slow: bool) {
    let (fill, ink) = (Ink::FamilyFill(spot.family), Ink::Family(spot.family));
    let scale = stage.scale;
    if scale < 0.28 {
        // Too small for a shape.
        let (fill, pen) = match status {
            Status::Crashed => (None, Some(Pen::new(Ink::Warn, 1.0))),
            _ => (Some(ink), None),
        };
        layer.circle(spot.at, (stage.around(spot) * 0.8).max(1.5), fill, pen);
        return;
    }
    let width = if scale < 0.6 { 1.25 } else { 2.0 };
    let mut shape = |grow: f32, fill: Option<Ink>, pen: Pen| {
        glyph::draw(layer, spot.glyph, spot.at, scale, grow, fill, Some(pen));
    };
    match status {
        Status::Up => {
            shape(0.0, Some(fill), Pen::new(ink, width));
            if slow {
                // Inside, where no timer runs.
                shape(-4.5 * scale, None, Pen::new(ink, 1.25));
            }
        }
        Status::Starting => shape(0.0, Some(Ink::Paper), Pen::new(ink, width).dash(Dash::Dotted)),
        Status::Paused => {
            shape(0.0, Some(fill), Pen::new(ink, width));
            hatch(stage, layer, spot);
        }
        Status::Crashed => {
            shape(0.0, Some(Ink::DownFill), Pen::new(Ink::Line, width * 0.85).dash(Dash::Dashed));
            let (w, h) = stage.half(spot);
            layer.cross(spot.at, w.min(h) * 0.42, Pen::new(Ink::Warn, width * 1.15));
        }
    }
}

/// Slanting lines over a body that stands still.
#[inline(never)]
fn hatch(stage: &Stage, layer: &mut Layer, spot: &Spot) {
    let (w, h) = stage.half(spot);
    let radius = w.min(h) * 0.84;
    let pen = Pen::new(Ink::Family(spot.family), 1.25).alpha(190);
    // Chords of the inner circle, 45 degrees, evenly apart.
    const SLANT: f32 = std::f32::consts::FRAC_1_SQRT_2;
    for step in [-0.8f32, -0.4, 0.0, 0.4, 0.8] {
        let half = (1.0 - step * step).max(0.0).sqrt() * radius;
        let middle = spot.at.towards(SLANT, SLANT, step * radius);
        layer.line(middle.towards(SLANT, -SLANT, half), middle.towards(SLANT, -SLANT, -half), pen);
    }
}

fn names(stage: &Stage, list: &mut DisplayList, lines: &[(Point, Point)]) {
    if !stage.detailed {
        return;
    }
    // What a name leaves out, a tooltip tells.
    let kept = if stage.view.tall() { SECOND_WIDTH * 0.7 } else { SECOND_WIDTH };
    let mut wishes = Vec::new();
    let mut ids = Vec::new();
    for (id, node) in stage.world.nodes() {
        let Some(spot) = stage.spot(id) else { continue };
        if !stage.in_sight(spot.at, 30.0) {
            continue;
        }
        let (w, h) = stage.half(spot);
        let people = spot.family == Family::People && node.status == Status::Up;
        // Pips and bars hang under the body, arcs run around it.
        let arc = stage.around(spot) + 6.5 * stage.scale;
        let hang = if people { 3.0 } else { 11.0 * stage.scale };
        wishes.push(Wish {
            at: spot.at,
            half: (arc.max(w), arc.max(h + hang)),
            text: node.name.to_string(),
            second: if people { 0.0 } else { kept },
        });
        ids.push(id);
    }
    // A wish without a name is in the way of the others.
    wishes.extend(captions(stage).map(|(at, text)| {
        let half = (text_width(&text, HEADING) * 0.5, HEADING * 0.5);
        Wish { at: Point::new(at.x, at.y - HEADING * 0.4), half, text: String::new(), second: 0.0 }
    }));
    for patch in stage.layout.patches() {
        let at = title_at(stage, patch);
        let half = (text_width(&capitals(&patch.title), HEADING) * 0.5, HEADING * 0.5);
        wishes.push(Wish { at: Point::new(at.x, at.y - HEADING * 0.4), half, text: String::new(), second: 0.0 });
    }
    let avoided = if lines.len() <= MAX_AVOIDED { lines } else { &[] };
    for placed in place(&wishes, avoided, (stage.view.width, stage.view.height)) {
        let id = ids[placed.wish];
        let Some(node) = stage.world.node(id) else { continue };
        let up = node.status != Status::Crashed;
        let people = stage.spot(id).is_some_and(|spot| spot.family == Family::People);
        list.captions.push(Caption {
            node: id,
            at: Point::new(placed.at.x, placed.at.y + live::SECOND_BELOW),
            anchor: placed.anchor,
            width: placed.second,
            whole: *placed.text == *node.name,
        });
        list.ground.texts.push(Text {
            at: placed.at,
            text: placed.text,
            size: NAME,
            weight: 400,
            ink: if up && !people { Ink::Text } else { Ink::Muted },
            alpha: 255,
            anchor: placed.anchor,
            halo: true,
        });
    }
}
