//! The stage: a canvas, its pointers and keys, the tools over it, and the same components as buttons for those who do
//! not use a canvas.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{HtmlCanvasElement, HtmlElement, IntersectionObserver, IntersectionObserverEntry, ResizeObserver};
use yew::prelude::*;

use crate::player::{Action, key_action, menu};
use crate::scenario::Act;
use crate::scene::{Insets, Target};
use crate::sim::NodeId;

use super::app::Over;
use super::boot::{Autoplay, Settings};
use super::host::Shared;
use super::menu::MenuAt;

/// How far a pointer must move before it drags, in pixels.
const DRAG: f64 = 4.0;
/// How long a finger must rest for the menu, in milliseconds.
const LONG_PRESS: i32 = 500;

/// A component as a button.
#[derive(Clone, PartialEq)]
pub struct NodeButton {
    pub id: NodeId,
    /// Its name and how it is.
    pub label: String,
    /// Where it is on the canvas, in pixels: tells a program that drives the page where to point.
    pub at: Option<(i32, i32)>,
}

#[derive(Properties, PartialEq)]
pub struct StageProps {
    pub host: Shared,
    pub settings: Settings,
    pub set_over: Callback<Over>,
    pub nodes: Vec<NodeButton>,
    pub wiring: bool,
    pub hint: Option<String>,
}

/// What the pointers are doing.
#[derive(Default)]
struct Hands {
    /// Pointers that are down: id, where.
    down: Vec<(i32, f64, f64)>,
    /// Where the first one went down, and on what.
    start: (f64, f64),
    on: Option<Target>,
    dragging: bool,
    /// The timer of a long press.
    press: Option<i32>,
    /// A press has opened a menu; its end is no click.
    pressed: bool,
}

/// The tools over the stage: what a click does, by the key that would do it to what is selected.
const TOOLS: [(char, &str, &str); 5] = [
    ('k', "Kill", "Click what is to crash"),
    ('p', "Pause", "Click what is to stand still"),
    ('s', "Slow", "Click what is to be slow"),
    ('c', "Cut", "Click a link, or a component for all of its links"),
    ('r', "Restart", "Click what is to start again"),
];

