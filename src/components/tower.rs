//! A tower of a cellular network: gives channels to phones, and hands those in a call over to other towers.

use crate::protocols::Family;
use crate::protocols::cellular::{Message as Cellular, Told, admits};
use crate::sim::{Component, Context, Look, Micros, NodeId, Table, Time, Work};

use super::mobile_core::MobileCore;
use super::phone::Phone;
use super::{Fact, Glyph, Message, Placeable};

/// After how long without a word from a phone a tower gives its channel back.
const SILENT: Micros = Micros::secs(3);
/// How long a tower waits for another one's answer before it asks again.
const AGAIN: Micros = Micros::secs(1);
/// How many beacons there are to one message to the core.
const SETUPS: u64 = 10;

crate::choice! {
    /// A mistake made on purpose.
    pub enum Slip {
        /// None.
        None = "none",
        /// It does not give a channel back when the phone has been handed over.
        KeepsChannel = "keeps-channel",
    }
}

crate::config! {
    /// What can be set about a tower.
    pub struct TowerConfig {
        /// How many calls it can carry at once.
        channels: u32 = 4, in 0, 1000, "";
        /// How many of these are kept for calls that are handed over.
        guard: u32 = 0, in 0, 1000, "";
        /// How many towers make a tracking area, in which a phone need not say where it is.
        area: u32 = 2, in 1, 1000, "";
        /// How often it lets phones hear it.
        beacon: Micros = Micros::ms(500), in 0.01, 10, "";
        /// A mistake made on purpose: a channel that is not given back after a handover.
        mistake: Slip = Slip::None, in 0, 0, "";
    }
}

/// What a tower waits for: its next beacon.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Timer;

/// What a channel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Use {
    /// A call.
    Call,
    /// One that is on its way here.
    Prepared,
    /// One that was sent on.
    Leaving,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Channel {
    used: Use,
    heard: Time,
    /// Another tower was asked to take it over.
    asked: Option<Time>,
    /// From whom it came.
    source: Option<NodeId>,
}

/// A tower.
#[derive(Clone, Debug, Hash)]
pub struct Tower {
    channels: Table<NodeId, Channel>,
    beacons: u64,
}

impl Tower {
    /// In which tracking area it stands: so many towers one after another are one.
    fn area(cx: &Context<Self>) -> u32 {
        let before = cx.peers_of(Tower::KIND).filter(|other| *other < cx.id()).count() as u32;
        before / cx.config().area.max(1) + 1
    }

    fn beacon(&mut self, cx: &mut Context<Self>) {
        let area = Tower::area(cx);
        for phone in cx.peers_of(Phone::KIND) {
            cx.send(phone, Cellular::Beacon { area }.into());
        }
        if self.beacons.is_multiple_of(SETUPS) {
            for core in cx.peers_of(MobileCore::KIND) {
                cx.send(core, Cellular::S1SetupRequest { area }.into());
            }
        }
        self.beacons += 1;
        cx.set(Timer, cx.config().beacon);
        if cx.config().mistake == Slip::KeepsChannel {
            return;
        }
        let now = cx.now();
        let silent = self.channels.iter().filter(|(_, channel)| now.since(channel.heard) > SILENT);
        for phone in silent.map(|(phone, _)| *phone).collect::<Vec<NodeId>>() {
            self.free(cx, phone);
        }
    }

    fn admits(&self, cx: &Context<Self>, handover: bool) -> bool {
        admits(self.channels.len(), cx.config().channels, cx.config().guard, handover)
    }

    fn take(&mut self, cx: &mut Context<Self>, phone: NodeId, used: Use, source: Option<NodeId>) {
        let carried = self.channels.get(&phone).is_some_and(|channel| channel.used != Use::Prepared);
        if carried && used == Use::Prepared {
            cx.fact(Fact::Cellular(Told::LetsGo { phone }));
        }
        self.channels.insert(phone, Channel { used, heard: cx.now(), asked: None, source });
        if used == Use::Call {
            cx.fact(Fact::Cellular(Told::Carries { phone }));
        }
    }

    /// Gives a channel back; the core hears of it.
    fn free(&mut self, cx: &mut Context<Self>, phone: NodeId) {
        let Some(channel) = self.channels.remove(&phone) else { return };
        if channel.used != Use::Prepared {
            cx.fact(Fact::Cellular(Told::LetsGo { phone }));
        }
        if channel.used == Use::Call {
            for core in cx.peers_of(MobileCore::KIND) {
                cx.send(core, Cellular::UeContextReleaseRequest { phone }.into());
            }
        }
    }

    fn to_core(cx: &mut Context<Self>, message: &Cellular) {
        for core in cx.peers_of(MobileCore::KIND) {
            cx.send(core, message.clone().into());
        }
    }

