//! A port that only takes down what a protocol does, so that tests read as transcripts.

use crate::sim::{Micros, NodeId, Port, Purpose, Stream, Time};

/// What a protocol did.
pub struct Desk<M, T, W> {
    /// The host.
    pub id: NodeId,
    /// The host's clock.
    pub now: Time,
    /// What was sent, to whom.
    pub sent: Vec<(NodeId, M)>,
    /// What was set.
    pub timers: Vec<(T, Time)>,
    /// What was written, and what then runs out.
    pub writes: Vec<(W, Option<T>)>,
    /// What people were told.
    pub notes: Vec<String>,
    luck: Stream,
}

impl<M, T, W> Desk<M, T, W> {
    /// A host's desk.
    pub fn new(id: u32) -> Desk<M, T, W> {
        Desk::with_luck(id, Stream::new(1, Purpose::Node(id)))
    }
    /// A host's desk, with luck of its own.
    pub fn with_luck(id: u32, luck: Stream) -> Desk<M, T, W> {
        Desk {
            id: NodeId(id),
            now: Time::ZERO,
            sent: Vec::new(),
            timers: Vec::new(),
            writes: Vec::new(),
            notes: Vec::new(),
            luck,
        }
    }
    /// What was sent since one last looked.
    pub fn sent(&mut self) -> Vec<(NodeId, M)> {
        std::mem::take(&mut self.sent)
    }
}

impl<M, T: PartialEq, W> Port for Desk<M, T, W> {
    type Message = M;
    type Timer = T;
    type Write = W;
    fn id(&self) -> NodeId {
        self.id
    }
    fn now(&self) -> Time {
        self.now
    }
    fn rng(&mut self) -> &mut Stream {
        &mut self.luck
    }
    fn send(&mut self, to: NodeId, message: M) {
        self.sent.push((to, message));
    }
    fn set(&mut self, timer: T, span: Micros) {
        self.cancel(&timer);
        self.timers.push((timer, self.now + span));
    }
    fn cancel(&mut self, timer: &T) {
        self.timers.retain(|(set, _)| set != timer);
    }
    fn persist(&mut self, write: W, done: Option<T>) {
        self.writes.push((write, done));
    }
    fn note(&mut self, line: String) {
        self.notes.push(line);
    }
}
