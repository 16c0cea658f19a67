//! What lies over the page: notices, the share dialog, the keys.

use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::platform::spawn_local;
use yew::prelude::*;

use crate::link;
use crate::player::{Action, Notice, Tone};

use super::host::Shared;

#[derive(Properties, PartialEq)]
pub struct NoticesProps {
    pub notices: Vec<Notice>,
    pub dispatch: Callback<Action>,
}

/// What is said to the person; also to one who hears the page.
#[component]
pub fn Notices(props: &NoticesProps) -> Html {
    let notices = props.notices.iter().map(|notice| {
        let id = notice.id;
        let class = match notice.tone {
            Tone::Quiet => "quiet",
            Tone::Good => "good",
            Tone::Warn => "warn",
        };
        html! {
            <li key={id} class={class}><span>{ &notice.told }</span>
                <button aria-label="Dismiss" onclick={props.dispatch.reform(move |_: MouseEvent| Action::Dismiss(id))}>{ "×" }</button></li>
        }
    });
    html! { <ul class="notices" role="status" aria-live="polite">{ for notices }</ul> }
}

/// The address of this moment, for another window.
pub fn open_address(host: &Shared) -> String {
    let link = host.with(|player| link::write(&player.moment(), &player.shown()));
    address(&link.fragment, "")
}

fn address(fragment: &str, query: &str) -> String {
    let location = web_sys::window().map(|window| window.location());
    let part = |get: fn(&web_sys::Location) -> Result<String, wasm_bindgen::JsValue>| {
        location.as_ref().and_then(|location| get(location).ok()).unwrap_or_default()
    };
    let href = part(web_sys::Location::href);
    let base = href.split(['?', '#']).next().unwrap_or_default();
    format!("{base}{query}#{}", fragment.trim_start_matches('#'))
}

#[derive(Properties, PartialEq)]
pub struct ShareProps {
    pub host: Shared,
    pub close: Callback<()>,
}

/// The share dialog: this moment, the scenario from its start, a figure for an article.
#[component]
pub fn Share(props: &ShareProps) -> Html {
    let ShareProps { host, close } = props;
    // What is shared is the moment at which the dialog was opened.
    let links = use_memo((), |()| {
        host.with(|player| {
            let (moment, shown) = (player.moment(), player.shown());
            let start = crate::timeline::Moment { acts: Vec::new(), cursor: Default::default(), ..moment.clone() };
            let fresh = link::Shown { digest: None, ..shown.clone() };
            let at = crate::trace::clock(player.timeline().now());
            (link::write(&moment, &shown), link::write(&start, &fresh), at)
        })
    });
    let (moment, start, at) = &*links;
    let here = address(&moment.fragment, "");
    let frame = format!(
        "<iframe src=\"{}\" title=\"Faultline: a figure\" width=\"100%\" height=\"460\" loading=\"lazy\" sandbox=\"allow-scripts allow-popups\" style=\"border:0\"></iframe>",
        address(&moment.fragment, "?embed=1").replace('"', "&quot;")
    );
    let length = here.chars().count();
    let budget = match moment.budget {
        link::Budget::Short => "fits into any message",
        link::Budget::Amber => "too long for some messengers",
        link::Budget::Long => "too long for most messengers: a file would serve better",
    };
    let root = use_node_ref();
    use_effect_with(root.clone(), |root| {
        let first = root.cast::<HtmlElement>().and_then(|root| root.query_selector("button").ok().flatten());
        if let Some(first) = first.and_then(|first| first.dyn_into::<HtmlElement>().ok()) {
            let _ = first.focus();
        }
    });
    html! {
        <Dialog title="Share this moment" close={close.clone()}>
            <div ref={root}>
                <Copied label={format!("This moment, at {at} s, with everything you did")} text={here} id="moment" />
                <p class="budget">{ format!("{length} characters: {budget}. It replays to the same digest on any machine, and says so.") }</p>
                <Copied label="The scenario from its beginning" text={address(&start.fragment, "")} id="start" />
                <Copied label="A figure for an article" text={frame} id="figure" />
            </div>
        </Dialog>
    }
}

