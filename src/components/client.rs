//! A person in a conversation: writes now and then, tries again until told that the message is safe, and sees what
//! others write, in order and once.
//!
//! A message goes to the device's disk before it is sent, so that its number is never given twice. A message that comes
//! goes to the disk before it is shown, so that a crash cannot show it twice. A few messages may be under way at once;
//! each says what is not acknowledged before it, so that they stand in the conversation as they were written.

use crate::protocols::backoff::Backoff;
use crate::protocols::chat::{self, Page, Post, Text, Why, count, item};
use crate::protocols::{Family, health};
use crate::sim::{Cell, Component, Context, Discipline, Disk, Dist, Item, Look, Machine, Micros, NodeId, Table, Work};

mod texts;

use texts::TEXTS;

use super::{Fact, Glyph, Message, Placeable};

/// How many messages may wait to be acknowledged; then the person stops writing until some are. The history's window
/// for retries ([`crate::protocols::history::Seen`]) relies on it.
pub const OUTBOX: usize = 32;
/// How many messages may be under way at once.
const AHEAD: usize = 8;
/// How many messages that came before their turn are kept.
pub const EARLY: usize = 256;
/// How many of the latest messages a look shows.
const SCREEN: usize = 6;
/// After so many requests in a row without an answer a gateway counts as dead.
const GIVE_UP: u32 = 3;
/// How long a gap may last before the device asks for what is missing; most close by themselves.
const GAP: Micros = Micros::ms(60);

crate::config! { @opening
    /// What can be set about a person.
    pub struct ClientConfig {
        /// How many messages the person writes, on average.
        rate: f64 = 0.3, in 0.0, 50.0, "1/s";
        /// Into how many conversations people fall: a person is in the one of their number modulo this.
        conversations: u32 = 2, in 1, 4096, "";
        /// How long it waits for an answer before it asks again, at first.
        timeout: Micros = Micros::ms(500), in 0.02, 60.0, "";
        /// The longest pause before it asks again.
        cap: Micros = Micros::secs(2), in 0.02, 60.0, "";
        /// How often it asks whether it missed anything.
        sync: Micros = Micros::secs(2), in 0.1, 60.0, "";
    }
}

/// What a device keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Device {
    /// The number of the last message written.
    count: u64,
    /// The conversation and the last place shown of it.
    place: Option<(u32, u64)>,
    /// What is not acknowledged, with its conversation.
    outbox: Vec<(u32, Post)>,
}

/// A write to a device's disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// A message was written.
    Wrote(u32, Post),
    /// A message was acknowledged.
    Done(Item),
    /// A place of a conversation is being shown.
    At(u32, u64),
}

impl Disk for Device {
    type Write = Write;
    fn apply(&mut self, write: Write) {
        match write {
            Write::Wrote(conversation, post) => {
                self.count = count(post.item);
                self.outbox.push((conversation, post));
            }
            Write::Done(item) => self.outbox.retain(|(_, post)| post.item != item),
            Write::At(conversation, place) => self.place = Some((conversation, place)),
        }
    }
    fn carries(&self, item: Item) -> bool {
        self.outbox.iter().any(|(_, post)| post.item == item)
    }
}

/// What a person's device waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The person writes.
    Write,
    /// To ask for a gateway, or say hello, again.
    Connect,
    /// To send again what was not acknowledged.
    Resend,
    /// To ask whether it missed anything.
    Sync,
    /// What it asked for has not come.
    Unanswered,
    /// A gap has not closed by itself.
    Gap,
    /// A message is on the disk and can be sent.
    Written {
        /// To which conversation.
        conversation: u32,
        /// What.
        post: Post,
    },
    /// A place is on the disk, and what stands there can be shown.
    Show {
        /// Of which conversation.
        conversation: u32,
        /// Which.
        place: u64,
        /// What stands there.
        post: Post,
    },
    /// A place is on the disk, and it goes on from there: what came before is gone.
    Leap {
        /// Of which conversation.
        conversation: u32,
        /// Which.
        place: u64,
    },
}