#[component]
pub fn Stage(props: &StageProps) -> Html {
    let StageProps { host, settings, set_over, nodes, wiring, hint } = props;
    let canvas = use_node_ref();
    let hands = use_mut_ref(Hands::default);
    let tool = use_state(|| None::<char>);

    use_effect_with(canvas.clone(), {
        let (host, settings) = (host.clone(), settings.clone());
        move |canvas| {
            let canvas = canvas.cast::<HtmlCanvasElement>();
            let watch = canvas.map(|canvas| Watch::new(&host, &canvas, &settings));
            move || {
                drop(watch);
                host.detach();
            }
        }
    });

    // Yew listens at the root of the page, so that an event's current target is that and not the canvas.
    let at = {
        let canvas = canvas.clone();
        move |event: &MouseEvent| {
            let bounds = canvas.cast::<HtmlElement>().map(|canvas| canvas.get_bounding_client_rect());
            let (left, top) = bounds.map_or((0.0, 0.0), |bounds| (bounds.left(), bounds.top()));
            (f64::from(event.client_x()) - left, f64::from(event.client_y()) - top)
        }
    };
    let open_menu = {
        let (host, set_over) = (host.clone(), set_over.clone());
        Rc::new(move |target: Option<Target>, x: f64, y: f64| {
            if let Some(target) = target {
                host.dispatch(Action::Select(Some(target)));
                if host.with(|player| !menu(player, target).is_empty()) {
                    set_over.emit(Over::Menu(MenuAt::target(target, x, y)));
                }
            }
        })
    };

    let onpointerdown = {
        let (at, host, hands, open_menu) = (at.clone(), host.clone(), hands.clone(), open_menu.clone());
        move |event: PointerEvent| {
            let (x, y) = at(&event);
            let touch = event.pointer_type() == "touch";
            if event.button() != 0 {
                return;
            }
            if let Some(canvas) = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok()) {
                // A pointer that is gone already cannot be captured, and need not be.
                let _ = canvas.set_pointer_capture(event.pointer_id());
                let _ = canvas.focus();
            }
            let on = host.hit(x as f32, y as f32, touch);
            let mut held = hands.borrow_mut();
            held.down.push((event.pointer_id(), x, y));
            if held.down.len() == 1 {
                (held.start, held.on, held.dragging, held.pressed) = ((x, y), on, false, false);
                if touch {
                    let (hands, open_menu) = (hands.clone(), open_menu.clone());
                    let (page_x, page_y) = (f64::from(event.client_x()), f64::from(event.client_y()));
                    let open = Closure::once_into_js(move || {
                        hands.borrow_mut().pressed = true;
                        open_menu(on, page_x, page_y);
                    });
                    let window = web_sys::window();
                    held.press = window.and_then(|window| {
                        let open = open.unchecked_ref();
                        window.set_timeout_with_callback_and_timeout_and_arguments_0(open, LONG_PRESS).ok()
                    });
                }
            } else {
                end_press(&mut held);
            }
        }
    };

    let onpointermove = {
        let (at, host, hands) = (at.clone(), host.clone(), hands.clone());
        move |event: PointerEvent| {
            let (x, y) = at(&event);
            host.dispatch_quietly(Action::WireTo(x as f32, y as f32));
            let mut held = hands.borrow_mut();
            let Some(place) = held.down.iter().position(|(id, ..)| *id == event.pointer_id()) else {
                drop(held);
                if event.pointer_type() != "touch" {
                    let on = host.hit(x as f32, y as f32, false);
                    if host.with(|player| player.view().hovered) != on {
                        host.dispatch_quietly(Action::Hover(on));
                    }
                }
                return;
            };
            let before = held.down[place];
            held.down[place] = (event.pointer_id(), x, y);
            if held.down.len() == 2 {
                let other = held.down[1 - place];
                drop(held);
                pinch(&host, before, (x, y), other);
                return;
            }
            if !held.dragging && (x - held.start.0).abs().max((y - held.start.1).abs()) > DRAG {
                held.dragging = true;
                end_press(&mut held);
            }
            if !held.dragging || held.pressed {
                return;
            }
            let on = held.on;
            drop(held);
            match on {
                Some(Target::Node(id)) => host.dispatch_quietly(Action::Move(id, x as f32, y as f32)),
                _ => host.dispatch_quietly(Action::Pan((x - before.1) as f32, (y - before.2) as f32)),
            }
        }
    };

    let onpointerup = {
        let (host, hands, tool) = (host.clone(), hands.clone(), tool.clone());
        move |event: PointerEvent| {
            let mut held = hands.borrow_mut();
            end_press(&mut held);
            let clicked = held.down.len() == 1 && !held.dragging && !held.pressed;
            held.down.retain(|(id, ..)| *id != event.pointer_id());
            let on = held.on;
            drop(held);
            if clicked {
                click(&host, on, *tool);
            }
        }
    };
    let onpointercancel = {
        let hands = hands.clone();
        move |event: PointerEvent| {
            let mut held = hands.borrow_mut();
            end_press(&mut held);
            held.down.retain(|(id, ..)| *id != event.pointer_id());
        }
    };
    let onpointerleave = {
        let host = host.clone();
        move |_: PointerEvent| host.dispatch_quietly(Action::Hover(None))
    };
    let oncontextmenu = {
        let (at, host, open_menu) = (at.clone(), host.clone(), open_menu.clone());
        move |event: MouseEvent| {
            let (x, y) = at(&event);
            let on = host.hit(x as f32, y as f32, false);
            if on.is_some() {
                event.prevent_default();
                open_menu(on, f64::from(event.client_x()), f64::from(event.client_y()));
            }
        }
    };
    let onkeydown = {
        let (host, set_over, open_menu, tool) = (host.clone(), set_over.clone(), open_menu.clone(), tool.clone());
        move |event: KeyboardEvent| {
            if event.ctrl_key() || event.meta_key() || event.alt_key() {
                return;
            }
            // A tool's button has keys of its own.
            let target = event.target_dyn_into::<web_sys::Element>();
            if target.is_some_and(|target| matches!(target.closest(".toolbar"), Ok(Some(_)))) {
                return;
            }
            let key = event.key();
            let selected = host.with(|player| player.view().selected);
            match key.as_str() {
                "?" => set_over.emit(Over::Help),
                // As a click on it would.
                "Enter" if host.with(|player| player.view().wire.is_some()) => click(&host, selected, None),
                "ContextMenu" | "m" | "Enter" => {
                    let bounds = event.target_dyn_into::<HtmlElement>().map(|target| target.get_bounding_client_rect());
                    let (x, y) = bounds.map_or((0.0, 0.0), |bounds| (bounds.left() + 60.0, bounds.top() + 60.0));
                    open_menu(selected, x, y);
                }
                "Escape" if tool.is_some() => tool.set(None),
                key => match host.with(|player| key_action(player, key, event.shift_key())) {
                    Some(action) => host.dispatch(action),
                    None => return,
                },
            }
            event.prevent_default();
        }
    };
    let choose = |each: char| {
        let (tool, host) = (tool.clone(), host.clone());
        Callback::from(move |_: MouseEvent| {
            host.dispatch(Action::Wire(None));
            let selected = host.with(|player| player.view().selected);
            // With something selected a tool acts at once; otherwise it waits for a click.
            let acts = selected.and_then(|_| host.with(|player| key_action(player, &each.to_string(), false)));
            match acts {
                Some(action) => host.dispatch(action),
                None => tool.set((*tool != Some(each)).then_some(each)),
            }
        })
    };
    let wire = {
        let (host, tool) = (host.clone(), tool.clone());
        move |_: MouseEvent| {
            tool.set(None);
            let selected = host.with(|player| player.view().selected);
            match selected {
                Some(Target::Node(id)) => host.dispatch(Action::Wire(Some(id))),
                _ => {
                    let told = "Select a component first, then Wire, then click what it is to be wired to.".to_owned();
                    host.dispatch(Action::Tell(crate::player::Tone::Quiet, told));
                }
            }
        }
    };
    let add = {
        let set_over = set_over.clone();
        move |event: MouseEvent| {
            let bounds = event.target_dyn_into::<HtmlElement>().map(|target| target.get_bounding_client_rect());
            let (x, y) = bounds.map_or((0.0, 0.0), |bounds| (bounds.left(), bounds.bottom() + 4.0));
            set_over.emit(Over::Menu(MenuAt::palette(x, y)));
        }
    };
    let fit = {
        let host = host.clone();
        move |_: MouseEvent| host.dispatch(Action::Fit)
    };
    let tip = tool.and_then(|tool| TOOLS.iter().find(|(key, ..)| *key == tool)).map(|(_, _, tip)| *tip);
    let buttons = nodes.iter().map(|NodeButton { id, label, at }| {
        let select = {
            let (host, id) = (host.clone(), *id);
            move || host.dispatch(Action::Select(Some(Target::Node(id))))
        };
        let clicked = select.clone();
        let pixel = |of: fn((i32, i32)) -> i32| at.map(|at| of(at).to_string());
        html! {
            <button key={id.0} data-x={pixel(|at| at.0)} data-y={pixel(|at| at.1)}
                onfocus={move |_: FocusEvent| select()} onclick={move |_: MouseEvent| clicked()}>{ label }</button>
        }
    });
    html! {
        <div class={classes!("stage", wiring.then_some("wiring"), tool.map(|_| "tooling"))} onkeydown={onkeydown}>
            if !settings.embed {
                <div class="toolbar" role="toolbar" aria-label="Tools">
                    <button class={classes!((tool.is_none() && !wiring).then_some("current"))} title="Select and drag (Escape)"
                        onclick={let (tool, host) = (tool.clone(), host.clone()); move |_: MouseEvent| { tool.set(None); host.dispatch(Action::Wire(None)); }}>
                        { "Select" }</button>
                    <button onclick={add} title="Place a component" id="add">{ "+ Add" }</button>
                    <button class={classes!(wiring.then_some("current"))} onclick={wire} title="Link two components (w)">{ "Wire" }</button>
                    { for TOOLS.iter().map(|(key, name, tip)| html! {
                        <button class={classes!((*tool == Some(*key)).then_some("current"))} onclick={choose(*key)}
                            title={format!("{tip} ({key})")}>{ *name }</button>
                    }) }
                    <button onclick={fit} title="Show everything (f)">{ "Fit" }</button>
                </div>
            }
            <canvas ref={canvas} tabindex="0" aria-label="The cluster. Tab goes through its components; letters act on the selected one; question mark shows the keys."
                {onpointerdown} {onpointermove} {onpointerup} {onpointercancel} {onpointerleave} {oncontextmenu} />
            <div class="unseen" role="group" aria-label="Components">{ for buttons }</div>
            if let Some(tip) = tip {
                <p class="hint">{ tip }{ ". Escape when done." }</p>
            } else if let Some(hint) = hint.clone().filter(|_| !settings.embed) {
                <p class="hint">{ for super::lesson::words(&crate::player::prose(&hint)) }</p>
            }
        </div>
    }
}

