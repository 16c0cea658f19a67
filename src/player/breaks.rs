//! Breakpoints: the run stops where something comes to be, and goes on to the next on demand.

use crate::components::Fact;
use crate::scenario::STATES;
use crate::sim::{Plain, Time, clock, read_number};
use crate::timeline::{Break, CourseId, MAX_BREAKS};
use crate::trace::{KIND_WORDS, Stat};

use super::charting::scale;
use super::panel::stat_word;
use super::{Player, Tone};

/// How many instants are remembered at which the run stopped.
const MAX_HITS: usize = 400;
/// What can be measured about a measure over half a second.
const STATS: [Stat; 6] = [Stat::Rate, Stat::Mean, Stat::P50, Stat::P90, Stat::P99, Stat::Max];

/// What is done to the breakpoints.
#[derive(Clone, Debug, PartialEq)]
pub enum Breaking {
    /// One more, as it was asked for.
    Add(Draft),
    /// It goes, by its place.
    Remove(usize),
    /// It is passed from now on, or stopped at again.
    Switch(usize),
}

/// A breakpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Breakpoint {
    /// What the run stops at.
    pub of: Break,
    /// The same in words.
    pub words: String,
    /// Whether it stops there.
    pub on: bool,
}

/// A breakpoint that is being written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// What it is about.
    pub sort: BreakSort,
    /// The kind of event, the state, the measure, or the promise.
    pub what: String,
    /// The component or the group; anywhere when empty.
    pub place: String,
    /// What about a measure.
    pub stat: String,
    /// Whether a measure is to fall below the figure, not to rise above it.
    pub below: bool,
    /// The figure: how many, how much, when.
    pub figure: String,
}

/// What a breakpoint is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BreakSort {
    /// A kind of event.
    #[default]
    Event,
    /// A state of some components: two leaders.
    State,
    /// A measure: p99 over 300 ms.
    Measure,
    /// A promise.
    Promise,
    /// An instant.
    Instant,
}

impl BreakSort {
    /// All of them with their names, for a list.
    pub const ALL: [(BreakSort, &'static str); 5] = [
        (BreakSort::Event, "an event"),
        (BreakSort::State, "a state"),
        (BreakSort::Measure, "a measure"),
        (BreakSort::Promise, "a broken promise"),
        (BreakSort::Instant, "an instant"),
    ];
}

/// What a draft can choose from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offered {
    /// Words for its `what`.
    pub what: Vec<String>,
    /// Groups and components.
    pub places: Vec<String>,
    /// What can be said of a measure.
    pub stats: Vec<&'static str>,
    /// The unit of the figure.
    pub unit: &'static str,
}

/// What this draft can choose from, as the run stands.
#[inline(never)]
pub fn offered(player: &Player, draft: &Draft) -> Offered {
    let run = player.timeline().run();
    let groups = run.document().groups.iter().map(|group| group.name.clone());
    let nodes = run.world.nodes().map(|(_, node)| node.name.to_string());
    let places = || groups.chain(nodes).take(200).collect();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    match draft.sort {
        BreakSort::Event => {
            let all: Vec<&str> = KIND_WORDS.iter().chain(Fact::NAMES).copied().collect();
            Offered { what: words(&all), places: places(), ..Offered::default() }
        }
        BreakSort::State => {
            let mut what: Vec<String> = words(&STATES);
            for (_, node) in run.world.nodes() {
                let role = node.look().role.to_string();
                if !role.is_empty() && !role.contains(char::is_numeric) && !what.contains(&role) {
                    what.insert(0, role);
                }
            }
            Offered { what, places: places(), ..Offered::default() }
        }
        BreakSort::Measure => {
            let names = run.metrics.names().map(str::to_owned).collect();
            let unit = match draft.stat.as_str() {
                "" | "rate" => "/s",
                _ => {
                    run.metrics.names().find(|name| *name == draft.what).map_or("", |name| scale(&run.metrics, name).0)
                }
            };
            Offered { what: names, stats: STATS.map(stat_word).into(), unit, ..Offered::default() }
        }
        BreakSort::Promise => {
            let checks = run.document().checks.iter().map(|check| check.name().to_owned());
            Offered { what: checks.collect(), ..Offered::default() }
        }
        BreakSort::Instant => Offered { unit: " s", ..Offered::default() },
    }
}

