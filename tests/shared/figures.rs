//! What the tests of figures share: a built-in scenario with changes, what was measured in a run of it, and how near that
//! comes to the formula.
#![allow(dead_code, reason = "no test uses all of it")]

use std::collections::BTreeMap;
use std::rc::Rc;

use faultline::components::{Record, What};
use faultline::scenario::{Document, Run, Sink};
use faultline::sim::{Time, Value as Setting};
use toml::{Table, Value};

/// Everything that was measured, by name.
#[derive(Default)]
pub struct Measured(BTreeMap<&'static str, Vec<u64>>);

impl Sink for Measured {
    fn take(&mut self, record: Record) {
        if let What::Measure { name, value } = record.what {
            self.0.entry(name).or_default().push(value);
        }
    }
}

impl Measured {
    pub fn of(&self, name: &str) -> &[u64] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
    pub fn count(&self, name: &str) -> f64 {
        self.of(name).len() as f64
    }
    /// In seconds.
    pub fn mean(&self, name: &str) -> f64 {
        self.of(name).iter().sum::<u64>() as f64 / self.count(name) / 1e6
    }
}

/// A built-in scenario with changes to its document.
pub fn whole_scenario(name: &str, settings: &[(&str, Setting)], edit: impl Fn(&mut Table)) -> Rc<Document> {
    let path = format!("{}/static/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let mut whole: Table = toml::from_str(&std::fs::read_to_string(path).expect("it is there")).expect("it is TOML");
    edit(&mut whole);
    let document = Document::from_toml(&toml::to_string(&whole).expect("it is TOML"));
    let settings: Vec<_> = settings.iter().map(|(dial, value)| ((*dial).to_owned(), value.clone())).collect();
    Rc::new(document.unwrap_or_else(|problems| panic!("{problems:?}")).with_settings(&settings).expect("dials"))
}

/// A built-in scenario with changes to its document, without its cues, its lesson and its checks, which would only cost time.
pub fn scenario(name: &str, settings: &[(&str, Setting)], edit: impl Fn(&mut Table)) -> Rc<Document> {
    whole_scenario(name, settings, |whole| {
        for part in ["cues", "checks", "lesson"] {
            whole.remove(part);
        }
        edit(whole);
    })
}

/// What a sink has after so many seconds.
pub fn ran<S: Sink + Default>(document: Rc<Document>, seed: u64, seconds: f64) -> S {
    let (mut sink, mut run) = (S::default(), Run::new(document, seed).expect("it has no problems"));
    run.run_until(Time((seconds * 1e6) as u64), &mut sink);
    sink
}

/// Always the same time, as a document says it.
pub fn constant(span: &str) -> Value {
    Value::Table(Table::from_iter([("constant".to_owned(), Value::String(span.to_owned()))]))
}

/// Every message takes so long: the formulas know of nothing else.
pub fn every_way_takes(whole: &mut Table, span: &str) {
    for link in whole["links"].as_array_mut().expect("links") {
        link.as_table_mut().expect("a link").insert("delay".to_owned(), constant(span));
    }
}

#[track_caller]
pub fn near(what: &str, found: f64, expected: f64, tolerance: f64) {
    println!("{what}: {found:.4}, by the formula {expected:.4}");
    assert!((found - expected).abs() <= tolerance, "{what}: {found} and not {expected} ± {tolerance}");
}
