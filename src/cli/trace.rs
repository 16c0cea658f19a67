//! `faultline trace`: a run as a transcript that an expert can read.
//!
//! ```text
//!   2.014301  #812    sender-1 → balancer-1 Submit #7 “see you at 8”
//!   2.016122  #815    balancer-1 ← sender-1 Submit #7 “see you at 8”  ← #812, 1.82 ms
//!   2.016122  #816      balancer-1 → gateway-2 Submit #7 “see you at 8”
//! ```
//!
//! A line below another and further in was brought about by it in the same instant; where the cause stands further up,
//! the line ends with its number and the time that has passed since. What is hidden hands its cause on.

use std::collections::VecDeque;

use crate::components::{Message, Record, What, World};
use crate::protocols::Form;
use crate::scenario::{Problem, Run};
use crate::sim::{Micros, NodeId, RecordId, Time, Why};
use crate::trace::clocks::{Clocks, is_event};
use crate::trace::{KIND_WORDS, kind_word, sentence};

use super::out::{Failure, Out, span};
use super::play::{Accounts, Watcher, play};
use super::{Verdict, Which, input, run};

/// Of how many of the last records the origin is remembered; an older cause is named by its own number.
const MAX_ORIGINS: usize = 1 << 20;
/// What a write that has reached the disk brings about; no timer is called so.
const ON_DISK: &str = "on disk";
/// How far in a line may stand.
const MAX_DEPTH: usize = 12;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    which: Which,
    /// From when on lines are printed, such as 12s
    #[arg(long, value_name = "TIME", value_parser = input::span, default_value = "0")]
    from: Micros,
    /// How far, such as 30s; otherwise to a link's own instant, or as long as the document says
    #[arg(long, value_name = "TIME", value_parser = input::span)]
    until: Option<Micros>,
    /// Only what happens at this node or group, or goes to or comes from it; may be given more than once
    #[arg(long = "node", value_name = "NAME")]
    nodes: Vec<String>,
    /// Only these kinds of records, such as sent,lost,accepted
    #[arg(long = "kind", value_name = "KIND,…", value_delimiter = ',')]
    kinds: Vec<String>,
    /// Everything: also timers, services, writes, measures, wiring and heartbeats
    #[arg(long, conflicts_with = "kinds")]
    all: bool,
    /// The Lamport and vector times of what is printed
    #[arg(long)]
    clocks: bool,
}

pub fn main(arguments: &Arguments, out: &mut Out) -> Result<Verdict, Failure> {
    let words = || KIND_WORDS.iter().chain(crate::components::Fact::NAMES).copied();
    for kind in &arguments.kinds {
        if !words().any(|word| word == kind) {
            return Err(Problem::unknown("", "kind of record", kind, words()).into());
        }
    }
    if let Some(until) = arguments.until.filter(|until| *until < arguments.from) {
        return Err(Failure::told(format!("there is nothing from {} until {until}", arguments.from)));
    }
    let given = arguments.which.find()?;
    let mut transcript = Transcript {
        arguments,
        out,
        accounts: Accounts::default(),
        origins: VecDeque::new(),
        last_silent: RecordId(0),
        open: Vec::new(),
        instant: Time::ZERO,
        given: 0,
        broken: 0,
        shown: 0,
        clocks: Clocks::default(),
    };
    run::head(&given.moment, transcript.out)?;
    let run = play(&given.moment, given.until(arguments.until), &mut transcript)?;
    let (accounts, shown) = (transcript.accounts, transcript.shown);
    for name in &arguments.nodes {
        known(name, &run.world)?;
    }
    let world = &run.world;
    out.line("")?;
    if let Some(halt) = world.halted() {
        out.line(format_args!("halted: {halt}"))?;
    }
    out.line(format_args!(
        "{} at the end, {shown} of {} records shown, digest {:016x}",
        Micros(world.now().0),
        world.last_record().0,
        run.digest()
    ))?;
    Ok(run::verdict(&run, &accounts))
}

