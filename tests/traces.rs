//! The views of hand-made runs: where everything stands, and what is shown.

use std::rc::Rc;

use faultline::components::{Message, Record, What, World};
use faultline::player::{Action, Back, Charting, Looking, MAX_CHARTS, Player, Plotted, Tracing};
use faultline::protocols::Family;
use faultline::protocols::request::Message as Asked;
use faultline::scenario::{Act, Run, builtin};
use faultline::scene::{Dash, DisplayList, Ink, Item, Outline, Pen, Point, Target};
use faultline::sim::{Later, Micros, NodeId, RecordId, Time, Value, Why};
use faultline::trace::Log;
use faultline::trace::course::Course;
use faultline::trace::spans::{Spent, spans};
use faultline::views::requests::{MAX_REQUESTS, MAX_ROWS, Request, path, requests, rows, spent};
use faultline::views::{
    Chart, ChartSight, Kind, Line, MAX_POINTS, PITCH, Plot, Spread, TraceLook, TraceSight, Traced, charts, waterfall,
};

const SIZE: (f32, f32) = (1_200.0, 400.0);

/// The chat service, before anything has happened: for names and kinds.
fn world() -> World {
    Run::new(Rc::new(builtin("chat").expect("it is there")), 1).expect("it has no problems").world
}

fn node(world: &World, name: &str) -> NodeId {
    world.find(name).expect("it is there")
}

fn ask() -> Message {
    Asked::Request { attempt: 1, key: 0, class: 0, deadline: Later(None) }.into()
}

fn answer() -> Message {
    Asked::Response { attempt: 1 }.into()
}

/// Records that are written by hand, each with its number, its instant in milliseconds, its cause and its node.
struct Book<'a> {
    world: &'a World,
    log: Log,
    last: u64,
}

impl Book<'_> {
    fn put(&mut self, ms: u64, cause: u64, name: &str, what: What) -> u64 {
        self.last += 1;
        let node = node(self.world, name);
        let record = Record { id: RecordId(self.last), at: Time(ms * 1_000), cause: RecordId(cause), node, what };
        self.log.push(record);
        self.last
    }
    fn begin(&mut self, ms: u64, name: &str) -> u64 {
        self.put(ms, 0, name, What::Timer { name: "write" })
    }
    fn send(&mut self, ms: u64, cause: u64, (from, to): (&str, &str), message: Message) -> u64 {
        let to = node(self.world, to);
        self.put(ms, cause, from, What::Sent { to, message, due: Time((ms + 20) * 1_000) })
    }
    fn arrive(&mut self, ms: u64, sent: u64, (from, to): (&str, &str), message: Message) -> u64 {
        let from = node(self.world, from);
        self.put(ms, sent, to, What::Arrived { from, message, waiting: 0 })
    }
}

/// A client asks a gateway, which is busy for 5 ms, works for 10 and asks two senders; one never hears of it, and the
/// answer of the other is the client's: 100 ms in all, of which 85 on the network.
fn asked<'a>(world: &'a World) -> Book<'a> {
    let mut book = Book { world, log: Log::default(), last: 0 };
    let (way, on, lost) = (("client-1", "gateway-1"), ("gateway-1", "sender-1"), ("gateway-1", "sender-2"));
    let begun = book.begin(100, "client-1");
    let sent = book.send(100, begun, way, ask());
    let there = book.arrive(120, sent, way, ask());
    let from = node(world, "client-1");
    let served = What::Served { from, name: "Request", waited: Micros::ms(5), took: Micros::ms(10) };
    let served = book.put(135, there, "gateway-1", served);
    let second = book.send(135, served, lost, ask());
    let first = book.send(135, served, on, ask());
    let to = node(world, "sender-2");
    book.put(145, second, "gateway-1", What::Lost { to, message: ask(), why: Why::Loss });
    let heard = book.arrive(155, first, on, ask());
    let back = book.send(155, heard, (on.1, on.0), answer());
    let back = book.arrive(175, back, (on.1, on.0), answer());
    let home = book.send(175, back, (way.1, way.0), answer());
    book.arrive(200, home, (way.1, way.0), answer());
    book
}

