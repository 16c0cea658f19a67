//! A view service: it alone says who is primary and who is backup, so that there is never more than one primary whose
//! word counts.
//!
//! Primary and backup are as in Alsberg and Day («A Principle for Resilient Sharing of Distributed Resources», 1976);
//! the service of numbered views, and the rule that a view must be acknowledged by its primary, are those of the
//! view server of MIT's course 6.824 (lab 2). Two things are different here, because the servers have disks:
//!
//! - A view whose primary stays may be replaced before it was acknowledged. That cannot promote a backup that has not
//!   been brought up to date, which is what the rule is for, and a backup that dies while it is brought up to date
//!   does not block the service for ever.
//! - Where no backup can take over, a primary that crashed and came back with its disk becomes primary again, in a new
//!   view: everything that was ever acknowledged is on its disk.

use crate::sim::{Disk, Micros, NodeId, Port, Table, Time};

use super::health::Detector;
use super::{Family, Form, Wire};

/// How many servers a view service knows.
pub const SERVERS: usize = 64;
/// How long a backup that its primary could not reach is left out.
pub const LEFT_OUT: Micros = Micros::secs(10);

/// Who is what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// Views are numbered from 1.
    pub number: u64,
    /// Who serves.
    pub primary: NodeId,
    /// Who has a copy of everything.
    pub backup: Option<NodeId>,
}

impl std::fmt::Display for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "view {}: primary {}, ", self.number, self.primary)?;
        match self.backup {
            Some(backup) => write!(f, "backup {backup}"),
            None => write!(f, "no backup"),
        }
    }
}

/// What a server says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Report {
    /// The view in which it takes part; 0 if in none. From its primary this acknowledges a view.
    pub view: u64,
    /// The last view in which it took part with everything on its disk.
    pub held: Option<View>,
    /// When it booted: what tells this life from an earlier one.
    pub life: Time,
    /// As a primary: the view whose backup does not answer it; 0 if all is well.
    pub alone: u64,
}

/// Between servers and the view service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// From a server, again and again: I am alive.
    Ping(Report),
    /// From the service: this is the view.
    View(View),
}

impl Wire for Message {
    const FAMILY: Family = Family::Control;
    fn name(&self) -> &'static str {
        match self {
            Message::Ping(_) => "Ping",
            Message::View(_) => "View",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Ping(_) => Form::Beat,
            Message::View(_) => Form::Reply,
        }
    }
    fn bytes(&self) -> u32 {
        32
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Message::Ping(report) => vec![
                ("view", report.view.to_string()),
                ("on disk", report.held.map_or("nothing".to_owned(), |view| format!("view {}", view.number))),
                ("backup", if report.alone > 0 { "does not answer" } else { "well" }.to_owned()),
            ],
            Message::View(view) => vec![
                ("view", view.number.to_string()),
                ("primary", view.primary.to_string()),
                ("backup", view.backup.map_or("none".to_owned(), |backup| backup.to_string())),
            ],
        }
    }
}

/// A view as the service keeps it on its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decided {
    /// The view.
    pub view: View,
    /// Whether its primary has acknowledged it: its backup, if it has one, has everything.
    pub acked: bool,
    /// In which life the primary was chosen; another life has crashed since.
    pub primary_life: Time,
    /// In which life the backup was chosen.
    pub backup_life: Option<Time>,
}

/// The service's disk: the newest view.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Register(pub Option<Decided>);

impl Disk for Register {
    type Write = Decided;
    fn apply(&mut self, write: Decided) {
        self.0 = Some(write);
    }
}

/// The service's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// A view is on the disk: now it may be announced.
    Kept(Decided),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Known {
    detector: Detector,
    report: Report,
    left_out_until: Time,
}

/// The service.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ViewService {
    decided: Option<Decided>,
    /// On its way to the disk.
    proposed: Option<Decided>,
    known: Table<NodeId, Known>,
    since: Time,
    said_stuck: bool,
}

