//! Comparing with what was accepted before. `UPDATE_GOLDEN=1 cargo test` accepts what is there now; look at the
//! difference before it is committed.

/// How many lines stand before the first that differs.
const CONTEXT: usize = 3;

/// Fails where `found` is not what was `accepted` as the file `name` in tests/golden, and shows the first line that
/// differs among its neighbours.
#[track_caller]
pub fn compare(name: &str, accepted: &str, found: &str) {
    if accepted == found {
        return;
    }
    #[cfg(not(target_arch = "wasm32"))]
    if update(name, found) {
        return;
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (accepted.lines().collect(), found.lines().collect());
    let first = old.iter().zip(&new).position(|(a, b)| a != b).unwrap_or(old.len().min(new.len()));
    let line = |lines: &[&str], n: usize| lines.get(n).map_or("(the end)".to_owned(), |line| (*line).to_owned());
    let mut told = format!("tests/golden/{name} differs at line {} of {} (now {}):\n", first + 1, old.len(), new.len());
    for line in &old[first.saturating_sub(CONTEXT)..first] {
        told.push_str(&format!("    {line}\n"));
    }
    for n in first..first + CONTEXT {
        told.push_str(&format!("  - {}\n", line(&old, n)));
    }
    for n in first..first + CONTEXT {
        told.push_str(&format!("  + {}\n", line(&new, n)));
    }
    panic!("{told}UPDATE_GOLDEN=1 cargo test accepts it");
}

#[cfg(not(target_arch = "wasm32"))]
#[expect(clippy::disallowed_methods, reason = "accepting is writing a file because a person asked for it")]
fn update(name: &str, found: &str) -> bool {
    let wanted = std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| !value.is_empty() && value != "0");
    if wanted {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
        std::fs::write(path, found).expect("tests/golden can be written to");
    }
    wanted
}
