//! A control for a setting: a slider, a switch or a choice, by what the setting accepts.

use web_sys::HtmlInputElement;
use yew::virtual_dom::ListenerKind;

use crate::player::FieldModel;
use crate::sim::{FieldKind, Micros, Value};

use super::app::Msg;
use super::dom::{El, Link, chosen, el, target};

/// What a control asks for when its setting is to have this value.
pub type Change = Box<dyn Fn(Value) -> Msg>;

/// A setting with its name, its control and its value. `range` are the ends of a slider; seconds for lengths of time.
pub fn field_control(field: &FieldModel, title: &str, range: Option<(f64, f64)>, link: &Link, change: Change) -> El {
    let control = match (&field.kind, &field.value) {
        (FieldKind::Flag, Value::Flag(on)) => el("input").set("type", "checkbox").checked(*on).tells(
            ListenerKind::onchange,
            link,
            change(Value::Flag(!on)),
        ),
        (FieldKind::Choice(words), value) => {
            let now = value.to_string();
            let option = |word: &&'static str| el("option").set("value", *word).selected(**word == now).text(word);
            el("select")
                .all(words.iter().map(option))
                .asks(ListenerKind::onchange, link, move |event| Some(change(Value::text(chosen(event)?))))
        }
        (kind, value) => slider(*kind, value, range, link, change),
    };
    el("label")
        .class("field")
        .key(title)
        .set("title", field.help.clone())
        .add(el("span").class("name").text(title))
        .add(control)
        .add(el("span").class("now").text(&shown(&field.value, field.unit)))
}

fn shown(value: &Value, unit: &str) -> String {
    match value {
        // Two a second are 2/s, not 2 1/s.
        Value::Number(_) if unit.starts_with("1/") => format!("{value}{}", &unit[1..]),
        Value::Number(_) => format!("{value} {unit}").trim().to_owned(),
        Value::Text(text) if text.chars().next().is_some_and(|first| first.is_ascii_digit()) => text.to_string(),
        _ => String::new(),
    }
}

/// How many notches a slider has.
const NOTCHES: f64 = 100.0;

fn slider(kind: FieldKind, value: &Value, range: Option<(f64, f64)>, link: &Link, change: Change) -> El {
    let (min, max) = range.unwrap_or(match kind {
        FieldKind::Number { min, max } => (min, max),
        FieldKind::Whole { min, max } => (min as f64, max as f64),
        FieldKind::Span { min, max } => (min.0 as f64 / 1e6, max.0 as f64 / 1e6),
        FieldKind::Flag | FieldKind::Choice(_) => return el("span"),
    });
    let now = match value {
        Value::Number(number) => *number,
        Value::Text(text) => Micros::parse(text).map_or(min, |span| span.0 as f64 / 1e6),
        Value::Flag(_) => return el("span"),
    };
    // The square root spreads the small values, where the interesting ones are.
    let place = libm::sqrt(((now - min) / (max - min).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0)) * NOTCHES;
    let moved = move |event: &web_sys::Event| {
        let input = wasm_bindgen::JsCast::dyn_into::<HtmlInputElement>(target(event)?).ok()?;
        let share = input.value_as_number() / NOTCHES;
        let raw = min + share * share * (max - min);
        Some(change(match kind {
            FieldKind::Span { .. } => Value::text(rounded_span(raw, (min, max))),
            FieldKind::Whole { .. } => Value::Number(libm::round(raw)),
            _ => Value::Number(round_to(raw, 2).max(min).min(max)),
        }))
    };
    el("input")
        .set("type", "range")
        .set("min", "0")
        .set("max", "100")
        .set("step", "1")
        .value((libm::round(place) as u32).to_string())
        .asks(ListenerKind::onchange, link, moved)
}

/// To so many digits after the first.
fn round_to(value: f64, digits: i32) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let power = libm::pow(10.0, f64::from(digits) - 1.0 - libm::floor(libm::log10(libm::fabs(value))));
    libm::round(value * power) / power
}

/// Rounded, but not out of its range.
fn rounded_span(seconds: f64, (min, max): (f64, f64)) -> Micros {
    Micros::from_f64(round_to(seconds, 2).max(min).min(max) * 1e6)
}
