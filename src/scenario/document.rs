//! The scenario document: one schema, written in TOML by authors and in JSON by links. `docs/scenario.md` says what
//! each field means to an author; a test holds the two together.

use crate::components::Settings;
use crate::sim::{Discipline, Dist, Micros, Time};
use crate::trace::Stat;

use super::schema::schema;
use super::{Act, CheckRule, Condition, FaultPlan, Meant};

schema! {
    /// A scenario.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Document {
        /// What links call it: lower case letters, digits and hyphens.
        pub name: String,
        /// Counts up whenever a change would make an old link show another run.
        pub revision: u32 = 1,
        /// What people call it.
        pub title: String,
        /// One sentence: what one is looking at.
        pub summary: String = String::new(),
        /// One line for someone who has never been here: what to try.
        pub hint: String = String::new(),
        /// The seed when a link names none.
        pub seed: u64 = 1,
        /// How far the tape reaches when it is new; it grows as the run goes on.
        pub length: Micros = Micros::secs(60),
        /// How fast it opens: simulated seconds a second.
        pub speed: f64 = 1.0,
        /// How the components are arranged.
        pub layout: Layout = Layout::Tiers,
        /// The components.
        pub groups: Vec<Group> = Vec::new(),
        /// Where its zones are, and how far from one another.
        pub regions: Vec<Region> [silent],
        /// Which groups are wired to which.
        pub links: Vec<LinkRule> [silent],
        /// How much is asked of it, over time.
        pub load: Vec<Load> [silent],
        /// What happens by itself.
        pub cues: Vec<Cue> [silent],
        /// What goes wrong by itself, drawn from the seed.
        pub plans: Vec<FaultPlan> [silent],
        /// What a reader may turn.
        pub dials: Vec<Dial> [silent],
        /// What must hold: checks by their names, and promises of its own.
        pub checks: Vec<CheckRule> [silent],
        /// The small charts beside the stage.
        pub vitals: Vec<Vital> [silent],
        /// What it teaches.
        pub lesson: Option<Lesson> [silent],
        /// What is simpler here than in the world.
        pub simplifications: Vec<Simplification> [silent],
    }
}

crate::choice! {
    /// How the components are arranged on the stage.
    #[derive(Default)]
    pub enum Layout {
        /// In columns by their group's tier, left to right; in rows on a narrow screen.
        #[default]
        Tiers = "tiers",
        /// On circles, the last tier innermost.
        Ring = "ring",
        /// On a grid.
        Grid = "grid",
        /// Those who are linked near to one another.
        Force = "force",
        /// In their zones, and these as far apart as messages between them take long.
        Map = "map",
    }
}

schema! {
    /// Components that are alike.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Group {
        /// What the rest of the document calls it.
        pub name: String,
        /// The kind of component.
        pub kind: String,
        /// What its members are called: this, a hyphen and an ordinal. The group's name when silent.
        pub prefix: Option<String> [silent],
        /// The caption over it on the stage. The group's name when silent.
        pub title: Option<String> [silent],
        /// How many there are at the start.
        pub count: u32 = 1,
        /// Which column of the stage it stands in. One after the group before it when silent.
        pub tier: Option<u32> [silent],
        /// In which zones its members stand, one after another in turn.
        pub zones: Vec<String> [silent],
        /// How many messages a member serves at once.
        pub cores: Option<u32> [silent],
        /// How long a member takes over a message.
        pub service: Option<Dist> [silent],
        /// How many messages may wait at a member.
        pub inbox: Option<u32> [silent],
        /// In which order a member serves.
        pub discipline: Option<Discipline> [silent],
        /// How long a write takes to be on a member's disk.
        pub disk: Option<Dist> [silent],
        /// How long a member takes to boot after the start of the run.
        pub startup: Option<Micros> [silent],
        /// The component's own settings.
        pub config: Settings [silent],
    }
}

schema! {
    /// Zones that are near to one another, and how far they are from the other regions.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Region {
        /// Its name.
        pub name: String,
        /// Its zones; when silent it is one.
        pub zones: Vec<String> [silent],
        /// Where it is on a map: degrees east and degrees north.
        pub at: Option<(f64, f64)> [silent],
        /// How long a message takes to each region, in their order; half of it to this one and half of it back.
        pub round_trip: Vec<Micros> [silent],
        /// Or how long a message takes there.
        pub one_way: Vec<Micros> [silent],
    }
}

