//! Walks the registries: whatever stands in one must work everywhere that it is offered.

use std::rc::Rc;

use faultline::check::CHECKS;
use faultline::components::{KINDS, kind};
use faultline::scenario::{Act, Document, Run, builtin, builtins};
use faultline::sim::{Time, What};

#[test]
fn every_built_in_document_is_in_order_and_runs() {
    for name in builtins() {
        let document = builtin(name).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        // The page reads them without looking for mistakes again.
        assert_eq!(document.problems(), [], "{name}");
        assert_eq!(document.name, name, "a document has the name of its file");
        assert!(document.lesson.as_ref().is_some_and(|lesson| lesson.steps.len() >= 3), "{name} has a lesson");
        assert!(
            !document.checks.is_empty() && !document.simplifications.is_empty(),
            "{name} says what holds, and what is simpler"
        );
        assert!(
            !document.summary.is_empty() && !document.hint.is_empty(),
            "{name} says what one sees, and what to try"
        );
        let seed = document.seed;
        let mut run = Run::new(Rc::new(document), seed).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        run.run_until(Time(30_000_000), &mut ());
        assert!(run.broken() == 0 && run.world.halted().is_none(), "{name}: {:?}", run.violations());
    }
}

#[test]
fn every_kind_can_be_placed_alone_beside_any_scenario() {
    for name in builtins() {
        let document = Rc::new(builtin(name).expect("the test above says so"));
        for kind in KINDS {
            let mut run = Run::new(document.clone(), 1).expect("the test above says so");
            let mut records = Vec::new();
            run.run_until(Time(1_000_000), &mut ());
            let act = Act::Add { what: document.lone_name(kind.name), name: None };
            run.act(&act, &mut records).unwrap_or_else(|told| panic!("{}: {told}", kind.name));
            let placed = records.iter().find(|record| matches!(record.what, What::Placed)).expect("it was placed");
            let node = run.world.node(placed.node).expect("it is there");
            assert_eq!((node.kind, node.links.len()), (kind.name, 0), "it stands alone");
            run.run_until(Time(20_000_000), &mut ());
            assert_eq!(run.broken(), 0, "{name} with {}: {:?}", kind.name, run.violations());
        }
    }
}

#[test]
fn kinds_and_checks_have_names_and_words_of_their_own() {
    for (place, known) in KINDS.iter().enumerate() {
        assert!(KINDS[..place].iter().all(|other| other.name != known.name), "{} stands twice", known.name);
        assert!(!known.title.is_empty() && known.about.ends_with('.'), "{} is described", known.name);
        assert!(known.talks_to.iter().all(|name| kind(name).is_some()), "{} talks to kinds that are there", known.name);
        for field in known.fields() {
            assert!(field.help.trim().ends_with('.'), "{}.{} is described", known.name, field.name);
        }
    }
    for (place, known) in CHECKS.iter().enumerate() {
        assert!(CHECKS[..place].iter().all(|other| other.name != known.name));
        assert!(!known.brief.is_empty() && !known.promise.is_empty());
        assert_eq!((known.make)().name(), known.name);
    }
}

#[test]
fn a_document_of_nothing_is_a_document() {
    let document = Document::from_json(r#"{"name": "empty", "title": "Nothing yet"}"#).expect("all else has a default");
    let mut run = Run::new(Rc::new(document), 1).expect("it has no problems");
    run.run_until(Time(5_000_000), &mut ());
    assert_eq!(run.world.now(), Time(5_000_000));
}
