//! The tape: transport, speed, and the scrub bar painted with what happened.

use wasm_bindgen::JsCast;
use web_sys::{Event, KeyboardEvent, PointerEvent};
use yew::virtual_dom::ListenerKind;

use crate::player::{Action, Player, SPEED_STEPS};
use crate::sim::{Plain, Time, clock};
use crate::timeline::{Mark, MarkKind};

use super::app::Msg;
use super::courses::{courses, stops};
use super::dock::toggles;
use super::dom::{El, Link, button, chosen, el, find, focus};

/// How many marks are painted.
const MAX_SHOWN: usize = 400;
/// How far apart marks of a kind must be, in hundred thousandths of the bar: about the width of one.
const APART: u64 = 250;

/// The tape; a figure's has fewer buttons.
pub fn tape(player: &Player, embed: bool, link: &Link) -> El {
    el("div")
        .class(if embed { "tape small" } else { "tape" })
        .add(transport(player, embed, link))
        .add(bar(player, link))
        .all((!embed).then(|| courses(player, link)).flatten())
}

fn transport(player: &Player, embed: bool, link: &Link) -> El {
    let act = |words: &str, action: Action, title: &'static str, label: &'static str| {
        button(words, link, Msg::Do(action)).set("title", title).label(label)
    };
    let wide = |element: El| (!embed).then_some(element);
    let (words, label) = if player.playing() { ("❚❚", "Pause") } else { ("▶", "Play") };
    let late = player.late().then(|| note("slower than asked", "More happens than a frame can hold."));
    let back = if player.backwards() { "back current" } else { "back" };
    let undo = |words: &str, action: Action, title: &'static str, idle: bool| {
        let label = title.split(" (").next().unwrap_or(title);
        act(words, action, title, label).set("aria-disabled", if idle { "true" } else { "false" })
    };
    let undone = player.timeline().next_redo().is_none();
    let done = player.timeline().last_act().is_none();
    el("div")
        .class("transport")
        .all(wide(act("|◀", Action::Restart, "From the beginning, nothing done", "From the beginning")))
        .all(wide(act("◀◀", Action::PlayBack, "Backwards (<)", "Backwards").class(back)))
        .all(wide(act("◀|", Action::StepBack, "One event back (,)", "One event back")))
        .add(act(words, Action::Toggle, "Play or pause (space)", label).class("play").set("id", "play"))
        .all(wide(act("▶|", Action::StepOn, "One event on (.)", "One event on").set("id", "step")))
        .add(el("span").class("clock").set("id", "clock").text(&clock(player.timeline().now())).text(" s"))
        .add(speeds(player, link))
        .all(wide(stops(player, link)))
        .all(wide(undo("↶", Action::Undo, "Take back (z)", done)))
        .all(wide(undo("↷", Action::Redo, "Do again (Z)", undone)))
        .all(late)
        .all(wide(toggles(player, true, link)))
}

fn note(words: &str, title: &str) -> El {
    el("span").class("late").set("title", title.to_owned()).text(words)
}

fn speeds(player: &Player, link: &Link) -> El {
    let now = player.speed();
    // A list tells what was chosen by its words.
    let option = |speed: f64| el("option").selected(speed == now).text(&speed_word(speed));
    let other = (!SPEED_STEPS.contains(&now)).then_some(now);
    let choose = |event: &Event| {
        let word = chosen(event)?;
        Some(Msg::Do(Action::Speed(*SPEED_STEPS.iter().find(|speed| speed_word(**speed) == word)?)))
    };
    el("label")
        .class("speed")
        .set("title", "Simulated seconds a second (+ and −)")
        .add(el("span").class("unseen").text("Speed"))
        .add(el("select").set("id", "speed").all(SPEED_STEPS.iter().copied().chain(other).map(option)).asks(
            ListenerKind::onchange,
            link,
            choose,
        ))
}

fn speed_word(speed: f64) -> String {
    if speed >= 1.0 { format!("{}×", Plain(speed)) } else { format!("1/{}×", libm::round(1.0 / speed) as u64) }
}

