//! What structures consist of in the end: numbers, texts, times, laws, words, and lists and tables of these.

use std::rc::Rc;

use crate::scenario::tree::{Tree, write_number, write_text};
use crate::scenario::{FaultKind, Layout};
use crate::sim::{Choice, Discipline, Dist, Micros, Table, Time, Value};
use crate::trace::Stat;

use super::{Need, Reader, Schema, write_list, write_name, write_structure, write_word};

/// What reads and writes itself by an expression each.
macro_rules! plain {
    ($($type:ty, $blank:expr, |$tree:ident, $reader:ident| $read:expr, |$value:ident, $json:ident| $write:expr,
       $silent:expr;)*) => {
        $(impl Schema for $type {
            fn blank() -> Self {
                $blank
            }
            fn read(&mut self, $tree: &Tree, $reader: &mut Reader) {
                *self = $read;
            }
            fn write(&self, $json: &mut String) {
                let $value = self;
                $write;
            }
            fn silent(&self) -> bool {
                let silent: fn(&$type) -> bool = $silent;
                silent(self)
            }
        })*
    };
}

plain! {
    bool, false,
        |tree, reader| {
            if !matches!(tree, Tree::Flag(_)) {
                reader.expected("true or false", tree);
            }
            *tree == Tree::Flag(true)
        },
        |flag, json| json.push_str(if *flag { "true" } else { "false" }), |flag| !flag;
    u32, 0, |tree, reader| reader.whole(tree, u64::from(u32::MAX)) as u32,
        |number, json| json.push_str(&number.to_string()), |_| false;
    u64, 0, |tree, reader| reader.whole(tree, u64::MAX), |number, json| json.push_str(&number.to_string()), |_| false;
    i32, 0,
        |tree, reader| {
            let number = if let Tree::Number(number) = tree { number.parse().ok() } else { None };
            if number.is_none() {
                reader.expected("a whole number", tree);
            }
            number.unwrap_or(0)
        },
        |number, json| json.push_str(&number.to_string()), |_| false;
    f64, 0.0, |tree, reader| reader.number(tree), |number, json| write_number(*number, json),
        // Minus zero is another number to a digest.
        |number| number.to_bits() == 0;
    String, String::new(), |tree, reader| reader.text(tree).to_owned(), |text, json| write_text(text, json),
        String::is_empty;
    Micros, Micros::ZERO, |tree, reader| reader.span(tree), |span, json| write_text(&span.to_string(), json), |_| false;
    Time, Time::ZERO, |tree, reader| Time(reader.span(tree).0),
        |time, json| write_text(&Micros(time.0).to_string(), json), |_| false;
    Value, Value::Flag(false),
        |tree, reader| match tree {
            Tree::Flag(flag) => Value::Flag(*flag),
            Tree::Number(_) => Value::Number(reader.number(tree)),
            Tree::Text(text) => Value::Text(Rc::from(&**text)),
            _ => {
                reader.expected("a number, a text such as \"40ms\", true or false", tree);
                return;
            }
        },
        |value, json| match value {
            Value::Flag(flag) => flag.write(json),
            Value::Number(number) => number.write(json),
            Value::Text(text) => write_text(text, json),
        },
        |_| false;
}

