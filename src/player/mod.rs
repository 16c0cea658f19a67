//! Action in, frame out: transport, selection, camera, notices. No Yew and no browser, so that all of it is tested
//! natively. A gesture, a key, a menu entry and a link all become the same [`Action`] values.

mod breaks;
mod charting;
mod inside;
mod inspect;
mod lecture;
mod linked;
mod logbook;
mod losses;
mod menu;
mod notice;
mod panel;
mod past;
mod placing;
mod promises;
mod saves;
mod several;
mod slider;
mod tracing;
mod travel;

pub use breaks::{BreakSort, Breaking, Breakpoint, Draft, Offered, offered};
pub use charting::{Back, Charting, MAX_CHARTS, Plotted, charts_key};
pub use inspect::inspector;
pub use linked::{Looking, MAX_OPEN, view_key};
pub use logbook::{LogFilter, LogLine, LogRow, Sort, log_lines, log_rows};
pub use menu::{Entry, arrangements, key_action, menu, palette};
pub use notice::{Notice, Tone};
pub use panel::{
    Card, ChartLine, DialModel, FieldModel, Inspector, KeptModel, StepModel, TaskModel, VitalModel, Wordy, dials, news,
    prose, state_in_words, steps, verdict, vitals,
};

pub use past::{Lane, MAX_BOOKMARKS, Stop, lanes};
pub use promises::{Broken, MAX_BROKEN, Promised, promises};
pub use saves::{Save, Saved};
pub use several::{Choosing, MAX_CHOSEN};
pub use slider::Slider;
pub use tracing::{Tracing, trace_key};

use std::rc::Rc;

use crate::scenario::{Act, Document, Problem, builtin};
use crate::scene::{DisplayList, Insets, Layout, LayoutKind, Plan, Point, Target, Theme, View, Wire};
use crate::sim::{Micros, NodeId, Time, Value};
use crate::timeline::{CourseId, Moment, Timeline};

/// The slowest and the fastest a run can be watched: simulated seconds a second.
pub const SPEEDS: (f64, f64) = (0.001, 100.0);
/// The speeds that the keys and the buttons step through.
pub const SPEED_STEPS: &[f64] = &[0.001, 0.003, 0.01, 0.03, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 100.0];
/// How many steps a frame may take; a run that needs more goes slower than asked, and says so.
pub const STEPS_A_FRAME: u64 = 20_000;
/// The longest that a frame may take in the run's eyes: a tab that was away does not catch up.
const LONGEST_FRAME: f64 = 0.1;

