//! Instants as places from left to right, and back.

use crate::scene::between;
use crate::sim::{Micros, Time};

/// Where instants stand, by true time, or one event after another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// The left edge, in pixels.
    pub left: f32,
    /// The right edge, in pixels.
    pub right: f32,
    /// The instant at the left edge.
    pub from: Time,
    /// The instant at the right edge.
    pub until: Time,
    /// On the scale of events: the instants, ascending, that stand equally far from one another. None for true time.
    pub ranks: Option<Vec<Time>>,
}

impl Axis {
    /// Where an instant stands, in pixels; left or right of the edges what lies before or after.
    pub fn x(&self, at: Time) -> f32 {
        let width = self.right - self.left;
        if let Some(ranks) = &self.ranks {
            let step = width / (ranks.len() + 1) as f32;
            let after = ranks.partition_point(|rank| *rank < at);
            let exact = ranks.get(after) == Some(&at);
            let place = if exact { after as f32 + 1.0 } else { after as f32 + 0.5 };
            return self.left + place * step;
        }
        let span = self.until.since(self.from).0.max(1) as f32;
        let off = if at >= self.from { at.since(self.from).0 as f32 } else { -(self.from.since(at).0 as f32) };
        self.left + off / span * width
    }

    /// The instant at a place; the nearest edge's outside of them.
    pub fn at(&self, x: f32) -> Time {
        let share = between((x - self.left) / (self.right - self.left).max(1.0), 0.0, 1.0);
        match &self.ranks {
            Some(ranks) => {
                let place = (share * (ranks.len() + 1) as f32 + 0.5) as usize;
                ranks.get(place.max(1) - 1).or(ranks.last()).copied().unwrap_or(self.from)
            }
            None => self.from + Micros((f64::from(share) * self.until.since(self.from).0 as f64) as u64),
        }
    }

    /// Instants for a scale: round ones, so far apart that their names have room.
    pub fn ticks(&self) -> Vec<Time> {
        if let Some(ranks) = &self.ranks {
            let every = (ranks.len() as f32 * LABEL / (self.right - self.left).max(LABEL)) as usize + 1;
            return ranks.iter().step_by(every).copied().collect();
        }
        let span = self.until.since(self.from).0.max(1);
        let most = ((self.right - self.left) / LABEL).max(1.0) as u64;
        let mut step = 1_000;
        let mut factors = [2, 5, 10].iter().cycle();
        let mut unit = 1_000;
        while span / step > most {
            let factor = *factors.next().unwrap_or(&10);
            step = unit * factor;
            if factor == 10 {
                unit = step;
            }
        }
        let first = self.from.0.div_ceil(step) * step;
        (0..=most).map(|place| Time(first + place * step)).take_while(|at| *at <= self.until).collect()
    }
}

/// How much room the name of an instant takes, in pixels.
const LABEL: f32 = 84.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn axis() -> Axis {
        Axis { left: 100.0, right: 1_100.0, from: Time(2_000_000), until: Time(4_000_000), ranks: None }
    }

    #[test]
    fn true_time_runs_evenly_from_edge_to_edge() {
        let axis = axis();
        assert_eq!(axis.x(Time(2_000_000)), 100.0);
        assert_eq!(axis.x(Time(3_000_000)), 600.0);
        assert_eq!(axis.x(Time(1_000_000)), -400.0);
        assert_eq!(axis.at(600.0), Time(3_000_000));
        assert_eq!((axis.at(0.0), axis.at(2_000.0)), (Time(2_000_000), Time(4_000_000)));
    }

    #[test]
    fn ticks_are_round_and_have_room() {
        let ticks: Vec<u64> = axis().ticks().iter().map(|at| at.0).collect();
        assert_eq!(ticks, (0..=10).map(|place| 2_000_000 + place * 200_000).collect::<Vec<_>>());
        let tight = Axis { right: 190.0, ..axis() };
        assert!(tight.ticks().len() <= 2, "{:?}", tight.ticks());
    }

    #[test]
    fn on_the_scale_of_events_each_has_the_same_room() {
        let ranks = vec![Time(10), Time(11), Time(90_000)];
        let axis = Axis { left: 0.0, right: 400.0, from: Time(0), until: Time(100_000), ranks: Some(ranks) };
        assert_eq!([10, 11, 90_000].map(|at| axis.x(Time(at))), [100.0, 200.0, 300.0]);
        assert_eq!(axis.x(Time(500)), 250.0, "between two events");
        assert_eq!([99.0, 210.0, 399.0].map(|x| axis.at(x)), [Time(10), Time(11), Time(90_000)]);
    }
}
