//! The history database: a server of [`primary_backup`], in views that the supervisor's view service decides.
//!
//! Without a view service it serves alone, if it is the lowest of the databases that it is wired to.

use crate::protocols::primary_backup::{self, Role, Server, Settled, Store};
use crate::protocols::view_service::{self, View};
use crate::protocols::{Family, health};
use crate::sim::{Cell, Component, Context, Discipline, Dist, Item, Lift, Look, Machine, Micros, NodeId, Scale, Work};

use super::{Fact, Glyph, Message, Placeable};

/// How many of the latest messages a look shows.
const CELLS: u64 = 6;

crate::config! {
    /// What can be set about a database.
    pub struct DatabaseConfig {
        /// How often it tells the view service that it is alive.
        ping: Micros = Micros::ms(200), in 0.02, 5.0, "";
    }
}

/// What a database waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To tell that it is alive.
    Ping,
    /// Something of the protocol.
    Server(primary_backup::Timer),
}

/// A database.
#[derive(Clone, Debug, Hash)]
pub struct Database {
    server: Server,
    /// The last report that was sent, so that news goes out at once.
    reported: (u64, u64),
}

fn port<'c, 'a>(
    cx: &'c mut Context<'a, Database>,
) -> Lift<'c, 'a, Database, primary_backup::Message, primary_backup::Timer, primary_backup::Write> {
    Lift { cx, message: Message::History, timer: Timer::Server, write: |write| write }
}

impl Database {
    fn ping(&mut self, cx: &mut Context<Self>) {
        let report = self.server.report(cx.now());
        self.reported = (report.view, report.alone);
        if let Some(service) = cx.peers_of("supervisor").next() {
            cx.send(service, view_service::Message::Ping(report).into());
        }
    }

    /// Tells what came of a handler, and the view service if something changed that it should know.
    fn tell(&mut self, cx: &mut Context<Self>, outcome: primary_backup::Outcome) {
        for Settled { conversation, item, place } in outcome.settled {
            cx.fact(Fact::Stored { item, conversation, place });
        }
        if let Some(from) = outcome.copied {
            cx.fact(Fact::Copied { from });
            cx.note(format!("has a copy of everything that {from} has"));
        }
        let report = self.server.report(cx.now());
        if (report.view, report.alone) != self.reported {
            if let Role::Primary(view) = self.server.role()
                && report.view != self.reported.0
            {
                cx.note(format!("serves: {view}"));
            }
            self.ping(cx);
        }
    }
}

impl Component for Database {
    type Message = Message;
    type Config = DatabaseConfig;
    type Disk = Store;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &Store) -> Self {
        let mut database = Database { server: Server::boot(disk, cx.now()), reported: (0, 0) };
        let watched = cx.peers_of("supervisor").next().is_some();
        let lowest = cx.peers_of("database").all(|other| other > cx.id());
        // A copy that once had a partner may be an old one: it must not serve on its own word.
        let own = disk.view.is_none_or(|view| view.primary == cx.id() && view.backup.is_none());
        if !watched && lowest && own {
            let number = disk.view.map_or(1, |view| view.number + 1);
            cx.note("no view service: it serves alone");
            let view = View { number, primary: cx.id(), backup: None };
            database.server.on_view(&mut port(cx), view);
        }
        database.ping(cx);
        cx.set(Timer::Ping, cx.config().ping);
        database
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::History(message) => {
                let outcome = self.server.on_message(&mut port(cx), from, message);
                self.tell(cx, outcome);
            }
            Message::Views(view_service::Message::View(view)) => {
                self.server.on_view(&mut port(cx), view);
                self.tell(cx, primary_backup::Outcome::default());
            }
            Message::Health(health::Message::Ping { round }) => cx.send(from, health::Message::Pong { round }.into()),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Ping => {
                self.ping(cx);
                cx.set(Timer::Ping, cx.config().ping);
            }
            Timer::Server(timer) => {
                let outcome = self.server.on_timer(&mut port(cx), timer);
                self.tell(cx, outcome);
            }
        }
    }

    fn look(&self, _: &DatabaseConfig) -> Look {
        let (role, view) = match self.server.role() {
            Role::Idle => ("waits for a view", self.server.told()),
            Role::Preparing { view, transferred: false, .. } => ("copies to its backup", Some(*view)),
            Role::Preparing { view, .. } => ("prepares", Some(*view)),
            Role::Primary(view) => ("primary", Some(*view)),
            Role::Backup(view) => ("backup", Some(*view)),
            Role::Deposed => ("deposed", self.server.told()),
        };
        let mut lines = vec![("view", view.map_or("none".to_owned(), |view| view.number.to_string()))];
        if let Some(view) = view {
            lines.push(("primary", view.primary.to_string()));
            lines.push(("backup", view.backup.map_or("none".to_owned(), |backup| backup.to_string())));
        }
        lines.push(("messages", self.server.logs().total().to_string()));
        lines.push(("waiting for a disk", self.server.pending().to_string()));
        // The conversation of the newest message speaks for all.
        let newest = self
            .server
            .logs()
            .iter()
            .filter_map(|(conversation, log)| Some((log.get(log.last())?.written, conversation, log)));
        let log = newest.max_by_key(|(written, conversation, _)| (*written, *conversation)).map(|(_, _, log)| {
            let first = log.before_first().max(log.last().saturating_sub(CELLS)) + 1;
            let cell = |place: u64| {
                let post = log.get(place)?;
                Some(Cell { text: format!("{place} {}", post.text), settled: place <= log.settled() })
            };
            (first..=log.last()).filter_map(cell).collect()
        });
        Look {
            role: role.into(),
            star: matches!(self.server.role(), Role::Primary(_)),
            ready: matches!(self.server.role(), Role::Primary(_) | Role::Backup(_)),
            lines,
            log: log.unwrap_or_default(),
        }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Ping => "ping",
            Timer::Server(primary_backup::Timer::Stored { .. }) => "stored",
            Timer::Server(primary_backup::Timer::Installed { .. }) => "view installed",
            Timer::Server(primary_backup::Timer::Copied) => "copied",
            Timer::Server(primary_backup::Timer::Again) => "forward again",
        }
    }

    fn work(&self, message: &Message) -> Work {
        match message {
            Message::History(
                primary_backup::Message::Append { .. }
                | primary_backup::Message::Read { .. }
                | primary_backup::Message::Forward { .. }
                | primary_backup::Message::Transfer { .. },
            ) => Work::Service,
            _ => Work::None,
        }
    }

    fn carries(&self, item: Item) -> bool {
        self.server.carries(item)
    }

    fn weigh(&self, disk: &Store, scale: &mut Scale) {
        self.server.logs().weigh(scale);
        disk.logs.weigh(scale);
    }
}

impl Placeable for Database {
    const KIND: &'static str = "database";
    const TITLE: &'static str = "Database";
    const ABOUT: &'static str = crate::later_text!(
        "Keeps the history of conversations on a primary and a backup; nothing is acknowledged before it is on both disks."
    );
    const GLYPH: Glyph = Glyph::Database;
    const FAMILY: Family = Family::Storage;
    const TALKS_TO: &'static [&'static str] = &["sender", "database", "supervisor"];
    fn machine() -> Machine {
        Machine {
            cores: 1,
            service: Dist::Constant(Micros::ms(1)),
            inbox: 128,
            disk: Dist::Lognormal { median: Micros::ms(2), p99: Micros::ms(8) },
            startup: Micros::ms(500),
            discipline: Discipline::Fifo,
        }
    }
}
