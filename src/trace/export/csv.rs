//! Metrics as comma-separated values (RFC 4180): one row a window.

use crate::sim::{Micros, Time};

use super::super::load::{Load, windows};
use super::super::metrics::{Point, WINDOW};
use super::Stretch;

/// How many columns there may be; what comes after has none.
pub const MAX_COLUMNS: usize = 4_096;

/// A column: its head, and its fields from the first window on; empty where there is nothing to tell.
type Column = (String, Vec<Option<u64>>);

/// The whole file. The last window is left out while it is not over; what is older than the windows that the metrics keep
/// stands in rows of summaries, which are wider.
pub fn csv(stretch: &Stretch) -> String {
    let now = stretch.world.now();
    let rows = spans(stretch, now);
    let column = |of: fn(&(Time, Micros)) -> u64| rows.iter().map(|row| Some(of(row))).collect();
    let mut columns = vec![
        ("start_us".to_owned(), column(|(start, _)| start.0)),
        ("width_us".to_owned(), column(|(_, width)| width.0)),
    ];
    measures(stretch, &rows, &mut columns);
    loads(stretch, &rows, &mut columns);
    columns.truncate(MAX_COLUMNS);
    let mut out = String::new();
    row(&mut out, &mut columns.iter().map(|(head, _)| head.clone()));
    for place in 0..rows.len() {
        let field = |(_, fields): &Column| fields[place].map_or(String::new(), |field| field.to_string());
        row(&mut out, &mut columns.iter().map(field));
    }
    out
}

/// When each row begins, and how wide it is.
fn spans(stretch: &Stretch, now: Time) -> Vec<(Time, Micros)> {
    let wide = |name| stretch.metrics.summaries(name, stretch.from);
    let summaries = stretch.metrics.names().next().map(wide).unwrap_or_default();
    let mut rows: Vec<(Time, Micros)> = summaries.into_iter().map(|(start, width, _)| (start, width)).collect();
    let ended = rows.last().map_or(Time::ZERO, |(start, width)| *start + *width);
    let first = stretch.from.0.max(ended.0).div_ceil(WINDOW.0);
    rows.extend((first..now.0 / WINDOW.0).map(|window| (Time(window * WINDOW.0), WINDOW)));
    rows
}

fn measures(stretch: &Stretch, rows: &[(Time, Micros)], columns: &mut Vec<Column>) {
    for name in stretch.metrics.names() {
        let wide = stretch.metrics.summaries(name, stretch.from).into_iter().map(|(start, _, point)| (start, point));
        let windows = stretch.metrics.windows(name, stretch.from).map(|(start, point)| (start, *point));
        let points: Vec<(Time, Point)> = wide.chain(windows).collect();
        // What is only counted has no distribution.
        let counts = points.iter().all(|(_, point)| point.max == 0);
        for (stat, of) in STATS.iter().take(if counts { 1 } else { STATS.len() }) {
            let point = |(start, _): &(Time, Micros)| {
                let place = points.binary_search_by_key(start, |(at, _)| *at);
                of(&place.map_or(Point::default(), |place| points[place].1))
            };
            columns.push((format!("{name} {stat}"), rows.iter().map(point).collect()));
        }
    }
}

fn loads(stretch: &Stretch, rows: &[(Time, Micros)], columns: &mut Vec<Column>) {
    // Summaries have none.
    let wide = rows.iter().filter(|(_, width)| *width != WINDOW).count();
    let Some((from, _)) = rows.get(wide) else { return };
    let loads = windows(&stretch.spans, stretch.world, *from, WINDOW);
    let mut rest = &loads[..];
    while let Some(first) = rest.first() {
        let (mine, others) = rest.split_at(rest.partition_point(|load| load.node == first.node));
        rest = others;
        for (head, of) in LOADS {
            // The windows of a node follow one another from the first start on.
            let fields = (0..rows.len()).map(|place| mine.get(place.checked_sub(wide)?).map(of)).collect();
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
