//! `faultline site`: what of the site is made of the scenarios. A picture of each on light and on dark paper, a page of its
//! own that can be read without running anything, and the cards of the gallery.

use std::fs;
use std::path::Path;

use crate::player::{Action, Player, TaskModel, Wordy, promises, steps};
use crate::scenario::{builtin, in_order, title};
use crate::scene::svg::Escaped;
use crate::scene::{self, DisplayList, Theme, family_name};
use crate::sim::Time;

use super::Verdict;
use super::out::{Failure, Out};

#[derive(clap::Args)]
pub struct Arguments {
    /// The folder of the site's files, static/site
    folder: String,
}

/// How large a picture is: what has room on a card.
const SIZE: (f32, f32) = (480.0, 300.0);
/// Among which instants the one of a picture is, and how far apart they are: that at which most is on its way.
const LOOKS: std::ops::RangeInclusive<u64> = 16..=48;
const LOOK: u64 = 250_000;

/// Where somebody begins who has met none of this, and what wants some of the others first.
const FIRST: &[&str] = &[
    "chat-pair",
    "chat",
    "one-computer",
    "shared-state",
    "concurrency",
    "independent-failures",
    "task-delegation",
    "specialised-parts",
    "the-body",
    "balancing",
    "cache",
    "queue",
    "detectors",
];
const DEEP: &[&str] =
    &["raft", "paxos", "pbft", "generals", "crdt", "swim", "quorum", "chain-replication", "two-phase-commit", "saga"];

pub fn main(arguments: &Arguments, out: &mut Out) -> Result<Verdict, Failure> {
    let folder = Path::new(&arguments.folder);
    let gallery = folder.join("gallery.html");
    let failed = |path: &Path, error: std::io::Error| Failure::told(format!("{}: {error}", path.display()));
    let shell = fs::read_to_string(&gallery).map_err(|error| failed(&gallery, error))?;
    let write = |path: &Path, text: &str| {
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(path, text)).map_err(|error| failed(path, error))
    };
    let order: Vec<_> = in_order().collect();
    let mut cards = String::new();
    let mut last = "";
    for (place, (shelf, name)) in order.iter().enumerate() {
        let mut player = Player::new(std::rc::Rc::new(builtin(name)?))?;
        if *shelf != last {
            let close = if last.is_empty() { "" } else { "      </ul>\n" };
            cards.push_str(&format!("{close}      <h2>{}</h2>\n      <ul class=\"cards\">\n", Escaped(shelf)));
            last = shelf;
        }
        cards.push_str(&card(&player, name));
        let around = [place.checked_sub(1), Some(place + 1)].map(|place| Some(order.get(place?)?.1));
        write(&folder.join(format!("s/{name}/index.html")), &page(&player, name, around))?;
        for (paper, theme) in [("light", Theme::Light), ("dark", Theme::Dark)] {
            write(&folder.join(format!("posters/{name}-{paper}.svg")), &poster(&mut player, theme))?;
        }
    }
    cards.push_str("      </ul>\n");
    let whole = filled(&shell, &cards)
        .ok_or_else(|| Failure::told(format!("{}: the marks of the cards are not there", gallery.display())))?;
    write(&gallery, &whole)?;
    out.line(format!("{} scenarios", order.len()))?;
    Ok(Verdict::Well)
}

/// A text with something else between its marks.
fn filled(shell: &str, cards: &str) -> Option<String> {
    const MARKS: (&str, &str) = ("<!-- cards: `faultline site` writes them -->\n", "      <!-- end of cards -->");
    let (before, rest) = shell.split_once(MARKS.0)?;
    let (_, after) = rest.split_once(MARKS.1)?;
    Some(format!("{before}{}{cards}{}{after}", MARKS.0, MARKS.1))
}

/// The stage at the instant at which most is on its way, of those in which it has begun.
fn poster(player: &mut Player, theme: Theme) -> String {
    let busiest = || {
        let mut run = Player::new(player.timeline().document().clone()).ok()?;
        let mut best = (0, 0);
        for look in LOOKS {
            run.dispatch(Action::Seek(Time(look * LOOK)));
            best = best.max((run.timeline().run().world.in_flight(), u64::MAX - look));
        }
        Some(Time((u64::MAX - best.1) * LOOK))
    };
    let at = busiest().unwrap_or_default();
    player.dispatch(Action::Resize(SIZE.0, SIZE.1));
    player.dispatch(Action::Theme(theme));
    player.dispatch(Action::Seek(at));
    player.dispatch(Action::Pause);
    let mut list = DisplayList::default();
    player.draw(&mut list);
    let document = player.timeline().document();
    scene::svg::paint(&list, player.view(), &document.title, &document.summary)
}

