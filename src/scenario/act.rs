//! Acts: what a person, a cue or a link does to a run, by name. The engine's commands are what they come to.

use std::rc::Rc;

use crate::components::World;
use crate::sim::{Command, Dist, Micros, NodeId, Plain, Profile, RecordId, Refusal, Value};

use super::schema::schema;
use super::validate::MAX_LINKS_AT_START;
use super::{Document, Problem};

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
    /// What this act comes to in `world`, command by command.
    ///
    /// # Errors
    /// A problem for a name that is not there or a number out of range.
    pub fn commands(&self, document: &Document, world: &World) -> Result<Vec<Command>, Problem> {
        let each = |name: &str, command: &dyn Fn(NodeId) -> Command| {
            Ok(nodes(world, name)?.into_iter().map(command).collect())
        };
        let pairs = |(a, b): &(String, String), command: &dyn Fn(NodeId, NodeId) -> Command| {
            let (one, other) = (nodes(world, a)?, nodes(world, b)?);
            if let ([a], [b]) = (&one[..], &other[..]) {
                return Ok(vec![command(*a, *b)]);
            }
            // Between groups, only the links that are there are meant: two crowds have more pairs than memory holds.
            let mut commands = Vec::new();
            for a in one {
                let links = world.node(a).map_or(&[][..], |node| &node.links);
                let meant = links.iter().filter(|link| other.binary_search(&link.to).is_ok());
                commands.extend(meant.map(|link| command(a, link.to)));
            }
            Ok(commands)
        };
        match self {
            Act::Add { what, name } => {
                let template = world.templates().iter().position(|template| *template.name == **what);
                let names = world.templates().iter().map(|template| &*template.name);
                let template = template.ok_or_else(|| Problem::unknown("add.what", "group or kind", what, names))?;
                let name = name.as_ref().map(|name| Rc::from(&**name));
                Ok(vec![Command::Add { template: template as u32, name }])
            }
            Act::Remove { node } => each(node, &|node| Command::Remove { node }),
            Act::Kill { node, disk } => each(node, &|node| Command::Kill { node, lose_disk: *disk }),
            Act::Restart { node } => each(node, &|node| Command::Restart { node }),
            Act::Pause { node } => each(node, &|node| Command::Pause { node }),
            Act::Resume { node } => each(node, &|node| Command::Resume { node }),
            Act::Slow { node, factor } => {
                if !(0.001..=1000.0).contains(factor) {
                    return Err(Problem::new(
                        "slow.factor",
                        format!("expected a number from 0.001 to 1000, found {}", Plain(*factor)),
                    ));
                }
                let permille = (factor * 1000.0 + 0.5) as u32;
                each(node, &|node| Command::Slow { node, permille })
            }
            Act::Wire { between } => {
                let (one, other) = (nodes(world, &between.0)?, nodes(world, &between.1)?);
                check_pairs(one.len() as u64, other.len() as u64).map_err(|told| Problem::new("wire.between", told))?;
                let rule = |a: NodeId, b: NodeId| Some(profile_between(world, a, b).unwrap_or_default());
                let pairs = one
                    .iter()
                    .flat_map(|a| other.iter().map(move |b| (*a, *b)))
                    .filter(|(a, b)| a != b || one.len() == 1);
                Ok(pairs.filter_map(|(a, b)| Some(Command::Wire { a, b, profile: rule(a, b)? })).collect())
            }
            Act::Unwire { between } => pairs(between, &|a, b| Command::Unwire { a, b }),
            Act::Cut { between, one_way } => pairs(between, &|a, b| Command::Cut { a, b, both: !one_way }),
            Act::Heal { between, one_way } => pairs(between, &|a, b| Command::Heal { a, b, both: !one_way }),
            Act::Hold { between, one_way } => pairs(between, &|a, b| Command::Hold { a, b, both: !one_way }),
            Act::Release { between, one_way } => pairs(between, &|a, b| Command::Release { a, b, both: !one_way }),
            Act::Link { between, .. } => {
                let usual = Profile::default();
                self.changed(&usual).check().map_err(|told| Problem::new("link", told))?;
                pairs(between, &|a, b| {
                    let link = world.node(a).and_then(|node| node.link(b));
                    let profile = self.changed(link.map_or(&usual, |link| &link.profile));
                    Command::Relink { a, b, both: true, profile: Rc::new(profile) }
                })
            }
            Act::Drop { message } => Ok(vec![Command::Drop { message: RecordId(*message) }]),
            Act::Hurry { message } => Ok(vec![Command::Hurry { message: RecordId(*message) }]),
            Act::Delay { message, by } => Ok(vec![Command::Delay { message: RecordId(*message), by: *by }]),
            Act::Duplicate { message } => Ok(vec![Command::Duplicate { message: RecordId(*message) }]),
            Act::Set { node, field, value } => {
                each(node, &|node| Command::Dial { node, field: Rc::from(&**field), value: value.clone() })
            }
            Act::Dial { dial, value } => {
                let names = document.dials.iter().map(|dial| &*dial.name);
                let found = document.dials.iter().find(|known| known.name == *dial);
                let found = found.ok_or_else(|| Problem::unknown("dial.dial", "dial", dial, names))?;
                found.check_value(value).map_err(|told| Problem::new(format!("dial {dial}"), told))?;
                let field: Rc<str> = Rc::from(&*found.field);
                let mut commands: Vec<Command> =
                    each(&found.group, &|node| Command::Dial { node, field: field.clone(), value: value.clone() })?;
                // Those that come later have it too: what replaces a dead member is no other kind of thing.
                let template = world.templates().iter().position(|template| *template.name == *found.group);
                let preset =
                    template.map(|template| Command::Preset { template: template as u32, field, value: value.clone() });
                commands.extend(preset);
                Ok(commands)
            }
        }
    }

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

    /// For the log and the tape: `kill sender-1`.
    pub fn words(&self) -> String {
        let way = |one_way: &bool| if *one_way { " one way" } else { "" };
        match self {
            Act::Add { what, name } => format!("add {}", name.as_ref().unwrap_or(what)),
            Act::Remove { node } => format!("remove {node}"),
            Act::Kill { node, disk: false } => format!("kill {node}"),
            Act::Kill { node, disk: true } => format!("kill {node} and lose its disk"),
            Act::Restart { node } => format!("restart {node}"),
            Act::Pause { node } => format!("pause {node}"),
            Act::Resume { node } => format!("resume {node}"),
            Act::Slow { node, factor } => format!("slow {node} ×{}", Plain(*factor)),
            Act::Wire { between: (a, b) } => format!("wire {a} to {b}"),
            Act::Unwire { between: (a, b) } => format!("unwire {a} from {b}"),
            Act::Cut { between: (a, b), one_way } => format!("cut {a} from {b}{}", way(one_way)),
            Act::Heal { between: (a, b), one_way } => format!("heal {a} to {b}{}", way(one_way)),
            Act::Hold { between: (a, b), one_way } => format!("hold {a} to {b}{}", way(one_way)),
            Act::Release { between: (a, b), one_way } => format!("release {a} to {b}{}", way(one_way)),
            Act::Link { between: (a, b), delay, loss, duplicate, reorder, detour, bandwidth, queue } => {
                let mut words = format!("link {a} to {b}");
                let mut say = |what: &str, value: Option<String>| {
                    words.extend(value.map(|value| format!(", {what} {value}")));
                };
                let share = |share: &Option<f64>| share.map(|share| Plain(share).to_string());
                say("delay", delay.as_ref().map(Dist::to_string));
                say("loss", share(loss));
                say("duplicate", share(duplicate));
                say("reorder", share(reorder));
                say("detour", detour.as_ref().map(Dist::to_string));
                say("bandwidth", bandwidth.map(|bytes| bytes.to_string()));
                say("queue", queue.map(|bytes| bytes.to_string()));
                words
            }
            Act::Drop { message } => format!("drop #{message}"),
            Act::Hurry { message } => format!("hurry #{message}"),
            Act::Delay { message, by } => format!("delay #{message} by {by}"),
            Act::Duplicate { message } => format!("duplicate #{message}"),
            Act::Set { node, field, value } => format!("set {field} of {node} to {value}"),
            Act::Dial { dial, value } => format!("turn {dial} to {value}"),
        }
    }
}

