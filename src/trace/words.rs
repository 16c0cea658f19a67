//! A record in words: for the log, the transcript and the tape.

use crate::components::{Fact, Message, Record, Step, What, World};
use crate::protocols::Family;
use crate::protocols::queue::label;
use crate::sim::{Micros, Payload, Plain, clock};

/// The word by which conditions name a record's kind; facts have their own.
pub fn kind_word(what: &What) -> &'static str {
    match what {
        What::Placed => "placed",
        What::Booted => "booted",
        What::Crashed { .. } => "crashed",
        What::Restarted => "restarted",
        What::Paused => "paused",
        What::Resumed => "resumed",
        What::Slowed { .. } => "slowed",
        What::Changed(change) => change.word(),
        What::Removed => "removed",
        What::Wired { .. } => "wired",
        What::Unwired { .. } => "unwired",
        What::Cut { .. } => "cut",
        What::Healed { .. } => "healed",
        What::Held { .. } => "held",
        What::Released { .. } => "released",
        What::Relinked { .. } => "relinked",
        What::Dialled { .. } => "dialled",
        What::Sent { .. } => "sent",
        What::Duplicated { .. } => "duplicated",
        What::Hurried { .. } => "hurried",
        What::Delayed { .. } => "delayed",
        What::Arrived { .. } => "arrived",
        What::Served { .. } => "served",
        What::Lost { .. } => "lost",
        What::Timer { .. } => "timer",
        What::Written { .. } => "written",
        What::Unwritten { .. } => "unwritten",
        What::Unsynced { .. } => "unsynced",
        What::Spoilt { .. } => "spoilt",
        What::Fact(fact) => fact.name(),
        What::Note(_) => "note",
        What::Measure { .. } => "measured",
    }
}

fn said(message: &Message) -> String {
    let summary = message.summary();
    if summary.is_empty() { message.name().to_owned() } else { format!("{} {summary}", message.name()) }
}

/// Every kind's word that a condition may name.
pub const KIND_WORDS: &[&str] = &[
    "placed",
    "booted",
    "crashed",
    "restarted",
    "paused",
    "resumed",
    "slowed",
    "clock-set",
    "disk-changed",
    "disk-full",
    "disk-freed",
    "sync-lost",
    "sync-kept",
    "lying",
    "honest",
    "scaled",
    "removed",
    "wired",
    "unwired",
    "cut",
    "healed",
    "held",
    "released",
    "relinked",
    "dialled",
    "sent",
    "duplicated",
    "hurried",
    "delayed",
    "arrived",
    "served",
    "lost",
    "timer",
    "written",
    "unwritten",
    "unsynced",
    "spoilt",
    "note",
    "measured",
];

/// What happens all the time and says little.
pub fn is_routine(what: &What) -> bool {
    matches!(
        what,
        What::Timer { .. }
            | What::Measure { .. }
            | What::Written { .. }
            | What::Served { .. }
            | What::Wired { .. }
            | What::Unwired { .. }
            | What::Placed
    )
}

/// Whether it belongs to the story of a run: what broke, was lost, was noticed and was done.
pub fn is_telling(what: &What) -> bool {
    match what {
        What::Sent { .. } | What::Duplicated { .. } | What::Arrived { .. } => false,
        What::Fact(fact) => TELLING.contains(&fact.name()),
        // Heartbeats that nobody answers would bury what comes of them.
        What::Lost { message, .. } => message.family() != Family::Control,
        _ => !is_routine(what),
    }
}

/// The facts that belong to the story.
const TELLING: [&str; 12] = [
    "suspected",
    "declared",
    "refuted",
    "replacing",
    "sold",
    "turned-away",
    "diagnosed",
    "ended",
    "rolled-out",
    "taken-back",
    "rightly-blamed",
    "wrongly-blamed",
];

/// Whether what a timer of this name brings about is something said before, said again.
pub fn says_again(timer: &str) -> bool {
    timer.ends_with("again") || matches!(timer, "retry" | "hedge" | "backoff" | "unanswered" | "time-out")
}

/// One line: who did what, without the time.
pub fn sentence(record: &Record, world: &World) -> String {
    match &record.what {
        // All that there is to tell while nothing is wrong; the rest of the words need not come with the page.
        What::Note(line) => format!("{}: {}", world.name(record.node), world.named(line)),
        _ => told(record, world),
    }
}

