//! ShiViz logs (Beschastnikh et al. 2016): each event with its host and its vector clock.

use std::rc::Rc;

use crate::components::What;
use crate::sim::NodeId;

use super::super::course::lived;
use super::super::words::sentence;
use super::Stretch;
use super::json::Object;

/// The head of the file: how an event is to be read, and nothing between executions, since there is one.
const HEAD: &str = "(?<host>\\S*) (?<clock>{.*})\\n(?<event>.*)\n\n";

/// How many events of each node a record knows of, ascending by node.
type Clock = Rc<Vec<(NodeId, u32)>>;

/// The whole file. Only what lies within the stretch counts, so every clock begins at one.
pub fn shiviz(stretch: &Stretch) -> String {
    let mut out = HEAD.to_owned();
    let records = stretch.course.records();
    let mut of_node: Vec<Clock> = Vec::new();
    let mut clocks: Vec<Clock> = Vec::with_capacity(records.len());
    for (place, record) in records.iter().enumerate() {
        let node = record.node.0 as usize;
        if of_node.len() <= node {
            of_node.resize(node + 1, Clock::default());
        }
        let cause = stretch.course.cause(place).map(|cause| clocks[cause].clone());
        if !lived(&record.what) || record.at < stretch.from {
            // A loss is nobody's event; what it knows is what its message knew.
            clocks.push(cause.unwrap_or_default());
            continue;
        }
        let mine = &mut of_node[node];
        if let Some(cause) = cause {
            merge(mine, &cause);
        }
        if told(&record.what) {
            tick(mine, record.node);
            clock_line(stretch, record.node, mine, &mut out);
            out.push_str(&sentence(record, stretch.world).replace(['\n', '\r'], " "));
            out.push('\n');
        }
        clocks.push(mine.clone());
    }
    out
}

/// What stands in the log. What a node does within itself is left out: on its own line the order says it all.
fn told(what: &What) -> bool {
    !matches!(what, What::Served { .. } | What::Timer { .. } | What::Written { .. } | What::Measure { .. })
}

fn merge(mine: &mut Clock, other: &Clock) {
    let knows = |mine: &Clock, (node, count): &(NodeId, u32)| {
        mine.binary_search_by_key(node, |(of, _)| *of).is_ok_and(|place| mine[place].1 >= *count)
    };
    if other.iter().all(|one| knows(mine, one)) {
        return;
    }
    let mine = Rc::make_mut(mine);
    for (node, count) in other.iter() {
        match mine.binary_search_by_key(node, |(of, _)| *of) {
            Ok(place) => mine[place].1 = mine[place].1.max(*count),
            Err(place) => mine.insert(place, (*node, *count)),
        }
    }
}

fn tick(mine: &mut Clock, node: NodeId) {
    let mine = Rc::make_mut(mine);
    match mine.binary_search_by_key(&node, |(of, _)| *of) {
        Ok(place) => mine[place].1 += 1,
        Err(place) => mine.insert(place, (node, 1)),
    }
}

fn clock_line(stretch: &Stretch, node: NodeId, clock: &Clock, out: &mut String) {
    out.push_str(stretch.world.name(node));
    out.push(' ');
    let mut object = Object::open(out);
    for (node, count) in clock.iter() {
        object.plain(stretch.world.name(*node), count);
    }
    object.close();
    out.push('\n');
}
