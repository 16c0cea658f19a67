//! THE ENGINE: time, seeded streams, event queue, links, nodes, disks, commands, records, digest.
//!
//! It knows no protocol and no component by name, no browser, no wall clock, no ambient randomness. Everything that can
//! change a run is a value: the templates and links it was built from, the seed, and the commands given to it.

mod actor;
mod blocks;
mod change;
mod command;
mod config;
mod digest;
mod dist;
mod link;
mod node;
mod number;
mod queue;
mod record;
mod rng;
mod scale;
mod slots;
mod table;
mod time;
mod world;
mod zones;

pub use actor::{Cell, Component, Context, Disk, Item, Lift, Look, Payload, Peer, Port, TimerView, Work};
pub use blocks::Blocks;
pub use change::{Change, Clock, DRIFT, Lies, MAX_CORES};
pub use command::{Command, Refusal};
pub use config::{
    Choice, Config, Field, FieldKind, FieldType, Hashed, Value, count, digest_later, joined, nearest, nearest_hint,
    unknown_field,
};
#[doc(hidden)]
pub use config::{marked, marked_len, unmarked};
pub use digest::{Digest, Later, apart};
pub use dist::{Dist, MAX_QUANTILES};
pub use link::{Link, MAX_BANDWIDTH, Profile};
pub use node::{Discipline, DiskState, Kept, Machine, Node, NodeId, Status, Template, Turn, Usual};
pub use number::{Plain, Scientific, digits, fixed, read as read_number};
pub use queue::Queue;
pub use record::{Record, RecordId, Recorder, What, Why};
pub use rng::{Purpose, Stream};
pub use scale::{COUNTS, Scale};
pub use table::Table;
pub use time::{LONGEST, Micros, Time, clock};
pub use world::{Flight, Halt, MAX_EVENTS_AN_INSTANT, MAX_IN_FLIGHT, MAX_LINKS_A_NODE, MAX_NODES, World};
pub use zones::{MAX_ZONES, Zone, Zones};
