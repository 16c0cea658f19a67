//! The tree that every document and every packed link is read from, whether it was written in JSON or in TOML; and how
//! texts and numbers are written in JSON.

use crate::sim::{Scientific, digits, read_number};

use super::Problem;

/// How deep lists and objects may stand in one another; a stranger's text must not exhaust the stack.
pub const MAX_NESTING: usize = 127;

/// What was written, before anyone knows what it means.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// `null`.
    Nothing,
    /// `true` or `false`.
    Flag(bool),
    /// A number as it was written: whether it is whole, and what it comes to, is decided where it is read.
    Number(String),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Tree>),
    /// An object (a table in TOML), in the order in which it was written.
    Fields(Vec<(String, Tree)>),
}

impl Tree {
    /// Reads JSON.
    ///
    /// # Errors
    /// Where it is not JSON: the place, and what was expected.
    pub fn from_json(text: &str) -> Result<Tree, Problem> {
        let mut parser = Parser { text, at: 0, nesting: 0, path: Path::default() };
        let read = parser.value().and_then(|tree| {
            parser.skip_space();
            if parser.at < text.len() { Err("there is something after the end") } else { Ok(tree) }
        });
        read.map_err(|told| {
            let before = &text.as_bytes()[..parser.at.min(text.len())];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            let column = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count();
            Problem::new(parser.path.text(), format!("{told} (line {line}, column {column})"))
        })
    }

    /// Writes JSON at the end of a text.
    #[inline(never)]
    pub(super) fn write(&self, json: &mut String) {
        match self {
            Tree::Nothing => json.push_str("null"),
            Tree::Flag(flag) => json.push_str(if *flag { "true" } else { "false" }),
            Tree::Number(number) => json.push_str(number),
            Tree::Text(text) => write_text(text, json),
            Tree::List(all) => {
                for (place, one) in all.iter().enumerate() {
                    json.push(if place == 0 { '[' } else { ',' });
                    one.write(json);
                }
                json.push_str(if all.is_empty() { "[]" } else { "]" });
            }
            Tree::Fields(all) => {
                for (place, (name, one)) in all.iter().enumerate() {
                    json.push(if place == 0 { '{' } else { ',' });
                    write_text(name, json);
                    json.push(':');
                    one.write(json);
                }
                json.push_str(if all.is_empty() { "{}" } else { "}" });
            }
        }
    }

    /// Reads TOML.
    ///
    /// # Errors
    /// Where it is not TOML: the line, and what was expected.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn from_toml(text: &str) -> Result<Tree, Problem> {
        fn tree(value: toml::Value) -> Tree {
            match value {
                toml::Value::Boolean(flag) => Tree::Flag(flag),
                toml::Value::Integer(number) => Tree::Number(number.to_string()),
                // With its point, so that 2.0 is as little a whole number as in JSON.
                toml::Value::Float(number) if number == number.trunc() && number.is_finite() => {
                    Tree::Number(format!("{number}.0"))
                }
                toml::Value::Float(number) => Tree::Number(number.to_string()),
                toml::Value::String(text) => Tree::Text(text),
                toml::Value::Datetime(date) => Tree::Text(date.to_string()),
                toml::Value::Array(items) => Tree::List(items.into_iter().map(tree).collect()),
                toml::Value::Table(table) => fields(table),
            }
        }
        fn fields(table: toml::Table) -> Tree {
            Tree::Fields(table.into_iter().map(|(name, value)| (name, tree(value))).collect())
        }
        text.parse::<toml::Table>().map(fields).map_err(|why| {
            let line = why.span().map_or(1, |span| 1 + text.bytes().take(span.start).filter(|b| *b == b'\n').count());
            Problem::new(format!("line {line}"), why.message())
        })
    }

    /// What it is, in a few words, for those who expected something else.
    pub(super) fn words(&self) -> String {
        match self {
            Tree::Nothing => "nothing".to_owned(),
            Tree::Flag(flag) => if *flag { "true" } else { "false" }.to_owned(),
            Tree::Number(number) => super::problem::short(number),
            Tree::Text(text) => format!("\"{}\"", super::problem::short(text)),
            Tree::List(items) => format!("a list of {}", items.len()),
            Tree::Fields(_) => "a table of fields".to_owned(),
        }
    }
}

