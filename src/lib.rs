//! Faultline: see how distributed systems work, and how they fail.
//!
//! One deterministic simulator, its documents, its drawings and its links; the same natively and in the browser.
//! The rooms, from the ground up; each knows only those above it in this list. ARCHITECTURE.md is the tour.

pub mod sim;

pub mod protocols;

pub mod components;

pub mod check;

pub mod trace;

pub mod scenario;

pub mod timeline;

pub mod scene;

pub mod views;

pub mod link;

pub mod player;

#[cfg(target_arch = "wasm32")]
pub mod ui;

#[cfg(not(target_arch = "wasm32"))]
pub mod cli;