fn bar(player: &Player, link: &Link) -> El {
    let timeline = player.timeline();
    let (now, length) = (timeline.now(), player.length());
    // Of marks of a kind that would stand on one another, the first.
    let mut last = None;
    let apart = |mark: &&Mark| {
        let here = Some((mark.kind, along(mark.at, length) / APART));
        std::mem::replace(&mut last, here) != here
    };
    let marks = timeline.tape().marks().iter().filter(apart).take(MAX_SHOWN).map(|mark| {
        let (class, word) = kind(mark.kind);
        let told = format!("{}: {word} {}", clock(mark.at), timeline.run().world.name(mark.node));
        place(class, mark.at, length).set("title", told)
    });
    let acts = timeline.acts().iter().take(MAX_SHOWN).map(|act| {
        place("mark act", act.at, length).set("title", format!("{}: you {}", clock(act.at), act.act.words()))
    });
    let flags = player
        .bookmarks()
        .iter()
        .map(|at| place("mark flag", *at, length).set("title", format!("{}: bookmark", clock(*at))));
    let stops =
        player.hits().map(|at| place("mark stop", at, length).set("title", format!("{}: breakpoint", clock(at))));
    el("div")
        .class("bar")
        .set("role", "slider")
        .set("tabindex", "0")
        .label("Time")
        .set("aria-valuemin", "0")
        .set("aria-valuemax", clock(length))
        .set("aria-valuenow", clock(now))
        .set("aria-valuetext", format!("{} of {} seconds", clock(now), clock(length)))
        .add(el("i").class("reached").set("data-width", share(timeline.reached(), length)))
        .add(el("i").class("done").set("data-width", share(now, length)))
        .all(acts)
        .all(marks)
        .all(flags)
        .all(stops)
        .add(place("mark cursor", now, length))
        .asks(ListenerKind::onpointerdown, link, move |event| point(event, length, true))
        .asks(ListenerKind::onpointermove, link, move |event| point(event, length, false))
        .asks(ListenerKind::onkeydown, link, key)
}

fn place(class: &'static str, at: Time, length: Time) -> El {
    el("i").class(class).set("data-left", share(at, length))
}

/// So far along the bar: per cent, to three digits after the point.
pub(super) fn share(at: Time, length: Time) -> String {
    let along = along(at, length);
    format!("{}.{:03}%", along / 1000, along % 1000)
}

/// So far along the bar, in hundred thousandths.
pub(super) fn along(at: Time, length: Time) -> u64 {
    // No run is long enough for the product to overflow.
    at.0.saturating_mul(100_000) / length.0.max(1)
}

/// The style sheet's class for a mark, and what is said of it before the name of a component.
fn kind(kind: MarkKind) -> (&'static str, &'static str) {
    match kind {
        MarkKind::Fault => ("mark fault", "fault at"),
        MarkKind::Recovery => ("mark recovery", "recovery of"),
        MarkKind::Change => ("mark change", "change at"),
        MarkKind::Notice => ("mark notice", "suspicion by"),
        MarkKind::Violation => ("mark violation", "promise broken at"),
    }
}

/// Where a pointer on the bar goes to.
fn point(event: &Event, length: Time, down: bool) -> Option<Msg> {
    let event: &PointerEvent = event.dyn_ref()?;
    let bar = find(".bar")?;
    if down {
        // A pointer that is gone already cannot be captured, and need not be.
        let _ = bar.set_pointer_capture(event.pointer_id());
        focus(&bar);
    } else if event.buttons() & 1 == 0 {
        return None;
    }
    let bounds = bar.get_bounding_client_rect();
    let share = (f64::from(event.client_x()) - bounds.left()) / bounds.width().max(1.0);
    Some(Msg::Do(Action::Seek(Time((share.clamp(0.0, 1.0) * length.0 as f64) as u64))))
}

fn key(event: &Event) -> Option<Msg> {
    let event: &KeyboardEvent = event.dyn_ref()?;
    let far = if event.shift_key() { 5 } else { 1 };
    let action = match event.key().as_str() {
        "ArrowRight" | "ArrowUp" => Action::Skip(far),
        "ArrowLeft" | "ArrowDown" => Action::Skip(-far),
        "Home" => Action::Seek(Time::ZERO),
        " " => Action::Toggle,
        "." => Action::StepOn,
        "," => Action::StepBack,
        _ => return None,
    };
    event.prevent_default();
    Some(Msg::Do(action))
}