/// What a draft comes to, with its words.
///
/// # Errors
/// A sentence: what is missing, and what would do.
fn made(player: &Player, draft: &Draft) -> Result<(Break, String), String> {
    let offered = offered(player, draft);
    let first = offered.what.first().cloned().unwrap_or_default();
    let what = if draft.what.is_empty() { first } else { draft.what.clone() };
    let figure = || {
        let figure = read_number(draft.figure.trim()).filter(|figure| figure.is_finite() && *figure >= 0.0);
        figure.ok_or_else(|| format!("“{}” is no figure; 300 or 0.5 would be one.", draft.figure))
    };
    let place = Some(draft.place.clone()).filter(|place| !place.is_empty());
    let metrics = &player.timeline().run().metrics;
    Ok(match draft.sort {
        BreakSort::Event => {
            let at = place.as_ref().map_or(", anywhere".to_owned(), |place| format!(" at {place}"));
            (Break::Event { what: what.clone(), place }, format!("{what}{at}"))
        }
        BreakSort::State => {
            let node = place.or_else(|| offered.places.first().cloned()).unwrap_or_default();
            let count = if draft.figure.trim().is_empty() { 1.0 } else { figure()? };
            let count = if count >= 1.0 { count as u32 } else { return Err("One component at least.".to_owned()) };
            let words = match count {
                1 => format!("{node} {what}"),
                _ => format!("{count} of {node} {what}"),
            };
            (Break::State { node, state: what, count }, words)
        }
        BreakSort::Measure => {
            let stat = STATS.into_iter().find(|stat| stat_word(*stat) == draft.stat).unwrap_or(Stat::Rate);
            let (name, figure) = (what, figure()?);
            let known = metrics.names().find(|known| *known == name);
            let Some(known) = known else {
                return Err("Nothing has been measured yet: let the run go on first.".to_owned());
            };
            let (unit, scale) = if stat == Stat::Rate { ("/s", 1.0) } else { scale(metrics, known) };
            let word = if draft.below { "below" } else { "above" };
            let words = format!("{} of {name} {word} {}{unit}", stat_word(stat), Plain(figure));
            (Break::Measure { name, stat, above: !draft.below, value: figure * scale }, words)
        }
        BreakSort::Promise if draft.what.is_empty() => (Break::Broken(None), "a promise is broken".to_owned()),
        BreakSort::Promise => {
            let words = format!("“{what}” is broken");
            (Break::Broken(Some(what)), words)
        }
        BreakSort::Instant => {
            let at = Time((figure()? * 1e6) as u64);
            (Break::At(at), format!("{} s", clock(at)))
        }
    })
}

impl Player {
    /// The breakpoints, in the order in which they were set.
    pub fn breakpoints(&self) -> &[Breakpoint] {
        &self.breaks
    }

    /// The instants at which this course stopped at one.
    pub fn hits(&self) -> impl Iterator<Item = Time> {
        let course = self.timeline.course().id;
        self.hits.iter().filter(move |(at, _)| *at == course).map(|(_, at)| *at)
    }

    /// Does something to the breakpoints.
    #[inline(never)]
    pub(super) fn set_break(&mut self, breaking: &Breaking) {
        match breaking {
            Breaking::Add(_) if self.breaks.len() >= MAX_BREAKS => {
                self.tell(Tone::Warn, format!("{MAX_BREAKS} breakpoints are the limit: take one away first."));
            }
            Breaking::Add(draft) => match made(self, draft) {
                Ok((of, _)) if self.breaks.iter().any(|other| other.of == of) => {
                    self.tell(Tone::Quiet, "That breakpoint is set already.".to_owned());
                }
                Ok((of, words)) => {
                    self.breaks.push(Breakpoint { of, words, on: true });
                    self.stop = super::Stop::Break;
                }
                Err(told) => self.tell(Tone::Warn, told),
            },
            Breaking::Remove(place) if *place < self.breaks.len() => drop(self.breaks.remove(*place)),
            Breaking::Switch(place) => {
                if let Some(one) = self.breaks.get_mut(*place) {
                    one.on = !one.on;
                }
            }
            Breaking::Remove(_) => {}
        }
        self.arm_breaks();
    }

    /// A history stops at the breakpoints that are on: at another one than before as well.
    #[inline(never)]
    pub(super) fn arm_breaks(&mut self) {
        let on: Vec<Break> = self.breaks.iter().filter(|one| one.on).map(|one| one.of.clone()).collect();
        self.timeline.set_breaks(&on);
    }

    /// Where the run has stopped at a breakpoint it stays, and says why.
    #[inline(never)]
    pub(super) fn stopped_at_break(&mut self) {
        let Some(of) = self.timeline.stopped_at() else { return };
        let words = self.breaks.iter().find(|one| one.of == *of).map_or(String::new(), |one| one.words.clone());
        let (course, now): (CourseId, Time) = (self.timeline.course().id, self.timeline.now());
        (self.playing, self.journey, self.owed) = (false, None, 0.0);
        if !self.hits.contains(&(course, now)) && self.hits.len() < MAX_HITS {
            self.hits.push((course, now));
        }
        self.tell(Tone::Quiet, format!("Stopped at {} s: {words}. ] runs on to the next.", clock(now)));
    }
}
