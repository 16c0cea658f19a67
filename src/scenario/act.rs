//! Acts: what a person, a cue, a plan or a link does to a run, by name. The engine's commands are what they come to.

mod commands;
mod meant;
mod words;

use crate::components::World;
use crate::sim::{Dist, Micros, Profile, Refusal, Value};

use super::Document;
use super::schema::schema;
pub use meant::Meant;
pub(super) use meant::named_in;

pub(super) use commands::{border, check_pairs, check_sides, profile_between};

schema! {
    /// Something done to a run. `node` is the name of a node, or of a group: then of each of its members.
    #[derive(Clone, Debug, PartialEq)]
    pub enum Act {
        /// Places a new component: one more of a group, or of a kind that stands alone.
        Add = "add" {
            /// The group, or the kind.
            what: String,
            /// Its name; otherwise after its group.
            name: Option<String> [silent],
        },
        /// Takes a node away for good.
        Remove = "remove" {
            /// Which.
            node: String,
        },
        /// Crashes a node.
        Kill = "kill" {
            /// Which.
            node: String,
            /// Whether its disk is lost with it.
            disk: bool [silent],
        },
        /// Starts a crashed node again.
        Restart = "restart" {
            /// Which.
            node: String,
        },
        /// Makes a node stand still.
        Pause = "pause" {
            /// Which.
            node: String,
        },
        /// Lets a paused node run on.
        Resume = "resume" {
            /// Which.
            node: String,
        },
        /// Makes a node take longer over its work.
        Slow = "slow" {
            /// Which.
            node: String,
            /// How many times as long: 1 is its usual speed; 0.001 to 1000.
            factor: f64,
        },
        /// Sets a node's clock, or how fast it runs.
        Clock = "clock" {
            /// Which.
            node: String,
            /// How far it is ahead of true time; as before when silent.
            ahead: Option<Micros> [silent],
            /// How far it is behind true time.
            behind: Option<Micros> [silent],
            /// How much faster than true time it runs, in parts per million; as before when silent.
            drift: Option<f64> [silent],
        },
        /// Changes a node's disk.
        Disk = "disk" {
            /// Which.
            node: String,
            /// How long a write takes.
            latency: Option<Dist> [silent],
            /// Whether it is full: writes fail.
            full: Option<bool> [silent],
            /// Whether what it has confirmed is kept in a crash.
            sync: Option<bool> [silent],
        },
        /// Makes a node lose a share of its work, while it answers whoever asks how it is.
        Lie = "lie" {
            /// Which.
            node: String,
            /// The share, 0 to 1; 0 is honest.
            share: f64,
            /// Whether it spoils messages that can be spoilt, rather than lose them.
            spoil: bool [silent],
        },
        /// Gives a node more cores, or fewer.
        Cores = "cores" {
            /// Which.
            node: String,
            /// How many.
            count: u32,
        },
        /// Cuts everything between the sides, both ways.
        Partition = "partition" {
            /// Lists of nodes, groups and zones; who is in none of them keeps all links.
            sides: Vec<Vec<String>>,
        },
        /// Cuts everything between a node, group or zone and the rest.
        Isolate = "isolate" {
            /// Which.
            node: String,
        },
        /// Mends every link between a node, group or zone and the rest.
        Rejoin = "rejoin" {
            /// Which.
            node: String,
        },
        /// Mends every cut link.
        HealAll = "heal-all" {},
        /// Links two nodes.
        Wire = "wire" {
            /// The two.
            between: (String, String),
        },
        /// Takes the link between two nodes away.
        Unwire = "unwire" {
            /// The two.
            between: (String, String),
        },
        /// Cuts the links between two nodes or groups.
        Cut = "cut" {
            /// From, to.
            between: (String, String),
            /// Only from the first to the second.
            one_way: bool [silent],
        },
        /// Mends cut links.
        Heal = "heal" {
            /// From, to.
            between: (String, String),
            /// Only from the first to the second.
            one_way: bool [silent],
        },
        /// Makes links keep what they carry.
        Hold = "hold" {
            /// From, to.
            between: (String, String),
            /// Only from the first to the second.
            one_way: bool [silent],
        },
        /// Lets held links go.
        Release = "release" {
            /// From, to.
            between: (String, String),
            /// Only from the first to the second.
            one_way: bool [silent],
        },
        /// Changes how links behave.
        Link = "link" {
            /// From, to.
            between: (String, String),
            /// How long a message is under way; as before when silent.
            delay: Option<Dist> [silent],
            /// The share that is lost, 0 to 1; as before when silent.
            loss: Option<f64> [silent],
            /// The share that comes twice, 0 to 1; as before when silent.
            duplicate: Option<f64> [silent],
            /// The share that takes a detour and is overtaken, 0 to 1; as before when silent.
            reorder: Option<f64> [silent],
            /// How much longer a detour is; as before when silent.
            detour: Option<Dist> [silent],
            /// Bytes a second; 0 for any number at once; as before when silent.
            bandwidth: Option<u64> [silent],
            /// How many bytes may wait to be taken on; as before when silent.
            queue: Option<u32> [silent],
        },
        /// Takes a message that is under way out of the network.
        Drop = "drop" {
            /// The number of the record of its sending.
            message: u64,
        },
        /// Makes a message that is under way arrive now.
        Hurry = "hurry" {
            /// The number of the record of its sending.
            message: u64,
        },
        /// Makes a message that is under way arrive later.
        Delay = "delay" {
            /// The number of the record of its sending.
            message: u64,
            /// How much later.
            by: Micros,
        },
        /// Makes a message that is under way come twice.
        Duplicate = "duplicate" {
            /// The number of the record of its sending.
            message: u64,
        },
        /// Sets a setting of a node.
        Set = "set" {
            /// Which node.
            node: String,
            /// Which setting.
            field: String,
            /// To what.
            value: Value,
        },
        /// Turns a dial of the document.
        Dial = "dial" {
            /// Which.
            dial: String,
            /// To what.
            value: Value,
        },
    }
}

