//! Holds what ARCHITECTURE.md says about the sources, by reading them: who may know whom, what the core must not reach
//! for, how long a file may be, what never stands in a tracked file. Every finding names the place and what to do about
//! it, and every rule has a test that it does find something.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::disallowed_methods, reason = "it reads the sources")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Every room of `src`, and which others it may name. `sim` knows nobody; nothing points back.
const ROOMS: &[(&str, &[&str])] = &[
    ("sim", &[]),
    ("protocols", &["sim"]),
    ("components", &["sim", "protocols"]),
    ("check", &["sim", "protocols", "components"]),
    ("trace", &["sim", "protocols", "components"]),
    ("scenario", &["sim", "protocols", "components", "check", "trace"]),
    ("timeline", &["sim", "protocols", "components", "check", "trace", "scenario"]),
    ("scene", &["sim", "protocols", "components", "scenario"]),
    ("views", &["sim", "protocols", "components", "trace", "scene"]),
    ("link", &["sim", "protocols", "components", "scenario", "timeline"]),
    ("player", &["sim", "protocols", "components", "check", "trace", "scenario", "timeline", "scene", "views", "link"]),
    ("ui", BELOW_UI),
    ("cli", BELOW_UI),
];

/// What the two outermost rooms may name: all but one another.
const BELOW_UI: &[&str] =
    &["sim", "protocols", "components", "check", "trace", "scenario", "timeline", "scene", "views", "link", "player"];

/// The rooms that may touch the outside: the browser in `ui`, files and the terminal in `cli`.
const OUTER: &[&str] = &["ui", "cli"];

/// What names the browser.
const WEB: &[&str] = &["yew", "web_sys", "js_sys", "wasm_bindgen", "wasm_bindgen_futures", "gloo"];

/// What the core must not name, and why. `clippy.toml` says the same of most by type; this also sees what a macro hides
/// and what an `#[allow]` would let through.
const FORBIDDEN: &[(&str, &str)] = &[
    ("HashMap", "its order differs from map to map: BTreeMap, IndexMap or Vec"),
    ("HashSet", "its order differs from set to set: BTreeSet or Vec"),
    ("RandomState", "differs from run to run"),
    ("std::time", "simulated time is a value: sim::Time, sim::Micros"),
    ("std::thread", "wasm has none, and their order is not ours"),
    ("std::sync", "nothing is shared between threads, and globals outlive a run"),
    ("std::fs", "only src/cli reads and writes files"),
    ("std::env", "what changes a run is a value in its document"),
    ("std::net", "the core talks to nobody"),
    ("std::process", "only src/cli and src/main.rs end the process"),
    ("thread_local!", "a run keeps its state in its world"),
    ("static mut", "a run keeps its state in its world"),
    ("unsafe", "nothing here needs it"),
    ("println!", "records, notes and returned values speak; only src/cli prints"),
    ("eprintln!", "records, notes and returned values speak; only src/cli prints"),
    ("print!", "records, notes and returned values speak; only src/cli prints"),
    ("eprint!", "records, notes and returned values speak; only src/cli prints"),
];

/// Methods of `f32` and `f64` whose last bits differ between native code and wasm.
const INEXACT: &[&str] = &[
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "cos", "cosh", "exp", "exp2", "exp_m1",
    "hypot", "ln", "ln_1p", "log", "log10", "log2", "powf", "powi", "sin", "sin_cos", "sinh", "tan", "tanh",
];

/// How many lines a file may have.
const LONGEST: usize = 600;

/// Files that may be longer, how much, and why.
const LONGER: &[(&str, usize, &str)] = &[
    ("tests/links.rs", 700, "every form of a link with every mistake, in one place that can be read through"),
    ("tests/chat.rs", 700, "one harness and everything that is done to a chat with it"),
];

/// Something that breaks a rule: line, what, what to do.
type Finding = (usize, String);

// What is read, and how.

