//! Heartbeats: «are you there?», «I am», and a detector that suspects after a number of missed beats.

use crate::sim::{Micros, Time};

use super::{Family, Form, Wire};

/// A probe and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Are you there?
    Ping {
        /// Counts the probes.
        round: u32,
    },
    /// I am.
    Pong {
        /// The probe's number.
        round: u32,
    },
}

impl Wire for Message {
    const FAMILY: Family = Family::Control;
    fn name(&self) -> &'static str {
        match self {
            Message::Ping { .. } => "Ping",
            Message::Pong { .. } => "Pong",
        }
    }
    fn form(&self) -> Form {
        Form::Beat
    }
    fn bytes(&self) -> u32 {
        16
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        let (Message::Ping { round } | Message::Pong { round }) = self;
        vec![("round", round.to_string())]
    }
}

/// Suspects a peer that has not been heard of for longer than `patience`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Detector {
    /// When the peer was last heard of.
    pub heard: Time,
}

impl Detector {
    /// A peer that counts as heard of now.
    pub fn new(now: Time) -> Detector {
        Detector { heard: now }
    }
    /// It has been heard of.
    pub fn hear(&mut self, now: Time) {
        self.heard = now;
    }
    /// Whether it is suspected: silence for longer than `patience`.
    pub fn suspects(&self, now: Time, patience: Micros) -> bool {
        now.since(self.heard) > patience
    }
}
