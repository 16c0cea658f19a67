//! Fault plans: what goes wrong by itself, drawn from the seed, and is repaired again.

use std::rc::Rc;

use crate::components::{Record, World};
use crate::sim::{Command, Digest, Dist, Micros, NodeId, Plain, Profile, Purpose, Status, Stream, Time};

use super::act::{border, profile_between};
use super::problem::short;
use super::schema::{Reader, schema};
use super::{Act, Document};

/// How many plans a document may have.
pub const MAX_PLANS: usize = 32;
/// How many faults of one plan may last at once.
pub const MAX_AT_ONCE: u32 = 1_000;
/// The least mean time between two faults of a plan.
pub const MIN_EVERY: Micros = Micros::ms(10);

crate::choice! {
    /// What a plan may bring about, and how it ends.
    pub enum FaultKind {
        /// It crashes, and starts again.
        Kill = "kill",
        /// It crashes and loses its disk, and starts again.
        KillDisk = "kill-disk",
        /// It stands still, and runs on.
        Pause = "pause",
        /// It takes ten times as long.
        Slow = "slow",
        /// Everything between it and the rest is cut, and mended.
        Isolate = "isolate",
        /// Its clock is a second ahead and gains a thousandth, and is set right.
        Skew = "skew",
        /// Its disk is full; then there is room, and it crashes and starts again.
        FullDisk = "full-disk",
        /// Its disk forgets what it confirms, which a crash brings to light; it starts again.
        LostSync = "lost-sync",
        /// It loses half of its work.
        Lie = "lie",
        /// What it sends to the rest is cut, not what they send; it is mended.
        Mute = "mute",
        /// What the rest sends to it is cut, not what it sends; it is mended.
        Deafen = "deafen",
        /// Everything between it and the rest takes half a second longer; then as its rules say.
        SlowLinks = "slow-links",
        /// Half of what is sent between it and the rest is lost; then as its rules say.
        LossyLinks = "lossy-links",
    }
}

schema! {
    /// Faults that are drawn from the seed, each with its repair.
    #[derive(Clone, Debug, PartialEq)]
    pub struct FaultPlan {
        /// What the log calls it.
        pub name: String [silent],
        /// What goes wrong: one of these each time.
        pub faults: Vec<FaultKind>,
        /// Nodes, groups and zones; each time it is one node of them. Everyone when silent.
        pub targets: Vec<String> [silent],
        /// Whether a target is hit as a whole, as by a common cause.
        pub together: bool [silent],
        /// The mean time between two faults of this plan.
        pub every: Micros,
        /// The mean time until one is repaired.
        pub repair: Micros,
        /// How long a target is left alone after a repair, at least.
        pub up: Option<Micros> [silent],
        /// How many faults of this plan may last at once.
        pub most: u32 = 1,
        /// From when on.
        pub from: Option<Time> [silent],
        /// Until when faults begin.
        pub until: Option<Time> [silent],
    }
}

impl FaultPlan {
    pub(super) fn check(&self, names: &dyn Fn(&str) -> bool, found: &mut Reader) {
        let expected = |what: String| format!("expected {what}");
        if self.faults.is_empty() || self.faults.len() > super::validate::MAX_LIST {
            found.wrong_in("faults", &expected(format!("one to {} kinds of fault", super::validate::MAX_LIST)));
        }
        if self.targets.len() > super::validate::MAX_LIST {
            found.wrong_in("targets", &format!("{} is the limit", super::validate::MAX_LIST));
        }
        for name in self.targets.iter().filter(|name| !names(name)) {
            found.wrong_in("targets", &format!("there is no node, group or zone \"{}\"", short(name)));
        }
        if self.together && self.targets.is_empty() {
            found.wrong_in("together", "a plan that hits targets as a whole names them");
        }
        if self.every < MIN_EVERY {
            found.wrong_in("every", &expected(format!("{MIN_EVERY} or more, found {}", self.every)));
        }
        if self.most == 0 || self.most > MAX_AT_ONCE {
            found.wrong_in("most", &expected(format!("1 to {MAX_AT_ONCE}, found {}", Plain(f64::from(self.most)))));
        }
        if self.until.zip(self.from).is_some_and(|(until, from)| until < from) {
            found.wrong_in("until", "it is over before it begins");
        }
        super::validate::check_text("name", &self.name, found);
    }

