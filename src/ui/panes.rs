//! The trace and the charts in their frames, with their buttons.

use std::rc::Rc;

use crate::player::{Action, Back, Charting, Looking, Player, Plotted, Tracing};
use crate::scene::{Area, Target};
use crate::views::Kind;

use super::app::Msg;
use super::dock::{MAX_BUTTONS, pane};
use super::dom::{El, Link, button, el};
use super::view_hand::{ViewHand, message, surface};

fn traces(tracing: Tracing) -> Action {
    Action::Look(Looking::Trace(tracing))
}

fn charted(charting: Charting) -> Action {
    Action::Look(Looking::Chart(charting))
}

/// The trace, with what can be done to it.
#[inline(never)]
pub fn trace(player: &Player, hand: &Rc<ViewHand>, link: &Link) -> El {
    let look = player.trace_look();
    let act = |tracing: Tracing| Msg::Do(traces(tracing));
    let switch = |words: &str, on: bool, title: &'static str, tracing: Tracing| {
        button(words, link, act(tracing)).set("aria-pressed", if on { "true" } else { "false" }).set("title", title)
    };
    let tools = el("span")
        .class("tools")
        .add(switch("Slowest", look.slowest, "The slowest requests first, instead of the latest (l)", Tracing::Slowest))
        .add(switch(
            "All chains",
            look.everyone,
            "Also what no person asked for: timers, heartbeats (o)",
            Tracing::Everyone,
        ))
        .add(
            button("‹", link, act(Tracing::Request(1)))
                .label("The request below in the list")
                .set("title", "The request below in the list (shift and arrow down)"),
        )
        .add(
            button("›", link, act(Tracing::Request(-1)))
                .label("The request above in the list")
                .set("title", "The request above in the list (shift and arrow up)"),
        )
        .add(button("−", link, act(Tracing::Zoom(2.0, None))).label("More time").set("title", "More time (u)"))
        .add(button("+", link, act(Tracing::Zoom(0.5, None))).label("Less time").set("title", "Less time (i)"))
        .add(
            button("Last", link, act(Tracing::Last))
                .set("title", "The last request that is over, and so on as time goes on (End)"),
        );
    let told = "Trace: a row a message of one request, below the one that it came of. Arrow up and down go from row to row, \
                with shift from request to request.";
    let unseen = (!player.playing()).then(|| [named(player, hand, true, link), named(player, hand, false, link)]);
    let body = surface(told, hand, link).all(unseen.into_iter().flatten());
    pane(Kind::Trace, tools, body, link)
}

/// The requests of the list, or the rows, as buttons while time stands still; their places tell a program that drives the
/// page where to point.
fn named(player: &Player, hand: &Rc<ViewHand>, listed: bool, link: &Link) -> El {
    let mut last = None;
    let hits = hand.host.surfaces.hits(Kind::Trace);
    let buttons = hits.iter().filter_map(|hit| {
        let (Target::Flight(record), Area::Path { from, via, .. }) = (hit.target, hit.area) else { return None };
        // Each is there twice, so that nothing lies between the rows.
        if (from.x < player.traced().list) != listed || last.replace((record, listed)) == Some((record, listed)) {
            return None;
        }
        let named = message(player, record, link)?;
        Some(named.set("data-x", (via.x as i32).to_string()).set("data-y", (via.y as i32).to_string()))
    });
    let label = if listed { "Requests" } else { "Rows" };
    el("div").class("unseen").set("role", "group").label(label).all(buttons.take(MAX_BUTTONS))
}

/// The charts, with what can be plotted.
#[inline(never)]
pub fn charts(player: &Player, hand: &Rc<ViewHand>, link: &Link) -> El {
    let plotted = player.plotted();
    let pick = |(which, name): (Plotted, String)| {
        let on = plotted.contains(&which);
        let words = name.clone();
        let pick = button(&words, link, Msg::Do(charted(Charting::Plot(which))));
        el("li").key(name).add(pick.set("aria-pressed", if on { "true" } else { "false" }))
    };
    let picks = el("ul").class("picks").label("What is plotted").all(player.plottable().into_iter().map(pick));
    let back = |(back, name): &(Back, &'static str)| {
        button(name, link, Msg::Do(charted(Charting::Back(*back))))
            .set("aria-pressed", if player.charts_back() == *back { "true" } else { "false" })
            .set("title", "How far back the charts look")
    };
    let tools = el("span").class("tools").all(Back::ALL.iter().map(back));
    let told = "Charts of what the run measures. Arrow left and right point at an instant, which shows in every view; Enter \
                goes there.";
    let body = el("div").class("plots").add(picks).add(surface(told, hand, link));
    pane(Kind::Charts, tools, body, link)
}
