//! A machine with cores that one may add: serves requests from one queue, keeps people's sessions in its memory, and shares
//! with all other cores what a [`directory`](crate::protocols::coherence) keeps.
//!
//! A core does its own part of a request, then has its change to what is shared made, and waits for that: one that waits is
//! not free for anything else. So its cores are its own business, not the engine's; the document's `cores` and `service`
//! do nothing here.

use std::collections::VecDeque;

use crate::protocols::Family;
use crate::protocols::coherence::{Change, Message as Coherence};
use crate::protocols::request::Message as Request;
use crate::protocols::scaling::Message as Scaling;
use crate::sim::{Component, Context, Look, Machine, Micros, NodeId, Table, Time, Work};

use super::{Glyph, Message, Placeable};

/// How many requests may wait for a core; one more is refused.
const MAX_WAITING: usize = 10_000;
/// How many sessions it holds; it begins no more, and serves without.
const MAX_SESSIONS: usize = 8_192;
/// After how long it asks again for a change that nobody has confirmed.
const AGAIN: Micros = Micros::secs(2);
/// How often it says that it is there.
const BEAT: Micros = Micros::secs(1);
/// Machines that boot before this instant were there before the run began: they are warm.
const BEGUN: Time = Time(1_000_000);

crate::choice! {
    /// How much the work of requests varies.
    pub enum Spread {
        /// Exponentially.
        Exponential = "exponential",
        /// Not at all.
        Constant = "constant",
    }
}

crate::config! {
    /// What can be set about a machine.
    pub struct HostConfig {
        /// How many cores it has.
        cores: u32 = 1, in 1, 256, "";
        /// How much work a request is, on average: its own part and its change to what is shared.
        work: Micros = Micros::ms(200), in 0.001, 3600, "";
        /// How that varies.
        spread: Spread = Spread::Exponential, in 0, 0, "";
        /// Which share of its work is a change to what all cores share, and is done by one core at a time.
        share: f64 = 0.05, in 0.0, 1.0, "";
        /// How long it takes after it has booted until it can serve: a cold start.
        warm: Micros = Micros::ZERO, in 0, 3600, "";
        /// For how long it serves nothing when its cores were changed: it moves to another size.
        resize: Micros = Micros::ZERO, in 0, 3600, "";
    }
}

/// What a machine waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// It is warm.
    Warm,
    /// This core has done its own part.
    Own(u32),
    /// The change of this core is not confirmed.
    Again(u32),
    /// It has its new size.
    Resized,
    /// To say that it is there.
    Beat,
}

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Job {
    from: NodeId,
    attempt: u64,
    key: u64,
    came: Time,
}

/// What a core does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Busy {
    job: Job,
    /// The change that it has made, once its own part is done.
    change: Option<Change>,
    /// How long that change takes.
    takes: Micros,
}

/// A machine.
#[derive(Clone, Debug, Hash)]
pub struct Host {
    waiting: VecDeque<Job>,
    cores: Vec<Option<Busy>>,
    sessions: Table<u64, u64>,
    warm: bool,
    resizing: bool,
    /// Who wants it to go, until it is asked for something again.
    leaves: Option<NodeId>,
    life: Time,
    number: u64,
    served: u64,
}

fn directory(cx: &Context<Host>) -> Option<NodeId> {
    cx.peers_of(super::directory::SharedState::KIND).next()
}

impl Host {
    fn join(&self, cx: &mut Context<Self>) {
        if let Some(directory) = directory(cx).filter(|_| self.leaves.is_none()) {
            cx.send(directory, Coherence::Join { cores: cx.config().cores }.into());
        }
    }

    fn announce(cx: &mut Context<Self>) {
        let own = cx.template();
        for peer in cx.peers().iter().filter(|peer| peer.template < own) {
            cx.send(peer.id, Scaling::Ready.into());
        }
    }

