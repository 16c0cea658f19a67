//! Telephone exchanges and the circuits between them: how a call is set up, answered and released.
//!
//! Between exchanges they speak the ISDN user part of Signalling System No. 7: messages are those of ITU-T Q.763,
//! procedures those of Q.764. IAM seizes a circuit, ACM says that the other telephone rings, ANM that it was answered; REL
//! asks to release, and RLC says that the circuit is idle, which it is not before that. REL is repeated until RLC comes
//! (timer T1). Where both ends seize one circuit at once (dual seizure), the exchange with the higher number controls the
//! even circuits and the other one the odd ones: who controls it goes on, the other yields and tries again elsewhere
//! (2.9.1.4). Each takes circuits that it controls first, so that this is rare. An exchange that has started does not know
//! what was before it, and resets its groups of circuits (GRS, GRA; 2.9.3). Telephones speak the calls of Q.931.
//!
//! A call takes the direct circuits, and where none is idle a detour by one other exchange, which must go on directly; if
//! that cannot, it releases with cause 34 and the first exchange tries another (crankback). Detours take two circuits where
//! one would do, so they may be kept from the last idle circuits of a group: trunk reservation (Akinpelu, «The Overload
//! Performance of Engineered Networks with Nonhierarchical and Hierarchical Routing», AT&T BLTJ 63(7), 1984; Gibbens, Hunt
//! and Kelly, «Bistability in Communication Networks», 1990). Calls to one number that everybody calls at once may be
//! gapped where they begin: after one, none for a while (ITU-T E.412).
//!
//! Simpler than there: every exchange is linked with every other; digits come at once; IAM needs no continuity check;
//! timers are the shortest that it allows.

use crate::sim::{Micros, NodeId, Port, Table, Time};

use super::{Family, Form, Wire};

mod told;
mod wire;

pub use told::Told;
pub use wire::{Cause, Line, Trunk};

/// How many circuits there are between two exchanges at most.
pub const MAX_CIRCUITS: u32 = 500;
/// How many calls an exchange has at once at most; one more is refused.
pub const MAX_CALLS: usize = 20_000;
/// Q.764's T1, of 15 to 60 s: when REL is repeated. It must be longer than an exchange may stand still: a REL that was
/// repeated although RLC is on its way meets the next call on the circuit, since none of these messages names its call.
pub const T1: Micros = Micros::secs(15);
/// T7, of 20 to 30 s: how long one waits for ACM.
pub const T7: Micros = Micros::secs(20);
/// T22, of 15 to 60 s: when GRS is repeated.
pub const T22: Micros = Micros::secs(15);

/// What an exchange waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// RLC, from this exchange for this circuit.
    T1(NodeId, u32),
    /// ACM.
    T7(NodeId, u32),
    /// GRA.
    T22(NodeId),
}

impl Timer {
    /// What it is called.
    pub fn name(&self) -> &'static str {
        match self {
            Timer::T1(..) => "T1, release",
            Timer::T7(..) => "T7, address complete",
            Timer::T22(_) => "T22, group reset",
        }
    }
}

/// What an exchange sends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// To another exchange.
    Trunk(Trunk),
    /// To telephones.
    Line(Line),
}

/// How an exchange goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// How many circuits there are to each other exchange.
    pub circuits: u32,
    /// How many detours a call may try.
    pub detours: u32,
    /// How many idle circuits a group must keep for direct calls: a detour takes none of these.
    pub reserve: u32,
    /// After one call to the number that everybody calls, for how long none goes through; zero for no gap.
    pub gap: Micros,
    /// Whether it repeats REL until RLC comes.
    pub repeats: bool,
    /// Whether it yields at a dual seizure where it does not control the circuit.
    pub yields: bool,
    /// Whether it resets its groups when it has started.
    pub resets: bool,
}

/// How a circuit is used, at this end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Use {
    /// IAM is sent.
    Seized,
    /// IAM was received.
    Incoming,
    /// ACM has gone over it.
    Through,
    /// REL is sent.
    Releasing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Circuit {
    call: u64,
    used: Use,
}

