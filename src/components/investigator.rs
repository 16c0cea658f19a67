//! An investigator: is called when requests of users fail, and finds out which of many services is wrong, with what there
//! is to go by: nothing, logs, metrics, or traces.
//!
//! To look into a service takes long, and then one knows. What there is to go by decides into which service one looks next:
//!
//! - with nothing, into any that one has not looked into yet;
//! - with logs, into the one with the most lines that say that something failed, whatever it was;
//! - with metrics, into the last one on the way that failures come from: from the service that users ask to the one it asks
//!   of which the greatest share fails, and so on until none that it asks fails (a walk down the service map);
//! - with traces, into the one that failed in most traces without any that it had asked having failed.

use crate::protocols::Family;
use crate::protocols::telemetry::{Figures, Message as Telemetry};
use crate::sim::{Component, Context, Look, Micros, NodeId, Table, Time, Work};

use super::{Glyph, Message, Placeable};

/// How many traces are kept; the one with the lowest key is forgotten for one more.
const TRACES: usize = 512;
/// How many spans of a trace are kept.
const SPANS: usize = 64;
/// How many requests of users must have failed, without a look at which none had, before it is called.
const CALLED: u64 = 3;
/// How often in looks it says again what services are to tell: one that has started anew has forgotten it.
const AGAIN: u64 = 5;
/// How many looks figures and lines must cover before they are judged.
const COVER: u64 = 3;
/// For how long after it has found something failures are no news.
const CALM: Micros = Micros::secs(3);

crate::choice! {
    /// What there is to go by.
    pub enum Tools {
        /// Nothing.
        Nothing = "nothing",
        /// A line of a log for each request that failed, from each service where it did.
        Logs = "logs",
        /// How many requests each service has served, and how many failed; and whom it asks.
        Metrics = "metrics",
        /// Of some requests, what each service on their way did, and for whom.
        Traces = "traces",
    }
}

crate::config! {
    /// What can be set about an investigator.
    pub struct InvestigatorConfig {
        /// What it has to go by.
        tools: Tools = Tools::Nothing, in 0, 0, "";
        /// Which share of requests is traced.
        sampled: f64 = 0.1, in 0.0, 1.0, "";
        /// How long it takes to look into a service.
        look: Micros = Micros::secs(5), in 0.01, 86400, "";
        /// Whether it looks into a service before it blames it; not to is a mistake.
        verify: bool = true, in 0, 0, "";
        /// How often it asks for figures, and judges.
        every: Micros = Micros::secs(1), in 0.01, 3600, "";
    }
}

/// What an investigator waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To ask and to judge.
    Beat,
    /// To have looked into a service.
    Looked(NodeId),
}

/// A service's part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Span {
    node: NodeId,
    parent: NodeId,
    failed: bool,
}

/// What is known of a service.
#[derive(Clone, Debug, Default, Hash)]
struct Known {
    figures: Figures,
    /// What they were when it was called.
    before: Figures,
    asks: Vec<NodeId>,
    /// Lines since then.
    lines: u64,
}

/// A search.
#[derive(Clone, Debug, Hash)]
struct Search {
    since: Time,
    /// Looks at figures since then.
    beats: u64,
    /// Services that were looked into, and are well.
    well: Vec<NodeId>,
    /// The one that is looked into.
    now: Option<NodeId>,
    /// When that was asked what is seen there.
    asked: Option<Time>,
}

/// An investigator.
#[derive(Clone, Debug, Default, Hash)]
pub struct Investigator {
    known: Table<NodeId, Known>,
    traces: Table<u64, Vec<Span>>,
    search: Option<Search>,
    /// Requests of users that failed, without a look in between at which none had.
    failed: u64,
    calm: Time,
    beats: u64,
    found: u64,
}

/// The services, ascending: users ask the first.
fn services<'a>(cx: &Context<'a, Investigator>) -> impl Iterator<Item = NodeId> + use<'a> {
    cx.peers_of(super::server::Server::KIND)
}

