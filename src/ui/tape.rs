//! The tape: transport, speed, and the scrub bar painted with what happened.

use web_sys::HtmlElement;
use yew::prelude::*;

use crate::player::{Action, Player, SPEED_STEPS};
use crate::sim::Time;
use crate::timeline::MarkKind;
use crate::trace::clock;

/// What the tape shows.
#[derive(Clone, PartialEq)]
pub struct TapeModel {
    playing: bool,
    late: bool,
    now: Time,
    reached: Time,
    length: Time,
    speed: f64,
    marks: Vec<(Time, MarkKind, String)>,
    acts: Vec<(Time, String)>,
    branches: usize,
    lost: u64,
}

/// How many marks are painted.
const MAX_SHOWN: usize = 200;

/// Reads it off the player.
pub fn model(player: &Player) -> TapeModel {
    let timeline = player.timeline();
    let world = &timeline.run().world;
    let marks = timeline.tape().marks().iter().take(MAX_SHOWN);
    TapeModel {
        playing: player.playing(),
        late: player.late(),
        now: timeline.now(),
        reached: timeline.reached(),
        length: player.length(),
        speed: player.speed(),
        marks: marks
            .map(|mark| {
                (mark.at, mark.kind, format!("{}: {} {}", clock(mark.at), word(mark.kind), world.name(mark.node)))
            })
            .collect(),
        acts: timeline
            .acts()
            .iter()
            .take(MAX_SHOWN)
            .map(|act| (act.at, format!("{}: you {}", clock(act.at), act.act.words())))
            .collect(),
        branches: timeline.branches().len(),
        lost: timeline.run().broken(),
    }
}

fn word(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::Fault => "fault at",
        MarkKind::Recovery => "recovery of",
        MarkKind::Change => "change at",
        MarkKind::Notice => "suspicion by",
        MarkKind::Violation => "promise broken at",
    }
}

fn class(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::Fault => "fault",
        MarkKind::Recovery => "recovery",
        MarkKind::Change => "change",
        MarkKind::Notice => "notice",
        MarkKind::Violation => "violation",
    }
}

#[derive(Properties, PartialEq)]
pub struct TapeProps {
    pub model: TapeModel,
    pub dispatch: Callback<Action>,
    pub embed: bool,
}

