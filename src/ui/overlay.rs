//! What lies over the page: notices, the share dialog, the keys.

use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlInputElement, KeyboardEvent};
use yew::platform::spawn_local;
use yew::virtual_dom::ListenerKind;

use crate::link::{self, Budget, Shown};
use crate::player::{Action, Notice, Player, Tone};

use super::app::Msg;
use super::dom::{self, El, Link, button, el, find};
use super::files::files;
use super::host::Shared;

/// What is said to the person; also to one who hears the page.
pub fn notices(player: &Player, link: &Link) -> El {
    let notice = |notice: &Notice| {
        let class = match notice.tone {
            Tone::Quiet => "quiet",
            Tone::Good => "good",
            Tone::Warn => "warn",
        };
        let dismiss = button("×", link, Msg::Do(Action::Dismiss(notice.id))).label("Dismiss");
        let show = notice.leads.map(|which| button("Show", link, Msg::Do(Action::Show(which))).class("show"));
        el("li")
            .key(notice.id)
            .set("role", "none")
            .class(class)
            .add(el("span").text(&notice.told))
            .all(show)
            .add(dismiss)
    };
    el("ul").class("notices").set("role", "status").set("aria-live", "polite").all(player.notices().iter().map(notice))
}

/// Leads from a figure to the moment that it shows, in another window. A link has work to be written, so that is done when
/// somebody turns to it, and until then it leads to where the figure began.
pub fn open(host: &Shared, link: &Link) -> El {
    let began = web_sys::window().and_then(|window| window.location().hash().ok()).unwrap_or_default();
    let turns =
        [ListenerKind::onfocusin, ListenerKind::onpointerdown, ListenerKind::onclick, ListenerKind::oncontextmenu];
    let anchor = el("a").class("open").set("href", address(&began, "")).set("target", "_blank").set("rel", "noopener");
    turns.into_iter().fold(anchor, |anchor, turn| anchor.asks(turn, link, leads_here(host))).text("Open ↗")
}

fn leads_here(host: &Shared) -> impl Fn(&Event) -> Option<Msg> + use<> {
    let host = host.clone();
    move |event| {
        let (moment, shown) = host.player().share();
        let here = address(&link::write(&moment, &shown).fragment, "");
        // Yew's own value never changes, so it does not write over this one.
        let _ = dom::target(event)?.set_attribute("href", &here);
        None
    }
}

fn address(fragment: &str, query: &str) -> String {
    link::address(&format!("{}{query}", page()), fragment)
}

/// Where this page is.
pub fn page() -> String {
    let href = web_sys::window().and_then(|window| window.location().href().ok()).unwrap_or_default();
    href.split(['?', '#']).next().unwrap_or_default().to_owned()
}

/// What the share dialog offers: the moment at which it was opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    at: String,
    budget: Budget,
    /// What to copy; in the order of [`COPIES`].
    texts: [String; 3],
    /// Which was copied last, and whether the browser let it.
    pub copied: Option<(usize, bool)>,
}

/// The names under which the texts of an [`Offer`] stand on the page.
const COPIES: [&str; 3] = ["moment", "start", "figure"];

/// Makes the links.
pub fn offer(player: &Player) -> Offer {
    let (moment, shown) = player.share();
    let start = crate::timeline::Moment { acts: Vec::new(), cursor: Default::default(), ..moment.clone() };
    let here = link::write(&moment, &shown);
    let start = link::write(&start, &Shown::default());
    let figure = address(&here.fragment, "?embed=1").replace('"', "&quot;");
    let figure = format!(
        "<iframe src=\"{figure}\" title=\"Faultline: a figure\" width=\"100%\" height=\"460\" loading=\"lazy\" \
         sandbox=\"allow-scripts allow-popups\" style=\"border:0\"></iframe>"
    );
    Offer {
        at: crate::sim::clock(player.timeline().now()),
        budget: here.budget,
        texts: [address(&here.fragment, ""), address(&start.fragment, ""), figure],
        copied: None,
    }
}

/// The share dialog: this moment, the scenario from its start, a figure for an article.
#[inline(never)]
pub fn share(offer: &Offer, host: &Shared, link: &Link) -> [El; 2] {
    let budget = match offer.budget {
        Budget::Short => "fits into any message",
        Budget::Amber => "too long for some messengers",
        Budget::Long => "too long for most messengers: a file would serve better",
    };
    let length = offer.texts[0].chars().count();
    let told = format!("{length} characters: {budget}. It replays to the same digest on any machine, and says so.");
    let moment = format!("This moment, at {} s, with everything you did", offer.at);
    let body = el("div")
        .add(copied(offer, 0, &moment, link))
        .add(el("p").class("budget").text(&told))
        .add(copied(offer, 1, "The scenario from its beginning", link))
        .add(copied(offer, 2, "A figure for an article", link))
        .add(files(host, link));
    dialog("Share this moment", body, link)
}

/// A text and a button that copies it.
fn copied(offer: &Offer, which: usize, label: &str, link: &Link) -> El {
    let word = match offer.copied.filter(|(copied, _)| *copied == which) {
        None => "Copy",
        Some((_, true)) => "Copied",
        Some((_, false)) => "Press Ctrl-C",
    };
    let id = |what: &str| format!("{what}-{}", COPIES[which]);
    el("label").class("copied").add(el("span").text(label)).add(
        el("span")
            .class("row")
            .add(el("input").flag("readonly", true).value(offer.texts[which].clone()).set("id", id("link")))
            .add(button(word, link, Msg::Copy(which)).set("id", id("copy"))),
    )
}

