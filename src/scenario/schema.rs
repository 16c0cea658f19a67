//! What documents and links consist of, described once: [`schema!`] declares a structure or a choice of words, and with
//! it how one is read from a [`Tree`], with everything that is wrong and where, and written as JSON.
//!
//! Reading fills in a value that is there already, so that one small function that is generic over nothing serves every
//! structure: the page is downloaded, and code that is compiled once a type was half of it.

mod values;

use crate::sim::{Micros, read_number};

use super::Problem;
use super::tree::{Path, Tree, write_text};
use super::validate::MAX_PROBLEMS;

/// Something that documents or links have a form for.
pub trait Schema {
    /// What stands in its place until it has been read.
    fn blank() -> Self
    where
        Self: Sized;
    /// The names of its fields, or the words that it may begin with; none for what is neither.
    fn names() -> &'static [&'static str]
    where
        Self: Sized,
    {
        &[]
    }
    /// Reads it. What is wrong is told to the reader, and then the value means nothing.
    fn read(&mut self, tree: &Tree, reader: &mut Reader);
    /// Writes it at the end of JSON.
    fn write(&self, json: &mut String);
    /// Whether it goes without saying.
    fn silent(&self) -> bool {
        false
    }
}

/// How a field behaves when nothing is said of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It must be there.
    Required,
    /// It has a usual value, which is written nevertheless.
    Usual,
    /// It goes without saying, and is not written then.
    Silent,
}

/// A field to be read: its name, its need, its place.
pub type Slot<'a> = (&'static str, Need, &'a mut dyn Schema);

/// Reads one value from a tree.
///
/// # Errors
/// Everything that is wrong with it, up to a number that one cares to read.
pub fn read<T: Schema>(tree: &Tree) -> Result<T, Vec<Problem>> {
    let mut value = T::blank();
    let mut reader = Reader::default();
    value.read(tree, &mut reader);
    if reader.found.is_empty() { Ok(value) } else { Err(reader.found) }
}

/// A value as JSON without white space, the form in links.
pub fn json(value: &dyn Schema) -> String {
    let mut json = String::new();
    value.write(&mut json);
    json
}

/// Reads a tree, or looks through what was read: knows the place, and collects what is wrong.
#[derive(Default)]
pub struct Reader {
    pub(super) path: Path,
    pub(super) found: Vec<Problem>,
}

impl Reader {
    /// Whether there are as many problems as one cares to read. Looking further would only cost time.
    pub(super) fn full(&self) -> bool {
        self.found.len() >= MAX_PROBLEMS
    }

    /// Something is wrong in a field.
    pub(super) fn wrong_in(&mut self, field: &str, told: &str) {
        let before = self.path.enter(field);
        self.wrong(told);
        self.path.leave(before);
    }

    /// A name in a field that nothing has.
    pub(super) fn unknown_in(&mut self, field: &str, what: &str, name: &str, names: &mut dyn Iterator<Item = &str>) {
        if !self.full() {
            let before = self.path.enter(field);
            self.found.push(Problem::unknown(self.path.text(), what, name, names));
            self.path.leave(before);
        }
    }

    /// Looks at each of so many things in a field, as long as one cares to read what is wrong with them.
    pub(super) fn each(&mut self, field: &str, count: usize, look: &mut dyn FnMut(&mut Reader, usize)) {
        let before = self.path.enter(field);
        for place in 0..count {
            if self.full() {
                break;
            }
            let before = self.path.enter_item(place);
            look(self, place);
            self.path.leave(before);
        }
        self.path.leave(before);
    }

    /// Something is wrong here.
    pub fn wrong(&mut self, told: &str) {
        if !self.full() {
            self.found.push(Problem::new(self.path.text(), told));
        }
    }

    /// Something else was expected here.
    pub fn expected(&mut self, what: &str, tree: &Tree) {
        self.wrong(&format!("expected {what}, found {}", tree.words()));
    }

    fn unknown(&mut self, what: &str, name: &str, names: &[&str]) {
        if !self.full() {
            self.found.push(Problem::unknown(self.path.text(), what, name, names.iter().copied()));
        }
    }

    /// Reads one thing in a field.
    pub fn field(&mut self, name: &str, tree: &Tree, into: &mut dyn Schema) {
        let before = self.path.enter(name);
        into.read(tree, self);
        self.path.leave(before);
    }

    /// A field is there a second time.
    fn twice(&mut self, name: &str) {
        self.wrong(&format!("the field `{name}` is there twice"));
    }

