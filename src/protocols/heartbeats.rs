//! All-to-all heartbeats: each says to every other, once a period, that it is alive, and each judges for itself. What a
//! group costs that way grows with the square of its size, and nobody can speak for another; so it is what other
//! detectors are compared with (section 2 of the paper on SWIM does so).
//!
//! A silence counts as death after a fixed number of periods ([`health::Detector`](super::health::Detector)'s rule, with
//! a timer), or when the φ accrual detector is sure enough ([`phi`](super::phi)).

use crate::sim::{Micros, NodeId, Port, Table, Time};

use super::phi::Window;
use super::swim::{Event, Incarnation, MAX_MEMBERS, News, Standing};
use super::{Family, Form, Wire};

/// To everyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// I am alive.
    Heartbeat {
        /// In which life.
        life: u32,
        /// Counts them.
        number: u32,
    },
    /// I leave.
    Goodbye {
        /// In which life.
        life: u32,
    },
}

impl Wire for Message {
    const FAMILY: Family = Family::Control;
    fn name(&self) -> &'static str {
        match self {
            Message::Heartbeat { .. } => "Heartbeat",
            Message::Goodbye { .. } => "Goodbye",
        }
    }
    fn form(&self) -> Form {
        Form::Beat
    }
    fn bytes(&self) -> u32 {
        16
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Message::Heartbeat { life, number } => vec![("life", life.to_string()), ("number", number.to_string())],
            Message::Goodbye { life } => vec![("life", life.to_string())],
        }
    }
}

/// What silence is taken for death.
#[derive(Clone, Copy, Debug)]
pub enum Patience {
    /// One of so many periods.
    Missed(u32),
    /// One that comes to this φ, reckoned from so many intervals with a deviation of so much at least.
    Phi(f64, u32, Micros),
}

/// What can be set.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How long a period is.
    pub period: Micros,
    /// What silence is taken for death.
    pub patience: Patience,
}

/// What one waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The next heartbeat.
    Beat,
    /// To lose patience with this one.
    Silent(NodeId),
}

/// What is known of another.
#[derive(Clone, Debug, Hash)]
struct Watched {
    news: News,
    /// When it was last heard of; nothing before the first time.
    heard: Option<Time>,
    window: Window,
}

/// One of a group that tells everyone.
#[derive(Clone, Debug, Hash)]
pub struct Heartbeats {
    life: u32,
    number: u32,
    watched: Table<NodeId, Watched>,
    events: Vec<Event>,
}

impl Heartbeats {
    /// One in its life of this number, with these on its list.
    pub fn new(life: u32, known: &[NodeId], rules: &Rules) -> Heartbeats {
        let fresh = |node: &NodeId| (*node, Watched::new(News::alive(*node, Incarnation::FIRST), rules));
        let watched = known.iter().take(MAX_MEMBERS).map(fresh).collect();
        Heartbeats { life, number: 0, watched, events: vec![Event::Incarnated(Incarnation { life, number: 0 })] }
    }

