//! THE DOCUMENT: groups, links, load, cues, dials, checks, lesson; one schema, and the run that it describes.

mod act;
mod builtin;
mod condition;
mod document;
pub mod manual;
mod plan;
mod problem;
mod promise;
mod run;
pub mod schema;
mod tree;
mod validate;
mod watched;

pub use act::{Act, Meant};
pub use builtin::{OPENING, SHELVES, builtin, builtins, in_order, title, titles};
pub use condition::{Condition, GLANCE, MAX_DEPTH, STATES, Surroundings, Watch};
pub use document::{
    Cue, Deed, Dial, Document, Group, Layout, Lesson, LinkRule, Load, LoadStep, Region, Simplification, Step, Task,
    Vital, VitalLine,
};
pub use plan::{FaultKind, FaultPlan, MAX_AT_ONCE, MAX_PLANS, MIN_EVERY};
pub use problem::{Problem, hidden};
pub use promise::{CheckRule, Promise};
pub use run::{MAX_VIOLATIONS, Run, Sink};
pub use tree::{MAX_NESTING, Tree};
pub use validate::{MAX_DOCUMENT, dial_range};
pub use watched::MAX_WAITING;
