//! `faultline report`: what must hold, where it was broken, what shows it, and what led there, as Markdown.

use crate::player::Player;
use crate::sim::Micros;

use super::out::{Failure, Out};
use super::{Verdict, Which, input};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    which: Which,
    /// The instant, such as 12s; otherwise a link's own, or the beginning
    #[arg(long, value_name = "TIME", value_parser = input::span)]
    at: Option<Micros>,
    /// Where the page is, for the links in the report
    #[arg(long, value_name = "ADDRESS", default_value = "")]
    page: String,
}

pub fn main(arguments: &Arguments, out: &mut Out) -> Result<Verdict, Failure> {
    let given = arguments.which.find()?;
    let mut moment = given.moment.clone();
    moment.cursor = given.at(arguments.at);
    let player = Player::at_moment(&moment)?;
    out.text(&player.report(&arguments.page))?;
    let broken = !player.timeline().run().violations().is_empty();
    Ok(if broken { Verdict::Broken } else { Verdict::Well })
}