    /// What it thinks of everyone, ascending.
    pub fn rows(&self) -> impl Iterator<Item = News> + Clone {
        self.watched.values().map(|watched| watched.news)
    }
    /// What it came to think since it was last asked.
    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }
    /// How long ago one was heard of last; `None` before the first time.
    pub fn silence(&self, node: NodeId, now: Time) -> Option<Micros> {
        Some(now.since(self.watched.get(&node)?.heard?))
    }

    /// Begins, after `phase`; and gives everyone on the list patience.
    pub fn start<P: Port<Message = Message, Timer = Timer>>(&mut self, port: &mut P, rules: &Rules, phase: Micros) {
        port.set(Timer::Beat, phase);
        for (node, watched) in self.watched.iter() {
            port.set(Timer::Silent(*node), watched.patience(rules));
        }
    }

    /// Says goodbye to everyone and falls silent.
    pub fn leave<P: Port<Message = Message, Timer = Timer>>(&mut self, port: &mut P) {
        port.cancel(&Timer::Beat);
        for node in self.watched.keys() {
            port.send(*node, Message::Goodbye { life: self.life });
            port.cancel(&Timer::Silent(*node));
        }
    }

    /// A message has come.
    pub fn on_message<P: Port<Message = Message, Timer = Timer>>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        from: NodeId,
        message: Message,
    ) {
        if !self.watched.contains_key(&from) && self.watched.len() >= MAX_MEMBERS {
            return;
        }
        let (Message::Heartbeat { life, .. } | Message::Goodbye { life }) = message;
        let incarnation = Incarnation { life, number: 0 };
        let mut known = true;
        let watched = self.watched.or_insert_with(from, || {
            known = false;
            Watched::new(News::alive(from, Incarnation::FIRST), rules)
        });
        // What was under way when it started again, or left.
        let late = life < watched.news.incarnation.life || life == watched.news.incarnation.life && watched.left();
        if late {
            return;
        }
        if let Message::Goodbye { .. } = message {
            watched.news = News { node: from, standing: Standing::Left, incarnation };
            self.events.push(Event::Believes(watched.news, Some(from)));
            return port.cancel(&Timer::Silent(from));
        }
        let before = watched.news;
        watched.hear(port.now(), incarnation, rules);
        port.set(Timer::Silent(from), watched.patience(rules));
        let again = before.standing != Standing::Alive || before.incarnation != incarnation;
        if !known || again {
            self.events.push(Event::Believes(watched.news, Some(from)));
        }
        if before.standing == Standing::Faulty && before.incarnation == incarnation {
            self.events.push(Event::Mistaken(from));
        }
    }

    /// A timer has run out. `wired` are those whom it can tell.
    pub fn on_timer<P: Port<Message = Message, Timer = Timer>>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        timer: Timer,
        wired: &[NodeId],
    ) {
        match timer {
            Timer::Beat => {
                self.number += 1;
                for node in wired {
                    port.send(*node, Message::Heartbeat { life: self.life, number: self.number });
                }
                port.set(Timer::Beat, rules.period);
            }
            Timer::Silent(node) => {
                if let Some(watched) = self.watched.get_mut(&node) {
                    watched.news.standing = Standing::Faulty;
                    self.events.push(Event::Believes(watched.news, None));
                }
            }
        }
    }
}

impl Watched {
    fn new(news: News, rules: &Rules) -> Watched {
        Watched { news, heard: None, window: Window::new(rules.period) }
    }

    fn left(&self) -> bool {
        self.news.standing == Standing::Left
    }

    /// A heartbeat has come. The silence before the first one of a life, or after it was given up, is no interval. Nor
    /// is one that was long enough to give it up, though nobody did: whoever stands still finds heartbeats waiting and
    /// takes them in before it looks at its timers, and its own pause says nothing about the link. Akka's detector leaves
    /// such an interval out, too (`PhiAccrualFailureDetector.heartbeat`).
    fn hear(&mut self, now: Time, incarnation: Incarnation, rules: &Rules) {
        let goes_on = self.news.standing == Standing::Alive && self.news.incarnation == incarnation;
        if let (Some(heard), true, Patience::Phi(threshold, size, floor)) = (self.heard, goes_on, rules.patience) {
            let interval = now.since(heard);
            if self.window.phi(interval, floor) < threshold {
                self.window.push(interval, size as usize);
            }
        }
        self.heard = Some(now);
        self.news.standing = Standing::Alive;
        self.news.incarnation = incarnation;
    }

