//! WHAT ONE PLACES ON THE STAGE, one file each; each hosts the algorithms that it needs.
//!
//! To add one: a file here, a `mod` line and a line in [`KINDS`]. It then stands in the palette, in documents, in links,
//! in the command line and in every test that walks the list.

use crate::protocols::Family;
use crate::sim::{
    Component, Config, Context, Dist, Field, Machine, Micros, NodeId, Payload, Peer, Table, Template, Usual, Value,
};

mod actuator;
mod airframe;
mod auditor;
mod autoscaler;
mod balancer;
mod body;
mod box_office;
mod brain;
mod branch;
mod buyer;
mod cache;
mod callers;
mod chain_master;
mod chain_node;
mod client;
mod consumer;
mod crdt_replica;
mod database;
mod deployer;
mod directory;
mod dispatcher;
mod elector;
mod exchange;
mod fact;
mod flight_computer;
mod gateway;
mod general;
mod generator;
mod heart;
mod host;
mod investigator;
mod kv_client;
mod kv_replica;
mod kv_store;
mod lane;
mod ledger;
mod lock_service;
mod log_broker;
mod log_consumer;
mod log_producer;
mod lungs;
mod machine;
mod member;
mod merkle_replica;
mod message;
mod mobile_core;
mod operator;
mod organ;
mod paxos_node;
mod pbft_client;
mod pbft_replica;
mod peer;
mod phone;
mod player;
mod queue;
mod quorum_node;
mod raft_node;
mod router;
mod saga_coordinator;
mod saga_service;
mod sender;
mod sensor;
mod server;
mod stamped_register;
mod store;
mod supervisor;
mod time_client;
mod time_observer;
mod time_server;
mod tower;
mod tx_coordinator;
mod tx_participant;
mod view_manager;
mod voter;
mod writer;
mod zone_server;

pub use fact::{Datum, Fact, Step};
pub use message::Message;

/// The engine, for the one payload of the app.
pub type World = crate::sim::World<Message>;
/// A record of the app's runs.
pub type Record = crate::sim::Record<Message>;
/// What a record says.
pub type What = crate::sim::What<Message>;
/// A command's result and a node, for the app's payload.
pub type Node = crate::sim::Node<Message>;

/// Every kind of component. The order is the palette's.
pub static KINDS: &[Kind] = &[
    Kind::of::<client::Client>(),
    Kind::of::<balancer::Balancer>(),
    Kind::of::<gateway::Gateway>(),
    Kind::of::<sender::Sender>(),
    Kind::of::<database::Database>(),
    Kind::of::<supervisor::Supervisor>(),
    Kind::of::<generator::Generator>(),
    Kind::of::<dispatcher::Dispatcher>(),
    Kind::of::<server::Server>(),
    Kind::of::<kv_client::KvClient>(),
    Kind::of::<kv_store::KvStore>(),
    Kind::of::<store::Store>(),
    Kind::of::<writer::Writer>(),
    Kind::of::<peer::Peer>(),
    Kind::of::<tx_coordinator::TxCoordinator>(),
    Kind::of::<tx_participant::TxParticipant>(),
    Kind::of::<raft_node::RaftNode>(),
    Kind::of::<queue::Queue>(),
    Kind::of::<consumer::Consumer>(),
    Kind::of::<ledger::Ledger>(),
    Kind::of::<autoscaler::Autoscaler>(),
    Kind::of::<cache::Cache>(),
    Kind::of::<member::Member>(),
    Kind::of::<lock_service::LockService>(),
    Kind::of::<buyer::Buyer>(),
    Kind::of::<box_office::BoxOffice>(),
    Kind::of::<sensor::Sensor>(),
    Kind::of::<voter::Voter>(),
    Kind::of::<general::General>(),
    Kind::of::<quorum_node::QuorumNode>(),
    Kind::of::<kv_replica::KvReplica>(),
    Kind::of::<view_manager::ViewManager>(),
    Kind::of::<crdt_replica::CrdtReplica>(),
    Kind::of::<operator::Operator>(),
    Kind::of::<deployer::Deployer>(),
    Kind::of::<investigator::Investigator>(),
    Kind::of::<paxos_node::PaxosNode>(),
    Kind::of::<chain_node::ChainNode>(),
    Kind::of::<chain_master::ChainMaster>(),
    Kind::of::<saga_coordinator::SagaCoordinator>(),
    Kind::of::<saga_service::SagaService>(),
    Kind::of::<zone_server::ZoneServer>(),
    Kind::of::<player::Player>(),
    Kind::of::<heart::Heart>(),
    Kind::of::<lungs::Lungs>(),
    Kind::of::<brain::Brain>(),
    Kind::of::<organ::Organ>(),
    Kind::of::<airframe::Airframe>(),
    Kind::of::<flight_computer::FlightComputer>(),
    Kind::of::<actuator::Actuator>(),
    Kind::of::<callers::Callers>(),
    Kind::of::<exchange::Exchange>(),
    Kind::of::<phone::Phone>(),
    Kind::of::<tower::Tower>(),
    Kind::of::<mobile_core::MobileCore>(),
    Kind::of::<host::Host>(),
    Kind::of::<router::Router>(),
    Kind::of::<elector::Elector>(),
    Kind::of::<pbft_client::PbftClient>(),
    Kind::of::<pbft_replica::PbftReplica>(),
    Kind::of::<branch::Branch>(),
    Kind::of::<auditor::Auditor>(),
    Kind::of::<time_server::TimeServer>(),
    Kind::of::<time_client::TimeClient>(),
    Kind::of::<time_observer::TimeObserver>(),
    Kind::of::<stamped_register::StampedRegister>(),
    Kind::of::<machine::Host>(),
    Kind::of::<directory::SharedState>(),
    Kind::of::<log_producer::LogProducer>(),
    Kind::of::<log_broker::LogBroker>(),
    Kind::of::<log_consumer::LogConsumer>(),
    Kind::of::<merkle_replica::MerkleReplica>(),
];