/// What is looked at from 100 to 200 ms, so that a pixel is a known time.
fn looking() -> TraceLook {
    TraceLook { window: Some((Time(100_000), Time(200_000))), ..TraceLook::default() }
}

fn drawn(book: &Book, look: &TraceLook, selected: Option<Target>) -> (Traced, DisplayList) {
    let mut list = DisplayList::default();
    let until = Time(u64::MAX);
    let (world, log) = (book.world, &book.log);
    let sight = TraceSight { world, log, look, size: SIZE, until, selected, hovered: None, instant: None };
    (waterfall(&sight, &mut list), list)
}

fn all_requests(book: &Book) -> Vec<Request> {
    let course = Course::new(book.log.iter());
    requests(&course, &spans(&course), book.world, false)
}

/// The upright edges of the rectangles on a row, from left to right, with what they are filled with and how outlined.
fn boxes(list: &DisplayList, y: f32) -> Vec<(f32, f32, Option<Ink>, Dash)> {
    let on_row = |item: &Item| match item {
        Item::Shape { outline: Outline::Rect { at, width, height, .. }, fill, pen } => {
            let middle = (at.y + height * 0.5 - y).abs() < 0.1 && *height < PITCH - 1.0;
            middle.then(|| (at.x, at.x + width, *fill, pen.map_or(Dash::Solid, |pen| pen.dash)))
        }
        _ => None,
    };
    list.live.items.iter().filter_map(on_row).collect()
}

/// The middle of a row: what stands above the rows is 37 pixels high.
fn row(place: usize) -> f32 {
    37.0 + (place as f32 + 0.5) * PITCH
}

#[test]
fn network_waiting_and_service_stand_apart_where_they_were() {
    let world = world();
    let (traced, list) = drawn(&asked(&world), &looking(), None);
    let (left, right) = (traced.axis.left, traced.axis.right);
    let x = |ms: f32| left + (ms - 100.0) / 100.0 * (right - left);
    let near = |a: f32, b: f32| (a - b).abs() < 0.1;
    let found = boxes(&list, row(1));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(near(found[0].0, x(120.0)) && near(found[0].1, x(125.0)), "it waited: {found:?}");
    assert_eq!((found[0].2, found[0].3), (None, Dash::Dashed), "waiting is hollow and dashed");
    assert!(near(found[1].0, x(125.0)) && near(found[1].1, x(135.0)), "it was served: {found:?}");
    assert!(matches!(found[1].2, Some(Ink::Family(_))), "service is full");
    let way = |item: &&Item| {
        matches!(item, Item::Line { from, to, pen } if pen.width == 1.6 && pen.dash == Dash::Solid
        && near(from.y, row(1)) && near(to.y, row(1)) && near(from.x, x(100.0)) && near(to.x, x(120.0)))
    };
    assert_eq!(list.live.items.iter().filter(way).count(), 1, "and before that it was on the network");
}

#[test]
fn the_critical_path_is_what_the_answer_waited_for() {
    let world = world();
    let book = asked(&world);
    let course = Course::new(book.log.iter());
    let spans = spans(&course);
    let request = all_requests(&book).remove(0);
    let path = path(&course, &spans, &request);
    let legs: Vec<(Spent, u64, u64)> =
        path.iter().map(|it| (it.leg.spent, it.leg.from.0 / 1_000, it.leg.until.0 / 1_000)).collect();
    let expected = [
        (Spent::Network, 100, 120),
        (Spent::Queue, 120, 125),
        (Spent::Service, 125, 135),
        (Spent::Network, 135, 155),
        (Spent::Network, 155, 175),
        (Spent::Network, 175, 200),
    ];
    assert_eq!(legs, expected);
    let told = spent(&path).map(|(_, time)| time.0 / 1_000);
    assert_eq!(told, [85, 5, 10, 0, 0], "network, queue, service, disk, other");
    // The message that was lost was sent first, and still stands below those that counted.
    let names: Vec<u64> =
        rows(&spans, request.root, &path).iter().map(|row| spans[row.span as usize].record.0).collect();
    assert_eq!(names, [1, 2, 6, 9, 11, 5]);
}