/// Where the device is with its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Link {
    /// Asks for a gateway.
    Asking,
    /// Has said hello.
    Greeting(NodeId),
    /// Has a session.
    Open(NodeId),
}

/// A person.
#[derive(Clone, Debug, Hash)]
pub struct Client {
    conversation: u32,
    link: Link,
    /// A gateway that did not answer.
    avoid: Option<NodeId>,
    count: u64,
    /// What is not acknowledged, in the order in which it was written.
    outbox: Vec<(u32, Post)>,
    /// How many of the outbox, from the first on, are under way.
    sent: usize,
    /// Tries in a row: of the connection, of sending, of the fetch.
    connects: u32,
    sends: u32,
    fetches: u32,
    /// Requests in a row without an answer.
    unanswered: u32,
    /// The last place taken in order; none before the first page.
    place: Option<u64>,
    early: Table<u64, Post>,
    screen: Vec<(u64, Text)>,
    full: bool,
}

impl Client {
    fn backoff(cx: &Context<Self>) -> Backoff {
        Backoff { base: Micros(cx.config().timeout.0 / 2), cap: cx.config().cap }
    }

    /// A time-out and then a pause, both before the next try.
    fn later(cx: &mut Context<Self>, tries: u32) -> Micros {
        let pause = Client::backoff(cx).pause(tries, cx.rng());
        cx.config().timeout + pause
    }

    /// Asks a balancer for a gateway; without one, takes any gateway.
    fn connect(&mut self, cx: &mut Context<Self>) {
        for timer in [Timer::Resend, Timer::Unanswered, Timer::Sync, Timer::Gap] {
            cx.cancel(&timer);
        }
        self.sent = 0;
        self.unanswered = 0;
        self.link = Link::Asking;
        let again = Client::later(cx, self.connects);
        cx.set(Timer::Connect, again);
        let luck = cx.rng().bits();
        let balancers: Vec<NodeId> = cx.peers_of("balancer").collect();
        let turn = self.connects as usize;
        self.connects = self.connects.saturating_add(1);
        if let Some(balancer) = balancers.get(turn % balancers.len().max(1)) {
            cx.send(*balancer, chat::Message::Connect { avoid: self.avoid }.into());
            return;
        }
        let mut gateways: Vec<NodeId> = cx.peers_of("gateway").collect();
        if gateways.len() > 1 {
            gateways.retain(|gateway| Some(*gateway) != self.avoid);
        }
        if let Some(gateway) = gateways.get((luck % gateways.len().max(1) as u64) as usize) {
            self.greet(cx, *gateway);
        }
    }

    fn greet(&mut self, cx: &mut Context<Self>, gateway: NodeId) {
        self.link = Link::Greeting(gateway);
        let again = Client::later(cx, self.connects);
        cx.set(Timer::Connect, again);
        cx.send(gateway, chat::Message::Hello { conversation: self.conversation }.into());
    }

    /// A request was not answered.
    fn miss(&mut self, cx: &mut Context<Self>) {
        self.unanswered += 1;
        if self.unanswered >= GIVE_UP
            && let Link::Open(gateway) = self.link
        {
            cx.note(format!("{gateway} does not answer: asks for another gateway"));
            self.avoid = Some(gateway);
            self.connect(cx);
        }
    }

    /// Sends what waits, as far as may be under way, if there is a session.
    fn send(&mut self, cx: &mut Context<Self>) {
        let Link::Open(gateway) = self.link else { return };
        let Some(floor) = self.outbox.first().map(|(_, post)| count(post.item)) else { return };
        while let Some((conversation, post)) = self.outbox.get(self.sent).filter(|_| self.sent < AHEAD).cloned() {
            self.sent += 1;
            cx.send(gateway, chat::Message::Send { conversation, post, floor }.into());
        }
        if !cx.is_set(&Timer::Resend) {
            let again = Client::later(cx, self.sends);
            cx.set(Timer::Resend, again);
        }
    }