schema! {
    /// Every member of the one group is wired to every member of the other, both ways; newcomers too.
    #[derive(Clone, Debug, PartialEq)]
    pub struct LinkRule {
        /// The two groups; the same one twice wires its members to one another.
        pub between: (String, String),
        /// How long a message is under way, each way. Lognormal with median 2 ms and p99 6 ms when silent.
        pub delay: Option<Dist> [silent],
        /// The share of messages that is lost, 0 to 1.
        pub loss: f64 [silent],
        /// Whether messages arrive in the order in which they were sent.
        pub fifo: bool [silent],
        /// The share of messages that comes twice, 0 to 1.
        pub duplicate: f64 [silent],
        /// The share of messages that takes a detour and is overtaken, 0 to 1.
        pub reorder: f64 [silent],
        /// How much longer a detour is. Lognormal with median 20 ms and p99 100 ms when silent.
        pub detour: Option<Dist> [silent],
        /// How many bytes it takes on a second; any number at once when silent.
        pub bandwidth: Option<u64> [silent],
        /// How many bytes may wait to be taken on. 65 536 when silent.
        pub queue: Option<u32> [silent],
    }
}

schema! {
    /// A setting that changes over time: how much is asked.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Load {
        /// The group that makes the load.
        pub group: String,
        /// The setting that says how much.
        pub field: String,
        /// From when on it is how much.
        pub steps: Vec<LoadStep>,
    }
}

schema! {
    /// From an instant on, a setting has a value.
    #[derive(Clone, Debug, PartialEq)]
    pub struct LoadStep {
        /// From when on.
        pub at: Time,
        /// The value.
        pub value: crate::sim::Value,
    }
}

schema! {
    /// Something that happens by itself: at an instant, or as soon as a condition holds, once.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Cue {
        /// When. Either this or `when`.
        pub at: Option<Time> [silent],
        /// As soon as what holds.
        pub when: Option<Condition> [silent],
        /// What is done.
        pub then: Vec<Act> [silent],
        /// What the page says.
        pub say: String [silent],
    }
}

schema! {
    /// Something a reader may turn: a setting of every member of a group.
    #[derive(Clone, Debug, PartialEq)]
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
        pub min: Option<f64> [silent],
        /// The greatest value; the setting's own when silent.
        pub max: Option<f64> [silent],
    }
}

schema! {
    /// A small chart.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Vital {
        /// Its caption.
        pub title: String,
        /// Its lines.
        pub lines: Vec<VitalLine>,
    }
}

schema! {
    /// A line of a small chart.
    #[derive(Clone, Debug, PartialEq)]
    pub struct VitalLine {
        /// The measure, as components name it.
        pub measure: String,
        /// What about it.
        pub stat: Stat,
        /// Divided by the rate of this measure: a share, in per cent.
        pub of: Option<String> [silent],
    }
}

schema! {
    /// What a scenario teaches: a few steps, one idea each.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Lesson {
        /// The steps.
        pub steps: Vec<Step>,
    }
}

schema! {
    /// One idea.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Step {
        /// Its title.
        pub title: String,
        /// Its text. `{sender|message sender}` is a word in the colour and shape of a kind of component.
        pub text: String,
        /// What a reader may try.
        pub tasks: Vec<Task> [silent],
    }
}

schema! {
    /// Something to try; it ticks itself.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Task {
        /// What to do.
        pub text: String,
        /// When it is done.
        pub done: Condition,
        /// What does it, one after another, for a reader who wants to be shown and for a lecture.
        pub show: Vec<Deed> [silent],
    }
}

schema! {
    /// An act that shows how a task is done.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Deed {
        /// How long after the one before it.
        pub wait: Micros = Micros::ZERO,
        /// What is done. `@leader`, `@servers:follower` and `@star` name the first component that is that just then.
        pub act: Meant,
    }
}

schema! {
    /// Something that is simpler here than in the world.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Simplification {
        /// What.
        pub what: String,
        /// Where one can read how it really is.
        pub source: String [silent],
    }
}