#[test]
fn the_critical_path_is_drawn_without_a_gap() {
    let world = world();
    let (traced, list) = drawn(&asked(&world), &looking(), None);
    let mut strokes: Vec<(f32, f32)> = list
        .live
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Line { from, to, pen } if *pen == Pen::new(Ink::Text, 2.0) && from.y < 200.0 => Some((from.x, to.x)),
            _ => None,
        })
        .collect();
    strokes.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    assert_eq!(strokes.len(), 6);
    assert!((strokes[0].0 - traced.axis.left).abs() < 0.1 && (strokes[5].1 - traced.axis.right).abs() < 0.1);
    assert!(strokes.windows(2).all(|two| (two[0].1 - two[1].0).abs() < 0.1), "{strokes:?}");
}

#[test]
fn a_lost_message_is_crossed_out_and_says_why() {
    let world = world();
    let book = asked(&world);
    let (traced, list) = drawn(&book, &looking(), None);
    let x = traced.axis.left + 0.45 * (traced.axis.right - traced.axis.left);
    let why = list.live.texts.iter().find(|text| text.text == "network loss").expect("the reason");
    assert!((why.at.x - x - 9.0).abs() < 0.1 && (why.at.y - row(5) - 3.5).abs() < 0.1, "{why:?}");
    let crossed = |item: &&Item| matches!(item, Item::Line { pen, .. } if *pen == Pen::new(Ink::Warn, 2.0));
    assert_eq!(list.live.items.iter().filter(crossed).count(), 2, "the two lines of a cross");
    let request = all_requests(&book).remove(0);
    assert_eq!((request.messages, request.lost, request.answered), (5, 1, Some(Time(200_000))));
    assert!(list.live.texts.iter().any(|text| text.text.contains("5 messages, 1 lost")));
}

#[test]
fn each_row_can_be_pointed_at_and_a_message_shows_its_request() {
    let world = world();
    let mut book = asked(&world);
    let begun = book.begin(300, "client-2");
    let way = ("client-2", "gateway-2");
    let sent = book.send(300, begun, way, ask());
    let there = book.arrive(310, sent, way, ask());
    let home = book.send(310, there, (way.1, way.0), answer());
    book.arrive(320, home, (way.1, way.0), answer());
    let (traced, _) = drawn(&book, &TraceLook::default(), None);
    assert_eq!(traced.rows, [RecordId(sent), RecordId(home)], "the last that is over");
    assert_eq!(traced.requests, [RecordId(sent), RecordId(2)], "the latest on top");
    let slowest = TraceLook { slowest: true, ..TraceLook::default() };
    assert_eq!(drawn(&book, &slowest, None).0.requests, [RecordId(2), RecordId(sent)]);

    let inner = Some(Target::Flight(RecordId(9)));
    let (traced, list) = drawn(&book, &TraceLook::default(), inner);
    assert_eq!(traced.rows, [2, 6, 9, 11, 5].map(RecordId), "the request that the message belongs to");
    let middle = (traced.axis.left + traced.axis.right) * 0.5;
    for (place, record) in traced.rows.iter().enumerate() {
        for x in [traced.list + 20.0, middle] {
            for off in [-7.0, 0.0, 7.0] {
                let hit = list.hit(x, row(place + 1) + off, false);
                assert_eq!(hit, Some(Target::Flight(*record)), "at {x}, row {place}");
            }
        }
    }
    assert_eq!(list.hit(60.0, 24.0 + PITCH * 1.5, false), Some(Target::Flight(RecordId(2))), "the list too");
    // Something else is selected: what was shown stays.
    let kept = TraceLook { kept: Some(RecordId(1)), ..TraceLook::default() };
    let other = Some(Target::Node(node(&world, "gateway-2")));
    assert_eq!(drawn(&book, &kept, other).0.shown, Some(RecordId(1)));
}

#[test]
fn what_is_not_answered_yet_is_no_request_that_is_over() {
    let world = world();
    let mut book = asked(&world);
    let begun = book.begin(300, "client-2");
    book.send(300, begun, ("client-2", "gateway-2"), ask());
    let found = all_requests(&book);
    assert_eq!(found.iter().map(Request::over).collect::<Vec<_>>(), [Some(Time(200_000)), None]);
    assert_eq!(drawn(&book, &TraceLook::default(), None).0.shown, Some(RecordId(1)));
}

