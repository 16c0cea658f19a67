//! Transcripts and pictures that were looked at and accepted: a change to what people read or see shows up as a
//! difference that a reviewer can read. `UPDATE_GOLDEN=1 cargo test --test golden` accepts what is there now.
#![cfg(not(target_arch = "wasm32"))]

#[path = "shared/golden.rs"]
mod golden;

use std::process::Command;
use std::rc::Rc;

use faultline::link::{Shown, write};
use faultline::scenario::{Act, builtin};
use faultline::sim::{Micros, Time};
use faultline::timeline::{Cursor, Moment, Stamped};

/// What the command line prints.
fn said(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_faultline")).args(arguments).output().expect("the binary runs");
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success() && told.is_empty(), "{arguments:?}: {told}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A link to the chat service in which `sender-1` is killed after five seconds.
fn killed_sender() -> String {
    let document = Rc::new(builtin("chat").unwrap());
    let at = |seconds| Time(Micros::secs(seconds).0);
    let kill = Act::Kill { node: "sender-1".to_owned(), disk: false };
    let moment = Moment {
        seed: document.seed,
        document,
        settings: Vec::new(),
        acts: vec![Stamped { at: at(5), act: kill }],
        cursor: Cursor { at: at(9), steps: None },
    };
    write(&moment, &Shown::default()).fragment
}

#[test]
fn the_first_three_seconds_of_the_chat_service() {
    golden::compare("chat.txt", include_str!("golden/chat.txt"), &said(&["trace", "chat", "--until", "3s"]));
}

#[test]
fn a_sender_is_killed_and_replaced() {
    let found = said(&["trace", &killed_sender(), "--from", "4900ms", "--until", "7s"]);
    golden::compare("chat-killed-sender.txt", include_str!("golden/chat-killed-sender.txt"), &found);
}

#[test]
fn the_chat_service_as_a_picture() {
    golden::compare("chat.svg", include_str!("golden/chat.svg"), &said(&["svg", "chat", "--at", "3s"]));
}

#[test]
fn a_killed_sender_as_a_picture_dark_and_narrow() {
    let found = said(&["svg", &killed_sender(), "--at", "5100ms", "--theme", "dark", "--size", "390x700"]);
    golden::compare("chat-killed-sender.svg", include_str!("golden/chat-killed-sender.svg"), &found);
}

#[test]
fn a_killed_sender_as_a_space_time_diagram() {
    let found = said(&["svg", &killed_sender(), "--at", "5800ms", "--view", "space-time", "--size", "1200x420"]);
    golden::compare(
        "chat-killed-sender-space-time.svg",
        include_str!("golden/chat-killed-sender-space-time.svg"),
        &found,
    );
}
