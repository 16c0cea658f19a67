//! Numbers as text and back. The standard library's tables for both weigh 20 kB in a download, gzipped; a browser has
//! them already, and both give the nearest double and the fewest digits. Only where two texts are as short and as near
//! may they choose differently, so that texts of numbers go into no digest; their bits do.

use std::fmt;

/// Reads a finite number: digits with at most one point, and an exponent if it likes; nothing else.
pub fn read(text: &str) -> Option<f64> {
    let number = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let right = digits(whole) && digits(fraction) && digits(exponent);
    if !right || exponent.is_empty() || whole.is_empty() && fraction.is_empty() {
        return None;
    }
    Some(parse(text)).filter(|number| number.is_finite())
}

#[cfg(not(target_arch = "wasm32"))]
fn parse(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

#[cfg(target_arch = "wasm32")]
fn parse(text: &str) -> f64 {
    js_sys::parse_float(text)
}

#[cfg(not(target_arch = "wasm32"))]
fn written(number: f64) -> String {
    format!("{number:e}")
}

#[cfg(target_arch = "wasm32")]
fn written(number: f64) -> String {
    // Refused only for a radix that there is not.
    js_sys::Number::from(number).to_string_with_radix(10).map_or_else(|_| String::new(), String::from)
}

/// The digits of a finite number, the fewest that read back to it, and where among them the point stands: 12.5 is
/// `("125", 2)`, 0.003 is `("3", -2)`, and 0 is `("0", 1)`.
pub fn digits(number: f64) -> (String, i32) {
    let written = written(libm::fabs(number));
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let leading = digits.len() - digits.trim_start_matches('0').len();
    let point = whole.len() as i32 + exponent.parse().unwrap_or(0) - leading as i32;
    match digits.trim_matches('0') {
        "" => ("0".to_owned(), 1),
        digits => (digits.to_owned(), point),
    }
}

/// A number in full: the fewest digits that read back to it, and no exponent.
pub struct Plain(pub f64);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_finite() {
            return f.write_str(if self.0.is_nan() {
                "NaN"
            } else if self.0 > 0.0 {
                "inf"
            } else {
                "-inf"
            });
        }
        let (digits, point) = digits(self.0);
        let count = digits.len() as i32;
        f.write_str(if self.0.is_sign_negative() { "-" } else { "" })?;
        if point <= 0 {
            f.write_str("0.")?;
        }
        for _ in point..0 {
            f.write_str("0")?;
        }
        if point > 0 && point < count {
            let (whole, fraction) = digits.split_at(point as usize);
            return write!(f, "{whole}.{fraction}");
        }
        f.write_str(&digits)?;
        for _ in count..point {
            f.write_str("0")?;
        }
        Ok(())
    }
}

/// A number with its exponent: `1.5e-7`.
pub struct Scientific(pub f64);

impl fmt::Display for Scientific {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (digits, point) = digits(self.0);
        let (first, rest) = digits.split_at(1);
        let (sign, dot) = (if self.0.is_sign_negative() { "-" } else { "" }, if rest.is_empty() { "" } else { "." });
        let exponent = if first == "0" { 0 } else { point - 1 };
        write!(f, "{sign}{first}{dot}{rest}e{exponent}")
    }
}

/// A number to so many digits after the point, for people; halves go up. Up to 9 places, and to 18 digits in all.
pub fn fixed(number: f64, places: u32) -> String {
    let power = 10_u64.pow(places.min(9));
    let scaled = libm::round(libm::fabs(number) * power as f64) as u64;
    let sign = if number < 0.0 && scaled > 0 { "-" } else { "" };
    let (whole, fraction) = (scaled / power, scaled % power);
    match places {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{fraction:0width$}", width = places as usize),
    }
}
