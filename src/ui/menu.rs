//! The context menu and the palette: a list of entries at a place, for pointer and keys alike.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlElement, KeyboardEvent, NodeList};
use yew::virtual_dom::ListenerKind;

use crate::player::{self, Action, Entry, Player, palette};
use crate::scenario::Act;
use crate::scene::Target;

use super::app::Msg;
use super::dom::{El, Link, el, find, focus};
use super::hands::Hands;
use super::inspector::idle;

/// What a menu is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MenuOf {
    /// Something on the stage.
    Target(Target),
    /// What can be placed.
    Palette,
    /// The stage itself: how all are arranged.
    Stage,
}

/// Which menu, and where on the page.
#[derive(Clone, Debug, PartialEq)]
pub struct MenuAt {
    /// What it is for.
    pub of: MenuOf,
    /// From the left edge, in pixels.
    pub x: f64,
    /// From the upper edge, in pixels.
    pub y: f64,
}

/// What stands in it: entries, and a sentence about each.
fn entries(at: &MenuAt, player: &Player) -> Vec<(Entry, &'static str)> {
    match at.of {
        MenuOf::Stage => player::arrangements(player).into_iter().map(|entry| (entry, "")).collect(),
        MenuOf::Target(target) => player::menu(player, target).into_iter().map(|entry| (entry, "")).collect(),
        MenuOf::Palette => {
            let entry = |(what, label, kind): (String, String, &'static crate::components::Kind)| {
                let action = Action::Act(Act::Add { what, name: None });
                (Entry { group: "", label, key: None, action, idle: None }, kind.about)
            };
            palette(player.timeline().document()).into_iter().map(entry).collect()
        }
    }
}

/// How wide a menu may be, and how tall an entry is, in pixels.
const SIZE: (f64, f64) = (260.0, 34.0);

/// The menu, over a veil that closes it.
pub fn menu(at: &MenuAt, player: &Player, hands: &Rc<Hands>, link: &Link) -> [El; 2] {
    let entries = entries(at, player);
    // Kept on the page: a menu near the lower right corner opens up and to the left.
    let root = web_sys::window().and_then(|window| window.document()).and_then(|document| document.document_element());
    let (width, height) =
        root.map_or((800.0, 800.0), |root| (f64::from(root.client_width()), f64::from(root.client_height())));
    let headings = headings(entries.iter().map(|(entry, _)| entry));
    let alone = entries.iter().filter(|(entry, _)| entry.group.is_empty()).count();
    let tall = 16.0 + SIZE.1 * (alone + headings.len()) as f64;
    let (x, y) = (at.x.min(width - SIZE.0).max(4.0), at.y.min(height - tall).max(4.0));
    let entry = |(entry, about): &(Entry, &'static str)| {
        let (action, hands) = (entry.chosen(), hands.clone());
        el("button")
            .asks(ListenerKind::onclick, link, move |event| {
                (!hands.ends_press(event)).then(|| Msg::Choose(action.clone()))
            })
            .set("role", "menuitem")
            .set("aria-disabled", idle(entry))
            .set("title", entry.idle.clone().unwrap_or_else(|| (*about).to_owned()))
            .add(el("span").text(&entry.label))
            .all(entry.key.map(|key| el("kbd").text(key.encode_utf8(&mut [0; 4]))))
    };
    let (veil, on_veil, on_menu) = (hands.clone(), hands.clone(), hands.clone());
    let shut = |event: &Event| {
        event.prevent_default();
        Some(Msg::Close)
    };
    [
        el("div")
            .class("veil")
            .asks(ListenerKind::onpointerdown, link, move |event| on_veil.other_touch(event))
            .asks(ListenerKind::onclick, link, move |event| (!veil.ends_press(event)).then_some(Msg::Close))
            .asks(ListenerKind::oncontextmenu, link, shut),
        el("div")
            .class("menu")
            .asks(ListenerKind::onpointerdown, link, move |event| on_menu.other_touch(event))
            .set("role", "menu")
            .set("data-left", format!("{}px", x as i64))
            .set("data-top", format!("{}px", y as i64))
            .all(entries.iter().filter(|(entry, _)| entry.group.is_empty()).map(entry))
            .all(headings.iter().map(|group| {
                let inside = entries.iter().filter(|(entry, _)| entry.group == *group);
                el("details")
                    .set("role", "group")
                    .add(el("summary").set("role", "menuitem").text(group))
                    .all(inside.map(entry))
            }))
            .asks(ListenerKind::onkeydown, link, key),
    ]
}

/// The headings of entries, each once, in their order.
pub fn headings<'e>(entries: impl Iterator<Item = &'e Entry>) -> Vec<&'static str> {
    let mut headings = Vec::new();
    for entry in entries.filter(|entry| !entry.group.is_empty()) {
        if !headings.contains(&entry.group) {
            headings.push(entry.group);
        }
    }
    headings
}

/// What can have the focus in a menu: entries, headings, and the entries under those that are unfolded.
const STOPS: &str = ":scope > button, :scope > details > summary, :scope > details[open] > button";

fn key(event: &Event) -> Option<Msg> {
    let event: &KeyboardEvent = event.dyn_ref()?;
    let msg = match event.key().as_str() {
        "Escape" | "Tab" => Some(Msg::Close),
        "ArrowDown" => step(1),
        "ArrowUp" => step(-1),
        _ => return None,
    };
    event.prevent_default();
    event.stop_propagation();
    msg
}

/// Moves the focus among the entries.
fn step(by: i32) -> Option<Msg> {
    let menu = find(".menu")?;
    let buttons: NodeList = menu.query_selector_all(STOPS).ok()?;
    let active = menu.owner_document()?.active_element();
    let count = buttons.length() as i32;
    let button = |place: i32| buttons.item(place as u32)?.dyn_into::<HtmlElement>().ok();
    let now = (0..count).find(|place| button(*place).map(|button| button.into()) == active).unwrap_or(-by);
    focus(&button((now + by).rem_euclid(count.max(1)))?);
    None
}
