//! The readable form: words separated by `.`, whose parts are separated by `~`.

use crate::scenario::{Act, Layout, Tree, schema};
use crate::sim::{Choice, Dist, Micros, Plain, Time, Value, nearest_hint};
use crate::timeline::{Cursor, Stamped};

use super::letters::{number, read_number, read_span, read_text, read_value, text, value};
use super::{Fault, LinkError, MAX_MOVED, Parts, Said, VERSION, clean};

/// Every word and how it is written.
const FORMS: &[(&str, &str)] = &[
    ("r", "r~REVISION"),
    ("e", "e~ENGINE"),
    ("seed", "seed~HEX"),
    ("with", "with~DIAL~VALUE"),
    ("at", "at~TIME or at~TIME~STEPS"),
    ("d", "d~DIGEST, sixteen hexadecimal digits"),
    ("speed", "speed~NUMBER"),
    ("pick", "pick~NAME, or pick~NAME~NAME for what links two"),
    ("message", "message~NUMBER, the number of the record of its sending"),
    ("view", "view~NAME, of space-time, log, trace and charts"),
    ("step", "step~NUMBER, from 1 on"),
    ("play", "play"),
    ("still", "still"),
    ("layout", "layout~WORD, as a scenario has it"),
    ("move", "move~NAME~X~Y"),
    ("add", "add~WHAT~TIME or add~WHAT~NAME~TIME"),
    ("remove", "remove~NODE~TIME"),
    ("kill", "kill~NODE~TIME or kill~NODE~disk~TIME"),
    ("restart", "restart~NODE~TIME"),
    ("pause", "pause~NODE~TIME"),
    ("resume", "resume~NODE~TIME"),
    ("slow", "slow~NODE~FACTOR~TIME"),
    ("clock", "clock~NODE~ahead~SPAN~TIME, with behind~SPAN in the place of ahead or drift~NUMBER after it"),
    ("disk", "disk~NODE~latency~LAW~full~true~sync~false~TIME, or some of these in this order"),
    ("lie", "lie~NODE~SHARE~TIME or lie~NODE~SHARE~spoil~TIME"),
    ("cores", "cores~NODE~NUMBER~TIME"),
    ("partition", "partition~NODE~…~_~NODE~…~TIME, with _ between the sides"),
    ("isolate", "isolate~NODE~TIME"),
    ("rejoin", "rejoin~NODE~TIME"),
    ("heal-all", "heal-all~TIME"),
    ("wire", "wire~NODE~NODE~TIME"),
    ("unwire", "unwire~NODE~NODE~TIME"),
    ("cut", "cut~NODE~NODE~TIME or cut~NODE~NODE~oneway~TIME"),
    ("heal", "heal~NODE~NODE~TIME or heal~NODE~NODE~oneway~TIME"),
    ("hold", "hold~NODE~NODE~TIME or hold~NODE~NODE~oneway~TIME"),
    ("release", "release~NODE~NODE~TIME or release~NODE~NODE~oneway~TIME"),
    (
        "link",
        "link~NODE~NODE~loss~NUMBER~TIME, with constant~SPAN, uniform~SPAN~SPAN, exponential~SPAN, lognormal~SPAN~SPAN or empirical~SPAN~SPAN~… before loss or in its place, and duplicate~NUMBER, reorder~NUMBER, detour~LAW, bandwidth~NUMBER, queue~NUMBER after it, in this order",
    ),
    ("drop", "drop~MESSAGE~TIME, where MESSAGE is the number of the record of its sending"),
    ("hurry", "hurry~MESSAGE~TIME"),
    ("delay", "delay~MESSAGE~SPAN~TIME"),
    ("duplicate", "duplicate~MESSAGE~TIME"),
    ("set", "set~NODE~FIELD~VALUE~TIME"),
    ("dial", "dial~NAME~VALUE~TIME"),
];

