//! Groups from afar: each is one shape that says how many of it are up, what waits there and what comes in. Near by its
//! members return.

use std::rc::Rc;

use crate::components::Glyph;
use crate::protocols::Family;
use crate::sim::{NodeId, Status, Table};

use super::flows;
use super::glyph::{self, sign};
use super::labels::{NAME, SECOND, shorten};
use super::layout::LayoutKind;
use super::list::{Anchor, Dash, Layer, Pen, Point, Text};
use super::path::Stage;
use super::theme::Ink;
use super::view::Insets;

/// Farther out than this, groups are one shape each.
const FAR: f32 = 0.34;
/// But not while everything could be seen from as near as this share of it: what fits is shown in full.
const BEYOND: f32 = 0.62;
/// How far shapes are from one another at least, in pixels.
const APART: (f32, f32) = (112.0, 104.0);
/// How often they are pushed apart.
const PUSHES: usize = 24;
/// The scale of a shape.
const SCALE: f32 = 0.8;
/// As many messages are enough to tell from them how many come in a second.
const MANY: u32 = 20;
/// From the middle of a shape to where a flow ends.
const EDGE: f32 = 32.0;

/// A group, from afar.
pub(super) struct Crowd {
    pub at: Point,
    glyph: Glyph,
    family: Family,
    title: Rc<str>,
    nodes: u32,
    up: u32,
    waiting: usize,
}

/// All groups, and who is in which.
pub(super) struct Crowds {
    pub all: Vec<Crowd>,
    of: Vec<Option<u32>>,
}

impl Crowds {
    /// The groups, if one is so far away that each is one shape.
    pub fn from_afar(stage: &Stage) -> Option<Crowds> {
        let zoom = stage.view.camera.zoom;
        if zoom >= FAR || zoom >= stage.view.fitted(stage.layout, Insets::default()).zoom * BEYOND {
            return None;
        }
        Crowds::gather(stage)
    }

    /// In which a node is.
    pub fn of(&self, id: NodeId) -> Option<usize> {
        self.of.get(id.0 as usize).copied().flatten().map(|place| place as usize)
    }

    /// The way between the edges of two of them.
    pub fn path(&self, from: usize, to: usize) -> Option<(Point, Point)> {
        let (a, b) = (self.all.get(from)?.at, self.all.get(to)?.at);
        let long = a.distance(b);
        let (dx, dy) = ((b.x - a.x) / long, (b.y - a.y) / long);
        (long > 2.0 * EDGE).then(|| (a.towards(dx, dy, EDGE), b.towards(dx, dy, -EDGE)))
    }

    #[inline(never)]
    fn gather(stage: &Stage) -> Option<Crowds> {
        let world = stage.world;
        let mapped = stage.layout.kind() == LayoutKind::Map;
        let mut places: Table<(bool, u32), u32> = Table::new();
        let mut crowds = Crowds { all: Vec::new(), of: Vec::new() };
        for (id, node) in world.nodes() {
            let Some(at) = stage.spot(id).map(|spot| spot.at) else { continue };
            let zone = node.zone.filter(|_| mapped).and_then(|zone| Some((zone, world.zones().get(zone)?)));
            let key = zone.map_or((false, node.template), |(zone, _)| (true, u32::from(zone)));
            let place = *places.or_insert_with(key, || {
                let template = world.templates().get(node.template as usize);
                let (glyph, family, title) = match (zone, template) {
                    (Some((_, zone)), _) => (Glyph::Supervisor, Family::People, zone.name.clone()),
                    (None, Some(template)) => {
                        let (glyph, family) = sign(template.kind);
                        (glyph, family, template.name.clone())
                    }
                    (None, None) => (Glyph::Worker, Family::Work, node.name.clone()),
                };
                let crowd = Crowd { at: Point::default(), glyph, family, title, nodes: 0, up: 0, waiting: 0 };
                crowds.all.push(crowd);
                crowds.all.len() as u32 - 1
            });
            let crowd = &mut crowds.all[place as usize];
            crowd.at = crowd.at.towards(at.x, at.y, 1.0);
            crowd.nodes += 1;
            crowd.up += u32::from(node.status == Status::Up);
            crowd.waiting += node.waiting();
            crowds.of.resize(id.0 as usize, None);
            crowds.of.push(Some(place));
        }
        for crowd in &mut crowds.all {
            let count = crowd.nodes as f32;
            crowd.at = Point::new(crowd.at.x / count, crowd.at.y / count);
        }
        push_apart(&mut crowds.all);
        // One of each is no crowd.
        crowds.all.iter().any(|crowd| crowd.nodes > 1).then_some(crowds)
    }
}