    /// What is done to begin or end a fault.
    fn acts(kind: FaultKind, node: &str, begins: bool) -> Vec<Act> {
        let node = || node.to_owned();
        let disk = |full, sync| Act::Disk { node: node(), latency: None, full, sync };
        let crash = || [Act::Kill { node: node(), disk: false }, Act::Restart { node: node() }];
        let clock = |ahead, drift| Act::Clock { node: node(), ahead: Some(ahead), behind: None, drift: Some(drift) };
        match (kind, begins) {
            (FaultKind::Kill, true) => vec![Act::Kill { node: node(), disk: false }],
            (FaultKind::KillDisk, true) => vec![Act::Kill { node: node(), disk: true }],
            (FaultKind::Kill | FaultKind::KillDisk, false) => vec![Act::Restart { node: node() }],
            (FaultKind::Pause, true) => vec![Act::Pause { node: node() }],
            (FaultKind::Pause, false) => vec![Act::Resume { node: node() }],
            (FaultKind::Slow, _) => vec![Act::Slow { node: node(), factor: if begins { 10.0 } else { 1.0 } }],
            (FaultKind::Isolate, true) => vec![Act::Isolate { node: node() }],
            (FaultKind::Isolate, false) => vec![Act::Rejoin { node: node() }],
            (FaultKind::Skew, true) => vec![clock(Micros::secs(1), 1000.0)],
            (FaultKind::Skew, false) => vec![clock(Micros::ZERO, 0.0)],
            (FaultKind::FullDisk, true) => vec![disk(Some(true), None)],
            (FaultKind::FullDisk, false) => [disk(Some(false), None)].into_iter().chain(crash()).collect(),
            (FaultKind::LostSync, true) => vec![disk(None, Some(false))],
            (FaultKind::LostSync, false) => crash().into_iter().chain([disk(None, Some(true))]).collect(),
            // See `crossing`.
            (FaultKind::Mute | FaultKind::Deafen | FaultKind::SlowLinks | FaultKind::LossyLinks, _) => Vec::new(),
            (FaultKind::Lie, _) => vec![Act::Lie { node: node(), share: if begins { 0.5 } else { 0.0 }, spoil: false }],
        }
    }
}

/// How much longer a slow link takes.
const LATE: Micros = Micros::ms(500);

/// What a fault of links comes to, or its end: it is of all links between a node, group or zone and the rest.
fn crossing(kind: FaultKind, begins: bool, world: &World, name: &str) -> Vec<Command> {
    let Ok(border) = border(world, name) else { return Vec::new() };
    let one_way = |a, b| if begins { Command::Cut { a, b, both: false } } else { Command::Heal { a, b, both: false } };
    let relink = |a: NodeId, b: NodeId| {
        let usual = profile_between(world, a, b)?;
        let now = world.node(a)?.link(b)?.profile.clone();
        let profile = match (kind, begins) {
            (FaultKind::SlowLinks, true) => {
                Rc::new(Profile { reorder: 1.0, detour: Dist::Constant(LATE), ..(*now).clone() })
            }
            (_, true) => Rc::new(Profile { loss: 0.5, ..(*now).clone() }),
            (_, false) => usual,
        };
        Some(Command::Relink { a, b, both: false, profile })
    };
    let both = |a, b| [relink(a, b), relink(b, a)].into_iter().flatten().collect::<Vec<Command>>();
    let of = |(a, b): (NodeId, NodeId)| match kind {
        FaultKind::Mute => vec![one_way(a, b)],
        FaultKind::Deafen => vec![one_way(b, a)],
        FaultKind::SlowLinks | FaultKind::LossyLinks => both(a, b),
        _ => Vec::new(),
    };
    border.flat_map(of).collect()
}

/// A plan in motion.
#[derive(Clone)]
pub(super) struct Planned {
    luck: Stream,
    /// When the next fault begins, if one does.
    next: Option<Time>,
    /// What lasts, and until when; what ends first comes first.
    lasting: Vec<(Time, Rc<str>, FaultKind)>,
    /// What was repaired not long ago, and until when it is left alone.
    spared: Vec<(Time, Rc<str>)>,
}