#[inline(never)]
fn told(record: &Record, world: &World) -> String {
    let me = world.name(record.node);
    let name = |id| world.name(id);
    match &record.what {
        What::Placed => format!("{me} is placed"),
        What::Booted => format!("{me} is up"),
        What::Crashed { disk_lost: false } => format!("{me} crashed"),
        What::Crashed { disk_lost: true } => format!("{me} crashed and lost its disk"),
        What::Restarted => format!("{me} restarts"),
        What::Paused => format!("{me} is paused"),
        What::Resumed => format!("{me} runs on"),
        What::Slowed { permille: 1000 } => format!("{me} has its usual speed again"),
        What::Slowed { permille } => format!("{me} takes {} times as long", Plain(f64::from(*permille) / 1000.0)),
        What::Changed(change) => format!("{me} {}", change.sentence()),
        What::Removed => format!("{me} is gone for good"),
        What::Wired { to } => format!("{me} is wired to {}", name(*to)),
        What::Unwired { to } => format!("{me} is no longer wired to {}", name(*to)),
        What::Cut { to } => format!("the link {me} → {} is cut", name(*to)),
        What::Healed { to } => format!("the link {me} → {} works again", name(*to)),
        What::Held { to } => format!("the link {me} → {} holds its messages", name(*to)),
        What::Released { to } => format!("the link {me} → {} lets its messages go", name(*to)),
        What::Relinked { to } => format!("the link {me} → {} has changed", name(*to)),
        What::Dialled { field, value } => format!("{field} of {me} is now {value}"),
        What::Sent { to, message, .. } => format!("{me} → {} {}", name(*to), world.named(&said(message))),
        What::Duplicated { to, message, .. } => {
            format!("{me} → {} {}, a second time", name(*to), world.named(&said(message)))
        }
        What::Hurried { to, name: message } => format!("hurried: {me} → {} {message}", name(*to)),
        What::Delayed { to, name: message, due } => {
            format!("delayed: {me} → {} {message}, now due at {}", name(*to), clock(*due))
        }
        What::Arrived { from, message, waiting: 0 } => {
            format!("{me} ← {} {}", name(*from), world.named(&said(message)))
        }
        What::Arrived { from, message, waiting } => {
            format!("{me} ← {} {}, behind {waiting} others", name(*from), world.named(&said(message)))
        }
        What::Served { from, name: message, waited, took } => {
            format!("{me} served {message} of {} in {took}, after {waited} in the queue", name(*from))
        }
        What::Lost { to, message, why } => {
            format!("lost: {me} → {} {}: {}", name(*to), world.named(&said(message)), why.sentence(name(*to)))
        }
        What::Timer { name } => format!("{me} timer: {name}"),
        What::Written { .. } => format!("{me} has it on disk"),
        What::Unwritten { full: true } => format!("{me} could not write: its disk is full"),
        What::Unwritten { full: false } => format!("{me} could not write: a write before it has failed"),
        What::Unsynced { writes: 1 } => format!("{me} lost 1 write that its disk had confirmed"),
        What::Unsynced { writes } => format!("{me} lost {writes} writes that its disk had confirmed"),
        What::Spoilt { from, name: message } => format!("{me} spoils {message} of {}", name(*from)),
        What::Note(line) => format!("{me}: {}", world.named(line)),
        What::Measure { name, value } => format!("{me} measured {name} {}", Micros(*value)),
        What::Fact(fact) => fact_sentence(fact, me, world),
    }
}