/// The node of this name, or the members of the group of this name.
fn nodes(world: &World, name: &str) -> Result<Vec<NodeId>, Problem> {
    if let Some(node) = world.find(name) {
        return Ok(vec![node]);
    }
    let Some(template) = world.templates().iter().position(|template| *template.name == *name) else {
        let names =
            world.nodes().map(|(_, node)| &*node.name).chain(world.templates().iter().map(|template| &*template.name));
        return Err(Problem::unknown("", "component", name, names));
    };
    Ok(world.members(template).to_vec())
}

/// Whether so many nodes can be wired to so many at once.
pub(super) fn check_pairs(one: u64, other: u64) -> Result<(), String> {
    let pairs = one.saturating_mul(other);
    if pairs <= MAX_LINKS_AT_START {
        return Ok(());
    }
    Err(format!("they are {pairs} pairs; {MAX_LINKS_AT_START} is the limit"))
}

/// How a link between two nodes behaves by their templates' rules; if there is none, as links of their kinds do.
fn profile_between(world: &World, a: NodeId, b: NodeId) -> Option<Rc<Profile>> {
    let (a, b) = (world.node(a)?, world.node(b)?);
    let templates = world.templates();
    let rule = templates.get(a.template as usize)?.links.iter().find(|(to, _)| *to == b.template);
    let by_kind = || {
        let from = templates.iter().filter(|template| template.kind == a.kind);
        let mut rules = from.flat_map(|template| &template.links);
        rules.find(|(to, _)| templates.get(*to as usize).is_some_and(|template| template.kind == b.kind))
    };
    rule.or_else(by_kind).map(|(_, profile)| profile.clone())
}
