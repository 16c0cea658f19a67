//! The library runs as wasm: `cargo test --target wasm32-unknown-unknown --test 'wasm_*'`, in Node.
#![cfg(target_arch = "wasm32")]

use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn arithmetic_that_must_not_differ_between_targets() {
    assert_eq!(libm::log(3.0).to_bits(), 0x3ff1_93ea_7aad_030a);
}
