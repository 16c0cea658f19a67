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
