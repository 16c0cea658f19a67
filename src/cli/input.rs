//! From what was typed to a moment: a file, a link, or the name of a built-in scenario.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;

use crate::link::{self, Opened};
use crate::scenario::{Document, FaultPlan, MAX_DOCUMENT, Problem, Tree, builtin, builtins, schema};
use crate::sim::{Micros, Table, Time, Value, nearest_hint};
use crate::timeline::{Cursor, Moment};

use super::out::Failure;

/// What it came to.
pub struct Given {
    /// The history; the cursor of a document is the beginning.
    pub moment: Moment,
    /// The link that it came as, as it was read.
    pub opened: Option<Opened>,
}

impl Given {
    /// How far to run: as asked, or to the cursor of a link, or as long as the document's tape.
    pub fn until(&self, asked: Option<Micros>) -> Cursor {
        let length = Cursor { at: Time(self.moment.document.length.0), steps: None };
        if asked.is_none() && self.opened.is_none() { length } else { self.at(asked) }
    }

    /// Which instant to show: as asked, or the cursor of a link, or the beginning.
    pub fn at(&self, asked: Option<Micros>) -> Cursor {
        asked.map_or(self.moment.cursor, |span| Cursor { at: Time(span.0), steps: None })
    }
}

/// Reads a seed: `42` or `0x2a`; digits with letters among them are hexadecimal as well.
pub fn seed(text: &str) -> Result<u64, String> {
    let wrong = |_| format!("expected a whole number below 2^64, such as 42 or 0x2a, found \"{text}\"");
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        // `from_str_radix` would take a sign.
        Some(hex) if !hex.starts_with('+') => u64::from_str_radix(hex, 16).map_err(wrong),
        None if text.bytes().any(|b| b.is_ascii_alphabetic()) => u64::from_str_radix(text, 16).map_err(wrong),
        _ => text.parse().map_err(wrong),
    }
}

/// Reads `dial=value`; the value is `true`, `false`, a number, or else a text such as `40ms`.
pub fn setting(text: &str) -> Result<(String, Value), String> {
    let Some((dial, value)) = text.split_once('=') else {
        return Err(format!("expected a dial and its value, such as rate=20, found \"{text}\""));
    };
    let value = match value {
        "true" => Value::Flag(true),
        "false" => Value::Flag(false),
        _ => match value.parse::<f64>() {
            Ok(number) if number.is_finite() => Value::Number(number),
            _ => Value::text(value),
        },
    };
    Ok((dial.to_owned(), value))
}

/// Reads a length of time.
pub fn span(text: &str) -> Result<Micros, String> {
    Micros::parse(text)
}

/// Finds what is meant: a file, a link or a fragment, or a built-in name. The seed replaces the one that comes with it,
/// and so do the settings, dial by dial.
pub fn find(text: &str, seed: Option<u64>, settings: &[(String, Value)]) -> Result<Given, Failure> {
    let (mut moment, opened) = if is_file(text) {
        let document = document(text).map_err(|problems| {
            let many = problems.len() > 1;
            let told = problems.iter().map(|problem| format!("{text}: {problem}"));
            let hint = format!("{text}: {} problems", problems.len());
            Failure::Told(told.chain(many.then_some(hint)).collect())
        })?;
        (beginning(document), None)
    } else if is_link(text) {
        let opened = link::read(text).map_err(|why| Failure::told(why.told))?;
        (opened.moment.clone(), Some(opened))
    } else {
        (beginning(builtin(text).map_err(|problem| no_such(text, problem))?), None)
    };
    if let Some(seed) = seed {
        moment.seed = seed;
    }
    for (dial, value) in settings {
        moment.settings.retain(|(other, _)| other != dial);
        moment.settings.push((dial.clone(), value.clone()));
    }
    // A setting that no dial takes is said before anything runs.
    moment.document.with_settings(&moment.settings)?;
    Ok(Given { moment, opened })
}

