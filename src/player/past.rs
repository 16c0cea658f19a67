//! Back and forth: what was done is taken back or done again, courses that were left are returned to, and time is gone
//! through by what happened in it, or backwards.

use crate::sim::{Time, clock};
use crate::timeline::{Course, CourseId, Cursor, MarkKind};

use super::{Action, Player, Tone};

/// How many bookmarks are kept.
pub const MAX_BOOKMARKS: usize = 100;

/// What one goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Whatever the tape shows.
    Any,
    /// A mark of this kind.
    Mark(MarkKind),
    /// Something that the person did.
    Act,
    /// A bookmark.
    Bookmark,
    /// A breakpoint.
    Break,
}

impl Stop {
    /// All of them with their names, for a list.
    pub const ALL: [(Stop, &'static str); 9] = [
        (Stop::Any, "anything"),
        (Stop::Mark(MarkKind::Fault), "fault"),
        (Stop::Mark(MarkKind::Notice), "suspicion"),
        (Stop::Mark(MarkKind::Recovery), "recovery"),
        (Stop::Mark(MarkKind::Change), "change"),
        (Stop::Mark(MarkKind::Violation), "broken promise"),
        (Stop::Act, "act of yours"),
        (Stop::Bookmark, "bookmark"),
        (Stop::Break, "breakpoint"),
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        Stop::ALL.iter().find(|(stop, _)| *stop == self).map_or("", |(_, name)| name)
    }
}

impl Player {
    /// The instants that bookmarks stand at.
    pub fn bookmarks(&self) -> &[Time] {
        &self.bookmarks
    }

    /// Whether time is gone through backwards.
    pub fn backwards(&self) -> bool {
        self.backwards
    }

    /// What the next or the previous stop leads to.
    pub fn stop(&self) -> Stop {
        self.stop
    }

    /// Does what concerns the past.
    #[inline(never)]
    pub(super) fn dispatch_past(&mut self, action: &Action) {
        match *action {
            Action::Undo => {
                let told = self.timeline.last_act().map(|stamped| stamped.act.words());
                match (self.timeline.undo(), told) {
                    (Some(cursor), Some(told)) => self.turned(cursor, format!("Taken back: {told}. Z does it again.")),
                    _ => self.tell(Tone::Quiet, "Nothing was done before this instant.".to_owned()),
                }
            }
            Action::Redo => {
                let told = self.timeline.next_redo().map(|stamped| stamped.act.words());
                match (self.timeline.redo(), told) {
                    (Some(cursor), Some(told)) => self.turned(cursor, format!("Done again: {told}.")),
                    _ => self.tell(Tone::Quiet, "Nothing was taken back.".to_owned()),
                }
            }
            Action::Visit(id) => match self.timeline.visit(id) {
                Some(cursor) => {
                    let told = format!("Another course of events: {}.", self.timeline.course().name());
                    self.turned(cursor, told);
                }
                None => self.tell(Tone::Warn, "That course of events is not kept any more.".to_owned()),
            },
            Action::PlayBack => {
                self.backwards = !self.backwards;
                self.playing = true;
                self.timeline.set_dense(self.backwards);
            }
            Action::LookFor(stop) => self.stop = stop,
            Action::Jump(on) => self.jump(self.stop, on),
            Action::Bookmark => self.bookmark(),
            _ => {}
        }
    }

    fn turned(&mut self, cursor: Cursor, told: String) {
        // The last of these is the one that counts.
        self.notices.retain(|notice| !notice.told.starts_with("Taken back") && !notice.told.starts_with("Done again"));
        self.tell(Tone::Quiet, told);
        (self.owed, self.touched) = (0.0, true);
        self.go(cursor);
    }

    /// Plays backwards for `seconds` on the wall.
    pub(super) fn frame_back(&mut self, seconds: f64) {
        self.owed += seconds * self.speed * 1e6;
        let whole = self.owed as u64;
        self.owed -= whole as f64;
        let now = self.timeline.now();
        let to = Time(now.0.saturating_sub(whole));
        if to < now {
            self.timeline.seek(Cursor { at: to, steps: None });
        }
        if to == Time::ZERO {
            self.forwards();
            self.playing = false;
        }
        self.after_change();
    }

