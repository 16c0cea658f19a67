//! A control for a setting: a slider, a switch or a choice, by what the setting accepts.

use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use crate::player::FieldModel;
use crate::sim::{FieldKind, Micros, Value};

#[derive(Properties, PartialEq)]
pub struct FieldProps {
    pub field: FieldModel,
    pub title: String,
    /// The ends of a slider; seconds for lengths of time.
    pub range: Option<(f64, f64)>,
    pub change: Callback<Value>,
}

#[component]
pub fn FieldControl(props: &FieldProps) -> Html {
    let FieldProps { field, title, range, change } = props;
    let control = match (&field.kind, &field.value) {
        (FieldKind::Flag, Value::Flag(on)) => {
            let (change, on) = (change.clone(), *on);
            html! { <input type="checkbox" checked={on} onchange={move |_: Event| change.emit(Value::Flag(!on))} /> }
        }
        (FieldKind::Choice(words), value) => {
            let change = change.clone();
            let now = value.to_string();
            let choose = move |event: Event| {
                if let Some(select) = event.target_dyn_into::<HtmlSelectElement>() {
                    change.emit(Value::text(select.value()));
                }
            };
            html! {
                <select onchange={choose}>
                    { for words.iter().map(|word| html! { <option value={*word} selected={*word == now}>{ *word }</option> }) }
                </select>
            }
        }
        (kind, value) => slider(kind, value, *range, change.clone()),
    };
    html! {
        <label class="field" title={field.help.clone()}>
            <span class="name">{ title }</span>
            { control }
            <span class="now">{ shown(&field.value, field.unit) }</span>
        </label>
    }
}

fn shown(value: &Value, unit: &str) -> String {
    match value {
        Value::Number(_) => format!("{value} {unit}").trim().to_owned(),
        Value::Text(text) if text.chars().next().is_some_and(|first| first.is_ascii_digit()) => text.to_string(),
        _ => String::new(),
    }
}

/// How many notches a slider has.
const NOTCHES: f64 = 100.0;

fn slider(kind: &FieldKind, value: &Value, range: Option<(f64, f64)>, change: Callback<Value>) -> Html {
    let (min, max) = range.unwrap_or(match *kind {
        FieldKind::Number { min, max } => (min, max),
        FieldKind::Whole { min, max } => (min as f64, max as f64),
        FieldKind::Span { min, max } => (min.0 as f64 / 1e6, max.0 as f64 / 1e6),
        FieldKind::Flag | FieldKind::Choice(_) => return html! {},
    });
    let now = match value {
        Value::Number(number) => *number,
        Value::Text(text) => Micros::parse(text).map_or(min, |span| span.0 as f64 / 1e6),
        Value::Flag(_) => return html! {},
    };
    // The square root spreads the small values, where the interesting ones are.
    let place = libm::sqrt(((now - min) / (max - min).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0)) * NOTCHES;
    let kind = *kind;
    let moved = move |event: Event| {
        let Some(input) = event.target_dyn_into::<HtmlInputElement>() else { return };
        let share = input.value_as_number() / NOTCHES;
        let raw = min + share * share * (max - min);
        change.emit(match kind {
            FieldKind::Span { .. } => Value::text(rounded_span(raw)),
            FieldKind::Whole { .. } => Value::Number(libm::round(raw)),
            _ => Value::Number(round_to(raw, 2).clamp(min, max)),
        });
    };
    html! { <input type="range" min="0" max={NOTCHES.to_string()} step="1" value={format!("{place:.0}")} onchange={moved} /> }
}

/// To so many digits after the first.
fn round_to(value: f64, digits: i32) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let power = libm::pow(10.0, f64::from(digits) - 1.0 - libm::floor(libm::log10(libm::fabs(value))));
    libm::round(value * power) / power
}

fn rounded_span(seconds: f64) -> Micros {
    Micros::from_f64(round_to(seconds, 2) * 1e6)
}
