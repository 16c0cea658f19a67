//! What watches the page from outside Yew: the canvas's size, whether it is seen, the wheel, and how the system likes
//! its pages.

use std::cell::Cell;

use wasm_bindgen::closure::{Closure, WasmClosure};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    AddEventListenerOptions, EventTarget, HtmlCanvasElement, IntersectionObserver, IntersectionObserverEntry,
    MediaQueryListEvent, ResizeObserver, WheelEvent,
};

use crate::player::Action;
use crate::scene::{Insets, Theme};

use super::boot::{Autoplay, Settings};
use super::dom::{enlarged, spot, within};
use super::host::Shared;

/// A listener that is taken away when it is dropped.
struct Listening<F: WasmClosure + ?Sized> {
    target: EventTarget,
    event: &'static str,
    closure: Closure<F>,
}

impl<F: WasmClosure + ?Sized> Listening<F> {
    fn new(target: EventTarget, event: &'static str, closure: Closure<F>) -> Listening<F> {
        let options = AddEventListenerOptions::new();
        // Only the wheel is ever kept from scrolling the page, and Yew's own listener for it is passive.
        options.set_passive(event != "wheel");
        let listener = closure.as_ref().unchecked_ref();
        // Refused only for a type of event that has no listeners at all.
        let _ = target.add_event_listener_with_callback_and_add_event_listener_options(event, listener, &options);
        Listening { target, event, closure }
    }
}

impl<F: WasmClosure + ?Sized> Drop for Listening<F> {
    fn drop(&mut self) {
        let _ = self.target.remove_event_listener_with_callback(self.event, self.closure.as_ref().unchecked_ref());
    }
}

/// Everything that is watched for as long as the app stands.
pub struct Watch {
    resize: Option<ResizeObserver>,
    seen: Option<IntersectionObserver>,
    _on_resize: Closure<dyn FnMut()>,
    _on_seen: Closure<dyn FnMut(js_sys::Array)>,
    _hidden: Option<Listening<dyn FnMut()>>,
    _wheel: Listening<dyn FnMut(WheelEvent)>,
    _system: Vec<Listening<dyn FnMut(MediaQueryListEvent)>>,
}

impl Watch {
    /// Gives the player its canvas, and from now on its size, its wheel and the system's wishes.
    pub fn new(host: &Shared, canvas: &HtmlCanvasElement, settings: &Settings) -> Watch {
        let system = follow_system(host, settings.theme);
        host.attach(canvas);
        // The tools and the hint lie over the stage; a figure has neither.
        let (top, bottom) = match settings.embed {
            true => (0.0, 0.0),
            false if canvas.client_width() < 480 => (54.0, 62.0),
            // There the hint has two lines.
            false if canvas.client_width() < 700 => (50.0, 74.0),
            false => (50.0, 58.0),
        };
        host.dispatch_quietly(Action::Inset(Insets { top, bottom, ..Insets::default() }));
        measure(host, canvas);
        let on_resize = {
            let (host, canvas) = (host.clone(), canvas.clone());
            Closure::<dyn FnMut()>::new(move || measure(&host, &canvas))
        };
        let resize = ResizeObserver::new(on_resize.as_ref().unchecked_ref()).ok();
        if let Some(resize) = &resize {
            resize.observe(canvas);
        }
        if settings.embed && (settings.autoplay == Autoplay::No || host.player().view().reduced_motion) {
            host.dispatch(Action::Pause);
        }
        let on_seen = when_seen(host, settings);
        let seen = IntersectionObserver::new(on_seen.as_ref().unchecked_ref()).ok();
        if let Some(seen) = &seen {
            seen.observe(canvas);
        }
        let on_hidden = {
            let host = host.clone();
            Closure::<dyn FnMut()>::new(move || host.set_seen(!hidden()))
        };
        let document = web_sys::window().and_then(|window| window.document());
        let wheel = when_turned(host, canvas, settings.embed);
        Watch {
            resize,
            seen,
            _on_resize: on_resize,
            _on_seen: on_seen,
            _hidden: document.map(|document| Listening::new(document.into(), "visibilitychange", on_hidden)),
            _wheel: Listening::new(canvas.clone().into(), "wheel", wheel),
            _system: system,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(resize) = &self.resize {
            resize.disconnect();
        }
        if let Some(seen) = &self.seen {
            seen.disconnect();
        }
    }
}

fn measure(host: &Shared, canvas: &HtmlCanvasElement) {
    let (width, height) = (canvas.client_width() as f32, canvas.client_height() as f32);
    let ratio = web_sys::window().map_or(1.0, |window| window.device_pixel_ratio()).clamp(1.0, 3.0) * enlarged(canvas);
    if width > 0.0 && height > 0.0 {
        host.resize(width, height, ratio);
    }
}

/// Off screen, the run stands still and no frame is asked for.
fn when_seen(host: &Shared, settings: &Settings) -> Closure<dyn FnMut(js_sys::Array)> {
    let waits = Cell::new(settings.embed && settings.autoplay == Autoplay::Visible);
    let host = host.clone();
    Closure::new(move |entries: js_sys::Array| {
        let last: JsValue = entries.get(entries.length().saturating_sub(1));
        let seen = last.unchecked_into::<IntersectionObserverEntry>().is_intersecting();
        host.set_seen(seen && !hidden());
        if seen && waits.replace(false) && host.player().view().reduced_motion {
            host.dispatch(Action::Pause);
        }
    })
}

/// The wheel zooms about the pointer.
fn when_turned(host: &Shared, canvas: &HtmlCanvasElement, embed: bool) -> Closure<dyn FnMut(WheelEvent)> {
    let (host, canvas) = (host.clone(), canvas.clone());
    Closure::new(move |event: WheelEvent| {
        // A figure in an article leaves the page its wheel, unless one asks for zoom.
        if embed && !event.ctrl_key() {
            return;
        }
        event.prevent_default();
        let (x, y) = within(&canvas, spot(&event));
        let lines = if event.delta_mode() == 0 { 1.0 } else { 24.0 };
        let factor = libm::exp(-event.delta_y() * lines / if event.ctrl_key() { 120.0 } else { 500.0 });
        host.dispatch_quietly(Action::Zoom(factor.clamp(0.5, 2.0) as f32, x as f32, y as f32));
    })
}

fn hidden() -> bool {
    web_sys::window().and_then(|window| window.document()).is_some_and(|document| document.hidden())
}

/// Dark or light and less motion, as the system has it and while it changes.
fn follow_system(host: &Shared, fixed: Option<Theme>) -> Vec<Listening<dyn FnMut(MediaQueryListEvent)>> {
    let mut listening = Vec::new();
    match fixed {
        Some(theme) => host.dispatch(Action::Theme(theme)),
        None => listening.extend(follow(host, "(prefers-color-scheme: dark)", |dark| {
            Action::Theme(if dark { Theme::Dark } else { Theme::Light })
        })),
    }
    listening.extend(follow(host, "(prefers-reduced-motion: reduce)", Action::ReducedMotion));
    listening
}

fn follow(host: &Shared, query: &str, action: fn(bool) -> Action) -> Option<Listening<dyn FnMut(MediaQueryListEvent)>> {
    let query = web_sys::window()?.match_media(query).ok()??;
    host.dispatch(action(query.matches()));
    let host = host.clone();
    let closure = Closure::new(move |event: MediaQueryListEvent| host.dispatch(action(event.matches())));
    Some(Listening::new(query.into(), "change", closure))
}
