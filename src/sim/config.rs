//! What can be set about a component: named fields with unit, range and default, known to documents, dials, the
//! inspector, links and the command line from one description.

use std::hash::{Hash, Hasher};
use std::rc::Rc;

use super::{Digest, Micros, Plain};

/// A setting as documents and links write it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Flag(bool),
    /// Any number.
    Number(f64),
    /// A word, or a length of time such as `40ms`.
    Text(Rc<str>),
}

impl Value {
    /// Text from anything that can be shown.
    pub fn text(shown: impl ToString) -> Value {
        Value::Text(Rc::from(shown.to_string()))
    }
}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Value::Flag(flag) => (0u8, *flag).hash(state),
            Value::Number(number) => (1u8, number.to_bits()).hash(state),
            Value::Text(text) => (2u8, text).hash(state),
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Flag(flag) => write!(f, "{flag}"),
            Value::Number(number) => write!(f, "{}", super::Plain(*number)),
            Value::Text(text) => f.write_str(text),
        }
    }
}

/// What a field accepts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldKind {
    /// A number from `min` to `max`.
    Number {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
    },
    /// A whole number from `min` to `max`.
    Whole {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// A length of time from `min` to `max`.
    Span {
        /// The shortest.
        min: Micros,
        /// The longest.
        max: Micros,
    },
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// One field of a component's configuration.
#[derive(Clone, Copy)]
pub struct Field {
    /// Its name in documents.
    pub name: &'static str,
    /// What it means: a sentence.
    pub help: &'static str,
    /// Its unit, empty where the value carries it (lengths of time) or has none.
    pub unit: &'static str,
    /// What it accepts.
    pub kind: fn() -> FieldKind,
    /// What it is when a document is silent.
    pub default: fn() -> Value,
}

/// The configuration of a component; write it with [`config!`](crate::config).
pub trait Config: Clone + Default + 'static {
    /// Every field, in the order of its declaration.
    const FIELDS: &'static [Field];
    /// A field's value; `None` for a name that is not there.
    fn get(&self, name: &str) -> Option<Value>;
    /// Sets a field.
    ///
    /// # Errors
    /// A sentence: a name that is not there (with the nearest right one), a value of the wrong kind or out of range.
    fn set(&mut self, name: &str, value: &Value) -> Result<(), String>;
    /// Mixes every field into a digest.
    fn digest(&self, digest: &mut Digest);
}

/// A value as it stands in a document: a text that looks like a number must not be told to be one.
fn quoted(value: &Value) -> String {
    if let Value::Text(text) = value { format!("\"{text}\"") } else { value.to_string() }
}

/// A type that a field may have.
pub trait FieldType: Sized {
    /// What it accepts between `min` and `max`, which are in the field's unit (seconds for lengths of time).
    fn kind(min: f64, max: f64) -> FieldKind;
    /// As documents write it.
    fn to_value(&self) -> Value;
    /// From what a document wrote.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    fn from_value(value: &Value, kind: FieldKind) -> Result<Self, String>;
    /// Mixes it into a digest.
    fn digest(&self, digest: &mut Digest);
}

impl FieldType for f64 {
    fn kind(min: f64, max: f64) -> FieldKind {
        FieldKind::Number { min, max }
    }
    fn to_value(&self) -> Value {
        Value::Number(*self)
    }
    fn from_value(value: &Value, kind: FieldKind) -> Result<f64, String> {
        let FieldKind::Number { min, max } = kind else { return Err("this field is not a number".to_owned()) };
        match *value {
            Value::Number(n) if n >= min && n <= max => Ok(n),
            _ => Err(format!("expected a number from {} to {}, found {}", Plain(min), Plain(max), quoted(value))),
        }
    }
    fn digest(&self, digest: &mut Digest) {
        digest.word(self.to_bits());
    }
}

impl FieldType for u32 {
    fn kind(min: f64, max: f64) -> FieldKind {
        FieldKind::Whole { min: min as u64, max: max as u64 }
    }
    fn to_value(&self) -> Value {
        Value::Number(f64::from(*self))
    }
    fn from_value(value: &Value, kind: FieldKind) -> Result<u32, String> {
        let FieldKind::Whole { min, max } = kind else { return Err("this field is not a whole number".to_owned()) };
        match *value {
            Value::Number(n) if n >= min as f64 && n <= max as f64 && n == n.trunc() => Ok(n as u32),
            _ => Err(format!("expected a whole number from {min} to {max}, found {}", quoted(value))),
        }
    }
    fn digest(&self, digest: &mut Digest) {
        digest.word(u64::from(*self));
    }
}