    fn fields<'t>(&mut self, tree: &'t Tree) -> &'t [(String, Tree)] {
        if let Tree::Fields(fields) = tree {
            return fields;
        }
        self.expected("a table of fields", tree);
        &[]
    }

    fn items<'t>(&mut self, tree: &'t Tree) -> &'t [Tree] {
        if let Tree::List(items) = tree {
            return items;
        }
        self.expected("a list", tree);
        &[]
    }

    /// Reads a structure: each field into its slot.
    pub fn structure(&mut self, tree: &Tree, slots: &mut [Slot<'_>]) {
        let mut seen = 0u64;
        let mut complete = matches!(tree, Tree::Fields(_));
        for (name, tree) in self.fields(tree) {
            let Some(place) = slots.iter().position(|(known, ..)| known == name) else {
                if !self.full() {
                    let names: Vec<&str> = slots.iter().map(|(known, ..)| *known).collect();
                    self.unknown("field", name, &names);
                }
                // What is missing is most likely what was misspelt.
                complete = false;
                continue;
            };
            if seen & 1 << place != 0 {
                self.twice(name);
            }
            seen |= 1 << place;
            self.field(name, tree, slots[place].2);
        }
        for (place, (name, need, _)) in slots.iter().enumerate() {
            if complete && *need == Need::Required && seen & 1 << place == 0 {
                self.wrong(&format!("missing field `{name}`"));
            }
        }
    }

    /// Reads a choice: goes to the word that stands there; gives back what belongs to it, and where to return to.
    pub fn choice<'t>(&mut self, tree: &'t Tree, words: &[&'static str]) -> Option<(&'static str, &'t Tree, usize)> {
        let Tree::Fields(fields) = tree else {
            let first = words.first().unwrap_or(&"");
            let words = words.join(", ");
            self.expected(&format!("one of the words {words} with what belongs to it, as in {{ {first} = … }}"), tree);
            return None;
        };
        let [(word, inner)] = &**fields else {
            self.wrong(&format!("expected one of the words {}, found {} of them", words.join(", "), fields.len()));
            return None;
        };
        let place = self.place_of(word, words)?;
        Some((words[place], inner, self.path.enter(word)))
    }

    /// Reads a word with which nothing stands; gives back its place among the others.
    fn word_alone(&mut self, tree: &Tree, words: &[&str]) -> usize {
        let Tree::Text(word) = tree else {
            self.expected(&format!("one of the words {}", words.join(", ")), tree);
            return 0;
        };
        self.place_of(word, words).unwrap_or(0)
    }

    fn place_of(&mut self, word: &str, words: &[&str]) -> Option<usize> {
        let place = words.iter().position(|known| *known == word);
        if place.is_none() {
            self.unknown("word", word, words);
        }
        place
    }

    /// Returns from a choice.
    pub fn leave(&mut self, before: usize) {
        self.path.leave(before);
    }

    /// Reads a list of so many things.
    fn tuple(&mut self, tree: &Tree, parts: &mut [&mut dyn Schema]) {
        let items = self.items(tree);
        if items.len() != parts.len() && matches!(tree, Tree::List(_)) {
            return self.expected(&format!("a list of {}", parts.len()), tree);
        }
        for (place, (item, part)) in items.iter().zip(parts).enumerate() {
            let before = self.path.enter_item(place);
            part.read(item, self);
            self.path.leave(before);
        }
    }

    fn whole(&mut self, tree: &Tree, most: u64) -> u64 {
        let number = if let Tree::Number(number) = tree { number.parse().ok() } else { None };
        let number = number.filter(|number| *number <= most);
        if number.is_none() {
            self.expected(&format!("a whole number from 0 to {most}"), tree);
        }
        number.unwrap_or(0)
    }

    fn number(&mut self, tree: &Tree) -> f64 {
        let number = if let Tree::Number(number) = tree { read_number(number) } else { None };
        if number.is_none() {
            self.expected("a number", tree);
        }
        number.unwrap_or(0.0)
    }

    fn text<'t>(&mut self, tree: &'t Tree) -> &'t str {
        if let Tree::Text(text) = tree {
            return text;
        }
        self.expected("a text", tree);
        ""
    }

    fn span(&mut self, tree: &Tree) -> Micros {
        let Tree::Text(text) = tree else {
            self.expected("a length of time such as \"40ms\"", tree);
            return Micros::ZERO;
        };
        Micros::parse(text).unwrap_or_else(|told| {
            self.wrong(&told);
            Micros::ZERO
        })
    }
}

