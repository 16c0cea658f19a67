//! What must hold, each promise with where it was broken.

use crate::player::{Action, Broken, Player, Promised, promises};

use super::app::{Fold, Msg};
use super::dom::{El, Link, button, el};

/// The promises: a line that opens them, and all of them when it is open.
pub fn panel(player: &Player, open: bool, link: &Link) -> Option<El> {
    if player.timeline().document().checks.is_empty() {
        return None;
    }
    let head = button("What must hold", link, Msg::Flip(Fold::Promises))
        .class("fold-head")
        .set("id", "promises")
        .set("aria-expanded", if open { "true" } else { "false" });
    Some(el("div").class("promises").add(head).all(open.then(|| all(player, link))))
}

#[inline(never)]
fn all(player: &Player, link: &Link) -> El {
    let promises = promises(player);
    el("ul").all(promises.iter().map(|promised| one(promised, link)))
}

fn one(promised: &Promised, link: &Link) -> El {
    let well = promised.broken.is_empty();
    let more = (promised.more > 0).then(|| el("p").class("more").text(&format!("and {} more times", promised.more)));
    el("li")
        .class(if well { "well" } else { "broken" })
        .add(
            el("p")
                .class("brief")
                .add(el("span").set("aria-hidden", "true").text(if well { "✓ " } else { "✗ " }))
                .text(&promised.brief),
        )
        .add(el("p").class("promise").text(&promised.promise))
        .all((!well).then(|| el("ol").all(promised.broken.iter().map(|broken| breach(broken, link)))))
        .all(more)
}

fn breach(broken: &Broken, link: &Link) -> El {
    let seen = broken.evidence.iter().map(|(at, what)| el("li").add(el("time").text(at)).text(" ").text(what));
    el("li")
        .key(broken.which as u64)
        .add(el("p").add(el("time").text(&broken.at)).text(" ").text(&broken.told))
        .add(
            el("p")
                .class("ways")
                .add(
                    button("Show", link, Msg::Do(Action::Show(broken.which)))
                        .set("title", "Go to this moment and select the message that did it"),
                )
                .add(
                    button("Copy the link", link, Msg::CopyBroken(broken.which))
                        .set("title", "A link to this moment, for somebody else"),
                ),
        )
        .all((!broken.evidence.is_empty()).then(|| el("ul").class("evidence").all(seen)))
}