    fn patience(&self, rules: &Rules) -> Micros {
        match rules.patience {
            Patience::Missed(periods) => Micros(rules.period.0 * u64::from(periods)),
            Patience::Phi(threshold, _, floor) => self.window.patience(threshold, floor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::Desk;

    const A: NodeId = NodeId(1);
    const B: NodeId = NodeId(2);

    /// One that hears of A every 100 ms, ten times, as `lives` tells, and what it comes to think.
    fn heard(patience: Patience) -> (Heartbeats, Desk<Message, Timer, ()>, Rules) {
        let rules = Rules { period: Micros::ms(100), patience };
        let mut desk: Desk<Message, Timer, ()> = Desk::new(0);
        let mut own = Heartbeats::new(1, &[A, B], &rules);
        own.start(&mut desk, &rules, Micros::ZERO);
        for number in 1..=10 {
            desk.now += Micros::ms(100);
            own.on_message(&mut desk, &rules, A, Message::Heartbeat { life: 1, number });
        }
        own.events();
        (own, desk, rules)
    }

    fn due(desk: &Desk<Message, Timer, ()>, node: NodeId) -> Micros {
        let timer = desk.timers.iter().find(|(timer, _)| *timer == Timer::Silent(node));
        timer.expect("it is set").1.since(desk.now)
    }

    #[test]
    fn a_fixed_number_of_periods_without_a_heartbeat_is_death_until_the_next() {
        let (mut own, mut desk, rules) = heard(Patience::Missed(3));
        assert_eq!(due(&desk, A), Micros::ms(300));
        own.on_timer(&mut desk, &rules, Timer::Silent(A), &[A, B]);
        own.on_message(&mut desk, &rules, A, Message::Heartbeat { life: 1, number: 11 });
        let told: Vec<String> = own.events().iter().map(|event| format!("{event:?}")).collect();
        assert!(told[0].contains("Faulty") && told[0].ends_with("None)"), "{told:?}");
        assert!(told[1].contains("Alive") && told[1].ends_with("Some(NodeId(1)))"), "{told:?}");
    }

    #[test]
    fn the_accrual_detector_is_as_patient_as_the_link_has_taught_it() {
        let (own, desk, _) = heard(Patience::Phi(8.0, 100, Micros::ms(5)));
        // Nine intervals of 100 ms and the guess of 75 and 125: a deviation of 10.66 ms, times 5.612.
        assert_eq!(due(&desk, A).0 / 1_000, 159);
        assert_eq!(own.silence(A, desk.now), Some(Micros::ZERO));
        let (_, steady, _) = heard(Patience::Phi(8.0, 5, Micros::ms(5)));
        assert_eq!(due(&steady, A).0 / 1_000, 128);
    }

    #[test]
    fn a_pause_of_its_own_is_no_interval() {
        let (mut own, mut desk, rules) = heard(Patience::Phi(8.0, 100, Micros::ms(5)));
        // It stood still for 20 s, and what has come meanwhile is there before its timers.
        desk.now += Micros::secs(20);
        own.on_message(&mut desk, &rules, A, Message::Heartbeat { life: 1, number: 11 });
        assert_eq!(due(&desk, A).0 / 1_000, 159, "as before the pause; with 20 s among the intervals it was 32 s");
        // An interval within its patience teaches it.
        desk.now += Micros::ms(150);
        own.on_message(&mut desk, &rules, A, Message::Heartbeat { life: 1, number: 12 });
        assert!(due(&desk, A) > Micros::ms(170), "{:?}", due(&desk, A));
    }

    #[test]
    fn what_an_earlier_life_said_counts_no_more() {
        let (mut own, mut desk, rules) = heard(Patience::Missed(3));
        own.on_message(&mut desk, &rules, A, Message::Heartbeat { life: 2, number: 1 });
        own.on_message(&mut desk, &rules, A, Message::Goodbye { life: 1 });
        assert_eq!(own.rows().next().map(|news| (news.standing, news.incarnation.life)), Some((Standing::Alive, 2)));
        own.on_message(&mut desk, &rules, A, Message::Goodbye { life: 2 });
        own.on_message(&mut desk, &rules, A, Message::Heartbeat { life: 2, number: 9 });
        assert_eq!(own.rows().next().map(|news| news.standing), Some(Standing::Left));
    }
}
