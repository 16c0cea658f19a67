//! The right side: what is selected, the dials, the vital signs.

use crate::player::{self, Action, Card, DialModel, Entry, FieldModel, Inspector, KeptModel, Player, VitalModel};
use crate::scenario::Act;
use crate::scene::{Target, family_name};

use super::app::Msg;
use super::chart::chart;
use super::controls::field_control;
use super::dom::{El, Link, button, el};
use super::menu::headings;

/// How many of the components that are chosen are named.
const MAX_NAMED: usize = 8;

/// What is selected, or what to do to select something.
pub fn inspector(player: &Player, link: &Link) -> El {
    let model = player.view().selected.and_then(|target| player::inspector(player, target));
    let Some(model) = model else {
        return el("p").class("empty").text("Click a component, a link or a message to look inside.");
    };
    let family = model.family.map(|family| format!("of-{}", family_name(family)));
    let cell = |card: &Card| el("li").class(if card.settled { "cell" } else { "cell open" }).text(&card.text);
    let lines = model.lines.iter().flat_map(|(name, value)| [el("dt").text(name), el("dd").text(value)]);
    el("div")
        .class("inspector")
        .set("id", "inspector")
        .add(
            el("h2")
                .set_some("class", family)
                .text(&model.title)
                .add(el("span").class(if model.well { "state well" } else { "state ill" }).text(&model.state)),
        )
        .add(el("p").class("kind").text(&model.kind))
        .all((player.view().also.len() > 1).then(|| several(player)))
        .add(actions(&model, link))
        .add(el("dl").all(lines))
        .all((!model.log.is_empty()).then(|| el("ol").class("cells").label("log").all(model.log.iter().map(cell))))
        .all(kept(&model, link))
        .add(charts(&model.charts))
        .all(settings(&model, link))
}

/// Who else is chosen.
fn several(player: &Player) -> El {
    let world = &player.timeline().run().world;
    let names: Vec<&str> = player.chosen().iter().take(MAX_NAMED).map(|id| world.name(*id)).collect();
    let rest = player.chosen().len().saturating_sub(names.len());
    let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    el("p").class("several").text(&format!("Chosen: {}{rest}. What is done is done to each.", names.join(", ")))
}

/// What is being served and what waits, each leading to the message as it was sent.
fn kept(model: &Inspector, link: &Link) -> Option<El> {
    let one = |kept: &KeptModel| {
        let class = if kept.served { "cell" } else { "cell open" };
        let name = match kept.message {
            Some(message) => button(kept.name, link, Msg::Do(Action::Select(Some(Target::Flight(message))))),
            None => el("span").text(kept.name),
        };
        el("li").add(name.class(class)).add(el("span").text(&kept.told))
    };
    let more = (model.more > 0).then(|| el("li").text(&format!("and {} more", model.more)));
    let list = || el("ol").class("kept").label("served and waiting").all(model.kept.iter().map(one)).all(more);
    (!model.kept.is_empty()).then(list)
}

/// What can be done to it: what is done often, and the rest under headings.
fn actions(model: &Inspector, link: &Link) -> El {
    let of = |group: &'static str| model.entries.iter().filter(move |entry| entry.group == group);
    let folded = |group: &&'static str| {
        let inside = of(group).map(|entry| action(entry, link));
        el("details").key(*group).add(el("summary").text(group)).all(inside)
    };
    el("div")
        .class("actions")
        .all(of("").map(|entry| action(entry, link)))
        .all(headings(model.entries.iter()).iter().map(folded))
}

fn action(entry: &Entry, link: &Link) -> El {
    let key = entry.key.map_or(String::new(), |key| format!(" ({key})"));
    let title = entry.idle.clone().unwrap_or_else(|| format!("{}{key}", entry.label));
    button(&entry.label, link, Msg::Do(entry.chosen())).set("aria-disabled", idle(entry)).set("title", title)
}

/// For `aria-disabled`: such a button still takes the focus and a click, and then says why it does nothing.
pub fn idle(entry: &Entry) -> &'static str {
    if entry.idle.is_some() { "true" } else { "false" }
}

fn settings(model: &Inspector, link: &Link) -> Option<El> {
    let control = |field: &FieldModel| {
        let (node, name) = (model.title.clone(), field.name);
        let set = move |value| Msg::Do(Action::Act(Act::Set { node: node.clone(), field: name.to_owned(), value }));
        field_control(field, &name.replace('_', " "), None, link, Box::new(set))
    };
    (!model.fields.is_empty()).then(|| {
        el("details").class("settings").add(el("summary").text("Settings")).all(model.fields.iter().map(control))
    })
}

/// The dials of the document.
pub fn dials(player: &Player, link: &Link) -> Option<El> {
    let dials = player::dials(player);
    let control = |dial: &DialModel| {
        let place = dial.place;
        field_control(
            &dial.field,
            &dial.title,
            dial.range,
            link,
            Box::new(move |value| Msg::Do(Action::Turn(place, value))),
        )
    };
    (!dials.is_empty()).then(|| el("div").class("dials").add(el("h3").text("Dials")).all(dials.iter().map(control)))
}

fn charts(models: &[VitalModel]) -> El {
    el("div").all(models.iter().map(chart))
}

/// The vital signs of the whole.
pub fn vitals(player: &Player) -> El {
    charts(&player::vitals(player)).class("vitals")
}
