//! The lesson: one idea a step, words in the colour and shape of what they name, tasks that tick themselves.

use yew::prelude::*;

use crate::components::kind;
use crate::player::{Action, StepModel, Wordy};
use crate::scenario::Simplification;
use crate::scene::family_name;

#[derive(Properties, PartialEq)]
pub struct LessonProps {
    pub title: String,
    pub summary: String,
    pub steps: Vec<StepModel>,
    pub step: usize,
    pub simplifications: Vec<Simplification>,
    pub dispatch: Callback<Action>,
}

#[component]
pub fn LessonPanel(props: &LessonProps) -> Html {
    let LessonProps { title, summary, steps, step, simplifications, dispatch } = props;
    let go = |to: Option<usize>| dispatch.reform(move |_: MouseEvent| Action::Step(to.unwrap_or(0)));
    let simpler = (!simplifications.is_empty()).then(|| {
        let points = simplifications.iter().map(|point| {
            let source = (!point.source.is_empty()).then(|| html! { <cite>{ &point.source }</cite> });
            html! { <li>{ &point.what }{ " " }{ for source }</li> }
        });
        html! {
            <details class="simpler">
                <summary>{ "What is simplified here" }</summary>
                <ul>{ for points }</ul>
            </details>
        }
    });
    let body = match steps.get(*step) {
        None => html! { <h2>{ title }</h2> },
        Some(now) => {
            let tasks = now.tasks.iter().map(|task| {
                let word = if task.done { "done: " } else { "to do: " };
                html! {
                    <li class={classes!(task.done.then_some("done"))}>
                        <span class="tick" aria-hidden="true" /><span><span class="unseen">{ word }</span>{ for words(&task.text) }</span>
                    </li>
                }
            });
            let last = step + 1 >= steps.len();
            html! {
                <>
                    <p class="count">{ title }{ format!(" · {} of {}", step + 1, steps.len()) }</p>
                    <h2>{ &now.title }</h2>
                    { for now.text_paragraphs().into_iter().map(|paragraph| html! { <p>{ for words(&paragraph) }</p> }) }
                    <ul class="tasks">{ for tasks }</ul>
                    <nav class="steps" aria-label="Steps">
                        <button onclick={go(step.checked_sub(1))} disabled={*step == 0}>{ "← Back" }</button>
                        <button onclick={go(Some(step + 1))} disabled={last} class="next">{ "Next →" }</button>
                    </nav>
                </>
            }
        }
    };
    html! {
        <div class="lesson-body">
            { body }
            if *step == 0 || steps.is_empty() { <p class="summary">{ summary }</p> }
            { for simpler }
        </div>
    }
}

/// Prose with its words in colour and shape.
pub fn words(parts: &[Wordy]) -> Vec<Html> {
    let part = |part: &Wordy| match part {
        Wordy::Plain(text) => html! { { text } },
        Wordy::Kind(text, name, family) => {
            let shape = kind(name).map(|kind| format!("shape-{:?}", kind.glyph).to_lowercase());
            html! { <b class={classes!("word", format!("of-{}", family_name(*family)), shape)}>{ text }</b> }
        }
    };
    parts.iter().map(part).collect()
}
