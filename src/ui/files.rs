//! Files: what one stands at is handed to the browser as one, and a scenario is opened from one. Nothing is sent anywhere.

use std::rc::Rc;

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, BlobPropertyBag, Event, HtmlCanvasElement, HtmlElement, HtmlInputElement, Url};
use yew::platform::spawn_local;
use yew::virtual_dom::ListenerKind;

use crate::player::{Action, Player, Save, Tone};
use crate::scenario::Document;

use super::app::Msg;
use super::dom::{El, Link, button, el, find, target};
use super::host::Shared;

/// The largest file that is looked at, in bytes: no document has as many.
const MAX_FILE: f64 = 1e6;
/// How many mistakes of a document are told at once.
const MAX_TOLD: usize = 3;

/// A button a file, and one to open a scenario.
pub fn files(host: &Shared, link: &Link) -> El {
    let save = |(save, name): (Save, &str)| button(name, link, Msg::Save(Some(save)));
    let opened = {
        let (host, link) = (host.clone(), link.clone());
        move |event: &Event| {
            open(&host, &link, event);
            None
        }
    };
    el("section")
        .class("files")
        .add(el("h3").text("As a file"))
        .add(el("div").class("row").add(button("Stage, PNG", link, Msg::Save(None))).all(Save::ALL.map(save)))
        .add(el("label").class("opens").add(el("span").text("Open a scenario (JSON)")).add(
            el("input").set("type", "file").set("accept", "application/json,.json").set("id", "open-file").asks(
                ListenerKind::onchange,
                link,
                opened,
            ),
        ))
}

/// Hands a file to the browser; without a kind, what the stage shows as pixels.
#[inline(never)]
pub fn save(host: &Shared, save: Option<Save>, address: &str) {
    let handed = match save {
        Some(save) => {
            let saved = host.save(save, address);
            text_file(&saved.text, saved.media).and_then(|url| {
                let handed = hand_over(&url, &saved.name);
                let _ = Url::revoke_object_url(&url);
                handed
            })
        }
        None => picture().and_then(|url| {
            let name = format!("{}.png", host.player().timeline().document().name);
            hand_over(&url, &name)
        }),
    };
    let (tone, told) = match handed {
        Some(()) => (Tone::Good, "The browser has the file."),
        None => (Tone::Warn, "The browser does not let this page save files."),
    };
    host.dispatch(Action::Tell(tone, told.to_owned()));
}

fn text_file(text: &str, media: &str) -> Option<String> {
    let parts = js_sys::Array::of1(&JsValue::from_str(text));
    let bag = BlobPropertyBag::new();
    bag.set_type(media);
    let blob = Blob::new_with_str_sequence_and_options(&parts, &bag).ok()?;
    Url::create_object_url_with_blob(&blob).ok()
}

fn picture() -> Option<String> {
    let canvas = find(".stage canvas")?.dyn_into::<HtmlCanvasElement>().ok()?;
    canvas.to_data_url().ok()
}

/// As a click on a link that is there for a moment.
fn hand_over(url: &str, name: &str) -> Option<()> {
    let document = web_sys::window()?.document()?;
    let anchor = document.create_element("a").ok()?.dyn_into::<HtmlElement>().ok()?;
    anchor.set_attribute("href", url).ok()?;
    anchor.set_attribute("download", name).ok()?;
    document.body()?.append_child(&anchor).ok()?;
    anchor.click();
    anchor.remove();
    Some(())
}

/// Opens the scenario of a file that was chosen; what is wrong with it is said.
#[inline(never)]
fn open(host: &Shared, link: &Link, event: &Event) {
    let input = target(event).and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
    let Some(file) = input.and_then(|input| input.files()?.get(0)) else { return };
    let (host, link) = (host.clone(), link.clone());
    spawn_local(async move {
        let text = match file.size() <= MAX_FILE {
            true => wasm_bindgen_futures::JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string()),
            false => None,
        };
        let opened = match text {
            Some(text) => opened(&text),
            None => Err(format!("{} is too large for a scenario, or cannot be read.", file.name())),
        };
        match opened {
            Ok(player) => {
                host.replace(player);
                link.send_message(Msg::Close);
            }
            Err(told) => host.dispatch(Action::Tell(Tone::Warn, told)),
        }
    });
}

/// A run of the scenario in a text.
///
/// # Errors
/// What is wrong with it, in a sentence or a few.
fn opened(text: &str) -> Result<Player, String> {
    let told = |count: usize, first: &[String]| {
        let more = if count > first.len() { format!(" And {} more.", count - first.len()) } else { String::new() };
        format!("This scenario cannot be opened: {}.{more}", first.join("; "))
    };
    match Document::from_json(text) {
        Ok(document) => Player::new(Rc::new(document)).map_err(|problem| told(1, &[problem.to_string()])),
        Err(problems) => {
            let first: Vec<String> = problems.iter().take(MAX_TOLD).map(ToString::to_string).collect();
            Err(told(problems.len(), &first))
        }
    }
}
