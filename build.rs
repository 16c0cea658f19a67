//! Turns every document in static/scenarios into JSON and compiles it in, so that the page needs no TOML reader and a
//! new scenario no list to edit. What is wrong with a document is said by the tests, with the place in it.
#![expect(clippy::disallowed_methods, reason = "a build script reads and writes files")]

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

/// The document that the page starts with; `OPENING` in src/scenario/builtin.rs.
const OPENING: &str = "chat";

fn main() {
    scenarios();
    // In a release of the page the linker says what points where: tools/split.mjs goes by it.
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    if is("CARGO_CFG_TARGET_ARCH", "wasm32") && is("PROFILE", "release") {
        println!("cargo:rustc-link-arg-bins=--emit-relocs");
    }
}

/// Writes the documents to where src/scenario/builtin.rs includes them.
fn scenarios() {
    let mut opening = String::new();
    let folder = Path::new("static/scenarios");
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut paths: Vec<_> =
        fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default();
    paths.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    paths.sort();
    let (mut list, mut shelf) = (String::from("static ENTRIES: &[Entry] = &[\n"), String::new());
    for path in paths {
        println!("cargo:rerun-if-changed={}", path.display());
        let text = fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        let document: serde_json::Value =
            toml::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let title = document["title"].as_str().unwrap_or(&name).to_owned();
        let from = shelf.len();
        if name == OPENING {
            writeln!(opening, "static OPENING_JSON: &str = {:?};", document.to_string())
        } else {
            writeln!(shelf, "{document}")
        }
        .expect("a String takes every line");
        let to = shelf.len();
        writeln!(list, "    Entry {{ name: {name:?}, title: {title:?}, place: {from}..{to} }},")
            .expect("a String takes every line");
    }
    let out = env::var_os("OUT_DIR").expect("cargo names the folder");
    fs::write(Path::new(&out).join("shelf.txt"), &shelf).expect("the build folder can be written to");
    let all = format!("{list}];\n{opening}");
    fs::write(Path::new(&out).join("scenarios.rs"), all).expect("the build folder can be written to");
}
