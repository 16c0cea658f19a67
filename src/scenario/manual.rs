//! The parts of docs/scenario.md that follow from the code: settings of components, checks, words of conditions.

use std::fmt::Write;

use crate::check::CHECKS;
use crate::components::{Fact, KINDS, Kind};
use crate::sim::{Dist, FieldKind, Value};
use crate::trace::KIND_WORDS;

/// The manual with everything that stands between `<!-- kinds -->` and `<!-- /kinds -->`, and so with `checks` and
/// `words`, as the code has it now.
///
/// # Errors
/// The marker that is missing.
pub fn filled(manual: &str) -> Result<String, String> {
    let mut filled = manual.to_owned();
    for (part, text) in [("kinds", kinds()), ("checks", checks()), ("words", words())] {
        let (start, end) = (format!("<!-- {part} -->\n"), format!("<!-- /{part} -->"));
        let missing = || format!("the manual has no {} … {end}", start.trim());
        let (before, rest) = filled.split_once(&start).ok_or_else(missing)?;
        let (_, after) = rest.split_once(&end).ok_or_else(missing)?;
        filled = format!("{before}{start}\n{text}\n{end}{after}");
    }
    Ok(filled)
}

/// Every kind of component: what it does, its machine, its settings.
pub fn kinds() -> String {
    KINDS.iter().map(of_kind).collect::<Vec<_>>().join("\n")
}

fn of_kind(kind: &Kind) -> String {
    let mut text = format!("### `{}`: {}\n\n{}", kind.name, kind.title, kind.about);
    let machine = (kind.machine)();
    // Writing to a String takes every line.
    let _ = write!(
        text,
        " Talks to: {}.\n\nIts machine when silent: `cores = {}`, `service = {}`, `inbox = {}`, `disk = {}`, \
         `startup = \"{}\"`.\n",
        if kind.talks_to.is_empty() { "nobody by itself".to_owned() } else { kind.talks_to.join(", ") },
        machine.cores,
        law(&machine.service),
        machine.inbox,
        law(&machine.disk),
        machine.startup
    );
    if !kind.fields().is_empty() {
        text.push_str("\n| setting | what it is | values | when silent |\n| --- | --- | --- | --- |\n");
    }
    for field in kind.fields() {
        let help = field.help.split_whitespace().collect::<Vec<_>>().join(" ");
        let unit = if field.unit.is_empty() { String::new() } else { format!(", {}", field.unit) };
        let values = match (field.kind)() {
            FieldKind::Number { min, max } => format!("number, {min} to {max}{unit}"),
            FieldKind::Whole { min, max } => format!("whole number, {min} to {max}{unit}"),
            FieldKind::Span { min, max } => format!("length of time, {min} to {max}"),
            FieldKind::Flag => "`true` or `false`".to_owned(),
            FieldKind::Choice(words) => {
                words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(" or ")
            }
        };
        let usual = match (field.default)() {
            Value::Text(text) => format!("\"{text}\""),
            other => other.to_string(),
        };
        let _ = writeln!(text, "| `{}` | {help} | {values} | `{usual}` |", field.name);
    }
    text
}

/// A law as TOML has it.
fn law(law: &Dist) -> String {
    match law {
        Dist::Constant(span) => format!("{{ constant = \"{span}\" }}"),
        Dist::Uniform { min, max } => format!("{{ uniform = {{ min = \"{min}\", max = \"{max}\" }} }}"),
        Dist::Exponential { mean } => format!("{{ exponential = {{ mean = \"{mean}\" }} }}"),
        Dist::Lognormal { median, p99 } => format!("{{ lognormal = {{ median = \"{median}\", p99 = \"{p99}\" }} }}"),
        Dist::Empirical(quantiles) => {
            let quantiles: Vec<String> = quantiles.iter().map(|span| format!("\"{span}\"")).collect();
            format!("{{ empirical = [{}] }}", quantiles.join(", "))
        }
        // No kind's machine has another.
        other => super::schema::json(other),
    }
}

/// Every check and what it promises.
pub fn checks() -> String {
    let mut text = "| check | what it promises |\n| --- | --- |\n".to_owned();
    for check in CHECKS {
        let _ = writeln!(text, "| `{}` | {} |", check.name, check.promise);
    }
    text
}

/// What `happened.what` may say.
pub fn words() -> String {
    let list = |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    format!("Of every component: {}.\n\nFacts that components tell: {}.\n", list(KIND_WORDS), list(Fact::NAMES))
}