#[test]
fn long_requests_and_many_of_them_are_bounded() {
    let world = world();
    let mut book = Book { world: &world, log: Log::default(), last: 0 };
    for place in 0..500 {
        let begun = book.begin(place, "client-1");
        book.send(place, begun, ("client-1", "gateway-1"), ask());
    }
    let begun = book.begin(900, "client-1");
    for _ in 0..3_000 {
        book.send(900, begun, ("client-1", "gateway-1"), ask());
    }
    let (traced, list) = drawn(&book, &TraceLook { scroll: 5_000, ..looking() }, Some(Target::Flight(RecordId(1_500))));
    assert_eq!(traced.rows.len(), MAX_ROWS - 1, "and the beginning");
    assert_eq!(traced.requests.len(), MAX_REQUESTS);
    assert!(list.hits.len() <= 2 * (traced.fit + 30), "{} can be pointed at", list.hits.len());
    assert!(
        list.hits.iter().any(|hit| hit.target == Target::Flight(traced.rows[MAX_ROWS - 2])),
        "the last row is in sight"
    );
}

// Charts.

/// From 0 to 10 s, a chart of 600 by 200 pixels.
fn plotted(chart: Chart, instant: Option<Time>) -> (Plot, DisplayList) {
    let mut list = DisplayList::default();
    let chart = Chart { span: (Time::ZERO, Time(10_000_000)), ..chart };
    let sight = ChartSight { charts: &[chart], size: (600.0, 200.0), now: Time(10_000_000), pointer: None, instant };
    let plots = charts(&sight, &mut list);
    (plots.into_iter().next().expect("one"), list)
}

fn line(name: &str, points: &[(u64, Option<f64>)]) -> Line {
    let points = points.iter().map(|(second, value)| (Time(second * 1_000_000), *value)).collect();
    Line { name: name.to_owned(), points, steps: false }
}

/// The pieces of a line in this ink, from left to right.
fn strokes(list: &DisplayList, ink: Ink) -> Vec<(f32, f32, f32, f32)> {
    let of = |item: &Item| match item {
        Item::Line { from, to, pen } if pen.ink == ink && pen.width == 1.75 => Some((from.x, from.y, to.x, to.y)),
        _ => None,
    };
    list.live.items.iter().filter_map(of).collect()
}

#[test]
fn a_line_runs_through_its_values_and_has_gaps_where_there_are_none() {
    let first = line("p50", &[(0, Some(0.0)), (2, Some(100.0)), (4, None), (6, Some(50.0)), (10, Some(50.0))]);
    let second = line("p99", &[(0, Some(80.0)), (10, Some(80.0))]);
    let (plot, list) = plotted(Chart { lines: vec![first, second], ..Chart::default() }, None);
    assert_eq!(plot.top, 100.0);
    let (low, high) = (plot.low, plot.high);
    let wide = high.x - low.x;
    let found = strokes(&list, Ink::Family(Family::Edge));
    let expected = [
        (low.x, high.y, low.x + wide * 0.2, low.y),
        (low.x + wide * 0.6, (low.y + high.y) * 0.5, high.x, (low.y + high.y) * 0.5),
    ];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(&expected) {
        let off = [found.0 - expected.0, found.1 - expected.1, found.2 - expected.2, found.3 - expected.3];
        assert!(off.iter().all(|off| off.abs() < 0.1), "{found:?}, not {expected:?}");
    }
    // The second is told from the first without its colour: it is broken, everywhere as much.
    let broken = strokes(&list, Ink::Warn);
    assert!(broken.len() > 40, "{} dashes", broken.len());
    assert!(broken.iter().all(|(from, _, to, _)| to - from <= 5.01), "none is longer than a dash");
    let inked: f32 = broken.iter().map(|(from, _, to, _)| to - from).sum();
    assert!((inked / wide - 5.0 / 9.0).abs() < 0.02, "{inked} of {wide}");
}

