//! The hand over a linked view: what pointers, the wheel and keys over its canvas come to.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlCanvasElement, KeyboardEvent, MouseEvent, PointerEvent, WheelEvent};
use yew::virtual_dom::ListenerKind;

use crate::player::{Action, Charting, Looking, Player, Tracing, charts_key, trace_key, view_key};
use crate::scene::{Point, Target};
use crate::sim::{RecordId, clock};
use crate::trace::sentence;
use crate::views::Kind;

use super::app::{Msg, Opens};
use super::dom::{self, El, Link, button, el, focus, spot, target};
use super::host::Shared;
use super::menu::{MenuAt, MenuOf};

/// How far a pointer must move before it drags, in pixels.
const DRAG: f32 = 4.0;
/// How near to the end of a message one takes hold of it, in pixels.
const GRASP: f32 = 14.0;

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

/// The hand over a view.
pub struct ViewHand {
    /// The player that it acts on.
    pub host: Shared,
    kind: Kind,
    held: RefCell<Held>,
}

impl ViewHand {
    /// A hand over a view of this kind, which acts on this host's player.
    pub fn new(host: Shared, kind: Kind) -> ViewHand {
        ViewHand { host, kind, held: RefCell::default() }
    }

    fn look(&self, looking: Looking) {
        self.host.dispatch_quietly(Action::Look(looking));
    }

