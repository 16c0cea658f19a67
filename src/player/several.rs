//! Several components at once: chosen, moved, lined up, copied, and done things to.

use crate::components::kind;
use crate::scenario::Act;
use crate::scene::{Point, Target};
use crate::sim::{NodeId, Status, Value};

use super::menu::SLOW;
use super::notice::sentence_case;
use super::{Action, Entry, Player, Tone};

/// How many can be chosen at once.
pub const MAX_CHOSEN: usize = 256;
/// How far a copy stands from what it is a copy of, in world units.
const ASIDE: f32 = 70.0;

/// What is done to the choice of several components.
#[derive(Clone, Debug, PartialEq)]
pub enum Choosing {
    /// This one as well, or no longer.
    Also(NodeId),
    /// All between two corners, in pixels, while these are drawn.
    Drawn(Point, Point),
    /// They have been drawn.
    Enough,
    /// All of them.
    All,
    /// Nobody but what is selected.
    Only,
    /// Side by side: in a row, or in a column.
    Line {
        /// In a row.
        row: bool,
    },
    /// What is chosen is remembered.
    Copy,
    /// What is remembered is placed once more.
    Paste,
}

/// A component that was copied: enough to make one like it.
#[derive(Clone, Debug)]
pub(super) struct Copied {
    /// Its group, or its kind where it stands alone.
    what: String,
    name: String,
    settings: Vec<(&'static str, Value)>,
    at: Point,
    partners: Vec<String>,
}

impl Player {
    /// The components that are chosen: what is selected, and what was chosen beside it.
    pub fn chosen(&self) -> Vec<NodeId> {
        let mut chosen = self.view.also.clone();
        if let Some(Target::Node(id)) = self.view.selected
            && !chosen.contains(&id)
        {
            chosen.push(id);
        }
        chosen.retain(|id| self.timeline.run().world.node(*id).is_some());
        chosen
    }

    #[inline(never)]
    pub(super) fn choose(&mut self, choosing: &Choosing) {
        match *choosing {
            Choosing::Also(id) => self.also(id),
            Choosing::Drawn(from, to) => self.draw_choice(from, to),
            Choosing::Enough => self.view.lasso = None,
            Choosing::All => {
                let all = self.timeline.run().world.nodes().map(|(id, _)| id);
                self.view.also = all.take(MAX_CHOSEN).collect();
            }
            Choosing::Only => self.view.also.clear(),
            Choosing::Line { row } => self.line_up(row),
            Choosing::Copy => self.copy(),
            Choosing::Paste => self.paste(),
        }
    }

    /// What was selected before stays chosen when another joins it.
    fn also(&mut self, id: NodeId) {
        if let Some(place) = self.view.also.iter().position(|other| *other == id) {
            self.view.also.remove(place);
            if self.view.selected == Some(Target::Node(id)) {
                self.view.selected = self.view.also.last().map(|other| Target::Node(*other));
            }
            return;
        }
        self.view.also = self.chosen();
        if self.view.also.len() >= MAX_CHOSEN {
            return self.tell(Tone::Warn, format!("{MAX_CHOSEN} components can be chosen at once."));
        }
        self.view.selected = Some(Target::Node(id));
        if !self.view.also.contains(&id) {
            self.view.also.push(id);
        }
    }

    fn draw_choice(&mut self, from: Point, to: Point) {
        self.view.lasso = Some((from, to));
        let inside = |at: Point| {
            let within = |value: f32, a: f32, b: f32| value >= a.min(b) && value <= a.max(b);
            within(at.x, from.x, to.x) && within(at.y, from.y, to.y)
        };
        let all = self.timeline.run().world.nodes().map(|(id, _)| id);
        let here = all.filter(|id| self.place_of(*id).is_some_and(inside)).take(MAX_CHOSEN);
        self.view.also = here.collect();
        self.view.selected = self.view.also.last().map(|id| Target::Node(*id));
    }

