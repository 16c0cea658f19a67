//! A stream of pieces over a network that loses, delays and repeats them, as TCP has it: cumulative acknowledgements,
//! slow start, congestion avoidance, fast retransmit and fast recovery (Allman, Paxson and Blanton, RFC 5681; Jacobson
//! 1988), answers to partial acknowledgements (NewReno; RFC 6582), the retransmission time-out (RFC 6298) and Karn's rule.
//!
//! The window counts pieces and not bytes, in thousandths, so that a gain of one piece a round trip is exact. Simpler than
//! there: what asks for a stream also opens it, without a handshake; nobody acknowledges late, selectively, or closes.

use crate::sim::{Micros, NodeId, Port, Table, Time};

use super::{Family, Form, Wire};

/// How many connections a sender serves at once; whoever asks for one more is not answered.
pub const MAX_CONNECTIONS: usize = 256;
/// How many pieces a receiver keeps that came before their turn; others are as good as lost.
pub const MAX_EARLY: usize = 1_024;
/// After so many acknowledgements of the same a piece counts as lost.
pub const DUPLICATES: u32 = 3;
/// The time-out before anything was measured, and the longest.
pub const FIRST_TIMEOUT: Micros = Micros::secs(1);
/// See [`FIRST_TIMEOUT`].
pub const LONGEST_TIMEOUT: Micros = Micros::secs(60);

crate::choice! {
    /// How a sender minds that others use the network, too.
    pub enum Congestion {
        /// As Reno does.
        Reno = "reno",
        /// Not at all: always as much as the receiver takes, and the same time-out again and again.
        None = "none",
    }
}

/// Between two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// Send me so many pieces; none is no end.
    Get {
        /// Counts the asker's connections.
        connection: u64,
        /// How many.
        size: u32,
    },
    /// A piece.
    Data {
        /// Of which connection.
        connection: u64,
        /// Its place, from 0.
        number: u32,
    },
    /// Everything before this is here.
    Ack {
        /// Of which connection.
        connection: u64,
        /// The first that is not.
        next: u32,
    },
}

impl Wire for Segment {
    const FAMILY: Family = Family::Work;
    fn name(&self) -> &'static str {
        match self {
            Segment::Get { .. } => "Get",
            Segment::Data { .. } => "Data",
            Segment::Ack { .. } => "Ack",
        }
    }
    fn form(&self) -> Form {
        match self {
            Segment::Get { .. } => Form::Request,
            Segment::Data { .. } => Form::Reply,
            Segment::Ack { .. } => Form::Accept,
        }
    }
    fn bytes(&self) -> u32 {
        if let Segment::Data { .. } = self { 1_500 } else { 40 }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Segment::Get { size, .. } => vec![("pieces", size.to_string())],
            Segment::Data { number, .. } => vec![("piece", number.to_string())],
            Segment::Ack { next, .. } => vec![("next", next.to_string())],
        }
    }
}

/// How a sender goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whether it minds others.
    pub congestion: Congestion,
    /// How many pieces the receiver takes that it has not acknowledged.
    pub window: u32,
    /// The shortest time-out.
    pub least: Micros,
}

/// What a sender waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// An acknowledgement, no longer.
    Retransmit {
        /// From whom.
        to: NodeId,
        /// Of which connection.
        connection: u64,
    },
}

/// What a sender's connection has come to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    size: u32,
    /// The first piece that is not acknowledged, the next one to send, and the first that was never sent.
    acknowledged: u32,
    next: u32,
    fresh: u32,
    /// cwnd and ssthresh, in thousandths of a piece.
    window: u64,
    threshold: u64,
    /// How often the same was acknowledged.
    again: u32,
    /// In fast recovery: until this is acknowledged.
    recover: Option<u32>,
    /// Losses before this piece have been answered by a smaller window.
    answered: u32,
    /// SRTT and RTTVAR, once there are any, and the time-out.
    round_trip: Option<(u64, u64)>,
    timeout: Micros,
    /// The piece that is timed, and since when.
    timed: Option<(u32, Time)>,
}

/// What became of a call, for measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many pieces were sent for the first time.
    pub sent: u64,
    /// How many again.
    pub again: u64,
    /// Whether a time-out ran out.
    pub timeouts: u64,
}

/// One piece, in thousandths.
const PIECE: u64 = 1_000;

impl Flow {
    fn new(size: u32) -> Flow {
        Flow {
            size,
            acknowledged: 0,
            next: 0,
            fresh: 0,
            // RFC 5681 allows 2 to 4 pieces; of 1 500 bytes, 3.
            window: 3 * PIECE,
            threshold: u64::MAX,
            again: 0,
            recover: None,
            answered: 0,
            round_trip: None,
            timeout: FIRST_TIMEOUT,
            timed: None,
        }
    }

