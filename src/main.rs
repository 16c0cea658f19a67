//! In the browser: mounts the app. Natively: the command line.

/// Where memory comes from in the browser: as fast here as what Rust brings, in a quarter of the code.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static MEMORY: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

#[cfg(target_arch = "wasm32")]
fn main() {
    faultline::ui::start();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    faultline::cli::main()
}
