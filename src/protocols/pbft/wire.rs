//! What PBFT's replicas and clients say to one another, what a replica keeps, and what is told of it.

use std::hash::{Hash, Hasher};
use std::rc::Rc;

use crate::protocols::raft::{Command, Machine};
use crate::protocols::{Family, Form, Wire, kv};
use crate::sim::{COUNTS, Digest, Disk, NodeId, Scale, Table, apart};

/// Which primary: views are numbered, and replica v mod n is the primary of view v.
pub type View = u64;
/// Which request in the order, from 1.
pub type Seq = u64;
/// The digest of a request, or of a state.
pub type Mark = u64;

/// A digest.
pub fn mark_of<T: Hash + ?Sized>(of: &T) -> Mark {
    let mut digest = Digest::default();
    of.hash(&mut digest);
    digest.finish()
}

/// That a request was prepared at a replica: the pre-prepare, and whose prepares match it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Prepared {
    /// In which view.
    pub view: View,
    /// As which.
    pub seq: Seq,
    /// What.
    pub value: Command,
    /// Whose prepares.
    pub signers: Vec<NodeId>,
}

/// The last checkpoint that enough replicas have: which, its digest, and who says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stable {
    /// Everything up to this one is in it.
    pub seq: Seq,
    /// The digest of the state.
    pub mark: Mark,
    /// Who has it.
    pub signers: Vec<NodeId>,
}

/// What a replica takes along to another view.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Change {
    /// To which.
    pub view: View,
    /// C: its last stable checkpoint, with its proof.
    pub stable: Stable,
    /// P: what was prepared there beyond that.
    pub prepared: Vec<Prepared>,
}

/// How a view begins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NewView {
    /// Which.
    pub view: View,
    /// V: the view changes that it follows from.
    pub changes: Vec<(NodeId, Rc<Change>)>,
    /// O: what is proposed anew.
    pub proposals: Vec<(Seq, Command)>,
}

/// Between clients and replicas, and among replicas.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Do this.
    Request {
        /// What, and who asks for it.
        command: Command,
    },
    /// The primary: this is to be the request of that number.
    PrePrepare {
        /// In which view.
        view: View,
        /// Its number.
        seq: Seq,
        /// What.
        command: Command,
    },
    /// I have been told the same.
    Prepare {
        /// In which view.
        view: View,
        /// Its number.
        seq: Seq,
        /// Its digest.
        mark: Mark,
    },
    /// Enough have been told the same.
    Commit {
        /// In which view.
        view: View,
        /// Its number.
        seq: Seq,
        /// Its digest.
        mark: Mark,
    },
    /// To the client: this came of it.
    Reply {
        /// In which view.
        view: View,
        /// What.
        answer: kv::Message,
    },
    /// This is my state.
    Checkpoint {
        /// After which request.
        seq: Seq,
        /// Its digest.
        mark: Mark,
    },
    /// This primary does not do: I change to the next view.
    ViewChange(Rc<Change>),
    /// So many change to it that it begins.
    NewView(Rc<NewView>),
    /// I know less than you do.
    Fetch {
        /// The view in which it is, or would be.
        view: View,
        /// What it has executed.
        seq: Seq,
    },
    /// A stable checkpoint.
    State {
        /// Which, with its proof.
        stable: Stable,
        /// The state.
        machine: Rc<Machine>,
    },
}