/// Everything that a person can do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Opens a built-in scenario.
    Open(String),
    /// Runs.
    Play,
    /// Stands still.
    Pause,
    /// The one or the other.
    Toggle,
    /// Does the next thing and stands still.
    StepOn,
    /// Undoes the last thing and stands still.
    StepBack,
    /// Simulated seconds a second.
    Speed(f64),
    /// One step faster (1) or slower (−1).
    Gear(i32),
    /// Goes to an instant.
    Seek(Time),
    /// Goes on or back by simulated seconds, a tenth of them when slow.
    Skip(i32),
    /// Back to the beginning, with nothing done; the course that was left is kept.
    Restart,
    /// The same scenario with another seed, from the beginning.
    Reseed(u64),
    /// Does something to the run.
    Act(Act),
    /// Does several things to the run at once.
    Acts(Vec<Act>),
    /// Selects something, or nothing.
    Select(Option<Target>),
    /// Does something to the choice of several components.
    Choose(Choosing),
    /// The pointer is over something, or over nothing.
    Hover(Option<Target>),
    /// The pointer is over a word of the lesson that stands for components of this kind, or over none.
    Light(Option<&'static str>),
    /// Puts a node somewhere, in pixels of the canvas.
    Move(NodeId, f32, f32),
    /// Picks a component up to wire it, or puts it down.
    Wire(Option<NodeId>),
    /// The pointer has moved while wiring.
    WireTo(f32, f32),
    /// Arranges all components so; who was moved by hand goes back among the others.
    Arrange(LayoutKind),
    /// Shows everything.
    Fit,
    /// Moves the world under the canvas, in pixels.
    Pan(f32, f32),
    /// Zooms by a factor about a point, in pixels.
    Zoom(f32, f32, f32),
    /// The canvas has another size.
    Resize(f32, f32),
    /// So much of the canvas is covered by what lies over it.
    Inset(Insets),
    /// Dark or light.
    Theme(Theme),
    /// The person asked for less motion, or no longer does.
    ReducedMotion(bool),
    /// Turns to a step of the lesson.
    Step(usize),
    /// Does what does a task of the open step.
    ShowTask(usize),
    /// The lesson goes on by itself, or does not.
    Lecture(bool),
    /// Goes to where a promise was broken, by its place among all that were, and selects what did it.
    Show(usize),
    /// A notice has been read.
    Dismiss(u64),
    /// Tells the person something.
    Tell(Tone, String),
    /// Ticks a dial, by its place in the document.
    Turn(usize, Value),
    /// Takes the last thing that was done back, where one stands.
    Undo,
    /// Does what was taken back again.
    Redo,
    /// Returns to a course of events that was left.
    Visit(CourseId),
    /// Runs backwards, or forwards again.
    PlayBack,
    /// From now on [`Action::Jump`] goes to these.
    LookFor(Stop),
    /// Goes to the next of them (`true`), or the previous one.
    Jump(bool),
    /// Puts a bookmark at this instant, or takes it away.
    Bookmark,
    /// Does something to the breakpoints.
    Break(Breaking),
    /// Does something to one of the linked views.
    Look(Looking),
}

/// A run being watched.
pub struct Player {
    timeline: Timeline,
    playing: bool,
    speed: f64,
    /// Simulated microseconds that are owed to the run: what is less than one, and what a frame could not do.
    owed: f64,
    view: View,
    layout: Layout,
    plan: Plan,
    insets: Insets,
    /// Whether the camera follows the layout; until the person moves it.
    fitted: bool,
    notices: Vec<Notice>,
    next_notice: u64,
    step: usize,
    /// Tasks that were done once stay ticked, also when one goes back: step and task.
    ticked: Vec<(usize, usize)>,
    /// Whether the person has done anything to the run yet.
    touched: bool,
    /// Whether the last frame could not keep up.
    late: bool,
    /// Cues whose words have been said.
    said: usize,
    /// Broken promises that the person was told of.
    told_broken: usize,
    /// What shows how a task is done, and a lesson that goes on by itself.
    showing: Option<lecture::Showing>,
    lecture: Option<lecture::Lecture>,
    /// Where a run stops that goes on.
    breaks: Vec<Breakpoint>,
    /// The courses and the instants at which it did.
    hits: Vec<(CourseId, Time)>,
    /// The broken promise that one is on the way to.
    sought: Option<usize>,
    /// A way that takes longer than a frame.
    journey: Option<travel::Journey>,
    /// Whether time is gone through backwards while it plays.
    backwards: bool,
    /// What one goes to from stop to stop.
    stop: Stop,
    /// Instants that the person wants to come back to, ascending.
    bookmarks: Vec<Time>,
    /// The views beside the stage.
    linked: linked::Linked,
    /// Components that can be placed once more.
    copied: Vec<several::Copied>,
    /// Whether something has changed since the last frame.
    dirty: bool,
}

impl Player {
    /// Opens a document at its beginning, running.
    ///
    /// # Errors
    /// A problem of the document.
    pub fn new(document: Rc<Document>) -> Result<Player, Problem> {
        let seed = document.seed;
        let timeline = Timeline::new(document, seed, Vec::new())?;
        Ok(Player::with(timeline))
    }

    /// Opens a moment, standing at its cursor.
    ///
    /// # Errors
    /// A problem of its document or its settings.
    pub fn at_moment(moment: &Moment) -> Result<Player, Problem> {
        let mut player = Player::with(Timeline::at_moment(moment.document.clone(), moment)?);
        player.touched = !moment.acts.is_empty();
        Ok(player)
    }

