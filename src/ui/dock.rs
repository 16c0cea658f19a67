//! The linked views below the stage: their frames and buttons, the pointer and the keys over them.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlCanvasElement, KeyboardEvent, MouseEvent, PointerEvent, WheelEvent};
use yew::virtual_dom::ListenerKind;

use crate::player::{Action, LogFilter, Looking, Player, view_key};
use crate::scene::{Area, Point, Target};
use crate::sim::{RecordId, clock};
use crate::trace::sentence;
use crate::views::Kind;

use super::app::{DockMsg, Msg, Opens};
use super::dom::{El, Link, button, el, find, focus, target};
use super::host::Shared;
use super::log::log_view;
use super::menu::MenuAt;
use super::panes::{self, PaneHand};

/// How far a pointer must move before it drags, in pixels.
pub(super) const DRAG: f32 = 4.0;
/// How near to the end of a message one takes hold of it, in pixels.
const GRASP: f32 = 14.0;
/// For how many messages there are buttons.
pub(super) const MAX_BUTTONS: usize = 60;
/// The least and the greatest height of the views, in pixels.
const HEIGHTS: (f64, f64) = (96.0, 720.0);

/// What the pointer is doing over a view.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    down: Option<i32>,
    start: (f32, f32),
    last: (f32, f32),
    dragging: bool,
    on: Option<Target>,
    /// The message whose end is held.
    end: Option<RecordId>,
}

/// The hand over the views.
pub struct DockHand {
    host: Shared,
    held: RefCell<Held>,
    /// The hand over the other views.
    panes: Rc<PaneHand>,
}

impl DockHand {
    /// A hand that acts on this host's player.
    pub fn new(host: Shared) -> DockHand {
        DockHand { panes: Rc::new(PaneHand::new(host.clone())), host, held: RefCell::default() }
    }

    fn look(&self, looking: Looking) {
        self.host.dispatch_quietly(Action::Look(looking));
    }

    fn down(&self, event: &Event) -> Option<Msg> {
        let event: &PointerEvent = event.dyn_ref()?;
        if event.button() != 0 {
            return None;
        }
        let canvas = target(event)?.dyn_into::<HtmlCanvasElement>().ok()?;
        // A pointer that is gone already cannot be captured, and need not be.
        let _ = canvas.set_pointer_capture(event.pointer_id());
        focus(&canvas);
        let at = place(event);
        let on = self.host.surfaces.hit(Kind::SpaceTime, at.0, at.1, event.pointer_type() == "touch");
        let end = match on {
            Some(Target::Flight(record)) => self.end_near(record, at.0).then_some(record),
            _ => None,
        };
        *self.held.borrow_mut() =
            Held { down: Some(event.pointer_id()), start: at, last: at, dragging: false, on, end };
        None
    }

    /// Whether the end of a message is near to a place.
    fn end_near(&self, record: RecordId, x: f32) -> bool {
        let player = self.host.player();
        let log = player.timeline().log();
        let world = &player.timeline().run().world;
        let due = world.flight(record).map(|flight| flight.due);
        let arrived = || log.iter().rev().find(|later| later.cause == record).map(|later| later.at);
        due.or_else(arrived).is_some_and(|at| (player.place_in_time(at) - x).abs() <= GRASP)
    }

    fn moved(&self, event: &Event) -> Option<Msg> {
        let event: &PointerEvent = event.dyn_ref()?;
        let at = place(event);
        let mut held = self.held.borrow_mut();
        self.look(Looking::Point(Some(Point::new(at.0, at.1))));
        if held.down != Some(event.pointer_id()) {
            let on = self.host.surfaces.hit(Kind::SpaceTime, at.0, at.1, false);
            if self.host.player().view().hovered != on {
                self.host.dispatch_quietly(Action::Hover(on));
            }
            return None;
        }
        let far = (at.0 - held.start.0).abs().max((at.1 - held.start.1).abs()) > DRAG;
        held.dragging |= far;
        if held.dragging {
            self.look(match held.end {
                Some(record) => Looking::Drag(record, at.0),
                None => Looking::Pan(at.0 - held.last.0),
            });
        }
        held.last = at;
        None
    }

    fn up(&self, event: &Event) -> Option<Msg> {
        let event: &PointerEvent = event.dyn_ref()?;
        let held = self.held.take();
        if held.down != Some(event.pointer_id()) {
            return None;
        }
        if held.dragging {
            return held.end.map(|_| Msg::Do(Action::Look(Looking::Drop)));
        }
        match held.on {
            Some(on) => Some(Msg::Do(Action::Select(Some(on)))),
            None => {
                let at = self.host.player().instant_at(held.start.0)?;
                Some(Msg::GoTo(at, None))
            }
        }
    }

