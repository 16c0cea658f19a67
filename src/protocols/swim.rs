//! SWIM: who is there, without anyone listening to everyone (Das, Gupta and Motivala, «SWIM: Scalable Weakly-consistent
//! Infection-style Process Group Membership Protocol», DSN 2002).
//!
//! Each period a member pings one other. Where no ack comes in time it asks k others to ping that one (ping-req), and
//! at the end of the period it suspects it. News of who is alive, suspected and confirmed faulty rides on these messages
//! and on no others, each piece λ log n times. One who hears that it is suspected says that it is alive, with the next
//! incarnation number.
//!
//! What the paper leaves open, and what we do:
//!
//! - One that was confirmed faulty comes back under a new identity: so a member counts its lives, and whatever is known
//!   of an earlier life counts less. It keeps the number on its disk, and counts up also when it hears of a later one.
//! - Who writes to one it suspects, or took for faulty, says so in the same message, so that it can refute at once: the
//!   «buddy system» of Lifeguard (Dadgar, Phillips and Currey, 2018). Without it a member that everyone took for faulty
//!   would never learn of it, since nobody pings it any more.
//! - When half of a suspect's time is over, whoever still suspects it pings it itself. One that was cut off for a moment
//!   suspects others while nobody hears it: its news has gone out often enough by then, and they would never know.
//! - Some of what a member has on its list is only a guess: who is there, when it starts again with the list of the
//!   beginning, and who is dead, when it was itself taken for faulty and may have been the one who was out of reach. It
//!   tells nobody of a guess, and whoever knows better is believed.
//! - Now and then a member asks one that was declared faulty to take it in, or two halves of a group that was divided
//!   would never find together again. HashiCorp's Serf does so.

mod list;
#[cfg(test)]
mod tests;
mod wire;

use std::rc::Rc;

use crate::sim::{Micros, NodeId, Port};

pub use list::List;
pub use wire::{Incarnation, Message, News, Rider, Standing};

/// How many members a list can hold.
pub const MAX_MEMBERS: usize = 4096;
/// How many pings a member may have made in others' places without an answer yet.
pub const MAX_RELAYS: usize = 256;

crate::choice! {
    /// Whom a member pings next.
    pub enum Order {
        /// Each in turn, in an order that is shuffled after each round: the time to detection is bounded.
        RoundRobin = "round-robin",
        /// Any, as in the paper's first analysis.
        Random = "random",
    }
}

crate::choice! {
    /// What a member does about one that did not answer.
    pub enum Suspicion {
        /// Suspects it, which everyone hears; so does it, and can say that it is alive.
        Suspect = "suspect",
        /// Declares it faulty at once. A pause as long as a period then costs it its membership.
        None = "none",
    }
}

crate::choice! {
    /// What becomes of a suspected member's incarnation number.
    pub enum Raising {
        /// It says that it is alive with the next number.
        Owner = "owner",
        /// It says that it is alive with the number that is suspected already. A mistake: it overrides nothing.
        Kept = "kept",
        /// Whoever hears of it, and knows better, gives it the next number. A mistake: then the number says nothing.
        Others = "others",
    }
}

/// What can be set.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How long a period is.
    pub period: Micros,
    /// How long a member waits for an ack before it asks others.
    pub timeout: Micros,
    /// How many others it asks: the paper's k.
    pub indirect: u32,
    /// Whom it pings next.
    pub order: Order,
    /// What it does about one that did not answer.
    pub suspicion: Suspicion,
    /// A suspect has so many times ⌈log₂(n + 1)⌉ periods.
    pub patience: u32,
    /// Each piece of news goes out so many times ⌈log₂(n + 1)⌉ times: the paper's λ.
    pub lambda: u32,
    /// How many pieces of news ride on a message.
    pub piggyback: u32,
    /// What becomes of the number of one that is suspected.
    pub raising: Raising,
    /// About how often it asks one that was declared faulty; never for zero.
    pub reconnect: Micros,
}

/// What a member waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The next period.
    Period,
    /// That an ack should have come by now.
    Timeout,
    /// That half of a suspect's time is over.
    Half(NodeId, Incarnation),
    /// That a suspect should have spoken by now.
    Suspect(NodeId, Incarnation),
    /// To ask again to be taken in.
    Join,
    /// To ask one that was declared faulty.
    Reconnect,
}