    fn with(timeline: Timeline) -> Player {
        let document = timeline.document().clone();
        let mut player = Player {
            timeline,
            playing: true,
            speed: document.speed,
            owed: 0.0,
            view: View::default(),
            layout: Layout::default(),
            plan: Plan::of(&document),
            insets: Insets::default(),
            fitted: true,
            notices: Vec::new(),
            next_notice: 1,
            step: 0,
            ticked: Vec::new(),
            touched: false,
            late: false,
            said: 0,
            told_broken: 0,
            showing: None,
            lecture: None,
            breaks: Vec::new(),
            hits: Vec::new(),
            sought: None,
            journey: None,
            backwards: false,
            stop: Stop::Any,
            bookmarks: Vec::new(),
            linked: linked::Linked::default(),
            copied: Vec::new(),
            dirty: true,
        };
        player.after_change();
        player
    }

    /// The history.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }
    /// Whether it runs.
    pub fn playing(&self) -> bool {
        self.playing
    }
    /// Simulated seconds a second.
    pub fn speed(&self) -> f64 {
        self.speed
    }
    /// Whether the run goes slower than asked because a frame cannot hold all that happens.
    pub fn late(&self) -> bool {
        self.late
    }
    /// How one looks at it.
    pub fn view(&self) -> &View {
        &self.view
    }
    /// Where a node is, in pixels of the canvas.
    pub fn place_of(&self, id: NodeId) -> Option<Point> {
        self.layout.place(id).map(|at| self.view.to_screen(at))
    }
    /// What is said to the person.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }
    /// The step of the lesson that is open.
    pub fn lesson_step(&self) -> usize {
        self.step
    }
    /// Whether a task was done, now or before one went back.
    pub fn ticked(&self, step: usize, task: usize) -> bool {
        self.ticked.contains(&(step, task))
    }
    /// How many tasks of the lesson were done.
    pub fn learnt(&self) -> usize {
        self.ticked.len()
    }
    /// Whether the person has done anything to the run yet.
    pub fn touched(&self) -> bool {
        self.touched
    }
    /// How far the tape reaches.
    pub fn length(&self) -> Time {
        let reached = self.timeline.reached();
        let mut length = self.timeline.document().length;
        while length.0 < reached.0 {
            length = Micros(length.0 * 2);
        }
        Time(length.0)
    }

