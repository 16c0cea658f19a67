//! The header: which scenario, which seed, what is promised, how it looks, and the way to share it.

use yew::virtual_dom::ListenerKind;

use crate::player::{Action, Player, verdict};
use crate::scenario::{SHELVES, builtins, title};
use crate::scene::Theme;

use super::app::{Fold, Msg, Opens};
use super::dom::{El, Link, button, chosen, el};

/// The header; `open` tells which of the panels beside the stage are open.
pub fn header(player: &Player, open: impl Fn(Fold) -> bool, link: &Link) -> El {
    let seed = player.timeline().seed();
    // The next seed is a function of this one: what a button does must not depend on the day.
    let next = crate::sim::Stream::new(seed, crate::sim::Purpose::Faults).bits() & 0xffff;
    let dark = player.view().theme == Theme::Dark;
    let other = Msg::Do(Action::Theme(if dark { Theme::Light } else { Theme::Dark }));
    let fold = |words: &'static str, fold: Fold| {
        button(words, link, Msg::Flip(fold))
            .class("fold")
            .set("aria-pressed", if open(fold) { "true" } else { "false" })
            .set("title", words)
    };
    el("header")
        .class("top")
        .add(
            el("a")
                .class("brand")
                .set("href", "gallery.html")
                .set("title", "All scenarios")
                .text("fault")
                .add(el("b").text("line")),
        )
        .add(scenarios(player, link))
        .add(
            button("seed ", link, Msg::Do(Action::Reseed(next)))
                .class("seed")
                .set("title", "The run's luck. Click for another.")
                .add(el("b").text(&format!("{seed:x}"))),
        )
        .all(promise(player, link))
        .add(el("span").class("grow"))
        .add(fold("Lesson", Fold::Lesson))
        .add(fold("Details", Fold::Side))
        .add(
            button(if dark { "☀" } else { "☾" }, link, other)
                .class("icon")
                .set("title", if dark { "Light" } else { "Dark" })
                .label(if dark { "Light theme" } else { "Dark theme" }),
        )
        .add(button("?", link, Msg::Open(Opens::Help)).class("icon").set("title", "Keys (?)").label("Keys"))
        .add(
            button("", link, Msg::Open(Opens::Share))
                .class("share")
                .set("id", "share")
                .add(el("span").class("wide").text("Share this moment"))
                .add(el("span").class("slim").text("Share")),
        )
}

fn scenarios(player: &Player, link: &Link) -> El {
    let document = player.timeline().document();
    let option = |name: &str, title: &str, selected: bool| {
        el("option").set("value", name.to_owned()).selected(selected).text(title)
    };
    let own = builtins().all(|name| name != document.name);
    let own = own.then(|| option(&document.name, &format!("{} (edited)", document.title), true));
    let shelf = |(words, names): &(&'static str, &[&'static str])| {
        let built = names.iter().map(|name| option(name, title(name), **name == *document.name));
        el("optgroup").set("label", *words).all(built)
    };
    let choose = |event: &web_sys::Event| Some(Msg::Do(Action::Open(chosen(event)?)));
    el("label").class("pick").add(el("span").class("unseen").text("Scenario")).add(
        el("select").set("id", "scenario").all(SHELVES.iter().map(shelf)).all(own).asks(
            ListenerKind::onchange,
            link,
            choose,
        ),
    )
}

/// Whether everything that must hold has held so far; a click goes to where the next promise broke, and to what did it.
pub fn promise(player: &Player, link: &Link) -> Option<El> {
    let (well, words) = verdict(player.timeline().document(), player)?;
    let next = player.next_broken().map(|(which, _)| which);
    let told = next.and_then(|which| player.timeline().run().violations().get(which));
    let title = match told {
        Some(broken) => format!("{}. Click to go there.", broken.told),
        None => "Checked at every step.".to_owned(),
    };
    let go = next.map_or(Msg::Flip(Fold::Promises), |which| Msg::Do(Action::Show(which)));
    Some(
        button("", link, go)
            .class(if well { "verdict well" } else { "verdict broken" })
            .set("id", "verdict")
            .set("title", title)
            .add(el("span").set("aria-hidden", "true").text(if well { "✓ " } else { "✗ " }))
            .add(el("span").class("words").text(&words)),
    )
}
