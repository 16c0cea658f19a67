//! Metrics as comma-separated values (RFC 4180): one row a window.

use crate::sim::Time;

use super::super::load::{Load, windows};
use super::super::metrics::{MAX_WINDOWS, Point, WINDOW};
use super::Stretch;

/// How many columns there may be; what comes after has none.
pub const MAX_COLUMNS: usize = 4_096;

/// A column: its head, and its fields from the first window on; empty where there is nothing to tell.
type Column = (String, Vec<Option<u64>>);

/// The whole file. The last window is left out while it is not over, and so are windows older than the metrics keep.
pub fn csv(stretch: &Stretch) -> String {
    let now = stretch.world.now();
    let oldest = now.0 / WINDOW.0 - (now.0 / WINDOW.0).min(MAX_WINDOWS as u64);
    let first = stretch.from.0.div_ceil(WINDOW.0).max(oldest);
    let rows = (now.0 / WINDOW.0).saturating_sub(first);
    let starts: Vec<Time> = (first..first + rows).map(|window| Time(window * WINDOW.0)).collect();
    let mut columns = vec![("start_us".to_owned(), starts.iter().map(|start| Some(start.0)).collect())];
    measures(stretch, &starts, &mut columns);
    loads(stretch, &starts, &mut columns);
    columns.truncate(MAX_COLUMNS);
    let mut out = String::new();
    row(&mut out, &mut columns.iter().map(|(head, _)| head.clone()));
    for place in 0..starts.len() {
        let field = |(_, fields): &Column| fields[place].map_or(String::new(), |field| field.to_string());
        row(&mut out, &mut columns.iter().map(field));
    }
    out
}

fn measures(stretch: &Stretch, starts: &[Time], columns: &mut Vec<Column>) {
    for name in stretch.metrics.names() {
        let points: Vec<(Time, Point)> =
            stretch.metrics.windows(name, stretch.from).map(|(at, point)| (at, *point)).collect();
        // What is only counted has no distribution.
        let counts = points.iter().all(|(_, point)| point.max == 0);
        for (stat, of) in STATS.iter().take(if counts { 1 } else { STATS.len() }) {
            let point = |start: &Time| {
                let place = points.binary_search_by_key(start, |(at, _)| *at);
                of(&place.map_or(Point::default(), |place| points[place].1))
            };
            columns.push((format!("{name} {stat}"), starts.iter().map(point).collect()));
        }
    }
}

fn loads(stretch: &Stretch, starts: &[Time], columns: &mut Vec<Column>) {
    let Some(from) = starts.first() else { return };
    let loads = windows(&stretch.spans, stretch.world, *from, WINDOW);
    let mut rest = &loads[..];
    while let Some(first) = rest.first() {
        let (mine, others) = rest.split_at(rest.partition_point(|load| load.node == first.node));
        rest = others;
        for (head, of) in LOADS {
            // The windows of a node follow one another from the first start on.
            let fields = (0..starts.len()).map(|place| mine.get(place).map(of)).collect();
            columns.push((format!("{} {head}", stretch.world.name(first.node)), fields));
        }
    }
}

type StatOf = fn(&Point) -> Option<u64>;
const STATS: [(&str, StatOf); 6] = [
    ("count", |point| Some(point.count)),
    ("mean", |point| point.sum.checked_div(point.count)),
    ("p50", |point| (point.count > 0).then_some(point.p50)),
    ("p90", |point| (point.count > 0).then_some(point.p90)),
    ("p99", |point| (point.count > 0).then_some(point.p99)),
    ("max", |point| (point.count > 0).then_some(point.max)),
];

type LoadOf = fn(&Load) -> u64;
const LOADS: [(&str, LoadOf); 5] = [
    ("arrived", |load| u64::from(load.arrived)),
    ("served", |load| u64::from(load.served)),
    ("busy_us", |load| load.busy.0),
    ("waited_us", |load| load.waited.0),
    ("most_waiting", |load| u64::from(load.most)),
];

fn row(out: &mut String, fields: &mut dyn Iterator<Item = String>) {
    for (place, field) in fields.enumerate() {
        out.push_str(if place > 0 { "," } else { "" });
        if field.contains([',', '"', '\r', '\n']) {
            out.push('"');
            out.push_str(&field.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(&field);
        }
    }
    out.push_str("\r\n");
}