fn end_press(hands: &mut Hands) {
    if let (Some(press), Some(window)) = (hands.press.take(), web_sys::window()) {
        window.clear_timeout_with_handle(press);
    }
}

fn click(host: &Shared, on: Option<Target>, tool: Option<char>) {
    let wire = host.with(|player| player.view().wire);
    match (on, wire, tool) {
        (Some(Target::Node(to)), Some(wire), _) if to != wire.from => {
            let name = |id: NodeId| host.with(|player| player.timeline().run().world.name(id).to_owned());
            let act = Act::Wire { between: (name(wire.from), name(to)) };
            host.dispatch(Action::Act(act));
        }
        (_, Some(_), _) => host.dispatch(Action::Wire(None)),
        (Some(target), None, Some(tool)) => {
            host.dispatch(Action::Select(Some(target)));
            if let Some(action) = host.with(|player| key_action(player, &tool.to_string(), false)) {
                host.dispatch(action);
            }
        }
        (on, None, _) => host.dispatch(Action::Select(on)),
    }
}

/// Two fingers: what was between them stays between them.
fn pinch(host: &Shared, before: (i32, f64, f64), now: (f64, f64), other: (i32, f64, f64)) {
    let apart = |(x, y): (f64, f64)| libm::hypot(x - other.1, y - other.2).max(1.0);
    let (old, new) = ((before.1, before.2), now);
    let middle = |(x, y): (f64, f64)| (((x + other.1) / 2.0) as f32, ((y + other.2) / 2.0) as f32);
    let (from, to) = (middle(old), middle(new));
    host.dispatch_quietly(Action::Pan(to.0 - from.0, to.1 - from.1));
    host.dispatch_quietly(Action::Zoom((apart(new) / apart(old)) as f32, to.0, to.1));
}

