//! The page: what stands where, and which panel is open.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{HtmlElement, MediaQueryList, MediaQueryListEvent};
use yew::prelude::*;

use crate::player::{self, Action};
use crate::scene::{Target, Theme};

use super::boot::Settings;
use super::header::Header;
use super::host::Shared;
use super::inspector::{Dials, InspectorPanel, LogPanel, Vitals};
use super::lesson::LessonPanel;
use super::menu::{ContextMenu, MenuAt};
use super::overlay::{Help, Notices, Share};
use super::stage::{NodeButton, Stage};
use super::tape::Tape;

/// What the app is started with.
#[derive(Properties, PartialEq, Clone)]
pub struct AppProps {
    /// The player in its page.
    pub host: Shared,
    /// How it is shown.
    pub settings: Settings,
}

/// What lies over the page.
#[derive(Clone, PartialEq)]
pub enum Over {
    /// Nothing.
    Nothing,
    /// The share dialog.
    Share,
    /// The keys.
    Help,
    /// A menu.
    Menu(MenuAt),
}

/// The parts of the narrow screen's sheet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tab {
    Lesson,
    Node,
    Charts,
    Log,
}

const TABS: [(Tab, &str); 4] =
    [(Tab::Lesson, "Lesson"), (Tab::Node, "Selected"), (Tab::Charts, "Charts"), (Tab::Log, "Log")];

/// The page.
#[component]
pub fn App(props: &AppProps) -> Html {
    let AppProps { host, settings } = props.clone();
    let update = use_force_update();
    let over = use_state(|| Over::Nothing);
    let lesson_open = use_state(|| true);
    let side_open = use_state(|| true);
    let tab = use_state(|| Tab::Lesson);
    let log_all = use_state(|| false);

    use_effect_with((), {
        let (host, settings) = (host.clone(), settings.clone());
        move |()| {
            host.on_refresh(Callback::from(move |()| update.force_update()));
            let guards = follow_system(&host, settings.theme);
            move || drop(guards)
        }
    });

    let dispatch = Callback::from({
        let host = host.clone();
        move |action| host.dispatch(action)
    });
    let set_over = Callback::from({
        let over = over.clone();
        move |value| over.set(value)
    });
    let theme = host.with(|player| player.view().theme);
    use_effect_with(theme, |theme| paint_page(*theme));

    let toggle = |state: &UseStateHandle<bool>| {
        let state = state.clone();
        Callback::from(move |()| state.set(!*state))
    };
    let selected = host.with(|player| player.view().selected);
    let chosen = tab.clone();
    use_effect_with(selected, move |selected: &Option<Target>| {
        // On a narrow screen what was tapped is what one wants to see.
        if selected.is_some() {
            chosen.set(Tab::Node);
        }
    });
    let inspected = host.with(|player| selected.and_then(|target| player::inspector(player, target)));

    let overlay = html! {
        <>
            <Notices notices={host.with(|player| player.notices().to_vec())} dispatch={dispatch.clone()} />
            { match &*over {
                Over::Nothing => html! {},
                Over::Share => html! { <Share host={host.clone()} close={set_over.reform(|()| Over::Nothing)} /> },
                Over::Help => html! { <Help close={set_over.reform(|()| Over::Nothing)} /> },
                Over::Menu(at) => html! {
                    <ContextMenu at={at.clone()} entries={at.entries(&host)} dispatch={dispatch.clone()}
                        close={set_over.reform(|()| Over::Nothing)} />
                },
            } }
        </>
    };
    let stage = html! {
        <Stage host={host.clone()} settings={settings.clone()} set_over={set_over.clone()}
            nodes={host.with(node_buttons)} wiring={host.with(|player| player.view().wire.is_some())}
            hint={host.with(hint)} />
    };
    let tape =
        html! { <Tape model={host.with(super::tape::model)} dispatch={dispatch.clone()} embed={settings.embed} /> };

    if settings.embed {
        let caption = settings
            .caption
            .clone()
            .unwrap_or_else(|| host.with(|player| player.timeline().document().summary.clone()));
        return html! {
            <figure class="embed-figure">
                { stage }
                if settings.controls { { tape } }
                <figcaption>
                    <span>{ caption }</span>
                    <a class="open" href={super::overlay::open_address(&host)} target="_blank" rel="noopener">{ "Open ↗" }</a>
                </figcaption>
                { overlay }
            </figure>
        };
    }

    let steps = host.with(player::steps);
    let lesson = html! {
        <LessonPanel steps={steps} step={host.with(|player| player.lesson_step())} dispatch={dispatch.clone()}
            title={host.with(|player| player.timeline().document().title.clone())}
            summary={host.with(|player| player.timeline().document().summary.clone())}
            simplifications={host.with(|player| player.timeline().document().simplifications.clone())} />
    };
    let node = html! {
        <>
            if let Some(inspected) = inspected.clone() {
                <InspectorPanel model={inspected} dispatch={dispatch.clone()} />
            } else {
                <p class="empty">{ "Click a component, a link or a message to look inside." }</p>
            }
            <Dials dials={host.with(player::dials)} dispatch={dispatch.clone()} />
        </>
    };
    let charts = html! { <Vitals vitals={host.with(player::vitals)} /> };
    let log = html! {
        <LogPanel lines={host.with(|player| player::log_lines(player, *log_all, 60))} all={*log_all} toggle={toggle(&log_all)}
            dispatch={dispatch.clone()} />
    };
    let tabs = TABS.iter().map(|(each, name)| {
        let (tab, each) = (tab.clone(), *each);
        let current = *tab == each;
        html! {
            <button role="tab" aria-selected={current.to_string()} class={classes!(current.then_some("current"))}
                onclick={move |_| tab.set(each)}>{ *name }</button>
        }
    });
    let shown = |each: Tab| if *tab == each { "sheet-shown" } else { "sheet-hidden" };
    let left = if *lesson_open { "" } else { "no-lesson" };
    let right = if *side_open { "" } else { "no-side" };
    html! {
        <div class={classes!("page", left, right)}>
            <Header model={host.with(super::header::model)} dispatch={dispatch.clone()} set_over={set_over.clone()}
                toggle_lesson={toggle(&lesson_open)} toggle_side={toggle(&side_open)} lesson_open={*lesson_open}
                side_open={*side_open} />
            <aside class={classes!("lesson", shown(Tab::Lesson))} aria-label="Lesson">{ lesson }</aside>
            { stage }
            <aside class="side" aria-label="Details">
                <section class={classes!("part", shown(Tab::Node))}>{ node }</section>
                <section class={classes!("part", shown(Tab::Charts))}>{ charts }</section>
                <section class={classes!("part", "log", shown(Tab::Log))}>{ log }</section>
            </aside>
            { tape }
            <div class="tabs" role="tablist">{ for tabs }</div>
            { overlay }
        </div>
    }
}

