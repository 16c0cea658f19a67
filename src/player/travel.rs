//! On the way: links that are opened, seeks that take longer than a frame, and what is shared.

use std::rc::Rc;

use crate::link::{self, Fault, LinkError, Opened, Picked, Shown};
use crate::scenario::{OPENING, Problem, builtin};
use crate::scene::Target;
use crate::sim::{RecordId, Time, clock};
use crate::timeline::{Cursor, Moment, Timeline};
use crate::views::Kind;

use super::{Action, Player, SPEEDS, Stop, Tone};

/// How many steps are done at once on the way to an instant: a long way is shown as it is gone.
pub const STEPS_AT_ONCE: u64 = 60_000;

/// A way that takes longer than a frame.
#[derive(Clone, Debug)]
pub(super) struct Journey {
    to: Cursor,
    from: Time,
    arrival: Option<Arrival>,
    /// What ends it before.
    stop: Option<Stop>,
}

/// What is to be seen at the end of a link's way.
#[derive(Clone, Debug)]
struct Arrival {
    shown: Shown,
    /// Nothing is said when all went well: a figure in an article has no room for it.
    quiet: bool,
}

impl Player {
    /// Opens the scenario that the app begins with.
    ///
    /// # Errors
    /// Never, for a build whose tests pass.
    pub fn opening() -> Result<Player, Problem> {
        Player::new(Rc::new(builtin(OPENING)?))
    }

    /// What the fragment of an address asks for; with a notice when that cannot be had. With `quiet`, nothing is said
    /// of what went well.
    ///
    /// # Errors
    /// Never, for a build whose tests pass: what is wrong with a link becomes a notice.
    pub fn from_link(fragment: &str, quiet: bool) -> Result<Player, Problem> {
        // Neither needs what reads links, which comes with the later part of the wasm (static/site/boot.js knows them).
        if matches!(fragment.trim_start_matches('#'), "" | OPENING_LINK) {
            return Player::opening();
        }
        Player::linked(fragment, quiet)
    }

    #[inline(never)]
    fn linked(fragment: &str, quiet: bool) -> Result<Player, Problem> {
        let opened = link::read(fragment).and_then(|opened| Player::open_link(&opened, quiet));
        opened.or_else(|error| {
            let mut player = match error.safe.as_deref().map(builtin) {
                Some(Ok(document)) => Player::new(Rc::new(document))?,
                _ => Player::opening()?,
            };
            let name = &player.timeline.document().title;
            let told = format!("{} Here is “{name}” from its beginning.", error.told);
            player.tell(Tone::Warn, told);
            Ok(player)
        })
    }

    /// Opens what a link says, and is on the way to its cursor.
    #[inline(never)]
    fn open_link(opened: &Opened, quiet: bool) -> Result<Player, LinkError> {
        let moment = &opened.moment;
        let timeline = Timeline::with_acts(moment.document.clone(), moment).map_err(|problem| LinkError {
            kind: Fault::Document,
            told: format!("The scenario of this link cannot run: {problem}."),
            safe: None,
        })?;
        let mut player = Player::with(timeline);
        player.touched = !moment.acts.is_empty();
        player.show(&opened.shown);
        for note in &opened.notes {
            player.tell(Tone::Quiet, note.clone());
        }
        player.set_out(moment.cursor, Some(Arrival { shown: opened.shown.clone(), quiet }));
        Ok(player)
    }

    /// How much of a long way lies behind, 0 to 1, and where it leads; `None` when it is not on one.
    pub fn journey(&self) -> Option<(f64, Time)> {
        let journey = self.journey.as_ref()?;
        let span = |from: Time, to: Time| to.since(from).0 as f64;
        let whole = span(journey.from, journey.to.at).max(1.0);
        Some(((span(journey.from, self.timeline.now()) / whole).clamp(0.0, 1.0), journey.to.at))
    }

    /// What is shared now: the moment and how it is looked at. At an untouched beginning, that is the scenario alone.
    pub fn share(&self) -> (Moment, Shown) {
        let (mut moment, mut shown) = (self.moment(), self.shown());
        if self.timeline.run().steps() == 0 && moment.acts.is_empty() {
            moment.cursor = Cursor::default();
            (shown.digest, shown.playing) = (None, true);
        }
        (moment, shown)
    }

    /// Goes to an instant; what a frame cannot do goes on in the next.
    pub(super) fn seek(&mut self, at: Time) {
        self.owed = 0.0;
        self.showing = None;
        // What was said of another moment would be read as of this one.
        self.notices.retain(|notice| notice.tone == Tone::Warn);
        self.set_out(Cursor { at: at.min(self.length()), steps: None }, None);
    }

    /// Goes on until something of this kind happens, or to the end of the tape.
    pub(super) fn seek_stop(&mut self, stop: Stop) {
        let (now, end) = (self.timeline.now(), self.length());
        // At its end the tape is twice as long.
        let to = if end.0 - now.0 < end.0 / 8 { Time(end.0.saturating_mul(2)) } else { end };
        self.depart(Cursor { at: to, steps: None }, None, Some(stop));
    }

    fn set_out(&mut self, to: Cursor, arrival: Option<Arrival>) {
        self.timeline.seek_towards(to);
        self.depart(to, arrival, None);
    }

    /// Goes on to a cursor that the timeline has set out for.
    pub(super) fn go(&mut self, to: Cursor) {
        self.depart(to, None, None);
    }