impl Schema for Dist {
    fn blank() -> Dist {
        Dist::default()
    }
    fn names() -> &'static [&'static str] {
        &[
            "constant",
            "uniform",
            "exponential",
            "lognormal",
            "empirical",
            "erlang",
            "hyperexponential",
            "pareto",
            "weibull",
            "normal",
            "mixture",
            "shifted",
        ]
    }
    fn read(&mut self, tree: &Tree, reader: &mut Reader) {
        use Need::Required;
        let Some((word, tree, before)) = reader.choice(tree, Dist::names()) else { return };
        let (mut one, mut other) = (Micros::ZERO, Micros::ZERO);
        let mut both = |one_name, other_name| {
            reader.structure(tree, &mut [(one_name, Required, &mut one), (other_name, Required, &mut other)]);
        };
        *self = match word {
            "constant" => Dist::Constant(reader.span(tree)),
            "uniform" => {
                both("min", "max");
                Dist::Uniform { min: one, max: other }
            }
            "exponential" => {
                reader.structure(tree, &mut [("mean", Required, &mut one)]);
                Dist::Exponential { mean: one }
            }
            "lognormal" => {
                both("median", "p99");
                Dist::Lognormal { median: one, p99: other }
            }
            "normal" => {
                both("mean", "sd");
                Dist::Normal { mean: one, sd: other }
            }
            "empirical" => {
                let mut quantiles: Vec<Micros> = Vec::new();
                quantiles.read(tree, reader);
                Dist::Empirical(quantiles.into())
            }
            "mixture" => {
                let mut parts: Vec<Part> = Vec::new();
                parts.read(tree, reader);
                Dist::Mixture(parts.into_iter().map(|part| (part.share, part.law)).collect())
            }
            "shifted" => {
                let mut law = Dist::default();
                reader.structure(tree, &mut [("by", Required, &mut one), ("law", Required, &mut law)]);
                Dist::Shifted { by: one, law: law.into() }
            }
            word => shaped(word, tree, reader),
        };
        reader.leave(before);
    }
    fn write(&self, json: &mut String) {
        use Need::Required;
        let (word, fields): (_, &[(_, _, &dyn Schema)]) = match self {
            Dist::Constant(span) => {
                write_word(json, "constant");
                span.write(json);
                return json.push('}');
            }
            Dist::Uniform { min, max } => ("uniform", &[("min", Required, min), ("max", Required, max)]),
            Dist::Exponential { mean } => ("exponential", &[("mean", Required, mean)]),
            Dist::Lognormal { median, p99 } => ("lognormal", &[("median", Required, median), ("p99", Required, p99)]),
            Dist::Empirical(quantiles) => {
                write_word(json, "empirical");
                write_list(json, &mut quantiles.iter().map(|span| span as &dyn Schema));
                return json.push('}');
            }
            Dist::Erlang { shape, mean } => ("erlang", &[("shape", Required, shape), ("mean", Required, mean)]),
            Dist::Hyperexponential { mean, cv2 } => {
                ("hyperexponential", &[("mean", Required, mean), ("cv2", Required, cv2)])
            }
            Dist::Pareto { min, shape, max } => {
                ("pareto", &[("min", Required, min), ("shape", Required, shape), ("max", Need::Silent, max)])
            }
            Dist::Weibull { scale, shape } => ("weibull", &[("scale", Required, scale), ("shape", Required, shape)]),
            Dist::Normal { mean, sd } => ("normal", &[("mean", Required, mean), ("sd", Required, sd)]),
            Dist::Shifted { by, law } => ("shifted", &[("by", Required, by), ("law", Required, &**law)]),
            Dist::Mixture(parts) => {
                write_word(json, "mixture");
                let parts: Vec<Part> = parts.iter().cloned().map(|(share, law)| Part { share, law }).collect();
                parts.write(json);
                return json.push('}');
            }
        };
        write_word(json, word);
        write_structure(json, fields);
        json.push('}');
    }
}

/// A law with a number among its fields.
fn shaped(word: &str, tree: &Tree, reader: &mut Reader) -> Dist {
    use Need::{Required, Silent};
    let (mut span, mut number, mut max, mut whole) = (Micros::ZERO, 0.0, None, 0_u32);
    match word {
        "erlang" => {
            reader.structure(tree, &mut [("shape", Required, &mut whole), ("mean", Required, &mut span)]);
            Dist::Erlang { shape: whole, mean: span }
        }
        "hyperexponential" => {
            reader.structure(tree, &mut [("mean", Required, &mut span), ("cv2", Required, &mut number)]);
            Dist::Hyperexponential { mean: span, cv2: number }
        }
        "weibull" => {
            reader.structure(tree, &mut [("scale", Required, &mut span), ("shape", Required, &mut number)]);
            Dist::Weibull { scale: span, shape: number }
        }
        _ => {
            let slots = &mut [
                ("min", Required, &mut span as &mut dyn Schema),
                ("shape", Required, &mut number),
                ("max", Silent, &mut max),
            ];
            reader.structure(tree, slots);
            Dist::Pareto { min: span, shape: number, max }
        }
    }
}