    /// The pointer is there, or nowhere.
    fn point(&self, at: Option<(f32, f32)>) {
        let at = at.map(|(x, y)| Point::new(x, y));
        self.look(match self.kind {
            Kind::Trace => Looking::Trace(Tracing::Point(at)),
            Kind::Charts => Looking::Chart(Charting::Point(at)),
            Kind::SpaceTime | Kind::Log => Looking::Point(at),
        });
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
        let on = self.host.surfaces.hit(self.kind, at.0, at.1, event.pointer_type() == "touch");
        let end = match on {
            Some(Target::Flight(record)) if self.kind == Kind::SpaceTime => {
                self.end_near(record, at.0).then_some(record)
            }
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
        self.point(Some(at));
        if held.down != Some(event.pointer_id()) {
            let on = self.host.surfaces.hit(self.kind, at.0, at.1, false);
            if self.host.player().view().hovered != on {
                self.host.dispatch_quietly(Action::Hover(on));
            }
            return None;
        }
        let far = (at.0 - held.start.0).abs().max((at.1 - held.start.1).abs()) > DRAG;
        held.dragging |= far;
        if held.dragging {
            let by = at.0 - held.last.0;
            self.look(match (held.end, self.kind) {
                (Some(record), _) => Looking::Drag(record, at.0),
                (None, Kind::Trace) => Looking::Trace(Tracing::Pan(by)),
                (None, _) => Looking::Pan(by),
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
            None if self.kind == Kind::SpaceTime => {
                let at = self.host.player().instant_at(held.start.0)?;
                Some(Msg::GoTo(at, None))
            }
            None => None,
        }
    }

    fn left(&self, _: &Event) -> Option<Msg> {
        self.point(None);
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
        let on = self.host.surfaces.hit(self.kind, at.0, at.1, false)?;
        event.prevent_default();
        let (x, y) = spot(event);
        Some(Msg::Open(Opens::Menu(MenuAt { of: MenuOf::Target(on), x, y })))
    }

    /// The wheel shows more or less time; with shift it moves the rows. Over the trace's list it moves that.
    fn turned(&self, event: &Event) -> Option<Msg> {
        let event: &WheelEvent = event.dyn_ref()?;
        let by = event.delta_y() * if event.delta_mode() == 0 { 1.0 } else { 24.0 };
        let step = if by + event.delta_x() > 0.0 { 1 } else { -1 };
        let (factor, x) = (libm::exp(by / 500.0).clamp(0.5, 2.0), place(event).0);
        let over_list = x < self.host.player().traced().list;
        self.look(match (self.kind, event.shift_key()) {
            (Kind::Trace, _) if over_list => Looking::Trace(Tracing::List(step)),
            (Kind::Trace, true) => Looking::Trace(Tracing::Scroll(step)),
            (Kind::Trace, false) => Looking::Trace(Tracing::Zoom(factor, Some(x))),
            (_, true) => Looking::Scroll(step),
            (_, false) => Looking::Zoom(factor),
        });
        None
    }

    fn key(&self, event: &Event) -> Option<Msg> {
        let event: &KeyboardEvent = event.dyn_ref()?;
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return None;
        }
        let (player, key) = (self.host.player(), event.key());
        let action = match (self.kind, key.as_str(), player.instant()) {
            (Kind::Charts, "Enter", Some(at)) => Msg::GoTo(at, None),
            (Kind::Charts, key, _) => Msg::Do(charts_key(key)?),
            (Kind::Trace, key, _) => Msg::Do(trace_key(key, event.shift_key())?),
            (_, key, _) => Msg::Do(view_key(&player, key, event.shift_key())?),
        };
        event.prevent_default();
        event.stop_propagation();
        Some(action)
    }

    fn over_charts(&self, event: &Event) -> Option<Msg> {
        self.point(Some(place(event.dyn_ref::<PointerEvent>()?)));
        None
    }

    fn left_charts(&self, _: &Event) -> Option<Msg> {
        self.point(None);
        None
    }

    fn clicked_charts(&self, event: &Event) -> Option<Msg> {
        let (x, y) = place(event.dyn_ref::<MouseEvent>()?);
        Some(Msg::GoTo(self.host.player().charted_at(Point::new(x, y))?, None))
    }
}

/// What an event over a view comes to.
type Does = fn(&ViewHand, &Event) -> Option<Msg>;

/// Where over the canvas a pointer is, as views are drawn.
fn place(event: &MouseEvent) -> (f32, f32) {
    let (x, y) = dom::place(event);
    (x as f32, y as f32)
}

/// What is done with pointers and keys over the diagram and the trace.
const OVER: &[(ListenerKind, Does)] = &[
    (ListenerKind::onpointerdown, ViewHand::down),
    (ListenerKind::onpointermove, ViewHand::moved),
    (ListenerKind::onpointerup, ViewHand::up),
    (ListenerKind::onpointercancel, ViewHand::cancelled),
    (ListenerKind::onpointerleave, ViewHand::left),
    (ListenerKind::oncontextmenu, ViewHand::menu),
    (ListenerKind::onwheel, ViewHand::turned),
    (ListenerKind::onkeydown, ViewHand::key),
];

/// And over charts, in which nothing can be taken hold of.
const OVER_CHARTS: &[(ListenerKind, Does)] = &[
    (ListenerKind::onpointermove, ViewHand::over_charts),
    (ListenerKind::onpointerdown, ViewHand::over_charts),
    (ListenerKind::onpointerleave, ViewHand::left_charts),
    (ListenerKind::onclick, ViewHand::clicked_charts),
    (ListenerKind::onkeydown, ViewHand::key),
];

/// A view's canvas, over which a hand moves; `told` says what it is.
pub fn surface(told: &'static str, hand: &Rc<ViewHand>, link: &Link) -> El {
    let mut canvas = el("canvas").set("tabindex", "0").set("data-view", hand.kind.name()).label(told);
    for (on, does) in if hand.kind == Kind::Charts { OVER_CHARTS } else { OVER } {
        let (hand, does) = (hand.clone(), *does);
        canvas = canvas.asks(on.clone(), link, move |event| does(&hand, event));
    }
    el("div").class("surface").add(canvas)
}

/// A message as a button, which says and selects it.
pub fn message(player: &Player, record: RecordId, link: &Link) -> Option<El> {
    let (sent, world) = (player.timeline().log().get(record)?, &player.timeline().run().world);
    let select = Msg::Do(Action::Select(Some(Target::Flight(record))));
    let told = format!("{} {}", clock(sent.at), sentence(sent, world));
    Some(button(&told, link, select.clone()).key(record.0).tells(ListenerKind::onfocus, link, select))
}
