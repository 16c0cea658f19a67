//! The header: which scenario, which seed, what is promised, how it looks, and the way to share it.

use yew::prelude::*;

use crate::player::{Action, Player, verdict};
use crate::scenario::{builtin, builtins};
use crate::scene::Theme;

use super::app::Over;

/// What the header shows.
#[derive(Clone, PartialEq)]
pub struct HeaderModel {
    name: String,
    title: String,
    seed: u64,
    verdict: Option<(bool, String)>,
    told: Option<String>,
    broke_at: Option<crate::sim::Time>,
    theme: Theme,
}

/// Reads it off the player.
pub fn model(player: &Player) -> HeaderModel {
    let document = player.timeline().document();
    let broken = player.timeline().run().violations().first().cloned();
    HeaderModel {
        name: document.name.clone(),
        title: document.title.clone(),
        seed: player.timeline().seed(),
        verdict: verdict(document, player),
        told: broken.as_ref().map(|broken| broken.told.to_string()),
        broke_at: broken.map(|broken| broken.at),
        theme: player.view().theme,
    }
}

#[derive(Properties, PartialEq)]
pub struct HeaderProps {
    pub model: HeaderModel,
    pub dispatch: Callback<Action>,
    pub set_over: Callback<Over>,
    pub toggle_lesson: Callback<()>,
    pub toggle_side: Callback<()>,
    pub lesson_open: bool,
    pub side_open: bool,
}

#[component]
pub fn Header(props: &HeaderProps) -> Html {
    let HeaderProps { model, dispatch, set_over, toggle_lesson, toggle_side, lesson_open, side_open } = props;
    let names: Vec<&str> = builtins().collect();
    let choose = {
        let dispatch = dispatch.clone();
        move |event: Event| {
            if let Some(select) = event.target_dyn_into::<web_sys::HtmlSelectElement>() {
                dispatch.emit(Action::Open(select.value()));
            }
        }
    };
    let reseed = {
        let (dispatch, seed) = (dispatch.clone(), model.seed);
        // The next seed is a function of this one: what a button does must not depend on the day.
        let next = crate::sim::Stream::new(seed, crate::sim::Purpose::Faults).bits() & 0xffff;
        move |_: MouseEvent| dispatch.emit(Action::Reseed(next))
    };
    let own = !names.contains(&model.name.as_str());
    let options = names.into_iter().map(|name| {
        let title = builtin(name).map_or_else(|_| name.to_owned(), |document| document.title);
        html! { <option value={name} selected={name == model.name}>{ title }</option> }
    });
    let verdict = model.verdict.as_ref().map(|(well, words)| {
        let (dispatch, at) = (dispatch.clone(), model.broke_at);
        let go = move |_: MouseEvent| {
            if let Some(at) = at {
                dispatch.emit(Action::Pause);
                dispatch.emit(Action::Seek(at));
            }
        };
        let sign = if *well { "✓ " } else { "✗ " };
        let title = model.told.clone().map(|told| format!("{told} Click to go there.")).unwrap_or_else(|| "Checked at every step.".to_owned());
        html! {
            <button class={classes!("verdict", if *well { "well" } else { "broken" })} onclick={go} title={title} id="verdict">
                <span aria-hidden="true">{ sign }</span><span class="words">{ words }</span>
            </button>
        }
    });
    let dark = model.theme == Theme::Dark;
    let switch = dispatch.reform(move |_: MouseEvent| Action::Theme(if dark { Theme::Light } else { Theme::Dark }));
    html! {
        <header class="top">
            <a class="brand" href="./" title="Faultline: see how distributed systems work, and how they fail">{ "fault" }<b>{ "line" }</b></a>
            <label class="pick"><span class="unseen">{ "Scenario" }</span>
                <select onchange={choose} id="scenario">
                    { for options }
                    if own { <option value={model.name.clone()} selected=true>{ format!("{} (edited)", model.title) }</option> }
                </select>
            </label>
            <button class="seed" onclick={reseed} title="The run's luck. Click for another.">{ "seed " }<b>{ format!("{:x}", model.seed) }</b></button>
            { for verdict }
            <span class="grow" />
            <button class="fold" aria-pressed={lesson_open.to_string()} onclick={toggle_lesson.reform(|_: MouseEvent| ())} title="Lesson">{ "Lesson" }</button>
            <button class="fold" aria-pressed={side_open.to_string()} onclick={toggle_side.reform(|_: MouseEvent| ())} title="Details">{ "Details" }</button>
            <button class="icon" onclick={switch} title={if dark { "Light" } else { "Dark" }} aria-label={if dark { "Light theme" } else { "Dark theme" }}>
                { if dark { "☀" } else { "☾" } }</button>
            <button class="icon" onclick={set_over.reform(|_: MouseEvent| Over::Help)} title="Keys (?)" aria-label="Keys">{ "?" }</button>
            <button class="share" id="share" onclick={set_over.reform(|_: MouseEvent| Over::Share)}>
                <span class="wide">{ "Share this moment" }</span><span class="slim">{ "Share" }</span></button>
        </header>
    }
}
