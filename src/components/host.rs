//! A host of a network: gets streams by name, sends them, or knows names. It knows one router, and the address of a name
//! server; everything else it asks for.

use crate::protocols::Family;
use crate::protocols::health;
use crate::protocols::internet::{Load, Message as Packet, Told};
use crate::protocols::tcp::{self, Congestion, Duplicates, Outcome, Receiver, Rules, Segment, Sender};
use crate::sim::{Component, Context, Look, Micros, NodeId, Port, Stream, Table, Time, Work};

use super::router::Router;
use super::{Fact, Glyph, Message, Placeable};

/// How often a host tells its router that it is there.
pub const HERE: Micros = Micros::ms(500);
/// How often a server registers its name, and for how many times as long that counts.
const REGISTERS: Micros = Micros::secs(1);
/// See [`REGISTERS`].
const KEPT: u64 = 3;
/// After how long a question is asked again: to a name server, or for a stream, then twice as long, and so on.
const ASKS: Micros = Micros::secs(1);
/// How many names a name server knows, and a client remembers; for others there is no room.
const NAMES: usize = 4_096;
/// How many servers of one name are known.
const SERVERS: usize = 64;

crate::choice! {
    /// What a host does.
    pub enum Role {
        /// Gets streams.
        Client = "client",
        /// Sends streams to whoever asks.
        Server = "server",
        /// Knows who has which name.
        Names = "names",
    }
}

crate::config! {
    /// What can be set about a host.
    pub struct HostConfig {
        /// What it does.
        role: Role = Role::Client, in 0, 0, "";
        /// client, server: The number of the node that is its name server.
        names: u32 = 0, in 0, 100_000, "";
        /// client: Whose streams it gets; server: what it is called.
        name: u32 = 1, in 0, 1_000_000, "";
        /// client: When it begins.
        start: Micros = Micros::ZERO, in 0.0, 86_400.0, "";
        /// client: How many pieces a stream has; 0 for no end.
        size: u32 = 60, in 0, 1_000_000, "";
        /// client: How long it waits before it gets the next.
        pause: Micros = Micros::secs(1), in 0.0, 3600.0, "";
        /// client: After how long without a new piece it gives a stream up.
        patience: Micros = Micros::secs(10), in 0.1, 3600.0, "";
        /// client: What it does with a piece that it had; to deliver it again is a mistake.
        duplicates: Duplicates = Duplicates::Drop, in 0, 0, "";
        /// server: How it minds that others use the network, too; not at all is a mistake where they do.
        congestion: Congestion = Congestion::Reno, in 0, 0, "";
        /// server: How many pieces may be under way at most: what receivers have room for.
        window: u32 = 64, in 1, 1_000, "";
        /// server: The shortest time-out before it sends a piece again.
        least: Micros = Micros::secs(1), in 0.001, 60.0, "";
        /// names: For how long an answer may be remembered.
        keeps: Micros = Micros::secs(5), in 0.0, 86_400.0, "";
        /// How many routers what it sends may pass.
        ttl: u32 = 64, in 1, 255, "";
    }
}

/// What a host waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To tell its router that it is there.
    Here,
    /// To register its name.
    Register,
    /// To get the next stream.
    Next,
    /// To ask the name server again.
    Ask,
    /// To ask for a stream again.
    Get,
    /// For a piece, no longer.
    Patience,
    /// An acknowledgement, no longer.
    Stream(tcp::Timer),
}

/// What a client is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum About {
    Nothing,
    Asking { id: u64 },
    Getting { from: NodeId, connection: u64, receiver: Receiver, since: Time, wait: Micros },
}

/// A host.
#[derive(Clone, Debug, Hash)]
pub struct Host {
    about: About,
    /// The number of its last question or connection.
    number: u64,
    /// What it remembers of names: who has it, until when.
    cache: Table<u32, (NodeId, Time)>,
    sender: Sender,
    /// Of a name server: who has a name, and until when that counts.
    registered: Table<u32, Vec<(NodeId, Time)>>,
    complete: u64,
    handed: u64,
    abandoned: u64,
}