/// Copies a text; whether the browser let us. It refuses where the page has no leave to copy, and has no clipboard at all
/// without https: in the dialog the text is selected then, and a key copies it.
async fn to_clipboard(text: &str) -> bool {
    match web_sys::window().map(|window| window.navigator().clipboard()) {
        Some(clipboard) if !clipboard.is_undefined() => {
            wasm_bindgen_futures::JsFuture::from(clipboard.write_text(text)).await.is_ok()
        }
        _ => false,
    }
}

/// Copies one of the texts and tells the app whether that worked.
pub fn copy(offer: &Offer, which: usize, link: &Link) {
    let field = find(&format!("#link-{}", COPIES[which]));
    if let Some(field) = field.and_then(|field| field.dyn_into::<HtmlInputElement>().ok()) {
        field.select();
    }
    let (text, link) = (offer.texts[which].clone(), link.clone());
    spawn_local(async move {
        let copied = to_clipboard(&text).await;
        link.send_message(Msg::Copied(which, copied));
    });
}

/// Copies the link to where a promise was broken.
#[inline(never)]
pub fn copy_broken(player: &Player, which: usize, link: &Link) {
    if let Some((moment, shown)) = player.moment_of_broken(which) {
        copy_text(address(&link::write(&moment, &shown).fragment, ""), link);
    }
}

/// Copies a text and says whether that worked.
#[inline(never)]
pub fn copy_text(text: String, link: &Link) {
    let link = link.clone();
    spawn_local(async move {
        let (tone, told) = match to_clipboard(&text).await {
            true => (Tone::Good, "Copied."),
            false => (Tone::Warn, "The browser does not let this page copy."),
        };
        link.send_message(Msg::Do(Action::Tell(tone, told.to_owned())));
    });
}

pub(super) fn dialog(title: &'static str, body: El, link: &Link) -> [El; 2] {
    let close = button("×", link, Msg::Close).class("icon").label("Close");
    [
        el("div").class("veil dim").tells(ListenerKind::onclick, link, Msg::Close),
        el("div")
            .class("dialog")
            .set("role", "dialog")
            .set("aria-modal", "true")
            .label(title)
            .asks(ListenerKind::onkeydown, link, escape)
            .add(el("header").add(el("h2").text(title)).add(close))
            .add(body),
    ]
}

fn escape(event: &Event) -> Option<Msg> {
    let key = event.dyn_ref::<KeyboardEvent>()?.key();
    (key == "Escape").then(|| {
        event.stop_propagation();
        Msg::Close
    })
}

const KEYS: &[(&str, &str)] = &[
    ("space", "play or pause"),
    (".  ,", "one event on, one back"),
    ("→  ←", "a second on, a second back, a tenth when slow; five of them with shift"),
    ("+  −", "faster, slower"),
    ("<", "backwards"),
    ("[  ]", "to what happened before, after"),
    ("z  Z", "take back, do again; control+z too"),
    ("*  B", "bookmark; breakpoints"),
    ("0", "to the beginning"),
    ("f", "show everything"),
    ("1  2  3  4", "the views: space–time, log, trace, charts"),
    ("↑  ↓", "in the space–time diagram: from message to message; with shift along causes, or a lifeline up and down"),
    ("i  u", "there: less time, more time; e events, o only related"),
    (
        "↑  ↓",
        "in the trace: from row to row; with shift from request to request; l slowest, o all chains, End the last",
    ),
    ("→  ←", "in the charts: from instant to instant, which every view shows; Enter goes there"),
    ("PgDn  PgUp", "the next step of the lesson, the one before; so does a presenter's remote"),
    ("L", "a lecture: big type, only the lesson and the stage"),
    ("Tab", "from component to component"),
    ("Enter  m", "the menu of what is selected"),
    ("k  K", "kill; kill and lose the disk"),
    ("r", "restart"),
    ("p", "pause, resume"),
    ("s", "slow down, usual speed"),
    ("c", "cut, heal"),
    ("h", "hold or release a link"),
    ("w", "wire to the next component clicked"),
    ("x", "remove"),
    ("v  V", "choose this one as well; all of them. What is done then is done to each"),
    ("a  A", "of several: into a row, into a column"),
    ("y  Y", "copy what is chosen; place it once more"),
    ("Esc", "put the tool down, select nothing"),
    ("?", "this"),
];

/// The signs of the stage, as near as letters come to them.
const SIGNS: &[(&str, &str)] = &[
    ("●", "a request on its way; small: a heartbeat"),
    ("○", "an answer; with + it says yes, with − no, when time stands still"),
    ("◎", "sent again: no answer came in time"),
    ("✕", "lost there, with the reason where it is not plain"),
    ("◔", "around a component: how far its next timer is, or how much of its start is done"),
    ("★", "leads, or is primary"),
];

/// The keys.
#[inline(never)]
pub fn help(link: &Link) -> [El; 2] {
    let listed = |all: &'static [(&str, &str)]| {
        all.iter().flat_map(|(sign, what)| [el("dt").add(el("kbd").text(sign)), el("dd").text(what)])
    };
    let gestures = "Drag components to move them, drag the ground to pan, shift and drag to choose several, shift and click for one more, turn the wheel or pinch to zoom, right-click or \
                    press long for the menu.";
    let body = el("div")
        .add(el("p").text("They act while the stage has the focus; letters act on what is selected."))
        .add(el("dl").class("keys").set("tabindex", "-1").all(listed(KEYS)))
        .add(el("p").text(gestures))
        .add(el("h3").text("Signs"))
        .add(el("dl").class("keys").all(listed(SIGNS)));
    dialog("Keys and signs", body, link)
}