    /// How many pieces may be under way, in thousandths.
    pub fn window(&self) -> u64 {
        self.window
    }

    /// The retransmission time-out.
    pub fn timeout(&self) -> Micros {
        self.timeout
    }

    /// Everything up to here was acknowledged.
    pub fn acknowledged(&self) -> u32 {
        self.acknowledged
    }

    fn measured(&mut self, took: u64, rules: &Rules) {
        let (smooth, spread) = match self.round_trip {
            None => (took, took / 2),
            Some((smooth, spread)) => ((7 * smooth + took) / 8, (3 * spread + smooth.abs_diff(took)) / 4),
        };
        self.round_trip = Some((smooth, spread));
        // G, the granularity of the clock, is a millisecond.
        self.timeout = Micros((smooth + (4 * spread).max(1_000)).clamp(rules.least.0, LONGEST_TIMEOUT.0));
    }

    /// Half of what is under way, and two pieces at least.
    fn halved(&self) -> u64 {
        (u64::from(self.next - self.acknowledged) * PIECE / 2).max(2 * PIECE)
    }
}

/// Sends streams to whoever asks.
#[derive(Clone, Debug, Default, Hash)]
pub struct Sender {
    flows: Table<(NodeId, u64), Flow>,
}

impl Sender {
    /// Its connections, by receiver and number.
    pub fn flows(&self) -> impl Iterator<Item = (&(NodeId, u64), &Flow)> {
        self.flows.iter()
    }

    /// A segment of a receiver has come.
    pub fn on_segment<P>(&mut self, port: &mut P, rules: &Rules, from: NodeId, segment: Segment) -> Outcome
    where
        P: Port<Message = Segment, Timer = Timer>,
    {
        match segment {
            Segment::Get { connection, size } => {
                // Whoever asks again has not got the first pieces: the time-out sees to that. An earlier connection of
                // the same receiver is over.
                let known = self.flows.contains_key(&(from, connection));
                let newer = self.flows.keys().any(|(to, other)| *to == from && *other > connection);
                if known || newer {
                    return Outcome::default();
                }
                let old: Vec<(NodeId, u64)> = self.flows.keys().filter(|(to, _)| *to == from).copied().collect();
                for key in old {
                    self.end(port, key);
                }
                if self.flows.len() < MAX_CONNECTIONS {
                    self.flows.insert((from, connection), Flow::new(size));
                }
                self.send(port, rules, (from, connection))
            }
            Segment::Ack { connection, next } => self.on_ack(port, rules, (from, connection), next),
            Segment::Data { .. } => Outcome::default(),
        }
    }

    fn end<P: Port<Message = Segment, Timer = Timer>>(&mut self, port: &mut P, key: (NodeId, u64)) {
        self.flows.remove(&key);
        port.cancel(&Timer::Retransmit { to: key.0, connection: key.1 });
    }

    fn on_ack<P>(&mut self, port: &mut P, rules: &Rules, key: (NodeId, u64), next: u32) -> Outcome
    where
        P: Port<Message = Segment, Timer = Timer>,
    {
        let mut outcome = Outcome::default();
        let Some(flow) = self.flows.get_mut(&key) else { return outcome };
        // The receiver is done with it.
        if flow.size > 0 && next >= flow.size || next == u32::MAX {
            self.end(port, key);
            return outcome;
        }
        if next > flow.fresh {
            return outcome;
        }
        if next > flow.acknowledged {
            let newly = u64::from(next - flow.acknowledged);
            flow.acknowledged = next;
            flow.next = flow.next.max(next);
            flow.again = 0;
            if let Some((_, since)) = flow.timed.filter(|(number, _)| *number < next) {
                flow.timed = None;
                flow.measured(port.now().since(since).0, rules);
            }
            match flow.recover {
                Some(recover) if next >= recover => {
                    flow.window = flow.threshold;
                    flow.recover = None;
                }
                // A partial acknowledgement: the next piece is lost, too (RFC 6582, 3.2).
                Some(_) => {
                    flow.window = flow.window.saturating_sub(newly * PIECE).max(PIECE) + PIECE;
                    flow.timed = None;
                    outcome.again += 1;
                    port.send(key.0, Segment::Data { connection: key.1, number: next });
                }
                None if flow.window < flow.threshold => flow.window += PIECE,
                None => flow.window += PIECE * PIECE / flow.window,
            }
            port.set(Timer::Retransmit { to: key.0, connection: key.1 }, flow.timeout);
        } else if next == flow.acknowledged && flow.next > flow.acknowledged {
            flow.again += 1;
            match flow.recover {
                // Each of these says that a piece has left the network.
                Some(_) => flow.window += PIECE,
                None if flow.again == DUPLICATES && next >= flow.answered && rules.congestion == Congestion::Reno => {
                    flow.threshold = flow.halved();
                    flow.window = flow.threshold + u64::from(DUPLICATES) * PIECE;
                    flow.recover = Some(flow.fresh);
                    flow.answered = flow.fresh;
                    flow.timed = None;
                    outcome.again += 1;
                    port.send(key.0, Segment::Data { connection: key.1, number: next });
                    port.set(Timer::Retransmit { to: key.0, connection: key.1 }, flow.timeout);
                }
                None => {}
            }
        }
        let more = self.send(port, rules, key);
        Outcome { sent: more.sent, again: outcome.again + more.again, ..outcome }
    }

