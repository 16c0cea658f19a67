//! In the browser: mounts the app. Natively: the command line.

/// Where memory comes from in the browser: as fast here as what Rust brings, in a quarter of the code.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static MEMORY: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

/// Mounts the app: static/site/boot.js calls it when everything is there that it starts with, with the fragment of the link
/// to where a page stood that is loaded again.
#[cfg(target_arch = "wasm32")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn open(kept: Option<String>) {
    faultline::ui::start(kept);
}

/// The fragment of the link to where the page stands: static/site/boot.js keeps it for when the page is loaded again.
#[cfg(target_arch = "wasm32")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn here() -> String {
    faultline::ui::here()
}

/// Which lesson is open and how many of its tasks were done: static/site/boot.js keeps it for the gallery.
#[cfg(target_arch = "wasm32")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn learnt() -> String {
    faultline::ui::learnt()
}

#[cfg(target_arch = "wasm32")]
fn main() {}

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    faultline::cli::main()
}
