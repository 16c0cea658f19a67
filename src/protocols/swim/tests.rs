//! A member at its desk: what it says, and what it comes to think.

use super::*;
use crate::protocols::Wire;
use crate::protocols::testing::Desk;

const A: NodeId = NodeId(1);
const B: NodeId = NodeId(2);
const C: NodeId = NodeId(3);

fn rules() -> Rules {
    Rules {
        period: Micros::ms(500),
        timeout: Micros::ms(150),
        indirect: 2,
        order: Order::RoundRobin,
        suspicion: Suspicion::Suspect,
        patience: 3,
        lambda: 3,
        piggyback: 6,
        raising: Raising::Owner,
        reconnect: Micros::ZERO,
    }
}

/// Member 0, which knows A, B and C.
struct Sat {
    swim: Swim,
    desk: Desk<Message, Timer, ()>,
    rules: Rules,
}

impl Sat {
    fn new(rules: Rules) -> Sat {
        let mut sat = Sat { swim: Swim::new(1, &[A, B, C]), desk: Desk::new(0), rules };
        sat.swim.start(&mut sat.desk, &sat.rules, &[A], Micros::ZERO);
        for from in [A, B, C] {
            sat.hear(from, Message::Welcome { rider: says(1, 0, &[]) });
        }
        sat.swim.events();
        sat.desk.sent();
        sat
    }
    fn hear(&mut self, from: NodeId, message: Message) -> String {
        self.swim.on_message(&mut self.desk, &self.rules, from, message);
        self.told()
    }
    fn timer(&mut self, timer: Timer) -> String {
        self.desk.cancel(&timer);
        self.swim.on_timer(&mut self.desk, &self.rules, timer, &[A, B, C]);
        self.told()
    }
    /// What it sent, and what it came to think, a line each.
    fn told(&mut self) -> String {
        let mut lines: Vec<String> = Vec::new();
        for (to, message) in self.desk.sent() {
            lines.push(format!("→ {to} {} {}", message.name(), message.summary()));
        }
        for event in self.swim.events() {
            lines.push(match event {
                Event::Believes(news, None) => format!("{news}"),
                Event::Believes(news, Some(from)) => format!("{news} from {from}"),
                Event::Incarnated(me) => format!("is {me}"),
                Event::Mistaken(node) => format!("was mistaken about {node}"),
            });
        }
        lines.join("\n")
    }
    /// Whom it pings now.
    fn probed(&self) -> (NodeId, u32) {
        let probe = self.swim.probe.as_ref().expect("it pings somebody");
        (probe.node, probe.number)
    }
    fn is_set(&self, timer: Timer) -> bool {
        self.desk.timers.iter().any(|(set, _)| *set == timer)
    }
}

fn at(life: u32, number: u32) -> Incarnation {
    Incarnation { life, number }
}

fn says(life: u32, number: u32, news: &[News]) -> Rider {
    Rider { me: at(life, number), news: Rc::from(news) }
}

fn suspect(node: NodeId, number: u32) -> News {
    News { node, standing: Standing::Suspect, incarnation: at(1, number) }
}

#[test]
fn the_table_of_what_overrides_what() {
    let news = |standing, number| News { node: A, standing, incarnation: at(1, number) };
    use Standing::{Alive, Faulty, Suspect};
    // The paper's section 4.2, line by line: what overrides, with which number, what, with which number.
    for (standing, number, known, other, overrides) in [
        (Alive, 2, Suspect, 1, true),
        (Alive, 1, Suspect, 1, false),
        (Alive, 2, Alive, 1, true),
        (Alive, 1, Alive, 1, false),
        (Suspect, 2, Suspect, 1, true),
        (Suspect, 1, Suspect, 1, false),
        (Suspect, 1, Alive, 1, true),
        (Suspect, 1, Alive, 2, false),
        (Faulty, 1, Alive, 9, true),
        (Faulty, 1, Suspect, 9, true),
        (Alive, 9, Faulty, 1, false),
        (Suspect, 9, Faulty, 1, false),
    ] {
        let told = format!("{standing:?} {number} over {known:?} {other}");
        assert_eq!(news(standing, number).overrides(news(known, other)), overrides, "{told}");
    }
    // And the next life overrides everything of this one.
    assert!(News::alive(A, at(2, 0)).overrides(news(Faulty, 9)));
    assert!(!news(Faulty, 9).overrides(News::alive(A, at(2, 0))));
}

