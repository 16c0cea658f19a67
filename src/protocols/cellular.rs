//! A cellular network: who serves a phone that moves, and how it is found.
//!
//! Messages are named as in 3GPP TS 36.331 (RRC, between phone and tower), 36.423 (X2AP, between towers), 36.413 (S1AP,
//! between tower and core) and 24.301 (tracking area updates). A phone in a call reports when another tower has been
//! stronger than its own by a hysteresis for a time to trigger (event A3); its tower prepares that tower, sends the phone
//! there, and gives its channel back when the core has switched the path. A phone without a call chooses a tower by
//! itself and tells the core only when that stands in another tracking area; a call that comes for it pages the area.
//!
//! A tower keeps some of its channels for handovers, since a call that is dropped is worse than one that never began
//! (guard channels: Hong and Rappaport, «Traffic Model and Performance Analysis for Cellular Mobile Radio Telephone Systems
//! with Prioritized and Nonprioritized Handoff Procedures», IEEE Trans. Vehicular Technology 35(3), 1986).
//!
//! Simpler than there: towers stand on a ring road, a kilometre apart; strength falls with the logarithm of the distance,
//! 35 dB a decade, and is shadowed by what stands in the way, which changes along the road (Gudmundson, «Correlation Model
//! for Shadow Fading in Mobile Radio Systems», Electronics Letters 27(23), 1991). There is one core, and no security.

use crate::sim::{Micros, NodeId, Stream, Table, Time};

use super::{Family, Form, Wire};

/// How far towers stand apart, in millimetres.
pub const APART: i64 = 1_000_000;
/// Along how many millimetres shadows change.
const SHADE: f64 = 50_000.0;
/// A phone loses its tower when another is stronger by so many thousandths of a decibel: it hears nothing else.
pub const DROWNED: i64 = 10_000;

/// Between phones, towers and the core.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// From a tower, again and again: what phones measure.
    Beacon {
        /// Its tracking area.
        area: u32,
    },
    /// From a phone in a call: what it measures.
    MeasurementReport {
        /// To whom it should be handed over: event A3.
        better: Option<NodeId>,
    },
    /// From a phone: I want to call, or was paged.
    ConnectionRequest {
        /// It was paged.
        paged: bool,
    },
    /// To a phone: here is your channel.
    ConnectionSetup,
    /// To a phone: there is none.
    ConnectionReject,
    /// Either way: the call is over.
    ConnectionRelease,
    /// To a phone: go to that tower.
    ConnectionReconfiguration {
        /// Which.
        target: NodeId,
    },
    /// From a phone to the tower that it was sent to: here I am.
    ReconfigurationComplete,
    /// Between towers: take this phone over.
    HandoverRequest {
        /// Which.
        phone: NodeId,
    },
    /// I have a channel for it.
    HandoverRequestAcknowledge {
        /// For which.
        phone: NodeId,
    },
    /// I have none.
    HandoverPreparationFailure {
        /// For which.
        phone: NodeId,
    },
    /// Between towers: it is here now, forget it.
    UeContextRelease {
        /// Which.
        phone: NodeId,
    },
    /// To the core: this phone is here now.
    PathSwitchRequest {
        /// Which.
        phone: NodeId,
    },
    /// From the core: its call goes by you.
    PathSwitchRequestAcknowledge {
        /// Whose.
        phone: NodeId,
    },
    /// To the core: this phone has a call here.
    InitialUeMessage {
        /// Which.
        phone: NodeId,
        /// It was paged.
        paged: bool,
    },
    /// To the core: this phone has no call here any more.
    UeContextReleaseRequest {
        /// Which.
        phone: NodeId,
    },
    /// From the core to towers, and from them to everyone who listens: where are you?
    Paging {
        /// Who.
        phone: NodeId,
    },
    /// From a phone without a call, by its tower to the core: I am in this area.
    TrackingAreaUpdate {
        /// Who.
        phone: NodeId,
        /// Where.
        area: u32,
    },
    /// From the core, by the tower: I know.
    TrackingAreaUpdateAccept {
        /// Whose.
        phone: NodeId,
        /// Where.
        area: u32,
    },
    /// From a tower to the core: I am in this area.
    S1SetupRequest {
        /// Which.
        area: u32,
    },
}