/// What other programs' formats are written from.
#[cfg(not(target_arch = "wasm32"))]
impl serde::Serialize for Tree {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Tree::Nothing => serializer.serialize_none(),
            Tree::Flag(flag) => serializer.serialize_bool(*flag),
            Tree::Number(number) => match (number.parse(), number.parse()) {
                (Ok(whole), _) => serializer.serialize_u64(whole),
                // Minus zero is no whole number.
                (_, Ok(below)) if below != 0 => serializer.serialize_i64(below),
                _ => serializer.serialize_f64(number.parse().unwrap_or(f64::NAN)),
            },
            Tree::Text(text) => serializer.serialize_str(text),
            Tree::List(items) => serializer.collect_seq(items),
            Tree::Fields(fields) => serializer.collect_map(fields.iter().map(|(name, tree)| (name, tree))),
        }
    }
}

/// A place in a tree, as in `groups[1].config.rate`.
#[derive(Default)]
pub(super) struct Path(String);

impl Path {
    /// Goes on to a field; gives back where to return to.
    pub(super) fn enter(&mut self, field: &str) -> usize {
        let before = self.0.len();
        if before > 0 {
            self.0.push('.');
        }
        self.0.push_str(field);
        before
    }

    /// Goes on to an item of a list; gives back where to return to.
    pub(super) fn enter_item(&mut self, place: usize) -> usize {
        let before = self.0.len();
        self.0.push('[');
        self.0.push_str(&place.to_string());
        self.0.push(']');
        before
    }

