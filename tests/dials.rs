//! Dials and settings that are turned again and again, anywhere a slider goes: a run stays a run. Nothing happens without
//! end at one instant, and what happened can be gone back to.
#![cfg(not(target_arch = "wasm32"))]

use std::rc::Rc;

use faultline::components::kind;
use faultline::player::Slider;
use faultline::scenario::{Act, Document, builtin, builtins, dial_range};
use faultline::sim::{Field, FieldKind, Purpose, Stream, Time, Value};
use faultline::timeline::{Cursor, Timeline};

/// How often something is turned, and how long after one another.
const TURNS: u64 = 100;
const GAP: u64 = 200_000;
/// How much is done at once: a hundred times what happens between two turns of the busiest scenario as it is. Where
/// somebody asks a hundred thousand times a second it is used up, and time has gone on by so much at least.
const MOST: u64 = 100_000;
const LEAST: u64 = 20_000;

/// A value that a person can give a setting.
fn anywhere(field: &Field, range: Option<(f64, f64)>, rng: &mut Stream) -> Value {
    let draw = rng.bits();
    match (field.kind)() {
        FieldKind::Flag => Value::Flag(draw.is_multiple_of(2)),
        FieldKind::Choice(words) => Value::text(words[draw as usize % words.len()]),
        slides => {
            let slider = Slider::of(slides, range).expect("a slider");
            // The ends are where it is hardest.
            let notch = match draw % 4 {
                0 => 0,
                1 => slider.last(),
                _ => (draw >> 8) as u32 % (slider.last() + 1),
            };
            slider.value(notch)
        }
    }
}

fn one_of<'a, T>(all: &'a [T], rng: &mut Stream) -> Option<&'a T> {
    all.get(rng.below(all.len().max(1) as u64) as usize)
}

/// Turns a dial, or sets something of a component.
fn turn(document: &Document, timeline: &Timeline, rng: &mut Stream) -> Option<Act> {
    let fields = |group: &str| {
        let group = document.groups.iter().find(|other| other.name == group)?;
        Some(kind(&group.kind)?.fields())
    };
    if rng.bits().is_multiple_of(2) {
        let dial = one_of(&document.dials, rng)?;
        let field = fields(&dial.group)?.iter().find(|field| field.name == dial.field)?;
        let value = anywhere(field, dial_range(dial, &(field.kind)()), rng);
        return Some(Act::Dial { dial: dial.name.clone(), value });
    }
    let nodes: Vec<_> = timeline.run().world.nodes().collect();
    let (_, node) = one_of(&nodes, rng)?;
    let group = document.groups.get(node.template as usize)?;
    let field = one_of(fields(&group.name)?, rng)?;
    let value = anywhere(field, None, rng);
    Some(Act::Set { node: node.name.to_string(), field: field.name.to_owned(), value })
}

#[test]
fn a_hundred_turns_are_run_through_and_gone_back_to() {
    for name in builtins() {
        let document = Rc::new(builtin(name).expect("it is built in"));
        let mut rng = Stream::new(7, Purpose::Faults);
        let mut timeline = Timeline::new(document.clone(), 1, Vec::new()).expect("it has no problems");
        for turns in 1..=TURNS {
            let before = timeline.now();
            if !timeline.advance(Time(turns * GAP), MOST) {
                let last = timeline.acts().last().map(|stamped| stamped.act.words());
                let now = timeline.now();
                assert!(now.since(before).0 > LEAST, "{name}: {MOST} steps from {before:?} to {now:?}, after {last:?}");
                break;
            }
            let Some(act) = turn(&document, &timeline, &mut rng) else { continue };
            // It may be so already, or not go with what another is: that is said in a sentence.
            if let Err(told) = timeline.act(act) {
                assert!(told.contains(' '), "{name}: {told}");
            }
        }
        let here = (timeline.cursor(), timeline.run().digest());
        timeline.seek(Cursor { at: Time(here.0.at.0 / 2), steps: None });
        timeline.seek(here.0);
        assert_eq!(timeline.run().digest(), here.1, "{name}");
    }
}