    fn depart(&mut self, to: Cursor, arrival: Option<Arrival>, stop: Option<Stop>) {
        self.journey = Some(Journey { to, from: self.timeline.now(), arrival, stop });
        self.travel();
    }

    /// Goes on for a frame's worth.
    pub(super) fn travel(&mut self) {
        let Some(journey) = self.journey.take() else { return };
        self.timeline.watch_breaks(journey.stop == Some(Stop::Break));
        let there = self.timeline.go_on(journey.to, STEPS_AT_ONCE);
        if self.timeline.stopped_at().is_some() {
            self.stopped_at_break();
            return self.after_change();
        }
        if let Some(stop) = journey.stop {
            if let Some(at) = self.first_stop(stop, journey.from) {
                return self.seek(at);
            }
            if there {
                self.tell(Tone::Quiet, format!("No {} until {} s.", stop.name(), clock(journey.to.at)));
            }
        }
        match (there, journey.arrival) {
            (false, arrival) => {
                self.journey = Some(Journey { arrival, ..journey });
                self.after_change();
            }
            (true, arrival) => {
                self.after_change();
                arrival.iter().for_each(|arrival| self.arrive(arrival));
            }
        }
    }

    /// At the end of a link's way: says whether the run is the same as where the link was made.
    fn arrive(&mut self, arrival: &Arrival) {
        self.select_named(&arrival.shown);
        let Some(digest) = arrival.shown.digest else { return };
        if self.timeline.run().digest() != digest {
            let told = "This run differs from the one that was shared: it was made by another version of Faultline.";
            self.tell(Tone::Warn, told.to_owned());
        } else if !arrival.quiet {
            let at = clock(self.timeline.now());
            self.tell(Tone::Good, format!("The shared moment, at {at} s: replayed to the same digest, {digest:016x}."));
        }
    }

    /// What an action means to someone on the way. Whether it is to be done.
    pub(super) fn interrupts(&mut self, action: &Action) -> bool {
        if self.journey.is_none() {
            return true;
        }
        match action {
            Action::Act(_) | Action::Acts(_) | Action::Turn(..) | Action::Undo | Action::Redo => {
                let told = "The run is still on its way: wait until it is there, or stop it with the pause button.";
                self.tell(Tone::Quiet, told.to_owned());
                false
            }
            Action::Pause | Action::Toggle | Action::StepOn | Action::StepBack | Action::PlayBack => {
                (self.journey, self.playing) = (None, false);
                self.forwards();
                false
            }
            _ => true,
        }
    }

    /// What a link says beside the moment.
    #[inline(never)]
    pub fn shown(&self) -> Shown {
        let world = &self.timeline.run().world;
        let selection = match self.view.selected {
            Some(Target::Node(id)) => world.node(id).map(|node| Picked::Node(node.name.to_string())),
            Some(Target::Link(a, b)) => Some(Picked::Between(world.name(a).to_owned(), world.name(b).to_owned())),
            Some(Target::Flight(record)) => Some(Picked::Message(record.0)),
            None => None,
        };
        let moved = self.plan.at.iter().map(|(name, (x, y))| (name.to_string(), (*x as i32, *y as i32)));
        Shown {
            digest: Some(self.timeline.run().digest()),
            speed: (self.speed != self.timeline.document().speed).then_some(self.speed),
            selection,
            views: self.linked.open.iter().map(|kind| kind.name().to_owned()).collect(),
            step: (self.step > 0).then_some(self.step as u32 + 1),
            playing: self.playing,
            layout: Some(self.plan.layout).filter(|layout| *layout != self.timeline.document().layout),
            moved: moved.collect(),
        }
    }

    /// Shows a run as a link says it was shown.
    #[inline(never)]
    pub fn show(&mut self, shown: &Shown) {
        self.playing = shown.playing;
        if let Some(speed) = shown.speed {
            self.speed = speed.clamp(SPEEDS.0, SPEEDS.1);
        }
        let kind = |name: &String| Kind::ALL.iter().find(|(.., known)| known == name).map(|(kind, ..)| *kind);
        self.linked.open = shown.views.iter().filter_map(kind).collect();
        self.dispatch(Action::Step(shown.step.map_or(0, |step| (step as usize).saturating_sub(1))));
        let at = |(name, (x, y)): (&String, &(i32, i32))| (Rc::from(&**name), (*x as f32, *y as f32));
        self.plan.layout = shown.layout.unwrap_or(self.timeline.document().layout);
        self.plan.at = shown.moved.iter().map(at).collect();
        self.select_named(shown);
        self.relayout();
    }

    fn select_named(&mut self, shown: &Shown) {
        let world = &self.timeline.run().world;
        let named = match &shown.selection {
            None => None,
            Some(Picked::Node(name)) => world.find(name).map(Target::Node),
            Some(Picked::Between(from, to)) => {
                let ends = world.find(from).zip(world.find(to)).map(|(from, to)| (from.min(to), from.max(to)));
                let linked = ends.filter(|(a, b)| world.node(*a).is_some_and(|node| node.link(*b).is_some()));
                linked.map(|(a, b)| Target::Link(a, b))
            }
            Some(Picked::Message(record)) => {
                let record = RecordId(*record);
                let known = world.flight(record).is_some() || self.timeline.log().get(record).is_some();
                known.then_some(Target::Flight(record))
            }
        };
        if named.is_some() {
            self.view.selected = named;
        }
    }
}

/// The link of the [`OPENING`] scenario.
const OPENING_LINK: &str = "1.chat";
