//! The log: a few lines beside the stage, and a view of its own with filters.

use std::rc::Rc;

use js_sys::{Array, Function, Reflect, RegExp};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Event;
use yew::virtual_dom::ListenerKind;

use crate::player::{self, LogFilter, LogLine, LogRow, Player, Sort};
use crate::scene::{Target, family_name};
use crate::sim::clock;

use super::app::{DockMsg, Fold, Msg};
use super::dom::{El, Link, button, chosen, el};

/// How many lines of the log are shown beside the stage.
const LOG_LINES: usize = 60;
/// How many in a view of its own.
const VIEW_LINES: usize = 400;

/// What a line must fit, as somebody has written it.
enum Pattern {
    All,
    /// Without regard to capitals.
    Word(String),
    Expression(RegExp),
    /// An expression that the browser cannot read.
    Wrong,
}

impl Pattern {
    fn of(text: &str) -> Pattern {
        let inner = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        match inner {
            _ if text.is_empty() => Pattern::All,
            Some(inner) if !inner.is_empty() => expression(inner).map_or(Pattern::Wrong, Pattern::Expression),
            _ => Pattern::Word(text.to_ascii_lowercase()),
        }
    }

    fn fits(&self, line: &str) -> bool {
        match self {
            Pattern::All | Pattern::Wrong => true,
            Pattern::Word(word) => line.to_ascii_lowercase().contains(word),
            Pattern::Expression(expression) => expression.test(line),
        }
    }
}

/// A regular expression; none where the browser refuses it. Its own constructor would end the program.
fn expression(pattern: &str) -> Option<RegExp> {
    let make =
        Reflect::get(&web_sys::window()?.into(), &JsValue::from_str("RegExp")).ok()?.dyn_into::<Function>().ok()?;
    let made = Reflect::construct(&make, &Array::of2(&JsValue::from_str(pattern), &JsValue::from_str("i"))).ok()?;
    made.dyn_into().ok()
}

/// The log in a view of its own: its tools and its lines.
#[inline(never)]
pub fn log_view(player: &Player, filter: &LogFilter, link: &Link) -> (El, El) {
    let pattern = Pattern::of(&filter.text);
    let rows = rows(player, filter, &pattern);
    let wrong =
        matches!(pattern, Pattern::Wrong).then(|| el("p").class("empty").text("This expression cannot be read."));
    let empty = rows.is_empty().then(|| {
        el("p").class("empty").text(match filter.sort.is_story() {
            true => "Nothing of this kind has happened. Everyday work stands under messages and facts.",
            false => "No line fits among the last 20 000 records, which the log keeps; for older ones go back in time.",
        })
    });
    let list = el("ol").class("lines").all(rows.iter().map(|row| line(row, player.view().selected, link)));
    (tools(player, filter, link), el("div").class("logbook").all(wrong).all(empty).add(list))
}

fn rows(player: &Player, filter: &LogFilter, pattern: &Pattern) -> Vec<LogRow> {
    player::log_rows(player, filter, &|line| pattern.fits(line), VIEW_LINES)
}

/// The lines that are shown, as text.
#[inline(never)]
pub fn as_text(player: &Player, filter: &LogFilter) -> String {
    let rows = rows(player, filter, &Pattern::of(&filter.text));
    rows.iter().map(|row| format!("{} {}\n", clock(row.time), row.text)).collect()
}

/// A line: its instant leads there, its words select what it is about.
fn line(row: &LogRow, selected: Option<Target>, link: &Link) -> El {
    let family = format!("node of-{}", family_name(row.family));
    let hover = |on| Msg::Do(player::Action::Hover(on));
    let go = button("", link, Msg::GoTo(row.time, Some(row.target)))
        .class("at")
        .set("title", "Go to this moment")
        .add(el("time").text(&clock(row.time)));
    let select = button("", link, Msg::Do(player::Action::Select(Some(row.target))))
        .class("what")
        .add(el("span").class(family).text(&row.node))
        .add(el("span").text(row.rest()))
        .tells(ListenerKind::onpointerenter, link, hover(Some(row.target)))
        .tells(ListenerKind::onpointerleave, link, hover(None));
    let class = classes(&[("warn", row.warn), ("ahead", row.ahead), ("current", selected == Some(row.target))]);
    el("li").key(row.record.0).class(class).add(go).add(select)
}