impl FieldType for bool {
    fn kind(_: f64, _: f64) -> FieldKind {
        FieldKind::Flag
    }
    fn to_value(&self) -> Value {
        Value::Flag(*self)
    }
    fn from_value(value: &Value, _: FieldKind) -> Result<bool, String> {
        match value {
            Value::Flag(flag) => Ok(*flag),
            _ => Err(format!("expected true or false, found {}", quoted(value))),
        }
    }
    fn digest(&self, digest: &mut Digest) {
        digest.word(u64::from(*self));
    }
}

impl FieldType for Micros {
    fn kind(min: f64, max: f64) -> FieldKind {
        FieldKind::Span { min: Micros::from_f64(min * 1e6), max: Micros::from_f64(max * 1e6) }
    }
    fn to_value(&self) -> Value {
        Value::text(self)
    }
    fn from_value(value: &Value, kind: FieldKind) -> Result<Micros, String> {
        let FieldKind::Span { min, max } = kind else { return Err("this field is not a length of time".to_owned()) };
        let Value::Text(text) = value else {
            return Err(format!("expected a length of time such as \"40ms\", found {value}"));
        };
        let span = Micros::parse(text)?;
        if span < min || span > max { Err(format!("expected {min} to {max}, found {span}")) } else { Ok(span) }
    }
    fn digest(&self, digest: &mut Digest) {
        digest.word(self.0);
    }
}

/// An enumeration whose variants are words; write it with [`choice!`](crate::choice).
pub trait Choice: Copy + Hash + 'static {
    /// The words, in the order of the variants.
    const WORDS: &'static [&'static str];
    /// Every variant.
    const ALL: &'static [Self];
    /// This variant's place.
    fn index(self) -> usize;
}

impl<T: Choice> FieldType for T {
    fn kind(_: f64, _: f64) -> FieldKind {
        FieldKind::Choice(T::WORDS)
    }
    fn to_value(&self) -> Value {
        Value::text(T::WORDS[self.index()])
    }
    fn from_value(value: &Value, _: FieldKind) -> Result<T, String> {
        let found = value.to_string();
        match T::WORDS.iter().position(|word| **word == *found) {
            Some(place) => Ok(T::ALL[place]),
            None => Err(format!(
                "expected one of {}, found {found}{}",
                T::WORDS.join(", "),
                nearest_hint(&found, T::WORDS.iter().copied())
            )),
        }
    }
    fn digest(&self, digest: &mut Digest) {
        self.hash(digest);
    }
}

const BLANK: Field = Field { name: "", help: "", unit: "", kind: || FieldKind::Flag, default: || Value::Flag(false) };

/// How many fields there are in all.
#[doc(hidden)]
pub const fn count(parts: &[&[Field]]) -> usize {
    let (mut all, mut part) = (0, 0);
    while part < parts.len() {
        all += parts[part].len();
        part += 1;
    }
    all
}

/// All fields one after another.
#[doc(hidden)]
pub const fn joined<const N: usize>(parts: &[&[Field]]) -> [Field; N] {
    let (mut all, mut end, mut part) = ([BLANK; N], 0, 0);
    while part < parts.len() {
        let mut place = 0;
        while place < parts[part].len() {
            all[end] = parts[part][place];
            (end, place) = (end + 1, place + 1);
        }
        part += 1;
    }
    all
}

/// Mixes a setting that came later into a digest, unless it is as usual.
#[doc(hidden)]
pub fn digest_later<T: FieldType>(name: &str, value: &T, usual: &T, digest: &mut Digest) {
    let alone = |value: &T| {
        let mut digest = Digest::default();
        value.digest(&mut digest);
        digest.finish()
    };
    if alone(value) != alone(usual) {
        name.hash(digest);
        value.digest(digest);
    }
}

/// Sets the field `name` of a list of fields through `put`, or says which name was probably meant.
///
/// # Errors
/// That sentence.
pub fn unknown_field<T>(name: &str, fields: &[Field]) -> Result<T, String> {
    let names = fields.iter().map(|field| field.name);
    let hint = nearest_hint(name, names.clone());
    let all: Vec<&str> = names.collect();
    let known = if all.is_empty() { "it has none".to_owned() } else { format!("it has {}", all.join(", ")) };
    Err(format!("there is no setting \"{}\"{hint}; {known}", name.chars().take(60).collect::<String>()))
}