#[component]
pub fn Tape(props: &TapeProps) -> Html {
    let TapeProps { model, dispatch, embed } = props;
    let send = |action: Action| dispatch.reform(move |_: MouseEvent| action.clone());
    let bar = use_node_ref();
    let length = model.length;
    let seek = {
        let (dispatch, bar) = (dispatch.clone(), bar.clone());
        move |event: &PointerEvent| {
            let Some(bar) = bar.cast::<HtmlElement>() else { return };
            let bounds = bar.get_bounding_client_rect();
            let share = (f64::from(event.client_x()) - bounds.left()) / bounds.width().max(1.0);
            dispatch.emit(Action::Seek(Time((share.clamp(0.0, 1.0) * length.0 as f64) as u64)));
        }
    };
    let onpointerdown = {
        let (seek, bar) = (seek.clone(), bar.clone());
        move |event: PointerEvent| {
            if let Some(bar) = bar.cast::<HtmlElement>() {
                // A pointer that is gone already cannot be captured, and need not be.
                let _ = bar.set_pointer_capture(event.pointer_id());
                let _ = bar.focus();
            }
            seek(&event);
        }
    };
    let onpointermove = move |event: PointerEvent| {
        if event.buttons() & 1 == 1 {
            seek(&event);
        }
    };
    let onkeydown = {
        let dispatch = dispatch.clone();
        move |event: KeyboardEvent| {
            let action = match event.key().as_str() {
                "ArrowRight" | "ArrowUp" => Action::Skip(if event.shift_key() { 5 } else { 1 }),
                "ArrowLeft" | "ArrowDown" => Action::Skip(if event.shift_key() { -5 } else { -1 }),
                "Home" => Action::Seek(Time::ZERO),
                " " => Action::Toggle,
                "." => Action::StepOn,
                "," => Action::StepBack,
                _ => return,
            };
            event.prevent_default();
            dispatch.emit(action);
        }
    };
    let share = |at: Time| format!("{:.3}%", 100.0 * at.0 as f64 / length.0.max(1) as f64);
    let marks = model
        .marks
        .iter()
        .map(|(at, kind, told)| html! { <Mark class={class(*kind)} at={share(*at)} told={told.clone()} /> });
    let acts = model.acts.iter().map(|(at, told)| html! { <Mark class="act" at={share(*at)} told={told.clone()} /> });
    let speeds = SPEED_STEPS.iter().map(|speed| {
        html! { <option value={speed.to_string()} selected={*speed == model.speed}>{ speed_word(*speed) }</option> }
    });
    let other = (!SPEED_STEPS.contains(&model.speed))
        .then(|| html! { <option selected=true>{ speed_word(model.speed) }</option> });
    let choose = {
        let dispatch = dispatch.clone();
        move |event: Event| {
            let select = event.target_dyn_into::<web_sys::HtmlSelectElement>();
            if let Some(speed) = select.and_then(|select| select.value().parse().ok()) {
                dispatch.emit(Action::Speed(speed));
            }
        }
    };
    let value = format!("{} of {} seconds", clock(model.now), clock(length));
    html! {
        <div class={classes!("tape", embed.then_some("small"))}>
            <div class="transport">
                if !embed {
                    <button onclick={send(Action::Restart)} title="From the beginning, nothing done" aria-label="From the beginning">{ "|◀" }</button>
                    <button onclick={send(Action::StepBack)} title="One event back (,)" aria-label="One event back">{ "◀" }</button>
                }
                <button class="play" id="play" onclick={send(Action::Toggle)} title="Play or pause (space)"
                    aria-label={if model.playing { "Pause" } else { "Play" }}>{ if model.playing { "❚❚" } else { "▶" } }</button>
                if !embed {
                    <button onclick={send(Action::StepOn)} title="One event on (.)" aria-label="One event on" id="step">{ "▶|" }</button>
                }
                <span class="clock" id="clock">{ clock(model.now) }{ " s" }</span>
                <label class="speed" title="Simulated seconds a second (+ and −)"><span class="unseen">{ "Speed" }</span>
                    <select onchange={choose} id="speed">{ for speeds }{ for other }</select></label>
                if model.late { <span class="late" title="More happens than a frame can hold.">{ "slower than asked" }</span> }
                if model.branches > 0 && !embed {
                    <span class="late" title="Courses of events that you left by acting in their past.">{ format!("{} left behind", model.branches) }</span>
                }
            </div>
            <div class="bar" ref={bar} role="slider" tabindex="0" aria-label="Time" aria-valuemin="0" aria-valuemax={length.seconds().to_string()}
                aria-valuenow={model.now.seconds().to_string()} aria-valuetext={value} {onpointerdown} {onpointermove} {onkeydown}>
                <Span class="reached" width={share(model.reached)} />
                <Span class="done" width={share(model.now)} />
                { for acts }
                { for marks }
                <Mark class="cursor" at={share(model.now)} told="" />
            </div>
        </div>
    }
}

fn speed_word(speed: f64) -> String {
    if speed >= 1.0 { format!("{speed}×") } else { format!("1/{:.0}×", 1.0 / speed) }
}

#[derive(Properties, PartialEq)]
struct MarkProps {
    class: &'static str,
    at: String,
    told: String,
}

/// A place on the bar. Styles are set through the object model, which a content security policy allows.
#[component]
fn Mark(props: &MarkProps) -> Html {
    let node = use_node_ref();
    use_effect_with((node.clone(), props.at.clone()), |(node, at)| set_style(node, "left", at));
    let title = (!props.told.is_empty()).then(|| props.told.clone());
    html! { <i ref={node} class={classes!("mark", props.class)} title={title} /> }
}

#[derive(Properties, PartialEq)]
struct SpanProps {
    class: &'static str,
    width: String,
}

#[component]
fn Span(props: &SpanProps) -> Html {
    let node = use_node_ref();
    use_effect_with((node.clone(), props.width.clone()), |(node, width)| set_style(node, "width", width));
    html! { <i ref={node} class={props.class} /> }
}

fn set_style(node: &NodeRef, name: &str, value: &str) {
    if let Some(element) = node.cast::<HtmlElement>() {
        // Only a name that is no property is refused.
        let _ = element.style().set_property(name, value);
    }
}
