//! The right side: what is selected, the dials, the vital signs, the log.

use yew::prelude::*;

use crate::player::{Action, DialModel, FieldModel, Inspector, LogLine, VitalModel};
use crate::scenario::Act;
use crate::scene::{Target, family_name};

use super::chart::Chart;
use super::controls::FieldControl;

#[derive(Properties, PartialEq)]
pub struct InspectorProps {
    pub model: Inspector,
    pub dispatch: Callback<Action>,
}

#[component]
pub fn InspectorPanel(props: &InspectorProps) -> Html {
    let InspectorProps { model, dispatch } = props;
    let family = model.family.map(|family| format!("of-{}", family_name(family)));
    let lines = model.lines.iter().map(|(name, value)| html! { <><dt>{ name }</dt><dd>{ value }</dd></> });
    let cells = model.log.iter().map(|cell| {
        html! { <li class={classes!("cell", (!cell.settled).then_some("open"))}>{ &cell.text }</li> }
    });
    let entries = model.entries.iter().map(|entry| {
        let idle = entry.idle.is_some();
        let (dispatch, action) = (dispatch.clone(), entry.action.clone());
        let key = entry.key.map_or(String::new(), |key| format!(" ({key})"));
        let title = entry.idle.clone().unwrap_or_else(|| format!("{}{key}", entry.label));
        let onclick = move |_: MouseEvent| {
            if !idle {
                dispatch.emit(action.clone());
            }
        };
        html! { <button {onclick} aria-disabled={idle.to_string()} {title}>{ &entry.label }</button> }
    });
    let node = match model.target {
        Target::Node(_) => Some(model.title.clone()),
        _ => None,
    };
    let fields = model.fields.iter().map(|field| {
        let change = set(dispatch, node.clone().unwrap_or_default(), field);
        html! { <FieldControl key={field.name} field={field.clone()} title={field.name.replace('_', " ")} range={None::<(f64, f64)>} change={change} /> }
    });
    html! {
        <div class="inspector" id="inspector">
            <h2 class={classes!(family)}>{ &model.title }<span class={classes!("state", if model.well { "well" } else { "ill" })}>{ &model.state }</span></h2>
            <p class="kind">{ &model.kind }</p>
            <div class="actions">{ for entries }</div>
            <dl>{ for lines }</dl>
            if !model.log.is_empty() { <ol class="cells" aria-label="log">{ for cells }</ol> }
            if !model.fields.is_empty() {
                <details class="settings"><summary>{ "Settings" }</summary>{ for fields }</details>
            }
        </div>
    }
}

fn set(dispatch: &Callback<Action>, node: String, field: &FieldModel) -> Callback<crate::sim::Value> {
    let name = field.name;
    dispatch.reform(move |value| Action::Act(Act::Set { node: node.clone(), field: name.to_owned(), value }))
}

#[derive(Properties, PartialEq)]
pub struct DialsProps {
    pub dials: Vec<DialModel>,
    pub dispatch: Callback<Action>,
}

/// The dials of the document.
#[component]
pub fn Dials(props: &DialsProps) -> Html {
    if props.dials.is_empty() {
        return html! {};
    }
    let dials = props.dials.iter().map(|dial| {
        let place = dial.place;
        let change = props.dispatch.reform(move |value| Action::Turn(place, value));
        html! { <FieldControl key={place} field={dial.field.clone()} title={dial.title.clone()} range={dial.range} change={change} /> }
    });
    html! { <div class="dials"><h3>{ "Dials" }</h3>{ for dials }</div> }
}

#[derive(Properties, PartialEq)]
pub struct VitalsProps {
    pub vitals: Vec<VitalModel>,
}

/// The vital signs of the whole.
#[component]
pub fn Vitals(props: &VitalsProps) -> Html {
    html! { <div class="vitals">{ for props.vitals.iter().map(|model| html! { <Chart key={model.title.clone()} model={model.clone()} /> }) }</div> }
}

#[derive(Properties, PartialEq)]
pub struct LogProps {
    pub lines: Vec<LogLine>,
    pub all: bool,
    pub toggle: Callback<()>,
    pub dispatch: Callback<Action>,
}

/// The log, newest first.
#[component]
pub fn LogPanel(props: &LogProps) -> Html {
    let lines = props.lines.iter().map(|line| {
        let time = line.time;
        let dispatch = props.dispatch.clone();
        let go = move |_: MouseEvent| {
            dispatch.emit(Action::Pause);
            dispatch.emit(Action::Seek(time));
        };
        html! {
            <li key={line.record.0} class={classes!(line.warn.then_some("warn"))}>
                <button onclick={go} title="Go to this moment"><time>{ &line.at }</time>{ " " }{ &line.text }</button>
            </li>
        }
    });
    html! {
        <div class="log-panel">
            <p><span class="title">{ "Log" }</span>
                <label><input type="checkbox" checked={props.all} onchange={props.toggle.reform(|_: Event| ())} />{ " every message" }</label></p>
            if props.lines.is_empty() { <p class="empty">{ "Nothing out of the ordinary has happened yet." }</p> }
            <ol>{ for lines }</ol>
        </div>
    }
}
