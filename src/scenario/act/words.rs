//! What an act is called: for the log, the tape and the transcript.

use crate::sim::{Dist, Plain};

use super::Act;

impl Act {
    /// For the log and the tape: `kill sender-1`.
    pub fn words(&self) -> String {
        let way = |one_way: &bool| if *one_way { " one way" } else { "" };
        match self {
            Act::Add { what, name } => format!("add {}", name.as_ref().unwrap_or(what)),
            Act::Remove { node } => format!("remove {node}"),
            Act::Kill { node, disk: false } => format!("kill {node}"),
            Act::Kill { node, disk: true } => format!("kill {node} and lose its disk"),
            Act::Restart { node } => format!("restart {node}"),
            Act::Pause { node } => format!("pause {node}"),
            Act::Resume { node } => format!("resume {node}"),
            Act::Slow { node, factor } => format!("slow {node} ×{}", Plain(*factor)),
            Act::Clock { node, ahead, behind, drift } => {
                let mut words = format!("set the clock of {node}");
                words.extend(ahead.map(|span| format!(", {span} ahead")));
                words.extend(behind.map(|span| format!(", {span} behind")));
                words.extend(drift.map(|drift| format!(", drift {} ppm", Plain(drift))));
                words
            }
            Act::Disk { node, latency, full, sync } => {
                let mut words = format!("disk of {node}");
                words.extend(latency.as_ref().map(|law| format!(", {law} a write")));
                words.extend(full.map(|full| if full { ", full" } else { ", not full" }));
                words.extend(
                    sync.map(|sync| if sync { ", keeps what it confirms" } else { ", loses what it confirms" }),
                );
                words
            }
            Act::Lie { node, share: 0.0, .. } => format!("{node} is honest"),
            Act::Lie { node, share, spoil } => {
                format!("{node} {} {} of its work", if *spoil { "spoils" } else { "loses" }, Plain(*share))
            }
            Act::Cores { node, count } => format!("{node}: {count} cores"),
            Act::Partition { sides } => {
                let sides: Vec<String> = sides.iter().map(|side| side.join(", ")).collect();
                format!("partition {}", sides.join(" | "))
            }
            Act::Isolate { node } => format!("isolate {node}"),
            Act::Rejoin { node } => format!("rejoin {node}"),
            Act::HealAll {} => "heal all links".to_owned(),
            Act::Wire { between: (a, b) } => format!("wire {a} to {b}"),
            Act::Unwire { between: (a, b) } => format!("unwire {a} from {b}"),
            Act::Cut { between: (a, b), one_way } => format!("cut {a} from {b}{}", way(one_way)),
            Act::Heal { between: (a, b), one_way } => format!("heal {a} to {b}{}", way(one_way)),
            Act::Hold { between: (a, b), one_way } => format!("hold {a} to {b}{}", way(one_way)),
            Act::Release { between: (a, b), one_way } => format!("release {a} to {b}{}", way(one_way)),
            Act::Link { between: (a, b), delay, loss, duplicate, reorder, detour, bandwidth, queue } => {
                let mut words = format!("link {a} to {b}");
                let mut say = |what: &str, value: Option<String>| {
                    words.extend(value.map(|value| format!(", {what} {value}")));
                };
                let share = |share: &Option<f64>| share.map(|share| Plain(share).to_string());
                say("delay", delay.as_ref().map(Dist::to_string));
                say("loss", share(loss));
                say("duplicate", share(duplicate));
                say("reorder", share(reorder));
                say("detour", detour.as_ref().map(Dist::to_string));
                say("bandwidth", bandwidth.map(|bytes| bytes.to_string()));
                say("queue", queue.map(|bytes| bytes.to_string()));
                words
            }
            Act::Drop { message } => format!("drop #{message}"),
            Act::Hurry { message } => format!("hurry #{message}"),
            Act::Delay { message, by } => format!("delay #{message} by {by}"),
            Act::Duplicate { message } => format!("duplicate #{message}"),
            Act::Set { node, field, value } => format!("set {field} of {node} to {value}"),
            Act::Dial { dial, value } => format!("turn {dial} to {value}"),
        }
    }
}