fn level(name: &str) -> (&'static str, &'static str) {
    match name {
        name if FIRST.contains(&name) => ("1", "first steps"),
        name if DEEP.contains(&name) => ("3", "deep"),
        _ => ("2", "further"),
    }
}

fn picture(name: &str, up: &str) -> String {
    format!(
        "<picture><source media=\"(prefers-color-scheme: dark)\" srcset=\"{up}posters/{name}-dark.svg\" />\
         <img src=\"{up}posters/{name}-light.svg\" alt=\"\" width=\"480\" height=\"300\" loading=\"lazy\" /></picture>"
    )
}

/// A scenario in the gallery.
fn card(player: &Player, name: &str) -> String {
    let document = player.timeline().document();
    let (number, level) = level(name);
    let tasks: usize = steps(player).iter().map(|step| step.tasks.len()).sum();
    format!(
        "        <li class=\"card\" data-name=\"{name}\" data-level=\"{number}\" data-tasks=\"{tasks}\">\n          \
         <a class=\"stage\" href=\"./#1.{name}\">{}<h3>{}</h3></a>\n          \
         <p>{}</p>\n          \
         <p class=\"meta\"><span class=\"level\">{level}</span> <a href=\"s/{name}/\">Read about it</a></p>\n        \
         </li>\n",
        picture(name, ""),
        Escaped(&document.title),
        Escaped(&document.summary),
    )
}

fn words(parts: &[Wordy]) -> String {
    let word = |part: &Wordy| match part {
        Wordy::Plain(text) => Escaped(text).to_string(),
        Wordy::Kind(text, _, family) => format!("<b class=\"of-{}\">{}</b>", family_name(*family), Escaped(text)),
    };
    parts.iter().map(word).collect()
}

fn task(task: &TaskModel) -> String {
    format!("          <li>{}</li>\n", words(&task.text))
}

/// A scenario's own page: what a link to it looks like to who cannot run it, and something to read.
fn page(player: &Player, name: &str, [before, after]: [Option<&str>; 2]) -> String {
    let document = player.timeline().document();
    let lesson: String = steps(player)
        .iter()
        .map(|step| {
            let text = step.text_paragraphs();
            let text: String = text.iter().map(|part| format!("      <p>{}</p>\n", words(part))).collect();
            let tasks: String = step.tasks.iter().map(task).collect();
            let tasks =
                if tasks.is_empty() { tasks } else { format!("      <ul class=\"try\">\n{tasks}      </ul>\n") };
            format!("      <h2>{}</h2>\n{text}{tasks}", Escaped(&step.title))
        })
        .collect();
    let held = promises(player);
    let held = held.iter().map(|promise| format!("        <li>{}</li>\n", Escaped(&promise.promise)));
    let simpler = document.simplifications.iter().map(|point| {
        let source =
            if point.source.is_empty() { String::new() } else { format!(" <cite>{}</cite>", Escaped(&point.source)) };
        format!("        <li>{}{source}</li>\n", Escaped(&point.what))
    });
    let list = |heading: &str, items: String| {
        if items.is_empty() { items } else { format!("      <h2>{heading}</h2>\n      <ul>\n{items}      </ul>\n") }
    };
    let way = |name: Option<&str>, class: &str, word: &str| {
        let link = |name| format!("<a class=\"{class}\" href=\"../{name}/\">{word}{}</a>", Escaped(title(name)));
        name.map_or_else(|| "<span></span>".to_owned(), link)
    };
    include_str!("site/page.html")
        .replace("{title}", &Escaped(&document.title).to_string())
        .replace("{summary}", &Escaped(&document.summary).to_string())
        .replace("{name}", name)
        .replace("{lesson}", &lesson)
        .replace("{held}", &list("What must hold", held.collect()))
        .replace("{simpler}", &list("What is simpler here than it is", simpler.collect()))
        .replace("{before}", &way(before, "before", "← "))
        .replace("{after}", &way(after, "after", "Next: "))
}