/// What stands after the verb of an act, and which field of the act it comes to.
enum Part {
    /// A text.
    Text(&'static str),
    /// A text that may be left out.
    More(&'static str),
    /// Two texts: what it is between.
    Pair,
    /// A word that stands there or does not.
    Flag(&'static str, &'static str),
    /// A number.
    Number(&'static str),
    /// A length of time.
    Span(&'static str),
    /// Names, and [`BETWEEN`] between the sides.
    Sides,
    /// What something is set to.
    Value,
    /// The name of a law and its spans, or nothing.
    Law,
    /// The field's own name and what belongs to it, or nothing.
    Key(&'static str, Inner),
}

/// What stands between two sides: the empty text, which is nobody's name.
const BETWEEN: &str = "_";

/// What stands after the name of a field.
enum Inner {
    Flag,
    Span,
    Number,
    Law,
}

impl Part {
    fn field(&self) -> &'static str {
        match self {
            Part::Text(field)
            | Part::More(field)
            | Part::Flag(field, _)
            | Part::Number(field)
            | Part::Span(field)
            | Part::Key(field, _) => field,
            Part::Pair => "between",
            Part::Sides => "sides",
            Part::Value => "value",
            Part::Law => "delay",
        }
    }
}

const NODE: Part = Part::Text("node");
const MESSAGE: Part = Part::Number("message");
const ONE_WAY: Part = Part::Flag("one_way", "oneway");

/// Every act and what stands after its verb, but for the time at the end.
const ACTS: &[(&str, &[Part])] = &[
    ("add", &[Part::Text("what"), Part::More("name")]),
    ("remove", &[NODE]),
    ("kill", &[NODE, Part::Flag("disk", "disk")]),
    ("restart", &[NODE]),
    ("pause", &[NODE]),
    ("resume", &[NODE]),
    ("slow", &[NODE, Part::Number("factor")]),
    (
        "clock",
        &[NODE, Part::Key("ahead", Inner::Span), Part::Key("behind", Inner::Span), Part::Key("drift", Inner::Number)],
    ),
    ("disk", &[NODE, Part::Key("latency", Inner::Law), Part::Key("full", Inner::Flag), Part::Key("sync", Inner::Flag)]),
    ("lie", &[NODE, Part::Number("share"), Part::Flag("spoil", "spoil")]),
    ("cores", &[NODE, Part::Number("count")]),
    ("partition", &[Part::Sides]),
    ("isolate", &[NODE]),
    ("rejoin", &[NODE]),
    ("heal-all", &[]),
    ("wire", &[Part::Pair]),
    ("unwire", &[Part::Pair]),
    ("cut", &[Part::Pair, ONE_WAY]),
    ("heal", &[Part::Pair, ONE_WAY]),
    ("hold", &[Part::Pair, ONE_WAY]),
    ("release", &[Part::Pair, ONE_WAY]),
    (
        "link",
        &[
            Part::Pair,
            Part::Law,
            Part::Key("loss", Inner::Number),
            Part::Key("duplicate", Inner::Number),
            Part::Key("reorder", Inner::Number),
            Part::Key("detour", Inner::Law),
            Part::Key("bandwidth", Inner::Number),
            Part::Key("queue", Inner::Number),
        ],
    ),
    ("drop", &[MESSAGE]),
    ("hurry", &[MESSAGE]),
    ("delay", &[MESSAGE, Part::Span("by")]),
    ("duplicate", &[MESSAGE]),
    ("set", &[NODE, Part::Text("field"), Part::Value]),
    ("dial", &[Part::Text("dial"), Part::Value]),
];

/// Every law of spans alone, and the fields of these; none where the law is one span, or a list of them. An act with
/// another law makes a packed link.
const LAWS: &[(&str, &[&str])] = &[
    ("constant", &[]),
    ("uniform", &["min", "max"]),
    ("exponential", &["mean"]),
    ("lognormal", &["median", "p99"]),
    (LIST, &[]),
];
/// The law that is a list of spans.
const LIST: &str = "empirical";

fn parts_of(verb: &str) -> Option<&'static [Part]> {
    ACTS.iter().find(|(known, _)| *known == verb).map(|(_, parts)| *parts)
}

/// Whether all of it has words in this form.
pub(super) fn can_tell(acts: &[Stamped]) -> bool {
    let known = |law: &Dist| {
        let Ok(Tree::Fields(law)) = Tree::from_json(&schema::json(law)) else { return false };
        law.iter().all(|(word, _)| LAWS.iter().any(|(known, _)| known == word))
    };
    acts.iter().all(|stamped| match &stamped.act {
        Act::Link { delay, detour, .. } => delay.iter().chain(detour).all(known),
        _ => true,
    })
}

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
    if let Some((from, to)) = &parts.between {
        word(&["pick", &text(from), &text(to)]);
    }
    if let Some(message) = parts.message {
        word(&["message", &message.to_string()]);
    }
    for view in &parts.views {
        word(&["view", &text(view)]);
    }
    if let Some(step) = parts.step {
        word(&["step", &step.to_string()]);
    }
    if let Some(playing) = parts.playing {
        word(&[if playing { "play" } else { "still" }]);
    }
    if let Some(layout) = parts.layout {
        word(&["layout", Layout::WORDS[layout.index()]]);
    }
    for (name, (x, y)) in parts.moved.iter() {
        word(&["move", &text(name), &x.to_string(), &y.to_string()]);
    }
    if let Some(digest) = parts.digest {
        word(&["d", &format!("{digest:016x}")]);
    }
    link
}

/// The words of an act but for its time: the act as documents have it, in the order of [`ACTS`].
fn write_act(act: &Act) -> Vec<String> {
    // What was just written can be read, and every act has its line in the table.
    let Ok(Tree::Fields(act)) = Tree::from_json(&schema::json(act)) else { return Vec::new() };
    let [(verb, Tree::Fields(fields))] = &act[..] else { return Vec::new() };
    let mut words = vec![verb.clone()];
    for part in parts_of(verb).unwrap_or_default() {
        let name = part.field();
        let Some((_, tree)) = fields.iter().find(|(field, _)| field == name) else { continue };
        if let Part::Key(field, _) = part {
            words.push((*field).to_owned());
        }
        match (part, tree) {
            (Part::Text(_) | Part::More(_), Tree::Text(name)) => words.push(text(name)),
            (Part::Span(_), Tree::Text(span)) => words.push(span.clone()),
            (Part::Pair, Tree::List(ends)) => {
                words
                    .extend(ends.iter().map(|end| if let Tree::Text(name) = end { text(name) } else { String::new() }));
            }
            (Part::Key(_, Inner::Span), Tree::Text(span)) => words.push(span.clone()),
            (Part::Key(_, Inner::Flag), Tree::Flag(flag)) => words.push(flag.to_string()),
            (Part::Sides, Tree::List(sides)) => write_sides(sides, &mut words),
            (Part::Flag(_, word), _) => words.push((*word).to_owned()),
            (Part::Number(_) | Part::Key(_, Inner::Number), Tree::Number(written)) => words.push(figure(written)),
            (Part::Value, _) => words.extend(schema::read(tree).map(|to| value(&to))),
            (Part::Law | Part::Key(_, Inner::Law), Tree::Fields(law)) => write_law(law, &mut words),
            _ => {}
        }
    }
    words
}

/// A number as a document has it. Whole ones are more than a float can tell apart.
fn figure(written: &str) -> String {
    match written.parse::<u64>() {
        Ok(whole) => whole.to_string(),
        Err(_) => number(crate::sim::read_number(written).unwrap_or_default()),
    }
}

fn write_sides(sides: &[Tree], words: &mut Vec<String>) {
    for (place, side) in sides.iter().enumerate() {
        if place > 0 {
            words.push(BETWEEN.to_owned());
        }
        let Tree::List(names) = side else { continue };
        words.extend(names.iter().filter_map(|name| if let Tree::Text(name) = name { Some(text(name)) } else { None }));
    }
}

/// The name of a law and its spans.
fn write_law(law: &[(String, Tree)], words: &mut Vec<String>) {
    for (word, spans) in law {
        words.push(word.clone());
        let spans: Vec<&Tree> = match spans {
            Tree::Fields(spans) => spans.iter().map(|(_, span)| span).collect(),
            Tree::List(spans) => spans.iter().collect(),
            one => vec![one],
        };
        words.extend(spans.into_iter().filter_map(|span| match span {
            Tree::Text(span) => Some(span.clone()),
            _ => None,
        }));
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
        Some((_, form)) => {
            let time = if form.contains("TIME") { "; a TIME has its unit, as in 5s or 1_5s" } else { "" };
            format!("This link says \"{}\"; expected {form}, once{time}.", clean(word))
        }
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
        ["pick", from, to] => once(&mut parts.between, read_text(from).zip(read_text(to))),
        ["message", number] => once(&mut parts.message, whole(number)),
        ["view", view] => {
            parts.views.push(read_text(view)?);
            Some(())
        }
        ["step", step] => {
            once(&mut parts.step, whole(step).and_then(|step| u32::try_from(step).ok()).filter(|step| *step > 0))
        }
        ["play"] => once(&mut parts.playing, Some(true)),
        ["still"] => once(&mut parts.playing, Some(false)),
        ["layout", layout] => {
            let place = Layout::WORDS.iter().position(|word| *word == layout);
            once(&mut parts.layout, place.map(|place| Layout::ALL[place]))
        }
        ["move", name, x, y] => {
            let (name, place) = (read_text(name)?, (x.parse().ok()?, y.parse().ok()?));
            if parts.moved.contains_key(&name) {
                return None;
            }
            // One too many is enough to be refused for, and more would only cost time.
            if parts.moved.len() <= MAX_MOVED {
                parts.moved.insert(name, place);
            }
            Some(())
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

/// What stands after a verb, word by word.
type Args<'a, 'b> = std::iter::Peekable<std::iter::Copied<std::slice::Iter<'a, &'b str>>>;

fn span_tree(arg: Option<&str>) -> Option<Tree> {
    Some(Tree::Text(read_span(arg?)?.to_string()))
}

/// A number as documents have it. Whole ones are more than a float can tell apart.
fn number_tree(arg: Option<&str>) -> Option<Tree> {
    let arg = arg?;
    let whole = arg.bytes().all(|b| b.is_ascii_digit()) && arg.parse::<u64>().is_ok();
    Some(Tree::Number(if whole { arg.to_owned() } else { Plain(read_number(arg)?).to_string() }))
}

/// A law, if one comes next; nothing inside where none does, and nothing at all where it is not whole.
fn read_law(args: &mut Args) -> Option<Option<Tree>> {
    let next = args.peek().copied();
    let Some((word, names)) = LAWS.iter().find(|(law, _)| next == Some(law)) else { return Some(None) };
    args.next();
    let law = if *word == LIST {
        let mut spans = Vec::new();
        while let Some(one) = args.peek().and_then(|arg| span_tree(Some(arg))) {
            spans.push(one);
            args.next();
        }
        Tree::List(spans)
    } else if names.is_empty() {
        span_tree(args.next())?
    } else {
        let mut spans = Vec::new();
        for name in *names {
            spans.push(((*name).to_owned(), span_tree(args.next())?));
        }
        Tree::Fields(spans)
    };
    Some(Some(Tree::Fields(vec![((*word).to_owned(), law)])))
}

/// An act, told as documents have it.
fn read_act(verb: &str, args: &[&str]) -> Option<Act> {
    let mut args = args.iter().copied().peekable();
    let text = |arg: Option<&str>| Some(Tree::Text(read_text(arg?)?));
    let mut fields = Vec::new();
    for part in parts_of(verb)? {
        let next = args.peek().copied();
        let tree = match *part {
            Part::Text(_) => text(args.next())?,
            Part::More(_) if next.is_some() => text(args.next())?,
            Part::Pair => Tree::List(vec![text(args.next())?, text(args.next())?]),
            Part::Flag(_, word) if next == Some(word) => {
                args.next();
                Tree::Flag(true)
            }
            Part::Number(_) => number_tree(args.next())?,
            Part::Span(_) => span_tree(args.next())?,
            Part::Key(field, ref inner) if next == Some(field) => {
                args.next();
                match inner {
                    Inner::Flag => Tree::Flag(args.next()?.parse().ok()?),
                    Inner::Span => span_tree(args.next())?,
                    Inner::Number => number_tree(args.next())?,
                    Inner::Law => read_law(&mut args)??,
                }
            }
            Part::Sides => {
                let mut sides = vec![Tree::List(Vec::new())];
                for name in args.by_ref() {
                    match sides.last_mut() {
                        _ if name == BETWEEN => sides.push(Tree::List(Vec::new())),
                        Some(Tree::List(side)) => side.push(Tree::Text(read_text(name)?)),
                        _ => {}
                    }
                }
                Tree::List(sides)
            }
            Part::Value => match read_value(args.next()?)? {
                Value::Flag(flag) => Tree::Flag(flag),
                Value::Number(number) => Tree::Number(Plain(number).to_string()),
                Value::Text(text) => Tree::Text((*text).to_owned()),
            },
            Part::Law => match read_law(&mut args)? {
                Some(law) => law,
                None => continue,
            },
            _ => continue,
        };
        fields.push((part.field().to_owned(), tree));
    }
    if args.next().is_some() {
        return None;
    }
    schema::read(&Tree::Fields(vec![(verb.to_owned(), Tree::Fields(fields))])).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::schema::Schema;

    #[test]
    fn every_act_and_every_law_has_its_words() {
        assert!(Act::names().iter().eq(ACTS.iter().map(|(verb, _)| verb)));
        assert!(LAWS.iter().all(|(law, _)| Dist::names().contains(law)));
        for (law, tells) in [("constant\": \"1us\"", true), ("erlang\": { \"shape\": 2, \"mean\": \"1us\" }", false)] {
            for field in ["delay", "detour"] {
                let json = format!("{{\"link\": {{\"between\": [\"a\", \"b\"], \"{field}\": {{\"{law}}}}}}}");
                let act = schema::read(&Tree::from_json(&json).expect("it is JSON")).expect("it is an act");
                assert_eq!(can_tell(&[Stamped { at: Time::ZERO, act }]), tells, "{json}");
            }
        }
        assert!(Act::names().iter().all(|verb| FORMS.iter().any(|(known, _)| known == verb)));
    }
}