/// The circuits to one other exchange: those that are not idle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Group {
    busy: Table<u32, Circuit>,
    /// GRS is sent, and GRA has not come: none may be taken.
    resetting: bool,
}

/// One side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Leg {
    /// A telephone.
    Line(NodeId),
    /// A circuit to another exchange.
    Circuit(NodeId, u32),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Call {
    from: Leg,
    to: Option<Leg>,
    /// The exchange that it is for.
    area: u32,
    /// It is for the number that everybody calls.
    show: bool,
    /// It is on a detour, and must go on directly.
    detour: bool,
    /// Whom it was sent to already.
    tried: Vec<NodeId>,
}

/// An exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Exchange {
    groups: Table<NodeId, Group>,
    calls: Table<u64, Call>,
    /// Until when no call to the number that everybody calls goes through.
    gap: Time,
    /// Whose telephones these are.
    lines: Option<NodeId>,
    /// What there is to tell, for the host to take.
    pub told: Vec<Told>,
}

/// A port of an exchange.
pub trait Switch: Port<Message = Signal, Timer = Timer, Write = ()> {}
impl<P: Port<Message = Signal, Timer = Timer, Write = ()>> Switch for P {}

/// Whether `me` controls this circuit of those to `other`, where both seize it.
pub fn controls(me: NodeId, other: NodeId, cic: u32) -> bool {
    (me > other) == cic.is_multiple_of(2)
}

impl Exchange {
    /// Knows these exchanges and these telephones, of which it has the last.
    pub fn know(&mut self, neighbours: impl Iterator<Item = NodeId>, lines: Option<NodeId>) {
        for neighbour in neighbours {
            self.groups.or_default(neighbour);
        }
        self.lines = lines;
    }

    /// It has started, and knows nothing of what was before.
    pub fn start(&mut self, port: &mut impl Switch, manner: &Manner) {
        if !manner.resets {
            return;
        }
        if let Some(lines) = self.lines {
            port.send(lines, Signal::Line(Line::Restart));
        }
        let neighbours: Vec<NodeId> = self.groups.keys().copied().collect();
        for neighbour in neighbours {
            self.reset(port, neighbour);
        }
    }

    fn reset(&mut self, port: &mut impl Switch, neighbour: NodeId) {
        self.groups.or_default(neighbour).resetting = true;
        port.send(neighbour, Signal::Trunk(Trunk::Grs));
        port.set(Timer::T22(neighbour), T22);
    }

    /// How many circuits to this exchange are not idle.
    pub fn busy(&self, neighbour: NodeId) -> usize {
        self.groups.get(&neighbour).map_or(0, |group| group.busy.len())
    }
    /// The exchanges that it knows.
    pub fn neighbours(&self) -> impl Iterator<Item = NodeId> {
        self.groups.keys().copied()
    }
    /// How many calls it has.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// A telephone says something.
    pub fn on_line(&mut self, port: &mut impl Switch, manner: &Manner, from: NodeId, message: Line) {
        match message {
            Line::Setup { call, area, show } => {
                let now = port.now();
                if show && manner.gap > Micros::ZERO && now < self.gap {
                    self.told.push(Told::Gapped { call });
                    return port.send(from, Signal::Line(Line::Release { call, cause: Cause::Congestion }));
                }
                if show {
                    self.gap = now + manner.gap;
                }
                if self.calls.len() >= MAX_CALLS || self.calls.contains_key(&call) {
                    return port.send(from, Signal::Line(Line::Release { call, cause: Cause::Congestion }));
                }
                let (to, tried) = (None, Vec::new());
                self.calls.insert(call, Call { from: Leg::Line(from), to, area, show, detour: false, tried });
                self.route(port, manner, call);
            }
            Line::Alerting { call } => self.rings(port, call),
            Line::Connect { call } => self.answered(port, call),
            Line::Disconnect { call, cause } => {
                port.send(from, Signal::Line(Line::Release { call, cause }));
                self.clear(port, manner, call, cause, Some(Leg::Line(from)));
            }
            Line::Release { .. } | Line::Restart => {}
        }
    }