impl ViewService {
    /// Starts, and starts again, from what is on the disk.
    pub fn boot(register: &Register, now: Time) -> ViewService {
        ViewService { decided: register.0, proposed: None, known: Table::new(), since: now, said_stuck: false }
    }
    /// The view, if there is one.
    pub fn view(&self) -> Option<View> {
        self.decided.map(|decided| decided.view)
    }
    /// Whether the view's primary has acknowledged it.
    pub fn acked(&self) -> bool {
        self.decided.is_some_and(|decided| decided.acked)
    }
    /// The service itself stood still: nobody's silence counts.
    pub fn forgive(&mut self, now: Time) {
        for known in self.known.values_mut() {
            known.detector.hear(now);
        }
        self.since = self.since.max(now);
    }

    /// A server has pinged.
    pub fn on_ping<P>(&mut self, port: &mut P, from: NodeId, report: Report, patience: Micros, wired: &[NodeId])
    where
        P: Port<Message = Message, Timer = Timer, Write = Decided>,
    {
        let now = port.now();
        if self.known.len() >= SERVERS && !self.known.contains_key(&from) {
            return port.note(format!("{from} is one server too many: a view service knows {SERVERS}"));
        }
        let left_out_until = self.known.get(&from).map_or(Time::ZERO, |known| known.left_out_until);
        self.known.insert(from, Known { detector: Detector::new(now), report, left_out_until });
        let view = self.view().filter(|view| view.number == report.alone && view.primary == from);
        if let Some(backup) = view.and_then(|view| self.known.get_mut(&view.backup?)) {
            backup.left_out_until = now + LEFT_OUT;
        }
        if let Some(decided) = &mut self.decided {
            let acks = decided.view.primary == from && report.view == decided.view.number;
            if acks && !decided.acked && self.proposed.is_none() {
                decided.acked = true;
                let decided = *decided;
                port.persist(decided, None);
            }
        }
        self.consider(port, patience, wired);
        if let Some(view) = self.view() {
            port.send(from, Message::View(view));
        }
    }

    /// Time has passed.
    pub fn tick<P>(&mut self, port: &mut P, patience: Micros, wired: &[NodeId])
    where
        P: Port<Message = Message, Timer = Timer, Write = Decided>,
    {
        // One that is no longer wired cannot be reached and will not come back under this number.
        self.known.retain(|server, _| wired.contains(server));
        self.consider(port, patience, wired);
    }

    /// A timer has run out.
    pub fn on_timer<P>(&mut self, port: &mut P, timer: Timer, patience: Micros, wired: &[NodeId])
    where
        P: Port<Message = Message, Timer = Timer, Write = Decided>,
    {
        let Timer::Kept(decided) = timer;
        self.proposed = None;
        self.decided = Some(decided);
        port.note(decided.view.to_string());
        for server in self.known.keys() {
            port.send(*server, Message::View(decided.view));
        }
        self.consider(port, patience, wired);
    }

    fn alive(&self, server: NodeId, now: Time, patience: Micros) -> Option<&Known> {
        self.known.get(&server).filter(|known| !known.detector.suspects(now, patience))
    }

    fn consider<P>(&mut self, port: &mut P, patience: Micros, wired: &[NodeId])
    where
        P: Port<Message = Message, Timer = Timer, Write = Decided>,
    {
        if self.proposed.is_some() {
            return;
        }
        let now = port.now();
        let next = match self.decided {
            None => self.first(now, patience, wired),
            Some(decided) => self.next(decided, now, patience),
        };
        if let Some(next) = next {
            self.said_stuck = false;
            self.proposed = Some(next);
            // Announced only when it is on the disk: a service that forgot a view could give its number to another.
            port.persist(next, Some(Timer::Kept(next)));
        } else if let Some(decided) = self.decided {
            let primary = self.alive(decided.view.primary, now, patience);
            let stuck = now.since(self.since) > patience
                && primary.is_none_or(|known| known.report.life != decided.primary_life);
            if stuck && !self.said_stuck {
                port.note(format!("nobody can take over from {}: {}", decided.view.primary, decided.view));
            }
            self.said_stuck = stuck;
        } else if now.since(self.since) > patience && !self.said_stuck && !self.heard_all(wired) {
            self.said_stuck = true;
            port.note("remembers no view, and waits to hear of every server".to_owned());
        }
    }

    fn heard_all(&self, wired: &[NodeId]) -> bool {
        wired.iter().all(|server| self.known.contains_key(server))
    }