impl Wire for Message {
    const FAMILY: Family = Family::Storage;
    fn name(&self) -> &'static str {
        match self {
            Message::Request { .. } => "REQUEST",
            Message::PrePrepare { .. } => "PRE-PREPARE",
            Message::Prepare { .. } => "PREPARE",
            Message::Commit { .. } => "COMMIT",
            Message::Reply { .. } => "REPLY",
            Message::Checkpoint { .. } => "CHECKPOINT",
            Message::ViewChange(_) => "VIEW-CHANGE",
            Message::NewView(_) => "NEW-VIEW",
            Message::Fetch { .. } => "FETCH",
            Message::State { .. } => "STATE",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Request { .. } | Message::PrePrepare { .. } => Form::Request,
            Message::Prepare { .. } | Message::Fetch { .. } | Message::State { .. } => Form::Reply,
            Message::Commit { .. } | Message::Reply { .. } | Message::NewView(_) => Form::Accept,
            Message::ViewChange(_) => Form::Refuse,
            Message::Checkpoint { .. } => Form::Beat,
        }
    }
    fn bytes(&self) -> u32 {
        match self {
            Message::Request { .. } | Message::PrePrepare { .. } => 96,
            Message::ViewChange(change) => 96 + 128 * change.prepared.len() as u32,
            Message::NewView(new) => {
                let changes = new.changes.iter().map(|(_, change)| 96 + 128 * change.prepared.len() as u32);
                64 + changes.sum::<u32>() + 96 * new.proposals.len() as u32
            }
            Message::State { machine, .. } => 96 + machine.bytes(),
            _ => 64,
        }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        let at = |view: &View, seq: &Seq| vec![("view", view.to_string()), ("n", seq.to_string())];
        match self {
            Message::Request { command } => vec![("o", command.short())],
            Message::PrePrepare { view, seq, command } => {
                let mut fields = at(view, seq);
                fields.push(("m", command.short()));
                fields
            }
            Message::Prepare { view, seq, mark } | Message::Commit { view, seq, mark } => {
                let mut fields = at(view, seq);
                fields.push(("digest", short(*mark)));
                fields
            }
            Message::Reply { view, answer } => {
                let mut fields = vec![("view", view.to_string()), ("result", answer.name().to_owned())];
                fields.extend(answer.fields());
                fields
            }
            Message::Checkpoint { seq, mark } => vec![("n", seq.to_string()), ("digest", short(*mark))],
            Message::ViewChange(change) => vec![
                ("to view", change.view.to_string()),
                ("stable", change.stable.seq.to_string()),
                ("prepared", change.prepared.len().to_string()),
            ],
            Message::NewView(new) => vec![
                ("view", new.view.to_string()),
                ("changes", new.changes.len().to_string()),
                ("proposals", new.proposals.len().to_string()),
            ],
            Message::Fetch { view, seq } => at(view, seq),
            Message::State { stable, .. } => vec![("n", stable.seq.to_string())],
        }
    }
}

/// The last four letters of a digest.
fn short(mark: Mark) -> String {
    format!("{:04x}", mark & 0xffff)
}

/// What is known at a replica of one number of the order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The pre-prepare that it has accepted: in which view, what, and its digest.
    pub proposal: Option<(View, Command, Mark)>,
    /// The last prepare of each.
    pub prepares: Table<NodeId, (View, Mark)>,
    /// The last commit of each.
    pub commits: Table<NodeId, (View, Mark)>,
    /// The last that was prepared here.
    pub prepared: Option<Prepared>,
    /// What is to be executed.
    pub committed: Option<Command>,
}

/// What a replica keeps through a crash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Core {
    /// Everyone, ascending; nobody at one that came later.
    pub replicas: Rc<[NodeId]>,
    /// In which view it is, or to which it changes.
    pub view: View,
    /// Whether it changes.
    pub changing: bool,
    /// How the view began; nothing for the first.
    pub new_view: Option<Rc<NewView>>,
    /// The last number that it gave as a primary.
    pub given: Seq,
    /// The last stable checkpoint, and the state there.
    pub stable: Stable,
    /// The state there.
    pub settled: Rc<Machine>,
    /// What it has executed.
    pub executed: Seq,
    /// What all of that comes to.
    pub machine: Rc<Machine>,
    /// States at checkpoints that are not stable yet.
    pub snapshots: Table<Seq, Rc<Machine>>,
    /// What lies between the water marks.
    pub slots: Table<Seq, Slot>,
    /// Whether it has ever lied.
    pub lied: bool,
}