/// Shapes never lie on one another, and their words neither.
fn push_apart(all: &mut [Crowd]) {
    let (wide, high) = APART;
    for _ in 0..PUSHES {
        for a in 0..all.len() {
            for b in a + 1..all.len() {
                let (dx, dy) = ((all[b].at.x - all[a].at.x) / wide, (all[b].at.y - all[a].at.y) / high);
                let long = (dx * dx + dy * dy).sqrt();
                if long >= 1.0 {
                    continue;
                }
                // Those in the very same place go to either side.
                let (dx, dy) = if long > 1e-3 { (dx / long, dy / long) } else { (1.0, 0.0) };
                let push = (1.0 - long) * 0.5;
                all[a].at = all[a].at.towards(dx * wide, dy * high, -push);
                all[b].at = all[b].at.towards(dx * wide, dy * high, push);
            }
        }
    }
}

/// What changes seldom: who is linked to whom, the shapes and their names.
#[inline(never)]
pub(super) fn bodies(stage: &Stage, crowds: &Crowds, layer: &mut Layer) {
    let side = crowds.all.len();
    let mut linked = vec![(0u32, 0u32); side * side];
    for (id, node) in stage.world.nodes() {
        for link in &node.links {
            if let (Some(from), Some(to)) = (crowds.of(id), crowds.of(link.to)) {
                let (links, cut) = &mut linked[from.min(to) * side + from.max(to)];
                (*links, *cut) = (*links + 1, *cut + u32::from(link.cut));
            }
        }
    }
    for (place, (links, cut)) in linked.into_iter().enumerate().filter(|(_, (links, _))| *links > 0) {
        let Some((from, to)) = crowds.path(place / side, place % side) else { continue };
        let pen = match cut {
            0 => Pen::new(Ink::Line, 1.25).alpha(205),
            _ if cut == links => Pen::new(Ink::Warn, 1.5).dash(Dash::Dotted),
            _ => Pen::new(Ink::Warn, 1.25).dash(Dash::Dashed),
        };
        layer.line(from, to, pen);
    }
    for crowd in crowds.all.iter().filter(|crowd| stage.in_sight(crowd.at, APART.0)) {
        let (fill, ink) = match crowd.up {
            0 => (Ink::DownFill, Ink::Line),
            _ => (Ink::FamilyFill(crowd.family), Ink::Family(crowd.family)),
        };
        // Several, one behind the other.
        let behind = if crowd.nodes > 1 { 2 } else { 0 };
        for step in (0..=behind).rev() {
            let at = crowd.at.towards(5.0, -5.0, step as f32);
            let pen = Pen::new(ink, 1.75).alpha(255 - step as u8 * 70);
            glyph::draw(layer, crowd.glyph, at, SCALE, 0.0, Some(fill), Some(pen));
        }
        if crowd.up == 0 {
            layer.cross(crowd.at, 9.0, Pen::new(Ink::Warn, 2.25));
        }
        said(layer, crowd, 0, shorten(&crowd.title, NAME, APART.0), Ink::Text);
    }
}

/// What changes often: how many are up, what waits, what comes in.
#[inline(never)]
pub(super) fn signs(stage: &Stage, crowds: &Crowds, traffic: Option<&flows::Traffic>, layer: &mut Layer) {
    for (place, crowd) in crowds.all.iter().enumerate().filter(|(_, crowd)| stage.in_sight(crowd.at, APART.0)) {
        let all = crowd.up == crowd.nodes;
        let up = if all { format!("{} up", crowd.up) } else { format!("{} of {} up", crowd.up, crowd.nodes) };
        said(layer, crowd, 1, up, if all { Ink::Muted } else { Ink::WarnText });
        let coming = traffic.map_or((0, 0.0), |traffic| traffic.towards(place));
        let mut told = match coming {
            (0, _) => String::new(),
            // A few are counted; of many one can tell how many come in a second.
            (count, _) if count < MANY => format!("{count} coming"),
            (_, rate) => format!("{}/s", rounded(rate)),
        };
        if crowd.waiting > 0 {
            let apart = if told.is_empty() { "" } else { " · " };
            told = format!("queue {}{apart}{told}", crowd.waiting);
        }
        if !told.is_empty() {
            said(layer, crowd, 2, shorten(&told, SECOND, APART.0), Ink::Muted);
        }
    }
}

/// To two digits: more of an estimate would only flicker.
fn rounded(rate: f32) -> u64 {
    let whole = (rate + 0.5) as u64;
    let mut unit = 1;
    while whole / unit >= 100 {
        unit *= 10;
    }
    (whole + unit / 2) / unit * unit
}

/// A line of words under a shape.
fn said(layer: &mut Layer, crowd: &Crowd, line: usize, text: String, ink: Ink) {
    layer.texts.push(Text {
        at: Point::new(crowd.at.x, crowd.at.y + 38.0 + line as f32 * 14.0),
        text,
        size: if line == 0 { NAME } else { SECOND },
        weight: 400,
        ink,
        alpha: 255,
        anchor: Anchor::Middle,
        halo: true,
    });
}