/// The port of a stream: segments go in packets, by the router.
struct Wires<'c, 'a> {
    cx: &'c mut Context<'a, Host>,
}

impl Port for Wires<'_, '_> {
    type Message = Segment;
    type Timer = tcp::Timer;
    type Write = ();
    fn id(&self) -> NodeId {
        self.cx.id()
    }
    fn now(&self) -> Time {
        self.cx.now()
    }
    fn rng(&mut self) -> &mut Stream {
        self.cx.rng()
    }
    fn send(&mut self, to: NodeId, segment: Segment) {
        send(self.cx, to, Load::Segment(segment));
    }
    fn set(&mut self, timer: tcp::Timer, span: Micros) {
        self.cx.set(Timer::Stream(timer), span);
    }
    fn cancel(&mut self, timer: &tcp::Timer) {
        self.cx.cancel(&Timer::Stream(*timer));
    }
    fn persist(&mut self, (): (), _: Option<tcp::Timer>) {}
    fn note(&mut self, line: String) {
        self.cx.note(line);
    }
}

fn send(cx: &mut Context<Host>, to: NodeId, load: Load) {
    let (from, ttl) = (cx.id(), cx.config().ttl);
    if let Some(router) = cx.peers_of(Router::KIND).next() {
        cx.send(router, Packet::Packet { from, to, ttl, load }.into());
    }
}

fn rules(config: &HostConfig) -> Rules {
    Rules { congestion: config.congestion, window: config.window, least: config.least }
}

fn measure(cx: &mut Context<Host>, outcome: Outcome) {
    for _ in 0..outcome.sent + outcome.again {
        cx.measure("pieces sent", 1);
    }
    for _ in 0..outcome.again {
        cx.measure("sent again", 1);
    }
    if outcome.timeouts > 0 {
        cx.measure("time-outs", outcome.timeouts);
    }
}

impl Host {
    fn name_server(cx: &Context<Self>) -> NodeId {
        NodeId(cx.config().names)
    }

    /// A number that no earlier life can have used: by the clock, as TCP chooses its first (RFC 9293, 3.4.1).
    fn number(&mut self, cx: &Context<Self>) -> u64 {
        self.number = (self.number + 1).max(cx.now().0);
        self.number
    }

    /// Begins to get a stream: by what it remembers, or asks who has the name.
    fn begin(&mut self, cx: &mut Context<Self>) {
        let name = cx.config().name;
        match self.cache.get(&name).copied().filter(|(_, until)| *until > cx.now()) {
            Some((from, _)) => self.get(cx, from),
            None => {
                let id = self.number(cx);
                self.about = About::Asking { id };
                cx.measure("lookups", 1);
                send(cx, Host::name_server(cx), Load::Query { id, name });
                cx.set(Timer::Ask, ASKS);
            }
        }
    }

    fn get(&mut self, cx: &mut Context<Self>, from: NodeId) {
        let connection = self.number(cx);
        let since = cx.now();
        self.about = About::Getting { from, connection, receiver: Receiver::new(), since, wait: ASKS };
        send(cx, from, Load::Segment(Segment::Get { connection, size: cx.config().size }));
        cx.cancel(&Timer::Ask);
        cx.set(Timer::Get, ASKS);
        cx.set(Timer::Patience, cx.config().patience);
    }

    fn done(&mut self, cx: &mut Context<Self>) {
        self.about = About::Nothing;
        cx.cancel(&Timer::Get);
        cx.cancel(&Timer::Patience);
        cx.set(Timer::Next, cx.config().pause);
    }

