//! The readable form: words separated by `.`, whose parts are separated by `~`.

use crate::scenario::Act;
use crate::sim::{Dist, Micros, Time, nearest_hint};
use crate::timeline::{Cursor, Stamped};

use super::letters::{number, read_number, read_span, read_text, read_value, text, value};
use super::{Fault, LinkError, Parts, Said, VERSION, clean};

/// Every word and how it is written.
const FORMS: &[(&str, &str)] = &[
    ("r", "r~REVISION"),
    ("e", "e~ENGINE"),
    ("seed", "seed~HEX"),
    ("with", "with~DIAL~VALUE"),
    ("at", "at~TIME or at~TIME~STEPS"),
    ("d", "d~DIGEST, sixteen hexadecimal digits"),
    ("speed", "speed~NUMBER"),
    ("pick", "pick~NAME"),
    ("play", "play"),
    ("still", "still"),
    ("move", "move~NAME~X~Y"),
    ("add", "add~WHAT~TIME or add~WHAT~NAME~TIME"),
    ("remove", "remove~NODE~TIME"),
    ("kill", "kill~NODE~TIME or kill~NODE~disk~TIME"),
    ("restart", "restart~NODE~TIME"),
    ("pause", "pause~NODE~TIME"),
    ("resume", "resume~NODE~TIME"),
    ("slow", "slow~NODE~FACTOR~TIME"),
    ("wire", "wire~NODE~NODE~TIME"),
    ("unwire", "unwire~NODE~NODE~TIME"),
    ("cut", "cut~NODE~NODE~TIME or cut~NODE~NODE~oneway~TIME"),
    ("heal", "heal~NODE~NODE~TIME or heal~NODE~NODE~oneway~TIME"),
    ("hold", "hold~NODE~NODE~TIME or hold~NODE~NODE~oneway~TIME"),
    ("release", "release~NODE~NODE~TIME or release~NODE~NODE~oneway~TIME"),
    (
        "link",
        "link~NODE~NODE~loss~NUMBER~TIME, with constant~SPAN, uniform~SPAN~SPAN, exponential~SPAN or lognormal~SPAN~SPAN before loss or in its place",
    ),
    ("set", "set~NODE~FIELD~VALUE~TIME"),
    ("dial", "dial~NAME~VALUE~TIME"),
];

/// The link up to its checksum.
pub(super) fn write(name: &str, parts: &Parts) -> String {
    let mut link = format!("{VERSION}~{name}");
    let mut word = |parts: &[&str]| {
        for (place, part) in parts.iter().enumerate() {
            link.push(if place == 0 { '.' } else { '~' });
            link.push_str(part);
        }
    };
    for (name, count) in [("r", parts.revision), ("e", parts.engine)] {
        if let Some(count) = count {
            word(&[name, &count.to_string()]);
        }
    }
    if let Some(seed) = parts.seed {
        word(&["seed", &format!("{seed:x}")]);
    }
    for (dial, to) in &parts.with {
        word(&["with", &text(dial), &value(to)]);
    }
    for stamped in &parts.acts {
        let act = write_act(&stamped.act);
        let mut act: Vec<&str> = act.iter().map(String::as_str).collect();
        let at = Micros(stamped.at.0).to_string();
        act.push(&at);
        word(&act);
    }
    if let Some(Cursor { at, steps }) = parts.cursor {
        let (at, steps) = (Micros(at.0).to_string(), steps.map(|steps| steps.to_string()));
        match &steps {
            Some(steps) => word(&["at", &at, steps]),
            None => word(&["at", &at]),
        }
    }
    if let Some(speed) = parts.speed {
        word(&["speed", &number(speed)]);
    }
    if let Some(selection) = &parts.selection {
        word(&["pick", &text(selection)]);
    }
    if let Some(playing) = parts.playing {
        word(&[if playing { "play" } else { "still" }]);
    }
    for (name, (x, y)) in &parts.moved {
        word(&["move", &text(name), &x.to_string(), &y.to_string()]);
    }
    if let Some(digest) = parts.digest {
        word(&["d", &format!("{digest:016x}")]);
    }
    link
}

