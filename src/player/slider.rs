//! The notches of a slider: which value stands at which, so that every notch is another value and a key always gets on.

use crate::sim::{FieldKind, Micros, Value};

/// How many notches a slider has, unless it is of fewer whole numbers.
pub const NOTCHES: u32 = 100;

/// The most digits of a value at a notch.
const MOST_DIGITS: i32 = 7;

/// A slider of a setting; `None` for what is no number and no length of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slider {
    kind: FieldKind,
    min: f64,
    max: f64,
}

impl Slider {
    /// For a setting; `range` are its ends if they are not the setting's own, seconds for lengths of time.
    pub fn of(kind: FieldKind, range: Option<(f64, f64)>) -> Option<Slider> {
        let own = match kind {
            FieldKind::Number { min, max } => (min, max),
            FieldKind::Whole { min, max } => (min as f64, max as f64),
            FieldKind::Span { min, max } => (min.0 as f64 / 1e6, max.0 as f64 / 1e6),
            FieldKind::Flag | FieldKind::Choice(_) => return None,
        };
        let (min, max) = range.unwrap_or(own);
        Some(Slider { kind, min, max })
    }

    fn whole(&self) -> bool {
        matches!(self.kind, FieldKind::Whole { .. })
    }

    /// Its last notch; the first is 0.
    pub fn last(&self) -> u32 {
        let few = self.whole() && self.max - self.min <= f64::from(NOTCHES);
        if few { (self.max - self.min).max(1.0) as u32 } else { NOTCHES }
    }

    /// What stands at a notch. Small values are spread, for there the interesting ones are.
    fn at(&self, notch: u32) -> f64 {
        let (notch, span) = (notch.min(self.last()), self.max - self.min);
        if self.last() < NOTCHES {
            return self.min + f64::from(notch);
        }
        let share = f64::from(notch) / f64::from(NOTCHES);
        let raw = self.min + share * share * span;
        // Two digits, or as many as tell it from its neighbours.
        let beside = |by: f64| {
            let share = (f64::from(notch) + by) / f64::from(NOTCHES);
            self.min + share * share * span
        };
        let (below, above) = (beside(-1.0), beside(1.0));
        let alone = |digits: &i32| {
            let short = round_to(raw, *digits);
            (notch == 0 || round_to(below, *digits) < short) && short < round_to(above, *digits)
        };
        let digits = (2..MOST_DIGITS).find(alone).unwrap_or(MOST_DIGITS);
        let at = round_to(raw, digits).max(self.min).min(self.max);
        if self.whole() { libm::round(at).max(self.min + f64::from(notch)) } else { at }
    }

    /// The value at a notch.
    pub fn value(&self, notch: u32) -> Value {
        let at = self.at(notch);
        if matches!(self.kind, FieldKind::Span { .. }) {
            Value::text(Micros::from_f64(at * 1e6))
        } else {
            Value::Number(at)
        }
    }

    /// The notch at which a value stands, or the nearest.
    pub fn notch(&self, value: &Value) -> u32 {
        let now = match value {
            Value::Number(number) => *number,
            Value::Text(text) => Micros::parse(text).map_or(self.min, |span| span.0 as f64 / 1e6),
            Value::Flag(_) => self.min,
        };
        // Values grow with notches.
        let (mut low, mut high) = (0, self.last());
        while low < high {
            let middle = (low + high) / 2;
            if self.at(middle) < now - 1e-9 { low = middle + 1 } else { high = middle }
        }
        let nearer = low > 0 && now - self.at(low - 1) < self.at(low) - now;
        if nearer { low - 1 } else { low }
    }
}

/// To so many digits after the first.
fn round_to(value: f64, digits: i32) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let places = digits - 1 - libm::floor(libm::log10(libm::fabs(value))) as i32;
    let power: f64 = (0..places.abs()).map(|_| 10.0).product();
    if places < 0 { libm::round(value / power) * power } else { libm::round(value * power) / power }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    use crate::player::{Player, dials};
    use crate::scenario::{builtin, builtins};

    #[test]
    fn every_notch_is_another_value_and_a_value_finds_its_notch() {
        let mut sliders = vec![
            Slider::of(FieldKind::Whole { min: 0, max: 1_000_000 }, None),
            Slider::of(FieldKind::Number { min: 0.0, max: 100.0 }, None),
            Slider::of(FieldKind::Span { min: Micros::ms(1), max: Micros::secs(3600) }, None),
        ];
        for name in builtins() {
            let player = Player::new(Rc::new(builtin(name).expect(name))).expect(name);
            sliders.extend(dials(&player).iter().map(|dial| Slider::of(dial.field.kind, dial.range)));
        }
        assert!(sliders.len() > 40);
        for slider in sliders.into_iter().flatten() {
            for notch in 0..=slider.last() {
                assert_eq!(slider.notch(&slider.value(notch)), notch, "{slider:?}: {:?}", slider.value(notch));
                assert!(notch == 0 || slider.at(notch) > slider.at(notch - 1), "{slider:?} at {notch}");
            }
            assert_eq!((slider.at(0), slider.at(slider.last())), (slider.min, slider.max));
        }
    }

    #[test]
    fn few_whole_numbers_have_a_notch_each() {
        let slider = Slider::of(FieldKind::Whole { min: 0, max: 1_000 }, Some((0.0, 50.0))).expect("a slider");
        assert_eq!((slider.last(), slider.value(5), slider.notch(&Value::Number(20.0))), (50, Value::Number(5.0), 20));
    }
}
