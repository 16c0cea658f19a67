//! From the address to the app: the query says how it is shown, the fragment what is shown.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::UrlSearchParams;

use crate::player::Player;
use crate::scene::Theme;

use super::app::App;
use super::host::{Host, Shared};

/// How the page is shown; from the query.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// As a figure in somebody's page.
    pub embed: bool,
    /// Whether an embed runs by itself: always, never, or when it is seen and motion is welcome.
    pub autoplay: Autoplay,
    /// Whether an embed has controls.
    pub controls: bool,
    /// Dark or light, when not as the system has it.
    pub theme: Option<Theme>,
    /// What stands under an embed.
    pub caption: Option<String>,
}

/// Whether an embed runs by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Autoplay {
    /// It does.
    Yes,
    /// It waits for a click.
    No,
    /// When it is seen, unless the reader asked for less motion.
    Visible,
}

thread_local! {
    /// The page's host, where a panic finds it.
    static STANDS: RefCell<Option<Rc<Host>>> = const { RefCell::new(None) };
}

#[wasm_bindgen]
extern "C" {
    /// `static/site/boot.js`: fetches the later part of the wasm (tools/split.mjs): when there is time (0), at once (1: what
    /// a stub of it asks for), or soon (2).
    #[wasm_bindgen(js_name = faultlineLater)]
    pub(super) fn load_later(when: i32);

    /// The same: shows that we made a mistake, and the way back to the moment before.
    #[wasm_bindgen(js_name = faultlineStopped)]
    fn stopped(message: &str, fragment: &str);
}

/// The fragment of the link to where the page stands; none before it stands or while it is in the middle of something.
#[inline(never)]
pub fn here() -> String {
    STANDS.with_borrow(|host| host.as_ref().map_or_else(String::new, |host| host.here()))
}

/// Which lesson is open and how many of its tasks were done, such as `raft 3`.
#[inline(never)]
pub fn learnt() -> String {
    STANDS.with_borrow(|host| host.as_ref().map_or_else(String::new, |host| host.learnt()))
}

/// Mounts the app where the page has room for it. A page that is loaded again goes on where it stood: `kept` is the
/// fragment of the link to there.
pub fn start(kept: Option<String>) {
    let Some(window) = web_sys::window() else { return };
    let Some(document) = window.document() else { return };
    let location = window.location();
    let search = location.search().unwrap_or_default();
    let settings = settings(&search);
    let hash = location.hash().unwrap_or_default();
    let (from, quiet) = (kept.as_ref().unwrap_or(&hash), kept.is_some() || settings.embed);
    let player = match Player::from_link(from, quiet) {
        Ok(player) => player,
        // A document that is compiled in and cannot be read is our own mistake; a test sees to it.
        Err(problem) => panic!("{problem}"),
    };
    let host = Host::new(player);
    STANDS.set(Some(host.clone()));
    yew::set_custom_panic_hook(Box::new(|info| {
        let way_back = STANDS.with_borrow(|host| host.as_ref().map_or_else(String::new, |host| host.way_back()));
        stopped(&info.to_string(), &way_back);
    }));
    let Some(root) = document.get_element_by_id("app") else { return };
    root.set_inner_html("");
    if let Some(body) = document.body().filter(|_| settings.embed) {
        body.set_class_name("embed");
    }
    let host = Shared(host);
    follow_hash(&host, settings.embed);
    let props = super::app::AppProps { host, settings };
    yew::Renderer::<App>::with_root_and_props(root, props).render();
    load_later(0);
}

/// Another link pasted into the same window opens there.
fn follow_hash(host: &Shared, embed: bool) {
    let host = host.clone();
    let on_change = Closure::<dyn FnMut()>::new(move || {
        let hash = web_sys::window().and_then(|window| window.location().hash().ok()).unwrap_or_default();
        if let Ok(player) = Player::from_link(&hash, embed) {
            host.replace(player);
        }
    });
    if let Some(window) = web_sys::window() {
        // Refused only for a type of event that has no listeners at all.
        let _ = window.add_event_listener_with_callback("hashchange", on_change.as_ref().unchecked_ref());
    }
    // The page listens for as long as it lives.
    on_change.forget();
}

fn settings(search: &str) -> Settings {
    let query = UrlSearchParams::new_with_str(search).ok();
    let get = |name: &str| query.as_ref().and_then(|query| query.get(name));
    let embed = get("embed").as_deref() == Some("1");
    Settings {
        embed,
        autoplay: match get("autoplay").as_deref() {
            Some("0") => Autoplay::No,
            Some("1") => Autoplay::Yes,
            _ => Autoplay::Visible,
        },
        controls: get("controls").as_deref() != Some("0"),
        theme: match get("theme").as_deref() {
            Some("light") => Some(Theme::Light),
            Some("dark") => Some(Theme::Dark),
            _ => None,
        },
        caption: get("caption").map(|caption| caption.chars().take(300).collect()),
    }
}
