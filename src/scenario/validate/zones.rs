//! Zones and regions of a document: what is wrong with them, and the table that a run has of them.

use std::rc::Rc;

use crate::scenario::problem::short;
use crate::scenario::schema::Reader;
use crate::scenario::{Document, Group, Region};
use crate::sim::{MAX_ZONES, Micros, Table, Zone, Zones};

use super::check_name;

impl Region {
    /// Its zones: itself, where it names none.
    fn zones(&self) -> &[String] {
        if self.zones.is_empty() { std::slice::from_ref(&self.name) } else { &self.zones }
    }

    /// How long a message is under way from here to the region at this place.
    fn away(&self, place: usize) -> Micros {
        let half = self.round_trip.get(place).map(|span| Micros(span.0 / 2));
        half.or_else(|| self.one_way.get(place).copied()).unwrap_or_default()
    }
}

impl Document {
    /// The zones of a run: those of the regions, then what groups name besides.
    pub fn zones(&self) -> Zones {
        let mut zones: Vec<Zone> = Vec::new();
        let mut regions = Vec::new();
        for (place, region) in self.regions.iter().enumerate() {
            for name in region.zones() {
                zones.push(Zone { name: Rc::from(&**name), region: Some(Rc::from(&*region.name)) });
                regions.push(Some(place));
            }
        }
        for name in self.groups.iter().flat_map(|group| &group.zones) {
            if !zones.iter().any(|zone| *zone.name == **name) {
                zones.push(Zone { name: Rc::from(&**name), region: None });
                regions.push(None);
            }
        }
        Zones::new(zones, |from, to| {
            regions[from].zip(regions[to]).map_or(Micros::ZERO, |(from, to)| self.regions[from].away(to))
        })
    }

    /// In which of [`Document::zones`] the members of a group stand.
    pub(super) fn zones_of(&self, group: &Group) -> Vec<u16> {
        let zones = self.zones();
        let place = |name: &String| {
            (0..MAX_ZONES as u16).find(|zone| zones.get(*zone).is_some_and(|zone| *zone.name == **name))
        };
        group.zones.iter().filter_map(place).collect()
    }

    /// The names of zones and regions, some of them more than once.
    pub(super) fn zone_names(&self) -> impl Iterator<Item = &str> {
        let regions = self.regions.iter().flat_map(|region| region.zones().iter().chain([&region.name]));
        regions.chain(self.groups.iter().flat_map(|group| &group.zones)).map(String::as_str)
    }

    pub(super) fn check_region(&self, place: usize, found: &mut Reader) {
        let region = &self.regions[place];
        check_name("name", &region.name, found);
        if self.regions[..place].iter().any(|other| other.name == region.name) {
            found.wrong_in("name", &format!("there are two regions \"{}\"", short(&region.name)));
        }
        for name in region.zones() {
            check_name("zones", name, found);
            let others = self.regions.iter().enumerate().filter(|(other, _)| *other != place);
            if others.into_iter().any(|(_, other)| other.zones().contains(name) || other.name == *name) {
                found.wrong_in("zones", &format!("\"{}\" is in another region, too", short(name)));
            }
        }
        if region.zones.len() > MAX_ZONES {
            found.wrong_in("zones", &format!("{MAX_ZONES} is the limit"));
        }
        if !region.round_trip.is_empty() && !region.one_way.is_empty() {
            found.wrong("expected either round_trip or one_way");
        }
        let on_earth = |(east, north): (f64, f64)| (-180.0..=180.0).contains(&east) && (-90.0..=90.0).contains(&north);
        if region.at.is_some_and(|at| !on_earth(at)) {
            found.wrong_in("at", "expected degrees east from -180 to 180 and degrees north from -90 to 90");
        }
        for (field, row) in [("round_trip", &region.round_trip), ("one_way", &region.one_way)] {
            if !row.is_empty() && row.len() != self.regions.len() {
                let told = format!("expected one for each of the {} regions, found {}", self.regions.len(), row.len());
                found.wrong_in(field, &told);
            }
        }
    }

    /// What is wrong with the zones of groups, and with all zones together.
    pub(super) fn check_zones(&self, found: &mut Reader) {
        found.each("groups", self.groups.len(), &mut |found, place| {
            let zones = &self.groups[place].zones;
            if zones.len() > MAX_ZONES {
                found.wrong_in("zones", &format!("{MAX_ZONES} is the limit"));
            }
            for name in zones.iter().take(MAX_ZONES) {
                check_name("zones", name, found);
                if self.regions.iter().any(|region| region.name == *name && !region.zones.is_empty()) {
                    found.wrong_in("zones", &format!("\"{}\" is a region: name its zones", short(name)));
                }
            }
        });
        if found.full() {
            return;
        }
        let names: Table<&str, ()> = self.zone_names().map(|name| (name, ())).collect();
        if names.len() > 2 * MAX_ZONES {
            found.wrong(&format!("there are {} zones and regions; {} is the limit", names.len(), 2 * MAX_ZONES));
        }
        if let Some(name) = names.keys().find(|name| self.groups.iter().any(|group| group.name == ***name)) {
            found.wrong(&format!("a group and a zone are both called \"{}\"", short(name)));
        }
    }
}
