//! A moment: the small value that a link, a bug report, a golden test and an exported film all are.

use std::rc::Rc;

use crate::scenario::schema::schema;
use crate::scenario::{Act, Document};
use crate::sim::{Time, Value};

/// How many acts a history may hold.
pub const MAX_ACTS: usize = 2_000;

schema! {
    /// Something that was done, and when.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Stamped {
        /// When: after everything else in this microsecond.
        pub at: Time,
        /// What.
        pub act: Act,
    }
}

schema! {
    /// Where one stands in a run.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Cursor {
        /// The instant.
        pub at: Time,
        /// How many steps have been taken since the beginning, where the instant is not complete; otherwise all of it has
        /// happened.
        pub steps: Option<u64> [silent],
    }
}

/// Where a document comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// It is built in.
    Builtin {
        /// Its name.
        name: String,
        /// Its revision.
        revision: u32,
    },
    /// It travels along.
    Whole(Rc<Document>),
}

/// A history and a place in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// The document.
    pub document: Rc<Document>,
    /// The seed.
    pub seed: u64,
    /// Dials set before the start.
    pub settings: Vec<(String, Value)>,
    /// What was done, in order.
    pub acts: Vec<Stamped>,
    /// Where one stands.
    pub cursor: Cursor,
}

impl Moment {
    /// Where its document comes from: a built-in one that was not changed travels by its name.
    pub fn source(&self) -> Source {
        let document = &self.document;
        match crate::scenario::builtin(&document.name) {
            Ok(known) if known == **document => Source::Builtin { name: known.name, revision: known.revision },
            _ => Source::Whole(document.clone()),
        }
    }
}