fn write_act(act: &Act) -> Vec<String> {
    let word = |verb: &str, texts: &[&String]| -> Vec<String> {
        std::iter::once(verb.to_owned()).chain(texts.iter().map(|part| text(part))).collect()
    };
    let and = |mut word: Vec<String>, said: bool, flag: &str| {
        word.extend(said.then(|| flag.to_owned()));
        word
    };
    match act {
        Act::Add { what, name: None } => word("add", &[what]),
        Act::Add { what, name: Some(name) } => word("add", &[what, name]),
        Act::Remove { node } => word("remove", &[node]),
        Act::Kill { node, disk } => and(word("kill", &[node]), *disk, "disk"),
        Act::Restart { node } => word("restart", &[node]),
        Act::Pause { node } => word("pause", &[node]),
        Act::Resume { node } => word("resume", &[node]),
        Act::Slow { node, factor } => and(word("slow", &[node]), true, &number(*factor)),
        Act::Wire { between: (a, b) } => word("wire", &[a, b]),
        Act::Unwire { between: (a, b) } => word("unwire", &[a, b]),
        Act::Cut { between: (a, b), one_way } => and(word("cut", &[a, b]), *one_way, "oneway"),
        Act::Heal { between: (a, b), one_way } => and(word("heal", &[a, b]), *one_way, "oneway"),
        Act::Hold { between: (a, b), one_way } => and(word("hold", &[a, b]), *one_way, "oneway"),
        Act::Release { between: (a, b), one_way } => and(word("release", &[a, b]), *one_way, "oneway"),
        Act::Link { between: (a, b), delay, loss } => {
            let mut word = word("link", &[a, b]);
            let law = |law: &str, spans: &[Micros]| {
                std::iter::once(law.to_owned()).chain(spans.iter().map(Micros::to_string)).collect::<Vec<_>>()
            };
            word.extend(match *delay {
                None => Vec::new(),
                Some(Dist::Constant(span)) => law("constant", &[span]),
                Some(Dist::Uniform { min, max }) => law("uniform", &[min, max]),
                Some(Dist::Exponential { mean }) => law("exponential", &[mean]),
                Some(Dist::Lognormal { median, p99 }) => law("lognormal", &[median, p99]),
            });
            word.extend(loss.iter().flat_map(|loss| ["loss".to_owned(), number(*loss)]));
            word
        }
        Act::Set { node, field, value: to } => and(word("set", &[node, field]), true, &value(to)),
        Act::Dial { dial, value: to } => and(word("dial", &[dial]), true, &value(to)),
    }
}

/// `NAME.WORD.WORD…`
pub(super) fn read(content: &str) -> Result<Said, LinkError> {
    let mut words = content.split('.');
    let name = words.next().unwrap_or_default();
    let mut parts = Parts::default();
    for word in words {
        read_word(word, &mut parts).ok_or_else(|| wrong(word))?;
    }
    Ok((name.to_owned(), parts))
}

fn wrong(word: &str) -> LinkError {
    let verb = word.split('~').next().unwrap_or_default();
    let told = match FORMS.iter().find(|(known, _)| *known == verb) {
        Some((_, form)) => format!("This link says \"{}\"; expected {form}, once.", clean(word)),
        None => {
            let hint = nearest_hint(verb, FORMS.iter().map(|(known, _)| *known));
            format!("This link says \"{}\", but there is no word \"{}\"{hint}", clean(word), clean(verb))
        }
    };
    LinkError::new(Fault::Word, format!("{told} (docs/link.md describes every word.)"))
}

