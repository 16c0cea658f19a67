//! The context menu and the palette: a list of entries at a place, for pointer and keys alike.

use web_sys::HtmlElement;
use yew::prelude::*;

use crate::player::{Action, Entry, menu, palette};
use crate::scenario::Act;
use crate::scene::Target;

use super::host::Shared;

/// Which menu, and where on the page.
#[derive(Clone, PartialEq)]
pub struct MenuAt {
    /// What it is for; nothing for the palette.
    target: Option<Target>,
    x: f64,
    y: f64,
}

impl MenuAt {
    /// The menu of what is pointed at.
    pub fn target(target: Target, x: f64, y: f64) -> MenuAt {
        MenuAt { target: Some(target), x, y }
    }
    /// The palette.
    pub fn palette(x: f64, y: f64) -> MenuAt {
        MenuAt { target: None, x, y }
    }
    /// What stands in it.
    pub fn entries(&self, host: &Shared) -> Vec<(Entry, String)> {
        match self.target {
            Some(target) => {
                host.with(|player| menu(player, target)).into_iter().map(|entry| (entry, String::new())).collect()
            }
            None => {
                let document = host.with(|player| player.timeline().document().clone());
                let entries = palette(&document).into_iter();
                let entry = |label: String, what: String| Entry {
                    label,
                    key: None,
                    action: Action::Act(Act::Add { what, name: None }),
                    idle: None,
                };
                entries.map(|(what, label, kind)| (entry(label, what), kind.about.to_owned())).collect()
            }
        }
    }
}

#[derive(Properties, PartialEq)]
pub struct MenuProps {
    pub at: MenuAt,
    pub entries: Vec<(Entry, String)>,
    pub dispatch: Callback<Action>,
    pub close: Callback<()>,
}

#[component]
pub fn ContextMenu(props: &MenuProps) -> Html {
    let root = use_node_ref();
    use_effect_with(root.clone(), |root| {
        let first = root
            .cast::<HtmlElement>()
            .and_then(|root| root.query_selector("button:not([aria-disabled=true])").ok().flatten());
        if let Some(first) = first.and_then(|first| wasm_bindgen::JsCast::dyn_into::<HtmlElement>(first).ok()) {
            let _ = first.focus();
        }
    });
    let onkeydown = {
        let (close, root) = (props.close.clone(), root.clone());
        move |event: KeyboardEvent| {
            match event.key().as_str() {
                "Escape" | "Tab" => close.emit(()),
                "ArrowDown" => step(&root, 1),
                "ArrowUp" => step(&root, -1),
                _ => return,
            }
            event.prevent_default();
            event.stop_propagation();
        }
    };
    let entries = props.entries.iter().map(|(entry, about)| {
        let (dispatch, close, entry) = (props.dispatch.clone(), props.close.clone(), entry.clone());
        let idle = entry.idle.is_some();
        let title = entry.idle.clone().unwrap_or_else(|| about.clone());
        let key = entry.key.map(|key| key.to_string());
        let label = entry.label.clone();
        let onclick = move |_: MouseEvent| {
            if !idle {
                close.emit(());
                dispatch.emit(entry.action.clone());
            }
        };
        html! {
            <button role="menuitem" aria-disabled={idle.to_string()} title={title} onclick={onclick}>
                <span>{ label }</span>
                if let Some(key) = key { <kbd>{ key }</kbd> }
            </button>
        }
    });
    // Kept on the page: a menu near the lower right corner opens up and to the left.
    let window = web_sys::window();
    let size = |get: fn(&web_sys::Window) -> Result<wasm_bindgen::JsValue, wasm_bindgen::JsValue>| {
        window.as_ref().and_then(|window| get(window).ok()).and_then(|size| size.as_f64()).unwrap_or(800.0)
    };
    let (width, height) = (size(web_sys::Window::inner_width), size(web_sys::Window::inner_height));
    let tall = 16.0 + 34.0 * props.entries.len() as f64;
    let (x, y) = (props.at.x.min(width - 260.0).max(4.0), props.at.y.min(height - tall).max(4.0));
    let place = {
        let root = root.clone();
        move |()| {
            if let Some(root) = root.cast::<HtmlElement>() {
                let _ = root.style().set_property("left", &format!("{x}px"));
                let _ = root.style().set_property("top", &format!("{y}px"));
            }
        }
    };
    use_effect_with((x as i64, y as i64), move |_| place(()));
    let close = props.close.reform(|_: MouseEvent| ());
    html! {
        <>
            <div class="veil" onclick={close.clone()} oncontextmenu={move |event: MouseEvent| { event.prevent_default(); close.emit(event); }} />
            <div class="menu" role="menu" ref={root} {onkeydown}>{ for entries }</div>
        </>
    }
}

/// Moves the focus among the entries.
fn step(root: &NodeRef, by: i32) {
    let Some(root) = root.cast::<HtmlElement>() else { return };
    let Ok(buttons) = root.query_selector_all("button") else { return };
    let active = root.owner_document().and_then(|document| document.active_element());
    let count = buttons.length() as i32;
    let button = |place: i32| {
        buttons.item(place as u32).and_then(|node| wasm_bindgen::JsCast::dyn_into::<HtmlElement>(node).ok())
    };
    let now = (0..count).find(|place| button(*place).map(|button| button.into()) == active).unwrap_or(-by);
    if let Some(button) = button((now + by).rem_euclid(count.max(1))) {
        let _ = button.focus();
    }
}