    /// Another exchange says something.
    pub fn on_trunk(&mut self, port: &mut impl Switch, manner: &Manner, from: NodeId, message: Trunk) {
        match message {
            // Its call is dropped as soon as it hears of the reset.
            Trunk::Iam { .. } if self.groups.or_default(from).resetting => {}
            Trunk::Iam { cic, call, area, show, detour } => {
                let mut yielded = None;
                match self.circuit(from, cic) {
                    None => {}
                    // Dual seizure.
                    Some(own) if own.used == Use::Seized && controls(port.id(), from, cic) && manner.yields => return,
                    Some(own) if own.used == Use::Seized => {
                        port.cancel(&Timer::T7(from, cic));
                        self.told.push(Told::DualSeizure { peer: from, cic, call: own.call });
                        if manner.yields {
                            self.free(from, cic);
                            if let Some(known) = self.calls.get_mut(&own.call) {
                                known.tried.retain(|by| *by != from);
                            }
                            yielded = Some(own.call);
                        }
                    }
                    Some(_) => return port.send(from, Signal::Trunk(Trunk::Rel { cic, cause: Cause::NoCircuit })),
                }
                self.take(from, cic, call, Use::Incoming);
                let (from, to, tried) = (Leg::Circuit(from, cic), None, vec![from]);
                self.calls.insert(call, Call { from, to, area, show, detour, tried });
                self.route(port, manner, call);
                // The other one has this circuit now; its own call takes another.
                if let Some(own) = yielded {
                    self.again(port, manner, own);
                }
            }
            Trunk::Acm { cic } => {
                port.cancel(&Timer::T7(from, cic));
                if let Some(call) = self.through(from, cic) {
                    self.rings(port, call);
                }
            }
            Trunk::Anm { cic } => {
                if let Some(circuit) = self.circuit(from, cic) {
                    self.answered(port, circuit.call);
                }
            }
            Trunk::Rel { cic, cause } => {
                port.send(from, Signal::Trunk(Trunk::Rlc { cic }));
                let Some(circuit) = self.circuit(from, cic) else { return };
                // Both ends release: it is idle here when the other one's RLC has come.
                if circuit.used == Use::Releasing {
                    return;
                }
                port.cancel(&Timer::T7(from, cic));
                self.free(from, cic);
                let leg = Leg::Circuit(from, cic);
                let begun = self.calls.get(&circuit.call);
                let sent = begun.is_some_and(|call| call.to == Some(leg) && matches!(call.from, Leg::Line(_)));
                if sent && cause == Cause::NoCircuit {
                    self.again(port, manner, circuit.call);
                } else {
                    self.clear(port, manner, circuit.call, cause, Some(leg));
                }
            }
            Trunk::Rlc { cic } => {
                port.cancel(&Timer::T1(from, cic));
                match self.circuit(from, cic) {
                    Some(circuit) if circuit.used == Use::Releasing => self.free(from, cic),
                    // The other end holds it for idle: a REL of ours was repeated and came late (2.9.5.1).
                    Some(circuit) => {
                        self.clear(port, manner, circuit.call, Cause::Unreachable, Some(Leg::Circuit(from, cic)));
                        self.release(port, manner, from, cic, Cause::Unreachable);
                    }
                    None => {}
                }
            }
            Trunk::Grs => {
                self.drop_group(port, manner, from);
                port.send(from, Signal::Trunk(Trunk::Gra));
            }
            Trunk::Gra => {
                port.cancel(&Timer::T22(from));
                self.groups.or_default(from).resetting = false;
            }
        }
    }

