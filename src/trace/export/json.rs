//! JSON, written: objects and lists whose parts come one after another.

use std::fmt::Display;

/// A text in quotes; what JSON does not allow in one is escaped (RFC 8259).
pub fn text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if (c as u32) < 0x20 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// An object that is being written.
pub struct Object<'a> {
    out: &'a mut String,
    first: bool,
}

impl<'a> Object<'a> {
    /// Opens one.
    pub fn open(out: &'a mut String) -> Object<'a> {
        out.push('{');
        Object { out, first: true }
    }
    /// The name of the next part; its value is to be written by the caller.
    pub fn name(&mut self, name: &str) -> &mut String {
        if !std::mem::take(&mut self.first) {
            self.out.push(',');
        }
        text(self.out, name);
        self.out.push(':');
        self.out
    }
    /// A text.
    pub fn text(&mut self, name: &str, value: &str) -> &mut Self {
        text(self.name(name), value);
        self
    }
    /// A number, or anything that is written as it is.
    pub fn plain(&mut self, name: &str, value: impl Display) -> &mut Self {
        let value = value.to_string();
        self.name(name).push_str(&value);
        self
    }
    /// A part that is an object itself.
    pub fn object(&mut self, name: &str, fill: impl FnOnce(&mut Object)) -> &mut Self {
        let mut inner = Object::open(self.name(name));
        fill(&mut inner);
        inner.close();
        self
    }
    /// Closes it.
    pub fn close(self) {
        self.out.push('}');
    }
}