    /// Returns.
    pub(super) fn leave(&mut self, before: usize) {
        self.0.truncate(before);
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// Reads JSON as RFC 8259 has it. When it fails, `path` and `at` are where it stands.
struct Parser<'a> {
    text: &'a str,
    at: usize,
    nesting: usize,
    path: Path,
}

impl Parser<'_> {
    fn peek(&self) -> u8 {
        // Zero is in no JSON outside of a text, so it stands for the end.
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
        }
    }

    /// Takes this byte if it is the next.
    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == byte;
        self.at += usize::from(there);
        there
    }

    /// Why something else than `told` stands here.
    fn wrong<T>(&self, told: &'static str) -> Result<T, &'static str> {
        Err(if self.at >= self.text.len() { "the text ends in the middle (EOF)" } else { told })
    }

    fn value(&mut self) -> Result<Tree, &'static str> {
        self.skip_space();
        match self.peek() {
            b'{' | b'[' => {
                self.nesting += 1;
                if self.nesting > MAX_NESTING {
                    return Err("lists and objects stand too deep in one another: recursion limit exceeded");
                }
                let tree = if self.peek() == b'{' { self.fields() } else { self.list() };
                self.nesting -= 1;
                tree
            }
            b'"' => self.string().map(Tree::Text),
            b'-' | b'0'..=b'9' => self.number(),
            _ => {
                let rest = &self.text[self.at..];
                let words = [("null", Tree::Nothing), ("true", Tree::Flag(true)), ("false", Tree::Flag(false))];
                for (word, tree) in words {
                    if rest.starts_with(word) {
                        self.at += word.len();
                        return Ok(tree);
                    }
                }
                self.wrong("expected a value")
            }
        }
    }

    fn list(&mut self) -> Result<Tree, &'static str> {
        self.at += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.take(b']') {
            return Ok(Tree::List(items));
        }
        loop {
            let before = self.path.enter_item(items.len());
            items.push(self.value()?);
            self.path.leave(before);
            self.skip_space();
            if self.take(b']') {
                return Ok(Tree::List(items));
            }
            if !self.take(b',') {
                return self.wrong("expected , or ]");
            }
        }
    }

    fn fields(&mut self) -> Result<Tree, &'static str> {
        self.at += 1;
        let mut fields = Vec::new();
        self.skip_space();
        if self.take(b'}') {
            return Ok(Tree::Fields(fields));
        }
        loop {
            self.skip_space();
            if self.peek() != b'"' {
                return self.wrong("expected a field's name in quotation marks");
            }
            let name = self.string()?;
            let before = self.path.enter(&name);
            self.skip_space();
            if !self.take(b':') {
                return self.wrong("expected : after a field's name");
            }
            let value = self.value()?;
            self.path.leave(before);
            fields.push((name, value));
            self.skip_space();
            if self.take(b'}') {
                return Ok(Tree::Fields(fields));
            }
            if !self.take(b',') {
                return self.wrong("expected , or }");
            }
        }
    }

    fn digits(&mut self) -> Result<(), &'static str> {
        if !self.peek().is_ascii_digit() {
            return self.wrong("expected a digit");
        }
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Tree, &'static str> {
        let start = self.at;
        self.take(b'-');
        if self.take(b'0') {
            if self.peek().is_ascii_digit() {
                return Err("a number must not begin with 0");
            }
        } else {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        let number = &self.text[start..self.at];
        if read_number(number).is_some() {
            Ok(Tree::Number(number.to_owned()))
        } else {
            Err("the number is out of range")
        }
    }

    /// A text in quotation marks, from the first of them on.
    fn string(&mut self) -> Result<String, &'static str> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let start = self.at;
            while !matches!(self.peek(), b'"' | b'\\' | 0..0x20) {
                self.at += 1;
            }
            text.push_str(&self.text[start..self.at]);
            if self.take(b'"') {
                return Ok(text);
            }
            if !self.take(b'\\') {
                return self.wrong("a control character in a text must be escaped");
            }
            let escape = self.peek();
            self.at += 1;
            text.push(match escape {
                b'"' | b'\\' | b'/' => char::from(escape),
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'u' => self.escaped()?,
                _ => {
                    self.at -= 1;
                    return self.wrong("there is no such escape in JSON");
                }
            });
        }
    }

    /// The character of an escape with four digits, or of two such that belong together, from the first digit on.
    fn escaped(&mut self) -> Result<char, &'static str> {
        let told = "expected four hexadecimal digits that come to a character";
        let mut code = self.hexadecimal()?;
        if (0xd800..0xdc00).contains(&code) && self.take(b'\\') && self.take(b'u') {
            let low = self.hexadecimal()?;
            if !(0xdc00..0xe000).contains(&low) {
                return Err(told);
            }
            code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        char::from_u32(code).ok_or(told)
    }

    fn hexadecimal(&mut self) -> Result<u32, &'static str> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = char::from(self.peek()).to_digit(16) else {
                return self.wrong("expected four hexadecimal digits");
            };
            code = code << 4 | digit;
            self.at += 1;
        }
        Ok(code)
    }
}

/// Writes a text as JSON has it.
pub(super) fn write_text(text: &str, json: &mut String) {
    json.push('"');
    for c in text.chars() {
        let short = match c {
            '"' | '\\' => c,
            '\u{8}' => 'b',
            '\u{c}' => 'f',
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            '\0'..' ' => {
                json.push_str("\\u00");
                for digit in [c as u32 >> 4, c as u32 & 15] {
                    json.extend(char::from_digit(digit, 16));
                }
                continue;
            }
            _ => {
                json.push(c);
                continue;
            }
        };
        json.push('\\');
        json.push(short);
    }
    json.push('"');
}