    /// The first view: of servers that hold nothing, the lowest. If the service has lost its disk and servers remember
    /// a view, that one goes on. Decided when every wired server has been heard of: one that has not may have served
    /// alone, in a view of which the others know nothing.
    fn first(&self, now: Time, patience: Micros, wired: &[NodeId]) -> Option<Decided> {
        if !self.heard_all(wired) {
            return None;
        }
        let remembered = self.known.values().filter_map(|known| known.report.held).max_by_key(|view| view.number);
        if let Some(view) = remembered {
            let takes_part = |server: NodeId| {
                self.known.get(&server).filter(|known| known.report.view == view.number).map(|known| known.report.life)
            };
            // A life that is not known counts as another one, so that its server is taken in anew.
            let primary_life = takes_part(view.primary).unwrap_or(Time(u64::MAX));
            let backup_life = view.backup.map(|backup| takes_part(backup).unwrap_or(Time(u64::MAX)));
            return Some(Decided { view, acked: true, primary_life, backup_life });
        }
        let mut alive = self.known.iter().filter(|(_, known)| !known.detector.suspects(now, patience));
        let (primary, known) = alive.next()?;
        let backup = alive.next();
        let view = View { number: 1, primary: *primary, backup: backup.map(|(backup, _)| *backup) };
        Some(Decided {
            view,
            acked: false,
            primary_life: known.report.life,
            backup_life: backup.map(|(_, known)| known.report.life),
        })
    }