/// Adds fault plans, written as a document has them, to what is to be run.
pub fn add_plans(moment: &mut Moment, plans: &[String]) -> Result<(), Failure> {
    for text in plans {
        let read = Tree::from_toml(&format!("plan = {{ {text} }}")).map_err(|problem| vec![problem]);
        let read = read.and_then(|tree| schema::read::<Table<String, FaultPlan>>(&tree));
        let told = |problem: &Problem| format!("--plan: {problem}");
        let read = read.map_err(|problems| Failure::Told(problems.iter().map(told).collect()))?;
        let document = Rc::make_mut(&mut moment.document);
        document.plans.extend(read.get("plan").cloned());
    }
    if plans.is_empty() {
        return Ok(());
    }
    match &moment.document.problems()[..] {
        [] => Ok(()),
        problems => Err(Failure::Told(problems.iter().map(Problem::to_string).collect())),
    }
}

fn beginning(document: Document) -> Moment {
    Moment {
        seed: document.seed,
        document: Rc::new(document),
        settings: Vec::new(),
        acts: Vec::new(),
        cursor: Cursor::default(),
    }
}

/// Whether this is meant as a file: it is one, a pipe or a device too, or it is `-`.
pub fn is_file(text: &str) -> bool {
    let path = Path::new(text);
    text == "-" || path.exists() && !path.is_dir()
}

/// Whether this is meant as a link: an address, or a fragment, which begins with its version.
pub fn is_link(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let versioned = rest.len() < text.len() && rest.starts_with(['.', '~', 'z']) && !is_file_name(text);
    text.contains('#') || text.contains("://") || versioned
}

fn is_file_name(text: &str) -> bool {
    [".toml", ".json"].iter().any(|end| text.ends_with(end))
}

fn no_such(text: &str, problem: Problem) -> Failure {
    let path = text.contains(['/', '\\']) || is_file_name(text);
    if Path::new(text).is_dir() {
        return Failure::told(format!("{text} is a folder; expected a document in it"));
    }
    if path {
        let stem = Path::new(text).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        return Failure::told(format!("there is no file \"{text}\"{}", nearest_hint(&stem, builtins())));
    }
    if text.is_empty() {
        return Failure::told("expected a file, a link or the name of a built-in scenario, found nothing");
    }
    problem.into()
}

/// Reads and checks the document in a file.
pub fn document(path: &str) -> Result<Document, Vec<Problem>> {
    let text = read(path).map_err(|told| vec![Problem::new("", told)])?;
    let json = match Path::new(path).extension().and_then(|end| end.to_str()) {
        Some("json") => true,
        Some("toml") => false,
        _ => text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').starts_with('{'),
    };
    if json { Document::from_json(&text) } else { Document::from_toml(&text) }
}

fn read(path: &str) -> Result<String, String> {
    let mut bytes = Vec::new();
    // One byte more than may be, so that a device without an end is not read for ever.
    let limit = MAX_DOCUMENT as u64 + 1;
    let done = match path {
        "-" => std::io::stdin().lock().take(limit).read_to_end(&mut bytes),
        _ => File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)),
    };
    done.map_err(|why| format!("it cannot be read: {why}"))?;
    if bytes.len() > MAX_DOCUMENT {
        return Err(format!("it is longer than {MAX_DOCUMENT} bytes, which is the limit"));
    }
    String::from_utf8(bytes).map_err(|_| "it is not text in UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_decimal_or_hexadecimal() {
        assert_eq!(seed("42"), Ok(42));
        assert_eq!(seed("0x2A"), Ok(42));
        assert_eq!(seed("deadbeef"), Ok(0xdead_beef));
        for wrong in ["", "-1", "+1x", "0x", "0x+1", "1.5", "18446744073709551616", "xyz"] {
            assert!(seed(wrong).is_err_and(|told| told.contains("whole number")), "{wrong}");
        }
    }

    #[test]
    fn settings_are_flags_numbers_or_texts() {
        let of = |text| setting(text).map(|(_, value)| value);
        assert_eq!(of("a=true"), Ok(Value::Flag(true)));
        assert_eq!(of("a=2.5"), Ok(Value::Number(2.5)));
        assert_eq!(of("a=40ms"), Ok(Value::text("40ms")));
        assert_eq!(of("a=inf"), Ok(Value::text("inf")));
        assert_eq!(of("a=b=c"), Ok(Value::text("b=c")));
        assert!(of("a").is_err());
    }
}