/// The sign that a kind of component is drawn by; what it looks like is the scene's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Glyph {
    /// Someone at a screen.
    Client,
    /// Spreads requests.
    Balancer,
    /// Holds connections.
    Gateway,
    /// Does work.
    Worker,
    /// Keeps data.
    Database,
    /// Watches and acts.
    Supervisor,
}

/// What one knows about a kind before placing it; implemented beside [`Component`].
pub trait Placeable: Component<Message = Message> {
    /// Its name in documents: lower case.
    const KIND: &'static str;
    /// Its name for people.
    const TITLE: &'static str;
    /// What it does: a sentence.
    const ABOUT: &'static str;
    /// Its sign.
    const GLYPH: Glyph;
    /// What it is about.
    const FAMILY: Family;
    /// The kinds that it talks to.
    const TALKS_TO: &'static [&'static str];
    /// The machine that it stands on when a document is silent.
    fn machine() -> Machine {
        Machine::default()
    }
}

type Build = fn(&str, &str, Machine, &Settings) -> Result<Template<Message>, Unfit>;

/// A kind of component: [`Placeable`] as a value.
pub struct Kind {
    /// Its name in documents.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Its sign.
    pub glyph: Glyph,
    /// What it is about.
    pub family: Family,
    /// The kinds that it talks to.
    pub talks_to: &'static [&'static str],
    /// The machine that it stands on when a document is silent.
    pub machine: fn() -> Machine,
    fields: fn() -> &'static [Field],
    build: Build,
    usual: Usual<Message>,
}

/// The settings of a kind. By way of a function the page's first part need not have those of kinds that it does not use
/// (tools/later.txt).
fn fields_of<C: Placeable>() -> &'static [Field] {
    C::Config::FIELDS
}

/// Settings by name, as a document gives them.
pub type Settings = Table<String, Value>;

/// A setting that does not fit: its name, and a sentence.
#[derive(Clone, Debug, PartialEq)]
pub struct Unfit {
    /// The setting.
    pub field: String,
    /// What is wrong with it.
    pub told: String,
}

impl Kind {
    /// The kind of component `C`.
    pub const fn of<C: Placeable>() -> Kind {
        Kind {
            name: C::KIND,
            title: C::TITLE,
            about: C::ABOUT,
            glyph: C::GLYPH,
            family: C::FAMILY,
            talks_to: C::TALKS_TO,
            machine: C::machine,
            fields: fields_of::<C>,
            build: build::<C>,
            usual: Usual::of::<C>(),
        }
    }

    /// What can be set about it.
    pub fn fields(&self) -> &'static [Field] {
        (self.fields)()
    }

    /// A template for nodes of this kind as they are when nothing is said of them.
    pub fn usual(&self, name: &str) -> Template<Message> {
        Template::usual(name, self.name, self.name, (self.machine)(), &self.usual)
    }

    /// A template for nodes of this kind.
    ///
    /// # Errors
    /// The first setting that is not there or does not fit.
    pub fn template(
        &self,
        name: &str,
        prefix: &str,
        machine: Machine,
        settings: &Settings,
    ) -> Result<Template<Message>, Unfit> {
        (self.build)(name, prefix, machine, settings)
    }
}

/// Of those that a component is wired to, whom it can ask to do something: what does such things, in groups that stand
/// after its own in the document. So the same wires carry requests one way and answers the other.
fn behind(peers: &[Peer], own: u32) -> impl Iterator<Item = NodeId> + Clone {
    const SERVES: &[&str] = &[
        server::Server::KIND,
        dispatcher::Dispatcher::KIND,
        queue::Queue::KIND,
        cache::Cache::KIND,
        machine::Host::KIND,
    ];
    let serves = |peer: &&Peer| SERVES.contains(&peer.kind);
    peers.iter().filter(move |peer| peer.template > own).filter(serves).map(|peer| peer.id)
}

/// What keeps calls from being made, if anything does: lines for the inspector.
fn trouble(calls: &crate::protocols::calls::Calls) -> impl Iterator<Item = (&'static str, String)> {
    let lines = [("wait for room", calls.held()), ("breakers open", calls.chooser.open())];
    lines.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| (name, count.to_string()))
}

/// The machine of whatever keeps values, the same for all: what they cost can be compared.
fn store_machine() -> Machine {
    Machine {
        service: Dist::Constant(Micros(200)),
        disk: Dist::Lognormal { median: Micros::ms(2), p99: Micros::ms(8) },
        startup: Micros::ms(300),
        ..Machine::default()
    }
}

/// Says in the log that a component got what it has no use for. An answer could be answered for ever.
fn not_understood<C: Placeable>(cx: &mut Context<C>, from: NodeId, message: &Message) {
    cx.note(format!("a {} does not understand {} from {from}", C::KIND, message.name()));
}

fn build<C: Placeable>(
    name: &str,
    prefix: &str,
    machine: Machine,
    settings: &Settings,
) -> Result<Template<Message>, Unfit> {
    let mut config = C::Config::default();
    for (field, value) in settings.iter() {
        config.set(field, value).map_err(|told| Unfit { field: field.clone(), told })?;
    }
    Ok(Template::new::<C>(name, prefix, C::KIND, machine, config))
}

/// The kind of this name.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}
