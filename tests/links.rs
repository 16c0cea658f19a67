//! Links: what is written is read again, what is broken is said, and nothing that a stranger sends can do harm.
#![cfg(not(target_arch = "wasm32"))]

#[path = "links/random.rs"]
mod random;

use std::rc::Rc;

use faultline::link::{self, Budget, ENGINE, Fault, LinkError, Opened, Picked, Shelf, Shown};
use faultline::scenario::{Act, Document, Tree, builtin, builtins, schema};
use faultline::sim::{Dist, LONGEST, Micros, Purpose, Stream, Time, Value};
use faultline::timeline::{Cursor, MAX_ACTS, Moment, Stamped, Timeline};

/// Documents that no change of the built-in ones touches.
struct Town(Vec<Document>);

impl Shelf for Town {
    fn names(&self) -> Vec<&str> {
        self.0.iter().map(|document| &*document.name).collect()
    }
    fn find(&self, name: &str) -> Option<Document> {
        self.0.iter().find(|document| document.name == name).cloned()
    }
}

fn document(name: &str) -> Document {
    let json = format!(r#"{{"name": "{name}", "title": "A town", "revision": 3, "seed": 7}}"#);
    Document::from_json(&json).expect("a document")
}

/// `town` is a beginning of `town-hall`: a link that was cut there must not open the other.
fn town() -> Town {
    Town(["harbour", "town", "town-hall"].map(document).into())
}

fn read(link: &str) -> Result<Opened, LinkError> {
    link::read_with(link, &town())
}

fn write(moment: &Moment, shown: &Shown) -> link::Link {
    link::write_with(moment, shown, &town())
}

fn moment(name: &str) -> Moment {
    let document = Rc::new(document(name));
    Moment { seed: document.seed, document, settings: Vec::new(), acts: Vec::new(), cursor: Cursor::default() }
}

fn kill(node: &str, at: Time) -> Stamped {
    Stamped { at, act: Act::Kill { node: node.to_owned(), disk: false } }
}

fn refused(link: &str) -> LinkError {
    let error = read(link).expect_err(link);
    assert!(error.told.len() > 20 && error.told.ends_with(['.', '?', ')', 'd']), "{link}: {}", error.told);
    assert!(error.told.len() < 1_000, "{}", error.told);
    assert!(!error.told.chars().any(faultline::scenario::hidden), "{link}: {}", error.told);
    error
}

fn told(link: &str, kind: Fault, parts: &[&str]) {
    let error = refused(link);
    assert_eq!(error.kind, kind, "{link}: {}", error.told);
    for part in parts {
        assert!(error.told.contains(part), "{link}: {part} is not in: {}", error.told);
    }
}

#[test]
fn an_untouched_scenario_is_its_name() {
    let link = write(&moment("town"), &Shown::default());
    assert_eq!(link, link::Link { fragment: "1.town".to_owned(), length: 6, budget: Budget::Short });
    let opened = read("#1.town").expect("it is there");
    assert_eq!(opened.moment, moment("town"));
    assert_eq!((opened.shown, opened.steps, opened.notes), (Shown::default(), 0, Vec::new()));
    // Its beginning is another scenario's name: only a checksum can tell the two apart.
    let hall = write(&moment("town-hall"), &Shown::default()).fragment;
    assert!(hall.starts_with(&format!("1~town-hall.r~3.e~{ENGINE}.k~")), "{hall}");
    assert_eq!(read(&hall).expect("it is there").moment, moment("town-hall"));
}

#[test]
fn a_moment_is_readable() {
    let mut moment = moment("town");
    moment.seed = 0x4f2a;
    moment.acts = vec![
        kill("gateway-1", Time(10_000_000)),
        Stamped {
            at: Time(11_500_000),
            act: Act::link("client", "gateway")
                .with(Some(Dist::Lognormal { median: Micros::ms(2), p99: Micros::ms(60) }), Some(0.05)),
        },
    ];
    moment.cursor = Cursor { at: Time(12_405_000), steps: None };
    let shown = Shown { digest: Some(0x0123_4567_89ab_cdef), playing: true, ..Shown::default() };
    let link = write(&moment, &shown).fragment;
    let body = format!(
        "1~town.r~3.e~{ENGINE}.seed~4f2a.kill~gateway-1~10s.link~client~gateway~lognormal~2ms~60ms~loss~0_05~11500ms\
         .at~12405ms.play.d~0123456789abcdef"
    );
    assert_eq!(link.rsplit_once(".k~").map(|(body, _)| body), Some(&*body));
    let opened = read(&link).expect("what was written");
    assert_eq!((opened.moment, opened.shown), (moment.clone(), shown.clone()));
    // By hand, with the explicit end in the checksum's place.
    let opened = read(&format!("{body}.end")).expect("what was written");
    assert_eq!((opened.moment, opened.shown), (moment, shown));
}

#[test]
fn long_histories_and_edited_documents_are_packed() {
    let mut long = moment("town");
    long.acts = (0..25).map(|n| kill(&format!("gateway-{n}"), Time(n * 1_000))).collect();
    let link = write(&long, &Shown::default());
    assert!(link.fragment.starts_with("1z~town~"), "{}", link.fragment);
    assert_eq!((link.budget, read(&link.fragment).expect("what was written").moment), (Budget::Short, long.clone()));

    // Names that deflate makes nothing of.
    let mut stream = Stream::new(1, Purpose::Faults);
    long.acts = (0..400).map(|n| kill(&format!("{:x}", stream.bits()), Time(n))).collect();
    let link = write(&long, &Shown::default());
    assert_eq!((link.budget, read(&link.fragment).expect("what was written").moment), (Budget::Amber, long.clone()));
    long.acts = (0..2_000).map(|n| kill(&format!("{:x}", stream.bits()), Time(n))).collect();
    let link = write(&long, &Shown::default());
    assert_eq!((link.budget, read(&link.fragment).expect("what was written").moment), (Budget::Long, long));

    let mut edited = moment("town");
    Rc::make_mut(&mut edited.document).title = "Another town".to_owned();
    let link = write(&edited, &Shown::default());
    assert_eq!(read(&link.fragment).expect("what was written").moment, edited);
}

#[test]
fn a_sloppy_paste_is_forgiven() {
    let mut moment = moment("town");
    moment.acts = vec![kill("gateway-1", Time(10_000_000))];
    let link = write(&moment, &Shown::default()).fragment;
    let encoded = link.replace('~', "%7E");
    let twice = link.replace('~', "%257e");
    for pasted in [
        format!("#{link}"),
        format!("  {link}.\n"),
        format!("({link})"),
        format!("<https://example.org/faultline/?embed=1#{link}>,"),
        format!("“#{link}”…"),
        format!("**#{link}**"),
        format!("#{encoded}"),
        format!("https://example.org/#{twice}"),
        format!("%23{encoded}%22"),
    ] {
        assert_eq!(read(&pasted).expect(&pasted).moment, moment, "{pasted}");
    }
    assert_eq!(read("1.town.").expect("a full stop").moment, self::moment("town"));
}

#[test]
fn every_mistake_is_said() {
    told("", Fault::Empty, &["no link"]);
    told(" #. ", Fault::Empty, &["no link"]);
    told("town", Fault::Foreign, &["#1.chat"]);
    told("0.town", Fault::Foreign, &["version"]);
    told("1", Fault::Incomplete, &["incomplete"]);
    told("1x.town.end", Fault::Foreign, &["no form"]);
    told("2.town", Fault::Version, &["later version of Faultline", "Reload"]);
    told("99999~~.~", Fault::Version, &["later version"]);
    told("1.tow", Fault::Scenario, &["no built-in scenario \"tow\"", "did you mean \"town\""]);
    told("1.harb", Fault::Scenario, &["did you mean \"harbour\""]);
    told("1.zzzzzzzzzz", Fault::Scenario, &["gallery"]);
    told("1.town.kill~a~1s.end", Fault::Word, &["begins with 1~town"]);
    told("1~town.kill~a~1s", Fault::Incomplete, &["incomplete", "Copy", ".end"]);
    told("1~town.kill~a~1s.k~123", Fault::Incomplete, &["incomplete"]);
    told("1~town.kill~a~1s.k~12345678", Fault::Damaged, &["changed", "checksum", ".end"]);
    told("1~town.kill a.end", Fault::Character, &["U+0020", "place 12"]);
    told("1~town.kill<b.end", Fault::Character, &["\"<\""]);
    told("1~town.kill\u{202e}b.end", Fault::Character, &["U+202E"]);
    told("1~town.kil~a~1s.end", Fault::Word, &["no word \"kil\"", "did you mean \"kill\""]);
    told("1~town.kill~a.end", Fault::Word, &["expected kill~NODE~TIME"]);
    told("1~town.kill~a~1.end", Fault::Word, &["expected kill~NODE~TIME"]);
    told("1~town.kill~a~disc~1s.end", Fault::Word, &["expected kill~NODE~TIME"]);
    told("1~town.kill~a~800h.end", Fault::Word, &["expected"]);
    told("1~town.slow~a~1e999~1s.end", Fault::Word, &["expected slow~NODE~FACTOR~TIME"]);
    told("1~town.slow~a~NaN~1s.end", Fault::Word, &["expected"]);
    told("1~town.slow~a~-~1s.end", Fault::Word, &["expected"]);
    told("1~town.seed~1.seed~2.end", Fault::Word, &["expected seed~HEX, once"]);
    told("1~town.seed~10000000000000000.end", Fault::Word, &["expected seed"]);
    told("1~town.d~12.end", Fault::Word, &["sixteen"]);
    told("1~town.step~0.end", Fault::Word, &["from 1 on"]);
    told("1~town.message~a.end", Fault::Word, &["expected message~NUMBER"]);
    told("1~town.view~logs.end", Fault::Word, &["\"logs\"", "did you mean \"log\"", "charts"]);
    told("1~town.view~log.view~trace.view~charts.end", Fault::Limit, &["3 views", "2 is the limit"]);
    told("1~town.pick~a.message~3.end", Fault::Word, &["more than one thing"]);
    told("1~town.move~a~1~99999999999.end", Fault::Word, &["expected move"]);
    told("1~town..end", Fault::Word, &["no word \"\""]);
    told("1~town.kill~a~2s.kill~b~1s.end", Fault::Limit, &["order of their times", "kill b"]);
    told("1~town.speed~0.end", Fault::Limit, &["0.001 to 100"]);
    told("1~town.with~load~5.end", Fault::Setting, &["dial", "\"load\""]);
    told("1~town.pick~__7_.end", Fault::Word, &["invisible", "U+0007"]);
    told("1~town.kill~__202e_evil~1s.end", Fault::Word, &["invisible", "U+202E"]);
    told(&format!("1~town.pick~{}.end", "a".repeat(201)), Fault::Limit, &["200 characters"]);
    told(&format!("1.{}", "a".repeat(link::MAX_LINK)), Fault::TooLong, &["200000"]);
    told("1z~town~", Fault::Incomplete, &["incomplete"]);
    told("1z~town~AAAA.end", Fault::Packing, &["unpacked"]);
    told("1z~town~A.end", Fault::Packing, &["base64url"]);
    told("1z~town.end", Fault::Packing, &["nothing"]);
}

#[test]
fn a_broken_link_offers_what_can_be_opened() {
    let safe = |link: &str| refused(link).safe;
    assert_eq!(safe("1~harbour.kill~a").as_deref(), Some("harbour"));
    assert_eq!(safe("2~harbour.kill~a").as_deref(), Some("harbour"));
    assert_eq!(safe("1z~harbour~AAAA").as_deref(), Some("harbour"));
    assert_eq!(safe("harbour").as_deref(), Some("harbour"));
    assert_eq!(safe("1~harb").as_deref(), Some("harbour"));
    assert_eq!(safe("1~zzzzzzzzzz.end"), None);
    assert_eq!(safe(""), None);
}

#[test]
fn another_revision_is_noted_and_opens() {
    let notes = |link: &str| read(link).expect(link).notes;
    assert_eq!(notes(&format!("1~town.r~3.e~{ENGINE}.end")), Vec::<String>::new());
    assert_eq!(notes("1~town.end"), Vec::<String>::new());
    let older = notes("1~town.r~3.e~1.end");
    assert!(older.len() == 1 && older[0].contains("another revision of the engine (1; here it is"), "{older:?}");
    let noted = notes("1~town.r~2.e~999.with~load~5.end");
    assert_eq!(noted.len(), 3, "{noted:?}");
    assert!(noted[0].contains("another revision of the scenario (2; here it is 3)"), "{noted:?}");
    let engines = format!("another revision of the engine (999; here it is {ENGINE})");
    assert!(noted[1].contains(&engines), "{noted:?}");
    assert!(noted[2].contains("left out") && noted[2].contains("\"load\""), "{noted:?}");
    // However many there are, it is one sentence.
    let many = notes(&format!("1~town.r~2{}.end", ".with~load~5".repeat(256)));
    assert!(many.len() == 2 && many[1].contains("and 255 more"), "{many:?}");
}

#[test]
fn a_run_that_takes_long_to_replay_is_said() {
    let far = |at: Time, steps| {
        let mut moment = moment("town");
        moment.cursor = Cursor { at, steps };
        read(&write(&moment, &Shown { digest: Some(1), ..Shown::default() }).fragment).expect("it opens")
    };
    // A document without components has nothing to replay.
    let opened = far(Time(LONGEST.0), None);
    assert_eq!((opened.notes.len(), opened.shown.digest, opened.moment.cursor.at), (0, Some(1), Time(LONGEST.0)));
    // A place that no run of this length can have: it is not sought for.
    let opened = far(Time(1), Some(u64::MAX));
    assert_eq!((opened.shown.digest, opened.moment.cursor), (None, Cursor::default()));
    assert!(opened.notes[0].contains("minutes"), "{:?}", opened.notes);
}

#[test]
fn the_links_of_the_manual_open_and_do_what_they_say() {
    let manual = include_str!("../docs/link.md");
    let links: Vec<&str> = manual.lines().filter(|line| line.starts_with('#') && line[1..].starts_with('1')).collect();
    assert!(links.len() >= 8);
    for link in links {
        let opened = link::read(link).unwrap_or_else(|error| panic!("{link}: {error}"));
        // Each act can be done where it stands.
        for (place, Stamped { at, act }) in opened.moment.acts.iter().enumerate() {
            let acts = opened.moment.acts[..place].to_vec();
            let before = Moment { acts, cursor: Cursor { at: *at, steps: None }, ..opened.moment.clone() };
            let timeline = Timeline::at_moment(before.document.clone(), &before).expect(link);
            assert_eq!(act.check(timeline.document(), &timeline.run().world), Ok(()), "{link}: {}", act.words());
        }
    }
    for limit in [link::MAX_LINK, link::SHORT, link::AMBER, MAX_ACTS, link::MAX_SETTINGS, link::MAX_WORD] {
        let digits = limit.to_string();
        let (thousands, rest) = digits.split_at(digits.len().saturating_sub(3));
        let written = if thousands.is_empty() { digits.clone() } else { format!("{thousands} {rest}") };
        assert!(manual.contains(&written), "{written}");
    }
    let json = manual.split_once("```json").and_then(|(_, rest)| rest.split_once("```")).expect("an example").0;
    let opened = link::read(&packed(json).replace("1z~town~", "1z~chat~")).expect("the example of what is packed");
    assert_eq!((opened.moment.acts.len(), opened.shown.digest), (1, Some(81_985_529_216_486_895)));
}

#[test]
fn every_built_in_scenario_has_its_link() {
    for name in builtins() {
        let document = Rc::new(builtin(name).expect(name));
        let beginning = Moment { seed: document.seed, document: document.clone(), ..moment("town") };
        let link = link::write(&beginning, &Shown::default());
        assert_eq!(link::read(&link.fragment).expect(name).moment, beginning);
        // The estimate tells seconds from hours: it is within a factor of ten of what a run does by itself.
        let at = Time(20_000_000);
        let mut timeline = Timeline::new(document.clone(), document.seed, Vec::new()).expect(name);
        timeline.advance(at, u64::MAX);
        let (steps, guess) = (timeline.run().steps(), link::steps_to(&document, at));
        assert!(guess / 10 <= steps && steps <= guess.saturating_mul(10), "{name}: {steps} steps, guessed {guess}");
    }
}

#[test]
fn a_shared_moment_replays_to_the_same_digest() {
    let document = Rc::new(builtin("chat").expect("it is built in"));
    let settings =
        vec![("rate".to_owned(), Value::Number(2.5)), ("acknowledge".to_owned(), Value::text("before-store"))];
    let mut timeline = Timeline::new(document.clone(), 0xfeed, settings).expect("settings of the dials");
    timeline.advance(Time(4_000_000), u64::MAX);
    timeline.act(Act::Kill { node: "sender-1".to_owned(), disk: false }).expect("it is up");
    timeline.advance(Time(5_123_457), u64::MAX);
    timeline.act(Act::Dial { dial: "rate".to_owned(), value: Value::Number(0.75) }).expect("a dial");
    for _ in 0..77 {
        timeline.step();
    }
    for shown in [Shown::default(), Shown { digest: Some(timeline.run().digest()), ..Shown::default() }] {
        let link = link::write(&timeline.moment(), &shown);
        assert!(link.fragment.contains(".with~rate~2_5.with~acknowledge~before-store.kill~sender-1~4s."), "{link:?}");
        let opened = link::read(&link.fragment).expect("what was written");
        assert_eq!((opened.notes.len(), &opened.shown), (0, &shown));
        let again = Timeline::at_moment(opened.moment.document.clone(), &opened.moment).expect("it runs");
        assert_eq!(again.run().digest(), timeline.run().digest());
    }
    // An edited one travels whole, and runs the same.
    let mut edited = timeline.moment();
    Rc::make_mut(&mut edited.document).groups[0].count = 7;
    let opened = link::read(&link::write(&edited, &Shown::default()).fragment).expect("what was written");
    assert_eq!(opened.moment, edited);
}

#[test]
fn a_crowd_is_not_replayed_unasked() {
    let mut document = builtin("chat").expect("it is built in");
    document.groups[0].count = 5_000;
    let cursor = Cursor { at: Time(600_000_000), steps: None };
    let crowd = Moment { seed: 1, document: Rc::new(document), cursor, ..moment("town") };
    let opened = link::read(&link::write(&crowd, &Shown::default()).fragment).expect("it opens");
    assert_eq!((opened.moment.cursor, opened.steps), (Cursor::default(), 0));
    assert!(opened.notes[0].contains("600 s") && opened.notes[0].contains("minutes"), "{:?}", opened.notes);
}

#[test]
fn a_link_that_lost_its_end_is_never_another_run() {
    for link in some_links() {
        for end in 0..link.len() {
            refused(&link[..end]);
        }
        // Nor one that lost its beginning.
        for start in 1..link.len() {
            refused(&link[start..]);
        }
    }
}

#[test]
fn a_link_with_a_wrong_letter_is_never_another_run() {
    for link in some_links() {
        let opened = read(&link).expect("what was written");
        for place in 0..link.len() {
            for letter in (0..128).map(char::from).chain(['é', '\u{202e}', '～']) {
                let mut changed = link.clone();
                changed.replace_range(place..=place, letter.encode_utf8(&mut [0; 4]));
                // A letter that was trimmed or was the same leaves the same.
                assert!(read(&changed).is_ok_and(|found| found == opened) == (changed == link), "{changed}");
            }
        }
    }
}

/// One of every form that has a checksum.
fn some_links() -> Vec<String> {
    let mut plain = moment("town");
    plain.acts = vec![kill("gateway-1", Time(10_000_000)), kill("gateway-2", Time(11_000_000))];
    plain.cursor.at = Time(12_405_000);
    let mut edited = plain.clone();
    Rc::make_mut(&mut edited.document).title = "Another town".to_owned();
    let digest = Shown { digest: Some(77), ..Shown::default() };
    [write(&plain, &digest), write(&edited, &digest), write(&moment("town-hall"), &Shown::default())]
        .map(|link| link.fragment)
        .into()
}

/// A packed link with this in it.
fn packed(json: &str) -> String {
    let data = miniz_oxide::deflate::compress_to_vec(json.as_bytes(), 9);
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut base64 = String::new();
    for chunk in data.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        base64.extend((0..=chunk.len()).map(|place| letters[(word >> (18 - 6 * place) & 63) as usize] as char));
    }
    format!("1z~town~{base64}.end")
}

