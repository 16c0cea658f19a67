//! Letters and numbers of links: the alphabet, escapes, base64url, the checksum, and what a sloppy paste adds.
//!
//! A text is itself if it consists of letters, digits, `-` and `_` and does not begin with `_`. Any other begins with
//! `_`; then `__` is an underscore and `_e9_` the character U+00E9. A number has `_` for its decimal point.

use crate::sim::{Micros, Plain, Scientific, Value};

/// Whether a link may have this character.
pub(super) fn allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~')
}

/// The link in what was pasted: behind the `#` of an address, with `%7E` read as `~`, and without the brackets, quotes
/// and full stops that no link begins or ends with.
pub(super) fn tidy(pasted: &str) -> String {
    let mut text = pasted.to_owned();
    // Some messengers encode what is encoded already.
    for _ in 0..2 {
        match decode_percent(&text) {
            Some(decoded) => text = decoded,
            None => break,
        }
    }
    let foreign = |c: char| !c.is_ascii_alphanumeric();
    let text = text.trim_matches(foreign);
    text.split_once('#').map_or(text, |(_, fragment)| fragment).trim_matches(foreign).to_owned()
}

/// `None` where nothing is encoded, or it is encoded wrongly.
fn decode_percent(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    let mut found = false;
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2).filter(|hex| !hex.starts_with('+'))?, 16).ok()?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
        found = true;
    }
    String::from_utf8(bytes).ok().filter(|_| found)
}

/// A text as a link writes it.
pub(super) fn text(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if !text.is_empty() && !text.starts_with('_') && text.chars().all(|c| plain(c) || c == '_') {
        return text.to_owned();
    }
    escaped(text)
}

fn escaped(text: &str) -> String {
    let mut written = String::from("_");
    for c in text.chars() {
        match c {
            '_' => written.push_str("__"),
            c if c.is_ascii_alphanumeric() || c == '-' => written.push(c),
            c => written.push_str(&format!("_{:x}_", c as u32)),
        }
    }
    written
}

/// A text from a link; `None` for an escape that says nothing.
pub(super) fn read_text(written: &str) -> Option<String> {
    let Some(mut rest) = written.strip_prefix('_') else {
        return (!written.is_empty()).then(|| written.to_owned());
    };
    let mut text = String::new();
    while let Some((plain, escape)) = rest.split_once('_') {
        text.push_str(plain);
        let (code, after) = escape.split_once('_')?;
        text.push(if code.is_empty() { '_' } else { char::from_u32(u32::from_str_radix(code, 16).ok()?)? });
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}

/// A number as a link writes it: the shortest form that reads back to the same. No legal number is not finite.
pub(super) fn number(number: f64) -> String {
    let number = if number.is_finite() { number } else { 0.0 };
    let plain = Plain(number).to_string();
    if plain.len() > 20 { Scientific(number).to_string() } else { plain }.replace('.', "_")
}

/// A number from a link: `12`, `-0_5`, `1_5e-7`.
pub(super) fn read_number(written: &str) -> Option<f64> {
    let mantissa = written.strip_prefix('-').unwrap_or(written);
    let (mantissa, exponent) = mantissa.split_once('e').unwrap_or((mantissa, "0"));
    let (whole, fraction) = mantissa.split_once('_').unwrap_or((mantissa, "0"));
    // Stricter than numbers elsewhere, so that names and lengths of time are not taken for them.
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let numeric = digits(whole) && digits(fraction) && digits(exponent.strip_prefix('-').unwrap_or(exponent));
    crate::sim::read_number(&written.replace('_', ".")).filter(|_| numeric)
}

/// A length of time from a link: `10s`, `1_5s`.
pub(super) fn read_span(written: &str) -> Option<Micros> {
    Micros::parse(&written.replace('_', ".")).ok()
}

/// A value as a link writes it.
pub(super) fn value(value: &Value) -> String {
    let written = match value {
        Value::Flag(flag) => return flag.to_string(),
        Value::Number(number) => return self::number(*number),
        Value::Text(text) if Micros::parse(text).is_ok() => text.replace('.', "_"),
        Value::Text(text) => self::text(text),
    };
    // What would be read as a number, a flag or another length of time is marked as text.
    if written.chars().all(allowed) && !written.contains(['.', '~']) && read_value(&written).as_ref() == Some(value) {
        return written;
    }
    escaped(&value.to_string())
}

/// A value from a link.
pub(super) fn read_value(written: &str) -> Option<Value> {
    match written {
        "true" => Some(Value::Flag(true)),
        "false" => Some(Value::Flag(false)),
        _ => match read_number(written) {
            Some(number) => Some(Value::Number(number)),
            None if !written.starts_with('_') && read_span(written).is_some() => {
                Some(Value::text(written.replace('_', ".")))
            }
            None => read_text(written).map(Value::text),
        },
    }
}

/// The checksum: CRC-32 as zip and PNG have it, which finds every change of up to four neighbouring letters.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = !0u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base64url without padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    let mut written = String::with_capacity(bytes.len() * 4 / 3 + 3);
    for chunk in bytes.chunks(3) {
        let part = |place: usize| u32::from(chunk.get(place).copied().unwrap_or_default());
        let word = part(0) << 16 | part(1) << 8 | part(2);
        for place in 0..=chunk.len() {
            written.push(BASE64[(word >> (18 - 6 * place) & 63) as usize] as char);
        }
    }
    written
}