    fn fetch(&mut self, cx: &mut Context<Self>) {
        let Link::Open(gateway) = self.link else { return };
        cx.cancel(&Timer::Sync);
        cx.cancel(&Timer::Gap);
        cx.send(gateway, chat::Message::Fetch { conversation: self.conversation, after: self.place }.into());
        let again = Client::later(cx, self.fetches);
        cx.set(Timer::Unanswered, again);
    }

    fn next_writing(cx: &mut Context<Self>) {
        // Poisson arrivals; the draw is taken whatever the rate is.
        let unit = cx.load_rng().unit();
        let rate = cx.config().rate;
        if rate > 0.0 {
            cx.set(Timer::Write, Micros::from_f64(-libm::log(1.0 - unit) / rate * 1e6));
        } else {
            cx.cancel(&Timer::Write);
        }
    }

    fn write(&mut self, cx: &mut Context<Self>) {
        let text = &TEXTS[cx.load_rng().below(TEXTS.len() as u64) as usize];
        Client::next_writing(cx);
        // Counted by numbers, not by messages: one that is acknowledged late holds the rest back, as it does in the
        // history's window.
        let ahead = self.outbox.first().map_or(0, |(_, post)| self.count - count(post.item) + 1);
        if ahead >= OUTBOX as u64 {
            if !self.full {
                cx.note(format!("stops writing: {OUTBOX} messages wait to be acknowledged"));
            }
            self.full = true;
            return;
        }
        self.full = false;
        self.count += 1;
        let post = Post { item: item(cx.id(), self.count), text: Text::Written(text), written: cx.now() };
        cx.measure("written", 1);
        let conversation = self.conversation;
        cx.persist(Write::Wrote(conversation, post.clone()), Some(Timer::Written { conversation, post }));
    }

    /// Takes what is next in order, as far as it is there.
    fn take(&mut self, cx: &mut Context<Self>) {
        let Some(mut place) = self.place else { return };
        while let Some(post) = self.early.remove(&(place + 1)) {
            place += 1;
            let conversation = self.conversation;
            cx.persist(Write::At(conversation, place), Some(Timer::Show { conversation, place, post }));
        }
        self.place = Some(place);
        self.early.retain(|early, _| *early > place);
        if self.early.is_empty() {
            cx.cancel(&Timer::Gap);
        } else if !cx.is_set(&Timer::Gap) && !cx.is_set(&Timer::Unanswered) {
            cx.set(Timer::Gap, GAP);
        }
    }

    fn keep(&mut self, place: u64, post: Post) {
        let new = self.place.is_none_or(|shown| place > shown);
        if new && (self.early.len() < EARLY || self.place.is_some_and(|shown| place == shown + 1)) {
            self.early.or_insert_with(place, || post);
        }
    }

    fn on_page(&mut self, cx: &mut Context<Self>, page: &Page) {
        self.unanswered = 0;
        self.fetches = 0;
        cx.cancel(&Timer::Unanswered);
        match self.place {
            None => {
                self.place = Some(page.after);
                cx.fact(Fact::Joined { conversation: self.conversation, place: page.after });
            }
            // The history does not go back that far any more. Not so where it had asked for the end twice.
            Some(place) if page.after > place && page.asked.is_some() && !page.posts.is_empty() => {
                cx.note(format!("was away too long: {} messages are gone", page.after - place));
                self.place = Some(page.after);
                let (conversation, place) = (self.conversation, page.after);
                // What is on its way to the disk is shown before.
                cx.persist(Write::At(conversation, place), Some(Timer::Leap { conversation, place }));
            }
            Some(_) => {}
        }
        let before = self.place;
        for (place, post) in (page.after.saturating_add(1)..).zip(page.posts.iter()) {
            self.keep(place, post.clone());
        }
        self.take(cx);
        // More to come, at once as long as that leads on; otherwise at the next turn, which jitter keeps apart from
        // everyone else's.
        if self.place > before && self.place < Some(page.last) {
            return self.fetch(cx);
        }
        let sync = cx.config().sync;
        let jitter = Micros(cx.rng().below(sync.0 / 2 + 1));
        cx.set(Timer::Sync, Micros(sync.0 / 4 * 3) + jitter);
    }

