//! THE SAME CORE HEADLESS: list, run, trace, export, svg, report, site, link, check, check-history, validate, swarm, cost, verify.
//! `docs/cli.md` says what each prints.
//!
//! Exit status: 0; 1 where a check found a broken promise or the run halted at a limit; 2 for bad input, which is always
//! one sentence on stderr, or one a problem; 3 where a check could not be decided in its time.
#![expect(clippy::disallowed_methods, reason = "the command line reads files and arguments")]

mod check;
mod check_history;
mod cost;
mod export;
mod figures;
mod input;
mod link;
mod list;
mod out;
mod play;
mod pool;
mod report;
mod run;
mod sheets;
mod site;
mod svg;
mod swarm;
mod trace;
mod validate;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use input::Given;
use out::{Failure, Out};

/// See how distributed systems work, and how they fail: the simulator without its page.
#[derive(Parser)]
#[command(
    name = "faultline",
    version,
    after_help = "INPUT is a file (TOML or JSON), a link or its fragment, or the name of a built-in scenario; - reads a \
                  document from standard input.\n\
                  Exit status: 0; 1 where a check found a broken promise; 2 for bad input; 3 where it could not \
                  be decided in time."
)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// The built-in scenarios: title, dials, checks, kinds of components
    List(list::Arguments),
    /// Runs a scenario and tells what came of it: digest, messages, measures, checks
    Run(run::Arguments),
    /// What happens in a run, line by line, each with what brought it about
    Trace(trace::Arguments),
    /// A run for other tools: Chrome's trace events (Perfetto), OpenTelemetry, ShiViz, CSV, JSON lines
    Export(export::Arguments),
    /// What the stage shows at an instant, as a picture
    Svg(svg::Arguments),
    /// What must hold and where it was broken by an instant: what shows it, what led there, links to it; as Markdown
    Report(report::Arguments),
    /// The pictures and pages of the site that are made of the scenarios
    Site(site::Arguments),
    /// A link for a scenario at an instant; or what a link holds
    Link(link::Arguments),
    /// Everything that is wrong with a document, a line each
    Check(check::Arguments),
    /// Whether a history is linearizable: holds, violated (and the smallest part that shows it), or unknown
    CheckHistory(check_history::Arguments),
    /// Published results beside ours, from documents with what was published about them
    Validate(validate::Arguments),
    /// Many seeds under random faults: which hold, and which mistakes are found out
    Swarm(swarm::Arguments),
    /// What an operation costs with each protocol, and how long a crash is felt, on equal terms
    Cost(cost::Arguments),
    /// Whether a run is the same straight on and by the time machine, or as another build had it; names the first record
    /// that differs
    Verify(verify::Arguments),
}

/// What to run and how it is set; the same for every command that runs something.
#[derive(clap::Args)]
struct Which {
    /// A file, a link or its fragment, or the name of a built-in scenario
    input: String,
    /// The seed, decimal or 0x…; otherwise that of the link or the document
    #[arg(long, value_parser = input::seed, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Sets a dial before the start; may be given more than once
    #[arg(long = "set", value_name = "DIAL=VALUE")]
    settings: Vec<String>,
    /// Adds a fault plan, such as 'faults = ["kill"], every = "10s", repair = "2s"'; may be given more than once
    #[arg(long = "plan", value_name = "PLAN")]
    plans: Vec<String>,
}

impl Which {
    fn find(&self) -> Result<Given, Failure> {
        let settings = self.settings.iter().map(|text| input::setting(text));
        let settings: Vec<_> = settings.collect::<Result<_, _>>().map_err(Failure::told)?;
        let mut given = input::find(&self.input, self.seed, &settings)?;
        input::add_plans(&mut given.moment, &self.plans)?;
        // What the reader of a link should know, such as a scenario that has changed since.
        out::complain(given.opened.iter().flat_map(|opened| &opened.notes));
        Ok(given)
    }

    /// Whether anything is asked for that the input does not say by itself.
    fn changes(&self) -> bool {
        self.seed.is_some() || !self.settings.is_empty() || !self.plans.is_empty()
    }
}

/// What a command came to.
enum Verdict {
    /// All is well.
    Well,
    /// A promise was broken, or the run went no further.
    Broken,
    /// It could not be decided in its time.
    Unknown,
}

/// Runs the command line that this process was given.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut out = Out::new();
    let result = match &arguments.verb {
        Verb::List(arguments) => list::main(arguments, &mut out),
        Verb::Run(arguments) => run::main(arguments, &mut out),
        Verb::Trace(arguments) => trace::main(arguments, &mut out),
        Verb::Export(arguments) => export::main(arguments, &mut out),
        Verb::Svg(arguments) => svg::main(arguments, &mut out),
        Verb::Report(arguments) => report::main(arguments, &mut out),
        Verb::Site(arguments) => site::main(arguments, &mut out),
        Verb::Link(arguments) => link::main(arguments, &mut out),
        Verb::Check(arguments) => check::main(arguments, &mut out),
        Verb::CheckHistory(arguments) => check_history::main(arguments, &mut out),
        Verb::Validate(arguments) => validate::main(arguments, &mut out),
        Verb::Swarm(arguments) => swarm::main(arguments, &mut out),
        Verb::Cost(arguments) => cost::main(arguments, &mut out),
        Verb::Verify(arguments) => verify::main(arguments, &mut out),
    };
    match result.and_then(|verdict| out.flush().map(|()| verdict)) {
        // A reader that has read enough, as `head` does, is no mistake.
        Ok(Verdict::Well) | Err(Failure::Closed) => ExitCode::SUCCESS,
        Ok(Verdict::Broken) => ExitCode::from(1),
        Ok(Verdict::Unknown) => ExitCode::from(3),
        Err(Failure::Told(lines)) => {
            // What was printed so far belongs before the complaint; that it may fail too changes nothing.
            let _ = out.flush();
            out::complain(&lines);
            ExitCode::from(2)
        }
    }
}