    /// Moves all that are chosen as far as one of them was moved, in world units.
    pub(super) fn move_along(&mut self, moved: NodeId, (dx, dy): (f32, f32)) {
        for id in self.chosen().into_iter().filter(|id| *id != moved) {
            let Some(at) = self.layout.place(id) else { continue };
            let name = self.timeline.run().world.name(id).into();
            self.plan.at.insert(name, (at.x + dx, at.y + dy));
        }
    }

    /// In a line through their middle, as far apart as they are on average, and no closer than names can be read.
    fn line_up(&mut self, row: bool) {
        let mut spots: Vec<(NodeId, Point)> =
            self.chosen().into_iter().filter_map(|id| Some((id, self.layout.place(id)?))).collect();
        if spots.len() < 2 {
            return self.tell(Tone::Quiet, "Choose several first: shift and click, or shift and drag.".to_owned());
        }
        let along = |at: Point| if row { at.x } else { at.y };
        spots.sort_by(|(_, a), (_, b)| along(*a).total_cmp(&along(*b)));
        let count = spots.len() as f32;
        let mean = |of: fn(Point) -> f32| spots.iter().map(|(_, at)| of(*at)).sum::<f32>() / count;
        let middle = Point::new(mean(|at| at.x), mean(|at| at.y));
        let spread = along(spots[spots.len() - 1].1) - along(spots[0].1);
        let step = (spread / (count - 1.0)).max(ASIDE + 30.0);
        for (place, (id, _)) in spots.into_iter().enumerate() {
            let off = (place as f32 - (count - 1.0) / 2.0) * step;
            let at = if row { (middle.x + off, middle.y) } else { (middle.x, middle.y + off) };
            let name = self.timeline.run().world.name(id).into();
            self.plan.at.insert(name, at);
        }
        self.fitted = false;
        self.relayout();
    }

    fn copy(&mut self) {
        let world = &self.timeline.run().world;
        let one = |id: &NodeId| {
            let node = world.node(*id)?;
            let fields = kind(node.kind)?.fields().iter();
            Some(Copied {
                what: world.templates().get(node.template as usize)?.name.to_string(),
                name: node.name.to_string(),
                settings: fields.filter_map(|field| Some((field.name, node.get(field.name)?))).collect(),
                at: self.layout.place(*id)?,
                partners: node.links.iter().map(|link| world.name(link.to).to_owned()).collect(),
            })
        };
        let copied: Vec<Copied> = self.chosen().iter().filter_map(one).collect();
        let told = match copied.len() {
            0 => return self.tell(Tone::Quiet, "Select a component first.".to_owned()),
            1 => format!("{} is remembered. Y places one like it.", copied[0].name),
            many => format!("{many} components are remembered. Y places them once more."),
        };
        self.copied = copied;
        self.tell(Tone::Quiet, told);
    }

    /// One like each that was copied, set as it was, wired among themselves as they were, and to the same others.
    fn paste(&mut self) {
        if self.copied.is_empty() {
            return self.tell(Tone::Quiet, "Nothing is remembered yet: y remembers what is chosen.".to_owned());
        }
        let copied = std::mem::take(&mut self.copied);
        let made = self.make_alike(&copied);
        self.copied = copied;
        self.after_change();
        match made {
            Ok(made) => {
                self.touched = true;
                self.view.selected = made.last().map(|id| Target::Node(*id));
                self.view.also = if made.len() > 1 { made } else { Vec::new() };
            }
            Err(told) => self.tell(Tone::Warn, sentence_case(&told)),
        }
    }