/// Whether there ever was a node or group of this name.
fn known(name: &str, world: &World) -> Result<(), Failure> {
    let ever = (0..).map(|place| world.name(NodeId(place))).take_while(|name| *name != "?");
    let names = || ever.clone().chain(world.templates().iter().map(|template| &*template.name));
    if names().any(|known| known == name) {
        return Ok(());
    }
    Err(Problem::unknown("", "node or group", name, names()).into())
}

/// Where a record comes from, as far as the transcript shows it.
#[derive(Clone, Copy)]
struct Origin {
    id: RecordId,
    /// The nearest record that was shown, itself or one that brought it about; 0 for none.
    shown: RecordId,
    /// When that was.
    at: Time,
    /// What began it, where that is not shown: a timer, by name, or a write that has reached the disk.
    began: &'static str,
}

struct Transcript<'a> {
    arguments: &'a Arguments,
    out: &'a mut Out,
    accounts: Accounts,
    /// Ascending by id.
    origins: VecDeque<Origin>,
    /// The last record from before the first step, where everything was placed.
    last_silent: RecordId,
    /// The shown records of this instant that the last one hangs from, outermost first.
    open: Vec<RecordId>,
    instant: Time,
    /// How many cues have been told.
    given: usize,
    /// How many broken promises have been told.
    broken: usize,
    shown: u64,
    clocks: Clocks,
}

impl Watcher for Transcript<'_> {
    fn begin(&mut self, run: &Run) -> Result<(), Failure> {
        self.last_silent = run.world.last_record();
        let document = run.document();
        let members = document.groups.iter().map(|group| match group.count {
            1 => group.name.clone(),
            count => format!("{count} × {}", group.name),
        });
        self.out.line(members.collect::<Vec<_>>().join(", "))?;
        self.out.line("")
    }

    fn act(&mut self, words: &str, run: &Run) -> Result<(), Failure> {
        self.headline(words, run)
    }

    fn step(&mut self, fresh: &[Record], run: &Run) -> Result<(), Failure> {
        for record in fresh {
            self.accounts.see(record);
            // What a cue does has no cause among the records: the cue is told before it.
            let begins =
                record.cause == RecordId(0) && !matches!(record.what, What::Timer { .. } | What::Written { .. });
            // What is done to a message has its sending for a cause.
            let begins = begins || by_hand(&record.what);
            if begins && self.given < run.given().len() {
                self.cues(run)?;
            }
            self.record(record, &run.world)?;
        }
        self.cues(run)?;
        for broken in run.violations().iter().skip(self.broken) {
            self.out.line(format_args!("{:>11}  ✗ {}: {}", broken.at.to_string(), broken.check, broken.told))?;
        }
        self.broken = run.violations().len();
        Ok(())
    }
}