super::schema! {
    /// A law of a mixture.
    #[derive(Clone, Debug, PartialEq)]
    struct Part {
        /// Its share, of the sum of all.
        share: f64,
        /// The law.
        law: Dist,
    }
}

/// Words of [`choice!`](crate::choice).
macro_rules! words {
    ($($type:ty),*) => {
        $(impl Schema for $type {
            fn blank() -> $type {
                <$type>::ALL[0]
            }
            fn names() -> &'static [&'static str] {
                <$type>::WORDS
            }
            fn read(&mut self, tree: &Tree, reader: &mut Reader) {
                *self = <$type>::ALL[reader.word_alone(tree, <$type>::WORDS)];
            }
            fn write(&self, json: &mut String) {
                write_text(<$type>::WORDS[self.index()], json);
            }
        })*
    };
}

words! { Discipline, FaultKind, Layout, Stat }

impl<T: Schema> Schema for Option<T> {
    fn blank() -> Self {
        None
    }
    fn read(&mut self, tree: &Tree, reader: &mut Reader) {
        *self = None;
        if *tree != Tree::Nothing {
            self.insert(T::blank()).read(tree, reader);
        }
    }
    fn write(&self, json: &mut String) {
        match self {
            Some(value) => value.write(json),
            None => json.push_str("null"),
        }
    }
    fn silent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Schema> Schema for Box<T> {
    fn blank() -> Self {
        Box::new(T::blank())
    }
    fn read(&mut self, tree: &Tree, reader: &mut Reader) {
        (**self).read(tree, reader);
    }
    fn write(&self, json: &mut String) {
        (**self).write(json);
    }
}

impl<T: Schema + Clone> Schema for Rc<T> {
    fn blank() -> Self {
        Rc::new(T::blank())
    }
    fn read(&mut self, tree: &Tree, reader: &mut Reader) {
        let mut value = T::blank();
        value.read(tree, reader);
        *self = Rc::new(value);
    }
    fn write(&self, json: &mut String) {
        (**self).write(json);
    }
}

impl<T: Schema> Schema for Vec<T> {
    fn blank() -> Self {
        Vec::new()
    }
    fn read(&mut self, tree: &Tree, reader: &mut Reader) {
        for (place, item) in reader.items(tree).iter().enumerate() {
            if reader.full() {
                return;
            }
            let before = reader.path.enter_item(place);
            let mut value = T::blank();
            value.read(item, reader);
            self.push(value);
            reader.path.leave(before);
        }
    }
    fn write(&self, json: &mut String) {
        write_list(json, &mut self.iter().map(|item| item as &dyn Schema));
    }
    fn silent(&self) -> bool {
        self.is_empty()
    }
}

impl<A: Schema, B: Schema> Schema for (A, B) {
    fn blank() -> Self {
        (A::blank(), B::blank())
    }
    fn read(&mut self, tree: &Tree, reader: &mut Reader) {
        reader.tuple(tree, &mut [&mut self.0, &mut self.1]);
    }
    fn write(&self, json: &mut String) {
        write_list(json, &mut [&self.0 as &dyn Schema, &self.1].into_iter());
    }
}

/// How many entries a table by names may have: far more than anything has settings, or a link moves.
const MAX_ENTRIES: usize = 4_096;

/// By name.
impl<T: Schema> Schema for Table<String, T> {
    fn blank() -> Self {
        Table::new()
    }
    fn read(&mut self, tree: &Tree, reader: &mut Reader) {
        let fields = reader.fields(tree);
        if fields.len() > MAX_ENTRIES {
            return reader.wrong(&format!("there are {}; {MAX_ENTRIES} is the limit", fields.len()));
        }
        for (name, tree) in fields {
            if reader.full() {
                return;
            }
            if self.contains_key(name) {
                reader.twice(name);
            }
            let mut value = T::blank();
            reader.field(name, tree, &mut value);
            self.insert(name.clone(), value);
        }
    }
    fn write(&self, json: &mut String) {
        json.push('{');
        let mut first = true;
        for (name, value) in self.iter() {
            write_name(json, &mut first, name);
            value.write(json);
        }
        json.push('}');
    }
    fn silent(&self) -> bool {
        self.is_empty()
    }
}
