//! The scenario document: one schema, written in TOML by authors and in JSON by links. `docs/scenario.md` says what
//! each field means to an author; a test holds the two together.

use serde::{Deserialize, Serialize};

use crate::components::Settings;
use crate::sim::{Dist, Micros, Time};
use crate::trace::Stat;

use super::{Act, Condition};

/// A scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// What links call it: lower case letters, digits and hyphens.
    pub name: String,
    /// Counts up whenever a change would make an old link show another run.
    #[serde(default = "one")]
    pub revision: u32,
    /// What people call it.
    pub title: String,
    /// One sentence: what one is looking at.
    #[serde(default)]
    pub summary: String,
    /// One line for someone who has never been here: what to try.
    #[serde(default)]
    pub hint: String,
    /// The seed when a link names none.
    #[serde(default = "one_seed")]
    pub seed: u64,
    /// How far the tape reaches when it is new; it grows as the run goes on.
    #[serde(default = "minute")]
    pub length: Micros,
    /// How fast it opens: simulated seconds a second.
    #[serde(default = "real_time")]
    pub speed: f64,
    /// How the components are arranged.
    #[serde(default)]
    pub layout: Layout,
    /// The components.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// Which groups are wired to which.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<LinkRule>,
    /// How much is asked of it, over time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load: Vec<Load>,
    /// What happens by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cues: Vec<Cue>,
    /// What a reader may turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dials: Vec<Dial>,
    /// What must hold, by the names of the checks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<String>,
    /// The small charts beside the stage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vitals: Vec<Vital>,
    /// What it teaches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lesson: Option<Lesson>,
    /// What is simpler here than in the world.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub simplifications: Vec<Simplification>,
}

/// How the components are arranged on the stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// In columns by their group's tier, left to right; in rows on a narrow screen.
    #[default]
    Tiers,
    /// On a circle.
    Ring,
    /// On a grid.
    Grid,
}

/// Components that are alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// What the rest of the document calls it.
    pub name: String,
    /// The kind of component.
    pub kind: String,
    /// What its members are called: this, a hyphen and an ordinal. The group's name when silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The caption over it on the stage. The group's name when silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How many there are at the start.
    #[serde(default = "one")]
    pub count: u32,
    /// Which column of the stage it stands in. One after the group before it when silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<u32>,
    /// How many messages a member serves at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<u32>,
    /// How long a member takes over a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Dist>,
    /// How many messages may wait at a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbox: Option<u32>,
    /// How long a write takes to be on a member's disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<Dist>,
    /// How long a member takes to boot after the start of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup: Option<Micros>,
    /// The component's own settings.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub config: Settings,
}

/// Every member of the one group is wired to every member of the other, both ways; newcomers too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkRule {
    /// The two groups; the same one twice wires its members to one another.
    pub between: (String, String),
    /// How long a message is under way, each way. Lognormal with median 2 ms and p99 6 ms when silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Dist>,
    /// The share of messages that is lost, 0 to 1.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub loss: f64,
    /// Whether messages arrive in the order in which they were sent.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fifo: bool,
}

/// A setting that changes over time: how much is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// The group that makes the load.
    pub group: String,
    /// The setting that says how much.
    pub field: String,
    /// From when on it is how much.
    pub steps: Vec<LoadStep>,
}

/// From an instant on, a setting has a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadStep {
    /// From when on.
    pub at: Time,
    /// The value.
    pub value: crate::sim::Value,
}

/// Something that happens by itself: at an instant, or as soon as a condition holds, once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cue {
    /// When. Either this or `when`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// As soon as what holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// What is done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<Act>,
    /// What the page says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub say: String,
}

/// Something a reader may turn: a setting of every member of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dial {
    /// What links and the command line call it.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// The group.
    pub group: String,
    /// The setting.
    pub field: String,
    /// The least value; the setting's own when silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The greatest value; the setting's own when silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

/// A small chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vital {
    /// Its caption.
    pub title: String,
    /// Its lines.
    pub lines: Vec<VitalLine>,
}

/// A line of a small chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VitalLine {
    /// The measure, as components name it.
    pub measure: String,
    /// What about it.
    pub stat: Stat,
    /// Divided by the rate of this measure: a share, in per cent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

/// What a scenario teaches: a few steps, one idea each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lesson {
    /// The steps.
    pub steps: Vec<Step>,
}

/// One idea.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its title.
    pub title: String,
    /// Its text. `{sender|message sender}` is a word in the colour and shape of a kind of component.
    pub text: String,
    /// What a reader may try.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Task>,
}

/// Something to try; it ticks itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// What to do.
    pub text: String,
    /// When it is done.
    pub done: Condition,
}

/// Something that is simpler here than in the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Simplification {
    /// What.
    pub what: String,
    /// Where one can read how it really is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

fn one() -> u32 {
    1
}
fn one_seed() -> u64 {
    1
}
fn minute() -> Micros {
    Micros::secs(60)
}
fn real_time() -> f64 {
    1.0
}
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}
fn is_false(value: &bool) -> bool {
    !*value
}
