//! YEW AND THE BROWSER: canvas painter, frame loop, panels, URL, embed. It decides nothing of the domain: pointers, keys
//! and addresses become [`Action`](crate::player::Action)s, and panels show what the player says.

mod app;
mod boot;
mod breaks;
mod chart;
mod controls;
mod courses;
mod dock;
mod dom;
mod files;
mod hands;
mod header;
mod host;
mod inspector;
mod lesson;
mod log;
mod menu;
mod overlay;
mod painter;
mod panes;
mod promises;
mod stage;
mod surfaces;
mod tape;
mod view_hand;
mod watch;

pub use boot::{here, learnt, start};