    /// Time goes on as usual.
    pub(super) fn forwards(&mut self) {
        self.backwards = false;
        self.timeline.set_dense(false);
    }

    fn bookmark(&mut self) {
        let now = self.timeline.now();
        match self.bookmarks.binary_search(&now) {
            Ok(place) => {
                self.bookmarks.remove(place);
            }
            Err(_) if self.bookmarks.len() >= MAX_BOOKMARKS => {
                let told = format!("{MAX_BOOKMARKS} bookmarks are the limit: press * at one to take it away.");
                self.tell(Tone::Warn, told);
            }
            Err(place) => self.bookmarks.insert(place, now),
        }
    }

    /// Goes to the next instant, or the previous one, at which something of this kind happened. What has not happened yet
    /// is waited for, as far as the tape reaches.
    fn jump(&mut self, stop: Stop, on: bool) {
        self.playing = false;
        self.forwards();
        let now = self.timeline.now();
        let found = self.stops(stop, |at| if on { at > now } else { at < now });
        let found = if on { found.min() } else { found.max() };
        match found {
            Some(at) => self.seek(at),
            None if stop == Stop::Break && self.breaks.is_empty() => {
                self.tell(Tone::Quiet, "There is no breakpoint yet: ● or B sets one.".to_owned());
            }
            None if on && matches!(stop, Stop::Any | Stop::Mark(_) | Stop::Break) => self.seek_stop(stop),
            None => {
                let where_ = if on { "after" } else { "before" };
                self.tell(Tone::Quiet, format!("No {} {where_} {} s.", stop.name(), clock(now)));
            }
        }
    }

    /// The first instant after `from` at which something of this kind is known to have happened.
    pub(super) fn first_stop(&self, stop: Stop, from: Time) -> Option<Time> {
        self.stops(stop, |at| at > from).min()
    }

    fn stops(&self, stop: Stop, within: impl Fn(Time) -> bool) -> impl Iterator<Item = Time> {
        let timeline = &self.timeline;
        let marks =
            timeline.tape().marks().iter().filter(move |mark| stop == Stop::Any || stop == Stop::Mark(mark.kind));
        let acts = timeline.acts().iter().filter(move |_| matches!(stop, Stop::Any | Stop::Act));
        let bookmarks = self.bookmarks.iter().filter(move |_| matches!(stop, Stop::Any | Stop::Bookmark));
        let hits = self.hits().filter(move |_| stop == Stop::Break);
        let all = marks.map(|mark| mark.at).chain(acts.map(|act| act.at)).chain(bookmarks.copied()).chain(hits);
        all.filter(move |at| within(*at))
    }
}

/// A course of events as the tape's tree shows it: a row with a line in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// The course.
    pub id: CourseId,
    /// What it is called.
    pub name: String,
    /// Where its line begins: where it left another.
    pub from: Time,
    /// Where it ends: as far as it has come.
    pub until: Time,
    /// The row of the course that it left.
    pub parent: Option<usize>,
    /// Whether it is the one that runs.
    pub current: bool,
}

/// The courses of events, each right after the one that it left; nothing where there is only one.
pub fn lanes(player: &Player) -> Vec<Lane> {
    let timeline = player.timeline();
    let (courses, here) = (timeline.courses(), timeline.course().id);
    let mut lanes: Vec<Lane> = Vec::new();
    // Those that wait for their row, the next at the end, with the row of the one that they left.
    let of = |parent: Option<CourseId>| {
        let mut children: Vec<&Course> = courses.iter().filter(|course| course.parent == parent).collect();
        // The last that left it comes right below it, so that no line crosses another.
        children.sort_unstable_by_key(|course| (course.from, course.id));
        children
    };
    let mut waiting: Vec<(&Course, Option<usize>)> = of(None).into_iter().map(|course| (course, None)).collect();
    while let Some((course, parent)) = waiting.pop() {
        let row = lanes.len();
        lanes.push(Lane {
            id: course.id,
            name: course.name(),
            from: course.from,
            until: course.reached,
            parent,
            current: course.id == here,
        });
        waiting.extend(of(Some(course.id)).into_iter().map(|course| (course, Some(row))));
    }
    if lanes.len() > 1 { lanes } else { Vec::new() }
}
