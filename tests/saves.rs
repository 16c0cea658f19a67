//! What is saved as a file says what one stands at, and saving changes nothing.
#![cfg(not(target_arch = "wasm32"))]

use std::rc::Rc;

use faultline::link;
use faultline::player::{Action, Player, Save};
use faultline::scenario::{Act, Document, builtin};
use faultline::sim::{Time, Value};
use faultline::trace::export::MAX_LINES;

const PAGE: &str = "https://example.org/faultline/";

/// A chat in which senders say “safe” too early, until two of them have died.
fn broken() -> Player {
    let mut player = Player::new(Rc::new(builtin("chat").expect("it is built in"))).expect("it has no problems");
    player.dispatch(Action::Resize(900.0, 640.0));
    player.dispatch(Action::Seek(Time(500_000)));
    player.dispatch(Action::Turn(0, Value::text("before-store")));
    for (at, node) in [(2_000_000, "sender-1"), (3_000_000, "sender-2")] {
        player.dispatch(Action::Seek(Time(at)));
        player.dispatch(Action::Act(Act::Kill { node: node.into(), disk: false }));
    }
    player.dispatch(Action::Seek(Time(8_000_000)));
    assert!(!player.timeline().run().violations().is_empty());
    player
}

#[test]
fn every_file_is_what_it_is_called_and_saving_changes_nothing() {
    let mut player = broken();
    let before = player.timeline().run().digest();
    for (save, name) in Save::ALL {
        let saved = player.save(save, PAGE);
        assert!(saved.name.starts_with("chat") && !saved.text.is_empty(), "{name}: {}", saved.name);
        match saved.media {
            "application/json" => {
                let read: Result<serde_json::Value, _> = serde_json::from_str(&saved.text);
                assert!(read.is_ok(), "{name}: {read:?}");
            }
            "application/jsonl" => assert!(
                saved.text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()),
                "{name} is JSON, line by line"
            ),
            "image/svg+xml" => assert!(saved.text.starts_with("<svg") && saved.text.ends_with("</svg>\n"), "{name}"),
            "text/csv" => {
                let width = |line: &str| line.split(',').count();
                let head = saved.text.lines().next().expect("it has a head");
                assert!(saved.text.lines().all(|line| width(line) == width(head)), "{name}");
            }
            _ => {}
        }
    }
    assert_eq!(player.timeline().run().digest(), before);
    let document = player.save(Save::Scenario, PAGE).text;
    assert_eq!(Document::from_json(&document).as_ref(), Ok(&**player.timeline().document()));
}

#[test]
fn a_report_tells_what_broke_and_leads_there() {
    let mut player = broken();
    let report = player.save(Save::Report, PAGE).text;
    let broken = player.timeline().run().violations()[0].clone();
    assert!(
        report.contains(&*broken.told) && report.contains("kill sender-2") && report.contains("**broken"),
        "{report}"
    );
    assert!(report.contains("```mermaid\nsequenceDiagram\n"), "{report}");
    let there =
        report.split("[See it happen](").nth(1).and_then(|rest| rest.split(')').next()).expect("it leads there");
    let fragment = there.strip_prefix(PAGE).and_then(|rest| rest.strip_prefix('#')).expect("it leads to the page");
    let opened = link::read(fragment).expect("the link opens");
    assert_eq!(opened.moment.cursor.at, broken.at);
    let at = Player::at_moment(&opened.moment).expect("it runs");
    assert!(at.timeline().run().violations().iter().any(|other| other.told == broken.told));
}

#[test]
fn a_sequence_diagram_has_an_end_and_says_nothing_that_mermaid_would_obey() {
    let mut player = broken();
    let act = Act::Add { what: "senders".into(), name: Some("x-y".into()) };
    player.dispatch(Action::Act(act));
    let text = player.save(Save::Mermaid, PAGE).text;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "sequenceDiagram");
    let named = |line: &&&str| line.trim_start().starts_with("participant");
    let drawn = lines.len() - 1 - lines.iter().filter(named).count();
    assert!((2..=MAX_LINES + 1).contains(&drawn), "{drawn}");
    for line in &lines[1..] {
        let line = line.trim_start();
        let body = line.split_once(": ").map_or("", |(_, body)| body);
        assert!(
            line.starts_with("participant n") || line.starts_with("Note over n") || line.starts_with('n'),
            "{line}"
        );
        let bare = body.replace("#58;", "").replace("#35;", "").replace("#60;", "").replace("#62;", "");
        let bare = ["#59;", "#37;", "#123;", "#125;"].iter().fold(bare, |text, code| text.replace(code, ""));
        assert!(!bare.contains(['#', ';', ':', '<', '>', '%', '{', '}']), "{line}");
    }
}
