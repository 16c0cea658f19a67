//! A small chart: a few lines over the last seconds, the faults as dashed verticals.

use crate::player::{ChartLine, VitalModel};
use crate::sim::fixed;

use super::dom::{El, el};

const WIDTH: f64 = 280.0;
const HEIGHT: f64 = 64.0;

/// One of the vital signs.
pub fn chart(model: &VitalModel) -> El {
    let VitalModel { title, lines, span, top, faults } = model;
    let x = |at: f64| tenths((at - span.0) / (span.1 - span.0) * WIDTH);
    let value = |(place, line): (usize, &ChartLine)| {
        let name = (lines.len() > 1).then(|| el("i").class(format!("key line-{place}")).text(&line.name));
        el("span").class("value").all(name).text(" ").add(el("b").text(&line.now))
    };
    let rule = |class: &'static str, x1: String, x2: String, y1: &'static str, y2: &'static str| {
        el("line").class(class).set("x1", x1).set("x2", x2).set("y1", y1).set("y2", y2)
    };
    let grid = |y: &'static str| rule("grid", "0".to_owned(), "280".to_owned(), y, y);
    let told: Vec<String> = lines.iter().map(|line| format!("{} {}", line.name, line.now)).collect();
    let svg = el("svg")
        .set("viewBox", "0 -3 280 70")
        .set("preserveAspectRatio", "none")
        .set("role", "img")
        .label(format!("{title}: {}", told.join(", ")))
        .add(grid("0"))
        .add(grid("64"))
        .all(faults.iter().map(|at| rule("fault", x(*at), x(*at), "0", "64")))
        .all(
            lines
                .iter()
                .enumerate()
                .map(|(place, line)| el("path").class(format!("line-{place}")).set("d", path(line, *top, &x))),
        );
    el("div")
        .class("chart")
        .key(title.as_str())
        .add(
            el("p")
                .add(el("span").class("title").text(title))
                .add(el("span").class("values").all(lines.iter().enumerate().map(value))),
        )
        .add(svg)
        .add(el("span").class("top").text(&(*top as u64).to_string()))
}

/// The points of a line, with gaps where there was nothing to tell.
fn path(line: &ChartLine, top: f64, x: &dyn Fn(f64) -> String) -> String {
    let mut path = String::new();
    let mut pen_down = false;
    for (at, value) in &line.points {
        match value {
            Some(value) => {
                path.push(if pen_down { 'L' } else { 'M' });
                path.push_str(&x(*at));
                path.push(' ');
                path.push_str(&tenths(HEIGHT - (value / top).clamp(0.0, 1.0) * HEIGHT));
                pen_down = true;
            }
            None => pen_down = false,
        }
    }
    path
}

/// A coordinate to a tenth of a pixel.
fn tenths(value: f64) -> String {
    fixed(value, 1)
}