    /// Does what a person asked for. Refusals become notices.
    pub fn dispatch(&mut self, action: Action) {
        self.dirty = true;
        if !self.interrupts(&action) {
            return;
        }
        match action {
            Action::Open(name) => self.open(&name),
            Action::Play => self.playing = true,
            Action::Pause => self.playing = false,
            Action::Toggle => {
                self.playing = !self.playing;
                self.forwards();
            }
            Action::StepOn => {
                self.playing = false;
                if !self.timeline.step() {
                    self.tell(Tone::Quiet, "Nothing is left to happen.".to_owned());
                }
                self.after_change();
            }
            Action::StepBack => {
                self.playing = false;
                self.timeline.step_back();
                self.after_change();
            }
            Action::Speed(speed) => self.speed = speed.clamp(SPEEDS.0, SPEEDS.1),
            Action::Gear(by) => self.gear(by),
            Action::Seek(at) => self.seek(at),
            Action::Skip(by) => {
                let span = (self.speed.min(1.0) * 1e6 * f64::from(by)) as i64;
                self.seek(Time(self.timeline.now().0.saturating_add_signed(span)));
            }
            Action::Restart => {
                self.timeline.begin_again();
                self.begun();
            }
            Action::Reseed(seed) => {
                let before = self.timeline.seed();
                self.restart(seed);
                self.tell(Tone::Quiet, format!("Other luck: a run with seed {seed:x}. The one before had {before:x}."));
            }
            past @ (Action::Undo
            | Action::Redo
            | Action::Visit(_)
            | Action::PlayBack
            | Action::LookFor(_)
            | Action::Jump(_)
            | Action::Bookmark) => self.dispatch_past(&past),
            Action::Act(act) => self.act(act),
            Action::Acts(acts) => acts.into_iter().for_each(|act| self.act(act)),
            Action::Select(target) => {
                self.view.selected = target;
                if target.is_none() {
                    self.view.also.clear();
                }
            }
            Action::Choose(choosing) => self.choose(&choosing),
            Action::Hover(target) => self.view.hovered = target,
            Action::Move(node, x, y) => self.place(node, x, y),
            Action::Wire(from) => self.view.wire = from.map(|from| Wire { from, x: f32::NAN, y: f32::NAN }),
            Action::WireTo(x, y) => {
                if let Some(wire) = &mut self.view.wire {
                    (wire.x, wire.y) = (x, y);
                }
            }
            Action::Arrange(layout) => self.arrange(layout),
            Action::Light(kind) => self.light(kind),
            Action::Fit => {
                self.fitted = true;
                self.view.fit(&self.layout, self.insets);
            }
            Action::Pan(dx, dy) => {
                self.fitted = false;
                self.view.pan(dx, dy, &self.layout);
            }
            Action::Zoom(factor, x, y) => {
                self.fitted = false;
                self.view.zoom_at(Point::new(x, y), factor, &self.layout);
            }
            Action::Resize(width, height) => {
                (self.view.width, self.view.height) = (width, height);
                self.relayout();
            }
            Action::Inset(insets) => {
                self.insets = insets;
                self.relayout();
            }
            Action::Theme(theme) => self.view.theme = theme,
            Action::ReducedMotion(reduced) => self.view.reduced_motion = reduced,
            Action::Step(step) => {
                let steps = self.timeline.document().lesson.as_ref().map_or(0, |lesson| lesson.steps.len());
                self.step = step.min(steps.saturating_sub(1));
                self.showing = None;
                self.begin_step();
            }
            Action::Look(looking) => self.look_at(looking),
            Action::Break(breaking) => self.set_break(&breaking),
            Action::ShowTask(task) => self.show_task(task),
            Action::Lecture(on) => self.set_lecture(on),
            Action::Show(which) => self.show_broken(which),
            Action::Dismiss(id) => self.notices.retain(|notice| notice.id != id),
            Action::Tell(tone, told) => self.tell(tone, told),
            Action::Turn(place, value) => {
                if let Some(dial) = self.timeline.document().dials.get(place) {
                    let dial = dial.name.clone();
                    self.act(Act::Dial { dial, value });
                }
            }
        }
    }

    /// Lets `seconds` pass on the wall. Whether there will be anything new to see without a further action.
    pub fn frame(&mut self, seconds: f64) -> bool {
        let mut changed = std::mem::take(&mut self.dirty);
        if self.journey.is_some() {
            self.travel();
            return true;
        }
        if self.playing {
            self.notices.iter_mut().for_each(|notice| notice.left -= seconds);
            self.notices.retain(|notice| notice.left > 0.0);
        }
        if self.playing && self.backwards {
            self.frame_back(seconds.clamp(0.0, LONGEST_FRAME));
            return true;
        }
        if self.playing && self.timeline.run().world.halted().is_none() {
            self.owed += seconds.clamp(0.0, LONGEST_FRAME) * self.speed * 1e6;
            let whole = self.owed as u64;
            let until = self.until_deed(Time(self.timeline.now().0.saturating_add(whole)));
            self.timeline.watch_breaks(true);
            self.late = !self.timeline.advance(until, STEPS_A_FRAME);
            // What a frame could not do is forgiven: the run goes slower than asked.
            self.owed -= whole as f64;
            if self.timeline.stopped_at().is_some() {
                self.stopped_at_break();
            }
            self.after_change();
            self.teach(seconds.clamp(0.0, LONGEST_FRAME));
            changed = true;
        }
        self.playing && self.timeline.next_at().is_some() || changed && !self.view.recent.is_empty() && self.playing
    }

    /// What is seen now.
    pub fn draw(&mut self, list: &mut DisplayList) {
        self.view.paused = !self.playing;
        self.view.recent = self.losses();
        self.view.again = self.again();
        self.view.led = match self.view.hovered.or(self.view.selected) {
            Some(Target::Flight(record)) => self.led(record),
            _ => Vec::new(),
        };
        crate::scene::build(&self.timeline.run().world, &self.view, &self.layout, list);
    }