/// What a member came to think, for its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// It thinks otherwise of another; by itself, or from whom it heard it.
    Believes(News, Option<NodeId>),
    /// It has another incarnation.
    Incarnated(Incarnation),
    /// It had taken this one for faulty, which had been alive all the time.
    Mistaken(NodeId),
}

/// A ping that waits for its ack.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Probe {
    node: NodeId,
    number: u32,
    answered: bool,
}

/// A ping that was made in another's place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Relay {
    /// Our number for it.
    number: u32,
    /// Who asked.
    asked: NodeId,
    /// Its number for it.
    theirs: u32,
}

/// A member.
#[derive(Clone, Debug, Hash)]
pub struct Swim {
    me: Incarnation,
    /// Whether somebody has taken it in.
    joined: bool,
    list: List,
    probe: Option<Probe>,
    number: u32,
    relays: Vec<Relay>,
    /// What the host has not been told yet.
    events: Vec<Event>,
}

impl Swim {
    /// A member in its life of this number that has these on its list.
    pub fn new(life: u32, known: &[NodeId]) -> Swim {
        let mut list = List::default();
        for node in known {
            // What one knows that starts again is what was so in the beginning.
            list.assume(*node, life > 1);
        }
        let me = Incarnation { life, number: 0 };
        let events = vec![Event::Incarnated(me)];
        Swim { me, joined: false, list, probe: None, number: 0, relays: Vec::new(), events }
    }

