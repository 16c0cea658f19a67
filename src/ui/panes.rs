//! The trace and the charts in their frames: their buttons, and the pointer and the keys over them.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlCanvasElement, KeyboardEvent, MouseEvent, PointerEvent, WheelEvent};
use yew::virtual_dom::ListenerKind;

use crate::player::{Action, Back, Charting, Looking, Player, Plotted, Tracing, charts_key, trace_key};
use crate::scene::{Area, Point, Target};
use crate::sim::clock;
use crate::trace::sentence;
use crate::views::Kind;

use super::app::{Msg, Opens};
use super::dock::{DRAG, MAX_BUTTONS, pane, place};
use super::dom::{El, Link, button, el, focus, target};
use super::host::Shared;
use super::menu::MenuAt;

/// What the pointer is doing over a view.
#[derive(Clone, Copy, Default)]
struct Held {
    down: Option<i32>,
    start: (f32, f32),
    last: (f32, f32),
    dragging: bool,
    on: Option<Target>,
}

/// The hand over the trace and the charts.
pub struct PaneHand {
    host: Shared,
    held: Cell<Held>,
}

/// What an event over a view comes to.
type Does = fn(&PaneHand, &Event) -> Option<Msg>;

fn traces(tracing: Tracing) -> Action {
    Action::Look(Looking::Trace(tracing))
}

fn charted(charting: Charting) -> Action {
    Action::Look(Looking::Chart(charting))
}

impl PaneHand {
    /// A hand that acts on this host's player.
    pub fn new(host: Shared) -> PaneHand {
        PaneHand { host, held: Cell::default() }
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
        let on = self.host.surfaces.hit(Kind::Trace, at.0, at.1, event.pointer_type() == "touch");
        self.held.set(Held { down: Some(event.pointer_id()), start: at, last: at, dragging: false, on });
        None
    }

    fn moved(&self, event: &Event) -> Option<Msg> {
        let event: &PointerEvent = event.dyn_ref()?;
        let at = place(event);
        self.host.dispatch_quietly(traces(Tracing::Point(Some(Point::new(at.0, at.1)))));
        let mut held = self.held.get();
        if held.down != Some(event.pointer_id()) {
            let on = self.host.surfaces.hit(Kind::Trace, at.0, at.1, false);
            if self.host.player().view().hovered != on {
                self.host.dispatch_quietly(Action::Hover(on));
            }
            return None;
        }
        held.dragging |= (at.0 - held.start.0).abs().max((at.1 - held.start.1).abs()) > DRAG;
        if held.dragging {
            self.host.dispatch_quietly(traces(Tracing::Pan(at.0 - held.last.0)));
        }
        held.last = at;
        self.held.set(held);
        None
    }

    fn up(&self, event: &Event) -> Option<Msg> {
        let event: &PointerEvent = event.dyn_ref()?;
        let held = self.held.take();
        if held.down != Some(event.pointer_id()) || held.dragging {
            return None;
        }
        Some(Msg::Do(Action::Select(Some(held.on?))))
    }

    fn left(&self, _: &Event) -> Option<Msg> {
        self.host.dispatch_quietly(traces(Tracing::Point(None)));
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
        let on = self.host.surfaces.hit(Kind::Trace, at.0, at.1, false)?;
        event.prevent_default();
        let (x, y) = (f64::from(event.client_x()), f64::from(event.client_y()));
        Some(Msg::Open(Opens::Menu(MenuAt { target: Some(on), x, y })))
    }

    /// The wheel shows more or less time; with shift it moves the rows. Over the list it moves that.
    fn turned(&self, event: &Event) -> Option<Msg> {
        let event: &WheelEvent = event.dyn_ref()?;
        let by = event.delta_y() * if event.delta_mode() == 0 { 1.0 } else { 24.0 };
        let step = if by + event.delta_x() > 0.0 { 1 } else { -1 };
        let x = place(event).0;
        let over_list = x < self.host.player().traced().list;
        self.host.dispatch_quietly(traces(match (over_list, event.shift_key()) {
            (true, _) => Tracing::List(step),
            (false, true) => Tracing::Scroll(step),
            (false, false) => Tracing::Zoom(libm::exp(by / 500.0).clamp(0.5, 2.0), Some(x)),
        }));
        None
    }

