//! Pointers on the canvas: clicks, drags, pinches and long presses become messages and actions.

use std::cell::RefCell;

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Event, MouseEvent, PointerEvent};

use crate::player::{Action, Choosing};
use crate::scene::{Point, Target};

use super::app::{Msg, Opens};
use super::dom::{Link, find, focus, place, spot};
use super::host::Shared;
use super::menu::{MenuAt, MenuOf};

/// How far a pointer must move before it drags, in pixels.
const DRAG: f64 = 4.0;
/// A click so soon after a finger went up is that finger's, in milliseconds.
const SAME_TOUCH: f64 = 400.0;
/// How long a finger must rest for the menu, in milliseconds.
const LONG_PRESS: i32 = 500;

/// The pointers over the canvas.
pub struct Hands {
    /// The player that they act on.
    pub host: Shared,
    link: Link,
    held: RefCell<Held>,
}

/// What the pointers are doing.
#[derive(Default)]
struct Held {
    /// Pointers that are down: id, where.
    down: Vec<(i32, f64, f64)>,
    /// Where the first one went down, and on what.
    start: (f64, f64),
    on: Option<Target>,
    dragging: bool,
    /// With shift one chooses several.
    choosing: bool,
    /// The timer of a long press.
    press: Option<i32>,
    /// A press has opened a menu; its end is no click.
    pressed: bool,
    /// When the finger of such a press went up, in the time of events.
    lifted: Option<f64>,
}

impl Held {
    fn end_press(&mut self) {
        if let (Some(press), Some(window)) = (self.press.take(), web_sys::window()) {
            window.clear_timeout_with_handle(press);
        }
    }
}

/// Components are being chosen between two corners.
#[inline(never)]
fn drawn(from: (f64, f64), to: (f64, f64)) -> Action {
    let corner = |(x, y): (f64, f64)| Point::new(x as f32, y as f32);
    Action::Choose(Choosing::Drawn(corner(from), corner(to)))
}

impl Hands {
    /// No pointer is down.
    pub fn new(host: Shared, link: Link) -> Hands {
        Hands { host, link, held: RefCell::default() }
    }

    /// A button or a finger goes down.
    pub fn down(&self, event: &Event) -> Option<Msg> {
        let event: &PointerEvent = event.dyn_ref()?;
        if event.button() != 0 {
            return None;
        }
        let ((x, y), touch) = (place(event), event.pointer_type() == "touch");
        if let Some(canvas) = find(".stage canvas") {
            // A pointer that is gone already cannot be captured, and need not be.
            let _ = canvas.set_pointer_capture(event.pointer_id());
            focus(&canvas);
        }
        let on = self.host.hit(x as f32, y as f32, touch);
        let mut held = self.held.borrow_mut();
        held.down.push((event.pointer_id(), x, y));
        if held.down.len() > 1 {
            held.end_press();
            return None;
        }
        (held.start, held.on, held.dragging, held.pressed) = ((x, y), on, false, false);
        held.choosing = event.shift_key();
        if touch {
            let at = spot(event);
            held.press = self.long_press(on, at);
        }
        None
    }

    /// Opens the menu when the finger still rests after a while.
    fn long_press(&self, on: Option<Target>, (x, y): (f64, f64)) -> Option<i32> {
        let (link, of) = (self.link.clone(), on.map_or(MenuOf::Stage, MenuOf::Target));
        let open = Closure::once_into_js(move || {
            link.send_message(Msg::Open(Opens::Menu(MenuAt { of, x, y })));
        });
        let window = web_sys::window()?;
        window.set_timeout_with_callback_and_timeout_and_arguments_0(open.unchecked_ref(), LONG_PRESS).ok()
    }

    /// A menu has opened under the finger that rests; its end is no click.
    pub fn pressed(&self) {
        let mut held = self.held.borrow_mut();
        held.pressed = !held.down.is_empty();
    }

    /// Whether a click is the end of the press that has opened the menu: browsers make one of it, and it lands on
    /// whatever is there by then.
    pub fn ends_press(&self, click: &Event) -> bool {
        self.held.borrow().lifted.is_some_and(|lifted| click.time_stamp() - lifted < SAME_TOUCH)
    }