    /// Sends what the window allows.
    fn send<P>(&mut self, port: &mut P, rules: &Rules, key: (NodeId, u64)) -> Outcome
    where
        P: Port<Message = Segment, Timer = Timer>,
    {
        let mut outcome = Outcome::default();
        let Some(flow) = self.flows.get_mut(&key) else { return outcome };
        let window = match rules.congestion {
            Congestion::Reno => (flow.window / PIECE).min(u64::from(rules.window)) as u32,
            Congestion::None => rules.window,
        };
        let was_idle = flow.next == flow.acknowledged;
        while flow.next < flow.acknowledged.saturating_add(window) && (flow.size == 0 || flow.next < flow.size) {
            let number = flow.next;
            flow.next += 1;
            if number < flow.fresh {
                outcome.again += 1;
            } else {
                flow.fresh = flow.next;
                outcome.sent += 1;
                // Only what was sent once can be timed (Karn and Partridge 1987).
                if flow.timed.is_none() {
                    flow.timed = Some((number, port.now()));
                }
            }
            port.send(key.0, Segment::Data { connection: key.1, number });
        }
        if was_idle && flow.next > flow.acknowledged {
            port.set(Timer::Retransmit { to: key.0, connection: key.1 }, flow.timeout);
        }
        outcome
    }

    /// A timer has run out.
    pub fn on_timer<P>(&mut self, port: &mut P, rules: &Rules, timer: Timer) -> Outcome
    where
        P: Port<Message = Segment, Timer = Timer>,
    {
        let Timer::Retransmit { to, connection } = timer;
        let Some(flow) = self.flows.get_mut(&(to, connection)) else { return Outcome::default() };
        if flow.next == flow.acknowledged {
            return Outcome::default();
        }
        if rules.congestion == Congestion::Reno {
            flow.threshold = flow.halved();
            flow.window = PIECE;
            flow.timeout = Micros((2 * flow.timeout.0).min(LONGEST_TIMEOUT.0));
        }
        // Everything is sent again from there, as the window opens.
        flow.next = flow.acknowledged;
        flow.answered = flow.fresh;
        (flow.recover, flow.again, flow.timed) = (None, 0, None);
        let outcome = self.send(port, rules, (to, connection));
        Outcome { timeouts: 1, ..outcome }
    }
}

crate::choice! {
    /// What a receiver does with a piece that it had.
    pub enum Duplicates {
        /// Nothing but to acknowledge it again.
        Drop = "drop",
        /// Hands it on once more.
        Deliver = "deliver",
    }
}

/// The receiving end of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Receiver {
    next: u32,
    /// What came before its turn, ascending.
    early: Vec<u32>,
}

impl Receiver {
    /// Of a new connection.
    pub fn new() -> Receiver {
        Receiver { next: 0, early: Vec::new() }
    }

    /// The first piece that is not here.
    pub fn next(&self) -> u32 {
        self.next
    }

    /// A piece has come: what is handed on, in this order. What is acknowledged then is [`Receiver::next`].
    pub fn on_piece(&mut self, number: u32, duplicates: Duplicates) -> Vec<u32> {
        if number < self.next || self.early.binary_search(&number).is_ok() {
            return if duplicates == Duplicates::Deliver { vec![number] } else { Vec::new() };
        }
        if number > self.next {
            if let (Err(place), true) = (self.early.binary_search(&number), self.early.len() < MAX_EARLY) {
                self.early.insert(place, number);
            }
            return Vec::new();
        }
        let mut handed = vec![number];
        self.next += 1;
        let ready = self.early.iter().zip(self.next..).take_while(|(early, next)| *early == next).count();
        handed.extend(self.early.drain(..ready));
        self.next += ready as u32;
        handed
    }
}