impl Hash for Core {
    fn hash<H: Hasher>(&self, state: &mut H) {
        apart(state, |state| {
            (&self.replicas, self.view, self.changing, &self.new_view, self.given, self.lied).hash(state);
            (&self.stable, &self.settled, self.executed, &self.machine, &self.snapshots, &self.slots).hash(state);
        });
    }
}

/// About how many bytes a list of what was prepared holds.
fn weight(prepared: &[Prepared]) -> usize {
    prepared.iter().map(|prepared| size_of::<Prepared>() + prepared.signers.capacity() * size_of::<NodeId>()).sum()
}

impl Core {
    /// Puts on the scale one that copies share.
    pub fn weigh(self: &Rc<Core>, scale: &mut Scale) {
        let slot = |slot: &Slot| {
            let signers = slot.prepared.as_ref().map_or(0, |prepared| prepared.signers.capacity());
            slot.prepares.bytes() + slot.commits.bytes() + signers * size_of::<NodeId>()
        };
        let slots = self.slots.bytes() + self.slots.values().map(slot).sum::<usize>();
        let rest = self.snapshots.bytes() + self.stable.signers.capacity() * size_of::<NodeId>();
        scale.shared(Rc::as_ptr(self).addr(), COUNTS + size_of::<Core>() + slots + rest);
        for machine in [&self.machine, &self.settled].into_iter().chain(self.snapshots.values()) {
            machine.weigh(scale);
        }
        if let Some(new) = &self.new_view {
            let of = |(_, change): &(NodeId, Rc<Change>)| size_of::<Change>() + weight(&change.prepared);
            let changes: usize = new.changes.iter().map(of).sum();
            let proposals = new.proposals.capacity() * size_of::<(Seq, Command)>();
            scale.shared(Rc::as_ptr(new).addr(), COUNTS + size_of::<NewView>() + changes + proposals);
        }
    }
}

/// A replica's disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Store(pub Rc<Core>);

/// A write to it: all of it is another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Write(pub Rc<Core>);

impl Disk for Store {
    type Write = Write;
    fn apply(&mut self, write: Write) {
        self.0 = write.0;
    }
}

/// What is told of a replica, for checks and the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// A request is prepared: no other can be, in this view.
    Prepared {
        /// In which view.
        view: View,
        /// Under which number.
        seq: Seq,
        /// What.
        value: Command,
        /// Whether the replica has never lied.
        honest: bool,
    },
    /// It executes a request.
    Executed {
        /// Under which number.
        seq: Seq,
        /// What.
        value: Command,
        /// Whether the replica has never lied.
        honest: bool,
    },
    /// A checkpoint is stable.
    Stable {
        /// Which.
        seq: Seq,
    },
    /// It has got the state of others.
    Fetched {
        /// Up to which request.
        seq: Seq,
    },
    /// It gives up the primary.
    Changes {
        /// To which view it changes.
        view: View,
    },
    /// It is in a new view.
    Enters {
        /// Which.
        view: View,
        /// How many requests are proposed anew.
        anew: usize,
    },
}

impl Told {
    /// Its name in conditions.
    pub fn name(&self) -> &'static str {
        match self {
            Told::Prepared { .. } => "prepared",
            Told::Executed { .. } => "executed",
            Told::Stable { .. } => "stable-checkpoint",
            Told::Fetched { .. } => "fetched",
            Told::Changes { .. } => "changes-view",
            Told::Enters { .. } => "enters-view",
        }
    }
    /// What the replica does by it.
    pub fn sentence(&self) -> String {
        match self {
            Told::Prepared { view, seq, value, .. } => {
                format!("has {} prepared as number {seq} in view {view}", value.short())
            }
            Told::Executed { seq, value, .. } => format!("executes {} as number {seq}", value.short()),
            Told::Stable { seq } => format!("has a stable checkpoint at {seq}"),
            Told::Fetched { seq } => format!("has the state of others up to {seq}"),
            Told::Changes { view } => format!("gives up the primary, and changes to view {view}"),
            Told::Enters { view, anew } => format!("is in view {view}, in which {anew} are proposed anew"),
        }
    }
}
