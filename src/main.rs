//! In the browser: mounts the app. Natively: the command line.

#[cfg(target_arch = "wasm32")]
fn main() {
    faultline::ui::start();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    faultline::cli::main()
}