    fn on_chat(&mut self, cx: &mut Context<Self>, from: NodeId, message: chat::Message) {
        match message {
            chat::Message::Assigned { gateway } => {
                if self.link != Link::Asking {
                    return;
                }
                if cx.peers_of("gateway").any(|peer| peer == gateway) {
                    self.greet(cx, gateway);
                } else {
                    cx.note(format!("was assigned {gateway}, to which there is no link"));
                }
            }
            chat::Message::Welcome => {
                if self.link != Link::Greeting(from) {
                    return;
                }
                self.link = Link::Open(from);
                (self.connects, self.sends, self.fetches, self.unanswered) = (0, 0, 0, 0);
                cx.cancel(&Timer::Connect);
                self.fetch(cx);
                self.send(cx);
            }
            chat::Message::Accepted { item, by } => {
                let Some(position) = self.outbox.iter().position(|(_, post)| post.item == item) else { return };
                let (conversation, post) = self.outbox.remove(position);
                self.unanswered = 0;
                cx.measure("accepted", cx.now().since(post.written).0);
                cx.fact(Fact::Accepted { item, conversation, text: post.text, by });
                cx.persist(Write::Done(item), None);
                // The others that are under way have as long as if they had been sent now.
                cx.cancel(&Timer::Resend);
                self.sent -= usize::from(position < self.sent);
                self.sends = 0;
                self.send(cx);
            }
            chat::Message::Deliver { conversation, place, post } => {
                // Before the first page it is not known from where on to show; the page will have it.
                if conversation == self.conversation && self.place.is_some() {
                    self.keep(place, post);
                    self.take(cx);
                }
            }
            chat::Message::History { conversation, page } => {
                if conversation == self.conversation {
                    self.on_page(cx, &page);
                }
            }
            chat::Message::Refused { why: Why::NoSession } => {
                if self.link == Link::Open(from) {
                    self.greet(cx, from);
                    self.sent = 0;
                    cx.cancel(&Timer::Resend);
                    cx.cancel(&Timer::Unanswered);
                }
            }
            chat::Message::Refused { .. } => {
                // It is there, and cannot help now: the timers that run will try again, and there is no time-out to wait
                // for if there is no session yet.
                self.unanswered = 0;
                if let Link::Greeting(gateway) = self.link {
                    self.avoid = Some(gateway);
                    self.link = Link::Asking;
                }
                if self.link == Link::Asking {
                    let pause = Client::backoff(cx).pause(self.connects, cx.rng());
                    cx.set(Timer::Connect, pause);
                }
            }
            other => super::not_understood(cx, from, &other.into()),
        }
    }
}