/// Of failed requests each service that failed though nobody whom it had asked did, and how often.
fn deepest(traces: &Table<u64, Vec<Span>>) -> Table<NodeId, u64> {
    let mut blamed: Table<NodeId, u64> = Table::new();
    for trace in traces.values() {
        let fails_below = |node: NodeId| trace.iter().any(|span| span.parent == node && span.failed);
        for span in trace.iter().filter(|span| span.failed && !fails_below(span.node)) {
            *blamed.or_default(span.node) += 1;
        }
    }
    blamed
}

/// The way that failures come from: from the first service to the one it asks that fails most, and so on.
fn way(known: &Table<NodeId, Known>, from: NodeId) -> Vec<NodeId> {
    let share = |node: NodeId| known.get(&node).map_or(0, |known| known.figures.since(&known.before).permille());
    let mut way = vec![from];
    let mut here = from;
    while let Some(of) = known.get(&here) {
        let next = of.asks.iter().copied().filter(|node| share(*node) > 0 && !way.contains(node));
        let Some(next) = next.max_by_key(|node| (share(*node), std::cmp::Reverse(*node))) else { break };
        way.push(next);
        here = next;
    }
    way
}

impl Investigator {
    /// Tells every service what to tell.
    fn instrument(cx: &mut Context<Self>) {
        let config = cx.config();
        let logs = config.tools == Tools::Logs;
        let spans = if config.tools == Tools::Traces { (config.sampled * 1000.0 + 0.5) as u32 } else { 0 };
        for service in services(cx) {
            cx.send(service, Telemetry::Instrument { logs, spans }.into());
        }
    }

    /// Into which service to look next, by what there is; none while that says nothing.
    fn suspect(&self, cx: &mut Context<Self>) -> Option<NodeId> {
        let search = self.search.as_ref()?;
        let fresh = |node: &NodeId| !search.well.contains(node);
        let luck = cx.rng().bits();
        let most = |counts: &mut dyn Iterator<Item = (NodeId, u64)>| {
            let best = counts.filter(|(node, count)| *count > 0 && fresh(node));
            best.max_by_key(|(node, count)| (*count, std::cmp::Reverse(*node))).map(|(node, _)| node)
        };
        match cx.config().tools {
            Tools::Nothing => {
                let left: Vec<NodeId> = services(cx).filter(fresh).collect();
                left.get((luck % left.len().max(1) as u64) as usize).copied()
            }
            Tools::Logs | Tools::Metrics if search.beats < COVER => None,
            Tools::Logs => most(&mut self.known.iter().map(|(node, known)| (*node, known.lines))),
            Tools::Metrics => way(&self.known, services(cx).next()?).into_iter().rev().find(fresh),
            Tools::Traces => most(&mut deepest(&self.traces).iter().map(|(node, count)| (*node, *count))),
        }
    }

    /// Looks into the next service, if nobody is looked into just now.
    fn go_on(&mut self, cx: &mut Context<Self>) {
        if self.search.as_ref().is_none_or(|search| search.now.is_some()) {
            return;
        }
        let suspect = self.suspect(cx);
        let Some(search) = &mut self.search else { return };
        let Some(suspect) = suspect else {
            // What is wrong may not have shown while one looked.
            if search.well.len() >= services(cx).count() {
                search.well.clear();
            }
            return;
        };
        if !cx.config().verify {
            cx.note(format!("blames {suspect} without a look"));
            return self.blame(cx, suspect);
        }
        cx.note(format!("looks into {suspect}"));
        search.now = Some(suspect);
        cx.set(Timer::Looked(suspect), cx.config().look);
    }

    fn blame(&mut self, cx: &mut Context<Self>, culprit: NodeId) {
        let Some(search) = self.search.take() else { return };
        cx.measure("time to find", cx.now().since(search.since).0);
        cx.measure("services looked into", search.well.len() as u64 + 1);
        cx.send(culprit, Telemetry::Blame.into());
        self.found += 1;
        (self.failed, self.calm) = (0, cx.now() + CALM);
        self.traces = Table::new();
    }

