//! `faultline svg`: what the stage or another view shows at an instant, as a picture.

use crate::player::{Action, Player};
use crate::scene::{self, DisplayList, Theme};
use crate::sim::{Micros, clock};
use crate::views::Kind;

use super::out::{Failure, Out};
use super::{Verdict, Which, input};

/// The least and the greatest side of a picture, in pixels.
const SIDES: std::ops::RangeInclusive<u32> = 100..=8_000;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    which: Which,
    /// The instant, such as 12s; otherwise a link's own, or the beginning
    #[arg(long, value_name = "TIME", value_parser = input::span)]
    at: Option<Micros>,
    /// On light or dark paper
    #[arg(long, value_enum, default_value = "light")]
    theme: Paper,
    /// How large, in pixels
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size, default_value = "1200x800")]
    size: (u32, u32),
    /// Which view of the run
    #[arg(long, value_enum, default_value = "stage")]
    view: Shows,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Shows {
    Stage,
    SpaceTime,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Paper {
    Light,
    Dark,
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let side = |text: &str| text.parse().ok().filter(|side| SIDES.contains(side));
    let sides = text.split_once(['x', '×']).and_then(|(width, height)| Some((side(width)?, side(height)?)));
    sides.ok_or_else(|| {
        format!(
            "expected width and height from {} to {}, such as 1200x800, found \"{text}\"",
            SIDES.start(),
            SIDES.end()
        )
    })
}

pub fn main(arguments: &Arguments, out: &mut Out) -> Result<Verdict, Failure> {
    let given = arguments.which.find()?;
    let mut moment = given.moment.clone();
    moment.cursor = given.at(arguments.at);
    let mut player = Player::at_moment(&moment)?;
    let (width, height) = arguments.size;
    let theme = match arguments.theme {
        Paper::Light => Theme::Light,
        Paper::Dark => Theme::Dark,
    };
    player.dispatch(Action::Resize(width as f32, height as f32));
    player.dispatch(Action::Theme(theme));
    // Who was moved by hand and what is selected is part of what a link shows.
    if let Some(opened) = &given.opened {
        player.show(&opened.shown);
    }
    // Messages then say what they are: nothing moves in a picture.
    player.dispatch(Action::Pause);
    let mut list = DisplayList::default();
    match arguments.view {
        Shows::Stage => player.draw(&mut list),
        Shows::SpaceTime => player.draw_view(Kind::SpaceTime, (width as f32, height as f32), &mut list),
    }
    let document = &moment.document;
    let title = format!("{} at {} s", document.title, clock(player.timeline().now()));
    out.text(&scene::svg::paint(&list, player.view(), &title, &document.summary))?;
    Ok(Verdict::Well)
}