/// The repository's own text files: path and content. Build folders and what tools keep in hidden folders are left out.
fn files() -> Vec<(String, String)> {
    fn walk(root: &Path, folder: &Path, found: &mut Vec<(String, String)>) {
        let mut entries: Vec<_> = fs::read_dir(folder)
            .expect("the folder can be read")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        entries.sort();
        for path in entries {
            let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
            let built = ["target", "dist", "node_modules", "out"].contains(&&*name);
            let hidden = name.starts_with('.')
                && ![".cargo", ".ci", ".config", ".github", ".gitignore", ".npmrc"].contains(&&*name);
            if built || hidden {
                continue;
            }
            if path.is_dir() {
                walk(root, &path, found);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let path = path.strip_prefix(root).expect("it is inside").to_string_lossy().replace('\\', "/");
                found.push((path, text));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(root, root, &mut found);
    found
}

/// A Rust source with comments and the insides of its strings blanked, line for line: only code is left.
fn code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let blank = |c: char| if c == '\n' { '\n' } else { ' ' };
    while at < chars.len() {
        let rest = &chars[at..];
        let starts = |what: &str| what.chars().enumerate().all(|(place, c)| rest.get(place) == Some(&c));
        let after_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
        let raw = rest.iter().skip(1).take_while(|c| **c == '#').count();
        let length = if starts("//") {
            rest.iter().position(|c| *c == '\n').unwrap_or(rest.len())
        } else if starts("/*") {
            let (mut depth, mut place) = (0usize, 0);
            loop {
                match (rest.get(place), rest.get(place + 1)) {
                    (Some('/'), Some('*')) => (depth, place) = (depth + 1, place + 2),
                    (Some('*'), Some('/')) => (depth, place) = (depth - 1, place + 2),
                    (Some(_), _) => place += 1,
                    (None, _) => break place,
                }
                if depth == 0 {
                    break place;
                }
            }
        } else if rest[0] == 'r' && rest.get(1 + raw) == Some(&'"') && (!after_word || chars[at - 1] == 'b') {
            let end: String = format!("\"{}", "#".repeat(raw));
            let body: String = rest[2 + raw..].iter().collect();
            2 + raw + body.find(&end).map_or(body.chars().count(), |end| body[..end].chars().count()) + end.len()
        } else if rest[0] == '"' {
            let mut place = 1;
            while let Some(c) = rest.get(place).filter(|c| **c != '"') {
                place += if *c == '\\' { 2 } else { 1 };
            }
            place + 1
        } else if rest[0] == '\'' && rest.get(1) == Some(&'\\') {
            rest.iter().skip(3).position(|c| *c == '\'').map_or(rest.len(), |place| place + 4)
        } else if rest[0] == '\'' && rest.get(2) == Some(&'\'') {
            3
        } else {
            out.push(rest[0]);
            at += 1;
            continue;
        };
        let length = length.min(rest.len());
        out.extend(rest[..length].iter().copied().map(blank));
        at += length;
    }
    out
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where `word` stands in `text` as a word of its own, not as part of a longer one.
fn places<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = text[..*at].chars().next_back().is_some_and(is_word);
        let after = text[at + word.len()..].chars().next().is_some_and(is_word);
        !before && (!after || !word.ends_with(is_word))
    })
}

/// The first words of what a path goes on with: one, or several in braces.
fn heads(rest: &str) -> Vec<String> {
    let word = |text: &str| text.trim_start().chars().take_while(|c| is_word(*c)).collect::<String>();
    let Some(inside) = rest.strip_prefix('{') else { return vec![word(rest)] };
    let (mut depth, mut part, mut found) = (0, String::new(), Vec::new());
    for c in inside.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => found.push(word(&std::mem::take(&mut part))),
            _ => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                part.push(c);
            }
        }
    }
    found.push(word(&part));
    found
}

/// The room that a source of `src` belongs to; `lib.rs` and `main.rs` belong to none.
fn room(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/").filter(|_| path.ends_with(".rs"))?;
    let room = inside.split('/').next()?;
    let room = room.strip_suffix(".rs").unwrap_or(room);
    (!["lib", "main"].contains(&room)).then_some(room)
}

// The rules. Each takes a path and a text, and says what is wrong with them.

fn layering(path: &str, text: &str) -> Vec<Finding> {
    let Some(room) = room(path) else { return Vec::new() };
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return vec![(
            1,
            format!(
                "src/{room} is a new room: give it a line in ROOMS of tests/tidy.rs, in src/lib.rs and in ARCHITECTURE.md"
            ),
        )];
    };
    let code = code(text);
    let depth = path.trim_end_matches("/mod.rs").matches('/').count();
    let mut found = Vec::new();
    let mut see = |at: usize, names: Vec<String>| {
        for name in names {
            if ROOMS.iter().any(|(known, _)| *known == name) && name != room && !allowed.contains(&&*name) {
                let knows = if allowed.is_empty() { "nobody".to_owned() } else { allowed.join(", ") };
                let told = format!("{room} names {name}, but knows {knows}: move what it needs down, or hand it in");
                found.push((line_of(&code, at), told));
            }
        }
    };
    for at in places(&code, "crate::") {
        see(at, heads(&code[at + "crate::".len()..]));
    }
    // As many `super` as lead out of the room lead to the others as well.
    let out = "super::".repeat(depth);
    for at in places(&code, "super::").filter(|at| code[*at..].starts_with(&out)) {
        see(at, heads(code[at..].trim_start_matches("super::")));
    }
    found
}

