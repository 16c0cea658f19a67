//! A member of a group: finds out who else is there, by SWIM, by heartbeats to everyone, or by these and an accrual
//! detector.

use std::rc::Rc;

use crate::protocols::heartbeats::{self, Heartbeats, Patience};
use crate::protocols::swim::{self, Event, Incarnation, News, Order, Raising, Standing, Suspicion, Swim};
use crate::protocols::{Family, phi};
use crate::sim::{Component, Context, Disk, Lift, Look, Micros, NodeId, Work};

use super::{Fact, Glyph, Message, Placeable};

crate::choice! {
    /// How a member finds out who is there.
    pub enum Detector {
        /// It pings one other a period; news rides on pings and acks.
        Swim = "swim",
        /// It tells everyone once a period; a fixed number of missed ones is death.
        Heartbeats = "heartbeats",
        /// It tells everyone once a period; how long a silence is death, the intervals so far say.
        Phi = "phi",
    }
}

crate::choice! {
    /// Whom a member knows when it starts.
    pub enum Start {
        /// Everyone whom it is wired to.
        Wired = "wired",
        /// Nobody: it asks one of those whom it is wired to.
        Alone = "alone",
    }
}

crate::choice! {
    /// When members begin their periods.
    pub enum Phase {
        /// Each when it likes.
        Spread = "spread",
        /// All at once.
        Together = "together",
    }
}

crate::config! {
    /// What can be set about a member.
    pub struct MemberConfig {
        /// How it finds out who is there.
        detector: Detector = Detector::Swim, in 0, 0, "";
        /// How long a period is.
        period: Micros = Micros::ms(500), in 0.01, 600, "";
        /// swim: How long it waits for an ack before it asks others to ping.
        timeout: Micros = Micros::ms(150), in 0.001, 600, "";
        /// swim: How many others it asks (k); none is a mistake where a link may be cut.
        indirect: u32 = 3, in 0, 16, "";
        /// swim: Whom it pings next.
        order: Order = Order::RoundRobin, in 0, 0, "";
        /// swim: What it does about one that did not answer; none is a mistake where members may pause.
        suspicion: Suspicion = Suspicion::Suspect, in 0, 0, "";
        /// swim: A suspect has so many times ⌈log₂(n + 1)⌉ periods to say that it is alive.
        patience: u32 = 3, in 1, 100, "";
        /// swim: Each piece of news goes out so many times ⌈log₂(n + 1)⌉ times (λ).
        lambda: u32 = 3, in 1, 100, "";
        /// swim: How many pieces of news ride on a message.
        piggyback: u32 = 6, in 1, 64, "";
        /// swim: Who gives a suspected member its next incarnation number; all but owner are mistakes.
        raising: Raising = Raising::Owner, in 0, 0, "";
        /// swim: About how often it asks one that was declared faulty whether it is there after all; 0s for never.
        reconnect: Micros = Micros::secs(10), in 0, 3600, "";
        /// heartbeats: How many periods of silence are death.
        missed: u32 = 4, in 1, 1000, "";
        /// phi: How sure it must be: at 8, wrong in one case of 10⁸, if intervals were as their law says.
        threshold: f64 = 8.0, in 0.1, 100.0, "";
        /// phi: Over how many intervals it takes mean and deviation.
        window: u32 = 100, in 2, 1000, "";
        /// phi: What the deviation is taken for at least.
        deviation: Micros = Micros::ms(20), in 0, 60, "";
        /// Whom it knows when it starts.
        start: Start = Start::Wired, in 0, 0, "";
        /// When its periods begin.
        phase: Phase = Phase::Spread, in 0, 0, "";
        /// Whether it takes part; when this is turned off, it says goodbye.
        member: bool = true, in 0, 0, "";
        /// For the check: nobody may declare it faulty for a trouble shorter than this.
        forgives: Micros = Micros::secs(1), in 0, 3600, "";
        /// For the check: by when everyone must know that it crashed, or that it is there.
        detects: Micros = Micros::secs(30), in 0.1, 3600, "";
    }
}

impl MemberConfig {
    fn swim(&self) -> swim::Rules {
        swim::Rules {
            period: self.period,
            timeout: self.timeout,
            indirect: self.indirect,
            order: self.order,
            suspicion: self.suspicion,
            patience: self.patience,
            lambda: self.lambda,
            piggyback: self.piggyback,
            raising: self.raising,
            reconnect: self.reconnect,
        }
    }
    fn heartbeats(&self) -> heartbeats::Rules {
        let patience = match self.detector {
            Detector::Phi => Patience::Phi(self.threshold, self.window, self.deviation),
            _ => Patience::Missed(self.missed),
        };
        heartbeats::Rules { period: self.period, patience }
    }
}

