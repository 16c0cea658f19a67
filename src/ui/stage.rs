//! The stage: a canvas, the tools over it, and the same components as buttons for those who do not use a canvas.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Event, KeyboardEvent};
use yew::virtual_dom::ListenerKind;

use crate::player::{Action, Draft, Player, Tone, key_action, news, prose};
use crate::scene::Target;
use crate::sim::Status;

use super::app::{Fold, Msg, Opens};
use super::dom::{El, Link, button, el, enlarged, find, target};
use super::hands::Hands;
use super::lesson::words;
use super::menu::{MenuAt, MenuOf};

/// The tools over the stage: what a click does, by the key that would do it to what is selected.
const TOOLS: [(char, &str, &str); 5] = [
    ('k', "Kill", "Click what is to crash"),
    ('p', "Pause", "Click what is to stand still"),
    ('s', "Slow", "Click what is to be slow"),
    ('c', "Cut", "Click a link, or a component for all of its links"),
    ('r', "Restart", "Click what is to start again"),
];

/// How many components there are buttons for: a list of thousands serves nobody.
const MAX_BUTTONS: usize = 200;

/// The stage, with `tool` in the hand.
pub fn stage(player: &Player, hands: &Rc<Hands>, tool: Option<char>, embed: bool, link: &Link) -> El {
    let wiring = player.view().wire.is_some();
    let class = match (wiring, tool) {
        (true, _) => "stage wiring",
        (false, Some(_)) => "stage tooling",
        (false, None) => "stage",
    };
    let pointer = |kind: ListenerKind, does: fn(&Hands, &Event) -> Option<Msg>| (kind, does);
    let gestures = [
        pointer(ListenerKind::onpointerdown, Hands::down),
        pointer(ListenerKind::onpointermove, Hands::moved),
        pointer(ListenerKind::onpointerup, Hands::up),
        pointer(ListenerKind::onpointercancel, Hands::cancelled),
        pointer(ListenerKind::onpointerleave, Hands::left),
        pointer(ListenerKind::oncontextmenu, Hands::menu),
    ];
    let told =
        "The cluster. Tab goes through its components; letters act on the selected one; question mark shows the keys.";
    let mut canvas = el("canvas").set("tabindex", "0").label(told);
    for (kind, does) in gestures {
        let hands = hands.clone();
        canvas = canvas.asks(kind, link, move |event| does(&hands, event));
    }
    let keys = hands.clone();
    let mut stage = el("div").class(class);
    if embed {
        // A figure leaves the keys to the page around it, except while the stage has the focus.
        stage = stage.asks(ListenerKind::onkeydown, link, move |event| key(&keys, event));
    }
    stage
        .all((!embed).then(|| toolbar(tool, wiring, link)))
        .add(canvas)
        .add(nodes(player, link))
        .add(
            el("p")
                .class("unseen")
                .set("role", "log")
                .label("What happens")
                .all(news(player).map(|told| el("span").text(&told))),
        )
        .all(journey(player))
        .all(hint(player, tool, embed, link))
}

/// A line on what to do: with the tool in the hand; or at first, for someone who has not done anything yet.
fn hint(player: &Player, tool: Option<char>, embed: bool, link: &Link) -> Option<El> {
    if let Some((_, _, tip)) = TOOLS.iter().find(|(key, ..)| Some(*key) == tool) {
        return Some(el("p").class("hint").text(tip).text(". Escape when done."));
    }
    let hint = &player.timeline().document().hint;
    (!embed && !player.touched() && player.lesson_step() == 0 && !hint.is_empty())
        .then(|| el("p").class("hint").all(words(&prose(hint), link)))
}

/// How far it is on a way that takes a while.
fn journey(player: &Player) -> Option<El> {
    let (share, to) = player.journey()?;
    let told = format!("Replaying to {} s", crate::sim::clock(to));
    let share = ((share * 100.0) as u32).to_string();
    let bar = el("progress").set("max", "100").set("value", share).label(told.clone());
    Some(el("p").class("journey").set("role", "status").text(&told).add(bar))
}

fn toolbar(tool: Option<char>, wiring: bool, link: &Link) -> El {
    let named = |words: &str, title: &str, current: bool, msg: Msg| {
        button(words, link, msg).class(if current { "current" } else { "" }).set("title", title.to_owned())
    };
    let tools = TOOLS
        .iter()
        .map(|(key, name, tip)| named(name, &format!("{tip} ({key})"), tool == Some(*key), Msg::Tool(Some(*key))));
    let opens = |words: &'static str, title: &'static str, of: MenuOf| {
        el("button").set("title", title).text(words).asks(ListenerKind::onclick, link, move |event| {
            let bounds = target(event)?.get_bounding_client_rect();
            Some(Msg::Open(Opens::Menu(MenuAt { of, x: bounds.left(), y: bounds.bottom() + 4.0 })))
        })
    };
    el("div")
        .class("toolbar")
        .set("role", "toolbar")
        .label("Tools")
        .add(named("Select", "Select and drag (Escape)", tool.is_none() && !wiring, Msg::Tool(None)))
        .add(opens("+ Add", "Place a component", MenuOf::Palette).set("id", "add"))
        .add(named("Wire", "Link two components (w)", wiring, Msg::Wire))
        .all(tools)
        .add(named("Fit", "Show everything (f)", false, Msg::Do(Action::Fit)))
        .add(opens("Arrange", "Where components stand", MenuOf::Stage))
}