fn fact_sentence(fact: &Fact, me: &str, world: &World) -> String {
    match fact {
        Fact::Accepted { text, conversation, .. } => {
            format!("{me} was told that “{text}” is safe, in conversation {conversation}")
        }
        Fact::Stored { place, conversation, .. } => {
            format!("{me} has place {place} of conversation {conversation} safe")
        }
        Fact::Joined { conversation, place } => format!("{me} joins conversation {conversation} after place {place}"),
        Fact::Shown { text, conversation, place, .. } => {
            format!("{me} shows “{text}”, place {place} of conversation {conversation}")
        }
        Fact::Operation { step, op, key, value, result, .. } => {
            let key = key.map_or(String::new(), |key| format!(" {key}"));
            let value = value.as_ref().map_or(String::new(), |value| format!(" {value}"));
            match (step, result) {
                (Step::Invoke, _) => format!("{me} calls {op}{key}{value}"),
                (Step::Ok, Some(false)) => format!("{me}: {op}{key}{value} is answered: no"),
                (Step::Ok, _) => format!("{me}: {op}{key}{value} is answered"),
                (Step::Fail, _) => format!("{me}: {op}{key}{value} did not happen"),
                (Step::Info, _) => format!("{me} does not know what became of {op}{key}{value}"),
            }
        }
        Fact::Kept { key, told, .. } => format!("{me} has {told} under key {key}"),
        Fact::Serves { view, .. } => format!("{me} begins to serve in view {view}"),
        Fact::Answered { view, key, written: Some((_, position)) } => {
            format!("{me} answers in view {view}: write {position}, under key {key}, is safe")
        }
        Fact::Answered { view, key, written: None } => format!("{me} answers in view {view}, of key {key}"),
        Fact::Updated { number, update, .. } => format!("{me}, update {number}: {update}"),
        Fact::Merged { seen, shown, .. } => {
            let of = seen.iter().map(|(node, count)| format!("{count} of {}", world.name(*node)));
            let set = shown.set.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
            let register = shown.register.map_or(String::new(), |value| format!(", register {value}"));
            let of = of.collect::<Vec<_>>().join(", ");
            format!("{me} has {of}: counter {}, stock {}, set {{{set}}}{register}", shown.counter, shown.stock)
        }
        Fact::Suspected { node } => format!("{me} takes {} for dead", world.name(*node)),
        Fact::Copied { from } => format!("{me} has a copy of everything that {} has", world.name(*from)),
        Fact::Lease(told) => format!("{me} {}", world.named(&told.sentence())),
        Fact::Vote(told) => format!("{me} {}", world.named(&told.sentence())),
        Fact::General(told) => format!("{me} {}", world.named(&told.sentence())),
        Fact::Network(told) => format!("{me} {}", world.named(&told.sentence())),
        Fact::Rumour(told) => format!("{me} {}", world.named(&told.sentence())),
        Fact::Operations(told) => format!("{me} {}", world.named(&told.sentence())),
        Fact::Books(ledger) => {
            let holds = crate::protocols::physiology::SUBSTANCES.map(|what| (what.word(), ledger.holds.get(what)));
            let holds = holds.map(|(word, much)| format!("{} of {word}", much / 1_000));
            format!("{me} holds {}", holds.join(", "))
        }
        Fact::Player(told) => format!("{me} {}", world.named(&told.sentence())),
        Fact::Flight(told) => format!("{me} {}", told.sentence()),
        Fact::Telephone(told) => format!("{me} {}", world.named(&told.sentence())),
        Fact::Cellular(told) => format!("{me} {}", world.named(&told.sentence())),
        Fact::Transaction(told) => format!("{me} {}", world.named(&told.sentence())),
        Fact::Paxos(told) => format!("{me} {}", world.named(&told.sentence())),
        Fact::Chain(told) => format!("{me} {}", world.named(&told.sentence())),
        Fact::Saga(told) => format!("{me} {}", world.named(&told.sentence())),
        Fact::Log(told) => format!("{me} {}", world.named(&told.sentence())),
        Fact::Elected { term } => format!("{me} is elected in term {term}"),
        Fact::Appended { index, entries, .. } => {
            let last = index + (entries.len() as u64).saturating_sub(1);
            let terms = entries.iter().map(|(term, _)| term.to_string()).collect::<Vec<_>>().join(", ");
            match *index == last {
                true => format!("{me} has entry {index} in its log, of term {terms}"),
                false => format!("{me} has entries {index} to {last} in its log, of terms {terms}"),
            }
        }
        Fact::Restored { index, entries, .. } => {
            format!("{me} has a log of {} entries after {index}", entries.len())
        }
        Fact::Applied { index, .. } => format!("{me} has applied everything up to entry {index}"),
        Fact::Enqueued { item } => format!("{me} has {} safe", world.named(&label(*item))),
        Fact::Worked { item } => format!("{me}: {} takes effect", world.named(&label(*item))),
        Fact::Replacing { node } => format!("{me} has a replacement started for {}", world.name(*node)),
        Fact::Listed { nodes } => format!("{me} begins with {} others on its list", nodes.len()),
        Fact::Believes { node, standing, incarnation, from } => {
            let told = format!("{} {} in incarnation {incarnation}", world.name(*node), standing.word());
            match from {
                Some(from) => format!("{me} hears of {}: {told}", world.name(*from)),
                None => format!("{me} finds {told}"),
            }
        }
        Fact::Incarnated { incarnation } => format!("{me} is alive in incarnation {incarnation}"),
    }
}