impl Wire for Message {
    const FAMILY: Family = Family::Edge;
    fn name(&self) -> &'static str {
        match self {
            Message::Beacon { .. } => "SystemInformation",
            Message::MeasurementReport { .. } => "MeasurementReport",
            Message::ConnectionRequest { .. } => "RRCConnectionRequest",
            Message::ConnectionSetup => "RRCConnectionSetup",
            Message::ConnectionReject => "RRCConnectionReject",
            Message::ConnectionRelease => "RRCConnectionRelease",
            Message::ConnectionReconfiguration { .. } => "RRCConnectionReconfiguration",
            Message::ReconfigurationComplete => "RRCConnectionReconfigurationComplete",
            Message::HandoverRequest { .. } => "HandoverRequest",
            Message::HandoverRequestAcknowledge { .. } => "HandoverRequestAcknowledge",
            Message::HandoverPreparationFailure { .. } => "HandoverPreparationFailure",
            Message::UeContextRelease { .. } => "UEContextRelease",
            Message::PathSwitchRequest { .. } => "PathSwitchRequest",
            Message::PathSwitchRequestAcknowledge { .. } => "PathSwitchRequestAcknowledge",
            Message::InitialUeMessage { .. } => "InitialUEMessage",
            Message::UeContextReleaseRequest { .. } => "UEContextReleaseRequest",
            Message::Paging { .. } => "Paging",
            Message::TrackingAreaUpdate { .. } => "TrackingAreaUpdateRequest",
            Message::TrackingAreaUpdateAccept { .. } => "TrackingAreaUpdateAccept",
            Message::S1SetupRequest { .. } => "S1SetupRequest",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Beacon { .. } | Message::MeasurementReport { better: None } | Message::S1SetupRequest { .. } => {
                Form::Beat
            }
            Message::MeasurementReport { .. }
            | Message::ConnectionRequest { .. }
            | Message::HandoverRequest { .. }
            | Message::ConnectionReconfiguration { .. }
            | Message::PathSwitchRequest { .. }
            | Message::InitialUeMessage { .. }
            | Message::Paging { .. }
            | Message::TrackingAreaUpdate { .. } => Form::Request,
            Message::ConnectionSetup
            | Message::HandoverRequestAcknowledge { .. }
            | Message::ReconfigurationComplete
            | Message::TrackingAreaUpdateAccept { .. }
            | Message::PathSwitchRequestAcknowledge { .. } => Form::Accept,
            Message::ConnectionReject | Message::HandoverPreparationFailure { .. } => Form::Refuse,
            Message::ConnectionRelease | Message::UeContextRelease { .. } | Message::UeContextReleaseRequest { .. } => {
                Form::Reply
            }
        }
    }
    fn bytes(&self) -> u32 {
        32
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Message::Beacon { area } | Message::S1SetupRequest { area } => vec![("area", area.to_string())],
            Message::MeasurementReport { better: Some(better) } => vec![("A3", better.to_string())],
            Message::ConnectionRequest { paged: true } => vec![("cause", "paged".to_owned())],
            Message::ConnectionReconfiguration { target } => vec![("target", target.to_string())],
            Message::HandoverRequest { phone }
            | Message::HandoverRequestAcknowledge { phone }
            | Message::HandoverPreparationFailure { phone }
            | Message::UeContextRelease { phone }
            | Message::PathSwitchRequest { phone }
            | Message::PathSwitchRequestAcknowledge { phone }
            | Message::InitialUeMessage { phone, .. }
            | Message::UeContextReleaseRequest { phone }
            | Message::Paging { phone } => vec![("for", phone.to_string())],
            Message::TrackingAreaUpdate { phone, area } | Message::TrackingAreaUpdateAccept { phone, area } => {
                vec![("of", phone.to_string()), ("area", area.to_string())]
            }
            _ => Vec::new(),
        }
    }
}