/// The components as buttons; their places on the canvas tell a program that drives the page where to point.
fn nodes(player: &Player, link: &Link) -> El {
    let world = &player.timeline().run().world;
    let buttons = world.nodes().take(MAX_BUTTONS).map(|(id, node)| {
        let status = match node.status {
            Status::Up if node.slow > 1000 => "slow",
            Status::Up => "up",
            Status::Starting => "starting",
            Status::Paused => "paused",
            Status::Crashed => "crashed",
        };
        let select = Msg::Do(Action::Select(Some(Target::Node(id))));
        let at = player.place_of(id);
        button(&format!("{}, {status}", node.name), link, select.clone())
            .key(id.0)
            .set_some("data-x", at.map(|at| (at.x as i32).to_string()))
            .set_some("data-y", at.map(|at| (at.y as i32).to_string()))
            .tells(ListenerKind::onfocus, link, select)
    });
    el("div").class("unseen").set("role", "group").label("Components").all(buttons)
}

/// What the Wire button does: picks the selected component up, or says what to do first.
pub fn wire(player: &Player) -> Action {
    match player.view().selected {
        Some(Target::Node(id)) => Action::Wire(Some(id)),
        _ => Action::Tell(
            Tone::Quiet,
            "Select a component first, then Wire, then click what it is to be wired to.".to_owned(),
        ),
    }
}

/// What has keys of its own, all of them.
const OWN_KEYS: &str = "input, select, textarea, .dialog, .menu";
/// What has keys of its own for being pressed. The parts of the cluster are buttons, too, but then the stage's keys act.
const PRESSED: &str = "button, summary, a";

/// What a key comes to, wherever on the page the focus is, unless it is on something with keys of its own.
pub fn key(hands: &Hands, event: &Event) -> Option<Msg> {
    let event: &KeyboardEvent = event.dyn_ref()?;
    let target = target(event)?;
    let key = event.key();
    let within = |selector: &str| matches!(target.closest(selector), Ok(Some(_)));
    let pressed = matches!(key.as_str(), " " | "Enter") && within(PRESSED) && !within(".stage .unseen");
    // The time bar and the views have taken theirs.
    if event.default_prevented() {
        return None;
    }
    let held = event.ctrl_key() || event.meta_key();
    let taken_back = match key.as_str() {
        "z" if held => Some(Action::Undo),
        "Z" | "y" if held => Some(Action::Redo),
        _ => None,
    };
    if let Some(action) = taken_back.filter(|_| !within("input, textarea")) {
        event.prevent_default();
        return Some(Msg::Do(action));
    }
    if held || event.alt_key() || pressed || within(OWN_KEYS) {
        return None;
    }
    let player = hands.host.player();
    let selected = player.view().selected;
    let msg = match key.as_str() {
        "?" => Msg::Open(Opens::Help),
        "L" => Msg::Flip(Fold::Lecture),
        // What a presenter's remote sends.
        "PageDown" => Msg::Do(Action::Step(player.lesson_step() + 1)),
        "PageUp" => Msg::Do(Action::Step(player.lesson_step().saturating_sub(1))),
        "B" => Msg::Open(Opens::Breaks(Draft::default())),
        // As a click on it would.
        "Enter" if player.view().wire.is_some() => Msg::Click(selected),
        "ContextMenu" | "m" | "Enter" => {
            // Beside the component; of the stage itself where none is selected.
            let bounds = find(".stage canvas")?.get_bounding_client_rect();
            let of = match selected {
                None if key == "Enter" => return None,
                None => MenuOf::Stage,
                Some(selected) => MenuOf::Target(selected),
            };
            let at = match selected {
                Some(Target::Node(id)) => player.place_of(id),
                _ => None,
            };
            let large = enlarged(&find(".stage canvas")?);
            let (x, y) = at.map_or((60.0, 60.0), |at| (large * f64::from(at.x) + 24.0, large * f64::from(at.y) - 12.0));
            Msg::Open(Opens::Menu(MenuAt { of, x: bounds.left() + x, y: bounds.top() + y }))
        }
        key => Msg::Key(key_action(&player, key, event.shift_key()), key == "Escape"),
    };
    if matches!(msg, Msg::Key(None, false)) {
        return None;
    }
    event.prevent_default();
    Some(msg)
}
