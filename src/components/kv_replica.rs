//! A server of values under keys: primary or backup, in views that a view manager decides.

use std::rc::Rc;

use crate::protocols::primary_copy::{self, Outcome, Role, Rules, Server, Store, Timer as ServerTimer};
use crate::protocols::{Family, health, kv};
use crate::sim::{Component, Context, Lift, Look, Machine, Micros, NodeId, Work};

use super::view_manager::ViewManager;
use super::{Fact, Glyph, Message, Placeable};

crate::choice! {
    /// What keeps an old primary from answering.
    pub enum Fencing {
        /// A lease that the manager renews, and the seal of a new view.
        Lease = "lease",
        /// Nothing.
        None = "none",
    }
}

crate::choice! {
    /// When a primary answers.
    pub enum Answers {
        /// When as many backups have it as the view asks for.
        Backed = "backed",
        /// As soon as its own disk has it.
        Early = "early",
    }
}

crate::choice! {
    /// How often a primary forwards a write.
    pub enum Forwards {
        /// Until the backup has confirmed it.
        Confirmed = "until-confirmed",
        /// Once.
        Once = "once",
    }
}

crate::config! {
    /// What can be set about a server.
    pub struct KvReplicaConfig {
        /// What keeps an old primary from answering; with nothing it goes on, which is a mistake.
        fencing: Fencing = Fencing::Lease, in 0, 0, "";
        /// When a primary answers; before the backups have it, whatever the manager asks for, is a mistake.
        answers: Answers = Answers::Backed, in 0, 0, "";
        /// How often it tells the manager that it is alive.
        report: Micros = Micros::ms(150), in 0.01, 5.0, "";
        /// How often a primary forwards a write; once is a mistake: a backup that did not get it stays behind.
        forwards: Forwards = Forwards::Confirmed, in 0, 0, "";
    }
}

/// What a server waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To tell that it is alive.
    Report,
    /// Something of the protocol.
    Server(ServerTimer),
}

/// A server.
#[derive(Clone, Debug, Hash)]
pub struct KvReplica {
    server: Server,
    answered: u64,
}

fn port<'c, 'a>(
    cx: &'c mut Context<'a, KvReplica>,
) -> Lift<'c, 'a, KvReplica, primary_copy::Message, ServerTimer, primary_copy::Write> {
    Lift { cx, message: Message::PrimaryCopy, timer: Timer::Server, write: |write| write }
}

fn rules(config: &KvReplicaConfig) -> Rules {
    let (fenced, early) = (config.fencing == Fencing::Lease, config.answers == Answers::Early);
    Rules { fenced, early, once: config.forwards == Forwards::Once }
}

impl KvReplica {
    fn report(&self, cx: &mut Context<Self>) {
        let report = self.server.report(cx.now());
        for manager in cx.peers_of(ViewManager::KIND) {
            cx.send(manager, primary_copy::Message::Report(report).into());
        }
    }

    fn kept(&self, cx: &mut Context<Self>, keys: Vec<u32>) {
        let Some(view) = self.server.view() else { return };
        let mut homes: Vec<NodeId> = view.backups.iter().copied().chain([view.primary]).collect();
        homes.sort_unstable();
        let homes: Rc<[NodeId]> = homes.into();
        if !homes.contains(&cx.id()) {
            return;
        }
        // Who has crashed or was cut off is taken in again by the manager only.
        let through: Rc<[NodeId]> = cx.peers_of(ViewManager::KIND).collect();
        for key in keys {
            let Some((value, _)) = self.server.durable().0.held.get(&key) else { continue };
            let told = Rc::from(value.to_string());
            let (key, homes, through) = (u64::from(key), homes.clone(), through.clone());
            cx.fact(Fact::Kept { key, mark: *value, told, homes, through });
        }
    }

