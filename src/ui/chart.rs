//! A small chart: a few lines over the last seconds, the faults as dashed verticals.

use std::fmt::Write;

use yew::prelude::*;

use crate::player::{ChartLine, VitalModel};

const WIDTH: f64 = 280.0;
const HEIGHT: f64 = 64.0;

#[derive(Properties, PartialEq)]
pub struct ChartProps {
    pub model: VitalModel,
}

#[component]
pub fn Chart(props: &ChartProps) -> Html {
    let VitalModel { title, lines, span, top, faults } = &props.model;
    let x = |at: f64| (at - span.0) / (span.1 - span.0) * WIDTH;
    let values = lines.iter().enumerate().map(|(place, line)| {
        let name = (lines.len() > 1).then(|| html! { <i class={format!("key line-{place}")}>{ &line.name }</i> });
        html! { <span class="value">{ for name }{ " " }<b>{ &line.now }</b></span> }
    });
    let faults = faults.iter().map(|at| {
        let x = format!("{:.1}", x(*at));
        html! { <line class="fault" x1={x.clone()} x2={x} y1="0" y2={HEIGHT.to_string()} /> }
    });
    let paths = lines.iter().enumerate().map(|(place, line)| {
        html! { <path class={format!("line-{place}")} d={path(line, *top, x)} /> }
    });
    let label = format!(
        "{title}: {}",
        lines.iter().map(|line| format!("{} {}", line.name, line.now)).collect::<Vec<_>>().join(", ")
    );
    html! {
        <div class="chart">
            <p><span class="title">{ title }</span><span class="values">{ for values }</span></p>
            <svg viewBox={format!("0 -3 {WIDTH} {}", HEIGHT + 6.0)} preserveAspectRatio="none" role="img" aria-label={label}>
                <line class="grid" x1="0" x2={WIDTH.to_string()} y1="0" y2="0" />
                <line class="grid" x1="0" x2={WIDTH.to_string()} y1={HEIGHT.to_string()} y2={HEIGHT.to_string()} />
                { for faults }
                { for paths }
            </svg>
            <span class="top">{ format!("{top}") }</span>
        </div>
    }
}

/// The points of a line, with gaps where there was nothing to tell.
fn path(line: &ChartLine, top: f64, x: impl Fn(f64) -> f64) -> String {
    let mut path = String::new();
    let mut pen_down = false;
    for (at, value) in &line.points {
        match value {
            Some(value) => {
                let y = HEIGHT - (value / top).clamp(0.0, 1.0) * HEIGHT;
                let command = if pen_down { 'L' } else { 'M' };
                // A String takes whatever is written to it.
                let _ = write!(path, "{command}{:.1} {y:.1}", x(*at));
                pen_down = true;
            }
            None => pen_down = false,
        }
    }
    path
}
