//! ShiViz logs (Beschastnikh et al. 2016): each event with its host and its vector clock.

use crate::sim::NodeId;

use super::super::clocks::{Clocks, Stamp, is_event};
use super::super::words::sentence;
use super::Stretch;
use super::json::Object;

/// The head of the file: how an event is to be read, and nothing between executions, since there is one.
const HEAD: &str = "(?<host>\\S*) (?<clock>{.*})\\n(?<event>.*)\n\n";

/// The whole file. Only what lies within the stretch counts, so every clock begins at one.
pub fn shiviz(stretch: &Stretch) -> String {
    let mut out = HEAD.to_owned();
    let mut clocks = Clocks::default();
    for record in stretch.course.records().iter().filter(|record| record.at >= stretch.from) {
        let stamp = clocks.take(record);
        if is_event(&record.what) {
            clock_line(stretch, record.node, &stamp, &mut out);
            out.push_str(&sentence(record, stretch.world).replace(['\n', '\r'], " "));
            out.push('\n');
        }
    }
    out
}

fn clock_line(stretch: &Stretch, node: NodeId, stamp: &Stamp, out: &mut String) {
    out.push_str(stretch.world.name(node));
    out.push(' ');
    let mut object = Object::open(out);
    for (node, count) in stamp.vector.iter() {
        object.plain(stretch.world.name(*node), count);
    }
    object.close();
    out.push('\n');
}
