//! Zones: places that fail together, such as racks and data centres, and how far they are from one another.

use std::rc::Rc;

use super::Micros;

/// How many zones there may be.
pub const MAX_ZONES: usize = 64;

/// A place that nodes stand in.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    /// Its name.
    pub name: Rc<str>,
    /// What it is a part of, if it is: several zones may be in one region.
    pub region: Option<Rc<str>>,
}

/// All zones of a run, and the delay that each way between two of them adds to a link.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Zones {
    zones: Vec<Zone>,
    /// Row by row: from, to.
    away: Vec<Micros>,
}

impl Zones {
    /// These zones; `away` says how long a message is under way from one to another.
    pub fn new(zones: Vec<Zone>, away: impl Fn(usize, usize) -> Micros) -> Zones {
        let count = zones.len();
        let away = (0..count * count).map(|place| away(place / count, place % count)).collect();
        Zones { zones, away }
    }

    /// One of them.
    pub fn get(&self, zone: u16) -> Option<&Zone> {
        self.zones.get(usize::from(zone))
    }

    /// Whether one is called so, or is in a region that is called so.
    pub fn is_in(&self, zone: u16, name: &str) -> bool {
        let called = |zone: &Zone| *zone.name == *name || zone.region.as_ref().is_some_and(|region| **region == *name);
        self.get(zone).is_some_and(called)
    }

    /// Whether there is a zone or region of this name.
    pub fn has(&self, name: &str) -> bool {
        (0..self.zones.len()).any(|zone| self.is_in(zone as u16, name))
    }

    /// Their names, and those of their regions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.zones.iter().flat_map(|zone| [Some(&zone.name), zone.region.as_ref()]).flatten().map(|name| &**name)
    }

    /// What is added to the delay from one to another.
    pub fn away(&self, from: u16, to: u16) -> Micros {
        let place = usize::from(from) * self.zones.len() + usize::from(to);
        self.away.get(place).copied().unwrap_or_default()
    }
}
