//! `faultline check`: everything that is wrong with a document.

use std::path::Path;

use super::out::{Failure, Out};
use super::{Verdict, input};

#[derive(clap::Args)]
pub struct Arguments {
    /// The document, TOML or JSON; - for standard input
    file: String,
}

pub fn main(arguments: &Arguments, out: &mut Out) -> Result<Verdict, Failure> {
    let file = &arguments.file;
    if !input::is_file(file) {
        let what = if Path::new(file).is_dir() { "a folder, not a file" } else { "not there" };
        return Err(Failure::told(format!("{file} is {what}")));
    }
    match input::document(file) {
        Ok(document) => {
            let nodes: u32 = document.groups.iter().map(|group| group.count).sum();
            out.line(format_args!(
                "{file}: {}, revision {}: {nodes} components, no problem",
                document.name, document.revision
            ))?;
            Ok(Verdict::Well)
        }
        Err(problems) => Err(Failure::Told(problems.iter().map(|problem| format!("{file}: {problem}")).collect())),
    }
}