#[test]
fn the_instant_that_is_pointed_at_shows_the_values_there() {
    let chart = Chart {
        unit: " ms",
        lines: vec![line("p50", &[(2, Some(12.0)), (4, Some(31.0)), (6, None)])],
        faults: vec![Time(5_000_000)],
        ..Chart::default()
    };
    let said = |instant: u64| {
        let (_, list) = plotted(chart.clone(), Some(Time(instant)));
        let texts: Vec<String> = list.live.texts.iter().chain(&list.over.texts).map(|text| text.text.clone()).collect();
        texts
    };
    // A window's figures stand at its end, and are of the time before it.
    assert!(said(3_000_000).contains(&"31.0 ms".to_owned()) && said(3_000_000).contains(&"3.000 s".to_owned()));
    assert!(said(2_000_000).contains(&"12.0 ms".to_owned()));
    assert!(said(5_000_000).contains(&"–".to_owned()), "nothing to tell there");
    let (plot, list) = plotted(chart.clone(), Some(Time(3_000_000)));
    let axis = plot.axis.expect("it has one");
    let upright = |x: f32, items: &[Item], ink: Ink| {
        let at = |item: &&Item| matches!(item, Item::Line { from, to, pen } if pen.ink == ink && from.x == to.x && (from.x - x).abs() < 0.1);
        items.iter().filter(at).count()
    };
    assert_eq!(upright(axis.x(Time(3_000_000)), &list.over.items, Ink::Focus), 1);
    assert_eq!(upright(axis.x(Time(5_000_000)), &list.live.items, Ink::Warn), 1, "the fault");
}

#[test]
fn a_distribution_is_as_high_as_there_are_values() {
    let bins = vec![(1.0, 10.0, 5), (10.0, 100.0, 20), (100.0, 1_000.0, 0), (1_000.0, 10_000.0, 10)];
    let spread = Spread { bins, marks: vec![("p50", 100.0)] };
    let (plot, list) = plotted(Chart { spread: Some(spread), ..Chart::default() }, None);
    assert!(plot.axis.is_none(), "it has no instants");
    let quarter = (plot.high.x - plot.low.x) / 4.0;
    let bars: Vec<(f32, f32)> = list
        .live
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Shape { outline: Outline::Rect { at, height, .. }, .. } => Some((at.x, *height)),
            _ => None,
        })
        .collect();
    let whole = plot.high.y - plot.low.y;
    let expected = [(0.0, 0.25), (1.0, 1.0), (3.0, 0.5)];
    assert_eq!(bars.len(), 3, "an empty bin has no bar");
    for ((x, height), (place, part)) in bars.iter().zip(expected) {
        assert!((x - plot.low.x - place * quarter).abs() < 1.0 && (height - part * whole).abs() < 0.1, "{x} {height}");
    }
    let mark =
        |item: &&Item| matches!(item, Item::Line { from, .. } if (from.x - plot.low.x - 2.0 * quarter).abs() < 0.1);
    assert_eq!(list.over.items.iter().filter(mark).count(), 1, "the median stands between the second and the third");
}

#[test]
fn charts_share_the_canvas() {
    let chart = Chart { span: (Time::ZERO, Time(10_000_000)), ..Chart::default() };
    let all = vec![chart; 5];
    let mut list = DisplayList::default();
    let sight = ChartSight { charts: &all, size: (1_000.0, 300.0), now: Time::ZERO, pointer: None, instant: None };
    let plots = charts(&sight, &mut list);
    for (place, one) in plots.iter().enumerate() {
        assert!(one.low.x >= 0.0 && one.high.x <= 1_000.0 && one.high.y <= 300.0 && one.high.y > one.low.y);
        let middle = Point::new((one.low.x + one.high.x) * 0.5, (one.low.y + one.high.y) * 0.5);
        let over: Vec<usize> = (0..plots.len()).filter(|other| plots[*other].holds(middle)).collect();
        assert_eq!(over, [place]);
    }
}

// In the player.

const VIEW: (f32, f32) = (1_000.0, 240.0);

fn watching() -> Player {
    Player::new(Rc::new(builtin("chat").expect("it is there"))).expect("it has no problems")
}