/// The components as buttons, for those who do not use the canvas.
fn node_buttons(player: &crate::player::Player) -> Vec<NodeButton> {
    let world = &player.timeline().run().world;
    // A list of thousands serves nobody.
    let nodes = world.nodes().take(200);
    let button = |(id, node): (_, &crate::components::Node)| NodeButton {
        id,
        label: format!("{}, {}", node.name, status_word(node)),
        at: player.place_of(id).map(|at| (at.x as i32, at.y as i32)),
    };
    nodes.map(button).collect()
}

fn status_word(node: &crate::components::Node) -> &'static str {
    match node.status {
        crate::sim::Status::Up if node.slow > 1000 => "slow",
        crate::sim::Status::Up => "up",
        crate::sim::Status::Starting => "starting",
        crate::sim::Status::Paused => "paused",
        crate::sim::Status::Crashed => "crashed",
    }
}

/// What to try, for someone who has not done anything yet.
fn hint(player: &crate::player::Player) -> Option<String> {
    let hint = &player.timeline().document().hint;
    (!player.touched() && !hint.is_empty()).then(|| hint.clone())
}

/// The page's colours are the stage's.
fn paint_page(theme: Theme) {
    let root = web_sys::window().and_then(|window| window.document()).and_then(|document| document.document_element());
    if let Some(root) = root.and_then(|root| root.dyn_into::<HtmlElement>().ok()) {
        // Through the object model, which a content security policy allows where it forbids style attributes.
        root.style().set_css_text(&theme.css().replace('\n', " "));
        let name = if theme == Theme::Dark { "dark" } else { "light" };
        let _ = root.set_attribute("data-theme", name);
    }
}

/// A media query that is being listened to; dropping it ends that.
struct Listening {
    query: MediaQueryList,
    on_change: Closure<dyn FnMut(MediaQueryListEvent)>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.query.remove_event_listener_with_callback("change", self.on_change.as_ref().unchecked_ref());
    }
}

/// Dark or light and less motion, as the system has it and while it changes.
fn follow_system(host: &Shared, fixed: Option<Theme>) -> Vec<Listening> {
    let dark = |dark: bool| Action::Theme(if dark { Theme::Dark } else { Theme::Light });
    let mut listening = Vec::new();
    match fixed {
        Some(theme) => host.dispatch(Action::Theme(theme)),
        None => listening.extend(listen(host, "(prefers-color-scheme: dark)", dark)),
    }
    listening.extend(listen(host, "(prefers-reduced-motion: reduce)", Action::ReducedMotion));
    listening
}

fn listen(host: &Shared, query: &str, action: impl Fn(bool) -> Action + 'static) -> Option<Listening> {
    let query = web_sys::window()?.match_media(query).ok()??;
    host.dispatch(action(query.matches()));
    let host = host.clone();
    let on_change = Closure::new(move |event: MediaQueryListEvent| host.dispatch(action(event.matches())));
    query.add_event_listener_with_callback("change", on_change.as_ref().unchecked_ref()).ok()?;
    Some(Listening { query, on_change })
}