    /// A piece has come.
    fn piece(&mut self, cx: &mut Context<Self>, from: NodeId, connection: u64, number: u32) {
        let size = cx.config().size;
        let (handed, next, since) = match &mut self.about {
            About::Getting { from: whose, connection: which, receiver, since, .. }
                if *whose == from && *which == connection =>
            {
                let handed = receiver.on_piece(number, cx.config().duplicates);
                (handed, receiver.next(), *since)
            }
            // Of a stream that is over: there is nothing more to send.
            _ => return send(cx, from, Load::Segment(Segment::Ack { connection, next: u32::MAX })),
        };
        cx.cancel(&Timer::Get);
        if !handed.is_empty() {
            cx.set(Timer::Patience, cx.config().patience);
        }
        for piece in handed {
            self.handed += 1;
            cx.measure("delivered", 1);
            cx.fact(Fact::Network(Told::Handed { from, connection, piece }));
        }
        send(cx, from, Load::Segment(Segment::Ack { connection, next }));
        if size > 0 && next >= size {
            self.complete += 1;
            cx.measure("download", cx.now().since(since).0);
            cx.fact(Fact::Network(Told::Complete { from, connection }));
            self.done(cx);
        }
    }

    /// Who has a name, of those that said so lately: the first.
    fn answer(&mut self, cx: &mut Context<Self>, from: NodeId, id: u64, name: u32) {
        let now = cx.now();
        let of = self.registered.get(&name).map_or(&[][..], Vec::as_slice);
        let address = of.iter().filter(|(_, until)| *until > now).map(|(server, _)| *server).min();
        let keeps = (cx.config().keeps.0 / 1_000).min(u64::from(u32::MAX)) as u32;
        send(cx, from, Load::Answer { id, address, keeps });
    }

    fn register(&mut self, cx: &Context<Self>, from: NodeId, name: u32) {
        let until = cx.now() + Micros(KEPT * REGISTERS.0);
        if self.registered.len() >= NAMES && !self.registered.contains_key(&name) {
            return;
        }
        let servers = self.registered.or_insert_with(name, Vec::new);
        let known = servers.iter().position(|(server, _)| *server == from);
        match known {
            Some(place) => servers[place].1 = until,
            None if servers.len() < SERVERS => servers.push((from, until)),
            None => {}
        }
    }

    fn packet(&mut self, cx: &mut Context<Self>, from: NodeId, load: Load) {
        let role = cx.config().role;
        match load {
            Load::Segment(Segment::Data { connection, number }) if role == Role::Client => {
                self.piece(cx, from, connection, number);
            }
            Load::Segment(segment) if role == Role::Server => {
                let rules = rules(cx.config());
                let outcome = self.sender.on_segment(&mut Wires { cx }, &rules, from, segment);
                measure(cx, outcome);
                let window = self.sender.flows().find(|((to, _), _)| *to == from).map(|(_, flow)| flow.window());
                if let (Some(window), Segment::Ack { .. }) = (window, segment) {
                    cx.measure("window", window / 1_000);
                }
            }
            Load::Query { id, name } if role == Role::Names => self.answer(cx, from, id, name),
            Load::Register { name } if role == Role::Names => self.register(cx, from, name),
            Load::Answer { id, address: Some(address), keeps } if self.about == (About::Asking { id }) => {
                let (name, until) = (cx.config().name, cx.now() + Micros::ms(u64::from(keeps)));
                if self.cache.len() < NAMES || self.cache.contains_key(&name) {
                    self.cache.insert(name, (address, until));
                }
                self.get(cx, address);
            }
            // What a router says may be over by now: whoever waits goes on waiting (RFC 1122, 4.2.3.9). Whatever else
            // comes to the wrong host is dropped.
            _ => {}
        }
    }
}