    /// Its own incarnation.
    pub fn me(&self) -> Incarnation {
        self.me
    }
    /// Its list, without itself.
    pub fn list(&self) -> &List {
        &self.list
    }
    /// Whether somebody has taken it in.
    pub fn joined(&self) -> bool {
        self.joined
    }
    /// What it came to think since it was last asked.
    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Asks to be taken in, which whoever hears it spreads, and begins its first period after `phase`.
    pub fn start<P: Port<Message = Message, Timer = Timer>>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        contacts: &[NodeId],
        phase: Micros,
    ) {
        self.list.begin(port.rng());
        // Those who know nobody all ask the same one first, or they would come together in several groups.
        let alone = self.list.rows().next().is_none();
        self.join(port, rules, if alone { &contacts[..contacts.len().min(1)] } else { contacts });
        port.set(Timer::Period, phase);
        self.reconnect_later(port, rules);
    }

    /// Says goodbye to as many as would carry any news, and falls silent.
    pub fn leave<P: Port<Message = Message, Timer = Timer>>(&mut self, port: &mut P, rules: &Rules) {
        let goodbye = News { node: port.id(), standing: Standing::Left, incarnation: self.me };
        let count = (rules.lambda * self.list.logarithm()) as usize;
        for to in self.list.some(count, port.id(), port.rng()) {
            let rider = Rider { me: self.me, news: Rc::from([goodbye]) };
            self.number += 1;
            port.send(to, Message::Ping { number: self.number, rider });
        }
        for timer in [Timer::Period, Timer::Timeout, Timer::Join, Timer::Reconnect] {
            port.cancel(&timer);
        }
        for news in self.list.rows() {
            self.forget(port, news);
        }
    }

    /// Half of a suspect's time.
    fn half(&self, rules: &Rules) -> Micros {
        Micros(rules.period.0 * u64::from(rules.patience * self.list.logarithm()) / 2)
    }

    /// One is not suspected any more.
    fn forget<P: Port<Message = Message, Timer = Timer>>(&self, port: &mut P, news: News) {
        port.cancel(&Timer::Half(news.node, news.incarnation));
        port.cancel(&Timer::Suspect(news.node, news.incarnation));
    }

    fn own(&self, me: NodeId) -> News {
        News::alive(me, self.me)
    }

    /// What rides on a message to one: what is thought of it, where that is not well, and then what is new.
    fn rider<P: Port<Message = Message, Timer = Timer>>(&mut self, port: &P, rules: &Rules, to: NodeId) -> Rider {
        let about = self.list.get(to).filter(|news| news.standing != Standing::Alive && !self.list.guesses(to));
        let often = rules.lambda * self.list.logarithm();
        let mut news = self.list.pick(rules.piggyback as usize, often, self.own(port.id()));
        if let Some(about) = about {
            news.retain(|news| news.node != to);
            news.insert(0, about);
        }
        Rider { me: self.me, news: Rc::from(news) }
    }

    fn ping<P: Port<Message = Message, Timer = Timer>>(&mut self, port: &mut P, rules: &Rules, to: NodeId) -> u32 {
        self.number += 1;
        let (number, rider) = (self.number, self.rider(port, rules, to));
        port.send(to, Message::Ping { number, rider });
        number
    }

    fn join<P: Port<Message = Message, Timer = Timer>>(&mut self, port: &mut P, rules: &Rules, contacts: &[NodeId]) {
        let chosen = port.rng().below(contacts.len() as u64) as usize;
        if let Some(contact) = contacts.get(chosen) {
            port.send(*contact, Message::Join { rider: Rider { me: self.me, news: Rc::default() } });
        }
        port.set(Timer::Join, rules.period);
    }

    /// A message has come.
    pub fn on_message<P: Port<Message = Message, Timer = Timer>>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        from: NodeId,
        message: Message,
    ) {
        let rider = message.rider().clone();
        // Whoever speaks is alive.
        self.learn(port, rules, News::alive(from, rider.me), from);
        for news in rider.news.iter() {
            self.learn(port, rules, *news, from);
        }
        match message {
            Message::Ping { number, .. } => {
                let rider = self.rider(port, rules, from);
                port.send(from, Message::Ack { of: port.id(), number, rider });
            }
            Message::PingReq { target, number: theirs, .. } => {
                let number = self.ping(port, rules, target);
                if self.relays.len() >= MAX_RELAYS {
                    self.relays.remove(0);
                }
                self.relays.push(Relay { number, asked: from, theirs });
            }
            Message::Ack { of, number, .. } => self.on_ack(port, rules, of, number),
            Message::Join { .. } => {
                let rider = Rider { me: self.me, news: self.list.known().collect() };
                port.send(from, Message::Welcome { rider });
            }
            Message::Welcome { .. } => {
                self.joined = true;
                port.cancel(&Timer::Join);
            }
        }
    }

    fn on_ack<P: Port<Message = Message, Timer = Timer>>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        of: NodeId,
        number: u32,
    ) {
        if let Some(probe) = self.probe.as_mut().filter(|probe| probe.number == number && probe.node == of) {
            probe.answered = true;
            port.cancel(&Timer::Timeout);
        } else if let Some(place) = self.relays.iter().position(|relay| relay.number == number) {
            let relay = self.relays.remove(place);
            let rider = self.rider(port, rules, relay.asked);
            port.send(relay.asked, Message::Ack { of, number: relay.theirs, rider });
        }
    }

    /// A timer has run out. `contacts` are those whom it can ask to be taken in.
    pub fn on_timer<P: Port<Message = Message, Timer = Timer>>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        timer: Timer,
        contacts: &[NodeId],
    ) {
        match timer {
            Timer::Period => self.next_period(port, rules),
            Timer::Timeout => self.ask_others(port, rules),
            Timer::Half(node, incarnation) => {
                self.ping(port, rules, node);
                port.set(Timer::Suspect(node, incarnation), self.half(rules));
            }
            Timer::Suspect(node, incarnation) => {
                self.change(port, rules, News { node, standing: Standing::Faulty, incarnation }, None);
            }
            Timer::Join => self.join(port, rules, contacts),
            Timer::Reconnect => {
                if let Some(node) = self.list.one_faulty(port.rng()) {
                    let rider = self.rider(port, rules, node);
                    port.send(node, Message::Join { rider });
                }
                self.reconnect_later(port, rules);
            }
        }
    }

    /// Between a half and three halves of the time that is set, lest all do it at once.
    fn reconnect_later<P: Port<Message = Message, Timer = Timer>>(&self, port: &mut P, rules: &Rules) {
        let more = port.rng().below(rules.reconnect.0);
        if rules.reconnect > Micros::ZERO {
            port.set(Timer::Reconnect, Micros(rules.reconnect.0 / 2 + more));
        }
    }

    fn next_period<P: Port<Message = Message, Timer = Timer>>(&mut self, port: &mut P, rules: &Rules) {
        port.set(Timer::Period, rules.period);
        if let Some(probe) = self.probe.take().filter(|probe| !probe.answered) {
            self.doubt(port, rules, probe.node);
        }
        let next = match rules.order {
            Order::RoundRobin => self.list.in_turn(port.rng()),
            Order::Random => self.list.anyone(port.rng()),
        };
        if let Some(node) = next {
            let number = self.ping(port, rules, node);
            self.probe = Some(Probe { node, number, answered: false });
            port.set(Timer::Timeout, rules.timeout);
        }
    }

    /// No ack has come: others may have a better way.
    fn ask_others<P: Port<Message = Message, Timer = Timer>>(&mut self, port: &mut P, rules: &Rules) {
        let Some(Probe { node: target, number, answered: false }) = self.probe.clone() else { return };
        for to in self.list.some(rules.indirect as usize, target, port.rng()) {
            let rider = self.rider(port, rules, to);
            port.send(to, Message::PingReq { target, number, rider });
        }
    }

    /// One has not answered, neither itself nor through others.
    fn doubt<P: Port<Message = Message, Timer = Timer>>(&mut self, port: &mut P, rules: &Rules, node: NodeId) {
        let Some(known) = self.list.get(node).filter(|news| news.standing == Standing::Alive) else { return };
        let standing = match rules.suspicion {
            Suspicion::Suspect => Standing::Suspect,
            Suspicion::None => Standing::Faulty,
        };
        self.change(port, rules, News { standing, ..known }, None);
    }

    /// Takes in news that another has told.
    fn learn<P: Port<Message = Message, Timer = Timer>>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        news: News,
        from: NodeId,
    ) {
        let alive = self.list.get(news.node).is_some_and(|known| known.standing == Standing::Alive);
        if news.node == port.id() {
            self.hear_of_itself(port, rules, news, from);
        } else if rules.raising == Raising::Others && news.standing == Standing::Suspect && alive {
            let Incarnation { life, number } = news.incarnation;
            self.change(port, rules, News::alive(news.node, Incarnation { life, number: number + 1 }), None);
        } else {
            self.change(port, rules, news, Some(from));
        }
    }

    /// What others think of it. Where that is not well it says otherwise.
    fn hear_of_itself<P: Port<Message = Message, Timer = Timer>>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        news: News,
        from: NodeId,
    ) {
        let Incarnation { life, number } = news.incarnation;
        if news.standing == Standing::Alive && life <= self.me.life {
            return;
        }
        let lasts = life == self.me.life && news.standing == Standing::Suspect;
        if lasts && number >= self.me.number {
            if rules.raising != Raising::Kept {
                self.me.number = number + 1;
                self.events.push(Event::Incarnated(self.me));
            }
        } else if life >= self.me.life && !lasts {
            // That life is over for the others, or this one is not the last that they know of.
            self.me = Incarnation { life: life + 1, number: 0 };
            self.events.push(Event::Incarnated(self.me));
            if news.standing == Standing::Faulty {
                self.ask_anew(port, rules, from);
            }
        }
        // Also where the news is old: then what it said of itself has not come far enough.
        self.list.spread(port.id());
    }

    /// One that was taken for faulty may have taken others for it, while it was they who could not reach it: whom it
    /// declared it only guesses to be dead, whom it suspects gets all its time anew, and it asks for the list of the one
    /// who told it.
    ///
    /// To forget them would not do: whoever is really dead would be alive again by the word of one that has just started
    /// and knows no better.
    fn ask_anew<P: Port<Message = Message, Timer = Timer>>(&mut self, port: &mut P, rules: &Rules, from: NodeId) {
        self.list.doubt_the_faulty();
        for news in self.list.rows().filter(|news| news.standing == Standing::Suspect) {
            self.forget(port, news);
            port.set(Timer::Half(news.node, news.incarnation), self.half(rules));
        }
        port.send(from, Message::Join { rider: Rider { me: self.me, news: Rc::default() } });
    }

    /// Changes what it thinks of another, where the news override what it knows.
    fn change<P: Port<Message = Message, Timer = Timer>>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        news: News,
        from: Option<NodeId>,
    ) {
        let Some(known) = self.list.learn(news, port.rng()) else { return };
        if let Some(known) = known.filter(|known| known.standing == Standing::Suspect) {
            self.forget(port, known);
        }
        if news.standing == Standing::Suspect {
            port.set(Timer::Half(news.node, news.incarnation), self.half(rules));
        }
        self.events.push(Event::Believes(news, from));
        let dead =
            known.filter(|known| known.standing == Standing::Faulty && known.incarnation.life == news.incarnation.life);
        if news.standing == Standing::Alive && dead.is_some() {
            self.events.push(Event::Mistaken(news.node));
        }
    }
}