/// Reads and writes numbers by the language's own functions, which are the same everywhere, instead of tables that
/// weigh 20 kB in the download.
const NUMBERS: &str = "src/sim/number.rs";

fn browser_only_in_ui(path: &str, text: &str) -> Vec<Finding> {
    if !path.starts_with("src/") || path == "src/main.rs" || path == NUMBERS || room(path) == Some("ui") {
        return Vec::new();
    }
    let code = code(text);
    let told = |name: &str| format!("{name} stands outside of src/ui: turn it into a value there and hand that in");
    let uses = |name: &'static str| places(&code, name).filter(|at| code[at + name.len()..].starts_with("::"));
    WEB.iter().flat_map(|name| uses(name).map(|at| (line_of(&code, at), told(name)))).collect()
}

fn nothing_ambient(path: &str, text: &str) -> Vec<Finding> {
    // What a test reads or prints changes no run.
    let test = path.ends_with("/tests.rs");
    if room(path).is_none_or(|room| OUTER.contains(&room)) || test {
        return Vec::new();
    }
    let code = code(text);
    let told = |name: &str, why: &str| format!("{name} stands in the core: {why}");
    FORBIDDEN
        .iter()
        .flat_map(|(name, why)| places(&code, name).map(|at| (line_of(&code, at), told(name, why))).collect::<Vec<_>>())
        .collect()
}

fn exact_floats(path: &str, text: &str) -> Vec<Finding> {
    if room(path).is_none_or(|room| room == "ui") {
        return Vec::new();
    }
    let code = code(text);
    let mut found = Vec::new();
    for name in INEXACT {
        let told = format!("{name} of the standard library differs between native and wasm: take libm's");
        for at in places(&code, name) {
            let (before, after) = (&code[..at], &code[at + name.len()..]);
            let method = before.ends_with('.') && after.starts_with('(');
            // `log` with nothing in its brackets is not a logarithm: that of a float takes its base.
            let logbook = *name == "log" && after.starts_with("()");
            let path = before.ends_with("f64::") || before.ends_with("f32::");
            if method && !logbook || path {
                found.push((line_of(&code, at), told.clone()));
            }
        }
    }
    found
}

fn finished(path: &str, text: &str) -> Vec<Finding> {
    if !path.ends_with(".rs") {
        return Vec::new();
    }
    let code = code(text);
    let mut found = Vec::new();
    for name in ["todo!", "unimplemented!", "dbg!"] {
        let told = format!("{name}: finish it, or leave it out");
        found.extend(places(&code, name).map(|at| (line_of(&code, at), told.clone())));
    }
    for at in code.match_indices("#[ignore").map(|(at, _)| at) {
        let reason = code[at..].split(']').next().is_some_and(|attribute| attribute.contains('='));
        if !reason {
            found.push((line_of(&code, at), "a test is left out and does not say why: #[ignore = \"…\"]".to_owned()));
        }
    }
    found
}

fn short_files(path: &str, text: &str) -> Vec<Finding> {
    if ![".rs", ".sh", ".mjs", ".js"].iter().any(|end| path.ends_with(end)) {
        return Vec::new();
    }
    let limit = LONGER.iter().find(|(longer, ..)| *longer == path).map_or(LONGEST, |(_, limit, _)| *limit);
    let lines = text.lines().count();
    let told = || format!("{lines} lines, {limit} are the limit: split it where it has a seam");
    if lines > limit { vec![(lines, told())] } else { Vec::new() }
}

