//! The breakpoints: those that are set, and one that is being written.

use web_sys::Event;
use yew::virtual_dom::ListenerKind;

use crate::player::{Action, BreakSort, Breaking, Breakpoint, Draft, Offered, Player, offered};

use super::app::{Msg, Opens};
use super::dom::{El, Link, button, chosen, el};
use super::overlay::dialog;

/// The dialog.
#[inline(never)]
pub fn breaks(player: &Player, draft: &Draft, link: &Link) -> [El; 2] {
    let set = player.breakpoints();
    let told = match set.is_empty() {
        true => "The run stops by itself where what is set here comes to be. Nothing is set yet.",
        false => "The run stops by itself where one of these comes to be; ] runs on to the next.",
    };
    let one = |(place, one): (usize, &Breakpoint)| {
        let switch = el("input").set("type", "checkbox").checked(one.on).tells(
            ListenerKind::onchange,
            link,
            act(Breaking::Switch(place)),
        );
        el("li")
            .key(place as u64)
            .add(el("label").add(switch).text(" ").text(&one.words))
            .add(button("×", link, act(Breaking::Remove(place))).label(format!("Take away: {}", one.words)))
    };
    let body = el("div")
        .class("breaks")
        .add(el("p").text(told))
        .all((!set.is_empty()).then(|| el("ul").all(set.iter().enumerate().map(one))))
        .add(form(&offered(player, draft), draft, link));
    dialog("Breakpoints", body, link)
}

fn act(breaking: Breaking) -> Msg {
    Msg::Do(Action::Break(breaking))
}

/// What is chosen in a list changes the draft so.
fn changes(draft: &Draft, to: fn(&mut Draft, String)) -> impl Fn(&Event) -> Option<Msg> + use<> {
    let draft = draft.clone();
    move |event| {
        let mut draft = draft.clone();
        to(&mut draft, chosen(event)?);
        Some(Msg::Open(Opens::Breaks(draft)))
    }
}

fn list(
    label: &'static str,
    words: &[String],
    now: &str,
    first: Option<&str>,
    on: impl Fn(&Event) -> Option<Msg> + 'static,
    link: &Link,
) -> El {
    let option = |word: &String| el("option").set("value", word.clone()).selected(*word == now).text(word);
    let none = first.map(|first| el("option").set("value", "").selected(now.is_empty()).text(first));
    el("select").label(label).all(none).all(words.iter().map(option)).asks(ListenerKind::onchange, link, on)
}

fn form(offered: &Offered, draft: &Draft, link: &Link) -> El {
    let sort = |(sort, name): &(BreakSort, &str)| el("option").selected(*sort == draft.sort).text(name);
    let sorts = |event: &Event| {
        let word = chosen(event)?;
        let (sort, _) = BreakSort::ALL.iter().find(|(_, name)| *name == word)?;
        Some(Msg::Open(Opens::Breaks(Draft { sort: *sort, ..Draft::default() })))
    };
    let sorts =
        el("select").label("Stop at").all(BreakSort::ALL.iter().map(sort)).asks(ListenerKind::onchange, link, sorts);
    let what =
        |first| list("What", &offered.what, &draft.what, first, changes(draft, |draft, to| draft.what = to), link);
    let place =
        |first| list("Where", &offered.places, &draft.place, first, changes(draft, |draft, to| draft.place = to), link);
    let figure = |label: &'static str, hint: &'static str| {
        el("span")
            .add(
                el("input")
                    .set("inputmode", "decimal")
                    .set("placeholder", hint)
                    .label(label)
                    .class("figure")
                    .value(draft.figure.clone())
                    .asks(ListenerKind::oninput, link, changes(draft, |draft, to| draft.figure = to)),
            )
            .text(offered.unit)
    };
    let fields = match draft.sort {
        BreakSort::Event => vec![what(None), el("span").text("at"), place(Some("any component"))],
        BreakSort::State => {
            vec![figure("How many", "1"), el("span").text("of"), place(None), el("span").text("are"), what(None)]
        }
        BreakSort::Measure => {
            let stats: Vec<String> = offered.stats.iter().map(|stat| (*stat).to_owned()).collect();
            let ways = ["above".to_owned(), "below".to_owned()];
            let way = if draft.below { "below" } else { "above" };
            vec![
                list("Of it", &stats, &draft.stat, None, changes(draft, |draft, to| draft.stat = to), link),
                el("span").text("of"),
                what(None),
                list("Which way", &ways, way, None, changes(draft, |draft, to| draft.below = to == "below"), link),
                figure("Figure", "300"),
            ]
        }
        BreakSort::Promise => vec![what(Some("any promise"))],
        BreakSort::Instant => vec![figure("Instant", "12.5")],
    };
    el("div")
        .class("row")
        .set("role", "group")
        .label("A new breakpoint")
        .add(el("span").text("Stop at"))
        .add(sorts)
        .all(fields)
        .add(button("Set", link, act(Breaking::Add(draft.clone()))).class("set").set("id", "set-break"))
}