    fn phone_says(&mut self, cx: &mut Context<Self>, phone: NodeId, message: &Cellular) {
        if let Some(channel) = self.channels.get_mut(&phone) {
            channel.heard = cx.now();
        }
        match message {
            Cellular::ConnectionRequest { paged } => {
                let known = self.channels.get(&phone).is_some_and(|channel| channel.used == Use::Call);
                if !known && !self.admits(cx, false) {
                    return cx.send(phone, Cellular::ConnectionReject.into());
                }
                self.take(cx, phone, Use::Call, None);
                cx.send(phone, Cellular::ConnectionSetup.into());
                Tower::to_core(cx, &Cellular::InitialUeMessage { phone, paged: *paged });
            }
            Cellular::MeasurementReport { better } => {
                let now = cx.now();
                let towers = |to: &NodeId| cx.peers_of(Tower::KIND).any(|tower| tower == *to);
                let Some(channel) = self.channels.get_mut(&phone) else {
                    return cx.send(phone, Cellular::ConnectionRelease.into());
                };
                // Its ReconfigurationComplete was lost: it is here all the same.
                if channel.used == Use::Prepared {
                    return self.phone_says(cx, phone, &Cellular::ReconfigurationComplete);
                }
                let waits = channel.asked.is_some_and(|asked| now.since(asked) < AGAIN);
                // It was sent on, and is still here.
                if channel.used == Use::Leaving && !waits {
                    channel.used = Use::Call;
                }
                if let Some(target) = better.filter(towers).filter(|_| channel.used == Use::Call && !waits) {
                    channel.asked = Some(now);
                    cx.send(target, Cellular::HandoverRequest { phone }.into());
                }
            }
            Cellular::ReconfigurationComplete => {
                let source = self.channels.get(&phone).and_then(|channel| channel.source);
                if !self.channels.contains_key(&phone) && !self.admits(cx, true) {
                    return cx.send(phone, Cellular::ConnectionRelease.into());
                }
                self.take(cx, phone, Use::Call, source);
                Tower::to_core(cx, &Cellular::PathSwitchRequest { phone });
            }
            Cellular::ConnectionRelease => self.free(cx, phone),
            Cellular::TrackingAreaUpdate { .. } => Tower::to_core(cx, message),
            _ => {}
        }
    }

    fn tower_says(&mut self, cx: &mut Context<Self>, tower: NodeId, message: &Cellular) {
        match *message {
            Cellular::HandoverRequest { phone } => {
                if !self.channels.contains_key(&phone) && !self.admits(cx, true) {
                    cx.measure("handovers refused", 1);
                    return cx.send(tower, Cellular::HandoverPreparationFailure { phone }.into());
                }
                self.take(cx, phone, Use::Prepared, Some(tower));
                cx.send(tower, Cellular::HandoverRequestAcknowledge { phone }.into());
            }
            Cellular::HandoverRequestAcknowledge { phone } => {
                if let Some(channel) = self.channels.get_mut(&phone).filter(|channel| channel.used == Use::Call) {
                    channel.used = Use::Leaving;
                    cx.send(phone, Cellular::ConnectionReconfiguration { target: tower }.into());
                }
            }
            Cellular::UeContextRelease { phone } => {
                let leaves = self.channels.get(&phone).is_some_and(|channel| channel.used == Use::Leaving);
                if leaves && cx.config().mistake != Slip::KeepsChannel {
                    self.free(cx, phone);
                }
            }
            _ => {}
        }
    }

    fn core_says(&mut self, cx: &mut Context<Self>, message: &Cellular) {
        match *message {
            // Whoever listens hears it.
            Cellular::Paging { phone } => {
                cx.measure("pages", 1);
                for listener in cx.peers_of(Phone::KIND) {
                    cx.send(listener, Cellular::Paging { phone }.into());
                }
            }
            Cellular::PathSwitchRequestAcknowledge { phone } => {
                let source = self.channels.get_mut(&phone).and_then(|channel| channel.source.take());
                if let Some(source) = source {
                    cx.send(source, Cellular::UeContextRelease { phone }.into());
                }
            }
            Cellular::TrackingAreaUpdateAccept { phone, .. } => cx.send(phone, message.clone().into()),
            _ => {}
        }
    }
}

impl Component for Tower {
    type Message = Message;
    type Config = TowerConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        let beacon = cx.config().beacon.0.max(1);
        let wait = cx.rng().below(beacon);
        cx.set(Timer, Micros(wait));
        Tower { channels: Table::new(), beacons: 0 }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let Message::Cellular(message) = message else { return super::not_understood(cx, from, &message) };
        let kind = cx.peers().iter().find(|peer| peer.id == from).map(|peer| peer.kind);
        match kind {
            Some(Phone::KIND) => self.phone_says(cx, from, &message),
            Some(Tower::KIND) => self.tower_says(cx, from, &message),
            _ => self.core_says(cx, &message),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, _: Timer) {
        self.beacon(cx);
    }

    fn look(&self, config: &TowerConfig) -> Look {
        let (used, all) = (self.channels.len(), config.channels);
        let mut lines = vec![("channels", format!("{used} of {all}"))];
        lines.extend(self.channels.iter().map(|(phone, channel)| {
            let word = match channel.used {
                Use::Call => "carries",
                Use::Prepared => "waits for",
                Use::Leaving => "sent on",
            };
            (word, phone.to_string())
        }));
        Look { role: format!("{used} of {all} channels").into(), ready: used < all as usize, lines, ..Look::default() }
    }

    fn timer_name(_: &Timer) -> &'static str {
        "beacon"
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Tower {
    const KIND: &'static str = "tower";
    const TITLE: &'static str = "Tower";
    const ABOUT: &'static str =
        crate::later_text!("Gives channels to phones, and hands those in a call over to other towers.");
    const GLYPH: Glyph = Glyph::Gateway;
    const FAMILY: Family = Family::Edge;
    const TALKS_TO: &'static [&'static str] = &["phone", "tower", "mobile-core"];
}