impl Component for Host {
    type Message = Message;
    type Config = HostConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        cx.set(Timer::Here, Micros::ZERO);
        match cx.config().role {
            Role::Client => cx.set(Timer::Next, cx.config().start.max(Micros::ms(1))),
            // Once there are ways.
            Role::Server => cx.set(Timer::Register, REGISTERS),
            Role::Names => {}
        }
        Host {
            about: About::Nothing,
            number: 0,
            cache: Table::new(),
            sender: Sender::default(),
            registered: Table::new(),
            complete: 0,
            handed: 0,
            abandoned: 0,
        }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Internet(Packet::Packet { from, to, load, .. }) if to == cx.id() => self.packet(cx, from, load),
            // Not for this host: hosts pass nothing on.
            Message::Internet(_) => {}
            Message::Health(health::Message::Ping { round }) => cx.send(from, health::Message::Pong { round }.into()),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Here => {
                if let Some(router) = cx.peers_of(Router::KIND).next() {
                    cx.send(router, Packet::Here.into());
                }
                cx.set(Timer::Here, HERE);
            }
            Timer::Register => {
                send(cx, Host::name_server(cx), Load::Register { name: cx.config().name });
                cx.set(Timer::Register, REGISTERS);
            }
            Timer::Next | Timer::Ask => self.begin(cx),
            Timer::Get => {
                if let About::Getting { from, connection, wait, .. } = &mut self.about {
                    *wait = Micros(2 * wait.0);
                    let (from, wait) = (*from, *wait);
                    let get = Segment::Get { connection: *connection, size: cx.config().size };
                    send(cx, from, Load::Segment(get));
                    cx.set(Timer::Get, wait);
                }
            }
            Timer::Patience => {
                if let About::Getting { from, .. } = self.about {
                    self.abandoned += 1;
                    cx.measure("given up", 1);
                    cx.fact(Fact::Network(Told::Abandoned { from }));
                    self.done(cx);
                }
            }
            Timer::Stream(timer) => {
                let rules = rules(cx.config());
                let outcome = self.sender.on_timer(&mut Wires { cx }, &rules, timer);
                measure(cx, outcome);
            }
        }
    }

    fn look(&self, config: &HostConfig) -> Look {
        let mut lines = Vec::new();
        let role = match config.role {
            Role::Client => {
                let what = match &self.about {
                    About::Nothing => "nothing".to_owned(),
                    About::Asking { .. } => format!("who is {}", config.name),
                    About::Getting { from, receiver, .. } => format!("piece {} from {from}", receiver.next()),
                };
                lines.extend([
                    ("waits for", what),
                    ("pieces", self.handed.to_string()),
                    ("streams", self.complete.to_string()),
                    ("given up", self.abandoned.to_string()),
                ]);
                let known = self.cache.iter().take(8);
                lines.extend(known.map(|(name, (who, until))| ("remembers", format!("{name}: {who}, until {until}"))));
                match &self.about {
                    About::Getting { receiver, .. } => format!("has {}", receiver.next()),
                    About::Asking { .. } => "asks".to_owned(),
                    About::Nothing => "waits".to_owned(),
                }
            }
            Role::Server => {
                for ((to, _), flow) in self.sender.flows().take(8) {
                    let (whole, tenth) = (flow.window() / 1_000, flow.window() % 1_000 / 100);
                    let (next, timeout) = (flow.acknowledged(), flow.timeout());
                    lines.push(("sends", format!("{to}: from {next}, window {whole}.{tenth}, time-out {timeout}")));
                }
                format!("serves {}", self.sender.flows().count())
            }
            Role::Names => {
                for (name, servers) in self.registered.iter().take(8) {
                    let who: Vec<String> = servers.iter().map(|(server, _)| server.to_string()).collect();
                    lines.push(("knows", format!("{name}: {}", who.join(" "))));
                }
                "names".to_owned()
            }
        };
        Look { role: role.into(), star: false, ready: true, lines, log: Vec::new() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Here => "here",
            Timer::Register => "register",
            Timer::Next => "next",
            Timer::Ask => "ask again",
            Timer::Get => "get again",
            Timer::Patience => "patience",
            Timer::Stream(_) => "retransmission time-out",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Host {
    const KIND: &'static str = "host";
    const TITLE: &'static str = "Host";
    const ABOUT: &'static str = crate::later_text!(
        "Gets streams by name over a network of routers, sends them piece by piece as TCP does, or knows names."
    );
    const GLYPH: Glyph = Glyph::Client;
    const FAMILY: Family = Family::People;
    const TALKS_TO: &'static [&'static str] = &[Router::KIND];
}
