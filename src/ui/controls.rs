//! A control for a setting: a slider, a switch or a choice, by what the setting accepts.

use web_sys::HtmlInputElement;
use yew::virtual_dom::ListenerKind;

use crate::player::{FieldModel, Slider};
use crate::sim::{FieldKind, Value};

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

fn slider(kind: FieldKind, value: &Value, range: Option<(f64, f64)>, link: &Link, change: Change) -> El {
    let Some(slider) = Slider::of(kind, range) else { return el("span") };
    let moved = move |event: &web_sys::Event| {
        let input = wasm_bindgen::JsCast::dyn_into::<HtmlInputElement>(target(event)?).ok()?;
        Some(change(slider.value(input.value_as_number() as u32)))
    };
    el("input")
        .set("type", "range")
        .set("min", "0")
        .set("max", slider.last().to_string())
        .set("step", "1")
        .value(slider.notch(value).to_string())
        .asks(ListenerKind::onchange, link, moved)
}