    fn beat(&mut self, cx: &mut Context<Self>) {
        if self.beats.is_multiple_of(AGAIN) {
            Investigator::instrument(cx);
        }
        self.beats += 1;
        let all = cx.config().tools == Tools::Metrics;
        for service in services(cx).take(if all { usize::MAX } else { 1 }) {
            cx.send(service, Telemetry::Scrape.into());
        }
        let (now, every) = (cx.now(), cx.config().every);
        if let Some(search) = &mut self.search {
            search.beats += 1;
            // One that does not answer is put off until the others have been looked into.
            if search.asked.is_some_and(|asked| now.since(asked) > Micros(2 * every.0)) {
                search.asked = None;
                search.well.extend(search.now.take());
            }
        }
        self.go_on(cx);
        cx.set(Timer::Beat, cx.config().every);
    }

    /// Users' requests have failed, or not.
    fn hear(&mut self, cx: &mut Context<Self>, news: &Figures) {
        if cx.now() < self.calm || self.search.is_some() {
            return;
        }
        self.failed = if news.failed == 0 { 0 } else { self.failed + news.failed };
        if self.failed < CALLED {
            return;
        }
        cx.note(format!("is called: {} requests of users have failed", self.failed));
        for known in self.known.values_mut() {
            (known.before, known.lines) = (known.figures.clone(), 0);
        }
        self.search = Some(Search { since: cx.now(), beats: 0, well: Vec::new(), now: None, asked: None });
        self.go_on(cx);
    }

    fn on_telemetry(&mut self, cx: &mut Context<Self>, from: NodeId, message: Telemetry) {
        match message {
            Telemetry::Figures { figures, asks } => {
                let known = self.known.or_default(from);
                let news = figures.since(&known.figures);
                (known.figures, known.asks) = (figures, asks.to_vec());
                if services(cx).next() == Some(from) {
                    self.hear(cx, &news);
                }
            }
            Telemetry::Failed { .. } => self.known.or_default(from).lines += 1,
            Telemetry::Span { key, parent, failed, .. } => {
                if self.traces.len() >= TRACES && !self.traces.contains_key(&key) {
                    let lowest = self.traces.keys().next().copied();
                    lowest.and_then(|lowest| self.traces.remove(&lowest));
                }
                let trace = self.traces.or_default(key);
                if trace.len() < SPANS {
                    trace.push(Span { node: from, parent, failed });
                }
            }
            Telemetry::Examined { wrong } => {
                let Some(search) = self.search.as_mut().filter(|search| search.now == Some(from)) else { return };
                (search.now, search.asked) = (None, None);
                if wrong {
                    cx.note(format!("has found it: {from}"));
                    return self.blame(cx, from);
                }
                search.well.push(from);
                self.go_on(cx);
            }
            other => super::not_understood(cx, from, &other.into()),
        }
    }
}

