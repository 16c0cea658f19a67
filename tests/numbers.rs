//! Numbers as text and back, natively and by the browser's own functions, against the standard library.
//!
//! `cargo test --test numbers` natively; `cargo test --target wasm32-unknown-unknown --test numbers` in Node.

use faultline::sim::{Plain, Purpose, Scientific, Stream, fixed, read_number};

/// Of two that are as short and as near, either may be written.
fn same(ours: &str, theirs: &str, number: f64) {
    assert!(ours == theirs || ours.len() == theirs.len() && ours.parse() == Ok(number), "{ours} for {theirs}");
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn what_is_written_reads_back_and_is_what_rust_writes() {
    let mut stream = Stream::new(7, Purpose::Faults);
    let mut numbers = vec![0.0, -0.0, 1.0, -1.5, 0.1, 1e15, 1e21, 1e-7, 123_456.789, f64::MAX, 5e-324];
    numbers.extend((0..20_000).map(|_| f64::from_bits(stream.bits())).filter(|number| number.is_finite()));
    numbers.extend((0..20_000).map(|_| stream.below(10_000_000) as f64 / 1_000.0));
    for number in numbers {
        same(&Plain(number).to_string(), &format!("{number}"), number);
        same(&Scientific(number).to_string(), &format!("{number:e}"), number);
        assert_eq!(read_number(&Plain(number).to_string()).map(f64::to_bits), Some(number.to_bits()));
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn only_numbers_are_read() {
    for text in ["", ".", "-", "1e", "e5", "1.2.3", "0x10", "inf", "NaN", "1_000", " 1", "1 ", "--1", "1e999", "१"] {
        assert_eq!(read_number(text), None, "{text:?}");
    }
    let numbers = [("1", 1.0), ("+1.5", 1.5), ("-.5", -0.5), ("2.", 2.0), ("1e3", 1_000.0), ("1E-3", 0.001)];
    assert!(numbers.iter().all(|(text, number)| read_number(text) == Some(*number)));
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn places_are_kept() {
    let cases = [
        (0.0, 1, "0.0"),
        (0.05, 1, "0.1"),
        (-0.04, 1, "0.0"),
        (-1.25, 2, "-1.25"),
        (99.6, 0, "100"),
        (12.3456, 3, "12.346"),
    ];
    for (number, places, text) in cases {
        assert_eq!(fixed(number, places), text);
    }
}
