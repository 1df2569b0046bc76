//! Starts the client.
//! Never more than this: the story is in `lib.rs`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    kubectl_login::run(&arguments)
}
