//! Where nodes stand. Whoever stands somewhere stays there: newcomers take a free seat of their group or a new one.
//!
//! Seats are remembered from one call of [`Layout::update`] to the next, also those of nodes that are gone, so that a
//! person who goes back in time finds everyone where they were. Everything else follows from the plan and the world.

mod force;
mod map;
mod shapes;

use std::rc::Rc;

use crate::components::{Node, World};
pub use crate::scenario::Layout as LayoutKind;
use crate::scenario::{self, Document};
use crate::sim::{NodeId, Table};

use super::glyph;
use super::list::{Key, Point, between, segment_distance};
pub use map::Patch;

/// A group of nodes, all of one template.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanGroup {
    /// The template.
    pub template: u32,
    /// The caption of its tier; a tier has that of its first group with one.
    pub title: Rc<str>,
    /// Its tier, counted in the direction of requests.
    pub tier: u32,
    /// Its place within the tier.
    pub row: u32,
}

/// What a document and a person say about places.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// How nodes are arranged.
    pub layout: LayoutKind,
    /// The groups.
    pub groups: Vec<PlanGroup>,
    /// Regions whose place on a map is given: degrees east, and degrees north.
    pub regions: Vec<(Rc<str>, (f32, f32))>,
    /// Where nodes were put by hand, by name, in world units. This counts in every layout.
    pub at: Table<Rc<str>, (f32, f32)>,
}

impl Plan {
    /// The places that a document asks for; nothing has been moved by hand yet.
    pub fn of(document: &Document) -> Plan {
        let mut next = 0;
        let group = |(template, group): (usize, &scenario::Group)| {
            let tier = group.tier.unwrap_or(next);
            next = tier + 1;
            let title = group.title.as_ref().unwrap_or(&group.name);
            PlanGroup { template: template as u32, title: Rc::from(title.as_str()), tier, row: template as u32 }
        };
        let groups = document.groups.iter().enumerate().map(group).collect();
        let region = |region: &scenario::Region| {
            let (east, north) = region.at?;
            Some((Rc::from(&*region.name), (east as f32, north as f32)))
        };
        let regions = document.regions.iter().filter_map(region).collect();
        Plan { layout: document.layout, groups, regions, at: Table::new() }
    }
}

/// More members than this and a column is folded.
const FOLD: usize = 10;
/// More members than this and a row of a narrow canvas is folded.
const FOLD_TALL: usize = 6;
/// Links are led around nodes up to this many nodes; finding the way is quadratic.
const MAX_BENT: usize = 150;
/// The distance between columns, and between the parts of a folded one.
const COLUMN: f32 = 190.0;
const SUBCOLUMN: f32 = 66.0;

/// How far the edge of a map's place is from the nearest middle of a node.
const EDGE: f32 = 40.0;

/// Where a seat stands, by its column and its place there.
type Places = Box<dyn Fn(usize, usize) -> Point>;

#[derive(Clone, Debug)]
struct Seat {
    /// Whose; `None` keeps two groups of a tier apart.
    template: Option<u32>,
    taken: Option<NodeId>,
}

#[derive(Clone, Debug)]
struct Column {
    tier: u32,
    title: Rc<str>,
    seats: Vec<Seat>,
    /// How many seats there were at first; those decide the spacing, so that it never changes.
    first: usize,
}

/// A caption over a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Heading {
    /// What it says.
    pub title: Rc<str>,
    /// Its middle, in world units.
    pub at: Point,
}

/// Where nodes stand.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    kind: LayoutKind,
    plan: u64,
    key: u64,
    columns: Vec<Column>,
    /// By node: column and seat.
    seats: Vec<Option<(u32, u32)>>,
    /// By node. The place of one that is gone stays, for messages that are still on their way.
    places: Vec<Option<Point>>,
    headings: Vec<Heading>,
    /// Where seats stand that were found by forces; those found once stay.
    spread: Vec<Point>,
    patches: Vec<Patch>,
    /// Links that would run through a node, by the numbers of their ends: how far they bend.
    bends: Table<(NodeId, NodeId), f32>,
    bounds: Option<(Point, Point)>,
}

impl Layout {
    /// The place of a node, in world units; also of one that is gone.
    pub fn place(&self, id: NodeId) -> Option<Point> {
        self.places.get(id.0 as usize).copied().flatten()
    }
    /// The captions of the columns.
    pub fn headings(&self) -> &[Heading] {
        &self.headings
    }
    /// How nodes are arranged.
    pub fn kind(&self) -> LayoutKind {
        self.kind
    }
    /// The places that a map has, regions before the zones in them.
    pub fn patches(&self) -> &[Patch] {
        &self.patches
    }
    /// How far the link between two nodes bends to the right of the way from the lower number to the higher, in world
    /// units.
    pub fn bend(&self, a: NodeId, b: NodeId) -> f32 {
        if self.bends.is_empty() {
            return 0.0;
        }
        let bend = self.bends.get(&(a.min(b), a.max(b))).copied().unwrap_or(0.0);
        if a < b { bend } else { -bend }
    }
    /// The corners of a box around the middles of all nodes that are there, and around the places of a map.
    pub fn bounds(&self) -> Option<(Point, Point)> {
        self.bounds
    }
    /// A number that changes whenever a place does.
    pub fn key(&self) -> u64 {
        self.key
    }