impl Default for Receiver {
    fn default() -> Receiver {
        Receiver::new()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Desk;
    use super::*;

    const RULES: Rules = Rules { congestion: Congestion::Reno, window: 64, least: Micros::secs(1) };
    const TO: NodeId = NodeId(7);

    struct Line {
        port: Desk<Segment, Timer, ()>,
        sender: Sender,
    }

    impl Line {
        fn open(size: u32) -> (Line, Vec<u32>) {
            let mut line = Line { port: Desk::new(1), sender: Sender::default() };
            line.sender.on_segment(&mut line.port, &RULES, TO, Segment::Get { connection: 1, size });
            let sent = line.pieces();
            (line, sent)
        }
        fn pieces(&mut self) -> Vec<u32> {
            let number = |(_, segment): (NodeId, Segment)| match segment {
                Segment::Data { number, .. } => number,
                other => panic!("{other:?}"),
            };
            self.port.sent().into_iter().map(number).collect()
        }
        fn ack(&mut self, next: u32) -> Vec<u32> {
            self.port.now += Micros::ms(10);
            self.sender.on_segment(&mut self.port, &RULES, TO, Segment::Ack { connection: 1, next });
            self.pieces()
        }
        fn flow(&self) -> &Flow {
            self.sender.flows().next().expect("it is open").1
        }
    }

    #[test]
    fn slow_start_doubles_in_a_round_trip() {
        let (mut line, first) = Line::open(0);
        assert_eq!(first, [0, 1, 2]);
        assert_eq!((line.ack(1), line.ack(2), line.ack(3)), (vec![3, 4], vec![5, 6], vec![7, 8]));
    }

    #[test]
    fn three_duplicates_halve_the_window_and_send_the_piece_again() {
        let (mut line, _) = Line::open(0);
        for next in 1..=9 {
            line.ack(next);
        }
        // 12 pieces are under way, from 9 to 20; 9 is lost.
        assert_eq!((line.flow().window(), line.flow().fresh), (12_000, 21));
        assert_eq!((line.ack(9), line.ack(9), line.ack(9)), (vec![], vec![], vec![9]));
        assert_eq!((line.flow().threshold, line.flow().window()), (6_000, 9_000));
        for _ in 0..3 {
            assert!(line.ack(9).is_empty());
        }
        // Each further one says that a piece has arrived: 13 may be under way, 12 are.
        assert_eq!(line.ack(9), [21]);
        // The piece sent again fills the gap: recovery is over, and the window is half of what it was.
        line.ack(21);
        assert_eq!((line.flow().window(), line.flow().recover), (6_000, None));
        // From now on it grows by one piece a round trip: by a sixth of one for each acknowledgement.
        line.ack(22);
        assert_eq!(line.flow().window(), 6_166);
    }

    #[test]
    fn a_partial_acknowledgement_sends_the_next_gap_at_once() {
        let (mut line, _) = Line::open(0);
        for next in 1..=9 {
            line.ack(next);
        }
        for _ in 0..3 {
            line.ack(9);
        }
        assert_eq!(line.ack(12)[0], 12);
        assert!(line.flow().recover.is_some());
    }

    #[test]
    fn the_time_out_follows_rfc_6298_and_doubles() {
        let (mut line, _) = Line::open(0);
        let least = Rules { least: Micros(1), ..RULES };
        line.port.now = Time(100_000);
        line.sender.on_segment(&mut line.port, &least, TO, Segment::Ack { connection: 1, next: 1 });
        // SRTT = R, RTTVAR = R ÷ 2, RTO = SRTT + 4 · RTTVAR.
        assert_eq!(line.flow().timeout(), Micros::ms(300));
        line.pieces();
        let timer = Timer::Retransmit { to: TO, connection: 1 };
        line.sender.on_timer(&mut line.port, &least, timer);
        assert_eq!((line.pieces(), line.flow().window(), line.flow().timeout()), (vec![1], 1_000, Micros::ms(600)));
        // What was sent twice is not timed.
        line.port.now = Time(900_000);
        line.sender.on_segment(&mut line.port, &least, TO, Segment::Ack { connection: 1, next: 2 });
        assert_eq!(line.flow().round_trip, Some((100_000, 50_000)));
    }

    #[test]
    fn pieces_are_handed_on_once_and_in_their_order() {
        let mut receiver = Receiver::new();
        let handed: Vec<Vec<u32>> =
            [0, 2, 3, 2, 0, 1, 1, 4].map(|number| receiver.on_piece(number, Duplicates::Drop)).into();
        assert_eq!(handed, [vec![0], vec![], vec![], vec![], vec![], vec![1, 2, 3], vec![], vec![4]]);
        assert_eq!(receiver.on_piece(2, Duplicates::Deliver), [2]);
    }
}
