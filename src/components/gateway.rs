//! The gateway: holds the sessions of those who are connected, takes their requests to the sender that is responsible
//! for the conversation, and pushes to them what senders deliver.

use std::rc::Rc;

use crate::protocols::chat::Why;
use crate::protocols::{Family, chat, delivery, health, rendezvous, routing};
use crate::sim::{Component, Context, Discipline, Dist, Look, Machine, Micros, NodeId, Table, Time, Work};

use super::{Glyph, Message, Placeable};

crate::config! { @opening
    /// What can be set about a gateway.
    pub struct GatewayConfig {
        /// How many sessions it holds at most.
        sessions: u32 = 1000, in 1, 10000, "";
        /// How often it asks who the senders are.
        refresh: Micros = Micros::secs(2), in 0.1, 60.0, "";
        /// After how long without a word a session ends.
        idle: Micros = Micros::secs(15), in 1.0, 600.0, "";
    }
}

/// What a gateway waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To ask who the senders are, and to end idle sessions.
    Refresh,
}

#[derive(Clone, Debug, Hash)]
struct Session {
    conversation: u32,
    heard: Time,
}

/// A gateway.
#[derive(Clone, Debug, Hash)]
pub struct Gateway {
    sessions: Table<NodeId, Session>,
    epoch: u64,
    routes: Option<Rc<[NodeId]>>,
}

impl Gateway {
    /// The sender of a conversation: among those that were published and can be reached, or all that can be reached
    /// where nobody publishes any.
    fn owner(&self, cx: &Context<Self>, conversation: u32) -> Option<NodeId> {
        let published = |sender: &NodeId| self.routes.as_ref().is_none_or(|routes| routes.contains(sender));
        rendezvous::owner(u64::from(conversation), cx.peers_of("sender").filter(published))
            .or_else(|| rendezvous::owner(u64::from(conversation), cx.peers_of("sender")))
    }

    fn ask(&self, cx: &mut Context<Self>) {
        if let Some(supervisor) = cx.peers_of("supervisor").next() {
            cx.send(supervisor, routing::Message::Ask { epoch: self.epoch }.into());
        }
    }

    fn on_client(&mut self, cx: &mut Context<Self>, client: NodeId, message: chat::Message) {
        let now = cx.now();
        if let chat::Message::Hello { conversation } = message {
            let full = self.sessions.len() >= cx.config().sessions as usize && !self.sessions.contains_key(&client);
            if full {
                return cx.send(client, chat::Message::Refused { why: Why::Busy }.into());
            }
            self.sessions.insert(client, Session { conversation, heard: now });
            return cx.send(client, chat::Message::Welcome.into());
        }
        let (conversation, request) = match message {
            chat::Message::Send { conversation, post, floor } => {
                (conversation, delivery::Message::Send { client, conversation, post, floor })
            }
            chat::Message::Fetch { conversation, after } => {
                (conversation, delivery::Message::Fetch { client, conversation, after })
            }
            other => return super::not_understood(cx, client, &other.into()),
        };
        let Some(session) = self.sessions.get_mut(&client) else {
            return cx.send(client, chat::Message::Refused { why: Why::NoSession }.into());
        };
        session.heard = now;
        match self.owner(cx, conversation) {
            Some(sender) => cx.send(sender, request.into()),
            None => cx.send(client, chat::Message::Refused { why: Why::NoSender }.into()),
        }
    }

    fn on_sender(&mut self, cx: &mut Context<Self>, sender: NodeId, message: delivery::Message) {
        let (client, answer) = match message {
            delivery::Message::Deliver { conversation, place, post } => {
                for (client, session) in self.sessions.iter() {
                    if session.conversation == conversation {
                        cx.send(*client, chat::Message::Deliver { conversation, place, post: post.clone() }.into());
                    }
                }
                return;
            }
            delivery::Message::Accepted { client, item } => (client, chat::Message::Accepted { item, by: sender }),
            delivery::Message::History { client, conversation, page } => {
                (client, chat::Message::History { conversation, page })
            }
            delivery::Message::Refused { client, why } => (client, chat::Message::Refused { why }),
            other => return super::not_understood(cx, sender, &other.into()),
        };
        // A session that has ended since: the client will ask again wherever it is now.
        if self.sessions.contains_key(&client) {
            cx.send(client, answer.into());
        }
    }
}

impl Component for Gateway {
    type Message = Message;
    type Config = GatewayConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        let gateway = Gateway { sessions: Table::new(), epoch: 0, routes: None };
        gateway.ask(cx);
        cx.set(Timer::Refresh, cx.config().refresh);
        gateway
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Chat(message) => self.on_client(cx, from, message),
            Message::Delivery(message) => self.on_sender(cx, from, message),
            Message::Routing(routing::Message::Routes { epoch, senders }) => {
                if epoch >= self.epoch {
                    (self.epoch, self.routes) = (epoch, Some(senders));
                }
            }
            Message::Health(health::Message::Ping { round }) => {
                cx.send(from, health::Message::Pong { round }.into());
                if cx.peers_of("balancer").any(|peer| peer == from) {
                    cx.send(from, chat::Message::Load { sessions: self.sessions.len() as u32 }.into());
                }
            }
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, Timer::Refresh: Timer) {
        let (now, idle) = (cx.now(), cx.config().idle);
        self.sessions.retain(|_, session| now.since(session.heard) <= idle);
        self.ask(cx);
        cx.set(Timer::Refresh, cx.config().refresh);
    }

    fn look(&self, config: &GatewayConfig) -> Look {
        let routes = self.routes.as_ref().map(|routes| routes.iter().map(NodeId::to_string).collect::<Vec<_>>());
        Look {
            role: "gateway".into(),
            star: false,
            ready: true,
            lines: vec![
                ("sessions", format!("{} of {}", self.sessions.len(), config.sessions)),
                ("epoch", self.epoch.to_string()),
                ("senders", routes.map_or("those that it is wired to".to_owned(), |routes| routes.join(" "))),
            ],
            log: Vec::new(),
        }
    }

    fn timer_name(Timer::Refresh: &Timer) -> &'static str {
        "refresh routes"
    }

    fn work(&self, message: &Message) -> Work {
        match message {
            Message::Chat(_)
            | Message::Delivery(delivery::Message::Deliver { .. } | delivery::Message::History { .. }) => Work::Service,
            _ => Work::None,
        }
    }
}

impl Placeable for Gateway {
    const KIND: &'static str = "gateway";
    const TITLE: &'static str = "Gateway";
    const ABOUT: &'static str = "Holds people's connections, takes their messages to the sender that is responsible, and pushes messages to them.";
    const GLYPH: Glyph = Glyph::Gateway;
    const FAMILY: Family = Family::Edge;
    const TALKS_TO: &'static [&'static str] = &["client", "balancer", "sender", "supervisor", "operator"];
    fn machine() -> Machine {
        Machine {
            cores: 1,
            service: Dist::Constant(Micros(200)),
            inbox: 256,
            disk: Dist::default(),
            startup: Micros::ms(500),
            discipline: Discipline::Fifo,
        }
    }
}