    /// Brings places up to date. It costs a look at every node, and of a few at every link, while nothing has changed, so it may be called
    /// each frame. Call it once with the world as it began, so that seats are given out in the order of the run.
    pub fn update(&mut self, plan: &Plan, world: &World, tall: bool) {
        let mut digest = Key::default();
        digest.word(plan.layout as u64);
        for group in &plan.groups {
            digest.word(u64::from(group.template) << 32 | u64::from(group.tier));
            digest.word(u64::from(group.row));
            digest.text(&group.title);
        }
        for (name, (east, north)) in &plan.regions {
            digest.text(name);
            digest.word(u64::from(east.to_bits()) << 32 | u64::from(north.to_bits()));
        }
        let plan_key = digest.finish();
        // In a crowd links move nobody, and none bends.
        let few = world.nodes().nth(MAX_BENT.max(force::MAX_FORCED)).is_none();
        for (id, node) in world.nodes() {
            digest.word(u64::from(id.0) << 32 | u64::from(node.template));
            if few {
                node.links.iter().for_each(|link| digest.word(u64::from(link.to.0)));
            }
        }
        for (name, (x, y)) in plan.at.iter() {
            digest.text(name);
            digest.word(u64::from(x.to_bits()) << 32 | u64::from(y.to_bits()));
        }
        digest.word(u64::from(tall));
        let key = digest.finish();
        if key == self.key && plan_key == self.plan {
            return;
        }
        (self.key, self.kind) = (key, plan.layout);
        if plan_key != self.plan {
            self.plan = plan_key;
            self.columns.clear();
            self.seats.clear();
            self.spread.clear();
        }
        self.sit(plan, world);
        self.arrange(plan, world, tall);
        self.bend_links(world);
    }

    /// Gives everyone a seat.
    fn sit(&mut self, plan: &Plan, world: &World) {
        let begins = self.columns.is_empty();
        // On a map it is their zones that seats belong to.
        if begins && plan.layout != LayoutKind::Map {
            self.found(plan, world);
        }
        for seat in self.columns.iter_mut().flat_map(|column| &mut column.seats) {
            seat.taken = None;
        }
        let mut standing = Vec::new();
        for (id, node) in world.nodes() {
            if self.seats.len() <= id.0 as usize {
                self.seats.resize(id.0 as usize + 1, None);
            }
            let own = self.seats[id.0 as usize].and_then(|(column, seat)| {
                self.columns.get_mut(column as usize).and_then(|column| column.seats.get_mut(seat as usize))
            });
            match own {
                Some(seat) if seat.taken.is_none() && seat.template == Some(node.template) => seat.taken = Some(id),
                _ => standing.push((id, node)),
            }
        }
        // Free seats are looked for from where the last search of the same column and template ended.
        let mut from: Table<(usize, u32), usize> = Table::new();
        for (id, node) in standing {
            let template = node.template;
            let column = match plan.layout {
                LayoutKind::Map => self.zone_column(node),
                _ => self.column_of(plan, world, template),
            };
            let start = from.or_default((column, template));
            let seats = &mut self.columns[column].seats;
            let free = (*start..seats.len())
                .find(|place| seats[*place].template == Some(template) && seats[*place].taken.is_none());
            let place = free.unwrap_or_else(|| {
                seats.push(Seat { template: Some(template), taken: None });
                seats.len() - 1
            });
            *start = place + 1;
            seats[place].taken = Some(id);
            self.seats[id.0 as usize] = Some((column as u32, place as u32));
        }
        if begins && plan.layout == LayoutKind::Map {
            self.columns.iter_mut().for_each(|column| column.first = column.seats.len());
        }
    }

    /// The column of a node's zone; the last is for those that are in none.
    fn zone_column(&mut self, node: &Node) -> usize {
        let tier = node.zone.map_or(u32::MAX, u32::from);
        let found = self.columns.iter().position(|column| column.tier == tier);
        found.unwrap_or_else(|| self.add_column(tier, Rc::from("")))
    }