/// What is told of phones and calls, for checks and the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// A tower carries this phone's call.
    Carries {
        /// Whose.
        phone: NodeId,
    },
    /// It does not any more.
    LetsGo {
        /// Whose.
        phone: NodeId,
    },
    /// A phone in a call was handed over.
    HandedOver {
        /// From where.
        from: NodeId,
        /// To where.
        to: NodeId,
    },
    /// A phone has lost its tower in the middle of a call.
    Dropped {
        /// Which tower.
        from: NodeId,
    },
    /// The core has found a phone that it paged.
    PageAnswered {
        /// Which.
        phone: NodeId,
    },
    /// The core has paged a phone in vain.
    PageLost {
        /// Which.
        phone: NodeId,
    },
}

impl Told {
    /// Its name in conditions.
    pub fn name(&self) -> &'static str {
        match self {
            Told::Carries { .. } => "carries",
            Told::LetsGo { .. } => "lets-go",
            Told::HandedOver { .. } => "handed-over",
            Told::Dropped { .. } => "dropped",
            Told::PageAnswered { .. } => "page-answered",
            Told::PageLost { .. } => "page-lost",
        }
    }
    /// What the node does by it.
    pub fn sentence(&self) -> String {
        match self {
            Told::Carries { phone } => format!("carries the call of {phone}"),
            Told::LetsGo { phone } => format!("gives back the channel of {phone}"),
            Told::HandedOver { from, to } => format!("is handed over from {from} to {to}"),
            Told::Dropped { from } => format!("has lost {from}, and its call"),
            Told::PageAnswered { phone } => format!("has found {phone}"),
            Told::PageLost { phone } => format!("has paged {phone} in vain"),
        }
    }
}

/// How far it is between two places of a ring road of so many towers, in millimetres.
pub fn distance(one: i64, other: i64, towers: usize) -> i64 {
    let round = APART * towers.max(1) as i64;
    let apart = (one - other).rem_euclid(round);
    apart.min(round - apart)
}

/// How strong a tower is at a distance, in thousandths of a decibel against a kilometre without shadows.
pub fn strength(distance: i64) -> i64 {
    let kilometres = (distance as f64 / 1e6).max(0.03);
    (-35_000.0 * libm::log10(kilometres)) as i64
}

/// The shadow on a tower after so many millimetres of way, in thousandths of a decibel. Four draws.
pub fn shadow(before: i64, way: i64, deviation: f64, luck: &mut Stream) -> i64 {
    let stays = libm::exp(-(way.unsigned_abs() as f64) / SHADE);
    // Of four even draws the sum is near enough to a normal law, with a variance of a third.
    let even: f64 = (0..4).map(|_| luck.unit()).sum();
    let fresh = (even - 2.0) * 1.732_050_8 * deviation * 1_000.0;
    (before as f64 * stays + fresh * (1.0 - stays * stays).sqrt()) as i64
}

/// What a phone measures: how strong each tower that it hears is.
pub type Strengths = Table<NodeId, i64>;

/// The strongest, and of equal ones the one with the lowest number.
pub fn strongest(strengths: &Strengths) -> Option<(NodeId, i64)> {
    let mut best: Option<(NodeId, i64)> = None;
    for (tower, strength) in strengths.iter() {
        if best.is_none_or(|(_, other)| *strength > other) {
            best = Some((*tower, *strength));
        }
    }
    best
}

/// Event A3: since when a neighbour has been stronger than the tower that serves, by the hysteresis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct A3 {
    since: Table<NodeId, Time>,
}