/// A member's disk: how often it has started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lives(u32);

impl Disk for Lives {
    type Write = u32;
    fn apply(&mut self, life: u32) {
        self.0 = self.0.max(life);
    }
}

/// What a member waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// What SWIM waits for.
    Swim(swim::Timer),
    /// What the heartbeats wait for.
    Heartbeats(heartbeats::Timer),
    /// That the number of this life is on the disk.
    Kept,
}

/// By what it finds out.
#[derive(Clone, Debug, Hash)]
enum Way {
    Swim(Swim),
    Heartbeats(Heartbeats),
}

/// A member.
#[derive(Clone, Debug, Hash)]
pub struct Member {
    life: u32,
    detector: Detector,
    way: Option<Way>,
}

type SwimPort<'c, 'a> = Lift<'c, 'a, Member, swim::Message, swim::Timer, u32>;
type BeatPort<'c, 'a> = Lift<'c, 'a, Member, heartbeats::Message, heartbeats::Timer, u32>;

fn swim_port<'c, 'a>(cx: &'c mut Context<'a, Member>) -> SwimPort<'c, 'a> {
    Lift { cx, message: Message::Swim, timer: Timer::Swim, write: |life| life }
}

fn beat_port<'c, 'a>(cx: &'c mut Context<'a, Member>) -> BeatPort<'c, 'a> {
    Lift { cx, message: Message::Heartbeats, timer: Timer::Heartbeats, write: |life| life }
}

/// What a wrong declaration that was taken back is counted as: a measure for each detector, so that they can be compared
/// (Chen, Toueg and Aguilera, «On the Quality of Service of Failure Detectors», 2002, measure mistakes against detection
/// time too).
fn mistake(detector: Detector) -> &'static str {
    match detector {
        Detector::Swim => "mistakes of SWIM",
        Detector::Heartbeats => "mistakes of heartbeats",
        Detector::Phi => "mistakes of φ",
    }
}

impl Member {
    fn wired(cx: &Context<Self>) -> Vec<NodeId> {
        cx.peers_of(Member::KIND).collect()
    }

    /// Takes part from now on.
    fn begin(&mut self, cx: &mut Context<Self>) {
        let (wired, config) = (Member::wired(cx), cx.config());
        let luck = cx.rng().below(config.period.0.max(1));
        let phase = if config.phase == Phase::Together { Micros::ZERO } else { Micros(luck) };
        let known = if config.start == Start::Wired { &wired[..] } else { &[] };
        if !known.is_empty() {
            cx.fact(Fact::Listed { nodes: Rc::from(known) });
        }
        self.detector = config.detector;
        if config.detector == Detector::Swim {
            let mut swim = Swim::new(self.life, known);
            swim.start(&mut swim_port(cx), &config.swim(), &wired, phase);
            self.way = Some(Way::Swim(swim));
        } else {
            let rules = config.heartbeats();
            let mut beats = Heartbeats::new(self.life, known, &rules);
            beats.start(&mut beat_port(cx), &rules, phase);
            self.way = Some(Way::Heartbeats(beats));
        }
        self.tell(cx);
    }

    fn leave(&mut self, cx: &mut Context<Self>) {
        let config = cx.config();
        match self.way.take() {
            Some(Way::Swim(mut swim)) => swim.leave(&mut swim_port(cx), &config.swim()),
            Some(Way::Heartbeats(mut beats)) => beats.leave(&mut beat_port(cx)),
            None => {}
        }
    }

    /// Observes what it came to think.
    fn tell(&mut self, cx: &mut Context<Self>) {
        let events = match &mut self.way {
            Some(Way::Swim(swim)) => swim.events(),
            Some(Way::Heartbeats(beats)) => beats.events(),
            None => Vec::new(),
        };
        for event in events {
            match event {
                Event::Believes(news, from) => Member::believes(cx, news, from),
                Event::Mistaken(_) => cx.measure(mistake(self.detector), 1),
                Event::Incarnated(incarnation) => {
                    if incarnation.life > self.life {
                        self.life = incarnation.life;
                        cx.persist(self.life, None);
                    }
                    if incarnation.number > 0 {
                        cx.measure("refuted", u64::from(incarnation.number));
                    }
                    cx.fact(Fact::Incarnated { incarnation });
                }
            }
        }
    }

    fn believes(cx: &mut Context<Self>, news: News, from: Option<NodeId>) {
        let now = cx.now().0;
        match (news.standing, from) {
            (Standing::Suspect, None) => cx.measure("suspected", now),
            (Standing::Faulty, None) => cx.measure("declared", now),
            (Standing::Faulty, Some(_)) => cx.measure("learned", now),
            _ => {}
        }
        cx.fact(Fact::Believes { node: news.node, standing: news.standing, incarnation: news.incarnation, from });
    }