    /// The first seats, in the order of the plan.
    fn found(&mut self, plan: &Plan, world: &World) {
        let mut counts: Table<u32, usize> = Table::new();
        for (_, node) in world.nodes() {
            *counts.or_default(node.template) += 1;
        }
        let places = plan.groups.iter().enumerate();
        let groups: Table<_, _> = places.map(|(place, group)| ((group.tier, group.row, place), group)).collect();
        for group in groups.values() {
            let count = counts.remove(&group.template).unwrap_or(0);
            let column = self.column_of(plan, world, group.template);
            let seats = &mut self.columns[column].seats;
            let apart = plan.layout != LayoutKind::Force && seats.len() < FOLD;
            if count > 0 && !seats.is_empty() && apart {
                seats.push(Seat { template: None, taken: None });
            }
            seats.extend((0..count).map(|_| Seat { template: Some(group.template), taken: None }));
        }
        for (template, count) in counts {
            let column = self.column_of(plan, world, template);
            self.columns[column].seats.extend((0..count).map(|_| Seat { template: Some(template), taken: None }));
        }
        for column in &mut self.columns {
            column.first = column.seats.len();
        }
    }

    /// The column of a template; grids and forces have only one, and each circle is one. Templates that the plan does not know stand with a group
    /// of their kind, so that nobody else has to move, and else behind the others.
    fn column_of(&mut self, plan: &Plan, world: &World, template: u32) -> usize {
        let kind = |template: u32| world.templates().get(template as usize).map(|template| template.kind);
        let group = plan.groups.iter().find(|group| group.template == template);
        let group = group.or_else(|| plan.groups.iter().find(|group| kind(group.template) == kind(template)));
        let tier = match plan.layout {
            LayoutKind::Grid | LayoutKind::Force | LayoutKind::Map => 0,
            LayoutKind::Tiers | LayoutKind::Ring => group.map_or(u32::MAX, |group| group.tier),
        };
        if let Some(place) = self.columns.iter().position(|column| column.tier == tier) {
            return place;
        }
        let title = plan
            .groups
            .iter()
            .filter(|group| group.tier == tier && !group.title.is_empty())
            .min_by_key(|group| group.row)
            .map_or_else(|| Rc::from(""), |group| group.title.clone());
        self.add_column(tier, title)
    }

    /// Columns keep their numbers, because seats name them; where they stand is decided by their tiers.
    fn add_column(&mut self, tier: u32, title: Rc<str>) -> usize {
        self.columns.push(Column { tier, title, seats: Vec::new(), first: 0 });
        self.columns.len() - 1
    }

    fn arrange(&mut self, plan: &Plan, world: &World, tall: bool) {
        self.headings.clear();
        self.patches.clear();
        let places = match plan.layout {
            LayoutKind::Tiers => self.tiers(tall),
            LayoutKind::Ring => self.circles(),
            LayoutKind::Grid => self.squares(),
            LayoutKind::Force => self.forced(world, tall),
            LayoutKind::Map => self.map(plan, world, tall),
        };
        self.bounds = None;
        for (id, node) in world.nodes() {
            let Some((column, seat)) = self.seats[id.0 as usize] else { continue };
            let by_hand = if plan.at.is_empty() { None } else { plan.at.get(&node.name) };
            let place = by_hand.map_or_else(|| places(column as usize, seat as usize), |(x, y)| Point::new(*x, *y));
            if self.places.len() <= id.0 as usize {
                self.places.resize(id.0 as usize + 1, None);
            }
            self.places[id.0 as usize] = Some(place);
            self.reach(place);
        }
        for place in 0..self.patches.len() {
            let Patch { at, radius, .. } = self.patches[place];
            // What is drawn of a node reaches beyond its middle already.
            let half = (radius - EDGE).max(0.0);
            self.reach(at.towards(-half, -half, 1.0));
            self.reach(at.towards(half, half, 1.0));
        }
    }

    /// Makes the box around everything reach a place.
    fn reach(&mut self, place: Point) {
        let (low, high) = self.bounds.get_or_insert((place, place));
        *low = Point::new(low.x.min(place.x), low.y.min(place.y));
        *high = Point::new(high.x.max(place.x), high.y.max(place.y));
    }