    /// Free cores take what waits.
    fn start(&mut self, cx: &mut Context<Self>) {
        let wanted = cx.config().cores as usize;
        // A core that is to go finishes what it does.
        while self.cores.len() > wanted && self.cores.last().is_some_and(Option::is_none) {
            self.cores.pop();
        }
        self.cores.resize(self.cores.len().max(wanted), None);
        if self.resizing || !self.warm {
            return;
        }
        for core in 0..wanted {
            if self.cores[core].is_some() {
                continue;
            }
            let Some(job) = self.waiting.pop_front() else { return };
            cx.measure("waited for a core", cx.now().since(job.came).0);
            let config = cx.config();
            let drawn = -libm::log(1.0 - cx.rng().unit());
            let about = if config.spread == Spread::Exponential { drawn } else { 1.0 };
            let work = config.work.0 as f64 * about;
            let takes = Micros::from_f64(work * config.share);
            self.cores[core] = Some(Busy { job, change: None, takes });
            cx.set(Timer::Own(core as u32), Micros::from_f64(work * (1.0 - config.share)));
        }
    }

    /// A core has done its own part: what is shared is to be changed, and the session is to be there.
    fn change(&mut self, cx: &mut Context<Self>, core: u32) {
        let Some(Some(busy)) = self.cores.get_mut(core as usize) else { return };
        let key = busy.job.key;
        // A change that was made and only lacked its session takes no more time, and nobody else need know.
        let again = busy.change.is_some();
        if again {
            busy.takes = Micros::ZERO;
        }
        let (held, shared) = (self.sessions.contains_key(&key), cx.config().share > 0.0 && !again);
        let directory = directory(cx).filter(|_| shared || !held);
        let Some(directory) = directory else { return self.finish(cx, core, 0) };
        self.number += 1;
        let change = Change { number: self.number, takes: busy.takes, key, held, life: self.life, shared };
        busy.change = Some(change);
        cx.send(directory, Coherence::Change(change).into());
        cx.set(Timer::Again(core), AGAIN);
    }

    fn finish(&mut self, cx: &mut Context<Self>, core: u32, found: u64) {
        let Some(Busy { job, .. }) = self.cores.get_mut(core as usize).and_then(Option::take) else { return };
        if self.sessions.len() < MAX_SESSIONS || self.sessions.contains_key(&job.key) {
            *self.sessions.or_insert_with(job.key, || found) += 1;
        }
        self.served += 1;
        cx.send(job.from, Request::Response { attempt: job.attempt }.into());
        self.start(cx);
    }

    fn busy(&self) -> usize {
        self.cores.iter().flatten().count()
    }

    /// It is to go: nothing may be lost with its memory.
    fn leave(&mut self, cx: &mut Context<Self>, from: NodeId) {
        match directory(cx) {
            Some(directory) if self.busy() == 0 => {
                self.leaves = Some(from);
                let sessions = self.sessions.iter().map(|(key, length)| (*key, *length)).collect();
                cx.send(directory, Coherence::Park { sessions }.into());
            }
            Some(_) => {}
            None => cx.send(from, Scaling::Gone.into()),
        }
    }

    fn shared(&mut self, cx: &mut Context<Self>, from: NodeId, message: Coherence) {
        match message {
            Coherence::Changed { number, session } => {
                let of = |busy: &Option<Busy>| busy.and_then(|busy| busy.change).is_some_and(|it| it.number == number);
                let Some(core) = self.cores.iter().position(of) else { return };
                cx.cancel(&Timer::Again(core as u32));
                let of = self.cores[core].and_then(|busy| busy.change.map(|change| (change.held, change.key)));
                if of.is_some_and(|(held, key)| held && !self.sessions.contains_key(&key)) {
                    // It was called to another machine meanwhile.
                    return self.change(cx, core as u32);
                }
                self.finish(cx, core as u32, session);
            }
            Coherence::Update { round } => cx.send(from, Coherence::Updated { round }.into()),
            Coherence::Recall { round, key } => {
                let session = self.sessions.remove(&key);
                cx.send(from, Coherence::Returned { round, session }.into());
            }
            Coherence::Parked => {
                if let Some(who) = self.leaves {
                    self.sessions.clear();
                    cx.send(who, Scaling::Gone.into());
                }
            }
            other => super::not_understood(cx, from, &other.into()),
        }
    }
}

