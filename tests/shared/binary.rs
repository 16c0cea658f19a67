//! The binary, with something on its standard input.

use std::io::{self, Write};
use std::process::{Command, Output, Stdio};

/// What came of it, and whether it read all of its input.
pub fn fed(arguments: &[&str], input: &str) -> (Output, io::Result<()>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_faultline"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let read = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    (child.wait_with_output().expect("it ends"), read)
}

/// The transcript of a document: what `faultline trace` prints of it, with these arguments and without a complaint.
#[track_caller]
pub fn traced(document: &str, arguments: &[&str]) -> String {
    let (output, _) = fed(&[&["trace", "-"], arguments].concat(), document);
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(told.is_empty(), "{told}");
    String::from_utf8(output.stdout).expect("UTF-8")
}
