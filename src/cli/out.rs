//! Standard output that may close at any time, and complaints.

use std::io::{self, BufWriter, StdoutLock, Write};

use crate::scenario::schema::{self, Schema};
use crate::scenario::{Problem, hidden};
use crate::sim::Micros;

/// Why a command did not come to its end.
#[derive(Debug)]
pub enum Failure {
    /// These sentences say what is wrong with what was given.
    Told(Vec<String>),
    /// Nobody reads any more.
    Closed,
}

impl Failure {
    /// One sentence.
    pub fn told(told: impl Into<String>) -> Failure {
        Failure::Told(vec![told.into()])
    }
}

impl From<io::Error> for Failure {
    fn from(why: io::Error) -> Failure {
        match why.kind() {
            io::ErrorKind::BrokenPipe => Failure::Closed,
            _ => Failure::told(format!("standard output: {why}")),
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Failure {
        Failure::told(problem.to_string())
    }
}

/// Standard output, locked and buffered: a transcript is a hundred thousand lines.
pub struct Out {
    inner: BufWriter<StdoutLock<'static>>,
}

impl Out {
    /// Locks it.
    pub fn new() -> Out {
        Out { inner: BufWriter::with_capacity(1 << 16, io::stdout().lock()) }
    }
    /// Writes a line.
    pub fn line(&mut self, line: impl std::fmt::Display) -> Result<(), Failure> {
        Ok(writeln!(self.inner, "{line}")?)
    }
    /// Writes text as it is.
    pub fn text(&mut self, text: &str) -> Result<(), Failure> {
        Ok(self.inner.write_all(text.as_bytes())?)
    }
    /// Writes a value as JSON, a line a field.
    pub fn json(&mut self, value: &serde_json::Value) -> Result<(), Failure> {
        serde_json::to_writer_pretty(&mut self.inner, value).map_err(io::Error::from)?;
        self.line("")
    }
    /// Hands everything on.
    pub fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.inner.flush()?)
    }
}

/// Says what is wrong, or what one should know, on stderr; if nobody listens there either, the exit status still says it.
pub fn complain<'a>(lines: impl IntoIterator<Item = &'a String>) {
    let mut stderr = io::stderr().lock();
    for line in lines {
        // It may repeat what a stranger wrote, or a file's name: a terminal must not obey it.
        let seen: String = line.chars().map(|c| if hidden(c) { '\u{fffd}' } else { c }).collect();
        let _ = writeln!(stderr, "faultline: {seen}");
    }
}

/// A value as documents and links write it, for what is printed as JSON.
pub fn written(value: &dyn Schema) -> serde_json::Value {
    // What was just written can be read.
    serde_json::from_str(&schema::json(value)).unwrap_or_default()
}

/// Rows of words in columns, two spaces apart; numbers stand on the right, and so does the head over them.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let wide = |text: &str| text.chars().count();
    let width: Vec<usize> = (0..columns)
        .map(|c| rows.iter().filter_map(|row| row.get(c)).map(|text| wide(text)).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::from(" ");
        for (c, text) in row.iter().enumerate() {
            let pad = " ".repeat(width[c] - wide(text));
            let cell = if c == 0 { format!(" {text}{pad}") } else { format!("  {pad}{text}") };
            line.push_str(&cell);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// A length of time as people say it: to the hundredth of its unit.
pub fn span(span: Micros) -> String {
    let us = span.0;
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{}.{:02} ms", us / 1_000, us % 1_000 / 10),
        _ => format!("{}.{:02} s", us / 1_000_000, us % 1_000_000 / 10_000),
    }
}