/// The bytes of base64url without padding.
pub(super) fn read_base64(written: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(written.len() * 3 / 4);
    for chunk in written.as_bytes().chunks(4) {
        let mut word = 0;
        for (place, letter) in chunk.iter().enumerate() {
            let six = match letter {
                b'A'..=b'Z' => letter - b'A',
                b'a'..=b'z' => letter - b'a' + 26,
                b'0'..=b'9' => letter - b'0' + 52,
                b'-' => 62,
                b'_' => 63,
                _ => return None,
            };
            word |= u32::from(six) << (18 - 6 * place);
        }
        if chunk.len() == 1 {
            return None;
        }
        bytes.extend_from_slice(&word.to_be_bytes()[1..chunk.len()]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vectors() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        for (bytes, written) in [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), written);
            assert_eq!(read_base64(written).as_deref(), Some(bytes.as_bytes()));
        }
    }

    #[test]
    fn texts_and_values_as_people_see_them() {
        for (plain, written) in [
            ("gateway-1", "gateway-1"),
            ("idle_timeout", "idle_timeout"),
            ("before store", "_before_20_store"),
            ("_x", "___x"),
            ("", "_"),
            ("é", "__e9_"),
        ] {
            assert_eq!(text(plain), written);
            assert_eq!(read_text(written).as_deref(), Some(plain));
        }
        for (plain, written) in [
            (Value::Number(0.05), "0_05"),
            (Value::Number(-0.0), "-0"),
            (Value::Number(1e300), "1e300"),
            (Value::text("40ms"), "40ms"),
            (Value::text("1.5s"), "1_5s"),
            (Value::text("1_5s"), "_1__5s"),
            (Value::text("12"), "_12"),
            (Value::text("true"), "_true"),
            (Value::Flag(true), "true"),
            (Value::text("before-store"), "before-store"),
        ] {
            assert_eq!(value(&plain), written);
            assert_eq!(read_value(written), Some(plain));
        }
        for wrong in ["_1_", "_zz_", "_110000_", "_d800_", ""] {
            assert_eq!(read_text(wrong), None, "{wrong}");
        }
        for wrong in ["NaN", "inf", "1e999", "1_", "_5", "+1", "1e", "0x1", "1_2_3", "1e5_5"] {
            assert_eq!(read_number(wrong), None, "{wrong}");
        }
    }
}