    /// The view after this one, if one is due and allowed.
    fn next(&self, decided: Decided, now: Time, patience: Micros) -> Option<Decided> {
        let view = decided.view;
        let anyone_but = |primary: NodeId, also: Option<NodeId>| {
            self.known.iter().find(|(server, known)| {
                **server != primary
                    && Some(**server) != also
                    && !known.detector.suspects(now, patience)
                    && known.left_out_until <= now
            })
        };
        let make = |primary: NodeId, life: Time, backup: Option<(&NodeId, &Known)>| {
            Some(Decided {
                view: View { number: view.number + 1, primary, backup: backup.map(|(backup, _)| *backup) },
                acked: false,
                primary_life: life,
                backup_life: backup.map(|(_, known)| known.report.life),
            })
        };
        // Silence counts only once it could have been broken since the service booted.
        let settled_in = now.since(self.since) > patience;
        let primary = self.alive(view.primary, now, patience);
        let gone = |server: NodeId| match self.known.get(&server) {
            Some(known) => known.detector.suspects(now, patience),
            None => settled_in,
        };

        if let Some(known) = primary.filter(|known| known.report.life == decided.primary_life) {
            // The primary is well: only the backup may change.
            let Some(backup) = view.backup else {
                return anyone_but(view.primary, None)
                    .and_then(|other| make(view.primary, known.report.life, Some(other)));
            };
            let restarted =
                self.alive(backup, now, patience).is_some_and(|known| Some(known.report.life) != decided.backup_life);
            if known.report.alone == view.number {
                return make(view.primary, known.report.life, anyone_but(view.primary, Some(backup)));
            }
            if restarted || gone(backup) {
                return make(view.primary, known.report.life, anyone_but(view.primary, None));
            }
            return None;
        }
        if primary.is_none() && !gone(view.primary) {
            return None;
        }
        // The primary is silent or has crashed. Its backup takes over if it has everything: the primary acknowledged
        // the view, and the backup's disk is of this view.
        let heir = view.backup.filter(|_| decided.acked).and_then(|backup| {
            let known = self.alive(backup, now, patience)?;
            (known.report.held.is_some_and(|held| held.number == view.number)).then_some((backup, known))
        });
        if let Some((heir, known)) = heir {
            return make(heir, known.report.life, anyone_but(heir, None));
        }
        // Or it takes its own place again, if its disk remembers.
        let known = primary.filter(|known| known.report.held.is_some())?;
        make(view.primary, known.report.life, anyone_but(view.primary, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::Desk;

    const PATIENCE: Micros = Micros::ms(750);
    const A: NodeId = NodeId(1);
    const B: NodeId = NodeId(2);
    const C: NodeId = NodeId(3);

    /// A service with its desk and its disk.
    struct Served {
        service: ViewService,
        desk: Desk<Message, Timer, Decided>,
        register: Register,
    }

    impl Served {
        fn new() -> Served {
            let register = Register::default();
            Served { service: ViewService::boot(&register, Time::ZERO), desk: Desk::new(9), register }
        }
        /// Everything that was written reaches the disk.
        fn sync(&mut self) {
            while !self.desk.writes.is_empty() {
                let (write, done) = self.desk.writes.remove(0);
                self.register.apply(write);
                if let Some(timer) = done {
                    self.service.on_timer(&mut self.desk, timer, PATIENCE, &[A, B, C]);
                }
            }
        }
        fn ping(&mut self, from: NodeId, view: u64, held: Option<View>, life: u64) -> String {
            let report = Report { view, held, life: Time(life), alone: 0 };
            self.service.on_ping(&mut self.desk, from, report, PATIENCE, &[A, B, C]);
            self.sync();
            self.view()
        }
        /// Time passes in which those who are named ping as members of the view.
        fn pass(&mut self, who: &[(NodeId, u64, u64)]) -> String {
            for _ in 0..4 {
                self.desk.now += Micros::ms(250);
                for (server, view, life) in who {
                    let held = self.service.view().filter(|known| known.number == *view);
                    self.ping(*server, *view, held, *life);
                }
                self.service.tick(&mut self.desk, PATIENCE, &[A, B, C]);
                self.sync();
            }
            self.view()
        }
        fn view(&self) -> String {
            let acked = if self.service.acked() { "" } else { " (not acknowledged)" };
            self.service.view().map_or("none".to_owned(), |view| format!("{view}{acked}"))
        }
        /// A and B in view 1, acknowledged; C waits.
        fn started() -> Served {
            let mut served = Served::new();
            served.ping(A, 0, None, 0);
            served.ping(B, 0, None, 0);
            assert_eq!(served.view(), "none");
            assert_eq!(served.ping(C, 0, None, 0), "view 1: primary @1, backup @2 (not acknowledged)");
            assert_eq!(served.pass(&[(A, 1, 0), (B, 1, 0), (C, 0, 0)]), "view 1: primary @1, backup @2");
            served
        }
    }

    #[test]
    fn the_backup_takes_over_from_a_silent_primary_and_another_becomes_backup() {
        let mut served = Served::started();
        let view = served.pass(&[(B, 1, 0), (C, 0, 0)]);
        assert_eq!(view, "view 2: primary @2, backup @3 (not acknowledged)");
    }

    #[test]
    fn a_view_that_was_not_acknowledged_promotes_nobody() {
        let mut served = Served::started();
        served.pass(&[(B, 1, 0), (C, 0, 0)]);
        // B never acknowledges view 2, and dies. C has nothing yet.
        let view = served.pass(&[(C, 0, 0)]);
        assert_eq!(view, "view 2: primary @2, backup @3 (not acknowledged)");
        assert!(served.desk.notes.iter().any(|note| note.starts_with("nobody can take over from @2")));
        // When it comes back, with its disk, it goes on; without, nobody does.
        let held = Some(View { number: 1, primary: A, backup: Some(B) });
        assert_eq!(served.ping(B, 0, None, 5), "view 2: primary @2, backup @3 (not acknowledged)");
        assert_eq!(served.ping(B, 0, held, 6), "view 3: primary @2, backup @3 (not acknowledged)");
    }

    #[test]
    fn a_backup_that_dies_while_it_is_brought_up_to_date_is_replaced() {
        let mut served = Served::started();
        served.pass(&[(B, 1, 0), (C, 0, 0)]);
        // B works at view 2 and has not acknowledged it; C dies.
        assert_eq!(served.pass(&[(B, 0, 0)]), "view 3: primary @2, no backup (not acknowledged)");
        assert_eq!(served.pass(&[(B, 3, 0)]), "view 3: primary @2, no backup");
        assert_eq!(served.pass(&[(B, 3, 0), (A, 0, 7)]), "view 4: primary @2, backup @1 (not acknowledged)");
    }

    #[test]
    fn a_primary_that_restarted_in_the_blink_of_an_eye_is_found_out() {
        let mut served = Served::started();
        let held = served.service.view();
        assert_eq!(served.ping(A, 0, held, 1), "view 2: primary @2, backup @1 (not acknowledged)");
    }

    #[test]
    fn a_view_is_announced_only_when_it_is_on_the_disk() {
        let mut served = Served::started();
        served.desk.sent();
        served.desk.now += Micros::ms(10);
        let report = Report { view: 0, held: served.service.view(), life: Time(1), alone: 0 };
        served.service.on_ping(&mut served.desk, A, report, PATIENCE, &[A, B, C]);
        let told: Vec<u64> = served
            .desk
            .sent()
            .into_iter()
            .filter_map(|(_, message)| if let Message::View(view) = message { Some(view.number) } else { None })
            .collect();
        assert_eq!(told, [1]);
        served.sync();
        assert!(
            served.desk.sent().iter().any(|(_, message)| matches!(message, Message::View(view) if view.number == 2))
        );
    }

    #[test]
    fn a_service_that_lost_its_disk_goes_on_from_what_the_servers_remember() {
        let mut served = Served::started();
        served.pass(&[(B, 1, 0), (C, 0, 0)]);
        let view = served.service.view();
        served.register = Register::default();
        served.service = ViewService::boot(&served.register, served.desk.now);
        served.ping(A, 0, Some(View { number: 1, primary: A, backup: Some(B) }), 5);
        assert_eq!(served.view(), "none");
        served.ping(B, 2, view, 0);
        // C takes no part in a view, so it is taken in as a new backup, in a new view.
        assert_eq!(served.ping(C, 0, None, 0), "view 3: primary @2, backup @1 (not acknowledged)");
    }

    #[test]
    fn a_service_that_lost_its_disk_promotes_nobody_before_it_has_heard_all() {
        let mut served = Served::started();
        // A goes on alone in view 2, since neither B nor C is heard of for a while; what it takes in then nobody else has.
        let alone = "view 2: primary @1, no backup";
        assert_eq!(served.pass(&[(A, 1, 0)]), format!("{alone} (not acknowledged)"));
        assert_eq!(served.pass(&[(A, 2, 0)]), alone);
        let (first, second) = (View { number: 1, primary: A, backup: Some(B) }, served.service.view());
        // A dies, and the service loses its disk. B and C are back, and B held view 1.
        served.register = Register::default();
        served.service = ViewService::boot(&served.register, served.desk.now);
        for _ in 0..8 {
            served.desk.now += Micros::ms(250);
            served.ping(B, 0, Some(first), 0);
            assert_eq!(served.ping(C, 0, None, 0), "none");
        }
        assert_eq!(
            served.desk.notes.last().map(String::as_str),
            Some("remembers no view, and waits to hear of every server")
        );
        assert_eq!(served.ping(A, 0, second, 9), "view 3: primary @1, backup @2 (not acknowledged)");
    }

    /// What it cannot know: a view that it announced, and that nobody has on a disk yet. Its papers take the service for
    /// one that forgets nothing, as a replicated one would.
    #[test]
    fn a_service_that_lost_its_disk_may_give_a_number_twice() {
        let mut served = Served::started();
        let held = served.service.view();
        assert_eq!(served.ping(A, 0, held, 1), "view 2: primary @2, backup @1 (not acknowledged)");
        served.register = Register::default();
        served.service = ViewService::boot(&served.register, served.desk.now);
        served.ping(A, 0, held, 1);
        for _ in 0..4 {
            served.desk.now += Micros::ms(250);
            served.ping(B, 0, held, 0);
        }
        // A has been silent since. B is about to install view 2 with A as its backup; here it has another.
        assert_eq!(served.ping(C, 0, None, 0), "view 2: primary @2, backup @3 (not acknowledged)");
    }

    #[test]
    fn a_backup_that_its_primary_cannot_reach_is_left_out_for_a_while() {
        let mut served = Served::started();
        let held = served.service.view();
        let report = Report { view: 1, held, life: Time(0), alone: 1 };
        served.service.on_ping(&mut served.desk, A, report, PATIENCE, &[A, B, C]);
        served.sync();
        assert_eq!(served.view(), "view 2: primary @1, backup @3 (not acknowledged)");
    }

    #[test]
    fn a_service_that_stood_still_blames_nobody() {
        let mut served = Served::started();
        served.desk.now += Micros::secs(60);
        let now = served.desk.now;
        served.service.forgive(now);
        served.service.tick(&mut served.desk, PATIENCE, &[A, B, C]);
        served.sync();
        assert_eq!(served.view(), "view 1: primary @1, backup @2");
    }
}
