//! The linked views below the stage: their frames and buttons.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlCanvasElement, KeyboardEvent, PointerEvent};
use yew::virtual_dom::ListenerKind;

use crate::player::{Action, LogFilter, Looking, Player};
use crate::scene::{Area, Target};
use crate::views::Kind;

use super::app::{DockMsg, Msg};
use super::dom::{El, Link, button, el, find, target};
use super::host::Shared;
use super::log::log_view;
use super::panes;
use super::view_hand::{ViewHand, message, surface};

/// For how many messages there are buttons.
pub(super) const MAX_BUTTONS: usize = 60;
/// The least and the greatest height of the views, in pixels.
const HEIGHTS: (f64, f64) = (96.0, 720.0);

/// The hands over the views.
pub struct DockHands {
    diagram: Rc<ViewHand>,
    trace: Rc<ViewHand>,
    charts: Rc<ViewHand>,
}

impl DockHands {
    /// Hands that act on this host's player.
    pub fn new(host: &Shared) -> DockHands {
        let hand = |kind| Rc::new(ViewHand::new(host.clone(), kind));
        DockHands { diagram: hand(Kind::SpaceTime), trace: hand(Kind::Trace), charts: hand(Kind::Charts) }
    }
}

/// The canvases on the page are drawn on from now on, and those that are gone no more.
#[inline(never)]
pub fn attach(host: &Shared) {
    let canvas = |kind: Kind| {
        let found = find(&format!(".dock [data-view={}]", kind.name()))?;
        Some((kind, found.dyn_into::<HtmlCanvasElement>().ok()?))
    };
    let canvases: Vec<_> = host.player().views().iter().filter_map(|kind| canvas(*kind)).collect();
    if host.surfaces.set(canvases) {
        host.wake();
    }
}

/// The buttons that open the views.
pub fn toggles(player: &Player, named: bool, link: &Link) -> El {
    let toggle = |(place, (kind, title, name)): (usize, &(Kind, &'static str, &'static str))| {
        let open = player.views().contains(kind);
        button(title, link, Msg::Do(Action::Look(Looking::Open(*kind))))
            .set_some("id", named.then(|| format!("view-{name}")))
            .set("aria-pressed", if open { "true" } else { "false" })
            .set("title", format!("{title} ({})", place + 1))
    };
    el("span").class("views").set("role", "group").label("Views").all(Kind::ALL.iter().enumerate().map(toggle))
}

/// The views that are open.
#[inline(never)]
pub fn dock(player: &Player, hands: &DockHands, class: &str, height: f64, filter: &LogFilter, link: &Link) -> El {
    let panes = player.views().iter().map(|kind| match kind {
        Kind::SpaceTime => diagram(player, &hands.diagram, link),
        Kind::Trace => panes::trace(player, &hands.trace, link),
        Kind::Charts => panes::charts(player, &hands.charts, link),
        Kind::Log => {
            let (tools, body) = log_view(player, filter, link);
            pane(*kind, tools, body, link)
        }
    });
    el("section")
        .class(class.to_owned())
        .label("Views")
        .set("data-height", format!("{height}px"))
        .add(grip(height, link))
        // For a narrow screen, where there is no room beside the transport.
        .add(toggles(player, false, link))
        .all(panes)
}

/// A view in its frame, with what can be done to it in the head.
pub(super) fn pane(kind: Kind, tools: El, body: El, link: &Link) -> El {
    let shut = button("×", link, Msg::Do(Action::Look(Looking::Open(kind))))
        .class("icon")
        .label(format!("Shut {}", kind.title()));
    el("div")
        .key(kind.name())
        .class(format!("pane pane-{}", kind.name()))
        .set("role", "group")
        .label(kind.title())
        .add(el("header").add(el("h3").text(kind.title())).add(tools).add(shut))
        .add(body)
}

/// As high as asked for, within limits.
fn high(height: f64) -> Msg {
    Msg::Dock(Rc::new(DockMsg::Height(height.clamp(HEIGHTS.0, HEIGHTS.1))))
}

/// The upper edge of the views, by which they are made higher or lower.
fn grip(height: f64, link: &Link) -> El {
    let keys = move |event: &Event| {
        let by = match event.dyn_ref::<KeyboardEvent>()?.key().as_str() {
            "ArrowUp" => 24.0,
            "ArrowDown" => -24.0,
            _ => return None,
        };
        event.prevent_default();
        event.stop_propagation();
        Some(high(height + by))
    };
    el("div")
        .class("grip")
        .set("role", "separator")
        .set("tabindex", "0")
        .set("aria-orientation", "horizontal")
        .set("aria-valuenow", (height as u32).to_string())
        .label("Height of the views")
        .asks(ListenerKind::onkeydown, link, keys)
        .asks(ListenerKind::onpointerdown, link, |event| {
            let event: &PointerEvent = event.dyn_ref()?;
            // A pointer that is gone already cannot be captured, and need not be.
            let _ = target(event)?.set_pointer_capture(event.pointer_id());
            None
        })
        .asks(ListenerKind::onpointermove, link, move |event| {
            let event: &PointerEvent = event.dyn_ref()?;
            if event.buttons() & 1 == 0 {
                return None;
            }
            let top = target(event)?.get_bounding_client_rect().top();
            let by = top - f64::from(event.client_y());
            (by.abs() >= 1.0).then(|| high(height + by))
        })
}

/// The messages of the diagram as buttons while time stands still, the last first; their places tell a program that drives
/// the page where to point.
fn messages(player: &Player, hand: &Rc<ViewHand>, link: &Link) -> El {
    let hits = hand.host.surfaces.hits(Kind::SpaceTime);
    let buttons = hits.iter().rev().filter_map(|hit| {
        let (Target::Flight(record), Area::Path { from, to, .. }) = (hit.target, hit.area) else { return None };
        let place = |name: &'static str, at: f32| (name, (at as i32).to_string());
        let [x, y, to_x, to_y] =
            [place("data-x", from.x), place("data-y", from.y), place("data-to-x", to.x), place("data-to-y", to.y)];
        Some(
            [x, y, to_x, to_y]
                .into_iter()
                .fold(message(player, record, link)?, |named, (name, value)| named.set(name, value)),
        )
    });
    el("div").class("unseen").set("role", "group").label("Messages").all(buttons.take(MAX_BUTTONS))
}

fn diagram(player: &Player, hand: &Rc<ViewHand>, link: &Link) -> El {
    let look = player.look();
    let act = |looking: Looking| Msg::Do(Action::Look(looking));
    let switch = |words: &str, on: bool, title: &'static str, looking: Looking| {
        button(words, link, act(looking)).set("aria-pressed", if on { "true" } else { "false" }).set("title", title)
    };
    let tools = el("span")
        .class("tools")
        .add(switch(
            "Events",
            look.events,
            "Events equally far from one another, instead of true time (e)",
            Looking::Events,
        ))
        .add(switch(
            "Related",
            look.related,
            "Only the lifelines that the selected message has to do with (o)",
            Looking::Related,
        ))
        .add(button("−", link, act(Looking::Zoom(2.0))).label("More time").set("title", "More time (u)"))
        .add(button("+", link, act(Looking::Zoom(0.5))).label("Less time").set("title", "Less time (i)"))
        .add(
            button("Reset", link, act(Looking::Reset))
                .set("title", "All lifelines in their order, and the time that fits"),
        );
    let told = "Space–time diagram: a line a component, an arrow a message. Arrow up and down go from message to message, \
                with shift along causes.";
    let body = surface(told, hand, link).all((!player.playing()).then(|| messages(player, hand, link)));
    pane(Kind::SpaceTime, tools, body, link)
}