impl Act {
    /// A profile as a `link` leaves it.
    pub(super) fn changed(&self, old: &Profile) -> Profile {
        let Act::Link { delay, loss, duplicate, reorder, detour, bandwidth, queue, .. } = self else {
            return old.clone();
        };
        Profile {
            delay: delay.as_ref().unwrap_or(&old.delay).clone(),
            loss: loss.unwrap_or(old.loss),
            fifo: old.fifo,
            duplicate: duplicate.unwrap_or(old.duplicate),
            reorder: reorder.unwrap_or(old.reorder),
            detour: detour.as_ref().unwrap_or(&old.detour).clone(),
            bandwidth: bandwidth.unwrap_or(old.bandwidth),
            queue: queue.unwrap_or(old.queue),
        }
    }

    /// A `link` that changes nothing yet.
    pub fn link(a: &str, b: &str) -> Act {
        let between = (a.to_owned(), b.to_owned());
        let (delay, loss, duplicate, reorder, detour, bandwidth, queue) = Default::default();
        Act::Link { between, delay, loss, duplicate, reorder, detour, bandwidth, queue }
    }

    /// This `link` with another delay and loss.
    pub fn with(mut self, new_delay: Option<Dist>, new_loss: Option<f64>) -> Act {
        if let Act::Link { delay, loss, .. } = &mut self {
            (*delay, *loss) = (new_delay, new_loss);
        }
        self
    }

    /// Whether the act can be done now and would change anything; menus grey it out otherwise.
    ///
    /// # Errors
    /// A sentence that says why not.
    pub fn check(&self, document: &Document, world: &World) -> Result<(), String> {
        let commands = self.commands(document, world).map_err(|problem| problem.to_string())?;
        let mut refused = "there is nothing that this would change".to_owned();
        for command in commands {
            match world.check(&command) {
                Ok(()) => return Ok(()),
                Err(refusal) => refused = refusal.to_string(),
            }
        }
        Err(refused)
    }

    /// Does it, command by command; those that would change nothing are passed over.
    ///
    /// # Errors
    /// A sentence, when nothing could be done at all.
    pub fn carry_out(
        &self,
        document: &Document,
        world: &mut World,
        records: &mut Vec<crate::components::Record>,
    ) -> Result<(), String> {
        let commands = self.commands(document, world).map_err(|problem| problem.to_string())?;
        let mut done = false;
        let mut refused = "there is nothing that this would change".to_owned();
        for command in commands {
            match world.command(&command, records) {
                Ok(()) => done = true,
                Err(Refusal::Nothing(told) | Refusal::Impossible(told)) => refused = told,
            }
        }
        if done { Ok(()) } else { Err(refused) }
    }
}
