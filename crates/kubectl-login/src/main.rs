//! Starts the client; everything else is in `lib.rs`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let words = kubectl_login::system::program::words();
    kubectl_login::run(&words)
}
