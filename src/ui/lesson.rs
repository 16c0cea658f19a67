//! The lesson: one idea a step, words in the colour and shape of what they name, tasks that tick themselves.

use crate::components::{Glyph, kind};
use crate::player::{Action, Player, StepModel, TaskModel, Wordy, steps};
use crate::scenario::{Document, Simplification, in_order, title};
use crate::scene::family_name;

use yew::virtual_dom::ListenerKind;

use super::app::{Fold, Msg};
use super::dom::{El, Link, button, el};

/// The left panel.
pub fn lesson_panel(player: &Player, lecture: bool, link: &Link) -> El {
    let document = player.timeline().document();
    let steps = steps(player);
    let step = player.lesson_step();
    let body = match steps.get(step) {
        None => vec![el("h2").text(&document.title)],
        Some(now) => step_body(now, document, step, steps.len(), link),
    };
    let ways = (!steps.is_empty()).then(|| ways(player.lectures(), lecture, link));
    let summary = (step == 0 || steps.is_empty()).then(|| el("p").class("summary").text(&document.summary));
    el("div").class("lesson-body").all(body).all(ways).all(summary).all(simplified(document))
}

/// Other ways to go through the lesson than reading it.
fn ways(hands_free: bool, lecture: bool, link: &Link) -> El {
    let pressed = |on: bool| if on { "true" } else { "false" };
    el("p")
        .class("ways")
        .add(
            button("▶ Hands-free", link, Msg::Do(Action::Lecture(!hands_free)))
                .set("aria-pressed", pressed(hands_free))
                .set("id", "hands-free")
                .set("title", "The lesson goes on by itself and does what it asks for"),
        )
        .add(
            button("Big type", link, Msg::Flip(Fold::Lecture))
                .set("aria-pressed", pressed(lecture))
                .set("id", "lecture")
                .set("title", "For a lecture: only the lesson and the stage (L)"),
        )
}

fn step_body(now: &StepModel, document: &Document, step: usize, of: usize, link: &Link) -> Vec<El> {
    let go = |to: usize| Msg::Do(Action::Step(to));
    let task = |(place, task): (usize, &TaskModel)| {
        let show = (task.shows && !task.done).then(|| {
            button("Show me", link, Msg::Do(Action::ShowTask(place))).class("show").set("title", "Does it for you")
        });
        let word = if task.done { "done: " } else { "to do: " };
        el("li")
            .class(if task.done { "done" } else { "" })
            .add(el("span").class("tick").set("aria-hidden", "true"))
            .add(el("span").add(el("span").class("unseen").text(word)).all(words(&task.text, link)).all(show))
    };
    let back = button("← Back", link, go(step.saturating_sub(1))).flag("disabled", step == 0);
    // The last step leads on to the next scenario.
    let on = in_order().map(|(_, name)| name).skip_while(|name| **name != *document.name).nth(1);
    let next = match on.filter(|_| step + 1 >= of) {
        Some(name) => button("Next: ", link, Msg::Do(Action::Open(name.to_owned()))).text(title(name)).text(" →"),
        None => button("Next →", link, go(step + 1)).flag("disabled", step + 1 >= of),
    };
    let mut body = vec![
        el("p").class("count").text(&format!("{} · {} of {of}", document.title, step + 1)),
        el("h2").text(&now.title),
    ];
    body.extend(now.text_paragraphs().iter().map(|paragraph| el("p").all(words(paragraph, link))));
    body.push(el("ul").class("tasks").all(now.tasks.iter().enumerate().map(task)));
    body.push(el("nav").class("steps").label("Steps").add(back).add(next.class("next")));
    body
}

fn simplified(document: &Document) -> Option<El> {
    let point = |point: &Simplification| {
        let source = (!point.source.is_empty()).then(|| el("cite").text(&point.source));
        el("li").text(&point.what).text(" ").all(source)
    };
    (!document.simplifications.is_empty()).then(|| {
        el("details")
            .class("simpler")
            .add(el("summary").text("What is simplified here"))
            .add(el("ul").all(document.simplifications.iter().map(point)))
    })
}

/// Prose with its words in colour and shape.
pub fn words<'a>(parts: &'a [Wordy], link: &'a Link) -> impl Iterator<Item = El> + 'a {
    parts.iter().map(move |part| match part {
        Wordy::Plain(text) => el("span").text(text),
        Wordy::Kind(text, name, family) => {
            let shape = kind(name).map_or("", |kind| shape(kind.glyph));
            // Pointing at the word lights what it stands for.
            let light = |on: Option<&'static str>| Msg::Do(Action::Light(on));
            el("b")
                .class(format!("word of-{} {shape}", family_name(*family)))
                .text(text)
                .tells(ListenerKind::onpointerenter, link, light(Some(*name)))
                .tells(ListenerKind::onpointerleave, link, light(None))
        }
    })
}

/// The style sheet's class for the sign of a kind of component.
fn shape(glyph: Glyph) -> &'static str {
    match glyph {
        Glyph::Client => "shape-client",
        Glyph::Balancer => "shape-balancer",
        Glyph::Gateway => "shape-gateway",
        Glyph::Worker => "shape-worker",
        Glyph::Database => "shape-database",
        Glyph::Supervisor => "shape-supervisor",
    }
}
