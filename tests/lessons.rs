//! Every lesson shows itself: a lecture without hands ticks every task of every built-in scenario, and so does each step
//! that one begins with. The files are read rather than what was built in, so that who writes a lesson need not build.

#![expect(clippy::disallowed_methods, reason = "these tests read the files that authors write")]

use std::fs;
use std::path::Path;
use std::rc::Rc;

use faultline::player::{Action, Player, Tone};
use faultline::scenario::{Document, Step, builtins};
use faultline::sim::Time;

/// How long a frame is, in seconds on the wall.
const FRAME: f64 = 0.1;
/// How many frames a lecture may take: an hour.
const FRAMES: usize = 36_000;
/// How much faster than a scenario's own speed it is gone through, too.
const FAST: f64 = 10.0;
/// How what is said about a broken promise begins; lessons break some on purpose.
const BROKEN: &str = "A promise is broken: ";
/// How many frames a task may take that is shown or waited for by itself, at [`STEADY`].
const FRAMES_A_TASK: usize = 2_000;
/// How many simulated seconds a second these have.
const STEADY: f64 = 1.0;

/// Tasks that build on the step before: nothing can be restarted that was not killed. Scenario, step and task from 1, why.
const BUILT_ON: &[(&str, usize, usize, &str)] = &[
    ("overload", 3, 1, "a storm that has not begun cannot end"),
    ("quorum", 2, 1, "the node was killed in step 1"),
    ("two-phase-commit", 3, 1, "the coordinator was killed in step 2"),
    ("chain-replication", 3, 1, "the servers were killed in step 2"),
];

/// Tasks that come about only in a run that begins anew, as their steps say: not in one in which all before was done.
const ANEW: &[(&str, usize, usize, &str)] = &[
    ("breaking-up-tasks", 3, 2, "the jobs of a whole minute have to be slow"),
    ("breaking-up-tasks", 4, 2, "what was promised of earlier jobs is broken already, or void"),
    ("consistent-hashing", 5, 1, "how many caches there are by then says whether one is overrun"),
    ("independent-failures", 2, 1, "nothing is promised once all replicas were down at once"),
    ("one-computer", 4, 1, "nothing is promised once all servers were down at once"),
    ("pbft", 4, 1, "who has lied once is none of those who must agree"),
];
/// Tasks that wait longer than others for what comes about by itself, and until when.
const LATE: &[(&str, usize, usize, &str)] = &[("independent-failures", 3, 1, "the rack's switch fails from 150 s on")];

/// Tasks that come about by themselves as well, and why.
const CUED: &[(&str, usize, usize, &str)] = &[
    ("detectors", 3, 1, "a cue pauses swim-5"),
    ("queue", 2, 1, "a cue kills consumer-1"),
    ("consistent-hashing", 2, 1, "a cue adds a sixth cache"),
    ("election", 1, 1, "a cue kills node-7, the coordinator"),
    ("merkle-trees", 3, 1, "a cue cuts copy-3 off for a while"),
];
/// For how long it is watched whether they do.
const ALONE: Time = Time(120_000_000);

fn steps(document: &Document) -> &[Step] {
    document.lesson.as_ref().map_or(&[], |lesson| &lesson.steps)
}

fn open(document: &Document) -> Player {
    let mut player = Player::new(Rc::new(document.clone())).expect("it has no problems");
    player.dispatch(Action::Resize(900.0, 640.0));
    player
}

fn taught(name: &str) -> Document {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("static/scenarios/{name}.toml"));
    let text = fs::read_to_string(&path).unwrap_or_else(|told| panic!("{}: {told}", path.display()));
    Document::from_toml(&text).unwrap_or_else(|problems| panic!("{name}: {}", problems[0]))
}

/// What was said that is no broken promise.
fn refusals(player: &mut Player, said: &mut Vec<String>) {
    let warned = player.notices().iter().filter(|notice| notice.tone == Tone::Warn && !notice.told.starts_with(BROKEN));
    let warned: Vec<(u64, String)> = warned.map(|notice| (notice.id, notice.told.clone())).collect();
    for (id, told) in warned {
        let (step, now) = (player.lesson_step() + 1, player.timeline().now());
        said.push(format!("step {step}, at {now}: {told}"));
        player.dispatch(Action::Dismiss(id));
    }
}

/// The tasks that are not ticked, each in words.
fn open_tasks(player: &Player, only: Option<usize>) -> Vec<String> {
    let mut open = Vec::new();
    for (step, of) in steps(player.timeline().document()).iter().enumerate() {
        for (task, of) in of.tasks.iter().enumerate() {
            if only.is_none_or(|only| only == step) && !player.ticked(step, task) {
                open.push(format!("step {}, task {}, “{}”", step + 1, task + 1, of.text));
            }
        }
    }
    open
}

/// Goes through the whole lesson without hands; what went wrong.
fn lecture(name: &str, document: &Document, faster: f64) -> Vec<String> {
    let mut player = open(document);
    let speed = player.speed() * faster;
    player.dispatch(Action::Speed(speed));
    player.dispatch(Action::Lecture(true));
    let mut wrong = Vec::new();
    let mut frames = 0;
    while player.lectures() && frames < FRAMES {
        player.frame(FRAME);
        refusals(&mut player, &mut wrong);
        frames += 1;
    }
    if player.lectures() {
        wrong.push(format!("the lecture does not end within {FRAMES} frames"));
    }
    let anew = |task: &String| {
        ANEW.iter().any(|(on, step, of, _)| *on == name && task.starts_with(&format!("step {step}, task {of},")))
    };
    wrong.extend(
        open_tasks(&player, None).into_iter().filter(|task| !anew(task)).map(|task| format!("{task} is not ticked")),
    );
    wrong.into_iter().map(|told| format!("{name} at {speed}: {told}")).collect()
}