impl Planned {
    pub(super) fn new(plan: &FaultPlan, place: usize, seed: u64) -> Planned {
        let luck = Stream::new(seed, Purpose::Plan(place as u32));
        let mut planned = Planned { luck, next: None, lasting: Vec::new(), spared: Vec::new() };
        planned.next = planned.after(plan, plan.from.unwrap_or_default());
        planned
    }

    /// When the next fault begins after an instant.
    fn after(&mut self, plan: &FaultPlan, at: Time) -> Option<Time> {
        let gap = Dist::Exponential { mean: plan.every }.sample(&mut self.luck);
        Some(at + gap).filter(|at| plan.until.is_none_or(|until| *at <= until))
    }

    /// When it does something next.
    pub(super) fn next_at(&self) -> Option<Time> {
        self.lasting.first().map(|(until, ..)| *until).into_iter().chain(self.next).min()
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        use std::hash::Hash;
        (&self.luck, self.next, &self.lasting, &self.spared).hash(digest);
    }

    /// Does what is due: ends what has lasted long enough, or begins a fault. Six draws a fault, whatever comes of it.
    pub(super) fn act(&mut self, plan: &FaultPlan, document: &Document, world: &mut World, records: &mut Vec<Record>) {
        let now = world.now();
        if self.lasting.first().is_some_and(|(until, ..)| *until <= now) {
            let (_, name, kind) = self.lasting.remove(0);
            self.spared.retain(|(until, _)| *until > now);
            self.spared.extend(plan.up.map(|up| (now + up, name.clone())));
            return carry_out(plan, &name, kind, false, document, world, records);
        }
        let repair = Dist::Exponential { mean: plan.repair }.sample(&mut self.luck);
        let (which, how) = (self.luck.bits(), self.luck.bits());
        self.next = self.after(plan, now);
        if self.lasting.len() >= plan.most as usize {
            return;
        }
        let left_alone = |name: &str| {
            let lasts = self.lasting.iter().any(|(_, other, _)| **other == *name);
            lasts || self.spared.iter().any(|(until, other)| *until > now && **other == *name)
        };
        let mut candidates = candidates(plan, world);
        candidates.retain(|name| !left_alone(name));
        let pick = |bits: u64, count: usize| bits.checked_rem(count as u64).map(|place| place as usize);
        let (Some(node), Some(kind)) = (pick(which, candidates.len()), pick(how, plan.faults.len())) else { return };
        let (name, kind) = (candidates[node].clone(), plan.faults[kind]);
        carry_out(plan, &name, kind, true, document, world, records);
        let until = now + repair;
        let place = self.lasting.partition_point(|(other, ..)| *other <= until);
        self.lasting.insert(place, (until, name, kind));
    }
}

/// Whom the next fault may hit: nodes that run, by name; or the targets themselves.
fn candidates(plan: &FaultPlan, world: &World) -> Vec<Rc<str>> {
    if plan.together {
        return plan.targets.iter().map(|name| Rc::from(&**name)).collect();
    }
    let meant = |id| plan.targets.is_empty() || plan.targets.iter().any(|name| world.is_called(id, name));
    let nodes = world.nodes().filter(|(id, node)| node.status == Status::Up && meant(*id));
    nodes.map(|(_, node)| node.name.clone()).collect()
}

fn carry_out(
    plan: &FaultPlan,
    name: &str,
    kind: FaultKind,
    begins: bool,
    document: &Document,
    world: &mut World,
    records: &mut Vec<Record>,
) {
    use crate::sim::Choice;
    let word = FaultKind::WORDS[kind.index()];
    let called = if plan.name.is_empty() { "the plan" } else { &plan.name };
    let told = if begins { format!("{called}: {word} {name}") } else { format!("{called}: {word} of {name} is over") };
    let node = world.find(name).or_else(|| world.nodes().find(|(id, _)| world.is_called(*id, name)).map(|(id, _)| id));
    if let Some(node) = node {
        world.tell(node, &told, records);
    }
    for command in crossing(kind, begins, world, name) {
        // As below.
        let _ = world.command(&command, records);
    }
    for act in FaultPlan::acts(kind, name, begins) {
        // Someone else may have done it already, or taken the node away; that is no mistake.
        let _ = act.carry_out(document, world, records);
    }
}