fn classes(of: &[(&str, bool)]) -> String {
    of.iter().filter(|(_, is)| *is).map(|(class, _)| format!("{class} ")).collect()
}

fn filtered(filter: LogFilter) -> Msg {
    Msg::Dock(Rc::new(DockMsg::Filter(filter)))
}

fn tools(player: &Player, filter: &LogFilter, link: &Link) -> El {
    let world = &player.timeline().run().world;
    let sort = |(sort, name): &(Sort, &str)| el("option").selected(*sort == filter.sort).text(name);
    let sorts = {
        let filter = filter.clone();
        move |event: &Event| {
            let word = chosen(event)?;
            let (sort, _) = Sort::ALL.iter().find(|(_, name)| *name == word)?;
            Some(filtered(LogFilter { sort: *sort, ..filter.clone() }))
        }
    };
    let everyone = "every component";
    let names = world.nodes().map(|(_, node)| {
        let chosen = filter.node.as_deref() == Some(&*node.name);
        el("option").selected(chosen).text(&node.name)
    });
    let nodes = {
        let filter = filter.clone();
        move |event: &Event| {
            let node = Some(chosen(event)?).filter(|name| name != everyone);
            Some(filtered(LogFilter { node, ..filter.clone() }))
        }
    };
    let texts = {
        let filter = filter.clone();
        move |event: &Event| Some(filtered(LogFilter { text: chosen(event)?, ..filter.clone() }))
    };
    let last = player.timeline().run().world.last_record();
    let until = if filter.until.is_some() { None } else { Some(last) };
    let follow = filtered(LogFilter { until, ..filter.clone() });
    el("span")
        .class("tools")
        .add(el("select").label("Which lines").all(Sort::ALL.iter().map(sort)).asks(
            ListenerKind::onchange,
            link,
            sorts,
        ))
        .add(
            el("select")
                .label("Of which component")
                .add(el("option").selected(filter.node.is_none()).text(everyone))
                .all(names)
                .asks(ListenerKind::onchange, link, nodes),
        )
        .add(
            el("input")
                .set("type", "search")
                .set("placeholder", "words, or /expression/")
                .label("What stands in the line")
                .value(filter.text.clone())
                .asks(ListenerKind::oninput, link, texts),
        )
        .add(
            button("Follow", link, follow)
                .set("aria-pressed", if filter.until.is_none() { "true" } else { "false" })
                .set("title", "New lines appear as things happen"),
        )
        .add(button("Copy", link, Msg::Dock(Rc::new(DockMsg::Copy))).set("title", "Copy the lines that are shown"))
}

/// The log, newest first; with `all`, every message as well.
pub fn log(player: &Player, all: bool, link: &Link) -> El {
    let lines = player::log_lines(player, all, LOG_LINES);
    let line = |line: &LogLine| {
        let go = button("", link, Msg::GoTo(line.time, None))
            .set("title", "Go to this moment")
            .add(el("time").text(&line.at))
            .text(" ")
            .text(&line.text);
        let key = if line.broken { format!("broken {}", line.text) } else { line.record.0.to_string() };
        el("li").key(key).class(classes(&[("warn", line.warn), ("ahead", line.ahead)])).add(go)
    };
    let empty = lines.is_empty().then(|| el("p").class("empty").text("Nothing out of the ordinary has happened yet."));
    el("div")
        .class("log-panel")
        .add(
            el("p").add(el("span").class("title").text("Log")).add(
                el("label")
                    .add(el("input").set("type", "checkbox").checked(all).tells(
                        ListenerKind::onchange,
                        link,
                        Msg::Flip(Fold::AllMessages),
                    ))
                    .text(" every message"),
            ),
        )
        .all(empty)
        .add(el("ol").all(lines.iter().map(line)))
}
