//! What a component holds and what came and went: the lower half of the inspector.

use crate::components::{Node, Record, What, World};
use crate::sim::{Kept, NodeId, Payload, Time, fixed};
use crate::trace::{Log, WINDOW};

use super::Player;
use super::panel::{CHART_SPAN, ChartLine, Frame, KeptModel, VitalModel, figure};

/// How many of the messages that wait are listed; of the rest it is said how many.
const MAX_LISTED: usize = 8;

/// What is being served and what waits at a node, and how many more wait.
pub fn kept(node: &Node, world: &World, log: &Log) -> (Vec<KeptModel>, usize) {
    let told = |kept: Kept<'_, crate::components::Message>| {
        let (since, does) = kept.started.map_or((kept.arrived, "waits"), |started| (started, "served"));
        let span = world.now().since(since).0 as f64;
        let span =
            if span < 1e6 { format!("{} ms", fixed(span / 1e3, 1)) } else { format!("{} s", fixed(span / 1e6, 2)) };
        KeptModel {
            name: kept.message.name(),
            told: format!("from {}, {does} {span}", world.name(kept.from)),
            served: kept.started.is_some(),
            message: log.get(kept.record).map(|arrived| arrived.cause),
        }
    };
    let listed = node.serving().chain(node.inbox().take(MAX_LISTED)).map(told).collect();
    (listed, node.waiting().saturating_sub(MAX_LISTED))
}

/// What came to a node in the last seconds, and how many waited there.
pub fn node_charts(player: &Player, id: NodeId) -> Vec<VitalModel> {
    let mut came = Line::new(player, "came");
    let mut lost = Line::new(player, "lost");
    let mut most = Line::new(player, "the most that waited");
    for record in came.records(player) {
        match &record.what {
            What::Arrived { waiting, .. } if record.node == id => {
                came.count(record.at);
                most.raise(record.at, f64::from(*waiting));
            }
            What::Lost { to, .. } if *to == id => lost.count(record.at),
            _ => {}
        }
    }
    let frame = Frame::of(player);
    let mut charts = vec![frame.chart("messages here".into(), rates(came, lost))];
    if most.values.iter().any(|value| *value > 0.0) {
        charts.push(frame.chart("queue".into(), vec![most.told("")]));
    }
    charts
}

/// What was sent over a link in the last seconds, each way, and what was lost.
pub fn link_charts(player: &Player, a: NodeId, b: NodeId) -> Vec<VitalModel> {
    let world = &player.timeline().run().world;
    let frame = Frame::of(player);
    let one = |(from, to): (NodeId, NodeId)| {
        world.node(from)?.link(to)?;
        let (mut sent, mut lost) = (Line::new(player, "sent"), Line::new(player, "lost"));
        for record in sent.records(player).filter(|record| record.node == from) {
            match &record.what {
                What::Lost { to: receiver, .. } if *receiver == to => lost.count(record.at),
                what if what.leaving().is_some_and(|(receiver, ..)| receiver == to) => sent.count(record.at),
                _ => {}
            }
        }
        Some(frame.chart(format!("{} → {}", world.name(from), world.name(to)), rates(sent, lost)))
    };
    [(a, b), (b, a)].into_iter().filter_map(one).collect()
}

/// Losses are told only where there are any.
fn rates(came: Line, lost: Line) -> Vec<ChartLine> {
    let any = lost.values.iter().any(|value| *value > 0.0);
    [Some(came), Some(lost).filter(|_| any)].into_iter().flatten().map(|line| line.told("/s")).collect()
}

/// A figure for each window of the last seconds.
struct Line {
    name: &'static str,
    /// The first window.
    first: u64,
    /// The first that the log tells the whole of.
    known: u64,
    values: Vec<f64>,
}

impl Line {
    fn new(player: &Player, name: &'static str) -> Line {
        let (now, log) = (player.timeline().now(), player.timeline().log());
        let first = now.0.saturating_sub(CHART_SPAN.0).div_ceil(WINDOW.0);
        // The window that one stands in is not over.
        let count = (now.0 / WINDOW.0).saturating_sub(first);
        let begins = log.iter().next().filter(|record| record.id.0 > 1).map_or(0, |record| record.at.0);
        Line { name, first, known: begins.div_ceil(WINDOW.0), values: vec![0.0; count as usize] }
    }

    /// The records that it is about.
    fn records<'a>(&self, player: &'a Player) -> impl Iterator<Item = &'a Record> + use<'a> {
        player.timeline().log().since(Time(self.first * WINDOW.0))
    }

    fn at(&mut self, at: Time) -> Option<&mut f64> {
        self.values.get_mut((at.0 / WINDOW.0).checked_sub(self.first)? as usize)
    }

    fn count(&mut self, at: Time) {
        if let Some(value) = self.at(at) {
            *value += 1e6 / WINDOW.0 as f64;
        }
    }

    fn raise(&mut self, at: Time, to: f64) {
        if let Some(value) = self.at(at) {
            *value = value.max(to);
        }
    }

    fn told(self, unit: &str) -> ChartLine {
        let Line { name, first, known, values } = self;
        let now = values.last().map_or_else(|| "–".to_owned(), |value| format!("{}{unit}", figure(*value)));
        let point = |(window, value): (u64, &f64)| {
            let end = Time((window + 1) * WINDOW.0);
            (end.seconds(), (window >= known).then_some(*value))
        };
        ChartLine { name: name.to_owned(), now, points: (first..).zip(&values).map(point).collect() }
    }
}