fn no_machine(path: &str, text: &str) -> Vec<Finding> {
    // Written in two halves, so that this file keeps its own rule.
    let folders = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Use", "rs/")];
    let hosts = [
        concat!("npm", "js.org"),
        concat!("npm", "js.com"),
        concat!("static.crates", ".io"),
        concat!("index.crates", ".io"),
        concat!("yarn", "pkg.com"),
        concat!("deb.debian", ".org"),
    ];
    let mut found = Vec::new();
    for (place, line) in text.lines().enumerate() {
        for folder in folders {
            let starts = |at: usize| !line[..at].ends_with(|c: char| is_word(c) || "./-~}*>".contains(c));
            if line.match_indices(folder).any(|(at, _)| starts(at)) {
                let told = format!("a path of one machine, {folder}…: say it from the repository's root");
                found.push((place + 1, told));
            }
        }
        for host in hosts {
            if line.contains(host) {
                found.push((
                    place + 1,
                    format!("a registry's host, {host}: which one is used is the reader's business"),
                ));
            }
        }
        let source = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
        if path == "Cargo.lock" && line.starts_with("source = ") && line != source {
            found.push((place + 1, "a package from somewhere else than crates.io".to_owned()));
        }
    }
    found
}

/// Links of the documents to files, and paths in backticks: all must lead somewhere.
fn documents(path: &str, text: &str, exists: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    if !path.ends_with(".md") {
        return Vec::new();
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut found = Vec::new();
    for (place, line) in text.lines().enumerate() {
        let linked = line.match_indices("](").map(|(at, _)| line[at + 2..].split(')').next().unwrap_or_default());
        for target in linked.filter(|target| !target.contains("://") && !target.starts_with(['#', '<'])) {
            let file = target.split('#').next().unwrap_or_default();
            if !exists(&joined(folder, file)) {
                found.push((place + 1, format!("a link to {file}, which is not there")));
            }
        }
        let rooted = ["src/", "tests/", "tools/", "docs/", "static/", "benches/", ".ci/", ".cargo/"];
        for quoted in line.split('`').skip(1).step_by(2) {
            let named = quoted.split(['#', ':']).next().unwrap_or_default();
            let whole = !named.contains(|c: char| c.is_whitespace() || "*…<{$".contains(c));
            let shouted = named.contains(|c: char| c.is_ascii_uppercase());
            if whole && !shouted && rooted.iter().any(|root| named.starts_with(root)) && !exists(named) {
                found.push((place + 1, format!("names {named}, which is not there: say where it went")));
            }
        }
    }
    found
}

fn joined(folder: &str, file: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in file.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

// The tree keeps them.

fn hold(rule: impl Fn(&str, &str) -> Vec<Finding>) {
    let files = files();
    assert!(files.iter().any(|(path, _)| path == "src/lib.rs"), "the sources are where this test looks for them");
    let mut told = String::new();
    for (path, text) in &files {
        for (line, what) in rule(path, text) {
            writeln!(told, "{path}:{line}: {what}").expect("a String takes every line");
        }
    }
    assert!(told.is_empty(), "\n{told}");
}

#[test]
fn every_room_knows_only_those_below_it() {
    hold(layering);
}

#[test]
fn the_browser_stands_in_ui_only() {
    hold(browser_only_in_ui);
}

#[test]
fn the_core_reaches_for_nothing_ambient() {
    hold(nothing_ambient);
}

#[test]
fn floats_have_the_same_bits_everywhere() {
    hold(exact_floats);
}

#[test]
fn nothing_is_left_unfinished() {
    hold(finished);
}

#[test]
fn files_are_short() {
    hold(short_files);
}

#[test]
fn no_file_knows_a_machine() {
    hold(no_machine);
}

#[test]
fn documents_name_what_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    hold(|path, text| documents(path, text, &|file| root.join(file).exists()));
}

// And the rules find what they are for.

fn finds(rule: impl Fn(&str, &str) -> Vec<Finding>, path: &str, bad: &str, good: &str) {
    let found = rule(path, bad);
    assert!(!found.is_empty() && found.iter().all(|(line, told)| *line == 1 && told.len() > 20), "{bad}: {found:?}");
    assert_eq!(rule(path, good), [], "{good}");
}

#[test]
fn layering_is_found() {
    finds(layering, "src/sim/queue.rs", "use crate::components::World;", "use crate::sim::Time; // crate::ui::App");
    finds(layering, "src/protocols/raft.rs", "use crate::{sim::Time, scene::Ink};", "use crate::{sim::Time, config};");
    finds(layering, "src/scenario/act.rs", "fn f() -> crate::timeline::Tape {}", "let text = \"crate::timeline\";");
    finds(layering, "src/scene/svg.rs", "use crate::player::Action;", "use crate::scenario::{Act, player};");
    finds(layering, "src/check/chat.rs", "use super::super::trace::Log;", "use super::super::components::World;");
    finds(layering, "src/check/mod.rs", "use super::trace::Log;", "use super::sim::Time;");
    finds(layering, "src/ui/app.rs", "use crate::cli::main;", "use crate::player::{self, Action};");
    let told = layering("src/games/mod.rs", "");
    assert!(told.len() == 1 && told[0].1.contains("new room"), "{told:?}");
    assert_eq!(layering("src/main.rs", "faultline::ui::start(); crate::cli::main();"), []);
}

#[test]
fn the_browser_elsewhere_is_found() {
    finds(browser_only_in_ui, "src/player/mod.rs", "use yew::Callback;", "let yew = \"yew::Callback\";");
    finds(browser_only_in_ui, "src/link/mod.rs", "fn f(e: web_sys::Event) {}", "// web_sys::Event");
    assert_eq!(browser_only_in_ui("src/ui/app.rs", "use yew::prelude::*;"), []);
}

#[test]
fn what_is_ambient_is_found() {
    finds(nothing_ambient, "src/sim/world.rs", "use std::collections::HashMap;", "use std::collections::BTreeMap;");
    finds(nothing_ambient, "src/trace/log.rs", "println!(\"{at}\");", "/* println!() */ writeln!(out, \"println!\");");
    finds(nothing_ambient, "src/scene/svg.rs", "let now = std::time::Instant::now();", "Halt::Instant => false,");
    finds(nothing_ambient, "src/link/mod.rs", "static mut LAST: u64 = 0;", "static LAST: u64 = 0;");
    assert_eq!(nothing_ambient("src/cli/out.rs", "println!(\"{line}\");"), []);
    assert_eq!(nothing_ambient("src/scene/tests.rs", "std::fs::write(path, picture)"), []);
}

#[test]
fn inexact_floats_are_found() {
    finds(exact_floats, "src/sim/dist.rs", "let x = mean.ln();", "let x = libm::log(mean);");
    finds(exact_floats, "src/scene/path.rs", "let y = f32::sin(angle);", "let y = angle.sqrt().sinus();");
    finds(exact_floats, "src/timeline/mod.rs", "let x = y.log(2.0);", "let x = self.log().last();");
    assert_eq!(exact_floats("src/ui/chart.rs", "x.powf(2.0)"), []);
}

#[test]
fn what_is_unfinished_is_found() {
    finds(finished, "src/sim/node.rs", "todo!()", "// todo!()");
    finds(finished, "tests/chat.rs", "dbg!(x);", "let dbg = 'd'; let s = r#\"dbg!(\"x\")\"#; f::<'_>(b\"dbg!\");");
    finds(finished, "tests/chat.rs", "#[ignore]", "#[ignore = \"takes a minute\"]");
}

#[test]
fn long_files_are_found() {
    let lines = |count: usize| "x\n".repeat(count);
    assert_eq!(short_files("src/sim/time.rs", &lines(LONGEST)), []);
    assert!(short_files("src/sim/time.rs", &lines(LONGEST + 1))[0].1.contains("split"));
    assert_eq!(short_files("README.md", &lines(LONGEST + 1)), []);
    for (path, limit, why) in LONGER {
        assert!(*limit > LONGEST && why.len() > 20, "{path}: an exception is longer than {LONGEST} and has a reason");
        assert!(!short_files(path, &lines(limit + 1)).is_empty());
    }
}

#[test]
fn machines_are_found() {
    finds(no_machine, "tools/x.sh", concat!("cd /wo", "rk/faultline"), concat!("cd \"$dir/wo", "rk/\""));
    finds(no_machine, "README.md", concat!("`/ro", "ot/.cache`"), concat!("~/ro", "ot/.cache"));
    finds(no_machine, "a.json", concat!("\"https://registry.npm", "js.org/x\""), "\"npm ci\"");
    finds(no_machine, "Cargo.lock", "source = \"git+https://example.org/x\"", "name = \"serde\"");
}

#[test]
fn dead_references_are_found() {
    let rule = |path: &str, text: &str| {
        documents(path, text, &|file| ["docs/link.md", "src/link/mod.rs", "README.md", "docs"].contains(&file))
    };
    finds(rule, "README.md", "[links](docs/links.md)", "[links](docs/link.md#words), [us](https://example.org)");
    finds(rule, "docs/link.md", "[up](../READ.md)", "[up](../README.md), [here](#words)");
    finds(
        rule,
        "README.md",
        "in `src/link.rs`",
        "in `src/link/mod.rs`, `src/link/mod.rs:20`, `src/*.rs`, `docs/NAME.md`",
    );
}