/// What watches the canvas from outside Yew: its size, whether it is seen, the wheel.
struct Watch {
    canvas: HtmlCanvasElement,
    resize: Option<ResizeObserver>,
    seen: Option<IntersectionObserver>,
    on_wheel: Closure<dyn FnMut(web_sys::WheelEvent)>,
    on_hidden: Closure<dyn FnMut()>,
    _on_resize: Closure<dyn FnMut()>,
    _on_seen: Closure<dyn FnMut(js_sys::Array)>,
}

impl Watch {
    fn new(host: &Shared, canvas: &HtmlCanvasElement, settings: &Settings) -> Watch {
        host.attach(canvas);
        // The tools and the hint lie over the stage; a figure has neither.
        let hint = if canvas.client_width() < 480 { 46.0 } else { 16.0 };
        let (top, bottom) = if settings.embed { (0.0, 0.0) } else { (34.0, hint) };
        host.dispatch_quietly(Action::Inset(Insets { top, bottom, ..Insets::default() }));
        let measure = {
            let (host, canvas) = (host.clone(), canvas.clone());
            move || {
                let (width, height) = (canvas.client_width() as f32, canvas.client_height() as f32);
                let ratio = web_sys::window().map_or(1.0, |window| window.device_pixel_ratio()).clamp(1.0, 3.0);
                if width > 0.0 && height > 0.0 {
                    host.resize(width, height, ratio);
                }
            }
        };
        measure();
        let on_resize = Closure::<dyn FnMut()>::new(measure);
        let resize = ResizeObserver::new(on_resize.as_ref().unchecked_ref()).ok();
        if let Some(resize) = &resize {
            resize.observe(canvas);
        }
        // Off screen, the run stands still and no frame is asked for.
        let waits = Rc::new(RefCell::new(settings.embed && settings.autoplay == Autoplay::Visible));
        if settings.embed && (settings.autoplay == Autoplay::No || host.with(|player| player.view().reduced_motion)) {
            host.dispatch(Action::Pause);
        }
        let on_seen = {
            let host = host.clone();
            Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
                let Some(last) = entries.iter().last() else { return };
                let seen = last.unchecked_into::<IntersectionObserverEntry>().is_intersecting();
                host.set_seen(seen && !hidden());
                if seen && waits.replace(false) && host.with(|player| player.view().reduced_motion) {
                    host.dispatch(Action::Pause);
                }
            })
        };
        let seen = IntersectionObserver::new(on_seen.as_ref().unchecked_ref()).ok();
        if let Some(seen) = &seen {
            seen.observe(canvas);
        }
        let on_hidden = {
            let host = host.clone();
            Closure::<dyn FnMut()>::new(move || host.set_seen(!hidden()))
        };
        let document = web_sys::window().and_then(|window| window.document());
        if let Some(document) = document {
            let _ = document.add_event_listener_with_callback("visibilitychange", on_hidden.as_ref().unchecked_ref());
        }
        // Yew's own wheel listener is passive and could not keep the page from scrolling.
        let on_wheel = {
            let (host, canvas, embed) = (host.clone(), canvas.clone(), settings.embed);
            Closure::<dyn FnMut(web_sys::WheelEvent)>::new(move |event: web_sys::WheelEvent| {
                // A figure in an article leaves the page its wheel, unless one asks for zoom.
                if embed && !event.ctrl_key() {
                    return;
                }
                event.prevent_default();
                let bounds = canvas.get_bounding_client_rect();
                let (x, y) = (f64::from(event.client_x()) - bounds.left(), f64::from(event.client_y()) - bounds.top());
                let lines = if event.delta_mode() == 0 { 1.0 } else { 24.0 };
                let factor = libm::exp(-event.delta_y() * lines / if event.ctrl_key() { 120.0 } else { 500.0 });
                host.dispatch_quietly(Action::Zoom(factor.clamp(0.5, 2.0) as f32, x as f32, y as f32));
            })
        };
        let options = web_sys::AddEventListenerOptions::new();
        options.set_passive(false);
        let listener = on_wheel.as_ref().unchecked_ref();
        let _ = canvas.add_event_listener_with_callback_and_add_event_listener_options("wheel", listener, &options);
        Watch { canvas: canvas.clone(), resize, seen, on_wheel, on_hidden, _on_resize: on_resize, _on_seen: on_seen }
    }
}

fn hidden() -> bool {
    web_sys::window().and_then(|window| window.document()).is_some_and(|document| document.hidden())
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(resize) = &self.resize {
            resize.disconnect();
        }
        if let Some(seen) = &self.seen {
            seen.disconnect();
        }
        let _ = self.canvas.remove_event_listener_with_callback("wheel", self.on_wheel.as_ref().unchecked_ref());
        if let Some(document) = web_sys::window().and_then(|window| window.document()) {
            let _ = document
                .remove_event_listener_with_callback("visibilitychange", self.on_hidden.as_ref().unchecked_ref());
        }
    }
}
