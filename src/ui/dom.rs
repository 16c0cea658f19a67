//! Elements as values: a few plain functions over Yew's virtual DOM. `html!` unrolls itself at every element, which made
//! the panels a third of the download; these stand in it once.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement, HtmlInputElement, HtmlSelectElement, MouseEvent};
use yew::html::Scope;
use yew::virtual_dom::{AttrValue, Key, Listener, ListenerKind, VList, VNode, VTag, VText};

use super::app::{App, Msg};

/// The way of everything that happens on the page: to the app, as a message.
pub type Link = Scope<App>;

/// An element that is being made; boxed, since each of the functions takes it and gives it back.
pub struct El(Box<VTag>);

/// An element without attributes or children.
pub fn el(tag: &'static str) -> El {
    El(Box::new(VTag::new(tag)))
}

/// A button with its words, which tells the app `msg`.
pub fn button(words: &str, link: &Link, msg: Msg) -> El {
    el("button").text(words).tells(ListenerKind::onclick, link, msg)
}

impl El {
    /// Sets an attribute.
    pub fn set(mut self, name: &'static str, value: impl Into<AttrValue>) -> El {
        self.set_value(name, value.into());
        self
    }

    #[inline(never)]
    fn set_value(&mut self, name: &'static str, value: AttrValue) {
        self.0.add_attribute(name, value);
    }

    /// Sets an attribute, if there is a value for it.
    pub fn set_some(self, name: &'static str, value: Option<impl Into<AttrValue>>) -> El {
        match value {
            Some(value) => self.set(name, value),
            None => self,
        }
    }

    /// Sets an attribute without a value, if `on`.
    pub fn flag(self, name: &'static str, on: bool) -> El {
        if on { self.set(name, "") } else { self }
    }

    /// Its style sheet classes, parted by spaces.
    pub fn class(self, names: impl Into<AttrValue>) -> El {
        self.set("class", names)
    }

    /// The words under which people and programs know it.
    pub fn label(self, words: impl Into<AttrValue>) -> El {
        self.set("aria-label", words)
    }

    /// Whether this choice of a list is the one. As a property: the attribute only says what was chosen at first.
    pub fn selected(mut self, on: bool) -> El {
        self.0.add_property("selected", on);
        self
    }

    /// Tells it from its siblings when their number or order changes.
    pub fn key(mut self, key: impl Into<Key>) -> El {
        self.0.key = Some(key.into());
        self
    }

    /// What stands in an input field.
    pub fn value(mut self, value: String) -> El {
        self.0.set_value(Some(AttrValue::from(value)));
        self
    }

    /// Whether a box is ticked.
    pub fn checked(mut self, checked: bool) -> El {
        self.0.set_checked(checked);
        self
    }

    /// Adds a child.
    pub fn add(mut self, child: El) -> El {
        self.push(child.into());
        self
    }

    /// Adds children that may be more or fewer the next time, or one that may be there or not. They are a list of their
    /// own, so that what stands beside them stays the same element.
    pub fn all(mut self, children: impl IntoIterator<Item = El>) -> El {
        let mut list = VList::new();
        children.into_iter().for_each(|child| list.add_child(child.into()));
        self.push(list.into());
        self
    }

    /// Adds text.
    pub fn text(mut self, words: &str) -> El {
        self.push(VText::new(AttrValue::from(words.to_owned())).into());
        self
    }

    #[inline(never)]
    fn push(&mut self, child: VNode) {
        self.0.add_child(child);
    }

    /// Tells the app `msg` at each event of this kind.
    pub fn tells(mut self, kind: ListenerKind, link: &Link, msg: Msg) -> El {
        self.0.add_listener(Rc::new(Tells { kind, link: link.clone(), msg }));
        self
    }

    /// Asks `what` at each event of this kind what the app is to be told, if anything.
    pub fn asks(mut self, kind: ListenerKind, link: &Link, what: impl Fn(&Event) -> Option<Msg> + 'static) -> El {
        self.0.add_listener(Rc::new(Asks { kind, link: link.clone(), what: Box::new(what) }));
        self
    }
}