    fn left(&self, _: &Event) -> Option<Msg> {
        self.look(Looking::Point(None));
        self.host.dispatch_quietly(Action::Hover(None));
        None
    }

    fn cancelled(&self, _: &Event) -> Option<Msg> {
        self.held.take();
        None
    }

    fn menu(&self, event: &Event) -> Option<Msg> {
        let event: &MouseEvent = event.dyn_ref()?;
        let at = place(event);
        let on = self.host.surfaces.hit(Kind::SpaceTime, at.0, at.1, false)?;
        event.prevent_default();
        let (x, y) = (f64::from(event.client_x()), f64::from(event.client_y()));
        Some(Msg::Open(Opens::Menu(MenuAt { target: Some(on), x, y })))
    }

    /// The wheel shows more or less time; with shift it moves the lifelines.
    fn turned(&self, event: &Event) -> Option<Msg> {
        let event: &WheelEvent = event.dyn_ref()?;
        let by = event.delta_y() * if event.delta_mode() == 0 { 1.0 } else { 24.0 };
        if event.shift_key() {
            self.look(Looking::Scroll(if by + event.delta_x() > 0.0 { 1 } else { -1 }));
        } else {
            self.look(Looking::Zoom(libm::exp(by / 500.0).clamp(0.5, 2.0)));
        }
        None
    }

    fn key(&self, event: &Event) -> Option<Msg> {
        let event: &KeyboardEvent = event.dyn_ref()?;
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return None;
        }
        let action = view_key(&self.host.player(), &event.key(), event.shift_key())?;
        event.prevent_default();
        event.stop_propagation();
        Some(Msg::Do(action))
    }
}

/// What an event over a view comes to.
type Does = fn(&DockHand, &Event) -> Option<Msg>;

/// Where over the canvas that an event happened on.
pub(super) fn place(event: &MouseEvent) -> (f32, f32) {
    let bounds = target(event).map(|target| target.get_bounding_client_rect());
    let (left, top) = bounds.map_or((0.0, 0.0), |bounds| (bounds.left(), bounds.top()));
    ((f64::from(event.client_x()) - left) as f32, (f64::from(event.client_y()) - top) as f32)
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
pub fn dock(player: &Player, hand: &Rc<DockHand>, class: &str, height: f64, filter: &LogFilter, link: &Link) -> El {
    let panes = player.views().iter().map(|kind| match kind {
        Kind::SpaceTime => diagram(player, hand, link),
        Kind::Trace => panes::trace(player, &hand.panes, link),
        Kind::Charts => panes::charts(player, &hand.panes, link),
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
fn messages(player: &Player, hand: &Rc<DockHand>, link: &Link) -> El {
    let (log, world) = (player.timeline().log(), &player.timeline().run().world);
    let hits = hand.host.surfaces.hits(Kind::SpaceTime);
    let buttons = hits.iter().rev().filter_map(|hit| {
        let (Target::Flight(record), Area::Path { from, to, .. }) = (hit.target, hit.area) else { return None };
        let select = Msg::Do(Action::Select(Some(hit.target)));
        let told = format!("{} {}", clock(log.get(record)?.at), sentence(log.get(record)?, world));
        let place = |name: &'static str, at: f32| (name, (at as i32).to_string());
        let [x, y, to_x, to_y] =
            [place("data-x", from.x), place("data-y", from.y), place("data-to-x", to.x), place("data-to-y", to.y)];
        let named = button(&told, link, select.clone()).key(record.0).tells(ListenerKind::onfocus, link, select);
        Some([x, y, to_x, to_y].into_iter().fold(named, |named, (name, value)| named.set(name, value)))
    });
    el("div").class("unseen").set("role", "group").label("Messages").all(buttons.take(MAX_BUTTONS))
}

fn diagram(player: &Player, hand: &Rc<DockHand>, link: &Link) -> El {
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
    let mut canvas = el("canvas").set("tabindex", "0").set("data-view", Kind::SpaceTime.name()).label(told);
    let does: [(ListenerKind, Does); 8] = [
        (ListenerKind::onpointerdown, DockHand::down),
        (ListenerKind::onpointermove, DockHand::moved),
        (ListenerKind::onpointerup, DockHand::up),
        (ListenerKind::onpointercancel, DockHand::cancelled),
        (ListenerKind::onpointerleave, DockHand::left),
        (ListenerKind::oncontextmenu, DockHand::menu),
        (ListenerKind::onwheel, DockHand::turned),
        (ListenerKind::onkeydown, DockHand::key),
    ];
    for (kind, does) in does {
        let hand = hand.clone();
        canvas = canvas.asks(kind, link, move |event| does(&hand, event));
    }
    let body = el("div").class("surface").add(canvas).all((!player.playing()).then(|| messages(player, hand, link)));
    pane(Kind::SpaceTime, tools, body, link)
}
