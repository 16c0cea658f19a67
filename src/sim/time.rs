//! Simulated time: whole microseconds, never a float, never a wall clock.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// An instant: microseconds since the run began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

/// A length of time in microseconds. In documents and links it is text with a unit: `250us`, `40ms`, `1.5s`, `2min`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub u64);

/// The longest time a document, a link or a command may name: a simulated month.
pub const LONGEST: Micros = Micros(31 * 24 * 3600 * 1_000_000);

impl Time {
    /// The beginning of every run.
    pub const ZERO: Time = Time(0);

    /// The time that has passed since `earlier`; zero if `earlier` is later.
    pub fn since(self, earlier: Time) -> Micros {
        Micros(self.0.saturating_sub(earlier.0))
    }

    /// Seconds, for charts and text only: nothing that decides may use it.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl Micros {
    /// No time at all.
    pub const ZERO: Micros = Micros(0);

    /// `n` milliseconds.
    pub const fn ms(n: u64) -> Micros {
        Micros(n * 1_000)
    }

    /// `n` seconds.
    pub const fn secs(n: u64) -> Micros {
        Micros(n * 1_000_000)
    }

    /// The nearest whole number of microseconds to `us`, between zero and [`LONGEST`]; not-a-number gives zero.
    pub fn from_f64(us: f64) -> Micros {
        // `as` saturates and maps NaN to zero, alike natively and in wasm; the addition rounds half up.
        Micros(((us + 0.5) as u64).min(LONGEST.0))
    }

    /// This span times `permille` / 1000, rounded down, never overflowing.
    pub fn scaled(self, permille: u64) -> Micros {
        let (whole, rest) = (permille / 1000, permille % 1000);
        let part = self.0 / 1000 * rest + self.0 % 1000 * rest / 1000;
        Micros(self.0.saturating_mul(whole).saturating_add(part))
    }

    /// Reads `250us`, `40ms`, `1.5s`, `2min` or `0`.
    ///
    /// # Errors
    /// A sentence that says what was expected, for text that is not a length of time or is longer than [`LONGEST`].
    pub fn parse(text: &str) -> Result<Micros, String> {
        let text = text.trim();
        let wrong = || {
            format!("expected a length of time such as \"40ms\", \"1.5s\" or \"250us\", found \"{}\"", shorten(text))
        };
        if text == "0" {
            return Ok(Micros::ZERO);
        }
        let split = text.find(|c: char| c.is_ascii_alphabetic() || c == 'µ').ok_or_else(wrong)?;
        let unit: u64 = match &text[split..] {
            "us" | "µs" => 1,
            "ms" => 1_000,
            "s" => 1_000_000,
            "min" => 60_000_000,
            "h" => 3_600_000_000,
            _ => return Err(wrong()),
        };
        let (whole, fraction) = text[..split].trim().split_once('.').unwrap_or((text[..split].trim(), ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit()) && part.len() <= 18;
        if whole.is_empty() || !digits(whole) || !digits(fraction) {
            return Err(wrong());
        }
        let whole: u64 = whole.parse().map_err(|_| wrong())?;
        // From the last digit to the first, so that nothing is lost and nothing overflows.
        let part = fraction.bytes().rev().fold(0, |part, digit| (u64::from(digit - b'0') * unit + part) / 10);
        let us = whole.saturating_mul(unit).saturating_add(part);
        if us > LONGEST.0 {
            return Err(format!("\"{}\" is longer than the longest time allowed, 744h", shorten(text)));
        }
        Ok(Micros(us))
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

impl fmt::Display for Micros {
    /// The largest unit that needs no fraction: it reads back to the same value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => write!(f, "0s"),
            us if us % 1_000_000 == 0 => write!(f, "{}s", us / 1_000_000),
            us if us % 1_000 == 0 => write!(f, "{}ms", us / 1_000),
            us => write!(f, "{us}us"),
        }
    }
}

impl fmt::Display for Time {
    /// Seconds with all six digits of the microsecond: `12.405000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// A time for people: seconds and milliseconds, `12.405`.
pub fn clock(at: Time) -> String {
    format!("{}.{:03}", at.0 / 1_000_000, at.0 / 1_000 % 1_000)
}

impl Add<Micros> for Time {
    type Output = Time;
    fn add(self, span: Micros) -> Time {
        Time(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Micros> for Time {
    fn add_assign(&mut self, span: Micros) {
        *self = *self + span;
    }
}

impl Add for Micros {
    type Output = Micros;
    fn add(self, other: Micros) -> Micros {
        Micros(self.0.saturating_add(other.0))
    }
}

impl Sub for Micros {
    type Output = Micros;
    fn sub(self, other: Micros) -> Micros {
        Micros(self.0.saturating_sub(other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_back_what_they_write() {
        for us in [0, 1, 999, 1_000, 1_500, 1_000_000, 12_405_021, 60_000_000, LONGEST.0] {
            assert_eq!(Micros::parse(&Micros(us).to_string()), Ok(Micros(us)));
        }
        assert_eq!(Micros::parse("1.5s"), Ok(Micros(1_500_000)));
        assert_eq!(Micros::parse("0.25ms"), Ok(Micros(250)));
    }

    #[test]
    fn nonsense_is_refused_with_a_sentence() {
        for text in ["", "5", "ms", "-3ms", "1e9s", "99999999999999999999s", "900h", "1.2.3s", "five s", "é"] {
            let told = Micros::parse(text).expect_err(text);
            assert!(told.contains("time"), "{told}");
        }
    }
}