/// Takes in one word; `None` where it says nothing, or something a second time.
fn read_word(word: &str, parts: &mut Parts) -> Option<()> {
    let word: Vec<&str> = word.split('~').collect();
    let hex = |text: &str| u64::from_str_radix(text, 16).ok().filter(|_| !text.starts_with('+'));
    let whole = |text: &str| text.parse().ok().filter(|_| !text.starts_with('+'));
    match word[..] {
        ["r", count] => once(&mut parts.revision, count.parse().ok()),
        ["e", count] => once(&mut parts.engine, count.parse().ok()),
        ["seed", seed] => once(&mut parts.seed, hex(seed)),
        ["with", dial, to] => {
            parts.with.push((read_text(dial)?, read_value(to)?));
            Some(())
        }
        ["at", at] => once(&mut parts.cursor, read_span(at).map(|at| Cursor { at: Time(at.0), steps: None })),
        ["at", at, steps] => {
            let steps = Some(whole(steps)?);
            once(&mut parts.cursor, read_span(at).map(|at| Cursor { at: Time(at.0), steps }))
        }
        ["d", digest] if digest.len() == 16 => once(&mut parts.digest, hex(digest)),
        ["speed", speed] => once(&mut parts.speed, read_number(speed)),
        ["pick", name] => once(&mut parts.selection, read_text(name)),
        ["play"] => once(&mut parts.playing, Some(true)),
        ["still"] => once(&mut parts.playing, Some(false)),
        ["move", name, x, y] => {
            parts.moved.insert(read_text(name)?, (x.parse().ok()?, y.parse().ok()?)).is_none().then_some(())
        }
        [verb, ref args @ .., at] => {
            let at = Time(read_span(at)?.0);
            parts.acts.push(Stamped { at, act: read_act(verb, args)? });
            Some(())
        }
        _ => None,
    }
}

/// Fills a place that must be empty with something that must be there.
fn once<T>(place: &mut Option<T>, value: Option<T>) -> Option<()> {
    if place.is_some() || value.is_none() {
        return None;
    }
    *place = value;
    Some(())
}

fn read_act(verb: &str, args: &[&str]) -> Option<Act> {
    let node = |name: &str| read_text(name);
    let pair = |a: &str, b: &str| Some((read_text(a)?, read_text(b)?));
    Some(match (verb, args) {
        ("add", [what]) => Act::Add { what: node(what)?, name: None },
        ("add", [what, name]) => Act::Add { what: node(what)?, name: Some(node(name)?) },
        ("remove", [name]) => Act::Remove { node: node(name)? },
        ("kill", [name]) => Act::Kill { node: node(name)?, disk: false },
        ("kill", [name, "disk"]) => Act::Kill { node: node(name)?, disk: true },
        ("restart", [name]) => Act::Restart { node: node(name)? },
        ("pause", [name]) => Act::Pause { node: node(name)? },
        ("resume", [name]) => Act::Resume { node: node(name)? },
        ("slow", [name, factor]) => Act::Slow { node: node(name)?, factor: read_number(factor)? },
        ("wire", [a, b]) => Act::Wire { between: pair(a, b)? },
        ("unwire", [a, b]) => Act::Unwire { between: pair(a, b)? },
        ("cut" | "heal" | "hold" | "release", [a, b, way @ ..]) => {
            let between = pair(a, b)?;
            let one_way = match way {
                [] => false,
                ["oneway"] => true,
                _ => return None,
            };
            match verb {
                "cut" => Act::Cut { between, one_way },
                "heal" => Act::Heal { between, one_way },
                "hold" => Act::Hold { between, one_way },
                _ => Act::Release { between, one_way },
            }
        }
        ("link", [a, b, rest @ ..]) => {
            let (delay, rest) = match rest {
                ["constant", span, rest @ ..] => (Some(Dist::Constant(read_span(span)?)), rest),
                ["uniform", min, max, rest @ ..] => {
                    (Some(Dist::Uniform { min: read_span(min)?, max: read_span(max)? }), rest)
                }
                ["exponential", mean, rest @ ..] => (Some(Dist::Exponential { mean: read_span(mean)? }), rest),
                ["lognormal", median, p99, rest @ ..] => {
                    (Some(Dist::Lognormal { median: read_span(median)?, p99: read_span(p99)? }), rest)
                }
                _ => (None, rest),
            };
            let loss = match rest {
                [] => None,
                ["loss", loss] => Some(read_number(loss)?),
                _ => return None,
            };
            Act::Link { between: pair(a, b)?, delay, loss }
        }
        ("set", [name, field, to]) => Act::Set { node: node(name)?, field: read_text(field)?, value: read_value(to)? },
        ("dial", [dial, to]) => Act::Dial { dial: read_text(dial)?, value: read_value(to)? },
        _ => return None,
    })
}