    fn key(&self, event: &Event) -> Option<Msg> {
        let event: &KeyboardEvent = event.dyn_ref()?;
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return None;
        }
        let action = trace_key(&event.key(), event.shift_key())?;
        event.prevent_default();
        event.stop_propagation();
        Some(Msg::Do(action))
    }

    fn charts_moved(&self, event: &Event) -> Option<Msg> {
        let at = place(event.dyn_ref::<PointerEvent>()?);
        self.host.dispatch_quietly(charted(Charting::Point(Some(Point::new(at.0, at.1)))));
        None
    }

    fn charts_left(&self, _: &Event) -> Option<Msg> {
        self.host.dispatch_quietly(charted(Charting::Point(None)));
        None
    }

    fn charts_clicked(&self, event: &Event) -> Option<Msg> {
        let at = place(event.dyn_ref::<MouseEvent>()?);
        Some(Msg::GoTo(self.host.player().charted_at(Point::new(at.0, at.1))?, None))
    }

    fn charts_key(&self, event: &Event) -> Option<Msg> {
        let event: &KeyboardEvent = event.dyn_ref()?;
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return None;
        }
        let msg = match (event.key().as_str(), self.host.player().instant()) {
            ("Enter", Some(at)) => Msg::GoTo(at, None),
            (key, _) => Msg::Do(charts_key(key)?),
        };
        event.prevent_default();
        event.stop_propagation();
        Some(msg)
    }
}

/// The trace, with what can be done to it.
#[inline(never)]
pub fn trace(player: &Player, hand: &Rc<PaneHand>, link: &Link) -> El {
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
    let does: [(ListenerKind, Does); 8] = [
        (ListenerKind::onpointerdown, PaneHand::down),
        (ListenerKind::onpointermove, PaneHand::moved),
        (ListenerKind::onpointerup, PaneHand::up),
        (ListenerKind::onpointercancel, PaneHand::cancelled),
        (ListenerKind::onpointerleave, PaneHand::left),
        (ListenerKind::oncontextmenu, PaneHand::menu),
        (ListenerKind::onwheel, PaneHand::turned),
        (ListenerKind::onkeydown, PaneHand::key),
    ];
    let unseen = (!player.playing()).then(|| [named(player, hand, true, link), named(player, hand, false, link)]);
    let body = surface(Kind::Trace, told, &does, hand, link).all(unseen.into_iter().flatten());
    pane(Kind::Trace, tools, body, link)
}

/// The requests of the list, or the rows, as buttons while time stands still; their places tell a program that drives the
/// page where to point.
fn named(player: &Player, hand: &Rc<PaneHand>, listed: bool, link: &Link) -> El {
    let (log, world) = (player.timeline().log(), &player.timeline().run().world);
    let mut last = None;
    let hits = hand.host.surfaces.hits(Kind::Trace);
    let buttons = hits.iter().filter_map(|hit| {
        let (Target::Flight(record), Area::Path { from, via, .. }) = (hit.target, hit.area) else { return None };
        // Each is there twice, so that nothing lies between the rows.
        if (from.x < player.traced().list) != listed || last.replace((record, listed)) == Some((record, listed)) {
            return None;
        }
        let select = Msg::Do(Action::Select(Some(hit.target)));
        let told = format!("{} {}", clock(log.get(record)?.at), sentence(log.get(record)?, world));
        let named = button(&told, link, select.clone()).key(record.0).tells(ListenerKind::onfocus, link, select);
        Some(named.set("data-x", (via.x as i32).to_string()).set("data-y", (via.y as i32).to_string()))
    });
    let label = if listed { "Requests" } else { "Rows" };
    el("div").class("unseen").set("role", "group").label(label).all(buttons.take(MAX_BUTTONS))
}

/// A canvas over which a hand moves.
fn surface(kind: Kind, told: &'static str, does: &[(ListenerKind, Does)], hand: &Rc<PaneHand>, link: &Link) -> El {
    let mut canvas = el("canvas").set("tabindex", "0").set("data-view", kind.name()).label(told);
    for (on, does) in does {
        let (hand, does) = (hand.clone(), *does);
        canvas = canvas.asks(on.clone(), link, move |event| does(&hand, event));
    }
    el("div").class("surface").add(canvas)
}

/// The charts, with what can be plotted.
#[inline(never)]
pub fn charts(player: &Player, hand: &Rc<PaneHand>, link: &Link) -> El {
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
    let does: [(ListenerKind, Does); 5] = [
        (ListenerKind::onpointermove, PaneHand::charts_moved),
        (ListenerKind::onpointerdown, PaneHand::charts_moved),
        (ListenerKind::onpointerleave, PaneHand::charts_left),
        (ListenerKind::onclick, PaneHand::charts_clicked),
        (ListenerKind::onkeydown, PaneHand::charts_key),
    ];
    let body = el("div").class("plots").add(picks).add(surface(Kind::Charts, told, &does, hand, link));
    pane(Kind::Charts, tools, body, link)
}