impl Component for Investigator {
    type Message = Message;
    type Config = InvestigatorConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        let mut investigator = Investigator::default();
        investigator.beat(cx);
        investigator
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Telemetry(message) => self.on_telemetry(cx, from, message),
            // How much a service takes is for those who ask it.
            Message::Request(_) => {}
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Beat => self.beat(cx),
            Timer::Looked(service) => {
                cx.send(service, Telemetry::Examine.into());
                if let Some(search) = &mut self.search {
                    search.asked = Some(cx.now());
                }
            }
        }
    }

    fn on_dial(&mut self, cx: &mut Context<Self>) {
        Investigator::instrument(cx);
        self.traces = Table::new();
    }

    fn look(&self, config: &InvestigatorConfig) -> Look {
        let tools = crate::sim::FieldType::to_value(&config.tools).to_string();
        let role = if self.search.is_some() { format!("by {tools}") } else { "waits".to_owned() };
        let mut lines = vec![("has to go by", tools), ("found", self.found.to_string())];
        if let Some(search) = &self.search {
            let now = search.now.map_or("nobody".to_owned(), |node| node.to_string());
            lines.push(("looks into", now));
            lines.push(("looked into, and well", search.well.len().to_string()));
        }
        match config.tools {
            Tools::Nothing => {}
            Tools::Logs => lines.extend(self.worst(|known| known.lines, "lines")),
            Tools::Metrics => {
                lines.extend(self.worst(|known| known.figures.since(&known.before).permille(), "‰ failed"));
            }
            Tools::Traces => lines.push(("traces", self.traces.len().to_string())),
        }
        Look { role: role.into(), ready: true, lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Beat => "judge",
            Timer::Looked(_) => "has looked into it",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Investigator {
    /// Lines for the inspector: the services of which a figure is greatest.
    fn worst(&self, of: impl Fn(&Known) -> u64, unit: &str) -> impl Iterator<Item = (&'static str, String)> {
        let mut all: Vec<(u64, NodeId)> = self.known.iter().map(|(node, known)| (of(known), *node)).collect();
        all.sort_by_key(|(count, node)| (std::cmp::Reverse(*count), *node));
        let lines: Vec<_> =
            all.iter().take(5).map(|(count, node)| ("service", format!("{node}: {count} {unit}"))).collect();
        lines.into_iter()
    }
}

impl Placeable for Investigator {
    const KIND: &'static str = "investigator";
    const TITLE: &'static str = "Investigator";
    const ABOUT: &'static str = crate::later_text!(
        "Finds out which of many services is wrong, with nothing, logs, metrics or traces to go by."
    );
    const GLYPH: Glyph = Glyph::Supervisor;
    const FAMILY: Family = Family::Control;
    const TALKS_TO: &'static [&'static str] = &["server"];
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn node(id: u32) -> NodeId {
        NodeId(id)
    }

    fn known(asks: &[u32], served: u64, failed: u64) -> Known {
        let figures = Figures { served, failed };
        Known { figures, asks: asks.iter().copied().map(node).collect(), ..Known::default() }
    }

    #[test]
    fn failures_are_followed_to_where_they_begin() {
        // 1 asks 2 and 3; both ask 4, which is wrong; 3 asks 5 as well, where one request failed for another reason.
        let rows = [(1, known(&[2, 3], 60, 40)), (2, known(&[4], 70, 30)), (3, known(&[4, 5], 60, 40))];
        let more = [(4, known(&[], 120, 80)), (5, known(&[], 99, 1))];
        let all: Table<NodeId, Known> = rows.into_iter().chain(more).map(|(id, known)| (node(id), known)).collect();
        assert_eq!(way(&all, node(1)), [1, 3, 4].map(node));
    }

    #[test]
    fn two_that_ask_one_another_are_no_way_without_end() {
        let all: Table<NodeId, Known> =
            [(1, known(&[2], 1, 1)), (2, known(&[1], 1, 1))].map(|(id, known)| (node(id), known)).into_iter().collect();
        assert_eq!(way(&all, node(1)), [1, 2].map(node));
    }

    #[test]
    fn in_a_trace_the_deepest_that_failed_is_to_blame() {
        let span = |of: u32, parent: u32, failed: bool| Span { node: node(of), parent: node(parent), failed };
        let mut traces: Table<u64, Vec<Span>> = Table::new();
        traces.insert(7, vec![span(4, 3, true), span(5, 3, false), span(3, 1, true), span(1, 0, true)]);
        traces.insert(8, vec![span(4, 2, false), span(2, 1, false), span(1, 0, false)]);
        traces.insert(9, vec![span(4, 2, true), span(2, 1, true), span(1, 0, true)]);
        let blamed = deepest(&traces);
        assert_eq!(blamed.iter().map(|(node, count)| (node.0, *count)).collect::<Vec<_>>(), [(4, 2)]);
    }
}
