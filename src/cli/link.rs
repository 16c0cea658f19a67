//! `faultline link`: a moment as a link, and back.

use serde_json::{Map, Value as Json, json};

use crate::link::{self, Opened, Picked, Shown};
use crate::scenario::{Tree, schema};
use crate::sim::Micros;
use crate::timeline::{Cursor, Moment, Source};

use super::input::Given;
use super::out::{Failure, Out, written};
use super::play::{Accounts, play};
use super::{Verdict, Which, input};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    which: Which,
    /// The instant, such as 12s; otherwise a link's own, or the beginning
    #[arg(long, value_name = "TIME", value_parser = input::span)]
    at: Option<Micros>,
    /// What the link says, as JSON; this is what is printed when a link is given and nothing about it is changed
    #[arg(long)]
    json: bool,
    /// The document of the link, as TOML
    #[arg(long, conflicts_with = "json")]
    document: bool,
}

pub fn main(arguments: &Arguments, out: &mut Out) -> Result<Verdict, Failure> {
    let Given { mut moment, opened } = {
        let given = arguments.which.find()?;
        Given { moment: Moment { cursor: given.at(arguments.at), ..given.moment }, opened: given.opened }
    };
    if arguments.document {
        let tree = Tree::from_json(&schema::json(&*moment.document))?;
        let text = toml::to_string(&tree);
        out.text(&text.map_err(|why| Failure::told(format!("this document cannot be written as TOML: {why}")))?)?;
        return Ok(Verdict::Well);
    }
    let changed = arguments.at.is_some() || arguments.which.changes();
    if let Some(opened) = opened.as_ref().filter(|_| !changed) {
        out.json(&as_json(opened))?;
        return Ok(Verdict::Well);
    }
    // What was done after the instant is no part of it.
    moment.acts.retain(|act| act.at <= moment.cursor.at);
    let run = play(&moment, moment.cursor, &mut Accounts::default())?;
    let mut shown = opened.map_or_else(Shown::default, |opened| opened.shown);
    shown.digest = Some(run.digest());
    if arguments.at.is_some() {
        // Who names an instant wants it looked at; only the beginning plays by itself.
        shown.playing = moment.cursor == Cursor::default();
    }
    let link = link::write(&moment, &shown);
    if link.length > link::MAX_LINK {
        let told = format!("its link would be {} characters long; {} is the limit", link.length, link::MAX_LINK);
        return Err(Failure::told(format!("{told}. Share the document as a file instead")));
    }
    if arguments.json {
        // Read back, so that what is printed is what a reader of the link gets.
        out.json(&as_json(&link::read(&link.fragment).map_err(|why| Failure::told(why.told))?))?;
    } else {
        out.line(link.fragment)?;
    }
    Ok(Verdict::Well)
}

fn as_json(opened: &Opened) -> Json {
    let (moment, shown) = (&opened.moment, &opened.shown);
    let settings: Map<String, Json> =
        moment.settings.iter().map(|(dial, value)| (dial.clone(), written(value))).collect();
    let whole = match moment.source() {
        Source::Builtin { .. } => Json::Null,
        Source::Whole(document) => written(&*document),
    };
    json!({
        "name": moment.document.name,
        "revision": moment.document.revision,
        "document": whole,
        "seed": moment.seed.to_string(),
        "settings": settings,
        "acts": written(&moment.acts),
        "cursor": written(&moment.cursor),
        "digest": shown.digest.map(|digest| format!("{digest:016x}")),
        "speed": shown.speed,
        "selection": match &shown.selection {
            None => json!(null),
            Some(Picked::Node(name)) => json!(name),
            Some(Picked::Between(from, to)) => json!([from, to]),
            Some(Picked::Message(record)) => json!(record),
        },
        "views": shown.views,
        "step": shown.step,
        "playing": shown.playing,
        "layout": written(&shown.layout),
        "moved": written(&shown.moved),
        "notes": opened.notes,
    })
}