impl From<El> for VNode {
    fn from(element: El) -> VNode {
        (*element.0).into()
    }
}

struct Tells {
    kind: ListenerKind,
    link: Link,
    msg: Msg,
}

impl Listener for Tells {
    fn kind(&self) -> ListenerKind {
        self.kind.clone()
    }
    fn handle(&self, _: Event) {
        self.link.send_message(self.msg.clone());
    }
    fn passive(&self) -> bool {
        false
    }
}

/// What an event comes to, if anything.
type What = Box<dyn Fn(&Event) -> Option<Msg>>;

struct Asks {
    kind: ListenerKind,
    link: Link,
    what: What,
}

impl Listener for Asks {
    fn kind(&self) -> ListenerKind {
        self.kind.clone()
    }
    fn handle(&self, event: Event) {
        if let Some(msg) = (self.what)(&event) {
            self.link.send_message(msg);
        }
    }
    fn passive(&self) -> bool {
        false
    }
}

/// The element at which an event happened.
pub fn target(event: &Event) -> Option<Element> {
    event.target()?.dyn_into().ok()
}

/// What was chosen from a list, or put into a field.
pub fn chosen(event: &Event) -> Option<String> {
    let target = target(event)?;
    match target.dyn_ref::<HtmlSelectElement>() {
        Some(select) => Some(select.value()),
        None => Some(target.dyn_ref::<HtmlInputElement>()?.value()),
    }
}

/// The first element under the app that a selector fits.
pub fn find(selector: &str) -> Option<HtmlElement> {
    let document = web_sys::window()?.document()?;
    document.query_selector(selector).ok()??.dyn_into().ok()
}

/// Where a place of the window lies on an element, in the element's own pixels: a lecture shows it enlarged.
pub fn within(element: &HtmlElement, at: (f64, f64)) -> (f64, f64) {
    let (bounds, large) = (element.get_bounding_client_rect(), enlarged(element));
    ((at.0 - bounds.left()) / large, (at.1 - bounds.top()) / large)
}

/// Where in the window a pointer is.
pub fn spot(event: &MouseEvent) -> (f64, f64) {
    (f64::from(event.client_x()), f64::from(event.client_y()))
}

/// Where on the element that it happened on a pointer is, in the element's own pixels. Yew listens at the root of the page,
/// so that an event's current target is that and not the element.
pub fn place(event: &MouseEvent) -> (f64, f64) {
    let element = target(event).and_then(|target| target.dyn_into::<HtmlElement>().ok());
    element.map_or(spot(event), |element| within(&element, spot(event)))
}

/// How many times as large an element is shown as it is.
pub fn enlarged(element: &HtmlElement) -> f64 {
    let (shown, own) = (element.get_bounding_client_rect().width(), f64::from(element.offset_width()));
    if own > 0.0 && shown > 0.0 { shown / own } else { 1.0 }
}

/// Gives it the focus, without scrolling the page that a figure stands in.
pub fn focus(element: &HtmlElement) {
    let options = web_sys::FocusOptions::new();
    options.set_prevent_scroll(true);
    // Only an element that is gone cannot have it.
    let _ = element.focus_with_options(&options);
}

/// Puts what stands in `data-left`, `data-top` and `data-width` into the style of each element. It goes through the
/// object model, which a content security policy allows where it forbids style attributes.
pub fn place_styles() {
    for (selector, attribute, property) in [
        ("[data-left]", "data-left", "left"),
        ("[data-top]", "data-top", "top"),
        ("[data-width]", "data-width", "width"),
        ("[data-height]", "data-height", "height"),
    ] {
        let document = web_sys::window().and_then(|window| window.document());
        let Some(found) = document.and_then(|document| document.query_selector_all(selector).ok()) else { continue };
        for place in 0..found.length() {
            let Some(element) = found.item(place).and_then(|node| node.dyn_into::<HtmlElement>().ok()) else {
                continue;
            };
            // Only a name that is no property is refused.
            let _ = element.style().set_property(property, &element.get_attribute(attribute).unwrap_or_default());
        }
    }
}
