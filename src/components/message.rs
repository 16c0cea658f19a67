//! What components say to one another: one type, a line a protocol, so that anything can be wired to anything.

use crate::protocols::{Family, Form, Wire};
use crate::sim::{Item, Payload};

use super::Fact;

/// Declares [`Message`] and hands every question about one to its protocol.
macro_rules! messages {
    ($($(#[$meta:meta])* $variant:ident($type:ty),)*) => {
        /// A message of any protocol.
        #[derive(Clone, Debug, PartialEq, Hash)]
        pub enum Message { $($(#[$meta])* $variant($type),)* }

        impl Payload for Message {
            type Fact = Fact;
            fn name(&self) -> &'static str {
                match self { $(Message::$variant(message) => message.name(),)* }
            }
            fn bytes(&self) -> u32 {
                match self { $(Message::$variant(message) => message.bytes(),)* }
            }
            fn spoil(&mut self, luck: u64) -> bool {
                match self { $(Message::$variant(message) => message.spoil(luck),)* }
            }
            fn class(&self) -> u32 {
                match self { $(Message::$variant(message) => message.class(),)* }
            }
            fn carries(&self, item: Item) -> bool {
                match self { $(Message::$variant(message) => message.carries(item),)* }
            }
        }

        impl Message {
            /// What it is about.
            pub fn family(&self) -> Family {
                match self { $(Message::$variant(_) => <$type as Wire>::FAMILY,)* }
            }
            /// What it does.
            pub fn form(&self) -> Form {
                match self { $(Message::$variant(message) => message.form(),)* }
            }
            /// Its fields by name, for people.
            pub fn fields(&self) -> Vec<(&'static str, String)> {
                match self { $(Message::$variant(message) => message.fields(),)* }
            }
            /// One line for tooltips and logs.
            pub fn summary(&self) -> String {
                match self { $(Message::$variant(message) => message.summary(),)* }
            }
        }

        $(impl From<$type> for Message {
            fn from(message: $type) -> Message {
                Message::$variant(message)
            }
        })*
    };
}

messages! {
    /// A person's device and its gateway.
    Chat(crate::protocols::chat::Message),
    /// A gateway and a message sender.
    Delivery(crate::protocols::delivery::Message),
    /// The history on primary and backup.
    History(crate::protocols::primary_backup::Message),
    /// Who is primary.
    Views(crate::protocols::view_service::Message),
    /// Who does the work.
    Routing(crate::protocols::routing::Message),
    /// Are you there?
    Health(crate::protocols::health::Message),
    /// A request and its answer.
    Request(crate::protocols::request::Message),
    /// Reads, writes and compare-and-set of values under keys.
    Kv(crate::protocols::kv::Message),
    /// Rows with versions.
    Versioned(crate::protocols::versioned::Message),
    /// What everyone is to hear.
    Rumour(crate::protocols::rumour::Message),
    /// All participants of a transaction, or none.
    Commit(crate::protocols::two_phase::Message),
    /// One log on many servers.
    Raft(crate::protocols::raft::Message),
    /// A queue, those who take messages from it, and what comes of them.
    Queue(crate::protocols::queue::Message),
    /// How many servers there are.
    Scaling(crate::protocols::scaling::Message),
    /// Who is there, by asking.
    Swim(crate::protocols::swim::Message),
    /// Who is there, by telling.
    Heartbeats(crate::protocols::heartbeats::Message),
    /// Leases of a lock.
    Lease(crate::protocols::lease::Message),
    /// Tickets, of which one is left at a time.
    Sale(crate::protocols::lease::Sale),
    /// What is measured, and what was voted on it.
    Sample(crate::protocols::voting::Sample),
    /// Orders of generals, as they say that they have heard them.
    General(crate::protocols::oral_messages::Message),
    /// Values on several nodes, by quorums.
    Quorum(crate::protocols::quorum::Message),
    /// Values on a primary and its backups.
    PrimaryCopy(crate::protocols::primary_copy::Message),
    /// Conflict-free data.
    Crdt(crate::protocols::crdt::Message),
    /// What those who run a service and its parts say.
    Operations(crate::protocols::operations::Message),
    /// What services tell of themselves.
    Telemetry(crate::protocols::telemetry::Message),
    /// One value after another, by majorities.
    Paxos(crate::protocols::paxos::Message),
    /// Values on a chain of servers.
    Chain(crate::protocols::chain::Message),
    /// Steps of sagas, and their compensations.
    Saga(crate::protocols::saga::Message),
    /// Players who go from one zone to another.
    Handover(crate::protocols::handover::Message),
    /// Players and what they see.
    Game(crate::protocols::game::Message),
    /// Organs of a body.
    Body(crate::protocols::physiology::Message),
    /// Telephone exchanges, about their circuits.
    Trunk(crate::protocols::isup::Trunk),
    /// A telephone and its exchange.
    Line(crate::protocols::isup::Line),
    /// Phones, towers and the core of a cellular network.
    Cellular(crate::protocols::cellular::Message),
    /// Packets from host to host.
    Internet(crate::protocols::internet::Message),
    /// How far hosts are, from router to router.
    DistanceVector(crate::protocols::distance_vector::Message),
    /// Who is next to whom, from router to router.
    LinkState(crate::protocols::link_state::Message),
    /// Who is to be coordinator.
    Election(crate::protocols::election::Message),
    /// One order of requests among replicas that may lie.
    Pbft(crate::protocols::pbft::Message),
    /// Branches of a bank, and their auditor.
    Branch(crate::protocols::branch::Message),
    /// Clocks that are set over a network, and what depends on them.
    TimeSync(crate::protocols::time_sync::Message),
    /// What the cores of one machine, or of many, share.
    Coherence(crate::protocols::coherence::Message),
    /// Producers, brokers and consumers of a log.
    Log(crate::protocols::log::Message),
    /// Replicas that compare what they have by hash trees.
    AntiEntropy(crate::protocols::anti_entropy::Message),
}