    fn make_alike(&mut self, copied: &[Copied]) -> Result<Vec<NodeId>, String> {
        let mut made: Vec<(NodeId, String)> = Vec::new();
        for one in copied {
            self.timeline.act(Act::Add { what: one.what.clone(), name: None })?;
            let world = &self.timeline.run().world;
            let Some((id, node)) = world.nodes().last() else { continue };
            let name = node.name.to_string();
            let differ = |(field, value): &&(&'static str, Value)| node.get(field).as_ref() != Some(value);
            let settings: Vec<_> = one.settings.iter().filter(differ).cloned().collect();
            for (field, value) in settings {
                self.timeline.act(Act::Set { node: name.clone(), field: field.to_owned(), value })?;
            }
            self.plan.at.insert(name.as_str().into(), (one.at.x + ASIDE, one.at.y + ASIDE));
            made.push((id, name));
        }
        for (one, (id, name)) in copied.iter().zip(&made) {
            for partner in &one.partners {
                let copy = copied.iter().position(|other| other.name == *partner).map(|place| &made[place].1);
                let partner = copy.unwrap_or(partner);
                let world = &self.timeline.run().world;
                let Some((other, _)) = world.nodes().find(|(_, node)| *node.name == **partner) else { continue };
                let linked = |a: NodeId, b: NodeId| world.node(a).is_some_and(|node| node.link(b).is_some());
                if other != *id && !linked(*id, other) && !linked(other, *id) {
                    self.timeline.act(Act::Wire { between: (name.clone(), partner.clone()) })?;
                }
            }
        }
        self.fitted = false;
        Ok(made.into_iter().map(|(id, _)| id).collect())
    }
}

/// What can be done to all that are chosen.
pub(super) fn menu_of_several(player: &Player, chosen: &[NodeId]) -> Vec<Entry> {
    let timeline = player.timeline();
    let (world, document) = (&timeline.run().world, timeline.document());
    let names: Vec<String> = chosen.iter().map(|id| world.name(*id).to_owned()).collect();
    // Whom it would change; where it would change nobody, why not.
    let each = |label: &str, key: char, act: &dyn Fn(String) -> Act| {
        let (mut acts, mut idle) = (Vec::new(), None);
        for name in &names {
            match act(name.clone()).check(document, world) {
                Ok(()) => acts.push(act(name.clone())),
                Err(why) => idle = idle.or(Some(why)),
            }
        }
        let idle = idle.filter(|_| acts.is_empty());
        let count = if acts.is_empty() { names.len() } else { acts.len() };
        Entry { group: "", label: format!("{label} {count}"), key: Some(key), action: Action::Acts(acts), idle }
    };
    let other = |label: &str, key: char, action: Action| Entry {
        group: "",
        label: label.to_owned(),
        key: Some(key),
        action,
        idle: None,
    };
    let all = |status: Status| chosen.iter().all(|id| world.node(*id).is_some_and(|node| node.status == status));
    let others = || world.nodes().filter(|(id, _)| !chosen.contains(id)).map(|(_, node)| node.name.to_string());
    let apart = Act::Partition { sides: vec![names.clone(), others().collect()] };
    let cut_off = Entry { idle: apart.check(document, world).err(), ..other("Cut them off", 'c', Action::Act(apart)) };
    vec![
        each("Kill", 'k', &|node| Act::Kill { node, disk: false }),
        each("Kill, lose the disks of", 'K', &|node| Act::Kill { node, disk: true }),
        each("Restart", 'r', &|node| Act::Restart { node }),
        match all(Status::Paused) {
            true => each("Resume", 'p', &|node| Act::Resume { node }),
            false => each("Pause", 'p', &|node| Act::Pause { node }),
        },
        each("Slow down ×10:", 's', &|node| Act::Slow { node, factor: SLOW }),
        each("Usual speed:", 'S', &|node| Act::Slow { node, factor: 1.0 }),
        cut_off,
        each("Mend all links of", 'C', &|node| Act::Rejoin { node }),
        other("Into a row", 'a', Action::Choose(Choosing::Line { row: true })),
        other("Into a column", 'A', Action::Choose(Choosing::Line { row: false })),
        other("Copy", 'y', Action::Choose(Choosing::Copy)),
        each("Remove", 'x', &|node| Act::Remove { node }),
    ]
}