    /// A timer has run out.
    pub fn on_timer(&mut self, port: &mut impl Switch, manner: &Manner, timer: Timer) {
        match timer {
            Timer::T1(peer, cic) => {
                if self.circuit(peer, cic).is_some_and(|circuit| circuit.used == Use::Releasing) {
                    self.release(port, manner, peer, cic, Cause::Normal);
                }
            }
            Timer::T7(peer, cic) => {
                if let Some(circuit) = self.circuit(peer, cic).filter(|circuit| circuit.used == Use::Seized) {
                    self.clear(port, manner, circuit.call, Cause::Unreachable, None);
                }
            }
            Timer::T22(peer) => {
                if self.groups.or_default(peer).resetting {
                    self.reset(port, peer);
                }
            }
        }
    }

    fn circuit(&self, peer: NodeId, cic: u32) -> Option<Circuit> {
        self.groups.get(&peer)?.busy.get(&cic).copied()
    }

    fn take(&mut self, peer: NodeId, cic: u32, call: u64, used: Use) {
        self.groups.or_default(peer).busy.insert(cic, Circuit { call, used });
        self.told.push(Told::Seized { peer, cic, call });
    }

    fn free(&mut self, peer: NodeId, cic: u32) {
        if let Some(circuit) = self.groups.or_default(peer).busy.remove(&cic) {
            self.told.push(Told::Freed { peer, cic, call: circuit.call });
        }
    }

    /// ACM has gone over a circuit: it carries this call.
    fn through(&mut self, peer: NodeId, cic: u32) -> Option<u64> {
        let circuit = self.groups.get_mut(&peer)?.busy.get_mut(&cic)?;
        if circuit.used == Use::Releasing {
            return None;
        }
        circuit.used = Use::Through;
        let call = circuit.call;
        self.told.push(Told::Through { peer, cic, call });
        Some(call)
    }

    /// The telephone at the other end rings: that is said to where the call came from.
    fn rings(&mut self, port: &mut impl Switch, call: u64) {
        match self.calls.get(&call).map(|known| known.from) {
            Some(Leg::Line(line)) => port.send(line, Signal::Line(Line::Alerting { call })),
            Some(Leg::Circuit(peer, cic)) => {
                let through = self.through(peer, cic);
                through.into_iter().for_each(|_| port.send(peer, Signal::Trunk(Trunk::Acm { cic })));
            }
            None => {}
        }
    }

    fn answered(&mut self, port: &mut impl Switch, call: u64) {
        match self.calls.get(&call).map(|known| known.from) {
            Some(Leg::Line(line)) => port.send(line, Signal::Line(Line::Connect { call })),
            Some(Leg::Circuit(peer, cic)) => port.send(peer, Signal::Trunk(Trunk::Anm { cic })),
            None => {}
        }
    }

    /// What a call was sent over is gone: it is sent over something else.
    fn again(&mut self, port: &mut impl Switch, manner: &Manner, call: u64) {
        if let Some(known) = self.calls.get_mut(&call) {
            known.to = None;
            self.route(port, manner, call);
        }
    }

