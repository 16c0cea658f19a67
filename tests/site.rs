//! What of the site is made of the scenarios is what the scenarios say: the accepted picture of each, its page, and its card.
//! `UPDATE_GOLDEN=1 cargo test --test site` accepts what is there now; look at the pictures before they are committed.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::disallowed_methods, reason = "it reads files")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use faultline::scenario::{SHELVES, builtins, in_order};

const SITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/static/site");

fn made(folder: &Path) {
    let made = Command::new(env!("CARGO_BIN_EXE_faultline")).arg("site").arg(folder).output().expect("the binary runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// The files of a folder and of those in it that are made, by their paths there.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::from([("gallery.html".to_owned(), text(&folder.join("gallery.html")))]);
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).expect("a folder").flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    for name in names(&folder.join("posters")) {
        all.insert(format!("posters/{name}"), text(&folder.join("posters").join(&name)));
    }
    for name in names(&folder.join("s")) {
        all.insert(format!("s/{name}/index.html"), text(&folder.join("s").join(&name).join("index.html")));
    }
    all
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn pictures_pages_and_cards_are_those_that_were_accepted() {
    let site = Path::new(SITE);
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| !value.is_empty() && value != "0") {
        for made in ["posters", "s"] {
            let _ = fs::remove_dir_all(site.join(made));
        }
        made(site);
    }
    let anew = Path::new(env!("CARGO_TARGET_TMPDIR")).join("site");
    let _ = fs::remove_dir_all(&anew);
    fs::create_dir_all(&anew).expect("a folder");
    fs::copy(site.join("gallery.html"), anew.join("gallery.html")).expect("a copy");
    made(&anew);
    let (accepted, found) = (files(site), files(&anew));
    let paths: Vec<&String> = accepted.keys().collect();
    assert_eq!(paths, found.keys().collect::<Vec<_>>());
    let other: Vec<&&String> = paths.iter().filter(|path| accepted[**path] != found[**path]).collect();
    assert!(other.is_empty(), "{other:?} are not as accepted: UPDATE_GOLDEN=1 cargo test --test site");
    // Two pictures and a page for each, and the gallery.
    assert_eq!(found.len(), 3 * builtins().count() + 1);
}

#[test]
fn each_scenario_is_in_the_order_once_ideas_first() {
    let order: Vec<&str> = in_order().map(|(_, name)| name).collect();
    let sorted = |mut names: Vec<&'static str>| {
        names.sort_unstable();
        names
    };
    assert_eq!(sorted(order.clone()), sorted(builtins().collect()));
    let ideas = SHELVES.iter().find(|(shelf, _)| *shelf == "Ideas").expect("ideas").1;
    assert_eq!(&order[..ideas.len()], ideas);
}