impl Component for Host {
    type Message = Message;
    type Config = HostConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        // What is there from the beginning has had its time.
        let cold = cx.now() >= BEGUN;
        cx.set(Timer::Warm, if cold { cx.config().warm } else { Micros::ZERO });
        let (waiting, cores, sessions) = (VecDeque::new(), Vec::new(), Table::new());
        Host {
            waiting,
            cores,
            sessions,
            warm: false,
            resizing: false,
            leaves: None,
            life: cx.now(),
            number: cx.now().0,
            served: 0,
        }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Request(Request::Request { attempt, key, .. }) => {
                if !self.warm || self.waiting.len() >= MAX_WAITING {
                    return cx.send(from, Request::Refused { attempt }.into());
                }
                if self.leaves.take().is_some() {
                    // What it has handed over it fetches again.
                    self.sessions.clear();
                    self.join(cx);
                }
                self.waiting.push_back(Job { from, attempt, key, came: cx.now() });
                self.start(cx);
            }
            Message::Request(_) => {}
            Message::Scaling(Scaling::Hello) if self.warm => cx.send(from, Scaling::Ready.into()),
            Message::Scaling(Scaling::Leave) => self.leave(cx, from),
            Message::Scaling(_) => {}
            Message::Coherence(message) => self.shared(cx, from, message),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Warm => {
                self.warm = true;
                self.join(cx);
                Host::announce(cx);
                cx.set(Timer::Beat, BEAT);
                self.start(cx);
            }
            Timer::Own(core) => self.change(cx, core),
            Timer::Again(core) => {
                let change = self.cores.get(core as usize).copied().flatten().and_then(|busy| busy.change);
                if let (Some(change), Some(directory)) = (change, directory(cx)) {
                    cx.send(directory, Coherence::Change(change).into());
                    cx.set(Timer::Again(core), AGAIN);
                }
            }
            Timer::Resized => {
                self.resizing = false;
                self.join(cx);
                self.start(cx);
            }
            Timer::Beat => {
                self.join(cx);
                cx.set(Timer::Beat, BEAT);
            }
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        let (wanted, there) = (cx.config().cores as usize, self.cores.len());
        if !self.warm || wanted == there {
            return;
        }
        if there > 0 && cx.config().resize.0 > 0 {
            cx.note(format!("moves from {there} cores to {wanted}"));
            self.resizing = true;
            return cx.set(Timer::Resized, cx.config().resize);
        }
        self.join(cx);
        self.start(cx);
    }

    fn look(&self, config: &HostConfig) -> Look {
        let lines = vec![
            ("cores", format!("{}, {} busy", config.cores, self.busy())),
            ("waiting", self.waiting.len().to_string()),
            ("sessions", self.sessions.len().to_string()),
            ("served", self.served.to_string()),
        ];
        let role = match () {
            () if !self.warm => "cold",
            () if self.resizing => "changes its size",
            () => "serves",
        };
        Look { role: role.into(), ready: self.warm && !self.resizing, lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Warm => "warm",
            Timer::Own(_) => "own part done",
            Timer::Again(_) => "ask again",
            Timer::Resized => "another size",
            Timer::Beat => "say that it is there",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Host {
    const KIND: &'static str = "machine";
    const TITLE: &'static str = "Machine";
    const ABOUT: &'static str = crate::later_text!(
        "Serves requests on as many cores as it has, which share what they change with all others, and holds sessions."
    );
    const GLYPH: Glyph = Glyph::Worker;
    const FAMILY: Family = Family::Work;
    const TALKS_TO: &'static [&'static str] = &["generator", "dispatcher", "autoscaler", "directory"];
    fn machine() -> Machine {
        Machine { inbox: 1_000, ..Machine::default() }
    }
}