    /// This moment, to be shared.
    pub fn moment(&self) -> Moment {
        self.timeline.moment()
    }

    #[inline(never)]
    fn open(&mut self, name: &str) {
        match builtin(name).and_then(|document| Player::new(Rc::new(document))) {
            Ok(opened) => self.become_player(opened),
            Err(problem) => self.tell(Tone::Warn, problem.to_string()),
        }
    }

    /// Another run in the same window.
    pub fn become_player(&mut self, opened: Player) {
        let View { width, height, theme, reduced_motion, .. } = self.view;
        let (insets, linked) = (self.insets, std::mem::take(&mut self.linked));
        *self = Player { insets, ..opened };
        // What was opened beside the stage stays so, unless a link says otherwise; what was hidden there is not in this run.
        if self.linked.open.is_empty() {
            self.linked.open = linked.open;
        }
        self.view = View { width, height, theme, reduced_motion, ..View::default() };
        self.relayout();
    }

    #[inline(never)]
    fn restart(&mut self, seed: u64) {
        let document = self.timeline.document().clone();
        match Timeline::new(document, seed, self.timeline.settings().to_vec()) {
            Ok(timeline) => {
                self.timeline = timeline;
                self.hits.clear();
                if !self.breaks.is_empty() {
                    self.arm_breaks();
                }
                self.begun();
            }
            Err(problem) => self.tell(Tone::Warn, problem.to_string()),
        }
    }

    fn begun(&mut self) {
        self.view.selected = None;
        self.view.also.clear();
        (self.owed, self.said, self.playing, self.journey) = (0.0, 0, true, None);
        (self.told_broken, self.showing) = (0, None);
        self.ticked.clear();
        self.forwards();
        self.after_change();
    }

    fn gear(&mut self, by: i32) {
        let at = SPEED_STEPS.iter().position(|step| *step >= self.speed * 0.999).unwrap_or(SPEED_STEPS.len() - 1);
        let to = (at as i64 + i64::from(by)).clamp(0, SPEED_STEPS.len() as i64 - 1) as usize;
        self.speed = SPEED_STEPS[to];
    }

    /// After the run has changed: nodes may have come and gone, tasks been done, cues been given.
    fn after_change(&mut self) {
        self.dirty = true;
        self.linked.look.back = Micros::ZERO;
        self.relayout();
        let run = self.timeline.run();
        let world = &run.world;
        let gone = |target: &Target| match *target {
            Target::Node(id) => world.node(id).is_none(),
            Target::Link(a, b) => world.node(a).is_none_or(|node| node.link(b).is_none()),
            // A message that has arrived stays selected: its fate can still be told from the log.
            Target::Flight(_) => false,
        };
        self.view.selected = self.view.selected.filter(|target| !gone(target));
        self.view.hovered = self.view.hovered.filter(|target| !gone(target));
        let steps = self.timeline.document().lesson.as_ref().map_or(0, |lesson| lesson.steps.len());
        for step in 0..steps {
            for (task, done) in run.tasks(step).iter().enumerate() {
                if done.is_some() && !self.ticked.contains(&(step, task)) {
                    self.ticked.push((step, task));
                }
            }
        }
        let given: Vec<usize> = run.given().iter().skip(self.said).map(|(place, _)| *place).collect();
        self.said = run.given().len();
        let document = self.timeline.document().clone();
        for say in given.into_iter().filter_map(|place| document.cues.get(place)).map(|cue| &cue.say) {
            if !say.is_empty() {
                self.tell(Tone::Quiet, say.clone());
            }
        }
        if self.timeline.run().violations().len() != self.told_broken {
            self.tell_broken();
        }
        if self.sought.is_some() && self.journey.is_none() {
            self.found_broken();
        }
        if let Some(halt) = self.timeline.run().world.halted().filter(|_| self.playing) {
            self.playing = false;
            self.tell(Tone::Warn, format!("The run stops here: {halt}."));
        }
    }
}