    fn tell(&mut self, cx: &mut Context<Self>, outcome: Outcome) {
        self.kept(cx, outcome.kept);
        let view = self.server.view().map_or(0, |view| view.number);
        if outcome.serves {
            let held = self.server.durable().0.held.iter();
            let holds = held.map(|(key, (_, place))| (*key, place.view, place.position)).collect();
            cx.fact(Fact::Serves { view, holds });
            // Backups that were taken in are homes from now on.
            let keys = self.server.durable().0.held.keys().copied().collect();
            self.kept(cx, keys);
        }
        for (key, written) in outcome.answered {
            let written = written.map(|place| (place.view, place.position));
            cx.fact(Fact::Answered { view, key, written });
        }
        for (client, answer) in outcome.answers {
            match answer {
                kv::Message::Unable { .. } | kv::Message::Elsewhere { .. } => cx.measure("unavailable", 1),
                _ => self.answered += 1,
            }
            cx.send(client, answer.into());
        }
        if outcome.news {
            self.report(cx);
        }
    }
}

impl Component for KvReplica {
    type Message = Message;
    type Config = KvReplicaConfig;
    type Disk = Store;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &Store) -> Self {
        let replica = KvReplica { server: Server::boot(disk, cx.now()), answered: 0 };
        replica.report(cx);
        cx.set(Timer::Report, cx.config().report);
        replica
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let rules = rules(cx.config());
        let outcome = match message {
            Message::Kv(kv::Message::Ask { number, key, op }) => {
                self.server.ask(&mut port(cx), from, number, key, op, &rules)
            }
            Message::PrimaryCopy(message) => self.server.on_message(&mut port(cx), from, message, &rules),
            Message::Health(health::Message::Ping { round }) => {
                return cx.send(from, health::Message::Pong { round }.into());
            }
            other => return super::not_understood(cx, from, &other),
        };
        self.tell(cx, outcome);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Report => {
                self.report(cx);
                cx.set(Timer::Report, cx.config().report);
            }
            Timer::Server(timer) => {
                let rules = rules(cx.config());
                let outcome = self.server.on_timer(&mut port(cx), timer, &rules);
                self.tell(cx, outcome);
            }
        }
    }

    fn look(&self, _: &KvReplicaConfig) -> Look {
        let (role, (state, pending)) = (self.server.role(), self.server.durable());
        let mut lines = vec![("view", self.server.view().map_or("none".to_owned(), ToString::to_string))];
        lines.extend([
            ("last write", state.last.position.to_string()),
            ("waiting for copies", pending.to_string()),
            ("answered", self.answered.to_string()),
        ]);
        lines.extend(state.held.iter().take(8).map(|(key, (value, _))| ("holds", format!("{key}: {value}"))));
        let word = match role {
            Role::Idle => "waits for a view",
            Role::Preparing => "prepares",
            Role::Primary => "primary",
            Role::Backup => "backup",
        };
        let ready = matches!(role, Role::Primary | Role::Backup);
        Look { role: word.into(), star: role == Role::Primary, ready, lines, log: Vec::new() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Report => "report",
            Timer::Server(ServerTimer::Stored { .. }) => "stored",
            Timer::Server(ServerTimer::Installed(_)) => "view installed",
            Timer::Server(ServerTimer::Replaced(_)) => "everything copied",
            Timer::Server(ServerTimer::Again) => "forward again",
        }
    }

    fn work(&self, message: &Message) -> Work {
        match message {
            Message::Kv(_)
            | Message::PrimaryCopy(primary_copy::Message::Forward { .. } | primary_copy::Message::Transfer { .. }) => {
                Work::Service
            }
            _ => Work::None,
        }
    }
}

impl Placeable for KvReplica {
    const KIND: &'static str = "kv-replica";
    const TITLE: &'static str = "Replica";
    const ABOUT: &'static str =
        crate::later_text!("Keeps values as primary or backup; the primary answers when enough backups have a write.");
    const GLYPH: Glyph = Glyph::Database;
    const FAMILY: Family = Family::Storage;
    const TALKS_TO: &'static [&'static str] = &["kv-client", "kv-replica", "view-manager"];
    fn machine() -> Machine {
        super::store_machine()
    }
}