#[test]
fn what_is_packed_is_checked_like_the_rest() {
    assert_eq!(read(&packed("{}")).expect("nothing said").moment, moment("town"));
    // JSON that is no link's.
    told(&packed("[]"), Fault::Packing, &["not a link's content"]);
    told(&packed("{} {}"), Fault::Document, &["something after the end"]);
    told(&packed(r#"{"sed": 1}"#), Fault::Document, &["\"sed\"", "did you mean \"seed\""]);
    told(&packed(r#"{"seed": -1}"#), Fault::Document, &["seed"]);
    told(
        &packed(r#"{"acts": [{"at": "1s", "act": {"kil": {"node": "a"}}}]}"#),
        Fault::Document,
        &["acts[0].act", "did you mean \"kill\""],
    );
    told(&packed(r#"{"acts": [{"at": "1s", "act": {"slow": {"node": "a", "factor": 1e999}}}]}"#), Fault::Document, &[]);
    told(&packed(r#"{"speed": NaN}"#), Fault::Document, &[]);
    told(&packed(r#"{"selection": "\u0000"}"#), Fault::Word, &["U+0000"]);
    told(&packed(r#"{"selection": "a\u2066b"}"#), Fault::Word, &["U+2066"]);
    told(&packed(r#"{"cursor": {"at": "9999h"}}"#), Fault::Document, &["cursor", "744h"]);
    // Documents are checked like those that one writes oneself.
    let with = |document: &str| packed(&format!(r#"{{"document": {document}}}"#));
    told(
        &with(r#"{"name": "town", "title": "A town", "spead": 1}"#),
        Fault::Document,
        &["document", "did you mean \"speed\""],
    );
    told(
        &with(r#"{"name": "town", "title": "A town", "groups": [{"name": "a", "kind": "zzz"}]}"#),
        Fault::Document,
        &["groups[0].kind"],
    );
    told(&with(r#"{"name": "harbour", "title": "A town"}"#), Fault::Document, &["\"town\"", "\"harbour\""]);
    told(&with(r#"{"name": "town", "title": "A\u202etown"}"#), Fault::Document, &["title", "U+202E"]);
    // Text that is only text: it is the page that must not read more into it, and does not.
    let script = r#"{"name": "town", "title": "<script>alert(1)</script>", "summary": "שלום 京都 👩‍👩‍👧"}"#;
    assert_eq!(read(&with(script)).expect("a title").moment.document.title, "<script>alert(1)</script>");
}

#[test]
fn bombs_and_depths_are_refused_before_they_cost_anything() {
    told(&packed(&" ".repeat(150_000_000)), Fault::Limit, &["1048576 bytes"]);
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(50_000), close.repeat(50_000));
    told(&packed(&deep("[", "]")), Fault::Packing, &[]);
    let within = |json: String| packed(&format!(r#"{{"document": {{"name": "town", "title": "A", "cues": {json}}}}}"#));
    told(&within(deep("[", "]")), Fault::Document, &[]);
    told(&within(format!(r#"[{{"when": {}}}]"#, deep(r#"{"not":"#, "}"))), Fault::Document, &[]);
    told(&within(format!(r#"[{{"when": {}}}]"#, deep(r#"{"all":["#, "]}"))), Fault::Document, &[]);
    let acts = |count: usize| {
        let act = r#"{"at":"1s","act":{"kill":{"node":"a"}}}"#;
        packed(&format!(r#"{{"acts": [{}]}}"#, vec![act; count].join(",")))
    };
    assert_eq!(read(&acts(MAX_ACTS)).expect("as many as may be").moment.acts.len(), MAX_ACTS);
    told(&acts(MAX_ACTS + 1), Fault::Limit, &["2001 acts", "2000 is the limit"]);
    told(&acts(1_000_000), Fault::Limit, &["1048576 bytes"]);
    let plain = format!("1~town{}.end", ".kill~a~1s".repeat(19_000));
    told(&plain, Fault::Limit, &["19000 acts"]);
    let settings = format!("1~town{}.end", ".with~a~1".repeat(300));
    told(&settings, Fault::Limit, &["300 settings"]);
    // Names that come in the dearest order.
    let moves: String = (0..9_000).rev().map(|n| format!(".move~n{n:04}~1~1")).collect();
    told(&format!("1~town{moves}.end"), Fault::Limit, &["2001 moved components"]);
    let moves: Vec<String> = (0..60_000).rev().map(|n| format!(r#""{n:05}":[1,1]"#)).collect();
    told(&packed(&format!(r#"{{"moved":{{{}}}}}"#, moves.join(","))), Fault::Document, &["60000", "limit"]);
    // Many mistakes of the dearest kind: each is compared with every name.
    let name = |n: usize| format!("{n:040}");
    let checks: Vec<String> = (0..256).map(|n| format!("\"{}\"", name(n))).collect();
    let when = format!(r#"{{"violated":"{}"}}"#, "x".repeat(60));
    let cue = format!(r#"{{"when":{{"any":[{}]}}}}"#, vec![when; 19].join(","));
    let document = format!(
        r#"{{"name":"town","title":"A","checks":[{}],"cues":[{}]}}"#,
        checks.join(","),
        vec![cue; 50].join(",")
    );
    told(&packed(&format!(r#"{{"document":{document}}}"#)), Fault::Document, &["more"]);
}

/// Every mutation of links that were good, or of nothing at all: an answer, always, and a short one.
#[test]
fn a_hundred_thousand_mutations() {
    let mut seeds = some_links();
    seeds.extend([
        "1.town".to_owned(),
        "1~town.with~a~1.kill~a~1s.move~b~1~-1.pick~_e9_.end".to_owned(),
        String::new(),
    ]);
    seeds.push(packed(r#"{"acts": [{"at": "1s", "act": {"slow": {"node": "a", "factor": 1.5}}}], "seed": 5}"#));
    let good: Vec<Opened> = seeds.iter().filter_map(|seed| read(seed).ok()).collect();
    let letters: Vec<char> = ('\0'..'\u{7f}').chain("._~-.~.~%#é\u{202e}".chars()).collect();
    let mut stream = Stream::new(2_026, Purpose::Faults);
    let mut opened = 0;
    for _ in 0..100_000 {
        let mut link: Vec<char> = seeds[stream.below(seeds.len() as u64) as usize].chars().collect();
        for _ in 0..=stream.below(4) {
            let place = stream.below(link.len() as u64 + 1) as usize;
            let letter = letters[stream.below(letters.len() as u64) as usize];
            match stream.below(6) {
                0 if place < link.len() => drop(link.remove(place)),
                1 if place < link.len() => link[place] = letter,
                2 => link.insert(place, letter),
                3 => link.truncate(place),
                4 => link.extend_from_within(place..),
                _ => link.rotate_left(place),
            }
        }
        let link: String = link.into_iter().collect();
        match read(&link) {
            // What has no checksum may well say something else; what has one never does.
            Ok(found) => {
                opened += 1;
                let free = !link.contains("k~") || link.contains("end");
                assert!(free || good.contains(&found), "{link}");
            }
            Err(error) => {
                assert!(!error.told.is_empty() && error.told.len() < 1_000, "{link}: {}", error.told);
            }
        }
    }
    assert!(opened > 100, "only {opened} opened: the mutations are too wild to test much");
}

/// Fixture links of every version, kept for ever: what was shared once opens, and opens as what it was.
#[test]
fn links_of_every_version_still_open() {
    let text = include_str!("fixtures/links/version-1.json");
    let fixtures: Vec<serde_json::Value> = serde_json::from_str(text).expect("fixtures");
    assert!(fixtures.len() >= 6);
    for fixture in fixtures {
        let link = fixture["link"].as_str().expect("a link");
        let Opened { moment, shown, .. } = read(link).expect(link);
        let tree = |name: &str| Tree::from_json(&fixture[name].to_string()).expect("it is JSON");
        let whole = match &fixture["document"] {
            serde_json::Value::String(name) => document(name),
            whole => Document::from_json(&whole.to_string()).expect("a document"),
        };
        assert_eq!(*moment.document, whole, "{link}");
        assert_eq!(moment.seed, fixture["seed"].as_u64().expect("a seed"), "{link}");
        assert_eq!(moment.settings, schema::read::<Vec<_>>(&tree("settings")).expect("settings"), "{link}");
        assert_eq!(moment.acts, schema::read::<Vec<Stamped>>(&tree("acts")).expect("acts"), "{link}");
        assert_eq!(moment.cursor, schema::read::<Cursor>(&tree("cursor")).expect("a cursor"), "{link}");
        let expected = Shown {
            digest: fixture["digest"].as_u64(),
            speed: fixture["speed"].as_f64(),
            selection: fixture["selection"].as_str().map(|name| Picked::Node(name.to_owned())),
            views: Vec::new(),
            step: None,
            playing: fixture["playing"].as_bool().expect("playing"),
            layout: None,
            moved: schema::read(&tree("moved")).expect("moved"),
        };
        assert_eq!(shown, expected, "{link}");
        // What was not written by hand is written again to the letter, but for the engine's revision and the checksum over
        // it; what is packed has the revision within, so there it has to come to the same.
        if let Some((body, _)) = link.rsplit_once(".k~") {
            let again = write(&moment, &shown).fragment;
            if body.starts_with("1~") {
                let body = format!("{body}.").replacen(".e~1.", &format!(".e~{ENGINE}."), 1);
                assert_eq!(again.rsplit_once("k~").map(|(again, _)| again), Some(&*body));
            } else {
                assert!(again.len().abs_diff(link.len()) < 8, "{again}\n{link}");
                let again = read(&again).expect("what was written");
                assert_eq!((again.moment, again.shown), (moment, shown));
            }
        }
    }
}
