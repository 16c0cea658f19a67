//! The player in its page: one frame loop, which sleeps when nothing moves, when the tab is hidden and when an embed is
//! off screen.

use std::cell::{Cell, Ref, RefCell};
use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::HtmlCanvasElement;

use crate::link::Shown;
use crate::player::{Action, Player, Save, Saved};
use crate::scene::DisplayList;
use crate::sim::Time;
use crate::timeline::{Cursor, KEYFRAME_STEPS, Moment};

use super::painter::Painter;
use super::surfaces::Surfaces;

/// How often panels are refreshed while the run goes on, in milliseconds.
const REFRESH: f64 = 200.0;

/// What the browser calls for a frame, with the time in milliseconds.
type OnFrame = Closure<dyn FnMut(f64)>;

/// Everything that outlives a single draw of the panels.
pub struct Host {
    player: RefCell<Player>,
    list: RefCell<DisplayList>,
    painter: RefCell<Option<Painter>>,
    /// The canvases of the linked views.
    pub surfaces: Surfaces,
    /// The animation frame that was asked for.
    pending: Cell<Option<i32>>,
    on_frame: RefCell<Option<OnFrame>>,
    /// When the last frame was; `None` after a sleep, which no run catches up with.
    last: Cell<Option<f64>>,
    refreshed: Cell<f64>,
    refresh: RefCell<Box<dyn Fn()>>,
    /// Whether anyone can see it.
    seen: Cell<bool>,
    /// The last moment before something was done, and the instant of the last frame: the way back if we fail.
    before: RefCell<Option<Moment>>,
    shown: Cell<Time>,
    /// Whether it has run for long.
    long: Cell<bool>,
}

impl Host {
    /// A host for a player; nothing is drawn until a canvas comes.
    pub fn new(player: Player) -> Rc<Host> {
        let host = Rc::new(Host {
            player: RefCell::new(player),
            list: RefCell::default(),
            painter: RefCell::new(None),
            surfaces: Surfaces::default(),
            pending: Cell::new(None),
            on_frame: RefCell::new(None),
            last: Cell::new(None),
            refreshed: Cell::new(0.0),
            refresh: RefCell::new(Box::new(|| ())),
            seen: Cell::new(true),
            before: RefCell::default(),
            shown: Cell::default(),
            long: Cell::new(false),
        });
        let weak = Rc::downgrade(&host);
        let on_frame = Closure::new(move |now: f64| {
            if let Some(host) = weak.upgrade() {
                host.frame(now);
            }
        });
        *host.on_frame.borrow_mut() = Some(on_frame);
        host
    }