/// Writes a structure: what does not go without saying.
pub fn write_structure(json: &mut String, fields: &[(&'static str, Need, &dyn Schema)]) {
    json.push('{');
    let mut first = true;
    for (name, need, value) in fields {
        if *need == Need::Silent && value.silent() {
            continue;
        }
        write_name(json, &mut first, name);
        value.write(json);
    }
    json.push('}');
}

/// Writes the word of a choice, and the opening before what belongs to it; a `}` ends both.
pub fn write_word(json: &mut String, word: &str) {
    json.push('{');
    write_name(json, &mut true, word);
}

fn write_name(json: &mut String, first: &mut bool, name: &str) {
    if !std::mem::take(first) {
        json.push(',');
    }
    write_text(name, json);
    json.push(':');
}

fn write_list(json: &mut String, items: &mut dyn Iterator<Item = &dyn Schema>) {
    json.push('[');
    for (place, item) in items.enumerate() {
        if place > 0 {
            json.push(',');
        }
        item.write(json);
    }
    json.push(']');
}

/// Declares a structure, or an enumeration of words with what belongs to each, that documents or links have a form for.
/// A field is required, or has a usual value after `=`, or is marked `[silent]`: it goes without saying.
macro_rules! schema {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$fmeta:meta])* $fvis:vis $field:ident: $type:ty $([$silent:ident])? $(= $usual:expr)?,)*
    }) => {
        $(#[$meta])*
        $vis struct $name {
            $($(#[$fmeta])* $fvis $field: $type,)*
        }

        impl $crate::scenario::schema::Schema for $name {
            fn blank() -> Self {
                Self { $($field: $crate::scenario::schema::schema!(@blank $type $(, $usual)?),)* }
            }
            fn names() -> &'static [&'static str] {
                &[$(stringify!($field)),*]
            }
            fn read(&mut self, tree: &$crate::scenario::Tree, reader: &mut $crate::scenario::schema::Reader) {
                reader.structure(tree, &mut [$((
                    stringify!($field),
                    $crate::scenario::schema::schema!(@need $(= $usual)? $($silent)?),
                    &mut self.$field,
                )),*]);
            }
            fn write(&self, json: &mut String) {
                $crate::scenario::schema::write_structure(json, &[$((
                    stringify!($field),
                    $crate::scenario::schema::schema!(@need $(= $usual)? $($silent)?),
                    &self.$field,
                )),*]);
            }
        }
    };

    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $(
            $(#[$vmeta:meta])* $variant:ident = $word:literal
            $({ $($(#[$fmeta:meta])* $field:ident: $type:ty $([$silent:ident])? $(= $usual:expr)?,)* })?
            $(($inner:ident: $itype:ty))?,
        )*
    }) => {
        $(#[$meta])*
        $vis enum $name {
            $($(#[$vmeta])* $variant $({ $($(#[$fmeta])* $field: $type),* })? $(($itype))?,)*
        }

        impl $name {
            /// The word that it begins with.
            pub fn word(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $word,)*
                }
            }
        }

        impl $crate::scenario::schema::Schema for $name {
            fn blank() -> Self {
                $crate::scenario::schema::schema!(@first $name $($variant $({ $($field: $type),* })? $(($itype))?,)*)
            }
            fn names() -> &'static [&'static str] {
                &[$($word),*]
            }
            fn read(&mut self, tree: &$crate::scenario::Tree, reader: &mut $crate::scenario::schema::Reader) {
                let Some((word, tree, before)) = reader.choice(tree, Self::names()) else { return };
                match word {
                    $($word => {
                        $(
                            $(let mut $field = $crate::scenario::schema::schema!(@blank $type $(, $usual)?);)*
                            reader.structure(tree, &mut [$((
                                stringify!($field),
                                $crate::scenario::schema::schema!(@need $(= $usual)? $($silent)?),
                                &mut $field,
                            )),*]);
                            *self = Self::$variant { $($field),* };
                        )?
                        $(
                            let mut $inner = <$itype as $crate::scenario::schema::Schema>::blank();
                            $inner.read(tree, reader);
                            *self = Self::$variant($inner);
                        )?
                    })*
                    _ => {}
                }
                reader.leave(before);
            }
            fn write(&self, json: &mut String) {
                $crate::scenario::schema::write_word(json, self.word());
                match self {
                    $(Self::$variant $({ $($field),* })? $(($inner))? => {
                        $($crate::scenario::schema::write_structure(json, &[$((
                            stringify!($field),
                            $crate::scenario::schema::schema!(@need $(= $usual)? $($silent)?),
                            $field,
                        )),*]);)?
                        $($inner.write(json);)?
                    })*
                }
                json.push('}');
            }
        }
    };

    (@blank $type:ty) => { <$type as $crate::scenario::schema::Schema>::blank() };
    (@blank $type:ty, $usual:expr) => { $usual };
    (@need) => { $crate::scenario::schema::Need::Required };
    (@need = $usual:expr) => { $crate::scenario::schema::Need::Usual };
    (@need silent) => { $crate::scenario::schema::Need::Silent };
    (@first $name:ident $variant:ident { $($field:ident: $type:ty),* }, $($rest:tt)*) => {
        $name::$variant { $($field: <$type as $crate::scenario::schema::Schema>::blank()),* }
    };
    (@first $name:ident $variant:ident ($type:ty), $($rest:tt)*) => {
        $name::$variant(<$type as $crate::scenario::schema::Schema>::blank())
    };
}
pub(crate) use schema;