#[test]
fn every_lesson_shows_itself_without_hands() {
    let all = builtins().flat_map(|name| lecture(name, &taught(name), 1.0));
    let wrong: Vec<String> = all.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn deeds_are_done_at_their_instants_however_fast_one_watches() {
    let wrong: Vec<String> = builtins().flat_map(|name| lecture(name, &taught(name), FAST)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_step_can_be_shown_from_the_beginning() {
    let mut wrong = Vec::new();
    for name in builtins() {
        let document = taught(name);
        for (step, of) in steps(&document).iter().enumerate() {
            let mut player = open(&document);
            player.dispatch(Action::Speed(STEADY));
            player.dispatch(Action::Step(step));
            for (task, of) in of.tasks.iter().enumerate() {
                let built_on =
                    BUILT_ON.iter().chain(LATE).any(|(on, at, of, _)| (*on, *at, *of) == (name, step + 1, task + 1));
                let mut said = Vec::new();
                if !of.show.is_empty() && !built_on {
                    player.dispatch(Action::ShowTask(task));
                }
                let mut frames = 0;
                while !player.ticked(step, task) && !built_on && frames < FRAMES_A_TASK {
                    player.frame(FRAME);
                    refusals(&mut player, &mut said);
                    frames += 1;
                }
                if !player.ticked(step, task) && !built_on {
                    said.push(format!("“{}” is not ticked", of.text));
                }
                let place = format!("{name}, step {}, task {}", step + 1, task + 1);
                wrong.extend(said.into_iter().map(|told| format!("{place}: {told}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn without_deeds(name: &str) -> Document {
    let mut document = taught(name);
    let steps = document.lesson.iter_mut().flat_map(|lesson| &mut lesson.steps);
    steps.flat_map(|step| &mut step.tasks).for_each(|task| task.show.clear());
    document
}

#[test]
fn what_is_shown_does_not_come_about_by_itself() {
    let mut wrong = Vec::new();
    for name in builtins() {
        let document = taught(name);
        let mut player = open(&without_deeds(name));
        player.dispatch(Action::Seek(ALONE));
        while player.timeline().now() < ALONE {
            player.frame(FRAME);
        }
        for (step, of) in steps(&document).iter().enumerate() {
            for (task, of) in of.tasks.iter().enumerate().filter(|(_, task)| !task.show.is_empty()) {
                let place = (name, step + 1, task + 1);
                let cued = CUED.iter().any(|(on, at, of, _)| (*on, *at, *of) == place);
                if player.ticked(step, task) != cued {
                    wrong.push(format!("{place:?}, “{}”: ticked by itself or not, other than is said", of.text));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_lesson_without_its_deeds_is_found_out() {
    let wrong = lecture("swim", &without_deeds("swim"), FAST);
    let told = |what: &str| wrong.iter().any(|one| one.starts_with("swim") && one.contains(what));
    assert!(told("step 2, task 1, “Kill a {member|member}” is not ticked"), "{wrong:#?}");
    assert!(!told("step 1"), "what comes about by itself does: {wrong:#?}");
}

/// A document with one task, which this shows.
fn shown_by(deeds: &str) -> String {
    let task = r#"tasks = [{ text = "Kill it", done = { happened = { what = "crashed" } }, show = "#;
    format!(
        "name = \"one\"\ntitle = \"One\"\n[[groups]]\nname = \"stores\"\nkind = \"store\"\ncount = 2\n\
         [[lesson.steps]]\ntitle = \"One\"\ntext = \"One\"\n{task}{deeds} }}]\n"
    )
}

#[test]
fn a_deed_that_names_nobody_is_said_or_refused() {
    let document = Document::from_toml(&shown_by("[{ act = { kill = { node = \"@leader\" } } }]")).expect("it is well");
    let mut player = open(&document);
    player.dispatch(Action::Speed(1.0));
    player.dispatch(Action::ShowTask(0));
    let mut said = Vec::new();
    for _ in 0..300 {
        player.frame(FRAME);
        refusals(&mut player, &mut said);
    }
    assert_eq!(said.len(), 1, "once, when it was waited for long enough: {said:?}");
    assert!(said[0].ends_with("This cannot be shown just now: Nobody is “leader” just now."), "{said:?}");
    let problems = Document::from_toml(&shown_by("[{ act = { kill = { node = \"stoers\" } } }]")).expect_err("a slip");
    assert!(problems[0].to_string().contains("did you mean \"stores\""), "{}", problems[0]);
    let problems = Document::from_toml(&shown_by("[{ act = { kill = { node = \"@stoers:store\" } } }]"));
    assert!(problems.is_err(), "the group of a state is a name");
}

#[test]
fn what_need_not_be_put_back_is_passed_over() {
    let deeds = r#"[{ act = { restart = { node = "stores" } } }, { wait = "2s", act = { kill = { node = "@stores:store" } } }]"#;
    let mut player = open(&Document::from_toml(&shown_by(deeds)).expect("it is well"));
    player.dispatch(Action::Speed(FAST));
    player.dispatch(Action::ShowTask(0));
    player.frame(FRAME);
    assert!(!player.ticked(0, 0), "two seconds are more than a frame");
    for _ in 0..100 {
        player.frame(FRAME);
    }
    assert!(player.ticked(0, 0) && player.notices().is_empty(), "{:?}", player.notices());
    assert_eq!(player.timeline().acts()[0].at, Time(2_000_000), "at its instant, also when one watches fast");
}