#[test]
fn a_period_in_which_nobody_answers() {
    let mut sat = Sat::new(rules());
    sat.timer(Timer::Period);
    let (node, number) = sat.probed();
    let asked = sat.timer(Timer::Timeout);
    // Two of the three others, never the one itself.
    assert_eq!(asked.matches(&format!("Ping-req number {number}, target {node}")).count(), 2, "{asked}");
    assert!(!asked.contains(&format!("→ {node}")), "{asked}");
    let next = sat.timer(Timer::Period);
    assert!(next.contains(&format!("{{Suspect {node} 1.0}}")), "{next}");
    assert!(sat.is_set(Timer::Half(node, at(1, 0))));
    // Half of its time is over: it is told once more. Then it is confirmed faulty.
    let told = sat.timer(Timer::Half(node, at(1, 0)));
    assert!(told.starts_with(&format!("→ {node} Ping")) && told.contains("{Suspect"), "{told}");
    assert_eq!(sat.timer(Timer::Suspect(node, at(1, 0))), format!("{{Confirm {node} 1.0}}"));
}

#[test]
fn an_ack_through_another_is_as_good() {
    let mut sat = Sat::new(rules());
    sat.timer(Timer::Period);
    let (node, number) = sat.probed();
    sat.timer(Timer::Timeout);
    let between = if node == A { B } else { A };
    sat.hear(between, Message::Ack { of: node, number, rider: says(1, 0, &[]) });
    let next = sat.timer(Timer::Period);
    assert!(!next.contains("Suspect"), "{next}");
    // An ack of an earlier ping is none of this one.
    let (node, number) = sat.probed();
    sat.hear(node, Message::Ack { of: node, number: number - 1, rider: says(1, 0, &[]) });
    assert!(sat.timer(Timer::Period).contains(&format!("{{Suspect {node} 1.0}}")));
}

#[test]
fn a_ping_in_anothers_place() {
    let mut sat = Sat::new(rules());
    let asked = sat.hear(A, Message::PingReq { target: B, number: 77, rider: says(1, 0, &[]) });
    let number = sat.swim.number;
    assert_eq!(asked, format!("→ @2 Ping number {number}, incarnation 1.0"));
    let told = sat.hear(B, Message::Ack { of: B, number, rider: says(1, 0, &[]) });
    assert_eq!(told, "→ @1 Ack number 77, of @2, incarnation 1.0");
    // Once.
    assert_eq!(sat.hear(B, Message::Ack { of: B, number, rider: says(1, 0, &[]) }), "");
}

#[test]
fn one_that_is_suspected_says_that_it_is_alive_with_the_next_number() {
    let own = suspect(NodeId(0), 0);
    let mut sat = Sat::new(rules());
    let told = sat.hear(A, Message::Ping { number: 5, rider: says(1, 0, &[own]) });
    assert_eq!(told, "→ @1 Ack number 5, of @0, incarnation 1.1, news {Alive @0 1.1}\nis 1.1");
    // Once for each number; what is old it only answers.
    let told = sat.hear(B, Message::Ping { number: 6, rider: says(1, 0, &[own]) });
    assert_eq!(told, "→ @2 Ack number 6, of @0, incarnation 1.1, news {Alive @0 1.1}");
    // Confirmed faulty, it begins another life.
    let news = News { standing: Standing::Faulty, ..own };
    let told = sat.hear(C, Message::Ping { number: 7, rider: says(1, 0, &[news]) });
    let join = "→ @3 Join incarnation 2.0";
    assert_eq!(told, format!("{join}\n→ @3 Ack number 7, of @0, incarnation 2.0, news {{Alive @0 2.0}}\nis 2.0"));
    // The mistake: the same number overrides nothing.
    let mut sat = Sat::new(Rules { raising: Raising::Kept, ..rules() });
    let told = sat.hear(A, Message::Ping { number: 5, rider: says(1, 0, &[own]) });
    assert_eq!(told, "→ @1 Ack number 5, of @0, incarnation 1.0, news {Alive @0 1.0}");
}

#[test]
fn one_that_was_taken_for_faulty_only_guesses_who_is_dead() {
    let confirm = |node| News { node, standing: Standing::Faulty, incarnation: at(1, 0) };
    let mut sat = Sat::new(rules());
    sat.hear(A, Message::Ping { number: 1, rider: says(1, 0, &[confirm(B), suspect(C, 0)]) });
    let told = sat.hear(A, Message::Ping { number: 2, rider: says(1, 0, &[confirm(NodeId(0))]) });
    assert!(told.starts_with("→ @1 Join incarnation 2.0\n") && !told.contains("@2"), "{told}");
    // Whoever asks it does not hear of B. Whom it suspects it tells, and it has all its time.
    let told = sat.hear(NodeId(9), Message::Join { rider: says(1, 0, &[]) });
    let list = "{Alive @1 1.0} {Suspect @3 1.0} {Alive @9 1.0}";
    assert!(told.starts_with(&format!("→ @9 Welcome incarnation 2.0, news {list}\n")), "{told}");
    assert!(sat.is_set(Timer::Half(C, at(1, 0))));
    // That another gets no answer of B either brings it not to life; that it lives does, in the same incarnation.
    let mut other = Sat { swim: sat.swim.clone(), desk: Desk::new(0), rules: rules() };
    let ack = |news: News| Message::Ack { of: A, number: 900, rider: says(1, 0, &[news]) };
    assert_eq!(sat.hear(A, ack(suspect(B, 0))), "");
    let told = sat.hear(A, ack(News::alive(B, at(1, 0))));
    assert_eq!(told, "{Alive @2 1.0} from @1\nwas mistaken about @2");
    // If another confirms it, it knows again.
    assert_eq!(other.hear(A, ack(confirm(B))), "");
    assert_eq!(other.hear(A, ack(News::alive(B, at(1, 0)))), "");
}