    /// Columns from left to right, or rows from top to bottom; members spread evenly over the other way.
    fn tiers(&mut self, tall: bool) -> Places {
        struct Tier {
            at: f32,
            /// Seats of a folded tier before the next part begins.
            rows: usize,
            pitch: f32,
            begin: f32,
            sub: f32,
        }
        let places = self.columns.iter().enumerate();
        let order: Table<_, _> = places.map(|(place, column)| ((column.tier, place), place)).collect();
        let mut tiers: Vec<Tier> = Vec::new();
        tiers.resize_with(order.len(), || Tier { at: 0.0, rows: 1, pitch: 0.0, begin: 0.0, sub: 0.0 });
        let (span, least, most, gap, sub, fold) = if tall {
            (350.0, 56.0, 150.0, 118.0, 60.0, FOLD_TALL)
        } else {
            (560.0, 78.0, 190.0, gap_for(order.len()), SUBCOLUMN, FOLD)
        };
        let mut at = 0.0;
        let mut top = f32::MAX;
        for place in order.values() {
            let column = &self.columns[*place];
            let first = column.first.max(1);
            let rows = if first <= fold {
                first
            } else if tall {
                // A narrow canvas is filled to its width before it is made longer.
                fold.max((libm::sqrtf(first as f32 * 0.8) + 0.999) as usize)
            } else {
                // Two parts for a dozen; a crowd is wider than high, as canvases are.
                first.div_ceil(2).min(fold).max((libm::sqrtf(first as f32 * 0.75) + 0.999) as usize)
            };
            let parts = first.div_ceil(rows);
            let pitch = if parts > 1 { least * 0.8 } else { between(span / rows as f32, least, most) };
            let begin = -pitch * (rows as f32 - 1.0) * 0.5;
            tiers[*place] = Tier { at, rows: if parts > 1 { rows } else { fold.max(rows) }, pitch, begin, sub };
            top = top.min(begin);
            at += gap + sub * (parts as f32 - 1.0);
        }
        if !tall {
            for place in order.values() {
                let (column, tier) = (&self.columns[*place], &tiers[*place]);
                if column.title.is_empty() || column.first == 0 {
                    continue;
                }
                let middle = tier.sub * (column.first.div_ceil(tier.rows) as f32 - 1.0) * 0.5;
                let at = Point::new(tier.at + middle, top - 58.0);
                self.headings.push(Heading { title: column.title.clone(), at });
            }
        }
        Box::new(move |column, seat| {
            let tier = &tiers[column];
            let along = tier.begin + (seat % tier.rows) as f32 * tier.pitch;
            let across = tier.at + (seat / tier.rows) as f32 * tier.sub;
            if tall { Point::new(along, across) } else { Point::new(across, along) }
        })
    }

    /// Bends the links that would run through a node.
    fn bend_links(&mut self, world: &World) {
        self.bends.clear();
        let nodes: Vec<(NodeId, Point, f32)> = world
            .nodes()
            .filter_map(|(id, node)| Some((id, self.place(id)?, glyph::radius(glyph::sign(node.kind).0))))
            .collect();
        if nodes.len() > MAX_BENT {
            return;
        }
        for (id, node) in world.nodes() {
            let Some(from) = self.place(id) else { continue };
            for link in node.links.iter().filter(|link| link.to > id || linked_back(world, link.to, id).is_none()) {
                let (a, b) = (id.min(link.to), id.max(link.to));
                let Some(to) = self.place(link.to) else { continue };
                let (from, to) = if id == a { (from, to) } else { (to, from) };
                if let Some(bend) = clear_bend(&nodes, (a, from), (b, to)) {
                    self.bends.insert((a, b), bend);
                }
            }
        }
    }
}

/// The link from `from` to `to`, if there is one.
fn linked_back(world: &World, from: NodeId, to: NodeId) -> Option<()> {
    world.node(from)?.link(to).map(drop)
}

/// The least bend that keeps a link clear of every other node; `None` for a straight one.
fn clear_bend(nodes: &[(NodeId, Point, f32)], (a, from): (NodeId, Point), (b, to): (NodeId, Point)) -> Option<f32> {
    let long = from.distance(to).max(1.0);
    let (nx, ny) = (-(to.y - from.y) / long, (to.x - from.x) / long);
    let in_the_way = |bend: f32| -> usize {
        let top = from.mix(to, 0.5).towards(nx, ny, bend);
        // The curve is near enough to these four lines.
        let via = from.mix(to, 0.5).towards(nx, ny, bend * 2.0);
        let (left, right) = (super::list::bezier(from, via, to, 0.22), super::list::bezier(from, via, to, 0.78));
        let path = [from, left, top, right, to];
        let blocks =
            |at: Point, radius: f32| path.windows(2).any(|ends| segment_distance(at, ends[0], ends[1]) < radius + 4.0);
        nodes.iter().filter(|(id, at, radius)| *id != a && *id != b && blocks(*at, *radius)).count()
    };
    if in_the_way(0.0) == 0 {
        return None;
    }
    // Outwards on either side; to the right of the way first, as in the drawing of a quorum in a column.
    let tries = [-46.0, 46.0, -62.0, 62.0, -84.0, 84.0, -112.0, 112.0];
    let best = tries.into_iter().min_by_key(|bend| in_the_way(*bend))?;
    Some(best)
}

fn gap_for(tiers: usize) -> f32 {
    if tiers <= 1 { COLUMN } else { (760.0 / (tiers - 1) as f32).clamp(COLUMN, 250.0) }
}