/// Stands at this second, with nothing plotted but this.
fn plotting(player: &mut Player, second: u64, plotted: &[Plotted]) -> Vec<Chart> {
    player.dispatch(Action::Pause);
    player.dispatch(Action::Seek(Time(second * 1_000_000)));
    for other in player.plotted() {
        player.dispatch(Action::Look(Looking::Chart(Charting::Plot(other))));
    }
    for one in plotted {
        player.dispatch(Action::Look(Looking::Chart(Charting::Plot(*one))));
    }
    player.charts()
}

#[test]
fn losses_by_reason_are_all_the_losses() {
    let mut player = watching();
    player.dispatch(Action::Seek(Time(2_000_000)));
    for (name, act) in [("sender-1", false), ("gateway-1", true)] {
        let node = name.to_owned();
        player.dispatch(Action::Act(if act { Act::Pause { node } } else { Act::Kill { node, disk: false } }));
    }
    player.dispatch(Action::Act(Act::Cut { between: ("client-1".to_owned(), "gateway-2".to_owned()), one_way: false }));
    let charts = plotting(&mut player, 9, &[Plotted::Losses, Plotted::Wire]);
    let lost = charts[1].lines.iter().find(|line| line.name == "lost").expect("it is counted");
    assert!(charts[0].lines.len() >= 2, "for several reasons: {:?}", charts[0].lines);
    assert!(lost.points.iter().filter_map(|point| point.1).sum::<f64>() > 10.0);
    for (at, all) in &lost.points {
        let of = |line: &Line| line.points.iter().find(|point| point.0 == *at).and_then(|point| point.1).unwrap_or(0.0);
        let reasons: f64 = charts[0].lines.iter().map(of).sum();
        assert!((reasons - all.unwrap_or(0.0)).abs() < 1e-9, "{reasons} of {all:?} at {at}");
    }
    assert!(charts.iter().all(|chart| !chart.faults.is_empty()), "what was done is marked");
}

#[test]
fn a_dial_and_a_setting_are_plotted_as_they_were_turned() {
    let mut player = watching();
    let place = player.timeline().document().dials.iter().position(|dial| dial.title == "Each person writes");
    let place = place.expect("there is such a dial");
    let field = player.timeline().document().dials[place].field.clone();
    let client = player.timeline().run().world.find("client-3").expect("it is there");
    for (second, value) in [(2, 3.0), (4, 0.5)] {
        player.dispatch(Action::Seek(Time(second * 1_000_000)));
        player.dispatch(Action::Turn(place, Value::Number(value)));
    }
    player.dispatch(Action::Select(Some(Target::Node(client))));
    player.dispatch(Action::Pause);
    player.dispatch(Action::Seek(Time(6_000_000)));
    let known = player.plottable().into_iter();
    let setting =
        known.map(|(plotted, _)| plotted).find(|it| matches!(it, Plotted::Setting(_, name) if *name == field));
    let charts = plotting(&mut player, 6, &[Plotted::Dial(place), setting.expect("it can be plotted")]);
    for chart in &charts {
        let line = &chart.lines[0];
        let seen: Vec<(u64, f64)> =
            line.points.iter().map(|point| (point.0.0 / 1_000_000, point.1.expect("it was set"))).collect();
        assert_eq!(seen, [(0, 1.5), (2, 3.0), (4, 0.5), (6, 0.5)], "{}", chart.title);
        assert!(line.steps);
    }
}

#[test]
fn a_distribution_holds_every_value_once() {
    let mut player = watching();
    let charts = plotting(&mut player, 12, &[Plotted::Values("delivery")]);
    let whole = player.timeline().run().metrics.whole("delivery").expect("it is measured");
    let spread = charts[0].spread.as_ref().expect("a distribution");
    assert_eq!(spread.bins.iter().map(|bin| bin.2).sum::<u64>(), whole.count);
    assert!(spread.bins.windows(2).all(|two| (two[0].1 - two[1].0).abs() < 1e-9), "one begins where another ends");
    let (_, median) = spread.marks[0];
    let below: u64 = spread.bins.iter().filter(|bin| bin.1 <= median).map(|bin| bin.2).sum();
    let above: u64 = spread.bins.iter().filter(|bin| bin.0 >= median).map(|bin| bin.2).sum();
    assert!(below * 2 <= whole.count && above * 2 <= whole.count, "{below} below, {above} above of {}", whole.count);
}