impl Component for Client {
    type Message = Message;
    type Config = ClientConfig;
    type Disk = Device;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &Device) -> Self {
        let conversation = cx.id().0 % cx.config().conversations;
        let place = disk.place.filter(|(kept, _)| *kept == conversation).map(|(_, place)| place);
        if let Some(place) = place {
            cx.fact(Fact::Joined { conversation, place });
        }
        // A device that has lost its disk must not give a number twice: numbers go on from the clock, of which they are
        // always behind, for nobody writes a thousand messages a second.
        let count = if disk.count == 0 { cx.now().0 / 1000 } else { disk.count };
        let mut client = Client {
            conversation,
            link: Link::Asking,
            avoid: None,
            count,
            outbox: disk.outbox.clone(),
            sent: 0,
            connects: 0,
            sends: 0,
            fetches: 0,
            unanswered: 0,
            place,
            early: Table::new(),
            screen: Vec::new(),
            full: false,
        };
        Client::next_writing(cx);
        client.connect(cx);
        client
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Chat(message) => self.on_chat(cx, from, message),
            Message::Health(health::Message::Ping { round }) => cx.send(from, health::Message::Pong { round }.into()),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Write => self.write(cx),
            Timer::Written { conversation, post } => {
                self.outbox.push((conversation, post));
                self.send(cx);
            }
            Timer::Connect => {
                if let Link::Greeting(gateway) = self.link {
                    self.avoid = Some(gateway);
                }
                self.connect(cx);
            }
            Timer::Resend => {
                self.sent = 0;
                self.sends = self.sends.saturating_add(1);
                self.miss(cx);
                self.send(cx);
            }
            Timer::Unanswered => {
                self.fetches = self.fetches.saturating_add(1);
                self.miss(cx);
                self.fetch(cx);
            }
            Timer::Sync | Timer::Gap => self.fetch(cx),
            Timer::Leap { conversation, place } => {
                if conversation == self.conversation {
                    cx.fact(Fact::Joined { conversation, place });
                }
            }
            Timer::Show { conversation, place, post } => {
                if conversation != self.conversation {
                    return;
                }
                if post.author() != cx.id() {
                    cx.measure("delivery", cx.now().since(post.written).0);
                }
                cx.measure("shown", 1);
                self.screen.push((place, post.text.clone()));
                if self.screen.len() > SCREEN {
                    self.screen.remove(0);
                }
                cx.fact(Fact::Shown { item: post.item, conversation, place, text: post.text });
            }
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        Client::next_writing(cx);
        let conversation = cx.id().0 % cx.config().conversations;
        if conversation != self.conversation {
            self.conversation = conversation;
            self.place = None;
            self.early.clear();
            self.screen.clear();
            self.connect(cx);
        }
    }

    fn look(&self, _: &ClientConfig) -> Look {
        let (role, gateway) = match self.link {
            Link::Asking => ("looks for a gateway", "none".to_owned()),
            Link::Greeting(gateway) => ("connects", gateway.to_string()),
            Link::Open(gateway) => ("connected", gateway.to_string()),
        };
        let mut log: Vec<Cell> =
            self.screen.iter().map(|(place, text)| Cell { text: format!("{place} {text}"), settled: true }).collect();
        let waiting = self.outbox.iter().take(SCREEN);
        log.extend(waiting.map(|(_, post)| Cell { text: post.text.to_string(), settled: false }));
        Look {
            role: role.into(),
            star: false,
            ready: matches!(self.link, Link::Open(_)),
            lines: vec![
                ("conversation", self.conversation.to_string()),
                ("gateway", gateway),
                ("outbox", format!("{} of {OUTBOX}", self.outbox.len())),
                ("last place", self.place.map_or("none".to_owned(), |place| place.to_string())),
            ],
            log,
        }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Write => "write",
            Timer::Connect => "connect again",
            Timer::Resend => "send again",
            Timer::Sync => "sync",
            Timer::Unanswered => "fetch again",
            Timer::Gap => "gap",
            Timer::Written { .. } => "written",
            Timer::Show { .. } => "show",
            Timer::Leap { .. } => "leap",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }

    fn carries(&self, item: Item) -> bool {
        self.outbox.iter().any(|(_, post)| post.item == item)
    }
}

impl Placeable for Client {
    const KIND: &'static str = "client";
    const TITLE: &'static str = "Person";
    const ABOUT: &'static str =
        "Writes messages, tries again until told that they are safe, and sees what others write.";
    const GLYPH: Glyph = Glyph::Client;
    const FAMILY: Family = Family::People;
    const TALKS_TO: &'static [&'static str] = &["balancer", "gateway"];
    fn machine() -> Machine {
        Machine {
            cores: 1,
            service: Dist::default(),
            inbox: 256,
            disk: Dist::Constant(Micros::ms(1)),
            startup: Micros::ms(300),
            discipline: Discipline::Fifo,
        }
    }
}