    /// The player, to be read; it must be let go before anything is dispatched.
    pub fn player(&self) -> Ref<'_, Player> {
        self.player.borrow()
    }

    /// Does what a person asked for, and shows it.
    pub fn dispatch(&self, action: Action) {
        *self.before.borrow_mut() = Some(self.player.borrow().timeline().moment());
        self.player.borrow_mut().dispatch(action);
        self.wake();
        self.refresh_panels();
    }

    /// Does something that no panel shows: pointers and cameras.
    pub fn dispatch_quietly(&self, action: Action) {
        self.player.borrow_mut().dispatch(action);
        self.wake();
    }

    /// Another run in the same window.
    pub fn replace(&self, player: Player) {
        self.player.borrow_mut().become_player(player);
        self.wake();
        self.refresh_panels();
    }

    /// The link to the last moment at which all was well: of the player as it is, or where it fails in the middle of
    /// something, of what it was before, at the instant of the last frame.
    pub fn way_back(&self) -> String {
        let moment = match (self.player.try_borrow(), self.before.try_borrow()) {
            (Ok(player), _) => Some(player.timeline().moment()),
            (_, Ok(before)) => before.clone().map(|moment| {
                let cursor = Cursor { at: self.shown.get().max(moment.cursor.at), steps: None };
                Moment { cursor, ..moment }
            }),
            _ => None,
        };
        moment.map_or_else(String::new, |moment| crate::link::write(&moment, &Shown::default()).fragment)
    }

    /// The link to where the player stands.
    pub fn here(&self) -> String {
        let Ok(player) = self.player.try_borrow() else { return String::new() };
        let (moment, shown) = player.share();
        crate::link::write(&moment, &shown).fragment
    }

    /// Which lesson is open and how many of its tasks were done.
    pub fn learnt(&self) -> String {
        let Ok(player) = self.player.try_borrow() else { return String::new() };
        format!("{} {}", player.timeline().document().name, player.learnt())
    }

    /// This moment as a file.
    pub fn save(&self, save: Save, address: &str) -> Saved {
        let saved = self.player.borrow_mut().save(save, address);
        // A diagram was drawn in another size.
        self.wake();
        saved
    }

    /// Calls `refresh` when panels may have something new to show.
    pub fn on_refresh(&self, refresh: Box<dyn Fn()>) {
        *self.refresh.borrow_mut() = refresh;
    }

    /// What is under a pointer.
    pub fn hit(&self, x: f32, y: f32, touch: bool) -> Option<crate::scene::Target> {
        self.list.borrow().hit(x, y, touch)
    }

    /// Draws on this canvas from now on.
    pub fn attach(&self, canvas: &HtmlCanvasElement) {
        *self.painter.borrow_mut() = Painter::new(canvas);
        self.wake();
    }

    /// Has no canvas any more.
    pub fn detach(&self) {
        *self.painter.borrow_mut() = None;
        if let (Some(frame), Some(window)) = (self.pending.take(), web_sys::window()) {
            // An animation frame that is over is cancelled without harm.
            let _ = window.cancel_animation_frame(frame);
        }
    }

    /// Whether anyone can see it; when nobody can, nothing runs.
    pub fn set_seen(&self, seen: bool) {
        if self.seen.replace(seen) != seen && seen {
            self.wake();
        }
    }

    /// The canvas has another size, or another pixel ratio.
    pub fn resize(&self, width: f32, height: f32, ratio: f64) {
        if let Some(painter) = &mut *self.painter.borrow_mut() {
            painter.resize(width, height, ratio);
        }
        self.dispatch_quietly(Action::Resize(width, height));
    }

    /// Asks for a frame, unless one is asked for already or nobody would see it.
    pub fn wake(&self) {
        if self.pending.get().is_some() || !self.seen.get() || self.painter.borrow().is_none() {
            return;
        }
        if let (Some(window), Some(on_frame)) = (web_sys::window(), &*self.on_frame.borrow()) {
            self.pending.set(window.request_animation_frame(on_frame.as_ref().unchecked_ref()).ok());
        }
    }

    fn refresh_panels(&self) {
        (self.refresh.borrow())();
    }

    fn frame(&self, now: f64) {
        self.pending.set(None);
        if !self.seen.get() {
            self.last.set(None);
            return;
        }
        self.shown.set(self.player.borrow().timeline().now());
        let steps = self.player.borrow().timeline().run().steps();
        if steps > KEYFRAME_STEPS / 2 && !self.long.replace(true) {
            super::boot::load_later(2); // keyframes are weighed by code of the later part
        }
        let seconds = self.last.get().map_or(0.0, |last| (now - last) / 1e3);
        let went_on = self.last.get().is_some();
        let goes_on = {
            let mut player = self.player.borrow_mut();
            let goes_on = player.frame(seconds);
            player.draw(&mut self.list.borrow_mut());
            goes_on
        };
        if let Some(painter) = &mut *self.painter.borrow_mut() {
            painter.paint(&self.list.borrow(), self.player.borrow().view().theme);
        }
        // While nothing goes on, panels that name what the views show are drawn after these.
        let shifted = !self.surfaces.is_empty() && self.surfaces.draw(&mut self.player.borrow_mut());
        // What stands still now is shown as it stands.
        let stopped = (went_on || shifted) && !goes_on;
        if stopped || (goes_on && now - self.refreshed.get() >= REFRESH) {
            self.refreshed.set(now);
            self.refresh_panels();
        }
        self.last.set(goes_on.then_some(now));
        if goes_on {
            self.wake();
        }
    }
}

/// A host as a property of components: the same one or another.
#[derive(Clone)]
pub struct Shared(pub Rc<Host>);

impl PartialEq for Shared {
    fn eq(&self, other: &Shared) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl std::ops::Deref for Shared {
    type Target = Host;
    fn deref(&self) -> &Host {
        &self.0
    }
}