#[test]
fn no_more_is_plotted_than_can_be_seen() {
    let mut player = watching();
    player.dispatch(Action::Seek(Time(5_000_000)));
    let all: Vec<Plotted> = player.plottable().into_iter().map(|(plotted, _)| plotted).collect();
    assert!(all.len() > MAX_CHARTS);
    let charts = plotting(&mut player, 5, &all);
    assert_eq!(charts.len(), MAX_CHARTS);
    assert_eq!(player.plotted(), all[all.len() - MAX_CHARTS..]);
    // A run that is longer than there are pixels comes in as many points as there are to see.
    player.dispatch(Action::Look(Looking::Chart(Charting::Back(Back::All))));
    player.dispatch(Action::Seek(Time(400_000_000)));
    // A long way is gone in several frames.
    for _ in 0..200 {
        player.frame(0.0);
    }
    for chart in plotting(&mut player, 400, &[Plotted::Wire, Plotted::Percentiles("delivery")]) {
        let points = chart.lines.iter().map(|line| line.points.len()).max().expect("lines");
        assert!((200..=MAX_POINTS).contains(&points), "{points} points");
    }
}

#[test]
fn an_instant_that_is_pointed_at_shows_in_every_view() {
    let mut player = watching();
    player.dispatch(Action::Pause);
    player.dispatch(Action::Seek(Time(3_000_000)));
    let drawn = |player: &mut Player, kind: Kind| {
        let mut list = DisplayList::default();
        player.draw_view(kind, VIEW, &mut list);
        let focus =
            |item: &&Item| matches!(item, Item::Line { from, to, pen } if pen.ink == Ink::Focus && from.x == to.x);
        list.over.items.iter().filter(focus).count()
    };
    let kinds = [Kind::SpaceTime, Kind::Charts];
    assert_eq!(kinds.map(|kind| drawn(&mut player, kind) > 0), [false, false]);
    player.dispatch(Action::Look(Looking::Chart(Charting::Step(-1))));
    assert_eq!(player.instant(), Some(Time(2_800_000)), "a hundredth of twenty seconds before");
    assert_eq!(kinds.map(|kind| drawn(&mut player, kind) > 0), [true, true]);
    // Of the trace where it is within what is shown.
    drawn(&mut player, Kind::Trace);
    let axis = player.traced().axis.clone();
    let middle = Point::new((axis.left + axis.right) * 0.5, 100.0);
    player.dispatch(Action::Look(Looking::Trace(Tracing::Point(Some(middle)))));
    assert_eq!(player.instant(), Some(axis.at(middle.x)));
    assert_eq!([Kind::SpaceTime, Kind::Charts, Kind::Trace].map(|kind| drawn(&mut player, kind) > 0), [true; 3]);
}

#[test]
fn the_trace_stays_for_as_long_as_one_reads() {
    let mut player = watching();
    let (mut shown, mut list) = (Vec::new(), DisplayList::default());
    // Twenty seconds of watching, forty pictures a second.
    for _ in 0..800 {
        player.frame(0.025);
        player.draw_view(Kind::Trace, VIEW, &mut list);
        shown.extend(player.traced().shown);
        shown.dedup();
    }
    assert!((5..=12).contains(&shown.len()), "{} requests in twenty seconds", shown.len());
    player.dispatch(Action::Pause);
    player.draw_view(Kind::Trace, VIEW, &mut list);
    assert_eq!(player.traced().shown.as_ref(), shown.last(), "one stops to read");
    player.dispatch(Action::Look(Looking::Trace(Tracing::Request(1))));
    player.draw_view(Kind::Trace, VIEW, &mut list);
    assert_ne!(player.traced().shown.as_ref(), shown.last());
    let rows = player.traced().rows.clone();
    for _ in 0..rows.len() + 3 {
        player.dispatch(Action::Look(Looking::Trace(Tracing::Row(1))));
        player.draw_view(Kind::Trace, VIEW, &mut list);
        let Some(selected @ Target::Flight(_)) = player.view().selected else { panic!("a row is selected") };
        assert!(list.hits.iter().any(|hit| hit.target == selected), "and it is in sight");
    }
    assert_eq!(player.view().selected, rows.last().map(|record| Target::Flight(*record)));
}
