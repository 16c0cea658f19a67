//! The tree of the courses of events, under the tape and on its scale: a row each, a line from where it left another to
//! where it has come. A click returns to it.

use crate::player::{Action, Draft, Lane, Player, lanes};
use crate::sim::Time;

use super::app::{Msg, Opens};
use super::dom::{El, Link, button, el};
use super::tape::{along, share};

/// How high a row is, in pixels; the style sheet has it too.
const ROW: usize = 18;

/// The tree, if there is more than one course.
pub fn courses(player: &Player, link: &Link) -> Option<El> {
    let (lanes, length) = (lanes(player), player.length());
    if lanes.is_empty() {
        return None;
    }
    let rows = lanes.iter().enumerate().map(|(row, lane)| {
        let title = format!("Return to: {}", lane.name);
        let name = el("span").text(&lane.name).set("data-left", share(lane.from, length));
        // A name near the end stands before its line.
        let name = if along(lane.from, length) > 75_000 { name.class("late-name") } else { name };
        let entry = el("button").add(name).set("title", title).tells(
            yew::virtual_dom::ListenerKind::onclick,
            link,
            Msg::Do(Action::Visit(lane.id)),
        );
        let current = if lane.current { "true" } else { "false" };
        let class = if lane.current { "current" } else { "" };
        el("li").key(lane.id.0).class(class).add(entry.set("aria-current", current)).set("data-row", row.to_string())
    });
    let list = el("ol").set("aria-label", "Courses of events").all(rows);
    Some(el("div").class("courses").add(lines(&lanes, length)).add(list))
}

/// The lines, in thousandths of the width and pixels of height.
fn lines(lanes: &[Lane], length: Time) -> El {
    let x = |at: Time| (along(at, length) / 100).to_string();
    let y = |row: usize| (row * ROW + ROW / 2).to_string();
    let line = |(row, lane): (usize, &Lane)| {
        let up = lane.parent.map_or(String::new(), |parent| format!("M{} {}V{}", x(lane.from), y(parent), y(row)));
        let path = format!("{up}M{} {}H{}", x(lane.from), y(row), x(lane.until));
        el("path").class(if lane.current { "current" } else { "" }).set("d", path)
    };
    let height = lanes.len() * ROW;
    el("svg")
        .set("viewBox", format!("0 0 1000 {height}"))
        .set("preserveAspectRatio", "none")
        .set("aria-hidden", "true")
        .set("height", height.to_string())
        .all(lanes.iter().enumerate().map(line))
}

/// The buttons that go from what happened to what happened.
pub fn stops(player: &Player, link: &Link) -> El {
    use crate::player::Stop;
    let chosen = |event: &web_sys::Event| {
        let name = super::dom::chosen(event)?;
        let (stop, _) = Stop::ALL.iter().find(|(_, known)| *known == name)?;
        Some(Msg::Do(Action::LookFor(*stop)))
    };
    let option = |(stop, name): &(Stop, &'static str)| el("option").selected(*stop == player.stop()).text(name);
    let go = |words: &str, on: bool, title: &'static str| {
        button(words, link, Msg::Do(Action::Jump(on)))
            .set("title", title)
            .label(title.split(" (").next().unwrap_or(title))
    };
    let select = el("select").label("What to go to").all(Stop::ALL.iter().map(option));
    el("span")
        .class("stops")
        .add(go("⟨", false, "To the previous ([)"))
        .add(select.asks(yew::virtual_dom::ListenerKind::onchange, link, chosen))
        .add(go("⟩", true, "To the next (])"))
        .add(
            button("●", link, Msg::Open(Opens::Breaks(Draft::default())))
                .set("title", "Breakpoints (B)")
                .set("id", "breaks")
                .label("Breakpoints"),
        )
        .add(
            button("⚑", link, Msg::Do(Action::Bookmark)).set("title", "A bookmark here, or none (*)").label("Bookmark"),
        )
}