#[test]
fn one_that_starts_again_does_not_vouch_for_those_it_has_not_heard_of() {
    let mut swim = Swim::new(2, &[A, B, C]);
    let mut desk = Desk::new(0);
    swim.start(&mut desk, &rules(), &[A], Micros::ZERO);
    let mut sat = Sat { swim, desk, rules: rules() };
    sat.told();
    sat.hear(A, Message::Ack { of: A, number: 900, rider: says(1, 0, &[News::alive(B, at(1, 0))]) });
    let told = sat.hear(NodeId(9), Message::Join { rider: says(1, 0, &[]) });
    assert!(told.contains("news {Alive @1 1.0} {Alive @2 1.0} {Alive @9 1.0}\n"), "{told}");
}

#[test]
fn a_suspicion_ends_with_a_higher_number_and_not_with_an_ack() {
    let mut sat = Sat::new(rules());
    assert!(
        sat.hear(A, Message::Ping { number: 1, rider: says(1, 0, &[suspect(B, 0)]) })
            .contains("{Suspect @2 1.0} from @1")
    );
    let ack = |number| Message::Ack { of: B, number: 900, rider: says(1, number, &[]) };
    assert_eq!(sat.hear(B, ack(0)), "");
    assert!(sat.is_set(Timer::Half(B, at(1, 0))));
    assert_eq!(sat.hear(B, ack(1)), "{Alive @2 1.1} from @2");
    assert!(!sat.is_set(Timer::Half(B, at(1, 0))));
}

#[test]
fn each_piece_of_news_goes_out_so_often_and_the_newest_first() {
    let mut sat = Sat::new(Rules { piggyback: 1, lambda: 1, ..rules() });
    // Four members: three digits in the binary system, so three times each.
    assert_eq!(sat.swim.list.logarithm(), 3);
    sat.hear(A, Message::Ack { of: A, number: 900, rider: says(1, 0, &[suspect(B, 0)]) });
    let mut carried = Vec::new();
    for number in 0..7 {
        if number == 1 {
            sat.hear(A, Message::Ack { of: A, number: 900, rider: says(1, 0, &[suspect(C, 0)]) });
        }
        let told = sat.hear(A, Message::Ping { number, rider: says(1, 0, &[]) });
        carried.push(told.split_once("{Suspect @").map_or("-".to_owned(), |(_, rest)| rest[..1].to_owned()));
    }
    assert_eq!(carried.join(" "), "2 3 2 3 2 3 -");
}

#[test]
fn in_turn_each_is_pinged_once_a_round() {
    let mut sat = Sat::new(rules());
    for round in 0..50 {
        let mut pinged = Vec::new();
        for _ in 0..3 {
            sat.timer(Timer::Period);
            let (node, number) = sat.probed();
            sat.hear(node, Message::Ack { of: node, number, rider: says(1, 0, &[]) });
            pinged.push(node);
        }
        pinged.sort_unstable();
        assert_eq!(pinged, [A, B, C], "round {round}");
    }
}

#[test]
fn whoever_asks_to_be_taken_in_gets_the_list() {
    let mut sat = Sat::new(rules());
    sat.hear(A, Message::Ack { of: A, number: 900, rider: says(1, 0, &[suspect(B, 0)]) });
    let told = sat.hear(NodeId(9), Message::Join { rider: says(1, 0, &[]) });
    let list = "{Alive @1 1.0} {Suspect @2 1.0} {Alive @3 1.0} {Alive @9 1.0}";
    assert_eq!(told, format!("→ @9 Welcome incarnation 1.0, news {list}\n{{Alive @9 1.0}} from @9"));
    // One that has left is on nobody's list, until it comes again.
    let left = News { standing: Standing::Left, ..News::alive(C, at(1, 0)) };
    sat.hear(C, Message::Ping { number: 1, rider: says(1, 0, &[left]) });
    assert_eq!(sat.swim.list.get(C).map(|news| news.standing), Some(Standing::Left));
    assert!(sat.hear(C, Message::Join { rider: says(2, 0, &[]) }).contains("{Alive @3 2.0} from @3"));
}