/// `, did you mean "x"?`, or nothing where no name is near.
pub fn nearest_hint<'a>(found: &str, names: impl Iterator<Item = &'a str>) -> String {
    nearest(found, names).map_or(String::new(), |name| format!(", did you mean \"{name}\"?"))
}

/// The name nearest to `found` by edit distance, when it is near enough to have been meant.
pub fn nearest<'a>(found: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let found: Vec<char> = found.chars().take(64).map(|c| c.to_ascii_lowercase()).collect();
    let (distance, name) = names.map(|name| (distance(&found, name), name)).min()?;
    (distance <= 1 + found.len() / 4).then_some(name)
}

/// Edits (insert, delete, replace, swap neighbours) that turn one text into the other.
fn distance(a: &[char], b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).map(|c| c.to_ascii_lowercase()).collect();
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let same = usize::from(a[i - 1] != b[j - 1]);
                let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + same);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

/// Hashes a configuration: floats by their bits.
pub struct Hashed<'a, C>(pub &'a C);

impl<C: Config> Hash for Hashed<'_, C> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut digest = Digest::default();
        self.0.digest(&mut digest);
        state.write_u64(digest.finish());
    }
}

/// Declares a configuration: a struct whose fields are described once, for documents, dials, inspector and links.
///
/// What several configurations have in common is a configuration too, and stands behind the brace: `with calling:
/// Calling;`. Documents see its fields beside the others. Fields behind `later:` were added when runs with the others
/// had already been kept: one that is as usual is no part of the digest, so those runs still have theirs.
///
/// ```
/// faultline::config! {
///     /// What a heart wants.
///     pub struct HeartConfig {
///         /// Beats a minute.
///         rate: f64 = 70.0, in 20.0, 220.0, "1/min";
///         /// How long a beat takes.
///         beat: faultline::sim::Micros = faultline::sim::Micros::ms(300), in 0.1, 1.0, "";
///     }
/// }
/// use faultline::sim::{Config, Value};
/// let mut heart = HeartConfig::default();
/// assert!(heart.set("rate", &Value::Number(300.0)).is_err());
/// assert!(heart.set("raet", &Value::Number(90.0)).unwrap_err().contains("did you mean \"rate\""));
/// ```
///
/// What is said about settings comes with the later part of the page's wasm ([`later_text!`](crate::later_text)). The
/// components of the opening scenario have `@opening` before all else: what is said of theirs is there from the start.
#[macro_export]
macro_rules! config {
    (@config $place:tt $(#[$meta:meta])* pub struct $name:ident {
        $($(#[doc = $help:literal])+ $field:ident: $type:ty = $default:expr, in $min:expr, $max:expr, $unit:literal;)*
        $(later: $($(#[doc = $lhelp:literal])+
            $lfield:ident: $ltype:ty = $ldefault:expr, in $lmin:expr, $lmax:expr, $lunit:literal;)*)?
    } $(with $part:ident: $ptype:ty;)*) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $($(#[doc = $help])+ pub $field: $type,)*
            $($($(#[doc = $lhelp])+ pub $lfield: $ltype,)*)?
            $(#[doc = "What it has in common with others."] pub $part: $ptype,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($field: $default,)*
                    $($($lfield: $ldefault,)*)?
                    $($part: <$ptype>::default(),)*
                }
            }
        }

        impl $crate::sim::Config for $name {
            const FIELDS: &'static [$crate::sim::Field] = {
                const OWN: &[$crate::sim::Field] = &[
                    $($crate::config!(@field $place $type, $field, [$($help),+], $default, $min, $max, $unit),)*
                    $($($crate::config!(@field $place $ltype, $lfield, [$($lhelp),+], $ldefault, $lmin, $lmax, $lunit),)*)?
                ];
                const PARTS: &[&[$crate::sim::Field]] = &[OWN, $(<$ptype as $crate::sim::Config>::FIELDS,)*];
                const ALL: [$crate::sim::Field; $crate::sim::count(PARTS)] = $crate::sim::joined(PARTS);
                &ALL
            };

            fn get(&self, name: &str) -> Option<$crate::sim::Value> {
                match name {
                    $(stringify!($field) => return Some($crate::sim::FieldType::to_value(&self.$field)),)*
                    $($(stringify!($lfield) => return Some($crate::sim::FieldType::to_value(&self.$lfield)),)*)?
                    _ => {}
                }
                $(if let Some(value) = $crate::sim::Config::get(&self.$part, name) {
                    return Some(value);
                })*
                None
            }

            fn set(&mut self, name: &str, value: &$crate::sim::Value) -> Result<(), String> {
                match name {
                    $(stringify!($field) => {
                        let kind = <$type as $crate::sim::FieldType>::kind($min as f64, $max as f64);
                        self.$field = $crate::sim::FieldType::from_value(value, kind)?;
                        return Ok(());
                    })*
                    $($(stringify!($lfield) => {
                        let kind = <$ltype as $crate::sim::FieldType>::kind($lmin as f64, $lmax as f64);
                        self.$lfield = $crate::sim::FieldType::from_value(value, kind)?;
                        return Ok(());
                    })*)?
                    _ => {}
                }
                $(if <$ptype as $crate::sim::Config>::FIELDS.iter().any(|field| field.name == name) {
                    return $crate::sim::Config::set(&mut self.$part, name, value);
                })*
                $crate::sim::unknown_field(name, Self::FIELDS)
            }

            fn digest(&self, digest: &mut $crate::sim::Digest) {
                $($crate::sim::FieldType::digest(&self.$field, digest);)*
                $($({
                    let usual: $ltype = $ldefault;
                    $crate::sim::digest_later(stringify!($lfield), &self.$lfield, &usual, digest);
                })*)?
                $($crate::sim::Config::digest(&self.$part, digest);)*
                let _ = digest;
            }
        }
    };
    (@help [opening] $($help:literal),+) => { concat!($($help),+) };
    (@help [] $($help:literal),+) => { $crate::later_text!($($help),+) };
    (@field $place:tt $type:ty, $field:ident, [$($help:literal),+], $default:expr, $min:expr, $max:expr, $unit:literal) => {
        $crate::sim::Field {
            name: stringify!($field),
            help: $crate::config!(@help $place $($help),+),
            unit: $unit,
            kind: || <$type as $crate::sim::FieldType>::kind($min as f64, $max as f64),
            default: || {
                let value: $type = $default;
                $crate::sim::FieldType::to_value(&value)
            },
        }
    };
    (@opening $($rest:tt)*) => { $crate::config!(@config [opening] $($rest)*); };
    ($($rest:tt)*) => { $crate::config!(@config [] $($rest)*); };
}

/// A text that comes with the later part of the page's wasm: tools/split.mjs takes all that stands between these marks.
/// For what nobody reads while the opening scenario opens and plays; until the later part is there, it is all zeros.
#[macro_export]
macro_rules! later_text {
    ($($text:literal),+) => {{
        const TEXT: &str = concat!($($text),+);
        static MARKED: [u8; $crate::sim::marked_len(TEXT.len())] = $crate::sim::marked(TEXT.as_bytes());
        // A reference into the static, or the compiler would make a constant of the text, without the marks.
        match std::str::from_utf8($crate::sim::unmarked(&MARKED)) {
            Ok(text) => text,
            Err(_) => "",
        }
    }};
}

/// By these tools/split.mjs knows where in the wasm something begins that comes later, and where it ends. They are no
/// UTF-8: no text has them.
const LATER_FROM: &[u8] = b"\xff<later\xfe";
const LATER_TO: &[u8] = b"\xfelater>\xff";

/// How long this many bytes are between their marks.
#[doc(hidden)]
pub const fn marked_len(bytes: usize) -> usize {
    LATER_FROM.len() + bytes + LATER_TO.len()
}

/// Bytes between their marks; `N` is [`marked_len`] of them.
#[doc(hidden)]
pub const fn marked<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut all = [0; N];
    let (first, rest) = all.split_at_mut(LATER_FROM.len());
    let (middle, last) = rest.split_at_mut(bytes.len());
    first.copy_from_slice(LATER_FROM);
    middle.copy_from_slice(bytes);
    last.copy_from_slice(LATER_TO);
    all
}

/// What stands between the marks.
#[doc(hidden)]
pub const fn unmarked(all: &[u8]) -> &[u8] {
    all.split_at(LATER_FROM.len()).1.split_at(all.len() - LATER_FROM.len() - LATER_TO.len()).0
}

/// Declares an enumeration whose variants are words in documents.
#[macro_export]
macro_rules! choice {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $crate::sim::Choice for $name {
            const WORDS: &'static [&'static str] = &[$($word),+];
            const ALL: &'static [Self] = &[$($name::$variant),+];
            fn index(self) -> usize {
                self as usize
            }
        }
    };
}