    fn rows(&self) -> Vec<News> {
        match &self.way {
            Some(Way::Swim(swim)) => swim.list().rows().collect(),
            Some(Way::Heartbeats(beats)) => beats.rows().collect(),
            None => Vec::new(),
        }
    }
}

impl Component for Member {
    type Message = Message;
    type Config = MemberConfig;
    type Disk = Lives;
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, disk: &Lives) -> Self {
        let life = disk.0 + 1;
        // Spoken of only when it is on the disk: a life that is forgotten would be taken for the one before.
        cx.persist(life, Some(Timer::Kept));
        Member { life, detector: cx.config().detector, way: None }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let config = cx.config();
        match (message, &mut self.way) {
            (Message::Swim(message), Some(Way::Swim(swim))) => {
                swim.on_message(&mut swim_port(cx), &config.swim(), from, message);
            }
            (Message::Heartbeats(message), Some(Way::Heartbeats(beats))) => {
                beats.on_message(&mut beat_port(cx), &config.heartbeats(), from, message);
            }
            // It takes no part yet, or no more.
            (Message::Swim(_) | Message::Heartbeats(_), None) => {}
            (other, _) => super::not_understood(cx, from, &other),
        }
        self.tell(cx);
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        let (wired, config) = (Member::wired(cx), cx.config());
        match (timer, &mut self.way) {
            (Timer::Kept, None) if config.member => self.begin(cx),
            (Timer::Swim(timer), Some(Way::Swim(swim))) => {
                swim.on_timer(&mut swim_port(cx), &config.swim(), timer, &wired);
            }
            (Timer::Heartbeats(timer), Some(Way::Heartbeats(beats))) => {
                beats.on_timer(&mut beat_port(cx), &config.heartbeats(), timer, &wired);
            }
            _ => {}
        }
        self.tell(cx);
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        let (here, wanted) = (self.way.is_some(), cx.config().member);
        let other = self.detector != cx.config().detector;
        if here && (!wanted || other) {
            self.leave(cx);
        }
        if wanted && (!here || other) {
            self.life += 1;
            cx.persist(self.life, Some(Timer::Kept));
        }
    }

    fn look(&self, _: &MemberConfig) -> Look {
        let rows = self.rows();
        let who = |standing: Standing| {
            let those = rows.iter().filter(|news| news.standing == standing);
            those.map(|news| news.node.to_string()).collect::<Vec<_>>().join(" ")
        };
        let count = |standing: Standing| rows.iter().filter(|news| news.standing == standing).count();
        let (alive, suspected) = (count(Standing::Alive), count(Standing::Suspect));
        let role = match (&self.way, suspected) {
            (None, _) => "takes no part".to_owned(),
            (Some(_), 0) => format!("sees {alive}"),
            (Some(_), _) => format!("sees {alive}, suspects {suspected}"),
        };
        let me = match &self.way {
            Some(Way::Swim(swim)) => swim.me(),
            _ => Incarnation { life: self.life, number: 0 },
        };
        let mut lines = vec![("incarnation", me.to_string())];
        for (title, standing) in [
            ("alive", Standing::Alive),
            ("suspected", Standing::Suspect),
            ("faulty", Standing::Faulty),
            ("left", Standing::Left),
        ] {
            if count(standing) > 0 {
                lines.push((title, who(standing)));
            }
        }
        Look { role: role.into(), ready: self.way.is_some(), lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Swim(swim::Timer::Period) => "period",
            Timer::Swim(swim::Timer::Timeout) => "no ack",
            Timer::Swim(swim::Timer::Half(..)) => "half of a suspicion",
            Timer::Swim(swim::Timer::Suspect(..)) => "suspicion",
            Timer::Swim(swim::Timer::Join) => "join again",
            Timer::Swim(swim::Timer::Reconnect) => "reconnect",
            Timer::Heartbeats(heartbeats::Timer::Beat) => "heartbeat",
            Timer::Heartbeats(heartbeats::Timer::Silent(_)) => "silence",
            Timer::Kept => "on disk",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Member {
    const KIND: &'static str = "member";
    const TITLE: &'static str = "Member";
    const ABOUT: &'static str =
        crate::later_text!("Finds out who else is there: SWIM, heartbeats or an accrual detector.");
    const GLYPH: Glyph = Glyph::Worker;
    const FAMILY: Family = Family::Control;
    const TALKS_TO: &'static [&'static str] = &["member"];
}

const _: () = assert!(phi::MAX_WINDOW == 1_000, "as the setting's range says");