impl Transcript<'_> {
    fn headline(&mut self, words: &str, run: &Run) -> Result<(), Failure> {
        self.open.clear();
        let now = run.world.now();
        if now < Time(self.arguments.from.0) {
            return Ok(());
        }
        self.out.line(format_args!("{:>11}  ── {words}", now.to_string()))
    }

    fn cues(&mut self, run: &Run) -> Result<(), Failure> {
        let document = run.document().clone();
        for (place, _) in run.given().iter().skip(self.given) {
            let Some(cue) = document.cues.get(*place) else { continue };
            let mut words: Vec<String> = cue.then.iter().map(|act| act.words()).collect();
            if !cue.say.is_empty() {
                // One line, whatever the page makes of it.
                words.push(format!("“{}”", cue.say.replace(['\n', '\t'], " ")));
            }
            self.headline(&words.join(", "), run)?;
        }
        self.given = run.given().len();
        Ok(())
    }

    fn record(&mut self, record: &Record, world: &World) -> Result<(), Failure> {
        let stamp = self.arguments.clocks.then(|| self.clocks.take(record));
        let cause = self.origin(record.cause);
        let show = self.wants(record, world);
        let began = match (&record.what, cause) {
            (What::Timer { name }, _) => name,
            (What::Written { .. }, _) => ON_DISK,
            (_, Some(cause)) => cause.began,
            _ => "",
        };
        let (shown, at) = match cause {
            _ if show => (record.id, record.at),
            Some(cause) => (cause.shown, cause.at),
            None => (RecordId(0), Time::ZERO),
        };
        if self.origins.len() >= MAX_ORIGINS {
            self.origins.pop_front();
        }
        self.origins.push_back(Origin { id: record.id, shown, at, began });
        if !show {
            return Ok(());
        }
        if record.at != self.instant {
            self.instant = record.at;
            self.open.clear();
        }
        let hangs = cause.and_then(|cause| self.open.iter().position(|open| *open == cause.shown));
        self.open.truncate(hangs.map_or(0, |place| place + 1));
        let depth = self.open.len().min(MAX_DEPTH);
        self.open.push(record.id);
        let tail = match cause {
            _ if hangs.is_some() => String::new(),
            Some(cause) if cause.shown != RecordId(0) => {
                format!("  ← #{}, {}", cause.shown.0, span(record.at.since(cause.at)))
            }
            Some(cause) if cause.began == ON_DISK => format!("  ← {ON_DISK}"),
            Some(cause) if !cause.began.is_empty() => format!("  ← timer: {}", cause.began),
            None if record.cause > self.last_silent => format!("  ← #{}", record.cause.0),
            _ => String::new(),
        };
        let times = stamp
            .filter(|_| is_event(&record.what))
            .map_or(String::new(), |stamp| format!("  L {}, V {}", stamp.lamport, stamp.words(world)));
        // What happened before the first line that is wanted is still named as a cause.
        if record.at < Time(self.arguments.from.0) {
            return Ok(());
        }
        self.shown += 1;
        self.out.line(format_args!(
            "{:>11}  {:<7} {:indent$}{}{tail}{times}",
            record.at.to_string(),
            format!("#{}", record.id.0),
            "",
            sentence(record, world),
            indent = depth * 2,
        ))
    }

    fn origin(&self, id: RecordId) -> Option<Origin> {
        let place = self.origins.binary_search_by_key(&id, |origin| origin.id).ok()?;
        self.origins.get(place).copied()
    }

    fn wants(&self, record: &Record, world: &World) -> bool {
        let asked = self.arguments;
        let kind = kind_word(&record.what);
        let kept = if asked.kinds.is_empty() {
            asked.all || !is_routine(&record.what)
        } else {
            asked.kinds.iter().any(|asked| asked == kind)
        };
        kept && (asked.nodes.is_empty()
            || asked.nodes.iter().any(|name| {
                world.is_called(record.node, name) || other(&record.what).is_some_and(|id| world.is_called(id, name))
            }))
    }
}

/// What nobody but a person, a cue or a plan does to a message under way.
fn by_hand(what: &What) -> bool {
    let dropped = matches!(what, What::Lost { why: Why::Dropped, .. });
    dropped || matches!(what, What::Hurried { .. } | What::Delayed { .. } | What::Duplicated { .. })
}

/// What there is so much of that it hides the rest.
fn is_routine(what: &What) -> bool {
    let beats = |message: &Message| message.form() == Form::Beat;
    match what {
        What::Timer { .. } | What::Served { .. } | What::Written { .. } | What::Measure { .. } | What::Wired { .. } => {
            true
        }
        What::Sent { message, .. }
        | What::Duplicated { message, .. }
        | What::Arrived { message, .. }
        | What::Lost { message, .. } => beats(message),
        _ => false,
    }
}

/// The other node that a record is about.
fn other(what: &What) -> Option<NodeId> {
    match what {
        What::Sent { to, .. }
        | What::Duplicated { to, .. }
        | What::Hurried { to, .. }
        | What::Delayed { to, .. }
        | What::Lost { to, .. } => Some(*to),
        What::Arrived { from, .. } | What::Served { from, .. } | What::Spoilt { from, .. } => Some(*from),
        other => other.link_to(),
    }
}