    /// Sends a call on: to the telephone, or to the next exchange.
    fn route(&mut self, port: &mut impl Switch, manner: &Manner, call: u64) {
        let Some(known) = self.calls.get(&call).cloned() else { return };
        let mut areas: Vec<NodeId> = self.groups.keys().copied().chain([port.id()]).collect();
        areas.sort_unstable();
        let home = areas[known.area as usize % areas.len()];
        // As many draws on every path.
        let turn = port.rng().below(areas.len() as u64) as usize;
        if home == port.id() {
            let Some(line) = self.lines else { return self.clear(port, manner, call, Cause::Unreachable, None) };
            port.send(line, Signal::Line(Line::Setup { call, area: known.area, show: known.show }));
            return self.goes_to(call, Leg::Line(line));
        }
        let first = if known.tried.contains(&home) { None } else { Some(home) };
        let detours = areas.iter().cycle().skip(turn).take(areas.len()).copied();
        let fresh = |by: &NodeId| *by != home && *by != port.id() && !known.tried.contains(by);
        let left = (manner.detours as usize).saturating_sub(known.tried.iter().filter(|by| **by != home).count());
        let left = if known.detour || !matches!(known.from, Leg::Line(_)) { 0 } else { left };
        let ways: Vec<NodeId> = first.into_iter().chain(detours.filter(fresh).take(left)).collect();
        for by in ways {
            if let Some(known) = self.calls.get_mut(&call) {
                known.tried.push(by);
            }
            let detour = known.detour || by != home;
            let spared = if detour { manner.reserve } else { 0 };
            if let Some(cic) = self.idle(port.id(), by, manner.circuits, spared) {
                self.take(by, cic, call, Use::Seized);
                self.goes_to(call, Leg::Circuit(by, cic));
                if by != home {
                    self.told.push(Told::Detoured { call, by });
                }
                let (area, show) = (known.area, known.show);
                port.send(by, Signal::Trunk(Trunk::Iam { cic, call, area, show, detour: by != home }));
                return port.set(Timer::T7(by, cic), T7);
            }
        }
        self.clear(port, manner, call, Cause::NoCircuit, None);
    }

    fn goes_to(&mut self, call: u64, leg: Leg) {
        if let Some(known) = self.calls.get_mut(&call) {
            known.to = Some(leg);
        }
    }

    /// An idle circuit, if more than `spared` are: first those that this exchange controls, from the lowest; then the
    /// others, from the highest, which their exchange takes last.
    fn idle(&self, me: NodeId, to: NodeId, circuits: u32, spared: u32) -> Option<u32> {
        let group = self.groups.get(&to).filter(|group| !group.resetting)?;
        let idle = |cic: &u32| !group.busy.contains_key(cic);
        let all = 1..=circuits.min(MAX_CIRCUITS);
        if all.clone().filter(idle).count() as u32 <= spared {
            return None;
        }
        let own = all.clone().filter(idle).find(|cic| controls(me, to, *cic));
        own.or_else(|| all.rev().find(idle))
    }

    /// Ends a call: everyone but the side that ended it is told.
    fn clear(&mut self, port: &mut impl Switch, manner: &Manner, call: u64, cause: Cause, by: Option<Leg>) {
        let Some(known) = self.calls.remove(&call) else { return };
        for leg in [Some(known.from), known.to].into_iter().flatten().filter(|leg| Some(*leg) != by) {
            match leg {
                Leg::Line(line) => port.send(line, Signal::Line(Line::Release { call, cause })),
                Leg::Circuit(peer, cic) => {
                    let still = self.circuit(peer, cic).is_some_and(|circuit| circuit.call == call);
                    if still {
                        self.release(port, manner, peer, cic, cause);
                    }
                }
            }
        }
    }

    fn release(&mut self, port: &mut impl Switch, manner: &Manner, peer: NodeId, cic: u32, cause: Cause) {
        let group = self.groups.or_default(peer);
        if let Some(circuit) = group.busy.get_mut(&cic) {
            circuit.used = Use::Releasing;
        }
        port.cancel(&Timer::T7(peer, cic));
        port.send(peer, Signal::Trunk(Trunk::Rel { cic, cause }));
        if manner.repeats {
            port.set(Timer::T1(peer, cic), T1);
        }
    }

    /// The exchange at the other end has started anew: whatever was on the circuits to it is over.
    fn drop_group(&mut self, port: &mut impl Switch, manner: &Manner, peer: NodeId) {
        let busy: Vec<(u32, u64)> =
            self.groups.or_default(peer).busy.iter().map(|(cic, circuit)| (*cic, circuit.call)).collect();
        for (cic, call) in busy {
            port.cancel(&Timer::T1(peer, cic));
            port.cancel(&Timer::T7(peer, cic));
            self.free(peer, cic);
            self.clear(port, manner, call, Cause::Unreachable, Some(Leg::Circuit(peer, cic)));
        }
    }
}

#[cfg(test)]
mod tests;