impl A3 {
    /// Takes a measurement; the strongest of those for which the time to trigger is over.
    pub fn measure(
        &mut self,
        now: Time,
        serving: NodeId,
        strengths: &Strengths,
        hysteresis: i64,
        to_trigger: Micros,
    ) -> Option<NodeId> {
        let own = strengths.get(&serving).copied().unwrap_or(i64::MIN / 2);
        let better =
            |tower: &NodeId| *tower != serving && strengths.get(tower).is_some_and(|other| *other > own + hysteresis);
        self.since.retain(|tower, _| better(tower));
        for (tower, _) in strengths.iter().filter(|(tower, _)| better(tower)) {
            self.since.or_insert_with(*tower, || now);
        }
        let mut ready = Strengths::new();
        for (tower, since) in self.since.iter() {
            if now.since(*since) >= to_trigger {
                ready.insert(*tower, strengths.get(tower).copied().unwrap_or(0));
            }
        }
        strongest(&ready).map(|(tower, _)| tower)
    }
    /// It has another tower now.
    pub fn clear(&mut self) {
        self.since.clear();
    }
}

/// Whether a tower with so many of its channels in use takes one more call: a handover as long as there is one, a new
/// call only if more are idle than are guarded.
pub fn admits(used: usize, channels: u32, guard: u32, handover: bool) -> bool {
    let kept = if handover { 0 } else { guard };
    used < channels.saturating_sub(kept) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Purpose;

    const OWN: NodeId = NodeId(1);
    const OTHER: NodeId = NodeId(2);

    fn heard(own: i64, other: i64) -> Strengths {
        let mut heard = Strengths::new();
        heard.insert(OWN, own);
        heard.insert(OTHER, other);
        heard
    }

    #[test]
    fn a3_is_for_who_has_been_stronger_by_the_hysteresis_for_the_time_to_trigger() {
        let mut a3 = A3::default();
        let mut at =
            |ms: u64, own, other| a3.measure(Time(ms * 1_000), OWN, &heard(own, other), 3_000, Micros::ms(400));
        assert_eq!(at(0, 0, 2_900), None, "not by the hysteresis");
        assert_eq!((at(200, 0, 3_100), at(400, 0, 5_000)), (None, None), "not for long enough");
        assert_eq!(at(500, 0, 1_000), None, "and it begins anew");
        assert_eq!((at(600, 0, 4_000), at(900, 0, 4_000), at(1_000, 0, 4_000)), (None, None, Some(OTHER)));
    }

    #[test]
    fn strength_falls_by_ten_and_a_half_decibels_when_the_distance_doubles() {
        assert_eq!(strength(APART), 0);
        assert!((strength(APART / 2) - strength(APART) - 10_536).abs() <= 1, "{}", strength(APART / 2));
        assert_eq!((distance(100, 3_999_900, 4), distance(0, 2_000_000, 4)), (200, 2_000_000), "the road is a ring");
    }

    #[test]
    fn shadows_have_the_deviation_that_was_asked_for_and_last_for_a_while() {
        let (mut luck, mut now) = (Stream::new(1, Purpose::Faults), 0);
        let (mut squares, mut together, of) = (0.0, 0.0, 40_000);
        for _ in 0..of {
            let next = shadow(now, 50_000, 6.0, &mut luck);
            squares += (next * next) as f64 / 1e6;
            together += (next * now) as f64 / 1e6;
            now = next;
        }
        let variance = squares / f64::from(of);
        assert!((variance - 36.0).abs() < 1.0, "{variance}");
        assert!((together / squares - libm::exp(-1.0)).abs() < 0.02, "{}", together / squares);
        assert_eq!(shadow(1_234, 0, 6.0, &mut luck), 1_234, "who stands still stays in it");
    }

    #[test]
    fn guarded_channels_are_for_handovers() {
        assert!(admits(4, 5, 0, false) && !admits(4, 5, 1, false) && admits(4, 5, 1, true) && !admits(5, 5, 1, true));
    }
}