/// Writes a number as links have always had it, to the byte: the fewest digits that read back to the same, a fraction
/// always, an exponent only for what is very large or very small. What is not finite JSON has no word for but `null`.
pub(super) fn write_number(number: f64, json: &mut String) {
    if !number.is_finite() {
        return json.push_str("null");
    }
    let (digits, point) = digits(number);
    let count = digits.len() as i32;
    let sign = if number.is_sign_negative() { "-" } else { "" };
    json.push_str(sign);
    if !(-4..=16).contains(&point) {
        let written = Scientific(libm::fabs(number)).to_string();
        json.push_str(&if point > 0 { written.replace('e', "e+") } else { written });
    } else if point <= 0 {
        json.push_str("0.");
        (point..0).for_each(|_| json.push('0'));
        json.push_str(&digits);
    } else {
        let (whole, fraction) = digits.split_at(point.min(count) as usize);
        json.push_str(whole);
        (count..point).for_each(|_| json.push('0'));
        json.push('.');
        json.push_str(if fraction.is_empty() { "0" } else { fraction });
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use crate::sim::{Purpose, Stream};

    fn written(number: f64) -> String {
        let mut json = String::new();
        write_number(number, &mut json);
        json
    }

    #[test]
    fn numbers_are_written_as_others_write_them_and_as_short() {
        let mut numbers = vec![0.0, -0.0, 5e-324, f64::MAX, f64::MIN_POSITIVE, 1e15, 1e16, 1e17, 123_456_789e8, 1e-5];
        numbers.extend(
            (-330..330)
                .flat_map(|power| [format!("1e{power}"), format!("-1.25e{power}")])
                .map(|text| text.parse::<f64>().expect("a number")),
        );
        let mut stream = Stream::new(1, Purpose::Faults);
        numbers.extend((0..200_000).map(|_| f64::from_bits(stream.bits())));
        numbers.extend((0..100_000).map(|_| stream.below(10_000_000) as f64 / 1_000.0));
        numbers.extend((0..100_000).map(|_| stream.below(1 << 55) as f64 / 8.0));
        numbers.extend((0..2_000).map(|power| f64::from_bits(power << 52)));
        for number in numbers {
            let (ours, theirs) = (written(number), serde_json::to_string(&number).expect("a number"));
            // Of two that are as short and as near, either may be written.
            assert!(ours == theirs || ours.len() == theirs.len() && ours.parse() == Ok(number), "{ours} for {theirs}");
        }
    }

    #[test]
    fn json_is_read_as_others_read_it() {
        let right = [
            "null",
            " [ ] ",
            "{ }",
            "[1,-0,0.5e-3,1E+2,18446744073709551615]",
            r#"{"a":{"b":[true,false,null]},"":""}"#,
            r#""\u00e9\ud83d\ude00\/\b\f\n\r\t\"\\""#,
            "\"京都\u{7f}\"",
        ];
        for text in right {
            let tree = Tree::from_json(text).expect(text);
            let theirs: serde_json::Value = serde_json::from_str(text).expect(text);
            assert_eq!(serde_json::to_value(&tree).expect(text), theirs, "{text}");
        }
        let wrong = [
            "",
            " ",
            "[",
            "[1",
            "[1,",
            "[1,]",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,}",
            "{a:1}",
            "01",
            "-",
            "+1",
            ".5",
            "1.",
            "1e",
            "1e999",
            "NaN",
            "nul",
            "truee",
            "'a'",
            "\"",
            "\"\\",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\udc00\"",
            "\"\n\"",
            "\"\0\"",
            "\0",
            "é",
            "1 2",
            "\"\\é\"",
        ];
        for text in wrong {
            assert!(serde_json::from_str::<serde_json::Value>(text).is_err(), "{text}");
            assert!(Tree::from_json(text).expect_err(text).told.len() > 10, "{text}");
        }
    }

    #[test]
    fn texts_are_written_as_others_write_them() {
        let text: String = ('\0'..'\u{180}').chain("\u{2028}\u{ffff}京😀".chars()).collect();
        let mut json = String::new();
        write_text(&text, &mut json);
        assert_eq!(json, serde_json::to_string(&text).expect("a text"));
        assert_eq!(Tree::from_json(&json), Ok(Tree::Text(text)));
    }
}