#[derive(Properties, PartialEq)]
struct CopiedProps {
    label: String,
    text: String,
    id: &'static str,
}

/// A text and a button that copies it.
#[component]
fn Copied(props: &CopiedProps) -> Html {
    let done = use_state(|| None::<bool>);
    let field = use_node_ref();
    let copy = {
        let (text, done, field) = (props.text.clone(), done.clone(), field.clone());
        move |_: MouseEvent| {
            if let Some(field) = field.cast::<HtmlInputElement>() {
                field.select();
            }
            let clipboard = web_sys::window().map(|window| window.navigator().clipboard());
            let (text, done) = (text.clone(), done.clone());
            spawn_local(async move {
                // Refused where the page has no leave to copy, and not there at all without https: then the text is
                // selected, and a key copies it.
                let copied = match clipboard {
                    Some(clipboard) if !clipboard.is_undefined() => {
                        wasm_bindgen_futures::JsFuture::from(clipboard.write_text(&text)).await.is_ok()
                    }
                    _ => false,
                };
                done.set(Some(copied));
            });
        }
    };
    let word = match *done {
        None => "Copy",
        Some(true) => "Copied",
        Some(false) => "Press Ctrl-C",
    };
    html! {
        <label class="copied">
            <span>{ &props.label }</span>
            <span class="row"><input ref={field} readonly=true value={props.text.clone()} id={format!("link-{}", props.id)} />
                <button onclick={copy} id={format!("copy-{}", props.id)}>{ word }</button></span>
        </label>
    }
}

#[derive(Properties, PartialEq)]
struct DialogProps {
    title: AttrValue,
    close: Callback<()>,
    children: Html,
}

#[component]
fn Dialog(props: &DialogProps) -> Html {
    let close = props.close.reform(|_: MouseEvent| ());
    let onkeydown = {
        let close = props.close.clone();
        move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                event.stop_propagation();
                close.emit(());
            }
        }
    };
    html! {
        <>
            <div class="veil dim" onclick={close.clone()} />
            <div class="dialog" role="dialog" aria-modal="true" aria-label={props.title.clone()} {onkeydown}>
                <header><h2>{ &props.title }</h2><button class="icon" aria-label="Close" onclick={close}>{ "×" }</button></header>
                { props.children.clone() }
            </div>
        </>
    }
}

const KEYS: &[(&str, &str)] = &[
    ("space", "play or pause"),
    (".  ,", "one event on, one back"),
    ("→  ←", "a second on, a second back; five with shift"),
    ("+  −", "faster, slower"),
    ("0", "to the beginning"),
    ("f", "show everything"),
    ("Tab", "from component to component"),
    ("Enter  m", "the menu of what is selected"),
    ("k  K", "kill; kill and lose the disk"),
    ("r", "restart"),
    ("p", "pause, resume"),
    ("s", "slow down, usual speed"),
    ("c", "cut, heal"),
    ("h", "hold or release a link"),
    ("w", "wire to the next component clicked"),
    ("x", "remove"),
    ("Esc", "put the tool down, select nothing"),
    ("?", "this"),
];

#[derive(Properties, PartialEq)]
pub struct HelpProps {
    pub close: Callback<()>,
}

/// The keys.
#[component]
pub fn Help(props: &HelpProps) -> Html {
    let root = use_node_ref();
    use_effect_with(root.clone(), |root| {
        if let Some(root) = root.cast::<HtmlElement>() {
            let _ = root.focus();
        }
    });
    let keys = KEYS.iter().map(|(key, what)| html! { <><dt><kbd>{ *key }</kbd></dt><dd>{ *what }</dd></> });
    html! {
        <Dialog title="Keys" close={props.close.clone()}>
            <p>{ "They act while the stage has the focus; letters act on what is selected." }</p>
            <dl class="keys" ref={root} tabindex="-1">{ for keys }</dl>
            <p>{ "Drag components to move them, drag the ground to pan, turn the wheel or pinch to zoom, right-click or press long for the menu." }</p>
        </Dialog>
    }
}