    /// Another touch begins outside of the canvas: its click is its own.
    pub fn other_touch(&self, _: &Event) -> Option<Msg> {
        self.held.borrow_mut().lifted = None;
        None
    }

    /// A pointer moves.
    pub fn moved(&self, event: &Event) -> Option<Msg> {
        let event: &PointerEvent = event.dyn_ref()?;
        let (x, y) = place(event);
        self.host.dispatch_quietly(Action::WireTo(x as f32, y as f32));
        let mut held = self.held.borrow_mut();
        let Some(place) = held.down.iter().position(|(id, ..)| *id == event.pointer_id()) else {
            if event.pointer_type() != "touch" {
                self.hover(self.host.hit(x as f32, y as f32, false));
            }
            return None;
        };
        let before = held.down[place];
        held.down[place] = (event.pointer_id(), x, y);
        if held.down.len() == 2 {
            self.pinch(before, (x, y), held.down[1 - place]);
            return None;
        }
        if !held.dragging && (x - held.start.0).abs().max((y - held.start.1).abs()) > DRAG {
            held.dragging = true;
            held.end_press();
        }
        if held.dragging && !held.pressed {
            self.host.dispatch_quietly(match held.on {
                Some(Target::Node(id)) => Action::Move(id, x as f32, y as f32),
                _ if held.choosing => drawn(held.start, (x, y)),
                _ => Action::Pan((x - before.1) as f32, (y - before.2) as f32),
            });
        }
        None
    }

    fn hover(&self, on: Option<Target>) {
        let before = self.host.player().view().hovered;
        if before != on {
            self.host.dispatch_quietly(Action::Hover(on));
        }
    }

    /// Two fingers: what was between them stays between them.
    fn pinch(&self, before: (i32, f64, f64), now: (f64, f64), other: (i32, f64, f64)) {
        let apart = |(x, y): (f64, f64)| libm::hypot(x - other.1, y - other.2).max(1.0);
        let old = (before.1, before.2);
        let middle = |(x, y): (f64, f64)| (((x + other.1) / 2.0) as f32, ((y + other.2) / 2.0) as f32);
        let (from, to) = (middle(old), middle(now));
        self.host.dispatch_quietly(Action::Pan(to.0 - from.0, to.1 - from.1));
        self.host.dispatch_quietly(Action::Zoom((apart(now) / apart(old)) as f32, to.0, to.1));
    }

    /// A pointer goes up.
    pub fn up(&self, event: &Event) -> Option<Msg> {
        let mut held = self.held.borrow_mut();
        let clicked = held.down.len() == 1 && !held.dragging && !held.pressed;
        held.lifted = held.pressed.then(|| event.time_stamp());
        let down = held.down.len();
        self.release(&mut held, event)?;
        (clicked && held.down.len() < down).then(|| match held.on {
            Some(Target::Node(id)) if held.choosing => Msg::Do(Action::Choose(Choosing::Also(id))),
            on => Msg::Click(on),
        })
    }

    /// The browser has taken a pointer for itself.
    pub fn cancelled(&self, event: &Event) -> Option<Msg> {
        self.release(&mut self.held.borrow_mut(), event);
        None
    }

    fn release(&self, held: &mut Held, event: &Event) -> Option<()> {
        let pointer = event.dyn_ref::<PointerEvent>()?.pointer_id();
        held.end_press();
        if held.choosing && held.dragging {
            self.host.dispatch(Action::Choose(Choosing::Enough));
        }
        held.down.retain(|(id, ..)| *id != pointer);
        Some(())
    }

    /// No pointer is over the canvas any more.
    pub fn left(&self, _: &Event) -> Option<Msg> {
        self.hover(None);
        None
    }

    /// The right button: the menu of what is under it, or of the stage.
    pub fn menu(&self, event: &Event) -> Option<Msg> {
        let event: &MouseEvent = event.dyn_ref()?;
        let (x, y) = place(event);
        let of = self.host.hit(x as f32, y as f32, false).map_or(MenuOf::Stage, MenuOf::Target);
        event.prevent_default();
        let (x, y) = spot(event);
        Some(Msg::Open(Opens::Menu(MenuAt { of, x, y })))
    }
}
